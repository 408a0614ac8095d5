"""What cannot be concluded: every reserve that the results themselves give cause for, in one list."""

import numpy as np

from bayesmix.comparison import adequate
from bayesmix.reporting._blocks import Block, Items, Section, Text, plain
from bayesmix.reporting._choice import listed
from bayesmix.reporting._numbers import cell
from bayesmix.reporting._results import Results

__all__ = ["limits_section"]

_FEW = 100
"""Rows below which the standard errors of a comparison are rough; `bayesmix.verdict` says the same."""

_NAMES = {
    "spike": "A component on one value",
    "empty": "Empty components",
    "twins": "Components alike",
    "bumps": "Components are not groups",
    "overlap": "Overlap",
    "modes": "Several modes",
}


def limits_section(results: Results) -> Section:
    """Return the section on what the results do not allow to conclude.

    Parameters
    ----------
    results : Results
    """
    entries = [
        *_about_checks(results),
        *_about_the_number(results),
        *_about_components(results),
        *_about_rows(results),
        *_about_scores(results),
        *_about_data(results),
    ]
    shown = tuple((term, plain(text)) for term, text in entries)
    blocks: list[Block] = [Items(shown)]
    if results.sensitivity is not None:
        blocks.append(Text(plain(results.sensitivity.text)))
    return Section("limits", "What cannot be concluded", tuple(blocks))


def _about_checks(results: Results) -> list[tuple[str, str]]:
    if results.check.ok:
        return []
    return [("Checks", "The fit did not pass its checks: nothing in this report can be relied on before it does.")]


def _about_the_number(results: Results) -> list[tuple[str, str]]:
    comparison, out = results.comparison, []
    if comparison is None:
        text = (
            f"Only K = {results.fit.n_components} was fitted, so the data were not asked how many components there are."
        )
        return [("Number of components", text)]
    candidates = adequate(comparison.ranking)
    if not candidates:
        out.append(("Choice", "No fit passed its checks, so that nothing can be said about which is better."))
    elif len(candidates) > 1:
        which = listed(comparison, candidates)
        out.append(("Choice", f"By predictive accuracy {which} cannot be told apart with these data."))
    if candidates and results.name != candidates[0]:
        text = f"{results.label} was not recommended by the comparison; it rests on what is known from elsewhere."
        if results.name not in candidates:
            text = f"{results.label} was not recommended by the comparison, which finds it inadequate."
        out.append(("Fit described", text))
    return out


def _about_components(results: Results) -> list[tuple[str, str]]:
    out = []
    if not results.single:
        text = (
            "A component is a part of the fitted shape; a skewed group takes several. Whether one is a group of "
            "interest, the data alone do not say."
        )
        out.append(("Components are not groups", text))
    if results.check.audit is not None:
        out += [(_NAMES[kind], text) for kind, text in results.check.audit.sentences.items()]
    if results.sensitivity is None:
        text = "How far the result depends on the priors was not examined (prior sensitivity was not run)."
        if results.comparison is not None and results.comparison.table.index.name == "n_components":
            text += " choice.prior_sensitivity() does it; pass its result as prior_sensitivity=."
        if not results.fit.resolved.priors_known:
            text = "The priors that the draws were made with are not known; how far the result depends on them neither."
        out.append(("Priors", text))
    return out


def _about_rows(results: Results) -> list[tuple[str, str]]:
    out = []
    frame = results.assignments
    if frame is not None and frame["could_flip"].any():
        flips = int(frame["could_flip"].sum())
        text = (
            f"{cell(flips)} of {cell(len(frame))} rows could be in another component under parameters that the data "
            "allow; take their probabilities, not their component, into further work."
        )
        out.append(("Uncertain rows", text))
    if results.rule is not None and not results.rule.monotone:
        text = "A component comes back away from its place (see the rule); new rows out there are labelled oddly."
        out.append(("Shape of the rule", text))
    return out


def _about_scores(results: Results) -> list[tuple[str, str]]:
    if results.scores is None:
        if results.single:
            return []
        return [("Right or wrong", "Without known classes nothing says how often the components are the true groups.")]
    found, out = results.scores.evaluation, []
    if found.mapping_kind == "best match":
        text = "Which component means which class was learned from the labels that are scored: scores are optimistic."
        out.append(("Scores", text))
    if found.n_unlabelled or found.n_used_in_fit:
        text = (
            f"Scores are those of the {cell(found.n)} rows with a label of their own, and of others like these: "
            f"{cell(found.n_unlabelled)} have none, the labels of {cell(found.n_used_in_fit)} were used to fit."
        )
        out.append(("Labelled rows", text))
    if results.scores.left_out is not None and results.scores.left_out.n_unreliable:
        rough = results.scores.left_out.n_unreliable
        out.append(("Leave-one-out", f"For {cell(rough)} rows neither weights nor a refit can be relied on."))
    return out


def _about_data(results: Results) -> list[tuple[str, str]]:
    info, rows, out = results.fit.info, results.fit.data, []
    if info.total < _FEW:
        text = (
            f"With {cell(info.total)} rows the shape of the components can hardly be checked, and intervals hold only "
            "if it is right."
        )
        out.append(("Few rows", text))
    if rows is None:
        text = "The fit was saved without its rows: ties, overlap, memberships and scores were not looked at."
        out.append(("Data not stored", text))
    elif any(not column.present.all() for column in rows.columns):
        missing = int(sum(np.count_nonzero(~column.present) for column in rows.columns))
        text = f"{cell(missing)} cells are missing; if that has to do with their values, results are distorted."
        out.append(("Missing cells", text))
    return out
