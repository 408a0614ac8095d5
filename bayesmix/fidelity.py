"""What compressing the rows did to a fit: the error in the log-likelihood, and how far it moved the posterior means.

Compressed rows have the log-likelihood ``L(theta)`` where the original ones have ``L(theta) + delta(theta)``. A
constant changes nothing; where delta varies over the posterior, its covariance with a parameter is, to first order, how
much higher the parameter's posterior mean is without compression, since ``E[theta exp(delta)] / E[exp(delta)] =
E[theta] + Cov(theta, delta) + ...``.

delta is the sum over all rows of ``log f(y) - log f(points of its bin)``. The mean over a sample of m rows times their
number n would estimate it, with an error that grows like ``n / sqrt(m)``, which is far more than delta itself. So a
quadratic q in y is laid through the log-density at points of every bin. Its sum over all rows follows from the bins'
counts, means and covariances, which are known exactly, and only what is left, ``log f(y) - q(y)``, is estimated from
the sample: a difference estimator, unbiased whatever the quadratic (Särndal, Swensson & Wretman 1992, Model assisted
survey sampling, 6.3).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix import display
from bayesmix.convergence import stack_draws
from bayesmix.data import Bins, CompressionInfo, FloatArray
from bayesmix.errors import InputError
from bayesmix.likelihood import row_chunks, row_log_density
from bayesmix.posterior import DrawArrays, Posterior, model_variables

__all__ = ["NEGLIGIBLE", "CompressionEffect", "compression_error"]

NEGLIGIBLE = 0.1
"""A shift of so many posterior standard deviations lowers the coverage of a 90 % interval by 0.2 % of its rows."""

_TINY = 0.001
_WORK = 300_000_000
_DRAWS = (200, 2000)

type IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class CompressionEffect:
    """What compressing the rows did to a fit.

    Attributes
    ----------
    info : CompressionInfo
        How far the rows were compressed.
    table : DataFrame
        One row per parameter: ``shift``, by how much its posterior mean would be higher without compression, in its own
        units; ``shift_sd``, the same in posterior standard deviations; ``error_sd``, the standard error of that, from
        the sample of rows and from the draws.
    mean, mean_error : float
        Posterior mean of the error in the log-likelihood, the original rows' less the compressed rows', in nats, and
        its standard error. As a constant it changes nothing about the parameters.
    sd : float
        Standard deviation of that error over the posterior, in nats: no posterior mean can be moved by more standard
        deviations than this.
    negligible : bool or None
        Whether all shifts are surely below a tenth of a posterior standard deviation; None where that is not known.
    text : str
        The verdict in words.

    Examples
    --------
    >>> few = bm.compress(arms["length"])
    >>> effect = bm.Mixture(2).fit(few, random_seed=1, progressbar=False).compression_error()
    >>> effect.negligible, effect.sd
    (True, 0.0)
    """

    info: CompressionInfo
    table: pd.DataFrame
    mean: float
    mean_error: float
    sd: float
    negligible: bool | None
    text: str

    def __repr__(self) -> str:
        return f"{self.text}\n{self.table.round(4).to_string()}"

    def _repr_html_(self) -> str:
        verdict = {True: "negligible", False: "not negligible", None: "not known well enough"}[self.negligible]
        parts = [display.paragraph(self.text), display.table(self.table.round(4))]
        return display.card("Error of compressing the rows", parts, ok=self.negligible, verdict=verdict)


def compression_error(posterior: Posterior) -> CompressionEffect:
    """Measure the error in the log-likelihood that compressing the rows introduced, at the posterior draws.

    Parameters
    ----------
    posterior : Posterior
        A fit to rows from `bayesmix.compress`.

    Returns
    -------
    CompressionEffect

    Raises
    ------
    InputError
        If the rows were not compressed, or the fit was saved without them.
    """
    info = posterior.info.compression
    if info is None:
        raise InputError(
            "this must be a fit to compressed rows, but it was made from rows as they were. Use "
            "bm.compress(source, max_distinct=1000) and fit what it returns."
        )
    names, values = stack_draws(posterior.idata["posterior"].to_dataset()[model_variables(posterior)])
    compression = None if info.exact else posterior.observations.compression
    if compression is None or compression.bins is None:
        return _none(info, names)
    bins = compression.bins
    chosen = _chosen(values.shape[1:], len(bins.counts) * len(posterior.component_labels))
    draws = posterior.arrays.take(np.ravel(np.arange(values[0].size).reshape(values.shape[1:])[:, chosen]))
    return _measured(_Measure(posterior, bins, draws), info, names, values[:, :, chosen])


def _none(info: CompressionInfo, names: list[str]) -> CompressionEffect:
    table = pd.DataFrame(0.0, index=names, columns=["shift", "shift_sd", "error_sd"])
    text = f"{info.words}: the log-likelihood is that of the original rows, and there is no error to measure."
    return CompressionEffect(info, table, 0.0, 0.0, 0.0, True, text)


def _chosen(shape: tuple[int, ...], work: int) -> IntArray:
    """Return evenly spaced draws of every chain, as many as the work allows."""
    chains, draws = shape
    most = int(np.clip(_WORK // max(1, 10 * work), *_DRAWS)) // chains
    return np.unique(np.linspace(0, draws - 1, min(draws, max(most, 2))).astype(np.intp))


class _Measure:
    """The parts of delta: of the quadratics, exactly, and of what is left at the sampled rows."""

    def __init__(self, posterior: Posterior, bins: Bins, draws: DrawArrays) -> None:
        self.posterior, self.bins, self.draws = posterior, bins, draws
        self.rows = posterior.observations
        starts = [posterior.layout.part(self.rows.names.index(name)).start for name in bins.columns]
        self.places = np.array(starts, dtype=np.intp)
        self.active = np.asarray(bins.high > bins.low)

    def log_density(self, cells: FloatArray) -> FloatArray:
        return row_log_density(self.posterior, self.draws, cells)

    def known(self) -> FloatArray:
        """Return the sum over all rows of the quadratics less the log-likelihood of the points, shape (S,)."""
        total, bins = np.zeros(self.draws.n_draws), self.bins
        for part, active in self._patterns(np.arange(len(bins.counts))):
            mean, cross = bins.mean[part][:, active], bins.cross[part][:, active[:, np.newaxis], active]
            for chosen in row_chunks(len(part), self.draws.n_draws * _n_nodes(len(active))):
                cells, coefficients = self._quadratic(part[chosen], active, mean[chosen], cross[chosen])
                total += self.log_density(cells) @ (coefficients * bins.counts[part[chosen], np.newaxis]).ravel()
        weights = np.ones(self.rows.n) if self.rows.weights is None else self.rows.weights
        for chosen in row_chunks(self.rows.n, self.draws.n_draws):
            total -= self.log_density(self.rows.cells[chosen]) @ weights[chosen]
        return total

    def left(self) -> FloatArray:
        """Return what the quadratics leave at the sampled rows, shape (S, m)."""
        bins = self.bins
        out = np.zeros((self.draws.n_draws, len(bins.sample_bins)))
        for which, active in self._patterns(bins.sample_bins):
            if not active.size:  # the quadratic is the row's own log-density
                continue
            own, value = bins.sample_bins[which], bins.sample[which][:, active]
            cells = self._cells(own, active, value[:, np.newaxis])
            alone = np.zeros((len(own), len(active), len(active)))
            nodes, coefficients = self._quadratic(own, active, value, alone)
            fitted = self.log_density(nodes).reshape(len(out), *coefficients.shape)
            out[:, which] = self.log_density(cells) - np.einsum("snk,nk->sn", fitted, coefficients)
        return out

    def _patterns(self, bins: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield positions among bins that have different values in the same columns, and these columns."""
        patterns, which = np.unique(self.active[bins], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            yield np.flatnonzero(which.ravel() == number), np.flatnonzero(pattern)

    def _cells(self, bins: IntArray, active: IntArray, values: FloatArray) -> FloatArray:
        """Return rows of bins with other values where theirs differ: shape (n, k, a) -> cells of n * k rows."""
        times = values.shape[1]
        cells = np.repeat(self.rows.cells[self.bins.rows[bins]], times, axis=0)
        cells[:, self.places] = np.repeat(self.bins.mean[bins], times, axis=0)
        cells[:, self.places[active]] = values.reshape(len(cells), len(active))
        return cells

    def _quadratic(
        self, bins: IntArray, active: IntArray, mean: FloatArray, cross: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the nodes of quadratics, and the coefficients of the log-density there that give their means.

        Nodes are the middle of the bin, a third of its extent to either side in every column, and up in every pair of
        columns: as many as a quadratic has coefficients.

        Parameters
        ----------
        bins : ndarray of int, shape (n,)
        active : ndarray of int, shape (a,)
        mean, cross : ndarrays, shapes (n, a) and (n, a, a)
            Mean and covariance of the values that the quadratic is averaged over.

        Returns
        -------
        cells, coefficients : ndarrays, shapes (n * k, width) and (n, k)
        """
        low, high = self.bins.low[bins][:, active], self.bins.high[bins][:, active]
        middle, unit = (low + high) / 2, (high - low) / 3
        first = (mean - middle) / unit
        second = cross / (unit[:, :, np.newaxis] * unit[:, np.newaxis]) + first[:, :, np.newaxis] * first[:, np.newaxis]
        steps, coefficients = _stencil(first, second)
        return self._cells(bins, active, middle[:, np.newaxis] + steps * unit[:, np.newaxis]), coefficients


def _n_nodes(a: int) -> int:
    return (a + 1) * (a + 2) // 2


def _stencil(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return nodes, shape (k, a), and coefficients, shape (n, k), that give a quadratic's mean by its values there."""
    n, a = first.shape
    nodes, coefficients = [np.zeros(a)], [np.ones(n)]
    for i in range(a):
        for side in (1.0, -1.0):
            nodes.append(side * np.eye(a)[i])
            coefficients.append((side * first[:, i] + second[:, i, i]) / 2)
        coefficients[0] = coefficients[0] - second[:, i, i]
    for i in range(a):
        for j in range(i):
            nodes.append(np.eye(a)[i] + np.eye(a)[j])
            coefficients.append(second[:, i, j])
            coefficients[0] = coefficients[0] + second[:, i, j]
            for one in (i, j):
                coefficients[1 + 2 * one] = coefficients[1 + 2 * one] - second[:, i, j]
    return np.stack(nodes), np.stack(coefficients, axis=1)


def _measured(measure: _Measure, info: CompressionInfo, names: list[str], values: FloatArray) -> CompressionEffect:
    """Put the parts together; `values` are the parameters at the draws, shape (q, chain, draw)."""
    known, left = measure.known(), measure.left()
    n, m = float(measure.bins.counts.sum()), left.shape[1]
    delta = known + left.sum(axis=1) * (n / m)
    rest = np.sqrt(1 - min(m / n, 1.0)) * n / np.sqrt(m)  # all rows sampled leave no error
    flat = values.reshape(len(values), -1)
    scale = flat.std(axis=1, ddof=1)
    unit = (flat - flat.mean(axis=1, keepdims=True)) / np.where(scale > 0, scale, 1.0)[:, np.newaxis]
    shift = unit @ (delta - delta.mean()) / (delta.size - 1)
    of_rows = unit @ (left - left.mean(axis=0)) / (delta.size - 1)
    sampling = of_rows.std(axis=1, ddof=1) * rest
    error = np.hypot(sampling, _error_of_draws(unit * (delta - delta.mean()), values.shape))
    table = pd.DataFrame({"shift": shift * scale, "shift_sd": shift, "error_sd": error}, index=names)
    mean_error, sd = float(left.mean(axis=0).std(ddof=1) * rest), float(delta.std(ddof=1))
    negligible = _verdict(table)
    text = _text(info, table, negligible, f"{sd:.2g} over the posterior; {m} sampled rows, {delta.size} draws")
    return CompressionEffect(info, table, float(delta.mean()), mean_error, sd, negligible, text)


def _error_of_draws(products: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return the Monte-Carlo error of the means of products, shape (q, S)."""
    from arviz_stats.base import array_stats

    spread = products.std(axis=1, ddof=1)
    if not np.isfinite(spread).all():
        return spread
    effective = np.asarray(array_stats.ess(products.reshape(shape), method="mean"), dtype=np.float64)
    return np.asarray(np.where(spread > 0, spread / np.sqrt(np.where(effective > 0, effective, 1.0)), 0.0))


def _verdict(table: pd.DataFrame) -> bool | None:
    size, slack = table["shift_sd"].abs(), 2 * table["error_sd"]
    if (size + slack <= NEGLIGIBLE).all():
        return True
    return False if (size - slack > NEGLIGIBLE).any() or not np.isfinite(size).all() else None


def _text(info: CompressionInfo, table: pd.DataFrame, negligible: bool | None, spread: str) -> str:
    worst: Any = table["shift_sd"].abs().idxmax() if table["shift_sd"].notna().any() else table.index[0]
    size, error = abs(table.loc[worst, "shift_sd"]), table.loc[worst, "error_sd"]
    most = f"about {size:.2g}" if not size + 2 * error < _TINY else f"{_TINY:g}"
    measured = (
        f"{info.words}. Without compression posterior means would differ by at most {most} posterior standard "
        f"deviations ({worst}, standard error {error:.1g}), since the log-likelihood's error varies by {spread}"
    )
    if negligible:
        return f"{measured}: negligible."
    if negligible is None:
        return (
            f"{measured}: whether that is negligible (below {NEGLIGIBLE:g}) cannot be told. Keep more rows to measure "
            "it (sample_size=), or use finer bins (a larger max_distinct, or a smaller resolution)."
        )
    return (
        f"{measured}: not negligible (above {NEGLIGIBLE:g}). Use finer bins (a larger max_distinct, or a smaller "
        "resolution), leave out columns that are not needed, or use fewer components where one is narrower than a bin."
    )
