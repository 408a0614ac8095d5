"""Predictive criteria of one fit: PSIS-LOO by ArviZ, and WAIC, which ArviZ 1.x no longer has."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.likelihood import log_likelihood, log_mean_exp
from bayesmix.model import OBSERVED_NAME
from bayesmix.posterior import Posterior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["WAIC", "loo", "pointwise_log_likelihood", "relative_efficiency", "waic", "waic_of"]

_MAX_EFFICIENCY_ROWS = 1000


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
        Rows with a penalty above 0.4.
    """

    elpd: float
    se: float
    p: float
    elpd_i: FloatArray
    p_i: FloatArray
    n_unreliable: int

    def __repr__(self) -> str:
        warning = (
            f"; {self.n_unreliable} of {len(self.p_i)} rows have p_waic > 0.4, prefer loo()"
            if self.n_unreliable
            else ""
        )
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
    >>> import numpy as np
    >>> waic_of(np.log([[0.5, 0.25], [0.5, 0.25]])).elpd == np.log(0.5) + np.log(0.25)
    True
    """
    penalty = np.var(log_lik, axis=0, ddof=1)
    pointwise = log_mean_exp(log_lik) - penalty
    n = len(pointwise)
    se = float(np.sqrt(n * np.var(pointwise, ddof=1))) if n > 1 else float("nan")
    return WAIC(float(pointwise.sum()), se, float(penalty.sum()), pointwise, penalty, int(np.sum(penalty > 0.4)))


def waic(posterior: Posterior) -> WAIC:
    """Compute WAIC of a fit; see `waic_of`."""
    values = pointwise_log_likelihood(posterior).values
    return waic_of(values.reshape(-1, values.shape[-1]))


def pointwise_log_likelihood(posterior: Posterior) -> "xr.DataArray":
    """Return the stored pointwise log-likelihood, or compute it where the fit was too large to store it."""
    if "log_likelihood" in posterior.idata.children:
        return posterior.idata["log_likelihood"].to_dataset()[OBSERVED_NAME]
    return log_likelihood(posterior)


def relative_efficiency(log_lik: "xr.DataArray") -> float:
    """Return the mean over rows of ESS(exp(log-likelihood)) / S, as R loo's ``relative_eff``.

    Free of labels, unlike ArviZ's default, which averages the ESS of all posterior variables. On more than 1000 rows,
    1000 evenly spaced ones are used.

    Parameters
    ----------
    log_lik : DataArray
        Dims (chain, draw, obs).
    """
    import xarray as xr
    from arviz_stats import ess

    n = log_lik.sizes["obs"]
    rows = np.unique(np.linspace(0, n - 1, min(n, _MAX_EFFICIENCY_ROWS)).astype(int))
    some = log_lik.isel(obs=rows)
    scaled = xr.Dataset({"likelihood": np.exp(some - some.max(("chain", "draw")))})
    values = ess(scaled, method="mean")["likelihood"].values
    return float(np.mean(values) / (log_lik.sizes["chain"] * log_lik.sizes["draw"]))


def loo(posterior: Posterior) -> Any:
    """Compute PSIS-LOO (Vehtari, Gelman & Gabry 2017) by ArviZ, with the label-free relative efficiency.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    arviz_stats.ELPDDataLOO
        Pointwise; print it for a summary. Its Pareto k values say which rows it is unsure of; ArviZ's warning about
        them is left to that summary and to the comparison's table.
    """
    from arviz_stats import loo as arviz_loo

    values = pointwise_log_likelihood(posterior)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return arviz_loo(
            _loo_tree(posterior, values),
            pointwise=True,
            var_name=OBSERVED_NAME,
            reff=relative_efficiency(values),
        )


def _loo_tree(posterior: Posterior, log_lik: "xr.DataArray") -> "xr.DataTree":
    import xarray as xr

    return xr.DataTree.from_dict(
        {
            "posterior": posterior.idata["posterior"].to_dataset(),
            "log_likelihood": log_lik.to_dataset(name=OBSERVED_NAME),
        }
    )
