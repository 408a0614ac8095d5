"""What every scalar prior promises."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np

from bayesmix.errors import InputError

__all__ = ["Prior", "Support", "check_number"]

type Support = Literal["real", "positive", "unit", "angle", "simplex", "correlation"]

_INSIDE: dict[Support, tuple[Support, ...]] = {
    "real": ("real", "positive", "unit"),
    "positive": ("positive", "unit"),
    "unit": ("unit",),
    "angle": ("angle",),
    "simplex": ("simplex",),
    "correlation": ("correlation",),
}

_SUITABLE: dict[Support, str] = {
    "real": "bm.priors.Normal or bm.priors.Between",
    "positive": "bm.priors.LogNormal, bm.priors.Gamma or bm.priors.Between",
    "unit": "bm.priors.LogitNormal, bm.priors.Beta or bm.priors.Between",
    "angle": "bm.priors.WrappedNormal",
    "simplex": "bm.priors.Dirichlet",
    "correlation": "bm.priors.LKJ",
}
_PLACE: dict[Support, str] = {
    "real": "the real numbers",
    "positive": "the positive numbers",
    "unit": "the unit numbers",
    "angle": "the circle",
    "simplex": "probabilities that add up to 1",
    "correlation": "correlation matrices",
}


def check_number(owner: object, field: str, *, positive: bool = False) -> None:
    """Check one numeric field of a frozen prior and store it as a float."""
    value = getattr(owner, field)
    rule = "a finite number > 0" if positive else "a finite number"
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, (bool, str)) or not math.isfinite(number) or (positive and number <= 0):
        raise InputError(
            f"{type(owner).__name__}: {field} must be {rule}, got {value!r}. "
            f"State it in the data's own units, e.g. {type(owner).__name__}{_EXAMPLES[type(owner).__name__]}."
        )
    object.__setattr__(owner, field, number)


_EXAMPLES = {
    "Normal": "(mu=5, sigma=2)",
    "LogNormal": "(mu=0, sigma=0.7)",
    "LogitNormal": "(mu=0, sigma=1)",
    "HalfNormal": "(sigma=2)",
    "Exponential": "(lam=1)",
    "Gamma": "(alpha=2, beta=1)",
    "InverseGamma": "(alpha=3, beta=2)",
    "InverseGammaVariance": "(alpha=2, beta=1)",
    "Beta": "(alpha=2, beta=2)",
    "WrappedNormal": "(mu=0, sigma=1)",
    "LKJ": "(eta=2)",
    "Between": "(0.5, 5)",
    "SparseDirichlet": "(alpha=1)",
}


@dataclass(frozen=True)
class Prior(ABC):
    """A prior for one parameter, in the data's units; the base class of all of them.

    Attributes
    ----------
    support : {"real", "positive", "unit", "angle", "simplex", "correlation"}
        Where it lives.

    Examples
    --------
    >>> isinstance(bm.priors.Normal(5, 2), bm.priors.Prior), bm.priors.Normal(5, 2).support
    (True, 'real')
    """

    support: ClassVar[Support]
    suffix: ClassVar[str] = "free"
    """The free variable of parameter ``p`` is called ``p_<suffix>`` in the model."""

    def resolve(self, parameter: str, support: Support) -> "Prior":
        """Return a prior with numbers only, after checking that it fits the parameter's support.

        Parameters
        ----------
        parameter : str
            The parameter's name, for the message.
        support : {"real", "positive", "unit", "angle", "simplex", "correlation"}
            Where the parameter lives.

        Raises
        ------
        InputError
            If the prior puts mass outside the support.

        Examples
        --------
        >>> bm.priors.Between(0.5, 5).resolve("sigma", "positive").words()
        'log-normal, median 1.581, 90 % between 0.5 and 5'
        >>> bm.priors.Normal(0, 1).resolve("sigma", "positive")
        Traceback (most recent call last):
            ...
        bayesmix.errors.InputError: the prior of 'sigma' must live on the positive numbers, got Normal(mu=0.0,
        sigma=1.0). ...
        """
        if self.support not in _INSIDE[support]:
            raise InputError(
                f"the prior of {parameter!r} must live on {_PLACE[support]}, got {self}. Use for example "
                f"{_SUITABLE[support]}."
            )
        return self

    @abstractmethod
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        """Create the free variable in the PyMC model on the context stack and return the parameter itself.

        Parameters
        ----------
        name : str
            The parameter's name; the free variable is ``name + "_" + suffix``.
        hyper : mapping
            The prior's fields, each a number or one number per component.
        dims : tuple of str
            ``("component",)``, or ``()`` for a parameter that all components share.
        **options
            Passed on to PyMC, e.g. ``transform=``.

        Examples
        --------
        >>> import pymc as pm
        >>> with pm.Model() as model:
        ...     mu = bm.priors.Normal(5, 2).variable("mu", {"mu": 5.0, "sigma": 2.0}, ())
        >>> [variable.name for variable in model.free_RVs]
        ['mu_z']
        """

    @abstractmethod
    def exponent_at_zero(self) -> float:
        """Return a where the density behaves like p**a as the parameter p falls to 0 (inf: faster than any power).

        Examples
        --------
        >>> bm.priors.Gamma(3, 1).exponent_at_zero(), bm.priors.LogNormal(0, 1).exponent_at_zero()
        (2.0, inf)
        """

    def spread(self, factor: float) -> "Prior":
        """Return the same kind of prior about `factor` times as spread out, around the same centre.

        Normal, log-normal, logit-normal and wrapped normal priors change their sd on the scale that they are normal on,
        half-normal and exponential ones their scale. A gamma prior keeps its mean, inverse-gamma ones the mean of the
        logarithm, whose sd changes. Beta and Dirichlet priors keep their means and divide the concentration by
        ``factor ** 2``, which changes the sd by at most the factor; so does `LKJ` with ``eta``, but not to below 1,
        where all correlation matrices are equally likely. A PyMC distribution stays as it is.

        Parameters
        ----------
        factor : float
            > 0; above 1 is wider.

        Raises
        ------
        InputError
            If the factor is not a number > 0.

        Examples
        --------
        >>> bm.priors.Normal(5, 2).spread(2)
        Normal(mu=5.0, sigma=4.0)
        """
        usable = isinstance(factor, (int, float, np.number)) and not isinstance(factor, bool)
        if not (usable and math.isfinite(factor) and factor > 0):
            raise InputError(f"factor must be a finite number > 0, got {factor!r}. Use e.g. 2 for twice as spread out.")
        return self._spread(float(factor))

    @abstractmethod
    def _spread(self, factor: float) -> "Prior":
        """Return the prior with another spread; the factor is checked."""

    def words(self) -> str:
        """Return the prior in words, with numbers in the parameter's units.

        Examples
        --------
        >>> bm.priors.Normal(5, 2).words()
        'normal, mean 5, sd 2'
        """
        return str(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the prior as plain JSON types.

        Examples
        --------
        >>> bm.priors.Normal(5, 2).to_dict()
        {'prior': 'Normal', 'mu': 5.0, 'sigma': 2.0}
        """
        return {"prior": type(self).__name__, **{f.name: getattr(self, f.name) for f in fields(self)}}
