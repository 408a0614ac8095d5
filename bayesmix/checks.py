"""What a specification must satisfy, whatever the data: its parameters, names and order."""

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import FamilyTable
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.priors import ByFeature, PriorSet, hyper_of, stack_parameters

if TYPE_CHECKING:
    from bayesmix.mixture import Mixture

__all__ = ["check_parameters", "flat_priors", "named_key", "read_classes"]


def read_classes(classes: Any, n_components: int) -> tuple[str | int, ...]:
    """Return the names of the components."""
    if classes is None:
        return ()
    given = hasattr(classes, "__len__") and not isinstance(classes, (str, bytes, Mapping, Set))
    names = [name.item() if isinstance(name, np.generic) else name for name in (classes if given else ())]
    plain = all(isinstance(name, (str, int)) and str(name).strip() for name in names)
    if given and plain and len({str(name) for name in names}) == len(names) and len(names) in (0, n_components):
        return tuple(names)
    raise InputError(
        f"classes must name each of the {n_components} components once, by text or whole numbers, got {classes!r}. Use "
        f"e.g. classes={['child', 'adult', 'other'][:n_components] if n_components < 4 else '[…]'}, in the order of "
        "the components."
    )


def flat_priors(priors: Any, family: Family | FamilyTable) -> Any:
    """Write the priors of a table's columns under the names of the variables: ``age_mu``."""
    if not isinstance(family, FamilyTable) or not isinstance(priors, Mapping) or isinstance(priors, PriorSet):
        return priors
    flat: dict[str, Any] = {}
    for name, value in priors.items():
        if name in family and isinstance(value, Mapping):
            flat |= {f"{name}_{parameter}": prior for parameter, prior in value.items()}
        else:
            flat[name] = value
    return flat


def named_key(mixture: "Mixture", order_by: Any) -> tuple[str, int]:
    """Return the variable that the user's words name, and which of its entries."""
    given = (order_by,) if isinstance(order_by, str) else order_by
    features = {label: i for v in mixture.variables if v.parameter.dim == "feature" for i, label in enumerate(v.labels)}
    sortable = {v.name: v for v in mixture.variables if not v.shared and v.parameter.support in _ORDERED}
    words = given if isinstance(given, tuple) and all(isinstance(w, str) for w in given) else ()
    if len(words) == 2 and "_".join(words) in sortable:
        words = ("_".join(words),)
    if len(words) == 1 and words[0] in features:
        words = (words[0], "mu")
    if len(words) == 2 and words[0] in features and words[1] in sortable:
        return words[1], features[words[0]]
    if len(words) == 1 and words[0] in sortable:
        return words[0], 0
    raise InputError(
        f"order_by must be one of {[*sortable, *features]}, the parameters that differ between components, got "
        f"{order_by!r}. Leave it out for the family's own order."
    )


_ORDERED = ("real", "positive", "unit")


def _check_prior_set(mixture: "Mixture") -> None:
    """Refuse a named set of priors for anything but one column of normal components with sds of their own."""
    family = mixture.family
    plain = not isinstance(family, FamilyTable) and family.name == "normal"
    if mixture.priors.name is not None and (not plain or any(v.shared for v in mixture.variables)):
        given = repr(family) if plain else f"the {family.name} family"
        remedy = "Use family='normal', or state the priors by parameter, e.g. {'mu': bm.priors.Normal(5, 2)}."
        if isinstance(family, FamilyTable):
            given = f"a table of {list(family)}"
            remedy = "Fit one column, or state the priors by column, e.g. {'age': {'mu': bm.priors.Normal(40, 20)}}."
        raise InputError(
            f"priors={mixture.priors.name!r} must come with one column of normal components, each with its own "
            f"'sigma', got {given}. {remedy}"
        )


def check_parameters(mixture: "Mixture") -> None:
    """Refuse priors, an order, names and further components that do not fit the families.

    Raises
    ------
    InputError
    """
    _check_prior_set(mixture)
    variables = {v.name: v for v in mixture.variables}
    unknown = [name for name in mixture.priors if name not in variables]
    if unknown:
        hint = " The prior of the weights is the argument weights=." if "w" in unknown else ""
        raise InputError(
            f"priors must name parameters of the {mixture.family.name} family {list(variables)}, got {unknown[0]!r}."
            f"{hint or ' Check the spelling.'}"
        )
    for name in ("noise", "zero_inflated"):
        if not isinstance(getattr(mixture, name), bool):
            raise InputError(f"{name} must be True or False, got {getattr(mixture, name)!r}. The default is False.")
    clash = [name for name in mixture.extras if name in map(str, mixture.classes)]
    if clash:
        raise InputError(
            f"classes must not use the name of a component without parameters, got {clash[0]!r}, which this mixture "
            "has besides. Call the class something else."
        )
    counts = len(mixture.blocks) == 1 and mixture.blocks[0].family.discrete
    if mixture.zero_inflated and not (counts and mixture.blocks[0].family.reads == "number"):
        raise InputError(
            f"zero_inflated=True must come with one column of counts, got the {mixture.family.name} family. Use "
            "family='poisson', 'negative_binomial' or 'binomial', or noise=True for outliers."
        )
    # The columns of a multivariate family are known only once it has seen data.
    if mixture.order_by is not None and not (mixture.blocks[0].family.multivariate and not _bound(mixture)):
        named_key(mixture, mixture.order_by)
    if mixture.priors_known:
        mixture.weights.concentration(mixture.n_components)
    for name, prior in mixture.priors.items():
        variable = variables[name]
        if isinstance(prior, tuple) and variable.shared:
            raise InputError(f"{name!r} is shared by all components and takes one prior, got {len(prior)}. Give one.")
        by_feature = [p for p in (prior if isinstance(prior, tuple) else (prior,)) if isinstance(p, ByFeature)]
        if by_feature and variable.parameter.dim != "feature":
            raise InputError(
                f"{name!r} has no value for each column and takes one prior, got priors by column {by_feature[0]}. "
                "Priors by column are for 'mu' and 'sigma' of family='mv_normal'."
            )
        stack_parameters(prior, name, mixture.n_components)
        hyper = hyper_of(prior, name)
        if hyper is not None and hyper[0] in variables:
            raise InputError(
                f"the scale of the prior of {name!r} must have a name of its own, got {hyper[0]!r}, which is a "
                "parameter too. Rename a column."
            )


def _bound(mixture: "Mixture") -> bool:
    return all(v.labels for v in mixture.variables if v.parameter.dim is not None)
