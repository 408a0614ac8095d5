"""A partition with the sums that its expected loss needs, kept up to date while items move."""

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.partition.losses import Items, Labels

__all__ = ["Clusters"]


class Clusters:
    """A partition of items, some of which may not be placed yet, with what a move of one item changes.

    Parameters
    ----------
    items : Items
    labels : ndarray of int, shape (d,)
        Clusters 0, 1 ... without gaps; -1 for items that are in none.
    """

    def __init__(self, items: Items, labels: Labels) -> None:
        self.items = items
        self.labels = labels.copy()
        self.n = int(labels.max(initial=-1)) + 1
        placed = labels >= 0
        own = items.take(placed)
        room = max(8, 2 * self.n)
        tables = own.tables(labels[placed], self.n)
        self._overlaps = np.zeros((items.width, room), dtype=tables.dtype)
        self._overlaps[:, : self.n] = tables
        self._sizes = np.zeros(room)
        self._sizes[: self.n] = np.bincount(labels[placed], own.counts, self.n)
        self._members = np.zeros(room, dtype=np.intp)
        self._members[: self.n] = np.bincount(labels[placed], minlength=self.n)

    @property
    def value(self) -> float:
        """The expected loss, of items that are all placed."""
        return self.items.value_of(self._sizes[: self.n], self._overlaps[:, : self.n])

    def costs(self, items: Items, own: Labels, *, alone: bool) -> FloatArray:
        """Return what items add to the loss in each cluster, and, if wanted, in one of their own, shape (d, L + alone).

        Parameters
        ----------
        items : Items
            These or others.
        own : ndarray of int, shape (d,)
            The cluster that the items are in, and are first taken out of; -1 for none.
        alone : bool
        """
        overlaps = self._overlaps[:, : self.n]
        if alone:
            overlaps = np.concatenate([overlaps, np.zeros_like(overlaps, shape=(len(overlaps), 1))], axis=1)
        sizes = np.tile(np.append(self._sizes[: self.n], [0.0] if alone else []), (len(own), 1))
        placed = np.flatnonzero(own >= 0)
        sizes[placed, own[placed]] -= items.counts[placed]
        sizes = np.maximum(sizes, 0.0)
        grown = items.f(sizes + items.counts[:, np.newaxis]) - items.f(sizes)
        return grown - 2 * items.gains(overlaps, own)

    def place(self, i: int, cluster: int) -> None:
        """Put an item into a cluster, or into a new one where there is no such cluster yet."""
        one = self.items.take([i])
        self.labels[i] = -1
        if cluster == self.n:
            self._grow()
        one.add(self._overlaps, cluster, 1.0)
        self._sizes[cluster] += self.items.counts[i]
        self._members[cluster] += 1
        self.labels[i] = cluster

    def move(self, i: int, cluster: int) -> None:
        """Move an item from its cluster to another one, or to a new one."""
        before = int(self.labels[i])
        self.items.take([i]).add(self._overlaps, before, -1.0)
        self._sizes[before] -= self.items.counts[i]
        self._members[before] -= 1
        self.place(i, cluster)
        if self._members[before] == 0:
            self._drop(before)

    def join(self, first: int, second: int) -> None:
        """Join two clusters into the first."""
        for kept in (self._overlaps.T, self._sizes, self._members):
            kept[first] += kept[second]
        self.labels[self.labels == second] = first
        self._drop(second)

    def join_costs(self) -> FloatArray:
        """Return what joining two clusters adds to the loss, shape (L, L); inf for a cluster with itself."""
        f, out = self.items.f, np.full((self.n, self.n), np.inf)
        overlaps, sizes = self._overlaps[:, : self.n], self._sizes[: self.n]
        own = f(sizes) - 2 * f(overlaps).sum(axis=0) / self.items.n_draws
        for k in range(self.n - 1):
            both = overlaps[:, k + 1 :] + overlaps[:, k : k + 1]
            joint = f(sizes[k + 1 :] + sizes[k]) - 2 * f(both).sum(axis=0) / self.items.n_draws
            out[k, k + 1 :] = joint - own[k] - own[k + 1 :]
        return out

    def _grow(self) -> None:
        if self.n == len(self._sizes):
            self._overlaps = np.concatenate([self._overlaps, np.zeros_like(self._overlaps)], axis=1)
            self._sizes = np.concatenate([self._sizes, np.zeros(self.n)])
            self._members = np.concatenate([self._members, np.zeros(self.n, dtype=np.intp)])
        self.n += 1

    def _drop(self, cluster: int) -> None:
        """Give the last cluster the place of one that is empty."""
        last = self.n - 1
        for kept in (self._overlaps.T, self._sizes, self._members):
            kept[cluster] = kept[last]
            kept[last] = 0
        self.labels[self.labels == last] = cluster
        self.n = last
