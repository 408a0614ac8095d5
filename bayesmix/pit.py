"""Where each value of a column lies in what a fit without its row predicts: LOO-PIT, and bands for distributions.

The leave-one-out probability integral transform of a value is ``F(y_i | y_-i)``, its place in the predictive
distribution of a fit that has not seen its row. If the model is right, the transforms are uniform on (0, 1) in good
approximation. Components are summed out, so the distribution function is that of the mixture: a mean over draws of the
posterior, reweighted by PSIS (Vehtari, Gelman & Gabry 2017), of exact distribution functions. Where ArviZ counts draws
of ``posterior_predictive`` instead, and one column at most, this has no noise of such draws and takes any column of a
table.

A value that is only known to lie in an interval (counts, categories, rounded and censored data) has an interval of
transforms. One point in it is drawn at random, which makes it uniform again under the right model (Smith 1985,
Diagnostic checks of non-standard time series models, Journal of Forecasting 4, 283-291; Czado, Gneiting & Held 2009,
Predictive model assessment for count data, Biometrics 65, 1254-1261).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix import leave_one_out
from bayesmix.blocks import Block
from bayesmix.criteria import good_k
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.exact import can_refit, refit_without
from bayesmix.families import as_family
from bayesmix.likelihood import row_chunks, row_log_density, thinned
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.settings import generator

__all__ = ["LooPit", "loo_pit", "simultaneous_band"]

_MAX_ROWS = 1000
_MAX_VALUES = 4_000_000
_MAX_COUNT = 20_000


@dataclass(frozen=True, eq=False)
class LooPit:
    """LOO-PIT of one column.

    Attributes
    ----------
    column : str
    table : DataFrame
        Indexed as the rows that were used, one row per unit: ``pit``; ``lower`` and ``upper``, the ends of the interval
        of transforms, equal for points of continuous columns; ``pareto_k`` of the weights; ``refitted``, whether a
        refit without the row stands in for them.
    randomised : bool
        Whether any value has an interval, in which its ``pit`` was drawn.
    n_unreliable : int
        Units whose weights are unreliable (Pareto k too high) and that no refit stands in for.
    n : int
        Units in which the column was observed; more than the table has where it is a random sample of them.
    """

    column: str
    table: pd.DataFrame
    randomised: bool
    n_unreliable: int
    n: int


def loo_pit(
    posterior: Posterior, column: int = 0, *, repair: bool = True, random_seed: int = 0, max_rows: int = _MAX_ROWS
) -> LooPit:
    """Return the place of each value of a column in what a fit without its row predicts.

    Parameters
    ----------
    posterior : Posterior
        With its data. A row's own label, where classes are known, plays no part in what is predicted for it.
    column : int, default 0
        Position of the column. The whole row is left out; the column's predictive distribution is the marginal one.
    repair : bool, default True
        Whether rows whose weights are unreliable are left out by a refit.
    random_seed : int, default 0
        Of the points in intervals, and of the sample of rows.
    max_rows : int, default 1000
        More units than these are represented by a random sample.

    Returns
    -------
    LooPit

    Raises
    ------
    InputError
        If rows have weights that are no counts, counts exceed 20000, or a family has no distribution function.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC,
    Statistics and Computing 27, 1413-1432. Gelfand, Dey & Chang (1992), Model determination using predictive
    distributions, Bayesian Statistics 4, 147-167.
    """
    observations, rng = posterior.observations, generator(random_seed)
    if not observations.weights_are_counts:
        raise InputError(
            "LOO-PIT needs rows that stand for whole units, but the weights are no counts. Fit counts, or rows without "
            "weights."
        )
    rows, n = _units(observations, column, max_rows, rng)
    distinct, inverse = np.unique(observations.distinct.inverse[rows], return_inverse=True)
    cells = observations.distinct.cells[distinct]
    ends = _ends(posterior, cells, column)
    bounds, pareto_k = _reweighted(posterior, cells, ends, column)
    high = pareto_k > good_k(posterior.arrays.n_draws)
    refitted = np.zeros(len(distinct), dtype=bool)
    for i in np.flatnonzero(high).tolist() if repair and can_refit(posterior) else ():
        left_out, drawn = refit_without(posterior, int(distinct[i]))
        if drawn is not None and left_out.converged:
            below, above = _cdf(posterior, drawn.arrays, ends[i : i + 1], column)
            bounds[:, i], refitted[i] = (below.mean(), above.mean()), True
    lower, upper = bounds[:, inverse]
    pit = lower + rng.random(len(rows)) * (upper - lower)
    table = pd.DataFrame(
        {"pit": pit, "lower": lower, "upper": upper, "pareto_k": pareto_k[inverse], "refitted": refitted[inverse]},
        index=observations.index[rows],
    )
    unreliable = int((high & ~refitted)[inverse].sum())
    return LooPit(observations.names[column], table, bool((upper > lower).any()), unreliable, n)


def _units(
    observations: Observations, column: int, most: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], int]:
    """Return the row of each unit in which the column was observed, or of a sample of them; and their number."""
    rows = np.flatnonzero(observations.columns[column].present)
    if observations.weights is not None:
        rows = np.repeat(rows, observations.weights[rows].astype(int))
    n = len(rows)
    if n > most:
        rows = np.sort(rng.choice(rows, most, replace=False))
    return rows, n


def _reweighted(
    posterior: Posterior, cells: FloatArray, ends: FloatArray, column: int
) -> tuple[FloatArray, FloatArray]:
    """Return the distribution function at both ends of each cell by the posterior without its row, and Pareto k."""
    draws = thinned(posterior.arrays, max(1000, _MAX_VALUES // len(cells)))
    bounds, pareto_k = np.empty((2, len(cells))), np.full(len(cells), np.nan)
    r_eff = leave_one_out.efficiency_of_rows(posterior, cells)
    for chunk in row_chunks(len(cells), draws.weights.size):
        log_weights, pareto_k[chunk] = leave_one_out.psis_weights(
            row_log_density(posterior, draws, cells[chunk]), r_eff
        )
        weights = np.exp(log_weights)
        for end, value in enumerate(_cdf(posterior, draws, ends[chunk], column)):
            bounds[end, chunk] = np.einsum("sn,sn->n", weights, value)
    return np.clip(bounds, 0.0, 1.0), pareto_k


def _ends(posterior: Posterior, cells: FloatArray, column: int) -> FloatArray:
    """Return the ends of each cell of a column and its trials, shape (n, 3); equal ends are a point."""
    layout = posterior.layout
    own = cells[:, layout.part(column)]
    out = np.stack([own[:, 0], own[:, 0], np.zeros(len(own))], axis=1)
    if layout.intervals[column]:
        out[:, 1] = own[:, 1]
    elif layout.trials(column):
        out[:, 2] = own[:, 1]
    return out


def _cdf(posterior: Posterior, draws: DrawArrays, ends: FloatArray, column: int) -> tuple[FloatArray, FloatArray]:
    """Return the mixture's distribution function of a column below and up to each cell, shape (S, n) each."""
    blocks = posterior.resolved.blocks
    block = blocks[0] if blocks[0].family.multivariate else blocks[column]
    if block.family.discrete:
        below, upto = _sums(block, draws, ends, trials=posterior.layout.trials(column))
    else:
        upto = _continuous(block, draws, ends[:, 1], column)
        below = upto if np.array_equal(ends[:, 0], ends[:, 1]) else _continuous(block, draws, ends[:, 0], column)
    k = posterior.n_components
    weights = draws.weights[:, np.newaxis, :]
    both = []
    for value, step in ((below, -1.0), (upto, 0.0)):
        total = (weights[..., :k] * value).sum(axis=-1)
        for extra, name in enumerate(posterior.resolved.extras, start=k):
            total += draws.weights[:, [extra]] * _without_parameters(posterior, name, ends, column, step)
        both.append(total)
    return both[0], both[1]


def _continuous(block: Block, draws: DrawArrays, values: FloatArray, column: int) -> FloatArray:
    """Return the distribution functions of the components at some values, shape (S, n, K)."""
    family, parameters = block.family, block.pick(draws.parameters)
    if family.multivariate:  # the marginal of a multivariate normal distribution is a normal one
        sigma = parameters["sigma"]
        parameters = {"mu": parameters["mu"][..., column], "sigma": sigma if sigma.ndim == 2 else sigma[..., column]}
        family = as_family("normal")
    start = np.nextafter(-np.pi, -4.0) if family.circular else -np.inf
    none = np.isneginf(values)
    cells = np.stack([np.full(len(values), start), np.where(none, np.inf, values)], axis=1)
    try:
        probability = np.exp(family.rows_log_density(cells, parameters, True))
    except NotImplementedError:
        raise InputError(
            f"LOO-PIT needs the distribution function of a component, which the {family.name} family lacks. Give the "
            "family log_cdf and log_sf, or look at plot_ppc."
        ) from None
    return np.where(none[:, np.newaxis], 0.0, probability)


def _sums(block: Block, draws: DrawArrays, ends: FloatArray, *, trials: bool) -> tuple[FloatArray, FloatArray]:
    """Return the distribution functions below and up to counts or categories, by adding up probabilities."""
    values, highest = ends[:, 1].astype(int), int(ends[:, 1].max())
    if highest > _MAX_COUNT:
        raise InputError(
            f"LOO-PIT adds up the probabilities of all counts below a value, at most {_MAX_COUNT}, got a count of "
            f"{highest}. Look at plot_ppc instead."
        )
    k = next(value.shape[1] for value in [*block.pick(draws.parameters).values(), draws.weights])
    both = np.empty((2, draws.n_draws, len(ends), k))
    for n in np.unique(ends[:, 2]):
        at = ends[:, 2] == n
        grid = np.arange(values[at].max() + 1, dtype=float)[:, np.newaxis]
        cells = np.column_stack([grid, np.full(len(grid), n)]) if trials else grid
        for some in row_chunks(draws.n_draws, len(grid) * k):
            mass = np.exp(block.family.rows_log_density(cells, block.pick(draws.take(some).parameters), False))
            sums = np.concatenate([np.zeros_like(mass[:, :1]), np.cumsum(mass, axis=1)], axis=1)
            both[0, some, at], both[1, some, at] = (np.moveaxis(sums[:, values[at] + shift], 1, 0) for shift in (0, 1))
    return both[0], both[1]


def _without_parameters(posterior: Posterior, name: str, ends: FloatArray, column: int, step: float) -> FloatArray:
    """Return the distribution function of a component without parameters, below (step -1) or up to (0) each cell."""
    values = ends[:, 0] if step else ends[:, 1]
    if name == "zero":
        return np.asarray(values + step >= 0, dtype=np.float64)
    low, high = posterior.resolved.ranges[column]
    blocks = posterior.resolved.blocks
    if not blocks[0 if blocks[0].family.multivariate else column].family.discrete:
        return np.clip((values - low) / (high - low), 0.0, 1.0)
    if posterior.layout.trials(column):
        return np.clip((values + step + 1) / (ends[:, 2] + 1), 0.0, 1.0)
    return np.clip((values + step - low + 1) / (high - low + 1), 0.0, 1.0)


def simultaneous_band(curves: FloatArray, prob: float) -> tuple[FloatArray, FloatArray]:
    """Return bounds between which a share of random curves lies over their whole length.

    The narrowest of the bands that leave out equally many curves on either side at every point, the global envelope of
    Myllymäki et al.

    Parameters
    ----------
    curves : ndarray, shape (m, g)
        Random curves at the same points, such as distribution functions of replicated data sets. For a share of 0.95
        some hundred are needed.
    prob : float in (0, 1)
        Share of the curves that lie inside everywhere, at least.

    Returns
    -------
    lower, upper : ndarray, shape (g,)

    References
    ----------
    Myllymäki, Mrkvička, Grabarnik, Seijo & Hahn (2017), Global envelope tests for spatial processes, JRSS B 79,
    381-404.

    Examples
    --------
    >>> import numpy as np
    >>> curves = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [9.0, 1.5]])
    >>> simultaneous_band(curves, 0.5)
    (array([0., 1.]), array([9., 3.]))
    """
    ordered = np.sort(curves, axis=0)
    depth = 0
    for left_out in range(1, (len(curves) + 1) // 2):
        lower, upper = ordered[left_out], ordered[-1 - left_out]
        if np.mean(((curves >= lower) & (curves <= upper)).all(axis=1)) < prob:
            break
        depth = left_out
    return ordered[depth], ordered[-1 - depth]
