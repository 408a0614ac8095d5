"""One specification on many groups: tables, failures, seeds, resuming. Clusters are in `test_groupwise_cluster`."""

import copy
import json
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import bayesmix as bm
from bayesmix.errors import FileFormatError, InputError, InterruptedWarning
from bayesmix.groupwise import _run, _work
from bayesmix.groupwise._split import seed_of, split

QUICK = {"draws": 100, "tune": 150, "chains": 2, "random_seed": 1, "progressbar": False}
TWO = {"by": "store", "column": "sales", "mixture": bm.Mixture(2), **QUICK}
TABLES = ("parameters", "memberships")


def stores(n_groups, n=30):
    rng = np.random.default_rng(3)
    kind = rng.random(n_groups * n) < 0.4
    frame = pd.DataFrame(
        {
            "store": np.repeat([f"store {i}" for i in range(n_groups)], n),
            "sales": rng.normal(np.where(kind, 0.0, 6.0), 1.0),
        }
    )
    return frame.sample(frac=1, random_state=1)  # rows of groups mixed, an index in no order


@pytest.fixture(scope="module")
def frame():
    return stores(4)


@pytest.fixture(scope="module")
def whole(frame):
    return bm.fit_groups(frame, **TWO)


@pytest.fixture
def runs(monkeypatch):
    """The random seeds of the fits that are really run."""
    seeds, plain = [], _work.fit_rows

    def counted(mixture, resolved, rows, settings):
        seeds.append(settings.random_seed)
        return plain(mixture, resolved, rows, settings)

    monkeypatch.setattr(_work, "fit_rows", counted)
    return seeds


def assert_same(one, other):
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    pd.testing.assert_frame_equal(one.verdicts.drop(columns="seconds"), other.verdicts.drop(columns="seconds"))


def test_every_group_is_what_a_fit_of_its_own_would_be(frame, whole):
    assert list(whole.verdicts.index) == [f"store {i}" for i in range(4)]
    assert whole.verdicts["fitted"].all()
    for key, rows in frame.groupby("store"):
        verdict = whole.verdicts.loc[key]
        options = QUICK | {"random_seed": int(verdict["random_seed"])}
        fit = bm.Mixture(2).fit(rows["sales"], **options)
        summary = fit.summary()
        table = whole.parameters[whole.parameters["store"] == key]
        assert [f"{v}[{k}]" for v, k in zip(table["variable"], table["component"], strict=True)] == list(summary.index)
        for name in ("mean", "sd", "eti89_lb", "eti89_ub"):
            np.testing.assert_allclose(table[name], summary[name], rtol=1e-9, err_msg=name)
        checked = fit.check().table.loc[summary.index]
        np.testing.assert_array_equal(table[["r_hat", "ess_bulk", "ess_tail"]], checked)
        own = fit.assignments()
        shared = ["probability", "eti89_lb", "eti89_ub"]
        np.testing.assert_array_equal(whole.memberships.loc[rows.index, shared], own[shared])
        assert (whole.memberships.loc[rows.index, "component"] == own["component"]).all()
        assert (whole.memberships.loc[rows.index, "could_flip"] == own["could_flip"]).all()
        assert verdict["ok"] == fit.check().ok
        assert (verdict["r_hat"], verdict["ess_bulk"], verdict["ess_tail"]) == fit.check().worst
        assert verdict["reason"] == ("" if fit.check().ok else fit.check().text.split(" Note: ")[0])
        assert verdict["n"] == len(rows)


def test_memberships_go_beside_the_table(frame, whole):
    pd.testing.assert_index_equal(whole.memberships.index, frame.index)
    assert (whole.memberships["store"] == frame["store"]).all()
    low = frame["sales"] < 1
    assert (whole.memberships.loc[low, "component"] == 0).all()


def test_a_group_alone_has_the_numbers_that_it_has_among_others(frame, whole):
    one = frame[frame["store"] == "store 2"]
    alone = bm.fit_groups(one, **TWO)
    assert alone.verdicts["random_seed"].item() == whole.verdicts.loc["store 2", "random_seed"]
    np.testing.assert_array_equal(
        alone.parameters["mean"], whole.parameters.loc[whole.parameters["store"] == "store 2", "mean"]
    )
    np.testing.assert_array_equal(alone.memberships["probability"], whole.memberships.loc[one.index, "probability"])


def test_the_order_of_the_table_does_not_matter(frame, whole):
    turned = frame.sort_values("store", ascending=False, kind="stable")
    other = bm.fit_groups(turned, **TWO)
    pd.testing.assert_frame_equal(other.parameters, whole.parameters, check_exact=True)
    pd.testing.assert_frame_equal(other.memberships.loc[frame.index], whole.memberships, check_exact=True)


def test_seeds_follow_from_the_common_one(whole):
    seeds = whole.verdicts["random_seed"]
    assert seeds.is_unique
    assert ((seeds >= 0) & (seeds < 2**63)).all()
    group = split(pd.DataFrame({"g": ["a", "a"]}), "g", []).groups[0]
    assert seed_of(1, group) == 6595893477498051538  # the same in every process and version
    assert seed_of(2, group) != seed_of(1, group)


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "pyarrow"])
def test_other_frames_give_the_same(make, frame, whole):
    other = bm.fit_groups(make(frame.reset_index(drop=True)), **TWO)
    pd.testing.assert_frame_equal(other.parameters, whole.parameters, check_exact=True)
    pd.testing.assert_frame_equal(other.memberships, whole.memberships.reset_index(drop=True), check_exact=True)
    fit = other.fits["store 1"]
    assert fit.info.n == 30


def test_threads_beside_each_other_give_the_same(frame, whole, monkeypatch):
    cores, plain = [], _work.fit_rows

    def seen(mixture, resolved, rows, settings):
        cores.append(settings.cores)
        return plain(mixture, resolved, rows, settings)

    monkeypatch.setattr(_work, "fit_rows", seen)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        together = bm.fit_groups(frame, **TWO)
    assert_same(together, whole)
    assert cores == [1, 1, 1, 1]
    bm.fit_groups(frame[frame["store"] == "store 1"], **TWO)
    assert cores[4:] == [None]


def test_processes_give_the_same(frame, whole, tmp_path):
    with joblib.parallel_config(backend="loky", n_jobs=2):
        apart = bm.fit_groups(frame, directory=tmp_path / "fits", **TWO)
    assert_same(apart, whole)
    kept = apart.fits["store 3"]
    np.testing.assert_array_equal(kept.arrays.weights, whole.fits["store 3"].arrays.weights)


def test_failures_are_rows_with_their_reason_and_stop_nobody(frame):
    odd = {"constant": [5.0] * 4, "single": [1.0], "infinite": [1.0, np.inf, 2.0], "gap": [1.0, np.nan, 2.0]}
    more = pd.DataFrame([(name, value) for name, values in odd.items() for value in values], columns=["store", "sales"])
    both = pd.concat([frame[frame["store"] == "store 0"], more], ignore_index=True)
    fits = bm.fit_groups(both, **TWO)
    assert set(fits.failed.index) == set(odd)
    assert list(fits.failed.columns) == ["n", "reason"]
    for name, words in {
        "constant": "distinct values, got n_components=2 for 1",
        "single": "at least 2 rows",
        "infinite": "inf",
        "gap": "missing",
    }.items():
        assert fits.failed.loc[name, "reason"].startswith("not fitted: ")
        assert words in fits.failed.loc[name, "reason"], name
        assert not fits.verdicts.loc[name, "ok"]
    lost = fits.memberships["store"].isin(odd)
    assert fits.memberships.loc[lost, ["component", "probability", "eti89_lb", "could_flip"]].isna().all(axis=None)
    assert fits.memberships.loc[~lost].notna().all(axis=None)
    assert set(fits.parameters["store"]) == {"store 0"}
    assert list(fits.fits) == ["store 0"]
    assert "5 groups by store: 1 fitted" in fits.text
    assert "4 not fitted" in repr(fits)
    assert "not fitted: n_components must" in fits._repr_html_()


def test_all_may_fail():
    fits = bm.fit_groups(pd.DataFrame({"store": ["a", "b"], "sales": [1.0, 2.0]}), **TWO)
    assert len(fits.failed) == 2
    assert len(fits.fits) == 0
    assert list(fits.parameters.columns)[:3] == ["store", "variable", "component"]
    assert len(fits.parameters) == 0
    assert fits.memberships["probability"].isna().all()


def test_a_mistake_in_the_code_is_told_with_its_kind_and_stops_nobody(frame, monkeypatch):
    plain, calls = _work.fit_rows, []

    def broken(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise TypeError("a mistake")
        return plain(*arguments)

    monkeypatch.setattr(_work, "fit_rows", broken)
    fits = bm.fit_groups(frame, **TWO)
    assert fits.failed["reason"].to_dict() == {"store 1": "not fitted: TypeError: a mistake"}


def test_what_priors_warn_of_is_noted(frame):
    import pymc as pm

    tied = frame.assign(sales=frame["sales"].round())
    mixture = bm.Mixture(2, priors={"sigma": pm.HalfNormal.dist(2.0)})
    one = tied[tied["store"] == "store 0"]
    fits = bm.fit_groups(one, **TWO | {"mixture": mixture})
    assert "improper" in fits.verdicts["notes"].item()


def test_fits_on_demand(frame, whole):
    seed = int(whole.verdicts.loc["store 1", "random_seed"])
    fit = bm.Mixture(2).fit(frame.loc[frame["store"] == "store 1", "sales"], **QUICK | {"random_seed": seed})
    again = whole.fits["store 1"]
    np.testing.assert_array_equal(again.idata["posterior"]["mu"], fit.idata["posterior"]["mu"])
    pd.testing.assert_frame_equal(again.assignments(), fit.assignments())
    assert whole.fits["store 1"] is again
    assert "store 1" in whole.fits
    assert len(whole.fits) == 4
    with pytest.raises(KeyError, match="no group 'store 9'"):
        whole.fits["store 9"]
    assert whole.fits.get("store 9") is None
    assert "4 groups" in repr(whole.fits)


def test_only_the_last_fits_are_remembered():
    made = []
    fits = bm.groupwise._result.Fits(lambda i: made.append(i) or f"fit {i}", {i: i for i in range(10)}, {3: "no"})
    assert [fits[i] for i in fits] == [f"fit {i}" for i in range(10) if i != 3]
    assert fits[9] == "fit 9"
    assert len(made) == 9
    assert fits[0] == "fit 0"  # long forgotten
    assert len(made) == 10
    with pytest.raises(KeyError, match="no"):
        fits[3]


def test_groups_by_several_columns_and_row_labels_of_several_levels(frame):
    rows = frame.assign(year=2020).set_index([frame.index % 3, frame.index])
    both = bm.fit_groups(rows, **TWO | {"by": ["store", "year"]})
    assert both.verdicts.index.names == ["store", "year"]
    assert list(both.parameters.columns)[:3] == ["store", "year", "variable"]
    assert both.fits[("store 1", 2020)].info.n == 30
    pd.testing.assert_index_equal(both.memberships.index, rows.index)


ODD = ["a/b", "..", "", " ", "x" * 300, "Å", "con", "a\nb", "A/B", "-", "null", "\udce4"]


def test_keys_of_every_kind_have_safe_file_names():
    keys = [*ODD, 5, 5.5, -1, True, pd.Timestamp("2020-01-01"), pd.Timedelta("1h"), np.int64(7), 10**20, float("inf")]
    groups = split(pd.DataFrame({"g": pd.Series(keys, dtype=object)}), "g", []).groups
    names = [group.name for group in groups]
    assert len(set(names)) == len(keys)
    assert all(re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]{0,70}", name) for name in names)
    assert len({name.lower() for name in names}) == len(keys)  # file systems may not tell cases apart


def test_odd_keys_are_kept_and_read(tmp_path, runs):
    rng = np.random.default_rng(1)
    keys = ODD[:4]
    frame = pd.DataFrame({"store": np.repeat(keys, 12), "sales": rng.normal(size=12 * len(keys))})
    options = TWO | {"mixture": bm.Mixture(1), "directory": tmp_path / "fits"}
    first = bm.fit_groups(frame, **options)
    assert len(runs) == len(keys)
    assert_same(bm.fit_groups(frame, **options), first)
    assert len(runs) == len(keys)
    assert first.fits["a/b"].info.n == 12


def texts(values, **options):
    return [group.text for group in split(pd.DataFrame({"g": pd.Series(values, **options)}), "g", []).groups]


def test_a_key_has_the_same_text_however_it_is_stored():
    assert texts([1, 2]) == texts([1.0, 2.0]) == texts([1, 2], dtype="Int64") == texts([1, 2], dtype="category")
    assert texts(["1"]) != texts([1])
    assert texts([True]) != texts([1])
    assert texts(["a"]) == texts(["a"], dtype="category") == texts(["a"], dtype=object)
    stamp = pd.Timestamp("2020-01-02")
    assert texts([stamp]) == texts([stamp.to_pydatetime()], dtype=object)
    assert split(pl.DataFrame({"g": [1, 2]}), "g", []).groups[1].text == texts([1, 2])[1]


def test_keys_without_order_keep_that_of_the_table():
    frame = pd.DataFrame({"g": pd.Series(["b", 1, "a", "b"], dtype=object)})
    assert [group.key for group in split(frame, "g", []).groups] == ["b", 1, "a"]
    assert split(frame, "g", []).groups[0].rows.tolist() == [0, 3]


class Plain:
    pass


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"by": "shop"}, r"one column 'shop' for by=.*'store', 'sales'"),
        ({}, {"column": "sale"}, r"one column 'sale'"),
        ({}, {"column": None}, r"either column or columns"),
        ({}, {"columns": ["sales"]}, r"either column or columns"),
        ({}, {"column": None, "columns": []}, "at least one column"),
        ({}, {"by": []}, "at least one column"),
        ({}, {"by": ["store", "store"]}, "each once"),
        ({}, {"by": "sales"}, "not fitted themselves"),
        ({}, {"weights": "many"}, "one column 'many'"),
        ({}, {"mixture": 2}, "must be a Mixture"),
        ({}, {"draws": 1}, "draws must be an integer >= 4"),
        ({}, {"ci_prob": 2}, "strictly between 0 and 1"),
        ({}, {"directory": 3}, "text or a pathlib.Path"),
        ({"store": [None, "a"]}, {}, "1 rows without one in 'store', the first at 'p'"),
        ({"store": [np.nan, 1.0]}, {}, "1 rows without one"),
        ({"store": [[1], [2]]}, {}, "told apart"),
        ({"store": [Plain(), Plain()]}, {}, "must be text, numbers"),
        ({"component": ["a", "b"]}, {"by": "component"}, "no table of results has itself, got 'component'"),
        ({}, {"mixture": bm.Mixture(2, {"sales": "normal", "n": "poisson"})}, "must be left out.*'sales', 'n'"),
    ],
)
def test_what_is_refused_before_anything_is_fitted(change, options, words, runs):
    frame = pd.DataFrame({"store": ["a", "b"], "sales": [1.0, 2.0]}, index=["p", "q"]).assign(**change)
    with pytest.raises(InputError, match=words):
        bm.fit_groups(frame, **TWO | options)
    assert not runs


@pytest.mark.parametrize(
    "bad", [[1, 2], {"store": ["a"], "sales": [1.0]}, pl.LazyFrame({"store": ["a"], "sales": [1.0]}), None]
)
def test_what_is_no_table(bad):
    with pytest.raises(InputError, match="frame must be a table"):
        bm.fit_groups(bad, **TWO)


def test_an_empty_table_and_columns_twice():
    with pytest.raises(InputError, match="must have rows"):
        bm.fit_groups(pd.DataFrame({"store": [], "sales": []}), **TWO)
    twice = pd.DataFrame([["a", 1.0, 2.0]], columns=["store", "sales", "sales"])
    with pytest.raises(InputError, match="2 of that name"):
        bm.fit_groups(twice, **TWO)


def test_weights_and_resolution_go_with_the_rows(frame):
    counted = frame.assign(sales=frame["sales"].round(), many=1 + np.arange(len(frame)) % 3)
    one = counted[counted["store"] == "store 1"]
    fits = bm.fit_groups(counted, **TWO, weights="many", resolution=1.0)
    seed = int(fits.verdicts.loc["store 1", "random_seed"])
    own = bm.Mixture(2).fit(one["sales"], weights=one["many"], resolution=1.0, **QUICK | {"random_seed": seed})
    mean = fits.parameters.query("store == 'store 1' and variable == 'mu'")["mean"]
    np.testing.assert_allclose(mean, own.idata["posterior"]["mu"].mean(("chain", "draw")), rtol=1e-12)


def test_tables_and_families_of_several_columns(frame):
    rng = np.random.default_rng(2)
    wide = frame.assign(visits=rng.poisson(4, len(frame)), color=rng.choice(["red", "blue"], len(frame)))
    one = wide[wide["store"] == "store 0"]
    by_name = bm.Mixture(2, {"sales": "normal", "color": "categorical"})
    table = bm.fit_groups(one, by="store", mixture=by_name, **QUICK).parameters
    assert {"w", "sales_mu", "sales_sigma", "color_p[blue]", "color_p[red]"} == set(table["variable"])
    joint = bm.Mixture(1, "mv_normal")
    both = bm.fit_groups(one, by="store", columns=["sales", "visits"], mixture=joint, **QUICK)
    assert {"mu[sales]", "mu[visits]"} <= set(both.parameters["variable"])
    shared = bm.Mixture(2, bm.families.Normal(common_sigma=True))
    sigma = bm.fit_groups(one, **TWO | {"mixture": shared}).parameters.query("variable == 'sigma'")
    assert len(sigma) == 1
    assert sigma["component"].isna().all()


def test_trials_in_a_column_and_named_components(frame):
    rng = np.random.default_rng(2)
    n = 25
    wins = pd.DataFrame({"store": "a", "games": 20, "wins": rng.binomial(20, np.where(np.arange(n) % 2, 0.2, 0.7))})
    mixture = bm.Mixture(2, bm.families.Binomial(trials="games"), classes=["weak", "strong"])
    fits = bm.fit_groups(wins, by="store", column="wins", mixture=mixture, **QUICK)
    assert list(fits.parameters.query("variable == 'p'")["component"]) == ["weak", "strong"]
    assert (fits.memberships["component"][1::2] == "weak").all()


def test_intervals_are_those_asked_for(frame, tmp_path):
    one = frame[frame["store"] == "store 0"]
    options = TWO | {"ci_prob": 0.5, "ci_kind": "hdi", "directory": tmp_path / "fits"}
    fits = bm.fit_groups(one, **options)
    own = fits.fits["store 0"].summary(ci_prob=0.5, ci_kind="hdi")
    for name in ("hdi50_lb", "hdi50_ub"):
        np.testing.assert_allclose(fits.parameters[name], own[name], rtol=1e-9)
    with pytest.raises(InputError, match="same interval"):
        bm.fit_groups(one, **options | {"ci_prob": 0.89})


# ---- a directory of finished groups


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_finished_groups_are_read_and_not_run_again(frame, whole, tmp_path, runs):
    folder = tmp_path / "fits"
    some = frame[frame["store"].isin(["store 0", "store 2"])]
    bm.fit_groups(some, directory=folder, **TWO)
    assert len(runs) == 2
    fits = bm.fit_groups(frame, directory=folder, **TWO)
    assert len(runs) == 4
    assert_same(fits, whole)
    again = bm.fit_groups(frame, directory=str(folder), **TWO | {"random_seed": None})  # that of the directory
    assert len(runs) == 4
    assert_same(again, whole)
    assert again.random_seed == 1
    assert len(files(folder)) == 1 + 2 * 4
    assert not [name for name in files(folder) if name.startswith(".")]


def test_fits_of_a_directory_are_whole(frame, whole, tmp_path):
    fits = bm.fit_groups(frame[frame["store"] == "store 0"], directory=tmp_path / "fits", **TWO)
    kept, made = fits.fits["store 0"], whole.fits["store 0"]
    assert kept.idata.groups == made.idata.groups
    assert kept.loo().elpd == made.loo().elpd
    pd.testing.assert_frame_equal(kept.assignments(), made.assignments())
    (path,) = (tmp_path / "fits").glob("*.nc")
    pd.testing.assert_frame_equal(bm.load(path).summary(), made.summary())
    path.unlink()
    fresh = copy.copy(fits)
    fresh.fits._remembered.clear()
    with pytest.raises(FileFormatError, match="not there any more"):
        fresh.fits["store 0"]


def test_rows_that_changed_are_fitted_again(frame, whole, tmp_path, runs):
    folder = tmp_path / "fits"
    bm.fit_groups(frame, directory=folder, **TWO)
    changed = frame.copy()
    changed.loc[changed.index[changed["store"] == "store 1"][0], "sales"] += 1.0
    fits = bm.fit_groups(changed, directory=folder, **TWO)
    assert runs[4:] == [whole.verdicts.loc["store 1", "random_seed"]]
    assert (fits.parameters["mean"] != whole.parameters["mean"]).sum() == 6
    assert_same(bm.fit_groups(frame, directory=folder, **TWO), whole)  # and back
    assert len(runs) == 6


def test_what_is_damaged_or_missing_is_fitted_again(frame, whole, tmp_path, runs):
    folder = tmp_path / "fits"
    bm.fit_groups(frame, directory=folder, **TWO)
    records = sorted(path for path in folder.glob("*.json") if path.name != "manifest.json")
    records[0].write_text(records[0].read_text()[:100])
    records[1].write_text(json.dumps(json.loads(records[1].read_text()) | {"format": 99}))
    records[2].with_suffix(".nc").unlink()
    assert_same(bm.fit_groups(frame, directory=folder, **TWO), whole)
    assert len(runs) == 4 + 3


def test_failures_are_tried_again(frame, tmp_path, monkeypatch, runs):
    counted = _work.fit_rows

    def broken(*arguments):
        raise RuntimeError("no memory")

    monkeypatch.setattr(_work, "fit_rows", broken)
    one = frame[frame["store"] == "store 0"]
    first = bm.fit_groups(one, directory=tmp_path / "fits", **TWO)
    assert "no memory" in first.failed["reason"].item()
    monkeypatch.setattr(_work, "fit_rows", counted)
    assert bm.fit_groups(one, directory=tmp_path / "fits", **TWO).verdicts["fitted"].all()
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"draws": 101}, r"same settings, got .*101.*made with .*100"),
        ({"random_seed": 2}, "same settings"),
        ({"mixture": bm.Mixture(3)}, "same mixture"),
        ({"resolution": 0.5}, "same resolution"),
        ({"column": "other"}, "same columns"),
    ],
)
def test_another_specification_in_the_same_directory_is_refused(options, words, frame, tmp_path, runs):
    one = frame[frame["store"] == "store 0"].assign(other=1.0)
    bm.fit_groups(one, directory=tmp_path / "fits", **TWO)
    with pytest.raises(InputError, match=words):
        bm.fit_groups(one, directory=tmp_path / "fits", **TWO | options)
    assert len(runs) == 1


def test_other_directories_are_refused(frame, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="must be empty or of an earlier run"):
        bm.fit_groups(frame, directory=tmp_path, **TWO)
    with pytest.raises(InputError, match="must be a directory, got the file"):
        bm.fit_groups(frame, directory=tmp_path / "letter.txt", **TWO)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(FileFormatError, match="must be a manifest"):
        bm.fit_groups(frame, directory=tmp_path, **TWO)
    (tmp_path / "manifest.json").write_text('{"format": 9}')
    with pytest.raises(FileFormatError, match="has format 9"):
        bm.fit_groups(frame, directory=tmp_path, **TWO)


@pytest.mark.parametrize("folder", [True, False])
def test_an_interrupt_keeps_what_is_finished(folder, frame, whole, tmp_path, monkeypatch, runs):
    counted = _work.fit_rows

    def interrupted(*arguments):
        if len(runs) == 2:
            raise KeyboardInterrupt
        return counted(*arguments)

    monkeypatch.setattr(_work, "fit_rows", interrupted)
    options = TWO | ({"directory": tmp_path / "fits"} if folder else {})
    with pytest.warns(InterruptedWarning, match="2 of 4 groups are not fitted"):
        part = bm.fit_groups(frame, **options)
    assert list(part.fits) == ["store 0", "store 1"]
    assert part.failed["reason"].str.contains("interrupted before its turn").all()
    monkeypatch.setattr(_work, "fit_rows", counted)
    assert_same(bm.fit_groups(frame, **options), whole)
    assert len(runs) == (4 if folder else 6)


def test_an_interrupt_before_any_fit_is_one(frame, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(_work, "fit_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bm.fit_groups(frame, **TWO)


def test_a_process_that_died_in_the_middle_leaves_nothing_half_written(frame, whole, tmp_path, monkeypatch, runs):
    from bayesmix.groupwise import _folder

    def killed(self, name, text):
        raise KeyboardInterrupt  # the fit is there, its record not yet

    one = frame[frame["store"] == "store 0"]
    bm.fit_groups(frame[frame["store"] == "store 1"], directory=tmp_path / "fits", **TWO)
    with monkeypatch.context() as patched:
        patched.setattr(_folder.Folder, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            bm.fit_groups(one, directory=tmp_path / "fits", **TWO)
    fits = bm.fit_groups(one, directory=tmp_path / "fits", **TWO)
    assert len(runs) == 3
    np.testing.assert_array_equal(
        fits.parameters["mean"], whole.parameters.loc[whole.parameters["store"] == "store 0", "mean"]
    )


def test_a_group_that_ended_its_process_three_times_is_given_up(frame, tmp_path, runs):
    from bayesmix.groupwise._folder import Folder

    job = _work.Job(bm.Mixture(2), _run.SamplerSettings(**QUICK), None, _run.credible_interval())
    folder = Folder.open(tmp_path / "fits", {})
    y = frame.loc[frame["store"] == "store 0", "sales"]
    task = _work.Task("[]", "name", y, None, 1, _run.replace(job, folder=folder))
    assert [folder.begin(task) for _ in range(4)] == [True, True, True, False]
    outcome = _work.fit_group(task)
    assert "ended without an answer again and again" in outcome.verdict["reason"]
    assert not runs
    other = Folder.open(tmp_path / "fits", {})  # a later call tries again
    assert _work.fit_group(task._replace(job=_run.replace(job, folder=other))).verdict["fitted"]
    folder.close()
    assert not [name for name in files(tmp_path / "fits") if name.startswith(".")]


def test_a_worker_that_does_not_see_the_directory_says_so(frame, tmp_path):
    from bayesmix.groupwise._folder import Folder

    job = _work.Job(bm.Mixture(1), _run.SamplerSettings(**QUICK), None, _run.credible_interval())
    elsewhere = Folder(tmp_path / "elsewhere", "call")
    task = _work.Task("[]", "name", frame["sales"], None, 1, _run.replace(job, folder=elsewhere))
    assert "one that every worker sees" in _work.fit_group(task).verdict["reason"]


# ---- what it shows


def test_progress_is_one_line(frame, monkeypatch):
    said = []

    class Line(_run.Progress):
        def start(self, task):
            said.append(task)

    monkeypatch.setattr(_run, "Progress", Line)
    bm.fit_groups(frame[frame["store"] < "store 2"], **TWO)
    assert said == ["Fitting store 0, group 1 of 2", "Fitting store 1, group 2 of 2"]
    said.clear()
    with joblib.parallel_config(backend="threading", n_jobs=2):
        bm.fit_groups(frame[frame["store"] < "store 2"], **TWO)
    assert said == ["Fitting 2 groups, 2 at once", "Fitted 1 of 2 groups, 2 at once", "Fitted 2 of 2 groups, 2 at once"]


def test_copies_pickles_and_texts(whole):
    assert_same(copy.copy(whole), whole)
    assert "4 groups by store: 4 fitted" in repr(whole)
    assert "Mixture(2)" in repr(whole)
    html = whole._repr_html_()
    assert "4 groups, Mixture(2)" in html
    thawed = pickle.loads(pickle.dumps(whole))
    assert_same(thawed, whole)
    np.testing.assert_array_equal(thawed.fits["store 0"].arrays.weights, whole.fits["store 0"].arrays.weights)
