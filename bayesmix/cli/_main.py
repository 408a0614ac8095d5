"""`main`: reads the arguments, runs the command, and turns errors into one line and an exit code."""

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

from bayesmix.cli._output import remark
from bayesmix.cli._parser import FAILED, MISTAKE, build_parser
from bayesmix.errors import BayesmixError, BayesmixWarning, SamplingError

__all__ = ["main"]

_INTERRUPTED = 130
"""As shells have it for a program that was ended by Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; ``sys.argv`` by default.

    Returns
    -------
    int
        Exit code: 0 when all went well, 1 for a fit that failed its checks or could not be sampled, 2 for a mistake in
        the input, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without some letter must not stop the output
    chosen = build_parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("always", BayesmixWarning)
        warnings.showwarning = _show_warning
        try:
            from bayesmix.cli._commands import COMMANDS

            code = COMMANDS[chosen.command](chosen)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as head, has seen enough
            _let_go(sys.stdout)
            return 0
        except SamplingError as error:
            remark(str(error))
            return FAILED
        except (BayesmixError, OSError) as error:
            remark(str(error))
            return MISTAKE
        except KeyboardInterrupt:
            remark("interrupted")
            return _INTERRUPTED
    return code


def _let_go(stream: TextIO) -> None:
    """Point a stream without a reader elsewhere, so that the flush at exit does not fail again."""
    with contextlib.suppress(OSError, ValueError):  # a stream that is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> Any:
    """Print a warning in one line, without the place in the code."""
    remark(f"warning: {message}")
