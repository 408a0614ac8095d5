"""Simulated parameters and rows have the distributions they should: SciPy's, at a fixed generator; calibration runs."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.cells import random_rows, random_values
from bayesmix.errors import InputError
from bayesmix.resolving import resolve
from bayesmix.simulation import draw_from_prior, like_reference, simulate_rows
from tests.helpers import name_of

Y = [1.0, 2.0, 2.5, 7.0, 8.0, 9.0]
N = 4000


def resolved_for(mixture, y=Y, **options):
    return resolve(mixture, read_rows(mixture.family, y, **options))


def fits(values, distribution, least=1e-4):
    return stats.kstest(np.ravel(values), distribution.cdf).pvalue > least


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        (bm.priors.HalfNormal(2), stats.halfnorm(scale=2)),
        (bm.priors.Exponential(2), stats.expon(scale=0.5)),
        (bm.priors.Gamma(3, 2), stats.gamma(3, scale=0.5)),
        (bm.priors.InverseGamma(3, 2), stats.invgamma(3, scale=2)),
        (bm.priors.InverseGammaVariance(1.5, 2), stats.gengamma(1.5, -2, scale=2**0.5)),
        (bm.priors.LogNormal(0.3, 0.5), stats.lognorm(0.5, scale=np.exp(0.3))),
        (bm.priors.Between(0.5, 5), stats.lognorm(0.69993705, scale=np.exp(0.45814537))),
        (bm.priors.Distribution("HalfCauchy", (2.0,)), stats.halfcauchy(scale=2)),
        ([bm.priors.Gamma(3, 2), bm.priors.Gamma(3, 2)], stats.gamma(3, scale=0.5)),
    ],
    ids=name_of,
)
@pytest.mark.filterwarnings("ignore::bayesmix.errors.PriorWarning")
def test_positive_parameters_have_their_prior(prior, distribution, rng):
    draws = draw_from_prior(resolved_for(bm.Mixture(2, priors={"sigma": prior})), N, rng)
    assert draws.parameters["sigma"].shape == (N, 2)
    assert fits(draws.parameters["sigma"], distribution)


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [
        (bm.priors.Beta(2, 5), stats.beta(2, 5)),
        (bm.priors.Distribution("Uniform", (0.0, 1.0)), stats.uniform()),
    ],
    ids=name_of,
)
def test_shares_have_their_prior(prior, distribution, rng):
    mixture = bm.Mixture(2, bm.families.Binomial(trials=10), priors={"p": prior})
    draws = draw_from_prior(resolved_for(mixture, [1, 5, 9, 3]), N, rng).parameters["p"]
    assert fits(draws, distribution)
    assert (np.diff(draws, axis=1) > 0).all()


def test_the_logit_of_a_share_is_normal(rng):
    mixture = bm.Mixture(1, "bernoulli", priors={"p": bm.priors.LogitNormal(0.5, 1.2)})
    p = draw_from_prior(resolved_for(mixture, [0, 1, 1]), N, rng).parameters["p"]
    assert fits(np.log(p) - np.log1p(-p), stats.norm(0.5, 1.2))


@pytest.mark.parametrize("sigma", [0.5, 2.0, 10.0])
def test_angles_are_wound_normals(sigma, rng):
    mixture = bm.Mixture(1, "von_mises", priors={"mu": bm.priors.WrappedNormal(2.5, sigma)})
    mu = draw_from_prior(resolved_for(mixture, [0.0, 1.0, 2.0]), N, rng).parameters["mu"]
    assert (np.abs(mu) <= np.pi).all()

    def cdf(x):
        turns = 2 * np.pi * np.arange(-12, 13)[:, np.newaxis]
        normal = stats.norm(2.5, sigma)
        return (normal.cdf(x + turns) - normal.cdf(-np.pi + turns)).sum(axis=0)

    assert stats.kstest(mu.ravel(), cdf).pvalue > 1e-4


@pytest.mark.parametrize(("p", "eta"), [(2, 1.0), (3, 0.7), (4, 2.0)])
def test_every_correlation_has_the_margin_of_lkj(p, eta, rng):
    """Lewandowski, Kurowicka & Joe (2009): each is Beta(b, b) scaled to (-1, 1), b = eta - 1 + p / 2."""
    mixture = bm.Mixture(2, "mv_normal", priors={"corr": bm.priors.LKJ(eta)})
    corr = draw_from_prior(resolved_for(mixture, rng.normal(size=(9, p))), N, rng).parameters["corr"]
    assert corr.shape == (N, 2, p * (p - 1) // 2)
    b = eta - 1 + p / 2
    for pair in range(corr.shape[2]):
        assert fits(corr[..., pair], stats.beta(b, b, loc=-1, scale=2)), pair
    matrices = np.ones((N, p, p))
    lower = np.tril_indices(p, -1)
    matrices[:, lower[0], lower[1]] = matrices[:, lower[1], lower[0]] = corr[:, 0]
    assert (np.linalg.eigvalsh(matrices) > 0).all()
    # det(R) is a product of independent Betas: the mean of log det follows from digammas.
    shapes = np.repeat(eta + 0.5 * (p - 2 - np.arange(p - 1)), np.arange(p - 1, 0, -1))
    expected = np.sum([stats.beta(s, s, -1, 2).expect(lambda r: np.log1p(-r * r)) for s in shapes])
    logs = np.linalg.slogdet(matrices)[1]
    assert logs.mean() == pytest.approx(expected, abs=4.5 * logs.std() / np.sqrt(N))


def test_categories_have_the_margins_of_a_dirichlet(rng):
    a = np.array([2.0, 0.5, 1.0])
    mixture = bm.Mixture(1, "categorical", priors={"p": bm.priors.Dirichlet(a)})
    p = draw_from_prior(resolved_for(mixture, ["x", "y", "z", "x"]), N, rng).parameters["p"]
    np.testing.assert_allclose(p.sum(axis=2), 1.0)
    for c in range(3):
        assert fits(p[..., c], stats.beta(a[c], a.sum() - a[c]))


def test_priors_by_column_and_component(rng):
    mixture = bm.Mixture(
        2,
        "mv_normal",
        priors={
            "mu": {"a": bm.priors.Normal(5, 2), "b": bm.priors.Normal(-100, 30)},
            "sigma": [{"b": bm.priors.Gamma(3, 2), "a": bm.priors.Gamma(9, 1)}] * 2,
        },
    )
    table = {"a": rng.normal(size=9), "b": rng.normal(size=9)}
    draws = draw_from_prior(resolved_for(mixture, table), N, rng).parameters
    for c, (normal, gamma) in enumerate(
        [(stats.norm(5, 2), stats.gamma(9)), (stats.norm(-100, 30), stats.gamma(3, scale=0.5))]
    ):
        assert fits(draws["mu"][..., c], normal)
        assert fits(draws["sigma"][..., c], gamma)


def test_components_are_ordered_as_the_model_orders_them(rng):
    """The smaller of two normals has cdf 1 - (1 - F)^2; weights and sds know nothing of the order."""
    priors = {"mu": bm.priors.Normal(5, 2), "sigma": bm.priors.LogNormal(0, 0.5)}
    draws = draw_from_prior(resolved_for(bm.Mixture(2, priors=priors)), N, rng)
    normal = stats.norm(5, 2)
    for k, cdf in ((0, lambda x: 1 - normal.sf(x) ** 2), (1, lambda x: normal.cdf(x) ** 2)):
        assert stats.kstest(draws.parameters["mu"][:, k], cdf).pvalue > 1e-4
        assert fits(draws.weights[:, k], stats.uniform())
        assert fits(draws.parameters["sigma"][:, k], stats.lognorm(0.5))
    by_sigma = draw_from_prior(resolved_for(bm.Mixture(3, priors=priors, order_by="sigma")), 200, rng)
    assert (np.diff(by_sigma.parameters["sigma"], axis=1) > 0).all()
    assert not (np.diff(by_sigma.parameters["mu"], axis=1) > 0).all()


def test_columns_are_sorted_together(rng):
    """Under per-component priors so narrow that they show who is who, a sort by b carries a and the weights along."""
    family = {"a": "normal", "b": "normal"}
    table = {"a": Y, "b": Y[::-1]}
    priors = {"a": {"mu": bm.priors.Normal(0, 1)}, "b": {"mu": bm.priors.Normal(0, 1)}}
    sorted_by_b = resolved_for(bm.Mixture(3, family, priors=priors, order_by=("b", "mu")), table)
    draws = draw_from_prior(sorted_by_b, N, rng)
    assert (np.diff(draws.parameters["b_mu"], axis=1) > 0).all()
    assert fits(draws.parameters["a_mu"][:, 0], stats.norm())
    identity = bm.Mixture(2, family, priors={"a": {"mu": [bm.priors.Normal(9, 0.1), bm.priors.Normal(1, 0.1)]}})
    kept = draw_from_prior(resolved_for(identity, table), 500, rng)
    np.testing.assert_allclose(kept.parameters["a_mu"].mean(axis=0), [9, 1], atol=0.05)


@pytest.mark.parametrize(
    ("weights", "noise", "shapes"),
    [
        (bm.priors.Dirichlet(2.0), False, [(2, 4), (2, 4), (2, 4)]),
        (bm.priors.SparseDirichlet(1.5), False, [(0.5, 1.0)] * 3),
        (bm.priors.Dirichlet([1, 2, 3]), False, [(1, 5), (2, 4), (3, 3)]),
        (bm.priors.Dirichlet([1, 2, 3]), True, [(1, 7), (2, 6), (3, 5), (2, 6)]),
        (bm.priors.Dirichlet(2.0), True, [(2, 6)] * 4),
    ],
)
def test_weights_have_the_margins_of_a_dirichlet(weights, noise, shapes, rng):
    draws = draw_from_prior(resolved_for(bm.Mixture(3, weights=weights, noise=noise)), N, rng)
    assert draws.weights.shape == (N, len(shapes))
    np.testing.assert_allclose(draws.weights.sum(axis=1), 1.0)
    for k, shape in enumerate(shapes):
        assert fits(draws.weights[:, k], stats.beta(*shape)), k


def test_shared_parameters_have_one_value(rng):
    mixture = bm.Mixture(3, bm.families.Normal(common_sigma=True), priors={"sigma": bm.priors.Gamma(3, 2)})
    draws = draw_from_prior(resolved_for(mixture), N, rng)
    assert draws.parameters["sigma"].shape == (N, 1)
    assert fits(draws.parameters["sigma"], stats.gamma(3, scale=0.5))
    values, component = simulate_rows(resolved_for(mixture), draws, read_rows(mixture.family, Y), rng)
    assert (values.shape, component.shape) == ((N, 6, 1), (N, 6))


def test_prior_draws_agree_with_those_of_the_model(rng):
    """One table with every kind of parameter: PyMC's prior draws and ours have the same quantiles."""
    table = {"a": Y, "k": list("xyzxyz"), "n": [1, 0, 3, 4, 9, 2]}
    mixture = bm.Mixture(2, {"a": "normal", "k": "categorical", "n": "negative_binomial"}, noise=True)
    resolved = resolved_for(mixture, table)
    ours = draw_from_prior(resolved, N, rng)
    prior = pm.sample_prior_predictive(
        N, model=bm.build_model(mixture, table), random_seed=1, var_names=NAMES, compile_kwargs={"mode": "FAST_COMPILE"}
    ).prior
    columns = {"w": ours.weights[:, :2], "w_noise": ours.weights[:, 2], **ours.parameters}
    for name in NAMES:
        theirs = prior[name].values[0].reshape(N, -1)
        own = columns[name].reshape(N, -1)
        for entry in range(own.shape[1]):
            assert stats.ks_2samp(own[:, entry], theirs[:, entry]).pvalue > 1e-4, (name, entry)


NAMES = ["w", "w_noise", "a_mu", "a_sigma", "k_p", "n_mu", "n_alpha"]


def test_rows_are_drawn_with_the_frequencies_of_the_weights(rng):
    resolved = resolved_for(bm.Mixture(2, noise=True))
    parameters = {"mu": np.array([0.0, 50.0]), "sigma": np.array([1.0, 2.0])}
    weights = np.array([0.2, 0.5, 0.3])
    values, component = random_rows(resolved, weights, parameters, {}, (20_000,), rng)
    assert values.shape == (20_000, 1)
    counts = np.bincount(component, minlength=3)
    assert stats.chisquare(counts, 20_000 * weights).pvalue > 1e-4
    drawn = [values[component == k, 0] for k in range(3)]
    assert fits(drawn[0], stats.norm(0, 1))
    assert fits(drawn[1], stats.norm(50, 2))
    assert fits(drawn[2], stats.uniform(1.0, 8.0))  # the range of the data that the specification was resolved on


def test_a_component_of_weight_zero_is_never_drawn(rng):
    resolved = resolved_for(bm.Mixture(3))
    parameters = {"mu": np.zeros(3), "sigma": np.ones(3)}
    _, component = random_rows(resolved, np.array([0.0, 1.0, 0.0]), parameters, {}, (1000,), rng)
    assert (component == 1).all()


def test_rows_of_a_table_share_their_component(rng):
    table = {"a": Y, "n": [1, 0, 3, 4, 9, 2], "k": list("xyxyxy"), "hits": [1, 2, 3, 3, 2, 1], "of": [4, 4, 4, 9, 9, 9]}
    family = {
        "a": "normal",
        "n": "poisson",
        "k": "categorical",
        "hits": bm.families.Binomial(trials="of"),
    }
    resolved = resolved_for(bm.Mixture(2, family), table)
    reference = read_rows(resolved.family, table)
    parameters = {
        "a_mu": np.array([0.0, 9.0]),
        "a_sigma": np.array([1.0, 2.0]),
        "n_mu": np.array([3.0, 30.0]),
        "k_p": np.array([[0.9, 0.1], [0.2, 0.8]]),
        "hits_p": np.array([0.1, 0.7]),
    }
    trials = reference.columns[3].extra
    values, component = random_rows(resolved, np.array([0.4, 0.6]), parameters, {3: trials}, (3000, 6), rng)
    for k in range(2):
        own = values[component == k]
        assert fits(own[:, 0], stats.norm(parameters["a_mu"][k], parameters["a_sigma"][k]))
        assert own[:, 1].mean() == pytest.approx(parameters["n_mu"][k], rel=0.03)
        assert own[:, 1].var() == pytest.approx(parameters["n_mu"][k], rel=0.1)
        assert own[:, 2].mean() == pytest.approx(parameters["k_p"][k, 1], abs=0.02)
        few, many = (values[:, i, 3][component[:, i] == k] for i in (0, 5))
        assert few.max() <= 4
        assert few.mean() == pytest.approx(4 * parameters["hits_p"][k], rel=0.1)
        assert many.mean() == pytest.approx(9 * parameters["hits_p"][k], rel=0.1)


def test_zeros_of_their_own_are_zeros(rng):
    resolved = resolved_for(bm.Mixture(1, "poisson", zero_inflated=True), [0, 1, 5, 9])
    values, component = random_rows(resolved, np.array([0.5, 0.5]), {"mu": np.array([20.0])}, {}, (2000,), rng)
    assert (values[component == 1] == 0).all()
    assert (values[component == 0] > 0).all()


def test_simulated_rows_are_rounded_and_missing_like_the_reference(rng):
    table = {"a": [1.0, None, 2.5, 7.0], "n": [1, 0, None, 4], "k": ["x", "y", "x", None], "hits": [1, 2, 3, None]}
    family = {"a": "normal", "n": "poisson", "k": "categorical", "hits": bm.families.Binomial(trials=5)}
    reference = read_rows(bm.Mixture(1, family).family, table, resolution={"a": 0.5})
    drawn = np.array([[1.26, 3.0, 0.0, 5.0], [2.0, 1.0, 1.0, 0.0], [-0.6, 2.0, 1.0, 4.0], [9.1, 8.0, 1.0, 2.0]])
    rows = like_reference(drawn, reference)
    np.testing.assert_array_equal(np.isnan(rows.cells), np.isnan(reference.cells))
    np.testing.assert_array_equal(rows.columns[0].values, [1.5, np.nan, -0.5, 9.0])
    np.testing.assert_array_equal(rows.columns[0].bounds, [[1.25, np.nan, -0.75, 8.75], [1.75, np.nan, -0.25, 9.25]])
    np.testing.assert_array_equal(rows.columns[1].values, [3, 1, np.nan, 8])
    assert rows.columns[2].categories == ("x", "y")
    np.testing.assert_array_equal(rows.columns[3].extra, [5] * 4)
    assert [c.resolution for c in rows.columns] == [0.5, None, None, None]
    np.testing.assert_array_equal(random_values(drawn, reference), rows.cells)
    with pytest.raises(InputError, match="not for intervals of any kind, got intervals in 'y'"):
        like_reference(drawn[:2, :1], read_rows(bm.Mixture(1).family, bm.Interval([1.0, 2.0], [3.0, np.inf])))


def test_prior_predictive_rows_have_their_margin():
    """Known sd 1 and mean N(0, 3): every value is N(0, sqrt(10)), and two of one data set share their mean."""
    mixture = bm.Mixture(1, priors={"mu": bm.priors.Normal(0, 3), "sigma": bm.priors.LogNormal(0, 1e-9)})
    draws = mixture.prior_predictive([1.0, 2.0], n_datasets=N, random_seed=3)
    assert fits(draws["y"].values[:, 0], stats.norm(0, np.sqrt(10)))
    assert np.corrcoef(draws["y"].values.T)[0, 1] == pytest.approx(0.9, abs=0.02)


def test_prior_predictive_repeats_and_is_labelled():
    y = pd.Series(Y, name="size")
    one, two = (bm.Mixture(2, noise=True).prior_predictive(y, n_datasets=7, random_seed=2) for _ in range(2))
    assert one.identical(two)
    assert one.sizes == {"dataset": 7, "obs": 6, "component": 2}
    assert set(one.data_vars) == {"w", "w_noise", "mu", "sigma", "size"}
    np.testing.assert_allclose(one["w"].sum("component") + one["w_noise"], 1.0)
    assert not one.equals(bm.Mixture(2, noise=True).prior_predictive(y, n_datasets=7, random_seed=3))
    assert bm.Mixture(1).prior_predictive(y).sizes["dataset"] == 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_datasets": 0}, "n_datasets must be an integer >= 1, got 0"),
        ({"n_datasets": 2.0}, r"got 2\.0"),
        ({"n_datasets": True}, "got True"),
        ({"random_seed": -1}, "random_seed must be an integer >= 0 or None, got -1"),
        ({"random_seed": "x"}, "random_seed must be"),
        ({"resolution": 0}, "resolution must be a positive number"),
    ],
)
def test_bad_arguments_of_prior_predictive(options, words):
    with pytest.raises(InputError, match=words):
        bm.Mixture(2).prior_predictive(Y, **options)


SHORT = {"n_simulations": 3, "draws": 60, "tune": 60, "chains": 2, "random_seed": 4}


def test_calibration_gives_ranks_that_repeat(arms):
    one, two = (bm.calibrate(bm.Mixture(2), arms["length"], resolution=0.5, **SHORT) for _ in range(2))
    ranks = one["prior_sbc"].to_dataset()
    assert ranks.equals(two["prior_sbc"].to_dataset())
    assert ranks.sizes == {"chain": 1, "draw": 3, "component": 2}
    assert set(ranks.data_vars) == {"w", "mu", "sigma", "log_likelihood"}
    assert ranks.attrs["failures"] == 0
    for name, values in ranks.data_vars.items():
        assert ((values > 0) & (values < 1)).all(), name
    other = bm.calibrate(bm.Mixture(2), arms["length"], resolution=0.5, **SHORT | {"random_seed": 5})
    assert not ranks.equals(other["prior_sbc"].to_dataset())


def test_calibration_of_a_table_has_every_parameter():
    table = {
        "a": [*Y, None],
        "n": [1, 0, 3, 4, None, 2, 8],
        "k": [*list("xyzxyz"), None],
        "d": [0.1, 3.0, -2.0, 1.0, 0.1, 3.0, -2.0],
    }
    family = {"a": "normal", "n": "poisson", "k": "categorical", "d": "von_mises"}
    ranks = bm.calibrate(bm.Mixture(2, family, noise=True), table, **SHORT)["prior_sbc"].to_dataset()
    assert set(ranks.data_vars) == {
        "w", "w_noise", "a_mu", "a_sigma", "n_mu", "k_p", "d_mu", "d_kappa", "log_likelihood",
    }  # fmt: skip
    assert ranks["k_p"].dims == ("chain", "draw", "component", "k_category")
    assert all(((values > 0) & (values < 1)).all() for values in ranks.data_vars.values())


def test_a_prior_that_is_the_truth_has_ranks_in_the_middle(arms):
    """With draws from a prior so narrow that data add nothing, truth and posterior are draws of one distribution."""
    priors = {"mu": bm.priors.Normal(20, 1e-3), "sigma": bm.priors.LogNormal(1, 1e-3)}
    settings = SHORT | {"n_simulations": 30, "draws": 60, "tune": 60}
    ranks = bm.calibrate(bm.Mixture(1, priors=priors), arms["length"], **settings)["prior_sbc"]
    for name in ("mu", "sigma"):
        assert fits(ranks[name], stats.uniform(), least=1e-3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_simulations": 0}, "n_simulations must be an integer >= 1, got 0"),
        ({"n_simulations": 2.5}, r"got 2\.5"),
        ({"draws": 1}, "draws must be an integer >= 4"),
        ({"chains": 1}, "chains must be an integer >= 2"),
        ({"engine": "stan"}, "engine must be"),
        ({"random_seed": -1}, "random_seed must be"),
        ({"resolution": -1}, "resolution must be a positive number"),
    ],
)
def test_bad_arguments_of_calibration(options, words):
    with pytest.raises(InputError, match=words):
        bm.calibrate(bm.Mixture(1), Y, **SHORT | options)


def test_calibration_needs_a_specification_and_data_it_can_simulate():
    with pytest.raises(InputError, match="mixture must be a Mixture, got 2"):
        bm.calibrate(2, Y, **SHORT)
    with pytest.raises(InputError, match="not for intervals of any kind"):
        bm.calibrate(bm.Mixture(1), bm.Interval([1.0, 2.0, 3.0], [2.0, 3.0, 9.0]), **SHORT)
