"""Assembly: the log posterior density with its gradient, and the map from sampled vector to variables.

Both are C functions of one signature each, so that nutpie calls them by address and Python through `ctypes`: the
machine code is the same and is compiled once. Everything that differs between problems arrives at run time in one
array of integers (sizes and the addresses of the other arrays), whose fields are named below.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from bayesmix.engine._jit import c_entry, doubles_at, integers_at, kernel, source_digest, types
from bayesmix.engine.rows import open_rows, row_pass, workspace
from bayesmix.engine.variables import N_VARIABLE_FIELDS, chain_rule, log_weights, place, simplex_gradient

__all__ = [
    "HEADER",
    "N_OUTPUT_FIELDS",
    "OUTPUTS",
    "Doubles",
    "Integers",
    "expand_function",
    "log_density",
    "logp_function",
]

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

#: nutpie's (and nutpie's own PyMC bridge's) codes; a positive code makes the step a divergence, not an error.
BAD_GRADIENT, BAD_VALUE = 3, 4

#: Fields of the array of integers: components with parameters, components in all, values, sampled numbers, variables,
#: outputs, and addresses of: the rows' header, the doubles (constant, Dirichlet concentrations, first and second
#: hyper-parameters, centres), the prior kinds, the variables' records, the outputs' records, the values components are
#: sorted by (0 for no sorting).
HEADER = (
    "K",
    "M",
    "V",
    "X",
    "n_variables",
    "n_outputs",
    "rows",
    "doubles",
    "kinds",
    "variables",
    "outputs",
    "key",
)
_K, _M, _V, _X, _VARIABLES, _OUTPUTS, _ROWS, _DOUBLES, _KINDS, _TABLE, _PLAN, _KEY = range(12)

#: What an output is copied from: the weights, the values, or the sampled numbers.
OUTPUTS = {"weights": 0, "values": 1, "log_values": 2, "logistic": 3, "squares": 4, "sampled": 5}
#: Fields of an output's record: source, first position there, rows, numbers per row, whether rows follow the sort.
N_OUTPUT_FIELDS = 5


@kernel
def log_density(x: Any, gradient: Any, user: Any) -> float:
    """Return the log posterior density with all constants at `x` and write its gradient."""
    M, V = user[_M], user[_V]
    header = open_rows(user[_ROWS])
    doubles = carray(doubles_at(user[_DOUBLES]), (1 + M + 3 * V,))
    alpha, first, second = doubles[1:], doubles[1 + M :], doubles[1 + M + V :]
    kinds = carray(integers_at(user[_KINDS]), (V,))
    table = carray(integers_at(user[_TABLE]), (user[_VARIABLES], N_VARIABLE_FIELDS))
    tile, rest, records, at = workspace(header, 3 * V)
    weights = rest[:M]
    start = at - (3 * V + 7) // 8 * 8
    values, slopes, derivative = rest[start:], rest[start + V :], rest[start + 2 * V : start + 3 * V]
    log_weights(x, M, weights)
    lp: float = doubles[0]
    if M > 1:
        for k in range(M):
            lp += alpha[k] * weights[k]
    lp += place(x, table, kinds, first, second, values, slopes, gradient)
    lp += row_pass(header, records, tile, rest, values, derivative)
    sizes = rest[(M + 7) // 8 * 8 :]
    simplex_gradient(weights, sizes, alpha, M, gradient)
    chain_rule(x, table, first, second, values, slopes, derivative, gradient)
    return lp


@kernel
def _sorted_order(values: Any, key: Any, K: int, M: int) -> Any:
    order = np.arange(M)
    for i in range(1, K):  # insertion sort: K is small, and it is stable
        k = i
        while k > 0 and values[key[order[k - 1]]] > values[key[order[k]]]:
            order[k - 1], order[k] = order[k], order[k - 1]
            k -= 1
    return order


@kernel
def _expand(x: Any, out: Any, user: Any) -> None:
    """Write the variables and the free ones behind them, all in the order of the sorted draw."""
    K, M, V = user[_K], user[_M], user[_V]
    doubles = carray(doubles_at(user[_DOUBLES]), (1 + M + 3 * V,))
    first, second, centres = doubles[1 + M :], doubles[1 + M + V :], doubles[1 + M + 2 * V :]
    kinds = carray(integers_at(user[_KINDS]), (V,))
    table = carray(integers_at(user[_TABLE]), (user[_VARIABLES], N_VARIABLE_FIELDS))
    values, slopes, weights, unused = np.empty(V), np.empty(V), np.empty(M), np.empty(x.size)
    log_weights(x, M, weights)
    place(x, table, kinds, first, second, values, slopes, unused)
    order = np.arange(M)
    if user[_KEY] != 0:
        order = _sorted_order(values, carray(integers_at(user[_KEY]), (K,)), K, M)
    plan = carray(integers_at(user[_PLAN]), (user[_OUTPUTS], N_OUTPUT_FIELDS))
    at = 0
    for t in range(plan.shape[0]):
        source, begin, size = plan[t, 0], plan[t, 1], plan[t, 3]
        for r in range(plan[t, 2]):
            row = begin + (order[r] if plan[t, 4] else r) * size
            for i in range(size):
                if source == 0:
                    out[at] = math.exp(weights[row + i])
                elif source == 1:
                    out[at] = values[row + i] + centres[row + i]
                elif source == 2:
                    out[at] = math.exp(values[row + i])
                elif source == 3:
                    out[at] = 1.0 / (1.0 + math.exp(-x[row + i]))
                elif source == 4:
                    out[at] = values[row + i] * values[row + i]
                else:
                    out[at] = x[row + i]
                at += 1


_double_p, _int_p = types.CPointer(types.float64), types.CPointer(types.int64)


@cache
def logp_function() -> Any:
    """Return the compiled C function ``int logp(dim, x, gradient, value, problem)``, built on first use."""
    digest = source_digest()

    def logp(dim: Any, x_p: Any, gradient_p: Any, value_p: Any, user_p: Any) -> Any:
        if digest == 0:  # never: makes the digest a closure value and so a part of the cache key
            return -1
        gradient, out = carray(gradient_p, (dim,)), carray(value_p, (1,))
        value = log_density(carray(x_p, (dim,)), gradient, carray(user_p, (12,)))
        out[0] = value
        if not math.isfinite(value):
            return BAD_VALUE
        for i in range(gradient.size):
            if not math.isfinite(gradient[i]):
                return BAD_GRADIENT
        return 0

    return c_entry(types.intc(types.uint64, _double_p, _double_p, _double_p, _int_p), logp)


@cache
def expand_function() -> Any:
    """Return the compiled C function ``int expand(dim, n_out, x, out, problem)``; compiled on first use.

    It always returns 0: nutpie aborts the process on any other code.
    """
    digest = source_digest()

    def expand_all(dim: Any, n_out: Any, x_p: Any, out_p: Any, user_p: Any) -> Any:
        if digest == 0:
            return -1
        _expand(carray(x_p, (dim,)), carray(out_p, (n_out,)), carray(user_p, (12,)))
        return 0

    return c_entry(types.intc(types.uint64, types.uint64, _double_p, _double_p, _int_p), expand_all)
