"""How often the intervals of `evaluate` cover the scores of the fitted rule in the population.

Two normal groups that overlap as the arm lengths do, in samples of 19, 50 and 200 rows. Every sample is fitted with two
components, without its classes; the fitted rule is scored on the sample with its classes, and exactly, by quadrature
over the population. ``python -m tests.coverage_cases`` prints the table of ``docs/scores.md``; numbers as arguments are
how many samples (1000) and then the sizes to run. Two processes share the work; the numbers do not depend on it.
"""

import os
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import bayesmix as bm
from bayesmix.assignment import log_responsibilities
from bayesmix.evaluation import SCORES
from bayesmix.evaluation._resampling import mean_log_odds
from bayesmix.evaluation._scoring import rows_of, score
from bayesmix.labels import Labels

__all__ = ["MEANS", "SDS", "SHARES", "SIZES", "TARGETS", "Sample", "coverage", "sample"]

type FloatArray = NDArray[np.float64]

# Of the 10 children and 9 adults in bm.load_dataset("arm_lengths"); a test computes them again.
MEANS, SDS, SHARES = (19.85, 24.7222), (3.7494, 1.6791), (10 / 19, 9 / 19)
SIZES = (19, 50, 200)
N_SETS = 1000
DRAWS = 1000
CI_PROB = 0.9
SEED = 20261124
TARGETS = ["accuracy", "roc_auc", "brier"]
GRID = np.linspace(MEANS[0] - 5 * SDS[0], MEANS[0] + 5 * SDS[0], 501)


class Sample(NamedTuple):
    """Of one sample: scores in the population (13,), estimates (13,), and both intervals (13, 2)."""

    truth: FloatArray
    estimate: FloatArray
    rule: FloatArray
    total: FloatArray


def population(fit: bm.Fit) -> FloatArray:
    """Return the scores of the fitted rule over the population, by quadrature over lengths and classes."""
    log_resp = log_responsibilities(fit, fit.arrays, GRID[:, np.newaxis])
    both = np.tile(np.arange(GRID.size), 2)
    classes = np.repeat([0, 1], GRID.size)
    mapping = np.array([0, 1])
    everyone = Labels(np.arange(GRID.size), np.zeros(GRID.size, dtype=np.intp), ("child", "adult"), 0)
    log_odds = mean_log_odds(log_resp, everyone, mapping)
    peak = log_resp.max(axis=0)
    log_mean = np.log(np.exp(log_resp - peak).mean(axis=0)) + peak
    z = (GRID - np.array(MEANS)[:, np.newaxis]) / np.array(SDS)[:, np.newaxis]
    weights = (np.array(SHARES) / np.array(SDS))[:, np.newaxis] * np.exp(-0.5 * z**2)
    rows = rows_of(classes, log_mean[both], log_odds[both], mapping, 2)
    return score(rows, weights.ravel() / weights.sum()).values


def sample(n: int, number: int) -> Sample:
    """Return what one simulated sample says."""
    rng = np.random.default_rng([SEED, n, number])
    adult = rng.random(n) < SHARES[1]
    y = rng.normal(np.where(adult, MEANS[1], MEANS[0]), np.where(adult, SDS[1], SDS[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        fit = bm.Mixture(2).fit(y, draws=DRAWS, cores=1, progressbar=False, random_seed=number)
    labels = np.where(adult, "adult", "child")
    table = fit.evaluate(labels, classes=["child", "adult"], ci_prob=CI_PROB, ci_kind="eti", random_seed=number).table
    rule, total = (table[[f"{which}_eti90_lb", f"{which}_eti90_ub"]].to_numpy() for which in ("rule", "total"))
    return Sample(population(fit), table["estimate"].to_numpy(), rule, total)


def coverage(samples: list[Sample]) -> pd.DataFrame:
    """Return, per score, its size and the coverage and median width of both intervals."""
    truth, estimate, rule, total = (np.stack(part) for part in zip(*samples, strict=True))
    columns = {"population": truth.mean(axis=0), "bias": (estimate - truth).mean(axis=0)}
    for name, ends in (("rule", rule), ("total", total)):
        below, above = truth < ends[..., 0] - 1e-9, truth > ends[..., 1] + 1e-9
        columns |= {
            f"{name}_covers": 1 - (below | above).mean(axis=0),
            f"{name}_below": below.mean(axis=0),
            f"{name}_above": above.mean(axis=0),
            f"{name}_width": np.median(ends[..., 1] - ends[..., 0], axis=0),
        }
    return pd.DataFrame(columns, index=SCORES)


if __name__ == "__main__":
    import sys
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import get_context

    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    n_sets, *sizes = [int(argument) for argument in sys.argv[1:]] or [N_SETS]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for size in sizes or SIZES:
            found = coverage(list(pool.map(partial(sample, size), range(n_sets), chunksize=5)))
            print(f"\nn = {size}, {n_sets} samples\n{found.round(3).to_string()}", flush=True)
