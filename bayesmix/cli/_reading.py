"""From file names and options to tables, columns and specifications."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmix.errors import InputError
from bayesmix.families import FAMILIES, Binomial
from bayesmix.mixture import Mixture

__all__ = [
    "column_of",
    "columns_of",
    "counts_of",
    "listed",
    "read_classes",
    "read_table",
    "resolution_of",
    "rows_of",
    "split_files",
    "template",
]

_FITS = (".nc", ".zarr")
_MOST_COUNTS = 100


def split_files(files: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the saved fits, and the table if there is one.

    Raises
    ------
    InputError
        If there are several tables.
    """
    fits = [name for name in files if Path(name).suffix.lower() in _FITS]
    tables = [name for name in files if name not in fits]
    if len(tables) > 1:
        raise InputError(f"files must be saved fits (.nc, .zarr) and at most one table, got {tables}. Leave one.")
    return fits, tables[0] if tables else None


def read_table(path: str, chosen: Namespace) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : str
        Of a CSV, TSV or Parquet file, or ``"-"`` for CSV from standard input.
    chosen : Namespace
        With ``separator`` and ``index``.

    Raises
    ------
    InputError
        If it cannot be read, has no rows, or lacks the column of row names.
    """
    try:
        frame = _read(path, chosen.separator)
    except FileNotFoundError:
        raise InputError(f"the table must be an existing file, got {path!r}. Check the name.") from None
    except (OSError, ValueError, pd.errors.ParserError) as error:  # ValueError covers what pandas cannot parse
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path!r} must be a table that can be read, but: {error}. Save it as CSV (UTF-8) with one header line."
        ) from error
    frame.columns = [str(name) for name in frame.columns]
    if frame.empty:
        raise InputError(f"{path!r} must have rows below its header, got none. Check the file.")
    if chosen.index is not None:
        frame = frame.set_index(column_of(frame, chosen.index, "--index").name)
    return frame


def _read(path: str, separator: str | None) -> pd.DataFrame:
    if Path(path).suffix.lower() in (".parquet", ".pq"):
        try:
            return pd.read_parquet(path)
        except ImportError:
            raise InputError(
                f"reading Parquet must have pyarrow, which is not installed, for {path!r}. Run 'pip install pyarrow', "
                "or save the table as CSV."
            ) from None
    separator = separator or ("\t" if Path(path).suffix.lower() == ".tsv" else ",")
    if len(separator) != 1:
        raise InputError(f"--separator must be one character, got {separator!r}. Use e.g. ';'.")
    frame = pd.read_csv(sys.stdin if path == "-" else path, sep=separator)
    for other in (";", "\t"):
        if frame.shape[1] == 1 and other != separator and other in str(frame.columns[0]):
            raise InputError(
                f"{path!r} must be separated by {separator!r}, but its header {str(frame.columns[0])!r} has {other!r}. "
                f"Use --separator {other!r}."
            )
    return frame


def column_of(frame: pd.DataFrame, name: str, option: str) -> pd.Series:
    """Return a column, or say which ones there are.

    Parameters
    ----------
    frame : DataFrame
    name : str
    option : str
        That named it.
    """
    if name not in frame.columns:
        near = get_close_matches(name, frame.columns, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Check the spelling."
        raise InputError(f"{option} must name a column of {list(frame.columns)[:12]}, got {name!r}. {hint}")
    column: pd.Series = frame[name]
    return column


def listed(text: str, option: str) -> list[str]:
    """Return the entries of a list with commas."""
    entries = [entry.strip() for entry in text.split(",")]
    if not all(entries):
        raise InputError(f"{option} must list names with commas between, got {text!r}. Use e.g. {option} a,b.")
    return entries


def counts_of(text: str | None) -> list[int]:
    """Return the numbers of components that ``2``, ``1:6`` or ``1,2,4`` stand for.

    Raises
    ------
    InputError
        If it is none of these.
    """
    rule = "--n-components must be a number such as 2, a range such as 1:6 or a list such as 1,2,4"
    if text is None:
        raise InputError(f"{rule}, got none. bayesmix choose helps to find one.")
    try:
        first, colon, last = text.partition(":")
        counts = list(range(int(first), int(last) + 1)) if colon else [int(entry) for entry in text.split(",")]
    except ValueError:
        raise InputError(f"{rule}, got {text!r}. Correct it.") from None
    if not counts or min(counts) < 1 or len(counts) > _MOST_COUNTS:
        raise InputError(f"{rule}, of at least 1, got {text!r}. Correct it.")
    return counts


def resolution_of(text: str | None) -> Any:
    """Return the step of ``--resolution``: a number, ``"auto"``, or None."""
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--resolution must be a number or auto, got {text!r}. Use e.g. 0.5.") from None


def read_classes(text: str | None, labels: pd.Series | None) -> list[Any] | None:
    """Return the classes of ``--classes``, as numbers where the labels are numbers.

    Parameters
    ----------
    text : str or None
    labels : Series or None
    """
    if text is None:
        return None
    entries = listed(text, "--classes")
    if labels is None or not pd.api.types.is_numeric_dtype(labels):
        return list(entries)
    if pd.api.types.is_bool_dtype(labels):
        return [{"true": True, "false": False}.get(entry.lower(), entry) for entry in entries]
    try:
        return [int(entry) if pd.api.types.is_integer_dtype(labels) else float(entry) for entry in entries]
    except ValueError:
        raise InputError(
            f"--classes must be among the labels, which are numbers in {str(labels.name)!r}, got {text!r}. Use e.g. "
            "0,1."
        ) from None


def columns_of(chosen: Namespace, frame: pd.DataFrame) -> list[str]:
    """Return the columns to fit: those that are named, or the only column of numbers."""
    if chosen.column is not None and chosen.columns is not None:
        raise InputError("--column must not come with --columns, got both. Use --columns for several.")
    if chosen.column is not None:
        names = [chosen.column]
    elif chosen.columns is not None:
        names = listed(chosen.columns, "--columns")
    elif chosen.family is not None and "=" in chosen.family:
        names = list(_by_column(chosen.family))
    else:
        names = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
        if len(names) != 1:
            raise InputError(
                f"--column must say what to fit where a table has not just one column of numbers, got none for "
                f"{list(frame.columns)[:12]}. Use --column NAME, or --columns A,B."
            )
    option = "--column" if chosen.columns is None else "--columns"
    return [str(column_of(frame, name, option).name) for name in names]


def template(chosen: Namespace, columns: Sequence[str], k: int, classes: Sequence[str] = ()) -> Mixture:
    """Return the specification that the options describe.

    Parameters
    ----------
    chosen : Namespace
        With ``family`` and ``noise``.
    columns : sequence of str
    k : int
        Number of components.
    classes : sequence of str
        Names of the components.
    """
    text = chosen.family or ("normal" if len(columns) == 1 else "mv_normal")
    if "=" in text:
        given = _by_column(text)
        if set(given) != set(columns):
            raise InputError(
                f"--family must give every column a family, got {sorted(given)} for the columns {sorted(columns)}. Use "
                "e.g. --family a=normal,b=poisson."
            )
        family: Any = {name: _family(given[name]) for name in columns}
    elif len(columns) > 1 and not _multivariate(text):
        family = {name: _family(text) for name in columns}
    else:
        family = _family(text)
    return Mixture(k, family, noise=chosen.noise, classes=classes)


def rows_of(mixture: Mixture, columns: Sequence[str], frame: pd.DataFrame) -> Any:
    """Return what a specification is to be fitted to: one column, or a table.

    Parameters
    ----------
    mixture : Mixture
    columns : sequence of str
    frame : DataFrame
    """
    trials = [getattr(block.family, "trials", None) for block in mixture.blocks]
    beside = [name for name in trials if isinstance(name, str)]
    for name in beside:
        column_of(frame, name, "--family")
    if len(mixture.blocks) == 1 and not mixture.blocks[0].family.multivariate and not beside:
        return frame[columns[0]]
    return frame[[*columns, *(name for name in dict.fromkeys(beside) if name not in columns)]]


def _by_column(text: str) -> dict[str, str]:
    parts = [entry.partition("=") for entry in listed(text, "--family")]
    if not all(name and equals and family for name, equals, family in parts):
        raise InputError(
            f"--family must read COLUMN=FAMILY for every column, got {text!r}. Use e.g. a=normal,b=poisson."
        )
    return {name.strip(): family.strip() for name, _, family in parts}


def _multivariate(text: str) -> bool:
    return any(family.name == text and family.multivariate for family in FAMILIES)


def _family(text: str) -> Any:
    name, colon, option = text.partition(":")
    if not colon:
        return name
    if name != Binomial.name or not option:
        raise InputError(f"--family must have ':' in binomial:TRIALS only, got {text!r}. Leave the rest out.")
    return Binomial(trials=int(option) if option.isdigit() else option)
