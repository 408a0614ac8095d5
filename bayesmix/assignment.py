"""Which group is each row in, and how sure is that: responsibilities averaged over the posterior."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import (
    MAX_STORED,
    MAX_TERMS,
    component_log_joint,
    mean_responsibilities,
    responsibilities,
    row_chunks,
    thinned,
)
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.scores import log_sum_exp

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "LogResponsibilityDraws",
    "assignment_probabilities",
    "assignments",
    "log_responsibilities",
    "log_responsibility_draws",
]

_FARTHEST = 1e100
_MAX_SCORED_TERMS = 60_000_000


def log_responsibilities(family: Family, draws: DrawArrays, y: FloatArray) -> FloatArray:
    """Return log r, where ``r[s, i, k] = w[s, k] f(y[i] | s, k) / sum_j w[s, j] f(y[i] | s, j)``, shape (S, n, K).

    Bayes' rule for the membership of one row given the parameters of one draw. Logs stay exact where r saturates.

    Parameters
    ----------
    family : Family
    draws : DrawArrays
    y : ndarray, shape (n,)
    """
    joint = component_log_joint(family, draws, y)
    return joint - log_sum_exp(joint)[..., np.newaxis]


@dataclass(frozen=True, eq=False)
class LogResponsibilityDraws:
    """Log responsibilities of draws and rows, shape (S, n, K), computed for a slice of draws when asked for.

    Attributes
    ----------
    family : Family
    draws : DrawArrays
    values : ndarray, shape (n,)
    """

    family: Family
    draws: DrawArrays
    values: FloatArray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Draws, rows, components."""
        return self.draws.n_draws, len(self.values), self.draws.weights.shape[1]

    def __getitem__(self, draws: slice) -> FloatArray:
        """Return the log responsibilities of some draws."""
        return log_responsibilities(self.family, self.draws.take(draws), self.values)


def log_responsibility_draws(posterior: Posterior) -> LogResponsibilityDraws:
    """Return the log responsibilities of the fitted rows, draw by draw, without holding them.

    Very large data use evenly spaced draws, at least 200, so that draws x rows x components stay near 6e7.

    Parameters
    ----------
    posterior : Posterior
    """
    values = posterior.observations.values
    most = max(200, _MAX_SCORED_TERMS // (len(values) * posterior.n_components))
    return LogResponsibilityDraws(posterior.resolved.family, thinned(posterior.arrays, most), values)


def check_reach(posterior: Posterior, values: FloatArray) -> None:
    """Refuse rows so far from every component that their densities overflow and memberships would be made up.

    Raises
    ------
    InputError
        If a value lies more than 1e100 standard deviations out.
    """
    parameters = posterior.arrays.parameters
    far = np.abs(values)
    limit = _FARTHEST * max(float(np.max(np.abs(v))) for v in parameters.values())
    if np.any(far > limit):
        raise InputError(
            f"rows must lie within {_FARTHEST:g} times the scale of the fitted groups, got {values[np.argmax(far)]}. "
            "Check its units."
        )


def assignment_probabilities(posterior: Posterior, rows: Observations, *, draws: bool) -> "xr.DataArray":
    """Return the probability of each component for each row.

    Parameters
    ----------
    posterior : Posterior
    rows : Observations
    draws : bool
        False: the posterior mean, dims (obs, component). True: one value per draw, dims (chain, draw, obs, component).

    Returns
    -------
    DataArray
        Sums to 1 over ``component``; ``obs`` carries the row labels.
    """
    import xarray as xr

    coords = {"obs": rows.coordinate, "component": np.arange(posterior.n_components)}
    if not draws:
        distinct = rows.distinct
        probability = mean_responsibilities(posterior.resolved.family, posterior.arrays, distinct.values)
        probability = probability[distinct.inverse]
        return xr.DataArray(probability, dims=("obs", "component"), coords=coords, name="probability")
    source = posterior.idata["posterior"].to_dataset()
    size = posterior.arrays.weights.size * rows.n
    if size > MAX_STORED:
        raise InputError(
            f"memberships per draw must stay within {MAX_STORED:.0e} values, got {size:.1e} ({rows.n} rows x "
            f"{posterior.n_components} components in every draw). Pass fewer rows, or use the posterior means."
        )
    values = responsibilities(posterior.resolved.family, posterior.arrays, rows.values)
    shape = (source.sizes["chain"], source.sizes["draw"], rows.n, posterior.n_components)
    coords |= {"chain": source["chain"].values, "draw": source["draw"].values}
    return xr.DataArray(
        values.reshape(shape), dims=("chain", "draw", "obs", "component"), coords=coords, name="probability"
    )


def assignments(posterior: Posterior, rows: Observations, interval: CredibleInterval) -> pd.DataFrame:
    """Return, per row, the most probable component with its probability and uncertainty.

    Parameters
    ----------
    posterior : Posterior
    rows : Observations
    interval : CredibleInterval

    Returns
    -------
    DataFrame
        Indexed as the rows. Columns: the data under their own name; ``component``, the one with the largest posterior
        mean probability; ``probability``, that mean; its interval over the draws (how far parameter uncertainty
        moves it); ``entropy`` of the mean probabilities in nats (0 = certain, log K = no idea).
    """
    probability, bounds = _mean_and_own_bounds(posterior, rows, interval)
    best = np.argmax(probability, axis=1)
    lower, upper = interval.columns
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(probability > 0, probability * np.log(probability), 0.0)
    frame = pd.DataFrame(
        {
            "component": best,
            "probability": probability[np.arange(rows.n), best],
            lower: bounds[:, 0],
            upper: bounds[:, 1],
            "entropy": np.maximum(-terms.sum(axis=1), 0.0),
        },
        index=rows.index,
    )
    frame.insert(0, _free_column(rows.name, frame), rows.values)
    return frame


def _free_column(name: str, frame: pd.DataFrame) -> str:
    return f"{name}_value" if name in frame.columns else name


def _mean_and_own_bounds(
    posterior: Posterior, rows: Observations, interval: CredibleInterval
) -> tuple[FloatArray, FloatArray]:
    """Mean responsibilities (n, K) and the interval of the best component's (n, 2)."""
    family, values = posterior.resolved.family, rows.distinct.values
    draws = thinned(posterior.arrays, max(200, MAX_TERMS // (len(values) * posterior.n_components)))
    probability = np.empty((len(values), posterior.n_components))
    bounds = np.empty((len(values), 2))
    for chunk in row_chunks(len(values), draws.weights.size):
        r = responsibilities(family, draws, values[chunk])
        probability[chunk] = r.mean(axis=0)
        best = np.argmax(probability[chunk], axis=1)
        own = np.take_along_axis(r, best[np.newaxis, :, np.newaxis], axis=2)[..., 0]
        bounds[chunk] = np.stack(interval.bounds(own, axis=0), axis=1)
    return probability[rows.distinct.inverse], bounds[rows.distinct.inverse]
