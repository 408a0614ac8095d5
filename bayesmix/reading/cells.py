"""The cells of one column: numbers, categories, intervals and trials as float64, NaN where missing."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray, Interval, show_some
from bayesmix.data.raw import RawColumn, refuse_non_finite, refuse_unbounded, row_label, show, to_float
from bayesmix.errors import InputError

__all__ = ["MAX_CATEGORIES", "read_categories", "read_interval", "read_numbers", "read_trials"]

MAX_CATEGORIES = 100
"""More categories than this are taken for identifiers."""


def read_numbers(column: RawColumn, what: str, *, missing_allowed: bool = False, booleans: bool = False) -> FloatArray:
    """Return finite numbers.

    Parameters
    ----------
    column : RawColumn
    what : str
        The column's name in messages.
    missing_allowed, booleans : bool
        Whether cells may be missing, and whether True and False are read as 1 and 0.
    """
    values = to_float(column, what, booleans=booleans)
    refuse_non_finite(values, column.labels, what, missing_allowed=missing_allowed)
    refuse_unbounded(values, what)
    values[np.isnan(values)] = np.nan  # of the many patterns of bits that are NaN, one: equal rows, equal bits
    return values


def read_interval(
    column: Interval, index: pd.Index, what: str, *, missing_allowed: bool = False
) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Return the middles, or the ends that are finite, and the bounds."""
    lower, upper = column.lower.copy(), column.upper.copy()
    missing = np.isinf(lower) & np.isinf(upper)
    if missing.any() and not missing_allowed:
        row = int(np.argmax(missing))
        raise InputError(
            f"{what} must be bounded on one side at least, got [-inf, inf] at {row_label(row, index)}; "
            f"{missing.sum()} such row{'s' if missing.sum() > 1 else ''} of {lower.size}. Drop rows of which nothing "
            "is known."
        )
    refuse_unbounded(np.concatenate([lower, upper]), what)
    lower[missing] = upper[missing] = np.nan
    with np.errstate(invalid="ignore"):
        middle = lower + (upper - lower) / 2
    values = np.where(np.isinf(lower), upper, np.where(np.isinf(upper), lower, middle))
    return values, (lower, upper)


def read_trials(column: RawColumn | int, values: FloatArray, index: pd.Index, what: str) -> FloatArray:
    """Return the number of trials of every row; a whole number wherever there is a value.

    Parameters
    ----------
    column : RawColumn or int
        The column of trials, or their number in every row.
    values : ndarray, shape (n,)
        What they belong to.
    index : pandas.Index
    what : str
        Name of the trials in messages.
    """
    if isinstance(column, RawColumn):
        trials = read_numbers(column, what, missing_allowed=True)
    else:
        trials = np.full(values.size, float(column))
    bad = np.flatnonzero(~np.isnan(values) & ~((trials >= 1) & (trials == np.round(trials))))
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"{what} must hold whole numbers of trials >= 1, got {trials[row]} at {row_label(row, index)}; {bad.size} "
            f"such row{'s' if bad.size > 1 else ''} of {values.size}. Drop rows without trials."
        )
    return trials


def read_categories(
    column: RawColumn, what: str, known: tuple[Any, ...] = (), *, missing_allowed: bool = False, new: bool = False
) -> tuple[FloatArray, tuple[Hashable, ...]]:
    """Return the codes of categories, NaN where missing, and the categories.

    Categories are those that occur: in the order of a categorical column, otherwise sorted.

    Parameters
    ----------
    column : RawColumn
        Strings, booleans or whole numbers; the entries of a categorical column that are neither become strings.
    what : str
        The column's name in messages.
    known : tuple
        The categories, where they are already fixed.
    missing_allowed : bool
        Whether cells may be missing.
    new : bool
        Whether these are new rows, in which a single category may occur.
    """
    values, levels = column.values, column.levels
    dates = values.dtype.kind in "mM"  # of which NumPy would make numbers
    raw = pd.Series(values).to_numpy(object) if dates else values.astype(object)
    if levels is not None and not all(isinstance(_plain(level), (str, bool, int)) for level in levels):
        levels = tuple(str(level) for level in levels)
        raw = np.asarray([None if pd.isna(value) else str(value) for value in raw], dtype=object)
    codes, found = pd.factorize(raw, use_na_sentinel=True)
    _refuse_other_kinds(raw, found, column.labels, what)
    _refuse_missing(codes, raw, column.labels, what, missing_allowed)
    entries = [_plain(value) for value in found]
    if known:
        order = known
        _refuse_unknown(entries, known, codes, column.labels, what)
    else:
        ranked = sorted(entries) if levels is None else [_plain(level) for level in levels]
        order = tuple(category for category in ranked if category in entries)
        if len(order) > MAX_CATEGORIES:
            raise InputError(
                f"{what} must have at most {MAX_CATEGORIES} categories, got {len(order)} ({show_some(order)}). Leave "
                "out a column of identifiers, describe numbers by a family of numbers, or join rare categories."
            )
        if len(order) == 1 and not new:
            raise InputError(
                f"{what} must have at least 2 categories, got {order[0]!r} in every row. Leave the column out, or name "
                f"all categories that could occur."
            )
    places = {category: float(code) for code, category in enumerate(order)}
    return np.array([*(places[entry] for entry in entries), np.nan])[codes], order


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refuse_missing(codes: Any, raw: Any, index: pd.Index, what: str, missing_allowed: bool) -> None:
    missing = np.flatnonzero(codes < 0)
    if missing.size and not missing_allowed:
        row = int(missing[0])
        raise InputError(
            f"{what} must have a category in every row, got {raw[row]!r} (missing) at {row_label(row, index)}; "
            f"{missing.size} such row{'s' if missing.size > 1 else ''} of {raw.size}. Drop or fill them first."
        )


def _refuse_other_kinds(raw: Any, found: Any, index: pd.Index, what: str) -> None:
    """Let pass strings, booleans and whole numbers; whole numbers become floats where pandas leaves blanks."""
    kind = pd.api.types.infer_dtype(raw, skipna=True)
    if kind in ("string", "boolean", "integer", "empty"):
        return
    if kind in ("floating", "mixed-integer-float") and all(float(value).is_integer() for value in found):
        return
    first = None
    for row, value in enumerate(raw):
        plain = None if pd.isna(value) else _plain(value)
        first = first or (None if plain is None else type(plain))
        if plain is not None and (type(plain) is not first or not isinstance(plain, (str, int))):
            raise InputError(
                f"{what} must hold categories of one kind: strings, booleans or whole numbers, got "
                f"{type(value).__name__} {show(value)} at {row_label(row, index)}. Convert the column first, e.g. "
                "with .astype(str)."
            )


def _refuse_unknown(entries: list[Any], known: tuple[Any, ...], codes: Any, index: pd.Index, what: str) -> None:
    unknown = [i for i, entry in enumerate(entries) if entry not in known]
    if unknown:
        row = int(np.argmax(codes == unknown[0]))
        raise InputError(
            f"{what} must hold one of the categories {show_some(known, 10)}, got {entries[unknown[0]]!r} at "
            f"{row_label(row, index)}. Check the spelling, leave the cell blank, or fit with that category."
        )
