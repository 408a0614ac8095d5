"""What it costs to fit many groups: here, in processes, and on a dask cluster; run by hand on an idle machine.

``python -m tests.group_cases [groups] [rows]`` fits two components to 1000 groups of 200 rows at default settings with
one core, with all cores one group after the other, in two processes by joblib's loky, and on a dask LocalCluster of two
workers and of one. It says whether all give the same numbers, how long they take, and what a fit costs beside itself:
the seconds of all workers, less those spent in fits. ``docs/many-fits.md`` has the table.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import joblib
import numpy as np
import pandas as pd
from dask.distributed import Client, LocalCluster

import bayesmix as bm

SEED = 20261125


def groups(n_groups: int, n: int) -> pd.DataFrame:
    """Return groups that each hold two kinds of rows, 3 to 6 sds apart, in shares and places of their own."""
    rng = np.random.default_rng(SEED)
    share, place = rng.uniform(0.25, 0.75, n_groups), rng.normal(0, 20, n_groups)
    apart, scale = rng.uniform(3, 6, n_groups), rng.uniform(0.5, 3, n_groups)
    second = rng.random((n_groups, n)) < share[:, np.newaxis]
    y = rng.normal(size=(n_groups, n)) + second * apart[:, np.newaxis]
    y = place[:, np.newaxis] + scale[:, np.newaxis] * y
    return pd.DataFrame({"group": np.repeat(np.arange(n_groups), n), "y": y.ravel()})


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def processes(n: int) -> Iterator[None]:
    """Send fits to processes of this machine, which are there already when the clock starts."""
    with joblib.parallel_config(backend="loky", n_jobs=n):
        joblib.Parallel()(joblib.delayed(warm)() for _ in range(n))
        yield


@contextmanager
def cluster(n: int) -> Iterator[None]:
    """Send fits to a dask cluster of this machine, which is there already when the clock starts."""
    there = LocalCluster(n_workers=n, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    with there, Client(there) as client, joblib.parallel_config(backend="dask"):
        client.run(warm)
        yield


def warm() -> None:
    """Load the engine."""
    fit(groups(1, 50))


def fit(frame: pd.DataFrame) -> Any:
    """Return the fits of all groups."""
    return bm.fit_groups(frame, by="group", column="y", mixture=bm.Mixture(2), random_seed=1, progressbar=False)


def main(n_groups: int = 1000, n: int = 200) -> None:
    """Print the table."""
    frame = groups(n_groups, n)
    ways: dict[str, tuple[int, Callable[[], Any]]] = {
        "here, one core": (1, one_core),
        "here, all cores": (1, nullcontext),
        "two processes (loky)": (2, lambda: processes(2)),
        "dask, two workers": (2, lambda: cluster(2)),
        "dask, one worker": (1, lambda: cluster(1)),
    }
    warm()
    found: dict[str, Any] = {}
    for words, (workers, place) in ways.items():
        with place():
            start = time.perf_counter()
            found[words] = fit(frame)
            wall = time.perf_counter() - start
        first = found["here, one core"]
        inside = found[words].verdicts["seconds"].sum()
        same = found[words].parameters.equals(first.parameters) and found[words].memberships.equals(first.memberships)
        print(
            f"{words}: {wall:.1f} s, {1000 * inside / n_groups:.0f} ms in a fit, "
            f"{1000 * (wall * workers - inside) / n_groups:.1f} ms beside it, same numbers: {same}",
            flush=True,
        )
    print(first.text)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
