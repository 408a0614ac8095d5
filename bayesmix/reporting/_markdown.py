"""A report as Markdown: plain text with pipe tables, pictures in files beside it or inside."""

import re
from collections.abc import Callable, Sequence

from bayesmix.reporting._blocks import Block, Code, Figure, Items, Section, Table, Text

__all__ = ["markdown"]

# Inside a word an underscore is one, and a bracket that is not opened is no link.
_SPECIAL = re.compile(r"([\\`*\[<|~$]|(?<![^\W_])_|_(?![^\W_]))")
_STARTS = re.compile(r"^([#+\-=>])")
_NUMBERED = re.compile(r"^(\d+)([.)]\s)")


def markdown(title: str, lead: str, sections: Sequence[Section], footer: str, picture: Callable[[Figure], str]) -> str:
    """Return a report as Markdown (GitHub's flavour, for the tables).

    Parameters
    ----------
    title, lead : str
    sections : sequence of Section
    footer : str
    picture : callable
        Returns the address of a picture.
    """
    parts = [f"# {_text(title)}", _text(lead)]
    for section in sections:
        parts += [f"## {_text(section.title)}", *(_block(block, picture) for block in section.blocks)]
    return "\n\n".join([*parts, "---", _text(footer)]) + "\n"


def _block(block: Block, picture: Callable[[Figure], str]) -> str:
    match block:
        case Text(text, "plain"):
            return _text(text)
        case Text(text, _):
            return f"> {_text(text)}"
        case Items(entries):
            return "\n".join(f"- {f'**{_inline(term)}.** ' if term else ''}{_inline(text)}" for term, text in entries)
        case Table():
            return _table(block)
        case Figure(_, alt, caption):
            return f"![{_inline(alt)}]({picture(block)})\n\n*{_inline(caption)}*"
        case Code(text):
            longest = max((len(run) for run in re.findall("`+", text)), default=0)
            fence = "`" * max(3, longest + 1)
            return f"{fence}python\n{text}\n{fence}"


def _table(table: Table) -> str:
    marks = ["---:" if numeric else "---" for numeric in table.numeric]
    lines = [table.columns, marks, *table.rows]
    first, *rest = (f"| {' | '.join(cells)} |" for cells in _cells(lines))
    return f"*{_inline(table.caption)}*\n\n" + "\n".join([first, *rest])


def _cells(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[value if i == 1 else _inline(value) for value in line] for i, line in enumerate(lines)]


def _text(text: str) -> str:
    """Return a paragraph: what would start a heading, a list or a rule there does not."""
    escaped = _inline(text)
    return _NUMBERED.sub(r"\1\\\2", escaped) if escaped[:1].isdigit() else _STARTS.sub(r"\\\1", escaped)


def _inline(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;"))
