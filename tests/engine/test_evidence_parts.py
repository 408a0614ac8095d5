"""What estimates of the evidence are made of: densities in bulk, ordered copies, angles, prior draws, tempering."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.compiled import problem_of
from bayesmix.engine.angles import Turns, log_wound
from bayesmix.engine.batch import log_densities, without_rows
from bayesmix.engine.ordered import Ordered, Part, parts_of
from bayesmix.engine.prior_points import prior_points
from bayesmix.engine.tempering import Evaluation, temper
from bayesmix.resolving import resolve

Y = [1.0, 2.0, 2.5, 2.5, 7.0, 8.0, 9.5]
TABLE = pd.DataFrame(
    {
        "a": [1.0, 2, 5, 6, 9, 4],
        "b": [0.5, 1, 3, 2, 2, np.nan],
        "c": list("xyzxyz"),
        "n": [0.0, 1, 5, 2, 7, 1],
        "t": [0.1, 0.4, 3.0, 3.1, -3.0, 0.2],
    }
)
FAMILIES = {"a": "normal", "b": "gamma", "c": "categorical", "n": "poisson", "t": "von_mises"}
MIXTURES = {
    "normal": (bm.Mixture(3), Y),
    "one": (bm.Mixture(1), Y),
    "shared": (bm.Mixture(3, bm.families.Normal(common_sigma=True)), Y),
    "noise": (bm.Mixture(2, noise=True), Y),
    "richardson_green": (bm.Mixture(3, priors="richardson_green"), Y),
    "table": (bm.Mixture(2, FAMILIES, noise=True), TABLE),
    "mv_normal": (bm.Mixture(3, "mv_normal"), TABLE[["a", "b"]]),
}


def problem_for(mixture, y=Y, **options):
    rows = read_rows(mixture.family, y, options.get("weights"), options.get("resolution"))
    return problem_of(resolve(mixture, rows), rows).problem


@pytest.fixture(scope="module", params=MIXTURES)
def problem(request):
    return problem_for(*MIXTURES[request.param])


def space_of(problem, key):
    return Ordered(problem.n_components, problem.rows.n_all, parts_of(problem), key)


def keys_of(problem):
    parts = [p for p in parts_of(problem) if p.rows == problem.n_components]
    return [(p.name, entry) for p in parts for entry in range(p.size)]


# Densities in bulk


def test_bulk_densities_are_those_of_single_points_whatever_the_threads(problem, rng):
    points = np.concatenate([rng.normal(size=(1000, problem.n_dim)), 30 * rng.normal(size=(50, problem.n_dim))])
    values, gradients = log_densities(problem, points)
    for i in np.r_[0:20, 250:260, 1040:1050]:
        value, gradient = problem.logp_and_grad(points[i])
        np.testing.assert_array_equal(values[i], value)
        np.testing.assert_array_equal(gradients[i], gradient)
    for threads in (1, 2, 3, 7):
        again, slopes = log_densities(problem, points, threads=threads)
        np.testing.assert_array_equal(again, values)
        np.testing.assert_array_equal(slopes, gradients)


def test_points_in_any_layout(rng):
    problem = problem_for(bm.Mixture(2))
    points = rng.normal(size=(problem.n_dim, 9)).T
    assert not points.flags.c_contiguous
    np.testing.assert_array_equal(log_densities(problem, points)[0], log_densities(problem, points.copy())[0])
    assert log_densities(problem, points[:0])[0].shape == (0,)


def test_the_density_without_rows_is_the_prior(rng):
    priors = {"mu": bm.priors.Normal(3, 2), "sigma": bm.priors.LogNormal(0.5, 0.7)}
    problem = problem_for(bm.Mixture(3, priors=priors, weights=bm.priors.Dirichlet(1.5)))
    points = rng.normal(size=(20, problem.n_dim))
    found, gradients = log_densities(without_rows(problem), points)
    for x, value in zip(points, found, strict=True):
        w = problem.weights(x)
        # From (y_1, y_2), y_3 = -y_1 - y_2, to weights: the softmax has the Jacobian K * w_1 * w_2 * w_3.
        expected = stats.dirichlet(np.full(3, 1.5)).logpdf(w) + np.log(w).sum() + math.log(3)
        assert value == pytest.approx(expected + stats.norm.logpdf(x[2:]).sum(), rel=1e-12)
    np.testing.assert_allclose(gradients[:, 2:], -points[:, 2:], rtol=1e-12)


@pytest.mark.parametrize("case", ["table", "mv_normal", "richardson_green", "noise"])
def test_the_density_without_rows_is_pymcs_prior(case, rng):
    mixture, y = MIXTURES[case]
    problem, model = problem_for(mixture, y), bm.build_model(mixture, y)
    prior = model.compile_fn([sum(model.logp(v) for v in model.free_RVs)], mode="FAST_COMPILE")
    for _ in range(3):
        point = {v.name: rng.normal(size=model.initial_point()[v.name].shape) for v in model.value_vars}
        x = np.concatenate([np.ravel(v) for v in point.values()])
        value = log_densities(without_rows(problem), x[np.newaxis])[0][0]
        assert value == pytest.approx(float(prior(point)[0]), rel=1e-12)


def test_the_prior_integrates_to_one():
    problem = without_rows(problem_for(bm.Mixture(1, priors={"sigma": bm.priors.Gamma(1.5, 0.3)})))
    grid = np.stack(np.meshgrid(np.linspace(-9, 9, 301), np.linspace(-30, 6, 801), indexing="ij"), axis=-1)
    density = np.exp(log_densities(problem, grid.reshape(-1, 2))[0].reshape(301, 801))
    inner = integrate.simpson(density, x=grid[0, :, 1], axis=1)
    assert integrate.simpson(inner, x=grid[:, 0, 0]) == pytest.approx(1, abs=1e-8)


# Ordered copies


def test_ordered_coordinates_go_there_and_back(problem, rng):
    points = rng.normal(size=(40, problem.n_dim))
    for key in keys_of(problem):
        space = space_of(problem, key)
        free = space.to_free(points)
        back, jacobian = space.to_points(free)
        np.testing.assert_allclose(space.to_free(back), free, atol=1e-9)
        if problem.n_components == 1:
            np.testing.assert_array_equal(back, points)
            continue
        at = space.positions
        np.testing.assert_allclose(np.sort(points[:, at], axis=1), back[:, at], atol=1e-12)
        order = np.argsort(points[:, at], axis=1)
        np.testing.assert_allclose(space.permuted(points, order), back, atol=1e-9)
        np.testing.assert_allclose(jacobian, np.log(np.diff(back[:, at], axis=1)).sum(axis=1), atol=1e-9)


def test_the_ordered_jacobian_is_that_of_finite_differences(rng):
    problem = problem_for(bm.Mixture(3))
    space = space_of(problem, ("mu", 0))
    free = rng.normal(size=(5, problem.n_dim))
    h = 1e-6
    for x in free:
        steps = np.concatenate([x + h * np.eye(x.size), x - h * np.eye(x.size)])
        moved, _ = space.to_points(steps)
        matrix = (moved[: x.size] - moved[x.size :]) / (2 * h)
        _, jacobian = space.to_points(x[np.newaxis])
        assert np.linalg.slogdet(matrix)[1] == pytest.approx(jacobian[0], abs=1e-6)


def test_the_chain_rule_is_that_of_finite_differences(problem, rng):
    if problem.n_components == 1:
        return
    space = space_of(problem, keys_of(problem)[-1])
    free = 0.5 * rng.normal(size=(3, problem.n_dim))

    def value(x):
        points, jacobian = space.to_points(x)
        return log_densities(problem, points)[0] + jacobian

    _, gradients = log_densities(problem, space.to_points(free)[0])
    slopes = space.chain_rule(free, gradients)
    slopes[:, space.positions[1:]] += 1.0
    h = 1e-5
    for x, slope in zip(free, slopes, strict=True):
        steps = h * np.eye(x.size)
        found = (value(x + steps) - value(x - steps)) / (2 * h)
        np.testing.assert_allclose(slope, found, rtol=1e-5, atol=1e-5 * np.abs(slope).max())


def test_the_density_does_not_know_the_labels(problem, rng):
    k = problem.n_components
    points = rng.normal(size=(30, problem.n_dim))
    order = np.argsort(rng.random((30, k)), axis=1)
    space = space_of(problem, keys_of(problem)[0])
    moved = space.permuted(points, order)
    assert k == 1 or not np.array_equal(moved, points)
    np.testing.assert_allclose(log_densities(problem, moved)[0], log_densities(problem, points)[0], rtol=1e-11)
    for before, after, new in zip(points[:5], moved[:5], order[:5], strict=True):
        w, weights = problem.weights(before), problem.weights(after)
        np.testing.assert_allclose(weights[:k], w[:k][new], rtol=1e-12)
        np.testing.assert_allclose(weights[k:], w[k:], rtol=1e-12)  # noise keeps its weight
    for part in parts_of(problem):
        if part.rows != k:
            at = slice(part.start, part.start + part.size)
            np.testing.assert_array_equal(moved[:, at], points[:, at])


def test_shared_parameters_are_there_to_be_left_alone():
    rows = {p.name: p.rows for p in parts_of(problem_for(*MIXTURES["shared"]))}
    assert rows == {"mu": 3, "sigma": 1}
    rows = {p.name: p.rows for p in parts_of(problem_for(*MIXTURES["richardson_green"]))}
    assert rows == {"mu": 3, "sigma_beta": 1, "sigma": 3}


def test_without_a_key_the_space_is_left_as_it_is(rng):
    points = rng.normal(size=(4, 8))
    for space in (Ordered(3, 3, (Part("mu", 2, 3, 1),), None), Ordered(1, 1, (Part("mu", 0, 1, 1),), ("mu", 0))):
        assert space.log_copies == 0
        assert not space.positions.size
        assert space.to_free(points) is points
        back, jacobian = space.to_points(points)
        assert back is points
        np.testing.assert_array_equal(jacobian, np.zeros(4))
        assert space.chain_rule(points, points) is points
    assert Ordered(3, 3, (Part("mu", 2, 3, 1),), ("mu", 0)).log_copies == pytest.approx(math.log(6))


def test_equal_keys_stay_finite():
    space = Ordered(2, 2, (Part("mu", 1, 2, 1),), ("mu", 0))
    assert np.isfinite(space.to_free(np.array([[0.2, 3.0, 3.0]]))).all()


def test_the_steadiest_key_separates_the_components(rng):
    space = Ordered(3, 3, (Part("mu", 2, 3, 2), Part("sigma", 8, 3, 1)), None)
    points = rng.normal(size=(500, 11))
    points[:, [3, 5, 7]] += np.array([20.0, 0.0, 40.0])
    candidates = [("mu", 0), ("mu", 1), ("sigma", 0)]
    assert space.steadiest_key(points, candidates) == ("mu", 1)
    points[:, [3, 5, 7]] = rng.normal(size=(500, 3))
    points[:, [8, 9, 10]] += np.array([0.0, -20.0, 20.0])
    assert space.steadiest_key(points, candidates) == ("sigma", 0)


# Angles


@pytest.mark.parametrize("period", [0.05, 0.6283, 2.4999, 2.5001, 6.3, 60.0])
def test_wound_normals_are_the_sum_of_all_windings(period):
    z = np.linspace(-4, 5, 23)
    windings = z[:, None] + period * np.arange(-400, 401)
    expected = np.log(np.exp(-0.5 * windings**2).sum(axis=1))
    np.testing.assert_allclose(log_wound(z, period), expected, rtol=1e-12, atol=1e-12)


def test_angles_are_folded_and_cut_far_from_the_draws(rng):
    period = 2 * math.pi / 10
    middles = np.array([[3.1, -2.0]]) / 10  # near the ends of the usual turn
    points = np.column_stack([rng.normal(size=800), middles + 0.03 * rng.normal(size=(800, 2))])
    points[:, 1:] += period * rng.integers(-3, 4, size=(800, 2))
    turns = Turns.fit(points, [np.array([1, 2])], [period])
    assert turns.cuts[0] == turns.cuts[1]
    folded = turns.folded(points)
    np.testing.assert_array_equal(folded[:, 0], points[:, 0])
    np.testing.assert_allclose(np.sin(10 * folded[:, 1:]), np.sin(10 * points[:, 1:]), atol=1e-12)
    assert (folded[:, 1:].std(axis=0) < 0.04).all()  # no group lies on both sides of the cut
    factor = turns.log_factor(folded)
    expected = sum(log_wound(folded[:, j], period) - stats.norm.logpdf(folded[:, j]) for j in (1, 2))
    np.testing.assert_allclose(factor, expected - math.log(2 * math.pi), rtol=1e-12)
    folded[3, 2] += period
    assert turns.log_factor(folded)[3] == -np.inf
    assert np.isfinite(np.delete(turns.log_factor(folded), 3)).all()


def test_without_angles_nothing_is_folded(rng):
    points = rng.normal(size=(5, 3))
    turns = Turns.fit(points, [], [])
    assert turns.folded(points) is points
    np.testing.assert_array_equal(turns.log_factor(points), np.zeros(5))


# Draws of the prior

KINDS = {
    "normal": (bm.priors.Normal(3, 2), stats.norm(3, 2)),
    "log_normal": (bm.priors.LogNormal(0.5, 0.7), stats.lognorm(0.7, scale=math.exp(0.5))),
    "half_normal": (bm.priors.HalfNormal(3), stats.halfnorm(scale=3)),
    "exponential": (bm.priors.Exponential(0.4), stats.expon(scale=1 / 0.4)),
    "gamma": (bm.priors.Gamma(0.6, 2), stats.gamma(0.6, scale=1 / 2)),
    "inverse_gamma": (bm.priors.InverseGamma(2.5, 4), stats.invgamma(2.5, scale=4)),
}


def parameters_at(problem, points, name):
    start, size = problem.value_start(name), problem.variable(name).n_values
    values = np.array([problem.values(x) for x in points])[:, start : start + size]
    return values + problem.variable(name).centre


def fits(values, distribution):
    """Whether draws pass a Kolmogorov-Smirnov test that one right set in a thousand fails."""
    return stats.kstest(np.ravel(values), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::bayesmix.errors.PriorWarning")
def test_prior_points_have_their_distribution(kind):
    prior, distribution = KINDS[kind]
    name = "mu" if kind == "normal" else "sigma"
    problem = problem_for(bm.Mixture(2, priors={name: prior}))
    points = prior_points(problem, 2000, np.random.default_rng(4))
    values = parameters_at(problem, points, name)
    assert fits(values, distribution)
    assert not fits(1.2 * values, distribution)
    assert abs(stats.spearmanr(values)[0]) < 0.1


@pytest.mark.parametrize(("weights", "alpha"), [(bm.priors.Dirichlet(1.5), 1.5), (bm.priors.SparseDirichlet(0.3), 0.1)])
def test_prior_weights(weights, alpha):
    problem = problem_for(bm.Mixture(3, weights=weights, noise=True))
    points = prior_points(problem, 2000, np.random.default_rng(4))
    w = np.array([problem.weights(x) for x in points])
    assert w.shape == (2000, 4)
    for column in w.T:
        assert fits(column, stats.beta(alpha, 3 * alpha))
    assert fits(w[:, 0] / (w[:, 0] + w[:, 3]), stats.beta(alpha, alpha))


def test_prior_points_of_tables():
    priors = {"p": {"p": bm.priors.Beta(2, 0.7)}}
    frame = TABLE.assign(p=[0.0, 1, 1, 0, 1, 1])
    problem = problem_for(bm.Mixture(2, FAMILIES | {"p": "bernoulli"}, priors=priors), frame)
    points = prior_points(problem, 2000, np.random.default_rng(4))
    assert points.shape == (2000, problem.n_dim)
    assert fits(parameters_at(problem, points, "p_p"), stats.beta(2, 0.7))
    p = np.exp(parameters_at(problem, points, "c_p")).reshape(2000, 2, 3)
    np.testing.assert_allclose(p.sum(axis=2), 1)
    a = np.asarray(problem.variable("c_p").hyper()[0]).reshape(2, 3)
    for row in range(2):
        for column in range(3):
            assert fits(p[:, row, column], stats.beta(a[row, column], a[row].sum() - a[row, column]))


def test_prior_correlations():
    frame = TABLE[["a", "b", "n"]]
    problem = problem_for(bm.Mixture(2, "mv_normal", priors={"corr": bm.priors.LKJ(1.5)}), frame)
    points = prior_points(problem, 2000, np.random.default_rng(4))
    shape = 1.5 - 1 + 3 / 2
    for r in parameters_at(problem, points, "corr").T:
        assert fits((r + 1) / 2, stats.beta(shape, shape))


def test_prior_variances_with_one_unknown_scale():
    prior = bm.priors.InverseGammaVariance(2.5, bm.priors.Gamma(0.7, 1.3))
    problem = problem_for(bm.Mixture(2, priors={"sigma": prior}))
    points = prior_points(problem, 2000, np.random.default_rng(4))
    scale = parameters_at(problem, points, "sigma_beta")
    squares = parameters_at(problem, points, "sigma") ** 2
    assert fits(scale, stats.gamma(0.7, scale=1 / 1.3))
    ratios = squares / scale
    assert fits(ratios[:, 0], stats.invgamma(2.5))
    assert fits(ratios[:, 1], stats.invgamma(2.5))
    assert abs(stats.spearmanr(ratios)[0]) < 0.1
    assert abs(stats.spearmanr(ratios[:, 0], scale[:, 0])[0]) < 0.1


def test_prior_points_belong_to_the_density_without_rows():
    """Under draws of a density the mean of its gradient is 0: in every coordinate, whatever the priors."""
    problem = problem_for(*MIXTURES["table"])
    points = prior_points(problem, 4000, np.random.default_rng(9))
    _, gradients = log_densities(without_rows(problem), points)
    scores = gradients.mean(axis=0) / gradients.std(axis=0) * math.sqrt(4000)
    assert np.abs(scores).max() < 4


# Tempering


def conjugate(d=3, n=30):
    """Means of normal data with sd 1 under normal priors with sd 5: the evidence is a normal density."""
    y = np.random.default_rng(8).normal(2.0, 1.0, size=(n, d))
    covariance = np.eye(n) + 25 * np.ones((n, n))
    expected = sum(stats.multivariate_normal(np.zeros(n), covariance).logpdf(column) for column in y.T)

    def evaluate(x):
        slope = y.sum(axis=0) - n * x
        squares = n * x**2 - 2 * x * y.sum(axis=0) + (y**2).sum(axis=0)
        likelihood = -0.5 * (squares + n * math.log(2 * math.pi)).sum(axis=1)
        return Evaluation(x, stats.norm(0, 5).logpdf(x).sum(axis=1), -x / 25, likelihood, slope)

    return evaluate, lambda run: np.random.default_rng([1, run]).normal(0, 5, size=(400, d)), expected


def test_tempering_finds_a_conjugate_evidence():
    evaluate, starts, expected = conjugate()
    found = temper(evaluate, starts, 3, runs=6)
    assert 0 < found.se < 0.2
    assert found.value == pytest.approx(expected, abs=4 * found.se)
    assert temper(evaluate, starts, 3, runs=6) == found
    assert temper(evaluate, starts, 4, runs=6) != found


def test_tempering_weighs_separate_modes():
    def evaluate(x):
        far = np.logaddexp(
            np.log(0.3) + stats.norm.logpdf(x[:, 0], -6, 0.5), np.log(0.7) + stats.norm.logpdf(x[:, 0], 6)
        )
        near = stats.norm.logpdf(x[:, 0], -6, 0.5) + np.log(0.3) - far
        slope = np.exp(near) * (-6 - x[:, 0]) / 0.25 + (1 - np.exp(near)) * (6 - x[:, 0])
        return Evaluation(x, stats.norm(0, 5).logpdf(x[:, 0]), -x / 25, far, slope[:, np.newaxis])

    found = temper(evaluate, lambda run: np.random.default_rng([2, run]).normal(0, 5, (1000, 1)), 1, runs=8)
    expected = np.log(0.3 * stats.norm.pdf(-6, 0, math.hypot(5, 0.5)) + 0.7 * stats.norm.pdf(6, 0, math.hypot(5, 1)))
    assert found.se < 0.1
    assert found.value == pytest.approx(expected, abs=4 * found.se)


def test_tempering_survives_particles_without_likelihood():
    evaluate, starts, expected = conjugate(1, 5)

    def with_gaps(x):
        state = evaluate(x)
        gone = (x[:, 0] < -6) | (x[:, 0] > 9)
        return replace(state, likelihood=np.where(gone, np.where(x[:, 0] < 0, -np.inf, np.nan), state.likelihood))

    found = temper(with_gaps, starts, 3, runs=6)
    assert found.value == pytest.approx(expected, abs=4 * found.se)
