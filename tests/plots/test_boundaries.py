"""What plot_boundaries draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.plots import plot_boundaries
from bayesmix.plots._style import component_style
from tests.helpers import make_fit
from tests.plots._artists import band_bounds, bands, legend_texts, line
from tests.plots._fits import column_fit, mixed_fit

Y = pd.Series([0.1, 4.9, 5.2, 2.4, 0.3, 2.6, -0.5, 6.1], name="length (in)")


@pytest.fixture
def fit():
    return column_fit(Y, [0.0, 5.0])


@pytest.fixture
def wide():
    """Return a fit whose second component is so wide that it comes back below the first."""
    rng = np.random.default_rng(1)
    mu = np.array([1.0, 5.0]) + 0.05 * rng.normal(size=(40, 2))
    sigma = np.array([0.8, 2.5]) * np.exp(0.05 * rng.normal(size=(40, 2)))
    return make_fit(Y, np.full((40, 2), 0.5), {"mu": mu, "sigma": sigma})


def ribbon(axes):
    return [p for p in axes.patches if str(p.get_label()).startswith("_region")]


def lines_across(axes, label):
    return [c for c in axes.collections if c.get_label() == label]


def test_curves_are_the_memberships_of_new_rows(fit):
    axes = plot_boundaries(fit)
    for k in range(2):
        curve = line(axes, f"component {k}")
        assert curve.get_color() == component_style(k).color
    x, second = line(axes, "component 1").get_data()
    table = fit.predict(x)
    expected = np.where(table["component"] == 1, table["probability"], 1 - table["probability"])
    np.testing.assert_allclose(second, expected, atol=1e-12)


def test_bands_are_pointwise_intervals_of_the_draws():
    fit = column_fit(Y, [0.0, 3.0, 6.0])
    axes = plot_boundaries(fit, ci_prob=0.5, ci_kind="hdi")
    assert len(bands(axes)) == 3
    x = line(axes, "component 0").get_xdata()[[50, 200, 350]]
    table = fit.predict(x, ci_prob=0.5, ci_kind="hdi")
    for k, band in enumerate(bands(axes)):
        own = (table["component"] == k).to_numpy()
        if own.any():
            lower, upper = band_bounds(band, x[own])
            np.testing.assert_allclose(lower, table.loc[own, "hdi50_lb"], atol=1e-9)
            np.testing.assert_allclose(upper, table.loc[own, "hdi50_ub"], atol=1e-9)
    assert axes.get_legend().get_title().get_text() == "bands: 50 % HDI"


def test_of_two_components_one_has_a_band(fit):
    (band,) = bands(plot_boundaries(fit))
    assert same_color(band.get_facecolor()[0][:3], component_style(1).color)


def test_boundaries_are_lines_with_their_intervals(fit):
    table = fit.decision_boundaries()
    axes = plot_boundaries(fit)
    inside = table[table["boundary"].between(*axes.get_xlim())]
    marks = [*lines_across(axes, "_boundary"), *lines_across(axes, "boundary, bar: 89 % ETI")]
    drawn = [mark.get_segments()[0][0, 0] for mark in marks]
    np.testing.assert_allclose(drawn, inside["boundary"])
    bars = [c.get_segments()[0][:, 0] for c in lines_across(axes, "_interval")]
    np.testing.assert_allclose(bars, inside[["eti89_lb", "eti89_ub"]])
    assert f"{inside['boundary'].iloc[0]:.2f}" in [text.get_text() for text in axes.texts]


def test_the_ribbon_has_the_colours_of_the_winners(wide):
    axes = plot_boundaries(wide)
    table = wide.decision_boundaries()
    assert table["to"].tolist() == [0, 1]
    for patch, k in zip(ribbon(axes), [1, 0, 1], strict=True):
        assert same_color(patch.get_facecolor(), component_style(k).color)
    ends = [patch.get_x() for patch in ribbon(axes)[1:]]
    np.testing.assert_allclose(ends, table["boundary"])
    left, right = axes.get_xlim()
    assert ribbon(axes)[0].get_x() == left
    assert ribbon(axes)[-1].get_x() + ribbon(axes)[-1].get_width() == pytest.approx(right)


def test_a_component_that_comes_back_is_hatched(wide):
    shape = wide.rule_shape()
    assert not shape.monotone
    axes = plot_boundaries(wide)
    (stretch,) = [p for p in axes.patches if p.get_label() == "component 1 again"]
    assert stretch.get_hatch()
    assert stretch.get_x() == axes.get_xlim()[0]
    assert stretch.get_x() + stretch.get_width() == pytest.approx(shape.table["boundary"].iloc[0])
    assert "component 1 again" in legend_texts(axes)


def test_a_return_beyond_the_plot_is_named_under_it():
    # Of two normals with slightly unequal spread the wider one comes back far out.
    params = {"mu": np.tile([0.0, 5.0], (40, 1)), "sigma": np.tile([1.0, 1.2], (40, 1))}
    fit = make_fit(Y, np.full((40, 2), 0.5), params)
    (row,) = fit.rule_shape().table.to_dict("records")
    axes = plot_boundaries(fit)
    assert row["boundary"] < axes.get_xlim()[0]
    assert axes.get_xlabel() == f"length (in)\ncomponent 1 again below {row['boundary']:.2f}, outside the plot"
    assert not [p for p in axes.patches if p.get_hatch()]


def test_a_boundary_that_some_draws_lack_says_so():
    sigma = np.tile([1.0, 2.2], (40, 1))
    sigma[:8, 1] = 1.0  # no boundary below in these draws
    fit = make_fit(Y, np.full((40, 2), 0.5), {"mu": np.tile([2.0, 5.0], (40, 1)), "sigma": sigma})
    assert fit.decision_boundaries()["share"].tolist() == [0.8, 1.0]
    below, between = [text.get_text() for text in plot_boundaries(fit).texts]
    assert below == "-1.28 (80 % of draws)"
    assert between == "3.46"


def test_every_row_is_a_tick_and_many_are_thinned(fit):
    axes = plot_boundaries(fit)
    np.testing.assert_array_equal(line(axes, "_rug").get_xdata(), np.sort(Y))
    assert "8 rows" in legend_texts(axes)
    axes = plot_boundaries(column_fit(np.linspace(-1, 6, 3000), [0.0, 5.0]))
    assert len(line(axes, "_rug").get_xdata()) == 2000
    assert "2000 of 3000 rows" in legend_texts(axes)


def test_one_column_of_a_table_by_name():
    fit = mixed_fit(classes=["small", "large"])
    axes = plot_boundaries(fit, "length")
    assert axes.get_xlabel().split("\n")[0] == "length"
    assert {"component small", "component large"} <= set(legend_texts(axes))
    assert "29 rows" in legend_texts(axes)  # one is blank
    with pytest.raises(InputError, match="column must be one of"):
        plot_boundaries(fit)
    with pytest.raises(InputError, match="numbers"):
        plot_boundaries(fit, "site")


def test_counts_are_steps_with_boundaries_between_them():
    axes = plot_boundaries(mixed_fit(), "visits")
    curve = line(axes, "component 1")
    assert curve.get_drawstyle() == "steps-mid"
    np.testing.assert_array_equal(curve.get_xdata(), np.round(curve.get_xdata()))
    (mark,) = lines_across(axes, "boundary, bar: 89 % ETI")
    assert mark.get_segments()[0][0, 0] % 1 == 0.5


def test_angles_go_round_the_circle():
    angles = np.r_[np.linspace(0.2, 1.0, 8), np.linspace(3.4, 4.4, 8)]
    mu = np.array([0.6, 3.9]) + 0.02 * np.random.default_rng(1).normal(size=(40, 2))
    mixture = Mixture(2, family="von_mises")
    fit = make_fit(angles, np.full((40, 2), 0.5), {"mu": mu, "kappa": np.full((40, 2), 8.0)}, mixture=mixture)
    axes = plot_boundaries(fit)
    assert np.ptp(axes.get_xlim()) == pytest.approx(2 * np.pi)
    assert len(ribbon(axes)) == 3
    assert same_color(ribbon(axes)[0].get_facecolor(), ribbon(axes)[2].get_facecolor())


def test_noise_and_a_single_component():
    axes = plot_boundaries(column_fit(Y, [0.0, 5.0], noise=True))
    assert "component noise" in legend_texts(axes)
    axes = plot_boundaries(column_fit(Y, [2.0], 3.0))
    (only,) = ribbon(axes)
    assert same_color(only.get_facecolor(), component_style(0).color)
    assert set(line(axes, "component 0").get_ydata()) == {1.0}


def test_without_data_there_are_no_ticks(fit):
    axes = plot_boundaries(replace(fit, data=None))
    assert "_rug" not in [one.get_label() for one in axes.lines]


def test_texts_do_not_lie_on_each_other():
    fit = column_fit(np.linspace(0, 110, 100), 10.0 * np.arange(12), 2.0)
    axes = plot_boundaries(fit)
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) >= 9
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_draws_into_the_given_axes(fit):
    _, ax = plt.subplots()
    assert plot_boundaries(fit, ax=ax) is ax
