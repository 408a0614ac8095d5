"""Where chains begin: expectation-maximisation from many random starts, then the model's own log posterior.

A mixture's posterior has several modes, and a chain that starts in a wrong one may never leave it. Every chain
therefore runs its own multi-start search: EM from several random groupings on at most `SUBSAMPLE` rows, the best of
them polished on all rows by BFGS on the compiled density. A chain whose search ended in a mode without mass is moved to
the best. `find_modes` reports the distinct ends of such searches with the mass that Laplace's approximation gives each.

All searches of a problem run side by side: the E-step is one compiled pass over the rows for all of them, the M-step
one matrix product of responsibilities and *features*, functions of the cells whose means within a group the family
turns into parameters (`Seeding`).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine import pointwise
from bayesmix.engine.problem import Problem
from bayesmix.engine.rows import Rows

__all__ = ["NOISE", "SUBSAMPLE", "Doubles", "Mode", "Seeding", "find_modes", "start_points"]

Doubles = NDArray[np.float64]

#: Rows EM looks at; more change the place of a mode by less than the posterior's width over the subsample's.
SUBSAMPLE = 2000
#: Rows of known components that EM looks at besides, at most.
_KNOWN_ROWS = 1000
_EM_STEPS, _POLISH_STEPS, _MODE_STEPS = 30, 25, 500
#: A polished start one of whose scale parameters fell below this share of EM's has slid into a spike of the density.
_SPIKE = 0.05
#: A chain whose start is in a mode with less than this share of the best mode's mass (in nats, by Laplace's
#: approximation) begins in that one: it would otherwise stay where the posterior hardly ever is. Where the curvature
#: gives no mass, this many nats of density. Modes nearer than that keep their chains: only sampling can compare them.
_NO_MASS, _NO_DENSITY = 6.0, 20.0
#: Starts whose densities differ by less are taken to be in modes of one mass.
_ALIKE = 1.0
#: Noise added to starts, so that no two chains are equal: this many times 1 / sqrt(1 + n / 100), which stays
#: below a posterior sd of the whitened parameters for any number of rows n.
NOISE = 0.02


@dataclass(frozen=True, eq=False)
class Seeding:
    """What a search needs to know of the families.

    Parameters
    ----------
    rows
        Returns the compiled rows of some of the problem's rows, by position.
    features
        Functions of the rows whose group means give parameters, shape (m, n); 0 where missing.
    present
        Whether a feature was observed, shape (m, n), or None where all were.
    places
        Coordinates that distances between rows are measured in, shape (n, d), on one scale; 0 where missing.
    estimate
        From mean features, shape (..., K, m), to the engine's values, shape (..., V), with components labelled as the
        priors expect them; shared parameters are averaged with the given sizes (..., K).
    spikes
        Positions of the values whose fall to 0 is a spike of the density.
    to_sampled
        From (weights of all components, values) to the sampled vector, moved inside the priors' supports.
    known
        The component that every row is known to belong to, shape (n,), NaN where unknown; None where none is known.
    """

    rows: Callable[[NDArray[np.intp]], Rows]
    features: Doubles
    present: NDArray[np.bool_] | None
    places: Doubles
    estimate: Callable[[Doubles, Doubles], Doubles]
    spikes: NDArray[np.intp]
    to_sampled: Callable[[Doubles, Doubles], Doubles]
    known: Doubles | None = None


@dataclass(frozen=True, eq=False)
class Mode:
    """A local maximum of the posterior density.

    Parameters
    ----------
    x
        Its place in the sampled space.
    variables
        Its weights and parameters by name, ordered as draws are.
    log_posterior
        Log density at x.
    log_mass
        Laplace approximation of the log posterior mass around x, for one labelling; NaN where the density is
        not curved downwards in every direction (a ridge or a merged pair of components).
    hits
        How many searches ended here.
    """

    x: Doubles
    variables: Mapping[str, Doubles]
    log_posterior: float
    log_mass: float
    hits: int


def _groupings(places: Doubles, counts: Doubles, K: int, streams: list[np.random.Generator]) -> Doubles:
    """Return first responsibilities of many searches, shape (searches, n, K): rows go to the nearest chosen row.

    No one way of choosing finds every mode: rows far from each other (k-means++, Arthur and Vassilvitskii 2007) or at
    random, and a sharp or a soft assignment.
    """
    out = np.empty((len(streams), len(places), K))
    share = counts / counts.sum()
    for s, rng in enumerate(streams):
        spread_out, soft = rng.integers(2, size=2)
        chosen = [rng.choice(len(places), p=share)]
        distance = ((places - places[chosen[0]]) ** 2).sum(axis=1)
        distances = [distance]
        for _ in range(K - 1):
            p = distance * counts if spread_out else counts
            total = p.sum()
            chosen.append(rng.choice(len(places), p=p / total) if total > 0 else chosen[0])
            distances.append(((places - places[chosen[-1]]) ** 2).sum(axis=1))
            distance = np.minimum(distance, distances[-1])
        table = np.stack(distances, axis=1)
        width = (1.0 if soft else 0.1) * max(float(np.average(table.min(axis=1), weights=counts)), 1e-12)
        relative = np.exp(-(table - table.min(axis=1, keepdims=True)) / (2 * width))
        out[s] = relative / relative.sum(axis=1, keepdims=True)
    return out


@dataclass(frozen=True, eq=False)
class _Sample:
    """The rows that EM looks at."""

    rows: Rows
    counts: Doubles
    features: Doubles
    present: NDArray[np.bool_] | None
    places: Doubles
    known: Doubles | None


def _sample(problem: Problem, seeding: Seeding, rng: np.random.Generator) -> _Sample:
    counts = problem.rows.counts
    at = np.arange(counts.size)
    if counts.size > SUBSAMPLE:
        at = rng.choice(counts.size, SUBSAMPLE, p=counts / counts.sum())
        if seeding.known is not None:  # without known rows a search could not tell which component is which
            labelled = np.flatnonzero(~np.isnan(seeding.known))
            at = np.append(at, rng.permutation(labelled)[:_KNOWN_ROWS])
        at = np.sort(at)
        counts = np.ones(at.size)
    present = None if seeding.present is None else seeding.present[:, at]
    known = None if seeding.known is None else seeding.known[at]
    return _Sample(seeding.rows(at), counts, seeding.features[:, at], present, seeding.places[at], known)


def _pinned(r: Doubles, sample: _Sample) -> Doubles:
    """Return the groupings numbered as the known rows say, with these rows where they belong."""
    from scipy.optimize import linear_sum_assignment

    if sample.known is None:
        return r
    labelled = np.flatnonzero(~np.isnan(sample.known))
    own = np.eye(r.shape[2])[sample.known[labelled].astype(int)]
    # agreement[s, l, k]: weight of the rows known to be of component k that search s put into group l
    agreement = np.einsum("snl,nk,n->slk", r[:, labelled], own, sample.counts[labelled], optimize=True)
    order = np.stack([linear_sum_assignment(a.T, maximize=True)[1] for a in agreement])
    r = np.take_along_axis(r, order[:, np.newaxis, :], axis=2)
    r[:, labelled] = own
    return r


def _m_step(sample: _Sample, r: Doubles, K: int, M: int) -> tuple[Doubles, Doubles, Doubles]:
    """Return weights (S, M), sizes (S, K) and mean features (S, K, m), all shrunken to those of all rows.

    The shrinkage is that of a quarter row: no group dies, and no scale falls to 0 on tied rows.
    """
    weighted = r * sample.counts[:, np.newaxis]
    sums = np.einsum("snk,mn->skm", weighted[..., :K], sample.features, optimize=True)
    overall = sample.features @ sample.counts
    own: Doubles
    total: Doubles
    if sample.present is None:
        own, total = weighted[..., :K].sum(axis=1)[..., np.newaxis], np.array(sample.counts.sum())
    else:
        own = np.einsum("snk,mn->skm", weighted[..., :K], sample.present.astype(float), optimize=True)
        total = sample.present @ sample.counts
    means = (sums + 0.25 * overall / total) / (own + 0.25)
    sizes = weighted.sum(axis=1) + 1.0
    return sizes / sizes.sum(axis=1, keepdims=True), sizes[:, :K], means


def _searches(
    problem: Problem, seeding: Seeding, streams: list[np.random.Generator], rng: np.random.Generator
) -> list[tuple[Doubles, Doubles]]:
    """Return weights and values at the end of EM from every stream's grouping."""
    sample, K, M = _sample(problem, seeding, rng), problem.n_components, problem.rows.n_all
    r = _pinned(_groupings(sample.places, sample.counts, K, streams), sample)
    if M > K:
        extra = 0.05 / (M - K)
        r = np.concatenate([r * 0.95, np.full((*r.shape[:2], M - K), extra)], axis=2)
    weights, sizes, means = _m_step(sample, r, K, M)
    values = seeding.estimate(means, sizes)
    for _ in range(_EM_STEPS if K > 1 or M > K else 0):
        r = pointwise.responsibilities(sample.rows, pointwise.Draws(np.log(weights), values))
        r = np.where(np.isfinite(r), r, 1.0 / M)
        weights, sizes, means = _m_step(sample, r, K, M)
        values = seeding.estimate(means, sizes)
    return list(zip(weights, values, strict=True))


def _polish(problem: Problem, seeding: Seeding, x: Doubles, steps: int) -> Doubles:
    """Climb the log posterior; keep `x` when the climb ends in a spike of the density or nowhere.

    BFGS rather than L-BFGS-B: it ends closer to the mode, and SciPy's L-BFGS-B was seen to take 0.4 s instead
    of 1 ms, spinning, when other work kept both processors busy.
    """
    from scipy.optimize import minimize

    wall = 1e10 + abs(problem.logp_and_grad(x)[0])

    def objective(point: Doubles) -> tuple[float, Doubles]:
        value, gradient = problem.logp_and_grad(point)
        if math.isfinite(value) and np.isfinite(gradient).all():
            return -value, -gradient
        return wall, np.zeros_like(point)

    result = minimize(objective, x, jac=True, method="BFGS", options={"maxiter": steps, "gtol": 1e-6})
    if not (np.isfinite(result.x).all() and result.fun <= objective(x)[0]):
        return x
    if seeding.spikes.size:
        before, after = (problem.values(point)[seeding.spikes].min() for point in (x, result.x))
        if not after > _SPIKE * before:
            return x
    return np.asarray(result.x)


def start_points(
    problem: Problem,
    seeding: Seeding,
    chains: int,
    seed: int | np.random.Generator,
    *,
    restarts: int = 8,
    noise: float = NOISE,
) -> Doubles:
    """Return one start per chain, shape (chains, n_dim), in the sampled space.

    Every chain's start is the polished best of its own `restarts` EM runs, or the best chain's where its own lies in a
    mode with hardly any mass (see `_NO_MASS`), plus normal noise (see `NOISE`).
    """
    noise /= math.sqrt(1.0 + float(problem.rows.counts.sum()) / 100.0)
    rng = np.random.default_rng(seed)
    streams = rng.spawn(chains)
    own = [stream.spawn(restarts if problem.n_components > 1 else 1) for stream in streams]
    ends = _searches(problem, seeding, [s for group in own for s in group], rng)
    points = []
    for c, stream in enumerate(streams):
        mine = [seeding.to_sampled(*end) for end in ends[c * len(own[0]) : (c + 1) * len(own[0])]]
        # The noise parts components that EM left exactly equal, where the gradient that would part them vanishes.
        mine = [x + NOISE * stream.standard_normal(x.size) for x in mine]
        densities = [problem.logp_and_grad(x)[0] for x in mine]
        best = mine[int(np.argmax(np.where(np.isfinite(densities), densities, -np.inf)))]
        points.append(_polish(problem, seeding, best, _POLISH_STEPS))
    points = _leave_empty_modes(problem, seeding, points)
    return np.array([x + noise * rng.standard_normal(x.size) for x, rng in zip(points, streams, strict=True)])


def _leave_empty_modes(problem: Problem, seeding: Seeding, points: list[Doubles]) -> list[Doubles]:
    """Return the starts, those in modes without mass replaced by the best one."""
    densities = np.array([problem.logp_and_grad(x)[0] for x in points])
    densities = np.where(np.isfinite(densities), densities, -np.inf)
    if np.ptp(densities) < _ALIKE:
        return points
    modes = [_polish(problem, seeding, x, _MODE_STEPS) for x in points]
    found = [_mode(problem, x, problem.logp_and_grad(x)[0], _hessian(problem, x)) for x in modes]
    best = int(np.argmax(densities))
    masses = np.array([m.log_mass for m in found])
    if np.isfinite(masses).all():
        best = int(np.argmax(masses))
        empty = masses < masses[best] - _NO_MASS
    else:
        empty = densities < densities[best] - _NO_DENSITY
    return [modes[best] if gone else mode for mode, gone in zip(modes, empty, strict=True)]


def find_modes(
    problem: Problem, seeding: Seeding, seed: int | np.random.Generator, *, searches: int = 20
) -> list[Mode]:
    """Return the distinct modes that single EM runs end in, label permutations merged, largest mass first.

    The mass is Laplace's approximation ``log p(x) + (d log 2 pi - log det H) / 2`` with the Hessian H by
    central differences of the compiled gradient. Two ends are the same mode if their log densities differ by
    less than 0.05 and the Hessian's distance between them is below half a posterior sd.
    """
    modes: list[Mode] = []
    hessians: list[Doubles] = []
    rng = np.random.default_rng(seed)
    streams = rng.spawn(searches)
    for stream, end in zip(streams, _searches(problem, seeding, streams, rng), strict=True):
        x = seeding.to_sampled(*end)
        x = _polish(problem, seeding, x + NOISE * stream.standard_normal(x.size), _MODE_STEPS)
        weights, values = problem.weights(x), problem.values(x)
        if not (np.isfinite(values).all() and np.isfinite(problem.logp_and_grad(x)[0])):
            continue
        x = seeding.to_sampled(weights, values)
        value = problem.logp_and_grad(x)[0]
        twin = next((i for i, m in enumerate(modes) if _same(m, x, value, hessians[i])), None)
        if twin is not None:
            modes[twin] = _counted(modes[twin])
            continue
        hessian = _hessian(problem, x)
        hessians.append(hessian)
        modes.append(_mode(problem, x, value, hessian))
    return sorted(modes, key=lambda m: -(m.log_posterior if math.isnan(m.log_mass) else m.log_mass))


def _mode(problem: Problem, x: Doubles, value: float, hessian: Doubles) -> Mode:
    log_mass = math.nan
    if np.isfinite(hessian).all():
        eigenvalues = np.linalg.eigvalsh(hessian)
        if eigenvalues[0] > 0:
            log_mass = value + 0.5 * (x.size * math.log(2 * math.pi) - float(np.log(eigenvalues).sum()))
    return Mode(x, problem.expand(x), value, log_mass, 1)


def _counted(mode: Mode) -> Mode:
    return Mode(mode.x, mode.variables, mode.log_posterior, mode.log_mass, mode.hits + 1)


def _same(mode: Mode, x: Doubles, value: float, hessian: Doubles) -> bool:
    step = x - mode.x
    return abs(value - mode.log_posterior) < 0.05 and float(step @ hessian @ step) < 0.25


def _hessian(problem: Problem, x: Doubles, step: float = 1e-4) -> Doubles:
    """Return minus the matrix of second derivatives of the log posterior, symmetrised."""
    ends = [[problem.logp_and_grad(x + sign * h)[1] for sign in (-1, 1)] for h in step * np.eye(problem.n_dim)]
    with np.errstate(invalid="ignore"):  # a point far out may have no finite gradient, and then no curvature
        matrix = np.array([below - above for below, above in ends]) / (2 * step)
        return np.asarray(0.5 * (matrix + matrix.T))
