"""Which group is each row in, and how sure is that: responsibilities averaged over the posterior."""

from collections.abc import Mapping
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
    component_log_joint,
    mean_responsibilities,
    responsibilities,
    row_chunks,
    row_log_density,
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
    "batch_error",
    "check_reach",
    "laid_out",
    "leaders",
    "log_responsibilities",
    "log_responsibility_draws",
    "read_base_rates",
    "table_draws",
    "under_base_rates",
    "with_data",
]

_FARTHEST = 1e100
_TINY = 1e-290
_MAX_SCORED_TERMS = 60_000_000
#: Draws x rows x components that the table of assignments looks at; large data use fewer draws, at least 200.
_MAX_TERMS, _LEAST_DRAWS = 600_000_000, 200
#: Batches of consecutive draws whose means tell the Monte-Carlo error: its own error is then about 11 %.
_BATCHES = 40
#: Columns that some tables of rows have and others not; data of these names are called otherwise in all of them.
_OWN_COLUMNS = ("outside", "posterior_component", "posterior_probability", "pareto_k", "refitted", "unreliable")


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
        probability = mean_responsibilities(laid_out(posterior, rows), posterior.arrays, distinct.cells)
        probability = probability[distinct.inverse]
        return xr.DataArray(probability, dims=("obs", "component"), coords=coords, name="probability")
    source = posterior.idata["posterior"].to_dataset()
    size = posterior.arrays.weights.size * rows.n
    if size > MAX_STORED:
        raise InputError(
            f"memberships per draw must stay within {MAX_STORED:.0e} values, got {size:.1e} ({rows.n} rows x "
            f"{posterior.n_components} components in every draw). Pass fewer rows, or use the posterior means."
        )
    values = responsibilities(laid_out(posterior, rows), posterior.arrays, rows.cells)
    shape = (source.sizes["chain"], source.sizes["draw"], rows.n, len(posterior.component_labels))
    coords |= {"chain": source["chain"].values, "draw": source["draw"].values}
    return xr.DataArray(
        values.reshape(shape), dims=("chain", "draw", "obs", "component"), coords=coords, name="probability"
    )


def assignments(
    posterior: Posterior,
    rows: Observations,
    interval: CredibleInterval,
    base_rates: FloatArray | None = None,
) -> pd.DataFrame:
    """Return, per row, the most probable component with its probability and uncertainty.

    Parameters
    ----------
    posterior : Posterior
    rows : Observations
    interval : CredibleInterval
    base_rates : ndarray, shape (M,), optional
        Shares of the components in the population the rows come from; the fitted weights by default. See
        `read_base_rates`.

    Returns
    -------
    DataFrame
        Indexed as the rows. The data under their own names, then

        component, probability
            The component with the largest posterior mean probability, and that mean.
        eti89_lb, eti89_ub
            Interval of that component's probability over the draws: how far uncertain parameters move it.
        mc_error
            Monte-Carlo standard error of `probability`, by the means of 40 batches of draws: how far other random
            numbers would move it. Where a probability of two components is further than 4 of them from a half, another
            random seed gives the same component.
        runner_up, margin
            The second most probable component, and how far ahead the first is.
        entropy
            Of the mean probabilities, in nats: 0 is certain, log K is no idea.
        could_flip
            Whether another component is more probable in more draws than the interval leaves out on one side (5.5 %
            for an 89 % interval): parameters that the data allow would then label the row otherwise.

        From all draws, or from at least 200 evenly spaced ones for very many rows.

    References
    ----------
    Flegal & Jones (2010), Batch means and spectral variance estimators in Markov chain Monte Carlo, Annals of
    Statistics 38, 1034-1070.
    """
    told = _summary(laid_out(posterior, rows), rows, interval, base_rates)
    told = {name: values[rows.distinct.inverse] for name, values in told.items()}
    names, (lower, upper) = posterior.component_coordinate, interval.columns
    single = len(names) == 1
    frame = pd.DataFrame(
        {
            "component": names[told["first"]],
            "probability": told["probability"],
            lower: told["lower"],
            upper: told["upper"],
            "mc_error": told["mc_error"],
            "runner_up": np.full(rows.n, None) if single else names[told["second"]],
            "margin": told["margin"],
            "entropy": told["entropy"],
            "could_flip": told["others"] > (1 - interval.prob) / 2,
        },
        index=rows.index,
    )
    return with_data(frame, rows)


def with_data(frame: pd.DataFrame, rows: Observations) -> pd.DataFrame:
    """Put the rows' own columns first; one whose name a table of rows uses itself is called ``name_value``.

    Parameters
    ----------
    frame : DataFrame
        Indexed as the rows.
    rows : Observations
    """
    taken = {*frame.columns, *_OWN_COLUMNS}
    own = {f"{c.name}_value" if c.name in taken else c.name: _shown(c) for c in rows.columns}
    return pd.concat([pd.DataFrame(own, index=rows.index), frame], axis=1)


def read_base_rates(posterior: Posterior, base_rates: Any) -> FloatArray | None:
    """Return the shares of the components in another population, checked.

    Parameters
    ----------
    posterior : Posterior
    base_rates : sequence or mapping of number, or None
        One share for each component (those without parameters last), or component to share; they sum to 1.

    Returns
    -------
    ndarray of float64, shape (M,), or None
        None for the fitted weights.

    Raises
    ------
    InputError
        If they are not one number in [0, 1] for each component, or do not sum to 1.
    """
    if base_rates is None:
        return None
    labels = posterior.component_labels
    if isinstance(base_rates, (Mapping, pd.Series)):
        keys = [*base_rates.keys()]
        given = [base_rates[name] for name in labels] if set(keys) == set(labels) else []
    else:
        given = [*base_rates] if np.ndim(base_rates) == 1 else []
    try:
        rates = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        rates = np.empty(0)
    if rates.shape != (len(labels),) or not (rates >= 0).all() or abs(rates.sum() - 1) > 1e-6:
        raise InputError(
            f"base_rates must give each of the components {list(labels)} its share, numbers >= 0 that sum to 1, got "
            f"{base_rates!r}. Give one per component in this order, or a mapping from component to share."
        )
    return rates / rates.sum()


def under_base_rates(
    posterior: Posterior, draws: DrawArrays, rows: Observations, base_rates: FloatArray | None
) -> DrawArrays:
    """Return the draws with the weights of another population: there the components are the same, their shares not.

    Parameters
    ----------
    posterior : Posterior
        With the layout of the rows.
    draws : DrawArrays
    rows : Observations
    base_rates : ndarray, shape (M,), or None
        None leaves the draws as they are.

    Raises
    ------
    InputError
        If no component with a share can have some row: its memberships would be made up.

    References
    ----------
    Saerens, Latinne & Decaestecker (2002), Adjusting the outputs of a classifier to new a priori probabilities, Neural
    Computation 14, 21-41: Bayes' rule with the new shares.
    """
    if base_rates is None:
        return draws
    changed = replace(draws, weights=np.tile(base_rates, (draws.n_draws, 1)))
    _refuse_impossible(posterior, changed, rows, base_rates)
    return changed


def laid_out(posterior: Posterior, rows: Observations) -> Posterior:
    """Return the posterior with the layout of these rows: new ones may be intervals where the fitted were points."""
    return replace(posterior, info=replace(posterior.info, layout=Layout.of(rows)))


def _shown(column: Column) -> npt.NDArray[Any]:
    """Return a column as the user knows it: category names instead of codes."""
    if not column.categories:
        return column.values
    names = np.array([*column.categories, None], dtype=object)
    return np.asarray(names[np.where(column.present, column.values, len(column.categories)).astype(int)])


def _refuse_impossible(posterior: Posterior, draws: DrawArrays, rows: Observations, base_rates: FloatArray) -> None:
    """Refuse rows that no component with a share can have; only shares of 0 can make one, in one draw as in all."""
    if base_rates.all():
        return
    log_density = row_log_density(posterior, draws.take([0]), rows.distinct.cells)[0][rows.distinct.inverse]
    impossible = np.flatnonzero(log_density < -_FARTHEST)
    if impossible.size:
        row, without = int(impossible[0]), [posterior.component_labels[k] for k in np.flatnonzero(base_rates == 0)]
        raise InputError(
            f"base_rates must leave every row possible, but row {rows.index[row]!r} (position {row}) can come from "
            f"none of the components with a share: {without} have 0. Give these a small one."
        )


def table_draws(posterior: Posterior, n_rows: int) -> DrawArrays:
    """Return the draws that tables of so many distinct rows look at: all, or evenly spaced ones for very many rows."""
    width = len(posterior.component_labels)
    return thinned(posterior.arrays, max(_LEAST_DRAWS, _MAX_TERMS // (n_rows * width)))


def _summary(
    posterior: Posterior, rows: Observations, interval: CredibleInterval, base_rates: FloatArray | None
) -> dict[str, npt.NDArray[Any]]:
    """Return what the table says of every distinct row, without holding draws x rows x components."""
    cells = rows.distinct.cells
    draws = under_base_rates(posterior, table_draws(posterior, len(cells)), rows, base_rates)
    chunks = [
        _summary_of(responsibilities(posterior, draws, cells[chunk]), interval)
        for chunk in row_chunks(len(cells), draws.weights.size)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _summary_of(r: FloatArray, interval: CredibleInterval) -> dict[str, npt.NDArray[Any]]:
    mean, first, second, others = leaders(r)
    rows, width = np.arange(len(mean)), mean.shape[1]
    own = np.ascontiguousarray(r[:, rows, first])
    probability = mean[rows, first]
    likely = mean > _TINY  # a component that a row is known not to belong to keeps a trace of 1e-308
    terms = np.multiply(
        mean, np.log(mean, out=np.zeros_like(mean), where=likely), where=likely, out=np.zeros_like(mean)
    )
    lower, upper = interval.bounds(own)
    return {
        "first": first,
        "second": second,
        "probability": probability,
        "lower": lower,
        "upper": upper,
        "mc_error": batch_error(own),
        "margin": probability - (mean[rows, second] if width > 1 else 0.0),
        "entropy": np.maximum(-terms.sum(axis=1), 0.0),
        "others": others,
    }


def leaders(values: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
    """Return who has the largest value on average, and how often somebody else has in a draw.

    Parameters
    ----------
    values : ndarray, shape (S, n, M)

    Returns
    -------
    mean : ndarray, shape (n, M)
    first, second : ndarray of int, shape (n,)
        The two largest means; equal ones in their order.
    others : ndarray, shape (n,)
        Share of draws in which another than the first is larger.
    """
    mean = values.mean(axis=0)
    ranked = np.argsort(-mean, axis=1, kind="stable")
    first, second = ranked[:, 0], ranked[:, min(1, mean.shape[1] - 1)]
    own = values[:, np.arange(len(mean)), first]
    others = np.zeros(own.shape, dtype=bool)
    for k in range(mean.shape[1]):
        others |= (values[:, :, k] > own) & (first != k)
    return mean, first, second, others.mean(axis=0)


def batch_error(values: FloatArray) -> FloatArray:
    """Return the standard error of the mean over the first axis, from the means of batches of consecutive draws."""
    size = max(1, len(values) // _BATCHES)
    batches = len(values) // size
    if batches < 2:
        return np.full(values.shape[1:], np.nan)
    means = values[: batches * size].reshape(batches, size, *values.shape[1:]).mean(axis=1)
    return np.asarray(means.std(axis=0, ddof=1) / np.sqrt(batches))
