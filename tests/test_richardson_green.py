"""The priors of Richardson & Green (1997): one density on both engines, its closed forms, draws, gates and fits."""

import json
import math
import pickle
import warnings
from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.compiled import problem_of, why_not_covered
from bayesmix.engine import Prior, PriorKind, Problem, Variable, start_points
from bayesmix.engine.batch import without_rows
from bayesmix.errors import InputError, PriorWarning
from bayesmix.model import free_names
from bayesmix.priors import Gamma, InverseGammaVariance, Normal, PriorSet, richardson_green
from bayesmix.resolving import resolve
from bayesmix.seeding import seeding_of
from bayesmix.simulation import draw_from_prior, simulate_rows

Y = [1.0, 2.0, 2.0, 2.5, 7.0, 8.0, 9.0]
QUICK = {"draws": 500, "tune": 500, "random_seed": 1, "progressbar": False}
A, G = 2.0, 0.2


def read(mixture, y=Y, **options):
    rows = read_rows(mixture.family, y, **options)
    return resolve(mixture, rows), rows


def problem_for(mixture, y=Y, **options):
    return problem_of(*read(mixture, y, **options)).problem


def assert_engines_agree(mixture, y, rng, **options):
    resolved, rows = read(mixture, y, **options)
    assert why_not_covered(resolved) is None
    problem, model = problem_of(resolved, rows).problem, bm.build_model(resolved, y, **options)
    point = model.initial_point()
    both = model.compile_fn([model.logp(jacobian=True), model.dlogp(jacobian=True)], mode="FAST_COMPILE")
    for _ in range(3):
        point = {v.name: rng.normal(size=point[v.name].shape) for v in model.value_vars}
        value, gradient = problem.logp_and_grad(np.concatenate([np.ravel(v) for v in point.values()]))
        expected, slopes = both(point)
        assert value == pytest.approx(float(expected), rel=1e-12)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-11 * np.abs(slopes).max())
    return problem, model, point


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 1.0, 1.0, 3.0, 0.5, 1.0]], ids=["rows", "weighted"])
@pytest.mark.parametrize(
    "priors", ["richardson_green", {"sigma": InverseGammaVariance(3, 0.7)}], ids=["hyper", "fixed"]
)
@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.filterwarnings("ignore::bayesmix.errors.PriorWarning")
def test_the_engine_equals_the_model(k, priors, weights, rng):
    _, model, _ = assert_engines_agree(bm.Mixture(k, priors=priors), Y, rng, weights=weights)
    names = ["w_free"] * (k > 1) + ["mu_z"] + ["sigma_beta"] * (priors == "richardson_green") + ["sigma_free"]
    assert [v.name for v in model.free_RVs] == names


SCALED = InverseGammaVariance(2.5, Gamma(0.7, 1.3))
TABLE = pd.DataFrame({"age": [1.0, 2, 5, 6, 9, 4], "size": [0.5, 1, 3, 2, 2, None], "visits": [0.0, 1, 5, 2, 7, 1]})


@pytest.mark.parametrize(
    ("mixture", "y", "names"),
    [
        (
            bm.Mixture(
                2,
                {"age": "normal", "visits": "poisson", "size": "gamma"},
                priors={"age": {"sigma": SCALED}, "size": {"alpha": SCALED}},
                noise=True,
            ),
            TABLE,
            {"age_sigma_beta", "size_alpha_beta"},
        ),
        pytest.param(
            bm.Mixture(2, "mv_normal", priors={"sigma": SCALED}),
            TABLE[["age", "visits"]],
            {"sigma_beta"},
            marks=pytest.mark.slow,
        ),
        (bm.Mixture(3, bm.families.Normal(common_sigma=True), priors={"sigma": SCALED}), Y, {"sigma_beta"}),
        (
            bm.Mixture(2, priors={"sigma": [InverseGammaVariance(2, 1), InverseGammaVariance(3, 2)]}),
            Y,
            set(),
        ),
        pytest.param(
            bm.Mixture(
                2,
                "mv_normal",
                priors={"sigma": {"age": InverseGammaVariance(2, 1), "visits": InverseGammaVariance(3, 2)}},
            ),
            TABLE[["age", "visits"]],
            set(),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["table", "mv_normal", "common", "each", "by column"],
)
def test_other_specifications_agree_too(mixture, y, names, rng):
    problem, model, point = assert_engines_agree(mixture, y, rng)
    assert {v.name for v in problem.variables if v.is_hyper} == names
    assert names <= {v.name for v in model.free_RVs}
    # The draws that are shown are the model's own variables, the free ones included.
    found = problem.expand(np.concatenate([np.ravel(v) for v in point.values()]))
    shown = [name for name in found if not name.endswith(("_free", "_z"))]
    assert names <= set(shown)
    values = model.compile_fn(model.replace_rvs_by_values([model[n] for n in shown]), mode="FAST_COMPILE")(point)
    for name, value in zip(shown, values, strict=True):
        np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)
    scaled = [v.name for v in problem.variables if v.prior.kind == PriorKind.INVERSE_GAMMA_VARIANCE]
    for name in scaled:
        np.testing.assert_allclose(found[f"{name}_free"], found[name] ** 2, rtol=1e-14)


def log_joint(s, alpha, g, h):
    """Log density of the variances with the scale integrated out."""
    k = s.size
    return (
        gammaln(k * alpha + g)
        - gammaln(g)
        - k * gammaln(alpha)
        + g * math.log(h)
        - (alpha + 1) * np.log(s).sum()
        - (k * alpha + g) * math.log(h + (1 / s).sum())
    )


def log_integral(problem, x, at):
    """Log of the integral of the density over one sampled number, the others as in `x`."""

    def log_density(value):
        there = x.copy()
        there[at] = value
        return problem.logp_and_grad(there)[0]

    grid = np.linspace(-60, 60, 1201)
    heights = np.array([log_density(v) for v in grid])
    top, around = heights.max(), grid[heights > heights.max() - 45]
    area, _ = integrate.quad(
        lambda v: math.exp(log_density(v) - top), around[0], around[-1], points=[grid[heights.argmax()]], limit=500
    )
    return top + math.log(area)


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.filterwarnings("ignore::bayesmix.errors.PriorWarning")
def test_without_the_scale_the_variances_have_their_closed_form(k, rng):
    problem = without_rows(problem_for(bm.Mixture(k, priors="richardson_green")))
    x = rng.normal(size=problem.n_dim)
    mu_z, u = x[k - 1 : 2 * k - 1], x[2 * k :]
    weights = problem.weights(x)
    log_simplex = 0.0 if k == 1 else stats.dirichlet(np.ones(k)).logpdf(weights) + np.log(weights).sum() + math.log(k)
    expected = log_simplex + stats.norm.logpdf(mu_z).sum() + log_joint(np.exp(u), A, G, 10 / 64) + u.sum()
    assert log_integral(problem, x, 2 * k - 1) == pytest.approx(expected, abs=1e-7)


def test_the_numbers_are_those_of_the_paper():
    resolved, _ = read(bm.Mixture(3, priors="richardson_green"), [3.0, 7.0, 5.0, 11.0])
    assert dict(resolved.priors) == {"mu": Normal(7, 8), "sigma": InverseGammaVariance(2, Gamma(0.2, 10 / 64))}
    assert dict(resolved.priors) == richardson_green(3, 11)
    assert resolved.weights == bm.priors.Dirichlet(1.0)
    given = bm.Mixture(3, priors="richardson_green", weights=bm.priors.SparseDirichlet(2), order_by="sigma")
    assert read(given)[0].weights == bm.priors.SparseDirichlet(2)
    assert read(given)[0].sort_key == ("sigma", 0)


def test_the_range_of_rounded_values_is_that_of_the_values():
    rounded, _ = read(bm.Mixture(2, priors="richardson_green"), [1.0, 4.0, 3.0, 3.0], resolution=1.0)
    assert rounded.priors["mu"] == Normal(2.5, 3.0)


def test_prior_draws_have_their_distributions(rng):
    resolved, rows = read(bm.Mixture(2, priors="richardson_green"))
    draws = draw_from_prior(resolved, 4000, rng)
    squares, h = draws.parameters["sigma"] ** 2, 10 / 64
    # A gamma scale over a gamma precision, and of two variances with one scale only the precisions are left.
    assert stats.kstest(squares[:, 0], stats.betaprime(G, A, scale=1 / h).cdf).pvalue > 1e-4
    assert stats.kstest(squares[:, 0] / squares[:, 1], stats.betaprime(A, A).cdf).pvalue > 1e-4
    assert np.corrcoef(np.log(squares.T))[0, 1] == pytest.approx(25.63 / (25.63 + 0.645), abs=0.02)  # trigammas
    assert simulate_rows(resolved, draws, rows, rng)[0].shape == (4000, 7, 1)
    known, _ = read(bm.Mixture(2, priors={"sigma": InverseGammaVariance(3, 0.7)}))
    squares = draw_from_prior(known, 4000, rng).parameters["sigma"] ** 2
    assert stats.kstest(squares.ravel(), stats.invgamma(3, scale=0.7).cdf).pvalue > 1e-4


@pytest.mark.slow
def test_the_model_draws_from_the_same_prior():
    model = bm.build_model(bm.Mixture(2, priors="richardson_green"), Y)
    sigma, scale = pm.draw([model["sigma"], model["sigma_beta"]], 2000, random_seed=1)
    assert stats.kstest(scale, stats.gamma(G, scale=64 / 10).cdf).pvalue > 1e-4
    assert stats.kstest(sigma[:, 0] ** 2 / scale, stats.invgamma(A).cdf).pvalue > 1e-4
    assert stats.kstest((sigma[:, 0] / sigma[:, 1]) ** 2, stats.betaprime(A, A).cdf).pvalue > 1e-4


def test_units_do_not_matter(rng):
    mixture, c = bm.Mixture(3, priors="richardson_green"), 1000.0
    problem, scaled = problem_for(mixture), problem_for(mixture, [c * v for v in Y])
    x = rng.normal(size=problem.n_dim)
    moved = x.copy()
    moved[5:] += 2 * math.log(c)  # the logs of the scale and of the variances
    (value, gradient), (other, slopes) = problem.logp_and_grad(x), scaled.logp_and_grad(moved)
    assert other == pytest.approx(value - len(Y) * math.log(c), rel=1e-12)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bm.Mixture(2, priors="richardson"), r"one of \['richardson_green'\], got 'richardson'\. Check"),
        (lambda: bm.Mixture(2, priors=3), "must map parameter names to priors, got 3"),
        (lambda: bm.Mixture(2, "poisson", priors="richardson_green"), "normal components.*got the poisson family"),
        (
            lambda: bm.Mixture(2, bm.families.Normal(common_sigma=True), priors="richardson_green"),
            r"each with its own 'sigma', got Normal\(common_sigma=True\)\. Use family='normal'",
        ),
        (
            lambda: bm.Mixture(2, {"age": "normal"}, priors="richardson_green"),
            r"got a table of \['age'\]\. Fit one column",
        ),
        (lambda: bm.Mixture(2, "mv_normal", priors="richardson_green"), "got the mv_normal family"),
        (
            lambda: bm.Mixture(2, priors={"sigma": [SCALED, SCALED]}),
            "by component must have scales that are numbers, got .*list tells them apart.*Give this prior once",
        ),
        (
            lambda: bm.Mixture(2, "mv_normal", priors={"sigma": {"a": SCALED, "b": SCALED}}),
            "by column must have scales that are numbers",
        ),
        (
            lambda: bm.Mixture(2, {"a": "normal", "a_sigma": "weibull"}, priors={"a": {"sigma": SCALED}}),
            "got 'a_sigma_beta', which is a parameter too. Rename a column",
        ),
        (lambda: InverseGammaVariance(0, 1), "alpha must be a finite number > 0, got 0"),
        (lambda: InverseGammaVariance(2, -1), r"beta must be a finite number > 0, got -1.*InverseGammaVariance\(alpha"),
        (lambda: InverseGammaVariance(2, bm.priors.HalfNormal(1)), "a number > 0 or a gamma prior, got HalfNormal"),
        (lambda: read(bm.Mixture(2, priors={"mu": InverseGammaVariance(2, 1), "sigma": Normal(0, 1)})), "positive"),
        (
            lambda: read(bm.Mixture(1, priors="richardson_green"), [4.0, 4.0, 4.0]),
            r"range is > 0, got 3 values equal to 4 in .*richardson_green\(3, 5\)",
        ),
    ],
)
def test_errors_say_what_is_wrong(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_the_engines_variables_are_checked():
    gamma, inverse = Prior(PriorKind.GAMMA, (1.0,)), Prior(PriorKind.INVERSE_GAMMA_VARIANCE, (2.0,))
    with pytest.raises(InputError, match="must have an inverse-gamma prior to be scaled, got GAMMA"):
        Variable("sigma", gamma, 2, scaled_by="beta")
    with pytest.raises(InputError, match="must be one value with a GAMMA prior, got 2 with GAMMA"):
        Variable("beta", gamma, 2, is_hyper=True)
    problem = problem_for(bm.Mixture(2, priors="richardson_green"))
    mu, scale, _ = problem.variables
    late = (mu, Variable("sigma", inverse, 2, shape=(2,), scaled_by="sigma_beta"), scale)
    with pytest.raises(InputError, match=r"scaled_by must name a hyper variable before it, \[\], got 'sigma_beta'"):
        replace(problem, variables=late)
    with pytest.raises(InputError, match="must be positive under INVERSE_GAMMA_VARIANCE, got -1"):
        problem.pack([0.5, 0.5], {"mu": [1, 2], "sigma_beta": 1.0, "sigma": [-1.0, 1.0]})


def test_a_name_is_kept_until_there_are_data():
    mixture = bm.Mixture(2, priors="richardson_green")
    saved = json.loads(json.dumps(mixture.to_dict()))
    assert saved["priors"] == "richardson_green"
    copy = bm.Mixture.from_dict(saved)
    assert copy == mixture
    assert hash(copy) == hash(mixture)
    assert "priors='richardson_green'" in repr(mixture)
    assert mixture != bm.Mixture(2)
    assert mixture.priors != PriorSet()
    wider = replace(mixture, n_components=5)
    assert wider == bm.Mixture(5, priors="richardson_green")
    assert wider.exchangeable
    assert list(wider.priors_in_words()) == ["w"]
    resolved, _ = read(wider, np.arange(9.0))
    assert resolved.priors.name is None
    assert bm.Mixture.from_dict(json.loads(json.dumps(resolved.to_dict()))) == resolved
    words = resolved.priors_in_words()["sigma"]
    assert words == "square inverse gamma, shape 2, one scale for all components: gamma, shape 0.2, rate 0.1562"
    assert resolve(resolved, read(wider, np.arange(9.0) * 5)[1]).priors == resolved.priors


def test_the_scale_is_a_free_variable_that_no_permutation_touches():
    resolved, _ = read(bm.Mixture(2, priors="richardson_green"))
    assert free_names(resolved) == {"w": "w_free", "mu": "mu_z", "sigma_beta": "sigma_beta", "sigma": "sigma_free"}
    problem = problem_for(bm.Mixture(2, priors="richardson_green"))
    x = problem.pack([0.3, 0.7], {"mu": [8.0, 2.0], "sigma_beta": 0.4, "sigma": [0.5, 3.0]})
    shown = problem.expand(x)
    np.testing.assert_allclose(shown["sigma"], [3.0, 0.5])
    np.testing.assert_allclose(shown["sigma_free"], [9.0, 0.25])
    assert shown["sigma_beta"] == pytest.approx(0.4)
    assert [o.name for o in problem.outputs] == ["w", "mu", "sigma_beta", "sigma", "w_free", "mu_z", "sigma_free"]


def test_chains_begin_where_the_scale_is_expected():
    mixture = bm.Mixture(2, priors="richardson_green")
    resolved, rows = read(mixture)
    laid = problem_of(resolved, rows)
    seeding = seeding_of(resolved, laid.layout, laid.problem, laid.cells)
    means = seeding.features[:, None, :].mean(axis=2)[None].repeat(2, axis=1).reshape(1, 2, -1)
    values = seeding.estimate(means, np.ones((1, 2)))
    scale, sigma = values[0, 2], values[0, 3:]
    assert scale == pytest.approx((G + 2 * A) / (10 / 64 + (sigma**-2.0).sum()))
    starts = start_points(laid.problem, seeding, 4, 1)
    assert np.isfinite([laid.problem.logp_and_grad(x)[0] for x in starts]).all()


def spike_slope(m, k, tied):
    """Slope of the log density of log t where `tied` components of sd t sit on m equal values each, t falling to 0.

    The scale is integrated out by quadrature, the means by Laplace's formula, which the tied values make exact.
    """
    y = np.concatenate([np.repeat(np.arange(tied), m), [5.0, 9.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PriorWarning)
        problem = problem_for(bm.Mixture(k, priors="richardson_green"), y)
    log_sds, out = np.array([-12.0, -11.0]), []
    for log_sd in log_sds:
        sigma = np.r_[np.full(tied, math.exp(log_sd)), np.full(k - tied, 4.0)]
        mu = np.r_[np.arange(tied), np.full(k - tied, 7.0)]
        x = problem.pack(np.full(k, 1 / k), {"mu": mu, "sigma_beta": 1.0, "sigma": sigma})
        # The sampled numbers are the logs of variances, all of which move with log t: no further Jacobian.
        out.append(log_integral(problem, x, 2 * k - 1) + tied * log_sd)
    return (out[1] - out[0]) / (log_sds[1] - log_sds[0])


@pytest.mark.parametrize(("m", "k", "tied"), [(5, 2, 1), (6, 2, 1), (3, 3, 2), (4, 3, 2), (6, 3, 1)])
def test_the_warning_of_tied_values_follows_the_density(m, k, tied):
    """Where the integral over log t diverges as t falls to 0 there is a warning, and only there."""
    slope = spike_slope(m, k, tied)
    assert slope == pytest.approx(2 * (k - tied) * A + 2 * G - tied * (m - 1), abs=1e-3)
    y = np.concatenate([np.repeat(np.arange(tied), m), [5.0, 9.0]])
    mixture = bm.Mixture(k, priors="richardson_green")
    if (m, k, tied) == (6, 3, 1):  # one component does no harm here, but with an empty one beside it, it does
        assert slope > 0 > slope - 2 * A
    if (m - 1) * tied > 2 * (A + G):
        with pytest.warns(PriorWarning, match=rf"occurs {m} times"):
            read(mixture, y)
    else:
        assert slope > 0
        read(mixture, y)


def test_values_that_do_not_tie_bring_no_warning():
    for k in (1, 2, 5):
        read(bm.Mixture(k, priors="richardson_green"), np.arange(9.0))
        read(bm.Mixture(1, priors="richardson_green"), np.repeat([1.0, 2.0], 20))
        read(bm.Mixture(k, priors="richardson_green"), np.repeat(np.arange(9.0), 20), resolution=1.0)
    with pytest.warns(PriorWarning, match="occurs 2 times"):  # two components on two values: nothing holds the scale
        read(bm.Mixture(2, priors="richardson_green"), [1.0, 1.0, 2.0, 2.0])


@pytest.fixture(scope="module")
def galaxies():
    return bm.load_dataset("galaxies")["velocity"]


@pytest.fixture(scope="module")
def galaxies_fit(galaxies):
    return bm.Mixture(3, priors="richardson_green").fit(galaxies, **QUICK)


def test_galaxies(galaxies_fit, galaxies, tmp_path):
    fit = galaxies_fit
    assert fit.info.engine == "compiled"
    posterior = fit.idata["posterior"]
    assert posterior["sigma_beta"].dims == ("chain", "draw")
    assert arviz_stats.rhat(posterior["sigma_beta"]).item() < 1.05
    assert fit.check().ok, fit.check().text
    # Three groups near 10, 21 and 33 thousand km/s, the middle one with about 85 % of the galaxies.
    np.testing.assert_allclose(posterior["mu"].mean(("chain", "draw")), [9.7, 21.4, 32.8], atol=0.5)
    assert posterior["w"].mean(("chain", "draw"))[1] == pytest.approx(0.855, abs=0.02)
    # beta given the variances is a gamma: the mean of its conditional means is its own mean.
    conditional = (G + 3 * A) / (10 / np.ptp(galaxies) ** 2 + (posterior["sigma"] ** -2.0).sum("component"))
    error = float(arviz_stats.mcse(posterior["sigma_beta"], method="mean"))
    assert float(posterior["sigma_beta"].mean()) == pytest.approx(float(conditional.mean()), abs=4.5 * error)
    assert "sigma_beta" not in set(fit.summary().index)
    back = bm.load(fit.save(tmp_path / "fit.nc"))
    assert back.mixture == fit.mixture == bm.Mixture(3, priors="richardson_green")
    assert back.resolved == fit.resolved
    np.testing.assert_array_equal(back.idata["posterior"]["sigma_beta"], posterior["sigma_beta"])


def test_pymcs_own_tools_read_the_fit(galaxies_fit, galaxies):
    drawn = pm.sample_posterior_predictive(
        galaxies_fit.idata.isel(draw=slice(0, 100)), model=galaxies_fit.model, random_seed=1, progressbar=False
    )["posterior_predictive"]["y"]
    assert float(drawn.mean()) == pytest.approx(galaxies.mean(), abs=0.3)
    assert float(drawn.std()) == pytest.approx(galaxies.std(), rel=0.15)


def test_a_template_serves_several_numbers_of_components(galaxies):
    template = bm.Mixture(1, priors="richardson_green")
    choice = bm.choose_components(galaxies, [1, 2], mixture=template, **QUICK)
    assert [f.resolved.priors for f in choice.fits.values()] == [choice.fits[1].resolved.priors] * 2
    assert all("sigma_beta" in f.idata["posterior"] for f in choice.fits.values())


@pytest.mark.slow
def test_both_engines_give_the_same_posterior(galaxies):
    mixture = bm.Mixture(3, priors="richardson_green")
    ours, pymcs = (mixture.fit(galaxies, engine=e, random_seed=1, progressbar=False) for e in ("compiled", "pymc"))
    assert set(ours.idata["posterior"].data_vars) == set(pymcs.idata["posterior"].data_vars)
    for name in ours.idata["posterior"].data_vars:
        a, b = (f.idata["posterior"].to_dataset()[[name]] for f in (ours, pymcs))
        assert a[name].dims == b[name].dims
        error = np.hypot(*(arviz_stats.mcse(d, method="mean")[name].values for d in (a, b)))
        gap = np.abs((a - b).mean(("chain", "draw"))[name].values)
        assert (gap <= 4.5 * error).all(), name


@pytest.mark.slow
def test_calibration():
    """Rank statistics of the parameters are uniform when prior, simulation and sampler are one model."""
    tree = bm.calibrate(bm.Mixture(2, priors="richardson_green"), np.arange(12.0), n_simulations=150, random_seed=1)
    ranks = tree["prior_sbc"].to_dataset()
    for name in ("mu", "sigma", "log_likelihood"):
        for column in ranks[name].values[0].reshape(ranks.sizes["draw"], -1).T:
            assert stats.kstest(column, stats.uniform.cdf).pvalue > 1e-3, name


def test_the_problem_survives_copies():
    problem = problem_for(bm.Mixture(2, priors="richardson_green"))
    x = np.linspace(-1, 1, problem.n_dim)
    copy = pickle.loads(pickle.dumps(problem))
    assert isinstance(copy, Problem)
    assert copy.logp_and_grad(x)[0] == problem.logp_and_grad(x)[0]
