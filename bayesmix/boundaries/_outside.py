"""Rows that lie where the fit has seen nothing."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bayesmix.data import Column, FloatArray, Observations
from bayesmix.posterior import Posterior

__all__ = ["outside"]


def outside(posterior: Posterior, rows: Observations) -> npt.NDArray[np.bool_]:
    """Return which rows lie outside the range of the fitted ones, in any column.

    Memberships of such rows are extrapolated: they rest on the shape of the components' tails, of which the data say
    nothing. A cell is outside if it lies below the smallest or above the largest fitted value of its column, or is of a
    category that occurs in no fitted row. An interval is outside if it lies there as a whole, so that one whose open
    end reaches beyond the fitted values is not; of fitted intervals the finite ends count. Successes are compared as
    shares of their trials. Missing cells are never outside, nor are angles, which have no smallest or largest.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    rows : Observations
        Rows of the same columns, read as the fit reads its own (`bayesmix.blocks.read_new_rows`).

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    InputError
        If the fit was saved without its data: nothing is known then of the range of what it has seen, since the range
        of what it can simulate is another one.

    Examples
    --------
    >>> from bayesmix.blocks import read_new_rows
    >>> outside(fit, read_new_rows(fit.resolved.family, [1.0, 20.0], fit.layout)).tolist()
    [True, False]
    """
    found = np.zeros(rows.n, dtype=bool)
    for position, (known, new) in enumerate(zip(posterior.observations.columns, rows.columns, strict=True)):
        blocks = posterior.resolved.blocks
        family = blocks[0 if blocks[0].family.multivariate else position].family
        if known.categories or new.categories:
            found |= _never_seen(known, new)
        elif not family.circular:
            found |= _beyond(known, new)
    return found


def _never_seen(known: Column, new: Column) -> npt.NDArray[np.bool_]:
    seen = set(_categories(known))
    return np.array([category is not None and category not in seen for category in _categories(new)], dtype=bool)


def _categories(column: Column) -> list[Any]:
    """Return the categories of all rows, None where missing."""
    cells = zip(column.values.tolist(), column.present.tolist(), strict=True)
    return [column.categories[int(value)] if present else None for value, present in cells]


def _beyond(known: Column, new: Column) -> npt.NDArray[np.bool_]:
    ends = np.concatenate(_ends(known))
    ends = ends[np.isfinite(ends)]
    lowest, highest = _ends(new)
    # Comparisons with NaN, a missing cell, are False.
    return np.asarray((highest < ends.min()) | (lowest > ends.max()))


def _ends(column: Column) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper ends of all cells; both are the share of successes where there are trials."""
    if column.extra is None:
        return column.lowest, column.highest
    share = column.values / np.maximum(column.extra, 1.0)
    return share, share
