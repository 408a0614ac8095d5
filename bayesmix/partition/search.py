"""The search for the partition with the least expected loss: many starts, then moves of items and joins of clusters.

Starts are one cluster, the most probable components, the draws' own allocations, cuts of the average-linkage tree of
the probabilities of pairs (Fritsch & Ickstadt 2009), and partitions built item by item in random order (Dahl, Johnson
& Müller 2022). The best few are improved until neither a move of one item nor a join of two clusters helps.
"""

from collections.abc import Iterator

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.partition.clusters import Clusters
from bayesmix.partition.losses import Items, Labels

__all__ = ["assign", "search"]

_OWN_DRAWS = 50
_TREE_ITEMS = 1000
_MOST_CUTS = 20
_IMPROVED = 4
#: Items times draws that random starts may take in all.
_RANDOM_TERMS = 2_000_000
_LEAST_GAIN = 1e-9


def search(
    items: Items, probability: FloatArray, memberships: FloatArray, most: int, rng: np.random.Generator
) -> tuple[Labels, float]:
    """Return the best partition found, and its expected loss.

    Parameters
    ----------
    items : Items
        d of them.
    probability : ndarray, shape (d, M)
        Mean memberships, under labels that agree between draws.
    memberships : ndarray, shape (S, d, M)
        Of some draws, for the tree.
    most : int
        The largest number of clusters allowed.
    rng : numpy.random.Generator

    Returns
    -------
    labels : ndarray of int, shape (d,)
        Clusters 0, 1 ... without gaps.
    value : float
    """
    d = len(items.counts)
    best = np.zeros(d, dtype=np.intp)
    value = items.value(best)
    if most == 1 or d == 1:
        return best, value
    found = {labels.tobytes(): labels for labels in _starts(items, probability, memberships, rng)}
    ranked = sorted(found.values(), key=items.value)[:_IMPROVED]
    runs = int(np.clip(_RANDOM_TERMS // (d * items.n_draws), 2, 16))
    done: set[bytes] = {best.tobytes()}
    for labels in [best, *ranked, *[None] * runs]:
        clusters = Clusters(items, labels) if labels is not None else _built(items, most, rng)
        _improve(clusters, most)
        result = _tidy(clusters.labels)
        if result.tobytes() not in done:
            done.add(result.tobytes())
            if (own := items.value(result)) < value - _LEAST_GAIN / items.scale:
                best, value = result, own
    return best, value


def assign(clusters: Clusters, items: Items) -> Labels:
    """Return for further items the cluster that adds least to the expected loss, each by itself, shape (d,)."""
    nowhere = np.full(len(items.counts), -1)
    return np.argmin(clusters.costs(items, nowhere, alone=False), axis=1)


def _starts(
    items: Items, probability: FloatArray, memberships: FloatArray, rng: np.random.Generator
) -> Iterator[Labels]:
    yield _tidy(np.argmax(probability, axis=1))
    for draw in np.unique(np.linspace(0, items.n_draws - 1, _OWN_DRAWS).astype(int)):
        yield _tidy(items.nearest(int(draw)))
    for labels in _cuts(memberships, rng):
        missing = np.flatnonzero(labels < 0)
        if missing.size:
            labels[missing] = assign(Clusters(items, labels), items.take(missing))
        yield _tidy(labels)


def _cuts(memberships: FloatArray, rng: np.random.Generator) -> Iterator[Labels]:
    """Yield cuts of the average-linkage tree, -1 for items that the tree has not."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    n_draws, d, _ = memberships.shape
    chosen = np.arange(d) if d <= _TREE_ITEMS else np.sort(rng.choice(d, _TREE_ITEMS, replace=False))
    if len(chosen) < 3:
        return
    flat = memberships[:, chosen].transpose(1, 0, 2).reshape(len(chosen), -1)
    apart = np.maximum(1 - flat @ flat.T / n_draws, 0.0)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), method="average")
    for n_clusters in range(2, min(_MOST_CUTS, len(chosen)) + 1):
        labels = np.full(d, -1)
        labels[chosen] = np.unique(fcluster(tree, n_clusters, criterion="maxclust"), return_inverse=True)[1]
        yield labels


def _built(items: Items, most: int, rng: np.random.Generator) -> Clusters:
    """Place the items one by one in random order, each where it adds least."""
    clusters = Clusters(items, np.full(len(items.counts), -1))
    for i in rng.permutation(len(items.counts)).tolist():
        clusters.place(i, _best(clusters, i, most)[0])
    return clusters


def _best(clusters: Clusters, i: int, most: int) -> tuple[int, float]:
    """Return the best cluster for one item, and what it gains by going there."""
    own = clusters.labels[[i]]
    costs = clusters.costs(clusters.items.take([i]), own, alone=clusters.n < most)[0]
    to = int(np.argmin(costs))
    return to, float(costs[own[0]] - costs[to]) if own[0] >= 0 else 0.0


def _improve(clusters: Clusters, most: int) -> None:
    """Move items and join clusters as long as the loss falls, and join on while there are too many clusters.

    What every item would gain is computed for all at once; those that gain are looked at again one by one, the
    largest gain first, as moves of others may have changed it.
    """
    while True:
        costs = clusters.costs(clusters.items, clusters.labels, alone=clusters.n < most)
        gain = np.take_along_axis(costs, clusters.labels[:, np.newaxis], axis=1)[:, 0] - costs.min(axis=1)
        movers = np.argsort(-gain, kind="stable")[: int((gain > _LEAST_GAIN).sum())]
        moved = False
        for i in movers.tolist():
            to, own_gain = _best(clusters, i, most)
            if own_gain > _LEAST_GAIN:
                clusters.move(i, to)
                moved = True
        if not moved and not _join(clusters, most):
            return


def _join(clusters: Clusters, most: int) -> bool:
    costs = clusters.join_costs()
    if clusters.n == 1 or (costs.min() > -_LEAST_GAIN and clusters.n <= most):
        return False
    first, second = np.unravel_index(int(np.argmin(costs)), costs.shape)
    clusters.join(int(first), int(second))
    return True


def _tidy(labels: Labels) -> Labels:
    """Return the labels with clusters numbered by their first items."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], dtype=np.intp)
