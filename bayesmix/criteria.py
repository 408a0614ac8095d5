"""Predictive criteria of one fit: PSIS-LOO by ArviZ, and WAIC, which ArviZ 1.x no longer has.

Both work on distinct rows and weigh each with the units it stands for, so that tied rows cost nothing twice. Above 2000
distinct rows LOO is estimated from 1000 units drawn at random, with the standard error that adds. Rows in which nothing
was observed say nothing about prediction and are left out.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import FloatArray, Observations
from bayesmix.data.column import BoolArray
from bayesmix.errors import InputError
from bayesmix.likelihood import MAX_TERMS, log_mean_exp, row_chunks, row_log_density, thinned
from bayesmix.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "WAIC",
    "PointwiseLOO",
    "check_counts",
    "good_k",
    "loo_of",
    "pointwise_loo",
    "relative_efficiency",
    "waic",
    "waic_of",
]

MAX_EXACT_ROWS = 2000
"""Up to this many distinct values every one gets its own PSIS; above, `SUBSAMPLE` units drawn at random do."""

SUBSAMPLE = 1000

_MAX_EFFICIENCY_ROWS = 1000
_APPROXIMATION_DRAWS = 200


@dataclass(frozen=True, eq=False)
class WAIC:
    """Widely applicable information criterion, on the scale of the log predictive density (higher is better).

    Attributes
    ----------
    elpd : float
        Estimated expected log pointwise predictive density, ``lppd - p``.
    se : float
        Its standard error over rows, ``sqrt(n * var(elpd_i))``.
    p : float
        Effective number of parameters, the sum over rows of the posterior variance of the log-density.
    elpd_i : ndarray, shape (n,)
        Pointwise values.
    p_i : ndarray, shape (n,)
        Pointwise penalties; above 0.4 WAIC is unreliable for that row.
    n_unreliable : int
        Units with a penalty above 0.4.

    Examples
    --------
    >>> waic = fit.waic()
    >>> round(waic.elpd), waic.p_i.shape
    (-52, (19,))
    """

    elpd: float
    se: float
    p: float
    elpd_i: FloatArray
    p_i: FloatArray
    n_unreliable: int

    def __repr__(self) -> str:
        warning = f"; {self.n_unreliable} units have p_waic > 0.4, prefer loo()" if self.n_unreliable else ""
        return f"WAIC(elpd={self.elpd:.2f}, se={self.se:.2f}, p={self.p:.2f}{warning})"


def waic_of(log_lik: FloatArray) -> WAIC:
    """Compute WAIC from a matrix of pointwise log-likelihoods.

    ``elpd_i = log(mean_s exp(l_si)) - var_s(l_si)``, the variance with divisor S - 1 (Gelman, Hwang & Vehtari 2014,
    equations 12 and 13; the convention of R's loo package).

    Parameters
    ----------
    log_lik : ndarray, shape (S, n)
        Draws by rows.

    Returns
    -------
    WAIC

    Examples
    --------
    >>> from bayesmix.criteria import waic_of
    >>> bool(waic_of(np.log([[0.5, 0.25], [0.5, 0.25]])).elpd == np.log(0.5) + np.log(0.25))
    True
    """
    return _waic_from(log_mean_exp(log_lik), np.var(log_lik, axis=0, ddof=1), np.ones(log_lik.shape[1]), None)


def _waic_from(lppd: FloatArray, penalty: FloatArray, counts: FloatArray, inverse: Any) -> WAIC:
    pointwise = lppd - penalty
    n = float(counts.sum())
    elpd = float(counts @ pointwise)
    variance = float(counts @ (pointwise - elpd / n) ** 2) / (n - 1) if n > 1 else float("nan")
    unreliable = int(np.sum(counts[penalty > 0.4]))
    p = float(counts @ penalty)
    if inverse is not None:
        pointwise, penalty = pointwise[inverse], penalty[inverse]
    return WAIC(elpd, float(np.sqrt(n * variance)), p, pointwise, penalty, unreliable)


def waic(posterior: Posterior) -> WAIC:
    """Compute WAIC of a fit; see `waic_of`.

    Very large data use evenly spaced draws, so that draws x rows x components stay below 2e9.

    Raises
    ------
    InputError
        If the fit has weights that are no counts.
    """
    units = _units(posterior)
    draws = posterior.arrays
    keep = max(200, MAX_TERMS // (len(units.counts) * posterior.n_components))
    draws = thinned(draws, keep)
    lppd, penalty = np.empty(len(units.counts)), np.empty(len(units.counts))
    for rows in row_chunks(len(lppd), draws.n_draws):
        values = row_log_density(posterior, draws, units.cells[rows])
        lppd[rows], penalty[rows] = log_mean_exp(values), np.var(values, axis=0, ddof=1)
    return _waic_from(lppd, penalty, units.counts, units.inverse)


def check_counts(observations: Observations) -> None:
    """Refuse weights that are no counts.

    Raises
    ------
    InputError
        If a weight is not a whole number.
    """
    if not observations.weights_are_counts:
        raise InputError(
            "weights must be whole numbers for LOO and WAIC, got fractions: leaving out one unit has no meaning for "
            "case weights. Use counts, or compare fits of the unweighted rows."
        )


@dataclass(frozen=True, eq=False)
class _Units:
    """Distinct rows in which something was observed; `inverse` gives those rows of the data back."""

    cells: FloatArray
    counts: FloatArray
    inverse: np.ndarray


def _units(posterior: Posterior) -> _Units:
    observations = posterior.observations
    check_counts(observations)
    distinct = observations.distinct
    if observations.informative.all():
        return _Units(distinct.cells, distinct.counts, distinct.inverse)
    seen = ~np.isnan(distinct.cells).all(axis=1)
    position = np.cumsum(seen) - 1
    return _Units(distinct.cells[seen], distinct.counts[seen], position[distinct.inverse[observations.informative]])


def relative_efficiency(log_lik: "xr.DataArray", counts: FloatArray | None = None) -> float:
    """Return the mean over units of ESS(exp(log-likelihood)) / S, as R loo's ``relative_eff``.

    Free of labels, unlike ArviZ's default, which averages the ESS of all posterior variables. On more than 1000 rows,
    1000 evenly spaced ones are used.

    Parameters
    ----------
    log_lik : DataArray
        Dims (chain, draw, obs).
    counts : ndarray, shape (n,), optional
        Units that each row stands for.
    """
    import xarray as xr
    from arviz_stats import ess

    n = log_lik.sizes["obs"]
    rows = np.unique(np.linspace(0, n - 1, min(n, _MAX_EFFICIENCY_ROWS)).astype(int))
    some = log_lik.isel(obs=rows)
    scaled = xr.Dataset({"likelihood": np.exp(some - some.max(("chain", "draw")))})
    values = ess(scaled, method="mean")["likelihood"].values
    weights = None if counts is None else counts[rows]
    return float(np.average(values, weights=weights) / (log_lik.sizes["chain"] * log_lik.sizes["draw"]))


@dataclass(frozen=True, eq=False)
class PointwiseLOO:
    """PSIS-LOO of distinct values, exact for all of them or for units drawn at random.

    The total of a pointwise quantity f with approximation a is estimated by ``sum_all c a + sum_rows counts (f - a)``
    (the difference estimator of Magnusson et al. 2019); with all rows present this is ``sum counts f``.

    Attributes
    ----------
    rows : ndarray of int, shape (r,)
        Positions among the distinct values.
    counts : ndarray, shape (r,)
        Units each row stands for; n / r each for a random sample.
    elpd_i, lppd_i : ndarray, shape (r,)
        Leave-one-out and full log predictive densities.
    pareto_k : ndarray, shape (r,)
        How far PSIS can be relied on for elpd_i; of PSIS still where elpd_i comes from a refit.
    approximation : ndarray, shape (r,)
        Cheap approximation of elpd_i; zeros when all rows are present.
    total_approximation : float
        Its sum over all units.
    n : float
        Number of units.
    n_samples : int
        Number of draws.
    good_k : float
        Pareto k up to which PSIS is reliable.
    sampled : bool
        Whether the rows are a random sample.
    repaired, failed : ndarray of bool, shape (r,)
        Whether elpd_i is exact, by a refit without the unit; whether a refit was tried, did not converge, and elpd_i is
        still that of PSIS.
    mc_error : ndarray, shape (r,)
        Monte-Carlo standard error of elpd_i where it is exact; NaN elsewhere.

    Examples
    --------
    >>> loo = choice.ranking.loos[2]
    >>> round(loo.elpd), loo.n_unrepaired, loo.elpd_i.shape
    (-53, 0, (13,))
    """

    rows: np.ndarray
    counts: FloatArray
    elpd_i: FloatArray
    lppd_i: FloatArray
    pareto_k: FloatArray
    approximation: FloatArray
    total_approximation: float
    n: float
    n_samples: int
    good_k: float
    sampled: bool
    repaired: BoolArray
    failed: BoolArray
    mc_error: FloatArray

    @property
    def elpd(self) -> float:
        """Estimated expected log pointwise predictive density."""
        return self.total_approximation + float(self.counts @ (self.elpd_i - self.approximation))

    @property
    def se(self) -> float:
        """Standard error over rows, ``sqrt(n * var(elpd_i))`` with divisor n - 1, as ArviZ's."""
        return weighted_se(self.elpd_i, self.counts) * float(np.sqrt(self.n / max(self.n - 1, 1)))

    @property
    def p(self) -> float:
        """Effective number of parameters."""
        return float(self.counts @ (self.lppd_i - self.elpd_i))

    @property
    def high_k(self) -> BoolArray:
        """Rows whose Pareto k exceeds the reliable limit.

        Examples
        --------
        >>> choice.ranking.loos[1].high_k.sum().item()
        0
        """
        return self.pareto_k > self.good_k

    @property
    def n_high_k(self) -> int:
        """Units among those computed for which PSIS is not reliable, repaired or not."""
        return self._units(self.high_k)

    @property
    def n_repaired(self) -> int:
        """Units among those computed whose elpd is exact, by a refit."""
        return self._units(self.repaired)

    @property
    def n_unrepaired(self) -> int:
        """Units for which PSIS is not reliable and which were not repaired: no refit was tried, or it failed."""
        return self._units(self.unrepaired)

    @property
    def unrepaired(self) -> BoolArray:
        """Rows whose elpd is rough: PSIS is not reliable and no refit stands in for it.

        Examples
        --------
        >>> choice.ranking.loos[3].unrepaired.any().item()
        False
        """
        return (self.high_k | self.failed) & ~self.repaired

    def _units(self, rows: BoolArray) -> int:
        return int(rows.sum() if self.sampled else self.counts[rows].sum())

    def subsampling_se(self, other: "PointwiseLOO | None" = None) -> float:
        """Return the error that drawing rows at random adds to elpd, or to its difference to another fit's.

        Parameters
        ----------
        other : PointwiseLOO, optional
            Of the same rows; the error is then that of the difference.

        Examples
        --------
        >>> choice.ranking.loos[1].subsampling_se()  # all rows were used
        0.0
        """
        if not self.sampled:
            return 0.0
        error = self.elpd_i - self.approximation
        if other is not None:
            error = error - (other.elpd_i - other.approximation)
        return float(self.n * np.std(error, ddof=1) / np.sqrt(len(error)))


def weighted_se(values: FloatArray, counts: FloatArray) -> float:
    """Return ``sqrt(n * var(values))`` over units, divisor n."""
    n = counts.sum()
    mean = counts @ values / n
    return float(np.sqrt(counts @ (values - mean) ** 2))


def pointwise_loo(posterior: Posterior) -> PointwiseLOO:
    """Compute PSIS-LOO (Vehtari, Gelman & Gabry 2017) row by row.

    Leaving out a row of count c means leaving out one of its c units.

    Parameters
    ----------
    posterior : Posterior

    Raises
    ------
    InputError
        If the fit has weights that are no counts.
    """
    from arviz_stats.base import array_stats

    units = _units(posterior)
    total = float(units.counts.sum())
    sampled = len(units.counts) > MAX_EXACT_ROWS
    if sampled:
        # The draw depends on the data alone, so that fits of the same data are compared on the same rows.
        rng = np.random.default_rng(int(posterior.observations.digest[:16], 16))
        rows = rng.choice(len(units.counts), size=SUBSAMPLE, p=units.counts / total)
        everywhere = _approximation(posterior, units.cells)
        approximation, total_approximation = everywhere[rows], float(units.counts @ everywhere)
        counts = np.full(SUBSAMPLE, total / SUBSAMPLE)
    else:
        rows, counts = np.arange(len(units.counts)), units.counts
        approximation, total_approximation = np.zeros(len(rows)), 0.0
    log_lik = _log_lik_tree(posterior, units.cells[rows])
    # ArviZ's arrays: its function of a whole tree warns, and warnings cannot be held back in one thread alone.
    values, r_eff = log_lik.to_numpy(), relative_efficiency(log_lik, counts)
    elpd_i, pareto_k, _ = array_stats.loo(values, chain_axis=0, draw_axis=1, r_eff=r_eff)
    n_draws = values.shape[0] * values.shape[1]
    return PointwiseLOO(
        rows=rows,
        counts=counts,
        elpd_i=np.asarray(elpd_i),
        lppd_i=log_mean_exp(values.reshape(-1, len(rows))),
        pareto_k=np.asarray(pareto_k),
        approximation=approximation,
        total_approximation=total_approximation,
        n=total,
        n_samples=n_draws,
        good_k=good_k(n_draws),
        sampled=sampled,
        repaired=np.zeros(len(rows), dtype=bool),
        failed=np.zeros(len(rows), dtype=bool),
        mc_error=np.full(len(rows), np.nan),
    )


def _approximation(posterior: Posterior, cells: FloatArray) -> FloatArray:
    """Log predictive density from a few draws: near elpd_i up to a term that hardly varies between rows."""
    draws = thinned(posterior.arrays, _APPROXIMATION_DRAWS)
    out = np.empty(len(cells))
    for rows in row_chunks(len(cells), draws.n_draws):
        out[rows] = log_mean_exp(row_log_density(posterior, draws, cells[rows]))
    return out


def _log_lik_tree(posterior: Posterior, cells: FloatArray) -> "xr.DataArray":
    import xarray as xr

    flat = row_log_density(posterior, posterior.arrays, cells)
    return xr.DataArray(flat.reshape(posterior.info.chains, -1, len(cells)), dims=("chain", "draw", "obs"))


def good_k(n_draws: int) -> float:
    """Return the Pareto k up to which weights of so many draws can be relied on (Vehtari et al. 2024).

    Examples
    --------
    >>> good_k(4000), round(good_k(400), 2)
    (0.7, 0.62)
    """
    return float(min(1 - 1 / np.log10(n_draws), 0.7))


def loo_of(rows: PointwiseLOO, posterior: Posterior) -> Any:
    """Put pointwise results into ArviZ's own object.

    Parameters
    ----------
    rows : PointwiseLOO
    posterior : Posterior
        Whose rows they are.

    Returns
    -------
    arviz_stats.ELPDDataLOO or arviz_stats.ELPDDataLOOSubsample
        ``warning`` where rows that PSIS is not reliable for were not repaired.
    """
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOO, ELPDDataLOOSubsample

    observations = posterior.observations
    common = {
        "elpd": rows.elpd,
        "se": rows.se,
        "p": rows.p,
        "n_samples": rows.n_samples,
        "n_data_points": int(rows.n),
        "scale": "log",
        "warning": rows.n_unrepaired > 0,
        "good_k": rows.good_k,
    }
    if rows.sampled:
        coords = {"obs": rows.rows}
        pointwise = {
            "elpd_i": xr.DataArray(rows.elpd_i, dims="obs", coords=coords),
            "pareto_k": xr.DataArray(rows.pareto_k, dims="obs", coords=coords),
        }
        return ELPDDataLOOSubsample(
            **common,
            **pointwise,
            subsampling_se=rows.subsampling_se(),
            subsample_size=len(rows.rows),
            loo_subsample_observations=rows.rows,
            elpd_loo_approx=None,
        )
    inverse, coords = _units(posterior).inverse, {"obs": observations.coordinate[observations.informative]}
    pointwise = {
        "elpd_i": xr.DataArray(rows.elpd_i[inverse], dims="obs", coords=coords),
        "pareto_k": xr.DataArray(rows.pareto_k[inverse], dims="obs", coords=coords),
    }
    return ELPDDataLOO(**common, **pointwise)
