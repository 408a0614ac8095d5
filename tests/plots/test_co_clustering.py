"""What plot_co_clustering draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bayesmix.errors import InputError
from bayesmix.plots import plot_co_clustering
from tests.plots._fits import column_fit, mixed_fit

Y = pd.Series([5.2, 0.1, 4.9, 2.4, 0.3, 5.1, -0.5, 0.2], index=list("abcdefgh"), name="length (in)")


@pytest.fixture
def fit():
    return column_fit(Y, [0.0, 5.0])


def row_names(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_the_picture_is_the_matrix_in_the_order_of_the_partition(fit):
    axes = plot_co_clustering(fit)
    names = row_names(axes)
    expected = fit.co_clustering().sel(obs=names, obs_other=names)
    np.testing.assert_array_equal(axes.images[0].get_array(), expected)
    clusters = fit.point_partition().labels.loc[names]
    assert clusters.is_monotonic_increasing
    assert clusters.nunique() == 2
    assert axes.get_ylabel() == "8 rows, by cluster"


def test_within_a_cluster_rows_nearest_to_lower_clusters_come_first(fit):
    partition = fit.point_partition()
    names = row_names(plot_co_clustering(fit, partition))
    pairs = fit.co_clustering().to_pandas()
    low = partition.labels.index[partition.labels == 0]
    lean = pairs[low].sum(axis=1) / pairs.sum(axis=1)
    for cluster in range(2):
        own = [name for name in names if partition.labels[name] == cluster]
        assert lean[own].is_monotonic_decreasing


def test_a_frame_and_a_name_for_each_cluster(fit):
    sizes = fit.point_partition().labels.value_counts().sort_index()
    axes = plot_co_clustering(fit)
    assert [(p.get_xy(), p.get_width()) for p in axes.patches] == [
        ((-0.5, -0.5), sizes[0]),
        ((sizes[0] - 0.5, sizes[0] - 0.5), sizes[1]),
    ]
    assert [t.get_text() for t in axes.get_xticklabels()] == [f"cluster {k}\n({sizes[k]})" for k in range(2)]


def test_an_array_is_drawn_with_and_without_a_partition(fit):
    pairs = fit.co_clustering()
    axes = plot_co_clustering(pairs, fit.point_partition())
    np.testing.assert_array_equal(axes.images[0].get_array(), plot_co_clustering(fit).images[0].get_array())
    assert row_names(axes) == row_names(plot_co_clustering(fit))
    tree = plot_co_clustering(pairs)
    assert not tree.patches
    assert tree.get_ylabel() == "8 rows, by tree"
    groups = [Y[name] > 2.5 for name in row_names(tree)]
    assert groups in (sorted(groups), sorted(groups, reverse=True))


def test_a_sampled_array_finds_its_rows_in_the_partition(fit):
    sample = fit.co_clustering(n_rows=5, random_seed=2)
    axes = plot_co_clustering(sample, fit.point_partition())
    names = row_names(axes)
    assert set(names) == set(sample["obs"].values)
    assert fit.point_partition().labels.loc[names].is_monotonic_increasing


def test_of_many_rows_a_sample_is_drawn_and_said():
    fit = column_fit(np.linspace(-2, 7, 100), [0.0, 5.0])
    axes, again = (plot_co_clustering(fit, max_rows=50) for _ in range(2))
    assert axes.images[0].get_array().shape == (50, 50)
    assert axes.get_ylabel() == "random sample of 50 of 100 rows, by cluster"
    np.testing.assert_array_equal(axes.images[0].get_array(), again.images[0].get_array())
    whole = fit.point_partition()
    chosen = plot_co_clustering(fit, whole, max_rows=50).patches
    assert sum(p.get_width() for p in chosen) == 50


def test_a_table_of_mixed_columns():
    assert plot_co_clustering(mixed_fit()).images[0].get_array().shape == (30, 30)


def test_many_clusters_are_named_by_number_alone():
    fit = column_fit(np.linspace(0, 110, 48).round(), 10.0 * np.arange(12), 1.0)
    axes = plot_co_clustering(fit)
    assert axes.get_xlabel() == "cluster (rows)"
    assert all(not t.get_text().startswith("cluster") for t in axes.get_xticklabels())


def test_what_does_not_fit_is_refused(fit):
    other = column_fit(Y.iloc[:6], [0.0, 5.0])
    with pytest.raises(InputError, match=r"partition must be of the 8 fitted rows, got labels of 6"):
        plot_co_clustering(fit, other.point_partition())
    with pytest.raises(InputError, match=r"one label for each of the 8 rows, got 6.*Pass the fit"):
        plot_co_clustering(fit.co_clustering(), other.point_partition())
    with pytest.raises(InputError, match=r"dims \('obs', 'obs_other'\)"):
        plot_co_clustering(fit.assignment_probabilities())
    with pytest.raises(InputError, match="max_rows must be at most 5000, one number for every pair, got 6000"):
        plot_co_clustering(fit, max_rows=6000)
    with pytest.raises(InputError, match="data=False"):
        plot_co_clustering(replace(fit, data=None))


def test_draws_into_the_given_axes(fit):
    _, ax = plt.subplots()
    assert plot_co_clustering(fit, ax=ax) is ax


def test_rows_are_named_by_dates_and_levels():
    dated = column_fit(Y.set_axis(pd.date_range("2020-01-01", periods=8)), [0.0, 5.0])
    for given in (dated, dated.co_clustering()):
        assert sorted(row_names(plot_co_clustering(given))) == [f"2020-01-0{day}" for day in range(1, 9)]
    levels = pd.MultiIndex.from_product([["clinic A", "clinic B"], range(4)])
    names = row_names(plot_co_clustering(column_fit(Y.set_axis(levels), [0.0, 5.0])))
    assert sorted(names)[0] == "clinic A, 0"
