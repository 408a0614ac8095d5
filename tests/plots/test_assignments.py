"""What plot_assignments draws."""

import numpy as np
import pytest
from matplotlib.colors import same_color

from bayesmix.errors import InputError
from bayesmix.plots import plot_assignments
from bayesmix.plots._style import component_style
from tests.helpers import two_groups
from tests.plots._artists import bands, bars, legend_texts, line
from tests.plots._fits import mixed_fit


def drawn_points(axes, n_components):
    """Return {(x, component): (y, lower, upper)} over all error bars."""
    found = {}
    for k in range(n_components):
        if f"component {k}" in [c.get_label() for c in axes.containers]:
            points, segments, _ = bars(axes, f"component {k}")
            for (x, y), segment in zip(points, segments, strict=True):
                found[float(x), k] = (y, segment[0, 1], segment[1, 1])
    return found


def test_two_components_show_the_probability_of_component_1(two):
    table = two.assignments().drop_duplicates("length (in)")
    axes = plot_assignments(two)
    points = drawn_points(axes, 2)
    assert len(points) == len(table)
    draws = two.assignment_probabilities(draws=True).sel(component=1)
    for (x, k), (y, lower, upper) in points.items():
        row = table[table["length (in)"] == x].iloc[0]
        assert row["component"] == k
        one = draws.isel(obs=int(row.name)).values.ravel()
        assert y == pytest.approx(one.mean())
        assert (lower, upper) == pytest.approx(tuple(np.quantile(one, [0.055, 0.945])), abs=1e-9)
    assert axes.get_ylabel() == "probability of component 1"
    assert axes.get_xlabel() == "length (in)"


def test_three_components_show_the_most_probable_one(three):
    table = three.assignments().drop_duplicates("length (in)")
    axes = plot_assignments(three)
    points = drawn_points(axes, 3)
    assert len(points) == len(table)
    for _, row in table.iterrows():
        y, lower, upper = points[row["length (in)"], row["component"]]
        assert y == pytest.approx(row["probability"])
        assert lower == pytest.approx(min(row["eti89_lb"], y))
        assert upper == pytest.approx(max(row["eti89_ub"], y))
    _, _, data = bars(axes, "component 2")
    assert same_color(data.get_color(), component_style(2).color)


def test_lines_go_through_the_points(three):
    axes = plot_assignments(three)
    means = three.assignment_probabilities()
    x = three.observations.values
    for k in range(3):
        curve = line(axes, f"_probability of component {k}")
        assert curve.get_color() == component_style(k).color
        at = np.interp(x, curve.get_xdata(), curve.get_ydata())
        np.testing.assert_allclose(at, means.sel(component=k), atol=2e-3)


def test_ties_are_one_point_with_their_count(two):
    axes = plot_assignments(two)
    counts = {text.get_position()[0]: text.get_text() for text in axes.texts}
    assert counts == {1.0: "x2", 6.0: "x3"}


def test_legend_names_components_and_interval(two):
    axes = plot_assignments(two, ci_prob=0.5, ci_kind="hdi")
    assert legend_texts(axes) == ["component 0", "component 1"]
    assert axes.get_legend().get_title().get_text() == "most probable component; bars: 50 % HDI"


def test_many_rows_become_curves_and_bands():
    values = np.r_[np.linspace(-2, 2, 400), np.linspace(5, 9, 600)]
    fit = two_groups(values)
    axes = plot_assignments(fit)
    assert len(bands(axes)) == 2
    assert not axes.containers
    assert not axes.texts
    first, second = (line(axes, f"component {k}") for k in range(2))
    x = first.get_xdata()
    assert (x[0], x[-1]) == (-2, 9)
    together = np.where(np.isnan(first.get_ydata()), second.get_ydata(), first.get_ydata())
    assert not np.isnan(together).any()
    assert (together[x < 0] < 0.5).all()
    assert (together[x > 7] > 0.5).all()
    np.testing.assert_array_equal(line(axes, "_rug").get_xdata(), np.sort(values))
    assert "bands" in axes.get_legend().get_title().get_text()


def test_one_component_has_probability_one(column):
    axes = plot_assignments(two_groups(column, n_components=1))
    assert {y for y, _, _ in drawn_points(axes, 1).values()} == {1.0}


def test_several_columns_are_refused_with_what_to_use_instead():
    with pytest.raises(InputError, match=r"one column of points.*plot_membership_strip.*plot_boundaries"):
        plot_assignments(mixed_fit())
