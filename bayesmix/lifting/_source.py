"""Where the draws are: the posterior of whatever was passed, its variables by name, the number of components."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import FamilyTable, Variable, variables_of
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.model import WEIGHTS_NAME
from bayesmix.schema import SAMPLE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["count_components", "group_of", "names_of", "own_dims", "posterior_of"]

_FEWEST_DRAWS = 4
#: Other parametrisations of a spread, and how to get to the standard deviation.
_INSTEAD_OF_SIGMA = {"tau": "tau ** -0.5", "precision": "precision ** -0.5", "sigma2": "sigma2 ** 0.5"}
_INSTEAD_OF_SIGMA |= {"variance": "variance ** 0.5", "var": "var ** 0.5", "log_sigma": "np.exp(log_sigma)"}


def group_of(idata: Any, name: str) -> "xr.Dataset | None":
    """Return a group of a tree; None where there is no tree or no such group."""
    import xarray as xr

    return idata[name].to_dataset() if isinstance(idata, xr.DataTree) and name in idata.children else None


def posterior_of(idata: Any) -> "xr.Dataset":
    """Return the draws as a dataset with the dimensions chain and draw.

    Parameters
    ----------
    idata : DataTree, Dataset, or mapping from name to array of shape (chain, draw, ...)

    Raises
    ------
    InputError
        If it is none of these, or has no such dimensions.
    """
    import xarray as xr

    if isinstance(idata, xr.DataTree):
        found = group_of(idata, "posterior")
        if found is None:
            raise InputError(
                f"idata must have the group 'posterior', got the groups {list(idata.children)}. Pass what "
                "arviz.from_numpyro, from_cmdstanpy, from_dict or pymc.sample returns."
            )
    elif isinstance(idata, xr.Dataset):
        found = idata
    elif isinstance(idata, Mapping) and idata and all(np.ndim(value) >= len(SAMPLE) for value in idata.values()):
        found = xr.Dataset(
            {
                str(name): ((*SAMPLE, *(f"{name}_dim_{i}" for i in range(np.ndim(value) - 2))), np.asarray(value))
                for name, value in idata.items()
            }
        )
    else:
        raise InputError(
            f"idata must be a DataTree, a Dataset, or a mapping from names to arrays of shape (chain, draw, ...), got "
            f"{type(idata).__name__}. Convert the sampler's result with arviz.from_dict, from_numpyro or "
            "from_cmdstanpy."
        )
    missing = [dim for dim in SAMPLE if dim not in found.dims]
    if missing:
        hint = "Unstack it first: draws.unstack('sample')." if "sample" in found.dims else "Name them so."
        raise InputError(
            f"the draws must have the dimensions 'chain' and 'draw', got {[str(d) for d in found.dims]}. {hint}"
        )
    if found.sizes["draw"] < _FEWEST_DRAWS or found.sizes["chain"] < 1:
        raise InputError(
            f"there must be at least one chain of {_FEWEST_DRAWS} draws, got {found.sizes['chain']} of "
            f"{found.sizes['draw']}. Lift the whole run."
        )
    return found


def names_of(
    family: Family | FamilyTable, given: Any, source: "xr.Dataset", scales: Sequence[str] = ()
) -> dict[str, str]:
    """Return under which name each variable of the mixture stands in the draws; weights may be missing.

    Parameters
    ----------
    family : Family or FamilyTable
    given : mapping or None
        The user's ``var_names``.
    source : Dataset
    scales : sequence of str
        Further variables: unknown scales of priors.

    Raises
    ------
    InputError
        If a name is unknown, or a variable is not there.
    """
    wanted = [WEIGHTS_NAME, *(variable.name for variable in variables_of(family)), *scales]
    if given is not None and not isinstance(given, Mapping):
        raise InputError(
            f"var_names must map {wanted} to the names in the draws, got {given!r}. Use e.g. "
            f"var_names={{'{WEIGHTS_NAME}': 'weights'}}."
        )
    names = {str(name): str(own) for name, own in (given or {}).items()}
    stray = [name for name in names if name not in wanted]
    if stray:
        raise InputError(
            f"var_names must name variables of the {family.name} family {wanted}, got {stray[0]!r}. Write it as "
            "{'name here': 'name in the draws'}."
        )
    for name in wanted:
        own = names.setdefault(name, name)
        if own not in source.data_vars and (name != WEIGHTS_NAME or own != name):
            raise InputError(_not_there(name, own, source, family.name, scale=name in scales))
    return names


def _not_there(name: str, own: str, source: "xr.Dataset", family: str, *, scale: bool) -> str:
    there = [str(v) for v in source.data_vars]
    other = next((word for word in _INSTEAD_OF_SIGMA if word in there), None)
    remedy = f"Say which it is, var_names={{{name!r}: ...}}, or compute it first where the draws have it otherwise."
    if scale:
        return (
            f"the draws must hold {own!r}, the unknown scale that the priors of all components share, got the "
            f"variables {there}. {remedy} Without it leave out priors=."
        )
    if name.endswith("sigma") and other is not None:
        remedy = (
            f"Compute the standard deviation first: idata.posterior[{name!r}] = "
            f"{_INSTEAD_OF_SIGMA[other].replace(other, f'idata.posterior[{other!r}]')}."
        )
    return f"the draws must hold {own!r}, {name!r} of the {family} family, got the variables {there}. {remedy}"


def count_components(family: Family | FamilyTable, names: Mapping[str, str], source: "xr.Dataset") -> int:
    """Return how many components the draws have, by the weights; without weights there must be one.

    Parameters
    ----------
    family : Family or FamilyTable
    names : mapping
        As `names_of` returns them.
    source : Dataset

    Raises
    ------
    InputError
        If the weights have not one entry per component, or are missing though there are several.
    """
    weights = names[WEIGHTS_NAME]
    if weights in source.data_vars:
        own = own_dims(source[weights])
        if len(own) != 1:
            raise InputError(
                f"{weights!r} must have one dimension beside chain and draw, the component, got {own}. Stack the "
                "weights of all components, e.g. w and 1 - w, along one dimension."
            )
        return source.sizes[own[0]]
    several = [v for v in variables_of(family) if not v.shared and _count_along(v, source[names[v.name]]) != 1]
    if several:
        raise InputError(
            f"the draws must hold the weights 'w' of the components, got {[str(v) for v in source.data_vars]}. Say "
            "which they are, var_names={'w': ...}; if they were fixed, add them: idata.posterior['w'] = ..."
        )
    return 1


def own_dims(variable: "xr.DataArray") -> list[str]:
    """Return the dimensions beside chain and draw."""
    return [str(dim) for dim in variable.dims if dim not in SAMPLE]


def _count_along(variable: Variable, found: "xr.DataArray") -> int:
    """Return the length of what would be the component's dimension; 1 where there is none."""
    own = own_dims(found)
    return found.sizes[own[0]] if len(own) > (variable.parameter.dim is not None) else 1
