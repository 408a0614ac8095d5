"""Row-by-row results over many posterior draws: log-likelihoods, responsibilities, densities.

One compiled pass does all of them; it never holds rows x draws x K beyond what the caller asks for, releases
the interpreter lock, and treats every row by itself, so that cutting the rows among threads changes no
number. Where the result itself is large (per draw *and* row), the caller passes a chunk of rows at a time.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmix.engine import softmax, square
from bayesmix.engine._jit import entry, kernel, source_digest, types
from bayesmix.engine.density import workspace
from bayesmix.engine.vector_math import choose, exp, larger, log, prefer_wide_vectors
from bayesmix.errors import InputError

__all__ = [
    "Density",
    "Doubles",
    "MeanResponsibility",
    "density",
    "log_likelihood",
    "responsibilities",
    "responsibility_mean",
]

Doubles = NDArray[np.float64]

_LOG_LIKELIHOOD, _RESPONSIBILITIES, _MEANS, _DENSITY = range(4)
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_BLOCK = softmax.BLOCK
#: Draws x rows x components below which starting a thread costs more than it saves.
_SMALL = 200_000


@kernel
def _add_log_odds(n: int, n_components: int, raw: Doubles, tile: Doubles, at: int, out: Doubles) -> None:
    """Add every component's log-odds against the others, which `r / (1 - r)` cannot give once r rounds to 1.

    The largest component needs the sum of the *others*: relative to the second largest log density, the sum
    over all with the largest counted as 1 is at least 2, and taking that 1 away again is exact.
    """
    prefer_wide_vectors()
    top, total = tile[n_components], tile[n_components + 1]
    second, others = raw[n_components], raw[n_components + 1]
    for j in range(n):
        second[j] = -larger(-raw[0, j], -raw[1, j])
        others[j] = larger(raw[0, j], raw[1, j])
    for k in range(2, n_components):
        for j in range(n):
            second[j] = larger(second[j], -larger(-raw[k, j], -others[j]))
            others[j] = larger(others[j], raw[k, j])
    for j in range(n):
        others[j] = -1.0
    for k in range(n_components):
        for j in range(n):
            others[j] += exp(-larger(second[j] - raw[k, j], 0.0))
    for k in range(n_components):
        row = out[k, at : at + n]
        for j in range(n):
            largest = raw[k, j] >= top[j]
            rest = choose(largest, others[j], total[j] - tile[k, j])
            row[j] += choose(largest, top[j] - second[j], raw[k, j] - top[j]) - log(rest)


@kernel
def _copy(n: int, n_components: int, source: Doubles, target: Doubles) -> None:
    prefer_wide_vectors()
    for k in range(n_components):
        for j in range(n):
            target[k, j] = source[k, j]


@kernel
def _write_draw(task: int, s: int, at: int, n: int, K: int, tile: Doubles, plane: Doubles, cube: Any) -> None:
    """Store one draw's block of rows: `tile` as `log_sum_exp` left it."""
    prefer_wide_vectors()
    top, total = tile[K], tile[K + 1]
    if task == _LOG_LIKELIHOOD:
        row = plane[s, at : at + n]
        for j in range(n):
            row[j] = top[j] + log(total[j])
        return
    if task == _DENSITY:
        row = plane[s, at : at + n]
        for j in range(n):
            top[j] = exp(top[j])
            row[j] = total[j] * top[j]
        for k in range(K):
            row = cube[s, k, at : at + n]
            for j in range(n):
                row[j] = tile[k, j] * top[j]
        return
    for j in range(n):
        total[j] = 1.0 / total[j]
    for k in range(K):
        if task == _MEANS:
            row = cube[0, k, at : at + n]
            for j in range(n):
                row[j] += tile[k, j] * total[j]
        else:
            for j in range(n):
                cube[s, at + j, k] = tile[k, j] * total[j]


@cache
def _row_pass() -> Any:
    """Return the compiled pass over rows ``start`` to ``stop`` and all draws, compiling it on first use."""
    digest = source_digest()

    def row_pass(
        task: int, start: int, stop: int, values: Any, mu: Any, inverse_sigma: Any, offset: Any, plane: Any, cube: Any
    ) -> None:
        if digest == 0:  # never: see `_jit`
            return
        n_draws, K = mu.shape
        work, raw = workspace(K, stop - start), workspace(K, stop - start)
        for at in range(start, stop, _BLOCK):
            n = min(_BLOCK, stop - at)
            rows = values[at : at + n]
            for s in range(n_draws):
                square.add_log_density(rows, n, mu[s], inverse_sigma[s], offset[s], True, work)
                with_odds = task == _MEANS and K > 1
                if with_odds:
                    _copy(n, K, work, raw)
                softmax.log_sum_exp(n, K, work)
                if with_odds:
                    _add_log_odds(n, K, raw, work, at, cube[1])
                _write_draw(task, s, at, n, K, work, plane, cube)

    plane, cube = types.Array(types.float64, 2, "C"), types.Array(types.float64, 3, "C")
    line, size = types.Array(types.float64, 1, "C"), types.int64
    return entry(types.void(size, size, size, line, plane, plane, plane, plane, cube), row_pass)


@dataclass(frozen=True)
class _Draws:
    """Parameters of all draws, each (S, K), in the form the pass reads."""

    mu: Doubles
    inverse_sigma: Doubles
    offset: Doubles

    @staticmethod
    def of(w: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> "_Draws":
        means = np.array(mu, dtype=np.float64, order="C")
        if means.ndim != 2:
            raise InputError(f"mu must have shape (draws, K), got {means.shape}. Stack chains and draws first.")
        n_draws = means.shape[0]
        sds = np.asarray(sigma, dtype=np.float64).reshape(n_draws, -1)
        with np.errstate(divide="ignore"):  # a weight that rounded to zero has log density -inf, and the pass copes
            offset = np.log(np.asarray(w, dtype=np.float64)) - np.log(sds) - _HALF_LOG_TWO_PI
        shape = means.shape
        inverse = np.array(np.broadcast_to(1.0 / sds, shape), order="C")
        return _Draws(means, inverse, np.array(np.broadcast_to(offset, shape), order="C"))


def _run(task: int, values: Doubles, draws: _Draws, plane: Doubles, cube: Doubles, threads: int | None) -> None:
    n = values.size
    work = n * draws.mu.size
    workers = max(1, min(threads or os.cpu_count() or 1, work // _SMALL, -(-n // _BLOCK)))
    # Whole blocks per chunk, and more chunks than workers, so that no thread is left waiting for a long one.
    chunk = max(1, -(-n // (_BLOCK * 4 * workers))) * _BLOCK if workers > 1 else max(n, 1)
    call = _row_pass()

    def one(start: int) -> None:
        stop = min(start + chunk, n)
        call(task, start, stop, values, draws.mu, draws.inverse_sigma, draws.offset, plane, cube)

    if workers == 1:
        one(0)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(0, n, chunk)))


def _rows(y: ArrayLike) -> Doubles:
    values = np.array(y, dtype=np.float64, order="C", ndmin=1)
    if values.ndim != 1:
        raise InputError(f"rows must be one-dimensional, got shape {values.shape}. Pass one column.")
    return values


_NO_PLANE, _NO_CUBE = np.empty((0, 0)), np.empty((0, 0, 0))


def log_likelihood(
    y: ArrayLike, w: ArrayLike, mu: ArrayLike, sigma: ArrayLike, *, threads: int | None = None
) -> Doubles:
    """Return the log density of every row under every draw.

    Parameters
    ----------
    y
        Rows, shape (n,): a chunk if n x draws doubles are too many.
    w, mu, sigma
        Draws, shape (S, K); sigma may be (S,) or (S, 1) when common.
    threads
        Threads to use; None for all processors. The result does not depend on it.

    Returns
    -------
    ndarray of shape (S, n)
    """
    values, draws = _rows(y), _Draws.of(w, mu, sigma)
    out = np.empty((draws.mu.shape[0], values.size))
    _run(_LOG_LIKELIHOOD, values, draws, out, _NO_CUBE, threads)
    return out


def responsibilities(
    y: ArrayLike, w: ArrayLike, mu: ArrayLike, sigma: ArrayLike, *, threads: int | None = None
) -> Doubles:
    """Return membership probabilities per draw and row, shape (S, n, K); arguments as `log_likelihood`."""
    values, draws = _rows(y), _Draws.of(w, mu, sigma)
    n_draws, n_components = draws.mu.shape
    out = np.empty((n_draws, values.size, n_components))
    _run(_RESPONSIBILITIES, values, draws, _NO_PLANE, out, threads)
    return out


@dataclass(frozen=True, eq=False)
class MeanResponsibility:
    """Posterior mean membership of every row.

    Parameters
    ----------
    probability
        Mean membership probability, shape (n, K).
    log_odds
        Mean log-odds of belonging to the component rather than to any other, shape (n, K): ranks rows whose
        probabilities have rounded to 0 or 1. Infinite for K = 1.
    """

    probability: Doubles
    log_odds: Doubles


def responsibility_mean(
    y: ArrayLike, w: ArrayLike, mu: ArrayLike, sigma: ArrayLike, *, threads: int | None = None
) -> MeanResponsibility:
    """Return the mean over draws of membership probabilities and log-odds; arguments as `log_likelihood`.

    Memory is n x K whatever the number of draws.
    """
    values, draws = _rows(y), _Draws.of(w, mu, sigma)
    n_draws, n_components = draws.mu.shape
    sums = np.zeros((2, n_components, values.size))
    _run(_MEANS, values, draws, _NO_PLANE, sums, threads)
    sums /= n_draws
    if n_components == 1:
        sums[1] = np.inf
    return MeanResponsibility(sums[0].T.copy(), sums[1].T.copy())


@dataclass(frozen=True, eq=False)
class Density:
    """Density on a grid under every draw: `mixture` (S, G) and its weighted parts `components` (S, K, G)."""

    mixture: Doubles
    components: Doubles


def density(grid: ArrayLike, w: ArrayLike, mu: ArrayLike, sigma: ArrayLike, *, threads: int | None = None) -> Density:
    """Return mixture density and components' parts, which sum to it; arguments as `log_likelihood`."""
    values, draws = _rows(grid), _Draws.of(w, mu, sigma)
    n_draws, n_components = draws.mu.shape
    mixture, parts = np.empty((n_draws, values.size)), np.empty((n_draws, n_components, values.size))
    _run(_DENSITY, values, draws, mixture, parts, threads)
    return Density(mixture, parts)
