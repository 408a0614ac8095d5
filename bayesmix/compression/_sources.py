"""Where rows come from: frames, chunks of them, Parquet files and Dask frames, as batches of raw columns."""

import copy
import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.compression._reduction import Plan, Reduction
from bayesmix.data import FloatArray, Interval, show_some
from bayesmix.data.raw import RawColumn, foreign, raw_column, row_label, to_float
from bayesmix.errors import InputError
from bayesmix.reading.tables import Table, aligned, open_matrix, open_table, picked

__all__ = ["reduced"]

_BATCH = 1 << 18

_ROWS = "a pandas or polars frame, a column, a path of Parquet files, a Dask frame or an iterator of frames"


def reduced(source: Any, plan: Plan) -> Reduction:
    """Pass over a source once.

    Parameters
    ----------
    source : frame, column, path or paths, pyarrow dataset, Dask frame, or iterator of frames
    plan : Plan
    """
    if _is_path(source) or (isinstance(source, (list, tuple)) and source and all(map(_is_path, source))):
        return _streamed(_parquet(_paths(source), plan), plan)
    if type(source).__module__.startswith("dask"):
        return _distributed(source, plan)
    if hasattr(source, "get_fragments"):
        return _streamed(_fragments(source, plan), plan)
    if hasattr(source, "collect") and not hasattr(source, "to_numpy"):
        raise InputError(
            f"source must be {_ROWS}, got the lazy {type(source).__name__}. Call its collect(), or write it to Parquet "
            "and pass the path."
        )
    frames = isinstance(source, (list, tuple)) and bool(source) and all(hasattr(one, "columns") for one in source)
    if frames or isinstance(source, Iterator):
        return _streamed(itertools.chain.from_iterable(map(_slices, source)), plan)
    return _streamed(_slices(source), plan)


def _is_path(source: Any) -> bool:
    return isinstance(source, (str, os.PathLike))


def _streamed(parts: Iterable[Any], plan: Plan, stream: int = 0) -> Reduction:
    """Pass over parts of a table that have the same columns."""
    reduction: Reduction | None = None
    for part in parts:
        batch = _batch(part, plan, None if reduction is None else reduction.names)
        if batch is None:
            continue
        if reduction is None:
            reduction = Reduction(plan, batch.names, stream)
        reduction.add(batch.columns, batch.counts)
    return Reduction(plan, []) if reduction is None else reduction


@dataclass(frozen=True, eq=False)
class _Batch:
    """Some rows: their columns, and how often each counts."""

    names: list[str]
    columns: list[RawColumn]
    counts: FloatArray | None


def _batch(part: Any, plan: Plan, known: Sequence[str] | None) -> _Batch | None:
    """Pick the columns of some rows; None where there are no rows."""
    table = part if isinstance(part, Table) else _open(part)
    names = plan.columns or known
    if names is None:
        names = tuple(str(name) for name in table.names if str(name) != plan.weights)
        if not names:
            raise InputError("source must have a column besides the weights, got none. Check the names.")
    wanted = [*names, *([] if plan.weights is None else [plan.weights])]
    found = picked(table, wanted)
    for name, column in zip(wanted, found, strict=True):
        if isinstance(column, Interval):
            raise InputError(
                f"column {name!r} must hold values to be compressed, got an Interval. Leave it out, or fit it as it is."
            )
    if not any(isinstance(column, RawColumn) and len(column.values) for column in found):
        return None
    ordered, _ = aligned(found, wanted)
    columns = [column for column in ordered if isinstance(column, RawColumn)]
    counts = None if plan.weights is None else _counts(columns.pop(), plan.weights)
    return _Batch(list(names), columns, counts)


def _open(part: Any) -> Table:
    """Open a frame, matrix or column as a table."""
    table = open_table(part) or open_matrix(part)
    if table is not None:
        return table
    if isinstance(part, Interval):
        raise InputError("source must hold values, got an Interval. It is compressed already: fit it with weights=.")
    if not isinstance(part, (list, tuple, np.ndarray, pd.Series)) and foreign(part) is part:
        raise InputError(f"source must be {_ROWS}, got {type(part).__name__}. Convert it first.")
    column = raw_column(part, "source")
    return Table(("y" if column.name in (None, "") else column.name,), lambda _: column)


def _counts(column: RawColumn, name: str) -> FloatArray:
    """Return whole numbers of how often rows count."""
    counts = to_float(column, f"weights {name!r}")
    bad = np.flatnonzero(~((counts >= 1) & (counts == np.floor(counts)) & np.isfinite(counts)))
    if bad.size:
        row = int(bad[0])
        raise InputError(
            f"weights {name!r} must be whole numbers >= 1, got {counts[row]:g} at {row_label(row, column.labels)}; "
            f"{bad.size} such row{'s' if bad.size > 1 else ''} of {counts.size}. Drop rows that count for nothing; "
            "other weights cannot be compressed to counts."
        )
    return counts


def _slices(source: Any) -> Iterator[Any]:
    """Cut rows in memory into batches."""
    if type(source).__name__ == "RecordBatch":
        import pyarrow as pa

        source = pa.Table.from_batches([source])
    frame = foreign(source) if not isinstance(source, (pd.DataFrame, pd.Series, np.ndarray, list, tuple)) else source
    if isinstance(frame, pd.DataFrame):
        for start in range(0, len(frame), _BATCH):
            yield _quick_pandas(frame.iloc[start : start + _BATCH])
        return
    if frame is not source and hasattr(frame, "columns"):
        for start in range(0, len(frame), _BATCH):
            yield _quick(frame[start : start + _BATCH])
        return
    yield from _cut(_open(source))


def _cut(table: Table) -> Iterator[Table]:
    """Cut columns that are arrays already."""
    columns = [table.column(i) for i in range(len(table.names))]
    most = max((len(column.values) for column in columns if isinstance(column, RawColumn)), default=0)
    if most <= _BATCH or any(column.index is not None for column in columns):
        yield Table(table.names, columns.__getitem__)
        return
    for start in range(0, most, _BATCH):
        cut = [
            replace(column, values=column.values[start : start + _BATCH])
            for column in columns
            if isinstance(column, RawColumn)
        ]
        yield Table(table.names, cut.__getitem__)


def _quick_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers with blanks as floats, which are read without a loop in Python."""
    slow = [
        name
        for name in frame.columns.unique()
        if isinstance(kind := frame.dtypes.get(name), pd.api.extensions.ExtensionDtype)
        and pd.api.types.is_integer_dtype(kind)
        and frame[name].hasnans
        and frame[name].fillna(0).abs().max() <= 2**53
    ]
    return frame.astype(dict.fromkeys(slow, "Float64")) if slow else frame


def _quick(frame: Any) -> Any:
    """Return a polars or pyarrow frame with whole numbers with blanks as floats, read without a loop in Python."""
    import narwhals.stable.v2 as nw

    for name in frame.columns:
        column = frame[name]
        if column.dtype.is_integer() and column.null_count() and not (column.drop_nulls().abs().max() or 0) > 2**53:
            frame = frame.with_columns(nw.col(name).cast(nw.Float64))
    return frame.to_native()


def _paths(source: Any) -> list[str]:
    """Return the files that paths, folders and patterns name, in order."""
    found: list[str] = []
    for one in [source] if _is_path(source) else source:
        text = os.fspath(one)
        if not isinstance(text, str):
            raise InputError(f"source must be text or a pathlib.Path, got {one!r}. Use e.g. 'rows.parquet'.")
        if "://" in text or Path(text).exists():
            found.append(text)
        elif names := sorted(glob.glob(text, recursive=True)):
            found += names
        else:
            raise InputError(
                f"source must be an existing Parquet file, folder or pattern, got {text!r}. Check the name."
            )
    return found


def _parquet(paths: list[str], plan: Plan) -> Iterator[Any]:
    """Read Parquet files batch by batch, only the wanted columns."""
    try:
        from pyarrow import dataset
    except ImportError as error:
        raise InputError(
            f"source={paths[0]!r} must be read by pyarrow, which is not installed. Run pip install pyarrow, or pass "
            "frames one by one."
        ) from error
    try:
        opened = dataset.dataset(paths[0] if len(paths) == 1 else paths, format="parquet", partitioning="hive")
        yield from _fragments(opened, plan)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"source must be Parquet files, but {show_some(paths)} cannot be read ({str(error).splitlines()[0]}). Read "
            "other formats by a reader of chunks, e.g. pd.read_csv(path, chunksize=100_000)."
        ) from error


def _fragments(dataset: Any, plan: Plan) -> Iterator[Any]:
    """Read a pyarrow dataset one file after the other."""
    wanted = _wanted(list(dataset.schema.names), plan)
    ahead = {"batch_size": _BATCH // 4, "batch_readahead": 1, "fragment_readahead": 1}
    for fragment in dataset.get_fragments():
        # Arrow keeps what it read of a file until the scan of it ends; a scan of a group of rows ends soon.
        for group in fragment.split_by_row_group() if hasattr(fragment, "split_by_row_group") else [fragment]:
            for batch in group.to_batches(schema=dataset.schema, columns=wanted, **ahead):
                yield from _slices(batch)


def _wanted(names: list[Any], plan: Plan) -> list[Any]:
    """Return the columns that are to be read."""
    wanted = names if plan.columns is None else [*plan.columns, *([plan.weights] if plan.weights else [])]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InputError(
            f"source must have the column{'s' if len(missing) > 1 else ''} {show_some(missing, 6)}, got the columns "
            f"{show_some(names, 10)}. Rename them, or ask for the columns that are there."
        )
    return wanted


def _distributed(source: Any, plan: Plan) -> Reduction:
    """Reduce every partition where it is, and add the results up in a tree; only distinct rows travel."""
    import dask

    task: Any = dask  # its functions have no types
    if not hasattr(source, "to_delayed") or not hasattr(source, "columns"):
        raise InputError(f"source must be {_ROWS}, got a Dask {type(source).__name__}. Turn it into a Dask frame.")
    source = source[_wanted(list(source.columns), plan)] if source.ndim == 2 else source
    reduce, join = task.delayed(_reduced_partition, pure=False), task.delayed(_absorbed, pure=False)
    parts = [reduce(part, plan, number) for number, part in enumerate(source.to_delayed())]
    while len(parts) > 1:
        parts = [join(parts[start : start + 8]) for start in range(0, len(parts), 8)]
    (result,) = task.compute(*parts)
    assert isinstance(result, Reduction)
    return result


def _reduced_partition(part: Any, plan: Plan, number: int) -> Reduction:
    return _streamed(_slices(part), plan, number)


def _absorbed(parts: list[Reduction]) -> Reduction:
    """Add up what is kept of several partitions; those without rows have no columns."""
    filled = [part for part in parts if part.columns]
    if not filled:
        return parts[0]
    # Absorbing changes both; a cluster may run a task again on what it was given.
    first, *others = copy.deepcopy(filled)
    for other in others:
        first.absorb(other)
    return first
