"""Weighted scores of a classification or grouping, vectorised over posterior draws.

Conventions shared by every function:

* ``labels`` holds integer class codes 0 … C - 1, shape (n,); ``weights`` are row weights that sum to 1 over
  the last axis, shape (n,) or (S, n). A leading axis of S draws is carried through: (S, n) in, (S,) out.
* With equal weights every score equals scikit-learn's of the same name.
* Entropies are in nats with 0 log 0 = 0; a ratio without a denominator (the precision of a class that is
  never predicted) is 0, as scikit-learn's ``zero_division=0``. Nothing warns.
* Probabilities come as logarithms: 1 - p has no digits left where p saturates, log p has.
"""

from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ClassScores",
    "accuracy",
    "adjusted_rand_index",
    "balanced_accuracy",
    "brier_score",
    "class_scores",
    "contingency_table",
    "log_loss",
    "log_sum_exp",
    "macro_roc_auc",
    "normalized_mutual_information",
    "one_vs_rest_log_odds",
    "roc_auc",
    "roc_curve",
]

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.intp]
type BoolArray = NDArray[np.bool_]
type Shape = tuple[int, int]


class ClassScores(NamedTuple):
    """Scores of every class, each of shape (…, C); `support` is the weight of the rows of the class."""

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray


def _ratio(numerator: FloatArray, denominator: FloatArray, empty: float = 0.0) -> FloatArray:
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def log_sum_exp(values: FloatArray, axis: int = -1) -> FloatArray:
    """Log of the sum of exponentials over an axis; -inf where every term is -inf.

    Examples
    --------
    >>> float(log_sum_exp(np.array([0.0, 0.0])))
    0.6931471805599453
    """
    peak = values.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the answer for an impossible event
        return np.asarray(np.log(np.exp(values - shift).sum(axis=axis)) + np.squeeze(shift, axis=axis))


def contingency_table(first: IntArray, second: IntArray, weights: FloatArray, shape: Shape) -> FloatArray:
    """Weight of the rows in every combination of two codings, such as the confusion matrix.

    Parameters
    ----------
    first, second : int array, shape (n,) or (S, n)
        Codes 0 … R - 1 (rows of the table: true class) and 0 … C - 1 (columns: predicted class).
    weights : float array, shape (n,) or (S, n)
        Row weights.
    shape : (R, C)
        Size of the table.

    Returns
    -------
    float array, shape (…, R, C)
        Sums of weights; with weights 1/n it is scikit-learn's ``confusion_matrix`` divided by n.

    Examples
    --------
    >>> contingency_table(np.array([0, 1, 1]), np.array([0, 0, 1]), np.full(3, 1.0), (2, 2)).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    cell, weight = np.broadcast_arrays(first * shape[1] + second, weights)
    lead = cell.shape[:-1]
    draw = np.arange(prod(lead)).reshape(*lead, 1)
    flat = (cell + draw * prod(shape)).ravel()
    return np.bincount(flat, weight.ravel(), prod(lead) * prod(shape)).reshape(*lead, *shape)


def accuracy(confusion: FloatArray) -> FloatArray:
    """Share of the weight on the diagonal of a confusion matrix (…, C, C).

    Examples
    --------
    >>> float(accuracy(np.array([[8.0, 2.0], [2.0, 8.0]])))
    0.8
    """
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def class_scores(confusion: FloatArray) -> ClassScores:
    """Precision, recall, F1 and support of every class of a confusion matrix (…, C, C), true class in rows.

    Examples
    --------
    >>> class_scores(np.array([[8.0, 2.0], [0.0, 0.0]])).recall.tolist()  # no row of class 1: 0, not NaN
    [0.8, 0.0]
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    f1 = _ratio(2.0 * hits, support + predicted)
    return ClassScores(_ratio(hits, predicted), _ratio(hits, support), f1, support)


def balanced_accuracy(confusion: FloatArray) -> FloatArray:
    """Mean recall over the classes that have rows; confusion matrix (…, C, C) with the true class in rows.

    Examples
    --------
    >>> float(balanced_accuracy(np.array([[90.0, 0.0], [10.0, 0.0]])))
    0.5
    """
    scores = class_scores(confusion)
    return _ratio(scores.recall.sum(axis=-1), (scores.support > 0).sum(axis=-1).astype(np.float64))


def roc_curve(positive: BoolArray, scores: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points of the weighted ROC curve, from the strictest threshold to the laxest.

    Parameters
    ----------
    positive : bool array, shape (n,)
        Rows of the positive class.
    scores : float array, shape (n,) or (S, n)
        Larger means more likely positive; only the order matters, ±inf is allowed, NaN is not.
    weights : float array, shape (n,) or (S, n)
        Row weights.

    Returns
    -------
    false_positive_rate, true_positive_rate : float arrays, shape (…, n + 1)
        Both rise from 0 to 1. Tied rows share one point, the end of their common segment, so that a tie
        counts one half in the area. A rate is NaN if its class carries no weight.

    Examples
    --------
    >>> roc_curve(np.array([True, False]), np.array([2.0, 1.0]), np.array([0.5, 0.5]))[1].tolist()
    [0.0, 1.0, 1.0]
    """
    ranked, marked, weight = np.broadcast_arrays(scores, positive, weights)
    order = np.argsort(-ranked, axis=-1)
    ranked, marked, weight = (np.take_along_axis(part, order, axis=-1) for part in (ranked, marked, weight))
    rates = [np.cumsum(np.where(side, weight, 0.0), axis=-1) for side in (~marked, marked)]
    ends = np.concatenate([ranked[..., 1:] != ranked[..., :-1], np.ones_like(marked[..., :1])], axis=-1)
    if not ends.all():
        n = ranked.shape[-1]
        candidate = np.where(ends, np.arange(n), n)
        end = np.minimum.accumulate(candidate[..., ::-1], axis=-1)[..., ::-1]
        rates = [np.take_along_axis(rate, end, axis=-1) for rate in rates]
    start = np.zeros((*ranked.shape[:-1], 1))
    false, true = (np.concatenate([start, _ratio(rate, rate[..., -1:], np.nan)], axis=-1) for rate in rates)
    return false, true


def roc_auc(positive: BoolArray, scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted probability that a positive row outscores a negative one, a tie counting one half.

    Arguments as in `roc_curve`. The Mann-Whitney form of the AUC (Hanley and McNeil 1982, Radiology 143:29).

    Examples
    --------
    >>> float(roc_auc(np.array([True, False, False]), np.array([1.0, 1.0, -np.inf]), np.full(3, 1 / 3)))
    0.75
    """
    false, true = roc_curve(positive, scores, weights)
    return np.asarray(np.trapezoid(true, false, axis=-1))


def one_vs_rest_log_odds(log_prob: FloatArray) -> FloatArray:
    """Log-odds of every class against all others, from log probabilities; both of shape (…, C), C ≥ 2.

    The rest is summed from its own logarithms, never as 1 - p, so that saturated rows keep their order.

    Examples
    --------
    >>> one_vs_rest_log_odds(np.array([-1e4, 0.0])).tolist()
    [-10000.0, 10000.0]
    """
    rest = [log_sum_exp(np.delete(log_prob, k, axis=-1)) for k in range(log_prob.shape[-1])]
    return np.asarray(log_prob - np.stack(rest, axis=-1))


def macro_roc_auc(labels: IntArray, log_odds: FloatArray, weights: FloatArray) -> FloatArray:
    """Unweighted mean of the one-vs-rest AUC over the classes that occur in `labels`.

    `log_odds` has shape (n, C) or (S, n, C); scikit-learn's ``multi_class="ovr", average="macro"``.

    Examples
    --------
    >>> odds = np.array([[2.0, -3.0, -4.0], [-3.0, 2.0, -4.0], [-3.0, -4.0, 2.0]])
    >>> float(macro_roc_auc(np.array([0, 1, 2]), odds, np.full(3, 1 / 3)))
    1.0
    """
    areas = [roc_auc(labels == k, log_odds[..., k], weights) for k in np.unique(labels)]
    return np.asarray(np.mean(areas, axis=0))


def brier_score(labels: IntArray, log_prob: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean squared distance between class probabilities and the truth.

    Two classes: mean of (p - y)², in [0, 1]. More: the squares are summed over the classes, in [0, 2]: Brier
    (1950), scikit-learn's ``scale_by_half="auto"``. `log_prob` has shape (n, C) or (S, n, C).

    Examples
    --------
    >>> round(float(brier_score(np.array([1]), np.log([[0.4, 0.6]]), np.array([1.0]))), 12)
    0.16
    """
    n_classes = log_prob.shape[-1]
    distance = np.square(np.exp(log_prob) - np.eye(n_classes)[labels]).sum(axis=-1)
    return np.asarray((weights * distance).sum(axis=-1) * (0.5 if n_classes == 2 else 1.0))


def log_loss(labels: IntArray, log_prob: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean of -log p(true class), in nats; inf if a row's own class is impossible (-inf).

    `log_prob` has shape (n, C) or (S, n, C). Nothing is clipped; scikit-learn clips p at 2e-16.

    Examples
    --------
    >>> float(log_loss(np.array([0]), np.array([[-1e4, 0.0]]), np.array([1.0])))
    10000.0
    """
    own = log_prob[..., np.arange(labels.size), labels]
    own, weight = np.broadcast_arrays(own, weights)
    return np.asarray(-np.multiply(weight, own, out=np.zeros(own.shape), where=weight > 0).sum(axis=-1))


def adjusted_rand_index(labels: IntArray, groups: IntArray, weights: FloatArray, shape: Shape) -> FloatArray:
    """Agreement of two groupings over pairs of rows, corrected for chance: 1 is equal, 0 is chance.

    A pair weighs the product of its rows' weights and no row pairs with itself: a cell of total W holds
    (W² - Σw²) / 2 pairs, which is the index of Hubert and Arabie (1985) when the weights are equal. Arguments
    as in `contingency_table`; identical groupings score 1 even where the formula is 0 / 0.

    Examples
    --------
    >>> a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> round(float(adjusted_rand_index(a, b, np.full(4, 0.25), (2, 2))), 12)
    -0.5
    """
    cells = contingency_table(labels, groups, weights, shape)
    squares = contingency_table(labels, groups, np.square(weights), shape)

    def pairs(axis: int | tuple[int, int] | tuple[()]) -> FloatArray:
        return np.asarray((np.square(cells.sum(axis=axis)) - squares.sum(axis=axis)) / 2)

    both, rows, columns = pairs(()).sum(axis=(-2, -1)), pairs(-1).sum(axis=-1), pairs(-2).sum(axis=-1)
    chance = _ratio(rows * columns, pairs((-2, -1)))
    index = _ratio(both - chance, (rows + columns) / 2 - chance)
    used = cells > 0
    same = (used.sum(axis=-1) <= 1).all(axis=-1) & (used.sum(axis=-2) <= 1).all(axis=-1)
    return np.where(same, 1.0, index)


def normalized_mutual_information(table: FloatArray) -> FloatArray:
    """Mutual information of the two margins of a table (…, R, C) over the mean of their entropies.

    The arithmetic mean is scikit-learn's default. Two groupings that are both a single group score 1; if only
    one of them is, nothing is shared and the score is 0.

    Examples
    --------
    >>> round(float(normalized_mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]]))), 12)
    1.0
    """

    def entropy(share: FloatArray) -> FloatArray:
        logs = np.log(share, out=np.zeros(share.shape), where=share > 0)
        return np.asarray(-(share * logs).sum(axis=-1))

    share = _ratio(table, table.sum(axis=(-2, -1), keepdims=True))
    rows, columns = share.sum(axis=-1), share.sum(axis=-2)
    total = entropy(rows) + entropy(columns)
    shared = total - entropy(share.reshape(*share.shape[:-2], -1))
    single = ((rows > 0).sum(axis=-1) == 1) & ((columns > 0).sum(axis=-1) == 1)
    return np.where(single, 1.0, np.clip(_ratio(2 * shared, total), 0.0, 1.0))
