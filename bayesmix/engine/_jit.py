"""Typed Numba decorators: the floating-point contract of every kernel and the key of its disk cache.

Numba ships no types for its decorators, so ``mypy --strict`` would see every kernel as untyped; the casts
live here, once. Numba is imported with this module, which is why ``engine/__init__.py`` loads its submodules
lazily.

Only entry points are cached on disk: a cached entry point contains the machine code of all its helpers. Numba
decides whether a cache file is fresh by the time stamp of the *entry point's* file alone, so an edited helper
in another file would go unnoticed. `SOURCE_DIGEST` closes that hole: entry points are closures over it, and
Numba puts the values a closure holds into the cache key.
"""

import hashlib
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numba
import numba.extending

from bayesmix.errors import CacheWarning

__all__ = [
    "COLUMN_KERNEL",
    "c_entry",
    "call_column",
    "doubles_at",
    "entry",
    "inline",
    "integers_at",
    "intrinsic",
    "kernel",
    "source_digest",
    "types",
]

#: Numba's types, untyped themselves.
types: Any = numba.types


#: Two-part constants (ln 2, the magic rounding number) must survive: no ``reassoc``, which would merge them.
_EXACT = {"contract", "nsz"}
#: Sums may be reordered so that they vectorise, the order being fixed at compile time; NaN and inf keep their
#: meaning.
_FAST = {"contract", "nsz", "arcp", "reassoc"}


def _options(fastmath: set[str], **more: Any) -> dict[str, Any]:
    # With the Python error model every division carries a branch that raises, and its loop stays scalar.
    return {"nogil": True, "error_model": "numpy", "fastmath": fastmath} | more


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a function that emits LLVM instructions; kernels call it without the typing context."""
    return cast(Callable[..., Any], numba.extending.intrinsic(function))


def inline[F: Callable[..., Any]](function: F) -> F:
    """Compile a scalar helper that LLVM must inline, keeping its own strict floating-point flags."""
    return cast(F, numba.njit(**_options(_EXACT, forceinline=True))(function))


def kernel[F: Callable[..., Any]](function: F) -> F:
    """Compile a loop kernel under the reordering contract; called from entry points only."""
    return cast(F, numba.njit(**_options(_FAST))(function))


def entry(signature: Any, function: Callable[..., Any]) -> Any:
    """Compile an entry point called from Python for exactly one signature, cached on disk."""
    return _cached(numba.njit, signature, function)


def c_entry(signature: Any, function: Callable[..., Any]) -> Any:
    """Compile an entry point called from C through its address, cached on disk."""
    return _cached(numba.cfunc, signature, function)


def _cached(decorator: Callable[..., Any], signature: Any, function: Callable[..., Any]) -> Any:
    """Compile with the disk cache, and without it where it cannot be written or read."""
    try:
        return decorator(signature, cache=True, **_options(_FAST))(function)
    except numba.core.errors.NumbaError:  # of the code, not of the cache
        raise
    except Exception as error:  # unpickling a damaged file raises nearly anything
        _warn_of_cache(getattr(error, "strerror", None) or type(error).__name__)
        return decorator(signature, **_options(_FAST))(function)


@cache
def _warn_of_cache(what: str) -> None:
    warnings.warn(
        f"The compiled engine's disk cache cannot be used ({what}), so that every process compiles the engine again, "
        "which takes 10 s and more. Set the environment variable NUMBA_CACHE_DIR to a folder that can be written; "
        "where the cache is damaged, delete it: *.nbi and *.nbc there, or in __pycache__ of bayesmix/engine.",
        CacheWarning,
        stacklevel=2,
    )


@cache
def source_digest() -> int:
    """Return a 62-bit digest of the engine's sources, part of the cache key of every entry point."""
    state = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        state.update(path.read_bytes())
    return int.from_bytes(state.digest()[:8], "little") >> 2


@intrinsic
def doubles_at(_typing_context: Any, address: Any) -> Any:
    """Read an integer as a pointer to doubles."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float64)(address), codegen


@intrinsic
def integers_at(_typing_context: Any, address: Any) -> Any:
    """Read an integer as a pointer to 64-bit integers."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int64)(address), codegen


#: Type of every column kernel: ``(task, n, n_components, at, block, tile, tile_stride)``.
COLUMN_KERNEL: Any = types.int64(*[types.int64] * 7)


@intrinsic
def call_column(
    _typing_context: Any, address: Any, task: Any, n: Any, K: Any, at: Any, block: Any, tile: Any, stride: Any
) -> Any:
    """Call the column kernel at an address."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        from llvmlite import ir

        word = ir.IntType(64)
        function = ir.FunctionType(word, [word] * 7).as_pointer()
        return builder.call(builder.inttoptr(args[0], function), list(args[1:]))

    return types.int64(*[types.int64] * 8), codegen
