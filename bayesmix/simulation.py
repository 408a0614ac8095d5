"""Data from a specification: prior draws, simulated rows with their true components, prior predictive data sets."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import read_rows
from bayesmix.cells import random_rows
from bayesmix.data import Column, FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.posterior import DrawArrays
from bayesmix.priors import draw_prior, stack_parameters
from bayesmix.resolving import resolve
from bayesmix.settings import generator

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["draw_from_prior", "like_reference", "prior_predictive", "simulate_rows"]


def draw_from_prior(resolved: Mixture, n: int, rng: np.random.Generator) -> DrawArrays:
    """Draw weights and parameters from the prior.

    Parameters
    ----------
    resolved : Mixture
        With priors as numbers.
    n : int
    rng : numpy.random.Generator
    """
    k = resolved.n_components
    gammas = np.maximum(rng.gamma(resolved.total_concentration(), size=(n, len(resolved.component_labels))), 1e-300)
    weights = gammas / gammas.sum(axis=1, keepdims=True)
    parameters: dict[str, FloatArray] = {}
    for variable in resolved.variables:
        vector = variable.parameter.dim is not None
        prior, hyper = stack_parameters(resolved.priors[variable.name], variable.name, k, vector=vector)
        value = draw_prior(prior, hyper, variable.shape(k), n, rng)
        parameters[variable.name] = value[:, np.newaxis] if variable.shared else value
    return _ordered(resolved, DrawArrays(weights, parameters))


def _ordered(resolved: Mixture, draws: DrawArrays) -> DrawArrays:
    """Sort exchangeable components as the model does."""
    if resolved.sort_key is None:
        return draws
    name, entry = resolved.sort_key
    values = draws.parameters[name]
    return draws.permuted(np.argsort(values if values.ndim == 2 else values[..., entry], axis=1))


def simulate_rows(
    resolved: Mixture, draws: DrawArrays, reference: Observations, rng: np.random.Generator
) -> tuple[FloatArray, Any]:
    """Draw one data set like the reference for each draw of the parameters.

    Parameters
    ----------
    resolved : Mixture
    draws : DrawArrays
    reference : Observations
        Its number of rows and trials are taken over.
    rng : numpy.random.Generator

    Returns
    -------
    values : ndarray, shape (data sets, rows, columns)
    component : ndarray of int, shape (data sets, rows)
    """
    parameters = {name: value[:, np.newaxis] for name, value in draws.parameters.items()}
    known = {i: column.extra for i, column in enumerate(reference.columns) if column.extra is not None}
    shape = (len(draws.weights), reference.n)
    return random_rows(resolved, draws.weights[:, np.newaxis], parameters, known, shape, rng)


def like_reference(values: FloatArray, reference: Observations) -> Observations:
    """Return drawn values, shape (n, columns), as rows of the reference's kind: rounded and missing where it is."""
    columns = []
    for c, column in enumerate(reference.columns):
        drawn = np.where(column.present, values[:, c], np.nan)
        bounds = None
        if column.interval:
            step = column.resolution
            if step is None:
                raise InputError(
                    "data can be simulated for stated rounding, not for intervals of any kind, got intervals in "
                    f"{column.name!r}. Use resolution=, or points."
                )
            drawn = np.round(drawn / step) * step
            bounds = (drawn - step / 2, drawn + step / 2)
        columns.append(
            Column(column.name, drawn, column.index, None, bounds, column.extra, column.categories, column.resolution)
        )
    return Observations(tuple(columns), reference.index)


def prior_predictive(
    mixture: Mixture, y: Any, *, n_datasets: int = 100, resolution: Any = None, random_seed: int | None = None
) -> "xr.Dataset":
    """Draw data sets from the prior predictive distribution; the public way is `Mixture.prior_predictive`.

    Parameters
    ----------
    mixture : Mixture
    y : column or table
        The data that are to be fitted: default priors follow their scale, and data sets have as many rows.
    n_datasets : int
    resolution : number, "auto" or mapping, optional
    random_seed : int, optional

    Returns
    -------
    Dataset
        Dims (dataset, obs): the values under the data's names and the true ``component``; dims (dataset, component,
        ...): the parameters, in order.
    """
    import xarray as xr

    if isinstance(n_datasets, bool) or not isinstance(n_datasets, (int, np.integer)) or n_datasets < 1:
        raise InputError(f"n_datasets must be an integer >= 1, got {n_datasets!r}. Use e.g. 100.")
    rng = generator(random_seed)
    observations = read_rows(mixture.family, y, None, resolution)
    resolved = resolve(mixture, observations)
    draws = draw_from_prior(resolved, int(n_datasets), rng)
    values, component = simulate_rows(resolved, draws, observations, rng)
    k = resolved.n_components
    labels = resolved.component_coordinate
    variables: dict[str, Any] = {"component": (("dataset", "obs"), labels[component])}
    variables["w"] = (("dataset", "component"), draws.weights[:, :k])
    for s, name in enumerate(resolved.extras):
        variables[f"w_{name}"] = (("dataset",), draws.weights[:, k + s])
    coords: dict[str, Any] = {"dataset": np.arange(n_datasets)}
    for variable in resolved.variables:
        value = draws.parameters[variable.name]
        value = value[:, 0] if variable.shared else value
        variables[variable.name] = (("dataset", *variable.dims), value)
        coords |= {dim: [str(label) for label in variable.labels] for dim in variable.extra_dims}
    taken = {*variables, *coords, "obs"}
    for c, column in enumerate(observations.columns):
        step = column.resolution
        own = values[..., c] if step is None else np.round(values[..., c] / step) * step
        if column.categories:
            own = np.array(column.categories, dtype=object)[own.astype(int)]
        variables[f"{column.name}_value" if column.name in taken else column.name] = (("dataset", "obs"), own)
    return xr.Dataset(variables, coords)
