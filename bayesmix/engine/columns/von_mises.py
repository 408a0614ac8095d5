"""Von Mises columns: angles, with direction mu and concentration kappa.

With ``s = sin((y - mu) / 2)`` the log density is ``-2 kappa s**2 - log(I0(kappa) exp(-kappa)) - log(2 pi)``, since
``cos x = 1 - 2 sin(x / 2)**2``; its derivatives are ``2 kappa s cos((y - mu) / 2)`` by mu and
``-2 s**2 + 1 - I1(kappa) / I0(kappa)`` by kappa. The stored features are ``sin(y / 2)`` and ``cos(y / 2)``, so that s
is a difference of two products. As ``kappa (cos(y - mu) - 1)`` the form would lose ``2e-16 kappa`` per row; squaring
the half angle it loses the root of that: 1e-11 at kappa = 1e8.
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
    theta_of,
)
from bayesmix.engine.columns.dot import (
    ETA_1,
    ETA_2,
    OFFSET,
    SIZE,
    SUM_1,
    SUM_2,
    fresh_terms,
    size_of,
    start_row,
    terms_of,
    terms_scratch,
)
from bayesmix.engine.special import bessel_gap, log_bessel_i0e
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = ["KINDS", "von_mises"]

_LOG_TWO_PI = math.log(2.0 * math.pi)


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    half = 0.5 * cells[:, 0]
    return np.stack([np.sin(half), np.cos(half)]), np.where(np.isnan(half), 0.0, -_LOG_TWO_PI)


@kernel
def _prepare(block: Any, K: int) -> None:
    theta, terms, p = theta_of(block, K), fresh_terms(block, K), block[COLUMNS]
    for c in range(p):
        for k in range(K):
            terms[c, ETA_1, k] = math.cos(0.5 * theta[c, k])
            terms[c, ETA_2, k] = math.sin(0.5 * theta[c, k])
            terms[c, OFFSET, k] = -log_bessel_i0e(theta[p + c, k])


@kernel
def _one(
    sines: Any, cosines: Any, n: int, e: float, f: float, twice: float, offset: float, fresh: bool, row: Any
) -> None:
    prefer_wide_vectors()
    if fresh:
        for j in range(n):
            s = sines[j] * e - cosines[j] * f
            row[j] = offset - twice * s * s
    else:
        for j in range(n):
            s = sines[j] * e - cosines[j] * f
            row[j] += offset - twice * s * s


@kernel
def _some(sines: Any, cosines: Any, n: int, e: float, f: float, twice: float, offset: float, row: Any) -> None:
    """Add a column with missing cells, which are NaN: they alone differ from themselves."""
    prefer_wide_vectors()
    for j in range(n):
        s = sines[j] * e - cosines[j] * f
        row[j] += choose(s == s, offset - twice * s * s, 0.0)


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, terms, p = rows_of(block), theta_of(block, K), terms_of(block, K), block[COLUMNS]
    fresh = block[START] != 0
    start = numbers_at(block[START] if fresh else block[SIZES], K)
    for k in range(K):
        row = tile[k]
        if block[MISSING] and fresh:
            start_row(start[k], n, row)
        for c in range(p):
            sines, cosines = piece(rows, 2 * c, at, n), piece(rows, 2 * c + 1, at, n)
            e, f, twice, offset = terms[c, ETA_1, k], terms[c, ETA_2, k], 2.0 * theta[p + c, k], terms[c, OFFSET, k]
            if block[MISSING]:
                _some(sines, cosines, n, e, f, twice, offset, row)
                continue
            first = fresh and c == 0
            if first:
                offset += start[k]
            _one(sines, cosines, n, e, f, twice, offset, first, row)


@kernel
def _sums(sines: Any, cosines: Any, n: int, e: float, f: float, r: Any) -> tuple[float, float]:
    prefer_wide_vectors()
    square, product = 0.0, 0.0
    for j in range(n):
        s = sines[j] * e - cosines[j] * f
        rs = r[j] * s
        square += rs * s
        product += rs * (cosines[j] * e + sines[j] * f)
    return square, product


@kernel
def _some_sums(sines: Any, cosines: Any, n: int, e: float, f: float, r: Any) -> tuple[float, float, float]:
    prefer_wide_vectors()
    square, product, size = 0.0, 0.0, 0.0
    for j in range(n):
        s = sines[j] * e - cosines[j] * f
        rs = r[j] * s
        size += choose(s == s, r[j], 0.0)
        square += choose(s == s, rs * s, 0.0)
        product += choose(s == s, rs * (cosines[j] * e + sines[j] * f), 0.0)
    return square, product, size


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, terms = rows_of(block), terms_of(block, K)
    for k in range(K):
        for c in range(block[COLUMNS]):
            sines, cosines = piece(rows, 2 * c, at, n), piece(rows, 2 * c + 1, at, n)
            e, f = terms[c, ETA_1, k], terms[c, ETA_2, k]
            if block[MISSING]:
                square, product, size = _some_sums(sines, cosines, n, e, f, tile[k])
                terms[c, SIZE, k] += size
            else:
                square, product = _sums(sines, cosines, n, e, f, tile[k])
            terms[c, SUM_1, k] += square
            terms[c, SUM_2, k] += product


@kernel
def _finish(block: Any, K: int) -> None:
    theta, terms, gradient = theta_of(block, K), terms_of(block, K), gradient_of(block, K)
    p, sizes = block[COLUMNS], numbers_at(block[SIZES], K)
    for c in range(p):
        for k in range(K):
            kappa, size = theta[p + c, k], size_of(block, terms, sizes, c, k)
            gradient[c, k] = 2.0 * kappa * terms[c, SUM_2, k]
            gradient[p + c, k] = size * bessel_gap(kappa) - 2.0 * terms[c, SUM_1, k]


@cache
def von_mises() -> Any:
    """Return the kernel of von Mises columns: parameters mu, kappa; features sin(y / 2), cos(y / 2)."""
    digest = source_digest()

    def column(task: int, n: int, K: int, at: int, block_at: int, tile_at: int, stride: int) -> int:
        if digest == 0:  # never: see `_jit`
            return 1
        block = carray(integers_at(block_at), (N_FIELDS,))
        if task == PREPARE:
            _prepare(block, K)
        elif task == ADD:
            _add(block, at, n, K, plane_at(tile_at, K, stride))
        elif task == STATISTICS:
            _statistics(block, at, n, K, plane_at(tile_at, K, stride))
        elif task == FINISH:
            _finish(block, K)
        return 0

    return c_entry(COLUMN_KERNEL, column)


KINDS = {"von_mises": ColumnKind(von_mises, 2, _encode, terms_scratch)}
