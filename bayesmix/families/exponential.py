"""Exponential components: waiting times without memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.families._continuous import Continuous
from bayesmix.families._parameter import Parameter
from bayesmix.families._values import above_zero, refuse_not_positive
from bayesmix.priors import LogNormal, Prior

__all__ = ["Exponential"]


@dataclass(frozen=True)
class Exponential(Continuous):
    """Exponential components with means ``scale``.

    Density ``exp(-y / scale) / scale`` for y > 0.

    Default prior, from mean ml and standard deviation sl of the log of the data:
    ``scale ~ LogNormal(ml, max(2 sl, 0.5))``.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Teicher (1961), Identifiability of mixtures, Annals of Mathematical Statistics 32, 244-248.

    Examples
    --------
    >>> bm.families.Exponential().order_by
    'scale'
    """

    name: ClassVar[str] = "exponential"
    order_by: ClassVar[str | None] = "scale"
    kernel: ClassVar[str | None] = "exponential"
    lowest: ClassVar[float] = 0.0

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("scale", "positive"),)

    @override
    def check(self, column: Column) -> None:
        """Refuse values that are not positive."""
        refuse_not_positive(column, self.name)

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        mean, spread = column.moments(np.log)
        return {"scale": LogNormal(mean, max(2 * spread, 0.5))}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Exponential.dist(scale=parameters["scale"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        scale = parameters["scale"]
        return np.where(y < 0, -np.inf, -np.maximum(y, 0.0) / scale - np.log(scale))

    @override
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        log_sf = -y / parameters["scale"]
        return m.log1mexp(log_sf), log_sf

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        return rng.exponential(parameters["scale"])

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([above_zero(y)])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        return {"scale": np.maximum(means[..., 0], np.finfo(np.float64).tiny)}
