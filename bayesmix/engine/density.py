"""Assembly: the log posterior density with its gradient, and the map from sampled vector to variables.

Both are C functions of one signature each, so that nutpie calls them by address and Python through `ctypes`:
the machine code is the same and is compiled once. Everything that differs between problems arrives at run
time in one integer array (sizes, kinds and the addresses of the other arrays) and one array of doubles
(constants, priors):

====== ============================ ==========================================
index  integers                     doubles
====== ============================ ==========================================
0      K                            constant term of the log density
1      rows                         centre subtracted from the rows
2      length of sigma (K or 1)     Dirichlet concentrations (K)
3      kind of the prior of mu      prior of mu: first (K), second (K)
4      kind of the prior of sigma   prior of sigma: first (K or 1), second
5      order: 0 none, 1 mu, 2 sigma
6 to 8 addresses of rows, counts and doubles
====== ============================ ==========================================
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from bayesmix.engine import softmax, square
from bayesmix.engine._jit import c_entry, intrinsic, kernel, source_digest, types
from bayesmix.engine.priors import evaluate

__all__ = [
    "N_INTEGERS",
    "Doubles",
    "Integers",
    "expand",
    "expand_function",
    "log_density",
    "log_weights",
    "logp_function",
    "mixture_pass",
    "workspace",
]

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Length of the integer array.
N_INTEGERS = 9
#: nutpie's (and nutpie's own PyMC bridge's) codes; a positive code makes the step a divergence, not an error.
BAD_GRADIENT, BAD_VALUE = 3, 4

_BLOCK, _PADDING, _SCRATCH = softmax.BLOCK, softmax.PADDING, softmax.SCRATCH_ROWS
_PARAMETER_ROWS = 8


@intrinsic
def _pointer(_typing_context: Any, address: Any) -> Any:
    """Read an integer as a pointer to doubles."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float64)(address), codegen


@kernel
def mixture_pass(
    values: Doubles, counts: Doubles, mu: Doubles, inverse_sigma: Doubles, offset: Doubles, work: Doubles
) -> float:
    """Return the log-likelihood; leave the sums of r, r t and r t**2 in the last three rows of `work`."""
    n_components, n_rows = mu.size, values.size
    sizes = work[work.shape[0] - 3, :n_components]
    first = work[work.shape[0] - 2, :n_components]
    second = work[work.shape[0] - 1, :n_components]
    for k in range(n_components):
        sizes[k] = first[k] = second[k] = 0.0
    value = 0.0
    for start in range(0, n_rows, _BLOCK):
        stop = min(start + _BLOCK, n_rows)
        n = stop - start
        rows = values[start:stop]
        square.add_log_density(rows, n, mu, inverse_sigma, offset, True, work)
        value += softmax.normalise_block(counts[start:stop], n, n_components, work, sizes)
        square.add_statistics(rows, n, mu, inverse_sigma, work, first, second)
    return value


@kernel
def workspace(n_components: int, n_rows: int) -> Doubles:
    """Return one array for the tile and all parameter vectors: at 19 rows a second allocation would show.

    Tile rows begin at multiples of 64 bytes; where they do not, every 512-bit access touches two cache lines.
    """
    rows = n_components + _SCRATCH + _PARAMETER_ROWS
    stride = (max(min(n_rows, _BLOCK) + _PADDING, n_components) + 7) // 8 * 8
    flat = np.empty(rows * stride + 8)
    skip = (64 - flat.ctypes.data % 64) % 64 // 8
    return flat[skip : skip + rows * stride].reshape((rows, stride))


@kernel
def log_weights(x: Doubles, n_components: int, out: Doubles) -> None:
    """Write the log weights of PyMC's simplex transform: softmax of the values and minus their sum."""
    last, top = 0.0, 0.0
    for k in range(n_components - 1):
        last -= x[k]
        top = max(top, x[k])
    top = max(top, last)
    total = math.exp(last - top)
    for k in range(n_components - 1):
        total += math.exp(x[k] - top)
    shift = top + math.log(total)
    for k in range(n_components - 1):
        out[k] = x[k] - shift
    out[n_components - 1] = last - shift


@kernel
def log_density(
    x: Doubles, gradient: Doubles, ints: Integers, reals: Doubles, values: Doubles, counts: Doubles
) -> float:
    """Return the log posterior density at `x` and write its gradient."""
    K, n_sigma = ints[0], ints[2]
    work = workspace(K, values.size)
    row = K + _SCRATCH
    mu, isd, offset = work[row, :K], work[row + 1, :K], work[row + 2, :K]
    mu_slope, sigma_slope = work[row + 3, :K], work[row + 4, :K]
    log_weights(x, K, offset)
    lp: float = reals[0]
    alpha, mu_prior, sigma_prior = reals[2:], reals[2 + K :], reals[2 + 3 * K :]
    if K > 1:
        for k in range(K):
            lp += alpha[k] * offset[k]
    for k in range(K):
        mu[k], mu_slope[k], p, gradient[K - 1 + k] = evaluate(ints[3], mu_prior[k], mu_prior[K + k], x[K - 1 + k])
        lp += p
    at = 2 * K - 1
    for k in range(n_sigma):
        s, slope, p, gradient[at + k] = evaluate(ints[4], sigma_prior[k], sigma_prior[n_sigma + k], x[at + k])
        isd[k], sigma_slope[k] = 1.0 / s, slope
        lp += p
    for k in range(K):
        isd[k] = isd[k if n_sigma == K else 0]
        offset[k] += math.log(isd[k])
    lp += mixture_pass(values, counts, mu, isd, offset, work)
    sizes, first, second = work[row + 5, :K], work[row + 6, :K], work[row + 7, :K]
    total = 0.0
    for k in range(K):
        total += sizes[k] + alpha[k]
        offset[k] -= math.log(isd[k])
    for k in range(K - 1):
        here = sizes[k] + alpha[k] - total * math.exp(offset[k])
        gradient[k] = here - (sizes[K - 1] + alpha[K - 1] - total * math.exp(offset[K - 1]))
    for k in range(K):
        gradient[K - 1 + k] += first[k] * isd[k] * mu_slope[k]
        j = k if n_sigma == K else 0
        gradient[at + j] += (second[k] - sizes[k]) * isd[k] * sigma_slope[j]
    return lp


@kernel
def expand(x: Doubles, out: Doubles, ints: Integers, reals: Doubles) -> None:
    """Write w, mu, sigma and the free variables behind them, all in the order of the sorted draw."""
    K, n_sigma = ints[0], ints[2]
    mu_prior, sigma_prior = reals[2 + K :], reals[2 + 3 * K :]
    free_w, free_mu, free_sigma = np.empty(K), np.empty(K), np.empty(n_sigma)
    log_weights(x, K, free_w)
    for k in range(K):
        free_mu[k] = evaluate(ints[3], mu_prior[k], mu_prior[K + k], x[K - 1 + k])[0]
    for k in range(n_sigma):
        free_sigma[k] = evaluate(ints[4], sigma_prior[k], sigma_prior[n_sigma + k], x[2 * K - 1 + k])[0]
    order = np.arange(K)
    if ints[5] > 0 and not (ints[5] == 2 and n_sigma == 1):
        key = free_mu if ints[5] == 1 else free_sigma
        for i in range(1, K):  # insertion sort: K is small, and it is stable
            k = i
            while k > 0 and key[order[k - 1]] > key[order[k]]:
                order[k - 1], order[k] = order[k], order[k - 1]
                k -= 1
    at = 2 * K + n_sigma
    for i in range(K):
        k = order[i]
        out[i] = math.exp(free_w[k])
        out[K + i] = reals[1] + free_mu[k]
        if K > 1:
            out[at + i] = out[i]
    at += K if K > 1 else 0
    for i in range(K):
        out[at + i] = x[K - 1 + order[i]] if ints[3] <= 2 else out[K + i]
    at += K
    for i in range(n_sigma):
        k = order[i] if n_sigma == K else 0
        out[2 * K + i] = free_sigma[k]
        out[at + i] = x[2 * K - 1 + k] if ints[4] <= 2 else free_sigma[k]


@kernel
def _problem_arrays(user: Any) -> Any:
    ints = carray(user, (9,))
    K, n_rows, n_sigma = ints[0], ints[1], ints[2]
    reals = carray(_pointer(ints[8]), (2 + 3 * K + 2 * n_sigma,))
    return ints, reals, carray(_pointer(ints[6]), (n_rows,)), carray(_pointer(ints[7]), (n_rows,))


_double_p, _int_p = types.CPointer(types.float64), types.CPointer(types.int64)


@cache
def logp_function() -> Any:
    """Return the compiled C function ``int logp(dim, x, gradient, value, problem)``, built on first use."""
    digest = source_digest()

    def logp(dim: Any, x_p: Any, gradient_p: Any, value_p: Any, user: Any) -> Any:
        if digest == 0:  # never: makes the digest a closure value and so a part of the cache key
            return -1
        ints, reals, values, counts = _problem_arrays(user)
        gradient, out = carray(gradient_p, (dim,)), carray(value_p, (1,))
        value = log_density(carray(x_p, (dim,)), gradient, ints, reals, values, counts)
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

    def expand_all(dim: Any, n_out: Any, x_p: Any, out_p: Any, user: Any) -> Any:
        if digest == 0:
            return -1
        ints, reals, _values, _counts = _problem_arrays(user)
        expand(carray(x_p, (dim,)), carray(out_p, (n_out,)), ints, reals)
        return 0

    return c_entry(types.intc(types.uint64, types.uint64, _double_p, _double_p, _int_p), expand_all)
