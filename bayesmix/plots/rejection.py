"""How accurate the rule is where only the surest rows are classified."""

from typing import TYPE_CHECKING, Any

from bayesmix.intervals import CredibleInterval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import BAND_ALPHA, GUIDE_COLOR, PALETTE, axes_or_new, interval_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.evaluation import Evaluation

__all__ = ["plot_rejection"]


def plot_rejection(evaluation: "Evaluation", *, ax: "Axes | None" = None) -> "Axes":
    """Draw the accuracy against the share of rows that are classified, the surest first, with bands.

    On the right all rows are classified, on the left only those that the rule is surest of. A curve that rises to the
    left says that unsure rows are the ones it gets wrong, so that they are worth leaving to somebody else. The dark
    band is the rule interval: what the labelled rows say about the rule; the light one the total interval, which adds
    how far the posterior leaves the rule open. Both are pointwise.

    Parameters
    ----------
    evaluation : Evaluation
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        The numbers are those of ``evaluation.rejection``; the dashed line is the accuracy of always guessing the
        largest class, over all rows.

    References
    ----------
    Nadeem, Zucker & Hanczar (2010), Accuracy-rejection curves (ARCs) for comparing classification methods with a
    reject option, Proceedings of Machine Learning Research 8, 65-81.

    Examples
    --------
    >>> scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    >>> ax = bm.plots.plot_rejection(scores)
    >>> ax.get_ylabel()
    'accuracy among them'
    """
    axes = axes_or_new(ax)
    table, words = evaluation.rejection, interval_words(evaluation.ci_prob, evaluation.ci_kind)
    ends = CredibleInterval(evaluation.ci_prob, evaluation.ci_kind).columns
    kept, accuracy = table[["kept", "accuracy"]].to_numpy(dtype=float).T
    handles: list[Any] = axes.plot(kept, accuracy, color=PALETTE[0], linewidth=2, label="accuracy", zorder=4)
    lowest = min(float(accuracy.min()), evaluation.base_rate)
    for which, opacity, what in (("total", BAND_ALPHA, "draws and rows"), ("rule", 2 * BAND_ALPHA, "rows")):
        lower, upper = table[[f"{which}_{end}" for end in ends]].to_numpy(dtype=float).T
        label = f"{which} {words} ({what})"
        handles.append(axes.fill_between(kept, lower, upper, color=PALETTE[0], alpha=opacity, linewidth=0, label=label))
        lowest = min(lowest, float(lower.min()))
    guess = f"always the largest class: {evaluation.base_rate:.2f}"
    handles.append(axes.axhline(evaluation.base_rate, color=GUIDE_COLOR, linestyle="--", linewidth=1, label=guess))
    axes.set_xlabel("share of the rows that are classified, the surest first")
    axes.set_ylabel("accuracy among them")
    axes.set(xlim=(0.0, 1.0), ylim=(max(0.0, lowest - 0.05), 1.02))
    legend_above(
        axes, handles=handles, title=None if evaluation.mapping_kind == "declared" else "best match (optimistic)"
    )
    return axes
