"""A uniform sample of rows from a stream, whatever the batches: the rows whose random numbers are the smallest.

The random number of a row is a hash of the seed and the row's position, so that a sample does not depend on how a
stream is cut into batches, and samples of parts give the sample of the whole. A row that counts w times has w numbers,
exponential ones: the smallest of these is exponential with rate w, the next one adds one with rate w - 1, and so on.
"""

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray

__all__ = ["RowSample"]

_STEP = 0x9E3779B97F4A7C15
_ALL = 2**64


class RowSample:
    """The rows with the smallest random numbers so far.

    Parameters
    ----------
    size : int
        How many rows to keep.
    seed : int
    stream : int
        Number of the part of the data that positions are counted in.
    """

    def __init__(self, size: int, seed: int, stream: int = 0) -> None:
        self.size = size
        self.seed = (_mixed_integer(seed) + _mixed_integer(stream + 1) * _STEP) % _ALL
        self.position = 0
        self.numbers: FloatArray = np.empty(0)
        self.rows: FloatArray = np.empty((0, 0))

    @property
    def _limit(self) -> float:
        return float(self.numbers[-1]) if len(self.numbers) >= self.size else np.inf

    def add(self, values: FloatArray, counts: FloatArray | None) -> None:
        """Take in the next rows, shape (n, d), each of which counts as often as `counts` says, or once."""
        places = np.arange(self.position, self.position + len(values), dtype=np.uint64)
        self.position += len(values)
        weights = np.ones(len(values)) if counts is None else counts
        rows, drawn = np.arange(len(values)), np.zeros(len(values))
        times = 0
        while rows.size and times < self.size:
            drawn = drawn + _exponential(self.seed, places[rows], times) / (weights[rows] - times)
            near = drawn < self._limit
            rows, drawn = rows[near], drawn[near]
            self._keep(drawn, values[rows])
            times += 1
            more = (weights[rows] > times) & (drawn < self._limit)
            rows, drawn = rows[more], drawn[more]

    def absorb(self, other: "RowSample") -> None:
        """Take in the sample of another part."""
        self._keep(other.numbers, other.rows)

    def _keep(self, numbers: FloatArray, rows: FloatArray) -> None:
        if not len(numbers):
            return
        every = np.concatenate([self.numbers, numbers])
        best = np.argsort(every, kind="stable")[: self.size]
        self.rows = np.concatenate([self.rows, rows])[best] if len(self.rows) else rows[best]
        self.numbers = every[best]


def _mixed_integer(number: int) -> int:
    return int(_mixed(np.array([number % _ALL], dtype=np.uint64))[0])


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the hash of SplitMix64 (Steele, Lea & Flood 2014) of each number."""
    x = numbers + np.uint64(_STEP)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _exponential(seed: int, places: npt.NDArray[np.uint64], times: int) -> FloatArray:
    """Return a standard exponential random number for each place."""
    own = np.uint64(_mixed_integer(seed + times))
    uniform = (_mixed(_mixed(places ^ own) + own) >> np.uint64(11)) / 2.0**53
    return np.asarray(-np.log1p(-uniform))
