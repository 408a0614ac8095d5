"""How probable each component is for each row."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bayesmix.assignment import assignment_probabilities
from bayesmix.blocks import read_new_rows
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval, credible_interval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._rows import component_name
from bayesmix.plots._style import (
    BAND_ALPHA,
    GUIDE_COLOR,
    INK,
    axes_or_new,
    component_style,
    draw_rug,
    interval_words,
    plain,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_assignments"]

_MAX_POINTS = 60
_MAX_COUNTS = 30
_CURVE_POINTS = 401


def plot_assignments(
    fit: "Fit", *, ci_prob: float | None = None, ci_kind: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw the probability of membership against the data value.

    Equal rows have equal memberships, so every distinct value is one point; up to 30 points have ``x2`` above
    them where they stand for two rows. Points have the colour of the most probable component. With two
    components the points show the probability of the second one; otherwise that of the most probable component,
    and a line per component shows the others. With more than 60 distinct values, curves and bands over the
    range of the data take the place of points, and ticks on the axis show the rows.

    Parameters
    ----------
    fit : Fit
        With its data.
    ci_prob, ci_kind : optional
        Interval probability and kind; ArviZ's ``rcParams`` by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the data's units. The numbers are those that ``fit.predict`` gives for these values: labels that were used
        to fit do not pin a point.

    Examples
    --------
    >>> ax = bm.plots.plot_assignments(fit)
    >>> ax.get_xlabel()
    'length'
    """
    interval = credible_interval(ci_prob, ci_kind)
    if len(fit.layout.names) > 1 or fit.layout.widths != (1,):
        raise InputError(
            f"plot_assignments needs one column of points for its axis, got {fit.info.measure} in "
            f"{list(fit.layout.names)}. Use plot_membership_strip for any rows, or plot_boundaries(column=...)."
        )
    values, counts = np.unique(fit.observations.values, return_counts=True)
    few = len(values) <= _MAX_POINTS
    x = values if few else np.linspace(values[0], values[-1], _CURVE_POINTS)
    whole = fit.resolved.blocks[0].family.discrete
    if whole and not few:
        x = np.unique(np.round(x))
    labels = fit.component_labels
    frame = _shown(fit.predict(x, ci_prob=interval.prob, ci_kind=interval.kind), interval, labels)
    axes = axes_or_new(ax)
    _draw_lines(axes, fit, x if whole else np.linspace(values[0], values[-1], _CURVE_POINTS))
    for k, label in enumerate(labels):
        chosen = (frame["component"] == label).to_numpy()
        if few:
            _draw_points(axes, x[chosen], frame[chosen], k, component_name(label))
        else:
            _draw_bands(axes, x, frame, chosen, k, component_name(label))
    if few and len(values) <= _MAX_COUNTS:
        for value, count in zip(values, counts, strict=True):
            if count > 1:
                axes.text(value, 1.06, f"x{count}", ha="center", va="center", fontsize="x-small", color=INK)
    if not few:
        draw_rug(axes, fit.observations.values)
    if len(labels) == 2:
        axes.axhline(0.5, color=GUIDE_COLOR, linestyle=":", linewidth=1, label="_half", zorder=0)
    axes.set_xlabel(plain(fit.info.name))
    shown = component_name(labels[1]) if len(labels) == 2 else "the component"
    axes.set_ylabel(f"probability of {shown}")
    axes.set_ylim(-0.04, 1.1)
    words = interval_words(interval.prob, interval.kind)
    title = f"most probable component; {'bars' if few else 'bands'}: {words}"
    legend_above(axes, most=min(len(labels), 4), title=title)
    return axes


def _shown(frame: "pd.DataFrame", interval: CredibleInterval, labels: tuple[int | str, ...]) -> "pd.DataFrame":
    """Name the bounds plainly; with two components turn all into the probability of the second."""
    lower, upper = interval.columns
    plain = frame[["component", "probability", lower, upper]].rename(columns={lower: "lower", upper: "upper"})
    if len(labels) != 2:
        return plain
    first = plain["component"] == labels[0]
    return plain.assign(
        probability=plain["probability"].where(~first, 1 - plain["probability"]),
        lower=plain["lower"].where(~first, 1 - plain["upper"]),
        upper=plain["upper"].where(~first, 1 - plain["lower"]),
    )


def _draw_lines(axes: "Axes", fit: "Fit", x: FloatArray) -> None:
    probability = assignment_probabilities(fit, read_new_rows(fit.resolved.family, x, fit.layout), draws=False).values
    width = len(fit.component_labels)
    for k in range(width):
        style = component_style(k)
        color, line = (GUIDE_COLOR, "-") if width == 2 else (style.color, style.linestyle)
        if width != 2 or k == 1:
            label = f"_probability of component {k}"
            axes.plot(x, probability[:, k], color=color, linestyle=line, linewidth=1, label=label)


def _draw_points(axes: "Axes", x: FloatArray, frame: "pd.DataFrame", k: int, name: str) -> None:
    style = component_style(k)
    probability, lower, upper = (frame[name].to_numpy() for name in ("probability", "lower", "upper"))
    # A mean may lie just outside an extreme narrow interval; bars cannot be negative.
    bars = np.maximum([probability - lower, upper - probability], 0.0)
    axes.errorbar(
        x,
        probability,
        yerr=bars,
        fmt=style.marker,
        color=style.color,
        markersize=6,
        elinewidth=1.3,
        alpha=0.9,
        label=name,
        zorder=3,
    )


def _draw_bands(
    axes: "Axes", x: FloatArray, frame: "pd.DataFrame", chosen: npt.NDArray[np.bool_], k: int, name: str
) -> None:
    style = component_style(k)
    lower, upper, probability = (frame[name].to_numpy() for name in ("lower", "upper", "probability"))
    band = axes.fill_between(x, lower, upper, where=chosen, color=style.color, alpha=BAND_ALPHA, linewidth=0)
    band.set_label("_band")
    line = np.where(chosen, probability, np.nan)
    axes.plot(x, line, color=style.color, linestyle=style.linestyle, linewidth=2.2, label=name, zorder=3)
