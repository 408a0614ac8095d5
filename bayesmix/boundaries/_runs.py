"""Who wins along a grid of values, in one rule or in that of every draw."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray

__all__ = ["EQUAL", "Runs", "Winners", "followed"]

EQUAL = 1e-9
"""Memberships, or their logs, that differ by less are the same: equal components must not take turns by rounding."""

type Winners = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Runs:
    """Who wins along a grid, in one rule or in several.

    Attributes
    ----------
    winners : ndarray of int, shape (S, g)
    home : ndarray of int, shape (S, M)
        The point among those that a component wins at which it is highest; 0 where it wins nowhere.
    """

    winners: Winners
    home: Winners

    @cached_property
    def number(self) -> Winners:
        """Which run of equal winners a point is in, shape (S, g)."""
        change = np.diff(self.winners, axis=1) != 0
        return np.asarray(np.cumsum(np.pad(change, ((0, 0), (1, 0))), axis=1), dtype=np.intp)

    def homes(self, component: int) -> npt.NDArray[np.bool_]:
        """Whether a point is in the run where a component is highest, shape (S, g)."""
        home = np.take_along_axis(self.number, self.home[:, [component]], axis=1)
        return np.asarray((self.winners == component) & (self.number == home))

    def at_home(self, below: int, above: int, at: int) -> tuple[bool, bool]:
        """Whether the winners on either side of a change behind a point are at home, in the only rule."""
        home = self.homes(below)[0], self.homes(above)[0]
        return bool(home[0][at]), bool(home[1][at + 1])

    def changes(self, below: int, above: int, below_home: bool, above_home: bool) -> npt.NDArray[np.bool_]:
        """Whether two winners change behind a point, both at home or not as stated, shape (S, g - 1)."""
        here = (self.winners[:, :-1] == below) & (self.winners[:, 1:] == above)
        own = self.homes(below)[:, :-1] == below_home
        return np.asarray(here & own & (self.homes(above)[:, 1:] == above_home))

    def returning(self, components: int) -> npt.NDArray[np.bool_]:
        """Whether any of the first components wins, loses and wins again, shape (S,)."""
        out = np.zeros(len(self.winners), dtype=bool)
        for s, winners in enumerate(self.winners):
            own = winners[winners < components]
            runs = 1 + int((own[1:] != own[:-1]).sum())
            out[s] = own.size > 0 and runs > len(np.unique(own))
        return out


def followed(values: FloatArray, before: Winners | None) -> Winners:
    """Return the winners along the second axis: one stays the winner until another leads by more than rounding.

    Parameters
    ----------
    values : ndarray, shape (S, g, M)
    before : ndarray of int, shape (S,), optional
        The winners at the point before the first.
    """
    out = np.empty(values.shape[:2], dtype=np.intp)
    best = np.argmax(values, axis=2)
    top = np.take_along_axis(values, best[..., np.newaxis], axis=2)[..., 0] - EQUAL
    now = best[:, 0] if before is None else before
    draw = np.arange(len(values))
    for j in range(values.shape[1]):
        now = np.where(values[draw, j, now] >= top[:, j], now, best[:, j])
        out[:, j] = now
    return out
