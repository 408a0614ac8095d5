"""Fits of tables: several families, missing cells, several columns at once; what users see of them.

Hand-made draws are checked against SciPy, column by column; short real fits against the groups they were drawn from.
"""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special, stats

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.likelihood import log_likelihood
from tests.helpers import make_fit

QUICK = {"draws": 300, "tune": 300, "random_seed": 1, "progressbar": False}
FAMILY = {"age": "normal", "visits": "poisson", "smoker": "bernoulli"}


@pytest.fixture(scope="module")
def people():
    """Two groups of 120 people, the index made of names, and the group they were drawn from."""
    rng = np.random.default_rng(1)
    group = (rng.random(120) < 0.4).astype(int)
    frame = pd.DataFrame(
        {
            "note": "x",
            "smoker": rng.random(120) < np.array([0.2, 0.7])[group],
            "age": rng.normal(np.array([30.0, 60.0])[group], 5.0),
            "visits": rng.poisson(np.array([2.0, 9.0])[group]),
        },
        index=[f"p{i}" for i in range(120)],
    )
    return frame, group


@pytest.fixture(scope="module")
def gaps(people):
    """The same people with blanks in every column; nothing is known of p4 and p5."""
    frame = people[0].astype({"smoker": object, "visits": "Int64"})
    frame.loc[frame.index[:6], "age"] = np.nan
    frame.loc[frame.index[4:10], "visits"] = pd.NA
    frame.loc[frame.index[[4, 5, 11]], "smoker"] = None
    return frame


@pytest.fixture(scope="module")
def table_fit(people):
    return bm.Mixture(2, FAMILY).fit(people[0], **QUICK)


@pytest.fixture(scope="module")
def gap_fit(gaps):
    return bm.Mixture(2, FAMILY).fit(gaps, **QUICK)


DRAWS = {
    "w": np.array([[0.3, 0.7], [0.4, 0.6], [0.35, 0.65], [0.5, 0.5]]),
    "age_mu": np.array([[0.0, 3.0], [0.1, 3.2], [-0.2, 2.9], [0.0, 3.1]]),
    "age_sigma": np.array([[1.0, 2.0], [1.1, 1.9], [0.9, 2.1], [1.2, 1.8]]),
    "visits_mu": np.array([[1.0, 5.0], [1.2, 5.5], [0.8, 4.5], [1.1, 5.2]]),
    "sex_p": np.array([[[0.2, 0.8], [0.7, 0.3]]] * 4),
}
SMALL = pd.DataFrame(
    {
        "age": [0.0, 1.5, np.nan, 3.0, np.nan],
        "visits": [1.0, 2.0, 6.0, np.nan, np.nan],
        "sex": ["f", "m", None, "m", None],
    }
)


@pytest.fixture(scope="module")
def hand():
    """Four hand-made draws of a table with a categorical column and blanks; the last row is all blank."""
    mixture = bm.Mixture(2, {"age": "normal", "visits": "poisson", "sex": "categorical"})
    parameters = {name: value for name, value in DRAWS.items() if name != "w"}
    return make_fit(SMALL, DRAWS["w"], parameters, mixture=mixture)


def joint_by_hand(frame):
    """Log weight + log density of every row, shape (draws, rows, components): SciPy, blanks left out."""
    total = np.tile(np.log(DRAWS["w"])[:, np.newaxis, :], (1, len(frame), 1))
    for i, (age, visits, sex) in enumerate(frame[["age", "visits", "sex"]].itertuples(index=False)):
        if not pd.isna(age):
            total[:, i] += stats.norm.logpdf(age, DRAWS["age_mu"], DRAWS["age_sigma"])
        if not pd.isna(visits):
            total[:, i] += stats.poisson.logpmf(visits, DRAWS["visits_mu"])
        if not pd.isna(sex):
            total[:, i] += np.log(DRAWS["sex_p"][:, :, ["f", "m"].index(sex)])
    return total


def test_log_likelihood_is_the_product_of_columns_without_blanks(hand):
    expected = special.logsumexp(joint_by_hand(SMALL), axis=2)[:, :4]
    stored = hand.idata["log_likelihood"]["y"]
    assert list(stored["obs"].values) == [0, 1, 2, 3]
    np.testing.assert_allclose(stored.values.reshape(4, 4), expected, rtol=1e-12)
    np.testing.assert_array_equal(log_likelihood(hand).values, stored.values)


def test_memberships_are_bayes_rule_without_blanks(hand):
    draws = hand.assignment_probabilities(draws=True).values.reshape(4, 5, 2)
    np.testing.assert_allclose(draws, special.softmax(joint_by_hand(SMALL), axis=2), rtol=1e-10)
    np.testing.assert_allclose(draws[:, 4], DRAWS["w"], rtol=1e-12)  # nothing observed: the groups' sizes
    np.testing.assert_allclose(hand.assignment_probabilities().values, draws.mean(axis=0), rtol=1e-12)


def test_density_of_a_column_is_its_margin(hand):
    grid = np.array([-1.0, 0.5, 4.0])
    parts = DRAWS["w"][:, :, None] * stats.norm.pdf(grid, DRAWS["age_mu"][:, :, None], DRAWS["age_sigma"][:, :, None])
    found = hand.density(grid, column="age", ci_prob=0.5)
    np.testing.assert_allclose(found["component_density"], parts.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["density_ub"], np.quantile(parts.sum(axis=1), 0.75, axis=0), rtol=1e-12)
    counts = hand.density(np.arange(40), column="visits")["density"]
    expected = (DRAWS["w"][:, :, None] * stats.poisson.pmf(np.arange(40), DRAWS["visits_mu"][:, :, None])).sum(axis=1)
    np.testing.assert_allclose(counts, expected.mean(axis=0), rtol=1e-11)
    labels = hand.density(column="sex")
    assert list(labels["grid"].values) == [0, 1]
    np.testing.assert_allclose(labels["density"], np.einsum("sk,skc->sc", DRAWS["w"], DRAWS["sex_p"]).mean(axis=0))
    assert list(hand.density(column="visits")["grid"].values) == [1, 2, 3, 4, 5, 6]


def test_loo_and_waic_leave_blank_rows_out(hand):
    waic = hand.waic()
    by_hand = special.logsumexp(joint_by_hand(SMALL), axis=2)[:, :4]
    penalty = by_hand.var(axis=0, ddof=1)
    np.testing.assert_allclose(waic.elpd_i, np.log(np.exp(by_hand).mean(axis=0)) - penalty, rtol=1e-12)


def test_parameters_are_named_by_column(table_fit):
    variables = ["w", "age_mu", "age_sigma", "visits_mu", "smoker_p"]
    free = ["w_free", "age_mu_z", "age_sigma_z", "visits_mu_z", "smoker_p_z"]
    posterior = table_fit.idata["posterior"]
    assert list(posterior.data_vars) == variables + free
    assert all(posterior[name].dims == ("chain", "draw", "component") for name in variables)
    assert list(table_fit.summary().index) == [f"{name}[{k}]" for name in variables for k in (0, 1)]
    assert list(table_fit.draws().columns) == ["chain", "draw", "component", *variables]
    assert list(table_fit.summary(var_names="visits_mu").index) == ["visits_mu[0]", "visits_mu[1]"]
    assert table_fit.info.layout.names == ("age", "visits", "smoker")
    assert "2 normal x poisson x bernoulli components to 120 rows of 'age, visits, smoker'" in repr(table_fit)


def test_a_real_fit_finds_the_groups(table_fit, people):
    frame, group = people
    table = table_fit.summary(ci_prob=0.99)
    for k in (0, 1):
        own = frame[group == k]
        for row, value in (
            (f"w[{k}]", len(own) / 120),
            (f"age_mu[{k}]", own["age"].mean()),
            (f"age_sigma[{k}]", own["age"].std()),
            (f"visits_mu[{k}]", own["visits"].mean()),
            (f"smoker_p[{k}]", own["smoker"].mean()),
        ):
            assert table.loc[row, "eti99_lb"] < value < table.loc[row, "eti99_ub"], row
    assert (table_fit.assignments()["component"].to_numpy() == group).mean() > 0.97
    assert table_fit.check().ok, table_fit.check().text
    scores = table_fit.evaluate(pd.Series(group, index=frame.index).sample(frac=1, random_state=1), classes=[0, 1])
    assert scores.table.loc["accuracy", "estimate"] > 0.97
    assert "of 120 labelled rows are grouped as their class" in scores.text


def test_assignments_carry_the_columns(table_fit, people):
    table = table_fit.assignments(ci_prob=0.5)
    tail = ["component", "probability", "eti50_lb", "eti50_ub", "entropy"]
    assert list(table.columns) == ["age", "visits", "smoker", *tail]
    np.testing.assert_array_equal(table[["age", "visits", "smoker"]], people[0][["age", "visits", "smoker"]])
    assert list(table.index) == list(people[0].index)


def test_new_rows_are_matched_by_name(table_fit, people):
    frame = people[0]
    whole = table_fit.predict(frame)
    pd.testing.assert_frame_equal(whole, table_fit.assignments())
    one = frame.loc["p7"]
    row = {"visits": one["visits"], "other": "?", "age": one["age"], "smoker": one["smoker"]}
    for given in (row, one, frame.loc[["p7"]], {name: [value] for name, value in row.items()}):
        found = table_fit.predict(given)
        assert len(found) == 1
        assert found["probability"].iloc[0] == pytest.approx(whole.loc["p7", "probability"], rel=1e-12)
    assert list(table_fit.predict(one).index) == ["p7"]
    blank = table_fit.predict({"age": 30.0, "visits": None, "smoker": None})
    assert blank["component"].iloc[0] == 0
    assert np.isnan(blank["visits"].iloc[0])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"age": 31.0}, "must have the columns 'visits', 'smoker', got the columns 'age'"),
        ([31.0, 2.0], "must be a table with the columns 'age', 'visits', 'smoker', got list"),
        ({"age": 31.0, "visits": 2.5, "smoker": True}, r"'visits' must be .*got 2\.5"),
        ({"age": 31.0, "visits": 2, "smoker": 3}, r"'smoker' must be 0 or 1.*got 3"),
        ({"age": 1e200, "visits": 2, "smoker": 1}, "within 1e.100 times.*'age'"),
    ],
)
def test_new_rows_that_do_not_fit_are_refused(table_fit, rows, words):
    with pytest.raises(InputError, match=words):
        table_fit.predict(rows)


@pytest.mark.parametrize("column", [None, "note", 0])
def test_a_density_needs_one_column(table_fit, column):
    for draw in (table_fit.density, table_fit.plot_density):
        with pytest.raises(InputError, match=r"column must be one of \['age', 'visits', 'smoker'\]"):
            draw(column=column)


def test_plots_of_columns(table_fit, people):
    axes = table_fit.plot_density(column="age")
    assert axes.get_xlabel() == "age"
    assert axes.get_ylabel() == "density per unit of age"
    axes = table_fit.plot_density(column="visits")
    assert axes.get_ylabel() == "probability of visits"
    values, counts = np.unique(people[0]["visits"], return_counts=True)
    np.testing.assert_allclose([bar.get_height() for bar in axes.patches], counts / 120)
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in axes.patches], values)
    with pytest.raises(InputError, match="one column of points"):
        table_fit.plot_assignments()


def test_simulated_tables_have_the_fitted_moments(table_fit):
    new = table_fit.simulate(300, random_seed=1)
    assert new.sizes == {"dataset": 300, "obs": 120}
    assert list(new.data_vars) == ["age", "visits", "smoker", "component"]
    draws = table_fit.arrays
    for name, mean in (("age", "age_mu"), ("visits", "visits_mu"), ("smoker", "smoker_p")):
        for k in (0, 1):
            simulated = new[name].values[new["component"].values == k]
            assert simulated.mean() == pytest.approx(draws.parameters[mean][:, k].mean(), rel=0.03)
    assert set(np.unique(new["smoker"])) == {0, 1}
    again = table_fit.simulate(300, random_seed=1)
    xr.testing.assert_equal(new, again)


def test_blank_rows_are_counted_and_left_out(gap_fit, gaps):
    assert len(gap_fit.assignments()) == 120
    seen = [label for label in gaps.index if label not in ("p4", "p5")]
    loo = gap_fit.loo()
    assert loo.n_data_points == 118
    assert list(loo.elpd_i["obs"].values) == seen
    assert list(gap_fit.idata["log_likelihood"]["obs"].values) == seen
    assert len(gap_fit.waic().elpd_i) == 118
    assert "Note: 2 of 120 rows have no observed cell" in gap_fit.check().text
    sizes = gap_fit.idata["posterior"]["w"].mean(("chain", "draw"))
    np.testing.assert_allclose(gap_fit.assignment_probabilities().sel(obs="p4"), sizes, rtol=1e-12)
    assert list(gap_fit.assignments().loc["p4", ["age", "visits", "smoker"]].isna()) == [True] * 3


def test_blanks_do_not_move_the_groups(gap_fit, table_fit):
    """1 in 15 cells is blank at random: posterior means move by less than a posterior sd."""
    whole, some = table_fit.summary(), gap_fit.summary()
    assert ((whole["mean"] - some["mean"]).abs() < whole["sd"]).all()


def test_the_model_of_a_table_is_read_by_pymc(gap_fit, people):
    names = {v.name for v in gap_fit.model.free_RVs}
    assert names == {"w_free", "age_mu_z", "age_sigma_z", "visits_mu_z", "smoker_p_z"}
    assert [v.name for v in gap_fit.model.observed_RVs] == ["y"]
    assert gap_fit.model.named_vars_to_dims["y"] == ("obs", "cell")
    assert list(gap_fit.model.coords["cell"]) == ["age", "visits", "smoker"]


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_tables_are_saved_whole(gap_fit, tmp_path, ending, people):
    again = bm.load(gap_fit.save(tmp_path / f"fit.{ending}"))
    assert again.info == gap_fit.info
    assert (again.mixture, again.resolved) == (gap_fit.mixture, gap_fit.resolved)
    pd.testing.assert_frame_equal(again.assignments(), gap_fit.assignments())
    pd.testing.assert_frame_equal(again.predict(people[0]), gap_fit.predict(people[0]))
    assert again.loo().elpd == gap_fit.loo().elpd
    xr.testing.assert_equal(again.density(column="visits"), gap_fit.density(column="visits"))
    without = bm.load(gap_fit.save(tmp_path / f"bare.{ending}", data=False))
    pd.testing.assert_frame_equal(without.predict(people[0]), gap_fit.predict(people[0]))
    with pytest.raises(InputError, match="data=False"):
        without.assignments()


def test_categories_weights_and_bounds_are_saved(tmp_path):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "size": np.round(rng.normal(0.0, 1.0, 40), 1),
            "kind": pd.Categorical(rng.choice(["low", "mid", "high"], 40), ["low", "mid", "high"]),
            "pet": rng.choice([True, False], 40),
        }
    )
    frame.loc[3, "kind"] = None
    table = {"size": frame["size"], "kind": frame["kind"], "pet": frame["pet"]}
    table["age"] = bm.Interval(np.floor(frame["size"]) - 1, np.where(frame["size"] > 1, np.inf, frame["size"]))
    weights = rng.integers(1, 4, 40)
    mixture = bm.Mixture(2, {"size": "normal", "kind": "categorical", "pet": "categorical", "age": "normal"})
    fit = mixture.fit(table, weights=weights, resolution={"size": 0.1}, draws=40, tune=60, random_seed=1)
    again = bm.load(fit.save(tmp_path / "fit.nc"))
    np.testing.assert_array_equal(again.observations.cells, fit.observations.cells)
    np.testing.assert_array_equal(again.observations.values, fit.observations.values)
    np.testing.assert_array_equal(again.observations.weights, weights)
    assert [c.categories for c in again.observations.columns] == [(), ("low", "mid", "high"), (False, True), ()]
    assert again.info.measure == "intervals of 0.1 in 'size', points in 'kind', points in 'pet', intervals in 'age'"
    shown = fit.assignments()["kind"]
    assert list(shown[:3]) == list(frame["kind"][:3])
    assert list(np.flatnonzero(shown.isna())) == [3]
    pd.testing.assert_frame_equal(again.assignments(), fit.assignments())
    row = {"size": 0.0, "kind": "mid", "pet": True, "age": 1.0}
    pd.testing.assert_frame_equal(again.predict(row), fit.predict(row))
    with pytest.raises(InputError, match=r"one of the categories 'low', 'mid', 'high', got 'tall'"):
        again.predict(row | {"kind": "tall"})


def shown(found, name):
    return found[f"{name}_value" if f"{name}_value" in found else name]


@pytest.mark.parametrize("names", [("obs", "component"), ("w", "y"), ("dataset", "grid"), ("a", "a_lower"), (0, 1)])
def test_any_column_names_work(names, tmp_path):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({name: rng.normal(size=20) for name in names})
    mixture = bm.Mixture(1, dict.fromkeys(names, "normal"))
    fit = mixture.fit(frame, draws=20, tune=30, random_seed=1, progressbar=False)
    again = bm.load(fit.save(tmp_path / "fit.nc"))
    prior = mixture.prior_predictive(frame, n_datasets=2, random_seed=1)
    for name in names:
        for rows in (fit.assignments(), again.assignments(), again.idata["observed_data"]):
            np.testing.assert_array_equal(shown(rows, str(name)), frame[name])
        for new in (fit.simulate(), prior):
            assert shown(new, str(name)).dims == ("dataset", "obs")
        assert fit.density(column=str(name)).sizes["grid"] == 401


def test_columns_must_be_there_and_observed(people):
    frame = people[0]
    with pytest.raises(InputError, match="must have the column 'height'"):
        bm.Mixture(2, {"age": "normal", "height": "normal"}).fit(frame, **QUICK)
    with pytest.raises(InputError, match="must have an observed cell"):
        bm.Mixture(2, {"age": "normal", "visits": "poisson"}).fit(frame.assign(age=np.nan), **QUICK)
    with pytest.raises(InputError, match=r"'visits' must be .*got -1\.0 at row 0 .index 'p0'"):
        bm.Mixture(2, {"age": "normal", "visits": "poisson"}).fit(frame.assign(visits=-1), **QUICK)
    with pytest.raises(InputError, match="must be a table"):
        bm.Mixture(2, {"age": "normal", "visits": "poisson"}).fit([1.0, 2.0], **QUICK)
