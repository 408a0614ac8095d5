"""Save and load a fit: one netCDF file or one zarr directory, complete or not at all.

The specification, the resolved priors, the seed, the package versions and the digest of the data travel with the draws
as JSON in the file's attributes, together with a digest of everything that is stored: a file that was damaged later is
refused, not read with other numbers. A file is written under a temporary name and moved into place when complete.
"""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix.blocks import Layout
from bayesmix.data import Bins, Column, Compression, CompressionInfo, FloatArray, Observations
from bayesmix.errors import FileFormatError, InputError
from bayesmix.mixture import Mixture
from bayesmix.model import OBSERVED_NAME
from bayesmix.posterior import FitInfo, Posterior
from bayesmix.schema import observed_data

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FORMAT", "read", "write"]

FORMAT = 5
"""Version of the file layout; raised when a change needs a reader to know."""

_ATTRIBUTE = "bayesmix"
_INDEX_GROUP = "row_index"
_WEIGHTS = "row_weights"
_CELLS = "cells"
_VALUES = "values"
_DIGEST = "digest"
_BINS_GROUP = "compression_bins"
_DATA_GROUPS = ("observed_data", "constant_data", "log_likelihood")


def write(posterior: Posterior, path: str | os.PathLike[str], *, data: bool) -> Path:
    """Save a fit.

    Parameters
    ----------
    posterior : Posterior
    path : path-like
        Ending in ``.nc`` (netCDF) or ``.zarr`` (a directory).
    data : bool
        Whether the rows are stored. Without them the log-likelihood is left out too: with the draws at hand it would
        give the rows away.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        If the ending is neither of the two, or the folder does not exist.
    """
    target = _checked_path(path)
    if target.suffix not in (".nc", ".zarr"):
        raise InputError(f"path must end in .nc or .zarr, got {str(path)!r}. Use e.g. 'fit.nc'.")
    if not target.parent.is_dir():
        raise InputError(f"the folder of path must exist, got {str(target.parent)!r}. Create it first.")
    tree = _to_tree(posterior, data=data and posterior.data is not None)
    temporary = target.with_name(f".{target.stem}-{os.getpid()}{target.suffix}")
    try:
        if target.suffix == ".nc":
            tree.to_netcdf(temporary, engine="h5netcdf")
            os.replace(temporary, target)
        else:
            tree.to_zarr(temporary, mode="w", consolidated=False)
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(temporary, target)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
    return target


def read(path: str | os.PathLike[str]) -> Posterior:
    """Load what `write` saved.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Posterior

    Raises
    ------
    FileFormatError
        If the file does not exist, is damaged, is not a bayesmix fit, or was written by a newer version.
    """
    source = _checked_path(path)
    if not source.exists():
        raise FileFormatError(f"path must be an existing file or zarr directory, got {str(path)!r}. Check the name.")
    tree = _open(source)
    try:
        return _from_tree(tree, source)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(
            f"{str(source)!r} must hold a complete bayesmix fit, but a part is missing or unreadable ({error}). "
            "Save it again from the original."
        ) from error


def _checked_path(path: Any) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"path must be text or a pathlib.Path, got {path!r}. Use e.g. 'fit.nc'.")
    return Path(path)


def _to_tree(posterior: Posterior, *, data: bool) -> "xr.DataTree":
    tree = posterior.idata.copy()
    if not data:
        for group in _DATA_GROUPS:
            if group in tree.children:
                del tree[group]
    header: dict[str, Any] = {
        "format": FORMAT,
        "mixture": posterior.mixture.to_dict(),
        "resolved": posterior.resolved.to_dict(),
        "info": asdict(replace(posterior.info, versions=dict(posterior.info.versions))),
        "data": data,
    }
    if data:
        index = posterior.observations.index
        header["index"] = {
            "names": [None if name is None else str(name) for name in index.names],
            "dtypes": [str(index.get_level_values(level).dtype) for level in range(index.nlevels)],
        }
        header["categories"] = [
            [_label_text(c) for c in column.categories] for column in posterior.observations.columns
        ]
        tree[_INDEX_GROUP] = _index_tree(posterior.observations)
        compression = posterior.observations.compression
        if compression is not None and compression.bins is not None:
            tree[_BINS_GROUP] = _bins_tree(compression.bins)
    header[_DIGEST] = _digest(tree, header)
    tree.attrs[_ATTRIBUTE] = json.dumps(header)
    return tree


def _digest(tree: "xr.DataTree", header: dict[str, Any]) -> str:
    """Return a hash of the header and of every variable, whatever integer or text type the file made of it."""
    total = hashlib.blake2b(digest_size=16)
    total.update(json.dumps({key: value for key, value in header.items() if key != _DIGEST}, sort_keys=True).encode())
    for node in sorted(tree.subtree, key=lambda one: one.path):
        for name, variable in sorted(node.to_dataset(inherit=False).variables.items(), key=lambda item: str(item[0])):
            total.update(f"{node.path} {name} {variable.dims} {variable.shape}".encode())
            total.update(_bytes(np.asarray(variable.values)))
    return total.hexdigest()


def _bytes(values: "np.ndarray[Any, Any]") -> bytes:
    kind = values.dtype.kind
    if kind in "OUTS":
        return json.dumps([str(value) for value in values.ravel()]).encode()
    if kind in "mM":
        values = values.astype(f"{kind}8[ns]").astype(np.int64)
    elif kind in "iub":
        values = values.astype(np.int64)
    return np.ascontiguousarray(values).tobytes()


def _index_tree(observations: Observations) -> "xr.DataTree":
    """One variable per level of the index, labels that are not numbers or dates as JSON; the cells and the weights."""
    import xarray as xr

    index = observations.index
    levels: dict[str, Any] = {}
    for number in range(index.nlevels):
        level = index.get_level_values(number)
        plain = pd.api.types.is_numeric_dtype(level) or pd.api.types.is_datetime64_dtype(level)
        labels = np.asarray(level) if plain else np.asarray([_label_text(v) for v in level], dtype=object)
        levels[f"level_{number}"] = ("row", labels)
    if observations.weights is not None:
        levels[_WEIGHTS] = ("row", observations.weights)
    levels[_CELLS] = (("row", "cell"), observations.cells)
    # The middle of rounded bounds may be one bit off the value that was rounded.
    levels[_VALUES] = (("row", "column"), np.stack([column.values for column in observations.columns], axis=1))
    return xr.DataTree(xr.Dataset(levels))


_BIN_DIMS = {
    "rows": ("bin",),
    "counts": ("bin",),
    "low": ("bin", "binned"),
    "high": ("bin", "binned"),
    "mean": ("bin", "binned"),
    "cross": ("bin", "binned", "with"),
    "sample_bins": ("sampled",),
    "sample": ("sampled", "binned"),
}


def _bins_tree(bins: Bins) -> "xr.DataTree":
    import xarray as xr

    names = np.asarray(bins.columns, dtype=object)
    return xr.DataTree(xr.Dataset({n: (d, getattr(bins, n)) for n, d in _BIN_DIMS.items()}, {"binned": names}))


def _read_compression(tree: "xr.DataTree", info: CompressionInfo | None) -> Compression | None:
    if info is None or _BINS_GROUP not in tree.children:
        return None if info is None else Compression(info, None)
    stored = tree[_BINS_GROUP].to_dataset()
    del tree[_BINS_GROUP]
    names = tuple(str(name) for name in stored["binned"].values)
    return Compression(info, Bins(names, **{name: np.array(stored[name].values) for name in _BIN_DIMS}))


def _label_text(label: object) -> str:
    try:
        return json.dumps(label)
    except TypeError:
        return json.dumps(str(label))


def _read_index(tree: "xr.DataTree", saved: dict[str, Any]) -> pd.Index:
    dataset = tree[_INDEX_GROUP].to_dataset()
    levels = []
    for number, dtype in enumerate(saved["dtypes"]):
        stored = dataset[f"level_{number}"].values
        texts = stored.dtype.kind in "OUT"
        level = pd.Index([json.loads(text) for text in stored], dtype=object) if texts else pd.Index(stored)
        try:
            levels.append(level.astype(dtype))
        except (TypeError, ValueError):  # a type that text does not turn back into: the text serves as label
            levels.append(level)
    if len(levels) > 1:
        several: pd.Index = pd.MultiIndex.from_arrays(levels, names=saved["names"])
        return several
    single: pd.Index = levels[0].rename(saved["names"][0])
    return single


def _open(source: Path) -> "xr.DataTree":
    import xarray as xr

    try:
        engine = "zarr" if source.is_dir() else "h5netcdf"
        if engine == "h5netcdf":
            _touch(source)
        options: dict[str, Any] = {"consolidated": False} if engine == "zarr" else {}
        with xr.open_datatree(source, engine=engine, **options) as tree:
            return tree.load()
    except Exception as error:  # the readers raise many kinds, none of which says what to do
        raise FileFormatError(
            f"{str(source)!r} must be a netCDF file or zarr directory written by Fit.save, but it cannot be read "
            f"({type(error).__name__}: {error}). It may be truncated or of another kind: save it again."
        ) from error


def _touch(source: Path) -> None:
    """Read the attributes of a file's root: h5netcdf, where these are damaged, complains on standard error."""
    import h5py

    with h5py.File(source, "r") as file:
        dict(file.attrs)


def _from_tree(tree: "xr.DataTree", source: Path) -> Posterior:
    if _ATTRIBUTE not in tree.attrs:
        raise FileFormatError(
            f"{str(source)!r} must be written by Fit.save, but it lacks the bayesmix header. "
            "For draws made elsewhere read it with arviz."
        )
    header = json.loads(tree.attrs[_ATTRIBUTE])
    if not 1 <= header["format"] <= FORMAT:
        versions = header.get("info", {}).get("versions", {})
        raise FileFormatError(
            f"{str(source)!r} has file format {header['format']}, written by bayesmix "
            f"{versions.get('bayesmix', 'of another version')}; this version reads formats 1 to {FORMAT}. "
            "Install a bayesmix at least as new as the one that wrote it, or fit again with its recorded seed."
        )
    if _DIGEST in header and header[_DIGEST] != _digest(tree, header):  # files of earlier versions have none
        raise FileFormatError(
            f"the contents of {str(source)!r} must match their digest, but they do not: the file is damaged."
        )
    info = _read_info(header["info"])
    tree.attrs.pop(_ATTRIBUTE)
    posterior = Posterior(
        mixture=Mixture.from_dict(header["mixture"]),
        resolved=Mixture.from_dict(header["resolved"]),
        idata=tree,
        info=info,
        data=_read_rows(tree, header, info) if header["data"] else None,
    )
    if posterior.arrays.n_draws != info.draws * info.chains:
        raise FileFormatError(f"{str(source)!r} must hold {info.draws * info.chains} draws. Save it again.")
    return posterior


def _read_info(saved: dict[str, Any]) -> FitInfo:
    if "layout" not in saved:  # format 1: one column of points
        plain = {"names": [saved["name"]], "intervals": [False], "widths": [1], "resolutions": [None]}
        saved = saved | {"layout": plain, "measure": "points"}
    layout = Layout(**{name: tuple(value) for name, value in saved["layout"].items()})
    if (compression := saved.get("compression")) is not None:
        lists = {name: tuple(compression[name]) for name in ("columns", "steps")}
        saved = saved | {"compression": CompressionInfo(**compression | lists)}
    return FitInfo(**saved | {"layout": layout})


def _read_rows(tree: "xr.DataTree", header: dict[str, Any], info: FitInfo) -> Observations:
    rows = tree[_INDEX_GROUP].to_dataset()
    if _CELLS in rows:
        cells = np.array(rows[_CELLS].values, dtype=np.float64)
    else:  # format 1
        cells = np.array(tree["observed_data"].to_dataset()[OBSERVED_NAME].values, dtype=np.float64)[:, np.newaxis]
    values = np.array(rows[_VALUES].values, dtype=np.float64) if _VALUES in rows else cells
    weights = np.array(rows[_WEIGHTS].values, dtype=np.float64) if _WEIGHTS in rows else None
    index = _read_index(tree, header["index"])
    names = header.get("categories", [[]] * len(info.layout.names))
    columns = tuple(
        _read_column(
            info.layout, c, cells, values[:, c].copy(), index, weights, tuple(json.loads(text) for text in names[c])
        )
        for c in range(len(info.layout.names))
    )
    components = info.layout.known(cells)
    known = None if components is None else components.copy()
    observations = Observations(columns, index, weights, known, _read_compression(tree, info.compression))
    del tree[_INDEX_GROUP]
    shown, rows_again = tree["observed_data"].to_dataset(), observed_data(observations).data_vars
    same = all(np.array_equal(shown[name].values, value.values, equal_nan=True) for name, value in rows_again.items())
    if observations.digest != info.digest or not same:
        raise FileFormatError("the stored rows must match their digest, but they do not. The file is damaged.")
    return observations


def _read_column(
    layout: Layout,
    position: int,
    cells: FloatArray,
    values: FloatArray,
    index: pd.Index,
    weights: FloatArray | None,
    categories: tuple[Any, ...],
) -> Column:
    own = cells[:, layout.part(position)].copy()
    common: dict[str, Any] = {"categories": categories, "resolution": layout.resolutions[position]}
    if layout.intervals[position]:
        return Column(layout.names[position], values, index, weights, (own[:, 0], own[:, 1]), **common)
    extra = own[:, 1] if layout.widths[position] > 1 else None
    return Column(layout.names[position], own[:, 0], index, weights, extra=extra, **common)
