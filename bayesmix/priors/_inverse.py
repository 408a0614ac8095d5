"""From a parameter back to the model's free variable: the links of the priors, undone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import logit

from bayesmix.data import FloatArray
from bayesmix.priors._base import Prior
from bayesmix.priors._hierarchical import InverseGammaVariance
from bayesmix.priors._scalar import LogitNormal, LogNormal, Normal, WrappedNormal
from bayesmix.priors._vector import LKJ, feature_count

__all__ = ["free_value"]


def free_value(prior: Prior, hyper: Mapping[str, Any], value: FloatArray) -> FloatArray:
    """Return the free variable behind values of a parameter: what ``prior.variable`` makes the parameter from.

    Parameters
    ----------
    prior : Prior
        Stands for the kind, as `stack_parameters` gives it.
    hyper : mapping
        Its fields, which broadcast over `value`.
    value : ndarray, shape (..., *shape of the parameter)

    Returns
    -------
    ndarray, shape of `value`

    Examples
    --------
    >>> bm.priors.free_value(bm.priors.Normal(5, 2), {"mu": 5.0, "sigma": 2.0}, np.array([5.0, 9.0])).tolist()
    [0.0, 2.0]
    """
    if isinstance(prior, (Normal, LogNormal, LogitNormal, WrappedNormal)):  # whitened
        link = np.log if isinstance(prior, LogNormal) else logit if isinstance(prior, LogitNormal) else np.asarray
        return np.asarray((link(value) - hyper["mu"]) / hyper["sigma"])
    if isinstance(prior, InverseGammaVariance):
        return np.asarray(value**2)
    return _beta_of_partial(value) if isinstance(prior, LKJ) else value


def _beta_of_partial(correlations: FloatArray) -> FloatArray:
    """Return partial correlations given earlier features, moved from (-1, 1) to (0, 1), in the order of the pairs."""
    p = feature_count(correlations.shape[-1])
    rows, columns = np.tril_indices(p, -1)
    matrix = np.zeros((*correlations.shape[:-1], p, p))
    matrix[..., rows, columns] = correlations
    factor = np.linalg.cholesky(matrix + np.swapaxes(matrix, -1, -2) + np.eye(p))
    # Row i of the factor is z_0, z_1 sqrt(1 - z_0^2), ...: what is left of its length before entry j is known.
    before = (np.cumsum(factor**2, axis=-1) - factor**2)[..., rows, columns]
    return np.asarray(0.5 + 0.5 * factor[..., rows, columns] / np.sqrt(1.0 - before))
