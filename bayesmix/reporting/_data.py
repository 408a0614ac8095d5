"""The section on the data: what was fitted, and what an analyst should know of it."""

import numpy as np

from bayesmix.data import Column, Observations
from bayesmix.reporting._blocks import Block, Section, Table, Text, plain
from bayesmix.reporting._numbers import MISSING, cell, facts, table
from bayesmix.reporting._results import Results

__all__ = ["data_section"]

_MAX_COLUMNS = 100


def data_section(results: Results) -> Section:
    """Return the section on the data.

    Parameters
    ----------
    results : Results
    """
    info, rows = results.fit.info, results.fit.data
    blocks: list[Block] = [facts("The rows", {"columns": plain(info.name), "rows": cell(info.n)} | _row_facts(rows))]
    if info.compression is not None:
        words = info.compression.words
        blocks.append(Text(f"The fit ran on compressed data: {plain(words)}. The checks say what that did to it."))
    if rows is None:
        blocks.append(
            Text(
                "The fit was saved without its rows (data=False), so this report has no ties, ranges, memberships or "
                "scores. Save it with data=True to have them.",
                "note",
            )
        )
        if info.total != info.n:
            blocks.append(Text(f"The rows stand for {cell(info.total)} units."))
        return Section("data", "The data", tuple(blocks))
    blocks.append(_columns(results, rows))
    blocks += [Text(note) for note in _notes(rows)]
    return Section("data", "The data", tuple(blocks))


def _row_facts(rows: Observations | None) -> dict[str, str]:
    if rows is None:
        return {}
    found = {"distinct rows": cell(rows.n_distinct)}
    if rows.weights is not None:
        found["units they stand for (weights)"] = cell(rows.total)
    empty = int((~rows.informative).sum())
    if empty:
        found["rows without any value"] = cell(empty)
    if rows.known is not None:
        found["labels used to fit"] = cell(int((~np.isnan(rows.known)).sum()))
    return found


def _columns(results: Results, rows: Observations) -> Table:
    families = _families(results)
    headers = ["column", "family", "values", "missing", "distinct", "smallest", "largest", "most frequent", "step"]
    lines = [
        [plain(one.name), plain(family), *_cells(one)]
        for one, family in zip(rows.columns[:_MAX_COLUMNS], families, strict=False)
    ]
    more = len(rows.columns) - len(lines)
    caption = "The columns" + (f"; {more} more are not shown" if more else "")
    return table(caption, headers, lines, text=["family", "most frequent"])


def _cells(one: Column) -> list[str]:
    present = int(one.present.sum())
    start = [cell(present), cell(len(one.values) - present), cell(one.n_distinct)]
    value, count = one.most_tied
    if one.categories:
        ends, named = [MISSING, MISSING], plain(one.categories[int(value)])
    else:
        ends = [cell(float(np.nanmin(one.lowest))), cell(float(np.nanmax(one.highest)))]
        named = cell(value)
    often = f"{named} ({cell(count)} times)" if count > 1 else MISSING
    return [*start, *ends, often, MISSING if one.resolution is None else cell(one.resolution)]


def _families(results: Results) -> list[str]:
    resolved, names = results.fit.resolved, results.fit.layout.names
    if len(resolved.blocks) == 1:
        return [resolved.blocks[0].family.name] * len(names)
    return [block.family.name for block in resolved.blocks]


def _notes(rows: Observations) -> list[str]:
    notes = []
    if any(one.resolution is not None for one in rows.columns):
        notes.append(
            "Values with a step were taken as rounded: a row counts with the probability of the interval of half a "
            "step to either side, not with a density at a point."
        )
    elif any(one.interval for one in rows.columns):
        notes.append("Some values are intervals, such as censored ones: they count with the interval's probability.")
    if any(not one.present.all() for one in rows.columns):
        notes.append(
            "Missing cells were integrated out. That is right if cells are missing at random, given what was observed "
            "in their rows."
        )
    if rows.weights is not None:
        kind = "counts: a row stands for so many equal units" if rows.weights_are_counts else "not whole numbers"
        notes.append(f"The weights are {kind}.")
    if rows.known is not None:
        notes.append("Labels that were used to fit are believed, and their rows are never scored.")
    return notes
