"""Every call that docs/arviz.md lists is run, and it lists every function that ArviZ has."""

import inspect
import re
import warnings
from pathlib import Path

import arviz_plots
import arviz_stats
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.exact import repaired_loo

PAGE = (Path(__file__).parents[1] / "docs" / "arviz.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
LISTED, _, LEFT_OUT = PAGE.partition("## What does not apply")
CALLS = dict(re.findall(r"^\| `(\w+)` \| `(az\..+?)` \|.*\|$", LISTED, flags=re.M))
REASONS = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", LEFT_OUT, flags=re.M))

#: Warnings of ArviZ that are right here, by the function that gives them: one of 19 rows has a high Pareto k.
HIGH_K = "Estimated shape parameter of Pareto distribution is greater than"
WARNS = dict.fromkeys(("loo", "loo_score", "reloo"), HIGH_K)


def functions_of(module):
    return {name for name, value in inspect.getmembers(module, inspect.isfunction) if not name.startswith("_")}


@pytest.fixture(scope="module")
def scope(choice):
    """Names of the page, from its own blocks of code; the sweep is the session's."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bm, "choose_components", lambda y, n_components, random_seed: choice)
        for block in BLOCKS:
            exec(block, made)
    return made


def run(name, scope):
    with warnings.catch_warnings():
        if name in WARNS:
            warnings.filterwarnings("ignore", message=WARNS[name], category=UserWarning)
        return eval(CALLS[name], scope)


def test_the_page_lists_every_function():
    known = functions_of(arviz_stats) | functions_of(arviz_plots)
    assert not set(CALLS) & set(REASONS)
    assert set(CALLS) | set(REASONS) == known
    for name, call in CALLS.items():
        assert call.startswith(f"az.{name}(")


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_page(name, scope, capsys):
    try:
        result = run(name, scope)
        assert result is not None
        if name.startswith(("plot_", "combine_", "add_")):
            assert result.viz["figure"].item().axes
    finally:
        plt.close("all")
        capsys.readouterr()  # psense_summary prints


def finite(result):
    """Return whether a result on the posterior holds numbers for every component of every parameter."""
    found = result.to_dataset()
    return all(np.isfinite(found[name]).all() and found[name].sizes["component"] == 2 for name in ("w", "mu", "sigma"))


@pytest.mark.parametrize(
    "name", ["mean", "median", "mode", "std", "var", "mad", "iqr", "hdi", "eti", "rhat", "ess", "mcse"]
)
def test_statistics_have_a_number_for_every_component(name, scope):
    assert finite(run(name, scope))


def test_arviz_and_the_fit_say_the_same(scope, fit, choice, capsys):
    assert run("summary", scope).equals(fit.summary())
    assert fit.check().ok
    assert run("diagnose", scope) is False  # no problem found
    assert run("loo", scope).elpd == pytest.approx(fit.loo(repair=False).elpd, abs=0.02)  # it has another r_eff
    by_k = {str(k): row for k, row in choice.table.iterrows()}
    exactly = CALLS["compare"].replace("az.compare(", "az.compare(round_to='none', compare_dict=")
    for name, row in eval(exactly, scope).iterrows():
        assert row["elpd"] == pytest.approx(by_k[name]["elpd"], rel=1e-6)
        assert row["elpd_diff"] == pytest.approx(by_k[name]["elpd_diff"], rel=1e-6, abs=1e-9)
    capsys.readouterr()


def test_arviz_refits_to_the_same_elpd(scope, fit):
    """Exact leave-one-out by ArviZ, other code and other draws, agrees with that of bayesmix, row by row."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Pareto", category=UserWarning)
        # At least the worst two rows by ArviZ's own k, which need not be that of bayesmix to the last digit.
        lowest = np.sort(eval("az.loo(fit.idata, pointwise=True)", scope).pareto_k.values)[-2] - 1e-6
        other = eval(f"az.reloo(refits, k_threshold={lowest})", scope)
    refitted = np.isnan(other.log_weights.isel(chain=0, draw=0).values)
    assert refitted.sum() >= 2
    own = repaired_loo(fit, exact=True)
    gap = np.abs(other.elpd_i.values - own.elpd_i[fit.observations.distinct.inverse])[refitted]
    errors = np.nanmax(own.mc_error)
    assert (gap < 4 * np.hypot(errors, 3 * errors)).all()  # the mean has 3 times the error


def test_draws_of_pymc_and_of_the_fit_are_of_one_distribution(scope, fit):
    """Posterior predictive draws by PyMC have the quantiles of the fit's own."""
    theirs = scope["idata"]["posterior_predictive"]["y"].values.ravel()
    own = fit.simulate(4000, random_seed=1)["length"].values.ravel()
    quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(theirs, quantiles), np.quantile(own, quantiles), atol=0.1)


def test_the_tree_is_left_as_it_was(scope, fit):
    assert set(scope["idata"].children) >= {"posterior_predictive", "prior", "prior_predictive", "log_prior"}
    assert not {"posterior_predictive", "prior", "log_prior"} & set(fit.idata.children)


def test_the_page_lifts_draws(scope, fit):
    lifted, seeing = scope["lifted"], scope["seeing"]
    pd.testing.assert_frame_equal(lifted.summary(), fit.summary())
    assert (lifted.mixture.priors_known, seeing.mixture.priors_known) == (False, True)
    assert seeing.loo().elpd == pytest.approx(fit.loo().elpd, rel=1e-9)
