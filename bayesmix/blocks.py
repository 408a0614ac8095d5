"""Which family describes which columns: one family for one column, one for all columns, or one for each by name.

Columns with families of their own are independent given the component: the density of a row is the product over its
blocks, and the parameters of column ``age`` are called ``age_mu``, ``age_sigma`` ...
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar, override

import numpy as np

from bayesmix.compression import Compressed
from bayesmix.data import Interval, Layout, Observations
from bayesmix.errors import InputError
from bayesmix.families import Family, Parameter, as_family, family_from_dict, refuse_column_name
from bayesmix.reading import Wanted, observe, observe_matrix

__all__ = [
    "Block",
    "FamilyTable",
    "Layout",
    "Variable",
    "as_families",
    "blocks_of",
    "columns_of",
    "families_from_dict",
    "read_new_rows",
    "read_rows",
    "refuse_unidentified",
    "variables_of",
]


class FamilyTable(Mapping[str, Family]):
    """An immutable, hashable mapping from column to family.

    Examples
    --------
    >>> table = bm.Mixture(2, {"age": "normal", "visits": "poisson"}).family
    >>> table["visits"].name, list(table)
    ('poisson', ['age', 'visits'])
    """

    __slots__ = ("_items",)

    multivariate: ClassVar[bool] = False
    """One family for each column, unlike a family of several columns."""

    def __init__(self, families: Mapping[str, Any]) -> None:
        if not families:
            raise InputError("family must name at least one column, got {}. Use e.g. {'age': 'normal'}.")
        self._items = {str(name): as_family(value) for name, value in families.items()}
        for name in self._items:
            refuse_column_name(name)
        for name, family in self._items.items():
            if family.multivariate:
                raise InputError(
                    f"a family of several columns cannot describe the single column {name!r}, got {family.name!r}. "
                    "Use it for the whole table, family='mv_normal', or 'normal' for this column."
                )
        names = [f"{column}_{p.name}" for column, family in self._items.items() for p in family.parameters]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise InputError(
                f"columns must give their parameters different names, got {sorted(twice)[0]!r} twice. Rename a column."
            )

    @override
    def __getitem__(self, name: str) -> Family:
        return self._items[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    @override
    def __len__(self) -> int:
        return len(self._items)

    @override
    def __eq__(self, other: object) -> bool:
        # The first column sets the order of components, so that tables in another order are not the same.
        return isinstance(other, FamilyTable) and [*self._items.items()] == [*other._items.items()]

    @override
    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    @override
    def __repr__(self) -> str:
        return repr(self._items)

    @property
    def name(self) -> str:
        """The families in words."""
        return " x ".join(family.name for family in self._items.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the families as plain JSON types.

        Examples
        --------
        >>> bm.Mixture(2, {"visits": "poisson"}).family.to_dict()
        {'columns': {'visits': {'family': 'poisson'}}}
        """
        return {"columns": {name: family.to_dict() for name, family in self._items.items()}}


#: Up to this many columns every division into three groups is tried: 3^8 = 6561.
_MOST_TRIED = 8


@dataclass(frozen=True)
class Block:
    """Columns that one family describes.

    Attributes
    ----------
    family : Family
    prefix : str
        What the parameters' names begin with, ``""`` where there is one block.
    columns : tuple of int
        Positions of the columns; empty means all of them.

    Examples
    --------
    >>> age, visits = bm.Mixture(2, {"age": "normal", "visits": "poisson"}).blocks
    >>> age.prefix, visits.columns, visits.family.name
    ('age_', (1,), 'poisson')
    """

    family: Family
    prefix: str
    columns: tuple[int, ...]

    def pick(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the block's own parameters under the names the family knows.

        Parameters
        ----------
        parameters : mapping
            Parameter of the posterior to anything.

        Examples
        --------
        >>> age, visits = bm.Mixture(2, {"age": "normal", "visits": "poisson"}).blocks
        >>> age.pick({"age_mu": 40, "age_sigma": 9, "visits_mu": 2})
        {'mu': 40, 'sigma': 9}
        """
        return {p.name: parameters[f"{self.prefix}{p.name}"] for p in self.family.parameters}

    def cells(self, cells: Any, layout: Layout) -> Any:
        """Return the block's columns of a matrix of cells.

        Parameters
        ----------
        cells : ndarray, shape (n, width)
            Or a PyMC expression.
        layout : Layout
            Of the columns.

        Examples
        --------
        >>> block = fit.mixture.blocks[0]
        >>> block.cells(fit.observations.cells, fit.layout).shape
        (19, 1)
        """
        return cells[:, : layout.width] if self.family.multivariate else cells[:, layout.part(self.columns[0])]

    def interval(self, layout: Layout) -> bool:
        """Return whether the block's cells are intervals.

        Parameters
        ----------
        layout : Layout
            Of the columns.

        Examples
        --------
        >>> fit.mixture.blocks[0].interval(fit.layout)
        False
        """
        return not self.family.multivariate and layout.intervals[self.columns[0]]


@dataclass(frozen=True)
class Variable:
    """One parameter of the posterior.

    Attributes
    ----------
    name : str
        E.g. ``"mu"`` or ``"age_mu"``.
    parameter : Parameter
        What the family says of it.
    block : Block
        The columns it describes.

    Examples
    --------
    >>> mu, sigma = bm.Mixture(3).variables
    >>> mu.name, mu.parameter.support, mu.dims, sigma.parameter.support
    ('mu', 'real', ('component',), 'positive')
    """

    name: str
    parameter: Parameter
    block: Block

    @property
    def shared(self) -> bool:
        """Whether all components have the same value."""
        return self.parameter.shared

    @property
    def labels(self) -> tuple[Any, ...]:
        """Labels along the further dimension; empty where there is none.

        Examples
        --------
        >>> pair = bm.families.MvNormal(columns=("height", "weight"))
        >>> bm.Mixture(3, pair).variables[0].labels
        ('height', 'weight')
        """
        return () if self.parameter.dim is None else tuple(self.block.family.dims[self.parameter.dim])

    @property
    def extra_dims(self) -> tuple[str, ...]:
        """Names of the further dimensions.

        Without the commas of a column's name: nutpie joins the names of dimensions by commas.
        """
        return () if self.parameter.dim is None else (f"{self.block.prefix}{self.parameter.dim}".replace(",", ";"),)

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of all dimensions of a draw."""
        return (() if self.shared else ("component",)) + self.extra_dims

    def shape(self, n_components: int) -> tuple[int, ...]:
        """Return the shape of a draw.

        Parameters
        ----------
        n_components : int

        Examples
        --------
        >>> bm.Mixture(3).variables[0].shape(3)
        (3,)
        """
        return (() if self.shared else (n_components,)) + ((len(self.labels),) if self.parameter.dim else ())


def as_families(value: Any) -> Family | FamilyTable:
    """Return the family or families for a name, an object or a mapping from column to either."""
    if isinstance(value, FamilyTable):
        return value
    return FamilyTable(value) if isinstance(value, Mapping) else as_family(value)


def families_from_dict(data: Mapping[str, Any]) -> Family | FamilyTable:
    """Read back what ``to_dict`` of a family or a table of families wrote."""
    if "family" not in data:
        return FamilyTable({name: family_from_dict(family) for name, family in data["columns"].items()})
    return family_from_dict(dict(data))


def blocks_of(family: Family | FamilyTable) -> tuple[Block, ...]:
    """Return the blocks of columns in order."""
    if isinstance(family, FamilyTable):
        return tuple(Block(f, f"{name}_", (i,)) for i, (name, f) in enumerate(family.items()))
    return (Block(family, "", () if family.multivariate else (0,)),)


def variables_of(family: Family | FamilyTable) -> tuple[Variable, ...]:
    """Return the parameters in the order of the model."""
    return tuple(
        Variable(f"{block.prefix}{p.name}", p, block) for block in blocks_of(family) for p in block.family.parameters
    )


def read_rows(family: Family | FamilyTable, y: Any, weights: Any = None, resolution: Any = None) -> Observations:
    """Read the rows that a specification is to be fitted to.

    Parameters
    ----------
    family : Family or FamilyTable
    y : column, table or Compressed
    weights : column, optional
    resolution : number, "auto", or mapping from column to these, optional

    Raises
    ------
    InputError
        If the data break a rule of the gate.
    """
    if isinstance(y, Compressed):
        return _read_compressed(family, y, weights, resolution)
    if family.multivariate:
        if resolution is not None:
            raise InputError(
                f"resolution must be left out for the {family.name} family, got {resolution!r}: it takes points only. "
                "Describe the columns one by one, e.g. family={'a': 'normal', 'b': 'normal'}."
            )
        return observe_matrix(y, weights)
    return observe(y, weights, wanted=_wanted(family), resolution=resolution)


def _read_compressed(family: Family | FamilyTable, y: Compressed, weights: Any, resolution: Any) -> Observations:
    """Read rows that stand for many others."""
    if weights is not None:
        raise InputError(
            "weights must be left out for compressed rows, which count as often as rows were merged, got some. Use "
            "bm.compress(source, weights='column')."
        )
    single = not isinstance(family, FamilyTable) and not family.multivariate and getattr(family, "trials", None) is None
    if single and len(y.steps) > 1:
        raise InputError(
            f"y must be one column for the {family.name} family, got compressed rows of {list(y.steps)[:6]}. Use "
            "bm.compress(source, columns=['name']), or a family for each column."
        )
    rows = read_rows(family, y.frame, y.counts, resolution)
    compression = y.of_columns(rows.names)
    rounded = [] if compression.bins is None else compression.bins.columns
    twice = [name for name, column in zip(rows.names, rows.columns, strict=True) if column.interval and name in rounded]
    if twice:
        raise InputError(
            f"resolution must be left out for compressed columns whose values were gathered in bins, got one for "
            f"{twice[0]!r}: its rows are points that stand for bins. Leave it out, or fit the original rows."
        )
    return replace(rows, compression=compression)


def read_new_rows(family: Family | FamilyTable, y: Any, fitted: Layout) -> Observations:
    """Read further rows for a fitted specification; one is enough, and its rounding and names are those of the fitted.

    Parameters
    ----------
    family : Family or FamilyTable
        As it was resolved.
    y : column or table
    fitted : Layout
        Of the fitted rows.
    """
    if family.multivariate:
        rows = observe_matrix(y, names=fitted.names, least=1)
    else:
        steps = {name: r for name, r in zip(fitted.names, fitted.resolutions, strict=True) if r is not None}
        single = (steps or None) if isinstance(family, FamilyTable) else steps.get(fitted.names[0])
        rows = observe(y, wanted=_wanted(family), resolution=None if isinstance(y, Interval) else single, least=1)
    _check_rows(family, rows)
    named = tuple(replace(c, name=name) for c, name in zip(rows.columns, fitted.names, strict=True))
    return replace(rows, columns=named)


def _check_rows(family: Family | FamilyTable, rows: Observations) -> None:
    """Refuse values outside the families' supports."""
    for block in blocks_of(family):
        block.family.check(columns_of(block, rows))


def columns_of(block: Block, rows: Observations) -> Any:
    """Return the block's column, or all columns for a multivariate family."""
    return rows.columns if block.family.multivariate else rows.columns[block.columns[0]]


def _wanted(family: Family | FamilyTable) -> list[Wanted]:
    if isinstance(family, FamilyTable):
        return [_wanted_column(f, name) for name, f in family.items()]
    return [_wanted_column(family, None)]


def _wanted_column(family: Family, name: str | None) -> Wanted:
    return Wanted(
        name=name,
        reads=family.reads,
        continuous=not family.discrete,
        needs_trials="n" in family.extra,
        trials=getattr(family, "trials", None),
        categories=tuple(getattr(family, "categories", ())),
    )


def refuse_unidentified(family: Family | FamilyTable, n_components: int, rows: Observations) -> None:
    """Refuse more components than the columns can tell apart, whatever the number of rows.

    One column that identifies a mixture of its family is enough. Where none does (binary and categorical columns),
    three groups of columns with a, b and c joint values are needed such that ``min(K, a) + min(K, b) + min(K, c) >=
    2 K + 2``: the mixture is then identified for almost all parameters.

    Raises
    ------
    InputError

    References
    ----------
    Allman, Matias & Rhodes (2009), Identifiability of parameters in latent structure models with many observed
    variables, Annals of Statistics 37, 3099-3132, theorem 4.
    """
    if n_components == 1:
        return
    reasons = []
    states = []
    for block in blocks_of(family):
        column = columns_of(block, rows)
        reason = block.family.identified(n_components, column)
        if reason is None:
            return
        reasons.append(reason)
        states.append(block.family.states(column))
    if len(states) >= 3 and _three_groups(sorted(states, reverse=True), n_components):
        return
    if len(states) == 1:
        raise InputError(
            f"n_components={n_components} (noise and zeros counted) cannot be told apart: {reasons[0]}. Use "
            "n_components=1, or more columns."
        )
    raise InputError(
        f"n_components={n_components} cannot be told apart by {len(states)} columns with {[int(s) for s in states]} "
        "values: three groups of columns with a, b, c joint values must satisfy min(K, a) + min(K, b) + min(K, c) >= "
        "2 K + 2 (two components need three binary columns). Use fewer components, or more columns."
    )


def _three_groups(states: list[float], k: int) -> bool:
    """Look for three groups that satisfy the rule: among all divisions of few columns, else by a greedy choice."""
    if len(states) <= _MOST_TRIED:
        values = np.array(states)
        choices = np.array(list(product(range(3), repeat=len(states))))
        joint = [np.where(choices == g, values, 1.0).prod(axis=1) for g in range(3)]
        return bool((np.minimum(joint, k).sum(axis=0) >= 2 * k + 2).any())
    groups = np.ones(3)
    for value in states:
        i = int(np.argmin(groups))
        groups[i] *= value
    return bool(np.minimum(groups, k).sum() >= 2 * k + 2)
