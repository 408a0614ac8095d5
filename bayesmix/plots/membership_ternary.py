"""The memberships of rows in three components, as points in a triangle."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.intervals import credible_interval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._rows import component_name, rows_in_words, with_some_rows
from bayesmix.plots._style import GUIDE_COLOR, INK, axes_or_new, component_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_membership_ternary"]

_CORNERS = np.array([[0.0, 0.0], [0.5, np.sqrt(0.75)], [1.0, 0.0]])
_SURE = 0.95
_STEPS = (0.25, 0.5, 0.75)


def plot_membership_ternary(
    fit: "Fit",
    *,
    ci_prob: float | None = None,
    max_rows: int = 2000,
    random_seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw every row as a point in a triangle whose corners are the components.

    A row at a corner is certain; one halfway between two corners may be of either, one in the middle of any. Thick
    lines part the fields in which a component is the most probable one; thin lines are probabilities of 0.25, 0.5 and
    0.75. Points have the colour of the most probable component, and are hollow where other parameters, which the data
    allow, would label the row otherwise (``could_flip`` in ``fit.assignments()``).

    Parameters
    ----------
    fit : Fit
        Of three components, noise and zeros counted, with its data.
    ci_prob : float, optional
        A point is hollow where another component is more probable in more draws than an interval of this probability
        leaves out on one side; ArviZ's ``rcParams`` by default.
    max_rows : int, default 2000
        Of more rows a random sample of so many is drawn, which the plot says.
    random_seed : int, default 0
        Of the sample; fixed so that the same picture comes back.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        The first component is the left corner, the second the upper, the third the right one. A corner says how many
        rows have a probability of more than 0.95 there, since they lie on each other.

    Raises
    ------
    InputError
        If there are not three components, an argument breaks its rule, or the fit was saved without its data.

    Examples
    --------
    >>> ax = bm.plots.plot_membership_ternary(choice.fits[3])
    >>> len(ax.texts) > 3  # the corners say how many rows are sure
    True
    """
    labels = fit.component_labels
    if len(labels) != 3:
        raise InputError(
            f"plot_membership_ternary must have three components (noise and zeros counted), got {len(labels)}. Use "
            f"{'plot_membership_heatmap' if len(labels) > 3 else 'plot_membership_strip'}, for any number of them."
        )
    interval = credible_interval(ci_prob, None)
    some, _ = with_some_rows(fit, max_rows, random_seed)
    probability = np.asarray(some.assignment_probabilities())
    unsure = some.assignments(ci_prob=interval.prob)["could_flip"].to_numpy()
    axes = axes_or_new(ax, width=6.2, height=5.8)
    _draw_triangle(axes)
    for k, label in enumerate(labels):
        _name_corner(axes, k, f"{component_name(label)}\n{int((probability[:, k] > _SURE).sum())} rows above {_SURE:g}")
    _draw_rows(axes, probability @ _CORNERS, np.argmax(probability, axis=1), unsure, labels)
    handles = [c for c in axes.collections if not str(c.get_label()).startswith("_")]
    if unsure.any():
        words = f"could flip ({100 * interval.prob:g} %)"
        handles.append(axes.scatter([], [], s=24, facecolor="none", edgecolor=GUIDE_COLOR, label=words))
    legend_above(
        axes, handles=handles, title=f"{rows_in_words(len(unsure), fit.observations.n)} by most probable component"
    )
    axes.set(xlim=(-0.12, 1.12), ylim=(-0.16, 1.02), aspect="equal")
    axes.set_axis_off()
    return axes


def _draw_triangle(axes: "Axes") -> None:
    """Draw edges, lines of equal probability with their numbers, and the lines where two components are equal."""
    axes.plot(*_CORNERS[[0, 1, 2, 0]].T, color=INK, linewidth=1.2, label="_edges", zorder=1)
    for k in range(3):
        following, last = (k + 1) % 3, (k + 2) % 3
        for step in _STEPS:
            ends = np.zeros((2, 3))
            ends[:, k] = step
            ends[0, following] = ends[1, last] = 1 - step
            line = ends @ _CORNERS
            axes.plot(*line.T, color="#DDDDDD", linewidth=0.7, label="_step", zorder=0)
        middle = np.zeros(3)
        middle[[k, following]] = 0.5
        border = np.array([np.full(3, 1 / 3), middle]) @ _CORNERS
        axes.plot(*border.T, color=GUIDE_COLOR, linewidth=1.4, label="_border", zorder=1)
    # Each edge is the axis of one component: its colour, and numbers that rise towards its corner.
    for step in _STEPS:
        _number(axes, (step, 0, 1 - step), 0, step, offset=(0, -4), ha="center", va="top")
        _number(axes, (1 - step, step, 0), 1, step, offset=(-4, 2), ha="right", va="center")
        _number(axes, (0, 1 - step, step), 2, step, offset=(4, 2), ha="left", va="center")


def _number(
    axes: "Axes", shares: tuple[float, ...], k: int, step: float, *, offset: tuple[int, int], ha: Any, va: Any
) -> None:
    x, y = np.array(shares) @ _CORNERS
    axes.annotate(
        f"{step:g}",
        (float(x), float(y)),
        xytext=offset,
        textcoords="offset points",
        ha=ha,
        va=va,
        color=component_style(k).color,
        fontsize="x-small",
    )


def _name_corner(axes: "Axes", k: int, text: str) -> None:
    x, y = _CORNERS[k]
    upper = y > 0
    axes.annotate(
        text,
        (x, y),
        xytext=(0, 10 if upper else -18),
        textcoords="offset points",
        ha="center",
        va="bottom" if upper else "top",
        color=INK,
        fontsize="small",
    )


def _draw_rows(
    axes: "Axes",
    points: FloatArray,
    component: npt.NDArray[np.intp],
    unsure: npt.NDArray[np.bool_],
    labels: tuple[int | str, ...],
) -> None:
    opacity = float(np.clip(60 / np.sqrt(len(points)) / 10, 0.25, 0.8))
    for k, label in enumerate(labels):
        style = component_style(k)
        for hollow in (False, True):
            chosen = (component == k) & (unsure == hollow)
            if not chosen.any() and hollow:
                continue
            axes.scatter(
                points[chosen, 0],
                points[chosen, 1],
                s=24,
                marker=style.marker,
                facecolor="none" if hollow else style.color,
                edgecolor=style.color,
                linewidth=1.0,
                alpha=None if hollow else opacity,
                label=f"_could flip {k}" if hollow else f"{component_name(label)} ({int((component == k).sum())})",
                clip_on=False,
                zorder=3,
            )
