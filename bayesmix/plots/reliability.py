"""Whether stated probabilities come true as often as they say."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.intervals import CredibleInterval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import DATA_COLOR, GUIDE_COLOR, INK, PALETTE, axes_or_new, interval_words, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.evaluation import Evaluation

__all__ = ["plot_reliability"]

_FOOT, _HIGHEST = -0.30, 0.18
"""Where the bars of counts stand under the curve, and how high the largest is."""


def plot_reliability(evaluation: "Evaluation", *, ax: "Axes | None" = None) -> "Axes":
    """Draw the reliability curve with intervals, the diagonal of calibrated probabilities, and the rows of each bin.

    A point stands for the rows of one bin of stated probabilities: how often these came true, against the mean of what
    they said. Below the diagonal probabilities promise too much. Thick bars are the rule interval: what the labelled
    rows say about the rule; thin ones the total interval, which adds how far the posterior leaves the rule open.

    Parameters
    ----------
    evaluation : Evaluation
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Of two classes, the probability of the positive one; of more, that of the predicted class. The numbers are
        those of ``evaluation.reliability``; empty bins have no point. Grey bars at the foot are the numbers of rows.

    References
    ----------
    Bröcker & Smith (2007), Increasing the reliability of reliability diagrams, Weather and Forecasting 22, 651-661.

    Examples
    --------
    >>> scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    >>> ax = bm.plots.plot_reliability(scores)
    >>> ax.get_xlabel()
    'probability of adult'
    """
    axes = axes_or_new(ax, width=5.4, height=6.0)
    table = evaluation.reliability[evaluation.reliability["n"] > 0]
    x, y = table[["probability", "frequency"]].to_numpy(dtype=float).T
    words = interval_words(evaluation.ci_prob, evaluation.ci_kind)
    ends = CredibleInterval(evaluation.ci_prob, evaluation.ci_kind).columns
    handles: list[Any] = axes.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle="--", linewidth=1, label="calibrated")
    handles += axes.plot(x, y, "o-", color=PALETTE[0], linewidth=1.4, markersize=6, label="observed share", zorder=4)
    for which, thick, what in (("rule", 3.4, "rows"), ("total", 1.2, "draws and rows")):
        bounds = table[[f"{which}_{end}" for end in ends]].to_numpy(dtype=float).T
        label = f"{which} {words} ({what})"
        handles.append(axes.vlines(x, *bounds, color=PALETTE[0], linewidth=thick, alpha=0.75, label=label, zorder=3))
    handles.append(_draw_counts(axes, table[["lower", "upper"]].to_numpy(dtype=float), table["n"].to_numpy()))
    positive = evaluation.positive_class
    what = "the predicted class" if positive is None else plain(positive)
    axes.set_xlabel(f"probability of {what}")
    axes.set_ylabel(f"share of the rows that are {'of ' if positive is None else ''}{what}")
    axes.set(xlim=(-0.02, 1.02), ylim=(_FOOT - 0.02, 1.04), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    legend_above(
        axes, handles=handles, title=None if evaluation.mapping_kind == "declared" else "best match (optimistic)"
    )
    return axes


def _draw_counts(axes: "Axes", edges: FloatArray, counts: Any) -> Any:
    """Draw the rows of every bin as bars under the curve, with their number."""
    heights = _HIGHEST * counts / counts.max()
    left, right = edges.T
    bars = axes.bar(left, heights, right - left, _FOOT, align="edge", color=DATA_COLOR, edgecolor="white", label="rows")
    for x, height, count in zip((left + right) / 2, heights, counts.tolist(), strict=True):
        axes.text(x, _FOOT + height + 0.01, f"{count}", ha="center", va="bottom", color=INK, fontsize="x-small")
    axes.axhline(0.0, color=DATA_COLOR, linewidth=0.8, label="_zero", zorder=0)
    return bars
