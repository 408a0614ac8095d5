"""What plot_comparison draws."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bayesmix.comparison import COLUMNS, Ranking
from bayesmix.errors import InputError
from bayesmix.plots import plot_comparison
from tests.plots._artists import bars, legend_texts, line

FIRST, OTHERS, FAILED = "first not clearly worse", "other fits", "failed its checks"


@pytest.fixture
def table():
    frame = pd.DataFrame(
        {
            "elpd": [-57.0, -52.0, -53.0, -51.0, np.nan],
            "se": [2.0, 3.0, 2.5, 2.6, np.nan],
            "elpd_diff": [-5.0, 0.0, -1.0, np.nan, np.nan],
            "dse": [1.5, 0.0, 0.5, np.nan, np.nan],
            "subsampling_dse": [0.0, 0.0, 0.0, np.nan, np.nan],
            "weight": [0.0, 0.75, 0.25, 0.0, np.nan],
            "elpd_waic": [-57.1, -51.5, -52.5, -50.0, np.nan],
            "log_evidence": [-60.04, -58.0, np.nan, np.nan, np.nan],
            "note": ["", "", "elpd is rough for row 3", "The fit did not pass its checks.", "K must not exceed 3"],
        },
        index=pd.Index([1, 2, 3, 4, 5], name="n_components"),
    )
    return frame.reindex(columns=list(COLUMNS))


@pytest.fixture
def ranking(table):
    return Ranking(table, {}, passed=(1, 2, 3))


def written(axes):
    """Return texts by height, left to right."""
    rows = {}
    for text in axes.texts:
        height = text.xy[1] if hasattr(text, "xy") else text.get_position()[1]
        rows.setdefault(float(height), []).append(text.get_text())
    return rows


def test_circles_and_bars_are_differences_and_their_errors(ranking):
    axes = plot_comparison(ranking)
    points, _, data = bars(axes, FIRST)
    np.testing.assert_array_equal(points, [[0, 1]])
    assert data.get_markerfacecolor() != "white"
    points, segments, _ = bars(axes, OTHERS)
    np.testing.assert_array_equal(points, [[-5, 0], [-1, 2]])
    np.testing.assert_array_equal(segments[:, :, 0], [[-6.5, -3.5], [-1.5, -0.5]])
    assert set(line(axes, "best").get_xdata()) == {0}


def test_errors_of_a_random_sample_of_rows_are_added(table):
    table.loc[3, "subsampling_dse"] = 1.2
    _, segments, _ = bars(plot_comparison(table), OTHERS)
    np.testing.assert_allclose(segments[1, :, 0], [-2.3, 0.3])


def test_only_fits_that_failed_their_checks_are_hollow(ranking, table):
    for source in (ranking, SimpleNamespace(ranking=ranking), table):
        points, _, data = bars(plot_comparison(source), FAILED)
        np.testing.assert_array_equal(points, [[1, 3]])  # better than the best that passed, and not the best
        assert data.get_markerfacecolor() == "white"


def test_where_all_failed_all_are_hollow(table):
    shown = table.iloc[:3]
    axes = plot_comparison(Ranking(shown, {}, passed=()))
    np.testing.assert_array_equal(bars(axes, FAILED)[0][:, 1], [0, 1, 2])
    assert FIRST not in legend_texts(axes)


def test_the_first_that_is_not_clearly_worse_has_its_own_colour(table):
    table.loc[1, ["elpd", "elpd_diff"]] = [-53.9, -1.9]
    np.testing.assert_allclose(bars(plot_comparison(table), FIRST)[0], [[-1.9, 0]])


def test_waic_is_compared_with_that_of_the_same_fit(ranking):
    crosses = line(plot_comparison(ranking), "by WAIC")
    np.testing.assert_allclose(crosses.get_xdata(), [-5.6, 0, -1, 1.5])


def test_one_far_fit_does_not_stretch_the_axis(table):
    table.loc[1, ["elpd", "elpd_diff"]] = [-452.0, -400.0]
    axes = plot_comparison(table)
    low, high = axes.get_xlim()
    assert -4 < low < -2 < 1 < high < 3
    assert "−400.0 ± 1.5" in written(axes)[0.0]
    np.testing.assert_array_equal(bars(axes, OTHERS)[0], [[-1, 2]])
    table.loc[4, "elpd"] = 900.0
    assert "952.0, failed its checks" in written(plot_comparison(table))[3.0]


def test_of_two_fits_both_are_on_the_axis(table):
    table.loc[1, ["elpd", "elpd_diff"]] = [-452.0, -400.0]
    axes = plot_comparison(table.iloc[:2])
    np.testing.assert_array_equal(bars(axes, OTHERS)[0], [[-400, 0]])
    assert axes.get_xlim()[0] < -400


def test_numbers_stand_beside(ranking):
    rows = written(plot_comparison(ranking))
    assert rows[-0.8] == ["elpd (se)", "weight", "log evidence"]
    assert rows[0.0] == ["−57.0 (2.0)", "0.00", "−60.0"]
    assert rows[2.0] == ["−53.0 (2.5)", "0.25", "–"]


def test_numbers_can_be_left_out(ranking):
    rows = written(plot_comparison(ranking, numbers=False))
    assert list(rows) == [4.0]


def test_without_any_evidence_there_is_no_column_for_it(table):
    table["log_evidence"] = np.nan
    assert written(plot_comparison(table))[-0.8] == ["elpd (se)", "weight"]


def test_a_missing_fit_keeps_its_place(ranking):
    axes = plot_comparison(ranking)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "2", "3", "4", "5"]
    assert written(axes)[4.0] == ["no fit: see its note"]
    assert axes.get_ylabel() == "number of components"
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_the_legend_explains_every_mark(ranking):
    strip = "less than 2: never clearly worse"
    assert legend_texts(plot_comparison(ranking)) == [FIRST, OTHERS, FAILED, "by WAIC", strip, "best"]


def test_names_of_models_label_the_axis(table):
    named = table.iloc[[1]].set_axis(pd.Index(["robust"], name="model"))
    axes = plot_comparison(named)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["robust"]
    assert axes.get_ylabel() == "model"


def test_no_numbers_at_all(table):
    axes = plot_comparison(table.iloc[[4]])
    assert axes.get_legend() is None
    assert len(axes.texts) == 1


def test_the_table_of_a_comparison_is_accepted(table):
    # rank() gives numbers beside missing values as objects.
    axes = plot_comparison(table.astype(object))
    assert len(bars(axes, OTHERS)[0]) == 2
    for wrong in ({"a": 1}, pd.DataFrame({"a": [1]})):
        with pytest.raises(InputError, match="what choose_components or compare returned"):
            plot_comparison(wrong)


def test_names_of_fits_are_shown_as_they_are(table):
    table.index = pd.Index(["$a$", "b", "c", "d", "e"], name="$model$")
    axes = plot_comparison(table)
    assert axes.get_yticklabels()[0].get_text() == r"\$a\$"
    assert axes.get_ylabel() == r"\$model\$"
