"""Pointwise log-densities of the mixture, memberships summed out, in chunks of rows.

The compiled engine's pass does the work where the family has a kernel, on all cores; NumPy does it otherwise. Arrays
of draws x rows x components are never held whole: callers walk over chunks of rows.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.families import Family
from bayesmix.model import OBSERVED_NAME
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.scores import log_sum_exp

if TYPE_CHECKING:
    import xarray as xr

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


def component_log_joint(family: Family, draws: DrawArrays, y: FloatArray) -> FloatArray:
    """Return ``log w[s, k] + log f(y[i] | parameters[s, k])``, shape (S, n, K).

    Parameters
    ----------
    family : Family
    draws : DrawArrays
        S draws of K components.
    y : ndarray, shape (n,)
        One chunk of rows.
    """
    parameters = {name: value[:, np.newaxis, :] for name, value in draws.parameters.items()}
    with np.errstate(divide="ignore"):  # a weight may underflow to 0: its log-density is -inf, as it should be
        log_weights = np.log(draws.weights)[:, np.newaxis, :]
    return family.log_density(y[np.newaxis, :, np.newaxis], parameters) + log_weights


def _square_arrays(draws: DrawArrays) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what the passes of the "square" kernel take, in their order."""
    return draws.weights, draws.parameters["mu"], draws.parameters["sigma"]


def row_log_density(family: Family, draws: DrawArrays, y: FloatArray) -> FloatArray:
    """Return the log-density of every row under every draw, memberships summed out, shape (S, n).

    Parameters
    ----------
    family : Family
    draws : DrawArrays
    y : ndarray, shape (n,)
    """
    if family.kernel == "square":
        from bayesmix.engine import pointwise

        return pointwise.log_likelihood(y, *_square_arrays(draws))
    out = np.empty((draws.n_draws, len(y)))
    for rows in row_chunks(len(y), draws.weights.size):
        out[:, rows] = log_sum_exp(component_log_joint(family, draws, y[rows]))
    return out


def responsibilities(family: Family, draws: DrawArrays, y: FloatArray) -> FloatArray:
    """Return ``w[s, k] f(y[i] | s, k) / sum_j w[s, j] f(y[i] | s, j)``, shape (S, n, K): a chunk of rows at a time.

    Parameters
    ----------
    family : Family
    draws : DrawArrays
    y : ndarray, shape (n,)
    """
    if family.kernel == "square":
        from bayesmix.engine import pointwise

        return pointwise.responsibilities(y, *_square_arrays(draws))
    joint = component_log_joint(family, draws, y)
    return np.asarray(np.exp(joint - log_sum_exp(joint)[..., np.newaxis]))


def mean_responsibilities(family: Family, draws: DrawArrays, y: FloatArray) -> FloatArray:
    """Return the mean over draws of the responsibilities, shape (n, K), without holding those of the draws.

    Parameters
    ----------
    family : Family
    draws : DrawArrays
    y : ndarray, shape (n,)
    """
    if family.kernel == "square":
        from bayesmix.engine import pointwise

        return pointwise.responsibility_mean(y, *_square_arrays(draws)).probability
    out = np.empty((len(y), draws.weights.shape[1]))
    for rows in row_chunks(len(y), draws.weights.size):
        out[rows] = responsibilities(family, draws, y[rows]).mean(axis=0)
    return out


def component_densities(family: Family, draws: DrawArrays, y: FloatArray) -> FloatArray:
    """Return ``w[s, k] * f(y[i] | parameters[s, k])``, shape (S, K, n): a chunk of rows at a time.

    Parameters
    ----------
    family : Family
    draws : DrawArrays
    y : ndarray, shape (n,)
    """
    if family.kernel == "square":
        from bayesmix.engine import pointwise

        return pointwise.density(y, *_square_arrays(draws)).components
    return np.exp(component_log_joint(family, draws, y)).transpose(0, 2, 1)


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
        Dims (chain, draw, obs), in nats.
    """
    import xarray as xr

    rows, source = posterior.observations, posterior.idata["posterior"].to_dataset()
    out = row_log_density(posterior.resolved.family, posterior.arrays, rows.distinct.values)[:, rows.distinct.inverse]
    return xr.DataArray(
        out.reshape(posterior.info.chains, -1, rows.n),
        dims=("chain", "draw", "obs"),
        coords={"chain": source["chain"].values, "draw": source["draw"].values, "obs": rows.coordinate},
        name=OBSERVED_NAME,
    )
