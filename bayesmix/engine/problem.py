"""`Problem`: one mixture with its rows and priors, in plain numbers."""

import ctypes
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmix.engine import density
from bayesmix.engine.priors import PriorKind
from bayesmix.engine.rows import Rows
from bayesmix.engine.variables import TYPES, Variable
from bayesmix.errors import InputError

__all__ = ["Doubles", "Integers", "Output", "Problem", "exact_centre"]

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


def exact_centre(values: Doubles) -> float:
    """Return a number c for which every ``y - c`` is exact, or 0 where none near the data's middle is.

    Data such as 1e9 + noise leave the component means few digits to move in: one unit in the last place of mu
    is then 1e-7. Subtracting a round number near the middle restores them, and costs nothing when every
    difference is exact, which holds precisely where it matters (range small against distance from zero;
    Sterbenz' lemma). Missing values are left out.
    """
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    step = 2.0 ** math.floor(math.log2(high - low)) if high > low else 0.0
    if step == 0.0 or not math.isfinite(step):
        return low if high == low else 0.0
    c = round((0.5 * low + 0.5 * high) / step) * step
    # The error term of Knuth's two-sum vanishes exactly where the difference is exact.
    d = values - c
    back = d - values
    error = (values - (d - back)) + (-c - back)
    return c if math.isfinite(c) and not np.any(error) else 0.0


@dataclass(frozen=True)
class Output:
    """One variable of a posterior draw: its name, shape, dimension names and where its numbers come from."""

    name: str
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    source: str
    start: int
    rows: int
    size: int
    sorted: bool


@dataclass(frozen=True, eq=False)
class Problem:
    """A mixture: rows, variables with their priors, weights.

    The sampled vector x is the vector of value variables, in ``free_RVs`` order, of the PyMC model with
    ``w_free ~ Dirichlet`` (one less than components under the simplex transform, none for a single one), then the
    variables in order.

    Parameters
    ----------
    rows
        Distinct rows with their blocks of columns.
    variables
        Parameters in the order of the model; the slots of the rows' blocks point into the vector of all their values.
    alpha
        Dirichlet concentrations, one for each component, those without parameters last.
    order
        Name of the variable that components are sorted by in `expand`, and which of its entries; None for no sorting.
    extra_weights
        Names of the weights of the components without parameters.
    """

    rows: Rows
    variables: tuple[Variable, ...]
    alpha: tuple[float, ...]
    order: tuple[str, int] | None = None
    extra_weights: tuple[str, ...] = ()
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _keep: tuple[Any, ...] = field(init=False, repr=False)
    _user: Integers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the numbers and lay them out for the compiled code."""
        M, V = self.rows.n_all, sum(v.n_values for v in self.variables)
        if len(self.alpha) != M or min(self.alpha) <= 0:
            raise InputError(f"alpha must be {M} positive numbers, got {self.alpha}. Pass one concentration each.")
        if self.rows.n_values != V:
            raise InputError(f"rows must be laid out for {V} values, got {self.rows.n_values}. Use the same variables.")
        table, kinds = [], []
        x, v = M - 1, 0
        for number, variable in enumerate(self.variables):
            above = self._record(variable.scaled_by, number)
            table.append((TYPES[variable.type], x, v, variable.rows, variable.size, above))
            kinds += [int(variable.prior.kind)] * variable.n_values
            x, v = x + variable.n_sampled, v + variable.n_values
        hypers = [variable.hyper() for variable in self.variables]
        centres = [np.full(variable.n_values, variable.centre) for variable in self.variables]
        doubles = np.concatenate(
            [[self._constant()], self.alpha, *(h[0] for h in hypers), *(h[1] for h in hypers), *centres]
        )
        plan = [(density.OUTPUTS[o.source], o.start, o.rows, o.size, int(o.sorted)) for o in self.outputs]
        arrays = [np.array(a, dtype=np.int64) for a in (kinds, table, plan, self._key())]
        fields = {
            "K": self.rows.n_components,
            "M": M,
            "V": V,
            "X": x,
            "n_variables": len(self.variables),
            "n_outputs": len(plan),
            "rows": self.rows.header.ctypes.data,
            "doubles": doubles.ctypes.data,
            "kinds": arrays[0].ctypes.data,
            "variables": arrays[1].ctypes.data,
            "outputs": arrays[2].ctypes.data,
            "key": arrays[3].ctypes.data if arrays[3].size else 0,
        }
        user = np.array([fields[name] for name in density.HEADER], dtype=np.int64)
        object.__setattr__(self, "_user", user)
        object.__setattr__(self, "_keep", (doubles, *arrays))

    def __reduce__(self) -> tuple[type["Problem"], tuple[object, ...]]:
        """Rebuild copies and pickles from the arguments: the addresses inside would point to freed memory."""
        return Problem, (self.rows, self.variables, self.alpha, self.order, self.extra_weights, self.dims)

    def _record(self, scaled_by: str | None, number: int) -> int:
        """Return the position of a hyper variable among those before `number`, or -1 for none."""
        if scaled_by is None:
            return -1
        before = [v.name for v in self.variables[:number] if v.is_hyper]
        if scaled_by not in before:
            raise InputError(f"scaled_by must name a hyper variable before it, {before}, got {scaled_by!r}. Add it.")
        return [v.name for v in self.variables].index(scaled_by)

    def _constant(self) -> float:
        constant = self.rows.constant + sum(v.log_constant() for v in self.variables)
        if len(self.alpha) > 1:
            constant += math.lgamma(sum(self.alpha)) - sum(map(math.lgamma, self.alpha)) + math.log(len(self.alpha))
        return constant

    def _key(self) -> list[int]:
        if self.order is None or self.n_components == 1:
            return []
        name, entry = self.order
        start, size = self.value_start(name), self.variable(name).size
        return [start + k * size + entry for k in range(self.n_components)]

    @property
    def n_components(self) -> int:
        """Number of components with parameters."""
        return self.rows.n_components

    @property
    def n_dim(self) -> int:
        """Length of the sampled vector."""
        return self.rows.n_all - 1 + sum(v.n_sampled for v in self.variables)

    @property
    def user_data(self) -> Integers:
        """Integer array the compiled functions take; it holds addresses, so keep the problem alive."""
        return self._user

    def variable(self, name: str) -> Variable:
        """Return the variable of a name."""
        return next(v for v in self.variables if v.name == name)

    def value_start(self, name: str) -> int:
        """Return where a variable's values begin."""
        at = 0
        for variable in self.variables:
            if variable.name == name:
                return at
            at += variable.n_values
        raise KeyError(name)

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The variables of a draw in order: weights, parameters, and the free variables behind them."""
        K, M = self.n_components, self.rows.n_all
        out = [Output("w", (K,), ("component",), "weights", 0, K, 1, True)]
        for s, name in enumerate(self.extra_weights):
            out.append(Output(name, (), (), "weights", K + s, 1, 1, False))
        free = (
            [Output("w_free", (M,), ("component" if M == K else "member",), "weights", 0, M, 1, True)] if M > 1 else []
        )
        v, x = 0, M - 1
        for variable in self.variables:
            ordered = len(variable.shape) > 0 and variable.shape[0] == K and variable.rows == K
            dims = self.dims.get(variable.name, ("component",)[: len(variable.shape)])
            common: dict[str, Any] = {"rows": variable.rows, "sorted": ordered}
            source = "log_values" if variable.type == "simplex" else "values"
            out.append(Output(variable.name, variable.shape, dims, source, v, size=variable.size, **common))
            if not variable.is_hyper:
                free.append(_free_output(variable, dims, v, x, common))
            v, x = v + variable.n_values, x + variable.n_sampled
        return (*out, *free)

    @property
    def n_expanded(self) -> int:
        """Length of what `expand` returns."""
        return sum(math.prod(o.shape) for o in self.outputs)

    @cached_property
    def _addresses(self) -> tuple[Callable[..., int], Callable[..., int]]:
        pointer, size = ctypes.c_void_p, ctypes.c_uint64
        logp = ctypes.CFUNCTYPE(ctypes.c_int, size, pointer, pointer, pointer, pointer)
        expand = ctypes.CFUNCTYPE(ctypes.c_int, size, size, pointer, pointer, pointer)
        return logp(density.logp_function().address), expand(density.expand_function().address)

    def logp_and_grad(self, x: ArrayLike) -> tuple[float, Doubles]:
        """Return the log posterior density at `x`, with all constants, and its gradient.

        Equal to the PyMC model's ``compile_logp`` and ``compile_dlogp``. Either may be non-finite far out.
        """
        x = self._vector(x)
        gradient, value = np.empty(self.n_dim), ctypes.c_double()
        call = self._addresses[0]
        call(self.n_dim, x.ctypes.data, gradient.ctypes.data, ctypes.addressof(value), self._user.ctypes.data)
        return value.value, gradient

    def expand(self, x: ArrayLike) -> dict[str, Doubles]:
        """Return the variables at `x` by name (see `outputs`), components sorted as `order` says."""
        x, out = self._vector(x), np.empty(self.n_expanded)
        call = self._addresses[1]
        call(self.n_dim, self.n_expanded, x.ctypes.data, out.ctypes.data, self._user.ctypes.data)
        return {name: out[part].reshape(shape) for name, part, shape in self.layout()}

    def layout(self) -> Iterator[tuple[str, slice, tuple[int, ...]]]:
        """Yield name, position in the expanded vector and shape of every variable."""
        start = 0
        for output in self.outputs:
            stop = start + math.prod(output.shape)
            yield output.name, slice(start, stop), output.shape
            start = stop

    def weights(self, x: ArrayLike) -> Doubles:
        """Return the weights of all components at `x`, not sorted."""
        free = self._vector(x)[: self.rows.n_all - 1]
        numbers = np.exp(np.append(free, -free.sum()) - max(free.max(initial=0.0), -float(free.sum())))
        return np.asarray(numbers / numbers.sum())

    def values(self, x: ArrayLike) -> Doubles:
        """Return the values of all variables at `x` as the rows' kernels read them: not sorted, centred."""
        vector, at, parts = self._vector(x), self.rows.n_all - 1, []
        for variable in self.variables:
            parts.append(variable.from_sampled(vector[at : at + variable.n_sampled]))
            at += variable.n_sampled
        return np.concatenate(parts)

    def pack(self, weights: ArrayLike, parameters: Mapping[str, ArrayLike], *, centred: bool = False) -> Doubles:
        """Return the vector x with these weights (of all components) and parameters: the inverse of `expand`.

        With `centred`, parameters are as the rows' kernels read them, less their variable's centre.
        """
        log_w = np.log(np.asarray(weights, dtype=np.float64))
        if log_w.shape != (self.rows.n_all,):
            raise InputError(f"weights must have {self.rows.n_all} entries, got {log_w.size}. Pass one per component.")
        shift = {v.name: v.centre if centred else 0.0 for v in self.variables}
        parts = [v.to_sampled(np.asarray(parameters[v.name], dtype=np.float64) + shift[v.name]) for v in self.variables]
        return np.concatenate([(log_w - log_w.mean())[:-1], *parts])

    def _vector(self, x: ArrayLike) -> Doubles:
        vector = np.ascontiguousarray(x, dtype=np.float64)
        if vector.shape != (self.n_dim,):
            raise InputError(f"x must have shape ({self.n_dim},), got {vector.shape}. Use `pack` to build it.")
        return vector


def _free_output(variable: Variable, dims: tuple[str, ...], v: int, x: int, common: dict[str, Any]) -> Output:
    """Return the free variable as PyMC shows it: whitened numbers, or the untransformed value itself."""
    name, shape = variable.free_name, variable.shape
    if variable.whitened:
        return Output(name, shape, dims, "sampled", x, size=variable.size, **common)
    if variable.type == "correlation":
        return Output(name, shape, dims, "logistic", x, size=variable.size, **common)
    source = "log_values" if variable.type == "simplex" else "values"
    if variable.prior.kind == PriorKind.INVERSE_GAMMA_VARIANCE:
        source = "squares"
    return Output(name, shape, dims, source, v, size=variable.size, **common)
