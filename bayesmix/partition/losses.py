"""Expected losses of a partition: the items that are clustered, and what they add to clusters.

Both losses are sums of one convex function f over sizes of clusters and of their overlaps with the posterior's groups.
With a_k the size of cluster k, b_sl that of group l in draw s and N_skl the size of their overlap it is

    sum_k f(a_k) + mean_s [ sum_l f(b_sl) - 2 sum_kl f(N_skl) ] + constant.

f(x) = x log x gives n times the variation of information, f(x) = x^2 / 2 the number of pairs on which cluster and group
disagree, Binder's loss. The latter is linear in the probabilities of pairs, so that overlaps may be expected ones, sums
of memberships, and nothing needs to be sampled; the former takes sampled allocations, as Dahl, Johnson & Müller (2022),
Search algorithms and loss functions for Bayesian clustering, Journal of Computational and Graphical Statistics 31,
1189-1201. An item costs as many operations as there are draws, clusters and groups, however many other items there are.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self, override

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from bayesmix.data import FloatArray

__all__ = ["BinderItems", "Items", "Labels", "VariationItems", "pairs_of"]

type Labels = npt.NDArray[np.intp]

_CHUNK = 4_000_000
_MAX_LOOKED_UP = 5_000_000


class Items(ABC):
    """Items to be clustered: sets of equal rows, with their share in the groups of every draw.

    Attributes
    ----------
    counts : ndarray, shape (d,)
        Units of each item.
    n_draws, width : int
        Draws, and groups over all draws.
    constant, scale : float
        What is added to the sums, and what they are then divided by.
    """

    counts: FloatArray
    n_draws: int
    width: int
    constant: float
    scale: float

    @abstractmethod
    def f(self, sizes: Any) -> FloatArray:
        """Return the convex function of sizes, element by element."""

    @abstractmethod
    def take(self, items: Any) -> Self:
        """Return some of the items."""

    @abstractmethod
    def tables(self, labels: Labels, n_clusters: int) -> FloatArray:
        """Return the overlaps of clusters with groups, shape (width, n_clusters)."""

    @abstractmethod
    def gains(self, overlaps: FloatArray, own: Labels) -> FloatArray:
        """Return how much ``sum f(overlap)`` grows by each item in each cluster, averaged over draws, shape (d, L).

        Parameters
        ----------
        overlaps : ndarray, shape (width, L)
        own : ndarray of int, shape (d,)
            Where the items are now: they are taken out of it first. -1 for nowhere.
        """

    @abstractmethod
    def add(self, overlaps: FloatArray, cluster: int, sign: float) -> None:
        """Add the only item to, or take it out of, a cluster's column of the overlaps, in place."""

    @abstractmethod
    def nearest(self, draw: int) -> Labels:
        """Return each item's most common group in a draw."""

    def value(self, labels: Labels) -> float:
        """Return the expected loss of a partition of these items."""
        n_clusters = int(labels.max()) + 1
        sizes = np.bincount(labels, self.counts, n_clusters)
        return self.value_of(sizes, self.tables(labels, n_clusters))

    def value_of(self, sizes: FloatArray, overlaps: FloatArray) -> float:
        """Return the expected loss from sizes (L,) and overlaps (width, L)."""
        groups = self.f(overlaps.sum(axis=1)).sum() / self.n_draws
        total = self.f(sizes).sum() + groups - 2 * self.f(overlaps).sum() / self.n_draws
        return max(float(total + self.constant) / self.scale, 0.0)


@dataclass(frozen=True, eq=False)
class BinderItems(Items):
    """Items whose share in the groups is expected: units times memberships.

    Attributes
    ----------
    shares : ndarray, shape (d, width)
    """

    counts: FloatArray
    n_draws: int
    shares: FloatArray
    constant: float
    scale: float

    @property
    def width(self) -> int:  # type: ignore[override]
        """Groups over all draws."""
        return int(self.shares.shape[1])

    @classmethod
    def of(cls, counts: FloatArray, memberships: FloatArray) -> Self:
        """Return the items for memberships of shape (S, d, M).

        The constant takes pairs of an item with itself out of the sums, and puts in the pairs of its own units: they
        are together in every partition here, and apart in truth where the draws say so.
        """
        n_draws, d, _ = memberships.shape
        own_pairs = np.square(counts) / 2 - _of_units(counts)
        shares = memberships.transpose(1, 0, 2).reshape(d, -1)
        together = np.einsum("ij,ij->i", shares, shares) / n_draws
        itself = float((counts**2) @ (together - 1)) / 2
        constant = itself + float(own_pairs @ (1 - together))
        return cls(counts, n_draws, counts[:, np.newaxis] * shares, constant, pairs_of(counts))

    @override
    def f(self, sizes: Any) -> FloatArray:
        return np.asarray(np.square(sizes) / 2)

    @override
    def take(self, items: Any) -> Self:
        return replace(self, counts=self.counts[items], shares=self.shares[items])

    @override
    def tables(self, labels: Labels, n_clusters: int) -> FloatArray:
        member = np.zeros((len(labels), n_clusters))
        member[np.arange(len(labels)), labels] = 1.0
        return self.shares.T @ member

    @override
    def gains(self, overlaps: FloatArray, own: Labels) -> FloatArray:
        out = self.shares @ overlaps
        itself = np.einsum("ij,ij->i", self.shares, self.shares)
        out += itself[:, np.newaxis] / 2
        placed = np.flatnonzero(own >= 0)
        out[placed, own[placed]] -= itself[placed]
        return out / self.n_draws

    @override
    def add(self, overlaps: FloatArray, cluster: int, sign: float) -> None:
        overlaps[:, cluster] += sign * self.shares[0]

    @override
    def nearest(self, draw: int) -> Labels:
        groups = self.width // self.n_draws
        return np.argmax(self.shares[:, draw * groups : (draw + 1) * groups], axis=1)


@dataclass(frozen=True, eq=False)
class VariationItems(Items):
    """Items whose units are allocated to groups in every draw, as rows of a sparse matrix.

    Attributes
    ----------
    start : ndarray of int, shape (d + 1,)
        Where each item's entries begin.
    group : ndarray of int, shape (entries,)
        Column of the entry: the draw times the number of groups, plus the group.
    units : ndarray, shape (entries,)
    table : ndarray
        x log x of whole numbers; empty where units are not whole.
    """

    counts: FloatArray
    n_draws: int
    width: int
    start: Labels
    group: Labels
    units: npt.NDArray[Any]
    table: FloatArray
    constant: float
    scale: float

    @classmethod
    def of(cls, counts: FloatArray, memberships: FloatArray, total: float, rng: np.random.Generator) -> Self:
        """Allocate every unit of every item at random by memberships of shape (S, d, M).

        An item that stands for 2.5 units has two, and a half one.

        Parameters
        ----------
        counts : ndarray, shape (d,)
        memberships : ndarray, shape (S, d, M)
        total : float
            Units of all items, these and others that may be added to the same clusters.
        rng : numpy.random.Generator
        """
        n_draws, d, groups = memberships.shape
        whole = np.floor(counts)
        share = memberships / memberships.sum(axis=2, keepdims=True)
        allocated: npt.NDArray[Any] = rng.multinomial(whole.astype(np.int64), share)
        if (whole != counts).any():
            allocated = allocated + (counts - whole)[:, np.newaxis] * rng.multinomial(1, share)
        flat = np.ascontiguousarray(allocated.transpose(1, 0, 2)).reshape(d, -1)
        item, group = np.nonzero(flat)
        start = np.concatenate([[0], np.cumsum(np.bincount(item, minlength=d))])
        looked_up = flat.dtype.kind == "i" and total <= _MAX_LOOKED_UP
        sizes = np.arange(int(total) + 2.0 if looked_up else 0)
        units = flat[item, group] if looked_up else flat[item, group].astype(np.float64)
        table, scale = xlogy(sizes, sizes), float(counts.sum())
        return cls(counts, n_draws, n_draws * groups, start, group, units, table, 0.0, scale)

    @override
    def f(self, sizes: Any) -> FloatArray:
        if self.table.size and sizes.dtype.kind == "i":
            return np.asarray(self.table[sizes])
        positive = np.maximum(sizes, 0.0)  # sums of parts of units may miss 0 by rounding
        return np.asarray(xlogy(positive, positive))

    @override
    def take(self, items: Any) -> Self:
        chosen = np.arange(len(self.counts))[items]
        lengths = self.start[chosen + 1] - self.start[chosen]
        start = np.concatenate([[0], np.cumsum(lengths)])
        at = np.arange(start[-1]) + np.repeat(self.start[chosen] - start[:-1], lengths)
        return replace(self, counts=self.counts[chosen], start=start, group=self.group[at], units=self.units[at])

    @override
    def tables(self, labels: Labels, n_clusters: int) -> FloatArray:
        cell = self.group * n_clusters + np.repeat(labels, np.diff(self.start))
        out = np.bincount(cell, self.units, self.width * n_clusters).reshape(self.width, n_clusters)
        return out.astype(self.units.dtype)

    @override
    def gains(self, overlaps: FloatArray, own: Labels) -> FloatArray:
        n_clusters = overlaps.shape[1]
        out = np.empty((len(own), n_clusters))
        step = max(1, _CHUNK // max(1, n_clusters * self.n_draws))
        for first in range(0, len(own), step):
            last = min(first + step, len(own))
            entries = slice(self.start[first], self.start[last])
            units = self.units[entries, np.newaxis]
            before = overlaps[self.group[entries]]
            where = np.repeat(own[first:last], np.diff(self.start[first : last + 1]))
            placed = np.flatnonzero(where >= 0)
            before[placed, where[placed]] -= units[placed, 0]
            grown = self.f(before + units) - self.f(before)
            out[first:last] = np.add.reduceat(grown, self.start[first:last] - self.start[first], axis=0)
        return out / self.n_draws

    @override
    def add(self, overlaps: FloatArray, cluster: int, sign: float) -> None:
        overlaps[self.group, cluster] += int(sign) * self.units

    @override
    def nearest(self, draw: int) -> Labels:
        groups = self.width // self.n_draws
        item = np.repeat(np.arange(len(self.counts)), np.diff(self.start))
        here = self.group // groups == draw
        units = np.zeros((len(self.counts), groups))
        units[item[here], self.group[here] % groups] = self.units[here]
        return np.argmax(units, axis=1)


def pairs_of(counts: FloatArray) -> float:
    """Return the number of pairs of units; 1 where there is only one unit, and no pair to divide by."""
    return float(counts.sum() ** 2 / 2 - _of_units(counts).sum()) or 1.0


def _of_units(counts: FloatArray) -> FloatArray:
    """Return half the sum of squares of the units of items: of 2.5 units, two whole ones and a half one."""
    whole = np.floor(counts)
    return (whole + np.square(counts - whole)) / 2
