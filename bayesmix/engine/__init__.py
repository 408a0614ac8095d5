"""The compiled engine: log posterior density and gradient of a normal mixture in one pass over the rows.

What it does
------------
`Problem` holds plain numbers: distinct rows with their counts, the number of components, priors. Its sampled
vector is the one of the equivalent PyMC model (``free_RVs`` order, PyMC's transforms), and its density and
gradient equal that model's to rounding; a test proves it. `nutpie_bridge.sample` hands it to nutpie's sampler
as C function pointers, `starts` finds where chains begin, and `pointwise` computes row-by-row results over
the posterior draws.

How it is fast
--------------
The rows pass through in blocks of 256, so that everything about a block stays in the first-level cache. In
each block

1. the column kernels (`square` is the only one so far) write log weight + log density of every row and
   component into a *tile*, the first one starting it and further ones adding to it;
2. `softmax` turns the tile into responsibilities with one log-sum-exp per row, and adds up the log-likelihood
   and the component sizes, which are the gradient with respect to the log weights;
3. the column kernels read the responsibilities and add up their own gradient statistics.

A further kind of column is another module with these two functions; softmax, priors and sampling stay as they
are. `vector_math` supplies exp and log as plain arithmetic, so that every loop turns into vector
instructions. `priors` maps K sampled values to parameters before the pass and applies the chain rule to K
sums after it; neither shows in the time.

Why nothing recompiles
----------------------
Number of rows and components, prior families and their numbers arrive at run time in two small arrays
(`density`), so one compiled function serves every problem, and later processes load it from Numba's disk
cache in milliseconds. Nothing is compiled on import: functions are built on first use. The compiled code
keeps no state: each call allocates its own workspace, so that chains on several threads share one function.
All sums run in a fixed order, whatever the threads.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayesmix.engine.priors import Prior, PriorKind
    from bayesmix.engine.problem import Problem
    from bayesmix.engine.starts import Mode, find_modes, start_points

__all__ = ["Mode", "Prior", "PriorKind", "Problem", "find_modes", "start_points"]

_HOMES = {
    "Mode": "starts",
    "Prior": "priors",
    "PriorKind": "priors",
    "Problem": "problem",
    "find_modes": "starts",
    "start_points": "starts",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562): the engine must import without Numba."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"bayesmix.engine.{_HOMES[name]}"), name)
