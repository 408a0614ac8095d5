"""The only caller of a sampler: a resolved specification and rows become a DataTree of sorted draws.

Two engines compute the same density for nutpie's sampler. The compiled one (`bayesmix.engine`) is there at once. The
PyMC model is compiled once per specification and kept for the life of the process, so that refits on other rows
(``with_data``) cost a fraction of a second.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.compiled import find_mode_table, problem_of, why_not_covered
from bayesmix.convergence import ESS_MIN, RHAT_MAX, convergence, stack_draws
from bayesmix.data import Observations
from bayesmix.errors import InputError, SamplingError
from bayesmix.mixture import Mixture
from bayesmix.model import DATA_NAME, OBSERVED_NAME, ROW_WEIGHTS_NAME, WEIGHTS_NAME, free_names, model_of
from bayesmix.posterior import FitInfo
from bayesmix.settings import SamplerSettings

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem

__all__ = ["choose_engine", "draw", "permute"]

_SHORT_RUN = 1000
_DIFFERENT_MODES = 1.1

_PACKAGES = ("bayesmix", "pymc", "arviz", "nutpie", "numba", "numpy")


@dataclass(frozen=True, eq=False)
class _Run:
    """What an engine returns: its trees and how they came about."""

    posterior: "xr.Dataset"
    stats: "xr.Dataset"
    tune: int
    rounds: int = 1
    thin: int = 1
    more: "Mapping[str, xr.Dataset]" = field(default_factory=dict)
    remark: str = ""


def choose_engine(resolved: Mixture, wanted: str) -> tuple[str, str]:
    """Return the engine to use and why.

    Parameters
    ----------
    resolved : Mixture
    wanted : {"auto", "compiled", "pymc"}

    Raises
    ------
    InputError
        If the compiled engine is asked for by name but does not cover the specification.
    """
    missing = why_not_covered(resolved)
    if wanted == "pymc":
        return "pymc", "asked for"
    if wanted == "compiled":
        if missing is not None:
            raise InputError(
                f"engine='compiled' must cover the specification, but {missing}. Use engine='auto' or 'pymc'."
            )
        return "compiled", "asked for"
    if missing is not None:
        return "pymc", missing
    return "compiled", "it covers the family and the priors"


def draw(resolved: Mixture, observations: Observations, settings: SamplerSettings) -> tuple["xr.DataTree", FitInfo]:
    """Draw from the posterior.

    A run of the compiled engine whose parameters miss R-hat <= 1.01 or an effective sample size of 400 is replaced by
    one that starts from its last draws and is twice, then four times as long, thinned to the number of draws asked
    for. Runs that were asked to be short (below 1000 draws in all), and runs whose chains sit in different modes (R-hat
    above 1.1), are left as they are.

    Parameters
    ----------
    resolved : Mixture
        With a prior for every parameter.
    observations : Observations
    settings : SamplerSettings

    Returns
    -------
    DataTree
        ``posterior`` holds the sorted ``w``, ``mu``, … and the free variables behind them, permuted by the same order
        (exact, since the components are exchangeable), so that PyMC's own functions read this tree correctly. The
        compiled engine adds ``modes``.
    FitInfo

    Raises
    ------
    SamplingError
        If the sampler fails.
    """
    engine, reason = choose_engine(resolved, settings.engine)
    seed = settings.random_seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    started = time.perf_counter()
    run = (_run_compiled if engine == "compiled" else _run_pymc)(resolved, observations, settings, seed)
    info = FitInfo(
        engine=engine,
        engine_reason=reason + run.remark,
        rounds=run.rounds,
        thin=run.thin,
        draws=settings.draws,
        tune=run.tune,
        chains=settings.chains,
        target_accept=float(settings.target_accept),
        random_seed=int(seed),
        seconds=time.perf_counter() - started,
        digest=observations.digest,
        n=observations.n,
        total=observations.total,
        name=observations.name,
        versions={name: version(name) for name in _PACKAGES},
    )
    return _tree(run, resolved, observations), info


def _tree(run: _Run, resolved: Mixture, observations: Observations) -> "xr.DataTree":
    import xarray as xr

    observed = xr.Dataset({OBSERVED_NAME: ("obs", observations.values)}, coords={"obs": observations.coordinate})
    return xr.DataTree.from_dict(
        {
            "posterior": run.posterior.assign_coords(component=np.arange(resolved.n_components)),
            "sample_stats": run.stats,
            "observed_data": observed,
            **run.more,
        }
    )


def _run_compiled(resolved: Mixture, observations: Observations, settings: SamplerSettings, seed: int) -> _Run:
    """Sample on the compiled engine, continuing where checks are missed."""
    from bayesmix.engine import nutpie_bridge, start_points

    problem = problem_of(resolved, observations)
    adaptation = nutpie_bridge.adaptation_for(observations.total, resolved.n_components)
    tune = settings.tune or (500 if adaptation == "low_rank" else 1000)
    through = nutpie_bridge.best_door(problem)
    starts = start_points(problem, settings.chains, seed)
    options: dict[str, Any] = {"adaptation": adaptation, "through": through}
    for rounds, factor in enumerate((1, 2, 4), start=1):
        # A later round has a stream of its own, not that of the neighbouring seed.
        own = seed if rounds == 1 else int(np.random.SeedSequence([seed, rounds]).generate_state(1)[0])
        options |= {"seed": own, "draws": settings.draws * factor, "tune": tune}
        posterior, stats = _sample_compiled(problem, starts, settings, options)
        posterior = _sorted_first(posterior, resolved)
        table = _parameter_convergence(posterior, resolved)
        if rounds == 3 or not _worth_continuing(table, settings):
            break
        starts = _last_points(problem, posterior)
    renumbered = {"draw": np.arange(settings.draws)}
    return _Run(
        posterior.isel(draw=slice(None, None, factor)).assign_coords(renumbered),
        _thin_stats(stats, factor).assign_coords(renumbered),
        tune,
        rounds,
        factor,
        {"modes": find_mode_table(problem, seed), "convergence": _as_dataset(table)},
        "" if through == "pointer" else "; through nutpie's slower public interface, since its internals have moved",
    )


def _sample_compiled(
    problem: "Problem", starts: Any, settings: SamplerSettings, options: dict[str, Any]
) -> tuple["xr.Dataset", "xr.Dataset"]:
    from bayesmix.engine import nutpie_bridge

    return _sampled(
        lambda: nutpie_bridge.sample(
            problem,
            starts,
            cores=settings.cores,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=settings.progressbar,
            **options,
        ),
        options["draws"],
    )


def _parameter_convergence(posterior: "xr.Dataset", resolved: Mixture) -> pd.DataFrame:
    names = [WEIGHTS_NAME] if resolved.n_components > 1 else []
    return convergence(*stack_draws(posterior[[*names, *(p.name for p in resolved.family.parameters)]]))


def _worth_continuing(table: pd.DataFrame, settings: SamplerSettings) -> bool:
    worst = table["r_hat"].max()
    if settings.draws * settings.chains < _SHORT_RUN or worst > _DIFFERENT_MODES:
        return False
    return bool(worst > RHAT_MAX or table[["ess_bulk", "ess_tail"]].min().min() < ESS_MIN)


def _as_dataset(table: pd.DataFrame) -> "xr.Dataset":
    import xarray as xr

    values = {str(name): ("quantity", table[name].to_numpy()) for name in table}
    return xr.Dataset(values, {"quantity": np.asarray(table.index, dtype=object)})


def _thin_stats(stats: "xr.Dataset", factor: int) -> "xr.Dataset":
    """Keep every `factor`-th draw's statistics, but no warning less.

    A kept draw counts as divergent, or as having hit the largest tree, where any draw of its window did; E-BFMI needs
    consecutive energies and is computed from all of them.
    """
    import xarray as xr
    from arviz_stats import bfmi

    whole = xr.DataTree.from_dict({"sample_stats": stats})
    thinned = stats.isel(draw=slice(None, None, factor))
    for name in ("diverging", "maxdepth_reached"):
        if name in stats:
            thinned[name] = (
                ("chain", "draw"),
                stats[name].values.reshape(stats.sizes["chain"], -1, factor).any(axis=-1),
            )
    return thinned.assign(bfmi=("chain", np.ravel(bfmi(whole)["energy"].values)))


def _last_points(problem: "Problem", posterior: "xr.Dataset") -> Any:
    last = posterior.isel(draw=-1)
    return np.array(
        [
            problem.pack(*(last[name].isel(chain=c).values for name in ("w", "mu", "sigma")))
            for c in range(last.sizes["chain"])
        ]
    )


def _sorted_first(posterior: "xr.Dataset", resolved: Mixture) -> "xr.Dataset":
    """Order the variables: sorted ones first, free ones behind them."""
    names = [WEIGHTS_NAME, *(p.name for p in resolved.family.parameters)]
    return posterior[[*names, *free_names(resolved).values()]]


def _sampled(run: Callable[[], Any], draws: int) -> tuple["xr.Dataset", "xr.Dataset"]:
    """Run nutpie, turn its failures and interrupts into clear ones, and tidy what it returns."""
    try:
        trace = run()
    except (RuntimeError, ValueError) as error:
        # nutpie appends a stack trace of its own; its first line says what happened.
        first_line = (str(error).strip() or repr(error)).splitlines()[0]
        raise SamplingError(
            f"the sampler stopped without draws: {first_line}. "
            "Check that the priors allow the data; wider priors or fewer components usually help."
        ) from error
    posterior = trace["posterior"].to_dataset()
    if posterior.sizes["draw"] < draws:
        # nutpie hands back what it has when it is interrupted; a short run must not pass for a whole one.
        raise KeyboardInterrupt
    stats = trace["sample_stats"].to_dataset().drop_vars("divergence_message", errors="ignore")
    return posterior.drop_vars("obs", errors="ignore").assign_attrs(inference_library="nutpie"), stats


@lru_cache(maxsize=32)
def _compiled(resolved: Mixture, weighted: bool) -> Any:
    import nutpie

    values = np.arange(resolved.n_components + 1.0)
    weights = np.ones(values.size) if weighted else None
    placeholder = Observations(values, pd.RangeIndex(values.size), OBSERVED_NAME, weights)
    return nutpie.compile_pymc_model(model_of(resolved, placeholder))


def _run_pymc(resolved: Mixture, observations: Observations, settings: SamplerSettings, seed: int) -> _Run:
    import nutpie

    data = {DATA_NAME: observations.values}
    if observations.weights is not None:
        data[ROW_WEIGHTS_NAME] = observations.weights
    model = _compiled(resolved, observations.weights is not None).with_data(**data)
    tune = settings.tune or 1000
    posterior, stats = _sampled(
        lambda: nutpie.sample(
            model,
            draws=settings.draws,
            tune=tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=settings.progressbar,
        ),
        settings.draws,
    )
    free = posterior[list(free_names(resolved).values())]
    return _Run(_sorted_first(posterior.assign(permute(free, resolved)), resolved), stats, tune)


def permute(free: "xr.Dataset", resolved: Mixture) -> "xr.Dataset":
    """Put the free variables of every draw into the order of the sorted ones.

    Parameters
    ----------
    free : Dataset
        Free variables with dims (chain, draw[, component]).
    resolved : Mixture

    Returns
    -------
    Dataset
    """
    if resolved.sort_key is None:
        return free
    # Links and PyMC's transforms increase, so sorting the free variable sorts the parameter.
    order = free[free_names(resolved)[resolved.sort_key]].argsort(axis=-1)

    def reorder(variable: "xr.DataArray") -> "xr.DataArray":
        if "component" not in variable.dims:
            return variable
        return variable.copy(data=np.take_along_axis(variable.values, order.values, axis=-1))

    return free.map(reorder)
