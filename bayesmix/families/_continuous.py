"""Distribution functions of continuous families, written once for arrays and for PyMC.

Interval data need logs of probabilities that keep their digits in both tails, and gradients that stay finite where the
interval is so far from a component that no float holds its probability: one NaN of a far component would spoil the
row. So every family here states the logs of its two tails for values strictly inside its support, in terms of a
*namespace* `m` of elementary and special functions, which is either `ARRAYS` (NumPy and SciPy) or ``pytensor.tensor``.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, override

import numpy as np
from scipy import special

from bayesmix.data import FloatArray
from bayesmix.families._base import Family

__all__ = ["ARRAYS", "Continuous", "beta_tails", "gamma_tails", "normal_tails", "weighted_sum"]

# Below this log-density, per unit of the log of the variable, quadrature takes over from special functions, which
# underflow at -745. So far out, densities fall like exponential ones: 12 Gauss-Laguerre nodes give all digits.
_FAR = -500.0
_LAGUERRE = np.polynomial.laguerre.laggauss(12)


def _log1mexp(x: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


ARRAYS: Any = SimpleNamespace(
    arcsin=np.arcsin,
    betainc=special.betainc,
    erfc=special.erfc,
    erfcx=special.erfcx,
    exp=np.exp,
    expm1=np.expm1,
    floor=np.floor,
    gammainc=special.gammainc,
    gammaincc=special.gammaincc,
    gammaln=special.gammaln,
    ive=special.ive,
    log1mexp=_log1mexp,
    log1p=np.log1p,
    log=np.log,
    maximum=np.maximum,
    minimum=np.minimum,
    sin=np.sin,
    sqrt=np.sqrt,
    stack=np.stack,
    where=np.where,
)
"""The functions of ``pytensor.tensor`` that families use, for arrays."""


class Continuous(Family):
    """A family with a density on an interval of the real line."""

    @abstractmethod
    def log_tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        """Return the logs of the distribution function and of 1 minus it at values strictly inside the support.

        Parameters
        ----------
        y : array or expression
        parameters : mapping
            As for `log_density`.
        m : namespace
            Of the functions for arrays, ``ARRAYS``, or ``pytensor.tensor``.

        Returns
        -------
        log_cdf, log_sf : array or expression

        Examples
        --------
        >>> from bayesmix.families._continuous import ARRAYS
        >>> parameters = {"mu": np.array(0.0), "sigma": np.array(1.0)}
        >>> [tail.round(3).item() for tail in bm.families.Normal().log_tails(np.array(0.0), parameters, ARRAYS)]
        [-0.693, -0.693]
        """

    def _tails(self, y: Any, parameters: Mapping[str, Any], m: Any) -> tuple[Any, Any]:
        """Return the same anywhere. Where a value is replaced, its branch must still have finite gradients."""
        below, above = y <= self.lowest, y >= self.highest
        log_cdf, log_sf = self.log_tails(m.where(below | above, self._stand_in, y), parameters, m)
        log_cdf = m.where(below, -np.inf, m.where(above, 0.0, log_cdf))
        log_sf = m.where(below, 0.0, m.where(above, -np.inf, log_sf))
        return log_cdf, log_sf

    @property
    def _stand_in(self) -> float:
        """A value inside the support."""
        return 0.5 if np.isfinite(self.highest) else 1.0

    @override
    def log_cdf(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        return np.asarray(self._tails(y, parameters, ARRAYS)[0])

    @override
    def log_sf(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        return np.asarray(self._tails(y, parameters, ARRAYS)[1])

    @override
    def interval_logp(self, lower: Any, upper: Any, parameters: Mapping[str, Any]) -> Any:
        import pytensor.tensor as pt

        below, above = self._tails(pt.as_tensor_variable(lower), parameters, pt)
        upper_below, upper_above = self._tails(pt.as_tensor_variable(upper), parameters, pt)
        # The nearer tail is chosen before the subtraction: the other one may be 0, with a gradient of NaN.
        left = below < above
        larger, smaller = pt.where(left, upper_below, above), pt.where(left, below, upper_above)
        open_ended = pt.isneginf(smaller)
        gap = pt.where(open_ended, -1.0, smaller - larger)
        return larger + pt.where(open_ended, 0.0, pt.log1mexp(gap))

    @override
    def rows_logp(self, cells: Any, parameters: Mapping[str, Any], interval: bool, present: Any) -> Any:
        if not interval:
            return super().rows_logp(cells, parameters, interval, present)
        import pymc as pm
        import pytensor.tensor as pt

        lower, upper = cells[:, 0, np.newaxis], cells[:, 1, np.newaxis]
        exact = pt.eq(lower, upper)
        point = pm.logp(self.dist(parameters), pt.where(exact, lower, self._stand_in))
        return pt.where(exact, point, self.interval_logp(pt.where(exact, self.lowest, lower), upper, parameters))


def normal_tails(z: Any, m: Any) -> tuple[Any, Any]:
    """Return the logs of the standard normal distribution function and of 1 minus it."""
    return _log_ndtr(z, m), _log_ndtr(-z, m)


def _log_ndtr(z: Any, m: Any) -> Any:
    far = z < -1.0
    outside = m.where(far, -z, 1.0) / np.sqrt(2.0)
    inside = m.where(far, 1.0, z) / np.sqrt(2.0)
    return m.where(far, m.log(0.5 * m.erfcx(outside)) - outside * outside, m.log1p(-0.5 * m.erfc(inside)))


def gamma_tails(alpha: Any, x: Any, m: Any) -> tuple[Any, Any]:
    """Return the logs of the regularised lower and upper incomplete gamma functions at x > 0."""
    left = x < alpha
    lead = alpha * m.log(x) - x - m.gammaln(alpha)
    far = lead < _FAR
    at = m.where(far, alpha, x)
    near = m.log(m.where(left, m.gammainc(alpha, at), m.gammaincc(alpha, at)))
    lower = _far_lower_gamma(alpha, m.where(far & left, x, 0.5 * alpha), m)
    upper = _far_upper_gamma(alpha, m.where(far & ~left, x, 2.0 * alpha + 1.0), m)
    nearer = m.where(far, lead + m.log(m.where(left, lower, upper)), near)
    return _both(left, nearer, m)


def beta_tails(a: Any, b: Any, x: Any, rest: Any, m: Any) -> tuple[Any, Any]:
    """Return the logs of the regularised incomplete beta function at `x` and of 1 minus it.

    `rest` is 1 - `x`, given apart since it may have digits that `x` has not.
    """
    left = x * b < rest * a
    p, q = m.where(left, a, b), m.where(left, b, a)
    u, v = m.where(left, x, rest), m.where(left, rest, x)
    lead = p * m.log(u) + q * m.log(v) + m.gammaln(p + q) - m.gammaln(p) - m.gammaln(q)
    far = lead < _FAR
    near = m.log(m.betainc(p, q, m.where(far, p / (p + q), u)))
    beyond = lead + m.log(_far_beta(p, q, m.where(far, u, 0.5 * p / (p + q)), m))
    return _both(left, m.where(far, beyond, near), m)


def _both(left: Any, nearer: Any, m: Any) -> tuple[Any, Any]:
    """Return both tails from the one that is at most about a half."""
    other = m.log1mexp(nearer)
    return m.where(left, nearer, other), m.where(left, other, nearer)


def _far_lower_gamma(a: Any, x: Any, m: Any) -> Any:
    """Return the incomplete gamma function from 0 to `x` over ``x**a * exp(-x)``, with t = x exp(-s / rate)."""
    rate = a - x

    def correction(s: Any, x: Any, rate: Any) -> Any:
        return m.exp(-x * (m.expm1(-s / rate) + s / rate))

    return weighted_sum(_LAGUERRE, correction, (x, rate), m) / rate


def _far_upper_gamma(a: Any, x: Any, m: Any) -> Any:
    """Return the incomplete gamma function from `x` on over ``x**a * exp(-x)``, with t = x (1 + s / rate)."""
    rate = x - a + 1

    def correction(s: Any, a: Any, rate: Any) -> Any:
        return m.exp((a - 1) * (m.log1p(s / rate) - s / rate))

    return weighted_sum(_LAGUERRE, correction, (a, rate), m) / rate


def _far_beta(a: Any, b: Any, x: Any, m: Any) -> Any:
    """Return the incomplete beta function over ``x**a * (1 - x)**b``, with t = x exp(-s / rate)."""
    odds = x / (1 - x)
    rate = a - (b - 1) * odds

    def correction(s: Any, b: Any, odds: Any, rate: Any) -> Any:
        return m.exp((b - 1) * (m.log1p(-odds * m.expm1(-s / rate)) - odds * s / rate))

    return weighted_sum(_LAGUERRE, correction, (b, odds, rate), m) / (rate * (1 - x))


def weighted_sum(rule: tuple[Any, Any], function: Callable[..., Any], values: tuple[Any, ...], m: Any) -> Any:
    """Return the sum over nodes and weights of a quadrature rule of ``function(node, *values)``."""
    nodes, weights = rule
    if m is ARRAYS:  # node by node, for little memory
        return sum(weight * function(node, *values) for node, weight in zip(nodes, weights, strict=True))
    return (weights * function(nodes, *(value[..., None] for value in values))).sum(axis=-1)  # for a small graph
