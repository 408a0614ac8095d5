"""Groups and sweeps on a real dask cluster of two processes on this machine, one of which is killed in mid-run."""

import os
import signal
from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster, WorkerPlugin

import bayesmix as bm
from bayesmix.groupwise import _folder, _work

SETTINGS = {"draws": 100, "tune": 150, "chains": 2, "random_seed": 1, "progressbar": False}
TWO = {"by": "store", "column": "sales", "mixture": bm.Mixture(2), **SETTINGS}


def stores(n_groups, n):
    rng = np.random.default_rng(3)
    kind = rng.random(n_groups * n) < 0.4
    sales = rng.normal(np.where(kind, 0.0, 6.0), 1.0)
    return pd.DataFrame({"store": np.repeat([f"store {i}" for i in range(n_groups)], n), "sales": sales})


class Watch(WorkerPlugin):
    """Notes in files which fits a worker begins and ends, and kills it in the middle of some, or right after it.

    Attributes
    ----------
    notes : str
        A folder.
    during, after : tuple of (int, int)
        Random seed of a group, and how often its fit ends the process: before it is finished, or when it has been
        written but not yet reported.
    """

    name = "watch"

    def __init__(self, notes, during=(), after=()):
        self.notes, self.during, self.after = str(notes), dict(during), dict(after)

    def setup(self, worker):
        self.plain = fit, keep = _work.fit_rows, _folder.Folder.keep

        def watched(mixture, resolved, rows, settings):
            self.note("begun", settings.random_seed)
            self.kill("during", settings.random_seed)
            made = fit(mixture, resolved, rows, settings)
            self.note("fitted", settings.random_seed)
            return made

        def kept(folder, task, made, outcome):
            keep(folder, task, made, outcome)
            self.kill("after", task.seed)

        _work.fit_rows, _folder.Folder.keep = watched, kept

    def teardown(self, worker):
        _work.fit_rows, _folder.Folder.keep = self.plain

    def note(self, what, seed):
        with open(Path(self.notes) / what, "a") as lines:
            lines.write(f"{seed} {os.getpid()}\n")

    def kill(self, when, seed):
        mark = Path(self.notes) / f"killed {when} {seed}"
        before = len(mark.read_text()) if mark.exists() else 0
        if before < getattr(self, when).get(seed, 0):
            with mark.open("a") as kills:
                kills.write("x")
            os.kill(os.getpid(), signal.SIGKILL)

    def counts(self, what):
        path = Path(self.notes) / what
        return Counter(int(line.split()[0]) for line in path.read_text().splitlines())


@pytest.fixture(scope="module")
def client():
    """Two workers with one thread each; no port but on loopback, no dashboard."""
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None)
    with cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    return stores(12, 150)


@pytest.fixture(scope="module")
def serial(frame):
    return bm.fit_groups(frame, **TWO)


def assert_same(one, other):
    pd.testing.assert_frame_equal(one.parameters, other.parameters, check_exact=True)
    pd.testing.assert_frame_equal(one.memberships, other.memberships, check_exact=True)
    pd.testing.assert_frame_equal(one.verdicts.drop(columns="seconds"), other.verdicts.drop(columns="seconds"))


def test_two_workers_are_killed_and_nothing_is_lost_or_run_twice(client, frame, serial, tmp_path):
    seeds = serial.verdicts["random_seed"].tolist()
    watch = Watch(tmp_path, during=[(seeds[2], 1)], after=[(seeds[6], 1)])
    client.register_plugin(watch)
    with joblib.parallel_config(backend="dask"):
        fits = bm.fit_groups(frame, directory=tmp_path / "fits", **TWO)
    client.unregister_worker_plugin("watch")
    assert_same(fits, serial)
    assert {path.name for path in tmp_path.glob("killed*")} == {f"killed during {seeds[2]}", f"killed after {seeds[6]}"}
    assert watch.counts("fitted") == dict.fromkeys(seeds, 1)
    assert watch.counts("begun") == dict.fromkeys(seeds, 1) | {seeds[2]: 2}
    names = [path.name for path in (tmp_path / "fits").iterdir()]
    assert len(names) == 1 + 2 * 12  # nothing half written, nothing hidden
    np.testing.assert_array_equal(fits.fits["store 2"].arrays.weights, serial.fits["store 2"].arrays.weights)


@pytest.mark.slow
def test_a_group_that_kills_every_worker_is_a_row(client, frame, serial, tmp_path):
    seeds = serial.verdicts["random_seed"].tolist()
    watch = Watch(tmp_path, during=[(seeds[2], 99)])
    client.register_plugin(watch)
    with joblib.parallel_config(backend="dask"):
        fits = bm.fit_groups(frame, directory=tmp_path / "fits", **TWO)
    client.unregister_worker_plugin("watch")
    assert list(fits.failed.index) == ["store 10"]
    assert "ended without an answer again and again" in fits.failed["reason"].item()
    assert watch.counts("begun") == dict.fromkeys(seeds, 1) | {seeds[2]: 3}
    others = serial.parameters["store"] != "store 10"
    pd.testing.assert_frame_equal(fits.parameters, serial.parameters[others].reset_index(drop=True), check_exact=True)


@pytest.mark.slow
def test_without_a_directory_a_killed_worker_loses_nothing(client, frame, serial, tmp_path):
    seeds = serial.verdicts["random_seed"].tolist()
    client.register_plugin(Watch(tmp_path, during=[(seeds[3], 1)]))
    with joblib.parallel_config(backend="dask"):
        fits = bm.fit_groups(frame, **TWO)
    client.unregister_worker_plugin("watch")
    assert (tmp_path / f"killed during {seeds[3]}").exists()
    assert_same(fits, serial)


@pytest.mark.slow
def test_a_sweep_on_the_cluster_is_the_sweep(client, frame):
    y = frame["sales"][:80]
    here = bm.choose_components(y, [1, 2, 3], **SETTINGS)
    with joblib.parallel_config(backend="dask"):
        there = bm.choose_components(y, [1, 2, 3], **SETTINGS)
    pd.testing.assert_frame_equal(here.table.drop(columns="seconds"), there.table.drop(columns="seconds"))


@pytest.mark.slow
def test_blas_and_numba_keep_to_one_thread_on_workers(client):
    def pools():
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return [pool["num_threads"] for pool in threadpool_info()]

    assert all(set(numbers) <= {1} for numbers in client.run(pools).values())
