"""What comes along with draws: statistics of the sampler, and rows and densities that must agree with the mixture."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import Observations
from bayesmix.errors import InputError
from bayesmix.lifting._source import group_of
from bayesmix.schema import SAMPLE

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["refuse_other_density", "refuse_other_rows", "run_of"]

#: Values of rows are equal up to single precision.
_SAME_ROWS = 1e-5
_LOG_LIKELIHOOD_ERROR = 0.01
_COMPARED_DRAWS = 100
#: Names under which samplers say that the largest tree was hit.
_DEEP = ("reached_max_treedepth", "reached_max_tree_depth")


def run_of(idata: Any, sizes: Mapping[Any, int]) -> "xr.Dataset":
    """Return what the sampler said of its draws, with dims (chain, draw); empty where it is not there.

    Parameters
    ----------
    idata : DataTree, or anything else
    sizes : mapping
        Of chain and draw.

    Raises
    ------
    InputError
        If they are of other draws.
    """
    import xarray as xr

    empty = xr.Dataset(coords={dim: np.arange(sizes[dim]) for dim in SAMPLE})
    found = group_of(idata, "sample_stats")
    if found is None:
        return empty
    stats = {
        str(name): found[name].transpose(*SAMPLE)
        for name in found.data_vars
        if set(found[name].dims) == set(SAMPLE) and found[name].dtype.kind in "biuf"
    }
    for name, values in stats.items():
        if values.shape != (sizes["chain"], sizes["draw"]):
            raise InputError(
                f"sample_stats must be of the draws in posterior, {sizes['chain']} x {sizes['draw']}, got "
                f"{' x '.join(map(str, values.shape))} for {name!r}. Thin both alike, or drop the group sample_stats."
            )
    deep = next((name for name in _DEEP if name in stats), None)
    if deep is not None:
        stats.setdefault("maxdepth_reached", stats[deep].astype(bool))
    if "diverging" in stats:
        stats["diverging"] = stats["diverging"].astype(bool)
    return empty.assign({name: (SAMPLE, values.values) for name, values in stats.items()})


def refuse_other_rows(idata: Any, observations: Observations) -> None:
    """Refuse rows that are not the ones that the tree says it was sampled with.

    Looked at where the group ``observed_data`` holds one variable of the rows' shape, and the rows are plain.

    Parameters
    ----------
    idata : DataTree, or anything else
    observations : Observations

    Raises
    ------
    InputError
        With the first row that differs.
    """
    group = group_of(idata, "observed_data")
    if group is None or len(group.data_vars) != 1 or observations.weights is not None:
        return
    name, found = next(iter(group.data_vars.items()))
    own, theirs = observations.values, found.values
    if theirs.dtype.kind not in "fiu" or any(c.extra is not None or c.categories for c in observations.columns):
        return
    if own.shape != theirs.shape:
        raise InputError(
            f"y must be the rows that the draws were made with, {theirs.shape} in observed_data[{name!r}], got "
            f"{own.shape}. Pass all rows as they were sampled; drop the group observed_data if it is of other data."
        )
    same = np.isclose(own, theirs, rtol=_SAME_ROWS, atol=_SAME_ROWS * float(np.nanstd(own)), equal_nan=True)
    if not same.all():
        at = tuple(int(i) for i in np.argwhere(~same)[0])
        raise InputError(
            f"y must be the rows that the draws were made with, in their order and units, got {own[at]:.6g} in row "
            f"{observations.index[at[0]]!r} where observed_data[{name!r}] has {theirs[at]:.6g} "
            f"({int((~same).sum())} values differ). If y was standardised to sample, pass it so, or take the draws "
            "back to its units and drop the group observed_data."
        )


def refuse_other_density(idata: Any, own: "xr.DataArray") -> None:
    """Refuse draws whose log-likelihood is another than that of the mixture.

    Looked at where the tree has the group ``log_likelihood`` with one variable and an entry for every row.

    Parameters
    ----------
    idata : DataTree, or anything else
    own : DataArray, dims (chain, draw, obs)
        As `bayesmix.likelihood.log_likelihood` returns it; labels do not matter to it.

    Raises
    ------
    InputError
        With the row and draw that differ most.
    """
    group = group_of(idata, "log_likelihood")
    if group is None or len(group.data_vars) != 1:
        return
    name, found = next(iter(group.data_vars.items()))
    if set(SAMPLE) - set(found.dims) or found.ndim != 3 or found.dtype.kind != "f":
        return
    theirs = found.transpose(*SAMPLE, ...).values
    if theirs.shape != own.shape:
        return
    every = max(1, own.shape[1] // _COMPARED_DRAWS)
    ours, theirs = own.values[:, ::every], theirs[:, ::every]
    away = np.abs(ours - theirs) - 1e-3 * np.abs(ours)
    if not np.nanmax(away) <= _LOG_LIKELIHOOD_ERROR:
        chain, draw, row = (int(i) for i in np.unravel_index(np.nanargmax(away), away.shape))
        raise InputError(
            f"the draws must be of the mixture that is described, but log_likelihood[{name!r}] has "
            f"{theirs[chain, draw, row]:.4g} for row {own['obs'].values[row]!r} in chain {chain}, draw {draw * every}, "
            f"and the mixture {ours[chain, draw, row]:.4g}. Check family=, the order and units of y, and that "
            "var_names point to sds, not variances; drop the group log_likelihood if it is of something else."
        )
