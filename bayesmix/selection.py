"""The posterior of the number of components, from the evidence of each and a stated prior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.evidence import MAX_ERROR, Evidence
from bayesmix.posterior import Posterior
from bayesmix.resolving import bind

__all__ = ["EVIDENT", "PosteriorOfK", "bayes_factor_in_words", "has_scaled_priors", "posterior_of_k", "shown_factor"]

_DRAWS = 4000

_NAMED = 0.01
"""Probability from which on a number of components is mentioned."""

_AT_THE_EDGE = 0.05
"""Probability of the largest number tried from which on larger ones are called untried."""

EVIDENT = 3.0
"""Bayes factor below which one specification is not to be preferred to another."""

_SCALE = (
    (EVIDENT, "not worth more than a bare mention"),
    (20.0, "positive"),
    (150.0, "strong"),
    (np.inf, "very strong"),
)
"""Kass & Raftery (1995), section 3.2: Bayes factors below 3, 20, 150 and above."""


@dataclass(frozen=True, eq=False)
class PosteriorOfK:
    """How probable each number of components is.

    Attributes
    ----------
    table : DataFrame
        Indexed by number of components: ``log_evidence`` and its Monte-Carlo error ``se``; ``prior``; ``probability``
        given the data, and ``probability_se``, its Monte-Carlo standard deviation; ``bayes_factor``, how much more
        probable the data are under the most probable number than under this one (inf where too large for a float);
        ``evidence_against``, that factor on the scale of Kass & Raftery (1995), ``"none"`` where it is below 1, which
        a prior can bring about.
    text : str
        What this allows to conclude, and its limits.

    References
    ----------
    Kass & Raftery (1995), Bayes factors, Journal of the American Statistical Association 90, 773-795.

    Examples
    --------
    >>> choice.posterior_of_k().table.columns.tolist()
    ['log_evidence', 'se', 'prior', 'probability', 'probability_se', 'bayes_factor', 'evidence_against']
    """

    table: pd.DataFrame
    text: str

    @property
    def most_probable(self) -> int:
        """The number of components with the highest posterior probability."""
        return int(self.table.index[int(np.argmax(self.table["probability"].to_numpy()))])

    def __repr__(self) -> str:
        return f"{self.table.to_string(float_format='{:.4g}'.format)}\n{self.text}"

    def _repr_html_(self) -> str:
        return f"{self.table.to_html(float_format='{:.4g}'.format)}<p>{escape(self.text)}</p>"


def bayes_factor_in_words(factor: float) -> str:
    """Return what a Bayes factor of at least 1 says against the less probable of two specifications.

    Examples
    --------
    >>> bayes_factor_in_words(7.0)
    'positive'
    """
    return next(words for limit, words in _SCALE if factor < limit or limit == np.inf)


def has_scaled_priors(posterior: Posterior) -> bool:
    """Whether a prior was taken from the data: a named set, or a default that differs when a row is left out.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    """
    if posterior.mixture.priors.name is not None:
        return True
    try:
        other = bind(posterior.mixture, posterior.observations.without_unit(0))
    except InputError:
        return True
    return dict(other.priors) != dict(posterior.resolved.priors)


def shown_factor(log_factor: float) -> str:
    """Return a Bayes factor to two digits, or as a power of ten, which does not overflow.

    Examples
    --------
    >>> shown_factor(2.5), shown_factor(54.0)
    ('12', '10^23')
    """
    return f"{np.exp(log_factor):.2g}" if log_factor < np.log(99.5) else f"10^{log_factor / np.log(10):.0f}"


def posterior_of_k(
    evidences: Mapping[int, Evidence],
    prior: Any,
    *,
    default_priors: bool,
    failed: Sequence[int] = (),
    missing: Sequence[int] = (),
) -> PosteriorOfK:
    """Return the posterior of the number of components.

    ``P(K | y)`` is proportional to ``P(K) p(y | K)``. Its Monte-Carlo error comes from normal errors of the log
    evidences.

    Parameters
    ----------
    evidences : mapping
        Number of components to evidence.
    prior : mapping from number of components to a number >= 0, or None
        Prior of the number of components, up to a factor; uniform over those compared by default. Entries for numbers
        without an evidence are not used.
    default_priors : bool
        Whether priors were scaled by the data, which the text then says.
    failed : sequence of int
        Numbers of components whose fits failed their checks.
    missing : sequence of int
        Numbers of components that were to be compared and have no fit. Those whose evidence is not finite are left out
        with them.

    Raises
    ------
    InputError
        If the prior is no mapping, lacks a number of components, or has entries that are no numbers, negative, or only
        zero.

    References
    ----------
    Kass & Raftery (1995), Bayes factors, Journal of the American Statistical Association 90, 773-795.
    """
    names = [k for k in sorted(evidences) if np.isfinite(evidences[k].value)]
    missing = sorted({*missing, *evidences} - set(names))
    if not names:
        raise InputError(
            f"P(K | y) must have an evidence that is a number, got {dict(evidences)}. Narrower priors or fewer "
            "components usually help."
        )
    weight = _prior_weights(prior, names)
    value = np.array([evidences[k].value for k in names])
    error = np.array([evidences[k].se for k in names])
    with np.errstate(divide="ignore"):
        score = value + np.log(weight)
    noise = np.random.default_rng(0).standard_normal((_DRAWS, len(names))) * np.where(np.isfinite(error), error, 0.0)
    probability = _normalised(score)
    most = int(np.argmax(probability))
    with np.errstate(over="ignore"):
        factor = np.exp(value[most] - value)
    words = [bayes_factor_in_words(f) if f >= 1 else "none" for f in factor.tolist()]
    words[most] = ""
    table = pd.DataFrame(
        {
            "log_evidence": value,
            "se": error,
            "prior": weight / weight.sum(),
            "probability": probability,
            "probability_se": np.where(np.isfinite(error), _normalised(score + noise).std(axis=0), np.nan),
            "bayes_factor": factor,
            "evidence_against": words,
        },
        index=pd.Index(names, name="n_components"),
    )
    return PosteriorOfK(table, " ".join(_sentences(table, prior is None, default_priors, failed, missing)))


def _normalised(score: FloatArray) -> FloatArray:
    relative = np.exp(score - score.max(axis=-1, keepdims=True))
    return np.asarray(relative / relative.sum(axis=-1, keepdims=True))


def _prior_weights(prior: Any, names: list[int]) -> FloatArray:
    if prior is None:
        return np.ones(len(names))
    if not isinstance(prior, Mapping):
        raise InputError(
            f"prior must map every number of components {names} to a number, got {type(prior).__name__}. Use e.g. "
            f"{{{names[0]}: 0.5, ...}}, or leave it out for a uniform one."
        )
    missing = [k for k in names if k not in prior]
    if missing:
        raise InputError(f"prior must have every number of components compared, got none for {missing}. Add them.")
    given = {k: prior[k] for k in names}
    try:
        weight = np.array([float(given[k]) for k in names])
    except (TypeError, ValueError):
        raise InputError(f"prior must have numbers >= 0, got {given}. Use e.g. {{{names[0]}: 0.5, ...}}.") from None
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.max() > 0):
        raise InputError(
            f"prior must have numbers >= 0, not all 0, got {given}. They need not sum to 1; leave prior out for a "
            "uniform one."
        )
    return np.asarray(weight / weight.max())


def _sentences(
    table: pd.DataFrame, uniform: bool, default_priors: bool, failed: Sequence[int], missing: Sequence[int]
) -> list[str]:
    probability = dict(zip(map(int, table.index), table["probability"].tolist(), strict=True))
    over = "a uniform prior" if uniform else "the stated prior"
    if len(probability) == 1:
        sentences = [f"Only K = {min(probability)} was fitted, so its probability is 1 whatever the data: fit others."]
    else:
        ranked = sorted(probability, key=lambda k: -probability[k])
        listed = ", ".join(f"{_shown(probability[k])} for {k}" for k in ranked if probability[k] >= _NAMED)
        sentences = [f"Under {over} on K = {_span(sorted(ranked))}, P(K | y) is {listed}.", _comparison(table, ranked)]
        last = max([*probability, *missing])
        if probability.get(last, 0.0) >= _AT_THE_EDGE:
            sentences.append(f"Numbers above {last} were not tried and may be as probable.")
    sentences.append(
        "Evidence depends on how wide the priors are, much more than predictive accuracy does: read these numbers with "
        "the priors."
    )
    if default_priors:
        sentences.append(
            "The priors' scale was taken from these data, so the data are used twice, if mildly; priors stated "
            "beforehand make the probabilities mean what they say."
        )
    rough = table.index[~(table["se"] <= MAX_ERROR)]
    if len(rough):
        sentences.append(
            f"The Monte-Carlo error of the log evidence exceeds {MAX_ERROR} for K = {', '.join(map(str, rough))}."
        )
    if failed:
        sentences.append(
            f"{_fits(failed)} failed {'their' if len(failed) > 1 else 'its'} checks: do not rely on these numbers for "
            f"{'them' if len(failed) > 1 else 'it'}, nor on what they leave for the others."
        )
    if missing:
        sentences.append(f"There is no evidence for K = {', '.join(map(str, missing))}, left out here.")
    return sentences


def _comparison(table: pd.DataFrame, ranked: Sequence[int]) -> str:
    """Return how the two most probable numbers compare by their evidence."""
    value = dict(zip(map(int, table.index), table["log_evidence"].tolist(), strict=True))
    more, less = sorted(ranked[:2], key=lambda k: -value[k])
    gap = value[more] - value[less]
    factor = shown_factor(gap)
    times = "about" if factor == "1" else f"{factor} times"
    return (
        f"The data are {times} as probable under K = {more} as under K = {less}, which on the scale "
        f"of Kass & Raftery (1995) is {_as_evidence(float(np.exp(min(gap, 700.0))))}."
    )


def _shown(probability: float) -> str:
    return "more than 0.99" if probability > 0.99 else f"{probability:.2g}"


def _fits(numbers: Sequence[int]) -> str:
    return f"The fit{'s' if len(numbers) > 1 else ''} of K = {', '.join(map(str, numbers))}"


def _as_evidence(factor: float) -> str:
    words = bayes_factor_in_words(factor)
    return words if factor < EVIDENT else f"{words} evidence"


def _span(names: list[int]) -> str:
    together = names == list(range(names[0], names[-1] + 1)) and len(names) > 2
    return f"{names[0]}…{names[-1]}" if together else ", ".join(map(str, names))
