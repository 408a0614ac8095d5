"""Whether data simulated from the fit look like the data."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.pit import simultaneous_band
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import GUIDE_COLOR, INK, axes_or_new, plain
from bayesmix.plots.loo_pit import read_envelope
from bayesmix.prediction import categories_of, column_position, is_discrete
from bayesmix.settings import generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_ppc"]

_DATASETS, _FEWEST = 500, 100
_MAX_VALUES = 10_000_000
_MAX_BINS = 60
_POINTS = 401
_TAIL = 0.001


def plot_ppc(
    fit: "Fit",
    *,
    column: str | None = None,
    kind: Literal["density", "ecdf"] = "density",
    n_datasets: int | None = None,
    envelope_prob: float | None = None,
    random_seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a column and the band in which data sets simulated from the fit lie (posterior predictive check).

    The band is simultaneous: a simulated data set stays inside over its whole length with the probability of the band,
    so that a line of the data that leaves it anywhere speaks against the model. Since the model has seen the data, few
    leave it where it is right; `plot_loo_pit` is stricter.

    Parameters
    ----------
    fit : Fit
        With its data.
    column : str, optional
        Which column of a table.
    kind : {"density", "ecdf"}, default "density"
        Histograms, or shares of values up to each value.
    n_datasets : int, optional
        Number of simulated data sets of as many rows, with cells missing where they are; 500 by default, fewer (at
        least 100) where these would be more than 1e7 values.
    envelope_prob : float, optional
        Of the band; ArviZ's ``rcParams["stats.envelope_prob"]`` by default (0.99).
    random_seed : int, default 0
        Of the simulation.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the data's units. Counts and categories have one bar for each value.

    Raises
    ------
    InputError
        If an argument breaks its rule, the column holds intervals other than rounded values, or rows have weights that
        are no counts.

    References
    ----------
    Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness via realized discrepancies,
    Statistica Sinica 6, 733-807. Myllymäki et al. (2017), Global envelope tests for spatial processes, JRSS B 79,
    381-404.

    Examples
    --------
    >>> ax = bm.plots.plot_ppc(fit, kind="ecdf")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('length', 'share of values up to here')
    """
    position, prob = column_position(fit, column), read_envelope(envelope_prob)
    own, discrete = fit.observations.columns[position], is_discrete(fit, position)
    categories = categories_of(fit, position)
    _check(fit, own, kind, categorical=bool(categories))
    data = own.values[own.present]
    if own.weights is not None:
        data = np.repeat(data, own.weights[own.present].astype(int))
    replicates = _simulated(fit, position, len(data), n_datasets, random_seed)
    axes = axes_or_new(ax)
    rows = f"data ({len(data)} rows)"
    words = f"{len(replicates)} simulated data sets, {100 * prob:g} % band"
    if kind == "ecdf":
        _draw_ecdf(axes, data, replicates, prob, (rows, words), discrete=discrete)
    else:
        _draw_histogram(axes, _edges(data, replicates, own, discrete=discrete), data, replicates, prob, (rows, words))
    if categories:
        axes.set_xticks(range(len(categories)), [plain(category) for category in categories])
    elif discrete:
        axes.locator_params(axis="x", integer=True)
    axes.set_xlabel(plain(own.name))
    one = "share of rows" if discrete else f"density per unit of {plain(own.name)}"
    axes.set_ylabel(one if kind == "density" else "share of values up to here")
    axes.set_ylim(bottom=0)
    legend_above(axes, most=3)
    return axes


def _check(fit: "Fit", own: Column, kind: str, *, categorical: bool) -> None:
    if kind not in ("density", "ecdf"):
        raise InputError(f"kind must be 'density' or 'ecdf', got {kind!r}. For LOO-PIT use plot_loo_pit.")
    if kind == "ecdf" and categorical:
        raise InputError(
            f"kind='ecdf' must have a column of numbers, got the categories of {own.name!r}. Leave it out."
        )
    if own.interval and own.resolution is None:
        raise InputError(
            f"plot_ppc must have values, got intervals in {own.name!r}, which simulated values cannot be held against. "
            "Use plot_loo_pit, which takes intervals."
        )
    if not fit.observations.weights_are_counts:
        raise InputError(
            "plot_ppc needs rows that stand for whole units, but the weights are no counts. Fit counts, or rows "
            "without weights."
        )


def _simulated(fit: "Fit", position: int, units: int, n_datasets: int | None, random_seed: int) -> FloatArray:
    """Return values of a column of simulated data sets, shape (data sets, units); categories as their positions."""
    generator(random_seed)
    fitting = max(_FEWEST, min(_DATASETS, _MAX_VALUES // units))
    wanted = fitting if n_datasets is None else n_datasets
    weighted = fit.observations.weights is not None
    drawn = fit.simulate(wanted, n_obs=units if weighted else None, random_seed=random_seed)
    values = list(drawn.data_vars.values())[position].values
    categories = categories_of(fit, position)
    if categories:
        values = np.select([values == category for category in categories], range(len(categories)), -1)
    seen = slice(None) if weighted else fit.observations.columns[position].present
    return np.asarray(values[:, seen], dtype=np.float64)


def _edges(data: FloatArray, replicates: FloatArray, own: Column, *, discrete: bool) -> FloatArray:
    """Return the edges of bins over the data and nearly all that was simulated, in whole steps of rounded values."""
    ends = np.quantile(replicates, [_TAIL, 1 - _TAIL])
    low, high = min(data.min(), ends[0]), max(data.max(), ends[1])
    if discrete or own.resolution is not None:
        step = 1.0 if own.resolution is None else own.resolution
        width = step * max(1, np.ceil((high - low + step) / step / _MAX_BINS))
        start = np.round(low / step) * step - step / 2
    else:
        width = float(np.diff(np.histogram_bin_edges(data, bins="auto")[:2])[0])
        width = max(width, (high - low) / _MAX_BINS)
        start = data.min() - width * np.ceil((data.min() - low) / width)
    bins = int(np.ceil((high - start) / width + 1e-9))
    return np.asarray(start + width * np.arange(max(bins, 1) + 1))


def _draw_histogram(
    axes: "Axes", edges: FloatArray, data: FloatArray, replicates: FloatArray, prob: float, labels: tuple[str, str]
) -> None:
    widths = np.diff(edges)
    heights = np.stack([np.histogram(one, edges)[0] for one in replicates]) / (replicates.shape[1] * widths)
    lower, upper = simultaneous_band(heights, prob)
    _draw_band(axes, edges, (lower, upper, np.median(heights, axis=0)), labels[1])
    own = np.histogram(data, edges)[0] / (len(data) * widths)
    axes.stairs(own, edges, color=INK, linewidth=1.8, label=labels[0], zorder=4)


def _draw_ecdf(
    axes: "Axes",
    data: FloatArray,
    replicates: FloatArray,
    prob: float,
    labels: tuple[str, str],
    *,
    discrete: bool,
) -> None:
    ends = np.quantile(replicates, [_TAIL, 1 - _TAIL])
    low, high = min(data.min(), ends[0]), max(data.max(), ends[1])
    grid = np.arange(low, high + 1) if discrete and high - low < _POINTS else np.linspace(low, high, _POINTS)
    shares = np.stack([np.searchsorted(np.sort(one), grid, side="right") for one in replicates]) / replicates.shape[1]
    lower, upper = simultaneous_band(shares, prob)
    middle = np.median(shares, axis=0)
    # A step holds its height up to the next point.
    edges = np.append(grid, grid[-1] + (grid[1] - grid[0] if len(grid) > 1 else 1.0))
    _draw_band(axes, edges, (lower, upper, middle), labels[1])
    ordered = np.sort(data)
    x = np.r_[edges[0], ordered, edges[-1]]
    y = np.r_[0.0, np.arange(1, len(data) + 1) / len(data), 1.0]
    axes.step(x, y, where="post", color=INK, linewidth=1.8, label=labels[0], zorder=4)
    axes.set_xlim(edges[0], edges[-1])


def _draw_band(axes: "Axes", edges: FloatArray, band: tuple[FloatArray, FloatArray, FloatArray], label: str) -> None:
    """Draw a band and the median of simulated heights as steps."""
    lower, upper, middle = band
    axes.stairs(upper, edges, baseline=lower, fill=True, color=GUIDE_COLOR, alpha=0.3, linewidth=0, label=label)
    axes.stairs(middle, edges, color=GUIDE_COLOR, linewidth=1.2, linestyle="--", label="their median", zorder=3)
