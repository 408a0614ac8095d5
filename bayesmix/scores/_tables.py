"""Scores of tables of counts: how two hard groupings of the rows agree."""

from math import prod
from typing import NamedTuple

import numpy as np

from bayesmix.scores._arrays import FloatArray, IntArray, ratio

__all__ = [
    "ClassScores",
    "accuracy",
    "adjusted_rand_index",
    "balanced_accuracy",
    "class_scores",
    "contingency_table",
    "normalized_mutual_information",
]

type Shape = tuple[int, int]


class ClassScores(NamedTuple):
    """Scores of every class, each of shape (…, C).

    Attributes
    ----------
    precision, recall, f1 : float array, shape (…, C)
        0 where there is nothing to divide by.
    support : float array, shape (…, C)
        The weight of the rows of the class.

    Examples
    --------
    >>> from bayesmix.scores import class_scores
    >>> class_scores(np.array([[8.0, 2.0], [1.0, 9.0]])).support.tolist()
    [10.0, 10.0]
    """

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray


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
    >>> from bayesmix.scores import contingency_table
    >>> contingency_table(np.array([0, 1, 1]), np.array([0, 0, 1]), np.full(3, 1.0), (2, 2)).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    cell, weight = np.broadcast_arrays(first * shape[1] + second, weights)
    lead = cell.shape[:-1]
    draw = np.arange(prod(lead)).reshape(*lead, 1)
    flat = (cell + draw * prod(shape)).ravel()
    return np.bincount(flat, weight.ravel(), prod(lead) * prod(shape)).reshape(*lead, *shape)


def accuracy(confusion: FloatArray) -> FloatArray:
    """Share of the weight on the diagonal of a confusion matrix.

    Parameters
    ----------
    confusion : float array, shape (…, C, C)
        Weights, true class by predicted class.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import accuracy
    >>> float(accuracy(np.array([[8.0, 2.0], [2.0, 8.0]])))
    0.8
    """
    return ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def class_scores(confusion: FloatArray) -> ClassScores:
    """Precision, recall, F1 and support of every class.

    Parameters
    ----------
    confusion : float array, shape (…, C, C)
        Weights, true class by predicted class.

    Returns
    -------
    ClassScores

    Examples
    --------
    >>> from bayesmix.scores import class_scores
    >>> class_scores(np.array([[8.0, 2.0], [0.0, 0.0]])).recall.tolist()  # no row of class 1: 0, not NaN
    [0.8, 0.0]
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    f1 = ratio(2.0 * hits, support + predicted)
    return ClassScores(ratio(hits, predicted), ratio(hits, support), f1, support)


def balanced_accuracy(confusion: FloatArray) -> FloatArray:
    """Mean recall over the classes that have rows.

    Parameters
    ----------
    confusion : float array, shape (…, C, C)
        Weights, true class by predicted class.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import balanced_accuracy
    >>> float(balanced_accuracy(np.array([[90.0, 0.0], [10.0, 0.0]])))
    0.5
    """
    scores = class_scores(confusion)
    return ratio(scores.recall.sum(axis=-1), (scores.support > 0).sum(axis=-1).astype(np.float64))


def adjusted_rand_index(labels: IntArray, groups: IntArray, weights: FloatArray, shape: Shape) -> FloatArray:
    """Agreement of two groupings over pairs of rows, corrected for chance: 1 is equal, 0 is chance.

    A pair weighs the product of its rows' weights and no row pairs with itself: a cell of total W holds (W² - Σw²) / 2
    pairs, which is the index of Hubert and Arabie (1985, Journal of Classification 2:193) when the weights are equal.
    Identical groupings score 1 even where the formula is 0 / 0.

    Parameters
    ----------
    labels, groups, weights, shape
        As for `contingency_table`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import adjusted_rand_index
    >>> a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> round(float(adjusted_rand_index(a, b, np.full(4, 0.25), (2, 2))), 12)
    -0.5
    """
    cells = contingency_table(labels, groups, weights, shape)
    squares = contingency_table(labels, groups, np.square(weights), shape)

    def pairs(axis: int | tuple[int, int] | tuple[()]) -> FloatArray:
        return np.asarray((np.square(cells.sum(axis=axis)) - squares.sum(axis=axis)) / 2)

    both, rows, columns = pairs(()).sum(axis=(-2, -1)), pairs(-1).sum(axis=-1), pairs(-2).sum(axis=-1)
    chance = ratio(rows * columns, pairs((-2, -1)))
    index = ratio(both - chance, (rows + columns) / 2 - chance)
    used = cells > 0
    same = (used.sum(axis=-1) <= 1).all(axis=-1) & (used.sum(axis=-2) <= 1).all(axis=-1)
    return np.where(same, 1.0, index)


def normalized_mutual_information(table: FloatArray) -> FloatArray:
    """Mutual information of the two margins of a table over the mean of their entropies.

    The arithmetic mean is scikit-learn's default. Two groupings that are both a single group score 1; if only one of
    them is, nothing is shared and the score is 0.

    Parameters
    ----------
    table : float array, shape (…, R, C)
        Weights, as from `contingency_table`.

    Returns
    -------
    float array, shape (…)

    Examples
    --------
    >>> from bayesmix.scores import normalized_mutual_information
    >>> round(float(normalized_mutual_information(np.array([[0.5, 0.0], [0.0, 0.5]]))), 12)
    1.0
    """

    def entropy(share: FloatArray) -> FloatArray:
        logs = np.log(share, out=np.zeros(share.shape), where=share > 0)
        return np.asarray(-(share * logs).sum(axis=-1))

    share = ratio(table, table.sum(axis=(-2, -1), keepdims=True))
    rows, columns = share.sum(axis=-1), share.sum(axis=-2)
    total = entropy(rows) + entropy(columns)
    shared = total - entropy(share.reshape(*share.shape[:-2], -1))
    single = ((rows > 0).sum(axis=-1) == 1) & ((columns > 0).sum(axis=-1) == 1)
    return np.where(single, 1.0, np.clip(ratio(2 * shared, total), 0.0, 1.0))
