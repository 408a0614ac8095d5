"""The places where the most probable component changes, with their uncertainty."""

from typing import Any

import numpy as np
import pandas as pd

from bayesmix.boundaries._line import Line, line_of
from bayesmix.data import FloatArray
from bayesmix.intervals import CredibleInterval
from bayesmix.posterior import Posterior

__all__ = ["boundary_table", "decision_boundaries"]


def decision_boundaries(posterior: Posterior, interval: CredibleInterval, column: str | None = None) -> pd.DataFrame:
    """Return the values of a column at which the most probable component changes.

    The rule is that of `bayesmix.assignment.assignments`: the component with the largest posterior mean probability.
    It is followed over the range of the fitted values and five ranges beyond on either side, and every place where it
    changes is found by bisection; for two normal components these are the roots of a quadratic. Every draw has a rule
    of its own; the interval is that of its boundaries between the same two components, at the same side of where these
    have their highest density. A draw in which one component is the wider may have a boundary that others have not.

    Parameters
    ----------
    posterior : Posterior
        A fit that was saved without its data is searched around values simulated from it.
    interval : CredibleInterval
        Over the draws that have the boundary, of at most 1000 evenly spaced ones.
    column : str, optional
        Which column of a table; the others are integrated out, as in `bayesmix.prediction.density`.

    Returns
    -------
    DataFrame
        One row per boundary, increasing. ``boundary``, in the column's units, halfway between two counts where only
        whole numbers occur; ``from`` and ``to``, the components below and above it; the interval; ``share``, the share
        of draws that have it. Without rows where one component is the most probable everywhere. ``attrs`` hold the
        ``range`` of the fitted values, the range ``searched``, the ``interval``, and the components that are ``never``
        the most probable. On a circle all directions are searched, and values rise from ``from`` to ``to``; an
        interval may reach beyond its cut.

    Raises
    ------
    InputError
        If there is no such column, several and none is named, it holds categories, or its trials differ.

    References
    ----------
    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, section 4.3, for normal groups.

    Examples
    --------
    >>> from bayesmix.intervals import credible_interval
    >>> decision_boundaries(fit, credible_interval())[["from", "to"]].iloc[-1].tolist()
    [0, 1]
    """
    return boundary_table(line_of(posterior, column), interval)


def boundary_table(line: Line, interval: CredibleInterval) -> pd.DataFrame:
    """Return the boundaries of a column, see `decision_boundaries`.

    Parameters
    ----------
    line : Line
    interval : CredibleInterval
    """
    labels = line.posterior.component_labels
    lower, upper = interval.columns
    names = ["boundary", "from", "to", "median", lower, upper, "share"]
    rows: list[list[Any]] = []
    for crossing in line.crossings:
        own = line.own_crossings(crossing)
        has = np.isfinite(own)
        rows.append([crossing.value, labels[crossing.below], labels[crossing.above], *_spread(own[has], interval)])
        rows[-1].append(float(has.mean()))
    frame = pd.DataFrame(rows, columns=names)
    numbers = ["boundary", "median", lower, upper, "share"]
    frame = frame.astype(dict.fromkeys(numbers, np.float64))
    won = np.unique(line.rule.winners)
    frame.attrs |= {
        "range": (line.low, line.high),
        "searched": (float(line.grid[0]), float(line.grid[-1])),
        "interval": interval.name,
        "never": [label for k, label in enumerate(labels) if k not in won],
    }
    return frame


def _spread(own: FloatArray, interval: CredibleInterval) -> tuple[float, float, float]:
    if not own.size:
        return float("nan"), float("nan"), float("nan")
    low, high = interval.bounds(own)
    return float(np.median(own)), float(low), float(high)
