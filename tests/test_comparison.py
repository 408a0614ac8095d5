"""Ranking fits: differences, weights, decisions and their words."""

import warnings
from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.comparing import Comparison
from bayesmix.comparison import (
    COLUMNS,
    Ranking,
    _versus_best,
    adequate,
    clearly_worse,
    differences,
    rank,
    stacking_weights,
)
from bayesmix.criteria import PointwiseLOO, loo_of, pointwise_loo
from bayesmix.errors import InputError, NoConvergedFitError
from tests.helpers import make_fit


def normal_fit(y, center, rng, sd=0.1, n=2000):
    """One component whose mean scatters about `center`."""
    w = np.ones((n, 1))
    return make_fit(y, w, {"mu": rng.normal(center, sd, (n, 1)), "sigma": rng.normal(1, 0.02, (n, 1))}, chains=4)


def test_numbers_equal_arviz_compare(rng):
    y = rng.normal(size=60)
    fits = {"right": normal_fit(y, 0.0, rng), "off": normal_fit(y, 0.8, rng), "far": normal_fit(y, 2.0, rng)}
    ranking = rank(fits, {}, "model")
    expected = arviz_stats.compare({name: fit.loo() for name, fit in fits.items()}, round_to="none")
    for name in fits:
        for column in ("elpd", "se", "p", "elpd_diff", "dse"):
            assert ranking.table.loc[name, column] == pytest.approx(float(expected.loc[name, column]), rel=1e-9)
        assert ranking.table.loc[name, "weight"] == pytest.approx(float(expected.loc[name, "weight"]), abs=1e-4)
    assert list(ranking.table.columns) == list(COLUMNS)
    assert ranking.passed == ("right", "off", "far")
    assert ranking.table["weight"].sum() == pytest.approx(1.0)


def test_stacking_survives_very_low_densities(rng):
    """ArviZ exponentiates elpd_i as it stands; at -800 a row it gives equal weights."""
    y = rng.normal(size=40)
    fits = {"right": normal_fit(y, 0.0, rng), "off": normal_fit(y, 1.5, rng)}
    loos = {name: pointwise_loo(fit) for name, fit in fits.items()}
    expected = stacking_weights(loos)
    assert expected[0] > 0.99
    low = {name: replace(loo, elpd_i=loo.elpd_i - 800.0) for name, loo in loos.items()}
    np.testing.assert_allclose(stacking_weights(low), expected, atol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        naive = arviz_stats.compare({name: loo_of(low[name], fits[name]) for name in fits}, round_to="none")
    assert naive.loc["right", "weight"] == pytest.approx(0.5)


def test_counts_weigh_rows_as_if_they_were_expanded(rng):
    y = rng.normal(size=30)
    loos = {name: pointwise_loo(normal_fit(y, center, rng)) for name, center in [("a", 0.0), ("b", 0.7)]}
    counts = rng.integers(1, 5, size=30)
    counted = {name: replace(loo, counts=counts.astype(float)) for name, loo in loos.items()}
    expanded = {
        name: replace(
            loo,
            counts=np.ones(counts.sum()),
            elpd_i=np.repeat(loo.elpd_i, counts),
            approximation=np.zeros(counts.sum()),
        )
        for name, loo in loos.items()
    }
    np.testing.assert_allclose(stacking_weights(counted), stacking_weights(expanded), atol=1e-6)
    np.testing.assert_allclose(differences(counted), differences(expanded), rtol=1e-12)


def test_clearly_worse_needs_both_conditions():
    table = pd.DataFrame({"elpd_diff": [0.0, -1.9, -2.1, -2.1, -50.0], "dse": [0.0, 0.1, 2.0, 2.2, 60.0]}).assign(
        subsampling_dse=0.0
    )
    assert list(clearly_worse(table)) == [False, False, True, False, False]
    assert list(clearly_worse(table.assign(subsampling_dse=1.0))) == [False] * 5


def ranking_of(elpd, passed=None, rows=50, noise=0.01):
    """A ranking with given total elpd and nearly constant differences."""
    rng = np.random.default_rng(1)
    base, zeros, none = rng.normal(size=rows), np.zeros(rows), np.zeros(rows, dtype=bool)
    loos = {}
    for k, v in elpd.items():
        pointwise = base + v / rows + noise * rng.normal(size=rows)
        loos[k] = PointwiseLOO(
            rows=np.arange(rows),
            counts=np.ones(rows),
            elpd_i=pointwise,
            lppd_i=pointwise,
            pareto_k=zeros,
            approximation=zeros,
            total_approximation=0.0,
            n=rows,
            n_samples=8000,
            good_k=0.7,
            sampled=False,
            repaired=none,
            failed=none,
            mc_error=zeros,
        )
    totals = {k: loo.elpd for k, loo in loos.items()}
    table = differences(loos).assign(elpd=pd.Series(totals), n_high_k=0, n_repaired=0, pareto_k=0.1, note="")
    table.index.name = "n_components"
    return Ranking(table, loos, tuple(elpd) if passed is None else passed)


class FakeFit:
    class info:  # noqa: N801 - stands for an instance
        n = 50
        total = 50.0
        name = "y"


def comparison_of(ranking):
    return Comparison(dict.fromkeys(ranking.table.index, FakeFit()), ranking)


def test_smallest_adequate_count():
    assert adequate(ranking_of({1: -10.0, 2: 0.0, 3: 0.5, 4: -5.0})) == [2, 3]
    choice = comparison_of(ranking_of({1: -10.0, 2: 0.0, 3: 0.5, 4: -5.0}))
    assert choice.best == 2
    assert "Clearly worse than the best: K = 1" in choice.text
    assert "K = 2, 3 cannot be told apart" in choice.text
    assert "smallest adequate number of components is 2" in choice.text


def test_noise_is_not_sold_as_a_finding():
    """A difference of 5 with a standard error of 8 decides nothing."""
    choice = comparison_of(ranking_of({1: 0.0, 2: 5.0}, noise=0.8))
    assert choice.best == 1
    assert "cannot be told apart" in choice.text
    assert "standard errors of differences are rough" in choice.text


def test_a_clear_winner_is_said_plainly():
    choice = comparison_of(ranking_of({1: -30.0, 2: 0.0}))
    assert choice.best == 2
    assert "K = 2 predicts best" in choice.text
    assert "cannot be told apart" not in choice.text


def test_failed_fits_are_never_recommended():
    ranking = ranking_of({1: -10.0, 2: 0.0, 3: 8.0}, passed=(1, 2))
    choice = comparison_of(ranking)
    assert choice.best == 2
    assert "Not considered" in choice.text
    assert "K = 3" in choice.text.split("Not considered")[1]
    nothing = comparison_of(ranking_of({1: 0.0, 2: 1.0}, passed=()))
    with pytest.raises(NoConvergedFitError, match="none of"):
        _ = nothing.best
    assert "nothing can be concluded" in nothing.text


def test_failed_fits_have_no_weight_and_no_difference():
    loos = ranking_of({1: -10.0, 2: 0.0, 3: 8.0}).loos
    table = _versus_best(loos, (1, 2))
    assert table.loc[3, "weight"] == 0
    assert np.isnan(table.loc[3, "elpd_diff"])
    assert table.loc[2, "elpd_diff"] == 0
    assert table["weight"].sum() == pytest.approx(1)
    assert _versus_best(loos, ()).notna().all(axis=None)


def test_different_data_are_refused(rng):
    a, b = rng.normal(size=20), rng.normal(size=20)
    with pytest.raises(InputError, match="different data"):
        bm.compare({"a": normal_fit(a, 0, rng, n=40), "b": normal_fit(b, 0, rng, n=40)})
    with pytest.raises(InputError, match="different data"):
        bm.compare({"a": normal_fit(a, 0, rng, n=40), "b": normal_fit(a[::-1], 0, rng, n=40)})


def test_compare_any_fits(rng):
    y = rng.normal(size=150)
    result = bm.compare({"simple": normal_fit(y, 0.0, rng), "wrong": normal_fit(y, 1.0, rng)})
    assert result.best == "simple"
    assert result.table.index.name == "model"
    assert "'wrong'" in result.text
    assert "rough" not in result.text
    assert "simple" in repr(result)
    assert "<table" in result._repr_html_()
    alone = bm.compare({"only": normal_fit(y, 0.0, rng)})
    assert alone.best == "only"
    assert alone.table.loc["only", "weight"] == 1.0


@pytest.mark.parametrize("fits", [{}, {"a": 3}])
def test_what_is_not_a_fit_is_refused(fits):
    with pytest.raises(InputError, match="fit"):
        bm.compare(fits)
