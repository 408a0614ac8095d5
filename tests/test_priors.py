"""Priors: values, entry of PyMC distributions, intervals, and what happens near zero."""

import json
import math

import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import stats

from bayesmix import priors
from bayesmix.errors import InputError
from bayesmix.priors import as_prior, as_weights_prior, prior_from_dict, stack_parameters, weights_from_dict
from tests.helpers import name_of


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda: pm.Normal.dist(5, 2), priors.Normal(5, 2)),
        (lambda: pm.HalfNormal.dist(0.1), priors.HalfNormal(0.1)),
        (lambda: pm.LogNormal.dist(0, 0.7), priors.LogNormal(0, 0.7)),
        (lambda: pm.LogitNormal.dist(0.5, 1), priors.LogitNormal(0.5, 1)),
        (lambda: pm.Exponential.dist(3), priors.Exponential(3)),
        (lambda: pm.Exponential.dist(scale=0.25), priors.Exponential(4)),
        (lambda: pm.Gamma.dist(2, 3), priors.Gamma(2, 3)),
        (lambda: pm.Gamma.dist(2, 0.3), priors.Gamma(2, 0.3)),
        (lambda: pm.InverseGamma.dist(3, 0.7), priors.InverseGamma(3, 0.7)),
        (lambda: pm.Beta.dist(2, 5), priors.Beta(2, 5)),
        (lambda: pm.Beta.dist(mu=0.25, nu=8), priors.Beta(2, 6)),
        (lambda: pm.Dirichlet.dist([1, 2, 0.5]), priors.SimplexDirichlet((1.0, 2.0, 0.5))),
        (lambda: pm.HalfCauchy.dist(1.5), priors.Distribution("HalfCauchy", (1.5,))),
        (lambda: pm.StudentT.dist(nu=3, mu=1, sigma=2), priors.Distribution("StudentT", (3, 1, 2))),
    ],
    ids=name_of,
)
def test_pymc_distributions_become_values(given, expected):
    assert as_prior(given(), "sigma") == expected
    assert hash(as_prior(given(), "sigma")) == hash(expected)
    assert prior_from_dict(expected.to_dict()) == expected


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        (priors.Normal(3, 2), stats.norm(3, 2)),
        (priors.LogNormal(0.3, 0.5), stats.lognorm(0.5, scale=math.exp(0.3))),
    ],
    ids=name_of,
)
def test_words_say_what_the_numbers_mean(prior, distribution):
    words = prior.words()
    if isinstance(prior, priors.Normal):
        assert words == "normal, mean 3, sd 2"
        return
    low, middle, high = distribution.ppf([0.05, 0.5, 0.95])
    assert words == f"log-normal, median {middle:.4g}, 90 % between {low:.3g} and {high:.3g}"


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (priors.LogitNormal(0, 1.5), "logit-normal, median 0.5, 90 % between 0.0782 and 0.922"),
        (priors.Exponential(0.25), "exponential, mean 4"),
        (priors.Gamma(4, 2), "gamma, mean 2, sd 1"),
        (priors.Beta(2, 6), "beta, mean 0.25, shapes 2 and 6"),
        (priors.WrappedNormal(), "uniform on the circle"),
        (priors.WrappedNormal(1, 0.5), "wrapped normal around 1, sd 0.5 rad"),
        (priors.LKJ(2), "LKJ, eta 2"),
        (priors.InverseGammaVariance(2, 0.5), "square inverse gamma, shape 2, scale 0.5"),
        (
            priors.InverseGammaVariance(2, priors.Gamma(0.2, 1.5)),
            "square inverse gamma, shape 2, one scale for all components: gamma, shape 0.2, rate 1.5",
        ),
        (as_prior(priors.Dirichlet([1, 2]), "p"), "Dirichlet, concentration (1.0, 2.0)"),
        (
            as_prior({"a": priors.Normal(0, 1), "b": priors.Normal(5, 2)}, "mu"),
            "a: normal, mean 0, sd 1; b: normal, mean 5, sd 2",
        ),
        (priors.Distribution("HalfCauchy", (1,)), "PyMC's HalfCauchy(1)"),
        (priors.Between(0.5, 5), "90 % between 0.5 and 5"),
        (priors.Between(10, 30, mass=0.5), "50 % between 10 and 30"),
    ],
    ids=name_of,
)
def test_words(prior, words):
    assert prior.words() == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.0, "bm.priors"),
        ({"a": priors.Between(1, 2), "b": priors.LogNormal(0, 1)}, "State them all as bm.priors.Between"),
        (priors.SparseDirichlet(1), "bm.priors"),
        ("normal", "bm.priors"),
        (None, "bm.priors"),
        ([], "empty"),
        (lambda: pm.Normal.dist(pm.Normal.dist(0, 1), 1), "constant parameters"),
        (lambda: pm.Normal.dist([0, 1], 1), "list with one distribution per component"),
        (lambda: pm.Poisson.dist(3), "continuous"),
        (lambda: pm.MvNormal.dist([0, 0], np.eye(2)), "scalar"),
        (lambda: pm.ZeroSumNormal.dist(1.0, shape=3), "scalar distribution"),
        (lambda: pm.math.constant(3.0), "unnamed PyMC distribution"),
    ],
    ids=name_of,
)
def test_what_is_no_prior_is_refused(value, words):
    with pytest.raises(InputError, match=words):
        as_prior(value() if callable(value) else value, "mu")


def test_named_variable_is_refused():
    with pm.Model():
        named = pm.HalfNormal("s", 1)
    with pytest.raises(InputError, match=r"\.dist"):
        as_prior(named, "sigma")


@pytest.mark.parametrize(
    ("support", "low", "high", "distribution"),
    [
        ("real", -3.0, 5.0, lambda p: stats.norm(p.mu, p.sigma)),
        ("positive", 0.5, 5.0, lambda p: stats.lognorm(p.sigma, scale=math.exp(p.mu))),
    ],
)
@pytest.mark.parametrize("mass", [0.5, 0.9, 0.99])
def test_between_holds_its_mass(support, low, high, distribution, mass):
    resolved = distribution(priors.Between(low, high, mass).resolve("mu", support))
    assert resolved.cdf(low) == pytest.approx((1 - mass) / 2, abs=1e-12)
    assert resolved.cdf(high) == pytest.approx((1 + mass) / 2, abs=1e-12)


def test_between_on_the_unit_interval():
    prior = priors.Between(0.1, 0.6).resolve("p", "unit")
    scaled = stats.norm(prior.mu, prior.sigma)
    assert scaled.cdf(math.log(0.1 / 0.9)) == pytest.approx(0.05, abs=1e-12)
    assert scaled.cdf(math.log(0.6 / 0.4)) == pytest.approx(0.95, abs=1e-12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: priors.Between(2, 1), "low must be smaller"),
        (lambda: priors.Between(1, 2, mass=1.0), "mass must lie between"),
        (lambda: priors.Between(0, 2).resolve("sigma", "positive"), "above 0"),
        (lambda: priors.Between(0.5, 1).resolve("p", "unit"), r"inside \(0, 1\)"),
        (lambda: priors.Normal(0, 1).resolve("sigma", "positive"), "positive numbers"),
        (
            lambda: as_prior(pm.StudentT.dist(nu=3, mu=0, sigma=1), "sigma").resolve("sigma", "positive"),
            "allows -1e-09",
        ),
        (lambda: priors.Normal(0, 0), "sigma must be a finite number > 0, got 0"),
        (lambda: priors.Normal(float("nan"), 1), "mu must be a finite number"),
        (lambda: priors.HalfNormal("wide"), "'wide'"),
        (lambda: priors.Gamma(True, 1), "True"),
        (lambda: priors.Dirichlet(0), "got 0"),
        (lambda: priors.Dirichlet([1, -1]), "a must be"),
        (lambda: priors.Dirichlet([1, 2]).concentration(3), "got 2 for n_components=3"),
        (lambda: as_weights_prior(1.0), "Dirichlet"),
        (lambda: stack_parameters((priors.Normal(0, 1),), "mu", 2), "one per component"),
        (lambda: stack_parameters((priors.Gamma(2, 1), priors.HalfNormal(1)), "sigma", 2), "one kind"),
    ],
)
def test_errors_say_what_is_wrong(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("prior", "exponent"),
    [
        (priors.HalfNormal(2), 0),
        (priors.Exponential(2), 0),
        (priors.Gamma(2, 1), 1),
        (priors.LogNormal(0, 1), math.inf),
        (priors.InverseGamma(2, 1), math.inf),
        (priors.InverseGammaVariance(2, 1), math.inf),
        (priors.InverseGammaVariance(2, priors.Gamma(0.25, 1)), 3.5),
        (as_prior({"a": priors.Gamma(2, 1), "b": priors.Gamma(1.5, 1)}, "sigma"), 0.5),
        (priors.Distribution("HalfCauchy", (1,)), 0),
        (priors.Distribution("Weibull", (3, 1)), 2),
        (priors.Distribution("Uniform", (0, 2)), 0),
        (priors.Distribution("Uniform", (0.5, 2)), math.inf),
    ],
    ids=name_of,
)
def test_behaviour_at_zero(prior, exponent):
    assert prior.exponent_at_zero() == exponent


def test_weights_priors():
    np.testing.assert_array_equal(priors.Dirichlet(2).concentration(3), [2, 2, 2])
    np.testing.assert_array_equal(priors.Dirichlet([1, 2]).concentration(2), [1, 2])
    np.testing.assert_array_equal(priors.SparseDirichlet(2).concentration(4), [0.5] * 4)
    assert priors.Dirichlet([2, 2]).exchangeable
    assert not priors.Dirichlet([1, 2]).exchangeable
    assert as_weights_prior(pm.Dirichlet.dist([1, 2])) == priors.Dirichlet([1, 2])
    for prior in (priors.Dirichlet(2), priors.Dirichlet([1, 2]), priors.SparseDirichlet(3)):
        assert weights_from_dict(prior.to_dict()) == prior


def written(name, prior, coords):
    """Return a function from a value of the free variable to its log-density and the parameter, as PyMC has them."""
    with pm.Model(coords=coords) as model:
        hyper = stack_parameters(prior, name, 2, vector=len(coords) > 1)[1]
        parameter = prior.variable(name, hyper, tuple(coords))
    (free,) = model.free_RVs
    value = free.clone()
    outputs = [pm.logp(free, value).sum(), pytensor.graph.replace.graph_replace(parameter, {free: value}, strict=False)]
    return pytensor.function([value], outputs, mode="FAST_COMPILE")


def test_beta_and_wrapped_normal_as_pymc_writes_them():
    got, p = written("p", priors.Beta(2, 5), {"component": [0, 1]})(np.array([0.2, 0.7]))
    assert got == pytest.approx(stats.beta(2, 5).logpdf([0.2, 0.7]).sum())
    np.testing.assert_array_equal(p, [0.2, 0.7])
    z = np.array([0.3, 4.0])
    got, mu = written("mu", priors.WrappedNormal(1, 0.8), {"component": [0, 1]})(z)
    assert got == pytest.approx(stats.norm.logpdf(z).sum())
    np.testing.assert_allclose(mu, [1.24, 4.2 - 2 * np.pi])  # wound around the circle


def test_an_inverse_gamma_variance_as_pymc_writes_it():
    squares = np.array([0.2, 7.0])
    coords = {"component": [0, 1]}
    got, sigma = written("sigma", priors.InverseGammaVariance(2, 5), coords)(squares)
    assert got == pytest.approx(stats.invgamma(2, scale=5).logpdf(squares).sum())
    np.testing.assert_allclose(sigma**2, squares, rtol=1e-15)


def test_numbers_stay_in_double_precision():
    """PyTensor's own constants are single where they can be, which puts 1e-8 into a rate."""
    got, _ = written("sigma", priors.Gamma(0.2, 0.15625), {"component": [0, 1]})(np.array([0.5, 50.0]))
    expected = stats.gamma(0.2, scale=1 / 0.15625).logpdf([0.5, 50.0]).sum()
    assert got == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("eta", "p"), [(2.0, 2), (0.7, 3), (1.0, 4)])
def test_lkj_has_its_density(eta, p):
    """Between two points the density of the correlations changes by the ratio of det(R) ** (eta - 1)."""
    pairs = p * (p - 1) // 2
    rng = np.random.default_rng(1)
    function = written("corr", priors.LKJ(eta), {"component": [0, 1], "pair": range(pairs)})

    def at(free):
        value, corr = function(np.stack([free, np.full(pairs, 0.5)]))
        return value, corr[0]

    def matrix(corr):
        out = np.eye(p)
        out[np.tril_indices(p, -1)] = corr
        return out + np.tril(out, -1).T

    def log_jacobian(free):
        """Of the correlations by the free numbers, by differences."""
        step = 1e-6 * np.eye(pairs)
        rows = [(at(free + h)[1] - at(free - h)[1]) / 2e-6 for h in step]
        return np.linalg.slogdet(np.array(rows))[1]

    one, two = rng.uniform(0.2, 0.8, (2, pairs))
    change = at(one)[0] - log_jacobian(one) - at(two)[0] + log_jacobian(two)
    expected = [(eta - 1) * np.linalg.slogdet(matrix(at(free)[1]))[1] for free in (one, two)]
    assert change == pytest.approx(expected[0] - expected[1], abs=1e-6)
    assert np.linalg.eigvalsh(matrix(at(one)[1]))[0] > 0


def test_dirichlet_of_categories():
    prior = as_prior(priors.Dirichlet((1, 2, 4)), "p")
    assert prior == priors.SimplexDirichlet((1.0, 2.0, 4.0))
    assert as_prior(pm.Dirichlet.dist([1, 2, 4]), "p") == prior
    values = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
    got, p = written("p", prior, {"component": [0, 1], "category": range(3)})(values)
    assert got == pytest.approx(stats.dirichlet([1, 2, 4]).logpdf(values.T).sum())
    np.testing.assert_array_equal(p, values)


def test_priors_of_components_with_several_numbers_are_stacked():
    several = as_prior([priors.Dirichlet(2), priors.Dirichlet((1, 2, 4))], "p")
    kind, hyper = stack_parameters(several, "p", 2, vector=True)
    assert isinstance(kind, priors.SimplexDirichlet)
    np.testing.assert_array_equal(hyper["a"], [[2, 2, 2], [1, 2, 4]])
    _, hyper = stack_parameters(as_prior([priors.LKJ(1), priors.LKJ(3)], "corr"), "corr", 2, vector=True)
    np.testing.assert_array_equal(hyper["eta"], [[1], [3]])
    columns = as_prior([priors.Normal(1, 2), {"a": priors.Normal(3, 4), "b": priors.Normal(5, 6)}], "mu")
    _, hyper = stack_parameters(columns, "mu", 2, vector=True)
    np.testing.assert_array_equal(hyper["mu"], [[1, 1], [3, 5]])
    np.testing.assert_array_equal(hyper["sigma"], [[2, 2], [4, 6]])


def test_by_column_mappings():
    prior = as_prior({"b": pm.Normal.dist(1, 2), "a": priors.Normal(3, 4)}, "mu")
    assert prior == priors.ByFeature(("b", "a"), (priors.Normal(1, 2), priors.Normal(3, 4)))
    ordered = prior.ordered(("a", "b"), "mu")
    assert ordered.names == ("a", "b")
    np.testing.assert_array_equal(ordered.hyper()["mu"], [3, 1])
    between = as_prior({"a": priors.Between(1, 2), "b": priors.Between(3, 9)}, "sigma").resolve("sigma", "positive")
    assert [type(p).__name__ for p in between.priors] == ["LogNormal", "LogNormal"]
    student = as_prior(
        {"a": pm.StudentT.dist(nu=3, mu=0, sigma=1), "b": pm.StudentT.dist(nu=4, mu=0, sigma=2)}, "mu"
    ).hyper()["parameters"]
    np.testing.assert_array_equal(student, [[3, 4], [0, 0], [1, 2]])


@pytest.mark.parametrize(
    "prior",
    [
        priors.Beta(1, 2),
        priors.WrappedNormal(),
        priors.LKJ(0.5),
        priors.SimplexDirichlet(1.0),
        priors.SimplexDirichlet((1.0, 2.0)),
        priors.ByFeature(("a", "b"), (priors.Between(1, 2), priors.Between(3, 4))),
        (priors.WrappedNormal(1, 2), priors.WrappedNormal(2, 1)),
        priors.Distribution("StudentT", (3, 1, 2)),
        priors.InverseGammaVariance(2, 0.5),
        priors.InverseGammaVariance(2, priors.Gamma(0.2, 1.5)),
        (priors.InverseGammaVariance(2, 0.5), priors.InverseGammaVariance(3, 0.5)),
    ],
    ids=name_of,
)
def test_priors_survive_json(prior):
    saved = priors.PriorSet({"x": prior}).to_dict()["x"]
    back = prior_from_dict(json.loads(json.dumps(saved)))
    assert back == prior
    assert hash(back) == hash(prior)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: priors.Beta(0, 1), r"Beta: alpha must be a finite number > 0, got 0\..*Beta\(alpha=2, beta=2\)"),
        (lambda: priors.Beta(1, math.inf), "beta must be a finite number > 0, got inf"),
        (lambda: priors.WrappedNormal(math.nan), "WrappedNormal: mu must be a finite number, got nan"),
        (lambda: priors.WrappedNormal(0, -1), "sigma must be a finite number > 0, got -1"),
        (lambda: priors.LKJ(0), "LKJ: eta must be a finite number > 0, got 0"),
        (lambda: priors.LKJ("two"), "got 'two'"),
        (lambda: priors.Normal(0.5, 0.1).resolve("p", "unit"), "must live on the unit numbers.*LogitNormal"),
        (lambda: priors.Beta(1, 1).resolve("mu", "angle"), "must live on the circle.*WrappedNormal"),
        (lambda: priors.WrappedNormal().resolve("mu", "real"), "must live on the real numbers"),
        (lambda: priors.Normal(0, 1).resolve("corr", "correlation"), "correlation matrices.*bm.priors.LKJ"),
        (lambda: priors.Gamma(1, 1).resolve("p", "simplex"), "add up to 1.*bm.priors.Dirichlet"),
        (lambda: as_prior({}, "mu"), "by column must be a mapping from column to one prior, got {}"),
        (lambda: as_prior({"a": [priors.Normal(0, 1)]}, "mu"), "by column must be a mapping"),
        (lambda: as_prior({"a": priors.Normal(0, 1), "b": priors.Gamma(1, 1)}, "mu"), "by column must be of one kind"),
        (
            lambda: as_prior({"a": priors.Normal(0, 1), "b": priors.Normal(0, 1)}, "mu").ordered(("a", "c"), "mu"),
            r"must name every feature once, \['a', 'c'\], got \['a', 'b'\]",
        ),
        (
            lambda: stack_parameters((priors.SimplexDirichlet((1, 2)), priors.SimplexDirichlet((1, 2, 3))), "p", 2),
            "'p' must be equally long",
        ),
        (lambda: prior_from_dict({"prior": "Cauchy"}), "got 'Cauchy'"),
        (lambda: weights_from_dict({"prior": "Stick"}), "got 'Stick'"),
    ],
)
def test_errors_of_the_other_priors_say_what_is_wrong(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(("prior", "exponent"), [(priors.Beta(3, 1), 2), (priors.Beta(0.5, 1), -0.5)], ids=name_of)
def test_beta_at_zero(prior, exponent):
    assert prior.exponent_at_zero() == exponent


def test_an_interval_on_the_circle_is_a_wrapped_normal():
    prior = priors.Between(0.5, 1.5).resolve("mu", "angle")
    assert isinstance(prior, priors.WrappedNormal)
    assert stats.norm(prior.mu, prior.sigma).cdf([0.5, 1.5]) == pytest.approx([0.05, 0.95])


@pytest.mark.parametrize("factor", [0.5, 1.7])
@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        (priors.Normal(3, 2), lambda p: stats.norm(p.mu, p.sigma)),
        (priors.Gamma(4, 2), lambda p: stats.gamma(p.alpha, scale=1 / p.beta)),
        (priors.HalfNormal(2), lambda p: stats.halfnorm(scale=p.sigma)),
        (priors.Exponential(3), lambda p: stats.expon(scale=1 / p.lam)),
    ],
    ids=name_of,
)
def test_spread_multiplies_the_standard_deviation(prior, distribution, factor):
    before, after = distribution(prior), distribution(prior.spread(factor))
    assert after.std() == pytest.approx(factor * before.std())
    # One with a scale only has its mean move along.
    moved = factor if isinstance(prior, (priors.HalfNormal, priors.Exponential)) else 1.0
    assert after.mean() == pytest.approx(moved * before.mean())


@pytest.mark.parametrize("factor", [0.5, 1.7])
@pytest.mark.parametrize(
    ("prior", "log_moments"),
    [
        (priors.InverseGamma(3, 2), lambda p: log_moments_of(stats.invgamma(p.alpha, scale=p.beta))),
        (priors.InverseGammaVariance(0.4, 2), lambda p: log_moments_of(stats.invgamma(p.alpha, scale=p.beta))),
        (
            priors.InverseGammaVariance(2, priors.Gamma(0.5, 1.5)),
            lambda p: np.add(
                log_moments_of(stats.invgamma(p.alpha)),
                log_moments_of(stats.gamma(p.beta.alpha, scale=1 / p.beta.beta)),
            ),
        ),
    ],
    ids=name_of,
)
def test_spread_multiplies_the_standard_deviation_of_the_logarithm(prior, log_moments, factor):
    (mean, variance), (spread_mean, spread_variance) = log_moments(prior), log_moments(prior.spread(factor))
    assert spread_variance == pytest.approx(factor**2 * variance, rel=1e-6)
    assert spread_mean == pytest.approx(mean, abs=1e-6)


def log_moments_of(distribution):
    """Mean and variance of the logarithm, by quantiles at the nodes of a double-exponential rule."""
    t = np.linspace(-4.5, 4.5, 20001)
    u = math.pi / 2 * np.sinh(t)
    weight = math.pi / 4 * np.cosh(t) / np.cosh(u) ** 2 * (t[1] - t[0])
    logs = np.log(
        np.where(u < 0, distribution.ppf(1 / (1 + np.exp(-2 * u))), distribution.isf(1 / (1 + np.exp(2 * u))))
    )
    mean = weight @ logs
    return np.array([mean, weight @ (logs - mean) ** 2])


@pytest.mark.parametrize(
    ("prior", "factor", "expected"),
    [
        (priors.LogNormal(1, 0.5), 2, priors.LogNormal(1, 1)),
        (priors.LogitNormal(1, 0.5), 0.5, priors.LogitNormal(1, 0.25)),
        (priors.WrappedNormal(1, 0.5), 2, priors.WrappedNormal(1, 1)),
        (priors.Beta(2, 6), 2, priors.Beta(0.5, 1.5)),
        (priors.SimplexDirichlet(1.0), 0.5, priors.SimplexDirichlet(4.0)),
        (priors.SimplexDirichlet((1.0, 2.0)), 2, priors.SimplexDirichlet((0.25, 0.5))),
        (priors.LKJ(8), 2, priors.LKJ(2)),
        (priors.LKJ(2), 2, priors.LKJ(1)),
        (priors.LKJ(0.5), 2, priors.LKJ(0.5)),
        (priors.LKJ(2), 0.5, priors.LKJ(8)),
        (
            priors.ByFeature(("a", "b"), (priors.Normal(1, 2), priors.Normal(3, 4))),
            2,
            priors.ByFeature(("a", "b"), (priors.Normal(1, 4), priors.Normal(3, 8))),
        ),
        (priors.Distribution("StudentT", (3, 1, 2)), 2, priors.Distribution("StudentT", (3, 1, 2))),
    ],
    ids=name_of,
)
def test_spread_of_the_other_priors(prior, factor, expected):
    assert prior.spread(factor) == expected


def test_spread_of_an_interval_is_that_of_what_it_becomes():
    between = priors.Between(0.5, 5)
    for support in ("real", "positive"):
        spread, plain = between.spread(2).resolve("x", support), between.resolve("x", support).spread(2)
        assert (spread.mu, spread.sigma) == pytest.approx((plain.mu, plain.sigma))


@pytest.mark.parametrize("factor", [0, -1, math.inf, math.nan, True, "2"])
def test_spread_by_nonsense_is_refused(factor):
    with pytest.raises(InputError, match=r"factor must be a finite number > 0, got .*Use e\.g\. 2"):
        priors.Normal(0, 1).spread(factor)


@pytest.mark.parametrize(
    ("prior", "distribution", "value"),
    [
        (priors.Normal(3, 2), stats.norm(), [-1.0, 0.5]),
        (priors.LogNormal(3, 2), stats.norm(), [-1.0, 0.5]),
        (priors.WrappedNormal(3, 2), stats.norm(), [-1.0, 0.5]),
        (priors.HalfNormal(2), stats.halfnorm(scale=2), [0.2, 3.0]),
        (priors.Exponential(2), stats.expon(scale=0.5), [0.2, 3.0]),
        (priors.Gamma(0.7, 2), stats.gamma(0.7, scale=0.5), [0.2, 3.0]),
        (priors.InverseGamma(3, 2), stats.invgamma(3, scale=2), [0.2, 3.0]),
        (priors.InverseGammaVariance(3, 2), stats.invgamma(3, scale=2), [0.2, 3.0]),
        (priors.Beta(0.7, 2), stats.beta(0.7, 2), [0.2, 0.9]),
    ],
    ids=name_of,
)
def test_log_density_of_the_free_variable(prior, distribution, value):
    kind, hyper = stack_parameters(prior, "x", 2)
    got = priors.free_log_density(kind, hyper, np.array(value))
    np.testing.assert_allclose(got, distribution.logpdf(value), rtol=1e-12)


def test_log_density_of_simplexes_and_correlations():
    p = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
    kind, hyper = stack_parameters(
        as_prior([priors.Dirichlet(2), priors.Dirichlet((1, 2, 4))], "p"), "p", 2, vector=True
    )
    expected = [stats.dirichlet([2, 2, 2]).logpdf(p[0]), stats.dirichlet([1, 2, 4]).logpdf(p[1])]
    np.testing.assert_allclose(priors.free_log_density(kind, hyper, p), expected)
    # Of three features: the pairs (1, 0) and (2, 0) have half a unit more than (2, 1), given the first.
    expected = stats.beta([2.5, 2.5, 2], [2.5, 2.5, 2]).logpdf(p)
    np.testing.assert_allclose(priors.free_log_density(priors.LKJ(2), {"eta": 2.0}, p), expected)
    assert priors.dirichlet_log_density(np.array([1.0]), np.array([0.0, 0.4, 0.6])) == pytest.approx(math.log(2))


def test_a_pymc_distribution_has_no_log_density_of_ours():
    assert priors.free_log_density(priors.Distribution("HalfCauchy", (1,)), {"parameters": (1,)}, np.ones(2)) is None
