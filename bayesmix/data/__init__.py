"""The data types: validated columns, the rows they make up, and the distinct rows among them.

Everything behind `bayesmix.reading`, which makes these, may rely on float64 numbers in the user's units, NaN for a
missing cell, at least one observed cell, and an index to label results with.
"""

from bayesmix.data.column import Column, Distinct, FloatArray
from bayesmix.data.compression import Bins, Compression, CompressionInfo
from bayesmix.data.interval import Interval, align_rows, show_some
from bayesmix.data.layout import Layout
from bayesmix.data.rows import Observations, check_component_count

__all__ = [
    "Bins",
    "Column",
    "Compression",
    "CompressionInfo",
    "Distinct",
    "FloatArray",
    "Interval",
    "Layout",
    "Observations",
    "align_rows",
    "check_component_count",
    "show_some",
]
