"""One partition of the rows that stands for the posterior: the one with the least expected loss."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesmix import display
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.likelihood import row_chunks
from bayesmix.partition.clusters import Clusters
from bayesmix.partition.losses import BinderItems, Items, Labels, VariationItems, pairs_of
from bayesmix.partition.rows import Rows, rows_of
from bayesmix.partition.search import assign, search
from bayesmix.posterior import Posterior
from bayesmix.settings import generator

__all__ = ["Partition", "PartitionLoss", "point_partition"]

type PartitionLoss = Literal["vi", "binder"]

_MOST_ITEMS = 5000
"""Up to so many distinct rows are searched; of more a random sample is."""

_SHOWN = 20
_TREE_DRAWS = 300
_TERMS = {"vi": 4_000_000, "binder": 10_000_000}


@dataclass(frozen=True, eq=False)
class Partition:
    """A partition of the fitted rows into clusters.

    Attributes
    ----------
    labels : Series of int
        The cluster of every row, indexed as the rows. Clusters are numbered 0, 1 ... in the order of the components
        that their rows belong to: cluster 0 has the rows of the lowest ones.
    n_clusters : int
    expected_loss : float
        Posterior expected loss: for ``"vi"`` in nats, between 0 and log n; for ``"binder"`` the share of the pairs of
        rows that are together in one and apart in the other, between 0 and 1.
    loss : {"vi", "binder"}
    one_cluster : float
        Expected loss of one cluster of all rows.
    text : str
        The result in words.

    Examples
    --------
    >>> partition = fit.point_partition()
    >>> partition.labels[[0, 3]].tolist(), bool(partition.expected_loss < partition.one_cluster)
    ([1, 0], True)
    """

    labels: pd.Series
    n_clusters: int
    expected_loss: float
    loss: PartitionLoss
    one_cluster: float
    text: str

    def __repr__(self) -> str:
        return f"Partition(n_clusters={self.n_clusters}, loss={self.loss!r})\n{self.text}"

    def _repr_html_(self) -> str:
        sizes = self.labels.value_counts().sort_index().rename_axis("cluster").to_frame("rows")
        parts = [display.paragraph(self.text), display.table(sizes.iloc[:_SHOWN])]
        return display.card(f"{self.n_clusters} cluster{'s' if self.n_clusters > 1 else ''} of rows", parts)


def point_partition(
    posterior: Posterior,
    *,
    loss: PartitionLoss = "vi",
    max_clusters: int | None = None,
    random_seed: int = 0,
) -> Partition:
    """Return the partition of the fitted rows that minimises a posterior expected loss.

    Unlike the most probable component of every row by itself (`bayesmix.assignment.assignments`) it needs no labels of
    components and has as many clusters as can be told apart, which may be fewer than there are components: two that
    describe one group become one cluster. The variation of information is a distance between partitions, the
    information that one has and the other has not. Binder's loss counts pairs of rows on which two partitions differ;
    it is known for small clusters of rows that are unsure.

    Equal rows are always in one cluster: nothing in the data tells them apart. The search is greedy from many starts
    (the draws' own allocations, cuts of a tree, random ones), and moves one set of equal rows at a time, see
    `bayesmix.partition.search`. It takes about a second for 1000 rows. Of more than 5000 distinct rows a random sample
    of 5000 is searched, and every other one joins the cluster where it adds least to the expected loss. Rows in which
    nothing was observed do not count in the loss; they join a cluster in the same way.

    Parameters
    ----------
    posterior : Posterior
        With its data; weights of rows count as numbers of units.
    loss : {"vi", "binder"}, default "vi"
        Variation of information over allocations drawn from the posterior, or Binder's loss from the probabilities of
        pairs, each from at most 1000 evenly spaced draws.
    max_clusters : int, optional
        Largest number of clusters; any number by default.
    random_seed : int, default 0
        Of allocations and random starts; fixed so that the numbers repeat.

    Returns
    -------
    Partition

    Raises
    ------
    InputError
        If an argument breaks its rule, or the fit was saved without its data.

    References
    ----------
    Wade & Ghahramani (2018), Bayesian cluster analysis: point estimation and credible balls, Bayesian Analysis 13,
    559-626. Dahl, Johnson & Müller (2022), Search algorithms and loss functions for Bayesian clustering, Journal of
    Computational and Graphical Statistics 31, 1189-1201. Binder (1978), Bayesian cluster analysis, Biometrika 65,
    31-38. Meilă (2007), Comparing clusterings: an information based distance, Journal of Multivariate Analysis 98,
    873-895.

    Examples
    --------
    >>> point_partition(fit).n_clusters
    2
    """
    if loss not in ("vi", "binder"):
        raise InputError(
            f"loss must be 'vi' (variation of information) or 'binder', got {loss!r}. The default is 'vi'."
        )
    most = _check_most(max_clusters)
    rng = generator(random_seed)
    rows = rows_of(posterior, least=200, terms=_TERMS[loss], repeat=loss == "vi")
    counted = np.flatnonzero(rows.counts > 0)
    sampled = len(counted) > _MOST_ITEMS
    chosen = np.sort(rng.choice(counted, _MOST_ITEMS, replace=False)) if sampled else counted
    probability = rows.probability

    def items_of(memberships: FloatArray, counts: FloatArray) -> Items:
        if loss == "binder":
            return BinderItems.of(counts, memberships)
        return VariationItems.of(counts, memberships, rows.total, rng)

    memberships = rows.memberships(chosen)
    items = items_of(memberships, rows.counts[chosen])
    tree = memberships[np.unique(np.linspace(0, items.n_draws - 1, _TREE_DRAWS).astype(int))]
    found, value = search(items, probability[chosen], tree, len(chosen) if most is None else most, rng)
    labels, value, single = _whole(rows, items, chosen, found, items_of)
    labels = _by_component(labels, probability, rows.counts)
    series = pd.Series(labels[rows.inverse], index=posterior.observations.index, name="cluster")
    sizes = np.bincount(labels, rows.counts)
    text = _in_words(sizes, loss, value, single, sampled=sampled, unasked=most is None, known=probability.shape[1])
    return Partition(series, len(sizes), value, loss, single, text)


def _check_most(value: Any) -> int | None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if value is not None and not (whole and value >= 1):
        raise InputError(f"max_clusters must be an integer >= 1 or None, got {value!r}. Leave it out for any number.")
    return None if value is None else int(value)


def _whole(
    rows: Rows,
    items: Items,
    chosen: Labels,
    found: Labels,
    items_of: Callable[[FloatArray, FloatArray], Items],
) -> tuple[Labels, float, float]:
    """Return the labels of all distinct rows, their expected loss, and that of one cluster."""
    clusters = Clusters(items, found)
    n_clusters = clusters.n
    labels = np.zeros(len(rows.counts), dtype=np.intp)
    labels[chosen] = found
    sizes, overlaps, constant = np.bincount(found, items.counts), items.tables(found, n_clusters), items.constant
    rest = np.setdiff1d(np.arange(len(labels)), chosen)
    for part in row_chunks(len(rest), items.width):
        at = rest[part]
        counted = rows.counts[at] > 0
        further = items_of(rows.memberships(at), np.where(counted, rows.counts[at], 1.0))
        labels[at] = assign(clusters, further)
        if counted.any():
            further = further.take(counted)
            own = labels[at[counted]]
            sizes = sizes + np.bincount(own, further.counts, n_clusters)
            overlaps = overlaps + further.tables(own, n_clusters)
            constant += further.constant
    scale = rows.total if isinstance(items, VariationItems) else pairs_of(rows.counts)
    whole = replace(items, constant=constant, scale=scale)  # type: ignore[type-var]
    return labels, whole.value_of(sizes, overlaps), whole.value_of(sizes.sum(keepdims=True), overlaps.sum(1)[:, None])


def _by_component(labels: Labels, probability: FloatArray, counts: FloatArray) -> Labels:
    """Return labels with clusters numbered by the mean position of the components that their units belong to."""
    sizes = np.bincount(labels, counts)
    position = np.bincount(labels, counts * (probability @ np.arange(probability.shape[1]))) / sizes
    return np.asarray(np.argsort(np.argsort(position, kind="stable"))[labels], dtype=np.intp)


def _in_words(
    sizes: FloatArray, loss: str, value: float, single: float, *, sampled: bool, unasked: bool, known: int
) -> str:
    total, named = float(sizes.sum()), "variation of information" if loss == "vi" else "Binder loss"
    if len(sizes) == 1:
        words = [f"One cluster of all {total:g} rows has the least posterior expected {named}:"]
        words += ["no groups can be told apart."]
    else:
        shown = [f"{size:g}" for size in sizes[:10].tolist()] + ["more"] * (len(sizes) > 10)
        words = [f"{len(sizes)} clusters, of {', '.join(shown[:-1])} and {shown[-1]} rows, have the least posterior"]
        words += [f"expected {named}."]
    if loss == "vi":
        words += [f"On average {value:.3g} nats lie between it and the grouping of a draw; 0 is certain,"]
        words += [f"log({total:g}) = {np.log(total):.3g} the most."]
        other = f"One cluster of all rows would be {single:.3g} nats away."
    else:
        words += [f"On average {100 * value:.3g} % of all pairs of rows are together here and apart in a draw, or the"]
        words += ["other way round."]
        other = f"With one cluster of all rows it would be {100 * single:.3g} %."
    if len(sizes) > 1:
        words.append(other)
    if loss == "binder" and unasked and len(sizes) > known:
        words += [
            "That is more clusters than components: Binder's loss splits off rows that are unsure. loss='vi' does"
        ]
        words += [f"not, nor does max_clusters={known}."]
    if sampled:
        words += [
            f"The search was among {_MOST_ITEMS} of the distinct rows, drawn at random; every other one joined the"
        ]
        words += ["cluster that suits it best."]
    return " ".join(words)
