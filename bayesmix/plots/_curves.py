"""Memberships along one column, with pointwise bands: those of rows in which nothing else is known."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix import prediction
from bayesmix.data import FloatArray
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import mean_responsibilities, responsibilities, row_chunks, thinned
from bayesmix.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["membership_curves"]

_DRAWS = 1000


def membership_curves(
    posterior: Posterior, grid: FloatArray, interval: CredibleInterval, column: int = 0
) -> "xr.Dataset":
    """Return the probability of each component along a column, the other columns integrated out.

    Parameters
    ----------
    posterior : Posterior
    grid : ndarray, shape (g,)
        In the column's units.
    interval : CredibleInterval
        Pointwise bands, from at most 1000 evenly spaced draws.
    column : int, default 0
        Position of the column.

    Returns
    -------
    Dataset
        Dims (component, grid): ``probability``, the posterior mean, with ``probability_lb`` and ``probability_ub``;
        ``attrs["interval"]`` names the interval.
    """
    import xarray as xr

    cells = prediction.grid_cells(posterior, column, grid)
    some = thinned(posterior.arrays, _DRAWS)
    mean = mean_responsibilities(posterior, posterior.arrays, cells)
    ends = np.empty((2, *mean.shape))
    for part in row_chunks(len(grid), some.weights.size):
        ends[:, part] = interval.bounds(responsibilities(posterior, some, cells[part]))
    dims = ("component", "grid")
    names = {"probability": mean, "probability_lb": ends[0], "probability_ub": ends[1]}
    coords = {"grid": grid, "component": posterior.component_coordinate}
    return xr.Dataset({name: (dims, values.T) for name, values in names.items()}, coords, {"interval": interval.name})
