"""Scores under resampled rows, of the mean rule and of every posterior draw, and the intervals made of them.

The head of the package says what both intervals mean. Draws are handled in blocks of about 5e6 doubles beyond
the input, at least one draw.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from bayesmix import scores
from bayesmix.evaluation._scoring import BINS, SCORES, Rows, Scored, rows_of, score
from bayesmix.intervals import CredibleInterval
from bayesmix.labels import Labels, class_log_prob
from bayesmix.scores import BoolArray, FloatArray, IntArray

__all__ = [
    "Bounds",
    "LogMemberships",
    "Split",
    "blocks",
    "both_bounds",
    "mean_log_odds",
    "present_bounds",
    "resample_draws",
    "resample_rule",
    "rule_bounds",
    "split",
]

MAX_DOUBLES = 5_000_000
MAX_DRAWS = 4000
_RULE_SIZES = (400, 2000)
_SPLIT_DRAWS = 1000
_RULE_TERMS = 20_000_000
CERTAIN = 1e290  # finite log-odds of a certain row: certain draws of opposite sign must average, not give NaN


class LogMemberships(Protocol):
    """Log membership probabilities of shape (S, n, K), handed out for a slice of draws at a time.

    Examples
    --------
    >>> log_resp = np.log([[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]])  # an array is one: 1 draw, 3 rows, 2 components
    >>> log_resp.shape, log_resp[:1].shape
    ((1, 3, 2), (1, 3, 2))
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Draws, rows, components."""

    def __getitem__(self, draws: slice) -> FloatArray:
        """Return the values of some draws."""


class Bounds(NamedTuple):
    """Lower and upper ends of both intervals, of one shape."""

    rule_lower: FloatArray
    rule_upper: FloatArray
    total_lower: FloatArray
    total_upper: FloatArray


class Split(NamedTuple):
    """Standard deviations of the scores of single draws from the choice of rows and from the posterior."""

    rows: FloatArray
    posterior: FloatArray


def blocks(log_resp: LogMemberships, doubles_per_row: int, step: int = 1) -> Iterator[FloatArray]:
    """Yield the draws, or every `step`-th of them, in blocks of bounded size."""
    size = step * max(1, MAX_DOUBLES // (log_resp.shape[1] * doubles_per_row))
    last = log_resp.shape[0]
    yield from (log_resp[slice(start, min(start + size, last), step)] for start in range(0, last, size))


def _log_odds(log_resp: FloatArray, mapping: IntArray, n_classes: int) -> FloatArray:
    # Compared to 1e-9: equal rows may differ in the last bits and must tie.
    return np.round(scores.one_vs_rest_log_odds(class_log_prob(log_resp, mapping, n_classes)), 9)


def mean_log_odds(log_resp: LogMemberships, known: Labels, mapping: IntArray) -> FloatArray:
    """Log-odds of the classes, averaged over all draws, of the labelled rows, shape (n, C)."""
    n_classes, total = len(known.classes), np.zeros((known.rows.size, len(known.classes)))
    for block in blocks(log_resp, 2 * mapping.size + 4 * n_classes):
        odds = _log_odds(_labelled(block, known), mapping, n_classes)
        total += np.clip(odds, -CERTAIN, CERTAIN).sum(axis=0)
    return np.round(total / log_resp.shape[0], 9)


def _labelled(block: FloatArray, known: Labels) -> FloatArray:
    return block if known.rows.size == block.shape[1] else block[:, known.rows]


class _Imaginary(NamedTuple):
    """For every resample the observed row that the imaginary one copies, and its class.

    Every bin of a reliability curve has an imaginary row of its own, `bin_weights` (S, 10) against all observed rows
    together, of which `bin_events` says whether what was forecast came: a bin of one row would else be certain.
    """

    rows: IntArray
    classes: IntArray
    bin_weights: FloatArray
    bin_events: BoolArray

    @classmethod
    def draw(cls, rng: np.random.Generator, codes: IntArray, size: int) -> "_Imaginary":
        present, bins = np.unique(codes), rng.spawn(1)[0]
        # Normalised weights are independent of their sum before, so that a new one will do.
        weights = bins.standard_exponential((size, BINS)) / bins.standard_gamma(codes.size, (size, 1))
        events = bins.random((size, BINS)) < 1 / present.size
        return cls(rng.integers(codes.size, size=size), present[rng.integers(present.size, size=size)], weights, events)

    def take(self, part: slice | IntArray) -> "_Imaginary":
        return _Imaginary(self.rows[part], self.classes[part], self.bin_weights[part], self.bin_events[part])


def _resample(rows: Rows, imaginary: _Imaginary, rng: np.random.Generator) -> Scored:
    """Score rows, with or without an axis of draws, once per resample."""
    size = imaginary.rows.size

    def extended(part: Any, added: IntArray | None = None, trailing: int = 0) -> Any:
        if part.ndim == 1 + trailing:
            part = np.broadcast_to(part, (size, *part.shape))
        last = part[np.arange(size), imaginary.rows] if added is None else added
        return np.concatenate([part, last[:, np.newaxis]], axis=1)

    weights = rng.standard_exponential((size, rows.n_real + 1))
    weights /= weights.sum(axis=-1, keepdims=True)
    more = rows._replace(
        truth=extended(rows.truth, imaginary.classes),
        group=extended(rows.group),
        log_prob=extended(rows.log_prob, trailing=1),
        log_odds=extended(rows.log_odds, trailing=1),
    )
    scored = score(more, weights)
    added, came = imaginary.bin_weights, imaginary.bin_events
    frequency = (scored.share * scored.frequency + added * came) / (scored.share + added)
    return scored._replace(frequency=frequency)


def _joined(parts: list[Scored]) -> Scored:
    return Scored(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _doubles_per_row(n_groups: int, n_classes: int) -> int:
    return 2 * n_groups + 8 * n_classes + 20


def resample_rule(rows: Rows, random_seed: int | None) -> Scored:
    """Scores of one rule under 2000 resamples of its rows, fewer (at least 400) for very many rows."""
    rng, n_classes = np.random.default_rng(random_seed), rows.log_prob.shape[-1]
    size = int(np.clip(_RULE_TERMS // (rows.n_real * n_classes), *_RULE_SIZES))
    imaginary = _Imaginary.draw(rng, rows.truth, size)
    step = max(1, MAX_DOUBLES // (rows.n_real * _doubles_per_row(0, n_classes)))
    parts = [slice(start, start + step) for start in range(0, size, step)]
    return _joined([_resample(rows, imaginary.take(part), rng) for part in parts])


def resample_draws(
    log_resp: LogMemberships, known: Labels, mapping: IntArray, random_seed: int | None
) -> tuple[Scored, FloatArray, FloatArray]:
    """Scores of up to 4000 evenly spaced draws, each with rows resampled for itself, and of pairs for the split.

    Returns
    -------
    scored : Scored
        One resample per draw.
    first, second : float arrays, shape (T, 13)
        Scores of up to 1000 of these draws under two independent resamples each.
    """
    first, second = np.random.default_rng(random_seed).spawn(2)
    n_classes, step = len(known.classes), -(-log_resp.shape[0] // MAX_DRAWS)
    n_draws = -(-log_resp.shape[0] // step)
    every = -(-n_draws // _SPLIT_DRAWS)
    imaginary = _Imaginary.draw(first, known.codes, n_draws)
    again = _Imaginary.draw(second, known.codes, n_draws)
    scored, pairs, start = [], [], 0
    for whole in blocks(log_resp, _doubles_per_row(mapping.size, n_classes), step):
        block, part = _labelled(whole, known), slice(start, start + len(whole))
        rows = rows_of(known.codes, block, _log_odds(block, mapping, n_classes), mapping, n_classes)
        scored.append(_resample(rows, imaginary.take(part), first))
        chosen = np.flatnonzero(np.arange(part.start, part.stop) % every == 0)
        if chosen.size:
            few = rows._replace(**{f: getattr(rows, f)[chosen] for f in ("group", "log_prob", "log_odds")})
            pairs.append((scored[-1].values[chosen], _resample(few, again.take(part).take(chosen), second).values))
        start = part.stop
    one, two = (np.concatenate(values) for values in zip(*pairs, strict=True))
    return _joined(scored), one, two


def split(values: FloatArray, first: FloatArray, second: FloatArray) -> Split:
    """Split the variance of the scores of single draws by the law of total variance.

    Var(T) = E[Var(T | draw)] + Var(E[T | draw]). Two resamples of the rows that are independent given the draw
    share nothing but the draw, so that their covariance over draws is the second term; the first is what is
    left. Both are cut off at 0, and the second at Var(T). NaN where a score is infinite.

    Parameters
    ----------
    values : float array, shape (S, …)
        One score per draw.
    first, second : float arrays, shape (T, …)
        Scores of some draws under two independent resamples each.

    Examples
    --------
    >>> draws = np.array([0.0, 2.0])
    >>> [float(sd) for sd in split(draws, draws, draws)]  # the rows change nothing
    [0.0, 1.0]
    """
    with np.errstate(invalid="ignore"):
        total = values.var(axis=0)
        shared = ((first - first.mean(axis=0)) * (second - second.mean(axis=0))).mean(axis=0)
        posterior = np.clip(shared, 0.0, total)
        return Split(np.sqrt(total - posterior), np.sqrt(posterior))


def rule_bounds(
    interval: CredibleInterval, estimate: FloatArray, resampled: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Interval of the rule's scores (13,), from their estimates and resamples (R, 13).

    The calibration error of a sample is too large by an amount that resampling bounds: it adds about as much again, or
    less. The lower end of its interval therefore lies as far below the estimate as the upper one above it.
    """
    lower, upper = interval.bounds(resampled)
    ece = SCORES.index("ece")
    lower[ece] = np.clip(2 * estimate[ece] - upper[ece], 0.0, lower[ece])
    return lower, upper


def both_bounds(
    interval: CredibleInterval,
    rule: FloatArray,
    total: FloatArray,
    ends: tuple[FloatArray, FloatArray] | None = None,
) -> Bounds:
    """Both intervals, from resamples along the first axis.

    The total interval is made to include the rule's, which has these `ends` if they are given.
    """
    lower, upper = interval.bounds(rule) if ends is None else ends
    wide_lower, wide_upper = interval.bounds(total)
    return Bounds(lower, upper, np.minimum(lower, wide_lower), np.maximum(upper, wide_upper))


def present_bounds(interval: CredibleInterval, rule: FloatArray, total: FloatArray) -> Bounds:
    """Both intervals of shares (S, m) of which some are NaN in some resamples; NaN where one has none."""
    ends = np.full((4, rule.shape[1]), np.nan)
    for k in range(rule.shape[1]):
        some, others = (part[~np.isnan(part[:, k]), k] for part in (rule, total))
        if some.size and others.size:
            ends[:, k] = both_bounds(interval, some, others)
    return Bounds(*ends)
