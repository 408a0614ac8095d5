"""What all plots share: component colours, greys, and the way to an Axes."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bayesmix.data import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BAND_ALPHA",
    "DATA_COLOR",
    "GUIDE_COLOR",
    "INK",
    "PALETTE",
    "ComponentStyle",
    "axes_or_new",
    "component_style",
    "draw_rug",
    "interval_words",
]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Component colours that colour-blind readers can tell apart (Okabe & Ito 2008), without black, which is the
mixture, and yellow, which is hard to see on white."""

INK = "#222222"
"""The mixture, estimates and text."""

DATA_COLOR = "#D9D9D9"
"""The data as areas."""

GUIDE_COLOR = "#777777"
"""Reference lines and secondary marks."""

BAND_ALPHA = 0.18
"""Opacity of bands, so that lines and other bands show through."""

_LINES = ("-", "--", ":", "-.")
_MARKERS = ("o", "s", "^", "D")


class ComponentStyle(NamedTuple):
    """How one component is drawn in every plot."""

    color: str
    linestyle: str
    marker: str


def component_style(component: int) -> ComponentStyle:
    """Return the look of a component.

    Six colours with solid lines and circles, then the same six with dashed lines and squares, then dotted
    with triangles, dash-dotted with diamonds: 24 components are distinct, further ones start over.

    Parameters
    ----------
    component : int
        Number of the component, from 0.

    Returns
    -------
    ComponentStyle

    Examples
    --------
    >>> component_style(0)
    ComponentStyle(color='#0072B2', linestyle='-', marker='o')
    >>> component_style(6)
    ComponentStyle(color='#0072B2', linestyle='--', marker='s')
    """
    round_, position = divmod(component, len(PALETTE))
    return ComponentStyle(PALETTE[position], _LINES[round_ % len(_LINES)], _MARKERS[round_ % len(_MARKERS)])


def axes_or_new(ax: "Axes | None", width: float = 7.0, height: float = 4.2) -> "Axes":
    """Return `ax`, or the Axes of a new figure; pyplot is touched only in the second case.

    Parameters
    ----------
    ax : matplotlib Axes or None
    width, height : float
        Size of a new figure in inches.

    Returns
    -------
    matplotlib Axes
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, new = plt.subplots(figsize=(width, height), layout="constrained")
    for side in ("top", "right"):
        new.spines[side].set_visible(False)
    return new


def draw_rug(axes: "Axes", values: FloatArray) -> None:
    """Draw one tick per row at the foot of the plot, fainter where there are many rows.

    Parameters
    ----------
    axes : matplotlib Axes
    values : ndarray
    """
    axes.plot(
        values,
        np.full(len(values), 0.015),
        "|",
        transform=axes.get_xaxis_transform(),
        color=INK,
        alpha=float(np.clip(20 / len(values), 0.05, 0.6)),
        markersize=7,
        label="_rug",
        zorder=2,
    )


def interval_words(prob: float, kind: str) -> str:
    """Return the interval for legends.

    Examples
    --------
    >>> interval_words(0.89, "eti")
    '89 % ETI'
    """
    return f"{100 * prob:g} % {kind.upper()}"
