"""Cells known only to lie between two bounds: rounded, binned and censored data of the continuous families.

A cell is (lower, upper), and its log probability is that of `bayesmix.engine.cdf.interval`; equal bounds are a value
known exactly, with its log density. One kernel serves all families, told apart by the block's option. Its loops stay
scalar: such data have few distinct rows. Nothing is left to constants, and derivatives are computed anew in STATISTICS,
since keeping them would take memory for every row and component.
"""

from functools import cache, partial
from typing import Any

import numpy as np
from numba.np.numpy_support import carray

from bayesmix.engine._jit import COLUMN_KERNEL, c_entry, integers_at, kernel, source_digest
from bayesmix.engine.cdf import FAMILIES, interval, whole
from bayesmix.engine.columns._interface import (
    ADD,
    COLUMNS,
    FINISH,
    N_FIELDS,
    N_SLOTS,
    OPTION,
    PREPARE,
    START,
    STATISTICS,
    ColumnKind,
    Doubles,
    gradient_of,
    numbers_at,
    plane_at,
    rows_of,
    scratch_of,
    theta_of,
)

__all__ = ["KINDS", "probability"]

_MOST_PARAMETERS = 3
# Rows of the scratch space per column: four numbers of the whole range, then the sums of the derivatives.
_PER_COLUMN = 4 + _MOST_PARAMETERS


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    return cells.T.copy(), np.zeros(len(cells))


@kernel
def _parameters(block: Any, theta: Any, c: int, k: int, K: int) -> tuple[float, float, float]:
    """Return column c's parameters in component k; those the family does not have are 0."""
    p = block[COLUMNS]
    size = block[N_SLOTS] // (K * p)
    return theta[c, k], theta[p + c, k] if size > 1 else 0.0, theta[2 * p + c, k] if size > 2 else 0.0


@kernel
def _prepare(block: Any, K: int) -> None:
    theta, scratch = theta_of(block, K), scratch_of(block, _PER_COLUMN * block[COLUMNS], K)
    for column in range(block[COLUMNS]):
        at = _PER_COLUMN * column
        for k in range(K):
            a, b, c = _parameters(block, theta, column, k, K)
            scratch[at, k], scratch[at + 1, k], scratch[at + 2, k], scratch[at + 3, k] = whole(block[OPTION], a, b, c)
            scratch[at + 4, k] = scratch[at + 5, k] = scratch[at + 6, k] = 0.0


@kernel
def _each(block: Any, at: int, n: int, K: int, tile: Any, differentiate: bool) -> None:
    """Add log probabilities to the tile, or, where it holds responsibilities, add up the derivatives."""
    rows, theta = rows_of(block), theta_of(block, K)
    scratch = scratch_of(block, _PER_COLUMN * block[COLUMNS], K)
    for column in range(block[COLUMNS]):
        i, lower, upper = _PER_COLUMN * column, rows[2 * column], rows[2 * column + 1]
        for k in range(K):
            a, b, c = _parameters(block, theta, column, k, K)
            over_all = (scratch[i, k], scratch[i + 1, k], scratch[i + 2, k], scratch[i + 3, k])
            for j in range(n):
                low, r = lower[at + j], tile[k, j]
                # Missing, or of no weight: where the probability is 0 the derivative may not be a number.
                if low != low or (differentiate and r == 0.0):
                    continue
                value, da, db, dc = interval(block[OPTION], low, upper[at + j], a, b, c, over_all)
                if differentiate:
                    scratch[i + 4, k] += r * da
                    scratch[i + 5, k] += r * db
                    scratch[i + 6, k] += r * dc
                else:
                    tile[k, j] += value


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    if block[START] != 0:
        start = numbers_at(block[START], K)
        for k in range(K):
            tile[k, :n] = start[k]
    _each(block, at, n, K, tile, False)


@kernel
def _finish(block: Any, K: int) -> None:
    p, gradient = block[COLUMNS], gradient_of(block, K)
    scratch = scratch_of(block, _PER_COLUMN * p, K)
    for parameter in range(block[N_SLOTS] // (K * p)):
        for column in range(p):
            for k in range(K):
                gradient[parameter * p + column, k] = scratch[_PER_COLUMN * column + 4 + parameter, k]


@cache
def probability() -> Any:
    """Return the kernel of interval columns of the family whose position in `FAMILIES` is the block's option."""
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
            _each(block, at, n, K, plane_at(tile_at, K, stride), True)
        elif task == FINISH:
            _finish(block, K)
        return 0

    return c_entry(COLUMN_KERNEL, column)


def _scratch(n_components: int, n_columns: int, _option: int) -> int:
    return _PER_COLUMN * n_columns * n_components


_kind = partial(ColumnKind, probability, 2, _encode, _scratch)
KINDS = {f"{name}_interval": _kind(option=code) for code, name in enumerate(FAMILIES)}
