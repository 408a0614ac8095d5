"""Two numbers of every component against each other: draws of their joint posterior."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.errors import InputError
from bayesmix.plots._legend import legend_above
from bayesmix.plots._parameters import Quantity, named_quantity, quantities
from bayesmix.plots._style import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_parameters"]

_POINTS = 1000
_FAR = 0.0025


def plot_parameters(fit: "Fit", *, x: str | None = None, y: str | None = None, ax: "Axes | None" = None) -> "Axes":
    """Draw the joint posterior of two numbers of every component: a cloud of draws, and its mean.

    Clouds that overlap belong to components that the data hardly tell apart; a cloud along a slope to numbers that the
    data bind only together.

    Parameters
    ----------
    fit : Fit
    x, y : str, optional
        Columns of ``fit.draws()``, such as ``"w"``, ``"mu"``, ``"age_mu"`` or ``"mu[length]"``. By default the first
        two parameters; the first parameter and the weight where there is one parameter.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the data's units. At most 1000 evenly spaced draws of each component, with the farthest 0.25 % on either side
        beyond the frame; components without parameters are left out.

    Examples
    --------
    >>> ax = bm.plots.plot_parameters(fit, x="mu", y="w")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('mu of length', 'weight (share of rows)')
    """
    known = quantities(fit.resolved, fit.layout.names, fit.arrays)
    across, up = _two(known, x, y)
    # Components without parameters have a weight but nothing to draw it against; shared numbers are the same for all.
    lines = min(quantity.draws.shape[1] for quantity in (across, up) if not quantity.shared) if _own(across, up) else 1
    axes = axes_or_new(ax, width=5.5, height=5.0)
    some = np.unique(np.linspace(0, len(across.draws) - 1, min(len(across.draws), _POINTS)).astype(int))
    several = up if across.shared else across
    for line in range(lines):
        style, name = several.style(line), several.lines[line]
        points = [quantity.draws[:, 0 if quantity.shared else line] for quantity in (across, up)]
        axes.plot(
            points[0][some],
            points[1][some],
            style.marker,
            color=style.color,
            markersize=3,
            markeredgewidth=0,
            alpha=0.25,
            label=f"_draws {name}",
        )
        axes.plot(
            points[0].mean(),
            points[1].mean(),
            style.marker,
            color=style.color,
            markeredgecolor="white",
            markersize=9,
            label="all components" if several.shared else f"component {name}",
            zorder=4,
        )
    axes.set_xlim(_limits(across))
    axes.set_ylim(_limits(up))
    axes.set_xlabel(across.label)
    axes.set_ylabel(up.label)
    legend_above(axes, most=min(lines, 4), title="posterior draws and mean")
    return axes


def _limits(quantity: Quantity) -> tuple[float, float]:
    """Return ends between which all draws of all components lie but a few of the farthest."""
    ends = np.quantile(quantity.draws, [_FAR, 1 - _FAR], axis=0)
    low, high = float(ends[0].min()), float(ends[1].max())
    pad = 0.05 * (high - low) or 1.0
    return max(low - pad, quantity.limits[0]), min(high + pad, quantity.limits[1])


def _own(*pair: Quantity) -> bool:
    return any(not quantity.shared for quantity in pair)


def _two(known: list[Quantity], x: str | None, y: str | None) -> tuple[Quantity, Quantity]:
    """Return what is drawn along each axis."""
    parameters = [quantity.name for quantity in known if quantity.name != "w"]
    names = [*parameters, "w"] if len(parameters) == 1 and len(known) > 1 else parameters
    across = names[0] if x is None else x
    rest = [name for name in names if name != across]
    if y is None and not rest:
        raise InputError(
            f"plot_parameters needs two numbers of a component, but {names} is all there is to a single one. Look at "
            "plot_forest."
        )
    return named_quantity(known, across, "x"), named_quantity(known, rest[0] if y is None else y, "y")
