"""The column kernel "square": one normally distributed column.

With ``t = (y - mu) / sigma`` the log density is ``-log sigma - t**2 / 2`` (the constant ``-log(2 pi) / 2`` is
added once per fit), and its derivatives are ``t / sigma`` with respect to mu and ``(t**2 - 1) / sigma`` with
respect to sigma. The form stays centred: expanded into ``y**2``, ``y`` and ``1`` it would lose ``(mu /
sigma)**2`` units in the last place.
"""

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine._jit import kernel
from bayesmix.engine.vector_math import prefer_wide_vectors

__all__ = ["Doubles", "add_log_density", "add_statistics"]

Doubles = NDArray[np.float64]


@kernel
def add_log_density(
    values: Doubles, n: int, mu: Doubles, inverse_sigma: Doubles, offset: Doubles, first: bool, tile: Doubles
) -> None:
    """Add ``offset - t**2 / 2`` to the tile, or start the tile with it when this is the `first` column.

    The first column's offset holds the log weights: a pass of its own to write them would cost a tenth of the
    total.
    """
    prefer_wide_vectors()
    for k in range(mu.size):
        m, s, c = mu[k], inverse_sigma[k], offset[k]
        if first:
            for j in range(n):
                t = (values[j] - m) * s
                tile[k, j] = c - 0.5 * t * t
        else:
            for j in range(n):
                t = (values[j] - m) * s
                tile[k, j] += c - 0.5 * t * t


@kernel
def add_statistics(
    values: Doubles,
    n: int,
    mu: Doubles,
    inverse_sigma: Doubles,
    tile: Doubles,
    first: Doubles,
    second: Doubles,
) -> None:
    """Add ``sum r t`` to `first` and ``sum r t**2`` to `second`, for the responsibilities r in the tile."""
    prefer_wide_vectors()
    for k in range(mu.size):
        m, s = mu[k], inverse_sigma[k]
        one, two = 0.0, 0.0
        for j in range(n):
            t = (values[j] - m) * s
            rt = tile[k, j] * t
            one += rt
            two += rt * t
        first[k] += one
        second[k] += two
