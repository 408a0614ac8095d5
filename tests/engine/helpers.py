"""Builders the tests share: default-like problems and the PyMC model each must equal."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine.priors import Prior, PriorKind
from bayesmix.engine.problem import Problem

Doubles = NDArray[np.float64]


def default_problem(y: Doubles, n_components: int, **options: Any) -> Problem:
    """Return the problem with the library's default-like priors on data `y`, ties merged."""
    values, counts = np.unique(y, return_counts=True)
    sd = float(y.std())
    mu = Prior(PriorKind.NORMAL, (float(y.mean()),), (2.0 * sd,))
    sigma = Prior(PriorKind.LOG_NORMAL, (math.log(0.4 * sd),), (0.7,))
    return Problem(values, n_components, mu, sigma, counts=counts.astype(float), **options)


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
    family = pm.Gamma if prior.kind == PriorKind.GAMMA else pm.InverseGamma
    return family(free, alpha=first, beta=second, shape=shape)


def pymc_model(problem: Problem) -> Any:
    """Write the PyMC model a problem stands for, sorting included; tied rows are written out."""
    import pymc as pm
    import pytensor.tensor as pt

    tensor: Any = pt
    K = problem.n_components
    y = np.repeat(problem.values, problem.row_counts.astype(int))
    with pm.Model() as model:
        w = pm.Dirichlet("w_free", a=np.broadcast_to(problem.alpha, K)) if K > 1 else np.ones(1)
        mu = pymc_parameter("mu", problem.mu, K, False)
        sigma = pymc_parameter("sigma", problem.sigma, problem.n_sigma, problem.common_sigma)
        if problem.order_by is not None and not (problem.order_by == "sigma" and problem.common_sigma):
            order = tensor.argsort(mu if problem.order_by == "mu" else sigma)
            mu = mu[order]
            w = w[order] if K > 1 else w
            sigma = sigma if problem.common_sigma else sigma[order]
        pm.Deterministic("w", w) if K > 1 else None
        pm.Deterministic("mu", mu)
        pm.Deterministic("sigma", sigma)
        if K > 1:
            pm.NormalMixture("y", w, mu, sigma, observed=y)
        else:
            pm.Normal("y", mu[0], sigma if problem.common_sigma else sigma[0], observed=y)
    return model
