"""The two intervals of every score, the split of its variance, mappings side by side, and rules by themselves."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.evaluation import SCORES, evaluate_rule
from bayesmix.evaluation._mapping import mapping_probability
from bayesmix.evaluation._resampling import both_bounds, resample_draws, resample_rule, split
from bayesmix.evaluation._scoring import rows_of, score
from bayesmix.intervals import CredibleInterval
from bayesmix.labels import best_match, read_labels
from tests import coverage_cases
from tests.test_evaluation import crisp, refusal, run, simulate

pytestmark = pytest.mark.filterwarnings("error")

type FloatArray = NDArray[np.float64]

ETI = CredibleInterval(0.89, "eti")


def log_sigmoids(odds: FloatArray) -> FloatArray:
    """Log memberships in two components from log-odds of the second."""
    return -np.logaddexp(0, np.stack([odds, -odds], axis=-1))


def ends(table: pd.DataFrame, name: str, which: str) -> tuple[float, float]:
    """One interval of one score."""
    low, high = table.loc[name, [f"{which}_eti89_lb", f"{which}_eti89_ub"]]
    return float(low), float(high)


@pytest.fixture(scope="module")
def labels() -> NDArray[np.intp]:
    """Classes of 100 rows."""
    return np.random.default_rng(3).integers(0, 2, 100)


@pytest.fixture(scope="module")
def shaky(labels: NDArray[np.intp]) -> FloatArray:
    """Log memberships of draws that disagree on where the classes part."""
    rng = np.random.default_rng(3)
    base = np.where(labels == 1, 1.0, -1.0) + rng.normal(size=100)
    return log_sigmoids(base + rng.normal(size=(600, 1)))


def test_the_posterior_widens_the_total_interval_alone(shaky, labels):
    """Draws that all say what the mean says: both intervals are alike; draws that disagree: total is wider."""
    agreed = np.repeat(np.log(np.exp(shaky).mean(axis=0))[None], 600, axis=0)
    one, other = (run(part, labels, classes=[0, 1]).table for part in (agreed, shaky))
    for name in ("accuracy", "brier"):
        assert ends(one, name, "rule") == pytest.approx(ends(other, name, "rule"), abs=1e-12)
        low, high = ends(other, name, "rule")
        total_low, total_high = ends(one, name, "total")
        assert total_high - total_low == pytest.approx(high - low, rel=0.15)
        total_low, total_high = ends(other, name, "total")
        assert total_high - total_low > 1.3 * (high - low)
    assert one["sd_posterior"].max() < 0.02
    assert other.loc["accuracy", "sd_posterior"] > 0.04


def test_both_intervals_include_the_estimate_and_each_other(shaky, labels):
    """The mean rule is better than the rules of single draws; its score still lies within."""
    result = run(shaky, labels, classes=[0, 1])
    table = result.table
    for name in SCORES:
        low, high = ends(table, name, "rule")
        total_low, total_high = ends(table, name, "total")
        assert total_low <= low <= table.loc[name, "estimate"] <= high <= total_high, name
    draw_brier = np.square(np.exp(shaky[..., 1]) - labels).mean()
    assert draw_brier > table.loc["brier", "estimate"] + 0.01


def test_all_right_is_not_certain():
    """Nineteen right rows of nineteen: the accuracy's interval has the mean of Jeffreys' and about its lower end."""
    groups = [0] * 10 + [1] * 9
    result = run(crisp(groups, 2), groups, classes=[0, 1])
    assert result.table.loc["accuracy", "estimate"] == 1.0
    low, high = ends(result.table, "accuracy", "rule")
    assert high == 1.0
    assert low == pytest.approx(stats.beta(19.5, 0.5).ppf(0.055), abs=0.03)
    rows = rows_of(np.array(groups), crisp(groups, 2)[0], np.zeros((19, 2)), np.array([0, 1]), 2)
    sampled = resample_rule(rows, 1).values[:, SCORES.index("accuracy")]
    assert sampled.mean() == pytest.approx(19.5 / 20, abs=0.004)
    assert ends(result.table, "log_loss", "rule")[1] < 1e-8  # without the imaginary row: nothing was lost


@pytest.mark.parametrize("right", [19, 50, 60])
def test_accuracy_of_a_rule_is_nearly_jeffreys_interval(right):
    """Mean and quantiles of the share of right rows of 60 in two classes."""
    truth = np.arange(60) % 2
    guess = np.where(np.arange(60) < right, truth, 1 - truth)
    rows = rows_of(truth, crisp(guess.tolist(), 2)[0], np.zeros((60, 2)), np.array([0, 1]), 2)
    sampled = resample_rule(rows, 1).values[:, SCORES.index("accuracy")]
    exact = stats.beta(right + 0.5, 60.5 - right)
    assert sampled.mean() == pytest.approx(exact.mean(), abs=0.004)
    np.testing.assert_allclose(np.quantile(sampled, [0.055, 0.945]), exact.ppf([0.055, 0.945]), atol=0.015)


def test_split_of_a_known_variance():
    """T = posterior + rows, independent, with variances 4 and 1; nothing shared; nothing but shared."""
    rng = np.random.default_rng(1)
    draw, one, two = rng.normal(size=(3, 40_000, 1)) * np.array([2.0, 1.0, 1.0])[:, None, None]
    found = split(draw + one, draw + one, draw + two)
    assert found.posterior[0] == pytest.approx(2.0, rel=0.02)
    assert found.rows[0] == pytest.approx(1.0, rel=0.03)
    alone = split(one, one, two)
    assert alone.posterior[0] < 0.15
    assert alone.rows[0] == pytest.approx(1.0, rel=0.03)
    assert [float(sd) for sd in split(one[0], -one[:2].ravel(), one[:2].ravel())] == [0.0, 0.0]


def test_split_of_scores_known_in_closed_form():
    """Half of the draws are right in all rows and half in none: sd_posterior is that of a coin."""
    truth = np.arange(40) % 2
    draws = np.concatenate([np.repeat(crisp((truth if k else 1 - truth).tolist(), 2), 300, axis=0) for k in (0, 1)])
    table = run(draws, truth, classes=[0, 1]).table
    # The imaginary row has weight about 1 / 41: of the accuracies 40.5 / 41 and 0.5 / 41 the sd is 20 / 41.
    assert table.loc["accuracy", "sd_posterior"] == pytest.approx(20 / 41, abs=0.01)
    assert table.loc["accuracy", "sd_rows"] < 0.04
    low, high = ends(table, "accuracy", "total")
    assert low < 0.05
    assert high > 0.95


def test_split_adds_up_to_the_variance_of_single_draws(shaky, labels):
    """The squares of both sds are the variance of the scores of the draws under their own weights."""
    table = run(shaky, labels, classes=[0, 1]).table
    known = read_labels(labels, pd.RangeIndex(100))
    scored, *_ = resample_draws(shaky, known, np.array([0, 1]), 1)
    np.testing.assert_allclose(np.square(table[["sd_rows", "sd_posterior"]]).sum(axis=1), scored.values.var(axis=0))


def test_total_includes_the_rule():
    """By hand: the wider end on either side; infinity too."""
    interval = CredibleInterval(0.5, "eti")
    rule, total = np.array([[0.7], [0.8], [0.9]]), np.array([[0.1], [0.4], [0.82]])
    found = both_bounds(interval, rule, total)
    assert [float(end[0]) for end in found] == pytest.approx([0.75, 0.85, 0.25, 0.85])
    given = both_bounds(interval, rule, total, (np.array([0.2]), np.array([0.5])))
    assert [float(end[0]) for end in given] == pytest.approx([0.2, 0.5, 0.2, 0.61])
    infinite = both_bounds(interval, rule, np.full((3, 1), np.inf))
    assert (infinite.total_lower[0], infinite.total_upper[0]) == (0.75, np.inf)


def test_resamples_equal_a_loop_over_draws(shaky, labels):
    """Every draw's scores are those of its memberships, its weights, and its imaginary row, one by one."""
    known, mapping = read_labels(labels, pd.RangeIndex(100)), np.array([0, 1])
    few = shaky[:5]
    scored, first, second = resample_draws(few, known, mapping, 7)
    rng = np.random.default_rng(7).spawn(2)[0]
    at, code = rng.integers(100, size=5), np.array([0, 1])[rng.integers(2, size=5)]
    weights = rng.standard_exponential((5, 101))
    weights /= weights.sum(axis=1, keepdims=True)
    for s in range(5):
        log_resp = np.concatenate([few[s], few[s, [at[s]]]])
        odds = np.round(log_resp[:, 1] - log_resp[:, 0], 9)
        rows = rows_of(np.append(labels, code[s]), log_resp, np.stack([-odds, odds], axis=1), mapping, 2)
        alone = score(rows._replace(n_real=100), weights[s])
        for name in set(alone._fields) - {"frequency"}:  # which has an imaginary row in every bin
            np.testing.assert_allclose(getattr(scored, name)[s], getattr(alone, name), atol=1e-12)
    np.testing.assert_array_equal(first, scored.values)
    assert (first[:, 0] != second[:, 0]).any()


def test_more_draws_than_are_scored_are_thinned_evenly(monkeypatch):
    """Slices with a step give the draws that are scored; the estimate uses them all."""
    monkeypatch.setattr("bayesmix.evaluation._resampling.MAX_DRAWS", 25)
    log_resp, labels = simulate(2, draws=100), np.arange(40) % 2
    known = read_labels(labels, pd.RangeIndex(40))
    scored, first, _ = resample_draws(log_resp, known, np.array([0, 1]), 1)
    every, *_ = resample_draws(log_resp[::4], known, np.array([0, 1]), 1)
    assert first.shape == (25, len(SCORES))
    np.testing.assert_array_equal(scored.values, every.values)


def test_reliability_of_two_classes_by_hand():
    """Rows in their bins, what came of them, empty bins NaN."""
    prob = np.array([0.05, 0.05, 0.75, 0.75, 0.75, 0.95])
    log_resp = np.log(np.stack([1 - prob, prob], axis=-1))[None]
    frame = run(log_resp, [0, 1, 1, 1, 0, 1], classes=[0, 1]).reliability
    assert frame["n"].tolist() == [2, 0, 0, 0, 0, 0, 0, 3, 0, 1]
    full = frame[frame["n"] > 0]
    assert full["frequency"].tolist() == pytest.approx([0.5, 2 / 3, 1])
    assert full["probability"].tolist() == pytest.approx([0.05, 0.75, 0.95])
    assert full["lower"].tolist() == pytest.approx([0.0, 0.7, 0.9])
    assert frame[frame["n"] == 0].drop(columns=["lower", "upper", "n"]).isna().all(axis=None)
    assert full.notna().all(axis=None)
    assert (full["rule_eti89_lb"] < full["frequency"]).all()
    # One of one is not certain: half of the imaginary rows are right too, the others weigh uniformly against it.
    assert full.iloc[2]["rule_eti89_lb"] == pytest.approx(0.11, abs=0.03)
    ece = (2 * 0.45 + 3 * (0.75 - 2 / 3) + 0.05) / 6
    table = run(log_resp, [0, 1, 1, 1, 0, 1], classes=[0, 1]).table
    assert table.loc["ece", "estimate"] == pytest.approx(ece)
    low, high = ends(table, "ece", "rule")
    assert low == pytest.approx(max(0.0, 2 * ece - high))


def test_rejection_by_hand():
    """The surest rows first; half of them is a quarter of four."""
    odds = np.array([3.0, -2.0, 1.0, 0.5])
    frame = run(log_sigmoids(odds)[None], [1, 0, 0, 1], classes=[0, 1]).rejection.set_index("kept")
    at = frame["accuracy"].round(12)
    assert at.iloc[[4, 9, 14, 19]].tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4])
    assert at.iloc[12] == pytest.approx(0.5 / 0.65)  # two right rows and 0.6 of the third, which is wrong


def test_mappings_side_by_side(shaky, labels):
    """A declared mapping carries the scores of the best match, marked as optimistic."""
    right, wrong = (run(shaky, labels, classes=classes) for classes in ([0, 1], [1, 0]))
    columns = ["estimate", "rule_eti89_lb", "rule_eti89_ub", "total_eti89_lb", "total_eti89_ub"]
    both = [f"{kind}_{column}" for kind in ("declared", "best_match_optimistic") for column in columns]
    matched = run(shaky, labels)
    assert right.by_mapping.columns.tolist() == wrong.by_mapping.columns.tolist() == both
    assert matched.by_mapping.columns.tolist() == both[5:]
    np.testing.assert_array_equal(matched.by_mapping, matched.table[columns])
    np.testing.assert_array_equal(right.by_mapping[both[5:]], right.by_mapping[both[:5]])
    np.testing.assert_array_equal(wrong.by_mapping[both[:5]], wrong.table[columns])
    best, declared = (wrong.by_mapping.loc["accuracy", f"{k}_estimate"] for k in ("best_match_optimistic", "declared"))
    assert best == pytest.approx(1 - declared)
    assert best == pytest.approx(right.table.loc["accuracy", "estimate"])
    assert right.mapping_probability > 0.95
    assert wrong.mapping_probability == pytest.approx(1 - right.mapping_probability)
    assert matched.mapping_probability == right.mapping_probability


def test_mapping_probability_of_noise_is_that_of_a_coin():
    """Components that say nothing about the classes match either way about equally often."""
    labels = np.arange(60) % 2
    log_resp = log_sigmoids(np.random.default_rng(1).normal(size=(400, 60)))
    assert 0.35 < run(log_resp, labels, classes=[0, 1]).mapping_probability < 0.65


def test_mapping_probability_does_not_ask_about_classes_without_rows():
    """Component 2 is declared a class that no row has: it is not compared."""
    known = read_labels(["a", "b"] * 6, pd.RangeIndex(12), classes=("a", "b", "c"))
    assert mapping_probability(crisp([0, 1] * 6, 3), known, np.array([0, 1, 2]), 1) == 1.0


@pytest.mark.parametrize(("n_components", "n_classes"), [(2, 2), (3, 3), (2, 3), (4, 2)])
def test_weighted_best_match_is_that_of_replicated_rows(n_components, n_classes):
    """Whole weights are as many copies; the weighted accuracy is the best of all mappings."""
    rng = np.random.default_rng(n_components + 10 * n_classes)
    resp = np.exp(simulate(n_components, n=30, draws=1, seed=n_components)[0])
    codes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 30 - n_classes)])
    counts = rng.integers(1, 5, 30)
    copies = np.repeat(np.arange(30), counts)
    found = best_match(resp, codes, n_classes, counts.astype(float))
    assert found.tolist() == best_match(resp[copies], codes[copies], n_classes).tolist()

    def right(mapping: Any) -> float:
        return float(counts[(resp @ np.eye(n_classes)[list(mapping)]).argmax(axis=1) == codes].sum())

    used = min(n_components, n_classes)
    every = [m for m in itertools.product(range(n_classes), repeat=n_components) if len(set(m)) == used]
    assert right(found) == max(map(right, every))


def test_rows_used_in_the_fit_are_not_scored(shaky, labels):
    """They count apart, and everything else is as if they had not been there."""
    left_out, known = np.arange(100) % 4 == 0, labels.astype(object)
    known[[1, 4]] = None
    keep = ~left_out
    result = run(shaky, known, classes=[0, 1], left_out=left_out)
    assert (result.n, result.n_unlabelled, result.n_used_in_fit) == (74, 2, 24)
    rest = run(shaky[:, keep], known[keep], classes=[0, 1])
    pd.testing.assert_frame_equal(result.table, rest.table)
    assert "Rows whose label the fit has used, never scored: 24." in result.text
    assert run(shaky, known, left_out=np.zeros(100, dtype=bool)).n_used_in_fit == 0


def test_a_class_whose_rows_were_all_used_is_left_out():
    """Without a declaration only classes that can be scored are matched."""
    groups = [0, 1, 2, 0, 1, 2]
    result = run(crisp(groups, 3), list("abcabc"), left_out=np.array([False, False, True] * 2))
    assert result.classes == ("a", "b")
    assert set(result.mapping.values()) == {"a", "b"}
    declared = run(crisp(groups, 3), list("abcabc"), classes=list("abc"), left_out=np.array([False, False, True] * 2))
    assert declared.classes == ("a", "b", "c")
    assert declared.mapping_probability == 1.0


@pytest.mark.parametrize(
    ("left_out", "parts"),
    [
        ([1, 0, 0], ["must be 3 booleans", "int64"]),
        ([True], ["must be 3 booleans", "(1,)"]),
        ([False, True, True], ["at least two classes, got 'a' in 1 rows (2 were used)", "Fit with fewer"]),
        ([True, True, True], ["got no class in 0 rows (3 were used)"]),
    ],
)
def test_left_out_refusals(left_out, parts):
    """Every refusal tells the rule, the value and the remedy."""
    text = refusal(crisp([0, 1, 1], 2), ["a", "b", "b"], left_out=np.array(left_out))
    for part in parts:
        assert part in text


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_rule_by_itself_scores_as_the_mean_rule_of_a_single_draw(n_classes):
    """Class probabilities of one draw, given as they are: the same estimates and rule intervals."""
    log_resp = simulate(n_classes, n=50, draws=1)
    labels = np.arange(50) % n_classes
    known = read_labels(labels, pd.RangeIndex(50))
    table = evaluate_rule(log_resp[0], known, ci_prob=0.89, ci_kind="eti", random_seed=1)
    assert table.columns.tolist() == ["estimate", "rule_eti89_lb", "rule_eti89_ub"]
    whole = run(log_resp, labels, classes=list(range(n_classes))).table
    pd.testing.assert_frame_equal(table, whole[table.columns.tolist()])


def test_a_rule_by_itself_can_be_ranked_by_other_log_odds():
    """Rows that are tied by their probabilities are told apart."""
    known = read_labels(["a", "b", "b"], pd.RangeIndex(3))
    options = {"ci_prob": 0.89, "ci_kind": "hdi", "random_seed": 1}
    certain = np.log(np.array([[0.5, 0.5]] * 3))
    assert evaluate_rule(certain, known, **options).loc["roc_auc", "estimate"] == 0.5
    odds = np.array([[1.0, -1.0], [0.0, 0.0], [-1.0, 1.0]])
    assert evaluate_rule(certain, known, log_odds=odds, **options).loc["roc_auc", "estimate"] == 1.0


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"log_prob": np.zeros((2, 2))}, ["`log_prob` must have shape (3, 2)", "got (2, 2)", "known.rows"]),
        ({"log_odds": np.zeros(3)}, ["`log_odds` must have shape (3, 2)", "got (3,)"]),
        ({"log_prob": np.zeros((3, 2))}, ["sum to 1 over the classes", "got probabilities [1.0, 1.0] in row 0"]),
        ({"ci_prob": 2}, ["`ci_prob` must be between 0 and 1, got 2"]),
        ({"ci_kind": "sd"}, ["`ci_kind` must be 'eti' or 'hdi'"]),
    ],
)
def test_refusals_of_a_rule_by_itself(change, parts):
    """Every refusal tells the rule, the value and the remedy."""
    given = {"log_prob": np.log(np.full((3, 2), 0.5)), "ci_prob": 0.89, "ci_kind": "eti", "random_seed": 1} | change
    with pytest.raises(InputError) as caught:
        evaluate_rule(known=read_labels(["a", "b", "b"], pd.RangeIndex(3)), **given)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.slow
def test_interval_covers_the_true_score():
    """Known normal components, new rows each time: accuracy and AUC of the population are covered in about 89 %."""
    rng, hits = np.random.default_rng(11), np.zeros(2)
    truth = np.array([0.8413447460685429, 0.9213503964748575])  # Phi(1), Phi(2 / sqrt 2): means 2 sd apart
    labels = np.arange(80) % 2
    known = read_labels(labels, pd.RangeIndex(80))
    for seed in range(100):
        log_prob = log_sigmoids(2 * (rng.normal(size=80) + 2 * labels - 1))
        table = evaluate_rule(log_prob, known, ci_prob=0.89, ci_kind="eti", random_seed=seed)
        low, high = table.loc[["accuracy", "roc_auc"], ["rule_eti89_lb", "rule_eti89_ub"]].to_numpy().T
        hits += (low <= truth) & (truth <= high)
    assert (np.abs(hits / 100 - 0.89) < 0.09).all()


def test_constants_of_the_coverage_cases():
    """The simulated groups are those of the arm lengths."""
    arms = bm.load_dataset("arm_lengths")
    found = arms.groupby("nlabel")["length"].agg(["mean", "std", "size"]).loc[["child", "adult"]]
    np.testing.assert_allclose(found["mean"], coverage_cases.MEANS, atol=1e-4)
    np.testing.assert_allclose(found["std"], coverage_cases.SDS, atol=1e-4)
    np.testing.assert_allclose(found["size"] / len(arms), coverage_cases.SHARES)


def test_scores_of_the_population_are_those_of_very_many_rows():
    """The quadrature of the coverage cases against a sample of 20,000 rows."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=60) + 3 * (np.arange(60) % 2) + 20
    fit = bm.Mixture(2).fit(y, draws=100, tune=300, cores=1, progressbar=False, random_seed=1)
    exact = pd.Series(coverage_cases.population(fit), SCORES)
    adult = rng.random(20_000) < coverage_cases.SHARES[1]
    means, sds = (np.array(part)[adult.astype(int)] for part in (coverage_cases.MEANS, coverage_cases.SDS))
    new = rng.normal(means, sds)
    found = fit.predict(new)
    second = found["component"].to_numpy() == 1
    prob = np.where(second, found["probability"], 1 - found["probability"])
    assert exact["accuracy"] == pytest.approx((second == adult).mean(), abs=0.012)
    assert exact["brier"] == pytest.approx(np.square(prob - adult).mean(), abs=0.012)


@pytest.mark.slow
def test_coverage_at_fifty_rows():
    """100 simulated samples of 50 rows: 90 % intervals cover what they should, up to simulation error."""
    found = coverage_cases.coverage([coverage_cases.sample(50, number) for number in range(100)])
    assert (found.loc[coverage_cases.TARGETS, "total_covers"] >= 0.88 - 0.07).all()
    assert found.loc[coverage_cases.TARGETS, "rule_covers"].between(0.85 - 0.07, 0.95 + 0.04).all()
