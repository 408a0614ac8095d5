"""Fits of the same data, side by side."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.comparison import CLEAR_DIFFERENCE, Ranking, clearly_worse
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.plots._legend import legend_above
from bayesmix.plots._style import DATA_COLOR, GUIDE_COLOR, INK, PALETTE, axes_or_new, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.comparing import Comparison

__all__ = ["plot_comparison", "shown_differences"]

type BoolArray = npt.NDArray[np.bool_]

_WAIC_COLOR = PALETTE[1]
_SHIFT = 0.26
#: Differences up to here are always shown, and larger ones up to so many times the reach of the nearer fits.
_NEAR, _TIMES = 10.0, 5.0


def plot_comparison(
    comparison: "Comparison[Any] | Ranking | pd.DataFrame", *, numbers: bool = True, ax: "Axes | None" = None
) -> "Axes":
    """Draw how far every fit's expected log predictive density is from the best one's, with the numbers beside.

    Each fit has a row: a circle at its LOO estimate less that of the best fit that passed its checks, and a bar of one
    standard error of this difference. A fit is clearly worse where its circle lies outside the grey strip *and* its
    bar does not reach the dashed line. The cross above is the same by WAIC. The standard error of elpd itself is a
    number only: fits share their rows, so overlap of such bars would say nothing.

    Parameters
    ----------
    comparison : Comparison, Ranking or DataFrame
        ``Comparison.table`` will do; of the table alone, fits without ``elpd_diff`` are taken to have failed.
    numbers : bool, default True
        Whether to write elpd with its standard error, the stacking weight and, where known, the log evidence to the
        right of each fit.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default. The numbers stand to the right of it.

    Returns
    -------
    matplotlib Axes
        First fit on top. The first one that is not clearly worse has a colour of its own. Circles are hollow where a
        fit failed its checks; a fit without numbers keeps its place and is named as missing. Fits so far off that the
        others could not be told apart are arrows at the edge with their difference.

    Examples
    --------
    >>> ax = bm.plots.plot_comparison(choice)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['1', '2', '3']
    """
    table, passed = _read(comparison)
    axes = axes_or_new(ax, width=8.5 if numbers else 7.0, height=1.8 + 0.5 * max(len(table), 2))
    y = np.arange(len(table), dtype=float)
    there = table["elpd"].notna().to_numpy()
    handles: list[Any] = []
    if there.any():
        diff, error, near = shown_differences(table, passed)
        by_waic = _numbers(table, "elpd_waic")
        waic = by_waic - by_waic[int(np.argmax(diff == 0))]
        handles += _draw_fits(axes, table, y, (diff, error), near & there, passed)
        shown = near & there & np.isfinite(waic)
        handles += axes.plot(waic[shown], y[shown] - _SHIFT, "x", color=_WAIC_COLOR, label="by WAIC", zorder=4)
        label = f"less than {CLEAR_DIFFERENCE:g}: never clearly worse"
        handles.append(axes.axvspan(-CLEAR_DIFFERENCE, 0, color=DATA_COLOR, alpha=0.5, label=label, zorder=0))
        handles.append(axes.axvline(0, color=GUIDE_COLOR, linestyle="--", linewidth=1, label="best", zorder=1))
        _point_at_far_ones(axes, y, (diff, error), there & ~near, passed)
        if numbers:
            _write_numbers(axes, table, y, there)
    for position in y[~there]:
        where: Any = {"transform": axes.get_yaxis_transform(), "ha": "center", "va": "center", "fontsize": "small"}
        axes.text(0.5, position, "no fit: see its note", color=GUIDE_COLOR, fontstyle="italic", **where)
    axes.set_yticks(y, [plain(name) for name in table.index])
    axes.set_ylim(len(table) - 0.5, -1.1 if numbers else -0.6)
    axes.set_ylabel("number of components" if table.index.name == "n_components" else plain(table.index.name))
    axes.set_xlabel("elpd less that of the best, nats\n(bars: 1 standard error of the difference)")
    if there.any():
        legend_above(axes, most=3, handles=handles)
    return axes


def _read(comparison: Any) -> tuple[pd.DataFrame, BoolArray]:
    """Return the table, and which of its fits passed their checks."""
    source = getattr(comparison, "ranking", comparison)
    if isinstance(source, Ranking):
        return source.table, np.array([name in source.passed for name in source.table.index], dtype=bool)
    if not isinstance(source, pd.DataFrame) or "elpd_diff" not in source:
        raise InputError(
            f"comparison must be what choose_components or compare returned, or its table, got "
            f"{type(comparison).__name__}. Use e.g. plot_comparison(choice)."
        )
    return source, source["elpd_diff"].notna().to_numpy(dtype=bool)


def _numbers(table: pd.DataFrame, column: str) -> FloatArray:
    return np.asarray(table[column].to_numpy(dtype=float, na_value=np.nan))


def shown_differences(table: pd.DataFrame, passed: BoolArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return each fit's elpd less the best one's, its standard error, and whether it fits on one scale with the others.

    Parameters
    ----------
    table : DataFrame
        ``Comparison.table``, with at least one elpd.
    passed : ndarray of bool
        Which fits passed their checks; the best is one of them, where there are any.

    Returns
    -------
    diff, error : ndarray
        NaN without elpd; 0 where the error is not known.
    near : ndarray of bool
        The best, the next, and those not many times farther than the nearer ones.
    """
    elpd = _numbers(table, "elpd")
    judged = passed if passed.any() else np.isfinite(elpd)
    diff = elpd - np.max(elpd[judged])
    error = np.nan_to_num(np.hypot(_numbers(table, "dse"), _numbers(table, "subsampling_dse")))
    reach, limit, distance = 0.0, _NEAR, np.abs(diff)
    for rank, i in enumerate(np.flatnonzero(judged)[np.argsort(distance[judged], kind="stable")]):
        if rank > 1 and distance[i] > max(_NEAR, _TIMES * reach):
            break
        reach, limit = max(reach, distance[i] + error[i]), max(limit, distance[i])
    return diff, error, np.asarray(distance <= limit)


def _draw_fits(
    axes: "Axes",
    table: pd.DataFrame,
    y: FloatArray,
    numbers: tuple[FloatArray, FloatArray],
    near: BoolArray,
    passed: BoolArray,
) -> list[Any]:
    diff, error = numbers
    first = np.zeros(len(table), dtype=bool)
    if passed.any():
        judged = table[["elpd_diff", "dse", "subsampling_dse"]].astype(float)
        adequate = passed & ~clearly_worse(judged).to_numpy(dtype=bool)
        first[np.flatnonzero(adequate)[:1]] = True
    looks = (
        (first & near, PALETTE[0], True, "first not clearly worse"),
        (passed & ~first & near, INK, True, "other fits"),
        (~passed & near, INK, False, "failed its checks"),
    )
    out = []
    for rows, color, filled, label in looks:
        if rows.any():
            bars = axes.errorbar(
                diff[rows],
                y[rows],
                xerr=error[rows],
                fmt="o",
                color=color,
                markerfacecolor=color if filled else "white",
                markersize=8,
                elinewidth=1.8,
                label=label,
                zorder=3,
            )
            out.append(bars)
    return out


def _point_at_far_ones(
    axes: "Axes", y: FloatArray, numbers: tuple[FloatArray, FloatArray], far: BoolArray, passed: BoolArray
) -> None:
    """Draw arrows at the edge for fits beyond it, with their numbers."""
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    for i in np.flatnonzero(far):
        diff, error = (float(values[i]) for values in numbers)
        left = diff < 0
        words = _minus(f"{diff:.1f} ± {error:.1f}" if error > 0 else f"{diff:.1f}")
        words += "" if passed[i] else ", failed its checks"
        axes.annotate(
            words,
            xy=(0.0 if left else 1.0, y[i]),
            xycoords=("axes fraction", "data"),
            xytext=(30 if left else -30, 0),
            textcoords="offset points",
            ha="left" if left else "right",
            va="center",
            fontsize="small",
            color=INK,
            arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkB": 2},
        )


def _write_numbers(axes: "Axes", table: pd.DataFrame, y: FloatArray, there: BoolArray) -> None:
    """Write elpd, weight and log evidence to the right of the plot."""
    elpd = [f"{v:.1f} ({se:.1f})" for v, se in zip(_numbers(table, "elpd"), _numbers(table, "se"), strict=True)]
    columns = [("elpd (se)", 72, elpd), ("weight", 116, [f"{abs(v):.2f}" for v in _numbers(table, "weight")])]
    evidence = _numbers(table, "log_evidence")
    if np.isfinite(evidence).any():
        columns.append(("log evidence", 186, [f"{v:.1f}" if np.isfinite(v) else "–" for v in evidence]))
    for head, offset, texts in columns:
        written = [(-0.8, head, GUIDE_COLOR), *((y[i], texts[i], INK) for i in np.flatnonzero(there))]
        for height, words, color in written:
            axes.annotate(
                _minus(words),
                xy=(1.0, height),
                xycoords=("axes fraction", "data"),
                xytext=(offset, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize="small",
                color=color,
                annotation_clip=False,
            )


def _minus(words: str) -> str:
    """Return numbers with the sign that axes have."""
    return words.replace("-", "\N{MINUS SIGN}")
