"""`Layout`: where each column stands in a matrix of cells."""

from dataclasses import dataclass
from typing import Any

from bayesmix.data.rows import Observations

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """Where each column's numbers stand in a matrix of cells, and what they are.

    Attributes
    ----------
    names : tuple of str
        Of the columns.
    intervals : tuple of bool
        Whether a column's cells are lower and upper ends.
    widths : tuple of int
        Numbers per cell.
    resolutions : tuple of float or None
        The steps that values were rounded to, where stated.

    Examples
    --------
    >>> fit.layout
    Layout(names=('length',), intervals=(False,), widths=(1,), resolutions=(None,))
    """

    names: tuple[str, ...]
    intervals: tuple[bool, ...]
    widths: tuple[int, ...]
    resolutions: tuple[float | None, ...]

    @classmethod
    def of(cls, rows: Observations) -> "Layout":
        """Return the layout of some rows.

        Parameters
        ----------
        rows : Observations

        Returns
        -------
        Layout

        Examples
        --------
        >>> fit.layout.of(fit.observations) == fit.layout
        True
        """
        return cls(
            rows.names,
            tuple(c.interval for c in rows.columns),
            tuple(c.width for c in rows.columns),
            tuple(c.resolution for c in rows.columns),
        )

    @property
    def width(self) -> int:
        """Numbers per row, without a known class."""
        return sum(self.widths)

    def known(self, cells: Any) -> Any:
        """Return the known classes that stand behind the columns of a matrix of cells.

        Parameters
        ----------
        cells : ndarray, shape (n, width)
            Or a PyMC expression.

        Returns
        -------
        ndarray, shape (n,), or None
            Numbers of components, NaN where unknown; None where no row has a known class.

        Examples
        --------
        >>> fit.layout.known(fit.observations.cells) is None
        True
        """
        return cells[:, self.width] if cells.shape[1] > self.width else None

    def trials(self, column: int) -> bool:
        """Return whether a column's cells are successes and trials.

        Parameters
        ----------
        column : int
            Its position.

        Examples
        --------
        >>> fit.layout.trials(0)
        False
        """
        return self.widths[column] > 1 and not self.intervals[column]

    def part(self, column: int) -> slice:
        """Return where a column's numbers stand.

        Parameters
        ----------
        column : int
            Its position.

        Examples
        --------
        >>> fit.layout.part(0)
        slice(0, 1, None)
        """
        start = sum(self.widths[:column])
        return slice(start, start + self.widths[column])
