"""How sure a clustering is, and pairs of many rows, against scikit-learn, hand formulas and all pairs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

import bayesmix as bm
from bayesmix.averaging import co_clustering
from bayesmix.blocks import read_new_rows
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.partition import agreement, certainty, co_clustering_sample, co_clustering_with, pairs, point_partition
from bayesmix.partition import variation_of_information as variation
from tests.helpers import make_fit, two_groups

ETI = CredibleInterval(0.8, "eti")


def entropy(codes):
    share = np.unique(codes, return_counts=True)[1] / len(codes)
    return -float(share @ np.log(share))


def test_variation_by_entropies(rng):
    for _ in range(5):
        a, b = rng.integers(0, 4, (2, 60))
        table = pd.crosstab(a, b).to_numpy(dtype=float)
        assert variation(table) == pytest.approx(2 * entropy(a * 4 + b) - entropy(a) - entropy(b))
        assert variation(pd.crosstab(a, a).to_numpy(dtype=float)) == pytest.approx(0.0, abs=1e-12)
    assert variation(np.ones((2, 2))) == pytest.approx(2 * np.log(2))
    assert variation(np.eye(7)[:1]) == 0.0


@pytest.fixture
def unsure(rng):
    """Two groups 3 sds apart, whose parameters are known; draws differ in the allocations alone."""
    y = np.round(np.concatenate([rng.normal(0, 1, 30), rng.normal(3, 1, 30)]), 2)
    return make_fit(
        pd.Series(y, index=np.arange(100, 160)),
        np.full((60, 2), 0.5),
        {"mu": np.tile([0.0, 3.0], (60, 1)), "sigma": np.ones((60, 2))},
    )


def test_pairs_of_draws_as_scikit_learn_scores_them(unsure, monkeypatch):
    kept = {}

    def watched(posterior, item, rng):
        kept["item"], kept["draws"] = item, original(posterior, item, rng)
        return kept["draws"]

    original = certainty._allocations
    monkeypatch.setattr(certainty, "_allocations", watched)
    found = agreement(unsure, ETI)
    draws = kept["draws"]
    ari = [adjusted_rand_score(draws[s], draws[t]) for s in range(60) for t in range(s)]
    vi = [variation(contingency_matrix(draws[s], draws[t], dtype=float)) for s in range(60) for t in range(s)]
    for measure, values in (("ari", ari), ("vi", vi)):
        row = found.table.loc[("draws", measure)]
        assert row["mean"] == pytest.approx(np.mean(values))
        assert row[["eti80_lb", "eti80_ub"]].tolist() == pytest.approx(np.quantile(values, [0.1, 0.9]).tolist())
    fixed = found.partition.labels.to_numpy()[unsure.observations.first_rows][kept["item"]]
    own = [adjusted_rand_score(one, fixed) for one in draws]
    assert found.table.loc[("partition", "ari"), "mean"] == pytest.approx(np.mean(own))
    assert found.text.startswith(
        f"Two draws from the posterior have an adjusted Rand index of {np.mean(ari):.2f} (80 %"
    )


def test_units_are_allocated_by_their_memberships(unsure, rng):
    item, weights = certainty._units(unsure, rng)
    np.testing.assert_array_equal(np.bincount(item), unsure.observations.distinct.counts)
    assert weights.sum() == pytest.approx(1.0)
    draws = np.concatenate([certainty._allocations(unsure, item, rng) for _ in range(20)])
    expected = unsure.assignment_probabilities().values[unsure.observations.first_rows, 1][item]
    assert np.abs(draws.mean(axis=0) - expected).max() < 0.06


def test_the_partition_loses_what_the_search_says(unsure):
    found = agreement(unsure, ETI)
    assert found.table.loc[("partition", "vi"), "mean"] == pytest.approx(found.partition.expected_loss, rel=0.05)
    assert found.partition.labels.equals(point_partition(unsure).labels)


def test_sure_groups_and_no_groups(rng):
    far = make_fit(
        np.concatenate([rng.normal(0, 1, 20), rng.normal(50, 1, 30)]),
        np.tile([0.4, 0.6], (40, 1)),
        {"mu": np.tile([0.0, 50.0], (40, 1)), "sigma": np.ones((40, 2))},
    )
    sure = agreement(far, ETI)
    np.testing.assert_allclose(sure.table.loc[(slice(None), "ari"), :], 1.0)
    np.testing.assert_allclose(sure.table.loc[(slice(None), "vi"), :], 0.0, atol=1e-12)
    assert "excellent agreement" in sure.text
    same = make_fit(rng.normal(0, 1, 40), np.full((40, 2), 0.5), {"mu": np.zeros((40, 2)), "sigma": np.ones((40, 2))})
    none = agreement(same, ETI)
    assert none.partition.n_clusters == 1
    assert abs(none.table.loc[("draws", "ari"), "mean"]) < 0.02
    assert none.table.loc[("draws", "vi"), "mean"] > 1.2
    assert "poor agreement" in none.text
    assert "look at the variation of information" in none.text


def test_many_rows_are_sampled(unsure, monkeypatch):
    whole = agreement(unsure, ETI)
    monkeypatch.setattr(certainty, "_UNITS", 40)
    some = agreement(unsure, ETI)
    for key in whole.table.index:
        assert some.table.loc[key, "mean"] == pytest.approx(whole.table.loc[key, "mean"], abs=0.2)
    assert agreement(unsure, ETI).table.equals(some.table)


def test_parts_of_units_keep_their_weight(unsure, rng):
    rows = unsure.observations
    weights = np.full(60, 0.75)
    column = replace(rows.columns[0], weights=weights)
    made = bm.fit.Fit(
        unsure.mixture, unsure.resolved, unsure.idata, unsure.info, type(rows)((column,), rows.index, weights)
    )
    item, share = certainty._units(made, rng)
    np.testing.assert_allclose(np.bincount(item, share) * 45, made.observations.distinct.counts)
    assert share.max() <= 1 / 45 + 1e-12
    assert agreement(made, ETI).table.loc[("draws", "ari"), "mean"] > 0.3


def test_a_partition_of_other_rows_is_refused(unsure, rng):
    other = point_partition(two_groups(rng.normal(size=12)))
    with pytest.raises(InputError, match="partition must be of the 60 fitted rows, got labels of 12 rows"):
        agreement(unsure, ETI, partition=other)
    given = point_partition(unsure, loss="binder")
    assert agreement(unsure, ETI, partition=given).partition is given


def test_a_sample_has_the_numbers_of_all_pairs(unsure):
    whole = co_clustering({"fit": unsure}, [1.0])
    same = co_clustering_sample(unsure, n_rows=60)
    np.testing.assert_allclose(same, whole, atol=1e-12)
    some = co_clustering_sample(unsure, n_rows=20)
    assert some.shape == (20, 20)
    assert some.dims == whole.dims
    assert (np.diff(some["obs"]) > 0).all()
    np.testing.assert_allclose(some, whole.sel(obs=some["obs"], obs_other=some["obs_other"]), atol=1e-12)
    assert co_clustering_sample(unsure, n_rows=20).equals(some)
    assert not np.array_equal(co_clustering_sample(unsure, n_rows=20, random_seed=1)["obs"], some["obs"])


def test_given_rows_against_all(unsure, monkeypatch):
    monkeypatch.setattr("bayesmix.likelihood._CHUNK_VALUES", 1000)
    given = [0.0, 3.0, 1.5, 1.5]
    found = co_clustering_with(unsure, read_new_rows(unsure.resolved.family, given, unsure.layout))
    assert found.dims == ("obs", "obs_other")
    np.testing.assert_array_equal(found["obs_other"], np.arange(100, 160))
    own = unsure.predict(given)
    mean = unsure.assignment_probabilities().values
    first = np.where(own["component"] == 0, own["probability"], 1 - own["probability"])
    np.testing.assert_allclose(found, np.outer(first, mean[:, 0]) + np.outer(1 - first, mean[:, 1]), atol=1e-9)


def test_too_many_pairs_are_refused(unsure, monkeypatch):
    for bad in (1, 5001, 2.5, True):
        with pytest.raises(InputError, match="n_rows must be an integer between 2 and 5000"):
            co_clustering_sample(unsure, n_rows=bad)
    rows = read_new_rows(unsure.resolved.family, [0.0, 3.0], unsure.layout)
    monkeypatch.setattr(pairs, "_MOST_PAIRS", 100)
    with pytest.raises(InputError, match="Pass at most 1 rows at a time"):
        co_clustering_with(unsure, rows)
