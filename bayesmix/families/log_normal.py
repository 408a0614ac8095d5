"""Log-normal components: normal on the log scale."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.families._continuous import Continuous, normal_tails
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import above_zero, log_moments, refuse_not_positive
from bayesmix.priors import LogNormal as LogNormalPrior
from bayesmix.priors import Normal as NormalPrior
from bayesmix.priors import Prior

__all__ = ["LogNormal"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class LogNormal(Continuous):
    """Log-normal components: ``log(y)`` is normal with mean ``mu`` and standard deviation ``sigma``.

    Density ``exp(-((log(y) - mu) / sigma)**2 / 2) / (y * sigma * sqrt(2 * pi))`` for y > 0.

    Default priors, from mean ml and standard deviation sl of the log of the data: ``mu ~ Normal(ml, 2 sl)`` and
    ``sigma ~ LogNormal(log(0.4 sl), 0.7)``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Crow & Shimizu (1988), *Lognormal Distributions: Theory and Applications*, Dekker.

    Examples
    --------
    >>> family = bm.families.LogNormal()
    >>> family.log_density(np.array([1.0]), {"mu": np.array([0.0]), "sigma": np.array([1.0])}).round(3).tolist()
    [-0.919]
    """

    name: ClassVar[str] = "log_normal"
    order_by: ClassVar[str | None] = "mu"
    kernel: ClassVar[str | None] = "log_normal"
    lowest: ClassVar[float] = 0.0

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "real"), Parameter("sigma", "positive")

    @property
    @override
    def spike_parameter(self) -> str | None:
        return "sigma"

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are not positive."""
        refuse_not_positive(column, self.name)

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        mean, spread = log_moments(column, "'mu' and 'sigma'")
        return {"mu": NormalPrior(mean, 2 * spread), "sigma": LogNormalPrior(math.log(0.4 * spread), 0.7)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.LogNormal.dist(mu=parameters["mu"], sigma=parameters["sigma"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        log_y = np.log(np.where(y <= 0, 1.0, y))
        z = (log_y - parameters["mu"]) / parameters["sigma"]
        return np.where(y <= 0, -np.inf, -0.5 * z * z - np.log(parameters["sigma"]) - _HALF_LOG_TWO_PI - log_y)

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        return normal_tails((m.log(y) - parameters["mu"]) / parameters["sigma"], m)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        return rng.lognormal(parameters["mu"], parameters["sigma"])

    @override
    def features(self, y: FloatArray) -> FloatArray:
        log_y = np.log(above_zero(y))
        return np.stack([log_y, log_y * log_y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        mean, square = means[..., 0], means[..., 1]
        return {"mu": mean, "sigma": np.sqrt(np.maximum(square - mean * mean, 1e-12))}
