"""Tables and sentences for people and for programs: as text, CSV or JSON."""

import json
import math
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesmix.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "check_target", "emit", "remark"]

FORMATS = ("table", "csv", "json")

_ENDINGS = {".csv": "csv", ".json": "json", ".txt": "table"}


def remark(text: str) -> None:
    """Print one line on standard error."""
    print(f"bayesmix: {' '.join(text.split())}", file=sys.stderr)


def check_target(chosen: Namespace) -> None:
    """Settle the format, and refuse a file that cannot be written before any work is done.

    Parameters
    ----------
    chosen : Namespace
        With ``out`` and ``format``; the file's ending decides where no format is given.

    Raises
    ------
    InputError
    """
    from bayesmix.reporting import checked_path

    if chosen.out is not None:
        ending = Path(chosen.out).suffix.lower()
        checked_path(chosen.out, tuple(_ENDINGS), "table.csv")
        if chosen.format not in (None, _ENDINGS[ending]):
            raise InputError(
                f"--out must end as --format says, got {chosen.out!r} and {chosen.format!r}. Leave --format out."
            )
        chosen.format = _ENDINGS[ending]
    chosen.format = chosen.format or "table"


def emit(
    chosen: Namespace,
    table: "pd.DataFrame",
    index: str,
    sentences: str,
    *,
    shown: "pd.DataFrame | None" = None,
    **more: Any,
) -> None:
    """Print a table with what is to be said of it, or write it.

    Parameters
    ----------
    chosen : Namespace
        With ``format`` and, where a file may be written, ``out``.
    table : DataFrame
    index : str
        Name of the rows' names.
    sentences : str
        Behind a table for people; to standard error beside CSV.
    shown : DataFrame, optional
        What people see of the table; all of it, rounded, by default.
    **more
        Further entries of the JSON object.
    """
    if chosen.format == "json":
        records = table.rename_axis(index).reset_index().to_dict("records")
        content = {**more, "text": sentences, "table": records}
        text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    elif chosen.format == "csv":
        text = table.rename_axis(index).to_csv(lineterminator="\n").rstrip("\n")
    else:
        text = (table.round(3) if shown is None else shown).to_string()
        text = f"{text}\n\n{sentences}" if sentences else text
    path = getattr(chosen, "table_out", None)
    if path is not None:
        from bayesmix.reporting import write_files

        write_files({Path(path): f"{text}\n".encode()})
    else:
        print(text)
    if chosen.format == "csv" and sentences:
        remark(sentences)


def _plain(value: Any) -> Any:
    """Return what JSON knows: missing and infinite numbers become null."""
    import numpy as np
    import pandas as pd

    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA or value is pd.NaT else str(value)
