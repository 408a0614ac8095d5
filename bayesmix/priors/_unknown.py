"""The priors behind draws that were made elsewhere, where nobody said what they are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, override

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.priors._base import Prior, Support

__all__ = ["Unknown"]


@dataclass(frozen=True)
class Unknown(Prior):
    """A prior that is not known, of a parameter or of the weights: nothing can be computed from it.

    `bayesmix.from_idata` puts it where no priors are given. Whatever needs the priors then raises an error, so that no
    default stands in for the prior that the draws were made with.

    Examples
    --------
    >>> bm.priors.Unknown().words()
    'not known'
    """

    support: ClassVar[Support] = "real"

    @property
    def exchangeable(self) -> bool:
        """Whether all components have the same prior weight: assumed, as relabelling draws does."""
        return True

    @override
    def resolve(self, parameter: str, support: Support) -> Prior:
        """Return itself: what is not known fits everywhere."""
        return self

    @override
    def words(self) -> str:
        return "not known"

    @override
    def exponent_at_zero(self) -> float:
        """Return NaN: whether it makes a posterior improper is not known either."""
        return math.nan

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> NoReturn:
        self.refuse()

    @override
    def _spread(self, factor: float) -> NoReturn:
        self.refuse()

    def concentration(self, n_components: int) -> FloatArray:
        """Refuse: the prior of the weights is not known.

        Parameters
        ----------
        n_components : int

        Examples
        --------
        >>> bm.priors.Unknown().concentration(2)
        Traceback (most recent call last):
            ...
        bayesmix.errors.InputError: this needs the priors ...
        """
        self.refuse()

    def refuse(self) -> NoReturn:
        """Raise the error of everything that needs the priors.

        Raises
        ------
        InputError

        Examples
        --------
        >>> bm.priors.Unknown().refuse()
        Traceback (most recent call last):
            ...
        bayesmix.errors.InputError: this needs the priors ...
        """
        raise InputError(
            "this needs the priors that the draws were made with, and they were not given. Lift the draws with the "
            "prior of the weights and of every parameter: bm.from_idata(idata, y, priors={'w': bm.priors.Dirichlet(1), "
            "...})."
        )
