"""Memberships: against scikit-learn, by hand, and in the shape users read."""

import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture

from bayesmix import assignment, likelihood
from bayesmix.errors import InputError
from tests.helpers import make_fit


@pytest.fixture(scope="module")
def em(arms):
    return GaussianMixture(2, max_iter=50, random_state=37).fit(arms[["length"]])


def at_em(em, y, draws=2):
    order = np.argsort(em.means_.ravel())
    repeat = (draws, 1)
    return make_fit(
        y,
        np.tile(em.weights_[order], repeat),
        {
            "mu": np.tile(em.means_.ravel()[order], repeat),
            "sigma": np.tile(np.sqrt(em.covariances_.ravel()[order]), repeat),
        },
    ), order


def test_memberships_equal_scikit_learn_at_its_parameters(em, arms):
    made, order = at_em(em, arms["length"])
    expected = em.predict_proba(arms[["length"]])[:, order]
    np.testing.assert_allclose(made.assignment_probabilities().values, expected, atol=1e-10, rtol=0)
    np.testing.assert_array_equal(made.assignments()["component"], expected.argmax(axis=1))


def test_memberships_of_new_rows_equal_scikit_learn(em, arms):
    made, order = at_em(em, arms["length"])
    new = pd.Series([16.0, 21.0, 21.0, 26.5], index=list("abcd"), name="length")
    found = made.assignment_probabilities(new)
    np.testing.assert_allclose(found.values, em.predict_proba(new.to_frame())[:, order], atol=1e-10, rtol=0)
    assert list(found["obs"].values) == list("abcd")
    np.testing.assert_allclose(made.assignment_probabilities(new, draws=True).mean(["chain", "draw"]), found)


def test_membership_turns_back_in_the_tail(em):
    """With unequal sds the wider group wins in both tails: below about 8.75 arms would be adult again."""
    made, _ = at_em(em, [8.0, 9.5, 17.0, 25.0])
    assert list(made.assignments()["component"]) == [1, 0, 0, 1]


def test_probabilities_are_means_over_draws():
    y = [0.0, 3.0]
    made = make_fit(y, [[0.5, 0.5]] * 2, {"mu": [[0.0, 3.0], [0.0, 6.0]], "sigma": [[1.0, 1.0]] * 2})
    draws = made.assignment_probabilities(draws=True)
    assert draws.dims == ("chain", "draw", "obs", "component")
    by_hand = [1 / (1 + np.exp(-4.5)), 1 / (1 + np.exp(-18.0))]
    np.testing.assert_allclose(draws.values[:, 0, 0, 0], by_hand)
    np.testing.assert_allclose(made.assignment_probabilities().values[0, 0], np.mean(by_hand))
    np.testing.assert_allclose(draws.sum("component"), 1.0, atol=1e-14)


def test_table_columns_entropy_and_interval(rng):
    y = pd.Series([0.0, 1.5, 3.0], index=["a", "b", "c"], name="size")
    n = 400
    made = make_fit(
        y, np.full((n, 2), 0.5), {"mu": np.c_[np.zeros(n), 3 + rng.normal(size=n)], "sigma": np.ones((n, 2))}
    )
    table = made.assignments(ci_prob=0.8)
    told = ["component", "probability", "eti80_lb", "eti80_ub", "mc_error", "runner_up", "margin", "entropy"]
    assert list(table.columns) == ["size", *told, "could_flip"]
    assert list(table.index) == ["a", "b", "c"]
    draws = made.assignment_probabilities(draws=True).values.reshape(n, 3, 2)
    for row in range(3):
        best = table["component"].iloc[row]
        low, high = np.quantile(draws[:, row, best], [0.1, 0.9])
        assert table["eti80_lb"].iloc[row] == pytest.approx(low)
        assert table["eti80_ub"].iloc[row] == pytest.approx(high)
        p = draws[:, row].mean(axis=0)
        assert table["entropy"].iloc[row] == pytest.approx(-(p * np.log(p)).sum())
        assert table["runner_up"].iloc[row] == 1 - best
        assert table["margin"].iloc[row] == pytest.approx(p[best] - p[1 - best])
        assert table["could_flip"].iloc[row] == ((draws[:, row, 1 - best] > 0.5).mean() > 0.1)
    assert table["could_flip"].any()
    assert not table["could_flip"].all()
    assert list(made.assignments(ci_prob=0.8, ci_kind="hdi").columns)[3:5] == ["hdi80_lb", "hdi80_ub"]


def test_one_component_has_every_row():
    made = make_fit([1.0, 2.0], np.ones((4, 1)), {"mu": np.zeros((4, 1)), "sigma": np.ones((4, 1))})
    table = made.assignments()
    assert (table["component"] == 0).all()
    assert (table["probability"] == 1).all()
    assert (table["entropy"] == 0).all()
    assert table["runner_up"].isna().all()
    assert (table["margin"] == 1).all()
    assert not table["could_flip"].any()


def test_monte_carlo_errors_are_arvizs(fit):
    """Means of batches against ArviZ's effective sample sizes, on a fit of a sampler with correlated draws."""
    from arviz_stats.base import array_stats

    table, draws = fit.assignments(), fit.assignment_probabilities(draws=True).values
    for i, best in enumerate(table["component"]):
        own = draws[:, :, i, best]
        expected = own.std() / np.sqrt(float(array_stats.ess(own, method="mean")))
        assert table["mc_error"].iloc[i] == pytest.approx(expected, rel=0.35)


def test_three_components_name_the_second():
    parameters = {"mu": [[0.0, 2.0, 3.0]] * 40, "sigma": np.ones((40, 3))}
    table = make_fit([0.0, 1.0, 3.0], [[0.4, 0.3, 0.3]] * 40, parameters).predict([0.0, 1.4])
    assert list(table["component"]) == [0, 1]
    assert list(table["runner_up"]) == [1, 0]


def test_base_rates_replace_the_weights():
    fit = make_fit([0.0, 1.0], [[0.5, 0.5]] * 40, {"mu": [[0.0, 1.0]] * 40, "sigma": np.ones((40, 2))})
    table = fit.predict([0.5, 0.5], base_rates=[0.2, 0.8])
    np.testing.assert_allclose(table["probability"], 0.8)
    assert list(table["component"]) == [1, 1]


def test_new_rows_keep_their_index_and_may_be_one():
    made = make_fit([0.0, 3.0], [[0.5, 0.5]] * 2, {"mu": [[0.0, 3.0]] * 2, "sigma": [[1.0, 1.0]] * 2})
    table = made.predict(pd.Series([3.0], index=["new"]))
    assert list(table.index) == ["new"]
    assert table["probability"].iloc[0] == pytest.approx(1 / (1 + np.exp(-4.5)))
    with pytest.raises(InputError, match="missing"):
        made.predict([np.nan])


def test_far_rows_saturate_without_nan():
    made = make_fit([0.0, 1e6], [[0.5, 0.5]] * 2, {"mu": [[0.0, 3.0]] * 2, "sigma": [[1.0, 1.0]] * 2})
    table = made.assignments()
    assert table.notna().all().all()
    assert table["probability"].iloc[1] == 1.0


def test_chunks_change_nothing(em, arms, monkeypatch):
    made, _ = at_em(em, arms["length"], draws=6)
    whole = made.assignments()
    monkeypatch.setattr(likelihood, "_CHUNK_VALUES", 30)
    pd.testing.assert_frame_equal(made.assignments(), whole, check_exact=True)


def test_memberships_per_draw_have_a_size_limit(em, arms, monkeypatch):
    made, _ = at_em(em, arms["length"])
    monkeypatch.setattr(assignment, "MAX_STORED", 10)
    with pytest.raises(InputError, match="fewer rows"):
        made.assignment_probabilities(draws=True)
