"""What plot_forest draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesmix.errors import InputError
from bayesmix.families import Normal
from bayesmix.intervals import credible_interval
from bayesmix.mixture import Mixture
from bayesmix.plots import plot_forest
from bayesmix.plots._style import INK, component_style
from tests.helpers import make_fit, two_groups
from tests.plots._artists import legend_texts, line
from tests.plots._table import table_fit


def ticks(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_one_panel_for_each_quantity_and_one_line_for_each_component(three):
    panels = plot_forest(three)
    assert [axes.get_xlabel() for axes in panels] == [
        "weight (share of rows)",
        "mu of length (in)",
        "sigma of length (in)",
    ]
    assert all(ticks(axes) == ["0", "1", "2"] for axes in panels)
    bottom, top = panels[0].get_ylim()
    assert bottom > top  # the first component is on top


def test_points_are_means_and_bars_are_intervals(three):
    draws = three.arrays.parameters["mu"]
    axes = plot_forest(three, ci_prob=0.8, ci_kind="hdi")[1]
    for k in range(3):
        mean = line(axes, f"_mean {k}")
        np.testing.assert_allclose([mean.get_xdata()[0], mean.get_ydata()[0]], [draws[:, k].mean(), k])
        assert mean.get_color() == component_style(k).color
        for name, prob in (("outer", 0.8), ("inner", 0.5)):
            expected = credible_interval(prob, "hdi").bounds(draws[:, k])
            np.testing.assert_allclose(line(axes, f"_{name} {k}").get_xdata(), expected)
    assert legend_texts(plot_forest(three, ci_prob=0.8, ci_kind="hdi")[0]) == ["mean, 50 %", "80 % HDI"]


def test_means_are_those_of_the_summary(two):
    axes = plot_forest(two, var_names="sigma")[0]
    shown = [line(axes, f"_mean {k}").get_xdata()[0] for k in range(2)]
    np.testing.assert_allclose(shown, two.summary(var_names="sigma")["mean"])


def test_a_table_names_columns_categories_and_components():
    fit = table_fit()
    panels = plot_forest(fit)
    assert [axes.get_xlabel() for axes in panels[1:]] == [
        "mu of age (years)",
        "sigma of age (years)",
        "mu of visits",
        "p of smoker",
        "p[a] of ward",
        "p[b] of ward",
        "p[c] of ward",
    ]
    assert ticks(panels[0]) == ["young", "old", "noise"]  # noise has a weight and nothing else
    assert ticks(panels[1]) == ["young", "old"]
    values = fit.arrays.parameters["ward_p"][:, 1, 2].mean()
    assert line(panels[-1], "_mean old").get_xdata()[0] == pytest.approx(values)


def test_shared_numbers_have_one_line(column, rng):
    sigma = rng.normal(1, 0.1, 20)
    made = make_fit(
        column,
        rng.dirichlet([5, 5], 20),
        {"mu": rng.normal([1.0, 5.0], 0.1, (20, 2)), "sigma": sigma},
        mixture=Mixture(2, Normal(common_sigma=True)),
    )
    (axes,) = plot_forest(made, var_names="sigma")
    assert ticks(axes) == ["all"]
    assert line(axes, "_mean all").get_color() == INK


def test_panels_can_be_given(two):
    _, given = plt.subplots(1, 3)
    assert list(plot_forest(two, ax=given)) == list(given)
    _, one = plt.subplots()
    assert plot_forest(two, var_names="mu", ax=one)[0] is one
    with pytest.raises(InputError, match="one Axes for each of 3 panels, got 1"):
        plot_forest(two, ax=one)


def test_unknown_names_are_refused(two):
    with pytest.raises(InputError, match=r"must be among \['w', 'mu', 'sigma'\], got \['tau'\]"):
        plot_forest(two, var_names=["mu", "tau"])


def test_one_component_has_no_weight(column):
    assert len(plot_forest(two_groups(column, n_components=1))) == 2
