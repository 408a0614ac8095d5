"""Intervals: equal to ArviZ's, named as ArviZ names them."""

import arviz_base
import arviz_stats
import numpy as np
import pytest

from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval, IntervalKind, credible_interval


@pytest.mark.parametrize("prob", [0.5, 0.89, 0.94])
def test_equal_to_arviz(rng, prob):
    draws = rng.gamma(2, size=(4, 500))
    low, high = credible_interval(prob, "eti").bounds(draws.ravel())
    np.testing.assert_allclose([low, high], arviz_stats.eti(draws, prob=prob, axis=(0, 1)))
    low, high = credible_interval(prob, "hdi").bounds(draws.ravel())
    np.testing.assert_allclose([low, high], arviz_stats.hdi(draws, prob=prob, axis=(0, 1)))


def test_axes(rng):
    draws = rng.normal(size=(3, 100, 2))
    for kind in ("eti", "hdi"):
        low, _ = credible_interval(0.8, kind).bounds(draws, axis=1)
        assert low.shape == (3, 2)
        assert low[1, 0] == credible_interval(0.8, kind).bounds(draws[1, :, 0])[0]


def test_defaults_come_from_arviz():
    assert credible_interval().columns == ("eti89_lb", "eti89_ub")
    with arviz_base.rc_context({"stats.ci_prob": 0.5, "stats.ci_kind": "hdi"}):
        assert credible_interval().columns == ("hdi50_lb", "hdi50_ub")
        assert credible_interval(0.945).name == "hdi94.5"


@pytest.mark.parametrize(("prob", "kind"), [(0, None), (1, None), (89, None), (True, None), ("a", None), (0.5, "ci")])
def test_bad_settings(prob, kind):
    with pytest.raises(InputError, match="ci_"):
        credible_interval(prob, kind)


def test_intervals_by_definition() -> None:
    """ETI: numpy's quantiles. HDI: the narrowest run of draws. Infinite draws give infinite bounds."""
    draws = np.random.default_rng(1).gamma(2.0, size=(501, 2))
    eti, hdi = CredibleInterval(0.89, "eti"), CredibleInterval(0.89, "hdi")
    wanted = np.quantile(draws, [0.055, 0.945], axis=0)
    np.testing.assert_allclose(eti.bounds(draws), wanted, rtol=1e-12)
    for column, low, high in zip(draws.T, *hdi.bounds(draws), strict=True):
        ordered = np.sort(column)
        assert high - low == min(ordered[i + 445] - ordered[i] for i in range(501 - 445))
        assert 0.89 <= ((column >= low) & (column <= high)).mean() < 0.9


@pytest.mark.parametrize("kind", ["eti", "hdi"])
def test_intervals_of_infinite_draws(kind: IntervalKind) -> None:
    """Bounds among infinite draws are infinite, never NaN; one draw is its own interval."""
    mixed = np.concatenate([np.arange(50.0), np.full(51, np.inf)])[:, None]
    interval = CredibleInterval(0.8, kind)
    assert interval.bounds(mixed)[1].tolist() == [np.inf]
    assert interval.bounds(mixed[60:])[0].tolist() == [np.inf]
    assert interval.bounds(mixed[3:4])[0].tolist() == [3.0]
    assert CredibleInterval(0.5, "eti").bounds(mixed)[0].tolist() == [25.0]
