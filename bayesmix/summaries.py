"""`Summarised`: a posterior with the methods that tell of the mixture as a whole, each a line that calls a module."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from bayesmix import criteria, diagnostics, evidence, prediction
from bayesmix.errors import InputError
from bayesmix.exact import repaired_loo
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
