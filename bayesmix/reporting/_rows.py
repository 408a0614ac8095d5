"""The sections on rows: memberships, the uncertain ones first, and the rule behind them."""

import numpy as np
import pandas as pd

from bayesmix.plots import plot_assignments, plot_density, plot_membership_strip
from bayesmix.reporting._blocks import Block, Section, Table, Text, plain
from bayesmix.reporting._figures import figure
from bayesmix.reporting._numbers import between, cell, column, frame_table, is_number, row_names, table
from bayesmix.reporting._results import Results

__all__ = ["density_section", "memberships_section", "rule_section"]

_MAX_PICTURES = 4
_MAX_DATA_COLUMNS = 6


def density_section(results: Results) -> Section | None:
    """Return the section of pictures of the density, column by column; None where there is nothing to draw.

    Parameters
    ----------
    results : Results
    """
    fit = results.fit
    if fit.data is None:
        return None
    names, interval = fit.layout.names, results.interval
    blocks: list[Block] = []
    for number, name in enumerate(names[:_MAX_PICTURES]):
        of = "" if len(names) == 1 else f" of {plain(repr(name))}"
        blocks.append(
            figure(
                "density" if len(names) == 1 else f"density-{number}",
                lambda ax, name=name: plot_density(
                    fit, column=name, ci_prob=interval.prob, ci_kind=interval.kind, ax=ax
                ),
                alt=f"Histogram{of} with the density of the fit and of its components; the parameters are in the "
                "table of the section before.",
                caption=f"Data and fitted density{of}, with pointwise bands.",
            )
        )
    if len(names) > _MAX_PICTURES:
        blocks.append(Text(f"{len(names) - _MAX_PICTURES} more columns: fit.plot_density(column=...).", "note"))
    return Section("density", "Data and density", tuple(blocks))


def memberships_section(results: Results, *, max_rows: int, figures: bool) -> Section:
    """Return the section on which component each row is in.

    Parameters
    ----------
    results : Results
    max_rows : int
        Rows to list at most.
    figures : bool
    """
    title, frame = "Which group is each row in?", results.assignments
    if frame is None:
        text = "Memberships need the rows, which were not saved with the fit. fit.predict(y) takes them."
        return Section("memberships", title, (Text(text, "note"),))
    if results.single:
        return Section("memberships", title, (Text("There is one component, and every row is in it."),))
    shown = _ambiguous_first(frame, max_rows)
    blocks: list[Block] = [_counts(results, frame), Text(_sentence(frame, shown)), _listed(results, frame, shown)]
    if figures:
        blocks.append(_picture(results))
    return Section("memberships", title, tuple(blocks))


def _picture(results: Results) -> Block:
    """Draw memberships along the data where there is one column of points, else row by row."""
    fit, interval = results.fit, results.interval
    if fit.layout.widths == (1,):
        return figure(
            "memberships",
            lambda ax: plot_assignments(fit, ci_prob=interval.prob, ci_kind=interval.kind, ax=ax),
            alt="Probability of the components against the data value, with intervals.",
            caption="Memberships along the data.",
        )
    return figure(
        "memberships",
        lambda ax: plot_membership_strip(fit, ci_prob=interval.prob, ax=ax),
        alt="A bar for every row, divided by the probabilities of its components, uncertain rows marked.",
        caption="Memberships of the rows; a triangle marks a row that could be in another component.",
    )


def _ambiguous_first(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the rows whose component is least certain, those that could flip before the others."""
    order = np.lexsort((frame["margin"].to_numpy(), ~frame["could_flip"].to_numpy()))
    return frame.iloc[order[:most]]


def _sentence(frame: pd.DataFrame, shown: pd.DataFrame) -> str:
    flips, rest = int(frame["could_flip"].sum()), len(frame) - len(shown)
    text = (
        f"{cell(flips)} of {cell(len(frame))} rows could be in another component under parameters that the data allow. "
    )
    if not rest:
        return f"{text}The least certain rows come first."
    hidden = flips - int(shown["could_flip"].sum())
    return (
        f"{text}The {cell(len(shown))} least certain rows are listed; of the other {cell(rest)}, {cell(hidden)} could "
        "flip. fit.assignments() has all of them."
    )


def _counts(results: Results, frame: pd.DataFrame) -> Table:
    rows = []
    for name in results.fit.component_labels:
        own = frame[frame["component"] == name]
        least = cell(float(own["probability"].min()), 3) if len(own) else cell(None)
        rows.append([cell(name), cell(len(own)), cell(int(own["could_flip"].sum())), least])
    headers = ["component", "rows", "of these could flip", "least certain probability"]
    return table("Rows by their most probable component", headers, rows)


def _listed(results: Results, frame: pd.DataFrame, shown: pd.DataFrame) -> Table:
    lower, upper = results.interval.columns
    data = list(frame.columns[: frame.columns.get_loc("component")])[:_MAX_DATA_COLUMNS]
    words = ["component", "runner-up", "could flip"]
    headers = [*(plain(name) for name in data), "component", "probability", results.interval.words, *words[1:]]
    columns = [
        *([cell(v) for v in shown[name]] for name in data),
        [cell(v) for v in shown["component"]],
        column(list(shown["probability"]), 3),
        [between(low, high) for low, high in zip(shown[lower], shown[upper], strict=True)],
        [cell(v) for v in shown["runner_up"]],
        [cell(v) for v in shown["could_flip"]],
    ]
    rows = [[label, *(one[i] for one in columns)] for i, label in enumerate(row_names(shown))]
    text = words + [plain(name) for name in data if not is_number(frame[name])]
    first = plain(frame.index.name) if frame.index.name is not None else "row"
    return table("The least certain rows", [first, *headers], rows, text=text)


def rule_section(results: Results) -> Section | None:
    """Return the section on where along the only column the most probable component changes; None for one component.

    Parameters
    ----------
    results : Results
    """
    if results.single:
        return None
    if results.rule is None:
        return Section("rule", "The rule", (Text(plain(results.why_no_rule), "note"),))
    rule = results.rule
    blocks: list[Block] = [Text(plain(rule.text))]
    decimals = {"share": 3}
    if len(rule.boundaries):
        caption = "Where the most probable component changes; share is that of the draws which have the boundary"
        frame = rule.boundaries.set_axis([str(i + 1) for i in range(len(rule.boundaries))])
        blocks.append(frame_table(caption, frame, index="boundary no.", decimals=decimals))
    if len(rule.table):
        caption = "Components that come back away from where they are at home"
        frame = rule.table.set_axis([str(i + 1) for i in range(len(rule.table))])
        blocks.append(frame_table(caption, frame, index="stretch no.", decimals=decimals))
    return Section("rule", "The rule", tuple(blocks))
