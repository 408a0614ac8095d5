"""`Assigned`: a posterior with the methods on single rows, each a line that calls the module that does the work."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix import assignment, boundaries, decision, imputation, leave_one_out
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

__all__ = ["Assigned"]


class Assigned(Posterior):
    """Which component each row is in, how sure that is, how good it is, and what to do about it."""

    def assignments(self, *, ci_prob: float | None = None, ci_kind: str | None = None) -> pd.DataFrame:
        """Return per row the component, its probability with interval, the runner-up, and whether it could flip.

        Parameters
        ----------
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        DataFrame
            Indexed as the data, which come first, then ``component`` and ``probability``: the component with the
            largest posterior mean probability, and that mean; its interval over the draws; ``mc_error``, how far other
            random numbers would move it; ``runner_up``, the second most probable component, and ``margin``, how far
            ahead the first is; ``entropy`` of the mean probabilities in nats, 0 where they are certain and log K where
            they say nothing; ``could_flip``, whether another component is more probable in more draws than the interval
            leaves out on one side, so that parameters which the data allow would label the row otherwise.

        Examples
        --------
        >>> rows = fit.assignments()
        >>> rows.columns.tolist()
        ['length', 'component', 'probability', 'eti89_lb', 'eti89_ub', 'mc_error', 'runner_up', 'margin', 'entropy',
         'could_flip']
        >>> rows.sort_values("length")["component"].iloc[[0, -1]].tolist()
        [0, 1]
        """
        return assignment.assignments(self, self.observations, credible_interval(ci_prob, ci_kind))

    def assignment_probabilities(self, y: Any = None, *, draws: bool = False) -> "xr.DataArray":
        """Return the probability of each component for each row.

        Parameters
        ----------
        y : column or table, optional
            New rows; the fitted ones by default.
        draws : bool, default False
            Keep one value per draw, dims (chain, draw, obs, component), instead of the mean, dims (obs, component).

        Returns
        -------
        DataArray
            Sums to 1 over ``component``; ``obs`` carries the row labels.

        Examples
        --------
        >>> dict(fit.assignment_probabilities().sizes)
        {'obs': 19, 'component': 2}
        >>> fit.assignment_probabilities([16.0, 30.0]).argmax("component").values.tolist()
        [0, 1]
        """
        return assignment.assignment_probabilities(self, self._rows(y), draws=draws)

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
            As `assignments`; and ``outside``, whether a row lies outside the range of the fitted ones, where
            memberships rest on the shape of the tails alone (missing on a fit that was saved without its data).
            `rule_shape` says what happens there.

        Examples
        --------
        >>> fit.predict([16.0, 22.5, 40.0])[["length", "component", "outside"]]
           length  component  outside
        0    16.0          0    False
        1    22.5          1    False
        2    40.0          1     True
        >>> fit.predict([21.0], base_rates=[0.9, 0.1])["component"].item()
        0
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
            Indexed as the rows. ``decision``; ``expected_cost`` with its interval over the draws; ``runner_up``, the
            second cheapest decision, and ``saving``, by how much it costs more; ``could_flip``, whether another
            decision is cheaper in more draws than the interval leaves out on one side.

        Examples
        --------
        >>> fit.decide([16.0, 20.0, 24.0], threshold=0.8)["decision"].tolist()
        [0, 'abstain', 1]
        >>> costs = pd.DataFrame({"small": [0, 1], "large": [5, 0]})
        >>> fit.decide([16.0, 20.0, 24.0], costs=costs)["decision"].tolist()
        ['small', 'small', 'large']
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
            At most the number of posterior draws; each is of one draw of the parameters and carries their uncertainty.
        y : column or table, optional
            New rows; the fitted ones by default.
        base_rates : sequence or mapping, optional
            As for `predict`.
        random_seed : int, optional

        Returns
        -------
        DataFrame
            Indexed as the rows, columns 0 ... m - 1; categorical where components have names.

        Examples
        --------
        >>> fit.draw_classes(5, random_seed=1).shape
        (19, 5)
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
            Indexed as the data, which come first. ``component`` and ``probability``: the most probable component by the
            fit without the row, with ``mc_error``; ``posterior_component`` and ``posterior_probability``: those of
            `assignments`; ``pareto_k``; ``refitted``, whether a refit stands in for importance weights with a high
            Pareto k; ``unreliable``, whether the weights cannot be relied on and a refit failed.

        Examples
        --------
        >>> rows = fit.loo_assignments()
        >>> rows.loc[arms["length"] < 17, ["length", "component", "posterior_component"]]
           length  component  posterior_component
        3    15.5          0                    0
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

        Returns
        -------
        Evaluation

        Examples
        --------
        >>> scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
        >>> scores.confusion
        predicted  child  adult
        true
        child          6      4
        adult          0      9
        >>> scores.mapping_kind, scores.base_rate > 0.5
        ('declared', True)
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

        Returns
        -------
        LooEvaluation

        Examples
        --------
        >>> scores = fit.loo_evaluate(arms["nlabel"], classes=["child", "adult"])
        >>> scores.n, scores.mapping_kind, "accuracy" in scores.table.index
        (19, 'declared', True)
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
