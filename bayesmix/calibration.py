"""Simulation-based calibration: whether a specification's posterior is right, on average over its own prior.

Parameters are drawn from the prior, data from the parameters, and the specification is fitted to the data; over many
repetitions the rank of the true value among its posterior draws is uniform if prior, likelihood and sampler agree.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import Layout, read_rows
from bayesmix.cells import component_log_density
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError, SamplingError
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME, extra_weight_names
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.resolving import resolve
from bayesmix.sampling import choose_engine, draw
from bayesmix.schema import tree_of, with_labels_of
from bayesmix.scores import log_sum_exp
from bayesmix.settings import SamplerSettings, generator
from bayesmix.simulation import draw_from_prior, like_reference, simulate_rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["calibrate"]

_KEPT = 200


def calibrate(
    mixture: Mixture,
    y: Any,
    *,
    n_simulations: int = 200,
    resolution: Any = None,
    draws: int = 2000,
    tune: int | None = None,
    chains: int = 4,
    target_accept: float = 0.9,
    engine: str = "auto",
    random_seed: int | None = None,
) -> "xr.DataTree":
    """Run simulation-based calibration of a specification.

    Priors are resolved once, on the reference data, and used for every simulated data set. With ``noise=True`` give
    priors that keep the groups inside the range of the reference: noise is uniform over that range, but rows beyond it
    have its density too, so that only rows inside are simulated and fitted by one and the same model.

    Parameters
    ----------
    mixture : Mixture
    y : column or table
        The reference: default priors follow its scale; simulated data have its number of rows, trials, rounding and
        missing cells.
    n_simulations : int, default 200
        Number of simulated data sets, each fitted once.
    resolution : number, "auto" or mapping, optional
        As for `Mixture.fit`.
    draws, tune, chains, target_accept, engine
        As for `Mixture.fit`; of all draws 200 evenly spaced ones are ranked, so that they are nearly independent.
    random_seed : int, optional

    Returns
    -------
    DataTree
        Group ``prior_sbc``, for ``arviz.plot_ecdf_pit(tree, group="prior_sbc")``: for the weights, every parameter and
        the log-likelihood of the data, the share of posterior draws below the true value (ties with the ends broken at
        random), dims (chain, draw, ...) with one chain and one draw per simulation. Components are put in the same
        order in truth and draws, by the order key or else by weight. ``attrs["failures"]`` counts simulations whose fit
        raised an error, which are left out.

    Raises
    ------
    InputError
        If the data, the specification or a setting break a rule.

    References
    ----------
    Talts, Betancourt, Simpson, Vehtari & Gelman (2018), Validating Bayesian inference algorithms with simulation-based
    calibration, arXiv:1804.06788. Modrák et al. (2023), Simulation-based calibration checking for Bayesian computation:
    the choice of test quantities shapes sensitivity, Bayesian Analysis, for ranking the log-likelihood.

    Examples
    --------
    >>> tree = bm.calibrate(bm.Mixture(2), arms["length"], n_simulations=2, draws=50, tune=50, random_seed=1)
    >>> tree["prior_sbc"]["mu"].shape
    (1, 2, 2)
    """
    if isinstance(n_simulations, bool) or not isinstance(n_simulations, (int, np.integer)) or n_simulations < 1:
        raise InputError(f"n_simulations must be an integer >= 1, got {n_simulations!r}. Use 200 for a first look.")
    if not isinstance(mixture, Mixture):
        raise InputError(f"mixture must be a Mixture, got {mixture!r}. Use e.g. bm.Mixture(2).")
    reference = read_rows(mixture.family, y, None, resolution)
    resolved = resolve(mixture, reference)
    choose_engine(resolved, engine)
    rng = generator(random_seed)
    truth = draw_from_prior(resolved, int(n_simulations), rng)
    values, _ = simulate_rows(resolved, truth, reference, rng)
    ranks: list[dict[str, FloatArray]] = []
    failures = 0
    for i in range(int(n_simulations)):
        seed = int(rng.integers(2**31))
        settings = SamplerSettings(draws, tune, chains, target_accept, None, seed, engine, progressbar=False)
        rows = like_reference(values[i], reference)
        try:
            tree, info = draw(resolved, rows, settings)
        except (SamplingError, np.linalg.LinAlgError):
            failures += 1
            continue
        posterior = Posterior(resolved, resolved, tree, info, rows)
        ranks.append(_ranks(posterior, truth.take([i]), rows, rng))
    return _tree(resolved, ranks, failures)


def _ranks(
    posterior: Posterior, truth: DrawArrays, rows: Observations, rng: np.random.Generator
) -> dict[str, FloatArray]:
    arrays = posterior.arrays
    kept = arrays.take(np.linspace(0, arrays.n_draws - 1, min(_KEPT, arrays.n_draws)).astype(int))
    before = _quantities(posterior.resolved, kept, rows)
    true = _quantities(posterior.resolved, truth, rows)
    out = {}
    for name, value in before.items():
        below = (value < true[name]).sum(axis=0)
        out[name] = (below + rng.random(below.shape)) / (len(value) + 1)
    return out


def _quantities(resolved: Mixture, draws: DrawArrays, rows: Observations) -> dict[str, FloatArray]:
    """Return what is ranked, one leading axis of draws: parameters of components in a fixed order, log-likelihood."""
    k = resolved.n_components
    cells = rows.cells[rows.informative]
    joint = component_log_density(resolved, Layout.of(rows), draws.parameters, cells)
    with np.errstate(divide="ignore"):
        joint = joint + np.log(draws.weights)[:, np.newaxis, :]
    out: dict[str, FloatArray] = {"log_likelihood": log_sum_exp(joint).sum(axis=1)}
    order = np.argsort(_key(resolved, draws), axis=1) if resolved.exchangeable else np.arange(k)[np.newaxis]
    if len(resolved.component_labels) > 1:
        order = np.broadcast_to(order, (draws.n_draws, k))
        out[WEIGHTS_NAME] = np.take_along_axis(draws.weights[:, :k], order, axis=1)
        for s, name in enumerate(extra_weight_names(resolved)):
            out[name] = draws.weights[:, k + s]
    for variable in resolved.variables:
        value = draws.parameters[variable.name]
        if variable.parameter.support == "angle":
            value = np.arctan2(np.sin(value), np.cos(value))
        if variable.shared:
            out[variable.name] = value[:, 0]
            continue
        index = np.broadcast_to(order, (draws.n_draws, k)).reshape(draws.n_draws, k, *([1] * (value.ndim - 2)))
        out[variable.name] = np.take_along_axis(value, index, axis=1)
    return out


def _key(resolved: Mixture, draws: DrawArrays) -> FloatArray:
    if resolved.order_key is None:
        return draws.weights[:, : resolved.n_components]
    name, entry = resolved.order_key
    value = draws.parameters[name]
    return value if value.ndim == 2 else value[..., entry]


def _tree(resolved: Mixture, ranks: list[dict[str, FloatArray]], failures: int) -> "xr.DataTree":
    import xarray as xr

    if not ranks:
        raise InputError("at least one simulated data set must be fitted, but all failed. Check priors and reference.")
    dims = {WEIGHTS_NAME: ("component",)} | {v.name: v.dims for v in resolved.variables}
    variables = {
        name: (("chain", "draw", *dims.get(name, ())), np.stack([r[name] for r in ranks])[np.newaxis])
        for name in ranks[0]
    }
    coords: dict[str, Any] = {"chain": [0], "draw": np.arange(len(ranks))}
    dataset = with_labels_of(resolved, xr.Dataset(variables, coords))
    return tree_of({"prior_sbc": dataset.assign_attrs(failures=failures)}, {})
