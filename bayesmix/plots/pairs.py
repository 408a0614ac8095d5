"""All pairs of some columns, and each by itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.errors import InputError
from bayesmix.plots._legend import columns_that_fit
from bayesmix.plots._rows import rows_in_words, with_some_rows
from bayesmix.plots._style import DATA_COLOR, plain
from bayesmix.plots.contours import draw_contours, draw_rows, ranges_of
from bayesmix.plots.density import plot_density
from bayesmix.prediction import categories_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit

__all__ = ["plot_pairs"]

_MOST = 8
_GRID = 50


def plot_pairs(
    fit: "Fit", columns: Sequence[str] | None = None, *, max_rows: int = 1000, random_seed: int = 0
) -> npt.NDArray[Any]:
    """Draw each column's marginal density on the diagonal, and rows with contours of the mixture for every pair below.

    Panels of the diagonal are those of `plot_density`: data, mixture and components with bands. In the others rows
    have the colour of their most probable component, fainter the less probable it is, and contours surround 50, 80 and
    95 % of the posterior mean density, as in `plot_contours`. Both integrate the other columns out.

    Parameters
    ----------
    fit : Fit
        Of a table, with its data.
    columns : sequence of str, optional
        Two to eight columns; all by default.
    max_rows : int, default 1000
        Of more rows a random sample of so many is drawn, which the legend says. The diagonal counts all of them.
    random_seed : int, default 0
        Of the sample and the spread of whole numbers and categories; fixed so that the same picture comes back.

    Returns
    -------
    ndarray of matplotlib Axes, shape (columns, columns)
        Of one figure, ``axes[0, 0].figure``; those above the diagonal are empty.

    Raises
    ------
    InputError
        If there are fewer than two or more than eight columns, one does not exist or is named twice, an argument
        breaks its rule, or the fit was saved without its data.

    Examples
    --------
    >>> faithful = bm.load_dataset("old_faithful")
    >>> pair = bm.Mixture(2, "mv_normal").fit(faithful, draws=200, tune=200, random_seed=1)
    >>> bm.plots.plot_pairs(pair).shape
    (2, 2)
    """
    import matplotlib.pyplot as plt

    chosen = _positions(fit, columns)
    some, _ = with_some_rows(fit, max_rows, random_seed)
    size, n = float(np.clip(11.0 / len(chosen), 1.7, 2.8)), len(chosen)
    panels: npt.NDArray[Any]
    figure, panels = plt.subplots(n, n, figsize=(size * n, size * n), layout="constrained", squeeze=False)
    points: list[Any] = []
    curves: dict[str, Any] = {}
    for i, j in np.ndindex(n, n):
        axes: Any = panels[i, j]
        if j > i:
            axes.set_axis_off()
            continue
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if i == j:
            curves |= _draw_marginal(axes, fit, chosen[i])
        else:
            pair = (chosen[j], chosen[i])
            points, _ = draw_rows(axes, some, pair, 7, random_seed)
            curves |= {h.get_label(): h for h in draw_contours(axes, fit, pair, ranges_of(fit, pair), _GRID)}
        _label(axes, fit, chosen[j], chosen[i], i == n - 1, j == 0)
    handles = [*points, *curves.values()]
    figure.legend(
        handles=handles,
        title=rows_in_words(some.observations.n, fit.observations.n),
        title_fontsize="small",
        fontsize="small",
        frameon=False,
        loc="outside upper center",
        ncols=columns_that_fit([str(h.get_label()) for h in handles], 0.95 * size * n),
    )
    return panels


def _positions(fit: "Fit", columns: Sequence[str] | None) -> list[int]:
    names = fit.layout.names
    given = list(names) if columns is None else [columns] if isinstance(columns, str) else list(columns)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise InputError(f"columns must be among {list(names)}, got {unknown[0]!r}. Leave it out for all of them.")
    if len(set(given)) < len(given):
        raise InputError(f"columns must be named once each, got {given}. Leave out the repetition.")
    if not 2 <= len(given) <= _MOST:
        remedy = "Use plot_density for one" if len(given) < 2 else f"Name some of them, e.g. columns={given[:4]}"
        raise InputError(
            f"columns must be 2 to {_MOST} columns for pairs that can be read, got {len(given)}. {remedy}."
        )
    return [names.index(name) for name in given]


def _draw_marginal(axes: "Axes", fit: "Fit", column: int) -> dict[str, Any]:
    """Draw the density of one column without its legend and rug; return the handle of the mixture."""
    plot_density(fit, column=fit.layout.names[column], ax=axes)
    legend = axes.get_legend()
    if legend is not None:
        legend.remove()
    for one in list(axes.lines):
        if one.get_label() == "_rug":
            one.remove()
    lines = [one for one in axes.lines if not str(one.get_label()).startswith(("_", "component"))]
    for bar in axes.patches:
        bar.set_edgecolor(DATA_COLOR)  # white gaps between narrow bars would be stripes
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return {str(line.get_label()): line for line in lines}


def _label(axes: "Axes", fit: "Fit", column: int, row: int, bottom: bool, left: bool) -> None:
    """Give a panel the limits of its columns; numbers and names stand at the outer panels alone."""
    spans = ranges_of(fit, (column, row))
    names = [plain(name) for name in fit.layout.names]
    axes.set_xlim(*spans[0])
    categories = categories_of(fit, column)
    if categories:
        axes.set_xticks(range(len(categories)), [plain(name) for name in categories], rotation=90)
    axes.set_xlabel(names[column] if bottom else "", fontsize="small")
    axes.tick_params(labelsize="x-small", labelbottom=bottom)
    if column == row:
        axes.set_ylabel(names[row] if left else "", fontsize="small")
        axes.set_title("" if left else names[row], fontsize="small")
        return
    axes.set_ylim(*spans[1])
    categories = categories_of(fit, row)
    if categories:
        axes.set_yticks(range(len(categories)), [plain(name) for name in categories])
    axes.set_ylabel(names[row] if left else "", fontsize="small")
    axes.tick_params(labelleft=left)
