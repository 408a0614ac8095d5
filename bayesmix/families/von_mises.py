"""Von Mises components: directions and times of day, the normal distribution of the circle."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

import numpy as np
from scipy.special import ive

from bayesmix.data import Column, FloatArray
from bayesmix.families._base import Family
from bayesmix.families._continuous import ARRAYS, weighted_sum
from bayesmix.families._parameter import Parameter
from bayesmix.priors import LogNormal, Prior, WrappedNormal

__all__ = ["VonMises"]

_TWO_PI = 2 * math.pi
# Gauss-Legendre nodes and weights on (0, 1). With 32 nodes the probability of any arc keeps 12 digits.
_LEGENDRE = (np.polynomial.legendre.leggauss(32)[0] / 2 + 0.5, np.polynomial.legendre.leggauss(32)[1] / 2)


@dataclass(frozen=True)
class VonMises(Family):
    """Von Mises components with mean directions ``mu`` and concentrations ``kappa``, for angles in radians.

    Density ``exp(kappa * cos(y - mu)) / (2 * pi * I0(kappa))`` on the circle: angles that differ by 2 pi are the same,
    so data may run from -pi to pi or from 0 to 2 pi. For large ``kappa`` it is about a normal distribution with
    standard deviation ``1 / sqrt(kappa)``.

    Default priors: ``mu`` uniform on the circle and ``kappa ~ LogNormal(log(4), 1.2)``. A circle has no smallest
    direction, so components have no natural order.

    Parameters
    ----------
    None
        The family has no options.

    References
    ----------
    Mardia & Jupp (2000), *Directional Statistics*, section 3.5.4.
    Fraser, Hsu & Walker (1981), Identifiability of finite mixtures of von Mises distributions, Annals of Statistics 9,
    1130-1131.

    Examples
    --------
    >>> bm.families.VonMises().parameters[0].support
    'angle'
    """

    name: ClassVar[str] = "von_mises"
    order_by: ClassVar[str | None] = None
    kernel: ClassVar[str | None] = "von_mises"
    circular: ClassVar[bool] = True

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return Parameter("mu", "angle"), Parameter("kappa", "positive")

    @override
    def check(self, column: Column) -> None:
        """Refuse angles beyond one turn, which look like degrees, and intervals that are no arcs."""
        column.refuse_where(
            np.isinf(column.lowest) | np.isinf(column.highest),
            f"must be arcs with two finite ends for {self.name} components",
            "A circle has no open end: give both ends in radians.",
        )
        column.refuse_where(
            np.abs(column.values) > _TWO_PI,  # of an arc the middle: its ends may lie a little beyond
            f"must be angles in radians, between -2 pi and 2 pi, for {self.name} components",
            "Convert degrees by numpy.deg2rad(y), and other periods by 2 * numpy.pi * y / period.",
        )
        column.refuse_where(
            column.highest - column.lowest > _TWO_PI,
            f"must be arcs of at most one turn for {self.name} components",
            "An arc of one turn says nothing: leave the cell empty.",
        )

    @override
    def default_priors(self, column: Column) -> dict[str, Prior]:
        return {"mu": WrappedNormal(), "kappa": LogNormal(math.log(4), 1.2)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        # PyMC's own density is 0 beyond (-pi, pi); its random values are fine.
        return pm.CustomDist.dist(
            parameters["mu"], parameters["kappa"], dist=_random_variable, logp=_logp, class_name="VonMises"
        )

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        half, kappa = np.sin(0.5 * (y - parameters["mu"])), parameters["kappa"]
        return np.asarray(-2 * kappa * half * half - np.log(_TWO_PI * ive(0, kappa)))

    @override
    def log_probability(self, lower: FloatArray, upper: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        lower, upper, mu, kappa = np.broadcast_arrays(lower, upper, parameters["mu"], parameters["kappa"])
        return np.asarray(_log_arc(lower, upper, mu, kappa, ARRAYS))

    @override
    def interval_logp(self, lower: Any, upper: Any, parameters: Mapping[str, Any]) -> Any:
        import pytensor.tensor as pt

        lower, upper = pt.as_tensor_variable(lower), pt.as_tensor_variable(upper)
        return _log_arc(lower, upper, parameters["mu"], parameters["kappa"], pt)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        return rng.vonmises(parameters["mu"], parameters["kappa"])

    @override
    def features(self, y: FloatArray) -> FloatArray:
        return np.stack([np.cos(y), np.sin(y)])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        # Banerjee et al. (2005), Clustering on the unit hypersphere, equation 4.4 in two dimensions.
        cosine, sine = means[..., 0], means[..., 1]
        length = np.clip(np.hypot(cosine, sine), 1e-3, 1 - 1e-6)
        return {"mu": np.arctan2(sine, cosine), "kappa": length * (2 - length**2) / (1 - length**2)}

    @override
    def background(self, column: Column) -> float:
        """Return the log-density of the uniform distribution on the circle."""
        return -math.log(_TWO_PI)


def _random_variable(mu: Any, kappa: Any, size: Any) -> Any:
    import pymc as pm

    return pm.VonMises.dist(mu, kappa, size=size)


def _logp(value: Any, mu: Any, kappa: Any) -> Any:
    import pytensor.tensor as pt

    half = pt.sin(0.5 * (value - mu))
    return -2 * kappa * half * half - pt.log(_TWO_PI * pt.ive(0, kappa))


def _log_arc(lower: Any, upper: Any, mu: Any, kappa: Any, m: Any) -> Any:
    """Return the log-probability of an arc by Gauss-Legendre quadrature that follows the density.

    The arc is cut at ``mu`` and opposite of it into at most four sides, along each of which the density falls. Nodes
    are placed on a log scale from the end where it is largest, in units of the distance over which it falls by e.
    """
    start = lower - mu - _TWO_PI * m.floor((lower - mu + math.pi) / _TWO_PI)
    end = start + (upper - lower)
    turned = m.maximum(end - _TWO_PI, -math.pi)  # where the part beyond the opposite point ends
    begin = m.stack([m.maximum(start, 0.0), m.maximum(-end, 0.0), 0.0 * start, m.maximum(-turned, 0.0)])
    stop = m.stack(
        [m.maximum(m.minimum(end, math.pi), 0.0), m.maximum(-start, 0.0), m.maximum(turned, 0.0), 0.0 * start + math.pi]
    )
    nearest = m.where(stop > begin, begin, math.pi).min(axis=0)
    highest = -2 * kappa * m.sin(0.5 * nearest) ** 2
    total = _falling(begin, stop, kappa, highest, m).sum(axis=0)
    return highest + m.log(total) - m.log(_TWO_PI * m.ive(0, kappa))


def _falling(begin: Any, stop: Any, kappa: Any, highest: Any, m: Any) -> Any:
    """Return the integral of ``exp(kappa * (cos(d) - 1) - highest)`` over distances d between two in [0, pi]."""
    unit = 1 / (m.sqrt(kappa) + kappa * m.sin(begin))
    # Behind the distance at which the density has fallen by exp(-40) there is nothing left to count.
    fallen = m.sin(0.5 * begin) ** 2 + 20 / kappa
    falls = fallen < 1
    reach = m.where(falls, 2 * m.arcsin(m.sqrt(m.where(falls, fallen, 0.5))), math.pi) - begin
    span = m.log1p(m.minimum(stop - begin, reach) / unit)

    def integrand(node: Any, begin: Any, unit: Any, span: Any, kappa: Any, highest: Any) -> Any:
        half = m.sin(0.5 * (begin + unit * m.expm1(node * span)))
        # An empty side may begin above the others' highest point: it counts nothing, and must not overflow.
        return m.exp(m.minimum(-2 * kappa * half * half - highest, 0.0) + node * span)

    return weighted_sum(_LEGENDRE, integrand, (begin, unit, span, kappa, highest), m) * span * unit
