"""What plot_reliability draws."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bayesmix.evaluation import evaluate
from bayesmix.plots import plot_reliability
from tests.plots._artists import legend_texts, line

LABELS = ["child"] * 8 + ["adult", "child"] * 4 + ["adult"] * 8


def scored(classes=("child", "adult"), labels=LABELS, *, declared=True, k=2):
    """Score memberships that lean from the first to the last component."""
    noise = np.random.default_rng(3).normal(size=(60, 24, k))
    logits = np.linspace(-2, 2, 24)[:, None] * np.arange(k) + 0.5 * noise
    memberships = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    options = {"index": pd.RangeIndex(24), "ci_prob": 0.5, "ci_kind": "hdi", "random_seed": 1}
    return evaluate(memberships, labels, classes=list(classes) if declared else None, **options)


@pytest.fixture
def result():
    return scored()


def segments(axes, label):
    (found,) = [c for c in axes.collections if c.get_label() == label]
    return np.array(found.get_segments()), found.get_linewidth()[0]


def test_points_are_the_bins_that_have_rows(result):
    table = result.reliability[result.reliability["n"] > 0]
    drawn = line(plot_reliability(result), "observed share")
    np.testing.assert_array_equal(drawn.get_xydata(), table[["probability", "frequency"]])


def test_both_intervals_are_drawn_and_named(result):
    table = result.reliability[result.reliability["n"] > 0]
    axes = plot_reliability(result)
    widths = []
    for which, what in (("rule", "rows"), ("total", "draws and rows")):
        drawn, width = segments(axes, f"{which} 50 % HDI ({what})")
        np.testing.assert_array_equal(drawn[:, :, 0], np.repeat(table[["probability"]], 2, axis=1))
        np.testing.assert_array_equal(drawn[:, :, 1], table[[f"{which}_hdi50_lb", f"{which}_hdi50_ub"]])
        widths.append(width)
    assert widths[0] > widths[1]
    assert [text.split()[0] for text in legend_texts(axes)] == ["calibrated", "observed", "rule", "total", "rows"]


def test_bars_and_numbers_are_the_rows_of_the_bins(result):
    table = result.reliability[result.reliability["n"] > 0]
    axes = plot_reliability(result)
    assert [text.get_text() for text in axes.texts] == [str(n) for n in table["n"]]
    heights = np.array([bar.get_height() for bar in axes.patches])
    np.testing.assert_allclose(heights / heights.max(), table["n"] / table["n"].max())
    np.testing.assert_allclose([bar.get_x() for bar in axes.patches], table["lower"])
    assert max(bar.get_y() + bar.get_height() for bar in axes.patches) < 0  # under the curve


def test_the_diagonal_is_calibrated(result):
    np.testing.assert_array_equal(line(plot_reliability(result), "calibrated").get_xydata(), [[0, 0], [1, 1]])


def test_axes_say_whose_probability_it_is(result):
    axes = plot_reliability(result)
    assert axes.get_xlabel() == "probability of adult"
    assert axes.get_ylabel() == "share of the rows that are adult"
    assert axes.get_legend().get_title().get_text() == ""
    labels = ["a"] * 8 + ["b"] * 8 + ["c"] * 8
    axes = plot_reliability(scored(labels=labels, declared=False, k=3))
    assert axes.get_xlabel() == "probability of the predicted class"
    assert axes.get_ylabel() == "share of the rows that are of the predicted class"
    assert axes.get_legend().get_title().get_text() == "best match (optimistic)"


def test_draws_into_the_given_axes(result):
    _, ax = plt.subplots()
    assert plot_reliability(result, ax=ax) is ax
