"""`Interval`: a column of which only bounds are known; and the alignment of what belongs to the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.data.column import FloatArray
from bayesmix.data.raw import raw_column, refuse_unbounded, row_label, to_float
from bayesmix.errors import InputError

__all__ = ["Interval", "align_rows", "show_some"]


@dataclass(frozen=True, eq=False, init=False)
class Interval:
    """A column of which only bounds are known: censored, rounded or binned numbers.

    Parameters
    ----------
    lower, upper : list, array or Series, one number per row
        The value of row i lies between ``lower[i]`` and ``upper[i]``. ``-inf`` and ``inf`` stand for a side that is
        open; equal bounds for a value that is known exactly; both sides open for a value of which nothing is known,
        which is a missing cell and possible in tables only. Two Series are aligned by index.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (n,)
        The bounds, read-only.
    index : pandas.Index or None
        Row labels, where the bounds came as Series.

    Raises
    ------
    InputError
        If the columns are not equally long, a bound is missing or not a number, or a lower bound exceeds the upper.

    Examples
    --------
    >>> lifetimes = bm.Interval([2.0, 5.0], [3.0, float("inf")])  # between 2 and 3; above 5
    >>> len(lifetimes)
    2
    """

    lower: FloatArray
    upper: FloatArray
    index: pd.Index | None

    def __init__(self, lower: Any, upper: Any) -> None:
        if isinstance(lower, pd.Series) and isinstance(upper, pd.Series):
            upper = align_rows(upper, lower.index, "upper", "`lower`")
        columns = raw_column(lower, "`lower`"), raw_column(upper, "`upper`")
        low, high = to_float(columns[0], "`lower`"), to_float(columns[1], "`upper`")
        if low.size != high.size:
            raise InputError(
                f"`lower` and `upper` must be equally long, got {low.size} and {high.size} rows. Use -inf or inf for "
                "an open side."
            )
        index = columns[0].index if columns[0].index is not None else columns[1].index
        _check_bounds(low, high, pd.RangeIndex(low.size) if index is None else index)
        for name, value in (("lower", low), ("upper", high), ("index", index)):
            object.__setattr__(self, name, value)
        low.flags.writeable = high.flags.writeable = False

    def __len__(self) -> int:
        return self.lower.size


def _check_bounds(lower: FloatArray, upper: FloatArray, index: pd.Index) -> None:
    for values, what, side in ((lower, "`lower`", "-inf"), (upper, "`upper`", "inf")):
        bad = np.flatnonzero(np.isnan(values))
        if bad.size:
            raise InputError(
                f"{what} must hold numbers, got nan (missing) at {row_label(int(bad[0]), index)}; {bad.size} such "
                f"row{'s' if bad.size > 1 else ''} of {values.size}. Use {side} for a side that is open."
            )
        refuse_unbounded(values, what)
    bad = np.flatnonzero((lower > upper) | (np.isinf(lower) & (lower == upper)))
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"`lower` must not exceed `upper` and one finite number must lie between them, got [{lower[row]}, "
            f"{upper[row]}] at {row_label(row, index)}; {bad.size} such row{'s' if bad.size > 1 else ''} of "
            f"{lower.size}. Check which is which."
        )


def align_rows(series: pd.Series, index: pd.Index, what: str, owner: str = "the data") -> pd.Series:
    """Bring a Series that belongs to the rows into their order, by index.

    Parameters
    ----------
    series : pandas.Series
        One entry per row.
    index : pandas.Index
        Index of the data.
    what : str
        Name of the argument, for messages.
    owner : str, default "the data"
        What the index belongs to, for messages.

    Raises
    ------
    InputError
        If the two indexes do not have the same entries, or entries repeat in another order.
    """
    if series.index.equals(index):
        return series
    for whose, which in ((f"the {what}", series.index), (owner, index)):
        if not which.is_unique:
            repeated = which[which.duplicated()].unique().tolist()
            raise InputError(
                f"`{what}` can be aligned by index only where no index entry is repeated, got an index of "
                f"{whose} with repeated {show_some(repeated)}. Use {what}.to_numpy() to go by position."
            )
    missing = index.difference(series.index, sort=False).tolist()
    extra = series.index.difference(index, sort=False).tolist()
    if missing or extra:
        absent = f"rows without an entry: {len(missing)} ({show_some(missing)})" if missing else ""
        surplus = f"entries without a row: {len(extra)} ({show_some(extra)})" if extra else ""
        raise InputError(
            f"`{what}` must have the same index entries as {owner}, got {len(series)} {what} for "
            f"{len(index)} rows: {' and '.join(filter(None, (absent, surplus)))}. Use {what}.to_numpy() to "
            f"go by position, or {what}.reindex(…) with the index of the data to leave rows without one."
        )
    return series.reindex(index)


def show_some(values: Sequence[object], most: int = 3) -> str:
    """Return the first few of `values` for a message."""
    return ", ".join(repr(v) for v in values[:most]) + (", …" if len(values) > most else "")
