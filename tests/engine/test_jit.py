"""Compiled functions and their disk cache: read-only, damaged or absent, it costs time and never a fit."""

import numba
import numpy as np
import pytest
from numba.core import caching

from bayesmix.engine import _jit
from bayesmix.errors import CacheWarning


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A fresh cache; the warning is due once a process, so here anew."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    _jit._warn_of_cache.cache_clear()
    return tmp_path


def double():
    def twice(x):
        return 2.0 * x

    return _jit.entry(_jit.types.float64(_jit.types.float64), twice)


def test_a_good_cache_is_written_and_read(folder):
    assert double()(2.0) == 4.0
    assert double().stats.cache_hits
    assert list(folder.rglob("*.nbc"))


def test_no_folder_that_can_be_written(folder, monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.warns(CacheWarning, match="NUMBA_CACHE_DIR"):
        assert double()(2.0) == 4.0
    assert double()(3.0) == 6.0  # and no second warning


def test_a_disk_that_is_full(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    with pytest.warns(CacheWarning, match=r"cannot be used \(No space left on device\)"):
        assert double()(2.0) == 4.0


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"garbage", None], ids=["empty", "garbage", "cut"])
def test_a_damaged_cache(folder, ending, damage):
    double()
    for path in folder.rglob(f"*.{ending}"):
        path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    with pytest.warns(CacheWarning, match="delete it"):
        assert double()(2.0) == 4.0


def test_a_cache_of_other_sources_is_not_read(folder, monkeypatch):
    """Numba looks at the time of the entry point's own file only; the digest stands for all sources."""

    def entry(digest):
        def constant(x):
            return x + np.float64(digest)

        return _jit.entry(_jit.types.float64(_jit.types.float64), constant)

    assert entry(1)(0.0) == 1.0
    changed = entry(2)
    assert changed(0.0) == 2.0
    assert not changed.stats.cache_hits


def test_errors_of_the_code_are_not_taken_for_errors_of_the_cache(folder):
    def wrong(x):
        return x.no_such_attribute

    with pytest.raises(numba.core.errors.NumbaError):
        _jit.entry(_jit.types.float64(_jit.types.float64), wrong)
