"""The rule for quality, and running a sampler until it is met."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.data import Doubles

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "ESS_MIN",
    "RHAT_MAX",
    "Attempt",
    "Quality",
    "Sample",
    "attempt",
    "judge",
    "peak_megabytes",
    "sort_by_mu",
    "timed",
    "worst",
]

RHAT_MAX, ESS_MIN = 1.01, 400.0


@dataclass(frozen=True)
class Sample:
    """Draws of one run: ``w``, ``mu``, ``sigma`` of shape (chain, draw, component), and its divergences."""

    draws: Mapping[str, Doubles]
    divergences: int
    note: str = ""

    @property
    def length(self) -> int:
        """Kept draws per chain."""
        return int(self.draws["mu"].shape[1])


@dataclass(frozen=True)
class Quality:
    """The worst R-hat and effective sample sizes over all sorted parameters."""

    rhat: float
    bulk: float
    tail: float

    @property
    def ess(self) -> float:
        """The smaller of bulk and tail."""
        return min(self.bulk, self.tail)

    @property
    def reached(self) -> bool:
        """Whether R-hat <= 1.01 and bulk and tail ESS >= 400 everywhere; NaN is a miss."""
        return self.rhat <= RHAT_MAX and self.bulk >= ESS_MIN and self.tail >= ESS_MIN


@dataclass(frozen=True)
class Attempt:
    """One timed run and what it was worth."""

    seconds: float
    draws: int
    quality: Quality
    divergences: int
    note: str = ""


def sort_by_mu(draws: Mapping[str, Doubles]) -> dict[str, Doubles]:
    """Put the components of every draw into the order of its means."""
    order = np.argsort(draws["mu"], axis=-1, kind="stable")
    return {name: np.take_along_axis(value, order, axis=-1) for name, value in draws.items()}


def judge(draws: Mapping[str, Doubles]) -> Quality:
    """Return the worst R-hat and ESS of the sorted draws; with one component the weight, 1 everywhere, is left out."""
    import xarray as xr

    ordered = sort_by_mu(draws)
    if ordered["mu"].shape[-1] == 1:
        del ordered["w"]
    return worst(xr.Dataset({name: (("chain", "draw", "component"), value) for name, value in ordered.items()}))


def worst(data: "xr.Dataset") -> Quality:
    """Return the worst R-hat and ESS (Vehtari et al. 2021, by ArviZ) over all entries of some variables.

    A value that is not finite counts as the worst.
    """
    from arviz_stats import ess, rhat

    if not all(np.isfinite(variable).all() for variable in data.data_vars.values()):
        return Quality(np.nan, 0.0, 0.0)
    # NumPy's max and min keep NaN, xarray's drop it.
    bulk, tail = (float(np.min(ess(data, method=method).to_array().values)) for method in ("bulk", "tail"))
    return Quality(float(np.max(rhat(data).to_array().values)), bulk, tail)


def timed[T](run: Callable[[], T]) -> tuple[float, T]:
    """Return the wall seconds of a call and what it returned."""
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result


def attempt(seconds: float, sample: Sample) -> Attempt:
    """Judge one run."""
    return Attempt(seconds, sample.length, judge(sample.draws), sample.divergences, sample.note)


def peak_megabytes() -> float:
    """Return the largest resident size of this process so far."""
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
