"""`Comparison`: ranked fits with the public methods, each a few lines that call the module that does the work."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import pandas as pd

from bayesmix import averaging, cards, plots
from bayesmix.blocks import read_new_rows
from bayesmix.comparison import Ranking, adequate
from bayesmix.errors import InputError, NoConvergedFitError
from bayesmix.evidence import MAX_ERROR, Evidence
from bayesmix.fit import Fit
from bayesmix.information import criteria_table
from bayesmix.intervals import credible_interval
from bayesmix.progress import Progress
from bayesmix.selection import PosteriorOfK, has_scaled_priors, posterior_of_k
from bayesmix.sensitivity import PriorSensitivity, prior_sensitivity
from bayesmix.verdict import sentences, unrepaired_rows

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Comparison"]


@dataclass(frozen=True, eq=False)
class Comparison[Name]:
    """Fits of the same data, ranked by expected log predictive density.

    Made by `choose_components` or `compare`.

    Attributes
    ----------
    fits : mapping
        Name (for `choose_components` the number of components) to `Fit`.
    ranking : Ranking
        Table, pointwise elpd, and which fits passed their checks.

    Examples
    --------
    >>> list(choice.fits), choice.ranking.passed
    ([1, 2, 3], (1, 2, 3))
    """

    fits: Mapping[Name, Fit]
    ranking: Ranking

    @property
    def table(self) -> pd.DataFrame:
        """One row per fit; `bayesmix.results.COLUMNS` has a sentence on each column.

        Examples
        --------
        >>> choice.table[["elpd", "se"]].round()
                      elpd   se
        n_components
        1            -54.0  2.0
        2            -53.0  3.0
        3            -53.0  3.0
        >>> bool(abs(choice.table["weight"].sum() - 1) < 1e-6)
        True
        """
        return self.ranking.table

    @property
    def best(self) -> Name:
        """The first fit, in table order, that is not clearly worse than the best.

        For `choose_components` the smallest number of components. Clearly worse means ``elpd_diff < -2`` and
        ``elpd_diff < -dse``. Fits that failed their checks are never recommended.

        Raises
        ------
        NoConvergedFitError
            If no fit passed its checks.

        Examples
        --------
        >>> choice.best
        1
        """
        candidates: list[Name] = adequate(self.ranking)
        if not candidates:
            raise NoConvergedFitError(
                f"a recommendation must rest on a fit that passed its checks, but none of {list(self.table.index)} "
                "did. See the column 'note' of the table for what to do."
            )
        return candidates[0]

    @property
    def text(self) -> str:
        """What the comparison allows to conclude, in sentences.

        Examples
        --------
        >>> choice.text
        "Compared by LOO on 19 rows of 'length': K = 1, 2, 3. By predictive accuracy K = 1, 2, 3 cannot be told apart
        with
        these data: ..."
        """
        info = next(iter(self.fits.values())).info
        return " ".join(sentences(self.ranking, info, unrepaired_rows(self.ranking, self.fits)))

    @cached_property
    def criteria(self) -> pd.DataFrame:
        """BIC, ICL, NEC and entropy at the posterior mode, and k-means' silhouette; for readers who expect them.

        The comparison does not use them. Indexed by ``n_components``: ``bic``, ``icl``, ``nec``, ``entropy`` (smaller
        is better), and ``silhouette`` (larger is better; left out where scikit-learn is not installed). NEC is
        ``entropy / (log L(K) - log L(1))`` and 1 for one component; NaN without a fit of one component.

        References
        ----------
        Celeux & Soromenho (1996), An entropy criterion for assessing the number of clusters in a mixture model, Journal
        of Classification 13, 195-212.

        Examples
        --------
        >>> choice.criteria.columns.tolist(), choice.criteria.loc[1, "nec"].item()
        (['bic', 'icl', 'nec', 'entropy', 'silhouette'], 1.0)
        """
        return criteria_table(self._by_count("BIC and its kin"))

    def posterior_of_k(self, prior: Mapping[int, float] | None = None) -> PosteriorOfK:
        """Return how probable each number of components is, given the data and a prior on their number.

        Parameters
        ----------
        prior : mapping from number of components to number, optional
            Up to a factor; uniform over the numbers compared by default.

        Returns
        -------
        PosteriorOfK
            With Bayes factors and what to beware of. Log evidences whose error from bridge sampling exceeds 0.1 are
            estimated again, which may take some seconds.

        Examples
        --------
        >>> choice.posterior_of_k().table["prior"].round(2).tolist()
        [0.33, 0.33, 0.33]
        >>> choice.posterior_of_k({1: 0, 2: 1, 3: 0}).table["probability"].tolist()
        [0.0, 1.0, 0.0]
        """
        fits = self._by_count("P(K | y)")
        failed = [k for k in fits if k not in self.ranking.passed]
        missing = [k for k in self.table.index if k not in fits]
        scaled = has_scaled_priors(fits[min(fits)])
        return posterior_of_k(self._evidences, prior, default_priors=scaled, failed=failed, missing=missing)

    def prior_sensitivity(self, *, draws: int = 1000, progressbar: bool = True) -> PriorSensitivity:
        """Fit everything again under other priors and say whether the conclusion stays.

        Parameters
        ----------
        draws : int, default 1000
            Per chain of every refit.
        progressbar : bool, default True
            Whether to show one line with the time left.

        Returns
        -------
        PriorSensitivity
            A table of the choice and the memberships under each prior, power-scaling of the chosen fit, and a text.

        References
        ----------
        Kallioinen, Paananen, Bürkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
        power-scaling, Statistics and Computing 34, 57.

        Examples
        --------
        >>> one = bm.choose_components(arms["length"], [1], draws=250, random_seed=1)
        >>> one.prior_sensitivity(draws=250).table["best"].to_dict()
        {'as fitted': 1, 'wider': 1, 'narrower': 1, 'few groups': 1, 'even weights': 1, 'richardson_green': 1}
        """
        fits = self._by_count("prior sensitivity")
        best: Any = self.best
        with Progress(0, shown=progressbar) as progress:

            def told(done: int, total: int) -> None:
                if done == 0:
                    progress.more(total)
                else:
                    progress.finish(1)
                progress.start(f"Refitting under other priors, {done} of {total}")

            return prior_sensitivity(fits, best, draws=draws, progress=told)

    @cached_property
    def _evidences(self) -> dict[Any, Evidence]:
        known = {k: e for k, e in self.ranking.evidences.items() if e.se <= MAX_ERROR}
        return {k: known[k] if k in known else fit.log_evidence() for k, fit in self.fits.items()}

    def density(
        self,
        grid: Any = None,
        *,
        column: str | None = None,
        weights: npt.ArrayLike | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
    ) -> "xr.Dataset":
        """Return the density of a column averaged over the fits instead of choosing one.

        Parameters
        ----------
        grid : array_like, optional
            Points in the data's units; over the range of the data and a quarter beyond by default.
        column : str, optional
            Which column of a table.
        weights : array_like, shape (fits,), optional
            Of the fits, with the sum 1, in the order of `fits`; a Series is matched by its index. By default the
            stacking weights of the table. Probabilities of the numbers of components are another choice:
            ``choice.posterior_of_k().table["probability"]``.
        ci_prob, ci_kind : optional
            Interval probability and kind.

        Returns
        -------
        Dataset
            Dim ``grid``: ``density``, ``density_lb``, ``density_ub``; the band holds the uncertainty between the fits
            too. Without components: those of different fits have nothing to do with each other.

        References
        ----------
        Hoeting, Madigan, Raftery & Volinsky (1999), Bayesian model averaging: a tutorial, Statistical Science 14,
        382-417. Yao, Vehtari, Simpson & Gelman (2018), Using stacking to average Bayesian predictive distributions,
        Bayesian Analysis 13, 917-1007.

        Examples
        --------
        >>> averaged = choice.density([15.0, 20.0, 25.0])
        >>> list(averaged.data_vars)
        ['density', 'density_lb', 'density_ub']
        """
        interval = credible_interval(ci_prob, ci_kind)
        return averaging.averaged_density(self.fits, self._weights(weights), interval, grid, column)

    def predict(
        self,
        y: Any,
        *,
        weights: npt.ArrayLike | None = None,
        ci_prob: float | None = None,
        ci_kind: str | None = None,
    ) -> pd.DataFrame:
        """Return how dense the averaged prediction is at new rows, and how rare such a density is.

        Parameters
        ----------
        y : column or table
            New rows in the same units.
        weights, ci_prob, ci_kind : optional
            As for `density`.

        Returns
        -------
        DataFrame
            Indexed as the rows. ``log_density``, the log of the averaged predictive density (or probability), and the
            interval of the log-density over the weighted draws; ``rarity``, the probability that a further row has a
            density no higher than this one, from 4000 simulated rows: a row with a rarity of 0.001 is unlike anything
            seen. NaN where nothing was observed, and for intervals other than rounded values.

        References
        ----------
        Box (1980), Sampling and Bayes' inference in scientific modelling and robustness, JRSS A 143, 383-430.

        Examples
        --------
        >>> rows = choice.predict([24.0, 60.0])
        >>> (rows["rarity"] < 0.05).tolist()
        [False, True]
        """
        first = next(iter(self.fits.values()))
        rows = read_new_rows(first.resolved.family, y, first.layout)
        return averaging.averaged_prediction(
            self.fits, self._weights(weights), rows, credible_interval(ci_prob, ci_kind)
        )

    def co_clustering(self, *, weights: npt.ArrayLike | None = None) -> "xr.DataArray":
        """Return the probability that two fitted rows are of one group, averaged over the fits.

        Parameters
        ----------
        weights : array_like, shape (fits,), optional
            As for `density`.

        Returns
        -------
        DataArray
            Dims (obs, obs_other), symmetric, 1 on the diagonal.

        Examples
        --------
        >>> choice.co_clustering().shape
        (19, 19)
        """
        return averaging.co_clustering(self.fits, self._weights(weights))

    def _weights(self, weights: npt.ArrayLike | None) -> npt.ArrayLike:
        names = list(self.fits)
        if isinstance(weights, pd.Series) and len(weights) == len(names) and set(weights.index) == set(names):
            return weights.reindex(names).to_numpy(dtype=float)
        if weights is not None:
            return weights
        if not self.ranking.passed:
            raise NoConvergedFitError(
                f"an average must rest on fits that passed their checks, but none of {names} did. See the column "
                "'note' of the table for what to do, or give weights."
            )
        return self.table["weight"].reindex(names).to_numpy(dtype=float)

    def _by_count(self, what: str) -> Mapping[Any, Fit]:
        if self.table.index.name != "n_components":
            raise InputError(
                f"{what} must have fits by number of components, got the fits {list(self.fits)}. Use "
                "choose_components; fits of any kind have fit.log_evidence()."
            )
        return self.fits

    def plot(self, **options: Any) -> "Axes":
        """Draw elpd with standard errors; see `bayesmix.plots.plot_comparison`.

        Examples
        --------
        >>> ax = choice.plot()
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['1', '2', '3']
        """
        return plots.plot_comparison(self, **options)

    def __repr__(self) -> str:
        return cards.comparison_text(self.ranking, self.text)

    def _repr_html_(self) -> str:
        best = self.best if adequate(self.ranking) else None
        return cards.comparison_html(self.ranking, self.text, best, self.fits)
