"""The memberships of all rows beside each other, as stacked bars."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.intervals import credible_interval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._rows import (
    MOST_NAMED,
    component_handle,
    component_hatch,
    component_name,
    name_rows,
    rows_in_words,
    sorted_rows,
    with_some_rows,
)
from bayesmix.plots._style import INK, axes_or_new, component_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_membership_strip"]

_MARKS_AT = 1.035


def plot_membership_strip(
    fit: "Fit",
    *,
    ci_prob: float | None = None,
    max_rows: int = 500,
    random_seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one bar for each row, divided by the probabilities of its components, uncertain rows marked.

    Rows are sorted by their most probable component and, within it, by its probability, the surest first; white
    lines part the components. A triangle marks a row that other parameters, which the data allow, would label
    otherwise (``could_flip`` in ``fit.assignments()``). It needs no axis for the data, so that tables of any columns
    can be shown.

    Parameters
    ----------
    fit : Fit
        With its data.
    ci_prob : float, optional
        A row is marked where another component is more probable in more draws than an interval of this probability
        leaves out on one side; ArviZ's ``rcParams`` by default.
    max_rows : int, default 500
        Of more rows a random sample of so many is drawn, which the axis says.
    random_seed : int, default 0
        Of the sample; fixed so that the same picture comes back.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Rows on the horizontal axis, with their labels up to 40 rows; bars are as wide as the units that a row stands
        for. The heights are those of ``fit.assignment_probabilities()``.

    Raises
    ------
    InputError
        If an argument breaks its rule, or the fit was saved without its data.

    Examples
    --------
    >>> ax = bm.plots.plot_membership_strip(fit)
    >>> ax.get_ylabel()
    'probability of the component'
    """
    interval = credible_interval(ci_prob, None)
    some, _ = with_some_rows(fit, max_rows, random_seed)
    rows = some.observations
    probability = np.asarray(some.assignment_probabilities())
    order, component = sorted_rows(probability)
    unsure = some.assignments(ci_prob=interval.prob)["could_flip"].to_numpy()[order]
    widths = np.ones(rows.n) if rows.weights is None else rows.weights[order]
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    middles = 0.5 * (edges[:-1] + edges[1:])
    axes = axes_or_new(ax, width=8.0, height=3.6)
    _draw_bars(axes, probability[order], edges)
    for border in edges[np.flatnonzero(np.diff(component)) + 1]:
        axes.axvline(border, ymax=1 / 1.08, color="white", linewidth=2, label="_border", zorder=3)
    handles: list[Any] = [
        component_handle(k, f"{component_name(label)} ({int((component == k).sum())})")
        for k, label in enumerate(fit.component_labels)
    ]
    if unsure.any():
        handles += _draw_marks(axes, middles[unsure], f"could flip ({100 * interval.prob:g} %)")
    name_rows(axes, "x", rows.index[order], middles)
    units = "" if rows.weights is None else ", as wide as the units they stand for"
    axes.set_xlabel(f"{rows_in_words(rows.n, fit.observations.n)}{units}, by component and probability")
    axes.set_ylabel("probability of the component")
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0.0, 1.08), yticks=np.linspace(0, 1, 5))
    axes.spines["bottom"].set_visible(False)
    legend_above(axes, handles=handles, title="most probable component (rows)")
    return axes


def _draw_bars(axes: "Axes", probability: FloatArray, edges: FloatArray) -> None:
    """Stack the components, the first one at the foot."""
    tops = np.cumsum(probability, axis=1)
    feet = tops - probability
    line = 0.4 if len(probability) <= MOST_NAMED else 0.0
    for k in range(probability.shape[1]):
        axes.stairs(
            tops[:, k],
            edges,
            baseline=feet[:, k],
            fill=True,
            facecolor=component_style(k).color,
            edgecolor="white",
            linewidth=line,
            hatch=component_hatch(k),
            label=f"_bars of component {k}",
            zorder=2,
        )


def _draw_marks(axes: "Axes", x: FloatArray, label: str) -> list[Any]:
    few = len(x) <= MOST_NAMED
    return axes.plot(
        x,
        np.full(len(x), _MARKS_AT),
        "v" if few else "|",
        color=INK,
        markersize=5,
        linestyle="",
        label=label,
        clip_on=False,
        zorder=4,
    )
