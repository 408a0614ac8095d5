"""Warps to near normality, and bridge sampling on densities whose constants are known."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, ndtri

from bayesmix.engine.bridge import NormalMixture, bridge
from bayesmix.engine.warp import Warp

# Warps


def skewed(rng, n=4000):
    return np.column_stack(
        [
            np.log(rng.gamma(0.3, size=n)),
            rng.normal(5, 0.1, n),
            rng.standard_t(3, n),
            rng.normal(8 * rng.integers(2, size=n)),
        ]
    )


def test_warps_go_there_and_back(rng):
    draws = skewed(rng)
    warp = Warp.fit(draws)
    z = np.concatenate([rng.normal(size=(500, 4)), rng.uniform(-30, 30, size=(500, 4)), np.tile(warp.z[:, None], 4)])
    y, jacobian = warp.forward(z)
    back, again = warp.inverse(y)
    np.testing.assert_allclose(back, z, atol=1e-8)
    np.testing.assert_allclose(again, jacobian, atol=1e-6)
    np.testing.assert_allclose(warp.forward(warp.inverse(draws)[0])[0], draws, rtol=1e-9, atol=1e-9)


def test_the_warps_jacobian_is_that_of_finite_differences(rng):
    warp = Warp.fit(skewed(rng))
    z = np.concatenate([rng.normal(size=(300, 4)), rng.uniform(-20, 20, size=(300, 4))])
    h = 1e-6
    slopes = (warp.forward(z + h)[0] - warp.forward(z - h)[0]) / (2 * h)
    _, jacobian = warp.forward(z)
    assert (slopes > 0).all()
    # A knot between both points makes their difference quotient that of neither piece: the slope is continuous.
    np.testing.assert_allclose(np.log(slopes).sum(axis=1), jacobian, atol=1e-4)


def test_warped_draws_are_nearly_standard_normal(rng):
    warp = Warp.fit(skewed(rng, 20_000))
    z, _ = warp.inverse(skewed(rng, 20_000))
    quantiles = np.quantile(z, [0.01, 0.1, 0.25, 0.75, 0.9, 0.99], axis=0)
    np.testing.assert_allclose(quantiles, np.tile(ndtri([[0.01], [0.1], [0.25], [0.75], [0.9], [0.99]]), 4), atol=0.2)


def test_repeated_draws_leave_the_warp_monotone(rng):
    draws = np.column_stack([np.repeat(1.0, 400), np.repeat([0.0, 7.0], 200), np.round(rng.normal(size=400))])
    warp = Warp.fit(draws)
    z = np.linspace(-6, 6, 4001)[:, np.newaxis] * np.ones(3)
    y, jacobian = warp.forward(z)
    assert (np.diff(y, axis=0) > 0).all()
    assert np.isfinite(jacobian).all()
    back, _ = warp.inverse(y)
    np.testing.assert_allclose(back[:, 1:], z[:, 1:], atol=1e-3)
    assert np.isfinite(warp.inverse(draws)[0]).all()


# Bridges


def correlated(rng, shape):
    """Five normals with correlations 0.9, at 1e3, integral e^3."""
    covariance = 0.9 + 0.1 * np.eye(5)
    whole = stats.multivariate_normal(np.full(5, 1e3), covariance)
    return rng.multivariate_normal(whole.mean, covariance, shape), lambda x: whole.logpdf(x) + 3.0, 3.0


def log_gammas(rng, shape):
    """Logs of gammas with small shapes: long tails to one side."""
    a = np.array([0.2, 0.5, 3.0, 0.3])
    return np.log(rng.gamma(a, size=(*shape, 4))), lambda x: (a * x - np.exp(x)).sum(axis=1), gammaln(a).sum()


def two_modes(rng, shape):
    """Two modes of unequal size and shape, 8 sds apart."""
    big, small = stats.multivariate_normal(np.zeros(4)), stats.multivariate_normal(np.full(4, 4.0), 0.25)
    which = rng.random(shape)[..., np.newaxis] < 0.2
    z = rng.normal(size=(*shape, 4))
    return (
        np.where(which, 4 + 0.5 * z, z),
        lambda x: np.logaddexp(np.log(0.8) + big.logpdf(x), np.log(0.2) + small.logpdf(x)),
        0.0,
    )


def student(rng, shape):
    """Student's t in each direction, one of them 1e4 times as wide."""
    scale = np.array([1.0, 1e4, 1.0])
    x = rng.standard_t(4, size=(*shape, 3)) * scale
    return x, lambda x: stats.t.logpdf(x / scale, 4).sum(axis=1), np.log(scale).sum()


CASES = [correlated, log_gammas, two_modes, student]


@pytest.mark.parametrize("case", CASES)
def test_bridges_find_known_constants(case):
    rng = np.random.default_rng(11)
    draws, log_density, expected = case(rng, (4, 1000))
    found = bridge(log_density, draws, rng)
    assert 0 < found.se < 0.03
    assert found.value == pytest.approx(expected, abs=4 * found.se)


@pytest.mark.parametrize("case", CASES)
def test_errors_of_bridges_are_honest(case):
    scores = []
    for seed in range(40):
        rng = np.random.default_rng([3, seed])
        draws, log_density, expected = case(rng, (2, 300))
        found = bridge(log_density, draws, rng, proposals=4)
        scores.append((found.value - expected) / found.se)
    scores = np.array(scores)
    assert scores.std() < 1.6
    assert abs(scores.mean()) < 4 / math.sqrt(40)


def autoregressive(rng, chains, n, rho=0.9):
    x = np.empty((chains, n, 1))
    x[:, 0] = rng.normal(size=(chains, 1))
    for t in range(1, n):
        x[:, t] = rho * x[:, t - 1] + math.sqrt(1 - rho * rho) * rng.normal(size=(chains, 1))
    return x


def test_errors_of_bridges_count_effective_draws():
    # The proposal misses the density's shape, so that the draws have a share in the error.
    scores, plain = [], []
    for seed in range(40):
        rng = np.random.default_rng([5, seed])
        z = autoregressive(rng, 2, 600)
        draws = np.sign(z) * np.abs(z) ** 1.6
        power = 1 / 1.6

        def log_density(x, power=power):
            size = np.abs(x[:, 0])
            return stats.norm.logpdf(size**power) + np.log(power) + (power - 1) * np.log(size)

        found = bridge(log_density, draws, rng)
        scores.append(found.value / found.se)
        shuffled = rng.permutation(draws.reshape(-1, 1)).reshape(draws.shape)
        plain.append(bridge(log_density, shuffled, rng).se / found.se)
    assert np.std(scores) < 1.6
    assert np.median(plain) < 0.8  # as independent draws they would have had a smaller error


def test_bridges_are_reproducible_and_take_their_number_of_draws():
    rng = np.random.default_rng(1)
    draws, log_density, _ = log_gammas(rng, (2, 400))
    asked = []

    def counted(x):
        asked.append(len(x))
        return log_density(x)

    first = bridge(counted, draws, np.random.default_rng(7), proposals=3)
    assert sorted(asked) == [400, 400, 1200, 1200]
    assert bridge(log_density, draws, np.random.default_rng(7), proposals=3) == first
    assert bridge(log_density, draws, np.random.default_rng(8), proposals=3) != first


def test_densities_with_an_edge_count_nothing_beyond():
    rng = np.random.default_rng(2)
    draws = np.abs(rng.normal(size=(4, 1000, 3)))

    def log_density(x):
        with np.errstate(divide="ignore"):
            return np.where((x > 0).all(axis=1), -0.5 * (x**2).sum(axis=1), [-np.inf, np.nan][rng.integers(2)])

    found = bridge(log_density, draws, rng)
    assert found.se < 0.05
    assert found.value == pytest.approx(1.5 * math.log(math.pi / 2), abs=4 * found.se)


def test_a_bridge_to_nowhere_has_no_finite_error():
    draws = np.random.default_rng(2).normal(size=(2, 100, 3))
    found = bridge(lambda x: np.full(len(x), -np.inf), draws, np.random.default_rng(1))
    assert found.se == np.inf
    assert not np.isfinite(found.value)


def test_normal_mixtures_are_densities(rng):
    mixture = NormalMixture.fit(two_modes(rng, (2000,))[0], 4, rng)
    whole = sum(
        w * stats.multivariate_normal(m, f @ f.T).pdf(np.eye(4))
        for w, m, f in zip(mixture.weights, mixture.means, mixture.factors, strict=True)
    )
    np.testing.assert_allclose(mixture.log_density(np.eye(4)), np.log(whole), rtol=1e-10)
    assert mixture.weights.sum() == pytest.approx(1)
    draws = mixture.draw(20_000, rng)
    np.testing.assert_allclose(draws.mean(axis=0), mixture.weights @ mixture.means, atol=0.06)
