"""One meaning of a row: the compiled engine, the PyMC model and NumPy agree for every family and form of data."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats
from scipy.special import logsumexp

import bayesmix as bm
from bayesmix.blocks import Layout, read_rows
from bayesmix.cells import component_log_density
from bayesmix.compiled import Laid, draws_of, families_are_covered, problem_of, rows_of, why_not_covered
from bayesmix.data import Interval, Observations
from bayesmix.engine import pointwise
from bayesmix.families import FAMILIES, MvNormal
from bayesmix.families.mv_normal import covariance_matrices
from bayesmix.mixture import Mixture
from bayesmix.model import extra_weight_names, model_of
from bayesmix.resolving import resolve
from bayesmix.supervision import with_labels
from tests.families.helpers import EXAMPLES

FEW, MANY = 23, 300  # the engine takes 256 rows at a time
MIXED = {"a": "normal", "b": "poisson", "c": "bernoulli", "d": "categorical", "e": "gamma", "g": "normal"}
COVARIANCES = ("full", "diag", "tied", "spherical")


@dataclass(frozen=True)
class Built:
    """A specification with its rows, as both engines read them."""

    resolved: Mixture
    observations: Observations
    layout: Layout
    laid: Laid


def _columns(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "normal": rng.normal(size=n) * 2 + 5,
        "student_t": rng.standard_t(3, size=n),
        "log_normal": np.exp(rng.normal(size=n)),
        "gamma": rng.gamma(3, size=n),
        "exponential": rng.exponential(size=n),
        "weibull": rng.weibull(2, size=n) * 3,
        "beta": rng.beta(2, 3, size=n),
        "von_mises": rng.uniform(-3, 6, size=n),
        "poisson": rng.poisson(4, size=n).astype(float),
        "negative_binomial": rng.negative_binomial(3, 0.4, size=n).astype(float),
    }


def _table(n: int, *, missing: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.poisson(3, size=n) * 1.0,
            "c": rng.integers(0, 2, size=n) * 1.0,
            "d": rng.choice(list("xyz"), size=n),
            "e": rng.gamma(2, size=n),
            "g": rng.normal(size=n) * 1e3,
        }
    )
    if missing:
        table = table.mask(rng.random(table.shape) < 0.25)
        table.loc[3] = None  # a row of which nothing is known
    return table


def _rounded(name: str, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Round to a step whose intervals stay inside the support."""
    step = 0.1 if name == "beta" else 0.5
    low = {"beta": 0.05, "von_mises": -2.5}.get(name, -np.inf if name in ("normal", "student_t") else step)
    return np.clip(np.round(y / step) * step, low, 0.95 if name == "beta" else 6.0), step


def _censored(name: str, y: np.ndarray) -> Interval:
    """Intervals of many widths: a value known exactly, and where the family has them both open sides."""
    low, high = y - 0.1 * np.abs(y), y + 0.1 * np.abs(y)
    low[2] = high[2] = y[2]
    if name == "von_mises":
        low[0], high[1] = y[0] - 2.0, min(y[1] + 4.0, 2 * np.pi)
    elif name == "beta":
        low[0], high[1] = 0.0, 1.0
    else:
        low[0], high[1], low[3] = -np.inf, np.inf, -7.0
    return Interval(low, np.minimum(high, 2 * np.pi if name == "von_mises" else 1.0 if name == "beta" else np.inf))


def _data(name: str, n: int) -> tuple[Mixture, Any, dict[str, Any]]:
    """Return the specification, the data and the options of reading them."""
    rng = np.random.default_rng(3)
    family, _, form = name.partition(" ")
    if family in _columns(1):
        y = _columns(n)[family]
        if form == "rounded":
            values, step = _rounded(family, y)
            return Mixture(2, family), values, {"resolution": step}
        return (Mixture(2, family), _censored(family, y), {}) if form else (Mixture(3, family), y, {})
    weights = rng.integers(1, 4, size=n)
    letters = pd.DataFrame(rng.choice(list("pqrs"), size=(n, 3)), columns=list("xyz"))
    binary = pd.DataFrame(rng.integers(0, 2, size=(n, 3)) * 1.0, columns=list("uvw"))
    attempts = rng.integers(5, 9, size=n)
    tries = pd.DataFrame({"hits": rng.binomial(attempts, 0.4), "tries": attempts})
    table, holes = _table(n), _table(n, missing=True)
    steps = {"resolution": {"a": 0.5}}
    rounded = holes.assign(a=np.round(2 * holes["a"].astype(float)) / 2)
    known = np.where(rng.random(n) < 0.3, rng.choice(["low", "mid", "high"], size=n), None)
    known[:3] = "low", "mid", "high"
    plane, gaps = table[["a", "g", "e"]], holes[["a", "g", "e"]].astype(float)
    several: dict[str, tuple[Mixture, Any, dict[str, Any]]] = {
        "normal_weights": (
            Mixture(2, bm.families.Normal(common_sigma=True)),
            table["a"],
            {"weights": rng.random(n) + 1},
        ),
        "binomial": (Mixture(2, bm.families.Binomial(trials=8)), rng.binomial(8, 0.4, size=n), {}),
        "binomial_column": (Mixture(2, {"hits": bm.families.Binomial(trials="tries")}), tries, {}),
        "bernoulli": (Mixture(2, dict.fromkeys("uvw", "bernoulli")), binary, {}),
        "categorical": (Mixture(2, dict.fromkeys("xyz", "categorical")), letters, {}),
        "mixed": (Mixture(3, MIXED), table, {}),
        "mixed_missing": (Mixture(3, MIXED), holes, {}),
        "mixed_all": (Mixture(2, MIXED, noise=True), rounded, {"weights": weights} | steps),
        "labelled": (Mixture(3, classes=["low", "mid", "high"], noise=True), table["a"], {"labels": known}),
        "labelled_table": (Mixture(3, MIXED), holes, {"labels": known, "weights": weights}),
        "labelled_mv": (Mixture(3, "mv_normal"), gaps, {"labels": known}),
        "zip": (Mixture(2, "poisson", zero_inflated=True, noise=True), _columns(n)["poisson"], {}),
    }
    for covariance in COVARIANCES:
        several[f"mv_{covariance}"] = Mixture(3, MvNormal(covariance)), plane, {}
        several[f"mv_{covariance}_missing"] = Mixture(2, MvNormal(covariance), noise=covariance == "full"), gaps, {}
    return several[name]


_CONTINUOUS = ("normal", "student_t", "log_normal", "gamma", "exponential", "weibull", "beta", "von_mises")
INTERVALS = tuple(f"{name} {form}" for name in _CONTINUOUS for form in ("rounded", "censored"))
TABLES = ("normal_weights", "binomial", "binomial_column", "bernoulli", "categorical", "mixed", "mixed_missing")
MATRICES = tuple(f"mv_{covariance}{more}" for covariance in COVARIANCES for more in ("", "_missing"))
LABELLED = ("labelled", "labelled_table", "labelled_mv")
CASES = (*_columns(1), *INTERVALS, *TABLES, "mixed_all", "zip", *MATRICES, *LABELLED)

_QUICK = ("normal censored", "exponential rounded", "von_mises rounded")
#: PyMC takes seconds to compile these. `mixed_all` has all that the tables have, the other form of the same covariance
#: stays, and that the families' own probabilities of intervals equal NumPy's has tests of its own.
_SLOW = (*(name for name in INTERVALS if name not in _QUICK), "mixed", "mixed_missing", "mv_full", "mv_tied_missing")
_SLOW += ("labelled_table", "labelled_mv")
PYMC_CASES = [pytest.param(name, marks=pytest.mark.slow) if name in _SLOW else name for name in CASES]


@cache
def _built(name: str, n: int) -> Built:
    mixture, y, options = _data(name, n)
    observations = read_rows(mixture.family, y, options.get("weights"), options.get("resolution"))
    mixture, observations = with_labels(mixture, observations, options.get("labels"))
    resolved = resolve(mixture, observations)
    return Built(resolved, observations, Layout.of(observations), problem_of(resolved, observations))


def _points(built: Built, n: int, seed: int = 4) -> np.ndarray:
    return 0.7 * np.random.default_rng(seed).normal(size=(n, built.laid.problem.n_dim))


def _draws(built: Built, points: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return weights (S, M) and parameters as `component_log_density` takes them."""
    found = [built.laid.problem.expand(x) for x in points]
    names = ("w", *extra_weight_names(built.resolved))
    weights = np.array([np.concatenate([np.atleast_1d(f[name]) for name in names]) for f in found])
    parameters = {}
    for v in built.resolved.variables:
        value = np.array([f[v.name] for f in found])
        parameters[v.name] = value[:, np.newaxis] if v.shared else value
    return weights, parameters


def _numpy_joint(built: Built, points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Log weight + log density, shape (S, n, M)."""
    weights, parameters = _draws(built, points)
    return np.log(weights)[:, np.newaxis] + component_log_density(built.resolved, built.layout, parameters, cells)


def test_every_family_is_here_and_compiled():
    covered = {block.family.name for name in CASES for block in _built(name, FEW).resolved.blocks}
    assert covered == {family.name for family in FAMILIES}
    assert all(why_not_covered(_built(name, FEW).resolved) is None for name in CASES)
    assert all(families_are_covered(_built(name, FEW).resolved) for name in CASES)


@pytest.mark.parametrize("name", PYMC_CASES)
def test_the_engine_equals_the_model(name):
    """Log-density, gradient, and the variables of a draw, on the model's own vector."""
    built = _built(name, FEW)
    problem, model = built.laid.problem, model_of(built.resolved, built.observations)
    shapes = [(v.name, model.initial_point()[v.name].shape) for v in model.value_vars]
    assert sum(int(np.prod(shape)) for _, shape in shapes) == problem.n_dim
    labels = [v.name for v in model.deterministics]
    angles = {v.name for v in built.resolved.variables if v.parameter.support == "angle"}
    outputs = [model.logp(), model.dlogp(), *model.replace_rvs_by_values(model.deterministics)]
    function = model.compile_fn(outputs, mode="FAST_COMPILE")
    ends = np.cumsum([int(np.prod(shape)) for _, shape in shapes])[:-1]
    for x in _points(built, 3):
        parts = np.split(x, ends)
        value, slope, *variables = function(
            {label: part.reshape(shape) for (label, shape), part in zip(shapes, parts, strict=True)}
        )
        ours, gradient = problem.logp_and_grad(x)
        assert np.isfinite(ours)
        assert ours == pytest.approx(float(value), rel=1e-9)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-9 * np.abs(slope).max())
        found = problem.expand(x)
        assert set(labels) <= set(found)
        for label, expected in zip(labels, variables, strict=True):
            assert found[label].shape == expected.shape
            if label in angles:  # the engine leaves whole turns in, the model winds them up
                np.testing.assert_allclose(np.exp(1j * found[label]), np.exp(1j * expected), rtol=0, atol=1e-11)
                continue
            np.testing.assert_allclose(found[label], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n", [FEW, MANY])
@pytest.mark.parametrize("name", CASES)
def test_the_engine_equals_numpy(name, n):
    """Log-likelihoods and memberships, row by row, of the rows in the user's units and order."""
    built = _built(name, n)
    points, cells = _points(built, 4), built.observations.cells
    joint = _numpy_joint(built, points, cells)
    total = logsumexp(joint, axis=2)
    rows, draws = rows_of(built.resolved, built.layout, cells), draws_of(built.resolved, *_draws(built, points))
    np.testing.assert_allclose(pointwise.log_likelihood(rows, draws), total, rtol=1e-11, atol=1e-11)
    shares = np.exp(joint - total[..., np.newaxis])
    np.testing.assert_allclose(pointwise.responsibilities(rows, draws), shares, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(
        pointwise.component_densities(rows, draws), np.exp(joint).transpose(0, 2, 1), rtol=1e-9, atol=1e-300
    )


@pytest.mark.parametrize("name", CASES)
def test_the_sampled_density_is_the_prior_and_the_weighted_rows(name):
    """Merged, reordered and centred rows give the sum over the user's rows; what is left over is the prior."""
    built = _built(name, MANY)
    problem = built.laid.problem
    weights = built.observations.weights
    points = _points(built, 4)
    rows = logsumexp(_numpy_joint(built, points, built.observations.cells), axis=2)
    likelihood = rows.sum(axis=1) if weights is None else rows @ weights
    found = np.array([problem.logp_and_grad(x)[0] for x in points])
    # The constant of the priors is the same everywhere, and whitened values have standard normal ones.
    left = found - likelihood - np.array([_log_prior(built, x) for x in points])
    np.testing.assert_allclose(left, left[0], rtol=0, atol=1e-10 * np.abs(found).max())


def _log_prior(built: Built, x: np.ndarray) -> float:
    """Log prior density of the sampled vector up to a constant, by SciPy; all these priors are the defaults."""
    problem, total, at = built.laid.problem, 0.0, built.laid.problem.rows.n_all - 1
    if at:
        total += np.log(problem.weights(x)) @ np.array(problem.alpha)
    for variable in problem.variables:
        own, at = x[at : at + variable.n_sampled], at + variable.n_sampled
        if variable.whitened:
            total += stats.norm.logpdf(own).sum()
        elif variable.type == "simplex":
            total += variable.hyper()[0] @ variable.from_sampled(own)
        elif variable.type == "correlation":
            shapes = variable.hyper()[0]
            half = 1 / (1 + np.exp(-own))
            total += (stats.beta.logpdf(half, shapes, shapes) + np.log(half) + np.log1p(-half)).sum()
        else:
            assert variable.prior.kind.name == "GAMMA"
            rate = variable.prior.second[0]
            total += (stats.gamma.logpdf(np.exp(own), variable.prior.first[0], scale=1 / rate) + own).sum()
    return float(total)


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_is_the_derivative(name):
    built = _built(name, MANY)
    problem, (x,) = built.laid.problem, _points(built, 1)
    gradient, h = problem.logp_and_grad(x)[1], 1e-5
    for i, step in enumerate(h * np.eye(problem.n_dim)):
        slope = (problem.logp_and_grad(x + step)[0] - problem.logp_and_grad(x - step)[0]) / (2 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("name", CASES)
def test_packing_inverts_expanding(name):
    built = _built(name, FEW)
    problem = built.laid.problem
    for x in _points(built, 2):
        found = problem.expand(x)
        weights = np.concatenate([np.atleast_1d(found[n]) for n in ("w", *problem.extra_weights)])
        again = problem.pack(weights, found)
        assert problem.logp_and_grad(again)[0] == pytest.approx(problem.logp_and_grad(x)[0], rel=1e-9)
        for label, value in problem.expand(again).items():
            np.testing.assert_allclose(value, found[label], rtol=1e-9, atol=1e-9)


ORDERED = [name for name in (*_columns(1), "binomial", "mixed", "mv_diag") if name != "von_mises"]


@pytest.mark.parametrize("name", ORDERED)
def test_prior_draws_are_ordered(name):
    built = _built(name, FEW)
    assert built.resolved.sort_key is not None
    label, entry = built.resolved.sort_key
    model = model_of(built.resolved, built.observations)
    drawn = pm.draw(model[label], draws=50, random_seed=1, mode="FAST_COMPILE")
    key = drawn if drawn.ndim == 2 else drawn[..., entry]
    assert key.shape == (50, built.resolved.n_components)
    assert (np.diff(key, axis=1) > 0).all()
    expanded = np.array([built.laid.problem.expand(x)[label] for x in _points(built, 20)])
    assert (np.diff(expanded if expanded.ndim == 2 else expanded[..., entry], axis=1) > 0).all()


def test_nothing_is_ordered_where_no_parameter_is():
    built = _built("von_mises", FEW)
    assert built.resolved.sort_key is None
    expanded = np.array([built.laid.problem.expand(x)["mu"] for x in _points(built, 20)])
    assert (np.diff(expanded, axis=1) < 0).any()
    model = model_of(built.resolved, built.observations)
    assert (np.diff(pm.draw(model["mu"], draws=50, random_seed=1, mode="FAST_COMPILE"), axis=1) < 0).any()


def _single(name: str) -> tuple[Built, dict[str, np.ndarray], np.ndarray]:
    """Return one component of a case's family, parameters of three draws, and its compiled log-likelihoods."""
    mixture, y, options = _data(name, FEW)
    observations = read_rows(mixture.family, y, None, options.get("resolution"))
    resolved = resolve(Mixture(1, mixture.family), observations)
    built = Built(resolved, observations, Layout.of(observations), problem_of(resolved, observations))
    weights, parameters = _draws(built, _points(built, 3))
    np.testing.assert_array_equal(weights, 1.0)
    rows = rows_of(resolved, built.layout, observations.cells)
    return built, parameters, pointwise.log_likelihood(rows, draws_of(resolved, weights, parameters))


SINGLE = (*_columns(1), *INTERVALS, "binomial", "bernoulli", "categorical")


@pytest.mark.parametrize("name", SINGLE)
def test_one_component_is_the_plain_distribution(name):
    """Log-likelihoods against SciPy's own distributions; a table's rows are products over columns."""
    built, parameters, found = _single(name)
    variables = built.laid.problem.variables
    assert built.laid.problem.n_dim == sum(v.n_sampled for v in variables)
    expected = np.zeros_like(found)
    for block in built.resolved.blocks:
        cells = block.cells(built.observations.cells, built.layout)
        for s in range(len(found)):
            own = {label: value[s, 0] for label, value in block.pick(parameters).items()}
            own |= {label: cells[:, 1 + i] for i, label in enumerate(block.family.extra)}
            expected[s] += _scipy_log_density(block.family.name, own, cells, block.interval(built.layout))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def _scipy_log_density(name: str, parameters: dict[str, Any], cells: np.ndarray, interval: bool) -> np.ndarray:
    distribution = EXAMPLES[name].scipy(parameters)
    if not interval:
        discrete = name in ("poisson", "negative_binomial", "binomial", "bernoulli", "categorical")
        return (distribution.logpmf if discrete else distribution.logpdf)(cells[:, 0])
    lower, upper = cells.T
    below, above = distribution.cdf(upper) - distribution.cdf(lower), distribution.sf(lower) - distribution.sf(upper)
    with np.errstate(divide="ignore"):
        inside = np.log(np.where(distribution.cdf(lower) < 0.5, below, above))
    return np.where(lower == upper, distribution.logpdf(lower), inside)


@pytest.mark.parametrize("name", MATRICES)
def test_one_multivariate_component_is_the_plain_distribution(name):
    """With cells missing: the marginal distribution of the others."""
    built, parameters, found = _single(name)
    covariance = covariance_matrices(built.resolved.blocks[0].family, parameters, 3)
    for s in range(len(found)):
        for j, row in enumerate(built.observations.cells):
            seen, expected = ~np.isnan(row), 0.0
            if seen.any():
                mean, matrix = parameters["mu"][s, 0, seen], covariance[s, 0][np.ix_(seen, seen)]
                # SciPy takes a matrix for singular whose columns have units as different as these.
                unit = np.sqrt(np.diag(matrix))
                scaled = stats.multivariate_normal(np.zeros(unit.size), matrix / np.outer(unit, unit))
                expected = scaled.logpdf((row[seen] - mean) / unit) - np.log(unit).sum()
            assert found[s, j] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["mixed_missing", "mixed_all", *(m for m in MATRICES if "missing" in m)])
def test_a_row_with_nothing_observed_contributes_nothing(name):
    built = _built(name, FEW)
    empty = np.flatnonzero(np.isnan(built.observations.cells).all(axis=1))
    assert empty.size
    points = _points(built, 3)
    weights, parameters = _draws(built, points)
    rows = rows_of(built.resolved, built.layout, built.observations.cells)
    draws = draws_of(built.resolved, weights, parameters)
    np.testing.assert_allclose(pointwise.log_likelihood(rows, draws)[:, empty], 0.0, atol=1e-14)
    shares = pointwise.responsibilities(rows, draws)[:, empty]
    np.testing.assert_allclose(shares, np.broadcast_to(weights[:, np.newaxis], shares.shape), rtol=1e-12)
    # The same specification without these rows has the same density and gradient.
    mixture, y, options = _data(name, FEW)
    kept = np.flatnonzero(~np.isnan(built.observations.cells).all(axis=1))
    given = options.get("weights")
    fewer = read_rows(mixture.family, y.iloc[kept], None if given is None else given[kept], options.get("resolution"))
    problem = problem_of(built.resolved, fewer).problem
    for x in points:
        (value, gradient), (expected, slope) = problem.logp_and_grad(x), built.laid.problem.logp_and_grad(x)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-10 * np.abs(slope).max())


TWICE = (*_columns(1), *(f"{name} rounded" for name in _CONTINUOUS), "binomial", "bernoulli", "categorical")


def _twice(name: str) -> tuple[Any, pd.DataFrame, float | None]:
    """Return a family, two columns for it, the second with missing cells, and the step they are rounded to."""
    rng = np.random.default_rng(5)
    family, _, form = name.partition(" ")
    step = None
    if family == "binomial":
        p, q = rng.binomial(8, 0.4, size=(2, MANY)).astype(float)
    elif family == "bernoulli":
        p, q = rng.integers(0, 2, size=(2, MANY)).astype(float)
    elif family == "categorical":
        p, q = rng.choice(list("xyz"), size=(2, MANY)).astype(object)
    else:
        p = _columns(MANY)[family]
        if form:
            p, step = _rounded(family, p)
        q = rng.permutation(p)
    table = pd.DataFrame({"p": p, "q": q})
    table.loc[rng.random(MANY) < 0.2, "q"] = None
    return bm.families.Binomial(trials=8) if family == "binomial" else family, table, step


def _for_columns(name: str, columns: str) -> Built:
    family, table, step = _twice(name)
    mixture = Mixture(1, dict.fromkeys(columns, family))
    steps = None if step is None else dict.fromkeys(columns, step)
    # A table of one column has no blanks.
    observations = read_rows(mixture.family, table[list(columns)].dropna(how="all"), None, steps)
    resolved = resolve(mixture, observations)
    return Built(resolved, observations, Layout.of(observations), problem_of(resolved, observations))


@pytest.mark.parametrize("name", TWICE)
def test_two_columns_of_a_family_count_as_each_by_itself(name):
    """They share one block of the engine (labels have one each), the second with missing cells."""
    both, *singles = (_for_columns(name, columns) for columns in ("pq", "p", "q"))
    assert len(both.laid.problem.rows.blocks) == (2 if name == "categorical" else 1)
    for x in _points(both, 2):
        value, gradient = both.laid.problem.logp_and_grad(x)
        parts = np.split(x, [singles[0].laid.problem.n_dim])
        found = [one.laid.problem.logp_and_grad(part) for one, part in zip(singles, parts, strict=True)]
        assert value == pytest.approx(sum(v for v, _ in found), rel=1e-12)
        slope = np.concatenate([g for _, g in found])
        np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-11 * np.abs(slope).max())
    # With several components, (w f g) w = (w f) (w g) row by row; two binary columns alone would be refused as data.
    resolved = replace(both.resolved, n_components=3)
    three = replace(both, resolved=resolved, laid=problem_of(resolved, both.observations))
    weights, parameters = _draws(three, _points(three, 3))
    densities = []
    for one in (both, *singles):
        own = replace(one.resolved, n_components=3)
        rows = rows_of(own, one.layout, one.observations.cells)
        densities.append(pointwise.component_densities(rows, draws_of(own, weights, parameters)))
    whole, first, seen = densities
    second = np.repeat(weights[..., np.newaxis], MANY, axis=2)
    second[..., _twice(name)[1]["q"].notna().to_numpy()] = seen
    np.testing.assert_allclose(whole * weights[..., np.newaxis], first * second, rtol=1e-9, atol=1e-290)


_UNITS = [(1e9, 1.0), (-1e9, 1.0), (0.0, 1e-12), (0.0, 1e12)]


@pytest.mark.parametrize(
    ("form", "offset", "scale"),
    [
        *((form, *units) for form in ("table", "interval") for units in _UNITS),
        *(("mv_normal", *units) for units in _UNITS if not units[0]),  # columns of one family together are not centred
    ],
)
def test_units_do_not_matter(form, offset, scale):
    """Columns far from 0 or in tiny or huge units give the density and gradient of plain ones."""
    rng = np.random.default_rng(5)
    grid = np.round(rng.normal(size=(200, 2)) * 2**20) / 2**20  # moved by 1e9, the numbers stay exact
    grid[:3, 1] = np.nan
    plain, moved = (_in_units(form, o + s * grid, o, s) for o, s in ((0.0, 1.0), (offset, scale)))
    density = {"interval": 0, "table": 200 + 197, "mv_normal": 200 + 197}[form]
    for _ in range(3):
        x = 0.5 * rng.normal(size=plain.n_dim)
        (value, gradient), (far, slope) = plain.logp_and_grad(x), moved.logp_and_grad(x)
        assert far + density * np.log(scale) == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(slope, gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())


def _in_units(form: str, cells: np.ndarray, offset: float, scale: float) -> Any:
    """Return the engine's problem of two components, everything in the cells' units."""
    priors = {"mu": bm.priors.Normal(offset, 3 * scale), "sigma": bm.priors.LogNormal(np.log(scale), 0.7)}
    if form == "interval":
        half = scale * np.array([0.25, 0.5])[np.arange(len(cells)) % 2]
        y: Any = Interval(cells[:, 0] - half, cells[:, 0] + half)
        mixture = Mixture(2, "normal", priors=priors)
    else:
        y = pd.DataFrame(cells, columns=["a", "b"])
        families = {"a": "normal", "b": "student_t"}
        mixture = Mixture(2, "mv_normal", priors=priors)
        if form == "table":
            mixture = Mixture(2, families, priors={"a": priors, "b": priors})
    observations = read_rows(mixture.family, y)
    return problem_of(resolve(mixture, observations), observations).problem
