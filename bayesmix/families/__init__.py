"""Component families: one file each, one line in the registry.

A family says what a component's parameters are, where they live, which default priors follow from the data's scale,
how PyMC writes the component, and the density in NumPy. To add one, write a file with a `Family` subclass and list it
in `FAMILIES`: it runs on PyMC then. To run on the compiled engine it also needs a column kernel there.
"""

from collections.abc import Iterator
from typing import Any

from bayesmix.errors import InputError
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter, refuse_column_name
from bayesmix.families.bernoulli import Bernoulli
from bayesmix.families.beta import Beta
from bayesmix.families.binomial import Binomial
from bayesmix.families.categorical import Categorical
from bayesmix.families.exponential import Exponential
from bayesmix.families.gamma import Gamma
from bayesmix.families.log_normal import LogNormal
from bayesmix.families.mv_normal import MvNormal
from bayesmix.families.negative_binomial import NegativeBinomial
from bayesmix.families.normal import Normal
from bayesmix.families.poisson import Poisson
from bayesmix.families.student_t import StudentT
from bayesmix.families.von_mises import VonMises
from bayesmix.families.weibull import Weibull

__all__ = [
    "FAMILIES",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Exponential",
    "Family",
    "Gamma",
    "LogNormal",
    "MvNormal",
    "NegativeBinomial",
    "Normal",
    "Parameter",
    "Poisson",
    "StudentT",
    "VonMises",
    "Weibull",
    "as_family",
    "family_from_dict",
    "refuse_column_name",
]

FAMILIES: tuple[type[Family], ...] = (
    Normal,
    StudentT,
    LogNormal,
    Gamma,
    Exponential,
    Weibull,
    Beta,
    VonMises,
    Poisson,
    NegativeBinomial,
    Binomial,
    Bernoulli,
    Categorical,
    MvNormal,
)

_BY_NAME = {family.name: family for family in FAMILIES}
_ROOT: Any = Family  # the base class is abstract, which the type checker minds here


def as_family(value: Any) -> Family:
    """Return the family for a name, or the family object itself.

    Parameters
    ----------
    value : str or Family
        ``"normal"``, or e.g. ``bm.families.Normal(common_sigma=True)``.

    Returns
    -------
    Family

    Raises
    ------
    InputError
        For an unknown name or another type.

    Examples
    --------
    >>> bm.families.as_family("student_t")
    StudentT()
    >>> bm.families.as_family("gauss")
    Traceback (most recent call last):
        ...
    bayesmix.errors.InputError: family must be one of ['bernoulli', ...
    """
    if isinstance(value, Family):
        return value
    if isinstance(value, str) and value in _BY_NAME:
        return _BY_NAME[value]()
    raise InputError(
        f"family must be one of {sorted(_BY_NAME)} or an object from bm.families, got {value!r}. "
        "Use family='normal' or bm.families.Normal(common_sigma=True)."
    )


def family_from_dict(data: dict[str, Any]) -> Family:
    """Read back what `Family.to_dict` wrote; lists, which JSON makes of tuples, become tuples again.

    Parameters
    ----------
    data : mapping
        With the key ``"family"``.

    Returns
    -------
    Family

    Raises
    ------
    InputError
        If no family of that name is loaded.

    Examples
    --------
    >>> family = bm.families.Normal(common_sigma=True)
    >>> bm.families.family_from_dict(family.to_dict()) == family
    True
    """
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    name = values.pop("family")
    known: dict[str, Any] = {family.name: family for family in _subclasses(_ROOT) if hasattr(family, "name")} | _BY_NAME
    if name not in known:
        raise InputError(
            f"family must be one of {sorted(known)}, got {name!r}. Import the module that defines it, or install the "
            "version of bayesmix that saved it."
        )
    chosen: Any = known[name]
    restored: Family = chosen(**values)
    return restored


def _subclasses(family: type[Family]) -> Iterator[type[Family]]:
    """Yield the families that are loaded, those of users too."""
    for child in family.__subclasses__():
        yield child
        yield from _subclasses(child)
