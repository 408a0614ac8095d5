"""What plot_membership_ternary draws."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from bayesmix.errors import InputError
from bayesmix.plots import plot_membership_ternary
from bayesmix.plots._style import component_style
from tests.plots._artists import legend_texts
from tests.plots._fits import column_fit

Y = pd.Series([0.0, 0.2, 2.4, 5.0, 5.1, 7.6, 10.0, 10.3], name="length (in)")
CORNERS = np.array([[0, 0], [0.5, np.sqrt(3) / 2], [1, 0]])


@pytest.fixture
def fit():
    return column_fit(Y, [0.0, 5.0, 10.0])


def points(axes):
    """Return positions, colours and whether filled of all rows drawn."""
    found = [c for c in axes.collections if len(c.get_offsets())]
    return [(c.get_offsets(), c.get_edgecolor()[0], len(c.get_facecolor()) > 0) for c in found]


def test_points_are_the_barycentric_coordinates(fit):
    drawn = np.concatenate([offsets for offsets, _, _ in points(plot_membership_ternary(fit))])
    expected = fit.assignment_probabilities().values @ CORNERS
    assert len(drawn) == len(expected)
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(expected, axis=0), atol=1e-12)


def test_colours_are_those_of_the_most_probable_component(fit):
    for offsets, color, _ in points(plot_membership_ternary(fit)):
        for point in offsets:
            nearest = int(np.argmin(np.linalg.norm(CORNERS - point, axis=1)))
            assert same_color(color[:3], component_style(nearest).color)


def test_rows_that_could_flip_are_hollow(fit):
    table = fit.assignments()
    axes = plot_membership_ternary(fit)
    hollow = sum(len(offsets) for offsets, _, filled in points(axes) if not filled)
    assert hollow == table["could_flip"].sum() > 0
    assert "could flip (89 %)" in legend_texts(axes)


def test_corners_are_labelled_with_the_sure_rows(fit):
    texts = {text.get_text(): text.xy for text in plot_membership_ternary(fit).texts if "\n" in text.get_text()}
    sure = (fit.assignment_probabilities().values > 0.95).sum(axis=0)
    assert list(texts) == [f"component {k}\n{sure[k]} rows above 0.95" for k in range(3)]
    np.testing.assert_allclose(list(texts.values()), CORNERS)


def test_each_edge_is_the_axis_of_one_component(fit):
    numbers = [t for t in plot_membership_ternary(fit).texts if "\n" not in t.get_text()]
    for text in numbers:
        (k,) = [k for k in range(3) if same_color(text.get_color(), component_style(k).color)]
        share = np.linalg.solve(np.vstack([CORNERS.T, np.ones(3)]), [*text.xy, 1])
        assert share[k] == pytest.approx(float(text.get_text()))
    assert len(numbers) == 9


def test_two_groups_and_noise_are_three_components():
    fit = column_fit(Y, [0.0, 10.0], classes=["child", "adult"], noise=True)
    texts = [text.get_text().split("\n")[0] for text in plot_membership_ternary(fit).texts if "\n" in text.get_text()]
    assert texts == ["component child", "component adult", "component noise"]


def test_of_many_rows_a_sample_is_drawn_and_said():
    fit = column_fit(np.linspace(-2, 12, 400), [0.0, 5.0, 10.0])
    axes, again = (plot_membership_ternary(fit, max_rows=100) for _ in range(2))
    assert sum(len(offsets) for offsets, _, _ in points(axes)) == 100
    assert axes.get_legend().get_title().get_text().startswith("random sample of 100 of 400 rows")
    for one, other in zip(points(axes), points(again), strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_other_numbers_of_components_are_refused_with_what_to_use_instead():
    with pytest.raises(InputError, match=r"three components.*got 2.*plot_membership_strip"):
        plot_membership_ternary(column_fit(Y, [0.0, 5.0]))
    with pytest.raises(InputError, match=r"three components.*got 4.*plot_membership_heatmap"):
        plot_membership_ternary(column_fit(Y, [0.0, 3.0, 6.0, 10.0]))


def test_draws_into_the_given_axes(fit):
    _, ax = plt.subplots()
    assert plot_membership_ternary(fit, ax=ax) is ax
