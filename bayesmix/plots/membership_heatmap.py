"""The memberships of rows in many components, as a heat map."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.plots._rows import (
    IntArray,
    name_rows,
    rows_in_words,
    sorted_rows,
    with_some_rows,
)
from bayesmix.plots._style import DATA_COLOR, axes_or_new, component_style, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_membership_heatmap"]

_COLORMAP = "Greys"
"""Without a hue of its own, so that the components' colours stand out."""


def plot_membership_heatmap(
    fit: "Fit", *, max_rows: int = 400, random_seed: int = 0, ax: "Axes | None" = None
) -> "Axes":
    """Draw rows by components as a heat map, darker where a component is more probable.

    Rows are sorted by their most probable component and, within it, by its probability, the surest first; a frame in
    the component's colour surrounds its rows. Shades beside a frame are the components that its rows might belong to
    as well.

    Parameters
    ----------
    fit : Fit
        With its data.
    max_rows : int, default 400
        Of more rows a random sample of so many is drawn, which the axis says.
    random_seed : int, default 0
        Of the sample; fixed so that the same picture comes back.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Rows with their labels up to 40 rows. The shades are those of ``fit.assignment_probabilities()``.

    Raises
    ------
    InputError
        If an argument breaks its rule, or the fit was saved without its data.

    Examples
    --------
    >>> ax = bm.plots.plot_membership_heatmap(choice.fits[3])
    >>> ax.get_xlabel()
    'component'
    """
    some, _ = with_some_rows(fit, max_rows, random_seed)
    rows = some.observations
    probability = np.asarray(some.assignment_probabilities())
    order, component = sorted_rows(probability)
    names = [plain(label) for label in fit.component_labels]
    width = float(np.clip(0.55 * len(names) + 2.2, 4.2, 12.0))
    axes = axes_or_new(ax, width=width, height=float(np.clip(0.18 * rows.n + 1.6, 3.2, 6.5)))
    image = axes.imshow(probability[order], cmap=_COLORMAP, vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    _draw_frames(axes, component)
    axes.set_xticks(
        range(len(names)),
        names,
        rotation=90 if max(map(len, names)) * len(names) > 9 * (width - 1.8) else 0,
        fontsize="small",
    )
    name_rows(axes, "y", rows.index[order], np.arange(float(rows.n)))
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("component")
    axes.set_ylabel(f"{rows_in_words(rows.n, fit.observations.n)}, sorted")
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(rows.n - 0.5, -0.5))
    axes.spines[:].set(visible=True, color=DATA_COLOR)
    axes.figure.colorbar(image, ax=axes, label="probability of the component", pad=0.02)
    return axes


def _draw_frames(axes: "Axes", component: IntArray) -> None:
    """Surround the rows of every component; those of one component follow on each other."""
    from matplotlib.patches import Rectangle

    for k in np.unique(component).tolist():
        own = np.flatnonzero(component == k)
        style = component_style(k)
        axes.add_patch(
            Rectangle(
                (k - 0.5, own[0] - 0.5),
                1.0,
                len(own),
                fill=False,
                edgecolor=style.color,
                linestyle=style.linestyle,
                linewidth=2.0,
                label=f"_rows of component {k}",
                clip_on=False,
                zorder=3,
            )
        )
