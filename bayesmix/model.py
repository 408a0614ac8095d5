"""What the model means: a specification and data become a plain `pm.Model`.

Components are ordered without a boundary. The free parameters have exchangeable priors and are sampled freely; the
model's ``w``, ``mu``, ``sigma`` are the free values in sorted order. The mixture density does not know the labels, so
this is the same posterior that an ordering constraint gives, without its geometry: prior draws are ordered too, the
prior is normalised, and no hand-made initial value is needed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bayesmix.blocks import Layout, read_rows
from bayesmix.cells import IMPOSSIBLE, fixed_log_densities, random_rows, random_values
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.priors import hyper_of, stack_parameters
from bayesmix.resolving import resolve
from bayesmix.supervision import with_labels

if TYPE_CHECKING:
    import pymc as pm

__all__ = [
    "DATA_NAME",
    "OBSERVED_NAME",
    "WEIGHTS_NAME",
    "build_model",
    "data_arrays",
    "extra_weight_names",
    "free_names",
    "model_of",
]

OBSERVED_NAME = "y"
DATA_NAME = "y_data"
PRESENT_NAME = "y_present"
FIXED_NAME = "y_fixed"
ROW_WEIGHTS_NAME = "row_weights"
WEIGHTS_NAME = "w"


def build_model(
    mixture: Mixture,
    y: Any,
    *,
    weights: Any = None,
    resolution: Any = None,
    labels: Any = None,
    ordering: Literal["sort", "transform"] = "sort",
) -> "pm.Model":
    """Write the mixture as a plain PyMC model.

    Parameters
    ----------
    mixture : Mixture
    y : column or table
        As for `Mixture.fit`.
    weights : list, array or Series, optional
        How often each row counts.
    resolution : number, "auto" or mapping, optional
        As for `Mixture.fit`.
    labels : list, array or Series, optional
        Known classes of some rows, as for `Mixture.fit`.
    ordering : {"sort", "transform"}, default "sort"
        ``"sort"`` samples freely and sorts; ``"transform"`` is the textbook form with PyMC's ordered transform, for
        checking that both give the same posterior. The latter needs distinct starting values, e.g.
        ``pm.sample(initvals={"mu_z": [-0.5, 0.5]})``, and its prior draws are not ordered.

    Returns
    -------
    pymc.Model
        Free variables ``w_free``, ``mu_z`` … (whitened) or ``sigma_free`` … (other priors; the variance under
        `bayesmix.priors.InverseGammaVariance`, behind ``sigma_beta`` where its scale is unknown); deterministic ``w``
        and parameters with dim ``component``, sorted; data ``y_data``; observed ``y`` with dim ``obs``.

    Raises
    ------
    InputError
        If the data or the specification break a rule.

    Examples
    --------
    >>> model = bm.build_model(bm.Mixture(2), [1.0, 2.0, 5.0])
    >>> [variable.name for variable in model.free_RVs]
    ['w_free', 'mu_z', 'sigma_z']
    """
    if ordering not in ("sort", "transform"):
        raise InputError(f"ordering must be 'sort' or 'transform', got {ordering!r}. Use the default 'sort'.")
    observations = read_rows(mixture.family, y, weights, resolution)
    mixture, observations = with_labels(mixture, observations, labels)
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
    key = None if resolved.sort_key is None else resolved.sort_key[0]
    with pm.Model(coords=_coords(resolved, observations)) as model:
        free: dict[str, Any] = {WEIGHTS_NAME: _free_weights(resolved)}
        for variable in resolved.variables:
            vector = variable.parameter.dim is not None
            prior, hyper = stack_parameters(resolved.priors[variable.name], variable.name, k, vector=vector)
            options = {"transform": ordered} if ordering == "transform" and variable.name == key else {}
            free[variable.name] = prior.variable(variable.name, hyper, variable.dims, **options)
        named = _name_variables(free, resolved, sort=ordering == "sort")
        _observe_rows(resolved, observations, named)
    return model


def free_names(resolved: Mixture) -> dict[str, str]:
    """Map each model variable to the free variable behind it, e.g. ``{"w": "w_free", "mu": "mu_z"}``.

    An unknown scale of a prior is a free variable of its own name.
    """
    names = {WEIGHTS_NAME: f"{WEIGHTS_NAME}_free"} if len(resolved.component_labels) > 1 else {}
    for variable in resolved.variables:
        spec = resolved.priors[variable.name]
        hyper = hyper_of(spec, variable.name)
        if hyper is not None:
            names[hyper[0]] = hyper[0]
        prior, _ = stack_parameters(spec, variable.name, resolved.n_components)
        names[variable.name] = f"{variable.name}_{prior.suffix}"
    return names


def extra_weight_names(resolved: Mixture) -> tuple[str, ...]:
    """Names of the weights of the components without parameters: ``w_noise``, ``w_zero``."""
    return tuple(f"{WEIGHTS_NAME}_{name}" for name in resolved.extras)


def data_arrays(resolved: Mixture, observations: Observations) -> dict[str, Any]:
    """Return the arrays that the model's data nodes hold, by name.

    A plain column is ``y_data`` with dim ``obs``. Otherwise ``y_data`` has the cells as columns (a value; or lower and
    upper end; or a value and its trials), with missing ones filled by a value of the same column that `y_present`
    switches off; ``y_fixed`` has the log densities of the components without parameters.
    """
    arrays: dict[str, Any] = {}
    if is_plain(resolved, observations):
        whole = resolved.blocks[0].family.discrete
        arrays[DATA_NAME] = observations.values.astype(np.int64) if whole else observations.values
    else:
        cells = np.array(observations.cells)
        missing = np.isnan(cells)
        first = np.argmax(~missing, axis=0)
        arrays[DATA_NAME] = np.where(missing, cells[first, np.arange(cells.shape[1])], cells)
        arrays[PRESENT_NAME] = (~missing).astype(np.float64)
        if resolved.extras:
            arrays[FIXED_NAME] = fixed_log_densities(resolved, Layout.of(observations), observations.cells).T
    if observations.weights is not None:
        arrays[ROW_WEIGHTS_NAME] = observations.weights
    return arrays


def is_plain(resolved: Mixture, observations: Observations) -> bool:
    """Whether PyMC's own ``pm.Mixture`` can say it: one complete column of points, nothing extra."""
    family = resolved.blocks[0].family
    simple = len(resolved.blocks) == 1 and not family.multivariate and not family.extra and not resolved.extras
    points = not observations.columns[0].interval and observations.known is None
    return simple and points and observations.weights is None


def _coords(resolved: Mixture, observations: Observations) -> dict[str, Any]:
    coords: dict[str, Any] = {"component": resolved.component_names, "obs": observations.coordinate}
    coords["cell"] = _cell_labels(observations)
    if resolved.extras:
        coords["member"] = [str(label) for label in resolved.component_labels]
        coords["extra"] = list(resolved.extras)
    for variable in resolved.variables:
        for dim in variable.extra_dims:
            coords[dim] = list(variable.labels)
    return coords


def _cell_labels(observations: Observations) -> list[str]:
    labels: list[str] = []
    for column in observations.columns:
        ends = ("lower", "upper") if column.interval else ("", "trials")[: column.width]
        labels += [f"{column.name} {end}".strip() for end in ends]
    return labels if observations.known is None else [*labels, "known component"]


def _free_weights(resolved: Mixture) -> Any:
    import pymc as pm

    if len(resolved.component_labels) == 1:
        return pm.math.ones((1,))
    dim = "member" if resolved.extras else "component"
    return pm.Dirichlet(f"{WEIGHTS_NAME}_free", a=resolved.total_concentration(), dims=dim)


def _observe_rows(resolved: Mixture, observations: Observations, named: Mapping[str, Any]) -> None:
    import pymc as pm

    arrays = data_arrays(resolved, observations)
    dims: dict[str, Any] = {
        DATA_NAME: "obs",
        ROW_WEIGHTS_NAME: "obs",
        PRESENT_NAME: ("obs", "cell"),
        FIXED_NAME: ("obs", "extra"),
    }
    if not is_plain(resolved, observations):
        dims[DATA_NAME] = ("obs", "cell")
    nodes = {name: pm.Data(name, value, dims=dims[name]) for name, value in arrays.items()}
    if is_plain(resolved, observations):
        block = resolved.blocks[0]
        component = block.family.dist(block.pick(named))
        pm.Mixture(OBSERVED_NAME, w=named[WEIGHTS_NAME], comp_dists=component, observed=nodes[DATA_NAME], dims="obs")
        return
    _observe_cells(resolved, observations, named, nodes)


def _observe_cells(
    resolved: Mixture, observations: Observations, named: Mapping[str, Any], nodes: Mapping[str, Any]
) -> None:
    """Observe rows of cells: densities of the blocks added up, memberships summed out, times the row's weight.

    The row weights, what is present, and the fixed densities are parameters of the distribution, so that PyMC's
    tools that replace data find nothing hidden in it.
    """
    import pymc as pm

    extras = extra_weight_names(resolved)
    rows = {name: node for name, node in nodes.items() if name != DATA_NAME}
    names = [*rows, WEIGHTS_NAME, *extras, *(v.name for v in resolved.variables)]

    def log_density(value: Any, *parameters: Any) -> Any:
        given = _without_batch(dict(zip(names, parameters, strict=True)), resolved)
        total = pm.math.logsumexp(_log_joint(resolved, observations, value, given), axis=1, keepdims=False)
        weights = given.get(ROW_WEIGHTS_NAME)
        return total if weights is None else weights * total

    def random(*parameters: Any, rng: Any = None, size: Any = None) -> Any:
        return _random_cells(
            resolved, observations, _without_batch(dict(zip(names, parameters, strict=True)), resolved), rng
        )

    row_shapes = {ROW_WEIGHTS_NAME: "()", PRESENT_NAME: "(m)", FIXED_NAME: "(e)"}
    core = [row_shapes[name] for name in rows] + ["(k)"] + ["()"] * len(extras)
    # By number: names of dims follow columns, which may be called what a signature cannot spell.
    dims = list(dict.fromkeys(dim for v in resolved.variables for dim in v.dims))
    core += [f"({','.join(f'd{dims.index(dim)}' for dim in v.dims)})" for v in resolved.variables]
    pm.CustomDist(
        OBSERVED_NAME,
        *(rows[name] for name in rows),
        named[WEIGHTS_NAME],
        *(named[name] for name in extras),
        *(named[v.name] for v in resolved.variables),
        logp=log_density,
        random=random,
        signature=f"{','.join(core)}->(m)",
        observed=nodes[DATA_NAME],
        dims=("obs", "cell"),
    )


def _without_batch(given: dict[str, Any], resolved: Mixture) -> dict[str, Any]:
    """Drop the leading axis that PyMC gives to parameters which are the same for all rows."""
    core = {WEIGHTS_NAME: 1} | dict.fromkeys(extra_weight_names(resolved), 0)
    core |= {v.name: len(v.dims) for v in resolved.variables}
    return {
        name: value[(0,) * (value.ndim - core[name])] if name in core and value.ndim > core[name] else value
        for name, value in given.items()
    }


def _log_joint(resolved: Mixture, observations: Observations, cells: Any, given: Mapping[str, Any]) -> Any:
    """Log weight + log density of every row in every component, shape (n, M)."""
    import pymc as pm
    import pytensor.tensor as pt

    total: Any = 0.0
    present, layout = given[PRESENT_NAME], Layout.of(observations)
    for block in resolved.blocks:
        family, parameters = block.family, block.pick(given)
        own, mask = block.cells(cells, layout), block.cells(present, layout)
        if family.multivariate:
            total = total + family.rows_logp(own, parameters, False, mask)
            continue
        column = observations.columns[block.columns[0]]
        here = family.rows_logp(own, parameters, column.interval, mask)
        total = total + (here if column.present.all() else pt.switch(mask[:, 0][:, np.newaxis], here, 0.0))
    joint = total + pm.math.log(given[WEIGHTS_NAME])
    if observations.known is not None:
        elsewhere = pt.neq(cells[:, layout.width, np.newaxis], np.arange(resolved.n_components))
        joint = pt.switch(elsewhere & (present[:, layout.width, np.newaxis] > 0), np.float64(IMPOSSIBLE), joint)
    if not resolved.extras:
        return joint
    weights = pt.stack([given[name] for name in extra_weight_names(resolved)])
    return pt.concatenate([joint, given[FIXED_NAME] + pm.math.log(weights)], axis=1)


def _random_cells(
    resolved: Mixture, observations: Observations, given: Mapping[str, Any], rng: np.random.Generator
) -> FloatArray:
    weights = np.concatenate([given[WEIGHTS_NAME], [given[name] for name in extra_weight_names(resolved)]])
    parameters = {}
    for v in resolved.variables:
        value = np.asarray(given[v.name])
        parameters[v.name] = value[np.newaxis] if v.shared else value
    known = {i: c.extra for i, c in enumerate(observations.columns) if c.extra is not None}
    values, _ = random_rows(resolved, weights, parameters, known, (observations.n,), rng, members=observations.known)
    return random_values(values, observations)


def _name_variables(free: Mapping[str, Any], resolved: Mixture, *, sort: bool) -> dict[str, Any]:
    """Put every variable in sorted order under its plain name."""
    import pymc as pm
    import pytensor.tensor as pt

    k = resolved.n_components
    order = None
    if sort and resolved.sort_key is not None:
        name, entry = resolved.sort_key
        key = free[name]
        order = pt.argsort(key if key.ndim == 1 else key[:, entry])
    weights = free[WEIGHTS_NAME]
    own = weights[:k] if resolved.extras else weights
    named = {WEIGHTS_NAME: pm.Deterministic(WEIGHTS_NAME, own if order is None else own[order], dims="component")}
    for s, name in enumerate(extra_weight_names(resolved)):
        named[name] = pm.Deterministic(name, weights[k + s])
    for variable in resolved.variables:
        value = free[variable.name]
        ordered = value if order is None or variable.shared else value[order]
        named[variable.name] = pm.Deterministic(variable.name, ordered, dims=variable.dims)
    return named
