"""Shared fixtures: real fits are made once per session."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm

matplotlib.use("Agg")

WARM_UP = "import bayesmix as bm; bm.Mixture(2).fit([1.0, 2.0, 4.0, 5.0, 9.0], draws=50, tune=100, progressbar=False)"


def pytest_configure(config):
    """Compile the engine before tests run in parallel.

    Processes that compile the same functions at the same time can end with code that rounds differently, and tests of
    results that are the same in every process would fail on an empty cache.
    """
    if not hasattr(config, "workerinput") and getattr(config.option, "numprocesses", None):
        subprocess.run([sys.executable, "-W", "ignore", "-c", WARM_UP], check=True)


@pytest.fixture(scope="session")
def arms() -> pd.DataFrame:
    return bm.load_dataset("arm_lengths")


@pytest.fixture(scope="session")
def choice(arms):
    """One to three components on the arm lengths, at default settings."""
    return bm.choose_components(arms["length"], range(1, 4), random_seed=1, progressbar=False)


@pytest.fixture(scope="session")
def fit(choice):
    """Two components on the arm lengths, at default settings."""
    return choice.fits[2]


@pytest.fixture
def rng():
    return np.random.default_rng(20260)


@pytest.fixture(scope="session")
def reference():
    """Data, summaries and draws of posteriordb's low_dim_gauss_mix."""
    folder = Path(__file__).parent / "data"
    data = np.array(json.loads((folder / "low_dim_gauss_mix.json").read_text())["y"])
    expected = json.loads((folder / "low_dim_gauss_mix_reference.json").read_text())
    with np.load(folder / "low_dim_gauss_mix_draws.npz") as arrays:
        draws = arrays["draws"].reshape(-1, 5)
    return data, expected, dict(zip(expected["names"], draws.T, strict=True))
