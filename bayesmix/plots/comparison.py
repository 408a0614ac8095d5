"""Fits of the same data, side by side."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray
from bayesmix.plots._style import GUIDE_COLOR, INK, PALETTE, axes_or_new, legend_above

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_comparison"]

type BoolArray = npt.NDArray[np.bool_]

_WAIC_COLOR = PALETTE[1]
_SHIFT = 0.22


def plot_comparison(table: "pd.DataFrame", *, ax: "Axes | None" = None) -> "Axes":
    """Draw the expected log predictive density of every fit, and how far it is from the best.

    Each fit has a row: a circle with its LOO estimate and a thick bar of one standard error, above it a
    cross for WAIC, and below it a triangle with a thin bar of one standard error of the *difference* to the
    best fit. A thin bar that reaches the dashed line means that the difference is within its own noise; the
    thick bars are no guide to that, because the fits share their rows.

    Parameters
    ----------
    table : DataFrame
        ``Comparison.table``: indexed by number of components or by name, columns as in
        `bayesmix.comparison.COLUMNS`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        First fit on top. Circles are hollow where ``note`` says that the fit is not to be trusted; a fit
        without numbers keeps its place and is named as missing.

    Examples
    --------
    >>> import bayesmix as bm
    >>> arms = bm.load_dataset("arm_lengths")
    >>> choice = bm.choose_components(arms["length"], range(1, 4))  # doctest: +SKIP
    >>> ax = bm.plots.plot_comparison(choice.table)  # doctest: +SKIP
    """
    axes = axes_or_new(ax, height=1.4 + 0.55 * max(len(table), 2))
    y = np.arange(len(table), dtype=float)
    there = table["elpd"].notna().to_numpy()
    doubtful = (table["note"].fillna("") != "").to_numpy()
    handles: list[Any] = []
    if there.any():
        waic = table["elpd_waic"].to_numpy(dtype=float)
        handles += _draw_elpd(axes, table, y, there & ~doubtful, filled=True)
        handles += _draw_elpd(axes, table, y, there & doubtful, filled=False)
        handles += axes.plot(waic[there], y[there] - _SHIFT, "x", color=_WAIC_COLOR, label="elpd by WAIC", zorder=4)
        handles += _draw_differences(axes, table, y, there & (table["elpd_diff"] < 0).to_numpy(dtype=bool))
        best = float(table["elpd"].max())
        handles.append(axes.axvline(best, color=GUIDE_COLOR, linestyle="--", linewidth=1, label="best elpd"))
    for position in y[~there]:
        axes.text(
            0.5,
            position,
            "no fit: see its note",
            transform=axes.get_yaxis_transform(),
            ha="center",
            va="center",
            color=GUIDE_COLOR,
            fontstyle="italic",
            fontsize="small",
        )
    axes.set_yticks(y, [str(name) for name in table.index])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_ylabel("number of components" if table.index.name == "n_components" else str(table.index.name))
    axes.set_xlabel("elpd: expected log predictive density, nats (higher is better)")
    if there.any():
        legend_above(axes, columns=3, handles=handles)
    return axes


def _draw_elpd(axes: "Axes", table: "pd.DataFrame", y: FloatArray, rows: BoolArray, *, filled: bool) -> list[Any]:
    if not rows.any():
        return []
    bars = axes.errorbar(
        table["elpd"].to_numpy(dtype=float)[rows],
        y[rows],
        xerr=table["se"].to_numpy(dtype=float)[rows],
        fmt="o",
        color=INK,
        markerfacecolor=INK if filled else "white",
        markersize=7,
        elinewidth=2,
        label="elpd by LOO, 1 se" if filled else "the same, fit failed its checks",
        zorder=3,
    )
    return [bars]


def _draw_differences(axes: "Axes", table: "pd.DataFrame", y: FloatArray, rows: BoolArray) -> list[Any]:
    if not rows.any():
        return []
    bars = axes.errorbar(
        table["elpd"].to_numpy(dtype=float)[rows],
        y[rows] + _SHIFT,
        xerr=table["dse"].to_numpy(dtype=float)[rows],
        fmt="^",
        color=GUIDE_COLOR,
        markersize=5,
        elinewidth=1,
        label="difference to the best, 1 se",
        zorder=2,
    )
    return [bars]
