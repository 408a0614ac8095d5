"""What plot_density draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from bayesmix.errors import InputError
from bayesmix.plots import plot_density
from bayesmix.plots._style import component_style
from tests.helpers import two_groups
from tests.plots._artists import band_bounds, bands, legend_texts, line


def test_lines_are_the_posterior_means(three):
    expected = three.density()
    axes = plot_density(three)
    mixture = line(axes, "mixture, 89 % ETI band")
    np.testing.assert_array_equal(mixture.get_xdata(), expected["grid"])
    np.testing.assert_array_equal(mixture.get_ydata(), expected["density"])
    for k in range(3):
        drawn = line(axes, f"component {k}")
        np.testing.assert_array_equal(drawn.get_ydata(), expected["component_density"].sel(component=k))
        assert drawn.get_color() == component_style(k).color


def test_one_band_per_component_and_one_for_the_mixture(three):
    grid = np.array([1.0, 3.0, 5.0])
    expected = three.density(grid, ci_prob=0.5, ci_kind="hdi")
    axes = plot_density(three, grid=grid, ci_prob=0.5, ci_kind="hdi")
    drawn = bands(axes)
    assert len(drawn) == 4
    for k, band in enumerate(drawn[:3]):
        lower, upper = band_bounds(band, grid)
        np.testing.assert_allclose(lower, expected["component_density_lb"].sel(component=k))
        np.testing.assert_allclose(upper, expected["component_density_ub"].sel(component=k))
        assert tuple(band.get_facecolor()[0][:3]) == to_rgba(component_style(k).color)[:3]
    lower, upper = band_bounds(drawn[3], grid)
    np.testing.assert_allclose(lower, expected["density_lb"])
    np.testing.assert_allclose(upper, expected["density_ub"])
    assert "mixture, 50 % HDI band" in legend_texts(axes)


def test_histogram_has_density_scale_and_rug_has_every_row(two):
    axes = plot_density(two)
    area = sum(bar.get_width() * bar.get_height() for bar in axes.patches)
    assert area == pytest.approx(1)
    np.testing.assert_array_equal(line(axes, "_rug").get_xdata(), np.sort(two.observations.values))


def test_labels_are_in_the_users_units(two):
    axes = plot_density(two)
    assert axes.get_xlabel() == "length (in)"
    assert axes.get_ylabel() == "density per unit of length (in)"
    wanted = {"data (10 rows)", "component 0", "component 1", "mixture, 89 % ETI band"}
    assert set(legend_texts(axes)) == wanted


def test_one_component_is_the_density_itself(column):
    axes = plot_density(two_groups(column, n_components=1))
    assert set(legend_texts(axes)) == {"data (10 rows)", "density, 89 % ETI band"}
    assert len(bands(axes)) == 1


def test_many_rows_get_a_bounded_number_of_bins():
    values = np.r_[np.random.default_rng(0).normal(size=5000), 1e6]
    axes = plot_density(two_groups(values, n_draws=4), grid=[0.0, 1.0])
    assert len(axes.patches) <= 60


def test_draws_into_the_given_axes(two):
    _, ax = plt.subplots()
    assert plot_density(two, ax=ax) is ax


def test_without_data_a_grid_is_needed(two):
    bare = replace(two, data=None)
    assert len(plot_density(bare, grid=[1.0, 2.0]).patches) == 0
    with pytest.raises(InputError, match="data=False"):
        plot_density(bare)
