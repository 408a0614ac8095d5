"""Binomial components: successes out of a known number of trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import betaln, xlog1py, xlogy

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import refuse_not_counts
from bayesmix.priors import LogitNormal, Prior

__all__ = ["Binomial"]


@dataclass(frozen=True)
class Binomial(Family):
    """Binomial components with success probabilities ``p`` and known numbers of trials.

    Probability ``C(n, y) * p**y * (1 - p)**(n - y)`` for y = 0, …, n. Cells hold numbers of successes.

    Default prior: ``p ~ LogitNormal(0, 1.5)``, about uniform.

    A single column tells K components apart only where some row has at least 2K - 1 trials.

    Parameters
    ----------
    trials : int or str
        The number of trials of every row, or the name of the column that holds them.

    References
    ----------
    Teicher (1963), Identifiability of finite mixtures, Annals of Mathematical Statistics 34, 1265-1269.
    Blischke (1964), Estimating the parameters of mixtures of binomial distributions, Journal of the American
    Statistical Association 59, 510-528.

    Examples
    --------
    >>> bm.families.Binomial(trials=10).to_dict()
    {'family': 'binomial', 'trials': 10}
    """

    name: ClassVar[str] = "binomial"
    order_by: ClassVar[str | None] = "p"
    kernel: ClassVar[str | None] = "binomial"
    discrete: ClassVar[bool] = True
    extra: ClassVar[tuple[str, ...]] = ("n",)
    trials: int | str | None = None

    def __post_init__(self) -> None:
        given = self.trials
        named = given is None or isinstance(given, str)
        if isinstance(given, bool) or not (named or (isinstance(given, (int, np.integer)) and given >= 1)):
            raise InputError(
                f"trials must be a whole number >= 1 or the name of a column, got {given!r}. "
                "Use e.g. bm.families.Binomial(trials=10) or bm.families.Binomial(trials='attempts')."
            )
        if not named:
            object.__setattr__(self, "trials", int(given))  # type: ignore[arg-type]

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("p", "unit"),)

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are no counts, and more successes than trials."""
        refuse_not_counts(column, self.name)
        n = _trials(column)
        column.refuse_where(
            column.values > n,
            f"must not exceed the row's number of trials for {self.name} components",
            "Cells hold successes, not failures or totals: check which column is which.",
        )

    @override
    def identified(self, n_components: int, column: Column) -> str | None:
        """Return why not, where no row has 2K - 1 trials (Blischke 1964; sufficient by Teicher 1963)."""
        most = _most(column)
        if most >= 2 * n_components - 1:
            return None
        return (
            f"binomial components need at least 2 K - 1 trials to be told apart: {2 * n_components - 1} for "
            f"{n_components} components, but no row has more than {most}"
        )

    @override
    def states(self, column: Column) -> float:
        """Return the largest number of trials plus 1."""
        return _most(column) + 1.0

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        return {"p": LogitNormal(0.0, 1.5)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        n = pt.cast(pt.as_tensor_variable(parameters["n"]), "int64")
        return pm.Binomial.dist(n=n, p=parameters["p"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        n, p = parameters["n"], parameters["p"]
        at = np.clip(y, 0.0, n)
        ways = -betaln(n - at + 1, at + 1) - np.log(n + 1)
        return np.where((y < 0) | (y > n), -np.inf, ways + xlogy(at, p) + xlog1py(n - at, -p))

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        n = np.asarray(parameters["n"], dtype=np.int64)
        return np.asarray(rng.binomial(n, parameters["p"]), dtype=np.float64)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        """Return the shares themselves: here, unlike elsewhere, `y` is successes divided by trials."""
        return np.stack([y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        return {"p": np.clip(means[..., 0], 1e-3, 1 - 1e-3)}

    @override
    def background(self, column: Column) -> float:
        """Return the log-probability of one of the values 0, …, n where n is the largest number of trials."""
        return -float(np.log(self.states(column)))


def _trials(column: Column) -> FloatArray:
    if column.extra is None:
        raise InputError(
            f"{column.name!r} must come with its number of trials for binomial components, got none. Use "
            "bm.families.Binomial(trials=10), or trials='column' to name the column that holds them."
        )
    return column.extra


def _most(column: Column) -> int:
    return int(_trials(column)[column.present].max())
