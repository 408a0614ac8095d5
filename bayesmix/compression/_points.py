"""Points that represent the rows of a bin: as few as have their number, their mean and their covariance.

One point in the mean loses the variance within bins, so that standard deviations come out too small, the more so in
posterior standard deviations the more rows there are. With the first two moments kept, the log-likelihood is that of
the rows up to third derivatives of the log-density within a bin, and exact where one normal component is alone. This is
data squashing with moments inside bins (DuMouchel, Volinsky, Johnson, Cortes & Pregibon 1999, Squashing flat files
flatter, KDD 99, 6-15). ``docs/large-data.md`` has the measurements that chose it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray

__all__ = ["Points", "represent"]

_RANK = 1e-12
"""Variances below this share of the largest one within a bin are taken for rounding errors."""

_GRID = 2.0**-24
"""Points are rounded to this share of a bin's width: parts added up in another order then give the same bits."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points bin after bin.

    Attributes
    ----------
    places : ndarray, shape (r, b)
    counts : ndarray of float64, shape (r,)
        Whole numbers.
    bins : ndarray of int, shape (r,)
        Not falling.
    """

    places: FloatArray
    counts: FloatArray
    bins: npt.NDArray[np.intp]


def represent(
    counts: FloatArray,
    mean: FloatArray,
    cross: FloatArray,
    spread: npt.NDArray[np.bool_],
    sides: FloatArray,
    widths: FloatArray,
    box: tuple[FloatArray, FloatArray],
) -> Points:
    """Return the points.

    Parameters
    ----------
    counts : ndarray, shape (c,)
        Number of rows of each bin.
    mean, cross : ndarrays, shapes (c, b) and (c, b, b)
        Mean and covariance of the rows within each bin.
    spread : ndarray of bool, shape (c, b)
        In which columns the rows of a bin differ.
    sides : ndarray, shape (c,)
        1 or -1, different in neighbours: which way the points of a bin are turned. The skewness of few points thereby
        cancels between neighbours.
    widths : ndarray, shape (b,)
    box : pair of ndarrays, shape (b,) each
        Smallest and largest value of each column: no point leaves them.
    """
    found = [Points(mean, counts, np.arange(len(counts)))] if not spread.any() else []
    if spread.any():
        patterns, which = np.unique(spread, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            bins = np.flatnonzero(which.ravel() == number)
            active = np.flatnonzero(pattern)
            found += _of_pattern(bins, active, counts[bins], mean[bins], cross[bins], sides[bins], widths, box)
    every = Points(*(np.concatenate([getattr(part, name) for part in found]) for name in ("places", "counts", "bins")))
    order = np.argsort(every.bins, kind="stable")
    return Points(every.places[order], every.counts[order], every.bins[order])


def _of_pattern(
    bins: npt.NDArray[np.intp],
    active: npt.NDArray[np.intp],
    counts: FloatArray,
    mean: FloatArray,
    cross: FloatArray,
    sides: FloatArray,
    widths: FloatArray,
    box: tuple[FloatArray, FloatArray],
) -> list[Points]:
    """Return the points of bins whose rows differ in the same columns, by their number per bin."""
    if not active.size:
        return [Points(mean, counts, bins)]
    unit = widths[active]
    scaled = cross[:, active[:, np.newaxis], active] / (unit[:, np.newaxis] * unit)
    roots, rank = _roots(scaled)
    n_points = 1 + np.minimum(rank, counts - 1).astype(np.intp)
    ends = box[0][active], box[1][active]
    parts = []
    for n in np.unique(n_points):
        own = np.flatnonzero(n_points == n)
        # The first columns of a root hold the larger part of the variance.
        shares, turned = _simplex(counts[own], int(n))
        moves = np.einsum("cnr,car->cna", turned, roots[own][:, :, : n - 1]) * unit
        centre = mean[own][:, np.newaxis, active]
        moves = _inside(centre, moves * sides[own, np.newaxis, np.newaxis], ends)
        placed = np.repeat(mean[own], n, axis=0)
        grid = unit * _GRID
        near = np.round((centre + moves) / grid) * grid
        placed[:, active] = np.clip(near, *ends).reshape(-1, len(active))
        parts.append(Points(placed, shares.ravel(), np.repeat(bins[own], n)))
    return parts


def _roots(cross: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return L with ``L @ L.T`` the covariances, shape (c, a, a), its most important columns first, and their ranks."""
    values, vectors = np.linalg.eigh(cross)
    values, vectors = np.maximum(values[:, ::-1], 0.0), vectors[:, :, ::-1]
    rank = np.sum(values > _RANK * values[:, :1], axis=1)
    # Of a vector and its negative, one: the one whose largest entry is positive.
    largest = np.take_along_axis(vectors, np.argmax(np.abs(vectors), axis=1)[:, np.newaxis], axis=1)
    return vectors * np.sign(largest) * np.sqrt(values)[:, np.newaxis], rank


def _simplex(counts: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Return whole shares of counts, shape (c, n), and n points with mean 0 and covariance 1, shape (c, n, n - 1).

    Both hold under the shares as weights. The points are the columns but one of a reflection that turns the first axis
    to the roots of the shares.
    """
    shares = np.floor(counts / n)[:, np.newaxis] + (np.arange(n) < (counts % n)[:, np.newaxis])
    axis = np.sqrt(shares / counts[:, np.newaxis])
    normal = axis.copy()
    normal[:, 0] += 1.0
    reflection = np.eye(n) - normal[:, :, np.newaxis] * normal[:, np.newaxis] / normal[:, :1, np.newaxis]
    return shares, reflection[:, :, 1:] / axis[:, :, np.newaxis]


def _inside(centre: FloatArray, moves: FloatArray, ends: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Return the moves from the centres turned or, if that does not help, shortened so that no point leaves the box."""
    reach = [_reach(centre, way, ends) for way in (moves, -moves)]
    turn = (reach[0] < 1) & (reach[1] > reach[0])
    length = np.minimum(np.where(turn, reach[1], reach[0]), 1.0)
    signed: FloatArray = np.where(turn, -1.0, 1.0) * length
    return moves * signed[:, np.newaxis, np.newaxis]


def _reach(centre: FloatArray, moves: FloatArray, ends: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Return how many times its moves a bin's points could go before one of them leaves the box, shape (c,)."""
    room = np.where(moves > 0, ends[1] - centre, centre - ends[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(moves != 0, room / np.abs(moves), np.inf)
    return np.asarray(times.min(axis=(1, 2)))
