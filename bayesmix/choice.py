"""How many groups? `choose_components` fits several numbers of components and says what the data allow to conclude."""

import warnings
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from bayesmix.blocks import read_rows, refuse_unidentified
from bayesmix.comparing import Comparison
from bayesmix.comparison import Ranking, rank
from bayesmix.criteria import check_counts
from bayesmix.data import Observations, check_component_count
from bayesmix.errors import BayesmixError, InputError, InterruptedWarning
from bayesmix.evidence import Evidence, log_evidence
from bayesmix.fit import Fit
from bayesmix.fitting import fit_mixture
from bayesmix.mixture import Mixture, check_n_components
from bayesmix.parallel import completed, n_workers, threads
from bayesmix.progress import Progress
from bayesmix.settings import SamplerSettings

__all__ = ["Comparison", "choose_components", "compare"]

_ONE = Mixture(1)

_INTERRUPTED = "not fitted: interrupted before its turn. Run it again, or use the others."
_EVIDENCE_WORK, _REFIT_WORK = 0.5, 0.5
"""What they take, in units of the fit of one component."""

_FAILURES = (BayesmixError, ArithmeticError, RuntimeError, np.linalg.LinAlgError)
"""Errors of one fit that say nothing about the others."""


def choose_components(
    y: Any,
    n_components: Iterable[int],
    *,
    mixture: Mixture = _ONE,
    weights: Any = None,
    resolution: Any = None,
    draws: int = 2000,
    tune: int | None = None,
    chains: int = 4,
    target_accept: float = 0.9,
    cores: int | None = None,
    random_seed: int | None = None,
    engine: str = "auto",
    repair: bool = True,
    evidence: bool = True,
    progressbar: bool = True,
) -> Comparison[int]:
    """Fit mixtures with several numbers of components and compare them by LOO, WAIC and the evidence.

    A fit that fails becomes a row with the reason and does not stop the others. An interrupt (Ctrl-C) keeps the fits
    that are finished.

    Fits run one after the other unless joblib is told otherwise: under ``joblib.parallel_config(backend="loky",
    n_jobs=2)`` they run in two processes, and under ``"dask"`` or ``"ray"`` on a cluster; the numbers are the same.

    Parameters
    ----------
    y : column or table
        As for `Mixture.fit`.
    n_components : iterable of int
        Numbers of components to try, e.g. ``range(1, 7)``.
    mixture : Mixture, optional
        Template for family, priors and weights; its own number of components is not used.
    weights : list, array or Series, optional
        How often each row counts; whole numbers.
    resolution : number, "auto" or mapping, optional
        The steps that values were rounded to, as for `Mixture.fit`; the same for every number of components.
    draws, tune, chains, target_accept, cores, random_seed, engine
        As for `Mixture.fit`; every fit uses the same seed.
    repair : bool, default True
        Whether rows for which PSIS-LOO is unreliable (Pareto k above the limit) are left out exactly, by a refit each.
    evidence : bool, default True
        Whether the evidence is estimated for the table and the text, where the compiled engine runs;
        `Comparison.posterior_of_k` does it in any case.
    progressbar : bool, default True
        Whether to show one line for the whole sweep, with the time left.

    Returns
    -------
    Comparison
        Numbers of components that cannot be fitted (more than distinct rows, or than the columns can tell apart) are
        rows with the reason.

    Raises
    ------
    InputError
        If the data, a number of components or a setting break a rule.

    Examples
    --------
    >>> arms = bm.load_dataset("arm_lengths")
    >>> choice = bm.choose_components(arms["length"], range(1, 3), random_seed=1)
    >>> choice.best
    1
    >>> two = choice.fits[2]  # known to be children and adults, so go on with two
    """
    settings = SamplerSettings(draws, tune, chains, target_accept, cores, random_seed, engine, progressbar=False)
    if not isinstance(mixture, Mixture):
        raise InputError(f"mixture must be a Mixture as template, got {mixture!r}. Use e.g. mixture=bm.Mixture(1).")
    observations = read_rows(mixture.family, y, weights, resolution)
    check_counts(observations)
    wanted = _distinct_counts(n_components)
    possible, failures = _possible(mixture, wanted, observations)
    if not possible:
        raise InputError(f"at least one of n_components={wanted} must be possible, but: {failures[wanted[0]]}")
    with Progress(sum(possible) * (1 + _EVIDENCE_WORK), shown=progressbar) as progress:
        fits, failed = _fit_all(possible, y, settings, progress, weights=weights, resolution=resolution)
        interrupted = _INTERRUPTED in failed.values()
        ranking, complete = _ranked(
            fits, failures | failed, progress, repair=repair and not interrupted, evidence=evidence and not interrupted
        )
    if interrupted or not complete:
        warnings.warn(_interruption(fits, failed, ranking), InterruptedWarning, stacklevel=2)
    return Comparison(fits, ranking)


def _possible(
    mixture: Mixture, wanted: list[int], observations: Observations
) -> tuple[dict[int, Mixture], dict[int, str]]:
    """Return the specifications that the rows allow, and why they do not allow the others."""
    possible, failures = {}, {}
    for k in wanted:
        try:
            check_component_count(k, observations)
            refuse_unidentified(mixture.family, k + len(mixture.extras), observations)
        except InputError as error:
            failures[k] = str(error)
            continue
        possible[k] = _with_components(mixture, k)
    return possible, failures


def _fit_all(
    specifications: Mapping[int, Mixture], y: Any, settings: SamplerSettings, progress: Progress, **options: Any
) -> tuple[dict[int, Fit], dict[int, str]]:
    """Fit all, through joblib; return the fits, and why others failed or, after an interrupt, are missing."""
    fits: dict[int, Fit] = {}
    failures: dict[int, str] = {}
    errors: list[Exception] = []

    def started(k: int) -> None:
        progress.start(f"Fitting K = {k}")

    def task(k: int) -> _Task:
        return specifications[k], y, settings, options

    if n_workers() > 1:
        progress.start(f"Fitting K = {', '.join(map(str, specifications))}")
    try:
        with closing(completed(_attempt, task, list(specifications), started)) as results:
            for k, result in results:
                if isinstance(result, Fit):
                    fits[k] = result
                else:
                    errors.append(result)
                    failures[k] = f"not fitted: {result}"
                progress.finish(k)
    except KeyboardInterrupt:
        if not fits:
            raise
        failures |= {k: _INTERRUPTED for k in specifications if k not in fits and k not in failures}
    if not fits:
        raise errors[0]
    return {k: fits[k] for k in specifications if k in fits}, failures


type _Task = tuple[Mixture, Any, SamplerSettings, Mapping[str, Any]]


def _attempt(task: _Task) -> Fit | Exception:
    """Fit, beside others on one core; return an error that says nothing about other fits."""
    mixture, y, settings, options = task
    try:
        return fit_mixture(mixture, y, replace(settings, cores=threads() or settings.cores), **options)
    except _FAILURES as error:
        return error


def _ranked(
    fits: Mapping[int, Fit], failures: Mapping[int, str], progress: Progress, *, repair: bool, evidence: bool
) -> tuple[Ranking, bool]:
    """Rank the fits, and say whether that was completed; after an interrupt it is done without repairs."""

    def refitted(done: int, total: int) -> None:
        if done == 0:
            progress.more(total * _REFIT_WORK)
        else:
            progress.finish(_REFIT_WORK)
        progress.start(f"Leaving out rows exactly, {done} of {total}")

    evidences: dict[int, Evidence] = {}
    try:
        for k, fit in fits.items() if evidence else ():
            progress.start(f"Evidence of K = {k}")
            evidences |= _evidence_of(k, fit)
            progress.finish(k * _EVIDENCE_WORK)
        ranking = rank(fits, failures, "n_components", repair=repair, advance=refitted, evidences=evidences)
    except KeyboardInterrupt:
        return rank(fits, failures, "n_components", repair=False, evidences=evidences), False
    return ranking, True


def _evidence_of[Key](name: Key, fit: Fit) -> dict[Key, Evidence]:
    """Return the evidence by name where it comes in a second: the compiled engine, and weights that are counts."""
    if fit.info.engine != "compiled" or fit.data is None or not fit.data.weights_are_counts:
        return {}
    try:
        return {name: log_evidence(fit, method="bridge")}
    except _FAILURES:
        return {}  # the table shows that it is missing


def _interruption(fits: Mapping[int, Fit], failed: Mapping[int, str], ranking: Ranking) -> str:
    """Say what an interrupt left undone."""
    missing = [k for k, reason in failed.items() if reason == _INTERRUPTED]
    lost = [f"there is no fit for n_components={missing}"] if missing else []
    without = [k for k in fits if k not in ranking.evidences]
    lost += ["LOO is not repaired"] + ([f"there is no evidence for {without}"] if without else [])
    return (
        f"the sweep was interrupted: {', '.join(lost)}. The fits of n_components={list(fits)} are kept; run it again "
        "for the rest."
    )


def compare(fits: Mapping[str, Fit]) -> Comparison[str]:
    """Compare any fits of the same data: other families, other priors, other numbers of components.

    Parameters
    ----------
    fits : mapping
        Name to fit; put the simplest first, since `Comparison.best` takes the first adequate one.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If the fits are of different data.

    Examples
    --------
    >>> heavy = bm.Mixture(2, "student_t").fit(arms["length"], draws=500, random_seed=1)
    >>> contest = bm.compare({"normal": fit, "heavy tails": heavy})
    >>> contest.best  # the first that is not clearly worse than the best
    'normal'
    """
    if not isinstance(fits, Mapping):
        raise InputError(
            f"fits must map names to Fit objects, got {type(fits).__name__}. Use {{'a': fit, 'b': other}}."
        )
    for name, fit in fits.items():
        if not isinstance(fit, Fit):
            raise InputError(
                f"fits must map names to Fit objects, got {type(fit).__name__} for {name!r}. "
                "For a comparison of its own use its fits, e.g. {'two': choice.fits[2]}."
            )
    evidences: dict[str, Evidence] = {}
    for name, fit in fits.items():
        evidences |= _evidence_of(name, fit)
    return Comparison(dict(fits), rank(fits, {}, "model", evidences=evidences))


def _distinct_counts(n_components: Iterable[int]) -> list[int]:
    if not isinstance(n_components, Iterable):
        raise InputError(
            f"n_components must be several integers, got {n_components!r}. Use e.g. range(1, 7), or Mixture(k).fit(y) "
            "for a single one."
        )
    counts = sorted({check_n_components(k) for k in n_components})
    if not counts:
        raise InputError("n_components must name at least one integer, got none. Use e.g. range(1, 7).")
    return counts


def _with_components(mixture: Mixture, k: int) -> Mixture:
    if mixture.labelled:
        raise InputError(
            "the template must not come from a fit with labels, which tie its components to classes. Use "
            "fit.mixture's family and priors in a new Mixture."
        )
    if not mixture.exchangeable:
        raise InputError(
            f"the template must treat components alike to serve every number of them, got {mixture}. "
            "Give one prior for all components and a scalar weights prior."
        )
    # The names belong to one number of components; the others have none.
    return replace(mixture, n_components=k, classes=mixture.classes if k == len(mixture.classes) else ())
