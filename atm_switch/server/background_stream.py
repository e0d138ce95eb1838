"""A text stream that never blocks and never fails: lines are made and written by a thread.

A log that is read too slowly, a full disk or a reader that went away must not stop an
answer.  Plan: a bounded queue of what is to be written; the thread lets some gather, turns
them into text and writes them at once.  What does not fit or cannot be written is counted,
and the count is the next line that gets through.
Why gather: a thread that is woken for each line takes the interpreter from the loop each
time, which costs more than the line.
"""

import atexit
from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Generic, TextIO, TypeVar

LINES_MAX = 20_000
GATHER_SECONDS = 0.02
"""How long lines gather before they are written: a reader of the log does not notice."""
CLOSE_SECONDS = 1.0
"""How long the end of the program waits for the last lines."""

T = TypeVar("T")


class BackgroundStream(Generic[T]):
    """Takes what ``render`` turns into text, line end included, in the thread."""

    def __init__(
        self, target: TextIO, render: Callable[[T], str], lines_max: int = LINES_MAX
    ) -> None:
        """Start the thread; it ends with the program, after the last lines."""
        self._target = target
        self._render = render
        self._lines_max = lines_max
        self._waiting: deque[T] = deque()
        self._is_some = Event()
        self._is_over = Event()
        self.lost = 0
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def waiting(self) -> int:
        """How many lines wait to be written."""
        return len(self._waiting)

    def write(self, line: T) -> None:
        """Queue one line, or count it as lost."""
        if len(self._waiting) >= self._lines_max:
            self.lost += 1
            return
        self._waiting.append(line)
        if not self._is_some.is_set():
            self._is_some.set()

    def close(self) -> None:
        """Write what waits, within a bounded time."""
        atexit.unregister(self.close)
        self._is_over.set()
        self._is_some.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._is_some.wait()
            self._is_over.wait(GATHER_SECONDS)
            self._is_some.clear()  # first: what comes from here on rings again
            self._put_all()
        self._put_all()

    def _put_all(self) -> None:
        count = len(self._waiting)
        lost, self.lost = self.lost, 0
        note = f'{{"event": "log lines lost", "count": {lost}}}\n' if lost else ""
        try:
            lines = [self._render(self._waiting.popleft()) for _ in range(count)]
            if count:
                self._target.write(note + "".join(lines))
                self._target.flush()
                lost = 0
        except (OSError, ValueError, TypeError):
            lost += count
        self.lost += lost
