"""How well the sampler moved between levels of the posterior."""

from typing import TYPE_CHECKING, Any

from bayesmix.errors import InputError
from bayesmix.plots._arviz import arviz_options
from bayesmix.plots._style import PALETTE

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["plot_energy"]


def plot_energy(fit: "Fit", **options: Any) -> Any:
    """Draw the energies of the draws and of the steps between them, and the E-BFMI of every chain, by ArviZ.

    Where the steps are much narrower than the energies, the sampler explores the tails slowly: E-BFMI is low.

    Parameters
    ----------
    fit : Fit
    **options
        Passed on to ``arviz_plots.plot_energy``.

    Returns
    -------
    arviz_plots.PlotCollection
        Its figure is ``result.viz["figure"].item()``, the Axes are in ``result.viz["plot"]``.

    Raises
    ------
    InputError
        If the draws were lifted and came without energies.

    Examples
    --------
    >>> panels = bm.plots.plot_energy(fit)
    >>> type(panels).__name__
    'PlotCollection'
    """
    from arviz_plots import plot_energy as draw

    if "energy" not in fit.idata["sample_stats"].to_dataset():
        raise InputError(
            "plot_energy must have the sampler's energies, but the draws were lifted without them. Keep 'energy' in "
            "sample_stats of what is lifted; NumPyro has it with extra_fields=('energy',)."
        )
    size = {"figsize": (8.0, 3.0)}
    panels = draw(fit.idata, **arviz_options(options, figure_kwargs=size, color=list(PALETTE)))
    for axes in getattr(panels.viz["figure"].item(), "axes", ()):  # other backends have figures of their own
        if axes.get_ylabel() == "Chain":
            axes.locator_params(axis="y", integer=True)
    return panels
