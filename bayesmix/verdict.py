"""What a comparison allows to conclude, in sentences that can be pasted into a report."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.comparison import CLEAR_DIFFERENCE, Ranking, adequate, clearly_worse, differences
from bayesmix.criteria import WAIC
from bayesmix.data import show_some
from bayesmix.evidence import MAX_ERROR
from bayesmix.posterior import FitInfo
from bayesmix.selection import EVIDENT, bayes_factor_in_words

__all__ = ["adequate_by_waic", "sentences"]


def sentences(ranking: Ranking, info: FitInfo) -> list[str]:
    """Put a ranking into words.

    Parameters
    ----------
    ranking : Ranking
        Of numbers of components, or of named fits.
    info : FitInfo
        Of any of the fits.

    Returns
    -------
    list of str
        Which fits are clearly worse, which cannot be told apart, the smallest adequate one; whether LOO, WAIC and the
        evidence agree; what to beware of. Fits that failed their checks are never recommended.
    """
    by_count = ranking.table.index.name == "n_components"
    label = "K = {}" if by_count else "{!r}"
    fitted = [name for name in ranking.table.index if name in ranking.loos]
    start = [f"Compared by LOO on {info.n} rows of {info.name!r}: {_listed(fitted, label)}."]
    candidates = adequate(ranking)
    if not candidates:
        return [*start, "No fit passed its checks, so nothing can be concluded; the column 'note' says what to do."]
    return [
        *start,
        *_by_loo(ranking, candidates, label, by_count=by_count),
        *_other_criteria(ranking, candidates[0], label, by_count=by_count),
        *_meaning(ranking, candidates, label, by_count=by_count),
        *_cautions(ranking, label, info.total),
    ]


def _listed(names: Sequence[Any], label: str) -> str:
    """``K = 1, 2, 3`` or ``'a', 'b'``."""
    first, *rest = names
    short = label.removeprefix("K = ")
    return ", ".join([label.format(first), *(short.format(name) for name in rest)])


def _by_loo(ranking: Ranking, candidates: Sequence[Any], label: str, *, by_count: bool) -> list[str]:
    # Differences to the best of the fits that passed: a failed one is nothing to be measured against.
    passed = {name: ranking.loos[name] for name in ranking.table.index if name in ranking.passed}
    table = differences(passed).assign(elpd=[loo.elpd for loo in passed.values()])
    best, top = candidates[0], table["elpd"].idxmax()
    out = []
    worse = table[clearly_worse(table)]
    if len(worse):
        listed = "; ".join(
            f"{label.format(name)} (elpd_diff {row['elpd_diff']:.1f}, dse {row['dse']:.1f})"
            for name, row in worse.iterrows()
        )
        out.append(f"Clearly worse than the best: {listed}.")
    if len(candidates) > 1:
        out.append(f"By predictive accuracy {_listed(candidates, label)} cannot be told apart with these data.")
    first, highest = table.loc[[best]].iloc[0], table.loc[[top]].iloc[0]
    if top == best:
        out.append(f"{label.format(best)} predicts best (elpd {first['elpd']:.1f}).")
    else:
        out.append(
            f"{label.format(top)} has the highest elpd ({highest['elpd']:.1f}), but {label.format(best)} is only "
            f"{-first['elpd_diff']:.1f} lower (dse {first['dse']:.1f})."
        )
    if by_count:
        out.append(f"The smallest adequate number of components is {best}.")
    else:
        out.append(f"The first adequate one in the order given is {label.format(best)}.")
    return out


def adequate_by_waic(ranking: Ranking) -> Any:
    """Return the first fit that passed its checks and is not clearly worse than the best by WAIC; None without any."""
    passed = [name for name in ranking.table.index if name in ranking.passed and name in ranking.waics]
    if not passed:
        return None
    top = ranking.waics[max(passed, key=lambda name: ranking.waics[name].elpd)]
    return next(name for name in passed if not _worse(ranking.waics[name], top))


def _worse(one: WAIC, best: WAIC) -> bool:
    apart = one.elpd_i - best.elpd_i
    error = float(np.sqrt(np.sum((apart - apart.mean()) ** 2)))
    return one.elpd - best.elpd < -max(CLEAR_DIFFERENCE, error)


def _other_criteria(ranking: Ranking, best: Any, label: str, *, by_count: bool) -> list[str]:
    """Say whether WAIC and the evidence agree with LOO's choice."""
    waic, weighed = adequate_by_waic(ranking), _by_evidence(ranking, label)
    if waic == best and weighed is not None and weighed[0] == best:
        return [f"WAIC and the evidence agree: {weighed[1]}."]
    out = []
    if waic == best:
        out.append(f"WAIC agrees on {label.format(best)}.")
    elif waic is not None:
        unreliable = int(ranking.table["n_high_p_waic"].reindex([waic, best]).fillna(0).max())
        doubt = f", though its penalty is unreliable for up to {unreliable} rows" if unreliable else ""
        kind = "the smallest adequate number is" if by_count else "the first adequate one is"
        out.append(f"WAIC disagrees: by it {kind} {label.format(waic)}{doubt}.")
    if weighed is not None:
        name, words = weighed
        agrees = "agrees" if name == best else "disagrees"
        remark = "" if name == best else " Evidence depends on the width of the priors far more than LOO does."
        out.append(f"The evidence {agrees}: {words}.{remark}")
    return out


def _by_evidence(ranking: Ranking, label: str) -> tuple[Any, str] | None:
    """Return the first fit that the evidence does not speak against, among those that passed, with the figures."""
    known = {name: e for name, e in ranking.evidences.items() if name in ranking.passed}
    known = {name: e for name, e in known.items() if np.isfinite(e.value) and np.isfinite(e.se)}
    if len(known) < 2:
        return None
    top = max(known, key=lambda name: known[name].value)
    gap = {name: known[top].value - e.value for name, e in known.items()}
    near = [name for name in known if gap[name] < np.log(EVIDENT)]
    words = [f"by it {_listed(near, label)} cannot be told apart (Bayes factors below {EVIDENT:g})"]
    if len(near) == 1:
        words = [f"the data are most probable under {label.format(top)}"]
    far = [name for name in known if name not in near]
    if far:
        closest = min(far, key=lambda name: gap[name])
        strength = bayes_factor_in_words(float(np.exp(min(gap[closest], 700.0))))
        shown = f"{np.exp(gap[closest]):.2g}" if gap[closest] < 9 else f"exp({gap[closest]:.0f})"
        rest = " (and more against the others)" if len(far) > 1 else ""
        words.append(f"the Bayes factor against {label.format(closest)} is {shown}, {strength} evidence{rest}")
    rough = [name for name in near if known[name].se > MAX_ERROR]
    if rough:
        words.append(f"with a Monte-Carlo error of {max(known[name].se for name in rough):.2g} in the log")
    return near[0], "; ".join(words)


def _meaning(ranking: Ranking, candidates: Sequence[Any], label: str, *, by_count: bool) -> list[str]:
    """Say what the choice is worth: undecided, at the edge of what was tried, components instead of groups."""
    if not by_count:
        return []
    out, best, tried = [], candidates[0], [name for name in ranking.table.index if name in ranking.passed]
    if len(candidates) == len(tried) > 1:
        out.append(
            f"So these data cannot tell the number of components: {best} is the simplest description, not a finding "
            "that there are no more."
        )
    elif best == max(ranking.table.index) and best > 1:
        out.append(f"{best} is the largest number tried and every smaller one is clearly worse: try larger ones too.")
    if best > 1:
        out.append(
            "Components are not groups: skewed or heavy-tailed data take several components for one group, so look at "
            "the density and compare other families before calling them groups."
        )
        audit = ranking.audits.get(best)
        if audit is not None and audit.findings:
            out.append(f"Of {label.format(best)}: {' '.join(audit.findings)}")
    return out


def _cautions(ranking: Ranking, label: str, n: float) -> list[str]:
    table = ranking.table
    out = _repairs(ranking, label)
    failed = [name for name in table.index if name not in ranking.passed]
    if failed:
        out.append(f"Not considered, see the column 'note': {_listed(failed, label)}.")
    sampled = [loo for loo in ranking.loos.values() if loo.sampled]
    if sampled:
        out.append(
            f"LOO was estimated from {len(sampled[0].rows)} rows drawn at random, which adds an error of up to "
            f"{table['subsampling_dse'].max():.2g} to differences."
        )
    if n < 100 and len(table) > 1:
        out.append(f"With {n:g} rows the standard errors of differences are rough and tend to be too small.")
    return out


def _repairs(ranking: Ranking, label: str) -> list[str]:
    repaired = {name: rows for name, rows in ranking.repaired.items() if rows}
    out = []
    if repaired:
        listed = ", ".join(f"{label.format(name)} ({_rows(rows)})" for name, rows in repaired.items())
        out.append(f"Exact refits replaced LOO's approximation where it was unreliable: {listed}.")
    left = _left(ranking.table)
    if len(left):
        listed = ", ".join(
            f"{label.format(name)} ({row['n_high_k'] - row['n_repaired']} row"
            f"{'s' if row['n_high_k'] - row['n_repaired'] > 1 else ''}, k up to {row['pareto_k']:.2f})"
            for name, row in left.iterrows()
        )
        out.append(f"LOO is less certain for {listed}.")
    return out


def _left(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["n_high_k"].fillna(0) > table["n_repaired"].fillna(0)).astype(bool)]


def _rows(labels: list[Any]) -> str:
    return f"{'rows' if len(labels) > 1 else 'row'} {show_some(labels)}"
