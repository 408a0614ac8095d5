"""Every plot of a fit is one call away from it."""

import matplotlib.pyplot as plt
import pytest

from bayesmix import plots
from bayesmix.fit import Fit

OF_OTHERS = {"plot_comparison", "plot_prior_predictive"}
SCORED = {"plot_confusion", "plot_roc", "plot_reliability", "plot_rejection"}


def test_every_plot_of_a_fit_is_a_method():
    assert {name for name in plots.__all__ if name not in OF_OTHERS} == {n for n in dir(Fit) if n.startswith("plot_")}


@pytest.mark.parametrize("name", sorted(SCORED))
def test_plots_of_scores_take_labels(fit, arms, name):
    axes = getattr(fit, name)(arms["nlabel"], classes=["child", "adult"])
    assert axes.has_data()
    plt.close(axes.figure)


@pytest.mark.parametrize(
    "name", ["boundaries", "membership_strip", "co_clustering", "forest", "parameters", "ppc", "pareto_k"]
)
def test_plots_of_a_fit_need_nothing_else(fit, name):
    getattr(fit, f"plot_{name}")()
    plt.close("all")
