"""A made-up fit of a table with a named pair of components, noise, and a column of every kind."""

import numpy as np
import pandas as pd

from bayesmix.mixture import Mixture
from tests.helpers import make_fit

FAMILIES = {"age (years)": "normal", "visits": "poisson", "smoker": "bernoulli", "ward": "categorical"}


def table_of(n=24):
    rng = np.random.default_rng(11)
    second = np.arange(n) % 2 == 1
    frame = pd.DataFrame(
        {
            "age (years)": np.round(np.where(second, rng.normal(60, 8, n), rng.normal(30, 5, n)), 1),
            "visits": np.where(second, rng.poisson(6, n), rng.poisson(1, n)).astype(float),
            "smoker": np.where(second, rng.random(n) < 0.7, rng.random(n) < 0.2).astype(int),
            "ward": rng.choice(["a", "b", "c"], n),
        },
        index=[f"r{i}" for i in range(n)],
    )
    frame.loc["r3", "visits"] = np.nan
    return frame


def table_fit(n=24, n_draws=60):
    """Return components "young" and "old" and noise, with some posterior scatter."""
    rng = np.random.default_rng(12)
    shape = (n_draws, 2)
    ward = np.stack([rng.dirichlet([8, 4, 4], n_draws), rng.dirichlet([4, 4, 8], n_draws)], axis=1)
    return make_fit(
        table_of(n),
        rng.dirichlet([20, 20, 2], n_draws),
        {
            "age (years)_mu": np.array([30.0, 60.0]) + rng.normal(size=shape),
            "age (years)_sigma": np.array([5.0, 8.0]) * np.exp(0.1 * rng.normal(size=shape)),
            "visits_mu": np.array([1.0, 6.0]) * np.exp(0.1 * rng.normal(size=shape)),
            "smoker_p": np.clip(np.array([0.2, 0.7]) + 0.05 * rng.normal(size=shape), 0.01, 0.99),
            "ward_p": ward,
        },
        mixture=Mixture(2, FAMILIES, noise=True, classes=["young", "old"]),
    )
