"""Where chains begin."""

import numpy as np
import pytest

from bayesmix.engine import Prior, PriorKind, find_modes, start_points
from tests.engine.helpers import clusters, default_problem, normal_problem, seeding


def test_starts_are_deterministic_and_near_the_mode() -> None:
    problem = default_problem(clusters(500, [0.0, 5.0, 10.0]), 3)
    a, b = (
        start_points(problem, seeding(problem), 4, 7),
        start_points(problem, seeding(problem), 4, np.random.default_rng(7)),
    )
    np.testing.assert_array_equal(a, b)
    assert len({tuple(x) for x in a}) == 4
    best = find_modes(problem, seeding(problem), 1)[0]
    for x in a:
        assert problem.logp_and_grad(x)[0] > best.log_posterior - 20
        np.testing.assert_allclose(problem.expand(x)["mu"], [0, 5, 10], atol=0.5)


@pytest.mark.parametrize("prior", [Prior(PriorKind.LOG_NORMAL, (0.0,), (0.7,)), Prior(PriorKind.HALF_NORMAL, (2.0,))])
@pytest.mark.parametrize("common", [False, True])
def test_tied_data_do_not_collapse(prior: Prior, common: bool) -> None:
    y = np.repeat([15.5, 17.5, 24.0, 24.5], [2, 5, 7, 6]).astype(float)
    values, counts = np.unique(y, return_counts=True)
    mu = Prior(PriorKind.NORMAL, (21.0,), (8.0,))
    for k in (2, 4):
        problem = normal_problem(values, k, mu, prior, counts=counts.astype(float), common_sigma=common)
        for x in start_points(problem, seeding(problem), 4, 1):
            assert problem.expand(x)["sigma"].min() > 0.02
            assert np.isfinite(problem.logp_and_grad(x)[0])


def test_constant_data_have_starts() -> None:
    problem = normal_problem(
        np.full(3, 5.0), 2, Prior(PriorKind.NORMAL, (5.0,), (1.0,)), Prior(PriorKind.LOG_NORMAL, (0.0,))
    )
    starts = start_points(problem, seeding(problem), 2, 1)
    assert all(np.isfinite(problem.logp_and_grad(x)[0]) for x in starts)


def test_subsample_then_all_rows() -> None:
    problem = default_problem(clusters(30_000, [0.0, 5.0, 10.0]), 3)
    for x in start_points(problem, seeding(problem), 2, 1):
        np.testing.assert_allclose(problem.expand(x)["mu"], [0, 5, 10], atol=0.1)


def test_labels_follow_the_priors() -> None:
    mu = Prior(PriorKind.NORMAL, (10.0, 0.0, 5.0), (1.0,))
    problem = normal_problem(clusters(300, [0.0, 5.0, 10.0]), 3, mu, Prior(PriorKind.LOG_NORMAL, (0.0,)), order_by=None)
    for x in start_points(problem, seeding(problem), 3, 1):
        np.testing.assert_allclose(problem.expand(x)["mu"], [10, 0, 5], atol=0.5)
    assert len(find_modes(problem, seeding(problem), 1, searches=5)) == 1


@pytest.mark.parametrize("kind", [PriorKind.LOGIT_NORMAL, PriorKind.GAMMA, PriorKind.HALF_NORMAL])
def test_starts_stay_inside_the_support(kind: PriorKind) -> None:
    y = np.concatenate([clusters(80, [0.2, 0.8], 0.05), [-0.3, 1.2]])
    problem = normal_problem(y, 2, Prior(kind, (0.5,), (1.0,)), Prior(PriorKind.LOG_NORMAL, (-3.0,)))
    for x in start_points(problem, seeding(problem), 2, 1):
        assert np.isfinite(problem.logp_and_grad(x)[0])
        np.testing.assert_allclose(problem.expand(x)["mu"], [0.2, 0.8], atol=0.2)


def test_modes_of_a_plain_normal_match_the_exact_mass() -> None:
    problem = default_problem(clusters(400, [3.0]), 1)
    (mode,) = find_modes(problem, seeding(problem), 1, searches=5)
    assert mode.hits == 5
    centre = mode.x
    grid = np.linspace(-1, 1, 201) * 0.15
    logs = np.array([[problem.logp_and_grad(centre + np.array([a, b]))[0] for b in grid] for a in grid])
    top = logs.max()
    exact = top + np.log(np.exp(logs - top).sum() * (grid[1] - grid[0]) ** 2)
    assert mode.log_mass == pytest.approx(exact, abs=0.02)


def test_misfit_data_have_several_modes() -> None:
    problem = default_problem(clusters(2000, [0.0, 5.0, 10.0, 15.0, 20.0]), 3)
    modes = find_modes(problem, seeding(problem), 1)
    assert len(modes) >= 2
    assert sum(m.hits for m in modes) == 20
    assert modes[0].log_mass >= modes[1].log_mass
    for x in start_points(problem, seeding(problem), 4, 2):
        assert problem.logp_and_grad(x)[0] > modes[0].log_posterior - 60
