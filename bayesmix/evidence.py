"""The evidence: the probability of the data under a specification, parameters integrated out.

By bridge sampling on the fit's own draws; where its error is large, as superfluous components can make it, on four
times as many draws, and then by tempered sequential Monte Carlo on the same density. Exchangeable components are looked
at in one of their K! labellings and the log of K! is added: a chain sees one of the copies only, so that free draws
would be off by up to that much.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bayesmix.compiled import problem_of, why_not_covered
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.model import free_names, model_of
from bayesmix.posterior import Posterior
from bayesmix.priors import stack_parameters
from bayesmix.refits import redrawn
from bayesmix.settings import SamplerSettings, generator

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.engine import Problem
    from bayesmix.engine.angles import Turns
    from bayesmix.engine.bridge import Estimate
    from bayesmix.engine.ordered import Ordered, Part

__all__ = ["MAX_ERROR", "Evidence", "log_evidence"]

MAX_ERROR = 0.1
"""Standard error of the log evidence above which the next method is tried."""

#: Points times distinct rows times components of one estimate: larger data use fewer proposals, then fewer draws.
_MAX_TERMS = 4_000_000_000
_PROPOSALS = 8
_FEWEST_DRAWS = 400
_LONGER = 4
_RUNS, _PARTICLES = 4, 1000
#: Distinct rows times components up to which SMC, millions of points, is tried unasked: about two minutes.
_MAX_SMC_TERMS = 20_000
#: Draws are kept as parameters, which may have rounded to the end of their range.
_SMALLEST = 1e-300


@dataclass(frozen=True)
class Evidence:
    """The log marginal likelihood of a specification.

    Attributes
    ----------
    value : float
        ``log p(y)``, in nats. Its size depends on the units of the data; only differences between specifications of
        the same data mean anything.
    se : float
        Monte-Carlo standard error.
    method : {"bridge", "smc"}
        Bridge sampling, or tempered sequential Monte Carlo.

    Examples
    --------
    >>> one, two = choice.fits[1].log_evidence(), choice.fits[2].log_evidence()
    >>> two.value - one.value > 1, one.se < 0.1
    (True, True)
    """

    value: float
    se: float
    method: str

    def __repr__(self) -> str:
        return f"Evidence(value={self.value:.3f}, se={self.se:.3f}, method={self.method!r})"


def log_evidence(
    posterior: Posterior, *, method: Literal["auto", "bridge", "smc"] = "auto", random_seed: int | None = None
) -> Evidence:
    """Estimate the log marginal likelihood of a fit.

    Parameters
    ----------
    posterior : Posterior
    method : {"auto", "bridge", "smc"}, default "auto"
        ``"bridge"`` samples a bridge between the draws and a mixture of normals (Meng & Wong 1996); ``"smc"`` runs
        tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006), which needs the compiled engine; ``"auto"``
        takes the bridge; where its standard error exceeds 0.1 a bridge on four times as many draws; and where that is
        still so, and rows times components are at most 20 000, the better one of this and SMC, with a standard error
        of at least half of their difference.
    random_seed : int, optional
        By default the fit's own, so that the same fit gives the same number.

    Returns
    -------
    Evidence

    Raises
    ------
    InputError
        For fits with weights that are no counts, or saved without data.

    References
    ----------
    Frühwirth-Schnatter (2004), Estimating marginal likelihoods for mixture and Markov switching models using bridge
    sampling techniques, Econometrics Journal 7, 143-167.
    """
    if method not in ("auto", "bridge", "smc"):
        raise InputError(f"method must be 'auto', 'bridge' or 'smc', got {method!r}. Leave it out for 'auto'.")
    generator(random_seed)
    if not posterior.observations.weights_are_counts:
        raise InputError(
            "weights must be whole numbers for the evidence, got fractions: a row counted half has no probability. Use "
            "counts."
        )
    seed = posterior.info.random_seed if random_seed is None else random_seed
    target = _target(posterior)
    if method == "smc":
        return _named(_by_smc(target, seed), "smc")
    first = _named(_by_bridge(target, seed), "bridge")
    if method == "bridge" or first.se <= MAX_ERROR or target.problem is None:
        return first
    second = _named(_by_bridge(_with_more_draws(target, posterior, seed), seed), "bridge")
    if second.se <= MAX_ERROR or target.terms > _MAX_SMC_TERMS:
        return second
    third = _named(_by_smc(target, seed), "smc")
    better = min(second, third, key=lambda evidence: evidence.se)
    return replace(better, se=max(better.se, 0.5 * abs(second.value - third.value)))


def _with_more_draws(target: "_Target", posterior: Posterior, seed: int) -> "_Target":
    """Return the target with `_LONGER` times as many draws, made anew."""
    info = posterior.info
    settings = SamplerSettings(
        draws=_LONGER * info.draws,
        chains=info.chains,
        target_accept=info.target_accept,
        random_seed=int(np.random.SeedSequence([seed, _LONGER]).generate_state(1)[0]),
        engine="compiled",
        progressbar=False,
    )
    drawn, _ = redrawn(posterior, posterior.observations, settings)
    assert target.problem is not None
    return replace(target, draws=target.turns.folded(_points(target.problem, drawn)))


def _named(estimate: "Estimate", method: str) -> Evidence:
    return Evidence(estimate.value, estimate.se, method)


@dataclass(frozen=True, eq=False)
class _Target:
    """A density on the sampled space with draws of it.

    Attributes
    ----------
    space : Ordered
    turns : Turns
    draws : ndarray, shape (chain, draw, d)
        In the sampled space, angles within one turn.
    log_density : callable
        Of points, shape (N, d).
    terms : int
        Distinct rows times components: the cost of a point.
    problem : Problem or None
        Where the compiled engine covers the specification.
    """

    space: "Ordered"
    turns: "Turns"
    draws: FloatArray
    log_density: Callable[[FloatArray], FloatArray]
    terms: int
    problem: "Problem | None"


def _target(posterior: Posterior) -> _Target:
    from bayesmix.engine.ordered import Ordered

    resolved = posterior.resolved
    make = _pymc_target if why_not_covered(resolved) else _compiled_target
    parts, draws, log_density, problem = make(posterior)
    turns = _turns(resolved, parts, draws)
    draws = turns.folded(draws)
    k, m = resolved.n_components, len(resolved.component_labels)
    space = Ordered(k, m, parts, None)
    if resolved.exchangeable and k > 1:
        key = _free_key(posterior) or space.steadiest_key(
            draws.reshape(-1, draws.shape[2]), [(p.name, e) for p in parts if p.rows == k for e in range(p.size)]
        )
        space = Ordered(k, m, parts, key)
    terms = len(posterior.observations.distinct.counts) * m
    return _Target(space, turns, draws, log_density, terms, problem)


def _turns(resolved: Mixture, parts: "tuple[Part, ...]", draws: FloatArray) -> "Turns":
    """Say which numbers are angles: they have wrapped normal priors, and stand for the number of sds from the mean."""
    from bayesmix.engine.angles import Turns

    groups, periods = [], []
    for variable in resolved.variables:
        if variable.parameter.support == "angle":
            part = next(p for p in parts if p.name == variable.name)
            _, hyper = stack_parameters(resolved.priors[variable.name], variable.name, resolved.n_components)
            at = part.start + np.arange(part.rows)
            together = [at] if resolved.exchangeable else np.split(at, part.rows)
            groups += together
            periods += [
                2 * np.pi / float(np.broadcast_to(hyper["sigma"], at.shape)[g[0] - part.start]) for g in together
            ]
    return Turns.fit(draws.reshape(-1, draws.shape[2]), groups, periods)


def _free_key(posterior: Posterior) -> tuple[str, int] | None:
    """Return the order key: every scalar prior's sampled number grows with the parameter."""
    return None if posterior.resolved.relabelled else posterior.resolved.sort_key


def _compiled_target(posterior: Posterior) -> tuple[Any, ...]:
    from bayesmix.engine.batch import log_densities
    from bayesmix.engine.ordered import parts_of

    problem = problem_of(posterior.resolved, posterior.observations).problem
    draws = _points(problem, posterior.idata["posterior"].to_dataset())
    return parts_of(problem), draws, lambda points: log_densities(problem, points)[0], problem


def _points(problem: "Problem", free: "xr.Dataset") -> FloatArray:
    """Return draws in the sampled space, shape (chain, draw, d), from the free variables."""
    blocks = [_simplex_points(_flat(free["w_free"]))] if "w_free" in free else []
    for variable in problem.variables:
        value = _flat(free[variable.free_name])
        if variable.type == "simplex":
            shaped = value.reshape(*value.shape[:2], variable.rows, variable.size)
            blocks.append(_simplex_points(shaped).reshape(*value.shape[:2], -1))
        elif variable.type == "correlation" or variable.prior.kind.name == "BETA":
            inside = np.clip(value, _SMALLEST, 1 - 2.0**-53)
            blocks.append(np.log(inside) - np.log1p(-inside))
        else:
            blocks.append(value if variable.whitened else np.log(np.maximum(value, _SMALLEST)))
    return np.concatenate(blocks, axis=2)


def _flat(variable: "xr.DataArray") -> FloatArray:
    values = variable.transpose("chain", "draw", ...).values
    return np.asarray(values.reshape(*values.shape[:2], -1), dtype=np.float64)


def _simplex_points(p: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        log_p = np.maximum(np.log(p), -700.0)
    return np.asarray((log_p - log_p.mean(axis=-1, keepdims=True))[..., :-1])


def _pymc_target(posterior: Posterior) -> tuple[Any, ...]:
    """Return the same for what only PyMC covers; transforms are PyMC's own."""
    import pytensor
    from pymc.util import get_transformed_name

    from bayesmix.engine.ordered import Part

    model = model_of(posterior.resolved, posterior.observations)
    free = posterior.idata["posterior"].to_dataset()
    compiled, point = model.compile_logp(), model.initial_point()
    own_names = {free_name: name for name, free_name in free_names(posterior.resolved).items()}
    parts, blocks, names, start = [], [], [], 0
    for rv in model.free_RVs:
        value = free[rv.name].transpose("chain", "draw", ...).values
        transform, name = model.rvs_to_transforms[rv], rv.name
        if transform is not None:
            given = rv.type()
            forward = pytensor.function([given], transform.forward(given, *rv.owner.inputs))
            name = get_transformed_name(rv.name, transform)
            moved = np.array([forward(one) for one in value.reshape(-1, *value.shape[2:])])
            value = moved.reshape(*value.shape[:2], *moved.shape[1:])
        size = int(np.prod(value.shape[2:]))
        if rv.name != "w_free":
            rows = posterior.n_components if rv.ndim and "component" in model.named_vars_to_dims[rv.name] else 1
            parts.append(Part(own_names[rv.name], start, rows, size // rows))
        names.append((name, start, value.shape[2:]))
        blocks.append(value.reshape(*value.shape[:2], -1))
        start += size

    def log_density(points: FloatArray) -> FloatArray:
        out = np.empty(len(points))
        for i, x in enumerate(points):
            for name, at, shape in names:
                point[name] = x[at : at + int(np.prod(shape))].reshape(shape)
            out[i] = compiled(point)
        return out

    return tuple(parts), np.concatenate(blocks, axis=2), log_density, None


def _by_bridge(target: _Target, seed: int) -> "Estimate":
    from bayesmix.engine.bridge import bridge

    chains, n, d = target.draws.shape
    affordable = max(1, _MAX_TERMS // (target.terms * chains * n))
    proposals = min(_PROPOSALS, affordable)
    keep = n if affordable > 1 else max(_FEWEST_DRAWS, _MAX_TERMS // (2 * target.terms * chains))
    chosen = np.linspace(0, n - 1, min(n, keep)).astype(int)
    free = target.space.to_free(target.draws[:, chosen].reshape(-1, d)).reshape(chains, -1, d)

    def log_density(free_points: FloatArray) -> FloatArray:
        points, jacobian = target.space.to_points(free_points)
        wound = target.turns.log_factor(points)
        return target.log_density(points) + wound + jacobian + target.space.log_copies

    return bridge(log_density, free, np.random.default_rng(seed), proposals=proposals)


def _by_smc(target: _Target, seed: int) -> "Estimate":
    """Run tempered sequential Monte Carlo in the ordered copy, whose prior is K! times the free one."""
    from bayesmix.engine.batch import log_densities, without_rows
    from bayesmix.engine.prior_points import prior_points
    from bayesmix.engine.tempering import Evaluation, temper

    problem = target.problem
    if problem is None:
        raise InputError(
            "method='smc' must have the compiled engine, which does not cover this specification. Use method='bridge'."
        )
    prior = without_rows(problem)

    def evaluate(free: FloatArray) -> Evaluation:
        points, jacobian = target.space.to_points(free)
        value, gradient = log_densities(problem, points)
        own, own_gradient = log_densities(prior, points)
        own_free = target.space.chain_rule(free, own_gradient)
        own_free[:, target.space.positions[1:]] += 1.0
        with np.errstate(invalid="ignore"):
            likelihood, slope = value - own, gradient - own_gradient
        whole = own + jacobian + target.space.log_copies
        return Evaluation(free, whole, own_free, likelihood, target.space.chain_rule(free, slope))

    def starts(run: int) -> FloatArray:
        return target.space.to_free(prior_points(problem, _PARTICLES, np.random.default_rng([seed, run, 1])))

    return temper(evaluate, starts, seed, runs=_RUNS)
