"""Priors: values, entry of PyMC distributions, intervals, and what happens near zero."""

import math

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from bayesmix import priors
from bayesmix.errors import InputError
from bayesmix.priors import as_prior, as_weights_prior, prior_from_dict, stack_parameters, weights_from_dict


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
        (lambda: pm.HalfCauchy.dist(1.5), priors.Distribution("HalfCauchy", (1.5,))),
        (lambda: pm.StudentT.dist(nu=3, mu=1, sigma=2), priors.Distribution("StudentT", (3, 1, 2))),
    ],
    ids=str,
)
def test_pymc_distributions_become_values(given, expected):
    assert as_prior(given(), "sigma") == expected
    assert hash(as_prior(given(), "sigma")) == hash(expected)
    assert prior_from_dict(expected.to_dict()) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.0, "bm.priors"),
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
    ids=str,
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
        (priors.Distribution("HalfCauchy", (1,)), 0),
        (priors.Distribution("Weibull", (3, 1)), 2),
        (priors.Distribution("Uniform", (0, 2)), 0),
        (priors.Distribution("Uniform", (0.5, 2)), math.inf),
    ],
    ids=str,
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
