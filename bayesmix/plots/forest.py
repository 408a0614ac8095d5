"""Weights and parameters of every component, with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.intervals import CredibleInterval, credible_interval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._parameters import AxesArray, Quantity, draw_lines_of, panels_or_new, quantities
from bayesmix.plots._style import INK, interval_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_forest"]

_INNER = 0.5


def plot_forest(
    fit: "Fit",
    *,
    var_names: str | Sequence[str] | None = None,
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    ax: "Axes | Sequence[Axes] | AxesArray | None" = None,
) -> AxesArray:
    """Draw the posterior mean and two intervals of every weight and parameter, one line for each component.

    Parameters
    ----------
    fit : Fit
    var_names : str or sequence of str, optional
        Some of ``"w"`` and the family's parameters; all that vary by default.
    ci_prob, ci_kind : optional
        Probability and kind of the thin bars; ArviZ's ``rcParams`` by default. The thick ones hold 50 %.
    ax : matplotlib Axes or sequence of them, optional
        One for each panel; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        One panel for each quantity in its own units, for each column or category where it has several. Numbers that
        all components share have one line, ``"all"``. They are those of ``fit.summary()``.

    Examples
    --------
    >>> weight, mu, sigma = bm.plots.plot_forest(fit)
    >>> mu.get_xlabel()
    'mu of length'
    """
    interval = credible_interval(ci_prob, ci_kind)
    shown = quantities(fit.resolved, fit.layout.names, fit.arrays, var_names)
    most = max(len(quantity.lines) for quantity in shown)
    panels = panels_or_new(ax, len(shown), height=1.5 + 0.32 * most)
    for axes, quantity in zip(panels, shown, strict=True):
        for line in range(len(quantity.lines)):
            _draw_line(axes, quantity, line, interval)
        draw_lines_of(axes, quantity)
        axes.set_ylim(len(quantity.lines) - 0.5, -0.5)
    _explain(panels[0], interval)
    return np.array(panels, dtype=object)


def _draw_line(axes: "Axes", quantity: Quantity, line: int, interval: CredibleInterval) -> None:
    draws, color = quantity.draws[:, line], quantity.style(line).color
    inner = CredibleInterval(_INNER, interval.kind)
    for bars, width, name in ((interval, 1.4, "outer"), (inner, 4.0, "inner")):
        low, high = bars.bounds(draws)
        label = f"_{name} {quantity.lines[line]}"
        axes.plot([low, high], [line, line], color=color, linewidth=width, solid_capstyle="butt", label=label)
    axes.plot(
        draws.mean(),
        line,
        quantity.style(line).marker,
        color=color,
        markeredgecolor="white",
        markersize=7,
        label=f"_mean {quantity.lines[line]}",
        zorder=4,
    )


def _explain(axes: "Axes", interval: CredibleInterval) -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], color=INK, marker="o", markeredgecolor="white", linewidth=4, label="mean, 50 %"),
        Line2D([], [], color=INK, linewidth=1.4, label=interval_words(interval.prob, interval.kind)),
    ]
    legend_above(axes, most=2, handles=handles)
