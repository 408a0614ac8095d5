"""All scores of one grouping under given row weights, or of many groupings under many."""

from itertools import repeat
from typing import NamedTuple

import numpy as np

from bayesmix import scores
from bayesmix.labels import class_log_prob
from bayesmix.scores import FloatArray, IntArray

__all__ = ["BINS", "KEPT_GRID", "ROC_GRID", "SCORES", "Rows", "Scored", "rows_of", "score"]

SCORES = [
    "accuracy",
    "balanced_accuracy",
    "roc_auc",
    "roc_auc_ovo",
    "average_precision",
    "rejection_area",
    "brier",
    "log_loss",
    "information",
    "sharpness",
    "ece",
    "ari",
    "nmi",
]
ROC_GRID = np.linspace(0.0, 1.0, 101)
KEPT_GRID = np.linspace(0.05, 1.0, 20)
BINS = 10


class Rows(NamedTuple):
    """Rows to be scored, with or without a leading axis of draws.

    `truth` (…, n) and `group` (…, n) are codes of class and component, `log_prob` and `log_odds` (…, n, C)
    belong to the classes; the first `n_real` rows are observed, a further one is imaginary.
    """

    truth: IntArray
    group: IntArray
    log_prob: FloatArray
    log_odds: FloatArray
    n_groups: int
    n_real: int


class Scored(NamedTuple):
    """Scores (…, 13), confusion in rows (…, C, C), and the heights of three curves on their grids.

    `frequency` and `share` (…, 10) are those of the bins of a reliability curve, of the observed rows alone.
    """

    values: FloatArray
    confusion: FloatArray
    roc: FloatArray
    kept: FloatArray
    frequency: FloatArray
    share: FloatArray


def rows_of(truth: IntArray, log_resp: FloatArray, log_odds: FloatArray, mapping: IntArray, n_classes: int) -> Rows:
    """Read memberships (…, n, K) as rows of classes, ranked by `log_odds` (…, n, C)."""
    log_prob = class_log_prob(log_resp, mapping, n_classes)
    return Rows(truth, log_resp.argmax(axis=-1), log_prob, log_odds, mapping.size, truth.size)


def score(rows: Rows, weights: FloatArray) -> Scored:
    """Score rows under weights (…, n) that sum to 1; the imaginary row stays out of the scores without bounds."""
    truth, log_prob, n_classes = rows.truth, rows.log_prob, rows.log_prob.shape[-1]
    predicted = log_prob.argmax(axis=-1)
    table = scores.contingency_table(truth, predicted, weights, (n_classes, n_classes))
    groups = (n_classes, rows.n_groups)
    ranks, roc = _ranks(rows, weights)
    sure = np.take_along_axis(rows.log_odds, predicted[..., np.newaxis], axis=-1)[..., 0]
    kept, right = scores.rejection_curve(predicted == truth, sure, weights)
    event, probability = scores.forecast(truth, log_prob)
    reliability = scores.reliability_curve(event, probability, weights, BINS)
    real = np.where(np.arange(weights.shape[-1]) < rows.n_real, weights, 0.0)
    real /= real.sum(axis=-1, keepdims=True)
    values = {
        "accuracy": scores.accuracy(table),
        "balanced_accuracy": scores.balanced_accuracy(table),
        "roc_auc": ranks.roc_auc,
        "roc_auc_ovo": ranks.roc_auc_ovo,
        "average_precision": ranks.average_precision,
        "rejection_area": scores.rejection_area(kept, right),
        "brier": scores.brier_score(truth, log_prob, weights),
        "log_loss": scores.log_loss(truth, log_prob, real),
        "information": scores.information_gain(truth, log_prob, real),
        "sharpness": scores.sharpness(log_prob, weights),
        "ece": scores.calibration_error(reliability),
        "ari": scores.adjusted_rand_index(truth, rows.group, weights, groups),
        "nmi": scores.normalized_mutual_information(scores.contingency_table(truth, rows.group, weights, groups)),
    }
    decided = _on_grid(KEPT_GRID, kept / kept[..., -1:], right / kept[..., -1:]) / KEPT_GRID
    stacked = np.stack([values[name] for name in SCORES], axis=-1)
    _, frequency, share = scores.reliability_curve(event, probability, real, BINS)
    return Scored(stacked, table * rows.n_real, roc, decided, frequency, share)


def _ranks(rows: Rows, weights: FloatArray) -> tuple[scores.RankScores, FloatArray]:
    """Scores of the ranking and, of two classes, the ROC curve on its grid."""
    if rows.log_odds.shape[-1] > 2:
        return scores.rank_scores(rows.truth, rows.log_odds, weights), np.empty((*weights.shape[:-1], 0))
    positive = rows.truth == 1
    curve = scores.roc_curve(positive, rows.log_odds[..., 1], weights)
    area, precision = scores.curve_scores(*curve, (weights * positive).sum(axis=-1))
    return scores.RankScores(area, area, precision), _on_grid(ROC_GRID, *curve)


def _on_grid(grid: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Heights of curves (…, m) on a grid (G,)."""
    # At a vertical step np.interp takes the upper end; the tolerance puts 0.30000000000000004 at 0.3.
    curves = map(np.interp, repeat(grid + 1e-12), np.atleast_2d(x), np.atleast_2d(y))
    return np.stack(list(curves)).reshape(*x.shape[:-1], -1)
