"""Categorical columns: the log probability of a cell is looked up by its code 0, 1, …, C - 1.

The parameters are the *logarithms* of the probabilities, shape (C, 1, K), so nothing is computed from them, and the
derivative by the log probability of a category is the sum of r over the rows of that category. One column per block;
``OPTION`` is the number of categories C.
"""

from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray

from bayesmix.engine._jit import COLUMN_KERNEL, c_entry, integers_at, kernel, source_digest
from bayesmix.engine.columns._interface import (
    ADD,
    FINISH,
    MISSING,
    N_FIELDS,
    OPTION,
    PREPARE,
    SCRATCH,
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
from bayesmix.engine.columns.dot import start_row
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = ["KINDS", "categorical"]

# Up to here one vectorised pass per category is faster than adding up row by row.
_FEW = 12


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    return cells.T.copy(), np.zeros(len(cells))


@kernel
def _tables(block: Any, K: int) -> Any:
    """Return the scratch space, shape (2 K, categories): every component's log probabilities, then its sums."""
    return plane_at(block[SCRATCH], 2 * K, block[OPTION])


@kernel
def _prepare(block: Any, K: int) -> None:
    tables, theta = _tables(block, K), theta_of(block, K)
    for k in range(K):
        for code in range(block[OPTION]):
            tables[k, code] = theta[code, k]
            tables[K + k, code] = 0.0


@kernel
def _look_up(codes: Any, n: int, table: Any, row: Any) -> None:
    prefer_wide_vectors()
    for j in range(n):
        row[j] += table[np.uint64(int(codes[j]))]  # unsigned: Numba lets other indices wrap around, at a cost


@kernel
def _look_up_some(codes: Any, n: int, table: Any, row: Any) -> None:
    for j in range(n):
        code = codes[j]
        if code == code:
            row[j] += table[np.uint64(int(code))]


@kernel
def _add(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    codes, tables = piece(rows_of(block), 0, at, n), _tables(block, K)
    for k in range(K):
        if block[START] != 0:
            start_row(numbers_at(block[START], K)[k], n, tile[k])
        if block[MISSING]:
            _look_up_some(codes, n, tables[k], tile[k])
        else:
            _look_up(codes, n, tables[k], tile[k])


@kernel
def _sum_of(code: float, codes: Any, n: int, r: Any) -> float:
    """Add up r over the rows of one category; a missing cell equals no code."""
    prefer_wide_vectors()
    total = 0.0
    for j in range(n):
        total += choose(codes[j] == code, r[j], 0.0)
    return total


@kernel
def _scatter(codes: Any, n: int, r: Any, sums: Any) -> None:
    for j in range(n):
        code = codes[j]
        if code == code:
            sums[np.uint64(int(code))] += r[j]


@kernel
def _statistics(block: Any, at: int, n: int, K: int, tile: Any) -> None:
    codes, tables = piece(rows_of(block), 0, at, n), _tables(block, K)
    for k in range(K):
        sums = tables[K + k]
        if sums.size <= _FEW:
            for code in range(sums.size):
                sums[code] += _sum_of(code, codes, n, tile[k])
        else:
            _scatter(codes, n, tile[k], sums)


@kernel
def _finish(block: Any, K: int) -> None:
    gradient, tables = gradient_of(block, K), _tables(block, K)
    for code in range(block[OPTION]):
        for k in range(K):
            gradient[code, k] = tables[K + k, code]


@cache
def categorical() -> Any:
    """Return the kernel of a categorical column: parameters log p; one feature, the code."""
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


def _scratch(n_components: int, _n_columns: int, n_categories: int) -> int:
    return 2 * n_categories * n_components


KINDS = {"categorical": ColumnKind(categorical, 1, _encode, _scratch)}
