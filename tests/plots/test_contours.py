"""What plot_contours draws, and the numbers behind it."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from scipy.stats import multivariate_normal

from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.plots import plot_contours
from bayesmix.plots._plane import ellipses, joint_density, levels_of_mass, rings
from bayesmix.plots._style import component_style
from tests.helpers import make_fit
from tests.plots._artists import legend_texts
from tests.plots._fits import mixed_fit, mv_fit, plane

X, Y = "width (mm)", "depth (mm)"


@pytest.fixture
def fit():
    return mv_fit()


def labelled(axes, label):
    (found,) = [c for c in axes.collections if c.get_label() == label]
    return found


def covariances(fit):
    own = fit.arrays.parameters
    off = own["corr"][..., 0] * own["sigma"].prod(axis=-1)
    return np.stack([own["sigma"][..., 0] ** 2, off, off, own["sigma"][..., 1] ** 2], axis=-1).reshape(-1, 2, 2, 2)


def test_the_joint_density_is_the_mean_over_draws(fit):
    x, y = np.array([9.0, 12.0, 16.0]), np.array([1.0, 3.0])
    points = np.stack(np.meshgrid(x, y), axis=-1)
    draws, matrices = fit.arrays, covariances(fit)
    expected = np.zeros((2, 3))
    for s in range(draws.n_draws):
        for k in range(2):
            own = multivariate_normal(draws.parameters["mu"][s, k], matrices[s, k])
            expected += draws.weights[s, k] * own.pdf(points) / draws.n_draws
    drawn = joint_density(fit, (0, 1), x, y)
    assert drawn.dims == ("y", "x")
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)


def test_levels_surround_their_share_of_the_mass():
    grid = np.linspace(-6, 6, 301)
    density = np.exp(-0.5 * (grid[:, None] ** 2 + grid**2)) / (2 * np.pi)
    levels = levels_of_mass(density, (0.5, 0.95))
    # Of a standard normal in the plane, a disc of radius r holds 1 - exp(-r^2 / 2), and its edge that times 1 / 2 pi.
    np.testing.assert_allclose(levels, np.array([0.05, 0.5]) / (2 * np.pi), rtol=5e-3)
    assert len(levels_of_mass(np.ones((3, 3)), (0.5, 0.95))) == 1


def test_rings_are_so_many_sds_out():
    covariance = np.array([[4.0, 1.5], [1.5, 1.0]])
    points = rings(np.array([1.0, 2.0]), covariance, (1.0, 2.0)) - [1.0, 2.0]
    away = np.einsum("rpi,ij,rpj->rp", points, np.linalg.inv(covariance), points)
    np.testing.assert_allclose(np.sqrt(away), [[1.0] * 101, [2.0] * 101])


def test_rows_have_the_colour_of_their_component_and_its_probability_as_opacity(fit):
    axes = plot_contours(fit, X, Y)
    probability = fit.assignment_probabilities().values
    for k in range(2):
        own = np.argmax(probability, axis=1) == k
        drawn = labelled(axes, f"_rows of component {k}")
        np.testing.assert_allclose(drawn.get_offsets(), fit.observations.values[own])
        colors = drawn.get_facecolors()
        assert same_color(colors[0][:3], component_style(k).color)
        order = np.argsort(probability[own, k])
        assert (np.diff(colors[order, 3]) >= 0).all()
        assert f"component {k} ({own.sum()})" in legend_texts(axes)
    assert (axes.get_xlabel(), axes.get_ylabel()) == (X, Y)
    assert axes.get_legend().get_title().get_text() == "60 rows"


def test_ellipses_are_those_of_the_posterior_mean_and_of_some_draws(fit):
    axes = plot_contours(fit, X, Y, n_draws=5)
    center, matrix = fit.arrays.parameters["mu"].mean(axis=0), covariances(fit).mean(axis=0)
    for k in range(2):
        paths = np.array(labelled(axes, f"_ellipses of component {k}, mean").get_segments())
        np.testing.assert_allclose(paths, rings(center[k], matrix[k], (1, 2, 3)))
        thin = labelled(axes, f"_ellipses of component {k}, draws")
        assert len(thin.get_segments()) == 5
        assert same_color(thin.get_color()[0][:3], component_style(k).color)
        last = rings(fit.arrays.parameters["mu"][-1, k], covariances(fit)[-1, k], (2.0,))[0]
        np.testing.assert_allclose(thin.get_segments()[-1], last)
    assert {"1, 2, 3 sd of posterior mean", "2 sd in 5 draws", "50, 80, 95 % of the mixture"} <= set(legend_texts(axes))
    low, high = axes.get_xlim()
    assert low <= rings(center[0], matrix[0], (3,))[..., 0].min()
    assert high >= rings(center[1], matrix[1], (3,))[..., 0].max()


def test_no_draws_no_thin_ellipses(fit):
    assert not [text for text in legend_texts(plot_contours(fit, X, Y, n_draws=0)) if "draws" in text]


def test_contours_hold_their_shares(fit):
    axes = plot_contours(fit, X, Y)
    (contours,) = [c for c in axes.collections if type(c).__name__ == "QuadContourSet"]
    assert len(contours.levels) == 3
    inside = contours.get_paths()[0].vertices  # the lowest level: 95 %
    assert np.ptp(inside[:, 0]) > np.ptp(contours.get_paths()[2].vertices[:, 0])


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_columns_in_either_order(covariance):
    fit = mv_fit(covariance=covariance)
    straight, swapped = ellipses(fit, (0, 1), 3), ellipses(fit, (1, 0), 3)
    np.testing.assert_allclose(straight.mean, swapped.mean[:, ::-1])
    np.testing.assert_allclose(straight.covariance, swapped.covariance[:, ::-1, ::-1])
    np.testing.assert_allclose(joint_density(fit, (0, 1), [10.0], [3.0]), joint_density(fit, (1, 0), [3.0], [10.0]))


def test_normal_columns_of_a_table_have_upright_ellipses():
    frame = plane().rename(columns={X: "a", Y: "b"})
    params = {
        "a_mu": np.tile([10.0, 16.0], (8, 1)),
        "a_sigma": np.tile([1.0, 2.0], (8, 1)),
        "b_mu": np.tile([3.0, 1.0], (8, 1)),
        "b_sigma": np.tile([0.5, 0.6], (8, 1)),
    }
    fit = make_fit(frame, np.full((8, 2), 0.5), params, mixture=Mixture(2, family={"a": "normal", "b": "normal"}))
    found = ellipses(fit, (0, 1), 2)
    np.testing.assert_allclose(found.covariance, [np.diag([1.0, 0.25]), np.diag([4.0, 0.36])])
    assert found.means.shape == (2, 2, 2)


def test_other_families_have_contours_or_spread_rows_without_ellipses():
    fit = mixed_fit()
    assert ellipses(fit, (0, 1), 5) is None
    axes = plot_contours(fit, "length", "visits")
    assert [c for c in axes.collections if type(c).__name__ == "QuadContourSet"]
    assert axes.get_ylabel() == "visits (rows spread)"
    assert axes.get_legend().get_title().get_text() == "30 rows, 1 with blanks not shown"
    axes = plot_contours(fit, "length", "site")
    assert not [c for c in axes.collections if type(c).__name__ == "QuadContourSet"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["north", "south"]
    drawn = np.concatenate([c.get_offsets() for c in axes.collections])
    assert len(drawn) == 29
    assert (np.abs(drawn[:, 1] - np.round(drawn[:, 1])) <= 0.25).all()


def test_named_components_and_noise():
    axes = plot_contours(mv_fit(classes=["slim", "stout"], noise=True), X, Y)
    names = [text.split(" (")[0] for text in legend_texts(axes)]
    assert names[:3] == ["component slim", "component stout", "component noise"]
    assert len([c for c in axes.collections if str(c.get_label()).startswith("_ellipses")]) == 4


def test_of_many_rows_a_sample_is_drawn_and_said():
    fit = mv_fit(plane(400))
    axes, again = (plot_contours(fit, X, Y, max_rows=100) for _ in range(2))
    drawn, repeated = (
        np.concatenate([labelled(a, f"_rows of component {k}").get_offsets() for k in range(2)]) for a in (axes, again)
    )
    assert len(drawn) == 100
    np.testing.assert_array_equal(drawn, repeated)
    assert axes.get_legend().get_title().get_text() == "random sample of 100 of 400 rows"


def test_arguments_are_checked(fit):
    with pytest.raises(InputError, match=r"x must be one of .*got 'height'"):
        plot_contours(fit, "height", Y)
    with pytest.raises(InputError, match=r"two columns, got .* twice.*plot_density"):
        plot_contours(fit, X, X)
    with pytest.raises(InputError, match="n_draws must be an integer >= 0, got -1"):
        plot_contours(fit, X, Y, n_draws=-1)
    with pytest.raises(InputError, match="data=False"):
        plot_contours(replace(fit, data=None), X, Y)
    single = make_fit(
        pd.Series([1.0, 2.0, 4.0], name="y"), np.ones((4, 1)), {"mu": np.ones((4, 1)), "sigma": np.ones((4, 1))}
    )
    with pytest.raises(InputError, match="y must be one of"):
        plot_contours(single, "y", "z")


def test_draws_into_the_given_axes(fit):
    _, ax = plt.subplots()
    assert plot_contours(fit, X, Y, ax=ax) is ax
