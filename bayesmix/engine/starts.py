"""Where chains begin: expectation-maximisation from many seeds, then the model's own log posterior.

A mixture's posterior has several modes, and a chain that starts in a wrong one may never leave it. Every
chain therefore runs its own multi-start search: penalised EM from several seeds on at most `SUBSAMPLE` rows,
the best of them polished on all rows by BFGS on the compiled density. A chain whose search ended in a mode
without mass is moved to the best. `find_modes` reports the distinct ends of such searches with the mass that
Laplace's approximation gives each.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmix.engine._jit import entry, source_digest, types
from bayesmix.engine.density import mixture_pass, workspace
from bayesmix.engine.priors import Prior, PriorKind
from bayesmix.engine.problem import Problem

__all__ = ["NOISE", "SUBSAMPLE", "Doubles", "Mode", "exchangeable", "find_modes", "start_points"]

Doubles = NDArray[np.float64]

#: Rows EM looks at; more change the place of a mode by less than the posterior's width over the subsample's.
SUBSAMPLE = 2000
_EM_STEPS, _FULL_EM_STEPS, _POLISH_STEPS = 50, 5, 25
#: EM sees the data's sd / K as this many pseudo-rows of every component, so that no sd shrinks onto tied
#: values.
_PSEUDO_ROWS = 1.0
#: A polished start whose smallest sd fell below this share of EM's has slid into a spike of the density:
#: refused.
_SPIKE = 0.05
#: A start this many nats below the best chain's start is in a mode with no mass to speak of. Modes nearer
#: than that keep their chains: only sampling can say how their masses compare.
_HOPELESS = 20.0
#: Noise added to starts, so that no two chains are equal: this many times 1 / sqrt(1 + n / 100), which stays
#: below a posterior sd of the whitened parameters for any number of rows n.
NOISE = 0.02


@dataclass(frozen=True, eq=False)
class Mode:
    """A local maximum of the posterior density.

    Parameters
    ----------
    x
        Its place in the sampled space.
    w, mu, sigma
        Its parameters, sorted by mu where components are exchangeable.
    log_posterior
        Log density at x.
    log_mass
        Laplace approximation of the log posterior mass around x, for one labelling; NaN where the density is
        not curved downwards in every direction (a ridge or a merged pair of components).
    hits
        How many searches ended here.
    """

    x: Doubles
    w: Doubles
    mu: Doubles
    sigma: Doubles
    log_posterior: float
    log_mass: float
    hits: int


@cache
def _em() -> Any:
    """Return the compiled EM loop, compiling it on first use; it updates w, mu and sigma in place."""
    digest = source_digest()

    def em(
        values: Any,
        counts: Any,
        w: Any,
        mu: Any,
        sigma: Any,
        steps: int,
        pseudo_rows: float,
        spread: float,
        common: bool,
    ) -> float:
        if digest == 0:  # never: see `_jit`
            return 0.0
        K, value = mu.size, 0.0
        work = workspace(K, values.size)
        last = work.shape[0]
        sizes, first, second = work[last - 3, :K], work[last - 2, :K], work[last - 1, :K]
        inverse, offset = work[last - 8, :K], work[last - 7, :K]
        for step in range(steps + 1):
            for k in range(K):
                inverse[k] = 1.0 / sigma[k]
                offset[k] = math.log(w[k] * inverse[k])
            value = mixture_pass(values, counts, mu, inverse, offset, work)
            if step == steps:
                break
            total, pooled = 0.0, 0.0
            for k in range(K):
                total += sizes[k] + pseudo_rows
            for k in range(K):
                size = sizes[k] + pseudo_rows * 1e-3
                shift = first[k] / size
                square = sigma[k] * sigma[k] * max(second[k] - shift * shift * sizes[k], 0.0)
                pooled += square
                mu[k] += sigma[k] * shift
                sigma[k] = math.sqrt((square + pseudo_rows * spread * spread) / (sizes[k] + pseudo_rows))
                w[k] = (sizes[k] + pseudo_rows) / total
            if common:
                sd = math.sqrt((pooled + K * pseudo_rows * spread * spread) / total)
                for k in range(K):
                    sigma[k] = sd
        return value

    line, real = types.Array(types.float64, 1, "C"), types.float64
    return entry(real(line, line, line, line, line, types.int64, real, real, types.boolean), em)


def _weighted_sd(values: Doubles, counts: Doubles) -> float:
    mean = float(np.average(values, weights=counts))
    return math.sqrt(float(np.average((values - mean) ** 2, weights=counts)))


def _subsample(problem: Problem, rng: np.random.Generator) -> tuple[Doubles, Doubles]:
    values, counts = problem.rows, problem.row_counts
    if values.size <= SUBSAMPLE:
        return np.array(values), np.array(counts)
    return rng.choice(values, SUBSAMPLE, p=counts / counts.sum()), np.ones(SUBSAMPLE)


def _seeds(values: Doubles, counts: Doubles, n_components: int, rng: np.random.Generator) -> Doubles:
    """Choose rows far from each other: k-means++ (Arthur and Vassilvitskii 2007)."""
    chosen = np.empty(n_components)
    chosen[0] = rng.choice(values, p=counts / counts.sum())
    distance = np.full(values.size, np.inf)
    for k in range(1, n_components):
        distance = np.minimum(distance, (values - chosen[k - 1]) ** 2)
        p = distance * counts
        total = p.sum()
        chosen[k] = rng.choice(values, p=p / total) if total > 0 else chosen[0]
    return chosen


def _search(problem: Problem, rng: np.random.Generator, restarts: int) -> Doubles:
    """Return the sampled vector of the best of several EM runs, not yet polished.

    The noise parts components that EM left exactly equal, where the gradient that would part them vanishes.
    """
    values, counts = _subsample(problem, rng)
    K, sd = problem.n_components, _weighted_sd(values, counts)
    if not sd > 0:
        return NOISE * rng.standard_normal(problem.n_dim)
    em, spread = _em(), sd / K
    best: tuple[float, Doubles, Doubles, Doubles] | None = None
    for _ in range(restarts if K > 1 else 1):
        # No one way of seeding finds every mode: spread-out or random rows, and narrow or wide components.
        spread_out, wide = rng.integers(2, size=2)
        mu = _seeds(values, counts, K, rng) if spread_out else rng.choice(values, K, p=counts / counts.sum())
        w, sigma = np.full(K, 1.0 / K), np.full(K, (3.0 if wide else 1.0) * spread)
        value = em(values, counts, w, mu, sigma, _EM_STEPS, _PSEUDO_ROWS, spread, problem.common_sigma)
        if best is None or value > best[0]:
            best = value, w, mu, sigma
    assert best is not None
    _, w, mu, sigma = best
    if values.size != problem.rows.size:
        rows, row_counts = np.array(problem.rows), np.array(problem.row_counts)
        em(rows, row_counts, w, mu, sigma, _FULL_EM_STEPS, _PSEUDO_ROWS, spread, problem.common_sigma)
    x = _packed(problem, w, mu + problem.centre, sigma)
    return x + NOISE * rng.standard_normal(x.size)


def _packed(problem: Problem, w: Doubles, mu: Doubles, sigma: Doubles) -> Doubles:
    """Return the sampled vector, components labelled as the priors expect them."""
    K = problem.n_components
    order = _labelling(problem, mu, sigma)
    mu = _inside(problem.mu, mu[order])
    sigma = _inside(problem.sigma, sigma[:1] if problem.common_sigma else sigma[order])
    return problem.pack(np.maximum(w[order], 1e-12 / K), mu, sigma)


def _inside(prior: Prior, parameter: Doubles) -> Doubles:
    """Move parameters into the prior's support: EM does not know of it."""
    if prior.kind == PriorKind.NORMAL:
        return parameter
    scale = float(np.abs(parameter).max()) or 1.0
    upper = 1.0 - 1e-6 if prior.kind == PriorKind.LOGIT_NORMAL else np.inf
    return np.clip(parameter, 1e-6 * min(scale, 1.0), upper)


def _labelling(problem: Problem, mu: Doubles, sigma: Doubles) -> NDArray[np.intp]:
    """Return the order of components: by mu where labels mean nothing, else the priors' favourite."""
    if exchangeable(problem):
        return np.argsort(mu, kind="stable")
    from scipy.optimize import linear_sum_assignment

    K = problem.n_components
    distance = np.zeros((K, K))
    for prior, found in ((problem.mu, mu), (problem.sigma, sigma[:K])):
        if prior.whitened and found.size == K:
            inside = _inside(prior, found).tolist()
            distance += [[prior.to_sampled(value, k) ** 2 for value in inside] for k in range(K)]
    return np.asarray(linear_sum_assignment(distance)[1])


def exchangeable(problem: Problem) -> bool:
    """Whether the priors treat all components alike, so that labels carry no meaning."""
    return problem.mu.exchangeable and problem.sigma.exchangeable and len(set(problem.alpha)) == 1


def _polish(problem: Problem, x: Doubles, steps: int) -> Doubles:
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
    before, after = problem.expand(x)["sigma"].min(), problem.expand(result.x)["sigma"].min()
    return np.asarray(result.x) if after > _SPIKE * before else x


def start_points(
    problem: Problem,
    chains: int,
    seed: int | np.random.Generator,
    *,
    restarts: int = 10,
    noise: float = NOISE,
) -> Doubles:
    """Return one start per chain, shape (chains, n_dim), in the sampled space.

    Every chain's start is the polished best of its own `restarts` EM runs, or the best chain's where its own
    lies more than 20 nats below that, plus normal noise (see `NOISE`).
    """
    noise /= math.sqrt(1.0 + float(problem.row_counts.sum()) / 100.0)
    streams = np.random.default_rng(seed).spawn(chains)
    points = [_polish(problem, _search(problem, rng, restarts), _POLISH_STEPS) for rng in streams]
    densities = [problem.logp_and_grad(x)[0] for x in points]
    best = int(np.argmax(densities))
    for i, value in enumerate(densities):
        if value < densities[best] - _HOPELESS:
            points[i] = points[best]
    return np.array([x + noise * rng.standard_normal(x.size) for x, rng in zip(points, streams, strict=True)])


def find_modes(problem: Problem, seed: int | np.random.Generator, *, searches: int = 20) -> list[Mode]:
    """Return the distinct modes that single EM runs end in, label permutations merged, largest mass first.

    The mass is Laplace's approximation ``log p(x) + (d log 2 pi - log det H) / 2`` with the Hessian H by
    central differences of the compiled gradient. Two ends are the same mode if their log densities differ by
    less than 0.05 and the Hessian's distance between them is below half a posterior sd.
    """
    modes: list[Mode] = []
    hessians: list[Doubles] = []
    for rng in np.random.default_rng(seed).spawn(searches):
        x = _polish(problem, _search(problem, rng, 1), 500)
        found = problem.expand(x)
        sigma = np.broadcast_to(found["sigma"], problem.n_components)
        if exchangeable(problem):
            x = _packed(problem, found["w"], found["mu"], np.array(sigma))
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
    found = problem.expand(x)
    eigenvalues = np.linalg.eigvalsh(hessian)
    log_mass = math.nan
    if eigenvalues[0] > 0:
        log_mass = value + 0.5 * (x.size * math.log(2 * math.pi) - float(np.log(eigenvalues).sum()))
    return Mode(x, found["w"], found["mu"], found["sigma"], value, log_mass, 1)


def _counted(mode: Mode) -> Mode:
    return Mode(mode.x, mode.w, mode.mu, mode.sigma, mode.log_posterior, mode.log_mass, mode.hits + 1)


def _same(mode: Mode, x: Doubles, value: float, hessian: Doubles) -> bool:
    step = x - mode.x
    return abs(value - mode.log_posterior) < 0.05 and float(step @ hessian @ step) < 0.25


def _hessian(problem: Problem, x: Doubles, step: float = 1e-4) -> Doubles:
    """Return minus the matrix of second derivatives of the log posterior, symmetrised."""
    rows = [problem.logp_and_grad(x - h)[1] - problem.logp_and_grad(x + h)[1] for h in step * np.eye(problem.n_dim)]
    matrix = np.array(rows) / (2 * step)
    return 0.5 * (matrix + matrix.T)
