"""Where chains begin."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesmix.blocks import read_rows
from bayesmix.compiled import draws_of, problem_of, rows_of
from bayesmix.engine import Prior, PriorKind, find_modes, pointwise, start_points
from bayesmix.families import Binomial, MvNormal
from bayesmix.mixture import Mixture
from bayesmix.resolving import resolve
from bayesmix.seeding import seeding_of
from tests.engine.helpers import Doubles, clusters, default_problem, normal_problem, seeding


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


def test_searches_side_by_side_are_those_of_their_own() -> None:
    """All restarts of all chains go through EM in one batch, which is to change nothing but the time."""
    problem = default_problem(clusters(500, [0.0, 5.0, 10.0]), 3)
    many, few = (start_points(problem, seeding(problem), chains, 7) for chains in (6, 2))
    np.testing.assert_allclose(many[:2], few, rtol=1e-6, atol=1e-6)


def _two_groups(n: int = 240) -> tuple[np.ndarray[Any, np.dtype[np.int64]], dict[str, tuple[Mixture, Any]]]:
    """Return the group of every row, and specifications with data whose two groups lie far apart."""
    rng = np.random.default_rng(5)
    group = rng.integers(0, 2, n)
    place, size, share = (np.choose(group, pair) for pair in ((0.0, 9.0), (1.0, 20.0), (0.1, 0.85)))
    columns: dict[str, Any] = {
        "normal": rng.normal(place),
        "student_t": place + rng.standard_t(4, n),
        "log_normal": np.exp(rng.normal(place)),
        "gamma": size * rng.gamma(20.0, 0.05, n),
        "exponential": size**4 * rng.exponential(size=n),
        "weibull": size * rng.weibull(5.0, n),
        "beta": rng.beta(30 * share, 30 - 30 * share),
        "von_mises": rng.vonmises(2.0 + 2 * share, 40.0),
        "poisson": rng.poisson(2 * size) * 1.0,
        "negative_binomial": rng.negative_binomial(5, 1 / (1 + 0.5 * size)) * 1.0,
    }
    cases = {name: (Mixture(2, name), y) for name, y in columns.items()}
    cases["binomial"] = Mixture(2, Binomial(trials=30)), rng.binomial(30, share)
    bits = pd.DataFrame(rng.binomial(1, share[:, None], (n, 9)) * 1.0, columns=[f"q{i}" for i in range(9)])
    cases["bernoulli"] = Mixture(2, dict.fromkeys(bits, "bernoulli")), bits
    words = pd.DataFrame(np.where(rng.random((n, 9)) < 0.2, "x", np.where(bits == 1, "y", "z")), columns=bits.columns)
    cases["categorical"] = Mixture(2, dict.fromkeys(words, "categorical")), words
    table = pd.DataFrame({"normal": columns["normal"], "gamma": columns["gamma"], "q0": words["q0"]})
    families = {"normal": "normal", "gamma": "gamma", "q0": "categorical"}
    cases["table"] = Mixture(2, families), table.mask(rng.random(table.shape) < 0.2)
    plane = pd.DataFrame({"a": rng.normal(place), "b": rng.normal(7.0, 1.0, n)})
    plane["c"] = plane["a"] + rng.normal(0, 0.5, n)
    cases["full"] = Mixture(2, MvNormal("full")), plane * [1.0, 1e-3, 1e6]
    cases["diag"] = Mixture(2, MvNormal("diag")), plane
    cases["tied"] = Mixture(2, MvNormal("tied")), plane.mask(rng.random(plane.shape) < 0.2)
    cases["spherical"] = Mixture(2, MvNormal("spherical")), plane
    return group, cases


_ROUNDED = ("normal", "student_t", "log_normal", "gamma", "weibull", "beta", "von_mises")


@pytest.mark.parametrize(
    ("name", "rounded"), [*((name, False) for name in _two_groups()[1]), *((name, True) for name in _ROUNDED)]
)
def test_starts_of_every_family_find_the_groups(name: str, rounded: bool) -> None:
    """What counts is whether the start sorts the rows as they were made, whatever the labels."""
    group, cases = _two_groups()
    mixture, y = cases[name]
    options: dict[str, Any] = {}
    if rounded:
        step = 0.05 if name == "beta" else 0.5
        y, options = np.round(y / step) * step, {"resolution": step}
        inside = name in ("log_normal", "gamma", "weibull", "beta")
        y = np.clip(y, step if inside else -np.inf, 1 - step if name == "beta" else np.inf)
    observations = read_rows(mixture.family, y, **options)
    resolved = resolve(mixture, observations)
    laid = problem_of(resolved, observations)
    given = seeding_of(resolved, laid.layout, laid.problem, laid.cells)
    starts = start_points(laid.problem, given, 4, 1)
    assert len({tuple(x) for x in starts}) == 4
    best = find_modes(laid.problem, given, 1, searches=6)[0]
    for x in start_points(laid.problem, given, 4, 1, noise=0.0):
        assert laid.problem.logp_and_grad(x)[0] > best.log_posterior - 1
    rows = rows_of(resolved, laid.layout, observations.cells)
    seen = observations.informative
    for x in starts:
        found = laid.problem.expand(x)
        parameters = {v.name: np.atleast_1d(found[v.name])[None] for v in resolved.variables}
        shares = pointwise.responsibilities(rows, draws_of(resolved, found["w"][None], parameters))[0, :, 1]
        agreement = np.mean((shares > 0.5)[seen] == group[seen])
        assert max(agreement, 1 - agreement) > 0.93


def test_starts_leave_the_noise_to_its_component() -> None:
    rng = np.random.default_rng(6)
    y = np.concatenate([clusters(200, [0.0, 8.0], 0.5), rng.uniform(-60, 60, 40)])
    observations = read_rows(Mixture(2).family, y)
    resolved = resolve(Mixture(2, noise=True), observations)
    laid = problem_of(resolved, observations)
    given = seeding_of(resolved, laid.layout, laid.problem, laid.cells)
    for x in start_points(laid.problem, given, 4, 1, noise=0.0):
        found: dict[str, Doubles] = laid.problem.expand(x)
        np.testing.assert_allclose(found["mu"], [0.0, 8.0], atol=0.3)
        np.testing.assert_allclose(found["sigma"], 0.5, atol=0.2)
        np.testing.assert_allclose(found["w_noise"], 40 / 240, atol=0.1)
