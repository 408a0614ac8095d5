"""BIC, ICL, NEC and the silhouette against scikit-learn, SciPy and hand computations."""

import builtins
import importlib.util
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

import bayesmix as bm
from bayesmix import information as module
from bayesmix.blocks import read_rows
from bayesmix.errors import InputError
from bayesmix.information import criteria_table, information, silhouette
from tests.helpers import make_fit, two_groups


def with_modes(made, w, mu, sigma, log_posterior):
    dims = ("mode", "component")
    made.idata["modes"] = xr.DataTree(
        xr.Dataset(
            {
                "w": (dims, np.array(w, dtype=float)),
                "mu": (dims, np.array(mu, dtype=float)),
                "sigma": (dims, np.array(sigma, dtype=float)),
                "log_posterior": ("mode", np.array(log_posterior, dtype=float)),
                "log_mass": ("mode", np.array(log_posterior, dtype=float)),
                "hits": ("mode", np.ones(len(w), dtype=int)),
            }
        )
    )
    return made


def by_hand(y, w, mu, sigma, counts=None):
    joint = np.array(w) * stats.norm.pdf(np.asarray(y)[:, None], mu, sigma)
    total = joint.sum(axis=1)
    r = joint / total[:, None]
    counts = np.ones(len(y)) if counts is None else counts
    return counts @ np.log(total), -counts @ np.sum(r * np.log(r), axis=1)


@pytest.fixture(scope="module")
def fits():
    """One to three components on 3000 rows of two groups four sds apart."""
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.normal(0, 1, 1800), rng.normal(4, 1, 1200)])
    settings = {"draws": 50, "tune": 100, "chains": 2, "random_seed": 1, "progressbar": False}
    return y, {k: bm.Mixture(k).fit(y, **settings) for k in (1, 2)}


def test_agrees_with_scikit_learn_on_many_rows(fits):
    """The priors move the mode from the maximum by less than a nat in the log-likelihood."""
    y, made = fits
    for k, fit in made.items():
        found = information(fit)
        reference = GaussianMixture(k, tol=1e-9, max_iter=1000, random_state=0).fit(y[:, None])
        assert found.source == "mode"
        assert found.n == 3000
        assert found.n_parameters == 3 * k - 1
        assert found.log_likelihood == pytest.approx(reference.score(y[:, None]) * 3000, abs=0.5)
        assert found.log_likelihood <= reference.score(y[:, None]) * 3000 + 1e-3
        assert found.bic == pytest.approx(reference.bic(y[:, None]), abs=1.0)
        r = reference.predict_proba(y[:, None])
        entropy = -np.sum(r * np.log(np.maximum(r, 1e-300)))
        assert found.entropy == pytest.approx(entropy, rel=0.01, abs=1e-9)
        assert found.icl == pytest.approx(reference.bic(y[:, None]) + 2 * entropy, abs=8)


def test_table_of_criteria(fits):
    _, made = fits
    table = criteria_table(made)
    one, two = information(made[1]), information(made[2])
    assert list(table.columns) == ["bic", "icl", "nec", "entropy", "silhouette"]
    assert table.index.name == "n_components"
    assert table["bic"].to_list() == [one.bic, two.bic]
    assert table["icl"].idxmin() == 2
    assert table.loc[1, "nec"] == 1.0
    assert table.loc[2, "nec"] == pytest.approx(two.entropy / (two.log_likelihood - one.log_likelihood))
    assert np.isnan(table.loc[1, "silhouette"])
    assert table.loc[2, "silhouette"] > 0.5
    assert criteria_table({2: made[2]})["nec"].isna().all()


def test_at_the_highest_mode_by_hand(rng):
    y = rng.normal(size=30)
    points = ([[0.4, 0.6], [0.5, 0.5]], [[-1.0, 1.0], [0.0, 0.2]], [[0.8, 0.7], [1.0, 1.2]])
    made = with_modes(two_groups(y), *points, [-50.0, -49.0])
    found = information(made)
    log_likelihood, entropy = by_hand(y, *(part[1] for part in points))
    assert found.log_likelihood == pytest.approx(log_likelihood)
    assert found.entropy == pytest.approx(entropy)
    assert found.normalized_entropy == pytest.approx(entropy / (30 * np.log(2)))
    assert found.bic == pytest.approx(-2 * log_likelihood + 5 * np.log(30))
    assert found.icl == pytest.approx(found.bic + 2 * entropy)


def test_spikes_are_passed_over(rng):
    y = np.append(rng.normal(size=30), [0.5] * 4)
    w, mu = [[0.4, 0.6], [0.1, 0.9]], [[-1.0, 1.0], [0.5, 0.0]]
    high_spike = with_modes(two_groups(y), w, mu, [[1.0, 1.0], [1e-9, 1.0]], [-50.0, -20.0])
    assert information(high_spike).log_likelihood == pytest.approx(by_hand(y, w[0], mu[0], [1.0, 1.0])[0])
    nothing_else = with_modes(two_groups(y), w[1:], mu[1:], [[1e-9, 1.0]], [-20.0])
    assert information(nothing_else).log_likelihood > information(high_spike).log_likelihood


def test_without_modes_the_likeliest_draw_is_taken(rng):
    y = np.append(rng.normal(size=30), [0.5] * 4)
    made = two_groups(y)
    a = made.arrays
    every = [by_hand(y, a.weights[s], a.parameters["mu"][s], a.parameters["sigma"][s]) for s in range(a.n_draws)]
    best = int(np.argmax([one for one, _ in every]))
    found = information(made)
    assert found.source == "draw"
    assert (found.log_likelihood, found.entropy) == pytest.approx(every[best])
    sigma = a.parameters["sigma"].copy()
    sigma[7] = 1e-12, 1.0
    mu = a.parameters["mu"].copy()
    mu[7, 0] = 0.5
    spiky = make_fit(y, a.weights, {"mu": mu, "sigma": sigma})
    every[7] = (-np.inf, 0.0)  # were it not a spike, it would be the likeliest by far
    assert np.argmax(spiky.idata["log_likelihood"]["y"].sum("obs").values.ravel()) == 7
    assert information(spiky).log_likelihood == pytest.approx(max(one for one, _ in every))


def test_counts_weigh_and_rows_without_cells_do_not(rng):
    values, counts = np.array([0.0, 0.5, 1.0, 6.0, 6.5]), np.array([3, 1, 4, 2, 5])
    made = two_groups(values)
    weighted = replace(made, data=read_rows(made.resolved.family, values, counts))
    expanded = replace(made, data=read_rows(made.resolved.family, np.repeat(values, counts)))
    assert information(weighted) == information(expanded)
    assert information(weighted).n == 15
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0, np.nan], "b": [1.0, np.nan, 5.0, np.nan]})
    mixture = bm.Mixture(2, family={"a": "normal", "b": "normal"})
    params = {f"{c}_{p}": np.tile([1.0, 3.0], (4, 1)) for c in "ab" for p in ("mu", "sigma")}
    gaps = make_fit(frame, np.full((4, 2), 0.5), params, mixture=mixture)
    whole = make_fit(frame.iloc[:3], np.full((4, 2), 0.5), params, mixture=mixture)
    assert information(gaps) == information(whole)
    assert information(gaps).n == 3


@pytest.mark.parametrize(
    ("mixture", "frame", "expected"),
    [
        (bm.Mixture(3), [1.0, 2.0, 4.0, 8.0], 2 + 6),
        (bm.Mixture(3, noise=True), [1.0, 2.0, 4.0, 8.0], 3 + 6),
        (bm.Mixture(3, family=bm.families.Normal(common_sigma=True)), [1.0, 2.0, 4.0, 8.0], 2 + 3 + 1),
        (bm.Mixture(2, "poisson", zero_inflated=True), [0, 2, 3, 9], 2 + 2),
        (bm.Mixture(2, "mv_normal"), "table", 1 + 2 * (3 + 3 + 3)),
        (bm.Mixture(2, family=bm.families.MvNormal(covariance="tied")), "table", 1 + 2 * 3 + 3 + 3),
        (bm.Mixture(2, {"a": "normal", "c": "categorical"}), "kinds", 1 + 2 * (2 + 2)),
    ],
)
def test_free_parameters_are_counted(mixture, frame, expected, rng):
    from bayesmix.resolving import resolve

    tables = {
        "table": pd.DataFrame(rng.normal(size=(9, 3)), columns=list("abc")),
        "kinds": pd.DataFrame({"a": rng.normal(size=9), "c": list("xyzxyzxyz")}),
    }
    y = tables[frame] if isinstance(frame, str) else frame
    made = two_groups([1.0, 2.0])
    resolved = resolve(mixture, read_rows(mixture.family, y))
    assert module._count_parameters(replace(made, resolved=resolved)) == expected


def test_silhouette_equals_scikit_learn(rng):
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": 100 * rng.normal(size=60)})
    frame.loc[:29, "a"] += 5
    frame.loc[59, "b"] = np.nan
    mixture = bm.Mixture(2, family={"a": "normal", "b": "normal"})
    params = {f"{c}_{p}": np.tile([1.0, 3.0], (4, 1)) for c in "ab" for p in ("mu", "sigma")}
    made = make_fit(frame, np.full((4, 2), 0.5), params, mixture=mixture)
    points = frame.iloc[:59].to_numpy()
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    expected = silhouette_score(points, KMeans(2, n_init=10, random_state=0).fit_predict(points))
    assert silhouette(made) == pytest.approx(expected)


def test_silhouette_of_counts_categories_and_many_rows(rng):
    values, counts = np.array([0.0, 0.5, 1.0, 6.0, 6.5]), np.array([3, 1, 4, 2, 5])
    made = two_groups(values)
    weighted = replace(made, data=read_rows(made.resolved.family, values, counts))
    expanded = replace(made, data=read_rows(made.resolved.family, np.repeat(values, counts)))
    assert silhouette(weighted) == silhouette(expanded)
    fractions = replace(made, data=read_rows(made.resolved.family, values, counts / 2))
    assert silhouette(fractions) == pytest.approx(silhouette(expanded), abs=0.02)
    y = np.concatenate([rng.normal(0, 1, 3000), rng.normal(6, 1, 3000)])
    many = two_groups(y, n_draws=4)
    points = (y - y.mean())[:, None] / y.std()
    whole = silhouette_score(points, KMeans(2, n_init=10, random_state=0).fit_predict(points))
    assert silhouette(many) == pytest.approx(whole, abs=0.02)
    assert silhouette(many) == silhouette(many)
    frame = pd.DataFrame({c: rng.integers(0, 2, 20).astype(str) for c in "abc"})
    mixture = bm.Mixture(2, dict.fromkeys("abc", "categorical"))
    params = {f"{c}_p": np.full((4, 2, 2), 0.5) for c in "abc"}
    assert np.isnan(silhouette(make_fit(frame, np.full((4, 2), 0.5), params, mixture=mixture)))
    assert np.isnan(silhouette(two_groups([1.0, 2.0, 2.0])))  # as many groups as distinct rows


def test_the_column_is_left_out_without_scikit_learn(monkeypatch):
    made = {2: two_groups([0.0, 0.5, 1.0, 6.0, 6.5])}
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(
        builtins, "__import__", _refusing(builtins.__import__, "sklearn")
    )  # and nothing tries to import it
    assert list(criteria_table(made).columns) == ["bic", "icl", "nec", "entropy"]
    assert importlib.util.find_spec("sklearn") is not None


def _refusing(plain, name):
    def load(wanted, *arguments, **options):
        assert wanted.split(".")[0] != name
        return plain(wanted, *arguments, **options)

    return load


def test_fits_of_different_rows_are_refused():
    with pytest.raises(InputError, match="2 different data sets"):
        criteria_table({1: two_groups([0.0, 1.0], n_components=1), 2: two_groups([0.0, 1.0, 2.0])})


def test_nec_is_nan_where_components_add_nothing():
    y = [0.0, 1.0, 2.0, 3.0]
    one = make_fit(y, np.ones((2, 1)), {"mu": np.full((2, 1), 1.5), "sigma": np.full((2, 1), 1.1)})
    same = make_fit(y, np.full((2, 2), 0.5), {"mu": np.full((2, 2), 1.5), "sigma": np.full((2, 2), 1.2)})
    table = criteria_table({1: one, 2: same})
    assert np.isnan(table.loc[2, "nec"])
    assert table.loc[2, "entropy"] == pytest.approx(4 * np.log(2))
