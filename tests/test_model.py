"""The PyMC model: ordered without a boundary, right under every PyMC tool, equal to the textbook form."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.model import free_names
from tests.helpers import name_of

Y = [1.0, 2.0, 2.5, 7.0, 8.0, 9.0]


def logp_by_hand(model, mixture, point):
    """Prior and likelihood of one point in the free space, written out with SciPy."""
    resolved = mixture
    w = np.ones(1)
    total = 0.0
    if mixture.n_components > 1:
        raw = np.append(point["w_free_simplex__"], -point["w_free_simplex__"].sum())
        w = np.exp(raw - raw.max())
        w /= w.sum()
        # PyMC's simplex transform: log|J| = log K + sum over K of log w
        total += stats.dirichlet(np.ones(len(w))).logpdf(w) + np.log(len(w)) + np.log(w).sum()
    total += stats.norm.logpdf(point["mu_z"]).sum() + np.sum(stats.norm.logpdf(point["sigma_z"]))
    mu = resolved.priors["mu"].mu + resolved.priors["mu"].sigma * point["mu_z"]
    sigma = np.exp(resolved.priors["sigma"].mu + resolved.priors["sigma"].sigma * point["sigma_z"])
    density = (w * stats.norm.pdf(np.array(Y)[:, None], mu, sigma)).sum(axis=1)
    return total + np.log(density).sum()


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("common", [False, True])
def test_log_density_is_prior_times_likelihood(k, common, rng):
    from bayesmix.reading import observe
    from bayesmix.resolving import resolve

    mixture = resolve(bm.Mixture(k, bm.families.Normal(common_sigma=common)), observe(Y))
    model = bm.build_model(mixture, Y)
    point = {v.name: rng.normal(size=model.initial_point()[v.name].shape) for v in model.value_vars}
    expected = logp_by_hand(model, mixture, point)
    assert model.compile_logp(mode="FAST_COMPILE")(point) == pytest.approx(expected, rel=1e-10)


def test_prior_draws_are_ordered_and_every_variable_moves_together():
    model = bm.build_model(bm.Mixture(3), Y)
    prior = pm.sample_prior_predictive(400, model=model, random_seed=1).prior
    assert (np.diff(prior["mu"].values, axis=-1) > 0).all()
    order = np.argsort(prior["mu_z"].values, axis=-1)
    center, scale = np.mean(Y), np.std(Y)
    links = {
        "w_free": lambda w: w,
        "mu_z": lambda z: center + 2 * scale * z,
        "sigma_z": lambda z: 0.4 * scale * np.exp(0.7 * z),
    }
    for name, (free, link) in zip(("w", "mu", "sigma"), links.items(), strict=True):
        moved = np.take_along_axis(link(prior[free].values), order, axis=-1)
        np.testing.assert_allclose(moved, prior[name].values, rtol=1e-12)
    assert prior["mu"].dims == ("chain", "draw", "component")


def test_order_by_sigma_sorts_sigma():
    prior = pm.sample_prior_predictive(
        100, model=bm.build_model(bm.Mixture(2, order_by="sigma"), Y), random_seed=1
    ).prior
    assert (np.diff(prior["sigma"].values, axis=-1) > 0).all()
    assert not (np.diff(prior["mu"].values, axis=-1) > 0).all()


def test_components_with_identity_are_never_sorted():
    means = [bm.priors.Normal(9, 1), bm.priors.Normal(2, 1)]
    model = bm.build_model(bm.Mixture(2, priors={"mu": means}), Y)
    prior = pm.sample_prior_predictive(300, model=model, random_seed=1).prior
    np.testing.assert_allclose(prior["mu"].mean(("chain", "draw")), [9, 2], atol=0.3)
    model = bm.build_model(bm.Mixture(2, weights=bm.priors.Dirichlet([9, 1])), Y)
    prior = pm.sample_prior_predictive(300, model=model, random_seed=1).prior
    np.testing.assert_allclose(prior["w"].mean(("chain", "draw")), [0.9, 0.1], atol=0.05)


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        (bm.priors.HalfNormal(2), stats.halfnorm(scale=2)),
        (bm.priors.Exponential(2), stats.expon(scale=0.5)),
        (bm.priors.Gamma(3, 2), stats.gamma(3, scale=0.5)),
        (bm.priors.InverseGamma(3, 2), stats.invgamma(3, scale=2)),
        (bm.priors.LogNormal(0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
        (bm.priors.Between(0.5, 5), stats.lognorm(0.69993705, scale=np.exp(0.45814537))),
        (pm.Weibull.dist(2, 1.5), stats.weibull_min(2, scale=1.5)),
        ([bm.priors.Gamma(3, 2), bm.priors.Gamma(3, 2)], stats.gamma(3, scale=0.5)),
        ([pm.Weibull.dist(2, 1.5), pm.Weibull.dist(2, 1.5)], stats.weibull_min(2, scale=1.5)),
    ],
    ids=name_of,
)
def test_priors_mean_what_they_say(prior, distribution):
    model = bm.build_model(bm.Mixture(2, priors={"sigma": prior}), Y)
    sigma = pm.draw(model["sigma"], 1500, random_seed=3).ravel()
    assert stats.kstest(sigma, distribution.cdf).pvalue > 1e-4


def test_one_component_is_the_plain_model():
    model = bm.build_model(bm.Mixture(1), Y)
    assert [v.name for v in model.free_RVs] == ["mu_z", "sigma_z"]
    assert pm.draw(model["w"]) == [1.0]


def test_common_sigma_is_a_scalar():
    model = bm.build_model(bm.Mixture(3, bm.families.Normal(common_sigma=True)), Y)
    assert model["sigma"].ndim == 0
    assert model["mu"].ndim == 1


def test_pymc_tools_work_on_the_model():
    model = bm.build_model(bm.Mixture(2), Y)
    assert all(value is None for value in model.rvs_to_initial_values.values())
    done = pm.do(model, {"mu": np.array([0.0, 9.0])})
    np.testing.assert_array_equal(pm.draw(done["mu"]), [0, 9])
    observed = pm.observe(model, {"mu_z": np.array([0.0, 1.0])})
    assert observed["mu_z"] in observed.observed_RVs
    assert {v.name for v in model.copy().free_RVs} == {v.name for v in model.free_RVs}
    graph = pm.model_to_graphviz(model)
    assert "sigma_z" in graph.source
    assert np.isfinite(model.point_logps()["y"])


def test_free_names_follow_the_priors():
    from bayesmix.reading import observe
    from bayesmix.resolving import resolve

    spec = resolve(bm.Mixture(2, priors={"sigma": bm.priors.InverseGamma(2, 1)}), observe(Y))
    assert free_names(spec) == {"w": "w_free", "mu": "mu_z", "sigma": "sigma_free"}


def test_transform_form_differs_by_log_factorial_where_ordered(rng):
    """The textbook density lacks the factor K!: on ordered points it equals the sorted one, up to the Jacobian."""
    mixture = bm.Mixture(3)
    free, textbook = (bm.build_model(mixture, Y, ordering=o) for o in ("sort", "transform"))
    z = np.sort(rng.normal(size=3))
    point = {"w_free_simplex__": rng.normal(size=2), "mu_z": z, "sigma_z": rng.normal(size=3)}
    ordered = {**point, "mu_z_ordered__": np.array([z[0], *np.log(np.diff(z))])}
    del ordered["mu_z"]
    jacobian = np.log(np.diff(z)).sum()
    a = free.compile_logp(mode="FAST_COMPILE")(point)
    b = textbook.compile_logp(mode="FAST_COMPILE")(ordered)
    assert b - jacobian == pytest.approx(a, rel=1e-12)


@pytest.mark.parametrize(
    ("mixture", "ordering", "words"),
    [
        (bm.Mixture(2), "ordered", "'sort' or 'transform'"),
        (bm.Mixture(1), "transform", "exchangeable components to order"),
        (bm.Mixture(2, weights=bm.priors.Dirichlet([1, 2])), "transform", "exchangeable components to order"),
    ],
)
def test_bad_ordering(mixture, ordering, words):
    with pytest.raises(InputError, match=words):
        bm.build_model(mixture, Y, ordering=ordering)
