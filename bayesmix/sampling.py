"""The only caller of a sampler: a resolved specification and rows become a DataTree of sorted draws.

Two engines compute the same density for nutpie's sampler. The compiled one (`bayesmix.engine`) is there at once. The
PyMC model is compiled once per specification and kept for the life of the process, so that refits on other rows
(``with_data``) cost a fraction of a second.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from bayesmix.compiled import find_mode_table, problem_of, why_not_covered
from bayesmix.data import Observations
from bayesmix.errors import InputError, SamplingError
from bayesmix.mixture import Mixture
from bayesmix.model import DATA_NAME, OBSERVED_NAME, ROW_WEIGHTS_NAME, WEIGHTS_NAME, free_names, model_of
from bayesmix.posterior import ESS_MIN, RHAT_MAX, FitInfo

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem

__all__ = ["SamplerSettings", "adaptation_for", "choose_engine", "draw", "permute"]

_SHORT_RUN = 1000
_DIFFERENT_MODES = 1.1
_LOW_RANK_ROWS = 2000

_PACKAGES = ("bayesmix", "pymc", "arviz", "nutpie", "numba", "numpy")


@dataclass(frozen=True)
class SamplerSettings:
    """Settings of a run, checked.

    Parameters
    ----------
    draws : int, default 2000
        Kept draws per chain.
    tune : int, default 1000
        Discarded adaptation draws per chain.
    chains : int, default 4
        Independent chains; at least 2, since one chain cannot show that it has not converged.
    target_accept : float, default 0.9
        Acceptance rate that step sizes are adapted to; nearer 1 means smaller steps.
    cores : int, optional
        Chains run at once; None lets the sampler decide.
    random_seed : int, optional
        Same seed, same numbers; None draws a fresh one, which is recorded.
    engine : {"auto", "compiled", "pymc"}, default "auto"
        "auto" takes the compiled engine wherever it covers the specification.
    progressbar : bool, default True
        Whether to show progress.
    """

    draws: int = 2000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.9
    cores: int | None = None
    random_seed: int | None = None
    engine: str = "auto"
    progressbar: bool = True

    def __post_init__(self) -> None:
        for name, least in (("draws", 4), ("tune", 1), ("chains", 2), ("cores", 1), ("random_seed", 0)):
            value = getattr(self, name)
            if value is None and name in ("cores", "random_seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise InputError(f"{name} must be an integer >= {least}, got {value!r}. {_HINTS[name]}")
        if self.engine not in ("auto", "compiled", "pymc"):
            raise InputError(
                f"engine must be 'auto', 'compiled' or 'pymc', got {self.engine!r}. Leave it out for 'auto'."
            )
        if isinstance(self.target_accept, bool) or not 0 < float(self.target_accept) < 1:
            raise InputError(
                f"target_accept must lie strictly between 0 and 1, got {self.target_accept!r}. The default is 0.9."
            )


_HINTS = {
    "draws": "The default is 2000.",
    "tune": "The default is 1000.",
    "chains": "Convergence is judged by comparing chains; the default is 4.",
    "cores": "Leave it out to let the sampler decide.",
    "random_seed": "Leave it out to draw a fresh seed.",
}


@dataclass(frozen=True, eq=False)
class _Run:
    """One run of a sampler: its trees, and the space it leaves to continue from."""

    posterior: "xr.Dataset"
    stats: "xr.Dataset"


def choose_engine(resolved: Mixture, observations: Observations, wanted: str) -> tuple[str, str]:
    """Return the engine to use and why.

    Parameters
    ----------
    resolved : Mixture
    observations : Observations
    wanted : {"auto", "compiled", "pymc"}

    Raises
    ------
    InputError
        If the compiled engine is asked for by name but does not cover the specification, or weights that the PyMC
        model cannot write are given to it.
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

    A run of the compiled engine that misses R-hat <= 1.01 or an effective sample size of 400 is continued from its last
    draws, twice and then four times as long, and thinned to the number of draws asked for. Runs that were asked to be
    short (below 1000 draws in all), and runs whose chains sit in different modes (R-hat above 1.1), are not.

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
    import xarray as xr

    engine, reason = choose_engine(resolved, observations, settings.engine)
    seed = settings.random_seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    started = time.perf_counter()
    groups: dict[str, xr.Dataset] = {}
    rounds, thin = 1, 1
    if engine == "compiled":
        problem = problem_of(resolved, observations)
        groups["modes"] = find_mode_table(problem, seed)
        run, rounds, thin = _run_compiled(problem, resolved, settings, seed)
    else:
        run = _run_pymc(resolved, observations, settings, seed)
    groups = {
        "posterior": run.posterior.assign_coords(component=np.arange(resolved.n_components)),
        "sample_stats": run.stats,
        "observed_data": xr.Dataset(
            {OBSERVED_NAME: ("obs", observations.values)}, coords={"obs": observations.coordinate}
        ),
        **groups,
    }
    info = FitInfo(
        engine=engine,
        engine_reason=reason,
        rounds=rounds,
        thin=thin,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        target_accept=float(settings.target_accept),
        random_seed=int(seed),
        seconds=time.perf_counter() - started,
        digest=observations.digest,
        n=observations.n,
        name=observations.name,
        versions={name: version(name) for name in _PACKAGES},
    )
    return xr.DataTree.from_dict(groups), info


def _run_compiled(problem: "Problem", resolved: Mixture, settings: SamplerSettings, seed: int) -> tuple[_Run, int, int]:
    """Sample on the compiled engine, continuing where checks are missed; also the number of runs and the thinning."""
    from bayesmix.engine import start_points

    starts = start_points(problem, settings.chains, seed)
    for rounds, factor in enumerate((1, 2, 4), start=1):
        run = _nutpie_compiled(problem, starts, settings, seed + rounds - 1, factor)
        run = _Run(_sorted_first(run.posterior, resolved), run.stats)
        if rounds == 3 or not _worth_continuing(run.posterior, resolved, settings):
            break
        starts = _last_points(problem, run.posterior)
    kept = slice(None, None, factor)
    renumbered = {"draw": np.arange(settings.draws)}
    posterior = run.posterior.isel(draw=kept).assign_coords(renumbered)
    return _Run(posterior, run.stats.isel(draw=kept).assign_coords(renumbered)), rounds, factor


def _nutpie_compiled(problem: "Problem", starts: Any, settings: SamplerSettings, seed: int, factor: int) -> _Run:
    from bayesmix.engine import nutpie_bridge

    return _sampled(
        lambda: nutpie_bridge.sample(
            problem,
            starts,
            seed=seed,
            draws=settings.draws * factor,
            tune=settings.tune,
            cores=settings.cores,
            target_accept=settings.target_accept,
            adaptation=adaptation_for(problem),
            save_warmup=False,
            progress_bar=settings.progressbar,
        ),
        settings.draws * factor,
    )


def adaptation_for(problem: "Problem") -> Literal["diag", "low_rank"]:
    """Return the mass matrix that fits the problem: correlations grow with the rows, and low rank follows them."""
    return "low_rank" if problem.row_counts.sum() >= _LOW_RANK_ROWS else "diag"


def _worth_continuing(posterior: "xr.Dataset", resolved: Mixture, settings: SamplerSettings) -> bool:
    from arviz_stats import ess, rhat

    if settings.draws * settings.chains < _SHORT_RUN:
        return False
    names = [WEIGHTS_NAME] if resolved.n_components > 1 else []
    chosen = posterior[[*names, *(p.name for p in resolved.family.parameters)]]
    worst = float(rhat(chosen).to_array().max())
    if worst > _DIFFERENT_MODES:
        return False
    effective = min(float(ess(chosen, method=m).to_array().min()) for m in ("bulk", "tail"))
    return worst > RHAT_MAX or effective < ESS_MIN


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


def _sampled(run: Callable[[], Any], draws: int) -> _Run:
    """Run nutpie, turn its failures and interrupts into clear ones, and tidy what it returns."""
    try:
        trace = run()
    except (RuntimeError, ValueError) as error:
        raise SamplingError(
            f"the sampler stopped without draws: {error}. "
            "Check that the priors allow the data; wider priors or fewer components usually help."
        ) from error
    posterior = trace["posterior"].to_dataset()
    if posterior.sizes["draw"] < draws:
        # nutpie hands back what it has when it is interrupted; a short run must not pass for a whole one.
        raise KeyboardInterrupt
    stats = trace["sample_stats"].to_dataset().drop_vars("divergence_message", errors="ignore")
    return _Run(posterior.drop_vars("obs", errors="ignore").assign_attrs(inference_library="nutpie"), stats)


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
    run = _sampled(
        lambda: nutpie.sample(
            model,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=settings.progressbar,
        ),
        settings.draws,
    )
    free = run.posterior[list(free_names(resolved).values())]
    return _Run(_sorted_first(run.posterior.assign(permute(free, resolved)), resolved), run.stats)


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
