"""The measuring side: ``python -m tests.benchmarks.worker JOB STARTED`` runs one job and writes events to stdout.

Events are lines ``@@{"event": "ready" | "partial" | "done", "records": [...]}``. STARTED is the parent's monotonic
clock at the start of this process, from which cold jobs count. Nothing heavy is imported before the job asks for it.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tests.benchmarks.records import Job, Record, base_record

if TYPE_CHECKING:
    from tests.benchmarks.data import Doubles
    from tests.benchmarks.measure import Attempt, Sample
    from tests.benchmarks.peers import Sampler

__all__ = ["MARK", "TASKS", "main"]

MARK = "@@"
_SEED = 1
_WARM_UP = 20
_REPEAT_BELOW, _REPEATS = 5.0, 3


def emit(event: str, records: Iterable[Record] = ()) -> None:
    """Send an event to the parent."""
    print(MARK + json.dumps({"event": event, "records": list(records)}), flush=True)


def sweep(job: Job, started: float) -> list[Record]:
    """Measure the table that compares several numbers of components, and the way on to quality for each of them.

    ``first`` is the time to the table at default lengths. Numbers of components that missed the rule are then drawn
    anew, twice as long each time, until all meet it; ``seconds`` includes this.
    """
    from tests.benchmarks.data import load

    y, ks = load(**job.options["data"]), list(job.options["ks"])
    if job.peer.startswith("sklearn"):
        return _points(job, y, ks, started)
    from tests.benchmarks.peers import SAMPLERS, Lengths

    sampler = SAMPLERS[job.peer]
    draws = job.options.get("draws") or sampler.draws_for(len(y))
    if not job.cold:
        sampler.compare(y, ks, Lengths(_WARM_UP, _WARM_UP), _SEED)
        emit("ready")
    first, samples = _repeated(lambda: sampler.compare(y, ks, Lengths(draws), _SEED), started if job.cold else None)
    return _until_good(job, sampler, y, first, samples)


def single(job: Job, started: float) -> list[Record]:
    """Measure one number of components up to quality, in a process that has fitted as many to a hundred rows."""
    from tests.benchmarks.data import load

    y, k = load(**job.options["data"]), int(job.options["k"])
    if job.peer.startswith("sklearn"):
        return _points(job, y, [k], started)
    from tests.benchmarks.peers import SAMPLERS, Lengths

    sampler = SAMPLERS[job.peer]
    draws = job.options.get("draws") or sampler.draws_for(len(y))
    sampler.sample(y[:100], k, Lengths(_WARM_UP, _WARM_UP), _SEED)
    emit("ready")
    first, sample = _repeated(lambda: sampler.sample(y, k, Lengths(draws), _SEED))
    return _until_good(job, sampler, y, first, {k: sample})


def kernel(job: Job, started: float) -> list[Record]:
    """Measure the engine's density against a bare exp."""
    from tests.benchmarks.kernel import measure_kernel

    return [base_record(job) | line for line in measure_kernel(**job.options)]


def table(job: Job, started: float) -> list[Record]:
    """Measure a fit of several columns with bayesmix, in a process that has fitted two hundred rows; judge its draws.

    Labels are left as the fit has them: no one order sorts components of several columns.
    """
    import bayesmix as bm
    from bayesmix.posterior import varying_names
    from tests.benchmarks.kernel import frame_of
    from tests.benchmarks.measure import peak_megabytes, timed, worst

    draws, k = job.options["draws"], job.options["k"]
    family, rows = frame_of(job.options["form"], job.options["n"], k, job.options["p"])
    mixture, options = bm.Mixture(k, family), {"chains": 4, "random_seed": _SEED, "progressbar": False}
    mixture.fit(rows[:200], draws=_WARM_UP, tune=_WARM_UP, **options)
    emit("ready")
    seconds, fit = timed(lambda: mixture.fit(rows, draws=draws, tune=draws, **options))
    quality = worst(fit.idata["posterior"].to_dataset()[varying_names(fit.resolved)])
    notes = [] if fit.info.engine == "compiled" else [f"engine {fit.info.engine}"]
    notes += [f"continued: round {fit.info.rounds}, every {fit.info.thin}th draw kept"] if fit.info.rounds > 1 else []
    return [
        base_record(
            job,
            first=seconds,
            draws=f"{draws}",
            min_ess=quality.ess,
            max_rhat=quality.rhat,
            ess_per_s=quality.ess / seconds,
            divergences=int(fit.idata["sample_stats"]["diverging"].sum()),
            peak_mb=peak_megabytes(),
            note="; ".join(notes),
        )
    ]


def demo(job: Job, started: float) -> list[Record]:
    """Take the demo's way to its table in steps, in this cold process."""
    from tests.benchmarks.startup import demo_steps

    return [base_record(job) | line for line in demo_steps(started, **job.options)]


def _points(job: Job, y: "Doubles", ks: list[int], started: float) -> list[Record]:
    from tests.benchmarks.measure import peak_megabytes
    from tests.benchmarks.peers import point_estimates

    if not job.cold:
        point_estimates(job.peer, y[:100], ks, _SEED)
        emit("ready")
    seconds, _ = _repeated(lambda: point_estimates(job.peer, y, ks, _SEED), started if job.cold else None)
    return [base_record(job, first=seconds, peak_mb=peak_megabytes(), note="a point, no posterior")]


def _repeated[T](run: Callable[[], T], started: float | None = None) -> tuple[float, T]:
    """Return the median seconds of up to three calls (one where it takes 5 s), or those since `started`, once."""
    from tests.benchmarks.measure import timed

    seconds, result = timed(run)
    if started is not None:
        return time.monotonic() - started, result
    times = [seconds]
    while len(times) < _REPEATS and max(times) < _REPEAT_BELOW:
        times.append(timed(run)[0])
    return statistics.median(times), result


def _until_good(
    job: Job, sampler: "Sampler", y: "Doubles", first: float, samples: Mapping[int, "Sample"]
) -> list[Record]:
    """Judge the first draws, and draw anew, twice as long each time, what missed the rule."""
    from tests.benchmarks.measure import attempt, timed
    from tests.benchmarks.peers import Lengths

    latest = {k: attempt(0.0, sample) for k, sample in samples.items()}
    spent, rounds = first, 1
    longest = next(iter(latest.values())).draws
    record = _record(job, first, spent, rounds, latest)
    while spent < job.budget and rounds < job.options.get("rounds", 99):
        missing = [k for k, last in latest.items() if not last.quality.reached]
        if not missing:
            break
        longest *= 2
        rounds += 1
        for k in missing:
            emit("partial", [record])
            seconds, sample = timed(partial(sampler.sample, y, k, Lengths(longest), _SEED + rounds))
            spent += seconds
            latest[k] = attempt(seconds, sample)
            record = _record(job, first, spent, rounds, latest)
    return [record]


def _record(job: Job, first: float, spent: float, rounds: int, latest: Mapping[int, "Attempt"]) -> Record:
    from tests.benchmarks.measure import peak_megabytes

    runs = list(latest.values())
    reached = sum(run.quality.reached for run in runs)
    ess = min(run.quality.ess for run in runs)
    shortest, longest = min(run.draws for run in runs), max(run.draws for run in runs)
    notes = [f"K={k}: {run.note}" for k, run in latest.items() if run.note]
    return base_record(
        job,
        first=first,
        seconds=spent,
        reached=f"{reached}/{len(runs)}",
        complete=reached == len(runs),
        rounds=rounds,
        draws=f"{shortest}" if shortest == longest else f"{shortest}-{longest}",
        min_ess=ess,
        max_rhat=max((run.quality.rhat for run in runs), key=lambda r: (r != r, r)),
        ess_per_s=ess / spent,
        divergences=sum(run.divergences for run in runs),
        peak_mb=peak_megabytes(),
        note="; ".join(notes),
    )


TASKS: Mapping[str, Callable[[Job, float], list[Record]]] = {
    "sweep": sweep,
    "single": single,
    "kernel": kernel,
    "table": table,
    "demo": demo,
}

_NEEDS = {
    "pymc": ("pymc", "nutpie"),
    "numpyro": ("numpyro",),
    "sklearn-vb": ("sklearn",),
    "sklearn-em": ("sklearn",),
}


def main(arguments: list[str]) -> None:
    """Run the job given as JSON; report a peer that is not installed as a line that says so."""
    job, started = Job(**json.loads(arguments[0])), float(arguments[1])
    absent = [name for name in _NEEDS.get(job.peer, ()) if find_spec(name) is None]
    if absent:
        emit("done", [base_record(job, note=f"skipped: {', '.join(absent)} is not installed")])
        return
    emit("done", TASKS[job.task](job, started))


if __name__ == "__main__":
    main(sys.argv[1:])
