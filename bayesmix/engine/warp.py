"""Marginal warps: monotone splines that turn each coordinate of some draws into nearly standard normals.

Rational quadratic splines (Gregory & Delbourgo 1982) between the draws' quantiles and the normal's, straight lines
beyond them: both directions and the slopes are closed forms. Weights and gaps of superfluous components have long
one-sided tails that mixtures of normals describe badly; after the warp they describe them well.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Doubles", "Warp"]

Doubles = NDArray[np.float64]

_LEVELS = np.array([0.005, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.995])


@dataclass(frozen=True, eq=False)
class Warp:
    """A map from z, nearly standard normal, to y, coordinate by coordinate.

    Parameters
    ----------
    z
        Knots, shape (m,).
    y, slopes
        Values and derivatives of the maps at the knots, shape (m, d).
    """

    z: Doubles
    y: Doubles
    slopes: Doubles

    @classmethod
    def fit(cls, draws: Doubles) -> "Warp":
        """Fit to draws, shape (n, d)."""
        from scipy.interpolate import PchipInterpolator
        from scipy.special import ndtri

        z = ndtri(_LEVELS)
        y = np.quantile(draws, _LEVELS, axis=0)
        # Draws that repeat a value would make a map flat.
        width = np.maximum(np.ptp(y, axis=0), 1e-6 * np.abs(y).max(axis=0) + 1e-9)
        least = 1e-6 * width * np.arange(len(z))[:, np.newaxis]
        y = np.maximum.accumulate(y, axis=0) + least
        slopes = PchipInterpolator(z, y, axis=0).derivative()(z)
        chords = np.diff(y, axis=0) / np.diff(z)[:, np.newaxis]
        ends = np.maximum(slopes[[0, -1]], 0.25 * chords[[0, -1]])
        slopes = np.maximum(slopes, 1e-3 * chords.min(axis=0))
        slopes[[0, -1]] = ends
        return cls(z, y, slopes)

    def forward(self, z: Doubles) -> tuple[Doubles, Doubles]:
        """Return y and the log of the Jacobian."""
        inside = np.clip(z, self.z[0], self.z[-1])
        k = np.clip(np.searchsorted(self.z, inside, side="right") - 1, 0, len(self.z) - 2)
        width, height, chord, s0, s1, low = self._pieces(k)
        t = (inside - self.z[k]) / width
        below = chord + (s0 + s1 - 2 * chord) * t * (1 - t)
        y = low + height * (chord * t * t + s0 * t * (1 - t)) / below
        slope = chord**2 * (s1 * t * t + 2 * chord * t * (1 - t) + s0 * (1 - t) ** 2) / below**2
        return y + slope * (z - inside), np.log(slope).sum(axis=1)

    def inverse(self, y: Doubles) -> tuple[Doubles, Doubles]:
        """Return z and the log of the Jacobian of `forward` there."""
        inside = np.clip(y, self.y[0], self.y[-1])
        k = np.clip((inside[np.newaxis] >= self.y[:, np.newaxis]).sum(axis=0) - 1, 0, len(self.z) - 2)
        width, height, chord, s0, s1, low = self._pieces(k)
        rise = inside - low
        bend = rise * (s0 + s1 - 2 * chord)
        a, b, c = height * (chord - s0) + bend, height * s0 - bend, -chord * rise
        t = -2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)))
        z = self.z[k] + width * np.clip(t, 0.0, 1.0)
        beyond = np.where(y < self.y[0], self.slopes[0], self.slopes[-1])
        z = z + (y - inside) / beyond
        return z, self.forward(z)[1]

    def _pieces(self, k: NDArray[np.intp]) -> tuple[Doubles, ...]:
        column = np.arange(self.y.shape[1])
        width = self.z[k + 1] - self.z[k]
        low = self.y[k, column]
        height = self.y[k + 1, column] - low
        return width, height, height / width, self.slopes[k, column], self.slopes[k + 1, column], low
