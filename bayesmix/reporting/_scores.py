"""The section on scores against known classes: declared mapping and best match side by side, and leave-one-out."""

import pandas as pd

from bayesmix.evaluation import SCORES
from bayesmix.intervals import CredibleInterval
from bayesmix.plots import plot_confusion, plot_roc
from bayesmix.reporting._blocks import Block, Items, Section, Table, Text, plain
from bayesmix.reporting._figures import figure
from bayesmix.reporting._numbers import between, cell, table
from bayesmix.reporting._results import Results, Scores

__all__ = ["SCORE_WORDS", "score_in_words", "scores_section"]

_MAX_CLASSES = 25

SCORE_WORDS = {
    "accuracy": "share of rows grouped as their class",
    "balanced_accuracy": "mean over classes of the share grouped rightly",
    "roc_auc": "how well memberships rank the rows of the classes, 0.5 is chance",
    "roc_auc_ovo": "the same, classes against each other in pairs",
    "average_precision": "area under precision against recall",
    "rejection_area": "accuracy among the rows at least as sure as a row, averaged over rows",
    "brier": "mean squared error of the probabilities, lower is better",
    "log_loss": "mean of minus the log of the true class's probability, lower is better",
    "information": "what a row tells beyond the shares of the classes, in nats",
    "sharpness": "how far probabilities are from knowing nothing, 1 is certain",
    "ece": "expected calibration error, lower is better",
    "ari": "adjusted Rand index of labels and components, 0 is chance",
    "nmi": "normalised mutual information of labels and components",
}


def scores_section(results: Results, *, figures: bool) -> Section | None:
    """Return the section on scores; None without labels.

    Parameters
    ----------
    results : Results
    figures : bool
    """
    scores = results.scores
    if scores is None:
        return None
    evaluation = scores.evaluation
    blocks: list[Block] = [Text(plain(evaluation.text))]
    if scores.left_out is None:
        blocks.append(Text(f"No leave-one-out classification: {plain(scores.why_not)}", "note"))
    else:
        blocks.append(Text(plain(scores.left_out.text)))
        if scores.left_out.n != evaluation.n:
            counts = f"{cell(evaluation.n)} rows, those of leave-one-out classification of {cell(scores.left_out.n)}"
            blocks.append(Text(f"Scores are of {counts}, which are left out with their labels.", "note"))
    blocks.append(_table(results, scores))
    blocks.append(
        Text(
            "The rule interval is that of this rule on new rows like the labelled ones; the total interval adds the "
            "posterior's own uncertainty. A best match has seen the labels that are scored and is optimistic."
        )
    )
    if len(evaluation.classes) <= _MAX_CLASSES:
        blocks += [_confusion(scores), _per_class(results, scores)]
    if figures:
        blocks += _pictures(scores)
    blocks.append(Items(tuple((name, SCORE_WORDS[name]) for name in SCORES)))
    return Section("scores", "How good is the grouping?", tuple(blocks))


def score_in_words(results: Results, name: str) -> str:
    """Return a score with its total interval, and that of fits that have not seen the row, as the table has them.

    Parameters
    ----------
    results : Results
        With scores.
    name : str
    """
    assert results.scores is not None
    found, left_out, decimals = results.scores.evaluation, results.scores.left_out, results.scores.decimals
    lower, upper = (f"total_{end}" for end in results.interval.columns)
    row = found.table.loc[name, ["estimate", lower, upper]].to_numpy(dtype=float)
    estimate, ends = cell(float(row[0]), decimals), between(float(row[1]), float(row[2]), decimals)
    words = f"{estimate} ({results.interval.words} {ends}; {found.mapping_kind})"
    if left_out is None:
        return words
    alone = float(left_out.table["estimate"].to_dict()[name])
    return f"{words}; {cell(alone, decimals)} by fits without the row"


def _table(results: Results, scores: Scores) -> Table:
    interval, frame, decimals = results.interval, scores.evaluation.by_mapping, scores.decimals
    prefixes = {"declared": "declared", "best match (optimistic)": "best_match_optimistic"}
    shown = {title: prefix for title, prefix in prefixes.items() if f"{prefix}_estimate" in frame}
    headers, columns = ["score"], [list(SCORES)]
    for title, prefix in shown.items():
        headers.append(title)
        columns.append([cell(float(v), decimals) for v in frame[f"{prefix}_estimate"]])
        for which in ("rule", "total"):
            headers.append(f"{which} interval")
            columns.append(_ends(frame, f"{prefix}_{which}", interval, decimals))
    if scores.left_out is not None:
        headers += ["leave-one-out", "rule interval"]
        columns.append([cell(float(v), decimals) for v in scores.left_out.table["estimate"]])
        columns.append(_ends(scores.left_out.table, "rule", interval, decimals))
    caption = f"Scores, each with its {interval.words}s ({interval.kind})"
    return table(caption, headers, list(zip(*columns, strict=True)))


def _ends(frame: pd.DataFrame, prefix: str, interval: CredibleInterval, decimals: int) -> list[str]:
    lower, upper = (frame[f"{prefix}_{end}"] for end in interval.columns)
    return [between(low, high, decimals) for low, high in zip(lower, upper, strict=True)]


def _confusion(scores: Scores) -> Table:
    frame = scores.evaluation.confusion
    headers = ["true class", *(f"grouped as {plain(name)}" for name in frame.columns)]
    rows = [[plain(name), *map(cell, row)] for name, row in zip(frame.index, frame.to_numpy().tolist(), strict=True)]
    return table(f"Rows by class and group ({scores.evaluation.mapping_kind})", headers, rows)


def _per_class(results: Results, scores: Scores) -> Table:
    frame, decimals = scores.evaluation.per_class, scores.decimals
    rows = []
    for name, row in zip(frame.index, frame.to_dict("records"), strict=True):
        cells = [plain(name), cell(round(row["support"]))]
        for score in ("precision", "recall", "f1"):
            low, high = (row[f"{score}_total_{end}"] for end in results.interval.columns)
            cells += [cell(float(row[score]), decimals), between(low, high, decimals)]
        rows.append(cells)
    headers = ["class", "rows", "precision", "total interval", "recall", "total interval", "f1", "total interval"]
    return table(f"By class ({scores.evaluation.mapping_kind})", headers, rows)


def _pictures(scores: Scores) -> list[Block]:
    evaluation = scores.evaluation
    classes = len(evaluation.classes)
    size = min(max(1.1 * classes, 2.6), 11.0)
    pictures: list[Block] = []
    if classes <= _MAX_CLASSES:
        pictures.append(
            figure(
                "confusion",
                lambda ax: plot_confusion(evaluation, ax=ax),
                alt="Confusion matrix with total intervals; the counts are in the table.",
                caption="True against predicted classes.",
                size=(size + 2.0, size + 1.4),
            )
        )
    if classes == 2:
        pictures.append(
            figure(
                "roc",
                lambda ax: plot_roc(evaluation, ax=ax),
                alt="ROC curve with its band; the area is in the table of scores.",
                caption="How well memberships rank the rows of the two classes.",
                size=(5.0, 5.0),
            )
        )
    return pictures
