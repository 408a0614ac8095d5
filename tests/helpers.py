"""Hand-made fits: a `Fit` from draws that a test writes down, without a sampler."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayesmix.blocks import Layout, read_rows
from bayesmix.likelihood import log_likelihood
from bayesmix.mixture import Mixture
from bayesmix.posterior import FitInfo
from bayesmix.reading import observe
from bayesmix.resolving import resolve
from bayesmix.schema import observed_data

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["make_fit", "name_of", "two_groups"]


def make_fit(
    y: Any,
    weights: npt.ArrayLike,
    params: Mapping[str, npt.ArrayLike],
    *,
    chains: int = 2,
    mixture: Mixture | None = None,
    resolution: Any = None,
) -> "Fit":
    """Build a fit from made-up draws.

    Parameters
    ----------
    y : list, array, Series or table
        The data.
    weights : array_like, shape (S, M)
        Draws of the weights, chain after chain, components without parameters last; S must be a multiple of `chains`.
    params : mapping of array_like
        Draws of each parameter by its name, shape (S, K), (S,) where it is shared by all components, or with a further
        axis.
    chains : int, default 2
    mixture : Mixture, optional
        ``Mixture(K)`` by default, normal components.
    resolution : optional
        As for `Mixture.fit`.

    Returns
    -------
    Fit
        With the groups posterior, sample_stats (nothing diverged), observed_data and log_likelihood.
    """
    import xarray as xr

    from bayesmix.fit import Fit

    w = np.asarray(weights, dtype=float)
    n_draws = len(w) // chains
    given = Mixture(w.shape[1]) if mixture is None else mixture
    observations = read_rows(given.family, y, None, resolution)
    resolved = resolve(given, observations)
    k = resolved.n_components
    variables: dict[str, Any] = {"w": _draws(w[:, :k], chains, ("component",))}
    for position, name in enumerate(resolved.extras, start=k):
        variables[f"w_{name}"] = _draws(w[:, position], chains, ())
    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(n_draws)}
    for variable in resolved.variables:
        variables[variable.name] = _draws(params[variable.name], chains, variable.dims)
        coords |= {dim: list(variable.labels) for dim in variable.extra_dims}
    energy = np.random.default_rng(0).normal(size=(chains, n_draws))
    stats = {
        "diverging": (("chain", "draw"), np.zeros((chains, n_draws), dtype=bool)),
        "energy": (("chain", "draw"), energy),
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(variables, coords | {"component": np.arange(k)}),
            "sample_stats": xr.Dataset(stats, {name: coords[name] for name in ("chain", "draw")}),
            "observed_data": observed_data(observations),
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
        layout=Layout.of(observations),
        measure=observations.measure,
        versions={},
    )
    made = Fit(given, resolved, tree, info, observations)
    tree["log_likelihood"] = xr.DataTree(log_likelihood(made).to_dataset(name="y"))
    return made


def _draws(values: npt.ArrayLike, chains: int, dims: tuple[str, ...]) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
    """Split draws into chains."""
    flat = np.asarray(values, dtype=float)
    return ("chain", "draw", *dims), flat.reshape(chains, -1, *flat.shape[1:])


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


def name_of(value: Any) -> str | None:
    """A parameter's name in a test's id; pytest's own where the text has an address, which no two processes share."""
    text = str(value)
    return None if " at 0x" in text else text
