"""The gate for priors: PyMC distributions, lists (one prior per component) and saved dictionaries become values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, override

import numpy as np

from bayesmix.errors import InputError
from bayesmix.priors._base import Prior
from bayesmix.priors._hierarchical import PRIOR_SETS, InverseGammaVariance, hyper_of
from bayesmix.priors._scalar import (
    Beta,
    Exponential,
    Gamma,
    HalfNormal,
    InverseGamma,
    LogitNormal,
    LogNormal,
    Normal,
    WrappedNormal,
)
from bayesmix.priors._stated import Between, Distribution
from bayesmix.priors._unknown import Unknown
from bayesmix.priors._vector import LKJ, ByFeature, SimplexDirichlet
from bayesmix.priors._weights import Dirichlet, SparseDirichlet, WeightsPrior

__all__ = [
    "PriorSet",
    "PriorSpec",
    "as_prior",
    "as_weights_prior",
    "prior_from_dict",
    "stack_parameters",
    "weights_from_dict",
]

type PriorSpec = Prior | tuple[Prior, ...]
"""One prior for all components, or one per component (which gives the components an identity)."""

_CLASSES: dict[str, type[Prior]] = {
    c.__name__: c
    for c in (
        Beta,
        Between,
        Exponential,
        Gamma,
        HalfNormal,
        InverseGamma,
        InverseGammaVariance,
        LKJ,
        LogNormal,
        LogitNormal,
        Normal,
        Unknown,
        WrappedNormal,
    )
}


class PriorSet(Mapping[str, PriorSpec]):
    """An immutable, hashable mapping from parameter name to prior; or the name of a set, empty until it sees data.

    Attributes
    ----------
    name : str or None
        Of the set in `PRIOR_SETS`, where the priors were given by such a name.

    Examples
    --------
    >>> bm.priors.PriorSet({"mu": bm.priors.Normal(0, 1)})["mu"]
    Normal(mu=0.0, sigma=1.0)
    >>> bm.priors.PriorSet("richardson_green").name
    'richardson_green'
    """

    __slots__ = ("_items", "name")

    def __init__(self, priors: Mapping[str, Any] | str | None = None) -> None:
        if isinstance(priors, str) and priors not in PRIOR_SETS:
            raise InputError(
                f"priors by name must be one of {sorted(PRIOR_SETS)}, got {priors!r}. Check the spelling, or map "
                "parameter names to priors, e.g. {'mu': bm.priors.Normal(5, 2)}."
            )
        if priors is not None and not isinstance(priors, (str, Mapping)):
            raise InputError(
                f"priors must map parameter names to priors, got {priors!r}. Use e.g. {{'mu': bm.priors.Normal(5, 2)}}."
            )
        given = {} if isinstance(priors, str) else dict(priors or {})
        self._items = {str(name): as_prior(value, str(name)) for name, value in given.items()}
        self.name: str | None = (
            priors if isinstance(priors, str) else priors.name if isinstance(priors, PriorSet) else None
        )

    @override
    def __getitem__(self, name: str) -> PriorSpec:
        return self._items[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    @override
    def __len__(self) -> int:
        return len(self._items)

    @override
    def __eq__(self, other: object) -> bool:
        if isinstance(other, PriorSet) and other.name != self.name:
            return False
        return super().__eq__(other)

    @override
    def __hash__(self) -> int:
        return hash((self.name, frozenset(self._items.items())))

    @override
    def __repr__(self) -> str:
        return repr(self.name or self._items)

    def to_dict(self) -> dict[str, Any] | str:
        """Return the priors as plain JSON types; a named set as its name.

        Examples
        --------
        >>> bm.Mixture(2, priors={"mu": bm.priors.Normal(0, 1)}).priors.to_dict()
        {'mu': {'prior': 'Normal', 'mu': 0.0, 'sigma': 1.0}}
        """
        return self.name or {
            name: [p.to_dict() for p in prior] if isinstance(prior, tuple) else prior.to_dict()
            for name, prior in self._items.items()
        }


def as_prior(value: Any, parameter: str) -> PriorSpec:
    """Turn whatever the user gave as a prior into a value.

    Parameters
    ----------
    value : Prior, PyMC distribution, list with one of these per component, or mapping with one per column
        An unnamed PyMC distribution with constant parameters, e.g. ``pm.HalfNormal.dist(2.0)``.
    parameter : str
        The parameter's name, for messages.

    Returns
    -------
    Prior or tuple of Prior

    Raises
    ------
    InputError
        If the value is not a prior.

    Examples
    --------
    >>> import pymc as pm
    >>> bm.priors.as_prior(pm.HalfNormal.dist(2.0), "sigma")
    HalfNormal(sigma=2.0)
    >>> bm.priors.as_prior([bm.priors.Normal(0, 1), bm.priors.Normal(5, 1)], "mu")
    (Normal(mu=0.0, sigma=1.0), Normal(mu=5.0, sigma=1.0))
    """
    if isinstance(value, Prior):
        return value
    if isinstance(value, Dirichlet):
        return SimplexDirichlet(value.a)
    if isinstance(value, Mapping):
        priors = [as_prior(v, parameter) for v in value.values()]
        if not value or not all(isinstance(p, Prior) for p in priors):
            raise InputError(
                f"the priors of {parameter!r} by column must be a mapping from column to one prior, got {value!r}. "
                "Use e.g. {'height': bm.priors.Normal(170, 20), 'weight': bm.priors.Normal(70, 20)}."
            )
        if len({_kind(p) for p in priors}) > 1:
            raise InputError(
                f"the priors of {parameter!r} by column must be of one kind, got {[str(p) for p in priors]}. "
                "State them all as bm.priors.Between, which becomes one kind."
            )
        _refuse_shared(priors, parameter, "column")
        return ByFeature(tuple(map(str, value)), tuple(p for p in priors if isinstance(p, Prior)))
    if isinstance(value, (list, tuple)):
        if not value:
            raise InputError(f"the prior of {parameter!r} must not be an empty list. Give one prior per component.")
        singles = [as_prior(v, parameter) for v in value]
        return tuple(s for s in singles if isinstance(s, Prior))
    if type(value).__module__.startswith(("pytensor", "pymc")) and hasattr(value, "owner"):
        return _from_pymc(value, parameter)
    raise InputError(
        f"the prior of {parameter!r} must be one of bm.priors or a PyMC distribution, got {value!r}. "
        f"Use e.g. bm.priors.Normal(5, 2), bm.priors.Between(0.5, 5) or pm.HalfNormal.dist(2.0)."
    )


def as_weights_prior(value: Any) -> WeightsPrior:
    """Turn whatever the user gave as the prior of the weights into a value.

    Parameters
    ----------
    value : Dirichlet, SparseDirichlet, or unnamed ``pm.Dirichlet.dist(...)``

    Returns
    -------
    Dirichlet or SparseDirichlet

    Raises
    ------
    InputError
        If the value is none of these.

    Examples
    --------
    >>> import pymc as pm
    >>> bm.priors.as_weights_prior(pm.Dirichlet.dist([1.0, 2.0]))
    Dirichlet(a=(1.0, 2.0))
    """
    if isinstance(value, (Dirichlet, SparseDirichlet, Unknown)):
        return value
    if type(getattr(getattr(value, "owner", None), "op", None)).__name__ == "DirichletRV":
        return Dirichlet(tuple(np.ravel(_constants(value, "weights")[0])))
    raise InputError(
        f"weights must be a prior of the weights, got {value!r}. Use bm.priors.Dirichlet(1.0) or "
        "bm.priors.SparseDirichlet(1.0)."
    )


def _constants(variable: Any, parameter: str) -> list[Any]:
    """Numbers behind an unnamed PyMC distribution, in the order of its random variable."""
    from pymc.exceptions import NotConstantValueError
    from pymc.pytensorf import constant_fold

    op, node = variable.owner.op, variable.owner
    inputs = op.dist_params(node) if hasattr(op, "dist_params") else node.inputs
    try:
        return [np.asarray(v, dtype=np.float64) for v in constant_fold(list(inputs), raise_not_constant=True)]
    except NotConstantValueError:
        raise InputError(
            f"the prior of {parameter!r} must have constant parameters, got {variable}, which depends on other "
            "variables. Write the numbers in; for a hierarchical prior start from bm.build_model(...)."
        ) from None


def _from_pymc(variable: Any, parameter: str) -> Prior:
    import pymc as pm

    if variable.owner is None or variable.name is not None:
        raise InputError(
            f"the prior of {parameter!r} must be an unnamed PyMC distribution, got {variable}. "
            "Use the .dist form, e.g. pm.HalfNormal.dist(2.0)."
        )
    op = variable.owner.op
    kind = type(op).__name__
    values = _constants(variable, parameter)
    if kind == "DirichletRV" and values[0].ndim == 1:
        return SimplexDirichlet(tuple(values[0].tolist()))
    if variable.ndim > 0 or any(v.size != 1 for v in values):
        raise InputError(
            f"the prior of {parameter!r} must be a scalar distribution, got {kind} with {variable.ndim} dimensions. "
            "Give a list with one distribution per component instead."
        )
    numbers = tuple(float(v.item()) for v in values)
    named = _named(kind, numbers, variable)
    if named is not None:
        return named
    for name in pm.distributions.__all__:
        cls = getattr(pm.distributions, name)
        if getattr(cls, "rv_type", None) is type(op) and hasattr(op, "dist_params") and hasattr(cls, "rv_op"):
            if variable.dtype.startswith(("int", "bool")):
                break
            return Distribution(name, numbers)
    raise InputError(
        f"the prior of {parameter!r} must be a plain continuous PyMC distribution, got {kind}. Supported are those "
        "with a random variable of their own, e.g. pm.HalfNormal.dist, pm.StudentT.dist, pm.Uniform.dist."
    )


def _named(kind: str, numbers: tuple[float, ...], variable: Any) -> Prior | None:
    """Map the distributions that bayesmix has itself; scales are turned back into rates."""
    match kind:
        case "NormalRV":
            return Normal(*numbers)
        case "LogNormalRV":
            return LogNormal(*numbers)
        case "LogitNormal":
            return LogitNormal(*numbers)
        case "HalfNormalRV" if numbers[0] == 0:
            return HalfNormal(numbers[1])
        case "ExponentialRV":
            return Exponential(_rate(variable.owner.op.dist_params(variable.owner)[0]))
        case "GammaRV":
            return Gamma(numbers[0], _rate(variable.owner.op.dist_params(variable.owner)[1]))
        case "InvGammaRV":
            return InverseGamma(*numbers)
        case "BetaRV":
            return Beta(*numbers)
    return None


def _rate(scale: Any) -> float:
    """Return 1 / scale, or the user's own rate where PyMC wrote the scale as its reciprocal (in float32 for ints)."""
    owner = scale.owner
    if owner is not None and type(getattr(owner.op, "scalar_op", None)).__name__ == "Reciprocal":
        return float(owner.inputs[0].eval())
    return 1.0 / float(scale.eval())


def stack_parameters(
    spec: PriorSpec, parameter: str, n_components: int, *, vector: bool = False
) -> tuple[Prior, dict[str, Any]]:
    """Return a prior that stands for its kind, and its fields as numbers or arrays that broadcast over the parameter.

    Parameters
    ----------
    spec : Prior or tuple of Prior
        One for all components, or one per component.
    parameter : str
        The parameter's name, for messages.
    n_components : int
        How many priors a tuple must have.
    vector : bool, default False
        Whether the parameter has a further dimension behind the component.

    Raises
    ------
    InputError
        If a tuple has the wrong length or mixes kinds of priors.

    Examples
    --------
    >>> each = (bm.priors.Normal(0, 1), bm.priors.Normal(5, 1))
    >>> kind, fields = bm.priors.stack_parameters(each, "mu", 2)
    >>> {name: value.tolist() for name, value in fields.items()}
    {'mu': [0.0, 5.0], 'sigma': [1.0, 1.0]}
    """
    if isinstance(spec, Prior):
        return _kind_and_fields(spec)
    if len(spec) != n_components:
        raise InputError(
            f"the priors of {parameter!r} must be one per component, got {len(spec)} for n_components={n_components}. "
            f"Give {n_components} priors, or a single one for all."
        )
    _refuse_shared(spec, parameter, "component")
    parts = [_kind_and_fields(p) for p in spec]
    if len({_kind(kind) for kind, _ in parts}) > 1:
        raise InputError(
            f"the priors of {parameter!r} must be of one kind, got {[str(p) for p in spec]}. "
            "State them all as bm.priors.Between, which becomes one kind."
        )
    first = parts[0][0]
    if isinstance(first, Distribution):
        columns = zip(*(hyper["parameters"] for _, hyper in parts), strict=True)
        return first, {"parameters": tuple(_upright(np.array(c), vector) for c in columns)}
    fields_of = {name: _same_length([hyper[name] for _, hyper in parts], spec, parameter) for name in parts[0][1]}
    return first, {name: _upright(np.array(values), vector) for name, values in fields_of.items()}


def _refuse_shared(priors: Iterable[PriorSpec], parameter: str, owner: str) -> None:
    """Refuse an unknown scale in a prior of one component or column: it is there to be shared by all of them."""
    for prior in priors:
        if hyper_of(prior, parameter) is not None:
            raise InputError(
                f"the priors of {parameter!r} by {owner} must have scales that are numbers, got {prior}: an unknown "
                "scale is shared by all components, which are then alike, while a list tells them apart. Give this "
                f"prior once for {parameter!r}, or a number for each {owner}."
            )


def _same_length(values: list[Any], spec: PriorSpec, parameter: str) -> list[Any]:
    """Write single numbers out where other components have one for each category or column."""
    lengths = {np.size(value) for value in values} - {1}
    if len(lengths) > 1:
        raise InputError(
            f"the priors of {parameter!r} must be equally long, got {spec}. Give every component one number per "
            "category, or one for all."
        )
    return [np.broadcast_to(value, max(lengths)) for value in values] if lengths else values


def _kind(prior: PriorSpec) -> tuple[Any, ...]:
    """Return what priors must have in common to be written as one distribution with arrays of numbers."""
    return type(prior), getattr(prior, "name", None)


def _upright(values: Any, vector: bool) -> Any:
    """Put numbers that differ between components on the component's axis."""
    return values[:, np.newaxis] if vector and values.ndim == 1 else values


def _kind_and_fields(prior: Prior) -> tuple[Prior, dict[str, Any]]:
    if isinstance(prior, ByFeature):
        return prior.kind, prior.hyper()
    return prior, {f.name: getattr(prior, f.name) for f in fields(prior) if f.name != "name"}


def prior_from_dict(data: Any) -> PriorSpec:
    """Read back what ``Prior.to_dict`` wrote (a list is one prior per component).

    Parameters
    ----------
    data : mapping or list of mapping

    Returns
    -------
    Prior or tuple of Prior

    Examples
    --------
    >>> bm.priors.prior_from_dict(bm.priors.Normal(5, 2).to_dict())
    Normal(mu=5.0, sigma=2.0)
    """
    if isinstance(data, list):
        return tuple(p for p in map(prior_from_dict, data) if isinstance(p, Prior))
    values: dict[str, Any] = {name: prior_from_dict(v) if isinstance(v, Mapping) else v for name, v in data.items()}
    kind = values.pop("prior")
    if kind == "SimplexDirichlet":
        a = values["a"]
        return SimplexDirichlet(tuple(a) if isinstance(a, list) else a)
    if kind == "ByFeature":
        singles = [prior_from_dict(p) for p in values["priors"]]
        return ByFeature(tuple(values["names"]), tuple(p for p in singles if isinstance(p, Prior)))
    if kind == "Distribution":
        return Distribution(values["name"], tuple(values["parameters"]))
    if kind not in _CLASSES:
        raise InputError(f"prior must be one of {sorted(_CLASSES)}, got {kind!r}. Was it saved by a newer version?")
    return _CLASSES[kind](**values)


def weights_from_dict(data: Mapping[str, Any]) -> WeightsPrior:
    """Read back what ``Dirichlet.to_dict`` or ``SparseDirichlet.to_dict`` wrote.

    Parameters
    ----------
    data : mapping

    Returns
    -------
    Dirichlet or SparseDirichlet

    Examples
    --------
    >>> bm.priors.weights_from_dict(bm.priors.Dirichlet(2.0).to_dict())
    Dirichlet(a=2.0)
    """
    if data["prior"] == "SparseDirichlet":
        return SparseDirichlet(data["alpha"])
    if data["prior"] == "Unknown":
        return Unknown()
    if data["prior"] != "Dirichlet":
        raise InputError(
            f"weights must be Dirichlet or SparseDirichlet, got {data['prior']!r}. Was it saved by a newer version?"
        )
    a = data["a"]
    return Dirichlet(tuple(a) if isinstance(a, list) else a)
