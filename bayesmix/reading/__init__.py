"""The one gate for data: whatever the user hands over becomes validated `Observations`.

Whatever cannot be promised to the code behind is refused here, with the offending value, its row and a remedy.
`observe` reads the columns that component families ask for, `observe_matrix` all columns of a table of numbers, and
`read_column` a single column of numbers such as a grid.
"""

from bayesmix.reading.gate import Wanted, observe, observe_matrix, read_column

__all__ = ["Wanted", "observe", "observe_matrix", "read_column"]
