"""A directory of finished groups: for each its fit (``.nc``) and its rows of the tables (``.json``), the latter last.

A file is written under a hidden name and moved into place, so that what is there is complete. ``manifest.json`` holds
what all groups have in common; another specification or other settings in the same directory are refused. A group is
read, and not fitted again, where its rows are the same, by their digest.

Before a group is fitted a line is added to a file of the running call. A group that was begun three times without being
finished has ended its process each time: it is given up instead of ending a fourth.
"""

import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from bayesmix import storage
from bayesmix.errors import FileFormatError, InputError
from bayesmix.fit import Fit, load
from bayesmix.fitting import tree_group
from bayesmix.groupwise._work import Outcome, Task
from bayesmix.likelihood import MAX_STORED, log_likelihood

__all__ = ["Folder", "read_manifest"]

_MANIFEST, _FORMAT = "manifest.json", 1
_MOST_BEGUN = 3
_PARTIAL, _BEGUN = ".partial-", ".begun-"
_STALE = 24 * 3600.0
"""Seconds after which a hidden file has no owner any more."""


@dataclass(frozen=True)
class Folder:
    """A directory of finished groups, as one call sees it.

    Attributes
    ----------
    path : pathlib.Path
        Absolute, and the same for all workers.
    call : str
        A random name of the call.
    """

    path: Path
    call: str

    @classmethod
    def open(cls, directory: str | os.PathLike[str], manifest: Mapping[str, Any]) -> "Folder":
        """Open a directory for what a manifest describes, and make it where there is none.

        Raises
        ------
        InputError
            If it holds something else, or fits of another specification or with other settings.
        """
        folder = cls(_path_of(directory), uuid4().hex)
        there = read_manifest(directory)
        if there is None:
            if folder.path.is_dir() and any(folder.path.iterdir()):
                raise InputError(
                    f"directory must be empty or of an earlier run of fit_groups, got {str(directory)!r} with other "
                    "files. Use a new one."
                )
            folder.path.mkdir(parents=True, exist_ok=True)
            folder._write(_MANIFEST, json.dumps(_plain({"format": _FORMAT, **manifest}), indent=1))
        else:
            _refuse_others(directory, there, _plain(dict(manifest)))
        for prefix in (_PARTIAL, _BEGUN):
            folder._sweep(prefix, older=_STALE)
        return folder

    def finished(self, task: Task, digest: str) -> Outcome | None:
        """Return what is kept of a group, None where there is nothing or its rows were others.

        Parameters
        ----------
        task : Task
        digest : str
            Of the rows.
        """
        try:
            kept = json.loads((self.path / f"{task.name}.json").read_text(encoding="utf-8"))
            same = kept["format"] == _FORMAT and (kept["group"], kept["digest"]) == (task.text, digest)
            if not same or not self.fit_path(task.name).exists():
                return None
            return Outcome(kept["verdict"], _arrays(kept["parameters"]), _arrays(kept["memberships"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # missing, or damaged from outside
            return None

    def begin(self, task: Task) -> bool:
        """Note that a group is begun; False where it was begun so often that it must end its process."""
        if not self.path.is_dir():
            raise InputError(
                f"directory must be one that every worker sees, but {str(self.path)!r} is not on {platform.node()!r}. "
                "Use a shared one, or none."
            )
        path = self.path / f"{_BEGUN}{self.call}-{task.name}"
        with path.open("a+", encoding="utf-8") as lines:
            lines.seek(0)
            if len(lines.readlines()) >= _MOST_BEGUN:
                return False
            lines.write(f"{os.getpid()}\n")
        return True

    def keep(self, task: Task, fit: Fit, outcome: Outcome) -> None:
        """Write a finished group."""
        # The log-likelihood is ten times the rest, and computed again when the fit is read.
        lean = fit.idata.copy()
        if "log_likelihood" in lean.children:
            del lean["log_likelihood"]
        (self.path / f"{task.name}.json").unlink(missing_ok=True)  # of other rows
        partial = self._partial(".nc")
        storage.write(Fit(fit.mixture, fit.resolved, lean, fit.info, fit.data), partial, data=True)
        os.replace(partial, self.fit_path(task.name))
        record = {
            "format": _FORMAT,
            "group": task.text,
            "digest": fit.info.digest,
            "versions": dict(fit.info.versions),
            "verdict": outcome.verdict,
            "parameters": outcome.parameters,
            "memberships": outcome.memberships,
        }
        self._write(f"{task.name}.json", json.dumps(_plain(record)))
        (self.path / f"{_BEGUN}{self.call}-{task.name}").unlink(missing_ok=True)

    def fit_path(self, name: str) -> Path:
        """Return where a group's fit is."""
        return self.path / f"{name}.nc"

    def read(self, name: str) -> Fit:
        """Return a group's fit as it was when it was made.

        Raises
        ------
        FileFormatError
            If its file is missing or damaged.
        """
        path = self.fit_path(name)
        if not path.exists():
            raise FileFormatError(
                f"{str(path)!r} must hold the group's fit, but it is not there any more. Run fit_groups again with "
                "this directory."
            )
        fit = load(path)
        if fit.data is not None and fit.data.weights is None and fit.arrays.n_draws * fit.info.n <= MAX_STORED:
            fit.idata["log_likelihood"] = tree_group(log_likelihood(fit), fit.info.drawn_by)
        return fit

    def close(self) -> None:
        """Remove what the call leaves behind: files that ended processes had begun to write."""
        self._sweep(f"{_PARTIAL}{self.call}")
        self._sweep(f"{_BEGUN}{self.call}")

    def _write(self, name: str, text: str) -> None:
        partial = self._partial(".json")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, self.path / name)

    def _partial(self, suffix: str) -> Path:
        return self.path / f"{_PARTIAL}{self.call}-{uuid4().hex}{suffix}"

    def _sweep(self, prefix: str, older: float = 0.0) -> None:
        now = time.time()
        for path in self.path.iterdir():
            # A fit is written under a hidden name of its own beside its partial one.
            if path.name.lstrip(".").startswith(prefix.lstrip(".")) and path.name.startswith("."):
                try:
                    if now - path.stat().st_mtime >= older:
                        path.unlink()
                except FileNotFoundError:  # moved into place, or removed by another call
                    continue


def read_manifest(directory: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return what the fits in a directory have in common, None where there are none yet.

    Raises
    ------
    InputError
        If `directory` is no path or a file.
    FileFormatError
        If the manifest is damaged or of a later version.
    """
    path = _path_of(directory) / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version = manifest["format"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"{str(path)!r} must be a manifest of fit_groups, but it cannot be read ({error}). Use a new directory."
        ) from error
    if version != _FORMAT:
        raise FileFormatError(
            f"{str(path)!r} has format {version}; this version reads format {_FORMAT}. Use a new directory, or the "
            "bayesmix that wrote it."
        )
    return dict(manifest)


def _path_of(directory: Any) -> Path:
    if not isinstance(directory, (str, os.PathLike)):
        raise InputError(f"directory must be text or a pathlib.Path, got {directory!r}. Use e.g. 'fits'.")
    path = Path(directory).resolve()
    if path.exists() and not path.is_dir():
        raise InputError(f"directory must be a directory, got the file {str(directory)!r}. Use another name.")
    return path


def _refuse_others(directory: str | os.PathLike[str], there: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Refuse to mix specifications or settings in one directory."""
    for name, value in manifest.items():
        if there.get(name) != value:
            raise InputError(
                f"directory must hold fits with the same {name}, got {json.dumps(value)} for {str(directory)!r}, which "
                f"was made with {json.dumps(there.get(name))}. Use the same, or another directory."
            )


def _plain(value: Any) -> Any:
    """Return nested mappings and arrays as JSON types."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    return value


def _arrays(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Turn columns of numbers and booleans into arrays again; those with names or gaps stay lists."""
    return {
        name: values if any(isinstance(v, str) or v is None for v in values) else np.array(values)
        for name, values in columns.items()
    }
