"""Multivariate normal components: all columns of a table together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, override

import numpy as np
from scipy.linalg import solve_triangular

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter, refuse_column_name
from bayesmix.priors import LKJ, ByFeature, LogNormal, Prior
from bayesmix.priors import Normal as NormalPrior

__all__ = ["MvNormal", "correlation_matrices", "covariance_matrices"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)

type Covariance = Literal["full", "diag", "tied", "spherical"]


def correlation_matrices(correlations: FloatArray, p: int) -> FloatArray:
    """Return the matrices (..., p, p) of correlations (..., pairs), in the order (1, 0), (2, 0), (2, 1) ..."""
    out = np.zeros((*correlations.shape[:-1], p, p))
    rows, columns = np.tril_indices(p, -1)
    out[..., rows, columns] = correlations
    return out + np.swapaxes(out, -1, -2) + np.eye(p)


@dataclass(frozen=True)
class MvNormal(Family):
    """Multivariate normal components of p columns, with means ``mu``, sds ``sigma`` and correlations ``corr``.

    Density ``exp(-(y - mu)' S^-1 (y - mu) / 2) / sqrt(det(2 pi S))`` with the covariance matrix S of sds and
    correlations. Missing cells are integrated out: a row counts with the density of its observed cells.

    Default priors, from each column's mean m and standard deviation s: ``mu ~ Normal(m, 2 s)``,
    ``sigma ~ LogNormal(log(0.4 s), 0.7)`` (spherical: s is the geometric mean over columns) and ``corr ~ LKJ(2)``.

    Parameters
    ----------
    covariance : {"full", "diag", "tied", "spherical"}, default "full"
        As scikit-learn's ``covariance_type``: each component its own matrix; its own, diagonal; one matrix for all
        components; each component one sd for all columns and no correlations.
    columns : tuple of str
        The columns' names; filled in from the data.

    References
    ----------
    Frühwirth-Schnatter (2006), *Finite Mixture and Markov Switching Models*, chapter 6. Lewandowski, Kurowicka & Joe
    (2009), Journal of Multivariate Analysis 100, 1989-2001, for the prior of the correlations.

    Examples
    --------
    >>> [parameter.name for parameter in bm.families.MvNormal("diag").parameters]
    ['mu', 'sigma']
    """

    name: ClassVar[str] = "mv_normal"
    order_by: ClassVar[str | None] = "mu"
    location_scale: ClassVar[bool] = True
    multivariate: ClassVar[bool] = True
    covariance: Covariance = "full"
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.covariance not in ("full", "diag", "tied", "spherical"):
            raise InputError(
                f"covariance must be 'full', 'diag', 'tied' or 'spherical', got {self.covariance!r}. "
                "Use bm.families.MvNormal(covariance='full')."
            )
        object.__setattr__(self, "columns", tuple(self.columns))

    @property
    def kernel(self) -> str:  # type: ignore[override]
        """The kind of column of the compiled engine: independent columns do not need the multivariate one."""
        return "mv_normal" if self.correlated else "normal"

    @property
    def correlated(self) -> bool:
        """Whether columns are correlated within a component."""
        return self.covariance in ("full", "tied")

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        tied = self.covariance == "tied"
        mu = Parameter("mu", "real", dim="feature")
        sigma = Parameter("sigma", "positive", tied, None if self.covariance == "spherical" else "feature")
        return (mu, sigma, Parameter("corr", "correlation", tied, "pair")) if self.correlated else (mu, sigma)

    @property
    @override
    def dims(self) -> Mapping[str, tuple[Any, ...]]:
        pairs = tuple(f"{a}:{b}" for i, a in enumerate(self.columns) for b in self.columns[:i])
        return {"feature": self.columns, "pair": pairs}

    @property
    @override
    def spike_parameter(self) -> str | None:
        return "sigma"

    @override
    def bind(self, column: Any) -> Self:
        """Take the names of the columns."""
        columns: Sequence[Column] = column
        if len(columns) < 2:
            raise InputError(
                f"the mv_normal family must have at least 2 columns, got {[c.name for c in columns]}. "
                "Use family='normal' for a single one."
            )
        for one in columns:
            refuse_column_name(one.name)
        if self.correlated:
            _refuse_collinear(columns)
        return replace(self, columns=tuple(c.name for c in columns))

    @override
    def check(self, column: Any) -> None:
        """Every finite number is fine."""

    @override
    def default_priors(self, column: Any) -> dict[str, Prior]:
        columns: Sequence[Column] = column
        for one in columns:
            one.refuse_constant("'mu' and 'sigma'")
        mu = ByFeature(self.columns, tuple(NormalPrior(c.center, 2 * c.scale) for c in columns))
        logs = [math.log(0.4 * c.scale) for c in columns]
        if self.covariance == "spherical":
            return {"mu": mu, "sigma": LogNormal(float(np.mean(logs)), 0.7)}
        sigma = ByFeature(self.columns, tuple(LogNormal(log, 0.7) for log in logs))
        return {"mu": mu, "sigma": sigma} | ({"corr": LKJ(2.0)} if self.correlated else {})

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        """Not batched over components: see `rows_logp`."""
        raise NotImplementedError

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log-density of complete rows.

        Parameters
        ----------
        y : ndarray, shape (n, p)
        parameters : mapping of ndarray
            ``mu`` (..., p), ``sigma`` (..., p) or (...), ``corr`` (..., pairs); leading axes broadcast.

        Returns
        -------
        ndarray, shape (..., n)
        """
        covariance = covariance_matrices(self, parameters, y.shape[1])
        mu = np.asarray(parameters["mu"])
        shape = np.broadcast_shapes(mu.shape[:-1], covariance.shape[:-2])
        covariance = np.broadcast_to(covariance, (*shape, *covariance.shape[-2:]))
        factor = np.linalg.cholesky(covariance)
        residual = y - np.broadcast_to(mu, (*shape, y.shape[1]))[..., np.newaxis, :]
        out = np.empty((*shape, len(y)))
        for i in np.ndindex(*shape):
            z = solve_triangular(factor[i], residual[i].T, lower=True)
            out[i] = -0.5 * (z * z).sum(axis=0) - np.log(np.diag(factor[i])).sum() - y.shape[1] * _HALF_LOG_TWO_PI
        return out

    @override
    def rows_log_density(self, cells: FloatArray, parameters: Mapping[str, FloatArray], interval: bool) -> FloatArray:
        missing = np.isnan(cells)
        patterns, which = np.unique(missing, axis=0, return_inverse=True)
        shape = np.broadcast_shapes(*(parameters[n].shape[:2] for n in ("mu", "sigma")))
        out = np.zeros((shape[0], len(cells), shape[1]))
        for number, absent in enumerate(patterns):
            rows = np.flatnonzero(which.reshape(-1) == number)
            if not absent.all():
                part = _marginal(self, parameters, ~absent)
                out[:, rows] = np.moveaxis(self.log_density(cells[np.ix_(rows, ~absent)], part), 2, 1)
        return out

    @override
    def rows_logp(self, cells: Any, parameters: Mapping[str, Any], interval: bool, present: Any) -> Any:
        """Return the log-densities as a PyMC expression, shape (n, K); cells that are not `present` count nothing.

        A missing cell gets residual 0, sd 1 and no correlations, which leaves the density of the others.
        """
        import pytensor.tensor as pt

        p = len(self.columns)
        sigma = parameters["sigma"]
        sigma = sigma[..., np.newaxis] * pt.ones((p,)) if self.covariance == "spherical" else sigma
        k = parameters["mu"].shape[0]
        sd = sigma * pt.ones((k, p))
        z = present[:, np.newaxis, :] * (cells[:, np.newaxis, :] - parameters["mu"]) / sd
        counted = (present[:, np.newaxis, :] * (pt.log(sd) + _HALF_LOG_TWO_PI)).sum(axis=-1)
        if not self.correlated:
            return -0.5 * (z * z).sum(axis=-1) - counted
        both = present[:, :, np.newaxis] * present[:, np.newaxis, :]
        matrix = pt.eye(p) * pt.ones((k, p, p))
        for q, (i, j) in enumerate(zip(*np.tril_indices(p, -1), strict=True)):
            r = parameters["corr"][..., q]
            matrix = pt.set_subtensor(matrix[:, i, j], r)
            matrix = pt.set_subtensor(matrix[:, j, i], r)
        off = both[:, np.newaxis] * (matrix - pt.eye(p))[np.newaxis] + pt.eye(p)
        factor = pt.linalg.cholesky(off)
        solved = pt.linalg.solve_triangular(factor, z[..., np.newaxis], lower=True, b_ndim=2)[..., 0]
        logs = pt.log(pt.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
        return -0.5 * (solved * solved).sum(axis=-1) - logs - counted

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        """Draw one row per element: parameters (..., p) give values (..., p)."""
        mu = np.asarray(parameters["mu"])
        z = rng.normal(size=mu.shape)
        sigma = np.asarray(parameters["sigma"])
        sigma = sigma[..., np.newaxis] if self.covariance == "spherical" else sigma
        if not self.correlated:
            return np.asarray(mu + sigma * z)
        factor = np.linalg.cholesky(correlation_matrices(np.asarray(parameters["corr"]), mu.shape[-1]))
        return np.asarray(mu + sigma * np.einsum("...ij,...j->...i", factor, z))

    @override
    def features(self, y: FloatArray) -> FloatArray:
        rows, columns = np.tril_indices(y.shape[1])
        return np.concatenate([y.T, (y[:, rows] * y[:, columns]).T])

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        p = len(self.columns)
        mu = means[..., :p]
        rows, columns = np.tril_indices(p)
        second = np.zeros((*means.shape[:-1], p, p))
        second[..., rows, columns] = means[..., p:]
        second = second + np.swapaxes(np.tril(second, -1), -1, -2)
        covariance = second - mu[..., :, np.newaxis] * mu[..., np.newaxis, :]
        sd = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 1e-300))
        if self.covariance == "spherical":
            return {"mu": mu, "sigma": np.exp(np.log(sd).mean(axis=-1))}
        if not self.correlated:
            return {"mu": mu, "sigma": sd}
        rows, columns = np.tril_indices(p, -1)
        correlation = covariance / (sd[..., :, np.newaxis] * sd[..., np.newaxis, :])
        # Moments of different rows, where cells are missing, need not make a positive definite matrix: shrink it.
        smallest = np.linalg.eigvalsh(np.nan_to_num(correlation))[..., 0]
        kept = 1 - np.maximum(0.1, (0.05 - smallest) / np.maximum(1 - smallest, 0.05))
        return {"mu": mu, "sigma": sd, "corr": kept[..., np.newaxis] * np.nan_to_num(correlation)[..., rows, columns]}


def _refuse_collinear(columns: Sequence[Column]) -> None:
    """Refuse columns that are linear functions of each other: no covariance matrix describes them."""
    values = np.stack([c.values for c in columns], axis=1)
    complete = values[~np.isnan(values).any(axis=1)]
    spread = complete.std(axis=0) if len(complete) > len(columns) else np.zeros(1)
    if not (spread > 0).all():
        return
    smallest, directions = np.linalg.eigh(np.corrcoef(complete.T))
    if smallest[0] < 1e-10:
        involved = [c.name for c, share in zip(columns, directions[:, 0], strict=True) if abs(share) > 1e-3]
        raise InputError(
            f"columns of the {MvNormal.name} family must not be linear functions of each other, got {involved}. Leave "
            "one of them out, or use covariance='diag'."
        )


def covariance_matrices(family: MvNormal, parameters: Mapping[str, FloatArray], p: int) -> FloatArray:
    """Return the covariance matrices, shape (..., p, p), of draws of the parameters."""
    sigma = np.asarray(parameters["sigma"])
    if family.covariance == "spherical":
        sigma = sigma[..., np.newaxis] * np.ones(p)
    outer = sigma[..., :, np.newaxis] * sigma[..., np.newaxis, :]
    if not family.correlated:
        return np.asarray(outer * np.eye(p))
    return np.asarray(outer * correlation_matrices(np.asarray(parameters["corr"]), p))


def _marginal(family: MvNormal, parameters: Mapping[str, FloatArray], kept: Any) -> dict[str, FloatArray]:
    """Return the parameters of some of the columns."""
    out = {"mu": parameters["mu"][..., kept]}
    sigma = parameters["sigma"]
    out["sigma"] = sigma if family.covariance == "spherical" else sigma[..., kept]
    if family.correlated:
        matrix = correlation_matrices(parameters["corr"], len(kept))[..., kept, :][..., kept]
        out["corr"] = matrix[..., *np.tril_indices(int(kept.sum()), -1)]
    return out
