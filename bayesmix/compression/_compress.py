"""`compress`: many rows become few with counts, in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.compression._points import represent
from bayesmix.compression._reduction import Plan, Reduction
from bayesmix.compression._result import Compressed
from bayesmix.compression._sources import reduced
from bayesmix.compression._table import BinTable, IntArray
from bayesmix.data import Bins, FloatArray
from bayesmix.errors import InputError

__all__ = ["compress"]


def compress(
    source: Any,
    *,
    columns: Sequence[str] | None = None,
    resolution: float | Mapping[str, float] | None = None,
    max_distinct: int | None = None,
    weights: str | None = None,
    sample_size: int = 1000,
    random_seed: int | None = None,
) -> Compressed:
    """Reduce a table of any length to distinct rows with counts, in one pass that never holds all rows.

    Without `resolution` and `max_distinct` equal rows are merged and nothing else, and so it is where values were
    rounded in such a way that bins hold one value each: a fit is then that of the original rows, to the last bit.
    Otherwise a bin of rows is represented by a few points that have the number, the mean and the covariance of its
    rows; a fit to them is close to that of the original rows, `Fit.compression_error` measures how close, and
    `Fit.check` says so. ``docs/large-data.md`` has the costs and how good it is.

    Parameters
    ----------
    source : pandas, polars or pyarrow frame, column, path, list of paths, pyarrow dataset, Dask frame, or iterator
        A path is that of a Parquet file, a folder of them or a pattern such as ``"sales/*.parquet"``; only the wanted
        columns are read. Partitions of a Dask frame are reduced where they are, and only distinct rows travel. An
        iterator or list gives frames one after the other, as ``pd.read_csv(path, chunksize=100_000)`` does.
    columns : sequence of str, optional
        The columns that are to be fitted, all by default. The fewer, the better they can be kept.
    resolution : float or mapping from column to float, optional
        The step that values were rounded to, or that they may be rounded to: bins are half a step to either side of
        its multiples. For columns of numbers, in the data's units; others keep their distinct values.
    max_distinct : int, optional
        How many rows may be left. Bins are as fine as that allows: their widths are powers of 2 in the data's units,
        and a column is coarsened only while its effective number of bins is the largest. Columns of whole numbers,
        booleans and text keep their distinct values, and so do missing cells. Give either this or `resolution`.
    weights : str, optional
        The column that says how often a row counts: whole numbers.
    sample_size : int, default 1000
        How many rows to keep as they are, drawn at random, for `Fit.compression_error`.
    random_seed : int, optional
        Of that sample; one is drawn and recorded when left out. The sample depends on the rows' order, not on how they
        are cut into files and chunks; of a Dask frame on its partitions.

    Returns
    -------
    Compressed

    Raises
    ------
    InputError
        If an argument breaks its rule, a column is missing or holds anything but finite numbers, booleans and text,
        more than 2 000 000 distinct rows are to be kept, or `max_distinct` leaves no room for what must be kept.

    Examples
    --------
    >>> y = np.random.default_rng(1).normal(size=10_000)
    >>> few = bm.compress(y, max_distinct=200, random_seed=1)
    >>> few.n_distinct <= 200, few.steps["y"]
    (True, 0.125)
    >>> bool(np.isclose(np.average(few.frame["y"], weights=few.counts), y.mean()))
    True

    Rounded values lose nothing:

    >>> bm.compress(y.round(1), max_distinct=200).exact
    True
    """
    if isinstance(source, Compressed):
        raise InputError("source must be the original rows, got a Compressed. Compress those with other settings.")
    if resolution is not None and max_distinct is not None:
        raise InputError(
            f"either resolution or max_distinct must be left out, got {resolution!r} and {max_distinct!r}. resolution "
            "sets the bins, max_distinct finds them."
        )
    fresh = int(np.random.SeedSequence().generate_state(1)[0])
    seed = fresh if random_seed is None else _whole(random_seed, "random_seed", 0, "Leave it out to draw a fresh seed.")
    plan = Plan(
        columns=_names(columns),
        resolution=_resolution(resolution),
        max_distinct=None if max_distinct is None else _whole(max_distinct, "max_distinct", 2, "Use e.g. 1000."),
        weights=_column_of_weights(weights),
        sample_size=_whole(sample_size, "sample_size", 2, "The default is 1000."),
        seed=seed,
    )
    if plan.columns is not None and plan.weights in plan.columns:
        raise InputError(f"columns must not hold the weights {plan.weights!r}, got both. Leave it out of one.")
    reduction = reduced(source, plan)
    table, finer = reduction.finish()
    places_of_text = {place: c.sorted_codes() for place, c in enumerate(reduction.columns) if c.kind == "text"}
    table, finer = _in_order(table, places_of_text), _in_order(finer, places_of_text)
    return _compressed(table, finer, _recoded(reduction.sample.rows, places_of_text), reduction)


def _names(columns: Any) -> tuple[str, ...] | None:
    if columns is None:
        return None
    if isinstance(columns, str) or not isinstance(columns, Sequence) or not columns:
        raise InputError(f"columns must be a list of names, got {columns!r}. Use e.g. columns=['age', 'income'].")
    names = tuple(map(str, columns))
    if len(set(names)) < len(names):
        raise InputError(f"columns must be different, got {list(names)}. Name each once.")
    return names


def _column_of_weights(weights: Any) -> str | None:
    if weights is not None and not isinstance(weights, str):
        raise InputError(
            f"weights must be the name of a column of the source, got {type(weights).__name__}. Add the counts to the "
            "frame, e.g. frame.assign(count=counts), and use weights='count'."
        )
    return weights


def _resolution(resolution: Any) -> float | dict[str, float] | None:
    if resolution is None:
        return None
    if isinstance(resolution, Mapping):
        if not resolution:
            raise InputError("resolution must name at least one column, got {}. Use e.g. {'age': 1}.")
        return {str(name): _step(step, f"resolution[{str(name)!r}]") for name, step in resolution.items()}
    return _step(resolution, "resolution")


def _step(value: Any, what: str) -> float:
    real = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if not real or not 0 < float(value) < np.inf:
        raise InputError(f"{what} must be a positive number, got {value!r}. Use e.g. 0.5 for half units.")
    return float(value)


def _whole(value: Any, what: str, least: int, hint: str) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{what} must be an integer >= {least}, got {value!r}. {hint}")
    return int(value)


def _in_order(table: BinTable, texts: Mapping[int, FloatArray]) -> BinTable:
    """Return the table with text numbered in its order and rows sorted by it, whatever came first."""
    keys = _recoded(table.keys, texts)
    return replace(table, keys=keys).taken(np.lexsort(keys.T[::-1]))


def _recoded(rows: FloatArray, texts: Mapping[int, FloatArray]) -> FloatArray:
    """Return rows with other codes in some of the columns."""
    out = rows.copy()
    for place, codes in texts.items():
        own = rows[:, place]
        out[:, place] = np.append(codes, np.nan)[np.where(np.isnan(own), len(codes), own).astype(np.intp)]
    return out


def _compressed(table: BinTable, finer: BinTable, sample: FloatArray, reduction: Reduction) -> Compressed:
    """Represent the bins by points; columns in which no bin holds different values are as they were."""
    mean, cross = table.moments()
    spread = table.spread()
    kept = np.flatnonzero(spread.any(axis=0))
    binned = [table.binned[i] for i in kept]
    widths = np.array([table.widths[place] for place in binned])
    box = _box(table.low[:, kept], table.high[:, kept])
    inner = cross[:, kept][:, :, kept]
    points = represent(table.counts, mean[:, kept], inner, spread[:, kept], _sides(table.keys[:, binned]), widths, box)
    values = table.keys[points.bins]
    for i, place in enumerate(table.binned):
        values[:, place] = mean[points.bins, i]
    values[:, binned] = points.places
    names = [column.name for column in reduction.columns]
    steps = {name: table.widths[place] if place in binned else None for place, name in enumerate(names)}
    frame = pd.DataFrame(
        {
            column.name: column.restored(values[:, place], binned=place in binned)
            for place, column in enumerate(reduction.columns)
        }
    )
    bins = _bins(finer, table, points.bins, sample, {place: names[place] for place in binned})
    return Compressed(frame, points.counts.astype(np.int64), steps, reduction.plan.seed, bins)


def _bins(finer: BinTable, table: BinTable, of_points: IntArray, sample: FloatArray, binned: Mapping[int, str]) -> Bins:
    """Return the moments of the finer bins in the columns that were binned, and the places of the sampled rows."""
    mean, cross = finer.moments()
    kept = [finer.binned.index(place) for place in binned]
    return Bins(
        columns=tuple(binned.values()),
        rows=np.searchsorted(of_points, table.find(finer.keys_in(table.widths))),
        counts=finer.counts,
        low=finer.low[:, kept],
        high=finer.high[:, kept],
        mean=mean[:, kept],
        cross=cross[:, kept][:, :, kept],
        sample_bins=finer.find(finer.keys_of(sample)),
        sample=sample[:, list(binned)],
    )


def _box(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the smallest and the largest value of every column."""
    return np.nanmin(low, axis=0, initial=np.inf), np.nanmax(high, axis=0, initial=-np.inf)


def _sides(keys: FloatArray) -> FloatArray:
    """Return 1 and -1 in turn from bin to bin in every direction."""
    return np.asarray(1.0 - 2.0 * (np.nan_to_num(keys).sum(axis=1) % 2))
