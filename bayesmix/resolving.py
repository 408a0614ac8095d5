"""Resolving: a specification and data become a specification with every number in it."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bayesmix.blocks import FamilyTable, Variable, blocks_of, columns_of, refuse_unidentified, variables_of
from bayesmix.data import Column, Observations, check_component_count
from bayesmix.errors import InputError, PriorWarning
from bayesmix.families import Family
from bayesmix.mixture import Mixture
from bayesmix.priors import (
    PRIOR_SETS,
    ByFeature,
    InverseGammaVariance,
    PriorSet,
    SimplexDirichlet,
    as_prior,
    hyper_of,
)

__all__ = ["bind", "resolve", "spikes"]


def resolve(mixture: Mixture, observations: Observations) -> Mixture:
    """Fill in the data-scaled default priors, turn every prior into numbers, and bind the families to the columns.

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
        If there are more components than distinct rows, the columns cannot tell that many apart, a value lies outside
        its family's support, a default or a named set of priors is needed for constant data, or a prior does not fit
        its parameter.

    Warns
    -----
    PriorWarning
        If a prior makes the posterior improper for the ties in the data.
    """
    result = bind(mixture, observations)
    for text in spikes(result, observations):
        warnings.warn(text, PriorWarning, stacklevel=3)
    return result


def bind(mixture: Mixture, observations: Observations) -> Mixture:
    """Do what `resolve` does, without its warning.

    Parameters
    ----------
    mixture : Mixture
    observations : Observations
    """
    check_component_count(mixture.n_components, observations)
    family = _bind(mixture.family, observations)
    _refuse_unmeasured(family, observations)
    refuse_unidentified(family, len(mixture.component_labels), observations)
    stated = mixture.priors if mixture.priors.name is None else _named_set(mixture.priors.name, observations.columns[0])
    priors: dict[str, Any] = {}
    for block in blocks_of(family):
        variables = [v for v in variables_of(family) if v.block == block]
        missing = [v.name for v in variables if v.name not in stated]
        defaults = block.family.default_priors(columns_of(block, observations)) if missing else {}
        for variable in variables:
            default = defaults.get(variable.parameter.name)
            given = stated.get(variable.name, default and as_prior(default, variable.name))
            priors[variable.name] = _resolved_prior(given, variable)
    noise = _background(family, observations) if mixture.noise else {}
    labelled = observations.known is not None
    return replace(mixture, family=family, priors=priors, labelled=labelled, **noise)  # type: ignore[arg-type]


def _named_set(name: str, column: Column) -> PriorSet:
    """Return the priors of a named set for a column: they follow its range."""
    values = column.values[column.present]
    low, high = float(values.min()), float(values.max())
    if not low < high:
        raise InputError(
            f"priors={name!r} must have data whose range is > 0, got {values.size} values equal to {low:g} in "
            f"{column.name!r}. State the priors, e.g. bm.priors.{name}({low - 1:g}, {high + 1:g})."
        )
    return PriorSet(PRIOR_SETS[name](low, high))


def _refuse_unmeasured(family: Family | FamilyTable, observations: Observations) -> None:
    """Refuse intervals of a family that states no distribution function."""
    for block in blocks_of(family):
        kind = type(block.family)
        known = kind.log_probability is not Family.log_probability or kind.log_cdf is not Family.log_cdf
        if block.family.multivariate or known or block.family.discrete:
            continue
        column = columns_of(block, observations)
        if column.interval:
            raise InputError(
                f"a family of intervals must state its distribution function, got {column.name!r} with the "
                f"{block.family.name} family, which has no log_cdf and log_sf. Add them, or leave out resolution=."
            )


def _bind(family: Family | FamilyTable, observations: Observations) -> Family | FamilyTable:
    bound = []
    for block in blocks_of(family):
        columns = columns_of(block, observations)
        bound.append(block.family.bind(columns))
        bound[-1].check(columns)
    if isinstance(family, FamilyTable):
        return FamilyTable(dict(zip(family, bound, strict=True)))
    return bound[0]


def _background(family: Family | FamilyTable, observations: Observations) -> dict[str, Any]:
    """Range and log-density of the noise component, column by column."""
    blocks = blocks_of(family) * (len(observations.columns) if len(blocks_of(family)) == 1 else 1)
    columns = observations.columns
    return {
        "ranges": [_range(block.family, c) for block, c in zip(blocks, columns, strict=True)],
        "backgrounds": [block.family.background(c) for block, c in zip(blocks, columns, strict=True)],
    }


def _range(family: Family, column: Column) -> tuple[float, float]:
    """Return where the noise component's values lie: all that can occur if these are known, else the data's range."""
    if family.circular:
        return -math.pi, math.pi
    most = family.states(column)
    if math.isfinite(most):
        return 0.0, most - 1.0
    return float(np.nanmin(column.values)), float(np.nanmax(column.values))


def _resolved_prior(given: Any, variable: Variable) -> Any:
    singles = given if isinstance(given, tuple) else (given,)
    out = []
    for prior in singles:
        if isinstance(prior, ByFeature):
            prior = prior.ordered(tuple(map(str, variable.labels)), variable.name)
        if isinstance(prior, SimplexDirichlet) and np.size(prior.a) not in (1, max(1, len(variable.labels))):
            raise InputError(
                f"the prior of {variable.name!r} must have one concentration per category "
                f"{list(variable.labels)}, got {np.size(prior.a)}. Give {len(variable.labels)} numbers, or one for all."
            )
        out.append(prior.resolve(variable.name, variable.parameter.support))
    return tuple(out) if isinstance(given, tuple) else out[0]


def spikes(mixture: Mixture, observations: Observations) -> Iterator[str]:
    """Tell of every prior that, not vanishing at 0, makes the posterior improper for the tied rows at hand.

    With p(sigma) ~ sigma**a at 0, a component that shrinks onto m equal rows contributes
    ``integral sigma**(a - m + 1) d sigma`` after its mean is integrated out, which diverges when m >= a + 2. With one
    component this needs all rows to be equal. A common sd can vanish only where the K means cover all distinct values,
    which contributes ``integral sigma**(a + K - n) d sigma``: n - K takes the place of m - 1. In a table the column
    alone is looked at: the other columns of the tied rows change the constant, not the power.

    A scale of the priors that is unknown can fall to 0 with all components but one, whose sds are s = sigma**2 each.
    With shape a and ``beta ~ Gamma(g, h)`` the joint prior, ``prod_k s_k**-(a + 1) * (h + sum_k 1 / s_k)**-(K a + g)``,
    is then of the order t**(a + g - 1) dt in a common factor t, and the likelihood of components on m_k equal values
    t**-(sum_k (m_k - 1) / 2): improper when the sum reaches 2 (a + g), or 2 g where all components can fall.

    Parameters
    ----------
    mixture : Mixture
        Bound to the data.
    observations : Observations

    Yields
    ------
    str
        What is wrong, for which values, and what to do.
    """
    for block in mixture.blocks:
        name = block.family.spike_parameter
        if name is None:
            continue
        if block.family.multivariate:
            yield from _tied_rows(mixture, block.prefix + name, observations)
            continue
        column = columns_of(block, observations)
        shared = next(p.shared for p in block.family.parameters if p.name == name)
        value, ties = column.most_tied  # of the values known exactly
        prior = mixture.priors[block.prefix + name]
        if isinstance(prior, InverseGammaVariance) and hyper_of(prior, name) is not None:
            ties = _ties_of_common_scale(column, mixture.n_components, prior.alpha, shared=shared)
            several = "" if mixture.n_components == 2 else ", with other tied values,"
            yield from _spike(mixture, block.prefix + name, f"{value:g}{several}", ties, column.most_tied[1])
            continue
        if shared or mixture.n_components == 1:
            if mixture.n_components < column.n_distinct:
                continue
            ties = observations.total - mixture.n_components + 1
        yield from _spike(mixture, block.prefix + name, f"{value:g}", ties, column.most_tied[1])


def _ties_of_common_scale(column: Column, k: int, alpha: float, *, shared: bool) -> float:
    """Return how many equal values do to one component what all tied values do to those that fall to 0 together.

    On m equal values the likelihood gains m - 1 powers, and an empty component neither gains nor loses any. Where no
    component has to hold the other values, the prior does not resist with the `alpha` of the one that does.
    """
    covered = column.n_distinct <= k
    falling = k if covered else 0 if shared else k - 1
    exact = column.present if column.bounds is None else column.bounds[0] == column.bounds[1]
    _, inverse = np.unique(column.values[exact], return_inverse=True)
    counts = np.sort(np.bincount(inverse, None if column.weights is None else column.weights[exact]))[::-1]
    return 1.0 + float(np.maximum(counts[:falling] - 1.0, 0.0).sum()) + 2.0 * alpha * covered


def _tied_rows(mixture: Mixture, name: str, observations: Observations) -> Iterator[str]:
    """Tell of equal rows of several columns, on which a component's sds can vanish: the rule holds for each of them."""
    variable = next(v for v in mixture.variables if v.name == name)
    if variable.shared or mixture.n_components == 1:
        return
    distinct = replace(observations, known=None).distinct  # rows tie whether their classes are known or not
    k = int(np.argmax(distinct.counts))
    row, count = distinct.cells[k], float(distinct.counts[k])
    if not np.isnan(row).any():
        yield from _spike(mixture, name, f"({', '.join(f'{v:g}' for v in row)})", count, count)


def _spike(mixture: Mixture, name: str, value: str, ties: float, count: float) -> Iterator[str]:
    spec = mixture.priors[name]
    for prior in spec if isinstance(spec, tuple) else (spec,):
        exponent = prior.exponent_at_zero()
        if math.isfinite(exponent) and ties >= exponent + 2:
            yield (
                f"the prior {prior} of {name!r} does not vanish fast enough at 0 for these data: {value} occurs "
                f"{count:g} times, so a component can shrink onto it and the posterior is improper (it has no finite "
                f"total). Use resolution= if the values are rounded, or bm.priors.LogNormal, bm.priors.InverseGamma, "
                f"bm.priors.Between(low, high) with low at the precision of the data, or leave the prior of {name!r} "
                "out."
            )
            return
