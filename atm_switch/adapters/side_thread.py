"""Calls that may wait for a server that hangs, in threads no process waits for at its end.

Why: the threads of an executor are joined when the loop closes, and once more when the
interpreter ends, however long a server takes to answer.  These are daemons: a stop waits for
them as long as it likes, and what they still wait for ends with the process, as in a crash.
Limits: for calls that a crash may cut off.
Whoever waits for an answer in a loop is handed it by ``fulfil``, there.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from atm_switch.domain.errors import NeighbourUnavailable

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
_Work = tuple[Callable[[], Any], Future[Any]]


def begun(call: Callable[[], T]) -> Future[T]:
    """Begin a call in a thread of its own."""
    future: Future[T] = Future()
    Thread(target=_carry_out, args=((call, future),), name="side call", daemon=True).start()
    return future


class SideThread:
    """One thread, for calls one after the other."""

    def __init__(self, name: str) -> None:
        """Wait for the first call."""
        self._calls: SimpleQueue[_Work | None] = SimpleQueue()
        self._began_at: float | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def busy_seconds(self) -> float:
        """How long the call under way takes already; 0 where there is none."""
        began = self._began_at
        return 0.0 if began is None else time.monotonic() - began

    def begin(self, call: Callable[[], T]) -> Future[T]:
        """Have it carried out behind those that wait."""
        future: Future[T] = Future()
        self._calls.put((call, future))
        return future

    def close(self, seconds_max: float) -> None:
        """Carry out what waits, then end; return when that is done, or after some seconds."""
        self._calls.put(None)
        self._thread.join(seconds_max)

    def _run(self) -> None:
        while (work := self._calls.get()) is not None:
            self._began_at = time.monotonic()
            _carry_out(work)
            self._began_at = None


def fulfil(future: "asyncio.Future[Any]", answer: Any) -> None:
    """Hand an answer, in the loop, to whoever waits for it; a failure raises there."""
    if future.done():
        return
    if isinstance(answer, NeighbourUnavailable):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _carry_out(work: _Work) -> None:
    call, future = work
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  raised again, by whoever waits for it
        future.set_exception(error)
