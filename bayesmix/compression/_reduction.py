"""`Reduction`: what is kept of the rows that have passed, a bounded amount however many they are."""

import bisect
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayesmix.compression._columns import StreamedColumn
from bayesmix.compression._sample import RowSample
from bayesmix.compression._table import BinTable
from bayesmix.data import FloatArray, show_some
from bayesmix.data.raw import RawColumn
from bayesmix.errors import InputError

__all__ = ["MAX_DISTINCT", "Plan", "Reduction"]

MAX_DISTINCT = 2_000_000
"""More distinct rows than this are not kept without bins."""

_WORKING = 1 << 17
"""Bins that are kept while rows pass, if fewer are asked for: fine ones, from which the final ones are chosen."""

_PENDING = 1 << 18

_FINER = 8
_FINE = 1 << 13, 1 << 16
"""Bins that measure what is lost are so many times as many as the rows asked for, within these limits."""

_FINEST = 2.0**-20
"""The first bins have this share of the spread of the column, and less."""

_SPREAD = (0.05, 0.95)


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    Attributes
    ----------
    columns : tuple of str or None
        None for all but the one of weights.
    resolution : float, mapping from column to float, or None
    max_distinct : int or None
    weights : str or None
        The column that says how often a row counts.
    sample_size : int
    seed : int
    """

    columns: tuple[str, ...] | None
    resolution: float | Mapping[str, float] | None
    max_distinct: int | None
    weights: str | None
    sample_size: int
    seed: int


class Reduction:
    """Distinct rows or bins with their counts, and a sample of the rows.

    Parameters
    ----------
    plan : Plan
    names : sequence of str
        The columns.
    stream : int, default 0
        Number of the part of the data.
    """

    def __init__(self, plan: Plan, names: Sequence[str], stream: int = 0) -> None:
        self.plan = plan
        self.columns = [StreamedColumn(name) for name in names]
        self.table: BinTable | None = None
        self.sample = RowSample(plan.sample_size, plan.seed, stream)
        self.widths = _steps(plan.resolution, list(names))
        self._waiting: list[BinTable] = []

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]

    def add(self, batch: Sequence[RawColumn], counts: FloatArray | None) -> None:
        """Take in some rows: one raw column for each column, and how often each counts, or None for once."""
        values = np.stack([column.read(raw) for column, raw in zip(self.columns, batch, strict=True)], axis=1)
        self._refuse_steps_of_text()
        self.sample.add(values, counts)
        each = np.ones(len(values)) if counts is None else counts
        centred = self.plan.resolution is not None
        self._waiting.append(BinTable.of_rows(values, each, self.widths, centred=centred))
        if sum(map(len, self._waiting)) > max(_PENDING, 0 if self.table is None else len(self.table) // 2):
            self._settle()

    def absorb(self, other: "Reduction") -> None:
        """Take in what is kept of another part of the data."""
        for place, (column, theirs) in enumerate(zip(self.columns, other.columns, strict=True)):
            recoded = column.absorb(theirs)
            if recoded is not None:
                other._recode(place, recoded)
        self._refuse_steps_of_text()
        self.sample.absorb(other.sample)
        self._settle()
        other._settle()
        if other.table is None:
            return
        if self.table is None:
            self.table, self.widths = other.table, other.widths
        else:
            self._align(other)
            self._waiting.append(other.table)
        self._settle()

    def finish(self) -> tuple[BinTable, BinTable]:
        """Return the table that was asked for, and one of the same rows in finer bins to measure it by."""
        self._settle()
        if self.table is None:
            raise InputError("the source must have rows, got none. Check the filter or file it comes from.")
        most = self.plan.max_distinct
        if most is None or self.table.n_points() <= most:
            return self.table, self.table
        finer = self._shrunk(self.table, max(most, min(max(_FINER * most, _FINE[0]), _FINE[1])), final=False)
        table = self._shrunk(finer, most, final=True)
        if table.n_points() > most:
            whole = [column.name for column in self.columns if not self._may_be_binned(column)]
            kept = f" Whole numbers and text are kept as they are: {show_some(whole, 6)}." if whole else ""
            raise InputError(
                f"max_distinct must leave room for the values that occur together, got {most} for at least "
                f"{table.n_points()} distinct rows however coarse the bins.{kept} Raise max_distinct, leave columns "
                "out (columns=), or round numbers with many values by resolution={'column': step}."
            )
        return table, finer

    def _recode(self, place: int, codes: FloatArray) -> None:
        """Give the entries of a text column other codes."""
        self._settle()
        arrays = [self.sample.rows] + ([] if self.table is None else [self.table.keys])
        for array in arrays:
            if len(array):
                own = array[:, place]
                array[:, place] = np.append(codes, np.nan)[np.where(np.isnan(own), len(codes), own).astype(np.intp)]

    def _align(self, other: "Reduction") -> None:
        """Bring both tables to the coarser bins of the two, column by column."""
        assert self.table is not None
        assert other.table is not None
        for column in sorted({*self.widths, *other.widths}):
            wanted = max(self.widths.get(column, 0.0), other.widths.get(column, 0.0))
            self.table, other.table = (_to_width(table, column, wanted) for table in (self.table, other.table))
        self.widths = dict(self.table.widths)

    def _settle(self) -> None:
        """Add up what is waiting, and coarsen the bins if there are too many."""
        if self._waiting:
            first, *others = ([] if self.table is None else [self.table]) + self._waiting
            self._waiting = []
            self.table = first.joined(others)
        if self.table is None:
            return
        most = self.plan.max_distinct
        if most is not None and len(self.table) > (working := max(_WORKING, 4 * most)):
            self.table = self._shrunk(self.table, working // 2, final=False)
        if len(self.table) > MAX_DISTINCT:
            self._refuse_so_many(len(self.table))

    def _shrunk(self, table: BinTable, most: int, *, final: bool) -> BinTable:
        """Coarsen the column whose bins are the finest until there are few enough, or nothing is left to coarsen.

        The finest is the one with the largest effective number of bins. As long as the rows so far are like the others,
        the order of the steps does not depend on where they began, so that parts lead to the same bins as the whole.
        """
        for place, column in enumerate(self.columns):
            if self._may_be_binned(column) and place not in table.widths:
                table = table.with_bins(place, _first_width(table, place))
        steps = [(-number, place) for place in table.widths for number in table.steps_of(place)]
        order = [place for _, place in sorted(steps, key=lambda step: step[0])]
        # The number of bins falls with every step; that of points need not, but it is at least as large.
        count = bisect.bisect_left(
            range(len(order) + 1), True, key=lambda n: table.n_coarser(_levels(order[:n])) <= most
        )
        coarse = table.coarser(_levels(order[:count]))
        while final and coarse.n_points() > most and count < len(order):
            coarse = coarse.coarser({order[count]: 1})
            count += 1
        self.widths = dict(coarse.widths)
        return coarse

    def _may_be_binned(self, column: StreamedColumn) -> bool:
        return column.kind == "numbers" and not column.whole

    def _refuse_steps_of_text(self) -> None:
        for place in self.widths:
            column = self.columns[place]
            if column.kind and not column.numeric:
                raise InputError(
                    f"resolution must be given for columns of numbers, got one for {column.name!r}, which holds "
                    f"{column.kind}. Leave it out."
                )

    def _refuse_so_many(self, found: int) -> None:
        remedy = (
            "Use a coarser resolution"
            if self.plan.resolution is not None
            else "Round by resolution={'column': step}"
            if self.plan.max_distinct is not None
            else "Use max_distinct=1000, or resolution= if values are to be rounded"
        )
        raise InputError(
            f"the source must have at most {MAX_DISTINCT} distinct rows to keep them as they are, got {found} so far. "
            f"{remedy}, or leave out columns of identifiers (columns=)."
        )


def _steps(resolution: float | Mapping[str, float] | None, names: list[str]) -> dict[int, float]:
    """Return the width of bins by position."""
    if resolution is None:
        return {}
    if not isinstance(resolution, Mapping):
        if len(names) > 1:
            raise InputError(
                f"resolution must be given by column for several columns, got {resolution!r}. Use e.g. "
                f"resolution={{{names[0]!r}: {resolution!r}}}."
            )
        return {0: resolution}
    for name in resolution:
        if name not in names:
            raise InputError(
                f"resolution must name columns of the source ({show_some(names, 10)}), got {name!r}. Check the "
                "spelling."
            )
    return {names.index(name): step for name, step in resolution.items()}


def _first_width(table: BinTable, place: int) -> float:
    """Return the width of the finest bins: a power of two that is small beside the spread of a column's values."""
    values = table.keys[:, place]
    order = np.argsort(values, kind="stable")[: int(np.sum(~np.isnan(values)))]
    shares = np.cumsum(table.counts[order]) / table.counts[order].sum()
    low, high = (float(values[order[np.searchsorted(shares, share)]]) for share in _SPREAD)
    spread = high - low or float(values[order[-1]] - values[order[0]]) or 1.0
    return 2.0 ** max(math.floor(math.log2(spread * _FINEST)), -1000)


def _levels(steps: Sequence[int]) -> dict[int, int]:
    """Return how many steps there are of each column."""
    return dict(Counter(steps))


def _to_width(table: BinTable, column: int, width: float) -> BinTable:
    if column not in table.widths:
        return table.with_bins(column, width)
    return table.coarser({column: round(math.log2(width / table.widths[column]))})
