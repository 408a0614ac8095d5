"""The log posterior density at many points at once, on all cores: what estimates of the evidence are made of."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmix.engine._jit import entry, source_digest, types
from bayesmix.engine.density import log_density
from bayesmix.engine.problem import Problem

__all__ = ["Doubles", "log_densities", "without_rows"]

Doubles = NDArray[np.float64]

#: Points a thread takes at least: below, starting it costs more than it saves.
_CHUNK = 256


@cache
def _many() -> Any:
    """Return the compiled loop over points, compiling it on first use."""
    digest = source_digest()

    def many(points: Any, values: Any, gradients: Any, user: Any) -> None:
        if digest == 0:  # never: see `_jit`
            return
        for i in range(points.shape[0]):
            values[i] = log_density(points[i], gradients[i], user)

    plane = types.Array(types.float64, 2, "C")
    line, integers = types.Array(types.float64, 1, "C"), types.Array(types.int64, 1, "C")
    return entry(types.void(plane, line, plane, integers), many)


def log_densities(problem: Problem, points: ArrayLike, *, threads: int | None = None) -> tuple[Doubles, Doubles]:
    """Return the log posterior density with all constants at many points, and its gradients.

    Parameters
    ----------
    problem
        The mixture.
    points
        In the sampled space, shape (N, n_dim).
    threads
        Threads to use; None for all processors. The result does not depend on it.

    Returns
    -------
    ndarray, shape (N,)
        May be non-finite far out.
    ndarray, shape (N, n_dim)
    """
    x = np.ascontiguousarray(points, dtype=np.float64)
    values, gradients = np.empty(len(x)), np.empty_like(x)
    call, user = _many(), problem.user_data
    workers = max(1, min(threads or os.cpu_count() or 1, len(x) // _CHUNK))
    cuts = np.linspace(0, len(x), workers + 1).astype(int)

    def one(worker: int) -> None:
        part = slice(cuts[worker], cuts[worker + 1])
        call(x[part], values[part], gradients[part], user)

    if workers == 1:
        one(0)
        return values, gradients
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(workers)))
    return values, gradients


def without_rows(problem: Problem) -> Problem:
    """Return the same problem without data: its density is the prior."""
    rows = problem.rows
    blocks = tuple(replace(b, cells=tuple(cell[:1] for cell in b.cells)) for b in rows.blocks)
    return replace(problem, rows=replace(rows, blocks=blocks, counts=np.zeros(1), fixed=rows.fixed[:, :1]))
