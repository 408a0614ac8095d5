"""What a search reads of a posterior: distinct rows with their counts, and memberships under some of its draws."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray
from bayesmix.likelihood import mean_responsibilities, responsibilities, thinned
from bayesmix.partition.losses import Labels
from bayesmix.posterior import DrawArrays, Posterior

__all__ = ["Rows", "rows_of"]

_MOST_DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Rows:
    """Distinct rows, and draws that stand for the posterior.

    Attributes
    ----------
    posterior : Posterior
    draws : DrawArrays
        S evenly spaced draws; all of them, or all several times, where there are few.
    cells : ndarray, shape (d, width)
    counts : ndarray, shape (d,)
        Units of each; 0 where nothing was observed, so that nothing can be said of them.
    inverse : ndarray of int, shape (n,)
        The distinct row of every fitted row.
    """

    posterior: Posterior
    draws: DrawArrays
    cells: FloatArray
    counts: FloatArray
    inverse: Labels

    @property
    def total(self) -> float:
        """Number of units."""
        return float(self.counts.sum())

    def memberships(self, which: Any) -> FloatArray:
        """Return memberships of some distinct rows, shape (S, d, M), the components of every draw by falling weight.

        Nothing here depends on the order of the components, so that results are the same, to the last random number,
        whatever their labels.
        """
        order = self._order[:, np.newaxis, :]
        return np.take_along_axis(responsibilities(self.posterior, self.draws, self.cells[which]), order, axis=2)

    @property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(-self.draws.weights, axis=1, kind="stable")

    @property
    def probability(self) -> FloatArray:
        """Mean memberships of all distinct rows, components in their own order, shape (d, M)."""
        return mean_responsibilities(self.posterior, self.draws, self.cells)


def rows_of(posterior: Posterior, *, least: int, terms: int, repeat: bool = False) -> Rows:
    """Return the distinct rows with draws: as many as `terms` allow, at most 1000.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    least : int
        Number of draws that are used however many the rows, where there are so many.
    terms : int
        Rows times draws times components.
    repeat : bool, default False
        Whether to use draws several times where there are fewer than wanted: where allocations are random, each has
        several of them.
    """
    distinct = posterior.observations.distinct
    nothing = np.isnan(distinct.cells).all(axis=1)
    arrays = posterior.arrays
    wanted = int(np.clip(terms // (len(distinct.cells) * arrays.weights.shape[1]), least, _MOST_DRAWS))
    draws = thinned(arrays, wanted)
    if repeat and draws.n_draws < wanted:
        repeats = -(-wanted // draws.n_draws)
        draws = draws.take(np.tile(np.arange(draws.n_draws), repeats))
    return Rows(posterior, draws, distinct.cells, np.where(nothing, 0.0, distinct.counts), distinct.inverse)
