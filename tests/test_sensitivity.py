"""Sensitivity to the prior: other priors, what becomes of the conclusion under them, and power-scaling."""

import logging
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats import psense_summary
from pymc.stats import compute_log_prior

import bayesmix as bm
from bayesmix.errors import InputError, SamplingError
from bayesmix.model import model_of
from bayesmix.priors import Distribution
from bayesmix.sensitivity import _refits, alternatives, log_prior, power_scaling, prior_sensitivity
from bayesmix.sensitivity._text import sentences
from tests.helpers import make_fit, two_groups

PRIORS = bm.priors


def short(mixture, y, **options):
    return mixture.fit(y, draws=100, tune=100, random_seed=1, progressbar=False, **options)


def two_clusters(n=40):
    rng = np.random.default_rng(3)
    return np.where(np.arange(n) < n / 2, -3.0, 3.0) + rng.normal(size=n)


# Alternative priors


def test_alternatives_of_the_default_priors():
    fit = two_groups([1.0, 2.0, 4.0, 8.0])
    mu, sigma = fit.resolved.priors["mu"], fit.resolved.priors["sigma"]
    made = alternatives(fit)
    assert list(made) == ["wider", "narrower", "few groups", "even weights", "richardson_green"]
    assert made["wider"].priors["mu"] == PRIORS.Normal(mu.mu, 2 * mu.sigma)
    assert made["narrower"].priors["sigma"] == PRIORS.LogNormal(sigma.mu, sigma.sigma / 2)
    assert made["few groups"].weights == PRIORS.Dirichlet(0.5)
    assert made["few groups"].priors == fit.resolved.priors
    assert made["even weights"].weights == PRIORS.Dirichlet(4.0)
    assert made["richardson_green"] == bm.Mixture(2, priors="richardson_green")


@pytest.mark.parametrize(
    ("mixture", "missing"),
    [
        (bm.Mixture(2, priors={"mu": PRIORS.Normal(0, 5)}), "richardson_green"),
        (bm.Mixture(2, priors="richardson_green"), "richardson_green"),
        (bm.Mixture(2, weights=PRIORS.Dirichlet(4.0)), "even weights"),
        (bm.Mixture(2, weights=PRIORS.Dirichlet((1.0, 2.0))), "few groups"),
    ],
    ids=["stated", "same set", "same weights", "asymmetric"],
)
def test_what_makes_no_sense_is_left_out(mixture, missing):
    fit = make_fit(
        [1.0, 2.0, 4.0], np.full((4, 2), 0.5), {"mu": np.ones((4, 2)), "sigma": np.ones((4, 2))}, mixture=mixture
    )
    assert missing not in alternatives(fit)


def test_named_priors_do_not_reach_other_families():
    fit = make_fit([1, 2, 4], np.full((4, 2), 0.5), {"mu": np.ones((4, 2))}, mixture=bm.Mixture(2, "poisson"))
    assert list(alternatives(fit)) == ["wider", "narrower", "few groups", "even weights"]


def test_priors_per_component_and_sparse_weights_are_changed_too():
    mixture = bm.Mixture(
        2, weights=PRIORS.SparseDirichlet(3.0), priors={"mu": [PRIORS.Normal(0, 1), PRIORS.Normal(5, 1)]}
    )
    fit = make_fit(
        [1.0, 2.0, 4.0], np.full((4, 2), 0.5), {"mu": np.ones((4, 2)), "sigma": np.ones((4, 2))}, mixture=mixture
    )
    made = alternatives(fit)
    assert made["wider"].priors["mu"] == (PRIORS.Normal(0, 2), PRIORS.Normal(5, 2))
    assert made["few groups"].weights == PRIORS.SparseDirichlet(1.5)


# The log-density of the prior


TABLE = pd.DataFrame(
    {"a": two_clusters(), "b": np.tile([0.1, 0.4, 0.7, 0.2], 10), "c": list("uvwu") * 10, "d": [0, 1] * 20}
)
CASES = {
    "noise": (
        bm.Mixture(2, noise=True, weights=PRIORS.SparseDirichlet(1.5), priors={"sigma": PRIORS.InverseGamma(3, 2)}),
        TABLE["a"],
    ),
    "unknown scale": (bm.Mixture(2, priors="richardson_green"), TABLE["a"]),
    "several columns": (
        bm.Mixture(2, "mv_normal", priors={"mu": {"a": PRIORS.Normal(0, 3), "b": PRIORS.Normal(0, 1)}}),
        TABLE[["a", "b"]],
    ),
    "table": (
        bm.Mixture(
            2,
            {"a": "normal", "c": "categorical", "d": "bernoulli"},
            priors={"c": {"p": PRIORS.Dirichlet((1, 2, 3))}, "d": {"p": PRIORS.Beta(2, 1)}},
        ),
        TABLE,
    ),
    "per component": (
        bm.Mixture(
            2,
            priors={
                "mu": [PRIORS.Normal(-3, 1), PRIORS.Normal(3, 2)],
                "sigma": [PRIORS.Gamma(2, 1), PRIORS.Gamma(3, 2)],
            },
        ),
        TABLE["a"],
    ),
}


COMPILED_LONG = ("several columns", "table", "noise")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in COMPILED_LONG else name for name in CASES]
)
def test_log_prior_is_that_of_pymc(name):
    mixture, y = CASES[name]
    fit = short(mixture, y)
    got = log_prior(fit)
    expected = compute_log_prior(fit.idata, model=fit.model, extend_inferencedata=False, progressbar=False)
    assert set(got) == set(expected)
    for variable, values in expected.items():
        np.testing.assert_allclose(got[variable].transpose(*values.dims).values, values.values, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def half_normal():
    return short(bm.Mixture(2, priors={"sigma": PRIORS.HalfNormal(2.0)}), two_clusters())


def test_log_prior_of_a_pymc_distribution_comes_from_pymc(half_normal):
    # The same draws, read as those of a prior that only PyMC knows.
    priors = {"mu": half_normal.resolved.priors["mu"], "sigma": Distribution("HalfCauchy", (2.0,))}
    other = replace(half_normal, resolved=replace(half_normal.resolved, priors=priors))
    got = log_prior(other)["sigma_free"].values
    sigma = half_normal.idata["posterior"]["sigma_free"].values
    np.testing.assert_allclose(got, np.log(2 / (math.pi * 2.0)) - np.log1p((sigma / 2.0) ** 2))
    assert not np.allclose(got, log_prior(half_normal)["sigma_free"].values)


# Power-scaling


@pytest.fixture
def quiet():
    """ArviZ logs a warning where it finds something."""
    logger = logging.getLogger("arviz_stats")
    level = logger.level
    logger.setLevel("ERROR")
    yield
    logger.setLevel(level)


def by_arviz(fit, density):
    variables = fit.idata["posterior"].to_dataset()[["w", *(v.name for v in fit.resolved.variables)]]
    likelihood = fit.idata["log_likelihood"].to_dataset()
    tree = {"posterior": variables, "log_prior": density, "log_likelihood": likelihood}
    # Its summary fails where a dimension is called component.
    renamed = {
        name: data.rename({"component": "group"}) if "component" in data.dims else data for name, data in tree.items()
    }
    return psense_summary(xr.DataTree.from_dict(renamed), round_to=10)


def test_power_scaling_is_arviz_summary(half_normal, quiet):
    model = model_of(half_normal.resolved, half_normal.observations)
    density = compute_log_prior(half_normal.idata, model=model, extend_inferencedata=False, progressbar=False)
    got = power_scaling(half_normal)
    pd.testing.assert_frame_equal(got, by_arviz(half_normal, density), check_dtype=False, atol=1e-9, check_names=False)
    assert list(got.index) == list(half_normal.summary().index)


def test_a_strong_prior_is_told_from_weak_data():
    y = two_clusters()
    # The one says what the data deny, the other what they cannot know.
    strong = power_scaling(short(bm.Mixture(1, priors={"mu": PRIORS.Normal(8, 0.5)}), y))
    weak = power_scaling(short(bm.Mixture(1, "student_t", priors={"nu": PRIORS.LogNormal(3, 1)}), y))
    fine = power_scaling(short(bm.Mixture(1, priors={"mu": PRIORS.Normal(0, 10), "sigma": PRIORS.LogNormal(1, 1)}), y))
    assert strong.loc["mu[0]", "diagnosis"] == "potential prior-data conflict"
    assert weak.loc["nu", "prior"] > 0.05
    assert (fine["diagnosis"] == "✓").all()


def test_a_prior_with_an_unknown_scale_is_no_prior_to_be_scaled(quiet):
    fit = short(*CASES["unknown scale"])
    without = by_arviz(fit, log_prior(fit).drop_vars("sigma_free"))
    np.testing.assert_allclose(power_scaling(fit)["prior"], without["prior"], atol=1e-9)
    assert not np.allclose(without["prior"], by_arviz(fit, log_prior(fit))["prior"], atol=1e-3)


def test_counts_scale_as_the_rows_they_stand_for():
    y, counts = np.array([0.0, 1.0, 4.0, 5.0]), np.array([3, 1, 2, 4])
    rows = short(bm.Mixture(2, "poisson"), y.repeat(counts))
    weighted = short(bm.Mixture(2, "poisson"), y, weights=counts)
    pd.testing.assert_frame_equal(power_scaling(rows), power_scaling(weighted))


# Memberships under another prior


def by_hand(mu, mixture=None, y=(0.0, 1.0, 9.0, 10.0)):
    shape = (4, len(mu))
    params = {"mu": np.tile(mu, (4, 1)), "sigma": np.ones(shape)}
    return make_fit(list(y), np.full(shape, 1 / len(mu)), params, mixture=mixture)


def test_agreement_by_hand():
    before, after = by_hand([0.0, 10.0]), by_hand([-4.0, 5.0])
    # With equal sds and weights the border is half-way: 5 before, 0.5 after; only 1.0 changes sides.
    share, change = _refits._agreement(before, after)
    assert share == 0.75
    odds = [[math.exp(-0.5 * ((y - a) ** 2 - (y - b) ** 2)) for y in (0.0, 1.0)] for a, b in ((0, 10), (-4, 5))]
    p = np.array(odds) / (1 + np.array(odds))
    assert change == pytest.approx(np.abs(p[0] - p[1]).max())
    assert np.isnan(_refits._agreement(by_hand([5.0]), by_hand([4.0]))).all()


def test_labels_are_matched_only_where_they_mean_nothing():
    y = {"a": [0.0, 1.0, 9.0, 10.0], "b": [0.0, 1.0, 0.0, 1.0]}
    mixture = bm.Mixture(2, {"a": "normal", "b": "normal"})

    def table(mu):
        other = {"b_mu": np.zeros((4, 2)), "b_sigma": np.ones((4, 2))}
        draws = {"a_mu": np.tile(mu, (4, 1)), "a_sigma": np.ones((4, 2)), **other}
        return make_fit(y, np.full((4, 2), 0.5), draws, mixture=mixture)

    assert _refits._agreement(table([0.0, 10.0]), table([10.0, 0.0])) == (1.0, pytest.approx(0.0))
    named = bm.Mixture(2, priors={"mu": [PRIORS.Normal(0, 1), PRIORS.Normal(10, 1)]})
    assert _refits._agreement(by_hand([0.0, 10.0], named), by_hand([10.0, 0.0], named))[0] == 0.0


# The whole


def only(monkeypatch, *names):
    """Try some of the alternative priors only."""
    monkeypatch.setattr(_refits, "alternatives", lambda fit: {name: alternatives(fit)[name] for name in names})


@pytest.fixture(scope="module")
def two(choice):
    """One and two components on the arm lengths."""
    return {k: choice.fits[k] for k in (1, 2)}


def test_arm_lengths(two):
    told = []
    found = prior_sensitivity(two, 1, draws=500, progress=lambda done, total: told.append((done, total)))
    table = found.table
    assert list(table.index) == ["as fitted", "wider", "narrower", "few groups", "even weights", "richardson_green"]
    assert told == [(done, 10) for done in range(11)]
    assert table.loc["as fitted", "elpd"] == pytest.approx(two[1].loo(repair=False).elpd)
    assert table.loc["as fitted", ["best", "elpd_diff", "same_best"]].tolist() == [1, 0.0, True]
    # With one component the prior of the weights is no matter; the draws are others.
    assert table.loc["even weights", "elpd_diff"] == pytest.approx(0, abs=0.1)
    assert table.loc["narrower", "elpd_diff"] < -0.15
    assert table["same_group"].isna().all()
    assert "most probable group" not in found.text
    assert "K = 1" in found.text
    assert list(found.power_scaling.index) == ["mu[0]", "sigma[0]"]
    assert "richardson_green" in repr(found)
    assert f"{table['elpd']['narrower']:.2f}" in repr(found)
    assert "diagnosis" in repr(found)
    assert found._repr_html_().count("<table") == 2


def strong_prior(k):
    """A prior that insists on wide components."""
    priors = {"mu": PRIORS.Normal(0, 3), "sigma": PRIORS.LogNormal(math.log(3.2), 0.13)}
    return bm.Mixture(k, priors=priors).fit(two_clusters(60), draws=1000, random_seed=1, progressbar=False)


def test_a_choice_that_the_prior_made(monkeypatch):
    only(monkeypatch, "wider", "narrower")
    found = prior_sensitivity({k: strong_prior(k) for k in (1, 2)}, 1)
    assert found.table["best"]["as fitted"] == 1
    assert found.table["best"]["wider"] == 2
    assert not found.table["same_best"]["wider"]
    assert found.table["same_best"]["narrower"]
    assert "The choice depends on the prior: K = 1 as fitted and with 'narrower'" in found.text
    assert "K = 2 with 'wider'. Report each, or state priors that you can defend" in found.text
    assert "(priors={'mu': bm.priors.Between(low, high)})" in found.text


def test_failures_are_noted_and_do_not_stop_the_rest(two, monkeypatch):
    real = _refits.fit_rows

    def failing(mixture, resolved, observations, settings):
        if mixture.n_components == 2 and mixture.weights == PRIORS.Dirichlet(4.0):
            raise SamplingError("the sampler stopped without draws: broken")
        return two[mixture.n_components] if mixture.priors.name else real(mixture, resolved, observations, settings)

    monkeypatch.setattr(_refits, "fit_rows", failing)
    only(monkeypatch, "even weights", "richardson_green")
    found = prior_sensitivity(two, 2, draws=50)
    assert found.table["note"]["even weights"].startswith("K = ")
    assert "K = 2 left out: the sampler stopped without draws: broken." in found.table["note"]["even weights"]
    assert pd.isna(found.table["elpd"]["even weights"])
    assert found.table["elpd_diff"]["richardson_green"] == 0
    assert found.table["same_group"]["richardson_green"] == 1
    assert "column 'note' says why" in found.text


def test_an_improper_posterior_is_left_out():
    y = np.array([1.0] * 8 + [2.0, 3.0, 4.0, 5.0])
    fit = short(bm.Mixture(2), y)
    assert "improper" in _refits._refit(fit, alternatives(fit)["richardson_green"], 100)
    again = _refits._refit(fit, alternatives(fit)["wider"], 100)
    assert again.info.draws == 100
    assert (again.info.chains, again.info.random_seed, again.info.tune) == (4, 1, 100)
    assert again.info.digest == fit.info.digest
    sigma = fit.resolved.priors["sigma"]
    assert again.resolved.priors["sigma"] == PRIORS.LogNormal(sigma.mu, 2 * sigma.sigma)


def test_the_number_chosen_must_have_a_fit(two):
    with pytest.raises(InputError, match=r"best must be one of .* \[1, 2\], got 3\. Take it from the comparison"):
        prior_sensitivity(two, 3)


# Sentences


def said(rows, *, k=2, reference=2, left_out=None, flagged=(), mixture=None):
    """Sentences about made-up rows: name to (best, share of rows that keep their group)."""
    table = pd.DataFrame(
        {
            "best": pd.array([best for best, _ in rows.values()], dtype="Int64"),
            "elpd_diff": [0.0, *[-0.25] * (len(rows) - 1)],
            "same_group": [share for _, share in rows.values()],
            "max_change": [0.0, *[0.126] * (len(rows) - 1)],
            "note": ["K = 2 left out: why." if pd.isna(best) else "" for best, _ in rows.values()],
        },
        index=list(rows),
    )
    table["same_best"] = table["best"] == reference
    index = ["mu[0]", "mu[1]", "sigma[0]"]
    scaling = pd.DataFrame({"prior": 0.01, "likelihood": 0.1, "diagnosis": "✓"}, index)
    for name, diagnosis in flagged:
        scaling.loc[name, ["prior", "diagnosis"]] = [0.2, diagnosis]
    fit = by_hand(np.linspace(0, 10, k), mixture)
    missing = {name: [] for name in rows} | (left_out or {})
    return " ".join(sentences(table, scaling, fit, reference, 500, missing))


def test_a_conclusion_that_stays():
    text = said({"as fitted": (2, 1.0), "wider": (2, 0.978), "few groups": (2, 1.0)})
    assert text == (
        "Under 2 alternative priors ('wider', 'few groups') the choice of K = 2 stays. elpd of K = 2 changes by up to "
        "0.2, Monte-Carlo error included. "
        "With K = 2 at least 97 % of the rows keep their most probable group (fewest with 'wider'); probabilities "
        "of a group change by up to 0.13. Power-scaling: no parameter of K = 2 reacts to the prior (all below 0.05). "
        "All by PSIS-LOO without refits for unreliable rows; other priors on 2 x 500 draws."
    )


def test_a_conclusion_that_does_not():
    rows = {
        "as fitted": (2, 1.0),
        "wider": (1, 1.0),
        "narrower": (3, 1.0),
        "few groups": (1, 1.0),
        "even weights": (2, 1.0),
    }
    text = said(rows, left_out={"wider": [4, 3]}, flagged=[("mu[1]", "potential prior-data conflict")])
    assert (
        "The choice depends on the prior: K = 2 as fitted and with 'even weights'; K = 1 with 'wider' without K = 3, "
        "4, 'few groups'; K = 3 with 'narrower'. Report each"
    ) in text
    assert "With K = 2 all of the rows keep their most probable group; " in text
    assert "that react to the prior (from 0.05 on): potential prior-data conflict for mu[1] (0.20)." in text


def test_what_could_not_be_judged_is_named():
    text = said({"as fitted": (2, 1.0), "wider": (pd.NA, np.nan), "narrower": (2, 1.0)}, left_out={"wider": [2]})
    assert text.startswith("Under 1 alternative prior ('narrower') the choice of K = 2 stays.")
    assert "No choice under 'wider': the fit of the number chosen as fitted is missing." in text
    assert "left out; the column 'note' says why." in text
    none = said({"as fitted": (2, 1.0), "wider": (pd.NA, np.nan)}, left_out={"wider": [2]})
    assert none.startswith("Under no alternative prior could a choice be made; the column 'note' says why.")
    assert said({"as fitted": (2, 1.0)}).startswith("No alternative prior could be tried")


def test_another_choice_by_psis_alone_and_priors_of_pymc_are_named():
    mixture = bm.Mixture(2, priors={"sigma": Distribution("HalfCauchy", (1.0,))})
    text = said({"as fitted": (1, 1.0), "narrower": (1, 1.0)}, reference=1, mixture=mixture)
    assert text.startswith("By PSIS-LOO without refits the choice as fitted is K = 1, not K = 2; ")
    assert "Not changed, since given as a PyMC distribution: the prior of sigma." in text
