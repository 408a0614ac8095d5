"""Special functions of one double for compiled code: what normalisers of log densities and their derivatives need.

They are called once per component and evaluation, never per row, so plain loops do. Where the usual function would
cancel against its own leading term, that term is left out: `stirling_error` is log Gamma without Stirling's formula,
`log_minus_digamma` is what digamma lacks to the logarithm, `bessel_gap` what I1 / I0 lacks to 1. Log densities
written with these keep their digits however large the shape or concentration is.
"""

import math

from bayesmix.engine._jit import kernel

__all__ = ["bessel_gap", "digamma", "log_bessel_i0e", "log_beta_at_mean", "log_minus_digamma", "stirling_error"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
# From here on eight terms of the asymptotic series of log Gamma and digamma are exact to rounding.
_LARGE = 10.0
# From here on the asymptotic series of I0 reaches exp(-2 x) = 4e-18 before its terms grow.
_LARGE_BESSEL = 20.0
_NEGLIGIBLE = 1e-17


@kernel
def stirling_error(x: float) -> float:
    """Return log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x > 0.

    Abramowitz and Stegun (1964), 6.1.40; below 10 the difference itself is taken, which costs about 4e-15.
    """
    if x < _LARGE:
        difference: float = math.lgamma(x) - ((x - 0.5) * math.log(x) - x + _HALF_LOG_TWO_PI)
        return difference
    z = 1.0 / (x * x)
    s = 1.0 / 156.0 - z * (3617.0 / 122400.0)
    s = -691.0 / 360360.0 + z * s
    s = 1.0 / 1188.0 + z * s
    s = -1.0 / 1680.0 + z * s
    s = 1.0 / 1260.0 + z * s
    s = -1.0 / 360.0 + z * s
    return (1.0 / 12.0 + z * s) / x


@kernel
def _asymptotic_log_minus_digamma(x: float) -> float:
    z = 1.0 / (x * x)
    s = 1.0 / 12.0 - z * (3617.0 / 8160.0)
    s = -691.0 / 32760.0 + z * s
    s = 1.0 / 132.0 + z * s
    s = -1.0 / 240.0 + z * s
    s = 1.0 / 252.0 + z * s
    s = -1.0 / 120.0 + z * s
    s = 1.0 / 12.0 + z * s
    return 0.5 / x + z * s


@kernel
def digamma(x: float) -> float:
    """Return the derivative of log Gamma at x > 0.

    Recurrence up to 10, then the asymptotic series, Abramowitz and Stegun (1964), 6.3.5 and 6.3.18. The relative error
    is about 1e-15; near the zero at 1.46 it is the absolute one.
    """
    below = 0.0
    while x < _LARGE:
        below += 1.0 / x
        x += 1.0
    value: float = math.log(x) - _asymptotic_log_minus_digamma(x) - below
    return value


@kernel
def log_minus_digamma(x: float) -> float:
    """Return log x - digamma(x) for x > 0, about 1 / (2 x) for large x, with relative error below 2e-14."""
    if x < _LARGE:
        difference: float = math.log(x) - digamma(x)
        return difference
    return _asymptotic_log_minus_digamma(x)


@kernel
def log_beta_at_mean(mu: float, nu: float) -> float:
    """Return log B(mu nu, (1 - mu) nu) for 0 < mu < 1 and nu > 0.

    Stirling's formula for the three log Gammas, with their errors: nu log nu drops out, so that the error is that of
    the result's last place instead of that of log Gamma(nu).
    """
    a, b = mu * nu, (1.0 - mu) * nu
    errors = stirling_error(a) + stirling_error(b) - stirling_error(nu)
    value: float = (a - 0.5) * math.log(mu) + (b - 0.5) * math.log1p(-mu)
    return value + (_HALF_LOG_TWO_PI - 0.5 * math.log(nu)) + errors


@kernel
def log_bessel_i0e(x: float) -> float:
    """Return log(I0(x) exp(-x)) for x >= 0, I0 being the modified Bessel function.

    Power series below 20, whose terms are all positive, else the asymptotic series: Abramowitz and Stegun (1964),
    9.6.12 and 9.7.1.
    """
    total, term, k = 0.0, 1.0, 0.0
    if x < _LARGE_BESSEL:
        q = 0.25 * x * x
        while term > _NEGLIGIBLE * total:
            k += 1.0
            term *= q / (k * k)
            total += term
        return math.log1p(total) - x
    while term > _NEGLIGIBLE:
        k += 1.0
        term *= (2.0 * k - 1.0) * (2.0 * k - 1.0) / (8.0 * k * x)
        total += term
    return math.log1p(total) - 0.5 * math.log(x) - _HALF_LOG_TWO_PI


@kernel
def bessel_gap(x: float) -> float:
    """Return 1 - I1(x) / I0(x) for x >= 0, about 1 / (2 x) for large x, with relative error below 2e-14.

    The series of `log_bessel_i0e`. In the asymptotic one the terms of I1 are those of I0 times -(2k + 1) / (2k - 1),
    so that the difference is a sum of positive terms again.
    """
    zeroth, term, k = 1.0, 1.0, 0.0
    if x < _LARGE_BESSEL:
        q = 0.25 * x * x
        first = 1.0
        while term > _NEGLIGIBLE * zeroth:
            k += 1.0
            term *= q / (k * k)
            zeroth += term
            first += term / (k + 1.0)
        return 1.0 - 0.5 * x * first / zeroth
    difference = 0.0
    while term > _NEGLIGIBLE:
        k += 1.0
        term *= (2.0 * k - 1.0) * (2.0 * k - 1.0) / (8.0 * k * x)
        zeroth += term
        difference += term * 4.0 * k / (2.0 * k - 1.0)
    return difference / zeroth
