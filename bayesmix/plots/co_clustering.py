"""Which rows belong together, as a heat map of all pairs."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.plots._rows import IntArray, name_rows, rows_in_words, with_some_rows
from bayesmix.plots._style import DATA_COLOR, PALETTE, axes_or_new

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from bayesmix.fit import Fit
    from bayesmix.partition import Partition

__all__ = ["plot_co_clustering"]

_COLORMAP = "Greys"
_BORDER = PALETTE[1]
_LEAST_SHARE = 0.05
_MOST = 5000


def plot_co_clustering(
    fit: "Fit | xr.DataArray",
    partition: "Partition | None" = None,
    *,
    max_rows: int = 1000,
    random_seed: int = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw for every pair of rows how probable it is that they are of one group, as a heat map ordered by clusters.

    Rows are ordered by the point partition; within a cluster those that lean towards clusters with lower numbers come
    first. A frame surrounds each cluster. A dark square in a light surrounding is a sure cluster; shades between two
    squares are rows that may belong to either.

    Parameters
    ----------
    fit : Fit or DataArray
        A fit with its data; or pairs of rows that were computed before, as by ``fit.co_clustering()`` or averaged over
        fits.
    partition : Partition, optional
        What orders the rows. By default ``fit.point_partition()`` of the rows that are shown; an array without a
        partition is ordered by a tree (average linkage), without frames.
    max_rows : int, default 1000
        Of more rows of a fit a random sample of so many is drawn, which the axis says; at most 5000.
    random_seed : int, default 0
        Of the sample and the partition; fixed so that the same picture comes back.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib Axes
        Rows from the upper left corner on, with their labels up to 40 rows; clusters of at least 5 % of the rows are
        named with their size.

    Raises
    ------
    InputError
        If an argument breaks its rule, the partition is not of these rows, or the fit was saved without its data.

    Examples
    --------
    >>> ax = bm.plots.plot_co_clustering(fit)
    >>> ax.images[0].get_array().shape
    (19, 19)
    """
    pairs, labels, names, total = _read(fit, partition, max_rows, random_seed)
    order = _by_tree(pairs) if labels is None else _by_cluster(pairs, labels)
    axes = axes_or_new(ax, width=6.4, height=5.4)
    options: dict[str, Any] = {"cmap": _COLORMAP, "vmin": 0.0, "vmax": 1.0, "interpolation": "nearest"}
    # Not forced to be square: labels at the sides would cut it, or the colour bar be higher than it.
    image = axes.imshow(pairs[np.ix_(order, order)], aspect="auto", **options)
    how = "tree" if labels is None else "cluster"
    axes.set_ylabel(f"{rows_in_words(len(pairs), total)}, by {how}")
    name_rows(axes, "y", names[order], np.arange(float(len(order))))
    axes.set_xticks([])
    if labels is not None:
        _draw_clusters(axes, labels[order])
    axes.tick_params(axis="x", length=0)
    axes.spines[:].set(visible=True, color=DATA_COLOR)
    axes.set(xlim=(-0.5, len(order) - 0.5), ylim=(len(order) - 0.5, -0.5))
    axes.figure.colorbar(image, ax=axes, label="probability of one group", pad=0.02)
    return axes


def _read(
    given: Any, partition: "Partition | None", max_rows: int, random_seed: int
) -> tuple[FloatArray, IntArray | None, pd.Index, int]:
    """Return pairs, the cluster of every row, or None where nothing tells it, their names, and how many rows exist."""
    if hasattr(given, "dims"):
        pairs, names = _checked(given), pd.Index(given["obs"].values)
        return pairs, None if partition is None else _labels_of(names, partition), names, len(names)
    if isinstance(max_rows, int) and max_rows > _MOST:
        raise InputError(f"max_rows must be at most {_MOST}, one number for every pair, got {max_rows}. Draw a sample.")
    some, chosen = with_some_rows(given, max_rows, random_seed)
    if partition is None:
        labels = some.point_partition(random_seed=random_seed).labels.to_numpy()
    else:
        labels = _labels_by_position(given, partition)[chosen]
    return some.co_clustering().values, labels, some.observations.index, given.observations.n


def _checked(pairs: Any) -> FloatArray:
    values = np.asarray(pairs, dtype=np.float64)
    if pairs.dims != ("obs", "obs_other") or values.shape[0] != values.shape[1]:
        raise InputError(
            f"pairs must have the dims ('obs', 'obs_other') and be square, got {pairs.dims} with the shape "
            f"{values.shape}. Pass fit.co_clustering(), or the fit."
        )
    return values


def _labels_by_position(fit: "Fit", partition: "Partition") -> IntArray:
    if not partition.labels.index.equals(fit.observations.index):
        raise InputError(
            f"partition must be of the {fit.observations.n} fitted rows, got labels of {len(partition.labels)} rows "
            "with another index. Leave it out, or make it by point_partition of this fit."
        )
    return np.asarray(partition.labels.to_numpy(), dtype=np.intp)


def _labels_of(index: pd.Index, partition: "Partition") -> IntArray:
    """Return the cluster of every row of an array: by position where all rows are there, else by label."""
    labels = partition.labels
    if len(index) == len(labels):
        return np.asarray(labels.to_numpy(), dtype=np.intp)
    # An array names rows by text where their labels are neither numbers nor dates.
    known = labels.index if labels.index.isin(index).any() else labels.index.map(str)
    if not known.is_unique or not index.isin(known).all():
        raise InputError(
            f"partition must have one label for each of the {len(index)} rows, got {len(labels)} labels, which do not "
            "name them all, or name some twice. Pass the fit instead of the array."
        )
    return np.asarray(labels.to_numpy()[known.get_indexer(index)], dtype=np.intp)


def _by_cluster(pairs: FloatArray, labels: IntArray) -> IntArray:
    """Order rows by their cluster and, within it, by the mean number of the clusters that they belong with."""
    lean = pairs @ labels / pairs.sum(axis=1)
    return np.lexsort((lean, labels))


def _by_tree(pairs: FloatArray) -> IntArray:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(pairs) < 3:
        return np.arange(len(pairs))
    away = squareform(np.maximum(1 - pairs, 0.0), checks=False)
    return np.asarray(leaves_list(linkage(away, "average")), dtype=np.intp)


def _draw_clusters(axes: "Axes", labels: IntArray) -> None:
    """Frame every cluster and name the larger ones over the picture."""
    from matplotlib.patches import Rectangle

    names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    middles, texts = [], []
    for name, start, size in zip(names.tolist(), first.tolist(), sizes.tolist(), strict=True):
        corner = (start - 0.5, start - 0.5)
        look: dict[str, Any] = {"edgecolor": _BORDER, "linewidth": 1.5, "clip_on": False}
        axes.add_patch(Rectangle(corner, size, size, fill=False, label=f"_cluster {name}", zorder=3, **look))
        if size >= _LEAST_SHARE * len(labels):
            middles.append(start + size / 2 - 0.5)
            texts.append(f"cluster {name}\n({size})" if len(names) < 5 else f"{name}\n({size})")
    axes.set_xticks(middles, texts, fontsize="small")
    axes.xaxis.tick_top()
    if len(names) >= 5:
        axes.set_xlabel("cluster (rows)")
        axes.xaxis.set_label_position("top")
