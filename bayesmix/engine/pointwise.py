"""Row-by-row results over many posterior draws: log-likelihoods, responsibilities, densities.

One compiled pass does all of them; it never holds rows x draws x K beyond what the caller asks for, releases
the interpreter lock, and treats every row by itself, so that cutting the rows among threads changes no
number. Where the result itself is large (per draw *and* row), the caller passes a chunk of rows at a time.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine import softmax
from bayesmix.engine._jit import entry, kernel, source_digest, types
from bayesmix.engine.rows import Rows, fill_tile, open_rows, prepare, workspace
from bayesmix.engine.vector_math import choose, exp, larger, log, prefer_wide_vectors

__all__ = [
    "Doubles",
    "Draws",
    "MeanResponsibility",
    "component_densities",
    "log_likelihood",
    "responsibilities",
    "responsibility_mean",
]

Doubles = NDArray[np.float64]

_LOG_LIKELIHOOD, _RESPONSIBILITIES, _MEANS, _DENSITY = range(4)
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
def _write_draw(
    task: int, s: int, at: int, n: int, K: int, tile: Doubles, constants: Doubles, plane: Doubles, cube: Any
) -> None:
    """Store one draw's block of rows: `tile` as `log_sum_exp` left it."""
    prefer_wide_vectors()
    top, total = tile[K], tile[K + 1]
    here = constants[at : at + n]
    if task == _LOG_LIKELIHOOD:
        row = plane[s, at : at + n]
        for j in range(n):
            row[j] = top[j] + log(total[j]) + here[j]
        return
    if task == _DENSITY:
        for j in range(n):
            top[j] = exp(top[j] + here[j])
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
def _all_draws() -> Any:
    """Return the compiled pass over rows ``start`` to ``stop`` and all draws, compiling it on first use."""
    digest = source_digest()

    def all_draws(
        task: int, start: int, stop: int, address: int, log_w: Any, values: Any, constants: Any, plane: Any, cube: Any
    ) -> None:
        if digest == 0:  # never: see `_jit`
            return
        header = open_rows(address)
        M = log_w.shape[1]
        tile, rest, records, _at = workspace(header, 0)
        raw = np.empty((M + 2, tile.shape[1]))
        for at in range(start, stop, _BLOCK):
            n = min(_BLOCK, stop - at)
            for s in range(log_w.shape[0]):
                for k in range(M):
                    rest[k] = log_w[s, k]
                prepare(header, records, values[s])
                fill_tile(header, records, rest, at, n, tile)
                with_odds = task == _MEANS and M > 1
                if with_odds:
                    _copy(n, M, tile, raw)
                softmax.log_sum_exp(n, M, tile)
                if with_odds:
                    _add_log_odds(n, M, raw, tile, at, cube[1])
                _write_draw(task, s, at, n, M, tile, constants, plane, cube)

    plane, cube = types.Array(types.float64, 2, "C"), types.Array(types.float64, 3, "C")
    line, size = types.Array(types.float64, 1, "C"), types.int64
    return entry(types.void(size, size, size, size, plane, plane, line, plane, cube), all_draws)


@dataclass(frozen=True, eq=False)
class Draws:
    """Parameters of S draws as the pass reads them.

    Parameters
    ----------
    log_weights
        Shape (S, M), of all components.
    values
        Shape (S, V), in the order that the slots of the rows' blocks point into.
    """

    log_weights: Doubles
    values: Doubles

    def __post_init__(self) -> None:
        """Lay both out for the compiled code."""
        for name in ("log_weights", "values"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))

    @property
    def n_draws(self) -> int:
        """Number of draws S."""
        return len(self.log_weights)


def _run(task: int, rows: Rows, draws: Draws, plane: Doubles, cube: Doubles, threads: int | None) -> None:
    n = rows.counts.size
    work = n * draws.n_draws * rows.n_components
    workers = max(1, min(threads or os.cpu_count() or 1, work // _SMALL, -(-n // _BLOCK)))
    # Whole blocks per chunk, and more chunks than workers, so that no thread is left waiting for a long one.
    chunk = max(1, -(-n // (_BLOCK * 4 * workers))) * _BLOCK if workers > 1 else max(n, 1)
    call, address = _all_draws(), rows.header.ctypes.data

    def one(start: int) -> None:
        stop = min(start + chunk, n)
        call(task, start, stop, address, draws.log_weights, draws.values, rows.constants, plane, cube)

    if workers == 1:
        one(0)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(0, n, chunk)))


_NO_PLANE, _NO_CUBE = np.empty((0, 0)), np.empty((0, 0, 0))


def log_likelihood(rows: Rows, draws: Draws, *, threads: int | None = None) -> Doubles:
    """Return the log density of every row under every draw.

    Parameters
    ----------
    rows
        A chunk of them if n x draws doubles are too many.
    draws
        Of the parameters.
    threads
        Threads to use; None for all processors. The result does not depend on it.

    Returns
    -------
    ndarray of shape (S, n)
    """
    out = np.empty((draws.n_draws, rows.counts.size))
    _run(_LOG_LIKELIHOOD, rows, draws, out, _NO_CUBE, threads)
    return out


def responsibilities(rows: Rows, draws: Draws, *, threads: int | None = None) -> Doubles:
    """Return membership probabilities per draw and row, shape (S, n, M); arguments as `log_likelihood`."""
    out = np.empty((draws.n_draws, rows.counts.size, rows.n_all))
    _run(_RESPONSIBILITIES, rows, draws, _NO_PLANE, out, threads)
    return out


@dataclass(frozen=True, eq=False)
class MeanResponsibility:
    """Posterior mean membership of every row.

    Parameters
    ----------
    probability
        Mean membership probability, shape (n, M).
    log_odds
        Mean log-odds of belonging to the component rather than to any other, shape (n, M): ranks rows whose
        probabilities have rounded to 0 or 1. Infinite for a single component.
    """

    probability: Doubles
    log_odds: Doubles


def responsibility_mean(rows: Rows, draws: Draws, *, threads: int | None = None) -> MeanResponsibility:
    """Return the mean over draws of membership probabilities and log-odds; arguments as `log_likelihood`.

    Memory is n x M whatever the number of draws.
    """
    sums = np.zeros((2, rows.n_all, rows.counts.size))
    _run(_MEANS, rows, draws, _NO_PLANE, sums, threads)
    sums /= draws.n_draws
    if rows.n_all == 1:
        sums[1] = np.inf
    return MeanResponsibility(sums[0].T.copy(), sums[1].T.copy())


def component_densities(rows: Rows, draws: Draws, *, threads: int | None = None) -> Doubles:
    """Return weight times density of every component, shape (S, M, n); arguments as `log_likelihood`."""
    out = np.empty((draws.n_draws, rows.n_all, rows.counts.size))
    _run(_DENSITY, rows, draws, _NO_PLANE, out, threads)
    return out
