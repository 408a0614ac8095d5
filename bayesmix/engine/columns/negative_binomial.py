"""Independent negative binomial columns.

In terms of ``A(y) = log Gamma(y + alpha) - log Gamma(alpha) - y log alpha``, the sum of ``log(1 + i / alpha)`` over
i < y, the log density is ``A(y) + y log mu - (alpha + y) log(1 + mu / alpha)``, its constant being ``-log y!``. All
three terms tend to those of the Poisson distribution for large alpha. Stirling's formula with its error S gives

    ``log Gamma(y + a) - log Gamma(a) - y log a = (y + a - 1/2) log(1 + y / a) - y + S(y + a) - S(a)``

to about ``2e-16 y`` however large a is. S is a short series above 10. For smaller alpha, ``a = alpha + 10``, and the
ten factors of ``Gamma(x + 10) / Gamma(x)`` are taken away; ``psi`` is treated alike.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray
from scipy.special import gammaln

from bayesmix.engine._jit import COLUMN_KERNEL, c_entry, inline, integers_at, kernel, source_digest
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
from bayesmix.engine.vector_math import choose, log, prefer_wide_vectors

__all__ = ["KINDS", "negative_binomial"]

_LARGE = 10.0
# Rows of a column's scratch space: a, what y is multiplied by, what is the same for all cells; the sums of r, of r y
# and of r times the derivative of A (less its terms linear in y).
_BASE, _SLOPE, _OFFSET, _SIZE, _COUNTS, _RATIOS, _N = range(7)


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    y = cells[:, 0]
    return y[None, :].copy(), np.where(np.isnan(y), 0.0, -gammaln(y + 1.0))


@inline
def _stirling_error(inverse: float) -> float:
    """Return S of `bayesmix.engine.special.stirling_error` from 1 / x, x >= 10."""
    z = inverse * inverse
    s = 1.0 / 156.0 - z * (3617.0 / 122400.0)
    s = -691.0 / 360360.0 + z * s
    s = 1.0 / 1188.0 + z * s
    s = -1.0 / 1680.0 + z * s
    s = 1.0 / 1260.0 + z * s
    s = -1.0 / 360.0 + z * s
    return (1.0 / 12.0 + z * s) * inverse


@inline
def _log_minus_digamma(inverse: float) -> float:
    """Return log x - psi(x) from 1 / x, x >= 10, by Abramowitz and Stegun (1964), 6.3.18."""
    z = inverse * inverse
    s = 1.0 / 12.0 - z * (3617.0 / 8160.0)
    s = -691.0 / 32760.0 + z * s
    s = 1.0 / 132.0 + z * s
    s = -1.0 / 240.0 + z * s
    s = 1.0 / 252.0 + z * s
    s = -1.0 / 120.0 + z * s
    s = 1.0 / 12.0 + z * s
    return 0.5 * inverse + z * s


@inline
def _ten_factors(x: float) -> float:
    """Return Gamma(x + 10) / Gamma(x): with q = x (x + 9), x + i times x + 9 - i is q plus a constant."""
    q = x * (x + 9.0)
    return q * (q + 8.0) * ((q + 14.0) * (q + 18.0)) * (q + 20.0)


@inline
def _ten_reciprocals(x: float) -> float:
    """Return psi(x + 10) - psi(x), the sum of 1 / (x + i): the derivative of `_ten_factors` over itself."""
    q = x * (x + 9.0)
    first, second = q * (q + 8.0), (q + 14.0) * (q + 18.0)
    four = (2.0 * q + 8.0) * second + (2.0 * q + 32.0) * first
    return (2.0 * x + 9.0) * (four * (q + 20.0) + first * second) / (first * second * (q + 20.0))


@kernel
def _prepare(block: Any, K: int) -> None:
    p, theta = block[COLUMNS], theta_of(block, K)
    scratch = scratch_of(block, _N * p, K)
    for c in range(p):
        at = _N * c
        for k in range(K):
            mu, alpha = theta[c, k], theta[p + c, k]
            base = alpha if alpha >= _LARGE else alpha + 10.0
            q = math.log1p(mu / alpha)
            scratch[at + _BASE, k] = base
            scratch[at + _SLOPE, k] = math.log(mu) - q - 1.0 + math.log(base / alpha)
            scratch[at + _OFFSET, k] = -alpha * q - _stirling_error(1.0 / base)
            for i in range(_SIZE, _N):
                scratch[at + i, k] = 0.0


@kernel
def _add_large(y: Any, n: int, base: float, slope: float, offset: float, row: Any) -> None:
    prefer_wide_vectors()
    inverse, power = 1.0 / base, base - 0.5
    for j in range(n):
        logs, share = log1p_and_inverse(y[j] * inverse)
        value = (y[j] + power) * logs + _stirling_error(share * inverse) + (slope * y[j] + offset)
        row[j] += choose(y[j] == y[j], value, 0.0)


@kernel
def _add_small(y: Any, n: int, alpha: float, base: float, slope: float, offset: float, row: Any) -> None:
    prefer_wide_vectors()
    inverse, power, unit = 1.0 / base, base - 0.5, 1.0 / _ten_factors(alpha)
    for j in range(n):
        logs, share = log1p_and_inverse(y[j] * inverse)
        value = (y[j] + power) * logs + _stirling_error(share * inverse) + (slope * y[j] + offset)
        row[j] += choose(y[j] == y[j], value - log(_ten_factors(y[j] + alpha) * unit), 0.0)


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, _N * p, K)
    for k in range(K):
        if block[START] != 0:
            start_row(numbers_at(block[START], K)[k], n, tile[k])
        for c in range(p):
            y, alpha = piece(rows, c, at, n), theta[p + c, k]
            base, slope, offset = scratch[_N * c, k], scratch[_N * c + _SLOPE, k], scratch[_N * c + _OFFSET, k]
            if alpha >= _LARGE:
                _add_large(y, n, base, slope, offset, tile[k])
            else:
                _add_small(y, n, alpha, base, slope, offset, tile[k])


@kernel
def _sums_large(y: Any, n: int, base: float, r: Any) -> tuple[float, float, float]:
    prefer_wide_vectors()
    inverse = 1.0 / base
    least = _log_minus_digamma(inverse)
    size, counts, ratios = 0.0, 0.0, 0.0
    for j in range(n):
        here = choose(y[j] == y[j], r[j], 0.0)
        count = choose(y[j] == y[j], y[j], 0.0)
        s = count * inverse
        logs, share = log1p_and_inverse(s)
        size += here
        counts += here * count
        ratios += here * ((logs - s) + (least - _log_minus_digamma(share * inverse)))
    return size, counts, ratios


@kernel
def _sums_small(y: Any, n: int, alpha: float, base: float, r: Any) -> tuple[float, float, float]:
    prefer_wide_vectors()
    inverse = 1.0 / base
    least = _log_minus_digamma(inverse) + _ten_reciprocals(alpha)
    size, counts, ratios = 0.0, 0.0, 0.0
    for j in range(n):
        here = choose(y[j] == y[j], r[j], 0.0)
        count = choose(y[j] == y[j], y[j], 0.0)
        s = count * inverse
        logs, share = log1p_and_inverse(s)
        size += here
        counts += here * count
        more = _log_minus_digamma(share * inverse) + _ten_reciprocals(count + alpha)
        ratios += here * ((logs - s) + (least - more))
    return size, counts, ratios


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    rows, theta, p = rows_of(block), theta_of(block, K), block[COLUMNS]
    scratch = scratch_of(block, _N * p, K)
    for k in range(K):
        for c in range(p):
            i, y, alpha = _N * c, piece(rows, c, at, n), theta[p + c, k]
            if alpha >= _LARGE:
                size, counts, ratios = _sums_large(y, n, scratch[i, k], tile[k])
            else:
                size, counts, ratios = _sums_small(y, n, alpha, scratch[i, k], tile[k])
            scratch[i + _SIZE, k] += size
            scratch[i + _COUNTS, k] += counts
            scratch[i + _RATIOS, k] += ratios


@kernel
def _finish(block: Any, K: int) -> None:
    p, theta, gradient = block[COLUMNS], theta_of(block, K), gradient_of(block, K)
    scratch = scratch_of(block, _N * p, K)
    for c in range(p):
        i = _N * c
        for k in range(K):
            mu, alpha, base = theta[c, k], theta[p + c, k], scratch[i, k]
            size, counts, share = scratch[i + _SIZE, k], scratch[i + _COUNTS, k], mu / (mu + alpha)
            ratios = scratch[i + _RATIOS, k] - counts * ((base - alpha) / (alpha * base))
            gradient[c, k] = (counts / mu - size) * (alpha / (mu + alpha))
            gradient[p + c, k] = ratios + size * (share - math.log1p(mu / alpha)) + counts * (share / alpha)


@cache
def negative_binomial() -> Any:
    """Return the kernel of negative binomial columns: parameters mu, alpha; one feature, y."""
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


KINDS = {"negative_binomial": ColumnKind(negative_binomial, 1, _encode, _scratch)}
