"""The engine equals the PyMC model it stands for."""

import itertools

import numpy as np
import pytest

from bayesmix.engine import Prior, PriorKind, Problem
from tests.engine.helpers import clusters, default_problem, normal_problem, pymc_model

RNG_SEED = 20261122
Y = clusters(60, [1.0, 4.0, 9.0], 0.8)


def _cases() -> list[tuple[str, Problem]]:
    p = PriorKind
    ties = np.array([1.0, 3.0, 1.0, 2.0] * 15)
    normal, log_normal = Prior(p.NORMAL, (4.0,), (5.0,)), Prior(p.LOG_NORMAL, (0.1,), (0.7,))
    cases = [(f"default-{K}", default_problem(Y, K)) for K in (1, 2, 3, 6)]
    cases += [
        ("unsorted", default_problem(Y, 3, order_by=None)),
        ("by-sigma", default_problem(Y, 3, order_by="sigma")),
    ]
    cases += [(f"common-{K}", default_problem(Y, K, common_sigma=True)) for K in (1, 3)]
    cases += [("counts", normal_problem(Y, 3, normal, log_normal, counts=ties, alpha=(0.3, 1.0, 4.0)))]
    per_component = Prior(p.NORMAL, (1.0, 4.0, 9.0), (0.5, 1.0, 2.0))
    cases += [
        (
            "per-component",
            normal_problem(Y, 3, per_component, Prior(p.GAMMA, (2.0, 3.0, 4.0), (1.0,)), order_by=None),
        )
    ]
    kinds = [(p.HALF_NORMAL, (3.0,), (1.0,)), (p.EXPONENTIAL, (0.4,), (1.0,)), (p.GAMMA, (2.5,), (0.8,))]
    kinds += [
        (p.INVERSE_GAMMA, (3.0,), (4.0,)),
        (p.LOG_NORMAL, (0.5,), (0.6,)),
        (p.LOGIT_NORMAL, (0.2,), (1.1,)),
        (p.BETA, (2.5,), (1.5,)),
    ]
    for (kind, a, b), common in itertools.product(kinds, (False, True)):
        prior = Prior(kind, a, b)
        cases.append(
            (
                f"{kind.name}-{'common' if common else 'each'}",
                normal_problem(Y, 3, prior, prior, common_sigma=common),
            )
        )
    return cases


@pytest.mark.parametrize(("name", "problem"), _cases(), ids=lambda case: case if isinstance(case, str) else "")
def test_equals_pymc(name: str, problem: Problem) -> None:
    model = pymc_model(problem)
    point = model.initial_point()
    sizes = {key: np.shape(value) for key, value in point.items()}
    assert [v.name for v in model.value_vars] == list(sizes)
    both = model.compile_fn([model.logp(), model.dlogp()], mode="FAST_COMPILE")
    rng = np.random.default_rng(RNG_SEED)
    for scale in (0.3, 1.0, 2.0):
        x = scale * rng.standard_normal(problem.n_dim)
        parts = np.split(x, np.cumsum([int(np.prod(s)) for s in sizes.values()])[:-1])
        at = {key: part.reshape(sizes[key]) for key, part in zip(sizes, parts, strict=True)}
        value, gradient = problem.logp_and_grad(x)
        expected_value, expected = both(at)
        np.testing.assert_allclose(value, expected_value, rtol=1e-9)
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "problem"), _cases(), ids=lambda case: case if isinstance(case, str) else "")
def test_gradient_is_the_derivative(name: str, problem: Problem) -> None:
    x = np.random.default_rng(RNG_SEED).standard_normal(problem.n_dim)
    gradient = problem.logp_and_grad(x)[1]
    h = 1e-5
    for i, step in enumerate(h * np.eye(problem.n_dim)):
        slope = (problem.logp_and_grad(x + step)[0] - problem.logp_and_grad(x - step)[0]) / (2 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize(("name", "problem"), _cases()[:9], ids=lambda case: case if isinstance(case, str) else "")
def test_expand_equals_pymc(name: str, problem: Problem) -> None:
    model = pymc_model(problem)
    x = np.random.default_rng(RNG_SEED).standard_normal(problem.n_dim)
    outputs = [v for v in model.unobserved_value_vars if v.name in {"w", "mu", "sigma"}]
    found = problem.expand(x)
    point = model.initial_point()
    parts = np.split(x, np.cumsum([int(np.prod(np.shape(v))) for v in point.values()])[:-1])
    at = {key: part.reshape(np.shape(point[key])) for key, part in zip(point, parts, strict=True)}
    for variable, value in zip(outputs, model.compile_fn(outputs, mode="FAST_COMPILE")(at), strict=True):
        np.testing.assert_allclose(found[variable.name], value, rtol=1e-12)
    free = {name.removesuffix("_simplex__") for name in point}
    assert set(found) == {"w", "mu", "sigma"} | {name.removesuffix("_log__") for name in free}
