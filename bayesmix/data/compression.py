"""What compressing many rows leaves: how many rows stand for how many, and what the error of that is measured by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bayesmix.data.column import FloatArray

__all__ = ["Bins", "Compression", "CompressionInfo"]

_MOST_NAMED = 4


@dataclass(frozen=True)
class CompressionInfo:
    """How far rows were compressed.

    Attributes
    ----------
    n_rows : int
        Number of rows that were compressed, each as often as it counted.
    n_distinct : int
        Number of rows that stand for them.
    columns : tuple of str
    steps : tuple of float or None
        The width of the bins of each column; None where every value was kept as it is.

    Examples
    --------
    >>> few = bm.compress(arms["length"], resolution=2, random_seed=1)
    >>> info = few.of_columns(["length"]).info
    >>> info.n_rows, info.columns, info.steps, info.exact
    (19, ('length',), (2.0,), False)
    """

    n_rows: int
    n_distinct: int
    columns: tuple[str, ...]
    steps: tuple[float | None, ...]

    @property
    def exact(self) -> bool:
        """Whether every value was kept as it is."""
        return all(step is None for step in self.steps)

    @property
    def words(self) -> str:
        """Say how many rows stand for how many, and what was binned."""
        binned = [f"{step:g} in {name!r}" for name, step in zip(self.columns, self.steps, strict=True) if step]
        more = f" and {len(binned) - _MOST_NAMED} more columns" if len(binned) > _MOST_NAMED else ""
        how = f"bins of {', '.join(binned[:_MOST_NAMED])}{more}" if binned else "exactly"
        return f"{self.n_distinct} distinct rows stand for {self.n_rows}, {how}"


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins that rows were gathered in: their moments, and sampled rows with their places.

    They may be finer than those that the fitted rows stand for, so as to measure what these lose.

    Attributes
    ----------
    columns : tuple of str, length b
        The columns that were binned.
    rows : ndarray of int, shape (c,)
        For each bin one of the fitted rows that stand for it, among others.
    counts : ndarray of float64, shape (c,)
        Number of rows in each bin.
    low, high, mean : ndarray of float64, shape (c, b)
        Smallest, largest and mean value of each bin; NaN where missing.
    cross : ndarray of float64, shape (c, b, b)
        Covariance of the values within each bin (divisor n); 0 where they are all equal or missing.
    sample_bins : ndarray of int, shape (m,)
        The bins of rows that were drawn at random.
    sample : ndarray of float64, shape (m, b)
        The binned columns of these rows.

    Examples
    --------
    >>> bins = bm.compress(arms["length"], resolution=2, random_seed=1).bins
    >>> int(bins.counts.sum()), bins.mean.shape == (len(bins.counts), 1)
    (19, True)
    """

    columns: tuple[str, ...]
    rows: npt.NDArray[np.intp]
    counts: FloatArray
    low: FloatArray
    high: FloatArray
    mean: FloatArray
    cross: FloatArray
    sample_bins: npt.NDArray[np.intp]
    sample: FloatArray

    def pick(self, columns: Sequence[str]) -> "Bins":
        """Return the same bins with some of the binned columns, in this order.

        Parameters
        ----------
        columns : sequence of str

        Examples
        --------
        >>> bm.compress(arms["length"], resolution=2).bins.pick(["length"]).columns
        ('length',)
        """
        at = [self.columns.index(name) for name in columns]
        taken = {name: getattr(self, name)[:, at] for name in ("low", "high", "mean", "sample")}
        return replace(self, columns=tuple(columns), cross=self.cross[:, at][:, :, at], **taken)


@dataclass(frozen=True, eq=False)
class Compression:
    """What rows carry that stand for many others.

    Attributes
    ----------
    info : CompressionInfo
    bins : Bins or None
        None where nothing was binned.

    Examples
    --------
    >>> bm.compress(arms["length"]).of_columns(["length"]).bins is None
    True
    """

    info: CompressionInfo
    bins: Bins | None
