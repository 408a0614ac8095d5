"""What plot_parameters draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesmix.errors import InputError
from bayesmix.families import Normal
from bayesmix.mixture import Mixture
from bayesmix.plots import plot_parameters
from bayesmix.plots._style import INK, component_style
from tests.helpers import make_fit, two_groups
from tests.plots._artists import legend_texts, line
from tests.plots._table import table_fit


def test_clouds_are_draws_and_points_their_means(three):
    axes = plot_parameters(three)
    draws = three.arrays.parameters
    for k in range(3):
        cloud, mean = line(axes, f"_draws {k}"), line(axes, f"component {k}")
        np.testing.assert_array_equal(cloud.get_xdata(), draws["mu"][:, k])
        np.testing.assert_array_equal(cloud.get_ydata(), draws["sigma"][:, k])
        np.testing.assert_allclose(mean.get_xydata(), [[draws["mu"][:, k].mean(), draws["sigma"][:, k].mean()]])
        assert cloud.get_color() == mean.get_color() == component_style(k).color
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("mu of length (in)", "sigma of length (in)")


def test_draws_are_thinned_and_the_farthest_lie_beyond_the_frame(column):
    many = two_groups(column, n_draws=4000)
    axes = plot_parameters(many)
    x = line(axes, "_draws 0").get_xdata()
    assert len(x) == 1000
    low, high = axes.get_xlim()
    everything = many.arrays.parameters["mu"]
    assert 0.99 < np.mean((everything > low) & (everything < high)) <= 1


def test_any_two_numbers_by_the_names_of_draws():
    fit = table_fit()
    axes = plot_parameters(fit, x="w", y="ward_p[c]")
    assert legend_texts(axes) == ["component young", "component old"]  # noise has no probabilities
    np.testing.assert_array_equal(line(axes, "_draws old").get_ydata(), fit.arrays.parameters["ward_p"][:, 1, 2])
    assert set(fit.draws().columns) >= {"w", "ward_p[c]"}
    with pytest.raises(InputError, match=r"y must be one of .*got 'ward_p'"):
        plot_parameters(fit, x="w", y="ward_p")
    with pytest.raises(InputError, match="x must be one of"):
        plot_parameters(fit, x="age")


def test_a_shared_number_is_drawn_against_each_component(column, rng):
    made = make_fit(
        column,
        rng.dirichlet([5, 5], 20),
        {"mu": rng.normal([1.0, 5.0], 0.1, (20, 2)), "sigma": rng.normal(1, 0.1, 20)},
        mixture=Mixture(2, Normal(common_sigma=True)),
    )
    axes = plot_parameters(made)
    for k in range(2):
        np.testing.assert_array_equal(line(axes, f"_draws {k}").get_ydata(), made.arrays.parameters["sigma"][:, 0])


def test_shared_numbers_alone_have_one_cloud(column, rng):
    made = make_fit(
        column,
        rng.dirichlet([5, 5], 20),
        {
            "mu": rng.normal([1.0, 5.0], 0.1, (20, 2)),
            "sigma": np.exp(rng.normal(size=(20, 2))),
            "nu": np.exp(rng.normal(2, 0.1, 20)),
        },
        mixture=Mixture(2, "student_t"),
    )
    axes = plot_parameters(made, x="nu", y="nu")
    assert legend_texts(axes) == ["all components"]
    assert line(axes, "_draws all").get_color() == INK


def test_one_parameter_is_drawn_against_the_weight(rng):
    counts = rng.poisson(5, 20)
    draws = {"mu": rng.normal([3.0, 8.0], 0.1, (20, 2))}
    two = make_fit(counts, rng.dirichlet([5, 5], 20), draws, mixture=Mixture(2, "poisson"))
    assert plot_parameters(two).get_ylabel() == "weight (share of rows)"
    single = make_fit(counts, np.ones((20, 1)), {"mu": draws["mu"][:, :1]}, mixture=Mixture(1, "poisson"))
    with pytest.raises(InputError, match=r"needs two numbers.*\['mu'\] is all there is"):
        plot_parameters(single)


def test_draws_into_the_given_axes(two):
    _, ax = plt.subplots()
    assert plot_parameters(two, ax=ax) is ax
