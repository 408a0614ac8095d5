"""Priors of parameters that are more than one number: simplexes, angles, correlations, one prior for each feature."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.priors._base import Prior, Support, check_number
from bayesmix.priors._stated import Distribution

__all__ = [
    "LKJ",
    "ByFeature",
    "SimplexDirichlet",
    "correlations_from_partial",
    "feature_count",
    "lkj_shapes",
]


@dataclass(frozen=True)
class SimplexDirichlet(Prior):
    """Dirichlet prior of the probabilities of categories; what ``bm.priors.Dirichlet(a)`` becomes for such a parameter.

    Parameters
    ----------
    a : float or tuple of float
        One concentration for all categories, or one per category.

    Examples
    --------
    >>> bm.priors.SimplexDirichlet((1.0, 1.0, 2.0)).words()
    'Dirichlet, concentration (1.0, 1.0, 2.0)'
    """

    support: ClassVar[Support] = "simplex"
    a: float | tuple[float, ...] = 1.0

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm

        model = pm.modelcontext(None)
        shape = tuple(len(model.coords[d] or ()) for d in dims)
        concentration = np.broadcast_to(np.asarray(hyper["a"], dtype=float), shape)
        return pm.Dirichlet(f"{name}_{self.suffix}", a=concentration, dims=dims, **options)

    @override
    def _spread(self, factor: float) -> Prior:
        a = self.a
        return SimplexDirichlet(tuple(x / factor**2 for x in a) if isinstance(a, tuple) else a / factor**2)

    @override
    def exponent_at_zero(self) -> float:
        return 0.0

    @override
    def to_dict(self) -> dict[str, Any]:
        return {"prior": "SimplexDirichlet", "a": list(self.a) if isinstance(self.a, tuple) else self.a}

    @override
    def words(self) -> str:
        return f"Dirichlet, concentration {self.a}"


@dataclass(frozen=True)
class LKJ(Prior):
    """LKJ prior of a correlation matrix, with density proportional to ``det(R) ** (eta - 1)``.

    Parameters
    ----------
    eta : float, default 2.0
        Shape > 0: 1 is uniform over correlation matrices, larger values prefer small correlations.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Generating random correlation matrices based on vines and extended onion
    method, Journal of Multivariate Analysis 100, 1989-2001.

    Examples
    --------
    >>> bm.Mixture(2, "mv_normal", priors={"corr": bm.priors.LKJ(5)}).priors_in_words()["corr"]
    'LKJ, eta 5'
    """

    support: ClassVar[Support] = "correlation"
    eta: float = 2.0

    def __post_init__(self) -> None:
        check_number(self, "eta", positive=True)

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        model = pm.modelcontext(None)
        shape = tuple(len(model.coords[d] or ()) for d in dims)
        p = feature_count(shape[-1])
        b = np.broadcast_to(np.asarray(hyper["eta"], dtype=float) + lkj_shapes(p), shape)
        free = pm.Beta(f"{name}_{self.suffix}", alpha=b, beta=b, dims=dims, **options)
        return pt.stack(_correlations(2 * free - 1, p, pt.sqrt), axis=-1)

    @override
    def _spread(self, factor: float) -> Prior:
        # Below 1 the density piles up at singular matrices; a prior that already does is not sent further there.
        return LKJ(max(self.eta / factor**2, min(self.eta, 1.0)))

    @override
    def exponent_at_zero(self) -> float:
        return 0.0

    @override
    def words(self) -> str:
        return f"LKJ, eta {self.eta:.4g}"


def feature_count(pairs: int) -> int:
    """Return how many features have so many pairs."""
    return (1 + int(np.sqrt(1 + 8 * pairs) + 0.5)) // 2


def lkj_shapes(p: int) -> np.ndarray:
    """Return what is added to eta for every pair: partial correlations are Beta(b, b) scaled to (-1, 1)."""
    return np.array([0.5 * (p - 2 - j) for i in range(1, p) for j in range(i)])


def _correlations(partial: Any, p: int, sqrt: Callable[[Any], Any]) -> list[Any]:
    """Return the correlations of the pairs (1, 0), (2, 0), (2, 1) ... from partial ones given earlier features."""
    factor: list[list[Any]] = [[1.0]]
    pairs = iter(range(p * (p - 1) // 2))
    for i in range(1, p):
        row: list[Any] = []
        rest: Any = 1.0
        for _ in range(i):
            z = partial[..., next(pairs)]
            row.append(z * sqrt(rest))
            rest = rest * (1 - z * z)
        factor.append([*row, sqrt(rest)])
    return [sum(factor[i][m] * factor[j][m] for m in range(j + 1)) for i in range(1, p) for j in range(i)]


def correlations_from_partial(partial: FloatArray) -> FloatArray:
    """Return correlations, shape (..., pairs), from partial correlations of the same shape."""
    return np.stack(_correlations(partial, feature_count(partial.shape[-1]), np.sqrt), axis=-1)


@dataclass(frozen=True)
class ByFeature(Prior):
    """One prior for each feature of a multivariate family, all of one kind.

    Written as a mapping from column to prior, e.g. ``{"mu": {"height": bm.priors.Normal(170, 20), "weight": ...}}``.

    Parameters
    ----------
    names : tuple of str
        The features.
    priors : tuple of Prior
        One for each.

    Examples
    --------
    >>> prior = bm.priors.as_prior({"height": bm.priors.Normal(170, 20), "weight": bm.priors.Normal(70, 15)}, "mu")
    >>> prior.names, prior.kind
    (('height', 'weight'), Normal(mu=170.0, sigma=20.0))
    """

    support: ClassVar[Support] = "real"
    names: tuple[str, ...]
    priors: tuple[Prior, ...]

    @override
    def resolve(self, parameter: str, support: Support) -> Prior:
        return ByFeature(self.names, tuple(p.resolve(parameter, support) for p in self.priors))

    def ordered(self, features: tuple[str, ...], parameter: str) -> "ByFeature":
        """Return the priors in the order of the features, after checking that each has one.

        Parameters
        ----------
        features : tuple of str
        parameter : str
            Its name, for messages.

        Raises
        ------
        InputError
            If a feature has no prior, or a prior no feature.

        Examples
        --------
        >>> prior = bm.priors.ByFeature(("height", "weight"), (bm.priors.Normal(170, 20), bm.priors.Normal(70, 15)))
        >>> prior.ordered(("weight", "height"), "mu").names
        ('weight', 'height')
        """
        if set(features) != set(self.names):
            raise InputError(
                f"the priors of {parameter!r} must name every feature once, {list(features)}, got {list(self.names)}. "
                "Give one prior per column, or a single one for all."
            )
        return ByFeature(features, tuple(self.priors[self.names.index(name)] for name in features))

    @property
    def kind(self) -> Prior:
        """A prior that stands for their kind.

        Examples
        --------
        >>> bm.priors.ByFeature(("height",), (bm.priors.Normal(170, 20),)).kind
        Normal(mu=170.0, sigma=20.0)
        """
        return self.priors[0]

    def hyper(self) -> dict[str, Any]:
        """Return the fields as arrays over features.

        Examples
        --------
        >>> prior = bm.priors.ByFeature(("height", "weight"), (bm.priors.Normal(170, 20), bm.priors.Normal(70, 15)))
        >>> {name: values.tolist() for name, values in prior.hyper().items()}
        {'mu': [170.0, 70.0], 'sigma': [20.0, 15.0]}
        """
        first = self.priors[0]
        if isinstance(first, Distribution):
            columns = zip(*(p.parameters for p in self.priors if isinstance(p, Distribution)), strict=True)
            return {"parameters": tuple(np.array(c) for c in columns)}
        return {f.name: np.array([getattr(p, f.name) for p in self.priors]) for f in fields(first)}

    @override
    def variable(self, name: str, hyper: Mapping[str, Any], dims: tuple[str, ...], **options: Any) -> Any:
        return self.priors[0].variable(name, hyper, dims, **options)

    @override
    def _spread(self, factor: float) -> Prior:
        return ByFeature(self.names, tuple(prior.spread(factor) for prior in self.priors))

    @override
    def exponent_at_zero(self) -> float:
        return min(p.exponent_at_zero() for p in self.priors)

    @override
    def to_dict(self) -> dict[str, Any]:
        return {"prior": "ByFeature", "names": list(self.names), "priors": [p.to_dict() for p in self.priors]}

    @override
    def words(self) -> str:
        return "; ".join(f"{name}: {prior.words()}" for name, prior in zip(self.names, self.priors, strict=True))
