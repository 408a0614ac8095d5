"""What plot_pareto_k draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bayesmix.criteria import pointwise_loo
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.plots import pareto_k, plot_pareto_k
from tests.helpers import make_fit, two_groups
from tests.plots._artists import legend_texts, line

REPAIRED = "above the limit, replaced by a refit"
LEFT = "above the limit, left as it is"


@pytest.fixture
def made():
    y = pd.Series([1.0, 1.5, 2.0, 4.0, 5.5, 6.0, 6.0, 7.0], index=list("abcdefgh"), name="y")
    return two_groups(y, n_draws=100)


@pytest.fixture
def loo(made, monkeypatch):
    """Two rows above the limit, one of them repaired."""
    plain = pointwise_loo(made)
    k = np.array([0.1, 0.2, 0.3, 1.2, 0.1, 0.2, 0.8])
    high = k > plain.good_k
    repaired = high & (k < 1)
    found = replace(plain, pareto_k=k, repaired=repaired, failed=high & ~repaired)
    monkeypatch.setattr(pareto_k, "repaired_loo", lambda fit: found)
    return found


def points(axes, words):
    (found,) = [one for one in axes.lines if str(one.get_label()).startswith(words)]
    return found.get_xydata()


def test_every_row_has_its_pareto_k_and_equal_rows_the_same(made, loo):
    axes = plot_pareto_k(made)
    np.testing.assert_array_equal(
        points(axes, "reliable"), [[0, 0.1], [1, 0.2], [2, 0.3], [4, 0.1], [5, 0.2], [6, 0.2]]
    )
    np.testing.assert_array_equal(points(axes, REPAIRED), [[7, 0.8]])
    np.testing.assert_array_equal(points(axes, LEFT), [[3, 1.2]])
    assert legend_texts(axes) == ["reliable (6)", f"{REPAIRED} (1)", f"{LEFT} (1)"]


def test_limits_are_drawn_and_said(made, loo):
    axes = plot_pareto_k(made)
    assert set(line(axes, f"_limit {loo.good_k:.2f}").get_ydata()) == {loo.good_k}
    assert set(line(axes, "_limit 1.00").get_ydata()) == {1}
    assert axes.get_ylim()[1] > 1.2
    words = [text.get_text() for text in axes.texts]
    assert f"reliable up to {loo.good_k:.2f}" in words


def test_the_worst_rows_are_named_by_their_labels(made, loo):
    assert {"d", "h"} < {text.get_text() for text in plot_pareto_k(made).texts}
    texts = {text.get_text() for text in plot_pareto_k(made, n_labels=1).texts}
    assert "d" in texts
    assert "h" not in texts
    with pytest.raises(InputError, match="n_labels must be an integer >= 0, got -1"):
        plot_pareto_k(made, n_labels=-1)


def test_without_repair_it_is_that_of_psis(made):
    axes = plot_pareto_k(made, repair=False)
    expected = made.loo(repair=False).pareto_k.values
    drawn = np.concatenate([one.get_xydata() for one in axes.lines if not str(one.get_label()).startswith("_")])
    np.testing.assert_allclose(drawn[np.argsort(drawn[:, 0]), 1], expected)


def test_rows_without_a_value_are_left_out():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": [1.0, np.nan, 2.0, 5.0, 6.0], "b": [1.0, np.nan, np.nan, 6.0, 5.0]})
    draws = {f"{name}_{p}": np.exp(0.1 * rng.normal(size=(100, 2))) for name in "ab" for p in ("mu", "sigma")}
    made = make_fit(frame, rng.dirichlet([9, 9], 100), draws, mixture=Mixture(2, {"a": "normal", "b": "normal"}))
    axes = plot_pareto_k(made, repair=False)
    drawn = np.concatenate([one.get_xdata() for one in axes.lines if not str(one.get_label()).startswith("_")])
    assert sorted(drawn) == [0, 2, 3, 4]
    assert "(1 without any value left out)" in axes.get_xlabel()


def test_a_sample_of_many_rows_says_so(made, loo, monkeypatch):
    sampled = replace(
        loo,
        sampled=True,
        rows=np.array([0, 3]),
        **{
            name: getattr(loo, name)[:2]
            for name in ("counts", "elpd_i", "lppd_i", "pareto_k", "approximation", "repaired", "failed", "mc_error")
        },
    )
    monkeypatch.setattr(pareto_k, "repaired_loo", lambda fit: sampled)
    axes = plot_pareto_k(made)
    assert "random sample of 2 of 8 rows" in axes.get_xlabel()
    np.testing.assert_array_equal(points(axes, "reliable")[:, 0], [0, 3])


def test_draws_into_the_given_axes(made, loo):
    _, ax = plt.subplots()
    assert plot_pareto_k(made, ax=ax) is ax
