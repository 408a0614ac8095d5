"""Which parameters react to their prior: the posterior when the prior, or the likelihood, is raised to a power near 1.

No refits: draws are reweighted by Pareto-smoothed importance sampling (`arviz_stats.psense`).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.likelihood import row_chunks, row_log_density
from bayesmix.model import OBSERVED_NAME, WEIGHTS_NAME, free_names, model_of
from bayesmix.posterior import Posterior, model_variables
from bayesmix.priors import dirichlet_log_density, free_log_density, hyper_of, stack_parameters

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CONFLICT", "FINE", "SENSITIVE", "WEAK_DATA", "log_prior", "power_scaling"]

SENSITIVE = 0.05
"""From here on a parameter counts as sensitive, as in ArviZ and R's priorsense."""

CONFLICT = "potential prior-data conflict"
WEAK_DATA = "potential strong prior / weak likelihood"
FINE = "✓"

_SAMPLE = ("chain", "draw")


def power_scaling(posterior: Posterior) -> pd.DataFrame:
    """Return how far each parameter's posterior moves when prior or likelihood are raised to a power near 1.

    A normal, log-normal, logit-normal or wrapped normal prior is scaled on the scale that it is normal on: its sd
    changes, its median stays. A prior whose scale is itself unknown is left as a part of the model, and the prior of
    that scale is scaled.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    DataFrame
        One row per parameter, as in ``fit.summary()``: ``prior`` and ``likelihood``, the cumulative Jensen-Shannon
        distance per doubling of the power, and ``diagnosis`` in ArviZ's words.

    References
    ----------
    Kallioinen, Paananen, Bürkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
    power-scaling, Statistics and Computing 34, 57.
    """
    import xarray as xr
    from arviz_base import dataset_to_dataframe
    from arviz_stats import psense

    source = posterior.idata["posterior"].to_dataset()
    density = log_prior(posterior).drop_vars(_second_level(posterior))
    tree = xr.DataTree.from_dict(
        {
            "posterior": source[model_variables(posterior)],
            "log_prior": density.map(lambda term: term.sum([d for d in term.dims if d not in _SAMPLE])),
            "log_likelihood": xr.Dataset({OBSERVED_NAME: (_SAMPLE, _log_likelihood(posterior))}, _coords(source)),
        }
    )
    # Not psense_summary, which fails where a dimension is called component.
    parts = {group: psense(tree, group=group) for group in ("prior", "likelihood")}
    both = xr.concat(parts.values(), pd.Index(parts, name="scaled"))
    frame = dataset_to_dataframe(both, sample_dims=["scaled"]).T.rename_axis(index=None, columns=None)
    return frame.assign(diagnosis=[_diagnosis(*row) for row in frame[["prior", "likelihood"]].to_numpy()])


def _diagnosis(prior: float, likelihood: float) -> str:
    if not prior >= SENSITIVE:
        return FINE
    return CONFLICT if likelihood >= SENSITIVE else WEAK_DATA


def _second_level(posterior: Posterior) -> list[str]:
    """Return the free variables whose prior has an unknown scale."""
    resolved, names = posterior.resolved, free_names(posterior.resolved)
    return [names[v.name] for v in resolved.variables if hyper_of(resolved.priors[v.name], v.name) is not None]


def _coords(source: "xr.Dataset") -> dict[str, Any]:
    return {dim: source[dim].values for dim in _SAMPLE}


def _log_likelihood(posterior: Posterior) -> FloatArray:
    """Return the log-likelihood of all units together under every draw, shape (chain, draw)."""
    rows, draws = posterior.observations.distinct, posterior.arrays
    total = np.zeros(draws.n_draws)
    for chunk in row_chunks(len(rows.cells), draws.n_draws):
        # A row in which nothing was observed has density 1.
        total += row_log_density(posterior, draws, rows.cells[chunk]) @ rows.counts[chunk]
    return total.reshape(posterior.info.chains, -1)


def log_prior(posterior: Posterior) -> "xr.Dataset":
    """Return the log-density of every free variable of the model, whose sum is the log-density of the prior.

    What ``pymc.stats.compute_log_prior`` gives, without compiling anything unless a prior is known to PyMC only.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    Dataset
        Free variables of the group ``posterior`` by name, dims (chain, draw, ...).
    """
    import xarray as xr

    source, resolved, names = (
        posterior.idata["posterior"].to_dataset(),
        posterior.resolved,
        free_names(posterior.resolved),
    )
    concentration = resolved.total_concentration()  # first of all: it refuses priors that are not known
    out: dict[str, Any] = {}
    if WEIGHTS_NAME in names:
        weights = source[names[WEIGHTS_NAME]].transpose(*_SAMPLE, ...)
        out[names[WEIGHTS_NAME]] = (_SAMPLE, dirichlet_log_density(concentration, weights.values))
    for variable in resolved.variables:
        spec, vector = resolved.priors[variable.name], variable.parameter.dim is not None
        prior, hyper = stack_parameters(spec, variable.name, resolved.n_components, vector=vector)
        free = source[names[variable.name]].transpose(*_SAMPLE, *variable.dims)
        if (unknown := hyper_of(spec, variable.name)) is not None:
            name, own = unknown
            scale = source[name].transpose(*_SAMPLE).values
            out[name] = (_SAMPLE, free_log_density(own, {"alpha": own.alpha, "beta": own.beta}, scale))
            hyper = hyper | {"beta": scale.reshape(scale.shape + (1,) * (free.ndim - 2))}
        density = free_log_density(prior, hyper, free.values)
        if density is None:
            return _log_prior_by_pymc(posterior)
        out[names[variable.name]] = (free.dims[: density.ndim], density)
    return xr.Dataset(out, _coords(source))


def _log_prior_by_pymc(posterior: Posterior) -> "xr.Dataset":
    from pymc.stats import compute_log_prior

    model = model_of(posterior.resolved, posterior.observations)
    density: xr.Dataset = compute_log_prior(posterior.idata, model=model, extend_inferencedata=False, progressbar=False)
    return density
