"""What plot_ppc draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.pit import simultaneous_band
from bayesmix.plots import plot_ppc
from bayesmix.reading import observe
from tests.helpers import make_fit, two_groups
from tests.plots._artists import legend_texts, line
from tests.plots._table import table_fit


def steps(axes, words):
    """Return values, edges and baseline of the only steps with this label."""
    (found,) = [patch for patch in axes.patches if str(patch.get_label()).startswith(words)]
    return found.get_data()


def test_bars_are_the_data_and_the_band_that_of_simulated_data_sets(two):
    axes = plot_ppc(two, n_datasets=200, envelope_prob=0.9, random_seed=4)
    heights, edges, _ = steps(axes, "data")
    values = two.observations.values
    np.testing.assert_allclose(heights, np.histogram(values, edges)[0] / (10 * np.diff(edges)))
    simulated = two.simulate(200, random_seed=4)["length (in)"].values
    theirs = np.stack([np.histogram(one, edges)[0] for one in simulated]) / (10 * np.diff(edges))
    lower, upper = simultaneous_band(theirs, 0.9)
    band = steps(axes, "200 simulated data sets, 90 % band")
    np.testing.assert_allclose(band.values, upper)
    np.testing.assert_allclose(band.baseline, lower)
    np.testing.assert_allclose(steps(axes, "their median").values, np.median(theirs, axis=0))
    assert edges[0] <= values.min()
    assert edges[-1] >= values.max()
    assert legend_texts(axes) == ["200 simulated data sets, 90 % band", "their median", "data (10 rows)"]
    assert axes.get_ylabel() == "density per unit of length (in)"


def test_shares_up_to_each_value(two):
    axes = plot_ppc(two, kind="ecdf", n_datasets=150, random_seed=4)
    data = line(axes, "data (10 rows)")
    np.testing.assert_array_equal(data.get_xdata()[1:-1], np.sort(two.observations.values))
    assert data.get_ydata()[-1] == 1
    _, edges, _ = band = steps(axes, "150 simulated")
    simulated = two.simulate(150, random_seed=4)["length (in)"].values
    shares = (simulated[:, :, np.newaxis] <= edges[:-1]).mean(axis=1)
    lower, upper = simultaneous_band(shares, 0.99)
    np.testing.assert_allclose(band.values, upper)
    np.testing.assert_allclose(band.baseline, lower)
    assert axes.get_ylabel() == "share of values up to here"


def test_by_default_there_are_500_data_sets_and_fewer_of_many_rows(two, monkeypatch):
    from bayesmix.plots import ppc

    assert legend_texts(plot_ppc(two))[0].startswith("500 ")
    monkeypatch.setattr(ppc, "_MAX_VALUES", 2000)
    assert legend_texts(plot_ppc(two))[0].startswith("200 ")


def test_columns_of_a_table_by_their_kind():
    fit = table_fit()
    counts = plot_ppc(fit, column="visits", n_datasets=50)
    heights, edges, _ = steps(counts, "data (23 rows)")  # the missing cell is left out
    assert heights.sum() == pytest.approx(1)
    np.testing.assert_allclose(edges % 1, 0.5)
    assert counts.get_ylabel() == "share of rows"
    wards = plot_ppc(fit, column="ward", n_datasets=50)
    shares = pd.Series(fit.observations.columns[3].values).value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(steps(wards, "data").values, shares)
    assert [tick.get_text() for tick in wards.get_xticklabels()] == ["a", "b", "c"]
    assert wards.get_xlabel() == "ward"
    with pytest.raises(InputError, match="kind='ecdf' must have a column of numbers"):
        plot_ppc(fit, column="ward", kind="ecdf")
    with pytest.raises(InputError, match="column must be one of"):
        plot_ppc(fit)


def test_a_wrong_model_leaves_the_band(rng):
    y = np.r_[rng.normal(-4, 0.5, 60), rng.normal(4, 0.5, 60)]
    ones = np.ones((40, 1))
    draws = {"mu": rng.normal(0, 0.3, (40, 1)), "sigma": 4 * np.exp(0.05 * rng.normal(size=(40, 1)))}
    wrong = make_fit(y, ones, draws)
    right = {"mu": rng.normal([-4, 4], 0.05, (40, 2)), "sigma": 0.5 * np.exp(0.05 * rng.normal(size=(40, 2)))}
    good = make_fit(y, rng.dirichlet([60, 60], 40), right)
    for made, leaves in ((wrong, True), (good, False)):
        axes = plot_ppc(made, n_datasets=300)
        heights, _, _ = steps(axes, "data")
        band = steps(axes, "300")
        assert bool(((heights > band.values) | (heights < band.baseline)).any()) == leaves


def test_rounded_values_have_bins_of_whole_steps(rng):
    made = make_fit(
        np.round(rng.normal(5, 2, 30)),
        rng.dirichlet([9, 9], 40),
        {"mu": rng.normal([3, 7], 0.1, (40, 2)), "sigma": np.ones((40, 2))},
        resolution=1.0,
    )
    _, edges, _ = steps(plot_ppc(made, n_datasets=50), "data")
    np.testing.assert_allclose(edges % 1, 0.5)


def test_a_wide_range_has_a_bounded_number_of_bins(rng):
    y = rng.poisson(400, 30)
    made = make_fit(
        y, rng.dirichlet([9, 9], 40), {"mu": rng.normal([300, 900], 5, (40, 2))}, mixture=Mixture(2, "poisson")
    )
    heights, edges, _ = steps(plot_ppc(made, n_datasets=50), "data")
    assert len(heights) <= 62
    assert np.allclose(edges % 1, 0.5)


def test_counts_of_rows_are_rows(rng):
    y = pd.Series([1.0, 2.0, 6.0])
    made = two_groups(np.repeat(y, [2, 1, 3]).to_numpy())
    short = replace(make_fit(y, made.arrays.weights, made.arrays.parameters), data=observe(y, [2, 1, 3]))
    axes = plot_ppc(short, n_datasets=50)
    assert legend_texts(axes)[-1] == "data (6 rows)"
    heights, edges, _ = steps(axes, "data")
    np.testing.assert_allclose(heights @ np.diff(edges), 1)
    with pytest.raises(InputError, match="weights are no counts"):
        plot_ppc(replace(short, data=observe(y, [0.5, 1, 1])))


def test_what_cannot_be_drawn_is_refused(two, rng):
    with pytest.raises(InputError, match=r"kind must be 'density' or 'ecdf', got 'loo_pit'\. For LOO-PIT use"):
        plot_ppc(two, kind="loo_pit")
    with pytest.raises(InputError, match="n_datasets must be an integer >= 1, got 0"):
        plot_ppc(two, n_datasets=0)
    draws = {"mu": rng.normal([1, 6], 0.1, (40, 2)), "sigma": np.ones((40, 2))}
    censored = make_fit(bm.Interval([0.0, 6.0], [1.0, np.inf]), rng.dirichlet([9, 9], 40), draws)
    with pytest.raises(InputError, match=r"got intervals in 'y'.*Use plot_loo_pit"):
        plot_ppc(censored)


def test_the_same_random_seed_gives_the_same_picture(two):
    first, again, other = (steps(plot_ppc(two, random_seed=i), "500").values for i in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_draws_into_the_given_axes(two):
    _, ax = plt.subplots()
    assert plot_ppc(two, n_datasets=50, ax=ax) is ax
