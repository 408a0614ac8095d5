"""exp, log and the density at the edges of double precision."""

import copy
import dataclasses
import math
import pickle
from decimal import Decimal, getcontext

import numba
import numpy as np
import pytest
from scipy.special import logsumexp

from bayesmix.engine import Prior, PriorKind, Problem, Variable, density
from bayesmix.engine.problem import exact_centre
from bayesmix.engine.vector_math import exp, log, log_and_inverse
from tests.engine.helpers import (
    Doubles,
    clusters,
    default_priors,
    default_problem,
    normal_problem,
    normal_rows,
    values_of,
)

getcontext().prec = 60
SIGMA = Prior(PriorKind.LOG_NORMAL, (0.0,), (1.0,))


@numba.njit(cache=True)
def _apply(which: int, x: Doubles, out: Doubles) -> None:
    for i in range(x.size):
        if which == 0:
            out[i] = exp(x[i])
        elif which == 1:
            out[i] = log(x[i])
        else:
            out[i] = log_and_inverse(x[i])[1]


def _applied(which: int, x: Doubles) -> Doubles:
    out = np.empty_like(x)
    _apply(which, x, out)
    return out


def _exact_log_density(problem: Problem, w: Doubles, mu: Doubles, sigma: Doubles) -> float:
    """Log-likelihood in 60 digits, from the very doubles the engine is given."""
    total = Decimal(0)
    half_log_two_pi = (
        Decimal(2).ln() / 2 + (Decimal("3.14159265358979323846264338327950288419716939937510582097494").ln()) / 2
    )
    for y, c in zip(values_of(problem), problem.rows.counts, strict=True):
        density = Decimal(0)
        for k in range(w.size):
            t = (Decimal(y) - Decimal(mu[k])) / Decimal(sigma[k])
            density += Decimal(w[k]) / Decimal(sigma[k]) * (-t * t / 2).exp()
        total += Decimal(c) * (density.ln() - half_log_two_pi)
    return float(total)


def _log_likelihood(problem: Problem, x: Doubles) -> float:
    """Take the prior off: the same problem without rows' weight has the prior alone."""
    weightless = dataclasses.replace(problem.rows, counts=np.zeros(problem.rows.counts.size))
    empty = dataclasses.replace(problem, rows=weightless)
    return problem.logp_and_grad(x)[0] - empty.logp_and_grad(x)[0]


def test_exp_and_log_are_right_to_the_last_place() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-708, 0, 100_000), rng.normal(0, 1, 100_000), [0.0, -708.0, 700.0]])
    exact = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(_applied(0, x) - exact) / exact) < 2.3e-16
    x = np.concatenate(
        [
            rng.uniform(1, 100, 100_000),
            np.exp(rng.normal(0, 100, 100_000)),
            1 + rng.uniform(-1e-4, 1e-4, 10_000),
        ]
    )
    exact = np.log(x.astype(np.longdouble))
    assert np.max(np.abs(_applied(1, x) - exact) / np.abs(exact)) < 3e-16
    assert np.max(np.abs(_applied(2, x) * x - 1)) < 5e-16
    assert _applied(1, np.ones(1))[0] == 0.0


def test_exp_clamps_instead_of_wrapping() -> None:
    assert 0 < _applied(0, np.array([-1e300]))[0] < 4e-308


def test_tiny_sd_is_right_to_twelve_digits() -> None:
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.normal(m, 1e-6, 40) for m in (0.31, 0.77, 1.23)])
    w, mu, sigma = np.array([0.5, 0.25, 0.25]), np.array([0.31, 0.77, 1.23]), np.full(3, 1e-6)
    unit = Prior(PriorKind.NORMAL, (0.0,), (1.0,))
    problem = normal_problem(y, 3, unit, SIGMA, order_by=None)
    x = problem.pack(w, {"mu": mu, "sigma": sigma})
    found = problem.expand(x)
    exact = _exact_log_density(problem, found["w"], found["mu"], found["sigma"])
    assert _log_likelihood(problem, x) == pytest.approx(exact, rel=1e-12)


def test_rows_far_from_everything_stay_finite() -> None:
    y = np.array([0.0, 1.0, 450.0, -1e6])
    problem = normal_problem(y, 2, Prior(PriorKind.NORMAL, (0.0,), (1.0,)), SIGMA)
    w, mu, sigma = np.array([0.4, 0.6]), np.array([0.0, 1.0]), np.array([1.0, 1.5])
    x = problem.pack(w, {"mu": mu, "sigma": sigma})
    value, gradient = problem.logp_and_grad(x)
    table = np.log(w) - np.log(sigma) - 0.5 * ((y[:, None] - mu) / sigma) ** 2
    expected = logsumexp(table.astype(np.longdouble), axis=1).sum() - 2 * math.log(2 * math.pi)
    assert _log_likelihood(problem, x) == pytest.approx(float(expected), rel=1e-13)
    assert math.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("offset", "scale"), [(1e9, 1.0), (-1e9, 1e-3), (0.0, 1e-12), (0.0, 1e12), (1e9, 1e-6)])
def test_units_do_not_matter(offset: float, scale: float) -> None:
    y = clusters(200, [0.0, 6.0], 1.0)
    moved = offset + scale * y
    back = (moved - offset) / scale  # what rounding to the data's own spacing has left
    middle = offset + 3.0 * scale  # rounds likewise: both problems are given what is left
    plain, far = _scaled(back, (middle - offset) / scale, 1.0), _scaled(moved, middle, scale)
    rng = np.random.default_rng(2)
    for _ in range(3):
        x = rng.standard_normal(plain.n_dim)
        value, gradient = plain.logp_and_grad(x)
        far_value, far_gradient = far.logp_and_grad(x)
        assert far_value + 200 * math.log(scale) == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(far_gradient, gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())


def _scaled(y: Doubles, middle: float, scale: float) -> Problem:
    mu = Prior(PriorKind.NORMAL, (middle,), (scale * 6.0,))
    return normal_problem(y, 2, mu, Prior(PriorKind.LOG_NORMAL, (math.log(scale),), (0.7,)), order_by=None)


def test_centre_is_exact_or_nothing() -> None:
    y = 1e9 + clusters(1000, [0.0, 5.0])
    c = exact_centre(y)
    assert c != 0
    assert all(Decimal(v) - Decimal(c) == Decimal(v - c) for v in y)
    spread = np.array([1e-3, 1.1, 2e9])
    assert exact_centre(spread) == 0.0
    assert exact_centre(np.full(3, 7.25)) == 7.25


def test_counts_equal_repeated_rows() -> None:
    rng = np.random.default_rng(3)
    y = np.round(clusters(700, [0.0, 4.0]), 1)
    merged = default_problem(y, 3)
    written_out = normal_problem(y, 3, *default_priors(y))
    assert merged.rows.counts.size < written_out.rows.counts.size
    x = rng.standard_normal(merged.n_dim)
    (a, ga), (b, gb) = merged.logp_and_grad(x), written_out.logp_and_grad(x)
    assert a == pytest.approx(b, rel=1e-12)
    np.testing.assert_allclose(ga, gb, rtol=1e-10, atol=1e-10 * np.abs(ga).max())


@pytest.mark.parametrize("n", [1, 7, 8, 255, 256, 257, 511, 513])
def test_block_edges(n: int) -> None:
    y = clusters(n, [0.0, 3.0], seed=n)
    problem = normal_problem(y, 2, Prior(PriorKind.NORMAL, (0.0,), (3.0,)), SIGMA)
    w, mu, sigma = np.array([0.3, 0.7]), np.array([0.0, 3.0]), np.array([1.0, 2.0])
    table = np.log(w) - np.log(sigma) - 0.5 * ((y[:, None] - mu) / sigma) ** 2
    expected = logsumexp(table, axis=1).sum() - 0.5 * n * math.log(2 * math.pi)
    assert _log_likelihood(problem, problem.pack(w, {"mu": mu, "sigma": sigma})) == pytest.approx(expected, rel=1e-11)


def test_many_components_on_few_rows() -> None:
    problem = default_problem(clusters(5, [0.0]), 60)
    value, gradient = problem.logp_and_grad(np.zeros(problem.n_dim))
    assert math.isfinite(value)
    assert gradient.shape == (179,)


def test_overflowing_points_are_refused_not_wrong() -> None:
    problem = default_problem(clusters(50, [0.0, 5.0]), 2)
    x = np.zeros(problem.n_dim)
    x[-1] = 1e4
    value, gradient = problem.logp_and_grad(x)
    assert not (math.isfinite(value) and np.isfinite(gradient).all())


def test_pack_inverts_expand() -> None:
    for common in (False, True):
        problem = default_problem(clusters(50, [0.0, 5.0]), 3, common_sigma=common)
        x = np.random.default_rng(5).standard_normal(problem.n_dim)
        v = problem.expand(x)
        again = problem.expand(problem.pack(v["w"], v))
        for name in v:
            np.testing.assert_allclose(again[name], v[name], rtol=1e-10, atol=1e-12)


def test_copies_own_their_arrays() -> None:
    y = 1e9 + clusters(50, [0.0, 5.0])
    problem = default_problem(y, 3, alpha=(0.5,), order_by="sigma")
    x = np.random.default_rng(5).standard_normal(problem.n_dim)
    rows, addresses = density.HEADER.index("rows"), slice(density.HEADER.index("rows"), None)
    for twin in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem), dataclasses.replace(problem)):
        own, given = twin.user_data[addresses], problem.user_data[addresses]
        # `replace` passes on the rows themselves, which keep their arrays alive.
        shared = {problem.user_data[rows]} if twin.rows is problem.rows else set()
        assert set(own) & set(given) == shared
        assert twin.logp_and_grad(x)[0] == problem.logp_and_grad(x)[0]
        np.testing.assert_array_equal(twin.expand(x)["mu"], problem.expand(x)["mu"])
    del problem
    assert math.isfinite(twin.logp_and_grad(x)[0])


def test_copies_of_rows_own_their_arrays() -> None:
    rows = normal_rows(clusters(50, [0.0, 5.0]), 2)
    for twin in (pickle.loads(pickle.dumps(rows)), copy.deepcopy(rows)):
        assert not {id(array) for array in twin._keep} & {id(array) for array in rows._keep}
        assert not set(twin.header[5:8]) & set(rows.header[5:8])  # counts, fixed densities, records of the blocks


def _problem(**change: object) -> Problem:
    good: dict[str, object] = {
        "rows": normal_rows([1.0, 2.0], 2),
        "variables": (Variable("mu", Prior(PriorKind.NORMAL, (0.0,)), 2, shape=(2,)), Variable("sigma", SIGMA, 2)),
        "alpha": (1.0, 1.0),
    }
    return Problem(**(good | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": (1.0, -1.0)}, "alpha must be 2 positive numbers, got"),
        ({"alpha": (1.0,)}, "alpha must be 2 positive numbers, got"),
        ({"rows": normal_rows([1.0, 2.0], 2, common_sigma=True)}, "laid out for 4 values, got 3"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    assert _problem().n_dim == 5
    with pytest.raises(ValueError, match=message):
        _problem(**change)


@pytest.mark.parametrize("counts", [[1.0, -1.0], [1.0, np.nan], [1.0, np.inf]])
def test_bad_counts_are_refused(counts: list[float]) -> None:
    with pytest.raises(ValueError, match="counts must be"):
        normal_rows([1.0, 2.0], 2, counts=counts)


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must be"):
        normal_rows([], 2)


def test_points_outside_a_support_cannot_be_packed() -> None:
    with pytest.raises(ValueError, match="positive under LOG_NORMAL, got 0"):
        _problem().pack([0.5, 0.5], {"mu": [0.0, 1.0], "sigma": [1.0, 0.0]})
    with pytest.raises(ValueError, match="2 entries, got 3"):
        _problem().pack([0.2, 0.3, 0.5], {"mu": [0.0, 1.0], "sigma": [1.0, 1.0]})
    shares = Variable("p", Prior(PriorKind.GAMMA, (1.0,)), 1, 3, "simplex", (3,))
    with pytest.raises(ValueError, match="probabilities of 'p' must be positive"):
        shares.to_sampled(np.array([0.5, 0.5, 0.0]))


def test_bad_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="second must be positive"):
        Prior(PriorKind.NORMAL, (0.0,), (0.0,))
    with pytest.raises(ValueError, match="first must be positive"):
        Prior(PriorKind.GAMMA, (-1.0,), (1.0,))
    with pytest.raises(ValueError, match="1 or 3 entries, got 2"):
        normal_problem(np.ones(2), 3, Prior(PriorKind.NORMAL, (0.0, 1.0)), SIGMA)
    with pytest.raises(ValueError, match=r"shape \(5,\), got \(4,\)"):
        default_problem(clusters(9, [0.0]), 2).logp_and_grad(np.zeros(4))
