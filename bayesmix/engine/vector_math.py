"""exp and log that LLVM turns into vector instructions.

``math.exp`` is a call to the C library, and one call per element keeps a loop scalar. These two functions are
plain arithmetic on doubles and their bit patterns, so a loop over them vectorises to whatever width the
machine has.
"""

import contextlib
from typing import Any

from bayesmix.engine._jit import inline, intrinsic, types

__all__ = ["EXP_FLOOR", "choose", "exp", "larger", "log", "log_and_inverse", "prefer_wide_vectors"]

#: Below this argument `exp` returns about 3e-308 instead of going on to zero: the exponent field must not
#: wrap.
EXP_FLOOR = -708.0


@intrinsic
def _bits(_typing_context: Any, value: Any) -> Any:
    """Read the bit pattern of a double as a signed 64-bit integer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), codegen


@intrinsic
def _double(_typing_context: Any, value: Any) -> Any:
    """Read a 64-bit integer as the bit pattern of a double."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


@intrinsic
def prefer_wide_vectors(_typing_context: Any) -> Any:
    """Ask LLVM for 512-bit vectors in the function that calls this, where the machine has them.

    LLVM's default on AVX-512 machines is 256 bits, out of concern for the clock rate of the first of them;
    `exp` is 1.5 times as fast with 512. Elsewhere the request changes nothing, so a refused one is ignored.
    """

    def codegen(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        with contextlib.suppress(TypeError):  # llvmlite checks names in `add` only; were it no set, do without
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def larger(_typing_context: Any, left: Any, right: Any) -> Any:
    """Return the larger of two doubles by compare and select; `right` when either is NaN.

    Python's conditional expression becomes a branch, which keeps the loop around it scalar.
    """

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return types.float64(types.float64, types.float64), codegen


@intrinsic
def choose(_typing_context: Any, condition: Any, left: Any, right: Any) -> Any:
    """Return `left` where `condition` holds, else `right`, without a branch; see `larger`."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(args[0], args[1], args[2])

    return types.float64(types.boolean, types.float64, types.float64), codegen


@inline
def exp(x: float) -> float:
    """Exponential of `x` in [-708, 709], with smaller `x` clamped to -708; relative error below 2.3e-16.

    ``x = n ln2 + r`` with ``|r| <= ln2 / 2`` (Cody and Waite 1980), ``exp(r) = 1 + r + r**2 q(r)`` with a
    degree-9 interpolant of q at Chebyshev nodes (error 1.5e-17). Adding 1.5 * 2**52 rounds to the nearest
    integer and leaves n in the low bits of the sum, which saves the slow conversion from double to integer.
    """
    x = larger(x, -708.0)
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    p = 2.510038549551032e-08
    p = p * r + 2.7620088445409746e-07
    p = p * r + 2.7557268459997064e-06
    p = p * r + 2.4801521295954376e-05
    p = p * r + 0.00019841269863053618
    p = p * r + 0.0013888888917213717
    p = p * r + 0.008333333333330062
    p = p * r + 0.04166666666662413
    p = p * r + 0.16666666666666669
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    scaled: float = p * _double((_bits(shifted) + 1023) << 52)
    return scaled


@inline
def log_and_inverse(x: float) -> tuple[float, float]:
    """Natural logarithm and reciprocal of a positive normal double; relative errors below 3e-16.

    ``x = 2**k (1 + f)`` with ``1 + f`` in [sqrt(1/2), sqrt(2)); with ``s = f / (2 + f)``,
    ``log(1 + f) = f - (f**2/2 - s (f**2/2 + R(s**2)))`` and R from FreeBSD's ``e_log.c`` (error 2**-58.45).
    Divisions are the slowest instruction here, so ``1 / (x (2 + f))`` serves both results.
    """
    # Adding the pattern of 1 / sqrt(1/2) moves the binade boundary from 1 to sqrt(1/2).
    shifted = _bits(x) + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
    # An exponent field e OR-ed into the pattern of 2**52 is the double 2**52 + e: again no conversion.
    k = _double((shifted >> 52) | 0x4330000000000000) - (4503599627370496.0 + 1023.0)
    f = _double((shifted & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD) - 1.0
    d = 2.0 + f
    inverse = 1.0 / (x * d)
    s = f * (inverse * x)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = r * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    low = k * 1.9082149292705877e-10
    return k * 0.6931471803691238 - ((half - (s * (half + r * z) + low)) - f), inverse * d


@inline
def log(x: float) -> float:
    """Natural logarithm of a positive normal double; see `log_and_inverse`."""
    value, _ = log_and_inverse(x)
    return value
