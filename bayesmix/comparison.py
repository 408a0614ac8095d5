"""Compare fits of the same data by their expected log predictive density, and say what that allows to conclude."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.audit import Audit
from bayesmix.criteria import WAIC, PointwiseLOO, pointwise_loo, waic, weighted_se
from bayesmix.data import FloatArray, show_some
from bayesmix.diagnostics import Diagnosis, check
from bayesmix.errors import InputError
from bayesmix.evidence import Evidence
from bayesmix.exact import Advance, repaired_loos
from bayesmix.posterior import Posterior

__all__ = [
    "CLEAR_DIFFERENCE",
    "COLUMNS",
    "Ranking",
    "adequate",
    "clearly_worse",
    "differences",
    "rank",
    "stacking_weights",
]

CLEAR_DIFFERENCE = 2.0
"""A difference in elpd below this is never called clear, however small its standard error."""

COLUMNS = {
    "elpd": "LOO estimate of the expected log predictive density of new rows, in nats; higher is better. By PSIS, and "
    "by refits for rows that PSIS cannot be trusted for. Distrust it where n_high_k > n_repaired.",
    "se": "Standard error of elpd over rows. Of little use for comparing fits: use dse.",
    "elpd_diff": "elpd minus the best elpd, <= 0; missing for fits that failed their checks, unless all did.",
    "dse": "Standard error of elpd_diff over rows. Rough, usually too small, below about 100 rows.",
    "subsampling_dse": "Error of elpd_diff from drawing rows at random on large data; 0 where all rows were used.",
    "weight": "Stacking weight: the mixture, of the fits that passed their checks, that predicts best. It shares out "
    "weight among near equals, so a small weight is no evidence against a fit.",
    "p": "Effective number of parameters by LOO. Far above the number of parameters means misfit or too few rows.",
    "elpd_waic": "WAIC estimate of the same elpd. Distrust it where n_high_p_waic > 0, and prefer elpd.",
    "p_waic": "Effective number of parameters by WAIC.",
    "n_high_p_waic": "Rows whose WAIC penalty exceeds 0.4, where WAIC is unreliable.",
    "pareto_k": "Largest Pareto k: how heavily LOO leans on few draws for its worst row.",
    "n_high_k": "Rows whose Pareto k, before any repair, exceeds the reliable limit, min(1 - 1 / log10(draws), 0.7).",
    "n_repaired": "Rows whose part of elpd is exact, from a refit without them: those counted in n_high_k, unless a "
    "refit failed, which the note says, or repair was switched off.",
    "log_evidence": "Log of the probability of the data under the specification, parameters integrated out. Its "
    "differences depend on the priors more than those of elpd do.",
    "log_evidence_se": "Monte-Carlo standard error of log_evidence.",
    "occupied": "Expected number of components that hold at least one row.",
    "misassigned": "Expected share of rows that the best assignment gets wrong if the model is right.",
    "r_hat": "Largest R-hat; above 1.01 the fit has not converged and its row means nothing.",
    "ess": "Smallest effective sample size, bulk or tail; below 400 interval ends are noisy.",
    "divergences": "Divergent draws; above 0 the fit may have missed a narrow region.",
    "seconds": "Wall-clock seconds of the fit.",
    "note": "Empty, or why the fit or its elpd is missing or not to be trusted.",
}


@dataclass(frozen=True, eq=False)
class Ranking:
    """The outcome of a comparison.

    Attributes
    ----------
    table : DataFrame
        One row per fit, indexed by ``n_components`` or the names; `bayesmix.results.COLUMNS` has a sentence on each
        column.
    loos : mapping
        Name to pointwise LOO.
    passed : tuple
        Names of the fits that passed their checks.
    repaired : mapping
        Name to the labels of the rows that elpd was repaired for by refits; the first row of those that are equal.
    waics : mapping
        Name to WAIC.
    evidences : mapping
        Name to the evidence, where it was computed.
    audits : mapping
        Name to what the fit's components look like.

    Examples
    --------
    >>> choice.ranking.passed, sorted(choice.ranking.evidences)
    ((1, 2, 3), [1, 2, 3])
    >>> from bayesmix.results import COLUMNS
    >>> COLUMNS["r_hat"]
    'Largest R-hat; above 1.01 the fit has not converged and its row means nothing.'
    """

    table: pd.DataFrame
    loos: Mapping[Any, PointwiseLOO]
    passed: tuple[Any, ...]
    repaired: Mapping[Any, list[Any]] = field(default_factory=dict)
    waics: Mapping[Any, WAIC] = field(default_factory=dict)
    evidences: Mapping[Any, Evidence] = field(default_factory=dict)
    audits: Mapping[Any, Audit] = field(default_factory=dict)


def rank(
    posteriors: Mapping[Any, Posterior],
    failures: Mapping[Any, str],
    index_name: str,
    *,
    repair: bool = True,
    advance: Advance | None = None,
    evidences: Mapping[Any, Evidence] | None = None,
) -> Ranking:
    """Compare fits of the same data.

    Parameters
    ----------
    posteriors : mapping
        Name to fit.
    failures : mapping
        Name to the reason why there is no fit; they become rows of their own.
    index_name : str
        Name of the table's index.
    repair : bool, default True
        Whether rows that PSIS is not reliable for are refitted; see `bayesmix.exact`.
    advance : callable, optional
        Called with the number of refits done and their total over all fits.
    evidences : mapping, optional
        Name to the evidence, where it is known.

    Returns
    -------
    Ranking

    Raises
    ------
    InputError
        If the fits are of different data.
    """
    _refuse_different_data(posteriors)
    if repair:
        loos = repaired_loos(posteriors, advance=advance)
    else:
        loos = {name: pointwise_loo(posterior) for name, posterior in posteriors.items()}
    waics = {name: waic(posterior) for name, posterior in posteriors.items()}
    diagnoses = {name: check(posterior) for name, posterior in posteriors.items()}
    passed = tuple(name for name, diagnosis in diagnoses.items() if diagnosis.ok)
    versus_best = _versus_best(loos, passed)
    known = dict(evidences or {})
    rows: dict[Any, dict[str, Any]] = {}
    for name, posterior in posteriors.items():
        row = _row(loos[name], waics[name], diagnoses[name], posterior)
        if name in known:
            row |= {"log_evidence": known[name].value, "log_evidence_se": known[name].se}
        labels = _labels(posterior, loos[name].rows[loos[name].failed])
        rows[name] = row | versus_best.loc[name].to_dict() | {"note": _note(diagnoses[name], labels)}
    for name, reason in failures.items():
        rows[name] = {"note": reason}
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(COLUMNS))
    if index_name == "n_components":
        table = table.sort_index()
    table.index.name = index_name
    for column in ("n_high_k", "n_repaired", "n_high_p_waic", "divergences"):
        table[column] = table[column].astype("Int64")
    repaired = {name: _labels(posteriors[name], loo.rows[loo.repaired]) for name, loo in loos.items()}
    return Ranking(
        table,
        loos,
        passed,
        repaired,
        waics,
        known,
        {name: diagnosis.audit for name, diagnosis in diagnoses.items() if diagnosis.audit is not None},
    )


def _versus_best(loos: Mapping[Any, PointwiseLOO], passed: Sequence[Any]) -> pd.DataFrame:
    """Return differences and weights among the fits that passed their checks; among all where none did."""
    judged = {name: loos[name] for name in passed} or loos
    table = differences(judged).assign(weight=stacking_weights(judged)).reindex(list(loos))
    return table.assign(weight=table["weight"].fillna(0.0))


def _labels(posterior: Posterior, positions: npt.NDArray[np.intp]) -> list[Any]:
    """Return the labels of the first row of each distinct one at some positions."""
    rows = posterior.observations
    return rows.index[rows.first_rows[np.unique(positions)]].tolist()


def _note(diagnosis: Diagnosis, failed: Sequence[Any]) -> str:
    """Return why a fit, or its elpd, is not to be trusted."""
    sentences = [] if diagnosis.ok else [diagnosis.text]
    if failed:
        words = ("s", "refits without them") if len(failed) > 1 else ("", "the refit without it")
        sentences.append(
            f"elpd is rough for row{words[0]} {show_some(failed)}: {words[1]} did not converge, so an estimate with a "
            "high Pareto k stands. Fewer components or tighter priors usually help."
        )
    return " ".join(sentences)


def _refuse_different_data(posteriors: Mapping[Any, Posterior]) -> None:
    if not posteriors:
        raise InputError("a comparison must have at least one fit, got none. Pass {'name': fit, ...}.")
    items = list(posteriors.items())
    first_name, first = items[0]
    for name, posterior in items[1:]:
        if posterior.layout.names != first.layout.names:
            raise InputError(
                f"fits must be of the same columns to be compared, got {list(first.layout.names)} in {first_name!r} "
                f"and {list(posterior.layout.names)} in {name!r}. Refit them on the same columns."
                f"{_about_a_transformation(first, posterior)}"
            )
        one, other = _measure(first), _measure(posterior)
        if one != other and (_masses(first) != _masses(posterior) or posterior.info.digest != first.info.digest):
            raise InputError(
                f"fits must measure rows alike to be compared, got {one} in {first_name!r} and {other} in {name!r}: a "
                "density depends on the units and may be any size, the probability of an interval is at most 1 and "
                "grows with its width. Refit them with the same resolution= and families of one kind."
            )
        if posterior.info.digest != first.info.digest and (words := _about_labels(first, posterior)):
            raise InputError(
                f"fits must have used the same labels to be compared, got {words[0]} in {first_name!r} and {words[1]} "
                f"in {name!r}: a labelled row's density is that of its own class, with the class's share. Refit them "
                "with the same labels=, and classes= in one order, or all without."
            )
        if posterior.info.digest != first.info.digest:
            raise InputError(
                "fits must be of the same rows in the same order to be compared, got different data in "
                f"{first_name!r} ({first.info.n} rows of {first.info.name!r}) and {name!r} ({posterior.info.n} rows of "
                f"{posterior.info.name!r}). Refit them on the same data.{_about_a_transformation(first, posterior)}"
            )


def _about_labels(first: Posterior, other: Posterior) -> tuple[str, str] | None:
    """Say how many labels each fit used where that is all they differ in; where data are not stored, if one did."""
    if not (first.resolved.labelled or other.resolved.labelled):
        return None
    if first.data is None or other.data is None:
        used = "labels" if first.resolved.labelled else "none", "labels" if other.resolved.labelled else "none"
        return used if used[0] != used[1] else None
    if replace(first.data, known=None).digest != replace(other.data, known=None).digest:
        return None
    numbers = (
        0 if p.data is None or p.data.known is None else int((~np.isnan(p.data.known)).sum()) for p in (first, other)
    )
    one, two = (f"labels of {number} rows" if number else "none" for number in numbers)
    return (one, two) if one != two else (one, f"{two} that differ")


def _about_a_transformation(first: Posterior, other: Posterior) -> str:
    """Say what to do where one column looks like the other on another scale, such as its logarithm; else nothing."""
    if first.data is None or other.data is None or first.info.n != other.info.n or first.info.n < 3:
        return ""
    one, two = first.data.values, other.data.values
    if one.ndim > 1 or two.ndim > 1 or any(_masses(first)) or any(_masses(other)) or np.array_equal(one, two):
        return ""
    order = np.argsort(one, kind="stable")
    steps = np.diff(one[order]), np.diff(two[order])
    if not (np.array_equal(np.sign(steps[0]), np.sign(steps[1])) and steps[0].any()):
        return ""
    return (
        " One looks like the other on another scale: densities of transformed values lack the Jacobian, log|dx/dy| a "
        "row, so elpd and evidence cannot be compared. For logarithms fit the original column with "
        "family='log_normal', which is a density of the original values."
    )


def _masses(posterior: Posterior) -> tuple[bool, ...]:
    """Return whether each column's cells have probabilities."""
    blocks = posterior.resolved.blocks
    several = blocks[0].family.multivariate
    return tuple(
        blocks[0 if several else c].family.discrete or interval for c, interval in enumerate(posterior.layout.intervals)
    )


def _measure(posterior: Posterior) -> str:
    """Return what a row contributes: the kind of cells, and whether they have densities or probabilities."""
    pairs = zip(posterior.layout.names, _masses(posterior), strict=True)
    kinds = [f"{name}: {'probability' if mass else 'density'}" for name, mass in pairs]
    distinct = {kind.rsplit(": ", 1)[1] for kind in kinds}
    words = distinct.pop() if len(distinct) == 1 else ", ".join(kinds)
    return f"{words} of {posterior.info.measure}"


def _row(result: PointwiseLOO, information: WAIC, diagnosis: Diagnosis, posterior: Posterior) -> dict[str, Any]:
    rhat, bulk, tail = diagnosis.worst
    return {
        "elpd": result.elpd,
        "se": result.se,
        "p": result.p,
        "elpd_waic": information.elpd,
        "p_waic": information.p,
        "n_high_p_waic": information.n_unreliable,
        "pareto_k": float(result.pareto_k.max()),
        "n_high_k": result.n_high_k,
        "n_repaired": result.n_repaired,
        **_audited(diagnosis),
        "r_hat": rhat,
        "ess": min(bulk, tail),
        "divergences": diagnosis.divergences,
        "seconds": posterior.info.seconds,
    }


def _audited(diagnosis: Diagnosis) -> dict[str, float]:
    if diagnosis.audit is None:
        return {}
    facts = diagnosis.audit.facts
    return dict(zip(map(str, facts.index), facts["mean"].tolist(), strict=True))


def differences(loos: Mapping[Any, PointwiseLOO]) -> pd.DataFrame:
    """Return each fit's difference to the best one and its standard errors.

    Parameters
    ----------
    loos : mapping
        Name to pointwise LOO of the same rows.

    Returns
    -------
    DataFrame
        Indexed by fit: ``elpd_diff`` (<= 0); ``dse``, ``sqrt(n * var(difference))`` with divisor n, as ArviZ's;
        ``subsampling_dse``, the error from drawing rows at random, 0 where none were.
    """
    best = max(loos.values(), key=lambda loo: loo.elpd)
    rows = {
        name: {
            "elpd_diff": loo.elpd - best.elpd,
            "dse": weighted_se(loo.elpd_i - best.elpd_i, loo.counts),
            "subsampling_dse": loo.subsampling_se(best),
        }
        for name, loo in loos.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)


def stacking_weights(loos: Mapping[Any, PointwiseLOO]) -> FloatArray:
    """Return the stacking weights: the mixture of fits with the best leave-one-out density.

    Maximises ``sum_i c_i log(sum_k w_k exp(elpd_ik))`` over the simplex (Yao et al. 2018, equation 4), on elpd values
    shifted by the best per row: unshifted, wide data underflow to equal weights.

    Parameters
    ----------
    loos : mapping
        Name to pointwise LOO of the same rows.

    Returns
    -------
    ndarray, shape (fits,)
        Sums to 1.
    """
    from scipy.optimize import minimize

    elpd = np.stack([loo.elpd_i for loo in loos.values()], axis=1)
    density = np.exp(elpd - elpd.max(axis=1, keepdims=True))
    counts = next(iter(loos.values())).counts
    share = counts / counts.sum()
    k = density.shape[1]
    if k == 1:
        return np.ones(1)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        mixed = np.maximum(density @ weights, 1e-300)
        return -float(share @ np.log(mixed)), -(share / mixed) @ density

    on_simplex: Any = {"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like}
    found = minimize(
        loss,
        np.full(k, 1 / k),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * k,
        constraints=on_simplex,
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    weights: FloatArray = np.clip(found.x, 0.0, 1.0)
    return np.asarray(weights / weights.sum())


def clearly_worse(table: pd.DataFrame) -> pd.Series:
    """Return which fits are clearly worse than the best: ``elpd_diff < -2`` and ``elpd_diff < -error``.

    Parameters
    ----------
    table : DataFrame
        With columns ``elpd_diff``, ``dse`` and ``subsampling_dse``; the error is the root of the sum of their squares.
    """
    error = np.hypot(table["dse"], table["subsampling_dse"])
    return (table["elpd_diff"] < -CLEAR_DIFFERENCE) & (table["elpd_diff"] < -error)


def adequate(ranking: Ranking) -> list[Any]:
    """Return the fits that passed their checks and are not clearly worse than the best of these, in table order."""
    passed = [name for name in ranking.table.index if name in ranking.passed]
    if not passed:
        return []
    worse = clearly_worse(differences({name: ranking.loos[name] for name in passed}))
    return [name for name in passed if not worse[name]]
