"""Where the seconds of a cold process go: imports on their own, and the demo up to its table step by step."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["IMPORTS", "cold_demo", "cold_imports", "demo_steps"]

IMPORTS = ("bayesmix", "nutpie", "arviz_stats", "matplotlib.pyplot")
_BARE = "pass"
_TABLE_TITLE = "How many groups?"
_AFTER_TABLE = "Going on with two"


def cold_imports(repeats: int) -> list[dict[str, Any]]:
    """Return the shortest of several cold imports of each package; the interpreter's own start is the first line."""
    lines = []
    for statement in (_BARE, *(f"import {name}" for name in IMPORTS)):
        _run(statement)  # fills the caches of the file system and the byte code
        seconds = min(_run(statement) for _ in range(repeats))
        label = "python -c pass" if statement == _BARE else statement
        lines.append({"setting": f"cold process: {label}", "first": seconds})
    return lines


def cold_demo(quick: bool, repeats: int) -> list[dict[str, Any]]:
    """Return the shortest time from starting the demo to its comparison table and sentence."""
    _demo_once(quick)
    seconds = min(_demo_once(quick) for _ in range(repeats))
    return [{"setting": "cold process: bayesmix demo to its comparison table", "first": seconds}]


def demo_steps(started: float, *, top: int, draws: int) -> list[dict[str, Any]]:
    """Take the demo's way to its table one step after the other; each line is the step's own time.

    Imports that the steps share are charged to the first one that needs them.
    """
    lines: list[dict[str, Any]] = []
    last = started

    def step(name: str) -> None:
        nonlocal last
        now = time.monotonic()
        lines.append({"setting": f"demo step: {name}", "first": now - last})
        last = now

    step("start Python and this script")
    for name, action in _actions():
        action()
        step(name)
    import bayesmix as bm

    y = bm.load_dataset("arm_lengths")["length"]
    step("load the data")
    choice = bm.choose_components(y, range(1, top + 1), draws=draws, random_seed=1, progressbar=False)
    step("choose_components")
    sampled = sum(fit.info.seconds for fit in choice.fits.values())
    lines.append({"setting": "of which: starts and sampling", "first": sampled})
    assert choice.table.to_string()
    assert choice.text
    lines.append({"setting": "demo steps: all", "first": time.monotonic() - started})
    return lines


def _actions() -> Iterator[tuple[str, Callable[[], Any]]]:
    from functools import partial
    from importlib import import_module

    for name in ("numpy", "pandas", "bayesmix", "numba", "nutpie", "xarray", "arviz_stats"):
        yield f"import {name}", partial(import_module, name)
    yield "load the engine from its disk cache", _load_engine


def _load_engine() -> None:
    from bayesmix.engine import density
    from bayesmix.engine.columns import column_kind

    density.logp_function()
    density.expand_function()
    column_kind("normal").kernel()


def _run(statement: str) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
    return time.monotonic() - began


def _demo_once(quick: bool) -> float:
    """Run the demo until the heading after the table appears, then end it."""
    with tempfile.TemporaryDirectory() as folder:
        code = "import sys; from bayesmix.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-u", "-c", code, "demo", "--output", folder, *(["--quick"] if quick else [])]
        began = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            seen = False
            for line in process.stdout:
                seen = seen or line.startswith(_TABLE_TITLE)
                if seen and line.startswith(_AFTER_TABLE):
                    break
            seconds = time.monotonic() - began
            process.kill()
    if not seen:
        raise RuntimeError("the demo must print its comparison table, but ended without one; run `bayesmix demo`")
    return seconds
