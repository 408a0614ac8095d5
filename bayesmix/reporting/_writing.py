"""Write files whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bayesmix.errors import InputError

__all__ = ["checked_path", "write_files"]


def checked_path(path: Any, endings: tuple[str, ...], example: str) -> Path:
    """Return the path of a file that is to be written.

    Parameters
    ----------
    path : path-like
    endings : tuple of str
        Allowed endings, with their dots.
    example : str
        A name that would do.

    Raises
    ------
    InputError
        If it is no path, has another ending, is a folder, or lies in a folder that does not exist.

    Examples
    --------
    >>> checked_path("report.html", (".html",), "report.html").name
    'report.html'
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise InputError(f"path must be text or a pathlib.Path, got {path!r}. Use e.g. {example!r}.")
    target = Path(path)
    if target.suffix.lower() not in endings:
        raise InputError(f"path must end in {' or '.join(endings)}, got {str(path)!r}. Use e.g. {example!r}.")
    if target.is_dir():
        raise InputError(f"path must name a file, got the folder {str(path)!r}. Use e.g. {str(target / example)!r}.")
    if not target.parent.is_dir():
        raise InputError(f"the folder of path must exist, got {str(target.parent)!r}. Create it first.")
    return target


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write files under temporary names and move them into place when all are complete, the last one last.

    Folders of the files are made where their own folder exists; on failure nothing new is left behind.

    Parameters
    ----------
    contents : mapping from pathlib.Path to bytes

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    made: list[Path] = []
    temporary = {target: target.with_name(f".{target.name}-{os.getpid()}.part") for target in contents}
    try:
        for folder in dict.fromkeys(target.parent for target in contents):
            if not folder.is_dir():
                folder.mkdir()
                made.append(folder)
        for target, content in contents.items():
            temporary[target].write_bytes(content)
        for target in contents:
            os.replace(temporary[target], target)
        made.clear()
    except OSError as error:
        raise InputError(
            f"path must be a place that can be written, got {str(error.filename or next(iter(contents)))!r} "
            f"({error.strerror or error}). Choose another folder, or make room."
        ) from error
    finally:
        for part in temporary.values():
            part.unlink(missing_ok=True)
        for folder in made:
            folder.rmdir()
