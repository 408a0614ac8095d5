"""`Rows`: the distinct rows of a table as the compiled code reads them, and the one pass over them.

The pass goes block by block of 256 rows: every column kernel adds to the tile, one softmax turns it into
responsibilities, every column kernel adds up its statistics. It knows nothing of priors: parameters come in as
``values``, their derivatives go out in the same order, and each block's *slots* say which value is which parameter of
which column and component. A value that several slots share gets the sum of their derivatives.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from bayesmix.engine import softmax
from bayesmix.engine._jit import call_column, doubles_at, integers_at, kernel
from bayesmix.engine.columns import _interface as fields
from bayesmix.engine.columns import column_kind
from bayesmix.engine.columns._interface import (
    ADD,
    FINISH,
    GRADIENT,
    KERNEL,
    N_FIELDS,
    N_SLOTS,
    PREPARE,
    SCRATCH,
    SCRATCH_SIZE,
    SIZES,
    SLOTS,
    START,
    STATISTICS,
    THETA,
)
from bayesmix.errors import InputError

__all__ = [
    "Block",
    "Doubles",
    "Integers",
    "Rows",
    "aligned",
    "fill_tile",
    "open_rows",
    "prepare",
    "row_pass",
    "workspace",
]

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

_BLOCK, _PADDING, _SCRATCH_ROWS = softmax.BLOCK, softmax.PADDING, softmax.SCRATCH_ROWS

#: Fields of the header of integers.
_K, _M, _N, _V, _BLOCKS, _COUNTS, _FIXED, _RECORDS, _MEMORY, _FIXED_STRIDE = range(10)
_N_HEADER = 10
#: Doubles per cache line: every array begins at a multiple of 64 bytes.
_LINE = 8


def aligned(rows: int, columns: int) -> Doubles:
    """Return an array whose rows begin at multiples of 64 bytes and not all at the same place modulo 4096."""
    stride = (columns + _LINE - 1) // _LINE * _LINE + _PADDING
    flat = np.zeros(rows * stride + _LINE)
    skip = -flat.ctypes.data // 8 % _LINE
    return flat[skip : skip + rows * stride].reshape(rows, stride)


@dataclass(frozen=True, eq=False)
class Block:
    """Columns of one family.

    Parameters
    ----------
    kind
        Kind of column, a name in `bayesmix.engine.columns.KINDS`.
    cells
        One array per column, shape (n, width), NaN where missing.
    slots
        Positions of the parameters among the values, shape (parameters, columns, K).
    option
        What the kind of column makes of it, e.g. the number of categories.
    """

    kind: str
    cells: tuple[Doubles, ...]
    slots: Integers
    option: int = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """Distinct rows with their counts, laid out for the compiled pass.

    Parameters
    ----------
    blocks
        Columns by family.
    n_components
        Number of components K with parameters.
    n_values
        Length of the vector of parameter values that the slots point into.
    counts
        How often every row occurs, shape (n,).
    fixed
        Log densities of components without parameters (noise, a point mass), shape (extra components, n).
    """

    blocks: tuple[Block, ...]
    n_components: int
    n_values: int
    counts: Doubles
    fixed: Doubles
    constants: Doubles = field(init=False, repr=False)
    header: Integers = field(init=False, repr=False)
    _keep: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Encode the cells and write the header."""
        n = self.counts.size
        if n == 0 or not (np.isfinite(self.counts).all() and (self.counts >= 0).all()):
            raise InputError(f"counts must be numbers >= 0, one per row, got {self.counts}. Pass one count per row.")
        counts, fixed = aligned(1, n), aligned(max(len(self.fixed), 1), n)
        counts[0, :n] = self.counts
        records = np.zeros((len(self.blocks), N_FIELDS), dtype=np.int64)
        keep: list[Any] = [counts, fixed, records]
        constants = np.zeros(n)
        memory = 0
        for record, block in zip(records, self.blocks, strict=True):
            constants += self._lay_out(record, block, keep)
            memory += 2 * _lines(block.slots.size) + _lines(int(record[SCRATCH_SIZE]))
        # The constants of the columns are added to whole rows later, which these components must not get.
        fixed[: len(self.fixed), :n] = self.fixed - constants
        header = np.array(
            [
                self.n_components,
                self.n_components + len(self.fixed),
                n,
                self.n_values,
                len(self.blocks),
                counts.ctypes.data,
                fixed.ctypes.data,
                records.ctypes.data,
                memory,
                fixed.shape[1],
            ],
            dtype=np.int64,
        )
        for name, value in (("constants", constants), ("header", header), ("_keep", tuple(keep))):
            object.__setattr__(self, name, value)

    def _lay_out(self, record: Integers, block: Block, keep: list[Any]) -> Doubles:
        kind, n = column_kind(block.kind), self.counts.size
        encoded = [kind.encode(cells) for cells in block.cells]
        features = np.concatenate([f for f, _ in encoded])
        missing = bool(np.isnan(features).any())
        patterns = _patterns(features) if kind.by_pattern and missing else None
        rows = aligned(len(features) + (patterns is not None), n)
        rows[: len(features), :n] = features
        if patterns is not None:
            rows[-1, :n] = patterns
        slots = np.ascontiguousarray(block.slots.ravel(), dtype=np.int64)
        option = (block.option or kind.option) if patterns is None else int(patterns.max()) + 1
        record[KERNEL] = kind.kernel().address
        record[fields.ROWS], record[fields.STRIDE] = rows.ctypes.data, rows.shape[1]
        record[fields.COLUMNS], record[fields.FEATURES] = len(block.cells), kind.features
        record[fields.MISSING], record[fields.OPTION] = missing, option
        record[N_SLOTS], record[SLOTS] = slots.size, slots.ctypes.data
        record[SCRATCH_SIZE] = kind.scratch(self.n_components, len(block.cells), option)
        keep += [rows, slots]
        constants: Doubles = np.sum([c for _, c in encoded], axis=0)
        return constants

    @property
    def n_all(self) -> int:
        """Number of components, those without parameters included."""
        return self.n_components + len(self.fixed)

    @property
    def constant(self) -> float:
        """The part of the log-likelihood that no parameter enters."""
        return float(self.counts @ self.constants)

    def __reduce__(self) -> tuple[type["Rows"], tuple[object, ...]]:
        """Rebuild copies and pickles from the arguments: the addresses inside would point to freed memory."""
        return Rows, (self.blocks, self.n_components, self.n_values, self.counts, self.fixed)


def _patterns(features: Doubles) -> Doubles:
    """Return the number of each row's pattern of missing features, counted from 0."""
    return np.unique(np.isnan(features), axis=1, return_inverse=True)[1].astype(np.float64).reshape(-1)


def _lines(size: int) -> int:
    return (size + _LINE - 1) // _LINE * _LINE


@kernel
def _whole_lines(size: int) -> int:
    return (size + 7) // 8 * 8


@kernel
def open_rows(address: int) -> Any:
    """Return the header of integers at an address."""
    return carray(integers_at(address), (_N_HEADER,))


@kernel
def workspace(header: Any, more: int) -> tuple[Any, Any, Any, int]:
    """Allocate one evaluation's memory: the tile, a vector of doubles, the blocks' records; `more` doubles lead it.

    Tile rows begin at multiples of 64 bytes; where they do not, every 512-bit access touches two cache lines. The
    returned integer is the position in the vector where the blocks' memory begins; before it lie the log weights, the
    component sizes, and `more` doubles.
    """
    M, n, n_blocks = header[_M], header[_N], header[_BLOCKS]
    stride = _whole_lines(min(n, _BLOCK)) + _PADDING
    tile_size = (M + _SCRATCH_ROWS) * stride
    lead = 2 * _whole_lines(M) + _whole_lines(more)
    flat = np.empty(tile_size + lead + header[_MEMORY] + 8)
    skip = (64 - flat.ctypes.data % 64) % 64 // 8
    tile = flat[skip : skip + tile_size].reshape((M + _SCRATCH_ROWS, stride))
    rest = flat[skip + tile_size :]
    given = carray(integers_at(header[_RECORDS]), (n_blocks, N_FIELDS))
    records = np.empty((n_blocks, N_FIELDS), dtype=np.int64)
    at = rest.ctypes.data + 8 * lead
    for b in range(n_blocks):
        for i in range(SCRATCH_SIZE + 1):
            records[b, i] = given[b, i]
        records[b, THETA] = at
        at += 8 * _whole_lines(given[b, N_SLOTS])
        records[b, GRADIENT] = at
        at += 8 * _whole_lines(given[b, N_SLOTS])
        records[b, SCRATCH] = at
        at += 8 * _whole_lines(given[b, SCRATCH_SIZE])
        records[b, START] = rest.ctypes.data if b == 0 else 0
        records[b, SIZES] = rest.ctypes.data + 8 * _whole_lines(M)
    return tile, rest, records, lead


@kernel
def prepare(header: Any, records: Any, values: Any) -> None:
    """Hand every block its parameters and let it prepare."""
    K = header[_K]
    for b in range(records.shape[0]):
        slots = carray(integers_at(records[b, SLOTS]), (records[b, N_SLOTS],))
        theta = carray(doubles_at(records[b, THETA]), (records[b, N_SLOTS],))
        for i in range(slots.size):
            theta[i] = values[slots[i]]
        call_column(records[b, KERNEL], PREPARE, 0, K, 0, records[b:].ctypes.data, 0, 0)


@kernel
def fill_tile(header: Any, records: Any, log_weights: Any, at: int, n: int, tile: Any) -> None:
    """Write log weight + log density of `n` rows from row `at` on."""
    K, M = header[_K], header[_M]
    for b in range(records.shape[0]):
        call_column(records[b, KERNEL], ADD, n, K, at, records[b:].ctypes.data, tile.ctypes.data, tile.shape[1])
    if M > K:
        fixed = carray(doubles_at(header[_FIXED]), (M - K, header[_FIXED_STRIDE]))
        for k in range(K, M):
            here = fixed[k - K, at : at + n]
            for j in range(n):
                tile[k, j] = log_weights[k] + here[j]


@kernel
def row_pass(header: Any, records: Any, tile: Any, rest: Any, values: Any, gradient: Any) -> float:
    """Return the log-likelihood without its constants; write the component sizes and the derivatives by `values`.

    The log weights are read from the front of `rest`; the sizes, their derivatives, are left behind them.
    """
    K, M, n_rows = header[_K], header[_M], header[_N]
    log_weights, sizes = rest[:M], rest[_whole_lines(M) : _whole_lines(M) + M]
    counts = carray(doubles_at(header[_COUNTS]), (n_rows,))
    prepare(header, records, values)
    for k in range(M):
        sizes[k] = 0.0
    value = 0.0
    for at in range(0, n_rows, _BLOCK):
        n = min(_BLOCK, n_rows - at)
        fill_tile(header, records, log_weights, at, n, tile)
        value += softmax.normalise_block(counts[at : at + n], n, M, tile, sizes)
        for b in range(records.shape[0]):
            call_column(
                records[b, KERNEL], STATISTICS, n, K, at, records[b:].ctypes.data, tile.ctypes.data, tile.shape[1]
            )
    for i in range(gradient.size):
        gradient[i] = 0.0
    for b in range(records.shape[0]):
        call_column(records[b, KERNEL], FINISH, 0, K, 0, records[b:].ctypes.data, 0, 0)
        slots = carray(integers_at(records[b, SLOTS]), (records[b, N_SLOTS],))
        derivative = carray(doubles_at(records[b, GRADIENT]), (records[b, N_SLOTS],))
        for i in range(slots.size):
            gradient[slots[i]] += derivative[i]
    return value
