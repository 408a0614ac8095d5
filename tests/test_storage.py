"""Saving and loading: complete or not at all, and clear words for every kind of bad file."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmix as bm
from bayesmix import storage
from bayesmix.errors import BayesmixError, FileFormatError, InputError
from tests.helpers import make_fit, two_groups


@pytest.fixture
def made(rng):
    y = pd.Series(rng.normal(size=12), index=[f"row {i}" for i in range(12)], name="size")
    y.index.name = "case"
    return two_groups(y)


@pytest.mark.parametrize("name", ["fit.nc", "fit.zarr"])
def test_round_trip(made, tmp_path, name):
    path = made.save(tmp_path / name)
    again = bm.load(path)
    assert again.mixture == made.mixture
    assert again.resolved == made.resolved
    assert again.info == made.info
    pd.testing.assert_frame_equal(again.assignments(), made.assignments())
    assert again.loo().elpd == made.loo().elpd
    assert set(again.idata.children) == set(made.idata.children)
    assert again.observations.index.name == "case"


def test_weights_travel_with_the_rows(tmp_path):
    settings = {"draws": np.int64(50), "tune": 100, "random_seed": np.int64(1), "progressbar": False}
    fit = bm.Mixture(2).fit([1.0, 2.0, 5.0, 6.0], weights=[3, 1, 2, 2], **settings)
    again = bm.load(fit.save(tmp_path / "fit.nc"))
    np.testing.assert_array_equal(again.observations.weights, [3, 1, 2, 2])
    assert again.loo().elpd == fit.loo().elpd
    assert b"row_weights" not in fit.save(tmp_path / "bare.nc", data=False).read_bytes()


def test_saving_twice_replaces(made, rng, tmp_path):
    for name in ("fit.nc", "fit.zarr"):
        made.save(tmp_path / name)
        other = two_groups(rng.normal(size=5))
        other.save(tmp_path / name)
        assert bm.load(tmp_path / name).info.n == 5


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3),
        pd.Index([10, 20, 30]),
        pd.Index(["a", "b", "b"]),
        pd.Index([1, "a", 2.5], dtype=object),
        pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-05"]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
    ],
    ids=lambda index: type(index).__name__ + str(index[0]),
)
def test_every_index_comes_back(index, tmp_path):
    y = pd.Series([1.0, 2.0, 4.0], index=index)
    made = make_fit(y, [[1.0]] * 4, {"mu": [[1.0]] * 4, "sigma": [[1.0]] * 4})
    again = bm.load(made.save(tmp_path / "fit.nc"))
    pd.testing.assert_index_equal(again.assignments().index, index, exact="equiv")


def test_without_data_nothing_gives_the_rows_away(made, tmp_path):
    path = made.save(tmp_path / "fit.nc", data=False)
    tree = xr.open_datatree(path, engine="h5netcdf")
    assert set(tree.children) == {"posterior", "sample_stats"}
    assert "row 1" not in path.read_bytes().decode("latin1")
    tree.close()
    again = bm.load(path)
    assert again.summary().equals(made.summary())
    assert again.predict([0.0])["probability"].iloc[0] == made.predict([0.0])["probability"].iloc[0]
    assert again.check().table.loc["mu[0]", "r_hat"] == made.check().table.loc["mu[0]", "r_hat"]
    assert "size" in repr(again)
    again.save(tmp_path / "again.nc")
    for method in (again.assignments, again.loo, again.waic, again.density, again.assignment_probabilities):
        with pytest.raises(InputError, match="data=False"):
            method()


def test_header_records_what_is_needed_to_repeat(made, tmp_path):
    tree = xr.open_datatree(made.save(tmp_path / "fit.nc"), engine="h5netcdf")
    header = json.loads(tree.attrs["bayesmix"])
    tree.close()
    assert header["format"] == storage.FORMAT
    assert header["info"]["random_seed"] == 1
    assert header["info"]["digest"] == made.observations.digest
    assert header["resolved"]["priors"]["mu"]["prior"] == "Normal"


def rewrite(path, change):
    """Change a file behind the package's back: `change` gets the loaded tree."""
    tree = xr.open_datatree(path, engine="h5netcdf").load()
    tree.close()
    change(tree)
    tree.to_netcdf(path, engine="h5netcdf")


def rewrite_header(path, **changes):
    def change(tree):
        header = json.loads(tree.attrs["bayesmix"]) | changes
        del header["digest"]
        tree.attrs["bayesmix"] = json.dumps(header)

    rewrite(path, change)


def test_files_that_cannot_be_read(made, tmp_path):
    with pytest.raises(FileFormatError, match="existing file"):
        bm.load(tmp_path / "missing.nc")
    path = made.save(tmp_path / "fit.nc")
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut.nc").write_bytes(whole[:cut])
        with pytest.raises(FileFormatError, match="must"):
            bm.load(tmp_path / "cut.nc")
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(FileFormatError, match="truncated or of another kind"):
        bm.load(tmp_path / "text.nc")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(FileFormatError, match="must"):
        bm.load(tmp_path / "empty.zarr")
    xr.DataTree.from_dict({"a": xr.Dataset({"x": 1})}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    with pytest.raises(FileFormatError, match="lacks the bayesmix header"):
        bm.load(tmp_path / "foreign.nc")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 99}, "reads formats 1 to"),
        ({"format": 0}, "reads formats 1 to"),
        ({"mixture": {}}, "missing or unreadable"),
        ({"info": {}}, "missing or unreadable"),
    ],
)
def test_other_versions_and_damaged_headers_are_explained(made, tmp_path, changes, words):
    path = made.save(tmp_path / "fit.nc")
    rewrite_header(path, **changes)
    with pytest.raises(FileFormatError, match=words):
        bm.load(path)


def test_changed_rows_are_noticed(made, tmp_path):
    path = made.save(tmp_path / "fit.nc")

    def change(tree):
        tree["row_index"]["cells"].values[0] += 1

    rewrite(path, change)
    with pytest.raises(FileFormatError, match="digest"):
        bm.load(path)
    observed = made.idata["observed_data"].to_dataset()
    made.idata["observed_data"] = xr.DataTree(observed + 1)
    with pytest.raises(FileFormatError, match="digest"):
        bm.load(made.save(tmp_path / "fit.nc"))


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree["posterior"]["mu"].values.__setitem__((0, 3, 1), 5.0),
        lambda tree: tree["sample_stats"]["diverging"].values.__setitem__((0, 0), True),
        lambda tree: tree.attrs.update(bayesmix=tree.attrs["bayesmix"].replace('"random_seed": 1', '"random_seed": 2')),
    ],
    ids=["a draw", "a divergence", "the random seed"],
)
def test_changed_contents_are_noticed(made, tmp_path, change):
    path = made.save(tmp_path / "fit.nc", data=False)
    rewrite(path, change)
    with pytest.raises(FileFormatError, match="must match their digest"):
        bm.load(path)


def test_files_of_format_1_are_read(made, tmp_path):
    """Version 1 knew one column of points: no cells, no layout, fewer fields of the specification."""
    path = made.save(tmp_path / "fit.nc")

    def change(tree):
        header = json.loads(tree.attrs["bayesmix"])
        header["format"] = 1
        del header["digest"], header["categories"], header["info"]["layout"], header["info"]["measure"]
        for spec in (header["mixture"], header["resolved"]):
            for name in ("noise", "zero_inflated", "ranges", "backgrounds"):
                del spec[name]
        tree.attrs["bayesmix"] = json.dumps(header)
        tree["row_index"] = xr.DataTree(tree["row_index"].to_dataset().drop_vars(["cells", "values"]))

    rewrite(path, change)
    again = bm.load(path)
    assert again.info == made.info
    assert again.resolved == made.resolved
    pd.testing.assert_frame_equal(again.assignments(), made.assignments())

    def change_rows(tree):
        tree["observed_data"]["y"].values[0] += 1

    rewrite(path, change_rows)
    with pytest.raises(FileFormatError, match="digest"):
        bm.load(path)


def test_a_failed_save_leaves_the_old_file_and_no_litter(made, tmp_path, monkeypatch):
    path = made.save(tmp_path / "fit.nc")
    before = path.read_bytes()

    def fail(*_, **__):
        path.with_name(f".fit-{storage.os.getpid()}.nc").write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", fail)
    with pytest.raises(OSError, match="disk full"):
        made.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


def test_bad_paths(made, tmp_path):
    with pytest.raises(InputError, match=r"end in \.nc or \.zarr"):
        made.save(tmp_path / "fit.pkl")
    for path in (None, 3):
        with pytest.raises(InputError, match="path must be text"):
            made.save(path)
        with pytest.raises(InputError, match="path must be text"):
            bm.load(path)
    with pytest.raises(InputError, match="folder of path must exist"):
        made.save(tmp_path / "nowhere" / "fit.nc")
    assert issubclass(FileFormatError, BayesmixError)


def test_a_real_fit_survives(fit, tmp_path):
    again = bm.load(fit.save(tmp_path / "fit.nc"))
    np.testing.assert_array_equal(again.idata["posterior"]["mu"].values, fit.idata["posterior"]["mu"].values)
    assert again.check().text == fit.check().text
    assert [v.name for v in again.model.free_RVs] == ["w_free", "mu_z", "sigma_z"]
