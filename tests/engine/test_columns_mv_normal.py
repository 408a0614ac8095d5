"""The kernel of correlated normal columns against SciPy, closed forms of two columns, and finite differences."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tests.engine.kernel_harness import Outcome, finite_differences, run

K = 3
N = 300  # more than one block of rows


def _pairs(p):
    return [(i, j) for i in range(p) for j in range(i)]


def _theta(mu, sigma, corr):
    """Lay out parameters from means (p, K), standard deviations (p, K) and correlation matrices (K, p, p)."""
    p = len(mu)
    pairs = np.array([corr[:, i, j] for i, j in _pairs(p)]).reshape(len(_pairs(p)), len(corr))
    return np.concatenate([mu, sigma, pairs])


def _problem(p, seed=1):
    rng = np.random.default_rng(seed)
    y = rng.normal(1.0, 2.0, (N, p))
    roots = rng.normal(size=(K, p, p + 2))
    cov = roots @ roots.transpose(0, 2, 1)
    sd = np.sqrt(np.einsum("kii->ki", cov))
    corr = cov / (sd[:, :, None] * sd[:, None, :])
    mu, sigma = rng.normal(size=(p, K)), rng.uniform(0.5, 3.0, (p, K))
    return y, mu, sigma, corr, rng.uniform(size=(K, N))


def _expected(y, mu, sigma, corr):
    """Log densities (K, n) of the observed cells of every row."""
    out = np.zeros((mu.shape[1], len(y)))
    for k in range(mu.shape[1]):
        covariance = corr[k] * np.outer(sigma[:, k], sigma[:, k])
        for row, cells in enumerate(y):
            seen = np.flatnonzero(~np.isnan(cells))
            if seen.size:
                marginal = multivariate_normal(mu[seen, k], covariance[np.ix_(seen, seen)])
                out[k, row] = marginal.logpdf(cells[seen])
    return out


def _columns(y):
    return list(y.T)


def _patterns(y):
    return np.unique(np.isnan(y), axis=0, return_inverse=True)[1].astype(float).reshape(1, -1)


@pytest.mark.parametrize("p", [1, 2, 3, 4, 5, 6, 7, 9])
def test_complete_rows_match_scipy_and_finite_differences(p):
    y, mu, sigma, corr, weights = _problem(p)
    theta = _theta(mu, sigma, corr)
    out = run("mv_normal", _columns(y), theta, weights)
    np.testing.assert_allclose(out.tile + out.constants, _expected(y, mu, sigma, corr), rtol=1e-11, atol=1e-11)
    expected = finite_differences("mv_normal", _columns(y), theta, weights)
    np.testing.assert_allclose(out.gradient, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_start_values_replace_what_the_tile_holds():
    y, mu, sigma, corr, weights = _problem(6)
    theta, start = _theta(mu, sigma, corr), np.array([-1.5, 0.25, -30.0])
    plain = run("mv_normal", _columns(y), theta, weights)
    out = run("mv_normal", _columns(y), theta, weights, start=start)
    np.testing.assert_allclose(out.tile, plain.tile + start[:, None], rtol=1e-13)
    np.testing.assert_array_equal(out.gradient, plain.gradient)


def _with_gaps(y, seed=2):
    rng = np.random.default_rng(seed)
    y = np.where(rng.uniform(size=y.shape) < 0.25, np.nan, y)
    y[7] = np.nan
    return y


@pytest.mark.parametrize("p", [2, 6])
def test_missing_cells_leave_the_marginal_density_of_the_others(p):
    y, mu, sigma, corr, weights = _problem(p)
    y = _with_gaps(y)
    y = y[np.argsort(_patterns(y)[0], kind="stable")]
    theta, start, patterns = _theta(mu, sigma, corr), np.array([0.5, -1.0, 2.0]), _patterns(y)
    out = run("mv_normal", _columns(y), theta, weights, extra_rows=patterns)
    expected = _expected(y, mu, sigma, corr)
    np.testing.assert_allclose(out.tile + out.constants, expected, rtol=1e-11, atol=1e-11)
    slopes = finite_differences("mv_normal", _columns(y), theta, weights, extra_rows=patterns)
    np.testing.assert_allclose(out.gradient, slopes, rtol=1e-6, atol=1e-8 * np.abs(slopes).max())
    begun = run("mv_normal", _columns(y), theta, weights, start=start, extra_rows=patterns)
    np.testing.assert_allclose(begun.tile + out.constants, expected + start[:, None], rtol=1e-11, atol=1e-11)


def test_any_order_of_patterns_gives_the_same():
    y, mu, sigma, corr, weights = _problem(5)
    y, theta = _with_gaps(y), _theta(mu, sigma, corr)
    order = np.argsort(_patterns(y)[0], kind="stable")
    mixed = run("mv_normal", _columns(y), theta, weights, extra_rows=_patterns(y))
    tidy = run("mv_normal", _columns(y[order]), theta, weights[:, order], extra_rows=_patterns(y[order]))
    np.testing.assert_allclose(mixed.tile[:, order], tidy.tile, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(mixed.gradient, tidy.gradient, rtol=1e-10, atol=1e-10)


def test_columns_never_seen_together_say_nothing_about_their_correlation():
    y, mu, sigma, corr, weights = _problem(3)
    y[::2, 0] = np.nan
    y[1::2, 2] = np.nan
    theta = _theta(mu, sigma, corr)
    out = run("mv_normal", _columns(y), theta, weights, extra_rows=_patterns(y))
    pair = 6 + _pairs(3).index((2, 0))
    np.testing.assert_array_equal(out.gradient[pair], 0.0)
    assert np.abs(out.gradient[[6, 8]]).min() > 0.1


def _two(y, mu, sigma, r, weights) -> Outcome:
    theta = np.concatenate([np.reshape(mu, (2, 1)), np.reshape(sigma, (2, 1)), np.full((1, 1), r)])
    return run("mv_normal", _columns(y), theta, weights)


@pytest.mark.parametrize(("r", "tolerance"), [(0.9999, 1e-11), (-0.9999, 1e-11), (1 - 1e-8, 1e-7), (0.0, 1e-13)])
def test_nearly_singular_correlations_match_the_closed_form(r, tolerance):
    # In u = (t1 + t2) / sqrt(2) and v = (t1 - t2) / sqrt(2) two correlated columns are independent, with variances
    # 1 + r and 1 - r, and nothing cancels.
    rng = np.random.default_rng(3)
    mu, sigma, weights = np.array([2.0, -1.0]), np.array([0.1, 7.0]), rng.uniform(size=(1, N))
    u, v = rng.normal(size=N) * np.sqrt(1 + r), 1.1 * rng.normal(size=N) * np.sqrt(1 - r)
    y = mu + sigma * np.stack([u + v, u - v], axis=1) / np.sqrt(2.0)
    u, v = np.array([[1.0, 1.0], [1.0, -1.0]]) @ ((y - mu) / sigma).T / np.sqrt(2.0)  # of the rounded y
    out = _two(y, mu, sigma, r, weights)
    density = -np.log(sigma).sum() - 0.5 * np.log1p(r) - 0.5 * np.log1p(-r) - u**2 / (2 + 2 * r) - v**2 / (2 - 2 * r)
    np.testing.assert_allclose(out.tile[0], density, rtol=tolerance, atol=tolerance)
    by_r = -0.5 / (1 + r) + 0.5 / (1 - r) + u**2 / (2 * (1 + r) ** 2) - v**2 / (2 * (1 - r) ** 2)
    np.testing.assert_allclose(out.gradient[4, 0], weights[0] @ by_r, rtol=10 * tolerance)
    du, dv = u / (1 + r), v / (1 - r)
    by_mu = np.stack([du + dv, du - dv]) / np.sqrt(2.0) / sigma[:, None]
    expected = by_mu @ weights[0]
    np.testing.assert_allclose(out.gradient[:2, 0], expected, rtol=0, atol=10 * tolerance * np.abs(expected).max())
    by_sigma = (by_mu * (y - mu).T - 1.0) / sigma[:, None]
    scale = (np.abs(by_sigma) @ weights[0]).max()
    np.testing.assert_allclose(out.gradient[2:4, 0], by_sigma @ weights[0], rtol=0, atol=10 * tolerance * scale)


@pytest.mark.parametrize("r", [1.0, -1.0, 1.0001])
def test_two_columns_with_an_impossible_correlation_are_nan(r):
    y, _, _, _, weights = _problem(2)
    out = _two(y, [0.0, 0.0], [1.0, 2.0], r, weights[:1])
    assert np.isnan(out.tile).all()
    assert not np.isfinite(out.gradient).any()


def test_a_matrix_that_is_not_positive_definite_spoils_its_component_alone():
    y, mu, sigma, corr, weights = _problem(4)
    expected = run("mv_normal", _columns(y), _theta(mu, sigma, corr), weights)
    corr[1] = np.eye(4)
    for i, j in [(1, 0), (2, 1), (3, 2)]:
        corr[1, i, j] = corr[1, j, i] = 0.9
    assert np.linalg.eigvalsh(corr[1]).min() < 0
    out = run("mv_normal", _columns(y), _theta(mu, sigma, corr), weights)
    assert np.isnan(out.tile[1]).all()
    assert np.isnan(out.gradient[:, 1]).all()
    np.testing.assert_array_equal(out.tile[[0, 2]], expected.tile[[0, 2]])
    np.testing.assert_array_equal(out.gradient[:, [0, 2]], expected.gradient[:, [0, 2]])


def test_means_far_from_zero_cost_no_digits():
    y, mu, sigma, corr, weights = _problem(5)
    y, mu, shift = np.round(y, 2), np.round(mu, 2), 2.0**20
    y, mu = np.floor(y * 1024) / 1024, np.floor(mu * 1024) / 1024  # the shifted numbers are exact
    near = run("mv_normal", _columns(y), _theta(mu, sigma, corr), weights)
    far = run("mv_normal", _columns(y + shift), _theta(mu + shift, sigma, corr), weights)
    np.testing.assert_array_equal(far.tile, near.tile)
    np.testing.assert_array_equal(far.gradient, near.gradient)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_of_measurement_only_shift_and_scale(unit):
    y, mu, sigma, corr, weights = _problem(5)
    units = np.array([1.0, unit, 1.0, 1.0, 1.0 / unit])
    one = run("mv_normal", _columns(y), _theta(mu, sigma, corr), weights)
    other = run("mv_normal", _columns(y * units), _theta(mu * units[:, None], sigma * units[:, None], corr), weights)
    np.testing.assert_allclose(other.tile, one.tile - np.log(units).sum(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(other.gradient[:5] * units[:, None], one.gradient[:5], rtol=1e-9)
    np.testing.assert_allclose(other.gradient[5:10] * units[:, None], one.gradient[5:10], rtol=1e-9)
    np.testing.assert_allclose(other.gradient[10:], one.gradient[10:], rtol=1e-8)


def test_a_row_far_out_keeps_a_finite_density():
    _, mu, sigma, corr, _ = _problem(5)
    y = np.full((1, 5), 1e8)
    out = run("mv_normal", _columns(y), _theta(mu, sigma, corr), np.ones((K, 1)))
    np.testing.assert_allclose(out.tile + out.constants, _expected(y, mu, sigma, corr), rtol=1e-10)
    assert np.isfinite(out.gradient).all()
