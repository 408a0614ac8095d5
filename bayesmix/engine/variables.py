"""From the sampled vector to parameter values and back: priors, simplexes, correlations.

A *variable* is a run of values, ``size`` entries for each of ``rows`` components (one row where all share it):

``SCALAR``
    Every value has a prior of its own (`bayesmix.engine.priors`), one sampled number each. The second hyper-parameters
    may be multiples of a *hyper* variable, which comes before, has one value, and stands in no row's density.
``SIMPLEX``
    A row of log probabilities under a Dirichlet prior; PyMC's simplex transform, one sampled number less than values.
``CORRELATION``
    The correlations of p features under the LKJ distribution. The sampled numbers are logits of Beta distributed
    partial correlations (Lewandowski, Kurowicka & Joe 2009): pair (i, j) has ``Beta(b_j, b_j)`` scaled to (-1, 1) with
    ``b_j = eta + (p - 2 - j) / 2``, given features before j. Pairs in the order (1, 0), (2, 0), (2, 1) ...
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine._jit import kernel
from bayesmix.engine.priors import Prior, PriorKind, evaluate
from bayesmix.errors import InputError

__all__ = [
    "N_VARIABLE_FIELDS",
    "TYPES",
    "Doubles",
    "Variable",
    "chain_rule",
    "correlation_prior",
    "log_weights",
    "place",
    "simplex_gradient",
]

Doubles = NDArray[np.float64]

_SCALAR, _SIMPLEX, _CORRELATION = range(3)
TYPES = {"scalar": _SCALAR, "simplex": _SIMPLEX, "correlation": _CORRELATION}

#: Fields of a variable's record: type, first sampled number, first value, rows, values per row, record of the variable
#: it is scaled by (-1 for none).
_TYPE, _X, _V, _ROWS, _SIZE, _SCALED_BY = range(6)
N_VARIABLE_FIELDS = 6


@dataclass(frozen=True)
class Variable:
    """One parameter of all components, with its prior.

    Parameters
    ----------
    name
        E.g. ``"mu"``.
    prior
        Of a scalar: kind and hyper-parameters, one entry for all values, or one per value in order.
        Of the other types: the kind is not looked at; `first` is the Dirichlet concentrations of the categories
        (simplex) or eta (correlation).
    rows
        K, or 1 for a value that all components share.
    size
        Values per row.
    type
        See the module.
    shape
        Of the variable in a posterior draw; () and (size,) for shared ones.
    centre
        Number that is subtracted from the values inside the engine; scalars with an identity link only.
    is_hyper
        Whether this one value only scales the priors of other variables; its own prior is GAMMA, and PyMC's free
        variable has its very name.
    scaled_by
        Name of an earlier hyper variable that the second hyper-parameters are multiplied by; with the priors
        INVERSE_GAMMA and INVERSE_GAMMA_VARIANCE only, whose scale they are.
    """

    name: str
    prior: Prior
    rows: int
    size: int = 1
    type: Literal["scalar", "simplex", "correlation"] = "scalar"
    shape: tuple[int, ...] = ()
    centre: float = 0.0
    is_hyper: bool = False
    scaled_by: str | None = None

    def __post_init__(self) -> None:
        """Refuse what `place` does not compute."""
        inverse = (PriorKind.INVERSE_GAMMA, PriorKind.INVERSE_GAMMA_VARIANCE)
        if self.scaled_by is not None and self.prior.kind not in inverse:
            raise InputError(
                f"{self.name!r} must have an inverse-gamma prior to be scaled, got {self.prior.kind.name}. Leave out "
                "scaled_by."
            )
        if self.is_hyper and (self.prior.kind != PriorKind.GAMMA or self.n_values != 1):
            raise InputError(
                f"the hyper variable {self.name!r} must be one value with a GAMMA prior, got {self.n_values} with "
                f"{self.prior.kind.name}. Use an ordinary variable."
            )

    @property
    def n_values(self) -> int:
        """Number of values."""
        return self.rows * self.size

    @property
    def n_sampled(self) -> int:
        """Sampled numbers behind the values."""
        if self.type == "simplex":
            return self.rows * (self.size - 1)
        return self.n_values

    @property
    def n_features(self) -> int:
        """Number of features p whose p (p - 1) / 2 correlations these are."""
        return (1 + math.isqrt(1 + 8 * self.size)) // 2

    @property
    def whitened(self) -> bool:
        """Whether the sampled numbers are standard normals: the free variable is then called ``name_z``."""
        return self.type == "scalar" and self.prior.whitened

    @property
    def free_name(self) -> str:
        """Name of the free variable."""
        return self.name if self.is_hyper else f"{self.name}_{'z' if self.whitened else 'free'}"

    def hyper(self) -> tuple[Doubles, Doubles]:
        """Return both hyper-parameters, one entry per value."""
        if self.type == "simplex":
            row = np.broadcast_to(np.asarray(self.prior.first), self.size)
            first = np.tile(row, self.rows)
            return first, np.ones(first.size)
        if self.type == "correlation":
            p = self.n_features
            shapes = [self.prior.first[0] + 0.5 * (p - 2 - j) for i in range(1, p) for j in range(i)]
            return np.tile(shapes, self.rows), np.tile(shapes, self.rows)
        a, b = (np.array(h) for h in self.prior.expanded(self.n_values))
        return a - self.centre, b

    def log_constant(self) -> float:
        """Return the part of the log prior density that no sampled number enters."""
        first, second = self.hyper()
        if self.type == "scalar":
            return self.prior.log_constant(self.n_values)
        if self.type == "simplex":
            a = first[: self.size].tolist()
            return self.rows * (math.lgamma(sum(a)) - sum(map(math.lgamma, a)) + math.log(self.size))
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return sum(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) for a, b in pairs)

    def to_sampled(self, values: Doubles) -> Doubles:
        """Return sampled numbers that give these values, shape (rows, size): the inverse of the engine's map."""
        values = np.asarray(values, dtype=np.float64).reshape(self.rows, self.size)
        if self.type == "scalar":
            return np.array([self.prior.to_sampled(v, i) for i, v in enumerate(values.ravel().tolist())])
        if self.type == "simplex":
            if not (values > 0).all():
                raise InputError(f"probabilities of {self.name!r} must be positive, got {values}. Move them inside.")
            centred = np.log(values) - np.log(values).mean(axis=1, keepdims=True)
            return np.asarray(centred[:, :-1].ravel())
        return np.concatenate([_partial_logits(row, self.n_features) for row in values])

    def from_sampled(self, x: Doubles) -> Doubles:
        """Return the values, less the centre, simplexes as log probabilities; the readable form of `place`."""
        if self.type == "scalar":
            values = [self.prior.to_parameter(v, i) for i, v in enumerate(x.tolist())]
            return np.array(values) - self.centre
        if self.type == "simplex":
            free = x.reshape(self.rows, self.size - 1)
            whole = np.concatenate([free, -free.sum(axis=1, keepdims=True)], axis=1)
            top = whole.max(axis=1, keepdims=True)
            return np.asarray((whole - top - np.log(np.exp(whole - top).sum(axis=1, keepdims=True))).ravel())
        return np.concatenate([_from_logits(row, self.n_features) for row in x.reshape(self.rows, self.size)])

    def inside(self, values: Doubles) -> Doubles:
        """Return values moved into the prior's support: a search may not know of it."""
        if self.type != "scalar" or self.prior.kind == PriorKind.NORMAL:
            return values
        scale = float(np.abs(values).max()) or 1.0
        upper = 1.0 - 1e-6 if self.prior.kind in (PriorKind.LOGIT_NORMAL, PriorKind.BETA) else np.inf
        return np.clip(values, 1e-6 * min(scale, 1.0), upper)


def _from_logits(logits: Doubles, p: int) -> Doubles:
    """Return the correlations that belong to logits of partial correlations."""
    factor, partial, out = np.zeros((p, p)), np.empty(logits.size), np.empty(logits.size)
    _correlate(logits, p, factor, partial, out)
    return out


def _partial_logits(correlations: Doubles, p: int) -> Doubles:
    """Return the logits of (1 + partial correlation) / 2 of one correlation matrix."""
    matrix = np.eye(p)
    matrix[np.tril_indices(p, -1)] = correlations
    factor = np.linalg.cholesky(matrix + np.tril(matrix, -1).T)
    out = []
    for i in range(1, p):
        rest = 1.0
        for j in range(i):
            z = factor[i, j] / math.sqrt(rest)
            out.append(math.log1p(z) - math.log1p(-z))
            rest *= 1.0 - z * z
    return np.array(out)


@kernel
def log_weights(x: Doubles, n: int, out: Doubles) -> None:
    """Write the log probabilities of PyMC's simplex transform: softmax of the values and minus their sum."""
    last, top = 0.0, 0.0
    for k in range(n - 1):
        last -= x[k]
        top = max(top, x[k])
    top = max(top, last)
    total = math.exp(last - top)
    for k in range(n - 1):
        total += math.exp(x[k] - top)
    shift = top + math.log(total)
    for k in range(n - 1):
        out[k] = x[k] - shift
    out[n - 1] = last - shift


@kernel
def simplex_gradient(log_p: Doubles, derivative: Doubles, alpha: Doubles, n: int, gradient: Doubles) -> None:
    """Write the gradient by the sampled numbers; `derivative` is by the log probabilities, without the prior."""
    total = 0.0
    for k in range(n):
        total += derivative[k] + alpha[k]
    last = derivative[n - 1] + alpha[n - 1] - total * math.exp(log_p[n - 1])
    for k in range(n - 1):
        gradient[k] = derivative[k] + alpha[k] - total * math.exp(log_p[k]) - last


@kernel
def _correlate(x: Doubles, p: int, factor: Doubles, partial: Doubles, out: Doubles) -> None:
    """Write the Cholesky factor, the partial correlations and the correlations that belong to the logits `x`."""
    at = 0
    for i in range(p):
        rest = 1.0
        for j in range(i):
            z = math.tanh(0.5 * x[at])
            partial[at] = z
            factor[i, j] = z * math.sqrt(rest)
            rest *= 1.0 - z * z
            at += 1
        factor[i, i] = math.sqrt(rest)
    at = 0
    for i in range(p):
        for j in range(i):
            r = 0.0
            for m in range(j + 1):
                r += factor[i, m] * factor[j, m]
            out[at] = r
            at += 1


@kernel
def _uncorrelate(p: int, factor: Doubles, partial: Doubles, derivative: Doubles, gradient: Doubles) -> None:
    """Add the derivatives by the logits, given those by the correlations."""
    slope = np.zeros((p, p))
    at = 0
    for i in range(p):
        for j in range(i):
            d = derivative[at]
            for m in range(j + 1):
                slope[i, m] += d * factor[j, m]
                slope[j, m] += d * factor[i, m]
            at += 1
    at = 0
    for i in range(p):
        # Row i is z_0, z_1 sqrt(1 - z_0^2), ...: a change of z_j scales every later entry by -z_j / (1 - z_j^2).
        behind, root = slope[i, i] * factor[i, i], factor[i, i]
        for j in range(i - 1, -1, -1):
            z = partial[at + j]
            left = 1.0 - z * z
            root /= math.sqrt(left)
            # d z / d logit = (1 - z^2) / 2
            gradient[at + j] += 0.5 * (slope[i, j] * root * left - z * behind)
            behind += slope[i, j] * factor[i, j]
        at += i


@kernel
def place(x: Any, table: Any, kinds: Any, first: Any, second: Any, values: Any, slopes: Any, gradient: Any) -> float:
    """Write the values of all variables; return the log prior density, and write its gradient and the slopes.

    Simplexes are written as log probabilities; their prior enters the gradient in `chain_rule`.
    """
    lp = 0.0
    for t in range(table.shape[0]):
        at, v, rows, size = table[t, _X], table[t, _V], table[t, _ROWS], table[t, _SIZE]
        kind = table[t, _TYPE]
        if kind == _SCALAR:
            by = table[t, _SCALED_BY]
            scale = values[table[by, _V]] if by >= 0 else 1.0
            for i in range(rows * size):
                a, b = first[v + i], second[v + i] * scale
                values[v + i], slopes[v + i], p, gradient[at + i] = evaluate(kinds[v + i], a, b, x[at + i])
                lp += p
            if by >= 0:
                # The constant of an inverse gamma has a * log(scale), and else only log(scale) - x counts.
                above = table[by, _X]
                for i in range(rows * size):
                    lp += first[v + i] * x[above]
                    gradient[above] -= gradient[at + i]
        elif kind == _SIMPLEX:
            for r in range(rows):
                log_weights(x[at + r * (size - 1) :], size, values[v + r * size :])
            for i in range(rows * size):
                lp += first[v + i] * values[v + i]
        else:
            p_features = (1 + int(math.sqrt(1.0 + 8.0 * size) + 0.5)) // 2
            factor, partial = np.empty((p_features, p_features)), np.empty(size)
            for r in range(rows):
                _correlate(x[at + r * size :], p_features, factor, partial, values[v + r * size :])
            for i in range(rows * size):
                _u, _s, p, gradient[at + i] = evaluate(kinds[v + i], first[v + i], second[v + i], x[at + i])
                lp += p
    return lp


@kernel
def chain_rule(
    x: Any, table: Any, first: Any, second: Any, values: Any, slopes: Any, derivative: Any, gradient: Any
) -> None:
    """Add the derivatives of the log-likelihood by the sampled numbers, given those by the values."""
    for t in range(table.shape[0]):
        at, v, rows, size = table[t, _X], table[t, _V], table[t, _ROWS], table[t, _SIZE]
        kind = table[t, _TYPE]
        if kind == _SCALAR:
            for i in range(rows * size):
                gradient[at + i] += derivative[v + i] * slopes[v + i]
        elif kind == _SIMPLEX:
            for r in range(rows):
                here = v + r * size
                simplex_gradient(values[here:], derivative[here:], first[here:], size, gradient[at + r * (size - 1) :])
        else:
            p_features = (1 + int(math.sqrt(1.0 + 8.0 * size) + 0.5)) // 2
            factor, partial, again = np.empty((p_features, p_features)), np.empty(size), np.empty(size)
            for r in range(rows):
                here = x[at + r * size :]
                _correlate(here, p_features, factor, partial, again)
                _uncorrelate(p_features, factor, partial, derivative[v + r * size :], gradient[at + r * size :])


def correlation_prior(eta: float) -> Prior:
    """Return the prior of correlations under the LKJ distribution with shape `eta`."""
    return Prior(PriorKind.BETA, (eta,), (eta,))
