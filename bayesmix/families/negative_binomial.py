"""Negative binomial components: counts that vary more than Poisson ones."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import betaln

from bayesmix.data import Column, FloatArray
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import log_count_prior, refuse_not_counts
from bayesmix.priors import LogNormal, Prior

__all__ = ["NegativeBinomial"]


@dataclass(frozen=True)
class NegativeBinomial(Family):
    """Negative binomial components with means ``mu`` and shapes ``alpha``.

    Probability ``C(y + alpha - 1, y) * (alpha / (alpha + mu))**alpha * (mu / (alpha + mu))**y`` for y = 0, 1, 2 …; the
    variance is ``mu + mu**2 / alpha``.

    Default priors: ``mu ~ LogNormal(a, max(2 b, 0.5))`` with mean a and standard deviation b of ``log(y + 0.5)``, and
    ``alpha ~ LogNormal(log(5), 1.5)``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Yakowitz & Spragins (1968), On the identifiability of finite mixtures, Annals of Mathematical Statistics 39,
    209-214.

    Examples
    --------
    >>> [parameter.name for parameter in bm.families.NegativeBinomial().parameters]
    ['mu', 'alpha']
    """

    name: ClassVar[str] = "negative_binomial"
    order_by: ClassVar[str | None] = "mu"
    kernel: ClassVar[str | None] = "negative_binomial"
    discrete: ClassVar[bool] = True

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "positive"), Parameter("alpha", "positive")

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are no counts."""
        refuse_not_counts(column, self.name)

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        return {"mu": LogNormal(*log_count_prior(column)), "alpha": LogNormal(math.log(5), 1.5)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.NegativeBinomial.dist(mu=parameters["mu"], alpha=parameters["alpha"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        mu, alpha, at = parameters["mu"], parameters["alpha"], np.maximum(y, 0.0)
        # C(y + alpha - 1, y) = 1 / ((y + alpha) B(alpha, y + 1)), without a difference of large log-gammas.
        ways = -betaln(alpha, at + 1) - np.log(at + alpha)
        return np.where(y < 0, -np.inf, ways - alpha * np.log1p(mu / alpha) - at * np.log1p(alpha / mu))

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        mean = rng.gamma(parameters["alpha"], parameters["mu"] / parameters["alpha"])
        return np.asarray(rng.poisson(mean), dtype=np.float64)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([y, y * y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        mu = np.maximum(means[..., 0], 1e-3)
        excess = np.maximum(means[..., 1] - mu * mu - mu, 1e-4 * mu * mu)
        return {"mu": mu, "alpha": np.maximum(mu * mu / excess, 1e-2)}
