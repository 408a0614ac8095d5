"""Scores of a grouping against known classes, with credible intervals.

The *estimate* of a score belongs to one rule: group by posterior mean membership, every row counted once.
The *interval* carries two uncertainties: posterior draw s gives its own memberships, and the Bayesian
bootstrap (Rubin 1981, Annals of Statistics 9:130) its own row weights ~ Dirichlet(1, …, 1). The rule of one
draw is noisier than the rule of the mean, so an estimate can lie near the better edge of its interval.

The mean rule ranks rows by mean log-odds, not by mean probability, which saturates at 1 and ties. Log-odds
are compared to 1e-9, as equal rows may differ in the last bits and must tie. Draws are handled in blocks of
about 5e6 doubles beyond the input, at least one draw. Time goes into sorting the rows of every draw, beyond
two classes once per class: 4000 draws of 1000 rows take about 1 s for two classes and 2 s for three.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import repeat
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmix import scores
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval, IntervalKind
from bayesmix.labels import Labels, best_match, class_log_prob, declared_mapping, read_labels
from bayesmix.scores import FloatArray, IntArray

__all__ = ["Evaluation", "Interval", "evaluate"]

type MappingKind = Literal["declared", "best match"]
type Scored = tuple[FloatArray, FloatArray, FloatArray]  # scores (…, 7), confusion (…, C, C), ROC (…, G)

SCORES = ["accuracy", "balanced_accuracy", "roc_auc", "brier", "log_loss", "ari", "nmi"]
ROC_GRID = np.linspace(0.0, 1.0, 101)
MAX_DOUBLES = 5_000_000
CERTAIN = 1e290  # finite log-odds of a certain row: certain draws of opposite sign must average, not give NaN


class LogMemberships(Protocol):
    """Log membership probabilities of shape (S, n, K), handed out for a slice of draws at a time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Draws, rows, components."""

    def __getitem__(self, draws: slice) -> FloatArray:
        """Return the values of some draws."""


class Interval(NamedTuple):
    """Lower and upper bounds as two frames of the same shape."""

    lower: pd.DataFrame
    upper: pd.DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Scores of a grouping against known classes.

    Parameters
    ----------
    table : DataFrame
        Rows accuracy, balanced_accuracy, roc_auc (macro one-vs-rest if not two classes), brier ([0, 1] for
        two classes, else [0, 2]), log_loss (nats; inf if a class that occurs has no component), ari and nmi
        of labels against components. Columns: estimate, mean over draws, interval (eti89_lb, eti89_ub).
    per_class : DataFrame
        Per class precision, recall, f1, support (rows), each followed by its interval (recall_eti89_lb …).
    confusion, confusion_interval : DataFrame, Interval
        Counts of rows, true by predicted class, of the mean rule; bounds of n times the weights.
    roc : DataFrame
        false_positive_rate (0, 0.01, … 1), true_positive_rate and its pointwise interval; no rows if there
        are more than two classes. The exact area is in `table`.
    classes, positive_class : tuple, hashable or None
        The classes in order, and the last of them if there are two, else None.
    mapping, mapping_kind : dict, "declared" or "best match"
        Class of every component. A best match used the labels that are scored: its scores are optimistic.
    n, n_unlabelled, base_rate : int, int, float
        Rows scored, rows left out for want of a label, and the accuracy of always guessing the largest class.
    ci_prob, ci_kind : float, "eti" or "hdi"
        Probability and kind of all intervals.
    """

    table: pd.DataFrame
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    confusion_interval: Interval
    roc: pd.DataFrame
    classes: tuple[Hashable, ...]
    positive_class: Hashable
    mapping: dict[int, Hashable]
    mapping_kind: MappingKind
    n: int
    n_unlabelled: int
    base_rate: float
    ci_prob: float
    ci_kind: IntervalKind

    @property
    def text(self) -> str:
        """The result in a few plain sentences."""
        low, high = self.table.to_numpy()[0, 2:]
        verdict = "below" if low > self.base_rate else "above" if high < self.base_rate else "inside"
        parts = ", ".join(f"component {k} is class {name}" for k, name in self.mapping.items())
        matched = "matched to the labels that are scored, so the scores are optimistic"
        how = matched if self.mapping_kind == "best match" else "declared, without use of the labels"
        left_out = f" Rows without a label, left out: {self.n_unlabelled}." if self.n_unlabelled else ""
        return (
            f"{np.trace(self.confusion.to_numpy())} of {self.n} labelled rows are grouped as their class: "
            f"accuracy {self._shown('accuracy')}. Always guessing the largest class is right in a share of "
            f"{self.base_rate:.2f}, {verdict} this interval. ROC AUC {self._shown('roc_auc')}. "
            f"The mapping was {how}: {parts}.{left_out}"
        )

    def _shown(self, name: str) -> str:
        estimate, _, low, high = self.table.to_numpy()[SCORES.index(name)]
        return f"{estimate:.2f} ({100 * self.ci_prob:g} % {self.ci_kind.upper()} {low:.2f} to {high:.2f})"

    def __repr__(self) -> str:
        """One line: size, classes, mapping, accuracy and AUC."""
        kind = self.mapping_kind + (" (optimistic)" if self.mapping_kind == "best match" else "")
        shown = ", ".join(f"{name}={self._shown(name)}" for name in ("accuracy", "roc_auc"))
        return f"Evaluation(n={self.n}, classes={list(self.classes)}, mapping={kind}, {shown})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.text)}</p>{self.table.round(3).to_html()}"


def evaluate(
    log_resp: LogMemberships,
    labels: ArrayLike | pd.Series,
    *,
    index: pd.Index,
    classes: Sequence[Hashable] | None = None,
    ci_prob: float,
    ci_kind: IntervalKind,
    random_seed: int | None,
) -> Evaluation:
    """Score memberships against known classes, every score with an interval (see the head of the module).

    Parameters
    ----------
    log_resp : float array, shape (S, N, K), or an object that hands out its draws in slices
        Log membership probabilities of S draws, N rows and K components.
    labels : list, array or Series of length N
        True classes; None, NaN or pd.NA where unknown (left out and counted). A Series is aligned by index,
        anything else goes by position.
    index : pandas.Index of length N
    classes : sequence of length ≥ K, optional
        Component k is ``classes[k]``; entries beyond K are classes without a component. By default components
        are matched to the classes that occur, see `bayesmix.labels.best_match`; that is optimistic.
    ci_prob, ci_kind : float in (0, 1), "eti" or "hdi"
        Probability and kind of the intervals: equal tails, or the narrowest.
    random_seed : int or None
        Seed of the row weights; the same seed gives the same numbers.

    Raises
    ------
    InputError
        An argument breaks one of these rules, or fewer than two classes occur.

    Examples
    --------
    >>> log_resp = np.log([[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]])
    >>> options = {"index": pd.RangeIndex(3), "ci_prob": 0.89, "ci_kind": "eti", "random_seed": 1}
    >>> evaluate(log_resp, ["a", "a", "b"], classes=["a", "b"], **options).confusion.to_numpy().tolist()
    [[2, 0], [0, 1]]
    """
    draws = _checked(log_resp, index, ci_prob, ci_kind)
    declared = None if classes is None else declared_mapping(classes, draws.shape[2])
    known = read_labels(labels, index, declared[0] if declared else ())
    log_mean = _log_mean(draws, index)[known.rows]
    mapping = declared[1] if declared else best_match(np.exp(log_mean), known.codes, len(known.classes))
    scored, log_odds = _score_draws(draws, known, mapping, random_seed)
    n = known.rows.size
    mean_rule = _score(known, mapping, log_mean, log_odds, weights=np.full(n, 1 / n))
    return Evaluation(
        **_tables(known, mean_rule, scored, CredibleInterval(ci_prob, ci_kind)),
        classes=known.classes,
        positive_class=known.classes[1] if len(known.classes) == 2 else None,
        mapping={k: known.classes[code] for k, code in enumerate(mapping.tolist())},
        mapping_kind="best match" if declared is None else "declared",
        n=n,
        n_unlabelled=known.n_unlabelled,
        base_rate=float(np.bincount(known.codes).max() / n),
        ci_prob=ci_prob,
        ci_kind=ci_kind,
    )


def _checked(log_resp: LogMemberships, index: pd.Index, ci_prob: float, ci_kind: str) -> LogMemberships:
    if not isinstance(ci_prob, float | int) or not 0 < ci_prob < 1:
        raise InputError(f"`ci_prob` must be between 0 and 1, got {ci_prob!r}. Use 0.89 for an 89 % interval.")
    if ci_kind not in ("eti", "hdi"):
        raise InputError(f"`ci_kind` must be 'eti' or 'hdi', got {ci_kind!r}. Use 'eti' for equal tails.")
    draws: LogMemberships = log_resp if hasattr(log_resp, "shape") else np.asarray(log_resp, dtype=np.float64)
    if len(draws.shape) != 3 or draws.shape[1] != len(index) or 0 in draws.shape:
        raise InputError(
            f"`log_resp` must have shape (draws, rows, components) with {len(index)} rows as `index`, got "
            f"{draws.shape}. Stack chains and draws into one leading axis."
        )
    return draws


def _blocks(log_resp: LogMemberships, doubles_per_row: int) -> Iterator[FloatArray]:
    step = max(1, MAX_DOUBLES // (log_resp.shape[1] * doubles_per_row))
    yield from (log_resp[start : start + step] for start in range(0, log_resp.shape[0], step))


def _log_mean(log_resp: LogMemberships, index: pd.Index) -> FloatArray:
    """Log of the posterior mean memberships, shape (N, K), from logarithms throughout."""
    total = np.full(log_resp.shape[1:], -np.inf)
    with np.errstate(invalid="ignore"):  # NaN is refused below, by row
        for block in _blocks(log_resp, 2 * log_resp.shape[2]):
            total = np.logaddexp(total, scores.log_sum_exp(np.moveaxis(block, 0, -1)))
    log_mean = total - np.log(log_resp.shape[0])
    wrong = np.flatnonzero(~(np.abs(np.exp(log_mean).sum(axis=1) - 1) < 1e-6))
    if wrong.size:
        raise InputError(
            "`log_resp` must hold logarithms of probabilities that sum to 1 over the components, got "
            f"{log_resp[0:1][0, wrong[0]].tolist()} in row {index[wrong[0]]!r}, draw 0. Subtract the log-sum-exp."
        )
    return np.asarray(log_mean)


def _score(
    known: Labels, mapping: IntArray, log_resp: FloatArray, log_odds: FloatArray, *, weights: FloatArray
) -> Scored:
    """Score memberships (…, n, K) that rank rows by `log_odds` (…, n, C) under row weights (…, n)."""
    truth, n_classes = known.codes, len(known.classes)
    log_prob, group = class_log_prob(log_resp, mapping, n_classes), log_resp.argmax(axis=-1)
    shape = (n_classes, mapping.size)
    table = scores.contingency_table(truth, log_prob.argmax(axis=-1), weights, (n_classes, n_classes))
    if n_classes == 2:
        false, true = scores.roc_curve(truth == 1, log_odds[..., 1], weights)
        auc = np.trapezoid(true, false, axis=-1)
        # At a vertical step np.interp takes the upper end; the tolerance puts 0.30000000000000004 at 0.3.
        curves = map(np.interp, repeat(ROC_GRID + 1e-12), np.atleast_2d(false), np.atleast_2d(true))
        roc = np.stack(list(curves)).reshape(*weights.shape[:-1], -1)
    else:
        auc, roc = scores.macro_roc_auc(truth, log_odds, weights), np.empty((*weights.shape[:-1], 0))
    values = (
        scores.accuracy(table),
        scores.balanced_accuracy(table),
        auc,
        scores.brier_score(truth, log_prob, weights),
        scores.log_loss(truth, log_prob, weights),
        scores.adjusted_rand_index(truth, group, weights, shape),
        scores.normalized_mutual_information(scores.contingency_table(truth, group, weights, shape)),
    )
    return np.stack(values, axis=-1), table * truth.size, roc


def _score_draws(
    log_resp: LogMemberships, known: Labels, mapping: IntArray, random_seed: int | None
) -> tuple[Scored, FloatArray]:
    """Scores of every draw under its own Dirichlet row weights, and the mean log-odds (n, C)."""
    rng, n, n_classes = np.random.default_rng(random_seed), known.rows.size, len(known.classes)
    scored, total = [], np.zeros((n, n_classes))
    for whole in _blocks(log_resp, 2 * mapping.size + 5 * n_classes + 12):
        block = whole if n == whole.shape[1] else whole[:, known.rows]
        weights = rng.standard_exponential((len(block), n))
        weights /= weights.sum(axis=-1, keepdims=True)
        log_odds = np.round(scores.one_vs_rest_log_odds(class_log_prob(block, mapping, n_classes)), 9)
        total += np.clip(log_odds, -CERTAIN, CERTAIN).sum(axis=0)
        scored.append(_score(known, mapping, block, log_odds, weights=weights))
    values, confusion, roc = (np.concatenate(part) for part in zip(*scored, strict=True))
    return (values, confusion, roc), np.round(total / log_resp.shape[0], 9)


def _tables(known: Labels, mean_rule: Scored, draws: Scored, interval: CredibleInterval) -> dict[str, Any]:
    low, high = interval.columns
    names = pd.Index(known.classes, name="class", tupleize_cols=False)
    values, counts, roc = (np.stack(interval.bounds(part), axis=-1) for part in draws)
    whole = np.rint(mean_rule[1])
    by_class = zip(scores.class_scores(whole), scores.class_scores(draws[1]), strict=True)
    per_class = [np.column_stack([part, *interval.bounds(d)]) for part, d in by_class]
    confusion, lower, upper = (
        pd.DataFrame(part, index=names.rename("true"), columns=names.rename("predicted"))
        for part in (whole.astype(int), counts[..., 0], counts[..., 1])
    )
    headers = [f"{name}{end}" for name in scores.ClassScores._fields for end in ("", f"_{low}", f"_{high}")]
    table = np.column_stack([mean_rule[0], draws[0].mean(axis=0), values])
    curve = np.column_stack([ROC_GRID[: len(mean_rule[2])], mean_rule[2], roc])
    return {
        "table": pd.DataFrame(table, pd.Index(SCORES, name="score"), ["estimate", "mean", low, high]),
        "per_class": pd.DataFrame(np.hstack(per_class), index=names, columns=headers),
        "confusion": confusion,
        "confusion_interval": Interval(lower, upper),
        "roc": pd.DataFrame(curve, columns=["false_positive_rate", "true_positive_rate", low, high]),
    }
