"""`Problem`: one mixture of normals with its data and priors, in plain numbers."""

import ctypes
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmix.engine import density
from bayesmix.engine.priors import Prior, PriorKind
from bayesmix.errors import InputError

__all__ = ["Doubles", "OrderBy", "Problem", "aligned", "exact_centre"]

Doubles = NDArray[np.float64]
OrderBy = Literal["mu", "sigma"] | None

_ORDER_CODES: dict[OrderBy, int] = {None: 0, "mu": 1, "sigma": 2}


def exact_centre(values: Doubles) -> float:
    """Return a number c for which every ``y - c`` is exact, or 0 where none near the data's middle is.

    Data such as 1e9 + noise leave the component means few digits to move in: one unit in the last place of mu
    is then 1e-7. Subtracting a round number near the middle restores them, and costs nothing when every
    difference is exact, which holds precisely where it matters (range small against distance from zero;
    Sterbenz' lemma).
    """
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


def aligned(values: Doubles) -> Doubles:
    """Return a copy that begins at a multiple of 64 bytes: no vector access touches two cache lines."""
    flat = np.empty(values.size + 8)
    skip = -flat.ctypes.data // 8 % 8
    flat[skip : skip + values.size] = values
    return flat[skip : skip + values.size]


@dataclass(frozen=True, eq=False)
class Problem:
    """A univariate normal mixture: data, number of components, priors.

    The sampled vector x is the vector of value variables, in ``free_RVs`` order, of the PyMC model with
    ``w_free ~ Dirichlet`` (K - 1 values under the simplex transform, none for K = 1), then mu (K), then sigma
    (K, or 1 when common).

    Parameters
    ----------
    values
        Distinct rows y, in the user's units.
    n_components
        Number of components K.
    mu, sigma
        Priors.
    counts
        How often every row occurs; None for once each. Fractional weights are allowed.
    alpha
        Dirichlet concentrations, one entry or K.
    order_by
        Parameter the variables are sorted by in `expand`; None for no sorting.
    common_sigma
        Whether all components share one sigma.
    """

    values: Doubles
    n_components: int
    mu: Prior
    sigma: Prior
    counts: Doubles | None = None
    alpha: tuple[float, ...] = (1.0,)
    order_by: OrderBy = "mu"
    common_sigma: bool = False
    _ints: NDArray[np.int64] = field(init=False, repr=False)
    _keep: tuple[Doubles, Doubles, Doubles] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the numbers and lay them out for the compiled code."""
        values = np.array(self.values, dtype=np.float64, order="C", ndmin=1)
        counts = np.ones(values.size) if self.counts is None else np.array(self.counts, dtype=np.float64, order="C")
        _check(self, values, counts)
        centre = exact_centre(values) if self.mu.kind == PriorKind.NORMAL else 0.0
        reals, rows = self._reals(centre, float(counts.sum())), aligned(values - centre)
        counts = aligned(counts)
        for array in (values, counts, reals, rows):
            array.flags.writeable = False
        ints = np.zeros(density.N_INTEGERS, dtype=np.int64)
        codes = (self.mu.kind, self.sigma.kind, _ORDER_CODES[self.order_by])
        ints[:6] = (self.n_components, values.size, self.n_sigma, *codes)
        ints[6:] = (rows.ctypes.data, counts.ctypes.data, reals.ctypes.data)
        ints.flags.writeable = False
        for name, value in (
            ("values", values),
            ("counts", counts),
            ("_ints", ints),
            ("_keep", (rows, counts, reals)),
        ):
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[type["Problem"], tuple[object, ...]]:
        """Rebuild copies and pickles from the arguments: the addresses inside would point to freed memory."""
        given = (self.values, self.n_components, self.mu, self.sigma, self.counts)
        return Problem, (*given, self.alpha, self.order_by, self.common_sigma)

    def _reals(self, centre: float, total: float) -> Doubles:
        K = self.n_components
        alpha = self.alpha * K if len(self.alpha) == 1 else self.alpha
        constant = self.mu.log_constant(K) + self.sigma.log_constant(self.n_sigma)
        constant -= 0.5 * math.log(2.0 * math.pi) * total
        if K > 1:
            constant += math.lgamma(sum(alpha)) - sum(map(math.lgamma, alpha)) + math.log(K)
        mu_first, mu_second = self.mu.expanded(K)
        if centre:
            mu_first = tuple(m - centre for m in mu_first)
        parts = (constant, centre), alpha, mu_first, mu_second, *self.sigma.expanded(self.n_sigma)
        return np.array([number for part in parts for number in part])

    @property
    def n_sigma(self) -> int:
        """Length of sigma: K, or 1 when common."""
        return 1 if self.common_sigma else self.n_components

    @property
    def n_dim(self) -> int:
        """Length of the sampled vector."""
        return 2 * self.n_components - 1 + self.n_sigma

    @property
    def user_data(self) -> NDArray[np.int64]:
        """Integer array the compiled functions take; it holds addresses, so keep the problem alive."""
        return self._ints

    @property
    def rows(self) -> Doubles:
        """Rows as the compiled code sees them: minus `centre`."""
        return self._keep[0]

    @property
    def row_counts(self) -> Doubles:
        """Counts of the rows."""
        return self._keep[1]

    @property
    def centre(self) -> float:
        """Number subtracted, exactly, from the rows."""
        return float(self._keep[2][1])

    @property
    def variables(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes of what `expand` returns, in order; a common sigma is a scalar, as in PyMC."""
        K = self.n_components
        sigma_shape: tuple[int, ...] = () if self.common_sigma else (K,)
        free_w = (("w_free", (K,)),) if K > 1 else ()
        return (
            ("w", (K,)),
            ("mu", (K,)),
            ("sigma", sigma_shape),
            *free_w,
            ("mu_z" if self.mu.whitened else "mu_free", (K,)),
            ("sigma_z" if self.sigma.whitened else "sigma_free", sigma_shape),
        )

    @property
    def n_expanded(self) -> int:
        """Length of what `expand` returns."""
        return sum(math.prod(shape) for _, shape in self.variables)

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
        call(self.n_dim, x.ctypes.data, gradient.ctypes.data, ctypes.addressof(value), self._ints.ctypes.data)
        return value.value, gradient

    def expand(self, x: ArrayLike) -> dict[str, Doubles]:
        """Return the variables at `x` by name (see `variables`), components sorted as `order_by` says."""
        x, out = self._vector(x), np.empty(self.n_expanded)
        call = self._addresses[1]
        call(self.n_dim, self.n_expanded, x.ctypes.data, out.ctypes.data, self._ints.ctypes.data)
        return {name: out[part].reshape(shape) for name, part, shape in self.layout()}

    def layout(self) -> Iterator[tuple[str, slice, tuple[int, ...]]]:
        """Yield name, position in the expanded vector and shape of every variable."""
        start = 0
        for name, shape in self.variables:
            stop = start + math.prod(shape)
            yield name, slice(start, stop), shape
            start = stop

    def pack(self, w: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Doubles:
        """Return the vector x with these weights, means and sds: the inverse of `expand` up to order."""
        K = self.n_components
        log_w = np.log(np.asarray(w, dtype=np.float64))
        mu, sigma = (
            np.asarray(mu, dtype=np.float64).reshape(K),
            np.asarray(sigma, dtype=np.float64).reshape(-1),
        )
        if log_w.shape != (K,) or sigma.size != self.n_sigma:
            raise InputError(
                f"w and mu must have {K} entries and sigma {self.n_sigma}, "
                f"got {log_w.size}, {mu.size}, {sigma.size}. "
                "Pass one entry per component (one sigma when common)."
            )
        z = [self.mu.to_sampled(m, k) for k, m in enumerate(mu.tolist())]
        z += [self.sigma.to_sampled(s, k) for k, s in enumerate(sigma.tolist())]
        return np.concatenate([(log_w - log_w.mean())[: K - 1], z])

    def _vector(self, x: ArrayLike) -> Doubles:
        vector = np.ascontiguousarray(x, dtype=np.float64)
        if vector.shape != (self.n_dim,):
            raise InputError(f"x must have shape ({self.n_dim},), got {vector.shape}. Use `pack` to build it.")
        return vector


def _check(problem: Problem, values: Doubles, counts: Doubles) -> None:
    K = problem.n_components
    if K < 1:
        raise InputError(f"n_components must be at least 1, got {K}. Use n_components=1 for a single group.")
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise InputError(
            f"values must be finite numbers in one dimension, got shape {values.shape}. Drop blanks first."
        )
    if counts.shape != values.shape or not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise InputError(f"counts must be {values.size} numbers >= 0, got {counts}. Pass one count per row.")
    if len(problem.alpha) not in (1, K) or min(problem.alpha) <= 0:
        raise InputError(f"alpha must be 1 or {K} positive numbers, got {problem.alpha}. Pass concentrations > 0.")
    if problem.sigma.kind == PriorKind.NORMAL:
        raise InputError(f"the prior of sigma must live on positive numbers, got {problem.sigma}. Use LOG_NORMAL.")
