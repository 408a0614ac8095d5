"""Densities, simulated data and tidy draws."""

import numpy as np
import pytest
from scipy import stats

from bayesmix.errors import InputError
from tests.helpers import make_fit


@pytest.fixture
def made(rng):
    n = 200
    return make_fit(
        [0.0, 1.0, 6.0],
        rng.dirichlet([5, 10], size=n),
        {"mu": np.c_[rng.normal(0, 0.1, n), rng.normal(6, 0.1, n)], "sigma": rng.gamma(50, 0.02, (n, 2))},
    )


def test_density_equals_scipy_and_integrates_to_one(made):
    grid = np.linspace(-10, 16, 2001)
    result = made.density(grid, ci_prob=0.5)
    draws = made.arrays
    parts = draws.weights[:, :, None] * stats.norm.pdf(
        grid, draws.parameters["mu"][:, :, None], draws.parameters["sigma"][:, :, None]
    )
    np.testing.assert_allclose(result["component_density"], parts.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(result["density"], parts.sum(axis=1).mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(result["density_ub"], np.quantile(parts.sum(axis=1), 0.75, axis=0), rtol=1e-10)
    np.testing.assert_allclose(result["component_density_lb"], np.quantile(parts, 0.25, axis=0), rtol=1e-10)
    assert np.trapezoid(result["density"], grid) == pytest.approx(1.0, abs=1e-6)
    assert result.attrs["interval"] == "eti50"


def test_default_grid_covers_the_data(made):
    grid = made.density()["grid"].values
    assert grid[0] == -1.5
    assert grid[-1] == 7.5


def test_simulated_data_have_the_predictive_distribution(made):
    new = made.simulate(200, n_obs=50, random_seed=1)
    assert new["y"].dims == ("dataset", "obs")
    draws = made.arrays
    x = np.linspace(-3, 9, 13)
    cdf = (
        (
            draws.weights[:, :, None]
            * stats.norm.cdf(x, draws.parameters["mu"][:, :, None], draws.parameters["sigma"][:, :, None])
        )
        .sum(axis=1)
        .mean(axis=0)
    )
    simulated = (new["y"].values.ravel()[:, None] <= x).mean(axis=0)
    np.testing.assert_allclose(simulated, cdf, atol=0.02)
    assert float(new["component"].mean()) == pytest.approx(draws.weights[:, 1].mean(), abs=0.02)


def test_simulation_repeats_with_its_seed_and_defaults_to_the_data_size(made):
    one, two = made.simulate(2, random_seed=3), made.simulate(2, random_seed=3)
    np.testing.assert_array_equal(one["y"], two["y"])
    assert one.sizes == {"dataset": 2, "obs": 3}
    assert made.simulate(500, random_seed=1).sizes["dataset"] == 500


@pytest.mark.parametrize("arguments", [{"n_datasets": 0}, {"n_obs": 0}, {"n_datasets": 1.5}])
def test_bad_sizes(made, arguments):
    with pytest.raises(InputError, match="integer >= 1"):
        made.simulate(**arguments)


def test_tidy_draws(made):
    frame = made.draws()
    assert list(frame.columns) == ["chain", "draw", "component", "w", "mu", "sigma"]
    assert len(frame) == 400
    np.testing.assert_array_equal(frame.loc[frame["component"] == 1, "mu"], made.arrays.parameters["mu"][:, 1])


def test_predictive_by_pymc_agrees(fit):
    """PyMC reads our tree: its predictive is the posterior's, not the prior's."""
    import pymc as pm

    predicted = pm.sample_posterior_predictive(
        fit.idata.sel(draw=slice(0, None, 8)), model=fit.model, random_seed=1, progressbar=False
    ).posterior_predictive["y"]
    ours = fit.simulate(1000, random_seed=1)["length"]
    assert float(predicted.std()) == pytest.approx(float(ours.std()), rel=0.05)
    assert float(predicted.mean()) == pytest.approx(float(ours.mean()), rel=0.01)
    prior_sd = 2 * fit.observations.scale
    assert float(predicted.std()) < 0.7 * prior_sd
