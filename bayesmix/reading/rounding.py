"""Rounded numbers: what step they were rounded to, and the intervals they stand for."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np

from bayesmix.data import FloatArray, show_some
from bayesmix.errors import InputError

__all__ = ["Step", "bounds_of", "find_step", "read_steps"]

type Step = float | Literal["auto"] | None

_MOST_STEPS = 1000
"""A grid of more steps over the range of the data than this is too fine to matter."""

_COINCIDENCE = 100.0
"""A grid is believed to be coarser than its decimals tell when chance would make it so once in this many data sets."""


def read_steps(resolution: Any, names: list[str], rounds: list[bool]) -> list[Step]:
    """Return the step of every column.

    Parameters
    ----------
    resolution : None, number, "auto", or mapping from column to these
    names : list of str
        The columns.
    rounds : list of bool
        Whether each is continuous; others are counts or categories, which nothing was rounded to.

    Raises
    ------
    InputError
        If a step is not a positive number, a column is unknown or not continuous, or one number is given for several
        columns.
    """
    if isinstance(resolution, Mapping):
        unknown = [name for name in resolution if str(name) not in names]
        if unknown:
            raise InputError(
                f"resolution must name columns of y ({show_some(names, 10)}), got {unknown[0]!r}. Check the spelling."
            )
        given = {str(name): _step(value, f"resolution[{str(name)!r}]") for name, value in resolution.items()}
        steps = [given.get(name) for name in names]
    else:
        step = _step(resolution, "resolution")
        if len(names) > 1 and isinstance(step, float):
            raise InputError(
                f"resolution must be given by column for several columns, got {resolution!r}. "
                f"Use e.g. resolution={{{names[0]!r}: {resolution!r}}}, or 'auto'."
            )
        several = len(names) > 1
        steps = [step if continuous or not several else None for continuous in rounds]
    for name, step, continuous in zip(names, steps, rounds, strict=True):
        if step is not None and not continuous:
            raise InputError(
                f"resolution must be given for continuous columns only, got {step!r} for {name!r}. "
                "Counts and categories have probabilities of their own: leave it out."
            )
    return steps


def _step(value: Any, what: str) -> Step:
    if value is None:
        return None
    if isinstance(value, str) and value == "auto":
        return "auto"
    real = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if not real or not 0 < float(value) < math.inf:
        raise InputError(f"{what} must be a positive number or 'auto', got {value!r}. Use e.g. 0.5 for half units.")
    return float(value)


def bounds_of(values: FloatArray, step: float, what: str) -> tuple[FloatArray, FloatArray]:
    """Return half a step below and above each value.

    Raises
    ------
    InputError
        If float64 cannot tell the ends apart.
    """
    lower, upper = values - step / 2, values + step / 2
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    if np.any(lower == upper) or not np.isfinite(largest + step):
        raise InputError(
            f"resolution must not be lost beside the values of {what}, got {step!r} beside {largest!r}. "
            "Leave it out, or subtract an offset."
        )
    return lower, upper


def find_step(values: FloatArray, total: float) -> float | None:
    """Return the step that numbers were rounded to, or None where they show none.

    They must have ties, and lie on a grid of at most 1000 steps over their range: of so many decimals, or of a whole
    number of such units, or with equal gaps that are no decimal number after a change of units. A multiple of the last
    decimal is believed when chance would put all values on it in less than one of a hundred data sets.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Missing ones are left out.
    total : float
        Number of units they stand for.

    Examples
    --------
    >>> find_step(np.array([24.0, 23.5, 17.0, 17.0, 22.5, 20.0]), 6.0)
    0.5
    """
    values = values[~np.isnan(values)]
    distinct = np.unique(values) + 0.0
    span = float(distinct[-1] - distinct[0]) if distinct.size else 0.0
    if distinct.size < 2 or max(values.size, total) <= distinct.size:
        return None
    step = _decimal_step(distinct, span)
    if step is None or span / step > _MOST_STEPS:
        step = _equal_gaps(distinct, span)
    return step


def _decimal_step(distinct: FloatArray, span: float) -> float | None:
    """Return 10**-k for the fewest decimals k that all values have, times the greatest common divisor of the gaps."""
    # Grids down to a millionth of the range: finer ones cannot have a divisor that makes up for it.
    first, last = (max(0, min(300, math.ceil(digits - math.log10(span)))) for digits in (0, 6))
    for decimals in range(first, last + 1):
        units = distinct * 10.0**decimals
        whole = np.round(units)
        error = 4 * np.finfo(np.float64).eps * np.abs(units)
        if np.any(error > 0.01):
            return None
        if np.all(np.abs(units - whole) <= error):
            if np.max(np.abs(whole)) >= 2**62:
                return None
            divisor = int(np.gcd.reduce(np.diff(whole).astype(np.int64)))
            believed = (distinct.size - 1) * math.log(divisor) >= math.log(_COINCIDENCE)
            return (divisor if believed else 1) / 10.0**decimals
    return None


def _equal_gaps(distinct: FloatArray, span: float) -> float | None:
    """Return the smallest gap if all others are multiples of it, as after a change of units."""
    gap = float(np.min(np.diff(distinct)))
    if span / gap > _MOST_STEPS or distinct.size < 10:
        return None
    steps = (distinct - distinct[0]) / gap
    # The smallest gap carries the rounding errors of two values, and the others are counted in it.
    error = 8 * np.finfo(np.float64).eps * float(np.max(np.abs(distinct))) / gap * (1 + span / gap)
    if error > 0.01 or np.any(np.abs(steps - np.round(steps)) > error):
        return None
    return span / float(np.round(steps[-1]))
