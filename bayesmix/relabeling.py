"""How well a sorting rule labels the components, judged by relabelling the draws without it."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from bayesmix.assignment import log_responsibilities
from bayesmix.data import FloatArray
from bayesmix.posterior import DrawArrays, Posterior

__all__ = ["LabelCheck", "check_labels", "stephens"]

_MAX_DRAWS = 200
_MAX_ROWS = 200
_MAX_SWEEPS = 20


@dataclass(frozen=True)
class LabelCheck:
    """Share of draws that would rather be labelled otherwise.

    Attributes
    ----------
    key : str or None
        The parameter the draws are sorted by; None where components have an identity.
    share : float
        Share of draws whose components Stephens' algorithm permutes, starting from the labels as they are.
    better_key : str or None
        Another parameter that labels the draws far more consistently, if there is one.
    better_share : float
        Its share; NaN if there is none.
    """

    key: str | None
    share: float
    better_key: str | None
    better_share: float


def stephens(log_r: FloatArray) -> np.ndarray:
    """Relabel draws by Stephens' (2000) algorithm, starting from the labels as given.

    Alternates between the mean membership matrix Q and, for each draw, the permutation that minimises the
    Kullback-Leibler divergence ``sum_ik r_ik log(r_ik / q_ik)``, an assignment problem.

    Parameters
    ----------
    log_r : ndarray, shape (S, n, K)
        Log responsibilities.

    Returns
    -------
    ndarray of int, shape (S, K)
        ``permutation[s, j]`` is the component of draw s that gets label j.

    References
    ----------
    Stephens (2000), Dealing with label switching in mixture models, JRSS B 62, 795-809.
    """
    r = np.exp(log_r)
    entropy = np.einsum("sik,sik->sk", r, np.where(r > 0, log_r, 0.0))
    n_draws, _, k = r.shape
    permutation = np.tile(np.arange(k), (n_draws, 1))
    for _ in range(_MAX_SWEEPS):
        mean = np.take_along_axis(r, permutation[:, np.newaxis, :], axis=2).mean(axis=0)
        log_mean = np.log(np.maximum(mean, 1e-300))
        # cost[s, j, l]: divergence of component l of draw s from label j
        cost = entropy[:, np.newaxis, :] - np.einsum("ij,sil->sjl", log_mean, r, optimize=True)
        updated = np.stack([linear_sum_assignment(c)[1] for c in cost])
        if np.array_equal(updated, permutation):
            break
        permutation = updated
    return permutation


def check_labels(posterior: Posterior) -> LabelCheck:
    """Compare the labels of the draws with what Stephens' algorithm makes of them.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    LabelCheck
        Computed on at most 200 draws and 200 units, evenly spaced.
    """
    key = posterior.resolved.sort_key
    if posterior.n_components == 1:
        return LabelCheck(key, 0.0, None, float("nan"))
    draws = posterior.arrays
    draws = draws.take(np.unique(np.linspace(0, draws.n_draws - 1, _MAX_DRAWS).astype(int)))
    y = posterior.observations.spread((np.arange(_MAX_ROWS) + 0.5) / _MAX_ROWS)
    share = _restless_share(posterior, draws, y)
    others = [p.name for p in posterior.resolved.family.parameters if not p.shared and p.name != key]
    if key is None or share < 0.05 or not others:
        return LabelCheck(key, share, None, float("nan"))
    shares = {name: _restless_share(posterior, _sorted_by(draws, name), y) for name in others}
    best = min(shares, key=lambda name: shares[name])
    if shares[best] < share / 2 and share - shares[best] > 0.05:
        return LabelCheck(key, share, best, shares[best])
    return LabelCheck(key, share, None, float("nan"))


def _restless_share(posterior: Posterior, draws: DrawArrays, y: FloatArray) -> float:
    permutation = stephens(log_responsibilities(posterior.resolved.family, draws, y))
    return float(np.mean(np.any(permutation != np.arange(posterior.n_components), axis=1)))


def _sorted_by(draws: DrawArrays, key: str) -> DrawArrays:
    order = np.argsort(draws.parameters[key], axis=1)
    parameters = {
        name: value if value.shape[1] == 1 else np.take_along_axis(value, order, axis=1)
        for name, value in draws.parameters.items()
    }
    return replace(draws, weights=np.take_along_axis(draws.weights, order, axis=1), parameters=parameters)
