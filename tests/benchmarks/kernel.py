"""Cost of one value and gradient of the engine against a bare vectorised exp, both called from compiled loops."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmix.blocks import read_rows
from bayesmix.compiled import problem_of
from bayesmix.engine import Problem, density
from bayesmix.engine._jit import kernel
from bayesmix.engine.vector_math import exp, prefer_wide_vectors
from bayesmix.mixture import Mixture
from bayesmix.resolving import resolve
from tests.benchmarks.data import Doubles, load

__all__ = ["FORMS", "frame_of", "measure_kernel"]

_GAP = 5.0
FORMS: Mapping[str, str] = {
    "independent": "{p} independent normal columns",
    "mv_normal": "{p} columns, full covariance",
}
"""The ways to describe a table of normal columns, in words."""
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


def frame_of(form: str, n: int, k: int, p: int) -> tuple[Any, pd.DataFrame]:
    """Return the family, one of `FORMS`, and the rows of a table of p columns called c0, c1, …."""
    table = pd.DataFrame(load("columns", n=n, k=k, p=p), columns=[f"c{j}" for j in range(p)])
    return dict.fromkeys(table.columns, "normal") if form == "independent" else form, table


def measure_kernel(
    sizes: Iterable[int], ks: Iterable[int], trials: int, tables: Iterable[tuple[str, int, int, int]] = ()
) -> list[dict[str, Any]]:
    """Return one line per number of rows and components of one column, then one per table (form, n, k, columns).

    Times are the shortest of `trials`. The density and the bare exp take turns, so that a change of clock rate meets
    both. A table's time is per row x component too, all of its columns together.
    """
    lines = [_one(f"N={n} K={k}", _column_problem(n, k), trials) for n in sizes for k in ks]
    for form, n, k, p in tables:
        lines.append(_one(f"N={n} K={k}, {FORMS[form].format(p=p)}", _table_problem(form, n, k, p), trials))
    return lines


def _one(setting: str, problem: Problem, trials: int) -> dict[str, Any]:
    n, k = problem.rows.counts.size, problem.n_components
    x = np.random.default_rng(k).normal(0.0, 0.3, problem.n_dim)
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
        "setting": setting,
        "ns_per_cell": per_cell,
        "ns_exp": min(bare),
        "times_exp": per_cell / min(bare),
        "us_per_call": min(dense) / 1e3,
    }


def _column_problem(n: int, k: int) -> Problem:
    return _problem(Mixture(k), load("normals", n=n, k=k, gap=_GAP))


def _table_problem(form: str, n: int, k: int, p: int) -> Problem:
    family, table = frame_of(form, n, k, p)
    return _problem(Mixture(k, family), table)


def _problem(mixture: Mixture, y: Any) -> Problem:
    rows = read_rows(mixture.family, y)
    return problem_of(resolve(mixture, rows), rows).problem


def _nanoseconds(function: Callable[..., None], *arguments: Any) -> int:
    started = time.perf_counter_ns()
    function(*arguments)
    return time.perf_counter_ns() - started
