"""`BinTable`: distinct rows with counts, some columns of them in bins with the moments of the values inside.

Bins have a width of their own in each column and places that do not depend on the data, so that tables of different
rows can be put together. Halving the number of bins joins neighbours; it needs no row again. Moments are sums over the
rows of ``u`` and ``u * u'``, where u is the distance from the middle of the bin in units of its width: of order 1
whatever the data's offset, and exact to the last digits.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.errors import InputError

__all__ = ["BinTable", "IntArray", "group", "places"]

type IntArray = npt.NDArray[np.intp]

_MOST_CODES = 2**62


def group(keys: FloatArray) -> tuple[IntArray, IntArray]:
    """Give equal rows the same number, NaN equal to NaN.

    Parameters
    ----------
    keys : ndarray, shape (n, d)

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Which of the distinct rows each is, numbered by first appearance.
    first : ndarray of int
        The first row of each.
    """
    codes = np.zeros(len(keys), dtype=np.int64)
    size = 1
    for column in keys.T:
        own, found = pd.factorize(column, use_na_sentinel=False)
        if size * len(found) >= _MOST_CODES:
            codes, joint = pd.factorize(codes)
            size = len(joint)
        codes, size = codes * len(found) + own, size * len(found)
    if keys.shape[1] > 1:
        codes = pd.factorize(codes)[0]
    first = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(keys))[::-1]
    return codes, first


def places(values: FloatArray, width: float, *, centred: bool) -> tuple[FloatArray, FloatArray]:
    """Return the bins of values, and their distances from the middles in units of the width; NaN and 0 where missing.

    Parameters
    ----------
    values : ndarray
    width : float
    centred : bool
        Whether the middles of bins are multiples of the width, as for rounded values, instead of their ends.
    """
    with np.errstate(over="ignore"):
        bins = np.rint(values / width) if centred else np.floor(values / width)
    if np.isinf(bins).any():
        row = int(np.argmax(np.isinf(bins)))
        raise InputError(
            f"values must be of a size that bins of {width:g} can be numbered for, got {values[row]:g}. Drop or repair "
            "such values first, or use a coarser resolution."
        )
    middle = bins * width if centred else (bins + 0.5) * width
    return bins + 0.0, np.nan_to_num((values - middle) / width)


def _products(offsets: FloatArray) -> FloatArray:
    """Return the products of all pairs of columns, shape (n, b (b + 1) / 2)."""
    b = offsets.shape[1]
    return np.stack([offsets[:, i] * offsets[:, j] for i in range(b) for j in range(i + 1)], axis=1)


@dataclass(eq=False)
class BinTable:
    """Distinct rows with counts.

    Attributes
    ----------
    keys : ndarray of float64, shape (c, d)
        The value of each column, or the number of its bin; NaN where missing.
    counts : ndarray of float64, shape (c,)
    widths : dict of int to float
        The width of the bins by the position of the column, for those that are binned, b of them.
    centred : bool
        As for `places`.
    low, high : ndarray of float64, shape (c, b)
        Smallest and largest values.
    sums : ndarray of float64, shape (c, b)
    products : ndarray of float64, shape (c, b (b + 1) / 2)
    """

    keys: FloatArray
    counts: FloatArray
    widths: dict[int, float]
    centred: bool
    low: FloatArray
    high: FloatArray
    sums: FloatArray
    products: FloatArray

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def binned(self) -> list[int]:
        """Positions of the binned columns."""
        return list(self.widths)

    @classmethod
    def of_rows(cls, values: FloatArray, counts: FloatArray, widths: dict[int, float], *, centred: bool) -> "BinTable":
        """Gather rows, shape (n, d), in bins."""
        keys = values.copy() if widths else values
        offsets = np.zeros((len(values), len(widths)))
        for i, (column, width) in enumerate(widths.items()):
            keys[:, column], offsets[:, i] = places(values[:, column], width, centred=centred)
        inside = values[:, list(widths)]
        products = _products(offsets) if widths else offsets
        weighted = counts[:, np.newaxis]
        sums, products = offsets * weighted, products * weighted
        return cls(keys, counts, dict(widths), centred, inside, inside, sums, products).grouped()

    def grouped(self) -> "BinTable":
        """Return the table with equal rows added up."""
        codes, first = group(self.keys)
        if len(first) == len(codes):
            return self
        low, high = self.low[first].copy(), self.high[first].copy()
        with np.errstate(invalid="ignore"):  # of missing cells
            for i in range(len(self.widths)):
                np.minimum.at(low[:, i], codes, self.low[:, i])
                np.maximum.at(high[:, i], codes, self.high[:, i])
        return replace(
            self,
            keys=self.keys[first],
            counts=np.bincount(codes, self.counts),
            low=low,
            high=high,
            sums=_added(self.sums, codes, len(first)),
            products=_added(self.products, codes, len(first)),
        )

    def with_bins(self, column: int, width: float) -> "BinTable":
        """Return the table with one more column in bins; its values are known still, row by row."""
        keys, values = self.keys.copy(), self.keys[:, column]
        keys[:, column], offset = places(values, width, centred=self.centred)
        weighted = offset * self.counts
        with_others = [offset * self.sums[:, i] for i in range(len(self.widths))]
        added = np.stack([*with_others, weighted * offset], axis=1)
        return (
            replace(
                self,
                keys=keys,
                widths=self.widths | {column: width},
                low=np.column_stack([self.low, values]),
                high=np.column_stack([self.high, values]),
                sums=np.column_stack([self.sums, weighted]),
                products=np.column_stack([self.products, added]),
            )
            ._in_order()
            .grouped()
        )

    def _in_order(self) -> "BinTable":
        """Return the table with its binned columns in the order of their positions."""
        order = np.argsort(self.binned, kind="stable").tolist()
        pairs = [(i, j) for i in range(len(order)) for j in range(i + 1)]
        at = {frozenset(pair): number for number, pair in enumerate(pairs)}
        products = [at[frozenset((order[i], order[j]))] for i, j in pairs]
        return replace(
            self,
            widths=dict(sorted(self.widths.items())),
            low=self.low[:, order],
            high=self.high[:, order],
            sums=self.sums[:, order],
            products=self.products[:, products],
        )

    def can_be_coarser(self, column: int) -> bool:
        """Whether a column has bins to join: those next to zero on both sides are never joined."""
        keys = self.keys[:, column]
        return bool(np.any((keys > 0) | (keys < -1)))

    def coarser(self, column: int) -> "BinTable":
        """Return the table with bins of twice the width in one column."""
        at = self.binned.index(column)
        keys, sums, products = self.keys.copy(), self.sums.copy(), self.products.copy()
        old = keys[:, column]
        new = np.floor(old / 2) + 0.0
        # From the middle of the joint bin to that of the old one, in units of the new width.
        shift = np.nan_to_num((old - 2 * new - 0.5) / 2)
        keys[:, column] = new
        sums[:, at] = self.sums[:, at] / 2 + shift * self.counts
        place = 0
        for i in range(len(self.widths)):
            for j in range(i + 1):
                if i == at and j == at:
                    products[:, place] = products[:, place] / 4 + shift * self.sums[:, at] + shift * shift * self.counts
                elif at in (i, j):
                    products[:, place] = products[:, place] / 2 + shift * self.sums[:, j if i == at else i]
                place += 1
        widths = self.widths | {column: 2 * self.widths[column]}
        return replace(self, keys=keys, widths=widths, sums=sums, products=products).grouped()

    def joined(self, others: "list[BinTable]") -> "BinTable":
        """Return one table of several with the same bins."""
        tables = [self, *others]
        return self._with_arrays(lambda name: np.concatenate([getattr(one, name) for one in tables])).grouped()

    def taken(self, rows: IntArray) -> "BinTable":
        """Return some of the rows, in this order."""
        return self._with_arrays(lambda name: getattr(self, name)[rows])

    def _with_arrays(self, make: Callable[[str], FloatArray]) -> "BinTable":
        return BinTable(
            make("keys"), make("counts"), self.widths, self.centred, *map(make, ("low", "high", "sums", "products"))
        )

    def perplexity(self, column: int) -> float:
        """Return the effective number of bins of a column: the exponential of the entropy of its counts."""
        codes, _ = pd.factorize(self.keys[:, column], sort=True, use_na_sentinel=False)
        shares = np.bincount(codes, self.counts) / self.counts.sum()
        return float(np.exp(-np.sum(shares * np.log(shares))))

    def spread(self) -> npt.NDArray[np.bool_]:
        """Return where a bin holds different values, shape (c, b)."""
        slack = np.array([1e-6 * width if self.centred else 0.0 for width in self.widths.values()])
        return np.asarray(self.high - self.low > slack)

    def n_points(self) -> int:
        """Return the number of points: one more for each bin than there are columns in which it is wide."""
        return int(np.minimum(self.counts, 1 + self.spread().sum(axis=1)).sum())

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Return mean, shape (c, b), and covariance, shape (c, b, b), within the bins, in the data's units."""
        b, counts = len(self.widths), self.counts[:, np.newaxis]
        offset = self.sums / counts
        mean, cross = np.empty((len(self), b)), np.empty((len(self), b, b))
        spread = self.spread()
        for i, (column, width) in enumerate(self.widths.items()):
            middle = self.keys[:, column] + (0.0 if self.centred else 0.5)
            mean[:, i] = np.clip((middle + offset[:, i]) * width, self.low[:, i], self.high[:, i])
        place = 0
        for i, wide in enumerate(self.widths.values()):
            for j, high in zip(range(i + 1), self.widths.values(), strict=False):
                own = (self.products[:, place] / self.counts - offset[:, i] * offset[:, j]) * wide * high
                cross[:, i, j] = cross[:, j, i] = np.where(spread[:, i] & spread[:, j], own, 0.0)
                place += 1
        return mean, cross


def _added(values: FloatArray, codes: Any, size: int) -> FloatArray:
    if not values.shape[1]:
        return np.empty((size, 0))
    return np.stack([np.bincount(codes, values[:, i], minlength=size) for i in range(values.shape[1])], axis=1)
