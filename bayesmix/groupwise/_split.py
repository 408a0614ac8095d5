"""A table divided into groups by the values of its key columns, each with a text that is the same everywhere.

The text decides the group's random seed and the names of its files: not the order of rows or groups, not what other
groups there are, nor whether whole numbers arrive as integers or, since other rows lack theirs, as floats.
"""

import hashlib
import json
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data.raw import foreign
from bayesmix.errors import InputError

__all__ = ["Group", "Split", "seed_of", "split"]

_WHOLE = 2**53
"""Floats from here on may not be the whole number that they print as."""


@dataclass(frozen=True, eq=False)
class Group:
    """Rows with the same key.

    Attributes
    ----------
    key : hashable
        The value of the key column, or a tuple of those of several.
    text : str
        The key as JSON.
    rows : ndarray of int
        Positions in the table.
    """

    key: Hashable
    text: str
    rows: npt.NDArray[np.intp]

    @property
    def name(self) -> str:
        """A name for files: letters and digits of the key to recognise it, and a hash to tell it from all others."""
        shown = re.sub(r"[^0-9A-Za-z]+", "-", "-".join(str(value) for _, value in json.loads(self.text))).strip("-")
        return f"{shown[:40]}-{hashlib.sha256(self.text.encode()).hexdigest()[:24]}".lstrip("-")


@dataclass(frozen=True, eq=False)
class Split:
    """A table divided into groups.

    Attributes
    ----------
    by : tuple
        Names of the key columns.
    groups : tuple of Group
        Sorted by key, or in the order of the table where keys have no order.
    index : pandas.Index
        Labels of the table's rows; positions where the table has none.
    """

    by: tuple[Hashable, ...]
    groups: tuple[Group, ...]
    index: pd.Index
    _frame: Any

    @property
    def keys(self) -> pd.Index:
        """The keys of all groups, a level for each key column."""
        keys: list[Any] = [group.key for group in self.groups]
        if len(self.by) == 1:
            single: pd.Index = pd.Index(keys, name=self.by[0], tupleize_cols=False)
            return single
        return pd.MultiIndex.from_tuples(keys, names=self.by)

    def rows_of(self, group: Group, names: Sequence[Hashable]) -> Any:
        """Return some columns of a group's rows as a table of the same make."""
        if isinstance(self._frame, pd.DataFrame):
            return self._frame[list(names)].iloc[group.rows]
        return self._frame.select(list(names))[group.rows.tolist()].to_native()

    def column_of(self, group: Group, name: Hashable) -> Any:
        """Return one column of a group's rows."""
        if isinstance(self._frame, pd.DataFrame):
            return self._frame[name].iloc[group.rows]
        return self._frame[name][group.rows.tolist()].to_native()


def split(frame: Any, by: Any, needed: Sequence[Hashable]) -> Split:
    """Divide a table.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
    by : str or sequence of str
        The key column, or several.
    needed : sequence of str
        Further columns that will be asked for.

    Raises
    ------
    InputError
        If it is no such table or has no rows, a column is missing or there twice, a row has no key, or a key is of a
        kind that has no text of its own.
    """
    opened = frame if isinstance(frame, pd.DataFrame) else foreign(frame)
    if not isinstance(opened, pd.DataFrame) and (opened is frame or not hasattr(opened, "columns")):
        raise InputError(
            f"frame must be a table with a row for every observation, got {type(frame).__name__}. Pass a pandas, "
            "polars or pyarrow frame; collect a lazy one first."
        )
    names = (by,) if isinstance(by, str) or not isinstance(by, Sequence) else tuple(by)
    if not names:
        raise InputError("by must name at least one column, got none. Use e.g. by='store'.")
    _check_names(list(opened.columns), {"by": names, "column": tuple(needed)})
    if len(opened) == 0:
        raise InputError("frame must have rows, got none. Check the filter or file it comes from.")
    wanted = list(dict.fromkeys([*names, *needed]))
    kept = opened[wanted] if isinstance(opened, pd.DataFrame) else opened.select(wanted)
    index = kept.index if isinstance(kept, pd.DataFrame) else pd.RangeIndex(len(kept))
    return Split(names, _groups(kept, names, index), index, kept)


def seed_of(random_seed: int, group: Group) -> int:
    """Return the random seed of a group: from the common seed and its key, whatever other groups there are."""
    digest = hashlib.sha256(f"{random_seed} {group.text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1  # below 2**63


def _check_names(there: list[Hashable], wanted: dict[str, tuple[Hashable, ...]]) -> None:
    for argument, names in wanted.items():
        for name in names:
            if there.count(name) != 1:
                found = f"{there.count(name)} of that name" if name in there else f"the columns {there[:10]}"
                raise InputError(f"frame must have one column {name!r} for {argument}=, got {found}. Check the name.")
    twice = set(wanted["by"]) & set(wanted["column"])
    if twice or len(set(wanted["by"])) < len(wanted["by"]):
        raise InputError(
            f"by must name columns that are not fitted themselves, each once, got {list(wanted['by'])} beside "
            f"{list(wanted['column'])}. Within a group a key is the same everywhere."
        )


def _groups(frame: Any, by: tuple[Hashable, ...], index: pd.Index) -> tuple[Group, ...]:
    columns = [frame[name].tolist() if isinstance(frame, pd.DataFrame) else frame[name].to_list() for name in by]
    for name, values in zip(by, columns, strict=True):
        boxed = np.empty(len(values), dtype=object)
        boxed[:] = values
        missing = np.flatnonzero(pd.isna(boxed))
        if missing.size:
            raise InputError(
                f"every row must have a key, got {missing.size} rows without one in {name!r}, the first at "
                f"{index[missing[0]]!r}. Leave them out, e.g. frame.dropna(subset=[{name!r}]), or give them a name."
            )
    rows: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        try:
            rows.setdefault(key, []).append(row)
        except TypeError:
            raise InputError(
                f"keys must be values that can be told apart, such as text, numbers or dates, got {key!r} at "
                f"{index[row]!r}. Turn them into text."
            ) from None
    groups = [
        Group(key[0] if len(by) == 1 else key, _text(key), np.array(where, dtype=np.intp))
        for key, where in _in_order(rows)
    ]
    _check_texts(groups)
    return tuple(groups)


def _in_order(rows: dict[tuple[Any, ...], list[int]]) -> list[tuple[tuple[Any, ...], list[int]]]:
    try:
        return sorted(rows.items(), key=lambda item: item[0])
    except TypeError:
        return list(rows.items())


def _text(key: tuple[Any, ...]) -> str:
    return json.dumps([_tagged(value) for value in key])


def _tagged(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        return "text", str(value)
    if isinstance(value, (bool, np.bool_)):
        return "bool", str(bool(value))
    if isinstance(value, Integral):
        return "int", str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        whole = number.is_integer() and abs(number) < _WHOLE
        return ("int", str(int(number))) if whole else ("float", repr(number))
    if isinstance(value, (datetime, date, time)):
        return "time", value.isoformat()
    if isinstance(value, timedelta):
        return "duration", pd.Timedelta(value).isoformat()
    text = str(value)
    if " at 0x" in text:  # the address of an object, another one in every process
        raise InputError(
            f"keys must be text, numbers, dates or the like, got {type(value).__name__} {text}. Turn them into text."
        )
    return type(value).__name__, text


def _check_texts(groups: Sequence[Group]) -> None:
    seen: dict[str, Hashable] = {}
    for group in groups:
        if group.text in seen:
            raise InputError(
                f"keys must differ in their text, got {seen[group.text]!r} and {group.key!r}. Turn them into text."
            )
        seen[group.text] = group.key
