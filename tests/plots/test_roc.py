"""What plot_roc draws."""

import numpy as np
import pandas as pd
import pytest

from bayesmix.errors import InputError
from bayesmix.evaluation import evaluate
from bayesmix.plots import plot_roc
from tests.plots._artists import band_bounds, bands, legend_texts, line


@pytest.fixture
def memberships():
    """Log memberships of 60 draws and 12 rows that lean to component 1 from row to row."""
    noise = np.random.default_rng(3).normal(size=(60, 12))
    odds = np.linspace(-2, 2, 12) + 0.5 * noise
    second = 1 / (1 + np.exp(-odds))
    return np.log(np.stack([1 - second, second], axis=-1))


def scored(memberships, labels, **options):
    index = pd.RangeIndex(memberships.shape[1])
    return evaluate(memberships, labels, index=index, ci_prob=0.5, ci_kind="hdi", random_seed=1, **options)


LABELS = ["child"] * 4 + ["adult", "child"] * 2 + ["adult"] * 4


def test_the_curve_is_the_evaluations(memberships):
    result = scored(memberships, LABELS, classes=["child", "adult"])
    axes = plot_roc(result)
    area, low, high = result.table.loc["roc_auc", ["estimate", "total_hdi50_lb", "total_hdi50_ub"]]
    curve = line(axes, f"ROC AUC {area:.2f} (total 50 % HDI {low:.2f} to {high:.2f})")
    np.testing.assert_array_equal(curve.get_xdata(), np.r_[0, result.roc["false_positive_rate"]])
    np.testing.assert_array_equal(curve.get_ydata(), np.r_[0, result.roc["true_positive_rate"]])


def test_the_band_is_the_pointwise_interval(memberships):
    result = scored(memberships, LABELS, classes=["child", "adult"])
    axes = plot_roc(result)
    (band,) = bands(axes)
    x = result.roc["false_positive_rate"].to_numpy()[1:-1]
    lower, upper = band_bounds(band, x)
    np.testing.assert_allclose(lower, result.roc["total_hdi50_lb"][1:-1])
    np.testing.assert_allclose(upper, result.roc["total_hdi50_ub"][1:-1])
    assert "total 50 % HDI (draws and rows), pointwise" in legend_texts(axes)


def test_guessing_is_the_diagonal(memberships):
    guess = line(plot_roc(scored(memberships, LABELS, classes=["child", "adult"])), "guessing")
    np.testing.assert_array_equal(guess.get_xydata(), [[0, 0], [1, 1]])


def test_axes_say_which_class_is_positive(memberships):
    axes = plot_roc(scored(memberships, LABELS, classes=["child", "adult"]))
    assert axes.get_xlabel() == "false positive rate (share of child called adult)"
    assert axes.get_ylabel() == "true positive rate (share of adult called adult)"
    assert axes.get_legend().get_title().get_text() == ""


def test_a_best_match_is_called_optimistic(memberships):
    legend = plot_roc(scored(memberships, LABELS)).get_legend()
    assert legend.get_title().get_text() == "best match (optimistic)"


def test_three_classes_are_refused_with_what_to_use_instead(memberships):
    labels = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    with pytest.raises(InputError, match=r"two classes, got 3.*plot_confusion.*roc_auc"):
        plot_roc(scored(memberships, labels))
