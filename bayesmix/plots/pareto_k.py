"""How far leave-one-out by importance sampling can be relied on, row by row."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.criteria import PointwiseLOO, pointwise_loo
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.exact import repaired_loo
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import GUIDE_COLOR, INK, PALETTE, axes_or_new, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_pareto_k"]

_USELESS = 1.0
_MANY = 500

#: Rows by what became of them: word, marker, colour, whether it is filled.
_LOOKS = {
    "reliable": ("o", GUIDE_COLOR, True),
    "above the limit, replaced by a refit": ("D", PALETTE[0], False),
    "above the limit, left as it is": ("X", PALETTE[1], True),
}


def plot_pareto_k(fit: "Fit", *, repair: bool = True, n_labels: int = 5, ax: "Axes | None" = None) -> "Axes":
    """Draw the Pareto k of PSIS-LOO of every row, with the limits.

    The Pareto k says how heavily the estimate for a row leans on a few draws. Up to the lower limit it is reliable;
    above 1 it says nothing. A high value marks a row that the fit would change without: an outlier, or one that makes
    up a component alone.

    Parameters
    ----------
    fit : Fit
        With its data.
    repair : bool, default True
        Whether rows above the limit are refitted, as in ``fit.loo()``; False shows which ones would be.
    n_labels : int, default 5
        So many rows with the highest values above the limit are named.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Rows in their order. Rows in which nothing was observed are left out; of large data the rows drawn at random for
        LOO are shown.

    Raises
    ------
    InputError
        If an argument breaks its rule, or the fit has weights that are no counts.

    Examples
    --------
    >>> ax = bm.plots.plot_pareto_k(fit)
    >>> ax.get_ylabel()
    'Pareto k'
    """
    if isinstance(n_labels, bool) or not isinstance(n_labels, (int, np.integer)) or n_labels < 0:
        raise InputError(f"n_labels must be an integer >= 0, got {n_labels!r}. Use 0 for none.")
    loo = repaired_loo(fit) if repair else pointwise_loo(fit)
    rows, at = _shown_rows(fit, loo)
    k = loo.pareto_k[at]
    axes = axes_or_new(ax, width=8.0)
    kinds = np.where(loo.repaired[at], 1, np.where(loo.high_k[at], 2, 0))
    for kind, (words, (marker, color, filled)) in enumerate(_LOOKS.items()):
        chosen = kinds == kind
        if chosen.any():
            axes.plot(
                rows[chosen],
                k[chosen],
                marker,
                color=color,
                markerfacecolor=color if filled else "white",
                markeredgewidth=1.3 if kind else 0,
                markersize=6 if kind else 5 if len(rows) <= _MANY else 2.5,
                alpha=1.0 if kind else 0.7,
                label=f"{words} ({chosen.sum()})",
                zorder=3,
            )
    _draw_limits(axes, loo, k)
    _name_worst(axes, fit, rows, k, loo.good_k, int(n_labels))
    axes.set_xlabel(_where(fit, loo, len(rows)))
    axes.set_ylabel("Pareto k")
    axes.margins(x=0.03)
    axes.locator_params(axis="x", integer=True)
    legend_above(axes, most=1 if kinds.any() else 2)
    return axes


def _shown_rows(fit: "Fit", loo: PointwiseLOO) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return positions of rows in the data, and of each one's values among those of LOO."""
    observations = fit.observations
    if loo.sampled:
        return observations.first_rows[loo.rows], np.arange(len(loo.rows))
    rows = np.flatnonzero(observations.informative)
    return rows, observations.distinct.inverse[rows]


def _draw_limits(axes: "Axes", loo: PointwiseLOO, k: FloatArray) -> None:
    limits = {loo.good_k: f"reliable up to {loo.good_k:.2f}"}
    if k.max() > loo.good_k:
        limits[_USELESS] = "nothing is known above 1"
    for height, words in limits.items():
        axes.axhline(height, color=GUIDE_COLOR, linestyle="--", linewidth=1, label=f"_limit {height:.2f}", zorder=1)
        axes.annotate(
            words,
            (0.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize="x-small",
            color=GUIDE_COLOR,
        )
    axes.set_ylim(top=max(float(k.max()), *limits) + 0.12)


def _name_worst(
    axes: "Axes", fit: "Fit", rows: npt.NDArray[np.intp], k: FloatArray, good_k: float, n_labels: int
) -> None:
    worst: list[Any] = np.argsort(-k, kind="stable")[:n_labels].tolist()
    for position in worst:
        if k[position] <= good_k:
            break
        right = rows[position] > 0.8 * fit.info.n
        axes.annotate(
            plain(fit.observations.index[rows[position]]),
            (rows[position], k[position]),
            xytext=(-7 if right else 7, 0),
            textcoords="offset points",
            ha="right" if right else "left",
            va="center",
            fontsize="small",
            color=INK,
        )


def _where(fit: "Fit", loo: PointwiseLOO, shown: int) -> str:
    if loo.sampled:
        return f"row, in the order of the data (random sample of {shown} of {fit.info.n} rows)"
    empty = fit.info.n - shown
    return f"row, in the order of the data{f' ({empty} without any value left out)' if empty else ''}"
