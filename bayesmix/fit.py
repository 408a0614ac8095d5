"""`Fit`: a posterior with the public methods, each a line that calls the module that does the work."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bayesmix import cards, plots, storage
from bayesmix.posterior import Posterior
from bayesmix.summaries import Summarised

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Fit", "load"]


class Fit(Summarised):
    """The posterior of a mixture given data: parameters, memberships, densities, checks and scores.

    Made by `Mixture.fit`, `choose_components` or `load`. Intervals default to ArviZ's ``rcParams`` (89 % equal-tailed).

    Attributes
    ----------
    mixture : Mixture
        The specification as the user gave it.
    resolved : Mixture
        The same with every prior as numbers; refits use this one.
    idata : xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data`` and, up to 2e7 values, ``log_likelihood``; ArviZ reads
        it as it is.
    info : FitInfo
        Settings, random seed, versions, seconds, digest of the data.
    data : Observations or None
        The rows; None only on a fit that was saved with ``data=False``.

    Examples
    --------
    >>> import bayesmix as bm
    >>> arms = bm.load_dataset("arm_lengths")
    >>> fit = bm.Mixture(2).fit(arms["length"], random_seed=1)
    >>> fit.n_components, fit.info.engine, sorted(fit.idata.children)
    (2, 'compiled', ['convergence', 'log_likelihood', 'modes', 'observed_data', 'posterior', 'sample_stats'])
    """

    def plot_density(self, **options: Any) -> "Axes":
        """Draw data, mixture and components with bands; see `bayesmix.plots.plot_density`.

        Examples
        --------
        >>> ax = fit.plot_density()
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('length', 'density per unit of length')
        """
        return plots.plot_density(self, **options)

    def plot_assignments(self, **options: Any) -> "Axes":
        """Draw every row's probability of each component; see `bayesmix.plots.plot_assignments`.

        Examples
        --------
        >>> ax = fit.plot_assignments()
        >>> ax.get_xlabel()
        'length'
        """
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
        """Draw the confusion matrix with intervals; arguments as for `evaluate` and `bayesmix.plots.plot_confusion`.

        Parameters
        ----------
        labels, classes, ci_prob, ci_kind
            As for `evaluate`.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Examples
        --------
        >>> ax = fit.plot_confusion(arms["nlabel"], classes=["child", "adult"])
        >>> ax.get_ylabel()
        'true class'
        """
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
        """Draw the ROC curve with its band; arguments as for `evaluate` and `bayesmix.plots.plot_roc`.

        Parameters
        ----------
        labels, classes, ci_prob, ci_kind
            As for `evaluate`.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Examples
        --------
        >>> ax = fit.plot_roc(arms["nlabel"], classes=["child", "adult"])
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('false positive rate (share of child called adult)', 'true positive rate (share of adult called adult)')
        """
        return plots.plot_roc(self.evaluate(labels, classes=classes, ci_prob=ci_prob, ci_kind=ci_kind), ax=ax)

    def plot_membership_strip(self, **options: Any) -> "Axes":
        """Draw the probabilities of every row as stacked bars; see `bayesmix.plots.plot_membership_strip`.

        Examples
        --------
        >>> ax = fit.plot_membership_strip()
        >>> ax.get_ylabel()
        'probability of the component'
        """
        return plots.plot_membership_strip(self, **options)

    def plot_membership_ternary(self, **options: Any) -> "Axes":
        """Draw rows of three components in a triangle; see `bayesmix.plots.plot_membership_ternary`.

        Examples
        --------
        >>> ax = choice.fits[3].plot_membership_ternary()
        >>> len(ax.texts) > 3  # the corners say how many rows are sure
        True
        """
        return plots.plot_membership_ternary(self, **options)

    def plot_membership_heatmap(self, **options: Any) -> "Axes":
        """Draw rows by components, darker where more probable; see `bayesmix.plots.plot_membership_heatmap`.

        Examples
        --------
        >>> ax = fit.plot_membership_heatmap()
        >>> ax.get_xlabel()
        'component'
        """
        return plots.plot_membership_heatmap(self, **options)

    def plot_co_clustering(self, **options: Any) -> "Axes":
        """Draw for pairs of rows how probably they are of one group; see `bayesmix.plots.plot_co_clustering`.

        Examples
        --------
        >>> ax = fit.plot_co_clustering()
        >>> ax.images[0].get_array().shape
        (19, 19)
        """
        return plots.plot_co_clustering(self, **options)

    def plot_boundaries(self, **options: Any) -> "Axes":
        """Draw memberships along a column and its decision boundaries; see `bayesmix.plots.plot_boundaries`.

        Examples
        --------
        >>> ax = fit.plot_boundaries()
        >>> ax.get_ylabel()
        'probability of the component'
        """
        return plots.plot_boundaries(self, **options)

    def plot_contours(self, x: str, y: str, **options: Any) -> "Axes":
        """Draw rows and density in the plane of two columns; see `bayesmix.plots.plot_contours`.

        Parameters
        ----------
        x, y : str
            Names of columns.
        **options
            As for `bayesmix.plots.plot_contours`.

        Examples
        --------
        >>> faithful = bm.load_dataset("old_faithful")
        >>> pair = bm.Mixture(2, "mv_normal").fit(faithful, draws=200, tune=200, random_seed=1)
        >>> ax = pair.plot_contours("eruptions", "waiting")
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('eruptions', 'waiting')
        """
        return plots.plot_contours(self, x, y, **options)

    def plot_prior_posterior(self, **options: Any) -> Any:
        """Draw what the priors said and what the data made of it; see `bayesmix.plots.plot_prior_posterior`.

        Examples
        --------
        >>> panels = fit.plot_prior_posterior()
        >>> [panel.get_xlabel() for panel in panels]
        ['weight (share of rows)', 'mu of length', 'sigma of length']
        """
        return plots.plot_prior_posterior(self, **options)

    def plot_forest(self, **options: Any) -> Any:
        """Draw parameters by component with their intervals; see `bayesmix.plots.plot_forest`.

        Examples
        --------
        >>> panels = fit.plot_forest()
        >>> [panel.get_xlabel() for panel in panels]
        ['weight (share of rows)', 'mu of length', 'sigma of length']
        """
        return plots.plot_forest(self, **options)

    def plot_parameters(self, **options: Any) -> "Axes":
        """Draw the joint posterior of two parameters; see `bayesmix.plots.plot_parameters`.

        Examples
        --------
        >>> ax = fit.plot_parameters(x="mu", y="sigma")
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('mu of length', 'sigma of length')
        """
        return plots.plot_parameters(self, **options)

    def plot_ppc(self, **options: Any) -> "Axes":
        """Draw the data among data sets simulated from the fit; see `bayesmix.plots.plot_ppc`.

        Examples
        --------
        >>> ax = fit.plot_ppc(kind="ecdf")
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('length', 'share of values up to here')
        """
        return plots.plot_ppc(self, **options)

    def plot_loo_pit(self, **options: Any) -> "Axes":
        """Draw whether rows fall where a fit without them expects them; see `bayesmix.plots.plot_loo_pit`.

        Examples
        --------
        >>> ax = fit.plot_loo_pit()
        >>> ax.get_xlabel()
        'LOO-PIT: place of length in the prediction without its row'
        """
        return plots.plot_loo_pit(self, **options)

    def plot_pareto_k(self, **options: Any) -> "Axes":
        """Draw how far importance weights can be relied on, row by row; see `bayesmix.plots.plot_pareto_k`.

        Examples
        --------
        >>> ax = fit.plot_pareto_k()
        >>> ax.get_ylabel()
        'Pareto k'
        """
        return plots.plot_pareto_k(self, **options)

    def plot_trace(self, **options: Any) -> Any:
        """Draw the chains by ArviZ; see `bayesmix.plots.plot_trace`.

        Examples
        --------
        >>> panels = fit.plot_trace(var_names="mu")
        >>> type(panels).__name__
        'PlotCollection'
        """
        return plots.plot_trace(self, **options)

    def plot_rank(self, **options: Any) -> Any:
        """Draw the ranks of the chains by ArviZ; see `bayesmix.plots.plot_rank`.

        Examples
        --------
        >>> panels = fit.plot_rank(var_names="mu")
        >>> type(panels).__name__
        'PlotCollection'
        """
        return plots.plot_rank(self, **options)

    def plot_energy(self, **options: Any) -> Any:
        """Draw the sampler's energies by ArviZ; see `bayesmix.plots.plot_energy`.

        Examples
        --------
        >>> panels = fit.plot_energy()
        >>> type(panels).__name__
        'PlotCollection'
        """
        return plots.plot_energy(self, **options)

    def plot_pairs(self, columns: Sequence[str] | None = None, **options: Any) -> Any:
        """Draw all pairs of columns; see `bayesmix.plots.plot_pairs`.

        Parameters
        ----------
        columns : sequence of str, optional
            Some of the columns, in the order in which they are drawn.
        **options
            As for `bayesmix.plots.plot_pairs`.

        Examples
        --------
        >>> faithful = bm.load_dataset("old_faithful")
        >>> pair = bm.Mixture(2, "mv_normal").fit(faithful, draws=200, tune=200, random_seed=1)
        >>> pair.plot_pairs().shape
        (2, 2)
        """
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
        """Draw how often forecasts came true; arguments as for `evaluate` and `bayesmix.plots.plot_reliability`.

        Parameters
        ----------
        labels, classes, ci_prob, ci_kind
            As for `evaluate`.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Examples
        --------
        >>> ax = fit.plot_reliability(arms["nlabel"], classes=["child", "adult"])
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('probability of adult', 'share of the rows that are adult')
        """
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
        """Draw the accuracy among the surest rows; arguments as for `evaluate` and `bayesmix.plots.plot_rejection`.

        Parameters
        ----------
        labels, classes, ci_prob, ci_kind
            As for `evaluate`.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Examples
        --------
        >>> ax = fit.plot_rejection(arms["nlabel"], classes=["child", "adult"])
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('share of the rows that are classified, the surest first', 'accuracy among them')
        """
        return plots.plot_rejection(self.evaluate(labels, classes=classes, ci_prob=ci_prob, ci_kind=ci_kind), ax=ax)

    def save(self, path: str | os.PathLike[str], *, data: bool = True) -> Path:
        """Save the fit as ``.nc`` or ``.zarr``; it stores the data unless ``data=False``.

        Parameters
        ----------
        path : path-like
            Ending in ``.nc`` or ``.zarr``.
        data : bool, default True
            False leaves out the rows and the log-likelihood; methods that need them then say so.

        Returns
        -------
        Path
            Where it was saved.

        Raises
        ------
        InputError
            If the path ends otherwise.

        Examples
        --------
        >>> fit.save("fit.nc").name
        'fit.nc'
        >>> bm.load("fit.nc").info == fit.info
        True
        """
        return storage.write(self, path, data=data)

    def __repr__(self) -> str:
        return cards.fit_text(self, self.check())

    def _repr_html_(self) -> str:
        return cards.fit_html(self, self.check())

    @classmethod
    def _of(cls, posterior: Posterior) -> Self:
        return cls(posterior.mixture, posterior.resolved, posterior.idata, posterior.info, posterior.data)


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

    Examples
    --------
    >>> path = fit.save("without.nc", data=False)
    >>> restored = bm.load(path)
    >>> restored.data is None, restored.predict([16.0])["component"].item()
    (True, 0)
    """
    return Fit._of(storage.read(path))
