"""Priors as integer codes: one value of the sampled vector in, parameter and log density out.

Two families of priors cover everything the library offers. *Whitened* ones sample z ~ Normal(0, 1) and push
``first + second * z`` through a link (identity: Normal, exp: LogNormal, logistic: LogitNormal). *Positive*
ones are PyMC distributions under its default log transform: the sampled value is v = log(parameter) and the
density carries the Jacobian, which is v itself. BETA lives on (0, 1) under the logit transform. Of
INVERSE_GAMMA_VARIANCE the distribution is that of the parameter's square: v is the log of the square.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

from bayesmix.engine._jit import inline
from bayesmix.errors import InputError

__all__ = ["Prior", "PriorKind", "evaluate"]


class PriorKind(IntEnum):
    """Prior families; the meaning of the two hyper-parameters is in parentheses."""

    NORMAL = 0  #: whitened, identity link (mean, sd)
    LOG_NORMAL = 1  #: whitened, exp link (mean and sd of the log)
    LOGIT_NORMAL = 2  #: whitened, logistic link (mean and sd of the logit)
    HALF_NORMAL = 3  #: positive (sd, unused)
    EXPONENTIAL = 4  #: positive (rate, unused)
    GAMMA = 5  #: positive (shape, rate)
    INVERSE_GAMMA = 6  #: positive (shape, scale)
    BETA = 7  #: in (0, 1), logit transform (first and second shape)
    INVERSE_GAMMA_VARIANCE = 8  #: positive, for the square (shape, scale)


_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_UNUSED_SECOND = (PriorKind.HALF_NORMAL, PriorKind.EXPONENTIAL)


@dataclass(frozen=True)
class Prior:
    """Prior of one scalar parameter, the same for all components or one per component.

    Parameters
    ----------
    kind
        Prior family.
    first, second
        Hyper-parameters as `PriorKind` lists them: one for all entries, or one per entry (a component, or a
        feature of one).
    """

    kind: PriorKind
    first: tuple[float, ...]
    second: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Refuse hyper-parameters outside their range."""
        for name, hyper in (("first", self.first), ("second", self.second)):
            if not hyper or not all(math.isfinite(h) for h in hyper):
                raise InputError(f"{name} must be a non-empty tuple of finite numbers, got {hyper}. Pass numbers.")
        if min(self.second) <= 0:
            raise InputError(f"second must be positive, got {self.second}. Pass a scale, rate or sd > 0.")
        if not self.whitened and min(self.first) <= 0:
            raise InputError(f"first must be positive for {self.kind.name}, got {self.first}. Pass a number > 0.")

    @property
    def whitened(self) -> bool:
        """Whether the sampled value is a standard normal."""
        return self.kind <= PriorKind.LOGIT_NORMAL

    @property
    def exchangeable(self) -> bool:
        """Whether all components share the prior."""
        return len(set(self.first)) == 1 and len(set(self.second)) == 1

    def expanded(self, size: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return both hyper-parameters with one entry per component."""
        for name, hyper in (("first", self.first), ("second", self.second)):
            if len(hyper) not in (1, size):
                raise InputError(f"{name} must have 1 or {size} entries, got {len(hyper)}. Give one per component.")
        first = self.first * size if len(self.first) == 1 else self.first
        return first, self.second * size if len(self.second) == 1 else self.second

    def log_constant(self, size: int) -> float:
        """Return the part of the log density that no sampled value enters, summed over components."""
        total = 0.0
        for a, b in zip(*self.expanded(size), strict=True):
            match self.kind:
                case PriorKind.HALF_NORMAL:
                    total += 0.5 * math.log(2.0 / math.pi) - math.log(a)
                case PriorKind.EXPONENTIAL:
                    total += math.log(a)
                case PriorKind.GAMMA | PriorKind.INVERSE_GAMMA | PriorKind.INVERSE_GAMMA_VARIANCE:
                    total += a * math.log(b) - math.lgamma(a)
                case PriorKind.BETA:
                    total += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
                case _:
                    total -= _HALF_LOG_TWO_PI
        return total

    def to_parameter(self, v: float, k: int) -> float:
        """Return entry `k`'s parameter for the sampled value `v`; the readable form of `evaluate`."""
        if self.kind == PriorKind.BETA:
            return 1.0 / (1.0 + math.exp(-v))
        if self.kind == PriorKind.INVERSE_GAMMA_VARIANCE:
            return math.exp(0.5 * v)
        if not self.whitened:
            return math.exp(v)
        t = self.first[k % len(self.first)] + self.second[k % len(self.second)] * v
        if self.kind == PriorKind.NORMAL:
            return t
        return math.exp(t) if self.kind == PriorKind.LOG_NORMAL else 1.0 / (1.0 + math.exp(-t))

    def to_sampled(self, parameter: float, k: int) -> float:
        """Return the sampled value that gives entry `k` this parameter: the inverse of `to_parameter`."""
        if self.kind != PriorKind.NORMAL and not parameter > 0:
            raise InputError(f"the parameter must be positive under {self.kind.name}, got {parameter}. Move it inside.")
        if self.kind in (PriorKind.LOGIT_NORMAL, PriorKind.BETA) and not parameter < 1:
            raise InputError(f"the parameter must be below 1 under {self.kind.name}, got {parameter}. Move it inside.")
        if self.kind == PriorKind.BETA:
            return math.log(parameter) - math.log1p(-parameter)
        if self.kind == PriorKind.INVERSE_GAMMA_VARIANCE:
            return 2.0 * math.log(parameter)
        if not self.whitened:
            return math.log(parameter)
        t = parameter
        if self.kind == PriorKind.LOG_NORMAL:
            t = math.log(parameter)
        elif self.kind == PriorKind.LOGIT_NORMAL:
            t = math.log(parameter) - math.log1p(-parameter)
        return (t - self.first[k % len(self.first)]) / self.second[k % len(self.second)]


@inline
def evaluate(kind: int, a: float, b: float, v: float) -> tuple[float, float, float, float]:
    """Return parameter, its derivative, log density and its derivative at the sampled value `v`.

    Derivatives are with respect to `v`; the log density lacks `Prior.log_constant`.
    """
    if kind <= 2:
        t = a + b * v
        if kind == 0:
            return t, b, -0.5 * v * v, -v
        if kind == 1:
            p = math.exp(t)
            return p, b * p, -0.5 * v * v, -v
        p = 1.0 / (1.0 + math.exp(-t))
        return p, b * p * (1.0 - p), -0.5 * v * v, -v
    if kind == 7:
        p = 1.0 / (1.0 + math.exp(-v))
        # log p = -log(1 + exp(-v)) without overflow for either sign of v
        log_p = -math.log1p(math.exp(-v)) if v > 0.0 else v - math.log1p(math.exp(v))
        return p, p * (1.0 - p), a * log_p + b * (log_p - v), a - (a + b) * p
    if kind == 8:
        p = math.exp(0.5 * v)
        q = b / (p * p)
        return p, 0.5 * p, -a * v - q, q - a
    p = math.exp(v)
    if kind == 3:
        q = (p / a) * (p / a)
        return p, p, v - 0.5 * q, 1.0 - q
    if kind == 4:
        return p, p, v - a * p, 1.0 - a * p
    if kind == 5:
        return p, p, a * v - b * p, a - b * p
    return p, p, -a * v - b / p, b / p - a
