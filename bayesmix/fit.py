"""`Fit`: a posterior with the public methods, each a line that calls the module that does the work."""

import os
from collections.abc import Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd

from bayesmix import (
    assignment,
    averaging,
    criteria,
    decision,
    diagnostics,
    evidence,
    imputation,
    leave_one_out,
    plots,
    prediction,
    storage,
)
from bayesmix.blocks import read_new_rows, read_rows
from bayesmix.data import Observations
from bayesmix.errors import InputError
from bayesmix.evaluation import Evaluation, evaluate
from bayesmix.exact import repaired_loo
from bayesmix.intervals import credible_interval
from bayesmix.labels import coded_labels
from bayesmix.likelihood import MAX_STORED, log_likelihood
from bayesmix.mixture import Mixture
from bayesmix.model import OBSERVED_NAME, model_of
from bayesmix.posterior import Posterior, model_variables
from bayesmix.resolving import resolve
from bayesmix.sampling import draw
from bayesmix.settings import SamplerSettings, generator
from bayesmix.supervision import with_labels

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Fit", "fit_mixture", "fit_rows", "load"]


class Fit(Posterior):
    """The posterior of a mixture given data: parameters, memberships, densities, checks and scores.

    Made by `Mixture.fit`, `choose_components` or `load`. Intervals default to ArviZ's ``rcParams`` (89 % equal-tailed).

    Examples
    --------
    >>> import bayesmix as bm
    >>> arms = bm.load_dataset("arm_lengths")
    >>> fit = bm.Mixture(2).fit(arms["length"], random_seed=1, progressbar=False)  # doctest: +SKIP
    >>> fit.summary()  # doctest: +SKIP
    """

    @cached_property
    def model(self) -> "pm.Model":
        """The plain PyMC model behind the fit, with the resolved priors."""
        return model_of(self.resolved, self.observations)

    @cached_property
    def _diagnosis(self) -> diagnostics.Diagnosis:
        return diagnostics.check(self)

    def check(self) -> diagnostics.Diagnosis:
        """Say whether the fit converged, and if not what to do; see `bayesmix.diagnostics.check`."""
        return self._diagnosis

    def summary(
        self, *, var_names: str | Sequence[str] | None = None, ci_prob: float | None = None, ci_kind: str | None = None
    ) -> pd.DataFrame:
        """Summarise the sorted parameters.

        Parameters
        ----------
        var_names : sequence of str, optional
            Some of ``"w"`` and the family's parameters; all that vary by default.
        ci_prob, ci_kind : optional
            Interval probability and kind ("eti" or "hdi"); ArviZ's ``rcParams`` by default.

        Returns
        -------
        DataFrame
            ArviZ's summary: mean, sd, interval, ess_bulk, ess_tail, r_hat, Monte-Carlo errors; in the data's units.
        """
        from arviz_stats import summary

        interval = credible_interval(ci_prob, ci_kind)
        names = _known_variables(self, var_names)
        table: pd.DataFrame = summary(self.idata, var_names=names, ci_prob=interval.prob, ci_kind=interval.kind)
        return table

    def assignments(self, *, ci_prob: float | None = None, ci_kind: str | None = None) -> pd.DataFrame:
        """Return per row the component, its probability with interval, and the entropy.

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

    def co_clustering(self) -> "xr.DataArray":
        """Return for every pair of rows the probability that they are of one group.

        See `bayesmix.averaging.co_clustering`; at most 5000 rows.
        """
        return averaging.co_clustering({"fit": self}, [1.0])

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
            See `bayesmix.assignment.assignments`.
        """
        rates = assignment.read_base_rates(self, base_rates)
        return assignment.assignments(self, self._new_rows(y), credible_interval(ci_prob, ci_kind), rates)

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
        self, m: int = 20, y: Any = None, *, base_rates: Any = None, random_seed: int | None = None
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

    def _rows(self, y: Any) -> Observations:
        return self.observations if y is None else self._new_rows(y)

    def _new_rows(self, y: Any) -> Observations:
        rows = read_new_rows(self.resolved.family, y, self.layout)
        assignment.check_reach(self, rows)
        return rows

    def density(
        self,
        grid: Any = None,
        *,
        column: str | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
    ) -> "xr.Dataset":
        """Return the mixture density and its components with pointwise bands.

        Parameters
        ----------
        grid : array_like, optional
            Points in the data's units; by default 401 over the range of the data and a quarter beyond, or every count
            or category in it.
        column : str, optional
            Which column of a table; the others are integrated out.
        ci_prob, ci_kind : optional
            Interval probability and kind.
        """
        position = prediction.column_position(self, column)
        points = prediction.default_grid(self, position) if grid is None else prediction.read_grid(self, grid, position)
        return prediction.density(self, points, credible_interval(ci_prob, ci_kind), position)

    def simulate(
        self, n_datasets: int = 1, *, n_obs: int | None = None, random_seed: int | None = None
    ) -> "xr.Dataset":
        """Draw new data sets from the posterior predictive distribution.

        Parameters
        ----------
        n_datasets : int, default 1
        n_obs : int, optional
            Rows in each; as many as were fitted by default.
        random_seed : int, optional

        Returns
        -------
        Dataset
            Dims (dataset, obs): the values under the data's names, and ``component``.
        """
        return prediction.simulate(self, n_datasets, n_obs, generator(random_seed))

    @property
    def modes(self) -> pd.DataFrame:
        """Distinct modes of the posterior that the search for starting points found, one row per mode and component.

        Columns ``w``, the parameters, ``log_posterior``, ``log_mass`` (Laplace's approximation) and ``hits``; a row for
        each entry where a parameter has several (columns, categories). Empty on the PyMC engine, which makes no such
        search.
        """
        if "modes" not in self.idata.children:
            return pd.DataFrame()
        return self.idata["modes"].to_dataset().to_dataframe()

    def draws(self) -> pd.DataFrame:
        """Return one row per chain, draw and component with the sorted parameters as columns."""
        return prediction.tidy_draws(self)

    def loo(self, *, exact: bool = False, repair: bool = True) -> Any:
        """Return LOO as ArviZ's ``ELPDData``: by PSIS, and by refits for rows that PSIS cannot be trusted for.

        Parameters
        ----------
        exact : bool, default False
            Refit without every distinct row: brute force, a fraction of a second for each on small data.
        repair : bool, default True
            Whether rows whose Pareto k exceeds ``good_k`` are refitted; see `bayesmix.exact`.

        Returns
        -------
        arviz_stats.ELPDDataLOO or arviz_stats.ELPDDataLOOSubsample
            Pointwise over the fitted rows; ``pareto_k`` stays that of PSIS, and ``warning`` says whether any row above
            the limit was left as it is. Above 2000 distinct values a random sample of the rows, whose
            ``subsampling_se`` is the error that adds.
        """
        rows = repaired_loo(self, exact=exact) if exact or repair else criteria.pointwise_loo(self)
        return criteria.loo_of(rows, self)

    def log_evidence(
        self, *, method: Literal["auto", "bridge", "smc"] = "auto", random_seed: int | None = None
    ) -> evidence.Evidence:
        """Return the log marginal likelihood with its Monte-Carlo error; see `bayesmix.evidence.log_evidence`."""
        return evidence.log_evidence(self, method=method, random_seed=random_seed)

    def waic(self) -> criteria.WAIC:
        """Return WAIC; see `bayesmix.criteria.waic_of`. PSIS-LOO is the better default."""
        return criteria.waic(self)

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
        return evaluate(
            assignment.log_responsibility_draws(self),
            labels,
            index=self.observations.index,
            classes=self._declared(labels, classes),
            ci_prob=interval.prob,
            ci_kind=interval.kind,
            random_seed=random_seed,
            left_out=None if known is None else ~np.isnan(known),
        )

    def loo_assignments(
        self, *, exact: bool = False, ci_prob: float | None = None, ci_kind: str | None = None
    ) -> pd.DataFrame:
        """Classify every row by a fit that has not seen it, beside its posterior membership.

        Parameters
        ----------
        exact : bool, default False
            Refit without every distinct row instead of only where importance weights are unreliable.
        ci_prob, ci_kind : optional
            Of the table of `assignments` that it starts from.

        Returns
        -------
        DataFrame
            See `bayesmix.leave_one_out`, which explains the two memberships.
        """
        return leave_one_out.loo_assignments(self, self.assignments(ci_prob=ci_prob, ci_kind=ci_kind), exact=exact)

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

    def _declared(self, labels: Any, classes: Sequence[Any] | None) -> Sequence[Any] | None:
        """Return the classes that components stand for: as given, or their own names where labels use any of them."""
        if classes is not None or not self.resolved.classes:
            return classes
        _, found = coded_labels(labels, self.observations.index)
        return self.component_labels if set(found) & set(self.component_labels) else None

    def _refuse_weights(self, what: str) -> None:
        if self.observations.weights is not None:
            raise InputError(
                f"{what} needs one label per unit, but the fit's rows stand for several units each. Fit the expanded "
                "rows, e.g. y.repeat(counts), and give their labels."
            )

    def plot_density(self, **options: Any) -> "Axes":
        """Draw data, mixture and components with bands; see `bayesmix.plots.plot_density`."""
        return plots.plot_density(self, **options)

    def plot_assignments(self, **options: Any) -> "Axes":
        """Draw every row's probability of each component; see `bayesmix.plots.plot_assignments`."""
        return plots.plot_assignments(self, **options)

    def plot_confusion(
        self,
        labels: Any,
        *,
        classes: Sequence[Any] | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw the confusion matrix with intervals; arguments as for `evaluate` and `bayesmix.plots.plot_confusion`."""
        scores = self.evaluate(labels, classes=classes, ci_prob=ci_prob, ci_kind=ci_kind)
        return plots.plot_confusion(scores, ax=ax)

    def plot_roc(
        self,
        labels: Any,
        *,
        classes: Sequence[Any] | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw the ROC curve with its band; arguments as for `evaluate` and `bayesmix.plots.plot_roc`."""
        return plots.plot_roc(self.evaluate(labels, classes=classes, ci_prob=ci_prob, ci_kind=ci_kind), ax=ax)

    def save(self, path: str | os.PathLike[str], *, data: bool = True) -> Path:
        """Save the fit as ``.nc`` or ``.zarr``; it stores the data unless ``data=False``.

        Parameters
        ----------
        path : path-like
            Ending in ``.nc`` or ``.zarr``.
        data : bool, default True
            False leaves out the rows and the log-likelihood; methods that need them then say so.
        """
        return storage.write(self, path, data=data)

    def __repr__(self) -> str:
        info = self.info
        table = self.summary()
        return (
            f"Fit of {self.resolved.n_components} {self.resolved.family.name} component"
            f"{'s' if self.n_components > 1 else ''}{''.join(f' + {name}' for name in self.resolved.extras)} to "
            f"{info.n} rows of {info.name!r}{'' if info.measure == 'points' else f' as {info.measure}'} "
            f"({info.chains} x {info.draws} draws, seed {info.random_seed}, {info.seconds:.1f} s)\n"
            f"{table.iloc[:, :4].to_string()}\n{self.check().text}\n{self._prior_text()}"
        )

    def _prior_text(self) -> str:
        varying = self.resolved.priors_in_words().items()
        shown = (f"{name} {words}" for name, words in varying if name != "w" or len(self.component_labels) > 1)
        return f"Priors: {' | '.join(shown)}."

    def _repr_html_(self) -> str:
        head, *_ = repr(self).splitlines()
        text = f"<p>{escape(self.check().text)}</p><p>{escape(self._prior_text())}</p>"
        return f"<p><b>{escape(head)}</b></p>{self.summary().to_html()}{text}"

    @classmethod
    def _of(cls, posterior: Posterior) -> Self:
        return cls(posterior.mixture, posterior.resolved, posterior.idata, posterior.info, posterior.data)


def _known_variables(fit: Fit, var_names: str | Sequence[str] | None) -> list[str]:
    known = model_variables(fit)
    if var_names is None:
        return known
    names = [var_names] if isinstance(var_names, str) else list(var_names)
    allowed = [str(name) for name in fit.idata["posterior"].data_vars]
    unknown = [name for name in names if name not in allowed]
    if unknown or not names:
        raise InputError(f"var_names must be among {allowed}, got {unknown or names}. Leave it out for {known}.")
    return names


def fit_mixture(
    mixture: Mixture,
    y: Any,
    settings: SamplerSettings,
    *,
    weights: Any = None,
    resolution: Any = None,
    labels: Any = None,
) -> Fit:
    """Draw from the posterior of a mixture; the public way is ``mixture.fit(y)``.

    Parameters
    ----------
    mixture : Mixture
    y : column or table
    settings : SamplerSettings
    weights : list, array or Series, optional
        How often each row counts.
    resolution : number, "auto" or mapping, optional
        The steps that values were rounded to.
    labels : list, array or Series, optional
        Known classes of some rows.

    Returns
    -------
    Fit
    """
    observations = read_rows(mixture.family, y, weights, resolution)
    mixture, observations = with_labels(mixture, observations, labels)
    return fit_rows(mixture, resolve(mixture, observations), observations, settings)


def fit_rows(mixture: Mixture, resolved: Mixture, observations: Observations, settings: SamplerSettings) -> Fit:
    """Draw from the posterior of a resolved mixture given rows that were read before.

    Parameters
    ----------
    mixture : Mixture
        The specification as the user gave it.
    resolved : Mixture
        The same with every prior as numbers.
    observations : Observations
    settings : SamplerSettings

    Returns
    -------
    Fit
    """
    tree, info = draw(resolved, observations, settings)
    fit = Fit(mixture, resolved, tree, info, observations)
    # Weighted rows stand for several units, which readers of the group could not know.
    if observations.weights is None and info.draws * info.chains * observations.n <= MAX_STORED:
        tree["log_likelihood"] = tree_group(log_likelihood(fit))
    return fit


def tree_group(values: "xr.DataArray") -> "xr.DataTree":
    """Wrap one array as a group of a DataTree."""
    import xarray as xr

    return xr.DataTree(values.to_dataset(name=OBSERVED_NAME))


def load(path: str | os.PathLike[str]) -> Fit:
    """Load a fit that `Fit.save` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Fit

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, not a bayesmix fit, or newer than this version.
    """
    return Fit._of(storage.read(path))
