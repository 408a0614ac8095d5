"""What column kernels share: task codes, fields of a block's record, views of its arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from bayesmix.engine._jit import doubles_at, kernel

__all__ = [
    "ADD",
    "COLUMNS",
    "FEATURES",
    "FINISH",
    "GRADIENT",
    "KERNEL",
    "MISSING",
    "N_FIELDS",
    "N_SLOTS",
    "OPTION",
    "PREPARE",
    "ROWS",
    "SCRATCH",
    "SCRATCH_SIZE",
    "SIZES",
    "SLOTS",
    "START",
    "STATISTICS",
    "STRIDE",
    "THETA",
    "ColumnKind",
    "Doubles",
    "gradient_of",
    "numbers_at",
    "piece",
    "plane_at",
    "rows_of",
    "scratch_of",
    "theta_of",
]

Doubles = NDArray[np.float64]

PREPARE, ADD, STATISTICS, FINISH = range(4)

#: Fields of a block's record. The last five are filled in for each evaluation, whose memory they point to.
KERNEL, ROWS, STRIDE, COLUMNS, FEATURES, MISSING, OPTION, N_SLOTS, SLOTS, SCRATCH_SIZE = range(10)
THETA, GRADIENT, SCRATCH, START, SIZES = range(10, 15)
N_FIELDS = 15


@dataclass(frozen=True)
class ColumnKind:
    """How one kind of column enters the engine.

    Parameters
    ----------
    kernel
        Returns the compiled C function (an object with ``.address``), building it on first use.
    features
        Stored numbers per cell.
    encode
        From the cells of one column, shape (n, width) with NaN where missing, to its features, shape (features, n), and
        the part of every row's log density that no parameter enters, shape (n,), zero where missing.
    scratch
        From (n_components, n_columns, option) to the doubles of scratch space the kernel needs.
    by_pattern
        Whether rows are treated by their pattern of missing cells, whose number is stored behind the features.
    option
        The block's option: which variant of the kernel it is.
    """

    kernel: Callable[[], Any]
    features: int
    encode: Callable[[Doubles], tuple[Doubles, Doubles]]
    scratch: Callable[[int, int, int], int]
    by_pattern: bool = False
    option: int = 0


@kernel
def plane_at(address: int, rows: int, columns: int) -> Any:
    """View memory as a matrix of doubles."""
    return carray(doubles_at(address), (rows, columns))


@kernel
def numbers_at(address: int, size: int) -> Any:
    """View memory as a vector of doubles."""
    return carray(doubles_at(address), (size,))


@kernel
def rows_of(block: Any) -> Any:
    """Return the stored features, shape (columns * features, stride)."""
    return carray(doubles_at(block[ROWS]), (block[COLUMNS] * block[FEATURES], block[STRIDE]))


@kernel
def theta_of(block: Any, n_components: int) -> Any:
    """Return the parameters, shape (parameters * columns, components)."""
    return carray(doubles_at(block[THETA]), (block[N_SLOTS] // n_components, n_components))


@kernel
def gradient_of(block: Any, n_components: int) -> Any:
    """Return where the derivatives go, shape (parameters * columns, components)."""
    return carray(doubles_at(block[GRADIENT]), (block[N_SLOTS] // n_components, n_components))


@kernel
def scratch_of(block: Any, rows: int, n_components: int) -> Any:
    """Return the scratch space as a matrix with one column per component."""
    return carray(doubles_at(block[SCRATCH]), (rows, n_components))


@kernel
def piece(rows: Any, i: int, at: int, n: int) -> Any:
    """Return `n` numbers of a stored feature from row `at` on.

    Loops run over such views: Numba lets an index ``at + j`` wrap around, since it may be negative for all it knows,
    and the test for that keeps a loop scalar, five times slower.
    """
    return rows[i][at : at + n]
