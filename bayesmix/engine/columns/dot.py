"""What exponential-family columns share: the log density of a cell is ``offset + eta_1 T_1(y) [+ eta_2 T_2(y)]``.

The features T are stored, one or two per cell, so that a row costs one multiplication per feature and no function of
the data is evaluated twice. The natural parameters eta and the offset depend on the parameters alone; a family's
module computes them (`PREPARE`) and turns the sums of ``r T`` and ``r`` into derivatives (`FINISH`). The sums of the
form are rounded to about ``2e-16 (|offset| + |eta_1 T_1| + |eta_2 T_2|)``: each family says what that amounts to, and
a family for which it is too much has loops of its own.

A kernel's scratch space has shape (columns, `N_TERMS`, components).
"""

from typing import Any

from numba.np.numpy_support import carray

from bayesmix.engine._jit import doubles_at, kernel
from bayesmix.engine.columns._interface import (
    COLUMNS,
    FEATURES,
    MISSING,
    SCRATCH,
    SIZES,
    START,
    numbers_at,
    piece,
    rows_of,
)
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = [
    "ETA_1",
    "ETA_2",
    "OFFSET",
    "SIZE",
    "SUM_1",
    "SUM_2",
    "add_terms",
    "fresh_terms",
    "size_of",
    "start_row",
    "sum_terms",
    "terms_of",
    "terms_scratch",
]

#: Rows of a column's scratch space. SIZE is the sum of r over present cells, kept only where cells are missing.
OFFSET, ETA_1, ETA_2, SIZE, SUM_1, SUM_2 = range(6)
N_TERMS = 6


def terms_scratch(n_components: int, n_columns: int, _option: int) -> int:
    """Return the size of the scratch space, as `ColumnKind` wants it."""
    return N_TERMS * n_columns * n_components


@kernel
def terms_of(block: Any, K: int) -> Any:
    """Return the scratch space, shape (columns, N_TERMS, components)."""
    return carray(doubles_at(block[SCRATCH]), (block[COLUMNS], N_TERMS, K))


@kernel
def fresh_terms(block: Any, K: int) -> Any:
    """Return the scratch space set to zero."""
    terms = terms_of(block, K)
    for c in range(terms.shape[0]):
        for i in range(N_TERMS):
            for k in range(K):
                terms[c, i, k] = 0.0
    return terms


@kernel
def size_of(block: Any, terms: Any, sizes: Any, c: int, k: int) -> float:
    """Return the sum of r over the present cells of a column, `sizes` being the sums over all rows."""
    size: float = terms[c, SIZE, k] if block[MISSING] else sizes[k]
    return size


@kernel
def start_row(value: float, n: int, row: Any) -> None:
    """Set a row of the tile to one number."""
    for j in range(n):
        row[j] = value


@kernel
def _one(first: Any, n: int, e: float, offset: float, fresh: bool, row: Any) -> None:
    prefer_wide_vectors()
    if fresh:
        for j in range(n):
            row[j] = offset + e * first[j]
    else:
        for j in range(n):
            row[j] += offset + e * first[j]


@kernel
def _two(first: Any, second: Any, n: int, e: float, f: float, offset: float, fresh: bool, row: Any) -> None:
    """Add two features, of one column or of two, so that the tile is read and written once for both."""
    prefer_wide_vectors()
    if fresh:
        for j in range(n):
            row[j] = offset + e * first[j] + f * second[j]
    else:
        for j in range(n):
            row[j] += offset + e * first[j] + f * second[j]


@kernel
def _some(first: Any, second: Any, n: int, e: float, f: float, offset: float, row: Any) -> None:
    """Add a column with missing cells, which are NaN: they alone differ from themselves."""
    prefer_wide_vectors()
    for j in range(n):
        t, u = first[j], second[j]
        row[j] += choose(t == t, offset + e * t + f * u, 0.0)


@kernel
def add_terms(block: Any, at: int, n: int, K: int, tile: Any, m: int) -> None:
    """Do the task ADD for columns of `m` (1 or 2) features each; features behind those are not read."""
    rows, terms, p, width = rows_of(block), terms_of(block, K), block[COLUMNS], block[FEATURES]
    fresh = block[START] != 0
    start = numbers_at(block[START] if fresh else block[SIZES], K)
    for k in range(K):
        row = tile[k]
        if block[MISSING]:
            if fresh:
                start_row(start[k], n, row)
            for c in range(p):
                # With one feature the second is the first again, and its eta is zero.
                e, f, offset = terms[c, ETA_1, k], terms[c, ETA_2, k], terms[c, OFFSET, k]
                _some(piece(rows, c * width, at, n), piece(rows, c * width + m - 1, at, n), n, e, f, offset, row)
            continue
        offset, i, pure = start[k] if fresh else 0.0, 0, fresh
        for c in range(p):
            offset += terms[c, OFFSET, k]
        if p * m % 2 == 1:
            _one(piece(rows, 0, at, n), n, terms[0, ETA_1, k], offset, pure, row)
            offset, i, pure = 0.0, 1, False
        while i < p * m:
            c, d, second = i // m, (i + 1) // m, (i + 1) % m
            e, f = terms[c, ETA_1, k], terms[d, ETA_1 + second, k]
            _two(piece(rows, c * width, at, n), piece(rows, d * width + second, at, n), n, e, f, offset, pure, row)
            offset, i, pure = 0.0, i + 2, False


@kernel
def _sum(first: Any, n: int, r: Any) -> float:
    prefer_wide_vectors()
    total = 0.0
    for j in range(n):
        total += r[j] * first[j]
    return total


@kernel
def _two_sums(first: Any, second: Any, n: int, r: Any) -> tuple[float, float]:
    prefer_wide_vectors()
    total, other = 0.0, 0.0
    for j in range(n):
        total += r[j] * first[j]
        other += r[j] * second[j]
    return total, other


@kernel
def _some_sums(first: Any, second: Any, n: int, r: Any) -> tuple[float, float, float]:
    prefer_wide_vectors()
    total, other, size = 0.0, 0.0, 0.0
    for j in range(n):
        t, u = first[j], second[j]
        size += choose(t == t, r[j], 0.0)
        total += choose(t == t, r[j] * t, 0.0)
        other += choose(t == t, r[j] * u, 0.0)
    return total, other, size


@kernel
def sum_terms(block: Any, at: int, n: int, K: int, tile: Any, m: int) -> None:
    """Do the task STATISTICS for columns of `m` (1 or 2) features each."""
    rows, terms, p, width = rows_of(block), terms_of(block, K), block[COLUMNS], block[FEATURES]
    for k in range(K):
        r = tile[k]
        if block[MISSING]:
            for c in range(p):
                first, last = piece(rows, c * width, at, n), piece(rows, c * width + m - 1, at, n)
                total, other, size = _some_sums(first, last, n, r)
                terms[c, SUM_1, k] += total
                terms[c, SUM_2, k] += other
                terms[c, SIZE, k] += size
            continue
        i = 0
        if p * m % 2 == 1:
            terms[0, SUM_1, k] += _sum(piece(rows, 0, at, n), n, r)
            i = 1
        while i < p * m:
            c, d, second = i // m, (i + 1) // m, (i + 1) % m
            total, other = _two_sums(piece(rows, c * width, at, n), piece(rows, d * width + second, at, n), n, r)
            terms[c, SUM_1, k] += total
            terms[d, SUM_1 + second, k] += other
            i += 2
