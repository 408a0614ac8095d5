"""Legends over a plot, with as many entries in a line as there is room for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.plots._style import legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["columns_that_fit", "fitted_legend"]

_INCHES_PER_LETTER = 0.064
_INCHES_PER_MARK = 0.55


def columns_that_fit(labels: Sequence[str], width: float) -> int:
    """Return how many entries of a legend stand beside each other on so many inches.

    matplotlib gives a column of the legend the width of its longest entry; lines are filled evenly.

    Parameters
    ----------
    labels : sequence of str
    width : float

    Examples
    --------
    >>> columns_that_fit(["component 0", "component 1", "component 2"], 5.5), columns_that_fit(["a" * 80] * 3, 5.5)
    (3, 1)
    """
    n = len(labels)
    needs = [_INCHES_PER_LETTER * len(label) + _INCHES_PER_MARK for label in labels]
    for columns in range(min(n, 6), 1, -1):
        lines = -(-n // columns)
        used = -(-n // lines)
        # matplotlib fills column by column, the first ones with one more where they do not come out even.
        sizes = [n // used + (c < n % used) for c in range(used)]
        ends = np.cumsum(sizes)
        if sum(max(needs[end - size : end]) for end, size in zip(ends, sizes, strict=True)) <= width:
            return used
    return 1


def fitted_legend(axes: "Axes", handles: Sequence[Any], *, title: str | None = None) -> None:
    """Put the legend over the plot, where it covers no data and does not reach beyond the figure.

    Parameters
    ----------
    axes : matplotlib Axes
    handles : sequence of artists
        In the order wanted.
    title : str, optional
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    # A legend may be somewhat wider than the plot, which has labels on its left.
    width = 1.1 * axes.get_position().width * float(figure.get_figwidth())
    labels = [str(handle.get_label()) for handle in handles]
    legend_above(axes, columns=columns_that_fit(labels, width), title=title, handles=handles)
