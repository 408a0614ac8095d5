"""What users see of a fitted table: groups found, blanks counted, any names of columns, files with everything in."""

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.errors import InputError

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


def test_new_rows_are_matched_by_name(table_fit, people):
    frame = people[0]
    whole = table_fit.predict(frame)
    pd.testing.assert_frame_equal(whole.drop(columns="outside"), table_fit.assignments())
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
    with pytest.raises(InputError, match=r"within 1e\+100 times the scale .*got 1e\+200 in 'age'"):
        table_fit.predict({"age": 1e200, "visits": 2, "smoker": 1})


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


def test_the_pymc_engine_takes_complete_tables_and_other_rows_of_their_kind():
    """Without blanks the density does not read which cells are there; refits on other rows compile nothing."""
    family = {"a": "normal", "n": "poisson"}
    priors = {"a_mu": bm.priors.Normal(0, 9), "a_sigma": bm.priors.LogNormal(0, 1), "n_mu": bm.priors.Gamma(2, 0.5)}
    mixture = bm.Mixture(1, family, priors=priors)
    rng = np.random.default_rng(1)
    for n in (40, 60):
        frame = pd.DataFrame({"a": rng.normal(3, 1, n), "n": rng.poisson(4, n)})
        fit = mixture.fit(frame, engine="pymc", draws=300, tune=300, random_seed=1, progressbar=False)
        assert fit.info.engine == "pymc"
        # Gamma is conjugate: shape 2 + sum, rate 0.5 + n.
        shape, rate = 2 + frame["n"].sum(), 0.5 + n
        found = fit.idata["posterior"]["n_mu"].values
        assert found.mean() == pytest.approx(shape / rate, abs=5 * np.sqrt(shape) / rate / np.sqrt(400))
        assert found.std() == pytest.approx(np.sqrt(shape) / rate, rel=0.15)
