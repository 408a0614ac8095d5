"""What a comparison allows to conclude, in sentences that can be pasted into a report."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesmix.comparison import CLEAR_DIFFERENCE, Ranking, adequate, clearly_worse, differences
from bayesmix.criteria import WAIC
from bayesmix.data import show_some
from bayesmix.evidence import MAX_ERROR, Evidence
from bayesmix.posterior import FitInfo, Posterior
from bayesmix.selection import EVIDENT, bayes_factor_in_words, shown_factor

__all__ = ["adequate_by_waic", "sentences", "unrepaired_rows"]


def sentences(ranking: Ranking, info: FitInfo, unrepaired: Mapping[Any, Sequence[Any]] | None = None) -> list[str]:
    """Put a ranking into words.

    Parameters
    ----------
    ranking : Ranking
        Of numbers of components, or of named fits.
    info : FitInfo
        Of any of the fits.
    unrepaired : mapping, optional
        Name to the labels of the rows that PSIS cannot be trusted for and that no refit replaced; only their number is
        told without it.

    Returns
    -------
    list of str
        Which fits are clearly worse, which cannot be told apart, the smallest adequate one; whether LOO, WAIC and the
        evidence agree; what to beware of. Fits that failed their checks are never recommended.
    """
    by_count = ranking.table.index.name == "n_components"
    label = "K = {}" if by_count else "{!r}"
    fitted, passed = [name for name in ranking.table.index if name in ranking.loos], _passed(ranking)
    units = f"{info.n} rows" + ("" if info.total == info.n else f" that stand for {info.total:g}")
    start = [f"Compared by LOO on {units} of {info.name!r}: {_listed(fitted, label)}."]
    candidates = adequate(ranking)
    if not candidates:
        return [
            *start,
            "No fit passed its checks, so nothing can be concluded; the column 'note' of the table says what to do.",
        ]
    if len(passed) == 1:
        decision = [_alone(ranking, passed[0], label, by_count=by_count)]
    else:
        decision = [
            *_by_loo(ranking, candidates, label, by_count=by_count),
            *_other_criteria(ranking, candidates[0], label, by_count=by_count),
            *_worth(ranking, candidates, by_count=by_count),
        ]
    return [
        *start,
        *decision,
        *_components(ranking, candidates[0], label, by_count=by_count),
        *_cautions(ranking, candidates[0], label, info.total, unrepaired or {}, by_count=by_count),
    ]


def unrepaired_rows(ranking: Ranking, posteriors: Mapping[Any, Posterior]) -> dict[Any, list[Any]]:
    """Return by name the labels of the rows that PSIS is unreliable for and no refit replaced; of equal ones the first.

    Parameters
    ----------
    ranking : Ranking
    posteriors : mapping
        Name to the fit that was ranked.
    """
    left = {}
    for name, loo in ranking.loos.items():
        if loo.n_unrepaired:
            rows = posteriors[name].observations
            positions = np.unique(loo.rows[loo.unrepaired])
            left[name] = rows.index[rows.first_rows[positions]].tolist()
    return left


def _passed(ranking: Ranking) -> list[Any]:
    return [name for name in ranking.table.index if name in ranking.passed]


def _listed(names: Sequence[Any], label: str) -> str:
    """``K = 1, 2, 3`` or ``'a', 'b'``."""
    first, *rest = names
    short = label.removeprefix("K = ")
    return ", ".join([label.format(first), *(short.format(name) for name in rest)])


def _alone(ranking: Ranking, name: Any, label: str, *, by_count: bool) -> str:
    who = f"{label.format(name)} is the only fit" + (" that passed its checks" if len(ranking.table) > 1 else "")
    what = "what number of components is adequate" if by_count else "which fit is better"
    return (
        f"{who} (elpd {ranking.loos[name].elpd:.1f}): there is nothing to compare it with, so nothing can be "
        f"concluded about {what}."
    )


def _by_loo(ranking: Ranking, candidates: Sequence[Any], label: str, *, by_count: bool) -> list[str]:
    # Differences to the best of the fits that passed: a failed one is nothing to be measured against.
    passed = {name: ranking.loos[name] for name in _passed(ranking)}
    table = differences(passed).assign(elpd=[loo.elpd for loo in passed.values()])
    table["error"] = np.hypot(table["dse"], table["subsampling_dse"])
    best, top = candidates[0], table["elpd"].idxmax()
    out = []
    worse = table[clearly_worse(table)]
    if len(worse):
        listed = "; ".join(
            f"{label.format(name)} (elpd_diff {row['elpd_diff']:.1f}, dse {row['error']:.1f})"
            for name, row in worse.iterrows()
        )
        each = "each " if len(worse) > 1 else ""
        out.append(
            f"Clearly worse than the best: {listed}, {each}by more than {CLEAR_DIFFERENCE:g} and by more than its dse."
        )
    if len(candidates) > 1:
        out.append(
            f"By predictive accuracy {_listed(candidates, label)} cannot be told apart with these data: none is "
            f"below the best by both more than {CLEAR_DIFFERENCE:g} and more than its standard error."
        )
    first, highest = table.loc[[best]].iloc[0], table.loc[[top]].iloc[0]
    if len(candidates) == 1:
        out.append(f"{label.format(best)} predicts best (elpd {first['elpd']:.1f}).")
    elif top == best:
        out.append(f"{label.format(best)} has the highest elpd ({first['elpd']:.1f}).")
    else:
        out.append(
            f"{label.format(top)} has the highest elpd ({highest['elpd']:.1f}), {label.format(best)} is "
            f"{-first['elpd_diff']:.1f} lower (dse {first['error']:.1f})."
        )
    if by_count:
        out.append(f"The smallest adequate number of components is {best}.")
    else:
        out.append(f"The first adequate one in the order given is {label.format(best)}.")
    return out


def adequate_by_waic(ranking: Ranking) -> Any:
    """Return the first fit that passed its checks and is not clearly worse than the best by WAIC; None without any."""
    passed = [name for name in _passed(ranking) if name in ranking.waics]
    if not passed:
        return None
    top = ranking.waics[max(passed, key=lambda name: ranking.waics[name].elpd)]
    return next(name for name in passed if not _worse(ranking.waics[name], top, ranking.loos[name].n))


def _worse(one: WAIC, best: WAIC, units: float) -> bool:
    apart = one.elpd_i - best.elpd_i
    # Pointwise values are one a row, totals of all units: rows with weights are taken to stand for equally many.
    error = float(np.sqrt(units * np.mean((apart - apart.mean()) ** 2)))
    return one.elpd - best.elpd < -max(CLEAR_DIFFERENCE, error)


def _other_criteria(ranking: Ranking, best: Any, label: str, *, by_count: bool) -> list[str]:
    """Say whether WAIC and the evidence agree with LOO's choice."""
    waic, known = adequate_by_waic(ranking), _known_evidences(ranking)
    missing = [name for name in _passed(ranking) if name not in known]
    near = _near(known)
    if near and waic == best == near[0] and not missing:
        return [f"WAIC and the evidence agree: {_evidence_words(known, near, label)}."]
    out = []
    if waic == best:
        out.append(f"WAIC agrees on {label.format(best)}.")
    elif waic is not None:
        unreliable = int(ranking.table["n_high_p_waic"].reindex([waic, best]).fillna(0).max())
        rows = f"{unreliable} rows" if unreliable > 1 else "a row"
        doubt = f", though its penalty is unreliable for up to {rows}" if unreliable else ""
        kind = f"smallest adequate number is {waic}" if by_count else f"first adequate one is {waic!r}"
        out.append(f"WAIC disagrees: by it the {kind}{doubt}.")
    if not near:
        return out
    words = _evidence_words(known, near, label)
    without = f", not known for {_listed(missing, label)}," if missing else ""
    if best in missing:
        out.append(f"The evidence is not known for {_listed(missing, label)}; among the others, {words}.")
    elif near[0] == best:
        out.append(f"The evidence{without} agrees: {words}.")
    else:
        remark = "Evidence depends on the width of the priors far more than LOO does."
        out.append(f"The evidence{without} disagrees: {words}. {remark}")
    return out


def _known_evidences(ranking: Ranking) -> dict[Any, Evidence]:
    known = {name: ranking.evidences[name] for name in _passed(ranking) if name in ranking.evidences}
    return {name: e for name, e in known.items() if np.isfinite(e.value) and np.isfinite(e.se)}


def _near(known: Mapping[Any, Evidence]) -> list[Any]:
    """Return the fits that the evidence does not speak against; none where there are fewer than two to compare."""
    if len(known) < 2:
        return []
    top = max(e.value for e in known.values())
    return [name for name, e in known.items() if top - e.value < np.log(EVIDENT)]


def _evidence_words(known: Mapping[Any, Evidence], near: Sequence[Any], label: str) -> str:
    top = max(known, key=lambda name: known[name].value)
    gap = {name: known[top].value - e.value for name, e in known.items()}
    words = [f"by the evidence {_listed(near, label)} cannot be told apart (Bayes factors below {EVIDENT:g})"]
    if len(near) == 1:
        words = [f"the data are most probable under {label.format(top)}"]
    far = sorted((name for name in known if name not in near), key=lambda name: gap[name])
    if far:
        strength = bayes_factor_in_words(float(np.exp(min(gap[far[0]], 700.0))))
        rest = " (larger against the others)" if len(far) > 1 else ""
        words.append(
            f"the Bayes factor against {label.format(far[0])} is {shown_factor(gap[far[0]])}, {strength} evidence{rest}"
        )
    error = max(known[name].se for name in [*near, *far[:1]])
    if error > MAX_ERROR:
        words.append(f"the Monte-Carlo error of the log evidence is up to {error:.2g}, so Bayes factors are rough")
    return "; ".join(words)


def _worth(ranking: Ranking, candidates: Sequence[Any], *, by_count: bool) -> list[str]:
    """Say what the choice is worth: undecided, or at the edge of what was tried."""
    best, passed, tried = candidates[0], _passed(ranking), list(ranking.table.index)
    undecided = len(candidates) == len(passed)
    if not by_count:
        return [f"So these data do not decide: {best!r} is named only because it comes first."] if undecided else []
    out = []
    known = "" if set(tried) == set(passed) else " that passed their checks"
    if undecided:
        out.append(
            f"So these data cannot tell the number of components: {best} is the simplest description, not a finding "
            "that there are no more."
        )
    elif best == max(tried):
        out.append(
            f"{best} is the largest number tried and the smaller ones{known} are clearly worse: try larger ones."
        )
    elif best == max(passed):
        out.append(f"No fit of more than {best} passed its checks, so that more may be needed.")
    elif len(candidates) > 1:
        out.append(f"So these data speak for at least {best}, but do not tell whether there are more.")
    if best == min(tried) > 1:
        out.append(f"Fewer than {best} were not tried and may do as well.")
    return out


def _components(ranking: Ranking, best: Any, label: str, *, by_count: bool) -> list[str]:
    """Say what the components of the choice are, and are not."""
    audit, out = ranking.audits.get(best), []
    several = best > 1 if by_count else audit is not None and len(audit.pairs) > 0
    if several:
        out.append(
            "Components are not groups: a group that is skewed or heavy-tailed takes several components, so look at "
            "the density and compare other families before calling them groups."
        )
    if audit is not None and audit.findings:
        out.append(f"What the checks of {label.format(best)} note: {' '.join(audit.findings)}")
    return out


def _cautions(
    ranking: Ranking, best: Any, label: str, n: float, unrepaired: Mapping[Any, Sequence[Any]], *, by_count: bool
) -> list[str]:
    table = ranking.table
    out = [*_repairs(ranking, label, unrepaired), *_not_considered(ranking, best, label, by_count=by_count)]
    sampled = [loo for loo in ranking.loos.values() if loo.sampled]
    if sampled:
        out.append(
            f"LOO was estimated from {len(sampled[0].rows)} rows drawn at random, which adds an error of up to "
            f"{table['subsampling_dse'].max():.2g} to differences."
        )
    if n < 100 and len(_passed(ranking)) > 1:
        out.append(f"With {n:g} rows the standard errors of differences are rough and tend to be too small.")
    return out


def _not_considered(ranking: Ranking, best: Any, label: str, *, by_count: bool) -> list[str]:
    failed = [name for name in ranking.table.index if name not in ranking.passed]
    if not failed:
        return []
    out = [f"Not considered, see the column 'note' of the table: {_listed(failed, label)}."]
    if by_count and min(failed) < best:
        out.append(f"Whether fewer than {best} would do is therefore open.")
    top = max(ranking.loos[name].elpd for name in _passed(ranking))
    higher = [name for name in failed if name in ranking.loos and ranking.loos[name].elpd > top]
    if higher:
        out.append(f"That elpd is higher for {_listed(higher, label)} means nothing before these checks are passed.")
    return out


def _repairs(ranking: Ranking, label: str, unrepaired: Mapping[Any, Sequence[Any]]) -> list[str]:
    repaired = {name: rows for name, rows in ranking.repaired.items() if rows}
    out = []
    if repaired:
        listed = ", ".join(f"{label.format(name)} ({_rows(rows)})" for name, rows in repaired.items())
        out.append(f"Exact refits replaced LOO's approximation where it was unreliable: {listed}.")
    left = [name for name, loo in ranking.loos.items() if loo.n_unrepaired]
    if left:
        out.append(
            "LOO is less certain where its approximation is unreliable and no refit replaced it: "
            f"{', '.join(_left(ranking, name, label, unrepaired.get(name, ())) for name in left)}."
        )
    return out


def _left(ranking: Ranking, name: Any, label: str, rows: Sequence[Any]) -> str:
    loo = ranking.loos[name]
    n = loo.n_unrepaired
    which = _rows(rows) if len(rows) else f"{n} row{'s' if n > 1 else ''}"
    return f"{label.format(name)} ({which}; Pareto k up to {loo.pareto_k[loo.unrepaired].max():.2f})"


def _rows(labels: Sequence[Any]) -> str:
    return f"{'rows' if len(labels) > 1 else 'row'} {show_some(labels)}"
