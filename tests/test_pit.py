"""LOO-PIT of every kind of column, against SciPy and ArviZ; simultaneous bands."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayesmix as bm
from bayesmix import pit
from bayesmix.errors import InputError
from bayesmix.exact import LeftOut
from bayesmix.mixture import Mixture
from bayesmix.pit import loo_pit, simultaneous_band
from bayesmix.reading import observe
from tests.helpers import make_fit, two_groups

S = 60


def psis_weights(fit):
    """Return the weights of leaving each distinct row out, shape (S, d)."""
    from arviz_stats.base import array_stats

    from bayesmix.criteria import relative_efficiency
    from bayesmix.likelihood import row_log_density

    log_lik = row_log_density(fit, fit.arrays, fit.observations.distinct.cells)
    r_eff = relative_efficiency(xr.DataArray(log_lik.reshape(2, -1, log_lik.shape[1]), dims=("chain", "draw", "obs")))
    weights = np.exp(array_stats.psislw(log_lik.T, r_eff=r_eff)[0].T)
    return weights / weights.sum(axis=0)


def expected(fit, cdf):
    """Return the mean of a distribution function of the mixture, called with (values, component), by row."""
    weights, total = psis_weights(fit), 0.0
    for k in range(fit.arrays.weights.shape[1]):
        total = total + fit.arrays.weights[:, [k]] * cdf(k)
    return (weights * total).sum(axis=0)[fit.observations.distinct.inverse]


@pytest.fixture
def weights(rng):
    return rng.dirichlet([9, 9], S)


def test_normal_components_against_scipy(weights, rng):
    y = np.array([1.0, 2.0, 2.0, 6.0, 7.5])
    mu = np.array([1.5, 6.5]) + 0.1 * rng.normal(size=(S, 2))
    sigma = np.exp(0.1 * rng.normal(size=(S, 2)))
    fit = make_fit(pd.Series(y, index=list("abcde")), weights, {"mu": mu, "sigma": sigma})
    found = loo_pit(fit, repair=False)
    values = np.unique(y)
    exact = expected(fit, lambda k: stats.norm.cdf(values, mu[:, [k]], sigma[:, [k]]))
    np.testing.assert_allclose(found.table["pit"], exact, rtol=1e-9)
    assert list(found.table.index) == list("abcde")
    assert (found.column, found.randomised, found.n) == ("y", False, 5)


def test_it_is_that_of_arviz_up_to_the_noise_of_its_draws(rng):
    from arviz_stats import loo_pit as arviz_loo_pit

    fit = two_groups(np.r_[rng.normal(0, 1, 20), rng.normal(5, 1, 20)], n_draws=4000)
    found = loo_pit(fit, repair=False)
    draws = fit.arrays
    component = (rng.random((4000, 40)) > draws.weights[:, [0]]).astype(int)
    drawn = [np.take_along_axis(draws.parameters[name], component, axis=1) for name in ("mu", "sigma")]
    tree = fit.idata.copy()
    replicated = rng.normal(*drawn).reshape(2, -1, 40)
    coords = {name: tree["observed_data"].to_dataset()[name] for name in ("obs",)}
    data = xr.Dataset({"y": (("chain", "draw", "obs"), replicated)}, coords)
    tree["posterior_predictive"] = xr.DataTree(data)
    theirs = arviz_loo_pit(tree)["y"].values
    np.testing.assert_allclose(found.table["pit"], theirs, atol=5 * 0.5 / np.sqrt(4000))
    assert np.mean(found.table["pit"] - theirs) == pytest.approx(0, abs=0.005)


def test_counts_have_intervals_and_a_random_point_in_them(weights, rng):
    y = np.array([0.0, 1.0, 1.0, 4.0, 9.0])
    mu = np.array([1.0, 6.0]) * np.exp(0.1 * rng.normal(size=(S, 2)))
    fit = make_fit(y, weights, {"mu": mu}, mixture=Mixture(2, "poisson"))
    found = loo_pit(fit, repair=False)
    values = np.unique(y)
    for end, shift in (("lower", 1), ("upper", 0)):
        exact = expected(fit, lambda k, shift=shift: stats.poisson.cdf(values - shift, mu[:, [k]]))
        np.testing.assert_allclose(found.table[end], exact, rtol=1e-9)
    table = found.table
    assert found.randomised
    assert ((table["lower"] <= table["pit"]) & (table["pit"] <= table["upper"])).all()
    assert table["pit"].iloc[1] != table["pit"].iloc[2]  # equal counts have points of their own
    pd.testing.assert_frame_equal(loo_pit(fit, repair=False).table, table)
    assert not loo_pit(fit, repair=False, random_seed=1).table["pit"].equals(table["pit"])


def test_successes_use_the_trials_of_their_row(weights, rng):
    frame = pd.DataFrame({"hits": [0, 3, 3, 9, 5], "n": [4, 5, 9, 10, 5]})
    p = np.array([0.3, 0.9]) + 0.02 * rng.normal(size=(S, 2))
    mixture = Mixture(2, {"hits": bm.families.Binomial(trials="n")})
    fit = make_fit(frame, weights, {"hits_p": p}, mixture=mixture)
    found = loo_pit(fit, repair=False)
    cells = fit.observations.distinct.cells
    exact = expected(fit, lambda k: stats.binom.cdf(cells[:, 0], cells[:, 1], p[:, [k]]))
    np.testing.assert_allclose(found.table["upper"], exact, rtol=1e-9)
    assert found.table["upper"].iloc[4] == pytest.approx(1)


def test_a_table_leaves_whole_rows_out_and_looks_at_one_column(weights, rng):
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan, 6.0], "b": ["x", "y", "y", None]})
    mu, sigma = np.array([1.5, 6.0]) + 0.1 * rng.normal(size=(S, 2)), np.exp(0.1 * rng.normal(size=(S, 2)))
    p = np.stack([rng.dirichlet([5, 2], S), rng.dirichlet([2, 5], S)], axis=1)
    draws = {"a_mu": mu, "a_sigma": sigma, "b_p": p}
    fit = make_fit(frame, weights, draws, mixture=Mixture(2, {"a": "normal", "b": "categorical"}))
    first = loo_pit(fit, 0, repair=False)
    assert list(first.table.index) == [0, 1, 3]
    values = fit.observations.distinct.cells[:, 0]
    exact = expected(fit, lambda k: stats.norm.cdf(values, mu[:, [k]], sigma[:, [k]]))
    np.testing.assert_allclose(first.table["pit"], exact[[0, 1, 3]], rtol=1e-9)
    second = loo_pit(fit, 1, repair=False)
    assert list(second.table.index) == [0, 1, 2]
    np.testing.assert_allclose(second.table["lower"].iloc[0], 0)
    np.testing.assert_allclose(second.table["upper"].iloc[1:], 1)
    np.testing.assert_allclose(second.table["upper"].iloc[0], expected(fit, lambda k: p[:, k, :1])[0])


@pytest.mark.parametrize("covariance", ["full", "spherical"])
def test_multivariate_components_have_normal_margins(covariance, weights, rng):
    y = rng.normal([1.0, 4.0], 1.0, (6, 2))
    draws = {"mu": rng.normal([1.0, 4.0], 0.1, (S, 2, 2)), "corr": 0.3 + 0.05 * rng.normal(size=(S, 2, 1))}
    sigma = np.exp(0.1 * rng.normal(size=(S, 2, 2)))
    draws["sigma"] = sigma if covariance == "full" else sigma[..., 0]
    fit = make_fit(
        pd.DataFrame(y, columns=["u", "v"]), weights, draws, mixture=Mixture(2, bm.families.MvNormal(covariance))
    )
    values = fit.observations.distinct.cells[:, 1]
    scale = sigma[..., 1] if covariance == "full" else sigma[..., 0]
    exact = expected(fit, lambda k: stats.norm.cdf(values, draws["mu"][:, [k], 1], scale[:, [k]]))
    np.testing.assert_allclose(loo_pit(fit, 1, repair=False).table["pit"], exact, rtol=1e-9)


def test_angles_begin_at_minus_pi(weights, rng):
    y = rng.vonmises(0.5, 2.0, 6)
    mu, kappa = 0.5 + 0.1 * rng.normal(size=(S, 2)), 2 * np.exp(0.1 * rng.normal(size=(S, 2)))
    fit = make_fit(y, weights, {"mu": mu, "kappa": kappa}, mixture=Mixture(2, "von_mises"))
    values = fit.observations.distinct.values

    def cdf(k):
        whole = stats.vonmises(kappa[:, [k]], loc=mu[:, [k]])
        return whole.cdf(values) - whole.cdf(-np.pi)

    np.testing.assert_allclose(loo_pit(fit, repair=False).table["pit"], expected(fit, cdf), rtol=1e-6)


def test_rounded_and_censored_values_have_intervals(weights, rng):
    mu, sigma = np.array([1.5, 6.0]) + 0.1 * rng.normal(size=(S, 2)), np.exp(0.1 * rng.normal(size=(S, 2)))
    fit = make_fit([1.0, 2.0, 6.0], weights, {"mu": mu, "sigma": sigma}, resolution=1.0)
    ends = fit.observations.distinct.cells
    found = loo_pit(fit, repair=False)
    for i, end in enumerate(("lower", "upper")):
        exact = expected(fit, lambda k, i=i: stats.norm.cdf(ends[:, i], mu[:, [k]], sigma[:, [k]]))
        np.testing.assert_allclose(found.table[end], exact, rtol=1e-8)
    censored = make_fit(bm.Interval([-np.inf, 2.0, 6.0], [1.0, 2.0, np.inf]), weights, {"mu": mu, "sigma": sigma})
    table = loo_pit(censored, repair=False).table
    assert table["lower"].iloc[0] == 0
    assert table["upper"].iloc[2] == pytest.approx(1)
    assert table["lower"].iloc[1] == table["upper"].iloc[1]


def test_noise_and_zeros_have_distribution_functions(rng):
    w = rng.dirichlet([9, 9, 3], S)
    y = np.array([0.0, 1.0, 2.0, 9.0, 10.0])
    mu, sigma = np.array([1.5, 9.0]) + 0.1 * rng.normal(size=(S, 2)), np.exp(0.1 * rng.normal(size=(S, 2)))
    fit = make_fit(y, w, {"mu": mu, "sigma": sigma}, mixture=Mixture(2, noise=True))
    values = fit.observations.distinct.values

    def with_noise(k):
        return values / 10 + np.zeros((S, 1)) if k == 2 else stats.norm.cdf(values, mu[:, [k]], sigma[:, [k]])

    np.testing.assert_allclose(loo_pit(fit, repair=False).table["pit"], expected(fit, with_noise), rtol=1e-9)
    counts = make_fit(y, w, {"mu": np.abs(mu)}, mixture=Mixture(2, "poisson", zero_inflated=True))
    table = loo_pit(counts, repair=False).table

    def with_zeros(k):
        return np.ones((S, 5)) if k == 2 else stats.poisson.cdf(values, mu[:, [k]])

    np.testing.assert_allclose(table["upper"], expected(counts, with_zeros), rtol=1e-9)
    assert table["lower"].iloc[0] == 0
    noisy = make_fit(y, w, {"mu": np.abs(mu)}, mixture=Mixture(2, "poisson", noise=True))
    upper = loo_pit(noisy, repair=False).table["upper"]

    def with_noisy_counts(k):
        return (values + 1) / 11 + np.zeros((S, 1)) if k == 2 else stats.poisson.cdf(values, mu[:, [k]])

    np.testing.assert_allclose(upper, expected(noisy, with_noisy_counts), rtol=1e-9)


def test_counts_of_rows_are_rows_written_out():
    y, counts = pd.Series([1.0, 2.0, 6.0]), [2, 1, 3]
    written = two_groups(np.repeat(y, counts).to_numpy(), n_draws=S)
    arrays = written.arrays
    short = make_fit(y, arrays.weights, arrays.parameters)
    short = replace(short, data=observe(y, counts))
    a, b = loo_pit(short, repair=False), loo_pit(written, repair=False)
    np.testing.assert_allclose(a.table["pit"], b.table["pit"])
    assert (a.n, list(a.table.index)) == (6, [0, 0, 1, 2, 2, 2])
    odd = replace(short, data=observe(y, [0.5, 1.0, 2.0]))
    with pytest.raises(InputError, match="weights are no counts"):
        loo_pit(odd)


def test_many_rows_are_a_random_sample():
    fit = two_groups(np.random.default_rng(1).normal(size=50), n_draws=S)
    whole, some = loo_pit(fit, repair=False), loo_pit(fit, repair=False, max_rows=10)
    assert (len(some.table), some.n) == (10, 50)
    np.testing.assert_allclose(some.table["pit"], whole.table["pit"].loc[some.table.index], rtol=0.05)
    assert loo_pit(fit, repair=False, max_rows=10).table.equals(some.table)


def test_unreliable_rows_are_left_out_by_a_refit(monkeypatch):
    fit = two_groups(np.array([1.0, 1.5, 2.0, 5.0, 6.0, 30.0]), n_draws=1000)
    plain = loo_pit(fit, repair=False)
    high = np.flatnonzero(plain.table["pareto_k"] > 1 - 1 / 3)
    assert 5 in high
    assert (plain.n_unreliable, plain.table["refitted"].any()) == (len(high), False)
    asked = []

    def refit(posterior, position):
        asked.append(position)
        return LeftOut(elpd=-9.0, mc_error=0.0, r_hat=1.0, n_draws=1000), SimpleNamespace(arrays=fit.arrays)

    monkeypatch.setattr(pit, "refit_without", refit)
    found = loo_pit(fit)
    assert asked == high.tolist()
    assert (found.n_unreliable, found.table["refitted"].sum()) == (0, len(high))
    assert found.table["pit"].iloc[5] == pytest.approx(expected_without_weights(fit)[5])
    monkeypatch.setattr(pit, "refit_without", lambda posterior, position: (LeftOut(), None))
    assert loo_pit(fit).n_unreliable == len(high)


def expected_without_weights(fit):
    draws, values = fit.arrays, fit.observations.values
    parts = [
        draws.weights[:, [k]] * stats.norm.cdf(values, *(draws.parameters[name][:, [k]] for name in ("mu", "sigma")))
        for k in range(2)
    ]
    return sum(parts).mean(axis=0)


def test_huge_counts_are_refused(weights):
    fit = make_fit([3.0, 50_000.0], weights, {"mu": np.full((S, 2), 100.0)}, mixture=Mixture(2, "poisson"))
    with pytest.raises(InputError, match="at most 20000, got a count of 50000"):
        loo_pit(fit, repair=False)


def test_right_models_have_uniform_transforms(rng):
    y = np.r_[rng.normal(0, 1, 200), rng.normal(4, 1, 200)]
    right = {"mu": np.tile([0.0, 4.0], (S, 1)), "sigma": np.ones((S, 2))}
    right = {name: value + 0.01 * rng.normal(size=value.shape) for name, value in right.items()}
    half = rng.dirichlet([500, 500], S)
    good = loo_pit(make_fit(y, half, right), repair=False).table["pit"]
    wide = loo_pit(make_fit(y, half, right | {"sigma": 2 * right["sigma"]}), repair=False).table["pit"]
    assert stats.kstest(good, "uniform").pvalue > 0.05
    assert stats.kstest(wide, "uniform").pvalue < 1e-3


def test_a_simultaneous_band_holds_its_share_of_whole_curves(rng):
    walks = np.cumsum(rng.normal(size=(400, 30)), axis=1)
    for prob in (0.5, 0.9, 0.99):
        lower, upper = simultaneous_band(walks, prob)
        inside = ((walks >= lower) & (walks <= upper)).all(axis=1).mean()
        assert prob <= inside < prob + 0.08
    point_low, point_high = np.quantile(walks, [0.05, 0.95], axis=0)
    assert (simultaneous_band(walks, 0.9)[0] < point_low).all()
    assert (simultaneous_band(walks, 0.9)[1] > point_high).all()
    few_low, few_high = simultaneous_band(walks[:3], 0.99)
    np.testing.assert_array_equal([few_low, few_high], [walks[:3].min(axis=0), walks[:3].max(axis=0)])
