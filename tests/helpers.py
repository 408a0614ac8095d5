"""Hand-made fits: a `Fit` from draws that a test writes down, without a sampler."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.data import observe
from bayesmix.likelihood import log_likelihood
from bayesmix.mixture import Mixture
from bayesmix.resolving import resolve
from bayesmix.posterior import FitInfo

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["make_fit", "two_groups"]


def make_fit(
    y: Any,
    weights: npt.ArrayLike,
    params: Mapping[str, npt.ArrayLike],
    *,
    chains: int = 2,
    mixture: Mixture | None = None,
) -> "Fit":
    """Build a fit from made-up draws.

    Parameters
    ----------
    y : list, array or Series
        The data.
    weights : array_like, shape (S, K)
        Draws of the component weights, chain after chain; S must be a multiple of `chains`.
    params : mapping of array_like
        Draws of each parameter of the family, shape (S, K), or (S,) where it is shared by all components.
    chains : int, default 2
    mixture : Mixture, optional
        ``Mixture(K)`` by default, normal components.

    Returns
    -------
    Fit
        With the groups posterior, sample_stats (nothing diverged), observed_data and log_likelihood.
    """
    import xarray as xr

    from bayesmix.fit import Fit

    w = np.asarray(weights, dtype=float)
    n_draws = len(w) // chains
    observations = observe(y)
    given = Mixture(w.shape[1]) if mixture is None else mixture
    resolved = resolve(given, observations)
    variables: dict[str, Any] = {}
    for name, draws in {"w": w, **params}.items():
        values = np.asarray(draws, dtype=float)
        dims = ("chain", "draw", "component")[: values.ndim + 1]
        variables[name] = (dims, values.reshape(chains, n_draws, *values.shape[1:]))
    coords = {"chain": np.arange(chains), "draw": np.arange(n_draws)}
    energy = np.random.default_rng(0).normal(size=(chains, n_draws))
    stats = {
        "diverging": (("chain", "draw"), np.zeros((chains, n_draws), dtype=bool)),
        "energy": (("chain", "draw"), energy),
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(variables, coords | {"component": np.arange(w.shape[1])}),
            "sample_stats": xr.Dataset(stats, coords),
            "observed_data": xr.Dataset({"y": ("obs", observations.values)}, {"obs": observations.coordinate}),
        }
    )
    info = FitInfo(
        engine="pymc",
        engine_reason="made by hand",
        rounds=1,
        thin=1,
        draws=n_draws,
        tune=1,
        chains=chains,
        target_accept=0.9,
        random_seed=1,
        seconds=0.0,
        digest=observations.digest,
        n=observations.n,
        total=observations.total,
        name=observations.name,
        versions={},
    )
    made = Fit(given, resolved, tree, info, observations)
    tree["log_likelihood"] = xr.DataTree(log_likelihood(made).to_dataset(name="y"))
    return made


def two_groups(y: Any, *, n_components: int = 2, n_draws: int = 40) -> "Fit":
    """Return a made-up fit with components at evenly spaced quantiles of `y` and some posterior scatter."""
    rng = np.random.default_rng(7)
    values = observe(y).values
    centers = np.quantile(values, (np.arange(n_components) + 0.5) / n_components)
    spread = float(values.std()) / n_components
    shape = (n_draws, n_components)
    return make_fit(
        y,
        rng.dirichlet(np.full(n_components, 20.0), size=n_draws),
        {
            "mu": np.sort(centers + 0.3 * spread * rng.normal(size=shape), axis=1),
            "sigma": spread * np.exp(0.2 * rng.normal(size=shape)),
        },
    )
