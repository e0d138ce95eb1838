"""The way of an inquiry's row into the journal, and its line of log, for callgrind to count.

Plan: as many inquiries as a count takes are answered by a real switch, and their commits kept.
"hand-off" is what both processes do besides writing: a row of the switch is put on the wire with
the others of its turn, taken from it and queued, and its answer comes back the same way.  "writer"
is one transaction of a real file for as many rows.  Both do a whole batch at every ``ROWS``-th
trip, so that counts are those of a row.  "log line" is written as JSON, in the same thread.
Limits: no socket, no thread and no kernel, so neither syncs nor pages written are counted.
"""

import asyncio
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from atm_switch.adapters.clock import utc_now
from atm_switch.adapters.journal_server import JournalServer, Token
from atm_switch.adapters.journal_writer import JournalWriter, OnBatch
from atm_switch.adapters.remote_journal import RemoteJournal
from atm_switch.security.vault import Vault
from atm_switch.server.journal_bell import JournalBell
from atm_switch.server.log import make_logger
from atm_switch.switch.effects import Note
from atm_switch.switch.ports import Commit
from tests.bench.codec_trips import Trip

NAMES = ("hand-off", "writer", "log line")
ROWS = 32
"""Rows of a batch: what the full path has on two cores, with 64 requests in flight."""


@contextmanager
def journal_trips(
    folder: Path, vault: Vault, commits: Sequence[Commit], note: Note
) -> Iterator[dict[str, Trip]]:
    """Return the pieces; each takes a row of ``commits`` a trip, whole batches of them.

    ``note`` is what the log says of one inquiry.
    """
    writer = _StillWriter(folder / "journal.db", vault, utc_now, os.urandom)
    writer.start(lambda _batch: None)
    way = _Way(writer)
    try:
        batches = [way.there(commits[at : at + ROWS]) for at in range(0, len(commits), ROWS)]
        yield {
            "hand-off": _by_batch(commits, lambda some: way.back(way.there(some))),
            "writer": _by_batch(commits, lambda _some: writer.write(batches.pop(0))),
            "log line": _log_line(note),
        }
    finally:
        writer.stop()


class _StillWriter(JournalWriter[Token]):
    """Writes only when it is told, in the thread that tells it."""

    def start(self, _on_batch: OnBatch[Token]) -> None:
        """Open the file."""
        self._medium = self._open()
        self._is_open = True

    def taken(self) -> list[tuple[Token, Any]]:
        """Return what waits, as its thread would take it."""
        return self._take()

    def write(self, batch: list[tuple[Token, Any]]) -> None:
        """Write a batch."""
        answers, _ = self._write(self._medium, [question for _, question in batch])
        if answers != [None] * len(batch):
            raise LookupError("a commit was not written")

    def stop(self) -> None:
        """Close the file."""
        self._medium.close()


class _Wire:
    """Brings what one end writes to the other at once."""

    def __init__(self, other: asyncio.Protocol) -> None:
        self.write = other.data_received

    def get_extra_info(self, _name: str) -> None:
        """There is no socket."""


class _Turn:
    """A loop whose turn ends when it is told to."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], None]] = []
        self.call_soon = self._calls.append

    def end(self) -> None:
        while self._calls:
            self._calls.pop()()


class _Way:
    """From the switch to the writer of another process, and back."""

    def __init__(self, writer: _StillWriter) -> None:
        self._server, self._writer = JournalServer(Path(), writer), writer
        self._remote, worker = RemoteJournal(Path(), lambda _news: None), self._server.worker()
        self._remote.connection_made(cast("asyncio.Transport", _Wire(worker)))
        worker.connection_made(cast("asyncio.Transport", _Wire(self._remote)))
        self._heard: list[Any] = []
        self._remote.start(self._heard.extend)
        self._turn = _Turn()
        self._bell = JournalBell(cast("asyncio.AbstractEventLoop", self._turn), self._remote)

    def there(self, commits: Sequence[Commit]) -> list[tuple[Token, Any]]:
        """Have the commits of one turn asked; return what the writer takes."""
        for ticket, commit in enumerate(commits):
            self._bell.submit(commit, ticket)
        self._turn.end()
        return self._writer.taken()

    def back(self, batch: list[tuple[Token, Any]]) -> None:
        """Answer them."""
        self._heard.clear()
        self._server.delivered([(token, None) for token, _ in batch])
        if self._heard != [(ticket, None) for ticket in range(len(batch))]:
            raise LookupError("the answers are not those of the questions")


def _by_batch(commits: Sequence[Commit], take: Callable[[Sequence[Commit]], None]) -> Trip:
    """Take the commits one a trip, and with the last of a batch all of it."""
    batches = [commits[at : at + ROWS] for at in range(0, len(commits), ROWS)]
    trips = 0

    def trip() -> int:
        nonlocal trips
        trips += 1
        if trips % ROWS == 0:
            take(batches[trips // ROWS - 1])
        return trips

    return trip


def _log_line(note: Note) -> Trip:
    stream = io.StringIO()
    log = make_logger("json", "info", stream)

    def trip() -> int:
        log.info(note.event, **note.fields)
        return stream.tell()

    return trip
