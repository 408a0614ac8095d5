"""One line that says how far a sweep of fits is and how long it will take: on a terminal, or in a notebook."""

import sys
import time
from types import TracebackType
from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """A progress line, to be used as a context manager.

    Parameters
    ----------
    total : float
        Units of work known at the start; `more` adds to it.
    shown : bool, default True
        Whether to show anything. Where standard error is neither a terminal nor a notebook's, nothing is.
    """

    def __init__(self, total: float, *, shown: bool = True) -> None:
        self._total, self._done = total, 0.0
        self._first: tuple[float, float] | None = None
        self._handle: Any = _notebook_handle() if shown else None
        self._terminal = shown and self._handle is None and sys.stderr is not None and sys.stderr.isatty()
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("")

    def more(self, work: float) -> None:
        """Add work that turned up on the way."""
        self._total += work

    def start(self, task: str) -> None:
        """Say what is being done now."""
        self._write(f"{task} ({min(self._done / max(self._total, 1e-9), 1.0):.0%}{self._left()})")

    def finish(self, work: float) -> None:
        """Count some work as done."""
        self._done += work
        if self._first is None:
            self._first = self._done, time.perf_counter()

    def _left(self) -> str:
        """Return the time left at the rate since the first piece was done: that one may have had to compile first."""
        if self._first is None or self._done <= self._first[0]:
            return ""
        spent = time.perf_counter() - self._first[1]
        if spent < 1.0:
            return ""
        left = spent * max(self._total - self._done, 0.0) / (self._done - self._first[0])
        return f", about {left:.0f} s left" if left < 90 else f", about {left / 60:.0f} min left"

    def _write(self, line: str) -> None:
        if self._handle is not None:
            self._handle.update(_Line(line))
        elif self._terminal:
            sys.stderr.write(f"\r{line.ljust(self._width)}" if line else f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = max(self._width, len(line))


class _Line:
    """Text that a notebook shows without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _notebook_handle() -> Any:
    """Return a display that can be rewritten where a notebook runs this, else None."""
    if "IPython" not in sys.modules:
        return None
    import IPython

    library: Any = IPython  # whose functions have no types
    shell = library.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return library.display.display(_Line(""), display_id=True)
