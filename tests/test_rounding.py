"""Fits of rounded, censored and binned numbers: probabilities of intervals against SciPy, and what users see."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import bayesmix as bm
from bayesmix.errors import InputError
from tests.helpers import make_fit

QUICK = {"draws": 300, "tune": 300, "random_seed": 1, "progressbar": False}
W = np.array([[0.3, 0.7], [0.45, 0.55]])
MU = np.array([[15.0, 22.0], [16.0, 23.0]])
SIGMA = np.array([[1.0, 2.0], [1.3, 1.8]])
PARAMETERS = {"mu": MU, "sigma": SIGMA}


@pytest.fixture(scope="module")
def rounded_fit(arms):
    return bm.Mixture(2).fit(arms["length"], resolution=0.5, **QUICK)


def joint_by_hand(lower, upper):
    """Log weight + log probability of every interval, shape (draws, rows, components), from its nearer tail."""
    low, high = (np.asarray(bound, dtype=float)[:, np.newaxis] for bound in (lower, upper))
    mu, sigma = MU[:, np.newaxis], SIGMA[:, np.newaxis]
    left = stats.norm.cdf(high, mu, sigma) - stats.norm.cdf(low, mu, sigma)
    right = stats.norm.sf(low, mu, sigma) - stats.norm.sf(high, mu, sigma)
    return np.log(W)[:, np.newaxis] + np.log(np.where(low > mu, right, left))


def test_rounded_rows_count_with_the_probability_of_their_interval():
    y = np.array([14.5, 15.0, 15.0, 21.5, 24.0])
    made = make_fit(y, W, PARAMETERS, resolution=0.5)
    joint = joint_by_hand(y - 0.25, y + 0.25)
    found = made.idata["log_likelihood"]["y"].values.reshape(2, 5)
    np.testing.assert_allclose(found, special.logsumexp(joint, axis=2), rtol=1e-9)
    memberships = made.assignment_probabilities(draws=True).values.reshape(2, 5, 2)
    np.testing.assert_allclose(memberships, special.softmax(joint, axis=2), rtol=1e-8)
    assert made.info.measure == "intervals of 0.5"


def test_a_fine_step_is_the_density_times_the_step():
    y = np.array([14.5, 15.0, 21.5, 24.0])
    fine, points = make_fit(y, W, PARAMETERS, resolution=1e-4), make_fit(y, W, PARAMETERS)
    gap = fine.idata["log_likelihood"]["y"] - points.idata["log_likelihood"]["y"]
    np.testing.assert_allclose(gap, np.log(1e-4), rtol=1e-7)


def test_censored_binned_and_exact_rows():
    lower, upper = [-np.inf, 14.0, 23.0, 18.0], [16.0, 15.5, np.inf, 18.0]
    made = make_fit(bm.Interval(lower, upper), W, PARAMETERS)
    joint = joint_by_hand(lower[:3], upper[:3])
    exact = np.log(W) + stats.norm.logpdf(18.0, MU, SIGMA)
    expected = special.logsumexp(np.concatenate([joint, exact[:, np.newaxis]], axis=1), axis=2)
    np.testing.assert_allclose(made.idata["log_likelihood"]["y"].values.reshape(2, 4), expected, rtol=1e-10)
    observed = made.idata["observed_data"]
    np.testing.assert_array_equal(observed["y_lower"], lower)
    np.testing.assert_array_equal(observed["y_upper"], upper)
    assert list(made.assignments()["y"]) == [16.0, 14.75, 23.0, 18.0]
    assert made.info.measure == "intervals"


def test_the_density_of_a_rounded_column_is_that_of_points():
    grid = np.array([14.0, 19.0, 25.0])
    made = make_fit([14.5, 15.0, 21.5, 24.0], W, PARAMETERS, resolution=0.5)
    expected = (W[:, :, None] * stats.norm.pdf(grid, MU[:, :, None], SIGMA[:, :, None])).sum(axis=1)
    np.testing.assert_allclose(made.density(grid)["density"], expected.mean(axis=0), rtol=1e-12)


def test_new_rows_are_rounded_alike_or_say_what_they_are(rounded_fit, arms):
    predicted = rounded_fit.predict(arms["length"])
    assert not predicted.pop("outside").any()
    pd.testing.assert_frame_equal(predicted, rounded_fit.assignments())
    same = rounded_fit.predict(bm.Interval([15.25, 19.75], [15.75, 20.25]))
    pd.testing.assert_frame_equal(same, rounded_fit.predict([15.5, 20.0]).rename(columns={"y": "length"}))
    open_end = rounded_fit.predict(bm.Interval([26.0], [np.inf]))
    assert open_end["component"].iloc[0] == 1


def test_auto_finds_the_step_and_says_so(rounded_fit, arms):
    found = bm.Mixture(2).fit(arms["length"], resolution="auto", **QUICK)
    assert found.info.layout.resolutions == (0.5,)
    assert found.info.measure == "intervals of 0.5"
    assert found.info.digest == rounded_fit.info.digest
    for name in ("w", "mu", "sigma"):
        np.testing.assert_array_equal(found.idata["posterior"][name], rounded_fit.idata["posterior"][name])
    by_name = bm.Mixture(2).fit(arms["length"], resolution={"length": 0.5}, **QUICK)
    assert by_name.info.digest == rounded_fit.info.digest
    smooth = bm.Mixture(1).fit(np.random.default_rng(1).normal(size=30), resolution="auto", **QUICK)
    assert smooth.info.layout.resolutions == (None,)
    assert smooth.info.measure == "points"


def test_rounding_and_its_bounds_are_the_same_data(rounded_fit, arms):
    interval = bm.Interval(arms["length"] - 0.25, arms["length"] + 0.25)
    fit = bm.Mixture(2, priors=dict(rounded_fit.resolved.priors)).fit(interval, **QUICK)
    np.testing.assert_array_equal(fit.idata["posterior"]["mu"], rounded_fit.idata["posterior"]["mu"])


def test_a_rounded_fit_does_everything(rounded_fit, tmp_path):
    assert rounded_fit.check().ok, rounded_fit.check().text
    again = bm.load(rounded_fit.save(tmp_path / "fit.nc"))
    assert again.info == rounded_fit.info
    pd.testing.assert_frame_equal(again.assignments(), rounded_fit.assignments())
    np.testing.assert_array_equal(again.observations.values, rounded_fit.observations.values)
    assert again.loo().elpd == rounded_fit.loo().elpd
    assert rounded_fit.waic().elpd == pytest.approx(rounded_fit.loo().elpd, abs=1.0)
    assert rounded_fit.simulate(2, random_seed=1).sizes == {"dataset": 2, "obs": 19}
    assert len(rounded_fit.plot_density().patches) > 0
    with pytest.raises(InputError, match="needs one column of points"):
        rounded_fit.plot_assignments()


def test_values_come_back_to_the_last_bit(tmp_path):
    """The middle of 0.35 - 0.05 and 0.35 + 0.05 need not be 0.35."""
    y = np.round(0.3 * np.arange(-20, 20), 6)
    fit = bm.Mixture(1).fit(y, resolution=0.3, draws=20, tune=30, random_seed=1, progressbar=False)
    lower, upper = fit.observations.columns[0].bounds
    assert (lower + (upper - lower) / 2 != y).any()
    np.testing.assert_array_equal(bm.load(fit.save(tmp_path / "fit.nc")).observations.values, y)


def test_ties_of_rounded_rows_need_no_warning(arms):
    """Known rounding makes the posterior proper: a half-normal sd on tied rows is fine (warnings are errors here)."""
    mixture = bm.Mixture(2, priors={"sigma": bm.priors.HalfNormal(5)})
    fit = mixture.fit(arms["length"], resolution=0.5, draws=50, tune=100, random_seed=1, progressbar=False)
    assert float(fit.idata["posterior"]["sigma"].min()) > 0
    with pytest.warns(bm.errors.PriorWarning, match="Use resolution="):
        mixture.fit(arms["length"], draws=50, tune=100, random_seed=1, progressbar=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resolution": -1}, "resolution must be a positive number or 'auto', got -1"),
        ({"resolution": "fine"}, "got 'fine'"),
        ({"resolution": {"width": 0.5}}, "resolution must name columns of y .*got 'width'"),
        ({"resolution": {"length": True}}, r"resolution\['length'\] must be"),
    ],
)
def test_bad_resolutions(arms, options, words):
    with pytest.raises(InputError, match=words):
        bm.Mixture(2).fit(arms["length"], **options, **QUICK)


def test_counts_have_no_resolution_and_intervals_have_their_own(arms):
    with pytest.raises(InputError, match="continuous columns only, got 1"):
        bm.Mixture(2, "poisson").fit([1, 2, 3, 5], resolution=1, **QUICK)
    with pytest.raises(InputError, match=r"got an Interval and resolution=0\.5"):
        bm.Mixture(2).fit(bm.Interval([1.0, 2.0], [2.0, 3.0]), resolution=0.5, **QUICK)
    with pytest.raises(InputError, match="bounded on one side"):
        bm.Mixture(2).fit(bm.Interval([1.0, -np.inf], [2.0, np.inf]), **QUICK)
    with pytest.raises(InputError, match=r"got an Interval\. Intervals are for continuous families"):
        bm.Mixture(2, "poisson").fit(bm.Interval([1.0, 2.0], [2.0, 3.0]), **QUICK)


def test_columns_of_a_table_are_rounded_by_name(arms):
    rng = np.random.default_rng(1)
    frame = arms.assign(visits=rng.poisson(3, len(arms)), extra=rng.normal(size=len(arms)))
    family = {"length": "normal", "visits": "poisson", "extra": "normal"}
    fit = bm.Mixture(1, family).fit(frame, resolution={"length": 0.5}, **QUICK)
    assert fit.info.layout.resolutions == (0.5, None, None)
    assert fit.info.measure == "intervals of 0.5 in 'length', points in 'visits', points in 'extra'"
    auto = bm.Mixture(1, family).fit(frame, resolution="auto", **QUICK)
    assert auto.info.digest == fit.info.digest
    pd.testing.assert_frame_equal(fit.predict(frame.iloc[[0]]).drop(columns="outside"), fit.assignments().iloc[[0]])
    with pytest.raises(InputError, match="must be given by column"):
        bm.Mixture(1, family).fit(frame, resolution=0.5, **QUICK)


def test_different_steps_or_measures_are_not_compared(rounded_fit, arms):
    length = arms["length"]
    points = bm.Mixture(2).fit(length, **QUICK)
    coarse = bm.Mixture(2).fit(length, resolution=1, **QUICK)
    with pytest.raises(InputError, match=r"density of points in 'a' and probability of intervals of 0\.5 in 'b'"):
        bm.compare({"a": points, "b": rounded_fit})
    with pytest.raises(InputError, match=r"intervals of 0\.5 in 'a' and probability of intervals of 1 in 'b'"):
        bm.compare({"a": rounded_fit, "b": coarse})
    counts = bm.Mixture(2, "poisson").fit(np.floor(length), **QUICK)
    normal = bm.Mixture(2).fit(np.floor(length), **QUICK)
    with pytest.raises(InputError, match="probability of points in 'a' and density of points in 'b'") as caught:
        bm.compare({"a": counts, "b": normal})
    assert "the probability of an interval is at most 1" in str(caught.value)
    one = bm.Mixture(1).fit(length, resolution=0.5, **QUICK)
    both = bm.compare({"one": one, "two": rounded_fit})
    assert both.best == "one"
