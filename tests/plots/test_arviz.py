"""Plots by ArviZ run on the trees of fits, and get their parameters, sizes and colours."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from bayesmix.errors import InputError
from bayesmix.plots import plot_energy, plot_rank, plot_trace
from bayesmix.plots._style import PALETTE
from tests.plots._table import table_fit


def titles(panels):
    figure = panels.viz["figure"].item()
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def test_traces_of_all_that_varies(two):
    panels = plot_trace(two)
    assert titles(panels) == [f"{name}\n{k}" for name in ("w", "mu", "sigma") for k in (0, 1)]
    drawn = panels.viz["trace"]["mu"].sel(component=1)
    for chain, artist in enumerate(drawn.values):
        expected = two.idata["posterior"]["mu"].sel(component=1).values[chain]
        np.testing.assert_array_equal(artist.get_ydata(), expected)
        assert to_hex(artist.get_color()).upper() == PALETTE[chain]


def test_tables_with_names_noise_and_categories():
    fit = table_fit()
    wanted = 2 + 1 + 2 * 4 + 6
    assert len(titles(plot_trace(fit))) == wanted
    assert len(titles(plot_rank(fit, var_names=["ward_p"]))) == 6


def test_some_variables(two):
    assert titles(plot_trace(two, var_names="mu")) == ["mu\n0", "mu\n1"]
    with pytest.raises(InputError, match=r"var_names must be among .*got \['tau'\]"):
        plot_rank(two, var_names=["tau"])
    with pytest.raises(InputError, match="var_names must be among"):
        plot_trace(two, var_names=[])


def test_ranks_lie_in_an_envelope(two):
    panels = plot_rank(two, var_names="mu")
    assert {"ecdf_lines", "credible_interval"} <= set(panels.viz.children)


def test_options_reach_arviz(two):
    panels = plot_trace(two, var_names="mu", figure_kwargs={"figsize": (4, 2)}, coords={"component": [1]})
    assert tuple(panels.viz["figure"].item().get_size_inches()) == (4, 2)
    assert titles(panels) == ["mu"] or titles(panels) == ["mu\n1"]


def test_energies(two):
    figure = plot_energy(two).viz["figure"].item()
    (chains,) = [axes for axes in figure.axes if axes.get_ylabel() == "Chain"]
    assert all(tick == round(tick) for tick in chains.get_yticks())
