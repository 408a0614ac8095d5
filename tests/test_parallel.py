"""Work that is sent out: everything comes back once, whatever dies or is given up on the way."""

import os
import signal
from contextlib import closing

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from joblib.parallel import ThreadingBackend

import bayesmix as bm
from bayesmix import choice as choice_module
from bayesmix.engine import pointwise
from bayesmix.errors import InterruptedWarning, SamplingError, WorkerError
from bayesmix.parallel import completed, n_workers, threads
from tests.helpers import two_groups


@pytest.fixture
def processes():
    """Two processes, which end with the test."""
    with joblib.parallel_config(backend="loky", n_jobs=2):
        yield
    get_reusable_executor().shutdown(wait=True, kill_workers=True)


def square(number):
    return number * number, threads()


def ignore(position):
    """Nothing to say before a task."""


def test_alone_it_is_a_loop():
    said = []
    results = completed(square, lambda i: i + 1, [0, 2], said.append)
    assert next(results) == (0, (1, None))
    assert said == [0]  # one after the other, when asked for
    assert list(results) == [(2, (9, None))]
    assert n_workers() == 1


def test_beside_others_every_piece_comes_back_once_and_keeps_to_one_core():
    with joblib.parallel_config(backend="threading", n_jobs=3):
        assert n_workers() == 3
        found = dict(completed(square, lambda i: i, range(50), ignore))
    assert found == {i: (i * i, 1) for i in range(50)}
    assert threads() is None


def test_a_pass_over_rows_takes_no_threads_beside_others(monkeypatch):
    fit = two_groups(np.random.default_rng(1).normal(size=3000), n_draws=400)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    opened, plain = [], pointwise.ThreadPoolExecutor
    monkeypatch.setattr(pointwise, "ThreadPoolExecutor", lambda workers: opened.append(workers) or plain(workers))
    alone = fit.predict(fit.observations.values)["probability"]
    assert set(opened) == {2}
    opened.clear()
    with joblib.parallel_config(backend="threading", n_jobs=2):
        ((_, beside),) = completed(
            lambda f: f.predict(f.observations.values)["probability"], lambda i: fit, [0], ignore
        )
    assert not opened
    np.testing.assert_array_equal(beside, alone)


class Late(ThreadingBackend):
    """Hands back results all together, as Ray's backend does."""

    supports_return_generator = False


def test_a_backend_without_streaming_gets_the_work_in_waves():
    joblib.register_parallel_backend("late", Late)
    asked = []
    with joblib.parallel_config(backend="late", n_jobs=2):
        results = completed(square, lambda i: asked.append(i) or i, range(100), ignore)
        assert next(results) == (0, (0, 1))
        assert len(asked) == 32
        assert [i for i, _ in results] == list(range(1, 100))


def die_once(task):
    mark, number = task
    if number == 3 and not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_work_of_a_process_that_died_is_sent_again(processes, tmp_path):
    found = list(completed(die_once, lambda i: (str(tmp_path / "died"), i), range(8), ignore))
    assert sorted(found) == [(i, i) for i in range(8)]


@pytest.mark.slow
def test_work_that_ends_every_process_is_given_up(processes):
    found = dict(completed(die, lambda i: i, range(4), ignore))
    assert isinstance(found[3], WorkerError)
    assert "ended without one 3 times" in str(found[3])


def test_what_is_given_up_ends_quietly():
    with (
        joblib.parallel_config(backend="threading", n_jobs=2),
        closing(completed(square, int, range(50), ignore)) as it,
    ):
        next(it)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert len(list(completed(square, int, range(5), ignore))) == 5


# ---- sweeps

QUICK = {"draws": 100, "tune": 150, "chains": 2, "random_seed": 1, "progressbar": False}


@pytest.fixture(scope="module")
def y():
    rng = np.random.default_rng(12)
    return pd.Series(np.concatenate([rng.normal(0, 1, 30), rng.normal(8, 1, 30)]), name="y")


@pytest.fixture(scope="module")
def sweep(y):
    return bm.choose_components(y, [1, 2, 3], **QUICK)


def assert_same(one, other):
    pd.testing.assert_frame_equal(one.table.drop(columns="seconds"), other.table.drop(columns="seconds"))


def test_a_sweep_beside_itself_is_the_sweep(y, sweep, monkeypatch):
    cores, plain = [], choice_module.fit_mixture

    def seen(mixture, rows, settings, **options):
        cores.append(settings.cores)
        return plain(mixture, rows, settings, **options)

    monkeypatch.setattr(choice_module, "fit_mixture", seen)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        beside = bm.choose_components(y, [1, 2, 3], **QUICK)
    assert cores == [1, 1, 1]
    assert list(beside.fits) == [1, 2, 3]
    assert beside.text == sweep.text
    assert_same(beside, sweep)
    for k, fit in beside.fits.items():
        np.testing.assert_array_equal(fit.arrays.weights, sweep.fits[k].arrays.weights)


@pytest.mark.slow
def test_a_sweep_in_processes_is_the_sweep(y, sweep, processes):
    apart = bm.choose_components(y, [1, 2, 3], **QUICK)
    assert_same(apart, sweep)


def failing(k, error, monkeypatch):
    plain = choice_module.fit_mixture

    def broken(mixture, *arguments, **options):
        if mixture.n_components == k:
            raise error
        return plain(mixture, *arguments, **options)

    monkeypatch.setattr(choice_module, "fit_mixture", broken)


def test_a_failure_beside_others_is_a_row(y, monkeypatch):
    failing(2, SamplingError("no draws"), monkeypatch)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        result = bm.choose_components(y, [1, 2, 3], **QUICK, repair=False, evidence=False)
    assert list(result.fits) == [1, 3]
    assert result.table.loc[2, "note"] == "not fitted: no draws"


def test_a_mistake_in_the_code_beside_others_is_not_hidden(y, monkeypatch):
    failing(2, TypeError("a mistake"), monkeypatch)
    with joblib.parallel_config(backend="threading", n_jobs=2), pytest.raises(TypeError, match="a mistake"):
        bm.choose_components(y, [1, 2, 3], **QUICK)


def test_an_interrupt_beside_others_keeps_what_is_finished(y, monkeypatch):
    plain = choice_module.completed

    def interrupted(*arguments):
        results = plain(*arguments)
        yield next(results)
        results.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(choice_module, "completed", interrupted)
    with joblib.parallel_config(backend="threading", n_jobs=2), pytest.warns(InterruptedWarning, match="no fit for"):
        result = bm.choose_components(y, [1, 2, 3, 4, 5], **QUICK)
    assert len(result.fits) == 1
    assert result.table["note"].str.contains("interrupted before its turn").sum() == 4
