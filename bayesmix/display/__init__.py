"""How results show themselves in a notebook: text cut to a few lines, and HTML that stands alone.

The HTML has its styles inside its tags and no scripts, so that it looks alike in notebooks, exported pages and mails.
It sets no background, and its text and lines take the colour of the text around them, so that it reads on light and
dark pages. Everything that comes from users is escaped. Pictures are SVG, written here: no drawing library is loaded.
"""

from bayesmix.display._html import ACCENT, card, details, note_list, paragraph, shorten, table
from bayesmix.display._svg import Curve, Mark, Row, svg_curves, svg_rows

__all__ = [
    "ACCENT",
    "Curve",
    "Mark",
    "Row",
    "card",
    "details",
    "note_list",
    "paragraph",
    "shorten",
    "svg_curves",
    "svg_rows",
    "table",
]
