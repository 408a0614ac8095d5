"""Posterior means of normal components in the shapes of scikit-learn's `GaussianMixture`."""

from collections.abc import Mapping

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.posterior import DrawArrays

__all__ = ["covariances_of", "means_of", "start_from"]


def means_of(draws: DrawArrays) -> FloatArray:
    """Return the posterior means of the components' means, shape (K, p)."""
    mu = draws.parameters["mu"].mean(axis=0)
    return np.asarray(mu.reshape(len(mu), -1))


def covariances_of(draws: DrawArrays, covariance_type: str) -> FloatArray:
    """Return the posterior means of the covariances.

    Parameters
    ----------
    draws : DrawArrays
        Of a mixture of normals in one column, or in several together.
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    ndarray
        Shape (K, p, p) for "full", (p, p) for "tied", (K, p) for "diag", (K,) for "spherical".
    """
    sigma = draws.parameters["sigma"]
    sigma = sigma.reshape(*sigma.shape[:2], -1)  # draws, components (1 where shared), columns (1 where spherical)
    variances = (sigma**2).mean(axis=0)
    if covariance_type == "spherical":
        return np.asarray(variances[:, 0])
    if covariance_type == "diag":
        return np.asarray(variances)
    out = variances[:, :, np.newaxis] * np.eye(variances.shape[1])
    for pair, (i, j) in enumerate(zip(*np.tril_indices(variances.shape[1], -1), strict=True)):
        out[:, i, j] = out[:, j, i] = (sigma[..., i] * sigma[..., j] * draws.parameters["corr"][..., pair]).mean(axis=0)
    return out[0] if covariance_type == "tied" else out


def start_from(
    weights: FloatArray, means: FloatArray, covariances: FloatArray, covariance_type: str
) -> Mapping[str, FloatArray]:
    """Return a mixture of normals in scikit-learn's shapes as parameters by name: ``w``, ``mu``, ``sigma``, ``corr``.

    Parameters
    ----------
    weights : ndarray, shape (K,)
    means : ndarray, shape (K, p)
    covariances : ndarray
        Shape as `covariances_of` returns.
    covariance_type : {"full", "tied", "diag", "spherical"}
    """
    p = means.shape[1]
    if covariance_type == "spherical":
        sigma = np.sqrt(covariances)
        return {"w": weights, "mu": means if p > 1 else means[:, 0], "sigma": sigma}
    matrices = covariance_type in ("full", "tied")
    sigma = np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1) if matrices else covariances)
    if p == 1:
        return {"w": weights, "mu": means[:, 0], "sigma": sigma[..., 0]}
    start = {"w": weights, "mu": means, "sigma": sigma}
    if matrices:
        rows, columns = np.tril_indices(p, -1)
        start["corr"] = covariances[..., rows, columns] / (sigma[..., rows] * sigma[..., columns])
    return start
