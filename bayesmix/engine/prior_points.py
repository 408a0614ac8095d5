"""Draws of the prior in the sampled space of a problem, where particles start."""

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine.priors import PriorKind
from bayesmix.engine.problem import Problem
from bayesmix.engine.variables import Variable

__all__ = ["Doubles", "prior_points"]

Doubles = NDArray[np.float64]


def prior_points(problem: Problem, n: int, rng: np.random.Generator) -> Doubles:
    """Return draws of the prior, shape (n, n_dim)."""
    alpha = np.broadcast_to(problem.alpha, (n, len(problem.alpha)))
    parts = [_centred(_log_gamma(alpha, rng))]
    drawn: dict[str, Doubles] = {}
    for variable in problem.variables:
        drawn[variable.name] = _variable_points(variable, drawn, n, rng)
        parts.append(drawn[variable.name])
    return np.concatenate(parts, axis=1)


def _log_gamma(shape: Doubles, rng: np.random.Generator) -> Doubles:
    """Return logs of gamma draws with scale 1, which for small shapes are too small for a float themselves."""
    return np.log(rng.gamma(shape + 1.0)) + np.log(rng.random(shape.shape)) / shape


def _centred(log_p: Doubles) -> Doubles:
    return (log_p - log_p.mean(axis=-1, keepdims=True))[..., :-1]


def _variable_points(variable: Variable, drawn: dict[str, Doubles], n: int, rng: np.random.Generator) -> Doubles:
    first, second = (np.broadcast_to(h, (n, h.size)) for h in variable.hyper())
    if variable.type == "simplex":
        log_p = _log_gamma(first.reshape(n, variable.rows, variable.size), rng)
        return _centred(log_p).reshape(n, -1)
    if variable.type == "correlation" or variable.prior.kind == PriorKind.BETA:
        return _log_gamma(first, rng) - _log_gamma(second, rng)
    match variable.prior.kind:
        case PriorKind.HALF_NORMAL:
            return np.log(np.abs(rng.standard_normal(first.shape))) + np.log(first)
        case PriorKind.EXPONENTIAL:
            return _log_gamma(np.ones_like(first), rng) - np.log(first)
        case PriorKind.GAMMA:
            return _log_gamma(first, rng) - np.log(second)
        case PriorKind.INVERSE_GAMMA | PriorKind.INVERSE_GAMMA_VARIANCE:
            scale = drawn[variable.scaled_by] if variable.scaled_by else 0.0
            return np.log(second) + scale - _log_gamma(first, rng)
    return rng.standard_normal(first.shape)
