"""What is on the screen: the density, the parameters of the components and the verdict on them, as HTML."""

import base64
import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from bayesmix import cards, display
from bayesmix.errors import BayesmixError, InputError
from bayesmix.exploring._controls import Controls
from bayesmix.intervals import CredibleInterval, credible_interval
from bayesmix.plots import plot_density
from bayesmix.prediction import column_position, default_grid, is_discrete

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["error_screen", "fit_screen"]

_POINTS = 201
_WIDTH, _HEIGHT, _DPI = 5.8, 3.5, 160


def fit_screen(fit: "Fit", controls: Controls) -> str:
    """Return a fit as HTML.

    Parameters
    ----------
    fit : Fit
    controls : Controls
        Say which column is drawn, and how wide intervals are.
    """
    interval = credible_interval(controls.ci_prob)
    diagnosis = fit.check()
    verdict, notes = cards.verdict_and_notes(diagnosis)
    several = len(fit.component_labels) > 1
    priors = [f"{name} {prior}" for name, prior in fit.resolved.priors_in_words().items() if name != "w" or several]
    parts = [
        '<div style="display:flex;flex-wrap:wrap;gap:0 24px;align-items:flex-start">',
        f'<div style="flex:1 1 min(500px,100%);max-width:640px">{_picture(fit, controls.column, interval)}</div>',
        f'<div style="flex:0 0 auto;max-width:100%">{cards.parameter_table(fit, interval)}</div></div>',
        display.paragraph(verdict),
        display.note_list(notes),
        display.paragraph(f"Priors: {' | '.join(priors)}."),
    ]
    return display.card(cards.title_of(fit), parts, ok=diagnosis.ok, verdict=cards.passed(diagnosis.ok))


def error_screen(error: BaseException) -> str:
    """Return what went wrong in a line, as HTML.

    Parameters
    ----------
    error : exception
        One of the package's says what to do; of others the kind is told, and where they are shown in full.
    """
    if isinstance(error, BayesmixError):
        words = str(error)
    else:
        first = (str(error).strip() or "no message").splitlines()[0]
        words = f"{type(error).__name__}: {first}. The property fit of the explorer raises it in full."
    return display.card("No fit for these settings", [display.paragraph(words)], ok=False, verdict="refused")


def _picture(fit: "Fit", column: str, interval: CredibleInterval) -> str:
    """Draw the density of a column on a figure of its own, which no other thread sees; say why where it has none."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    position = column_position(fit, column)
    grid = None
    if not is_discrete(fit, position):
        whole = default_grid(fit, position)
        grid = np.linspace(whole[0], whole[-1], _POINTS)
    try:
        plot_density(fit, column=column, grid=grid, ci_prob=interval.prob, ci_kind=interval.kind, ax=axes)
    except InputError as error:  # trials that differ between rows have no one distribution
        return display.paragraph(str(error))
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # names are no formulas; set here and not by settings that all threads share
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    k = len(fit.component_labels)
    parts = f"mixture and {k} components" if k > 1 else "one component"
    words = f"Density of {column}: data, {parts} with bands of {interval.words.removesuffix(' interval')}"
    source = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    return f'<img alt="{escape(words)}" src="{source}" style="width:100%">'
