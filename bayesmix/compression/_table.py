"""`BinTable`: distinct rows with counts, some columns of them in bins with the moments of the values inside.

Bins have a width of their own in each column and places that do not depend on the data, so that tables of different
rows can be put together. Halving the number of bins joins neighbours; it needs no row again. Moments are sums over the
rows of ``u`` and ``u * u'``, where u is the distance from the middle of the bin in units of its width: of order 1
whatever the data's offset, and exact to the last digits.
"""

from collections.abc import Callable, Mapping
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
_DENSE = 4
"""Numbers up to this many times the rows are counted in an array instead of a hash table."""


def group(keys: FloatArray) -> tuple[IntArray, IntArray]:
    """Give equal rows the same number, NaN equal to NaN.

    Parameters
    ----------
    keys : ndarray, shape (n, d)

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Which of the distinct rows each is.
    first : ndarray of int
        The first row of each.
    """
    codes, size = np.zeros(len(keys), dtype=np.int64), 1
    for column in keys.T:
        own, found = _numbered(column)
        if size * found >= _MOST_CODES:
            codes, size = _renumbered(codes, size)
        codes, size = codes * found + own, size * found
    codes, size = _renumbered(codes, size)
    first = np.empty(size, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(keys))[::-1]
    return codes, first


def _numbered(column: FloatArray) -> tuple[IntArray, int]:
    """Return whole numbers from 0, equal where values are, and a bound that they stay below."""
    missing = np.isnan(column)
    low, high = np.min(column, where=~missing, initial=np.inf), np.max(column, where=~missing, initial=-np.inf)
    if high - low < 2**31 and bool(np.all((column == np.floor(column)) | missing)):
        return np.where(missing, high - low + 1, column - low).astype(np.int64), int(high - low) + 2
    codes, found = pd.factorize(column, use_na_sentinel=False)
    return codes, len(found)


def _renumbered(codes: IntArray, size: int) -> tuple[IntArray, int]:
    """Return numbers without gaps, and how many there are."""
    if size > _DENSE * len(codes):
        codes, found = pd.factorize(codes)
        return codes, len(found)
    places = np.cumsum(np.bincount(codes, minlength=size) > 0) - 1
    return places[codes], int(places[-1]) + 1


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

    def coarser(self, levels: Mapping[int, int]) -> "BinTable":
        """Return the table with bins of 2**level times the width, by the position of the column."""
        keys, weights = self.keys.copy(), self.counts
        factors, moves = np.ones(len(self.widths)), np.zeros_like(self.sums)
        for i, column in enumerate(self.widths):
            size = 2.0 ** levels.get(column, 0)
            old = self.keys[:, column]
            keys[:, column] = np.floor(old / size) + 0.0
            # From the middle of the joint bin to that of the old one, in units of the new width.
            moves[:, i] = np.nan_to_num((old + 0.5) / size - keys[:, column] - 0.5)
            factors[i] = 1 / size
        sums, products = self.sums * factors, np.empty_like(self.products)
        pairs = [(i, j) for i in range(len(self.widths)) for j in range(i + 1)]
        for place, (i, j) in enumerate(pairs):
            crossed = sums[:, i] * moves[:, j] + sums[:, j] * moves[:, i] + moves[:, i] * moves[:, j] * weights
            products[:, place] = self.products[:, place] * factors[i] * factors[j] + crossed
        widths = {column: width * 2.0 ** levels.get(column, 0) for column, width in self.widths.items()}
        sums += moves * weights[:, np.newaxis]
        return replace(self, keys=keys, widths=widths, sums=sums, products=products).grouped()

    def keys_of(self, values: FloatArray) -> FloatArray:
        """Return the keys that rows, shape (n, d), have here."""
        keys = values.copy()
        for column, width in self.widths.items():
            keys[:, column], _ = places(values[:, column], width, centred=self.centred)
        return keys

    def keys_in(self, widths: Mapping[int, float]) -> FloatArray:
        """Return the keys that the rows have in a table with bins of these widths, which theirs are parts of."""
        keys = self.keys.copy()
        for column, width in widths.items():
            if width != self.widths[column]:
                keys[:, column] = np.floor(keys[:, column] / (width / self.widths[column]))
        return keys

    def find(self, keys: FloatArray) -> IntArray:
        """Return the rows with these keys, all of which must be there."""
        codes, _ = group(np.concatenate([self.keys, keys]))
        found = np.empty(len(codes), dtype=np.intp)
        found[codes[: len(self)]] = np.arange(len(self))
        return np.asarray(found[codes[len(self) :]])

    def n_coarser(self, levels: Mapping[int, int]) -> int:
        """Return how many rows the table would have with bins of 2**level times the width."""
        keys = self.keys.copy()
        for column, level in levels.items():
            keys[:, column] = np.floor(keys[:, column] / 2.0**level)
        return len(group(keys)[1])

    def steps_of(self, column: int) -> list[float]:
        """Return the effective number of bins before each doubling of the width that still joins bins.

        It is the exponential of the entropy of the column's counts. Bins next to zero on both sides are never joined.
        """
        order = np.argsort(self.keys[:, column], kind="stable")
        values, counts = self.keys[order, column], self.counts[order]
        found = []
        while np.any((values > 0) | (values < -1)):
            begins = np.flatnonzero(np.append(True, (values[1:] != values[:-1]) & ~np.isnan(values[:-1])))
            values, counts = values[begins], np.add.reduceat(counts, begins)
            shares = counts / counts.sum()
            found.append(float(np.exp(-np.sum(shares * np.log(shares)))))
            values = np.floor(values / 2)
        return found

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
