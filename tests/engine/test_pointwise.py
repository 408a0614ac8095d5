"""Row-by-row results against SciPy, and their independence of threads."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from bayesmix.engine import pointwise
from tests.engine.helpers import Doubles


def _draws(n: int, k: int, s: int) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:
    rng = np.random.default_rng(n + k)
    y = rng.normal(0, 5, n)
    y[0] = 1e4
    w, mu, sigma = rng.dirichlet(np.ones(k), s), rng.normal(0, 4, (s, k)), rng.uniform(0.5, 2, (s, k))
    table = np.log(w)[:, None, :] + norm.logpdf(y[None, :, None], mu[:, None, :], sigma[:, None, :])
    return y, w, mu, sigma, table


@pytest.mark.parametrize(("n", "k", "s"), [(19, 3, 50), (600, 4, 30), (257, 2, 100), (33, 1, 10), (5, 9, 4)])
def test_equal_scipy(n: int, k: int, s: int) -> None:
    y, w, mu, sigma, table = _draws(n, k, s)
    total = logsumexp(table, axis=2)
    shares = np.exp(table - total[..., None])
    np.testing.assert_allclose(pointwise.log_likelihood(y, w, mu, sigma), total, rtol=1e-12)
    np.testing.assert_allclose(pointwise.responsibilities(y, w, mu, sigma), shares, rtol=1e-9, atol=1e-300)
    mean = pointwise.responsibility_mean(y, w, mu, sigma)
    np.testing.assert_allclose(mean.probability, shares.mean(0), rtol=1e-9, atol=1e-300)
    if k > 1:
        others = [logsumexp(np.delete(table, i, 2), axis=2) for i in range(k)]
        odds = np.stack([table[..., i] - others[i] for i in range(k)], axis=2).mean(0)
        np.testing.assert_allclose(mean.log_odds, odds, rtol=1e-10, atol=1e-10)
    else:
        assert np.isinf(mean.log_odds).all()
    found = pointwise.density(y, w, mu, sigma)
    np.testing.assert_allclose(found.mixture, np.exp(total), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(found.components, np.exp(table).transpose(0, 2, 1), rtol=1e-9, atol=1e-300)


def test_threads_and_chunks_change_nothing() -> None:
    y, w, mu, sigma, _ = _draws(3000, 3, 300)
    one, two = (pointwise.responsibility_mean(y, w, mu, sigma, threads=t) for t in (1, 3))
    np.testing.assert_array_equal(one.probability, two.probability)
    np.testing.assert_array_equal(one.log_odds, two.log_odds)
    whole = pointwise.log_likelihood(y, w, mu, sigma, threads=2)
    parts = [pointwise.log_likelihood(part, w, mu, sigma, threads=1) for part in (y[:1024], y[1024:])]
    np.testing.assert_array_equal(whole, np.concatenate(parts, axis=1))


def test_common_sigma_and_zero_weight() -> None:
    y, w, mu, sigma, _ = _draws(20, 2, 5)
    common = sigma[:, :1]
    a = pointwise.log_likelihood(y, w, mu, common[:, 0])
    np.testing.assert_array_equal(a, pointwise.log_likelihood(y, w, mu, np.repeat(common, 2, axis=1)))
    w[:, 0], w[:, 1] = 0.0, 1.0
    mean = pointwise.responsibility_mean(y, w, mu, sigma)
    np.testing.assert_allclose(mean.probability[:, 1], 1.0)


def test_tied_components_share_evenly() -> None:
    w, mu, sigma = np.full((1, 3), 1 / 3), np.zeros((1, 3)), np.ones((1, 3))
    mean = pointwise.responsibility_mean(np.array([0.5]), w, mu, sigma)
    np.testing.assert_allclose(mean.log_odds, np.log(0.5), rtol=1e-14)


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"shape \(draws, K\), got \(2,\)"):
        pointwise.log_likelihood(np.ones(3), np.ones(2), np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="one-dimensional"):
        pointwise.log_likelihood(np.ones((3, 1)), np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 2)))
