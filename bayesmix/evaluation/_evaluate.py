"""The door: reads labels and mapping, and scores."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from bayesmix import scores
from bayesmix.errors import InputError
from bayesmix.evaluation._frames import Result, equal_weights, frames_of, side_by_side, table_of
from bayesmix.evaluation._mapping import mapping_probability, matched, scored_rows
from bayesmix.evaluation._resampling import (
    LogMemberships,
    blocks,
    mean_log_odds,
    resample_draws,
    resample_rule,
    rule_bounds,
    split,
)
from bayesmix.evaluation._result import Evaluation
from bayesmix.evaluation._scoring import SCORES, rows_of, score
from bayesmix.intervals import CredibleInterval, IntervalKind
from bayesmix.labels import Labels, declared_mapping, read_labels
from bayesmix.scores import BoolArray, FloatArray, IntArray

__all__ = ["evaluate", "evaluate_rule"]


def evaluate(
    log_resp: LogMemberships,
    labels: ArrayLike | pd.Series,
    *,
    index: pd.Index,
    classes: Sequence[Hashable] | None = None,
    ci_prob: float,
    ci_kind: IntervalKind,
    random_seed: int | None,
    left_out: BoolArray | None = None,
) -> Evaluation:
    """Score memberships against known classes, every score with two intervals (see the head of the package).

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
        are matched to the classes that occur so that most rows are right; that is optimistic.
    ci_prob, ci_kind : float in (0, 1), "eti" or "hdi"
        Probability and kind of the intervals: equal tails, or the narrowest.
    random_seed : int or None
        Seed of the row weights; the same seed gives the same numbers.
    left_out : bool array, shape (N,), optional
        True for rows whose labels were used to fit: they are never scored, only counted.

    Raises
    ------
    InputError
        An argument breaks one of these rules, or fewer than two classes are left to score.

    Examples
    --------
    >>> from bayesmix.evaluation import evaluate
    >>> log_resp = np.log([[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]])
    >>> options = {"index": pd.RangeIndex(3), "ci_prob": 0.89, "ci_kind": "eti", "random_seed": 1}
    >>> evaluate(log_resp, ["a", "a", "b"], classes=["a", "b"], **options).confusion.to_numpy().tolist()
    [[2, 0], [0, 1]]
    """
    draws = _checked(log_resp, index, ci_prob, ci_kind)
    declared = None if classes is None else declared_mapping(classes, draws.shape[2])
    known = read_labels(labels, index, declared[0] if declared else ())
    known, n_used = scored_rows(known, left_out, len(index), declared=declared is not None)
    log_mean = _log_mean(draws, index)[known.rows]
    best = matched(np.exp(log_mean), known)
    mapping = declared[1] if declared else best
    interval = CredibleInterval(ci_prob, ci_kind)
    result = _result(draws, known, mapping, log_mean, random_seed)
    table = table_of(result, interval)
    if declared:
        again = result if (best == mapping).all() else _result(draws, known, best, log_mean, random_seed)
        by_mapping = side_by_side({"declared": table, "best match": table_of(again, interval)})
    else:
        by_mapping = side_by_side({"best match": table})
    return Evaluation(
        table=table,
        by_mapping=by_mapping,
        **frames_of(result, known, interval),
        classes=known.classes,
        positive_class=known.classes[1] if len(known.classes) == 2 else None,
        mapping={k: known.classes[code] for k, code in enumerate(mapping.tolist())},
        mapping_kind="declared" if declared else "best match",
        mapping_probability=mapping_probability(draws, known, mapping, random_seed),
        n=known.rows.size,
        n_unlabelled=known.n_unlabelled,
        n_used_in_fit=n_used,
        base_rate=float(np.bincount(known.codes).max() / known.rows.size),
        ci_prob=ci_prob,
        ci_kind=ci_kind,
    )


def evaluate_rule(
    log_prob: FloatArray,
    known: Labels,
    *,
    ci_prob: float,
    ci_kind: IntervalKind,
    random_seed: int | None,
    log_odds: FloatArray | None = None,
) -> pd.DataFrame:
    """Score given class probabilities against known classes, with the rule interval alone.

    For rules that have no one mapping of components to classes, such as leave-one-out classification, where the
    mapping of a row is matched without its label.

    Parameters
    ----------
    log_prob : float array, shape (n, C)
        Log class probabilities of the labelled rows, in the order of ``known.rows``; columns as ``known.classes``.
    known : Labels
        Classes of these rows, as from ``read_labels``; at least two occur.
    ci_prob, ci_kind : float in (0, 1), "eti" or "hdi"
        Probability and kind of the interval.
    random_seed : int or None
        Seed of the row weights.
    log_odds : float array, shape (n, C), optional
        What ranks the rows; by default the one-vs-rest log-odds of `log_prob`. Mean log-odds over posterior draws
        tell rows apart that are saturated on average.

    Returns
    -------
    DataFrame
        The rows of ``Evaluation.table`` with the columns estimate, rule_eti89_lb and rule_eti89_ub; ari and nmi are
        those of classes against predicted classes.

    Raises
    ------
    InputError
        An argument breaks one of these rules.

    Examples
    --------
    >>> from bayesmix.evaluation import evaluate_rule
    >>> from bayesmix.labels import read_labels
    >>> known = read_labels(["a", "a", "b"], pd.RangeIndex(3))
    >>> log_prob = np.log([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    >>> table = evaluate_rule(log_prob, known, ci_prob=0.89, ci_kind="eti", random_seed=1)
    >>> table.loc["roc_auc", "estimate"].item(), list(table)[1:]
    (1.0, ['rule_eti89_lb', 'rule_eti89_ub'])
    """
    _check_interval(ci_prob, ci_kind)
    values = np.asarray(log_prob, dtype=np.float64)
    shape = (known.rows.size, len(known.classes))
    given = {"log_prob": values} | ({} if log_odds is None else {"log_odds": np.asarray(log_odds, dtype=np.float64)})
    for name, part in given.items():
        if part.shape != shape:
            raise InputError(
                f"`{name}` must have shape {shape}, labelled rows by classes, got {part.shape}. Pass the rows "
                "known.rows, with one column for every entry of known.classes."
            )
    _check_sums(values, pd.RangeIndex(len(values)), "log_prob", "classes")
    mapping = np.arange(shape[1], dtype=np.intp)
    ranking = np.round(given.get("log_odds", scores.one_vs_rest_log_odds(values)), 9)
    rows = rows_of(known.codes, values, ranking, mapping, shape[1])
    interval = CredibleInterval(ci_prob, ci_kind)
    estimate = score(rows, equal_weights(rows)).values
    lower, upper = rule_bounds(interval, estimate, resample_rule(rows, random_seed).values)
    columns = ["estimate", *(f"rule_{end}" for end in interval.columns)]
    return pd.DataFrame(np.column_stack([estimate, lower, upper]), pd.Index(SCORES, name="score"), columns)


def _check_interval(ci_prob: float, ci_kind: str) -> None:
    if not isinstance(ci_prob, float | int) or not 0 < ci_prob < 1:
        raise InputError(f"`ci_prob` must be between 0 and 1, got {ci_prob!r}. Use 0.89 for an 89 % interval.")
    if ci_kind not in ("eti", "hdi"):
        raise InputError(f"`ci_kind` must be 'eti' or 'hdi', got {ci_kind!r}. Use 'eti' for equal tails.")


def _checked(log_resp: LogMemberships, index: pd.Index, ci_prob: float, ci_kind: str) -> LogMemberships:
    _check_interval(ci_prob, ci_kind)
    draws: LogMemberships = log_resp if hasattr(log_resp, "shape") else np.asarray(log_resp, dtype=np.float64)
    if len(draws.shape) != 3 or draws.shape[1] != len(index) or 0 in draws.shape:
        raise InputError(
            f"`log_resp` must have shape (draws, rows, components) with {len(index)} rows as `index`, got "
            f"{draws.shape}. Stack chains and draws into one leading axis."
        )
    return draws


def _check_sums(log_prob: FloatArray, index: pd.Index, name: str, axis: str) -> None:
    wrong = np.flatnonzero(~(np.abs(np.exp(log_prob).sum(axis=1) - 1) < 1e-6))
    if wrong.size:
        raise InputError(
            f"`{name}` must hold logarithms of probabilities that sum to 1 over the {axis}, got probabilities "
            f"{np.exp(log_prob[wrong[0]]).tolist()} in row {index[wrong[0]]!r}. Subtract the log-sum-exp."
        )


def _log_mean(log_resp: LogMemberships, index: pd.Index) -> FloatArray:
    """Log of the posterior mean memberships, shape (N, K), from logarithms throughout."""
    total = np.full(log_resp.shape[1:], -np.inf)
    with np.errstate(invalid="ignore", over="ignore"):  # what is no probability is refused below, by row
        for block in blocks(log_resp, 2 * log_resp.shape[2]):
            total = np.logaddexp(total, scores.log_sum_exp(np.moveaxis(block, 0, -1)))
        log_mean = np.asarray(total - np.log(log_resp.shape[0]))
        _check_sums(log_mean, index, "log_resp", "components")
    return log_mean


def _result(
    log_resp: LogMemberships, known: Labels, mapping: IntArray, log_mean: FloatArray, random_seed: int | None
) -> Result:
    log_odds = mean_log_odds(log_resp, known, mapping)
    rows = rows_of(known.codes, log_mean, log_odds, mapping, len(known.classes))
    draws, *pairs = resample_draws(log_resp, known, mapping, random_seed)
    rule = resample_rule(rows, random_seed)
    return Result(rows, score(rows, equal_weights(rows)), rule, draws, split(draws.values, *pairs))
