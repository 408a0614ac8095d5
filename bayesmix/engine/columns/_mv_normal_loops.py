"""Loops over rows of `mv_normal`: up to four columns at a time, whose residuals stay in registers.

With residuals ``d = y - mu`` and the lower triangular `factor` V, the columns of ``z = V d`` are made in groups of
four, the last group being smaller: `project` adds up what earlier groups contribute to a group, `add_corner` adds the
group's own part and takes the squares. The sums ``S1 = sum r d`` and ``S2 = sum r d d'`` are gathered by the same
groups: `sum_corner` within a group, `cross` between two. Every loop makes the residuals it needs anew, which costs less
than keeping them in memory.

`lines` holds the addresses of the first row of every column. The index of an array that begins elsewhere would be a sum
of signed numbers, negative for all the compiler knows, and loops over such indices gather their numbers one by one.
"""

from typing import Any

from bayesmix.engine._jit import kernel
from bayesmix.engine.columns._interface import numbers_at
from bayesmix.engine.vector_math import choose, prefer_wide_vectors

__all__ = ["GROUP", "add_corner", "cross", "project", "sum_corner"]

#: Columns per group.
GROUP = 4


@kernel
def _project_1(lines: Any, b: int, a: int, mu: Any, factor: Any, first: bool, out: Any) -> None:
    prefer_wide_vectors()
    n = out.size
    y0, y1 = numbers_at(lines[b], n), numbers_at(lines[b + 1], n)
    y2, y3 = numbers_at(lines[b + 2], n), numbers_at(lines[b + 3], n)
    m0, m1, m2, m3 = mu[b], mu[b + 1], mu[b + 2], mu[b + 3]
    f0, f1, f2, f3 = factor[a, b], factor[a, b + 1], factor[a, b + 2], factor[a, b + 3]
    for t in range(n):
        d0, d1, d2, d3 = y0[t] - m0, y1[t] - m1, y2[t] - m2, y3[t] - m3
        out[t] = choose(first, 0.0, out[t]) + ((f0 * d0 + f1 * d1) + (f2 * d2 + f3 * d3))


@kernel
def _project_2(lines: Any, b: int, a: int, mu: Any, factor: Any, first: bool, out: Any, next_out: Any) -> None:
    prefer_wide_vectors()
    n = out.size
    y0, y1 = numbers_at(lines[b], n), numbers_at(lines[b + 1], n)
    y2, y3 = numbers_at(lines[b + 2], n), numbers_at(lines[b + 3], n)
    m0, m1, m2, m3 = mu[b], mu[b + 1], mu[b + 2], mu[b + 3]
    f0, f1, f2, f3 = factor[a, b], factor[a, b + 1], factor[a, b + 2], factor[a, b + 3]
    g0, g1, g2, g3 = factor[a + 1, b], factor[a + 1, b + 1], factor[a + 1, b + 2], factor[a + 1, b + 3]
    for t in range(n):
        d0, d1, d2, d3 = y0[t] - m0, y1[t] - m1, y2[t] - m2, y3[t] - m3
        out[t] = choose(first, 0.0, out[t]) + ((f0 * d0 + f1 * d1) + (f2 * d2 + f3 * d3))
        next_out[t] = choose(first, 0.0, next_out[t]) + ((g0 * d0 + g1 * d1) + (g2 * d2 + g3 * d3))


@kernel
def project(lines: Any, b: int, a: int, size: int, mu: Any, factor: Any, partial: Any, n: int) -> None:
    """Add what columns b to b + 3 contribute to `size` columns of z, from a on, to `partial`, which b = 0 sets."""
    c = 0
    while c + 1 < size:
        _project_2(lines, b, a + c, mu, factor, b == 0, partial[c, :n], partial[c + 1, :n])
        c += 2
    if c < size:
        _project_1(lines, b, a + c, mu, factor, b == 0, partial[c, :n])


@kernel
def _add_1(lines: Any, a: int, mu: Any, factor: Any, partial: Any, offset: float, row: Any, fresh: bool) -> None:
    prefer_wide_vectors()
    n = row.size
    y0 = numbers_at(lines[a], n)
    m0, f00 = mu[a], factor[a, a]
    first = a == 0
    for t in range(n):
        z0 = choose(first, 0.0, partial[0, t]) + f00 * (y0[t] - m0)
        row[t] = choose(fresh, 0.0, row[t]) + (offset - 0.5 * z0 * z0)


@kernel
def _add_2(lines: Any, a: int, mu: Any, factor: Any, partial: Any, offset: float, row: Any, fresh: bool) -> None:
    prefer_wide_vectors()
    n = row.size
    y0, y1 = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    m0, m1 = mu[a], mu[a + 1]
    f00, f10, f11 = factor[a, a], factor[a + 1, a], factor[a + 1, a + 1]
    first = a == 0
    for t in range(n):
        d0, d1 = y0[t] - m0, y1[t] - m1
        z0 = choose(first, 0.0, partial[0, t]) + f00 * d0
        z1 = choose(first, 0.0, partial[1, t]) + f10 * d0 + f11 * d1
        row[t] = choose(fresh, 0.0, row[t]) + (offset - 0.5 * (z0 * z0 + z1 * z1))


@kernel
def _add_3(lines: Any, a: int, mu: Any, factor: Any, partial: Any, offset: float, row: Any, fresh: bool) -> None:
    prefer_wide_vectors()
    n = row.size
    y0, y1 = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    y2 = numbers_at(lines[a + 2], n)
    m0, m1, m2 = mu[a], mu[a + 1], mu[a + 2]
    f00, f10, f11 = factor[a, a], factor[a + 1, a], factor[a + 1, a + 1]
    f20, f21, f22 = factor[a + 2, a], factor[a + 2, a + 1], factor[a + 2, a + 2]
    first = a == 0
    for t in range(n):
        d0, d1, d2 = y0[t] - m0, y1[t] - m1, y2[t] - m2
        z0 = choose(first, 0.0, partial[0, t]) + f00 * d0
        z1 = choose(first, 0.0, partial[1, t]) + f10 * d0 + f11 * d1
        z2 = choose(first, 0.0, partial[2, t]) + f20 * d0 + f21 * d1 + f22 * d2
        row[t] = choose(fresh, 0.0, row[t]) + (offset - 0.5 * (z0 * z0 + z1 * z1 + z2 * z2))


@kernel
def _add_4(lines: Any, a: int, mu: Any, factor: Any, partial: Any, offset: float, row: Any, fresh: bool) -> None:
    prefer_wide_vectors()
    n = row.size
    y0, y1 = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    y2, y3 = numbers_at(lines[a + 2], n), numbers_at(lines[a + 3], n)
    m0, m1, m2, m3 = mu[a], mu[a + 1], mu[a + 2], mu[a + 3]
    f00, f10, f11 = factor[a, a], factor[a + 1, a], factor[a + 1, a + 1]
    f20, f21, f22 = factor[a + 2, a], factor[a + 2, a + 1], factor[a + 2, a + 2]
    f30, f31, f32, f33 = factor[a + 3, a], factor[a + 3, a + 1], factor[a + 3, a + 2], factor[a + 3, a + 3]
    first = a == 0
    for t in range(n):
        d0, d1, d2, d3 = y0[t] - m0, y1[t] - m1, y2[t] - m2, y3[t] - m3
        z0 = choose(first, 0.0, partial[0, t]) + f00 * d0
        z1 = choose(first, 0.0, partial[1, t]) + f10 * d0 + f11 * d1
        z2 = choose(first, 0.0, partial[2, t]) + f20 * d0 + f21 * d1 + f22 * d2
        z3 = choose(first, 0.0, partial[3, t]) + f30 * d0 + f31 * d1 + f32 * d2 + f33 * d3
        squares = (z0 * z0 + z1 * z1) + (z2 * z2 + z3 * z3)
        row[t] = choose(fresh, 0.0, row[t]) + (offset - 0.5 * squares)


@kernel
def add_corner(
    lines: Any, a: int, q: int, mu: Any, factor: Any, partial: Any, offset: float, row: Any, fresh: bool
) -> None:
    """Add ``offset - |z|**2 / 2`` of the group of columns from a on to `row`; set it where `fresh`."""
    size = min(q - a, GROUP)
    if size == 1:
        _add_1(lines, a, mu, factor, partial, offset, row, fresh)
    elif size == 2:
        _add_2(lines, a, mu, factor, partial, offset, row, fresh)
    elif size == 3:
        _add_3(lines, a, mu, factor, partial, offset, row, fresh)
    else:
        _add_4(lines, a, mu, factor, partial, offset, row, fresh)


@kernel
def _cross_1(lines: Any, b: int, a: int, mu: Any, r: Any, second: Any) -> None:
    prefer_wide_vectors()
    n = r.size
    y0, y1 = numbers_at(lines[b], n), numbers_at(lines[b + 1], n)
    y2, y3 = numbers_at(lines[b + 2], n), numbers_at(lines[b + 3], n)
    y = numbers_at(lines[a], n)
    m0, m1, m2, m3, m = mu[b], mu[b + 1], mu[b + 2], mu[b + 3], mu[a]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        d0, d1, d2, d3 = y0[t] - m0, y1[t] - m1, y2[t] - m2, y3[t] - m3
        rd = r[t] * (y[t] - m)
        s0 += rd * d0
        s1 += rd * d1
        s2 += rd * d2
        s3 += rd * d3
    second[a, b] += s0
    second[a, b + 1] += s1
    second[a, b + 2] += s2
    second[a, b + 3] += s3


@kernel
def _cross_2(lines: Any, b: int, a: int, mu: Any, r: Any, second: Any) -> None:
    prefer_wide_vectors()
    n = r.size
    y0, y1 = numbers_at(lines[b], n), numbers_at(lines[b + 1], n)
    y2, y3 = numbers_at(lines[b + 2], n), numbers_at(lines[b + 3], n)
    y, x = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    m0, m1, m2, m3 = mu[b], mu[b + 1], mu[b + 2], mu[b + 3]
    m, o = mu[a], mu[a + 1]
    s0, s1, s2, s3, t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        d0, d1, d2, d3 = y0[t] - m0, y1[t] - m1, y2[t] - m2, y3[t] - m3
        rd, rx = r[t] * (y[t] - m), r[t] * (x[t] - o)
        s0 += rd * d0
        s1 += rd * d1
        s2 += rd * d2
        s3 += rd * d3
        t0 += rx * d0
        t1 += rx * d1
        t2 += rx * d2
        t3 += rx * d3
    second[a, b] += s0
    second[a, b + 1] += s1
    second[a, b + 2] += s2
    second[a, b + 3] += s3
    second[a + 1, b] += t0
    second[a + 1, b + 1] += t1
    second[a + 1, b + 2] += t2
    second[a + 1, b + 3] += t3


@kernel
def cross(lines: Any, b: int, a: int, size: int, mu: Any, r: Any, second: Any) -> None:
    """Add the products of columns b to b + 3 with `size` columns, from a on, to the second sums."""
    c = 0
    while c + 1 < size:
        _cross_2(lines, b, a + c, mu, r, second)
        c += 2
    if c < size:
        _cross_1(lines, b, a + c, mu, r, second)


@kernel
def _sum_1(lines: Any, a: int, mu: Any, r: Any, first: Any, second: Any) -> None:
    prefer_wide_vectors()
    n = r.size
    y0 = numbers_at(lines[a], n)
    m0 = mu[a]
    s0, s00 = 0.0, 0.0
    for t in range(n):
        d0 = y0[t] - m0
        r0 = r[t] * d0
        s0 += r0
        s00 += r0 * d0
    first[a] += s0
    second[a, a] += s00


@kernel
def _sum_2(lines: Any, a: int, mu: Any, r: Any, first: Any, second: Any) -> None:
    prefer_wide_vectors()
    n = r.size
    y0, y1 = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    m0, m1 = mu[a], mu[a + 1]
    s0, s1, s00, s10, s11 = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        d0, d1 = y0[t] - m0, y1[t] - m1
        r0, r1 = r[t] * d0, r[t] * d1
        s0 += r0
        s1 += r1
        s00 += r0 * d0
        s10 += r1 * d0
        s11 += r1 * d1
    first[a] += s0
    first[a + 1] += s1
    second[a, a] += s00
    second[a + 1, a] += s10
    second[a + 1, a + 1] += s11


@kernel
def _sum_3(lines: Any, a: int, mu: Any, r: Any, first: Any, second: Any) -> None:
    prefer_wide_vectors()
    n = r.size
    y0, y1 = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    y2 = numbers_at(lines[a + 2], n)
    m0, m1, m2 = mu[a], mu[a + 1], mu[a + 2]
    s0, s1, s2, s00, s10, s11, s20, s21, s22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        d0, d1, d2 = y0[t] - m0, y1[t] - m1, y2[t] - m2
        r0, r1, r2 = r[t] * d0, r[t] * d1, r[t] * d2
        s0 += r0
        s1 += r1
        s2 += r2
        s00 += r0 * d0
        s10 += r1 * d0
        s11 += r1 * d1
        s20 += r2 * d0
        s21 += r2 * d1
        s22 += r2 * d2
    first[a] += s0
    first[a + 1] += s1
    first[a + 2] += s2
    second[a, a] += s00
    second[a + 1, a] += s10
    second[a + 1, a + 1] += s11
    second[a + 2, a] += s20
    second[a + 2, a + 1] += s21
    second[a + 2, a + 2] += s22


@kernel
def _sum_4(lines: Any, a: int, mu: Any, r: Any, first: Any, second: Any) -> None:
    prefer_wide_vectors()
    n = r.size
    y0, y1 = numbers_at(lines[a], n), numbers_at(lines[a + 1], n)
    y2, y3 = numbers_at(lines[a + 2], n), numbers_at(lines[a + 3], n)
    m0, m1, m2, m3 = mu[a], mu[a + 1], mu[a + 2], mu[a + 3]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    s00, s10, s11, s20, s21, s22, s30, s31, s32, s33 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        d0, d1, d2, d3 = y0[t] - m0, y1[t] - m1, y2[t] - m2, y3[t] - m3
        r0, r1, r2, r3 = r[t] * d0, r[t] * d1, r[t] * d2, r[t] * d3
        s0 += r0
        s1 += r1
        s2 += r2
        s3 += r3
        s00 += r0 * d0
        s10 += r1 * d0
        s11 += r1 * d1
        s20 += r2 * d0
        s21 += r2 * d1
        s22 += r2 * d2
        s30 += r3 * d0
        s31 += r3 * d1
        s32 += r3 * d2
        s33 += r3 * d3
    first[a] += s0
    first[a + 1] += s1
    first[a + 2] += s2
    first[a + 3] += s3
    second[a, a] += s00
    second[a + 1, a] += s10
    second[a + 1, a + 1] += s11
    second[a + 2, a] += s20
    second[a + 2, a + 1] += s21
    second[a + 2, a + 2] += s22
    second[a + 3, a] += s30
    second[a + 3, a + 1] += s31
    second[a + 3, a + 2] += s32
    second[a + 3, a + 3] += s33


@kernel
def sum_corner(lines: Any, a: int, q: int, mu: Any, r: Any, first: Any, second: Any) -> None:
    """Add the residuals, and their products with one another, of the group of columns from a on to the sums."""
    size = min(q - a, GROUP)
    if size == 1:
        _sum_1(lines, a, mu, r, first, second)
    elif size == 2:
        _sum_2(lines, a, mu, r, first, second)
    elif size == 3:
        _sum_3(lines, a, mu, r, first, second)
    else:
        _sum_4(lines, a, mu, r, first, second)
