"""What every component family declares."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bayesmix.data import FloatArray, Observations
from bayesmix.priors import Prior, Support

__all__ = ["Family", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component.

    Parameters
    ----------
    name : str
        PyMC's own keyword, e.g. ``"mu"``.
    support : {"real", "positive", "unit"}
        Where it lives.
    shared : bool, default False
        Whether all components have the same value; it then has no ``component`` dimension.
    """

    name: str
    support: Support
    shared: bool = False


@dataclass(frozen=True)
class Family(ABC):
    """A family of component distributions; subclasses are frozen values whose fields are the family's options."""

    name: ClassVar[str]
    """The name in the registry."""

    order_by: ClassVar[str]
    """The parameter that components are sorted by unless the user names another."""

    kernel: ClassVar[str | None] = None
    """The column kernel of the compiled engine; None where the family runs on PyMC only."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order in which the model creates them."""

    @property
    @abstractmethod
    def spike_parameter(self) -> str | None:
        """The parameter whose approach to 0 lets the density at tied values grow without bound, if any does."""

    @abstractmethod
    def default_priors(self, observations: Observations) -> dict[str, Prior]:
        """Return one prior per parameter from the data's centre and scale, the same for every number of components."""

    @abstractmethod
    def mixture(self, name: str, weights: Any, parameters: Mapping[str, Any], observed: Any) -> Any:
        """Create the observed mixture, memberships summed out, in the PyMC model on the context stack.

        Parameters
        ----------
        name : str
            Name of the observed variable; its dims are ``("obs",)``.
        weights : tensor, shape (component,)
        parameters : mapping of tensors
            One entry per parameter, shape (component,) or () when shared.
        observed : tensor, shape (obs,)
        """

    @abstractmethod
    def distribution(self, weights: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the unnamed PyMC distribution of one row of the mixture; arguments as for `mixture`."""

    @abstractmethod
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log-density of one component; `y` and the parameters broadcast."""

    @abstractmethod
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        """Draw one value per element of the (already selected) parameters, which broadcast."""

    def random_mixture(
        self,
        weights: FloatArray,
        parameters: Mapping[str, FloatArray],
        shape: tuple[int, ...],
        rng: np.random.Generator,
    ) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        """Draw rows of the mixture: a component each, then its value.

        Parameters
        ----------
        weights : ndarray, shape (..., K)
            Broadcasts against `shape` in its leading dimensions.
        parameters : mapping of ndarray, each (..., K), or (..., 1) when shared by all components
        shape : tuple of int
            Of the result.
        rng : numpy.random.Generator

        Returns
        -------
        values, component : ndarray
        """
        edges = np.cumsum(weights, axis=-1)
        uniform = rng.random(shape)[..., np.newaxis] * edges[..., -1:]
        component = (uniform >= edges[..., :-1]).sum(axis=-1)
        full = (*shape, weights.shape[-1])
        chosen = {
            name: np.take_along_axis(np.broadcast_to(value, full), component[..., np.newaxis], axis=-1)[..., 0]
            for name, value in parameters.items()
        }
        return self.random(chosen, rng), component

    def to_dict(self) -> dict[str, Any]:
        """Return the family and its options as plain JSON types."""
        return {"family": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}
