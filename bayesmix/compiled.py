"""From a resolved specification to the compiled engine: what it covers, its rows and its problem in plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import Block, Layout, Variable
from bayesmix.cells import fixed_log_densities
from bayesmix.data import FloatArray, Observations
from bayesmix.mixture import Mixture
from bayesmix.model import extra_weight_names
from bayesmix.priors import (
    LKJ,
    Beta,
    Exponential,
    Gamma,
    HalfNormal,
    InverseGamma,
    InverseGammaVariance,
    LogitNormal,
    LogNormal,
    Normal,
    SimplexDirichlet,
    WrappedNormal,
    hyper_of,
    stack_parameters,
)

if TYPE_CHECKING:
    from bayesmix.engine import Problem
    from bayesmix.engine import Variable as EngineVariable
    from bayesmix.engine.pointwise import Draws
    from bayesmix.engine.rows import Block as EngineBlock
    from bayesmix.engine.rows import Rows

__all__ = ["Laid", "draws_of", "families_are_covered", "problem_of", "rows_of", "value_starts", "why_not_covered"]

_KINDS = {
    Normal: ("NORMAL", ("mu", "sigma")),
    LogNormal: ("LOG_NORMAL", ("mu", "sigma")),
    LogitNormal: ("LOGIT_NORMAL", ("mu", "sigma")),
    HalfNormal: ("HALF_NORMAL", ("sigma",)),
    Exponential: ("EXPONENTIAL", ("lam",)),
    Gamma: ("GAMMA", ("alpha", "beta")),
    InverseGamma: ("INVERSE_GAMMA", ("alpha", "beta")),
    InverseGammaVariance: ("INVERSE_GAMMA_VARIANCE", ("alpha", "beta")),
    Beta: ("BETA", ("alpha", "beta")),
    WrappedNormal: ("NORMAL", ("mu", "sigma")),  # what depends on an angle does not see how often it is wound
}


def families_are_covered(resolved: Mixture) -> bool:
    """Whether every family has a compiled kernel, so that results over draws come from the compiled pass."""
    return all(block.family.kernel is not None for block in resolved.blocks)


def why_not_covered(resolved: Mixture) -> str | None:
    """Return why the compiled engine cannot run a specification, or None where it can.

    Parameters
    ----------
    resolved : Mixture
        With a prior for every parameter.
    """
    for block in resolved.blocks:
        if block.family.kernel is None:
            return f"the {block.family.name} family has no compiled kernel"
    for name, spec in resolved.priors.items():
        kind, _ = stack_parameters(spec, name, resolved.n_components)
        if type(kind) not in _KINDS and not isinstance(kind, (SimplexDirichlet, LKJ)):
            return f"the prior {spec} of {name!r} is not compiled"
        if isinstance(spec, tuple) and isinstance(kind, (SimplexDirichlet, LKJ)):
            return f"priors of {name!r} that differ between components are not compiled"
    return None


@dataclass(frozen=True, eq=False)
class Laid:
    """A problem of the engine with the rows it was made from: distinct, in its order, columns centred."""

    problem: "Problem"
    layout: Layout
    cells: FloatArray


def problem_of(resolved: Mixture, observations: Observations) -> Laid:
    """Write a covered specification and its rows, merged to distinct ones, as a problem of the engine.

    Parameters
    ----------
    resolved : Mixture
    observations : Observations
    """
    from bayesmix.engine import Problem

    layout, distinct = Layout.of(observations), observations.distinct
    # Rows with the same missing cells follow each other, so that a multivariate kernel changes its matrix rarely.
    order = np.lexsort(np.isnan(distinct.cells).T[::-1]) if np.isnan(distinct.cells).any() else slice(None)
    cells = np.array(distinct.cells[order])
    fixed = fixed_log_densities(resolved, layout, cells)
    centres = _centre(resolved, layout, cells)
    problem = Problem(
        rows_of(resolved, layout, cells, distinct.counts[order], fixed=fixed),
        tuple(e for v in resolved.variables for e in _engine_variables(resolved, v, centres.get(v.name, 0.0))),
        tuple(resolved.total_concentration().tolist()),
        resolved.sort_key,
        extra_weight_names(resolved),
        {v.name: v.dims for v in resolved.variables},
    )
    return Laid(problem, layout, cells)


def _centre(resolved: Mixture, layout: Layout, cells: FloatArray) -> dict[str, float]:
    """Subtract an exact round number from columns whose family moves with the data, in place; return it by variable."""
    from bayesmix.engine.problem import exact_centre

    centres = {}
    for block in resolved.blocks:
        name = f"{block.prefix}mu"
        spec = resolved.priors.get(name)
        if block.family.location_scale and not block.family.multivariate and isinstance(spec, Normal):
            part = layout.part(block.columns[0])
            centres[name] = exact_centre(cells[:, part])
            cells[:, part] -= centres[name]
    return centres


def _engine_variables(resolved: Mixture, variable: Variable, centre: float) -> "tuple[EngineVariable, ...]":
    """Return the engine's variable, behind the one that scales its prior where the prior has an unknown scale."""
    from bayesmix.engine import PriorKind
    from bayesmix.engine import Variable as EngineVariable

    hyper = hyper_of(resolved.priors[variable.name], variable.name)
    if hyper is None:
        return (_engine_variable(resolved, variable, centre),)
    name, gamma = hyper
    own = _numbers(PriorKind.GAMMA, np.array(gamma.alpha), np.array(gamma.beta))
    scaled = replace(_engine_variable(resolved, variable, centre), scaled_by=name)
    return EngineVariable(name, own, rows=1, is_hyper=True), scaled


def _engine_variable(resolved: Mixture, variable: Variable, centre: float) -> "EngineVariable":
    from bayesmix.engine import PriorKind
    from bayesmix.engine import Variable as EngineVariable

    k = resolved.n_components
    shape = variable.shape(k)
    common: dict[str, Any] = {
        "rows": 1 if variable.shared else k,
        "size": len(variable.labels) if variable.parameter.dim is not None else 1,
        "shape": shape,
    }
    prior, hyper = stack_parameters(
        resolved.priors[variable.name], variable.name, k, vector=variable.parameter.dim is not None
    )
    if isinstance(prior, SimplexDirichlet):
        a = np.broadcast_to(np.asarray(hyper["a"], dtype=float), (common["size"],))
        return EngineVariable(variable.name, _numbers(PriorKind.GAMMA, a, np.ones(1)), type="simplex", **common)
    if isinstance(prior, LKJ):
        eta = np.array([float(hyper["eta"])])
        return EngineVariable(variable.name, _numbers(PriorKind.BETA, eta, eta), type="correlation", **common)
    kind, names = _KINDS[type(prior)]
    if isinstance(hyper.get("beta"), Gamma):  # the scale is a variable, of which the priors have the multiple 1
        hyper = hyper | {"beta": 1.0}
    numbers = [np.broadcast_to(np.asarray(hyper[field], dtype=float), shape) for field in names]
    return EngineVariable(variable.name, _numbers(PriorKind[kind], *numbers), centre=centre, **common)


def _numbers(kind: Any, *hyper: FloatArray) -> Any:
    """Return the engine's prior; one number stands for equal ones."""
    from bayesmix.engine import Prior

    flat = [tuple(np.ravel(h).tolist()) for h in hyper]
    return Prior(kind, *(f[:1] if len(set(f)) == 1 else f for f in flat))


def rows_of(
    resolved: Mixture,
    layout: Layout,
    cells: FloatArray,
    counts: FloatArray | None = None,
    *,
    fixed: FloatArray | None = None,
) -> "Rows":
    """Write rows as the compiled pass reads them; every family must have a kernel.

    Parameters
    ----------
    resolved : Mixture
    layout : Layout
    cells : ndarray, shape (n, width)
    counts : ndarray, shape (n,), optional
        Once each by default.
    fixed : ndarray, optional
        Log densities in the components without parameters, where the cells were centred since; computed by default.
    """
    from bayesmix.engine.rows import Block as EngineBlock
    from bayesmix.engine.rows import Rows

    own = np.ones(len(cells)) if counts is None else counts
    fixed = fixed_log_densities(resolved, layout, cells) if fixed is None else fixed
    starts, size = value_starts(resolved)
    blocks = [_engine_block(resolved, group, layout, cells, starts) for group in _groups(resolved, layout)]
    if (known := layout.known(cells)) is not None:
        blocks.append(EngineBlock("known", (known[:, np.newaxis],), np.empty((0, 1, resolved.n_components), np.int64)))
    return Rows(tuple(blocks), resolved.n_components, size, own, fixed)


def value_starts(resolved: Mixture) -> tuple[dict[str, int], int]:
    """Return where each variable begins in the engine's vector of values, and the vector's length.

    An unknown scale of a variable's prior stands before the variable.
    """
    starts, at = {}, 0
    for variable in resolved.variables:
        at += hyper_of(resolved.priors.get(variable.name), variable.name) is not None
        starts[variable.name] = at
        at += int(np.prod(variable.shape(resolved.n_components)))
    return starts, at


def _groups(resolved: Mixture, layout: Layout) -> list[list[Block]]:
    """Put columns that one kernel can take together into one group: same family and options, points or intervals."""
    groups: dict[Any, list[Block]] = {}
    for number, block in enumerate(resolved.blocks):
        alone = number if block.family.reads == "category" else -1
        groups.setdefault((block.family.name, block.interval(layout), alone), []).append(block)
    return list(groups.values())


def _engine_block(
    resolved: Mixture, group: list[Block], layout: Layout, cells: FloatArray, starts: Mapping[str, int]
) -> "EngineBlock":
    from bayesmix.engine.rows import Block as EngineBlock

    first = group[0]
    kind = f"{first.family.kernel}{'_interval' if first.interval(layout) else ''}"
    if first.family.multivariate:
        columns = tuple(cells[:, [c]] for c in range(layout.width))
    else:
        columns = tuple(block.cells(cells, layout) for block in group)
    option = len(first.family.dims.get("category", ()))
    return EngineBlock(kind, columns, _slots(resolved, group, starts), option)


def _slots(resolved: Mixture, group: list[Block], starts: Mapping[str, int]) -> Any:
    """Return where each parameter of each column and component stands among the values."""
    k = resolved.n_components
    p = len(resolved.variables[0].labels) if group[0].family.multivariate else len(group)
    rows: list[Any] = []
    for parameter in group[0].family.parameters:
        for block in group:
            start = starts[f"{block.prefix}{parameter.name}"]
            size = len(block.family.dims[parameter.dim]) if parameter.dim is not None else 1
            step = 0 if parameter.shared else size
            entries = [start + i + step * np.arange(k) for i in range(size)]
            spread = block.family.multivariate and parameter.dim is None
            rows += entries * p if spread else entries
    return np.array(rows, dtype=np.int64).reshape(-1, 1, k)


def draws_of(resolved: Mixture, weights: FloatArray, parameters: Mapping[str, FloatArray]) -> "Draws":
    """Write draws as the compiled pass reads them.

    Parameters
    ----------
    resolved : Mixture
    weights : ndarray, shape (S, M)
    parameters : mapping of ndarray, shapes (S, K), (S, 1) where shared, or with a further axis
    """
    from bayesmix.engine.pointwise import Draws

    parts = []
    for variable in resolved.variables:
        if hyper_of(resolved.priors.get(variable.name), variable.name) is not None:
            parts.append(np.ones((len(weights), 1)))  # no row's density depends on it
        value = parameters[variable.name].reshape(len(weights), -1)
        with np.errstate(divide="ignore"):  # a category's probability may round to 0
            parts.append(np.log(value) if variable.parameter.support == "simplex" else value)
    with np.errstate(divide="ignore"):  # a weight that rounded to 0 has log -inf, and the pass copes
        return Draws(np.log(weights), np.concatenate(parts, axis=1))
