"""`Mixture`: the specification of a finite mixture, a frozen value with no data in it."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import Observations, check_component_count
from bayesmix.errors import InputError, PriorWarning
from bayesmix.families import Family, as_family, family_from_dict
from bayesmix.priors import (
    Dirichlet,
    Prior,
    PriorSet,
    WeightsPrior,
    as_weights_prior,
    prior_from_dict,
    stack_parameters,
    weights_from_dict,
)

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["Mixture", "check_n_components", "resolve"]

_UNIFORM = Dirichlet(1.0)


@dataclass(frozen=True, init=False)
class Mixture:
    """A finite mixture of `n_components` groups, before it has seen any data.

    The density of a row is ``sum_k w[k] * f(y | parameters[k])``; which group a row belongs to is summed out.
    Components are exchangeable and every posterior draw is sorted by `order_by`, unless per-component priors or an
    asymmetric weights prior give the components an identity.

    Parameters
    ----------
    n_components : int
        Number of components, at least 1.
    family : str or Family, default "normal"
        ``"normal"``, or an object with options such as ``bm.families.Normal(common_sigma=True)``.
    weights : Dirichlet or SparseDirichlet, default ``bm.priors.Dirichlet(1.0)``
        Prior of the component weights.
    priors : mapping, optional
        Parameter name to prior: one of `bayesmix.priors`, an unnamed PyMC distribution such as
        ``pm.HalfNormal.dist(2.0)``, or a list with one per component. Parameters left out get the family's
        data-scaled default.
    order_by : str, optional
        Parameter by which components are sorted; the family's own (``"mu"``) by default.

    Raises
    ------
    InputError
        If an argument breaks its rule.

    Examples
    --------
    >>> Mixture(2).n_components
    2
    >>> Mixture(2) == Mixture(2, family="normal")
    True
    """

    n_components: int
    family: Family
    weights: WeightsPrior
    priors: PriorSet
    order_by: str | None

    def __init__(
        self,
        n_components: int,
        family: str | Family = "normal",
        *,
        weights: Any = _UNIFORM,
        priors: Mapping[str, Any] | None = None,
        order_by: str | None = None,
    ) -> None:
        chosen = as_family(family)
        fields = {
            "n_components": check_n_components(n_components),
            "family": chosen,
            "weights": as_weights_prior(weights),
            "priors": PriorSet(priors),
            "order_by": order_by,
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        _check_parameters(self)

    @property
    def sort_key(self) -> str | None:
        """The parameter every draw is sorted by; None where components have an identity, or there is one only."""
        if self.n_components == 1 or not self.exchangeable:
            return None
        return self.order_by or self.family.order_by

    @property
    def exchangeable(self) -> bool:
        """Whether the components have the same prior; sorting draws is right only then."""
        return self.weights.exchangeable and not any(isinstance(p, tuple) for p in self.priors.values())

    def fit(
        self,
        y: Any,
        *,
        weights: Any = None,
        draws: int = 2000,
        tune: int | None = None,
        chains: int = 4,
        target_accept: float = 0.9,
        cores: int | None = None,
        random_seed: int | None = None,
        engine: str = "auto",
        progressbar: bool = True,
    ) -> "Fit":
        """Draw from the posterior given one column of data.

        Parameters
        ----------
        y : list, tuple, array, Series, one-column frame or DataArray
            One number per row, at least two rows; results carry its index.
        weights : list, array or Series, optional
            How often each row counts. Whole numbers are counts and give what the expanded rows would; with other case
            weights the fit works but LOO and WAIC are refused.
        draws : int, default 2000
            Kept draws per chain.
        tune : int, optional
            Discarded draws per chain; by default 1000, or 500 on so many rows that the posterior is close to normal.
        chains : int, default 4
            Independent chains, at least 2.
        target_accept : float, default 0.9
            Acceptance rate that step sizes are adapted to; raise it if draws diverge.
        cores : int, optional
            Chains run at once; the numbers do not depend on it.
        random_seed : int, optional
            Same seed, same numbers; one is drawn and recorded when left out.
        engine : {"auto", "compiled", "pymc"}, default "auto"
            What computes the density: the compiled engine wherever it covers the specification, else PyMC.
            ``fit.info.engine_reason`` says why.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        Fit

        Raises
        ------
        InputError
            If the data or a setting break a rule.
        SamplingError
            If the sampler fails.
        """
        # The one import that points upwards: the specification is the user's door to a fit.
        from bayesmix.fit import fit_mixture
        from bayesmix.settings import SamplerSettings

        settings = SamplerSettings(draws, tune, chains, target_accept, cores, random_seed, engine, progressbar)
        return fit_mixture(self, y, settings, weights=weights)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain JSON types; `from_dict` reads them back."""
        return {
            "n_components": self.n_components,
            "family": self.family.to_dict(),
            "weights": self.weights.to_dict(),
            "priors": self.priors.to_dict(),
            "order_by": self.order_by,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Mixture":
        """Read back what `to_dict` wrote.

        Examples
        --------
        >>> Mixture.from_dict(Mixture(3).to_dict()) == Mixture(3)
        True
        """
        missing = [k for k in ("n_components", "family", "weights", "priors", "order_by") if k not in data]
        if missing:
            raise InputError(f"data must be what Mixture.to_dict wrote, but it lacks {missing}. Pass it unchanged.")
        return cls(
            data["n_components"],
            family_from_dict(data["family"]),
            weights=weights_from_dict(data["weights"]),
            priors={name: prior_from_dict(prior) for name, prior in data["priors"].items()},
            order_by=data["order_by"],
        )


def check_n_components(value: Any) -> int:
    """Return `value` as an int >= 1.

    Raises
    ------
    InputError
        If it is not an integer or smaller than 1.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"n_components must be an integer >= 1, got {value!r}. Use n_components=1 for a single group.")
    return int(value)


def _check_parameters(mixture: Mixture) -> None:
    parameters = {p.name: p for p in mixture.family.parameters}
    unknown = [name for name in mixture.priors if name not in parameters]
    if unknown:
        hint = " The prior of the weights is the argument weights=." if "w" in unknown else ""
        raise InputError(
            f"priors must name parameters of the {mixture.family.name} family {list(parameters)}, got {unknown[0]!r}."
            f"{hint or ' Check the spelling.'}"
        )
    sortable = [name for name, p in parameters.items() if not p.shared]
    if mixture.order_by is not None and mixture.order_by not in sortable:
        raise InputError(
            f"order_by must be one of {sortable}, the parameters that differ between components, "
            f"got {mixture.order_by!r}. Leave it out to sort by {mixture.family.order_by!r}."
        )
    mixture.weights.concentration(mixture.n_components)
    for name, prior in mixture.priors.items():
        if isinstance(prior, tuple) and parameters[name].shared:
            raise InputError(f"{name!r} is shared by all components and takes one prior, got {len(prior)}. Give one.")
        stack_parameters(prior, name, mixture.n_components)


def resolve(mixture: Mixture, observations: Observations) -> Mixture:
    """Fill in the data-scaled default priors and turn every prior into numbers.

    The result is used for the model, kept on the fit, saved with it and used by every refit: a default derived again
    from fewer rows would be another prior.

    Parameters
    ----------
    mixture : Mixture
    observations : Observations

    Returns
    -------
    Mixture
        With a prior for every parameter.

    Raises
    ------
    InputError
        If there are more components than distinct values, a default is needed for constant data, or a prior does not
        fit its parameter.

    Warns
    -----
    PriorWarning
        If a prior makes the posterior improper for the ties in the data.
    """
    check_component_count(mixture.n_components, observations)
    missing = [p.name for p in mixture.family.parameters if p.name not in mixture.priors]
    defaults = mixture.family.default_priors(observations) if missing else {}
    priors: dict[str, Any] = {}
    for parameter in mixture.family.parameters:
        given = mixture.priors.get(parameter.name, defaults.get(parameter.name))
        singles = given if isinstance(given, tuple) else (given,)
        resolved = tuple(p.resolve(parameter.name, parameter.support) for p in singles if isinstance(p, Prior))
        priors[parameter.name] = resolved if isinstance(given, tuple) else resolved[0]
    result = replace(mixture, priors=priors)  # type: ignore[arg-type]
    _warn_of_spikes(result, observations)
    return result


def _warn_of_spikes(mixture: Mixture, observations: Observations) -> None:
    """Warn when tied rows and a prior that does not vanish at 0 make the posterior improper.

    With p(sigma) ~ sigma**a at 0, a component that shrinks onto m equal rows contributes
    ``integral sigma**(a - m + 1) d sigma`` after its mean is integrated out, which diverges when m >= a + 2. With one
    component this needs all rows to be equal. A common sd can vanish only where the K means cover all distinct values,
    which contributes ``integral sigma**(a + K - n) d sigma``: n - K takes the place of m - 1.
    """
    name = mixture.family.spike_parameter
    value, ties = observations.most_tied
    if name is None:
        return
    shared = next(p.shared for p in mixture.family.parameters if p.name == name)
    if shared or mixture.n_components == 1:
        if mixture.n_components < observations.n_distinct:
            return
        ties = observations.total - mixture.n_components + 1
    spec = mixture.priors[name]
    for prior in spec if isinstance(spec, tuple) else (spec,):
        exponent = prior.exponent_at_zero()
        if math.isfinite(exponent) and ties >= exponent + 2:
            warnings.warn(
                f"the prior {prior} of {name!r} does not vanish fast enough at 0 for these data: {value:g} occurs "
                f"{observations.most_tied[1]:g} times, so a component can shrink onto it and the posterior is improper "
                f"(it has no finite total). Use bm.priors.LogNormal, bm.priors.InverseGamma, bm.priors.Between(low, "
                f"high) with low at the precision of the data, or leave the prior of {name!r} out.",
                PriorWarning,
                stacklevel=4,
            )
            return
