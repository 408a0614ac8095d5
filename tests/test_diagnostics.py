"""The verdict: what passes, what does not, and the words for it."""

from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesmix.convergence import convergence
from bayesmix.diagnostics import _convergence_findings, check
from tests.helpers import make_fit


def made_fit(rng, n=2000, chains=4, shift=0.0, slow=False):
    """Two separated groups; `shift` moves one chain, `slow` makes draws correlated."""
    y = np.concatenate([rng.normal(0, 1, 30), rng.normal(10, 1, 30)])
    noise = rng.normal(size=(n, 2))
    if slow:
        noise = np.repeat(noise[:: n // 40], n // 40, axis=0)
    mu = np.array([0.0, 10.0]) + 0.1 * noise
    mu[: n // chains] += shift
    w = rng.dirichlet([30, 30], n)
    return make_fit(y, w, {"mu": mu, "sigma": rng.normal(1, 0.05, (n, 2))}, chains=chains)


def test_good_draws_pass(rng):
    diagnosis = made_fit(rng).check()
    assert diagnosis.ok
    assert diagnosis.text.startswith("The fit passed its checks")
    assert diagnosis.divergences == 0
    assert {"mu[0]", "sigma[1]", "w[0]", "log_likelihood"} <= set(diagnosis.table.index)
    assert "Diagnosis(ok=True)" in repr(diagnosis)
    assert "<table" in diagnosis._repr_html_()


def test_table_equals_arviz(rng):
    made = made_fit(rng)
    table = made.check().table
    draws = made.idata["posterior"].to_dataset()[["mu"]]
    expected = {
        "r_hat": arviz_stats.rhat(draws),
        "ess_bulk": arviz_stats.ess(draws, method="bulk"),
        "ess_tail": arviz_stats.ess(draws, method="tail", prob=(0.05, 0.95)),
    }
    for component in (0, 1):
        for column, values in expected.items():
            assert table.loc[f"mu[{component}]", column] == pytest.approx(float(values["mu"][component]))
    rhat, bulk, tail = made.check().worst
    assert (rhat, bulk, tail) == (table["r_hat"].max(), table["ess_bulk"].min(), table["ess_tail"].min())


def test_disagreeing_chains_fail_with_a_remedy(rng):
    diagnosis = made_fit(rng, shift=0.5).check()
    assert not diagnosis.ok
    assert "R-hat of mu" in diagnosis.text
    assert "draws=1000" in diagnosis.text


@pytest.mark.parametrize(("rhat", "words"), [(1.0104, "is 1.01040, above 1.01"), (1.0236, "is 1.024, above 1.01")])
def test_a_value_just_above_the_limit_reads_so(rng, rhat, words):
    table = pd.DataFrame({"r_hat": [rhat], "ess_bulk": [900.0], "ess_tail": [900.0]}, index=["mu[0]"])
    (finding,) = _convergence_findings(table, made_fit(rng).info)
    assert words in finding


def test_chains_that_stand_still_apart_disagree_without_a_warning():
    draws = np.repeat([0.0, 1.0], 20).reshape(1, 2, 20)
    assert convergence(["mu"], draws)["r_hat"].item() == np.inf


def test_few_effective_draws_fail_with_a_remedy(rng):
    diagnosis = made_fit(rng, slow=True).check()
    assert not diagnosis.ok
    assert "Too few effective draws" in diagnosis.text


def test_divergences_depth_and_energy_fail(rng):
    made = made_fit(rng)
    stats = made.idata["sample_stats"]
    stats["diverging"].values[0, :3] = True
    stats["energy"].values[:] = np.cumsum(rng.normal(size=stats["energy"].shape), axis=1)
    stats["maxdepth_reached"] = stats["diverging"].copy(data=np.ones(stats["diverging"].shape, bool))
    diagnosis = check(made)
    assert not diagnosis.ok
    assert diagnosis.divergences == 3
    assert "3 of 2000 draws diverged" in diagnosis.text
    assert "target_accept=0.95" in diagnosis.text
    assert "largest tree" in diagnosis.text
    assert "E-BFMI" in diagnosis.text


def test_a_constant_weight_is_left_out(rng):
    n = 1000
    made = make_fit(
        rng.normal(size=50), np.ones((n, 1)), {"mu": rng.normal(size=(n, 1)), "sigma": rng.gamma(50, 0.02, (n, 1))}
    )
    diagnosis = made.check()
    assert not any(name.startswith("w") for name in diagnosis.table.index)
    assert diagnosis.table.notna().all().all()


def with_modes(made, second=(3.0, 13.0)):
    made.idata["modes"] = xr.DataTree(
        xr.Dataset(
            {
                "w": (("mode", "component"), [[0.5, 0.5], [0.5, 0.5]]),
                "mu": (("mode", "component"), [[0.0, 10.0], list(second)]),
                "sigma": (("mode", "component"), [[1.0, 1.0], [1.0, 1.0]]),
                "log_posterior": ("mode", [-100.0, -104.0]),
                "log_mass": ("mode", [-105.0, -107.0]),
                "hits": ("mode", [19, 1]),
            }
        )
    )
    return made


def test_chains_in_different_modes_are_named(rng):
    made = with_modes(made_fit(rng, shift=3.0))
    text = check(made).text
    assert "different modes: chains 1, 2, 3 near mu = (0, 10) with about 0.88 of their mass" in text
    assert "chain 0 near mu = (3, 13)" in text
    assert "The posterior has" not in text  # what the chains' places say already
    assert len(made.modes) == 4


def test_what_the_audit_finds_is_noted_and_fails_nothing(rng):
    diagnosis = check(with_modes(made_fit(rng)))
    assert diagnosis.ok
    assert diagnosis.text.startswith("The fit passed its checks")
    assert "Note: the posterior has 2 modes, near w = (0.5, 0.5) and mu = (0, 10) (about 88 %" in diagnosis.text
    assert diagnosis.audit.findings[0].startswith("The posterior has 2 modes")
    assert "Note" not in check(made_fit(rng)).text


def test_without_data_there_is_no_audit(rng):
    made = made_fit(rng)
    diagnosis = check(replace(made, data=None))
    assert diagnosis.ok
    assert diagnosis.audit is None
    assert "Note" not in diagnosis.text
