"""One column as a line along which the most probable component is followed: grid, winners, places where they change."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bayesmix import prediction
from bayesmix.boundaries._runs import EQUAL, Runs, Winners, followed
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.likelihood import component_log_joint, log_mean_exp, mean_responsibilities, row_chunks, thinned
from bayesmix.posterior import DrawArrays, Posterior

__all__ = ["Crossing", "Line", "line_of"]

_MOST_DRAWS = 1000
_POINTS = 801
_TAIL_POINTS = 120
_MOST_COUNTS = 4001
#: Tails are searched this many ranges of the data out.
_REACH = 5.0
_ROUNDS = 40
_BLOCK = 32


@dataclass(frozen=True)
class Crossing:
    """A place where the most probable component changes.

    Attributes
    ----------
    value : float
        In the data's units; between two counts where only whole numbers occur.
    below, above : int
        Positions of the components that win on either side.
    """

    value: float
    below: int
    above: int


@dataclass(frozen=True, eq=False)
class Line:
    """A column of numbers, with the points at which memberships are looked at.

    Attributes
    ----------
    posterior : Posterior
    column : int
    family : Family
    low, high : float
        Range of the fitted values.
    grid : ndarray, shape (g,)
        Increasing; over the range, out into the tails, and where data lie.
    draws : DrawArrays
        All draws.
    """

    posterior: Posterior
    column: int
    family: Family
    low: float
    high: float
    grid: FloatArray
    draws: DrawArrays

    @cached_property
    def some(self) -> DrawArrays:
        """At most 1000 evenly spaced draws, S of them, for what is said of single draws."""
        return thinned(self.draws, _MOST_DRAWS)

    def probabilities(self, values: FloatArray) -> FloatArray:
        """Return mean memberships at values of the column, shape (n, M)."""
        cells = prediction.grid_cells(self.posterior, self.column, values)
        return mean_responsibilities(self.posterior, self.draws, cells)

    def log_joint(self, draws: DrawArrays, values: FloatArray) -> FloatArray:
        """Return log weight plus log-density of every component, shape (S, n, M)."""
        cells = prediction.grid_cells(self.posterior, self.column, values)
        return component_log_joint(self.posterior, draws, cells)

    def between(self, left: float, right: float) -> float | None:
        """Return a value halfway, or None where there is none."""
        if self.family.discrete:
            return None if right - left <= 1 else float(np.floor((left + right) / 2))
        middle = left + (right - left) / 2
        return middle if left < middle < right and right - left > 1e-14 * (self.high - self.low) else None

    @cached_property
    def rule(self) -> Runs:
        """Who wins along the grid by mean memberships; one row."""
        winners = followed(self.probabilities(self.grid)[np.newaxis], None)
        heights = np.where(winners[0][:, np.newaxis] == np.arange(self.width), self._of_draws[1], -np.inf)
        return Runs(winners, np.argmax(heights, axis=0)[np.newaxis])

    @property
    def own_rules(self) -> Runs:
        """Who wins along the grid in every draw by itself; S rows."""
        return self._of_draws[0]

    @property
    def width(self) -> int:
        """Number of components M."""
        return int(self.draws.weights.shape[1])

    @cached_property
    def _of_draws(self) -> tuple[Runs, FloatArray]:
        """Walk along the grid once: winners and homes of every draw, and mean weighted log-densities (g, M)."""
        draws, winners, before = self.some, [], None
        heights = np.empty((len(self.grid), self.width))
        top = np.full((draws.n_draws, self.width), -np.inf)
        home = np.zeros(top.shape, dtype=np.intp)
        for part in row_chunks(len(self.grid), draws.weights.size):
            joint = self.log_joint(draws, self.grid[part])
            heights[part] = log_mean_exp(joint, axis=0)
            winners.append(followed(joint, before))
            before = winners[-1][:, -1]
            own = np.where(winners[-1][..., np.newaxis] == np.arange(self.width), joint, -np.inf)
            at, height = np.argmax(own, axis=1), own.max(axis=1)
            home, top = np.where(height > top, at + part.start, home), np.maximum(top, height)
        return Runs(np.concatenate(winners, axis=1), home), heights

    @cached_property
    def crossings(self) -> list[Crossing]:
        """Where the mean memberships' winner changes, by bisection between points of the grid, in order.

        Where a third component turns up between two points, there are two places to look for.
        """
        winners = self.rule.winners[0]
        change = np.flatnonzero(winners[1:] != winners[:-1])
        ends = [self.grid[change], self.grid[change + 1], winners[change], winners[change + 1]]
        pending = list(zip(*(end.tolist() for end in ends), strict=True))
        found = []
        while pending:
            left, right, below, above = pending.pop()
            middle = self.between(left, right)
            if middle is None:
                found.append(Crossing((left + right) / 2, below, above))
                continue
            here = self.probabilities(np.array([middle]))[0]
            winner = below if here[below] >= here[above] else above
            if here[winner] < here.max() - EQUAL:
                winner = int(np.argmax(here))
            if winner != above:
                pending.append((middle, right, winner, above))
            if winner != below:
                pending.append((left, middle, below, winner))
        return sorted(found, key=lambda crossing: crossing.value)

    def own_crossings(self, crossing: Crossing) -> FloatArray:
        """Return each draw's own place where the same two components change, the nearest one.

        The one below and the one above must be at home there where they are in the rule of the mean, so that a draw in
        which the other component is the wider one, and wins in the other tail, does not count.

        Returns
        -------
        ndarray, shape (S,)
            NaN for draws without such a place.
        """
        grid, rules = self.grid, self.own_rules
        mean = int(np.clip(np.searchsorted(grid, crossing.value), 1, len(grid) - 1)) - 1
        change = rules.changes(crossing.below, crossing.above, *self.rule.at_home(crossing.below, crossing.above, mean))
        away = np.abs(self.near(0.5 * (grid[:-1] + grid[1:]), crossing.value) - crossing.value)
        at = np.argmin(np.where(change, away, np.inf), axis=1)
        out = np.full(len(change), np.nan)
        has = np.flatnonzero(change.any(axis=1))
        left, right = grid[at[has]], grid[at[has] + 1]
        for _ in range(_ROUNDS):
            middle = np.floor((left + right) / 2) if self.family.discrete else (left + right) / 2
            open_ = right - left > 1 if self.family.discrete else np.full(len(has), True)
            if not open_.any():
                break
            keep = self._leads(has, middle, crossing)
            left, right = np.where(open_ & keep, middle, left), np.where(open_ & ~keep, middle, right)
        out[has] = self.near((left + right) / 2, crossing.value)
        return out

    def _leads(self, which: Winners, values: FloatArray, crossing: Crossing) -> npt.NDArray[np.bool_]:
        """Whether the lower component leads in some draws, each at its own value: a few draws at a time."""
        out = np.empty(len(which), dtype=bool)
        for start in range(0, len(which), _BLOCK):
            part = slice(start, start + _BLOCK)
            joint = self.log_joint(self.some.take(which[part]), values[part])
            own = np.diagonal(joint, axis1=0, axis2=1)
            out[part] = own[crossing.below] >= own[crossing.above]
        return out

    def near(self, values: FloatArray, other: float) -> FloatArray:
        """Return angles as those within half a turn of another one; other values as they are."""
        turns = np.round((other - values) / (2 * np.pi)) if self.family.circular else 0.0
        return np.asarray(values + 2 * np.pi * turns)


def line_of(posterior: Posterior, column: str | None) -> Line:
    """Return a column of numbers as a line.

    Raises
    ------
    InputError
        If there is no such column, several and none is named, or it holds categories.
    """
    position = prediction.column_position(posterior, column)
    family = prediction.block_of_column(posterior, position).family
    name = posterior.layout.names[position]
    categories = prediction.categories_of(posterior, position)
    if categories or family.reads == "category":
        raise InputError(
            f"column must hold numbers, which have boundaries between them, got {name!r} with the categories "
            f"{list(categories)}. Use density(column={name!r}) for the probability of each category."
        )
    values = _values(posterior, position)
    low, high = float(values.min()), float(values.max())
    grid = _grid(posterior, position, family, values)
    line = Line(posterior, position, family, low, high if high > low else low + 1.0, grid, posterior.arrays)
    possible = np.isfinite(line.log_joint(line.draws.take([0]), grid).max(axis=2))[0]
    return replace(line, grid=grid[possible])


def _values(posterior: Posterior, column: int) -> FloatArray:
    """Return the fitted values, or simulated ones where the fit was saved without its data."""
    if posterior.data is not None:
        known = posterior.data.columns[column]
        return np.asarray(known.values[known.present])
    simulated = prediction.simulate(posterior, 200, 50, np.random.default_rng(0))
    values = np.asarray(list(simulated.data_vars.values())[column].values, dtype=np.float64).ravel()
    low, high = np.quantile(values, [0.0005, 0.9995])  # heavy tails would stretch the range without end
    return np.asarray(values[(values >= low) & (values <= high)])


def _grid(posterior: Posterior, column: int, family: Family, values: FloatArray) -> FloatArray:
    """Return the points to look at: evenly over the range, wider and wider out in the tails, and at the data."""
    low, high = float(values.min()), float(values.max())
    if family.circular:
        start = 0.0 if low >= 0 and high > np.pi else -np.pi
        return np.linspace(start, start + 2 * np.pi, _POINTS)
    span = high - low or 1.0
    out = span * np.geomspace(0.25, _REACH, _TAIL_POINTS)
    seen = np.unique(values)
    seen = seen[np.unique(np.linspace(0, len(seen) - 1, _POINTS).astype(int))]
    grid = np.concatenate([np.linspace(low - span / 4, high + span / 4, _POINTS), low - out, high + out, seen])
    inside = np.geomspace(1e-6, 1.0, _TAIL_POINTS)
    if np.isfinite(family.lowest):
        grid = np.append(grid, family.lowest + max(low - family.lowest, 1e-3 * span) * inside)
    if np.isfinite(family.highest):
        grid = np.append(grid, family.highest - max(family.highest - high, 1e-3 * span) * inside)
    if not family.discrete:
        return np.unique(grid[(grid > family.lowest) & (grid < family.highest)])
    trials = prediction.known_trials(posterior, column)
    first = 0.0 if low >= 0 else np.floor(low - _REACH * span)
    last = np.ceil(high + _REACH * span) if trials is None else float(np.nanmax(trials))
    whole = np.arange(first, last + 1) if last - first < _MOST_COUNTS else np.unique(np.round(grid))
    return np.asarray(whole[(whole >= first) & (whole <= last)], dtype=np.float64)
