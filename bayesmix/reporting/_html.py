"""A report as one HTML page: one style sheet, pictures inside, no scripts, nothing from elsewhere."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from bayesmix.reporting._blocks import Block, Code, Figure, Items, Section, Table, Text

__all__ = ["fragment", "page"]

_LONG = 40
"""Characters from which on a cell may take several lines."""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, lead: str, sections: Sequence[Section], footer: str) -> str:
    """Return a whole page.

    Parameters
    ----------
    title, lead : str
    sections : sequence of Section
    footer : str
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n"
        f'<body class="bm-page">\n{_body(title, lead, sections, footer)}\n</body>\n</html>\n'
    )


def fragment(title: str, lead: str, sections: Sequence[Section], footer: str) -> str:
    """Return the same for a cell of a notebook.

    Parameters
    ----------
    title, lead : str
    sections : sequence of Section
    footer : str
    """
    return f"<style>\n{_style()}</style>\n{_body(title, lead, sections, footer)}"


@cache
def _style() -> str:
    return files("bayesmix.reporting").joinpath("style.css").read_text(encoding="utf-8")


def _body(title: str, lead: str, sections: Sequence[Section], footer: str) -> str:
    links = "".join(f'<li><a href="#bm-{s.name}">{escape(s.title)}</a></li>' for s in sections)
    parts = [
        '<div class="bm-report">',
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(lead)}</p>\n</header>",
        f'<nav aria-label="Contents">\n<ul>{links}</ul>\n</nav>',
        "<main>",
        *(_section(section) for section in sections),
        "</main>",
        f"<footer>\n<p>{escape(footer)}</p>\n</footer>",
        "</div>",
    ]
    return "\n".join(parts)


def _section(section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    head = f'<h2 id="bm-{section.name}-title">{escape(section.title)}</h2>'
    return f'<section id="bm-{section.name}" aria-labelledby="bm-{section.name}-title">\n{head}\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Text(text, "plain"):
            return f"<p>{_prose(text)}</p>"
        case Text(text, kind):
            return f'<p class="bm-{kind}" role="note">{_prose(text)}</p>'
        case Items(entries):
            return f"<ul>\n{''.join(_item(*entry) for entry in entries)}</ul>"
        case Table():
            return _table(block)
        case Figure():
            source, alt, caption = (
                f"data:image/png;base64,{b64encode(block.png).decode('ascii')}",
                block.alt,
                block.caption,
            )
            image = f'<img src="{source}" width="{block.width}" height="{block.height}" alt="{escape(alt)}">'
            return f"<figure>\n{image}\n<figcaption>{escape(caption)}</figcaption>\n</figure>"
        case Code(text):
            return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _item(term: str, text: str) -> str:
    return f"<li>{f'<b>{escape(term)}.</b> ' if term else ''}{_prose(text)}</li>\n"


def _prose(text: str) -> str:
    """Escape text, and keep numbers on one line with what belongs to them."""
    return escape(text).replace("K = ", "K\u00a0=\u00a0").replace(" %", "\u00a0%")


def _table(table: Table) -> str:
    caption = escape(table.caption)
    head = "".join(
        f'<th scope="col"{_kind(name, numeric)}>{escape(name)}</th>'
        for name, numeric in zip(table.columns, table.numeric, strict=True)
    )
    rows = "\n".join(_row(row, table.numeric) for row in table.rows)
    return (
        f'<figure class="bm-table">\n<figcaption>{caption}</figcaption>\n'
        f'<div class="bm-scroll" role="region" aria-label="{caption}" tabindex="0">\n<table aria-label="{caption}">\n'
        f"{f'<thead><tr>{head}</tr></thead>' if any(table.columns) else ''}\n<tbody>\n{rows}\n</tbody>\n</table>\n"
        "</div>\n</figure>"
    )


def _row(row: Sequence[str], numeric: Sequence[bool]) -> str:
    first, *rest = row
    cells = "".join(f"<td{_kind(value, n)}>{escape(value)}</td>" for value, n in zip(rest, numeric[1:], strict=True))
    return f'<tr><th scope="row"{_kind(first, False)}>{escape(first)}</th>{cells}</tr>'


def _kind(text: str, numeric: bool) -> str:
    if numeric:
        return ' class="bm-number"'
    return ' class="bm-long"' if len(text) > _LONG else ""
