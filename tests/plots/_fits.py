"""Made-up fits that the plots of rows need beside those of `tests.helpers`."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bayesmix import families
from bayesmix.mixture import Mixture
from tests.helpers import make_fit

N_DRAWS = 40


def normal_draws(centers, spread, n_draws=N_DRAWS, random_seed=7):
    """Return weights, means and sds of components at `centers`, with some posterior scatter."""
    rng = np.random.default_rng(random_seed)
    shape = (n_draws, len(centers))
    weights = rng.dirichlet(np.full(len(centers), 40.0), size=n_draws)
    return (
        weights,
        np.asarray(centers) + 0.2 * spread * rng.normal(size=shape),
        spread * np.exp(0.1 * rng.normal(size=shape)),
    )


def column_fit(y, centers, spread=1.0, **options):
    """Return a fit of one normal column; `options` of Mixture, noise takes a tenth."""
    weights, mu, sigma = normal_draws(centers, spread)
    sigma = np.broadcast_to(sigma, mu.shape)
    if options.get("noise"):
        weights = np.column_stack([0.9 * weights, np.full(len(weights), 0.1)])
    return make_fit(y, weights, {"mu": mu, "sigma": sigma}, mixture=Mixture(len(centers), **options))


def plane(n=60, random_seed=3):
    """Return rows of two groups in two columns."""
    rng = np.random.default_rng(random_seed)
    group = np.arange(n) % 2
    z = rng.normal(size=(n, 2))
    return pd.DataFrame({"width (mm)": 10 + 6 * group + z[:, 0], "depth (mm)": 3 - 2 * group + 0.5 * z.sum(axis=1)})


def mv_fit(frame=None, covariance="full", n_draws=N_DRAWS, **options):
    """Return a fit of two mv_normal components to two columns."""
    frame = plane() if frame is None else frame
    rng = np.random.default_rng(5)
    mu = np.array([[10.0, 3.0], [16.0, 1.0]]) + 0.1 * rng.normal(size=(n_draws, 2, 2))
    sigma = np.array([[1.0, 0.7], [1.0, 0.7]]) * np.exp(0.05 * rng.normal(size=(n_draws, 2, 2)))
    params = {"mu": mu, "sigma": sigma}
    if covariance == "full":
        params["corr"] = np.full((n_draws, 2, 1), 0.6) + 0.05 * rng.normal(size=(n_draws, 2, 1))
    weights = rng.dirichlet([30.0, 30.0], size=n_draws)
    if options.get("noise"):
        weights = np.column_stack([0.9 * weights, np.full(n_draws, 0.1)])
    mixture = Mixture(2, family=families.MvNormal(covariance=covariance), **options)
    return make_fit(frame, weights, params, mixture=mixture)


def mixed_table(n=30):
    """Return rows of two groups in a measurement, a count and a category, with blanks."""
    rng = np.random.default_rng(11)
    group = np.arange(n) % 2
    frame = pd.DataFrame(
        {
            "length": 5.0 + 4 * group + rng.normal(size=n),
            "visits": rng.poisson(2 + 6 * group).astype(float),
            "site": np.where(rng.random(n) < 0.2 + 0.6 * group, "north", "south"),
        }
    )
    frame.loc[0, "length"] = np.nan
    return frame


def mixed_fit(frame=None, **options):
    """Return a fit of a normal, a Poisson and a categorical column."""
    frame = mixed_table() if frame is None else frame
    rng = np.random.default_rng(13)
    weights, mu, sigma = normal_draws([5.0, 9.0], 1.0)
    mixture = Mixture(2, family={"length": "normal", "visits": "poisson", "site": "categorical"}, **options)
    params = {
        "length_mu": mu,
        "length_sigma": np.broadcast_to(sigma, mu.shape),
        "visits_mu": np.array([2.0, 8.0]) * np.exp(0.1 * rng.normal(size=mu.shape)),
        "site_p": rng.dirichlet([20.0, 20.0], size=mu.shape),
    }
    return make_fit(frame, weights, params, mixture=mixture)


def weighted(fit, weights):
    """Return the fit with rows that stand for several units."""
    given = np.asarray(weights, dtype=float)
    rows = fit.observations
    columns = tuple(replace(column, weights=given) for column in rows.columns)
    return replace(fit, data=replace(rows, columns=columns, weights=given))
