"""`Observations`: the validated rows of one column or several."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data.column import BoolArray, Column, Distinct, FloatArray, merge
from bayesmix.data.compression import Compression
from bayesmix.errors import InputError

__all__ = ["Observations", "check_component_count"]


@dataclass(frozen=True, eq=False)
class Observations:
    """Validated rows of one column or several.

    Attributes
    ----------
    columns : tuple of Column
    index : pandas.Index, length n
        Row labels; results carry them.
    weights : ndarray of float64, shape (n,), or None
        How often each row counts; None is once each.
    known : ndarray of float64, shape (n,), or None
        The component that a row is known to belong to, as a number from 0; NaN where unknown.
    compression : Compression or None
        What rows carry that stand for many others, see `bayesmix.compress`.

    Examples
    --------
    >>> rows = fit.observations
    >>> rows.n, rows.n_distinct, rows.names
    (19, 13, ('length',))
    """

    columns: tuple[Column, ...]
    index: pd.Index
    weights: FloatArray | None = None
    known: FloatArray | None = None
    compression: Compression | None = None

    @property
    def n(self) -> int:
        """Number of rows, however often each counts."""
        return len(self.index)

    @property
    def total(self) -> float:
        """Sum of the weights: the number of units the rows stand for."""
        return float(self.n) if self.weights is None else float(self.weights.sum())

    @property
    def weights_are_counts(self) -> bool:
        """Whether every weight is a whole number, so that a row stands for that many equal units."""
        return self.weights is None or bool(np.all(self.weights == np.round(self.weights)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def name(self) -> str:
        """The only column's name, or the first few names."""
        return ", ".join(self.names[:4]) + (", …" if len(self.names) > 4 else "")

    @property
    def values(self) -> FloatArray:
        """Values of the only column, shape (n,), or of all, shape (n, columns); NaN where missing.

        Examples
        --------
        >>> fit.observations.values[:3].tolist()
        [24.0, 23.0, 21.0]
        """
        if len(self.columns) == 1:
            return self.columns[0].values
        return np.stack([column.values for column in self.columns], axis=1)

    @cached_property
    def cells(self) -> FloatArray:
        """The cells of all columns side by side, shape (n, total width); read-only, NaN where missing.

        Known components, where there are any, are one more column behind them.

        Examples
        --------
        >>> fit.observations.cells.shape
        (19, 1)
        """
        if len(self.columns) == 1 and self.known is None:
            return self.columns[0].cells
        known = [] if self.known is None else [self.known[:, np.newaxis]]
        cells = np.concatenate([*(column.cells for column in self.columns), *known], axis=1)
        cells.flags.writeable = False
        return cells

    @property
    def parts(self) -> tuple[slice, ...]:
        """Where each column's numbers are in `cells`.

        Examples
        --------
        >>> fit.observations.parts
        (slice(0, 1, None),)
        """
        ends = np.cumsum([column.width for column in self.columns]).tolist()
        return tuple(slice(end - column.width, end) for column, end in zip(self.columns, ends, strict=True))

    @cached_property
    def informative(self) -> BoolArray:
        """Whether anything was observed, per row.

        Examples
        --------
        >>> int(fit.observations.informative.sum())
        19
        """
        known = [] if self.known is None else [~np.isnan(self.known)]
        return np.any([column.present for column in self.columns] + known, axis=0)

    @cached_property
    def distinct(self) -> Distinct:
        """Distinct rows with their summed weights.

        Examples
        --------
        >>> fit.observations.distinct.counts.sum().item()
        19.0
        """
        single = len(self.columns) == 1 and self.columns[0].width == 1 and self.known is None
        plain = single and bool(self.informative.all())
        return self.columns[0].merged if plain else merge(self.cells, self.weights)

    @property
    def n_distinct(self) -> int:
        """Number of distinct rows in which something was observed."""
        return len(self.distinct.counts) - (0 if self.informative.all() else 1)

    @property
    def most_tied(self) -> tuple[float, float]:
        """The only column's `most_tied`."""
        return self._only.most_tied

    @property
    def center(self) -> float:
        """The only column's `center`."""
        return self._only.center

    @property
    def scale(self) -> float:
        """The only column's `scale`."""
        return self._only.scale

    @property
    def _only(self) -> Column:
        (column,) = self.columns
        return column

    def without_unit(self, position: int) -> "Observations":
        """Return the rows less one unit of a distinct row; the rows themselves stay as they are.

        Parameters
        ----------
        position : int
            Position among the distinct rows. The first of the rows with these cells is dropped or, where rows have
            weights (whole numbers), counts once less, and is dropped when nothing of it remains.

        Examples
        --------
        >>> fit.observations.without_unit(0).n
        18
        """
        row = self.first_rows[position]
        keep = np.ones(self.n, dtype=bool)
        weights = None if self.weights is None else self.weights.copy()
        if weights is not None:
            weights[row] -= 1.0
        keep[row] = weights is not None and weights[row] > 0
        return replace(self, weights=weights).take(keep)

    def take(self, rows: npt.NDArray[np.intp] | BoolArray) -> "Observations":
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of int or bool
            Positions, or a mask.

        Returns
        -------
        Observations

        Examples
        --------
        >>> fit.observations.take(np.array([0, 3])).values.tolist()
        [24.0, 15.5]
        """
        weights = None if self.weights is None else self.weights[rows]
        columns = tuple(
            replace(
                column,
                values=column.values[rows],
                index=column.index[rows],
                weights=weights,
                bounds=None if column.bounds is None else (column.bounds[0][rows], column.bounds[1][rows]),
                extra=None if column.extra is None else column.extra[rows],
            )
            for column in self.columns
        )
        return Observations(columns, self.index[rows], weights, None if self.known is None else self.known[rows])

    @cached_property
    def first_rows(self) -> npt.NDArray[np.intp]:
        """The first row of each distinct one, in their order.

        Examples
        --------
        >>> fit.observations.first_rows[:3].tolist()
        [3, 7, 4]
        """
        return np.unique(self.distinct.inverse, return_index=True)[1]

    def spread(self, shares: FloatArray) -> FloatArray:
        """Return the distinct rows below which these shares of the units lie; counts and expanded data give the same.

        Parameters
        ----------
        shares : ndarray of float in [0, 1], shape (m,)

        Returns
        -------
        ndarray of float64
            Values, shape (m,), of a single column of points; otherwise cells, shape (m, total width).

        Examples
        --------
        >>> fit.observations.spread(np.array([0.25, 0.5, 0.75])).tolist()
        [17.5, 23.5, 25.5]
        """
        below = np.cumsum(self.distinct.counts)
        at = np.minimum(np.searchsorted(below, shares * below[-1]), len(below) - 1)
        return np.asarray(self.distinct.values[at] if self.cells.shape[1] == 1 else self.distinct.cells[at])

    @property
    def measure(self) -> str:
        """What a row contributes to the likelihood, by column: its density at a point, or an interval's probability."""
        kinds = [
            "points" if not c.interval else "intervals" if c.resolution is None else f"intervals of {c.resolution:g}"
            for c in self.columns
        ]
        if len(set(kinds)) == 1:
            return kinds[0]
        return ", ".join(f"{kind} in {c.name!r}" for c, kind in zip(self.columns, kinds, strict=True))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the likelihood reads, in its order: equal digests mean the same data."""
        content = hashlib.sha256(np.ascontiguousarray(self.cells).tobytes())
        layout = [[c.interval, c.width, [repr(category) for category in c.categories]] for c in self.columns]
        if len(self.columns) > 1 or layout != [[False, 1, []]]:
            content.update(json.dumps([layout, self.names if len(self.columns) > 1 else ()]).encode())
        if self.known is not None:
            content.update(b"known")
        if self.weights is not None:
            content.update(b"weights" + np.ascontiguousarray(self.weights).tobytes())
        return content.hexdigest()

    @property
    def coordinate(self) -> npt.NDArray[Any]:
        """The index as an xarray coordinate: labels where they are plain, positions where they are tuples.

        Examples
        --------
        >>> fit.observations.coordinate[:3].tolist()
        [0, 1, 2]
        """
        if isinstance(self.index, pd.MultiIndex):
            return np.arange(self.n)
        if pd.api.types.is_numeric_dtype(self.index) or pd.api.types.is_datetime64_dtype(self.index):
            return np.asarray(self.index)
        return np.asarray([str(label) for label in self.index], dtype=object)


def check_component_count(n_components: int, observations: Observations) -> None:
    """Refuse more components than there are distinct rows.

    Raises
    ------
    InputError
        If ``n_components > observations.n_distinct``.
    """
    if n_components > observations.n_distinct:
        kind = "values" if len(observations.columns) == 1 else "rows"
        raise InputError(
            f"n_components must not exceed the number of distinct {kind}, got n_components={n_components} for "
            f"{observations.n_distinct} distinct {kind} in {observations.n} rows. Use fewer components."
        )
