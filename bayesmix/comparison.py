"""Compare fits of the same data by their expected log predictive density, and say what that allows to conclude."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.criteria import WAIC, loo, waic
from bayesmix.diagnostics import Diagnosis, check
from bayesmix.errors import InputError
from bayesmix.posterior import Posterior

__all__ = ["CLEAR_DIFFERENCE", "COLUMNS", "Ranking", "adequate", "clearly_worse", "differences", "rank"]

CLEAR_DIFFERENCE = 2.0
"""A difference in elpd below this is never called clear, however small its standard error."""

COLUMNS = {
    "elpd": "PSIS-LOO estimate of the expected log predictive density of new rows, in nats; higher is better. "
    "Distrust it where n_high_k > 0.",
    "se": "Standard error of elpd over rows. Of little use for comparing fits: use dse.",
    "elpd_diff": "elpd minus the best elpd, <= 0.",
    "dse": "Standard error of elpd_diff over rows. Rough, usually too small, below about 100 rows.",
    "weight": "Stacking weight: the mixture of these fits that predicts best. It shares out weight among near equals, "
    "so a small weight is no evidence against a fit.",
    "p": "Effective number of parameters by LOO. Far above the number of parameters means misfit or too few rows.",
    "elpd_waic": "WAIC estimate of the same elpd. Distrust it where n_high_p_waic > 0, and prefer elpd.",
    "p_waic": "Effective number of parameters by WAIC.",
    "n_high_p_waic": "Rows whose WAIC penalty exceeds 0.4, where WAIC is unreliable.",
    "pareto_k": "Largest Pareto k: how heavily LOO leans on few draws for its worst row.",
    "n_high_k": "Rows whose Pareto k exceeds the reliable limit, min(1 - 1 / log10(draws), 0.7).",
    "r_hat": "Largest R-hat; above 1.01 the fit has not converged and its row means nothing.",
    "ess": "Smallest effective sample size, bulk or tail; below 400 interval ends are noisy.",
    "divergences": "Divergent draws; above 0 the fit may have missed a narrow region.",
    "seconds": "Wall-clock seconds of the fit.",
    "note": "Empty, or why the fit is missing or not to be trusted.",
}


@dataclass(frozen=True, eq=False)
class Ranking:
    """The outcome of a comparison.

    Attributes
    ----------
    table : DataFrame
        One row per fit; columns as in `COLUMNS`.
    elpd_i : DataFrame
        Pointwise elpd, rows of data by fits.
    passed : tuple
        Names of the fits that passed their checks.
    """

    table: pd.DataFrame
    elpd_i: pd.DataFrame
    passed: tuple[Any, ...]


def rank(posteriors: Mapping[Any, Posterior], failures: Mapping[Any, str], index_name: str) -> Ranking:
    """Compare fits of the same data.

    Parameters
    ----------
    posteriors : mapping
        Name to fit.
    failures : mapping
        Name to the reason why there is no fit; they become rows of their own.
    index_name : str
        Name of the table's index.

    Returns
    -------
    Ranking

    Raises
    ------
    InputError
        If the fits are of different data.
    """
    _refuse_different_data(posteriors)
    loos = {name: loo(p) for name, p in posteriors.items()}
    pointwise = pd.DataFrame({name: np.ravel(result.elpd_i.values) for name, result in loos.items()})
    versus_best = differences(pointwise).assign(weight=_stacking_weights(loos))
    rows: dict[Any, dict[str, Any]] = {}
    passed = []
    for name, posterior in posteriors.items():
        diagnosis = check(posterior)
        if diagnosis.ok:
            passed.append(name)
        row = _row(loos[name], waic(posterior), diagnosis, posterior)
        rows[name] = row | versus_best.loc[name].to_dict() | {"note": "" if diagnosis.ok else diagnosis.text}
    for name, reason in failures.items():
        rows[name] = {"note": reason}
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(COLUMNS))
    if all(isinstance(name, int) for name in rows):
        table = table.sort_index()
    table.index.name = index_name
    for column in ("n_high_k", "n_high_p_waic", "divergences"):
        table[column] = table[column].astype("Int64")
    return Ranking(table, pointwise, tuple(passed))


def _refuse_different_data(posteriors: Mapping[Any, Posterior]) -> None:
    if not posteriors:
        raise InputError("a comparison must have at least one fit, got none. Pass {'name': fit, ...}.")
    items = list(posteriors.items())
    first_name, first = items[0]
    for name, posterior in items[1:]:
        if posterior.info.digest != first.info.digest:
            raise InputError(
                "fits must be of the same rows in the same order to be compared, got different data in "
                f"{first_name!r} ({first.info.n} rows of {first.info.name!r}) and {name!r} ({posterior.info.n} rows of "
                f"{posterior.info.name!r}). Refit them on the same data."
            )


def _row(result: Any, information: WAIC, diagnosis: Diagnosis, posterior: Posterior) -> dict[str, Any]:
    k_values = result.pareto_k.values
    rhat, bulk, tail = diagnosis.worst
    return {
        "elpd": float(result.elpd),
        "se": float(result.se),
        "p": float(result.p),
        "elpd_waic": information.elpd,
        "p_waic": information.p,
        "n_high_p_waic": information.n_unreliable,
        "pareto_k": float(np.max(k_values)),
        "n_high_k": int(np.sum(k_values > result.good_k)),
        "r_hat": rhat,
        "ess": min(bulk, tail),
        "divergences": diagnosis.divergences,
        "seconds": posterior.info.seconds,
    }


def differences(elpd_i: pd.DataFrame) -> pd.DataFrame:
    """Return each fit's difference to the best one and its standard error.

    Parameters
    ----------
    elpd_i : DataFrame
        Pointwise elpd, rows of data by fits.

    Returns
    -------
    DataFrame
        Indexed by fit: ``elpd_diff`` (<= 0) and ``dse``, ``sqrt(n * var(difference))`` with divisor n, as ArviZ's.
    """
    to_best = elpd_i.sub(elpd_i[elpd_i.sum().idxmax()], axis=0)
    return pd.DataFrame({"elpd_diff": to_best.sum(), "dse": np.sqrt(len(to_best) * to_best.var(ddof=0))})


def _stacking_weights(loos: Mapping[Any, Any]) -> pd.Series:
    """Return stacking weights by ArviZ, on elpd values shifted per row.

    ArviZ's stacking exponentiates elpd_i as it stands and underflows to equal weights on wide data; a constant per row
    does not change the weights.
    """
    from arviz_stats import compare

    if len(loos) == 1:
        return pd.Series(1.0, index=pd.Index(list(loos)))
    top = np.max([r.elpd_i.values for r in loos.values()], axis=0)
    shifted = {}
    for position, result in enumerate(loos.values()):
        pointwise = result.elpd_i - top
        # ArviZ labels and sorts by these keys; positions keep the user's names, whatever their type.
        shifted[str(position)] = replace(result, elpd_i=pointwise, elpd=float(pointwise.sum()))
    weights = compare(shifted, method="stacking", round_to="none")["weight"].astype(float)
    return pd.Series(weights.loc[[str(i) for i in range(len(loos))]].clip(0.0, 1.0).to_numpy(), index=list(loos))


def clearly_worse(table: pd.DataFrame) -> pd.Series:
    """Return which fits are clearly worse than the best: ``elpd_diff < -2`` and ``elpd_diff < -dse``.

    Parameters
    ----------
    table : DataFrame
        With columns ``elpd_diff`` and ``dse``.
    """
    return (table["elpd_diff"] < -CLEAR_DIFFERENCE) & (table["elpd_diff"] < -table["dse"])


def adequate(ranking: Ranking) -> list[Any]:
    """Return the fits that passed their checks and are not clearly worse than the best of these, in table order."""
    passed = [name for name in ranking.table.index if name in ranking.passed]
    if not passed:
        return []
    worse = clearly_worse(differences(ranking.elpd_i[passed]))
    return [name for name in passed if not worse[name]]
