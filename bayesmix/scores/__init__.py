"""Weighted scores of a classification or grouping, vectorised over posterior draws.

Conventions shared by every function:

* ``labels`` holds integer class codes 0 … C - 1, shape (n,), or (S, n) where they differ between draws;
  ``weights`` are row weights that sum to 1 over the last axis, shape (n,) or (S, n). A leading axis of S draws
  is carried through: (S, n) in, (S,) out.
* With equal weights every score equals scikit-learn's of the same name.
* Entropies are in nats with 0 log 0 = 0; a ratio without a denominator (the precision of a class that is
  never predicted) is 0, as scikit-learn's ``zero_division=0``. Nothing warns.
* Probabilities come as logarithms: 1 - p has no digits left where p saturates, log p has. Rankings use
  log-odds for the same reason.

`_tables` scores hard groupings, `_ranking` and `_rejection` the order of the rows, `_probability` the probabilities
themselves.
"""

from bayesmix.scores._arrays import BoolArray, FloatArray, IntArray, log_sum_exp
from bayesmix.scores._probability import (
    Reliability,
    brier_score,
    calibration_error,
    forecast,
    information_gain,
    log_loss,
    reliability_curve,
    sharpness,
)
from bayesmix.scores._ranking import (
    RankScores,
    average_precision,
    curve_scores,
    macro_average_precision,
    macro_roc_auc,
    one_vs_one_roc_auc,
    one_vs_rest_log_odds,
    rank_scores,
    roc_auc,
    roc_curve,
)
from bayesmix.scores._rejection import rejection_area, rejection_curve
from bayesmix.scores._tables import (
    ClassScores,
    accuracy,
    adjusted_rand_index,
    balanced_accuracy,
    class_scores,
    contingency_table,
    normalized_mutual_information,
)

__all__ = [
    "BoolArray",
    "ClassScores",
    "FloatArray",
    "IntArray",
    "RankScores",
    "Reliability",
    "accuracy",
    "adjusted_rand_index",
    "average_precision",
    "balanced_accuracy",
    "brier_score",
    "calibration_error",
    "class_scores",
    "contingency_table",
    "curve_scores",
    "forecast",
    "information_gain",
    "log_loss",
    "log_sum_exp",
    "macro_average_precision",
    "macro_roc_auc",
    "normalized_mutual_information",
    "one_vs_one_roc_auc",
    "one_vs_rest_log_odds",
    "rank_scores",
    "rejection_area",
    "rejection_curve",
    "reliability_curve",
    "roc_auc",
    "roc_curve",
    "sharpness",
]
