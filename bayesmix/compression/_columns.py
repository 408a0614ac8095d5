"""Columns of a stream of batches as numbers: what a column holds is learned on the way and must not change."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.data.raw import RawColumn, refuse_non_finite, row_label, show, to_float
from bayesmix.errors import InputError

__all__ = ["StreamedColumn"]

_KINDS = {
    "string": "text",
    "boolean": "booleans",
    "integer": "whole numbers",
    "floating": "numbers",
    "mixed-integer-float": "numbers",
    "decimal": "numbers",
    "empty": "",
}


class StreamedColumn:
    """What is known of one column so far.

    Attributes
    ----------
    name : str
    kind : {"", "numbers", "whole numbers", "booleans", "text"}
        Empty as long as all cells were missing.
    whole : bool
        Whether all numbers were whole.
    levels : dict
        Code of each entry of a text column, by first appearance.
    declared : tuple or None
        The order of the entries, where every batch declares the same one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind = ""
        self.whole = True
        self.levels: dict[Hashable, int] = {}
        self.declared: tuple[Hashable, ...] | None = None

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.kind in ("numbers", "whole numbers")

    def read(self, raw: RawColumn) -> FloatArray:
        """Return the numbers or codes of a batch, NaN where missing."""
        what = f"column {self.name!r}"
        kind = self._kind_of(raw, what)
        if kind == "text":
            return self._codes(raw)
        values = to_float(raw, what, booleans=kind == "booleans") + 0.0
        refuse_non_finite(values, raw.labels, what, missing_allowed=True)
        if kind in ("numbers", "whole numbers"):
            self.whole = self.whole and bool(np.all((values == np.floor(values)) | np.isnan(values)))
        return values

    def _kind_of(self, raw: RawColumn, what: str) -> str:
        code = raw.values.dtype.kind
        kind = {"b": "booleans", "i": "whole numbers", "u": "whole numbers", "f": "numbers", "U": "text"}.get(code, "")
        if raw.levels is not None:
            kind = "text"
        elif code == "f" and np.isnan(raw.values).all():
            kind = ""
        elif code == "O":
            kind = self._kind_of_objects(raw, what)
        self.kind = self._joined(kind)
        if kind == "text":
            first = not self.levels and self.declared is None
            self.declared = raw.levels if first or self.declared == raw.levels else None
        return self.kind

    def _kind_of_objects(self, raw: RawColumn, what: str) -> str:
        found = pd.api.types.infer_dtype(raw.values, skipna=True)
        if found in _KINDS:
            return _KINDS[found]
        if found.startswith(("date", "time", "complex", "bytes")):
            to_float(raw, what)  # says what to do with these
        first: Any = None
        for row, value in enumerate(raw.values):
            if not pd.isna(value):
                first = type(value) if first is None else first
                if type(value) is not first:
                    raise InputError(
                        f"{what} must hold numbers, booleans or text throughout, got {type(value).__name__} "
                        f"{show(value)} at {row_label(row, raw.labels)} beside {first.__name__}. Convert the column "
                        "first, e.g. with .astype(str)."
                    )
        raise InputError(f"{what} must hold numbers, booleans or text, got {found}. Convert the column first.")

    def _joined(self, kind: str) -> str:
        """Return the kind of what came so far and a batch of another kind."""
        kinds = {self.kind, kind} - {""}
        if kinds == {"numbers", "whole numbers"}:
            return "numbers"
        if len(kinds) > 1:
            raise InputError(
                f"column {self.name!r} must hold values of one kind throughout, got {self.kind} and then {kind}. "
                "Convert it in all parts, e.g. with .astype(float) or .astype(str)."
            )
        return next(iter(kinds), "")

    def _codes(self, raw: RawColumn) -> FloatArray:
        codes, found = pd.factorize(raw.values.astype(object), use_na_sentinel=True)
        places = [float(self.levels.setdefault(_plain(entry), len(self.levels))) for entry in found]
        return np.array([*places, np.nan])[codes]

    def absorb(self, other: "StreamedColumn") -> npt.NDArray[np.float64] | None:
        """Learn what is known of the same column in another part; return the new codes of its entries, if any."""
        first = not self.levels and self.declared is None
        if other.kind == "text":
            self.declared = other.declared if first or self.declared == other.declared else None
        self.kind = self._joined(other.kind)
        self.whole = self.whole and other.whole
        if not other.levels:
            return None
        return np.array([float(self.levels.setdefault(entry, len(self.levels))) for entry in other.levels])

    def sorted_codes(self) -> npt.NDArray[np.float64]:
        """Return for each code its place among the entries in their order: as declared, or sorted."""
        order = {entry: float(place) for place, entry in enumerate(self._order())}
        return np.array([order[entry] for entry in self.levels])

    def _order(self) -> Sequence[Hashable]:
        if self.declared is not None:
            return [_plain(entry) for entry in self.declared]
        return sorted(self.levels, key=lambda entry: (type(entry).__name__, entry))

    def restored(self, values: FloatArray, *, binned: bool) -> Any:
        """Return the column of a frame for numbers, or for codes in their order.

        Parameters
        ----------
        values : ndarray, shape (n,)
            NaN where missing.
        binned : bool
            Whether numbers may no longer be whole.
        """
        missing = np.isnan(values)
        if self.kind == "text":
            codes = np.where(missing, -1, values).astype(np.int64)
            order: Any = list(self._order())
            if self.declared is not None:
                return pd.Categorical.from_codes(codes, categories=order)
            entries: Any = np.array([*order, None], dtype=object)
            return pd.Series(entries[codes], dtype="str" if all(isinstance(entry, str) for entry in order) else object)
        if self.kind == "booleans":
            return pd.Series(values == 1, dtype="boolean").mask(missing) if missing.any() else values == 1
        if self.kind == "whole numbers" and not binned and not missing.any():
            return values.astype(np.int64)
        return values


def _plain(entry: Any) -> Hashable:
    plain: Hashable = entry.item() if isinstance(entry, np.generic) else entry
    return plain
