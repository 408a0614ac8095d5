"""Numbers as cells of tables: every number of a report is made into text here, once."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.reporting._blocks import Table, plain

__all__ = ["MISSING", "between", "cell", "column", "facts", "frame_table", "is_number", "row_names", "table"]

MISSING = "–"

_SHARES = 3
"""Decimals of probabilities, shares and scores."""


def cell(value: Any, decimals: int | None = None) -> str:
    """Return one value as text.

    Parameters
    ----------
    value : object
        A number, a bool, a label or a missing value.
    decimals : int, optional
        Of a float; by default as many of ten significant digits as it has.

    Examples
    --------
    >>> cell(0.25), cell(0.25, 1), cell(3.0), cell(True), cell(float("nan"))
    ('0.25', '0.2', '3', 'yes', '–')
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return MISSING
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        text = f"{value:.10g}" if decimals is None else f"{value:.{decimals}f}"
        return text.removeprefix("-") if text.startswith("-") and float(text) == 0 else text
    return plain(value)


def column(values: Sequence[Any], decimals: int | None = None) -> list[str]:
    """Return the cells of a column, floats with the same number of decimals: three digits of the largest.

    Very large and very small numbers are written with powers of ten.

    Examples
    --------
    >>> column([20.12, -3.0915, float("nan")])
    ['20.1', '-3.1', '–']
    """
    floats = [abs(float(v)) for v in values if isinstance(v, float | np.floating) and math.isfinite(v)]
    if decimals is None and floats:
        top = max(floats)
        if top >= 1e7 or 0 < top < 1e-4:
            return [f"{v:.4g}" if isinstance(v, float | np.floating) and math.isfinite(v) else cell(v) for v in values]
        whole = all(v == round(v) for v in floats)
        decimals = 0 if whole or top == 0 else int(np.clip(2 - math.floor(math.log10(top)), 0, 6))
    return [cell(v, decimals) for v in values]


def between(low: float, high: float, decimals: int = _SHARES) -> str:
    """Return the ends of an interval as one cell.

    Examples
    --------
    >>> between(0.5, 0.75, 2)
    '0.50 to 0.75'
    """
    return f"{cell(float(low), decimals)} to {cell(float(high), decimals)}"


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[str] = ()) -> Table:
    """Return a table of cells that were formatted before.

    Parameters
    ----------
    caption : str
    columns : sequence of str
    rows : sequence of sequences of str
    text : sequence of str
        Names of the columns behind the first one that hold words rather than numbers.
    """
    numeric = (False, *(name not in text for name in columns[1:]))
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows), numeric)


def facts(caption: str, entries: Mapping[str, str]) -> Table:
    """Return a table of two columns, a name and what is known of it."""
    return Table(caption, ("", ""), tuple(entries.items()), (False, False))


def frame_table(
    caption: str,
    frame: pd.DataFrame,
    *,
    index: str,
    decimals: Mapping[str, int] | int | None = None,
) -> Table:
    """Return a frame as a table, the two ends of an interval in one column.

    Parameters
    ----------
    caption : str
    frame : DataFrame
    index : str
        Header of the rows' names.
    decimals : mapping or int, optional
        By column, or of all; see `column`.
    """
    headers, numeric = [plain(index)], [False]
    cells: list[list[str]] = []
    for name in frame.columns:
        wanted = decimals.get(str(name)) if isinstance(decimals, Mapping) else decimals
        own = column(list(frame[name]), wanted)
        interval = _INTERVAL.fullmatch(str(name))
        if interval and interval["end"] == "ub" and headers[-1] == _words(interval):
            cells[-1] = [_joined(low, high) for low, high in zip(cells[-1], own, strict=True)]
            continue
        headers.append(_words(interval) if interval else plain(name))
        cells.append(own)
        numeric.append(is_number(frame[name]))
    rows = [(label, *(one[i] for one in cells)) for i, label in enumerate(row_names(frame))]
    return Table(caption, tuple(headers), tuple(rows), tuple(numeric))


_INTERVAL = re.compile(r"(?:eti|hdi)(?P<prob>[\d.]+)_(?P<end>lb|ub)")
"""Columns of the ends of an interval, which become one."""


def _words(interval: re.Match[str]) -> str:
    return f"{interval['prob']} % interval"


def _joined(low: str, high: str) -> str:
    return MISSING if low == high == MISSING else f"{low} to {high}"


def is_number(values: pd.Series) -> bool:
    """Whether a column holds numbers, which are aligned to the right."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def row_names(frame: pd.DataFrame) -> list[str]:
    """Return the labels of a frame's rows as cells."""
    return [", ".join(map(plain, label)) if isinstance(label, tuple) else cell(label) for label in frame.index]
