"""Independent Student t columns.

With ``t = (y - mu) / sigma``, ``s = t**2 / nu`` and ``h = nu / 2`` the log density is

    ``-log sigma - (nu + 1) / 2 log(1 + s) + log Gamma(h + 1/2) - log Gamma(h) - log(h) / 2 - log(2 pi) / 2``,

and its derivatives are ``(nu + 1) / (nu sigma) t / (1 + s)`` by mu, ``((nu + 1) s / (1 + s) - 1) / sigma`` by sigma and
half of ``psi(h + 1/2) - psi(h) - 1 / nu - (log(1 + s) - s / (1 + s)) + s / (1 + s) / nu`` by nu. For large nu the
latter is of the order of ``1 / nu**2``: the logarithmic terms of log Gamma and psi are taken together, and so is the
difference in parentheses for every row, before anything is rounded to the size of ``1 / nu``.
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
    N_FIELDS,
    PREPARE,
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
from bayesmix.engine.columns._log1p import log1p_and_inverse
from bayesmix.engine.columns.dot import start_row
from bayesmix.engine.special import log_minus_digamma, stirling_error
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = ["KINDS", "student_t"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
# Rows of a column's scratch space: 1 / sigma, 1 / nu, the part of the log density that is the same for all cells; the
# sums of r, of r t / (1 + s), of r s / (1 + s) and of r (log(1 + s) - s / (1 + s)).
_ISD, _INVERSE, _OFFSET, _SIZE, _FIRST, _SECOND, _LOGS, _N = range(8)


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    present = np.isfinite(cells[:, 0])
    return cells.T.copy(), np.where(present, -_HALF_LOG_TWO_PI, 0.0)


@kernel
def _prepare(block: Any, K: int) -> None:
    p, theta = block[COLUMNS], theta_of(block, K)
    scratch = scratch_of(block, _N * p, K)
    for c in range(p):
        at = _N * c
        for k in range(K):
            sigma, h = theta[p + c, k], 0.5 * theta[2 * p + c, k]
            normaliser = (h * math.log1p(0.5 / h) - 0.5) + (stirling_error(h + 0.5) - stirling_error(h))
            scratch[at + _ISD, k] = 1.0 / sigma
            scratch[at + _INVERSE, k] = 0.5 / h
            scratch[at + _OFFSET, k] = normaliser - math.log(sigma)
            for i in range(_SIZE, _N):
                scratch[at + i, k] = 0.0


@kernel
def _add_column(y: Any, n: int, m: float, isd: float, inverse: float, offset: float, row: Any) -> None:
    prefer_wide_vectors()
    power = 0.5 / inverse + 0.5
    for j in range(n):
        t = (y[j] - m) * isd
        log, _ = log1p_and_inverse(t * t * inverse)
        row[j] += choose(t == t, offset - power * log, 0.0)


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, _N * p, K)
    for k in range(K):
        if block[START] != 0:
            start_row(numbers_at(block[START], K)[k], n, tile[k])
        for c in range(p):
            isd, inverse, offset = scratch[_N * c, k], scratch[_N * c + _INVERSE, k], scratch[_N * c + _OFFSET, k]
            _add_column(piece(rows, c, at, n), n, theta[c, k], isd, inverse, offset, tile[k])


@kernel
def _sums(y: Any, n: int, m: float, isd: float, inverse: float, r: Any) -> tuple[float, float, float, float]:
    prefer_wide_vectors()
    size, first, second, logs = 0.0, 0.0, 0.0, 0.0
    for j in range(n):
        t = (y[j] - m) * isd
        here = choose(t == t, r[j], 0.0)
        t = choose(t == t, t, 0.0)
        s = t * t * inverse
        log, share = log1p_and_inverse(s)
        size += here
        first += here * (t * share)
        second += here * (s * share)
        logs += here * (log - s * share)
    return size, first, second, logs


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, _N * p, K)
    for k in range(K):
        for c in range(p):
            i = _N * c
            y, isd, inverse = piece(rows, c, at, n), scratch[i, k], scratch[i + _INVERSE, k]
            size, first, second, logs = _sums(y, n, theta[c, k], isd, inverse, tile[k])
            scratch[i + _SIZE, k] += size
            scratch[i + _FIRST, k] += first
            scratch[i + _SECOND, k] += second
            scratch[i + _LOGS, k] += logs


@kernel
def _finish(block: Any, K: int) -> None:
    p, theta, gradient = block[COLUMNS], theta_of(block, K), gradient_of(block, K)
    scratch = scratch_of(block, _N * p, K)
    for c in range(p):
        i = _N * c
        for k in range(K):
            isd, nu, size = scratch[i, k], theta[2 * p + c, k], scratch[i + _SIZE, k]
            h, second = 0.5 * nu, scratch[i + _SECOND, k]
            digammas = (math.log1p(1.0 / nu) - 1.0 / nu) + (log_minus_digamma(h) - log_minus_digamma(h + 0.5))
            gradient[c, k] = (nu + 1.0) / nu * isd * scratch[i + _FIRST, k]
            gradient[p + c, k] = ((nu + 1.0) * second - size) * isd
            gradient[2 * p + c, k] = 0.5 * (size * digammas - scratch[i + _LOGS, k] + second / nu)


@cache
def student_t() -> Any:
    """Return the kernel of Student t columns: parameters mu, sigma, nu; one feature, y."""
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


def _scratch(n_components: int, n_columns: int, _option: int) -> int:
    return _N * n_columns * n_components


KINDS = {"student_t": ColumnKind(student_t, 1, _encode, _scratch)}
