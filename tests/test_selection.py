"""P(K | y): arithmetic, priors, Monte-Carlo errors and words."""

import numpy as np
import pytest

from bayesmix.errors import InputError
from bayesmix.evidence import Evidence
from bayesmix.selection import bayes_factor_in_words, posterior_of_k, shown_factor


def of(values, se=0.01, prior=None, **options):
    errors = se if isinstance(se, dict) else dict.fromkeys(values, se)
    evidences = {k: Evidence(v, errors[k], "bridge") for k, v in values.items()}
    return posterior_of_k(evidences, prior, **({"default_priors": False} | options))


def test_by_hand():
    table = of({1: np.log(1.0), 2: np.log(6.0), 3: np.log(3.0)}).table
    np.testing.assert_allclose(table["probability"], [0.1, 0.6, 0.3])
    np.testing.assert_allclose(table["prior"], 1 / 3)
    np.testing.assert_allclose(table["bayes_factor"], [6, 1, 2])
    assert list(table["evidence_against"]) == ["positive", "", "not worth more than a bare mention"]
    assert table.index.name == "n_components"
    found = of({3: np.log(3.0), 1: np.log(1.0), 2: np.log(6.0)})
    assert list(found.table.index) == [1, 2, 3]
    assert found.most_probable == 2


def test_a_stated_prior():
    found = of({1: np.log(1.0), 2: np.log(6.0)}, prior={1: 9, 2: 1, 7: 4})
    np.testing.assert_allclose(found.table["prior"], [0.9, 0.1])
    np.testing.assert_allclose(found.table["probability"], [0.6, 0.4])
    assert found.most_probable == 1
    np.testing.assert_allclose(found.table["bayes_factor"], [1, 1 / 6])
    assert list(found.table["evidence_against"]) == ["", "none"]
    assert "Under the stated prior on K = 1, 2, P(K | y) is 0.6 for 1, 0.4 for 2." in found.text
    assert "6 times as probable under K = 2 as under K = 1" in found.text
    assert "The data are about as probable under K = 2 as under K = 1" in of({1: 0.0, 2: 0.01}).text
    certain = of({1: 0.0, 2: 50.0}, prior={1: 1e308, 2: 0})
    np.testing.assert_array_equal(certain.table["probability"], [1, 0])
    np.testing.assert_array_equal(of({1: 0.0, 2: 0.0}, prior={1: 1e308, 2: 1e308}).table["prior"], 0.5)


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ({1: 0.5}, r"every number of components compared, got none for \[2\]"),
        ({1: 0.5, 2: -0.1}, "numbers >= 0, not all 0, got"),
        ({1: 0, 2: 0}, "not all 0"),
        ({1: np.nan, 2: 1}, "numbers >= 0"),
        ({1: np.inf, 2: 1}, "numbers >= 0"),
        ({1: "often", 2: 1}, "numbers >= 0, got.*often"),
        ({1: None, 2: 1}, "numbers >= 0, got"),
        ([0.5, 0.5], r"must map every number of components \[1, 2\] to a number, got list"),
    ],
)
def test_bad_priors(prior, words):
    with pytest.raises(InputError, match=words):
        of({1: 0.0, 2: 1.0}, prior=prior)


def test_monte_carlo_error_of_two_by_the_delta_method():
    """Of two, the sd of p is p (1 - p) times that of the difference of log evidences."""
    table = of({1: 0.0, 2: 1.0}, se={1: 0.03, 2: 0.04}).table
    p = 1 / (1 + np.exp(-1))
    np.testing.assert_allclose(table["probability_se"], p * (1 - p) * 0.05, rtol=0.05)


def test_monte_carlo_error_by_simulation():
    values, errors = np.array([0.0, 0.8, 0.3]), np.array([0.4, 0.1, 0.6])
    table = of(dict(enumerate(values, 1)), se=dict(enumerate(errors, 1))).table
    score = np.exp(values + errors * np.random.default_rng(5).normal(size=(400_000, 3)))
    expected = (score / score.sum(axis=1, keepdims=True)).std(axis=0)
    np.testing.assert_allclose(table["probability_se"], expected, rtol=0.05)


def test_an_unknown_error_is_not_0():
    table = of({1: 0.0, 2: 1.0}, se={1: 0.1, 2: np.inf}).table
    assert np.isnan(table.loc[2, "probability_se"])
    assert "exceeds 0.1 for K = 2." in of({1: 0.0, 2: 1.0}, se={1: 0.1, 2: np.inf}).text


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.0, "not worth more than a bare mention"),
        (2.999, "not worth more than a bare mention"),
        (3.0, "positive"),
        (19.99, "positive"),
        (20.0, "strong"),
        (149.9, "strong"),
        (150.0, "very strong"),
        (np.inf, "very strong"),
    ],
)
def test_the_scale_of_kass_and_raftery(factor, words):
    assert bayes_factor_in_words(factor) == words


@pytest.mark.parametrize(
    ("log_factor", "shown"), [(0.0, "1"), (1.1, "3"), (4.59, "98"), (4.605171, "10^2"), (1e4, "10^4343")]
)
def test_factors_in_digits(log_factor, shown):
    assert shown_factor(log_factor) == shown


def test_huge_gaps_do_not_overflow():
    found = of({1: -2e4, 2: -1e4, 3: -1e4 - 5})
    np.testing.assert_allclose(found.table["probability"], [0, 1 / (1 + np.exp(-5)), np.exp(-5) / (1 + np.exp(-5))])
    assert found.table.loc[1, "bayes_factor"] == np.inf
    assert found.table.loc[1, "evidence_against"] == "very strong"
    assert "10^4343 times as probable under K = 2 as under K = 1" in of({1: -2e4, 2: -1e4}).text


def test_near_certainty_is_not_shown_as_certainty():
    text = of({1: -30.0, 2: 0.0, 3: -9.0}).text
    assert "P(K | y) is more than 0.99 for 2." in text
    assert "very strong evidence" in text


def test_what_was_not_tried():
    assert "Numbers above 3 were not tried and may be as probable." in of({1: -9.0, 2: 0.0, 3: 0.5}).text
    assert "not tried" not in of({1: -9.0, 2: 0.0, 3: -9.0}).text
    assert "not tried" not in of({1: -9.0, 2: 0.0}, missing=(3,)).text
    assert "There is no evidence for K = 3, left out here." in of({1: -9.0, 2: 0.0}, missing=(3,)).text


def test_one_number_alone_says_nothing():
    text = of({2: -50.0}).text
    assert "Only K = 2 was fitted, so its probability is 1 whatever the data" in text
    assert "times as probable" not in text


def test_evidences_that_are_no_numbers_are_left_out():
    found = of({1: 0.0, 2: np.nan, 3: 0.0})
    np.testing.assert_allclose(found.table["probability"], 0.5)
    assert list(found.table.index) == [1, 3]
    assert "no evidence for K = 2" in found.text
    with pytest.raises(InputError, match="must have an evidence that is a number"):
        of({1: np.nan})


def test_cautions_are_there_where_they_are_due():
    plain = of({1: 0.0, 2: 1.0}).text
    assert "how wide the priors are" in plain
    for words in ("taken from these data", "failed", "Monte-Carlo"):
        assert words not in plain
    assert "scale was taken from these data" in of({1: 0.0, 2: 1.0}, default_priors=True).text
    assert "The fit of K = 2 failed its checks" in of({1: 0.0, 2: -99.0}, failed=(2,)).text
    assert "The fits of K = 1, 2 failed their checks" in of({1: 0.0, 2: 1.0}, failed=[1, 2]).text
    assert "log evidence exceeds 0.1 for K = 2." in of({1: 0.0, 2: 1.0}, se={1: 0.1, 2: 0.11}).text


def test_reprs():
    found = of({1: 0.0, 2: 1.0})
    assert found.text in repr(found)
    assert "<table" in found._repr_html_()
    assert "P(K | y)" in found._repr_html_()
