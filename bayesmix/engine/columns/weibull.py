"""Independent Weibull columns.

The stored feature is ``log y``, so that with ``w = alpha (log y - log beta)`` the log density is
``log alpha + w - exp(w)``, its constant being ``-log y``. The derivatives are ``(1 + (1 - exp(w)) w) / alpha`` by alpha
and ``(exp(w) - 1) alpha / beta`` by beta. Rounding costs up to about ``2e-16 alpha |log y| exp(w)`` per row.
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
from bayesmix.engine.columns.dot import start_row
from bayesmix.engine.vector_math import choose, exp, larger, prefer_wide_vectors

__all__ = ["KINDS", "weibull"]

# Rows of a column's scratch space: log alpha, log beta, the sums of r, of r (1 - exp(w)) and of r (1 - exp(w)) w.
_LOG_ALPHA, _LOG_BETA, _SIZE, _FIRST, _SECOND, _N = range(6)
# exp(600) = 4e260 is a log density as good as minus infinity, and sums over rows of it times w stay finite.
_LARGEST = 600.0


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    log_y = np.log(cells.T)
    return log_y, np.where(np.isnan(log_y[0]), 0.0, -log_y[0])


@kernel
def _prepare(block: Any, K: int) -> None:
    p, theta = block[COLUMNS], theta_of(block, K)
    scratch = scratch_of(block, _N * p, K)
    for c in range(p):
        for k in range(K):
            scratch[_N * c + _LOG_ALPHA, k] = math.log(theta[c, k])
            scratch[_N * c + _LOG_BETA, k] = math.log(theta[p + c, k])
            for i in range(_SIZE, _N):
                scratch[_N * c + i, k] = 0.0


@kernel
def _add_column(log_y: Any, n: int, alpha: float, log_alpha: float, log_beta: float, row: Any) -> None:
    prefer_wide_vectors()
    for j in range(n):
        w = alpha * (log_y[j] - log_beta)
        value = log_alpha + w - exp(-larger(-w, -_LARGEST))
        row[j] += choose(w == w, value, 0.0)


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, _N * p, K)
    for k in range(K):
        if block[START] != 0:
            start_row(numbers_at(block[START], K)[k], n, tile[k])
        for c in range(p):
            log_alpha, log_beta = scratch[_N * c + _LOG_ALPHA, k], scratch[_N * c + _LOG_BETA, k]
            _add_column(piece(rows, c, at, n), n, theta[c, k], log_alpha, log_beta, tile[k])


@kernel
def _sums(log_y: Any, n: int, alpha: float, log_beta: float, r: Any) -> tuple[float, float, float]:
    prefer_wide_vectors()
    size, first, second = 0.0, 0.0, 0.0
    for j in range(n):
        w = alpha * (log_y[j] - log_beta)
        here = choose(w == w, r[j], 0.0)
        w = choose(w == w, w, 0.0)
        slope = here * (1.0 - exp(-larger(-w, -_LARGEST)))
        size += here
        first += slope
        second += slope * w
    return size, first, second


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, _N * p, K)
    for k in range(K):
        for c in range(p):
            i = _N * c
            size, first, second = _sums(piece(rows, c, at, n), n, theta[c, k], scratch[i + _LOG_BETA, k], tile[k])
            scratch[i + _SIZE, k] += size
            scratch[i + _FIRST, k] += first
            scratch[i + _SECOND, k] += second


@kernel
def _finish(block: Any, K: int) -> None:
    p, theta, gradient = block[COLUMNS], theta_of(block, K), gradient_of(block, K)
    scratch = scratch_of(block, _N * p, K)
    for c in range(p):
        i = _N * c
        for k in range(K):
            gradient[c, k] = (scratch[i + _SIZE, k] + scratch[i + _SECOND, k]) / theta[c, k]
            gradient[p + c, k] = -scratch[i + _FIRST, k] * theta[c, k] / theta[p + c, k]


@cache
def weibull() -> Any:
    """Return the kernel of Weibull columns: parameters alpha, beta; one feature, log y."""
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


KINDS = {"weibull": ColumnKind(weibull, 1, _encode, _scratch)}
