"""Odd input to labels, class names, base rates, costs and new rows: read as meant, or refused with the remedy."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import betaln, logsumexp
from scipy.stats import norm

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.errors import InputError
from bayesmix.supervision import with_labels
from tests.helpers import two_groups

N = 20
QUICK = {"draws": 200, "tune": 200, "random_seed": 1, "progressbar": False}


def _values():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0, 1, N // 2), rng.normal(4, 1, N // 2)])


Y = _values()


def _list(known, fill=None):
    return [known.get(i, fill) for i in range(N)]


ENDS = _list({0: "lo", 1: "lo", N - 1: "hi"})


def _read(labels, k=2, index=None, **options):
    mixture = bm.Mixture(k, **options)
    rows = read_rows(mixture.family, Y if index is None else pd.Series(Y, index=index))
    mixture, rows = with_labels(mixture, rows, labels)
    return mixture.classes, {int(i): mixture.classes[int(rows.known[i])] for i in np.flatnonzero(~np.isnan(rows.known))}


@pytest.fixture(scope="module")
def labelled():
    """The class with the higher values is named first."""
    return bm.Mixture(2, classes=["hi", "lo"]).fit(pd.Series(Y, name="y"), labels=ENDS, **QUICK)


@pytest.mark.parametrize(
    ("labels", "classes", "ends"),
    [
        (_list({0: "b", 19: "a"}, pd.NA), ("a", "b"), ("b", "a")),
        (_list({0: 7.0, 19: 3.0}, np.nan), (3, 7), (7, 3)),
        (np.array(_list({0: 7, 19: 3}, np.nan), dtype=np.float32), (3, 7), (7, 3)),
        (pd.Series(_list({0: 7, 19: 3}), dtype="Int64"), (3, 7), (7, 3)),
        (pd.Series(_list({0: True, 19: False}), dtype="boolean"), (False, True), (True, False)),
        (pd.Series(_list({0: "b", 19: "a"}), dtype="string"), ("a", "b"), ("b", "a")),
        (pd.Categorical(_list({0: "b", 19: "a"}), categories=["z", "b", "a", "c"]), ("b", "a"), ("b", "a")),
        (pd.Series(pd.Categorical(_list({0: 3.0, 19: 7.0}), categories=[7.0, 3.0])), (7, 3), (3, 7)),
        (np.ma.array([7] * 10 + [3] * 10, mask=[0] + [1] * 18 + [0]), (3, 7), (7, 3)),
        (xr.DataArray(np.array(_list({0: "b", 19: "a"}), dtype=object), dims="obs"), ("a", "b"), ("b", "a")),
    ],
)
def test_labels_of_many_kinds(labels, classes, ends):
    found, known = _read(labels)
    assert found == classes
    assert [type(name) for name in found] == [type(name) for name in classes]
    assert known == {0: ends[0], 19: ends[1]}


@pytest.mark.parametrize("package", ["polars", "pyarrow"])
@pytest.mark.parametrize("known", [{0: "b", 19: "a"}, {0: 7, 19: 3}, {0: True, 19: False}])
def test_columns_of_other_packages(package, known):
    module = pytest.importorskip(package)
    column = module.Series(_list(known)) if package == "polars" else module.array(_list(known))
    assert _read(column) == (tuple(sorted(known.values())), known)


def test_labels_go_by_their_index():
    names = [f"r{i}" for i in range(N)]
    several = pd.MultiIndex.from_product([range(4), range(5)])
    for index in (names, several):
        labels = pd.Series(ENDS, index=index).iloc[::-1]
        assert _read(labels, index=index)[1] == {0: "lo", 1: "lo", 19: "hi"}
    same = [0] * N  # repeated entries in one order
    assert _read(pd.Series(ENDS, index=same), index=same)[1] == {0: "lo", 1: "lo", 19: "hi"}
    with pytest.raises(InputError, match=r"repeated 0. Use labels.to_numpy\(\)"):
        _read(pd.Series(ENDS, index=same), index=names)
    with pytest.raises(InputError, match=r"labels.reindex"):
        _read(pd.Series({"r0": "lo", "r19": "hi"}), index=names)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (_list({0: (0, 1), 19: (1, 1)}), "text or whole numbers"),
        (_list({0: np.inf, 19: 1.0}), "text or whole numbers"),
        (pd.Series(_list({0: pd.Timestamp("2020"), 19: pd.Timestamp("2021")})), "text or whole numbers"),
        (_list({0: ["lo"], 19: ["hi"]}), "hashable values, got .'lo'. in row 0"),
        (_list({0: 1, 19: "hi"}), "of one kind"),
        ({0: "lo"}, "one-dimensional"),
        ("l" * N, "one-dimensional"),
        (np.array(ENDS)[:, np.newaxis], "one-dimensional"),
        (pd.DataFrame({"label": ENDS}), "one-dimensional"),
        ((name for name in ENDS), "one-dimensional"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        _read(labels)


def test_which_classes_need_a_labelled_row():
    known = {0: "a", 1: "b", 18: "c", 19: "d"}
    assert _read(_list(known), k=5, classes=list("edcba"))[1] == known
    with pytest.raises(InputError, match=r"got none for \['e', 'd'\]"):
        _read(_list({0: "a", 1: "b", 18: "c"}), k=5, classes=list("edcba"))
    own = {"mu": [bm.priors.Normal(m, 1) for m in (4, 0, 2)]}  # told apart by their priors
    assert _read(_list({0: "b"}), k=3, classes=list("abc"), priors=own)[1] == {0: "b"}
    with pytest.raises(InputError, match=r"n_components=1\. Leave labels out"):
        _read(["a"] * N, k=1)


@pytest.mark.parametrize(
    "classes", [np.array(["hi", "lo"]), pd.Index(["hi", "lo"]), pd.Series(["hi", "lo"], index=[1, 0]), ("hi", "lo")]
)
def test_sequences_of_names_go_by_position(classes):
    assert bm.Mixture(2, classes=classes) == bm.Mixture(2, classes=["hi", "lo"])


def test_names_of_all_kinds_come_back(tmp_path):
    for classes in (["a b/c[0]", "ü, é"], [1, 0]):
        low, high = classes
        labels = _list({0: low, 19: high})
        fit = bm.Mixture(2, classes=classes).fit(Y, labels=labels, **QUICK)
        assert fit.assignments()["component"].iloc[[0, 19]].tolist() == classes
        assert fit.predict([0.0, 4.0], base_rates={high: 0.5, low: 0.5})["component"].tolist() == classes
        assert fit.decide([0.0, 4.0])["decision"].tolist() == classes
        assert fit.draw_classes(2, random_seed=1).iloc[[0, 19], 0].tolist() == classes
        assert fit.loo_assignments()["component"].iloc[[0, 19]].tolist() == classes
        truth = [low] * (N // 2) + [high] * (N // 2)
        assert fit.evaluate(truth).mapping_kind == "declared"
        assert fit.loo_evaluate(truth).mapping == {name: name for name in classes}
    again = bm.load(fit.save(tmp_path / "fit.nc"))  # whole numbers stay such
    assert again.mixture == fit.mixture
    pd.testing.assert_frame_equal(again.predict([1.0]), fit.predict([1.0]))


def test_counts_with_labels_are_rows_written_out():
    rows = pd.DataFrame({"y": np.round(Y, 0), "label": [name or "" for name in ENDS]})
    counted = rows.groupby(["y", "label"]).size().reset_index(name="n")
    assert (counted["n"] > 1).any()
    mixture = bm.Mixture(2, classes=["hi", "lo"])
    one = mixture.fit(rows["y"], labels=[name or None for name in rows["label"]], **QUICK)
    two = mixture.fit(counted["y"], labels=[name or None for name in counted["label"]], weights=counted["n"], **QUICK)
    np.testing.assert_array_equal(one.idata["posterior"]["mu"], two.idata["posterior"]["mu"])
    left_out = [fit.loo_assignments().assign(label=frame["label"]) for fit, frame in ((one, rows), (two, counted))]
    both = left_out[0].merge(left_out[1], on=["y", "label"], suffixes=("", "_counted"))
    assert len(both) == N
    np.testing.assert_array_equal(both["probability"], both["probability_counted"])
    np.testing.assert_array_equal(both["pareto_k"], both["pareto_k_counted"])


@pytest.mark.parametrize("family", ["mv_normal", {"a": "normal", "b": "normal"}])
def test_an_empty_row_with_a_label(family):
    table = pd.DataFrame({"a": Y, "b": Y[::-1] * 0.1})
    table.loc[2, "a"] = np.nan
    table.loc[[3, 4]] = np.nan
    labels = list(ENDS)
    labels[3] = "lo"
    fit = bm.Mixture(2, family, classes=["hi", "lo"]).fit(table, labels=labels, **QUICK)
    table = fit.assignments()
    assert table["component"].iloc[3] == "lo"
    assert table["probability"].iloc[3] == 1
    assert table["probability"].iloc[4] < 0.9
    assert "1 of 20 rows have no observed cell" in fit.check().text
    left_out = fit.loo_assignments()
    assert np.isnan(left_out["pareto_k"].iloc[4])
    assert left_out["probability"].iloc[3] < 0.9  # without its label it has the sizes of the groups
    single = [fit.predict(row) for row in ({"a": 1.0, "b": 0.2}, pd.DataFrame({"b": [0.2], "a": [1.0]}))]
    pd.testing.assert_frame_equal(*single)


def test_saved_without_data(labelled, tmp_path):
    again = bm.load(labelled.save(tmp_path / "fit.zarr", data=False))
    assert again.resolved == labelled.resolved
    assert again.component_labels == ("hi", "lo")
    one, two = (fit.predict([1.0]).drop(columns="outside") for fit in (again, labelled))
    pd.testing.assert_frame_equal(one, two)
    for method in (again.loo_assignments, again.decide, lambda: again.evaluate(ENDS), again.draw_classes):
        with pytest.raises(InputError, match="saved with data=False"):
            method()


def test_copies_and_pickles(labelled):
    for again in (copy.copy(labelled), copy.deepcopy(labelled), pickle.loads(pickle.dumps(labelled))):
        pd.testing.assert_frame_equal(again.assignments(), labelled.assignments())
        pd.testing.assert_frame_equal(again.loo_assignments(), labelled.loo_assignments())


def test_files_of_format_2_are_read(tmp_path):
    """They know of no classes, no labels and no digest."""
    fit = two_groups(Y)
    tree = xr.open_datatree(fit.save(tmp_path / "fit.nc"), engine="h5netcdf").load()
    tree.close()
    header = json.loads(tree.attrs["bayesmix"])
    header["format"] = 2
    del header["digest"]
    for name in ("mixture", "resolved"):
        del header[name]["classes"], header[name]["labelled"]
    tree.attrs["bayesmix"] = json.dumps(header)
    tree.to_netcdf(tmp_path / "old.nc", engine="h5netcdf")
    old = bm.load(tmp_path / "old.nc")
    assert old.mixture == fit.mixture
    pd.testing.assert_frame_equal(old.assignments(), fit.assignments())


def _log_marginal(values, mu, sigma):
    """Return the log marginal likelihood of one normal component on a grid."""
    m, s = np.linspace(values.mean() - 8, values.mean() + 8, 1001), np.linspace(np.log(0.1), np.log(20), 1001)
    mm, ss = np.meshgrid(m, s, indexing="ij")
    square = (values**2).sum() - 2 * mm * values.sum() + values.size * mm**2
    log_lik = -values.size * (ss + 0.5 * np.log(2 * np.pi)) - square / (2 * np.exp(2 * ss))
    log_prior = norm.logpdf(mm, mu.mu, mu.sigma) + norm.logpdf(ss, sigma.mu, sigma.sigma)
    return logsumexp(log_lik + log_prior) + np.log((m[1] - m[0]) * (s[1] - s[0]))


def test_all_rows_labelled():
    """Groups are then independent: the evidence is a product. No row is left to score, but for leave-one-out."""
    truth = ["lo"] * (N // 2) + ["hi"] * (N // 2)
    fit = bm.Mixture(2, classes=["hi", "lo"]).fit(Y, labels=truth, **(QUICK | {"draws": 500, "tune": 500}))
    parts = [_log_marginal(Y[part], *fit.resolved.priors.values()) for part in (slice(N // 2), slice(N // 2, None))]
    evidence = fit.log_evidence(random_seed=1)
    assert evidence.value == pytest.approx(sum(parts) + betaln(11, 11), abs=5 * evidence.se + 1e-3)
    with pytest.raises(InputError, match="Fit with fewer of the labels"):
        fit.evaluate(truth)
    scores, table = fit.loo_evaluate(truth), fit.loo_assignments()
    assert scores.n == N
    assert scores.table.loc["accuracy", "estimate"] == pytest.approx((table["component"] == truth).mean())
    high = np.where(table["component"] == "hi", table["probability"], 1 - table["probability"])
    brier = np.mean((high - (np.array(truth) == "hi")) ** 2)
    assert scores.table.loc["brier", "estimate"] == pytest.approx(brier, rel=1e-9)


def test_a_scale_noise_and_zeros_leave_labelled_rows_alone():
    counts = np.concatenate([np.zeros(4), np.full(6, 3.0), np.arange(15.0, 25.0)])
    fit = bm.Mixture(2, "poisson", classes=["hi", "lo"], zero_inflated=True, noise=True).fit(
        counts, labels=ENDS, **QUICK
    )
    table = fit.assignments()
    assert table["component"].iloc[[0, 1, 19]].tolist() == ["lo", "lo", "hi"]
    assert table["component"].iloc[2] == "zero"
    rates = {"zero": 0.1, "noise": 0.0, "lo": 0.9, "hi": 0.0}
    assert fit.predict([5], base_rates=rates)["component"].tolist() == ["lo"]
    rounded = bm.Mixture(2, classes=["hi", "lo"]).fit(np.round(Y, 1), labels=ENDS, resolution=0.1, **QUICK)
    assert rounded.assignments()["component"].iloc[[0, 19]].tolist() == ["lo", "hi"]


def test_base_rates_of_many_shapes_are_bayes_rule(labelled):
    draws, y = labelled.arrays, 2.0
    joint = np.array([0.2, 0.8]) * norm.pdf(y, draws.parameters["mu"], draws.parameters["sigma"])
    expected = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    given = [
        [0.2, 0.8],
        (0.2, 0.8),
        np.array([0.2, 0.8]),
        {"lo": 0.8, "hi": 0.2},
        pd.Series({"lo": 0.8, "hi": 0.2}),
        [0.2, 0.8 + 1e-9],
    ]
    for rates in given:
        row = labelled.predict([y], base_rates=rates).iloc[0]
        assert row["component"] == ["hi", "lo"][expected.argmax()]
        assert row["probability"] == pytest.approx(expected.max(), rel=1e-6)
    wrong = [
        pd.Series([0.2, 0.8]),
        pd.Series([0.2, 0.4, 0.4], index=["hi", "lo", "lo"]),
        {0.2, 0.8},
        [[0.2, 0.8]],
        [np.nan, 1],
        [None, 1],
        [2, 8],
        0.5,
        iter([0.2, 0.8]),
        pd.DataFrame({"hi": [0.2], "lo": [0.8]}),
    ]
    for rates in wrong:
        with pytest.raises(InputError, match=r"base_rates must give each of the components \['hi', 'lo'\]"):
            labelled.predict([y], base_rates=rates)


def test_costs_with_odd_rows_columns_and_cells(labelled):
    costs = pd.DataFrame({"treat": [0.0, 5.0], "wait": [10.0, 0.0]}, index=["hi", "lo"])
    rows = [0.0, 2.0, 4.0]
    table = labelled.decide(rows, costs=costs)
    assert table["decision"].tolist()[::2] == ["wait", "treat"]
    for same in (costs.loc[["lo", "hi"]], costs.set_axis(pd.CategoricalIndex(["hi", "lo"])), costs.convert_dtypes()):
        pd.testing.assert_frame_equal(labelled.decide(rows, costs=same), table)
    for names in ([3, 7], [("a", 1), ("b", 2)], [True, False], [pd.Timestamp("2020"), pd.Timestamp("2021")]):
        named = costs.set_axis(pd.Index(names, tupleize_cols=False), axis=1)
        decided = labelled.decide(rows, costs=named)["decision"].tolist()
        assert decided[::2] == [names[1], names[0]]
    wrong = [
        costs.loc[["hi", "hi"]],
        costs.loc[["hi", "lo", "hi"]],
        costs.iloc[:0],
        costs.iloc[:, :0],
        costs.T,
        costs.reset_index(drop=True),
        costs.set_axis(["same", "same"], axis=1),
        costs.replace(5.0, np.nan),
        costs.replace(5.0, np.inf),
        costs.astype(object).where(costs != 5.0, "much"),
        costs["treat"],
        costs.to_dict(),
        np.ones((2, 3)),
    ]
    for given in wrong:
        with pytest.raises(InputError, match=r"costs must (have one row|be finite numbers|be a pandas DataFrame)"):
            labelled.decide(rows, costs=given)


@pytest.mark.parametrize("y", [[], np.array([]), pd.Series([], dtype=float), pd.DataFrame({"y": []})])
def test_no_new_rows_are_refused(labelled, y):
    for method in (labelled.predict, labelled.decide, lambda rows: labelled.draw_classes(2, y=rows)):
        with pytest.raises(InputError, match="must have rows, got none"):
            method(y)


def test_other_labels_than_the_fitted_ones(labelled):
    truth = ["lo"] * (N // 2) + ["hi"] * (N // 2)
    for method in (labelled.evaluate, labelled.loo_evaluate):
        assert method([0] * (N // 2) + [1] * (N // 2)).mapping_kind == "best match"
        with pytest.raises(InputError, match=r"got 'HI' in row 10 \(position 10\)"):
            method(["lo"] * (N // 2) + ["HI"] * (N // 2))
        with pytest.raises(InputError, match="only 'lo' in 10 labelled rows"):
            method(["lo"] * (N // 2) + [None] * (N // 2))
        right = method(truth).table.loc["accuracy", "estimate"]
        swapped = method(truth, classes=["lo", "hi"]).table.loc["accuracy", "estimate"]
        assert right > 0.9
        assert swapped == pytest.approx(1 - right)
