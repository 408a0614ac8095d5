"""Round numbers for sliders: what an interval of a parameter, or a step of rounding, can be set to."""

import math
from statistics import NormalDist

import numpy as np

from bayesmix.priors import (
    LogitNormal,
    LogNormal,
    Normal,
    Prior,
    Support,
    WrappedNormal,
    draw_prior,
    stack_parameters,
)

__all__ = ["central_interval", "interval_values", "nearest", "step_values"]

MASS = 0.9
"""The probability of an interval, as `bayesmix.priors.Between` takes it by default."""

_PER_DECADE = (1, 1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 9)
_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, *(round(0.05 * i, 2) for i in range(2, 10)))
_ANGLES = tuple(round(math.pi * i / 24, 2) for i in range(-24, 25))
_PARTS = 50
"""An interval of the default prior is about so many positions of its slider wide."""
_WIDE = 5.0
_DRAWS = 20_000


def central_interval(prior: Prior, name: str) -> tuple[float, float]:
    """Return the central 90 % of a prior: exact for normal ones and their kin, else of 20 000 random values.

    Parameters
    ----------
    prior : Prior
        Of one number, resolved.
    name : str
        The parameter's, for messages.

    Examples
    --------
    >>> central_interval(Normal(5, 2), "mu")
    (1.710292746097..., 8.28970725390...)
    """
    if isinstance(prior, (Normal, LogNormal, LogitNormal, WrappedNormal)):
        reach = NormalDist().inv_cdf(0.5 + MASS / 2) * prior.sigma
        low, high = prior.mu - reach, prior.mu + reach
        if isinstance(prior, LogNormal):
            return math.exp(low), math.exp(high)
        if isinstance(prior, LogitNormal):
            return 1 / (1 + math.exp(-low)), 1 / (1 + math.exp(-high))
        if isinstance(prior, WrappedNormal):  # wider than a turn is the whole circle
            return max(low, -math.pi), min(high, math.pi)
        return low, high
    kind, hyper = stack_parameters(prior, name, 1)
    values = draw_prior(kind, hyper, (), _DRAWS, np.random.default_rng(0))
    low, high = np.quantile(values, [(1 - MASS) / 2, (1 + MASS) / 2])
    return float(low), float(high)


def interval_values(support: Support, low: float, high: float) -> tuple[float, ...]:
    """Return the round numbers that the ends of an interval can be set to, increasing.

    They are evenly spaced and go half the interval's width beyond it on each side. Positive ones whose interval spans a
    factor of five have 20 to a power of ten instead, ten times beyond it; shares also have values near 0 and 1; angles
    go once around.

    Parameters
    ----------
    support : {"real", "positive", "unit", "angle"}
    low, high : float
        The interval of the default prior.

    Examples
    --------
    >>> interval_values("real", -1.0, 1.0)[:3]
    (-2.0, -1.95, -1.9)
    """
    if support == "angle":
        return _ANGLES
    if support == "positive" and high > _WIDE * low:
        decades = range(math.floor(math.log10(low / 10)), math.ceil(math.log10(high * 10)) + 1)
        values = [_rounded(part, decade) for decade in decades for part in _PER_DECADE]
        return tuple(value for value in values if low / 10 <= value <= high * 10)
    width = high - low
    values = _even(low - width / 2, high + width / 2, width / _PARTS)
    if support == "unit":
        shares = {*_SHARES, 0.5, *(round(1 - share, 3) for share in _SHARES)}
        return tuple(sorted(shares | {value for value in values if 0 < value < 1}))
    return tuple(sorted({value for value in values if value > 0 or support == "real"}))


def step_values(scale: float, found: float | None) -> tuple[float, ...]:
    """Return the steps of rounding that can be chosen: 1, 2 and 5 times powers of ten up to the sd of the data.

    Parameters
    ----------
    scale : float
        Standard deviation of the data.
    found : float, optional
        The step that the data show, which is one of them.

    Examples
    --------
    >>> step_values(3.7, 0.5)
    (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    """
    decades = range(math.floor(math.log10(scale)) - 2, math.floor(math.log10(scale)) + 1)
    values = {_rounded(part, decade) for decade in decades for part in (1, 2, 5)}
    return tuple(sorted({v for v in values if scale / 100 <= v <= scale} | ({found} if found else set())))


def nearest(values: tuple[float, ...], wanted: float) -> float:
    """Return the number nearest to a wanted one."""
    return min(values, key=lambda value: abs(value - wanted))


def _even(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of a round step, at least `step`, from one number to another."""
    decade = math.floor(math.log10(step))
    part = min(p for p in (1, 2, 5, 10) if p * 10.0**decade >= step * (1 - 1e-9))
    unit = _rounded(part, decade)
    first, last = math.floor(low / unit), math.ceil(high / unit)
    return [_rounded(part * i, decade) for i in range(first, last + 1)]


def _rounded(part: float, decade: int) -> float:
    """Return part * 10**decade as the float that its decimal number reads as."""
    return float(f"{part:.15g}e{decade}")
