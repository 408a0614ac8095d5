"""Pointwise densities against SciPy, and chunks that change nothing."""

import numpy as np
import pytest
from scipy import special, stats

import bayesmix as bm
from bayesmix import likelihood
from bayesmix.likelihood import component_log_joint, log_mean_exp, row_chunks
from bayesmix.scores import log_sum_exp
from tests.helpers import make_fit

Y = np.array([-3.0, 0.0, 0.5, 9.0, 400.0])


@pytest.fixture
def made(rng):
    w = rng.dirichlet(np.ones(3), size=8)
    return make_fit(Y, w, {"mu": rng.normal(size=(8, 3)), "sigma": rng.gamma(3, size=(8, 3))})


def test_log_joint_equals_scipy(made):
    draws = made.arrays
    expected = np.log(draws.weights)[:, None, :] + stats.norm.logpdf(
        Y[None, :, None], draws.parameters["mu"][:, None, :], draws.parameters["sigma"][:, None, :]
    )
    np.testing.assert_allclose(component_log_joint(made, draws, Y[:, np.newaxis]), expected, rtol=1e-13)


def test_log_likelihood_sums_memberships_out(made, monkeypatch):
    expected = special.logsumexp(component_log_joint(made, made.arrays, Y[:, np.newaxis]), axis=2)
    whole = likelihood.log_likelihood(made)
    assert whole.dims == ("chain", "draw", "obs")
    np.testing.assert_allclose(whole.values.reshape(8, 5), expected, rtol=1e-13)
    monkeypatch.setattr(likelihood, "_CHUNK_VALUES", 1)
    np.testing.assert_array_equal(likelihood.log_likelihood(made).values, whole.values)


def test_common_sigma_broadcasts():
    mixture = bm.Mixture(2, bm.families.Normal(common_sigma=True))
    made = make_fit(
        Y, np.full((4, 2), 0.5), {"mu": np.tile([0.0, 5.0], (4, 1)), "sigma": np.full(4, 2.0)}, mixture=mixture
    )
    expected = np.log(0.5 * stats.norm.pdf(Y[:4], 0, 2) + 0.5 * stats.norm.pdf(Y[:4], 5, 2))
    np.testing.assert_allclose(likelihood.log_likelihood(made).values[0, 0][:4], expected, rtol=1e-12)


def test_a_weight_of_zero_is_minus_infinity_not_an_error():
    made = make_fit([0.0, 1.0], [[1.0, 0.0]] * 2, {"mu": [[0.0, 1.0]] * 2, "sigma": [[1.0, 1.0]] * 2})
    np.testing.assert_allclose(likelihood.log_likelihood(made).values[0, 0], stats.norm.logpdf([0, 1]))


def test_log_sum_exp_is_safe():
    values = np.array([[-1e5, -1e5], [-np.inf, -np.inf], [0.0, -np.inf], [700.0, 710.0]])
    np.testing.assert_allclose(log_sum_exp(values), special.logsumexp(values, axis=1))
    np.testing.assert_allclose(log_mean_exp(values[3]), np.log(0.5 * (1 + np.exp(-10))) + 710)


def test_chunks_cover_every_row_once():
    slices = list(row_chunks(1000, 1_000_000))
    assert [i for s in slices for i in range(1000)[s]] == list(range(1000))
    assert list(row_chunks(3, 10**9)) == [slice(0, 1), slice(1, 2), slice(2, 3)]


def test_the_fit_stores_what_pymc_computes(fit):
    import pymc as pm

    again = pm.compute_log_likelihood(
        fit.idata.drop_nodes("log_likelihood").sel(draw=slice(0, 20)), model=fit.model, progressbar=False
    )
    np.testing.assert_allclose(
        again["log_likelihood"]["y"].values,
        fit.idata["log_likelihood"]["y"].sel(draw=slice(0, 20)).values,
        rtol=1e-9,
    )
