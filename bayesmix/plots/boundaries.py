"""Memberships along one column, and where the most probable component changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.intervals import CredibleInterval, credible_interval
from bayesmix.plots._curves import membership_curves
from bayesmix.plots._legend import legend_above
from bayesmix.plots._rows import component_hatch, component_name, rows_in_words
from bayesmix.plots._style import BAND_ALPHA, INK, axes_or_new, component_style, draw_rug, interval_words, plain
from bayesmix.prediction import block_of_column, column_position

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_boundaries"]

_POINTS = 401
_RIBBON = (-0.09, -0.03)
_RUG = -0.135
_LEVELS = (1.04, 1.14)
"""Heights of the bars over the boundaries: those of neighbours must not lie on each other."""
_TOP = 1.22
_NEARLY_ALL = 0.95
_LETTER = 0.0105
"""Width of a letter as a share of the plot."""


@dataclass(frozen=True, eq=False)
class _Rule:
    """What is drawn of a column: its boundaries and stretches where a component comes back, and the range shown."""

    boundaries: pd.DataFrame
    returns: pd.DataFrame
    grid: FloatArray
    circular: bool
    discrete: bool

    @property
    def span(self) -> float:
        low, high = self.boundaries.attrs["range"]
        return float(high - low)

    def number(self, value: float) -> str:
        digits = 2 - int(np.floor(np.log10(self.span)))
        return f"{value:.{digits}f}" if 0 <= digits <= 6 else f"{value:.6g}"


def plot_boundaries(
    fit: "Fit",
    column: str | None = None,
    *,
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the probability of each component along a column, and the boundaries between the most probable ones.

    Curves are posterior means with pointwise bands; the band of the first of two components, a mirror image of the
    other, is left out. The ribbon under them has the colour of the most probable component. A vertical line is a
    boundary, and the bar over it the interval of the draws' own boundaries; less than 95 % of draws that have one are
    named with their share. A hatched stretch is one where a component comes back that is at home elsewhere
    (`Fit.rule_shape`); one beyond the plot is named under it. Ticks at the foot are the rows.

    Parameters
    ----------
    fit : Fit
    column : str, optional
        Which column of a table; the others are integrated out.
    ci_prob, ci_kind : optional
        Interval probability and kind of bands and bars; ArviZ's ``rcParams`` by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the column's units, over the range of the fitted rows and a quarter beyond, wider where a boundary lies less
        than a range away. The numbers are those of ``fit.decision_boundaries()`` and ``fit.rule_shape()``.

    Raises
    ------
    InputError
        If there is no such column, several and none is named, it holds categories, or its trials differ.

    Examples
    --------
    >>> ax = bm.plots.plot_boundaries(fit)
    >>> ax.get_ylabel()
    'probability of the component'
    """
    interval = credible_interval(ci_prob, ci_kind)
    position = column_position(fit, column)
    name = fit.layout.names[position]
    rule = _rule_of(fit, name, interval)
    curves = membership_curves(fit, rule.grid, interval, position)
    axes = axes_or_new(ax)
    _draw_regions(axes, rule, curves)
    width = len(fit.component_labels)
    # The band of the first of two components is the mirror image of the other.
    handles = [_draw_curve(axes, curves.isel(component=k), k, rule, width != 2 or k == 1) for k in range(width)]
    words = interval_words(interval.prob, interval.kind)
    inside = rule.boundaries[rule.boundaries["boundary"].between(rule.grid[0], rule.grid[-1])]
    if len(inside):
        handles.append(_draw_marks(axes, inside, rule, interval, f"boundary, bar: {words}"))
    handles += _draw_returns(axes, rule)
    handles += [] if fit.data is None else _draw_rows(axes, fit.data.columns[position].values)
    axes.set_xlabel(plain(name) + "".join(f"\n{text}" for text in _beyond(rule)))
    axes.set_ylabel("probability of the component")
    axes.set(xlim=(rule.grid[0], rule.grid[-1]), ylim=(-0.17, _TOP), yticks=np.linspace(0, 1, 5))
    legend_above(axes, handles=handles, title=f"bands: {words}")
    return axes


def _rule_of(fit: "Fit", name: str, interval: CredibleInterval) -> _Rule:
    family = block_of_column(fit, fit.layout.names.index(name)).family
    options: dict[str, Any] = {"column": name, "ci_prob": interval.prob, "ci_kind": interval.kind}
    if family.circular:
        boundaries, returns = fit.decision_boundaries(**options), pd.DataFrame(columns=["component"])
    else:
        shape = fit.rule_shape(**options)
        boundaries, returns = shape.boundaries, shape.table
    return _Rule(boundaries, returns, _grid(boundaries, family), family.circular, family.discrete)


def _grid(boundaries: pd.DataFrame, family: Any) -> FloatArray:
    """Return the points of the curves: the range of the rows and a quarter beyond, and boundaries not too far off."""
    (low, high), (first, last) = boundaries.attrs["range"], boundaries.attrs["searched"]
    if family.circular:
        return np.linspace(first, last, _POINTS)
    span = high - low
    near = boundaries["boundary"].to_numpy(dtype=float)
    near = near[(near > low - span) & (near < high + span)]
    left = max(first, min(low - span / 4, *(near - span / 10)) if near.size else low - span / 4)
    right = min(last, max(high + span / 4, *(near + span / 10)) if near.size else high + span / 4)
    if family.discrete:
        return np.unique(np.round(np.linspace(np.ceil(left), np.floor(right), _POINTS)))
    return np.linspace(left, right, _POINTS)


def _draw_regions(axes: "Axes", rule: _Rule, curves: "xr.Dataset") -> None:
    """Draw a ribbon with the colours of the most probable components."""
    from matplotlib.patches import Rectangle

    labels = curves["component"].values.tolist()
    table, (left, right) = rule.boundaries, rule.grid[[0, -1]]
    edges = [-np.inf, *table["boundary"], np.inf]
    first = table["from"].iloc[0] if len(table) else labels[int(np.argmax(curves["probability"].values[:, 0]))]
    for label, start, end in zip([first, *table["to"]], edges[:-1], edges[1:], strict=True):
        if end <= left or start >= right:
            continue
        k = labels.index(label)
        left_end, right_end = max(start, left), min(end, right)
        axes.add_patch(
            Rectangle(
                (left_end, _RIBBON[0]),
                right_end - left_end,
                _RIBBON[1] - _RIBBON[0],
                facecolor=component_style(k).color,
                edgecolor="white",
                hatch=component_hatch(k),
                linewidth=0,
                label=f"_region of component {label}",
                zorder=2,
            )
        )


def _draw_curve(axes: "Axes", curve: "xr.Dataset", k: int, rule: _Rule, band: bool) -> Any:
    style, x = component_style(k), rule.grid
    lower, upper = curve["probability_lb"].values, curve["probability_ub"].values
    step: dict[str, Any] = {"step": "mid"} if rule.discrete else {}
    look: dict[str, Any] = {"color": style.color, "alpha": BAND_ALPHA, "linewidth": 0, "zorder": 2}
    if band:
        axes.fill_between(x, lower, upper, label="_band", **look, **step)
    (line,) = axes.plot(
        x,
        curve["probability"].values,
        color=style.color,
        linestyle=style.linestyle,
        linewidth=1.8,
        drawstyle="steps-mid" if rule.discrete else "default",
        label=component_name(curve["component"].item()),
        zorder=4,
    )
    return line


def _draw_marks(axes: "Axes", table: pd.DataFrame, rule: _Rule, interval: CredibleInterval, label: str) -> Any:
    """Draw boundaries as lines over the height of the curves, with bars over them, and numbers where there is room."""
    lower, upper = interval.columns
    taken = [-np.inf, -np.inf]
    handle: Any = None
    for row in table.to_dict("records"):
        at, text = row["boundary"], rule.number(row["boundary"])
        text += "" if row["share"] >= _NEARLY_ALL else f" ({100 * row['share']:.0f} % of draws)"
        low, high = _room(at, text, rule)
        bar = (row[lower], row[upper]) if np.isfinite(row[lower]) else (at, at)
        low, high = min(low, bar[0]), max(high, bar[1])
        level = next((i for i, end in enumerate(taken) if low > end), None)
        height = _LEVELS[level or 0]
        handle = axes.vlines(at, _RIBBON[0], height, color=INK, linewidth=1.1, label="_boundary", zorder=3)
        axes.hlines(height, *bar, color=INK, linewidth=2.2, label="_interval", zorder=5)
        if level is not None:
            taken[level] = high
            middle = sum(_room(at, text, rule)) / 2
            paper: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
            axes.text(
                middle,
                height + 0.015,
                text,
                ha="center",
                va="bottom",
                fontsize="x-small",
                color=INK,
                bbox=paper,
                zorder=6,
            )
    handle.set_label(label)
    return handle


def _room(at: float, text: str, rule: _Rule) -> tuple[float, float]:
    """Return the ends of a text over a boundary, moved into the plot."""
    first, last = rule.grid[0], rule.grid[-1]
    half = 0.5 * _LETTER * (len(text) + 1) * (last - first)
    middle = float(np.clip(at, first + half, last - half))
    return middle - half, middle + half


def _draw_returns(axes: "Axes", rule: _Rule) -> list[Any]:
    """Hatch the stretches that a component wins away from home, as far as they are in the plot."""
    handles = []
    for row in rule.returns.to_dict("records"):
        left, right = sorted((row["boundary"], row["until"]))
        left, right = max(left, rule.grid[0]), min(right, rule.grid[-1])
        if left < right:
            label = f"{component_name(row['component'])} again"
            handles.append(
                axes.axvspan(
                    left,
                    right,
                    facecolor="none",
                    edgecolor="#BBBBBB",
                    hatch="\\\\\\",
                    linewidth=0,
                    label=label,
                    zorder=1,
                )
            )
    return handles


def _draw_rows(axes: "Axes", values: FloatArray) -> list[Any]:
    """Draw a tick for each row, or for some of many, and say how many there are."""
    total, shown = int(np.isfinite(values).sum()), draw_rug(axes, values, height=_RUG)
    label = rows_in_words(shown, shown) if shown == total else f"{shown} of {total} rows"
    return axes.plot([], [], "|", color=INK, markersize=7, label=label)


def _beyond(rule: _Rule) -> list[str]:
    """Say which returns lie outside the plot."""
    return [
        f"{component_name(row['component'])} again {row['side']} {rule.number(row['boundary'])}, outside the plot"
        for row in rule.returns.to_dict("records")
        if not rule.grid[0] <= row["boundary"] <= rule.grid[-1]
    ]
