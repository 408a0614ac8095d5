"""Draws of a fit's posterior given slightly other rows: quick, since the fit tells where to begin."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.compiled import problem_of
from bayesmix.data import Observations
from bayesmix.errors import InputError
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.sampling import packed, sample_pymc, sampled
from bayesmix.settings import SamplerSettings

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem

__all__ = ["Redraw", "redraw", "redrawn"]


@dataclass(frozen=True, eq=False)
class Redraw:
    """Draws given other rows, their labels as they come.

    Attributes
    ----------
    arrays : DrawArrays
        Flattened, chain after chain.
    chains : int
    divergences : int
        Divergent draws.
    """

    arrays: DrawArrays
    chains: int
    divergences: int


def redraw(posterior: Posterior, observations: Observations, settings: SamplerSettings) -> Redraw:
    """Draw again, given rows that are nearly the fitted ones, under the priors that the fit resolved.

    One run, without the search for modes and without agreeing on labels. The compiled engine starts its chains from
    draws of the fit, one from every stretch of the run, and by default warms up for 300 draws only (500 where it adapts
    a low-rank matrix). PyMC's engine runs as for a fit.

    Parameters
    ----------
    posterior : Posterior
    observations : Observations
        Cells of the same kind as the fitted ones, something observed in every column.
    settings : SamplerSettings
        With a random seed, and ``"compiled"`` or ``"pymc"`` as engine.

    Returns
    -------
    Redraw

    Raises
    ------
    InputError
        If there is no random seed or no engine is named.
    SamplingError
        If the sampler fails.
    """
    import xarray as xr

    drawn, stats = redrawn(posterior, observations, settings)
    tree = xr.DataTree.from_dict({"posterior": drawn})
    return Redraw(replace(posterior, idata=tree).arrays, settings.chains, int(stats["diverging"].sum()))


def redrawn(
    posterior: Posterior, observations: Observations, settings: SamplerSettings
) -> tuple["xr.Dataset", "xr.Dataset"]:
    """Return the draws that `redraw` makes with all variables, free ones too, and the sampler's statistics."""
    seed = settings.random_seed
    if seed is None or settings.engine == "auto":
        raise InputError(f"a redraw must have a random seed and an engine, got {settings}. Take them from the fit.")
    if settings.engine == "compiled":
        return _redraw_compiled(posterior, observations, settings, seed)
    return sample_pymc(posterior.resolved, observations, settings, seed)


def _redraw_compiled(
    posterior: Posterior, observations: Observations, settings: SamplerSettings, seed: int
) -> tuple["xr.Dataset", "xr.Dataset"]:
    from bayesmix.engine import nutpie_bridge

    problem = problem_of(posterior.resolved, observations).problem
    starts = _spread_points(problem, posterior.idata["posterior"].to_dataset(), settings.chains, seed)
    adaptation = nutpie_bridge.adaptation_for(observations.total, posterior.n_components)
    return sampled(
        lambda: nutpie_bridge.sample(
            problem,
            starts,
            seed=seed,
            draws=settings.draws,
            tune=settings.tune or (500 if adaptation == "low_rank" else 300),
            cores=settings.cores,
            target_accept=settings.target_accept,
            adaptation=adaptation,
            through=nutpie_bridge.best_door(problem),
            save_warmup=False,
            progress_bar=settings.progressbar,
        ),
        settings.draws,
    )


def _spread_points(problem: "Problem", draws: "xr.Dataset", chains: int, seed: int) -> Any:
    """Return a random draw from each of as many stretches of the run as there are to be chains."""
    rng, sizes, points = np.random.default_rng(seed), (draws.sizes["chain"], draws.sizes["draw"]), []
    for stretch in np.array_split(np.arange(sizes[0] * sizes[1]), chains):
        for at in rng.permutation(stretch):
            chain, number = np.unravel_index(at, sizes)
            with np.errstate(divide="ignore", invalid="ignore"):
                point = packed(problem, draws.isel(chain=int(chain), draw=int(number)))
            if np.isfinite(point).all():  # a weight that rounded to 0 has no place in the sampled space
                break
        points.append(point)
    return np.array(points)
