"""Integrals of a density over part of its range: the one method behind all probabilities of intervals.

Every continuous family has a variable z, a rising function of the value, in which its log density g is smooth, has its
peak at 0 and is concave (von Mises: falls towards both ends of the circle). There are five such *curves*, g(z) up to a
constant:

========== ============================================ =======================================================
NORMAL     -z**2 / 2                                    normal, log-normal
GAMMA      n (z - expm1 z)                              gamma with shape n; Weibull and exponential with n = 1
BETA       n (m z - log(1 + m expm1 z))                 beta with shapes n m and n (1 - m)
STUDENT    the same with m = 1 / 2                      Student's t with n degrees of freedom
VON_MISES  -2 n sin(z / 2)**2                           von Mises with concentration n
========== ============================================ =======================================================

The integral of exp(g) is taken by Gauss-Legendre panels from the highest point of the interval outwards until nothing
is left to gain. Panels are as long as 16 points allow for a Gaussian curve and for an exponential one. The left tail of
GAMMA and both tails of BETA and STUDENT become straight lines, along which panels grow geometrically, so that open
intervals of shapes far below 1 need few. Nothing is ever subtracted: an interval of any width, anywhere in the tails,
has the relative accuracy of the density itself, and the derivatives of the log probability are means over the interval.
"""

import math

import numpy as np

from bayesmix.engine._jit import inline, kernel
from bayesmix.engine.vector_math import exp

__all__ = ["BETA", "GAMMA", "NORMAL", "STUDENT", "VON_MISES", "curve_at", "part"]

NORMAL, GAMMA, BETA, STUDENT, VON_MISES = range(5)

# A panel across which g is nearly constant takes 6 points, any other one 16.
_FEW, _MANY = 6, 16
_NODES, _WEIGHTS = (
    np.concatenate(pair)
    for pair in zip(*(np.polynomial.legendre.leggauss(size) for size in (_FEW, _MANY)), strict=True)
)
# With 16 points both an exponential falling by exp(-16) and four standard deviations of a Gaussian curve, which bends
# away from its chord by 2, are right to 1e-16 of the panel's larger end. With 6 points the limits are these:
_FALL, _BEND, _LITTLE_FALL, _LITTLE_BEND, _LITTLE_STEP = 16.0, 2.0, 0.5, 0.02, 0.5
# Reached only where z is so large that its own rounding exceeds a panel, or not a number.
_MOST_PANELS, _MOST_TRIALS = 200, 60
_NOTHING = 1e-18
# Next to exp(z) for z beyond this nothing counts, and above 709 it overflows.
_LARGE = 700.0


@inline
def curve_at(curve: int, n: float, m: float, z: float) -> tuple[float, float, float]:
    """Return g at z and two further statistics that derivatives are made of.

    NORMAL: z; GAMMA: expm1 z and z expm1 z; BETA: z; STUDENT: with t = sqrt(n) sinh(z / 2), sinh / cosh**2 and tanh**2
    of z / 2; VON_MISES: sin z.
    """
    if curve == NORMAL:
        return -0.5 * z * z, z, 0.0
    if curve == GAMMA:
        e = math.expm1(z)
        return n * (z - e), e, z * e
    if curve == VON_MISES:
        s = math.sin(0.5 * z)
        return -2.0 * n * s * s, 2.0 * s * math.cos(0.5 * z), 0.0
    if curve == STUDENT:
        e = math.expm1(-abs(z))
        tangent = math.copysign(-e / (2.0 + e), z)
        g = -n * (0.5 * abs(z) + math.log1p(0.5 * e))
        return g, tangent * 2.0 * math.exp(-0.5 * abs(z)) / (2.0 + e), tangent * tangent
    # By the smaller mean: the other form would take one large number from another.
    smaller, x = (m, z) if m <= 0.5 else (1.0 - m, -z)
    growth = math.log1p(smaller * math.expm1(x)) if x < _LARGE else x + math.log(smaller)
    return n * (smaller * x - growth), z, 0.0


@inline
def _panels(curve: int, n: float, m: float) -> tuple[float, float, float, float]:
    """Return the first panel's length, the longest one where g bends, and the two ends of where it does."""
    if curve == NORMAL:
        return 4.0, 4.0, -math.inf, math.inf
    if curve == VON_MISES:
        step = min(4.0 / math.sqrt(n), 2.0)
        return step, step, -math.inf, math.inf
    if curve == GAMMA:
        return 4.0 / math.sqrt(n), 3.0, -math.log(n), math.inf
    # The singularities nearest to the line are at value 1 / 2 (z = -centre) and pi away from it.
    centre, reach = math.log(m / (1.0 - m)), math.log(max(n - 1.0, 1.0))
    return 4.0 / math.sqrt(n * m * (1.0 - m)), 3.0, -centre - reach, -centre + reach


@kernel
def _march(
    curve: int, n: float, m: float, z: float, direction: float, rest: float
) -> tuple[float, float, float, float]:
    """Integrate exp(g - g(z)) over length `rest` from z on, times 1, the two statistics, and g - g(z)."""
    step, longest, left, right = _panels(curve, n, m)
    top = here = curve_at(curve, n, m, z)[0]
    mass = first = second = third = 0.0
    for _ in range(_MOST_PANELS):
        if not rest > 0.0:
            break
        outside, ahead = (left - z, z - right) if direction < 0.0 else (z - right, left - z)
        h = min(step, rest, max(longest, 2.0 * outside, 0.5 * ahead))
        end = fall = bend = 0.0
        for _ in range(_MOST_TRIALS):
            middle = curve_at(curve, n, m, z + 0.5 * direction * h)[0]
            end = curve_at(curve, n, m, z + direction * h)[0]
            fall, bend = abs(here - end), abs(middle - 0.5 * (here + end))
            if fall <= _FALL and bend <= _BEND:
                break
            h *= max(0.95 * min(_FALL / fall, math.sqrt(_BEND / bend)), 0.05)
        few = fall <= _LITTLE_FALL and bend <= _LITTLE_BEND and h <= _LITTLE_STEP
        more = 0.0
        for i in range(0 if few else _FEW, _FEW if few else _FEW + _MANY):
            g, s, t = curve_at(curve, n, m, z + 0.5 * direction * h * (1.0 + _NODES[i]))
            f = 0.5 * h * _WEIGHTS[i] * exp(g - top)
            more += f
            first += f * s
            second += f * t
            third += f * (g - top)
        mass += more
        if not more * math.exp(-fall) > _NOTHING * mass:
            break
        z += direction * h
        rest -= h
        here = end
        # The next panel, were g the parabola of this one: slope and curvature at its end.
        slope, curvature = (fall + 4.0 * bend) / h, 8.0 * bend / (h * h)
        step = 2.0 * _FALL / (slope + math.sqrt(slope * slope + 2.0 * _FALL * curvature))
    return mass, first, second, third


@kernel
def part(curve: int, n: float, m: float, low: float, high: float, width: float) -> tuple[float, float, float, float]:
    """Integrate exp(g) over an interval of z.

    Parameters
    ----------
    curve, n, m
        Which curve, and its parameters.
    low, high
        The interval; both may be infinite (VON_MISES: within [-pi, pi]).
    width
        ``high - low``, which the caller knows without cancellation.

    Returns
    -------
    tuple of float
        The log of the integral, and the means over the interval of the two statistics of `curve_at` and of g.
    """
    start = min(max(low, 0.0), high)
    mass = first = second = third = 0.0
    if high > 0.0:
        mass, first, second, third = _march(curve, n, m, start, 1.0, width if low >= 0.0 else high)
    if low < 0.0:
        # The sum of both lengths is to be the width, which low and high may be too close to 0 to tell.
        length = width if high <= 0.0 else width - high if width < math.inf else -low
        more, s, t, g = _march(curve, n, m, start, -1.0, length)
        mass, first, second, third = mass + more, first + s, second + t, third + g
    top = curve_at(curve, n, m, start)[0]
    return top + math.log(mass), first / mass, second / mass, top + third / mass
