"""A real fit on the arm lengths: reproducible, readable by PyMC and ArviZ, scored as known."""

import arviz_stats
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.criteria import waic_of
from bayesmix.errors import InputError
from bayesmix.settings import SamplerSettings


def test_tree_follows_the_schema(fit):
    assert {"posterior", "sample_stats", "observed_data", "log_likelihood"} <= set(fit.idata.children)
    posterior = fit.idata["posterior"]
    assert posterior["mu"].dims == ("chain", "draw", "component")
    assert posterior.sizes["chain"] == 4
    assert posterior.sizes["draw"] == 2000
    assert set(posterior.data_vars) == {"w", "mu", "sigma", "w_free", "mu_z", "sigma_z"}
    assert fit.idata["log_likelihood"]["y"].dims == ("chain", "draw", "obs")
    assert posterior.attrs["inference_library"] == "nutpie"
    table = arviz_stats.summary(fit.idata)
    assert float(table["r_hat"].max()) < 1.02


def test_same_seed_same_numbers_for_any_cores(fit, arms):
    settings = {"draws": 200, "tune": 200, "random_seed": 5, "progressbar": False}
    one = bm.Mixture(2).fit(arms["length"], cores=1, **settings)
    two = bm.Mixture(2).fit(arms["length"], cores=2, **settings)
    other = bm.Mixture(2).fit(arms["length"], **(settings | {"random_seed": 6}))
    for name in one.idata["posterior"].data_vars:
        np.testing.assert_array_equal(one.idata["posterior"][name], two.idata["posterior"][name])
    assert not np.array_equal(one.idata["posterior"]["mu"], other.idata["posterior"]["mu"])


def test_without_a_seed_one_is_drawn_and_repeats_the_fit(arms):
    settings = {"draws": 50, "tune": 100, "progressbar": False}
    fresh = bm.Mixture(2).fit(arms["length"], **settings)
    again = bm.Mixture(2).fit(arms["length"], random_seed=fresh.info.random_seed, **settings)
    np.testing.assert_array_equal(fresh.idata["posterior"]["mu"], again.idata["posterior"]["mu"])


def test_summary(fit):
    table = fit.summary()
    assert list(table.index) == ["w[0]", "w[1]", "mu[0]", "mu[1]", "sigma[0]", "sigma[1]"]
    assert {"mean", "sd", "eti89_lb", "eti89_ub", "r_hat", "ess_bulk"} <= set(table.columns)
    assert list(fit.summary(var_names=["mu"], ci_prob=0.5, ci_kind="hdi").columns)[2:4] == ["hdi50_lb", "hdi50_ub"]
    assert table.loc["mu[0]", "mean"] == pytest.approx(17.9, abs=0.5)
    assert table.loc["mu[1]", "mean"] == pytest.approx(24.4, abs=0.4)


def test_representations(fit):
    assert "Fit of 2 normal components to 19 rows of 'length'" in repr(fit)
    assert "The fit passed its checks" in repr(fit)
    assert "<table" in fit._repr_html_()


def test_scores_of_the_arm_lengths(fit, arms):
    """The known facts: 15 of 19 right when aligned, and the length itself ranks with an AUC of 0.867."""
    declared = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    matched = fit.evaluate(arms["nlabel"])
    for result in (declared, matched):
        assert result.table.loc["accuracy", "estimate"] == pytest.approx(15 / 19, abs=1 / 19 + 1e-9)
        assert result.table.loc["roc_auc", "estimate"] == pytest.approx(0.867, abs=0.02)
        row = result.table.loc["accuracy"]
        assert row["rule_eti89_lb"] < row["estimate"] < row["rule_eti89_ub"]
        assert row["total_eti89_ub"] - row["total_eti89_lb"] > row["rule_eti89_ub"] - row["rule_eti89_lb"]
    assert declared.mapping == {0: "child", 1: "adult"}
    assert (declared.mapping_kind, matched.mapping_kind) == ("declared", "best match")
    assert "optimistic" in matched.text
    swapped = fit.evaluate(arms["nlabel"], classes=["adult", "child"])
    assert swapped.table.loc["accuracy", "estimate"] == pytest.approx(1 - declared.table.loc["accuracy", "estimate"])


def test_labels_are_aligned_by_index(fit, arms):
    shuffled = arms["nlabel"].sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(fit.evaluate(shuffled).table, fit.evaluate(arms["nlabel"]).table)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"draws": 0}, "draws must be an integer >= 4"),
        ({"tune": -1}, "tune must be"),
        ({"chains": 1}, "chains must be an integer >= 2"),
        ({"cores": 0}, "cores must be"),
        ({"random_seed": -1}, "random_seed must be"),
        ({"random_seed": 1.5}, "random_seed must be"),
        ({"target_accept": 1.0}, "target_accept must lie"),
        ({"draws": True}, "got True"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(InputError, match=words):
        SamplerSettings(**settings)


def test_huge_offsets_and_tiny_scales_give_the_same_groups(arms):
    """The same rows in other units: the same memberships, up to the rounding of the data themselves."""
    settings = {"draws": 2000, "tune": 500, "random_seed": 3, "progressbar": False}
    base = bm.Mixture(2).fit(arms["length"], **settings).assignments()["probability"]
    for offset, scale in [(1e9, 1.0), (0.0, 1e-12)]:
        moved = bm.Mixture(2).fit(offset + scale * arms["length"], **settings)
        assert moved.check().worst[0] < 1.05
        np.testing.assert_allclose(moved.assignments()["probability"], base, atol=0.05)


def test_the_posterior_of_posteriordb_is_reproduced(reference):
    """low_dim_gauss_mix: priors given as PyMC distributions; agreement within Monte-Carlo error."""
    import pymc as pm

    data, expected, _ = reference
    mixture = bm.Mixture(
        2,
        weights=bm.priors.Dirichlet(5.0),
        priors={"mu": pm.Normal.dist(0, 2), "sigma": pm.HalfNormal.dist(2)},
    )
    fit = mixture.fit(data, random_seed=1, progressbar=False)
    assert fit.check().ok, fit.check().text
    posterior = fit.idata["posterior"].to_dataset()
    ours = {
        "mu[1]": posterior["mu"].sel(component=0),
        "mu[2]": posterior["mu"].sel(component=1),
        "sigma[1]": posterior["sigma"].sel(component=0),
        "sigma[2]": posterior["sigma"].sel(component=1),
        "theta": posterior["w"].sel(component=0),
    }
    for name, mean, sd, error in zip(
        expected["names"], expected["mean"], expected["sd"], expected["mcse_mean"], strict=True
    ):
        values = ours[name].values
        own_error = float(arviz_stats.mcse(values, method="mean"))
        assert abs(values.mean() - mean) <= 4 * np.hypot(own_error, error), name
        sd_error = np.hypot(float(arviz_stats.mcse(values, method="sd")), sd / np.sqrt(2 * 9500))
        assert abs(values.std() - sd) <= 4 * sd_error, name
    per_chain = [waic_of(chain).elpd for chain in fit.idata["log_likelihood"]["y"].values]
    # Ten reference chains of 1000 nearly independent draws have at most the error of our four.
    error = np.std(per_chain, ddof=1) / 2
    assert abs(fit.waic().elpd - expected["derived"]["elpd_waic"]) <= 4 * np.sqrt(2) * error
