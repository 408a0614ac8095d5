"""Known components: a row that is known to belong to a component has no density in the others.

No parameter enters. The feature is the component's number; a missing one leaves the row alone. The density elsewhere is
a huge negative number rather than -inf, so that differences of two of them are numbers.
"""

from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray

from bayesmix.engine._jit import COLUMN_KERNEL, c_entry, integers_at, kernel, source_digest
from bayesmix.engine.columns._interface import ADD, N_FIELDS, ColumnKind, Doubles, piece, plane_at, rows_of
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = ["KINDS", "known"]

_IMPOSSIBLE = -1e300


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    return cells.T.copy(), np.zeros(len(cells))


@kernel
def _exclude(codes: Any, n: int, k: int, row: Any) -> None:
    prefer_wide_vectors()
    for j in range(n):
        row[j] = choose((codes[j] >= 0.0) & (codes[j] != k), _IMPOSSIBLE, row[j])


@cache
def known() -> Any:
    """Return the kernel of known components: no parameters; one feature, the component's number."""
    digest = source_digest()

    def column(task: int, n: int, K: int, at: int, block_at: int, tile_at: int, stride: int) -> int:
        if digest == 0:  # never: see `_jit`
            return 1
        if task == ADD:
            block = carray(integers_at(block_at), (N_FIELDS,))
            tile = plane_at(tile_at, K, stride)
            codes = piece(rows_of(block), 0, at, n)
            for k in range(K):
                _exclude(codes, n, k, tile[k])
        return 0

    return c_entry(COLUMN_KERNEL, column)


def _scratch(_n_components: int, _n_columns: int, _option: int) -> int:
    return 0


KINDS = {"known": ColumnKind(known, 1, _encode, _scratch)}
