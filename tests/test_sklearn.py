"""The estimator in scikit-learn's terms: the common checks, agreement with `Mixture`, searches, `from_sklearn`."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import bayesmix as bm
from bayesmix.compiled import problem_of
from bayesmix.errors import InputError
from bayesmix.seeding import starts_at
from bayesmix.sklearn import BayesianMixture, WholeData, from_sklearn, loo_scorer

SHORT = {"draws": 20, "tune": 50, "chains": 2, "random_state": 0}
QUICK = {"draws": 1000, "tune": 500, "random_state": 1}
ignore_short_runs = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def faithful():
    return bm.load_dataset("old_faithful")


@pytest.fixture(scope="module")
def model(faithful):
    return BayesianMixture(2, **QUICK).fit(faithful)


@pytest.fixture(scope="module")
def same(faithful):
    """The same by `Mixture`."""
    return bm.Mixture(2, "mv_normal").fit(faithful, draws=1000, tune=500, random_seed=1, progressbar=False)


# Common checks. No check is expected to fail. scikit-learn itself skips one, of array-API input, which no estimator
# without that support passes or fails. Short runs do not converge, and say so.


@ignore_short_runs
@parametrize_with_checks([BayesianMixture(2, covariance_type="diag", **SHORT)])
def test_common_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@ignore_short_runs
@parametrize_with_checks([BayesianMixture(1, **SHORT)])
def test_common_checks_with_full_covariance(estimator, check):
    """Slow: one of them has 15 rows of 30 columns, 495 parameters."""
    check(estimator)


# Agreement with Mixture


def test_predictions_are_those_of_a_mixture_with_the_same_seed(model, same, faithful):
    np.testing.assert_array_equal(model.fit_.arrays.weights, same.arrays.weights)
    np.testing.assert_array_equal(model.predict_proba(faithful), same.assignment_probabilities().values)
    np.testing.assert_array_equal(model.predict(faithful), same.assignments()["component"])
    np.testing.assert_array_equal(model.labels_, model.predict(faithful))
    new = faithful.head(3) + 0.1
    np.testing.assert_array_equal(model.predict_proba(new), same.assignment_probabilities(new).values)
    np.testing.assert_array_equal(model.transform(new), model.predict_proba(new))
    assert model.converged_ == same.check().ok
    assert model.elpd_loo_ == same.loo().elpd
    assert model.elpd_waic_ == same.waic().elpd


def test_attributes_are_posterior_means(model):
    """Against the covariance matrices of all draws, built one by one."""
    mu, sigma, corr = (model.fit_.arrays.parameters[name] for name in ("mu", "sigma", "corr"))
    np.testing.assert_allclose(model.means_, mu.mean(axis=0))
    np.testing.assert_allclose(model.weights_.sum(), 1.0)
    matrices = [
        [np.diag(s) @ np.array([[1, r], [r, 1]]) @ np.diag(s) for s, (r,) in zip(sd, c, strict=True)]
        for sd, c in zip(sigma, corr, strict=True)
    ]
    np.testing.assert_allclose(model.covariances_, np.mean(matrices, axis=0), rtol=1e-12)


@ignore_short_runs
@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_attributes_and_starts_have_the_shapes_of_a_gaussian_mixture(columns, covariance_type):
    x = np.random.default_rng(1).normal(size=(60, columns)) + np.repeat([0.0, 6.0], 30)[:, np.newaxis]
    gmm = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(x)
    own = from_sklearn(gmm).estimator(**SHORT).fit(x)
    for name in ("weights_", "means_", "covariances_"):
        assert getattr(own, name).shape == getattr(gmm, name).shape
    order = np.argsort(gmm.means_[:, 0])
    if covariance_type != "tied":
        np.testing.assert_allclose(own.covariances_, gmm.covariances_[order], atol=0.5)
    np.testing.assert_allclose(own.means_, gmm.means_[order], atol=0.5)


def test_other_families_have_no_means_and_covariances_stay_away_after_a_refit(arms):
    own = BayesianMixture(2, **QUICK).fit(arms[["length"]])
    assert own.means_.shape == (2, 1)
    own.set_params(family="student_t").fit(arms[["length"]])
    assert not hasattr(own, "means_")
    assert not hasattr(own, "covariances_")
    with pytest.raises(AttributeError, match="no attribute 'anything_'"):
        own.anything_  # noqa: B018


def test_score_is_the_log_of_the_mean_density_over_draws(arms):
    own = BayesianMixture(2, **QUICK).fit(arms[["length"]])
    w, mu, sigma = (own.fit_.arrays.weights, *(own.fit_.arrays.parameters[name] for name in ("mu", "sigma")))
    new = np.array([15.0, 20.0, 45.0])
    logs = logsumexp(np.log(w) + stats.norm.logpdf(new[:, None, None], mu, sigma), axis=2)
    expected = logsumexp(logs, axis=1) - np.log(len(w))
    rows = pd.DataFrame({"length": new})
    np.testing.assert_allclose(own.score_samples(rows), expected, rtol=1e-12)
    assert own.score(rows) == pytest.approx(expected.mean())


def test_bic_is_on_the_scale_of_a_gaussian_mixture(faithful, model):
    """The posterior mode lies near the maximum of the likelihood, where scikit-learn's BIC is taken."""
    gmm = GaussianMixture(2, random_state=0).fit(faithful)
    assert model.bic_ == pytest.approx(gmm.bic(faithful), abs=3)


def test_what_takes_time_waits_until_it_is_asked_for(faithful, model):
    fresh = pickle.loads(pickle.dumps(model))
    fresh.__dict__.pop("elpd_loo_", None)
    assert "elpd_loo_" not in dict(inspect.getmembers(fresh))  # what a notebook shows of an estimator
    assert fresh.elpd_loo_ == model.elpd_loo_
    assert "elpd_loo_" in vars(fresh)
    fresh.set_params(n_components=1).fit(faithful)
    assert fresh.elpd_loo_ < model.elpd_loo_ - 100


# Random numbers


@ignore_short_runs
def test_same_random_state_same_numbers(faithful):
    def fitted(random_state):
        return BayesianMixture(2, **(SHORT | {"random_state": random_state})).fit(faithful)

    first, again, other = (fitted(seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.predict_proba(faithful), again.predict_proba(faithful))
    assert not np.array_equal(first.predict_proba(faithful), other.predict_proba(faithful))
    first, again = (fitted(np.random.RandomState(5)) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(faithful), again.predict_proba(faithful))


def test_samples_come_from_the_posterior_predictive(model):
    rows, component = model.sample(4000)
    assert rows.shape == (4000, 2)
    np.testing.assert_array_equal(rows, model.sample(4000)[0])
    share = component.mean()
    assert share == pytest.approx(model.weights_[1], abs=4 * np.sqrt(share * (1 - share) / 4000))
    for k in (0, 1):
        own = rows[component == k]
        error = 4 * own.std(axis=0) / np.sqrt(len(own))
        np.testing.assert_array_less(np.abs(own.mean(axis=0) - model.means_[k]), error)
    with pytest.raises(InputError, match="n_datasets"):
        model.sample(0)


# Input


@ignore_short_runs
def test_frames_and_arrays_give_the_same(faithful):
    expected = BayesianMixture(2, **SHORT).fit(faithful).predict_proba(faithful)
    for x in (faithful.to_numpy(), faithful.to_numpy().tolist(), pl.from_pandas(faithful)):
        np.testing.assert_array_equal(BayesianMixture(2, **SHORT).fit(x).predict_proba(x), expected)
    assert list(BayesianMixture(**SHORT).fit(pl.from_pandas(faithful)).feature_names_in_) == list(faithful.columns)


def test_results_carry_names_and_index(model, faithful):
    assert model.fit_.layout.names == tuple(faithful.columns)
    pd.testing.assert_index_equal(model.fit_.assignments().index, faithful.index)


def test_columns_must_be_those_of_the_fit(model, faithful):
    swapped = faithful[faithful.columns[::-1]]
    for method in (model.predict, model.predict_proba, model.score_samples, model.transform):
        with pytest.raises(ValueError, match="feature names should match"):
            method(swapped)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(faithful[["waiting"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(faithful.to_numpy())


@ignore_short_runs
def test_arrays_must_have_the_columns_of_the_fit(faithful):
    own = BayesianMixture(2, **SHORT).fit(faithful.to_numpy())
    with pytest.raises(ValueError, match="X has 1 features, but BayesianMixture is expecting 2"):
        own.predict(faithful[["waiting"]].to_numpy())


@ignore_short_runs
def test_mixed_columns_of_a_frame():
    rng = np.random.default_rng(1)
    group = rng.integers(2, size=80)
    frame = pd.DataFrame(
        {
            "age": rng.normal(20 + 30 * group, 3),
            "visits": rng.poisson(2 + 8 * group),
            "town": np.where(rng.random(80) < 0.8, group, 1 - group),
        }
    ).replace({"town": {0: "a", 1: "b"}})
    family = {"age": "normal", "visits": "poisson", "town": "categorical"}
    expected = bm.Mixture(2, family).fit(frame, draws=20, tune=50, chains=2, random_seed=0, progressbar=False)
    for x in (frame, pl.from_pandas(frame), frame.assign(other=1), frame.to_numpy()):
        own = BayesianMixture(2, family=family, **SHORT).fit(x)
        np.testing.assert_array_equal(own.predict_proba(x), expected.assignment_probabilities().values)
    assert (own.predict(frame.to_numpy()) == group).mean() > 0.95
    rows, _ = own.sample(5)
    assert rows.shape == (5, 3)
    assert set(rows[:, 2]) <= {"a", "b"}
    with pytest.raises(
        InputError, match=r"or an array of these columns in this order, got an array of shape \(80, 2\)"
    ):
        BayesianMixture(2, family=family, **SHORT).fit(frame.to_numpy()[:, :2])


@ignore_short_runs
def test_one_name_describes_every_column():
    x = np.random.default_rng(1).integers(2, size=(60, 3))
    own = BayesianMixture(2, family="bernoulli", **SHORT).fit(x)
    assert own.fit_.resolved.family.name == "bernoulli x bernoulli x bernoulli"
    assert own.fit_.layout.names == ("x0", "x1", "x2")


@ignore_short_runs
def test_missing_cells_are_integrated_out(faithful):
    holes = faithful.astype(float)
    holes.iloc[::7, 0] = np.nan
    expected = bm.Mixture(2, "mv_normal").fit(holes, draws=20, tune=50, chains=2, random_seed=0, progressbar=False)
    own = BayesianMixture(2, **SHORT).fit(holes)
    np.testing.assert_array_equal(own.predict_proba(holes), expected.assignment_probabilities().values)
    nothing = own.predict_proba(pd.DataFrame([[np.nan, np.nan]], columns=faithful.columns))
    np.testing.assert_allclose(nothing[0], own.weights_)
    with pytest.raises(InputError, match="must hold finite numbers, got nan"):
        BayesianMixture(2, **SHORT).fit([[1.0], [2.0], [np.nan]])


@ignore_short_runs
def test_weights_of_rows_count_them(faithful):
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, size=len(faithful))
    own = BayesianMixture(2, **SHORT).fit(faithful, sample_weight=counts)
    repeated = BayesianMixture(2, **SHORT).fit(faithful.loc[faithful.index.repeat(counts)])
    np.testing.assert_array_equal(own.predict_proba(faithful), repeated.predict_proba(faithful))
    assert own.labels_.shape == (len(faithful),)
    assert own.elpd_waic_ == pytest.approx(repeated.elpd_waic_)
    fractions = BayesianMixture(2, **SHORT).fit(faithful, sample_weight=counts / 2)
    with pytest.raises(InputError, match="weights must be whole numbers for LOO"):
        fractions.elpd_loo_  # noqa: B018
    with pytest.raises(ValueError, match="Negative values in data"):
        own.fit(faithful, sample_weight=counts - 1)


@ignore_short_runs
def test_options_of_a_mixture(arms):
    priors = {"mu": bm.priors.Between(10, 30)}
    options = {"priors": priors, "weights_prior": bm.priors.Dirichlet(2), "noise": True, "resolution": 0.5}
    own = BayesianMixture(2, covariance_type="tied", **options, **SHORT)
    own = clone(own).fit(arms[["length"]])
    family = bm.families.Normal(common_sigma=True)
    expected = bm.Mixture(2, family, priors=priors, weights=bm.priors.Dirichlet(2), noise=True)
    assert own.fit_.mixture == expected
    assert own.fit_.layout.resolutions == (0.5,)
    assert own.predict_proba(arms[["length"]]).shape == (19, 3)
    assert own.weights_.shape == (3,)
    assert own.get_feature_names_out().tolist() == ["bayesianmixture0", "bayesianmixture1", "bayesianmixture2"]
    assert set(own.sample(500)[1]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer >= 1, got 0"),
        ({"covariance_type": "round"}, "covariance_type must be one of .*, got 'round'"),
        ({"family": "normaal"}, "normaal"),
        ({"draws": 1}, "draws must be an integer >= 4"),
        ({"engine": "stan"}, "engine must be"),
        ({"random_state": "x"}, "cannot be used to seed"),
    ],
)
def test_parameters_are_checked_in_fit(parameters, message):
    own = BayesianMixture().set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        own.fit([[1.0], [2.0], [4.0]])


def test_a_fit_that_has_not_converged_warns(arms):
    with pytest.warns(ConvergenceWarning, match="effective"):
        own = BayesianMixture(2, **SHORT).fit(arms[["length"]])
    assert not own.converged_


def test_unfitted():
    own = BayesianMixture()
    for name in ("elpd_loo_", "bic_", "fit_"):
        assert not hasattr(own, name)
    with pytest.raises(NotFittedError):
        own.elpd_loo_  # noqa: B018
    with pytest.raises(NotFittedError):
        own.sample()


# Pipelines and searches


@pytest.fixture(scope="module")
def three_groups():
    rng = np.random.default_rng(1)
    return pd.DataFrame({"size": np.concatenate([rng.normal(m, 1, 40) for m in (0, 6, 12)])})


def test_in_a_pipeline(three_groups):
    labels = np.repeat([0, 1, 2], 40)
    pipeline = make_pipeline(StandardScaler(), BayesianMixture(3, **QUICK), LogisticRegression())
    assert pipeline.fit(three_groups, labels).score(three_groups, labels) > 0.95
    pipeline = make_pipeline(StandardScaler(), BayesianMixture(3, **QUICK)).set_output(transform="pandas")
    found = pipeline.fit_transform(three_groups)
    assert found.columns.tolist() == ["bayesianmixture0", "bayesianmixture1", "bayesianmixture2"]
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert pipeline[-1].fit_.layout.names == ("size",)


def test_search_by_loo_ranks_as_choose_components(three_groups):
    search = GridSearchCV(
        BayesianMixture(**QUICK), {"n_components": [1, 2, 3]}, scoring=loo_scorer, cv=WholeData(), error_score="raise"
    ).fit(three_groups)
    choice = bm.choose_components(
        three_groups["size"], [1, 2, 3], draws=1000, tune=500, random_seed=1, evidence=False, progressbar=False
    )
    found = search.cv_results_["mean_test_score"] * len(three_groups)
    np.testing.assert_allclose(found, choice.table["elpd"].loc[[1, 2, 3]], rtol=1e-12)
    assert search.best_params_ == {"n_components": 3}
    assert choice.best == 3


def test_search_by_held_out_density(three_groups):
    search = GridSearchCV(BayesianMixture(**QUICK), {"n_components": [1, 3]}, cv=3, error_score="raise")
    shuffled = three_groups.sample(frac=1, random_state=1)
    assert search.fit(shuffled).best_params_ == {"n_components": 3}
    train, test = shuffled.iloc[40:], shuffled.iloc[:40]
    expected = BayesianMixture(1, **QUICK).fit(train).score_samples(test).mean()
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(expected)


def test_loo_scores_the_rows_that_were_fitted(three_groups):
    own = BayesianMixture(1, **QUICK).fit(three_groups)
    score = loo_scorer(own, three_groups.copy())
    assert score == own.elpd_loo_ / 120
    assert loo_scorer(own, pl.from_pandas(three_groups)) == score
    for others in (three_groups.head(50), three_groups + 1):
        with pytest.raises(InputError, match="loo_scorer must score the rows that were fitted"):
            loo_scorer(own, others)
    pipeline = make_pipeline(StandardScaler(), BayesianMixture(1, **QUICK)).fit(three_groups)
    scaled = StandardScaler().fit_transform(three_groups)
    assert loo_scorer(pipeline, three_groups) == loo_scorer(pipeline[-1], scaled)
    assert loo_scorer(make_pipeline(BayesianMixture(1, **QUICK)).fit(three_groups), three_groups) == score
    counts = np.tile([0, 1, 3], 40)
    weighted = BayesianMixture(1, **QUICK).fit(three_groups, sample_weight=counts)
    assert loo_scorer(weighted, three_groups) == weighted.elpd_loo_ / counts.sum()


@ignore_short_runs
def test_loo_gives_no_score_to_a_fit_that_has_not_converged(three_groups):
    assert np.isnan(loo_scorer(BayesianMixture(2, **SHORT).fit(three_groups), three_groups))


# from_sklearn


@pytest.fixture(scope="module")
def gmm(faithful):
    return GaussianMixture(2, random_state=0).fit(faithful)


def test_chains_start_at_the_solution(gmm, faithful, same):
    """Unpacked from the sampled space, the starts are the solution's parameters, a little noise apart."""
    problem = problem_of(same.resolved, same.observations).problem
    points = starts_at(same.resolved, problem, from_sklearn(gmm).start, 4, 1)
    assert points.shape == (4, problem.n_dim)
    assert len(np.unique(points, axis=0)) == 4
    np.testing.assert_array_equal(points, starts_at(same.resolved, problem, from_sklearn(gmm).start, 4, 1))
    order = np.argsort(gmm.means_[:, 0])
    for point in points:
        found = problem.expand(point)
        swap = np.argsort(found["mu"][:, 0])
        np.testing.assert_allclose(found["w"][swap], gmm.weights_[order], atol=0.03)
        np.testing.assert_allclose(found["mu"][swap], gmm.means_[order], rtol=0.05)
        sd = np.sqrt(np.diagonal(gmm.covariances_, axis1=1, axis2=2))
        np.testing.assert_allclose(found["sigma"][swap], sd[order], rtol=0.06)
        corr = gmm.covariances_[:, 1, 0] / sd.prod(axis=1)
        np.testing.assert_allclose(found["corr"][swap, 0], corr[order], atol=0.05)


def test_chains_from_the_solution_reach_the_same_posterior(gmm, faithful, model):
    own = from_sklearn(gmm).estimator(**QUICK).fit(faithful)
    assert own.converged_
    assert own.fit_.info.engine_reason.endswith("all chains started at given parameters")
    assert not np.array_equal(own.fit_.arrays.weights, model.fit_.arrays.weights)  # same seed, other starts
    mine, theirs = own.fit_.summary(), model.fit_.summary()
    error = np.hypot(mine["mcse_mean"].astype(float), theirs["mcse_mean"].astype(float))
    np.testing.assert_array_less(abs(mine["mean"].astype(float) - theirs["mean"].astype(float)), 4 * error)
    np.testing.assert_allclose(mine["sd"].astype(float), theirs["sd"].astype(float), rtol=0.2)
    clone(own).fit(faithful)


def test_the_row_of_a_baseline(gmm, faithful):
    row = from_sklearn(gmm).row(faithful)
    assert row.index.tolist() == ["EM, K = 2"]
    row = row.iloc[0]
    assert row["log_likelihood"] == pytest.approx(gmm.score(faithful) * len(faithful))
    assert row["n_parameters"] == 1 + 2 * 2 + 2 * 3
    assert row["bic"] == pytest.approx(-2 * row["log_likelihood"] + 11 * np.log(len(faithful)))
    assert row["aic"] == pytest.approx(-2 * row["log_likelihood"] + 2 * 11)
    assert row["log_likelihood"] - 30 < row["elpd"] < row["log_likelihood"]


def test_elpd_of_a_baseline_is_of_rows_held_out(arms):
    """Leaving out one row at a time, a single normal has a closed form."""
    y = arms["length"].to_numpy()
    row = from_sklearn(GaussianMixture(1, reg_covar=0.0).fit(arms[["length"]])).row(arms[["length"]], folds=100).iloc[0]
    left = np.array([np.delete(y, i) for i in range(len(y))])
    expected = stats.norm.logpdf(y, left.mean(axis=1), left.std(axis=1))
    assert row["elpd"] == pytest.approx(expected.sum())
    assert row["se"] == pytest.approx(np.sqrt(len(y)) * expected.std(ddof=1))


def test_what_from_sklearn_refuses(gmm, faithful, arms):
    with pytest.raises(NotFittedError):
        from_sklearn(GaussianMixture(2))
    with pytest.raises(InputError, match="gmm must be a GaussianMixture of scikit-learn, got BayesianGaussianMixture"):
        from_sklearn(BayesianGaussianMixture(n_components=2))
    own = from_sklearn(gmm)
    with pytest.raises(InputError, match=r"start must give 'mu' the shape \(2, 3\), got \(2, 2\)"):
        own.estimator(**SHORT).fit(faithful.assign(third=np.random.default_rng(1).normal(size=len(faithful))))
    with pytest.raises(InputError, match=r"start must give 'w' the shape \(3,\), got \(2,\)"):
        own.estimator(**SHORT).set_params(n_components=3).fit(faithful)
    with pytest.raises(InputError, match=r"start must give \['mu', 'sigma', 'w'\], got \['corr', "):
        own.estimator(**SHORT).fit(arms[["length"]])
    with pytest.raises(InputError, match="start must go with the compiled engine, got engine 'pymc'"):
        own.estimator(engine="pymc", **SHORT).fit(faithful)
    with pytest.raises(ValueError, match="feature names should match"):
        own.row(arms[["length"]])


def bad_start(**changes):
    return {"w": [0.5, 0.5], "mu": [17.0, 23.0], "sigma": [2.0, 2.0]} | changes


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (bad_start(w=[0.5, 0.6]), "start must give weights that sum to 1"),
        (bad_start(mu=[17.0, np.nan]), "start must hold finite numbers"),
        (bad_start(tau=1.0), "start must give .*, got .*'tau'"),
    ],
)
def test_starts_are_checked(arms, start, message):
    with pytest.raises(InputError, match=message):
        BayesianMixture(2, start=start, **SHORT).fit(arms[["length"]])


def test_a_correlation_of_no_matrix_is_no_start(faithful):
    start = {"w": [1.0], "mu": [[3.0, 70.0]], "sigma": [[1.0, 10.0]], "corr": [[1.5]]}
    with pytest.raises(InputError, match="start must lie where the posterior density is positive"):
        BayesianMixture(1, start=start, **SHORT).fit(faithful)


@ignore_short_runs
def test_starts_with_noise_and_with_a_scale_of_priors(arms):
    start = bad_start()
    noisy = BayesianMixture(2, noise=True, start=start, **SHORT).fit(arms[["length"]])
    assert noisy.weights_.shape == (3,)
    scaled = BayesianMixture(2, priors="richardson_green", start=start, **SHORT).fit(arms[["length"]])
    assert scaled.fit_.info.engine_reason.endswith("all chains started at given parameters")


# Optional


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_scikit_learn_is_optional():
    done = run("import sys, bayesmix; bayesmix.Mixture(2); print('sklearn' in sys.modules)")
    assert done.stdout.strip() == "False"
    done = run("import sys; sys.modules['sklearn'] = None; import bayesmix.sklearn")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        'ImportError: bayesmix.sklearn needs scikit-learn, which is not installed: pip install "bayesmix[sklearn]"'
    )
