"""A fit or a comparison as one document, for readers who do not program.

`report` gathers what the package says of a fit (`_results`), every section turns results into plain blocks (`_data`,
`_model`, `_choice`, `_rows`, `_scores`, `_limits`, `_recipe`), and two renderers write blocks as HTML or Markdown.
Nothing is computed here but counts of rows: sentences are those of the results, or are made of the cells of tables, so
that no number in them can differ from a table's. Blocks hold plain text and know no markup; the renderers escape all of
it.
"""

from bayesmix.reporting._blocks import Block, Code, Figure, Items, Section, Table, Text
from bayesmix.reporting._report import Report, report
from bayesmix.reporting._writing import checked_path, write_files

__all__ = [
    "Block",
    "Code",
    "Figure",
    "Items",
    "Report",
    "Section",
    "Table",
    "Text",
    "checked_path",
    "report",
    "write_files",
]
