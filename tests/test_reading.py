"""The gate for data: what gets in, what is refused, and in which words."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr

from bayesmix.data import Interval
from bayesmix.errors import InputError
from bayesmix.reading import Wanted, observe, observe_matrix, read_column
from bayesmix.reading.rounding import find_step
from tests.helpers import name_of

ROWS = [24.0, 23.5, 17.0, 17.0]
INF = float("inf")
NAN = float("nan")

NUMBER, COUNT, CATEGORY = Wanted(), Wanted(continuous=False), Wanted(reads="category")
AGE, SEX, VISITS = Wanted("age"), Wanted("sex", "category"), Wanted("visits", continuous=False)
PEOPLE = {"age": [30.0, None, 41.5, 28.0], "sex": ["m", "f", None, "f"], "visits": [0, 3, None, 3], "id": [1, 2, 3, 4]}


def refusal(call, *args, **options):
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    message = str(caught.value)
    assert "must" in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    "y",
    [
        ROWS,
        tuple(ROWS),
        np.array(ROWS),
        np.array(ROWS, dtype=np.float32),
        pd.Series(ROWS),
        pd.Series(ROWS, dtype="Float64"),
        pd.Series(ROWS, dtype="Float64").array,
        pd.Series(ROWS, dtype="category"),
        pd.DataFrame({"y": ROWS}),
        xr.DataArray(ROWS, dims="row"),
        pl.Series("y", ROWS),
        pl.Series(ROWS),
        pl.DataFrame({"y": ROWS}),
        pa.chunked_array([ROWS]),
        pa.table({"y": ROWS}),
        [fractions.Fraction(24), decimal.Decimal("23.5").__float__(), 17, np.float64(17)],
        np.ma.masked_invalid(ROWS),
        pd.Index(ROWS),
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
    assert observations.name == "y"


@pytest.mark.parametrize("dtype", ["int8", "uint64", "Int64", "UInt8", "int64[pyarrow]"])
def test_whole_numbers_of_every_kind(dtype):
    np.testing.assert_array_equal(observe(pd.Series([3, 1, 2], dtype=dtype)).values, [3.0, 1.0, 2.0])


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
    for array in (observations.values, observations.cells, observe(ROWS, resolution=0.5).columns[0].lowest):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([], ["got none"]),
        ([1.0], ["at least 2 rows", "got 1"]),
        ([1.0, NAN, 3.0], ["nan", "missing", "row 1"]),
        ([1.0, None, 3.0], ["missing", "row 1"]),
        (pd.Series([1.0, pd.NA, 3.0], dtype="Float64"), ["missing", "row 1"]),
        (pd.Series([1, pd.NA, 3], dtype="Int64"), ["missing", "row 1"]),
        (np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0]), ["missing", "row 1"]),
        ([1.0, 2.0, INF], ["inf", "row 2"]),
        ([1.0, -INF], ["-inf", "row 1"]),
        ([-1e308, 1e308], ["finite range"]),
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
        ([2**53 + 1, 1], ["2**53", "row 0"]),
        (pd.Series([1, 2**60], dtype="Int64"), ["2**53", "row 1"]),
        (np.array([1, 2**60]), ["2**53", "row 1"]),
        (np.zeros((3, 2)), ["one column", "(3, 2)"]),
        ([[1.0, 2.0], [3.0, 4.0]], ["one column", "(2, 2)"]),
        ([[1.0], [2.0, 3.0]], ["different lengths"]),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), ["2 columns", "'a'"]),
        (pl.DataFrame({"a": [1.0], "b": [2.0]}), ["2 columns"]),
        (pl.Series("y", [1.0, None]), ["missing", "row 1"]),
        (pl.Series("y", [1, None]), ["missing", "row 1"]),
        (xr.Dataset({"y": ("row", ROWS)}), ["Dataset"]),
        ({1.0, 2.0}, ["set"]),
        ({"y": ROWS}, ["dict"]),
        (None, ["NoneType"]),
        (3.0, ["float"]),
        ("abc", ["str"]),
        (np.float64(3.0), ["float64"]),
        ((value for value in ROWS), ["generator", "list(y)"]),
    ],
    ids=name_of,
)
def test_refusals_show_value_row_and_remedy(y, words):
    message = refusal(observe, y)
    assert all(word in message for word in words), message
    assert message.startswith("y must")


def test_refusal_names_the_index_label():
    with pytest.raises(InputError, match=r"row 1 \(index 'b'\)"):
        observe(pd.Series([1.0, np.nan], index=["a", "b"]))


def test_a_single_new_row_may_be_read():
    assert read_column([3.0]).n == 1
    assert observe([3.0], least=1).n == 1


def test_messages_name_the_argument():
    assert refusal(read_column, [1.0, NAN], "grid").startswith("grid must hold finite numbers, got nan")
    assert refusal(observe, ROWS, weights=[1, 2, NAN, 1]).startswith("`weights` must hold finite numbers, got nan")
    assert "list(grid)" in refusal(read_column, {1.0, 2.0}, "grid")


def test_digest_depends_on_values_and_order():
    assert observe(ROWS).digest == observe(pd.Series(ROWS, index=list("abcd"))).digest
    assert observe(ROWS).digest != observe(ROWS[::-1]).digest


def test_weights_are_aligned_and_shared_with_the_columns():
    y = pd.Series(ROWS, index=list("abcd"))
    observations = observe(y, pd.Series([4, 3, 2, 1], index=list("dcba")))
    np.testing.assert_array_equal(observations.weights, [1, 2, 3, 4])
    assert observations.columns[0].weights is observations.weights
    assert observe(ROWS, [1, 1, 1, 1]).weights is None
    assert observe([3.0], [2]).total == 2
    assert "row 1" in refusal(observe, ROWS, [1, 0, 1, 1])
    assert "4 rows, got 3 weights" in refusal(observe, ROWS, [1, 1, 1])


def test_counts_may_be_booleans_and_measurements_may_not():
    np.testing.assert_array_equal(observe([True, False, True], wanted=[COUNT]).values, [1, 0, 1])
    np.testing.assert_array_equal(observe(np.array([True, False]), wanted=[COUNT]).values, [1, 0])
    np.testing.assert_array_equal(observe([1, np.True_, 0], wanted=[COUNT]).values, [1, 1, 0])
    assert "bool" in refusal(observe, [True, False], wanted=[NUMBER])


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame(PEOPLE),
        pd.DataFrame(PEOPLE).convert_dtypes(),
        pd.DataFrame(PEOPLE, dtype=object),
        pl.DataFrame(PEOPLE),
        pa.table(PEOPLE),
        pd.DataFrame(PEOPLE).to_xarray(),
        PEOPLE,
        {name: np.array(column, dtype=object) for name, column in PEOPLE.items()},
        {name: pl.Series(column) for name, column in PEOPLE.items()},
        {
            "age": pd.array([30, pd.NA, 41.5, 28], "Float64"),
            "sex": pd.Categorical(PEOPLE["sex"]),
            "visits": [0, 3, NAN, 3],
        },
    ],
    ids=lambda y: type(y).__name__,
)
def test_every_table_gives_the_same_cells(y):
    rows = observe(y, wanted=[SEX, AGE, VISITS])
    assert rows.names == ("sex", "age", "visits")
    np.testing.assert_array_equal(rows.cells, [[1, 30, 0], [0, NAN, 3], [NAN, 41.5, NAN], [0, 28, 3]])
    assert rows.columns[0].categories == ("f", "m")
    assert rows.n == 4
    assert rows.measure == "points"


def test_all_kinds_of_blanks_are_missing():
    blanks = pd.Series([1.0, None, pd.NA, pd.NaT, NAN, 2.0], dtype=object)
    words = pd.Series(["a", None, pd.NA, pd.NaT, NAN, "b"], dtype=object)
    rows = observe({"x": blanks, "word": words}, wanted=[Wanted("x"), Wanted("word", "category")])
    for column in rows.columns:
        np.testing.assert_array_equal(column.present, [True, False, False, False, False, True])
    np.testing.assert_array_equal(rows.informative, rows.columns[0].present)
    assert rows.n_distinct == 2


def test_missing_cells_are_one_pattern_of_bits():
    other = np.array([0x7FF8000000000123], dtype=np.uint64).view(np.float64)[0]
    a = observe({"x": [1.0, NAN, 2.0], "z": [1.0, 2.0, 3.0]}, wanted=[Wanted("x"), Wanted("z")])
    b = observe({"x": np.array([1.0, other, 2.0]), "z": [1.0, 2.0, 3.0]}, wanted=[Wanted("x"), Wanted("z")])
    assert a.digest == b.digest


def test_columns_of_a_dict_are_aligned_by_index():
    age = pd.Series([30.0, 40.0, 50.0], index=list("abc"))
    known = Interval(pd.Series([1, 2, 3], index=list("cba")), [9, 8, 7])
    rows = observe(
        {"plain": [1, 2, 3], "age": age, "sex": pd.Series(["x", "y", "z"], index=list("bca")), "bound": known},
        pd.Series([5, 6, 7], index=list("cab")),
        wanted=[Wanted("plain"), AGE, SEX, Wanted("bound")],
    )
    assert list(rows.index) == ["a", "b", "c"]
    np.testing.assert_array_equal(rows.cells, [[1, 30, 2, 3, 7], [2, 40, 0, 2, 8], [3, 50, 1, 1, 9]])
    np.testing.assert_array_equal(rows.weights, [6, 7, 5])


def test_column_names_need_not_be_strings():
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 5.0]], columns=[0, 1])
    np.testing.assert_array_equal(observe(frame, wanted=[Wanted("1")]).values, [2, 5])
    # The exact name comes first.
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 5.0]], columns=[0, "0"])
    np.testing.assert_array_equal(observe(frame, wanted=[Wanted("0")]).values, [2, 5])


def test_a_named_single_column():
    frame = pd.DataFrame({"age": ROWS, "other": list("abcd")})
    for y in (frame, frame["age"], ROWS, {"age": ROWS}, pl.from_pandas(frame)):
        observations = observe(y, wanted=[AGE])
        np.testing.assert_array_equal(observations.values, ROWS)
        assert observations.name == "age"
    assert "'age'" in refusal(observe, frame[["other"]], wanted=[AGE])
    assert refusal(observe, {"age": [1.0, None]}, wanted=[AGE]).startswith("column 'age' must hold finite numbers")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"age": [1.0, INF, None, 2.0]}, ["column 'age'", "inf", "row 1", "1 such row of 4"]),
        ({"age": ["1", 2, 3, 4]}, ["column 'age'", "'1'", "row 0"]),
        ({"age": [True, 2, 3, 4]}, ["column 'age'", "bool", "row 0"]),
        ({"age": [None] * 4}, ["column 'age'", "4 missing", "Leave the column out"]),
        ({"sex": [None] * 4}, ["column 'sex'", "4 missing"]),
        ({"sex": ["f", None, "f", "f"]}, ["column 'sex'", "at least 2 categories", "'f'"]),
        ({"sex": ["f", 1, "f", "f"]}, ["column 'sex'", "one kind", "int 1", "row 1"]),
        ({"visits": Interval([1] * 4, [2] * 4)}, ["column 'visits'", "counts", "Interval"]),
        ({"sex": Interval([1] * 4, [2] * 4)}, ["column 'sex'", "categories", "Interval"]),
        ({"visits": [1, 2]}, ["equally long", "2 rows in 'visits'", "4"]),
        ({"visits": 3}, ["column 'visits'", "int"]),
        ({"visits": pd.DataFrame({"a": [1], "b": [2]})}, ["column 'visits'", "2 columns"]),
        ({"age": []}, ["column 'age'", "rows"]),
    ],
    ids=name_of,
)
def test_tables_are_refused_with_column_and_row(change, words):
    message = refusal(observe, PEOPLE | change, wanted=[AGE, SEX, VISITS])
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ({"age": [1, 2], "sex": ["a", "b"]}, ["'visits'", "'age', 'sex'"]),
        (pd.DataFrame({"Age": [1, 2]}), ["columns 'age', 'sex', 'visits'", "'Age'"]),
        ([1.0, 2.0], ["table", "'age', 'sex', 'visits'", "list"]),
        (pd.Series(ROWS, name="age"), ["table", "Series"]),
        (np.zeros((4, 3)), ["table", "ndarray"]),
        ({}, ["columns, got none"]),
        (pd.DataFrame([[1, "a", 2, 3]] * 2, columns=["age", "sex", "visits", "age"]), ["one column 'age'", "2"]),
        (pd.DataFrame({"age": [], "sex": [], "visits": []}), ["rows, got none"]),
    ],
    ids=name_of,
)
def test_tables_without_the_columns_are_refused(y, words):
    message = refusal(observe, y, wanted=[AGE, SEX, VISITS])
    assert all(word in message for word in words), message


def test_rows_with_nothing_observed_do_not_count():
    wanted = [Wanted("a"), Wanted("b")]
    assert observe({"a": [1, None, 3], "b": [2, None, None]}, wanted=wanted).n == 3
    message = refusal(observe, {"a": [1, None, None], "b": [2, None, None]}, wanted=wanted)
    assert "at least 2 rows with something observed, got 1" in message
    observe({"a": [1, None], "b": [2, None]}, [2, 1], wanted=wanted)  # two units


def test_new_rows_of_a_table():
    fixed = [AGE, Wanted("sex", "category", categories=("f", "m")), VISITS]
    frame = pd.DataFrame(PEOPLE, index=list("abcd"))
    one = observe({"age": 25, "sex": "m", "visits": None}, wanted=fixed, least=1)
    np.testing.assert_array_equal(one.cells, [[25, 1, NAN]])
    row = observe(frame.iloc[1], wanted=fixed, least=1)
    np.testing.assert_array_equal(row.cells, [[NAN, 0, 3]])
    assert list(row.index) == ["b"]
    np.testing.assert_array_equal(observe(frame.iloc[[1]], wanted=fixed, least=1).cells, row.cells)
    nothing = observe({"age": None, "sex": None, "visits": None}, wanted=fixed, least=1)
    assert not nothing.informative.any()
    message = refusal(observe, {"age": 25, "sex": "x", "visits": 1}, wanted=fixed, least=1)
    assert all(word in message for word in ("column 'sex'", "'f', 'm'", "'x'", "row 0"))


@pytest.mark.parametrize(
    ("y", "categories", "codes"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (np.array(["b", "a", "b"]), ("a", "b"), [1, 0, 1]),
        ([True, False, True], (False, True), [1, 0, 1]),
        (np.array([True, False]), (False, True), [1, 0]),
        ([30, 4, 30], (4, 30), [1, 0, 1]),
        (np.array([3.0, 1.0, 3.0]), (1, 3), [1, 0, 1]),
        ([3, 1.0, 3], (1, 3), [1, 0, 1]),
        (pd.Categorical(["b", "a", "b"], categories=["b", "unused", "a"]), ("b", "a"), [0, 1, 0]),
        (pd.Series(["low", "high"], dtype=pd.CategoricalDtype(["low", "high"], ordered=True)), ("low", "high"), [0, 1]),
        (pd.cut([5.0, 1.0, 9.0], [0, 2, 6, 10]), ("(0, 2]", "(2, 6]", "(6, 10]"), [1, 0, 2]),
        (pl.Series(["b", "a"]), ("a", "b"), [1, 0]),
        (pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])), ("b", "a"), [0, 1]),
        (pa.chunked_array([["b", "a"]]), ("a", "b"), [1, 0]),
    ],
    ids=name_of,
)
def test_categories(y, categories, codes):
    (column,) = observe(y, wanted=[CATEGORY]).columns
    assert column.categories == categories
    assert [type(c) for c in column.categories] == [type(c) for c in categories]
    np.testing.assert_array_equal(column.values, codes)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["a", None, "b"], ["None (missing)", "row 1", "1 such row of 3"]),
        (["a", "a"], ["at least 2 categories", "'a'"]),
        ([f"id{i}" for i in range(101)], ["at most 100", "101", "'id0'"]),
        ([1, True, 2], ["one kind", "bool True", "row 1"]),
        ([True, 1, 2], ["one kind", "int 1", "row 1"]),
        ([1.5, 2.0], ["float 1.5", "row 0"]),
        (["a", 2.5], ["float 2.5", "row 1"]),
        (np.array([b"a", b"b"]), ["bytes"]),
        (pd.Series(pd.date_range("2020", periods=3)), ["Timestamp", "row 0", "astype(str)"]),
        (np.array(["2020-01-01", "2021-01-01"], "datetime64[ns]"), ["Timestamp", "row 0", "astype(str)"]),
        (Interval([1, 2], [2, 3]), ["categories", "Interval"]),
    ],
    ids=name_of,
)
def test_impossible_categories_are_refused(y, words):
    message = refusal(observe, y, wanted=[CATEGORY])
    assert all(word in message for word in words), message


def test_one_category_may_occur_among_those_named():
    (column,) = observe(["b", "b"], wanted=[Wanted(reads="category", categories=("a", "b"))]).columns
    assert column.categories == ("a", "b")
    np.testing.assert_array_equal(column.values, [1, 1])
    assert observe(["b"], wanted=[CATEGORY], least=1).columns[0].categories == ("b",)


def test_trials():
    (fixed,) = observe([3, 0], wanted=[Wanted(continuous=False, needs_trials=True, trials=5)]).columns
    np.testing.assert_array_equal(fixed.cells, [[3, 5], [0, 5]])
    frame = pd.DataFrame({"n": [5, 7], "wins": [3, 0]})
    beside = Wanted(continuous=False, needs_trials=True, trials="n")
    for y in (frame, frame[["wins", "n"]], frame.to_dict("list"), pl.from_pandas(frame)):
        (column,) = observe(y, wanted=[beside]).columns
        np.testing.assert_array_equal(column.cells, [[3, 5], [0, 7]])
        assert column.name == "wins"
    (new,) = observe({"wins": 2, "n": 4}, wanted=[beside], least=1).columns
    np.testing.assert_array_equal(new.cells, [[2, 4]])


def test_trials_in_a_table():
    wanted = [AGE, Wanted("wins", continuous=False, needs_trials=True, trials="n")]
    rows = observe({"n": [5, 7, None], "wins": [3, None, None], "age": [1, 2, 3]}, wanted=wanted)
    assert rows.names == ("age", "wins")
    np.testing.assert_array_equal(rows.cells, [[1, 3, 5], [2, NAN, NAN], [3, NAN, NAN]])
    np.testing.assert_array_equal(rows.columns[1].extra, [5, 7, NAN])


@pytest.mark.parametrize(
    ("y", "trials", "words"),
    [
        ([3, 0], None, ["y must", "Binomial(trials=10)", "trials='column'"]),
        ([3, 0], "n", ["table", "'n'", "list"]),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2], "n": [3, 4]}), "n", ["two columns", "'n'", "'b'"]),
        (pd.DataFrame({"a": [1, 2], "b": [1, 2]}), "n", ["two columns", "'n'"]),
        (pd.DataFrame({"a": [1, 2], "n": [3, 4.5]}), "n", ["column 'n'", "whole numbers", "4.5", "row 1"]),
        (pd.DataFrame({"a": [1, 2], "n": [3, None]}), "n", ["column 'n'", "nan", "row 1"]),
        (pd.DataFrame({"a": [1, 2], "n": [3, 0]}), "n", ["column 'n'", "0.0", "row 1"]),
        ({"a": [1, 2], "n": Interval([1, 2], [3, 4])}, "n", ["column 'n'", "Interval"]),
        ([3, 0], 0, ["y must", "trials >= 1"]),
    ],
)
def test_impossible_trials_are_refused(y, trials, words):
    message = refusal(observe, y, wanted=[Wanted(continuous=False, needs_trials=True, trials=trials)])
    assert all(word in message for word in words), message


def test_intervals():
    (column,) = observe(Interval([1, -INF, 4, 7], [2, 3, INF, 7])).columns
    np.testing.assert_array_equal(column.values, [1.5, 3, 4, 7])
    np.testing.assert_array_equal(column.cells, [[1, 2], [-INF, 3], [4, INF], [7, 7]])
    assert column.resolution is None
    message = refusal(observe, Interval([1, -INF], [2, INF]))
    assert all(word in message for word in ("one side", "[-inf, inf]", "row 1", "1 such row of 2"))
    assert "finite range" in refusal(observe, Interval([-1e308, 1], [0, 1e308]))


def test_an_interval_that_is_open_on_both_sides_is_a_missing_cell():
    known = Interval([1, -INF, 0.1], [2, INF, 0.1])
    rows = observe({"bound": known, "age": [1, 2, 3]}, wanted=[Wanted("bound"), AGE])
    np.testing.assert_array_equal(rows.cells, [[1, 2, 1], [NAN, NAN, 2], [0.1, 0.1, 3]])
    np.testing.assert_array_equal(rows.columns[0].present, [True, False, True])
    assert rows.columns[0].values[2] == 0.1
    assert known.lower[1] == -INF  # the user's own value is as it was


def test_rounded_values_are_intervals():
    (column,) = observe(ROWS, resolution=0.5).columns
    np.testing.assert_array_equal(column.values, ROWS)
    np.testing.assert_array_equal(column.cells, np.stack([np.array(ROWS) - 0.25, np.array(ROWS) + 0.25], axis=1))
    assert column.resolution == 0.5
    (same,) = observe(pd.Series(ROWS, name="length"), resolution={"length": 0.5}).columns
    np.testing.assert_array_equal(same.cells, column.cells)
    assert observe([*ROWS, 20.0, 20.5], resolution="auto").columns[0].resolution == 0.5
    plain = observe([0.123, 0.456, 1.2], resolution="auto")
    assert plain.measure == "points"


def test_resolution_of_a_table():
    frame = {"age": [30, None, 41, 41, 25], "pulse": [60.1, 60.2, 60.2, 61.3, None], "visits": [1, 2, 2, 2, 2]}
    wanted = [AGE, Wanted("pulse"), VISITS]
    rows = observe(frame, wanted=wanted, resolution="auto")
    assert [c.resolution for c in rows.columns] == [1.0, 0.1, None]
    np.testing.assert_array_equal(rows.columns[0].cells[:2], [[29.5, 30.5], [NAN, NAN]])
    rows = observe(frame, wanted=wanted, resolution={"age": 1, "pulse": None})
    assert [c.resolution for c in rows.columns] == [1.0, None, None]
    mixed = frame | {"age": Interval([1] * 5, [2] * 5)}
    assert [c.interval for c in observe(mixed, wanted=wanted, resolution="auto").columns] == [True, True, False]


@pytest.mark.parametrize(
    ("y", "wanted", "resolution", "words"),
    [
        (ROWS, [NUMBER], -0.5, ["positive", "-0.5"]),
        (ROWS, [NUMBER], True, ["positive", "True"]),
        (ROWS, [NUMBER], NAN, ["positive", "nan"]),
        (ROWS, [NUMBER], "half", ["'half'", "'auto'"]),
        (ROWS, [NUMBER], {"x": 0.5}, ["'x'", "'y'"]),
        (ROWS, [NUMBER], {"y": "half"}, ["resolution['y']", "'half'"]),
        (ROWS, [NUMBER], 1e-20, ["1e-20", "24.0"]),
        (ROWS, [COUNT], 1, ["continuous", "'y'"]),
        (["a", "b"], [CATEGORY], "auto", ["continuous", "'y'"]),
        (PEOPLE, [AGE, SEX], 1, ["by column", "{'age': 1}", "'auto'"]),
        (PEOPLE, [AGE, VISITS], {"visits": 1}, ["continuous", "'visits'"]),
        (Interval([1, 2], [2, 3]), [NUMBER], 1, ["Interval", "1.0", "leave resolution out"]),
        ({"age": Interval([1, 2], [2, 3]), "visits": [1, 2]}, [AGE, VISITS], {"age": 1}, ["column 'age'", "Interval"]),
    ],
    ids=name_of,
)
def test_impossible_resolutions_are_refused(y, wanted, resolution, words):
    message = refusal(observe, y, wanted=wanted, resolution=resolution)
    assert all(word in message for word in words), message


def test_new_rows_may_bring_their_own_bounds():
    new = observe({"age": Interval([1], [5]), "visits": [1]}, wanted=[AGE, VISITS], resolution={"age": 1}, least=1)
    np.testing.assert_array_equal(new.cells, [[1, 5, 1]])


def decimal_grid(rng, step, n=200):
    """Numbers as a file would hold them: multiples of a step written with its decimals."""
    return np.array([float(step * int(k)) for k in np.round(rng.normal(0, 12, n))])


@pytest.mark.parametrize(
    "step", ["1", "0.5", "0.25", "0.2", "0.1", "0.05", "0.01", "2", "5", "10", "1000", "1E-9", "7"]
)
def test_the_step_is_found(rng, step):
    values = decimal_grid(rng, decimal.Decimal(step))
    assert find_step(values, 200.0) == float(step)
    assert find_step(values[values > 0], 200.0) == float(step)
    assert find_step(np.append(values, NAN), 200.0) == float(step)


@pytest.mark.parametrize(("factor", "offset"), [(2.54, 0.0), (5 / 9, -32 * 5 / 9), (1 / 3, 0.0), (0.45359237, 0.0)])
def test_the_step_survives_a_change_of_units(rng, factor, offset):
    values = decimal_grid(rng, decimal.Decimal(1)) * factor + offset
    assert find_step(values, 200.0) == pytest.approx(factor, rel=1e-12)


def test_no_step_where_there_is_none(rng):
    continuous = rng.normal(size=300)
    assert find_step(continuous, 300.0) is None
    assert find_step(rng.choice(continuous[:40], 300), 300.0) is None  # ties, but no grid
    assert find_step(np.round(continuous * 1000, 1), 300.0) is None  # a grid too fine to matter, and no ties
    assert find_step(np.array([1.0, 2.0, 5.0]), 3.0) is None  # no ties
    assert find_step(np.array([1.0, 2.0, 5.0]), 4.0) == 1.0  # a tie in the weights
    assert find_step(np.array([3.0, 3.0]), 2.0) is None
    assert find_step(np.array([NAN, NAN]), 2.0) is None
    assert find_step(np.array([1e300, 1e300, -1e300]), 3.0) is None
    assert find_step(np.array([1e-310, 1e-310, 3e-310]), 3.0) is None


def test_a_coarse_grid_needs_more_than_a_few_values():
    assert find_step(np.array([10.0, 20.0, 20.0]), 3.0) == 1.0
    assert find_step(np.array([10.0, 20.0, 20.0, 40.0, 80.0]), 5.0) == 10.0


def test_counts_and_expanded_rows_have_the_same_step(rng):
    values, counts = decimal_grid(rng, decimal.Decimal("0.5"), 8), rng.integers(1, 4, 8).astype(float)
    counted = observe(values, counts, resolution="auto")
    expanded = observe(np.repeat(values, counts.astype(int)), resolution="auto")
    assert counted.columns[0].resolution == expanded.columns[0].resolution == 0.5


MATRIX = [[1.0, 2.0], [3.0, NAN], [4.0, 5.5]]


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.array(MATRIX), ("y0", "y1")),
        (MATRIX, ("y0", "y1")),
        ([(1, 2), (3, None), (4, 5.5)], ("y0", "y1")),
        (list(np.array(MATRIX)), ("y0", "y1")),
        (np.ma.masked_invalid(MATRIX), ("y0", "y1")),
        (xr.DataArray(MATRIX, dims=("row", "feature")), ("y0", "y1")),
        (xr.DataArray(MATRIX, dims=("row", "feature"), coords={"feature": ["p", "q"]}), ("p", "q")),
        (pd.DataFrame(MATRIX), ("0", "1")),
        (pd.DataFrame(MATRIX, columns=["p", "q"]), ("p", "q")),
        (pl.DataFrame({"p": [1, 3, 4], "q": [2.0, None, 5.5]}), ("p", "q")),
        (pa.table({"p": [1, 3, 4], "q": [2.0, None, 5.5]}), ("p", "q")),
        ({"p": [1, 3, 4], "q": pd.Series([2.0, None, 5.5])}, ("p", "q")),
        (pd.DataFrame(MATRIX, columns=["p", "q"]).to_xarray(), ("p", "q")),
    ],
    ids=lambda y: type(y).__name__,
)
def test_every_matrix_gives_the_same_cells(y, names):
    rows = observe_matrix(y)
    assert rows.names == names
    np.testing.assert_array_equal(rows.cells, MATRIX)
    assert all(column.categories == () and column.bounds is None for column in rows.columns)


def test_matrices_keep_index_and_weights():
    frame = pd.DataFrame(MATRIX, index=list("abc"))
    rows = observe_matrix(frame, pd.Series([3, 2, 1], index=list("cba")))
    assert list(rows.index) == ["a", "b", "c"]
    np.testing.assert_array_equal(rows.columns[1].weights, [1, 2, 3])
    array = xr.DataArray(MATRIX, dims=("row", "feature"), coords={"row": list("abc")})
    assert list(observe_matrix(array).index) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1.0, 2.0], ["two-dimensional", "list"]),
        (np.array([1.0, 2.0]), ["two-dimensional", "(2,)"]),
        (pd.Series([1.0, 2.0]), ["two-dimensional", "Series"]),
        (np.zeros((2, 2, 2)), ["(2, 2, 2)"]),
        ([[1, 2], [3]], ["equal length", "[3] at row 1", "[1, 2] at row 0"]),
        ([[1, 2], 3], ["equal length", "3 at row 1"]),
        ([], ["table of numbers", "list"]),
        (np.zeros((0, 2)), ["(0, 2)"]),
        (None, ["NoneType"]),
        (xr.DataArray(ROWS, dims="row"), ["two-dimensional", "DataArray"]),
        (xr.DataTree(), ["DataTree"]),
        ([[1, 2]], ["at least 2 rows", "got 1"]),
        ([[1.0, INF], [2.0, 3.0]], ["column 'y1'", "inf", "row 0"]),
        ([[1.0, "a"], [2.0, 3.0]], ["column 'y1'", "'a'", "row 0"]),
        ([[1.0, True], [2.0, 3.0]], ["column 'y1'", "bool"]),
        ([[1.0, None], [2.0, None]], ["column 'y1'", "2 missing"]),
        ([[1.0], [None]], ["column 'y0'", "missing", "row 1"]),
        (pd.DataFrame({"a": [1, 2], "word": ["x", "y"]}, index=["r", "s"]), ["column 'word'", "'x'", "(index 'r')"]),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), ["one column 'a'", "2"]),
        ({"a": [1, 2], "b": Interval([1, 2], [3, 4])}, ["column 'b'", "Interval"]),
        (pd.DataFrame(index=[0, 1]), ["columns, got none"]),
    ],
    ids=name_of,
)
def test_impossible_matrices_are_refused(y, words):
    message = refusal(observe_matrix, y)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame({"more": [0], "q": [2.0], "p": [1.0]}),
        pl.DataFrame({"more": [0], "q": [2.0], "p": [1.0]}),
        {"q": 2, "p": 1, "more": 0},
        {"q": [2], "p": [1]},
        pd.Series({"q": 2, "p": 1, "more": 0}),
        pd.Series([1, 2], index=["p", "q"], name="r7"),
        [1, 2],
        (1, 2),
        np.array([1.0, 2.0]),
        [[1, 2]],
        np.array([[1.0, 2.0]]),
        xr.DataArray([[2.0, 1.0]], dims=("row", "feature"), coords={"feature": ["q", "p"]}),
    ],
    ids=lambda y: type(y).__name__,
)
def test_new_rows_of_a_matrix(y):
    rows = observe_matrix(y, names=("p", "q"), least=1)
    assert rows.names == ("p", "q")
    np.testing.assert_array_equal(rows.cells, [[1, 2]])


def test_a_row_of_a_frame_keeps_its_label():
    frame = pd.DataFrame({"p": [1.0, 2.0], "q": [3.0, 4.0]}, index=["r6", "r7"])
    assert list(observe_matrix(frame.iloc[1], names=("p", "q"), least=1).index) == ["r7"]
    numbered = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(observe_matrix(numbered.iloc[1], names=("0", "1"), least=1).cells, [[3, 4]])


def test_new_rows_of_a_matrix_of_one_column():
    np.testing.assert_array_equal(observe_matrix([1, 2, 3], names=("p",), least=1).values, [1, 2, 3])


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (pd.DataFrame({"p": [1], "x": [2]}), ["column 'q'", "'p', 'x'"]),
        ({"p": 1}, ["column 'q'", "'p'"]),
        ([1, 2, 3], ["2 columns", "(1, 3)"]),
        (np.zeros((2, 3)), ["2 columns", "(2, 3)"]),
        ([[1, 2, 3]], ["2 columns"]),
        (3.0, ["float"]),
    ],
    ids=name_of,
)
def test_new_rows_with_other_columns_are_refused(y, words):
    message = refusal(observe_matrix, y, names=("p", "q"), least=1)
    assert all(word in message for word in words), message


def test_columns_that_are_not_wanted_are_not_read():
    frame = pd.DataFrame({"age": ROWS, "when": pd.date_range("2020", periods=4), "visits": [1, 2, 3, 4]})
    assert observe(frame, wanted=[AGE, VISITS]).names == ("age", "visits")
