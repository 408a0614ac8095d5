"""What the posterior says about data not seen: densities with bands, simulated data, tidy draws."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import component_densities, row_chunks
from bayesmix.model import WEIGHTS_NAME
from bayesmix.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["default_grid", "density", "simulate", "tidy_draws"]


def default_grid(posterior: Posterior, points: int = 401) -> FloatArray:
    """Return evenly spaced points that cover the data and a quarter of their range on each side."""
    values = posterior.observations.values
    low, high = float(values.min()), float(values.max())
    margin = 0.25 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, points)


def density(posterior: Posterior, grid: FloatArray, interval: CredibleInterval) -> "xr.Dataset":
    """Return the posterior of the mixture density and of each weighted component on a grid.

    Parameters
    ----------
    posterior : Posterior
    grid : ndarray, shape (g,)
        In the data's units.
    interval : CredibleInterval
        Pointwise bands.

    Returns
    -------
    Dataset
        Dim ``grid``: ``density`` (posterior mean: the predictive density of a new row) with ``density_lb`` and
        ``density_ub``; dims (component, grid): ``component_density`` (``w[k] * f[k]``) with the same two. Units are
        1 / the data's units; ``attrs["interval"]`` names the interval.
    """
    import xarray as xr

    draws = posterior.arrays
    k = posterior.n_components
    whole = np.empty((3, len(grid)))
    parts = np.empty((3, k, len(grid)))
    for rows in row_chunks(len(grid), draws.weights.size):
        each = component_densities(posterior.resolved.family, draws, grid[rows])
        total = each.sum(axis=1)
        whole[:, rows] = np.stack([total.mean(axis=0), *interval.bounds(total)])
        parts[:, :, rows] = np.stack([each.mean(axis=0), *interval.bounds(each)])
    names = ("", "_lb", "_ub")
    variables: dict[str, Any] = {f"density{n}": ("grid", whole[i]) for i, n in enumerate(names)}
    variables |= {f"component_density{n}": (("component", "grid"), parts[i]) for i, n in enumerate(names)}
    return xr.Dataset(variables, {"grid": grid, "component": np.arange(k)}, {"interval": interval.name})


def simulate(posterior: Posterior, n_datasets: int, n_obs: int, rng: np.random.Generator) -> "xr.Dataset":
    """Draw new data sets from the posterior predictive distribution.

    Each data set takes the parameters of one posterior draw, then a component and a value for every row.

    Parameters
    ----------
    posterior : Posterior
    n_datasets, n_obs : int
        Number of data sets, and rows in each.
    rng : numpy.random.Generator

    Returns
    -------
    Dataset
        Dims (dataset, obs): the value under the data's own name, and ``component``.
    """
    import xarray as xr

    for name, value in (("n_datasets", n_datasets), ("n_obs", n_obs)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InputError(f"{name} must be an integer >= 1, got {value!r}. Use {name}=1 for one.")
    draws = posterior.arrays
    replace = n_datasets > draws.n_draws
    chosen = draws.take(rng.choice(draws.n_draws, size=n_datasets, replace=replace))
    parameters = {name: value[:, np.newaxis, :] for name, value in chosen.parameters.items()}
    values, component = posterior.resolved.family.random_mixture(
        chosen.weights[:, np.newaxis, :], parameters, (n_datasets, n_obs), rng
    )
    taken = ("component", "dataset", "obs")
    name = f"{posterior.info.name}_value" if posterior.info.name in taken else posterior.info.name
    return xr.Dataset({name: (("dataset", "obs"), values), "component": (("dataset", "obs"), component)})


def tidy_draws(posterior: Posterior) -> pd.DataFrame:
    """Return one row per chain, draw and component, with the sorted parameters as columns.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    DataFrame
        Columns ``chain``, ``draw``, ``component``, ``w`` and the family's parameters; shared ones repeat.
    """
    names = [WEIGHTS_NAME, *(p.name for p in posterior.resolved.family.parameters)]
    return (
        posterior.idata["posterior"]
        .to_dataset()[names]
        .to_dataframe()
        .reset_index()[["chain", "draw", "component", *names]]
    )
