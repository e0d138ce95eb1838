"""The journal's own writer without its thread: a batch is written when it is told to.

All else is the product's: the queue and its bound, what makes a batch, the commit, what an
error means, what is answered then.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from atm_switch.adapters.batch_writer import OnBatch
from atm_switch.adapters.journal_writer import JournalWriter


class SteppedWriter(JournalWriter[Any]):
    """Writes one batch each ``step``."""

    on_ring: Callable[[], None] = staticmethod(lambda: None)
    """Called when there is something to write."""
    on_early: Callable[[list[tuple[Any, Any]]], None] = staticmethod(lambda _batch: None)
    """For a planted bug: hears answers before they are true."""
    _medium: sqlite3.Connection | None = None

    def start(self, on_batch: OnBatch[Any]) -> None:  # noqa: ARG002 - who steps hands over
        """Open the file.  Raises what opening it does."""
        self._medium = self._open()
        self._is_open = True

    @property
    def is_due(self) -> bool:
        """Whether a batch waits that was rung for."""
        return self._is_rung and bool(self._waiting)

    def step(self) -> list[tuple[Any, Any]]:
        """Write a batch; return its answers, which are durable."""
        assert self._medium is not None
        batch = self._take()
        answers, go_on = self._write(self._medium, [question for _, question in batch])
        assert go_on, "no fault of this simulation ends a writer"
        return [(token, answer) for (token, _), answer in zip(batch, answers, strict=True)]

    def limit_pages(self, *, is_full: bool) -> None:
        """Have SQLite find no room for one page more, or room again."""
        assert self._medium is not None
        pages = 1 if is_full else 1_000_000  # less than there are means: as many as there are
        self._medium.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    def stop(self) -> None:
        """Take no more, and let go of the file."""
        self._is_open = False
        self._waiting.clear()
        if self._medium is not None:
            self._medium.close()
            self._medium = None

    def _ring(self) -> None:
        super()._ring()
        self.on_ring()
