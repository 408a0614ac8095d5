"""`Posterior`: what every statistic reads — the specification, the data and the draws, frozen together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DrawArrays", "FitInfo", "Posterior", "model_variables"]


@dataclass(frozen=True)
class FitInfo:
    """How the draws were made.

    Attributes
    ----------
    engine : {"compiled", "pymc"}
        What computed the density.
    engine_reason : str
        Why this engine.
    rounds : int
        How often sampling was run; more than 1 when it was continued because checks were missed.
    thin : int
        Of the last run every `thin`-th draw is kept.
    draws, tune, chains : int
        Kept and discarded draws per chain, and the number of chains.
    target_accept : float
        Acceptance rate that step sizes were adapted to.
    random_seed : int
        The seed used; drawn from the system when none was given, so that every fit can be repeated.
    seconds : float
        Wall-clock time of compiling and sampling.
    digest : str
        SHA-256 of the data.
    n : int
        Number of rows.
    total : float
        Number of units the rows stand for.
    name : str
        The column's name.
    versions : mapping
        Package versions at the time of the fit.
    """

    engine: str
    engine_reason: str
    rounds: int
    thin: int
    draws: int
    tune: int
    chains: int
    target_accept: float
    random_seed: int
    seconds: float
    digest: str
    n: int
    total: float
    name: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class DrawArrays:
    """Draws flattened over chains, as the numeric code wants them.

    Attributes
    ----------
    weights : ndarray, shape (S, K)
    parameters : mapping of ndarray, each of shape (S, K), or (S, 1) when shared by all components
    """

    weights: FloatArray
    parameters: Mapping[str, FloatArray]

    @property
    def n_draws(self) -> int:
        """Number of draws S over all chains."""
        return len(self.weights)

    def take(self, draws: Any) -> "DrawArrays":
        """Return the selected draws (anything that indexes a first axis)."""
        return DrawArrays(self.weights[draws], {name: value[draws] for name, value in self.parameters.items()})


@dataclass(frozen=True, eq=False, repr=False)
class Posterior:
    """Draws from the posterior of a mixture, with what they are draws of.

    Attributes
    ----------
    mixture : Mixture
        The specification as the user gave it.
    resolved : Mixture
        The same with every prior as numbers; refits use this one.
    idata : xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data`` and, up to a documented size, ``log_likelihood``.
    info : FitInfo
        Settings, seed, versions, seconds, digest of the data.
    data : Observations or None
        The rows; None only on a fit that was saved with ``data=False``.
    """

    mixture: Mixture
    resolved: Mixture
    idata: "xr.DataTree"
    info: FitInfo
    data: Observations | None

    @property
    def observations(self) -> Observations:
        """The rows, or an error where the fit was saved without them."""
        if self.data is None:
            raise InputError(
                "this needs the data, but the fit was saved with data=False and holds none. "
                "Save it again from the original with data=True, or use methods that take rows, such as predict(y)."
            )
        return self.data

    @property
    def n_components(self) -> int:
        """Number of components."""
        return self.resolved.n_components

    @property
    def arrays(self) -> DrawArrays:
        """The sorted draws, flattened over chains."""
        posterior = self.idata["posterior"].to_dataset()
        shapes = {WEIGHTS_NAME: self.n_components} | {
            p.name: 1 if p.shared else self.n_components for p in self.resolved.family.parameters
        }
        flat = {name: np.ascontiguousarray(posterior[name].values.reshape(-1, width)) for name, width in shapes.items()}
        return DrawArrays(flat.pop(WEIGHTS_NAME), flat)


def model_variables(posterior: Posterior) -> list[str]:
    """Names of the sorted variables that vary: with one component the weight is 1 in every draw and left out."""
    names = [p.name for p in posterior.resolved.family.parameters]
    return names if posterior.n_components == 1 else [WEIGHTS_NAME, *names]
