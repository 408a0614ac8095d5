"""What plot_rejection draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesmix.plots import plot_rejection
from tests.plots._artists import band_bounds, bands, legend_texts, line
from tests.plots.test_reliability import scored


@pytest.fixture
def result():
    return scored()


def test_the_curve_is_the_evaluations(result):
    drawn = line(plot_rejection(result), "accuracy")
    np.testing.assert_array_equal(drawn.get_xydata(), result.rejection[["kept", "accuracy"]])


def test_both_bands_are_drawn_and_named(result):
    axes = plot_rejection(result)
    x = result.rejection["kept"].to_numpy()[1:-1]
    for band, which, what in zip(bands(axes), ("total", "rule"), ("draws and rows", "rows"), strict=True):
        assert band.get_label() == f"{which} 50 % HDI ({what})"
        lower, upper = band_bounds(band, x)
        np.testing.assert_allclose(lower, result.rejection[f"{which}_hdi50_lb"][1:-1])
        np.testing.assert_allclose(upper, result.rejection[f"{which}_hdi50_ub"][1:-1])
    assert bands(axes)[0].get_alpha() < bands(axes)[1].get_alpha()


def test_the_base_rate_is_a_line_with_its_number(result):
    axes = plot_rejection(result)
    guess = line(axes, f"always the largest class: {result.base_rate:.2f}")
    assert set(guess.get_ydata()) == {result.base_rate}
    assert axes.get_ylim()[0] < result.base_rate


def test_a_best_match_is_called_optimistic(result):
    assert plot_rejection(result).get_legend().get_title().get_text() == ""
    axes = plot_rejection(scored(declared=False))
    assert axes.get_legend().get_title().get_text() == "best match (optimistic)"
    assert len(legend_texts(axes)) == 4


def test_draws_into_the_given_axes(result):
    _, ax = plt.subplots()
    assert plot_rejection(result, ax=ax) is ax
