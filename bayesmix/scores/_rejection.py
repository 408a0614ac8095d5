"""Accuracy among the surest rows: what is won by leaving the others undecided."""

import numpy as np

from bayesmix.scores._arrays import BoolArray, FloatArray, ratio
from bayesmix.scores._ranking import in_order, ties_of

__all__ = ["rejection_area", "rejection_curve"]


def rejection_curve(right: BoolArray, confidence: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight of the surest rows, and of those of them that are right: accuracy by how many rows are decided.

    Parameters
    ----------
    right : bool array, shape (n,) or (S, n)
        Rows that are classified as their class.
    confidence : float array, shape (n,) or (S, n)
        Larger means surer; only the order matters.
    weights : float array, shape (n,) or (S, n)
        Row weights.

    Returns
    -------
    kept, right : float arrays, shape (…, n + 1)
        Both rise from 0. Their ratio is the accuracy among the surest rows, the accuracy-rejection curve of
        Nadeem, Zucker and Hanczar (2010, JMLR W&CP 8:65). Tied rows enter together; between two points both
        are linear, as if the rows of a tie came in random order.

    Examples
    --------
    >>> from bayesmix.scores import rejection_curve
    >>> kept, good = rejection_curve(np.array([False, True]), np.array([0.0, 2.0]), np.array([0.5, 0.5]))
    >>> kept.tolist(), good.tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.5, 0.5])
    """
    ranked, hit, weight = in_order(confidence, right, weights)
    sums = [np.cumsum(part, axis=-1) for part in (weight, weight * hit)]
    ties = ties_of(ranked)
    if ties:
        sums = [np.take_along_axis(part, ties[1], axis=-1) for part in sums]
    start = np.zeros((*ranked.shape[:-1], 1))
    kept, good = (np.concatenate([start, part], axis=-1) for part in sums)
    return kept, good


def rejection_area(kept: FloatArray, right: FloatArray) -> FloatArray:
    """Accuracy among the rows at least as sure as a row, averaged over the rows.

    One less the area under the risk-coverage curve (Geifman, Uziel and El-Yaniv 2019, ICLR).

    Parameters
    ----------
    kept, right
        As from `rejection_curve`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import rejection_area
    >>> float(rejection_area(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 0.5])))
    0.75
    """
    step = np.diff(kept, axis=-1)
    return np.asarray((step * ratio(right, kept)[..., 1:]).sum(axis=-1) / kept[..., -1])
