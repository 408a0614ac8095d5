"""True against predicted classes."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.plots._style import INK, axes_or_new, interval_words, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.evaluation import Evaluation

__all__ = ["plot_confusion"]

_COLORMAP = "Blues"
_MAX_WITH_INTERVALS = 10
_MAX_WITH_COUNTS = 25


def plot_confusion(evaluation: "Evaluation", *, ax: "Axes | None" = None) -> "Axes":
    """Draw the confusion matrix as a heat map with the count and its total interval in every cell.

    Parameters
    ----------
    evaluation : Evaluation
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Rows are true classes, columns predicted ones. Beyond 10 classes the intervals are left out, beyond 25
        the counts too. The label of the lower axis says which interval it is, the title how components were matched to
        classes.

    Examples
    --------
    >>> scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    >>> ax = bm.plots.plot_confusion(scores)
    >>> ax.get_ylabel()
    'true class'
    """
    counts = evaluation.confusion.to_numpy()
    names = [plain(name) for name in evaluation.confusion.columns]
    size = float(np.clip(1.1 * len(names), 2.6, 11.0))
    axes = axes_or_new(ax, width=size + 2.0, height=size + 1.4)
    image = axes.imshow(counts, cmap=_COLORMAP, vmin=0, vmax=max(int(counts.max()), 1))
    if len(names) <= _MAX_WITH_COUNTS:
        _write_cells(axes, evaluation, image.to_rgba(counts)[..., :3])
    axes.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) * len(names) <= 40 else 90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    words = interval_words(evaluation.ci_prob, evaluation.ci_kind)
    brackets = f"rows, [total {words}]" if len(names) <= _MAX_WITH_INTERVALS else "rows"
    axes.set_xlabel(f"predicted class\n({brackets})")
    axes.set_ylabel("true class")
    how = "best match (optimistic)" if evaluation.mapping_kind == "best match" else "declared classes"
    axes.set_title(f"{np.trace(counts)} of {evaluation.n} rows right: {how}", fontsize="medium")
    return axes


def _write_cells(axes: "Axes", evaluation: "Evaluation", colors: FloatArray) -> None:
    counts = evaluation.confusion.to_numpy()
    lower, upper = (frame.to_numpy() for frame in evaluation.confusion_interval)
    # White text where it contrasts more than black: relative luminance below 0.179 (WCAG 2, gamma 2.2).
    dark = colors**2.2 @ [0.2126, 0.7152, 0.0722] < 0.179
    bounds = len(counts) <= _MAX_WITH_INTERVALS
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if dark[row, column] else INK
        if not bounds:
            axes.text(column, row, f"{count}", ha="center", va="center", color=ink, fontsize=8)
            continue
        axes.text(column, row, f"{count}", ha="center", va="bottom", color=ink, fontsize=14)
        text = f"[{lower[row, column]:.1f}, {upper[row, column]:.1f}]"
        axes.text(column, row + 0.08, text, ha="center", va="top", color=ink, fontsize=9)
