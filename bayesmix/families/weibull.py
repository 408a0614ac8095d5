"""Weibull components: waiting times whose hazard rises or falls with time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import xlogy

from bayesmix.data import Column, FloatArray
from bayesmix.families._continuous import Continuous
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import above_zero, log_moments, refuse_not_positive
from bayesmix.priors import LogNormal, Prior

__all__ = ["Weibull"]

_LOG_LARGEST = 700.0  # of a cumulative hazard that is told from infinity
_LOG_SMALLEST = -36.0  # below it, log(1 - exp(-hazard)) is log(hazard) to the last digit
_LOG_SD = math.pi / math.sqrt(6)  # standard deviation of the log of a Weibull variable with shape 1
_FLOATS = np.finfo(np.float64)


@dataclass(frozen=True)
class Weibull(Continuous):
    """Weibull components with shapes ``alpha`` and scales ``beta``.

    Density ``(alpha / beta) * (y / beta)**(alpha - 1) * exp(-(y / beta)**alpha)`` for y > 0. The hazard falls with
    time for ``alpha < 1`` and rises for ``alpha > 1``.

    Default priors, from mean ml and standard deviation sl of the log of the data: ``beta ~ LogNormal(ml, 2 sl)`` and
    ``alpha ~ LogNormal(log(1.28 / (0.4 sl)), 0.7)``; the log of y has the standard deviation ``1.28 / alpha``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Ahmad (1988), Identifiability of finite mixtures using a new transform, Annals of the Institute of Statistical
    Mathematics 40, 261-265.

    Examples
    --------
    >>> bm.families.Weibull().order_by
    'beta'
    """

    name: ClassVar[str] = "weibull"
    order_by: ClassVar[str | None] = "beta"
    kernel: ClassVar[str | None] = "weibull"
    lowest: ClassVar[float] = 0.0

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("alpha", "positive"), Parameter("beta", "positive")

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are not positive."""
        refuse_not_positive(column, self.name)

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        mean, spread = log_moments(column, "'alpha' and 'beta'")
        return {"alpha": LogNormal(math.log(1.28 / (0.4 * spread)), 0.7), "beta": LogNormal(mean, 2 * spread)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Weibull.dist(alpha=parameters["alpha"], beta=parameters["beta"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        alpha, beta = parameters["alpha"], parameters["beta"]
        ratio = np.maximum(y, 0.0) / beta
        with np.errstate(over="ignore"):  # far above the scale the density is 0
            value = np.log(alpha / beta) + xlogy(alpha - 1, ratio) - ratio**alpha
        return np.where(y < 0, -np.inf, value)

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        log_hazard = parameters["alpha"] * m.log(y / parameters["beta"])
        small = log_hazard < _LOG_SMALLEST
        hazard = m.exp(m.minimum(log_hazard, _LOG_LARGEST))
        return m.where(small, log_hazard, m.log1mexp(-m.where(small, 1.0, hazard))), -hazard

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        alpha, beta = np.broadcast_arrays(parameters["alpha"], parameters["beta"])
        # A small shape has values that round to 0 or infinity, which are outside the support.
        return np.clip(np.asarray(beta * rng.weibull(alpha)), _FLOATS.tiny, _FLOATS.max)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        log_y = np.log(above_zero(y))
        return np.stack([log_y, log_y * log_y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        mean, square = means[..., 0], means[..., 1]
        alpha = _LOG_SD / np.sqrt(np.maximum(square - mean * mean, 1e-12))
        return {"alpha": alpha, "beta": np.exp(np.clip(mean + np.euler_gamma / alpha, -_LOG_LARGEST, _LOG_LARGEST))}
