"""`Grouped`: a posterior with the methods that tell of groups, each a line that calls the module that does the work."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix import assignment, averaging, boundaries, decision, imputation, leave_one_out, partition
from bayesmix.blocks import read_new_rows
from bayesmix.data import Observations
from bayesmix.errors import InputError
from bayesmix.evaluation import Evaluation, evaluate
from bayesmix.intervals import credible_interval
from bayesmix.labels import coded_labels
from bayesmix.posterior import Posterior
from bayesmix.settings import generator

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Grouped"]


class Grouped(Posterior):
    """Which group each row is in, how sure that is, how good it is, and what to do about it."""

    def assignments(self, *, ci_prob: float | None = None, ci_kind: str | None = None) -> pd.DataFrame:
        """Return per row the component, its probability with interval, the runner-up, and whether it could flip.

        Parameters
        ----------
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        DataFrame
            Indexed as the data; see `bayesmix.assignment.assignments`.
        """
        return assignment.assignments(self, self.observations, credible_interval(ci_prob, ci_kind))

    def assignment_probabilities(self, *, draws: bool = False) -> "xr.DataArray":
        """Return the probability of each component for each row.

        Parameters
        ----------
        draws : bool, default False
            Keep one value per draw, dims (chain, draw, obs, component), instead of the mean, dims (obs, component).
        """
        return assignment.assignment_probabilities(self, self.observations, draws=draws)

    def predict(
        self, y: Any, *, base_rates: Any = None, ci_prob: float | None = None, ci_kind: str | None = None
    ) -> pd.DataFrame:
        """Assign new rows to components, as `assignments` does for the fitted ones.

        Parameters
        ----------
        y : column or table
            New rows in the same units; a single one is fine. Tables are matched by column name.
        base_rates : sequence or mapping, optional
            Shares of the components in the population that the new rows come from, where they differ from the fitted
            one: one number for each component, with the sum 1, or component to share.
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        DataFrame
            See `bayesmix.assignment.assignments`; and ``outside``, whether a row lies outside the range of the fitted
            ones, where memberships rest on the shape of the tails alone (missing on a fit that was saved without its
            data). `rule_shape` says what happens there.
        """
        rates, rows = assignment.read_base_rates(self, base_rates), self._new_rows(y)
        table = assignment.assignments(self, rows, credible_interval(ci_prob, ci_kind), rates)
        if self.data is None:
            return table.assign(outside=pd.array([pd.NA] * rows.n, dtype="boolean"))
        return table.assign(outside=boundaries.outside(self, rows))

    def decide(
        self,
        y: Any = None,
        *,
        costs: Any = None,
        abstain_cost: float | None = None,
        threshold: float | None = None,
        base_rates: Any = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
    ) -> pd.DataFrame:
        """Return for every row the decision with the least expected cost.

        Parameters
        ----------
        y : column or table, optional
            New rows; the fitted ones by default.
        costs : DataFrame or array of shape (components, components), optional
            ``costs.loc[component, decision]``: decisions may be anything, such as "treat" and "wait". By default every
            wrong component costs 1.
        abstain_cost : float, optional
            Adds the decision "abstain", which costs this much whatever the component.
        threshold : float in (0, 1), optional
            Without costs: abstain where the most probable component is less probable than this.
        base_rates : sequence or mapping, optional
            As for `predict`.
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        DataFrame
            See `bayesmix.decision.decide`.
        """
        read = decision.read_costs(self, costs, abstain_cost, threshold)
        rates = assignment.read_base_rates(self, base_rates)
        return decision.decide(self, self._rows(y), read, credible_interval(ci_prob, ci_kind), rates)

    def draw_classes(
        self, m: int = 20, *, y: Any = None, base_rates: Any = None, random_seed: int | None = None
    ) -> pd.DataFrame:
        """Draw the components of all rows m times from their posterior, for analyses that must carry their uncertainty.

        Repeat the analysis on every column and pool the results by `bayesmix.pool_estimates`.

        Parameters
        ----------
        m : int, default 20
        y : column or table, optional
            New rows; the fitted ones by default.
        base_rates : sequence or mapping, optional
            As for `predict`.
        random_seed : int, optional

        Returns
        -------
        DataFrame
            Indexed as the rows, one column for each draw; see `bayesmix.imputation.draw_classes`.
        """
        rates = assignment.read_base_rates(self, base_rates)
        return imputation.draw_classes(self, self._rows(y), m, generator(random_seed), rates)

    def loo_assignments(self, *, exact: bool = False) -> pd.DataFrame:
        """Classify every row by a fit that has not seen it, beside its posterior membership.

        Parameters
        ----------
        exact : bool, default False
            Refit without every distinct row instead of only where importance weights are unreliable.

        Returns
        -------
        DataFrame
            See `bayesmix.leave_one_out`, which explains the two memberships.
        """
        return leave_one_out.loo_assignments(self, exact=exact)

    def evaluate(
        self,
        labels: Any,
        *,
        classes: Sequence[Any] | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
        random_seed: int | None = 0,
    ) -> Evaluation:
        """Score the grouping against known classes, with intervals over draws and rows.

        Parameters
        ----------
        labels : list, array or Series
            The true class of every row; a Series is aligned by index. Missing labels are left out and counted.
        classes : sequence, optional
            Declares the mapping: component k is ``classes[k]``; the last class is the positive one. By default the
            components' own names, where they have names and labels use them; else the best match is taken, which uses
            the labels and is therefore optimistic.
        ci_prob, ci_kind : optional
            Interval probability and kind.
        random_seed : int, optional
            Of the Bayesian bootstrap of rows; fixed by default so that the numbers repeat.
        """
        interval = credible_interval(ci_prob, ci_kind)
        generator(random_seed)
        self._refuse_weights("evaluate")
        known = self.observations.known
        found = evaluate(
            assignment.log_responsibility_draws(self),
            labels,
            index=self.observations.index,
            classes=self._declared(labels, classes),
            ci_prob=interval.prob,
            ci_kind=interval.kind,
            random_seed=random_seed,
            left_out=None if known is None else ~np.isnan(known),
        )
        names = self.component_labels
        return replace(found, mapping={names[k]: name for k, name in enumerate(found.mapping.values())})

    def loo_evaluate(
        self,
        labels: Any,
        *,
        classes: Sequence[Any] | None = None,
        exact: bool = False,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
        random_seed: int | None = 0,
    ) -> leave_one_out.LooEvaluation:
        """Score leave-one-out classification: neither the fit nor the mapping has seen the row that is scored.

        Parameters
        ----------
        labels, classes
            As for `evaluate`.
        exact : bool, default False
            As for `loo_assignments`.
        ci_prob, ci_kind, random_seed : optional
            As for `evaluate`.
        """
        generator(random_seed)
        self._refuse_weights("loo_evaluate")
        return leave_one_out.evaluate_left_out(
            self,
            labels,
            credible_interval(ci_prob, ci_kind),
            classes=self._declared(labels, classes),
            exact=exact,
            random_seed=random_seed,
        )

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
            Dims (obs, obs_other); see `bayesmix.averaging.co_clustering`.
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
            See `bayesmix.partition.co_clustering_with`.
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
            See `bayesmix.partition.point_partition`.
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
            See `bayesmix.partition.agreement`.
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
            See `bayesmix.partition.merge_components`.
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
            See `bayesmix.boundaries.decision_boundaries`.
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
            See `bayesmix.boundaries.rule_shape`.
        """
        return boundaries.rule_shape(self, credible_interval(ci_prob, ci_kind), column)

    def _rows(self, y: Any) -> Observations:
        return self.observations if y is None else self._new_rows(y)

    def _new_rows(self, y: Any) -> Observations:
        rows = read_new_rows(self.resolved.family, y, self.layout)
        assignment.check_reach(self, rows)
        return rows

    def _declared(self, labels: Any, classes: Sequence[Any] | None) -> Sequence[Any] | None:
        """Return the classes that components stand for: as given, or their own names where labels use any of them."""
        if classes is not None or not self.resolved.classes:
            return classes
        _, found = coded_labels(labels, self.observations.index, ordered=False)
        return self.component_labels if set(found) & set(self.component_labels) else None

    def _refuse_weights(self, what: str) -> None:
        if self.observations.weights is not None:
            raise InputError(
                f"{what} needs one label per unit, but the fit's rows stand for several units each. Fit the expanded "
                "rows, e.g. y.repeat(counts), and give their labels."
            )
