"""What plots by ArviZ share: its functions on the draws of a fit, with matplotlib and the colours of this package."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayesmix.errors import InputError
from bayesmix.plots._style import PALETTE
from bayesmix.posterior import model_variables

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["arviz_options", "panel_options"]

_COLUMNS = 3


def arviz_options(options: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the arguments of a plot by ArviZ: matplotlib, a layout without overlaps, and what the user says.

    Parameters
    ----------
    options : dict
        The user's, which come first.
    **defaults
        The plot's own.
    """
    figure = {"layout": "constrained", **defaults.pop("figure_kwargs", {}), **options.get("figure_kwargs", {})}
    return {"backend": "matplotlib", **defaults, **options, "figure_kwargs": figure}


def panel_options(fit: "Fit", var_names: str | Sequence[str] | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a plot by ArviZ with a panel for every number: the parameters and the size for them.

    Parameters
    ----------
    fit : Fit
    var_names : str or sequence of str, optional
        Some of the variables of the posterior; weights and parameters that vary by default.
    options : dict
        As for `arviz_options`.

    Raises
    ------
    InputError
        If a name is no variable.
    """
    source = fit.idata["posterior"].to_dataset()
    names = model_variables(fit) if var_names is None else [var_names] if isinstance(var_names, str) else [*var_names]
    unknown = [name for name in names if name not in source]
    if unknown or not names:
        known = [str(name) for name in source.data_vars]
        raise InputError(f"var_names must be among {known}, got {unknown or names}. Leave it out for all that vary.")
    n = sum(source[name][0, 0].size for name in names)
    rows = -(-n // _COLUMNS)
    return arviz_options(
        options,
        var_names=names,
        figure_kwargs={"figsize": (3.3 * min(n, _COLUMNS), 1.0 + 1.9 * rows)},
        col_wrap=_COLUMNS,
        color=list(PALETTE),
    )
