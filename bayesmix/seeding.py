"""What the search for starting points needs to know of a specification: features, rough estimates, labellings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.blocks import Block, Layout
from bayesmix.compiled import rows_of, value_starts
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME
from bayesmix.priors import InverseGammaVariance, hyper_of

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem
    from bayesmix.engine.starts import Seeding

__all__ = ["find_mode_table", "seeding_of", "starts_at"]

_MANY_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class _Part:
    """One block's features: how to standardise its cells first, and where its features stand."""

    block: Block
    shift: FloatArray
    scale: FloatArray
    at: slice


def seeding_of(resolved: Mixture, layout: Layout, problem: "Problem", cells: FloatArray) -> "Seeding":
    """Return what the engine's searches need.

    Parameters
    ----------
    resolved : Mixture
    layout : Layout
    problem : Problem
    cells : ndarray, shape (n, width)
        The problem's rows, columns centred as in the problem.
    """
    from bayesmix.engine.starts import Seeding

    counts = problem.rows.counts
    parts, features, present, places = [], [], [], []
    at = 0
    for block in resolved.blocks:
        part, own, seen, where = _features(block, layout, cells, counts, at)
        at = part.at.stop
        parts.append(part)
        features.append(own)
        present.append(seen)
        places.append(where)
    seen = np.concatenate(present)
    spikes = _spike_positions(resolved)
    fixed = problem.rows.fixed

    def rows(at: npt.NDArray[np.intp]) -> Any:
        return rows_of(resolved, layout, cells[at], counts[at], fixed=fixed[:, at])

    def estimate(means: FloatArray, sizes: FloatArray) -> FloatArray:
        return _estimate(resolved, parts, means, sizes)

    def to_sampled(weights: FloatArray, values: FloatArray) -> FloatArray:
        return _to_sampled(resolved, problem, weights, values)

    return Seeding(
        rows,
        np.concatenate(features),
        None if seen.all() else seen,
        np.concatenate(places, axis=1),
        estimate,
        spikes,
        to_sampled,
        layout.known(cells),
    )


def _features(block: Block, layout: Layout, cells: FloatArray, counts: FloatArray, at: int) -> tuple[Any, ...]:
    family = block.family
    own = block.cells(cells, layout)
    y = own if family.multivariate else _points(block, layout, own)
    missing = np.isnan(y)
    seen = np.where(missing, 0.0, counts[:, np.newaxis])
    filled = np.where(missing, 0.0, y)
    first = np.array([column[np.argmax(~absent)] for column, absent in zip(y.T, missing.T, strict=True)])
    mean = first + np.sum(seen * np.where(missing, 0.0, filled - first), axis=0) / seen.sum(axis=0)
    spread = np.sqrt(np.sum(seen * np.where(missing, 0.0, filled - mean) ** 2, axis=0) / seen.sum(axis=0))
    spread = np.where(spread > 0, spread, 1.0)
    shift, scale = (mean, spread) if family.location_scale else (np.zeros(y.shape[1]), np.ones(y.shape[1]))
    inside = np.where(missing, first, y)
    standard = (inside - shift) / scale
    values = family.features(standard if family.multivariate else standard[:, 0])
    cell_seen = ~missing if family.multivariate else np.repeat(~missing, len(values), axis=1)
    if family.multivariate:
        lower, upper = np.tril_indices(y.shape[1])
        cell_seen = np.concatenate([cell_seen, cell_seen[:, lower] & cell_seen[:, upper]], axis=1)
    part = _Part(block, shift, scale, slice(at, at + len(values)))
    return part, np.where(cell_seen.T, values, 0.0), cell_seen.T, _places(block, inside, values, missing)


def _points(block: Block, layout: Layout, cells: FloatArray) -> FloatArray:
    """Return one number per cell, inside the support: the middle of an interval, or the share of successes."""
    if block.interval(layout):
        lower = np.maximum(cells[:, 0], block.family.lowest)
        upper = np.minimum(cells[:, 1], block.family.highest)
        middle = 0.5 * (lower + upper)
        y = np.where(np.isinf(lower), upper, np.where(np.isinf(upper), lower, middle))
        return np.asarray(y[:, np.newaxis])
    if block.family.extra:
        return np.asarray((cells[:, 0] / np.maximum(cells[:, 1], 1.0))[:, np.newaxis])
    return cells[:, :1]


def _places(block: Block, y: FloatArray, features: FloatArray, missing: npt.NDArray[np.bool_]) -> FloatArray:
    """Return coordinates in which rows of different groups lie apart, each with sd 1 over all rows."""
    bounded = block.family.reads == "category" or block.family.circular
    positive = block.family.lowest == 0 and np.isinf(block.family.highest) and bool((y > 0).all())
    places = features.T if bounded else np.log(y) if positive else y
    places = places - places.mean(axis=0)
    sd = places.std(axis=0)
    places = places / np.where(sd > 0, sd, 1.0)
    return np.where(missing if places.shape[1] == missing.shape[1] else missing[:, :1], 0.0, places)


def _spike_positions(resolved: Mixture) -> npt.NDArray[np.intp]:
    starts, _ = value_starts(resolved)
    found: list[int] = []
    for variable in resolved.variables:
        if variable.parameter.name == variable.block.family.spike_parameter:
            size = int(np.prod(variable.shape(resolved.n_components)))
            found += range(starts[variable.name], starts[variable.name] + size)
    return np.array(found, dtype=np.intp)


def _estimate(resolved: Mixture, parts: list[_Part], means: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return the engine's values, shape (S, V), from mean features (S, K, m) and group sizes (S, K)."""
    values = []
    for part in parts:
        family = part.block.family
        found = family.estimate(means[..., part.at])
        if family.location_scale:
            shift, scale = (part.shift, part.scale) if family.multivariate else (part.shift[0], part.scale[0])
            found["mu"] = shift + scale * found["mu"]
            flat = family.multivariate and found["sigma"].ndim == 2
            found["sigma"] = found["sigma"] * (np.exp(np.log(part.scale).mean()) if flat else scale)
        for parameter in family.parameters:
            value = found[parameter.name]
            if parameter.support == "simplex":
                value = np.log(value)
            if parameter.shared:
                share = sizes / sizes.sum(axis=1, keepdims=True)
                value = np.einsum("sk,sk...->s...", share, value)[:, np.newaxis]
            value = value.reshape(len(means), -1)
            spec = resolved.priors.get(f"{part.block.prefix}{parameter.name}")
            if hyper_of(spec, parameter.name) is not None:
                values.append(_mean_scale(spec, value))
            values.append(value)
    return np.concatenate(values, axis=1)


def _mean_scale(prior: Any, values: FloatArray) -> FloatArray:
    """Return the mean of the unknown scale given the parameters it scales, shapes (S, 1) and (S, n).

    Its full conditional is ``Gamma(g + n alpha, rate h + sum 1 / value**2)`` under the prior ``Gamma(g, rate h)``.
    """
    assert isinstance(prior, InverseGammaVariance)
    above: Any = prior.beta
    rate = above.beta + (values**-2.0).sum(axis=1, keepdims=True)
    return np.asarray((above.alpha + values.shape[1] * prior.alpha) / rate)


def _to_sampled(resolved: Mixture, problem: "Problem", weights: FloatArray, values: FloatArray) -> FloatArray:
    """Return the sampled vector, moved inside the priors' supports, components labelled as the priors favour."""
    k = resolved.n_components
    parameters = {}
    at = 0
    for variable in problem.variables:
        value = values[at : at + variable.n_values].reshape(variable.rows, variable.size)
        parameters[variable.name] = np.exp(value) if variable.type == "simplex" else variable.inside(value)
        at += variable.n_values
    order = _labelling(resolved, problem, weights, parameters)
    weights = np.concatenate([weights[:k][order], weights[k:]])
    weights = np.maximum(weights, 1e-12 / len(weights))
    for variable in problem.variables:
        if variable.rows == k and k > 1:
            parameters[variable.name] = parameters[variable.name][order]
    return problem.pack(weights / weights.sum(), parameters, centred=True)


def _labelling(
    resolved: Mixture, problem: "Problem", weights: FloatArray, parameters: dict[str, FloatArray]
) -> npt.NDArray[np.intp]:
    """Return the order of components: by order key or weight where labels mean nothing, else the priors' favourite.

    Where known rows say which component is which, it stays.
    """
    k = resolved.n_components
    if k == 1 or resolved.labelled:
        return np.arange(k)
    if resolved.exchangeable:
        if resolved.sort_key is None:
            return np.argsort(-weights[:k], kind="stable")
        name, entry = resolved.sort_key
        return np.argsort(parameters[name][:, entry], kind="stable")
    from scipy.optimize import linear_sum_assignment

    distance = np.zeros((k, k))
    for variable in problem.variables:
        if variable.type == "scalar" and variable.whitened and variable.rows == k:
            value = parameters[variable.name]
            for j in range(k):
                z = variable.to_sampled(np.repeat(value[[j]], k, axis=0) + variable.centre).reshape(k, -1)
                distance[:, j] += (z**2).sum(axis=1)
    return np.asarray(linear_sum_assignment(distance)[1])


def starts_at(resolved: Mixture, problem: "Problem", start: Mapping[str, Any], chains: int, seed: int) -> FloatArray:
    """Return one start per chain in the sampled space: all at given parameters, a little noise apart.

    Parameters
    ----------
    resolved : Mixture
    problem : Problem
    start : mapping
        ``"w"``, the weights of the components with parameters, and every parameter by name, in the data's units and in
        the shape that a draw has. Components may come in any order; weights of components without parameters are
        added, 5 % in all.
    chains, seed : int

    Returns
    -------
    ndarray, shape (chains, n_dim)

    Raises
    ------
    InputError
        If a name or a shape is not the specification's, or the posterior density is 0 there.
    """
    from bayesmix.engine.starts import NOISE

    k, extra = resolved.n_components, len(resolved.extras)
    shapes = {WEIGHTS_NAME: (k,)} | {v.name: v.shape(k) for v in resolved.variables}
    given = _read_start(start, shapes)
    weights = given.pop(WEIGHTS_NAME)
    if extra:
        weights = np.concatenate([weights * 0.95, np.full(extra, 0.05 / extra)])
    values = []
    for variable in resolved.variables:
        value = given[variable.name].reshape(1, -1) - problem.variable(variable.name).centre
        spec = resolved.priors.get(variable.name)
        if hyper_of(spec, variable.name) is not None:
            values.append(_mean_scale(spec, value))
        values.append(np.log(value) if variable.parameter.support == "simplex" else value)
    try:
        x = _to_sampled(resolved, problem, weights, np.concatenate(values, axis=1)[0])
        height = problem.logp_and_grad(x)[0]
    except np.linalg.LinAlgError:  # correlations of no matrix
        height = -np.inf
    if not np.isfinite(height):
        raise InputError(f"start must lie where the posterior density is positive, got {given}. Leave it out.")
    noise = NOISE / np.sqrt(1.0 + problem.rows.counts.sum() / 100.0)
    return np.array([x + noise * rng.standard_normal(x.size) for rng in np.random.default_rng(seed).spawn(chains)])


def _read_start(start: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """Return what a start says of every parameter, checked."""
    if set(start) != set(shapes):
        raise InputError(f"start must give {sorted(shapes)}, got {sorted(map(str, start))}. Name each parameter once.")
    given = {name: np.asarray(value, dtype=np.float64) for name, value in start.items()}
    for name, shape in shapes.items():
        if given[name].shape != shape:
            raise InputError(
                f"start must give {name!r} the shape {shape}, got {given[name].shape}. A start serves one number of "
                "components and of columns, and one kind of covariance."
            )
        if not np.isfinite(given[name]).all():
            raise InputError(f"start must hold finite numbers, got {given[name]} as {name!r}. Leave start out.")
    if (given[WEIGHTS_NAME] < 0).any() or abs(given[WEIGHTS_NAME].sum() - 1) > 1e-6:
        raise InputError(f"start must give weights that sum to 1, got {given[WEIGHTS_NAME]}. Divide by their sum.")
    return given


def find_mode_table(problem: "Problem", seeding: "Seeding", seed: int) -> "xr.Dataset":
    """Return the distinct modes that searches from random starts end in, the largest approximate mass first.

    Parameters
    ----------
    problem : Problem
    seeding : Seeding
    seed : int

    Returns
    -------
    Dataset
        Dims (mode, component, ...): the weights and parameters; dim mode: ``log_posterior``, ``log_mass`` (Laplace's
        approximation for one labelling; NaN on a ridge) and ``hits``, the number of searches that ended there. 10
        searches, 4 where there are more than 20 000 distinct rows.
    """
    import xarray as xr

    from bayesmix.engine import find_modes

    searches = 10 if problem.rows.counts.size <= _MANY_ROWS else 4
    modes = find_modes(problem, seeding, seed, searches=searches)
    variables: dict[str, Any] = {}
    for output in problem.outputs[: 1 + len(problem.extra_weights) + len(problem.variables)]:
        values = np.array([m.variables[output.name] for m in modes]).reshape(len(modes), *output.shape)
        variables[output.name] = (("mode", *output.dims), values)
    for name in ("log_posterior", "log_mass", "hits"):
        variables[name] = (("mode",), np.array([getattr(m, name) for m in modes]))
    coords = {"mode": np.arange(len(modes)), "component": np.arange(problem.n_components)}
    return xr.Dataset(variables, coords)
