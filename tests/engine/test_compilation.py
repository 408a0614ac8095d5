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
from bayesmix.engine import density, pointwise
from bayesmix.engine.columns import KINDS, column_kind
kernels = [column_kind(name).kernel for name in KINDS]
for function in (density.logp_function, density.expand_function, pointwise._all_draws, *kernels):
    assert getattr(function, "func", function).cache_info().currsize == 0, "importing must not compile"
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
from bayesmix.engine import Prior, PriorKind, Problem, Rows, Variable, density, pointwise, start_points
from bayesmix.engine.columns import column_kind
from bayesmix.engine.pointwise import Draws
from bayesmix.engine.rows import Block
from tests.engine.helpers import normal_problem, seeding
seconds = {{}}
functions = {{"logp": density.logp_function, "expand": density.expand_function, "pointwise": pointwise._all_draws,
              "normal": column_kind("normal").kernel}}
for name, function in functions.items():
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
            p = normal_problem(y, k, mu, sigma, common_sigma=common, order_by=None)
            x = 0.1 * rng.standard_normal(p.n_dim)
            assert np.isfinite(p.logp_and_grad(x)[0])
            p.expand(x)
            draws = Draws(np.log(p.weights(x))[None], p.values(x)[None])
            pointwise.log_likelihood(p.rows, draws)
            pointwise.responsibility_mean(p.rows, draws)
    start_points(p, seeding(p), 1, 1, restarts=1)
seconds["work"] = time.perf_counter() - t
later = compiled[first:]
# A further family brings its own kernel and nothing else, whatever stands beside it.
counts = rng.poisson(3, 50).astype(float)[:, None]
slots = [np.arange(start, start + 4).reshape(-1, 1, 2) for start in (0, 4)]
blocks = Block("normal", (counts,), slots[0]), Block("poisson", (counts,), slots[1][:1])
positive = Prior(PriorKind.LOG_NORMAL, (0.0,))
variables = tuple(Variable(name, positive, 2, shape=(2,)) for name in ("mu", "sigma", "rate"))
p = Problem(Rows(blocks, 2, 6, np.ones(50), np.full((1, 50), -3.0)), variables, (1.0,) * 3, extra_weights=("w_noise",))
assert np.isfinite(p.logp_and_grad(np.zeros(p.n_dim))[0])
p.expand(np.zeros(p.n_dim))
pointwise.log_likelihood(p.rows, Draws(np.log(p.weights(np.zeros(p.n_dim)))[None], p.values(np.zeros(p.n_dim))[None]))
rows = pointwise._all_draws()
hits = [function().cache_hits for name, function in functions.items() if name != "pointwise"]
print(json.dumps({{
    "seconds": seconds, "first": compiled[:first], "later": later, "poisson": compiled[first + len(later):],
    "signatures": len(rows.signatures),
    "hits": [*hits, column_kind("poisson").kernel().cache_hits, sum(rows.stats.cache_hits.values())],
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
    assert cold["later"] == []
    assert cold["signatures"] == 1


def test_a_further_family_compiles_its_own_kernel_only(processes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    cold, _ = processes
    driver = {"log_density", "row_pass", "normalise_block", "log_sum_exp", "place", "_expand", "_write_draw"}
    assert driver <= set(cold["first"])
    assert "_prepare" in cold["poisson"]
    assert not driver & set(cold["poisson"])


def test_second_process_loads_from_disk(processes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    cold, warm = processes
    assert cold["hits"] == [0] * 5
    assert warm["hits"] == [1] * 5
    assert warm["first"] == warm["later"] == warm["poisson"] == []
    again, first = (
        sum(run["seconds"][name] for name in ("logp", "expand", "pointwise", "normal")) for run in (warm, cold)
    )
    assert again < 0.06 * first
