"""Data sets drawn from the prior beside the data that are to be fitted."""

from typing import TYPE_CHECKING

import numpy as np

from bayesmix.errors import InputError
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import GUIDE_COLOR, INK, axes_or_new, plain

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

__all__ = ["plot_prior_predictive"]

_MOST = 50


def plot_prior_predictive(
    draws: "xr.Dataset", y: "ArrayLike | None" = None, *, column: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw the distribution functions of data sets from the prior, and of the data.

    A prior that is wide but not absurd has the data well inside the bundle, and the bundle within a few times their
    range.

    Parameters
    ----------
    draws : Dataset
        What `Mixture.prior_predictive` returned; up to 50 of its data sets are drawn.
    y : array_like, optional
        The data; missing cells are left out.
    column : str, optional
        Which column of a table; the only one by default.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        In the data's units. The horizontal axis shows the central 98 % of the values drawn.

    Examples
    --------
    >>> draws = bm.Mixture(2).prior_predictive(arms["length"], random_seed=1)
    >>> ax = bm.plots.plot_prior_predictive(draws, arms["length"])
    >>> ax.get_xlabel()
    'length'
    """
    names = [str(name) for name, v in draws.data_vars.items() if v.dims == ("dataset", "obs") and name != "component"]
    if column is None and len(names) == 1:
        column = names[0]
    if column not in names:
        raise InputError(f"column must be one of {names}, got {column!r}. Draw one column at a time.")
    values = draws[column].values
    if values.dtype == object:
        raise InputError(f"column must hold numbers, got the categories of {column!r}. Count them instead.")
    axes = axes_or_new(ax)
    share = (np.arange(values.shape[1]) + 1) / values.shape[1]
    for i, row in enumerate(values[:_MOST]):
        label = f"prior ({min(len(values), _MOST)} data sets)" if i == 0 else "_prior"
        axes.step(np.sort(row), share, where="post", color=GUIDE_COLOR, alpha=0.35, linewidth=0.8, label=label)
    low, high = np.quantile(values, [0.01, 0.99])
    if y is not None:
        known = np.asarray(y, dtype=np.float64)
        known = np.sort(known[np.isfinite(known)])
        own = (np.arange(known.size) + 1) / known.size
        axes.step(known, own, where="post", color=INK, linewidth=2, label="data", zorder=4)
        low, high = min(low, known[0]), max(high, known[-1])
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1)
    axes.set_xlabel(plain(column))
    axes.set_ylabel("share of values up to here")
    legend_above(axes, most=2)
    return axes
