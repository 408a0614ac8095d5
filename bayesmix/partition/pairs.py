"""Probabilities that pairs of rows belong together, where there are too many rows for all pairs of them.

`bayesmix.averaging.co_clustering` has all pairs of up to 5000 rows. A sparse matrix of the likely pairs would be no
way out of that limit: of two groups of equal size half of all pairs are likely. A random sample of the rows shows the
picture, and some rows against all of them answer which ones belong with these.
"""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.assignment import laid_out
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.likelihood import responsibilities, row_chunks, thinned
from bayesmix.posterior import Posterior
from bayesmix.settings import generator

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["co_clustering_sample", "co_clustering_with"]

_MOST_PAIRS = 25_000_000
_MOST_SAMPLED = 5000
_DRAWS = 1000
_TERMS = 20_000_000_000


def co_clustering_sample(posterior: Posterior, *, n_rows: int = 1000, random_seed: int = 0) -> "xr.DataArray":
    """Return for pairs of a random sample of the fitted rows the probability that they belong to the same component.

    As `bayesmix.averaging.co_clustering`, of any number of rows: the mean over draws of ``sum_k r_ik r_jk``, r being
    the responsibilities, and 1 on the diagonal. Probabilities of the rows in the sample are what they would be among
    all rows.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    n_rows : int, default 1000
        Size of the sample, between 2 and 5000; all rows where there are no more.
    random_seed : int, default 0
        Of the sample; fixed so that the same rows come back.

    Returns
    -------
    DataArray
        Dims (obs, obs_other), symmetric, rows in the data's order, with their labels.

    Raises
    ------
    InputError
        If an argument breaks its rule, or the fit was saved without its data.

    Examples
    --------
    >>> co_clustering_sample(fit, n_rows=5, random_seed=1).shape
    (5, 5)
    """
    import xarray as xr

    rows, rng = posterior.observations, generator(random_seed)
    whole = isinstance(n_rows, (int, np.integer)) and not isinstance(n_rows, (bool, np.bool_))
    if not (whole and 2 <= n_rows <= _MOST_SAMPLED):
        raise InputError(
            f"n_rows must be an integer between 2 and {_MOST_SAMPLED}, got {n_rows!r}: one number for every pair of "
            "them. The default is 1000; use co_clustering_with for some rows against all."
        )
    chosen = np.arange(rows.n) if rows.n <= n_rows else np.sort(rng.choice(rows.n, int(n_rows), replace=False))
    used, inverse = np.unique(rows.distinct.inverse[chosen], return_inverse=True)
    cells = rows.distinct.cells[used]
    out = _together(posterior, posterior, cells, cells)[np.ix_(inverse, inverse)]
    np.fill_diagonal(out, 1.0)
    labels = rows.coordinate[chosen]
    return xr.DataArray(
        out, dims=("obs", "obs_other"), coords={"obs": labels, "obs_other": labels}, name="co_clustering"
    )


def co_clustering_with(posterior: Posterior, rows: Observations) -> "xr.DataArray":
    """Return for every given and every fitted row the probability that they belong to the same component.

    The mean over draws of ``sum_k r_ik r_jk``, r being the responsibilities. The given rows are further ones: also a
    row that equals a fitted one is another row than that, and belongs with it less than surely.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    rows : Observations
        Some rows of the same columns, read as the fit reads its own (`bayesmix.blocks.read_new_rows`).

    Returns
    -------
    DataArray
        Dims (obs, obs_other): given rows, and fitted rows with their labels.

    Raises
    ------
    InputError
        If there are more than 25 million pairs, or the fit was saved without its data.

    Examples
    --------
    >>> from bayesmix.blocks import read_new_rows
    >>> co_clustering_with(fit, read_new_rows(fit.resolved.family, [16.0], fit.layout)).shape
    (1, 19)
    """
    import xarray as xr

    fitted = posterior.observations
    if rows.n * fitted.n > _MOST_PAIRS:
        raise InputError(
            f"co-clustering must be of at most {_MOST_PAIRS:.1e} pairs, got {rows.n} x {fitted.n} rows. Pass at most "
            f"{max(1, _MOST_PAIRS // fitted.n)} rows at a time."
        )
    out = _together(laid_out(posterior, rows), posterior, rows.distinct.cells, fitted.distinct.cells)
    out = out[np.ix_(rows.distinct.inverse, fitted.distinct.inverse)]
    coords = {"obs": rows.coordinate, "obs_other": fitted.coordinate}
    return xr.DataArray(out, dims=("obs", "obs_other"), coords=coords, name="co_clustering")


def _together(own: Posterior, other: Posterior, cells: FloatArray, others: FloatArray) -> FloatArray:
    """Return the mean over draws of ``sum_k r_ik r_jk``, shape (d, e), from at most 1000 evenly spaced draws."""
    draws = other.arrays
    width = draws.weights.shape[1]
    draws = thinned(draws, int(np.clip(_TERMS // (len(cells) * len(others) * width), 100, _DRAWS)))
    total = np.zeros((len(cells), len(others)))
    for some in row_chunks(draws.n_draws, (len(cells) + len(others)) * width):
        taken = draws.take(some)
        first = responsibilities(own, taken, cells)
        second = first if others is cells else responsibilities(other, taken, others)
        flat = [np.swapaxes(r, 0, 1).reshape(r.shape[1], -1) for r in (first, second)]
        total += flat[0] @ flat[1].T
    return total / draws.n_draws
