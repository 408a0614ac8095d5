"""Small pictures as SVG: curves over a histogram, and points with bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite, log10
from typing import Any

import numpy as np
import numpy.typing as npt

from bayesmix.display._html import shorten

__all__ = ["Curve", "Mark", "Row", "svg_curves", "svg_rows"]

type Numbers = npt.NDArray[np.float64]

_FONT = "font:11px sans-serif"


@dataclass(frozen=True)
class Curve:
    """A line of a picture.

    Attributes
    ----------
    y : ndarray
        Heights at the picture's points.
    color : str
    width : float
    dash : str
        SVG's ``stroke-dasharray``; a solid line where empty.
    """

    y: Numbers
    color: str = "currentColor"
    width: float = 1.5
    dash: str = ""


def svg_curves(
    x: Numbers,
    curves: Sequence[Curve],
    bars: tuple[Numbers, Numbers],
    name: str,
    *,
    points: bool = False,
    ticks: tuple[str, str] | None = None,
) -> str:
    """Return a histogram with curves as SVG, 260 x 120.

    Parameters
    ----------
    x : ndarray
        Increasing.
    curves : sequence of Curve
    bars : pair of ndarray
        Edges and heights of the histogram.
    name : str
        Of the axis.
    points : bool, default False
        Whether curves are points, since nothing lies in between.
    ticks : pair of str, optional
        What to write at the first and the last of the points; their values by default.
    """
    edges, heights = bars
    low, high = float(min(x[0], edges[0])), float(max(x[-1], edges[-1]))
    top = max([float(heights.max(initial=0.0)), *(float(curve.y.max(initial=0.0)) for curve in curves)]) or 1.0
    width, height, base = 260.0, 120.0, 92.0

    def across(value: Any) -> Any:
        return 5 + (width - 10) * (value - low) / ((high - low) or 1.0)

    def up(value: Any) -> Any:
        return base - (base - 6) * value / top

    parts = []
    for left, right, value in zip(edges[:-1], edges[1:], heights, strict=True):
        size = f'width="{max(across(right) - across(left) - 0.5, 0.5):.1f}" height="{base - up(value):.1f}"'
        parts.append(f'<rect x="{across(left):.1f}" y="{up(value):.1f}" {size} fill="currentColor" opacity=".18"/>')
    for curve in curves:
        at = [(f"{across(a):.1f}", f"{up(b):.1f}") for a, b in zip(x, curve.y, strict=True)]
        if points:
            parts += [f'<circle cx="{a}" cy="{b}" r="3" fill="{curve.color}"/>' for a, b in at]
        else:
            line = " ".join(f"{a},{b}" for a, b in at)
            look = f'stroke="{curve.color}" stroke-width="{curve.width:g}"'
            look += f' stroke-dasharray="{curve.dash}"' if curve.dash else ""
            parts.append(f'<polyline points="{line}" fill="none" {look}/>')
    parts.append(f'<line x1="5" y1="{base}" x2="{width - 5}" y2="{base}" stroke="currentColor" opacity=".6"/>')
    first, last = ticks or (_tick(float(x[0]), high - low), _tick(float(x[-1]), high - low))
    middle = ("middle", "middle") if points else ("start", "end")
    parts += [
        _text(across(x[0]), base + 12, shorten(first, 12), middle[0]),
        _text(across(x[-1]), base + 12, shorten(last, 12), middle[1]),
    ]
    parts.append(_text(width / 2, base + 24, shorten(name, 34), "middle"))
    return _svg(width, height, parts, f"Density of {name}")


@dataclass(frozen=True)
class Row:
    """A line of a picture of intervals.

    Attributes
    ----------
    label : str
    value, low, high : float
        Where the point and its bar are; equal for no bar.
    filled : bool
        Whether the point is filled.
    color : str
    """

    label: str
    value: float
    low: float
    high: float
    filled: bool = True
    color: str = "currentColor"


@dataclass(frozen=True)
class Mark:
    """A vertical line in a picture of intervals, with its word below."""

    value: float
    word: str


def svg_rows(rows: Sequence[Row], marks: Sequence[Mark], name: str, limits: tuple[float, float] | None = None) -> str:
    """Return points with bars, one line each, as SVG; those beyond the limits become arrows at the edge.

    Parameters
    ----------
    rows : sequence of Row
    marks : sequence of Mark
    name : str
        Of the axis.
    limits : pair of float, optional
        Ends of the axis; by default those of the bars and marks.
    """
    ends = [value for row in rows for value in (row.low, row.high)] + [mark.value for mark in marks]
    low, high = limits or (min(ends), max(ends))
    left = 14 + 6.2 * max(len(shorten(row.label, 24)) for row in rows)
    width, step = left + 220.0, 16.0
    base = 8 + step * len(rows)

    def across(value: float) -> float:
        return left + 8 + 204 * (value - low) / ((high - low) or 1.0)

    parts = []
    for mark in marks:
        x = across(mark.value)
        parts.append(
            f'<line x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{base:g}" stroke="currentColor" stroke-dasharray="3 3" '
            'opacity=".6"/>'
        )
        parts.append(
            _text(x, base + 12, mark.word, "end" if x > left + 150 else "start" if x < left + 70 else "middle")
        )
    for i, row in enumerate(rows):
        y = 8 + step * (i + 0.5)
        parts.append(_text(left, y + 4, shorten(row.label, 24), "end"))
        if not low <= row.value <= high:
            right = row.value > high
            tip, back = (left + 218, left + 208) if right else (left + 2, left + 12)
            parts.append(f'<path d="M{tip:g} {y:g}L{back:g} {y - 4:g}V{y + 4:g}Z" fill="{row.color}"/>')
            place = (back - 4, "end") if right else (back + 4, "start")
            parts.append(_text(place[0], y + 4, f"{row.value:.4g}", place[1]))
            continue
        a, b = across(max(row.low, low)), across(min(row.high, high))
        parts.append(f'<line x1="{a:.1f}" y1="{y:g}" x2="{b:.1f}" y2="{y:g}" stroke="{row.color}" stroke-width="2"/>')
        inside = row.color if row.filled else "none"
        parts.append(
            f'<circle cx="{across(row.value):.1f}" cy="{y:g}" r="4" fill="{inside}" stroke="{row.color}" '
            'stroke-width="1.5"/>'
        )
    parts.append(_text(left + 110, base + 26, name, "middle"))
    return _svg(width, base + 32, parts, name)


def _tick(value: float, span: float) -> str:
    """Return a number with as many digits as its axis needs."""
    if not (isfinite(value) and span > 0):
        return f"{value:.3g}"
    if max(abs(value), span) >= 1e6 or span < 1e-4:
        return f"{value:.3g}"
    return f"{value + 0.0:.{max(0, 1 - int(np.floor(log10(span))))}f}".replace("-", "\N{MINUS SIGN}")


def _text(x: float, y: float, words: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} style="{_FONT}" fill="currentColor">{escape(words)}</text>'


def _svg(width: float, height: float, parts: Sequence[str], name: str) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(name)}" '
        f'style="margin:4px 12px 4px 0;max-width:100%">{"".join(parts)}</svg>'
    )
