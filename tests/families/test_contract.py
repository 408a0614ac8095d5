"""One contract for every family of a single column: a new family is tested the moment it is listed."""

import json
import math

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import stats

from bayesmix.errors import InputError
from bayesmix.families import FAMILIES, Family, as_family, family_from_dict
from bayesmix.priors import Prior, as_prior
from tests.families.helpers import EXAMPLES, draw_parameters, log_integral, make_column

SINGLE = [family.name for family in FAMILIES if not family.multivariate]
CONTINUOUS = [family.name for family in FAMILIES if not family.multivariate and not family.discrete]
TAILED = [family.name for family in FAMILIES if family.name in CONTINUOUS and not family.circular]

every = pytest.mark.parametrize("name", SINGLE)
every_continuous = pytest.mark.parametrize("name", CONTINUOUS)
every_tailed = pytest.mark.parametrize("name", TAILED)


def the(name):
    return EXAMPLES[name].variants[0]


def one_of(parameters, k):
    return {name: value[k] for name, value in parameters.items()}


def smooth_parameters(family, rng, k):
    """Parameters of k components; beta ones have shapes of 4 and more, since SciPy's density ends at 1 - 1e-16."""
    parameters = draw_parameters(family, rng, (k,))
    if family.name == "beta":
        parameters["nu"] = (4 + parameters["nu"]) / np.minimum(parameters["mu"], 1 - parameters["mu"])
    return parameters


def rows_of(parameters, n):
    """Repeat the parameters of one component for each of n rows."""
    return {name: np.broadcast_to(value, (n, *np.shape(value))) for name, value in parameters.items()}


# What a family declares


@pytest.mark.parametrize("family", [f for name in SINGLE for f in EXAMPLES[name].variants], ids=repr)
def test_declares_itself(family):
    assert isinstance(family, Family)
    assert as_family(family) is family
    assert isinstance(as_family(family.name), type(family))
    names = [p.name for p in family.parameters]
    assert len(set(names)) == len(names)
    assert family.order_by is None or family.order_by in names
    assert family.spike_parameter is None or family.spike_parameter in names
    assert family.kernel in (None, family.name)
    assert all(p.dim is None or family.dims[p.dim] for p in family.parameters)
    assert family_from_dict(json.loads(json.dumps(family.to_dict()))) == family
    assert hash(family) == hash(family_from_dict(family.to_dict()))


@every
def test_is_documented(name):
    family = type(the(name))
    for section in ("Parameters\n", "References\n", "Examples\n", "Default prior"):
        assert section in family.__doc__


def test_unknown_families_are_refused():
    with pytest.raises(InputError, match=r"family must be one of .*'cauchy'"):
        as_family("cauchy")
    with pytest.raises(InputError, match="Import the module that defines it"):
        family_from_dict({"family": "cauchy"})


# The density


@every
def test_density_is_scipys(name, rng):
    example, family = EXAMPLES[name], the(name)
    for wide in (0.3, 1.0, 2.0):
        parameters = draw_parameters(family, rng, (5,), wide) | example.known
        frozen = example.scipy(parameters)
        points = example.points[:, None]
        with np.errstate(all="ignore"):
            expected = frozen.logpmf(points) if family.discrete else frozen.logpdf(points)
        ours = family.log_density(points, parameters)
        assert ours.shape == expected.shape
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


@every
def test_density_in_pymc_is_the_same(name, rng):
    """As a distribution of values (n, 1) in components (K,), and as the log-density of rows of cells."""
    example, family = EXAMPLES[name], the(name)
    parameters = draw_parameters(family, rng, (3,))
    shared = [p.name for p in family.parameters if p.shared]
    parameters |= {p: parameters[p][:1] for p in shared}
    given = {p: value[0] if p in shared else value for p, value in parameters.items()}
    inside = family.log_density(example.points[:, None], parameters | example.known).max(axis=1) > -np.inf
    y = example.points[inside][:, None]
    expected = family.log_density(y, parameters | example.known)
    known = {k: np.full_like(y, v) for k, v in example.known.items()}
    ours = pm.logp(family.dist(given | known), y).eval(mode="FAST_COMPILE")
    assert ours.shape == (len(y), 3)
    np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-8)
    cells = np.concatenate([y, *known.values()], axis=1)
    rows = family.rows_logp(pt.as_tensor_variable(cells), given, False, np.ones_like(cells))
    np.testing.assert_allclose(rows.eval(mode="FAST_COMPILE"), expected, rtol=1e-8, atol=1e-8)
    draws = {p: value[None] for p, value in parameters.items()}
    np.testing.assert_allclose(family.rows_log_density(cells, draws, False)[0], expected, rtol=1e-12)


@every
def test_missing_cells_count_nothing(name, rng):
    example, family = EXAMPLES[name], the(name)
    draws = {p: value[None] for p, value in draw_parameters(family, rng, (3,)).items()}
    cells = np.array([[example.data[0], 9.0], [np.nan, 9.0], [example.data[1], 9.0]])[:, : 1 + len(family.extra)]
    values = family.rows_log_density(cells, draws, False)
    assert values.shape == (1, 3, 3)
    assert np.all(values[0, 1] == 0)
    assert np.all(values[0, [0, 2]] != 0)


def test_von_mises_is_periodic():
    family, parameters = the("von_mises"), {"mu": np.array(2.0), "kappa": np.array(3.0)}
    a, b = (family.log_density(np.array([y]), parameters) for y in (-0.5, 2 * np.pi - 0.5))
    np.testing.assert_allclose(a, b, rtol=1e-12)
    assert pm.logp(family.dist(parameters), 5.0).eval(mode="FAST_COMPILE") > -np.inf


# Intervals


@every_tailed
def test_tails_are_integrals_of_the_density(name, rng):
    example, family = EXAMPLES[name], the(name)
    parameters = smooth_parameters(family, rng, 6)
    for k in range(6):
        here = one_of(parameters, k)
        frozen = example.scipy(here)
        middle = float(frozen.median())
        low, high = family.lowest, family.highest
        if np.isfinite(high):
            points = np.array([1e-9, 0.01, 0.3, 0.5, 0.8, 0.99, 1 - 1e-9])
        elif np.isfinite(low):
            points = middle * np.array([1e-12, 1e-3, 0.3, 1.0, 3.0, 50.0, 1e4])
        else:
            points = middle + float(here["sigma"]) * np.array([-1e3, -30.0, -2.0, -0.1, 0.0, 3.0, 300.0])
        below = [log_integral(frozen.logpdf, low, y, middle) for y in points]
        above = [log_integral(frozen.logpdf, y, high, middle) for y in points]
        np.testing.assert_allclose(family.log_cdf(points, here), below, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(family.log_sf(points, here), above, rtol=1e-9, atol=1e-10)


@every_tailed
def test_tails_are_scipys(name, rng):
    example, family = EXAMPLES[name], the(name)
    parameters = draw_parameters(family, rng, (6,), 0.5)
    frozen = example.scipy(parameters)
    y = frozen.ppf(np.array([1e-9, 0.01, 0.3, 0.5, 0.9, 0.999])[:, None])
    np.testing.assert_allclose(family.log_cdf(y, parameters), np.log(frozen.cdf(y)), rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(family.log_sf(y, parameters), np.log(frozen.sf(y)), rtol=1e-8, atol=1e-13)


@every_tailed
def test_tails_end_at_the_ends_of_the_support(name, rng):
    family = the(name)
    parameters = draw_parameters(family, rng, (3,))
    low, high = np.full(3, family.lowest), np.full(3, family.highest)
    assert np.all(family.log_cdf(low, parameters) == -np.inf)
    assert np.all(family.log_sf(low, parameters) == 0)
    assert np.all(family.log_cdf(high, parameters) == 0)
    assert np.all(family.log_sf(high, parameters) == -np.inf)


@every_continuous
def test_probability_of_an_interval_is_the_integral_of_the_density(name, rng):
    example, family = EXAMPLES[name], the(name)
    parameters = smooth_parameters(family, rng, 6)
    cells = np.array(example.intervals)
    ours = family.rows_log_density(cells, {p: v[None] for p, v in parameters.items()}, True)[0]
    for k in range(6):
        frozen = example.scipy(one_of(parameters, k))
        mode = float(parameters["mu"][k]) if family.circular else float(frozen.median())
        for i, (lower, upper) in enumerate(cells):
            # The circle's density has a mode in every turn: take the one nearest to the arc's middle.
            turns = np.round(((lower + upper) / 2 - mode) / (2 * np.pi)) if family.circular else 0.0
            low, high = max(lower, family.lowest), min(upper, family.highest)
            expected = log_integral(frozen.logpdf, low, high, mode + 2 * np.pi * turns)
            assert ours[i, k] == pytest.approx(expected, rel=1e-8, abs=1e-9), (lower, upper)


@every_continuous
def test_probability_of_an_interval_in_pymc_is_the_same(name, rng):
    """Exact values and intervals mixed; derivatives are finite however far away a component is."""
    example, family = EXAMPLES[name], the(name)
    exact = 0.3
    cells = np.array([*example.intervals, (exact, exact)])
    inputs = {p.name: (pt.dscalar if p.shared else pt.dvector)(p.name) for p in family.parameters}
    expression = family.rows_logp(pt.as_tensor_variable(cells), inputs, True, np.ones_like(cells))
    weights = pt.dmatrix("weights")
    slopes = pytensor.grad((weights * expression).sum(), list(inputs.values()))
    evaluate = pytensor.function(list(inputs.values()), expression, mode="FAST_COMPILE")
    differentiate = pytensor.function([weights, *inputs.values()], slopes, mode="FAST_COMPILE")
    # Log-tails of normals in PyMC have the square root of 2 in float32.
    digits = 1e-7 if name == "normal" else 1e-9
    for _ in range(2):
        parameters = draw_parameters(family, rng, (3,))
        at = [parameters[p.name][0] if p.shared else parameters[p.name] for p in family.parameters]
        draws = {p.name: np.atleast_1d(v)[None] for p, v in zip(family.parameters, at, strict=True)}
        expected = family.rows_log_density(cells, draws, True)[0]
        np.testing.assert_allclose(evaluate(*at), expected, rtol=digits, atol=digits)
        # Far away a slope is as steep as the log-probability is low: rows enter by the size of theirs.
        scale = 1 / (1 + np.abs(expected))
        for i, (value, slope) in enumerate(zip(at, differentiate(scale, *at), strict=True)):
            step = 1e-6 * np.maximum(np.abs(value), 0.1)
            moved = [evaluate(*at[:i], value + s * step, *at[i + 1 :]) for s in (1, -1)]
            numeric = (scale * (moved[0] - moved[1]) / (2 * step)).sum(axis=None if np.ndim(value) == 0 else 0)
            np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-5)


# Random values


@every
def test_random_values_have_the_density(name, rng):
    example, family = EXAMPLES[name], the(name)
    n = 4000
    drawn = family.random(rows_of(dict(example.typical) | example.known, n), rng)
    assert drawn.shape == (n,)
    assert drawn.dtype == np.float64
    frozen = example.scipy(dict(example.typical) | example.known)
    if not family.discrete:
        # On the circle the distribution function grows by 1 with every turn.
        assert stats.kstest(frozen.cdf(drawn) % 1, "uniform").pvalue > 1e-3
        return
    values, counts = np.unique(drawn, return_counts=True)
    expected = n * frozen.pmf(values)
    often = expected > 8
    observed = [*counts[often], n - counts[often].sum()]
    rest = n - expected[often].sum()
    kept = slice(None) if rest > 1e-6 else slice(-1)
    assert stats.chisquare(observed[kept], [*expected[often], rest][kept]).pvalue > 1e-3


@pytest.mark.parametrize("name", ["gamma", "weibull", "beta"])
def test_random_values_that_round_to_the_boundary_are_kept_inside(name, rng):
    family = the(name)
    extreme = {"mu": 0.5, "alpha": 1e-3, "beta": 1.0, "nu": 1e-3}
    drawn = family.random({p.name: np.full(2000, extreme[p.name]) for p in family.parameters}, rng)
    assert np.all(drawn > family.lowest)
    assert np.all(drawn < family.highest)


# Default priors


@every
def test_default_priors_cover_every_parameter(name):
    family, column = the(name), EXAMPLES[name].column
    priors = family.default_priors(column)
    assert set(priors) == {p.name for p in family.parameters}
    for parameter in family.parameters:
        prior = as_prior(priors[parameter.name], parameter.name)
        assert isinstance(prior, Prior)
        assert prior.resolve(parameter.name, parameter.support) == prior
    spike = family.spike_parameter
    assert spike is None or priors[spike].exponent_at_zero() == math.inf


@pytest.mark.parametrize("name", [name for name in SINGLE if EXAMPLES[name].units is not None])
def test_default_priors_follow_the_units(name):
    example, family = EXAMPLES[name], the(name)
    before = family.default_priors(make_column(example.data))
    after = family.default_priors(make_column(1000 * np.array(example.data)))
    for parameter in family.parameters:
        a, b = before[parameter.name], after[parameter.name]
        unit = example.units.get(parameter.name)
        if unit is None:
            np.testing.assert_allclose(list(b.to_dict().values())[1:], list(a.to_dict().values())[1:])
        elif unit == "linear" and parameter.support == "real":
            assert (b.mu, b.sigma) == (pytest.approx(1000 * a.mu), pytest.approx(1000 * a.sigma))
        else:
            assert (b.mu, b.sigma) == (pytest.approx(a.mu + math.log(1000)), pytest.approx(a.sigma))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("normal", {"mu": (4.0, 6.0), "sigma": (math.log(1.2), 0.7)}),
        ("student_t", {"mu": (4.0, 6.0), "sigma": (math.log(1.2), 0.7), "nu": (2.0, 0.1)}),
        ("log_normal", {"mu": (math.log(7) / 2, math.log(7)), "sigma": (math.log(0.2 * math.log(7)), 0.7)}),
        ("gamma", {"mu": (math.log(7) / 2, math.log(7)), "alpha": (-2 * math.log(0.2 * math.log(7)), 1.4)}),
        ("exponential", {"scale": (math.log(7) / 2, math.log(7))}),
        ("weibull", {"alpha": (math.log(6.4 / math.log(7)), 0.7), "beta": (math.log(7) / 2, math.log(7))}),
        ("von_mises", {"mu": (0.0, 10.0), "kappa": (math.log(4), 1.2)}),
        ("poisson", {"mu": (math.log(11.25) / 2, math.log(5))}),
        ("negative_binomial", {"mu": (math.log(11.25) / 2, math.log(5)), "alpha": (math.log(5), 1.5)}),
        ("bernoulli", {"p": (0.0, 1.5)}),
        ("binomial", {"p": (0.0, 1.5)}),
    ],
)
def test_default_priors_are_the_documented_ones(name, expected):
    """For the values 1 and 7: mean 4, sd 3; mean and sd of the log are both log(7) / 2."""
    priors = the(name).default_priors(make_column([1.0, 7.0, np.nan]))
    for parameter, numbers in expected.items():
        assert list(priors[parameter].to_dict().values())[1:] == pytest.approx(numbers)


def test_default_priors_of_beta_are_the_documented_ones():
    priors = the("beta").default_priors(make_column([0.2, 0.8]))
    assert (priors["mu"].mu, priors["mu"].sigma) == (pytest.approx(0), pytest.approx(2 * math.log(4)))
    assert (priors["nu"].mu, priors["nu"].sigma) == (pytest.approx(math.log(0.25 / (0.4 * 0.3) ** 2)), 1.4)


@pytest.mark.parametrize("name", ["normal", "student_t", "log_normal", "gamma", "weibull", "beta"])
def test_default_priors_refuse_a_constant_column(name):
    with pytest.raises(InputError, match=r"'y' must not be constant .* got 0\.5 in all 3 rows.*Give priors for"):
        the(name).default_priors(make_column([0.5, 0.5, 0.5]))


@pytest.mark.parametrize("name", ["exponential", "poisson", "negative_binomial"])
def test_default_priors_of_a_constant_column_keep_a_width(name):
    (prior, *_) = the(name).default_priors(make_column([3.0, 3.0])).values()
    assert prior.sigma == 0.5


def test_default_priors_on_the_log_scale_refuse_values_without_spread_there():
    with pytest.raises(InputError, match=r"must vary on the log scale .*Subtract an offset"):
        the("gamma").default_priors(make_column([1e15, 1e15 + 0.25]))


# Where the compiled engine begins


@every
def test_estimate_recovers_the_parameters_of_a_sample_roughly(name, rng):
    example, family = EXAMPLES[name], the(name)
    n = 20000
    drawn = family.random(rows_of(dict(example.typical) | example.known, n), rng)
    shares = drawn / example.known["n"] if example.known else drawn
    means = family.features(shares).mean(axis=1)
    estimated = family.estimate(np.stack([means, means]))
    for parameter in family.parameters:
        value = np.asarray(example.typical[parameter.name])
        assert estimated[parameter.name].shape == (2, *value.shape)
        np.testing.assert_allclose(estimated[parameter.name][0], value, rtol=0.1)


@every
def test_estimate_stays_inside_the_supports(name):
    example, family = EXAMPLES[name], the(name)
    shares = np.array(example.data) / example.known.get("n", 1.0)
    features = family.features(shares)
    means = np.concatenate([features.T, features.mean(axis=1)[None], np.zeros((1, len(features)))])
    estimated = family.estimate(means)
    for parameter in family.parameters:
        values = estimated[parameter.name]
        assert np.all(np.isfinite(values))
        low, high = {"real": (-np.inf, np.inf), "angle": (-4.0, 4.0), "positive": (0.0, np.inf)}.get(
            parameter.support, (0.0, 1.0)
        )
        assert np.all(values > low)
        assert np.all(values < high)
        if parameter.support == "simplex":
            np.testing.assert_allclose(values.sum(axis=-1), 1)


# Data


@every
def test_good_data_are_accepted(name):
    example, family = EXAMPLES[name], the(name)
    family.check(example.column)
    options = {key: (*v, np.nan) if key == "extra" else v for key, v in example.options.items()}
    family.check(make_column([*example.data, np.nan], **options))
    if example.intervals:
        lower, upper = np.array([*example.intervals, (np.nan, np.nan)]).T
        middle = np.where(np.isinf(lower), upper, np.where(np.isinf(upper), lower, (lower + upper) / 2))
        family.check(make_column(middle, bounds=(lower, upper)))


@pytest.mark.parametrize(
    ("name", "bad"), [pytest.param(n, bad, id=f"{n}-{bad.values}") for n in SINGLE for bad in EXAMPLES[n].bad]
)
def test_bad_data_are_refused_by_name_with_value_row_and_remedy(name, bad):
    with pytest.raises(InputError) as caught:
        the(name).check(make_column(bad.values, **bad.options))
    message = str(caught.value)
    assert message.startswith("'y' must ")
    for words in bad.words:
        assert words in message


@pytest.mark.parametrize("trials", [0, -3, 2.5, True, [5]])
def test_binomial_refuses_trials_that_are_no_number_of_them(trials):
    with pytest.raises(InputError, match="trials must be a whole number >= 1 or the name of a column"):
        type(the("binomial"))(trials)


@pytest.mark.parametrize("categories", ["red", ("a",), ("a", "b", "a")])
def test_categorical_refuses_categories_that_are_not_two_different_ones(categories):
    with pytest.raises(InputError, match="categories must be two or more different labels"):
        type(the("categorical"))(categories)


def test_categorical_takes_its_categories_from_the_column():
    column = make_column([0.0, 1.0], categories=("x", "y"))
    bound = as_family("categorical").bind(column)
    assert bound.categories == ("x", "y")
    assert bound.dims == {"category": ("x", "y")}
    given = the("categorical")
    assert given.bind(column) is given


@pytest.mark.parametrize("name", [name for name in SINGLE if name != "categorical"])
def test_other_families_take_nothing_from_the_column(name):
    assert the(name).bind(EXAMPLES[name].column) is the(name)


# Identifiability


@every
def test_one_component_is_always_identified(name):
    assert the(name).identified(1, EXAMPLES[name].column) is None


@pytest.mark.parametrize("name", ["bernoulli", "categorical"])
def test_no_number_of_components_is_identified_by_one_column_of_labels(name):
    family, column = the(name), EXAMPLES[name].column
    assert "any number of components can give" in family.identified(2, column)
    assert family.states(column) == {"bernoulli": 2, "categorical": 4}[name]


def test_binomial_components_need_trials():
    """Blischke: 2K - 1 trials, of the row that has most of them."""
    family, column = the("binomial"), make_column([1.0, np.nan, 3.0], extra=[2.0, 50.0, 5.0])
    assert family.identified(3, column) is None
    assert "7 for 4 components, but no row has more than 5" in family.identified(4, column)
    assert family.states(column) == 6


@pytest.mark.parametrize("name", [n for n in SINGLE if n not in ("bernoulli", "categorical", "binomial")])
def test_the_others_are_identified_by_one_column(name):
    assert the(name).identified(5, EXAMPLES[name].column) is None
    assert the(name).states(EXAMPLES[name].column) == np.inf


# Noise


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("binomial", 10),
        ("bernoulli", 2),
        ("categorical", 4),
        ("von_mises", 2 * math.pi),
        ("poisson", 13),
        ("gamma", 11.5),
    ],
)
def test_background_is_uniform_over_the_values(name, values):
    assert the(name).background(EXAMPLES[name].column) == pytest.approx(-math.log(values))
