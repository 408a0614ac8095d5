"""`Compressed`: rows that stand for many others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix import display
from bayesmix.data import Bins, Compression, CompressionInfo

__all__ = ["Compressed"]


@dataclass(frozen=True, eq=False, repr=False)
class Compressed:
    """Rows that stand for many others; made by `bayesmix.compress`, and taken by whatever takes rows to fit.

    Attributes
    ----------
    frame : DataFrame
        The rows. Results that have one row for each fitted one have one for each of these; memberships of the original
        rows are those that `Fit.predict` gives for them, a chunk at a time.
    counts : ndarray of int64, shape (len(frame),)
        How many of the original rows each stands for.
    steps : mapping of str to float or None
        The width of the bins of each column; None where every value was kept as it is.
    random_seed : int
        Of the sample.
    bins : Bins
        Moments within bins, and sampled rows, by which `Fit.compression_error` measures what was lost.

    Examples
    --------
    >>> few = bm.compress(arms["length"])
    >>> few.frame["length"].head(3).tolist(), few.counts[:3].tolist()
    ([15.5, 17.0, 17.5], [1, 2, 2])
    >>> few.exact, few.n_rows
    (True, 19)
    """

    frame: pd.DataFrame
    counts: npt.NDArray[np.int64]
    steps: Mapping[str, float | None]
    random_seed: int
    bins: Bins = field(repr=False)

    @property
    def n_rows(self) -> int:
        """Number of original rows, each as often as it counted.

        Examples
        --------
        >>> bm.compress(arms["length"]).n_rows
        19
        """
        return int(self.counts.sum())

    @property
    def n_distinct(self) -> int:
        """Number of rows that stand for them."""
        return len(self.counts)

    @property
    def exact(self) -> bool:
        """Whether every value was kept as it is, so that a fit is that of the original rows."""
        return all(step is None for step in self.steps.values())

    @property
    def sample(self) -> pd.DataFrame:
        """Rows of the source drawn at random without replacement, as they were.

        Examples
        --------
        >>> bm.compress(arms["length"], sample_size=5, random_seed=1).sample.shape
        (5, 1)
        """
        rows = self.frame.iloc[self.bins.rows[self.bins.sample_bins]].reset_index(drop=True)
        binned = {name: self.bins.sample[:, i] for i, name in enumerate(self.bins.columns)}
        return rows.assign(**binned)

    @property
    def text(self) -> str:
        """What was done, in a sentence or two."""
        if self.exact:
            return f"{self._info().words}: a fit is that of the original rows."
        return (
            f"{self._info().words}, whose means and covariances are kept. Fit.compression_error() measures what that "
            f"does to a fit, on {len(self.bins.sample_bins)} rows drawn at random."
        )

    def of_columns(self, names: Sequence[str]) -> Compression:
        """Return what the rows of some of the columns carry into a fit.

        Parameters
        ----------
        names : sequence of str

        Examples
        --------
        >>> bm.compress(arms["length"]).of_columns(["length"]).info.n_rows
        19
        """
        info = self._info(tuple(name for name in names if name in self.steps))
        binned = [name for name in self.bins.columns if name in info.columns]
        return Compression(info, self.bins.pick(binned) if binned else None)

    def _info(self, names: tuple[str, ...] | None = None) -> CompressionInfo:
        chosen = tuple(self.steps) if names is None else names
        return CompressionInfo(self.n_rows, self.n_distinct, chosen, tuple(self.steps[name] for name in chosen))

    def __len__(self) -> int:
        return self.n_distinct

    def __repr__(self) -> str:
        shown = self.frame.assign(**{self._counts_name: self.counts}).head(5)
        return f"Compressed: {self.text}\n{shown}"

    @property
    def _counts_name(self) -> str:
        return "count" if "count" not in self.frame else "rows stood for"

    def _repr_html_(self) -> str:
        shown: Any = self.frame.assign(**{self._counts_name: self.counts}).head(8)
        title = f"{self.n_distinct} rows for {self.n_rows}"
        return display.card(title, [display.paragraph(self.text), display.table(shown)])
