"""Fits and comparisons as they show themselves: a few lines of text, or a card of HTML with a small picture.

They say what a reader needs to go on (what was fitted, the parameters, whether to trust them) and where the rest is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesmix import display
from bayesmix.comparison import CLEAR_DIFFERENCE, Ranking
from bayesmix.data import FloatArray
from bayesmix.diagnostics import Diagnosis
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval, credible_interval
from bayesmix.likelihood import component_densities, thinned
from bayesmix.plots._parameters import Quantity, quantities
from bayesmix.plots._style import component_style
from bayesmix.plots.comparison import shown_differences
from bayesmix.posterior import Posterior
from bayesmix.prediction import categories_of, default_grid, grid_cells, is_discrete

__all__ = [
    "comparison_html",
    "comparison_text",
    "fit_html",
    "fit_text",
    "parameter_table",
    "passed",
    "title_of",
    "verdict_and_notes",
]

_MAX_LINES, _MAX_ACROSS = 12, 6
_FEW = 5
_DRAWS = 400
_POINTS = 101
_MAX_BINS, _MAX_PICTURES = 40, 3
_FEW_VALUES = 8
_DASHES = {"-": "", "--": "5 3", ":": "1.5 3", "-.": "6 3 1.5 3"}
#: The numbers of a comparison that are shown at once, with their digits.
_COLUMNS = {"elpd": 1, "elpd_diff": 2, "dse": 2, "weight": 2, "log_evidence": 1, "r_hat": 3, "ess": 0}
_NOTE = " Note: "
_BEYOND = 0.5


def fit_text(posterior: Posterior, diagnosis: Diagnosis) -> str:
    """Return a fit in some lines: what was fitted, the parameters of each component, the verdict, the priors.

    Parameters
    ----------
    posterior : Posterior
    diagnosis : Diagnosis
    """
    interval = credible_interval()
    frame, more = _parameters(posterior, interval)
    verdict, *notes = diagnosis.text.split(_NOTE)
    lines = [_head(posterior), f"mean [{_words(interval)}]", frame.to_string()]
    lines += [f"… and {more} more: see summary()"] if more else []
    lines.append(verdict)
    lines += [f"{len(notes)} note{'s' if len(notes) > 1 else ''} on the components: see check()"] if notes else []
    return "\n".join([*lines, display.shorten(f"Priors: {_priors(posterior)}.")])


def fit_html(posterior: Posterior, diagnosis: Diagnosis) -> str:
    """Return a fit as a card: the verdict, the densities, the parameters of each component, notes and priors.

    Parameters
    ----------
    posterior : Posterior
    diagnosis : Diagnosis
    """
    verdict, notes = verdict_and_notes(diagnosis)
    pictures = "".join(_picture(posterior, i) for i in range(min(len(posterior.layout.names), _MAX_PICTURES)))
    parts = [
        f"<div>{pictures}</div>" if pictures else "",
        parameter_table(posterior, credible_interval()),
        display.paragraph(verdict),
        display.details(f"{len(notes)} note{'s' if len(notes) > 1 else ''}", display.note_list(notes)) if notes else "",
        display.details("Priors and sampler", display.paragraph(f"{_priors(posterior)}.") + _sampler(posterior)),
    ]
    return display.card(title_of(posterior), parts, ok=diagnosis.ok, verdict=passed(diagnosis.ok))


def verdict_and_notes(diagnosis: Diagnosis) -> tuple[str, list[str]]:
    """Return the verdict on a fit, and what is noted on its components, a sentence or two each."""
    verdict, *notes = diagnosis.text.split(_NOTE)
    return verdict, [note[0].upper() + note[1:] for note in notes]


def parameter_table(posterior: Posterior, interval: CredibleInterval) -> str:
    """Return means and intervals of weights and parameters as HTML, by component, in the components' colours.

    Parameters
    ----------
    posterior : Posterior
    interval : CredibleInterval
    """
    frame, more = _parameters(posterior, interval)
    by_component = not frame.columns.name
    shown = len(frame) if by_component else frame.shape[1]
    colors = [component_style(k).color for k in range(shown)] if shown > 1 else []
    table = display.table(frame.rename_axis(index=f"mean [{_words(interval)}]"), colors, across=not by_component)
    return table + (display.paragraph(f"… and {more} more: see summary()") if more else "")


def passed(ok: bool) -> str:
    """Say whether a fit passed its checks."""
    return "passed its checks" if ok else "did not pass its checks"


def title_of(posterior: Posterior) -> str:
    """Say what was fitted to what."""
    info, resolved = posterior.info, posterior.resolved
    several = "s" if resolved.n_components > 1 else ""
    extras = "".join(f" + {name}" for name in resolved.extras)
    measure = "" if info.measure == "points" else f" as {info.measure}"
    rows = f"{info.n} rows" + ("" if info.compression is None else f", compressed from {info.compression.n_rows},")
    return (
        f"Fit of {resolved.n_components} {resolved.family.name} component{several}{extras} to {rows} of "
        f"{info.name!r}{measure}"
    )


def _head(posterior: Posterior) -> str:
    info = posterior.info
    run = f"{info.chains} x {info.draws} draws, seed {info.random_seed}, {info.seconds:.1f} s"
    if info.lifted:
        run = f"{info.chains} x {info.draws} draws by {info.source}, lifted by from_idata"
    return f"{title_of(posterior)} ({run})"


def _sampler(posterior: Posterior) -> str:
    info = posterior.info
    if info.lifted:
        several = f"{info.chains} chains" if info.chains > 1 else "One chain"
        return display.paragraph(f"{several} of {info.draws} draws by {info.source}, lifted by bayesmix.from_idata.")
    return display.paragraph(
        f"{info.chains} chains of {info.draws} draws in {info.seconds:.1f} s by the {info.engine} engine, random seed "
        f"{info.random_seed}."
    )


def _priors(posterior: Posterior) -> str:
    several = len(posterior.component_labels) > 1
    words = posterior.resolved.priors_in_words()
    return " | ".join(f"{name} {prior}" for name, prior in words.items() if name != "w" or several)


def _words(interval: CredibleInterval) -> str:
    return f"{100 * interval.prob:g} % {interval.kind.upper()}"


def _parameters(posterior: Posterior, interval: CredibleInterval) -> tuple[pd.DataFrame, int]:
    """Return mean and interval of every number as texts, and how many lines were left out.

    Components are rows where each has few numbers; else they are columns, which then have a name.
    """
    known = quantities(posterior.resolved, posterior.layout.names, posterior.arrays)
    names = [str(label) for label in posterior.component_labels]
    cells = {quantity.name: _cells(quantity, interval, names) for quantity in known}
    frame = pd.DataFrame(cells, index=pd.Index(names, name="component"))
    if len(cells) <= _FEW:
        shown = frame.iloc[:_MAX_LINES]
        return shown, len(frame) - len(shown)
    turned = frame.T.rename_axis(index=None, columns="component")
    shown = turned.iloc[:_MAX_LINES, :_MAX_ACROSS]
    return shown, turned.size - shown.size if turned.shape[1] > _MAX_ACROSS else len(turned) - len(shown)


def _cells(quantity: Quantity, interval: CredibleInterval, names: list[str]) -> list[str]:
    low, high = interval.bounds(quantity.draws)
    texts = [_shown(*numbers) for numbers in zip(quantity.draws.mean(axis=0), low, high, strict=True)]
    if quantity.shared:
        return texts * len(names)
    return [*texts, *[""] * (len(names) - len(texts))]


def _shown(mean: float, low: float, high: float) -> str:
    """Return a mean and its interval with two digits of the interval's width."""
    width = high - low
    if not (width > 0 and 1e-4 <= width < 1e6 and abs(mean) < 1e7):
        return f"{mean:.3g} [{low:.3g}, {high:.3g}]"
    digits = max(0, 1 - int(np.floor(np.log10(width))))
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _picture(posterior: Posterior, column: int) -> str:
    """Return the data with the mixture and its components; nothing where there are no data or no distribution."""
    if posterior.data is None:
        return ""
    own, grid = posterior.data.columns[column], default_grid(posterior, column)
    discrete = is_discrete(posterior, column)
    if not discrete:
        grid = np.linspace(grid[0], grid[-1], _POINTS)
    try:
        cells = grid_cells(posterior, column, grid)
    except InputError:  # trials that differ between rows have no one distribution
        return ""
    each = component_densities(posterior, thinned(posterior.arrays, _DRAWS), cells).mean(axis=0)
    curves = [display.Curve(each.sum(axis=0), width=2.0)]
    if len(each) > 1:
        styles = [component_style(k) for k in range(len(each))]
        curves += [
            display.Curve(y, style.color, dash=_DASHES[style.linestyle]) for y, style in zip(each, styles, strict=True)
        ]
    bars = _bars(own.values[own.present], own.merged.counts, own.merged.values, discrete=discrete)
    names = categories_of(posterior, column) or [f"{value:g}" for value in grid]
    ticks = (str(names[0]), str(names[-1])) if discrete else None
    few = discrete and len(grid) <= _FEW_VALUES
    return display.svg_curves(grid, curves, bars, own.name, points=few, ticks=ticks)


def _bars(
    values: FloatArray, counts: FloatArray, distinct: FloatArray, *, discrete: bool
) -> tuple[FloatArray, FloatArray]:
    """Return edges and heights of a histogram."""
    if discrete and np.ptp(distinct) < 2 * _MAX_BINS:
        edges = np.arange(distinct.min(), distinct.max() + 2) - 0.5
    else:
        edges = np.histogram_bin_edges(values, bins="auto")
        if len(edges) > _MAX_BINS + 1:
            edges = np.linspace(edges[0], edges[-1], _MAX_BINS + 1)
    seen = ~np.isnan(distinct)
    heights = np.histogram(distinct[seen], edges, weights=counts[seen])[0]
    return edges, heights / (counts[seen].sum() * np.diff(edges))


def comparison_text(ranking: Ranking, text: str) -> str:
    """Return a comparison in some lines: its main numbers, why fits are missing or not trusted, and the conclusion.

    Parameters
    ----------
    ranking : Ranking
    text : str
        What the comparison allows to conclude.
    """
    table = _main_numbers(ranking.table)
    shown = table.iloc[:_MAX_LINES]
    lines = [shown.to_string()]
    lines += [f"… and {len(table) - len(shown)} more: see table"] if len(shown) < len(table) else []
    notes = [f"{name!r}: {note}" for name, note in ranking.table["note"].items() if note]
    lines += [display.shorten(note, 160) for note in notes[:_FEW]]
    lines += [f"… and {len(notes) - _FEW} more notes: see table"] if len(notes) > _FEW else []
    return "\n".join([*lines, text])


def comparison_html(ranking: Ranking, text: str, best: Any, fits: Mapping[Any, Posterior]) -> str:
    """Return a comparison as a card: the choice, differences in elpd, the main numbers, the conclusion, notes.

    Parameters
    ----------
    ranking : Ranking
    text : str
        What the comparison allows to conclude.
    best : object
        Name of the fit that is recommended; None where there is none.
    fits : mapping
        Name to fit.
    """
    info, by_count = next(iter(fits.values())).info, ranking.table.index.name == "n_components"
    title = f"Comparison of {len(fits)} fit{'s' if len(fits) > 1 else ''} of {info.name!r}, {info.n} rows"
    verdict = "no fit passed its checks" if best is None else f"{'K' if by_count else 'chosen'} = {best}"
    notes = [f"{name}: {note}" for name, note in ranking.table["note"].items() if note]
    rest = ranking.table.drop(columns=[*(name for name in _COLUMNS if name in ranking.table), "note"])
    parts = [
        _differences(ranking, best),
        display.table(_main_numbers(ranking.table)),
        display.paragraph(text),
        display.note_list(notes),
        display.details("Further numbers, explained in bayesmix.comparison.COLUMNS", display.table(rest)),
    ]
    return display.card(title, parts, ok=None if best is not None else False, verdict=verdict)


def _main_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a reader needs first, as texts; those without any number are left out."""
    shown = {name: digits for name, digits in _COLUMNS.items() if name in table and table[name].notna().any()}
    texts = {name: [_number(value, digits) for value in table[name]] for name, digits in shown.items()}
    return pd.DataFrame(texts, index=table.index)


def _number(value: Any, digits: int) -> str:
    if pd.isna(value):
        return ""
    text = f"{float(value):.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _differences(ranking: Ranking, best: Any) -> str:
    """Return a picture of each fit's difference to the best; nothing where there is nothing to compare."""
    table = ranking.table[ranking.table["elpd"].notna()]
    if len(table) < 2:
        return ""
    passed = np.array([name in ranking.passed for name in table.index], dtype=bool)
    diff, error, near = shown_differences(table, passed)
    rows = [
        display.Row(
            str(name),
            float(diff[i]),
            float(diff[i] - error[i]),
            float(diff[i] + error[i]),
            filled=bool(passed[i]),
            color=display.ACCENT if name == best else "currentColor",
        )
        for i, name in enumerate(table.index)
    ]
    limits = (
        min([-CLEAR_DIFFERENCE, *(diff - error)[near].tolist()]),
        max([_BEYOND, *(diff + error)[near].tolist()]),
    )
    marks = [display.Mark(0.0, "best"), display.Mark(-CLEAR_DIFFERENCE, f"{-CLEAR_DIFFERENCE:g}")]
    return display.svg_rows(rows, marks, "elpd less that of the best", limits)
