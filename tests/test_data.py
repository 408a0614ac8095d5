"""The data types: figures of a column, merging of rows, refusals in the words that families use, intervals."""

import fractions
import math
import pickle

import numpy as np
import pandas as pd
import pytest

from bayesmix.data import Column, Interval, Observations, align_rows, check_component_count
from bayesmix.data.column import merge
from bayesmix.errors import InputError

ROWS = np.array([24.0, 23.5, 17.0, 17.0])
INF = float("inf")


def column(values, name="y", index=None, **more):
    values = np.asarray(values, dtype=float)
    return Column(name, values, pd.RangeIndex(len(values)) if index is None else pd.Index(index), **more)


def table(*columns, weights=None):
    return Observations(columns, columns[0].index, weights)


def test_a_column_of_points():
    y = column(ROWS)
    assert (y.width, y.interval, y.n_distinct, y.most_tied) == (1, False, 3, (17.0, 2.0))
    assert y.lowest is y.values
    assert y.highest is y.values
    np.testing.assert_array_equal(y.cells, ROWS[:, None])


def test_one_plain_column_merges_exactly_as_unique_does(rng):
    values, weights = np.round(rng.normal(size=200), 1), rng.integers(1, 4, 200).astype(float)
    y = Observations((column(values, weights=weights),), pd.RangeIndex(200), weights)
    expected, inverse = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(y.distinct.values, expected)
    np.testing.assert_array_equal(y.distinct.inverse, inverse)
    np.testing.assert_array_equal(y.distinct.counts, np.bincount(inverse, weights))
    assert y.n_distinct == expected.size
    assert (y.n, y.total, y.weights_are_counts) == (200, weights.sum(), True)


def test_missing_cells_take_no_part_in_figures():
    with_gaps, without = column([3.0, np.nan, 5.0, 5.0, np.nan]), column([3.0, 5.0, 5.0])
    np.testing.assert_array_equal(with_gaps.present, [True, False, True, True, False])
    for figure in ("center", "scale", "n_distinct", "most_tied"):
        assert getattr(with_gaps, figure) == getattr(without, figure)
    assert with_gaps.moments(np.log) == without.moments(np.log)


def test_weights_count_like_repeated_rows(rng):
    values, counts = rng.normal(size=30), rng.integers(1, 5, 30)
    counted = column(values, weights=counts.astype(float))
    expanded = column(rng.permutation(np.repeat(values, counts)))
    assert (counted.center, counted.scale) == (expanded.center, expanded.scale)
    assert counted.moments(np.cos) == expanded.moments(np.cos)
    assert counted.most_tied == expanded.most_tied


def test_centre_and_scale_survive_huge_offsets_and_tiny_scales(rng):
    noise = rng.normal(size=50)
    for offset, scale in [(0.0, 1.0), (1e9, 1.0), (0.0, 1e-12), (0.0, 1e-200), (0.0, 1e200), (-1e9, 1e-3)]:
        y = column(offset + scale * noise)
        exact = np.array([fractions.Fraction(v) for v in y.values])
        mean = sum(exact) / 50
        assert abs(y.center - float(mean)) <= 4e-16 * max(abs(offset), 4 * scale)
        variance = float(sum((v - mean) ** 2 for v in exact) / 50 / fractions.Fraction(scale) ** 2)
        assert y.scale == pytest.approx(scale * variance**0.5, rel=1e-6 if offset else 1e-12)


def test_constant_data_have_scale_zero():
    assert column([0.1, 0.1, 0.1]).scale == 0.0
    assert column([0.1, 0.1, 0.1]).moments(np.exp)[1] == 0.0


def test_moments_of_a_function_leave_out_where_it_is_not_finite(rng):
    values = rng.gamma(2.0, size=40)
    mean, sd = column([*values, 0.0]).moments(np.log)
    assert mean == pytest.approx(np.log(values).mean(), rel=1e-14)
    assert sd == pytest.approx(np.log(values).std(), rel=1e-13)
    assert column([0.0, 0.0]).moments(np.log)[1] == 0.0
    assert math.isnan(column([0.0, 0.0]).moments(np.log)[0])


def test_a_column_of_intervals():
    lower, upper = np.array([1.0, -INF, 4.0, 4.0, np.nan]), np.array([2.0, 3.0, INF, 4.0, np.nan])
    y = column([1.5, 3.0, 4.0, 4.0, np.nan], bounds=(lower, upper))
    assert (y.width, y.interval, y.n_distinct) == (2, True, 4)
    assert y.lowest is lower
    assert y.highest is upper
    np.testing.assert_array_equal(y.cells, np.stack([lower, upper], axis=1))
    assert y.most_tied == (4.0, 1.0)  # the open interval from 4 is no tie
    value, ties = column([1.5], bounds=(np.array([1.0]), np.array([2.0]))).most_tied
    assert math.isnan(value)
    assert ties == 0.0
    with pytest.raises(InputError, match=r"'y' must be > 2, got \[-inf, 3.0\] at row 1; 1 such row of 5\. Drop it\."):
        y.refuse_where(np.array([False, True, False, False, False]), "must be > 2", "Drop it.")


def test_a_column_of_trials():
    y = column([3.0, np.nan, 3.0], "wins", extra=np.array([5.0, 7.0, 4.0]))
    assert (y.width, y.n_distinct) == (2, 2)
    np.testing.assert_array_equal(y.cells, [[3, 5], [np.nan, np.nan], [3, 4]])
    with pytest.raises(InputError, match=r"'wins' must fit, got 3.0 of 4 trials at row 2; 1 such row of 3"):
        y.refuse_where(np.array([False, False, True]), "must fit", "Repair it.")


def test_refusals_name_column_value_row_and_remedy():
    y = column([1.0, -2.0, -3.0], "age", ["a", "b", "c"])
    y.refuse_where(y.values > 5, "must be > 0", "Drop them.")
    with pytest.raises(InputError) as caught:
        y.refuse_where(y.values < 0, "must be > 0", "Drop them.")
    assert str(caught.value) == "'age' must be > 0, got -2.0 at row 1 (index 'b'); 2 such rows of 3. Drop them."
    categories = column([0.0, 1.0], "sex", categories=("f", "m"))
    with pytest.raises(InputError, match="got 'm' at row 1"):
        categories.refuse_where(categories.values > 0, "must be f", "Drop them.")


def test_constant_columns_are_refused_where_priors_need_their_scale():
    column([1.0, 2.0]).refuse_constant("'mu'")
    with pytest.raises(InputError) as caught:
        column([3.0, 3.0, np.nan]).refuse_constant("'mu' and 'sigma'")
    assert str(caught.value) == (
        "'y' must not be constant when priors are derived from its scale, got 3.0 in all 2 rows. "
        "Give priors for 'mu' and 'sigma' to fit it all the same."
    )


def naive(cells, weights):
    """Distinct rows by a dict, in the order of their tuples with NaN last."""
    found = {}
    for row, weight in zip(cells, weights, strict=True):
        key = tuple((math.isnan(v), 0.0 if math.isnan(v) else v) for v in row.tolist())
        found[key] = found.get(key, 0.0) + weight
    keys = sorted(found)
    return [[math.nan if gap else v for gap, v in key] for key in keys], [found[key] for key in keys]


@pytest.mark.parametrize("width", [1, 2, 4])
def test_rows_are_merged_and_sorted(rng, width):
    cells = rng.integers(0, 3, size=(300, width)).astype(float)
    cells[rng.random(cells.shape) < 0.2] = np.nan
    cells[rng.random(cells.shape) < 0.1] = -0.0
    weights = rng.integers(1, 4, 300).astype(float)
    merged = merge(cells, weights)
    rows, counts = naive(cells, weights)
    np.testing.assert_array_equal(merged.cells, rows)
    np.testing.assert_array_equal(merged.counts, counts)
    np.testing.assert_array_equal(merged.cells[merged.inverse], cells)


def test_rows_in_any_order_and_counts_give_the_same_bits(rng):
    cells = np.round(rng.normal(size=(200, 3)), 0)
    cells[::7, 1] = np.nan
    counts = rng.integers(1, 4, 200)
    shuffled = rng.permutation(np.repeat(cells, counts, axis=0))
    a, b = merge(cells, counts.astype(float)), merge(shuffled, None)
    assert a.cells.tobytes() == b.cells.tobytes()
    assert a.counts.tobytes() == b.counts.tobytes()


def test_a_table_of_columns():
    age = column([30.0, np.nan, 41.0, np.nan], "age")
    wins = column([3.0, 3.0, np.nan, np.nan], "wins", extra=np.full(4, 5.0))
    rows = table(age, wins)
    assert (rows.n, rows.total, rows.names, rows.name) == (4, 4.0, ("age", "wins"), "age, wins")
    assert rows.parts == (slice(0, 1), slice(1, 3))
    np.testing.assert_array_equal(rows.values, np.stack([age.values, wins.values], axis=1))
    for part, each in zip(rows.parts, rows.columns, strict=True):
        np.testing.assert_array_equal(rows.cells[:, part], each.cells)
    with pytest.raises(ValueError, match="read-only"):
        rows.cells[0, 0] = 1.0
    np.testing.assert_array_equal(rows.informative, [True, True, True, False])
    assert len(rows.distinct.counts) == 4
    assert rows.n_distinct == 3  # the empty row is none of those that a component could be found in
    with pytest.raises(ValueError, match="too many"):
        rows.center  # noqa: B018


def test_a_long_table_has_a_short_name():
    assert table(*(column([1.0], f"c{i}") for i in range(6))).name == "c0, c1, c2, c3, …"


def test_spread_returns_values_of_one_column_and_cells_of_several():
    values = np.array([5.0, 1.0, 2.0, 4.0, 3.0])
    np.testing.assert_array_equal(table(column(values)).spread(np.array([0.1, 0.5, 1.0])), [1, 3, 5])
    weights = np.array([1.0, 1.0, 6.0, 1.0, 1.0])
    assert table(column(values, weights=weights), weights=weights).spread(np.array([0.5])) == [2]
    two = table(column(values, "a"), column(values[::-1], "b"))
    np.testing.assert_array_equal(two.spread(np.array([0.1, 1.0])), [[1, 4], [5, 3]])


def test_a_row_less():
    """Intervals, trials, gaps: what is left is what reading the other rows gives, whichever cells they are."""
    index = pd.Index(list("abcde"))
    bounds = (np.array([0.0, 1.0, np.nan, 1.0, 0.0]), np.array([1.0, 2.0, np.nan, INF, 1.0]))
    rows = table(
        column([0.5, 1.5, np.nan, 1.0, 0.5], "a", index, bounds=bounds, resolution=1.0),
        column([2.0, 3.0, 1.0, np.nan, 2.0], "b", index, extra=np.full(5, 4.0)),
        column([0.0, 1.0, 0.0, 1.0, 0.0], "c", index, categories=("x", "y")),
    )
    for position, row in enumerate(rows.first_rows):
        less = rows.without_unit(position)
        assert list(less.index) == [label for label in index if label != index[row]]
        np.testing.assert_array_equal(less.cells, np.delete(rows.cells, row, axis=0))
        assert less.digest != rows.digest
        for before, after in zip(rows.columns, less.columns, strict=True):
            assert (before.name, before.width, before.categories) == (after.name, after.width, after.categories)
            assert before.resolution == after.resolution
            assert len(after.index) == 4
    assert rows.n == 5
    tied = int(rows.distinct.inverse[0])
    assert rows.without_unit(tied).distinct.counts[tied] == 1


def test_a_unit_less_of_counted_rows_is_a_row_less_of_expanded_ones():
    counts = np.array([3.0, 1.0, 2.0])
    counted = Observations((column([5.0, 1.0, 5.0], weights=counts),), pd.RangeIndex(3), counts)
    expanded = table(column(np.repeat([5.0, 1.0, 5.0], [3, 1, 2])))
    for position in range(2):
        less, fewer = counted.without_unit(position), expanded.without_unit(position)
        np.testing.assert_array_equal(less.distinct.cells, fewer.distinct.cells)
        np.testing.assert_array_equal(less.distinct.counts, fewer.distinct.counts)
        assert (less.total, less.columns[0].center) == (5, fewer.columns[0].center)
    np.testing.assert_array_equal(counted.without_unit(1).weights, [2, 1, 2])
    np.testing.assert_array_equal(counted.without_unit(0).weights, [3, 2])
    np.testing.assert_array_equal(counted.weights, [3, 1, 2])


def test_more_components_than_distinct_rows_are_refused():
    check_component_count(3, table(column(ROWS)))
    with pytest.raises(InputError, match="n_components=4 for 3 distinct values in 4 rows"):
        check_component_count(4, table(column(ROWS)))
    two = table(column(ROWS, "a"), column([1.0, 1.0, 1.0, 2.0], "b"))
    check_component_count(4, two)
    with pytest.raises(InputError, match="n_components=5 for 4 distinct rows in 4 rows"):
        check_component_count(5, two)


def digest_of(*columns, weights=None):
    return table(*columns, weights=weights).digest


def test_digest_tells_data_apart_that_the_likelihood_tells_apart():
    y, bounds = column(ROWS), (ROWS - 1, ROWS + 1)
    assert digest_of(y) == digest_of(column(ROWS, "z", list("abcd")))  # neither name nor index of a single column
    different = [
        digest_of(y),
        digest_of(column(ROWS[::-1])),
        digest_of(y, weights=np.ones(4) * 2),
        digest_of(column(ROWS, bounds=bounds)),
        digest_of(column(ROWS, extra=ROWS)),
        digest_of(column([0.0, 1.0, 0.0, 1.0], categories=("a", "b"))),
        digest_of(column([0.0, 1.0, 0.0, 1.0], categories=("a", "c"))),
        digest_of(column([0.0, 1.0, 0.0, 1.0])),
        digest_of(column(ROWS, "a"), column(ROWS, "b")),
        digest_of(column(ROWS, "a"), column(ROWS, "c")),
        digest_of(column(ROWS, bounds=(ROWS, ROWS))),
    ]
    assert len(set(different)) == len(different)


def test_measure_says_what_a_row_contributes():
    points, bounds = column(ROWS, "a"), (ROWS - 1, ROWS + 1)
    assert table(points).measure == table(points, column(ROWS, "b")).measure == "points"
    assert table(column(ROWS, bounds=bounds)).measure == "intervals"
    rounded = column(ROWS, "b", bounds=bounds, resolution=0.5)
    assert table(points, rounded).measure == "points in 'a', intervals of 0.5 in 'b'"


def test_index_becomes_a_coordinate():
    assert list(table(column(ROWS, index=list("abcd"))).coordinate) == ["a", "b", "c", "d"]
    assert list(table(column(ROWS, index=[4, 3, 2, 1])).coordinate) == [4, 3, 2, 1]
    tuples = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2)])
    assert list(Observations((column(ROWS),), tuples).coordinate) == [0, 1, 2, 3]


def test_data_can_be_sent_to_other_processes():
    rows = table(column(ROWS, "a"), column(ROWS, "b"))
    rows.distinct  # noqa: B018 - computed figures travel too
    again = pickle.loads(pickle.dumps(rows))
    assert again.digest == rows.digest
    assert again.columns[1].n_distinct == 3


def test_interval_keeps_bounds_and_index():
    known = Interval([1, -INF, 4.5], np.array([2.0, 3.0, INF]))
    assert len(known) == 3
    assert known.index is None
    np.testing.assert_array_equal(known.lower, [1, -INF, 4.5])
    with pytest.raises(ValueError, match="read-only"):
        known.lower[0] = 0.0
    series = pd.Series([1.0, 2.0], index=["a", "b"])
    aligned = Interval(series, pd.Series([5.0, 4.0], index=["b", "a"]))
    np.testing.assert_array_equal(aligned.upper, [4, 5])
    assert list(aligned.index) == ["a", "b"]
    assert list(Interval([0, 0], series).index) == ["a", "b"]


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        ([1, 5], [2, 3], ["[5.0, 3.0]", "row 1", "1 such row of 2"]),
        ([1, np.nan], [2, 3], ["`lower`", "nan", "row 1", "-inf"]),
        ([1, 2], [2, None], ["`upper`", "missing", "row 1", "Use inf"]),
        ([1, 2], [2], ["equally long", "2 and 1"]),
        ([INF, 2], [INF, 3], ["finite", "[inf, inf]", "row 0"]),
        ([-INF, 2], [-INF, 3], ["[-inf, -inf]"]),
        (["a", 2], [2, 3], ["`lower`", "'a'", "row 0"]),
        ([], [], ["`lower`", "rows"]),
        ([[1, 2]], [[2, 3]], ["`lower`", "one column"]),
        ([-1e308, 1e308], [0, INF], ["finite range"]),
        (3.0, [4.0], ["`lower`", "float", "list(lower)"]),
        (pd.Series([1, 2], index=list("ab")), pd.Series([2, 3], index=list("bc")), ["`upper`", "`lower`", "'a'"]),
    ],
)
def test_impossible_intervals_are_refused(lower, upper, words):
    with pytest.raises(InputError) as caught:
        Interval(lower, upper)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "must" in str(caught.value)


def test_series_are_aligned_by_index():
    index = pd.Index(["a", "b", "c"])
    series = pd.Series([3, 1, 2], index=["c", "a", "b"])
    assert list(align_rows(series, index, "weights")) == [1, 2, 3]
    with pytest.raises(InputError, match=r"rows without an entry: 1 \('c'\) and entries without a row: 1 \('d'\)"):
        align_rows(pd.Series([1, 2, 3], index=list("abd")), index, "weights")
    with pytest.raises(InputError, match="an index of the weights with repeated 'a'"):
        align_rows(pd.Series([1, 2, 3], index=list("aab")), index, "weights")
