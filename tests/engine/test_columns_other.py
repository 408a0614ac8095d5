"""The kernels of Student t, Weibull and negative binomial columns against SciPy, closed forms, finite differences."""

import numpy as np
import pytest
from scipy import special, stats

from tests.engine.kernel_harness import finite_differences, run

K = 3
N = 300  # more than one block of rows


def _student_t(y, theta):
    mu, sigma, nu = theta
    return stats.t.logpdf(y, nu, mu, sigma)


def _weibull(y, theta):
    alpha, beta = theta
    return stats.weibull_min.logpdf(y, alpha, scale=beta)


def _negative_binomial(y, theta):
    mu, alpha = theta
    return stats.nbinom.logpmf(y, alpha, alpha / (alpha + mu))


DENSITIES = {"student_t": _student_t, "weibull": _weibull, "negative_binomial": _negative_binomial}
FAMILIES = sorted(DENSITIES)


def _problem(name, p=2, seed=1):
    """Return cells (n, p), parameters (parameters, p, K) and weights (K, n)."""
    rng = np.random.default_rng(seed)
    if name == "student_t":
        y = 3.0 * rng.standard_t(2.0, (N, p))
        theta = [rng.normal(size=(p, K)), rng.uniform(0.3, 4.0, (p, K)), rng.uniform(0.7, 30.0, (p, K))]
    elif name == "weibull":
        y = rng.weibull(1.3, (N, p)) * 5.0
        theta = [rng.uniform(0.4, 4.0, (p, K)), rng.uniform(2.0, 9.0, (p, K))]
    else:
        y = rng.negative_binomial(2.0, 0.2, (N, p)).astype(float)
        theta = [rng.uniform(0.5, 20.0, (p, K)), rng.uniform(0.3, 30.0, (p, K))]
    return y, np.array(theta), rng.uniform(size=(K, N))


def _expected(name, y, theta):
    """Log densities (K, n), those of missing cells being 0."""
    cells = DENSITIES[name](y.T[:, None, :], theta[..., None])
    return np.where(np.isnan(y.T)[:, None, :], 0.0, cells).sum(axis=0)


@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_columns_match_scipy_and_finite_differences(name, p):
    y, theta, weights = _problem(name, p)
    out = run(name, list(y.T), theta, weights)
    np.testing.assert_allclose(out.tile + out.constants, _expected(name, y, theta), rtol=1e-12, atol=1e-12)
    slopes = finite_differences(name, list(y.T), theta, weights)
    np.testing.assert_allclose(out.gradient, slopes, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_missing_cells_add_nothing(name):
    y, theta, weights = _problem(name)
    y[np.random.default_rng(2).uniform(size=y.shape) < 0.3] = np.nan
    y[5] = np.nan
    out = run(name, list(y.T), theta, weights)
    np.testing.assert_allclose(out.tile + out.constants, _expected(name, y, theta), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(out.tile[:, 5] + out.constants[5], 0.0)
    for c in range(y.shape[1]):
        seen = ~np.isnan(y[:, c])
        alone = run(name, [y[seen, c]], theta[:, [c]], weights[:, seen])
        np.testing.assert_allclose(out.gradient[:, [c]], alone.gradient, rtol=1e-11)


@pytest.mark.parametrize("name", FAMILIES)
def test_start_values_replace_what_the_tile_holds(name):
    y, theta, weights = _problem(name)
    start = np.array([-1.5, 0.25, -30.0])
    plain = run(name, list(y.T), theta, weights)
    out = run(name, list(y.T), theta, weights, start=start)
    np.testing.assert_allclose(out.tile, plain.tile + start[:, None], rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(out.gradient, plain.gradient)


def _one(name, y, *parameters):
    """One column, one component, all weights one."""
    y = np.asarray(y, dtype=float)
    return run(name, [y], np.reshape(parameters, (-1, 1, 1)), np.ones((1, y.size)))


@pytest.mark.parametrize("nu", [0.1, 0.5, 1.0, 19.9, 20.1, 300.0])
def test_student_t_from_heavy_to_light_tails(nu):
    y = np.concatenate([np.linspace(-8.0, 9.0, 101), [-1e6, 1e12]])
    out = _one("student_t", y, 0.5, 2.0, nu)
    np.testing.assert_allclose(out.tile[0] + out.constants, _student_t(y, (0.5, 2.0, nu)), rtol=2e-13, atol=2e-13)
    t = (y - 0.5) / 2.0
    s = t**2 / nu
    digammas = special.digamma(0.5 * nu + 0.5) - special.digamma(0.5 * nu) - 1.0 / nu
    by_nu = 0.5 * (digammas - np.log1p(s) + s / (1 + s) * (1 + 1 / nu))
    np.testing.assert_allclose(out.gradient[2, 0, 0], by_nu.sum(), rtol=1e-11, atol=1e-11 * np.abs(by_nu).sum())
    by_mu = (nu + 1) / nu * t / (1 + s) / 2.0
    np.testing.assert_allclose(out.gradient[0, 0, 0], by_mu.sum(), rtol=1e-11, atol=1e-12)
    by_sigma = ((nu + 1) * s / (1 + s) - 1) / 2.0
    np.testing.assert_allclose(out.gradient[1, 0, 0], by_sigma.sum(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("nu", [1e5, 1e6, 1e8])
def test_student_t_with_many_degrees_of_freedom_is_nearly_normal(nu):
    # log t = log normal + (t**4 - 2 t**2 - 1) / (4 nu) + O(1 / nu**2)
    y = np.linspace(-3.0, 4.0, 50)
    t = (y - 0.5) / 2.0
    out = _one("student_t", y, 0.5, 2.0, nu)
    excess = (t**4 - 2 * t**2 - 1) / (4 * nu)
    expected = stats.norm.logpdf(y, 0.5, 2.0) + excess
    np.testing.assert_allclose(out.tile[0] + out.constants, expected, rtol=0, atol=1e-14 + 20 / nu**2)
    np.testing.assert_allclose(out.gradient[2, 0, 0], -excess.sum() / nu, rtol=50 / nu + 1e-16 * nu)


def test_student_t_is_even_about_its_mean_and_flat_there():
    out = _one("student_t", [-3.0, -1.0, 1.0, 3.0], 0.0, 1.0, 3.0)
    np.testing.assert_array_equal(out.tile[0, :2], out.tile[0, :1:-1])
    np.testing.assert_allclose(out.gradient[0], 0.0, atol=1e-15)


@pytest.mark.parametrize(("alpha", "beta"), [(0.05, 3.0), (1.0, 1e-6), (40.0, 2.0), (2.0, 1e8)])
def test_weibull_with_extreme_parameters(alpha, beta):
    y = beta * np.array([1e-3, 0.3, 0.9, 1.0, 1.1, 1.15])
    out = _one("weibull", y, alpha, beta)
    np.testing.assert_allclose(out.tile[0] + out.constants, _weibull(y, (alpha, beta)), rtol=1e-12, atol=1e-12)
    w = alpha * np.log(y / beta)
    by_alpha, by_beta = (1 + (1 - np.exp(w)) * w) / alpha, (np.exp(w) - 1) * alpha / beta
    np.testing.assert_allclose(out.gradient[0, 0, 0], by_alpha.sum(), rtol=1e-11)
    np.testing.assert_allclose(out.gradient[1, 0, 0], by_beta.sum(), rtol=1e-11)


def test_weibull_far_beyond_its_scale_is_as_good_as_impossible():
    out = _one("weibull", [1.0, 1e10], 500.0, 1e-3)
    assert (out.tile < -1e250).all()
    assert np.isfinite(out.tile).all()
    assert np.isfinite(out.gradient).all()


def _rising(y, mu, alpha):
    """Negative binomial log probabilities and their alpha derivatives from sums over i < y."""
    steps = [np.arange(int(count)) for count in y]
    value = np.array([np.log1p(i / alpha).sum() for i in steps])
    slope = np.array([-(i / (alpha * (alpha + i))).sum() for i in steps])
    log_p = value + y * np.log(mu) - (alpha + y) * np.log1p(mu / alpha) - special.gammaln(y + 1)
    m = mu / alpha
    remainder = -np.log1p(m) + m / (1 + m) if m > 1e-4 else -(m**2) / 2 + 2 * m**3 / 3
    return log_p, slope + remainder + y * m / (alpha * (1 + m))


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 0.7, 9.99, 10.0, 250.0, 1e5])
def test_negative_binomial_from_overdispersed_to_nearly_poisson(alpha):
    y, mu = np.array([0.0, 1.0, 2.0, 3.0, 7.0, 12.0, 40.0, 900.0, 3000.0]), 11.0
    out = _one("negative_binomial", y, mu, alpha)
    log_p, by_alpha = _rising(y, mu, alpha)
    np.testing.assert_allclose(out.tile[0] + out.constants, log_p, rtol=2e-13, atol=2e-11)
    np.testing.assert_allclose(out.gradient[1, 0, 0] * alpha, by_alpha.sum() * alpha, rtol=1e-11, atol=2e-12)
    by_mu = alpha * (y - mu) / (mu * (alpha + mu))
    np.testing.assert_allclose(out.gradient[0, 0, 0], by_mu.sum(), rtol=1e-12)


def test_negative_binomial_tends_to_poisson():
    y, mu, alpha = np.arange(30.0), 11.0, 1e8
    out = _one("negative_binomial", y, mu, alpha)
    # log p = log Poisson + ((y - mu)**2 - y) / (2 alpha) + O(1 / alpha**2)
    excess = ((y - mu) ** 2 - y) / (2 * alpha)
    np.testing.assert_allclose(out.tile[0] + out.constants, stats.poisson.logpmf(y, mu) + excess, rtol=0, atol=1e-12)
    np.testing.assert_allclose(out.gradient[1, 0, 0], -excess.sum() / alpha, rtol=1e-5)


def test_negative_binomial_is_one_in_all():
    y = np.arange(4000.0)
    for mu, alpha in [(0.3, 0.2), (40.0, 3.0), (150.0, 60.0)]:
        out = _one("negative_binomial", y, mu, alpha)
        np.testing.assert_allclose(np.exp(out.tile[0] + out.constants).sum(), 1.0, rtol=1e-11)
