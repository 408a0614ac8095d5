"""The posterior of the number of components, from the evidence of each and a stated prior."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.evidence import MAX_ERROR, Evidence

__all__ = ["EVIDENT", "PosteriorOfK", "bayes_factor_in_words", "posterior_of_k"]

_DRAWS = 4000

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
        probable the data are under the most probable number than under this one; ``evidence_against``, that factor on
        the scale of Kass & Raftery (1995).
    text : str
        What this allows to conclude, and its limits.
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


def posterior_of_k(
    evidences: Mapping[int, Evidence], prior: Any, *, default_priors: bool, failed: tuple[int, ...] = ()
) -> PosteriorOfK:
    """Return the posterior of the number of components.

    ``P(K | y)`` is proportional to ``P(K) p(y | K)``. Its Monte-Carlo error comes from normal errors of the log
    evidences.

    Parameters
    ----------
    evidences : mapping
        Number of components to evidence.
    prior : mapping from number of components to a number >= 0, or None
        Prior of the number of components, up to a factor; uniform over those compared by default.
    default_priors : bool
        Whether priors were scaled by the data, which the text then says.
    failed : tuple of int
        Numbers of components whose fits failed their checks.

    Raises
    ------
    InputError
        If the prior is no mapping, lacks a number of components, or has negative or only zero entries.

    References
    ----------
    Kass & Raftery (1995), Bayes factors, Journal of the American Statistical Association 90, 773-795.
    """
    names = sorted(evidences)
    weight = _prior_weights(prior, names)
    value = np.array([evidences[k].value for k in names])
    error = np.array([evidences[k].se for k in names])
    with np.errstate(divide="ignore"):
        score = value + np.log(weight)
    noise = np.random.default_rng(0).standard_normal((_DRAWS, len(names))) * np.where(np.isfinite(error), error, 0.0)
    probability = _normalised(score)
    factor = np.exp(np.minimum(value[np.argmax(probability)] - value, 700.0))
    table = pd.DataFrame(
        {
            "log_evidence": value,
            "se": error,
            "prior": weight / weight.sum(),
            "probability": probability,
            "probability_se": np.where(np.isfinite(error), _normalised(score + noise).std(axis=0), np.nan),
            "bayes_factor": factor,
            "evidence_against": [bayes_factor_in_words(max(f, 1.0)) if f != 1.0 else "" for f in factor],
        },
        index=pd.Index(names, name="n_components"),
    )
    return PosteriorOfK(table, " ".join(_sentences(table, prior is None, default_priors, failed)))


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
    weight = np.array([float(prior[k]) for k in names])
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise InputError(f"prior must have numbers >= 0, not all 0, got {dict(zip(names, weight, strict=True))}.")
    return weight


def _sentences(table: pd.DataFrame, uniform: bool, default_priors: bool, failed: tuple[int, ...]) -> list[str]:
    probability = {int(k): float(p) for k, p in table["probability"].items()}  # type: ignore[call-overload]
    value = dict(zip(probability, table["log_evidence"].tolist(), strict=True))
    ranked = sorted(probability, key=lambda k: -probability[k])
    over = "a uniform prior" if uniform else "the stated prior"
    listed = ", ".join(f"{probability[k]:.2g} for {k}" for k in ranked if probability[k] >= 0.01)
    sentences = [f"Under {over} on K = {_span(sorted(ranked))}, P(K | y) is {listed}."]
    if len(ranked) > 1:
        best, second = ranked[:2]
        factor = float(np.exp(min(abs(value[best] - value[second]), 700.0)))
        more, less = (best, second) if value[best] >= value[second] else (second, best)
        sentences.append(
            f"The data are {factor:.3g} times as probable under K = {more} as under K = {less}, which on the scale of "
            f"Kass & Raftery (1995) is {_as_evidence(factor)}."
        )
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
        sentences.append(f"The Monte-Carlo error exceeds {MAX_ERROR} for K = {', '.join(map(str, rough))}.")
    relevant = [str(k) for k in failed if probability[k] >= 0.01]
    if relevant:
        sentences.append(f"The fits of K = {', '.join(relevant)} failed their checks: do not rely on their numbers.")
    return sentences


def _as_evidence(factor: float) -> str:
    words = bayes_factor_in_words(factor)
    return words if factor < EVIDENT else f"{words} evidence"


def _span(names: list[int]) -> str:
    together = names == list(range(names[0], names[-1] + 1)) and len(names) > 2
    return f"{names[0]}…{names[-1]}" if together else ", ".join(map(str, names))
