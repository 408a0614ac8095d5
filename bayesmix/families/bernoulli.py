"""Bernoulli components: yes or no."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import xlog1py, xlogy

from bayesmix.data import Column, FloatArray
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter
from bayesmix.priors import LogitNormal, Prior

__all__ = ["Bernoulli"]


@dataclass(frozen=True)
class Bernoulli(Family):
    """Bernoulli components with probabilities ``p`` of a 1.

    Probability ``p`` of 1 and ``1 - p`` of 0.

    Default prior: ``p ~ LogitNormal(0, 1.5)``, about uniform.

    A single column never tells components apart: whatever the mixture, it is one probability of a 1. Several columns
    together are a latent class model.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Teicher (1963), Identifiability of finite mixtures, Annals of Mathematical Statistics 34, 1265-1269.
    Allman, Matias & Rhodes (2009), Identifiability of parameters in latent structure models with many observed
    variables, Annals of Statistics 37, 3099-3132.

    Examples
    --------
    >>> bm.families.Bernoulli().order_by
    'p'
    """

    name: ClassVar[str] = "bernoulli"
    order_by: ClassVar[str | None] = "p"
    kernel: ClassVar[str | None] = "bernoulli"
    discrete: ClassVar[bool] = True

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("p", "unit"),)

    @override
    def check(self, column: Column) -> None:
        """Refuse values other than 0 and 1."""
        column.refuse_where(
            column.present & (column.values != 0) & (column.values != 1),
            f"must be 0 or 1 for {self.name} components",
            "Turn yes into 1 and no into 0, or use family='categorical' for labels and family='poisson' for counts.",
        )

    @override
    def identified(self, n_components: int, column: Column) -> str | None:
        """Return why not, for more than one component: a mixture of Bernoulli distributions is one itself."""
        if n_components == 1:
            return None
        return "a column of 0 and 1 has one probability, which any number of components can give"

    @override
    def states(self, column: Column) -> float:
        """Return 2."""
        return 2.0

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        return {"p": LogitNormal(0.0, 1.5)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Bernoulli.dist(p=parameters["p"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        p, at = parameters["p"], np.clip(y, 0.0, 1.0)
        return np.where((y < 0) | (y > 1), -np.inf, xlogy(at, p) + xlog1py(1 - at, -p))

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        p = np.asarray(parameters["p"])
        return (rng.random(p.shape) < p).astype(np.float64)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([y])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        return {"p": np.clip(means[..., 0], 1e-3, 1 - 1e-3)}

    @override
    def background(self, column: Column) -> float:
        """Return the log of a half."""
        return -math.log(2)
