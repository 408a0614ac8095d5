"""Names of columns, classes, categories and rows are shown as they are: dollar signs make no formulas."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from bayesmix import Mixture, plots
from tests.helpers import make_fit, two_groups
from tests.plots._fits import normal_draws

CLASSES = ["$low$", "$high$"]
SITES = ["$a_$", "$b_$"]
N = 24
#: Drawn by ArviZ, or with other components and data in a test of their own.
OTHERS = {"plot_trace", "plot_rank", "plot_energy", "plot_membership_ternary", "plot_assignments", "plot_comparison"}
OTHERS |= {"plot_prior_predictive"}


def rows(columns):
    group = np.arange(N) % 2
    rng = np.random.default_rng(1)
    values = 5.0 + 4 * group + rng.normal(size=N)
    frame = {"in $ per $_": values, "out $ per $_": -values, "$site$": [SITES[g] for g in group]}
    index = pd.Index([f"$r_{i}$" for i in range(N)], name="$row$")
    return pd.DataFrame({name: frame[name] for name in columns}, index=index)


@pytest.fixture(scope="module")
def table():
    """Return a fit of two measurements and a category."""
    frame = rows(["in $ per $_", "out $ per $_", "$site$"])
    weights, mu, sigma = normal_draws([5.0, 9.0], 1.0)
    params = {
        "in $ per $__mu": mu,
        "in $ per $__sigma": sigma,
        "out $ per $__mu": -mu,
        "out $ per $__sigma": sigma,
        "$site$_p": np.random.default_rng(2).dirichlet([20.0, 20.0], size=mu.shape),
    }
    family = dict(zip(frame.columns, ["normal", "normal", "categorical"], strict=True))
    return make_fit(frame, weights, params, mixture=Mixture(2, family, classes=CLASSES))


def shown(axes):
    """Return all words of the figure that `axes` are in."""
    figure = np.ravel(axes)[0].figure
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def plain(axes):
    words = shown(axes)
    plt.close("all")
    assert not [one for one in words if is_math_text(one)]
    return " ".join(words)


@pytest.mark.parametrize("name", sorted(set(plots.__all__) - OTHERS))
def test_a_table_is_drawn_with_its_own_names(table, name):
    if name in {"plot_confusion", "plot_roc", "plot_reliability", "plot_rejection"}:
        axes = getattr(table, name)(np.array(CLASSES)[np.arange(N) % 2], classes=CLASSES)
    else:
        one = {"plot_density", "plot_ppc", "plot_loo_pit", "plot_boundaries"}
        options = {"column": "in $ per $_"} if name in one else {}
        options |= {"repair": False} if name in {"plot_loo_pit", "plot_pareto_k"} else {}
        options |= {"x": "in $ per $_", "y": "$site$"} if name == "plot_contours" else {}
        axes = getattr(table, name)(**options)
    plain(axes)


@pytest.mark.parametrize("kind", ["density", "ppc"])
def test_categories_are_shown_as_they_are(table, kind):
    assert r"\$a_\$" in plain(getattr(table, f"plot_{kind}")(column="$site$"))


def test_one_column_is_drawn_with_its_own_name():
    column = rows(["in $ per $_"])["in $ per $_"]
    assert r"in \$ per \$_" in plain(two_groups(column).plot_assignments())
    assert "component 2" in plain(two_groups(column, n_components=3).plot_membership_ternary())
    prior = Mixture(2).prior_predictive(column, n_datasets=3, random_seed=1)
    assert r"in \$ per \$_" in plain(plots.plot_prior_predictive(prior))
