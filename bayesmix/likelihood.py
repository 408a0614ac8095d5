"""Pointwise log-densities of the mixture, memberships summed out, in chunks of rows.

The compiled engine's pass does the work where the families have kernels, on all cores; NumPy does it otherwise. Arrays
of draws x rows x components are never held whole: callers walk over chunks of rows.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bayesmix.cells import component_log_density
from bayesmix.compiled import draws_of, families_are_covered, rows_of
from bayesmix.data import FloatArray
from bayesmix.model import OBSERVED_NAME
from bayesmix.parallel import threads
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.scores import log_sum_exp

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine.pointwise import Draws
    from bayesmix.engine.rows import Rows

__all__ = [
    "MAX_STORED",
    "MAX_TERMS",
    "component_densities",
    "component_log_joint",
    "log_likelihood",
    "log_mean_exp",
    "mean_responsibilities",
    "responsibilities",
    "row_chunks",
    "row_log_density",
    "thinned",
]

MAX_STORED = 20_000_000
"""Pointwise log-likelihoods are stored with a fit up to this many values (draws times rows)."""

MAX_TERMS = 2_000_000_000
"""Very large data use evenly spaced draws (at least 200), so that draws x rows x components stay below this."""

_CHUNK_VALUES = 4_000_000


def log_mean_exp(values: FloatArray, axis: int = 0) -> FloatArray:
    """Return log(mean(exp(values))) over an axis."""
    return np.asarray(log_sum_exp(values, axis=axis) - np.log(values.shape[axis]))


def row_chunks(n_rows: int, values_per_row: int) -> Iterator[slice]:
    """Yield slices of rows such that one chunk holds at most a few million values."""
    step = max(1, _CHUNK_VALUES // max(1, values_per_row))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def component_log_joint(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return ``log w[s, k] + log f(row i | parameters[s, k])`` by NumPy, shape (S, n, M).

    Parameters
    ----------
    posterior : Posterior
    draws : DrawArrays
        S draws of M components.
    cells : ndarray, shape (n, width)
        One chunk of rows.
    """
    with np.errstate(divide="ignore"):  # a weight may underflow to 0: its log-density is -inf, as it should be
        log_weights = np.log(draws.weights)[:, np.newaxis, :]
    return component_log_density(posterior.resolved, posterior.layout, draws.parameters, cells) + log_weights


def _compiled(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> "tuple[Rows, Draws] | None":
    """Return what the compiled pass takes, or None where a family has no kernel."""
    if not families_are_covered(posterior.resolved):
        return None
    rows = rows_of(posterior.resolved, posterior.layout, np.ascontiguousarray(cells))
    return rows, draws_of(posterior.resolved, draws.weights, draws.parameters)


def row_log_density(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return the log-density of every row under every draw, memberships summed out, shape (S, n).

    Parameters
    ----------
    posterior : Posterior
    draws : DrawArrays
    cells : ndarray, shape (n, width)
    """
    if (given := _compiled(posterior, draws, cells)) is not None:
        from bayesmix.engine import pointwise

        return pointwise.log_likelihood(*given, threads=threads())
    out = np.empty((draws.n_draws, len(cells)))
    for rows in row_chunks(len(cells), draws.weights.size):
        out[:, rows] = log_sum_exp(component_log_joint(posterior, draws, cells[rows]))
    return out


def responsibilities(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return ``w[s, k] f(row i | s, k) / sum_j w[s, j] f(row i | s, j)``, shape (S, n, M): a chunk of rows at a time.

    Parameters
    ----------
    posterior : Posterior
    draws : DrawArrays
    cells : ndarray, shape (n, width)
    """
    if (given := _compiled(posterior, draws, cells)) is not None:
        from bayesmix.engine import pointwise

        return pointwise.responsibilities(*given, threads=threads())
    joint = component_log_joint(posterior, draws, cells)
    return np.asarray(np.exp(joint - log_sum_exp(joint)[..., np.newaxis]))


def mean_responsibilities(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return the mean over draws of the responsibilities, shape (n, M), without holding those of the draws.

    Parameters
    ----------
    posterior : Posterior
    draws : DrawArrays
    cells : ndarray, shape (n, width)
    """
    if (given := _compiled(posterior, draws, cells)) is not None:
        from bayesmix.engine import pointwise

        return pointwise.responsibility_mean(*given, threads=threads()).probability
    out = np.empty((len(cells), draws.weights.shape[1]))
    for rows in row_chunks(len(cells), draws.weights.size):
        out[rows] = responsibilities(posterior, draws, cells[rows]).mean(axis=0)
    return out


def component_densities(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return ``w[s, k] * f(row i | parameters[s, k])``, shape (S, M, n): a chunk of rows at a time.

    Parameters
    ----------
    posterior : Posterior
    draws : DrawArrays
    cells : ndarray, shape (n, width)
    """
    if (given := _compiled(posterior, draws, cells)) is not None:
        from bayesmix.engine import pointwise

        return pointwise.component_densities(*given, threads=threads())
    return np.exp(component_log_joint(posterior, draws, cells)).transpose(0, 2, 1)


def thinned(draws: DrawArrays, most: int) -> DrawArrays:
    """Return at most `most` evenly spaced draws."""
    if draws.n_draws <= most:
        return draws
    return draws.take(np.linspace(0, draws.n_draws - 1, most).astype(int))


def log_likelihood(posterior: Posterior) -> "xr.DataArray":
    """Return the log-density of every fitted row under every draw, memberships summed out.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    DataArray
        Dims (chain, draw, obs), in nats; rows in which nothing was observed are left out.
    """
    import xarray as xr

    rows, source = posterior.observations, posterior.idata["posterior"].to_dataset()
    seen = rows.informative
    out = row_log_density(posterior, posterior.arrays, rows.distinct.cells)[:, rows.distinct.inverse[seen]]
    return xr.DataArray(
        out.reshape(posterior.info.chains, -1, out.shape[1]),
        dims=("chain", "draw", "obs"),
        coords={"chain": source["chain"].values, "draw": source["draw"].values, "obs": rows.coordinate[seen]},
        name=OBSERVED_NAME,
    )
