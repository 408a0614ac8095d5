"""What plot_pairs draws."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.plots import plot_pairs
from tests.helpers import make_fit
from tests.plots._artists import bands, line
from tests.plots._fits import column_fit, mixed_fit, mv_fit, plane

X, Y = "width (mm)", "depth (mm)"


def test_the_diagonal_has_the_marginal_densities():
    fit = mv_fit()
    panels = plot_pairs(fit)
    assert panels.shape == (2, 2)
    for i, name in enumerate((X, Y)):
        axes = panels[i, i]
        drawn = line(axes, "mixture, 89 % ETI band")
        np.testing.assert_array_equal(drawn.get_ydata(), fit.density(column=name)["density"])
        assert len(bands(axes)) == 3
        assert axes.get_legend() is None
        assert "_rug" not in [one.get_label() for one in axes.lines]


def test_below_it_are_rows_and_contours():
    fit = mv_fit()
    axes = plot_pairs(fit)[1, 0]
    rows = [c for c in axes.collections if str(c.get_label()).startswith("_rows")]
    assert sum(len(c.get_offsets()) for c in rows) == 60
    drawn = np.concatenate([c.get_offsets() for c in rows])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(fit.observations.values, axis=0))
    assert [c for c in axes.collections if type(c).__name__ == "QuadContourSet"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (X, Y)


def test_above_it_is_nothing_and_all_panels_are_of_one_figure():
    panels = plot_pairs(mv_fit())
    assert not panels[0, 1].axison
    assert {axes.figure for axes in panels.flat} == {panels[0, 0].figure}
    assert plt.get_fignums() == [panels[0, 0].figure.number]


def test_panels_of_a_column_have_the_same_range():
    panels = plot_pairs(mixed_fit())
    assert panels[0, 0].get_xlim() == panels[1, 0].get_xlim() == panels[2, 0].get_xlim()
    assert panels[2, 0].get_ylim() == panels[2, 1].get_ylim() == panels[2, 2].get_xlim()
    assert [tick.get_text() for tick in panels[2, 2].get_xticklabels()] == ["north", "south"]
    assert [tick.get_text() for tick in panels[2, 0].get_yticklabels()] == ["north", "south"]


def test_one_legend_for_all_panels():
    (legend,) = plot_pairs(mv_fit(classes=["slim", "stout"]))[0, 0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "component slim",
        "component stout",
        "mixture, 89 % ETI band",
        "50, 80, 95 % of the mixture",
    ]
    assert legend.get_title().get_text() == "60 rows"


def test_some_columns_in_the_order_given():
    panels = plot_pairs(mixed_fit(), ["visits", "length"])
    assert panels.shape == (2, 2)
    assert (panels[1, 0].get_xlabel(), panels[1, 0].get_ylabel()) == ("visits", "length")


def test_of_many_rows_a_sample_is_drawn_and_said():
    panels = plot_pairs(mv_fit(plane(400)), max_rows=50)
    rows = [c for c in panels[1, 0].collections if str(c.get_label()).startswith("_rows")]
    assert sum(len(c.get_offsets()) for c in rows) == 50
    assert panels[0, 0].figure.legends[0].get_title().get_text() == "random sample of 50 of 400 rows"


def test_columns_are_checked():
    fit = mixed_fit()
    with pytest.raises(InputError, match=r"columns must be among .*got 'age'"):
        plot_pairs(fit, ["length", "age"])
    with pytest.raises(InputError, match="once each"):
        plot_pairs(fit, ["length", "length"])
    with pytest.raises(InputError, match=r"2 to 8 columns.*got 1.*plot_density"):
        plot_pairs(fit, ["length"])
    with pytest.raises(InputError, match="got 1"):
        plot_pairs(column_fit(pd.Series([1.0, 2.0, 6.0], name="y"), [1.0, 6.0]))


def test_too_many_columns_are_refused_with_what_to_do():
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(12, 9)), columns=list("abcdefghi"))
    params = {f"{c}_mu": np.zeros((4, 1)) for c in frame} | {f"{c}_sigma": np.ones((4, 1)) for c in frame}
    fit = make_fit(frame, np.ones((4, 1)), params, mixture=Mixture(1, family=dict.fromkeys(frame, "normal")))
    with pytest.raises(InputError, match=r"got 9.*columns=\['a', 'b', 'c', 'd'\]"):
        plot_pairs(fit)
