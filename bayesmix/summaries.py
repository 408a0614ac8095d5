"""`Summarised`: a posterior with the methods on the whole mixture, each a line that calls the module for it."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from bayesmix import criteria, diagnostics, evidence, prediction
from bayesmix.errors import InputError
from bayesmix.exact import repaired_loo
from bayesmix.fidelity import CompressionEffect, compression_error
from bayesmix.grouping import Grouped
from bayesmix.intervals import credible_interval
from bayesmix.model import model_of
from bayesmix.posterior import Posterior, model_variables
from bayesmix.settings import generator

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["Summarised"]


class Summarised(Grouped):
    """The model, whether its draws can be trusted, its parameters and densities, and how well it predicts."""

    @cached_property
    def model(self) -> "pm.Model":
        """The plain PyMC model behind the fit, with the resolved priors; ``pm.sample_posterior_predictive`` reads it.

        Examples
        --------
        >>> sorted(rv.name for rv in fit.model.free_RVs)
        ['mu_z', 'sigma_z', 'w_free']
        """
        return model_of(self.resolved, self.observations)

    def __getstate__(self) -> dict[str, object]:
        """Return what copies and pickles hold: all but PyMC's model, which cannot be pickled and is made again."""
        return {name: value for name, value in vars(self).items() if name != "model"}

    @cached_property
    def _diagnosis(self) -> diagnostics.Diagnosis:
        return diagnostics.check(self)

    def check(self) -> diagnostics.Diagnosis:
        """Say whether the fit converged, and if not what to do.

        Returns
        -------
        Diagnosis
            ``ok`` when every R-hat <= 1.01, every bulk and tail ESS >= 400, nothing diverged, E-BFMI >= 0.3, and no
            other sort key labels the draws far better.

        References
        ----------
        Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved
        R-hat, Bayesian Analysis 16, 667-718. Betancourt (2016), Diagnosing suboptimal cotangent disintegrations.

        Examples
        --------
        >>> fit.check().ok
        True
        """
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

        Examples
        --------
        >>> fit.summary().index.tolist()
        ['w[0]', 'w[1]', 'mu[0]', 'mu[1]', 'sigma[0]', 'sigma[1]']
        >>> fit.summary(var_names="mu", ci_prob=0.95).columns.tolist()
        ['mean', 'sd', 'eti95_lb', 'eti95_ub', 'ess_bulk', 'ess_tail', 'r_hat', 'mcse_mean', 'mcse_sd']
        """
        from arviz_stats import summary

        interval = credible_interval(ci_prob, ci_kind)
        names = _known_variables(self, var_names)
        table: pd.DataFrame = summary(self.idata, var_names=names, ci_prob=interval.prob, ci_kind=interval.kind)
        return table

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

        Returns
        -------
        Dataset
            Dim ``grid``: ``density`` (posterior mean: the predictive density of a new row) with ``density_lb`` and
            ``density_ub``; dims (component, grid): ``component_density`` (``w[k] * f[k]``) with the same two. Units are
            1 / the data's units, or probabilities for counts and categories; ``attrs["interval"]`` names the interval.

        Examples
        --------
        >>> density = fit.density([15.0, 20.0, 25.0])
        >>> dict(density.sizes), list(density.data_vars)
        ({'grid': 3, 'component': 2}, ['density', 'density_lb', 'density_ub', 'component_density',
        'component_density_lb', 'component_density_ub'])
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

        Examples
        --------
        >>> dict(fit.simulate(3, random_seed=1).sizes)
        {'dataset': 3, 'obs': 19}
        """
        return prediction.simulate(self, n_datasets, n_obs, generator(random_seed))

    @property
    def modes(self) -> pd.DataFrame:
        """Distinct modes of the posterior that the search for starting points found, one row per mode and component.

        Columns ``w``, the parameters, ``log_posterior``, ``log_mass`` (Laplace's approximation) and ``hits``; a row for
        each entry where a parameter has several (columns, categories). Empty on the PyMC engine, which makes no such
        search.

        Examples
        --------
        >>> fit.modes.columns.tolist()
        ['w', 'mu', 'sigma', 'log_posterior', 'log_mass', 'hits']
        """
        if "modes" not in self.idata.children:
            return pd.DataFrame()
        return self.idata["modes"].to_dataset().to_dataframe()

    def draws(self) -> pd.DataFrame:
        """Return one row per chain, draw and component with the sorted parameters as columns.

        Returns
        -------
        DataFrame
            Columns ``chain``, ``draw``, ``component``, ``w`` and the families' parameters; shared ones repeat. A
            parameter with several entries has a column for each, ``mu[length]``.

        Examples
        --------
        >>> fit.draws().columns.tolist()
        ['chain', 'draw', 'component', 'w', 'mu', 'sigma']
        >>> len(fit.draws())  # 4 chains of 2000 draws, 2 components
        16000
        """
        return prediction.tidy_draws(self)

    def compression_error(self) -> CompressionEffect:
        """Measure what compressing the rows did to the fit, where they came from `bayesmix.compress`.

        Returns
        -------
        CompressionEffect
            By parameter how far its posterior mean would move without compression, with standard errors, and a verdict
            in words. `check` includes the verdict.

        Examples
        --------
        >>> y = np.random.default_rng(1).normal(size=2_000)
        >>> few = bm.compress(y, max_distinct=100, random_seed=1)
        >>> effect = bm.Mixture(1).fit(few, random_seed=1, progressbar=False).compression_error()
        >>> effect.negligible
        True
        """
        return compression_error(self)

    def loo(self, *, exact: bool = False, repair: bool = True) -> Any:
        """Return LOO as ArviZ's ``ELPDData``: by PSIS, and by refits for rows that PSIS cannot be trusted for.

        Parameters
        ----------
        exact : bool, default False
            Refit without every distinct row: brute force, a fraction of a second for each on small data.
        repair : bool, default True
            Whether rows whose Pareto k exceeds ``good_k`` are left out by a refit each.

        Returns
        -------
        arviz_stats.ELPDDataLOO or arviz_stats.ELPDDataLOOSubsample
            Pointwise over the fitted rows; ``pareto_k`` stays that of PSIS, and ``warning`` says whether any row above
            the limit was left as it is. Above 2000 distinct values a random sample of the rows, whose
            ``subsampling_se`` is the error that adds.

        References
        ----------
        Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and
        WAIC, Statistics and Computing 27, 1413-1432. Magnusson, Vehtari, Jonasson & Andersen (2020), Leave-one-out
        cross-validation for Bayesian model comparison in large data, AISTATS 108, 341-351.

        Examples
        --------
        >>> round(float(fit.loo().elpd)), fit.loo().kind
        (-53, 'loo')
        """
        rows = repaired_loo(self, exact=exact) if exact or repair else criteria.pointwise_loo(self)
        return criteria.loo_of(rows, self)

    def log_evidence(
        self, *, method: Literal["auto", "bridge", "smc"] = "auto", random_seed: int | None = None
    ) -> evidence.Evidence:
        """Return the log marginal likelihood of the data under the specification, with its Monte-Carlo error.

        Parameters
        ----------
        method : {"auto", "bridge", "smc"}, default "auto"
            Bridge sampling (Meng & Wong 1996), tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006), or
            bridge sampling first and whatever it takes to bring the standard error down to 0.1.
        random_seed : int, optional
            By default the fit's own, so that the same fit gives the same number.

        Returns
        -------
        Evidence

        Raises
        ------
        InputError
            For fits with weights that are no counts, or saved without data.

        References
        ----------
        Frühwirth-Schnatter (2004), Estimating marginal likelihoods for mixture and Markov switching models using bridge
        sampling techniques, Econometrics Journal 7, 143-167.

        Examples
        --------
        >>> evidence = fit.log_evidence()
        >>> round(evidence.value), evidence.method
        (-55, 'bridge')
        """
        return evidence.log_evidence(self, method=method, random_seed=random_seed)

    def waic(self) -> criteria.WAIC:
        """Return WAIC. PSIS-LOO is the better default, and `loo` repairs it.

        Returns
        -------
        WAIC
            By ``elpd_i = log(mean_s exp(l_si)) - var_s(l_si)`` over the log-likelihoods of row i in draw s (Gelman,
            Hwang & Vehtari 2014, Statistics and Computing 24, 997-1016, equations 12 and 13).

        Examples
        --------
        >>> fit.waic().elpd_i.shape
        (19,)
        """
        return criteria.waic(self)


def _known_variables(posterior: Posterior, var_names: str | Sequence[str] | None) -> list[str]:
    known = model_variables(posterior)
    if var_names is None:
        return known
    names = [var_names] if isinstance(var_names, str) else list(var_names)
    allowed = [str(name) for name in posterior.idata["posterior"].data_vars]
    unknown = [name for name in names if name not in allowed]
    if unknown or not names:
        raise InputError(f"var_names must be among {allowed}, got {unknown or names}. Leave it out for {known}.")
    return names
