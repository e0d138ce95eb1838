"""A text stream that never blocks and never fails: lines are written by a thread.

A log that is read too slowly, a full disk or a reader that went away must not stop an
answer.  Plan: a bounded queue; what does not fit or cannot be written is counted, and the
count is the next line that gets through.
"""

import atexit
from queue import SimpleQueue
from threading import Thread
from typing import TextIO

LINES_MAX = 20_000
CLOSE_SECONDS = 1.0
"""How long the end of the program waits for the last lines."""


class BackgroundStream:
    """What ``structlog.WriteLogger`` writes to."""

    def __init__(self, target: TextIO, lines_max: int = LINES_MAX) -> None:
        """Start the thread; it ends with the program, after the last lines."""
        self._target = target
        self._lines_max = lines_max
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self.lost = 0
        self._thread = Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, text: str) -> None:
        """Queue one line, or count it as lost."""
        if self._queue.qsize() >= self._lines_max:
            self.lost += 1
        else:
            self._queue.put(text)

    def flush(self) -> None:
        """Do nothing: the thread flushes when it has caught up."""

    def close(self) -> None:
        """Write what waits, within a bounded time."""
        atexit.unregister(self.close)
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while (text := self._queue.get()) is not None:
            self._put(text)

    def _put(self, text: str) -> None:
        lost, self.lost = self.lost, 0
        note = f'{{"event": "log lines lost", "count": {lost}}}\n' if lost else ""
        try:
            self._target.write(note + text)
            if self._queue.empty():
                self._target.flush()
        except (OSError, ValueError):
            self.lost += lost + 1
