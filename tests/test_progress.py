"""The progress line: rewritten on a terminal, one display in a notebook, nothing elsewhere."""

import io
import sys
from types import SimpleNamespace

import pytest

from bayesmix import progress as module
from bayesmix.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(module.time, "perf_counter", lambda: now.seconds)
    return now


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream, modules={}))
    return stream


def shown(terminal):
    """What a terminal shows of the line in the end."""
    line = ""
    for part in terminal.getvalue().split("\r"):
        line = part + line[len(part) :]
    return line


def test_a_terminal_shows_one_line_that_is_cleared_at_the_end(terminal, clock):
    with Progress(10.0) as progress:
        progress.start("Fitting K = 1")
        assert shown(terminal) == "Fitting K = 1 (0%)"
        clock.seconds += 20  # of which compiling took most
        progress.finish(1)
        progress.start("Fitting K = 2")
        assert shown(terminal).rstrip() == "Fitting K = 2 (10%)"
        clock.seconds += 4
        progress.finish(2)
        progress.start("Fitting K = 3")
        assert shown(terminal).rstrip() == "Fitting K = 3 (30%, about 14 s left)"
        progress.start("x")
        assert shown(terminal).rstrip() == "x (30%, about 14 s left)"  # nothing of the longer line remains
        assert "\n" not in terminal.getvalue()
    assert shown(terminal).strip() == ""
    assert terminal.getvalue().endswith("\r")


def test_minutes_and_work_that_turns_up(terminal, clock):
    with Progress(10.0) as progress:
        progress.finish(1)
        clock.seconds += 100
        progress.finish(1)
        progress.more(10)
        progress.start("Work")
        assert shown(terminal).rstrip() == "Work (10%, about 30 min left)"
        progress.finish(30)
        progress.start("More than all")
        assert shown(terminal).rstrip() == "More than all (100%, about 0 s left)"


def test_nothing_is_estimated_from_less_than_a_second(terminal, clock):
    with Progress(10.0) as progress:
        progress.finish(1)
        clock.seconds += 0.9
        progress.finish(1)
        progress.start("Soon")
        assert "left" not in terminal.getvalue()


def test_no_work_at_all(terminal):
    with Progress(0.0) as progress:
        progress.start("Nothing")
    assert "Nothing (0%)" in terminal.getvalue()


def test_an_error_clears_the_line_and_goes_on(terminal):
    progress = Progress(1.0)
    with pytest.raises(RuntimeError, match="broken"), progress:
        _start_and_break(progress)
    assert "Fitting" in terminal.getvalue()
    assert shown(terminal).strip() == ""


def _start_and_break(progress):
    progress.start("Fitting")
    raise RuntimeError("broken")


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_nothing_is_written_elsewhere(monkeypatch, stream):
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream, modules={}))
    with Progress(2.0) as progress:
        progress.start("Fitting")
        progress.finish(1)
    assert stream is None or stream.getvalue() == ""


def test_nothing_is_written_where_it_is_switched_off(terminal):
    with Progress(2.0, shown=False) as progress:
        progress.start("Fitting")
    assert terminal.getvalue() == ""


def fake_ipython(shell):
    """An IPython that keeps what is displayed."""
    lines = []
    handle = SimpleNamespace(update=lambda line: lines.append(repr(line)))

    def display(line, display_id):
        assert display_id is True
        lines.append(repr(line))
        return handle

    return SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=display)), lines


def test_a_notebook_rewrites_one_display(monkeypatch):
    library, lines = fake_ipython(SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", library)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(2.0) as progress:
        progress.start("Fitting K = 1")
        progress.finish(1)
        progress.start("Fitting K = 2")
    assert lines == ["", "Fitting K = 1 (0%)", "Fitting K = 2 (50%)", ""]
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_ipython_on_a_terminal_or_merely_imported_is_no_notebook(monkeypatch, shell):
    library, lines = fake_ipython(shell)
    monkeypatch.setitem(sys.modules, "IPython", library)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(2.0) as progress:
        progress.start("Fitting")
    assert lines == []
    assert "Fitting" in terminal.getvalue()
