"""Normal components."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.families._continuous import Continuous, normal_tails
from bayesmix.families._parameter import Parameter
from bayesmix.priors import LogNormal, Prior
from bayesmix.priors import Normal as NormalPrior

__all__ = ["Normal"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Normal(Continuous):
    """Normal components with means ``mu`` and standard deviations ``sigma``.

    Density ``exp(-((y - mu) / sigma)**2 / 2) / (sigma * sqrt(2 * pi))``.

    Default priors, from the data's mean m and standard deviation s: ``mu ~ Normal(m, 2 s)`` and
    ``sigma ~ LogNormal(log(0.4 s), 0.7)``. The latter vanishes at 0 faster than any power, so tied (rounded) values
    cannot make the posterior improper.

    Parameters
    ----------
    common_sigma : bool, default False
        One standard deviation for all components. Memberships are then monotone in y.

    References
    ----------
    Frühwirth-Schnatter (2006), *Finite Mixture and Markov Switching Models*, chapter 6.

    Examples
    --------
    >>> bm.families.Normal(common_sigma=True).parameters[1].shared
    True
    >>> bm.Mixture(2, bm.families.Normal(common_sigma=True)).family
    Normal(common_sigma=True)
    """

    name: ClassVar[str] = "normal"
    order_by: ClassVar[str | None] = "mu"
    location_scale: ClassVar[bool] = True
    kernel: ClassVar[str | None] = "normal"
    common_sigma: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.common_sigma, bool):
            raise InputError(
                f"common_sigma must be True or False, got {self.common_sigma!r}. "
                "Use bm.families.Normal(common_sigma=True)."
            )

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "real"), Parameter("sigma", "positive", shared=self.common_sigma)

    @property
    @override
    def spike_parameter(self) -> str | None:
        return "sigma"

    @override
    def check(self, column: Column) -> None:
        """Every finite number is fine."""

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        column.refuse_constant("'mu' and 'sigma'")
        return {
            "mu": NormalPrior(column.center, 2 * column.scale),
            "sigma": LogNormal(math.log(0.4 * column.scale), 0.7),
        }

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Normal.dist(mu=parameters["mu"], sigma=parameters["sigma"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        z = (y - parameters["mu"]) / parameters["sigma"]
        return -0.5 * z * z - np.log(parameters["sigma"]) - _HALF_LOG_TWO_PI

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        return normal_tails((y - parameters["mu"]) / parameters["sigma"], m)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        return rng.normal(parameters["mu"], parameters["sigma"])

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([y, y * y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        mean, square = means[..., 0], means[..., 1]
        return {"mu": mean, "sigma": np.sqrt(np.maximum(square - mean * mean, 1e-12 * square + 1e-300))}
