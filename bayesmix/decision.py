"""What to do with each row: the decision with the least posterior expected cost.

With probabilities p of the classes and costs c, decision a costs ``sum_k p_k c[k, a]`` on average, and the best one is
the cheapest (Berger 1985, Statistical Decision Theory and Bayesian Analysis, section 4.4). Its expectation over
uncertain parameters needs the posterior mean probabilities only; the interval over draws says how far the parameters
move it.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.assignment import laid_out, leaders, table_draws, under_base_rates
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.likelihood import responsibilities, row_chunks
from bayesmix.posterior import Posterior

__all__ = ["ABSTAIN", "Costs", "decide", "read_costs"]

ABSTAIN = "abstain"
"""The decision not to decide."""


@dataclass(frozen=True, eq=False)
class Costs:
    """What each decision costs in each component.

    Attributes
    ----------
    matrix : ndarray, shape (M, A)
        Component of the row by decision.
    decisions : tuple of length A
    """

    matrix: FloatArray
    decisions: tuple[Hashable, ...]


def read_costs(posterior: Posterior, costs: Any, abstain_cost: Any, threshold: Any) -> Costs:
    """Return the costs of all decisions.

    Parameters
    ----------
    posterior : Posterior
    costs : DataFrame, or array of shape (M, M), or None
        Rows are components, columns decisions. None: a wrong component costs 1, the right one nothing.
    abstain_cost : float, optional
        What it costs to leave a row undecided, in the same units.
    threshold : float in (0, 1), optional
        Leave rows undecided whose most probable component has a lower probability: with costs of 0 and 1 the same as
        ``abstain_cost = 1 - threshold`` (Chow 1970, On optimum recognition error and reject tradeoff, IEEE Transactions
        on Information Theory 16, 41-46).

    Raises
    ------
    InputError
        If the costs do not fit the components, are not finite, or contradict each other.
    """
    labels = list(posterior.component_labels)
    if threshold is not None:
        if costs is not None or abstain_cost is not None:
            raise InputError(
                f"threshold={threshold!r} must come alone, got costs or abstain_cost with it. With costs, state what "
                "abstaining costs by abstain_cost=."
            )
        if isinstance(threshold, bool) or not isinstance(threshold, Real) or not 0 < float(threshold) < 1:
            raise InputError(f"threshold must be a probability between 0 and 1, got {threshold!r}. Use e.g. 0.9.")
        abstain_cost = 1.0 - threshold
    matrix, decisions = _matrix(labels, costs)
    if abstain_cost is None:
        return Costs(matrix, decisions)
    if isinstance(abstain_cost, bool) or not isinstance(abstain_cost, Real) or not np.isfinite(float(abstain_cost)):
        raise InputError(f"abstain_cost must be a finite number, got {abstain_cost!r}. Give it in the units of costs.")
    if ABSTAIN in decisions:
        raise InputError(
            f"costs and components must not use the name {ABSTAIN!r} where abstaining is a decision of its own, got "
            f"{list(decisions)}. Rename it, or leave abstain_cost and threshold out."
        )
    column = np.full((len(matrix), 1), float(abstain_cost))
    return Costs(np.hstack([matrix, column]), (*decisions, ABSTAIN))


def _matrix(labels: list[int | str], costs: Any) -> tuple[FloatArray, tuple[Hashable, ...]]:
    if costs is None:
        return 1.0 - np.eye(len(labels)), tuple(labels)
    remedy = f"Give a DataFrame whose index is {labels} and whose columns are the decisions."
    if isinstance(costs, pd.DataFrame):
        if set(costs.index) != set(labels) or len(costs) != len(labels) or costs.columns.has_duplicates:
            raise InputError(
                f"costs must have one row for each component {labels} and distinct decisions as columns, got the rows "
                f"{list(costs.index)} and columns {list(costs.columns)}. {remedy}"
            )
        costs = costs.loc[labels]
        decisions = tuple(costs.columns)
    elif isinstance(costs, (list, tuple, np.ndarray)):
        decisions = tuple(labels)
    else:
        raise InputError(f"costs must be a pandas DataFrame or an array, got {type(costs).__name__}. {remedy}")
    try:
        matrix = np.asarray(costs, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != (len(labels), len(decisions)) or not matrix.size or not np.isfinite(matrix).all():
        raise InputError(
            f"costs must be finite numbers, one for each component {labels} and decision, got {costs!r}. {remedy}"
        )
    return matrix, decisions


def decide(
    posterior: Posterior,
    rows: Observations,
    costs: Costs,
    interval: CredibleInterval,
    base_rates: FloatArray | None = None,
) -> pd.DataFrame:
    """Return the cheapest decision for every row.

    Parameters
    ----------
    posterior : Posterior
    rows : Observations
    costs : Costs
    interval : CredibleInterval
    base_rates : ndarray, shape (M,), optional
        As for `bayesmix.assignment.assignments`.

    Returns
    -------
    DataFrame
        Indexed as the rows. ``decision``; ``expected_cost`` with its interval over the draws; ``runner_up``, the second
        cheapest decision, and ``saving``, by how much it costs more; ``could_flip``, whether another decision is
        cheaper in more draws than the interval leaves out on one side.
    """
    own, cells = laid_out(posterior, rows), rows.distinct.cells
    draws = under_base_rates(own, table_draws(posterior, len(cells)), rows, base_rates)
    chunks = [
        _cheapest(responsibilities(own, draws, cells[chunk]), costs.matrix, interval)
        for chunk in row_chunks(len(cells), draws.n_draws * max(costs.matrix.shape))
    ]
    told = {name: np.concatenate([c[name] for c in chunks])[rows.distinct.inverse] for name in chunks[0]}
    names = np.empty(len(costs.decisions), dtype=object)
    names[:] = costs.decisions
    lower, upper = interval.columns
    several = len(names) > 1
    return pd.DataFrame(
        {
            "decision": names[told["first"]],
            "expected_cost": told["cost"],
            lower: told["lower"],
            upper: told["upper"],
            "runner_up": names[told["second"]] if several else np.full(rows.n, None),
            "saving": told["saving"] if several else np.full(rows.n, np.nan),
            "could_flip": told["others"] > (1 - interval.prob) / 2,
        },
        index=rows.index,
    ).infer_objects()


def _cheapest(r: FloatArray, matrix: FloatArray, interval: CredibleInterval) -> dict[str, npt.NDArray[Any]]:
    cost = r @ matrix
    _, first, second, others = leaders(-cost)
    mean, rows = cost.mean(axis=0), np.arange(r.shape[1])
    lower, upper = interval.bounds(np.ascontiguousarray(cost[:, rows, first]))
    return {
        "first": first,
        "second": second,
        "cost": mean[rows, first],
        "lower": lower,
        "upper": upper,
        "saving": mean[rows, second] - mean[rows, first],
        "others": others,
    }
