"""`observe` and its relatives: from what the user hands over to `Observations`."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesmix.data import Column, FloatArray, Interval, Observations, align_rows, show_some
from bayesmix.data.raw import RawColumn, raw_column, row_label
from bayesmix.errors import InputError
from bayesmix.reading.cells import read_categories, read_interval, read_numbers, read_trials
from bayesmix.reading.rounding import Step, bounds_of, find_step, read_steps
from bayesmix.reading.tables import AnyColumn, Table, aligned, open_matrix, open_table, picked

__all__ = ["Wanted", "observe", "observe_matrix", "read_column"]

_DEFAULT_NAME = "y"


@dataclass(frozen=True)
class Wanted:
    """What a component family asks of one column.

    Parameters
    ----------
    name : str, optional
        The column's name; None for the only column, whatever it is called.
    reads : {"number", "category"}
        What a cell is.
    continuous : bool, default True
        Whether numbers were measured and may be intervals or rounded; counts take booleans instead.
    needs_trials : bool, default False
        Whether every cell comes with a number of trials.
    trials : int or str, optional
        That number for all rows, or the name of its column.
    categories : tuple
        The categories, where they are already fixed.
    """

    name: str | None = None
    reads: Literal["number", "category"] = "number"
    continuous: bool = True
    needs_trials: bool = False
    trials: int | str | None = None
    categories: tuple[Any, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether cells may be intervals."""
        return self.reads == "number" and self.continuous


_ONE_NUMBER = Wanted()


@dataclass(frozen=True, eq=False)
class _Part:
    """A wanted column as it was found; `what` is its name in messages."""

    what: str
    name: str
    wanted: Wanted
    column: AnyColumn
    trials: RawColumn | int | None = None


@dataclass(frozen=True)
class _Rules:
    """Whether cells may be missing, as in a table, and whether the rows are new ones for a fitted specification."""

    missing_allowed: bool
    new: bool


def observe(
    y: Any,
    weights: Any = None,
    *,
    wanted: Sequence[Wanted] = (_ONE_NUMBER,),
    resolution: Any = None,
    least: int = 2,
) -> Observations:
    """Validate the columns that component families ask for.

    Parameters
    ----------
    y : list, tuple, numpy array, pandas Series, DataArray, polars or pyarrow column, `Interval`, or a table
        A single column, one entry per row, without missing cells. For several, a pandas, polars or pyarrow frame, an
        xarray Dataset, or a dict of columns, in which ``None``, NaN, ``pd.NA`` and NaT are missing cells; columns are
        picked by name and further ones ignored.
    weights : list, array or Series, optional
        How often each row counts, > 0; a Series is aligned by index.
    wanted : sequence of Wanted
        The columns; by default the only one, of continuous numbers.
    resolution : None, number, "auto", or mapping from column to these
        The step to which numbers were rounded: value v then stands for the interval from v - step / 2 to v + step / 2.
        ``"auto"`` finds the step in data that show one, see `bayesmix.reading.rounding.find_step`; for several columns
        it looks at every column of continuous points.
    least : int, default 2
        How many rows there must be; 1 for new rows, which may come as a dict of single values, too.

    Returns
    -------
    Observations

    Raises
    ------
    InputError
        For missing columns, too few rows, missing cells in a single column, infinite values, or anything that is not
        of the wanted kind; the message shows the value and its row.

    Examples
    --------
    >>> observe([3, 1, 2]).n
    3
    >>> observe({"age": [31, None], "sex": ["f", "m"]}, wanted=[Wanted("age"), Wanted("sex", "category")]).cells.shape
    (2, 2)
    """
    parts = _find(y, tuple(wanted), row_allowed=least < 2)
    steps = read_steps(resolution, [part.name for part in parts], [part.wanted.measured for part in parts])
    return _assemble(parts, weights, steps, least)


def observe_matrix(y: Any, weights: Any = None, *, names: Sequence[str] = (), least: int = 2) -> Observations:
    """Validate a table of numbers that one family describes together.

    Parameters
    ----------
    y : pandas, polars or pyarrow frame, Dataset, dict of columns, 2-D array or DataArray, or list of rows
        All its columns, called as in the frame, or ``"y0"``, ``"y1"`` …
    weights : list, array or Series, optional
        How often each row counts.
    names : sequence of str, optional
        The columns of the fitted table, for new rows: they are picked by name where the columns of `y` have names, and
        by position otherwise.
    least : int, default 2
        How many rows there must be. With 1 and `names`, a single row may be a dict of values, a Series such as
        ``frame.iloc[0]``, or a flat list.

    Returns
    -------
    Observations

    Raises
    ------
    InputError
        As for `observe`.

    Examples
    --------
    >>> observe_matrix([[1.0, 2.0], [3.0, None], [0.0, 1.0]]).names
    ('y0', 'y1')
    """
    table, found = _open_numbers(y, tuple(names), row_allowed=least < 2)
    chosen = tuple(names) or tuple(str(name) for name in found)
    parts = [
        _Part(f"column {name!r}", name, Wanted(name), column)
        for name, column in zip(chosen, picked(table, found), strict=True)
    ]
    for part in parts:
        if isinstance(part.column, Interval):
            raise InputError(
                f"{part.what} must hold numbers where one family describes all columns together, got an Interval. "
                "Describe the columns one by one, e.g. family={'a': 'normal', 'b': 'normal'}."
            )
    return _assemble(parts, weights, [None] * len(parts), least)


def read_column(y: Any, what: str = "y") -> Observations:
    """Validate a single column of numbers, which may have one row: a grid, for example.

    Parameters
    ----------
    y : as a single column for `observe`
    what : str, default "y"
        Name of the argument, for messages.

    Returns
    -------
    Observations
    """
    column = raw_column(y, what)
    return _assemble([_Part(what, _name_of(column), _ONE_NUMBER, column)], None, [None], 1)


def _name_of(column: AnyColumn) -> str:
    if isinstance(column, Interval) or column.name in (None, ""):
        return _DEFAULT_NAME
    return str(column.name)


def _find(y: Any, wanted: tuple[Wanted, ...], *, row_allowed: bool) -> list[_Part]:
    """Find the wanted columns; a single row of them may be allowed."""
    (first, *others) = wanted
    for each in wanted:
        if each.needs_trials and each.trials is None:
            what = _DEFAULT_NAME if each.name is None else f"column {each.name!r}"
            raise InputError(
                f"{what} must come with the number of trials of every row, got none. Use "
                "bm.families.Binomial(trials=10), or trials='column' to name the column that holds them."
            )
    beside = first.trials if first.needs_trials and isinstance(first.trials, str) else None
    names = [w.name for w in wanted if w.name is not None] + [w.trials for w in wanted if isinstance(w.trials, str)]
    table = None if first.name is None and beside is None else open_table(y, row_of=names if row_allowed else ())
    if not others and beside is None and table is None:
        column = y if isinstance(y, Interval) else raw_column(y)
        trials = first.trials if first.needs_trials and isinstance(first.trials, int) else None
        return [_Part(_DEFAULT_NAME, first.name or _name_of(column), first, column, trials)]
    if table is None:
        raise InputError(
            f"y must be a table with the column{'s' if len(names) > 1 else ''} {show_some(names, 6)}, got "
            f"{type(y).__name__}. Pass a pandas, polars or pyarrow frame, or a dict of columns."
        )
    if first.name is None and beside is not None:
        wanted = (replace(first, name=_only_other(table, beside)),)
    return _pick(table, wanted)


def _only_other(table: Table, beside: str) -> str:
    rest = [str(name) for name in table.names if str(name) != beside]
    if len(rest) != 1 or len(table.names) != 2:
        raise InputError(
            f"y must be a table of two columns, one of them the trials {beside!r}, got the columns "
            f"{[str(name) for name in table.names][:6]}. Select two of them, e.g. frame[['successes', {beside!r}]]."
        )
    return rest[0]


def _pick(table: Table, wanted: tuple[Wanted, ...]) -> list[_Part]:
    names = [str(w.name) for w in wanted]
    trials = [w.trials for w in wanted if w.needs_trials and isinstance(w.trials, str)]
    columns = picked(table, [*names, *trials])
    at = dict(zip(trials, columns[len(names) :], strict=True))
    parts = []
    for name, each, column in zip(names, wanted, columns, strict=False):
        beside = (at[each.trials] if isinstance(each.trials, str) else each.trials) if each.needs_trials else None
        if isinstance(beside, Interval):
            raise InputError(f"column {each.trials!r} must hold numbers of trials, got an Interval. Give the numbers.")
        parts.append(_Part(f"column {name!r}", name, each, column, beside))
    return parts


def _open_numbers(y: Any, names: tuple[str, ...], *, row_allowed: bool) -> tuple[Table, tuple[str, ...]]:
    """Open a table of numbers; return it with the names under which it has the wanted columns."""
    single = row_allowed and bool(names)
    table = open_table(y, row_of=names if single else ())
    if table is not None:
        return table, names or tuple(str(name) for name in table.names)
    table = open_matrix(y, len(names) or None)
    if table is None and single and np.ndim(y) == 1:
        table = open_matrix([[value] for value in y] if len(names) == 1 else [list(y)], len(names))
    if table is None:
        raise InputError(
            f"y must be a table of numbers, a frame or a two-dimensional array, got {type(y).__name__}"
            f"{f' of shape {np.shape(y)}' if isinstance(y, np.ndarray) else ''}. Pass several columns, or use a family "
            "of one column such as 'normal'."
        )
    return table, tuple(str(name) for name in table.names)


def _assemble(parts: list[_Part], weights: Any, steps: list[Step], least: int) -> Observations:
    """Bring columns and weights into one order, read the cells, and check that there are enough rows."""
    beside = [(str(part.wanted.trials), part.trials) for part in parts if isinstance(part.trials, RawColumn)]
    found = [part.column for part in parts] + [column for _, column in beside]
    ordered, labels = aligned(found, [part.name for part in parts] + [name for name, _ in beside])
    trials = iter(ordered[len(parts) :])
    counts = None if weights is None else _read_weights(weights, labels)
    if counts is not None and np.all(counts == 1):
        counts = None
    rules = _Rules(missing_allowed=len(parts) > 1, new=least < 2)
    columns = []
    for part, column, step in zip(parts, ordered, steps, strict=False):
        own = next(trials) if isinstance(part.trials, RawColumn) else part.trials
        placed = replace(part, column=column, trials=own)  # type: ignore[arg-type]
        columns.append(_read(placed, labels, counts, step, rules))
    rows = Observations(tuple(columns), labels, counts)
    seen = rows.informative
    if least > 1 and seen.sum() < least and (counts is None or counts[seen].sum() < least):
        raise InputError(
            f"y must have at least {least} rows{'' if seen.all() else ' with something observed'}, got {seen.sum()}. "
            "A mixture needs several rows to say anything about groups: pass the whole column."
        )
    return rows


def _read(part: _Part, labels: pd.Index, weights: FloatArray | None, step: Step, rules: _Rules) -> Column:
    """Read the cells of one column."""
    column, wanted, what = part.column, part.wanted, part.what
    missing_allowed = rules.missing_allowed
    bounds: tuple[FloatArray, FloatArray] | None = None
    extra: FloatArray | None = None
    categories: tuple[Hashable, ...] = ()
    if isinstance(column, Interval):
        _refuse_interval(part, step, rules)
        values, bounds = read_interval(column, labels, what, missing_allowed=missing_allowed)
        step = None
    elif wanted.reads == "category":
        values, categories = read_categories(
            column, what, wanted.categories, missing_allowed=missing_allowed, new=rules.new
        )
    else:
        values = read_numbers(column, what, missing_allowed=missing_allowed, booleans=not wanted.continuous)
    if np.isnan(values).all() and not rules.new:
        raise InputError(f"{what} must have an observed cell, got {values.size} missing ones. Leave the column out.")
    if part.trials is not None:
        name = what if isinstance(part.trials, int) else f"column {wanted.trials!r}"
        extra = read_trials(part.trials, values, labels, name)
    if step == "auto":
        seen = ~np.isnan(values)
        step = find_step(values, float(seen.sum()) if weights is None else float(weights[seen].sum()))
    if step is not None:
        bounds = bounds_of(values, step, what)
    for array in (values, extra, *(bounds or ())):
        if array is not None:
            array.flags.writeable = False
    return Column(part.name, values, labels, weights, bounds, extra, categories, step)


def _refuse_interval(part: _Part, step: Step, rules: _Rules) -> None:
    if not part.wanted.measured:
        kind = "categories" if part.wanted.reads == "category" else "counts"
        raise InputError(
            f"{part.what} must hold {kind} for its family, got an Interval. Intervals are for continuous families."
        )
    if isinstance(step, float) and not rules.new:
        raise InputError(
            f"{part.what} must be either an Interval or rounded, got an Interval and resolution={step!r}. The bounds "
            "say how precise a value is: leave resolution out."
        )


def _read_weights(weights: Any, index: pd.Index) -> FloatArray:
    if isinstance(weights, pd.Series):
        weights = align_rows(weights, index, "weights")
    values = read_numbers(raw_column(weights, "`weights`"), "`weights`")
    if len(values) != len(index):
        raise InputError(
            f"`weights` must have one number per row: the data have {len(index)} rows, got {len(values)} weights. "
            "Pass the column of counts that belongs to these rows."
        )
    if np.any(values <= 0):
        row = int(np.flatnonzero(values <= 0)[0])
        raise InputError(
            f"`weights` must be > 0, got {values[row]} at {row_label(row, index)}. Drop rows that count for nothing."
        )
    values.flags.writeable = False
    return values
