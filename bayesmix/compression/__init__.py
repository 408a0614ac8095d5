"""Tables too long to fit row by row, reduced to distinct rows with counts: `compress`, which returns `Compressed`.

One pass (`_sources`) reads batches of columns as numbers (`_columns`), gathers them in bins with moments (`_table`),
coarsens the bins where there are too many (`_reduction`) and keeps a sample of the rows (`_sample`); at the end every
bin becomes a few points (`_points`).
"""

from bayesmix.compression._compress import compress
from bayesmix.compression._result import Compressed

__all__ = ["Compressed", "compress"]
