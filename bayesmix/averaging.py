"""Averages over several fits of the same rows, weighted by how well each predicts or how probable it is.

Where the number of components is uncertain, choosing one throws that uncertainty away. Densities and statements on
pairs of rows mean the same whatever the number of components, so that they can be averaged; memberships cannot.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix import prediction
from bayesmix.blocks import Layout
from bayesmix.cells import random_rows
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import MAX_TERMS, responsibilities, row_chunks, row_log_density, thinned
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.scores import log_sum_exp

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["averaged_density", "averaged_prediction", "co_clustering"]

_NO_WEIGHT = 1e-4
"""Fits with less weight are left out: they cost as much as the others and change no digit that is shown."""

_MAX_ROWS = 5000
"""Pairs of more rows than these are too many to hold, and nobody reads them."""

_MAX_PAIR_DRAWS = 1000
_MAX_PAIR_TERMS = 20_000_000_000
_SIMULATED = 4000
_SIMULATION_DRAWS = 400
#: Log-densities of equal rows, which may differ in their last bits.
_EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class _Part:
    """One fit with the draws that stand for it and its weight."""

    posterior: Posterior
    draws: DrawArrays
    weight: float


def averaged_density(
    fits: Mapping[Any, Posterior],
    weights: npt.ArrayLike,
    interval: CredibleInterval,
    grid: Any = None,
    column: str | None = None,
) -> "xr.Dataset":
    """Return the density of a column averaged over fits, with a band that holds the uncertainty between them too.

    The draws of all fits are one sample, each draw with its fit's weight over the number of its draws.

    Parameters
    ----------
    fits : mapping
        Name to a fit of the same rows.
    weights : array_like, shape (fits,)
        At least 0, with the sum 1: stacking weights, or probabilities of the numbers of components.
    interval : CredibleInterval
        Pointwise band.
    grid : array_like, optional
        Points in the data's units, or categories; by default over the range of the data and a quarter beyond.
    column : str, optional
        Which column of a table; the others are integrated out.

    Returns
    -------
    Dataset
        Dim ``grid``: ``density``, ``density_lb``, ``density_ub``; ``attrs["interval"]`` names the interval. As
        `bayesmix.prediction.density`, without components: those of different fits have nothing to do with each other.

    Raises
    ------
    InputError
        If the weights or the grid break a rule, or the fits are of different rows.

    References
    ----------
    Hoeting, Madigan, Raftery & Volinsky (1999), Bayesian model averaging: a tutorial, Statistical Science 14, 382-417.
    Yao, Vehtari, Simpson & Gelman (2018), Using stacking to average Bayesian predictive distributions, Bayesian
    Analysis 13, 917-1007.

    Examples
    --------
    >>> from bayesmix.intervals import credible_interval
    >>> weights = choice.table["weight"].to_numpy()
    >>> list(averaged_density(choice.fits, weights, credible_interval(), [15.0, 20.0]).data_vars)
    ['density', 'density_lb', 'density_ub']
    """
    import xarray as xr

    parts = _parts(fits, weights)
    first = parts[0].posterior
    position = prediction.column_position(first, column)
    points = _grid(parts, grid, position)
    names = ("density", "density_lb", "density_ub")
    if len(parts) == 1:
        return prediction.density(first, points, interval, position)[list(names)]
    out = np.empty((3, len(points)))
    cells = [prediction.grid_cells(part.posterior, position, points) for part in parts]
    share = _shares(parts)
    for rows in row_chunks(len(points), len(share)):
        logs = [_log_density(p.posterior, p.draws, own[rows]) for p, own in zip(parts, cells, strict=True)]
        values = np.exp(np.concatenate(logs))
        out[:, rows] = np.stack([share @ values, *_bounds(values, share, interval)])
    return xr.Dataset(
        {name: ("grid", out[i]) for i, name in enumerate(names)}, {"grid": points}, {"interval": interval.name}
    )


def averaged_prediction(
    fits: Mapping[Any, Posterior], weights: npt.ArrayLike, rows: Observations, interval: CredibleInterval
) -> pd.DataFrame:
    """Return how dense the averaged prediction is at new rows, and how rare such a density is.

    Parameters
    ----------
    fits : mapping
        Name to a fit of the same rows.
    weights : array_like, shape (fits,)
        As for `averaged_density`.
    rows : Observations
        New rows of the same columns, read as the fits read theirs.
    interval : CredibleInterval

    Returns
    -------
    DataFrame
        Indexed as the rows. ``log_density``, the log of the averaged predictive density (or probability), and the
        interval of the log-density over the weighted draws; ``rarity``, the probability that a further row has a
        density no higher than this one, from 4000 simulated rows with the same cells missing and the same trials: a
        row with a rarity of 0.001 is unlike anything seen. NaN where nothing was observed, and for intervals other
        than rounded values, whose probabilities depend on their widths.

    Raises
    ------
    InputError
        If the weights break a rule, or the fits are of different rows.

    References
    ----------
    Box (1980), Sampling and Bayes' inference in scientific modelling and robustness, JRSS A 143, 383-430: predictive
    density as a check, and the probability of a lower one as its scale.
    """
    parts = [_laid_out(part, rows) for part in _parts(fits, weights)]
    cells = rows.distinct.cells
    width = sum(len(part.posterior.component_labels) for part in parts)
    most = max(200, MAX_TERMS // (len(cells) * width))
    parts = [replace(part, draws=thinned(part.draws, most)) for part in parts]
    share = _shares(parts)
    out = np.empty((3, len(cells)))
    for chunk in row_chunks(len(cells), len(share)):
        values = np.concatenate([_log_density(part.posterior, part.draws, cells[chunk]) for part in parts])
        mean = log_sum_exp(values + np.log(share)[:, np.newaxis], axis=0)
        out[:, chunk] = np.stack([mean, *_bounds(values, share, interval)])
    lower, upper = interval.columns
    columns = {"log_density": out[0], lower: out[1], upper: out[2], "rarity": _rarity(parts, rows)}
    return pd.DataFrame({name: values[rows.distinct.inverse] for name, values in columns.items()}, index=rows.index)


def co_clustering(fits: Mapping[Any, Posterior], weights: npt.ArrayLike) -> "xr.DataArray":
    """Return for every pair of fitted rows the probability that they belong to the same group.

    Within a fit it is the mean over draws of ``sum_k r_ik r_jk``, r being the responsibilities; noise counts as a
    group. It needs no labels, so that it can be averaged over numbers of components.

    Parameters
    ----------
    fits : mapping
        Name to a fit of the same rows; ``{"fit": fit}`` for a single one.
    weights : array_like, shape (fits,)
        As for `averaged_density`; ``[1.0]`` for a single fit.

    Returns
    -------
    DataArray
        Dims (obs, obs_other), symmetric, 1 on the diagonal. From at most 1000 evenly spaced draws, and fewer of many
        rows.

    Raises
    ------
    InputError
        If there are more than 5000 rows, the weights break a rule, or the fits are of different rows.

    References
    ----------
    Fritsch & Ickstadt (2009), Improved criteria for clustering based on the posterior similarity matrix, Bayesian
    Analysis 4, 367-392.
    """
    import xarray as xr

    parts = _parts(fits, weights)
    rows = parts[0].posterior.observations
    if rows.n > _MAX_ROWS:
        raise InputError(
            f"co-clustering must be of at most {_MAX_ROWS} rows, got {rows.n}: one number for every pair of them. Fit "
            "a sample of the rows, or compare rows by assignment_probabilities()."
        )
    cells, inverse = rows.distinct.cells, rows.distinct.inverse
    together = np.zeros((len(cells), len(cells)))
    for part in parts:
        together += part.weight * _pairs(part.posterior, part.draws, cells)
    whole = together[np.ix_(inverse, inverse)]
    np.fill_diagonal(whole, 1.0)
    coords = {"obs": rows.coordinate, "obs_other": rows.coordinate}
    return xr.DataArray(whole, dims=("obs", "obs_other"), coords=coords, name="co_clustering")


def _parts(fits: Mapping[Any, Posterior], weights: npt.ArrayLike) -> list[_Part]:
    """Return the fits that count, with weights that sum to 1."""
    share = np.asarray(weights, dtype=np.float64)
    if share.shape != (len(fits),) or not len(fits):
        raise InputError(
            f"weights must be one per fit, got {share.size} for {len(fits)} fits. Give one for each of {list(fits)}."
        )
    if not (share >= 0).all() or abs(share.sum() - 1) > 1e-6:
        raise InputError(
            f"weights must be at least 0 and sum to 1, got {share.tolist()} with the sum {share.sum():g}. Divide them "
            "by their sum."
        )
    digests = {posterior.info.digest for posterior in fits.values()}
    if len(digests) > 1:
        raise InputError(
            f"fits must be of the same rows to be averaged, got {len(digests)} different data sets. Refit them on the "
            "same data."
        )
    kept = [(fit, w) for fit, w in zip(fits.values(), share.tolist(), strict=True) if w >= _NO_WEIGHT]
    total = sum(w for _, w in kept)
    return [_Part(fit, fit.arrays, w / total) for fit, w in kept]


def _shares(parts: list[_Part]) -> FloatArray:
    """Return the weight of every draw of all fits."""
    return np.concatenate([np.full(part.draws.n_draws, part.weight / part.draws.n_draws) for part in parts])


def _laid_out(part: _Part, rows: Observations) -> _Part:
    """Return the fit with the layout of these rows: new ones may be intervals where the fitted were points."""
    info = replace(part.posterior.info, layout=Layout.of(rows))
    return replace(part, posterior=replace(part.posterior, info=info))


def _grid(parts: list[_Part], grid: Any, column: int) -> FloatArray:
    """Return the points: those given, checked by every family, or the widest of the fits' own."""
    if grid is None:
        return max((prediction.default_grid(part.posterior, column) for part in parts), key=np.ptp)
    checked = [prediction.read_grid(part.posterior, grid, column) for part in parts]
    return checked[0]


def _log_density(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return the log-density of rows, -inf outside the support: another fit's family may reach further."""
    inside = np.ones(len(cells), dtype=bool)
    for block in posterior.resolved.blocks:
        own = block.cells(cells, posterior.layout)
        low, high = own[:, :1], own[:, 1:2] if block.interval(posterior.layout) else own[:, :1]
        with np.errstate(invalid="ignore"):  # a missing cell is inside any support
            inside &= ~((high < block.family.lowest) | (low > block.family.highest)).any(axis=1)
    if inside.all():
        return row_log_density(posterior, draws, cells)
    out = np.full((draws.n_draws, len(cells)), -np.inf)
    out[:, inside] = row_log_density(posterior, draws, cells[inside])
    return out


def _bounds(values: FloatArray, share: FloatArray, interval: CredibleInterval) -> tuple[FloatArray, FloatArray]:
    """Return the interval of weighted draws over the first axis.

    Quantiles are the smallest draw up to which the weights reach the probability (the inverse of the weighted
    distribution function); the narrowest interval is that between draws. One fit's draws weigh alike and are treated
    as everywhere else.
    """
    if np.all(share == share[0]):
        return interval.bounds(values)
    order = np.argsort(values, axis=0)
    values, reached = np.take_along_axis(values, order, axis=0), np.cumsum(share[order], axis=0)
    reached /= reached[-1]
    if interval.kind == "eti":
        tails = ((1 - interval.prob) / 2, (1 + interval.prob) / 2)
        at = [np.argmax(reached >= tail - 1e-12, axis=0)[np.newaxis] for tail in tails]
        return np.take_along_axis(values, at[0], axis=0)[0], np.take_along_axis(values, at[1], axis=0)[0]
    ends = [_narrowest(values[:, i], reached[:, i], interval.prob) for i in range(values.shape[1])]
    lower, upper = np.array(ends).reshape(-1, 2).T
    return lower, upper


def _narrowest(ordered: FloatArray, reached: FloatArray, prob: float) -> tuple[float, float]:
    before = np.concatenate([[0.0], reached[:-1]])
    end = np.searchsorted(reached, before + prob - 1e-12)
    start = np.flatnonzero(end < len(ordered))
    with np.errstate(invalid="ignore"):
        width = ordered[end[start]] - ordered[start]
    best = start[np.argmin(np.where(np.isnan(width), np.inf, width))]
    return float(ordered[best]), float(ordered[end[best]])


def _pairs(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return the mean over draws of ``r @ r.T``, shape (d, d)."""
    width = draws.weights.shape[1]
    most = max(100, _MAX_PAIR_TERMS // (len(cells) ** 2 * width))
    draws = thinned(draws, min(_MAX_PAIR_DRAWS, most))
    total = np.zeros((len(cells), len(cells)))
    for some in row_chunks(draws.n_draws, len(cells) * width):
        r = responsibilities(posterior, draws.take(some), cells)
        flat = np.swapaxes(r, 0, 1).reshape(len(cells), -1)
        total += flat @ flat.T
    return total / draws.n_draws


def _rarity(parts: list[_Part], rows: Observations) -> FloatArray:
    """Return for every distinct row the probability that a simulated one is no denser."""
    parts = [replace(part, draws=thinned(part.draws, _SIMULATION_DRAWS)) for part in parts]
    cells, layout = rows.distinct.cells, Layout.of(rows)
    out = np.full(len(cells), np.nan)
    for like, at in _alike(cells, layout):
        own = _predictive(parts, cells[at])
        simulated = np.sort(_predictive(parts, _simulated(parts, layout, like)))
        out[at] = np.searchsorted(simulated, own + _EQUAL, side="right") / _SIMULATED
    return out


def _alike(cells: FloatArray, layout: Layout) -> Iterator[tuple[FloatArray, npt.NDArray[np.intp]]]:
    """Yield sets of rows that have the same cells missing and the same trials, as one such row and their positions."""
    missing = np.isnan(cells)
    key = np.where(missing, np.nan, 0.0)
    usable = ~missing.all(axis=1)
    for c, interval in enumerate(layout.intervals):
        part = layout.part(c)
        if layout.trials(c):
            key[:, part.start + 1] = cells[:, part.start + 1]
        elif interval and layout.resolutions[c] is None:
            exact = cells[:, part.start] == cells[:, part.start + 1]
            usable &= exact | missing[:, part.start]
    positions = np.flatnonzero(usable)
    kinds, group = np.unique(np.nan_to_num(key[usable], nan=-1.0), axis=0, return_inverse=True)
    for g in range(len(kinds)):
        at = positions[np.ravel(group) == g]
        yield key[at[0]], at


def _simulated(parts: list[_Part], layout: Layout, like: FloatArray) -> FloatArray:
    """Return the cells of rows drawn from the averaged prediction, with the missing cells and the trials of a row."""
    rng = np.random.default_rng(0)  # of its own for every kind of row: a row's number does not depend on the others
    numbers = rng.multinomial(_SIMULATED, [part.weight for part in parts])
    values = []
    for part, number in zip(parts, numbers.tolist(), strict=True):
        chosen = part.draws.take(rng.integers(part.draws.n_draws, size=number))
        known = {
            c: np.full(number, np.nan_to_num(like[layout.part(c).start + 1]))
            for c in range(len(layout.names))
            if layout.trials(c)
        }
        resolved = part.posterior.resolved
        values.append(random_rows(resolved, chosen.weights, chosen.parameters, known, (number,), rng)[0])
    drawn = np.concatenate(values)
    cells = np.empty((_SIMULATED, len(like)))
    for c, step in enumerate(layout.resolutions):
        at, own = layout.part(c), drawn[:, c]
        if layout.intervals[c]:
            half = 0.0 if step is None else step / 2
            middle = own if step is None else np.round(own / step) * step
            cells[:, at] = np.stack([middle - half, middle + half], axis=1)
        else:
            cells[:, at] = own[:, np.newaxis]
            if layout.trials(c):
                cells[:, at.start + 1] = like[at.start + 1]
    return np.where(np.isnan(like), np.nan, cells)


def _predictive(parts: list[_Part], cells: FloatArray) -> FloatArray:
    """Return the log of the averaged predictive density of rows."""
    log_share = np.log(_shares(parts))[:, np.newaxis]
    out = np.empty(len(cells))
    for rows in row_chunks(len(cells), len(log_share)):
        values = [_log_density(part.posterior, part.draws, cells[rows]) for part in parts]
        out[rows] = log_sum_exp(np.concatenate(values) + log_share, axis=0)
    return out
