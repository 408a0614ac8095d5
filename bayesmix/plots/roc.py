"""How well memberships rank the rows of two classes."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import BAND_ALPHA, GUIDE_COLOR, PALETTE, axes_or_new, interval_words, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.evaluation import Evaluation

__all__ = ["plot_roc"]


def plot_roc(evaluation: "Evaluation", *, ax: "Axes | None" = None) -> "Axes":
    """Draw the ROC curve with its pointwise band, the line of guessing, and the area in the legend.

    Band and interval are the total ones, over posterior draws and rows, as the legend says.

    Parameters
    ----------
    evaluation : Evaluation
        Of two classes.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        If there are more than two classes.

    Examples
    --------
    >>> scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    >>> ax = bm.plots.plot_roc(scores)
    >>> ax.get_xlabel()
    'false positive rate (share of child called adult)'
    """
    if len(evaluation.classes) != 2:
        raise InputError(
            f"a ROC curve must have two classes, got {len(evaluation.classes)}. Use plot_confusion, and the "
            "macro one-vs-rest area in the table's row 'roc_auc'; or merge classes: labels == 'name'."
        )
    axes = axes_or_new(ax, width=5.0, height=5.6)
    words = interval_words(evaluation.ci_prob, evaluation.ci_kind)
    ends = [f"total_{end}" for end in CredibleInterval(evaluation.ci_prob, evaluation.ci_kind).columns]
    columns = ["false_positive_rate", "true_positive_rate", *ends]
    x, curve, lower, upper = evaluation.roc[columns].to_numpy(dtype=float).T
    area, low, high = evaluation.table.loc["roc_auc", ["estimate", *ends]]
    label = f"ROC AUC {area:.2f} (total {words} {low:.2f} to {high:.2f})"
    guess = axes.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle="--", linewidth=1, label="guessing")
    band = f"total {words} (draws and rows), pointwise"
    shade = axes.fill_between(x, lower, upper, color=PALETTE[0], alpha=BAND_ALPHA, linewidth=0, label=band)
    # A curve starts at (0, 0) even where its first point is already higher.
    line = axes.plot(np.r_[0.0, x], np.r_[0.0, curve], color=PALETTE[0], linewidth=2, label=label)
    negative, positive = map(plain, evaluation.classes)
    axes.set_xlabel(f"false positive rate (share of {negative} called {positive})")
    axes.set_ylabel(f"true positive rate (share of {positive} called {positive})")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    title = None if evaluation.mapping_kind == "declared" else "best match (optimistic)"
    legend_above(axes, handles=[*line, shade, *guess], title=title)
    return axes
