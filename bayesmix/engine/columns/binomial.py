"""Binomial and Bernoulli columns: ``y log p + (n - y) log(1 - p)``.

A cell of a binomial column is the successes y and the trials n, and the log of n over y is among the constants; a
Bernoulli cell is a binomial one with n = 1. The derivative by p is ``y / p - (n - y) / (1 - p)``. Rounding costs about
``2e-16 n`` per row: 2e-10 at a million trials, where the constant loses 3e-9, in SciPy as well.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray
from scipy.special import gammaln

from bayesmix.engine._jit import COLUMN_KERNEL, c_entry, integers_at, kernel, source_digest
from bayesmix.engine.columns._interface import (
    ADD,
    COLUMNS,
    FINISH,
    N_FIELDS,
    PREPARE,
    STATISTICS,
    ColumnKind,
    Doubles,
    gradient_of,
    plane_at,
    theta_of,
)
from bayesmix.engine.columns.dot import (
    ETA_1,
    ETA_2,
    SUM_1,
    SUM_2,
    add_terms,
    fresh_terms,
    sum_terms,
    terms_of,
    terms_scratch,
)
from bayesmix.engine.vector_math import larger

__all__ = ["KINDS", "successes"]


# In place of log 0, so that an outcome of probability 1 has log probability 0 also where p has rounded to 0 or 1.
_LOG_ZERO = -1e300


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    y, n = cells[:, 0], cells[:, 1]
    constants = gammaln(n + 1.0) - gammaln(y + 1.0) - gammaln(n - y + 1.0)
    return np.stack([y, n - y]), np.where(np.isnan(y), 0.0, constants)


def _encode_bernoulli(cells: Doubles) -> tuple[Doubles, Doubles]:
    y = cells[:, 0]
    return np.stack([y, 1.0 - y]), np.zeros(y.size)


@kernel
def _prepare(block: Any, K: int) -> None:
    theta, terms = theta_of(block, K), fresh_terms(block, K)
    for c in range(block[COLUMNS]):
        for k in range(K):
            terms[c, ETA_1, k] = larger(math.log(theta[c, k]), _LOG_ZERO)
            terms[c, ETA_2, k] = larger(math.log1p(-theta[c, k]), _LOG_ZERO)


@kernel
def _finish(block: Any, K: int) -> None:
    theta, terms, gradient = theta_of(block, K), terms_of(block, K), gradient_of(block, K)
    for c in range(block[COLUMNS]):
        for k in range(K):
            p = theta[c, k]
            gradient[c, k] = terms[c, SUM_1, k] / p - terms[c, SUM_2, k] / (1.0 - p)


@cache
def successes() -> Any:
    """Return the kernel of binomial and Bernoulli columns: parameter p; features y, n - y."""
    digest = source_digest()

    def column(task: int, n: int, K: int, at: int, block_at: int, tile_at: int, stride: int) -> int:
        if digest == 0:  # never: see `_jit`
            return 1
        block = carray(integers_at(block_at), (N_FIELDS,))
        if task == PREPARE:
            _prepare(block, K)
        elif task == ADD:
            add_terms(block, at, n, K, plane_at(tile_at, K, stride), 2)
        elif task == STATISTICS:
            sum_terms(block, at, n, K, plane_at(tile_at, K, stride), 2)
        elif task == FINISH:
            _finish(block, K)
        return 0

    return c_entry(COLUMN_KERNEL, column)


KINDS = {
    "binomial": ColumnKind(successes, 2, _encode, terms_scratch),
    "bernoulli": ColumnKind(successes, 2, _encode_bernoulli, terms_scratch),
}
