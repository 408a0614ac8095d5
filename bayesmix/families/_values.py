"""Checks, moments and transformations that several families share."""

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError

__all__ = ["above_zero", "log_count_prior", "log_moments", "refuse_not_counts", "refuse_not_positive"]


def refuse_not_positive(column: Column, family: str) -> None:
    """Refuse values of 0 and below, and intervals without any positive value."""
    column.refuse_where(
        column.highest <= 0,
        f"must be > 0 for {family} components",
        "Drop such rows or add an offset; where 0 and negative values are meant use family='normal'.",
    )


def refuse_not_counts(column: Column, family: str) -> None:
    """Refuse negative and fractional values."""
    column.refuse_where(
        column.values < 0,
        f"must be counts 0, 1, 2 … for {family} components",
        "Drop such rows, or use family='normal' where negative values are meant.",
    )
    column.refuse_where(
        column.present & (column.values != np.round(column.values)),
        f"must be whole numbers for {family} components",
        "Give counts rather than rates or means, or use family='gamma' for positive measurements.",
    )


def log_moments(column: Column, parameters: str) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm, and refuse a column without spread.

    Parameters
    ----------
    column : Column
    parameters : str
        Whose default priors need them, for the message, e.g. ``"'mu' and 'sigma'"``.

    Raises
    ------
    InputError
        If the logarithms are all equal, or none of them exists.
    """
    column.refuse_constant(parameters)
    mean, spread = column.moments(np.log)
    if spread == 0:
        raise InputError(
            f"{column.name!r} must vary on the log scale when priors are derived from it, got logarithms that are all "
            f"{mean!r} in float64. Subtract an offset, or give priors for {parameters} to fit it all the same."
        )
    return mean, spread


def log_count_prior(column: Column) -> tuple[float, float]:
    """Return location and scale of the default log-normal prior of a mean of counts."""
    mean, spread = column.moments(lambda y: np.log(y + 0.5))
    return mean, max(2 * spread, 0.5)


def above_zero(values: FloatArray) -> FloatArray:
    """Return values with a positive stand-in for middles of intervals that reach below 0: half the smallest other."""
    positive = values > 0
    smallest = float(values[positive].min()) if positive.any() else 1.0
    return np.where(values <= 0, 0.5 * smallest, values)
