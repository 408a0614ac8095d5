"""Whatever is handed to the gate for data or to `load`: a sound result, or an error of the package's own."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.errors import BayesmixError, FileFormatError
from tests.helpers import two_groups

#: More are drawn by hand: BAYESMIX_FUZZ=20 pytest tests/test_fuzz.py draws twenty times as many.
MORE = int(os.environ.get("BAYESMIX_FUZZ", "1"))
QUIET = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}

scalars = st.one_of(
    st.floats(),
    st.integers(),
    st.integers(-5, 5),
    st.floats(-10, 10),
    st.booleans(),
    st.none(),
    st.text(max_size=4),
    st.dates(),
    st.timedeltas(),
    st.complex_numbers(),
    st.decimals(),
    st.fractions(),
    st.binary(max_size=3),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.lists(st.integers(), max_size=2),
)
numbers = st.lists(st.one_of(st.floats(-1e300, 1e300), st.integers(-9, 9)), max_size=12)
dtypes = st.one_of(
    arrays.scalar_dtypes(),
    arrays.unicode_string_dtypes(max_len=3),
    arrays.byte_string_dtypes(max_len=3),
    arrays.datetime64_dtypes(),
    arrays.timedelta64_dtypes(),
)
columns = st.one_of(
    scalars,
    st.lists(scalars, max_size=8),
    numbers,
    numbers.map(tuple),
    numbers.map(pd.Series),
    st.lists(scalars, max_size=8).map(lambda values: pd.Series(values, dtype=object)),
    st.lists(st.text(max_size=2), max_size=8).map(lambda values: pd.Series(values, dtype="category")),
    st.lists(st.booleans() | st.none(), max_size=8).map(lambda values: pd.array(values, dtype="boolean")),
    arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)),
    numbers.map(iter),
    numbers.map(set),
    st.dictionaries(st.text(max_size=2), scalars, max_size=3),
)
tables = st.one_of(
    columns,
    st.lists(st.lists(scalars, max_size=4), max_size=4),
    arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6)).map(pd.DataFrame),
    st.dictionaries(st.text(max_size=3) | st.integers(), numbers, max_size=4),
    st.lists(st.tuples(scalars, scalars), min_size=1, max_size=6).map(
        lambda rows: pd.DataFrame(rows, columns=["a", "b"])
    ),
    st.lists(st.tuples(scalars, scalars), min_size=1, max_size=6).map(
        lambda rows: pd.DataFrame(rows, columns=["a", "a"])
    ),
)
MIXTURES = [
    bm.Mixture(2),
    bm.Mixture(2, family="poisson"),
    bm.Mixture(2, family="gamma"),
    bm.Mixture(2, family="von_mises"),
    bm.Mixture(2, family="mv_normal"),
    bm.Mixture(2, family={"a": "normal", "b": "poisson"}),
    bm.Mixture(2, family={"a": "bernoulli", "b": "categorical", 0: "normal"}),
]


def assert_sound(rows):
    """What every reader promises: no infinite values, weights above 0, and distinct rows that stand for all."""
    assert rows.n >= 1
    assert len(rows.index) == rows.n
    for column in rows.columns:
        assert not np.isinf(column.values).any()
    distinct = rows.distinct
    assert distinct.counts.sum() == pytest.approx(rows.n if rows.weights is None else rows.weights.sum())
    np.testing.assert_array_equal(distinct.cells[distinct.inverse], rows.cells)


@settings(max_examples=200 * MORE, **QUIET)
@given(y=columns, weights=st.none() | columns, resolution=st.none() | st.just("auto") | scalars)
def test_a_column_is_read_or_refused(y, weights, resolution):
    try:
        rows = read_rows(MIXTURES[0].family, y, weights, resolution)
    except BayesmixError:
        return
    assert_sound(rows)


@pytest.mark.parametrize("mixture", MIXTURES, ids=lambda mixture: str(mixture.family)[:30])
@settings(max_examples=100 * MORE, **QUIET)
@given(y=tables)
def test_a_table_is_read_or_refused(mixture, y):
    try:
        rows = read_rows(mixture.family, y, None, None)
    except BayesmixError:
        return
    assert_sound(rows)


@settings(max_examples=200 * MORE, **QUIET)
@given(lower=columns, upper=columns)
def test_bounds_are_read_or_refused(lower, upper):
    try:
        rows = read_rows(MIXTURES[0].family, bm.Interval(lower, upper))
    except BayesmixError:
        return
    assert (rows.cells[:, 0] <= rows.cells[:, 1]).all()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved fit, and its bytes."""
    fit = two_groups(pd.Series([1.0, 2.0, 2.5, 7.0, 8.0, 9.0], index=list("abcdef")))
    path = fit.save(tmp_path_factory.mktemp("fuzz") / "fit.nc")
    return fit, path, path.read_bytes()


@settings(max_examples=40 * MORE, **QUIET)
@given(data=st.data())
def test_damaged_files_are_refused_or_read_as_they_were(saved, data):
    fit, path, whole = saved
    start = data.draw(st.integers(0, len(whole) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "overwrite", "insert"]))
    piece = data.draw(st.binary(min_size=1, max_size=40))
    changed = {
        "flip": whole[:start] + bytes([whole[start] ^ (piece[0] or 1)]) + whole[start + 1 :],
        "cut": whole[:start],
        "overwrite": whole[:start] + piece + whole[start + len(piece) :],
        "insert": whole[:start] + piece + whole[start:],
    }[how]
    path.write_bytes(changed)
    try:
        again = bm.load(path)
    except FileFormatError:
        return
    for name in ("w", "mu", "sigma"):
        np.testing.assert_array_equal(again.idata["posterior"][name], fit.idata["posterior"][name])
    np.testing.assert_array_equal(again.observations.cells, fit.observations.cells)
    assert again.observations.index.equals(fit.observations.index)
    assert again.info == fit.info
