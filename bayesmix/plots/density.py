"""Data, mixture and components on one axis."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bayesmix.intervals import credible_interval
from bayesmix.plots._style import (
    BAND_ALPHA,
    DATA_COLOR,
    INK,
    axes_or_new,
    component_style,
    draw_rug,
    interval_words,
    legend_above,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from bayesmix.data import Observations
    from bayesmix.fit import Fit

__all__ = ["plot_density"]

_MAX_BINS = 60


def plot_density(
    fit: "Fit",
    *,
    grid: npt.ArrayLike | None = None,
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the data as a histogram, the mixture density and its weighted components, with pointwise bands.

    Parameters
    ----------
    fit : Fit
    grid : array_like, optional
        Points in the data's units; as for `Fit.density` by default.
    ci_prob, ci_kind : optional
        Interval probability and kind of the bands; ArviZ's ``rcParams`` by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the data's units. Component k is drawn as ``w[k] * f[k]``, so that the components add up to the
        mixture. A fit that was saved without its data is drawn without histogram and needs `grid`.

    Examples
    --------
    >>> import bayesmix as bm
    >>> fit = bm.Mixture(2).fit(bm.load_dataset("arm_lengths")["length"])  # doctest: +SKIP
    >>> ax = bm.plots.plot_density(fit)  # doctest: +SKIP
    """
    interval = credible_interval(ci_prob, ci_kind)
    densities = fit.density(grid, ci_prob=interval.prob, ci_kind=interval.kind)
    axes = axes_or_new(ax)
    if fit.data is not None:
        _draw_data(axes, fit.data)
    words = interval_words(interval.prob, interval.kind)
    if fit.n_components > 1:
        for k in range(fit.n_components):
            _draw_component(axes, densities, k)
    what = "mixture" if fit.n_components > 1 else "density"
    _draw_mixture(axes, densities, f"{what}, {words} band")
    axes.set_xlabel(fit.info.name)
    axes.set_ylabel(f"density per unit of {fit.info.name}")
    axes.set_ylim(bottom=0)
    legend_above(axes, columns=3 if fit.n_components in (3, 4) else 4)
    return axes


def _draw_data(axes: "Axes", rows: "Observations") -> None:
    edges = np.histogram_bin_edges(rows.values, bins="auto")
    if len(edges) > _MAX_BINS + 1:
        edges = np.linspace(edges[0], edges[-1], _MAX_BINS + 1)
    label = f"data ({rows.n} rows)"
    axes.hist(
        rows.values,
        bins=list(edges),
        density=True,
        color=DATA_COLOR,
        edgecolor="white",
        label=label,
        zorder=1,
    )
    draw_rug(axes, rows.values)


def _draw_component(axes: "Axes", densities: "xr.Dataset", k: int) -> None:
    style = component_style(k)
    one = densities.sel(component=k)
    x = densities["grid"].values
    lower, upper = one["component_density_lb"].values, one["component_density_ub"].values
    axes.fill_between(x, lower, upper, color=style.color, alpha=BAND_ALPHA, linewidth=0, label="_band", zorder=3)
    line = one["component_density"].values
    axes.plot(x, line, color=style.color, linestyle=style.linestyle, label=f"component {k}", zorder=4)


def _draw_mixture(axes: "Axes", densities: "xr.Dataset", label: str) -> None:
    x = densities["grid"].values
    lower, upper = densities["density_lb"].values, densities["density_ub"].values
    # Drawn over the components' bands, so it gets edges.
    axes.fill_between(x, lower, upper, facecolor=INK, alpha=0.1, linewidth=0, label="_band", zorder=3)
    for bound in (lower, upper):
        axes.plot(x, bound, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), label="_edge", zorder=4)
    axes.plot(x, densities["density"].values, color=INK, linewidth=2, label=label, zorder=5)
