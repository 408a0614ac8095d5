"""What the model means: a specification and data become a plain `pm.Model`.

Components are ordered without a boundary. The free parameters have exchangeable priors and are sampled freely; the
model's ``w``, ``mu``, ``sigma`` are the free values in sorted order. The mixture density does not know the labels, so
this is the same posterior that an ordering constraint gives, without its geometry: prior draws are ordered too, the
prior is normalised, and no hand-made initial value is needed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bayesmix.data import Observations, observe
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.mixture import Mixture, resolve
from bayesmix.priors import stack_parameters

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["DATA_NAME", "OBSERVED_NAME", "ROW_WEIGHTS_NAME", "WEIGHTS_NAME", "build_model", "free_names", "model_of"]

OBSERVED_NAME = "y"
DATA_NAME = "y_data"
ROW_WEIGHTS_NAME = "row_weights"
WEIGHTS_NAME = "w"


def build_model(
    mixture: Mixture, y: Any, *, weights: Any = None, ordering: Literal["sort", "transform"] = "sort"
) -> "pm.Model":
    """Write the mixture as a plain PyMC model.

    Parameters
    ----------
    mixture : Mixture
    y : list, tuple, array, Series, one-column frame or DataArray
        One number per row.
    weights : list, array or Series, optional
        How often each row counts.
    ordering : {"sort", "transform"}, default "sort"
        ``"sort"`` samples freely and sorts; ``"transform"`` is the textbook form with PyMC's ordered transform, for
        checking that both give the same posterior. The latter needs distinct starting values, e.g.
        ``pm.sample(initvals={"mu_z": [-0.5, 0.5]})``, and its prior draws are not ordered.

    Returns
    -------
    pymc.Model
        Free variables ``w_free``, ``mu_z`` … (whitened) or ``sigma_free`` … (other priors); deterministic ``w`` and
        parameters with dim ``component``, sorted; data ``y_data``; observed ``y`` with dim ``obs``.

    Raises
    ------
    InputError
        If the data or the specification break a rule.

    Examples
    --------
    >>> import bayesmix as bm
    >>> model = bm.build_model(bm.Mixture(2), [1.0, 2.0, 5.0])
    >>> [v.name for v in model.free_RVs]
    ['w_free', 'mu_z', 'sigma_z']
    """
    if ordering not in ("sort", "transform"):
        raise InputError(f"ordering must be 'sort' or 'transform', got {ordering!r}. Use the default 'sort'.")
    observations = observe(y, weights)
    resolved = resolve(mixture, observations)
    if ordering == "transform" and resolved.sort_key is None:
        raise InputError(
            "ordering='transform' must have exchangeable components to order, got a mixture with "
            f"n_components={resolved.n_components} that is never sorted. Use ordering='sort'."
        )
    return model_of(resolved, observations, ordering=ordering)


def model_of(
    resolved: Mixture, observations: Observations, *, ordering: Literal["sort", "transform"] = "sort"
) -> "pm.Model":
    """Write a resolved mixture of validated rows as a PyMC model; see `build_model`."""
    import pymc as pm
    from pymc.distributions.transforms import ordered

    k = resolved.n_components
    coords = {"component": np.arange(k), "obs": observations.coordinate}
    with pm.Model(coords=coords) as model:
        data = pm.Data(DATA_NAME, observations.values, dims="obs")
        free: dict[str, Any] = {WEIGHTS_NAME: _free_weights(resolved)}
        for parameter in resolved.family.parameters:
            prior, hyper = stack_parameters(resolved.priors[parameter.name], parameter.name, k)
            dims = () if parameter.shared else ("component",)
            options = {"transform": ordered} if ordering == "transform" and parameter.name == resolved.sort_key else {}
            free[parameter.name] = prior.variable(parameter.name, hyper, dims, **options)
        named = _name_variables(free, resolved, sort=ordering == "sort")
        if observations.weights is None:
            resolved.family.mixture(OBSERVED_NAME, named.pop(WEIGHTS_NAME), named, data)
        else:
            row_weights = pm.Data(ROW_WEIGHTS_NAME, observations.weights, dims="obs")
            _weighted_mixture(resolved.family, named, data, row_weights)
    return model


def free_names(resolved: Mixture) -> dict[str, str]:
    """Map each model variable to the free variable behind it, e.g. ``{"w": "w_free", "mu": "mu_z"}``."""
    names = {WEIGHTS_NAME: f"{WEIGHTS_NAME}_free"} if resolved.n_components > 1 else {}
    for parameter in resolved.family.parameters:
        prior, _ = stack_parameters(resolved.priors[parameter.name], parameter.name, resolved.n_components)
        names[parameter.name] = f"{parameter.name}_{prior.suffix}"
    return names


def _free_weights(resolved: Mixture) -> Any:
    import pymc as pm

    if resolved.n_components == 1:
        return pm.math.ones((1,))
    return pm.Dirichlet(
        f"{WEIGHTS_NAME}_free", a=resolved.weights.concentration(resolved.n_components), dims="component"
    )


def _weighted_mixture(family: Family, named: Mapping[str, Any], data: Any, row_weights: Any) -> None:
    """Observe rows that count several times: the log-density of a row is multiplied by its weight."""
    import pymc as pm

    names = [name for name in named if name != WEIGHTS_NAME]
    shared = {p.name for p in family.parameters if p.shared}

    def log_density(value: Any, row_weights: Any, w: Any, *values: Any) -> Any:
        return row_weights * pm.logp(family.distribution(w, dict(zip(names, values, strict=True))), value)

    def random(row_weights: Any, w: Any, *values: Any, rng: Any = None, size: Any = None) -> Any:
        shape = np.broadcast_shapes(() if size is None else tuple(size), row_weights.shape)
        wide = {n: v[..., np.newaxis] if n in shared else v for n, v in zip(names, values, strict=True)}
        return family.random_mixture(w, wide, shape, rng)[0]

    shapes = ["()", "(k)", *("()" if name in shared else "(k)" for name in names)]
    pm.CustomDist(
        OBSERVED_NAME,
        row_weights,
        named[WEIGHTS_NAME],
        *(named[name] for name in names),
        logp=log_density,
        random=random,
        signature=f"{','.join(shapes)}->()",
        observed=data,
        dims="obs",
    )


def _name_variables(free: Mapping[str, Any], resolved: Mixture, *, sort: bool) -> dict[str, Any]:
    """Put every variable in sorted order under its plain name."""
    import pymc as pm
    import pytensor.tensor as pt

    order = pt.argsort(free[resolved.sort_key]) if sort and resolved.sort_key is not None else None
    shared = {p.name for p in resolved.family.parameters if p.shared}
    named = {}
    for name, value in free.items():
        ordered = value if order is None or name in shared else value[order]
        named[name] = pm.Deterministic(name, ordered, dims=() if name in shared else "component")
    return named
