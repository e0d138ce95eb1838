"""An event loop for those who have none: one call at a time, and Ctrl-C between its steps.

Plan: while a call runs, SIGINT cancels it and raises nothing; ``KeyboardInterrupt`` comes when
the call has ended.  Raised amid a step it would leave a driver's state, and asyncio's own, half
changed, which ends in whatever comes first: a hang, a traceback, SIGSEGV.  A call is handed over
as what makes it, for one made before would, where SIGINT comes in between, never be awaited.
Limits: only the main thread hears of SIGINT, and only where nobody else listens for it.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

PARTING_SECONDS: Final = 5.0
"""How long each call behind a Ctrl-C may take: what tidies up must not keep one waiting."""

P = ParamSpec("P")
T = TypeVar("T")


class CallLoop:
    """Runs coroutines to their end, each before the next."""

    def __init__(self) -> None:
        """Make the loop; nothing runs on it yet."""
        self._loop = asyncio.new_event_loop()
        self._is_interrupted = False

    def run(
        self, call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make one call with ``args`` and ``kwargs``, run it and return what it does.

        Raises what it raises; ``KeyboardInterrupt`` behind it where SIGINT came meanwhile, be the
        call done or not; and, once that came, ``TimeoutError`` behind ``PARTING_SECONDS``.
        """
        own: list[asyncio.Task[T]] = []
        with self._cancelled_by_sigint(own):
            own.append(self._loop.create_task(self._bounded(partial(call, *args, **kwargs))))
            try:
                return self._loop.run_until_complete(own[0])
            finally:
                # asyncio notices the end of a task in a callback that swallows what is raised in
                # it: KeyboardInterrupt, too, were the task to outlast the listening.
                own.clear()

    def later(self, seconds: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Have ``act`` called by a call that still runs then."""
        return self._loop.call_later(seconds, act)

    @property
    def is_closed(self) -> bool:
        """Whether no call can be run any more."""
        return self._loop.is_closed()

    def close(self) -> None:
        """End what still runs, a driver's own tasks, and the loop.

        Raises ``KeyboardInterrupt`` behind it where SIGINT came meanwhile.
        """
        left = asyncio.all_tasks(self._loop)
        try:
            with self._cancelled_by_sigint([]):
                for task in left:
                    task.cancel()
                if left:
                    self._loop.run_until_complete(asyncio.wait(left, timeout=PARTING_SECONDS))
        finally:
            self._loop.close()

    async def _bounded(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if not self._is_interrupted:
            return await call()
        async with asyncio.timeout(PARTING_SECONDS):
            return await call()

    @contextmanager
    def _cancelled_by_sigint(self, own: "Sequence[asyncio.Task[Any]]") -> Iterator[None]:
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        has_come = False

        def heard(*_: object) -> None:
            nonlocal has_come
            has_come = self._is_interrupted = True
            # Heard too late for its own call, it must not cancel the next.
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in own])

        signal.signal(signal.SIGINT, heard)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if has_come:
                raise KeyboardInterrupt from None
