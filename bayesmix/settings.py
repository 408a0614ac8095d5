"""`SamplerSettings`: how a run is made, checked; `generator`: random numbers from a checked seed."""

from dataclasses import dataclass

import numpy as np

from bayesmix.errors import InputError

__all__ = ["SamplerSettings", "generator"]


@dataclass(frozen=True)
class SamplerSettings:
    """Settings of a run, checked.

    Parameters
    ----------
    draws : int, default 2000
        Kept draws per chain.
    tune : int, optional
        Discarded adaptation draws per chain; by default 1000, or 500 where there are so many rows that the posterior
        is close to normal (see `bayesmix.engine.nutpie_bridge.adaptation_for`).
    chains : int, default 4
        Independent chains; at least 2, since one chain cannot show that it has not converged.
    target_accept : float, default 0.9
        Acceptance rate that step sizes are adapted to; nearer 1 means smaller steps.
    cores : int, optional
        Chains run at once; None lets the sampler decide.
    random_seed : int, optional
        Same seed, same numbers; None draws a fresh one, which is recorded.
    engine : {"auto", "compiled", "pymc"}, default "auto"
        "auto" takes the compiled engine wherever it covers the specification.
    progressbar : bool, default True
        Whether to show progress.
    """

    draws: int = 2000
    tune: int | None = None
    chains: int = 4
    target_accept: float = 0.9
    cores: int | None = None
    random_seed: int | None = None
    engine: str = "auto"
    progressbar: bool = True

    def __post_init__(self) -> None:
        for name, least in (("draws", 4), ("tune", 1), ("chains", 2), ("cores", 1), ("random_seed", 0)):
            value = getattr(self, name)
            if value is None and name in ("tune", "cores", "random_seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise InputError(f"{name} must be an integer >= {least}, got {value!r}. {_HINTS[name]}")
            if value >= 2**63:
                raise InputError(f"{name} must be below 2**63, got {value!r}. {_HINTS[name]}")
            object.__setattr__(self, name, int(value))
        if self.engine not in ("auto", "compiled", "pymc"):
            raise InputError(
                f"engine must be 'auto', 'compiled' or 'pymc', got {self.engine!r}. Leave it out for 'auto'."
            )
        number = isinstance(self.target_accept, (int, float, np.floating)) and not isinstance(self.target_accept, bool)
        if not number or not 0 < self.target_accept < 1:
            raise InputError(
                f"target_accept must lie strictly between 0 and 1, got {self.target_accept!r}. The default is 0.9."
            )


_HINTS = {
    "draws": "The default is 2000.",
    "tune": "The default is 1000.",
    "chains": "Convergence is judged by comparing chains; the default is 4.",
    "cores": "Leave it out to let the sampler decide.",
    "random_seed": "Leave it out to draw a fresh seed.",
}


def generator(random_seed: int | None) -> np.random.Generator:
    """Return a random generator for a seed, checked.

    Raises
    ------
    InputError
        If the seed is neither None nor an integer >= 0.
    """
    whole = isinstance(random_seed, (int, np.integer)) and not isinstance(random_seed, bool)
    if random_seed is not None and not (whole and random_seed >= 0):
        raise InputError(f"random_seed must be an integer >= 0 or None, got {random_seed!r}. Use e.g. random_seed=1.")
    return np.random.default_rng(random_seed)
