"""The only caller of a sampler: a resolved specification and rows become a DataTree of sorted draws.

The model is compiled once per specification by nutpie and kept for the life of the process, so that refits on other
rows (``with_data``) cost a fraction of a second.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.data import Observations
from bayesmix.errors import InputError, SamplingError
from bayesmix.mixture import Mixture
from bayesmix.model import DATA_NAME, OBSERVED_NAME, WEIGHTS_NAME, free_names, model_of
from bayesmix.posterior import FitInfo

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SamplerSettings", "draw", "permute"]

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
    progressbar : bool, default True
        Whether to show progress.
    """

    draws: int = 2000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.9
    cores: int | None = None
    random_seed: int | None = None
    progressbar: bool = True

    def __post_init__(self) -> None:
        for name, least in (("draws", 4), ("tune", 1), ("chains", 2), ("cores", 1), ("random_seed", 0)):
            value = getattr(self, name)
            if value is None and name in ("cores", "random_seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise InputError(f"{name} must be an integer >= {least}, got {value!r}. {_HINTS[name]}")
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


def draw(resolved: Mixture, observations: Observations, settings: SamplerSettings) -> tuple["xr.DataTree", FitInfo]:
    """Draw from the posterior.

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
        (exact, since the components are exchangeable), so that PyMC's own functions read this tree correctly.
    FitInfo

    Raises
    ------
    SamplingError
        If the sampler fails.
    """
    seed = settings.random_seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    started = time.perf_counter()
    trace = _run_nutpie(resolved, observations, settings, seed)
    tree = _assemble(trace, resolved, observations)
    info = FitInfo(
        engine="pymc",
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
    return tree, info


@lru_cache(maxsize=32)
def _compiled(resolved: Mixture) -> Any:
    import nutpie

    values = np.arange(resolved.n_components + 1.0)
    placeholder = Observations(values, pd.RangeIndex(values.size), OBSERVED_NAME)
    return nutpie.compile_pymc_model(model_of(resolved, placeholder))


def _run_nutpie(resolved: Mixture, observations: Observations, settings: SamplerSettings, seed: int) -> Any:
    import nutpie

    model = _compiled(resolved).with_data(**{DATA_NAME: observations.values})
    try:
        return nutpie.sample(
            model,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=settings.progressbar,
        )
    except RuntimeError as error:
        raise SamplingError(
            f"the sampler stopped without draws for {resolved}: {error}. "
            "Check that the priors allow the data; wider priors or fewer components usually help."
        ) from error


def _assemble(trace: Any, resolved: Mixture, observations: Observations) -> "xr.DataTree":
    import xarray as xr

    raw = trace["posterior"].to_dataset()
    names = free_names(resolved)
    sorted_names = [WEIGHTS_NAME, *(p.name for p in resolved.family.parameters)]
    posterior = raw[sorted_names].assign(permute(raw[list(names.values())], resolved))
    posterior = posterior.drop_vars("obs", errors="ignore").assign_coords(component=np.arange(resolved.n_components))
    posterior.attrs = dict(raw.attrs) | {"inference_library": "nutpie"}
    stats = trace["sample_stats"].to_dataset().drop_vars("divergence_message", errors="ignore")
    observed = xr.Dataset({OBSERVED_NAME: ("obs", observations.values)}, coords={"obs": observations.coordinate})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats, "observed_data": observed})


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
