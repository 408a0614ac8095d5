"""The cases: what each one measures, and its jobs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.records import Job, Record

__all__ = ["CASES", "FILL_CACHES", "Case", "Plan", "choose_cases"]

FILL_CACHES = "fill the disk caches"
"""Setting of jobs that are run for what they leave on the disk; their records are dropped."""

_ARMS = {"kind": "shipped", "name": "arm_lengths"}
_GALAXIES = {"kind": "shipped", "name": "galaxies"}
_GAPS = {"separated": 5.0, "overlapping": 2.0}
_PEER_ROWS, _PEER_K = 10_000, 5
_TABLE_K, _TABLE_COLUMNS = 4, 5
_FORMS = ("independent", "mv_normal")


@dataclass(frozen=True)
class Plan:
    """What was asked for on the command line.

    Attributes
    ----------
    peers : sequence of str
    quick : bool
        Sizes that show that everything runs; the numbers mean nothing.
    budget : float
        Seconds a job may take.
    """

    peers: Sequence[str]
    quick: bool = False
    budget: float = 600.0

    @property
    def lengths(self) -> dict[str, Any]:
        """Options of the samplers: their own defaults, or 300 draws and at most two rounds."""
        return {"draws": 300, "rounds": 2} if self.quick else {}


@dataclass(frozen=True)
class Case:
    """A group of measurements.

    Attributes
    ----------
    title : str
        One line on what it measures.
    jobs : callable
        From a plan to the jobs, each run in a process of its own.
    columns : str
        Which table of `report` shows it.
    direct : callable, optional
        From a plan to records measured by the parent itself (processes timed from outside).
    """

    title: str
    jobs: Callable[[Plan], Iterator[Job]]
    columns: str = "sampling"
    direct: Callable[[Plan], list[Record]] | None = None


def _arm(plan: Plan) -> Iterator[Job]:
    top = 2 if plan.quick else 6
    options = {"data": _ARMS, "ks": list(range(1, top + 1)), **plan.lengths}
    for peer in plan.peers:
        yield Job("arm", FILL_CACHES, peer, "sweep", options | {"rounds": 1}, cold=True, budget=plan.budget)
        yield Job("arm", f"K=1..{top}, cold process", peer, "sweep", options, cold=True, budget=plan.budget)
        yield Job("arm", f"K=1..{top}, running process", peer, "sweep", options, budget=plan.budget)


def _galaxies(plan: Plan) -> Iterator[Job]:
    top = 2 if plan.quick else 9
    options = {"data": _GALAXIES, "ks": list(range(1, top + 1)), **plan.lengths}
    for peer in plan.peers:
        yield Job("galaxies", f"K=1..{top}, running process", peer, "sweep", options, budget=plan.budget)


def _rows(plan: Plan) -> Iterator[Job]:
    sizes = (1000,) if plan.quick else (1000, 10_000, 100_000, 1_000_000)
    counts = (3, _PEER_K) if plan.quick else (3, _PEER_K, 10)
    for kind, gap in _GAPS.items():
        for k in counts:
            for n in sizes:
                for peer in plan.peers:
                    if peer != "bayesmix" and (n > _PEER_ROWS or k != _PEER_K):
                        continue
                    options = {"data": {"kind": "normals", "n": n, "k": k, "gap": gap}, "k": k, **plan.lengths}
                    after = _rows_setting(kind, k, n // 10)
                    yield Job(
                        "rows", _rows_setting(kind, k, n), peer, "single", options, budget=plan.budget, after=after
                    )


def _rows_setting(kind: str, k: int, n: int) -> str:
    return f"{kind} K={k} N={n}"


def _rounded(plan: Plan) -> Iterator[Job]:
    for n in (1000, 20_000 if plan.quick else 1_000_000):
        for peer in plan.peers:
            if peer != "bayesmix" and n > _PEER_ROWS:
                continue
            options = {"data": {"kind": "rounded", "n": n}, "k": 3, **plan.lengths}
            yield Job("rounded", f"K=3 N={n}, rounded to 0.5", peer, "single", options, budget=plan.budget)


def _columns(plan: Plan) -> Iterator[Job]:
    n, draws = (1000, 100) if plan.quick else (100_000, 300)
    for form in _FORMS:
        setting = f"N={n} K={_TABLE_K} columns={_TABLE_COLUMNS} {form}, 4 x ({draws} + {draws}) draws"
        options = {"form": form, "n": n, "k": _TABLE_K, "p": _TABLE_COLUMNS, "draws": draws}
        yield Job("columns", setting, "bayesmix", "table", options, budget=plan.budget)


def _kernel(plan: Plan) -> Iterator[Job]:
    rows = 1000 if plan.quick else 100_000
    options = {
        "tables": [[form, rows, _TABLE_K, _TABLE_COLUMNS] for form in _FORMS],
        "sizes": [1000] if plan.quick else [1000, 10_000, 100_000],
        "ks": [2, 3] if plan.quick else [2, 3, 5, 10],
        "trials": 2 if plan.quick else 9,
    }
    yield Job("kernel", "density", "bayesmix", "kernel", options, budget=plan.budget, cold=True)


def _startup(plan: Plan) -> Iterator[Job]:
    options = {"top": 3, "draws": 500} if plan.quick else {"top": 6, "draws": 2000}
    yield Job("startup", "demo step by step", "bayesmix", "demo", options, cold=True, budget=plan.budget)


def _startup_outside(plan: Plan) -> list[Record]:
    from tests.benchmarks.startup import cold_demo, cold_imports

    repeats = 1 if plan.quick else 3
    head = {"case": "startup", "peer": "bayesmix"}
    return [head | line for line in (*cold_imports(repeats), *cold_demo(plan.quick, repeats))]


CASES: Mapping[str, Case] = {
    "arm": Case("19 arm lengths, K = 1..6 with the table that compares them, cold and in a running process", _arm),
    "galaxies": Case("82 galaxies, K = 1..9 with the table, in a running process", _galaxies),
    "rows": Case("1e3 to 1e6 rows, K = 3, 5, 10, separated and overlapping; peers up to 1e4 rows at K = 5", _rows),
    "rounded": Case("1e6 rows rounded to at most 200 distinct values against 1e3 of the same", _rounded),
    "columns": Case("1e5 rows of 5 columns, K = 4: a fit with independent columns, and with full covariance", _columns),
    "kernel": Case("ns per row x component of value and gradient against a bare vectorised exp", _kernel, "kernel"),
    "startup": Case("where the seconds of a cold process go", _startup, "startup", _startup_outside),
}


def choose_cases(names: Sequence[str]) -> dict[str, Case]:
    """Return the named cases, all where none is named, in the order of `CASES`.

    Raises
    ------
    ValueError
        If a name is no case.
    """
    unknown = sorted(set(names) - set(CASES))
    if unknown:
        raise ValueError(f"cases must be among {', '.join(CASES)}, got {', '.join(unknown)}")
    return {name: case for name, case in CASES.items() if not names or name in names}
