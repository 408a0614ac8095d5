"""What the posterior says about data not seen: densities with bands, simulated data, tidy draws."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.blocks import Block
from bayesmix.cells import random_rows
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import MAX_TERMS, component_densities, log_mean_exp, row_chunks, row_log_density, thinned
from bayesmix.model import WEIGHTS_NAME, extra_weight_names
from bayesmix.posterior import Posterior
from bayesmix.reading import read_column

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "block_of_column",
    "categories_of",
    "column_position",
    "default_grid",
    "density",
    "grid_cells",
    "is_discrete",
    "known_trials",
    "log_predictive",
    "read_grid",
    "simulate",
    "tidy_draws",
]


def column_position(posterior: Posterior, column: str | None) -> int:
    """Return which column is meant; the only one need not be named.

    Raises
    ------
    InputError
        If there is no such column, or several and none is named.
    """
    names = posterior.layout.names
    if column is None and len(names) == 1:
        return 0
    if column not in names:
        raise InputError(
            f"column must be one of {list(names)}, got {column!r}. A density is drawn for one column at a time."
        )
    return names.index(column)


def block_of_column(posterior: Posterior, column: int) -> Block:
    """Return the block that describes a column."""
    blocks = posterior.resolved.blocks
    return blocks[0] if blocks[0].family.multivariate else blocks[column]


def categories_of(posterior: Posterior, column: int) -> tuple[Any, ...]:
    """Return the categories of a column; empty for numbers."""
    return tuple(block_of_column(posterior, column).family.dims.get("category", ()))


def is_discrete(posterior: Posterior, column: int) -> bool:
    """Whether the column's cells have probabilities rather than densities."""
    return block_of_column(posterior, column).family.discrete


def default_grid(posterior: Posterior, column: int = 0, points: int = 401) -> FloatArray:
    """Return evenly spaced points that cover a column and a quarter of its range on each side, inside the support.

    Counts and categories get every whole number in their range instead.
    """
    family = block_of_column(posterior, column).family
    if family.reads == "category":
        return np.arange(float(len(categories_of(posterior, column))))
    known = posterior.observations.columns[column]
    low, high = float(np.nanmin(known.values)), float(np.nanmax(known.values))
    if family.discrete:
        top = high if known.extra is None else float(np.nanmax(known.extra))
        return np.unique(np.round(np.linspace(low, top, min(int(top - low) + 1, points))))
    margin = 0.25 * (high - low) or 1.0
    tiny = 1e-6 * (high - low)
    if family.circular:
        return np.linspace(-np.pi, np.pi, points)
    return np.linspace(max(low - margin, family.lowest + tiny), min(high + margin, family.highest - tiny), points)


def read_grid(posterior: Posterior, grid: Any, column: int) -> FloatArray:
    """Return the points of a grid, checked as values of a column; labels of categories become their positions.

    Raises
    ------
    InputError
        If a point lies outside the support of the column's family.
    """
    categories = categories_of(posterior, column)
    if categories:
        labels = list(grid)
        unknown = [label for label in labels if label not in categories]
        if unknown:
            raise InputError(
                f"grid must hold categories of {list(categories)}, got {unknown[0]!r}. Leave it out for all."
            )
        return np.array([float(categories.index(label)) for label in labels])
    rows = read_column(grid, "grid").columns[0]
    family = block_of_column(posterior, column).family
    if not family.multivariate:
        trials = known_trials(posterior, column)
        extra = None if trials is None else np.full(len(rows.values), np.nanmax(trials))
        family.check(replace(rows, name="grid", extra=extra))
        if family.discrete:
            rows.refuse_where(rows.values != np.round(rows.values), "must hold whole numbers", "Round the grid.")
    return rows.values


def known_trials(posterior: Posterior, column: int) -> FloatArray | None:
    """Return the trials of every fitted row of a binomial column, else None."""
    return posterior.observations.columns[column].extra if posterior.layout.trials(column) else None


def grid_cells(posterior: Posterior, column: int, grid: FloatArray) -> FloatArray:
    """Write points of one column as rows of which nothing else is observed: their density is the marginal one."""
    cells = np.full((len(grid), posterior.layout.width), np.nan)
    part = posterior.layout.part(column)
    cells[:, part.start] = grid
    if posterior.layout.intervals[column]:
        cells[:, part.start + 1] = grid
    trials = known_trials(posterior, column)
    if trials is not None:
        seen = trials[np.isfinite(trials)]
        if seen.min() != seen.max():
            raise InputError(
                f"the trials of {posterior.layout.names[column]!r} must be the same in all rows for a distribution of "
                f"successes, got {seen.min():g} to {seen.max():g}. Use predict() on rows with their trials."
            )
        cells[:, part.start + 1] = seen[0]
    return cells


def density(posterior: Posterior, grid: FloatArray, interval: CredibleInterval, column: int = 0) -> "xr.Dataset":
    """Return the posterior of the mixture density of a column and of each weighted component on a grid.

    Parameters
    ----------
    posterior : Posterior
    grid : ndarray, shape (g,)
        In the data's units; positions of the categories for a categorical column.
    interval : CredibleInterval
        Pointwise bands.
    column : int, default 0
        Position of the column; the other columns are integrated out.

    Returns
    -------
    Dataset
        Dim ``grid``: ``density`` (posterior mean: the predictive density of a new row) with ``density_lb`` and
        ``density_ub``; dims (component, grid): ``component_density`` (``w[k] * f[k]``) with the same two. Units are
        1 / the data's units, or probabilities for counts and categories; ``attrs["interval"]`` names the interval.
    """
    import xarray as xr

    draws = posterior.arrays
    width = len(posterior.component_labels)
    whole = np.empty((3, len(grid)))
    parts = np.empty((3, width, len(grid)))
    cells = grid_cells(posterior, column, grid)
    for rows in row_chunks(len(grid), draws.weights.size):
        each = component_densities(posterior, draws, cells[rows])
        total = each.sum(axis=1)
        whole[:, rows] = np.stack([total.mean(axis=0), *interval.bounds(total)])
        parts[:, :, rows] = np.stack([each.mean(axis=0), *interval.bounds(each)])
    names = ("", "_lb", "_ub")
    variables: dict[str, Any] = {f"density{n}": ("grid", whole[i]) for i, n in enumerate(names)}
    variables |= {f"component_density{n}": (("component", "grid"), parts[i]) for i, n in enumerate(names)}
    coords = {"grid": grid, "component": posterior.component_coordinate}
    return xr.Dataset(variables, coords, {"interval": interval.name})


def log_predictive(posterior: Posterior, rows: Observations) -> FloatArray:
    """Return the log of the posterior predictive density (or probability) of rows: of its mean over the draws.

    Very large data use evenly spaced draws, at least 200.

    Parameters
    ----------
    posterior : Posterior
        With the layout of the rows, see `bayesmix.assignment.laid_out`.
    rows : Observations

    Returns
    -------
    ndarray, shape (n,)
        In nats; 0 for a row in which nothing was observed.
    """
    distinct = rows.distinct
    width = len(posterior.component_labels)
    draws = thinned(posterior.arrays, max(200, MAX_TERMS // (len(distinct.cells) * width)))
    out = np.empty(len(distinct.cells))
    for chunk in row_chunks(len(out), draws.n_draws):
        out[chunk] = log_mean_exp(row_log_density(posterior, draws, distinct.cells[chunk]))
    return np.asarray(out[distinct.inverse])


def simulate(posterior: Posterior, n_datasets: int, n_obs: int | None, rng: np.random.Generator) -> "xr.Dataset":
    """Draw new data sets from the posterior predictive distribution.

    Each data set takes the parameters of one posterior draw, then a component and a value for every row.

    Parameters
    ----------
    posterior : Posterior
    n_datasets, n_obs : int
        Number of data sets, and rows in each (as many as were fitted where None).
    rng : numpy.random.Generator

    Returns
    -------
    Dataset
        Dims (dataset, obs): the values under the data's own names, and ``component``.
    """
    rows = posterior.info.n if n_obs is None else n_obs
    for name, value in (("n_datasets", n_datasets), ("n_obs", rows)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InputError(f"{name} must be an integer >= 1, got {value!r}. Use {name}=1 for one.")
    draws = posterior.arrays
    replace = n_datasets > draws.n_draws
    chosen = draws.take(rng.choice(draws.n_draws, size=n_datasets, replace=replace))
    parameters = {name: value[:, np.newaxis] for name, value in chosen.parameters.items()}
    known = {
        i: _trials_for(posterior, i, rows) for i in range(len(posterior.layout.names)) if posterior.layout.trials(i)
    }
    values, component = random_rows(
        posterior.resolved, chosen.weights[:, np.newaxis, :], parameters, known, (n_datasets, rows), rng
    )
    return _named_rows(posterior, values, component)


def _trials_for(posterior: Posterior, column: int, rows: int) -> FloatArray:
    trials = known_trials(posterior, column)
    assert trials is not None
    filled = np.where(np.isfinite(trials), trials, np.nanmax(trials))
    if filled.min() == filled.max():
        return np.full(rows, filled[0])
    if rows != len(filled):
        raise InputError(
            f"n_obs must be the {len(filled)} fitted rows where trials differ between rows, got {rows}. Leave it out."
        )
    return filled


def _named_rows(posterior: Posterior, values: FloatArray, component: Any) -> "xr.Dataset":
    import xarray as xr

    taken = ("component", "dataset", "obs")
    variables: dict[str, Any] = {}
    for c, name in enumerate(posterior.layout.names):
        step = posterior.layout.resolutions[c]
        own = values[..., c] if step is None else np.round(values[..., c] / step) * step
        categories = categories_of(posterior, c)
        shown = np.array(categories, dtype=object)[own.astype(int)] if categories else own
        variables[f"{name}_value" if name in taken else name] = (("dataset", "obs"), shown)
    labels = posterior.component_coordinate
    variables["component"] = (("dataset", "obs"), labels[component])
    return xr.Dataset(variables)


def tidy_draws(posterior: Posterior) -> pd.DataFrame:
    """Return one row per chain, draw and component, with the ordered parameters as columns.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    DataFrame
        Columns ``chain``, ``draw``, ``component``, ``w`` and the families' parameters; shared ones repeat. A parameter
        with several entries has a column for each, ``mu[length]``.
    """
    source = posterior.idata["posterior"].to_dataset()
    names = [WEIGHTS_NAME, *extra_weight_names(posterior.resolved), *(v.name for v in posterior.resolved.variables)]
    columns: dict[str, Any] = {}
    for name in names:
        variable = source[name]
        further = [d for d in variable.dims if d not in ("chain", "draw", "component")]
        if not further:
            columns[name] = variable
            continue
        for label in variable[further[0]].values.tolist():
            columns[f"{name}[{label}]"] = variable.sel({further[0]: label}, drop=True)
    frame = source[[]].assign(columns).to_dataframe().reset_index()
    return frame[["chain", "draw", "component", *columns]]
