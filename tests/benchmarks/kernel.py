"""Cost of one value and gradient of the engine against a bare vectorised exp, both called from compiled loops."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine import Prior, PriorKind, Problem, density
from bayesmix.engine._jit import kernel
from bayesmix.engine.vector_math import exp, prefer_wide_vectors
from tests.benchmarks.data import Doubles, load, priors_of

__all__ = ["measure_kernel"]

_GAP = 5.0
_TILE_COLUMNS = 256
"""Rows in one block of the engine: the bare exp runs on a table of the same shape, in the first-level cache."""


@kernel
def _bare_exp(table: Doubles, out: Doubles, repeats: int) -> None:
    """Fill `out` with exp(table), again and again."""
    prefer_wide_vectors()
    for _ in range(repeats):
        for k in range(table.shape[0]):
            for j in range(table.shape[1]):
                out[k, j] = exp(table[k, j])


@kernel
def _call(function: Any, repeats: int, x: Doubles, gradient: Doubles, value: Doubles, ints: NDArray[np.int64]) -> None:
    """Call the compiled density from compiled code, as nutpie does."""
    for _ in range(repeats):
        function(x.size, x.ctypes, gradient.ctypes, value.ctypes, ints.ctypes)


def measure_kernel(sizes: Iterable[int], ks: Iterable[int], trials: int) -> list[dict[str, Any]]:
    """Return one line per number of rows and components; times are the shortest of `trials`.

    The two loops take turns, so that a change of clock rate meets both.
    """
    return [_one(n, k, trials) for n in sizes for k in ks]


def _one(n: int, k: int, trials: int) -> dict[str, Any]:
    problem = _problem(n, k)
    x = problem.pack(np.full(k, 1 / k), _GAP * np.arange(k), np.ones(k))
    gradient, value, ints = np.empty(problem.n_dim), np.empty(1), problem.user_data.copy()
    table = np.random.default_rng(k).uniform(-30.0, 0.0, (k, _TILE_COLUMNS))
    out = np.empty_like(table)
    repeats, rounds = max(1, 2_000_000 // (n * k)), max(40, 1_000_000 // table.size)
    function = density.logp_function().ctypes
    _call(function, 1, x, gradient, value, ints)
    _bare_exp(table, out, 1)
    dense, bare = [], []
    for _ in range(trials):
        dense.append(_nanoseconds(_call, function, repeats, x, gradient, value, ints) / repeats)
        bare.append(_nanoseconds(_bare_exp, table, out, rounds) / (rounds * table.size))
    per_cell = min(dense) / (n * k)
    return {
        "setting": f"N={n} K={k}",
        "ns_per_cell": per_cell,
        "ns_exp": min(bare),
        "times_exp": per_cell / min(bare),
        "us_per_call": min(dense) / 1e3,
    }


def _problem(n: int, k: int) -> Problem:
    y = load("normals", n=n, k=k, gap=_GAP)
    p = priors_of(y)
    mu = Prior(PriorKind.NORMAL, (p.mu_mean,), (p.mu_sd,))
    return Problem(y, k, mu, Prior(PriorKind.LOG_NORMAL, (p.sigma_log_mean,), (p.sigma_log_sd,)))


def _nanoseconds(function: Callable[..., None], *arguments: Any) -> int:
    started = time.perf_counter_ns()
    function(*arguments)
    return time.perf_counter_ns() - started
