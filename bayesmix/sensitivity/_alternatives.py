"""Other priors of the same specification, as numbers."""

from contextlib import suppress
from dataclasses import replace

from bayesmix.errors import InputError
from bayesmix.fit import Fit
from bayesmix.mixture import Mixture
from bayesmix.priors import Dirichlet, Distribution, Prior, PriorSet, PriorSpec, SparseDirichlet, Unknown, WeightsPrior

__all__ = ["ALTERNATIVES", "alternatives", "unchanged"]

ALTERNATIVES = {
    "wider": "The prior of every parameter twice as spread out; see `bayesmix.priors.Prior.spread`.",
    "narrower": "The prior of every parameter half as spread out.",
    "few groups": "Half the Dirichlet concentration of the weights: some components may stay nearly empty.",
    "even weights": "Dirichlet concentration 4: components of similar weight.",
    "richardson_green": "The priors of Richardson & Green (1997), where the fits have the default ones.",
}

_FEW, _EVEN = 0.5, 4.0


def alternatives(fit: Fit) -> dict[str, Mixture]:
    """Return the specification of a fit with other priors, stated as numbers.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    dict
        Names from `ALTERNATIVES`, in that order; what changes nothing or makes no sense for the specification is left
        out. Only the range that "richardson_green" needs will be taken from the data.
    """
    given = fit.mixture
    base = replace(given, priors=fit.resolved.priors)
    made = {name: replace(base, priors=_spread_all(base, factor)) for name, factor in (("wider", 2), ("narrower", 0.5))}
    if given.weights.exchangeable:
        made["few groups"] = replace(base, weights=_scaled(given.weights, _FEW))
        made["even weights"] = replace(base, weights=Dirichlet(_EVEN))
    if not given.priors and given.priors.name is None:
        with suppress(InputError):  # the set is not for this family
            made["richardson_green"] = replace(given, priors=PriorSet("richardson_green"))
    return {name: mixture for name, mixture in made.items() if mixture != base}


def _spread_all(mixture: Mixture, factor: float) -> PriorSet:
    return PriorSet({name: _spread(spec, factor) for name, spec in mixture.priors.items()})


def _spread(spec: PriorSpec, factor: float) -> PriorSpec:
    return spec.spread(factor) if isinstance(spec, Prior) else tuple(prior.spread(factor) for prior in spec)


def _scaled(weights: WeightsPrior, factor: float) -> WeightsPrior:
    if isinstance(weights, Unknown):
        weights.refuse()
    if isinstance(weights, SparseDirichlet):
        return SparseDirichlet(weights.alpha * factor)
    return Dirichlet(weights.a * factor if isinstance(weights.a, float) else tuple(a * factor for a in weights.a))


def unchanged(mixture: Mixture) -> list[str]:
    """Return the parameters whose prior is a PyMC distribution, of which nobody knows how to spread it.

    Parameters
    ----------
    mixture : Mixture
    """
    specs = {name: (spec,) if isinstance(spec, Prior) else spec for name, spec in mixture.priors.items()}
    return [name for name, spec in specs.items() if any(isinstance(prior, Distribution) for prior in spec)]
