"""Components joined into clusters by how much entropy that removes from the memberships.

A group whose shape is not the family's is described by several components; they overlap, and rows in the overlap are
unsure which of them they belong to. Joining components that overlap takes that uncertainty away and leaves the density
as it is.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import xlogy

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import mean_responsibilities, responsibilities, row_chunks, thinned
from bayesmix.posterior import DrawArrays, Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Merging", "merge_components"]

_TERMS = 60_000_000
_TINY = 1e-300
#: Share of the largest possible entropy below which components are called apart.
_LITTLE = 0.01
#: Steps that the sentence names.
_SHOWN = 4

type Group = tuple[int, ...]
type Groups = tuple[Group, ...]
type Pair = tuple[Group, Group]


@dataclass(frozen=True, eq=False)
class Merging:
    """Components joined step by step.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``n_clusters``, falling from the number of components: ``merged``, what was joined last, e.g.
        ``"0 + 1 | 2"``; ``units``, the expected number of units in the cluster that came out; ``entropy`` of all
        memberships in nats, posterior mean and interval; ``drop``, by how much the last step made it fall, mean and
        interval (columns that begin with ``drop_``), and ``drop_per_unit``, the mean divided by ``units``.
    components : tuple
        Labels of the components.
    steps : tuple of tuple
        The clusters after every step, each a tuple of positions of components.
    probability : DataArray
        Dims (obs, component): mean memberships of the fitted rows.
    text : str
        The result in words.

    Examples
    --------
    >>> merging = choice.fits[3].merge_components()
    >>> merging.components, merging.table.index.tolist()
    ((0, 1, 2), [3, 2, 1])
    """

    table: pd.DataFrame
    components: tuple[int | str, ...]
    steps: tuple[Groups, ...]
    probability: "xr.DataArray"
    text: str

    def __repr__(self) -> str:
        return f"Merging of {len(self.components)} components\n{self.text}"

    def clusters(self, n_clusters: int) -> tuple[tuple[int | str, ...], ...]:
        """Return which components make up each cluster.

        Parameters
        ----------
        n_clusters : int
            One of the table's.

        Raises
        ------
        InputError
            If there is no step with so many.

        Examples
        --------
        >>> choice.fits[3].merge_components().clusters(3)
        ((0,), (1,), (2,))
        """
        return tuple(tuple(self.components[k] for k in group) for group in self._groups(n_clusters))

    def memberships(self, n_clusters: int) -> "xr.DataArray":
        """Return the probability of each cluster for each fitted row: the sum over its components.

        Parameters
        ----------
        n_clusters : int
            One of the table's.

        Returns
        -------
        DataArray
            Dims (obs, cluster); clusters are called as their components, e.g. ``"1 | 2"``. Posterior means.

        Raises
        ------
        InputError
            If there is no step with so many.

        Examples
        --------
        >>> choice.fits[3].merge_components().memberships(2).dims
        ('obs', 'cluster')
        """
        import xarray as xr

        groups = self._groups(n_clusters)
        values = np.stack([self.probability.values[:, list(group)].sum(axis=1) for group in groups], axis=1)
        names = np.array([_name(group, self.components) for group in groups], dtype=object)
        coords = {"obs": self.probability["obs"].values, "cluster": names}
        return xr.DataArray(values, dims=("obs", "cluster"), coords=coords, name="probability")

    def _groups(self, n_clusters: int) -> Groups:
        for groups in self.steps:
            if len(groups) == n_clusters and not isinstance(n_clusters, bool):
                return groups
        raise InputError(
            f"n_clusters must be one of {[len(groups) for groups in self.steps]}, got {n_clusters!r}. See `table`."
        )


def merge_components(posterior: Posterior, interval: CredibleInterval) -> Merging:
    """Join components into clusters, those first whose joining removes most entropy from the memberships.

    The entropy is ``-sum_ik t_ik log t_ik`` over units and clusters, t being the memberships; joining clusters k and l
    makes it fall by ``sum_i [(t_ik + t_il) log(t_ik + t_il) - t_ik log t_ik - t_il log t_il]``. It is computed in every
    draw; the pair is joined whose drop is largest on average. The density of the mixture stays what it is. Noise and
    zeros are groups by themselves and are not joined.

    The entropy falls with every step, so that it cannot say how many clusters there are: what to look for is the step
    from which on it hardly falls any more. A step that joins many units removes more for that alone, hence the drop per
    unit. The draws must agree on the labels (`bayesmix.diagnostics.check` says whether they do).

    Parameters
    ----------
    posterior : Posterior
        With its data; weights of rows count as numbers of units.
    interval : CredibleInterval
        Over draws, between 100 and 1000 evenly spaced ones.

    Returns
    -------
    Merging

    Raises
    ------
    InputError
        If the fit was saved without its data.

    References
    ----------
    Baudry, Raftery, Celeux, Lo & Gottardo (2010), Combining mixture components for clustering, Journal of Computational
    and Graphical Statistics 19, 332-353.

    Examples
    --------
    >>> from bayesmix.intervals import credible_interval
    >>> merge_components(choice.fits[3], credible_interval()).memberships(2).shape
    (19, 2)
    """
    import xarray as xr

    rows, arrays = posterior.observations, posterior.arrays
    distinct = rows.distinct
    width = arrays.weights.shape[1]
    counts = np.where(np.isnan(distinct.cells).all(axis=1), 0.0, distinct.counts)
    draws = thinned(arrays, int(np.clip(_TERMS // (len(counts) * width**2), 100, 1000)))
    probability = mean_responsibilities(posterior, draws, distinct.cells)
    entropy, steps, joined, drops = _join_all(posterior, draws, distinct.cells, counts)
    labels = posterior.component_labels
    table = _table(entropy, drops, joined, counts @ probability, labels, interval)
    coords = {"obs": rows.coordinate, "component": posterior.component_coordinate}
    each = xr.DataArray(probability[distinct.inverse], dims=("obs", "component"), coords=coords, name="probability")
    return Merging(table, labels, steps, each, _in_words(table, entropy, drops, float(counts.sum()), interval))


def _join_all(
    posterior: Posterior, draws: DrawArrays, cells: FloatArray, counts: FloatArray
) -> tuple[FloatArray, tuple[Groups, ...], list[Pair], FloatArray]:
    """Return the entropy of the components (S,), the clusters after every step, what was joined, and drops (S, steps).

    Drops of pairs that a step leaves alone stay what they were, so that the rows are gone through once for all pairs
    and then once a step for the pairs with the new cluster.
    """
    parametric = posterior.n_components
    groups: Groups = tuple((k,) for k in range(draws.weights.shape[1]))
    wanted = [(a, b) for i, a in enumerate(groups[:parametric]) for b in groups[i + 1 : parametric]]
    entropy = np.zeros(draws.n_draws)
    known: dict[Pair, FloatArray] = {}
    steps, joined, drops = [groups], [], []
    first = True
    while first or wanted:
        found = np.zeros((len(wanted), draws.n_draws))
        for part in row_chunks(len(cells), draws.weights.size):
            t = responsibilities(posterior, draws, cells[part])
            if first:
                entropy -= xlogy(t, t).sum(axis=2) @ counts[part]
            for j, (a, b) in enumerate(wanted):
                one, two = t[..., list(a)].sum(axis=2), t[..., list(b)].sum(axis=2)
                found[j] += (xlogy(one + two, one + two) - xlogy(one, one) - xlogy(two, two)) @ counts[part]
        known |= dict(zip(wanted, found, strict=True))
        first = False
        if not known:
            break
        best = max(known, key=lambda pair: float(known[pair].mean()))
        joined.append(best)
        drops.append(known[best])
        new = tuple(sorted((*best[0], *best[1])))
        known = {pair: drop for pair, drop in known.items() if not set(pair) & set(best)}
        kept = [group for group in groups if group not in best]
        wanted = [(new, group) for group in kept if group[0] < parametric]
        groups = tuple(sorted([*kept, new]))
        steps.append(groups)
    return np.maximum(entropy, 0.0), tuple(steps), joined, np.array(drops).reshape(len(joined), draws.n_draws).T


def _name(group: Group, labels: tuple[Any, ...]) -> str:
    return " | ".join(str(labels[k]) for k in group)


def _table(
    entropy: FloatArray,
    drops: FloatArray,
    joined: list[Pair],
    units: FloatArray,
    labels: tuple[Any, ...],
    interval: CredibleInterval,
) -> pd.DataFrame:
    left = entropy[:, np.newaxis] - np.cumsum(np.pad(drops, ((0, 0), (1, 0))), axis=1)
    left[left < 1e-12 * entropy[:, np.newaxis]] = 0.0  # one cluster has none, up to rounding
    nothing = np.full(1, np.nan)
    sizes = np.array([units[list(a + b)].sum() for a, b in joined])
    columns: dict[str, Any] = {
        "merged": ["", *(f"{_name(a, labels)} + {_name(b, labels)}" for a, b in joined)],
        "units": np.concatenate([nothing, sizes]),
        "entropy": left.mean(axis=0),
    }
    columns |= dict(zip(interval.columns, interval.bounds(left), strict=True))
    columns["drop"] = np.concatenate([nothing, drops.mean(axis=0)])
    for name, bound in zip(interval.columns, interval.bounds(drops), strict=True):
        columns[f"drop_{name}"] = np.concatenate([nothing, bound])
    columns["drop_per_unit"] = columns["drop"] / columns["units"]
    index = pd.Index(range(len(labels), len(labels) - len(joined) - 1, -1), name="n_clusters")
    return pd.DataFrame(columns, index=index)


def _in_words(
    table: pd.DataFrame, entropy: FloatArray, drops: FloatArray, total: float, interval: CredibleInterval
) -> str:
    if len(table) == 1:
        return "There is one component, so that there is nothing to join."
    largest, start = total * float(np.log(table.index[0])), float(table["entropy"].iloc[0])
    words = [
        f"The memberships of {total:g} rows in {table.index[0]} components have an entropy of {start:.3g} nats, of"
    ]
    words += [f"at most {largest:.3g}."]
    if start < _LITTLE * largest:
        words += ["The components hardly overlap, so that none need be joined."]
    elif table.index[0] == 2:
        words += ["Joining the two leaves one cluster of all rows, which has none."]
    else:
        left = 100 * (1 - np.cumsum(drops, axis=1) / np.maximum(entropy, _TINY)[:, np.newaxis])
        low, high = interval.bounds(left)
        for i, (k, merged) in enumerate(list(table["merged"].items())[1 : 1 + _SHOWN]):
            if k != 1:
                words += [f"With {k} clusters ({merged} joined) {max(left[:, i].mean(), 0.0):.0f} % of it are left"]
                words += [f"({interval.words} {max(low[i], 0.0):.0f} to {max(high[i], 0.0):.0f} %)."]
        words += ["It falls with every step and does not say how many clusters there are: look for the step from which"]
        words += ["on it hardly falls any more. The density stays that of all components."]
    return " ".join(words)
