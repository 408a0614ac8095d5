"""`from_idata`: a mixture that was sampled elsewhere becomes a `Fit`, relabelled, so that everything works on it."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import FamilyTable, as_families, read_rows, variables_of
from bayesmix.checks import flat_priors
from bayesmix.compiled import problem_of
from bayesmix.data import Observations
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.fit import Fit
from bayesmix.fitting import tree_group
from bayesmix.lifting._beside import refuse_other_density, refuse_other_rows, run_of
from bayesmix.lifting._draws import read_draws
from bayesmix.lifting._source import count_components, group_of, names_of, posterior_of
from bayesmix.likelihood import MAX_STORED, log_likelihood
from bayesmix.mixture import Mixture
from bayesmix.model import WEIGHTS_NAME, free_names
from bayesmix.posterior import LIFTED, FitInfo
from bayesmix.priors import Unknown, free_value, hyper_of, stack_parameters
from bayesmix.relabeling import permute
from bayesmix.resolving import resolve
from bayesmix.sampling import PACKAGES, agree_on_labels, choose_engine, data_facts
from bayesmix.schema import SAMPLE, data_groups, tree_of, with_labels_of
from bayesmix.seeding import find_mode_table, seeding_of
from bayesmix.settings import generator

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["from_idata"]

_TARGET = 0.9
_NO_ENGINE = "none", "the priors of the lifted draws are not known, so that nothing can be fitted again"


def from_idata(
    idata: Any,
    y: Any,
    *,
    family: str | Family | Mapping[str, Any] = "normal",
    var_names: Mapping[str, str] | None = None,
    weights: Any = None,
    resolution: Any = None,
    priors: Mapping[str, Any] | None = None,
    order_by: str | tuple[str, str] | None = None,
    classes: Sequence[str | int] | None = None,
    random_seed: int | None = None,
) -> Fit:
    """Lift the posterior of a mixture that PyMC, NumPyro, Stan or any other sampler drew into a `Fit`.

    Labels may have switched while it was sampled: every draw is sorted by the family's order, or, where no one order
    separates the components (several columns, angles, categories), relabelled to agree with the others, as for a fit of
    bayesmix. This takes the components to have had the same prior; where `priors` gives each its own they stay as they
    are. The log-likelihood is computed anew. If the tree holds ``observed_data`` or ``log_likelihood``, these must
    agree with `y` and with what the mixture says. Mixtures with a noise or a zero component, or with known classes of
    rows, are not lifted: fit them here.

    Parameters
    ----------
    idata : DataTree, Dataset, or mapping from name to array
        With draws in the group ``posterior``, or as dims (chain, draw, ...), or as arrays of shape (chain, draw, ...).
        Component dimensions may have any name. ``sample_stats`` is taken over where it is there; else `Fit.check` says
        that divergent draws are not known.
    y : column or table
        The rows that the draws were made with, as for `Mixture.fit`, in the units of the draws.
    family : str, Family, or mapping, default "normal"
        As for `Mixture`. Its parameters must be among the draws: normal components have ``mu`` and ``sigma``, the
        standard deviation; compute it first where a precision or a variance was sampled.
    var_names : mapping, optional
        Which variables of the draws they are, e.g. ``{"w": "weights", "mu": "means"}``; by default those of the same
        name. Several columns have ``age_mu`` ..., a multivariate normal ``corr`` by pair of columns. With
        one component ``w`` may be missing.
    weights, resolution : optional
        As for `Mixture.fit`: how often each row counts, and the steps that values were rounded to, as it was sampled.
    priors : mapping, optional
        The priors that the draws were made with: of every parameter, as for `Mixture`, and of the weights under
        ``"w"``, a `bayesmix.priors.Dirichlet`. Without them whatever needs priors says so: the evidence, ``fit.model``,
        exact refits of leave-one-out (unreliable rows keep their approximation), prior plots and sensitivity.
    order_by : str or (str, str), optional
        As for `Mixture`: the parameter that components are ordered by.
    classes : sequence of str or int, optional
        Names of the components in their order, as for `Mixture`.
    random_seed : int, optional
        Of what bayesmix draws itself later: exact refits, the evidence; one is drawn and recorded when left out.

    Returns
    -------
    Fit
        ``fit.info.sampler`` is ``"from_idata"`` and ``fit.info.origin`` says what the draws say of themselves.
        ``fit.idata`` has the relabelled parameters, and with `priors` also the free variables of ``fit.model``, so that
        PyMC's functions read it; other variables of the source are left behind.

    Raises
    ------
    InputError
        If a variable is missing or has the wrong shape, a value lies outside its support, weights do not add up to 1,
        or rows or densities are not those of the draws.

    Examples
    --------
    >>> import numpy as np
    >>> import bayesmix as bm
    >>> y, rng = bm.load_dataset("arm_lengths")["length"], np.random.default_rng(1)
    >>> draws = {
    ...     "weights": rng.dirichlet([12, 7], size=(4, 500)),
    ...     "means": rng.normal([24.5, 17], 0.5, size=(4, 500, 2)),
    ...     "sds": rng.uniform(1.5, 3, size=(4, 500, 2)),
    ... }  # as any sampler may return them, here in another order
    >>> fit = bm.from_idata(draws, y, var_names={"w": "weights", "mu": "means", "sigma": "sds"})
    >>> fit.summary(var_names="mu")["mean"].round().tolist()
    [17.0, 24.0]
    >>> fit.info.sampler, fit.mixture.priors_known
    ('from_idata', False)
    """
    chosen = as_families(family)
    source = posterior_of(idata)
    stated, of_weights = _stated_priors(priors, chosen)
    scales = [hyper[0] for name, prior in stated.items() if (hyper := hyper_of(prior, name)) is not None]
    names = names_of(chosen, var_names, source, scales)
    observations = read_rows(chosen, y, weights, resolution)
    refuse_other_rows(idata, observations)
    k = count_components(chosen, names, source)
    mixture = Mixture(k, chosen, weights=of_weights, priors=stated, order_by=order_by, classes=classes)
    resolved = resolve(mixture, observations)
    draws = read_draws(resolved, names, source, scales)
    posterior, stats = _relabelled(draws, run_of(idata, source.sizes), resolved, observations)
    origin = _origin(idata, source, var_names)
    info = _info(resolved, observations, source.sizes, origin, random_seed)
    groups = {
        "posterior": with_labels_of(resolved, _with_free(posterior, resolved)),
        "sample_stats": stats,
        **data_groups(observations),
        **_modes(resolved, observations, info),
    }
    known = {} if np.isnan(info.seconds) else {"sampling_time": info.seconds}
    known |= {"tuning_steps": info.tune} if info.tune else {}
    fit = Fit(mixture, resolved, tree_of(groups, info.drawn_by, **known), info, observations)
    return _with_log_likelihood(fit, idata)


def _stated_priors(priors: Any, family: Family | FamilyTable) -> tuple[dict[str, Any], Any]:
    """Return the priors of the parameters and that of the weights; unknown ones where none are given.

    Some of them are not enough: defaults would stand in for the others.
    """
    parameters = [variable.name for variable in variables_of(family)]
    if priors is None:
        return {name: Unknown() for name in parameters}, Unknown()
    if not isinstance(priors, Mapping):
        raise InputError(
            f"priors must map {[WEIGHTS_NAME, *parameters]} to the priors that the draws were made with, got "
            f"{priors!r}. Leave it out where they are not known."
        )
    flat = dict(flat_priors(priors, family))
    missing = [name for name in (WEIGHTS_NAME, *parameters) if name not in flat]
    if missing:
        raise InputError(
            "priors must hold the prior of the weights, 'w', and of every parameter that the draws were made with, got "
            f"{list(priors)} without {missing}. Add them, e.g. 'w': bm.priors.Dirichlet(1), or leave out priors= where "
            "they are not known."
        )
    return flat, flat.pop(WEIGHTS_NAME)


def _relabelled(
    draws: "xr.Dataset", stats: "xr.Dataset", resolved: Mixture, observations: Observations
) -> "tuple[xr.Dataset, xr.Dataset]":
    """Give components their labels in every draw; then let weights add up to 1 exactly."""
    if resolved.sort_key is not None and not resolved.relabelled:
        name, entry = resolved.sort_key
        values = draws[name].values if draws[name].ndim == len(SAMPLE) + 1 else draws[name].values[..., entry]
        order = np.argsort(values.reshape(-1, resolved.n_components), axis=1, kind="stable")
        draws = permute(draws, resolved, order)
    posterior, stats = agree_on_labels(draws, stats, resolved, observations)
    simplexes = [WEIGHTS_NAME, *(v.name for v in resolved.variables if v.parameter.support == "simplex")]
    exact = {name: posterior[name] / posterior[name].sum(str(posterior[name].dims[-1])) for name in simplexes}
    return posterior.assign(exact), stats


def _with_free(posterior: "xr.Dataset", resolved: Mixture) -> "xr.Dataset":
    """Add the free variables of the model behind the parameters, where the priors are known."""
    if not resolved.priors_known:
        return posterior
    names, free = free_names(resolved), {}
    if WEIGHTS_NAME in names:
        free[names[WEIGHTS_NAME]] = posterior[WEIGHTS_NAME]
    for variable in resolved.variables:
        vector = variable.parameter.dim is not None
        spec = resolved.priors[variable.name]
        prior, hyper = stack_parameters(spec, variable.name, resolved.n_components, vector=vector)
        value = posterior[variable.name]
        free[names[variable.name]] = value.copy(data=free_value(prior, hyper, value.values))
    return posterior.assign(free)


def _origin(idata: Any, source: "xr.Dataset", var_names: Any) -> dict[str, str]:
    """Return what the draws say of themselves, as text."""
    stats = group_of(idata, "sample_stats")
    attributes = {**({} if stats is None else stats.attrs), **source.attrs}
    plain = {str(name): str(value) for name, value in attributes.items() if isinstance(value, (str, int, float))}
    plain.pop("inference_library_settings", None)  # nutpie's are long, and in the tree
    return plain | ({"var_names": repr(dict(var_names))} if var_names else {})


def _info(
    resolved: Mixture,
    observations: Observations,
    sizes: Mapping[Any, int],
    origin: Mapping[str, str],
    random_seed: int | None,
) -> FitInfo:
    generator(random_seed)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if random_seed is None else int(random_seed)
    engine, reason = choose_engine(resolved, "auto") if resolved.priors_known else _NO_ENGINE
    return FitInfo(
        engine=engine,
        engine_reason=reason,
        rounds=1,
        thin=1,
        draws=sizes["draw"],
        tune=int(_number(origin.get("tuning_steps"), 0)),
        chains=sizes["chain"],
        target_accept=_TARGET,
        random_seed=seed,
        seconds=_number(origin.get("sampling_time"), float("nan")),
        versions={name: version(name) for name in PACKAGES},
        sampler=LIFTED,
        origin=dict(origin),
        **data_facts(observations),
    )


def _number(text: str | None, otherwise: float) -> float:
    try:
        return otherwise if text is None else float(text)
    except ValueError:
        return otherwise


def _modes(resolved: Mixture, observations: Observations, info: FitInfo) -> "dict[str, xr.Dataset]":
    """Return the modes that searches find, as for a fit, so that the checks notice one that no chain has visited."""
    if info.engine != "compiled":
        return {}
    laid = problem_of(resolved, observations)
    seeding = seeding_of(resolved, laid.layout, laid.problem, laid.cells)
    return {"modes": with_labels_of(resolved, find_mode_table(laid.problem, seeding, info.random_seed))}


def _with_log_likelihood(fit: Fit, idata: Any) -> Fit:
    """Add the log-likelihood up to the size that is stored, after comparing it with the one that came along."""
    rows, info = fit.observations, fit.info
    if rows.weights is None and info.draws * info.chains * rows.n <= MAX_STORED:
        own = log_likelihood(fit)
        refuse_other_density(idata, own)
        fit.idata["log_likelihood"] = tree_group(own, info.drawn_by)
    return fit
