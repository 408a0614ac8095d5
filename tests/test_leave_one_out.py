"""Leave-one-out classification: against refits, and no label has a say in its own row."""

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.leave_one_out import loo_memberships
from bayesmix.relabeling import agree_with
from tests.helpers import make_fit


def test_weights_equal_refits_without_the_row(fit):
    """Every distinct arm length left out by a refit: brute force."""
    by_weights, by_refits = fit.loo_assignments(), fit.loo_assignments(exact=True)
    assert by_refits["refitted"].all()
    assert not by_weights["refitted"].all()
    same = (by_weights["component"] == by_refits["component"]).to_numpy()
    weighted = np.where(same, by_weights["probability"], 1 - by_weights["probability"])
    error = np.hypot(by_weights["mc_error"], by_refits["mc_error"])
    z = (weighted - by_refits["probability"]) / error
    assert np.abs(z).max() < 3.5
    # It is not the posterior membership, which the row's own value has pulled towards its component.
    pull = by_refits["posterior_probability"] - by_refits["probability"]
    assert (pull > 3 * error).any()


def test_weights_by_hand(fit):
    """Draws weighted by 1 / p(y_i), for rows whose weights are so even that smoothing hardly matters."""
    found, inverse = loo_memberships(fit), fit.observations.distinct.inverse
    r = fit.assignment_probabilities(draws=True).values.reshape(-1, 19, 2)
    log_lik = fit.idata["log_likelihood"]["y"].values.reshape(-1, 19)
    weights = np.exp(-log_lik)
    weights /= weights.sum(axis=0)
    plain = np.einsum("sn,snk->nk", weights, r)
    even = found.pareto_k[inverse] < 0.3
    assert even.sum() >= 10
    np.testing.assert_allclose(np.exp(found.log_probability)[inverse][even], plain[even], atol=1e-3)
    np.testing.assert_allclose(np.exp(found.log_probability).sum(axis=1), 1.0, atol=1e-12)


def test_the_mapping_of_a_row_does_not_see_its_label():
    """Component 1 holds one labelled row only: without it nothing says what the component means."""
    y = [0.0, 0.1, 0.2, 0.3, 9.0]
    fit = make_fit(y, np.full((400, 2), 0.5), {"mu": [[0.15, 9.0]] * 400, "sigma": np.ones((400, 2))})
    labels = ["a", "b", "a", "b", "b"]
    seen = fit.evaluate(labels)
    left_out = fit.loo_evaluate(labels)
    assert seen.mapping == {0: "a", 1: "b"}
    assert left_out.mapping == {0: "a", 1: "b"}
    assert left_out.mapping_kind == "best match"
    # Without the last row, or without one of the others, matching must not use the row's own label: the rows of
    # component 0 tie, and each is held to the majority of the other three.
    assert left_out.table.loc["accuracy", "estimate"] <= seen.table.loc["accuracy", "estimate"]
    assert left_out.n_mapped_otherwise > 0


def test_pure_noise_labels_score_no_better_than_chance(rng):
    """Matching components to random labels flatters; a mapping that has not seen the row is right half of the time."""
    parameters = {"mu": [[-0.7, 0.7]] * 40, "sigma": np.ones((40, 2))}
    fit = make_fit(rng.normal(size=24), np.full((40, 2), 0.5), parameters)
    component, matched, honest = fit.assignments()["component"].to_numpy(), [], []
    for _ in range(60):
        labels = rng.choice(["a", "b"], size=24)
        right = np.mean((labels == "b") == component)
        matched.append(max(right, 1 - right))
        honest.append(fit.loo_evaluate(labels).table.loc["accuracy", "estimate"])
    assert np.mean(matched) > 0.55
    assert abs(np.mean(honest) - 0.5) < 3 * np.std(honest) / np.sqrt(60)


def test_declared_mapping_and_arm_lengths(fit, arms):
    found = fit.loo_evaluate(arms["nlabel"], classes=["child", "adult"])
    assert found.mapping_kind == "declared"
    assert found.n_mapped_otherwise == 0
    assert found.n == 19
    assert found.table.loc["accuracy", "estimate"] == pytest.approx(15 / 19)
    assert "each by a fit that has not seen it" in found.text
    lower, upper = found.table.loc["accuracy"].iloc[1:]
    assert lower < 15 / 19 < upper


def test_refits_get_the_labels_of_the_fit(fit, rng):
    """Scrambled draws of the fit itself come back as they were, sorted or relabelled."""
    order = np.argsort(rng.random((fit.arrays.n_draws, 2)), axis=1)
    again = agree_with(fit, fit.arrays.permuted(order))
    np.testing.assert_array_equal(again.parameters["mu"], fit.arrays.parameters["mu"])
    np.testing.assert_array_equal(again.weights, fit.arrays.weights)


def test_refits_of_several_columns_get_the_labels_of_the_fit(rng):
    n, centers = 60, np.array([[0.0, 0.0], [6.0, -6.0]])
    y = pd.DataFrame(centers[rng.integers(0, 2, n)] + rng.normal(size=(n, 2)), columns=["u", "v"])
    shape = (80, 2)
    params = {
        "u_mu": centers[:, 0] + 0.1 * rng.normal(size=shape),
        "v_mu": centers[:, 1] + 0.1 * rng.normal(size=shape),
        "u_sigma": np.ones(shape),
        "v_sigma": np.ones(shape),
    }
    fit = make_fit(y, np.full(shape, 0.5), params, mixture=bm.Mixture(2, {"u": "normal", "v": "normal"}))
    order = np.argsort(rng.random(shape), axis=1)
    again = agree_with(fit, fit.arrays.permuted(order))
    np.testing.assert_array_equal(again.parameters["u_mu"], fit.arrays.parameters["u_mu"])


def test_rows_without_observations_keep_the_weights():
    y = pd.DataFrame({"u": [0.0, 1.0, 5.0, np.nan], "v": [0.0, 1.0, 4.0, np.nan]})
    params = {name: [[0.0, 5.0]] * 400 for name in ("u_mu", "v_mu")}
    params |= {name: np.ones((400, 2)) for name in ("u_sigma", "v_sigma")}
    fit = make_fit(y, [[0.3, 0.7]] * 400, params, mixture=bm.Mixture(2, {"u": "normal", "v": "normal"}))
    table = fit.loo_assignments()
    assert table["probability"].iloc[3] == pytest.approx(0.7)
    assert np.isnan(table["pareto_k"].iloc[3])


def test_limits_are_refused(fit, monkeypatch):
    weighted = make_fit([0.0, 3.0], [[0.5, 0.5]] * 4, {"mu": [[0.0, 3.0]] * 4, "sigma": np.ones((4, 2))})
    monkeypatch.setattr("bayesmix.leave_one_out._MAX_ROWS", 1)
    with pytest.raises(InputError, match="at most 1 distinct rows, got 2"):
        weighted.loo_assignments()


def test_weights_that_are_no_counts_are_refused():
    fit = bm.Mixture(2).fit(
        [0.0, 0.5, 3.0, 3.5, 9.0],
        weights=[1.5, 1.0, 1.0, 2.0, 1.0],
        draws=50,
        tune=50,
        random_seed=1,
        progressbar=False,
    )
    with pytest.raises(InputError, match="whole units"):
        fit.loo_assignments()
    with pytest.raises(InputError, match="one label per unit"):
        fit.loo_evaluate(["a", "b", "a", "b", "a"])
