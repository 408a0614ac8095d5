"""Trees follow ArviZ's schema, whatever was fitted: https://python.arviz.org/en/stable/schema/schema.html."""

from datetime import datetime
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from arviz_base.validate import validate_sample_dims

import bayesmix as bm
from bayesmix.schema import DRAWN

Y = np.concatenate([np.linspace(0.5, 2.5, 15), np.linspace(9, 12, 18)])
COUNTS = np.array([0, 1, 1, 2, 2, 3, 1, 0, 9, 11, 12, 10, 14, 9, 11])
TABLE = pd.DataFrame({"obs": Y, "kind": np.where(Y < 5, "x", np.where(Y < 11, "y", "z")), "n": np.arange(33) % 7})
TABLE.loc[3, "obs"] = np.nan
TWO = pd.DataFrame({"b": Y, "a": np.sin(np.arange(33))})

#: Of sample_stats: what the schema means by a name, as far as numbers can tell.
STATISTICS = ("lp", "acceptance_rate", "step_size", "n_steps", "diverging", "energy")

CASES = {
    "plain": (bm.Mixture(2), Y, {}),
    "names": (bm.Mixture(2, classes=["low", "high"]), pd.Series(Y, index=[f"row {i}" for i in range(33)]), {}),
    "one component": (bm.Mixture(1), Y, {}),
    "noise": (bm.Mixture(2, noise=True), Y, {}),
    "rounded": (bm.Mixture(2), np.round(Y * 2) / 2, {"resolution": 0.5}),
    "weights": (bm.Mixture(2), Y, {"weights": np.arange(33) % 3 + 1}),
    "labels": (bm.Mixture(2), Y, {"labels": ["a"] * 3 + [None] * 27 + ["b"] * 3}),
    "trials": (bm.Mixture(2, bm.families.Binomial(trials=15)), COUNTS, {}),
    "table": (bm.Mixture(2, {"obs": "normal", "kind": "categorical", "n": "poisson"}), TABLE, {}),
    "mv_normal": (bm.Mixture(2, "mv_normal"), TWO, {}),
}


@pytest.fixture(scope="module", params=CASES)
def made(request):
    mixture, y, options = CASES[request.param]
    return mixture.fit(y, draws=40, tune=100, chains=2, random_seed=1, progressbar=False, **options)


def test_dimensions_have_coordinates_and_draws_come_first(made):
    for name, group in made.idata.children.items():
        found = group.to_dataset()
        for dim in found.dims:
            assert dim in found.coords, (name, dim)
        assert not set(found.data_vars) & set(found.dims), name
        assert found.attrs.get("sample_dims") == (["chain", "draw"] if name in DRAWN else None)
        if name in DRAWN:
            assert validate_sample_dims(None, found) == ["chain", "draw"]
            for variable in found.data_vars.values():
                assert variable.dims[:2] == ("chain", "draw") or variable.name == "bfmi"


def test_groups_match_each_other(made):
    tree = made.idata
    draws = tree["posterior"].to_dataset()
    for name in DRAWN[1:]:
        if name in tree.children:
            for dim in ("chain", "draw"):
                np.testing.assert_array_equal(tree[name][dim], draws[dim])
    rows = tree["observed_data"].to_dataset()
    assert rows.sizes["obs"] == made.info.n
    if "log_likelihood" in tree.children:
        np.testing.assert_array_equal(tree["log_likelihood"]["obs"], rows["obs"].values[made.data.informative])
    if "constant_data" in tree.children:
        np.testing.assert_array_equal(tree["constant_data"]["obs"], rows["obs"])


def test_attributes(made):
    for name, group in made.idata.children.items():
        assert datetime.fromisoformat(group.attrs["created_at"]).tzinfo is not None, name
        assert group.attrs["inference_library"] == "nutpie"
        assert group.attrs["inference_library_version"] == version("nutpie")
        assert group.attrs["creation_library"] == "bayesmix"
    for name in ("posterior", "sample_stats"):
        assert made.idata[name].attrs["sampling_time"] == made.info.seconds
        assert made.idata[name].attrs["tuning_steps"] == 100


def test_statistics_mean_what_their_names_say(made):
    stats = made.idata["sample_stats"].to_dataset()
    assert set(STATISTICS) <= set(stats.data_vars)
    assert stats["diverging"].dtype == bool
    assert ((stats["acceptance_rate"] >= 0) & (stats["acceptance_rate"] <= 1)).all()
    assert "tree_depth" not in stats  # nutpie counts a doubling less
    assert (stats["n_steps"] >= 1).all()


def test_what_is_given_and_what_is_observed_are_apart():
    mixture, y, options = CASES["trials"]
    tree = mixture.fit(y, draws=40, tune=100, chains=2, random_seed=1, progressbar=False, **options).idata
    assert set(tree["observed_data"].data_vars) == {"y"}
    assert (tree["constant_data"]["y_trials"] == 15).all()
    mixture, y, options = CASES["weights"]
    fit = mixture.fit(y, draws=40, tune=100, chains=2, random_seed=1, progressbar=False, **options)
    np.testing.assert_array_equal(fit.idata["constant_data"]["row_weights"], options["weights"])
    assert "log_likelihood" not in fit.idata.children


def test_files_without_data_hold_no_constants(tmp_path):
    mixture, y, options = CASES["weights"]
    fit = mixture.fit(y, draws=40, tune=100, chains=2, random_seed=1, progressbar=False, **options)
    fit.save(tmp_path / "fit.nc", data=False)
    assert not {"observed_data", "constant_data"} & set(bm.load(tmp_path / "fit.nc").idata.children)
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc").idata
    for name, group in fit.idata.children.items():
        assert again[name].attrs == group.attrs, name


@pytest.mark.slow
def test_both_engines_write_the_same_groups():
    options = {"draws": 40, "tune": 100, "chains": 2, "random_seed": 1, "progressbar": False}
    trees = [bm.Mixture(2).fit(Y, engine=engine, **options).idata for engine in ("compiled", "pymc")]
    for name in ("posterior", "sample_stats", "observed_data", "log_likelihood"):
        one, other = (tree[name].to_dataset() for tree in trees)
        assert set(one.data_vars) - {"bfmi"} == set(other.data_vars) - {"bfmi"}
        assert set(one.attrs) == set(other.attrs)


def test_calibration_has_the_schema_too():
    tree = bm.calibrate(bm.Mixture(2), Y, n_simulations=2, draws=40, tune=100, random_seed=1)
    ranks = tree["prior_sbc"].to_dataset()
    assert set(ranks.dims) <= set(ranks.coords)
    assert ranks.attrs["failures"] == 0
    assert ranks.attrs["sample_dims"] == ["chain", "draw"]
