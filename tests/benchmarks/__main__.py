"""``python -m tests.benchmarks [case ...] [--quick] [--peers ...] [--budget SECONDS] [--markdown FILE] [--list]``."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.cases import CASES, FILL_CACHES, Case, Plan, choose_cases
from tests.benchmarks.records import Job, Record, base_record, split_peers
from tests.benchmarks.report import environment, growth, markdown, ratios, text_table
from tests.benchmarks.runner import run_job

_NOTE = (
    "'first run' is at default lengths; 'to quality' goes on, doubling the draws of what missed, until every sorted "
    "w, mu and sigma has R-hat <= 1.01 and bulk and tail ESS >= 400. '>' means not reached in that time. "
    "'first run' is the median of three where it takes less than 5 s in a running process. Peak MB includes imports, "
    "the warm-up and judging."
)
_QUICK = "QUICK RUN: sizes and lengths are cut down to show that everything runs; the numbers mean nothing."
_OVER, _FAR_OVER = "skipped: over the budget", 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print their tables and ratios, and write them as Markdown where asked to."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(f"{name:10s} {case.title}" for name, case in CASES.items()))
        return 0
    try:
        cases = choose_cases(chosen.cases)
        plan = Plan(split_peers(",".join(chosen.peers)), chosen.quick, chosen.budget)
    except ValueError as error:
        parser.error(str(error))
    about = environment()
    print("; ".join(f"{name} {value}" for name, value in about.items()))
    note = f"{_QUICK} {_NOTE}" if plan.quick else _NOTE
    sections = []
    for name, case in cases.items():
        print(f"\n{name}: {case.title}", flush=True)
        records = _run_case(case, plan, chosen.only)
        sections.append((name, case.title, case.columns, records))
        print("\n".join(["", text_table(case.columns, records), *ratios(records), *growth(records)]), flush=True)
        if chosen.markdown is not None:  # after every case, so that a run cut short keeps what it has
            chosen.markdown.write_text(markdown(sections, about, note), encoding="utf-8")
    print(f"\n{note}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="case", help=f"among {', '.join(CASES)}; all by default")
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--quick", action="store_true", help="small sizes and short runs: shows only that it works")
    parser.add_argument("--peers", nargs="+", default=["all"], help="bayesmix, pymc, numpyro, sklearn; all by default")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds a single measurement may take")
    parser.add_argument("--only", default="", metavar="TEXT", help="only settings that contain this text")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables there")
    return parser


def _run_case(case: Case, plan: Plan, only: str) -> list[Record]:
    records = [] if case.direct is None else case.direct(plan)
    for job in case.jobs(plan):
        if only not in job.setting:
            continue
        why_not = _hopeless(job, records)
        found = [base_record(job, note=why_not)] if why_not else run_job(job)
        kept = [record for record in found if record["setting"] != FILL_CACHES]
        for record in filter(_progress, kept):
            print(f"  {record['setting']}: {record['peer']} {_progress(record)}", file=sys.stderr, flush=True)
        records += kept
    return records


def _hopeless(job: Job, records: Sequence[Record]) -> str:
    """Return why a job with ten times the rows of a finished one is not worth starting, or nothing."""
    for record in records:
        if job.after and (record["peer"], record["setting"]) == (job.peer, job.after):
            seconds = record.get("seconds")
            if record.get("lower_bound") or record.get("note", "").startswith(_OVER):
                return f"{_OVER}, since N/10 was ended at it or skipped"
            if seconds and job.peer == "bayesmix" and 10 * seconds > _FAR_OVER * job.budget:
                return f"{_OVER} of {job.budget:.0f} s, since N/10 took {seconds:.0f} s"
    return ""


def _progress(record: Record) -> str:
    seconds = record.get("seconds") or record.get("first")
    return " ".join(part for part in ("" if seconds is None else f"{seconds:.2f} s", record.get("note", "")) if part)


if __name__ == "__main__":
    # Workers lead sessions of their own: an orderly exit ends the one that runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
