"""Gamma components: positive measurements whose standard deviation grows with their mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import gammaln, xlogy

from bayesmix.data import Column, FloatArray
from bayesmix.families._continuous import Continuous, gamma_tails
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import above_zero, log_moments, refuse_not_positive
from bayesmix.priors import LogNormal, Prior

__all__ = ["Gamma"]

_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Gamma(Continuous):
    """Gamma components with means ``mu`` and shapes ``alpha``.

    Density ``(alpha / mu)**alpha * y**(alpha - 1) * exp(-alpha * y / mu) / gamma(alpha)`` for y > 0; the standard
    deviation is ``mu / sqrt(alpha)``. It is PyMC's gamma distribution with ``beta = alpha / mu``.

    Default priors, from mean ml and standard deviation sl of the log of the data: ``mu ~ LogNormal(ml, 2 sl)`` and
    ``alpha ~ LogNormal(-2 log(0.4 sl), 1.4)``, which puts coefficients of variation around ``0.4 sl``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Teicher (1963), Identifiability of finite mixtures, Annals of Mathematical Statistics 34, 1265-1269.
    Wiper, Rios Insua & Ruggeri (2001), Mixtures of gamma distributions with applications, Journal of Computational and
    Graphical Statistics 10, 440-454.

    Examples
    --------
    >>> [parameter.name for parameter in bm.families.Gamma().parameters]
    ['mu', 'alpha']
    """

    name: ClassVar[str] = "gamma"
    order_by: ClassVar[str | None] = "mu"
    kernel: ClassVar[str | None] = "gamma"
    lowest: ClassVar[float] = 0.0

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "positive"), Parameter("alpha", "positive")

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are not positive."""
        refuse_not_positive(column, self.name)

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        mean, spread = log_moments(column, "'mu' and 'alpha'")
        return {"mu": LogNormal(mean, 2 * spread), "alpha": LogNormal(-2 * math.log(0.4 * spread), 1.4)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Gamma.dist(alpha=parameters["alpha"], beta=parameters["alpha"] / parameters["mu"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        alpha, rate = parameters["alpha"], parameters["alpha"] / parameters["mu"]
        at = np.maximum(y, 0.0)
        value = alpha * np.log(rate) - gammaln(alpha) + xlogy(alpha - 1, at) - rate * at
        return np.where(y < 0, -np.inf, value)

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        return gamma_tails(parameters["alpha"], parameters["alpha"] * y / parameters["mu"], m)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        # A small shape has values that round to 0, which is outside the support.
        return np.maximum(rng.gamma(parameters["alpha"], parameters["mu"] / parameters["alpha"]), _TINY)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        positive = above_zero(y)
        return np.stack([positive, np.log(positive)])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        # Minka (2002), Estimating a gamma distribution, equation for the starting value.
        mu = np.maximum(means[..., 0], _TINY)
        gap = np.maximum(np.log(mu) - means[..., 1], 1e-6)
        return {"mu": mu, "alpha": (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)}
