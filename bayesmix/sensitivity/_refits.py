"""The fits of a comparison again under other priors, and what becomes of the choice and of the memberships."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from bayesmix.comparison import adequate, rank
from bayesmix.data import FloatArray
from bayesmix.errors import InputError, SamplingError
from bayesmix.exact import Advance
from bayesmix.fit import Fit
from bayesmix.fitting import fit_rows
from bayesmix.likelihood import MAX_TERMS, mean_responsibilities, thinned
from bayesmix.mixture import Mixture
from bayesmix.resolving import bind, spikes
from bayesmix.sensitivity._alternatives import ALTERNATIVES, alternatives
from bayesmix.sensitivity._power_scaling import power_scaling
from bayesmix.sensitivity._text import AS_FITTED, sentences
from bayesmix.settings import SamplerSettings

__all__ = ["COLUMNS", "PriorSensitivity", "prior_sensitivity"]

COLUMNS = {
    "best": "Number of components chosen under this prior, by PSIS-LOO without refits for unreliable rows. Missing "
    "where the fit of the number chosen as fitted had to be left out.",
    "elpd": "PSIS-LOO of the number of components that was chosen at first.",
    "elpd_diff": "Its difference to that under the priors as fitted.",
    "same_best": "Whether the choice is that under the priors as fitted.",
    "same_group": "Share of rows whose most probable group is that under the priors as fitted.",
    "max_change": "Largest change of a row's probability of a group.",
    "note": "Empty, or which fits were left out and why.",
}

_NUMBERS = ("elpd", "elpd_diff", "same_group", "max_change")


@dataclass(frozen=True, eq=False)
class PriorSensitivity:
    """How much the conclusion of a comparison depends on the priors.

    Attributes
    ----------
    table : DataFrame
        One row per prior: ``"as fitted"``; ``"wider"`` and ``"narrower"``, every prior twice and half as spread out;
        ``"few groups"``, half the concentration of the weights; ``"even weights"``, concentration 4;
        ``"richardson_green"``, where the fits have the default priors. ``best``, the number of components chosen under
        this prior, by PSIS-LOO without refits for unreliable rows; ``elpd`` of the number that was chosen at first, and
        ``elpd_diff``, its difference to that as fitted; ``same_best``, whether the choice stays; ``same_group``, the
        share of rows whose most probable group stays; ``max_change``, the largest change of a row's probability of a
        group; ``note``, empty or which fits were left out and why.
    power_scaling : DataFrame
        For the chosen number of components one row per parameter, as in ``fit.summary()``: ``prior`` and
        ``likelihood``, how far the posterior moves when either is raised to a power near 1, and ArviZ's ``diagnosis``.
    text : str
        What that means, in sentences.

    Examples
    --------
    >>> one = bm.choose_components(arms["length"], [1], draws=250, random_seed=1)
    >>> one.prior_sensitivity(draws=250).power_scaling.columns.tolist()
    ['prior', 'likelihood', 'diagnosis']
    """

    table: pd.DataFrame
    power_scaling: pd.DataFrame
    text: str

    def __repr__(self) -> str:
        return f"{_shown(self.table).to_string()}\n{_shown(self.power_scaling).to_string()}\n{self.text}"

    def _repr_html_(self) -> str:
        tables = (_shown(frame).to_html() for frame in (self.table, self.power_scaling))
        return f"{''.join(tables)}<p>{escape(self.text)}</p>"


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table without its notes, rounded, as text."""

    def text(value: object, digits: str) -> object:
        return "" if pd.isna(value) else format(value, digits) if isinstance(value, float) else value  # type: ignore[call-overload]

    columns = frame.columns.drop("note", errors="ignore")
    return pd.DataFrame({c: [text(v, ".2f" if "elpd" in c else ".3g") for v in frame[c]] for c in columns}, frame.index)


def prior_sensitivity(
    fits: Mapping[int, Fit], best: int, *, draws: int = 1000, progress: Advance | None = None
) -> PriorSensitivity:
    """Fit a comparison again under other priors and see whether its conclusion stays.

    Priors are changed as numbers, never derived from the data again. Refits have the fits' random seed and engine; on
    PyMC's engine every one of them compiles a model, which takes several seconds.

    Parameters
    ----------
    fits : mapping of int to Fit
        Number of components to fit, all of the same data and from one template.
    best : int
        The number that was chosen.
    draws : int, default 1000
        Per chain of every refit.
    progress : callable, optional
        Called with the number of refits done and their total, at first and after each.

    Returns
    -------
    PriorSensitivity

    Raises
    ------
    InputError
        If there is no fit of `best`, the fits are of different data or without their data, or `draws` breaks its rule.

    References
    ----------
    Kallioinen, Paananen, Bürkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
    power-scaling, Statistics and Computing 34, 57.
    """
    if best not in fits:
        raise InputError(
            f"best must be one of the numbers of components that were fitted, {[*fits]}, got {best!r}. Take it from "
            "the comparison, e.g. choice.best."
        )
    specs = {k: alternatives(fit) for k, fit in fits.items()}
    names = [name for name in ALTERNATIVES if all(name in of_k for of_k in specs.values())]
    original = _outcome(fits, {}, best)
    reference = best if original.best is None else original.best
    rows = {AS_FITTED: _row(original, original, fits[best], reference)}
    left_out = {AS_FITTED: list(original.notes)}
    for number, name in enumerate(names):
        made: dict[int, Fit | str] = {}
        for position, (k, fit) in enumerate(fits.items()):
            if progress is not None:
                progress(number * len(fits) + position, len(names) * len(fits))
            made[k] = _refit(fit, specs[k][name], draws)
        refits = {k: one for k, one in made.items() if isinstance(one, Fit)}
        outcome = _outcome(refits, {k: one for k, one in made.items() if isinstance(one, str)}, reference)
        rows[name] = _row(outcome, original, fits[best], reference)
        left_out[name] = list(outcome.notes)
    if progress is not None:
        progress(len(names) * len(fits), len(names) * len(fits))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).rename_axis("prior")
    table = table.astype({"best": "Int64", "same_best": "boolean"} | dict.fromkeys(_NUMBERS, float))
    scaling = power_scaling(fits[best])
    words = sentences(table, scaling, fits[best], reference, draws, left_out)
    return PriorSensitivity(table, scaling, " ".join(words))


def _refit(fit: Fit, mixture: Mixture, draws: int) -> Fit | str:
    """Fit the same rows under other priors, or say why that cannot be."""
    info = fit.info
    tune = info.tune or None
    settings = SamplerSettings(
        draws, tune, info.chains, info.target_accept, None, info.random_seed, info.engine, progressbar=False
    )
    resolved = bind(mixture, fit.observations)
    if any(spikes(resolved, fit.observations)):
        return "a component can shrink onto tied values, the posterior is improper"
    try:
        return fit_rows(mixture, resolved, fit.observations, settings)
    except (SamplingError, np.linalg.LinAlgError) as error:
        return str(error)


@dataclass(frozen=True, eq=False)
class _Outcome:
    """Fits under one prior, which of them were left out and why, their elpd, and the number of components chosen."""

    fits: Mapping[int, Fit]
    notes: Mapping[int, str]
    elpd: Mapping[int, float]
    best: int | None


def _outcome(fits: Mapping[int, Fit], failures: Mapping[int, str], reference: int) -> _Outcome:
    """Choose among the fits that passed their checks; not where that of the `reference` is not among them."""
    if not fits:
        return _Outcome(fits, failures, {}, None)
    ranking = rank(fits, {}, "n_components", repair=False)
    # What the checks found, without the notes that do not decide whether a fit passed.
    missed = {k: str(ranking.table["note"][k]).split(" Note: ")[0] for k in fits if k not in ranking.passed}
    candidates = adequate(ranking)
    judged = reference in ranking.passed
    elpd = {k: loo.elpd for k, loo in ranking.loos.items() if k in ranking.passed}
    return _Outcome(fits, {**failures, **missed}, elpd, candidates[0] if judged else None)


def _row(outcome: _Outcome, original: _Outcome, fit: Fit, reference: int) -> dict[str, object]:
    """Return one row of the table; `fit` is the one that was chosen at first."""
    k = fit.n_components
    same, change = _agreement(fit, outcome.fits[k]) if k in outcome.elpd else (np.nan, np.nan)
    elpd = outcome.elpd.get(k, np.nan)
    return {
        "best": pd.NA if outcome.best is None else outcome.best,
        "elpd": elpd,
        "elpd_diff": elpd - original.elpd.get(k, np.nan),
        "same_best": pd.NA if outcome.best is None else outcome.best == reference,
        "same_group": same,
        "max_change": change,
        "note": " ".join(f"K = {k} left out: {_sentence(reason)}" for k, reason in sorted(outcome.notes.items())),
    }


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _agreement(fit: Fit, other: Fit) -> tuple[float, float]:
    """Return the share of units that keep their most probable group, and the largest change of a probability."""
    if len(fit.component_labels) == 1:
        return np.nan, np.nan
    before, after = _memberships(fit), _memberships(other)
    rows = fit.observations
    weights = None if rows.weights is None else rows.weights[rows.informative]
    counts = np.bincount(rows.distinct.inverse[rows.informative], weights, len(before))
    if fit.resolved.relabelled:  # labels of one fit mean nothing in the other
        k = fit.n_components
        joint = (before[:, :k] * counts[:, np.newaxis]).T @ after[:, :k]
        after = np.concatenate([after[:, linear_sum_assignment(joint, maximize=True)[1]], after[:, k:]], axis=1)
    seen = counts > 0
    same = np.argmax(before, axis=1) == np.argmax(after, axis=1)
    return float(counts @ same / counts.sum()), float(np.abs(before - after)[seen].max())


def _memberships(fit: Fit) -> FloatArray:
    cells = fit.observations.distinct.cells
    draws = thinned(fit.arrays, max(200, MAX_TERMS // (len(cells) * len(fit.component_labels))))
    return mean_responsibilities(fit, draws, cells)
