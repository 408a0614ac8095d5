"""The gate for data: what gets in, what is refused, and in which words."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr

from bayesmix.data import check_component_count, observe, read_column
from bayesmix.errors import InputError

ROWS = [24.0, 23.5, 17.0, 17.0]


@pytest.mark.parametrize(
    "y",
    [
        ROWS,
        tuple(ROWS),
        np.array(ROWS),
        np.array(ROWS, dtype=np.float32),
        pd.Series(ROWS),
        pd.Series(ROWS, dtype="Float64"),
        pd.DataFrame({"y": ROWS}),
        xr.DataArray(ROWS, dims="row"),
        pl.Series("y", ROWS),
        pl.DataFrame({"y": ROWS}),
        [fractions.Fraction(24), decimal.Decimal("23.5").__float__(), 17, np.float64(17)],
        np.ma.masked_invalid(ROWS),
    ],
    ids=lambda y: type(y).__name__,
)
def test_every_container_gives_the_same_numbers(y):
    observations = observe(y)
    assert observations.values.dtype == np.float64
    np.testing.assert_array_equal(observations.values, ROWS)
    assert observations.n == 4
    assert observations.n_distinct == 3
    assert observations.most_tied == (17.0, 2)


def test_index_and_name_are_kept():
    series = pd.Series(ROWS, index=["a", "b", "c", "d"], name="length")
    observations = observe(series)
    assert list(observations.index) == ["a", "b", "c", "d"]
    assert observations.name == "length"
    assert list(observations.coordinate) == ["a", "b", "c", "d"]
    array = xr.DataArray(ROWS, dims="row", coords={"row": [10, 20, 30, 40]}, name="length")
    assert list(observe(array).index) == [10, 20, 30, 40]
    assert observe(array).name == "length"


def test_multi_index_falls_back_to_positions_as_coordinate():
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2)])
    observations = observe(pd.Series(ROWS, index=index))
    assert observations.index.equals(index)
    assert list(observations.coordinate) == [0, 1, 2, 3]


def test_data_are_copied_and_read_only():
    source = np.array(ROWS)
    observations = observe(source)
    source[0] = -1
    assert observations.values[0] == 24.0
    with pytest.raises(ValueError, match="read-only"):
        observations.values[0] = 1.0


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([], ["got none"]),
        ([1.0], ["at least 2 rows", "got 1"]),
        ([1.0, float("nan"), 3.0], ["nan", "missing", "row 1"]),
        ([1.0, None, 3.0], ["missing", "row 1"]),
        (pd.Series([1.0, pd.NA, 3.0], dtype="Float64"), ["missing", "row 1"]),
        (np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0]), ["missing", "row 1"]),
        ([1.0, 2.0, float("inf")], ["inf", "row 2"]),
        ([1.0, -float("inf")], ["-inf", "row 1"]),
        (["1", "2"], ["'1'", "row 0", "to_numeric"]),
        (np.array(["a", "b"]), ["strings", "row 0"]),
        ([1.0, "x"], ["'x'", "row 1"]),
        ([True, False, True], ["bool", "row 0", "astype"]),
        (np.array([True, False]), ["booleans"]),
        ([1 + 2j, 3.0], ["(1+2j)", "row 0"]),
        (np.array([1 + 2j, 3.0]), ["complex"]),
        (pd.Series(pd.date_range("2020", periods=3)), ["dates"]),
        ([datetime.date(2020, 1, 1), 2.0], ["date", "row 0"]),
        (pd.Series(pd.to_timedelta([1, 2], unit="s")), ["durations"]),
        (pd.Series([1.0, "two"], dtype=object), ["'two'", "row 1"]),
        (pd.Series(["a", "b"], dtype="string"), ["'a'", "row 0"]),
        (pd.Series(["a", "b"], dtype="category"), ["'a'", "row 0"]),
        (pd.Series([True, None], dtype="boolean"), ["True", "row 0"]),
        (np.zeros((3, 2)), ["one column", "(3, 2)"]),
        ([[1.0, 2.0], [3.0, 4.0]], ["one column", "(2, 2)"]),
        ([[1.0], [2.0, 3.0]], ["different lengths"]),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), ["2 columns", "'a'"]),
        (pl.DataFrame({"a": [1.0], "b": [2.0]}), ["2 columns"]),
        (pl.Series("y", [1.0, None]), ["missing", "row 1"]),
        (xr.Dataset({"y": ("row", ROWS)}), ["Dataset"]),
        ({1.0, 2.0}, ["set"]),
        ({"y": ROWS}, ["dict"]),
        (None, ["NoneType"]),
        (3.0, ["float"]),
        ("abc", ["str"]),
        (np.float64(3.0), ["float64"]),
        ((value for value in ROWS), ["generator", "list(y)"]),
    ],
    ids=str,
)
def test_refusals_show_value_row_and_remedy(y, words):
    with pytest.raises(InputError) as caught:
        observe(y)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert message.rstrip().endswith(".")
    assert "must" in message


def test_refusal_names_the_index_label():
    with pytest.raises(InputError, match=r"row 1 \(index 'b'\)"):
        observe(pd.Series([1.0, np.nan], index=["a", "b"]))


def test_a_single_new_row_may_be_read():
    assert read_column([3.0]).n == 1


def test_centre_and_scale_survive_huge_offsets_and_tiny_scales(rng):
    noise = rng.normal(size=50)
    for offset, scale in [(0.0, 1.0), (1e9, 1.0), (0.0, 1e-12), (0.0, 1e-200), (0.0, 1e200), (-1e9, 1e-3)]:
        observations = observe(offset + scale * noise)
        exact = np.array([fractions.Fraction(v) for v in observations.values])
        mean = sum(exact) / 50
        assert abs(observations.center - float(mean)) <= 4e-16 * max(abs(offset), 4 * scale)
        variance = float(sum((v - mean) ** 2 for v in exact) / 50 / fractions.Fraction(scale) ** 2)
        assert observations.scale == pytest.approx(scale * variance**0.5, rel=1e-6 if offset else 1e-12)


def test_constant_data_have_scale_zero():
    assert observe([0.1, 0.1, 0.1]).scale == 0.0


def test_digest_depends_on_values_and_order():
    assert observe(ROWS).digest == observe(pd.Series(ROWS, index=list("abcd"))).digest
    assert observe(ROWS).digest != observe(ROWS[::-1]).digest


def test_more_components_than_distinct_values_are_refused():
    check_component_count(3, observe(ROWS))
    with pytest.raises(InputError, match="n_components=4 for 3 distinct values"):
        check_component_count(4, observe(ROWS))
