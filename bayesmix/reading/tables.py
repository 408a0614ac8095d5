"""Tables: frames of any library, dicts of columns, matrices and single rows, opened as columns with names."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data import Interval, align_rows, show_some
from bayesmix.data.raw import RawColumn, foreign, n_entries, raw_column, raw_foreign, raw_series, show
from bayesmix.errors import InputError

__all__ = ["AnyColumn", "Table", "aligned", "open_matrix", "open_table", "picked"]

type AnyColumn = RawColumn | Interval


@dataclass(frozen=True, eq=False)
class Table:
    """Columns that are read when they are asked for, since a frame may hold many that are not wanted.

    Attributes
    ----------
    names : tuple
        Names as the container spells them.
    column : callable
        Returns the column at a position.
    """

    names: tuple[Hashable, ...]
    column: Callable[[int], AnyColumn]


def open_table(y: Any, *, row_of: Sequence[str] = ()) -> Table | None:
    """Open a frame or a dict of columns; None for anything else.

    Parameters
    ----------
    y : DataFrame, polars or pyarrow frame, xarray Dataset or DataArray with named columns, or dict of columns
    row_of : sequence of str
        Names of columns of which a single row may be given instead: as a dict of single values, or as a Series such as
        ``frame.iloc[0]``.

    Raises
    ------
    InputError
        If a table has no columns.
    """
    table = _single_row(y, row_of) if row_of else None
    table = table or _open(y)
    if table is not None and not table.names:
        raise InputError("y must have columns, got none. Check the selection or file the table comes from.")
    return table


def _open(y: Any) -> Table | None:
    if isinstance(y, pd.DataFrame):
        return Table(tuple(y.columns), lambda i: raw_series(y.iloc[:, i]))
    if isinstance(y, Mapping) and not type(y).__module__.startswith("xarray"):
        entries = list(y.values())
        return Table(tuple(y), lambda i: _entry(entries[i], tuple(y)[i]))
    if type(y).__module__.startswith("xarray"):
        return _open_xarray(y)
    if isinstance(y, (Interval, pd.Series, np.ndarray, list, tuple)):
        return None
    frame = foreign(y)
    if frame is y or not hasattr(frame, "columns"):
        return None
    return Table(tuple(frame.columns), lambda i: raw_foreign(frame[frame.columns[i]]))


def _open_xarray(y: Any) -> Table | None:
    import xarray as xr

    if isinstance(y, xr.Dataset):
        variables = tuple(y.data_vars)
        return Table(variables, lambda i: raw_column(y[variables[i]], _called(variables[i])))
    if isinstance(y, xr.DataArray) and y.ndim == 2 and y.dims[1] in y.indexes:
        return Table(tuple(y.indexes[y.dims[1]]), lambda i: raw_column(y[:, i], _called(y.indexes[y.dims[1]][i])))
    return None


def _entry(value: Any, name: Hashable) -> AnyColumn:
    return value if isinstance(value, Interval) else raw_column(value, _called(name))


def _called(name: Hashable) -> str:
    return f"column {str(name)!r}"


def _single_row(y: Any, names: Sequence[str]) -> Table | None:
    """Open a dict of single values or a Series whose index names the columns."""
    if isinstance(y, pd.Series) and set(names) <= {str(label) for label in y.index}:
        label = None if y.name is None else pd.Index([y.name])
        return Table(tuple(y.index), lambda i: RawColumn(_boxed(y.iloc[i]), label))
    if isinstance(y, Mapping) and y and all(_is_single(value) for value in y.values()):
        entries = list(y.values())
        return Table(tuple(y), lambda i: RawColumn(_boxed(entries[i])))
    return None


def _is_single(value: Any) -> bool:
    return not isinstance(value, Interval) and n_entries(value) is None and np.ndim(value) == 0


def _boxed(value: Any) -> npt.NDArray[Any]:
    box = np.empty(1, dtype=object)
    box[0] = value
    return box


def picked(table: Table, names: Sequence[str]) -> list[AnyColumn]:
    """Return the columns of these names.

    Raises
    ------
    InputError
        If a name is missing or occurs twice; with the names that are there.
    """
    positions = [_positions(table.names, name) for name in names]
    missing = [name for name, found in zip(names, positions, strict=True) if not found]
    if missing:
        raise InputError(
            f"y must have the column{'s' if len(missing) > 1 else ''} {show_some(missing, 6)}, got the columns "
            f"{show_some(table.names, 10)}. Rename them, or ask for the columns that are there."
        )
    for name, found in zip(names, positions, strict=True):
        if len(found) > 1:
            raise InputError(f"y must have one column {name!r}, got {len(found)} of that name. Rename the others.")
    return [table.column(found[0]) for found in positions]


def _positions(available: Sequence[Hashable], name: str) -> list[int]:
    exact = [i for i, other in enumerate(available) if isinstance(other, str) and other == name]
    return exact or [i for i, other in enumerate(available) if str(other) == name]


def open_matrix(y: Any, width: int | None = None) -> Table | None:
    """Open a 2-D array or a list of rows; None for anything that has not two dimensions.

    Parameters
    ----------
    y : array, masked array, DataArray, or list of rows
    width : int, optional
        The number of columns that is wanted.

    Raises
    ------
    InputError
        If the rows are of different lengths, or there are no cells, or not `width` columns.
    """
    index: pd.Index | None = None
    if isinstance(y, (list, tuple)):
        cells = _rows_of(y)
    elif isinstance(y, np.ma.MaskedArray):
        cells = np.asarray(np.ma.filled(y.astype(object), np.nan))
    elif isinstance(y, np.ndarray):
        cells = y
    elif type(y).__module__.startswith("xarray") and getattr(y, "ndim", 0) == 2:
        cells, index = np.asarray(y.values), y.indexes.get(y.dims[0])
    else:
        return None
    if cells.ndim != 2:
        return None
    if 0 in cells.shape or width not in (None, cells.shape[1]):
        wanted = "rows and columns" if width is None else f"rows and {width} columns"
        raise InputError(f"y must have {wanted}, got an array of shape {cells.shape}. Check how it was put together.")
    return Table(tuple(f"y{j}" for j in range(cells.shape[1])), lambda j: RawColumn(cells[:, j], index))


def _rows_of(y: Sequence[Any]) -> npt.NDArray[Any]:
    lengths = [n_entries(row) or 0 for row in y]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            raise InputError(
                f"y must have rows of equal length, got {show(y[row])} at row {row} after {show(y[0])} at row 0. "
                "Fill gaps with None."
            )
    return np.asarray(y, dtype=object)


def aligned(columns: Sequence[AnyColumn], names: Sequence[str]) -> tuple[list[AnyColumn], pd.Index]:
    """Bring columns into the order of the first index among them; columns without index go by position.

    Returns
    -------
    columns, index
        Every `RawColumn` carries the index.

    Raises
    ------
    InputError
        If the columns are not equally long or their indexes have different entries.
    """
    index = next((column.index for column in columns if column.index is not None), None)
    lengths = [len(c) if isinstance(c, Interval) else len(c.values) for c in columns]
    for name, length, column in zip(names, lengths, columns, strict=True):
        wanted = lengths[0] if index is None else len(index)
        if length == 0:
            raise InputError("y must have rows, got none. Check the filter or file the table comes from.")
        if length != wanted and (index is None or column.index is None):
            raise InputError(
                f"columns must be equally long, got {length} rows in {name!r} and {wanted} in others. "
                "Fill gaps with None."
            )
    labels = pd.RangeIndex(lengths[0]) if index is None else index
    return [_reordered(column, labels, name) for column, name in zip(columns, names, strict=True)], labels


def _reordered(column: AnyColumn, labels: pd.Index, name: str) -> AnyColumn:
    if column.index is not None and column.index is not labels and not column.index.equals(labels):
        order = align_rows(pd.Series(np.arange(len(column.index)), column.index), labels, name, "the other columns")
        if isinstance(column, Interval):
            return Interval(column.lower[order], column.upper[order])
        return replace(column, values=column.values[order], index=labels)
    return column if isinstance(column, Interval) else replace(column, index=labels)
