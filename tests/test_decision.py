"""Decisions: by hand, and against a loop over draws."""

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.errors import InputError
from tests.helpers import make_fit, two_groups


@pytest.fixture
def made():
    """Probability of component 0 in the two rows: 0.9 and 0.2, the same in every draw."""
    p = np.array([0.9, 0.2])
    odds = np.log(p / (1 - p))
    y = 0.5 - odds  # normal(0, 1) against normal(1, 1): log-odds 1/2 - y
    return make_fit(
        pd.Series(y, index=["r", "s"], name="y"), [[0.5, 0.5]] * 4, {"mu": [[0.0, 1.0]] * 4, "sigma": np.ones((4, 2))}
    )


def test_zero_one_costs_take_the_most_probable(made):
    table = made.decide()
    assert list(table.index) == ["r", "s"]
    assert list(table["decision"]) == [0, 1]
    np.testing.assert_allclose(table["expected_cost"], [0.1, 0.2])
    np.testing.assert_allclose(table["saving"], [0.8, 0.6])
    assert list(table["runner_up"]) == [1, 0]
    assert not table["could_flip"].any()


def test_costs_of_named_decisions(made):
    costs = pd.DataFrame({"treat": [5.0, 0.0], "wait": [0.0, 100.0], "test": [2.0, 2.0]}, index=[0, 1])
    table = made.decide(costs=costs)
    # 0.9, 0.1 -> 4.5, 10, 2; 0.2, 0.8 -> 1, 80, 2
    assert list(table["decision"]) == ["test", "treat"]
    np.testing.assert_allclose(table["expected_cost"], [2.0, 1.0])
    np.testing.assert_allclose(table["saving"], [2.5, 1.0])
    pd.testing.assert_frame_equal(made.decide(costs=costs.loc[[1, 0]]), table)  # rows go by their names


def test_abstaining_by_threshold_and_by_cost_agree(made):
    by_threshold = made.decide(threshold=0.85)
    assert list(by_threshold["decision"]) == [0, "abstain"]
    pd.testing.assert_frame_equal(by_threshold, made.decide(abstain_cost=0.15), rtol=1e-12)
    np.testing.assert_allclose(by_threshold["expected_cost"], [0.1, 0.15])


def test_intervals_and_flips_are_those_of_the_draws(rng):
    fit = two_groups(np.concatenate([rng.normal(0, 1, 30), rng.normal(2, 1, 30)]), n_draws=200)
    costs = np.array([[0.0, 1.0], [3.0, 0.0]])
    table = fit.decide(costs=costs, ci_prob=0.8)
    r = fit.assignment_probabilities(draws=True).values.reshape(200, 60, 2)
    flips = 0
    for i in range(60):
        draws = r[:, i] @ costs
        best = int(draws.mean(axis=0).argmin())
        assert table["decision"].iloc[i] == best
        np.testing.assert_allclose(table["eti80_lb"].iloc[i], np.quantile(draws[:, best], 0.1), atol=1e-12)
        np.testing.assert_allclose(table["eti80_ub"].iloc[i], np.quantile(draws[:, best], 0.9), atol=1e-12)
        flip = (draws[:, 1 - best] < draws[:, best]).mean() > 0.1
        assert table["could_flip"].iloc[i] == flip
        flips += flip
    assert 0 < flips < 60


def test_base_rates_are_bayes_rule(made):
    table = made.decide(base_rates={0: 0.1, 1: 0.9})
    odds = np.array([9.0, 0.25]) * (0.1 / 0.9)
    np.testing.assert_allclose(table["expected_cost"], np.minimum(odds / (1 + odds), 1 / (1 + odds)))
    predicted = made.predict([made.observations.values[0]], base_rates=[0.1, 0.9])
    np.testing.assert_allclose(predicted["probability"], [0.5], atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"costs": [[0, 1]]}, "finite numbers, one for each component"),
        ({"costs": [[0, np.nan], [1, 0]]}, "finite numbers"),
        ({"costs": "cheap"}, "pandas DataFrame or an array, got str"),
        ({"costs": pd.DataFrame({"a": [1, 2]}, index=["x", "y"])}, r"got the rows \['x', 'y'\]"),
        ({"threshold": 1.5}, "between 0 and 1, got 1.5"),
        ({"threshold": 0.9, "abstain_cost": 1.0}, "must come alone"),
        ({"abstain_cost": np.inf}, "finite number, got inf"),
        ({"abstain_cost": "much"}, "finite number, got 'much'"),
        ({"base_rates": [0.5, 0.6]}, r"sum to 1, got \[0.5, 0.6\]"),
        ({"base_rates": [1.0]}, "each of the components"),
        ({"base_rates": {"child": 1.0}}, "each of the components"),
        ({"base_rates": [-0.5, 1.5]}, "numbers >= 0"),
        ({"base_rates": "half"}, "each of the components"),
    ],
)
def test_bad_input_is_refused(made, options, message):
    with pytest.raises(InputError, match=message):
        made.decide(**options)


def test_abstain_twice_is_refused(made):
    with pytest.raises(InputError, match="Rename it"):
        made.decide(costs=pd.DataFrame({"abstain": [1, 1], "go": [0, 2]}), abstain_cost=1.0)


def test_one_decision_and_one_component():
    fit = make_fit([1.0, 2.0], np.ones((4, 1)), {"mu": np.zeros((4, 1)), "sigma": np.ones((4, 1))})
    table = fit.decide()
    assert (table["decision"] == 0).all()
    assert table["runner_up"].isna().all()


def test_rows_that_no_component_with_a_share_can_have_are_refused():
    parameters = {"mu": np.tile([2.0, 9.0], (4, 1))}
    mixture = bm.Mixture(2, "poisson", zero_inflated=True)
    fit = make_fit([0.0, 1.0, 8.0, 9.0], np.full((4, 3), 1 / 3), parameters, mixture=mixture)
    assert fit.predict([0.0], base_rates=[0, 0, 1])["component"].iloc[0] == "zero"
    for call in (fit.predict, lambda y, **o: fit.decide(y, **o), lambda y, **o: fit.draw_classes(2, y=y, **o)):
        with pytest.raises(InputError, match=r"row 1 \(position 1\) can come from none"):
            call([0.0, 5.0], base_rates=[0, 0, 1])
