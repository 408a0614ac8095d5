"""The only caller of a sampler, for `refits` too: a resolved specification and rows become a DataTree of sorted draws.

Two engines compute the same density for nutpie's sampler. The compiled one (`bayesmix.engine`) is there at once. The
PyMC model is compiled once per specification and kept for the life of the process, so that refits on other rows
(``with_data``) cost a fraction of a second.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.blocks import Layout
from bayesmix.compiled import problem_of, why_not_covered
from bayesmix.convergence import ESS_MIN, RHAT_MAX, convergence, stack_draws
from bayesmix.data import Observations
from bayesmix.errors import InputError, SamplingError
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME, data_arrays, extra_weight_names, free_names, model_of
from bayesmix.posterior import FitInfo, Posterior, varying_names
from bayesmix.relabeling import permute, relabel, sorting_permutation, unwrap_angles
from bayesmix.schema import data_groups, tree_of, with_labels_of
from bayesmix.seeding import find_mode_table, seeding_of, starts_at
from bayesmix.settings import SamplerSettings

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem

__all__ = ["PACKAGES", "agree_on_labels", "choose_engine", "data_facts", "draw", "packed", "sample_pymc", "sampled"]

_SHORT_RUN = 1000
_PYMC_TUNE = 1000
_DIFFERENT_MODES = 1.1
_MAX_ROUNDS = 3
#: Starts, a little noise apart, whose log densities differ by less are in one mode.
_ONE_MODE = 6.0

PACKAGES = ("bayesmix", "pymc", "arviz", "nutpie", "numba", "numpy")
"""Whose versions a fit records."""


@dataclass(frozen=True, eq=False)
class _Run:
    """What an engine returns: its trees and how they came about."""

    posterior: "xr.Dataset"
    stats: "xr.Dataset"
    tune: int
    target_accept: float
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


def draw(
    resolved: Mixture, observations: Observations, settings: SamplerSettings, *, start: Mapping[str, Any] | None = None
) -> tuple["xr.DataTree", FitInfo]:
    """Draw from the posterior.

    A run of the compiled engine whose parameters miss R-hat <= 1.01 or an effective sample size of 400 is replaced by
    one that starts from its last draws and is twice, then four times as long, thinned to the number of draws asked
    for; one with divergent draws by one with smaller steps (`target_accept` halfway to 1). Runs that were asked to be
    short (below 1000 draws in all), and runs whose chains sit in different modes (R-hat above 1.1), are left as they
    are; but where all chains began in one mode and some left it, the run is made again.

    Parameters
    ----------
    resolved : Mixture
        With a prior for every parameter.
    observations : Observations
    settings : SamplerSettings
    start : mapping, optional
        Weights and parameters that all chains start at, see `bayesmix.seeding.starts_at`, instead of where their own
        searches end; the compiled engine only. Chains that all begin in one mode cannot tell of others; ``modes`` does.

    Returns
    -------
    DataTree
        ``posterior`` holds the sorted ``w``, ``mu``, … and the free variables behind them, permuted by the same order
        (exact, since the components are exchangeable), so that PyMC's own functions read this tree correctly. The
        compiled engine adds ``modes``.
    FitInfo

    Raises
    ------
    InputError
        If a start does not fit the specification, or the engine is PyMC's.
    SamplingError
        If the sampler fails.
    """
    engine, reason = choose_engine(resolved, settings.engine)
    if start is not None and engine != "compiled":
        raise InputError(f"start must go with the compiled engine, got engine {engine!r} ({reason}). Leave start out.")
    seed = settings.random_seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    started = time.perf_counter()
    if engine == "compiled":
        run = _run_compiled(resolved, observations, settings, seed, start)
    else:
        run = _run_pymc(resolved, observations, settings, seed)
    info = FitInfo(
        engine=engine,
        engine_reason=reason + run.remark,
        rounds=run.rounds,
        thin=run.thin,
        draws=settings.draws,
        tune=run.tune,
        chains=settings.chains,
        target_accept=float(run.target_accept),
        random_seed=int(seed),
        seconds=time.perf_counter() - started,
        versions={name: version(name) for name in PACKAGES},
        **data_facts(observations),
    )
    return _tree(run, resolved, observations, info), info


def data_facts(observations: Observations) -> dict[str, Any]:
    """Return what `FitInfo` says of the rows."""
    return {
        "digest": observations.digest,
        "n": observations.n,
        "total": observations.total,
        "name": observations.name,
        "layout": Layout.of(observations),
        "measure": observations.measure,
        "compression": None if observations.compression is None else observations.compression.info,
    }


def _tree(run: _Run, resolved: Mixture, observations: Observations, info: FitInfo) -> "xr.DataTree":
    groups = {
        "posterior": with_labels_of(resolved, run.posterior),
        "sample_stats": run.stats,
        **data_groups(observations),
        **{name: with_labels_of(resolved, group) for name, group in run.more.items()},
    }
    return tree_of(groups, info.drawn_by, sampling_time=info.seconds, tuning_steps=info.tune)


def _run_compiled(
    resolved: Mixture,
    observations: Observations,
    settings: SamplerSettings,
    seed: int,
    start: Mapping[str, Any] | None = None,
) -> _Run:
    """Sample on the compiled engine, continuing where checks are missed."""
    from bayesmix.engine import nutpie_bridge, start_points

    laid = problem_of(resolved, observations)
    problem = laid.problem
    seeding = seeding_of(resolved, laid.layout, problem, laid.cells)
    adaptation = nutpie_bridge.adaptation_for(observations.total, resolved.n_components)
    tune = settings.tune or (500 if adaptation == "low_rank" else 1000)
    through = nutpie_bridge.best_door(problem)
    if start is None:
        first = starts = start_points(problem, seeding, settings.chains, seed)
    else:
        first = starts = starts_at(resolved, problem, start, settings.chains, seed)
    options: dict[str, Any] = {"adaptation": adaptation, "through": through, "tune": tune}
    factor, target = 1, settings.target_accept
    for rounds in range(1, _MAX_ROUNDS + 1):
        # A later round has a stream of its own, not that of the neighbouring seed.
        own = seed if rounds == 1 else int(np.random.SeedSequence([seed, rounds]).generate_state(1)[0])
        options |= {"seed": own, "draws": settings.draws * factor, "target_accept": target}
        posterior, stats = _sample_compiled(problem, starts, settings, options)
        last = _last_points(problem, posterior)
        posterior, stats = agree_on_labels(_sorted_first(posterior, resolved), stats, resolved, observations)
        table = _parameter_convergence(posterior, resolved)
        longer, smaller = _worth_continuing(table, settings), bool(stats["diverging"].any()) and _long(settings)
        astray = _chains_went_astray(problem, first, table, settings)
        if rounds == _MAX_ROUNDS or not (longer or smaller or astray):
            break
        starts, factor = first if astray else last, factor * 2 if longer else factor
        target = (1 + target) / 2 if smaller else target
    renumbered = {"draw": np.arange(settings.draws)}
    return _Run(
        posterior.isel(draw=slice(None, None, factor)).assign_coords(renumbered),
        _thin_stats(stats, factor).assign_coords(renumbered),
        tune,
        target,
        rounds,
        factor,
        {"modes": find_mode_table(problem, seeding, seed), "convergence": _as_dataset(table)},
        ("" if through == "pointer" else "; through nutpie's slower public interface, since its internals have moved")
        + ("" if start is None else "; all chains started at given parameters"),
    )


def agree_on_labels(
    posterior: "xr.Dataset", stats: "xr.Dataset", resolved: Mixture, observations: Observations
) -> tuple["xr.Dataset", "xr.Dataset"]:
    """Relabel the draws where no one order separates the components, and note which of them stay ambiguous."""
    if resolved.relabelled:
        permutation, ambiguous = relabel(_bare(posterior, resolved, observations))
        posterior = permute(posterior, resolved, permutation)
        shape = (posterior.sizes["chain"], posterior.sizes["draw"])
        stats = stats.assign(label_ambiguous=(("chain", "draw"), ambiguous.reshape(shape)))
    return unwrap_angles(posterior, resolved), stats


def _bare(posterior: "xr.Dataset", resolved: Mixture, observations: Observations) -> Posterior:
    """Return draws as a `Posterior` before there is a fit."""
    import xarray as xr

    unknown: dict[str, Any] = dict.fromkeys(("engine", "engine_reason"), "")
    unknown |= dict.fromkeys(("rounds", "thin", "tune", "random_seed"), 1)
    sizes: dict[str, Any] = {"draws": posterior.sizes["draw"], "chains": posterior.sizes["chain"]}
    info = FitInfo(**unknown, **sizes, target_accept=0.9, seconds=0.0, versions={}, **data_facts(observations))
    return Posterior(resolved, resolved, xr.DataTree.from_dict({"posterior": posterior}), info, observations)


def _sample_compiled(
    problem: "Problem", starts: Any, settings: SamplerSettings, options: dict[str, Any]
) -> tuple["xr.Dataset", "xr.Dataset"]:
    from bayesmix.engine import nutpie_bridge

    return sampled(
        lambda: nutpie_bridge.sample(
            problem,
            starts,
            cores=settings.cores,
            save_warmup=False,
            progress_bar=settings.progressbar,
            **options,
        ),
        options["draws"],
    )


def _parameter_convergence(posterior: "xr.Dataset", resolved: Mixture) -> pd.DataFrame:
    return convergence(*stack_draws(with_labels_of(resolved, posterior[varying_names(resolved)])))


def _chains_went_astray(problem: "Problem", starts: Any, table: pd.DataFrame, settings: SamplerSettings) -> bool:
    """Whether chains ended in different modes although all searches had found one and the same.

    A chain may leave its mode in the first wild steps of the warm-up and get caught in one with no mass to speak of;
    the run is then made again. Where the searches found several modes with mass, disagreement is a finding and stays.
    """
    if not _long(settings) or not table["r_hat"].max() > _DIFFERENT_MODES:
        return False
    return bool(np.ptp([problem.logp_and_grad(x)[0] for x in starts]) < _ONE_MODE)


def _long(settings: SamplerSettings) -> bool:
    return settings.draws * settings.chains >= _SHORT_RUN


def _worth_continuing(table: pd.DataFrame, settings: SamplerSettings) -> bool:
    worst = table["r_hat"].max()
    if not _long(settings) or worst > _DIFFERENT_MODES:
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
    return np.array([packed(problem, posterior.isel(chain=c, draw=-1)) for c in range(posterior.sizes["chain"])])


def packed(problem: "Problem", one: "xr.Dataset") -> Any:
    """Return one draw as a point of the sampled space.

    Parameters
    ----------
    problem : Problem
    one : Dataset
        The variables of a fit's group ``posterior`` at one chain and draw.
    """
    weights = np.concatenate([np.atleast_1d(one[name].values) for name in (WEIGHTS_NAME, *problem.extra_weights)])
    return problem.pack(weights, {v.name: one[v.name].values for v in problem.variables})


def _sorted_first(posterior: "xr.Dataset", resolved: Mixture) -> "xr.Dataset":
    """Order the variables: the parameters first, free ones behind them."""
    names = [WEIGHTS_NAME, *extra_weight_names(resolved), *(v.name for v in resolved.variables)]
    return posterior[[*names, *free_names(resolved).values()]]


def sampled(run: Callable[[], Any], draws: int) -> tuple["xr.Dataset", "xr.Dataset"]:
    """Run nutpie, turn its failures and interrupts into clear ones, and tidy what it returns.

    Parameters
    ----------
    run : callable
        Calls nutpie.
    draws : int
        Draws per chain that it was asked for.

    Raises
    ------
    SamplingError
        If the sampler fails.
    """
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
    return posterior.drop_vars("obs", errors="ignore"), stats


def _compiled(resolved: Mixture, observations: Observations) -> Any:
    """Return the compiled PyMC model of a specification and a kind of data, whatever the rows."""
    import nutpie

    missing = tuple(not column.present.all() for column in observations.columns)
    kind = (observations.weights is not None, observations.known is not None)
    key = (resolved, Layout.of(observations), kind, missing)
    if key not in _MODELS:
        if len(_MODELS) >= _MAX_MODELS:
            _MODELS.pop(next(iter(_MODELS)))
        _MODELS[key] = nutpie.compile_pymc_model(model_of(resolved, observations))
    return _MODELS[key]


_MODELS: dict[Any, Any] = {}
_MAX_MODELS = 32


def _run_pymc(resolved: Mixture, observations: Observations, settings: SamplerSettings, seed: int) -> _Run:
    posterior, stats = sample_pymc(resolved, observations, settings, seed)
    free = posterior[list(free_names(resolved).values())]
    order = sorting_permutation(free, resolved)
    if order is not None:
        posterior = posterior.assign(permute(free, resolved, order))
    posterior, stats = agree_on_labels(_sorted_first(posterior, resolved), stats, resolved, observations)
    return _Run(posterior, stats, settings.tune or _PYMC_TUNE, settings.target_accept)


def sample_pymc(
    resolved: Mixture, observations: Observations, settings: SamplerSettings, seed: int
) -> tuple["xr.Dataset", "xr.Dataset"]:
    """Sample the PyMC model; return its draws and their statistics.

    Parameters
    ----------
    resolved : Mixture
    observations : Observations
    settings : SamplerSettings
    seed : int
    """
    import nutpie

    compiled = _compiled(resolved, observations)
    read = {variable.name for variable in compiled.shared_var_keys}  # what the density does not read is not there
    arrays = data_arrays(resolved, observations)
    model = compiled.with_data(**{name: value for name, value in arrays.items() if name in read})
    return sampled(
        lambda: nutpie.sample(
            model,
            draws=settings.draws,
            tune=settings.tune or _PYMC_TUNE,
            chains=settings.chains,
            cores=settings.cores,
            seed=seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=settings.progressbar,
        ),
        settings.draws,
    )
