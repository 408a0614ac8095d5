"""The one gate for data: whatever the user hands over becomes one validated `Observations`.

Everything behind this module may rely on finite float64 numbers in the user's units, at least two rows, and an index
to label results with. Whatever cannot be promised is refused here, with the offending value, its row and a remedy.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.errors import InputError

__all__ = [
    "Distinct",
    "FloatArray",
    "Observations",
    "align_rows",
    "check_component_count",
    "observe",
    "read_column",
    "show_some",
]

type FloatArray = npt.NDArray[np.float64]

_DEFAULT_NAME = "y"


@dataclass(frozen=True, eq=False)
class Distinct:
    """Distinct values of a column.

    Attributes
    ----------
    values : ndarray of float64, shape (d,)
        Sorted.
    counts : ndarray of float64, shape (d,)
        Summed weights of the rows with that value.
    inverse : ndarray of int, shape (n,)
        ``values[inverse]`` gives the rows back.
    """

    values: FloatArray
    counts: FloatArray
    inverse: npt.NDArray[np.intp]


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
    weights : ndarray of float64, shape (n,), or None
        How often each row counts; None is once each.

    Examples
    --------
    >>> observe([1.0, 2.0, 2.0]).n_distinct
    2
    """

    values: FloatArray
    index: pd.Index
    name: str
    weights: FloatArray | None = None

    @property
    def n(self) -> int:
        """Number of rows, however often each counts."""
        return len(self.values)

    @property
    def total(self) -> float:
        """Sum of the weights: the number of units the rows stand for."""
        return float(self.n) if self.weights is None else float(self.weights.sum())

    @property
    def weights_are_counts(self) -> bool:
        """Whether every weight is a whole number, so that a row stands for that many equal units."""
        return self.weights is None or bool(np.all(self.weights == np.round(self.weights)))

    @cached_property
    def distinct(self) -> Distinct:
        """Distinct values with their summed weights; sorted, so that counts and expanded data give the same bits."""
        values, inverse = np.unique(self.values, return_inverse=True)
        return Distinct(values, np.bincount(inverse, weights=self.weights).astype(np.float64), inverse)

    @property
    def n_distinct(self) -> int:
        """Number of distinct values."""
        return len(self.distinct.values)

    @property
    def most_tied(self) -> tuple[float, float]:
        """The value with the largest summed weight, and that weight."""
        k = int(np.argmax(self.distinct.counts))
        return float(self.distinct.values[k]), float(self.distinct.counts[k])

    @cached_property
    def center(self) -> float:
        """Weighted arithmetic mean, in the user's units."""
        values, low = self.distinct.values, float(self.distinct.values[0])
        return low + float(np.average(values - low, weights=self.distinct.counts))

    @cached_property
    def scale(self) -> float:
        """Weighted standard deviation with divisor n, in the user's units; exact for huge offsets and tiny scales."""
        deviations = self.distinct.values - self.center
        largest = float(np.max(np.abs(deviations)))
        if largest == 0 or self.n_distinct == 1:
            return 0.0
        return largest * math.sqrt(float(np.average((deviations / largest) ** 2, weights=self.distinct.counts)))

    def spread(self, shares: FloatArray) -> FloatArray:
        """Return the values below which these shares of the units lie; counts and expanded data give the same.

        Parameters
        ----------
        shares : ndarray of float in [0, 1]
        """
        below = np.cumsum(self.distinct.counts)
        at = np.minimum(np.searchsorted(below, shares * below[-1]), self.n_distinct - 1)
        return np.asarray(self.distinct.values[at])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of values and weights in their order: equal digests mean the same data."""
        content = hashlib.sha256(np.ascontiguousarray(self.values).tobytes())
        if self.weights is not None:
            content.update(b"weights" + np.ascontiguousarray(self.weights).tobytes())
        return content.hexdigest()

    @property
    def coordinate(self) -> npt.NDArray[Any]:
        """The index as an xarray coordinate: labels where they are plain, positions where they are tuples."""
        if isinstance(self.index, pd.MultiIndex):
            return np.arange(self.n)
        if pd.api.types.is_numeric_dtype(self.index) or pd.api.types.is_datetime64_dtype(self.index):
            return np.asarray(self.index)
        return np.asarray([str(label) for label in self.index], dtype=object)


def observe(y: Any, weights: Any = None) -> Observations:
    """Validate one column of data.

    Parameters
    ----------
    y : list, tuple, numpy array, pandas Series or one-column DataFrame, xarray DataArray, polars or pyarrow column
        One number per row, at least two rows.
    weights : list, array or Series, optional
        How often each row counts, > 0; a Series is aligned by index.

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
    if weights is not None:
        counts = _read_weights(weights, observations.index)
        observations = replace(observations, weights=None if np.all(counts == 1) else counts)
    if observations.n < 2 and observations.total < 2:
        raise InputError(
            f"y must have at least 2 rows, got {observations.n}. "
            "A mixture needs several rows to say anything about groups: pass the whole column."
        )
    return observations


def _read_weights(weights: Any, index: pd.Index) -> FloatArray:
    if isinstance(weights, pd.Series):
        weights = align_rows(weights, index, "weights")
    values = read_column(weights, "`weights`").values
    if len(values) != len(index):
        raise InputError(
            f"`weights` must have one number per row: the data have {len(index)} rows, got {len(values)} weights. "
            "Pass the column of counts that belongs to these rows."
        )
    if np.any(values <= 0):
        row = int(np.flatnonzero(values <= 0)[0])
        raise InputError(
            f"`weights` must be > 0, got {values[row]} at {_row(row, index)}. Drop rows that count for nothing."
        )
    return values


def align_rows(series: pd.Series, index: pd.Index, what: str) -> pd.Series:
    """Bring a Series that belongs to the rows into their order, by index.

    Parameters
    ----------
    series : pandas.Series
        One entry per row.
    index : pandas.Index
        Index of the data.
    what : str
        Name of the argument, for messages.

    Raises
    ------
    InputError
        If the two indexes do not have the same entries, or entries repeat in another order.
    """
    if series.index.equals(index):
        return series
    for owner, which in ((f"the {what}", series.index), ("the data", index)):
        if not which.is_unique:
            repeated = which[which.duplicated()].unique().tolist()
            raise InputError(
                f"`{what}` can be aligned by index only where no index entry is repeated, got an index of "
                f"{owner} with repeated {show_some(repeated)}. Use {what}.to_numpy() to go by position."
            )
    missing = index.difference(series.index, sort=False).tolist()
    extra = series.index.difference(index, sort=False).tolist()
    if missing or extra:
        absent = f"rows without an entry: {len(missing)} ({show_some(missing)})" if missing else ""
        surplus = f"entries without a row: {len(extra)} ({show_some(extra)})" if extra else ""
        raise InputError(
            f"`{what}` must have the same index entries as the data, got {len(series)} {what} for "
            f"{len(index)} rows: {' and '.join(filter(None, (absent, surplus)))}. Use {what}.to_numpy() to "
            f"go by position, or {what}.reindex(…) with the index of the data to leave rows without one."
        )
    return series.reindex(index)


def show_some(values: Sequence[object], most: int = 3) -> str:
    """Return the first few of `values` for a message."""
    return ", ".join(repr(v) for v in values[:most]) + (", …" if len(values) > most else "")


def read_column(y: Any, what: str = "y") -> Observations:
    """Validate a column as `observe` does, but accept a single row: new rows to predict may come one at a time.

    Parameters
    ----------
    y : as for `observe`
    what : str, default "y"
        Name of the argument, for messages.

    Returns
    -------
    Observations
    """
    try:
        return _read(y)
    except InputError as error:
        # Every message of the gate begins with the name of the column.
        raise InputError(what + str(error).removeprefix("y")) from None


def _read(y: Any) -> Observations:
    raw, index, name = _unpack(y)
    if raw.ndim != 1:
        raise InputError(
            f"y must be one column of numbers, got an array of shape {raw.shape}. "
            "Select one column, e.g. y[:, 0] or frame['name']."
        )
    if raw.size == 0:
        raise InputError("y must have rows, got none. Check the filter or file the column comes from.")
    labels = pd.RangeIndex(raw.size) if index is None else index
    values = _to_float(raw, labels)
    _refuse_non_finite(values, labels)
    with np.errstate(over="ignore"):
        if not np.isfinite(values.max() - values.min()):
            raise InputError(
                f"y must span a finite range, got {values.min()} to {values.max()}. Rescale it, e.g. take logarithms."
            )
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
        if kind in "iu" and raw.dtype.itemsize == 8:
            _refuse_large_integers(raw, index)
        return np.array(raw, dtype=np.float64)
    if kind == "O":
        for row, value in enumerate(raw):
            _refuse_non_number(value, row, index)
            if isinstance(value, int):
                _refuse_large_integers(raw[row : row + 1], index[row : row + 1])
        return np.array([float("nan") if value is None or value is pd.NA else float(value) for value in raw])
    wanted = {"b": "booleans", "c": "complex numbers", "M": "dates", "m": "durations", "U": "strings", "S": "bytes"}
    raise InputError(
        f"y must hold real numbers, got {wanted.get(kind, str(raw.dtype))}: {_show(raw[0])} at {_row(0, index)}. "
        f"{_remedy(kind)}"
    )


def _refuse_large_integers(raw: npt.NDArray[Any], index: pd.Index) -> None:
    """Whole numbers above 2**53 would be rounded: distinct values could become ties without a word."""
    large = np.flatnonzero((raw > 2**53) | (raw < -(2**53)))
    if large.size:
        row = int(large[0])
        raise InputError(
            f"y must hold numbers that float64 can represent, got the integer {raw[row]} at {_row(row, index)}, above "
            "2**53. Subtract an offset, or convert to float yourself if the last digits do not matter."
        )


def _refuse_non_number(value: object, row: int, index: pd.Index) -> None:
    if value is None or value is pd.NA or value is pd.NaT:
        return  # refused later as a missing value, with all of its kind counted
    boolean = isinstance(value, (bool, np.bool_))
    if isinstance(value, Real) and not boolean:
        return
    kind = "b" if boolean else "c" if isinstance(value, complex) else "U"
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
