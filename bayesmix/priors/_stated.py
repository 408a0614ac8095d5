"""Priors stated in other words: as a central interval, or as any PyMC distribution."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.priors._base import Prior, Support, check_number
from bayesmix.priors._scalar import LogitNormal, LogNormal, Normal, WrappedNormal

__all__ = ["Between", "Distribution"]


def _inside(value: float, support: Support) -> bool:
    return support == "real" or (value >= 0 and (support == "positive" or value <= 1))


@dataclass(frozen=True)
class Between(Prior):
    """A prior stated as a central interval: the parameter lies between `low` and `high` with probability `mass`.

    It is not a bound. It becomes a Normal, LogNormal or LogitNormal prior, whichever fits the parameter's support.

    Parameters
    ----------
    low, high : float
        The interval, in the data's units.
    mass : float, default 0.9
        Its central probability.

    Examples
    --------
    >>> bm.priors.Between(0.5, 5).resolve("sigma", "positive").words()
    'log-normal, median 1.581, 90 % between 0.5 and 5'
    >>> bm.Mixture(2, priors={"mu": bm.priors.Between(10, 30)}).priors_in_words()["mu"]
    '90 % between 10 and 30'
    """

    support: ClassVar[Support] = "real"
    low: float
    high: float
    mass: float = 0.9

    def __post_init__(self) -> None:
        for field in ("low", "high", "mass"):
            check_number(self, field)
        if not self.low < self.high:
            raise InputError(f"Between: low must be smaller than high, got {self}. Swap them or widen the interval.")
        if not 0.01 <= self.mass <= 0.9999:
            raise InputError(f"Between: mass must lie between 0.01 and 0.9999, got {self.mass}. The default is 0.9.")

    @override
    def resolve(self, parameter: str, support: Support) -> Prior:
        low, high = self.low, self.high
        if support == "unit" and not (low > 0 and high < 1):
            raise InputError(
                f"the interval of {parameter!r} must lie inside (0, 1), got {self}. Move its ends inside, e.g. 0.05."
            )
        if support == "positive" and not low > 0:
            raise InputError(
                f"the interval of {parameter!r} must lie above 0, got {self}. "
                "Give a small positive lower end, e.g. the precision of the data."
            )
        if support == "angle":
            return WrappedNormal((low + high) / 2, (high - low) / (2 * NormalDist().inv_cdf(0.5 + self.mass / 2)))
        if support not in ("real", "positive", "unit"):
            return super().resolve(parameter, support)
        z = NormalDist().inv_cdf(0.5 + self.mass / 2)
        if support == "positive":
            a, b = math.log(low), math.log(high)
            return LogNormal((a + b) / 2, (b - a) / (2 * z))
        if support == "unit":
            a, b = math.log(low / (1 - low)), math.log(high / (1 - high))
            return LogitNormal((a + b) / 2, (b - a) / (2 * z))
        return Normal((low + high) / 2, (high - low) / (2 * z))

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        raise NotImplementedError("Between is resolved before a model is built")

    @override
    def words(self) -> str:
        return f"{100 * self.mass:g} % between {self.low:.4g} and {self.high:.4g}"

    @override
    def _spread(self, factor: float) -> Prior:
        # The same interval has less probability under a wider prior, on whatever scale that will be normal.
        z = NormalDist().inv_cdf(0.5 + self.mass / 2)
        return Between(self.low, self.high, 2 * NormalDist().cdf(z / factor) - 1)

    @override
    def exponent_at_zero(self) -> float:
        return math.inf


@dataclass(frozen=True)
class Distribution(Prior):
    """Any other continuous PyMC distribution, as its name and numbers.

    Made from an unnamed PyMC distribution such as ``pm.StudentT.dist(nu=3, mu=0, sigma=2)``; there is no need to
    write one by hand.

    Parameters
    ----------
    name : str
        The PyMC class, e.g. ``"StudentT"``.
    parameters : tuple of float
        The numbers in the order of the PyMC random variable behind that class.

    Examples
    --------
    >>> import pymc as pm
    >>> bm.priors.as_prior(pm.StudentT.dist(nu=3, mu=0, sigma=2), "mu")
    Distribution(name='StudentT', parameters=(3.0, 0.0, 2.0))
    """

    support: ClassVar[Support] = "real"
    name: str
    parameters: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(float(p) for p in self.parameters))

    @override
    def resolve(self, parameter: str, support: Support) -> Prior:
        if support not in ("real", "positive", "unit"):
            return super().resolve(parameter, support)
        outside = {"real": [], "positive": [-1e-9, -1.0, -1e9], "unit": [-1e-9, -1.0, 1 + 1e-9, 2.0]}[support]
        reached = [x for x in (*outside, *self._draws()) if not _inside(x, support) and self.log_density(x) > -math.inf]
        if reached:
            raise InputError(
                f"the prior of {parameter!r} must live on the {support} numbers, got {self}, which allows "
                f"{reached[0]}. Use a distribution with that support, e.g. bm.priors.LogNormal."
            )
        return self

    def _draws(self) -> list[float]:
        import pymc as pm

        drawn = pm.draw(self._random_variable(self.parameters, None), 100, random_seed=1)
        return [float(drawn.min()), float(drawn.max())]

    def draw(self, parameters: Sequence[Any], size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Draw values of a shape, by PyMC.

        Parameters
        ----------
        parameters : sequence of number or array
            In the order of PyMC's random variable.
        size : tuple of int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape `size`

        Examples
        --------
        >>> prior = bm.priors.Distribution("StudentT", (3.0, 0.0, 2.0))
        >>> prior.draw(prior.parameters, (5,), np.random.default_rng(1)).shape
        (5,)
        """
        import pymc as pm

        seed = int(rng.integers(2**31))
        return np.asarray(pm.draw(self._random_variable(parameters, size), random_seed=seed), dtype=np.float64)

    def log_density(self, value: float) -> float:
        """Return the log-density at a number, by PyMC.

        Parameters
        ----------
        value : float

        Examples
        --------
        >>> round(bm.priors.Distribution("StudentT", (3.0, 0.0, 2.0)).log_density(0.0), 3)
        -1.694
        """
        import pymc as pm

        return float(pm.logp(self._random_variable(self.parameters, None), value).eval())

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm

        model = pm.modelcontext(None)
        shape = tuple(len(model.coords[d] or ()) for d in dims)
        return model.register_rv(
            self._random_variable(hyper["parameters"], shape), f"{name}_{self.suffix}", dims=dims, **options
        )

    def _random_variable(self, parameters: Sequence[Any], size: tuple[int, ...] | None) -> Any:
        import pymc as pm
        import pytensor.tensor as pt
        from pytensor.tensor.random.op import RandomVariable

        rv_op = getattr(pm, self.name).rv_op
        if not isinstance(rv_op, RandomVariable):  # a builder of a symbolic random variable
            return rv_op(*parameters, size=size)
        return rv_op(*parameters, size=size, rng=pt.random.shared_rng(seed=None), return_next_rng=True)[1]

    @override
    def words(self) -> str:
        return f"PyMC's {self.name}({', '.join(f'{p:.4g}' for p in self.parameters)})"

    @override
    def _spread(self, factor: float) -> Prior:
        return self

    @override
    def exponent_at_zero(self) -> float:
        # The slope of the log-density in log p, far below any scale the prior could mean.
        low, high = (self.log_density(x) for x in (1e-200, 1e-190))
        if not math.isfinite(low) or not math.isfinite(high):
            return math.inf
        return round((high - low) / (10 * math.log(10)), 6)
