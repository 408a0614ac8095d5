"""What all plots share: component colours, greys, and the way to an Axes."""

from typing import TYPE_CHECKING, Any, NamedTuple

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
    "plain",
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

_MOST_TICKS = 2000
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


def draw_rug(axes: "Axes", values: FloatArray, *, height: float | None = None) -> int:
    """Draw a tick for each row, or for evenly spaced ones of many in the order of their values.

    Ticks of more rows would merge into one black bar, which says nothing of where rows are.

    Parameters
    ----------
    axes : matplotlib Axes
    values : ndarray
        Blanks are left out.
    height : float, optional
        Where the ticks are, in units of the upright axis; at the foot of the plot by default.

    Returns
    -------
    int
        How many ticks there are, at most 2000.
    """
    known = np.sort(values[np.isfinite(values)])
    shown = known[np.linspace(0, len(known) - 1, min(len(known), _MOST_TICKS)).round().astype(int)]
    where: dict[str, Any] = {"transform": axes.get_xaxis_transform()} if height is None else {}
    axes.plot(
        shown,
        np.full(len(shown), 0.015 if height is None else height),
        "|",
        color=INK,
        alpha=float(np.clip(20 / len(shown), 0.05, 0.6)),
        markersize=7,
        label="_rug",
        zorder=2,
        **where,
    )
    return len(shown)


def plain(text: object) -> str:
    r"""Return a name as Matplotlib shows it as it is: between two dollar signs it would read formulas.

    Parameters
    ----------
    text : object
        A column, class, category or row's label.

    Examples
    --------
    >>> plain("$10 to $20") == r"\$10 to \$20"
    True
    """
    return str(text).replace("$", r"\$")


def interval_words(prob: float, kind: str) -> str:
    """Return the interval for legends.

    Examples
    --------
    >>> interval_words(0.89, "eti")
    '89 % ETI'
    """
    return f"{100 * prob:g} % {kind.upper()}"
