"""Work in the background of which only the newest request counts."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bayesmix.errors import InputError

__all__ = ["Latest", "Outcome"]


@dataclass(frozen=True)
class Outcome[Result]:
    """What became of a request.

    Attributes
    ----------
    result : object or None
        What the job returned; None where it failed.
    error : BaseException or None
        What it raised.
    """

    result: Result | None
    error: BaseException | None


class Latest[Request, Result]:
    """A thread that works on the newest request and forgets all older ones.

    A request that comes while another one is worked on waits for its turn, and a newer one takes its place. What a
    request yields is dropped once there is a newer one. The thread lives only as long as there is something to do.

    Parameters
    ----------
    job : callable
        Takes a request and a function that says whether it is still the newest, to leave out what nobody would see.
    announce : callable
        Takes a request when it is taken on.
    deliver : callable
        Takes a request and its outcome, on the thread, and only if it is still the newest. Neither this nor `announce`
        is called while one of them runs, so that the last one called tells how things are; they should be quick.
    """

    def __init__(
        self,
        job: Callable[[Request, Callable[[], bool]], Result],
        announce: Callable[[Request], None],
        deliver: Callable[[Request, Outcome[Result]], None],
    ) -> None:
        self._job, self._announce, self._deliver = job, announce, deliver
        self._state = threading.Condition()
        self._newest = 0
        self._waiting: tuple[int, Request] | None = None
        self._thread: threading.Thread | None = None
        self._busy = False
        self._outcome: Outcome[Result] | None = None
        self._closed = False

    def submit(self, request: Request) -> None:
        """Take on a request; earlier ones are forgotten.

        Raises
        ------
        InputError
            After `close`.
        """
        with self._state:
            self._refuse_closed()
            self._newest += 1
            self._waiting, self._outcome = (self._newest, request), None
            self._announce(request)
            if not self._busy:
                self._busy = True
                # Not a daemon: a process that ends while compiled code runs in a thread may crash.
                self._thread = threading.Thread(target=self._work, name="bayesmix-explore")
                self._thread.start()

    def wait(self) -> Outcome[Result]:
        """Return the outcome of the newest request as soon as there is one.

        Raises
        ------
        InputError
            After `close`, or where nothing was ever requested.
        """
        with self._state:
            if not self._newest:
                raise InputError("something must have been requested to wait for it, got nothing. Call submit first.")
            self._state.wait_for(lambda: self._outcome is not None or self._closed)
            if self._outcome is None:
                self._refuse_closed()
            assert self._outcome is not None
            return self._outcome

    def close(self) -> None:
        """Forget what waits, and return when the thread has ended; its running job is not broken off."""
        with self._state:
            self._closed, self._waiting, thread = True, None, self._thread
            self._newest += 1
            self._state.notify_all()
        if thread is not None:
            thread.join()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise InputError("an exploration must be open to fit, got one that was closed. Call bm.explore again.")

    def _work(self) -> None:
        try:
            while (taken := self._next()) is not None:
                number, request = taken
                outcome = self._run(number, request)
                with self._state:
                    if number == self._newest:
                        self._outcome = outcome
                        self._state.notify_all()
                        self._deliver(request, outcome)
        finally:
            with self._state:
                if self._thread is threading.current_thread():
                    self._busy = False

    def _next(self) -> tuple[int, Request] | None:
        with self._state:
            taken, self._waiting = self._waiting, None
            if taken is None:
                self._busy = False  # under the same lock, so that a later request starts a new thread
            return taken

    def _run(self, number: int, request: Request) -> Outcome[Result]:
        try:
            return Outcome(self._job(request, lambda: number == self._newest), None)
        except BaseException as error:  # of whatever kind: those who wait would wait for ever
            return Outcome(None, error)
