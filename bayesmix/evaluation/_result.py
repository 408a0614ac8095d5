"""`Evaluation`, what `evaluate` returns."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from bayesmix import display
from bayesmix.intervals import CredibleInterval, IntervalKind

__all__ = ["Evaluation", "Interval", "MappingKind"]

type MappingKind = Literal["declared", "best match"]


_PICTURED = ("accuracy", "balanced_accuracy", "roc_auc")
#: Words of the picture nearer to each other than this would overlap.
_APART = 0.35


class Interval(NamedTuple):
    """Lower and upper bounds of a table.

    Attributes
    ----------
    lower, upper : DataFrame
        Shaped and labelled as the table.

    Examples
    --------
    >>> bounds = fit.evaluate(arms["nlabel"], classes=["child", "adult"]).confusion_interval
    >>> bool((bounds.lower <= bounds.upper).all(axis=None))
    True
    """

    lower: pd.DataFrame
    upper: pd.DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Scores of a grouping against known classes.

    What is estimated is how the fitted rule scores on new rows of the population that the labelled rows came from,
    under this mapping of components to classes. The rule groups by memberships averaged over the posterior. Two
    intervals belong to it: *rule* asks how far the labelled rows decide that score, *total* is the wider one and
    adds how far the posterior leaves the rule open. `bayesmix.evaluation` says how they are made.

    Attributes
    ----------
    table : DataFrame
        One row per score, in the order of the list below. Columns: estimate; rule_eti89_lb and rule_eti89_ub;
        total_eti89_lb and total_eti89_ub; sd_rows and sd_posterior, whose squares add up to the variance of the
        scores of single draws under resampled rows (NaN where a score is infinite).
    per_class : DataFrame
        Per class precision, recall, f1, support (rows), each followed by both intervals (recall_rule_eti89_lb …).
    confusion, confusion_interval : DataFrame, Interval
        Counts of rows, true by predicted class, of the rule; bounds of n times the weights, total.
    roc : DataFrame
        false_positive_rate (0, 0.01, … 1), true_positive_rate and both intervals, pointwise; no rows if there
        are more than two classes. The exact area is in `table`.
    reliability : DataFrame
        Ten bins of the probability of the positive class, of the predicted class if there are more than two:
        lower, upper; probability, the mean in the bin; frequency, how often it came true, with both intervals;
        n, the rows in the bin. NaN where a bin is empty.
    rejection : DataFrame
        Accuracy, with both intervals, if only the surest rows are classified: kept is their share, 0.05 to 1.
    by_mapping : DataFrame
        The estimates and intervals of `table` under the declared mapping (declared_estimate …) and under the
        best match (best_match_optimistic_estimate …), which has seen the labels; or under the latter alone.
    mapping, mapping_kind : dict, "declared" or "best match"
        Class of every component. A best match used the labels that are scored: its scores are optimistic.
    mapping_probability : float
        How often this mapping is the best match of a posterior draw under resampled rows.
    classes, positive_class : tuple, hashable or None
        The classes in order, and the last of them if there are two, else None.
    n, n_unlabelled, n_used_in_fit : int
        Rows scored, rows left out for want of a label, and rows left out because the fit has used their label.
    base_rate : float
        The accuracy of always guessing the largest class.
    ci_prob, ci_kind : float, "eti" or "hdi"
        Probability and kind of all intervals.

    Notes
    -----
    The scores: accuracy; balanced_accuracy; roc_auc (macro one-vs-rest if not two classes); roc_auc_ovo (one
    against one, Hand and Till); average_precision (of the positive class, else macro one-vs-rest); rejection_area
    (accuracy among the rows at least as sure as a row, averaged); brier ([0, 1] for two classes, else [0, 2]);
    log_loss (nats; inf if a class that occurs has no component); information (nats per row over stating the
    shares of the classes); sharpness (1 less mean entropy over log C); ece (expected calibration error, of ten
    equal bins; chance alone makes it positive); ari and nmi of labels against components.

    Examples
    --------
    >>> scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    >>> scores.n, scores.mapping, scores.positive_class
    (19, {0: 'child', 1: 'adult'}, 'adult')
    >>> scores.table.index[:4].tolist()
    ['accuracy', 'balanced_accuracy', 'roc_auc', 'roc_auc_ovo']
    """

    table: pd.DataFrame
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    confusion_interval: Interval
    roc: pd.DataFrame
    reliability: pd.DataFrame
    rejection: pd.DataFrame
    by_mapping: pd.DataFrame
    classes: tuple[Hashable, ...]
    positive_class: Hashable
    mapping: dict[int | str, Hashable]
    mapping_kind: MappingKind
    mapping_probability: float
    n: int
    n_unlabelled: int
    n_used_in_fit: int
    base_rate: float
    ci_prob: float
    ci_kind: IntervalKind

    @property
    def text(self) -> str:
        """The result in a few plain sentences."""
        _, low, high = self._numbers("accuracy")
        verdict = "below" if low > self.base_rate else "above" if high < self.base_rate else "inside"
        parts = ", ".join(f"component {k} is class {name}" for k, name in self.mapping.items())
        matched = "matched to the labels that are scored, so the scores are optimistic"
        told = (
            "declared, without use of the labels" if not self.n_used_in_fit else "declared, by labels the fit has used"
        )
        how = matched if self.mapping_kind == "best match" else told
        _, rule_low, rule_high = self._numbers("accuracy", "rule")
        counts = [
            f" Rows without a label, left out: {self.n_unlabelled}." if self.n_unlabelled else "",
            f" Rows whose label the fit has used, never scored: {self.n_used_in_fit}." if self.n_used_in_fit else "",
        ]
        return (
            f"{np.trace(self.confusion.to_numpy())} of {self.n} labelled rows are grouped as their class: "
            f"accuracy {self._shown('accuracy')} over posterior draws and rows; of this rule, over rows alone, "
            f"{rule_low:.2f} to {rule_high:.2f}. Always guessing the largest class is right in a share of "
            f"{self.base_rate:.2f}, {verdict} the wider interval. ROC AUC {self._shown('roc_auc')}. "
            f"The mapping was {how}: {parts}. It is the best match in a share of {self.mapping_probability:.2f} of "
            f"the posterior draws with resampled rows.{''.join(counts)}"
        )

    def _numbers(self, name: str, which: str = "total") -> tuple[float, float, float]:
        low, high = (f"{which}_{end}" for end in CredibleInterval(self.ci_prob, self.ci_kind).columns)
        estimate, lower, upper = self.table.loc[name, ["estimate", low, high]].to_numpy(dtype=float)
        return float(estimate), float(lower), float(upper)

    def _shown(self, name: str) -> str:
        estimate, low, high = self._numbers(name)
        return f"{estimate:.2f} ({100 * self.ci_prob:g} % {self.ci_kind.upper()} {low:.2f} to {high:.2f})"

    def __repr__(self) -> str:
        """One line: size, classes, mapping, accuracy and AUC."""
        kind = self.mapping_kind + (" (optimistic)" if self.mapping_kind == "best match" else "")
        shown = ", ".join(f"{name}={self._shown(name)}" for name in ("accuracy", "roc_auc"))
        return f"Evaluation(n={self.n}, classes={list(self.classes)}, mapping={kind}, {shown})"

    def _repr_html_(self) -> str:
        rows = []
        for name in _PICTURED:
            estimate, low, high = self._numbers(name)
            if np.isfinite([estimate, low, high]).all():
                rows.append(display.Row(name.replace("_", " "), estimate, low, high, color=display.ACCENT))
        marks = [display.Mark(end, f"{end:g}") for end in (0.0, 1.0) if abs(end - self.base_rate) > _APART]
        marks.append(display.Mark(self.base_rate, f"largest class {self.base_rate:.2f}"))
        words = f"estimate and total {100 * self.ci_prob:g} % {self.ci_kind.upper()}"
        parts = [
            display.svg_rows(rows, marks, words, (0.0, 1.0)) if rows else "",
            display.paragraph(self.text),
            display.table(self.table.round(3).rename_axis(index="score")),
        ]
        counts = f"{np.trace(self.confusion.to_numpy())} of {self.n} rows right"
        verdict = "best match: optimistic" if self.mapping_kind == "best match" else "declared classes"
        return display.card(f"Evaluation: {counts}", parts, verdict=verdict)
