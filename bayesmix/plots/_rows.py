"""What plots of rows share: some of many rows, the order in which they are shown, how areas and names look."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.plots._style import GUIDE_COLOR, PALETTE, component_style, plain
from bayesmix.settings import generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = [
    "MOST_NAMED",
    "component_handle",
    "component_hatch",
    "component_name",
    "name_rows",
    "rows_in_words",
    "sorted_rows",
    "with_some_rows",
]

type IntArray = npt.NDArray[np.intp]

MOST_NAMED = 40
"""Up to so many rows are named at the axis."""

_HATCHES = ("", "////", "....", "xxxx")


def component_hatch(component: int) -> str:
    """Return the pattern of a component's areas: with its colour it tells 24 components apart.

    Examples
    --------
    >>> component_hatch(0), component_hatch(6)
    ('', '////')
    """
    return _HATCHES[component // len(PALETTE) % len(_HATCHES)]


def component_name(label: int | str) -> str:
    """Return what a component is called in legends and at axes.

    Examples
    --------
    >>> component_name(0), component_name("adult")
    ('component 0', 'component adult')
    """
    return f"component {plain(label)}"


def component_handle(component: int, label: str) -> Any:
    """Return a legend entry for the areas of a component.

    Parameters
    ----------
    component : int
    label : str
    """
    from matplotlib.patches import Patch

    color, hatch = component_style(component).color, component_hatch(component)
    return Patch(facecolor=color, edgecolor="white", linewidth=0, hatch=hatch, label=label)


def with_some_rows(fit: "Fit", max_rows: int, random_seed: int) -> "tuple[Fit, IntArray]":
    """Return the fit with at most so many of its rows, drawn at random, and their positions.

    What its methods say of a row does not depend on the other rows: the draws are those of the whole fit.

    Parameters
    ----------
    fit : Fit
        With its data.
    max_rows : int
    random_seed : int

    Raises
    ------
    InputError
        If an argument breaks its rule, or the fit was saved without its data.
    """
    rows, rng = fit.observations, generator(random_seed)
    whole = isinstance(max_rows, (int, np.integer)) and not isinstance(max_rows, (bool, np.bool_))
    if not (whole and max_rows >= 1):
        raise InputError(f"max_rows must be an integer >= 1, got {max_rows!r}. Leave it out for what can be read.")
    if rows.n <= max_rows:
        return fit, np.arange(rows.n)
    chosen = np.sort(rng.choice(rows.n, int(max_rows), replace=False))
    return replace(fit, data=rows.take(chosen)), chosen


def rows_in_words(shown: int, total: int) -> str:
    """Return how many rows there are, and whether that is a sample of them.

    Examples
    --------
    >>> rows_in_words(19, 19), rows_in_words(500, 100000)
    ('19 rows', 'random sample of 500 of 100000 rows')
    """
    return f"{total} row{'s' if total > 1 else ''}" if shown == total else f"random sample of {shown} of {total} rows"


def sorted_rows(probability: FloatArray) -> tuple[IntArray, IntArray]:
    """Return rows by their most probable component and, within it, the surest first; and the component of each.

    Parameters
    ----------
    probability : ndarray, shape (n, M)

    Returns
    -------
    order, component : ndarray of int, shape (n,)
        ``component`` is in this order.
    """
    first = np.argmax(probability, axis=1)
    order = np.lexsort((-probability[np.arange(len(first)), first], first))
    return order, first[order]


def name_rows(axes: "Axes", axis: str, index: pd.Index, positions: FloatArray) -> None:
    """Write the rows' labels at an axis, or nothing where there are too many to be read.

    Parameters
    ----------
    axes : matplotlib Axes
    axis : {"x", "y"}
    index : pandas.Index
        Labels in the order shown; levels of a MultiIndex are joined by commas.
    positions : ndarray
    """
    names: list[str] = []
    if len(index) <= MOST_NAMED and isinstance(index, pd.MultiIndex):
        names = [plain(", ".join(map(str, label))) for label in index]
    elif len(index) <= MOST_NAMED:
        names = [plain(label) for label in index.astype(str)]
    set_ticks = axes.set_xticks if axis == "x" else axes.set_yticks
    set_ticks(list(positions) if names else [], names, fontsize="x-small")
    if axis == "x" and sum(map(len, names)) > 60:
        axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="x" if axis == "x" else "y", length=2, color=GUIDE_COLOR)
