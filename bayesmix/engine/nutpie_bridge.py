"""Handing a `Problem` to nutpie's sampler.

nutpie asks for a C function's address and calls it from its own threads without touching Python: less than a
microsecond per gradient at 20 rows, against tens through its public Python interface, which remains as the
fallback should a later nutpie change the class used here.

nutpie asks a Python function for every chain's first point and tells it one number only, drawn from the
chain's own random stream. The chain's index can therefore not be read off the call, and the order of calls
depends on ``cores``; but the streams depend on the seed alone, so `chain_seeds` lets a one-dimensional model
draw the same numbers in chain order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesmix.engine import density
from bayesmix.engine.problem import Problem
from bayesmix.errors import InputError

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = [
    "Adaptation",
    "Doubles",
    "StartPoints",
    "adaptation_for",
    "best_door",
    "chain_seeds",
    "compile_model",
    "sample",
]

Doubles = NDArray[np.float64]
Adaptation = Literal["diag", "draw_diag", "low_rank"]

#: Spread of the second attempt, when nutpie refuses a start because its density is not finite.
_RETRY_SPREAD = 0.1


def adaptation_for(n_rows: float, n_components: int) -> Adaptation:
    """Return "low_rank" from 2000 rows per component on, else "diag".

    Measured with target_accept 0.9 and four chains on simulated groups, separated, touching and half merged.
    From 2000 rows per component on, "low_rank" had no divergence in 26 fits, R-hat up to 1.008, and 1.3 to 10
    times the effective draws per second of "diag". With fewer rows the posterior is not yet close to normal
    and "low_rank" fails now and then: divergences in 16 of 102 fits of 1000 + 2000 draws, R-hat up to 1.13,
    where "diag" had none in 102 and R-hat up to 1.012.

    Groups merged so far that components trade places (means 0, 2, 5, 7, 10, sd 1.2, 10 000 rows) are slow and
    mix poorly under both: 200 steps a draw, R-hat 1.03 to 1.04 after 500 + 500 draws and 1.016 after 1000 +
    2000 ("low_rank").

    The 26 "low_rank" fits had 500 (20 fits) or 1000 warm-up draws; warm-ups below 1000 were not studied for "diag".

    Parameters
    ----------
    n_rows
        Rows, counted as often as they occur.
    n_components
        Number of components K.
    """
    return "low_rank" if n_components > 1 and n_rows >= 2000 * n_components else "diag"


@lru_cache(maxsize=32)
def chain_seeds(seed: int, chains: int, adaptation: Adaptation = "diag") -> tuple[int, ...]:
    """Return the number nutpie will give the first-point function of every chain, in chain order.

    Sampling a standard normal on one thread draws them in order; it takes 2 ms.
    """
    import nutpie

    seen: list[int] = []

    def first_point(number: int) -> Doubles:
        seen.append(number)
        return np.ones(1)

    model = _python_model(
        1, lambda x: (-0.5 * float(x @ x), -x), lambda x: {"x": x}, (("x", (1,)),), {}, {}, first_point
    )
    options: dict[str, Any] = {"draws": 1, "tune": 1, "chains": chains, "cores": 1, "seed": seed}
    nutpie.sample(model, **options, progress_bar=False, adaptation=adaptation, return_raw_trace=True)
    if len(seen) != chains:
        raise RuntimeError(f"nutpie must ask once per chain for a first point, asked {len(seen)} times for {chains}.")
    return tuple(seen)


@dataclass(frozen=True)
class StartPoints:
    """Function from nutpie's number to a chain's first point.

    A number that is not listed is a further attempt after a refused start: a listed point plus noise, both
    derived from the number, so that results still do not depend on the order of calls.
    """

    points: Mapping[int, Doubles]
    refused: list[int] = field(default_factory=list, compare=False)

    def __call__(self, number: int) -> Doubles:
        """Return the first point for this number."""
        if number in self.points:
            return self.points[number]
        self.refused.append(number)
        rng = np.random.default_rng(number)
        point = list(self.points.values())[rng.integers(len(self.points))]
        return point + _RETRY_SPREAD * rng.standard_normal(point.size)


def compile_model(
    problem: Problem,
    starts: ArrayLike,
    *,
    seed: int,
    adaptation: Adaptation = "diag",
    through: Literal["pointer", "python"] = "pointer",
) -> Any:
    """Return a nutpie model of `problem` whose chains begin at `starts`.

    Parameters
    ----------
    problem
        What to sample.
    starts
        First points, shape (chains, n_dim), in the sampled space.
    seed, adaptation
        As they will be given to ``nutpie.sample``: they decide which number belongs to which chain.
    through
        "pointer" hands over compiled functions, "python" uses nutpie's public Python interface.
    """
    points = np.array(starts, dtype=np.float64, order="C")
    if points.ndim != 2 or points.shape[1] != problem.n_dim or not np.isfinite(points).all():
        raise InputError(
            f"starts must be finite with shape (chains, {problem.n_dim}), got shape {points.shape}. "
            "Use `starts.start_points`."
        )
    first_point = StartPoints(dict(zip(chain_seeds(seed, len(points), adaptation), points, strict=True)))
    if through == "python":
        return _python_model(
            problem.n_dim,
            problem.logp_and_grad,
            problem.expand,
            [(o.name, o.shape) for o in problem.outputs],
            _coords(problem),
            _dims(problem),
            first_point,
        )
    return _pointer_model(problem, first_point)


def best_door(problem: Problem) -> Literal["pointer", "python"]:
    """Return "pointer" where this nutpie takes compiled functions as the tested one does, else "python"."""
    try:
        _pointer_model(problem, StartPoints({}))
    except (ImportError, AttributeError, TypeError):
        return "python"
    return "pointer"


def sample(
    problem: Problem,
    starts: ArrayLike,
    *,
    seed: int,
    draws: int = 2000,
    tune: int = 1000,
    cores: int | None = None,
    target_accept: float = 0.9,
    adaptation: Adaptation = "diag",
    through: Literal["pointer", "python"] = "pointer",
    **options: Any,
) -> "DataTree":
    """Sample `problem` with one chain per row of `starts`.

    The draws depend on `seed` and `starts` but not on `cores`. An interrupt (Ctrl-C) ends sampling and
    returns what nutpie has so far, as ``nutpie.sample`` does; further `options` go there.
    """
    import nutpie

    model = compile_model(problem, starts, seed=seed, adaptation=adaptation, through=through)
    tree: DataTree = nutpie.sample(
        model,
        draws=draws,
        tune=tune,
        chains=len(np.asarray(starts)),
        cores=cores,
        seed=seed,
        target_accept=target_accept,
        adaptation=adaptation,
        **({"progress_bar": False} | options),
    )
    return tree


def _dims(problem: Problem) -> dict[str, tuple[str, ...]]:
    return {output.name: output.dims for output in problem.outputs if output.dims}


def _coords(problem: Problem) -> dict[str, Any]:
    """Coordinates of every dimension: positions, since an array of strings is refused."""
    sizes = {dim: size for o in problem.outputs for dim, size in zip(o.dims, o.shape, strict=True)}
    return {dim: np.arange(size) for dim, size in sizes.items()}


def _pointer_model(problem: Problem, first_point: Callable[[int], Doubles]) -> Any:
    import pandas as pd
    from nutpie.compile_pymc import CompiledPyMCModel

    names, parts, shapes = zip(*problem.layout(), strict=True)
    return CompiledPyMCModel(
        dims=_dims(problem),
        compiled_logp_func=density.logp_function(),
        compiled_expand_func=density.expand_function(),
        initial_point_func=first_point,
        shared_data={"problem": problem},  # nutpie keeps this alive, and with it the arrays behind the addresses
        shared_var_keys={},
        user_data=problem.user_data,
        n_expanded=problem.n_expanded,
        shape_info=(list(names), list(parts), list(shapes)),
        logp_func=None,
        expand_func=None,
        _n_dim=problem.n_dim,
        _shapes={o.name: o.shape for o in problem.outputs},
        _coords={dim: pd.Index(labels) for dim, labels in _coords(problem).items()},
        reparameterized_names=[],
    )


def _python_model(
    n_dim: int,
    logp_and_grad: Callable[[Doubles], tuple[float, Doubles]],
    expand: Callable[[Doubles], dict[str, Doubles]],
    variables: Sequence[tuple[str, tuple[int, ...]]],
    coords: dict[str, NDArray[Any]],
    dims: dict[str, tuple[str, ...]],
    first_point: Callable[[int], Doubles],
) -> Any:
    from nutpie.compiled_pyfunc import from_pyfunc

    def checked(x: Doubles) -> tuple[float, Doubles]:
        value, gradient = logp_and_grad(x)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise _NotFiniteError(f"the log density must be finite, got {value}")
        return value, gradient

    return from_pyfunc(
        n_dim,
        lambda: checked,
        lambda _seed, _seed2, _chain: expand,
        ["float64"] * len(variables),
        [shape for _, shape in variables],
        [name for name, _ in variables],
        coords=coords,
        dims=dims,
        make_initial_point_fn=first_point,
    )


class _NotFiniteError(ValueError):
    """Tells nutpie, which reads the attribute, to count a divergence and go on."""

    is_recoverable = True
