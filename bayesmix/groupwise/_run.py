"""`fit_groups`: the table divided, its groups sent out through joblib, the answers collected."""

import os
import warnings
from collections.abc import Hashable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesmix.blocks import FamilyTable
from bayesmix.errors import InputError, InterruptedWarning
from bayesmix.fit import Fit
from bayesmix.groupwise._folder import Folder, read_manifest
from bayesmix.groupwise._result import GroupFits, assembled
from bayesmix.groupwise._split import Split, seed_of, split
from bayesmix.groupwise._work import (
    Job,
    Outcome,
    Task,
    failure,
    fit_group,
    fit_of,
    membership_columns,
    parameter_columns,
)
from bayesmix.intervals import credible_interval
from bayesmix.mixture import Mixture
from bayesmix.parallel import completed, n_workers
from bayesmix.progress import Progress
from bayesmix.settings import SamplerSettings

__all__ = ["fit_groups"]

_INTERRUPTED = "interrupted before its turn. Run it again; with directory= what is finished is not run twice."


def fit_groups(
    frame: Any,
    *,
    by: Any,
    mixture: Mixture,
    column: Hashable | None = None,
    columns: Sequence[Hashable] | None = None,
    weights: Hashable | None = None,
    resolution: Any = None,
    draws: int = 2000,
    tune: int | None = None,
    chains: int = 4,
    target_accept: float = 0.9,
    random_seed: int | None = None,
    engine: str = "auto",
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    directory: str | os.PathLike[str] | None = None,
    progressbar: bool = True,
) -> GroupFits:
    """Fit one specification to every group of a table.

    Runs here, one group after the other, unless joblib is told otherwise: under
    ``joblib.parallel_config(backend="loky", n_jobs=4)`` in four processes, and under ``backend="dask"`` or ``"ray"`` on
    a cluster. A group's numbers do not depend on where and in which order it is run, nor on the other groups.

    A group that cannot be fitted becomes a row with the reason and does not stop the others. An interrupt (Ctrl-C)
    keeps what is finished.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        One row for every observation.
    by : str or sequence of str
        The column that says which group a row belongs to, or several; every row needs a key.
    mixture : Mixture
        The specification. Priors left to the data follow each group's own scale.
    column : str, optional
        What to fit, for families of one column.
    columns : sequence of str, optional
        What to fit, for families of several columns such as ``"mv_normal"``. A family for each column by name
        (``family={"age": "normal"}``) needs neither.
    weights : str, optional
        The column that says how often each row counts.
    resolution : number, "auto" or mapping, optional
        The steps that values were rounded to, as for `Mixture.fit`; ``"auto"`` looks in each group.
    draws, tune, chains, target_accept, engine
        As for `Mixture.fit`.
    random_seed : int, optional
        Every group gets a seed of its own that follows from this one and its key. One is drawn and recorded when left
        out, or taken from the directory.
    ci_prob, ci_kind : optional
        Interval probability and kind ("eti" or "hdi"); ArviZ's ``rcParams`` by default.
    directory : path-like, optional
        Where finished groups are kept, a file for the fit of each; made if it does not exist, and seen by all workers.
        A later call with the same specification and settings reads them and fits the rest: groups that are new, whose
        rows have changed, or that failed.
    progressbar : bool, default True
        Whether to show one line for the whole run, with the time left.

    Returns
    -------
    GroupFits
        Tables of parameters, verdicts and memberships; the fits themselves on demand.

    Raises
    ------
    InputError
        If the table, a column, the specification or a setting breaks a rule, or the directory holds fits with others.

    Examples
    --------
    >>> penguins = bm.load_dataset("penguins").dropna(subset=["body_mass_g"])
    >>> fits = bm.fit_groups(
    ...     penguins, by="species", column="body_mass_g", mixture=bm.Mixture(2), draws=500, random_seed=1
    ... )
    >>> fits.verdicts["n"].to_dict()
    {'Adelie': 151, 'Chinstrap': 68, 'Gentoo': 123}
    >>> fits.failed.empty, fits.parameters["variable"].unique().tolist()
    (True, ['w', 'mu', 'sigma'])
    """
    if not isinstance(mixture, Mixture):
        raise InputError(f"mixture must be a Mixture, got {mixture!r}. Use e.g. mixture=bm.Mixture(2).")
    settings = SamplerSettings(draws, tune, chains, target_accept, None, random_seed, engine, progressbar=False)
    interval = credible_interval(ci_prob, ci_kind)
    read = _columns_read(mixture, column, columns)
    divided = split(frame, by, [*read, *([] if weights is None else [weights])])
    _refuse_taken(divided.by, {*parameter_columns(interval), *membership_columns(interval)})
    job = Job(mixture, _seeded(settings, directory), resolution, interval)
    if directory is not None:
        job = replace(job, folder=Folder.open(directory, _manifest(job, divided, read, weights)))
    work = _Work(divided, tuple(read), column is not None and len(read) == 1, weights, job)
    outcomes, interrupted = _outcomes(work, shown=progressbar)
    if interrupted:
        warnings.warn(
            f"the run was interrupted: {interrupted} of {len(divided.groups)} groups are not fitted, the others are "
            "kept. Run it again for the rest.",
            InterruptedWarning,
            stacklevel=2,
        )
    return assembled(divided, outcomes, work.fit, job)


@dataclass(frozen=True, eq=False)
class _Work:
    """The groups, and what of their rows is fitted.

    Attributes
    ----------
    divided : Split
    read : tuple of str
        The columns.
    single : bool
        Whether the only one is a column by itself, and not a table.
    weights : str, optional
    job : Job
    """

    divided: Split
    read: tuple[Hashable, ...]
    single: bool
    weights: Hashable | None
    job: Job

    def task(self, position: int) -> Task:
        """Return a group as it is sent out."""
        group = self.divided.groups[position]
        y = self.divided.column_of(group, self.read[0]) if self.single else self.divided.rows_of(group, self.read)
        counts = None if self.weights is None else self.divided.column_of(group, self.weights)
        assert self.job.settings.random_seed is not None
        return Task(group.text, group.name, y, counts, seed_of(self.job.settings.random_seed, group), self.job)

    def fit(self, position: int) -> Fit:
        """Return a group's fit, read or made again."""
        if self.job.folder is None:
            return fit_of(self.task(position))
        return self.job.folder.read(self.divided.groups[position].name)


def _outcomes(work: _Work, *, shown: bool) -> tuple[list[Outcome], int]:
    """Return the outcome of every group, and how many an interrupt left without."""
    groups = work.divided.groups
    n = len(groups)
    found: dict[int, Outcome] = {}

    def starting(position: int) -> None:
        progress.start(f"Fitting {groups[position].key}, group {position + 1} of {n}")

    with Progress(n, shown=shown) as progress:
        try:
            at_once = n_workers()
            if at_once > 1:
                progress.start(f"Fitting {n} groups, {at_once} at once")
            with closing(completed(fit_group, work.task, range(n), starting)) as results:
                for position, result in results:
                    found[position] = (
                        result if isinstance(result, Outcome) else failure(work.task(position), str(result))
                    )
                    progress.finish(1)
                    if at_once > 1:
                        progress.start(f"Fitted {len(found)} of {n} groups, {at_once} at once")
        except KeyboardInterrupt:
            if not found:
                raise
        finally:
            if work.job.folder is not None:
                work.job.folder.close()
    missing = [position for position in range(n) if position not in found]
    found |= {position: failure(work.task(position), _INTERRUPTED) for position in missing}
    return [found[position] for position in range(n)], len(missing)


def _columns_read(mixture: Mixture, column: Hashable | None, columns: Sequence[Hashable] | None) -> list[Hashable]:
    """Return the columns that the specification is to be fitted to."""
    family = mixture.family
    if isinstance(family, FamilyTable):
        if column is not None or columns is not None:
            raise InputError(
                f"column and columns must be left out where the family names its columns, {list(family)}; got "
                f"column={column!r}, columns={columns!r}. Leave them out."
            )
        return list(dict.fromkeys([*family, *(name for each in family.values() for name in _beside(each))]))
    if (column is None) == (columns is None):
        raise InputError(
            f"either column or columns must say what to fit, got column={column!r}, columns={columns!r}. Use e.g. "
            "column='sales', or columns=['length', 'width'] for a family of several columns."
        )
    if columns is None:
        return [column, *_beside(family)]
    names: list[Hashable] = [columns] if isinstance(columns, str) else list(columns)
    if not names:
        raise InputError("columns must name at least one column, got none. Use e.g. columns=['length', 'width'].")
    return names


def _beside(family: Any) -> list[Hashable]:
    """Return the column of trials, where a family names one."""
    trials = getattr(family, "trials", None)
    return [trials] if isinstance(trials, str) else []


def _refuse_taken(by: tuple[Hashable, ...], taken: set[str]) -> None:
    for name in by:
        if name in taken:
            raise InputError(
                f"by must name a column that no table of results has itself, got {name!r}. Rename it; taken are "
                f"{sorted(taken)}."
            )


def _seeded(settings: SamplerSettings, directory: str | os.PathLike[str] | None) -> SamplerSettings:
    """Return settings with a random seed: the one given, that of the directory, or a fresh one."""
    if settings.random_seed is not None:
        return settings
    there = None if directory is None else read_manifest(directory)
    fresh = int(np.random.SeedSequence().generate_state(1)[0])
    return replace(settings, random_seed=fresh if there is None else there["settings"]["random_seed"])


def _manifest(job: Job, divided: Split, read: Sequence[Hashable], weights: Hashable | None) -> dict[str, Any]:
    """Return what all groups have in common, as JSON types."""
    chosen = ("draws", "tune", "chains", "target_accept", "engine", "random_seed")
    return {
        "by": [str(name) for name in divided.by],
        "columns": [str(name) for name in read],
        "weights": None if weights is None else str(weights),
        "mixture": job.mixture.to_dict(),
        "settings": {name: getattr(job.settings, name) for name in chosen},
        "resolution": job.resolution,
        "interval": job.interval.name,
    }
