"""From estimates and resamples to the frames of an `Evaluation`."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bayesmix import scores
from bayesmix.evaluation._resampling import Bounds, Split, both_bounds, present_bounds, rule_bounds
from bayesmix.evaluation._result import Interval, MappingKind
from bayesmix.evaluation._scoring import BINS, KEPT_GRID, ROC_GRID, SCORES, Rows, Scored
from bayesmix.intervals import CredibleInterval
from bayesmix.labels import Labels
from bayesmix.scores import FloatArray

__all__ = ["Result", "equal_weights", "frames_of", "side_by_side", "table_of"]


class Result(NamedTuple):
    """The rule's scores, both sets of resamples, and the split of variances, under one mapping."""

    rows: Rows
    estimate: Scored
    rule: Scored
    draws: Scored
    split: Split


def equal_weights(rows: Rows) -> FloatArray:
    """Every observed row counts once, shape (n,)."""
    return np.full(rows.n_real, 1.0 / rows.n_real)


def _ends(interval: CredibleInterval, prefix: str = "") -> list[str]:
    return [f"{prefix}{which}_{end}" for which in ("rule", "total") for end in interval.columns]


def table_of(result: Result, interval: CredibleInterval) -> pd.DataFrame:
    """One row per score: estimate, both intervals, both standard deviations."""
    estimate, rule = result.estimate.values, result.rule.values
    ends = rule_bounds(interval, estimate, rule)
    bounds = both_bounds(interval, rule, result.draws.values, ends)
    values = np.column_stack([estimate, *bounds, *result.split])
    columns = ["estimate", *_ends(interval), "sd_rows", "sd_posterior"]
    return pd.DataFrame(values, pd.Index(SCORES, name="score"), columns)


def side_by_side(tables: dict[MappingKind, pd.DataFrame]) -> pd.DataFrame:
    """Estimates and intervals of several mappings; the names of the best match's columns say what it is."""
    prefix: dict[MappingKind, str] = {"declared": "declared_", "best match": "best_match_optimistic_"}
    return pd.concat([table.iloc[:, :5].add_prefix(prefix[kind]) for kind, table in tables.items()], axis=1)


def frames_of(result: Result, known: Labels, interval: CredibleInterval) -> dict[str, Any]:
    """Every other frame of an `Evaluation`, by its name."""
    names = pd.Index(known.classes, name="class", tupleize_cols=False)
    estimate, rule, draws = result.estimate, result.rule, result.draws
    counts = np.rint(estimate.confusion)
    by_class, headers = [], []
    per_class = zip(
        scores.ClassScores._fields, *(scores.class_scores(part) for part in (counts, rule[1], draws[1])), strict=True
    )
    for name, whole, of_rule, of_draws in per_class:
        by_class += [whole, *both_bounds(interval, of_rule, of_draws)]
        headers += [name, *_ends(interval, f"{name}_")]
    bounds = both_bounds(interval, rule.confusion, draws.confusion)
    confusion, lower, upper = (
        pd.DataFrame(part, index=names.rename("true"), columns=names.rename("predicted"))
        for part in (counts.astype(int), bounds.total_lower, bounds.total_upper)
    )
    curves = {
        "roc": ("false_positive_rate", "true_positive_rate", ROC_GRID[: estimate.roc.size], estimate.roc),
        "rejection": ("kept", "accuracy", KEPT_GRID, estimate.kept),
    }
    own: dict[str, Bounds] = {
        "roc": both_bounds(interval, rule.roc, draws.roc),
        "rejection": both_bounds(interval, rule.kept, draws.kept),
    }
    frames = {
        name: pd.DataFrame(np.column_stack([x, y, *own[name]]), columns=[at, height, *_ends(interval)])
        for name, (at, height, x, y) in curves.items()
    }
    return {
        "per_class": pd.DataFrame(np.column_stack(by_class), index=names, columns=headers),
        "confusion": confusion,
        "confusion_interval": Interval(lower, upper),
        "reliability": _reliability(result, interval),
        **frames,
    }


def _reliability(result: Result, interval: CredibleInterval) -> pd.DataFrame:
    rows, edges = result.rows, np.linspace(0.0, 1.0, BINS + 1)
    event, probability = scores.forecast(rows.truth, rows.log_prob)
    curve = scores.reliability_curve(event, probability, equal_weights(rows), BINS)
    bounds = present_bounds(interval, result.rule.frequency, result.draws.frequency)
    filled = np.where(curve.share > 0, np.stack(bounds), np.nan)
    columns = [edges[:-1], edges[1:], curve.probability, curve.frequency, *filled]
    names = ["lower", "upper", "probability", "frequency", *_ends(interval)]
    frame = pd.DataFrame(np.column_stack(columns), columns=names)
    return frame.assign(n=np.rint(curve.share * rows.n_real).astype(int))
