"""Independent pieces of work, one after the other here or wherever joblib's active backend sends them.

``with joblib.parallel_config(backend="dask")``, ``"ray"`` or ``"loky", n_jobs=2`` around a call moves its fits to other
processes or machines. A fit that runs beside others keeps to one core: the workers together use all of them.
"""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager
from contextvars import ContextVar
from itertools import batched
from typing import Any

from bayesmix.errors import WorkerError

__all__ = ["completed", "n_workers", "threads"]

_ATTEMPTS = 3
_WAVE = 16
"""Pieces for each worker that are handed out at once where a backend returns results only all together."""

_BESIDE_OTHERS: ContextVar[bool] = ContextVar("beside_others", default=False)


def threads() -> int | None:
    """Return how many threads a computation may use: 1 beside others, None (as many as there are cores) elsewhere."""
    return 1 if _BESIDE_OTHERS.get() else None


def n_workers() -> int:
    """Return how many pieces joblib's active backend runs at once; 1 where none was chosen."""
    import joblib

    return int(joblib.effective_n_jobs(None))


def completed[T, R](
    call: Callable[[T], R], task: Callable[[int], T], positions: Sequence[int], starting: Callable[[int], None]
) -> Generator[tuple[int, R | WorkerError], None, None]:
    """Run a function on many tasks; yield positions and results as they are finished.

    With one worker this is a loop in this process. Close the iterator (`contextlib.closing`) to give up what is left.

    Parameters
    ----------
    call : callable
        From a task to its result; an exception ends everything. Both must be picklable.
    task : callable
        From a position to its task, asked for when it is about to be sent.
    positions : sequence of int
        Which tasks, in the order in which they are to be started.
    starting : callable
        Called with the position before each task where there is one worker.

    Yields
    ------
    int, result
        A `WorkerError` as the result of a task whose process died three times.
    """
    if n_workers() > 1:
        yield from _sent_out(call, task, positions)
        return
    for position in positions:
        starting(position)
        yield position, call(task(position))


def _sent_out[T, R](
    call: Callable[[T], R], task: Callable[[int], T], positions: Sequence[int]
) -> Generator[tuple[int, R | WorkerError], None, None]:
    """Send tasks to the backend, and those again whose process died; dask's scheduler does so by itself."""
    left = dict.fromkeys(positions)
    for _ in range(_ATTEMPTS):
        try:
            with closing(_once(call, task, list(left))) as outputs:
                for position, result in outputs:
                    del left[position]
                    yield position, result
        except BrokenExecutor:
            continue
        break
    for position in left:
        yield (
            position,
            WorkerError(
                f"the process that ran it must return an answer, but processes ended without one {_ATTEMPTS} times, "
                "for lack of memory perhaps. Run it again with fewer workers."
            ),
        )


def _once[T, R](
    call: Callable[[T], R], task: Callable[[int], T], positions: Sequence[int]
) -> Generator[tuple[int, R], None, None]:
    from joblib import Parallel, delayed

    # A tuple travels with its task. The dask backend would put larger objects of other kinds into the memory of one
    # worker, and the task would be lost with it.
    calls = (delayed(_beside_others)(position, call, (task(position),)) for position in positions)
    try:
        streaming = Parallel(return_as="generator_unordered")
    except ValueError:  # Ray, multiprocessing
        for wave in batched(calls, _WAVE * n_workers()):
            yield from Parallel()(wave)
        return
    outputs = streaming(calls)
    try:
        for output in outputs:  # noqa: UP028 - "yield from" would close them outside of what follows
            yield output
    finally:
        with warnings.catch_warnings():  # of what is given up on purpose
            warnings.simplefilter("ignore")
            outputs.close()


def _beside_others[T, R](position: int, call: Callable[[T], R], packed: tuple[T]) -> tuple[int, R]:
    with _one_core():
        return position, call(*packed)


@contextmanager
def _one_core() -> Iterator[None]:
    token: Any = _BESIDE_OTHERS.set(True)
    try:
        yield
    finally:
        _BESIDE_OTHERS.reset(token)
