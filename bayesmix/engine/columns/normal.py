"""Independent normal columns: the kernel "square".

With ``t = (y - mu) / sigma`` the log density is ``-log sigma - t**2 / 2``, and its derivatives are ``t / sigma`` with
respect to mu and ``(t**2 - 1) / sigma`` with respect to sigma. The form stays centred: expanded into ``y**2``, ``y``
and ``1`` it would lose ``(mu / sigma)**2`` units in the last place.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray

from bayesmix.engine._jit import COLUMN_KERNEL, c_entry, integers_at, kernel, source_digest
from bayesmix.engine.columns._interface import (
    ADD,
    COLUMNS,
    FINISH,
    MISSING,
    N_FIELDS,
    PREPARE,
    SIZES,
    START,
    STATISTICS,
    ColumnKind,
    Doubles,
    gradient_of,
    numbers_at,
    piece,
    plane_at,
    rows_of,
    scratch_of,
    theta_of,
)
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = ["KINDS", "square"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
# Rows of the scratch space: the sum over columns of -log sigma, then per column 1 / sigma and three sums.
_PER_COLUMN = 4


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    present = np.isfinite(cells[:, 0])
    return cells.T.copy(), np.where(present, -_HALF_LOG_TWO_PI, 0.0)


@kernel
def _prepare(theta: Any, scratch: Any, p: int, K: int) -> None:
    for k in range(K):
        scratch[0, k] = 0.0
    for c in range(p):
        at = 1 + _PER_COLUMN * c
        for k in range(K):
            inverse = 1.0 / theta[p + c, k]
            scratch[at, k] = inverse
            scratch[at + 1, k] = scratch[at + 2, k] = scratch[at + 3, k] = 0.0
            scratch[0, k] += math.log(inverse)


@kernel
def _one(y: Any, n: int, m: float, s: float, offset: float, fresh: bool, row: Any) -> None:
    prefer_wide_vectors()
    if fresh:
        for j in range(n):
            t = (y[j] - m) * s
            row[j] = offset - 0.5 * t * t
    else:
        for j in range(n):
            t = (y[j] - m) * s
            row[j] += offset - 0.5 * t * t


@kernel
def _two(y: Any, z: Any, n: int, m: float, s: float, o: float, q: float, offset: float, fresh: bool, row: Any) -> None:
    """Add two columns, so that the tile is read and written once for both."""
    prefer_wide_vectors()
    if fresh:
        for j in range(n):
            t, u = (y[j] - m) * s, (z[j] - o) * q
            row[j] = offset - 0.5 * (t * t + u * u)
    else:
        for j in range(n):
            t, u = (y[j] - m) * s, (z[j] - o) * q
            row[j] += offset - 0.5 * (t * t + u * u)


@kernel
def _some(y: Any, n: int, m: float, s: float, offset: float, row: Any) -> None:
    """Add a column with missing cells, which are NaN: they alone differ from themselves."""
    prefer_wide_vectors()
    for j in range(n):
        t = (y[j] - m) * s
        row[j] += choose(t == t, offset - 0.5 * t * t, 0.0)


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, 1 + _PER_COLUMN * p, K)
    fresh = block[START] != 0
    start = numbers_at(block[START] if fresh else block[SIZES], K)
    for k in range(K):
        row = tile[k]
        if block[MISSING]:
            if fresh:
                for j in range(n):
                    row[j] = start[k]
            for c in range(p):
                isd = scratch[1 + _PER_COLUMN * c, k]
                _some(piece(rows, c, at, n), n, theta[c, k], isd, math.log(isd), row)
            continue
        offset, c, pure = scratch[0, k], 0, fresh
        if fresh:
            offset += start[k]
        if p % 2 == 1:
            _one(piece(rows, 0, at, n), n, theta[0, k], scratch[1, k], offset, pure, row)
            offset, c, pure = 0.0, 1, False
        while c < p:
            isd, other = scratch[1 + _PER_COLUMN * c, k], scratch[5 + _PER_COLUMN * c, k]
            _two(
                piece(rows, c, at, n),
                piece(rows, c + 1, at, n),
                n,
                theta[c, k],
                isd,
                theta[c + 1, k],
                other,
                offset,
                pure,
                row,
            )
            offset, c, pure = 0.0, c + 2, False


@kernel
def _sums(y: Any, n: int, m: float, s: float, r: Any) -> tuple[float, float]:
    prefer_wide_vectors()
    first, second = 0.0, 0.0
    for j in range(n):
        t = (y[j] - m) * s
        rt = r[j] * t
        first += rt
        second += rt * t
    return first, second


@kernel
def _two_sums(
    y: Any, z: Any, n: int, m: float, s: float, o: float, q: float, r: Any
) -> tuple[float, float, float, float]:
    prefer_wide_vectors()
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    for j in range(n):
        t, u = (y[j] - m) * s, (z[j] - o) * q
        rt, ru = r[j] * t, r[j] * u
        first += rt
        second += rt * t
        third += ru
        fourth += ru * u
    return first, second, third, fourth


@kernel
def _some_sums(y: Any, n: int, m: float, s: float, r: Any) -> tuple[float, float, float]:
    prefer_wide_vectors()
    first, second, size = 0.0, 0.0, 0.0
    for j in range(n):
        t = (y[j] - m) * s
        here = choose(t == t, r[j], 0.0)
        t = choose(t == t, t, 0.0)
        size += here
        first += here * t
        second += here * t * t
    return first, second, size


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, 1 + _PER_COLUMN * p, K)
    for k in range(K):
        r = tile[k]
        if block[MISSING]:
            for c in range(p):
                i = 1 + _PER_COLUMN * c
                first, second, size = _some_sums(piece(rows, c, at, n), n, theta[c, k], scratch[i, k], r)
                scratch[i + 1, k] += first
                scratch[i + 2, k] += second
                scratch[i + 3, k] += size
            continue
        c = 0
        if p % 2 == 1:
            first, second = _sums(piece(rows, 0, at, n), n, theta[0, k], scratch[1, k], r)
            scratch[2, k] += first
            scratch[3, k] += second
            c = 1
        while c < p:
            i, o = 1 + _PER_COLUMN * c, 5 + _PER_COLUMN * c
            first, second, third, fourth = _two_sums(
                piece(rows, c, at, n),
                piece(rows, c + 1, at, n),
                n,
                theta[c, k],
                scratch[i, k],
                theta[c + 1, k],
                scratch[o, k],
                r,
            )
            scratch[i + 1, k] += first
            scratch[i + 2, k] += second
            scratch[o + 1, k] += third
            scratch[o + 2, k] += fourth
            c += 2


@kernel
def _finish(block: Any, K: int) -> None:
    p, gradient, sizes = block[COLUMNS], gradient_of(block, K), numbers_at(block[SIZES], K)
    scratch = scratch_of(block, 1 + _PER_COLUMN * p, K)
    for c in range(p):
        i = 1 + _PER_COLUMN * c
        for k in range(K):
            size = scratch[i + 3, k] if block[MISSING] else sizes[k]
            gradient[c, k] = scratch[i + 1, k] * scratch[i, k]
            gradient[p + c, k] = (scratch[i + 2, k] - size) * scratch[i, k]


@cache
def square() -> Any:
    """Return the kernel of complete or partly missing normal columns: parameters mu, sigma; one feature, y."""
    digest = source_digest()

    def column(task: int, n: int, K: int, at: int, block_at: int, tile_at: int, stride: int) -> int:
        if digest == 0:  # never: see `_jit`
            return 1
        block = carray(integers_at(block_at), (N_FIELDS,))
        if task == PREPARE:
            p = block[COLUMNS]
            _prepare(theta_of(block, K), scratch_of(block, 1 + _PER_COLUMN * p, K), p, K)
        elif task == ADD:
            _add(block, at, n, K, plane_at(tile_at, K, stride))
        elif task == STATISTICS:
            _statistics(block, at, n, K, plane_at(tile_at, K, stride))
        elif task == FINISH:
            _finish(block, K)
        return 0

    return c_entry(COLUMN_KERNEL, column)


def _scratch(n_components: int, n_columns: int, _option: int) -> int:
    return (1 + _PER_COLUMN * n_columns) * n_components


KINDS = {"normal": ColumnKind(square, 1, _encode, _scratch)}
