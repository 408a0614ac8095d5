"""`Fit`: a posterior with the public methods, each a line that calls the module that does the work."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bayesmix import cards, plots, storage
from bayesmix.blocks import read_rows
from bayesmix.data import Observations
from bayesmix.likelihood import MAX_STORED, log_likelihood
from bayesmix.mixture import Mixture
from bayesmix.model import OBSERVED_NAME
from bayesmix.posterior import Posterior
from bayesmix.resolving import resolve
from bayesmix.sampling import draw
from bayesmix.settings import SamplerSettings
from bayesmix.summaries import Summarised
from bayesmix.supervision import with_labels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Fit", "fit_mixture", "fit_rows", "load"]


class Fit(Summarised):
    """The posterior of a mixture given data: parameters, memberships, densities, checks and scores.

    Made by `Mixture.fit`, `choose_components` or `load`. Intervals default to ArviZ's ``rcParams`` (89 % equal-tailed).

    Examples
    --------
    >>> import bayesmix as bm
    >>> arms = bm.load_dataset("arm_lengths")
    >>> fit = bm.Mixture(2).fit(arms["length"], random_seed=1, progressbar=False)  # doctest: +SKIP
    >>> fit.summary()  # doctest: +SKIP
    """

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

    def plot_membership_strip(self, **options: Any) -> "Axes":
        """Draw the probabilities of every row as stacked bars; see `bayesmix.plots.plot_membership_strip`."""
        return plots.plot_membership_strip(self, **options)

    def plot_membership_ternary(self, **options: Any) -> "Axes":
        """Draw rows of three components in a triangle; see `bayesmix.plots.plot_membership_ternary`."""
        return plots.plot_membership_ternary(self, **options)

    def plot_membership_heatmap(self, **options: Any) -> "Axes":
        """Draw rows by components, darker where more probable; see `bayesmix.plots.plot_membership_heatmap`."""
        return plots.plot_membership_heatmap(self, **options)

    def plot_co_clustering(self, **options: Any) -> "Axes":
        """Draw for pairs of rows how probably they are of one group; see `bayesmix.plots.plot_co_clustering`."""
        return plots.plot_co_clustering(self, **options)

    def plot_boundaries(self, **options: Any) -> "Axes":
        """Draw memberships along a column and its decision boundaries; see `bayesmix.plots.plot_boundaries`."""
        return plots.plot_boundaries(self, **options)

    def plot_contours(self, x: str, y: str, **options: Any) -> "Axes":
        """Draw rows and density in the plane of two columns; see `bayesmix.plots.plot_contours`."""
        return plots.plot_contours(self, x, y, **options)

    def plot_prior_posterior(self, **options: Any) -> Any:
        """Draw what the priors said and what the data made of it; see `bayesmix.plots.plot_prior_posterior`."""
        return plots.plot_prior_posterior(self, **options)

    def plot_forest(self, **options: Any) -> Any:
        """Draw parameters by component with their intervals; see `bayesmix.plots.plot_forest`."""
        return plots.plot_forest(self, **options)

    def plot_parameters(self, **options: Any) -> "Axes":
        """Draw the joint posterior of two parameters; see `bayesmix.plots.plot_parameters`."""
        return plots.plot_parameters(self, **options)

    def plot_ppc(self, **options: Any) -> "Axes":
        """Draw the data among data sets simulated from the fit; see `bayesmix.plots.plot_ppc`."""
        return plots.plot_ppc(self, **options)

    def plot_loo_pit(self, **options: Any) -> "Axes":
        """Draw whether rows fall where a fit without them expects them; see `bayesmix.plots.plot_loo_pit`."""
        return plots.plot_loo_pit(self, **options)

    def plot_pareto_k(self, **options: Any) -> "Axes":
        """Draw how far importance weights can be relied on, row by row; see `bayesmix.plots.plot_pareto_k`."""
        return plots.plot_pareto_k(self, **options)

    def plot_trace(self, **options: Any) -> Any:
        """Draw the chains by ArviZ; see `bayesmix.plots.plot_trace`."""
        return plots.plot_trace(self, **options)

    def plot_rank(self, **options: Any) -> Any:
        """Draw the ranks of the chains by ArviZ; see `bayesmix.plots.plot_rank`."""
        return plots.plot_rank(self, **options)

    def plot_energy(self, **options: Any) -> Any:
        """Draw the sampler's energies by ArviZ; see `bayesmix.plots.plot_energy`."""
        return plots.plot_energy(self, **options)

    def plot_pairs(self, columns: Sequence[str] | None = None, **options: Any) -> Any:
        """Draw all pairs of columns; see `bayesmix.plots.plot_pairs`."""
        return plots.plot_pairs(self, columns, **options)

    def plot_reliability(
        self,
        labels: Any,
        *,
        classes: Sequence[Any] | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw how often forecasts came true; arguments as for `evaluate` and `bayesmix.plots.plot_reliability`."""
        return plots.plot_reliability(self.evaluate(labels, classes=classes, ci_prob=ci_prob, ci_kind=ci_kind), ax=ax)

    def plot_rejection(
        self,
        labels: Any,
        *,
        classes: Sequence[Any] | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes":
        """Draw the accuracy among the surest rows; arguments as for `evaluate` and `bayesmix.plots.plot_rejection`."""
        return plots.plot_rejection(self.evaluate(labels, classes=classes, ci_prob=ci_prob, ci_kind=ci_kind), ax=ax)

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
        return cards.fit_text(self, self.check())

    def _repr_html_(self) -> str:
        return cards.fit_html(self, self.check())

    @classmethod
    def _of(cls, posterior: Posterior) -> Self:
        return cls(posterior.mixture, posterior.resolved, posterior.idata, posterior.info, posterior.data)


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
