"""`Posterior`: what every statistic reads — the specification, the data and the draws, frozen together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.blocks import Layout
from bayesmix.data import CompressionInfo, FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME, extra_weight_names

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LIFTED", "DrawArrays", "FitInfo", "Posterior", "model_variables", "varying_names"]

LIFTED = "from_idata"
"""The sampler of draws that were made elsewhere."""


@dataclass(frozen=True)
class FitInfo:
    """How the draws were made.

    Attributes
    ----------
    engine : {"compiled", "pymc", "none"}
        What computed the density; of lifted draws what computes it in refits, ``"none"`` where the priors are unknown.
    engine_reason : str
        Why this engine.
    rounds : int
        How often sampling was run; more than 1 when it was continued because checks were missed.
    thin : int
        Of the last run every `thin`-th draw is kept.
    draws, tune, chains : int
        Kept and discarded draws per chain, and the number of chains; `tune` is 0 where it is not known.
    target_accept : float
        Acceptance rate that step sizes were adapted to; of lifted draws that of refits.
    random_seed : int
        The seed used; drawn from the system when none was given, so that every fit can be repeated. Of lifted draws
        that of refits.
    seconds : float
        Wall-clock time of compiling and sampling; NaN where it is not known.
    digest : str
        SHA-256 of the data.
    n : int
        Number of rows.
    total : float
        Number of units the rows stand for.
    name : str
        The column's name, or the first few columns' names.
    layout : Layout
        The columns, what their cells are, and the steps they were rounded to.
    measure : str
        What a row contributes to the likelihood: a density at points, or the probability of intervals.
    versions : mapping
        Package versions at the time of the fit.
    sampler : {"nutpie", "from_idata"}
        What drew; ``"from_idata"`` where draws made elsewhere were lifted by `bayesmix.from_idata`.
    origin : mapping
        What lifted draws say of themselves: ``inference_library`` and its version, ``created_at`` ...; else empty.
    compression : CompressionInfo or None
        How many rows the fitted ones stand for, where they came from `bayesmix.compress`.

    Examples
    --------
    >>> fit.info.chains, fit.info.draws, fit.info.random_seed, fit.info.n
    (4, 2000, 1, 19)
    >>> fit.info.engine_reason
    'it covers the family and the priors'
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
    layout: Layout
    measure: str
    versions: Mapping[str, str]
    sampler: str = "nutpie"
    origin: Mapping[str, str] = field(default_factory=dict)
    compression: CompressionInfo | None = None

    @property
    def lifted(self) -> bool:
        """Whether the draws were made elsewhere and lifted by `bayesmix.from_idata`."""
        return self.sampler == LIFTED

    @property
    def source(self) -> str:
        """In words what drew: ``"nutpie 0.16.11"``, or ``"another sampler"`` where lifted draws do not say."""
        return " ".join(self.drawn_by.values()) or "another sampler"

    @property
    def drawn_by(self) -> dict[str, str]:
        """The library that drew and its version, as ArviZ's attributes; empty where lifted draws do not say.

        Examples
        --------
        >>> sorted(fit.info.drawn_by)
        ['inference_library', 'inference_library_version']
        """
        own = {"inference_library": self.sampler, "inference_library_version": self.versions.get(self.sampler, "")}
        known = self.origin if self.lifted else own
        return {name: known[name] for name in own if known.get(name)}


@dataclass(frozen=True)
class DrawArrays:
    """Draws flattened over chains, as the numeric code wants them.

    Attributes
    ----------
    weights : ndarray, shape (S, M)
        Of all components, those without parameters last.
    parameters : mapping of ndarray
        Shape (S, K), or (S, 1) when shared by all components; with a further axis where the parameter has one.

    Examples
    --------
    >>> arrays = fit.arrays
    >>> arrays.weights.shape, arrays.parameters["mu"].shape
    ((8000, 2), (8000, 2))
    """

    weights: FloatArray
    parameters: Mapping[str, FloatArray]

    @property
    def n_draws(self) -> int:
        """Number of draws S over all chains."""
        return len(self.weights)

    def take(self, draws: Any) -> "DrawArrays":
        """Return the selected draws.

        Parameters
        ----------
        draws : slice, int array or bool array
            Anything that indexes a first axis.

        Examples
        --------
        >>> fit.arrays.take(slice(0, 100)).n_draws
        100
        """
        return DrawArrays(self.weights[draws], {name: value[draws] for name, value in self.parameters.items()})

    def permuted(self, order: npt.NDArray[np.intp]) -> "DrawArrays":
        """Return the draws with their components in another order; those without parameters stay last.

        Parameters
        ----------
        order : int array, shape (S, K)
            Which component comes first, second ... in each draw.

        Examples
        --------
        >>> arrays = fit.arrays
        >>> swapped = arrays.permuted(np.tile([1, 0], (arrays.n_draws, 1)))
        >>> bool((swapped.weights[:, 0] == arrays.weights[:, 1]).all())
        True
        """
        k = order.shape[1]
        weights = np.array(self.weights)
        weights[:, :k] = np.take_along_axis(weights[:, :k], order, axis=1)
        parameters = {}
        for name, value in self.parameters.items():
            index = order.reshape(*order.shape, *([1] * (value.ndim - 2)))
            parameters[name] = value if value.shape[1] != k else np.take_along_axis(value, index, axis=1)
        return DrawArrays(weights, parameters)


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
        """The rows that were fitted.

        Raises
        ------
        InputError
            If the fit was saved without them.

        Examples
        --------
        >>> fit.observations.n, fit.observations.names
        (19, ('length',))
        """
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
    def layout(self) -> Layout:
        """The columns of the fitted rows and what their cells are.

        Examples
        --------
        >>> fit.layout.names, fit.layout.intervals
        (('length',), (False,))
        """
        return self.info.layout

    @property
    def component_labels(self) -> tuple[int | str, ...]:
        """Labels of all components a row may belong to."""
        return self.resolved.component_labels

    @property
    def component_coordinate(self) -> npt.NDArray[Any]:
        """The same as an xarray coordinate: numbers, or objects where some components have names.

        Examples
        --------
        >>> fit.component_coordinate.tolist()
        [0, 1]
        """
        coordinate: npt.NDArray[Any] = self.resolved.component_coordinate
        return coordinate

    @property
    def arrays(self) -> DrawArrays:
        """The ordered draws, flattened over chains.

        Examples
        --------
        >>> fit.arrays.n_draws
        8000
        """
        posterior = self.idata["posterior"].to_dataset()
        names = [WEIGHTS_NAME, *extra_weight_names(self.resolved)]
        flat = {name: _flat(posterior[name]) for name in (*names, *(v.name for v in self.resolved.variables))}
        weights = np.concatenate([flat.pop(name).reshape(-1, posterior[name][0, 0].size) for name in names], axis=1)
        for variable in self.resolved.variables:
            if variable.shared:
                flat[variable.name] = flat[variable.name][:, np.newaxis]
        return DrawArrays(np.ascontiguousarray(weights), flat)


def _flat(variable: "xr.DataArray") -> FloatArray:
    values = variable.transpose("chain", "draw", ...).values
    return np.ascontiguousarray(values.reshape(-1, *values.shape[2:]), dtype=np.float64)


def varying_names(resolved: Mixture) -> list[str]:
    """Names of the ordered variables that vary: with one component the weight is 1 in every draw and left out."""
    names = [v.name for v in resolved.variables]
    if len(resolved.component_labels) == 1:
        return names
    return [WEIGHTS_NAME, *extra_weight_names(resolved), *names]


def model_variables(posterior: Posterior) -> list[str]:
    """Return `varying_names` of a posterior."""
    return varying_names(posterior.resolved)
