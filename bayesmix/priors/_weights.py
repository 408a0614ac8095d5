"""Priors of the component weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.priors._base import check_number
from bayesmix.priors._unknown import Unknown

__all__ = ["Dirichlet", "SparseDirichlet", "WeightsPrior"]


@dataclass(frozen=True)
class Dirichlet:
    """Dirichlet prior of the component weights.

    Parameters
    ----------
    a : float or sequence of float, default 1.0
        One concentration for all components (exchangeable; 1 is uniform over the simplex), or one per component,
        which gives the components an identity: they are then never sorted.

    Examples
    --------
    >>> bm.priors.Dirichlet(2.0).concentration(3)
    array([2., 2., 2.])
    """

    a: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        values = np.atleast_1d(np.asarray(self.a, dtype=object))
        try:
            numbers = values.astype(float)
        except (TypeError, ValueError):
            numbers = np.array([np.nan])
        if (
            numbers.ndim != 1
            or numbers.size == 0
            or not np.all(np.isfinite(numbers))
            or np.any(numbers <= 0)
            or isinstance(self.a, bool)
        ):
            raise InputError(
                f"Dirichlet: a must be a number > 0 or one such number per component, got {self.a!r}. "
                "Use Dirichlet(1.0) for a uniform prior over the weights."
            )
        object.__setattr__(self, "a", float(numbers[0]) if np.ndim(self.a) == 0 else tuple(map(float, numbers)))

    @property
    def exchangeable(self) -> bool:
        """Whether all components have the same prior weight."""
        return np.ndim(self.a) == 0 or len(set(np.atleast_1d(self.a))) == 1

    def concentration(self, n_components: int) -> FloatArray:
        """Return one concentration per component, shape (n_components,).

        Parameters
        ----------
        n_components : int

        Raises
        ------
        InputError
            If there is neither one concentration for all nor one for each.

        Examples
        --------
        >>> bm.priors.Dirichlet([1, 2]).concentration(2).tolist()
        [1.0, 2.0]
        """
        values = np.atleast_1d(np.asarray(self.a, dtype=np.float64))
        if values.size not in (1, n_components):
            raise InputError(
                f"Dirichlet: a must have one number per component, got {values.size} for "
                f"n_components={n_components}. Give {n_components} numbers, or a single one for all."
            )
        return np.array(np.broadcast_to(values, n_components))

    def to_dict(self) -> dict[str, Any]:
        """Return the prior as plain JSON types.

        Examples
        --------
        >>> bm.priors.Dirichlet(2.0).to_dict()
        {'prior': 'Dirichlet', 'a': 2.0}
        """
        return {"prior": "Dirichlet", "a": self.a if isinstance(self.a, float) else list(self.a)}


@dataclass(frozen=True)
class SparseDirichlet:
    """Dirichlet(alpha / K): most components stay nearly empty when K is generous.

    The exchangeable finite form of a truncated Dirichlet process (Ishwaran & Zarepour 2002).

    Parameters
    ----------
    alpha : float, default 1.0
        Total concentration, shared out over the K components.

    References
    ----------
    Ishwaran & Zarepour (2002), Exact and approximate sum representations for the Dirichlet process, Canadian Journal of
    Statistics 30, 269-283.

    Examples
    --------
    >>> bm.priors.SparseDirichlet(1.0).concentration(10)[0].item()
    0.1
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_number(self, "alpha", positive=True)

    @property
    def exchangeable(self) -> bool:
        """Whether all components have the same prior weight: always."""
        return True

    def concentration(self, n_components: int) -> FloatArray:
        """Return one concentration per component, shape (n_components,).

        Parameters
        ----------
        n_components : int

        Examples
        --------
        >>> bm.priors.SparseDirichlet(2.0).concentration(4).tolist()
        [0.5, 0.5, 0.5, 0.5]
        """
        return np.full(n_components, self.alpha / n_components)

    def to_dict(self) -> dict[str, Any]:
        """Return the prior as plain JSON types.

        Examples
        --------
        >>> bm.priors.SparseDirichlet(2.0).to_dict()
        {'prior': 'SparseDirichlet', 'alpha': 2.0}
        """
        return {"prior": "SparseDirichlet", "alpha": self.alpha}


type WeightsPrior = Dirichlet | SparseDirichlet | Unknown
