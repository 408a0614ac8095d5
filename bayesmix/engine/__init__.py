"""The compiled engine: log posterior density and gradient of a mixture in one pass over the rows.

What it does
------------
`Rows` holds distinct rows with their counts, by blocks of columns of one family; `Problem` adds weights and
parameters with their priors, in plain numbers. Its sampled vector is the one of the equivalent PyMC model
(``free_RVs`` order, PyMC's transforms), and its density and gradient equal that model's to rounding; a test proves it.
`nutpie_bridge.sample` hands it to nutpie's sampler as C function pointers, `starts` finds where chains begin, and
`pointwise` computes row-by-row results over the posterior draws.

How it is fast
--------------
The rows pass through in blocks of 256, so that everything about a block stays in the first-level cache. In each block

1. the column kernels (`columns`, one file a family) write log weight + log density of every row and component into a
   *tile*, the first one setting it and further ones adding to it;
2. `softmax` turns the tile into responsibilities with one log-sum-exp per row, and adds up the log-likelihood
   and the component sizes, which are the gradient with respect to the log weights;
3. the column kernels read the responsibilities and add up their own gradient statistics.

A further family is another module of `columns`; softmax, priors and sampling stay as they are. `vector_math` supplies
exp and log as plain arithmetic, so that every loop turns into vector instructions. `variables` maps sampled values to
parameters before the pass and applies the chain rule after it; neither shows in the time.

Why nothing recompiles
----------------------
Number of rows and components, prior families and their numbers arrive at run time in small arrays, and column kernels
are called by address, so one compiled function serves every problem, every family is compiled once, on its own, and
later processes load both from Numba's disk cache in milliseconds. Nothing is compiled on import: functions are built
on first use. The compiled code keeps no state: each call allocates its own workspace, so that chains on several
threads share one function. All sums run in a fixed order, whatever the threads.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayesmix.engine.priors import Prior, PriorKind
    from bayesmix.engine.problem import Problem
    from bayesmix.engine.rows import Rows
    from bayesmix.engine.starts import Mode, Seeding, find_modes, start_points
    from bayesmix.engine.variables import Variable

__all__ = [
    "Mode",
    "Prior",
    "PriorKind",
    "Problem",
    "Rows",
    "Seeding",
    "Variable",
    "find_modes",
    "start_points",
]

_HOMES = {
    "Mode": "starts",
    "Prior": "priors",
    "PriorKind": "priors",
    "Problem": "problem",
    "Rows": "rows",
    "Seeding": "starts",
    "Variable": "variables",
    "find_modes": "starts",
    "start_points": "starts",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562): the engine must import without Numba."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"bayesmix.engine.{_HOMES[name]}"), name)
