"""Student-t components: like normal ones, but a stray value does not pull at them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import betaln

from bayesmix.data import Column, FloatArray
from bayesmix.families._continuous import Continuous, beta_tails
from bayesmix.families._parameter import Parameter
from bayesmix.priors import Gamma, LogNormal, Normal, Prior

__all__ = ["StudentT"]

# Where EM begins: the tails, which moments cannot tell, and the share of the variance that is sigma**2 then.
_START_NU = 10.0
_START_SHARE = (_START_NU - 2) / _START_NU


@dataclass(frozen=True)
class StudentT(Continuous):
    """Student-t components with locations ``mu``, scales ``sigma`` and one number of degrees of freedom ``nu``.

    Density ``(1 + z**2 / nu) ** (-(nu + 1) / 2) / (sigma * sqrt(nu) * B(nu / 2, 1 / 2))`` with
    ``z = (y - mu) / sigma``. All components share ``nu``, since the tails of one component hold few values.

    Default priors, from the data's mean m and standard deviation s: ``mu ~ Normal(m, 2 s)``,
    ``sigma ~ LogNormal(log(0.4 s), 0.7)`` and ``nu ~ Gamma(2, 0.1)``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Peel & McLachlan (2000), Robust mixture modelling using the t distribution, Statistics and Computing 10, 339-348.
    Juárez & Steel (2010), Model-based clustering of non-Gaussian panel data based on skew-t distributions, Journal of
    Business & Economic Statistics 28, 52-66 (the prior of ``nu``).

    Examples
    --------
    >>> [parameter.name for parameter in bm.families.StudentT().parameters if parameter.shared]
    ['nu']
    """

    name: ClassVar[str] = "student_t"
    order_by: ClassVar[str | None] = "mu"
    kernel: ClassVar[str | None] = "student_t"
    location_scale: ClassVar[bool] = True

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "real"), Parameter("sigma", "positive"), Parameter("nu", "positive", shared=True)

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
            "mu": Normal(column.center, 2 * column.scale),
            "sigma": LogNormal(math.log(0.4 * column.scale), 0.7),
            "nu": Gamma(2.0, 0.1),
        }

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.StudentT.dist(nu=parameters["nu"], mu=parameters["mu"], sigma=parameters["sigma"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        nu, sigma = parameters["nu"], parameters["sigma"]
        z = (y - parameters["mu"]) / sigma
        constant = betaln(0.5 * nu, 0.5) + 0.5 * np.log(nu) + np.log(sigma)
        return np.asarray(-0.5 * (nu + 1) * np.log1p(z * z / nu) - constant)

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        # The distribution function is an incomplete beta function of (1 + z / sqrt(nu + z**2)) / 2, which is smooth at
        # z = 0; the smaller of this number and its complement is written without cancellation.
        nu = parameters["nu"]
        z = (y - parameters["mu"]) / parameters["sigma"]
        right = z > 0
        away = m.where(right, z, -z)
        root = m.sqrt(nu + z * z)
        small, large = 0.5 * nu / (root * (root + away)), 0.5 * (root + away) / root
        return beta_tails(0.5 * nu, 0.5 * nu, m.where(right, large, small), m.where(right, small, large), m)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        mu, sigma, nu = np.broadcast_arrays(parameters["mu"], parameters["sigma"], parameters["nu"])
        return np.asarray(mu + sigma * rng.standard_t(nu))

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([y, y * y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        mean, square = means[..., 0], means[..., 1]
        variance = np.maximum(square - mean * mean, 1e-12 * square + 1e-300)
        return {"mu": mean, "sigma": np.sqrt(_START_SHARE * variance), "nu": np.full_like(mean, _START_NU)}
