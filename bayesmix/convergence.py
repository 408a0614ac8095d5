"""R-hat and effective sample sizes of many quantities at once, by ArviZ's array functions."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["ESS_MIN", "RHAT_MAX", "convergence", "stack_draws"]

RHAT_MAX = 1.01
"""Largest R-hat of a converged fit (Vehtari et al. 2021)."""

ESS_MIN = 400
"""Smallest effective sample size, bulk and tail, of a fit whose intervals can be trusted."""

_TAIL = (0.05, 0.95)


def convergence(names: Sequence[str], draws: FloatArray) -> pd.DataFrame:
    """Return R-hat and effective sample sizes (Vehtari et al. 2021).

    Parameters
    ----------
    names : sequence of str, length q
    draws : ndarray, shape (q, chain, draw)

    Returns
    -------
    DataFrame
        Indexed by name: ``r_hat``, ``ess_bulk``, ``ess_tail``; the latter is the smaller one of the 5 % and the 95 %
        quantile, as in the paper (ArviZ's summary takes its quantiles from ``rcParams["stats.ci_prob"]``).
    """
    from arviz_stats.base import array_stats

    with np.errstate(divide="ignore", invalid="ignore"):  # chains that stand still apart have an infinite R-hat
        r_hat = array_stats.rhat(draws)
    columns = {
        "r_hat": r_hat,
        "ess_bulk": array_stats.ess(draws, method="bulk"),
        "ess_tail": array_stats.ess(draws, method="tail", prob=_TAIL),
    }
    return pd.DataFrame(
        {name: np.asarray(value, dtype=np.float64) for name, value in columns.items()}, index=list(names)
    )


def stack_draws(variables: "xr.Dataset") -> tuple[list[str], FloatArray]:
    """Return names such as ``mu[0]`` and an array of shape (q, chain, draw) of all entries of some variables."""
    names: list[str] = []
    parts = []
    for name, variable in variables.data_vars.items():
        ahead = variable.transpose(..., "chain", "draw")
        dims = ahead.dims[:-2]
        labels = [ahead[d].values.tolist() if d in ahead.coords else range(ahead.sizes[d]) for d in dims]
        entries = [", ".join(map(str, entry)) for entry in product(*labels)]
        names += [f"{name}[{entry}]" for entry in entries] if dims else [str(name)]
        parts.append(ahead.values.reshape(-1, *ahead.shape[-2:]))
    return names, np.concatenate(parts)
