"""The data of the cases: two shipped data sets and three made ones, the same numbers on every machine and run."""

import csv
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Doubles", "Priors", "load", "priors_of", "start_means"]

Doubles = NDArray[np.float64]

_FOLDER = Path(__file__).parents[2] / "bayesmix" / "datasets"
_ROUNDED_MEANS, _ROUNDED_SDS, _RESOLUTION = (0.0, 12.0, 25.0), (2.0, 3.0, 4.0), 0.5


@dataclass(frozen=True)
class Priors:
    """bayesmix's data-scaled defaults in numbers: mu ~ Normal, sigma ~ LogNormal, w ~ Dirichlet(1)."""

    mu_mean: float
    mu_sd: float
    sigma_log_mean: float
    sigma_log_sd: float = 0.7


def load(kind: str, **options: Any) -> Doubles:
    """Return the rows of ``shipped`` (name), ``normals`` (n, k, gap), ``rounded`` (n) or ``columns`` (n, k, p) data."""
    y: Doubles = _KINDS[kind](**options)
    return y


def priors_of(y: Doubles) -> Priors:
    """Return the priors every peer gets."""
    sd = float(y.std())
    return Priors(float(y.mean()), 2.0 * sd, math.log(0.4 * sd))


def start_means(y: Doubles, k: int) -> Doubles:
    """Return spread, strictly increasing means to start from: mid-quantiles, or a regular grid where these tie."""
    quantiles: Doubles = np.quantile(y, (np.arange(k) + 0.5) / k)
    if np.all(np.diff(quantiles) > 0):
        return quantiles
    return np.linspace(float(y.min()), float(y.max()), k + 2)[1:-1]


def _shipped(name: str) -> Doubles:
    """Read the first column; not through bayesmix, which would be charged to peers in a cold process."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8") as lines:
        rows = csv.reader(line for line in lines if not line.startswith("#"))
        next(rows)
        return np.array([float(row[0]) for row in rows])


def _normals(n: int, k: int, gap: float) -> Doubles:
    """Draw n rows from k normals with means 0, gap, 2 gap, …, sd 1 and equal weights."""
    rng = _generator("normals", n, k, gap)
    y: Doubles = rng.normal(gap * rng.integers(0, k, n), 1.0)
    return y


def _rounded(n: int) -> Doubles:
    """Draw n rows from three normals, rounded to 0.5: at most 200 distinct values however large n is."""
    rng = _generator("rounded", n)
    which = rng.integers(0, len(_ROUNDED_MEANS), n)
    y = rng.normal(np.take(_ROUNDED_MEANS, which), np.take(_ROUNDED_SDS, which))
    rounded: Doubles = np.round(y / _RESOLUTION) * _RESOLUTION
    return rounded


def _columns(n: int, k: int, p: int) -> Doubles:
    """Draw n rows of p columns from k groups with means around 0 (sd 3), sd 1, no correlations and equal weights."""
    rng = _generator("columns", n, k, p)
    means = rng.normal(0.0, 3.0, (k, p))
    y: Doubles = rng.normal(means[rng.integers(0, k, n)], 1.0)
    return y


def _generator(*key: Any) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


_KINDS: Mapping[str, Callable[..., Doubles]] = {
    "shipped": _shipped,
    "normals": _normals,
    "rounded": _rounded,
    "columns": _columns,
}
