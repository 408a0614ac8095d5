"""Rows of cells in NumPy: densities of components, components without parameters, simulated rows.

This is the definition that both engines are compared with; families without a compiled kernel use it for results too.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bayesmix.blocks import Block, Layout
from bayesmix.data import FloatArray, Observations
from bayesmix.mixture import Mixture

__all__ = ["IMPOSSIBLE", "component_log_density", "fixed_log_densities", "random_rows", "random_values"]

IMPOSSIBLE = -1e300
"""Log density of a row in the components it is known not to belong to: finite, so that nothing becomes NaN."""


def fixed_log_densities(resolved: Mixture, layout: Layout, cells: FloatArray) -> FloatArray:
    """Return the log densities of rows in the components without parameters.

    The noise component is uniform over the range of the fitted data, and has that density for every row, also for new
    rows beyond the range (as the noise of Banfield & Raftery 1993): a row far from everything is noise.

    Parameters
    ----------
    resolved : Mixture
    layout : Layout
    cells : ndarray, shape (n, width)

    Returns
    -------
    ndarray, shape (components without parameters, n)
    """
    out = np.zeros((len(resolved.extras), len(cells)))
    known = layout.known(cells)
    for s, name in enumerate(resolved.extras):
        if name == "zero":
            out[s] = np.where(cells[:, 0] == 0, 0.0, -np.inf)
            continue
        for c, background in enumerate(resolved.backgrounds):
            own = cells[:, layout.part(c)]
            # Successes are uniform over what the row's own trials allow.
            level = -np.log1p(own[:, 1]) if layout.trials(c) else background
            here = np.where(np.isnan(own[:, 0]), 0.0, level)
            if layout.intervals[c]:
                # An interval has the probability of its width, at most that of everything; a point has the density.
                width = own[:, 1] - own[:, 0]
                with np.errstate(divide="ignore"):
                    here += np.where(width > 0, np.minimum(np.log(width), -background), 0.0)
            out[s] += here
    return out if known is None else np.where(np.isnan(known), out, IMPOSSIBLE)


def component_log_density(
    resolved: Mixture, layout: Layout, parameters: Mapping[str, FloatArray], cells: FloatArray
) -> FloatArray:
    """Return the log-density of every row in every component, shape (S, n, M), components without parameters last.

    Parameters
    ----------
    resolved : Mixture
    layout : Layout
    parameters : mapping of ndarray
        Draws, shapes (S, K), (S, 1) where shared, or with a further axis.
    cells : ndarray, shape (n, width)
        One chunk of rows.
    """
    total: Any = 0.0
    for block in resolved.blocks:
        own = block.cells(cells, layout)
        total = total + block.family.rows_log_density(own, block.pick(parameters), block.interval(layout))
    n_draws = total.shape[0]
    total = np.broadcast_to(total, (n_draws, len(cells), resolved.n_components))
    known = layout.known(cells)
    if known is not None:
        other = ~np.isnan(known)[:, np.newaxis] & (known[:, np.newaxis] != np.arange(resolved.n_components))
        total = np.where(other, IMPOSSIBLE, total)
    if not resolved.extras:
        return np.asarray(total)
    fixed = fixed_log_densities(resolved, layout, cells).T
    return np.concatenate([total, np.broadcast_to(fixed, (n_draws, *fixed.shape))], axis=2)


def random_rows(
    resolved: Mixture,
    weights: FloatArray,
    parameters: Mapping[str, FloatArray],
    known: Mapping[int, FloatArray],
    shape: tuple[int, ...],
    rng: np.random.Generator,
    *,
    members: FloatArray | None = None,
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Draw rows of the mixture: a component each, then its values.

    Parameters
    ----------
    resolved : Mixture
    weights : ndarray, shape (..., M)
        Broadcasts against `shape` in its leading dimensions.
    parameters : mapping of ndarray, each (..., K), or (..., 1) when shared, possibly with a further axis
    known : mapping of int to ndarray
        Position of a column to its known trials, which broadcast against `shape`.
    shape : tuple of int
        Of the result.
    rng : numpy.random.Generator
    members : ndarray, shape `shape`, optional
        Components that rows are known to belong to; NaN where one is to be drawn.

    Returns
    -------
    values : ndarray, shape (*shape, columns)
    component : ndarray of int, shape `shape`
        Position among all components, those without parameters last.
    """
    edges = np.cumsum(weights, axis=-1)
    uniform = rng.random(shape)[..., np.newaxis] * edges[..., -1:]
    component = (uniform >= edges[..., :-1]).sum(axis=-1)
    if members is not None:
        component = np.where(np.isnan(members), component, np.nan_to_num(members)).astype(np.intp)
    columns = []
    inside = np.minimum(component, resolved.n_components - 1)
    for block in resolved.blocks:
        columns.append(_block_values(block, parameters, inside, known, rng))
    values = np.concatenate(columns, axis=-1)
    for s, name in enumerate(resolved.extras):
        chosen = component == resolved.n_components + s
        values[chosen] = 0.0 if name == "zero" else _noise_values(resolved, known, chosen, rng)
    return values, component


def _block_values(
    block: Block,
    parameters: Mapping[str, FloatArray],
    component: npt.NDArray[np.intp],
    known: Mapping[int, FloatArray],
    rng: np.random.Generator,
) -> FloatArray:
    chosen: dict[str, FloatArray] = {}
    for parameter, value in zip(block.family.parameters, block.pick(parameters).values(), strict=True):
        tail = () if parameter.dim is None else value.shape[-1:]
        k = value.shape[value.ndim - 1 - len(tail)]
        wide = np.broadcast_to(value, (*component.shape, k, *tail))
        index = np.minimum(component, k - 1).reshape(*component.shape, 1, *([1] * len(tail)))
        chosen[parameter.name] = np.take_along_axis(wide, index, axis=component.ndim).squeeze(axis=component.ndim)
    for i, name in enumerate(block.family.extra):
        chosen[name] = np.broadcast_to(known[block.columns[i]], component.shape)
    drawn = np.asarray(block.family.random(chosen, rng), dtype=np.float64)
    return drawn if block.family.multivariate else drawn[..., np.newaxis]


def _noise_values(
    resolved: Mixture, known: Mapping[int, FloatArray], chosen: npt.NDArray[np.bool_], rng: np.random.Generator
) -> FloatArray:
    """Draw the cells of noise rows: uniform over the fitted range, or over what the trials allow."""
    n = int(chosen.sum())
    columns = []
    for c, (low, high) in enumerate(resolved.ranges):
        block = resolved.blocks[0 if resolved.blocks[0].family.multivariate else c]
        if c in known:
            trials = np.broadcast_to(known[c], chosen.shape)[chosen]
            columns.append(rng.integers(0, trials.astype(int), endpoint=True).astype(float))
        elif block.family.discrete:
            columns.append(rng.integers(int(low), int(high), n, endpoint=True).astype(float))
        else:
            columns.append(rng.uniform(low, high, n))
    return np.stack(columns, axis=-1)


def random_values(values: FloatArray, observations: Observations) -> FloatArray:
    """Return drawn values as cells of these observations' columns: rounded, missing and with trials as they are.

    Parameters
    ----------
    values : ndarray, shape (n, columns)
    observations : Observations
    """
    cells = np.array(observations.cells)
    for c, (column, part) in enumerate(zip(observations.columns, observations.parts, strict=True)):
        drawn = values[:, c]
        if not column.interval:
            cells[:, part.start] = np.where(column.present, drawn, np.nan)
            continue
        if column.resolution is not None:
            step = column.resolution
            middle = np.round(drawn / step) * step
            low, high = middle - step / 2, middle + step / 2
        else:
            low = high = drawn
        cells[:, part] = np.where(column.present[:, np.newaxis], np.stack([low, high], axis=1), np.nan)
    return cells
