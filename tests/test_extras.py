"""Components without parameters: noise around the groups, and zeros of their own among counts."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import bayesmix as bm
from bayesmix.errors import InputError
from tests.helpers import make_fit

QUICK = {"draws": 300, "tune": 300, "random_seed": 1, "progressbar": False}
W = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]])
PARAMETERS = {"mu": np.array([[0.0, 8.0], [0.2, 7.8]]), "sigma": np.array([[1.0, 1.5], [1.1, 1.4]])}


@pytest.fixture(scope="module")
def noisy():
    """80 rows about 0, 60 about 8, 12 anywhere between -30 and 40."""
    rng = np.random.default_rng(1)
    return np.r_[rng.normal(0, 1, 80), rng.normal(8, 1, 60), rng.uniform(-30, 40, 12)]


@pytest.fixture(scope="module")
def noisy_fit(noisy):
    return bm.Mixture(2, noise=True).fit(noisy, **QUICK)


def test_noise_is_uniform_over_the_range_of_the_data():
    y = np.array([-10.0, 0.0, 1.0, 8.0, 30.0])
    made = make_fit(y, W, PARAMETERS, mixture=bm.Mixture(2, noise=True))
    own = stats.norm.logpdf(y[:, None], PARAMETERS["mu"][:, None], PARAMETERS["sigma"][:, None])
    joint = np.concatenate([own, np.full((2, 5, 1), -np.log(40.0))], axis=2) + np.log(W)[:, None]
    found = made.idata["log_likelihood"]["y"].values.reshape(2, 5)
    np.testing.assert_allclose(found, special.logsumexp(joint, axis=2), rtol=1e-12)
    memberships = made.assignment_probabilities(draws=True)
    assert list(memberships["component"].values) == [0, 1, "noise"]
    np.testing.assert_allclose(memberships.values.reshape(2, 5, 3), special.softmax(joint, axis=2), rtol=1e-10)
    assert made.resolved.ranges == ((-10.0, 30.0),)
    assert made.resolved.backgrounds == (pytest.approx(-np.log(40.0)),)


def test_noise_of_rounded_and_missing_cells():
    """An interval has the probability of its width; a blank cell adds nothing."""
    table = {"a": [0.0, 1.0, None, 10.0], "b": [2.0, None, 4.0, 12.0]}
    mixture = bm.Mixture(1, {"a": "normal", "b": "poisson"}, noise=True)
    w = np.array([[0.6, 0.4]] * 2)
    parameters = {"a_mu": [[1.0]] * 2, "a_sigma": [[2.0]] * 2, "b_mu": [[4.0]] * 2}
    made = make_fit(table, w, parameters, mixture=mixture, resolution={"a": 0.5})
    wide, count = np.log(0.5 / 10.0), -np.log(11.0)  # b takes 11 values, 2 to 12
    background = np.array([wide + count, wide, count, wide + count])
    inside = stats.norm.cdf([0.25, 1.25, 10.25], 1, 2) - stats.norm.cdf([-0.25, 0.75, 9.75], 1, 2)
    own = np.log([inside[0], inside[1], 1.0, inside[2]]) + np.array(
        [stats.poisson.logpmf(2, 4), 0.0, stats.poisson.logpmf(4, 4), stats.poisson.logpmf(12, 4)]
    )
    expected = np.logaddexp(np.log(0.6) + own, np.log(0.4) + background)
    found = made.idata["log_likelihood"]["y"].values.reshape(2, 4)
    np.testing.assert_allclose(found, np.stack([expected] * 2), rtol=1e-9)


def test_noise_is_named_last_and_never_counted(noisy_fit):
    assert noisy_fit.n_components == 2
    assert noisy_fit.component_labels == (0, 1, "noise")
    assert list(noisy_fit.summary().index[:3]) == ["w[0]", "w[1]", "w_noise"]
    assert list(noisy_fit.draws().columns) == ["chain", "draw", "component", "w", "w_noise", "mu", "sigma"]
    posterior = noisy_fit.idata["posterior"].to_dataset()
    np.testing.assert_allclose(posterior["w"].sum("component") + posterior["w_noise"], 1.0)
    np.testing.assert_array_equal(posterior["w_free"].isel(member=-1), posterior["w_noise"])
    assert list(posterior["member"].values) == ["0", "1", "noise"]
    assert (np.diff(posterior["mu"].values, axis=-1) > 0).all()
    assert "2 normal components + noise" in repr(noisy_fit)


def test_noise_takes_the_outliers(noisy_fit, noisy):
    table = noisy_fit.assignments()
    far = (np.abs(noisy) > 5) & (np.abs(noisy - 8) > 5)
    assert far.sum() >= 5
    assert (table.loc[far, "component"] == "noise").all()
    assert (table["component"] == "noise").sum() <= 12
    assert noisy_fit.summary().loc["w_noise", "mean"] == pytest.approx(12 / 152, abs=0.03)
    plain = bm.Mixture(2).fit(noisy, **QUICK)
    sigma = noisy_fit.summary().loc["sigma[0]", "mean"]
    assert sigma == pytest.approx(1.0, abs=0.25)
    assert plain.summary().loc[["sigma[0]", "sigma[1]"], "mean"].max() > 3
    assert noisy_fit.loo().elpd > plain.loo().elpd + 20


def test_new_rows_beyond_the_range_are_noise(noisy_fit):
    table = noisy_fit.predict([0.0, 8.0, 1e6, -1e9])
    assert list(table["component"]) == [0, 1, "noise", "noise"]
    assert (table["probability"] > 0.9).all()


def test_results_with_noise_keep_its_name(noisy_fit, noisy, tmp_path):
    density = noisy_fit.density(np.linspace(-300, 300, 4001))
    assert list(density["component"].values) == [0, 1, "noise"]
    flat = density["component_density"].sel(component="noise").values
    np.testing.assert_allclose(flat, noisy_fit.summary().loc["w_noise", "mean"] / np.ptp(noisy), rtol=0.02)
    new = noisy_fit.simulate(50, random_seed=1)
    labels = new["component"].values
    assert {*labels.ravel()} == {0, 1, "noise"}
    drawn = new["y"].values[labels == "noise"]
    assert stats.kstest(drawn, stats.uniform(noisy.min(), np.ptp(noisy)).cdf).pvalue > 1e-3
    again = bm.load(noisy_fit.save(tmp_path / "fit.zarr"))
    pd.testing.assert_frame_equal(again.assignments(), noisy_fit.assignments())
    assert again.resolved == noisy_fit.resolved
    scores = noisy_fit.evaluate(["a"] * 80 + ["b"] * 60 + ["n"] * 12, classes=["a", "b", "n"])
    assert scores.table.loc["accuracy", "estimate"] > 0.95


def test_plots_with_noise_name_it(noisy_fit):
    from tests.plots._artists import legend_texts

    assert "component noise" in legend_texts(noisy_fit.plot_density())
    assert noisy_fit.plot_assignments().get_ylabel().startswith("probability of")


def test_noise_in_a_table_and_beside_mv_normal():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(0, 1, 100), "b": rng.normal(0, 1, 100)})
    frame.iloc[:4] = [[20.0, -20.0], [-25.0, 10.0], [15.0, 15.0], [-20.0, -20.0]]
    for family in ({"a": "normal", "b": "normal"}, "mv_normal"):
        fit = bm.Mixture(1, family, noise=True).fit(frame, **QUICK)
        table = fit.assignments()
        assert list(table["component"][:4]) == ["noise"] * 4
        assert (table["component"].iloc[4:] == 0).mean() > 0.95
        assert fit.resolved.ranges == ((-25.0, 20.0), (-20.0, 15.0))
        np.testing.assert_allclose(fit.resolved.backgrounds, -np.log([45.0, 35.0]))


COUNTS = np.array([0.0, 0.0, 1.0, 3.0, 7.0])


def test_zeros_of_their_own():
    w, mu = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]]), np.array([[1.0, 5.0], [1.2, 4.5]])
    made = make_fit(COUNTS, w, {"mu": mu}, mixture=bm.Mixture(2, "poisson", zero_inflated=True))
    mass = np.concatenate(
        [stats.poisson.pmf(COUNTS[:, None], mu[:, None]), np.broadcast_to((COUNTS == 0)[:, None], (2, 5, 1))], axis=2
    )
    joint = mass * w[:, None]
    found = made.idata["log_likelihood"]["y"].values.reshape(2, 5)
    np.testing.assert_allclose(found, np.log(joint.sum(axis=2)), rtol=1e-12)
    memberships = made.assignment_probabilities(draws=True)
    assert list(memberships["component"].values) == [0, 1, "zero"]
    expected = joint / joint.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(memberships.values.reshape(2, 5, 3), expected, rtol=1e-10, atol=1e-300)
    assert made.density()["density"].values[0] == pytest.approx(joint[:, 0].sum(axis=1).mean())


def test_a_real_fit_with_too_many_zeros():
    rng = np.random.default_rng(1)
    y = np.r_[rng.poisson(6, 120), np.zeros(40, dtype=int)]
    fit = bm.Mixture(1, "poisson", zero_inflated=True).fit(y, **QUICK)
    assert fit.check().ok, fit.check().text
    table = fit.summary()
    assert table.loc["w_zero", "mean"] == pytest.approx(0.25, abs=0.05)
    assert table.loc["mu[0]", "mean"] == pytest.approx(6.0, abs=0.5)
    assert set(fit.assignments().loc[y == 0, "component"]) == {"zero"}
    assert set(fit.assignments().loc[y > 0, "component"]) == {0}
    plain = bm.Mixture(1, "poisson").fit(y, **QUICK)
    assert bm.compare({"plain": plain, "zeros": fit}).best == "zeros"


def test_both_extras_at_once():
    fit = bm.Mixture(1, "poisson", zero_inflated=True, noise=True).fit(COUNTS, draws=50, tune=100, random_seed=1)
    assert fit.component_labels == (0, "noise", "zero")
    assert list(fit.summary().index) == ["w[0]", "w_noise", "w_zero", "mu[0]"]


@pytest.mark.parametrize(
    ("family", "options", "words"),
    [
        ("normal", {"zero_inflated": True}, "one column of counts, got the normal family"),
        ("categorical", {"zero_inflated": True}, "one column of counts"),
        ({"a": "poisson", "b": "poisson"}, {"zero_inflated": True}, "got the poisson x poisson family"),
        ("normal", {"noise": 1}, "noise must be True or False, got 1"),
        ("poisson", {"zero_inflated": "yes"}, "zero_inflated must be True or False, got 'yes'"),
    ],
)
def test_bad_extras(family, options, words):
    with pytest.raises(InputError, match=words):
        bm.Mixture(2, family, **options)
