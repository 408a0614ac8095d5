"""Blocks of HTML with their styles inside."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ACCENT", "card", "details", "note_list", "paragraph", "shorten", "table"]

ACCENT, GOOD, BAD = "#0072B2", "#009E73", "#D55E00"
"""Colours of Okabe & Ito that contrast with white and with black."""

_CELL = "padding:2px 8px;text-align:right;white-space:nowrap;border:0;background:none"
_HEAD = _CELL + ";font-weight:600;border-bottom:1px solid currentColor"


def shorten(text: str, most: int = 300) -> str:
    """Return text cut at a word, with an ellipsis where something is missing.

    Examples
    --------
    >>> shorten("one two three", 9)
    'one two …'
    """
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0].rstrip(" .,;:|") + " …"


def paragraph(text: str) -> str:
    """Return text as a paragraph, escaped."""
    return f'<p style="margin:4px 0;max-width:56em">{escape(text)}</p>'


def note_list(notes: Sequence[str]) -> str:
    """Return notes as a list, escaped; nothing where there are none."""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul style="margin:4px 0 4px 1.2em;padding:0;max-width:56em">{items}</ul>' if items else ""


def details(summary: str, content: str) -> str:
    """Return content that is shown on a click."""
    head = f'<summary style="cursor:pointer;opacity:.8">{escape(summary)}</summary>'
    return f'<details style="margin:4px 0">{head}{content}</details>'


def _swatch(color: str) -> str:
    """Return a small square of a colour, to go before a name."""
    return (
        f'<span style="display:inline-block;width:.7em;height:.7em;margin-right:.4em;background:{color}" '
        'aria-hidden="true"></span>'
    )


def card(title: str, parts: Sequence[str], *, ok: bool | None = None, verdict: str = "") -> str:
    """Return a result as HTML: a title with its verdict, and its parts below.

    Parameters
    ----------
    title : str
        Escaped here.
    parts : sequence of str
        HTML.
    ok : bool, optional
        Whether the verdict is good; neither where left out.
    verdict : str
        A word or two; none where empty.
    """
    color, sign = ("inherit", "") if ok is None else (GOOD, "✓ ") if ok else (BAD, "✗ ")
    pill = (
        f'<span style="margin-left:.8em;padding:0 .5em;border:1px solid;border-radius:.8em;color:{color};'
        f'white-space:nowrap">{sign}{escape(verdict)}</span>'
    )
    head = f'<div style="margin-bottom:4px"><strong>{escape(title)}</strong>{pill if verdict else ""}</div>'
    return f'<div style="line-height:1.4">{head}{"".join(parts)}</div>'


def table(frame: pd.DataFrame, colors: Sequence[str] = (), *, across: bool = False) -> str:
    """Return a table of texts and numbers as HTML, escaped; numbers have four digits.

    Parameters
    ----------
    frame : DataFrame
    colors : sequence of str, optional
        One for each row: a square of it goes before the row's label.
    across : bool, default False
        Whether the colours belong to columns instead.
    """
    corner = " ".join(str(name) for name in (frame.index.name,) if name is not None)
    squares = [_swatch(color) for color in colors]
    before = {name: square for name, square in zip(frame.columns, squares, strict=False) if across}
    names = [escape(corner), *(f"{before.get(name, '')}{escape(str(name))}" for name in frame.columns)]
    head = "".join(f'<th style="{_HEAD}">{name}</th>' for name in names)
    rows = []
    for i, (label, row) in enumerate(zip(frame.index, frame.itertuples(index=False), strict=True)):
        square = squares[i] if i < len(squares) and not across else ""
        cells = "".join(f'<td style="{_CELL}">{escape(_shown(value))}</td>' for value in row)
        rows.append(f'<tr><th style="{_CELL};font-weight:600">{square}{escape(str(label))}</th>{cells}</tr>')
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:4px 0">{body}</table></div>'


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
