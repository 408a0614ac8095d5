"""Whether values lie where fits without their rows expect them."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.errors import InputError
from bayesmix.pit import LooPit, loo_pit
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import GUIDE_COLOR, INK, axes_or_new, plain
from bayesmix.prediction import column_position
from bayesmix.settings import generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_loo_pit", "read_envelope"]

_SIMULATIONS = 1000


def plot_loo_pit(
    fit: "Fit",
    *,
    column: str | None = None,
    envelope_prob: float | None = None,
    repair: bool = True,
    random_seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how the places of the values in what fits without their rows predict differ from even shares (LOO-PIT).

    The line is the share of values whose place is at most so low, less what that share would be. If the model is right
    it stays in the grey band over its whole length, with the probability of the band. A hump to the left and a dip to
    the right: too many values far out, predictions are too narrow. A dip to the left and a hump to the right: they are
    too wide. One hump: values are lower than predicted; one dip: higher.

    Parameters
    ----------
    fit : Fit
        With its data.
    column : str, optional
        Which column of a table.
    envelope_prob : float, optional
        Of the band; ArviZ's ``rcParams["stats.envelope_prob"]`` by default (0.99).
    repair : bool, default True
        Whether rows whose importance weights are unreliable are left out by a refit.
    random_seed : int, default 0
        Of the band, of the points in intervals, and of the sample of large data.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Counts, categories and rounded values have intervals of places, in which points are drawn at random; the axis
        says so.

    References
    ----------
    Säilynoja, Bürkner & Vehtari (2022), Graphical test for discrete uniformity and its applications in goodness-of-fit
    evaluation and multiple sample comparison, Statistics and Computing 32, 32.

    Examples
    --------
    >>> ax = bm.plots.plot_loo_pit(fit)
    >>> ax.get_xlabel()
    'LOO-PIT: place of length in the prediction without its row'
    """
    from arviz_stats.ecdf_utils import ecdf_pit

    prob = read_envelope(envelope_prob)
    found = loo_pit(fit, column_position(fit, column), repair=repair, random_seed=random_seed)
    pit = found.table["pit"].to_numpy()
    x, share, lower, upper = ecdf_pit(pit, prob, _SIMULATIONS, rng=generator(random_seed))
    axes = axes_or_new(ax)
    words = f"{100 * prob:g} % band, simultaneous"
    axes.fill_between(x, lower - x, upper - x, color=GUIDE_COLOR, alpha=0.25, linewidth=0, label=words)
    axes.axhline(0, color=GUIDE_COLOR, linestyle="--", linewidth=1, label="_even", zorder=1)
    axes.plot(x, share - x, color=INK, linewidth=1.6, label=_rows(found), zorder=3)
    axes.set_xlim(0, 1)
    randomised = "\n(each drawn at random inside the interval of its value)" if found.randomised else ""
    axes.set_xlabel(f"LOO-PIT: place of {plain(found.column)} in the prediction without its row{randomised}")
    axes.set_ylabel("share of values up to here, less even")
    legend_above(axes, most=2)
    return axes


def _rows(found: LooPit) -> str:
    shown = len(found.table)
    words = f"{shown} values" if shown == found.n else f"random sample of {shown} of {found.n} values"
    return f"{words}, {found.n_unreliable} unreliable" if found.n_unreliable else words


def read_envelope(envelope_prob: float | None) -> float:
    """Return the probability of a band, ArviZ's where None is given.

    Raises
    ------
    InputError
        If it is none.
    """
    from arviz_base import rcParams

    prob = rcParams["stats.envelope_prob"] if envelope_prob is None else envelope_prob
    if isinstance(prob, bool) or not isinstance(prob, (int, float, np.floating)) or not 0 < prob < 1:
        raise InputError(f"envelope_prob must lie strictly between 0 and 1, got {prob!r}. ArviZ's default is 0.99.")
    return float(prob)
