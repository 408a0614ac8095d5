"""What plot_membership_heatmap draws."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import same_color

from bayesmix.plots import plot_membership_heatmap
from bayesmix.plots._style import component_style
from tests.plots._fits import column_fit, mixed_fit

Y = pd.Series([15.2, 0.1, 9.8, 4.9, 5.2, 2.4, 0.3, 12.5], index=list("abcdefgh"), name="length (in)")


def four():
    return column_fit(Y, [0.0, 5.0, 10.0, 15.0])


def test_shades_are_the_probabilities_of_the_sorted_rows():
    fit = four()
    axes = plot_membership_heatmap(fit)
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    image = axes.images[0]
    np.testing.assert_allclose(image.get_array(), fit.assignment_probabilities().sel(obs=names))
    assert image.get_clim() == (0, 1)
    assert fit.assignments().loc[names, "component"].is_monotonic_increasing


def test_a_frame_surrounds_the_rows_of_each_component():
    fit = four()
    counts = fit.assignments()["component"].value_counts().sort_index()
    frames = plot_membership_heatmap(fit).patches
    start = -0.5
    for k, frame in enumerate(frames):
        assert frame.get_xy() == (k - 0.5, start)
        assert (frame.get_width(), frame.get_height()) == (1, counts[k])
        assert same_color(frame.get_edgecolor(), component_style(k).color)
        start += counts[k]
    assert len(frames) == 4


def test_a_component_without_rows_keeps_its_column():
    fit = column_fit(Y, [0.0, 5.0, 10.0, 15.0, 300.0])
    axes = plot_membership_heatmap(fit)
    assert axes.images[0].get_array().shape == (8, 5)
    assert len(axes.patches) == 4


def test_components_have_their_names():
    fit = column_fit(Y, [0.0, 12.0], classes=["child", "adult"], noise=True)
    axes = plot_membership_heatmap(fit)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["child", "adult", "noise"]
    assert axes.get_xlabel() == "component"


def test_tables_and_many_rows():
    assert plot_membership_heatmap(mixed_fit()).get_ylabel().startswith("30 rows")
    fit = column_fit(np.linspace(-2, 7, 300), [0.0, 5.0])
    axes, again = (plot_membership_heatmap(fit, max_rows=60) for _ in range(2))
    assert axes.images[0].get_array().shape == (60, 2)
    assert axes.get_ylabel().startswith("random sample of 60 of 300 rows")
    np.testing.assert_array_equal(axes.images[0].get_array(), again.images[0].get_array())


def test_draws_into_the_given_axes():
    _, ax = plt.subplots()
    assert plot_membership_heatmap(four(), ax=ax) is ax
