"""What a report reads: a fit, and everything the package says of it, computed once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayesmix.boundaries import RuleShape
from bayesmix.comparing import Comparison
from bayesmix.comparison import adequate
from bayesmix.diagnostics import Diagnosis
from bayesmix.errors import InputError
from bayesmix.evaluation import Evaluation
from bayesmix.fit import Fit
from bayesmix.intervals import CredibleInterval
from bayesmix.leave_one_out import LooEvaluation
from bayesmix.selection import PosteriorOfK
from bayesmix.sensitivity import PriorSensitivity

__all__ = ["Results", "Scores", "chosen_fit", "gather", "label_of", "score"]

_MANY = 1000


@dataclass(frozen=True, eq=False)
class Scores:
    """A fit's scores against known classes.

    Attributes
    ----------
    evaluation : Evaluation
    left_out : LooEvaluation or None
        Of fits that have not seen the row that is scored.
    why_not : str
        Why there is none; empty where there is.
    """

    evaluation: Evaluation
    left_out: LooEvaluation | None
    why_not: str

    @property
    def decimals(self) -> int:
        """Decimals of scores: two as in their sentences, a third for many rows."""
        return 2 if self.evaluation.n < _MANY else 3


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that a report tells of one fit.

    Attributes
    ----------
    fit : Fit
    comparison : Comparison or None
        That the fit is one of.
    name : object
        Of the fit in the comparison; None without one.
    interval : CredibleInterval
    check : Diagnosis
    summary : DataFrame
    assignments : DataFrame or None
        None where the fit was saved without its data.
    rule : RuleShape or None
        Along the only column.
    why_no_rule : str
        Why there is none; empty where there is.
    scores : Scores or None
    posterior_of_k : PosteriorOfK or None
        Where the comparison has the evidence of every fit.
    sensitivity : PriorSensitivity or None
    """

    fit: Fit
    comparison: Comparison[Any] | None
    name: Any
    interval: CredibleInterval
    check: Diagnosis
    summary: pd.DataFrame
    assignments: pd.DataFrame | None
    rule: RuleShape | None
    why_no_rule: str
    scores: Scores | None
    posterior_of_k: PosteriorOfK | None
    sensitivity: PriorSensitivity | None

    @property
    def single(self) -> bool:
        """Whether there is one component only, noise and zeros counted."""
        return len(self.fit.component_labels) == 1

    @property
    def data_name(self) -> str:
        """What was fitted, in quotes."""
        return repr(self.fit.info.name)

    @property
    def label(self) -> str:
        """The fit's name in a comparison, for sentences."""
        return label_of(self.comparison, self.name)


def label_of(comparison: Comparison[Any] | None, name: Any) -> str:
    """Return a fit's name for sentences: ``K = 2``, or in quotes."""
    by_count = comparison is not None and comparison.table.index.name == "n_components"
    return f"K = {name}" if by_count else repr(name)


def chosen_fit(source: Any, n_components: int | None, model: Any) -> tuple[Fit, Comparison[Any] | None, Any]:
    """Return the fit to describe, the comparison it comes from, and its name there.

    Parameters
    ----------
    source : Fit or Comparison
    n_components, model : optional
        Which fit of a comparison; the recommended one by default, and the first where none passed its checks.

    Raises
    ------
    InputError
        If `source` is neither, or has no such fit.
    """
    if isinstance(source, Fit):
        if model is not None:
            raise InputError(f"model must be left out for a single fit, got {model!r}. It names a fit of a comparison.")
        if n_components not in (None, source.n_components):
            raise InputError(
                f"n_components must be that of the fit or left out, got {n_components!r} for a fit of "
                f"{source.n_components}. Pass a comparison to choose from its fits."
            )
        return source, None, None
    if not isinstance(source, Comparison):
        raise InputError(
            f"a report must be of a Fit or a Comparison, got {type(source).__name__}. Pass what Mixture.fit, "
            "choose_components, compare or load returns."
        )
    by_count = source.table.index.name == "n_components"
    if (model if by_count else n_components) is not None:
        wrong, right = ("model", "n_components") if by_count else ("n_components", "model")
        raise InputError(
            f"{wrong} must be left out for fits by {'number' if by_count else 'name'}, got "
            f"{model if by_count else n_components!r}. Use {right}={next(iter(source.fits))!r}."
        )
    wanted = n_components if by_count else model
    if wanted is None:
        candidates = adequate(source.ranking)
        wanted = candidates[0] if candidates else next(iter(source.fits))
    if not isinstance(wanted, Hashable) or wanted not in source.fits:
        raise InputError(
            f"{'n_components' if by_count else 'model'} must be among the fits {list(source.fits)}, got {wanted!r}. "
            "Choose one of them, or leave it out for the one that is recommended."
        )
    return source.fits[wanted], source, wanted


def gather(
    fit: Fit,
    comparison: Comparison[Any] | None,
    name: Any,
    interval: CredibleInterval,
    *,
    scores: Scores | None = None,
    sensitivity: PriorSensitivity | None = None,
) -> Results:
    """Ask a fit and its comparison everything that a report tells.

    Parameters
    ----------
    fit, comparison, name
        As `chosen_fit` returns them.
    interval : CredibleInterval
    scores : Scores, optional
    sensitivity : PriorSensitivity, optional
    """
    options: dict[str, Any] = {"ci_prob": interval.prob, "ci_kind": interval.kind}
    rule, why_not = _rule(fit, options)
    return Results(
        fit=fit,
        comparison=comparison,
        name=name,
        interval=interval,
        check=fit.check(),
        summary=fit.summary(**options),
        assignments=None if fit.data is None else fit.assignments(**options),
        rule=rule,
        why_no_rule=why_not,
        scores=scores,
        posterior_of_k=_posterior_of_k(comparison),
        sensitivity=sensitivity,
    )


def score(
    fit: Fit,
    labels: Any,
    classes: Sequence[Any] | None,
    interval: CredibleInterval,
    *,
    leave_one_out: bool,
    random_seed: int | None,
) -> Scores:
    """Score a fit against known classes, as it is and by fits that have not seen the row.

    Parameters
    ----------
    fit : Fit
    labels, classes
        As for `Fit.evaluate`.
    interval : CredibleInterval
    leave_one_out : bool
    random_seed : int or None
    """
    options: dict[str, Any] = {"ci_prob": interval.prob, "ci_kind": interval.kind, "random_seed": random_seed}
    evaluation = fit.evaluate(labels, classes=classes, **options)
    if not leave_one_out:
        return Scores(evaluation, None, "leave_one_out=False left it out.")
    if len(fit.component_labels) == 1:
        return Scores(evaluation, None, "With one component there is nothing to classify.")
    try:
        return Scores(evaluation, fit.loo_evaluate(labels, classes=classes, **options), "")
    except InputError as error:  # labels and classes were read above: it is the number of rows or their weights
        return Scores(evaluation, None, str(error))


def _rule(fit: Fit, options: dict[str, Any]) -> tuple[RuleShape | None, str]:
    if len(fit.layout.names) > 1:
        return None, (
            "A row's membership depends on all columns together, so that there is no one value at which it changes. "
            "fit.rule_shape(column=...) follows one column, the others integrated out."
        )
    try:
        return fit.rule_shape(**options), ""
    except InputError as error:
        return None, f"The rule has no shape along this column: {error}"


def _posterior_of_k(comparison: Comparison[Any] | None) -> PosteriorOfK | None:
    """Return P(K | y) where the evidence is known: to estimate it is not a report's job."""
    if comparison is None or comparison.table.index.name != "n_components":
        return None
    known = comparison.ranking.evidences
    return comparison.posterior_of_k() if known and all(k in known for k in comparison.fits) else None
