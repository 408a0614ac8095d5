"""Engines, weights, continued runs and interrupts."""

import itertools
import signal
import subprocess
import sys
import time

import arviz_stats
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import bayesmix as bm
from bayesmix import sampling
from bayesmix.blocks import Layout
from bayesmix.compiled import problem_of, why_not_covered
from bayesmix.engine import nutpie_bridge
from bayesmix.errors import InputError, SamplingError
from bayesmix.families import MvNormal
from bayesmix.reading import observe
from bayesmix.resolving import resolve

Y = [1.0, 2.0, 2.0, 2.5, 7.0, 8.0, 9.0]
QUICK = {"draws": 300, "tune": 300, "random_seed": 1, "progressbar": False}

SPECS = {
    "default": bm.Mixture(3),
    "one": bm.Mixture(1),
    "common": bm.Mixture(2, bm.families.Normal(common_sigma=True)),
    "sigma order": bm.Mixture(2, order_by="sigma"),
    "sparse": bm.Mixture(4, weights=bm.priors.SparseDirichlet(2.0)),
    "identity": bm.Mixture(
        2, weights=bm.priors.Dirichlet([1, 3]), priors={"mu": [bm.priors.Normal(1, 2), bm.priors.Normal(8, 1)]}
    ),
    "gamma": bm.Mixture(2, priors={"sigma": bm.priors.Gamma(4, 2)}),
    "inverse gamma each": bm.Mixture(2, priors={"sigma": [bm.priors.InverseGamma(3, 2), bm.priors.InverseGamma(4, 2)]}),
    "half-normal": bm.Mixture(1, priors={"sigma": bm.priors.HalfNormal(2)}),
    "exponential": bm.Mixture(1, priors={"sigma": bm.priors.Exponential(2)}),
    "between": bm.Mixture(2, priors={"mu": bm.priors.Between(0, 10), "sigma": bm.priors.Between(0.5, 5)}),
    "positive means": bm.Mixture(2, priors={"mu": bm.priors.Gamma(4, 1)}),
    "unit means": bm.Mixture(2, priors={"mu": bm.priors.LogitNormal(0, 1)}),
}


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 1.0, 1.0, 3.0, 0.5, 1.0]], ids=["rows", "weighted"])
@pytest.mark.parametrize("name", SPECS)
def test_the_engine_equals_the_model(name, weights, rng):
    """Log-density and gradient of the compiled engine are those of the PyMC model, on its own vector."""
    observations = observe(Y, weights)
    resolved = resolve(SPECS[name], observations)
    assert why_not_covered(resolved) is None
    problem = problem_of(resolved, observations).problem
    model = bm.build_model(resolved, Y, weights=weights)
    logp, dlogp = model.compile_logp(mode="FAST_COMPILE"), model.compile_dlogp(mode="FAST_COMPILE")
    shapes = [(v.name, model.initial_point()[v.name].shape) for v in model.value_vars]
    assert sum(int(np.prod(shape)) for _, shape in shapes) == problem.n_dim
    for _ in range(3):
        point = {label: rng.normal(size=shape) for label, shape in shapes}
        x = np.concatenate([np.ravel(point[label]) for label, _ in shapes])
        value, gradient = problem.logp_and_grad(x)
        assert value == pytest.approx(float(logp(point)), rel=1e-9)
        expected = dlogp(point)
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["default", "common", "identity", "sigma order", "gamma"])
def test_the_engine_expands_to_the_models_variables(name, rng):
    observations = observe(Y)
    resolved = resolve(SPECS[name], observations)
    problem, model = problem_of(resolved, observations).problem, bm.build_model(resolved, Y)
    shapes = [(v.name, model.initial_point()[v.name].shape) for v in model.value_vars]
    point = {label: rng.normal(size=shape) for label, shape in shapes}
    x = np.concatenate([np.ravel(point[label]) for label, _ in shapes])
    names = ["w", "mu", "sigma"]
    expected = model.compile_fn(model.replace_rvs_by_values([model[n] for n in names]), mode="FAST_COMPILE")(point)
    found = problem.expand(x)
    for label, value in zip(names, expected, strict=True):
        np.testing.assert_allclose(found[label], value, rtol=1e-12)


def test_auto_takes_the_compiled_engine_where_it_can_and_says_why():
    fit = bm.Mixture(2).fit(Y, **QUICK)
    assert fit.info.engine == "compiled"
    assert "covers" in fit.info.engine_reason
    assert {"log_posterior", "log_mass", "hits", "mu"} <= set(fit.modes.columns)
    assert fit.modes["hits"].groupby("mode").first().sum() == 10
    odd = resolve(bm.Mixture(2, priors={"mu": pm.StudentT.dist(nu=3, mu=5, sigma=5)}), observe(Y))
    assert sampling.choose_engine(odd, "auto")[0] == "pymc"
    assert "StudentT" in sampling.choose_engine(odd, "auto")[1]
    assert sampling.choose_engine(odd, "pymc") == ("pymc", "asked for")
    with pytest.raises(InputError, match="StudentT"):
        sampling.choose_engine(odd, "compiled")
    with pytest.raises(InputError, match="engine must be"):
        bm.Mixture(2).fit(Y, engine="stan")


def test_both_engines_give_the_same_posterior(rng):
    y = np.concatenate([rng.normal(0, 1, 40), rng.normal(6, 1.5, 60)])
    mixture = bm.Mixture(2, priors={"sigma": bm.priors.Gamma(4, 2)})
    settings = {"random_seed": 1, "progressbar": False}
    ours, pymcs = (mixture.fit(y, engine=engine, **settings) for engine in ("compiled", "pymc"))
    assert (ours.info.engine, pymcs.info.engine) == ("compiled", "pymc")
    assert set(ours.idata["posterior"].data_vars) == set(pymcs.idata["posterior"].data_vars)
    for name in ("w", "mu", "sigma", "sigma_free", "mu_z", "w_free"):
        a, b = (f.idata["posterior"].to_dataset()[[name]] for f in (ours, pymcs))
        error = np.hypot(*(arviz_stats.mcse(d, method="mean")[name].values for d in (a, b)))
        gap = np.abs((a - b).mean(("chain", "draw"))[name].values)
        assert (gap <= 4.5 * error).all(), name
    assert pymcs.modes.empty


@pytest.mark.slow
def test_both_engines_give_the_same_posterior_of_a_table(rng):
    """Two families, intervals, missing cells, noise and row weights; draws relabelled."""
    group = rng.integers(0, 2, 80)
    table = pd.DataFrame({"a": np.round(rng.normal(6.0 * group, 1.0)), "b": rng.poisson(2 + 6 * group) * 1.0})
    table.loc[rng.random(80) < 0.2, "b"] = np.nan
    mixture = bm.Mixture(2, {"a": "normal", "b": "poisson"}, noise=True)
    settings = {"random_seed": 1, "progressbar": False, "resolution": {"a": 1.0}, "weights": rng.integers(1, 3, 80)}
    ours, pymcs = (mixture.fit(table, engine=engine, **settings) for engine in ("compiled", "pymc"))
    assert (ours.info.engine, pymcs.info.engine) == ("compiled", "pymc")
    assert set(ours.idata["posterior"].data_vars) == set(pymcs.idata["posterior"].data_vars)
    for name in ours.idata["posterior"].data_vars:
        a, b = (f.idata["posterior"].to_dataset()[[name]] for f in (ours, pymcs))
        assert a[name].dims == b[name].dims
        error = np.hypot(*(arviz_stats.mcse(d, method="mean")[name].values for d in (a, b)))
        gap = np.abs((a - b).mean(("chain", "draw"))[name].values)
        assert (gap <= 4.5 * error).all(), name


def test_counts_and_expanded_rows_give_the_same_bits():
    values, counts = [1.0, 2.0, 5.0, 9.0], [3, 1, 2, 4]
    rng = np.random.default_rng(0)
    counted = bm.Mixture(2).fit(values, weights=counts, **QUICK)
    expanded = bm.Mixture(2).fit(rng.permutation(np.repeat(values, counts)), **QUICK)
    for name in ("w", "mu", "sigma"):
        np.testing.assert_array_equal(counted.idata["posterior"][name], expanded.idata["posterior"][name])
    assert counted.loo().elpd == pytest.approx(expanded.loo().elpd, rel=1e-12)
    assert counted.loo().n_data_points == 10
    assert "log_likelihood" not in counted.idata.children
    assert "log_likelihood" in expanded.idata.children
    assert len(counted.assignments()) == 4


def test_counts_and_expanded_rows_of_a_table_give_the_same_bits():
    """Missing cells, two families and noise included."""
    table = pd.DataFrame({"a": [1.0, 2.0, None, 9.0, 8.0], "b": [0.0, None, 1.0, 7.0, 7.0]})
    counts = np.array([3, 1, 2, 4, 2])
    mixture = bm.Mixture(2, {"a": "normal", "b": "poisson"}, noise=True)
    counted = mixture.fit(table, weights=counts, **QUICK)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(5), counts))
    expanded = mixture.fit(table.iloc[order].reset_index(drop=True), **QUICK)
    for name in ("w", "w_noise", "a_mu", "a_sigma", "b_mu"):
        np.testing.assert_array_equal(counted.idata["posterior"][name], expanded.idata["posterior"][name])


def test_the_same_seed_gives_the_same_numbers_whatever_the_cores():
    table = pd.DataFrame({"a": [1.0, 2.0, 1.5, 9.0, 8.0], "b": [0.0, None, 1.0, 7.0, 7.0]})
    mixture = bm.Mixture(2, {"a": "normal", "b": "poisson"})
    one, two, other = (
        mixture.fit(table, **(QUICK | more)) for more in ({"cores": 1}, {"cores": 2}, {"random_seed": 2})
    )
    assert mixture.fit(table, **(QUICK | {"random_seed": None})).info.random_seed != 1
    for name in ("w", "a_mu", "a_sigma", "b_mu"):
        np.testing.assert_array_equal(one.idata["posterior"][name], two.idata["posterior"][name])
        assert (one.idata["posterior"][name] != other.idata["posterior"][name]).any()


def test_the_fit_states_how_its_data_were_read():
    points = bm.Mixture(2).fit(pd.Series(Y, name="length"), **QUICK)
    assert points.info.layout == Layout(("length",), (False,), (1,), (None,))
    assert points.info.measure == "points"
    rounded = bm.Mixture(2).fit(Y, resolution=0.5, **QUICK)
    assert rounded.info.layout == Layout((rounded.info.name,), (True,), (2,), (0.5,))
    assert rounded.info.measure == "intervals of 0.5"
    np.testing.assert_allclose(rounded.idata["observed_data"]["y_lower"], np.array(Y) - 0.25)
    np.testing.assert_allclose(rounded.idata["observed_data"]["y_upper"], np.array(Y) + 0.25)
    table = pd.DataFrame({"a": Y, "b": [0.0, 1.0, 1.0, 0.0, 5.0, 6.0, None]})
    mixed = bm.Mixture(2, {"a": "normal", "b": "poisson"}).fit(table, resolution={"a": 0.5}, **QUICK)
    assert mixed.info.layout == Layout(("a", "b"), (True, False), (2, 1), (0.5, None))
    assert mixed.info.measure == "intervals of 0.5 in 'a', points in 'b'"
    assert {"a", "a_lower", "a_upper", "b"} == set(mixed.idata["observed_data"].data_vars)


def test_case_weights_fit_but_are_refused_where_they_mean_nothing():
    fit = bm.Mixture(1).fit(Y, weights=[0.5] * 7, **QUICK)
    assert fit.summary().loc["mu[0]", "sd"] > bm.Mixture(1).fit(Y, **QUICK).summary().loc["mu[0]", "sd"]
    with pytest.raises(InputError, match="whole numbers"):
        fit.loo()


def test_weights_are_aligned_and_checked():
    y = pd.Series([1.0, 2.0, 5.0], index=["a", "b", "c"])
    np.testing.assert_array_equal(observe(y, pd.Series([3, 1, 2], index=["c", "a", "b"])).weights, [1, 2, 3])
    for bad, words in [
        ([1, 2], "3 rows, got 2 weights"),
        ([1, 0, 2], "got 0.0 at row 1"),
        ([1, np.nan, 2], "missing"),
        (pd.Series([1, 2, 3], index=["a", "b", "x"]), "rows without an entry"),
    ]:
        with pytest.raises(InputError, match=words):
            observe(y, bad)


def test_a_run_that_misses_its_checks_is_continued_and_thinned(monkeypatch):
    monkeypatch.setattr(sampling, "ESS_MIN", 10**9)
    fit = bm.Mixture(2).fit(Y, **QUICK)
    assert (fit.info.rounds, fit.info.thin) == (3, 4)
    assert fit.idata["posterior"].sizes["draw"] == 300
    assert list(fit.idata["posterior"]["draw"].values[:3]) == [0, 1, 2]
    assert fit.idata["sample_stats"].sizes["draw"] == 300
    again = bm.Mixture(2).fit(Y, **QUICK)
    np.testing.assert_array_equal(fit.idata["posterior"]["mu"], again.idata["posterior"]["mu"])
    assert fit.idata["sample_stats"]["bfmi"].dims == ("chain",)
    short = bm.Mixture(2).fit(Y, **(QUICK | {"draws": 50}))
    assert short.info.rounds == 1


@pytest.mark.parametrize("family", ["zip", "mv", "table"])
def test_every_kind_of_parameter_survives_a_continued_run(monkeypatch, family, rng):
    """A further round starts from the last draws: weights without parameters, correlations, shares of categories."""
    monkeypatch.setattr(sampling, "ESS_MIN", 10**9)
    monkeypatch.setattr(sampling, "_DIFFERENT_MODES", 10**9)
    seen = []
    whole = nutpie_bridge.sample

    def sample(problem, starts, **options):
        tree = whole(problem, starts, **options)
        seen.append((problem, starts, tree["posterior"].to_dataset().isel(draw=-1)))
        return tree

    monkeypatch.setattr(nutpie_bridge, "sample", sample)
    groups = rng.integers(0, 2, 60)
    columns = pd.DataFrame({"a": rng.normal(6 * groups), "b": rng.normal(3 * groups)})
    if family == "zip":
        fit = bm.Mixture(2, "poisson", zero_inflated=True).fit(rng.poisson(3 + 9 * groups) * (rng.random(60) > 0.2))
    elif family == "mv":
        fit = bm.Mixture(2, MvNormal("tied")).fit(columns)
    else:
        columns["c"] = np.array(list("xyz"))[rng.integers(0, 3, 60)]
        fit = bm.Mixture(2, {"a": "normal", "b": "student_t", "c": "categorical"}).fit(columns)
    assert (fit.info.rounds, len(seen)) == (3, 3)
    for (problem, _, last), (_, starts, _) in itertools.pairwise(seen):
        for chain, start in enumerate(starts):
            for name, value in problem.expand(start).items():
                np.testing.assert_allclose(value, last[name].values[chain], rtol=1e-8, atol=1e-10)


def test_a_run_with_divergences_is_repeated_with_smaller_steps(monkeypatch):
    whole, targets = sampling._sample_compiled, []

    def diverging(problem, starts, settings, options):
        posterior, stats = whole(problem, starts, settings, options)
        targets.append(options["target_accept"])
        stats["diverging"][0, 3] = len(targets) <= bad
        return posterior, stats

    monkeypatch.setattr(sampling, "_sample_compiled", diverging)
    long = QUICK | {"draws": 600}
    bad = 1
    fit = bm.Mixture(2).fit(Y, **long)
    assert targets[:2] == [0.9, pytest.approx(0.95)]
    assert fit.info.target_accept == targets[-1]
    assert fit.info.rounds == len(targets) >= 2
    assert not fit.idata["sample_stats"]["diverging"].any()
    bad, targets[:] = 99, []
    fit = bm.Mixture(2).fit(Y, **long)
    assert targets == pytest.approx([0.9, 0.95, 0.975])
    assert (fit.info.rounds, fit.info.target_accept) == (3, pytest.approx(0.975))
    assert fit.idata["sample_stats"]["diverging"].any()
    targets[:] = []
    short = bm.Mixture(2).fit(Y, **(QUICK | {"draws": 50}))
    assert (short.info.rounds, targets, short.info.target_accept) == (1, [0.9], 0.9)


def test_thinning_hides_no_warning():
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.array([[False, True, False, False], [False, False, False, False]])),
            "energy": (("chain", "draw"), np.array([[0.0, 0.1, 0.2, 0.3], [0.0, 1.0, 0.0, 1.0]])),
        }
    )
    thinned = sampling._thin_stats(stats, 2)
    np.testing.assert_array_equal(thinned["diverging"], [[True, False], [False, False]])
    by_hand = [np.sum(np.diff(e) ** 2) / 4 / np.var(e) for e in stats["energy"].values]
    np.testing.assert_allclose(thinned["bfmi"], by_hand, rtol=0.4)  # conventions differ in the divisor
    assert thinned["bfmi"][0] < thinned["bfmi"][1]


def test_nutpie_without_its_internals_runs_through_its_public_door(monkeypatch):
    def gone(*_):
        raise ImportError("no CompiledPyMCModel")

    with_pointers = bm.Mixture(2).fit(Y, **QUICK)
    monkeypatch.setattr(nutpie_bridge, "_pointer_model", gone)
    fit = bm.Mixture(2).fit(Y, **QUICK)
    assert "slower public interface" in fit.info.engine_reason
    np.testing.assert_allclose(
        fit.idata["posterior"]["mu"].values[:, :3], with_pointers.idata["posterior"]["mu"].values[:, :3], rtol=1e-6
    )


def test_ctrl_c_stops_a_long_fit_at_once():
    # A shell's background jobs inherit that SIGINT is ignored.
    code = (
        "import numpy as np, bayesmix as bm, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "y = np.random.default_rng(0).normal(2.0 * np.random.default_rng(1).integers(0, 8, 200_000), 1.0)\n"
        "bm.Mixture(2).fit(y[:50], draws=100, tune=100, progressbar=False)\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    bm.Mixture(8).fit(y, draws=50_000, progressbar=False)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            sent = time.monotonic()
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert out == "stopped\n"
    assert process.returncode == 0
    assert time.monotonic() - sent < 10


def test_an_interrupted_run_does_not_pass_for_a_whole_one(monkeypatch):
    whole = nutpie_bridge.sample
    monkeypatch.setattr(nutpie_bridge, "sample", lambda *a, draws, **k: whole(*a, draws=draws - 100, **k))
    with pytest.raises(KeyboardInterrupt):
        bm.Mixture(2).fit(Y, **QUICK)


def test_a_sampler_that_fails_is_told_with_a_remedy(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("all initial points failed")

    monkeypatch.setattr(nutpie_bridge, "sample", fail)
    with pytest.raises(SamplingError, match=r"initial points failed.*wider priors"):
        bm.Mixture(2).fit(Y, **QUICK)


def test_many_rows_start_in_the_right_mode():
    """Ten thousand rows in five groups, where jittered starts end in wrong modes."""
    rng = np.random.default_rng(3)
    y = rng.normal(5.0 * rng.integers(0, 5, 10_000), 1.0)
    fit = bm.Mixture(5).fit(y, draws=300, random_seed=1, progressbar=False)
    assert fit.info.tune == 500
    assert "log_likelihood" in fit.idata.children
    np.testing.assert_allclose(fit.idata["posterior"]["mu"].mean(("chain", "draw")), [0, 5, 10, 15, 20], atol=0.15)
    assert fit.check().worst[0] <= 1.01
    assert len(fit.assignments()) == 10_000
    assert fit.loo().subsample_size == 1000
