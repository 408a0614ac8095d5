"""Data, mixture and components on one axis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bayesmix.intervals import credible_interval
from bayesmix.plots._legend import legend_above
from bayesmix.plots._rows import component_name
from bayesmix.plots._style import (
    BAND_ALPHA,
    DATA_COLOR,
    INK,
    axes_or_new,
    component_style,
    draw_rug,
    interval_words,
    plain,
)
from bayesmix.prediction import categories_of, column_position, is_discrete

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from bayesmix.data import Column
    from bayesmix.fit import Fit

__all__ = ["plot_density"]

_MAX_BINS = 60


def plot_density(
    fit: "Fit",
    *,
    grid: npt.ArrayLike | None = None,
    column: str | None = None,
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
    column : str, optional
        Which column of a table; the others are integrated out.
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
    >>> ax = bm.plots.plot_density(fit)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('length', 'density per unit of length')
    """
    interval = credible_interval(ci_prob, ci_kind)
    position = column_position(fit, column)
    discrete = is_discrete(fit, position)
    densities = fit.density(grid, column=fit.layout.names[position], ci_prob=interval.prob, ci_kind=interval.kind)
    axes = axes_or_new(ax)
    if fit.data is not None:
        (_draw_counts if discrete else _draw_data)(axes, fit.data.columns[position])
    words = interval_words(interval.prob, interval.kind)
    labels = fit.component_labels
    categories = categories_of(fit, position)
    what = "mixture" if len(labels) > 1 else "distribution" if discrete else "density"
    if categories:
        _draw_bars(axes, densities, labels, f"{what}, {words}")
        axes.set_xticks(range(len(categories)), [plain(category) for category in categories])
    else:
        for k, label in enumerate(labels if len(labels) > 1 else ()):
            _draw_component(axes, densities.isel(component=k), k, label)
        _draw_mixture(axes, densities, f"{what}, {words} band")
    name = plain(fit.layout.names[position])
    axes.set_xlabel(name)
    axes.set_ylabel(f"probability of {name}" if discrete else f"density per unit of {name}")
    axes.set_ylim(bottom=0)
    legend_above(axes, most=3 if len(labels) in (3, 4) else 4)
    return axes


def _draw_counts(axes: "Axes", column: "Column") -> None:
    """Draw the share of every value."""
    values, counts = column.merged.values, column.merged.counts
    label = f"data ({int(column.present.sum())} rows)"
    axes.bar(values, counts / counts.sum(), width=0.9, color=DATA_COLOR, label=label, zorder=1)


def _draw_data(axes: "Axes", column: "Column") -> None:
    values = column.values[column.present]
    edges = np.histogram_bin_edges(values, bins="auto")
    if len(edges) > _MAX_BINS + 1:
        edges = np.linspace(edges[0], edges[-1], _MAX_BINS + 1)
    label = f"data ({len(values)} rows)"
    axes.hist(
        values,
        bins=list(edges),
        density=True,
        color=DATA_COLOR,
        edgecolor="white",
        label=label,
        zorder=1,
    )
    draw_rug(axes, values)


def _draw_bars(axes: "Axes", densities: "xr.Dataset", labels: Sequence[int | str], what: str) -> None:
    """Draw points with bars side by side in every category: nothing lies between categories."""
    parts = [
        (densities.isel(component=k), "component_density", k) for k in range(len(labels) if len(labels) > 1 else 0)
    ]
    for place, (one, name, k) in enumerate([*parts, (densities, "density", -1)]):
        x = one["grid"].values + 0.6 * ((place + 0.5) / (len(parts) + 1) - 0.5)
        middle = one[name].values
        bars = np.maximum([middle - one[f"{name}_lb"].values, one[f"{name}_ub"].values - middle], 0.0)
        style = component_style(k) if k >= 0 else None
        axes.errorbar(
            x,
            middle,
            yerr=bars,
            fmt=style.marker if style else "_",
            color=style.color if style else INK,
            markersize=5 if style else 12,
            label=component_name(labels[k]) if style else what,
            zorder=4,
        )


def _draw_component(axes: "Axes", one: "xr.Dataset", k: int, name: int | str) -> None:
    style = component_style(k)
    x = one["grid"].values
    lower, upper = one["component_density_lb"].values, one["component_density_ub"].values
    axes.fill_between(x, lower, upper, color=style.color, alpha=BAND_ALPHA, linewidth=0, label="_band", zorder=3)
    line = one["component_density"].values
    axes.plot(x, line, color=style.color, linestyle=style.linestyle, label=component_name(name), zorder=4)


def _draw_mixture(axes: "Axes", densities: "xr.Dataset", label: str) -> None:
    x = densities["grid"].values
    lower, upper = densities["density_lb"].values, densities["density_ub"].values
    # Drawn over the components' bands, so it gets edges.
    axes.fill_between(x, lower, upper, facecolor=INK, alpha=0.1, linewidth=0, label="_band", zorder=3)
    for bound in (lower, upper):
        axes.plot(x, bound, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), label="_edge", zorder=4)
    axes.plot(x, densities["density"].values, color=INK, linewidth=2, label=label, zorder=5)
