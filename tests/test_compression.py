"""Many rows become few: the same from every source, exact where it says so, and an error that is measured where not."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import bayesmix as bm
from bayesmix.compression import _points, _reduction, _sample, _sources
from bayesmix.errors import InputError
from bayesmix.likelihood import row_log_density

dd = pytest.importorskip("dask.dataframe")

OPTIONS = {"draws": 250, "tune": 250, "chains": 2, "random_seed": 1, "progressbar": False}
N = 3000


@pytest.fixture
def small_working_set(monkeypatch):
    """Bins are coarsened and parts joined after a few hundred rows instead of many thousands."""
    monkeypatch.setattr(_reduction, "_WORKING", 600)
    monkeypatch.setattr(_reduction, "_PENDING", 300)
    monkeypatch.setattr(_sources, "_BATCH", 400)


@pytest.fixture(scope="module")
def frame():
    """Measurements with blanks, whole numbers with blanks, booleans, text with blanks, ordered categories."""
    rng = np.random.default_rng(5)
    group = rng.random(N) < 0.4
    table = pd.DataFrame(
        {
            "a": rng.normal(np.where(group, 3, 0), 1),
            "b": rng.gamma(2, 1, N),
            "visits": pd.array(rng.poisson(1, N), dtype="Int64"),
            "smoker": rng.random(N) < 0.3,
            "place": pd.Series(rng.choice(["north", "south"], N), dtype="str"),
            "size": pd.Categorical(rng.choice(["small", "large"], N), categories=["small", "large"]),
        }
    )
    table.loc[::7, "a"] = np.nan
    table.loc[::11, "visits"] = pd.NA
    table.loc[3::13, "place"] = None
    return table


def chunks(table, size):
    for start in range(0, len(table), size):
        yield table.iloc[start : start + size]


def as_objects(table):
    """Return a frame without the order of categories, which not every source declares."""
    return table.astype(object).where(table.notna(), None)


def rows_of(few):
    table = few.frame.assign(count=few.counts)
    return as_objects(table.sort_values(list(table), key=lambda c: c.astype(object)).reset_index(drop=True))


def same(one, other, *, sample=True):
    pd.testing.assert_frame_equal(rows_of(one), rows_of(other), check_exact=True)
    assert one.steps == other.steps
    if sample:
        pd.testing.assert_frame_equal(as_objects(one.sample), as_objects(other.sample), check_exact=True)


def parquet(table, folder, parts=3):
    folder.mkdir()
    for number, part in enumerate(chunks(table, -(-len(table) // parts))):
        part.to_parquet(folder / f"part-{number}.parquet", row_group_size=333)
    return folder


@pytest.mark.parametrize("how", [{"max_distinct": 800}, {"resolution": {"a": 0.5, "b": 0.25}}, {}], ids=str)
def test_every_source_gives_the_same(frame, tmp_path, small_working_set, how):
    how = how | {"random_seed": 3, "sample_size": 50}
    reference = bm.compress(frame, **how)
    folder = parquet(frame, tmp_path / "rows")
    arrow = pa.Table.from_pandas(frame)
    sources = {
        "polars": pl.from_pandas(frame),
        "arrow": arrow,
        "batches": pa.RecordBatchReader.from_batches(arrow.schema, arrow.to_batches(max_chunksize=170)),
        "columns": {name: frame[name] for name in frame},
        "chunks": chunks(frame, 170),
        "frames": list(chunks(frame, 1100)),
        "folder": folder,
        "pattern": str(folder / "*.parquet"),
        "files": sorted(folder.iterdir()),
        "dataset": pyarrow.dataset.dataset(folder),
    }
    for name, source in sources.items():
        same(reference, bm.compress(source, **how))
        assert name  # which one failed is in the traceback
    same(reference, bm.compress(dd.from_pandas(frame, npartitions=1), **how))
    same(reference, bm.compress(dd.from_pandas(frame, npartitions=20), **how), sample=False)


def test_the_order_of_rows_does_not_matter(frame, small_working_set):
    shuffled = frame.sample(frac=1, random_state=1)
    same(bm.compress(frame, max_distinct=800), bm.compress(shuffled, max_distinct=800), sample=False)


def test_kinds_of_columns_come_back(frame):
    few = bm.compress(frame, max_distinct=800)
    assert few.n_rows == len(frame)
    assert {name: few.steps[name] is None for name in frame} == {name: name not in "ab" for name in frame}
    assert few.frame["smoker"].dtype == bool
    assert list(few.frame["size"].cat.categories) == ["small", "large"]
    assert set(few.frame["place"].dropna()) == {"north", "south"}
    for name in ("visits", "smoker", "place", "size", "a"):
        missing = few.counts[few.frame[name].isna()].sum()
        assert missing == frame[name].isna().sum()
    for name in ("visits", "smoker", "place", "size"):
        counted = pd.Series(few.counts).groupby(few.frame[name].astype(object).to_numpy()).sum()
        assert counted.to_dict() == frame[name].astype(object).value_counts().to_dict()


@pytest.mark.parametrize("most", [8, 50, 300, 2000])
@pytest.mark.parametrize("columns", [["a"], ["a", "b"], ["b", "a", "c"]], ids="-".join)
def test_max_distinct_is_kept_and_so_are_moments(frame, columns, most):
    table = frame.assign(c=np.random.default_rng(1).standard_t(2, N)).dropna()[columns]
    if most < 2 ** len(columns) * 2:
        most *= 4
    few = bm.compress(table, max_distinct=most)
    assert len(few) <= most
    assert few.n_rows == len(table)
    whole, inside = table.to_numpy(float), few.frame[columns].to_numpy(float)
    widths = np.array([few.steps[name] for name in columns])
    np.testing.assert_allclose(np.average(inside, axis=0, weights=few.counts), whole.mean(axis=0), atol=1e-6)
    assert (inside >= whole.min(axis=0)).all()
    assert (inside <= whole.max(axis=0)).all()
    found, wanted = np.cov(inside.T, fweights=few.counts, ddof=0), np.cov(whole.T, ddof=0)
    # Points next to the ends of the data may have to give up some of their variance.
    np.testing.assert_allclose(found, wanted, atol=1e-6 if most > 50 else 0.05 * float(np.max(widths)) ** 2)


def test_bins_keep_their_own_moments(rng):
    y = rng.normal(size=(4000, 2)) @ np.array([[1.0, 0.7], [0.0, 0.5]])
    few = bm.compress(pd.DataFrame(y, columns=["x", "z"]), resolution={"x": 0.5, "z": 0.5})
    keys = np.rint(y / 0.5)
    own = pd.DataFrame(y).groupby([keys[:, 0], keys[:, 1]])
    bins = few.bins
    np.testing.assert_allclose(bins.mean, own.mean().to_numpy(), atol=1e-12)
    np.testing.assert_allclose(bins.cross[:, 0, 1], own.cov(ddof=0)[1].to_numpy()[::2], atol=1e-12)
    np.testing.assert_array_equal(bins.low, own.min().to_numpy())
    starts = np.append(np.sort(bins.rows), len(few))
    for number in range(len(bins.counts)):
        rows = slice(starts[number], starts[number + 1])
        points, counts = few.frame.to_numpy()[rows], few.counts[rows]
        assert counts.sum() == bins.counts[number]
        assert len(points) <= min(3, bins.counts[number])
        np.testing.assert_allclose(np.average(points, axis=0, weights=counts), bins.mean[number], atol=1e-6)
        moved = points - bins.mean[number]
        inner = (moved * counts[:, None]).T @ moved / counts.sum()
        at_end = (points == y.min(axis=0)).any() or (points == y.max(axis=0)).any()
        assert at_end or np.allclose(inner, bins.cross[number], atol=1e-6)


def test_finer_bins_are_parts_of_those_that_are_fitted(frame, monkeypatch):
    monkeypatch.setattr(_reduction, "_FINE", (1, 1 << 16))
    table = frame[["a", "b", "place"]]
    few = bm.compress(table, max_distinct=200)
    bins, widths = few.bins, np.array([few.steps["a"], few.steps["b"]])
    assert 200 < len(bins.counts) <= 1600
    assert bins.counts.sum() == N
    points = few.frame.iloc[bins.rows]
    # Points may lie beside their bin, by less than their distance from its middle.
    away = np.abs(bins.mean - points[["a", "b"]].to_numpy())
    assert (np.isnan(away) | (away < 2 * widths)).all()
    by_place = pd.Series(bins.counts).groupby(points["place"].fillna("none").to_numpy()).sum()
    assert by_place.to_dict() == table["place"].fillna("none").value_counts().to_dict()
    sampled = bins.sample_bins
    inside = (bins.sample >= bins.low[sampled]) & (bins.sample <= bins.high[sampled])
    assert (inside | np.isnan(bins.sample)).all()


def test_the_simplex_has_mean_zero_and_covariance_one():
    counts = np.array([3.0, 7.0, 100.0])
    shares, points = _points._simplex(counts, 3)
    np.testing.assert_array_equal(shares.sum(axis=1), counts)
    np.testing.assert_allclose(np.einsum("cn,cnr->cr", shares, points), 0, atol=1e-12)
    covariance = np.einsum("cn,cnr,cns->crs", shares, points, points) / counts[:, None, None]
    np.testing.assert_allclose(covariance, np.broadcast_to(np.eye(2), (3, 2, 2)), atol=1e-12)


def test_few_distinct_values_stay_exact(rng):
    y = rng.normal(size=5000).round(1)
    for few in (bm.compress(y), bm.compress(y, max_distinct=200), bm.compress(y, resolution=0.1)):
        assert few.exact
        values, counts = np.unique(y, return_counts=True)
        np.testing.assert_array_equal(few.frame["y"], values)
        np.testing.assert_array_equal(few.counts, counts)
    assert "exactly" in few.text
    assert not bm.compress(y, resolution=0.2).exact


def test_rounded_values_with_noise_in_the_last_digit_are_one(rng):
    whole = rng.integers(-50, 50, 2000)
    few = bm.compress(np.where(rng.random(2000) < 0.5, whole * 0.1, whole / 10), resolution=0.1)
    assert few.exact
    assert len(few) == len(np.unique(whole))
    np.testing.assert_allclose(few.frame["y"], np.unique(whole) / 10, atol=1e-15)


def test_huge_offsets_keep_their_digits(rng):
    y = 1e9 + rng.normal(size=3000)
    few = bm.compress(y, max_distinct=100)
    assert np.average(few.frame["y"] - 1e9, weights=few.counts) == pytest.approx((y - 1e9).mean(), abs=1e-6)
    assert np.sqrt(np.cov(few.frame["y"] - 1e9, fweights=few.counts)) == pytest.approx(y.std(), rel=1e-3)


def test_weights_are_counts(frame, small_working_set):
    rng = np.random.default_rng(2)
    table = frame[["a", "visits"]].assign(count=rng.integers(1, 5, N))
    written_out = table.loc[table.index.repeat(table["count"])].drop(columns="count")
    weighted = bm.compress(table, weights="count", max_distinct=500)
    same(weighted, bm.compress(written_out, max_distinct=500), sample=False)
    assert weighted.n_rows == table["count"].sum()
    assert list(weighted.steps) == ["a", "visits"]


def test_the_sample_is_uniform_over_units():
    """A row that counts w times is drawn w times as often, and never more than w times."""
    weights = np.array([1.0, 1, 1, 2, 5, 10])
    size, sets = 8, 2000
    drawn = np.zeros((sets, 6))
    for seed in range(sets):
        sample = _sample.RowSample(size, seed)
        for part in (slice(0, 2), slice(2, 6)):
            sample.add(np.arange(6.0)[part, None], weights[part])
        drawn[seed] = np.bincount(sample.rows[:, 0].astype(int), minlength=6)
    assert (drawn.sum(axis=1) == size).all()
    assert (drawn <= weights).all()
    n = weights.sum()
    # The hypergeometric distribution has this mean and variance.
    mean, variance = size * weights / n, size * weights / n * (1 - weights / n) * (n - size) / (n - 1)
    assert (np.abs(drawn.mean(axis=0) - mean) < 4 * np.sqrt(variance / sets)).all()
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.15)


def test_the_sample_has_rows_as_they_were(frame):
    few = bm.compress(frame, max_distinct=800, sample_size=100, random_seed=2)
    assert len(few.sample) == 100
    merged = few.sample.merge(frame.drop_duplicates(), on=["a", "b"], how="left", suffixes=("", "_was"))
    assert (merged["place"].fillna("") == merged["place_was"].fillna("")).all()
    assert (merged["size"].astype(str) == merged["size_was"].astype(str)).all()
    again = bm.compress(frame, max_distinct=800, sample_size=100, random_seed=2)
    pd.testing.assert_frame_equal(few.sample, again.sample)
    other = bm.compress(frame, max_distinct=800, sample_size=100, random_seed=3)
    assert not few.sample.equals(other.sample)
    assert len(bm.compress(frame, max_distinct=800, sample_size=10 * N).sample) == N


MIXED = pd.DataFrame({"y": [1.0, 2.5, 3.25], "k": ["u", "v", "v"], "n": [1, 2, 3]})
REFUSED = {
    "both": (MIXED, {"resolution": 1.0, "max_distinct": 5}, "either resolution or max_distinct"),
    "one step for several": (MIXED, {"resolution": 1.0}, "by column for several columns"),
    "unknown step": (MIXED, {"resolution": {"z": 1.0}}, "name columns of the source"),
    "no step": (MIXED, {"resolution": {}}, "at least one column"),
    "text step": (MIXED, {"resolution": {"k": 1.0}}, "holds text"),
    "zero step": (MIXED, {"resolution": {"y": 0.0}}, "positive number"),
    "one row": (MIXED, {"max_distinct": 1}, "integer >= 2"),
    "half a row": (MIXED, {"max_distinct": 10.5}, "integer >= 2"),
    "no sample": (MIXED, {"sample_size": 0}, "sample_size"),
    "seed": (MIXED, {"random_seed": -1}, "random_seed"),
    "unknown column": (MIXED, {"columns": ["z"]}, "must have the column"),
    "one name": (MIXED, {"columns": "y"}, "list of names"),
    "twice": (MIXED, {"columns": ["y", "y"]}, "different"),
    "weights as numbers": (MIXED, {"weights": [1, 2, 3]}, "name of a column"),
    "half weights": (MIXED, {"weights": "y", "columns": ["k"]}, "whole numbers >= 1, got 2.5 at row 1"),
    "weights twice": (MIXED, {"weights": "y", "columns": ["y"]}, "must not hold the weights"),
    "infinite": (pd.DataFrame({"y": [1.0, np.inf]}), {}, "infinite"),
    "dates": (pd.DataFrame({"y": pd.date_range("2020", periods=3)}), {}, "Turn dates into numbers"),
    "mixture": (pd.DataFrame({"y": [1, "a", 2]}, dtype=object), {}, "throughout, got str 'a' at row 1"),
    "kinds": (iter([pd.DataFrame({"y": [1.5]}), pd.DataFrame({"y": ["a"]})]), {}, "got numbers and then text"),
    "nothing": (pd.DataFrame({"y": []}), {}, "must have rows"),
    "no chunks": (iter([]), {}, "must have rows"),
    "no columns": (pd.DataFrame(index=[1, 2]), {}, "must have columns"),
    "only weights": (pd.DataFrame({"n": [1, 2]}), {"weights": "n"}, "besides the weights"),
    "lazy": (pl.LazyFrame({"y": [1.0]}), {}, "collect"),
    "number": (5, {}, "source must be"),
    "interval": (bm.Interval([1, 2], [2, 3]), {}, "got an Interval"),
    "intervals": ({"y": bm.Interval([1, 2], [2, 3])}, {}, "got an Interval"),
    "no file": ("nowhere.parquet", {}, "existing Parquet file"),
    "no room": (pd.DataFrame({"y": np.arange(50) / 7, "n": np.arange(50)}), {"max_distinct": 20}, "leave room"),
    "far away": (pd.DataFrame({"y": [*np.linspace(1, 2, 50), 1e308]}), {"max_distinct": 20}, "1e\\+308"),
    "compressed": (bm.compress([1.0, 2.0]), {}, "original rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compressed_is_refused(case):
    source, options, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        bm.compress(source, **options)


def test_too_many_distinct_rows_are_refused(monkeypatch, rng):
    monkeypatch.setattr(_reduction, "MAX_DISTINCT", 1000)
    with pytest.raises(InputError, match="Use max_distinct=1000"):
        bm.compress(rng.normal(size=5000))
    with pytest.raises(InputError, match="coarser resolution"):
        bm.compress(rng.normal(size=5000), resolution=1e-6)


def test_files_that_are_not_parquet_are_refused(tmp_path):
    (tmp_path / "rows.csv").write_text("y\n1\n2\n")
    with pytest.raises(InputError, match="chunksize"):
        bm.compress(tmp_path / "rows.csv")
    pd.DataFrame({"y": [1.0, 2.0]}).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InputError, match="must have the column 'z'"):
        bm.compress(tmp_path / "rows.parquet", columns=["z"])
    reader = pd.read_csv(tmp_path / "rows.csv", chunksize=1)
    assert bm.compress(reader).counts.tolist() == [1, 1]


def test_a_missing_pyarrow_is_said(tmp_path, monkeypatch):
    pd.DataFrame({"y": [1.0, 2.0]}).to_parquet(tmp_path / "rows.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match="pip install pyarrow"):
        bm.compress(tmp_path / "rows.parquet")


def peak(path):
    """Return the most memory that NumPy and Arrow held at one time while a file passed, in bytes."""
    pool, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        assert bm.compress(path, max_distinct=500, columns=["y"]).n_rows == pyarrow.parquet.read_metadata(path).num_rows
        return tracemalloc.get_traced_memory()[1] + pool.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


def test_memory_does_not_grow_with_the_rows(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(_reduction, "_WORKING", 8_000)
    monkeypatch.setattr(_reduction, "_PENDING", 20_000)
    monkeypatch.setattr(_sources, "_BATCH", 40_000)
    for name, n in (("short", 200_000), ("long", 2_400_000)):
        table = pa.table({"y": rng.normal(size=n), "unused": rng.normal(size=n)})
        pyarrow.parquet.write_table(table, tmp_path / name, row_group_size=50_000)
    del table
    peak(tmp_path / "short")  # whatever is imported then
    short, long = peak(tmp_path / "short"), peak(tmp_path / "long")
    assert long < 1.2 * short
    assert long < 2_400_000 * 8 / 2  # half of what the one column takes alone


# Fits


@pytest.fixture(scope="module")
def two_groups():
    rng = np.random.default_rng(8)
    group = rng.random(N) < 0.4
    return rng.normal(np.where(group, 3, 0), np.where(group, 0.8, 1))


def draws_of(fit):
    tree = fit.idata["posterior"].to_dataset()
    return {name: tree[name].values for name in tree.data_vars}


@pytest.mark.parametrize("resolution", [None, 0.1])
def test_exact_rows_give_the_same_draws(two_groups, resolution):
    y = pd.Series(two_groups.round(1), name="length")
    few = bm.compress(y, max_distinct=300)
    whole = bm.Mixture(2).fit(y, resolution=resolution, **OPTIONS)
    fit = bm.Mixture(2).fit(few, resolution=resolution, **OPTIONS)
    for name, values in draws_of(whole).items():
        np.testing.assert_array_equal(draws_of(fit)[name], values)
    assert fit.resolved == whole.resolved
    effect = fit.compression_error()
    assert effect.negligible
    assert effect.sd == effect.mean == 0
    assert (effect.table == 0).all().all()
    assert f"{len(few)} distinct rows stand for {N}, exactly" in fit.check().text


def test_exact_tables_give_the_same_draws(frame):
    family = {"visits": "poisson", "smoker": "bernoulli", "size": "categorical"}
    whole = bm.Mixture(2, family=family).fit(frame, **OPTIONS)
    fit = bm.Mixture(2, family=family).fit(bm.compress(frame, columns=list(family)), **OPTIONS)
    for name, values in draws_of(whole).items():
        np.testing.assert_array_equal(draws_of(fit)[name], values)


@pytest.fixture(scope="module")
def compressed(two_groups):
    return bm.compress(pd.DataFrame({"length": two_groups}), max_distinct=100, random_seed=1)


@pytest.fixture(scope="module")
def fit(compressed):
    return bm.Mixture(2).fit(compressed, **OPTIONS | {"draws": 1000, "chains": 4})


def test_a_fit_says_that_its_rows_were_compressed(fit, compressed):
    info = fit.info.compression
    assert (info.n_rows, info.n_distinct, info.steps) == (N, len(compressed), (compressed.steps["length"],))
    assert fit.info.total == N
    assert f"{len(compressed)} rows, compressed from {N}," in repr(fit)
    check = fit.check()
    assert check.ok
    assert "the fit ran on compressed data" in check.text
    assert "negligible" in check.text
    assert "compressed data" in bm.report(fit).to_markdown()
    assert len(fit.assignments()) == len(compressed)
    assert bm.Mixture(2).fit([1.0, 2.0, 4.0, 5.0], **OPTIONS).info.compression is None


def all_rows_error(fit, rows):
    """Return the log-likelihood of all original rows less that of the fitted ones, at every draw."""
    fitted = fit.observations
    return row_log_density(fit, fit.arrays, rows).sum(axis=1) - row_log_density(fit, fit.arrays, fitted.cells) @ (
        fitted.weights
    )


TABLES = {
    "one column": (["a"], {"a": "normal"}, 60),
    "two columns, blanks": (["a", "b"], {"a": "normal", "b": "gamma"}, 300),
    "beside text": (["a", "place"], {"a": "student_t", "place": "categorical"}, 200),
    "points together": (["a", "b"], "mv_normal", 300),
}


@pytest.mark.parametrize("finer", [True, False])
@pytest.mark.parametrize("case", TABLES)
def test_the_error_is_that_of_all_rows(frame, case, finer, monkeypatch):
    monkeypatch.setattr(_reduction, "_FINE", (1, 1000 if finer else 1))
    columns, family, most = TABLES[case]
    table = frame if case != "one column" else frame.dropna(subset="a")
    everyone = bm.compress(table, columns=columns, max_distinct=most, sample_size=len(table), random_seed=1)
    mixture = bm.Mixture(2, family=family)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.errors.PriorWarning)
        fit = mixture.fit(everyone, **OPTIONS)
        whole = mixture.fit(table[columns], **OPTIONS | {"draws": 4})
    assert not fit.info.compression.exact
    assert fit.layout.names == whole.layout.names
    error = all_rows_error(fit, whole.observations.cells)
    effect = fit.compression_error()
    assert effect.mean == pytest.approx(error.mean(), abs=1e-6)
    assert effect.sd == pytest.approx(error.std(ddof=1), rel=1e-6)
    assert effect.mean_error == pytest.approx(0, abs=1e-9)
    w = fit.arrays.weights[:, 0]
    shift = np.cov(w, error)[0, 1] / w.std(ddof=1)
    assert effect.table.loc["w[0]", "shift_sd"] == pytest.approx(shift, rel=1e-6)
    # A part of the rows gives the same, within the error that it reports.
    part = bm.compress(table, columns=columns, max_distinct=most, sample_size=200, random_seed=2)
    few = mixture.fit(part, **OPTIONS).compression_error()
    assert few.mean_error > 0
    assert abs(few.mean - error.mean()) < 4 * few.mean_error
    assert ((few.table["shift_sd"] - effect.table["shift_sd"]).abs() < 4 * few.table["error_sd"]).all()


def test_the_error_of_the_sample_is_the_one_reported(two_groups):
    """Over many samples the estimates vary as much as their standard errors say, around the value of all rows."""
    everyone = bm.compress(two_groups, resolution=0.8, sample_size=N)
    fit = bm.Mixture(2).fit(everyone, **OPTIONS)
    truth = fit.compression_error()
    found = []
    for seed in range(60):
        sample = bm.compress(two_groups, resolution=0.8, sample_size=150, random_seed=seed)
        fit.observations.compression.bins.__dict__.update(
            sample_bins=sample.bins.sample_bins, sample=sample.bins.sample
        )
        effect = fit.compression_error()
        found.append(((effect.mean - truth.mean) / effect.mean_error, effect.mean))
    z, means = np.transpose(found)
    assert abs(z.mean()) < 4 / np.sqrt(60)
    assert 0.7 < z.std() < 1.3
    assert means.std() > 0


def test_coarse_bins_do_not_pass(two_groups):
    fit = bm.Mixture(2).fit(bm.compress(two_groups, max_distinct=14, random_seed=1), **OPTIONS)
    effect = fit.compression_error()
    assert effect.negligible is False
    assert not fit.check().ok
    assert "Use finer bins" in fit.check().text
    assert "not negligible" in effect._repr_html_()


def test_what_is_not_known_is_not_called_negligible(two_groups):
    few = bm.compress(two_groups, resolution=0.8, sample_size=5, random_seed=1)
    effect = bm.Mixture(2).fit(few, **OPTIONS).compression_error()
    assert effect.table["error_sd"].max() > 0.05
    assert effect.negligible is not True
    assert "sample_size=" in effect.text or effect.negligible is False


def test_columns_that_are_not_fitted_do_not_count(frame):
    table = frame.dropna()
    few = bm.compress(table, columns=["a", "visits"], max_distinct=400)
    assert not few.exact
    fit = bm.Mixture(2, family={"visits": "poisson"}).fit(few, **OPTIONS)
    assert fit.info.compression.exact
    assert fit.info.compression.columns == ("visits",)
    whole = bm.Mixture(2, family={"visits": "poisson"}).fit(table[["visits"]], **OPTIONS)
    np.testing.assert_array_equal(draws_of(fit)["visits_mu"], draws_of(whole)["visits_mu"])


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_files_keep_what_the_error_needs(fit, tmp_path, ending):
    again = bm.load(fit.save(tmp_path / f"fit.{ending}"))
    assert again.info == fit.info
    pd.testing.assert_frame_equal(again.compression_error().table, fit.compression_error().table)
    assert again.check().text == fit.check().text
    bare = bm.load(fit.save(tmp_path / f"bare.{ending}", data=False))
    assert bare.info.compression == fit.info.compression
    assert "cannot be measured" in bare.check().text
    assert "compression_bins" not in bare.idata.children
    with pytest.raises(InputError, match="needs the data"):
        bare.compression_error()


def test_files_of_exact_rows(tmp_path, two_groups):
    fit = bm.Mixture(2).fit(bm.compress(two_groups.round(1)), **OPTIONS)
    again = bm.load(fit.save(tmp_path / "fit.nc", data=False))
    assert again.compression_error().negligible
    assert bm.load(fit.save(tmp_path / "whole.nc")).info.compression.exact


def test_sweeps_and_prior_draws_take_compressed_rows(compressed):
    choice = bm.choose_components(compressed, range(1, 4), evidence=False, **OPTIONS | {"draws": 500, "chains": 4})
    assert choice.best == 2
    assert all(fit.info.compression is not None for fit in choice.fits.values())
    assert bm.Mixture(2).prior_predictive(compressed, n_datasets=2, random_seed=1).sizes["dataset"] == 2


def test_labels_belong_to_the_rows_that_stand_for_others(frame):
    table = frame[["a", "size"]].dropna()
    few = bm.compress(table, max_distinct=200)
    fit = bm.Mixture(2, family={"a": "normal"}, classes=["small", "large"]).fit(
        few, labels=few.frame["size"].astype(object), **OPTIONS
    )
    assert fit.resolved.labelled
    assert fit.compression_error().negligible is not None


def test_what_compressed_rows_cannot_do_is_said(compressed, frame, fit):
    with pytest.raises(InputError, match="weights must be left out"):
        bm.Mixture(2).fit(compressed, weights=compressed.counts, **OPTIONS)
    with pytest.raises(InputError, match="gathered in bins"):
        bm.Mixture(2).fit(compressed, resolution=0.5, **OPTIONS)
    with pytest.raises(InputError, match="columns=\\['name'\\]"):
        bm.Mixture(2).fit(bm.compress(frame, max_distinct=800), **OPTIONS)
    with pytest.raises(InputError, match="fit to compressed rows"):
        bm.Mixture(1).fit([1.0, 2.0, 4.0], **OPTIONS).compression_error()


def test_they_show_themselves(compressed, fit):
    assert f"{len(compressed)} distinct rows stand for {N}, bins of" in repr(compressed)
    assert "rows drawn at random" in compressed._repr_html_()
    effect = fit.compression_error()
    assert "negligible" in effect._repr_html_()
    assert "shift_sd" in repr(effect)
