"""Classifying each row by a fit that has not seen it.

Two memberships of a fitted row bear similar names and are different things:

*Posterior membership*, ``E[r_ik | y]``, is the probability, given all data, that row i belongs to component k. It is
the coherent answer to "which group is this row in?", and an unlabelled row cannot flatter itself: y_i is evidence. It
is what `bayesmix.assignment.assignments` returns, and no leave-one-out quantity.

*Leave-one-out membership*, ``E[r_ik | y_-i]``, is what a fit to the other rows says of row i when it meets it: the
mean over draws that have not seen y_i of ``w_k f(y_i | k) / sum_j w_j f(y_i | j)``. It answers "how would a new row
like this one be classified?" and is what an honest accuracy of the procedure needs.

The second needs no refits: draws of the full posterior are reweighted by ``1 / p(y_i | theta)``, smoothed as in PSIS
(Vehtari, Simpson, Gelman, Yao & Gabry 2024, Pareto smoothed importance sampling, JMLR 25, 72). Rows whose weights are
unreliable (Pareto k too high) are left out by a refit. Labels play no part, except to say which component means which
class; where that is learned from labels, a row's own label has no say in its own mapping.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from bayesmix import display
from bayesmix.assignment import batch_error, log_responsibilities, table_draws, with_data
from bayesmix.criteria import good_k, relative_efficiency
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.evaluation import evaluate_rule
from bayesmix.exact import LeftOut, can_refit, only_labels, refit_without
from bayesmix.intervals import CredibleInterval
from bayesmix.labels import Labels, best_match, class_log_prob, declared_mapping, read_labels
from bayesmix.likelihood import mean_responsibilities, row_chunks, row_log_density
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.relabeling import agree_with
from bayesmix.scores import log_sum_exp, one_vs_rest_log_odds

__all__ = [
    "LooEvaluation",
    "LooMemberships",
    "efficiency_of_rows",
    "evaluate_left_out",
    "loo_assignments",
    "loo_memberships",
    "psis_weights",
]

_MAX_ROWS, _EFFICIENCY_ROWS = 20_000, 1000
_CERTAIN = 1e290  # log-odds of a class without a component


@dataclass(frozen=True, eq=False)
class LooMemberships:
    """Memberships of the fitted rows by fits without them, for the distinct rows.

    Attributes
    ----------
    log_probability : ndarray, shape (d, M)
        Logs of ``E[r_ik | y_-i]``.
    log_odds : ndarray, shape (d, M)
        Means of the log-odds of each component, which rank rows that are all but certain.
    mc_error : ndarray, shape (d,)
        Monte-Carlo standard error of the largest probability.
    pareto_k : ndarray, shape (d,)
        Of the importance weights; NaN for rows in which nothing was observed.
    refitted, failed : ndarray of bool, shape (d,)
        Whether a refit stands in for the weights; whether one was wanted but did not converge or could not be made.
    """

    log_probability: FloatArray
    log_odds: FloatArray
    mc_error: FloatArray
    pareto_k: FloatArray
    refitted: np.ndarray
    failed: np.ndarray


def loo_memberships(posterior: Posterior, *, exact: bool = False) -> LooMemberships:
    """Classify every distinct row by the posterior without one unit of it.

    Kept for the life of the posterior, so that asking again costs nothing.

    Parameters
    ----------
    posterior : Posterior
    exact : bool, default False
        Refit without every distinct row, not only where the Pareto k is too high.

    Raises
    ------
    InputError
        If there are more than 20 000 distinct rows, or weights that are no counts.
    """
    kept = _KEPT.setdefault(posterior, {})
    if exact not in kept:
        kept[exact] = _compute(posterior, exact=exact)
    return kept[exact]


_KEPT: "WeakKeyDictionary[Posterior, dict[bool, LooMemberships]]" = WeakKeyDictionary()


def _compute(posterior: Posterior, *, exact: bool) -> LooMemberships:
    rows = posterior.observations
    if not rows.weights_are_counts:
        raise InputError(
            "leave-one-out needs rows that stand for whole units, but the weights are no counts. Fit counts, or rows "
            "without weights."
        )
    cells = rows.distinct.cells
    if len(cells) > _MAX_ROWS:
        raise InputError(
            f"leave-one-out classification must be of at most {_MAX_ROWS} distinct rows, got {len(cells)}. With so "
            "many one row hardly moves the fit: use assignments(), or fit a sample of the rows."
        )
    draws, width = posterior.arrays, len(posterior.component_labels)
    told, pareto_k = _Told.empty(len(cells), width), np.full(len(cells), np.nan)
    r_eff = efficiency_of_rows(posterior, cells)
    for chunk in row_chunks(len(cells), draws.weights.size):
        log_weights, pareto_k[chunk] = psis_weights(row_log_density(posterior, draws, cells[chunk]), r_eff)
        told.fill(chunk, _log_r(posterior, draws, cells[chunk]), log_weights)
    refitted, failed = np.zeros(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool)
    lonely = np.isin(np.arange(len(cells)), only_labels(posterior))
    known = can_refit(posterior, wanted=exact)
    for i in np.flatnonzero(np.full(len(cells), exact) | (pareto_k > good_k(draws.n_draws)) | lonely).tolist():
        left_out, drawn = refit_without(posterior, i) if known else (LeftOut(), None)
        if drawn is None or not left_out.converged:
            failed[i] = True
            continue
        refitted[i] = True
        again = agree_with(posterior, drawn.arrays)
        log_r = _log_r(posterior, again, cells[[i]])
        equal = np.full((again.n_draws, 1), -np.log(again.n_draws))
        told.fill(slice(i, i + 1), log_r, equal)
    return LooMemberships(told.log_probability, told.log_odds, told.mc_error, pareto_k, refitted, failed)


def efficiency_of_rows(posterior: Posterior, cells: FloatArray) -> float:
    """Return what `bayesmix.criteria.relative_efficiency` says of at most 1000 rows."""
    import xarray as xr

    some = cells[np.unique(np.linspace(0, len(cells) - 1, min(len(cells), _EFFICIENCY_ROWS)).astype(int))]
    log_lik = row_log_density(posterior, posterior.arrays, some)
    log_lik = log_lik[:, np.ptp(log_lik, axis=0) > 0]
    if not log_lik.size:
        return 1.0
    shaped = log_lik.reshape(posterior.info.chains, -1, log_lik.shape[1])
    return relative_efficiency(xr.DataArray(shaped, dims=("chain", "draw", "obs")))


def psis_weights(log_lik: FloatArray, r_eff: float) -> tuple[FloatArray, FloatArray]:
    """Return smoothed log weights (S, n) that sum to 1 for each row, and their Pareto k (n,)."""
    from arviz_stats.base import array_stats

    log_weights, pareto_k = np.zeros(log_lik.shape), np.full(log_lik.shape[1], np.nan)
    vary = np.ptp(log_lik, axis=0) > 0
    if vary.any():
        smoothed, pareto_k[vary] = array_stats.psislw(log_lik[:, vary].T, r_eff=r_eff)  # it takes 1 / p itself
        log_weights[:, vary] = smoothed.T
    return log_weights - log_sum_exp(log_weights, axis=0), pareto_k


def _log_r(posterior: Posterior, draws: DrawArrays, cells: FloatArray) -> FloatArray:
    """Return log responsibilities (S, n, M) of the values alone: a left-out row's own label is not known."""
    return log_responsibilities(posterior, draws, cells[:, : posterior.layout.width])


@dataclass
class _Told:
    """What is known of every distinct row so far."""

    log_probability: FloatArray
    log_odds: FloatArray
    mc_error: FloatArray

    @classmethod
    def empty(cls, n: int, width: int) -> "_Told":
        """Begin."""
        return cls(np.empty((n, width)), np.empty((n, width)), np.empty(n))

    def fill(self, at: slice, log_r: FloatArray, log_weights: FloatArray) -> None:
        """Average some rows over weighted draws."""
        self.log_probability[at] = log_sum_exp(log_r + log_weights[..., np.newaxis], axis=0)
        weights = np.exp(log_weights)
        if log_r.shape[2] > 1:
            odds = np.clip(one_vs_rest_log_odds(log_r), -_CERTAIN, _CERTAIN)
            self.log_odds[at] = np.einsum("sn,snk->nk", weights, odds)
        else:
            self.log_odds[at] = _CERTAIN
        best = np.argmax(self.log_probability[at], axis=1)
        own = np.exp(np.take_along_axis(log_r, best[np.newaxis, :, np.newaxis], axis=2)[..., 0])
        mean = np.einsum("sn,sn->n", weights, own)
        self.mc_error[at] = batch_error(len(own) * weights * (own - mean))  # of a ratio of means, to first order


def loo_assignments(posterior: Posterior, *, exact: bool = False) -> pd.DataFrame:
    """Return the fitted rows as classified by fits without them, beside the posterior memberships.

    Parameters
    ----------
    posterior : Posterior
    exact : bool, default False
        As for `loo_memberships`.

    Returns
    -------
    DataFrame
        Indexed as the data, which come first. ``component`` and ``probability``: the most probable component by the
        fit without the row, ``E[r_ik | y_-i]``, with ``mc_error``; ``posterior_component`` and
        ``posterior_probability``: those given all rows; ``pareto_k``; ``refitted``: whether a refit stands in for
        importance weights with a high Pareto k; ``unreliable``: whether the weights cannot be relied on and a refit
        did not converge, or cannot be made: for want of this row's label, or of the priors of lifted draws.
    """
    rows = posterior.observations
    found, inverse = loo_memberships(posterior, exact=exact), rows.distinct.inverse
    names, probability = posterior.component_coordinate, np.exp(found.log_probability)
    given = mean_responsibilities(posterior, table_draws(posterior, len(probability)), rows.distinct.cells)
    columns = {
        "component": names[np.argmax(probability, axis=1)],
        "probability": probability.max(axis=1),
        "mc_error": found.mc_error,
        "posterior_component": names[np.argmax(given, axis=1)],
        "posterior_probability": given.max(axis=1),
        "pareto_k": found.pareto_k,
        "refitted": found.refitted,
        "unreliable": found.failed,
    }
    frame = pd.DataFrame({name: values[inverse] for name, values in columns.items()}, index=rows.index)
    return with_data(frame, rows)


@dataclass(frozen=True, eq=False, repr=False)
class LooEvaluation:
    """Scores of leave-one-out classification against known classes.

    Attributes
    ----------
    table : DataFrame
        The scores of `bayesmix.evaluation.Evaluation` with estimate and ``rule`` interval (Bayesian bootstrap of rows).
    mapping : dict
        Class of every component: as declared, or the best match of all labelled rows.
    mapping_kind : {"declared", "best match"}
        A best match is learned for every row from the labels of the others.
    n_mapped_otherwise : int
        Rows whose own mapping, learned without their label, differs from `mapping`.
    n, n_unlabelled : int
        Rows scored, and rows left out for want of a label.
    n_refitted, n_unreliable : int
        Scored rows left out by a refit, and those whose weights are unreliable and whose refit did not converge.
    text : str
        What was done and found.

    Examples
    --------
    >>> scores = fit.loo_evaluate(arms["nlabel"])
    >>> scores.mapping, scores.mapping_kind, scores.n
    ({0: 'child', 1: 'adult'}, 'best match', 19)
    """

    table: pd.DataFrame
    mapping: dict[int | str, Hashable]
    mapping_kind: str
    n_mapped_otherwise: int
    n: int
    n_unlabelled: int
    n_refitted: int
    n_unreliable: int
    text: str

    def __repr__(self) -> str:
        return f"LooEvaluation(n={self.n}, mapping={self.mapping_kind})\n{self.text}"

    def _repr_html_(self) -> str:
        parts = [display.paragraph(self.text), display.table(self.table.round(3).rename_axis(index="score"))]
        return display.card(f"Leave-one-out evaluation of {self.n} rows", parts, verdict=f"{self.mapping_kind} mapping")


def evaluate_left_out(
    posterior: Posterior,
    labels: Any,
    interval: CredibleInterval,
    *,
    classes: Sequence[Hashable] | None = None,
    exact: bool = False,
    random_seed: int | None = 0,
) -> LooEvaluation:
    """Score leave-one-out classification: every row is classified by a fit and a mapping that have not seen it.

    Parameters
    ----------
    posterior : Posterior
    labels : list, array or Series
        True classes, as for `bayesmix.evaluation.evaluate`. Labels that were used to fit may be scored here: a row is
        left out with its label.
    interval : CredibleInterval
    classes : sequence, optional
        Declares the class of each component. Left out, the mapping of a row is the best match of the *other* labelled
        rows.
    exact : bool, default False
        As for `loo_memberships`.
    random_seed : int, optional
        Of the bootstrap of rows.
    """
    rows, width = posterior.observations, len(posterior.component_labels)
    declared = None if classes is None else declared_mapping(classes, width)
    known = read_labels(labels, rows.index, declared[0] if declared else ())
    found = loo_memberships(posterior, exact=exact)
    place = rows.distinct.inverse[known.rows]
    log_p, n_classes = found.log_probability[place], len(known.classes)
    if declared:
        mapping = declared[1]
        mappings = np.tile(mapping, (known.rows.size, 1))
    else:
        mapping = best_match(np.exp(log_p), known.codes, n_classes)
        mappings = _without_own_label(np.exp(log_p), known, place, n_classes)
    log_prob = np.empty((known.rows.size, n_classes))
    log_odds = np.empty_like(log_prob)
    for one in np.unique(mappings, axis=0):
        at = (mappings == one).all(axis=1)
        log_prob[at] = class_log_prob(log_p[at], one, n_classes)
        log_odds[at] = _class_log_odds(found.log_odds[place[at]], log_prob[at], one)
    table = evaluate_rule(
        log_prob, known, ci_prob=interval.prob, ci_kind=interval.kind, random_seed=random_seed, log_odds=log_odds
    )
    names = posterior.component_labels
    counts = {
        "n_mapped_otherwise": int((mappings != mapping).any(axis=1).sum()),
        "n": known.rows.size,
        "n_unlabelled": known.n_unlabelled,
        "n_refitted": int(found.refitted[place].sum()),
        "n_unreliable": int(found.failed[place].sum()),
    }
    kind = "declared" if declared else "best match"
    pairs = {names[k]: known.classes[code] for k, code in enumerate(mapping.tolist())}
    text = _words(table, counts, kind, interval)
    return LooEvaluation(table=table, mapping=pairs, mapping_kind=kind, text=text, **counts)


def _without_own_label(p: FloatArray, known: Labels, place: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the best match of all labelled rows but one, for each of them, shape (n, M); equal rows share theirs."""
    out = np.empty((len(p), p.shape[1]), dtype=np.intp)
    kinds, inverse = np.unique(np.column_stack([place, known.codes]), axis=0, return_inverse=True)
    for kind in range(len(kinds)):
        at = np.flatnonzero(inverse.reshape(-1) == kind)
        others = np.delete(np.arange(len(p)), at[0])
        out[at] = best_match(p[others], known.codes[others], n_classes)
    return out


def _class_log_odds(odds: FloatArray, log_prob: FloatArray, mapping: np.ndarray) -> FloatArray:
    """Return mean log-odds of the classes; of the mean probabilities where several components make up a class."""
    if np.unique(mapping).size < mapping.size:
        return np.asarray(np.clip(one_vs_rest_log_odds(log_prob), -_CERTAIN, _CERTAIN))
    out = np.full(log_prob.shape, -_CERTAIN)
    out[:, mapping] = odds
    return out


def _words(table: pd.DataFrame, counts: dict[str, int], kind: str, interval: CredibleInterval) -> str:
    def shown(name: str) -> str:
        estimate, low, high = table.loc[name]
        return f"{estimate:.2f} ({interval.words} {low:.2f} to {high:.2f})"

    others = counts["n_mapped_otherwise"]
    how = (
        "The mapping was declared, without use of the labels."
        if kind == "declared"
        else "The class of a component was learned from the labels of the other rows; "
        f"{_rows(others).lower()} had another mapping than all rows together."
    )
    refits = f" {_rows(counts['n_refitted'])} {_were(counts['n_refitted'])} left out by a refit, the others by weights."
    mixed = (
        " The labels hardly say which component is which: scores mix different mappings and mean little."
        if others > 0.1 * counts["n"]
        else ""
    )
    rough = f" For {_rows(counts['n_unreliable'])} neither can be relied on." if counts["n_unreliable"] else ""
    return (
        f"Leave-one-out classification of {counts['n']} rows, each by a fit that has not seen it: accuracy "
        f"{shown('accuracy')}, ROC AUC {shown('roc_auc')}. {how}{mixed}{refits}{rough} The interval is that of the "
        "rule on new rows (bootstrap of rows)."
    )


def _rows(number: int) -> str:
    return f"{number or 'No'} row{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
