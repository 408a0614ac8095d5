"""Normal columns with correlations: the kernel "cholesky".

Per component, with correlation matrix ``R = L L'`` and residuals ``d = y - mu``, let ``z = V d`` where
``V = L**-1 diag(1 / sigma)``. The log density is ``sum log V[a, a] - |z|**2 / 2``. With ``N = sum r``,
``S1 = sum r d``, ``S2 = sum r d d'``, the precision ``P = V'V`` and ``Q = P S2 - N I``, the derivatives are (from
``d log|R| = tr(R**-1 dR)`` and ``dR**-1 = -R**-1 dR R**-1``; both halves of R move with a correlation)

    mu: ``P S1`` | sigma_i: ``Q[i, i] / sigma_i`` | correlation of i and j: ``sigma_i sigma_j (Q P)[i, j]``.

Sums of d instead of z save the product with V for every row. They cost accuracy in proportion to R's condition number,
which is what the derivatives lose anyway, the correlations being rounded.

A correlation matrix that is not positive definite makes the square root of a pivot, and with it the component's log
densities and derivatives, NaN.

The log density of a row with missing cells is that of the others, whose correlation matrix is a part of R: one factor
for each pattern of missing cells. Only one is kept, that of the pattern met last, and so are the sums: a change of
pattern turns them into derivatives. Rows ordered by pattern, as they should be, pay for it once or twice per pattern.
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
    ROWS,
    SCRATCH,
    SIZES,
    START,
    STATISTICS,
    STRIDE,
    ColumnKind,
    Doubles,
    gradient_of,
    numbers_at,
    plane_at,
    theta_of,
)
from bayesmix.engine.columns._mv_normal_loops import GROUP, add_corner, cross, project, sum_corner
from bayesmix.engine.softmax import BLOCK, PADDING

__all__ = ["KINDS", "cholesky"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_STRIDE = BLOCK + PADDING

# The scratch space in doubles: partial sums (GROUP rows), precision and product (p x p each), means (p), addresses (p),
# the state, then for each component constant, size, first sums (p), factor (p x p), second sums (p x p).
# The state is integers: pattern and number of columns of the factors; pattern and number of columns of the sums, and a
# row with that pattern; the columns of the factors and those of the sums (p each).
_HELD, _HELD_SIZE, _SUMMED, _SUMMED_SIZE, _SUMMED_ROW, _N_STATE = range(6)
_NONE = -1


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    present = np.isfinite(cells[:, 0])
    return cells.T.copy(), np.where(present, -_HALF_LOG_TWO_PI, 0.0)


@kernel
def _work_of(block: Any) -> tuple[Any, Any, Any]:
    """Return the precision above the product, the means, the addresses of columns."""
    p, at = block[COLUMNS], block[SCRATCH] + 8 * GROUP * _STRIDE
    means = at + 16 * p * p
    return plane_at(at, 2 * p, p), numbers_at(means, p), carray(integers_at(means + 8 * p), (p,))


@kernel
def _point(block: Any, row: int, columns: Any, q: int, lines: Any) -> None:
    """Write the addresses where the columns begin at a row."""
    for a in range(q):
        lines[a] = block[ROWS] + 8 * (columns[a] * block[STRIDE] + row)


@kernel
def _state_of(block: Any) -> tuple[Any, Any, Any]:
    """Return the state and its two lists of columns."""
    p = block[COLUMNS]
    at = block[SCRATCH] + 8 * (GROUP * _STRIDE + 2 * p * p + 2 * p)
    held = at + 8 * _N_STATE
    return (
        carray(integers_at(at), (_N_STATE,)),
        carray(integers_at(held), (p,)),
        carray(integers_at(held + 8 * p), (p,)),
    )


@kernel
def _component_of(block: Any, k: int) -> tuple[Any, Any, Any, Any]:
    """Return constant and size, first sums, factor, second sums."""
    p = block[COLUMNS]
    shared = GROUP * _STRIDE + 2 * p * p + 2 * p + _N_STATE + 2 * p
    at = block[SCRATCH] + 8 * (shared + k * (2 + p + 2 * p * p))
    factor = at + 8 * (2 + p)
    return numbers_at(at, 2), numbers_at(at + 16, p), plane_at(factor, p, p), plane_at(factor + 8 * p * p, p, p)


@kernel
def _rows_and_patterns(block: Any) -> Any:
    """Return the columns and, behind them, where cells are missing, the number of every row's pattern."""
    p = block[COLUMNS]
    return plane_at(block[ROWS], p + 1 if block[MISSING] else p, block[STRIDE])


@kernel
def _pattern(rows: Any, p: int, row: int) -> int:
    return int(rows[p, row]) if rows.shape[0] > p else 0


@kernel
def _run_end(rows: Any, p: int, row: int, stop: int) -> int:
    """Return where the run of rows with the pattern of `row` ends."""
    if rows.shape[0] == p:
        return stop
    end = row + 1
    while end < stop and rows[p, end] == rows[p, row]:
        end += 1
    return end


@kernel
def _present(rows: Any, p: int, row: int, columns: Any) -> int:
    """List the columns present in a row; return how many they are."""
    q = 0
    for c in range(p):
        if not math.isnan(rows[c, row]):
            columns[q] = c
            q += 1
    return q


@kernel
def _factorise(theta: Any, k: int, p: int, columns: Any, q: int, factor: Any) -> float:
    """Write V of the listed columns; return the sum of the logarithms of its diagonal."""
    constant = 0.0
    for a in range(q):
        i = columns[a]
        for b in range(a + 1):
            value = 1.0 if b == a else theta[2 * p + i * (i - 1) // 2 + columns[b], k]
            for c in range(b):
                value -= factor[a, c] * factor[b, c]
            # The diagonal holds reciprocals, of which both the rest of L and its inverse are made.
            factor[a, b] = 1.0 / math.sqrt(value) if b == a else value * factor[b, b]
        constant += math.log(factor[a, a] / theta[p + i, k])
    for a in range(q):
        for b in range(a):
            value = 0.0
            for c in range(b, a):
                value += factor[a, c] * factor[c, b]
            factor[a, b] = -value * factor[a, a]
    for a in range(q):
        for b in range(a + 1):
            factor[a, b] /= theta[p + columns[b], k]
    return constant


@kernel
def _hold(block: Any, K: int, rows: Any, row: int) -> None:
    """Make the factors those of the pattern of `row`."""
    p, theta = block[COLUMNS], theta_of(block, K)
    state, columns, _ = _state_of(block)
    pattern = _pattern(rows, p, row)
    if state[_HELD] != pattern:
        state[_HELD], state[_HELD_SIZE] = pattern, _present(rows, p, row, columns)
        for k in range(K):
            numbers, _, factor, _ = _component_of(block, k)
            numbers[0] = _factorise(theta, k, p, columns, state[_HELD_SIZE], factor)


@kernel
def _prepare(block: Any, K: int) -> None:
    gradient = gradient_of(block, K)
    for i in range(gradient.shape[0]):
        for k in range(K):
            gradient[i, k] = 0.0
    state, _, _ = _state_of(block)
    state[_HELD] = state[_SUMMED] = _NONE


@kernel
def _add_run(block: Any, row: int, n: int, K: int, tile_at: int, stride: int) -> None:
    """Add the log densities of `n` rows of one pattern, from `row` on, to the tile."""
    fresh = block[START] != 0
    start = numbers_at(block[START] if fresh else block[SIZES], K)
    theta, (_, mu, lines), (state, columns, _) = theta_of(block, K), _work_of(block), _state_of(block)
    q, partial = state[_HELD_SIZE], block[SCRATCH]
    _point(block, row, columns, q, lines)
    for k in range(K):
        numbers, _, factor, _ = _component_of(block, k)
        out = numbers_at(tile_at + 8 * k * stride, n)
        for a in range(q):
            mu[a] = theta[columns[a], k]
        offset = numbers[0] + (start[k] if fresh else 0.0)
        if fresh and q == 0:
            for j in range(n):
                out[j] = offset
        for a in range(0, q, GROUP):
            for b in range(0, a, GROUP):
                project(lines, b, a, min(GROUP, q - a), mu, factor, plane_at(partial, GROUP, _STRIDE), n)
            add_corner(lines, a, q, mu, factor, plane_at(partial, GROUP, _STRIDE), offset, out, fresh and a == 0)
            offset = 0.0


@kernel
def _add(block: Any, at: int, n: int, K: int, tile_at: int, stride: int) -> None:
    rows, p, row = _rows_and_patterns(block), block[COLUMNS], at
    while row < at + n:
        end = _run_end(rows, p, row, at + n)
        _hold(block, K, rows, row)
        _add_run(block, row, end - row, K, tile_at + 8 * (row - at), stride)
        row = end


@kernel
def _sum_run(block: Any, row: int, n: int, K: int, tile_at: int, stride: int) -> None:
    """Add `n` rows of one pattern, from `row` on, to the sums."""
    theta, (_, mu, lines), (state, _, columns) = theta_of(block, K), _work_of(block), _state_of(block)
    q = state[_SUMMED_SIZE]
    _point(block, row, columns, q, lines)
    for k in range(K):
        numbers, first, _, second = _component_of(block, k)
        r = numbers_at(tile_at + 8 * k * stride, n)
        for a in range(q):
            mu[a] = theta[columns[a], k]
        if block[MISSING]:
            for j in range(n):
                numbers[1] += r[j]
        for a in range(0, q, GROUP):
            for b in range(0, a, GROUP):
                cross(lines, b, a, min(GROUP, q - a), mu, r, second)
            sum_corner(lines, a, q, mu, r, first, second)


@kernel
def _open_sums(block: Any, K: int, rows: Any, row: int) -> None:
    """Set the sums to zero, for rows with the pattern of `row`."""
    p = block[COLUMNS]
    state, _, columns = _state_of(block)
    state[_SUMMED], state[_SUMMED_SIZE] = _pattern(rows, p, row), _present(rows, p, row, columns)
    state[_SUMMED_ROW] = row
    for k in range(K):
        numbers, first, _, second = _component_of(block, k)
        numbers[1] = 0.0
        for a in range(p):
            first[a] = 0.0
            for b in range(p):
                second[a, b] = 0.0


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile_at: int, stride: int) -> None:
    rows, p, row = _rows_and_patterns(block), block[COLUMNS], at
    state, _, _ = _state_of(block)
    while row < at + n:
        end = _run_end(rows, p, row, at + n)
        if state[_SUMMED] != _pattern(rows, p, row):
            _close_sums(block, K, rows)
            _open_sums(block, K, rows, row)
        _sum_run(block, row, end - row, K, tile_at + 8 * (row - at), stride)
        row = end


@kernel
def _differentiate(block: Any, K: int, k: int) -> None:
    """Add what the sums say about component k to the gradient."""
    p, theta, gradient = block[COLUMNS], theta_of(block, K), gradient_of(block, K)
    (work, _, _), (state, _, columns) = _work_of(block), _state_of(block)
    numbers, first, factor, second = _component_of(block, k)
    q = state[_SUMMED_SIZE]
    size = numbers[1] if block[MISSING] else numbers_at(block[SIZES], K)[k]
    for a in range(q):
        for b in range(a + 1):
            second[b, a] = second[a, b]
            value = 0.0
            for c in range(a, q):
                value += factor[c, a] * factor[c, b]
            work[a, b] = work[b, a] = value
    for a in range(q):
        for b in range(q):
            value = -size if a == b else 0.0
            for c in range(q):
                value += work[a, c] * second[c, b]
            work[p + a, b] = value
    for a in range(q):
        i, value = columns[a], 0.0
        for b in range(q):
            value += work[a, b] * first[b]
        gradient[i, k] += value
        gradient[p + i, k] += work[p + a, a] / theta[p + i, k]
        for b in range(a):
            value = 0.0
            for c in range(q):
                value += work[p + a, c] * work[c, b]
            pair = 2 * p + i * (i - 1) // 2 + columns[b]
            gradient[pair, k] += value * theta[p + i, k] * theta[p + columns[b], k]


@kernel
def _close_sums(block: Any, K: int, rows: Any) -> None:
    """Turn the sums, if there are any, into derivatives."""
    state, _, _ = _state_of(block)
    if state[_SUMMED] != _NONE:
        _hold(block, K, rows, state[_SUMMED_ROW])
        for k in range(K):
            _differentiate(block, K, k)


@cache
def cholesky() -> Any:
    """Return the kernel of correlated normal columns: parameters mu, sigma, correlations; one feature, y."""
    digest = source_digest()

    def column(task: int, n: int, K: int, at: int, block_at: int, tile_at: int, stride: int) -> int:
        if digest == 0:  # never: see `_jit`
            return 1
        block = carray(integers_at(block_at), (N_FIELDS,))
        if task == PREPARE:
            _prepare(block, K)
        elif task == ADD:
            _add(block, at, n, K, tile_at, stride)
        elif task == STATISTICS:
            _statistics(block, at, n, K, tile_at, stride)
        elif task == FINISH:
            _close_sums(block, K, _rows_and_patterns(block))
        return 0

    return c_entry(COLUMN_KERNEL, column)


def _scratch(n_components: int, n_columns: int, _option: int) -> int:
    p = n_columns
    return GROUP * _STRIDE + 2 * p * p + 2 * p + _N_STATE + 2 * p + n_components * (2 + p + 2 * p * p)


KINDS = {"mv_normal": ColumnKind(cholesky, 1, _encode, _scratch, by_pattern=True)}
