"""Draws in the order in which they were made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayesmix.plots._arviz import panel_options

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["plot_trace"]


def plot_trace(fit: "Fit", *, var_names: str | Sequence[str] | None = None, **options: Any) -> Any:
    """Draw the trace of every weight and parameter by ArviZ, one line for each chain.

    Chains that have converged look like one band; one that stays elsewhere for long, or steps between levels, has not.

    Parameters
    ----------
    fit : Fit
    var_names : str or sequence of str, optional
        Some of the variables of ``fit.idata["posterior"]``; weights and parameters that vary by default.
    **options
        Passed on to ``arviz_plots.plot_trace``.

    Returns
    -------
    arviz_plots.PlotCollection
        Its figure is ``result.viz["figure"].item()``, the Axes are in ``result.viz["plot"]``.

    Examples
    --------
    >>> panels = bm.plots.plot_trace(fit, var_names="mu")
    >>> type(panels).__name__
    'PlotCollection'
    """
    from arviz_plots import plot_trace as draw

    return draw(fit.idata, **panel_options(fit, var_names, options))
