"""What plot_loo_pit draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesmix.errors import InputError
from bayesmix.mixture import Mixture
from bayesmix.pit import loo_pit
from bayesmix.plots import plot_loo_pit
from tests.helpers import make_fit
from tests.plots._artists import bands, legend_texts, line
from tests.plots._table import table_fit


def test_the_line_is_the_share_of_transforms_less_even(two):
    pit = loo_pit(two, repair=False).table["pit"].to_numpy()
    axes = plot_loo_pit(two, repair=False)
    drawn = line(axes, legend_texts(axes)[1])
    x = drawn.get_xdata()
    shares = (pit[:, np.newaxis] <= x).mean(axis=0)
    np.testing.assert_allclose(drawn.get_ydata()[1:-1], (shares - x)[1:-1])
    assert "random" not in axes.get_xlabel()
    assert "length (in)" in axes.get_xlabel()


def test_the_band_is_simultaneous_and_of_the_probability_asked_for(two):
    wide, narrow = (plot_loo_pit(two, repair=False, envelope_prob=prob) for prob in (0.99, 0.5))
    spans = [np.ptp(bands(axes)[0].get_paths()[0].vertices[:, 1]) for axes in (wide, narrow)]
    assert spans[0] > spans[1]
    assert legend_texts(wide)[0] == "99 % band, simultaneous"
    assert legend_texts(plot_loo_pit(two, repair=False))[0] == "99 % band, simultaneous"
    with pytest.raises(InputError, match="envelope_prob must lie strictly between 0 and 1, got 2"):
        plot_loo_pit(two, envelope_prob=2)


def test_unreliable_values_are_counted(two):
    found = loo_pit(two, repair=False)
    words = legend_texts(plot_loo_pit(two, repair=False))[1]
    assert words == ("10 values" + (f", {found.n_unreliable} unreliable" if found.n_unreliable else ""))


def test_discrete_columns_say_that_points_are_drawn():
    fit = table_fit()
    assert "drawn at random" in plot_loo_pit(fit, column="visits", repair=False).get_xlabel()
    assert "drawn at random" not in plot_loo_pit(fit, column="age (years)", repair=False).get_xlabel()
    with pytest.raises(InputError, match="column must be one of"):
        plot_loo_pit(fit)


def test_the_same_random_seed_gives_the_same_picture(rng):
    y = rng.poisson(5, 20)
    made = make_fit(
        y, rng.dirichlet([9, 9], 40), {"mu": rng.normal([3, 8], 0.1, (40, 2))}, mixture=Mixture(2, "poisson")
    )

    def drawn(random_seed):
        axes = plot_loo_pit(made, repair=False, random_seed=random_seed)
        return line(axes, legend_texts(axes)[1]).get_ydata()

    np.testing.assert_array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))


def test_draws_into_the_given_axes(two):
    _, ax = plt.subplots()
    assert plot_loo_pit(two, repair=False, ax=ax) is ax
