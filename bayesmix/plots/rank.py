"""Whether every chain has its share of low and high draws."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayesmix.plots._arviz import panel_options

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["plot_rank"]

_SIMULATIONS = 500


def plot_rank(fit: "Fit", *, var_names: str | Sequence[str] | None = None, **options: Any) -> Any:
    """Draw how the ranks of each chain among all draws differ from even shares, by ArviZ.

    Lines that leave the grey area belong to chains that do not explore what the others do. Draws are thinned first, so
    that their dependence does not count as disagreement.

    Parameters
    ----------
    fit : Fit
    var_names : str or sequence of str, optional
        Some of the variables of ``fit.idata["posterior"]``; weights and parameters that vary by default.
    **options
        Passed on to ``arviz_plots.plot_rank``, which is called with ``method="envelope"``: its default of version 1.3
        takes ten times as long, and flags fits whose R-hat and effective sample sizes are fine.

    Returns
    -------
    arviz_plots.PlotCollection
        Its figure is ``result.viz["figure"].item()``, the Axes are in ``result.viz["plot"]``.

    Examples
    --------
    >>> panels = bm.plots.plot_rank(fit, var_names="mu")
    >>> type(panels).__name__
    'PlotCollection'
    """
    from arviz_plots import plot_rank as draw

    given = {"method": "envelope", "stats": {"ecdf_pit": {"n_simulations": _SIMULATIONS}}} | options
    if given["method"] != "envelope" and "stats" not in options:
        del given["stats"]
    return draw(fit.idata, **panel_options(fit, var_names, given))
