"""Point partitions against all set partitions, hand-written losses, planted groups and other labels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import rand_score

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.partition import point as module
from bayesmix.partition import point_partition
from bayesmix.partition.clusters import Clusters
from bayesmix.partition.losses import BinderItems, VariationItems
from bayesmix.partition.search import search
from tests.helpers import make_fit


def set_partitions(n):
    """All partitions of n items, as labels in order of first use: 1, 2, 5, 15, 52 ... of them."""
    found = [[0]]
    for _ in range(n - 1):
        found = [[*labels, k] for labels in found for k in range(max(labels) + 2)]
    return np.array(found)


def overlapping(rng, n, n_draws=30, n_components=3):
    """Memberships of rows in components that move between draws, shape (S, n, K)."""
    mu = np.linspace(-1.5, 1.5, n_components) + 0.5 * rng.normal(size=(n_draws, n_components))
    r = np.exp(-0.5 * np.square(np.sort(rng.normal(size=n) * 2)[:, None] - mu[:, None]))
    return r / r.sum(axis=2, keepdims=True)


def vi(first, second, weights):
    """The variation of information by its definition: two conditional entropies."""
    share = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(share, (first, second), weights / weights.sum())
    a, b = share.sum(axis=1, keepdims=True), share.sum(axis=0, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(-np.nansum(share * (np.log(share / a) + np.log(share / b))))


def three_groups(rng, sizes=(40, 25, 35), n_draws=60, gap=10.0):
    y = np.concatenate([rng.normal(gap * k, 1.0, size) for k, size in enumerate(sizes)])
    k = len(sizes)
    w = rng.dirichlet(np.array(sizes) * 1.0, size=n_draws)
    mu = gap * np.arange(k) + 0.1 * rng.normal(size=(n_draws, k))
    truth = np.repeat(np.arange(k), sizes)
    return y, w, {"mu": mu, "sigma": np.exp(0.1 * rng.normal(size=(n_draws, k)))}, truth


@pytest.mark.parametrize("kind", ["points", "counts", "parts"])
@pytest.mark.parametrize("n", [3, 6, 8])
def test_the_best_of_all_set_partitions_is_found(n, kind, rng):
    counts = {"points": np.ones(n), "counts": rng.integers(1, 5, n).astype(float), "parts": 3 * rng.random(n)}[kind]
    r = overlapping(rng, n)
    for items in (BinderItems.of(counts, r), VariationItems.of(counts, r, counts.sum(), rng)):
        labels, value = search(items, r.mean(axis=0), r, n, np.random.default_rng(0))
        tried = [items.value(other) for other in set_partitions(n)]
        assert value == pytest.approx(min(tried), abs=1e-12)
        assert value == pytest.approx(items.value(labels), abs=1e-12)
        two, value = search(items, r.mean(axis=0), r, 2, np.random.default_rng(0))
        few = [one for one, other in zip(tried, set_partitions(n), strict=True) if other.max() < 2]
        assert value == pytest.approx(min(few), abs=1e-12)
        assert two.max() < 2


def test_variation_is_the_mean_over_allocations_by_its_definition(rng):
    counts = np.array([1.0, 3.0, 2.0, 1.0, 0.5])
    items = VariationItems.of(counts, overlapping(rng, 5), 7.5, rng)
    units = np.stack([row.reshape(30, 3) for row in _dense(items)], axis=1)
    np.testing.assert_allclose(units.sum(axis=2), np.tile(counts, (30, 1)))
    item, group = (axis.ravel() for axis in np.meshgrid(np.arange(5), np.arange(3), indexing="ij"))
    for labels in (np.array([0, 0, 1, 1, 2]), np.zeros(5, dtype=int), np.arange(5)):
        each = [vi(labels[item], group, units[s, item, group]) for s in range(30)]
        assert items.value(labels) == pytest.approx(np.mean(each))


def _dense(items):
    out = np.zeros((len(items.counts), items.width))
    out[np.repeat(np.arange(len(items.counts)), np.diff(items.start)), items.group] = items.units
    return out


def test_binder_is_the_share_of_pairs_that_disagree(rng):
    r = overlapping(rng, 6)
    counts = np.array([1, 1, 2, 1, 3, 1])
    items = BinderItems.of(counts.astype(float), r)
    row = np.repeat(np.arange(6), counts)
    together = np.einsum("sik,sjk->ij", r, r) / len(r)
    for labels in (np.array([0, 0, 1, 1, 2, 2]), np.zeros(6, dtype=int)):
        total = pairs = 0.0
        for i in range(len(row)):
            for j in range(i):
                p = together[row[i], row[j]]
                total += 1 - p if labels[row[i]] == labels[row[j]] else p
                pairs += 1
        assert items.value(labels) == pytest.approx(total / pairs)


def test_binder_is_one_minus_the_expected_rand_index(rng):
    allocation = rng.integers(0, 3, size=(20, 9))
    items = BinderItems.of(np.ones(9), np.eye(3)[allocation])
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])
    assert items.value(labels) == pytest.approx(1 - np.mean([rand_score(labels, one) for one in allocation]))


@pytest.mark.parametrize("kind", [BinderItems, VariationItems])
def test_sums_are_kept_while_items_move(kind, rng):
    r, counts = overlapping(rng, 8), rng.integers(1, 4, 8).astype(float)
    items = kind.of(counts, r) if kind is BinderItems else kind.of(counts, r, counts.sum(), rng)
    clusters = Clusters(items, np.array([0, 0, 0, 1, 1, 2, 2, 2]))
    for i in rng.integers(0, 8, 60).tolist():
        costs = clusters.costs(items.take([i]), clusters.labels[[i]], alone=True)[0]
        before, own, to = clusters.value, clusters.labels[i], int(rng.integers(0, clusters.n + 1))
        clusters.move(i, to)
        assert clusters.value == pytest.approx(items.value(clusters.labels), abs=1e-12)
        assert clusters.value - before == pytest.approx((costs[to] - costs[own]) / items.scale, abs=1e-12)
        assert set(clusters.labels) == set(range(clusters.n))
        joins = clusters.join_costs()
        if clusters.n > 3:
            before = clusters.value
            clusters.join(0, 2)
            assert clusters.value - before == pytest.approx(joins[0, 2] / items.scale, abs=1e-12)


@pytest.mark.parametrize("loss", ["vi", "binder"])
def test_separate_groups_are_found(loss, rng):
    y, w, params, truth = three_groups(rng)
    frame = pd.Series(y, index=[f"r{i}" for i in range(100)])
    found = point_partition(make_fit(frame, w, params), loss=loss)
    np.testing.assert_array_equal(found.labels, truth)
    assert found.labels.index.equals(frame.index)
    assert found.labels.name == "cluster"
    assert found.n_clusters == 3
    assert found.expected_loss == pytest.approx(0.0, abs=1e-6)
    assert found.text.startswith("3 clusters, of 40, 25 and 35 rows, have the least posterior expected")
    assert found.one_cluster > 0.5
    again = point_partition(make_fit(frame, w, params), loss=loss)
    assert again.expected_loss == found.expected_loss


@pytest.mark.parametrize("loss", ["vi", "binder"])
def test_one_group_described_twice_is_one_cluster(loss, rng):
    y = rng.normal(0, 1, 60)
    mu = 0.3 * rng.normal(size=(80, 2))
    found = point_partition(
        make_fit(y, rng.dirichlet([3, 3], size=80), {"mu": mu, "sigma": np.ones((80, 2))}), loss=loss
    )
    assert found.n_clusters == 1
    assert found.expected_loss == found.one_cluster
    assert "no groups can be told apart" in found.text


@pytest.mark.parametrize("loss", ["vi", "binder"])
def test_neither_labels_nor_the_order_of_rows_matter(loss, rng):
    y, w, params, _ = three_groups(rng, sizes=(15, 20, 10), gap=2.0)
    y = np.round(y, 1)
    mixture = bm.Mixture(3, order_by="sigma")
    found = point_partition(make_fit(y, w, params, mixture=mixture), loss=loss)
    order = np.argsort(rng.random((60, 3)), axis=1)
    swapped = {name: np.take_along_axis(value, order, axis=1) for name, value in params.items()}
    other = point_partition(make_fit(y, np.take_along_axis(w, order, axis=1), swapped, mixture=mixture), loss=loss)
    assert other.expected_loss == pytest.approx(found.expected_loss, rel=1e-12)
    assert rand_score(found.labels, other.labels) == 1.0
    rows = rng.permutation(len(y))
    shuffled = point_partition(make_fit(pd.Series(y).iloc[rows], w, params, mixture=mixture), loss=loss)
    pd.testing.assert_series_equal(shuffled.labels.sort_index(), found.labels, check_index_type=False)
    assert shuffled.expected_loss == pytest.approx(found.expected_loss, rel=1e-12)


def test_equal_rows_stay_together_and_counts_are_rows_written_out(rng):
    values = np.array([0.0, 1.0, 2.0, 3.0, 5.0])
    counts = np.array([4, 3, 2, 3, 4])
    w, mu = rng.dirichlet([5, 5], size=50), np.array([1.0, 4.0]) + 0.4 * rng.normal(size=(50, 2))
    params = {"mu": mu, "sigma": np.exp(0.2 * rng.normal(size=(50, 2)))}
    whole = make_fit(np.repeat(values, counts), w, params)
    rows = whole.observations
    short = replace(rows.columns[0], values=values, weights=counts.astype(float), index=pd.RangeIndex(5))
    counted = bm.fit.Fit(
        whole.mixture, whole.resolved, whole.idata, whole.info, type(rows)((short,), short.index, short.weights)
    )
    for loss in ("vi", "binder"):
        first, second = point_partition(whole, loss=loss), point_partition(counted, loss=loss)
        assert first.expected_loss == second.expected_loss
        np.testing.assert_array_equal(first.labels, np.repeat(second.labels, counts))
        assert first.text == second.text


def test_many_rows_are_sampled_and_the_others_join(rng, monkeypatch):
    y, w, params, truth = three_groups(rng)
    made = make_fit(y, w, params)
    whole = {loss: point_partition(made, loss=loss) for loss in ("vi", "binder")}
    monkeypatch.setattr(module, "_MOST_ITEMS", 30)
    for loss, known in whole.items():
        found = point_partition(made, loss=loss)
        np.testing.assert_array_equal(found.labels, truth)
        assert found.expected_loss == pytest.approx(known.expected_loss, abs=1e-6)
        assert found.one_cluster == pytest.approx(known.one_cluster, rel=0.02)
        assert "30 of the distinct rows, drawn at random" in found.text


def test_rows_without_values_do_not_count(rng):
    y, w, params, truth = three_groups(rng, sizes=(10, 20))
    frame = pd.DataFrame({"a": y, "b": y + rng.normal(size=30)})
    params = {f"{c}_{name}": value for c in "ab" for name, value in params.items()}
    mixture = bm.Mixture(2, {"a": "normal", "b": "normal"})
    for loss in ("vi", "binder"):
        known = point_partition(make_fit(frame, w, params, mixture=mixture), loss=loss)
        longer = pd.concat([frame, pd.DataFrame({"a": [np.nan] * 5, "b": [np.nan] * 5})], ignore_index=True)
        found = point_partition(make_fit(longer, w, params, mixture=mixture), loss=loss)
        np.testing.assert_array_equal(found.labels[:30], truth)
        assert (found.labels[30:] == 1).all()
        assert found.text == known.text
        assert found.expected_loss == pytest.approx(known.expected_loss, abs=1e-9)


def test_fewer_clusters_may_be_asked_for(rng):
    y, w, params, _ = three_groups(rng)
    made = make_fit(y, w, params)
    for loss in ("vi", "binder"):
        two, one = (point_partition(made, loss=loss, max_clusters=k) for k in (2, 1))
        assert two.n_clusters == 2
        assert 0 < two.expected_loss < one.expected_loss == one.one_cluster


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "rand"}, "loss must be 'vi'"),
        ({"max_clusters": 0}, "max_clusters must be an integer >= 1 or None, got 0"),
        ({"max_clusters": True}, "got True"),
        ({"random_seed": -1}, "random_seed must be"),
    ],
)
def test_bad_arguments(options, words, rng):
    y, w, params, _ = three_groups(rng, sizes=(3, 3))
    with pytest.raises(InputError, match=words):
        point_partition(make_fit(y, w, params), **options)


def test_arm_lengths(fit):
    for loss in ("vi", "binder"):
        found = point_partition(fit, loss=loss)
        assert found.n_clusters == 2
        assert sorted(found.labels.value_counts()) == [6, 13]
        short = fit.observations.columns[0].values[found.labels == 0]
        assert short.max() < 20
