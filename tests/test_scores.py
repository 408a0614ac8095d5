"""Scores against scikit-learn (equal weights), against replicated rows (unequal weights) and by hand."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn import metrics  # type: ignore[import-untyped]
from sklearn.calibration import calibration_curve  # type: ignore[import-untyped]

from bayesmix import scores

pytestmark = pytest.mark.filterwarnings("error")

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.intp]

CASES = [(2, 2, 0), (2, 3, 1), (3, 3, 2), (3, 2, 3), (4, 4, 4), (4, 6, 5), (2, 1, 6)]


def simulate(n_classes: int, n_groups: int, seed: int, n: int = 60) -> tuple[IntArray, IntArray, FloatArray]:
    """Labels with every class, groups, and log probabilities with ties (few distinct rows)."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    groups = rng.integers(0, n_groups, n)
    prob = rng.dirichlet(np.ones(n_classes), size=25)[rng.integers(0, 25, n)]
    return labels, groups, np.log(prob)


def equal(n: int) -> FloatArray:
    """Equal weights."""
    return np.full(n, 1 / n)


def close(actual: ArrayLike, expected: ArrayLike) -> None:
    """Agreement to 1e-12."""
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n_classes", "n_groups", "seed"), CASES)
def test_confusion_scores_equal_sklearn(n_classes: int, n_groups: int, seed: int) -> None:
    """Accuracy, balanced accuracy, confusion matrix and the scores per class."""
    labels, _, log_prob = simulate(n_classes, n_groups, seed)
    predicted = log_prob.argmax(axis=1)
    confusion = scores.contingency_table(labels, predicted, equal(60), (n_classes, n_classes))
    close(confusion * 60, metrics.confusion_matrix(labels, predicted))
    close(scores.accuracy(confusion), metrics.accuracy_score(labels, predicted))
    close(scores.balanced_accuracy(confusion), metrics.balanced_accuracy_score(labels, predicted))
    expected = metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    by_class = scores.class_scores(confusion * 60)
    for actual, wanted in zip(by_class, expected, strict=True):
        close(actual, wanted)


def test_class_without_predictions_or_rows() -> None:
    """Undefined ratios are 0, and a class without rows stays out of the balanced accuracy."""
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 2])
    confusion = scores.contingency_table(labels, predicted, equal(4), (3, 3))
    expected = metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    for actual, wanted in zip(scores.class_scores(confusion * 4), expected, strict=True):
        close(actual, wanted)
    close(scores.balanced_accuracy(confusion), 0.5)


@pytest.mark.parametrize(("n_classes", "n_groups", "seed"), CASES)
def test_probability_scores_equal_sklearn(n_classes: int, n_groups: int, seed: int) -> None:
    """Brier score, log-loss and (macro) AUC."""
    labels, _, log_prob = simulate(n_classes, n_groups, seed)
    prob, weights = np.exp(log_prob), equal(60)
    close(scores.log_loss(labels, log_prob, weights), metrics.log_loss(labels, prob))
    log_odds = scores.one_vs_rest_log_odds(log_prob)
    if n_classes == 2:
        close(scores.brier_score(labels, log_prob, weights), metrics.brier_score_loss(labels, prob[:, 1]))
        auc = scores.roc_auc(labels == 1, log_odds[:, 1], weights)
        close(auc, metrics.roc_auc_score(labels, prob[:, 1]))
        close(scores.macro_roc_auc(labels, log_odds, weights), auc)
    else:
        close(scores.brier_score(labels, log_prob, weights), metrics.brier_score_loss(labels, prob))
        wanted = metrics.roc_auc_score(labels, prob, multi_class="ovr", average="macro")
        close(scores.macro_roc_auc(labels, log_odds, weights), wanted)


@pytest.mark.parametrize(("n_classes", "n_groups", "seed"), CASES)
def test_clustering_scores_equal_sklearn(n_classes: int, n_groups: int, seed: int) -> None:
    """Adjusted Rand index and normalised mutual information."""
    labels, groups, _ = simulate(n_classes, n_groups, seed)
    shape, weights = (n_classes, n_groups), equal(60)
    ari = scores.adjusted_rand_index(labels, groups, weights, shape)
    nmi = scores.normalized_mutual_information(scores.contingency_table(labels, groups, weights, shape))
    close(ari, metrics.adjusted_rand_score(labels, groups))
    close(nmi, metrics.normalized_mutual_info_score(labels, groups))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0, 0, 0], [0, 0, 0]),  # both one group
        ([0, 0, 0], [0, 1, 2]),
        ([0, 1, 2], [0, 1, 2]),  # both all single rows
        ([0, 1, 2], [2, 0, 1]),
        ([0, 0, 1], [1, 1, 0]),
        ([0, 0, 1, 1], [0, 1, 0, 1]),
    ],
)
def test_degenerate_groupings_equal_sklearn(first: list[int], second: list[int]) -> None:
    """Where the formulas are 0 / 0 the conventions are scikit-learn's."""
    a, b, weights = np.array(first), np.array(second), equal(len(first))
    close(scores.adjusted_rand_index(a, b, weights, (3, 3)), metrics.adjusted_rand_score(a, b))
    nmi = scores.normalized_mutual_information(scores.contingency_table(a, b, weights, (3, 3)))
    close(nmi, metrics.normalized_mutual_info_score(a, b))


@pytest.mark.parametrize("seed", range(5))
def test_roc_equals_sklearn(seed: int) -> None:
    """ROC points, area and height on a grid, with ties and unequal weights."""
    rng = np.random.default_rng(seed)
    labels = np.array([0, 1, *rng.integers(0, 2, 30)])
    score, weights = rng.integers(0, 8, 32).astype(float), rng.dirichlet(np.ones(32))
    x, y, _ = metrics.roc_curve(labels, score, sample_weight=weights, drop_intermediate=False)
    false, true = scores.roc_curve(labels == 1, score, weights)
    points = np.unique(np.round(np.column_stack([false, true]), 12), axis=0)
    close(points, np.unique(np.round(np.column_stack([x, y]), 12), axis=0))
    wanted = metrics.roc_auc_score(labels, score, sample_weight=weights)
    close(scores.roc_auc(labels == 1, score, weights), wanted)


@pytest.mark.parametrize("seed", range(5))
def test_weighted_scores_equal_sklearn(seed: int) -> None:
    """Unequal weights, where scikit-learn knows them."""
    labels, _, log_prob = simulate(3, 3, seed)
    weights, predicted = np.random.default_rng(seed).dirichlet(np.ones(60)), log_prob.argmax(axis=1)
    confusion = scores.contingency_table(labels, predicted, weights, (3, 3))
    close(scores.accuracy(confusion), metrics.accuracy_score(labels, predicted, sample_weight=weights))
    wanted = metrics.balanced_accuracy_score(labels, predicted, sample_weight=weights)
    close(scores.balanced_accuracy(confusion), wanted)
    prob = np.exp(log_prob)
    close(scores.log_loss(labels, log_prob, weights), metrics.log_loss(labels, prob, sample_weight=weights))
    wanted = metrics.brier_score_loss(labels, prob, sample_weight=weights)
    close(scores.brier_score(labels, log_prob, weights), wanted)
    log_odds = scores.one_vs_rest_log_odds(log_prob)
    wanted = metrics.roc_auc_score(labels, prob, multi_class="ovr", sample_weight=weights)
    close(scores.macro_roc_auc(labels, log_odds, weights), wanted)


def test_weighted_ari_and_nmi() -> None:
    """The weighted pairs by brute force; NMI is that of replicated rows."""
    labels, groups, _ = simulate(3, 4, 8, n=15)
    counts = np.random.default_rng(8).integers(1, 5, 15)
    w = counts / counts.sum()
    pair = np.triu(np.outer(w, w), 1)
    same_a, same_b = labels[:, None] == labels, groups[:, None] == groups
    both, a, b = (pair * same_a * same_b).sum(), (pair * same_a).sum(), (pair * same_b).sum()
    wanted = (both - a * b / pair.sum()) / ((a + b) / 2 - a * b / pair.sum())
    close(scores.adjusted_rand_index(labels, groups, w, (3, 4)), wanted)
    nmi = scores.normalized_mutual_information(scores.contingency_table(labels, groups, w, (3, 4)))
    wanted = metrics.normalized_mutual_info_score(np.repeat(labels, counts), np.repeat(groups, counts))
    close(nmi, wanted)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_leading_draws_equal_single_draws(n_classes: int) -> None:
    """(S, n) inputs give what S separate calls give."""
    rng = np.random.default_rng(3)
    labels, _, _ = simulate(n_classes, 3, 3)
    log_prob = np.log(rng.dirichlet(np.ones(n_classes), size=(5, 60)))
    weights, groups = rng.dirichlet(np.ones(60), size=5), rng.integers(0, 3, (5, 60))
    shape, odds = (n_classes, 3), scores.one_vs_rest_log_odds(log_prob)
    tables = scores.contingency_table(labels, groups, weights, shape)
    square = np.pad(tables, ((0, 0), (0, 3 - n_classes), (0, 0)))
    together = {
        "accuracy": scores.accuracy(square),
        "balanced": scores.balanced_accuracy(square),
        "f1": scores.class_scores(square).f1,
        "auc": scores.macro_roc_auc(labels, odds, weights),
        "brier": scores.brier_score(labels, log_prob, weights),
        "log_loss": scores.log_loss(labels, log_prob, weights),
        "ari": scores.adjusted_rand_index(labels, groups, weights, shape),
        "nmi": scores.normalized_mutual_information(tables),
    }
    for s in range(5):
        w, one = weights[s], {}
        table = scores.contingency_table(labels, groups[s], w, shape)
        close(tables[s], table)
        one["accuracy"] = scores.accuracy(square[s])
        one["balanced"] = scores.balanced_accuracy(square[s])
        one["f1"] = scores.class_scores(square[s]).f1
        one["auc"] = scores.macro_roc_auc(labels, odds[s], w)
        one["brier"] = scores.brier_score(labels, log_prob[s], w)
        one["log_loss"] = scores.log_loss(labels, log_prob[s], w)
        one["ari"] = scores.adjusted_rand_index(labels, groups[s], w, shape)
        one["nmi"] = scores.normalized_mutual_information(table)
        for name, value in one.items():
            close(together[name][s], value)


def test_saturated_rows_keep_their_order() -> None:
    """Log-odds of ±1e4 and of certain rows rank, and the log-loss is finite as long as log p is."""
    log_prob = np.array([[0.0, -1e4], [0.0, -2e4], [-1e4, 0.0], [-np.inf, 0.0], [0.0, -np.inf]])
    log_odds = scores.one_vs_rest_log_odds(log_prob)[:, 1]
    assert log_odds.tolist() == [-1e4, -2e4, 1e4, np.inf, -np.inf]
    labels = np.array([1, 0, 1, 1, 0])
    assert scores.roc_auc(labels == 1, log_odds, equal(5)) == 1.0
    close(scores.log_loss(labels, log_prob, equal(5)), 2000.0)
    assert scores.log_loss(1 - labels, log_prob, equal(5)) == np.inf
    three = np.array([[0.0, -800.0, -900.0], [-700.0, -1e-300, -1e4]])
    close(scores.one_vs_rest_log_odds(three)[:, 0], [800.0, -700.0])


def test_hand_computed_values() -> None:
    """Small cases by hand: one tie is worth one half; infinities tie; an absent class has no AUC."""
    positive, weights = np.array([True, True, False, False]), np.array([0.1, 0.4, 0.3, 0.2])
    close(scores.roc_auc(positive, np.array([3.0, 1.0, 1.0, 0.0]), weights), 0.2 + 0.8 * (0.6 / 2 + 0.4))
    close(scores.roc_auc(positive, np.full(4, np.inf), weights), 0.5)
    assert np.isnan(scores.roc_auc(np.zeros(4, dtype=bool), np.arange(4.0), weights))
    log_prob = np.log([[0.5, 0.5], [0.2, 0.8]])
    close(scores.brier_score(np.array([0, 1]), log_prob, np.array([0.75, 0.25])), 0.75 * 0.25 + 0.25 * 0.04)
    loss = scores.log_loss(np.array([0, 1]), log_prob, np.array([0.75, 0.25]))
    close(loss, 0.75 * np.log(2) - 0.25 * np.log(0.8))
    zero_weight = scores.log_loss(np.array([0, 1]), np.array([[0.0, -np.inf]] * 2), np.array([1.0, 0.0]))
    assert zero_weight == 0.0


def untied(n_classes: int, seed: int, n: int = 60) -> tuple[IntArray, FloatArray, FloatArray]:
    """Labels with every class, log probabilities without ties, and unequal weights."""
    rng = np.random.default_rng([7, seed])
    labels = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    prob = rng.dirichlet(np.ones(n_classes) + 2 * np.eye(n_classes)[seed % n_classes], size=n)
    return labels, np.log(prob), rng.dirichlet(np.ones(n))


@pytest.mark.parametrize(("n_classes", "seed"), [(3, 0), (3, 1), (4, 2), (6, 3)])
def test_one_vs_one_equals_sklearn(n_classes: int, seed: int) -> None:
    """Hand and Till's M; with weights it is the mean of scikit-learn's pairs, which it does not offer itself."""
    labels, log_prob, weights = untied(n_classes, seed)
    prob, odds = np.exp(log_prob), scores.one_vs_rest_log_odds(log_prob)
    wanted = metrics.roc_auc_score(labels, prob, multi_class="ovo", average="macro")
    close(scores.one_vs_one_roc_auc(labels, odds, equal(60)), wanted)
    pairs = []
    for a in range(n_classes):
        for b in set(range(n_classes)) - {a}:
            part = np.isin(labels, [a, b])
            pairs.append(metrics.roc_auc_score(labels[part] == a, prob[part, a], sample_weight=weights[part]))
    close(scores.one_vs_one_roc_auc(labels, odds, weights), np.mean(pairs))


def test_one_vs_one_counts_ties_as_half_and_absent_classes_not_at_all() -> None:
    """By hand: classes 0 and 2 of three, one tie in either column."""
    labels = np.array([0, 0, 2])
    odds = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    close(scores.one_vs_one_roc_auc(labels, odds, equal(3)), 0.75)  # (1 + 1/2) / 2 in both directions
    two = np.array([[1.0, -1.0], [0.0, 0.0], [0.0, 0.0]])
    assert scores.one_vs_one_roc_auc(np.array([0, 0, 1]), two, equal(3)) == 0.75


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_equals_sklearn(seed: int) -> None:
    """Two classes and more, with ties, with weights."""
    rng = np.random.default_rng(seed)
    labels = np.array([0, 1, *rng.integers(0, 2, 30)])
    score, weights = rng.integers(0, 8, 32).astype(float), rng.dirichlet(np.ones(32))
    close(scores.average_precision(labels == 1, score, equal(32)), metrics.average_precision_score(labels, score))
    wanted = metrics.average_precision_score(labels, score, sample_weight=weights)
    close(scores.average_precision(labels == 1, score, weights), wanted)
    odds = np.stack([-score, score], axis=-1)
    close(scores.macro_average_precision(labels, odds, weights), wanted)
    many, _, log_prob = simulate(4, 4, seed)
    weights = rng.dirichlet(np.ones(60))
    odds = scores.one_vs_rest_log_odds(log_prob)
    wanted = metrics.average_precision_score(many, np.exp(log_prob), average="macro", sample_weight=weights)
    close(scores.macro_average_precision(many, odds, weights), wanted)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_sort_gives_what_each_score_gives(n_classes: int) -> None:
    """`rank_scores` against its neighbours, and against the area of a curve."""
    labels, log_prob, weights = untied(n_classes, 5)
    odds = scores.one_vs_rest_log_odds(log_prob)
    found = scores.rank_scores(labels, odds, weights)
    areas = [scores.roc_auc(labels == k, odds[:, k], weights) for k in range(n_classes)]
    precisions = [scores.average_precision(labels == k, odds[:, k], weights) for k in range(n_classes)]
    close(found.roc_auc, np.mean(areas))
    close(found.average_precision, precisions[1] if n_classes == 2 else np.mean(precisions))
    close(found.roc_auc_ovo, scores.one_vs_one_roc_auc(labels, odds, weights))


@pytest.mark.parametrize("seed", range(4))
def test_reliability_equals_sklearn(seed: int) -> None:
    """Two classes by the positive one, three by the predicted one; edges belong to the bin below."""
    labels, log_prob, weights = untied(2 + seed % 2, seed)
    event, probability = scores.forecast(labels, log_prob)
    curve = scores.reliability_curve(event, probability, equal(60), 5)
    frequency, mean = calibration_curve(event, probability, n_bins=5)
    full = curve.share > 0
    close(curve.frequency[full], frequency)
    close(curve.probability[full], mean)
    assert np.isnan(curve.frequency[~full]).all()
    place = np.minimum(np.ceil(probability * 5).astype(int) - 1, 4)
    wanted = sum(abs((weights * (event - probability))[place == b].sum()) for b in range(5))
    close(scores.calibration_error(scores.reliability_curve(event, probability, weights, 5)), wanted)
    on_edges = scores.reliability_curve(np.ones(3, dtype=bool), np.array([0.0, 0.2, 1.0]), equal(3), 5)
    close(on_edges.share, [2 / 3, 0, 0, 0, 1 / 3])


def test_a_calibrated_forecast_has_no_calibration_error() -> None:
    """By hand: 0.25 comes true for a quarter of the weight."""
    event, probability = np.array([True, False, False, False]), np.full(4, 0.25)
    assert scores.calibration_error(scores.reliability_curve(event, probability, equal(4))) == 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_information_and_sharpness_by_entropies(n_classes: int) -> None:
    """Entropies as SciPy counts them; log loss as scikit-learn does."""
    labels, log_prob, weights = untied(n_classes, 2)
    prob, share = np.exp(log_prob), np.bincount(labels, weights)
    loss = metrics.log_loss(labels, prob, sample_weight=weights)
    close(scores.information_gain(labels, log_prob, weights), stats.entropy(share) - loss)
    mean = (weights * stats.entropy(prob, axis=1)).sum()
    close(scores.sharpness(log_prob, weights), 1 - mean / np.log(n_classes))
    stated = np.log(np.broadcast_to(share, prob.shape))
    close(scores.information_gain(labels, stated, weights), 0)
    close(scores.sharpness(np.log(np.full((4, n_classes), 1 / n_classes)), equal(4)), 0)
    certain = np.where(np.eye(n_classes)[labels] == 1, 0.0, -np.inf)
    assert scores.sharpness(certain, weights) == 1
    close(scores.information_gain(labels, certain, weights), stats.entropy(share))
    assert scores.information_gain((labels + 1) % n_classes, certain, weights) == -np.inf


@pytest.mark.parametrize("ties", [False, True])
def test_rejection_by_brute_force(ties: bool) -> None:
    """The accuracy among the rows at least as sure as each row, and its mean over the rows."""
    rng = np.random.default_rng(4)
    right, weights = rng.random(40) < 0.7, rng.dirichlet(np.ones(40))
    sure = rng.integers(0, 6, 40).astype(float) if ties else rng.normal(size=40)
    kept, good = scores.rejection_curve(right, sure, weights)
    above = sure >= sure[:, None]
    accuracies = (above * weights * right).sum(axis=1) / (above * weights).sum(axis=1)
    close(scores.rejection_area(kept, good), (weights * accuracies).sum())
    points = np.unique(np.round(np.column_stack([kept, good]), 12), axis=0)
    wanted = np.column_stack([(above * weights).sum(axis=1), (above * weights * right).sum(axis=1)])
    close(points[1:], np.unique(np.round(wanted, 12), axis=0))
    close([kept[0], good[0], kept[-1], good[-1]], [0, 0, 1, (weights * right).sum()])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_leading_draws_of_labels_equal_single_draws(n_classes: int) -> None:
    """Scores of five draws with labels, probabilities and weights of their own, one after the other."""
    rng = np.random.default_rng(6)
    labels = np.stack([rng.permutation(np.arange(30) % n_classes) for _ in range(5)])
    log_prob = np.log(rng.dirichlet(np.ones(n_classes), size=(5, 30)))
    weights, odds = rng.dirichlet(np.ones(30), size=5), scores.one_vs_rest_log_odds(log_prob)

    def everything(y: IntArray, values: FloatArray, ranks: FloatArray, w: FloatArray) -> list[FloatArray]:
        event, probability = scores.forecast(y, values)
        reliability = scores.reliability_curve(event, probability, w)
        kept, good = scores.rejection_curve(values.argmax(axis=-1) == y, values.max(axis=-1), w)
        return [
            *scores.rank_scores(y, ranks, w),
            scores.brier_score(y, values, w),
            scores.log_loss(y, values, w),
            scores.information_gain(y, values, w),
            scores.sharpness(values, w),
            *reliability,
            scores.calibration_error(reliability),
            kept,
            scores.rejection_area(kept, good),
        ]

    together = everything(labels, log_prob, odds, weights)
    for s in range(5):
        for many, one in zip(together, everything(labels[s], log_prob[s], odds[s], weights[s]), strict=True):
            close(many[s], one)
    shared = scores.log_loss(labels, log_prob[0], weights)  # one rule, labels of every draw
    close(shared, [scores.log_loss(labels[s], log_prob[0], weights[s]) for s in range(5)])


def test_arguments_are_not_changed() -> None:
    """Every function leaves its arrays alone."""
    labels, groups, log_prob = simulate(3, 3, 1)
    weights = equal(60)
    frozen = (labels, groups, log_prob, weights)
    for array in frozen:
        array.flags.writeable = False
    scores.rank_scores(labels, scores.one_vs_rest_log_odds(log_prob), weights)
    scores.reliability_curve(*scores.forecast(labels, log_prob), weights)
    scores.information_gain(labels, log_prob, weights)
    scores.sharpness(log_prob, weights)
    scores.rejection_curve(labels == groups, log_prob[:, 0], weights)
    scores.brier_score(labels, log_prob, weights)
    scores.log_loss(labels, log_prob, weights)
    scores.adjusted_rand_index(labels, groups, weights, (3, 3))
    table = scores.contingency_table(labels, groups, weights, (3, 3))
    table.flags.writeable = False
    scores.class_scores(table)
    scores.balanced_accuracy(table)
    scores.normalized_mutual_information(table)
