"""Decision boundaries against closed forms, and what is told of odd rules and of rows out of range."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix.blocks import read_new_rows
from bayesmix.boundaries import decision_boundaries, outside, rule_shape
from bayesmix.boundaries._line import line_of
from bayesmix.errors import InputError
from bayesmix.fit import Fit
from bayesmix.intervals import CredibleInterval
from tests.helpers import make_fit

ETI = CredibleInterval(0.8, "eti")


def known(y, w, n_draws=4, mixture=None, **params):
    """A fit whose draws are all the same."""
    k = len(np.atleast_1d(next(iter(params.values()))))
    given = {name: np.tile(np.asarray(value, dtype=float), (n_draws, 1)) for name, value in params.items()}
    return make_fit(y, np.tile(w, (n_draws, 1)), given, mixture=bm.Mixture(k) if mixture is None else mixture)


def roots(w, mu, sigma):
    """Where two weighted normal densities are equal: the roots of a quadratic, sorted."""
    a = 0.5 / sigma[0] ** 2 - 0.5 / sigma[1] ** 2
    b = mu[1] / sigma[1] ** 2 - mu[0] / sigma[0] ** 2
    c = 0.5 * (mu[0] / sigma[0]) ** 2 - 0.5 * (mu[1] / sigma[1]) ** 2 - np.log(w[0] / w[1] * sigma[1] / sigma[0])
    return np.sort(np.roots([a, b, c]).real)


GRID = np.linspace(15, 29, 40)


def test_two_normals_have_the_roots_of_a_quadratic():
    w, mu, sigma = [0.4, 0.6], [17.0, 24.0], [1.2, 2.3]
    found = decision_boundaries(known(GRID, w, mu=mu, sigma=sigma), ETI)
    np.testing.assert_allclose(found["boundary"], roots(w, mu, sigma), rtol=1e-9)
    assert found["from"].tolist() == [1, 0]
    assert found["to"].tolist() == [0, 1]
    for name in ("median", "eti80_lb", "eti80_ub"):
        np.testing.assert_allclose(found[name], found["boundary"], rtol=1e-9)
    assert found["share"].tolist() == [1.0, 1.0]
    assert found.attrs["range"] == (15.0, 29.0)
    assert found.attrs["searched"] == pytest.approx((-55.0, 99.0))
    assert found.attrs["never"] == []


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_units_do_not_matter(shift, unit):
    w, mu, sigma = [0.4, 0.6], np.array([17.0, 24.0]), np.array([1.2, 2.3])
    found = decision_boundaries(known((GRID + shift) * unit, w, mu=(mu + shift) * unit, sigma=sigma * unit), ETI)
    np.testing.assert_allclose(found["boundary"] / unit - shift, roots(w, mu, sigma), rtol=1e-7)


def test_equal_sds_have_one_boundary():
    w, mu, sigma = [0.3, 0.7], [17.0, 24.0], 1.5
    mixture = bm.Mixture(2, bm.families.Normal(common_sigma=True))
    made = make_fit(GRID, np.tile(w, (4, 1)), {"mu": np.tile(mu, (4, 1)), "sigma": np.full(4, sigma)}, mixture=mixture)
    found = decision_boundaries(made, ETI)
    assert found["boundary"].tolist() == pytest.approx([20.5 + sigma**2 * np.log(w[0] / w[1]) / 7], rel=1e-9)
    shape = rule_shape(made, ETI)
    assert shape.monotone
    assert shape.share == 0.0
    assert shape.table.empty
    assert "is 0, then 1 from 20.2 on" in shape.text


def test_every_draw_has_its_own_boundaries(rng):
    n_draws = 50
    w = rng.dirichlet([20, 20], n_draws)
    mu = np.array([17.0, 24.0]) + 0.3 * rng.normal(size=(n_draws, 2))
    sigma = np.array([1.5, 1.8]) * np.exp(0.3 * rng.normal(size=(n_draws, 2)))
    made = make_fit(GRID, w, {"mu": mu, "sigma": sigma})
    found = decision_boundaries(made, ETI)
    each = np.array([roots(*draw) for draw in zip(w, mu, sigma, strict=True)])
    wide = sigma[:, 1] > sigma[:, 0]
    lower, upper = each[wide, 0], np.where(wide, each[:, 1], each[:, 0])
    lower = lower[lower > found.attrs["searched"][0]]
    assert found["to"].tolist() == [0, 1]
    for row, own in zip(found.itertuples(), (lower, upper), strict=True):
        assert row.median == pytest.approx(np.median(own), rel=1e-8)
        assert (row.eti80_lb, row.eti80_ub) == pytest.approx(np.quantile(own, [0.1, 0.9]).tolist(), rel=1e-8)
        assert row.share == pytest.approx(len(own) / n_draws)
    # The rule of the mean: both components are as probable there.
    for value in found["boundary"]:
        assert made.predict([value])["probability"].iloc[0] == pytest.approx(0.5, abs=1e-7)
    line = line_of(made, None)
    assert rule_shape(made, ETI).share == pytest.approx(line.own_rules.returning(2).mean())


def test_three_components_and_one_that_never_wins():
    three = decision_boundaries(known(GRID, [1 / 3] * 3, mu=[16.0, 20.0, 27.0], sigma=[1.0, 1.0, 1.0]), ETI)
    np.testing.assert_allclose(three["boundary"], [18.0, 23.5], rtol=1e-9)
    hidden = known(GRID, [0.49, 0.02, 0.49], mu=[16.0, 20.0, 24.0], sigma=[2.0, 2.0, 2.0])
    found = decision_boundaries(hidden, ETI)
    np.testing.assert_allclose(found["boundary"], [20.0], rtol=1e-9)
    assert found.attrs["never"] == [1]
    assert "Component 1 is so for no value." in rule_shape(hidden, ETI).text


def test_a_narrow_component_between_two_points_of_the_grid():
    y = np.append(np.linspace(0, 100, 30), 50.0)
    made = known(y, [0.9, 0.1], mu=[50.0, 50.0], sigma=[30.0, 1e-4], mixture=bm.Mixture(2, order_by="sigma"))
    found = decision_boundaries(made, ETI)
    half = 1e-4 * np.sqrt(2 * np.log(0.1 / 0.9 * 30 / 1e-4))
    np.testing.assert_allclose(found["boundary"] - 50, [-half, half], rtol=1e-4)
    shape = rule_shape(made, ETI)
    assert "Components are ordered by sigma, not by their place" in shape.text


def test_one_component_has_no_boundary():
    made = known(GRID, [1.0], mu=[20.0], sigma=[2.0])
    found = decision_boundaries(made, ETI)
    assert found.empty
    assert found.columns.tolist() == ["boundary", "from", "to", "median", "eti80_lb", "eti80_ub", "share"]
    shape = rule_shape(made, ETI)
    assert shape.monotone
    assert "There is one component, 0, so that there is no boundary" in shape.text


def test_equal_components_do_not_take_turns():
    made = known(GRID, [0.5, 0.5], mu=[20.0, 20.0], sigma=[2.0, 2.0])
    assert decision_boundaries(made, ETI).empty
    assert "is the most probable one for every value" in rule_shape(made, ETI).text


def test_counts_change_between_whole_numbers():
    y = np.arange(0.0, 20.0)
    made = known(y, [0.5, 0.5], mu=[3.0, 12.0], mixture=bm.Mixture(2, "poisson"))
    found = decision_boundaries(made, ETI)
    p = 0.5 * stats.poisson.pmf(np.arange(100)[:, None], [3.0, 12.0])
    expected = np.flatnonzero(np.diff(p.argmax(axis=1))) + 0.5
    np.testing.assert_array_equal(found["boundary"], expected)
    np.testing.assert_array_equal(found["median"], expected)
    zero = known(y, [0.3, 0.4, 0.3], mu=[3.0, 12.0], mixture=bm.Mixture(2, "poisson", zero_inflated=True))
    found = decision_boundaries(zero, ETI)
    assert found["from"].tolist() == ["zero", 0]
    assert found["boundary"].iloc[0] == 0.5
    assert rule_shape(zero, ETI).monotone
    many = known(1000 * y, [0.5, 0.5], mu=[3000.0, 12000.0], mixture=bm.Mixture(2, "poisson"))
    (value,) = decision_boundaries(many, ETI)["boundary"]
    assert value == np.floor(9000 / np.log(4)) + 0.5


def test_the_wider_component_comes_back(rng):
    y = np.append(GRID, [5.0, 5.5])
    w, mu, sigma = [0.4, 0.6], [17.0, 24.0], [1.2, 2.3]
    made = known(y, w, mu=mu, sigma=sigma)
    shape = rule_shape(made, ETI)
    assert not shape.monotone
    assert shape.share == 1.0
    (row,) = shape.table.to_dict("records")
    low, high = roots(w, mu, sigma)
    assert (row["component"], row["side"], row["until"], row["rows"]) == (1, "below", -np.inf, 2.0)
    assert row["boundary"] == pytest.approx(low)
    assert (
        f"Rows below {low:.1f} (80 % interval {low:.1f} to {low:.1f}) would be called component 1 again" in shape.text
    )
    assert "2 of the fitted rows lie there" in shape.text
    assert "The wider component wins in both tails; family=bm.families.Normal(common_sigma=True)" in shape.text
    assert f"1 from {high:.1f} on" in shape.text
    other = rule_shape(known(GRID, w[::-1], mu=mu, sigma=sigma[::-1]), ETI)
    (row,) = other.table.to_dict("records")
    assert (row["component"], row["side"], row["until"], row["rows"]) == (0, "above", np.inf, 0.0)
    assert "no fitted row is there" in other.text


def test_noise_may_win_on_all_sides(rng):
    made = known(GRID, [0.45, 0.45, 0.1], mu=[17.0, 24.0], sigma=[1.0, 1.0], mixture=bm.Mixture(2, noise=True))
    found = decision_boundaries(made, ETI)
    assert found["from"].tolist()[0] == "noise"
    assert found["to"].tolist()[-1] == "noise"
    assert rule_shape(made, ETI).monotone


def test_positive_values_are_searched_down_to_zero():
    y = np.linspace(2.0, 12.0, 30)
    made = known(y, [0.5, 0.5], mu=[3.0, 8.0], alpha=[9.0, 2.0], mixture=bm.Mixture(2, "gamma"))
    found = decision_boundaries(made, ETI)
    for value in found["boundary"]:
        first, second = (stats.gamma.pdf(value, a, scale=m / a) for m, a in ((3.0, 9.0), (8.0, 2.0)))
        assert first == pytest.approx(second, rel=1e-9)
    assert found["to"].tolist() == [0, 1]
    assert 0 < found["boundary"].iloc[0] < y.min()
    assert rule_shape(made, ETI).table["side"].tolist() == ["below"]
    assert "falls off more slowly" in rule_shape(made, ETI).text


def test_a_column_of_a_table_the_others_integrated_out():
    frame = pd.DataFrame({"a": GRID, "b": GRID % 5, "kind": ["x", "y"] * 20})
    w, mu, sigma = [0.4, 0.6], [17.0, 24.0], [1.2, 2.3]
    family = {"a": "normal", "b": "poisson", "kind": "categorical"}
    params = {
        "a_mu": np.tile(mu, (4, 1)),
        "a_sigma": np.tile(sigma, (4, 1)),
        "b_mu": np.tile([1.0, 3.0], (4, 1)),
        "kind_p": np.tile([[0.5, 0.5], [0.2, 0.8]], (4, 1, 1)),
    }
    frame["b"] = np.floor(frame["b"])
    made = make_fit(frame, np.tile(w, (4, 1)), params, mixture=bm.Mixture(2, family))
    np.testing.assert_allclose(decision_boundaries(made, ETI, "a")["boundary"], roots(w, mu, sigma), rtol=1e-9)
    (value,) = decision_boundaries(made, ETI, "b")["boundary"]
    assert value == 0.5 + np.floor((np.log(w[0] / w[1]) + 2) / np.log(3))
    with pytest.raises(InputError, match=r"got 'kind' with the categories \['x', 'y'\]. Use density\(column='kind'\)"):
        decision_boundaries(made, ETI, "kind")
    with pytest.raises(InputError, match="column must be one of"):
        rule_shape(made, ETI)


def test_columns_of_a_multivariate_family():
    w, mu, sigma = [0.4, 0.6], [[17.0, 0.0], [24.0, 0.0]], [[1.2, 1.0], [2.3, 1.0]]
    params = {"mu": np.tile(mu, (4, 1, 1)), "sigma": np.tile(sigma, (4, 1, 1)), "corr": np.full((4, 2, 1), 0.5)}
    frame = pd.DataFrame({"a": GRID, "b": np.sin(GRID)})
    made = make_fit(frame, np.tile(w, (4, 1)), params, mixture=bm.Mixture(2, "mv_normal"))
    expected = roots(w, [17.0, 24.0], [1.2, 2.3])
    np.testing.assert_allclose(decision_boundaries(made, ETI, "a")["boundary"], expected, rtol=1e-9)
    assert "covariance='tied'" in rule_shape(made, ETI, "a").text
    assert decision_boundaries(made, ETI, "b").empty


def test_directions_go_round_the_circle():
    y = np.linspace(-3.1, 3.1, 30)
    made = known(y, [0.5, 0.5], mu=[-1.0, 2.0], kappa=[4.0, 4.0], mixture=bm.Mixture(2, "von_mises"))
    found = decision_boundaries(made, ETI)
    np.testing.assert_allclose(found["boundary"], [0.5 - np.pi, 0.5], rtol=1e-9)
    np.testing.assert_allclose(found["median"], found["boundary"], rtol=1e-9)
    assert found["from"].tolist() == [1, 0]
    with pytest.raises(InputError, match="got 'y', which holds angles"):
        rule_shape(made, ETI)


def without_data(made):
    return Fit(made.mixture, made.resolved, made.idata, made.info, None)


def test_without_data_the_search_is_around_simulated_values():
    w, mu, sigma = [0.4, 0.6], [17.0, 24.0], [1.2, 2.3]
    made = without_data(known(GRID, w, mu=mu, sigma=sigma))
    found = decision_boundaries(made, ETI)
    np.testing.assert_allclose(found["boundary"], roots(w, mu, sigma), rtol=1e-9)
    shape = rule_shape(made, ETI)
    assert np.isnan(shape.table["rows"].iloc[0])
    assert "fitted row" not in shape.text


def read(made, rows):
    return read_new_rows(made.resolved.family, rows, made.layout)


def test_rows_outside_the_range():
    made = known(GRID, [0.4, 0.6], mu=[17.0, 24.0], sigma=[1.2, 2.3])
    assert outside(made, read(made, [14.9, 15.0, 20.0, 29.0, 29.1])).tolist() == [True, False, False, False, True]
    intervals = bm.Interval([10.0, 10.0, 28.0, 29.5, -np.inf], [14.0, 15.5, np.inf, np.inf, 20.0])
    assert outside(made, read(made, intervals)).tolist() == [True, False, False, True, False]
    with pytest.raises(InputError, match="saved with data=False"):
        outside(without_data(made), read(made, [1.0]))


def test_open_ends_of_fitted_intervals_do_not_count():
    y = bm.Interval([1.0, 2.0, 5.0], [1.5, 3.0, np.inf])
    made = known(y, [1.0], mu=[3.0], sigma=[1.0])
    assert outside(made, read(made, [0.5, 1.2, 5.0, 5.5])).tolist() == [True, False, False, True]


def test_rows_of_a_table_outside_the_range():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan], "kind": ["x", "y", "x", "x"]})
    family = {"a": "normal", "kind": bm.families.Categorical(categories=("x", "y", "z"))}
    params = {"a_mu": [[2.0]] * 2, "a_sigma": [[1.0]] * 2, "kind_p": np.full((2, 1, 3), 1 / 3)}
    made = make_fit(frame, np.ones((2, 1)), params, mixture=bm.Mixture(1, family))
    rows = pd.DataFrame({"a": [2.0, 0.0, np.nan, 2.0, np.nan], "kind": ["x", "y", "y", "z", None]})
    assert outside(made, read(made, rows)).tolist() == [False, True, False, True, False]


def test_successes_are_compared_as_shares_and_angles_not_at_all():
    trials = pd.DataFrame({"hits": [2.0, 5.0, 3.0], "n": [10.0, 10.0, 10.0]})
    family = bm.families.Binomial(10)
    made = known(trials["hits"], [1.0], p=[0.3], mixture=bm.Mixture(1, family))
    rows = read(made, [1.0, 4.0, 6.0])
    assert outside(made, rows).tolist() == [True, False, True]
    column = rows.columns[0]
    twice = replace(rows, columns=(replace(column, values=column.values * 2, extra=column.extra * 2),))
    assert outside(made, twice).tolist() == [True, False, True]
    angles = known([0.1, 0.2, 0.3], [1.0], mu=[0.2], kappa=[4.0], mixture=bm.Mixture(1, "von_mises"))
    assert not outside(angles, read(angles, [3.0])).any()


def test_arm_lengths(fit):
    shape = rule_shape(fit, CredibleInterval(0.89, "eti"))
    assert not shape.monotone
    (row,) = shape.table.to_dict("records")
    assert (row["component"], row["side"], row["rows"]) == (1, "below", 0.0)
    # The largest likelihood has this boundary near 8.75; it is where half of the draws that have it have theirs. Over
    # 52 random seeds the median of 8000 draws is 8.7 with a standard deviation of 0.36.
    assert row["median"] == pytest.approx(8.75, abs=4 * 0.36)
    assert row["boundary"] < row["median"]
    assert 0.5 < row["share"] < 0.7
    assert 19.5 < shape.boundaries["boundary"].iloc[-1] < 21
