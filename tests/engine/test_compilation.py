"""What is compiled, when, and how often."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

_IMPORT_ONLY = """
import sys; sys.path.insert(0, {root!r})
import bayesmix.engine
assert "numba" not in sys.modules, "importing the engine must not import numba"
import bayesmix.engine.problem, bayesmix.engine.starts, bayesmix.engine.pointwise, bayesmix.engine.nutpie_bridge
from bayesmix.engine import density, pointwise, starts
for function in (density.logp_function, density.expand_function, pointwise._row_pass, starts._em):
    assert function.cache_info().currsize == 0, "importing must not compile"
assert "nutpie" not in sys.modules
"""

_WORK = """
import json, sys, time; sys.path.insert(0, {root!r})
import numpy as np
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, e): compiled.append(str(e.data["dispatcher"].py_func.__qualname__))
    def on_end(self, e): pass
event.register("numba:compile", Listener())
from bayesmix.engine import density, pointwise, starts
from bayesmix.engine.priors import Prior, PriorKind
from bayesmix.engine.problem import Problem
seconds = {{}}
for name, function in (("logp", density.logp_function), ("expand", density.expand_function),
                       ("pointwise", pointwise._row_pass), ("em", starts._em)):
    t = time.perf_counter(); function(); seconds[name] = time.perf_counter() - t
first = len(compiled)
rng = np.random.default_rng(0)
t = time.perf_counter()
for k in range(1, 11):
    for n in (5, 300, 1000):
        y = rng.normal(0, 3, n)
        for mu, sigma, common in (
            (Prior(PriorKind.NORMAL, (0.0,), (3.0,)), Prior(PriorKind.LOG_NORMAL, (0.0,), (0.7,)), False),
            (Prior(PriorKind.NORMAL, (0.0,) * k, (3.0,)), Prior(PriorKind.GAMMA, (2.0,), (1.0,)), True),
        ):
            p = Problem(y, k, mu, sigma, common_sigma=common, order_by=None)
            x = rng.standard_normal(p.n_dim)
            assert np.isfinite(p.logp_and_grad(x)[0])
            v = p.expand(x)
            s = np.broadcast_to(v["sigma"], k)
            pointwise.log_likelihood(y, v["w"][None], v["mu"][None], s[None])
            pointwise.responsibility_mean(y, v["w"][None], v["mu"][None], s[None])
    starts.start_points(p, 1, 1, restarts=1)
seconds["work"] = time.perf_counter() - t
logp, expand = density.logp_function(), density.expand_function()
row, em = pointwise._row_pass(), starts._em()
print(json.dumps({{
    "seconds": seconds, "first": first, "later": len(compiled) - first, "signatures": [len(row.signatures),
    len(em.signatures)], "hits": [logp.cache_hits, expand.cache_hits, sum(row.stats.cache_hits.values()),
    sum(em.stats.cache_hits.values())],
}}))
"""


def _run(code: str, cache: Path) -> str:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", code.format(root=str(ROOT))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_compiles_nothing(tmp_path: Path) -> None:
    _run(_IMPORT_ONLY, tmp_path)
    assert not list(tmp_path.rglob("*.nbc"))


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    cache = tmp_path_factory.mktemp("numba")
    cold, warm = (json.loads(_run(_WORK, cache)) for _ in range(2))
    print("seconds cold", cold["seconds"], "warm", warm["seconds"])
    return cold, warm


def test_one_compilation_serves_every_problem(processes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    cold, _ = processes
    assert cold["later"] == 0
    assert cold["signatures"] == [1, 1]


def test_second_process_loads_from_disk(processes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    cold, warm = processes
    assert cold["hits"] == [0, 0, 0, 0]
    assert warm["hits"] == [1, 1, 1, 1]
    assert warm["first"] == warm["later"] == 0
    assert sum(warm["seconds"][name] for name in ("logp", "expand", "pointwise", "em")) < 1.0
