"""What a fit says of two columns at once: their joint density, and where normal components lie in their plane."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bayesmix import prediction
from bayesmix.data import FloatArray
from bayesmix.families.mv_normal import covariance_matrices
from bayesmix.likelihood import log_mean_exp, row_chunks, row_log_density, thinned
from bayesmix.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Ellipses", "ellipses", "joint_density", "levels_of_mass", "rings"]

_DRAWS = 400
_RING_POINTS = 101


def joint_density(posterior: Posterior, columns: tuple[int, int], x: FloatArray, y: FloatArray) -> "xr.DataArray":
    """Return the posterior mean density of the mixture in two columns, the others integrated out.

    Parameters
    ----------
    posterior : Posterior
        At most 400 evenly spaced draws of it are used.
    columns : pair of int
        Positions of the columns.
    x, y : ndarray
        Points in the columns' units.

    Returns
    -------
    DataArray
        Dims (y, x), in 1 / the product of the columns' units.
    """
    import xarray as xr

    across, up = (grid.ravel() for grid in np.meshgrid(x, y))
    cells = prediction.grid_cells(posterior, columns[0], across)
    part = posterior.layout.part(columns[1])
    cells[:, part] = prediction.grid_cells(posterior, columns[1], up)[:, part]
    draws = thinned(posterior.arrays, _DRAWS)
    out = np.empty(len(cells))
    for rows in row_chunks(len(cells), draws.n_draws):
        out[rows] = np.exp(log_mean_exp(row_log_density(posterior, draws, cells[rows])))
    return xr.DataArray(out.reshape(len(y), len(x)), dims=("y", "x"), coords={"x": x, "y": y}, name="density")


def levels_of_mass(density: FloatArray, shares: tuple[float, ...]) -> FloatArray:
    """Return the densities above which these shares of the mass on an even grid lie, increasing and distinct.

    Parameters
    ----------
    density : ndarray
    shares : tuple of float in (0, 1)

    References
    ----------
    Hyndman (1996), Computing and graphing highest density regions, The American Statistician 50, 120-126.

    Examples
    --------
    >>> levels_of_mass(np.array([1.0, 5.0, 3.0, 1.0]), (0.4, 0.7)).tolist()
    [3.0, 5.0]
    """
    falling = np.sort(density, axis=None)[::-1]
    mass = np.cumsum(falling)
    at = np.searchsorted(mass, np.array(shares) * mass[-1])
    return np.unique(falling[np.minimum(at, len(falling) - 1)])


@dataclass(frozen=True, eq=False)
class Ellipses:
    """Means and covariance matrices of normal components in two columns.

    Attributes
    ----------
    mean : ndarray, shape (K, 2)
    covariance : ndarray, shape (K, 2, 2)
        Posterior means.
    means, covariances : ndarray, shapes (S, K, 2) and (S, K, 2, 2)
        Some evenly spaced draws.
    """

    mean: FloatArray
    covariance: FloatArray
    means: FloatArray
    covariances: FloatArray


def ellipses(posterior: Posterior, columns: tuple[int, int], n_draws: int) -> Ellipses | None:
    """Return where normal components lie in two columns; None where their components are not normal.

    Parameters
    ----------
    posterior : Posterior
    columns : pair of int
        Positions of the columns.
    n_draws : int
        Number of single draws.
    """
    blocks = [prediction.block_of_column(posterior, column) for column in columns]
    arrays, k, p = posterior.arrays, posterior.n_components, len(posterior.layout.names)
    if {block.family.name for block in blocks} == {"normal"}:
        own = [block.pick(arrays.parameters) for block in blocks]
        mu = np.stack([_wide(part["mu"], k) for part in own], axis=-1)
        sigma = np.stack([_wide(part["sigma"], k) for part in own], axis=-1)
        covariance = sigma[..., np.newaxis] * np.eye(2) * sigma[..., np.newaxis, :]
    elif {block.family.name for block in blocks} == {"mv_normal"}:
        part = blocks[0].pick(arrays.parameters)
        mu = part["mu"][..., list(columns)]
        whole = covariance_matrices(blocks[0].family, part, p)  # type: ignore[arg-type]
        covariance = whole[..., list(columns), :][..., list(columns)]
        covariance = np.broadcast_to(covariance, (len(mu), k, 2, 2))
    else:
        return None
    some = np.linspace(0, len(mu) - 1, min(n_draws, len(mu))).astype(int)
    return Ellipses(mu.mean(axis=0), covariance.mean(axis=0), mu[some], covariance[some])


def _wide(values: FloatArray, k: int) -> FloatArray:
    return np.broadcast_to(values, (len(values), k))


def rings(mean: FloatArray, covariance: FloatArray, radii: npt.ArrayLike) -> FloatArray:
    """Return the points of equal density at distances of so many sds, shape (..., radii, points, 2).

    Parameters
    ----------
    mean : ndarray, shape (..., 2)
    covariance : ndarray, shape (..., 2, 2)
    radii : array_like, shape (r,)
    """
    angle = np.linspace(0.0, 2 * np.pi, _RING_POINTS)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = circle @ np.swapaxes(np.linalg.cholesky(covariance), -1, -2)
    sizes = np.asarray(radii, dtype=np.float64)[:, np.newaxis, np.newaxis]
    return np.asarray(mean[..., np.newaxis, np.newaxis, :] + sizes * points[..., np.newaxis, :, :])
