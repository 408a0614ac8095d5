"""Column kernels of exponential families: density against SciPy, gradient against scores and finite differences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special, stats

from tests.engine.kernel_harness import Doubles, finite_differences, run

N, K = 300, 3  # more than one block of rows
RNG_SEED = 4


@dataclass(frozen=True)
class Case:
    """One family: cells, parameters (parameters, K), and its density and derivatives by SciPy."""

    draw: Callable[[np.random.Generator], Doubles]  # (n, width)
    theta: Doubles
    log_density: Callable[..., Doubles]  # (cells (width, n), *parameters (K, 1)) -> (K, n)
    score: Callable[..., tuple[Doubles, ...]]  # the same -> one (K, n) per parameter


def _gamma_score(y: Doubles, mu: Doubles, alpha: Doubles) -> tuple[Doubles, ...]:
    t = y / mu
    return alpha * (t - 1) / mu, np.log(t) - t + 1 + np.log(alpha) - special.digamma(alpha)


def _beta_score(y: Doubles, mu: Doubles, nu: Doubles) -> tuple[Doubles, ...]:
    a = np.log(y) - special.digamma(mu * nu) + special.digamma(nu)
    b = np.log1p(-y) - special.digamma((1 - mu) * nu) + special.digamma(nu)
    return nu * (a - b), mu * a + (1 - mu) * b


CASES = {
    "poisson": Case(
        lambda rng: rng.poisson(5.0, N),
        np.array([[0.3, 4.0, 25.0]]),
        lambda y, mu: stats.poisson.logpmf(y, mu),
        lambda y, mu: (y / mu - 1,),
    ),
    "exponential": Case(
        lambda rng: rng.exponential(2.0, N),
        np.array([[0.1, 2.0, 30.0]]),
        lambda y, scale: stats.expon.logpdf(y, scale=scale),
        lambda y, scale: ((y / scale - 1) / scale,),
    ),
    "gamma": Case(
        lambda rng: rng.gamma(2.0, 3.0, N),
        np.array([[1.0, 6.0, 20.0], [0.4, 2.0, 90.0]]),
        lambda y, mu, alpha: stats.gamma.logpdf(y, alpha, scale=mu / alpha),
        _gamma_score,
    ),
    "beta": Case(
        lambda rng: rng.beta(2.0, 3.0, N),
        np.array([[0.1, 0.5, 0.7], [0.7, 4.0, 60.0]]),
        lambda y, mu, nu: stats.beta.logpdf(y, mu * nu, (1 - mu) * nu),
        _beta_score,
    ),
    "von_mises": Case(
        lambda rng: rng.uniform(-np.pi, np.pi, N),
        np.array([[-2.0, 0.1, 2.5], [0.05, 0.8, 40.0]]),
        lambda y, mu, kappa: stats.vonmises.logpdf(y, kappa, loc=mu),
        lambda y, mu, kappa: (
            kappa * np.sin(y - mu),
            np.cos(y - mu) - special.i1e(kappa) / special.i0e(kappa),
        ),
    ),
    "binomial": Case(
        lambda rng: np.stack([rng.binomial(15, 0.3, N), rng.integers(15, 40, N)], axis=1),
        np.array([[0.02, 0.4, 0.8]]),
        lambda y, n, p: stats.binom.logpmf(y, n, p),
        lambda y, n, p: (y / p - (n - y) / (1 - p),),
    ),
    "bernoulli": Case(
        lambda rng: rng.integers(0, 2, N),
        np.array([[0.02, 0.4, 0.8]]),
        lambda y, p: stats.bernoulli.logpmf(y, p),
        lambda y, p: (y / p - (1 - y) / (1 - p),),
    ),
    "log_normal": Case(
        lambda rng: rng.lognormal(1.0, 1.5, N),
        np.array([[-1.0, 0.5, 3.0], [0.3, 1.0, 2.0]]),
        lambda y, mu, sigma: stats.lognorm.logpdf(y, sigma, scale=np.exp(mu)),
        lambda y, mu, sigma: (
            (np.log(y) - mu) / sigma**2,
            ((np.log(y) - mu) ** 2 / sigma**2 - 1) / sigma,
        ),
    ),
}


def _problem(name: str, p: int, missing: bool) -> tuple[list[Doubles], Doubles, Doubles]:
    """Return cells, parameters (parameters, p, K) that differ by column, and weights; the second column is complete."""
    rng, case = np.random.default_rng(RNG_SEED), CASES[name]
    cells = [np.asarray(case.draw(rng), dtype=float).reshape(N, -1) for _ in range(p)]
    if missing:
        for column in cells[::2]:
            column[rng.random(N) < 0.2, 0] = np.nan
    theta = case.theta[:, None, :] * np.linspace(1.0, 1.2, p)[:, None]
    return cells, theta, rng.dirichlet(np.ones(K), N).T * rng.integers(1, 4, N)


def _expected(name: str, cells: list[Doubles], theta: Doubles, weights: Doubles) -> tuple[Doubles, Doubles]:
    """Return the log density (K, n) and the gradient of its weighted sum, by SciPy."""
    case, table, gradient = CASES[name], np.zeros(weights.shape), np.empty(theta.shape)
    for c, column in enumerate(cells):
        present = ~np.isnan(column[:, 0])
        parameters = theta[:, c, :, None]
        table[:, present] += case.log_density(*column[present].T, *parameters)
        score = case.score(*column[present].T, *parameters)
        gradient[:, c] = [(weights[:, present] * s).sum(axis=1) for s in score]
    return table, gradient


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_density_and_gradient_equal_scipy(name: str, p: int, missing: bool) -> None:
    cells, theta, weights = _problem(name, p, missing)
    table, gradient = _expected(name, cells, theta, weights)
    found = run(name, cells, theta, weights)
    np.testing.assert_allclose(found.tile + found.constants, table, rtol=1e-12, atol=1e-12)
    scale = np.abs(gradient).max(axis=(1, 2), keepdims=True)
    assert (np.abs(found.gradient - gradient) / scale).max() < 1e-13
    start = np.array([-1.0, 0.25, -3.0])
    begun = run(name, cells, theta, weights, start=start)
    np.testing.assert_allclose(begun.tile, found.tile + start[:, None], rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(begun.gradient, found.gradient)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_finite_differences(name: str, missing: bool) -> None:
    cells, theta, weights = _problem(name, 2, missing)
    found = run(name, cells, theta, weights).gradient
    slopes = finite_differences(name, cells, theta, weights)
    for row, slope in zip(found, slopes, strict=True):  # parameters have derivatives of different size
        np.testing.assert_allclose(row, slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())


@pytest.mark.parametrize("name", CASES)
def test_missing_cells_add_nothing(name: str) -> None:
    cells, theta, weights = _problem(name, 1, missing=True)
    gone = np.isnan(cells[0][:, 0])
    assert gone.any()
    found = run(name, cells, theta, weights, start=np.zeros(K))
    assert (found.tile[:, gone] == 0.0).all()
    assert (found.constants[gone] == 0.0).all()
    rest = run(name, [cells[0][~gone]], theta, weights[:, ~gone], start=np.zeros(K))
    np.testing.assert_allclose(found.gradient, rest.gradient, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.tile[:, ~gone], rest.tile, rtol=1e-13, atol=1e-13)
    nothing = np.full_like(cells[0], np.nan)
    empty = run(name, [nothing], theta, weights, start=np.zeros(K))
    assert (empty.tile == 0.0).all()
    np.testing.assert_array_equal(empty.gradient, 0.0)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("n_categories", [2, 5, 40])
def test_categorical_looks_up_and_counts(n_categories: int, missing: bool) -> None:
    rng = np.random.default_rng(RNG_SEED)
    codes = rng.integers(0, n_categories, N).astype(float)
    weights = rng.dirichlet(np.ones(K), N).T * 2.0
    if missing:
        codes[rng.random(N) < 0.2] = np.nan
    present = ~np.isnan(codes)
    theta = np.log(rng.dirichlet(np.ones(n_categories), K).T)[:, None, :]
    onehot = codes[present] == np.arange(n_categories)[:, None]
    for start in (None, np.array([-1.0, 0.5, 2.0])):
        found = run("categorical", [codes[:, None]], theta, weights, start=start, option=n_categories)
        begin = np.zeros((K, 1)) if start is None else start[:, None]
        np.testing.assert_allclose(found.tile[:, present], begin + theta[:, 0].T @ onehot, rtol=1e-14, atol=1e-14)
        np.testing.assert_array_equal(found.tile[:, ~present] - begin, 0.0)
        np.testing.assert_array_equal(found.constants, 0.0)
        np.testing.assert_allclose(found.gradient[:, 0], onehot @ weights[:, present].T, rtol=1e-13)
    slopes = finite_differences("categorical", [codes[:, None]], theta, weights, option=n_categories)
    np.testing.assert_allclose(found.gradient, slopes, rtol=1e-6, atol=1e-6 * np.abs(slopes).max())


# Extreme parameters: the forms below cancel nothing and are evaluated in extended precision.
_TWO_PI = 2 * np.longdouble("3.14159265358979323846264338327950288")


def _stirling(x: Doubles) -> Doubles:
    """Return log Gamma(x) - (x log x - x) in extended precision, x >= 20."""
    x = np.asarray(x, dtype=np.longdouble)
    return 0.5 * np.log(_TWO_PI / x) + 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5) - 1 / (1680 * x**7)


def _error(name: str, cells: Doubles, theta: list[float], exact: Doubles) -> float:
    """Return the largest absolute error of one component's log density with its constants."""
    columns = np.asarray(theta)[:, None, None]
    found = run(name, [cells], columns, np.ones((1, len(cells))), start=np.zeros(1))
    return float(np.abs((found.tile[0].astype(np.longdouble) + found.constants) - exact).max())


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize(("alpha", "tolerance"), [(1e4, 1e-11), (1e6, 1e-9)])
def test_gamma_of_large_shape(alpha: float, tolerance: float, unit: float) -> None:
    rng, mus = np.random.default_rng(1), np.array([0.2, 1.0, 5.0]) * unit
    y = rng.gamma(alpha, mus[:, None] / alpha, (3, 80))
    x = y.astype(np.longdouble)
    t = x / mus[:, None].astype(np.longdouble)
    exact = alpha * (np.log(t) - t + 1) - _stirling(alpha) - np.log(x)
    theta = np.stack([mus, np.full(3, alpha)])[:, None, :]
    found = run("gamma", [y.reshape(-1, 1)], theta, np.ones((3, 240)), start=np.zeros(3))
    density = (found.tile.astype(np.longdouble) + found.constants).reshape(3, 3, 80)
    own = density[np.arange(3), np.arange(3)]  # rows of other components are a million nats away
    assert np.abs(own - exact).max() < tolerance


@pytest.mark.parametrize(("nu", "tolerance"), [(1e4, 2e-11), (1e6, 1e-9)])
@pytest.mark.parametrize("mu", [1e-3, 0.5, 0.97])
def test_beta_of_large_precision(mu: float, nu: float, tolerance: float) -> None:
    a, b = mu * nu, (1 - mu) * nu
    y = np.random.default_rng(1).beta(a, b, 200)
    x, p, q = y.astype(np.longdouble), np.longdouble(mu), 1 - np.longdouble(mu)
    if min(a, b) < 20:
        exact = stats.beta.logpdf(y, a, b)
    else:
        exact = nu * (p * np.log(x / p) + q * np.log1p(-x) - q * np.log(q)) - np.log(x) - np.log1p(-x)
        exact += _stirling(nu) - _stirling(a) - _stirling(b)
    assert _error("beta", y[:, None], [mu, nu], exact) < tolerance


@pytest.mark.parametrize(("kappa", "tolerance"), [(1e-8, 1e-15), (1e4, 5e-13), (1e6, 2e-12), (1e8, 2e-11)])
@pytest.mark.parametrize("mu", [0.3, -3.1])
def test_von_mises_of_any_concentration(mu: float, kappa: float, tolerance: float) -> None:
    rng = np.random.default_rng(1)
    y = mu + np.clip(rng.standard_normal(200) / np.sqrt(kappa), -np.pi, np.pi)
    half = (y.astype(np.longdouble) - np.longdouble(mu)) / 2
    exact = -2 * kappa * np.sin(half) ** 2 - np.log(_TWO_PI) - np.log(special.i0e(kappa))
    assert _error("von_mises", y[:, None], [mu, kappa], exact) < tolerance


def test_von_mises_gradient_at_high_concentration() -> None:
    kappa, mu = 1e6, 0.4
    y = mu + np.random.default_rng(1).standard_normal(200) / np.sqrt(kappa)
    found = run("von_mises", [y[:, None]], np.array([mu, kappa])[:, None, None], np.ones((1, 200)))
    s = np.sin((y.astype(np.longdouble) - np.longdouble(mu)) / 2)
    gap = 1 / (2 * kappa) + 1 / (8 * kappa**2)
    expected = [float(kappa * np.sin(2 * np.arcsin(s)).sum()), float((gap - 2 * s**2).sum())]
    np.testing.assert_allclose(found.gradient[:, 0, 0], expected, rtol=1e-9)


@pytest.mark.parametrize(("mu", "tolerance"), [(1e4, 1e-10), (1e6, 2e-8)])
def test_poisson_of_large_counts(mu: float, tolerance: float) -> None:
    y = np.random.default_rng(1).poisson(mu, 200).astype(float)
    x = y.astype(np.longdouble)
    exact = x * np.log(mu / x) - (mu - x) - _stirling(y) - np.log(x)
    assert _error("poisson", y[:, None], [mu], exact) < tolerance


@pytest.mark.parametrize("p", [0.3, 0.999])
def test_binomial_of_many_trials(p: float) -> None:
    n = 1e6
    y = np.random.default_rng(1).binomial(int(n), p, 200).astype(float)
    x, z = y.astype(np.longdouble), n - y.astype(np.longdouble)
    exact = x * np.log(np.longdouble(p)) + z * np.log(1 - np.longdouble(p))
    found = run("binomial", [np.stack([y, np.full(200, n)], axis=1)], np.array([[[p]]]), np.ones((1, 200)))
    np.testing.assert_allclose(found.tile[0], exact.astype(float), atol=5e-10, rtol=0)
    np.testing.assert_allclose(found.tile[0] + found.constants, stats.binom.logpmf(y, n, p), atol=1e-8, rtol=0)


def test_certain_outcomes_have_log_probability_zero() -> None:
    cells, theta = np.array([[0.0], [1.0]]), np.array([[[0.0, 1.0]]])
    found = run("bernoulli", [cells], theta, np.ones((2, 2)), start=np.zeros(2))
    assert found.tile[0, 0] == found.tile[1, 1] == 0.0
    assert max(found.tile[0, 1], found.tile[1, 0]) < -1e299
