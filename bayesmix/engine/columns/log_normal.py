"""Log-normal columns: the logarithms are normal, so the kernel is that of normal columns, given ``log y``.

The density of y is that of log y divided by y, which adds ``-log y`` to the constants. Rounding costs about
``2e-16 |log y| t / sigma`` per row, t being the standardised logarithm.
"""

from dataclasses import replace

import numpy as np

from bayesmix.engine.columns import normal
from bayesmix.engine.columns._interface import Doubles

__all__ = ["KINDS"]

_NORMAL = normal.KINDS["normal"]


def _encode(cells: Doubles) -> tuple[Doubles, Doubles]:
    logs = np.log(cells)
    features, constants = _NORMAL.encode(logs)
    return features, constants - np.where(np.isnan(logs[:, 0]), 0.0, logs[:, 0])


KINDS = {"log_normal": replace(_NORMAL, encode=_encode)}
