"""Labels: Stephens' algorithm, and noticing when sorting by the mean is wrong."""

import numpy as np
import pytest

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.relabeling import check_labels, ecr, order_labels, permute, relabel, stephens, unwrap_angles
from bayesmix.resolving import resolve
from tests.helpers import make_fit


def test_stephens_undoes_known_switches(rng):
    r = rng.dirichlet([20, 1, 1], size=30)[np.newaxis] * np.ones((50, 1, 1))
    r = r[:, :, :] + 0.01 * rng.random((50, 30, 3))
    r[:, 10:20] = r[:, 10:20][:, :, [1, 0, 2]]
    r[:, 20:] = r[:, 20:][:, :, [2, 1, 0]]
    r /= r.sum(axis=2, keepdims=True)
    switches = np.array([np.arange(3) if s % 5 else rng.permutation(3) for s in range(50)])
    switched = np.take_along_axis(r, switches[:, np.newaxis, :], axis=2)
    found = stephens(switched)
    np.testing.assert_allclose(np.take_along_axis(switched, found[:, np.newaxis, :], axis=2), r)


def scale_mixture(rng, order_by="mu"):
    """Equal means, sds 1 and 6, with posterior scatter in the means: sorting by mean is a coin toss."""
    y = np.concatenate([rng.normal(0, 1, 60), rng.normal(0, 6, 60)])
    n = 200
    mu, sigma, w = (
        rng.normal(0, 0.3, (n, 2)),
        np.c_[rng.normal(1, 0.05, n), rng.normal(6, 0.4, n)],
        rng.dirichlet([60, 60], n),
    )
    order = np.argsort(mu if order_by == "mu" else sigma, axis=1)
    moved = [np.take_along_axis(a, order, axis=1) for a in (w, mu, sigma)]
    mixture = bm.Mixture(2, order_by=order_by)
    return make_fit(y, moved[0], {"mu": moved[1], "sigma": moved[2]}, mixture=mixture)


def test_scale_mixture_sorted_by_mean_is_noticed(rng):
    made = scale_mixture(rng)
    labels = check_labels(made)
    assert 0.3 < labels.share < 0.6
    assert labels.better_key == "sigma"
    assert labels.better_share < 0.02
    diagnosis = made.check()
    assert not diagnosis.ok
    assert "order_by='sigma'" in diagnosis.text


def test_scale_mixture_sorted_by_sigma_is_fine(rng):
    labels = check_labels(scale_mixture(rng, "sigma"))
    assert labels.share < 0.02
    assert labels.better_key is None


def test_separated_groups_are_fine(rng):
    y = np.concatenate([rng.normal(0, 1, 50), rng.normal(10, 1, 50)])
    n = 100
    made = make_fit(
        y, rng.dirichlet([50, 50], n), {"mu": rng.normal([0, 10], 0.1, (n, 2)), "sigma": rng.normal(1, 0.05, (n, 2))}
    )
    assert check_labels(made).share == 0
    assert "permuted" not in made.check().text


def test_components_with_identity_report_how_often_they_would_switch(rng):
    y = np.concatenate([rng.normal(0, 1, 50), rng.normal(10, 1, 50)])
    n = 100
    mu = rng.normal([0, 10], 0.1, (n, 2))
    mu[:20] = mu[:20, ::-1]
    mixture = bm.Mixture(2, priors={"mu": [bm.priors.Normal(0, 9), bm.priors.Normal(1, 9)]})
    made = make_fit(y, rng.dirichlet([50, 50], n), {"mu": mu, "sigma": rng.normal(1, 0.05, (n, 2))}, mixture=mixture)
    labels = check_labels(made)
    assert labels.key is None
    assert labels.share == pytest.approx(0.2, abs=0.01)
    assert "20% of the draws the components would rather be permuted" in made.check().text


TABLE = {"a": "normal", "b": "poisson"}


def switched_table(rng, k=3, n=120, order_by=None):
    """A made-up posterior of two columns in k groups far apart, and how each draw's components were permuted.

    Groups are numbered by falling means of the first column.
    """
    group = np.arange(90) % k
    a, b = -10.0 * np.arange(k), np.array([20.0, 2.0, 60.0, 120.0, 200.0, 300.0])[:k]
    frame = {"a": rng.normal(a[group], 1), "b": rng.poisson(b[group])}
    true = {
        "w": rng.dirichlet(np.full(k, 30.0), n),
        "a_mu": rng.normal(a, 0.2, (n, k)),
        "a_sigma": rng.uniform(0.8, 1.2, (n, k)),
        "b_mu": rng.gamma(b * 10, 0.1, (n, k)),
    }
    switches = np.array([rng.permutation(k) for _ in range(n)])
    moved = {name: np.take_along_axis(value, switches, axis=1) for name, value in true.items()}
    mixture = bm.Mixture(k, TABLE, order_by=order_by)
    return make_fit(frame, moved.pop("w"), moved, mixture=mixture), true, switches


@pytest.mark.parametrize("method", ["stephens", "ecr"])
@pytest.mark.parametrize("k", [2, 3, 6])  # 6: too many permutations to try them all
def test_relabel_recovers_known_permutations(rng, method, k):
    made, true, switches = switched_table(rng, k)
    permutation, ambiguous = relabel(made, method=method)
    assert not ambiguous.any()
    by_label = np.take_along_axis(switches, permutation, axis=1)
    # The same group has the same label in every draw, and labels rise with the mean of the first column.
    np.testing.assert_array_equal(by_label, np.tile(np.arange(k)[::-1], (len(switches), 1)))
    restored = permute(made.idata["posterior"].to_dataset(), made.resolved, permutation)
    for name, value in true.items():
        np.testing.assert_array_equal(restored[name].values.reshape(-1, k), value[:, ::-1])


def test_both_algorithms_agree_where_groups_are_apart(rng):
    r = np.eye(3)[np.arange(60) % 3] * 0.94 + 0.02
    switches = np.array([rng.permutation(3) for _ in range(40)])
    switched = np.take_along_axis(np.tile(r, (40, 1, 1)), switches[:, None, :], axis=2)
    by_divergence, by_allocation = stephens(switched, r), ecr(switched, r)
    np.testing.assert_array_equal(by_divergence, by_allocation)
    np.testing.assert_array_equal(np.take_along_axis(switches, by_divergence, axis=1), np.tile(np.arange(3), (40, 1)))


def test_labels_follow_the_order_key(rng):
    """Groups 0, 1, 2 have falling means of a, and of b the means 20, 2, 60."""
    for order_by, labels in ((None, [2, 1, 0]), (("b", "mu"), [1, 0, 2])):
        made, _, switches = switched_table(rng, order_by=order_by)
        permutation, _ = relabel(made)
        np.testing.assert_array_equal(np.take_along_axis(switches, permutation, axis=1), np.tile(labels, (120, 1)))
        name = made.resolved.order_key[0]
        means = np.take_along_axis(made.arrays.parameters[name], permutation, axis=1).mean(axis=0)
        assert np.all(np.diff(means) > 0)


def test_labels_without_an_order_go_by_falling_weight(rng):
    y = {"a": np.arange(12) % 4 - 2.0}
    resolved = resolve(bm.Mixture(3, "von_mises"), read_rows(bm.Mixture(3, "von_mises").family, y["a"]))
    weights = rng.dirichlet([50, 10, 90], 40)
    made = make_fit(
        y["a"],
        weights,
        {"mu": rng.normal(0, 1, (40, 3)), "kappa": np.ones((40, 3))},
        mixture=bm.Mixture(3, "von_mises"),
    )
    as_given = np.tile(np.arange(3), (40, 1))
    np.testing.assert_array_equal(order_labels(resolved, made.arrays, as_given), [2, 0, 1])
    turned = np.tile([2, 0, 1], (40, 1))
    np.testing.assert_array_equal(order_labels(resolved, made.arrays, turned), [0, 1, 2])


def test_noise_keeps_its_place_when_components_move(rng):
    group = np.arange(40) % 2
    y = rng.normal(np.array([0.0, 9.0])[group], 1)
    frame = {"a": np.r_[y, 60.0], "b": np.r_[rng.poisson(np.array([30.0, 2.0])[group]), 400]}
    n = 30
    weights = np.c_[rng.dirichlet([20, 20], n) * 0.95, np.full(n, 0.05)]
    switches = np.array([rng.permutation(2) for _ in range(n)])
    move = {"a_mu": [0.0, 9.0], "a_sigma": [1.0, 1.1], "b_mu": [30.0, 2.0]}
    moved = {name: np.take_along_axis(np.tile(value, (n, 1)), switches, axis=1) for name, value in move.items()}
    made = make_fit(frame, weights, moved, mixture=bm.Mixture(2, TABLE, noise=True))
    permutation, ambiguous = relabel(made)
    assert not ambiguous.any()
    np.testing.assert_array_equal(np.take_along_axis(switches, permutation, axis=1), np.tile([0, 1], (n, 1)))
    source = made.idata["posterior"].to_dataset()
    restored = permute(source, made.resolved, permutation)
    np.testing.assert_array_equal(restored["w_noise"], source["w_noise"])
    np.testing.assert_array_equal(restored["a_mu"].values.reshape(-1, 2), np.tile([0.0, 9.0], (n, 1)))


def test_groups_that_cannot_be_told_apart_are_ambiguous(rng):
    y = rng.normal(0, 1, 30)
    n = 200
    made = make_fit(
        {"a": y, "b": rng.poisson(4.0, 30)},
        rng.dirichlet([5, 5], n),
        {"a_mu": rng.normal(0, 0.3, (n, 2)), "a_sigma": np.ones((n, 2)), "b_mu": rng.gamma(40, 0.1, (n, 2))},
        mixture=bm.Mixture(2, TABLE),
    )
    _, ambiguous = relabel(made)
    assert 0 < ambiguous.mean() < 0.5
    made.idata["sample_stats"] = (
        made.idata["sample_stats"].to_dataset().assign(label_ambiguous=(("chain", "draw"), ambiguous.reshape(2, -1)))
    )
    labels = check_labels(made)
    assert labels.relabelled
    assert labels.share == pytest.approx(ambiguous.mean())


def test_angles_are_unwrapped_around_their_mean_direction(rng):
    n = 100
    angle = np.c_[rng.normal(np.pi, 0.1, n), rng.normal(0, 0.1, n)]
    cut = np.arctan2(np.sin(angle), np.cos(angle))
    assert cut[:, 0].std() > 2
    mixture = bm.Mixture(2, "von_mises")
    made = make_fit(rng.uniform(-3, 3, 9), np.full((n, 2), 0.5), {"mu": cut, "kappa": np.ones((n, 2))}, mixture=mixture)
    whole = unwrap_angles(made.idata["posterior"].to_dataset(), made.resolved)
    assert whole["mu"].dims == ("chain", "draw", "component")
    values = whole["mu"].values.reshape(-1, 2)
    turns = (values - angle) / (2 * np.pi)
    np.testing.assert_allclose(turns, np.tile(np.round(turns[0]), (n, 1)), atol=1e-12)
    assert abs(abs(values[:, 0].mean()) - np.pi) < 0.05
