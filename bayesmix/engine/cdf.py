"""Log probability of an interval under every continuous family, with its derivatives by all parameters.

A value known only to lie between two bounds (rounded, binned, censored) has likelihood ``P(lower < Y < upper)``. Here
bounds are brought to the variable z in which `bayesmix.engine.incomplete` integrates, and what comes back is turned
into derivatives: for a density ``exp(g(z)) / Z`` the derivative of the log probability by a parameter is the mean over
the interval minus the mean over the whole range of one and the same function of z. The normalising constant Z and its
derivatives are integrals over the whole range, so that hardly a special function is needed and that range has
probability 1. Angles may run to any number of turns.
"""

import math

from bayesmix.engine._jit import inline, kernel
from bayesmix.engine.incomplete import BETA, GAMMA, NORMAL, STUDENT, VON_MISES, curve_at, part

__all__ = ["FAMILIES", "interval", "whole"]

#: The families; the position is the code that the functions below take.
FAMILIES = ("normal", "log_normal", "student_t", "exponential", "gamma", "weibull", "beta", "von_mises")
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_NORMAL, _LOG_NORMAL, _STUDENT_T, _EXPONENTIAL, _GAMMA, _WEIBULL, _BETA, _VON_MISES = range(8)


@inline
def _curve(code: int, a: float, b: float, c: float) -> tuple[int, float, float]:
    """Return the family's curve and the curve's two parameters."""
    if code == _STUDENT_T:
        return STUDENT, c, 0.5
    if code == _GAMMA:
        return GAMMA, b, 0.0
    if code in (_EXPONENTIAL, _WEIBULL):
        return GAMMA, 1.0, 0.0
    if code == _BETA:
        return BETA, b, a
    if code == _VON_MISES:
        return VON_MISES, b, 0.0
    return NORMAL, 0.0, 0.0


@inline
def _place(code: int, y: float, a: float, b: float, c: float) -> float:
    """Return the z of a value; minus or plus infinity at the ends of the support and beyond."""
    if code == _NORMAL:
        return (y - a) / b
    if code == _STUDENT_T:
        return 2.0 * math.asinh((y - a) / (b * math.sqrt(c)))
    if code == _VON_MISES:
        return y - a
    if y <= 0.0:
        return -math.inf
    if code == _LOG_NORMAL:
        return (math.log(y) - a) / b
    if code == _WEIBULL:
        return a * math.log(y / b)
    if code == _BETA:
        return math.inf if y >= 1.0 else math.log(y / a) - math.log((1.0 - y) / (1.0 - a))
    return math.log(y / a)


@inline
def _width(code: int, lower: float, upper: float, a: float, b: float, c: float) -> float:
    """Return the difference of the bounds' z, without cancellation where they are close."""
    if code == _NORMAL:
        return (upper - lower) / b
    if code == _VON_MISES:
        return upper - lower
    if code == _STUDENT_T:
        x, y = (lower - a) / (b * math.sqrt(c)), (upper - a) / (b * math.sqrt(c))
        difference = (upper - lower) / (b * math.sqrt(c))
        if not difference < math.inf:
            return math.inf
        if x + y < 0.0:
            x, y = -y, -x
        p, q = math.hypot(1.0, x), math.hypot(1.0, y)
        growth = p - x if x < 0.0 else 1.0 / (p + x)
        return 2.0 * math.log1p(difference * growth * (1.0 + (x + y) / (p + q)))
    if lower <= 0.0:
        return math.inf
    width = math.log1p((upper - lower) / lower)
    if code == _LOG_NORMAL:
        return width / b
    if code == _WEIBULL:
        return width * a
    if code == _BETA:
        return math.inf if upper >= 1.0 else width + math.log1p((upper - lower) / (1.0 - upper))
    return width


@inline
def _log_slope(code: int, y: float, a: float, b: float, c: float) -> float:
    """Return the log of dz/dy, which turns the density of z into that of the value."""
    if code == _NORMAL:
        return -math.log(b)
    if code == _LOG_NORMAL:
        return -math.log(b * y)
    if code == _STUDENT_T:
        return math.log(2.0 / (b * math.hypot(math.sqrt(c), (y - a) / b)))
    if code == _WEIBULL:
        return math.log(a / y)
    if code == _BETA:
        return -math.log(y) - math.log1p(-y)
    if code == _VON_MISES:
        return 0.0
    return -math.log(y)


@inline
def _derivatives(code: int, s: float, t: float, g: float, a: float, b: float, c: float) -> tuple[float, float, float]:
    """Return the derivatives by the parameters from the means of `curve_at`'s statistics and of g."""
    if code in (_NORMAL, _LOG_NORMAL):
        return s / b, -2.0 * g / b, 0.0
    if code == _STUDENT_T:
        return (c + 1.0) * s / (math.sqrt(c) * b), (c + 1.0) * t / b, g / c + 0.5 * (1.0 + 1.0 / c) * t
    if code == _EXPONENTIAL:
        return s / a, 0.0, 0.0
    if code == _GAMMA:
        return s * b / a, g / b, 0.0
    if code == _WEIBULL:
        return -t / a, s * a / b, 0.0
    return b * s, g / b, 0.0


@inline
def _log_upper_tail(x: float) -> float:
    """Return log(1 - Phi(x)) for x >= 0: beyond 25 by the asymptotic series, whose error is then below 1e-16."""
    if x < 25.0:
        return math.log(0.5 * math.erfc(x * 0.7071067811865476))
    q = 1.0 / (x * x)
    series = 1.0 - q * (1.0 - q * (3.0 - q * (15.0 - q * (105.0 - q * 945.0))))
    return -0.5 * x * x - math.log(x) - _HALF_LOG_TWO_PI + math.log(series)


@kernel
def _normal_part(low: float, high: float, width: float) -> tuple[float, float, float, float]:
    """Return what `part` does for the normal curve: by the error function where the interval is not narrow.

    The difference of two tails loses ``1 / (1 - Phi ratio)`` units in the last place, about 4 at a width of half an
    sd; below that the quadrature has few points and loses none. The means of z and -z^2 / 2 over the interval follow
    from the densities at its ends.
    """
    if width < 0.5:
        return part(NORMAL, 0.0, 0.0, low, high, width)
    flip = low + high < 0.0
    a, b = (-high, -low) if flip else (low, high)
    if a >= 0.0:
        first = _log_upper_tail(a)
        log_p = first if b == math.inf else first + math.log1p(-math.exp(_log_upper_tail(b) - first))
    else:
        outside = 0.5 * (math.erfc(-a * 0.7071067811865476) + math.erfc(b * 0.7071067811865476))
        log_p = math.log1p(-outside)
    at_a = 0.0 if a == -math.inf else math.exp(-0.5 * a * a - _HALF_LOG_TWO_PI - log_p)
    at_b = 0.0 if b == math.inf else math.exp(-0.5 * b * b - _HALF_LOG_TWO_PI - log_p)
    mean, square = at_a - at_b, 1.0
    square += a * at_a if at_a > 0.0 else 0.0
    square -= b * at_b if at_b > 0.0 else 0.0
    return log_p + _HALF_LOG_TWO_PI, -mean if flip else mean, 0.0, -0.5 * square


@kernel
def _weibull(low: float, high: float, shape: float, scale: float) -> tuple[float, float, float]:
    """Return the log probability between two values that are not close, and its derivatives by shape and scale.

    ``P = exp(-h(low)) - exp(-h(high))`` with ``h(y) = (y / scale)**shape``; all is relative to the first term.
    """
    at_low, by_low = 0.0, 0.0
    if low > 0.0:
        log_low = math.log(low / scale)
        at_low = math.exp(min(shape * log_low, 700.0))
        by_low = at_low * log_low
    if high == math.inf:
        return -at_low, -by_low, shape * at_low / scale
    log_high = math.log(high / scale)
    at_high = math.exp(min(shape * log_high, 700.0))
    ratio = math.exp(at_low - at_high)
    rest = -math.expm1(at_low - at_high)
    by_shape = (at_high * log_high * ratio - by_low) / rest
    by_scale = shape / scale * (at_low - at_high * ratio) / rest
    return -at_low + math.log(rest), by_shape, by_scale


@kernel
def _arc(concentration: float, low: float, width: float) -> tuple[float, float, float, float]:
    """Integrate over an arc from the angle `low`, counted from the peak; in two parts if it meets the antimode."""
    low -= 2.0 * math.pi * math.floor(low / (2.0 * math.pi) + 0.5)
    high = low + width
    if high <= math.pi:
        return part(VON_MISES, concentration, 0.0, low, high, width)
    right = math.pi - low
    one, s, t, g = part(VON_MISES, concentration, 0.0, low, math.pi, right)
    two, u, v, h = part(VON_MISES, concentration, 0.0, -math.pi, high - 2.0 * math.pi, width - right)
    top = max(one, two)
    p, q = math.exp(one - top), math.exp(two - top)
    p, q, total = p / (p + q), q / (p + q), top + math.log(p + q)
    return total, p * s + q * u, p * t + q * v, p * g + q * h


@kernel
def whole(code: int, a: float, b: float, c: float) -> tuple[float, float, float, float]:
    """Return what `interval` needs of the whole range: the log of the integral, and the three means over it.

    They depend on the parameters alone: compute them once per component.
    """
    curve, n, m = _curve(code, a, b, c)
    end = math.pi if curve == VON_MISES else math.inf
    return part(curve, n, m, -end, end, 2.0 * end)


@kernel
def interval(
    code: int,
    lower: float,
    upper: float,
    a: float,
    b: float,
    c: float,
    over_all: tuple[float, float, float, float],
) -> tuple[float, float, float, float]:
    """Log probability of an interval, or log density of a value, and the derivatives.

    Parameters
    ----------
    code
        Position in `FAMILIES`.
    lower, upper
        The bounds, ``lower <= upper``, in the units of the value; at or beyond the ends of the support: open. Where
        they are equal the value is known exactly, and its log density is returned.
    a, b, c
        The family's parameters, in the order of the package; those it does not have are ignored.
    over_all
        What `whole` returns for the same parameters.

    Returns
    -------
    tuple of float
        The log probability, at most 0, or the log density; its derivatives with respect to a, b and c.
    """
    curve, n, m = _curve(code, a, b, c)
    if code == _VON_MISES:
        lower = -math.pi if lower == -math.inf else lower
        upper = math.pi if upper == math.inf else upper
    low = _place(code, lower, a, b, c)
    if lower == upper:
        g, s, t = curve_at(curve, n, m, low)
        value = g - over_all[0] + _log_slope(code, lower, a, b, c)
    else:
        high, width = _place(code, upper, a, b, c), _width(code, lower, upper, a, b, c)
        if code in (_EXPONENTIAL, _WEIBULL) and width > 0.5:
            shape, scale = (1.0, a) if code == _EXPONENTIAL else (a, b)
            value, by_shape, by_scale = _weibull(lower, upper, shape, scale)
            return (value, by_scale, 0.0, 0.0) if code == _EXPONENTIAL else (value, by_shape, by_scale, 0.0)
        if code == _VON_MISES:
            value, s, t, g = _arc(n, low, width)
        elif curve == NORMAL:
            value, s, t, g = _normal_part(low, high, width)
        else:
            value, s, t, g = part(curve, n, m, low, high, width)
        value = min(value - over_all[0], 0.0)
    da, db, dc = _derivatives(code, s - over_all[1], t - over_all[2], g - over_all[3], a, b, c)
    return value, da, db, dc
