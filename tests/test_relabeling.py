"""Labels: Stephens' algorithm, and noticing when sorting by the mean is wrong."""

import numpy as np
import pytest

import bayesmix as bm
from bayesmix.relabeling import check_labels, stephens
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
