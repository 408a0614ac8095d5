"""`Column`: the validated cells of one column, with the figures that priors and refusals need; `Distinct` cells."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data.raw import row_label
from bayesmix.errors import InputError

__all__ = ["BoolArray", "Column", "Distinct", "FloatArray", "merge"]

type FloatArray = npt.NDArray[np.float64]
type BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Distinct:
    """Distinct rows of cells.

    Attributes
    ----------
    cells : ndarray of float64, shape (d, width)
        Sorted, the first cell first and missing cells (NaN) last, so that rows written out and rows with counts give
        the same bits.
    counts : ndarray of float64, shape (d,)
        Summed weights of the rows with these cells.
    inverse : ndarray of int, shape (n,)
        ``cells[inverse]`` gives the rows back.

    Examples
    --------
    >>> distinct = fit.observations.distinct
    >>> distinct.cells[:3, 0].tolist(), distinct.counts[:3].tolist()
    ([15.5, 17.0, 17.5], [1.0, 2.0, 2.0])
    """

    cells: FloatArray
    counts: FloatArray
    inverse: npt.NDArray[np.intp]

    @property
    def values(self) -> FloatArray:
        """The cells of a single column of points, shape (d,).

        Examples
        --------
        >>> fit.observations.distinct.values[:3].tolist()
        [15.5, 17.0, 17.5]
        """
        return self.cells[:, 0]


def merge(cells: FloatArray, weights: FloatArray | None) -> Distinct:
    """Find the distinct rows.

    Rows are sorted by their first cells, then those that tie by their second, and so on: a column of measurements
    leaves little to do for the next (1e6 rows of 5 cells take about half a second).
    """
    if cells.shape[1] == 1:
        values, inverse = np.unique(cells[:, 0], return_inverse=True)
        return Distinct(values[:, None], np.bincount(inverse, weights=weights).astype(np.float64), inverse)
    columns = np.ascontiguousarray(cells.T) + 0.0  # -0.0 becomes 0.0: one value, one pattern of bits
    order = np.argsort(columns[0], kind="stable")
    new = _begins(columns[0][order])
    for column in columns[1:]:
        tied = ~(new & np.append(new[1:], True))
        rows, group = order[tied], np.cumsum(new)[tied]
        rows = rows[np.lexsort((column[rows], group))]
        order[tied] = rows
        new[tied] |= _begins(column[rows])
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[order] = np.cumsum(new) - 1
    counts = np.bincount(inverse, weights=weights).astype(np.float64)
    return Distinct(np.ascontiguousarray(columns[:, order[new]].T), counts, inverse)


def _begins(values: FloatArray) -> BoolArray:
    """Return where a value differs from the one before it; NaN equals NaN."""
    begins = np.ones(len(values), dtype=bool)
    after, before = values[1:], values[:-1]
    begins[1:] = (after != before) & ~(np.isnan(after) & np.isnan(before))
    return begins


@dataclass(frozen=True, eq=False)
class Column:
    """One validated column.

    Attributes
    ----------
    name : str
    values : ndarray of float64, shape (n,)
        Numbers in the user's units, or codes of categories; NaN where missing. For an interval its middle, or the end
        that is finite.
    index : pandas.Index, length n
    weights : ndarray of float64, shape (n,), or None
        How often each row counts; None is once each.
    bounds : pair of ndarrays of float64, shape (n,) each, or None
        Lower and upper ends where the cells are intervals; NaN where missing.
    extra : ndarray of float64, shape (n,), or None
        A known number beside each value: the trials of a binomial.
    categories : tuple
        What the codes stand for, in order.
    resolution : float or None
        The step to which the values were rounded, if that is how the bounds came about.

    Examples
    --------
    >>> column = fit.observations.columns[0]
    >>> column.name, column.n_distinct, column.most_tied
    ('length', 13, (24.0, 3.0))
    """

    name: str
    values: FloatArray
    index: pd.Index
    weights: FloatArray | None = None
    bounds: tuple[FloatArray, FloatArray] | None = None
    extra: FloatArray | None = None
    categories: tuple[Hashable, ...] = ()
    resolution: float | None = None

    @property
    def interval(self) -> bool:
        """Whether the cells are intervals."""
        return self.bounds is not None

    @property
    def width(self) -> int:
        """Number of float64 numbers per cell."""
        return 1 if self.bounds is None and self.extra is None else 2

    @cached_property
    def present(self) -> BoolArray:
        """Whether something was observed, per row.

        Examples
        --------
        >>> bool(fit.observations.columns[0].present.all())
        True
        """
        return ~np.isnan(self.values)

    @property
    def lowest(self) -> FloatArray:
        """Lower bounds; the values themselves where they are points.

        Examples
        --------
        >>> rounded = bm.Mixture(1).fit(arms["length"], resolution=0.5, draws=250, random_seed=1)
        >>> column = rounded.observations.columns[0]
        >>> column.lowest[:2].tolist(), column.highest[:2].tolist()
        ([23.75, 22.75], [24.25, 23.25])
        """
        return self.values if self.bounds is None else self.bounds[0]

    @property
    def highest(self) -> FloatArray:
        """Upper bounds; the values themselves where they are points.

        Examples
        --------
        >>> fit.observations.columns[0].highest[:2].tolist()  # points
        [24.0, 23.0]
        """
        return self.values if self.bounds is None else self.bounds[1]

    @cached_property
    def cells(self) -> FloatArray:
        """The value, or lower and upper bound, or value and trials of each row, shape (n, width); NaN if missing.

        Examples
        --------
        >>> fit.observations.columns[0].cells.shape
        (19, 1)
        """
        if self.bounds is not None:
            cells = np.stack(self.bounds, axis=1)
        elif self.extra is not None:
            cells = np.stack([self.values, np.where(self.present, self.extra, np.nan)], axis=1)
        else:
            return self.values[:, None]
        cells.flags.writeable = False
        return cells

    @cached_property
    def merged(self) -> Distinct:
        """Distinct values that are present, with their summed weights, sorted; ``inverse`` runs over the present.

        Examples
        --------
        >>> merged = fit.observations.columns[0].merged
        >>> dict(zip(merged.values[-3:].tolist(), merged.counts[-3:].tolist()))
        {25.5: 3.0, 27.0: 1.0, 28.0: 1.0}
        """
        weights = None if self.weights is None else self.weights[self.present]
        return merge(self.values[self.present, None], weights)

    @cached_property
    def n_distinct(self) -> int:
        """Number of distinct cells that are present."""
        return len(self.merged.cells) if self.width == 1 else len(merge(self.cells[self.present], None).cells)

    @property
    def most_tied(self) -> tuple[float, float]:
        """The exactly observed value with the largest summed weight, and that weight; NaN and 0 where none is exact."""
        merged = self.merged
        if self.bounds is not None:
            exact = self.bounds[0] == self.bounds[1]
            if not exact.any():
                return math.nan, 0.0
            merged = merge(self.values[exact, None], None if self.weights is None else self.weights[exact])
        k = int(np.argmax(merged.counts))
        return float(merged.values[k]), float(merged.counts[k])

    @cached_property
    def center(self) -> float:
        """Weighted arithmetic mean of the values, in the user's units."""
        return _mean(self.merged.values, self.merged.counts)

    @cached_property
    def scale(self) -> float:
        """Weighted standard deviation with divisor n, in the user's units; exact for huge offsets and tiny scales."""
        return _deviation(self.merged.values, self.merged.counts, self.center)

    def moments(self, transform: Callable[[FloatArray], FloatArray]) -> tuple[float, float]:
        """Return the weighted mean and standard deviation (divisor n) of a function of the values.

        Values where the function is not finite are left out: the logarithm of an interval's end at 0 says nothing.

        Parameters
        ----------
        transform : callable
            Takes and returns an array, element by element.

        Returns
        -------
        mean, sd : float
            NaN and 0 where the function is finite nowhere.

        Examples
        --------
        >>> mean, sd = fit.observations.columns[0].moments(np.log)
        >>> round(mean, 2), round(sd, 2)
        (3.08, 0.18)
        """
        with np.errstate(all="ignore"):
            values = np.asarray(transform(self.merged.values), dtype=np.float64)
        finite = np.isfinite(values)
        if not finite.any():
            return math.nan, 0.0
        values, counts = values[finite], self.merged.counts[finite]
        mean = _mean(values, counts)
        return mean, _deviation(values, counts, mean)

    def refuse_where(self, bad: BoolArray, rule: str, remedy: str) -> None:
        """Refuse the rows marked as bad.

        Parameters
        ----------
        bad : ndarray of bool, shape (n,)
        rule : str
            What must hold, e.g. ``"must be > 0 for gamma components"``.
        remedy : str
            A sentence.

        Raises
        ------
        InputError
            If any row is marked; with the first one's value and row and the number of such rows.

        Examples
        --------
        >>> column = fit.observations.columns[0]
        >>> column.refuse_where(column.values > 26, "must be at most 26", "Check its units.")
        Traceback (most recent call last):
            ...
        bayesmix.errors.InputError: 'length' must be at most 26, got 27.0 at row 9; 2 such rows of 19. Check its units.
        """
        rows = np.flatnonzero(bad)
        if rows.size:
            row = int(rows[0])
            raise InputError(
                f"{self.name!r} {rule}, got {self._shown(row)} at {row_label(row, self.index)}; {rows.size} such "
                f"row{'s' if rows.size > 1 else ''} of {len(self.values)}. {remedy}"
            )

    def refuse_constant(self, parameters: str) -> None:
        """Refuse a column without spread, from which no prior can be derived.

        Parameters
        ----------
        parameters : str
            The parameters whose priors are to be derived, e.g. ``"'mu' and 'sigma'"``.

        Raises
        ------
        InputError
            If all values are equal.

        Examples
        --------
        >>> fit.observations.columns[0].refuse_constant("'mu' and 'sigma'")  # passes: the lengths differ
        """
        if self.scale == 0:
            n = int(self.present.sum())
            raise InputError(
                f"{self.name!r} must not be constant when priors are derived from its scale, got "
                f"{self._shown(int(np.argmax(self.present)))} in all {n} rows. Give priors for {parameters} to fit it "
                "all the same."
            )

    def _shown(self, row: int) -> str:
        value = float(self.values[row])
        if self.bounds is not None:
            return f"[{self.bounds[0][row]}, {self.bounds[1][row]}]"
        if self.extra is not None:
            return f"{value} of {self.extra[row]:g} trials"
        return repr(self.categories[int(value)]) if self.categories and not math.isnan(value) else repr(value)


def _mean(values: FloatArray, counts: FloatArray) -> float:
    low = float(values[0])
    return low + float(np.average(values - low, weights=counts))


def _deviation(values: FloatArray, counts: FloatArray, mean: float) -> float:
    deviations = values - mean
    largest = float(np.max(np.abs(deviations)))
    if largest == 0 or np.all(values == values[0]):
        return 0.0
    return largest * math.sqrt(float(np.average((deviations / largest) ** 2, weights=counts)))
