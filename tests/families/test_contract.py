"""One contract for every family in the registry: a new family is tested the moment it is listed."""

import math

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix.data import observe
from bayesmix.families import FAMILIES, Family, as_family, family_from_dict
from bayesmix.mixture import Mixture
from bayesmix.resolving import resolve

# SciPy's distribution for the parameters of one component, by family name.
SCIPY = {"normal": lambda p: stats.norm(p["mu"], p["sigma"])}
VARIANTS = {"normal": [bm.families.Normal(), bm.families.Normal(common_sigma=True)]}


def cases():
    return [pytest.param(f, id=repr(f)) for family in FAMILIES for f in VARIANTS[family.name]]


@pytest.fixture
def y(rng):
    return np.concatenate([rng.normal(0, 1, 12), rng.normal(6, 2, 12)])


def parameters_at(family, rng, shape):
    draw = {"real": lambda: rng.normal(size=shape), "positive": lambda: rng.gamma(2, size=shape)}
    return {p.name: draw[p.support]() for p in family.parameters}


@pytest.mark.parametrize("family", cases())
def test_declares_itself(family):
    assert isinstance(family, Family)
    assert as_family(family.name).name == family.name
    assert family_from_dict(family.to_dict()) == family
    names = [p.name for p in family.parameters]
    assert family.order_by in names
    assert family.spike_parameter is None or family.spike_parameter in names
    assert "Parameters\n" in type(family).__doc__
    assert "References\n" in type(family).__doc__


@pytest.mark.parametrize("family", cases())
def test_density_equals_scipy(family, rng):
    parameters = parameters_at(family, rng, 5)
    points = rng.normal(size=(40, 1)) * np.array([1e-8, 1, 1, 10, 1e8])
    expected = SCIPY[family.name](parameters).logpdf(points)
    np.testing.assert_allclose(family.log_density(points, parameters), expected, rtol=1e-12)


@pytest.mark.parametrize("family", cases())
def test_random_values_have_the_density(family, rng):
    parameters = {name: value[0] for name, value in parameters_at(family, rng, 1).items()}
    drawn = family.random({n: np.full(3000, v) for n, v in parameters.items()}, rng)
    assert stats.kstest(drawn, SCIPY[family.name](parameters).cdf).pvalue > 1e-4


@pytest.mark.parametrize("family", cases())
def test_default_priors_cover_every_parameter_and_follow_the_units(family, y):
    base = resolve(Mixture(2, family), observe(y))
    assert set(base.priors) == {p.name for p in family.parameters}
    scaled = resolve(Mixture(2, family), observe(1000 * y))
    for parameter in family.parameters:
        a, b = base.priors[parameter.name], scaled.priors[parameter.name]
        if parameter.support == "positive":
            assert b.mu == pytest.approx(a.mu + math.log(1000))
            assert b.sigma == a.sigma
        else:
            assert (b.mu, b.sigma) == (pytest.approx(1000 * a.mu), pytest.approx(1000 * a.sigma))


@pytest.mark.parametrize("family", cases())
def test_model_density_is_the_mixture_of_numpy_densities(family, y, rng):
    """The PyMC model and the NumPy density agree, so both say the same of a row."""
    model = bm.build_model(Mixture(3, family), y)
    point = {v.name: rng.normal(size=model.initial_point()[v.name].shape) for v in model.value_vars}
    names = ["w", *(p.name for p in family.parameters)]
    outputs = model.replace_rvs_by_values([model[n] for n in names])
    w, *values = model.compile_fn(outputs, mode="FAST_COMPILE")(point)
    parameters = dict(zip(names[1:], values, strict=True))
    expected = np.log((w * np.exp(family.log_density(y[:, None], parameters))).sum(axis=1))
    ours = model.compile_logp(vars=model.observed_RVs, sum=False, mode="FAST_COMPILE")(point)[0]
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize("family", cases())
def test_one_component_is_the_plain_distribution(family, y):
    model = bm.build_model(Mixture(1, family), y)
    point = model.initial_point()
    outputs = model.replace_rvs_by_values([model[p.name] for p in family.parameters])
    values = [float(np.ravel(v)[0]) for v in model.compile_fn(outputs, mode="FAST_COMPILE")(point)]
    parameters = dict(zip((p.name for p in family.parameters), values, strict=True))
    ours = model.compile_logp(vars=model.observed_RVs, mode="FAST_COMPILE")(point)
    assert ours == pytest.approx(SCIPY[family.name](parameters).logpdf(y).sum(), rel=1e-10)


@pytest.mark.parametrize("family", cases())
def test_prior_draws_are_ordered(family, y):
    prior = pm.sample_prior_predictive(50, model=bm.build_model(Mixture(3, family), y), random_seed=1).prior
    assert (np.diff(prior[family.order_by].values, axis=-1) >= 0).all()
