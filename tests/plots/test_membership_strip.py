"""What plot_membership_strip draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from bayesmix.errors import InputError
from bayesmix.plots import plot_membership_strip
from bayesmix.plots._style import component_style
from tests.plots._artists import legend_texts, line
from tests.plots._fits import column_fit, mixed_fit, weighted

Y = pd.Series([0.1, 4.9, 5.2, 2.4, 0.3, 2.6, -0.5], index=list("abcdefg"), name="length (in)")


@pytest.fixture
def fit():
    return column_fit(Y, [0.0, 5.0])


def stacks(axes):
    """Return the bars of each component as (tops, edges, feet)."""
    return [p.get_data() for p in axes.patches if type(p).__name__ == "StepPatch"]


def test_bars_are_the_probabilities_of_the_sorted_rows(fit):
    axes = plot_membership_strip(fit)
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    expected = fit.assignment_probabilities()
    own = fit.assignments().loc[names]
    assert own["component"].is_monotonic_increasing
    for _, part in own.groupby("component"):
        assert part["probability"].is_monotonic_decreasing
    for k, (tops, edges, feet) in enumerate(stacks(axes)):
        np.testing.assert_allclose(tops - feet, expected.sel(component=k, obs=names), atol=1e-12)
        np.testing.assert_array_equal(edges, np.arange(8))
    np.testing.assert_allclose(stacks(axes)[1][0], 1)
    np.testing.assert_allclose(axes.get_xticks(), np.arange(7) + 0.5)


def test_bars_have_the_components_colours(fit):
    for k, patch in enumerate(plot_membership_strip(fit).patches):
        assert same_color(patch.get_facecolor(), component_style(k).color)
        assert patch.get_hatch() in (None, "")


def test_a_white_line_parts_the_components(fit):
    axes = plot_membership_strip(fit)
    (border,) = [one for one in axes.lines if one.get_label() == "_border"]
    assert set(border.get_xdata()) == {int((fit.assignments()["component"] == 0).sum())}


def test_rows_that_could_flip_are_marked(fit):
    table = fit.assignments()
    assert 0 < table["could_flip"].sum() < len(table)
    axes = plot_membership_strip(fit)
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    marked = [names[int(x)] for x in line(axes, "could flip (89 %)").get_xdata()]
    assert set(marked) == set(table.index[table["could_flip"]])
    at_half = plot_membership_strip(fit, ci_prob=0.5)
    assert "could flip (50 %)" in legend_texts(at_half)


def test_the_legend_counts_the_rows_of_named_components():
    fit = column_fit(Y, [0.0, 5.0], classes=["child", "adult"], noise=True)
    counts = fit.assignments()["component"].value_counts()
    texts = legend_texts(plot_membership_strip(fit))
    for name in ("child", "adult", "noise"):
        assert f"component {name} ({counts.get(name, 0)})" in texts


def test_a_table_of_mixed_columns_needs_no_axis_for_the_data():
    fit = mixed_fit()
    axes = plot_membership_strip(fit)
    assert len(stacks(axes)) == 2
    assert axes.get_xlabel() == "30 rows, by component and probability"


def test_bars_are_as_wide_as_the_units_they_stand_for(fit):
    axes = plot_membership_strip(weighted(fit, [1, 2, 3, 4, 5, 6, 7]))
    edges = stacks(axes)[0][1]
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert dict(zip(names, np.diff(edges), strict=True)) == dict(zip("abcdefg", range(1, 8), strict=True))
    assert "as wide as the units they stand for" in axes.get_xlabel()


def test_of_many_rows_a_sample_is_drawn_and_said():
    fit = column_fit(np.linspace(-2, 7, 300), [0.0, 5.0])
    axes, again, other = (plot_membership_strip(fit, max_rows=50, random_seed=seed) for seed in (0, 0, 1))
    tops, edges, _ = stacks(axes)[0]
    assert len(tops) == 50
    assert edges[-1] == 50
    assert axes.get_xlabel().startswith("random sample of 50 of 300 rows")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == []
    np.testing.assert_array_equal(stacks(again)[0][0], tops)
    assert not np.array_equal(stacks(other)[0][0], tops)


def test_twelve_components_are_told_apart_by_patterns():
    fit = column_fit(np.linspace(0, 110, 100), 10.0 * np.arange(12), 3.0)
    looks = {(p.get_facecolor(), p.get_hatch()) for p in plot_membership_strip(fit).patches}
    assert len(looks) == 12


def test_arguments_are_checked(fit):
    with pytest.raises(InputError, match="max_rows must be an integer >= 1, got 0"):
        plot_membership_strip(fit, max_rows=0)
    with pytest.raises(InputError, match="random_seed"):
        plot_membership_strip(fit, random_seed=-1)
    with pytest.raises(InputError, match="data=False"):
        plot_membership_strip(replace(fit, data=None))


def test_draws_into_the_given_axes(fit):
    _, ax = plt.subplots()
    assert plot_membership_strip(fit, ax=ax) is ax
