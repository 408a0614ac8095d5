"""Log-densities of the model's free variables in NumPy, as PyMC has them before any transform."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import betaln, gammaln, xlog1py, xlogy

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
from bayesmix.priors._vector import LKJ, SimplexDirichlet, feature_count, lkj_shapes

__all__ = ["dirichlet_log_density", "free_log_density"]

_HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)


def free_log_density(prior: Prior, hyper: Mapping[str, Any], value: FloatArray) -> FloatArray | None:
    """Return the log-density of the free variable behind a parameter, or None where only PyMC knows it.

    Parameters
    ----------
    prior : Prior
        Stands for the kind, as `stack_parameters` gives it.
    hyper : mapping
        Its fields, which broadcast over `value`; an unknown scale as its values.
    value : ndarray, shape (..., *shape of the parameter)
        The free variable: ``mu_z``, ``sigma_free`` …

    Returns
    -------
    ndarray
        Shape of `value`; without its last axis for a simplex.

    Examples
    --------
    >>> prior, hyper = bm.priors.stack_parameters(bm.priors.Normal(5, 2), "mu", 2)
    >>> bm.priors.free_log_density(prior, hyper, np.zeros(2)).round(3).tolist()  # of the standard normal mu_z
    [-0.919, -0.919]
    """
    if isinstance(prior, (Normal, LogNormal, LogitNormal, WrappedNormal)):  # whitened
        return np.asarray(-0.5 * value**2 - _HALF_LOG_TWO_PI)
    if isinstance(prior, HalfNormal):
        sigma = np.asarray(hyper["sigma"])
        return np.asarray(np.log(2) - 0.5 * (value / sigma) ** 2 - np.log(sigma) - _HALF_LOG_TWO_PI)
    if isinstance(prior, Exponential):
        lam = np.asarray(hyper["lam"])
        return np.asarray(np.log(lam) - lam * value)
    if isinstance(prior, Gamma):
        return _gamma(hyper["alpha"], hyper["beta"], value)
    if isinstance(prior, (InverseGamma, InverseGammaVariance)):
        return np.asarray(_gamma(hyper["alpha"], hyper["beta"], 1 / value) - 2 * np.log(value))
    if isinstance(prior, Beta):
        return _beta(hyper["alpha"], hyper["beta"], value)
    if isinstance(prior, LKJ):
        shape = np.asarray(hyper["eta"]) + lkj_shapes(feature_count(value.shape[-1]))
        return _beta(shape, shape, value)
    if isinstance(prior, SimplexDirichlet):
        return dirichlet_log_density(np.asarray(hyper["a"], dtype=float), value)
    return None


def _gamma(alpha: Any, beta: Any, value: FloatArray) -> FloatArray:
    return np.asarray(xlogy(alpha, beta) - gammaln(alpha) + xlogy(np.asarray(alpha) - 1, value) - beta * value)


def _beta(alpha: Any, beta: Any, value: FloatArray) -> FloatArray:
    powers = xlogy(np.asarray(alpha) - 1, value) + xlog1py(np.asarray(beta) - 1, -value)
    return np.asarray(powers - betaln(alpha, beta))


def dirichlet_log_density(a: FloatArray, value: FloatArray) -> FloatArray:
    """Return the log-density of simplexes on the last axis.

    Parameters
    ----------
    a : ndarray
        Concentrations, which broadcast over `value`; one for all where the last axis has length 1.
    value : ndarray, shape (..., M)

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> bm.priors.dirichlet_log_density(np.ones(3), np.array([0.2, 0.3, 0.5])).round(3).item()  # log of 2!
    0.693
    """
    each = np.broadcast_to(a, np.broadcast_shapes(np.shape(a), value.shape))
    # A share may underflow to 0, where the density of a concentration other than 1 is no number.
    powers = xlogy(each - 1, np.maximum(value, np.finfo(float).tiny)).sum(axis=-1)
    return np.asarray(powers + gammaln(each.sum(axis=-1)) - gammaln(each).sum(axis=-1))
