"""Evaluation: labels, mappings, point scores, intervals and the arm lengths of the classic analysis."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn import metrics  # type: ignore[import-untyped]

from bayesmix.errors import InputError
from bayesmix.evaluation import SCORES, Evaluation, _resampling, evaluate
from bayesmix.labels import best_match, read_labels

pytestmark = pytest.mark.filterwarnings("error")

type FloatArray = NDArray[np.float64]

CHILDREN = [24.0, 23.0, 21.0, 15.5, 17.5, 17.5, 19.0, 17.0, 17.0, 27.0]
ADULTS = [24.0, 23.5, 25.5, 22.0, 25.5, 25.5, 24.0, 28.0, 24.5]
AGES = ["child"] * 10 + ["adult"] * 9


def simulate(n_components: int, n: int = 40, draws: int = 60, seed: int = 1) -> FloatArray:
    """Log memberships (draws, n, n_components) that vary around one membership per row."""
    rng = np.random.default_rng(seed)
    raw = 2 * rng.normal(size=(n, n_components)) + 0.7 * rng.normal(size=(draws, n, n_components))
    return np.asarray(raw - np.logaddexp.reduce(raw, axis=-1)[..., None])


def run(log_resp: FloatArray, labels: Any, **options: Any) -> Evaluation:
    """Evaluate with defaults for everything that a case leaves open."""
    index = pd.RangeIndex(log_resp.shape[1])
    defaults: dict[str, Any] = {"index": index, "ci_prob": 0.89, "ci_kind": "eti", "random_seed": 1}
    return evaluate(log_resp, labels, **(defaults | options))


def refusal(log_resp: FloatArray, labels: Any, **options: Any) -> str:
    """Text of the error that these arguments raise."""
    with pytest.raises(InputError) as caught:
        run(log_resp, labels, **options)
    return str(caught.value)


def crisp(groups: list[int], n_components: int) -> FloatArray:
    """One draw that is nearly certain of these groups."""
    raw = np.where(np.eye(n_components)[groups] == 1, 0.0, -20.0)[None]
    return np.asarray(raw - np.logaddexp.reduce(raw, axis=-1)[..., None])


@pytest.fixture(scope="module")
def arm_draws() -> FloatArray:
    """Log memberships of the arm lengths from a K=2 normal mixture: 1000 vectorised Metropolis walkers."""
    y, rng = np.array(CHILDREN + ADULTS), np.random.default_rng(0)
    center, sd = y.mean(), y.std(ddof=1)

    def joint(x: FloatArray) -> FloatArray:  # whitened: two means, two log sds, logit weight
        mu, log_sigma = center + 2 * sd * x[:, :2], np.log(0.4 * sd) + 0.7 * x[:, 2:4]
        z = (y[:, None] - mu[:, None]) / np.exp(log_sigma)[:, None]
        log_w = -np.logaddexp(0, np.column_stack([-x[:, 4], x[:, 4]]))
        return np.asarray(log_w[:, None] - 0.5 * z**2 - log_sigma[:, None])

    def log_density(x: FloatArray) -> FloatArray:
        flat = -np.logaddexp(0, x[:, 4]) - np.logaddexp(0, -x[:, 4])  # uniform weight on the logit scale
        likelihood = np.logaddexp.reduce(joint(x), axis=-1).sum(axis=-1)
        return np.asarray(likelihood + flat - 0.5 * (x[:, :4] ** 2).sum(axis=-1))

    x = 0.5 * rng.normal(size=(1000, 5))
    current, kept = log_density(x), []
    for step in range(1200):
        proposal = x + rng.normal(size=x.shape) * np.array([0.1, 0.1, 0.4, 0.4, 0.6])
        value = log_density(proposal)
        take = np.log(rng.random(1000)) < value - current
        x, current = np.where(take[:, None], proposal, x), np.where(take, value, current)
        if step >= 800 and step % 200 == 199:
            kept.append(x)
    x = np.concatenate(kept)
    swap = x[:, 0] > x[:, 1]
    x[swap] = x[swap][:, [1, 0, 3, 2, 4]] * np.array([1, 1, 1, 1, -1])
    raw = joint(x)
    return np.asarray(raw - np.logaddexp.reduce(raw, axis=-1)[..., None])


def test_arm_lengths(arm_draws: FloatArray) -> None:
    """The known facts: 15 of 19 right, AUC 0.867 by mean log-odds, wide intervals around both."""
    result = run(arm_draws, AGES, classes=["child", "adult"])
    assert result.confusion.to_numpy().tolist() == [[6, 4], [0, 9]]
    estimate = result.table["estimate"]
    assert estimate["accuracy"] == pytest.approx(15 / 19)
    assert estimate["roc_auc"] == pytest.approx(0.867, abs=0.012)
    assert result.positive_class == "adult"
    assert result.mapping == {0: "child", 1: "adult"}
    assert result.base_rate == pytest.approx(10 / 19)
    _, low, high, total_low, total_high, *_ = result.table.loc["accuracy"].to_numpy()
    assert 0.35 < total_low < low < 0.7
    assert 0.85 < high <= total_high < 1
    swapped = run(arm_draws, AGES, classes=["adult", "child"])
    assert swapped.table.loc["accuracy", "estimate"] == pytest.approx(4 / 19)
    assert run(arm_draws, AGES).mapping == result.mapping


@pytest.mark.parametrize("n_classes", [2, 3])
def test_estimates_equal_sklearn_on_the_mean_rule(n_classes: int) -> None:
    """Every estimate is scikit-learn's score of the posterior mean memberships."""
    log_resp = simulate(n_classes, n=80)
    labels = np.random.default_rng(2).integers(0, n_classes, 80)
    result = run(log_resp, labels, classes=list(range(n_classes)))
    prob = np.exp(log_resp).mean(axis=0)
    predicted, estimate = prob.argmax(axis=1), result.table["estimate"]
    wanted = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "log_loss": metrics.log_loss(labels, prob),
        "ari": metrics.adjusted_rand_score(labels, predicted),
        "nmi": metrics.normalized_mutual_info_score(labels, predicted),
    }
    if n_classes == 2:
        odds = (log_resp[..., 1] - log_resp[..., 0]).mean(axis=0)
        wanted["roc_auc"] = wanted["roc_auc_ovo"] = metrics.roc_auc_score(labels, odds)
        wanted["average_precision"] = metrics.average_precision_score(labels, odds)
        wanted["brier"] = metrics.brier_score_loss(labels, prob[:, 1])
    else:
        odds = (log_resp - np.log1p(-np.exp(log_resp))).mean(axis=0)
        one_vs_rest = [metrics.roc_auc_score(labels == k, odds[:, k]) for k in range(3)]
        wanted["roc_auc"] = np.mean(one_vs_rest)
        wanted["average_precision"] = metrics.average_precision_score(labels, odds)
        wanted["brier"] = metrics.brier_score_loss(labels, prob)
    for name, value in wanted.items():
        assert estimate[name] == pytest.approx(value, abs=1e-12), name
    by_class = metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    columns = result.per_class[["precision", "recall", "f1", "support"]].to_numpy()
    np.testing.assert_allclose(columns.T, by_class, atol=1e-12)
    assert result.confusion.to_numpy().tolist() == metrics.confusion_matrix(labels, predicted).tolist()


def test_shape_of_the_result() -> None:
    """Names of rows and columns, intervals in order, short printing."""
    labels = ["a", "b", None, *(["a", "b", "b"] * 12), "a"]
    result = run(simulate(2), labels, ci_prob=0.94, ci_kind="hdi")
    bounds = ["rule_hdi94_lb", "rule_hdi94_ub", "total_hdi94_lb", "total_hdi94_ub"]
    assert result.table.index.tolist() == SCORES
    assert result.table.columns.tolist() == ["estimate", *bounds, "sd_rows", "sd_posterior"]
    parts = ["precision", "recall", "f1", "support"]
    columns = [name for part in parts for name in (part, *(f"{part}_{end}" for end in bounds))]
    assert result.per_class.columns.tolist() == columns
    assert result.per_class["support"].tolist() == [14, 25]
    assert result.roc.columns.tolist() == ["false_positive_rate", "true_positive_rate", *bounds]
    assert result.roc["false_positive_rate"].tolist() == np.linspace(0, 1, 101).tolist()
    assert (result.roc.diff().iloc[1:]["true_positive_rate"] >= 0).all()
    assert result.roc.iloc[-1, 1:].tolist() == [1.0] * 5
    for frame, prefix in ((result.table, ""), (result.per_class, "recall_"), (result.roc, ""), (result.rejection, "")):
        ends = frame[[f"{prefix}{end}" for end in bounds]].to_numpy().T
        assert (ends[2] <= ends[0]).all()
        assert (ends[0] <= ends[1]).all()
        assert (ends[1] <= ends[3]).all()
    assert result.rejection.columns.tolist() == ["kept", "accuracy", *bounds]
    assert result.rejection["kept"].tolist() == pytest.approx(np.arange(1, 21) / 20)
    assert result.rejection["accuracy"].iloc[-1] == pytest.approx(result.table.loc["accuracy", "estimate"])
    assert result.reliability.columns.tolist() == ["lower", "upper", "probability", "frequency", *bounds, "n"]
    assert result.reliability["n"].sum() == result.n
    lower, upper = result.confusion_interval
    assert result.confusion.index.tolist() == ["a", "b"]
    assert result.confusion.index.name == "true"
    assert upper.columns.name == "predicted"
    assert (lower.to_numpy() <= upper.to_numpy()).all()
    assert upper.to_numpy().max() <= result.n
    assert (result.n, result.n_unlabelled, result.classes) == (39, 1, ("a", "b"))
    assert "best match (optimistic)" in repr(result)
    assert len(repr(result)) < 250
    assert "<table" in result._repr_html_()
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.n = 3  # type: ignore[misc]


def test_text_says_what_matters() -> None:
    """The sentences name size, interval, base rate, optimism and rows left out."""
    log_resp, labels = crisp([0, 0, 1, 1, 1, 0], 2), ["<a>", "<a>", "b", "b", "b", None]
    declared = run(log_resp, labels, classes=["<a>", "b"])
    assert "5 of 5 labelled rows" in declared.text
    assert "accuracy 1.00 (89 % ETI 0.66 to 1.00) over posterior draws and rows" in declared.text
    assert "of this rule, over rows alone, 0.66 to 1.00" in declared.text
    assert "right in a share of 0.60, below the wider interval" in declared.text
    assert "the best match in a share of 1.00 of the posterior draws" in declared.text
    assert "the fit has used" not in declared.text
    assert "declared, without use of the labels: component 0 is class <a>" in declared.text
    assert "left out: 1." in declared.text
    assert "optimistic" not in declared.text
    assert "optimistic" in run(log_resp, labels).text
    assert "<a>" not in declared._repr_html_()
    wrong = run(log_resp, ["b", "b", "<a>", "<a>", "<a>", None], classes=["<a>", "b"])
    assert "above the wider interval" in wrong.text
    assert "the best match in a share of 0.00" in wrong.text
    noise = run(simulate(2), np.random.default_rng(5).integers(0, 2, 40), classes=[0, 1])
    assert "inside the wider interval" in noise.text


def test_more_than_two_classes_have_no_roc_or_positive_class() -> None:
    """The frame is empty with the same columns."""
    result = run(simulate(3), np.arange(40) % 3)
    assert result.roc.empty
    assert result.roc.columns.tolist()[:2] == ["false_positive_rate", "true_positive_rate"]
    assert result.positive_class is None


def test_best_match_is_a_permutation_for_as_many_components_as_classes() -> None:
    """K = C: the accuracy is the best of all permutations."""
    log_resp = simulate(4, n=60)
    labels = np.random.default_rng(4).integers(0, 4, 60)
    group = np.exp(log_resp).mean(axis=0).argmax(axis=1)
    best = max((np.array(p)[group] == labels).mean() for p in itertools.permutations(range(4)))
    result = run(log_resp, labels)
    assert sorted(result.mapping.values()) == [0, 1, 2, 3]  # type: ignore[type-var]
    assert result.table.loc["accuracy", "estimate"] == pytest.approx(best)
    assert result.mapping_kind == "best match"


def test_best_match_with_fewer_components_than_classes() -> None:
    """K < C: one-to-one, a class stays without component, its rows are impossible and log_loss says so."""
    labels = ["a"] * 5 + ["b"] * 3 + ["c"] * 4
    result = run(crisp([0] * 5 + [1] * 7, 2), labels)
    assert result.mapping == {0: "a", 1: "c"}
    assert result.table.loc["accuracy", "estimate"] == pytest.approx(9 / 12)
    impossible = result.table.loc[["log_loss", "information"]].to_numpy()
    assert impossible[:, :5].tolist() == [[np.inf] * 5, [-np.inf] * 5]
    assert np.isnan(impossible[:, 5:]).all()
    assert np.isfinite(result.table.drop(index=["log_loss", "information"]).to_numpy()).all()
    assert result.per_class.loc["b", "recall"] == 0
    one = run(crisp([0] * 12, 1), labels, ci_kind="hdi")
    assert one.mapping == {0: "a"}
    assert one.table.loc["roc_auc", "estimate"] == 0.5
    assert list(one.table.loc["log_loss"])[:5] == [np.inf] * 5


def test_best_match_with_more_components_than_classes() -> None:
    """K > C: majority classes, several components a class."""
    result = run(crisp([0] * 4 + [1] * 4 + [2] * 4, 3), ["a"] * 4 + ["b"] * 3 + ["a"] + ["b"] * 4)
    assert result.mapping == {0: "a", 1: "b", 2: "b"}
    assert result.table.loc["accuracy", "estimate"] == pytest.approx(11 / 12)
    # Every component holds mostly "a"; the one with the least of it must stand for "b".
    rare = run(crisp([0] * 4 + [1] * 4 + [2] * 4, 3), ["a"] * 6 + ["b"] + ["a"] * 5)
    assert rare.mapping == {0: "a", 1: "b", 2: "a"}


def test_ties_of_the_best_match_go_to_the_larger_mass() -> None:
    """Component 1 is nowhere the most probable; the class that has more of it gets it."""
    resp = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]])
    assert best_match(resp, np.array([0, 0, 1, 1]), 2).tolist() == [1, 0]
    assert best_match(resp, np.array([1, 1, 0, 0]), 2).tolist() == [0, 1]


@pytest.mark.parametrize("seed", [2, 10, 11, 12, 20, 21])  # here majority classes alone are 1 to 4 rows worse
def test_best_match_of_blurred_memberships(seed: int) -> None:
    """K > C: as many rows right as under the best of all mappings onto all classes."""
    resp = np.exp(simulate(4, n=50, draws=1, seed=seed)[0])
    codes = np.concatenate([[0, 1], np.random.default_rng(seed).integers(0, 2, 48)])

    def right(mapping: tuple[int, ...]) -> int:
        return int(((resp @ np.eye(2)[list(mapping)]).argmax(axis=1) == codes).sum())

    best = max(right(m) for m in itertools.product(range(2), repeat=4) if len(set(m)) == 2)
    assert right(tuple(best_match(resp, codes, 2).tolist())) == best


def test_declared_classes() -> None:
    """Repeats join components, later entries are classes without component, no label moves the mapping."""
    log_resp = crisp([0, 1, 2, 0, 1, 2], 3)
    result = run(log_resp, ["a", "b", "b", "a", "b", "a"], classes=["a", "b", "b"])
    assert result.mapping == {0: "a", 1: "b", 2: "b"}
    assert result.mapping_kind == "declared"
    assert result.table.loc["accuracy", "estimate"] == pytest.approx(5 / 6)
    joined = run(simulate(3), AGES[:10] * 2 + AGES[9:] * 2, classes=["child", "adult", "child"])
    prob = np.exp(simulate(3)).mean(axis=0)[:, 1]
    truth = np.array([age == "adult" for age in AGES[:10] * 2 + AGES[9:] * 2])
    assert joined.table.loc["brier", "estimate"] == pytest.approx(((prob - truth) ** 2).mean(), abs=1e-12)
    more = run(log_resp, ["a", "b", "d", "a", "b", "d"], classes=np.array(["a", "b", "c", "d"]))
    assert more.classes == ("a", "b", "c", "d")
    assert more.table.loc["log_loss", "estimate"] == np.inf
    assert more.table.loc["balanced_accuracy", "estimate"] == pytest.approx(2 / 3)
    assert more.per_class.loc["c", "support"] == 0
    unused = run(log_resp, ["a", "b", "b", "a", "b", "b"], classes=["a", "b", "b", "z"])
    assert np.isfinite(unused.table.to_numpy()).all()
    everything_a = run(log_resp, ["a", "b"] * 3, classes=["a", "a", "a", "b"])
    assert everything_a.table.loc["roc_auc", "estimate"] == 0.5


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", None, "b"],
        ("a", "b", np.nan, "b"),
        np.array(["a", "b", None, "b"], dtype=object),
        pd.Series(["a", "b", pd.NA, "b"], dtype="string"),
        pd.Series(["a", "b", None, "b"]),
        pd.Series(pd.Categorical(["a", "b", None, "b"])),
        pd.Categorical(["a", "b", None, "b"]),
        pd.Index(["a", "b", None, "b"]),
        pd.Series([1, 2, None, 2], dtype="Int64"),
        [1, 2, None, 2],
        np.array([1.0, 2.0, np.nan, 2.0]),
        pd.Series([False, True, None, True], dtype="boolean"),
    ],
)
def test_kinds_of_labels(labels: object) -> None:
    """Every container and every kind of missing value is read alike."""
    result = run(crisp([0, 1, 0, 1], 2), labels)
    assert (result.n, result.n_unlabelled) == (3, 1)
    assert result.confusion.to_numpy().tolist() == [[1, 0], [0, 2]]
    assert not any(isinstance(name, np.generic) for name in result.classes)


def test_order_of_classes() -> None:
    """Sorted, or in category order without categories that do not occur."""
    size = pd.Categorical(["small", "large", "large"], categories=["small", "middle", "large"])
    assert read_labels(pd.Series(size), pd.RangeIndex(3)).classes == ("small", "large")
    assert read_labels(["small", "large", "large"], pd.RangeIndex(3)).classes == ("large", "small")
    codes = read_labels(pd.Series(size), pd.RangeIndex(3), classes=("large", "small")).codes
    assert codes.tolist() == [1, 0, 0]


def test_series_is_aligned_by_index() -> None:
    """The same labels in another order score the same; equal indexes may repeat entries."""
    log_resp, index = crisp([0, 1, 1], 2), pd.Index(["x", "y", "z"])
    shuffled = pd.Series(["b", "a", "b"], index=["z", "x", "y"])
    assert run(log_resp, shuffled, index=index).confusion.to_numpy().tolist() == [[1, 0], [0, 2]]
    category = shuffled.astype("category")
    assert run(log_resp, category, index=index).confusion.to_numpy().tolist() == [[1, 0], [0, 2]]
    twice = pd.Index([7, 7, 8])
    assert run(log_resp, pd.Series(["a", "b", "b"], index=twice), index=twice).n == 3


def test_alignment_refusals() -> None:
    """An index that does not fit names examples and the remedy."""
    log_resp, index = crisp([0, 1, 1], 2), pd.Index(["x", "y", "z"])
    text = refusal(log_resp, pd.Series(["a", "b", "b", "a"], index=["x", "y", "q", "r"]), index=index)
    assert "got 4 labels for 3 rows: rows without an entry: 1 ('z')" in text
    assert "entries without a row: 2 ('q', 'r')" in text
    assert "labels.to_numpy()" in text
    text = refusal(log_resp, pd.Series(["a", "b"], index=["x", "y"]), index=index)
    assert "without a row" not in text
    text = refusal(log_resp, pd.Series(["a", "b", "b"], index=["x", "y", "y"]), index=index)
    assert "an index of the labels with repeated 'y'" in text
    repeated = pd.Index(["x", "x", "z"])
    text = refusal(log_resp, pd.Series(["a", "b", "b"], index=["x", "z", "y"]), index=repeated)
    assert "an index of the data with repeated 'x'" in text
    text = refusal(log_resp, ["a", "b"])
    assert "the data have 3 rows, got 2 labels" in text


@pytest.mark.parametrize(
    ("labels", "options", "parts"),
    [
        ([None, None, np.nan], {}, ["between 2 and 100 classes", "no label in any row"]),
        (["a", None, "a"], {}, ["only 'a' in 2 labelled rows"]),
        (["a", 1, "b"], {}, ["of one kind", "got 'a', 1, 'b'", "classes=["]),
        ([["a"], ["b"], ["a"]], {}, ["hashable", "got ['a'] in row 0"]),
        ("abb", {}, ["one-dimensional", "got str"]),
        (3, {}, ["one-dimensional", "got int"]),
        (np.ones((3, 2)), {}, ["one-dimensional", "got ndarray(3, 2)"]),
        (pd.DataFrame({"a": [1, 2, 3]}), {}, ["got DataFrame(3, 1)", "frame['species']"]),
        (["a", "c", "b"], {"classes": ["a", "b"]}, ["classes=['a', 'b']", "got 'c' in row 1 (position 1)"]),
        (["a", "b", "b"], {"classes": ["a"]}, ["for 2 components, got 1 ('a')", "['a', 'b', 'b']"]),
        (["a", "b", "b"], {"classes": "ab"}, ["got 'ab'"]),
        (["a", "b", "b"], {"classes": {"a", "b"}}, ["in component order", "got {"]),
        (["a", "b", "b"], {"classes": 2}, ["got 2. Repeat"]),
        (["a", "b", "b"], {"classes": ["a", None]}, ["got ['a', None]"]),
        (["a", "b", "b"], {"classes": [["a"], ["b"]]}, ["got [['a'], ['b']]"]),
        (["a", "b", "b"], {"ci_prob": 89}, ["`ci_prob` must be between 0 and 1, got 89"]),
        (["a", "b", "b"], {"ci_prob": float("nan")}, ["got nan"]),
        (["a", "b", "b"], {"ci_prob": "0.89"}, ["got '0.89'"]),
        (["a", "b", "b"], {"ci_kind": "sd"}, ["'eti' or 'hdi', got 'sd'"]),
        (["a", "b", "b"], {"index": pd.RangeIndex(4)}, ["with 4 rows", "got (1, 3, 2)"]),
    ],
)
def test_refusals(labels: object, options: dict[str, Any], parts: list[str]) -> None:
    """Every refusal tells the rule, the value and the remedy."""
    text = refusal(crisp([0, 1, 1], 2), labels, **options)
    for part in parts:
        assert part in text


def test_label_not_among_classes_names_its_row() -> None:
    """The row is named by the index of the data, not of the labels."""
    index = pd.Index(["x", "y", "z"])
    labels = pd.Series(["c", "a", "b"], index=["z", "x", "y"])
    text = refusal(crisp([0, 1, 1], 2), labels, index=index, classes=["a", "b"])
    assert "got 'c' in row 'z' (position 2)" in text


def test_measurements_are_not_classes() -> None:
    """A column of numbers that are all different is refused."""
    text = refusal(simulate(2, n=150), np.random.default_rng(1).normal(size=150))
    assert "got 150 different values" in text


def test_memberships_must_be_logarithms_of_probabilities() -> None:
    """Probabilities, unnormalised densities and NaN are refused with their row."""
    log_resp, labels = simulate(2, n=3), ["a", "b", "b"]
    for wrong in (np.exp(log_resp), log_resp - 1, log_resp + 1e4):
        assert "sum to 1 over the components" in refusal(wrong, labels)
    broken = log_resp.copy()
    broken[0, 2, 0] = np.nan
    assert "got probabilities [nan, 0.297" in refusal(broken, labels)
    assert "in row 2. Subtract" in refusal(broken, labels)
    assert "got (3, 2)" in refusal(log_resp[0], labels, index=pd.RangeIndex(3))


@pytest.mark.parametrize("floor", [-1e4, -np.inf])
def test_saturated_memberships(floor: float) -> None:
    """Saturated rows keep finite scores; only an impossible true class makes the log-loss infinite."""
    log_resp = np.zeros((20, 6, 2))
    log_resp[:, [0, 1, 2], 1] = floor
    log_resp[:, [3, 4, 5], 0] = floor
    right = run(log_resp, list("aaabbb"), classes=["a", "b"])
    perfect = dict.fromkeys(SCORES, 1.0) | {"brier": 0.0, "log_loss": 0.0, "ece": 0.0, "information": np.log(2)}
    assert right.table["estimate"].to_dict() == pytest.approx(perfect, abs=1e-12)
    wrong = run(log_resp, list("aabbbb"), classes=["a", "b"])
    assert wrong.table.loc["log_loss", "estimate"] == pytest.approx(-floor / 6)
    assert wrong.table.loc["roc_auc", "estimate"] == pytest.approx(0.5 * 0.25 + 0.75)
    assert np.isfinite(wrong.table.drop(index=["log_loss", "information"]).to_numpy()).all()


def test_auc_ranks_by_mean_log_odds_not_by_mean_probability() -> None:
    """Two rows that saturate at probability 1 keep the order of their log-odds."""
    log_resp = np.zeros((10, 3, 2))
    log_resp[:, 0, 1], log_resp[:, 1, 0], log_resp[:, 2, 0] = -50.0, -60.0, -90.0
    result = run(log_resp, ["b", "a", "b"], classes=["a", "b"])
    assert result.table.loc["roc_auc", "estimate"] == 0.5
    certain = np.zeros((3, 3, 2))
    certain[:2, 0, 0] = certain[2, 0, 1] = certain[:, 1, 1] = certain[:, 2, 1] = -np.inf
    certain[:, 2] = np.log(0.5)
    votes = run(certain, ["b", "a", "a"], classes=["a", "b"])  # two draws of three are certain of "b"
    assert votes.table.loc["roc_auc", "estimate"] == 1.0


def test_equal_rows_tie_although_their_last_bits_differ() -> None:
    """Rounding noise between equal rows is not a ranking."""
    log_resp = np.repeat(simulate(2, n=1), 4, axis=1)
    log_resp[:, 2:] *= 1 + 4e-16
    result = run(log_resp, ["a", "a", "b", "b"], classes=["a", "b"])
    assert result.table.loc["roc_auc", "estimate"] == 0.5
    assert result.table.loc["roc_auc", "sd_rows"] == 0


def test_seed_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed gives the same numbers for any size of blocks; another seed gives others."""
    log_resp, labels = simulate(3), [None, *(np.arange(39) % 3)]
    log_resp.flags.writeable = False
    first, again, other = (run(log_resp, labels, random_seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    assert (first.table["estimate"] == other.table["estimate"]).all()
    assert (first.table["total_eti89_lb"] != other.table["total_eti89_lb"]).any()
    monkeypatch.setattr(_resampling, "MAX_DOUBLES", 3000)
    small = run(log_resp, labels)
    for name in ("table", "per_class", "reliability", "rejection", "by_mapping"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(small, name), rtol=1e-10, atol=1e-12)
    assert first.mapping_probability == small.mapping_probability


def test_unlabelled_rows_do_not_count() -> None:
    """Leaving labels out is the same as leaving rows out."""
    log_resp = simulate(2)
    labels: list[int | None] = [k % 2 if k % 3 else None for k in range(40)]
    known = [k for k in range(40) if k % 3]
    part = run(log_resp[:, known], [labels[k] for k in known])
    pd.testing.assert_frame_equal(run(log_resp, labels).table, part.table, check_exact=True)


@pytest.mark.parametrize("ci_prob", [0.29, 0.5, 0.57, 0.89, 0.94, 0.95])
def test_names_of_bounds(ci_prob: float) -> None:
    """Column names carry the whole percentage."""
    table = run(crisp([0, 1, 1], 2), ["a", "b", "b"], ci_prob=ci_prob).table
    assert table.columns[[1, 4]].tolist() == [
        f"rule_eti{round(100 * ci_prob)}_lb",
        f"total_eti{round(100 * ci_prob)}_ub",
    ]
