"""Legends over a plot, with as many entries in a line as there is room for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["columns_that_fit", "legend_above"]

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


def legend_above(
    axes: "Axes", *, most: int = 6, title: str | None = None, handles: Sequence[Any] | None = None
) -> None:
    """Put the legend over the plot, where it covers no data and does not reach beyond it by much.

    Parameters
    ----------
    axes : matplotlib Axes
    most : int, default 6
        Entries per line where there is room for them.
    title : str, optional
    handles : sequence of artists, optional
        In the order wanted; matplotlib's order by default.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    shown = axes.get_legend_handles_labels()[0] if handles is None else handles
    # A legend may be somewhat wider than the plot, which has labels on its left.
    width = 1.1 * axes.get_window_extent().width / float(figure.dpi)
    columns = columns_that_fit([str(handle.get_label()) for handle in shown], width)
    axes.legend(
        handles=shown,
        title=title,
        title_fontsize="small",
        fontsize="small",
        frameon=False,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        borderaxespad=0.3,
        ncols=min(columns, most),
    )
