"""Fits of several columns by one family: `mv_normal` against SciPy, its names, its blanks and its orders."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.families.mv_normal import MvNormal
from tests.helpers import make_fit

QUICK = {"draws": 300, "tune": 300, "random_seed": 1, "progressbar": False}


@pytest.fixture(scope="module")
def plane():
    """Two groups of 150 rows, correlations 0.7 and -0.5; in a the first group is lower, in b the second."""
    rng = np.random.default_rng(1)
    group = (rng.random(150) < 0.4).astype(int)
    noise = np.stack([rng.multivariate_normal([0, 0], [[1, r], [r, 1]], 150) for r in (0.7, -0.5)])
    values = np.array([[0.0, 0.0], [4.0, -4.0]])[group] + noise[group, np.arange(150)]
    return pd.DataFrame(values, columns=["a", "b"]), group


@pytest.fixture(scope="module")
def plane_fit(plane):
    return bm.Mixture(2, "mv_normal").fit(plane[0], **QUICK)


W = np.array([[0.3, 0.7], [0.45, 0.55]])
MU = np.array([[[0.0, 1.0, 2.0], [3.0, -1.0, 0.0]], [[0.2, 1.1, 1.8], [2.8, -1.2, 0.3]]])
SIGMA = np.array([[[1.0, 2.0, 0.5], [0.7, 1.0, 3.0]], [[1.1, 1.9, 0.6], [0.8, 1.2, 2.5]]])
CORR = np.array([[[0.5, -0.2, 0.1], [-0.6, 0.3, 0.0]], [[0.4, -0.1, 0.3], [-0.5, 0.2, 0.1]]])
CUBE = pd.DataFrame(
    [[0.1, 1.0, 2.1], [np.nan, -1.0, 0.5], [2.5, np.nan, np.nan], [np.nan] * 3, [1.0, 0.0, np.nan]],
    columns=["x", "y", "z"],
)


def joint_by_hand(cells):
    """Log weight + log density, shape (draws, rows, components): blanks are left out of mean and covariance."""
    out = np.tile(np.log(W)[:, np.newaxis, :], (1, len(cells), 1))
    for s, k in np.ndindex(2, 2):
        matrix = np.eye(3)
        matrix[np.tril_indices(3, -1)] = CORR[s, k]
        matrix = matrix + np.tril(matrix, -1).T
        covariance = matrix * np.outer(SIGMA[s, k], SIGMA[s, k])
        for i, row in enumerate(cells):
            seen = ~np.isnan(row)
            if seen.any():
                normal = stats.multivariate_normal(MU[s, k][seen], covariance[np.ix_(seen, seen)])
                out[s, i, k] += normal.logpdf(row[seen])
    return out


@pytest.fixture(scope="module")
def hand():
    return make_fit(CUBE, W, {"mu": MU, "sigma": SIGMA, "corr": CORR}, mixture=bm.Mixture(2, MvNormal()))


def test_densities_and_memberships_equal_scipy(hand):
    joint = joint_by_hand(CUBE.to_numpy())
    expected = special.logsumexp(joint, axis=2)[:, [0, 1, 2, 4]]
    np.testing.assert_allclose(hand.idata["log_likelihood"]["y"].values.reshape(2, 4), expected, rtol=1e-11)
    draws = hand.assignment_probabilities(draws=True).values.reshape(2, 5, 2)
    np.testing.assert_allclose(draws, special.softmax(joint, axis=2), rtol=1e-9)
    assert len(hand.waic().elpd_i) == 4


def test_density_of_a_column_is_its_margin(hand):
    grid = np.array([-1.0, 0.0, 3.0])
    parts = W[:, :, None] * stats.norm.pdf(grid, MU[:, :, 1, None], SIGMA[:, :, 1, None])
    np.testing.assert_allclose(hand.density(grid, column="y")["component_density"], parts.mean(axis=0), rtol=1e-11)
    with pytest.raises(InputError, match=r"column must be one of \['x', 'y', 'z'\]"):
        hand.density(grid)


def test_names_of_dimensions_and_tidy_columns(plane_fit):
    posterior = plane_fit.idata["posterior"]
    assert posterior["mu"].dims == ("chain", "draw", "component", "feature")
    assert posterior["corr"].dims == ("chain", "draw", "component", "pair")
    assert list(posterior["feature"].values) == ["a", "b"]
    (pair,) = posterior["pair"].values
    assert sorted(pair.split(":")) == ["a", "b"]
    frame = plane_fit.draws()
    named = ["mu[a]", "mu[b]", "sigma[a]", "sigma[b]", f"corr[{pair}]"]
    assert list(frame.columns) == ["chain", "draw", "component", "w", *named]
    own = frame[frame["component"] == 1]
    np.testing.assert_array_equal(own["mu[b]"], posterior["mu"].sel(component=1, feature="b").values.ravel())


def test_a_real_fit_finds_groups_and_correlations(plane_fit, plane):
    frame, group = plane
    assert (plane_fit.assignments()["component"].to_numpy() == group).mean() > 0.98
    assert plane_fit.check().ok, plane_fit.check().text
    posterior = plane_fit.idata["posterior"].to_dataset()
    for k in (0, 1):
        own, sizes = frame[group == k], posterior.sel(component=k)
        for name, value in (("mu", own.mean()), ("sigma", own.std()), ("corr", [own.corr().loc["a", "b"]])):
            mean, sd = (getattr(sizes[name], f)(("chain", "draw")).values for f in ("mean", "std"))
            np.testing.assert_array_less(np.abs(mean - np.asarray(value)), 3 * sd)


def test_simulated_rows_have_the_fitted_correlations(plane_fit):
    new = plane_fit.simulate(200, random_seed=1)
    corr = plane_fit.idata["posterior"]["corr"].mean(("chain", "draw")).values.ravel()
    for k in (0, 1):
        rows = new["component"].values == k
        simulated = np.corrcoef(new["a"].values[rows], new["b"].values[rows])[0, 1]
        assert simulated == pytest.approx(corr[k], abs=0.04)


def test_new_rows_by_name_or_position(plane_fit, plane):
    frame = plane[0]
    whole = plane_fit.predict(frame)
    pd.testing.assert_frame_equal(whole.drop(columns="outside"), plane_fit.assignments())
    first = frame.iloc[0]
    for given in (
        frame[["b", "a"]].assign(other=1.0).iloc[:1],
        first,
        dict(first),
        first.to_numpy(),
        frame.to_numpy()[:1],
    ):
        found = plane_fit.predict(given)["probability"].iloc[0]
        assert found == pytest.approx(whole["probability"].iloc[0], rel=1e-12)
    with pytest.raises(InputError, match="must have the column 'b'"):
        plane_fit.predict({"a": 1.0})
    blank = plane_fit.predict({"a": 4.0, "b": None})
    assert blank["component"].iloc[0] == 1


def test_components_are_shown_in_the_order_asked_for(plane):
    by_a = bm.Mixture(2, "mv_normal").fit(plane[0], **QUICK)
    by_b = bm.Mixture(2, "mv_normal", order_by="b").fit(plane[0], **QUICK)
    by_pair = bm.Mixture(2, "mv_normal", order_by=("b", "mu")).fit(plane[0], **QUICK)
    a, b = (f.idata["posterior"]["mu"].mean(("chain", "draw")).values for f in (by_a, by_b))
    assert a[0, 0] < a[1, 0]
    assert b[0, 1] < b[1, 1]
    np.testing.assert_allclose(a, b[::-1], atol=0.1)
    np.testing.assert_array_equal(by_pair.idata["posterior"]["mu"], by_b.idata["posterior"]["mu"])
    for wrong in ("c", ("a", "corr"), ("a", "nu")):
        with pytest.raises(InputError, match=r"order_by must be one of \['mu', 'sigma', 'a', 'b'\]"):
            bm.Mixture(2, "mv_normal", order_by=wrong).fit(plane[0], **QUICK)


@pytest.mark.parametrize(
    ("covariance", "shapes"),
    [
        ("full", {"mu": (2, 2), "sigma": (2, 2), "corr": (2, 1)}),
        ("diag", {"mu": (2, 2), "sigma": (2, 2)}),
        ("tied", {"mu": (2, 2), "sigma": (2,), "corr": (1,)}),
        ("spherical", {"mu": (2, 2), "sigma": (2,)}),
    ],
)
def test_covariances(covariance, shapes, plane, tmp_path):
    frame, group = plane
    mixture = bm.Mixture(2, MvNormal(covariance))
    fit = mixture.fit(frame, draws=100, tune=200, random_seed=1, progressbar=False)
    posterior = fit.idata["posterior"]
    assert {v.name: posterior[v.name].shape[2:] for v in fit.resolved.variables} == shapes
    assert (fit.assignments()["component"].to_numpy() == group).mean() > 0.97
    again = bm.load(fit.save(tmp_path / "fit.nc"))
    assert (again.mixture, again.resolved) == (mixture, fit.resolved)
    pd.testing.assert_frame_equal(again.predict(frame).drop(columns="outside"), fit.assignments())
    np.testing.assert_array_equal(again.density(column="b")["density"], fit.density(column="b")["density"])


def test_priors_by_column(plane):
    """Put in any order, resolved in the order of the columns; tight ones are obeyed."""
    priors = {
        "mu": {"b": bm.priors.Normal(-1, 0.01), "a": bm.priors.Normal(2, 0.01)},
        "sigma": {"a": bm.priors.Between(0.5, 5), "b": bm.priors.Between(1, 9)},
        "corr": bm.priors.LKJ(1),
    }
    fit = bm.Mixture(2, "mv_normal", priors=priors).fit(plane[0], draws=50, tune=200, random_seed=1, progressbar=False)
    resolved = fit.resolved.priors
    assert resolved["mu"].names == ("a", "b")
    assert resolved["mu"].priors == (bm.priors.Normal(2, 0.01), bm.priors.Normal(-1, 0.01))
    low = stats.norm.ppf(0.95)
    assert resolved["sigma"].priors[1].mu == pytest.approx(np.log(3))
    assert resolved["sigma"].priors[1].sigma == pytest.approx(np.log(9) / 2 / low)
    mu = fit.idata["posterior"]["mu"]
    assert np.abs(mu.sel(feature="a") - 2).max() < 0.08
    assert np.abs(mu.sel(feature="b") + 1).max() < 0.08
    with pytest.raises(InputError, match=r"name every feature once, \['a', 'b'\], got \['a'\]"):
        bm.Mixture(2, "mv_normal", priors={"mu": {"a": bm.priors.Normal(0, 1)}}).fit(plane[0], **QUICK)


def test_priors_by_column_and_component_give_an_identity(plane):
    by_column = [
        {"a": bm.priors.Normal(4, 1), "b": bm.priors.Normal(-4, 1)},
        {"a": bm.priors.Normal(0, 1), "b": bm.priors.Normal(0, 1)},
    ]
    mixture = bm.Mixture(2, "mv_normal", priors={"mu": by_column})
    assert not mixture.exchangeable
    fit = mixture.fit(plane[0], draws=100, tune=200, random_seed=1, progressbar=False)
    mean = fit.idata["posterior"]["mu"].mean(("chain", "draw"))
    np.testing.assert_allclose(mean, [[4, -4], [0, 0]], atol=0.5)


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        ([1.0, 2.0, 3.0], {}, "two-dimensional array"),
        (pd.DataFrame({"a": [1.0, 2.0, 3.0]}), {}, "at least 2 columns"),
        ({"a": [1.0, 2.0], "b": bm.Interval([1.0, 2.0], [2.0, 3.0])}, {}, "got an Interval"),
        ({"a": [1.0, 2.0], "b": [1.0, 3.0]}, {"resolution": 1}, "resolution must be left out for the mv_normal"),
        ({"a": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 1.0]}, {}, "'b' must not be constant"),
        ({"a": ["x", "y"], "b": [1.0, 2.0]}, {}, "'a' must hold real numbers, got str 'x'"),
    ],
)
def test_what_cannot_be_read_is_refused(y, options, words):
    with pytest.raises(InputError, match=words):
        bm.Mixture(1, "mv_normal").fit(y, **QUICK, **options)


def test_mv_normal_describes_the_whole_table():
    with pytest.raises(InputError, match="cannot describe the single column 'a'"):
        bm.Mixture(2, {"a": "mv_normal", "b": "normal"})
