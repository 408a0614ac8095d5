"""The gate for draws that were made elsewhere: laid out as a mixture's variables, and checked.

Every refusal names the rule, the offending value with its place, and the remedy.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import Variable
from bayesmix.data import FloatArray, show_some
from bayesmix.errors import InputError
from bayesmix.lifting._source import own_dims
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME
from bayesmix.schema import SAMPLE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["read_draws"]

#: Weights add up to 1 and probabilities to 1 this closely: CSV files have six digits, single precision has seven.
_SUM_ERROR = 1e-4


def read_draws(
    resolved: Mixture, names: Mapping[str, str], source: "xr.Dataset", scales: Sequence[str] = ()
) -> "xr.Dataset":
    """Return the weights, parameters and unknown scales of priors under the names that the mixture has, checked.

    Parameters
    ----------
    resolved : Mixture
    names : mapping
        As `names_of` returns them.
    source : Dataset
    scales : sequence of str
        As for `names_of`.

    Returns
    -------
    Dataset
        Dims (chain, draw, component, ...), chains and draws counted from 0.

    Raises
    ------
    InputError
        If a shape or a value breaks a rule.
    """
    import xarray as xr

    k, weights = resolved.n_components, names[WEIGHTS_NAME]
    if weights in source.data_vars:
        component = own_dims(source[weights])[0]
        values = _numbers(source[weights].transpose(*SAMPLE, component), weights)
        _check_values(values, "simplex", weights)
    else:
        component, values = "component", np.ones((source.sizes["chain"], source.sizes["draw"], 1))
    variables: dict[str, Any] = {WEIGHTS_NAME: ((*SAMPLE, "component"), values)}
    for variable in resolved.variables:
        found = _laid_out(variable, source[names[variable.name]], component, k)
        values = _numbers(found, names[variable.name])
        _check_values(values, variable.parameter.support, names[variable.name])
        variables[variable.name] = ((*SAMPLE, *variable.dims), values)
    for name in scales:
        own = names[name]
        if own_dims(source[own]):
            raise InputError(
                f"{own!r}, the scale that the priors of all components share, must be one number per draw, got the "
                f"dimensions {own_dims(source[own])} beside. Lift the draws of one mixture."
            )
        values = _numbers(source[own].transpose(*SAMPLE), own)
        _check_values(values, "positive", own)
        variables[name] = (SAMPLE, values)
    counted = {dim: np.arange(source.sizes[dim]) for dim in SAMPLE}
    return xr.Dataset(variables, counted)


def _numbers(found: "xr.DataArray", name: str) -> FloatArray:
    if found.dtype.kind not in "fiu":
        raise InputError(f"{name!r} must hold numbers, got the type {found.dtype}. Convert it to float.")
    return np.array(found.values, dtype=np.float64)


def _laid_out(variable: Variable, found: "xr.DataArray", component: str, k: int) -> "xr.DataArray":
    """Return the draws of a parameter with its dimensions in the mixture's order, entries too."""
    own, further = own_dims(found), len(variable.extra_dims)
    if k == 1 and not variable.shared and len(own) == further:
        found, own = found.expand_dims("component"), ["component", *own]
    expected = ([] if variable.shared else ["component"]) + list(variable.extra_dims)
    if len(own) == len(expected) + 1 and variable.parameter.support == "correlation":
        raise InputError(
            f"{found.name!r} must hold the correlations of pairs of columns in the order (1, 0), (2, 0), (2, 1) ..., "
            f"got the dimensions {own}. Take them from the matrices: rows, cols = np.tril_indices(p, -1), then "
            "matrices[..., rows, cols]."
        )
    if len(own) != len(expected):
        raise InputError(
            f"{found.name!r} must have the dimensions {[*SAMPLE, *expected]}, got {[*SAMPLE, *own]}. "
            + ("All components share it: give one number per draw." if variable.shared else _wrong_dims(expected))
        )
    if not variable.shared:
        first = component if component in own else own[0]
        own = [first, *(dim for dim in own if dim != first)]
        if found.sizes[first] != k:
            raise InputError(
                f"{found.name!r} must have one entry for each of the {k} components that the weights have, got "
                f"{found.sizes[first]} along {first!r}. Lift variables of one and the same mixture."
            )
    ahead = found.transpose(*SAMPLE, *own)
    return _in_order(variable, ahead, own[-1]) if further else ahead


def _wrong_dims(expected: list[str]) -> str:
    if len(expected) > 1:
        return "Write the entries of all components into one array."
    return "If all components share it, say so in the family, e.g. bm.families.Normal(common_sigma=True)."


def _in_order(variable: Variable, found: "xr.DataArray", dim: str) -> "xr.DataArray":
    """Put columns or categories into the mixture's order where the draws name them; else they are in it."""
    labels = [str(label) for label in variable.labels]
    if found.sizes[dim] != len(labels):
        raise InputError(
            f"{found.name!r} must have {len(labels)} entries per component, {show_some(labels)}, got "
            f"{found.sizes[dim]} along {dim!r}. Pass y with the columns that were sampled."
        )
    given = [str(label) for label in found[dim].values] if dim in found.coords else []
    if sorted(given) == sorted(labels):
        return found.isel({dim: [given.index(label) for label in labels]})
    if dim in found.coords and found[dim].dtype.kind not in "iu":
        raise InputError(
            f"the entries of {found.name!r} must be called {show_some(labels)}, got {show_some(given)}. Rename the "
            f"coordinate {dim!r}, or drop it if the order is the same: idata.posterior.drop_vars({dim!r})."
        )
    return found


_RULES = {
    "real": "finite",
    "angle": "finite",
    "positive": "finite and above 0",
    "unit": "between 0 and 1",
    "correlation": "between -1 and 1",
    "simplex": "at least 0",
}
_REMEDIES = {"positive": " If it is a logarithm, take np.exp first.", "unit": " If it is a logit, map it back first."}


def _check_values(values: FloatArray, support: Any, name: str) -> None:
    """Refuse values outside a parameter's support."""
    low, high = {"positive": (0, np.inf), "unit": (0, 1), "correlation": (-1, 1)}.get(support, (-np.inf, np.inf))
    wrong = ~np.isfinite(values) | ((values < 0) if support == "simplex" else (values <= low) | (values >= high))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"{name!r} must be {_RULES[support]} in every draw, got {values[at]:.6g} in chain {at[0]}, draw {at[1]}"
            f"{f', entry {list(at[2:])}' if at[2:] else ''} ({int(wrong.sum())} such values)."
            f"{_REMEDIES.get(support, '')} Leave out draws that are none."
        )
    if support == "simplex":
        away = np.abs(values.sum(axis=-1) - 1)
        if away.max() > _SUM_ERROR:
            at = tuple(int(i) for i in np.unravel_index(np.argmax(away), away.shape))
            raise InputError(
                f"{name!r} must add up to 1 in every draw, got {values[at].sum():.6g} in chain {at[0]}, draw {at[1]}. "
                "Lift probabilities: a softmax of logits, or all weights including the last."
            )
