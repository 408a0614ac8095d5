"""The section on the number of components, or on which of several fits."""

from typing import Any

import pandas as pd

from bayesmix.comparing import Comparison
from bayesmix.comparison import COLUMNS, adequate
from bayesmix.plots import plot_comparison
from bayesmix.reporting._blocks import Block, Items, Section, Table, Text, plain
from bayesmix.reporting._figures import figure
from bayesmix.reporting._numbers import column, frame_table
from bayesmix.reporting._results import Results, label_of

__all__ = ["choice_section", "decision", "listed", "shown_criteria"]

_DECIMALS = {
    **dict.fromkeys(("elpd", "se", "elpd_diff", "dse", "p", "elpd_waic", "p_waic", "log_evidence"), 2),
    **dict.fromkeys(("weight", "subsampling_dse", "log_evidence_se", "misassigned", "r_hat"), 3),
    **dict.fromkeys(("pareto_k", "occupied"), 2),
    "ess": 0,
    "seconds": 1,
}
_LARGE = 1000.0
_K_DECIMALS = {
    "log_evidence": 2,
    "se": 3,
    "prior": 3,
    "probability": 3,
    "probability_se": 3,
}


def choice_section(results: Results, *, figures: bool) -> Section:
    """Return the section on the comparison.

    Parameters
    ----------
    results : Results
    figures : bool
    """
    comparison = results.comparison
    title = "The number of components"
    if comparison is None:
        text = (
            f"The number of components, {results.fit.n_components}, was given; nothing was compared. "
            "bm.choose_components compares several numbers."
        )
        return Section("choice", title, (Text(text, "note"),))
    by_count = comparison.table.index.name == "n_components"
    ok = bool(adequate(comparison.ranking))
    blocks: list[Block] = [
        Text(plain(decision(results)), "plain" if ok else "warning"),
        Text(plain(comparison.text)),
        comparison_table(comparison),
    ]
    notes = [(label_of(comparison, name), plain(note)) for name, note in comparison.table["note"].items() if note]
    if notes:
        blocks.append(Items(tuple(notes)))
    if figures:
        blocks.append(
            figure(
                "comparison",
                lambda ax: plot_comparison(comparison, numbers=False, ax=ax),
                alt="How far every fit's expected log predictive density is below the best one's, with the standard "
                "error of the difference; the numbers are in the table.",
                caption="Expected log predictive density less that of the best fit, further right is better.",
                size=(7.0, 1.4 + 0.55 * max(len(comparison.table), 2)),
            )
        )
    if results.posterior_of_k is not None:
        caption = "How probable each number of components is, by the evidence"
        blocks.append(frame_table(caption, results.posterior_of_k.table, index="K", decimals=_K_DECIMALS))
        blocks.append(Text(plain(results.posterior_of_k.text)))
    return Section("choice", title if by_count else "Which fit", tuple(blocks))


def decision(results: Results) -> str:
    """Say what the comparison recommends, and which fit the report goes on with.

    Parameters
    ----------
    results : Results
        With a comparison.
    """
    assert results.comparison is not None
    candidates = adequate(results.comparison.ranking)
    if not candidates:
        return (
            f"No fit passed its checks, so that none is recommended. The rest shows {results.label} and must not be "
            "relied on."
        )
    best = label_of(results.comparison, candidates[0])
    if results.name == candidates[0]:
        return f"The comparison recommends {best}, and the rest of the report describes it."
    return (
        f"The comparison recommends {best}. The rest of the report describes {results.label}, as was asked for: that "
        "is a decision of the analyst, not a finding of the comparison."
    )


def listed(comparison: Comparison[Any], names: list[Any]) -> str:
    """Return ``K = 1, 2, 3`` or names in quotes."""
    first, *rest = [label_of(comparison, name) for name in names]
    return ", ".join([first, *(name.removeprefix("K = ") for name in rest)])


def comparison_table(comparison: Comparison[Any]) -> Table:
    """Return the table of a comparison with a column for every fit, so that it fits on paper.

    Parameters
    ----------
    comparison : Comparison
    """
    frame, shown = comparison.table, shown_criteria(comparison)
    headers = ["criterion", *(plain(label_of(comparison, name)) for name in frame.index)]
    rows = [[name, *_cells(frame[name], name)] for name in shown]
    return Table("The fits compared", tuple(headers), tuple(map(tuple, rows)), (False, *[True] * len(frame)))


def shown_criteria(comparison: Comparison[Any]) -> list[str]:
    """Return the columns of a comparison's table that hold something, without its notes.

    Parameters
    ----------
    comparison : Comparison
    """
    frame = comparison.table
    held = [name for name in COLUMNS if name != "note" and frame[name].notna().any()]
    return [name for name in held if name != "subsampling_dse" or frame[name].any()]


def _cells(values: pd.Series, name: str) -> list[str]:
    numbers = list(values)
    if pd.api.types.is_integer_dtype(values):
        return column(numbers)
    decimals = _DECIMALS.get(name)
    if decimals == 2 and values.abs().max() >= _LARGE:
        decimals = 1
    return column([None if pd.isna(v) else float(v) for v in numbers], decimals)
