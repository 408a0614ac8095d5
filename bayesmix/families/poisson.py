"""Poisson components: counts of events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import gammaln

from bayesmix.data import Column, FloatArray
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import log_count_prior, refuse_not_counts
from bayesmix.priors import LogNormal, Prior

__all__ = ["Poisson"]


@dataclass(frozen=True)
class Poisson(Family):
    """Poisson components with means ``mu``.

    Probability ``mu**y * exp(-mu) / y!`` for y = 0, 1, 2 …

    Default prior: ``mu ~ LogNormal(a, max(2 b, 0.5))`` with mean a and standard deviation b of ``log(y + 0.5)``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Teicher (1961), Identifiability of mixtures, Annals of Mathematical Statistics 32, 244-248.
    Karlis & Xekalaki (2005), Mixed Poisson distributions, International Statistical Review 73, 35-58.

    Examples
    --------
    >>> bm.families.Poisson().discrete
    True
    """

    name: ClassVar[str] = "poisson"
    order_by: ClassVar[str | None] = "mu"
    kernel: ClassVar[str | None] = "poisson"
    discrete: ClassVar[bool] = True

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("mu", "positive"),)

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are no counts."""
        refuse_not_counts(column, self.name)

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        return {"mu": LogNormal(*log_count_prior(column))}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Poisson.dist(mu=parameters["mu"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        mu, at = parameters["mu"], np.maximum(y, 0.0)
        return np.where(y < 0, -np.inf, at * np.log(mu) - mu - gammaln(at + 1))

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        return np.asarray(rng.poisson(parameters["mu"]), dtype=np.float64)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        return {"mu": np.maximum(means[..., 0], 1e-3)}
