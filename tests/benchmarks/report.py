"""Records as tables, text or Markdown, with the ratios between peers of the same run and setting."""

import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.benchmarks.records import Record

__all__ = ["environment", "growth", "markdown", "ratios", "text_table"]

type Column = tuple[str, Callable[[Record], str]]

_PACKAGES = ("bayesmix", "pymc", "nutpie", "numpyro", "numpy", "scikit-learn")


def _number(name: str, pattern: str) -> Callable[[Record], str]:
    def show(record: Record) -> str:
        value = record.get(name)
        return "" if value is None else format(value, pattern)

    return show


def _plain(name: str) -> Callable[[Record], str]:
    return lambda record: str(record.get(name, "") or "")


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def _to_quality(record: Record) -> str:
    """Show the seconds to quality; a bound where the limit ended it, nothing where it was missed."""
    if record.get("seconds") is None:
        return ""
    shown = _seconds(record["seconds"])
    return shown if record.get("complete") else f"> {shown}"


_FIRST: Column = ("first run s", lambda record: "" if record.get("first") is None else _seconds(record["first"]))

COLUMNS: Mapping[str, Sequence[Column]] = {
    "sampling": (
        ("setting", _plain("setting")),
        ("peer", _plain("peer")),
        _FIRST,
        ("to quality s", _to_quality),
        ("reached", _plain("reached")),
        ("rounds", _plain("rounds")),
        ("draws", _plain("draws")),
        ("min ESS", _number("min_ess", ".0f")),
        ("max R-hat", _number("max_rhat", ".3f")),
        ("ESS/s", _number("ess_per_s", ".1f")),
        ("div.", _number("divergences", "d")),
        ("peak MB", _number("peak_mb", ".0f")),
        ("note", _plain("note")),
    ),
    "kernel": (
        ("setting", _plain("setting")),
        ("ns per row x component", _number("ns_per_cell", ".3f")),
        ("ns per bare exp", _number("ns_exp", ".3f")),
        ("times exp", _number("times_exp", ".2f")),
        ("us per call", _number("us_per_call", ".1f")),
        ("note", _plain("note")),
    ),
    "startup": (("what", _plain("setting")), ("seconds", _FIRST[1]), ("note", _plain("note"))),
}


def text_table(kind: str, records: Sequence[Record]) -> str:
    """Return aligned columns; those that are empty everywhere are left out."""
    head, *body = cells = _cells(kind, records)
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, rule, *body)
    )


def ratios(records: Iterable[Record]) -> list[str]:
    """Return, for every setting that bayesmix ran in, how many times as long each peer took.

    To quality only where bayesmix reached it; where the peer did not, the ratio is a lower bound. Peers without a
    posterior are compared by their first run.
    """
    lines = []
    settings: dict[str, dict[str, Record]] = {}
    for record in records:
        settings.setdefault(record["setting"], {})[record["peer"]] = record
    for setting, by_peer in settings.items():
        ours = by_peer.get("bayesmix", {})
        for peer, theirs in by_peer.items():
            parts = [] if peer == "bayesmix" else _parts(ours, theirs)
            if parts:
                lines.append(f"{setting}: {peer} / bayesmix = {', '.join(parts)}")
    return lines


def growth(records: Iterable[Record]) -> list[str]:
    """Return, for the case of rounded rows, how many times as long bayesmix took on the most rows as on the fewest."""
    ours = [record for record in records if (record["case"], record["peer"]) == ("rounded", "bayesmix")]
    if len(ours) < 2 or not (parts := _parts(ours[0], ours[-1])):
        return []
    return [f"bayesmix, {ours[-1]['setting']} / {ours[0]['setting']} = {', '.join(parts)}"]


def _parts(ours: Record, theirs: Record) -> list[str]:
    parts = []
    if ours.get("first") and theirs.get("first"):
        parts.append(f"{theirs['first'] / ours['first']:.3g} (first run)")
    if ours.get("complete") and theirs.get("seconds"):
        bound = "" if theirs.get("complete") else "> "
        parts.append(f"{bound}{theirs['seconds'] / ours['seconds']:.3g} (to quality)")
    return parts


def environment() -> dict[str, str]:
    """Return date, versions, processor and cores."""
    found = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | {"cpu": _cpu(), "cores": str(os.cpu_count())}


def markdown(sections: Iterable[tuple[str, str, str, Sequence[Record]]], about: Mapping[str, Any], note: str) -> str:
    """Return all results; sections are (name, title, kind of table, records)."""
    lines = ["# Benchmarks", "", "; ".join(f"{name} {value}" for name, value in about.items()) + ".", "", note, ""]
    for name, title, kind, records in sections:
        head, *body = _cells(kind, records)
        rows = (head, ["---"] * len(head), *body)
        lines += [f"## {name}", "", f"{title}.", ""]
        lines += ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
        lines += ["", *(f"- {line}" for line in (*ratios(records), *growth(records))), ""]
    return "\n".join(lines).rstrip() + "\n"


def _cells(kind: str, records: Sequence[Record]) -> list[list[str]]:
    columns = COLUMNS[kind]
    table = [[name for name, _ in columns], *([show(record) for _, show in columns] for record in records)]
    kept = [i for i in range(len(columns)) if any(row[i] for row in table[1:])]
    return [[row[i] for i in kept] for row in table]


def _cpu() -> str:
    file = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", file.read_text()) if file.exists() else None
    return found.group(1).strip() if found else platform.processor() or "unknown"
