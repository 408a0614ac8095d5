"""Mixtures that were sampled elsewhere: `from_idata` lifts their draws into a `Fit`, relabelled.

`_source` finds the variables, `_draws` lays them out and checks them, `_beside` reads what comes along with them.
"""

from bayesmix.lifting._lift import from_idata

__all__ = ["from_idata"]
