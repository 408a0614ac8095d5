"""The exceptions and warnings of the package.

Every message says three things: the rule, the offending value, and what to do about it.
"""

__all__ = [
    "BayesmixError",
    "BayesmixWarning",
    "CacheWarning",
    "FileFormatError",
    "InputError",
    "InterruptedWarning",
    "NoConvergedFitError",
    "PriorWarning",
    "SamplingError",
    "WorkerError",
]


class BayesmixError(ValueError):
    """Base class of all errors that bayesmix raises on purpose."""


class InputError(BayesmixError):
    """An argument or a data value breaks a rule."""


class SamplingError(BayesmixError):
    """The sampler could not produce draws."""


class WorkerError(BayesmixError):
    """A process that ran a fit ended without an answer, again and again."""


class NoConvergedFitError(BayesmixError):
    """A recommendation was asked for although no fit passed its checks."""


class FileFormatError(BayesmixError):
    """A file is not a complete bayesmix fit that this version can read."""


class BayesmixWarning(UserWarning):
    """Base class of all warnings that bayesmix issues."""


class CacheWarning(BayesmixWarning):
    """The compiled engine's disk cache cannot be written or read: every process compiles anew."""


class PriorWarning(BayesmixWarning):
    """A prior makes the posterior improper or unstable for the data at hand."""


class InterruptedWarning(BayesmixWarning):
    """A sweep of fits was interrupted; what was finished is returned."""
