"""The pass all column kernels share: log densities in, responsibilities out.

A *tile* holds one block of rows: ``tile[k, j]`` belongs to component k and row j. The first column kernel
fills it with log weight + log density, further ones add to it, `normalise_block` turns it into
responsibilities in place, and every column kernel then reads these. Two more tile rows are scratch space: the
largest log density and the sum per row.
"""

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine._jit import kernel
from bayesmix.engine.vector_math import exp, larger, log_and_inverse, prefer_wide_vectors

__all__ = ["BLOCK", "PADDING", "SCRATCH_ROWS", "Doubles", "log_sum_exp", "normalise_block"]

#: Rows per block: the (K, BLOCK) tile stays in the first-level cache while every pass goes over it.
BLOCK = 256
#: Doubles between tile rows beyond the block: strides of 64 bytes modulo 4096 make rows evict each other.
PADDING = 24
#: Tile rows beyond the components.
SCRATCH_ROWS = 2

Doubles = NDArray[np.float64]


@kernel
def log_sum_exp(n: int, n_components: int, tile: Doubles) -> None:
    """Exponentiate a tile relative to each row's largest entry; keep that and the sum in the scratch rows.

    The sum lies in [1, K], so the log density of a row is ``top + log(total)`` however far the row is from
    every component; an entry 708 nats below the largest stays at 3e-308 instead of reaching zero.
    """
    prefer_wide_vectors()
    top, total = tile[n_components], tile[n_components + 1]
    # The first passes write what later ones update: setting rows to zero beforehand would cost as much as a
    # pass.
    second = min(1, n_components - 1)
    for j in range(n):
        top[j] = larger(tile[second, j], tile[0, j])
    for k in range(2, n_components):
        for j in range(n):
            top[j] = larger(tile[k, j], top[j])
    for j in range(n):
        e = exp(tile[0, j] - top[j])
        tile[0, j] = e
        total[j] = e
    for k in range(1, n_components):
        for j in range(n):
            e = exp(tile[k, j] - top[j])
            tile[k, j] = e
            total[j] += e


@kernel
def normalise_block(counts: Doubles, n: int, n_components: int, tile: Doubles, sizes: Doubles) -> float:
    """Turn log densities into responsibilities times counts; return the block's weighted log density.

    Component sizes (the sums of what the tile then holds) are added to `sizes`: they are the gradient with
    respect to the log weights and are the same whatever the columns are.
    """
    prefer_wide_vectors()
    log_sum_exp(n, n_components, tile)
    top, total = tile[n_components], tile[n_components + 1]
    value = 0.0
    for j in range(n):
        log_total, inverse = log_and_inverse(total[j])
        value += counts[j] * (top[j] + log_total)
        total[j] = counts[j] * inverse
    for k in range(n_components):
        size = 0.0
        for j in range(n):
            r = tile[k, j] * total[j]
            tile[k, j] = r
            size += r
        sizes[k] += size
    return value
