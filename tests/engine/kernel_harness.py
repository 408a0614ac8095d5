"""Run one column kernel by itself, without the driver: tile and gradient of a block from plain arrays."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine.columns import _interface as fields
from bayesmix.engine.columns import column_kind

Doubles = NDArray[np.float64]

_WORD = ctypes.c_int64
_FUNCTION = ctypes.CFUNCTYPE(_WORD, *[_WORD] * 7)
BLOCK = 256


@dataclass(frozen=True)
class Outcome:
    """Log density of every component and row, without the constants; the gradient of ``sum(weights * tile)``."""

    tile: Doubles  # (K, n)
    constants: Doubles  # (n,)
    gradient: Doubles  # (parameters, columns, K)


def run(
    name: str,
    cells: list[Doubles],
    theta: Doubles,
    weights: Doubles,
    *,
    start: Doubles | None = None,
    option: int = 0,
    extra_rows: Doubles | None = None,
) -> Outcome:
    """Run kernel `name`.

    Parameters
    ----------
    name
        A kind of column, e.g. "poisson" or "gamma_interval".
    cells
        One array of shape (n, width) per column.
    theta
        Shape (parameters, columns, K).
    weights
        What stands in the tile for STATISTICS, shape (K, n): responsibilities times counts.
    start
        Log weights (K,); None adds to a tile that already holds numbers (here -3).
    extra_rows
        Numbers stored behind the features, shape (extra, n).
    """
    kind = column_kind(name)
    encoded = [kind.encode(np.asarray(c, dtype=float).reshape(len(c), -1)) for c in cells]
    rows = np.ascontiguousarray(np.concatenate([f for f, _ in encoded]))
    constants = sum(c for _, c in encoded)
    missing = int(np.isnan(rows).any())
    if extra_rows is not None:
        rows = np.concatenate([rows, extra_rows])
    n, K = rows.shape[1], theta.shape[-1]
    theta = np.ascontiguousarray(theta, dtype=float)
    gradient, sizes = np.full(theta.shape, np.nan), weights.sum(axis=1)
    scratch = np.full(max(kind.scratch(K, len(cells), option), 1), np.nan)
    tile = np.full((K, BLOCK + 24), -3.0)
    begin = np.zeros(K) if start is None else np.ascontiguousarray(start, dtype=float)
    record = np.zeros(fields.N_FIELDS, dtype=np.int64)
    record[fields.ROWS], record[fields.STRIDE] = rows.ctypes.data, n
    record[fields.COLUMNS], record[fields.FEATURES] = len(cells), kind.features
    record[fields.MISSING], record[fields.OPTION] = missing, option
    record[fields.N_SLOTS], record[fields.SCRATCH_SIZE] = theta.size, scratch.size
    record[fields.THETA], record[fields.GRADIENT] = theta.ctypes.data, gradient.ctypes.data
    record[fields.SCRATCH], record[fields.SIZES] = scratch.ctypes.data, sizes.ctypes.data
    record[fields.START] = 0 if start is None else begin.ctypes.data
    call = _FUNCTION(kind.kernel().address)
    stride, out = tile.shape[1], np.empty((K, n))

    def task(code: int, at: int = 0, size: int = 0) -> None:
        assert call(code, size, K, at, record.ctypes.data, tile.ctypes.data, stride) == 0

    task(fields.PREPARE)
    for at in range(0, n, BLOCK):
        size = min(BLOCK, n - at)
        tile[:] = -3.0
        task(fields.ADD, at, size)
        out[:, at : at + size] = tile[:, :size] + (3.0 if start is None else 0.0)
    for at in range(0, n, BLOCK):
        size = min(BLOCK, n - at)
        tile[:, :size] = weights[:, at : at + size]
        task(fields.STATISTICS, at, size)
    task(fields.FINISH)
    return Outcome(out, constants, gradient)


def finite_differences(
    name: str, cells: list[Doubles], theta: Doubles, weights: Doubles, step: float = 1e-6, **options: Any
) -> Doubles:
    """Return the gradient of ``sum(weights * tile)`` by central differences with relative steps."""
    out = np.empty(theta.shape)
    for i in np.ndindex(*theta.shape):
        h = step * max(abs(theta[i]), 1e-3)
        up, down = theta.copy(), theta.copy()
        up[i] += h
        down[i] -= h
        values = [float(np.nansum(weights * run(name, cells, t, weights, **options).tile)) for t in (up, down)]
        out[i] = (values[0] - values[1]) / (2 * h)
    return out
