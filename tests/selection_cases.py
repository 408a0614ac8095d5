"""How often the number of groups that made the data is chosen: simulated normal groups, and a skewed one.

``python -m tests.selection_cases`` runs all cases and prints the table of ``docs/choosing.md``; names as arguments
choose some. Two processes share the work; the numbers do not depend on it.
"""

import warnings
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

import bayesmix as bm
from bayesmix.errors import NoConvergedFitError

__all__ = ["CASES", "N_SETS", "SEED", "Case", "choices", "data_set"]

N_SETS = 100
DRAWS = 1000
SEED = 20261124


class Case(NamedTuple):
    """Equal groups 4 sd apart, or one skewed group; rows in all, and the largest number of components tried."""

    groups: int
    n: int
    tried: int
    skewed: bool = False
    evidence: bool = False
    common_sigma: bool = False


CASES = {"1 group, n = 50": Case(1, 50, 4, evidence=True)}
CASES |= {f"1 group, n = {n}": Case(1, n, 3) for n in (200, 1000)}
CASES |= {f"{g} groups, n = {n}": Case(g, n, g + 1) for n in (100, 200) for g in (2, 3, 4)}
CASES["4 groups, n = 100, one sd for all"] = Case(4, 100, 5, common_sigma=True)
CASES["1 skewed group (exponential), n = 200"] = Case(1, 200, 3, skewed=True)


def data_set(case: Case, number: int) -> Any:
    """Return one simulated data set."""
    rng = np.random.default_rng([SEED, case.groups, case.n, case.skewed, number])
    if case.skewed:
        return rng.exponential(size=case.n)
    return 4.0 * rng.integers(case.groups, size=case.n) + rng.normal(size=case.n)


def choices(name: str, number: int) -> tuple[int | None, int | None]:
    """Return the number of components chosen by LOO at half the default draws, and the most probable one."""
    case = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        choice = bm.choose_components(
            data_set(case, number),
            range(1, case.tried + 1),
            mixture=bm.Mixture(1, bm.families.Normal(common_sigma=case.common_sigma)),
            draws=DRAWS,
            evidence=case.evidence,
            cores=1,
            random_seed=number,
            progressbar=False,
        )
    try:
        best: int | None = choice.best
    except NoConvergedFitError:
        best = None
    evidences = {k: e.value for k, e in choice.ranking.evidences.items() if np.isfinite(e.value)}
    return best, max(evidences, key=lambda k: evidences[k], default=None)


def _line(name: str, found: list[tuple[int | None, int | None]]) -> str:
    true, n = CASES[name].groups, len(found)
    by_loo, by_evidence = Counter(loo for loo, _ in found), Counter(evidence for _, evidence in found)
    shown = ", ".join(f"{k}: {count}" for k, count in sorted(by_loo.items(), key=str))
    weighed = f"{by_evidence[true] / n:.0%}" if CASES[name].evidence else ""
    return f"| {name} | {n} | {by_loo[true] / n:.0%} | {shown} | {weighed} |"


if __name__ == "__main__":
    import sys
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial
    from multiprocessing import get_context

    print("| data | sets | chosen = true | chosen by LOO | most probable = true |")
    print("|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for chosen in sys.argv[1:] or CASES:
            print(_line(chosen, list(pool.map(partial(choices, chosen), range(N_SETS)))), flush=True)
