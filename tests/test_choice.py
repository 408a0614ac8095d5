"""Choosing the number of components on the arm lengths."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmix as bm
from bayesmix import averaging, exact
from bayesmix import choice as module
from bayesmix.comparing import Comparison
from bayesmix.comparison import COLUMNS, rank
from bayesmix.errors import InputError, InterruptedWarning, NoConvergedFitError, SamplingError
from bayesmix.intervals import credible_interval
from bayesmix.selection import has_scaled_priors
from tests.helpers import make_fit


def test_nineteen_rows_cannot_tell_one_from_two(choice):
    assert choice.best == 1
    assert isinstance(choice.best, int)
    assert "K = 1, 2, 3 cannot be told apart" in choice.text
    assert list(choice.table.index) == [1, 2, 3]
    assert list(choice.table.columns) == list(COLUMNS)
    assert (choice.table["elpd_diff"] <= 0).all()
    assert (choice.table["elpd_diff"] == 0).sum() == 1
    assert choice.table["weight"].sum() == pytest.approx(1)
    assert (choice.table["note"] == "").all()


def test_fits_pass_their_checks_at_default_settings(choice):
    for fit in choice.fits.values():
        diagnosis = fit.check()
        assert diagnosis.ok, diagnosis.text
        rhat, bulk, tail = diagnosis.worst
        assert rhat <= 1.01
        assert min(bulk, tail) >= 400


def test_draws_are_ordered_and_free_variables_follow(choice):
    for k, fit in choice.fits.items():
        posterior = fit.idata["posterior"].to_dataset()
        assert (np.diff(posterior["mu"].values, axis=-1) > 0).all()
        mu = fit.resolved.priors["mu"]
        np.testing.assert_allclose(posterior["mu"], mu.mu + mu.sigma * posterior["mu_z"], rtol=1e-12)
        sigma = fit.resolved.priors["sigma"]
        np.testing.assert_allclose(posterior["sigma"], np.exp(sigma.mu + sigma.sigma * posterior["sigma_z"]), rtol=1e-9)
        if k > 1:
            np.testing.assert_allclose(posterior["w"], posterior["w_free"], rtol=1e-12)


def test_more_components_than_values_become_a_row_with_the_reason():
    result = bm.choose_components([1.0, 2.0, 2.0, 3.0], [1, 9], draws=500, tune=300, random_seed=1, progressbar=False)
    assert list(result.table.index) == [1, 9]
    assert "9 for 3 distinct values" in result.table.loc[9, "note"]
    assert np.isnan(result.table.loc[9, "elpd"])
    assert list(result.fits) == [1]
    assert "K = 9" in result.text


@pytest.mark.parametrize(
    ("counts", "options", "words"),
    [
        (3, {}, "several integers"),
        ("12", {}, "integer >= 1"),
        ([], {}, "at least one"),
        ([0, 1], {}, "got 0"),
        ([9], {}, "at least one of"),
        ([1, 2], {"mixture": bm.Mixture(2, weights=bm.priors.Dirichlet([1, 2]))}, "treat components alike"),
        ([1, 2], {"draws": 0}, "draws must be an integer >= 4"),
    ],
)
def test_bad_arguments(counts, options, words):
    with pytest.raises(InputError, match=words):
        bm.choose_components([1.0, 2.0, 2.0, 3.0], counts, **options)


QUICK = {"draws": 500, "tune": 500, "random_seed": 1, "progressbar": False}


@pytest.fixture(scope="module")
def two_kinds():
    """Two groups, plainly apart."""
    rng = np.random.default_rng(12)
    return pd.Series(np.concatenate([rng.normal(0, 1, 30), rng.normal(8, 1, 30)]), name="y")


def failing(k, error, monkeypatch):
    """Let the fit of k components fail."""
    plain = module.fit_mixture

    def broken(mixture, *arguments, **options):
        if mixture.n_components in k:
            raise error
        return plain(mixture, *arguments, **options)

    monkeypatch.setattr(module, "fit_mixture", broken)


@pytest.mark.parametrize(
    "error", [SamplingError("no draws"), FloatingPointError("no draws"), np.linalg.LinAlgError("no draws")]
)
def test_a_fit_that_fails_is_a_row_and_the_others_stand(error, two_kinds, monkeypatch):
    failing([1], error, monkeypatch)
    result = bm.choose_components(two_kinds, [1, 2], **QUICK, repair=False, evidence=False)
    assert list(result.fits) == [2]
    assert result.table.loc[1, "note"] == "not fitted: no draws"
    assert np.isnan(result.table.loc[1, "elpd"])
    assert "Whether fewer than 2 would do is therefore open." in result.text
    assert "1: not fitted: no draws" in repr(result)


def test_the_first_error_is_raised_where_all_fail(two_kinds, monkeypatch):
    first = SamplingError("of one component")
    plain = iter([first, SamplingError("of two components")])

    def broken(*arguments, **options):
        raise next(plain)

    monkeypatch.setattr(module, "fit_mixture", broken)
    with pytest.raises(SamplingError, match="of one component"):
        bm.choose_components(two_kinds, [1, 2], **QUICK)


def test_an_error_that_is_a_mistake_in_the_code_is_not_hidden(two_kinds, monkeypatch):
    failing([2], TypeError("a mistake"), monkeypatch)
    with pytest.raises(TypeError, match="a mistake"):
        bm.choose_components(two_kinds, [1, 2], **QUICK)


def test_an_interrupt_keeps_what_is_finished(two_kinds, monkeypatch):
    failing([3], KeyboardInterrupt(), monkeypatch)
    with pytest.warns(InterruptedWarning, match=r"no fit for n_components=\[3, 4\].*fits of n_components=\[1, 2\]"):
        result = bm.choose_components(two_kinds, range(1, 5), **QUICK)
    assert list(result.fits) == [1, 2]
    assert list(result.table.index) == [1, 2, 3, 4]
    assert result.table.loc[[3, 4], "note"].str.contains("interrupted before its turn").all()
    assert result.table["log_evidence"].isna().all()
    assert (result.table.loc[[1, 2], "n_repaired"] == 0).all()
    assert "K = 3, 4" in result.text.split("Not considered")[1]
    assert "agree" not in result.text.replace("WAIC agrees", "")


def test_an_interrupt_before_any_fit_is_one(two_kinds, monkeypatch):
    failing([1], KeyboardInterrupt(), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        bm.choose_components(two_kinds, [1, 2], **QUICK)


def test_an_interrupt_during_the_evidence_keeps_the_fits(two_kinds, monkeypatch):
    plain, done = module.log_evidence, []

    def interrupted(fit, **options):
        if done:
            raise KeyboardInterrupt
        done.append(fit)
        return plain(fit, **options)

    monkeypatch.setattr(module, "log_evidence", interrupted)
    with pytest.warns(InterruptedWarning, match=r"LOO is not repaired, there is no evidence for \[2\]"):
        result = bm.choose_components(two_kinds, [1, 2], **QUICK)
    assert list(result.fits) == [1, 2]
    assert list(result.table["log_evidence"].notna()) == [True, False]


def test_an_interrupt_during_the_refits_keeps_the_evidence(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(exact, "leave_out", interrupted)
    far = [0.1, 0.4, -0.3, 0.8, -1.1, 0.2, 1.3, -0.6, 6.0]
    with pytest.warns(InterruptedWarning, match=r"interrupted: LOO is not repaired\. The fits of n_components=\[1\]"):
        result = bm.choose_components(far, [1], **QUICK)
    assert result.table.loc[1, "n_high_k"] == 1
    assert result.table.loc[1, "n_repaired"] == 0
    assert np.isfinite(result.table.loc[1, "log_evidence"])


def test_rows_are_repaired_unless_switched_off():
    far = pd.Series([0.1, 0.4, -0.3, 0.8, -1.1, 0.2, 1.3, -0.6, 6.0], index=list("abcdefghi"))
    plain = bm.choose_components(far, [1], **QUICK, repair=False)
    assert list(plain.table["n_repaired"]) == [0]
    assert "no refit replaced it: K = 1 (row 'i'; Pareto k up to" in plain.text
    mended = bm.choose_components(far, [1], **QUICK)
    assert list(mended.table["n_repaired"]) == [1]
    assert "where it was unreliable: K = 1 (row 'i')" in mended.text
    assert mended.table.loc[1, "elpd"] != plain.table.loc[1, "elpd"]


def test_an_evidence_that_fails_is_missing(two_kinds, monkeypatch):
    def broken(*arguments, **options):
        raise np.linalg.LinAlgError("not positive definite")

    monkeypatch.setattr(module, "log_evidence", broken)
    result = bm.choose_components(two_kinds, [1, 2], **QUICK, repair=False)
    assert result.table["log_evidence"].isna().all()
    assert "vidence" not in result.text
    assert np.isnan(bm.compare({"one": result.fits[1]}).table.loc["one", "log_evidence"])


@pytest.mark.parametrize("progressbar", [True, False])
def test_nothing_is_printed_where_stderr_is_no_terminal(progressbar, capsys):
    bm.choose_components([1.0, 2.0, 4.0, 7.0], [1], draws=100, tune=100, random_seed=1, progressbar=progressbar)
    assert tuple(capsys.readouterr()) == ("", "")


def test_posterior_of_k(choice):
    found = choice.posterior_of_k()
    score = np.exp(found.table["log_evidence"] - found.table["log_evidence"].max())
    np.testing.assert_allclose(found.table["probability"], score / score.sum())
    for k, fit in choice.fits.items():
        assert found.table.loc[k, "log_evidence"] == fit.log_evidence().value
    assert "scale was taken from these data" in found.text
    certain = choice.posterior_of_k({1: 0, 2: 1, 3: 0})
    assert list(certain.table["probability"]) == [0, 1, 0]
    with pytest.raises(InputError, match=r"got none for \[3\]"):
        choice.posterior_of_k({1: 1, 2: 1})


FREE = {"mu": bm.priors.Normal(0, 9), "sigma": bm.priors.LogNormal(0, 1)}


@pytest.mark.parametrize(
    ("priors", "scaled"), [(None, True), (FREE, False), ({"mu": FREE["mu"]}, True), ("richardson_green", True)]
)
def test_priors_that_follow_the_data(priors, scaled):
    made = make_fit(
        [1.0, 2.0, 2.0, 9.0],
        np.ones((4, 1)),
        {"mu": np.zeros((4, 1)), "sigma": np.ones((4, 1)), "sigma_beta": np.ones(4)},
        mixture=bm.Mixture(1, priors=priors),
    )
    assert has_scaled_priors(made) is scaled


def test_default_priors_of_proportions_do_not_follow_the_data():
    draws = np.full((4, 1, 3), 1 / 3)
    letters = make_fit(list("abac"), np.ones((4, 1)), {"p": draws}, mixture=bm.Mixture(1, family="categorical"))
    assert not has_scaled_priors(letters)
    counts = make_fit([1, 1, 3, 4], np.ones((4, 1)), {"mu": np.ones((4, 1))}, mixture=bm.Mixture(1, family="poisson"))
    assert has_scaled_priors(counts)


def test_averages_are_those_of_averaging(choice):
    interval = credible_interval(0.5, None)
    weights = choice.table["weight"].to_numpy(dtype=float)
    assert weights.sum() == pytest.approx(1)
    grid = np.linspace(5, 35, 11)
    xr.testing.assert_identical(
        choice.density(grid, ci_prob=0.5), averaging.averaged_density(choice.fits, weights, interval, grid)
    )
    found = choice.predict([16.0, 22.5], ci_prob=0.5)
    rows = choice.fits[1]._new_rows([16.0, 22.5])
    pd.testing.assert_frame_equal(found, averaging.averaged_prediction(choice.fits, weights, rows, interval))
    xr.testing.assert_identical(choice.co_clustering(), averaging.co_clustering(choice.fits, weights))
    whole = choice.density()
    assert np.trapezoid(whole["density"], whole["grid"]) == pytest.approx(1, abs=0.02)


def test_weights_of_averages(choice):
    grid = np.linspace(5, 35, 11)
    probability = choice.posterior_of_k().table["probability"]
    expected = choice.density(grid, weights=probability.tolist())
    xr.testing.assert_identical(choice.density(grid, weights=probability), expected)
    xr.testing.assert_identical(choice.density(grid, weights=probability[::-1]), expected)  # matched by its index
    only = choice.density(grid, weights=[0, 1, 0])
    np.testing.assert_allclose(only["density"], choice.fits[2].density(grid)["density"])
    with pytest.raises(InputError, match="sum to 1"):
        choice.density(grid, weights=[1, 1, 1])


def test_averages_leave_out_fits_that_failed_their_checks(choice):
    ranking = choice.ranking
    two = Comparison(choice.fits, replace(ranking, table=ranking.table.assign(weight=[0.4, 0.0, 0.6]), passed=(1, 3)))
    expected = choice.density([20.0], weights=[0.4, 0.0, 0.6])["density"].item()
    assert two.density([20.0])["density"].item() == expected
    none = Comparison(choice.fits, replace(ranking, passed=()))
    with pytest.raises(NoConvergedFitError, match=r"none of \[1, 2, 3\]"):
        none.density()
    assert none.density([20.0], weights=[1, 0, 0])["density"].item() > 0


def test_criteria(choice):
    assert list(choice.criteria.index) == [1, 2, 3]
    assert {"BIC", "ICL"} <= {str(c).upper() for c in choice.criteria.columns}


def test_named_fits_have_averages_but_no_probability_of_k(choice):
    named = bm.compare({"one": choice.fits[1], "two": choice.fits[2]})
    for use in (named.posterior_of_k, lambda: named.criteria):
        with pytest.raises(InputError, match=r"fits by number of components, got the fits \['one', 'two'\]"):
            use()
    weights = named.table["weight"].to_numpy(dtype=float)
    np.testing.assert_allclose(
        named.density([20.0], weights=pd.Series({"two": 0.25, "one": 0.75}))["density"],
        named.density([20.0], weights=[0.75, 0.25])["density"],
    )
    assert named.predict([20.0])["log_density"].item() == pytest.approx(
        named.predict([20.0], weights=weights)["log_density"].item()
    )
    assert named.ranking.evidences["two"] == choice.ranking.evidences[2]


def test_a_template_with_a_named_set_of_priors(two_kinds):
    result = bm.choose_components(
        two_kinds, [1, 2], mixture=bm.Mixture(1, priors="richardson_green"), **QUICK, repair=False
    )
    assert list(result.fits) == [1, 2]
    assert result.fits[2].mixture.priors.name == "richardson_green"
    assert result.table.loc[2, "elpd"] > result.table.loc[1, "elpd"] + 10
    assert result.table.loc[2, "log_evidence"] > result.table.loc[1, "log_evidence"] + 10


@pytest.fixture(scope="module")
def positive():
    return pd.Series(np.random.default_rng(4).lognormal(1.0, 0.6, 60), name="y")


def of_family(y, family):
    return bm.Mixture(1, family=family).fit(y, **QUICK)


def normal(y):
    """A made-up fit."""
    return make_fit(y, np.ones((40, 1)), {"mu": np.linspace(1, 2, 40)[:, None], "sigma": np.ones((40, 1))})


def test_densities_of_the_same_column_are_compared(positive):
    fits = {family: of_family(positive, family) for family in ("normal", "student_t", "log_normal")}
    result = bm.compare(fits)
    assert list(result.table.index) == list(fits)
    assert result.table["elpd"].idxmax() == "log_normal"
    logs = of_family(np.log(positive), "normal")
    np.testing.assert_allclose(  # the Jacobian is what the two differ by
        result.table.loc["log_normal", "elpd"],
        bm.compare({"logs": logs}).table.loc["logs", "elpd"] - np.log(positive).sum(),
        atol=0.3,
    )
    with pytest.raises(InputError, match=r"lack the Jacobian.*fit the original column with family='log_normal'"):
        bm.compare({"raw": fits["normal"], "logs": logs})
    renamed = normal(np.log(positive).rename("log_y"))
    with pytest.raises(InputError, match=r"same columns.*lack the Jacobian"):
        bm.compare({"raw": fits["normal"], "logs": renamed})
    shuffled = normal(positive[::-1].reset_index(drop=True))
    with pytest.raises(InputError, match="different data") as caught:
        bm.compare({"raw": fits["normal"], "shuffled": shuffled})
    assert "Jacobian" not in str(caught.value)


def test_probabilities_of_the_same_counts_are_compared():
    y = np.random.default_rng(4).negative_binomial(2, 0.2, 60)
    result = bm.compare({family: of_family(y, family) for family in ("poisson", "negative_binomial")})
    assert result.best == "negative_binomial"
    assert "Clearly worse than the best: 'poisson'" in result.text
    assert "WAIC and the evidence agree" in result.text


def test_copies_and_pickles(choice):
    assert choice.fits[2].model.free_RVs  # a model that has been looked at does not get in the way
    for made in (copy.copy(choice), pickle.loads(pickle.dumps(choice))):
        assert made.best == choice.best
        assert made.text == choice.text
        assert len(made.fits[2].model.free_RVs) == 3
        pd.testing.assert_frame_equal(made.table, choice.table)


def test_reprs(choice):
    assert choice.text in repr(choice)
    assert "e-" not in repr(choice)  # weights such as 8e-17 are 0
    name = "<b>&"
    odd = Comparison({name: choice.fits[1]}, rank({name: choice.fits[1]}, {"x": "<i>" + "long " * 30}, "model"))
    html = odd._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;&amp;" in html
    assert ("long " * 30).strip() in html  # notes are whole
