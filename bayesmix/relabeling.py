"""Labels of components: relabelling draws against each other, and a check of the labels that an order gives.

A mixture does not know which component is the first. One column's components are labelled by an order; where no one
order separates the groups (several columns, angles, categories), every draw is relabelled to agree with the others in
its memberships, and only then are the labels put into an order for display.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray, Observations
from bayesmix.likelihood import responsibilities, row_log_density
from bayesmix.mixture import Mixture
from bayesmix.model import free_names
from bayesmix.posterior import DrawArrays, Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "LabelCheck",
    "agree_with",
    "check_labels",
    "ecr",
    "order_labels",
    "permute",
    "relabel",
    "sorting_permutation",
    "stephens",
    "unwrap_angles",
]

_MAX_DRAWS = 200
_MAX_ROWS = 200
_MAX_SWEEPS = 20
_TINY = 1e-300
#: Up to this many components every permutation is tried, for all draws at once; above, assignment problems are solved.
_ALL_PERMUTATIONS = 5

type Permutations = npt.NDArray[np.intp]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LabelCheck:
    """How well the draws agree on which component is which.

    Attributes
    ----------
    key : str or None
        The parameter the draws are sorted by; None where components have an identity or were relabelled.
    share : float
        Share of draws that would rather be labelled otherwise: whose components Stephens' algorithm permutes, starting
        from the labels as they are; or, where draws were relabelled, on which Stephens' algorithm and the one by
        allocations (ECR) disagree.
    better_key : str or None
        Another parameter that labels the draws far more consistently, if there is one.
    better_share : float
        Its share; NaN if there is none.
    relabelled : bool
        Whether draws were relabelled rather than sorted.
    """

    key: str | None
    share: float
    better_key: str | None
    better_share: float
    relabelled: bool = False


def _assign(cost: FloatArray) -> Permutations:
    """Return each draw's permutation with the least cost; cost[s, j, l] is that of giving component l label j."""
    from scipy.optimize import linear_sum_assignment

    k = cost.shape[1]
    if k > _ALL_PERMUTATIONS:
        return np.stack([linear_sum_assignment(c)[1] for c in cost])
    candidates = np.array(list(permutations(range(k))))
    totals = np.stack([cost[:, np.arange(k), p].sum(axis=1) for p in candidates], axis=1)
    return candidates[np.argmin(totals, axis=1)]


def stephens(r: FloatArray, pivot: FloatArray | None = None, weights: FloatArray | None = None) -> Permutations:
    """Relabel draws by Stephens' (2000) algorithm.

    Alternates between the mean membership matrix Q and, for each draw, the permutation that minimises the
    Kullback-Leibler divergence ``sum_ik r_ik log(r_ik / q_ik)``, an assignment problem.

    Parameters
    ----------
    r : ndarray, shape (S, n, K)
        Responsibilities.
    pivot : ndarray, shape (n, K), optional
        The first Q; by default the mean under the labels as given.
    weights : ndarray, shape (n,), optional
        How often each row counts.

    Returns
    -------
    ndarray of int, shape (S, K)
        ``permutation[s, j]`` is the component of draw s that gets label j.

    References
    ----------
    Stephens (2000), Dealing with label switching in mixture models, JRSS B 62, 795-809.
    """
    n_draws, n, k = r.shape
    counts = np.ones(n) if weights is None else weights
    entropy = _entropy(r, counts)
    permutation = np.tile(np.arange(k), (n_draws, 1))
    mean = r.mean(axis=0) if pivot is None else pivot
    for _ in range(_MAX_SWEEPS):
        updated = _assign(_divergence(r, entropy, mean, counts))
        if np.array_equal(updated, permutation):
            break
        permutation = updated
        mean = np.take_along_axis(r, permutation[:, np.newaxis, :], axis=2).mean(axis=0)
    return permutation


def _entropy(r: FloatArray, counts: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("sik,sik,i->sk", r, np.log(np.maximum(r, _TINY)), counts, optimize=True))


def _divergence(r: FloatArray, entropy: FloatArray, mean: FloatArray, counts: FloatArray) -> FloatArray:
    """Return ``cost[s, j, l]``, the divergence of component l of draw s from label j."""
    log_mean = np.log(np.maximum(mean, _TINY)) * counts[:, np.newaxis]
    return np.asarray(entropy[:, np.newaxis, :] - np.einsum("ij,sil->sjl", log_mean, r, optimize=True))


def ecr(r: FloatArray, pivot: FloatArray, weights: FloatArray | None = None) -> Permutations:
    """Relabel draws by equivalence classes representatives: allocations agree with the pivot's in most rows.

    Parameters
    ----------
    r : ndarray, shape (S, n, K)
        Responsibilities; each row is allocated to its most probable component.
    pivot : ndarray, shape (n, K)
        Memberships that set the labels.
    weights : ndarray, shape (n,), optional
        How often each row counts.

    Returns
    -------
    ndarray of int, shape (S, K)
        As `stephens`.

    References
    ----------
    Papastamoulis & Iliopoulos (2010), An artificial allocations based solution to the label switching problem in
    Bayesian analysis of mixtures of distributions, Journal of Computational and Graphical Statistics 19, 313-331.
    """
    k = r.shape[2]
    counts = np.ones(r.shape[1]) if weights is None else weights
    target = np.eye(k)[pivot.argmax(axis=1)] * counts[:, np.newaxis]
    hard = np.eye(k)[r.argmax(axis=2)]
    return _assign(-np.einsum("ij,sil->sjl", target, hard, optimize=True))


def _chosen_rows(observations: Observations) -> tuple[FloatArray, FloatArray]:
    """Return up to 200 distinct rows, evenly spread over the units, and how often each counts."""
    distinct = observations.distinct
    if len(distinct.counts) <= _MAX_ROWS:
        return distinct.cells, distinct.counts
    below = np.cumsum(distinct.counts)
    at = np.searchsorted(below, (np.arange(_MAX_ROWS) + 0.5) / _MAX_ROWS * below[-1])
    return distinct.cells[at], np.full(_MAX_ROWS, below[-1] / _MAX_ROWS)


def relabel(posterior: Posterior, *, method: Literal["stephens", "ecr"] = "stephens") -> tuple[Permutations, Flags]:
    """Return permutations that make the draws agree on their labels, and which draws stay ambiguous.

    Starts from the memberships in the draw with the largest likelihood as pivot.

    Parameters
    ----------
    posterior : Posterior
    method : {"stephens", "ecr"}, default "stephens"

    Returns
    -------
    permutation : ndarray of int, shape (S, K)
        Labels are in the order of the posterior means of the order key, or by falling weight where there is none.
    ambiguous : ndarray of bool, shape (S,)
        Whether the two methods disagree.
    """
    draws, k = posterior.arrays, posterior.n_components
    cells, counts = _chosen_rows(posterior.observations)
    r = responsibilities(posterior, draws, cells)[..., :k]
    total = r.sum(axis=2, keepdims=True)
    r = r / np.where(total > 0, total, 1.0)
    pivot = r[_best_draw(posterior, draws, cells, counts)]
    by_divergence = stephens(r, pivot, counts)
    mean = np.take_along_axis(r, by_divergence[:, np.newaxis, :], axis=2).mean(axis=0)
    by_allocation = ecr(r, mean, counts)
    chosen = by_divergence if method == "stephens" else by_allocation
    ambiguous = np.any(by_divergence != by_allocation, axis=1)
    return chosen[:, order_labels(posterior.resolved, draws, chosen)], ambiguous


def agree_with(posterior: Posterior, draws: DrawArrays) -> DrawArrays:
    """Return draws made anew, given slightly other rows, with the labels that the fit's own draws have.

    Parameters
    ----------
    posterior : Posterior
        The fit.
    draws : DrawArrays
        Of a refit, their labels as they come.
    """
    resolved, k = posterior.resolved, posterior.n_components
    if resolved.relabelled:
        cells, counts = _chosen_rows(posterior.observations)
        mean = responsibilities(posterior, posterior.arrays, cells)[..., :k].mean(axis=0)
        r = responsibilities(posterior, draws, cells)[..., :k]
        return draws.permuted(_assign(_divergence(r, _entropy(r, counts), mean, counts)))
    if resolved.sort_key is None:
        return draws
    name, entry = resolved.sort_key
    values = draws.parameters[name]
    key = values if values.ndim == 2 else values[..., entry]
    return draws.permuted(np.argsort(key, axis=1, kind="stable"))


def _best_draw(posterior: Posterior, draws: DrawArrays, cells: FloatArray, counts: FloatArray) -> int:
    return int(np.argmax(row_log_density(posterior, draws, cells) @ counts))


def order_labels(resolved: Mixture, draws: DrawArrays, permutation: Permutations) -> npt.NDArray[np.intp]:
    """Return the order in which relabelled components are shown."""
    k = resolved.n_components
    key = resolved.order_key
    if key is None:
        weights = np.take_along_axis(draws.weights[:, :k], permutation, axis=1)
        return np.argsort(-weights.mean(axis=0), kind="stable")
    values = draws.parameters[key[0]]
    values = values if values.ndim == 2 else values[..., key[1]]
    return np.argsort(np.take_along_axis(values, permutation, axis=1).mean(axis=0), kind="stable")


def permute(posterior: "xr.Dataset", resolved: Mixture, permutation: Permutations) -> "xr.Dataset":
    """Return the draws with their components permuted, ordered and free variables alike.

    Parameters
    ----------
    posterior : Dataset
        Dims (chain, draw, ...).
    resolved : Mixture
    permutation : ndarray of int, shape (S, K)
    """
    k = resolved.n_components
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], k)
    order = permutation.reshape(shape)

    def reorder(variable: "xr.DataArray") -> "xr.DataArray":
        axis = "component" if "component" in variable.dims else "member" if "member" in variable.dims else None
        if axis is None:
            return variable
        ahead = variable.transpose("chain", "draw", axis, ...)
        values = np.array(ahead.values)
        index = order.reshape(*shape, *([1] * (values.ndim - 3)))
        values[:, :, :k] = np.take_along_axis(values[:, :, :k], index, axis=2)
        return ahead.copy(data=values).transpose(*variable.dims)

    return posterior.map(reorder)


def unwrap_angles(posterior: "xr.Dataset", resolved: Mixture) -> "xr.Dataset":
    """Return the draws with angles within half a turn of their component's mean direction.

    A group near the cut of the circle would otherwise have draws at both ends of it; means, intervals and R-hat are
    those of numbers. Angles may then lie a little beyond pi or -pi.
    """
    for variable in resolved.variables:
        if variable.parameter.support != "angle":
            continue
        angle = posterior[variable.name]
        sine, cosine = angle.copy(data=np.sin(angle.values)), angle.copy(data=np.cos(angle.values))
        middle = np.arctan2(sine.mean(("chain", "draw")), cosine.mean(("chain", "draw")))
        away = angle - middle
        posterior = posterior.assign({variable.name: middle + np.arctan2(np.sin(away), np.cos(away))})
        posterior[variable.name] = posterior[variable.name].transpose(*angle.dims)
    return posterior


def sorting_permutation(free: "xr.Dataset", resolved: Mixture) -> Permutations | None:
    """Return the permutation that sorts the free variables of every draw, or None where draws are not sorted."""
    if resolved.sort_key is None:
        return None
    name, entry = resolved.sort_key
    values = free[free_names(resolved)[name]].transpose("chain", "draw", "component", ...).values
    # Links and PyMC's transforms increase, so sorting the free variable sorts the parameter.
    values = values if values.ndim == 3 else values[..., entry]
    return np.argsort(values.reshape(-1, resolved.n_components), axis=1, kind="stable")


def check_labels(posterior: Posterior) -> LabelCheck:
    """Compare the labels of the draws with what Stephens' algorithm makes of them.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    LabelCheck
        Computed on at most 200 draws and 200 units, evenly spaced; where draws were relabelled, on all of them.
    """
    resolved = posterior.resolved
    if posterior.n_components == 1:
        return LabelCheck(None, 0.0, None, float("nan"))
    if resolved.relabelled:
        stats = posterior.idata["sample_stats"].to_dataset()
        share = float(stats["label_ambiguous"].mean()) if "label_ambiguous" in stats else 0.0
        return LabelCheck(None, share, None, float("nan"), relabelled=True)
    draws = posterior.arrays
    draws = draws.take(np.unique(np.linspace(0, draws.n_draws - 1, _MAX_DRAWS).astype(int)))
    cells, counts = _chosen_rows(posterior.observations)
    key = None if resolved.sort_key is None else resolved.sort_key[0]
    share = _restless_share(posterior, draws, cells, counts)
    others = [v.name for v in resolved.variables if not v.shared and v.parameter.dim is None and v.name != key]
    if key is None or share < 0.05 or not others:
        return LabelCheck(key, share, None, float("nan"))
    shares = {name: _restless_share(posterior, _sorted_by(draws, name), cells, counts) for name in others}
    best = min(shares, key=lambda name: shares[name])
    if shares[best] < share / 2 and share - shares[best] > 0.05:
        return LabelCheck(key, share, best, shares[best])
    return LabelCheck(key, share, None, float("nan"))


def _restless_share(posterior: Posterior, draws: DrawArrays, cells: FloatArray, counts: FloatArray) -> float:
    k = posterior.n_components
    permutation = stephens(responsibilities(posterior, draws, cells)[..., :k], weights=counts)
    return float(np.mean(np.any(permutation != np.arange(k), axis=1)))


def _sorted_by(draws: DrawArrays, key: str) -> DrawArrays:
    return draws.permuted(np.argsort(draws.parameters[key], axis=1))
