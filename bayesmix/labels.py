"""The gate for known classes: align labels with rows, code them, and tell which component means which class.

Labels that score a fit never touch it; those that are known beforehand go to it through `bayesmix.supervision`. Both
are read here, into integer codes, and every refusal names the rule, the offending value with its row, and the remedy.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from bayesmix.data import align_rows, show_some
from bayesmix.errors import InputError
from bayesmix.scores import FloatArray, IntArray, log_sum_exp

__all__ = ["Labels", "best_match", "class_log_prob", "coded_labels", "declared_mapping", "read_labels"]

_TIE = 1e-9  # shares of rows closer than this are equal; all membership mass together weighs less than one row
MAX_CLASSES = 100  # beyond it `labels` is surely a measurement, and a confusion matrix per draw does not fit


@dataclass(frozen=True, eq=False)
class Labels:
    """Known classes of some of the rows.

    Parameters
    ----------
    rows, codes : int arrays, shape (n,)
        Positions of the labelled rows among all rows, and their classes as positions in `classes`.
    classes : tuple of length C
        The classes, in order.
    n_unlabelled : int
        Number of rows of the data without a label.
    """

    rows: IntArray
    codes: IntArray
    classes: tuple[Hashable, ...]
    n_unlabelled: int


def _as_series(labels: object, index: pd.Index) -> pd.Series:
    if isinstance(labels, pd.Series):
        return align_rows(labels, index, "labels")
    no_column = isinstance(labels, str | bytes | Mapping | Set) or not hasattr(labels, "__len__")
    if no_column or getattr(labels, "ndim", 1) != 1:
        raise InputError(
            f"`labels` must be one-dimensional with one class per row, got {type(labels).__name__}"
            f"{getattr(labels, 'shape', '')}. Pass a list, an array or one column such as frame['species']."
        )
    # A list keeps its values as they are: pandas would turn [1, None] into floats.
    series = pd.Series(labels, dtype=object) if isinstance(labels, list | tuple) else pd.Series(labels)
    if len(series) != len(index):
        raise InputError(
            f"`labels` must have one entry per row: the data have {len(index)} rows, got {len(series)} "
            "labels. Give None for a row whose class is unknown."
        )
    return series


def _factorize(series: pd.Series) -> tuple[IntArray, tuple[Hashable, ...]]:
    """Codes, -1 where missing, and the classes that occur: in category order, else in order of appearance."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        used = series.cat.remove_unused_categories().cat
        return used.codes.to_numpy().astype(np.intp), tuple(used.categories.tolist())
    try:
        codes, found = pd.factorize(series)
    except TypeError as error:
        raise InputError(
            f"`labels` must be text, numbers or other hashable values, got {series.iloc[0]!r} in row "
            f"{series.index[0]!r}. Give every row one name or number."
        ) from error
    return codes.astype(np.intp), tuple(found.tolist())


def _in_order(found: Iterable[Hashable]) -> tuple[Hashable, ...]:
    try:
        return tuple(sorted(found))  # type: ignore[type-var]  # the except clause is the check
    except TypeError as error:
        raise InputError(
            f"`labels` must be of one kind to be put in order, got {show_some(tuple(found))}. Make them all "
            "text or all numbers, or state the order with classes=[…]."
        ) from error


def coded_labels(labels: object, index: pd.Index, *, ordered: bool = True) -> tuple[IntArray, tuple[Hashable, ...]]:
    """Read labels of which any number of rows and classes may be known.

    Parameters
    ----------
    labels : list, array or Series of length N
        As for `read_labels`.
    index : pandas.Index of length N
    ordered : bool, default True
        Whether the classes must have an order; else they come as they occur.

    Returns
    -------
    codes : int array, shape (N,)
        Positions in `classes`; -1 where the label is missing.
    classes : tuple
        Those that occur: in category order, else sorted.

    Raises
    ------
    InputError
        Wrong length or shape, or an index that does not fit.

    Examples
    --------
    >>> coded_labels(["b", None, "a"], pd.RangeIndex(3))[0].tolist()
    [1, -1, 0]
    """
    series = _as_series(labels, index)
    codes, found = _factorize(series)
    found = tuple(name.item() if isinstance(name, np.generic) else name for name in found)
    if not ordered or isinstance(series.dtype, pd.CategoricalDtype):
        return codes, found
    classes = _in_order(found)
    recode = np.array([*(classes.index(name) for name in found), -1], dtype=np.intp)
    return recode[codes], classes


def read_labels(labels: ArrayLike | pd.Series, index: pd.Index, classes: Sequence[Hashable] = ()) -> Labels:
    """Read the known classes of the rows.

    Parameters
    ----------
    labels : list, array or Series of length N
        One class per row; None, NaN and pd.NA mean unknown. A Series is aligned to `index` by its own index,
        anything else goes by position.
    index : pandas.Index of length N
        Index of the data.
    classes : sequence, optional
        The distinct classes in order. By default those that occur: in category order, else sorted.

    Returns
    -------
    Labels
        Positions, codes and classes of the labelled rows.

    Raises
    ------
    InputError
        Wrong length or shape, an index that does not fit, no label at all, one class only, more than 100
        classes, or a label that is not one of `classes`.

    Examples
    --------
    >>> read_labels(["b", None, "a"], pd.RangeIndex(3)).codes.tolist()
    [1, 0]
    """
    series = _as_series(labels, index)
    codes, found = _factorize(series)
    rows = np.flatnonzero(codes >= 0)
    if not 1 < len(found) <= MAX_CLASSES:
        given = f"only {found[0]!r} in {rows.size} labelled rows" if found else "no label in any row"
        given = f"{len(found)} different values ({show_some(found)})" if len(found) > 1 else given
        raise InputError(
            f"`labels` must name between 2 and {MAX_CLASSES} classes to score a grouping, got {given}. Pass "
            "the column of the true classes, with rows of at least two of them; None where unknown."
        )
    by_category = isinstance(series.dtype, pd.CategoricalDtype)
    ordered = tuple(classes) or (found if by_category else _in_order(found))
    place = {name: code for code, name in enumerate(ordered)}
    for code, name in enumerate(found):
        if name not in place:
            position = int(np.flatnonzero(codes == code)[0])
            raise InputError(
                f"`labels` must be among classes=[{show_some(ordered, 10)}], got {name!r} in row "
                f"{index[position]!r} (position {position}). Correct it, add it to `classes` (after one "
                "entry per component), or set it to None to leave the row out."
            )
    recode = np.array([place[name] for name in found], dtype=np.intp)
    return Labels(rows, recode[codes[rows]], ordered, len(series) - rows.size)


def declared_mapping(classes: Sequence[Hashable], n_components: int) -> tuple[tuple[Hashable, ...], IntArray]:
    """Read a declaration: component k is ``classes[k]``; entries beyond the components get no component.

    Parameters
    ----------
    classes : sequence of length ≥ K
        One class per component, repeats allowed.
    n_components : int
        K.

    Returns
    -------
    distinct : tuple of length C
        The distinct classes in order of first appearance.
    mapping : int array, shape (K,)
        Position in `distinct` of every component's class.

    Raises
    ------
    InputError
        Fewer entries than components, a missing entry, or no ordered sequence.

    Examples
    --------
    >>> declared_mapping(["child", "adult", "adult"], n_components=3)[0]
    ('child', 'adult')
    """
    unordered = isinstance(classes, str | bytes | Mapping | Set) or not hasattr(classes, "__len__")
    # Plain Python values: numpy's print as np.str_('a').
    entries: list[Hashable] = [] if unordered else getattr(classes, "tolist", lambda: list(classes))()
    given = f"{len(entries)} ({show_some(entries)})"
    hashable = all(isinstance(entry, Hashable) for entry in entries)
    if unordered or not hashable or pd.isna(pd.Series(entries, dtype=object)).any():
        given = repr(classes)
    elif len(entries) >= n_components:
        distinct = tuple(dict.fromkeys(entries))
        return distinct, np.array([distinct.index(name) for name in entries[:n_components]], dtype=np.intp)
    raise InputError(
        f"`classes` must list one class per component, in component order, for {n_components} components, "
        f"got {given}. Repeat a class that several components form, as in classes=['a', 'b', 'b']."
    )


def class_log_prob(log_resp: FloatArray, mapping: IntArray, n_classes: int) -> FloatArray:
    """Log class probabilities (…, C) from log memberships (…, K); -inf for a class without a component.

    Examples
    --------
    >>> class_log_prob(np.log([0.5, 0.5]), np.array([0, 0]), n_classes=2).tolist()
    [0.0, -inf]
    """
    out = np.full((*log_resp.shape[:-1], n_classes), -np.inf)
    for code in np.unique(mapping):
        own = np.flatnonzero(mapping == code)
        out[..., code] = log_resp[..., own[0]] if own.size == 1 else log_sum_exp(log_resp[..., own])
    return out


def best_match(resp: FloatArray, codes: IntArray, n_classes: int, weights: FloatArray | None = None) -> IntArray:
    """Match components to classes so that the most probable class is right in as many rows as possible.

    Parameters
    ----------
    resp : float array, shape (n, K)
        Membership probabilities of the labelled rows, posterior means or those of one draw.
    codes : int array, shape (n,)
        True class codes 0 … C - 1 of these rows; every class occurs.
    n_classes : int
        C.
    weights : float array, shape (n,), optional
        Row weights; equal by default.

    Returns
    -------
    int array, shape (K,)
        Class code of every component.

    Notes
    -----
    K ≤ C: no two components share a class, and accuracy is a sum over components, so the assignment problem
    (Kuhn 1955) gives its exact maximum; ties go to the larger membership mass.

    K > C: every class gets at least one component, as it does at K = C (a class without one would have
    probability 0). Accuracy is then no sum over components, because the memberships of a class are added
    before they are compared. So start from the mapping with the largest membership mass on the true classes,
    an exact assignment problem again (each component's majority class, except where a class would be left
    empty), and move or exchange components as long as that makes more rows right.

    Examples
    --------
    >>> best_match(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([1, 0]), n_classes=2).tolist()
    [1, 0]
    """
    weight = np.full(codes.size, 1.0 / codes.size) if weights is None else weights / weights.sum()
    truth = np.eye(n_classes)[codes] * weight[:, np.newaxis]
    mass = resp.T @ truth
    if resp.shape[1] <= n_classes:
        hard = np.eye(resp.shape[1])[resp.argmax(axis=1)]
        right = hard.T @ truth + _TIE * mass
        return np.asarray(linear_sum_assignment(right, maximize=True)[1], dtype=np.intp)

    best = mass.argmax(axis=1)
    loss = mass - mass.max(axis=1, keepdims=True)  # of giving a component to a class instead of its majority
    component, code = linear_sum_assignment(loss, maximize=True)
    best[component] = code

    def right_share(mapping: IntArray) -> float:
        return float(weight[(resp @ np.eye(n_classes)[mapping]).argmax(axis=1) == codes].sum())

    score, improved = right_share(best), True
    while improved:
        improved = False
        for candidate in _neighbours(best, n_classes):
            candidate_score = right_share(candidate)
            if candidate_score > score + _TIE:
                best, score, improved = candidate, candidate_score, True
                break
    return best


def _neighbours(mapping: IntArray, n_classes: int) -> Iterator[IntArray]:
    """Yield the mappings onto all classes that differ by one component moved or two exchanged."""
    for k in range(mapping.size):
        for code in range(n_classes):
            moved = mapping.copy()
            moved[k] = code
            if code != mapping[k] and np.unique(moved).size == n_classes:
                yield moved
        for other in range(k + 1, mapping.size):
            swapped = mapping.copy()
            swapped[[k, other]] = mapping[[other, k]]
            if mapping[k] != mapping[other]:
                yield swapped
