"""`Grouped`: a posterior with the methods on groups of rows, each a line that calls the module that does the work."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesmix import averaging, boundaries, partition
from bayesmix.intervals import credible_interval
from bayesmix.memberships import Assigned

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Grouped"]


class Grouped(Assigned):
    """Which rows belong together, in how many clusters, and where along a column one group ends."""

    def co_clustering(self, *, n_rows: int | None = None, random_seed: int = 0) -> "xr.DataArray":
        """Return for pairs of rows the probability that they are of one group.

        Parameters
        ----------
        n_rows : int, optional
            Take a random sample of so many rows, for large data. By default all rows, at most 5000.
        random_seed : int, default 0
            Of the sample.

        Returns
        -------
        DataArray
            Dims (obs, obs_other), symmetric, 1 on the diagonal (Fritsch & Ickstadt 2009, Bayesian Analysis 4, 367-392).

        Examples
        --------
        >>> pairs = fit.co_clustering()
        >>> smallest, largest = arms["length"].idxmin(), arms["length"].idxmax()
        >>> bool(pairs.loc[smallest, largest] < 0.5)
        True
        """
        if n_rows is None:
            return averaging.co_clustering({"fit": self}, [1.0])
        return partition.co_clustering_sample(self, n_rows=n_rows, random_seed=random_seed)

    def co_clustering_with(self, y: Any) -> "xr.DataArray":
        """Return the probability that each fitted row is of one group with each of some new rows.

        Parameters
        ----------
        y : column or table
            New rows in the same units.

        Returns
        -------
        DataArray
            Dims (obs, obs_other): given rows, and fitted rows with their labels.

        Examples
        --------
        >>> together = fit.co_clustering_with([16.0]).sel(obs=0) > 0.5
        >>> arms["length"][together.values].tolist()
        [15.5, 17.5, 17.5, 19.0, 17.0, 17.0]
        """
        return partition.co_clustering_with(self, self._new_rows(y))

    def point_partition(
        self, *, loss: partition.PartitionLoss = "vi", max_clusters: int | None = None, random_seed: int = 0
    ) -> partition.Partition:
        """Return the one division of the rows into clusters that lies nearest to all that are plausible.

        Parameters
        ----------
        loss : {"vi", "binder"}, default "vi"
            Variation of information, or Binder's loss (pairs of rows).
        max_clusters : int, optional
            Any number by default.
        random_seed : int, default 0
            Of the search.

        Returns
        -------
        Partition

        References
        ----------
        Wade & Ghahramani (2018), Bayesian cluster analysis: point estimation and credible balls, Bayesian Analysis 13,
        559-626.

        Examples
        --------
        >>> fit.point_partition().n_clusters
        2
        """
        return partition.point_partition(self, loss=loss, max_clusters=max_clusters, random_seed=random_seed)

    def agreement(
        self, *, ci_prob: float | None = None, ci_kind: str | None = None, random_seed: int = 0
    ) -> partition.Agreement:
        """Return how well plausible divisions of the rows agree: adjusted Rand index and variation of information.

        Parameters
        ----------
        ci_prob, ci_kind : optional
            Interval probability and kind.
        random_seed : int, default 0
            Of the allocations that are drawn.

        Returns
        -------
        Agreement

        Examples
        --------
        >>> fit.agreement().table.index.tolist()
        [('draws', 'ari'), ('draws', 'vi'), ('partition', 'ari'), ('partition', 'vi')]
        """
        return partition.agreement(self, credible_interval(ci_prob, ci_kind), random_seed=random_seed)

    def merge_components(self, *, ci_prob: float | None = None, ci_kind: str | None = None) -> partition.Merging:
        """Join components into clusters step by step, those first that describe one group (entropy criterion).

        Parameters
        ----------
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        Merging

        References
        ----------
        Baudry, Raftery, Celeux, Lo & Gottardo (2010), Combining mixture components for clustering, Journal of
        Computational and Graphical Statistics 19, 332-353.

        Examples
        --------
        >>> choice.fits[3].merge_components().table.index.tolist()
        [3, 2, 1]
        """
        return partition.merge_components(self, credible_interval(ci_prob, ci_kind))

    def decision_boundaries(
        self, *, column: str | None = None, ci_prob: float | None = None, ci_kind: str | None = None
    ) -> pd.DataFrame:
        """Return the values of a column at which the most probable component changes, with intervals.

        Parameters
        ----------
        column : str, optional
            Which column of a table; the others are integrated out.
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        DataFrame
            One row per boundary, increasing. ``boundary``, in the column's units; ``from`` and ``to``, the components
            below and above it; its interval; ``share``, the share of draws that have it. ``attrs`` hold the ``range``
            of the fitted values, the range ``searched`` and the components that are ``never`` the most probable.

        Examples
        --------
        >>> found = fit.decision_boundaries()
        >>> likely = found.nlargest(1, "share")
        >>> likely["from"].item(), likely["to"].item()
        (0, 1)
        """
        return boundaries.decision_boundaries(self, credible_interval(ci_prob, ci_kind), column)

    def rule_shape(
        self, *, column: str | None = None, ci_prob: float | None = None, ci_kind: str | None = None
    ) -> boundaries.RuleShape:
        """Say whether each component wins over one stretch of a column, or comes back where nobody expects it.

        Parameters
        ----------
        column : str, optional
            Which column of a table; the others are integrated out.
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        RuleShape

        Examples
        --------
        >>> shape = fit.rule_shape()
        >>> shape.monotone
        False
        >>> shape.text
        "The most probable component along 'length' is 1, then 0 from ... on (89 % interval ...), 1 from ...
        The wider component wins in both tails; family=bm.families.Normal(common_sigma=True) rules it out. ..."
        """
        return boundaries.rule_shape(self, credible_interval(ci_prob, ci_kind), column)
