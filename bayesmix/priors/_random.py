"""Random values of priors in NumPy: for prior predictive checks and simulation-based calibration."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.priors._base import Prior
from bayesmix.priors._hierarchical import InverseGammaVariance
from bayesmix.priors._scalar import (
    Beta,
    Exponential,
    Gamma,
    HalfNormal,
    InverseGamma,
    LogitNormal,
    LogNormal,
    Normal,
    WrappedNormal,
)
from bayesmix.priors._stated import Distribution
from bayesmix.priors._vector import LKJ, SimplexDirichlet, correlations_from_partial, lkj_shapes

__all__ = ["draw_prior"]


def draw_prior(
    prior: Prior, hyper: Mapping[str, Any], shape: tuple[int, ...], n: int, rng: np.random.Generator
) -> FloatArray:
    """Draw a parameter from its prior.

    Parameters
    ----------
    prior : Prior
        Stands for the kind, as `stack_parameters` gives it.
    hyper : mapping
        Its fields, which broadcast over the parameter.
    shape : tuple of int
        Of the parameter.
    n : int
        Number of draws.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, *shape)

    Examples
    --------
    >>> prior, hyper = bm.priors.stack_parameters(bm.priors.Normal(5, 2), "mu", 2)
    >>> bm.priors.draw_prior(prior, hyper, (2,), 1000, np.random.default_rng(1)).shape
    (1000, 2)
    """
    size = (n, *shape)
    if isinstance(prior, (Normal, LogNormal, LogitNormal)):
        t = hyper["mu"] + hyper["sigma"] * rng.normal(size=size)
        return np.asarray(
            t if isinstance(prior, Normal) else np.exp(t) if isinstance(prior, LogNormal) else _logistic(t)
        )
    if isinstance(prior, HalfNormal):
        return np.asarray(np.abs(hyper["sigma"] * rng.normal(size=size)))
    if isinstance(prior, Exponential):
        return rng.exponential(1 / np.asarray(hyper["lam"]), size)
    if isinstance(prior, Gamma):
        return rng.gamma(hyper["alpha"], 1 / np.asarray(hyper["beta"]), size)
    if isinstance(prior, InverseGamma):
        return 1 / rng.gamma(hyper["alpha"], 1 / np.asarray(hyper["beta"]), size)
    if isinstance(prior, InverseGammaVariance):
        return np.sqrt(_scale(hyper["beta"], size, rng) / rng.gamma(hyper["alpha"], size=size))
    if isinstance(prior, Beta):
        return rng.beta(hyper["alpha"], hyper["beta"], size)
    return _draw_vector(prior, hyper, size, rng)


def _scale(beta: Any, size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Return the scale as it is, or where it is unknown one for each draw, which all values of the draw share."""
    if not isinstance(beta, Gamma):
        return np.asarray(beta)
    return rng.gamma(beta.alpha, 1 / beta.beta, (size[0], *(1 for _ in size[1:])))


def _logistic(t: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-t)))


def _draw_vector(prior: Prior, hyper: Mapping[str, Any], size: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    if isinstance(prior, WrappedNormal):
        angle = hyper["mu"] + hyper["sigma"] * rng.normal(size=size)
        return np.asarray(np.arctan2(np.sin(angle), np.cos(angle)))
    if isinstance(prior, SimplexDirichlet):
        gammas = rng.gamma(np.broadcast_to(np.asarray(hyper["a"], dtype=float), size))
        gammas = np.maximum(gammas, 1e-300)
        return np.asarray(gammas / gammas.sum(axis=-1, keepdims=True))
    if isinstance(prior, LKJ):
        p = (1 + int(np.sqrt(1 + 8 * size[-1]) + 0.5)) // 2
        b = np.asarray(hyper["eta"], dtype=float) + lkj_shapes(p)
        return correlations_from_partial(2 * rng.beta(b, b, size) - 1)
    assert isinstance(prior, Distribution)
    return prior.draw(hyper["parameters"], size, rng)
