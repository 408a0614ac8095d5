"""Categorical components: one of several labels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, override

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.families._base import Family
from bayesmix.families._parameter import Parameter
from bayesmix.priors import Dirichlet

__all__ = ["Categorical"]


@dataclass(frozen=True)
class Categorical(Family):
    """Categorical components with one probability ``p`` per category.

    Cells are labels; inside they are codes 0, 1, … into the categories, and code c has probability ``p[c]``.

    Default prior: ``p ~ Dirichlet(1)``, uniform over all probabilities that add up to 1.

    A single column never tells components apart: whatever the mixture, it is one set of probabilities. Several columns
    together are a latent class model. Labels have no order, so components have none either.

    Parameters
    ----------
    categories : tuple, optional
        All labels that can occur, in the order in which results show them. By default those of the data.

    References
    ----------
    Goodman (1974), Exploratory latent structure analysis using both identifiable and unidentifiable models, Biometrika
    61, 215-231.
    Allman, Matias & Rhodes (2009), Identifiability of parameters in latent structure models with many observed
    variables, Annals of Statistics 37, 3099-3132.

    Examples
    --------
    >>> bm.families.Categorical(("red", "green")).dims
    {'category': ('red', 'green')}
    """

    name: ClassVar[str] = "categorical"
    order_by: ClassVar[str | None] = None
    kernel: ClassVar[str | None] = "categorical"
    discrete: ClassVar[bool] = True
    reads: ClassVar[Literal["number", "category"]] = "category"
    categories: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        given: Any = self.categories
        labels = tuple(given)
        if len(labels) == 1 or len(set(labels)) < len(labels) or isinstance(given, str):
            raise InputError(
                f"categories must be two or more different labels, got {given!r}. "
                "Use e.g. bm.families.Categorical(('red', 'green', 'blue'))."
            )
        plain = (label.item() if isinstance(label, np.generic) else label for label in labels)
        object.__setattr__(self, "categories", tuple(plain))

    @property
    @override
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("p", "simplex", dim="category"),)

    @property
    @override
    def dims(self) -> Mapping[str, tuple[Any, ...]]:
        return {"category": self.categories}

    @override
    def bind(self, column: Column) -> "Categorical":
        """Return the family with the categories of the column, unless they were given."""
        return self if self.categories else replace(self, categories=column.categories)

    @override
    def check(self, column: Column) -> None:
        """Every known category is fine; unknown ones are refused where labels become codes."""

    @override
    def identified(self, n_components: int, column: Column) -> str | None:
        """Return why not, for more than one component: a mixture of categorical distributions is one itself."""
        if n_components == 1:
            return None
        return "a column of labels has one probability per label, which any number of components can give"

    @override
    def states(self, column: Column) -> float:
        """Return the number of categories."""
        return float(len(self.categories or column.categories))

    @override
    def default_priors(self, column: Column) -> dict[str, Any]:
        return {"p": Dirichlet(1.0)}

    @override
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        import pymc as pm

        return pm.Categorical.dist(p=parameters["p"])

    @override
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log-probability of codes `y`, which broadcast against all axes of ``p`` but the last."""
        p = np.asarray(parameters["p"])
        n_categories = p.shape[-1]
        at = np.clip(y, 0, n_categories - 1)
        with np.errstate(divide="ignore"):
            log_p = np.log(p)
        shape = np.broadcast_shapes(at.shape, p.shape[:-1])
        codes = np.broadcast_to(at, shape).astype(np.intp)[..., None]
        values = np.take_along_axis(np.broadcast_to(log_p, (*shape, n_categories)), codes, axis=-1)[..., 0]
        return np.where(np.equal(at, y), values, -np.inf)

    @override
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        """Draw one code per element of all axes of ``p`` but the last."""
        cumulative = np.cumsum(parameters["p"], axis=-1)
        u = rng.random(cumulative.shape[:-1]) * cumulative[..., -1]
        return np.asarray((u[..., None] >= cumulative[..., :-1]).sum(axis=-1), dtype=np.float64)

    @override
    def features(self, y: FloatArray) -> FloatArray:
        """Return one indicator per category, shape (categories, n)."""
        return np.asarray(np.arange(len(self.categories))[:, None] == y, dtype=np.float64)

    @override
    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        p = np.maximum(means, 1e-3)
        return {"p": p / p.sum(axis=-1, keepdims=True)}

    @override
    def background(self, column: Column) -> float:
        """Return the log-probability of one of the categories."""
        return -float(np.log(self.states(column)))
