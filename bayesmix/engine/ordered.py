"""Coordinates in which the labels of exchangeable components are fixed: one of K! equal copies of the posterior.

A mixture whose components have the same prior has K! copies of every mode. Estimates of the evidence look at one copy,
the points whose *key* coordinates (one per component) increase, in coordinates without a boundary: the first key and
the logs of the gaps between the keys. The density of a copy is K! times the density, times the Jacobian, which is the
product of the gaps. Any coordinate that every component has will do as the key; one in which the components lie apart
makes the copy look like a single mode.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine.problem import Problem

__all__ = ["Doubles", "Ordered", "Part", "parts_of"]

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A run of the sampled vector: `rows` components of `size` numbers each, from `start` on; one row if shared."""

    name: str
    start: int
    rows: int
    size: int


@dataclass(frozen=True)
class Ordered:
    """The ordered copy of the sampled space of a mixture.

    Parameters
    ----------
    n_components
        Number of components K with parameters.
    n_all
        Number of all components M: the vector begins with M - 1 numbers of the simplex transform.
    parts
        What follows them.
    key
        Name of the part that components are ordered by, and which of its numbers; None where nothing is exchangeable,
        and the space is left as it is.
    """

    n_components: int
    n_all: int
    parts: tuple[Part, ...]
    key: tuple[str, int] | None

    @property
    def positions(self) -> NDArray[np.intp]:
        """Where the keys stand in the sampled vector."""
        if self.key is None or self.n_components == 1:
            return np.empty(0, dtype=np.intp)
        name, entry = self.key
        part = next(p for p in self.parts if p.name == name)
        return part.start + part.size * np.arange(self.n_components) + entry

    @property
    def log_copies(self) -> float:
        """Log of the number of copies: log K!, or 0 where components have an identity."""
        return math.lgamma(self.n_components + 1) if self.positions.size else 0.0

    def permuted(self, points: Doubles, order: NDArray[np.intp]) -> Doubles:
        """Return points with their components in another order, shape (N, K)."""
        out = points.copy()
        n, k, m = len(points), self.n_components, self.n_all
        if m > 1:
            whole = np.concatenate([points[:, : m - 1], -points[:, : m - 1].sum(axis=1, keepdims=True)], axis=1)
            whole[:, :k] = np.take_along_axis(whole[:, :k], order, axis=1)
            out[:, : m - 1] = whole[:, :-1]
        for part in self.parts:
            if part.rows == k:
                run = slice(part.start, part.start + k * part.size)
                block = points[:, run].reshape(n, k, part.size)
                out[:, run] = np.take_along_axis(block, order[:, :, np.newaxis], axis=1).reshape(n, -1)
        return out

    def to_free(self, points: Doubles) -> Doubles:
        """Return the free coordinates of points: sorted by their keys, then the logs of the gaps."""
        at = self.positions
        if not at.size:
            return points
        out = self.permuted(points, np.argsort(points[:, at], axis=1, kind="stable"))
        # Equal keys have probability 0, but draws may be equal to the last digit.
        out[:, at[1:]] = np.log(np.maximum(np.diff(out[:, at], axis=1), 1e-300))
        return out

    def to_points(self, free: Doubles) -> tuple[Doubles, Doubles]:
        """Return the points and the log of the Jacobian."""
        at = self.positions
        if not at.size:
            return free, np.zeros(len(free))
        out = free.copy()
        with np.errstate(over="ignore"):
            out[:, at[1:]] = free[:, at[:1]] + np.cumsum(np.exp(free[:, at[1:]]), axis=1)
        return out, free[:, at[1:]].sum(axis=1)

    def chain_rule(self, free: Doubles, gradients: Doubles) -> Doubles:
        """Return the derivatives by the free coordinates, given those by the points; without the Jacobian's, 1 each."""
        at = self.positions
        if not at.size:
            return gradients
        out = gradients.copy()
        behind = np.cumsum(gradients[:, at[::-1]], axis=1)[:, ::-1]
        out[:, at[0]] = behind[:, 0]
        with np.errstate(over="ignore", invalid="ignore"):
            out[:, at[1:]] = behind[:, 1:] * np.exp(free[:, at[1:]])
        return out

    def steadiest_key(self, points: Doubles, candidates: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """Return the candidate whose order agrees best over draws whose labels agree already."""

        def share(candidate: tuple[str, int]) -> float:
            at = Ordered(self.n_components, self.n_all, self.parts, candidate).positions
            orders = np.argsort(points[:, at], axis=1)
            return float(np.unique(orders, axis=0, return_counts=True)[1].max())

        return max(candidates, key=share)


def parts_of(problem: Problem) -> tuple[Part, ...]:
    """Return where the variables of a problem stand in its sampled vector."""
    parts, start = [], problem.rows.n_all - 1
    for variable in problem.variables:
        parts.append(Part(variable.name, start, variable.rows, variable.n_sampled // variable.rows))
        start += variable.n_sampled
    return tuple(parts)
