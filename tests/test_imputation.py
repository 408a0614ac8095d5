"""Drawn classes have the right frequencies; Rubin's rules by hand and by the coverage that they promise."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

import bayesmix as bm
from bayesmix.errors import InputError
from tests.helpers import make_fit


@pytest.fixture
def made():
    return make_fit(
        [-1.0, 0.5, 0.5, 3.0], [[0.3, 0.7]] * 4000, {"mu": [[0.0, 1.0]] * 4000, "sigma": np.ones((4000, 2))}
    )


def test_frequencies_are_the_probabilities(made):
    drawn = made.draw_classes(4000, random_seed=1)
    assert drawn.shape == (4, 4000)
    p = made.assignment_probabilities().sel(component=1).values
    error = np.sqrt(p * (1 - p) / 4000)
    np.testing.assert_array_less(np.abs(drawn.to_numpy().mean(axis=1) - p), 4 * error)
    # Equal rows have equal probabilities, and classes of their own.
    same = (drawn.iloc[1] == drawn.iloc[2]).mean()
    assert abs(same - (p[1] ** 2 + (1 - p[1]) ** 2)) < 4 / np.sqrt(4000)


def test_draws_carry_the_uncertainty_of_the_parameters():
    """Half of the posterior draws say one thing, half the other: the rows of a set go together."""
    weights = [[0.999, 0.001]] * 200 + [[0.001, 0.999]] * 200
    y = np.linspace(-0.1, 0.1, 50)
    fit = make_fit(y, weights, {"mu": [[0.0, 0.001]] * 400, "sigma": np.ones((400, 2))})
    share = fit.draw_classes(400, random_seed=1).to_numpy().mean(axis=0)
    assert ((share < 0.1) | (share > 0.9)).all()
    assert abs((share > 0.5).mean() - 0.5) < 0.01


def test_same_seed_same_classes(made):
    pd.testing.assert_frame_equal(made.draw_classes(5, random_seed=3), made.draw_classes(5, random_seed=3))
    assert not made.draw_classes(50, random_seed=3).equals(made.draw_classes(50, random_seed=4))


def test_new_rows_names_and_base_rates():
    fit = make_fit(
        [0.0, 1.0],
        [[0.5, 0.5]] * 400,
        {"mu": [[0.0, 1.0]] * 400, "sigma": np.ones((400, 2))},
        mixture=bm.Mixture(2, classes=["child", "adult"]),
    )
    drawn = fit.draw_classes(400, y=pd.Series([0.5], index=["new"]), base_rates=[0.0, 1.0], random_seed=1)
    assert list(drawn.index) == ["new"]
    assert (drawn.iloc[0] == "adult").all()
    assert list(drawn[0].cat.categories) == ["child", "adult"]


@pytest.mark.parametrize("m", [0, 4001, 2.5, True, "many"])
def test_bad_m_is_refused(made, m):
    with pytest.raises(InputError, match="between 1 and the 4000 draws"):
        made.draw_classes(m)


def test_rubins_rules_by_hand():
    estimates, errors = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.6, 0.7])
    within, between = np.mean(errors**2), np.var(estimates, ddof=1)
    total = within + (1 + 1 / 3) * between
    r = (1 + 1 / 3) * between / within
    df = 2 * (1 + 1 / r) ** 2
    row = bm.pool_estimates(estimates, errors, ci_prob=0.9).iloc[0]
    assert row["estimate"] == pytest.approx(7 / 3)
    assert row["se"] == pytest.approx(np.sqrt(total))
    assert row["df"] == pytest.approx(df)
    assert row["ci90_ub"] - row["estimate"] == pytest.approx(t.ppf(0.95, df) * np.sqrt(total))
    assert row["fraction_missing"] == pytest.approx((r + 2 / (df + 3)) / (r + 1))
    small = bm.pool_estimates(estimates, errors, df_complete=17, ci_prob=0.9).iloc[0]
    observed = (17 + 1) / (17 + 3) * 17 * (1 - (1 + 1 / 3) * between / total)
    assert small["df"] == pytest.approx(1 / (1 / df + 1 / observed))


def test_several_quantities_and_no_variation():
    estimates = pd.DataFrame({"slope": [1.0, 1.0], "level": [0.0, 2.0]})
    pooled = bm.pool_estimates(estimates, pd.DataFrame({"level": [0.1, 0.1], "slope": [1.0, 1.0]}))
    assert list(pooled.index) == ["slope", "level"]
    assert pooled.loc["slope", "se"] == pytest.approx(1.0)
    assert pooled.loc["slope", "fraction_missing"] == 0.0
    assert np.isinf(pooled.loc["slope", "df"])
    assert pooled.loc["level", "fraction_missing"] > 0.9


def test_no_standard_errors():
    assert np.isinf(bm.pool_estimates([1.0, 2.0], [0.0, 0.0], df_complete=10).iloc[0]["ci89_ub"])
    same = bm.pool_estimates([1.0, 1.0], [0.0, 0.0]).iloc[0]
    assert same["ci89_lb"] == same["ci89_ub"] == 1.0


def test_columns_go_by_their_names():
    with pytest.raises(InputError, match=r"columns of the estimates \['a', 'b'\], got \['a', 'z'\]"):
        bm.pool_estimates(pd.DataFrame({"a": [1, 2], "b": [1, 2]}), pd.DataFrame({"a": [1, 2], "z": [1, 2]}))


@pytest.mark.parametrize(
    ("estimates", "errors", "message"),
    [
        ([1.0], [0.1], "at least two sets"),
        ([1.0, 2.0], [0.1], "got the shapes"),
        ([1.0, np.nan], [0.1, 0.1], "finite numbers"),
        ([1.0, 2.0], [0.1, -0.1], ">= 0, got -0.1"),
        ("ab", "cd", "finite numbers"),
    ],
)
def test_bad_estimates_are_refused(estimates, errors, message):
    with pytest.raises(InputError, match=message):
        bm.pool_estimates(estimates, errors)


def test_bad_degrees_of_freedom_are_refused():
    with pytest.raises(InputError, match="df_complete must be > 0, got 0"):
        bm.pool_estimates([1.0, 2.0], [0.1, 0.1], df_complete=0)


def test_pooled_intervals_cover_a_difference_that_hard_labels_exaggerate(rng):
    """A second variable differs by 1 between two overlapping groups; classes are drawn given the first alone.

    The classes do not know the second variable, so the difference between drawn groups is attenuated by the known
    factor of misclassification; the pooled estimate must be unbiased for that, with a standard error that covers it.
    """
    n, covered, repeats = 200, 0, 100
    weights, means = np.full((400, 2), 0.5), np.tile([0.0, 2.0], (400, 1))
    for _ in range(repeats):
        truth = rng.integers(0, 2, n)
        y, x = rng.normal(2.0 * truth), rng.normal(1.0 * truth)
        fit = make_fit(y, weights, {"mu": means, "sigma": np.ones((400, 2))})
        p = 1 / (1 + np.exp(-2 * (y - 1)))
        target = np.sum(p * x) / p.sum() - np.sum((1 - p) * x) / (1 - p).sum()
        sets = fit.draw_classes(10, random_seed=int(rng.integers(1e6))).to_numpy()
        differences = [x[s == 1].mean() - x[s == 0].mean() for s in sets.T]
        errors = [np.sqrt(x[s == 1].var() / (s == 1).sum() + x[s == 0].var() / (s == 0).sum()) for s in sets.T]
        row = bm.pool_estimates(differences, errors, ci_prob=0.95).iloc[0]
        covered += row["ci95_lb"] <= target <= row["ci95_ub"]
    assert covered >= 95
