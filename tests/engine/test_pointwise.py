"""Row-by-row results against SciPy, and their independence of threads."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm, poisson

from bayesmix.engine import Rows, pointwise
from bayesmix.engine.pointwise import Draws
from bayesmix.engine.rows import Block
from tests.engine.helpers import Doubles, normal_draws, normal_rows


def _draws(n: int, k: int, s: int) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:
    rng = np.random.default_rng(n + k)
    y = rng.normal(0, 5, n)
    y[0] = 1e4
    w, mu, sigma = rng.dirichlet(np.ones(k), s), rng.normal(0, 4, (s, k)), rng.uniform(0.5, 2, (s, k))
    table = np.log(w)[:, None, :] + norm.logpdf(y[None, :, None], mu[:, None, :], sigma[:, None, :])
    return y, w, mu, sigma, table


def _check(rows: Rows, draws: Draws, table: Doubles) -> None:
    """Compare everything with log weight + log density of shape (S, n, M)."""
    total, m = logsumexp(table, axis=2), table.shape[2]
    shares = np.exp(table - total[..., None])
    np.testing.assert_allclose(pointwise.log_likelihood(rows, draws), total, rtol=1e-12)
    np.testing.assert_allclose(pointwise.responsibilities(rows, draws), shares, rtol=1e-9, atol=1e-300)
    mean = pointwise.responsibility_mean(rows, draws)
    np.testing.assert_allclose(mean.probability, shares.mean(0), rtol=1e-9, atol=1e-300)
    if m > 1:
        others = [logsumexp(np.delete(table, i, 2), axis=2) for i in range(m)]
        odds = np.stack([table[..., i] - others[i] for i in range(m)], axis=2).mean(0)
        np.testing.assert_allclose(mean.log_odds, odds, rtol=1e-10, atol=1e-10)
    else:
        assert np.isinf(mean.log_odds).all()
    found = pointwise.component_densities(rows, draws)
    np.testing.assert_allclose(found.sum(axis=1), np.exp(total), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(found, np.exp(table).transpose(0, 2, 1), rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(("n", "k", "s"), [(19, 3, 50), (600, 4, 30), (257, 2, 100), (33, 1, 10), (5, 9, 4)])
def test_equal_scipy(n: int, k: int, s: int) -> None:
    y, w, mu, sigma, table = _draws(n, k, s)
    _check(normal_rows(y, k), normal_draws(w, mu, sigma), table)


@pytest.mark.parametrize("n", [19, 600])
def test_columns_of_two_families_and_a_component_without_parameters(n: int) -> None:
    """Two columns, the second with missing cells, and noise: densities of the columns add up, the noise has its own."""
    k, s, rng = 3, 20, np.random.default_rng(n)
    y, x, noise = rng.normal(0, 3, n), rng.poisson(4, n).astype(float), rng.normal(-5, 1, n)
    x[::3] = np.nan
    w, mu, rate = rng.dirichlet(np.ones(k + 1), s), rng.normal(0, 2, (s, k)), rng.gamma(2, 2, (s, k))
    sigma = rng.uniform(0.5, 2, s)
    slots = np.array([[[0, 1, 2]], [[3, 3, 3]]]), np.array([[[4, 5, 6]]])
    blocks = Block("normal", (y[:, None],), slots[0]), Block("poisson", (x[:, None],), slots[1])
    rows = Rows(blocks, k, 7, np.ones(n), noise[None])
    counted = np.where(np.isnan(x)[:, None], 0.0, poisson.logpmf(np.nan_to_num(x)[None, :, None], rate[:, None, :]))
    own = norm.logpdf(y[None, :, None], mu[:, None, :], sigma[:, None, None]) + counted
    table = np.concatenate([own, np.broadcast_to(noise[None, :, None], (s, n, 1))], axis=2) + np.log(w)[:, None, :]
    _check(rows, Draws(np.log(w), np.concatenate([mu, sigma[:, None], rate], axis=1)), table)


def test_threads_and_chunks_change_nothing() -> None:
    y, w, mu, sigma, _ = _draws(3000, 3, 300)
    rows, draws = normal_rows(y, 3), normal_draws(w, mu, sigma)
    one, two = (pointwise.responsibility_mean(rows, draws, threads=t) for t in (1, 3))
    np.testing.assert_array_equal(one.probability, two.probability)
    np.testing.assert_array_equal(one.log_odds, two.log_odds)
    whole = pointwise.log_likelihood(rows, draws, threads=2)
    chunks = normal_rows(y[:1024], 3), normal_rows(y[1024:], 3)
    parts = [pointwise.log_likelihood(part, draws, threads=1) for part in chunks]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))
    one, two = (pointwise.responsibilities(rows, draws, threads=t) for t in (1, 3))
    np.testing.assert_array_equal(one, two)
    one, two = (pointwise.component_densities(rows, draws, threads=t) for t in (1, 3))
    np.testing.assert_array_equal(one, two)


def test_common_sigma_and_zero_weight() -> None:
    y, w, mu, sigma, _ = _draws(20, 2, 5)
    common = sigma[:, :1]
    a = pointwise.log_likelihood(normal_rows(y, 2, common_sigma=True), normal_draws(w, mu, common))
    rows = normal_rows(y, 2)
    np.testing.assert_array_equal(a, pointwise.log_likelihood(rows, normal_draws(w, mu, np.repeat(common, 2, axis=1))))
    w[:, 0], w[:, 1] = 0.0, 1.0
    mean = pointwise.responsibility_mean(rows, normal_draws(w, mu, sigma))
    np.testing.assert_allclose(mean.probability[:, 1], 1.0)


def test_tied_components_share_evenly() -> None:
    w, mu, sigma = np.full((1, 3), 1 / 3), np.zeros((1, 3)), np.ones((1, 3))
    mean = pointwise.responsibility_mean(normal_rows([0.5], 3), normal_draws(w, mu, sigma))
    np.testing.assert_allclose(mean.log_odds, np.log(0.5), rtol=1e-14)


def test_counts_do_not_matter_row_by_row() -> None:
    y, w, mu, sigma, _ = _draws(20, 2, 5)
    draws = normal_draws(w, mu, sigma)
    for function in (pointwise.log_likelihood, pointwise.responsibilities):
        counted = function(normal_rows(y, 2, counts=np.arange(20.0)), draws)
        np.testing.assert_array_equal(counted, function(normal_rows(y, 2), draws))
