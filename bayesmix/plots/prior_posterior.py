"""What the data have changed: posterior against prior of every weight and parameter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.plots._legend import legend_above
from bayesmix.plots._parameters import AxesArray, Quantity, draw_lines_of, panels_or_new, quantities
from bayesmix.plots._style import GUIDE_COLOR, INK
from bayesmix.settings import generator
from bayesmix.simulation import draw_from_prior

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_prior_posterior"]

_PRIOR_DRAWS = 20_000
_HEIGHT = 0.85
_GRID = 400
#: Of the prior the central 90 % are shown, but at most so many widths of the posterior.
_PRIOR_INSIDE, _MOST_WIDTHS = 0.9, 12.0


def plot_prior_posterior(
    fit: "Fit",
    *,
    var_names: str | Sequence[str] | None = None,
    random_seed: int = 0,
    ax: "Axes | Sequence[Axes] | AxesArray | None" = None,
) -> AxesArray:
    """Draw the posterior of every weight and parameter over its prior, one line for each component.

    Where the two hardly differ the data say little, and what the fit says there is the prior. A posterior at the edge
    of its prior contradicts it.

    Parameters
    ----------
    fit : Fit
    var_names : str or sequence of str, optional
        Some of ``"w"`` and the family's parameters; all that vary by default.
    random_seed : int, default 0
        Of 20000 draws from the prior.
    ax : matplotlib Axes or sequence of them, optional
        One for each panel; a new figure by default.

    Returns
    -------
    ndarray of matplotlib Axes
        One panel for each quantity in its own units. Both densities of a line have the same scale, which is the line's
        own. Components that are sorted have sorted priors: that of the first component is the prior of the smallest
        mean. Panels show the posterior and the central 90 % of the prior or, of a far wider one, a part.

    Examples
    --------
    >>> weight, mu, sigma = bm.plots.plot_prior_posterior(fit)
    >>> sigma.get_xlabel()
    'sigma of length'
    """
    prior_draws = draw_from_prior(fit.resolved, _PRIOR_DRAWS, generator(random_seed))
    priors = quantities(fit.resolved, fit.layout.names, prior_draws, var_names)
    posteriors = quantities(fit.resolved, fit.layout.names, fit.arrays, var_names)
    most = max(len(quantity.lines) for quantity in posteriors)
    panels = panels_or_new(ax, len(posteriors), height=1.5 + 0.5 * most)
    for axes, prior, posterior in zip(panels, priors, posteriors, strict=True):
        low, high = _limits(prior, posterior)
        for line in range(len(posterior.lines)):
            _draw_line(axes, prior, posterior, line, (low, high))
        draw_lines_of(axes, posterior)
        axes.set_xlim(low, high)
        axes.set_ylim(len(posterior.lines) - 1 + 0.25, -1.0)
    _explain(panels[0])
    return np.array(panels, dtype=object)


def _limits(prior: Quantity, posterior: Quantity) -> tuple[float, float]:
    if posterior.circular:
        return posterior.limits
    ends = np.quantile(posterior.draws, [0.001, 0.999], axis=0)
    low, high = float(ends[0].min()), float(ends[1].max())
    reach = _MOST_WIDTHS * (high - low) or np.inf
    tail = (1 - _PRIOR_INSIDE) / 2
    wide = np.quantile(prior.draws, [tail, 1 - tail], axis=0)
    before = max(float(wide[0].min()), low - reach), min(float(wide[1].max()), high + reach)
    low, high = min(low, before[0]), max(high, before[1])
    pad = 0.02 * (high - low)
    return max(low - pad, posterior.limits[0]), min(high + pad, posterior.limits[1])


def _density(draws: FloatArray, limits: tuple[float, float], *, circular: bool) -> tuple[FloatArray, FloatArray]:
    """Return a kernel estimate of the density between two limits; draws beyond them count in its level."""
    from arviz_stats.base import array_stats

    if circular:
        grid, height, _ = array_stats.kde(draws, circular=True, grid_len=_GRID)
        return grid, height
    inside = draws[(draws >= limits[0]) & (draws <= limits[1])]
    if len(inside) < 2 or inside.min() == inside.max():
        return np.array(limits), np.zeros(2)
    grid, height, _ = array_stats.kde(inside, grid_len=_GRID, custom_lims=limits)
    return grid, height * (len(inside) / len(draws))


def _draw_line(axes: "Axes", prior: Quantity, posterior: Quantity, line: int, limits: tuple[float, float]) -> None:
    name, color = posterior.lines[line], posterior.style(line).color
    before = _density(prior.draws[:, line], limits, circular=posterior.circular)
    after = _density(posterior.draws[:, line], limits, circular=posterior.circular)
    scale = _HEIGHT / max(float(before[1].max()), float(after[1].max()), 1e-300)
    base = np.full(len(after[0]), float(line))
    # The axis points down, as components are listed: densities rise towards the line above.
    axes.fill_between(
        after[0], base, base - scale * after[1], color=color, alpha=0.55, linewidth=0, label=f"_posterior {name}"
    )
    axes.plot(after[0], base - scale * after[1], color=color, linewidth=1.2, label=f"_outline {name}", zorder=3)
    axes.plot(
        before[0],
        line - scale * before[1],
        color=INK,
        linewidth=1.1,
        linestyle=(0, (4, 2)),
        label=f"_prior {name}",
        zorder=4,
    )
    axes.axhline(line, color=GUIDE_COLOR, linewidth=0.5, label=f"_base {name}", zorder=1)


def _explain(axes: "Axes") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(color=GUIDE_COLOR, alpha=0.55, label="posterior"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=(0, (4, 2)), label="prior"),
    ]
    legend_above(axes, most=2, handles=handles)
