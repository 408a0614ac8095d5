"""Two columns: rows, contours of the mixture and ellipses of normal components."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.plots._legend import legend_above
from bayesmix.plots._plane import Ellipses, ellipses, joint_density, levels_of_mass, rings
from bayesmix.plots._rows import component_name, rows_in_words, with_some_rows
from bayesmix.plots._style import GUIDE_COLOR, INK, axes_or_new, component_style, plain
from bayesmix.prediction import categories_of, is_discrete
from bayesmix.settings import generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["SHARES", "draw_contours", "draw_rows", "plot_contours", "ranges_of"]

SHARES = (0.5, 0.8, 0.95)
"""Shares of the mixture that the contours surround."""

_RADII = (1.0, 2.0, 3.0)
_FEW_VALUES = 10
_FAINTEST, _FULLEST = 0.12, 0.85
_SPREAD = 0.25


def plot_contours(
    fit: "Fit",
    x: str,
    y: str,
    *,
    n_draws: int = 20,
    max_rows: int = 2000,
    random_seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw rows in two columns by component, contours of the mixture, and ellipses of normal components.

    Rows have the colour of their most probable component, fainter the less probable it is. Contours surround 50, 80
    and 95 % of the posterior mean density, other columns integrated out. Normal components have ellipses at 1, 2 and 3
    standard deviations of their posterior mean, which hold 39, 86 and 99 % of such a component, and thin ones at 2
    standard deviations in some draws: how far these lie apart is how uncertain the component is.

    Parameters
    ----------
    fit : Fit
        Of a table, with its data.
    x, y : str
        Names of two columns.
    n_draws : int, default 20
        Number of draws with an ellipse; 0 for none.
    max_rows : int, default 2000
        Of more rows a random sample of so many is drawn, which the legend says.
    random_seed : int, default 0
        Of the sample and the spread of whole numbers and categories; fixed so that the same picture comes back.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the columns' units. Rows of counts and categories are spread by up to a quarter, so that they do not lie on
        each other. Categories, and numbers with less than 10 values, have no contours.

    Raises
    ------
    InputError
        If there is no such column, both are the same, an argument breaks its rule, or the fit was saved without its
        data.

    Examples
    --------
    >>> faithful = bm.load_dataset("old_faithful")
    >>> pair = bm.Mixture(2, "mv_normal").fit(faithful, draws=200, tune=200, random_seed=1)
    >>> ax = bm.plots.plot_contours(pair, "eruptions", "waiting")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('eruptions', 'waiting')
    """
    columns = _position(fit, "x", x), _position(fit, "y", y)
    if columns[0] == columns[1]:
        raise InputError(f"x and y must be two columns, got {x!r} twice. Use plot_density(column={x!r}) for one.")
    whole = isinstance(n_draws, (int, np.integer)) and not isinstance(n_draws, (bool, np.bool_))
    if not (whole and n_draws >= 0):
        raise InputError(f"n_draws must be an integer >= 0, got {n_draws!r}. The default is 20.")
    some, _ = with_some_rows(fit, max_rows, random_seed)
    axes = axes_or_new(ax, width=6.6, height=5.6)
    found = ellipses(fit, columns, int(n_draws))
    spans = ranges_of(fit, columns)
    if found is not None:
        spans = [_widened(span, rings(found.mean, found.covariance, _RADII)[..., i]) for i, span in enumerate(spans)]
    shown = some.observations.n
    handles, counts = draw_rows(axes, some, columns, 20 if shown <= 400 else 9, random_seed)
    for handle, count in zip(handles, counts, strict=True):
        handle.set_label(f"{handle.get_label()} ({count})")
    handles += draw_contours(axes, fit, columns, spans, 100)
    handles += [] if found is None else _draw_ellipses(axes, found)
    _label(axes, fit, columns, spans)
    blank = shown - sum(counts)
    note = f", {blank} with blanks not shown" if blank else ""
    legend_above(axes, handles=handles, title=f"{rows_in_words(shown, fit.observations.n)}{note}")
    return axes


def _position(fit: "Fit", which: str, name: str) -> int:
    names = fit.layout.names
    if name not in names:
        raise InputError(f"{which} must be one of {list(names)}, got {name!r}. Name two columns of the fitted table.")
    return names.index(name)


def ranges_of(fit: "Fit", columns: tuple[int, int]) -> list[tuple[float, float]]:
    """Return what is shown of two columns: the range of the rows and a little beyond, all categories.

    Parameters
    ----------
    fit : Fit
    columns : pair of int
    """
    spans = []
    for column in columns:
        categories = categories_of(fit, column)
        if categories:
            spans.append((-0.5, len(categories) - 0.5))
            continue
        known = fit.observations.columns[column].values
        low, high = float(np.nanmin(known)), float(np.nanmax(known))
        margin = 0.12 * (high - low) or 0.5
        spans.append(
            (low - max(margin, 0.5), high + max(margin, 0.5))
            if is_discrete(fit, column)
            else (low - margin, high + margin)
        )
    return spans


def draw_rows(
    axes: "Axes", fit: "Fit", columns: tuple[int, int], size: float, random_seed: int
) -> tuple[list[Any], list[int]]:
    """Draw rows as points with the colour of their component; return a handle and the number of points for each.

    Rows with a blank in either column are left out.

    Parameters
    ----------
    axes : matplotlib Axes
    fit : Fit
        With the rows that are drawn.
    columns : pair of int
    size : float
        Of the points, in square points.
    random_seed : int
        Of the spread of whole numbers and categories.
    """
    rng = generator(random_seed)
    probability = np.asarray(fit.assignment_probabilities())
    component, width = np.argmax(probability, axis=1), probability.shape[1]
    sure = (probability.max(axis=1) - 1 / width) / (1 - 1 / width) if width > 1 else np.ones(len(component))
    places = [_places(fit, fit.observations.columns[column], column, rng) for column in columns]
    present = np.isfinite(places[0]) & np.isfinite(places[1])
    handles: list[Any] = []
    counts: list[int] = []
    for k, label in enumerate(fit.component_labels):
        own, style = present & (component == k), component_style(k)
        axes.scatter(
            places[0][own],
            places[1][own],
            s=size,
            marker=style.marker,
            color=style.color,
            linewidth=0,
            alpha=_FAINTEST + (_FULLEST - _FAINTEST) * sure[own],
            label=f"_rows of component {label}",
            zorder=2,
        )
        counts.append(int(own.sum()))
        handles += axes.plot([], [], style.marker, color=style.color, markersize=5, label=component_name(label))
    return handles, counts


def _places(fit: "Fit", column: Column, position: int, rng: np.random.Generator) -> FloatArray:
    if not is_discrete(fit, position):
        return column.values
    return np.asarray(column.values + rng.uniform(-_SPREAD, _SPREAD, len(column.values)))


def _grid(fit: "Fit", column: int, span: tuple[float, float], points: int) -> FloatArray | None:
    """Return the points of the contours along a column; None where it has categories or few values."""
    if categories_of(fit, column):
        return None
    family_low, family_high = _support(fit, column)
    low, high = max(span[0], family_low), min(span[1], family_high)
    if not is_discrete(fit, column):
        tiny = 1e-6 * (high - low)
        return np.linspace(low + tiny, high - tiny, points)
    whole = np.unique(np.round(np.linspace(np.ceil(low), np.floor(high), points)))
    return whole if len(whole) >= _FEW_VALUES else None


def _support(fit: "Fit", column: int) -> tuple[float, float]:
    blocks = fit.resolved.blocks
    family = blocks[0 if blocks[0].family.multivariate else column].family
    if family.discrete:
        return 0.0, float(np.nanmax(fit.observations.columns[column].values)) + _FEW_VALUES
    return family.lowest, family.highest


def draw_contours(
    axes: "Axes", fit: "Fit", columns: tuple[int, int], spans: list[tuple[float, float]], points: int
) -> list[Any]:
    """Draw contours of the mixture, and return a handle for them, or nothing where a column has none.

    Parameters
    ----------
    axes : matplotlib Axes
    fit : Fit
    columns : pair of int
    spans : list of pair of float
        The ranges shown.
    points : int
        Of the grid along either column.
    """
    x, y = (_grid(fit, column, span, points) for column, span in zip(columns, spans, strict=True))
    if x is None or y is None:
        return []
    density = joint_density(fit, columns, x, y).values
    levels = levels_of_mass(density, SHARES)
    axes.contour(x, y, density, levels=levels, colors=INK, linewidths=0.9, alpha=0.8, zorder=3)
    words = ", ".join(f"{100 * share:g}" for share in SHARES)
    return axes.plot([], [], color=INK, linewidth=0.9, label=f"{words} % of the mixture")


def _widened(span: tuple[float, float], values: FloatArray) -> tuple[float, float]:
    """Return a range that holds all values, as far as they are not farther out than a third of it."""
    low, high = span
    most, little = (high - low) / 3, (high - low) / 50
    return max(low - most, min(low, values.min() - little)), min(high + most, max(high, values.max() + little))


def _draw_ellipses(axes: "Axes", found: Ellipses) -> list[Any]:
    """Draw the ellipses of normal components, and return handles for those of the mean and of the draws."""
    from matplotlib.collections import LineCollection

    for k in range(len(found.mean)):
        style = component_style(k)
        thin = rings(found.means[:, k], found.covariances[:, k], (2.0,))[:, 0]
        thick = rings(found.mean[k], found.covariance[k], _RADII)
        for paths, width, opacity, which in ((thin, 0.6, 0.35, "draws"), (thick, 1.6, 1.0, "mean")):
            lines = LineCollection(
                list(paths),
                colors=style.color,
                linewidths=width,
                linestyles=style.linestyle if which == "mean" else "-",
                alpha=opacity,
                label=f"_ellipses of component {k}, {which}",
                zorder=4,
            )
            axes.add_collection(lines, autolim=False)
    handles: list[Any] = axes.plot([], [], color=GUIDE_COLOR, linewidth=1.6, label="1, 2, 3 sd of posterior mean")
    if len(found.means):
        words = f"2 sd in {len(found.means)} draw{'s' if len(found.means) > 1 else ''}"
        handles += axes.plot([], [], color=GUIDE_COLOR, linewidth=0.6, alpha=0.6, label=words)
    return handles


def _label(axes: "Axes", fit: "Fit", columns: tuple[int, int], spans: list[tuple[float, float]]) -> None:
    setters: Any = (
        (axes.set_xlabel, axes.set_xticks, axes.set_xlim),
        (axes.set_ylabel, axes.set_yticks, axes.set_ylim),
    )
    for column, span, (set_label, set_ticks, set_limits) in zip(columns, spans, setters, strict=True):
        categories = categories_of(fit, column)
        set_label(f"{plain(fit.layout.names[column])}{' (rows spread)' if is_discrete(fit, column) else ''}")
        if categories:
            set_ticks(range(len(categories)), [plain(category) for category in categories])
        set_limits(*span)
