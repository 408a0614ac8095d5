"""A thousand fits in one process: memory, threads and open files must not grow.

    python -m tests.soak [number of fits]

Prints a table every hundred fits, and fails where memory has grown by more than 20 MB, or threads or files at all,
since the first hundred, in which every family is compiled and every cache is filled. Linux only: it reads /proc.
"""

import gc
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import bayesmix as bm

QUICK = {"draws": 100, "tune": 150, "chains": 2, "progressbar": False}
PAGE = os.sysconf("SC_PAGE_SIZE") / 1e6


def one_fit(number: int) -> None:
    """A fit of other data, size and family each time, and what users ask of it."""
    rng = np.random.default_rng(number)
    n = int(rng.integers(20, 200))
    k = int(rng.integers(1, 4))
    if number % 3 == 0:
        fit = bm.Mixture(k).fit(rng.normal(rng.choice([0, 5], n), 1).round(2), random_seed=number, **QUICK)
    elif number % 3 == 1:
        fit = bm.Mixture(k, family="poisson").fit(rng.poisson(rng.choice([2, 9], n)), random_seed=number, **QUICK)
    else:
        frame = pd.DataFrame(rng.normal(size=(n, 2)) + 4 * rng.integers(0, 2, n)[:, None], columns=["a", "b"])
        fit = bm.Mixture(k, family="mv_normal").fit(frame, random_seed=number, **QUICK)
    fit.summary()
    fit.assignments()
    fit.check()


def used() -> tuple[float, int, int]:
    """Memory in MB, threads, open files."""
    gc.collect()
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    return memory, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def main(fits: int) -> int:
    started, rows = time.perf_counter(), []
    for number in range(fits):
        one_fit(number)
        if (number + 1) % 100 == 0:
            rows.append((number + 1, *used(), time.perf_counter() - started))
            print("{:5d} fits  {:7.1f} MB  {:3d} threads  {:3d} files  {:6.1f} s".format(*rows[-1]), flush=True)
    first, last = rows[0], rows[-1]
    grown = last[1] - first[1]
    print(f"memory grew by {grown:.1f} MB, threads by {last[2] - first[2]}, files by {last[3] - first[3]}")
    return int(grown > 20 or last[2] > first[2] or last[3] > first[3])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
