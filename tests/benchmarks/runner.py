"""The reporting side: starts a process for every job, reads its events, ends it at the limit."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

from tests.benchmarks.records import Job, Record, base_record
from tests.benchmarks.worker import MARK

__all__ = ["run_job"]

_ROOT = Path(__file__).parents[2]
_WARM_UP_LIMIT, _GRACE = 900.0, 0.5


def run_job(job: Job) -> list[Record]:
    """Run a job in a process of its own.

    The budget counts from the end of the job's warm-up (from its start where the job is cold). A job that passes it
    is ended and becomes a record with ``lower_bound``, with whatever quality it had reported by then.
    """
    command = [sys.executable, "-m", "tests.benchmarks.worker", json.dumps(job.to_dict()), repr(time.monotonic())]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=_ROOT, start_new_session=True
        )
        events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        reader = threading.Thread(target=_read, args=(process.stdout, events))
        reader.start()
        try:
            return _follow(job, events, errors)
        finally:
            _end(process)
            reader.join()


def _follow(job: Job, events: "queue.Queue[dict[str, Any] | None]", errors: IO[str]) -> list[Record]:
    counting, known = job.cold, base_record(job)
    deadline = time.monotonic() + (job.budget if counting else _WARM_UP_LIMIT)
    while True:
        try:
            event = events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            note = f"ended at the limit of {job.budget:.0f} s" if counting else "ended: the warm-up took too long"
            return [
                known | {"seconds": job.budget, "lower_bound": True, "complete": False, "ess_per_s": None, "note": note}
            ]
        if event is None:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["no message"])[-1]
            return [known | {"note": f"failed: {last}"[:200]}]
        if event["event"] == "done":
            return list(event["records"])
        if event["event"] == "ready":
            counting, deadline = True, time.monotonic() + job.budget
        else:
            known = event["records"][0]


def _read(lines: IO[str], events: "queue.Queue[dict[str, Any] | None]") -> None:
    """Put what the process reports into a queue; None is the end."""
    with lines:
        for line in lines:
            if line.startswith(MARK):
                events.put(json.loads(line.removeprefix(MARK)))
    events.put(None)


def _end(process: "subprocess.Popen[str]") -> None:
    """End the process and everything it started: it leads a session of its own."""
    if process.poll() is None:
        try:
            process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
