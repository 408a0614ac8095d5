"""Scores of the order in which a class ranks the rows: ROC curve and areas, average precision."""

from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from bayesmix.scores._arrays import BoolArray, FloatArray, IntArray, ratio
from bayesmix.scores._tables import contingency_table

__all__ = [
    "RankScores",
    "average_precision",
    "curve_scores",
    "in_order",
    "macro_average_precision",
    "macro_roc_auc",
    "one_vs_one_roc_auc",
    "one_vs_rest_log_odds",
    "rank_scores",
    "roc_auc",
    "roc_curve",
    "ties_of",
]


class RankScores(NamedTuple):
    """Scores of the ranking of rows by every class.

    Attributes
    ----------
    roc_auc, roc_auc_ovo, average_precision : float array, shape (…)
        As from `macro_roc_auc`, `one_vs_one_roc_auc` and `macro_average_precision`.

    Examples
    --------
    >>> from bayesmix.scores import rank_scores
    >>> odds = np.array([[2.0, -2.0], [-1.0, 1.0], [-3.0, 3.0]])
    >>> rank_scores(np.array([0, 0, 1]), odds, np.full(3, 1 / 3))._fields
    ('roc_auc', 'roc_auc_ovo', 'average_precision')
    """

    roc_auc: FloatArray
    roc_auc_ovo: FloatArray
    average_precision: FloatArray


def in_order(score: FloatArray, *parts: FloatArray | IntArray | BoolArray) -> list[Any]:
    """Broadcast to one shape and sort the rows by falling score."""
    arrays = np.broadcast_arrays(score, *parts)
    order = np.argsort(-arrays[0], axis=-1)
    return [np.take_along_axis(array, order, axis=-1) for array in arrays]


def ties_of(ranked: FloatArray) -> tuple[IntArray, IntArray] | None:
    """Positions of the first and the last row of every row's run of equal scores; None if nothing is tied."""
    change = ranked[..., 1:] != ranked[..., :-1]
    if change.all():
        return None
    n, edge = ranked.shape[-1], np.ones_like(change, shape=(*change.shape[:-1], 1))
    place = np.arange(n)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, change], axis=-1), place, 0), axis=-1)
    candidate = np.where(np.concatenate([change, edge], axis=-1), place, n)
    return first, np.minimum.accumulate(candidate[..., ::-1], axis=-1)[..., ::-1]


def roc_curve(positive: BoolArray, scores: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points of the weighted ROC curve, from the strictest threshold to the laxest.

    Parameters
    ----------
    positive : bool array, shape (n,) or (S, n)
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
    >>> from bayesmix.scores import roc_curve
    >>> roc_curve(np.array([True, False]), np.array([2.0, 1.0]), np.array([0.5, 0.5]))[1].tolist()
    [0.0, 1.0, 1.0]
    """
    ranked, marked, weight = in_order(scores, positive, weights)
    rates = [np.cumsum(np.where(side, weight, 0.0), axis=-1) for side in (marked == 0, marked == 1)]
    ties = ties_of(ranked)
    if ties:
        rates = [np.take_along_axis(rate, ties[1], axis=-1) for rate in rates]
    start = np.zeros((*ranked.shape[:-1], 1))
    false, true = (np.concatenate([start, ratio(rate, rate[..., -1:], np.nan)], axis=-1) for rate in rates)
    return false, true


def roc_auc(positive: BoolArray, scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted probability that a positive row outscores a negative one, a tie counting one half.

    The Mann-Whitney form of the AUC (Hanley and McNeil 1982, Radiology 143:29).

    Parameters
    ----------
    positive, scores, weights
        As for `roc_curve`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import roc_auc
    >>> float(roc_auc(np.array([True, False, False]), np.array([1.0, 1.0, -np.inf]), np.full(3, 1 / 3)))
    0.75
    """
    false, true = roc_curve(positive, scores, weights)
    return np.asarray(np.trapezoid(true, false, axis=-1))


def _share(positive: BoolArray, weights: FloatArray) -> FloatArray:
    return np.asarray((weights * positive).sum(axis=-1) / weights.sum(axis=-1))


def curve_scores(
    false_positive_rate: FloatArray, true_positive_rate: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Area and average precision of a ROC curve, given the share of positive rows; see `average_precision`.

    Parameters
    ----------
    false_positive_rate, true_positive_rate : float array, shape (…, n + 1)
        As from `roc_curve`.
    share : float array, shape (…)
        Of positive rows.

    Returns
    -------
    area, precision : float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import curve_scores
    >>> area, precision = curve_scores(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]), np.array(0.5))
    >>> float(area), float(precision)
    (1.0, 1.0)
    """
    false, true = false_positive_rate, true_positive_rate
    found = true * share[..., np.newaxis]
    precision = ratio(found, found + false * (1 - share[..., np.newaxis]))
    area = np.trapezoid(true, false, axis=-1)
    return np.asarray(area), np.asarray((np.diff(true, axis=-1) * precision[..., 1:]).sum(axis=-1))


def one_vs_rest_log_odds(log_prob: FloatArray) -> FloatArray:
    """Log-odds of every class against all others.

    The rest is summed from its own logarithms, never as 1 - p, so that saturated rows keep their order.

    Parameters
    ----------
    log_prob : float array, shape (…, C)
        Log probabilities of C ≥ 2 classes.

    Returns
    -------
    float array, shape (…, C)

    Examples
    --------
    >>> from bayesmix.scores import one_vs_rest_log_odds
    >>> one_vs_rest_log_odds(np.array([-1e4, 0.0])).tolist()
    [-10000.0, 10000.0]
    """
    columns = list(np.moveaxis(log_prob, -1, 0))
    rest = [_log_sum_of(columns[:k] + columns[k + 1 :]) for k in range(len(columns))]
    return np.asarray(log_prob - np.stack(rest, axis=-1))


def _log_sum_of(parts: list[FloatArray]) -> FloatArray:
    """Log of the sum of exponentials of a few arrays: many times faster than over a short last axis."""
    if len(parts) == 1:
        return parts[0]
    peak = reduce(np.maximum, parts)
    shift = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):  # as in log_sum_exp
        return np.asarray(np.log(sum(np.exp(part - shift) for part in parts)) + shift)


def _against_all(
    labels: IntArray, score: FloatArray, weights: FloatArray, own_class: int, n_classes: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weight of the pairs that a class wins against every class (…, C), its average precision, class weights."""
    ranked, code, weight = in_order(score, labels, weights)
    own = np.where(code == own_class, weight, 0.0)
    above, everything = np.cumsum(own, axis=-1), np.cumsum(weight, axis=-1)
    before = above - own
    ties = ties_of(ranked)
    if ties:
        before = np.take_along_axis(before, ties[0], axis=-1)
        above, everything = (np.take_along_axis(part, ties[1], axis=-1) for part in (above, everything))
    zero, shape = np.zeros((), dtype=np.intp), (1, n_classes)
    won = contingency_table(zero, code, weight * (before + above) / 2, shape)[..., 0, :]
    total = contingency_table(zero, code, weight, shape)[..., 0, :]
    precise = (own * ratio(above, everything)).sum(axis=-1)
    return won, ratio(precise, total[..., own_class], np.nan), total


def rank_scores(labels: IntArray, log_odds: FloatArray, weights: FloatArray) -> RankScores:
    """All scores of a ranking from one sort per class; `macro_roc_auc` and its neighbours say what they are.

    Parameters
    ----------
    labels : int array, shape (n,) or (S, n)
        Classes; only those that occur are averaged over.
    log_odds : float array, shape (n, C) or (S, n, C)
        Column k ranks the rows by class k: log-odds, or whatever rises with its probability.
    weights : float array, shape (n,) or (S, n)
        Row weights.

    Returns
    -------
    RankScores
        Each of shape (…). With two classes only column 1 is read: its area is that of column 0 too.

    Examples
    --------
    >>> from bayesmix.scores import rank_scores
    >>> odds = np.array([[2.0, -2.0], [-1.0, 1.0], [-3.0, 3.0]])
    >>> [float(score) for score in rank_scores(np.array([0, 0, 1]), odds, np.full(3, 1 / 3))]
    [1.0, 1.0, 1.0]
    """
    n_classes = log_odds.shape[-1]
    if n_classes == 2:
        area, precision = curve_scores(*roc_curve(labels == 1, log_odds[..., 1], weights), _share(labels == 1, weights))
        return RankScores(area, area, precision)
    present = np.unique(labels)
    rest, pairs, precisions = [], [], []
    for k in present.tolist():
        won, precision, total = _against_all(labels, log_odds[..., k], weights, k, n_classes)
        others = np.setdiff1d(present, k)
        won, against, own = won[..., others], total[..., others], total[..., k]
        rest.append(ratio(won.sum(axis=-1), own * against.sum(axis=-1), np.nan))
        pairs.append(ratio(won, own[..., np.newaxis] * against, np.nan).mean(axis=-1))
        precisions.append(precision)
    return RankScores(*(np.asarray(np.mean(part, axis=0)) for part in (rest, pairs, precisions)))


def macro_roc_auc(labels: IntArray, log_odds: FloatArray, weights: FloatArray) -> FloatArray:
    """Unweighted mean of the one-vs-rest AUC over the classes that occur in `labels`.

    scikit-learn's ``multi_class="ovr", average="macro"``.

    Parameters
    ----------
    labels, log_odds, weights
        As for `rank_scores`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import macro_roc_auc
    >>> odds = np.array([[2.0, -3.0, -4.0], [-3.0, 2.0, -4.0], [-3.0, -4.0, 2.0]])
    >>> float(macro_roc_auc(np.array([0, 1, 2]), odds, np.full(3, 1 / 3)))
    1.0
    """
    return rank_scores(labels, log_odds, weights).roc_auc


def one_vs_one_roc_auc(labels: IntArray, log_odds: FloatArray, weights: FloatArray) -> FloatArray:
    """Unweighted mean over ordered pairs of classes (a, b) of the AUC of a against b, ranked by column a.

    The M of Hand and Till (2001, Machine Learning 45:171), which does not depend on how common the classes are;
    scikit-learn's ``multi_class="ovo", average="macro"``. Within one set of probabilities log-odds and probabilities
    rank alike, up to probabilities that saturate.

    Parameters
    ----------
    labels, log_odds, weights
        As for `rank_scores`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import one_vs_one_roc_auc
    >>> odds = np.array([[2.0, -3.0, -4.0], [-3.0, 2.0, -4.0], [-3.0, 3.0, 2.0]])
    >>> float(one_vs_one_roc_auc(np.array([0, 1, 2]), odds, np.full(3, 1 / 3)))  # 2 outranks 1 in column 1
    0.8333333333333334
    """
    return rank_scores(labels, log_odds, weights).roc_auc_ovo


def average_precision(positive: BoolArray, scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Precision at every threshold, averaged over the recall it adds; tied rows enter together.

    The sum over steps, without interpolation: scikit-learn's ``average_precision_score``. Of a random order it is about
    the share of positive rows. NaN without any.

    Parameters
    ----------
    positive, scores, weights
        As for `roc_curve`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import average_precision
    >>> score = average_precision(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]), np.full(3, 1 / 3))
    >>> round(float(score), 12)
    0.833333333333
    """
    return curve_scores(*roc_curve(positive, scores, weights), _share(positive, weights))[1]


def macro_average_precision(labels: IntArray, log_odds: FloatArray, weights: FloatArray) -> FloatArray:
    """Average precision of class 1 of two; of more classes the unweighted mean over those that occur.

    scikit-learn's ``average_precision_score`` with ``average="macro"``.

    Parameters
    ----------
    labels, log_odds, weights
        As for `rank_scores`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import macro_average_precision
    >>> odds = np.array([[2.0, -3.0, -4.0], [-3.0, 2.0, -4.0], [-3.0, -4.0, 2.0]])
    >>> float(macro_average_precision(np.array([0, 1, 2]), odds, np.full(3, 1 / 3)))
    1.0
    """
    return rank_scores(labels, log_odds, weights).average_precision
