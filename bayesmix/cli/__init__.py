"""The command line: ``bayesmix demo``, ``fit``, ``choose``, ``assign``, ``evaluate`` and ``report``.

`_parser` says which arguments there are, `_reading` turns files into tables and specifications, `_commands` runs one
command by the package's own functions, `_output` prints its table as text, CSV or JSON. Tables go to standard output,
progress and remarks to standard error, so that tables can be piped. Help and mistakes in the arguments come at once:
what runs a command is imported when it is needed.
"""

from bayesmix.cli._main import main

__all__ = ["main"]
