"""Posteriors against answers found without a sampler: quadrature, importance sampling; rounded data."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

import bayesmix as bm
from bayesmix.errors import PriorWarning

SETTINGS = {"random_seed": 1, "progressbar": False}


def test_one_normal_equals_quadrature(arms):
    y = arms["length"].to_numpy()
    fit = bm.Mixture(1).fit(y, **SETTINGS)
    m, s = y.mean(), y.std()
    mu, log_sigma = np.meshgrid(
        np.linspace(m - 5, m + 5, 401), np.linspace(np.log(0.4), np.log(16), 401), indexing="ij"
    )
    sigma = np.exp(log_sigma)
    log_p = stats.norm(m, 2 * s).logpdf(mu) + stats.norm(np.log(0.4 * s), 0.7).logpdf(log_sigma)
    for value in y:
        log_p += stats.norm(mu, sigma).logpdf(value)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    table = fit.idata["posterior"].to_dataset()
    for name, grid in (("mu", mu), ("sigma", sigma)):
        draws = table[name].values.ravel()
        mean = (p * grid).sum()
        sd = np.sqrt((p * (grid - mean) ** 2).sum())
        error = 4 * sd / np.sqrt(2000)  # the effective sample sizes are above 2000
        assert draws.mean() == pytest.approx(mean, abs=error)
        assert draws.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * 1500))


def log_posterior(theta, y):
    """Log posterior of one bivariate normal, written with SciPy: means, log sds and atanh of the correlation."""
    mu, log_s, r = theta[:2], theta[2:4], np.tanh(theta[4])
    m, s = y.mean(axis=0), y.std(axis=0)
    value = stats.norm(m, 2 * s).logpdf(mu).sum() + stats.norm(np.log(0.4 * s), 0.7).logpdf(log_s).sum()
    # LKJ(2) in two dimensions is (1 - r^2), and d r / d atanh(r) = 1 - r^2.
    value += 2 * np.log1p(-(r**2))
    sd = np.exp(log_s)
    covariance = np.array([[sd[0] ** 2, r * sd[0] * sd[1]], [r * sd[0] * sd[1], sd[1] ** 2]])
    return value + stats.multivariate_normal(mu, covariance).logpdf(y).sum()


@pytest.mark.slow
def test_one_bivariate_normal_equals_importance_sampling():
    y = bm.load_dataset("old_faithful").iloc[:40].to_numpy()
    fit = bm.Mixture(1, family="mv_normal").fit(y, **SETTINGS)
    posterior = fit.idata["posterior"].to_dataset()
    mu, sigma = (posterior[name].values.reshape(-1, 2) for name in ("mu", "sigma"))
    r = posterior["corr"].values.reshape(-1)
    draws = np.column_stack([mu, sigma, r])
    free = np.column_stack([mu, np.log(sigma), np.arctanh(r)])
    proposal = stats.multivariate_t(free.mean(axis=0), np.cov(free.T) * 1.2, df=6, seed=np.random.default_rng(1))
    theta = proposal.rvs(6000)
    log_w = np.array([log_posterior(t, y) for t in theta]) - proposal.logpdf(theta)
    w = np.exp(log_w - logsumexp(log_w))
    exact = np.column_stack([theta[:, :2], np.exp(theta[:, 2:4]), np.tanh(theta[:, 4])])
    effective = 1 / (w**2).sum()
    assert effective > 2000
    mean = w @ exact
    sd = np.sqrt(w @ (exact - mean) ** 2)
    error = sd * np.sqrt(1 / effective + 1 / 2000)
    assert (np.abs(draws.mean(axis=0) - mean) < 4 * error).all()
    np.testing.assert_allclose(draws.std(axis=0), sd, rtol=4 * np.sqrt(0.5 / effective + 0.5 / 1500))


@pytest.mark.slow
def test_rounded_data_have_no_spikes_whatever_the_prior(arms):
    mixture = bm.Mixture(6, priors={"sigma": bm.priors.HalfNormal(3)})
    with pytest.warns(PriorWarning, match="improper"):
        mixture.prior_predictive(arms["length"], n_datasets=1)
    fit = mixture.fit(arms["length"], resolution=0.5, **SETTINGS)
    worst_rhat, bulk, tail = fit.check().worst
    assert worst_rhat <= 1.01
    assert min(bulk, tail) >= 400
    sigma = fit.idata["posterior"]["sigma"].values
    # No component sits on a tie: sds below a tenth of the step are as rare as the prior makes them, not the whole mass.
    assert (sigma < 0.05).mean() < 0.05
