"""Scores of probabilities: Brier score, log loss, information, sharpness, calibration."""

from typing import NamedTuple

import numpy as np

from bayesmix.scores._arrays import BoolArray, FloatArray, IntArray, ratio
from bayesmix.scores._tables import contingency_table

__all__ = [
    "Reliability",
    "brier_score",
    "calibration_error",
    "forecast",
    "information_gain",
    "log_loss",
    "reliability_curve",
    "sharpness",
]


class Reliability(NamedTuple):
    """What was said and what came, by bin; NaN where a bin is empty.

    Attributes
    ----------
    probability : float array, shape (…, bins)
        The mean forecast.
    frequency : float array, shape (…, bins)
        How often the event came.
    share : float array, shape (…, bins)
        The weight of the bin.

    Examples
    --------
    >>> from bayesmix.scores import reliability_curve
    >>> curve = reliability_curve(np.array([True, False]), np.array([0.6, 0.9]), np.array([0.5, 0.5]), 2)
    >>> curve.share.tolist()
    [0.0, 1.0]
    """

    probability: FloatArray
    frequency: FloatArray
    share: FloatArray


def brier_score(labels: IntArray, log_prob: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean squared distance between class probabilities and the truth.

    Two classes: mean of (p - y)², in [0, 1]. More: the squares are summed over the classes, in [0, 2]: Brier (1950,
    Monthly Weather Review 78:1), scikit-learn's ``scale_by_half="auto"``.

    Parameters
    ----------
    labels : int array, shape (n,) or (S, n)
        True classes.
    log_prob : float array, shape (n, C) or (S, n, C)
        Log probabilities of the classes.
    weights : float array, shape (n,) or (S, n)
        Row weights.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import brier_score
    >>> round(float(brier_score(np.array([1]), np.log([[0.4, 0.6]]), np.array([1.0]))), 12)
    0.16
    """
    n_classes = log_prob.shape[-1]
    if n_classes == 2:
        distance = np.square(np.exp(log_prob[..., 1]) - labels)
    else:
        distance = np.square(np.exp(log_prob) - np.eye(n_classes)[labels]).sum(axis=-1)
    return np.asarray((weights * distance).sum(axis=-1))


def log_loss(labels: IntArray, log_prob: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean of -log p(true class), in nats; inf if a row's own class is impossible (-inf).

    Nothing is clipped; scikit-learn clips p at 2e-16.

    Parameters
    ----------
    labels, log_prob, weights
        As for `brier_score`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import log_loss
    >>> float(log_loss(np.array([0]), np.array([[-1e4, 0.0]]), np.array([1.0])))
    10000.0
    """
    lead = (1,) * (log_prob.ndim - 1 - labels.ndim)
    place = labels.reshape(*lead, *labels.shape, 1)
    values = log_prob.reshape((1,) * (place.ndim - log_prob.ndim) + log_prob.shape)
    own, weight = np.broadcast_arrays(np.take_along_axis(values, place, axis=-1)[..., 0], weights)
    loss = -np.multiply(weight, own, out=np.zeros(own.shape), where=weight > 0).sum(axis=-1)
    return np.asarray(loss + 0.0)  # 0, not -0, for rows that are certain and right


def information_gain(labels: IntArray, log_prob: FloatArray, weights: FloatArray) -> FloatArray:
    """Nats per row that the probabilities are better than always stating the shares of the classes.

    Entropy of the weighted class shares less the log loss: at most that entropy, negative if stating the shares would
    have been better, -inf if an impossible class occurred.

    Parameters
    ----------
    labels, log_prob, weights
        As for `brier_score`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import information_gain
    >>> gain = information_gain(np.array([0, 1]), np.log([[0.8, 0.2], [0.2, 0.8]]), np.array([0.5, 0.5]))
    >>> round(float(gain), 12)  # log 2 + log 0.8
    0.470003629246
    """
    table = contingency_table(np.zeros((), dtype=np.intp), labels, weights, (1, log_prob.shape[-1]))
    share = table[..., 0, :]
    logs = np.log(share, out=np.zeros(share.shape), where=share > 0)
    return np.asarray(-(share * logs).sum(axis=-1) - log_loss(labels, log_prob, weights))


def sharpness(log_prob: FloatArray, weights: FloatArray) -> FloatArray:
    """How far the probabilities are from saying nothing: 1 less their mean entropy over log C, in [0, 1].

    1 where every row is certain, 0 where all classes are equally probable in every row, right or wrong: labels are not
    read. (Gneiting, Balabdaoui and Raftery 2007, JRSS B 69:243, on sharpness subject to calibration; the entropy is one
    of its measures.)

    Parameters
    ----------
    log_prob : float array, shape (n, C) or (S, n, C)
        Log probabilities of C ≥ 2 classes.
    weights : float array, shape (n,) or (S, n)
        Row weights.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import sharpness
    >>> round(float(sharpness(np.log([[0.5, 0.5], [1e-300, 1.0]]), np.array([0.5, 0.5]))), 12)
    0.5
    """
    terms = np.multiply(np.exp(log_prob), log_prob, out=np.zeros(log_prob.shape), where=np.isfinite(log_prob))
    total = (weights * terms.sum(axis=-1)).sum(axis=-1)
    return np.asarray(1 + total / np.log(log_prob.shape[-1]))


def forecast(labels: IntArray, log_prob: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Return the event whose probability is judged, and that probability.

    Two classes: that the row is of class 1. More: that it is of its most probable class ("top label"; Guo, Pleiss, Sun
    and Weinberger 2017, ICML).

    Parameters
    ----------
    labels, log_prob
        As for `brier_score`.

    Returns
    -------
    event : bool array, shape (…, n)
    probability : float array, shape (…, n)

    Examples
    --------
    >>> from bayesmix.scores import forecast
    >>> event, probability = forecast(np.array([2, 0]), np.log([[0.2, 0.3, 0.5], [0.3, 0.1, 0.6]]))
    >>> event.tolist(), probability.round(6).tolist()
    ([True, False], [0.5, 0.6])
    """
    if log_prob.shape[-1] == 2:
        return labels == 1, np.exp(log_prob[..., 1])
    return log_prob.argmax(axis=-1) == labels, np.exp(log_prob.max(axis=-1))


def reliability_curve(event: BoolArray, probability: FloatArray, weights: FloatArray, n_bins: int = 10) -> Reliability:
    """Stated probabilities against what happened, in bins of equal width (a reliability diagram).

    Parameters
    ----------
    event, probability : bool and float array, shape (n,) or (S, n)
        What happened, and how probable it was said to be, as from `forecast`.
    weights : float array, shape (n,) or (S, n)
        Row weights.
    n_bins : int
        Bins (0, 1/n_bins], …; 0 itself belongs to the first. Equal widths are scikit-learn's default and the
        usual choice; they are the same bins for every draw, which quantiles are not.

    Returns
    -------
    Reliability
        scikit-learn's ``calibration_curve`` gives the same numbers for bins that are not empty.

    Examples
    --------
    >>> from bayesmix.scores import reliability_curve
    >>> curve = reliability_curve(np.array([True, False]), np.array([0.6, 0.9]), np.array([0.5, 0.5]), 2)
    >>> curve.frequency.tolist(), curve.probability.tolist()
    ([nan, 0.5], [nan, 0.75])
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    place, shape = np.searchsorted(edges[1:-1], probability), (1, n_bins)
    zero = np.zeros((), dtype=np.intp)
    parts = (weights, weights * probability, weights * event)
    share, said, came = (contingency_table(zero, place, part, shape)[..., 0, :] for part in parts)
    return Reliability(ratio(said, share, np.nan), ratio(came, share, np.nan), share)


def calibration_error(curve: Reliability) -> FloatArray:
    """Mean distance between stated and observed frequency over the bins: the expected calibration error.

    ECE of Naeini, Cooper and Hauskrecht (2015, AAAI). It cannot be negative, so chance alone makes it
    positive: with few rows in a bin it is well above 0 for probabilities that are exactly right.

    Parameters
    ----------
    curve : Reliability

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import Reliability, calibration_error
    >>> curve = Reliability(np.array([0.2, 0.75]), np.array([0.0, 0.5]), np.array([0.5, 0.5]))
    >>> round(float(calibration_error(curve)), 12)
    0.225
    """
    distance = np.where(curve.share > 0, np.abs(curve.probability - curve.frequency), 0.0)
    return np.asarray((curve.share * distance).sum(axis=-1) / curve.share.sum(axis=-1))
