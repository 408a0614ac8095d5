"""One function for every command: it reads, calls the package, prints, and returns the exit code."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmix.choice import choose_components, compare
from bayesmix.cli._demo import run_demo
from bayesmix.cli._output import check_target, emit, remark
from bayesmix.cli._reading import (
    column_of,
    columns_of,
    counts_of,
    listed,
    read_classes,
    read_table,
    resolution_of,
    rows_of,
    split_files,
    template,
)
from bayesmix.cli._saved import labels_of, loaded, new_rows
from bayesmix.comparing import Comparison
from bayesmix.comparison import adequate
from bayesmix.errors import InputError
from bayesmix.fit import Fit
from bayesmix.progress import Progress
from bayesmix.reporting import checked_path
from bayesmix.reporting import report as report_of

__all__ = ["COMMANDS"]

_SHOWN = ["elpd", "se", "elpd_diff", "dse", "weight", "p", "elpd_waic", "pareto_k", "log_evidence", "r_hat", "ess"]


def demo(chosen: Namespace) -> int:
    """Run the demo."""
    run_demo(chosen.output, quick=chosen.quick, random_seed=chosen.seed)
    return 0


def fit(chosen: Namespace) -> int:
    """Fit one mixture."""
    if chosen.out is not None:
        _check_fit_path(chosen.out)
    frame = read_table(chosen.data, chosen)
    made = _fit_one(chosen, frame, used=True)
    if chosen.out is not None:
        made.save(chosen.out)
    check = made.check()
    chosen.format = chosen.format or "table"
    summary = made.summary(ci_prob=chosen.ci_prob)
    words = f"{check.text} Random seed: {made.info.random_seed}."
    if chosen.out is not None:
        words += f" Saved as {chosen.out}."
    emit(
        chosen,
        summary,
        "parameter",
        words,
        shown=summary,
        command="fit",
        ok=check.ok,
        n_components=made.n_components,
        random_seed=made.info.random_seed,
    )
    return 0 if check.ok else 1


def choose(chosen: Namespace) -> int:
    """Compare numbers of components."""
    folder = None if chosen.out is None else Path(chosen.out)
    if folder is not None and folder.suffix in (".nc", ".zarr", ".csv", ".json", ".html"):
        raise InputError(f"--out must name a folder, got {chosen.out!r}. Every fit becomes a file in it.")
    choice = _compare_counts(chosen, read_table(chosen.data, chosen))
    saved = ""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for k, one in choice.fits.items():
            one.save(folder / f"k{k}.nc")
        saved = f" Saved in {chosen.out}: {', '.join(f'k{k}.nc' for k in choice.fits)}."
    chosen.format = chosen.format or "table"
    table, best = choice.table, next(iter(adequate(choice.ranking)), None)
    notes = "".join(f"\nK = {name}: {note}" for name, note in table["note"].items() if note)
    seed = next(iter(choice.fits.values())).info.random_seed
    emit(
        chosen,
        table,
        "n_components",
        f"{choice.text} Random seed: {seed}.{saved}{notes}",
        shown=table[_SHOWN].astype(float).round(3),
        command="choose",
        ok=best is not None,
        best=best,
        random_seed=seed,
    )
    return 0 if best is not None else 1


def assign(chosen: Namespace) -> int:
    """Assign rows by saved fits."""
    check_target(chosen)
    paths, data = split_files(chosen.files)
    if not paths:
        raise InputError(f"assign must have a saved fit (.nc or .zarr), got {chosen.files}. Make one by bayesmix fit.")
    frame = None if data is None else read_table(data, chosen)
    parts = {}
    fits = loaded(paths)
    for name, one in fits.items():
        if frame is None:
            parts[name] = one.assignments(ci_prob=chosen.ci_prob)
        else:
            parts[name] = one.predict(new_rows(one, frame, chosen.column), ci_prob=chosen.ci_prob)
    if len(parts) == 1:
        (table,) = parts.values()
    else:
        table = pd.concat([part.assign(fit=name)[["fit", *part.columns]] for name, part in parts.items()])
    chosen.table_out = chosen.out
    emit(chosen, table, str(table.index.name or "row"), "", command="assign")
    return _verdict(fits)


def evaluate(chosen: Namespace) -> int:
    """Score a grouping."""
    check_target(chosen)
    paths, data = split_files(chosen.files)
    if data is None:
        raise InputError(f"evaluate must have a table with the labels, got {chosen.files}. Add it.")
    if len(paths) > 1:
        raise InputError(f"evaluate must have one saved fit at most, got {paths}. Run it once for each.")
    frame = read_table(data, chosen)
    column_of(frame, chosen.labels, "--labels")  # told before anything is fitted
    made = loaded(paths) if paths else {data: _fit_one(chosen, frame, used=False)}
    (one,) = made.values()
    labels = labels_of(one, frame, chosen.labels)
    options: dict[str, Any] = {"classes": read_classes(chosen.classes, labels), "ci_prob": chosen.ci_prob}
    scores = one.evaluate(labels, **options)
    table, words = scores.table, scores.text
    if not chosen.no_leave_one_out:
        left_out = one.loo_evaluate(labels, **options)
        table, words = table.join(left_out.table.add_prefix("loo_")), f"{words}\n{left_out.text}"
    chosen.table_out = chosen.out
    emit(
        chosen,
        table,
        "score",
        words,
        shown=_joined(table.drop(columns=["sd_rows", "sd_posterior"])),
        command="evaluate",
        n=scores.n,
        mapping_kind=scores.mapping_kind,
    )
    return _verdict(made)


def report(chosen: Namespace) -> int:
    """Write a report."""
    path = checked_path(chosen.out, (".html", ".htm", ".md", ".markdown"), "report.html")
    paths, data = split_files(chosen.files)
    frame = None if data is None else read_table(data, chosen)
    if chosen.labels is not None:  # told before anything is fitted
        if frame is None:
            raise InputError(f"--labels must come with the table that has them, got {chosen.files}. Add the table.")
        column_of(frame, chosen.labels, "--labels")
    elif chosen.classes is not None:
        raise InputError(f"--classes must come with --labels, got {chosen.classes!r} alone. Add --labels COLUMN.")
    source, options = _source(chosen, loaded(paths), frame)
    if frame is not None and chosen.labels is not None:
        first = source if isinstance(source, Fit) else next(iter(source.fits.values()))
        options["labels"] = labels_of(first, frame, chosen.labels)
        options["classes"] = read_classes(chosen.classes, options["labels"])
    options |= {"leave_one_out": not chosen.no_leave_one_out, "ci_prob": chosen.ci_prob, "title": chosen.title}
    made = report_of(source, **options)
    written = made.to_html(path) if path.suffix.lower() in (".html", ".htm") else made.to_markdown(path)
    print(written)
    if not made.ok:
        remark("The fit that is described did not pass its checks; the report says why.")
    return 0 if made.ok else 1


def _source(
    chosen: Namespace, saved: dict[str, Fit], frame: pd.DataFrame | None
) -> tuple[Fit | Comparison[Any], dict[str, Any]]:
    """Return what to report on, and which fit of it to describe."""
    single = len(saved) == 1 or (not saved and len(counts_of(chosen.n_components)) == 1)
    if single and chosen.describe is not None:
        raise InputError(
            f"--describe must come with several fits to choose from, got {chosen.describe!r}. Leave it out."
        )
    if len(saved) == 1:
        return next(iter(saved.values())), {}
    if saved:
        if chosen.describe not in (None, *saved):
            raise InputError(f"--describe must be among {list(saved)}, got {chosen.describe!r}. Name a file's stem.")
        return compare(saved), {"model": chosen.describe}
    if frame is None:
        raise InputError(f"report must have a table or saved fits, got {chosen.files}. Add one.")
    if single:
        return _fit_one(chosen, frame, used=False), {}
    counts = counts_of(chosen.n_components)
    if chosen.describe not in (None, *map(str, counts)):
        raise InputError(f"--describe must be among the numbers {counts}, got {chosen.describe!r}. Choose one of them.")
    wanted = None if chosen.describe is None else int(chosen.describe)
    return _compare_counts(chosen, frame), {"n_components": wanted}


def _fit_one(chosen: Namespace, frame: pd.DataFrame, *, used: bool) -> Fit:
    """Fit one number of components; the labels are used where they are for the fit and not for scores."""
    counts = counts_of(chosen.n_components)
    if len(counts) > 1:
        raise InputError(
            f"--n-components must be one number here, got {chosen.n_components!r}. bayesmix choose takes several."
        )
    columns = columns_of(chosen, frame)
    classes = listed(chosen.classes, "--classes") if used and chosen.classes is not None else ()
    mixture = template(chosen, columns, counts[0], classes)
    labels = column_of(frame, chosen.labels, "--labels") if used and chosen.labels is not None else None
    with Progress(1) as progress:
        progress.start(f"Fitting K = {counts[0]}")
        return mixture.fit(rows_of(mixture, columns, frame), labels=labels, progressbar=False, **_run(chosen, frame))


def _compare_counts(chosen: Namespace, frame: pd.DataFrame) -> Comparison[int]:
    counts, columns = counts_of(chosen.n_components), columns_of(chosen, frame)
    mixture = template(chosen, columns, 1)
    return choose_components(rows_of(mixture, columns, frame), counts, mixture=mixture, **_run(chosen, frame))


def _run(chosen: Namespace, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "weights": None if chosen.weights is None else column_of(frame, chosen.weights, "--weights"),
        "resolution": resolution_of(chosen.resolution),
        "draws": chosen.draws,
        "random_seed": chosen.seed,
    }


def _check_fit_path(path: str) -> None:
    if not (path.endswith(".zarr") and Path(path).is_dir()):  # which is replaced
        checked_path(path, (".nc", ".zarr"), "fit.nc")


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    """Return numbers with three decimals, the two ends of an interval in one column."""
    shown = {}
    for name in table.columns:
        if name.endswith("_lb"):
            ends = zip(table[name], table[f"{name.removesuffix('_lb')}_ub"], strict=True)
            shown[name.removesuffix("_lb")] = [f"{low:.3f} to {high:.3f}" for low, high in ends]
        elif not name.endswith("_ub"):
            shown[name] = [f"{value:.3f}" for value in table[name]]
    return pd.DataFrame(shown, index=table.index)


def _verdict(fits: dict[str, Fit]) -> int:
    """Print the verdicts of fits that failed their checks, and return the exit code."""
    failed = {name: one.check() for name, one in fits.items() if not one.check().ok}
    for name, check in failed.items():
        remark(f"{name}: {check.text}")
    return 1 if failed else 0


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "demo": demo,
    "fit": fit,
    "choose": choose,
    "assign": assign,
    "evaluate": evaluate,
    "report": report,
}
"""By their names; each returns the exit code."""
