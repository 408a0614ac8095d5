"""Nothing flips: rows get the same labels whatever the random seed, the order of rows, the chain or the fold."""

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm

SEEDS = [pytest.param(100, marks=pytest.mark.slow), 4]


def _fit(y, seed, **options):
    return bm.Mixture(2).fit(y, random_seed=seed, progressbar=False, **options)


def _clear(table):
    """Rows whose probability is further than four Monte-Carlo errors from a half."""
    return (table["probability"] - 0.5).abs() > 4 * table["mc_error"]


@pytest.mark.parametrize("n_seeds", SEEDS)
def test_random_seeds_give_the_same_labels_and_scores(arms, fit, n_seeds):
    expected, labels = fit.assignments(), arms["nlabel"]
    truth = (labels == "adult").to_numpy()
    first = fit.evaluate(labels, classes=["child", "adult"])
    for seed in range(100, 100 + n_seeds):
        again = _fit(arms["length"], seed)
        table = again.assignments()
        both = _clear(table) & _clear(expected)
        assert both.sum() >= 18
        assert (table["component"][both] == expected["component"][both]).all()
        apart = np.abs(table["probability"] - expected["probability"])[both]
        assert (apart < 5 * np.hypot(table["mc_error"], expected["mc_error"])[both]).all()
        scores = again.evaluate(labels, classes=["child", "adult"]).table["estimate"]
        if both.all():
            assert scores["accuracy"] == first.table.loc["accuracy", "estimate"]
            assert scores["ari"] == pytest.approx(first.table.loc["ari", "estimate"])
        p = np.where(table["component"] == 1, table["probability"], 1 - table["probability"])
        error = np.mean(2 * np.abs(p - truth) * np.hypot(table["mc_error"], expected["mc_error"]))
        assert abs(scores["brier"] - first.table.loc["brier", "estimate"]) < 4 * error


def test_shuffled_rows_get_the_same_labels(arms, fit):
    order = np.random.default_rng(1).permutation(19)
    shuffled = _fit(arms["length"].iloc[order], 1)
    table = shuffled.assignments().loc[arms.index]
    # The rows are sorted and merged before sampling: their order changes no bit of the draws.
    pd.testing.assert_frame_equal(table, fit.assignments())
    scores = shuffled.evaluate(arms["nlabel"], classes=["child", "adult"]).table["estimate"]
    expected = fit.evaluate(arms["nlabel"], classes=["child", "adult"]).table["estimate"]
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_permuted_components_get_the_same_names(arms):
    """Informative priors in either order, with the names in that order."""
    low, high = bm.priors.Normal(17, 2), bm.priors.Normal(24, 2)
    one = bm.Mixture(2, priors={"mu": [low, high]}, classes=["child", "adult"])
    two = bm.Mixture(2, priors={"mu": [high, low]}, classes=["adult", "child"])
    tables = [m.fit(arms["length"], random_seed=1, progressbar=False).assignments() for m in (one, two)]
    both = _clear(tables[0]) & _clear(tables[1])
    assert both.sum() >= 17
    assert (tables[0]["component"][both] == tables[1]["component"][both]).all()


def test_chains_agree(fit):
    draws = fit.assignment_probabilities(draws=True).values[..., 1]
    whole, clear = draws.mean(axis=(0, 1)) > 0.5, _clear(fit.assignments()).to_numpy()
    for chain in draws:
        error = chain.std(axis=0) / np.sqrt(200)
        mean = chain.mean(axis=0)
        sure = clear & (np.abs(mean - 0.5) > 4 * error)
        assert sure.sum() >= 15
        np.testing.assert_array_equal((mean > 0.5)[sure], whole[sure])


def test_folds_name_the_components_alike(arms, fit):
    """Fits to parts of the rows order their components by the same rule, so that a row keeps its name."""
    table = fit.assignments()
    certain = table.index[table["probability"] > 0.9]
    for fold in range(5):
        rest = arms["length"].drop(arms.index[fold::5])
        predicted = _fit(rest, 1, draws=1000).predict(arms["length"].loc[certain])
        assert (predicted["component"] == table.loc[certain, "component"]).all()


@pytest.mark.slow  # examples/several_columns.py shows the same
def test_iris_groups_are_found():
    iris = bm.load_dataset("iris")
    found = bm.Mixture(3, "mv_normal").fit(iris.drop(columns="Species"), random_seed=1, progressbar=False)
    assert found.evaluate(iris["Species"]).table.loc["ari", "estimate"] >= 0.88
