"""Tables: several columns, missing cells, several families, intervals, and everything a fit of them can be asked."""

import json
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.cells import random_rows
from bayesmix.errors import InputError
from bayesmix.resolving import resolve
from bayesmix.simulation import draw_from_prior
from tests.helpers import make_fit

FAMILIES = {"age": "normal", "visits": "poisson", "smoker": "bernoulli", "kind": "categorical"}
SETTINGS = {"draws": 300, "tune": 300, "chains": 2, "random_seed": 1, "progressbar": False}
PRIORS = bm.priors


def mixed_table():
    """Two groups of 30 rows that differ in every column, an index of names, and a column that no family describes."""
    rng = np.random.default_rng(3)
    g = np.repeat([0, 1], 30)
    kind = np.where(rng.random(60) < np.array([0.8, 0.2])[g], "a", rng.choice(["b", "c"], 60))
    columns = {
        "age": rng.normal(np.array([30.0, 60.0])[g], 5).round(2),
        "visits": rng.poisson(np.array([2.0, 9.0])[g]),
        "smoker": (rng.random(60) < np.array([0.15, 0.8])[g]).astype(int),
        "kind": kind,
        "note": "x",
    }
    return pd.DataFrame(columns, index=[f"r{i}" for i in range(60)])


def with_holes():
    """The same with a seventh of the cells missing, and nothing known of one row."""
    frame, rng = mixed_table(), np.random.default_rng(4)
    for name in FAMILIES:
        frame[name] = frame[name].mask(rng.random(60) < 1 / 7)
    frame.loc["r5", list(FAMILIES)] = None
    return frame


@pytest.fixture(scope="module")
def complete():
    return bm.Mixture(2, FAMILIES).fit(mixed_table(), **SETTINGS)


@pytest.fixture(scope="module")
def holes():
    return bm.Mixture(2, FAMILIES).fit(with_holes(), **SETTINGS)


@pytest.fixture(scope="module")
def three_columns():
    """Two groups in three correlated columns, one cell missing."""
    rng = np.random.default_rng(1)
    g = np.repeat([0, 1], 30)
    a, c = rng.normal(np.array([0.0, 6.0])[g], 1), rng.normal(np.array([9.0, 0.0])[g], 1)
    frame = pd.DataFrame({"a": a, "b": 0.7 * a + rng.normal(0, 0.7, 60), "c": c})
    frame.iloc[3, 1] = np.nan
    return frame


@pytest.fixture(scope="module")
def multivariate(three_columns):
    priors = {"mu": {"b": PRIORS.Normal(2, 4), "c": PRIORS.Normal(4, 6), "a": PRIORS.Normal(3, 5)}}
    return bm.Mixture(2, "mv_normal", order_by="c", priors=priors).fit(three_columns, **SETTINGS)


def rounded():
    rng = np.random.default_rng(2)
    return np.concatenate([rng.normal(0, 1, 40), rng.normal(8, 1, 40)]).round()


@pytest.fixture(scope="module")
def by_steps():
    return bm.Mixture(2).fit(rounded(), resolution=1.0, **SETTINGS)


@pytest.fixture(scope="module")
def censored():
    """The same intervals, but open above 9."""
    y = rounded()
    ends = np.where(y > 9, 8.5, y - 0.5), np.where(y > 9, np.inf, y + 0.5)
    return bm.Mixture(2).fit(bm.Interval(*ends), **SETTINGS)


def component_densities(fit, frame):
    """w[k] f[k] of every row under every draw, by SciPy; missing cells count nothing."""
    p = fit.arrays.parameters
    out = np.repeat(fit.arrays.weights[:, None, :], len(frame), axis=1)
    codes = frame["kind"].map({"a": 0, "b": 1, "c": 2})
    for i, (_, row) in enumerate(frame.iterrows()):
        if pd.notna(row["age"]):
            out[:, i] *= stats.norm.pdf(float(row["age"]), p["age_mu"], p["age_sigma"])
        if pd.notna(row["visits"]):
            out[:, i] *= stats.poisson.pmf(float(row["visits"]), p["visits_mu"])
        if pd.notna(row["smoker"]):
            out[:, i] *= stats.bernoulli.pmf(float(row["smoker"]), p["smoker_p"])
        if pd.notna(row["kind"]):
            out[:, i] *= p["kind_p"][:, :, int(codes.iloc[i])]
    return out


@pytest.mark.parametrize("name", ["complete", "holes"])
def test_log_likelihood_and_memberships_equal_scipy(name, request):
    fit = request.getfixturevalue(name)
    frame = mixed_table() if name == "complete" else with_holes()
    joint = component_densities(fit, frame)
    seen = frame[list(FAMILIES)].notna().any(axis=1).to_numpy()
    stored = fit.idata["log_likelihood"]["y"]
    np.testing.assert_allclose(stored.values.reshape(600, -1), np.log(joint.sum(axis=2))[:, seen], rtol=1e-9)
    assert list(stored["obs"].values) == list(frame.index[seen])
    r = joint / joint.sum(axis=2, keepdims=True)
    probability = fit.assignment_probabilities()
    np.testing.assert_allclose(probability, r.mean(axis=0), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(fit.assignment_probabilities(draws=True).values.reshape(r.shape), r, atol=1e-9)
    frame_of = fit.assignments()
    np.testing.assert_allclose(frame_of["probability"], r.mean(axis=0).max(axis=1), rtol=1e-7)
    assert (frame_of["component"].to_numpy() == r.mean(axis=0).argmax(axis=1)).all()


def test_parameters_carry_the_names_of_their_columns(complete):
    table = complete.summary()
    assert list(table.index)[:6] == ["w[0]", "w[1]", "age_mu[0]", "age_mu[1]", "age_sigma[0]", "age_sigma[1]"]
    assert list(table.index)[6:8] == ["visits_mu[0]", "visits_mu[1]"]
    assert list(table.index)[-3:] == ["kind_p[1, a]", "kind_p[1, b]", "kind_p[1, c]"]
    assert table.loc["age_mu[0]", "mean"] == pytest.approx(30, abs=3)
    assert table.loc["visits_mu[1]", "mean"] == pytest.approx(9, abs=2)
    assert complete.info.engine == "compiled"
    assert "2 normal x poisson x bernoulli x categorical components" in repr(complete)
    assert list(complete.summary(var_names="smoker_p").index) == ["smoker_p[0]", "smoker_p[1]"]
    draws = complete.draws()
    assert list(draws.columns)[-4:] == ["smoker_p", "kind_p[a]", "kind_p[b]", "kind_p[c]"]
    np.testing.assert_allclose(draws[["kind_p[a]", "kind_p[b]", "kind_p[c]"]].sum(axis=1), 1.0)


def test_assignments_show_the_data_under_their_names(complete, holes):
    frame = complete.assignments()
    assert list(frame.columns[:5]) == ["age", "visits", "smoker", "kind", "component"]
    assert list(frame.index) == list(mixed_table().index)
    assert (frame["kind"] == mixed_table()["kind"]).all()
    assert ((frame["component"] == 1) == (np.arange(60) >= 30)).mean() > 0.95
    known = with_holes()["kind"]
    assert holes.assignments()["kind"].isna().equals(known.isna())


def test_rows_with_nothing_observed_have_the_mean_weights(holes):
    own = holes.assignment_probabilities().sel(obs="r5")
    np.testing.assert_allclose(own, holes.arrays.weights.mean(axis=0), rtol=1e-9)
    assert "1 of 60 rows have no observed cell" in holes.check().text
    assert "left out of LOO and WAIC" in holes.check().text


def test_loo_and_waic_leave_out_rows_with_nothing_observed(complete, holes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fit, n in ((complete, 60), (holes, 59)):
            loo, waic = fit.loo(), fit.waic()
            assert loo.n_data_points == n
            assert fit.idata["log_likelihood"].sizes["obs"] == n
            values = fit.idata["log_likelihood"]["y"].values.reshape(600, -1)
            lpd = np.log(np.exp(values).mean(axis=0)).sum()
            assert waic.elpd == pytest.approx(lpd - values.var(axis=0, ddof=1).sum(), rel=1e-9)
            assert loo.elpd == pytest.approx(waic.elpd, abs=2)


def test_predict_reads_frames_and_single_rows(complete):
    new = pd.DataFrame({"other": [1, 2], "kind": ["a", None], "age": [28.0, None], "smoker": [0, 1], "visits": [1, 12]})
    got = complete.predict(new)
    joint = component_densities(complete, new)
    mean = (joint / joint.sum(axis=2, keepdims=True)).mean(axis=0)
    assert list(got["component"]) == [0, 1]
    np.testing.assert_allclose(got["probability"], mean.max(axis=1), rtol=1e-8)
    row = complete.predict({"age": 28.0, "visits": 1, "smoker": 0, "kind": "a"})
    assert row["probability"].iloc[0] == pytest.approx(mean[0].max(), rel=1e-8)
    assert complete.predict(new.iloc[0])["probability"].iloc[0] == pytest.approx(mean[0].max(), rel=1e-8)
    fitted = complete.predict(mixed_table())
    assert not fitted.pop("outside").any()
    pd.testing.assert_frame_equal(fitted, complete.assignments())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="visits"), "must have the column 'visits', got the columns"),
        (lambda f: f.assign(kind="z"), r"one of the categories 'a', 'b', 'c', got 'z' at row 0"),
        (lambda f: f.assign(visits=-1), r"'visits' must be counts .* got -1.0 at row 0"),
        (lambda f: f.assign(smoker=2), r"'smoker' must be 0 or 1 .* got 2.0"),
        (lambda f: f.assign(age="old"), "'age' must hold real numbers, got str 'old'"),
        (lambda f: f["age"], "must be a table with the columns"),
    ],
)
def test_predict_refuses_what_was_not_fitted(complete, change, words):
    with pytest.raises(InputError, match=words):
        complete.predict(change(mixed_table()))


def test_density_of_a_column_integrates_the_others_out(complete):
    p, w = complete.arrays.parameters, complete.arrays.weights
    grid = np.linspace(0, 90, 181)
    age = complete.density(grid, column="age")
    expected = (w[:, :, None] * stats.norm.pdf(grid, p["age_mu"][:, :, None], p["age_sigma"][:, :, None])).mean(axis=0)
    np.testing.assert_allclose(age["component_density"], expected, rtol=1e-8)
    np.testing.assert_allclose(age["density"], expected.sum(axis=0), rtol=1e-8)
    kind = complete.density(column="kind")
    np.testing.assert_allclose(kind["density"], (w[:, :, None] * p["kind_p"]).sum(axis=1).mean(axis=0), rtol=1e-8)
    assert list(complete.density(column="smoker")["grid"].values) == [0, 1]
    with pytest.raises(InputError, match=r"column must be one of \['age', 'visits', 'smoker', 'kind'\], got None"):
        complete.density()
    with pytest.raises(InputError, match="got 'note'"):
        complete.plot_density(column="note")


def test_simulated_tables_have_the_predictive_means(complete):
    data = complete.simulate(400, n_obs=50, random_seed=1)
    p, w = complete.arrays.parameters, complete.arrays.weights
    assert set(data.data_vars) == {"age", "visits", "smoker", "kind", "component"}
    for name, mean in (("age", p["age_mu"]), ("visits", p["visits_mu"]), ("smoker", p["smoker_p"])):
        assert float(data[name].mean()) == pytest.approx((w * mean).sum(axis=1).mean(), rel=0.05), name
    share = float((data["kind"].values == "b").mean())
    assert share == pytest.approx((w * p["kind_p"][:, :, 1]).sum(axis=1).mean(), abs=0.02)
    # Within a component the columns are those of that component.
    assert float(data["age"].where(data["component"] == 1).mean()) == pytest.approx(p["age_mu"][:, 1].mean(), rel=0.02)


@pytest.mark.parametrize("column", list(FAMILIES))
def test_density_is_drawn_for_any_column(holes, column):
    axes = holes.plot_density(column=column)
    assert axes.get_xlabel() == column
    assert axes.get_ylabel() == ("density per unit of age" if column == "age" else f"probability of {column}")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"data ({int(with_holes()[column].notna().sum())} rows)" in labels
    if column == "kind":
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c"]
    plt.close(axes.figure)


def test_columns_may_have_names_that_are_no_identifiers(tmp_path):
    names = {"age": "age (years), $", "kind": "kind, $1 [a.b] 'c' <ü>\n{d}"}
    fit = bm.Mixture(2, {names[old]: FAMILIES[old] for old in names}).fit(
        mixed_table().rename(columns=names), **SETTINGS
    )
    plain = bm.Mixture(2, {old: FAMILIES[old] for old in names}).fit(mixed_table(), **SETTINGS)
    np.testing.assert_array_equal(fit.arrays.parameters[f"{names['kind']}_p"], plain.arrays.parameters["kind_p"])
    assert f"{names['kind']}_p" in fit.model.named_vars
    for suffix in (".nc", ".zarr"):
        pd.testing.assert_frame_equal(bm.load(fit.save(tmp_path / f"fit{suffix}")).summary(), fit.summary())


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("name", ["holes", "multivariate", "by_steps", "censored"])
def test_saved_fits_come_back_whole(name, suffix, request, tmp_path):
    fit = request.getfixturevalue(name)
    back = bm.load(fit.save(tmp_path / f"fit{suffix}"))
    assert back.mixture == fit.mixture
    assert back.resolved == fit.resolved
    assert back.info == fit.info
    pd.testing.assert_frame_equal(back.assignments(), fit.assignments())
    assert back.data.digest == fit.data.digest
    pd.testing.assert_frame_equal(back.predict(fit_rows(name)), fit.predict(fit_rows(name)))
    assert back.check().text == fit.check().text
    bare = bm.load(fit.save(tmp_path / f"bare{suffix}", data=False))
    without, whole = bare.predict(fit_rows(name)), fit.predict(fit_rows(name))
    assert without.pop("outside").isna().all()  # the range of what was fitted is not known any more
    pd.testing.assert_frame_equal(without, whole.drop(columns="outside"))
    with pytest.raises(InputError, match="data=False"):
        bare.assignments()


def fit_rows(name):
    if name == "holes":
        return mixed_table().iloc[:3]
    return {"a": [0.0], "b": [None], "c": [9.0]} if name == "multivariate" else [0.0, 4.0, 8.0]


def test_multivariate_columns(multivariate, three_columns):
    table = multivariate.summary()
    assert list(multivariate.idata["posterior"]["pair"].values) == ["b:a", "c:a", "c:b"]
    assert {"corr[0, b:a]", "corr[1, c:b]", "mu[0, a]", "sigma[1, c]"} <= set(table.index)
    # Ordered by the mean of the column c, which is the other way round than by the first column.
    assert table.loc["mu[0, c]", "mean"] == pytest.approx(0, abs=1)
    assert table.loc["mu[1, c]", "mean"] == pytest.approx(9, abs=1)
    assert table.loc["corr[0, b:a]", "mean"] > 0.3
    prior = multivariate.resolved.priors["mu"]
    assert prior.names == ("a", "b", "c")
    assert [p.mu for p in prior.priors] == [3, 2, 4]
    p, w = multivariate.arrays.parameters, multivariate.arrays.weights
    for row in (0, 3):  # the second one has a missing cell
        seen = three_columns.iloc[row].notna().to_numpy()
        joint = np.empty((5, 2))
        for s in range(5):
            for k in range(2):
                matrix = np.eye(3)
                matrix[[1, 2, 2], [0, 0, 1]] = matrix[[0, 0, 1], [1, 2, 2]] = p["corr"][s, k]
                matrix *= np.outer(p["sigma"][s, k], p["sigma"][s, k])
                at = three_columns.iloc[row].to_numpy()[seen]
                density = stats.multivariate_normal(p["mu"][s, k][seen], matrix[np.ix_(seen, seen)])
                joint[s, k] = np.log(w[s, k]) + density.logpdf(at)
        stored = multivariate.idata["log_likelihood"]["y"].values.reshape(600, -1)[:5, row]
        np.testing.assert_allclose(stored, np.logaddexp.reduce(joint, axis=1), rtol=1e-9)
    one = multivariate.predict({"a": 0.0, "b": 0.0, "c": 9.0})
    assert one["component"].tolist() == [1]
    assert multivariate.predict([[0.0, 0.0, 9.0]])["probability"].iloc[0] == one["probability"].iloc[0]
    grid = np.linspace(-4, 12, 33)
    expected = (w[:, :, None] * stats.norm.pdf(grid, p["mu"][:, :, 2, None], p["sigma"][:, :, 2, None])).sum(axis=1)
    np.testing.assert_allclose(multivariate.density(grid, column="c")["density"], expected.mean(axis=0), rtol=1e-8)


def test_noise_component_takes_the_outliers():
    rng = np.random.default_rng(1)
    y = np.r_[rng.normal(0, 1, 40), rng.normal(8, 1, 40), 40.0, -30.0]
    fit = bm.Mixture(2, noise=True).fit(y, **SETTINGS)
    assert fit.component_labels == (0, 1, "noise")
    assert fit.assignments()["component"].tolist()[-2:] == ["noise", "noise"]
    probability = fit.assignment_probabilities()
    assert list(probability["component"].values) == [0, 1, "noise"]
    np.testing.assert_allclose(probability.sum("component"), 1.0)
    assert fit.predict([200.0])["component"].tolist() == ["noise"]
    assert fit.summary().loc["w_noise", "mean"] == pytest.approx(3 / 84, abs=0.04)
    d = fit.arrays
    parts = d.weights[:, :2] * stats.norm.pdf(y[0], d.parameters["mu"], d.parameters["sigma"])
    stored = fit.idata["log_likelihood"]["y"].values.reshape(600, -1)[:, 0]
    np.testing.assert_allclose(stored, np.log(parts.sum(axis=1) + d.weights[:, 2] / 70.0), rtol=1e-9)
    assert "+ noise" in repr(fit)


def test_noise_is_drawn_with_the_probability_that_its_density_claims(rng):
    """Whole numbers for counts and categories, every one that is possible; the whole circle for angles."""
    families = {"age": "normal", "visits": "poisson", "kind": "categorical", "y": bm.families.Binomial(trials=6)}
    families |= {"smoker": "bernoulli", "wind": "von_mises"}
    data = {"age": [1.0, 2.0, 5.0, 9.0], "visits": [1, 3, 5, 2], "kind": ["a", "b", "c", "a"], "y": [1, 2, 3, 2]}
    data |= {"smoker": [1, 1, 1, 0], "wind": [0.1, 0.5, 1.0, 1.2]}
    resolved = resolve(bm.Mixture(1, families, noise=True), read_rows(bm.Mixture(1, families).family, data))
    parameters = {name: value[0] for name, value in draw_from_prior(resolved, 1, rng).parameters.items()}
    n = 20_000
    values, _ = random_rows(resolved, np.array([0.0, 1.0]), parameters, {3: np.full(n, 6.0)}, (n,), rng)
    for column, possible in ((1, range(1, 6)), (2, range(3)), (3, range(7)), (4, range(2))):
        found, counts = np.unique(values[:, column], return_counts=True)
        np.testing.assert_array_equal(found, possible)
        np.testing.assert_allclose(np.log(counts / n), resolved.backgrounds[column], atol=0.06)
    for column, law in ((0, stats.uniform(1, 8)), (5, stats.uniform(-np.pi, 2 * np.pi))):
        assert stats.kstest(values[:, column], law.cdf).pvalue > 0.001
        assert law.logpdf(law.mean()) == pytest.approx(resolved.backgrounds[column])


def test_zero_inflated_counts():
    rng = np.random.default_rng(1)
    fit = bm.Mixture(1, "poisson", zero_inflated=True).fit(np.r_[np.zeros(30), rng.poisson(6, 50)], **SETTINGS)
    assert fit.component_labels == (0, "zero")
    assert fit.assignments()["component"].iloc[0] == "zero"
    assert fit.predict([1])["component"].tolist() == [0]
    assert fit.summary().loc["w_zero", "mean"] == pytest.approx(30 / 80, abs=0.08)
    d = fit.arrays
    expected = np.log(d.weights[:, 1] + d.weights[:, 0] * np.exp(-d.parameters["mu"][:, 0]))
    np.testing.assert_allclose(fit.idata["log_likelihood"]["y"].values.reshape(600, -1)[:, 0], expected, rtol=1e-9)


def test_rounded_values_count_with_their_interval(by_steps):
    d, y = by_steps.arrays, rounded()
    ends = [stats.norm.cdf(y[:3, None, None] + s, d.parameters["mu"], d.parameters["sigma"]) for s in (-0.5, 0.5)]
    expected = np.log((d.weights * (ends[1] - ends[0])).sum(axis=2)).T
    stored = by_steps.idata["log_likelihood"]["y"].values.reshape(600, -1)[:, :3]
    np.testing.assert_allclose(stored, expected, rtol=1e-8)
    assert by_steps.info.measure == "intervals of 1"
    new = by_steps.predict([4.0])
    wide = by_steps.predict(bm.Interval([3.5], [4.5]))
    assert new["probability"].iloc[0] == pytest.approx(wide["probability"].iloc[0], rel=1e-12)


def test_the_step_is_found(by_steps):
    found = bm.Mixture(2).fit(rounded(), resolution="auto", **SETTINGS)
    assert found.layout.resolutions == (1.0,)
    np.testing.assert_array_equal(found.idata["posterior"]["mu"], by_steps.idata["posterior"]["mu"])
    table = pd.DataFrame({"age": rounded(), "visits": np.arange(80) % 7})
    rows = read_rows(bm.Mixture(2, {"age": "normal", "visits": "poisson"}).family, table, None, "auto")
    assert [column.resolution for column in rows.columns] == [1.0, None]


def test_open_intervals(censored, by_steps):
    y = rounded()
    d = censored.arrays
    first = int(np.argmax(y > 9))
    expected = np.log((d.weights * stats.norm.sf(8.5, d.parameters["mu"], d.parameters["sigma"])).sum(axis=1))
    stored = censored.idata["log_likelihood"]["y"].values.reshape(600, -1)
    np.testing.assert_allclose(stored[:, first], expected, rtol=1e-8)
    assert censored.info.measure == "intervals"
    got = censored.predict(bm.Interval([-np.inf, 6.0], [2.0, np.inf]))
    assert got["component"].tolist() == [0, 1]
    assert censored.summary().loc["mu[1]", "mean"] == pytest.approx(by_steps.summary().loc["mu[1]", "mean"], abs=0.5)


def test_compare_refuses_different_measures(by_steps, censored):
    points = make_fit(rounded(), np.full((4, 2), 0.5), {"mu": [[0.0, 8.0]] * 4, "sigma": [[1.0, 1.0]] * 4})
    halves = make_fit(
        rounded(), np.full((4, 2), 0.5), {"mu": [[0.0, 8.0]] * 4, "sigma": [[1.0, 1.0]] * 4}, resolution=0.5
    )
    counts = make_fit(rounded() + 5, np.full((4, 2), 0.5), {"mu": [[5.0, 13.0]] * 4}, mixture=bm.Mixture(2, "poisson"))
    for other, words in (
        (halves, "probability of intervals of 1 in 'a' and probability of intervals of 0.5 in 'b'"),
        (points, "probability of intervals of 1 in 'a' and density of points in 'b'"),
        (censored, "probability of intervals of 1 in 'a' and probability of intervals in 'b'"),
    ):
        with pytest.raises(InputError, match=words):
            bm.compare({"a": by_steps, "b": other})
    with pytest.raises(InputError, match=r"density of points in 'a' and probability of points in 'b'.*units"):
        bm.compare({"a": points, "b": counts})


def test_order_by_names_a_column_and_a_parameter():
    by_visits = {"age": mixed_table()["age"], "visits": -mixed_table()["visits"]}
    families = {"age": "normal", "visits": "normal"}
    first = bm.Mixture(2, families).fit(by_visits, **SETTINGS)
    second = bm.Mixture(2, families, order_by=("visits", "mu")).fit(by_visits, **SETTINGS)
    assert np.all(np.diff(first.summary().loc[["age_mu[0]", "age_mu[1]"], "mean"]) > 0)
    assert np.all(np.diff(second.summary().loc[["visits_mu[0]", "visits_mu[1]"], "mean"]) > 0)
    assert np.all(np.diff(second.summary().loc[["age_mu[0]", "age_mu[1]"], "mean"]) < 0)


def test_components_with_priors_of_their_own_keep_their_place():
    priors = {"age": {"mu": [PRIORS.Normal(60, 5), PRIORS.Normal(30, 5)]}}
    fit = bm.Mixture(2, {"age": "normal", "visits": "poisson"}, priors=priors).fit(mixed_table(), **SETTINGS)
    assert fit.resolved.sort_key is None
    assert not fit.resolved.relabelled
    means = fit.arrays.parameters["age_mu"].mean(axis=0)
    np.testing.assert_allclose(means, [60, 30], atol=4)


@pytest.mark.parametrize("kind", ["table", "resolution"])
def test_choose_components(kind):
    data, options = (with_holes(), {}) if kind == "table" else (rounded(), {"resolution": 1.0})
    template = bm.Mixture(1, FAMILIES if kind == "table" else "normal")
    choice = bm.choose_components(data, [1, 2], mixture=template, **options, **SETTINGS)
    assert choice.table.loc[2, "elpd"] > choice.table.loc[1, "elpd"] + 10
    assert choice.table.loc[2, "elpd_diff"] == 0
    assert choice.fits[1].layout == choice.fits[2].layout


def test_what_columns_cannot_tell_apart_is_a_row_with_the_reason():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(0, 2, (40, 2)), columns=["a", "b"])
    template = bm.Mixture(1, {"a": "bernoulli", "b": "bernoulli"})
    choice = bm.choose_components(frame, [1, 2], mixture=template, **SETTINGS)
    assert list(choice.fits) == [1]
    assert "cannot be told apart by 2 columns" in choice.table.loc[2, "note"]


@pytest.mark.parametrize(
    ("family", "data", "words"),
    [
        ("bernoulli", [0, 1, 1, 0], "any number of components can give"),
        ({"a": "bernoulli"}, {"a": [0, 1, 1, 0]}, "any number of components can give"),
        ("categorical", ["a", "b", "c", "a"], "one probability per label"),
        (bm.families.Binomial(trials=2), [0, 1, 2, 1], "3 for 2 components, but no row has more than 2"),
        ({"a": "bernoulli", "b": "bernoulli"}, {"a": [0, 1, 1], "b": [0, 1, 0]}, r"2 columns with \[2, 2\] values"),
        ({"a": "categorical", "b": "bernoulli"}, {"a": ["x", "y", "z"], "b": [0, 1, 0]}, r"values: three groups"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(family, data, words):
    with pytest.raises(InputError, match=words):
        bm.build_model(bm.Mixture(2, family), data)
    bm.build_model(bm.Mixture(1, family), data)


def test_three_binary_columns_or_one_that_counts_are_enough():
    three = {name: [0, 1, 1, 0, int(name == "a")] for name in "abc"}
    bm.build_model(bm.Mixture(2, dict.fromkeys("abc", "bernoulli")), three)
    with pytest.raises(InputError, match="n_components=3 cannot be told apart by 3 columns"):
        bm.build_model(bm.Mixture(3, dict.fromkeys("abc", "bernoulli")), three | {"c": [1, 0, 1, 0, 0]})
    bm.build_model(bm.Mixture(2, {"a": "bernoulli", "n": "poisson"}), three | {"n": [1, 2, 3, 9, 0]})


SPECIFICATIONS = [
    bm.Mixture(2, FAMILIES, order_by=("age", "mu"), noise=True),
    bm.Mixture(3, {"kind": bm.families.Categorical((1, 2, 3)), "n": bm.families.Binomial(trials="of")}),
    bm.Mixture(2, FAMILIES, priors={"kind": {"p": PRIORS.Dirichlet((1, 2, 3))}, "smoker": {"p": PRIORS.Beta(1, 2)}}),
    bm.Mixture(2, FAMILIES, priors={"kind": {"p": [PRIORS.Dirichlet(1), PRIORS.Dirichlet((1, 2, 3))]}}),
    bm.Mixture(
        2, "mv_normal", order_by=("a", "mu"), priors={"mu": {"a": PRIORS.Normal(0, 1), "b": PRIORS.Normal(2, 1)}}
    ),
    bm.Mixture(2, bm.families.MvNormal("tied"), priors={"corr": PRIORS.LKJ(3)}, weights=PRIORS.SparseDirichlet(2)),
    bm.Mixture(2, "von_mises", priors={"mu": [PRIORS.WrappedNormal(0, 1), PRIORS.WrappedNormal(2, 1)]}),
    bm.Mixture(2, "poisson", zero_inflated=True, priors={"mu": PRIORS.Between(1, 9)}, weights=PRIORS.Dirichlet((2, 3))),
    bm.Mixture(2, noise=True, ranges=[(0, 5)], backgrounds=[-1.6]),
]


@pytest.mark.parametrize("mixture", SPECIFICATIONS, ids=range(len(SPECIFICATIONS)))
def test_specifications_survive_json(mixture):
    back = bm.Mixture.from_dict(json.loads(json.dumps(mixture.to_dict())))
    assert back == mixture
    assert hash(back) == hash(mixture)


def test_resolved_specifications_survive_json(complete, holes, multivariate):
    for fit in (complete, holes, multivariate):
        assert bm.Mixture.from_dict(json.loads(json.dumps(fit.resolved.to_dict()))) == fit.resolved


def test_tables_in_another_order_are_other_specifications():
    one, two = bm.Mixture(2, {"a": "normal", "b": "poisson"}), bm.Mixture(2, {"b": "poisson", "a": "normal"})
    assert one != two  # the first column sets the order of the components
    assert one == bm.Mixture(2, {"a": "normal", "b": "poisson"})
    assert len({one, two, bm.Mixture(2, {"a": bm.families.Normal(), "b": "poisson"})}) == 2


def test_prior_predictive(three_columns):
    draws = bm.Mixture(2, FAMILIES, noise=False).prior_predictive(mixed_table(), n_datasets=30, random_seed=1)
    assert draws.sizes == {"dataset": 30, "obs": 60, "component": 2, "kind_category": 3}
    assert set(np.unique(draws["kind"].values.astype(str))) == {"a", "b", "c"}
    assert bool((draws["age_mu"].diff("component") > 0).all())
    again = bm.Mixture(2, FAMILIES).prior_predictive(mixed_table(), n_datasets=30, random_seed=1)
    assert draws.identical(again)
    axes = bm.plots.plot_prior_predictive(draws, mixed_table()["age"], column="age")
    assert axes.get_xlabel() == "age"
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["prior (30 data sets)", "data"]
    known = axes.lines[-1]
    np.testing.assert_array_equal(known.get_xdata(), np.sort(mixed_table()["age"]))
    plt.close(axes.figure)
    with pytest.raises(InputError, match="got the categories of 'kind'"):
        bm.plots.plot_prior_predictive(draws, column="kind")
    with pytest.raises(InputError, match=r"column must be one of \['age', 'visits', 'smoker', 'kind'\], got None"):
        bm.plots.plot_prior_predictive(draws)
    both = bm.Mixture(2, "mv_normal", order_by="c").prior_predictive(three_columns, n_datasets=5, random_seed=1)
    assert both["corr"].dims == ("dataset", "component", "pair")
    assert bool((both["mu"].sel(feature="c").diff("component") > 0).all())
    noisy = bm.Mixture(1, noise=True).prior_predictive([1.0, 2.0, 5.0], n_datasets=50, random_seed=1)
    labels = noisy["component"].values
    assert set(labels.ravel().tolist()) == {0, "noise"}
    assert noisy["y"].values[labels == "noise"].min() >= 1
    assert noisy["y"].values[labels == "noise"].max() <= 5


BAD = [
    ("poisson", [0, 1, 3, 7], [0, -2, 3, 7], r"counts .* got -2.0 at row 1; 1 such row of 4\. Drop such rows"),
    ("poisson", [0, 1, 3, 7], [0, 2.5, 3, 7], r"whole numbers .* got 2.5 at row 1; .* Give counts"),
    ("beta", [0.1, 0.2, 0.7], [0.1, 0.2, 1.5], r"strictly between 0 and 1 .* got 1.5 at row 2; .* Divide by"),
    ("gamma", [0.1, 0.2, 4.0], [0.1, 0.0, 4.0], r"must be > 0 .* got 0.0 at row 1; .* add an offset"),
    ("von_mises", [0.1, 2.0, 3.0], [10.0, 20.0, 350.0], r"radians.* got 10.0 at row 0; 3 such rows .* numpy.deg2rad"),
    (
        bm.families.Binomial(trials="of"),
        {"y": [1, 2, 4], "of": [5, 5, 5]},
        {"y": [1, 2, 7], "of": [5, 5, 5]},
        r"number of trials .* got 7.0 of 5 trials at row 2; .* check which column is which",
    ),
    (
        {"a": "normal", "b": "normal"},
        {"a": [1.0, 2.0, 3.0], "b": [2.0, None, 9.0]},
        {"a": [1.0, 2.0, 3.0], "B": [2.0, 3.0, 9.0]},
        r"must have the column 'b', got the columns 'a', 'B'\. Rename them",
    ),
    ("normal", [1.0, 2.0, 9.0], [1.0, None, 9.0], r"finite numbers, got nan \(missing.* at row 1; .* Drop or repair"),
]

DOORS = {
    "fit": lambda mixture, good, bad: mixture.fit(bad, **SETTINGS),
    "choose_components": lambda mixture, good, bad: bm.choose_components(bad, [1, 2], mixture=mixture, **SETTINGS),
    "build_model": lambda mixture, good, bad: bm.build_model(mixture, bad),
    "prior_predictive": lambda mixture, good, bad: mixture.prior_predictive(bad, n_datasets=2),
    "calibrate": lambda mixture, good, bad: bm.calibrate(mixture, bad, n_simulations=1),
    "predict": lambda mixture, good, bad: from_the_prior(mixture, good).predict(bad),
}


def from_the_prior(mixture, data):
    """A made-up fit whose draws are those of the prior."""
    resolved = resolve(mixture, read_rows(mixture.family, data))
    draws = draw_from_prior(resolved, 4, np.random.default_rng(1))
    return make_fit(data, draws.weights, dict(draws.parameters), mixture=mixture)


@pytest.mark.parametrize(("family", "good", "bad", "words"), BAD, ids=lambda v: v if isinstance(v, str) else "")
@pytest.mark.parametrize("door", DOORS)
def test_bad_values_are_refused_at_every_door(door, family, good, bad, words):
    with pytest.raises(InputError, match=words):
        DOORS[door](bm.Mixture(2, family), good, bad)


@pytest.mark.parametrize("door", [door for door in DOORS if door != "predict"])
def test_a_column_without_a_cell_is_refused_where_something_is_to_be_learnt(door):
    mixture = bm.Mixture(2, {"a": "normal", "b": "normal"})
    empty = {"a": [1.0, 2.0, 3.0], "b": [None, None, None]}
    with pytest.raises(InputError, match=r"'b' must have an observed cell, got 3 missing ones\. Leave the column out"):
        DOORS[door](mixture, None, empty)
    known = from_the_prior(mixture, {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 9.0]}).predict(empty)
    assert known["b"].isna().all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bm.Mixture(2, {}), "at least one column, got {}"),
        (lambda: bm.Mixture(2, {"a": "norml"}), "got 'norml'"),
        (lambda: bm.Mixture(2, {"km/h": "normal"}), r"without '/' and '\\'.*got 'km/h'.*'km_h'"),
        (lambda: bm.Mixture(2, {"\\mu": "normal"}), r"without '/' and '\\'.*'_mu'"),
        (lambda: bm.Mixture(2, {"a": "mv_normal"}), "cannot describe the single column 'a'"),
        (lambda: bm.Mixture(2, FAMILIES, order_by=("age", "nu")), r"got \('age', 'nu'\)"),
        (lambda: bm.Mixture(2, FAMILIES, order_by=("kind", "p")), r"order_by must be one of \['age_mu', "),
        (lambda: bm.Mixture(2, FAMILIES, priors={"agee": {"mu": PRIORS.Normal(0, 1)}}), "got 'agee'"),
        (lambda: bm.Mixture(2, FAMILIES, priors={"age": {"nu": PRIORS.Normal(0, 1)}}), "got 'age_nu'"),
        (lambda: bm.Mixture(2, FAMILIES, zero_inflated=True), "one column of counts"),
        (lambda: bm.Mixture(2, "normal", zero_inflated=True), "one column of counts"),
        (lambda: bm.Mixture(2, FAMILIES, noise=1), "noise must be True or False, got 1"),
        (lambda: bm.Mixture(2, priors={"mu": {"a": PRIORS.Normal(0, 1)}}), "by column"),
    ],
)
def test_bad_specifications_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("resolution", "words"),
    [
        (1.0, r"by column for several columns, got 1.0. Use e.g. resolution=\{'age': 1.0\}"),
        ({"visits": 1.0}, "continuous columns only, got 1.0 for 'visits'"),
        ({"weight": 1.0}, "got 'weight'"),
        ({"age": 0}, r"resolution\['age'\] must be a positive number or 'auto', got 0"),
    ],
)
def test_bad_resolutions_are_refused(resolution, words):
    with pytest.raises(InputError, match=words):
        bm.Mixture(2, FAMILIES).fit(mixed_table(), resolution=resolution, **SETTINGS)


def test_extra_components_count_as_components():
    with pytest.raises(InputError, match=r"n_components=2 \(noise and zeros counted\) cannot be told apart"):
        bm.Mixture(1, "bernoulli", zero_inflated=True).fit([0, 1, 1, 0, 1])
