"""Saved fits, and the tables that belong to them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.cli._reading import column_of
from bayesmix.errors import InputError
from bayesmix.fit import Fit, load

__all__ = ["labels_of", "loaded", "new_rows"]


def loaded(paths: list[str]) -> dict[str, Fit]:
    """Return saved fits by the names of their files."""
    names = [Path(path).stem for path in paths]
    if len(set(names)) < len(names):
        raise InputError(f"saved fits must have different names, got {names}. Rename a file.")
    return dict(zip(names, map(load, paths), strict=True))


def new_rows(one: Fit, frame: pd.DataFrame, column: str | None) -> Any:
    """Return the rows of a table as a fit wants them.

    Parameters
    ----------
    one : Fit
    frame : DataFrame
    column : str or None
        To take for a fit of one column; the fit's own name by default.
    """
    names = one.layout.names
    family = one.resolved.blocks[0].family
    several = len(names) > 1 or len(one.resolved.blocks) > 1 or family.multivariate
    if several:
        return frame
    name = names[0] if column is None else column
    beside = getattr(family, "trials", None)
    values = column_of(frame, name, "--column" if column is not None else "the fit")
    if isinstance(beside, str):
        return pd.DataFrame({names[0]: values, beside: column_of(frame, beside, "the fit")})
    return values


def labels_of(one: Fit, frame: pd.DataFrame, column: str) -> pd.Series:
    """Return the labels of the fitted rows, having made sure that the table is the one that was fitted.

    Parameters
    ----------
    one : Fit
    frame : DataFrame
    column : str
        That holds the labels.

    Raises
    ------
    InputError
        If there is no such column, or the table has other rows than the fit.
    """
    labels = column_of(frame, column, "--labels")
    rows = one.observations
    if len(frame) != rows.n:
        raise InputError(
            f"the table must be the one that was fitted, got {len(frame)} rows for a fit of {rows.n}. Give that table."
        )
    for part in rows.columns:
        if part.name in frame.columns and not part.categories and pd.api.types.is_numeric_dtype(frame[part.name]):
            given = frame[part.name].to_numpy(dtype=float)
            other = np.flatnonzero(~np.isclose(given, part.values, rtol=1e-9, atol=0, equal_nan=True))
            if other.size:
                raise InputError(
                    f"the table must be the one that was fitted, got {float(given[other[0]])} for "
                    f"{float(part.values[other[0]])} in {part.name!r} at position {other[0]}. Give that table, with "
                    "its rows in the same order."
                )
    return pd.Series(labels.to_numpy(), index=rows.index, name=labels.name)
