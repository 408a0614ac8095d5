"""What plot_comparison draws."""

import numpy as np
import pandas as pd
import pytest

from bayesmix.comparison import COLUMNS
from bayesmix.plots import plot_comparison
from tests.plots._artists import bars, legend_texts, line

LOO = "elpd by LOO, 1 se"
FAILED = "the same, fit failed its checks"
DIFFERENCE = "difference to the best, 1 se"


@pytest.fixture
def table():
    frame = pd.DataFrame(
        {
            "elpd": [-54.0, -52.0, -53.0, np.nan],
            "se": [2.0, 3.0, 2.5, np.nan],
            "elpd_diff": [-2.0, 0.0, -1.0, np.nan],
            "dse": [1.5, 0.0, 0.5, np.nan],
            "elpd_waic": [-53.9, -51.5, -52.5, np.nan],
            "note": ["", "", "The fit did not pass its checks.", "n_components must not exceed 3"],
        },
        index=pd.Index([1, 2, 3, 4], name="n_components"),
    )
    return frame.reindex(columns=list(COLUMNS))


def test_circles_and_thick_bars_are_elpd_and_se(table):
    points, segments, data = bars(plot_comparison(table), LOO)
    np.testing.assert_array_equal(points, [[-54, 0], [-52, 1]])
    np.testing.assert_array_equal(segments[:, :, 0], [[-56, -52], [-55, -49]])
    assert data.get_markerfacecolor() != "white"


def test_a_fit_that_failed_its_checks_is_hollow(table):
    points, _, data = bars(plot_comparison(table), FAILED)
    np.testing.assert_array_equal(points, [[-53, 2]])
    assert data.get_markerfacecolor() == "white"


def test_thin_bars_are_the_error_of_the_difference(table):
    points, segments, data = bars(plot_comparison(table), DIFFERENCE)
    np.testing.assert_array_equal(points[:, 0], [-54, -53])
    np.testing.assert_array_equal(segments[:, :, 0], [[-55.5, -52.5], [-53.5, -52.5]])
    assert data.get_marker() == "^"


def test_waic_and_the_best_elpd_are_marked(table):
    axes = plot_comparison(table)
    np.testing.assert_array_equal(line(axes, "elpd by WAIC").get_xdata(), [-53.9, -51.5, -52.5])
    best = line(axes, "best elpd")
    assert set(best.get_xdata()) == {-52}
    assert best.get_linestyle() == "--"


def test_a_missing_fit_keeps_its_place(table):
    axes = plot_comparison(table)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "2", "3", "4"]
    assert [(text.get_position()[1], text.get_text()) for text in axes.texts] == [(3, "no fit: see its note")]
    assert axes.get_ylabel() == "number of components"


def test_the_first_fit_is_on_top(table):
    bottom, top = plot_comparison(table).get_ylim()
    assert bottom > top


def test_the_legend_explains_every_mark(table):
    assert legend_texts(plot_comparison(table)) == [LOO, FAILED, "elpd by WAIC", DIFFERENCE, "best elpd"]


def test_names_of_models_label_the_axis(table):
    named = table.iloc[[1]].set_axis(pd.Index(["robust"], name="model"))
    axes = plot_comparison(named)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["robust"]
    assert axes.get_ylabel() == "model"
    assert DIFFERENCE not in legend_texts(axes)


def test_no_numbers_at_all(table):
    axes = plot_comparison(table.iloc[[3]])
    assert axes.get_legend() is None
    assert len(axes.texts) == 1


def test_the_table_of_a_comparison_is_accepted(table):
    # rank() gives numbers beside missing values as objects.
    axes = plot_comparison(table.astype(object))
    assert len(bars(axes, LOO)[0]) == 2
