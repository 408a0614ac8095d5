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

    Attributes
    ----------
    fits : mapping
        Name (for `choose_components` the number of components) to `Fit`.
    ranking : Ranking
        Table, pointwise elpd, and which fits passed their checks.
    """

    fits: Mapping[Name, Fit]
    ranking: Ranking

    @property
    def table(self) -> pd.DataFrame:
        """One row per fit; every column is explained in `bayesmix.comparison.COLUMNS`."""
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
        """What the comparison allows to conclude, in sentences."""
        info = next(iter(self.fits.values())).info
        return " ".join(sentences(self.ranking, info, unrepaired_rows(self.ranking, self.fits)))

    @cached_property
    def criteria(self) -> pd.DataFrame:
        """BIC, ICL, NEC and entropy at the posterior mode, and k-means' silhouette; see `information.criteria_table`.

        For readers who expect them; the comparison does not use them.
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
            A table of the choice and the memberships under each prior, power-scaling of the chosen fit, and a text; see
            `bayesmix.sensitivity.prior_sensitivity`.
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
        """Return the density averaged over the fits instead of choosing one; see `averaging.averaged_density`.

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
        """Return how dense the averaged prediction is at new rows, and how rare; see `averaging.averaged_prediction`.

        Parameters
        ----------
        y : column or table
            New rows in the same units.
        weights, ci_prob, ci_kind : optional
            As for `density`.
        """
        first = next(iter(self.fits.values()))
        rows = read_new_rows(first.resolved.family, y, first.layout)
        return averaging.averaged_prediction(
            self.fits, self._weights(weights), rows, credible_interval(ci_prob, ci_kind)
        )

    def co_clustering(self, *, weights: npt.ArrayLike | None = None) -> "xr.DataArray":
        """Return the probability that two rows are of one group, averaged over fits; see `averaging.co_clustering`.

        Parameters
        ----------
        weights : array_like, shape (fits,), optional
            As for `density`.
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
        """Draw elpd with standard errors; see `bayesmix.plots.plot_comparison`."""
        return plots.plot_comparison(self, **options)

    def __repr__(self) -> str:
        return cards.comparison_text(self.ranking, self.text)

    def _repr_html_(self) -> str:
        best = self.best if adequate(self.ranking) else None
        return cards.comparison_html(self.ranking, self.text, best, self.fits)
