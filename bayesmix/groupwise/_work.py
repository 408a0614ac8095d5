"""The fit of one group, wherever it is run: rows in, the rows of three tables out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bayesmix.blocks import read_rows
from bayesmix.cards import verdict_and_notes
from bayesmix.convergence import stack_draws
from bayesmix.data import Observations
from bayesmix.errors import BayesmixError
from bayesmix.fit import Fit
from bayesmix.fitting import fit_rows
from bayesmix.intervals import CredibleInterval
from bayesmix.mixture import Mixture
from bayesmix.parallel import threads
from bayesmix.posterior import model_variables
from bayesmix.resolving import bind, spikes
from bayesmix.settings import SamplerSettings
from bayesmix.supervision import with_labels

if TYPE_CHECKING:
    import pandas as pd

    from bayesmix.groupwise._folder import Folder

__all__ = [
    "Job",
    "Outcome",
    "Task",
    "failure",
    "fit_group",
    "fit_of",
    "membership_columns",
    "parameter_columns",
    "tell",
]


def parameter_columns(interval: CredibleInterval) -> tuple[str, ...]:
    """Return what the table of parameters has beside the key columns."""
    return ("variable", "component", "mean", "sd", *interval.columns, *_CHECKED)


def membership_columns(interval: CredibleInterval) -> tuple[str, ...]:
    """Return what the table of memberships has beside the key columns."""
    return ("component", "probability", *interval.columns, "could_flip")


_CHECKED = ("r_hat", "ess_bulk", "ess_tail")


@dataclass(frozen=True)
class Job:
    """What all groups have in common.

    Attributes
    ----------
    mixture : Mixture
    settings : SamplerSettings
        Their random seed is the common one, from which those of the groups follow.
    resolution : number, "auto" or mapping, optional
    interval : CredibleInterval
    folder : Folder, optional
        Where finished groups are kept.
    """

    mixture: Mixture
    settings: SamplerSettings
    resolution: Any
    interval: CredibleInterval
    folder: "Folder | None" = None


class Task(NamedTuple):
    """One group to be fitted; a tuple, so that it travels whole (see `bayesmix.parallel`).

    Attributes
    ----------
    text : str
        The key as JSON.
    name : str
        Name of its files.
    y : column or table
    weights : column, optional
    seed : int
    job : Job
    """

    text: str
    name: str
    y: Any
    weights: Any
    seed: int
    job: Job


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a group adds to the tables: columns by name.

    Attributes
    ----------
    verdict : mapping
        One value for each column.
    parameters, memberships : mapping of sequence
        Empty where the group could not be fitted.
    """

    verdict: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    memberships: Mapping[str, Any] = field(default_factory=dict)


def fit_group(task: Task) -> Outcome:
    """Fit a group, unless a directory has it already; a failure is an outcome with its reason.

    Parameters
    ----------
    task : Task
    """
    started = time.perf_counter()
    folder = task.job.folder
    try:
        rows = _rows_of(task)
        done = None if folder is None else folder.finished(task, rows.digest)
        if done is not None:
            return done
        if folder is not None and not folder.begin(task):
            return failure(
                task,
                "the process that ran it ended without an answer again and again, for lack of memory perhaps. "
                "Run it again with fewer workers.",
            )
        fit, notes = _fit_rows(task, rows)
        outcome = tell(fit, task.job.interval, notes, started)
        if folder is not None:
            folder.keep(task, fit, outcome)
    except BayesmixError as error:
        return failure(task, str(error), started)
    except Exception as error:  # whatever it is: it may not stop the others
        return failure(task, f"{type(error).__name__}: {error}", started)
    return outcome


def fit_of(task: Task) -> Fit:
    """Return a group's fit itself.

    Parameters
    ----------
    task : Task
    """
    return _fit_rows(task, _rows_of(task))[0]


def failure(task: Task, reason: str, started: float | None = None) -> Outcome:
    """Return the outcome of a group that could not be fitted.

    Parameters
    ----------
    task : Task
    reason : str
    started : float, optional
        Reading of `time.perf_counter`.
    """
    seconds = np.nan if started is None else time.perf_counter() - started
    verdict = {"fitted": False, "ok": False, "reason": f"not fitted: {reason}", "notes": ""}
    unknown = {"r_hat": np.nan, "ess_bulk": np.nan, "ess_tail": np.nan, "divergences": 0, "engine": ""}
    return Outcome(verdict | unknown | {"seconds": seconds, "random_seed": task.seed})


def tell(fit: Fit, interval: CredibleInterval, notes: "list[str]", started: float) -> Outcome:
    """Return what the tables say of a fit.

    Parameters
    ----------
    fit : Fit
    interval : CredibleInterval
    notes : list of str
        What there is to say beside the notes of its checks.
    started : float
        Reading of `time.perf_counter`.
    """
    diagnosis = fit.check()
    verdict, found = verdict_and_notes(diagnosis)
    rhat, bulk, tail = diagnosis.worst
    parameters = _parameters(fit, interval, diagnosis.table)
    memberships = _memberships(fit, interval)
    return Outcome(
        {
            "fitted": True,
            "ok": bool(diagnosis.ok),
            "reason": "" if diagnosis.ok else verdict,
            "notes": " ".join([*notes, *found]),
            "r_hat": rhat,
            "ess_bulk": bulk,
            "ess_tail": tail,
            "divergences": int(diagnosis.divergences or 0),
            "engine": fit.info.engine,
            "seconds": time.perf_counter() - started,
            "random_seed": fit.info.random_seed,
        },
        parameters,
        memberships,
    )


def _rows_of(task: Task) -> Observations:
    return read_rows(task.job.mixture.family, task.y, task.weights, task.job.resolution)


def _fit_rows(task: Task, rows: Observations) -> tuple[Fit, list[str]]:
    """Fit as `Mixture.fit` does; warnings of priors are returned, since nobody sees those of another process."""
    mixture, rows = with_labels(task.job.mixture, rows, None)
    resolved = bind(mixture, rows)
    # Beside other fits one core; alone as many as there are. The numbers do not depend on it.
    settings = replace(task.job.settings, random_seed=task.seed, cores=threads())
    return fit_rows(mixture, resolved, rows, settings), list(spikes(resolved, rows))


def _parameters(fit: Fit, interval: CredibleInterval, checked: "pd.DataFrame") -> dict[str, Any]:
    source = fit.idata["posterior"].to_dataset()[model_variables(fit)]
    names, draws = stack_draws(source)
    flat = draws.reshape(len(names), -1)
    labels = [entry for name in source.data_vars for entry in _entries(str(name), source[name])]
    lower, upper = interval.bounds(flat, axis=1)
    table = checked.loc[names]
    values = (
        [variable for variable, _ in labels],
        [component for _, component in labels],
        flat.mean(axis=1),
        flat.std(axis=1, ddof=1),
        lower,
        upper,
        *(table[name].to_numpy() for name in _CHECKED),
    )
    return dict(zip(parameter_columns(interval), values, strict=True))


def _entries(name: str, variable: Any) -> list[tuple[str, Any]]:
    """Return the name and the component of every entry of a variable, in the order of `stack_draws`."""
    dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
    labels = [variable[dim].values.tolist() if dim in variable.coords else range(variable.sizes[dim]) for dim in dims]
    entries = []
    for entry in product(*labels):
        of = dict(zip(dims, entry, strict=True))
        component = of.pop("component", None)
        further = ", ".join(map(str, of.values()))
        entries.append((f"{name}[{further}]" if further else name, component))
    return entries


def _memberships(fit: Fit, interval: CredibleInterval) -> dict[str, npt.NDArray[Any]]:
    table = fit.assignments(ci_prob=interval.prob, ci_kind=interval.kind)
    return {name: table[name].to_numpy() for name in membership_columns(interval)}
