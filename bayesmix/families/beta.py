"""Beta components: shares and rates strictly between 0 and 1."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import betaln, logit, xlog1py, xlogy

from bayesmix.data import Column, FloatArray
from bayesmix.families._continuous import Continuous, beta_tails
from bayesmix.families._parameter import Parameter
from bayesmix.priors import LogitNormal, LogNormal, Prior

__all__ = ["Beta"]

_TINY = float(np.finfo(np.float64).tiny)
_BELOW_ONE = float(np.nextafter(1.0, 0.0))


@dataclass(frozen=True)
class Beta(Continuous):
    """Beta components with means ``mu`` and precisions ``nu``.

    Density ``y**(mu * nu - 1) * (1 - y)**((1 - mu) * nu - 1) / B(mu * nu, (1 - mu) * nu)`` for 0 < y < 1; the variance
    is ``mu * (1 - mu) / (nu + 1)``. It is PyMC's beta distribution with ``mu`` and ``nu``.

    Default priors, from mean m and standard deviation s of the data: ``mu ~ LogitNormal`` with the mean and twice the
    standard deviation of the logit of the data, and ``nu ~ LogNormal(log(m (1 - m) / (0.4 s)**2), 1.4)``.

    Beta mixtures are identified except for particular values of the parameters: ``Beta(1, 1)`` is an equal mixture of
    ``Beta(2, 1)`` and ``Beta(1, 2)``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Bouguila, Ziou & Monga (2006), Practical Bayesian estimation of a finite beta mixture through Gibbs sampling and
    its applications, Statistics and Computing 16, 215-225.

    Examples
    --------
    >>> [parameter.support for parameter in bm.families.Beta().parameters]
    ['unit', 'positive']
    """

    name: ClassVar[str] = "beta"
    order_by: ClassVar[str | None] = "mu"
    kernel: ClassVar[str | None] = "beta"
    lowest: ClassVar[float] = 0.0
    highest: ClassVar[float] = 1.0

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "unit"), Parameter("nu", "positive")

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are not strictly between 0 and 1, and intervals outside of it."""
        rule = f"must be strictly between 0 and 1 for {self.name} components"
        column.refuse_where(
            ((column.highest == 0) | (column.lowest == 1)) & (column.lowest == column.highest),
            rule,
            "Shares of few trials are counts: use family='binomial'. Otherwise pull exact 0 and 1 inside, e.g. "
            "(y * (n - 1) + 0.5) / n for n rows (Smithson & Verkuilen 2006).",
        )
        column.refuse_where(
            (column.highest <= 0) | (column.lowest >= 1), rule, "Divide by the largest possible value, e.g. y / 100."
        )

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        column.refuse_constant("'mu' and 'nu'")
        mean, spread = column.moments(logit)
        center = min(max(column.center, 1e-6), 1 - 1e-6)
        nu = center * (1 - center) / (0.4 * column.scale) ** 2
        return {"mu": LogitNormal(mean, 2 * spread), "nu": LogNormal(math.log(nu), 1.4)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Beta.dist(mu=parameters["mu"], nu=parameters["nu"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        a, b = _shapes(parameters)
        at = np.clip(y, 0.0, 1.0)
        return np.where(at != y, _outside(y), xlogy(a - 1, at) + xlog1py(b - 1, -at) - betaln(a, b))

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        a, b = _shapes(parameters)
        return beta_tails(a, b, y, 1 - y, m)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        # A small precision has values that round to 0 or 1, which are outside the support.
        return np.asarray(np.clip(rng.beta(*_shapes(parameters)), _TINY, _BELOW_ONE))

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([y, y * y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        mu = np.clip(means[..., 0], 1e-9, 1 - 1e-9)
        largest = mu * (1 - mu)
        variance = np.maximum(means[..., 1] - mu * mu, 1e-6 * largest)
        return {"mu": mu, "nu": np.maximum(largest / variance - 1, 0.01)}


def _shapes(parameters: Mapping[str, Any]) -> tuple[Any, Any]:
    mu, nu = parameters["mu"], parameters["nu"]
    return mu * nu, (1 - mu) * nu


def _outside(y: FloatArray) -> FloatArray:
    return np.where(np.isnan(y), np.nan, -np.inf)
