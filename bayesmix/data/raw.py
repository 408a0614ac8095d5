"""Raw columns: whatever container a column comes in becomes an array, an index and a name, and then numbers.

Nothing here knows what a column is for. Values are never guessed: what is not plainly a number is refused with its row.
Every message begins with `what`, the name under which the user knows the column: ``"y"``, ``"grid"``,
``"column 'age'"``.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.errors import InputError

__all__ = [
    "RawColumn",
    "foreign",
    "n_entries",
    "raw_column",
    "raw_foreign",
    "raw_series",
    "refuse_non_finite",
    "refuse_unbounded",
    "row_label",
    "show",
    "to_float",
]


@dataclass(frozen=True, eq=False)
class RawColumn:
    """One column as it was handed over.

    Attributes
    ----------
    values : ndarray of any type, shape (n,)
    index : pandas.Index or None
        Row labels, None where the container has none.
    name : hashable or None
    levels : tuple or None
        The categories in the order in which their owner declared them; None where nobody did.
    """

    values: npt.NDArray[Any]
    index: pd.Index | None = None
    name: Hashable | None = None
    levels: tuple[Hashable, ...] | None = None

    @property
    def labels(self) -> pd.Index:
        """Row labels, positions where the container has none."""
        return pd.RangeIndex(len(self.values)) if self.index is None else self.index


def raw_column(y: Any, what: str = "y") -> RawColumn:
    """Split a container of one column into values, index and name.

    Parameters
    ----------
    y : list, tuple, numpy array, pandas Series or one-column DataFrame, xarray DataArray, polars or pyarrow column
    what : str
        The column's name in messages.

    Raises
    ------
    InputError
        If it is not one column with at least one row.
    """
    column = _unpack(y, what)
    if column.values.ndim != 1:
        raise InputError(
            f"{what} must be one column, got an array of shape {column.values.shape}. "
            "Select one column, e.g. y[:, 0] or frame['name']."
        )
    if column.values.size == 0:
        raise InputError(f"{what} must have rows, got none. Check the filter or file the column comes from.")
    return column


def _unpack(y: Any, what: str) -> RawColumn:
    if isinstance(y, pd.DataFrame):
        if y.shape[1] != 1:
            raise InputError(
                f"{what} must be one column, got a DataFrame with {y.shape[1]} columns {list(y.columns)[:6]}. "
                "Select one, e.g. frame['name']."
            )
        y = y.iloc[:, 0]
    if isinstance(y, (pd.api.extensions.ExtensionArray, pd.Index)):
        return replace(raw_series(pd.Series(y)), index=None)
    if isinstance(y, pd.Series):
        return raw_series(y)
    if isinstance(y, np.ma.MaskedArray):
        return RawColumn(np.asarray(np.ma.filled(y.astype(object), np.nan)))
    if isinstance(y, np.ndarray):
        return RawColumn(y)
    if isinstance(y, (list, tuple)):
        return RawColumn(_sequence_values(y, what))
    if type(y).__module__.startswith("xarray"):
        return _unpack_xarray(y, what)
    return _unpack_foreign(y, what)


def raw_series(series: pd.Series) -> RawColumn:
    """Split a pandas Series."""
    levels = tuple(series.cat.categories) if isinstance(series.dtype, pd.CategoricalDtype) else None
    return RawColumn(_series_values(series), series.index, series.name, levels)


def _series_values(series: pd.Series) -> npt.NDArray[Any]:
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy()
    if pd.api.types.is_float_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_integer_dtype(series.dtype) and not series.hasnans:
        unsigned = pd.api.types.is_unsigned_integer_dtype(series.dtype)
        return series.to_numpy(dtype=np.uint64 if unsigned else np.int64)
    return np.asarray(series.to_numpy(dtype=object))


def n_entries(value: Any) -> int | None:
    """Return how many entries a list, tuple or array has, and None for anything else.

    NumPy's ``ndim`` builds an array to count dimensions and fails where the entries differ in length.
    """
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0):
        return len(value)
    return None


def _sequence_values(y: Sequence[Any], what: str) -> npt.NDArray[Any]:
    if any(n_entries(value) is not None for value in y):
        try:
            return np.asarray(y)
        except ValueError:
            raise InputError(f"{what} must be one column, got rows of different lengths. Pass a flat list.") from None
    values = np.empty(len(y), dtype=object)
    values[:] = y
    return values


def _unpack_xarray(y: Any, what: str) -> RawColumn:
    import xarray as xr

    if not isinstance(y, xr.DataArray):
        raise InputError(
            f"{what} must be one column, got an xarray {type(y).__name__}. Select one variable, e.g. ds['y']."
        )
    return RawColumn(np.asarray(y.values), y.indexes.get(y.dims[0]) if y.ndim == 1 else None, y.name)


def foreign(y: Any) -> Any:
    """Return a polars, pyarrow or other frame or column as narwhals' frame or column, anything else unchanged."""
    import narwhals.stable.v2 as nw

    return nw.from_native(y, eager_only=True, allow_series=True, pass_through=True)


def _unpack_foreign(y: Any, what: str) -> RawColumn:
    import narwhals.stable.v2 as nw

    column = foreign(y)
    if isinstance(column, nw.DataFrame):
        if len(column.columns) != 1:
            raise InputError(
                f"{what} must be one column, got a table with {len(column.columns)} columns {column.columns[:6]}. "
                "Select one of them."
            )
        column = column[column.columns[0]]
    if not isinstance(column, nw.Series):
        argument = what.strip("`")
        raise InputError(
            f"{what} must be a list, tuple, numpy array, pandas Series or Index, one-column frame or xarray DataArray, "
            f"got {type(y).__name__}. Convert it first, e.g. list({argument if argument.isidentifier() else 'values'})."
        )
    return raw_foreign(column)


def raw_foreign(column: Any) -> RawColumn:
    """Split a narwhals Series."""
    import narwhals.stable.v2 as nw

    plain = column.dtype.is_float() or column.null_count() == 0
    levels = tuple(column.cat.get_categories().to_list()) if isinstance(column.dtype, nw.Enum) else None
    values = column.to_numpy() if plain else np.asarray(column.to_list(), dtype=object)
    return RawColumn(values, None, column.name, levels)


def to_float(column: RawColumn, what: str = "y", *, booleans: bool = False) -> npt.NDArray[np.float64]:
    """Return the numbers of a column, NaN where missing; a copy.

    Parameters
    ----------
    column : RawColumn
    what : str
        The column's name in messages.
    booleans : bool, default False
        Read True and False as 1 and 0 instead of refusing them.

    Raises
    ------
    InputError
        For anything that is not a real number, and for integers that float64 cannot represent.
    """
    raw, index, kind = column.values, column.labels, column.values.dtype.kind
    if kind in "iuf" or (kind == "b" and booleans):
        if kind in "iu" and raw.dtype.itemsize == 8:
            _refuse_large_integers(raw, index, what)
        return np.array(raw, dtype=np.float64)
    if kind == "O":
        for row, value in enumerate(raw):
            _refuse_non_number(value, row, index, what, booleans)
            if isinstance(value, int):
                _refuse_large_integers(raw[row : row + 1], index[row : row + 1], what)
        return np.array([float("nan") if _is_blank(value) else float(value) for value in raw])
    wanted = {"b": "booleans", "c": "complex numbers", "M": "dates", "m": "durations", "U": "strings", "S": "bytes"}
    raise InputError(
        f"{what} must hold real numbers, got {wanted.get(kind, str(raw.dtype))}: {show(raw[0])} at "
        f"{row_label(0, index)}. {_remedy(kind)}"
    )


def _is_blank(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT


def _refuse_large_integers(raw: npt.NDArray[Any], index: pd.Index, what: str) -> None:
    """Whole numbers above 2**53 would be rounded: distinct values could become ties without a word."""
    large = np.flatnonzero((raw > 2**53) | (raw < -(2**53)))
    if large.size:
        row = int(large[0])
        raise InputError(
            f"{what} must hold numbers that float64 can represent, got the integer {raw[row]} at "
            f"{row_label(row, index)}, above 2**53. Subtract an offset, or convert to float yourself if the last "
            "digits do not matter."
        )


def _refuse_non_number(value: object, row: int, index: pd.Index, what: str, booleans: bool) -> None:
    if _is_blank(value):
        return  # where it is refused, later, all of its kind are counted
    boolean = isinstance(value, (bool, np.bool_))
    if (isinstance(value, Real) and not boolean) or (boolean and booleans):
        return
    kind = "b" if boolean else "c" if isinstance(value, complex) else "U"
    if isinstance(value, (pd.Timestamp, np.datetime64)) or hasattr(value, "isoformat"):
        kind = "M"
    raise InputError(
        f"{what} must hold real numbers, got {type(value).__name__} {show(value)} at {row_label(row, index)}. "
        f"{_remedy(kind)}"
    )


def _remedy(kind: str) -> str:
    return {
        "b": "For zeros and ones as numbers use .astype(float).",
        "c": "Take the real part or the modulus, e.g. with numpy.abs.",
        "M": "Turn dates into numbers first, e.g. days since a start.",
        "m": "Turn durations into numbers first, e.g. divide by pandas.Timedelta('1h').",
    }.get(kind, "Convert the column first, e.g. with pandas.to_numeric(column, errors='coerce').")


def refuse_non_finite(
    values: npt.NDArray[np.float64], index: pd.Index, what: str, *, missing_allowed: bool = False
) -> None:
    """Refuse infinite and, unless allowed, missing values.

    Raises
    ------
    InputError
        With the first such value, its row, and how many there are.
    """
    bad = np.flatnonzero(np.isinf(values) if missing_allowed else ~np.isfinite(values))
    if bad.size == 0:
        return
    row = int(bad[0])
    kind = "missing (NaN)" if np.isnan(values[row]) else "infinite"
    raise InputError(
        f"{what} must hold finite numbers, got {values[row]} ({kind}) at {row_label(row, index)}; {bad.size} such "
        f"row{'s' if bad.size > 1 else ''} of {values.size}. Drop or repair them first, e.g. with numpy.isfinite."
    )


def refuse_unbounded(values: npt.NDArray[np.float64], what: str) -> None:
    """Refuse finite values whose range is not a finite number.

    Raises
    ------
    InputError
        With the ends of the range.
    """
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if not np.isfinite(high - low):
        raise InputError(f"{what} must span a finite range, got {low} to {high}. Rescale it, e.g. take logarithms.")


def row_label(row: int, index: pd.Index) -> str:
    """Return a row's position and, where it says more, its index entry."""
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return f"row {row}"
    return f"row {row} (index {index[row]!r})"


def show(value: object) -> str:
    """Return the first characters of a value for a message."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
