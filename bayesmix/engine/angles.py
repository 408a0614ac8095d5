"""Angles on the line: a chain sees one winding of an angle only, so estimates of the evidence fold them to one turn.

Directions are sampled along the line, where the likelihood repeats itself every turn under a standard normal prior that
does not. Folded to one turn, the density is the sum over all windings. Angles of exchangeable components are cut at one
place, so that their labels stay exchangeable, and where the draws are few.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Doubles", "Turns", "log_wound"]

Doubles = NDArray[np.float64]

_BINS = 64
#: Terms on each side of the sums below; those left out are below 1e-16 of the sum.
_TERMS = 4
#: Periods below which the sum over windings is one over frequencies.
_SHORT = 2.5


@dataclass(frozen=True, eq=False)
class Turns:
    """Angles in the sampled vector, folded to one turn each.

    Parameters
    ----------
    at
        Where they stand.
    periods
        Length of a turn in the units of the sampled numbers.
    cuts
        Where the turn begins.
    """

    at: NDArray[np.intp]
    periods: Doubles
    cuts: Doubles

    @classmethod
    def fit(cls, points: Doubles, groups: Sequence[NDArray[np.intp]], periods: Sequence[float]) -> "Turns":
        """Choose the cuts far from draws of the density.

        Parameters
        ----------
        points
            Draws, shape (N, d).
        groups
            Positions of angles that are cut at one place.
        periods
            Of each group.
        """
        at = np.concatenate([np.empty(0, dtype=np.intp), *groups])
        cuts = [np.full(len(g), _cut(points[:, g], p)) for g, p in zip(groups, periods, strict=True)]
        lengths = [np.full(len(g), p) for g, p in zip(groups, periods, strict=True)]
        return cls(at, np.concatenate([np.empty(0), *lengths]), np.concatenate([np.empty(0), *cuts]))

    def folded(self, points: Doubles) -> Doubles:
        """Return points with their angles within the turn, shape (..., d)."""
        if not self.at.size:
            return points
        out = points.copy()
        out[..., self.at] = self.cuts + np.mod(points[..., self.at] - self.cuts, self.periods)
        return out

    def log_factor(self, points: Doubles) -> Doubles:
        """Return the log of the sum over all windings by the density at points, shape (N, d); -inf outside the turn."""
        angles = points[:, self.at]
        inside = ((angles >= self.cuts) & (angles <= self.cuts + self.periods)).all(axis=1)
        factor = np.zeros(len(points))
        for z, period in zip(angles.T, self.periods.tolist(), strict=True):
            factor += log_wound(z, period) + 0.5 * z * z
        return np.where(inside, factor, -np.inf)


def log_wound(z: Doubles, period: float) -> Doubles:
    """Return the log of the sum over integers i of ``exp(-(z + i * period)**2 / 2)``."""
    if period < _SHORT:  # Poisson's summation formula
        total = np.ones_like(z)
        for i in range(1, _TERMS + 1):
            frequency = 2 * math.pi * i / period
            total += 2 * math.exp(-0.5 * frequency * frequency) * np.cos(frequency * z)
        return np.asarray(np.log(total) + 0.5 * math.log(2 * math.pi) - math.log(period))
    from scipy.special import logsumexp

    nearest = z - period * np.round(z / period)
    windings = nearest[..., np.newaxis] + period * np.arange(-_TERMS, _TERMS + 1)
    return np.asarray(logsumexp(-0.5 * windings * windings, axis=-1))


def _cut(angles: Doubles, period: float) -> float:
    """Return the place with the fewest draws around, far ones counting a little."""
    turns = np.mod(angles.ravel() / period, 1.0)
    counts = np.histogram(turns, bins=_BINS, range=(0.0, 1.0))[0]
    apart = np.abs(np.arange(_BINS)[:, np.newaxis] - np.arange(_BINS) - 0.5)
    apart = np.minimum(apart, _BINS - apart)
    crowd = (counts / (1.0 + apart * apart)).sum(axis=1)
    return float(np.argmin(crowd)) * period / _BINS
