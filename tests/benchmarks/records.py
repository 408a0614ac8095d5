"""What passes between the process that reports and the processes that measure: jobs out, records back."""

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["PEERS", "Job", "Record", "base_record", "split_peers"]

type Record = dict[str, Any]
"""One line of a table: ``case``, ``setting``, ``peer`` and what was measured; JSON types only."""

PEERS = ("bayesmix", "pymc", "numpyro", "sklearn-vb", "sklearn-em")
"""Those that draw from the posterior, and two that only look for a point."""

_SHORT = {"sklearn": ("sklearn-vb", "sklearn-em"), "all": PEERS}


@dataclass(frozen=True)
class Job:
    """One measurement in a process of its own.

    Attributes
    ----------
    case, setting, peer : str
        Head of the line it becomes.
    task : str
        Name of the function in `worker.TASKS`.
    options : dict
        Its arguments, JSON types only.
    cold : bool
        Count from the start of the process instead of from the end of the warm-up.
    budget : float
        Seconds after which the process is killed and the time reported as a lower bound.
    after : str
        Setting of an easier job of this peer: where ten times its time is far over the budget, this one is skipped.
    """

    case: str
    setting: str
    peer: str
    task: str
    options: dict[str, Any] = field(default_factory=dict)
    cold: bool = False
    budget: float = 600.0
    after: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the job as JSON types."""
        return asdict(self)


def base_record(job: Job, **more: Any) -> Record:
    """Return the head of a record of this job, with `more` behind it."""
    return {"case": job.case, "setting": job.setting, "peer": job.peer, **more}


def split_peers(text: str) -> tuple[str, ...]:
    """Return the peers named in a comma-separated list, in the order of `PEERS`.

    Raises
    ------
    ValueError
        If a name is none of them; ``sklearn`` stands for both of its models and ``all`` for everything.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    chosen = {peer for name in names for peer in _SHORT.get(name, (name,))}
    unknown = sorted(chosen - set(PEERS))
    if unknown or not chosen:
        raise ValueError(f"peers must be among {', '.join((*PEERS, *_SHORT))}, got {text!r}")
    return tuple(peer for peer in PEERS if peer in chosen)
