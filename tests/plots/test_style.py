"""The parts that all plots share."""

import subprocess
import sys

import matplotlib.pyplot as plt
import pytest

from bayesmix.plots._style import PALETTE, axes_or_new, component_style


def test_twelve_components_look_different():
    styles = {component_style(k) for k in range(12)}
    assert len(styles) == 12
    assert component_style(13).color == component_style(1).color
    assert component_style(24) == component_style(0)


def test_palette_is_distinct_and_not_the_ink():
    assert len(set(PALETTE)) == len(PALETTE)


def test_given_axes_are_used_and_no_figure_is_opened():
    figure, ax = plt.subplots()
    assert axes_or_new(ax) is ax
    assert plt.get_fignums() == [figure.number]


def test_a_new_figure_is_open_for_display():
    ax = axes_or_new(None)
    assert plt.get_fignums() == [ax.figure.number]


def test_importing_the_plots_does_not_import_matplotlib():
    code = "import sys, bayesmix.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("method", ["plot_density", "plot_assignments", "plot_pareto_k", "plot_boundaries"])
def test_legends_fit_on_a_narrow_plot(fit, method):
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    getattr(fit, method)(ax=axes[1])
    figure.draw_without_rendering()
    legend, inside = axes[1].get_legend().get_window_extent(), axes[1].get_window_extent()
    plt.close(figure)
    assert legend.width < 1.35 * inside.width
