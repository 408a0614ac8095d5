"""Small made-up inputs for the plots; nothing is sampled."""

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")

from tests.helpers import two_groups

LENGTHS = [1.0, 1.0, 1.5, 2.0, 4.0, 5.5, 6.0, 6.0, 6.0, 6.5]


@pytest.fixture(autouse=True)
def _close_figures():
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture
def column():
    return pd.Series(LENGTHS, name="length (in)")


@pytest.fixture
def two(column):
    return two_groups(column)


@pytest.fixture
def three(column):
    return two_groups(column, n_components=3)
