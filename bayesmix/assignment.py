"""Which group is each row in, and how sure is that: responsibilities averaged over the posterior."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.blocks import Layout
from bayesmix.data import Column, FloatArray, Observations
from bayesmix.errors import InputError
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


def log_responsibilities(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return log r, where ``r[s, i, k] = w[s, k] f(row i | s, k) / sum_j w[s, j] f(row i | s, j)``, shape (S, n, M).

    Bayes' rule for the membership of one row given the parameters of one draw. Logs stay exact where r saturates.

    Parameters
    ----------
    posterior : Posterior
    draws : DrawArrays
    cells : ndarray, shape (n, width)
    """
    joint = component_log_joint(posterior, draws, cells)
    return joint - log_sum_exp(joint)[..., np.newaxis]


@dataclass(frozen=True, eq=False)
class LogResponsibilityDraws:
    """Log responsibilities of draws and rows, shape (S, n, K), computed for a slice of draws when asked for.

    Attributes
    ----------
    posterior : Posterior
    draws : DrawArrays
    cells : ndarray, shape (n, width)
    """

    posterior: Posterior
    draws: DrawArrays
    cells: FloatArray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Draws, rows, components."""
        return self.draws.n_draws, len(self.cells), self.draws.weights.shape[1]

    def __getitem__(self, draws: slice) -> FloatArray:
        """Return the log responsibilities of some draws."""
        return log_responsibilities(self.posterior, self.draws.take(draws), self.cells)


def log_responsibility_draws(posterior: Posterior) -> LogResponsibilityDraws:
    """Return the log responsibilities of the fitted rows, draw by draw, without holding them.

    Very large data use evenly spaced draws, at least 200, so that draws x rows x components stay near 6e7.

    Parameters
    ----------
    posterior : Posterior
    """
    cells = posterior.observations.cells
    most = max(200, _MAX_SCORED_TERMS // (len(cells) * len(posterior.component_labels)))
    return LogResponsibilityDraws(posterior, thinned(posterior.arrays, most), cells)


def check_reach(posterior: Posterior, rows: Observations) -> None:
    """Refuse rows so far from every component that their densities overflow and memberships would be made up.

    Raises
    ------
    InputError
        If a value of a normal or similar column lies more than 1e100 times the scale of the groups out.
    """
    for block in posterior.resolved.blocks:
        if not block.family.location_scale:
            continue
        columns = rows.columns if block.family.multivariate else [rows.columns[c] for c in block.columns]
        parameters = block.pick(posterior.arrays.parameters)
        limit = _FARTHEST * max(float(np.max(np.abs(parameters[name]))) for name in ("mu", "sigma"))
        for column in columns:
            present = column.values[column.present]
            if present.size and np.max(np.abs(present)) > limit:
                raise InputError(
                    f"rows must lie within {_FARTHEST:g} times the scale of the fitted groups, got "
                    f"{present[np.argmax(np.abs(present))]} in {column.name!r}. Check its units."
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

    coords = {"obs": rows.coordinate, "component": posterior.component_coordinate}
    if not draws:
        distinct = rows.distinct
        probability = mean_responsibilities(_for(posterior, rows), posterior.arrays, distinct.cells)
        probability = probability[distinct.inverse]
        return xr.DataArray(probability, dims=("obs", "component"), coords=coords, name="probability")
    source = posterior.idata["posterior"].to_dataset()
    size = posterior.arrays.weights.size * rows.n
    if size > MAX_STORED:
        raise InputError(
            f"memberships per draw must stay within {MAX_STORED:.0e} values, got {size:.1e} ({rows.n} rows x "
            f"{posterior.n_components} components in every draw). Pass fewer rows, or use the posterior means."
        )
    values = responsibilities(_for(posterior, rows), posterior.arrays, rows.cells)
    shape = (source.sizes["chain"], source.sizes["draw"], rows.n, len(posterior.component_labels))
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
        Indexed as the rows. Columns: the data under their own names; ``component``, the one with the largest posterior
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
            "component": posterior.component_coordinate[best],
            "probability": probability[np.arange(rows.n), best],
            lower: bounds[:, 0],
            upper: bounds[:, 1],
            "entropy": np.maximum(-terms.sum(axis=1), 0.0),
        },
        index=rows.index,
    )
    for position, column in enumerate(rows.columns):
        frame.insert(position, _free_column(column.name, frame), _shown(column))
    return frame


def _for(posterior: Posterior, rows: Observations) -> Posterior:
    """Return the posterior with the layout of these rows: new ones may be intervals where the fitted were points."""
    return replace(posterior, info=replace(posterior.info, layout=Layout.of(rows)))


def _shown(column: Column) -> npt.NDArray[Any]:
    """Return a column as the user knows it: category names instead of codes."""
    if not column.categories:
        return column.values
    names = np.array([*column.categories, None], dtype=object)
    return np.asarray(names[np.where(column.present, column.values, len(column.categories)).astype(int)])


def _free_column(name: str, frame: pd.DataFrame) -> str:
    return f"{name}_value" if name in frame.columns else name


def _mean_and_own_bounds(
    posterior: Posterior, rows: Observations, interval: CredibleInterval
) -> tuple[FloatArray, FloatArray]:
    """Mean responsibilities (n, K) and the interval of the best component's (n, 2)."""
    own_rows, cells = _for(posterior, rows), rows.distinct.cells
    width = len(posterior.component_labels)
    draws = thinned(posterior.arrays, max(200, MAX_TERMS // (len(cells) * width)))
    probability = np.empty((len(cells), width))
    bounds = np.empty((len(cells), 2))
    for chunk in row_chunks(len(cells), draws.weights.size):
        r = responsibilities(own_rows, draws, cells[chunk])
        probability[chunk] = r.mean(axis=0)
        best = np.argmax(probability[chunk], axis=1)
        own = np.take_along_axis(r, best[np.newaxis, :, np.newaxis], axis=2)[..., 0]
        bounds[chunk] = np.stack(interval.bounds(own, axis=0), axis=1)
    return probability[rows.distinct.inverse], bounds[rows.distinct.inverse]
