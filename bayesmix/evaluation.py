"""Scores of a grouping against known classes, with credible intervals.

The *estimate* of every score belongs to one rule: group by posterior mean membership, every row counted once.
The *interval* carries two uncertainties at once. Posterior draw s gives memberships r[s]; the Bayesian bootstrap
(Rubin 1981, Annals of Statistics 9:130) gives row weights ~ Dirichlet(1, …, 1), one vector per draw; the score of
draw s is that of its own memberships under its own weights. The rule of a single draw is noisier than the rule of
the mean, so the draws are centred a little below the estimate, which can lie near the upper edge of an interval
(for losses, the lower edge).

The mean rule ranks rows by mean log-odds, not by mean probability, which saturates at 1 and ties. Log-odds are
compared to 1e-9, because equal rows may differ in the last bits and must tie. Draws are handled in blocks
that keep about 5e6 doubles in flight beyond the input; time is that of sorting draws × rows values, for more than
two classes once per class.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayesmix import scores
from bayesmix.errors import InputError
from bayesmix.labels import Labels, best_match, declared_mapping, read_labels

__all__ = ["Evaluation", "Interval", "evaluate"]

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.intp]

SCORES = ["accuracy", "balanced_accuracy", "roc_auc", "brier", "log_loss", "ari", "nmi"]
ROC_GRID = np.linspace(0.0, 1.0, 101)
MAX_DOUBLES = 5_000_000
CERTAIN = 1e290  # log-odds of a certain row: finite, so that certain draws of opposite sign average, not cancel to NaN


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
        Rows accuracy, balanced_accuracy, roc_auc (macro one-vs-rest for more than two classes), brier ([0, 1] for
        two classes, else [0, 2]), log_loss (nats; inf if a class that occurs has no component), ari and nmi
        (labels against components). Columns: estimate, mean over draws, interval such as eti89_lb, eti89_ub.
    per_class : DataFrame
        Per class: precision, recall, f1 and support (rows), each followed by its interval (recall_eti89_lb …).
    confusion : DataFrame
        Counts of rows, true class by predicted class, under the rule of the posterior mean.
    confusion_interval : Interval
        Bounds of the same counts (n times the weights), frames `lower` and `upper`.
    roc : DataFrame
        false_positive_rate (0, 0.01, … 1), true_positive_rate and its pointwise interval; no rows unless there
        are two classes. `table` has the exact area, not that of this grid.
    classes : tuple
        The classes in order.
    positive_class : hashable or None
        The last of two classes; None if there are more than two.
    mapping : dict
        Class of every component 0 … K - 1.
    mapping_kind : "declared" or "best match"
        A best match is found with the labels that are scored: its scores are optimistic.
    n, n_unlabelled : int
        Rows scored, and rows left out because they have no label.
    base_rate : float
        Share of the largest class: the accuracy of always guessing it.
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
    mapping_kind: Literal["declared", "best match"]
    n: int
    n_unlabelled: int
    base_rate: float
    ci_prob: float
    ci_kind: Literal["eti", "hdi"]

    @property
    def text(self) -> str:
        """The result in a few plain sentences."""
        low, high = self.table.iloc[0, 2:].tolist()
        verdict = "below" if low > self.base_rate else "above" if high < self.base_rate else "inside"
        parts = ", ".join(f"{k} is {name}" for k, name in self.mapping.items())
        matched = "matched to the labels that are scored, so the scores are optimistic"
        how = matched if self.mapping_kind == "best match" else "declared, without use of the labels"
        left_out = f" {self.n_unlabelled} rows without a label were left out." if self.n_unlabelled else ""
        return (
            f"{np.trace(self.confusion.to_numpy())} of {self.n} labelled rows are grouped as their class: "
            f"accuracy {self._shown('accuracy')}. Always guessing the largest class is right in "
            f"{self.base_rate:.2f}, {verdict} the interval. ROC AUC {self._shown('roc_auc')}. "
            f"Components were {how}: {parts}.{left_out}"
        )

    def _shown(self, name: str) -> str:
        estimate, _, low, high = self.table.loc[name].tolist()
        return f"{estimate:.2f} ({_percent(self.ci_prob)}% {self.ci_kind.upper()} {low:.2f} to {high:.2f})"

    def __repr__(self) -> str:
        kind = self.mapping_kind + (" (optimistic)" if self.mapping_kind == "best match" else "")
        shown = ", ".join(f"{name}={self._shown(name)}" for name in ("accuracy", "roc_auc"))
        return f"Evaluation(n={self.n}, classes={list(self.classes)}, mapping={kind}, {shown})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.text)}</p>{self.table.to_html(float_format='{:.3f}'.format)}"


class _Scored(NamedTuple):
    """Everything that is scored, per draw or for the point rule: shapes (…, 7), (…, C, 4), (…, C, C), (…, G)."""

    scores: FloatArray
    per_class: FloatArray
    confusion: FloatArray
    roc: FloatArray


def evaluate(
    log_resp: FloatArray,
    labels: ArrayLike | pd.Series,
    *,
    index: pd.Index,
    classes: Sequence[Hashable] | None = None,
    ci_prob: float,
    ci_kind: Literal["eti", "hdi"],
    random_seed: int | None,
) -> Evaluation:
    """Score memberships against known classes; every score with an interval (see the module's head).

    Parameters
    ----------
    log_resp : float array, shape (S, N, K)
        Log membership probability of S draws, N rows and K components. Not changed.
    labels : list, array or Series of length N
        True classes; None, NaN or pd.NA where unknown (left out, counted). A Series is aligned by index, anything
        else goes by position.
    index : pandas.Index of length N
        Index of the rows.
    classes : sequence of length ≥ K, optional
        Component k is ``classes[k]``; entries beyond K are classes without a component. By default components
        are matched to the classes that occur, see `bayesmix.labels.best_match`; that is optimistic.
    ci_prob, ci_kind : float in (0, 1), "eti" or "hdi"
        Probability and kind of the intervals: equal tails, or the narrowest.
    random_seed : int or None
        Seed of the row weights; the same seed gives the same numbers.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        An argument breaks one of these rules, or fewer than two classes occur.

    Examples
    --------
    >>> log_resp = np.log([[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]])
    >>> options = {"index": pd.RangeIndex(3), "ci_prob": 0.89, "ci_kind": "eti", "random_seed": 1}
    >>> float(evaluate(log_resp, ["a", "a", "b"], classes=["a", "b"], **options).table.loc["accuracy", "mean"])
    1.0
    """
    log_resp = _checked(log_resp, index, ci_prob, ci_kind)
    distinct, mapping = declared_mapping(classes, log_resp.shape[2]) if classes is not None else ((), None)
    known = read_labels(labels, index, distinct)
    log_mean = _log_mean(log_resp, index)[known.rows]
    if mapping is None:
        mapping = best_match(np.exp(log_mean), known.codes, len(known.classes))
    draws, log_odds = _score_draws(log_resp, known, mapping, random_seed)
    equal = np.full(known.rows.size, 1 / known.rows.size)
    point = _score(known, log_mean, mapping, log_odds, equal)
    kind: Literal["declared", "best match"] = "best match" if classes is None else "declared"
    return _assemble(known, mapping, kind, point, draws, ci_prob, ci_kind)


def _checked(log_resp: FloatArray, index: pd.Index, ci_prob: float, ci_kind: str) -> FloatArray:
    if not 0 < ci_prob < 1:
        raise InputError(f"`ci_prob` must be between 0 and 1, got {ci_prob!r}. Use 0.89 for an 89% interval.")
    if ci_kind not in ("eti", "hdi"):
        raise InputError(f"`ci_kind` must be 'eti' (equal tails) or 'hdi' (narrowest), got {ci_kind!r}. Use one.")
    values = np.asarray(log_resp, dtype=np.float64)
    if values.ndim != 3 or values.shape[1] != len(index) or 0 in values.shape:
        raise InputError(
            f"`log_resp` must have the shape (draws, rows, components) with the {len(index)} rows of `index`, got "
            f"{values.shape}. Stack chains and draws into one leading axis."
        )
    return values


def _log_mean(log_resp: FloatArray, index: pd.Index) -> FloatArray:
    """Log of the posterior mean memberships, shape (N, K), from logarithms throughout."""
    peak = log_resp.max(axis=0)
    shift = np.where(np.isfinite(peak), peak, 0.0)
    total = sum(np.exp(block - shift).sum(axis=0) for block in _blocks(log_resp, log_resp.shape[2]))
    with np.errstate(divide="ignore"):  # log 0 = -inf is right for a component that no draw allows
        log_mean = np.asarray(np.log(total / len(log_resp)) + shift)
    wrong = np.flatnonzero(~(np.abs(np.exp(log_mean).sum(axis=1) - 1) < 1e-6))
    if wrong.size:
        raise InputError(
            f"`log_resp` must hold logarithms of probabilities that sum to 1 over the components, got "
            f"{log_resp[0, wrong[0]].tolist()} in draw 0, row {index[wrong[0]]!r}. Subtract the log-sum-exp over "
            "the components from every row."
        )
    return log_mean


def _blocks(log_resp: FloatArray, doubles_per_row: int) -> Iterator[FloatArray]:
    step = max(1, MAX_DOUBLES // (log_resp.shape[1] * doubles_per_row))
    for start in range(0, len(log_resp), step):
        yield log_resp[start : start + step]


def _class_log_prob(log_resp: FloatArray, mapping: IntArray, n_classes: int) -> FloatArray:
    parts = [log_resp[..., mapping == code] for code in range(n_classes)]
    nothing = np.full(log_resp.shape[:-1], -np.inf)
    return np.stack([scores.log_sum_exp(part) if part.shape[-1] else nothing for part in parts], axis=-1)


def _score(
    known: Labels, log_resp: FloatArray, mapping: IntArray, log_odds: FloatArray, weights: FloatArray
) -> _Scored:
    """Score memberships (…, n, K) that rank rows by `log_odds` (…, n, C) under row weights (…, n)."""
    truth, n_classes = known.codes, len(known.classes)
    log_prob = _class_log_prob(log_resp, mapping, n_classes)
    table = scores.contingency_table(truth, log_prob.argmax(axis=-1), weights, (n_classes, n_classes))
    shape, group = (n_classes, mapping.size), log_resp.argmax(axis=-1)
    roc = np.empty((*weights.shape[:-1], 0))
    if n_classes == 2:
        false, true = scores.roc_curve(truth == 1, log_odds[..., 1], weights)
        auc = np.trapezoid(true, false, axis=-1)
        curves = zip(false.reshape(-1, truth.size + 1), true.reshape(-1, truth.size + 1), strict=True)
        # At a vertical step np.interp takes the upper end; the tolerance puts 0.30000000000000004 at 0.3.
        roc = np.array([np.interp(ROC_GRID + 1e-12, x, y) for x, y in curves]).reshape(*roc.shape[:-1], -1)
    else:
        auc = scores.macro_roc_auc(truth, log_odds, weights)
    values = (
        scores.accuracy(table),
        scores.balanced_accuracy(table),
        auc,
        scores.brier_score(truth, log_prob, weights),
        scores.log_loss(truth, log_prob, weights),
        scores.adjusted_rand_index(truth, group, weights, shape),
        scores.normalized_mutual_information(scores.contingency_table(truth, group, weights, shape)),
    )
    counts = table * truth.size
    return _Scored(np.stack(values, axis=-1), np.stack(scores.class_scores(counts), axis=-1), counts, roc)


def _score_draws(
    log_resp: FloatArray, known: Labels, mapping: IntArray, random_seed: int | None
) -> tuple[_Scored, FloatArray]:
    """Scores of all draws under Dirichlet row weights, and the mean log-odds (n, C)."""
    rng, n_classes, n = np.random.default_rng(random_seed), len(known.classes), known.rows.size
    blocks, total = [], np.zeros((n, n_classes))
    for whole in _blocks(log_resp, 2 * mapping.size + 5 * n_classes + 12):
        block = whole if n == whole.shape[1] else whole[:, known.rows]
        weights = rng.standard_exponential((len(block), n))
        weights /= weights.sum(axis=-1, keepdims=True)
        log_prob = _class_log_prob(block, mapping, n_classes)
        log_odds = np.round(scores.one_vs_rest_log_odds(log_prob), 9)
        total += np.clip(log_odds, -CERTAIN, CERTAIN).sum(axis=0)
        blocks.append(_score(known, block, mapping, log_odds, weights))
    draws = _Scored(*(np.concatenate(part) for part in zip(*blocks, strict=True)))
    return draws, np.round(total / len(log_resp), 9)


def _interval(draws: FloatArray, ci_prob: float, ci_kind: str) -> tuple[FloatArray, FloatArray]:
    """Bounds over the first axis; the HDI is the narrowest run of draws, as ArviZ takes it."""
    ordered, last = np.sort(draws, axis=0), len(draws) - 1
    with np.errstate(invalid="ignore"):  # draws of inf: inf - inf is replaced at once
        if ci_kind == "hdi":
            span = min(int(ci_prob * len(draws)), last)
            width = ordered[span:] - ordered[: len(draws) - span]
            start = np.where(np.isnan(width), np.inf, width).argmin(axis=0)[None]
            return np.take_along_axis(ordered, start, 0)[0], np.take_along_axis(ordered, start + span, 0)[0]
        bounds = []
        for position in ((1 - ci_prob) / 2 * last, (1 + ci_prob) / 2 * last):
            low, high = ordered[int(position)], ordered[min(int(position) + 1, last)]
            share = position - int(position)
            bounds.append(np.where((low == high) | (share == 0), low, low + share * (high - low)))
    return bounds[0], bounds[1]


def _percent(ci_prob: float) -> int:
    return int(round(100 * ci_prob, 6))  # 89 as in ArviZ's eti89_lb; 0.29 * 100 is 28.999999999999996


def _assemble(
    known: Labels,
    mapping: IntArray,
    mapping_kind: Literal["declared", "best match"],
    point: _Scored,
    draws: _Scored,
    ci_prob: float,
    ci_kind: Literal["eti", "hdi"],
) -> Evaluation:
    bounds = _Scored(*(np.stack(_interval(part, ci_prob, ci_kind), axis=-1) for part in draws))
    ends = [f"{ci_kind}{_percent(ci_prob)}_{side}" for side in ("lb", "ub")]
    names = pd.Index(known.classes, name="class", tupleize_cols=False)
    axes = {"index": names.rename("true"), "columns": names.rename("predicted")}
    confusion = pd.DataFrame(np.rint(point.confusion).astype(int), **axes)
    per_class = {}
    for j, name in enumerate(scores.ClassScores._fields):
        per_class[name] = confusion.sum(axis=1).to_numpy() if name == "support" else point.per_class[:, j]
        per_class |= {f"{name}_{end}": bounds.per_class[:, j, side] for side, end in enumerate(ends)}
    roc_columns = ["false_positive_rate", "true_positive_rate", *ends]
    grid = ROC_GRID[: point.roc.size]
    table = np.column_stack([point.scores, draws.scores.mean(axis=0), bounds.scores])
    return Evaluation(
        table=pd.DataFrame(table, index=pd.Index(SCORES, name="score"), columns=["estimate", "mean", *ends]),
        per_class=pd.DataFrame(per_class, index=names),
        confusion=confusion,
        confusion_interval=Interval(*(pd.DataFrame(bounds.confusion[..., side], **axes) for side in (0, 1))),
        roc=pd.DataFrame(np.column_stack([grid, point.roc, bounds.roc]), columns=roc_columns),
        classes=known.classes,
        positive_class=known.classes[-1] if len(known.classes) == 2 else None,
        mapping={k: known.classes[code] for k, code in enumerate(mapping.tolist())},
        mapping_kind=mapping_kind,
        n=known.rows.size,
        n_unlabelled=known.n_unlabelled,
        base_rate=float(np.bincount(known.codes).max() / known.rows.size),
        ci_prob=ci_prob,
        ci_kind=ci_kind,
    )
