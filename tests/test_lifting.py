"""Mixtures that were sampled elsewhere, lifted: they must say what a fit of bayesmix says, whatever their labels."""

import re
import types

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from arviz_base import dict_to_dataset
from pymc.distributions.transforms import ordered

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.exact import repaired_loo
from bayesmix.fit import Fit
from bayesmix.posterior import model_variables
from bayesmix.sensitivity import power_scaling

NAMES = ("w", "mu", "sigma")


def variables(fit, names=None):
    """Return draws of a fit as arrays (chain, draw, ...)."""
    source = fit.idata["posterior"].to_dataset()
    return {name: np.array(source[name].values) for name in names or model_variables(fit)}


def switched(draws, component_axis=2, seed=0, shared=()):
    """Permute the components of every draw at random."""
    first = next(value for name, value in draws.items() if name not in shared)
    k = first.shape[component_axis]
    order = np.argsort(np.random.default_rng(seed).random((*first.shape[:2], k)), axis=2)
    out = {}
    for name, value in draws.items():
        index = order.reshape(*order.shape, *([1] * (value.ndim - 3))) if name not in shared else None
        out[name] = value if index is None else np.take_along_axis(value, index, axis=2)
    return out


def library(name, version):
    """Return what stands for the module of a sampler in ArviZ's converters."""
    module = types.ModuleType(name)
    module.__version__ = version
    return module


def known_priors(fit):
    return {"w": fit.resolved.weights, **fit.resolved.priors}


@pytest.fixture(scope="module")
def draws(fit):
    """The draws of the session's fit with switched labels."""
    return switched(variables(fit, NAMES))


@pytest.fixture(scope="module")
def lifted(arms, draws):
    """Lifted from arrays, with nothing else known."""
    return bm.from_idata(draws, arms["length"], random_seed=1)


def refusal(*args, **options):
    with pytest.raises(InputError) as caught:
        bm.from_idata(*args, **options)
    return str(caught.value)


# --- a mixture in raw PyMC --------------------------------------------------------------------------------------------


def sample_raw_pymc(fit, initvals=None, **options):
    """Sample the textbook mixture with the priors of a fit of normal components."""
    mu, sigma = fit.resolved.priors["mu"], fit.resolved.priors["sigma"]
    with pm.Model():
        means = pm.Normal("means", mu.mu, mu.sigma, shape=2, **options)
        sds = pm.LogNormal("sds", sigma.mu, sigma.sigma, shape=2)
        weights = pm.Dirichlet("weights", np.ones(2))
        pm.NormalMixture("length", weights, means, sigma=sds, observed=fit.observations.values)
        return pm.sample(
            draws=2500, tune=1000, chains=4, random_seed=3, target_accept=0.95, progressbar=False, initvals=initvals
        )


RAW_NAMES = {"w": "weights", "mu": "means", "sigma": "sds"}


def error_of_loo(fit):
    """Return the Monte-Carlo error of elpd by PSIS: from the spread between the chains, each lifted on its own."""
    y, draws = fit.observations.values, variables(fit, NAMES)
    chains = range(fit.info.chains)
    single = [bm.from_idata({n: v[[c]] for n, v in draws.items()}, y, random_seed=1) for c in chains]
    return np.std([one.loo(repair=False).elpd for one in single], ddof=1) / np.sqrt(len(chains))


def assert_same_posterior(one, other):
    """Compare two fits of the same posterior from independent draws: within 4 Monte-Carlo errors everywhere."""
    first, second = one.summary(), other.summary()
    error = np.hypot(first["mcse_mean"], second["mcse_mean"])
    assert (np.abs(first["mean"] - second["mean"]) < 4 * error).all()
    spread = np.hypot(first["mcse_sd"], second["mcse_sd"])
    assert (np.abs(first["sd"] - second["sd"]) < 4 * spread).all()

    rows = [fit.assignments() for fit in (one, other)]
    means = [fit.assignment_probabilities().values[:, 1] for fit in (one, other)]
    assert (np.abs(means[0] - means[1]) < 4 * np.hypot(rows[0]["mc_error"], rows[1]["mc_error"])).all()

    loos = [fit.loo(repair=False).elpd for fit in (one, other)]
    assert abs(loos[0] - loos[1]) < 4 * np.hypot(error_of_loo(one), error_of_loo(other)) < 0.5
    exact = [repaired_loo(fit, exact=True) for fit in (one, other)]
    assert all(loo.n_unrepaired == 0 for loo in exact)
    refit_error = np.sqrt(sum(((loo.counts * loo.mc_error) ** 2).sum() for loo in exact))
    assert abs(exact[0].elpd - exact[1].elpd) < 4 * refit_error < 0.5

    evidences = [fit.log_evidence() for fit in (one, other)]
    assert abs(evidences[0].value - evidences[1].value) < 4 * np.hypot(evidences[0].se, evidences[1].se) < 0.1


def test_a_raw_pymc_mixture_with_switched_labels(fit, arms):
    raw = sample_raw_pymc(fit)
    means = raw["posterior"]["means"].values
    assert 0.02 < (means[..., 0] > means[..., 1]).mean() < 0.98  # both labellings occur, so the raw means say nothing
    made = bm.from_idata(raw, arms["length"], var_names=RAW_NAMES, priors=known_priors(fit), random_seed=1)
    assert_same_posterior(made, fit)
    assert made.check().ok
    assert made.check().divergences == int(raw["sample_stats"]["diverging"].sum())
    assert made.info.source.startswith("nutpie ")
    assert made.info.tune == 1000
    assert made.info.seconds == pytest.approx(raw["posterior"].attrs["sampling_time"])

    # PyMC's own functions read the lifted tree, free variables and all.
    tree = made.idata.isel(draw=slice(0, 20))
    again = pm.compute_log_likelihood(tree, model=made.model, extend_inferencedata=False, progressbar=False)
    np.testing.assert_allclose(again["y"], tree["log_likelihood"]["y"], rtol=1e-9)


@pytest.mark.slow
def test_a_raw_pymc_mixture_with_ordered_means(fit, arms):
    raw = sample_raw_pymc(fit, transform=ordered, initvals={"means": np.array([17.0, 24.0])})
    made = bm.from_idata(raw, arms["length"], var_names=RAW_NAMES, priors=known_priors(fit), random_seed=1)
    assert_same_posterior(made, fit)
    for name, own in RAW_NAMES.items():
        np.testing.assert_allclose(variables(made)[name], raw["posterior"][own].values, rtol=1e-12)


# --- published draws of Stan ------------------------------------------------------------------------------------------


def test_posteriordb_reference_draws(reference):
    """The summaries that posteriordb publishes come out, and the evidence is that of a fit of bayesmix."""
    y, expected, flat = reference
    shaped = {name: value.reshape(10, 1000) for name, value in flat.items()}
    tree = {
        "weights": np.stack([shaped["theta"], 1 - shaped["theta"]], axis=-1),
        "mu": np.stack([shaped["mu[1]"], shaped["mu[2]"]], axis=-1),
        "sigma": np.stack([shaped["sigma[1]"], shaped["sigma[2]"]], axis=-1),
    }
    priors = {"mu": bm.priors.Normal(0, 2), "sigma": bm.priors.HalfNormal(2)}
    made = bm.from_idata(
        switched(tree), y, var_names={"w": "weights"}, priors={"w": bm.priors.Dirichlet(5), **priors}, random_seed=1
    )
    table = made.summary(ci_prob=0.95, ci_kind="eti")
    published = dict(zip(expected["names"], expected["mean"], strict=True))
    rows = {"mu[0]": "mu[1]", "mu[1]": "mu[2]", "sigma[0]": "sigma[1]", "sigma[1]": "sigma[2]", "w[0]": "theta"}
    for own, theirs in rows.items():
        at = expected["names"].index(theirs)
        assert table.loc[own, "mean"] == pytest.approx(published[theirs], abs=1e-9)
        assert table.loc[own, "sd"] == pytest.approx(expected["sd"][at], rel=1e-3)
        assert table.loc[own, "eti95_lb"] == pytest.approx(expected["quantiles"][at][0], abs=1e-3)
    own = bm.Mixture(2, priors=priors, weights=bm.priors.Dirichlet(5)).fit(y, random_seed=1, progressbar=False)
    difference = own.log_evidence().value - made.log_evidence().value
    assert abs(difference) < 4 * np.hypot(own.log_evidence().se, made.log_evidence().se) < 0.1


# --- trees as the converters make them --------------------------------------------------------------------------------


def numpyro_tree(draws, y, fields):
    """Return what ``arviz.from_numpyro`` gives: single precision, dims by plate, only the fields asked for."""
    numpyro = library("numpyro", "0.22.0")
    narrow = {name: value.astype(np.float32) for name, value in draws.items()}
    groups = {
        "posterior": dict_to_dataset(narrow, inference_library=numpyro, dims={"mu": ["plate"], "sigma": ["plate"]}),
        "sample_stats": dict_to_dataset(fields, inference_library=numpyro),
        "observed_data": dict_to_dataset({"obs": y.astype(np.float32)}, inference_library=numpyro, sample_dims=[]),
    }
    return xr.DataTree.from_dict(groups)


def test_numpyro_by_default_gives_divergences_only(draws, fit, arms):
    diverging = fit.idata["sample_stats"]["diverging"].values
    tree = numpyro_tree(draws, arms["length"].to_numpy(), {"diverging": diverging})
    assert tree["posterior"]["w"].dims == ("chain", "draw", "w_dim_0")  # a simplex is no plate
    assert tree["posterior"]["mu"].dims == ("chain", "draw", "plate")
    made = bm.from_idata(tree, arms["length"], random_seed=1)
    for name, value in variables(made).items():
        np.testing.assert_allclose(value, variables(fit)[name], rtol=1e-6)
    np.testing.assert_allclose(made.idata["posterior"]["w"].sum("component"), 1, rtol=1e-15)
    assert made.info.source == "numpyro 0.22.0"
    assert made.idata["posterior"].attrs["inference_library"] == "numpyro"
    assert made.check().divergences == 0
    assert np.isnan(made.check().bfmi)
    assert "no divergent draws in 8000, E-BFMI not known" in made.check().text
    with pytest.raises(InputError, match="energies"):
        made.plot_energy()


def test_numpyro_with_further_fields(draws, fit, arms):
    stats = fit.idata["sample_stats"].to_dataset()
    deep = np.zeros(stats["diverging"].shape, dtype=bool)
    deep[:, :30] = True
    fields = {"diverging": stats["diverging"].values, "energy": stats["energy"].values, "reached_max_tree_depth": deep}
    made = bm.from_idata(numpyro_tree(draws, arms["length"].to_numpy(), fields), arms["length"], random_seed=1)
    assert made.check().bfmi == pytest.approx(fit.check().bfmi)
    assert "120 of 8000 draws hit the sampler's largest tree" in made.check().text
    assert not made.check().ok


def test_cmdstanpy(draws, fit, arms):
    """``arviz.from_cmdstanpy``: six digits, names of the Stan program, log_lik as its own group, method variables."""
    stan, y = library("cmdstanpy", "1.3.0"), arms["length"].to_numpy()
    digits = {name: np.vectorize(lambda x: float(f"{x:.6g}"))(value) for name, value in draws.items()}
    own = fit.idata["sample_stats"].to_dataset()
    stats = {name: own[name].values for name in ("lp", "acceptance_rate", "step_size", "n_steps", "diverging")}
    likelihood = fit.idata["log_likelihood"]["y"].values
    named = {"theta": digits["w"], "mu": digits["mu"], "sigma": digits["sigma"], "lp_per_row": likelihood[..., 0]}
    tree = xr.DataTree.from_dict(
        {
            "posterior": dict_to_dataset(named, inference_library=stan),
            "sample_stats": dict_to_dataset(stats | {"energy": own["energy"].values}, inference_library=stan),
            "log_likelihood": dict_to_dataset({"log_lik": likelihood}, inference_library=stan, skip_event_dims=True),
            "observed_data": dict_to_dataset({"y": y}, inference_library=stan, sample_dims=[]),
        }
    )
    made = bm.from_idata(tree, arms["length"], var_names={"w": "theta"}, random_seed=1)
    for name, value in variables(made).items():
        np.testing.assert_allclose(value, variables(fit)[name], rtol=1e-5)
    assert set(made.idata["posterior"].data_vars) == set(NAMES)  # what is no part of the mixture is left behind
    assert made.check().ok
    assert made.info.source == "cmdstanpy 1.3.0"

    tree["log_likelihood"] = xr.DataTree(tree["log_likelihood"].to_dataset() + 0.5)
    message = refusal(tree, arms["length"], var_names={"w": "theta"})
    assert "log_likelihood['log_lik'] has" in message
    assert "variances" in message


# --- labels -----------------------------------------------------------------------------------------------------------


def test_switched_labels_change_nothing(fit, arms, lifted):
    other = bm.from_idata(switched(variables(fit, NAMES), seed=9), arms["length"], random_seed=1)
    for name, value in variables(lifted).items():
        np.testing.assert_array_equal(value, variables(other)[name])
    pd.testing.assert_frame_equal(lifted.summary(), other.summary())
    pd.testing.assert_frame_equal(lifted.assignments(), other.assignments())
    assert lifted.loo().elpd == other.loo().elpd


def test_a_fit_of_bayesmix_lifted_is_the_same(fit, arms):
    made = bm.from_idata(fit.idata, arms["length"], priors=known_priors(fit), random_seed=1)
    for name, value in variables(fit, fit.idata["posterior"].data_vars).items():
        np.testing.assert_allclose(variables(made, [name])[name], value, rtol=1e-12, atol=1e-12)
    assert made.check().text == fit.check().text
    assert made.log_evidence().value == pytest.approx(fit.log_evidence().value, abs=1e-6)


def test_another_order(lifted, draws, arms):
    by_sd = bm.from_idata(draws, arms["length"], order_by="sigma", random_seed=1)
    assert (np.diff(variables(by_sd)["sigma"], axis=-1) >= 0).all()
    assert by_sd.loo().elpd == pytest.approx(lifted.loo().elpd, rel=1e-12)


def test_names_of_components(draws, arms):
    made = bm.from_idata(draws, arms["length"], classes=["child", "adult"], random_seed=1)
    assert set(made.assignments()["component"]) == {"child", "adult"}
    assert made.idata["posterior"]["component"].values.tolist() == ["child", "adult"]


Y = np.concatenate([np.linspace(0.5, 2.5, 15), np.linspace(9, 12, 18)])
COUNTS = np.array([0, 1, 1, 2, 2, 3, 1, 0, 9, 11, 12, 10, 14, 9, 11])
TABLE = pd.DataFrame(
    {"a": Y, "kind": np.where(Y < 5, "x", np.where(Y < 11, "y", "z")), "n": np.where(Y < 5, 2, 9) + np.arange(33) % 3}
)
SIDE = pd.DataFrame({"b": Y, "a": np.concatenate([Y[15:], Y[:15]]) * 0.1, "c": np.sin(np.arange(33))})
FAMILIES = {
    "gamma prior": (bm.Mixture(2, priors={"sigma": bm.priors.Gamma(2, 1)}), Y),
    "half-normal and interval": (
        bm.Mixture(2, priors={"mu": bm.priors.Between(0, 12), "sigma": pm.HalfNormal.dist(3)}),
        Y,
    ),
    "common sigma": (bm.Mixture(2, bm.families.Normal(common_sigma=True)), Y),
    "unknown scale": (bm.Mixture(2, priors="richardson_green"), Y),
    "a prior for each": (
        bm.Mixture(
            2, priors={"mu": [bm.priors.Normal(10, 3), bm.priors.Normal(1, 3)]}, weights=bm.priors.Dirichlet((2, 1))
        ),
        Y,
    ),
    "one component": (bm.Mixture(1), Y),
    "student_t": (bm.Mixture(2, "student_t"), Y),
    "beta": (bm.Mixture(2, "beta"), Y / 13),
    "von_mises": (bm.Mixture(2, "von_mises"), Y / 4 - 1.5),
    "poisson": (bm.Mixture(2, "poisson"), COUNTS),
    "binomial": (bm.Mixture(2, bm.families.Binomial(trials=15)), COUNTS),
    "table": (bm.Mixture(2, {"a": "normal", "kind": "categorical", "n": "poisson"}), TABLE),
    "mv_normal": (bm.Mixture(2, "mv_normal"), SIDE),
    "tied": (bm.Mixture(2, bm.families.MvNormal(covariance="tied")), SIDE),
}


@pytest.mark.parametrize(("mixture", "y"), FAMILIES.values(), ids=FAMILIES)
def test_every_kind_of_variable_comes_back(mixture, y):
    """Lifting a fit's own draws, labels switched, gives its posterior again, the model's free variables too."""
    own = mixture.fit(y, draws=60, tune=200, chains=2, random_seed=1, progressbar=False)
    resolved = own.resolved
    names = [*model_variables(own), *(name for name in own.idata["posterior"].data_vars if name.endswith("_beta"))]
    shared = {v.name for v in resolved.variables if v.shared} | {name for name in names if name.endswith("_beta")}
    given = variables(own, names)
    if mixture.exchangeable and resolved.n_components > 1:
        given = switched(given, shared=shared)
    options = {"order_by": mixture.order_by, "family": mixture.family, "random_seed": 1}
    made = bm.from_idata(given, y, priors=known_priors(own), **options)
    assert set(made.idata["posterior"].data_vars) == set(own.idata["posterior"].data_vars)
    for name, variable in own.idata["posterior"].data_vars.items():
        found = made.idata["posterior"][name]
        assert found.dims == variable.dims
        np.testing.assert_allclose(found, variable, rtol=1e-9, atol=1e-9, err_msg=name)
        for dim in variable.dims:
            np.testing.assert_array_equal(found[dim], variable[dim])
    np.testing.assert_allclose(made.idata["log_likelihood"]["y"], own.idata["log_likelihood"]["y"], rtol=1e-9)
    assert made.info.engine == own.info.engine
    assert set(made.idata.children) >= {"posterior", "sample_stats", "observed_data", "log_likelihood", "modes"}


def test_columns_and_categories_are_matched_by_name():
    own = bm.Mixture(2, "mv_normal").fit(SIDE, draws=60, tune=200, chains=2, random_seed=1, progressbar=False)
    source = own.idata["posterior"].to_dataset()
    turned = source[["w", "mu", "sigma", "corr"]].isel(feature=[2, 0, 1])
    made = bm.from_idata(turned, SIDE, family="mv_normal", random_seed=1)
    np.testing.assert_allclose(made.idata["posterior"]["mu"], source["mu"], rtol=1e-12)
    strange = turned.assign_coords(feature=["u", "v", "w"])
    assert "must be called 'b', 'a', 'c', got 'u', 'v', 'w'" in refusal(strange, SIDE, family="mv_normal")
    fewer = turned.isel(feature=[0, 1])
    assert "must have 3 entries per component" in refusal(fewer, SIDE, family="mv_normal")
    square = source[["w", "mu", "sigma"]].assign(
        corr=(("chain", "draw", "component", "u", "v"), np.zeros((2, 60, 2, 3, 3)))
    )
    assert "np.tril_indices" in refusal(square, SIDE, family="mv_normal")


def test_the_component_may_stand_anywhere(draws, lifted, arms):
    tree = {name: xr.DataArray(v, dims=("chain", "draw", "cluster")) for name, v in draws.items()}
    turned = xr.Dataset(tree).transpose("cluster", "draw", "chain")
    made = bm.from_idata(xr.DataTree.from_dict({"posterior": turned}), arms["length"], random_seed=1)
    np.testing.assert_array_equal(variables(made)["mu"], variables(lifted)["mu"])


def test_one_component_needs_no_weights(arms):
    rng = np.random.default_rng(1)
    scalars = {"mu": 22 + rng.normal(size=(2, 200)), "sigma": 3 + rng.random((2, 200))}
    made = bm.from_idata(scalars, arms["length"], random_seed=1)
    assert made.n_components == 1
    assert (made.idata["posterior"]["w"] == 1).all()
    assert "must hold the weights 'w'" in refusal(
        {n: np.stack([v, v + 1], -1) for n, v in scalars.items()}, arms["length"]
    )


def test_weights_and_rounding(draws, arms):
    counts = arms["length"].value_counts()
    short = bm.from_idata(draws, counts.index.to_numpy(), weights=counts.to_numpy(), random_seed=1)
    long = bm.from_idata(draws, arms["length"], random_seed=1)
    assert short.loo().elpd == pytest.approx(long.loo().elpd, rel=1e-9)
    assert "log_likelihood" not in short.idata.children
    rounded = bm.from_idata(draws, arms["length"], resolution=0.5, random_seed=1)
    assert rounded.info.measure == "intervals of 0.5"


# --- what works without priors, and what does not ---------------------------------------------------------------------


def test_what_reads_draws_works_without_priors(lifted, fit, arms, tmp_path):
    pd.testing.assert_frame_equal(lifted.summary(), fit.summary())
    assert lifted.loo().elpd == pytest.approx(fit.loo(repair=False).elpd, rel=1e-9)
    assert lifted.loo().warning == fit.loo(repair=False).warning
    assert lifted.waic().elpd == pytest.approx(fit.waic().elpd, rel=1e-9)
    labels = {"labels": arms["nlabel"], "classes": ["child", "adult"]}
    pd.testing.assert_frame_equal(lifted.evaluate(**labels).table, fit.evaluate(**labels).table)
    pd.testing.assert_series_equal(lifted.loo_assignments()["pareto_k"], fit.loo_assignments()["pareto_k"])
    for method in ("assignments", "co_clustering", "density", "draws", "simulate", "rule_shape", "point_partition"):
        assert getattr(lifted, method)() is not None, method
    assert "another sampler" in repr(lifted)
    assert "lifted by bayesmix.from_idata" in lifted._repr_html_()
    assert "not known" in lifted.mixture._repr_html_()

    lifted.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    assert repr(again) == repr(lifted)
    assert again.mixture == lifted.mixture
    assert again.info.lifted
    lifted.save(tmp_path / "fit.zarr", data=False)
    pd.testing.assert_frame_equal(bm.load(tmp_path / "fit.zarr").summary(), lifted.summary())

    both = bm.compare({"own": fit, "lifted": lifted})
    assert both.table.loc["lifted", "divergences"] is pd.NA
    assert both.table.loc["lifted", "n_repaired"] == 0
    assert both.table.loc["own", "n_repaired"] == both.table.loc["own", "n_high_k"]
    assert pd.isna(both.table.loc["lifted", "log_evidence"])


def test_rows_that_need_a_refit_stay_unreliable(arms):
    """An outlier's weights fail: it is repaired where the priors are known, and marked where they are not."""
    y, labels = [*arms["length"], 45.0], [*arms["nlabel"], "adult"]
    fit = bm.Mixture(2).fit(y, random_seed=1, progressbar=False)
    draws = variables(fit, NAMES)
    blind = bm.from_idata(draws, y, random_seed=1)
    seeing = bm.from_idata(draws, y, priors=known_priors(fit), random_seed=1)
    rows, repaired = blind.loo_assignments(), seeing.loo_assignments()
    assert 0 < rows["unreliable"].sum() < 5
    assert not rows["refitted"].any()
    assert (repaired["refitted"] == rows["unreliable"]).all()
    assert not repaired["unreliable"].any()
    known = {"labels": labels, "classes": ["child", "adult"]}
    assert blind.loo_evaluate(**known).n_unreliable == rows["unreliable"].sum()
    assert (blind.loo().warning, seeing.loo().warning) == (True, False)
    assert "no refit replaced it: 'blind'" in bm.compare({"blind": blind, "seeing": seeing}).text
    assert seeing.loo().elpd == pytest.approx(fit.loo().elpd, abs=0.3)


PLOTS = sorted(
    name for name in dir(Fit) if name.startswith("plot_") and name not in ("plot_contours", "plot_membership_ternary")
)


@pytest.mark.parametrize("name", PLOTS)
def test_plots(name, lifted, arms):
    scored = {"plot_confusion", "plot_roc", "plot_reliability", "plot_rejection"}
    arguments = {"labels": arms["nlabel"], "classes": ["child", "adult"]} if name in scored else {}
    refused = {"plot_prior_posterior": "priors", "plot_energy": "energies", "plot_pairs": "column"}
    try:
        if name in refused:
            with pytest.raises(InputError, match=refused[name]):
                getattr(lifted, name)()
        else:
            assert getattr(lifted, name)(**arguments) is not None
    finally:
        plt.close("all")


@pytest.mark.parametrize(
    "act",
    [
        lambda fit: fit.log_evidence(),
        lambda fit: fit.log_evidence(method="smc"),
        lambda fit: fit.model,
        lambda fit: fit.loo(exact=True),
        lambda fit: fit.loo_assignments(exact=True),
        lambda fit: fit.plot_prior_posterior(),
        lambda fit: fit.mixture.prior_predictive(fit.observations.values),
        lambda fit: fit.mixture.fit(fit.observations.values, random_seed=1, progressbar=False),
        lambda fit: power_scaling(fit),
        lambda fit: fit.resolved.total_concentration(),
        lambda fit: fit.resolved.priors["mu"].spread(2),
    ],
    ids=["bridge", "smc", "model", "loo", "loo rows", "plot", "predictive", "fit", "power", "weights", "spread"],
)
def test_what_needs_priors_refuses_to_guess_them(act, lifted):
    with pytest.raises(InputError, match=re.escape("bm.from_idata(idata, y, priors={'w'")):
        act(lifted)


def test_reports_say_where_the_draws_come_from(lifted, fit, draws, arms, tmp_path):
    made = bm.report(lifted, labels=arms["nlabel"])
    text = made.to_markdown(tmp_path / "report.md").read_text()
    assert "sampled by another sampler and lifted into bayesmix" in text
    assert "priors that the draws were made with are not known" in text
    assert "Fitted with" not in text
    made.to_html(tmp_path / "report.html")

    tree = numpyro_tree(draws, arms["length"].to_numpy(), {})
    named = tree["posterior"].to_dataset().rename(w="weights")
    other = bm.from_idata(
        xr.DataTree.from_dict({"posterior": named}),
        arms["length"],
        var_names={"w": "weights"},
        priors=known_priors(fit),
        order_by="sigma",
        classes=["even", "varied"],
        random_seed=5,
    )
    text = bm.report(other).to_markdown(tmp_path / "other.md").read_text()
    assert "sampled by numpyro 0.22.0" in text
    lines = text[text.index("import bayesmix as bm") :]
    scope = {"idata": named, "y": arms["length"]}
    exec(lines[: lines.index("```")], scope)
    again = scope["fit"]
    assert (again.mixture, again.info.random_seed) == (other.mixture, 5)
    np.testing.assert_array_equal(variables(again)["mu"], variables(other)["mu"])


def test_one_chain_cannot_show_that_it_converged(draws, arms):
    made = bm.from_idata({name: value[:1] for name, value in draws.items()}, arms["length"], random_seed=1)
    assert not made.check().ok
    assert "All draws are of one chain" in made.check().text


def test_remedies_are_those_of_another_sampler(draws, arms):
    short = bm.from_idata({name: value[:, :40] for name, value in draws.items()}, arms["length"], random_seed=1)
    text = short.check().text
    assert "warm up and draw twice as long" in text
    assert "draws=" not in text
    longer = bm.from_idata({name: value[:, :300] for name, value in draws.items()}, arms["length"], random_seed=1)
    assert re.search(r"Draw \d+ per chain", longer.check().text)
    stats = {"diverging": np.ones((4, 2000), dtype=bool)}
    tree = xr.DataTree.from_dict({"posterior": dict_to_dataset(draws), "sample_stats": dict_to_dataset(stats)})
    text = bm.from_idata(tree, arms["length"], random_seed=1).check().text
    assert "8000 of 8000 draws diverged" in text
    assert "a higher target acceptance" in text


# --- bad input --------------------------------------------------------------------------------------------------------


def bad(draws, **changes):
    return {name: value for name, value in (draws | changes).items() if value is not None}


def with_value(values, at, value):
    out = values.copy()
    out[at] = value
    return out


CASES = {
    "not draws": (lambda d: [1, 2, 3], {}, "must be a DataTree, a Dataset, or a mapping", "arviz.from_dict"),
    "flat arrays": (lambda d: {"w": [1.0]}, {}, "of shape (chain, draw, ...)", "Convert"),
    "no posterior": (
        lambda d: xr.DataTree.from_dict({"prior": dict_to_dataset(d)}),
        {},
        "got the groups ['prior']",
        "Pass",
    ),
    "stacked": (
        lambda d: dict_to_dataset(d).stack(sample=("chain", "draw")),
        {},
        "must have the dimensions 'chain' and 'draw'",
        "unstack('sample')",
    ),
    "few draws": (lambda d: {n: v[:, :3] for n, v in d.items()}, {}, "one chain of 4 draws, got 4 of 3", "whole run"),
    "a name missing": (lambda d: bad(d, mu=None), {}, "must hold 'mu', 'mu' of the normal family", "var_names={'mu'"),
    "a precision": (
        lambda d: bad(d, sigma=None, tau=d["sigma"] ** -2),
        {},
        "must hold 'sigma'",
        "idata.posterior['sigma'] = idata.posterior['tau'] ** -0.5",
    ),
    "a log": (
        lambda d: bad(d, sigma=None, log_sigma=np.log(d["sigma"])),
        {},
        "must hold 'sigma'",
        "np.exp(idata.posterior['log_sigma'])",
    ),
    "a stray name": (
        lambda d: d,
        {"var_names": {"means": "mu"}},
        "['w', 'mu', 'sigma'], got 'means'",
        "name in the draws",
    ),
    "a name that is not there": (lambda d: d, {"var_names": {"w": "p"}}, "must hold 'p'", "var_names"),
    "names as a list": (lambda d: d, {"var_names": ["w"]}, "must map ['w', 'mu', 'sigma']", "{'w': 'weights'}"),
    "one weight": (lambda d: bad(d, w=d["w"][..., 0]), {}, "must have one dimension beside chain and draw", "1 - w"),
    "weights by row": (
        lambda d: bad(d, w=np.ones((4, 2000, 2, 3))),
        {},
        "one dimension beside chain and draw, the component, got ['w_dim_0', 'w_dim_1']",
        "Stack",
    ),
    "another K": (
        lambda d: bad(d, mu=np.zeros((4, 2000, 3))),
        {},
        "each of the 2 components",
        "one and the same mixture",
    ),
    "a shared sd": (lambda d: bad(d, sigma=d["sigma"][..., 0]), {}, "must have the dimensions", "common_sigma=True"),
    "sds where one is shared": (
        lambda d: d,
        {"family": bm.families.Normal(common_sigma=True)},
        "must have the dimensions ['chain', 'draw']",
        "one number per draw",
    ),
    "negative": (
        lambda d: bad(d, sigma=with_value(d["sigma"], (1, 5, 0), -0.5)),
        {},
        "got -0.5 in chain 1, draw 5, entry [0] (1 such values)",
        "np.exp",
    ),
    "not a number": (lambda d: bad(d, mu=with_value(d["mu"], (0, 0, 1), np.nan)), {}, "must be finite", "got nan"),
    "no probability": (lambda d: bad(d, w=with_value(d["w"], (2, 7, 1), -0.1)), {}, "must be at least 0", "got -0.1"),
    "logits": (lambda d: bad(d, w=2 * d["w"]), {}, "must add up to 1 in every draw, got 2 in chain", "softmax"),
    "texts": (lambda d: bad(d, mu=np.full((4, 2000, 2), "a")), {}, "must hold numbers", "Convert"),
    "priors by name": (
        lambda d: d,
        {"priors": "richardson_green"},
        "priors must map ['w', 'mu', 'sigma']",
        "Leave it out",
    ),
    "priors of some": (
        lambda d: d,
        {"priors": {"mu": bm.priors.Normal(0, 9)}},
        "got ['mu'] without ['w', 'sigma']",
        "leave out priors=",
    ),
    "a scale that is not there": (
        lambda d: d,
        {"priors": {"w": bm.priors.Dirichlet(1), **bm.priors.richardson_green(15, 28)}},
        "must hold 'sigma_beta', the unknown scale",
        "leave out priors=",
    ),
    "an order": (lambda d: d, {"order_by": "tau"}, "order_by must be one of ['mu', 'sigma']", "Leave it out"),
    "a random seed": (lambda d: d, {"random_seed": -1}, "random_seed must be an integer >= 0", "random_seed=1"),
}


@pytest.mark.parametrize(("make", "options", "rule", "remedy"), CASES.values(), ids=CASES)
def test_bad_draws_are_refused(make, options, rule, remedy, draws, arms):
    message = refusal(make(draws), arms["length"], **options)
    assert rule in message
    assert remedy in message


def test_a_scale_of_the_priors_is_one_number_per_draw(draws, arms):
    priors = {"w": bm.priors.Dirichlet(1), **bm.priors.richardson_green(15, 28)}
    beta = {"sigma_beta": np.ones((4, 2000, 2))}
    assert "must be one number per draw" in refusal(draws | beta, arms["length"], priors=priors)


def test_other_rows_are_refused(draws, arms):
    tree = numpyro_tree(draws, arms["length"].to_numpy(), {})
    shuffled = arms["length"].iloc[::-1].reset_index(drop=True)
    message = refusal(tree, shuffled)
    assert "in their order and units, got 24.5 in row 0 where observed_data['obs'] has 24" in message
    assert "standardised" in message
    assert "(19,) in observed_data['obs'], got (18,)" in refusal(tree, arms["length"].iloc[:18])
    without = tree.copy()
    del without["observed_data"]
    assert bm.from_idata(without, shuffled, random_seed=1).n_components == 2


def test_statistics_of_other_draws_are_refused(draws, arms):
    tree = numpyro_tree(draws, arms["length"].to_numpy(), {"diverging": np.zeros((4, 1000), dtype=bool)})
    assert "4 x 2000, got 4 x 1000 for 'diverging'" in refusal(tree, arms["length"])


def test_nothing_is_changed_in_what_is_passed(draws, arms):
    tree = numpyro_tree(draws, arms["length"].to_numpy(), {"diverging": np.zeros((4, 2000), dtype=bool)})
    before = tree.copy(deep=True)
    bm.from_idata(tree, arms["length"], random_seed=1)
    assert tree.identical(before)
