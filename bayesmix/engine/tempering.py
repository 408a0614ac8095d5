"""Tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006): the evidence without draws of the posterior.

Particles drawn from the prior move to the posterior along ``prior x likelihood**t``. Each next t is as large as leaves
a conditional effective sample size (Zhou, Johansen & Aston 2016) of `_EFFICIENCY`; the increments of the log evidence
are means over particles; resampled particles are moved by Hamiltonian trajectories whose metric is the particles'
covariance and whose step size follows their acceptance (Buchholz, Chopin & Jacob 2021). Several independent runs give
the error.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine.bridge import Estimate

__all__ = ["Doubles", "Evaluation", "temper"]

Doubles = NDArray[np.float64]

_EFFICIENCY = 0.6
_TRAJECTORIES = 10
_LONGEST = 8
_ACCEPTANCE = 0.75
_LARGEST_STEP = 1.5


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Points with log prior and log likelihood, shape (N,), and their gradients, shape (N, d)."""

    points: Doubles
    prior: Doubles
    prior_gradient: Doubles
    likelihood: Doubles
    likelihood_gradient: Doubles

    def take(self, chosen: NDArray[np.intp]) -> "Evaluation":
        """Return some of the points."""
        return Evaluation(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def replaced(self, moved: "Evaluation", where: NDArray[np.bool_]) -> "Evaluation":
        """Return the points, some of them moved."""
        parts = []
        for name in self.__dataclass_fields__:
            old, new = getattr(self, name), getattr(moved, name)
            parts.append(np.where(where if old.ndim == 1 else where[:, np.newaxis], new, old))
        return Evaluation(*parts)

    def density(self, t: float) -> Doubles:
        """Return the log of prior x likelihood**t; -inf where either is not finite."""
        with np.errstate(invalid="ignore"):
            values = self.prior + t * self.likelihood
        return np.where(np.isfinite(values), values, -np.inf)

    def gradient(self, t: float) -> Doubles:
        """Return its gradient, 0 where it is not finite: such points are refused anyway."""
        with np.errstate(invalid="ignore"):
            values = self.prior_gradient + t * self.likelihood_gradient
        return np.where(np.isfinite(values), values, 0.0)


def temper(
    evaluate: Callable[[Doubles], Evaluation], starts: Callable[[int], Doubles], seed: int, *, runs: int
) -> Estimate:
    """Return the log evidence from several independent runs.

    Parameters
    ----------
    evaluate
        Of points, shape (N, d), without boundary.
    starts
        From the number of a run, the particles: draws of the prior, shape (particles, d).
    seed
        Random seed.
    runs
        How many independent ones; the error comes from their spread.
    """
    from scipy.special import logsumexp

    values = np.array([_run(evaluate, starts(r), np.random.default_rng([seed, r])) for r in range(runs)])
    value = float(logsumexp(values) - math.log(runs))
    relative = np.exp(values - value)
    return Estimate(value, float(relative.std(ddof=1) / math.sqrt(runs)))


def _run(evaluate: Callable[[Doubles], Evaluation], points: Doubles, rng: np.random.Generator) -> float:
    from scipy.special import logsumexp

    n = len(points)
    state = evaluate(points)
    t, log_evidence, step = 0.0, 0.0, 0.3
    while True:
        likelihood = np.where(np.isfinite(state.likelihood), state.likelihood, -np.inf)
        new = _next(likelihood, t)
        increments = (new - t) * likelihood
        total = logsumexp(increments)
        log_evidence += float(total) - math.log(n)
        if new == 1.0:
            break
        places = np.cumsum(np.exp(increments - total))
        chosen = np.searchsorted(places, (rng.random() + np.arange(n)) / n * places[-1]).clip(max=n - 1)
        t, state = new, state.take(chosen)
        factor = _factor(state.points)
        for _ in range(_TRAJECTORIES):
            state, acceptance = _move(evaluate, state, t, factor, step, rng)
            step = min(_LARGEST_STEP, step * math.exp(0.5 * (acceptance - _ACCEPTANCE)))
    return log_evidence


def _next(likelihood: Doubles, t: float) -> float:
    """Return the next temperature, by bisection."""

    def efficiency(new: float) -> float:
        weights = np.exp((new - t) * (likelihood - likelihood.max()))
        return float(weights.sum() ** 2 / (weights @ weights) / len(weights))

    if efficiency(1.0) >= _EFFICIENCY:
        return 1.0
    low, high = t, 1.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if efficiency(middle) < _EFFICIENCY else (middle, high)
    return max(low, math.nextafter(t, 1.0))


def _factor(points: Doubles) -> Doubles:
    covariance = np.atleast_2d(np.cov(points.T))
    return np.linalg.cholesky(covariance + 1e-8 * np.diag(np.maximum(np.diag(covariance), 1e-12)))


def _move(
    evaluate: Callable[[Doubles], Evaluation],
    state: Evaluation,
    t: float,
    factor: Doubles,
    step: float,
    rng: np.random.Generator,
) -> tuple[Evaluation, float]:
    """Move every particle by one Hamiltonian trajectory, step sizes jittered; return them and the acceptance."""
    n, d = state.points.shape
    momentum = rng.standard_normal((n, d))
    steps = step * np.exp(0.3 * rng.standard_normal((n, 1)))
    energy = state.density(t) - 0.5 * np.einsum("ij,ij->i", momentum, momentum)
    moved = state
    for _ in range(rng.integers(_LONGEST // 2, _LONGEST + 1)):
        with np.errstate(over="ignore", invalid="ignore"):
            momentum = momentum + 0.5 * steps * (moved.gradient(t) @ factor)
            moved = evaluate(moved.points + (steps * momentum) @ factor.T)
            momentum = momentum + 0.5 * steps * (moved.gradient(t) @ factor)
    with np.errstate(over="ignore", invalid="ignore"):
        change = moved.density(t) - 0.5 * np.einsum("ij,ij->i", momentum, momentum) - energy
        accept = np.exp(np.minimum(0.0, np.where(np.isnan(change), -np.inf, change)))
    return state.replaced(moved, rng.random(n) < accept), float(accept.mean())
