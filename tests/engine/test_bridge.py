"""Sampling through nutpie: pointers, fallback, starts per chain, interrupts."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesmix.engine import Prior, PriorKind, Problem, Rows, Variable, nutpie_bridge, start_points
from bayesmix.engine.nutpie_bridge import StartPoints, chain_seeds, compile_model, sample
from bayesmix.engine.rows import Block
from bayesmix.engine.variables import correlation_prior
from tests.engine.helpers import clusters, default_problem, normal_problem, seeding

Y = clusters(60, [0.0, 6.0])
ROOT = Path(__file__).parents[2]


def _values(tree: Any, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(tree.posterior[name].values)


def test_draws_do_not_depend_on_cores() -> None:
    problem = default_problem(Y, 2)
    starts = start_points(problem, seeding(problem), 4, 1)
    one, two, four = (sample(problem, starts, seed=3, draws=50, tune=100, cores=c) for c in (1, 2, 4))
    for name in (output.name for output in problem.outputs):
        np.testing.assert_array_equal(_values(one, name), _values(two, name))
        np.testing.assert_array_equal(_values(one, name), _values(four, name))


@pytest.mark.parametrize("adaptation", ["diag", "low_rank"])
@pytest.mark.parametrize("cores", [1, 4])
def test_every_chain_begins_at_its_own_start(adaptation: Any, cores: int) -> None:
    import nutpie

    problem = default_problem(Y, 2)
    starts = start_points(problem, seeding(problem), 5, 1) + np.linspace(-1, 1, 5)[:, None]
    model = compile_model(problem, starts, seed=11, adaptation=adaptation)
    points: StartPoints = model.initial_point_func
    assert list(points.points) == list(chain_seeds(11, 5, adaptation))
    options = {
        "progress_bar": False,
        "save_warmup": True,
        "store_unconstrained": True,
        "adaptation": adaptation,
    }
    # With a tiny step size the first draw is at or near the start, and starts are far from each other.
    frozen: Any = nutpie.sample(
        model,
        draws=5,
        tune=5,
        chains=5,
        cores=cores,
        seed=11,
        initial_step=1e-12,
        max_step_size=1e-12,
        **options,
    )
    assert points.refused == []
    first = np.asarray(frozen.warmup_sample_stats["unconstrained_draw"])[:, 0]
    nearest = np.linalg.norm(first[:, None] - starts, axis=2).argmin(axis=1)
    assert nearest.tolist() == [0, 1, 2, 3, 4]


def test_refused_starts_are_replaced_deterministically() -> None:
    points = StartPoints({1: np.zeros(3), 2: np.ones(3)})
    np.testing.assert_array_equal(points(2), np.ones(3))
    np.testing.assert_array_equal(points(77), points(77))
    assert points.refused == [77, 77]


def test_fallback_gives_the_same_draws() -> None:
    problem = default_problem(Y, 2)
    starts = start_points(problem, seeding(problem), 2, 1)
    fast = sample(problem, starts, seed=5, draws=20, tune=40)
    slow = sample(problem, starts, seed=5, draws=20, tune=40, through="python")
    for output in problem.outputs:
        name = output.name
        assert fast.posterior[name].dims == slow.posterior[name].dims == ("chain", "draw", *output.dims)
        assert _values(fast, name).shape[2:] == output.shape
        np.testing.assert_allclose(_values(fast, name), _values(slow, name), rtol=1e-6)


def test_fallback_survives_non_finite_densities() -> None:
    problem = default_problem(Y, 2)
    far = np.zeros((1, problem.n_dim))
    far[0, -1] = 600.0  # a finite start with a huge gradient: the first steps overflow
    tree: Any = sample(problem, far, seed=5, draws=5, tune=20, through="python")
    assert tree.posterior.sizes["draw"] == 5


def test_variables_of_every_form() -> None:
    prior = Prior(PriorKind.GAMMA, (2.0,), (1.0,))
    positive = normal_problem(np.abs(Y) + 0.1, 2, prior, prior, common_sigma=True)
    starts = start_points(positive, seeding(positive), 2, 1)
    tree: Any = sample(positive, starts, seed=1, draws=30, tune=60)
    assert list(tree.posterior.data_vars) == ["w", "mu", "sigma", "w_free", "mu_free", "sigma_free"]
    assert tree.posterior["sigma"].dims == ("chain", "draw")
    assert list(tree.posterior["component"].values) == [0, 1]
    mu = _values(tree, "mu")
    assert (np.diff(mu, axis=-1) > 0).all()
    np.testing.assert_array_equal(mu, _values(tree, "mu_free"))
    single = default_problem(Y, 1)
    tree = sample(single, start_points(single, seeding(single), 2, 1), seed=1, draws=30, tune=60)
    assert list(tree.posterior.data_vars) == ["w", "mu", "sigma", "mu_z", "sigma_z"]
    assert (_values(tree, "w") == 1.0).all()


@pytest.mark.parametrize("through", ["pointer", "python"])
def test_vectors_and_components_without_parameters(through: Any) -> None:
    """Probabilities of categories, correlations, noise: dimensions of their own, and numbers inside their supports."""
    rng, k, n = np.random.default_rng(0), 2, 40
    plane, letters = rng.normal(size=(n, 3)), rng.integers(0, 4, n).astype(float)
    normal = np.concatenate([np.arange(6).reshape(k, 3).T, 6 + np.arange(6).reshape(k, 3).T])
    slots = np.concatenate([normal, 12 + np.arange(6).reshape(k, 3).T])[:, None]
    blocks = (
        Block("mv_normal", tuple(plane[:, [i]] for i in range(3)), slots),
        Block("categorical", (letters[:, None],), 18 + np.arange(8).reshape(k, 4).T[:, None], 4),
    )
    unit, scale = Prior(PriorKind.NORMAL, (0.0,)), Prior(PriorKind.LOG_NORMAL, (0.0,))
    problem = Problem(
        Rows(blocks, k, 26, np.ones(n), np.full((1, n), -4.0)),
        (
            Variable("mu", unit, k, 3, shape=(k, 3)),
            Variable("sigma", scale, k, 3, shape=(k, 3)),
            Variable("corr", correlation_prior(2.0), k, 3, "correlation", (k, 3)),
            Variable("p", Prior(PriorKind.GAMMA, (1.0,)), k, 4, "simplex", (k, 4)),
        ),
        (1.0, 1.0, 0.5),
        ("mu", 1),
        ("w_noise",),
        {"mu": ("component", "feature"), "corr": ("component", "pair"), "p": ("component", "category")}
        | {"sigma": ("component", "feature")},
    )
    starts = 0.3 * rng.normal(size=(2, problem.n_dim))
    tree: Any = sample(problem, starts, seed=1, draws=30, tune=100, through=through)
    names = ["w", "w_noise", "mu", "sigma", "corr", "p", "w_free", "mu_z", "sigma_z", "corr_free", "p_free"]
    assert list(tree.posterior.data_vars) == names
    assert tree.posterior["w_noise"].dims == ("chain", "draw")
    assert tree.posterior["w_free"].dims == ("chain", "draw", "member")
    assert tree.posterior["p"].dims == tree.posterior["p_free"].dims == ("chain", "draw", "component", "category")
    assert tree.posterior.sizes["feature"] == tree.posterior.sizes["pair"] == 3
    np.testing.assert_allclose(_values(tree, "w").sum(axis=-1) + _values(tree, "w_noise"), 1.0)
    np.testing.assert_allclose(_values(tree, "p").sum(axis=-1), 1.0)
    assert (np.diff(_values(tree, "mu")[..., 1], axis=-1) > 0).all()
    i, j = np.array([1, 2, 2]), np.array([0, 0, 1])
    matrices = np.broadcast_to(np.eye(3), (2, 30, k, 3, 3)).copy()
    matrices[..., i, j] = matrices[..., j, i] = _values(tree, "corr")
    assert (np.linalg.eigvalsh(matrices) > 0).all()


def test_recovers_two_groups() -> None:
    import arviz_stats

    stats: Any = arviz_stats

    problem = default_problem(clusters(400, [0.0, 6.0], seed=4), 2)
    tree: Any = sample(problem, start_points(problem, seeding(problem), 4, 1), seed=1, draws=500, tune=500)
    table = stats.summary(tree, var_names=["w", "mu", "sigma"], round_to="none")
    assert table["r_hat"].max() < 1.02
    assert int(tree.sample_stats["diverging"].sum()) == 0
    np.testing.assert_allclose(table["mean"].to_numpy(), [0.5, 0.5, 0, 6, 1, 1], atol=0.25)


@pytest.mark.parametrize(("n", "k", "expected"), [(19, 2, "diag"), (10_000, 5, "low_rank"), (9_999, 5, "diag")])
def test_adaptation_depends_on_rows_per_component(n: int, k: int, expected: str) -> None:
    assert nutpie_bridge.adaptation_for(n, k) == expected
    assert nutpie_bridge.adaptation_for(10**6, 1) == "diag"


def test_starts_are_checked() -> None:
    with pytest.raises(ValueError, match=r"shape \(chains, 5\), got shape \(2, 4\)"):
        compile_model(default_problem(Y, 2), np.zeros((2, 4)), seed=1)


def test_probe_failure_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    import nutpie

    monkeypatch.setattr(nutpie, "sample", lambda *a, **k: None)
    with pytest.raises(RuntimeError, match="asked 0 times for 3"):
        nutpie_bridge.chain_seeds(987654, 3)


_LONG_RUN = """
import signal; signal.signal(signal.SIGINT, signal.default_int_handler)
import sys; sys.path.insert(0, {root!r})
import numpy as np
from bayesmix.engine import start_points
from bayesmix.engine.nutpie_bridge import sample
from tests.engine.helpers import clusters, default_problem, seeding
problem = default_problem(clusters({n}, [0.0, 2.0, 4.0]), 3)
starts = start_points(problem, seeding(problem), 2, 1)
sample(problem, starts, seed=1, draws=10, tune=10)
print("ready", flush=True)
try:
    sample(problem, starts, seed=1, draws=10_000_000, tune=1000)
except KeyboardInterrupt:
    pass
print("stopped", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 20_000])
def test_interrupt_stops_promptly(n: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _LONG_RUN.format(root=str(ROOT), n=n)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        start = time.perf_counter()
        assert process.stdout.readline() == "stopped\n"
        assert time.perf_counter() - start < 10.0
        process.wait(timeout=20)
