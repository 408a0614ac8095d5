"""What plot_prior_posterior draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

import bayesmix as bm
from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.plots import plot_prior_posterior
from bayesmix.plots._style import component_style
from tests.helpers import make_fit, two_groups
from tests.plots._artists import bands, legend_texts, line
from tests.plots._table import table_fit


def heights(axes, kind, name, base):
    """Return grid and density of a line up to its scale: the axis points down."""
    drawn = line(axes, f"_{kind} {name}")
    return drawn.get_xdata(), base - drawn.get_ydata()


def test_one_prior_and_one_posterior_for_each_component(three):
    panels = plot_prior_posterior(three)
    assert len(panels) == 3
    for axes in panels:
        drawn = bands(axes)
        assert len(drawn) == 3
        for k, band in enumerate(drawn):
            assert tuple(band.get_facecolor()[0][:3]) == to_rgba(component_style(k).color)[:3]
            assert line(axes, f"_prior {k}").get_linestyle() == "--"
    assert legend_texts(panels[0]) == ["posterior", "prior"]


def test_both_densities_of_a_line_have_one_scale(two):
    axes = plot_prior_posterior(two, var_names="mu")[0]
    x, before = heights(axes, "prior", 0, 0)
    _, after = heights(axes, "outline", 0, 0)
    assert max(before.max(), after.max()) == pytest.approx(0.85)
    inside = x[1] - x[0]
    # The posterior lies inside the panel, of the prior at least nine tenths.
    assert 0.85 < before.sum() * inside / (after.sum() * inside) < 1.01


def test_sorted_components_have_sorted_priors(column):
    made = two_groups(column)
    axes = plot_prior_posterior(made, var_names="mu")[0]
    means = []
    for k in range(2):
        x, height = heights(axes, "prior", k, k)
        means.append(np.average(x, weights=height))
    assert means[1] - means[0] > made.observations.scale  # of two normal draws with sd 2 s: 2.26 s apart
    identified = Mixture(2, priors={"mu": [bm.priors.Normal(9, 1), bm.priors.Normal(1, 1)]})
    posterior = made.arrays
    own = make_fit(column, posterior.weights, posterior.parameters, mixture=identified)
    axes = plot_prior_posterior(own, var_names="mu")[0]
    x, height = heights(axes, "prior", 0, 0)
    assert np.average(x, weights=height) == pytest.approx(9, abs=0.2)


def test_a_far_wider_prior_is_shown_in_part(column):
    made = two_groups(column)
    wide = Mixture(2, priors={"mu": bm.priors.Normal(0, 1e5)})
    again = make_fit(column, made.arrays.weights, made.arrays.parameters, mixture=wide)
    low, high = plot_prior_posterior(again, var_names="mu")[0].get_xlim()
    draws = again.arrays.parameters["mu"]
    assert high - low < 30 * np.ptp(draws)
    assert low < draws.min() < draws.max() < high


def test_densities_stay_inside_what_is_possible():
    panels = plot_prior_posterior(table_fit())
    limits = [axes.get_xlim() for axes in panels]
    for position in (0, 4, 5, 6, 7):  # weights and probabilities
        assert 0 <= limits[position][0] < limits[position][1] <= 1
    assert limits[2][0] >= 0
    assert [tick.get_text() for tick in panels[0].get_yticklabels()] == ["young", "old", "noise"]


def test_angles_go_round_the_circle(rng):
    y = rng.vonmises(0.0, 4.0, 20)
    shape = (40, 2)
    draws = {"mu": [-1.0, 1.0] + 0.1 * rng.normal(size=shape), "kappa": 4 * np.exp(0.1 * rng.normal(size=shape))}
    made = make_fit(y, rng.dirichlet([9, 9], 40), draws, mixture=Mixture(2, "von_mises"))
    axes = plot_prior_posterior(made, var_names="mu")[0]
    np.testing.assert_allclose(axes.get_xlim(), [-np.pi, np.pi])


def test_the_same_random_seed_gives_the_same_picture(two):
    def prior(random_seed):
        axes = plot_prior_posterior(two, var_names="sigma", random_seed=random_seed)[0]
        return line(axes, "_prior 0").get_ydata()

    np.testing.assert_array_equal(prior(1), prior(1))
    assert not np.array_equal(prior(1), prior(2))


def test_constant_draws_are_drawn(column):
    made = two_groups(column)
    constant = {"mu": made.arrays.parameters["mu"], "sigma": np.ones((40, 2))}
    plot_prior_posterior(make_fit(column, made.arrays.weights, constant))


def test_panels_can_be_given(two):
    _, given = plt.subplots(1, 3)
    assert list(plot_prior_posterior(two, ax=given)) == list(given)
    with pytest.raises(InputError, match="random_seed must be"):
        plot_prior_posterior(two, random_seed="a")
