"""Small real data sets; source, licence and attribution of each are in ``LICENSES.md`` beside them."""

from importlib.resources import files

import pandas as pd

from bayesmix.errors import InputError

__all__ = ["available_datasets", "load_dataset"]


def available_datasets() -> tuple[str, ...]:
    """Return the names that `load_dataset` knows.

    Examples
    --------
    >>> bm.datasets.available_datasets()
    ('arm_lengths', 'earthquakes', 'galaxies', 'iris', 'old_faithful', 'penguins')
    """
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".csv") for name in names if name.endswith(".csv")))


def load_dataset(name: str) -> pd.DataFrame:
    """Load a data set that ships with the package.

    Parameters
    ----------
    name : str
        One of `bayesmix.datasets.available_datasets`, e.g. ``"arm_lengths"`` (columns length, label, nlabel; 19 rows).

    Returns
    -------
    pandas.DataFrame
        One row per observation; the provenance is in ``frame.attrs["source"]``.

    Raises
    ------
    InputError
        If there is no such data set.

    Examples
    --------
    >>> arms = bm.load_dataset("arm_lengths")
    >>> arms.shape, arms.columns.tolist()
    ((19, 3), ['length', 'label', 'nlabel'])
    >>> bm.load_dataset("cars")
    Traceback (most recent call last):
        ...
    bayesmix.errors.InputError: name must be one of ['arm_lengths', ...
    """
    if name not in available_datasets():
        raise InputError(f"name must be one of {list(available_datasets())}, got {name!r}. Check the spelling.")
    path = files(__name__) / f"{name}.csv"
    with path.open("r", encoding="utf-8") as lines:
        source = lines.readline().removeprefix("#").strip()
        frame = pd.read_csv(lines)
    frame.attrs["source"] = source
    return frame
