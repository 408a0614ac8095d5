"""What the contract needs to know of each family: SciPy's distribution, parameters to try, good data and bad data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from bayesmix import families as fam
from bayesmix.data import Column

__all__ = ["EXAMPLES", "Example", "draw_parameters", "log_integral", "make_column"]


def make_column(values: Any, **options: Any) -> Column:
    """Return a column called ``y``; intervals are given as ``bounds=(lower, upper)`` beside their middles."""
    cells = np.asarray(values, dtype=float)
    bounds = options.pop("bounds", None)
    if bounds is not None:
        options["bounds"] = tuple(np.asarray(b, dtype=float) for b in bounds)
    extra = options.pop("extra", None)
    if extra is not None:
        options["extra"] = np.asarray(extra, dtype=float)
    return Column("y", cells, pd.RangeIndex(len(cells)), **options)


@dataclass(frozen=True)
class Bad:
    """Values that must be refused, and words of the message: the rule, the value, the row, the remedy."""

    values: tuple[float, ...]
    words: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """One family's entry in the tables of the contract.

    Attributes
    ----------
    variants
        The family with all its options.
    scipy
        From parameters to SciPy's frozen distribution.
    points
        Values inside and outside the support.
    typical
        Parameters of one component, for random values and their way back by `estimate`.
    data
        Good values of a column.
    units
        How default priors follow y * 1000, by parameter: "linear" (in y's units), "log" (log y's units); none for the
        others. None where other units make no sense.
    bad
        What must be refused.
    intervals
        Lower and upper ends; empty for discrete families.
    """

    variants: tuple[fam.Family, ...]
    scipy: Callable[[Mapping[str, Any]], Any]
    points: Any
    typical: Mapping[str, Any]
    data: tuple[float, ...]
    units: Mapping[str, str] | None = None
    bad: tuple[Bad, ...] = ()
    intervals: tuple[tuple[float, float], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def column(self) -> Column:
        """The good data."""
        return make_column(self.data, **self.options)

    @property
    def known(self) -> dict[str, float]:
        """Known numbers beside the parameters."""
        return {name: float(self.options["extra"][0]) for name in self.variants[0].extra}


class Labels:
    """SciPy has no distribution of codes; a multinomial of one trial is the same."""

    def __init__(self, p: Any) -> None:
        self.p = np.asarray(p)

    def logpmf(self, y: Any) -> Any:
        codes, size = np.asarray(y), self.p.shape[-1]
        shape = np.broadcast_shapes(codes.shape, self.p.shape[:-1])
        counts = np.broadcast_to(codes, shape)[..., None] == np.arange(size)
        return stats.multinomial(1, np.broadcast_to(self.p, counts.shape)).logpmf(counts)

    def pmf(self, y: Any) -> Any:
        return np.exp(self.logpmf(y))


def draw_parameters(family: fam.Family, rng: np.random.Generator, shape: tuple[int, ...], wide: float = 1.0) -> Any:
    """Return parameters anywhere in their supports, the further out the larger `wide`."""
    draw = {
        "real": lambda: 3 * wide * rng.normal(size=shape),
        "positive": lambda: np.exp(1.2 * wide * rng.normal(size=shape)),
        "unit": lambda: expit(1.5 * wide * rng.normal(size=shape)),
        "angle": lambda: rng.uniform(-np.pi, np.pi, size=shape),
        "simplex": lambda: rng.dirichlet(np.full(4, 1 / wide), size=shape),
    }
    return {p.name: draw[p.support]() for p in family.parameters}


def log_integral(log_density: Callable[[Any], Any], low: float, high: float, center: float) -> float:
    """Return the log of an integral by Gauss-Legendre rules on panels that double away from both ends and `center`.

    No distribution function is used: this is the oracle for log-probabilities that SciPy's differences cannot give. A
    density that has much of its mass within a rounding error of `high` is beyond it.
    """
    steps, near = 2.0 ** np.arange(-60, 161), 2.0 ** np.arange(-52, 1)
    places = [center, *(center + steps), *(center - steps), low, high]
    if np.isfinite(low):
        places += [*(low + 4.0 ** np.arange(-500, 81)), *(low + abs(low) * near)]
    if np.isfinite(high):
        places += [*(high - steps), *(high - abs(high) * near)]
    ends = np.unique(places)
    ends = ends[(ends >= low) & (ends <= high) & np.isfinite(ends)]
    nodes, weights = np.polynomial.legendre.leggauss(24)
    half = np.diff(ends)[:, None] / 2
    y = ends[:-1, None] + half * (1 + nodes)
    with np.errstate(all="ignore"):
        values = log_density(y) + np.log(half * weights)
    top = np.nanmax(values)
    return float(top + np.log(np.nansum(np.exp(values - top))))


_REAL = np.random.default_rng(1).normal(size=40) * np.tile([1e-8, 1.0, 1.0, 10.0, 1e8], 8)
_POSITIVE = np.concatenate([np.exp(np.random.default_rng(2).normal(size=30) * 3), [-1.0, -1e9]])
_COUNTS = np.array([0.0, 1, 2, 3, 7, 20, 150, 3000, -1, -4])
_REAL_INTERVALS = ((-np.inf, 1.0), (2.0, np.inf), (0.0, 1.0), (-1e3, -999.0), (1e5, 2e5), (-np.inf, -1e4))
_POSITIVE_INTERVALS = (
    (0.0, 1.0),
    (-1.0, 2.0),
    (-np.inf, 0.5),
    (1.0, 2.0),
    (3.0, np.inf),
    (1e-8, 1e-7),
    (1e-200, 1e-100),
    (50.0, 60.0),
    (1e4, 1e5),
)
_NOT_POSITIVE = (
    Bad((1.0, 0.0, 2.0), ("> 0", "got 0.0 at row 1", "family='normal'")),
    Bad((1.0, 2.0, np.nan, -3.0), ("> 0", "got -3.0 at row 3", "family='normal'")),
    Bad((1.0, -1.0), ("> 0", r"got [-2.0, 0.0] at row 1"), {"bounds": ((0.0, -2.0), (2.0, 0.0))}),
)
_NOT_COUNTS = (
    Bad((1.0, 2.0, -1.0), ("counts", "got -1.0 at row 2", "family='normal'")),
    Bad((0.0, 1.5, np.nan), ("whole numbers", "got 1.5 at row 1", "family='gamma'")),
)
_POSITIVE_DATA = (0.5, 1.0, 1.5, 2.5, 4.0, 7.0, 12.0)

EXAMPLES: dict[str, Example] = {
    "normal": Example(
        (fam.Normal(), fam.Normal(common_sigma=True)),
        lambda p: stats.norm(p["mu"], p["sigma"]),
        _REAL,
        {"mu": -2.0, "sigma": 0.7},
        (-3.0, 0.0, 1.0, 5.0, 8.0),
        {"mu": "linear", "sigma": "linear"},
        intervals=_REAL_INTERVALS,
    ),
    "student_t": Example(
        (fam.StudentT(),),
        lambda p: stats.t(p["nu"], p["mu"], p["sigma"]),
        _REAL,
        {"mu": -2.0, "sigma": 0.7, "nu": 10.0},
        (-3.0, 0.0, 1.0, 5.0, 8.0),
        {"mu": "linear", "sigma": "linear"},
        intervals=_REAL_INTERVALS,
    ),
    "log_normal": Example(
        (fam.LogNormal(),),
        lambda p: stats.lognorm(p["sigma"], scale=np.exp(p["mu"])),
        _POSITIVE,
        {"mu": 2.0, "sigma": 0.4},
        _POSITIVE_DATA,
        {"mu": "log"},
        _NOT_POSITIVE,
        _POSITIVE_INTERVALS,
    ),
    "gamma": Example(
        (fam.Gamma(),),
        lambda p: stats.gamma(p["alpha"], scale=p["mu"] / p["alpha"]),
        _POSITIVE,
        {"mu": 3.0, "alpha": 2.5},
        _POSITIVE_DATA,
        {"mu": "linear"},
        _NOT_POSITIVE,
        _POSITIVE_INTERVALS,
    ),
    "exponential": Example(
        (fam.Exponential(),),
        lambda p: stats.expon(scale=p["scale"]),
        _POSITIVE,
        {"scale": 3.0},
        _POSITIVE_DATA,
        {"scale": "linear"},
        _NOT_POSITIVE,
        _POSITIVE_INTERVALS,
    ),
    "weibull": Example(
        (fam.Weibull(),),
        lambda p: stats.weibull_min(p["alpha"], scale=p["beta"]),
        _POSITIVE,
        {"alpha": 1.8, "beta": 3.0},
        _POSITIVE_DATA,
        {"beta": "linear"},
        _NOT_POSITIVE,
        _POSITIVE_INTERVALS,
    ),
    "beta": Example(
        (fam.Beta(),),
        lambda p: stats.beta(p["mu"] * p["nu"], (1 - p["mu"]) * p["nu"]),
        np.concatenate([expit(3 * np.random.default_rng(3).normal(size=30)), [1e-12, 1 - 1e-12, -0.1, 1.5]]),
        {"mu": 0.3, "nu": 8.0},
        (0.1, 0.2, 0.4, 0.7, 0.95),
        bad=(
            Bad((0.5, 0.0), ("between 0 and 1", "got 0.0 at row 1", "Smithson")),
            Bad((1.0, 0.5, 1.0), ("between 0 and 1", "got 1.0 at row 0; 2 such rows of 3", "binomial")),
            Bad((0.5, np.nan, 30.0), ("between 0 and 1", "got 30.0 at row 2", "y / 100")),
            Bad((0.5, -0.1), ("between 0 and 1", "got -0.1 at row 1")),
            Bad((0.5, 1.5), ("between 0 and 1", "got [1.0, 2.0] at row 1"), {"bounds": ((0.4, 1.0), (0.6, 2.0))}),
        ),
        intervals=((0.0, 0.1), (-0.1, 0.1), (0.9, 1.1), (0.4, 0.5), (1e-9, 1e-8), (1 - 1e-7, 1 - 1e-8), (0.5, np.inf)),
    ),
    "von_mises": Example(
        (fam.VonMises(),),
        lambda p: stats.vonmises(p["kappa"], loc=p["mu"]),
        np.random.default_rng(4).uniform(-2 * np.pi, 2 * np.pi, 40),
        {"mu": 2.5, "kappa": 3.0},
        (-3.0, 0.1, 2.0, 6.2),
        bad=(
            Bad((0.1, 350.0, np.nan, 180.0), ("radians", "got 350.0 at row 1; 2 such rows of 4", "numpy.deg2rad")),
            Bad((1.0, 2.0), ("finite ends", "got [2.0, inf] at row 1"), {"bounds": ((0.0, 2.0), (1.0, np.inf))}),
            Bad((1.0, 0.0), ("one turn", "got [-4.0, 4.0] at row 1"), {"bounds": ((0.0, -4.0), (1.0, 4.0))}),
        ),
        intervals=((0.0, 1.0), (3.0, 4.0), (-6.2, -6.0), (1.0, 1.0 + 2 * np.pi), (2.0, 2.001), (-5.0, -0.5)),
    ),
    "poisson": Example(
        (fam.Poisson(),),
        lambda p: stats.poisson(p["mu"]),
        _COUNTS,
        {"mu": 4.0},
        (0.0, 1.0, 3.0, 12.0),
        bad=_NOT_COUNTS,
    ),
    "negative_binomial": Example(
        (fam.NegativeBinomial(),),
        lambda p: stats.nbinom(p["alpha"], p["alpha"] / (p["alpha"] + p["mu"])),
        _COUNTS,
        {"mu": 6.0, "alpha": 2.0},
        (0.0, 1.0, 3.0, 12.0),
        bad=_NOT_COUNTS,
    ),
    "binomial": Example(
        (fam.Binomial(trials=9), fam.Binomial("tries")),
        lambda p: stats.binom(p["n"], p["p"]),
        np.arange(-2.0, 12.0),
        {"p": 0.3},
        (0.0, 2.0, 9.0),
        options={"extra": (9.0, 9.0, 9.0)},
        bad=(
            *(Bad(bad.values, bad.words[:1], {"extra": (9.0, 9.0, 9.0)}) for bad in _NOT_COUNTS),
            Bad((1.0, 7.0), ("number of trials", "got 7.0 of 5 trials at row 1", "successes"), {"extra": (5.0, 5.0)}),
            Bad((1.0, 2.0), ("number of trials", "Binomial(trials=10)")),
        ),
    ),
    "bernoulli": Example(
        (fam.Bernoulli(),),
        lambda p: stats.bernoulli(p["p"]),
        np.array([0.0, 1.0, -1.0, 2.0]),
        {"p": 0.3},
        (0.0, 1.0, 1.0),
        bad=(
            Bad((0.0, 1.0, 2.0), ("0 or 1", "got 2.0 at row 2", "family='categorical'")),
            Bad((0.5, np.nan), ("0 or 1", "got 0.5 at row 0")),
        ),
    ),
    "categorical": Example(
        (fam.Categorical(("a", "b", "c", "d")), fam.Categorical((1, 2, 3, 4))),
        lambda p: Labels(p["p"]),
        np.arange(4.0),
        {"p": np.array([0.1, 0.4, 0.2, 0.3])},
        (0.0, 1.0, 1.0, 3.0, 2.0),
        options={"categories": ("a", "b", "c", "d")},
    ),
}
