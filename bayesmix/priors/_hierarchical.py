"""Priors with a second level, and whole sets of priors that have a name."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.errors import InputError
from bayesmix.priors._base import Prior, Support, check_number
from bayesmix.priors._scalar import Gamma, Normal
from bayesmix.priors._spread import spread_log_gamma

__all__ = ["PRIOR_SETS", "InverseGammaVariance", "hyper_of", "richardson_green"]


@dataclass(frozen=True)
class InverseGammaVariance(Prior):
    """The square of the parameter has an inverse-gamma prior: the usual one of a variance, put on an ``sd``.

    ``sigma ** 2 ~ InverseGamma(alpha, beta)``, which is ``sigma ** -2 ~ Gamma(alpha, rate beta)``.

    Parameters
    ----------
    alpha : float
        Shape > 0.
    beta : float or Gamma
        Scale > 0, in squared units of the parameter; or its own prior. The scale is then one more unknown of the
        model, called ``sigma_beta`` for the parameter ``sigma``, that all components share: they are exchangeable, and
        their variances are alike as far as the data say so.

    References
    ----------
    Richardson & Green (1997), On Bayesian analysis of mixtures with an unknown number of components, JRSS B 59,
    731-792, section 2.4.

    Examples
    --------
    >>> bm.priors.InverseGammaVariance(2, 0.5)
    InverseGammaVariance(alpha=2.0, beta=0.5)
    >>> bm.priors.InverseGammaVariance(2, bm.priors.Gamma(0.2, 1.5)).words()
    'square inverse gamma, shape 2, one scale for all components: gamma, shape 0.2, rate 1.5'
    """

    support: ClassVar[Support] = "positive"
    alpha: float
    beta: float | Gamma

    def __post_init__(self) -> None:
        check_number(self, "alpha", positive=True)
        if isinstance(self.beta, Gamma):
            return
        if isinstance(self.beta, Prior):
            raise InputError(
                f"InverseGammaVariance: beta must be a number > 0 or a gamma prior, got {self.beta}. Use e.g. "
                "InverseGammaVariance(alpha=2, beta=bm.priors.Gamma(0.2, 1))."
            )
        check_number(self, "beta", positive=True)

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm

        alpha, beta = np.asarray(hyper["alpha"], dtype=np.float64), hyper["beta"]
        if isinstance(beta, Gamma):
            beta = pm.Gamma(_hyper_name(name), alpha=np.asarray(beta.alpha), beta=np.asarray(beta.beta))
        else:
            beta = np.asarray(beta, dtype=np.float64)
        return pm.math.sqrt(pm.InverseGamma(f"{name}_{self.suffix}", alpha=alpha, beta=beta, dims=dims, **options))

    @override
    def exponent_at_zero(self) -> float:
        """Return inf where the scale is known.

        Else all components but one can fall to 0 together with the scale: the density of a common factor t of their
        parameters is then proportional to ``t ** (2 * (alpha + beta.alpha) - 1)``, times that of their ratios.
        """
        return 2.0 * (self.alpha + self.beta.alpha) - 1.0 if isinstance(self.beta, Gamma) else math.inf

    @override
    def _spread(self, factor: float) -> Prior:
        """Spread the logarithm of the parameter; of an unknown scale too, whose log-mean moves along.

        ``2 log sigma = log beta - log G`` with ``G ~ Gamma(alpha, 1)``: both parts get `factor` times their sd, and
        ``E log beta - digamma(alpha)`` stays.
        """
        alpha, gain = spread_log_gamma(self.alpha, factor)
        if not isinstance(self.beta, Gamma):
            return InverseGammaVariance(alpha, self.beta * math.exp(gain))
        shape, hyper_gain = spread_log_gamma(self.beta.alpha, factor)
        return InverseGammaVariance(alpha, Gamma(shape, self.beta.beta * math.exp(hyper_gain - gain)))

    @override
    def words(self) -> str:
        head = f"square inverse gamma, shape {self.alpha:.4g}"
        if isinstance(self.beta, Gamma):
            rest = f"shape {self.beta.alpha:.4g}, rate {self.beta.beta:.4g}"
            return f"{head}, one scale for all components: gamma, {rest}"
        return f"{head}, scale {self.beta:.4g}"

    @override
    def to_dict(self) -> dict[str, Any]:
        beta = self.beta.to_dict() if isinstance(self.beta, Gamma) else self.beta
        return {"prior": "InverseGammaVariance", "alpha": self.alpha, "beta": beta}


def _hyper_name(parameter: str) -> str:
    return f"{parameter}_beta"


def hyper_of(spec: Any, parameter: str) -> tuple[str, Gamma] | None:
    """Return name and prior of the unknown that the priors of a parameter share, or None where they share none.

    Parameters
    ----------
    spec : Prior, tuple of Prior, or None
    parameter : str
        The parameter's name in the model, e.g. ``"sigma"``.

    Examples
    --------
    >>> bm.priors.hyper_of(bm.priors.InverseGammaVariance(2, bm.priors.Gamma(0.2, 1.5)), "sigma")
    ('sigma_beta', Gamma(alpha=0.2, beta=1.5))
    """
    if isinstance(spec, InverseGammaVariance) and isinstance(spec.beta, Gamma):
        return _hyper_name(parameter), spec.beta
    return None


def richardson_green(low: float, high: float) -> dict[str, Prior]:
    """Return the priors of Richardson & Green for normal components, from the range of the data.

    With the range R and its middle xi: ``mu ~ Normal(xi, R)``, ``sigma ** -2 ~ Gamma(2, rate beta)`` and ``beta ~
    Gamma(0.2, rate 10 / R ** 2)``. The paper writes precisions: ``kappa = 1 / R**2``, ``alpha = 2``,
    ``g = 0.2``, ``h = 10 / R**2``.

    Parameters
    ----------
    low, high : float
        The smallest and the largest value, ``low < high``.

    Returns
    -------
    dict of Prior
        Of ``mu`` and ``sigma``.

    References
    ----------
    Richardson & Green (1997), On Bayesian analysis of mixtures with an unknown number of components, JRSS B 59,
    731-792, section 2.4.

    Examples
    --------
    >>> bm.priors.richardson_green(-5, 5)["sigma"]
    InverseGammaVariance(alpha=2.0, beta=Gamma(alpha=0.2, beta=0.1))
    """
    spread = high - low
    return {
        "mu": Normal(low + 0.5 * spread, spread),
        "sigma": InverseGammaVariance(2.0, Gamma(0.2, 10.0 / spread**2)),
    }


PRIOR_SETS: Mapping[str, Callable[[float, float], dict[str, Prior]]] = {"richardson_green": richardson_green}
"""Sets of priors for normal components that ``Mixture(K, priors=name)`` knows, as functions of the data's range."""
