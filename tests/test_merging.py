"""Components joined by entropy, against a plain loop over all pairs."""

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.partition import merge_components
from tests.helpers import make_fit

ETI = CredibleInterval(0.8, "eti")


def entropy(t):
    """Of memberships (S, n, K), per draw."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.nansum(t * np.log(t), axis=(1, 2))


def by_hand(r):
    """Names of what is joined, and the entropy per draw after every step: every pair is tried anew."""
    groups, values = [(k,) for k in range(r.shape[2])], [entropy(r)]
    joined = []
    while len(groups) > 1:
        tried = {}
        for i, a in enumerate(groups):
            for b in groups[i + 1 :]:
                left = [g for g in groups if g not in (a, b)] + [tuple(sorted(a + b))]
                tried[a, b] = entropy(np.stack([r[..., list(g)].sum(axis=2) for g in left], axis=2)), left
        a, b = min(tried, key=lambda pair: tried[pair][0].mean())
        groups = sorted(tried[a, b][1])
        joined.append(frozenset([a, b]))
        values.append(tried[a, b][0])
    return joined, np.stack(values, axis=1)


@pytest.fixture
def four(rng):
    """Two pairs of components that overlap, 12 apart."""
    y = np.round(np.concatenate([rng.normal(0, 1.5, 40), rng.normal(12, 1.0, 60)]), 1)
    mu = np.array([-1.0, 1.0, 11.5, 12.5]) + 0.1 * rng.normal(size=(30, 4))
    params = {"mu": mu, "sigma": np.exp(0.1 * rng.normal(size=(30, 4)))}
    return make_fit(pd.Series(y, index=[f"r{i}" for i in range(100)]), rng.dirichlet([20, 20, 30, 30], 30), params)


def test_every_step_is_the_best_pair(four):
    found = merge_components(four, ETI)
    r = four.assignment_probabilities(draws=True).values.reshape(30, 100, 4)
    joined, values = by_hand(r)
    assert found.table.index.tolist() == [4, 3, 2, 1]
    assert found.table.index.name == "n_clusters"
    for merged, pair in zip(found.table["merged"].iloc[1:], joined, strict=True):
        parts = frozenset(tuple(int(k) for k in part.split(" | ")) for part in merged.split(" + "))
        assert parts == pair
    np.testing.assert_allclose(found.table["entropy"], values.mean(axis=0), atol=1e-9)
    for name, p in (("eti80_lb", 0.1), ("eti80_ub", 0.9)):
        np.testing.assert_allclose(found.table[name], np.quantile(values, p, axis=0), atol=1e-9)
        drops = np.quantile(-np.diff(values, axis=1), p, axis=0)
        np.testing.assert_allclose(found.table[f"drop_{name}"].iloc[1:], drops, atol=1e-9)
    np.testing.assert_allclose(found.table["drop"].iloc[1:], -np.diff(values.mean(axis=0)), atol=1e-9)
    np.testing.assert_allclose(found.table["drop_per_unit"], found.table["drop"] / found.table["units"])
    assert found.table["units"].iloc[-1] == pytest.approx(100)


def test_groups_and_their_memberships(four):
    found = merge_components(four, ETI)
    assert found.clusters(2) == ((0, 1), (2, 3))
    assert found.clusters(4) == ((0,), (1,), (2,), (3,))
    two = found.memberships(2)
    assert two.dims == ("obs", "cluster")
    assert two["cluster"].values.tolist() == ["0 | 1", "2 | 3"]
    assert two["obs"].values.tolist()[:2] == ["r0", "r1"]
    each = four.assignment_probabilities()
    np.testing.assert_allclose(two[:, 0], each[:, :2].sum("component"), atol=1e-9)
    np.testing.assert_array_equal(two.argmax("cluster"), np.repeat([0, 1], [40, 60]))
    share = found.table["entropy"] / found.table["entropy"].iloc[0]
    assert share.loc[3] > 0.2
    assert share.loc[2] < 0.01
    assert "With 2 clusters (" in found.text
    assert "does not say how many clusters" in found.text
    for bad in (5, 0, True, "2"):
        with pytest.raises(InputError, match=r"n_clusters must be one of \[4, 3, 2, 1\]"):
            found.memberships(bad)


def test_chunks_and_counts_change_nothing(four, monkeypatch):
    whole = merge_components(four, ETI)
    monkeypatch.setattr("bayesmix.likelihood._CHUNK_VALUES", 500)
    pd.testing.assert_frame_equal(merge_components(four, ETI).table, whole.table)


def test_noise_is_not_joined(rng):
    y = rng.normal(0, 1, 50)
    made = make_fit(
        y,
        rng.dirichlet([20, 20, 5], 30),
        {"mu": 0.3 * rng.normal(size=(30, 2)), "sigma": np.ones((30, 2))},
        mixture=bm.Mixture(2, noise=True),
    )
    found = merge_components(made, ETI)
    assert found.table.index.tolist() == [3, 2]
    assert found.clusters(2) == ((0, 1), ("noise",))
    assert found.table["entropy"].iloc[1] > 0
    np.testing.assert_allclose(found.memberships(2).sum("cluster"), 1.0)
    assert "With 2 clusters (0 + 1 joined)" in found.text


def test_one_component_two_and_far_ones(rng):
    def made(mu):
        k = len(mu)
        params = {"mu": np.tile(mu, (20, 1)), "sigma": np.ones((20, k))}
        return make_fit(np.linspace(0, 40, 30), np.full((20, k), 1 / k), params)

    one = merge_components(made([5.0]), ETI)
    assert one.table["entropy"].tolist() == [0.0]
    assert "nothing to join" in one.text
    assert "Joining the two leaves one cluster" in merge_components(made([0.0, 1.0]), ETI).text
    far = merge_components(made([-20.0, 10.0, 2000.0]), ETI)
    assert "hardly overlap" in far.text
    assert far.table["entropy"].iloc[-1] == 0.0
