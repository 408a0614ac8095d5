"""From a resolved specification to the compiled engine: what it covers, and its problem in plain numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import Observations
from bayesmix.mixture import Mixture
from bayesmix.priors import (
    Exponential,
    Gamma,
    HalfNormal,
    InverseGamma,
    LogitNormal,
    LogNormal,
    Normal,
    stack_parameters,
)

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem

__all__ = ["find_mode_table", "problem_of", "why_not_covered"]

_KINDS = {
    Normal: ("NORMAL", ("mu", "sigma")),
    LogNormal: ("LOG_NORMAL", ("mu", "sigma")),
    LogitNormal: ("LOGIT_NORMAL", ("mu", "sigma")),
    HalfNormal: ("HALF_NORMAL", ("sigma",)),
    Exponential: ("EXPONENTIAL", ("lam",)),
    Gamma: ("GAMMA", ("alpha", "beta")),
    InverseGamma: ("INVERSE_GAMMA", ("alpha", "beta")),
}

_MANY_ROWS = 20_000


def why_not_covered(resolved: Mixture) -> str | None:
    """Return why the compiled engine cannot run a specification, or None where it can.

    Parameters
    ----------
    resolved : Mixture
        With a prior for every parameter.
    """
    if resolved.family.kernel is None:
        return f"the {resolved.family.name} family has no compiled kernel"
    for name, spec in resolved.priors.items():
        for prior in spec if isinstance(spec, tuple) else (spec,):
            if type(prior) not in _KINDS:
                return f"the prior {prior} of {name!r} is not compiled"
    return None


def problem_of(resolved: Mixture, observations: Observations) -> "Problem":
    """Write a covered specification and its rows, merged to distinct values, as a problem of the engine.

    Parameters
    ----------
    resolved : Mixture
    observations : Observations
    """
    from bayesmix.engine import Prior, PriorKind, Problem

    k = resolved.n_components
    shared = {p.name: p.shared for p in resolved.family.parameters}
    priors: dict[str, Prior] = {}
    for name, spec in resolved.priors.items():
        prior, hyper = stack_parameters(spec, name, k)
        kind, names = _KINDS[type(prior)]
        numbers = [tuple(np.atleast_1d(hyper[field]).astype(float).tolist()) for field in names]
        priors[name] = Prior(PriorKind[kind], *numbers)
    key: Any = resolved.sort_key
    return Problem(
        observations.distinct.values,
        k,
        priors["mu"],
        priors["sigma"],
        counts=observations.distinct.counts,
        alpha=tuple(resolved.weights.concentration(k).tolist()),
        order_by=key,
        common_sigma=shared["sigma"],
    )


def find_mode_table(problem: "Problem", seed: int) -> "xr.Dataset":
    """Return the distinct modes that searches from random starts end in, the largest approximate mass first.

    Parameters
    ----------
    problem : Problem
    seed : int

    Returns
    -------
    Dataset
        Dims (mode, component): ``w``, ``mu``, ``sigma``; dim mode: ``log_posterior``, ``log_mass`` (Laplace's
        approximation for one labelling; NaN on a ridge) and ``hits``, the number of searches that ended there. 10
        searches, 4 where there are more than 20 000 distinct values.
    """
    import xarray as xr

    from bayesmix.engine import find_modes

    searches = 10 if problem.values.size <= _MANY_ROWS else 4
    modes = find_modes(problem, seed, searches=searches)
    shape = (len(modes), problem.n_components)
    parameters = {
        name: (("mode", "component"), np.array([np.broadcast_to(getattr(m, name), shape[1:]) for m in modes]))
        for name in ("w", "mu", "sigma")
    }
    scalars = {
        name: (("mode",), np.array([getattr(m, name) for m in modes])) for name in ("log_posterior", "log_mass", "hits")
    }
    return xr.Dataset({**parameters, **scalars}, {"mode": np.arange(shape[0]), "component": np.arange(shape[1])})
