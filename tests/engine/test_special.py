"""Special functions of compiled kernels against SciPy, and against identities where SciPy has no such function."""

import math

import numpy as np
import pytest
from scipy import special

from bayesmix.engine.special import (
    bessel_gap,
    digamma,
    log_bessel_i0e,
    log_beta_at_mean,
    log_minus_digamma,
    stirling_error,
)

#: Many orders of magnitude, the range where most cancels, and both sides of every change of method.
GRID = np.concatenate(
    [
        np.geomspace(1e-8, 1e8, 161),
        np.linspace(0.05, 45.0, 200),
        np.nextafter(10.0, [0.0, 20.0]),
        np.nextafter(20.0, [0.0, 40.0]),
        [1.0, 2.0],
    ]
)


def test_digamma() -> None:
    exact = special.digamma(GRID)
    np.testing.assert_allclose([digamma(x) for x in GRID], exact, rtol=2e-15, atol=2e-15)
    assert digamma(1.0) == pytest.approx(-0.5772156649015329, rel=1e-15)
    assert digamma(0.5) == pytest.approx(-0.5772156649015329 - 2 * math.log(2), rel=1e-15)


def test_log_minus_digamma_keeps_its_digits() -> None:
    found = np.array([log_minus_digamma(x) for x in GRID])
    small = GRID < 10
    np.testing.assert_allclose(found[small], np.log(GRID[small]) - special.digamma(GRID[small]), rtol=2e-14)
    x = GRID[GRID > 1e5]
    np.testing.assert_allclose(found[GRID > 1e5], 0.5 / x + 1 / (12 * x**2), rtol=1e-15)
    # digamma(x + 1) = digamma(x) + 1 / x ties the series to the recurrence.
    for x in np.geomspace(5.0, 1e6, 40):
        step = log_minus_digamma(x) - log_minus_digamma(x + 1.0)
        assert step == pytest.approx(1 / x - math.log1p(1 / x), rel=1e-12, abs=1e-17)


def test_stirling_error() -> None:
    found = np.array([stirling_error(x) for x in GRID])
    x = GRID.astype(np.longdouble)
    stirling = (x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.longdouble(np.pi))
    small = GRID < 50
    np.testing.assert_allclose(found[small], (special.gammaln(GRID) - stirling)[small], rtol=1e-14, atol=5e-14)
    large = GRID > 1e4
    np.testing.assert_allclose(found[large], 1 / (12 * GRID[large]) - 1 / (360 * GRID[large] ** 3), rtol=1e-15)
    # Gamma(x + 1) = x Gamma(x) ties the series to math.lgamma.
    for x in np.geomspace(5.0, 1e3, 40):
        exact = np.longdouble(x)
        step = (exact + 0.5) * np.log1p(1 / exact) - 1
        assert stirling_error(x) - stirling_error(x + 1.0) == pytest.approx(float(step), abs=4e-15)


@pytest.mark.parametrize("mu", [1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6])
def test_log_beta_at_mean(mu: float) -> None:
    nu = np.geomspace(1e-4, 1e3, 60)
    exact = special.betaln(mu * nu, (1.0 - mu) * nu)
    np.testing.assert_allclose([log_beta_at_mean(mu, x) for x in nu], exact, rtol=1e-12, atol=1e-12)


def test_log_beta_of_large_arguments() -> None:
    # B(n, n) = 2 / (n C(2n, n)), and log C(2n, n) = 2n log 2 - log(pi n) / 2 - 1 / (8n) + 1 / (192 n**3) - ...
    for n in (1e3, 1e6, 1e8):
        binomial = 2 * n * math.log(2) - 0.5 * math.log(math.pi * n) - 1 / (8 * n) + 1 / (192 * n**3)
        assert log_beta_at_mean(0.5, 2 * n) == pytest.approx(math.log(2 / n) - binomial, rel=5e-16)


def test_log_bessel_i0e() -> None:
    np.testing.assert_allclose([log_bessel_i0e(x) for x in GRID], np.log(special.i0e(GRID)), rtol=2e-15, atol=1e-15)
    assert log_bessel_i0e(0.0) == 0.0
    assert log_bessel_i0e(1e-8) == pytest.approx(-1e-8 + 2.5e-17, rel=1e-15)


def test_bessel_gap() -> None:
    found = np.array([bessel_gap(x) for x in GRID])
    np.testing.assert_allclose(1.0 - found, special.i1e(GRID) / special.i0e(GRID), rtol=1e-14, atol=1e-15)
    x = GRID[GRID > 1e3]
    series = (1 + 1 / (4 * x) + 1 / (4 * x**2) + 25 / (64 * x**3) + 13 / (16 * x**4)) / (2 * x)
    np.testing.assert_allclose(found[GRID > 1e3], series, rtol=1e-14)
    assert bessel_gap(0.0) == 1.0


@pytest.mark.parametrize("function", [digamma, log_minus_digamma, stirling_error, log_bessel_i0e, bessel_gap])
def test_nan_is_passed_on(function: object) -> None:
    assert math.isnan(function(math.nan))  # type: ignore[operator]
