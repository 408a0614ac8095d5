"""Builders the tests share: univariate normal problems from plain numbers, and the PyMC model each must equal."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmix import priors
from bayesmix.blocks import Layout
from bayesmix.engine import Prior, PriorKind, Problem, Rows, Seeding, Variable
from bayesmix.engine.pointwise import Draws
from bayesmix.engine.problem import exact_centre
from bayesmix.engine.rows import Block
from bayesmix.families import Normal
from bayesmix.mixture import Mixture
from bayesmix.seeding import seeding_of

Doubles = NDArray[np.float64]


def normal_rows(
    y: ArrayLike, n_components: int, *, counts: ArrayLike | None = None, common_sigma: bool = False
) -> Rows:
    """Return one column of points under normal components with the values mu (K), then sigma (K, or 1 if common)."""
    cells, K = np.asarray(y, dtype=np.float64).reshape(-1, 1), n_components
    sigma = np.full(K, K) if common_sigma else np.arange(K, 2 * K)
    slots = np.stack([np.arange(K), sigma]).astype(np.int64).reshape(2, 1, K)
    own = np.ones(len(cells)) if counts is None else np.asarray(counts, dtype=np.float64)
    return Rows((Block("normal", (cells,), slots),), K, int(slots.max()) + 1, own, np.empty((0, len(cells))))


def normal_problem(
    values: ArrayLike,
    n_components: int,
    mu: Prior,
    sigma: Prior,
    *,
    counts: ArrayLike | None = None,
    alpha: tuple[float, ...] = (1.0,),
    order_by: str | None = "mu",
    common_sigma: bool = False,
) -> Problem:
    """Return a mixture of normals, written in the engine's own terms; its column is centred where that is exact."""
    y, K = np.asarray(values, dtype=np.float64), n_components
    centre = exact_centre(y) if mu.kind == PriorKind.NORMAL else 0.0
    key = None if order_by is None or (order_by == "sigma" and common_sigma) else (order_by, 0)
    return Problem(
        normal_rows(y - centre, K, counts=counts, common_sigma=common_sigma),
        (
            Variable("mu", mu, K, shape=(K,), centre=centre),
            Variable("sigma", sigma, 1 if common_sigma else K, shape=() if common_sigma else (K,)),
        ),
        alpha * K if len(alpha) == 1 else alpha,
        key,
    )


def default_problem(y: Doubles, n_components: int, **options: Any) -> Problem:
    """Return the problem with the library's default-like priors on data `y`, ties merged."""
    values, counts = np.unique(y, return_counts=True)
    return normal_problem(values, n_components, *default_priors(y), counts=counts, **options)


def default_priors(y: Doubles) -> tuple[Prior, Prior]:
    """Return the library's default-like priors of mu and sigma."""
    sd = float(y.std())
    mu = Prior(PriorKind.NORMAL, (float(y.mean()),), (2.0 * sd,))
    return mu, Prior(PriorKind.LOG_NORMAL, (math.log(0.4 * sd),), (0.7,))


def values_of(problem: Problem) -> Doubles:
    """Return the rows of a normal problem in the user's units."""
    return problem.rows.blocks[0].cells[0][:, 0] + problem.variable("mu").centre


def normal_draws(w: Doubles, mu: Doubles, sigma: Doubles) -> Draws:
    """Return draws for `normal_rows` from arrays of shape (S, K); sigma is (S, 1) where it is common."""
    with np.errstate(divide="ignore"):
        return Draws(np.log(w), np.concatenate([mu, sigma], axis=1))


def seeding(problem: Problem) -> Seeding:
    """Return what searches for starts of a normal problem need."""
    mu, sigma = problem.variables
    common = sigma.shape == ()
    family = Normal(common_sigma=common)
    mixture = Mixture(
        problem.n_components,
        family,
        weights=priors.Dirichlet(list(problem.alpha)),
        priors={"mu": _stated(mu), "sigma": _stated(sigma)},
        order_by=None if problem.order is None else problem.order[0],
    )
    return seeding_of(mixture, Layout(("y",), (False,), (1,), (None,)), problem, problem.rows.blocks[0].cells[0])


def _stated(variable: Variable) -> Any:
    """Return the prior as users state it: one for all components, or a list with one each."""
    kinds = {
        PriorKind.NORMAL: priors.Normal,
        PriorKind.LOG_NORMAL: priors.LogNormal,
        PriorKind.LOGIT_NORMAL: priors.LogitNormal,
        PriorKind.HALF_NORMAL: lambda a, _: priors.HalfNormal(a),
        PriorKind.GAMMA: priors.Gamma,
    }
    build, prior = kinds[variable.prior.kind], variable.prior
    if prior.exchangeable:
        return build(prior.first[0], prior.second[0])
    return [build(a, b) for a, b in zip(*prior.expanded(variable.n_values), strict=True)]


def clusters(n: int, means: list[float], sd: float = 1.0, seed: int = 0) -> Doubles:
    """Return `n` rows from equally likely normal groups."""
    rng = np.random.default_rng(seed)
    return rng.normal(np.asarray(means)[rng.integers(0, len(means), n)], sd)


def pymc_parameter(name: str, prior: Prior, size: int, common: bool) -> Any:
    """Write one scalar parameter in PyMC, whitened or not, as the engine's docstring says."""
    import pymc as pm

    first, second = (np.array(h) for h in prior.expanded(size))
    shape: Any = () if common else size
    if common:
        first, second = first[0], second[0]
    if prior.whitened:
        t = first + second * pm.Normal(f"{name}_z", 0.0, 1.0, shape=shape)
        links = {
            PriorKind.NORMAL: lambda v: v,
            PriorKind.LOG_NORMAL: pm.math.exp,
            PriorKind.LOGIT_NORMAL: pm.math.invlogit,
        }
        return links[prior.kind](t)
    free = f"{name}_free"
    if prior.kind == PriorKind.HALF_NORMAL:
        return pm.HalfNormal(free, first, shape=shape)
    if prior.kind == PriorKind.EXPONENTIAL:
        return pm.Exponential(free, first, shape=shape)
    family = {PriorKind.GAMMA: pm.Gamma, PriorKind.INVERSE_GAMMA: pm.InverseGamma, PriorKind.BETA: pm.Beta}[prior.kind]
    return family(free, alpha=first, beta=second, shape=shape)


def pymc_model(problem: Problem) -> Any:
    """Write the PyMC model a normal problem stands for, sorting included; tied rows are written out."""
    import pymc as pm
    import pytensor.tensor as pt

    tensor: Any = pt
    K = problem.n_components
    priors_of = {v.name: v for v in problem.variables}
    common = priors_of["sigma"].shape == ()
    y = np.repeat(values_of(problem), problem.rows.counts.astype(int))
    with pm.Model() as model:
        w = pm.Dirichlet("w_free", a=np.array(problem.alpha)) if K > 1 else np.ones(1)
        mu = pymc_parameter("mu", priors_of["mu"].prior, K, False)
        sigma = pymc_parameter("sigma", priors_of["sigma"].prior, 1 if common else K, common)
        if problem.order is not None:
            order = tensor.argsort(mu if problem.order[0] == "mu" else sigma)
            mu = mu[order]
            w = w[order] if K > 1 else w
            sigma = sigma if common else sigma[order]
        pm.Deterministic("w", w) if K > 1 else None
        pm.Deterministic("mu", mu)
        pm.Deterministic("sigma", sigma)
        if K > 1:
            pm.NormalMixture("y", w, mu, sigma, observed=y)
        else:
            pm.Normal("y", mu[0], sigma if common else sigma[0], observed=y)
    return model
