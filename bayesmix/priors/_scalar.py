"""Priors with a name of their own: three whitened ones and five that PyMC transforms itself."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.priors._base import Prior, Support, check_number
from bayesmix.priors._spread import spread_log_gamma

_NINETY = 1.6448536269514722
"""The central 90 % of a standard normal lie between minus and plus this."""

__all__ = [
    "Beta",
    "Exponential",
    "Gamma",
    "HalfNormal",
    "InverseGamma",
    "LogNormal",
    "LogitNormal",
    "Normal",
    "WrappedNormal",
]


class _Whitened(Prior):
    """A standard normal pushed through a link."""

    suffix: ClassVar[str] = "z"

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm

        z = pm.Normal(f"{name}_{self.suffix}", 0.0, 1.0, dims=dims, **options)
        return self._link(hyper["mu"] + hyper["sigma"] * z)

    @staticmethod
    @abstractmethod
    def _link(value: Any) -> Any:
        """Map the real line onto the support, on tensors."""

    @override
    def exponent_at_zero(self) -> float:
        return math.inf

    @override
    def _spread(self, factor: float) -> Prior:
        return replace(self, sigma=self.sigma * factor)  # type: ignore[attr-defined, call-arg]


class _FromPyMC(Prior):
    """A PyMC distribution of the same name and the same keywords, with PyMC's own transform."""

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm

        # PyTensor computes with Python numbers such as 0.5 in single precision: 1 / 0.15625 is then off by 1e-8.
        numbers = {field: np.asarray(value, dtype=np.float64) for field, value in hyper.items()}
        return getattr(pm, type(self).__name__)(f"{name}_{self.suffix}", dims=dims, **numbers, **options)


@dataclass(frozen=True)
class Normal(_Whitened):
    """Normal prior on the real line.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation in the data's units.

    Examples
    --------
    >>> bm.priors.Normal(5, 2)
    Normal(mu=5.0, sigma=2.0)
    """

    support: ClassVar[Support] = "real"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        check_number(self, "mu")
        check_number(self, "sigma", positive=True)

    @staticmethod
    @override
    def _link(value: Any) -> Any:
        return value

    @override
    def exponent_at_zero(self) -> float:
        return 0.0

    @override
    def words(self) -> str:
        return f"normal, mean {self.mu:.4g}, sd {self.sigma:.4g}"


@dataclass(frozen=True)
class LogNormal(_Whitened):
    """Log-normal prior on the positive numbers; its density vanishes at 0 faster than any power.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of the logarithm of the parameter.

    Examples
    --------
    >>> bm.priors.LogNormal(0, 0.7).words()
    'log-normal, median 1, 90 % between 0.316 and 3.16'
    """

    support: ClassVar[Support] = "positive"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        check_number(self, "mu")
        check_number(self, "sigma", positive=True)

    @staticmethod
    @override
    def _link(value: Any) -> Any:
        import pymc as pm

        return pm.math.exp(value)

    @override
    def words(self) -> str:
        low, middle, high = (math.exp(self.mu + z * self.sigma) for z in (-_NINETY, 0, _NINETY))
        return f"log-normal, median {middle:.4g}, 90 % between {low:.3g} and {high:.3g}"


@dataclass(frozen=True)
class LogitNormal(_Whitened):
    """Logit-normal prior on (0, 1).

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of the logit of the parameter.

    Examples
    --------
    >>> bm.priors.LogitNormal(0, 1).words()
    'logit-normal, median 0.5, 90 % between 0.162 and 0.838'
    """

    support: ClassVar[Support] = "unit"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        check_number(self, "mu")
        check_number(self, "sigma", positive=True)

    @staticmethod
    @override
    def _link(value: Any) -> Any:
        import pymc as pm

        return pm.math.sigmoid(value)

    @override
    def words(self) -> str:
        low, middle, high = (1 / (1 + math.exp(-(self.mu + z * self.sigma))) for z in (-_NINETY, 0, _NINETY))
        return f"logit-normal, median {middle:.3g}, 90 % between {low:.3g} and {high:.3g}"


@dataclass(frozen=True)
class HalfNormal(_FromPyMC):
    """Half-normal prior; positive at 0, so improper on tied data when put on a standard deviation.

    Parameters
    ----------
    sigma : float
        Scale, in the data's units.

    Examples
    --------
    >>> bm.priors.HalfNormal(2).words()
    'half-normal, scale 2'
    """

    support: ClassVar[Support] = "positive"
    sigma: float

    def __post_init__(self) -> None:
        check_number(self, "sigma", positive=True)

    @override
    def exponent_at_zero(self) -> float:
        return 0.0

    @override
    def _spread(self, factor: float) -> Prior:
        return HalfNormal(self.sigma * factor)

    @override
    def words(self) -> str:
        return f"half-normal, scale {self.sigma:.4g}"


@dataclass(frozen=True)
class Exponential(_FromPyMC):
    """Exponential prior; positive at 0, so improper on tied data when put on a standard deviation.

    Parameters
    ----------
    lam : float
        Rate, one over the mean.

    Examples
    --------
    >>> bm.priors.Exponential(0.5).words()
    'exponential, mean 2'
    """

    support: ClassVar[Support] = "positive"
    lam: float

    def __post_init__(self) -> None:
        check_number(self, "lam", positive=True)

    @override
    def exponent_at_zero(self) -> float:
        return 0.0

    @override
    def _spread(self, factor: float) -> Prior:
        return Exponential(self.lam / factor)

    @override
    def words(self) -> str:
        return f"exponential, mean {1 / self.lam:.4g}"


@dataclass(frozen=True)
class Gamma(_FromPyMC):
    """Gamma prior with density proportional to ``x**(alpha - 1) * exp(-beta * x)``.

    Parameters
    ----------
    alpha, beta : float
        Shape and rate.

    Examples
    --------
    >>> bm.priors.Gamma(2, 1).words()
    'gamma, mean 2, sd 1.414'
    """

    support: ClassVar[Support] = "positive"
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        check_number(self, "alpha", positive=True)
        check_number(self, "beta", positive=True)

    @override
    def exponent_at_zero(self) -> float:
        return self.alpha - 1.0

    @override
    def _spread(self, factor: float) -> Prior:
        return Gamma(self.alpha / factor**2, self.beta / factor**2)

    @override
    def words(self) -> str:
        return f"gamma, mean {self.alpha / self.beta:.4g}, sd {math.sqrt(self.alpha) / self.beta:.4g}"


@dataclass(frozen=True)
class InverseGamma(_FromPyMC):
    """Inverse-gamma prior with density proportional to ``x**(-alpha - 1) * exp(-beta / x)``.

    Parameters
    ----------
    alpha, beta : float
        Shape and scale.

    Examples
    --------
    >>> bm.priors.InverseGamma(3, 2).words()
    'inverse gamma, shape 3, scale 2'
    """

    support: ClassVar[Support] = "positive"
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        check_number(self, "alpha", positive=True)
        check_number(self, "beta", positive=True)

    @override
    def exponent_at_zero(self) -> float:
        return math.inf

    @override
    def _spread(self, factor: float) -> Prior:
        alpha, gain = spread_log_gamma(self.alpha, factor)
        return InverseGamma(alpha, self.beta * math.exp(gain))

    @override
    def words(self) -> str:
        return f"inverse gamma, shape {self.alpha:.4g}, scale {self.beta:.4g}"


@dataclass(frozen=True)
class Beta(_FromPyMC):
    """Beta prior on (0, 1) with density proportional to ``x**(alpha - 1) * (1 - x)**(beta - 1)``.

    Parameters
    ----------
    alpha, beta : float
        Shapes; 1 and 1 is uniform.

    Examples
    --------
    >>> bm.priors.Beta(2, 2).words()
    'beta, mean 0.5, shapes 2 and 2'
    """

    support: ClassVar[Support] = "unit"
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        check_number(self, "alpha", positive=True)
        check_number(self, "beta", positive=True)

    @override
    def exponent_at_zero(self) -> float:
        return self.alpha - 1.0

    @override
    def _spread(self, factor: float) -> Prior:
        return Beta(self.alpha / factor**2, self.beta / factor**2)

    @override
    def words(self) -> str:
        return f"beta, mean {self.alpha / (self.alpha + self.beta):.3g}, shapes {self.alpha:.4g} and {self.beta:.4g}"


@dataclass(frozen=True)
class WrappedNormal(Prior):
    """Prior of an angle: a normal distribution wound around the circle.

    With the default standard deviation of 10 radians it is uniform to one part in 1e21. Sampling goes along the line,
    so there is no place where the circle is cut.

    Parameters
    ----------
    mu : float, default 0.0
        Preferred direction, in radians.
    sigma : float, default 10.0
        Standard deviation before winding, in radians.

    References
    ----------
    Mardia & Jupp (2000), *Directional Statistics*, section 3.5.7.

    Examples
    --------
    >>> bm.priors.WrappedNormal(1.5, 0.3)
    WrappedNormal(mu=1.5, sigma=0.3)
    """

    support: ClassVar[Support] = "angle"
    suffix: ClassVar[str] = "z"
    mu: float = 0.0
    sigma: float = 10.0

    def __post_init__(self) -> None:
        check_number(self, "mu")
        check_number(self, "sigma", positive=True)

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        angle = hyper["mu"] + hyper["sigma"] * pm.Normal(f"{name}_{self.suffix}", 0.0, 1.0, dims=dims, **options)
        return pt.arctan2(pt.sin(angle), pt.cos(angle))

    @override
    def exponent_at_zero(self) -> float:
        return 0.0

    @override
    def _spread(self, factor: float) -> Prior:
        return WrappedNormal(self.mu, self.sigma * factor)

    @override
    def words(self) -> str:
        spread = f"around {self.mu:.4g}, sd {self.sigma:.4g} rad"
        return f"wrapped normal {spread}" if self.sigma < math.pi else "uniform on the circle"
