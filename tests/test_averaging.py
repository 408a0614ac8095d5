"""Averages over fits against naive sums, SciPy's weighted quantiles and the single fits' own results."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix import averaging as module
from bayesmix import prediction
from bayesmix.averaging import averaged_density, averaged_prediction, co_clustering
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from tests.helpers import make_fit, two_groups

ETI, HDI = CredibleInterval(0.77, "eti"), CredibleInterval(0.8, "hdi")


@pytest.fixture
def fits(rng):
    y = np.concatenate([rng.normal(0, 1, 12), rng.normal(5, 1, 8)])
    return {1: two_groups(y, n_components=1, n_draws=30), 2: two_groups(y, n_components=2, n_draws=50)}


def densities(made, points):
    """The mixture density of every draw at points, shape (S, points)."""
    a = made.arrays
    each = stats.norm.pdf(points[:, None], a.parameters["mu"][:, None], a.parameters["sigma"][:, None])
    return (a.weights[:, None] * each).sum(axis=2)


def pooled(fits, weights, points):
    values = np.concatenate([densities(made, points) for made in fits.values()])
    sizes = [made.arrays.n_draws for made in fits.values()]
    return values, np.concatenate([np.full(s, w / s) for s, w in zip(sizes, weights, strict=True)])


def narrowest(values, share, prob):
    """By trying every pair of draws."""
    order = np.argsort(values)
    x, mass = values[order], np.cumsum(share[order])
    pairs = [
        (x[j] - x[i], x[i], x[j])
        for i in range(len(x))
        for j in range(i, len(x))
        if mass[j] - (mass[i - 1] if i else 0.0) >= prob - 1e-12
    ]
    return min(pairs)[1:]


def test_density_is_the_weighted_mean_with_weighted_quantiles(fits):
    grid = np.linspace(-3, 8, 23)
    found = averaged_density(fits, [0.3, 0.7], ETI, grid)
    values, share = pooled(fits, [0.3, 0.7], grid)
    np.testing.assert_allclose(found["density"], share @ values)
    wide = np.repeat(share[:, None], len(grid), axis=1)
    for name, p in (("density_lb", 0.115), ("density_ub", 0.885)):
        expected = stats.quantile(values, p, axis=0, weights=wide, method="inverted_cdf")
        np.testing.assert_allclose(found[name], expected)
    assert found.attrs["interval"] == "eti77"
    assert set(found.data_vars) == {"density", "density_lb", "density_ub"}
    assert "component" not in found.coords


def test_narrowest_intervals_by_trying_all(fits):
    grid = np.linspace(-3, 8, 7)
    found = averaged_density(fits, [0.3, 0.7], HDI, grid)
    values, share = pooled(fits, [0.3, 0.7], grid)
    for i in range(len(grid)):
        bounds = found["density_lb"].values[i], found["density_ub"].values[i]
        assert bounds == pytest.approx(narrowest(values[:, i], share, 0.8))


@pytest.mark.parametrize("interval", [ETI, HDI])
@pytest.mark.parametrize("weights", [[0.0, 1.0], [0.00009, 0.99991]])
def test_all_weight_on_one_fit_is_that_fit(fits, interval, weights):
    only = {2: fits[2]}
    grid = prediction.default_grid(fits[2])
    expected = prediction.density(fits[2], grid, interval)
    found = averaged_density(fits, weights, interval)
    for name in ("density", "density_lb", "density_ub"):
        np.testing.assert_array_equal(found[name], expected[name])
    rows = fits[2]._new_rows([0.0, 2.5, 30.0])
    pd.testing.assert_frame_equal(
        averaged_prediction(fits, weights, rows, interval), averaged_prediction(only, [1.0], rows, interval)
    )
    np.testing.assert_array_equal(co_clustering(fits, weights), co_clustering(only, [1.0]))


def test_prediction_by_hand(fits):
    points = np.array([0.0, 2.5, 5.0, 30.0])
    rows = fits[2]._new_rows(pd.Series(points, index=list("abcd")))
    table = averaged_prediction(fits, [0.3, 0.7], rows, ETI)
    values, share = pooled(fits, [0.3, 0.7], points)
    assert list(table.columns) == ["log_density", "eti77_lb", "eti77_ub", "rarity"]
    assert list(table.index) == list("abcd")
    np.testing.assert_allclose(table["log_density"], np.log(share @ values), rtol=1e-9)
    wide = np.repeat(share[:, None], 4, axis=1)
    lower = stats.quantile(np.log(np.maximum(values, 1e-300)), 0.115, axis=0, weights=wide, method="inverted_cdf")
    np.testing.assert_allclose(table["eti77_lb"].iloc[:3], lower[:3])


def test_rarity_is_the_mass_of_less_dense_places(fits):
    points = np.array([0.0, 2.5, 7.5, 30.0])
    table = averaged_prediction(fits, [0.3, 0.7], fits[2]._new_rows(points), ETI)
    grid = np.linspace(-60, 60, 60_001)
    values, share = pooled(fits, [0.3, 0.7], grid)
    density = share @ values
    at = np.interp(points, grid, density)
    expected = [(density[density <= d]).sum() * (grid[1] - grid[0]) for d in at]
    np.testing.assert_allclose(table["rarity"], expected, atol=4 * 0.5 / np.sqrt(4000))
    assert table["rarity"].iloc[-1] < 0.001
    alone = averaged_prediction(fits, [0.3, 0.7], fits[2]._new_rows(points[2:3]), ETI)
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), table.iloc[2:3].reset_index(drop=True))


def test_rarity_of_rounded_counts_and_missing_cells(rng):
    y = np.round(2 * rng.normal(10, 2, 60)) / 2
    w, mu, sigma = np.ones((20, 1)), np.full((20, 1), 10.0), np.full((20, 1), 2.0)
    rounded = make_fit(y, w, {"mu": mu, "sigma": sigma}, resolution=0.5)
    table = averaged_prediction({"a": rounded}, [1.0], rounded._new_rows([10.0, 13.0, 20.0]), ETI)
    assert table["log_density"].iloc[1] == pytest.approx(np.log(np.diff(stats.norm.cdf([12.75, 13.25], 10, 2))[0]))
    tails = 2 * stats.norm.sf((np.array([13.0, 20.0]) - 0.25 - 10) / 2)
    np.testing.assert_allclose(table["rarity"], [1.0, *tails], atol=0.03)
    given = averaged_prediction({"a": rounded}, [1.0], rounded._new_rows(bm.Interval([9.0, 10.0], [12.0, 10.0])), ETI)
    assert np.isnan(given["rarity"].iloc[0])
    assert given["rarity"].iloc[1] == pytest.approx(1.0, abs=0.01)

    frame = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30)})
    mixture = bm.Mixture(1, family={"a": "normal", "b": "normal"})
    params = {f"{c}_{p}": np.full((10, 1), v) for c in "ab" for p, v in (("mu", 0.0), ("sigma", 1.0))}
    table_fit = make_fit(frame, np.ones((10, 1)), params, mixture=mixture)
    new = pd.DataFrame({"a": [2.0, 2.0, np.nan], "b": [0.0, np.nan, np.nan]})
    table = averaged_prediction({"t": table_fit}, [1.0], table_fit._new_rows(new), ETI)
    expected = [stats.chi2.sf(4, 2), stats.chi2.sf(4, 1)]
    np.testing.assert_allclose(table["rarity"].iloc[:2], expected, atol=0.03)
    assert np.isnan(table["rarity"].iloc[2])


def test_rarity_takes_the_rows_own_trials():
    frame = pd.DataFrame({"k": [1, 4, 10, 12], "n": [5, 5, 20, 20]})
    mixture = bm.Mixture(1, family={"k": bm.families.Binomial(trials="n")})
    made = make_fit(frame, np.ones((4, 1)), {"k_p": np.full((4, 1), 0.5)}, mixture=mixture)
    rows = made._new_rows(pd.DataFrame({"k": [0, 2, 0, 10], "n": [5, 5, 20, 20]}))
    table = averaged_prediction({"a": made}, [1.0], rows, ETI)
    np.testing.assert_allclose(table["log_density"], stats.binom.logpmf([0, 2, 0, 10], [5, 5, 20, 20], 0.5))
    np.testing.assert_allclose(table["rarity"], [2 / 32, 1.0, 0.0, 1.0], atol=0.02)


def test_co_clustering_by_naive_sums(fits):
    made = fits[2]
    y, a = made.observations.values, made.arrays
    joint = a.weights[:, None] * stats.norm.pdf(y[:, None], a.parameters["mu"][:, None], a.parameters["sigma"][:, None])
    r = joint / joint.sum(axis=2, keepdims=True)
    expected = np.einsum("sik,sjk->ij", r, r) / len(r)
    np.fill_diagonal(expected, 1.0)
    found = co_clustering({"fit": made}, [1.0])
    assert found.dims == ("obs", "obs_other")
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    mixed = co_clustering(fits, [0.4, 0.6])
    np.testing.assert_allclose(mixed, 0.4 * 1.0 + 0.6 * expected, rtol=1e-9)  # one component holds every pair
    np.testing.assert_array_equal(mixed, mixed.values.T)
    np.testing.assert_array_equal(made.co_clustering(), found)


def test_equal_rows_and_noise_in_co_clustering(rng):
    y = np.array([0.0, 0.0, 4.0, 4.0, 9.0])
    made = make_fit(
        y,
        rng.dirichlet([5, 5, 1], 10),
        {"mu": np.tile([0.0, 4.0], (10, 1)), "sigma": np.ones((10, 2))},
        mixture=bm.Mixture(2, noise=True),
    )
    r = made.assignment_probabilities(draws=True).values.reshape(10, 5, 3)
    found = made.co_clustering()
    assert found.values[0, 1] == pytest.approx((r[:, 0] ** 2).sum(axis=1).mean())
    assert found.values[2, 4] == pytest.approx((r[:, 2] * r[:, 4]).sum(axis=1).mean())
    assert (np.diag(found) == 1).all()


def test_many_draws_and_rows_are_bounded(rng, monkeypatch):
    made = two_groups(rng.normal(size=40), n_draws=3000)
    whole = made.co_clustering()
    asked = []
    plain = module.responsibilities

    def watched(posterior, draws, cells):
        asked.append(draws.n_draws)
        return plain(posterior, draws, cells)

    monkeypatch.setattr(module, "responsibilities", watched)
    monkeypatch.setattr(module, "_MAX_PAIR_DRAWS", 200)
    thin = made.co_clustering()
    assert sum(asked) == 200
    np.testing.assert_allclose(thin, whole, atol=0.05)
    monkeypatch.setattr(module, "_MAX_ROWS", 39)
    with pytest.raises(InputError, match="at most 39 rows, got 40"):
        made.co_clustering()


def test_families_with_other_supports_are_averaged(rng):
    y = rng.gamma(4, 1, 30)
    gamma = make_fit(
        y, np.ones((6, 1)), {"mu": np.full((6, 1), 4.0), "alpha": np.full((6, 1), 4.0)}, mixture=bm.Mixture(1, "gamma")
    )
    normal = make_fit(y, np.ones((6, 1)), {"mu": np.full((6, 1), 4.0), "sigma": np.full((6, 1), 2.0)})
    fits = {"gamma": gamma, "normal": normal}
    found = averaged_density(fits, [0.25, 0.75], ETI)
    grid = found["grid"].values
    assert grid[0] < 0  # the wider of the two grids
    expected = 0.25 * stats.gamma.pdf(grid, 4) + 0.75 * stats.norm.pdf(grid, 4, 2)
    np.testing.assert_allclose(found["density"], expected, rtol=1e-9, atol=1e-300)
    table = averaged_prediction(fits, [0.25, 0.75], normal._new_rows([-1.0, 4.0]), ETI)
    expected = 0.25 * stats.gamma.pdf([-1, 4], 4) + 0.75 * stats.norm.pdf([-1, 4], 4, 2)
    np.testing.assert_allclose(table["log_density"], np.log(expected))
    with pytest.raises(InputError, match="grid"):
        averaged_density(fits, [0.25, 0.75], ETI, grid=[-1.0, 2.0])


def test_a_column_of_a_table_and_categories(rng):
    frame = pd.DataFrame({"a": rng.normal(size=30), "c": rng.choice(list("xyz"), 30)})
    mixture = bm.Mixture(2, family={"a": "normal", "c": "categorical"})
    fits = {}
    for name in "uv":
        params = {
            "a_mu": rng.normal(size=(8, 2)),
            "a_sigma": rng.gamma(9, 0.1, (8, 2)),
            "c_p": rng.dirichlet([2, 2, 2], (8, 2)),
        }
        fits[name] = make_fit(frame, rng.dirichlet([4, 4], 8), params, mixture=mixture)
    found = averaged_density(fits, [0.2, 0.8], ETI, column="c")
    assert found["density"].sum() == pytest.approx(1)
    singles = [prediction.density(fit, np.arange(3.0), ETI, 1)["density"].values for fit in fits.values()]
    np.testing.assert_allclose(found["density"], 0.2 * singles[0] + 0.8 * singles[1])
    with pytest.raises(InputError, match="column must be one of"):
        averaged_density(fits, [0.2, 0.8], ETI)
    table = averaged_prediction(fits, [0.2, 0.8], fits["u"]._new_rows(frame.iloc[:3]), ETI)
    assert table["rarity"].between(0, 1).all()


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.5], "one per fit, got 1 for 2 fits"),
        ([0.5, 0.6], "sum to 1"),
        ([1.5, -0.5], "at least 0"),
        ([np.nan, 1], "1"),
    ],
)
def test_weights_are_checked(fits, weights, words):
    for function in (averaged_density, averaged_prediction, co_clustering):
        arguments = {averaged_density: (ETI,), averaged_prediction: (fits[1]._new_rows([1.0]), ETI)}.get(function, ())
        with pytest.raises(InputError, match=words):
            function(fits, weights, *arguments)


def test_fits_of_different_rows_are_refused(fits):
    other = {**fits, 3: two_groups([1.0, 2.0, 3.0])}
    with pytest.raises(InputError, match="2 different data sets"):
        co_clustering(other, [0.2, 0.3, 0.5])
