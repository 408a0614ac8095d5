"""What a report is made of: sections of paragraphs, lists, tables, figures and code, as plain text without markup."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "Code", "Figure", "Items", "Section", "Table", "Text", "plain"]


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes
    ----------
    text : str
    kind : {"plain", "note", "warning"}
        Notes say what is missing and why; warnings say that something must not be relied on.
    """

    text: str
    kind: Literal["plain", "note", "warning"] = "plain"


@dataclass(frozen=True)
class Items:
    """A list; an entry is a sentence, or a term and its explanation.

    Attributes
    ----------
    entries : tuple of (str, str)
        Term, empty where there is none, and text.
    """

    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table of formatted cells.

    Attributes
    ----------
    caption : str
    columns : tuple of str
        Headers; the first column holds the rows' names. All empty where there are none.
    rows : tuple of tuples of str
    numeric : tuple of bool
        Which columns are numbers, aligned to the right.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes
    ----------
    name : str
        Of letters, digits and hyphens; its file is called so.
    alt : str
        What it shows, for readers who do not see it.
    caption : str
    png : bytes
    width, height : int
        At which it is to be shown, in pixels of CSS (1/96 inch).

    Examples
    --------
    >>> figure = written.figures[0]
    >>> figure.name, figure.png[1:4]
    ('density', b'PNG')
    """

    name: str
    alt: str
    caption: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Code:
    """Lines of Python, or of data that Python reads."""

    text: str


type Block = Text | Items | Table | Figure | Code


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes
    ----------
    name : str
        Of letters and hyphens; links point to it.
    title : str
    blocks : tuple of blocks

    Examples
    --------
    >>> section = written.sections[0]
    >>> section.title, len(section.blocks) > 0
    ('In short', True)
    """

    name: str
    title: str
    blocks: tuple[Block, ...]


def plain(text: object) -> str:
    r"""Return text in one line, without characters that cannot be seen: names of rows and columns may be anything.

    Examples
    --------
    >>> plain("a\nb")
    'a b'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
