"""The one gate for data: whatever the user hands over becomes one validated `Observations`.

Everything behind this module may rely on finite float64 numbers in the user's units, at least two rows, and an index
to label results with. Whatever cannot be promised is refused here, with the offending value, its row and a remedy.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Number, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.errors import InputError

__all__ = ["FloatArray", "Observations", "check_component_count", "observe", "read_column"]

type FloatArray = npt.NDArray[np.float64]

_DEFAULT_NAME = "y"


@dataclass(frozen=True, eq=False)
class Observations:
    """Validated rows of one numeric column.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        The data in the user's units; read-only.
    index : pandas.Index, length n
        Row labels; results carry them.
    name : str
        The column's name, ``"y"`` when it had none.

    Examples
    --------
    >>> observe([1.0, 2.0, 2.0]).n_distinct
    2
    """

    values: FloatArray
    index: pd.Index
    name: str

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.values)

    @cached_property
    def _distinct(self) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        values, counts = np.unique(self.values, return_counts=True)
        return values, counts.astype(np.int64)

    @property
    def n_distinct(self) -> int:
        """Number of distinct values."""
        return len(self._distinct[0])

    @property
    def most_tied(self) -> tuple[float, int]:
        """The value that occurs most often, and how often."""
        values, counts = self._distinct
        k = int(np.argmax(counts))
        return float(values[k]), int(counts[k])

    @cached_property
    def center(self) -> float:
        """Arithmetic mean, in the user's units."""
        low = float(self.values.min())
        return low + float(np.mean(self.values - low))

    @cached_property
    def scale(self) -> float:
        """Standard deviation with divisor n, in the user's units; exact for huge offsets and tiny scales."""
        deviations = self.values - self.center
        largest = float(np.max(np.abs(deviations)))
        if largest == 0 or self.n_distinct == 1:
            return 0.0
        return largest * float(np.std(deviations / largest))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the values in their order: equal digests mean the same data."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).hexdigest()

    @property
    def coordinate(self) -> npt.NDArray[Any]:
        """The index as an xarray coordinate: labels where they are plain, positions where they are tuples."""
        if isinstance(self.index, pd.MultiIndex):
            return np.arange(self.n)
        if pd.api.types.is_numeric_dtype(self.index) or pd.api.types.is_datetime64_dtype(self.index):
            return np.asarray(self.index)
        return np.asarray([str(label) for label in self.index], dtype=object)


def observe(y: Any) -> Observations:
    """Validate one column of data.

    Parameters
    ----------
    y : list, tuple, numpy array, pandas Series or one-column DataFrame, xarray DataArray, polars or pyarrow column
        One number per row, at least two rows.

    Returns
    -------
    Observations

    Raises
    ------
    InputError
        For an empty column, a single row, a missing or infinite value, or anything that is not a real number; the
        message shows the value and its row.

    Examples
    --------
    >>> observe([3, 1, 2]).n
    3
    """
    observations = read_column(y)
    if observations.n < 2:
        raise InputError(
            f"y must have at least 2 rows, got {observations.n}. "
            "A mixture needs several rows to say anything about groups: pass the whole column."
        )
    return observations


def read_column(y: Any) -> Observations:
    """Validate a column as `observe` does, but accept a single row: new rows to predict may come one at a time.

    Parameters
    ----------
    y : as for `observe`

    Returns
    -------
    Observations
    """
    raw, index, name = _unpack(y)
    if raw.ndim != 1:
        raise InputError(
            f"y must be one column of numbers, got an array of shape {raw.shape}. "
            "Select one column, e.g. y[:, 0] or frame['name']."
        )
    if raw.size == 0:
        raise InputError("y must have at least 2 rows, got none. Check the filter or file the column comes from.")
    labels = pd.RangeIndex(raw.size) if index is None else index
    values = _to_float(raw, labels)
    _refuse_non_finite(values, labels)
    values.flags.writeable = False
    return Observations(values, labels, name)


def check_component_count(n_components: int, observations: Observations) -> None:
    """Refuse more components than there are distinct values.

    Raises
    ------
    InputError
        If ``n_components > observations.n_distinct``.
    """
    if n_components > observations.n_distinct:
        raise InputError(
            f"n_components must not exceed the number of distinct values, got n_components={n_components} for "
            f"{observations.n_distinct} distinct values in {observations.n} rows. Use fewer components."
        )


def _unpack(y: Any) -> tuple[npt.NDArray[Any], pd.Index | None, str]:
    """Split any accepted container into raw values, index and name."""
    if isinstance(y, pd.DataFrame):
        if y.shape[1] != 1:
            raise InputError(
                f"y must be one column, got a DataFrame with {y.shape[1]} columns {list(y.columns)[:6]}. "
                "Select one, e.g. frame['name']."
            )
        y = y.iloc[:, 0]
    if isinstance(y, pd.Series):
        return _series_values(y), y.index, _column_name(y.name)
    if isinstance(y, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(y.astype(object), np.nan)), None, _DEFAULT_NAME
    if isinstance(y, np.ndarray):
        return y, None, _DEFAULT_NAME
    if isinstance(y, (list, tuple)):
        return _sequence_values(y), None, _DEFAULT_NAME
    if type(y).__module__.startswith("xarray"):
        return _unpack_xarray(y)
    return _unpack_foreign(y)


def _column_name(name: object) -> str:
    return _DEFAULT_NAME if name is None else str(name)


def _series_values(series: pd.Series) -> npt.NDArray[Any]:
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy()
    if pd.api.types.is_bool_dtype(series.dtype) or not pd.api.types.is_numeric_dtype(series.dtype):
        return np.asarray(series.to_numpy(dtype=object))
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _sequence_values(y: Sequence[Any]) -> npt.NDArray[Any]:
    if any(isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) > 0 for value in y):
        try:
            return np.asarray(y)
        except ValueError:
            raise InputError(
                "y must be one column of numbers, got rows of different lengths. Pass a flat list."
            ) from None
    values = np.empty(len(y), dtype=object)
    values[:] = y
    return values


def _unpack_xarray(y: Any) -> tuple[npt.NDArray[Any], pd.Index | None, str]:
    import xarray as xr

    if not isinstance(y, xr.DataArray):
        raise InputError(f"y must be one column, got an xarray {type(y).__name__}. Select one variable, e.g. ds['y'].")
    index = y.indexes.get(y.dims[0]) if y.ndim == 1 else None
    return np.asarray(y.values), index, _column_name(y.name)


def _unpack_foreign(y: Any) -> tuple[npt.NDArray[Any], pd.Index | None, str]:
    """Read polars, pyarrow and other frames that narwhals knows."""
    import narwhals.stable.v2 as nw

    column = nw.from_native(y, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(column, nw.DataFrame):
        if len(column.columns) != 1:
            raise InputError(
                f"y must be one column, got a table with {len(column.columns)} columns {column.columns[:6]}. "
                "Select one of them."
            )
        column = column[column.columns[0]]
    if not isinstance(column, nw.Series):
        raise InputError(
            f"y must be a list, tuple, numpy array, pandas Series, one-column frame or xarray DataArray, "
            f"got {type(y).__name__}. Convert it first, e.g. list(y)."
        )
    values = column.to_numpy() if column.null_count() == 0 else np.asarray(column.to_list(), dtype=object)
    return values, None, _column_name(column.name)


def _to_float(raw: npt.NDArray[Any], index: pd.Index) -> FloatArray:
    kind = raw.dtype.kind
    if kind in "iuf":
        return np.array(raw, dtype=np.float64)
    if kind == "O":
        for row, value in enumerate(raw):
            _refuse_non_number(value, row, index)
        return np.array([float("nan") if value is None or value is pd.NA else float(value) for value in raw])
    wanted = {"b": "booleans", "c": "complex numbers", "M": "dates", "m": "durations", "U": "strings", "S": "bytes"}
    raise InputError(
        f"y must hold real numbers, got {wanted.get(kind, str(raw.dtype))}: {_show(raw[0])} at {_row(0, index)}. "
        f"{_remedy(kind)}"
    )


def _refuse_non_number(value: object, row: int, index: pd.Index) -> None:
    if value is None or value is pd.NA or value is pd.NaT:
        return  # refused later as a missing value, with all of its kind counted
    boolean = isinstance(value, (bool, np.bool_))
    if isinstance(value, Real) and not boolean:
        return
    kind = "b" if boolean else "c" if isinstance(value, Number) else "U"
    if isinstance(value, (pd.Timestamp, np.datetime64)) or hasattr(value, "isoformat"):
        kind = "M"
    raise InputError(
        f"y must hold real numbers, got {type(value).__name__} {_show(value)} at {_row(row, index)}. {_remedy(kind)}"
    )


def _remedy(kind: str) -> str:
    return {
        "b": "For zeros and ones as numbers use y.astype(float).",
        "c": "Take the real part or the modulus, e.g. numpy.abs(y).",
        "M": "Turn dates into numbers first, e.g. days since a start.",
        "m": "Turn durations into numbers first, e.g. y / pandas.Timedelta('1h').",
    }.get(kind, "Convert the column first, e.g. pandas.to_numeric(column, errors='coerce').dropna().")


def _refuse_non_finite(values: FloatArray, index: pd.Index) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size == 0:
        return
    row = int(bad[0])
    what = "missing (NaN)" if np.isnan(values[row]) else "infinite"
    raise InputError(
        f"y must hold finite numbers, got {values[row]} ({what}) at {_row(row, index)}; {bad.size} such "
        f"row{'s' if bad.size > 1 else ''} of {values.size}. Drop or repair them first, e.g. y[numpy.isfinite(y)]."
    )


def _row(row: int, index: pd.Index) -> str:
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return f"row {row}"
    return f"row {row} (index {index[row]!r})"


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
