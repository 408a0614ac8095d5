"""How far the draws' partitions are from each other, and from one that stands for them: how sure a clustering is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import xlogy

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import responsibilities, thinned
from bayesmix.partition.losses import Labels
from bayesmix.partition.point import Partition, point_partition
from bayesmix.posterior import Posterior
from bayesmix.scores import adjusted_rand_index, contingency_table
from bayesmix.settings import generator

__all__ = ["Agreement", "agreement", "variation_of_information"]

_DRAWS = 200
_UNITS = 2000

#: Steinley (2004) calls agreement from these values of the ARI on so.
_LEVELS = ((0.9, "excellent"), (0.8, "good"), (0.65, "moderate"))


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well partitions drawn from the posterior agree.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``between`` (``"draws"``: pairs of draws; ``"partition"``: draws and the point partition) and
        ``measure``: ``"ari"``, the adjusted Rand index, 1 where partitions are equal and 0 where they agree as by
        chance; ``"vi"``, the variation of information in nats, 0 where they are equal and log n at most. Columns
        ``mean`` and the interval, over pairs of draws or over draws.
    partition : Partition
        The one compared with.
    text : str
        The result in words.

    Examples
    --------
    >>> agreement = fit.agreement()
    >>> list(agreement.table.index.names), agreement.table.columns.tolist()
    (['between', 'measure'], ['mean', 'eti89_lb', 'eti89_ub'])
    >>> agreement.partition.n_clusters
    2
    """

    table: pd.DataFrame
    partition: Partition
    text: str

    def __repr__(self) -> str:
        return f"Agreement\n{self.text}"


def variation_of_information(table: FloatArray) -> FloatArray:
    """Return the variation of information of two partitions, in nats: the sum of their two conditional entropies.

    Parameters
    ----------
    table : ndarray, shape (…, R, C)
        Weight of the rows in every combination of the two.

    Returns
    -------
    ndarray, shape (…)

    References
    ----------
    Meilă (2007), Comparing clusterings: an information based distance, Journal of Multivariate Analysis 98, 873-895.

    Examples
    --------
    >>> round(float(variation_of_information(np.array([[0.5, 0.0], [0.25, 0.25]]))), 6)  # log(2) / 2 + 0.75 H(1/3)
    0.823959
    """
    share = table / table.sum(axis=(-2, -1), keepdims=True)
    margins = [share.sum(axis=axis) for axis in (-1, -2)]
    both = xlogy(share, share).sum(axis=(-2, -1))
    return np.asarray(np.maximum(sum(xlogy(m, m).sum(axis=-1) for m in margins) - 2 * both, 0.0))


def agreement(
    posterior: Posterior,
    interval: CredibleInterval,
    *,
    partition: Partition | None = None,
    random_seed: int = 0,
) -> Agreement:
    """Return how well allocations drawn from the posterior agree with each other, and with the point partition.

    Every draw allocates every row to a component at random by its memberships. Where two draws give much the same
    partition the clustering is sure; where they do not, any single partition hides that. The index is adjusted for
    agreement by chance, and therefore low where there is one group and little else; the variation of information is
    not. 200 evenly spaced draws, with each other 19900 pairs; of more than 2000 rows a random sample of 2000.

    Parameters
    ----------
    posterior : Posterior
        With its data; weights of rows count as numbers of units.
    interval : CredibleInterval
        Over pairs of draws, or over draws.
    partition : Partition, optional
        To compare with; by default `point_partition` with its defaults and this seed.
    random_seed : int, default 0
        Of allocations and the sample; fixed so that the numbers repeat.

    Returns
    -------
    Agreement

    Raises
    ------
    InputError
        If the partition is of other rows, or the fit was saved without its data.

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions, Journal of Classification 2, 193-218. Meilă (2007), Comparing
    clusterings: an information based distance, Journal of Multivariate Analysis 98, 873-895. Steinley (2004),
    Properties of the Hubert-Arabie adjusted Rand index, Psychological Methods 9, 386-396, for the words.

    Examples
    --------
    >>> from bayesmix.intervals import credible_interval
    >>> bool(0 < agreement(fit, credible_interval()).table.loc[("draws", "ari"), "mean"] < 1)
    True
    """
    rng = generator(random_seed)
    chosen = point_partition(posterior, random_seed=random_seed) if partition is None else partition
    rows = posterior.observations
    if not chosen.labels.index.equals(rows.index):
        raise InputError(
            f"partition must be of the {rows.n} fitted rows, got labels of {len(chosen.labels)} rows with another "
            "index. Leave it out, or make it by point_partition of this fit."
        )
    item, weights = _units(posterior, rng)
    draws = _allocations(posterior, item, rng)
    fixed = chosen.labels.to_numpy()[rows.first_rows][item]
    pairs = [_compare(draws[s + 1 :], draws[s], weights) for s in range(len(draws) - 1)]
    found = {"draws": np.concatenate(pairs, axis=1), "partition": _compare(draws, fixed, weights)}
    table = _table(found, interval)
    return Agreement(table, chosen, _in_words(table, interval, chosen))


def _units(posterior: Posterior, rng: np.random.Generator) -> tuple[Labels, FloatArray]:
    """Return the distinct row and the weight of every unit in which something was observed, or of a sample of them."""
    distinct = posterior.observations.distinct
    counts = np.where(np.isnan(distinct.cells).all(axis=1), 0.0, distinct.counts)
    total = float(counts.sum())
    if total > _UNITS:
        # With so many rows it does not matter that a unit may be drawn twice.
        return np.sort(rng.choice(len(counts), _UNITS, p=counts / total)), np.full(_UNITS, 1 / _UNITS)
    item = np.repeat(np.arange(len(counts)), np.ceil(counts).astype(int))
    weights = np.ones(len(item))
    last = np.flatnonzero(np.append(np.diff(item), 1))
    weights[last] = counts[item[last]] - np.ceil(counts[item[last]]) + 1
    return item, weights / total


def _allocations(posterior: Posterior, item: Labels, rng: np.random.Generator) -> Labels:
    """Allocate every unit in every draw, shape (S, units)."""
    draws = thinned(posterior.arrays, _DRAWS)
    used, inverse = np.unique(item, return_inverse=True)
    edges = np.cumsum(responsibilities(posterior, draws, posterior.observations.distinct.cells[used]), axis=2)
    out = np.empty((draws.n_draws, len(item)), dtype=np.intp)
    for s in range(draws.n_draws):
        edge = edges[s, inverse]
        out[s] = (rng.random(len(item))[:, np.newaxis] * edge[:, -1:] >= edge[:, :-1]).sum(axis=1)
    return out


def _compare(draws: Labels, other: Labels, weights: FloatArray) -> FloatArray:
    """Return the adjusted Rand index and the variation of information of draws (S, units) and another, shape (2, S)."""
    shape = (int(draws.max()) + 1, int(other.max()) + 1)
    ari = adjusted_rand_index(draws, other, weights, shape)
    return np.stack([ari, variation_of_information(contingency_table(draws, other, weights, shape))])


def _table(found: dict[str, FloatArray], interval: CredibleInterval) -> pd.DataFrame:
    rows: list[list[Any]] = []
    for between, values in found.items():
        for measure, own in zip(("ari", "vi"), values, strict=True):
            rows.append([between, measure, float(own.mean()), *map(float, interval.bounds(own))])
    table = pd.DataFrame(rows, columns=["between", "measure", "mean", *interval.columns])
    return table.set_index(["between", "measure"])


def _in_words(table: pd.DataFrame, interval: CredibleInterval, partition: Partition) -> str:
    def shown(between: str, measure: str) -> str:
        mean, low, high = table.loc[[(between, measure)]].to_numpy()[0]
        return f"{mean:.2f} ({interval.words} {low:.2f} to {high:.2f})"

    ari = float(table["mean"].iloc[0])
    level = next((word for least, word in _LEVELS if ari >= least), "poor")
    groups = f"{partition.n_clusters} cluster{'s' if partition.n_clusters > 1 else ''}"
    text = (
        f"Two draws from the posterior have an adjusted Rand index of {shown('draws', 'ari')}, {level} agreement, "
        f"and a variation of information of {shown('draws', 'vi')} nats; a draw and the partition into {groups} with "
        f"{shown('partition', 'ari')} and {shown('partition', 'vi')} nats."
    )
    if partition.n_clusters == 1:
        text += (
            " Against one cluster of all rows the index is 0 for every draw that has more of them, however small these "
            "are; look at the variation of information."
        )
    return text
