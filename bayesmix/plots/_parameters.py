"""What plots of parameters share: one panel for each quantity, one line in it for each component."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.blocks import Variable
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME
from bayesmix.plots._style import INK, ComponentStyle, axes_or_new, component_style, plain
from bayesmix.posterior import DrawArrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AxesArray", "Quantity", "draw_lines_of", "named_quantity", "panels_or_new", "quantities"]

type AxesArray = npt.NDArray[Any]
"""Axes in an array, one for each panel."""

_MAX_PANELS = 40
_COLUMNS = 3
_SHARED = "all"


@dataclass(frozen=True, eq=False)
class Quantity:
    """One number of every component, such as its mean of one column.

    Attributes
    ----------
    name : str
        As in `Fit.draws`: ``"w"``, ``"mu"``, ``"age_mu"``, ``"mu[length]"``.
    label : str
        For axes, with the column it belongs to.
    lines : tuple of str
        The components, or ``"all"`` where they share the number.
    draws : ndarray, shape (S, lines)
    limits : tuple of float
        Ends of what is possible.
    circular : bool
        Whether it is an angle.
    """

    name: str
    label: str
    lines: tuple[str, ...]
    draws: FloatArray
    limits: tuple[float, float]
    circular: bool

    @property
    def shared(self) -> bool:
        """Whether all components have the same number."""
        return self.lines == (_SHARED,)

    def style(self, line: int) -> ComponentStyle:
        """Return the look of a line: the component's, or that of the mixture where components share it."""
        return ComponentStyle(INK, "-", "o") if self.shared else component_style(line)


_LIMITS = {
    "real": (-np.inf, np.inf),
    "positive": (0.0, np.inf),
    "unit": (0.0, 1.0),
    "angle": (-np.pi, np.pi),
    "simplex": (0.0, 1.0),
    "correlation": (-1.0, 1.0),
}


def quantities(
    resolved: Mixture, columns: Sequence[str], draws: DrawArrays, var_names: str | Sequence[str] | None = None
) -> list[Quantity]:
    """Return the weights and parameters of all components, in the order of the model.

    Parameters
    ----------
    resolved : Mixture
    columns : sequence of str
        Names of the columns.
    draws : DrawArrays
        Of the prior or the posterior.
    var_names : str or sequence of str, optional
        Some of ``"w"`` and the parameters, in this order; all that vary by default.

    Raises
    ------
    InputError
        If a name is none of them.
    """
    labels = tuple(plain(label) for label in resolved.component_labels)
    known: dict[str, list[Quantity]] = {}
    if len(labels) > 1:
        weights = Quantity(WEIGHTS_NAME, "weight (share of rows)", labels, draws.weights, (0.0, 1.0), False)
        known[WEIGHTS_NAME] = [weights]
    for variable in resolved.variables:
        lines = (_SHARED,) if variable.shared and len(labels) > 1 else labels[: resolved.n_components]
        known[variable.name] = _of_variable(variable, columns, draws.parameters[variable.name], lines)
    names = list(known) if var_names is None else [var_names] if isinstance(var_names, str) else list(var_names)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(f"var_names must be among {list(known)}, got {unknown or names}. Leave it out for all.")
    return [quantity for name in names for quantity in known[name]]


def _of_variable(
    variable: Variable, columns: Sequence[str], values: FloatArray, lines: tuple[str, ...]
) -> list[Quantity]:
    parameter = variable.parameter
    limits, circular = _LIMITS[parameter.support], parameter.support == "angle"
    own = variable.block.columns or range(len(columns))
    where = f" of {plain(columns[own[0]])}" if len(own) == 1 else ""
    if parameter.dim is None:
        return [Quantity(variable.name, f"{parameter.name}{where}", lines, values, limits, circular)]
    # What stands along the further dimension is a column itself, a pair of them, or a category of the column.
    inside = parameter.dim == "category"
    out = []
    for i, label in enumerate(variable.labels):
        words = f"{parameter.name}[{plain(label)}]{where}" if inside else f"{parameter.name} of {plain(label)}"
        out.append(Quantity(f"{variable.name}[{label}]", words, lines, values[..., i], limits, circular))
    return out


def named_quantity(known: Sequence[Quantity], name: str, argument: str) -> Quantity:
    """Return the quantity with a name.

    Raises
    ------
    InputError
        If there is none.
    """
    for quantity in known:
        if quantity.name == name:
            return quantity
    names = [quantity.name for quantity in known]
    raise InputError(f"{argument} must be one of {names}, got {name!r}. They are the columns of fit.draws().")


def panels_or_new(
    ax: "Axes | Sequence[Axes] | AxesArray | None", n: int, *, height: float, what: str = "var_names"
) -> "list[Axes]":
    """Return so many Axes: the given ones, or those of a new figure with up to three side by side.

    Parameters
    ----------
    ax : matplotlib Axes, sequence of Axes, or None
        A single one will do where there is one panel.
    n : int
        Number of panels.
    height : float
        Of one panel of a new figure in inches.
    what : str
        The argument by which there may be fewer panels.

    Raises
    ------
    InputError
        If another number of Axes is given, or there are more panels than can be read.
    """
    if ax is not None:
        given: list[Axes] = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != n:
            raise InputError(f"ax must hold one Axes for each of {n} panels, got {len(given)}. Leave it out.")
        return given
    if n > _MAX_PANELS:
        raise InputError(f"at most {_MAX_PANELS} panels can be read, got {n}. Choose some of them by {what}=.")
    if n == 1:
        return [axes_or_new(None, width=5.0, height=height)]
    import matplotlib.pyplot as plt

    columns = min(n, _COLUMNS)
    rows = -(-n // columns)
    figure = plt.figure(figsize=(3.3 * columns, height * rows), layout="constrained")
    panels = [figure.add_subplot(rows, columns, i + 1) for i in range(n)]
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return panels


def draw_lines_of(axes: "Axes", quantity: Quantity) -> None:
    """Name the lines of a panel at its left, the first component on top, and the quantity below.

    Parameters
    ----------
    axes : matplotlib Axes
    quantity : Quantity
    """
    axes.set_yticks(range(len(quantity.lines)), list(quantity.lines))
    axes.set_ylabel("component")
    axes.set_xlabel(quantity.label)
