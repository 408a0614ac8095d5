"""PSIS-LOO equal to ArviZ's, WAIC by hand, and no dependence on labels."""

from dataclasses import replace

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from bayesmix import criteria
from bayesmix.criteria import relative_efficiency, waic_of
from bayesmix.errors import InputError
from bayesmix.reading import observe
from tests.helpers import make_fit, two_groups


def test_waic_by_hand_with_divisor_s_minus_1():
    """A fixed 3 x 2 matrix, worked out in R's loo convention: lppd - sum of sample variances."""
    log_lik = np.log(np.array([[0.5, 0.2], [0.25, 0.4], [0.125, 0.1]]))
    lppd = [np.log(0.875 / 3), np.log(0.7 / 3)]
    half = np.log(2) ** 2  # the first column is log(1/2) * (1, 2, 3): sample variance log(2)**2
    logs = np.log([0.2, 0.4, 0.1])  # the second is log 0.1 + log(2) * (1, 2, 0): the same variance
    assert np.var(logs, ddof=1) == pytest.approx(half)
    result = waic_of(log_lik)
    pointwise = np.array(lppd) - half
    assert result.p == pytest.approx(2 * half, rel=1e-14)
    assert result.elpd == pytest.approx(pointwise.sum(), rel=1e-14)
    assert result.se == pytest.approx(np.sqrt(2) * np.std(pointwise, ddof=1), rel=1e-12)
    assert result.n_unreliable == 2
    assert "prefer loo()" in repr(result)
    np.testing.assert_allclose(result.elpd_i, pointwise)


def test_waic_of_constant_draws_has_no_penalty():
    result = waic_of(np.log(np.full((10, 4), 0.3)))
    assert result.p == 0
    assert result.elpd == pytest.approx(4 * np.log(0.3))
    assert result.n_unreliable == 0


def test_reference_waic_of_posteriordb(reference):
    """The Stan reference draws give the elpd_waic that was computed for them elsewhere."""
    data, expected, draws = reference
    made = make_fit(
        data,
        np.stack([draws["theta"], 1 - draws["theta"]], axis=1),
        {
            "mu": np.stack([draws["mu[1]"], draws["mu[2]"]], 1),
            "sigma": np.stack([draws["sigma[1]"], draws["sigma[2]"]], 1),
        },
        chains=10,
    )
    result = made.waic()
    derived = expected["derived"]
    assert result.elpd == pytest.approx(derived["elpd_waic"], abs=1e-6)
    assert result.p == pytest.approx(derived["p_waic"], abs=1e-6)
    grid = derived["predictive_density"]
    # the draws are stored in single precision
    np.testing.assert_allclose(made.density(grid["x"])["density"], grid["p"], rtol=1e-8)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_loo_equals_arviz_on_the_same_log_likelihood_and_reff(fit):
    reff = relative_efficiency(fit.idata["log_likelihood"]["y"])
    expected = arviz_stats.loo(fit.idata, var_name="y", reff=reff, pointwise=True)
    ours = fit.loo(repair=False)
    for name in ("elpd", "se", "p", "good_k", "n_samples", "n_data_points"):
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(expected, name)), rel=1e-12), name
    np.testing.assert_allclose(ours.elpd_i, expected.elpd_i, rtol=1e-12)
    np.testing.assert_allclose(ours.pareto_k, expected.pareto_k, rtol=1e-9)


def test_subsampled_loo_is_right_within_its_error(rng, monkeypatch):
    y = np.concatenate([rng.normal(0, 1, 400), rng.normal(5, 1, 300)])
    n = 1000
    made = make_fit(
        y,
        rng.dirichlet([400, 300], n),
        {"mu": rng.normal([0, 5], 0.06, (n, 2)), "sigma": rng.normal(1, 0.04, (n, 2))},
    )
    exact = made.loo(repair=False)
    monkeypatch.setattr(criteria, "MAX_EXACT_ROWS", 500)
    monkeypatch.setattr(criteria, "SUBSAMPLE", 200)
    some = made.loo(repair=False)
    assert 0 < some.subsampling_se < 0.2 * exact.se
    assert abs(float(some.elpd) - float(exact.elpd)) < 4 * some.subsampling_se
    assert float(some.se) == pytest.approx(float(exact.se), rel=0.2)
    assert float(some.p) == pytest.approx(float(exact.p), rel=0.5)
    assert "subsampled" in str(some)
    np.testing.assert_array_equal(some.elpd_i["obs"], made.loo(repair=False).elpd_i["obs"])


def test_counts_are_units(rng):
    """A row of count c counts c times, and leaving it out leaves out one unit."""
    values, counts = np.array([0.0, 1.0, 3.0, 7.0]), np.array([3, 1, 2, 4])
    n = 500
    draws = rng.dirichlet([5, 5], n), {"mu": rng.normal([1, 6], 0.3, (n, 2)), "sigma": rng.gamma(50, 0.02, (n, 2))}
    expanded = make_fit(np.repeat(values, counts), *draws)
    counted = replace(expanded, data=observe(values, counts))
    for name in ("elpd", "se", "p", "n_data_points"):
        ours, theirs = (float(getattr(f.loo(repair=False), name)) for f in (counted, expanded))
        assert ours == pytest.approx(theirs, rel=1e-12)
    assert counted.waic().elpd == pytest.approx(expanded.waic().elpd, rel=1e-12)
    assert counted.waic().se == pytest.approx(expanded.waic().se, rel=1e-12)
    assert len(counted.loo(repair=False).elpd_i) == 4
    fractions = replace(expanded, data=observe(values, [0.5, 1.0, 1.0, 1.0]))
    for method in (fractions.loo, fractions.waic):
        with pytest.raises(InputError, match="whole numbers"):
            method()


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_loo_without_further_arguments_is_right(fit):
    """``az.loo(fit.idata)`` as a user would call it gives the same elpd within its Monte-Carlo error."""
    assert arviz_stats.loo(fit.idata).elpd == pytest.approx(fit.loo(repair=False).elpd, abs=0.02)


def test_relative_efficiency_is_the_mean_over_rows(rng):
    values = rng.normal(size=(4, 250, 7)) - 800.0
    log_lik = xr.DataArray(values, dims=("chain", "draw", "obs"))
    by_hand = [float(arviz_stats.ess(np.exp(values[:, :, i] + 800.0), method="mean")) / 1000 for i in range(7)]
    assert relative_efficiency(log_lik) == pytest.approx(np.mean(by_hand), rel=1e-6)


def test_criteria_do_not_depend_on_labels(rng):
    made = two_groups(rng.normal(size=30), n_draws=400)
    draws = made.arrays
    flip = rng.random(400) < 0.5
    order = np.where(flip[:, None], [1, 0], [0, 1])
    moved = {n: np.take_along_axis(v, order, 1) for n, v in draws.parameters.items()}
    switched = make_fit(made.observations.values, np.take_along_axis(draws.weights, order, 1), moved)
    ours, theirs = switched.loo(repair=False), made.loo(repair=False)
    assert ours.elpd == pytest.approx(theirs.elpd, rel=1e-9)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k, rtol=1e-6)
    assert switched.waic().elpd == pytest.approx(made.waic().elpd, rel=1e-9)


def test_without_stored_log_likelihood_it_is_computed(rng):
    made = two_groups(rng.normal(size=20), n_draws=200)
    expected = made.loo(repair=False).elpd, made.waic().elpd
    del made.idata["log_likelihood"]
    assert (made.loo(repair=False).elpd, made.waic().elpd) == expected
