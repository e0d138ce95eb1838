"""The writer of a journal's file, for workers in other processes.

Plan: a stream socket in the folder; what every worker sends is put to the one writer thread,
which makes one commit of all that waits, whoever sent it.  Answers go back a batch at a
time.  A cut-over is told to all other workers before it is answered; a key file that was
changed is so once they have taken it up (``journal_news``).  A request that another worker is
at work on is not begun twice (``journal_claims``).  How long a commit took is told to one
worker, beside answers.
"""

import asyncio
import itertools
import os
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, cast

from atm_switch.adapters.clock import read_clock
from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_claims import Claims
from atm_switch.adapters.journal_drafts import REF
from atm_switch.adapters.journal_news import Unheard
from atm_switch.adapters.journal_wire import Frames, KeysChanged, Strange, framed, socket_name
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.postgres_shared import DATES, KEYS
from atm_switch.adapters.remote_journal import COMMITTED, NEWS
from atm_switch.adapters.side_thread import fulfil
from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.switch.ports import KeepBusinessDate, Reserve, UnderWay


class Asker(Protocol):
    """Whoever has a question written."""

    def say(self, entries: Sequence[tuple[int, Any]]) -> None:
        """Hear the answers, by the number of each question."""


Token = tuple[Asker, int, Any]
"""Whose question it is, its number there, and the question where its answer concerns others."""
READ_BYTES: Final = 65_536
_FULL: Final = "the journal's writer is not running, or too many rows wait for it"


class JournalServer:
    """Serves the workers of one folder; made by ``open``."""

    def __init__(self, path: Path, writer: JournalWriter[Token]) -> None:
        """Wait for ``open``; ``path`` is the socket's."""
        self._path, self._writer = path, writer
        self._workers: set[_Worker] = set()
        self._own = _Own()
        self._claims = Claims(lambda: read_clock().monotonic)
        self._unheard = Unheard[Asker, tuple[Asker, int]]()
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._commits: deque[float] = deque()
        """Seconds of commits that no worker was told yet; the writer's thread adds to it."""
        writer.on_commit = self._commits.append

    def start(self) -> None:
        """Start the writer; call in the loop.  Raises what its ``start`` does."""
        loop = asyncio.get_running_loop()
        self._writer.start(lambda batch: _soon(loop, self.delivered, batch))

    async def open(self) -> None:
        """Listen.  Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await loop.create_unix_server(self.worker, socket_name(self._path))
        finally:
            os.umask(before)
        self._inode = self._path.stat().st_ino

    def worker(self) -> asyncio.Protocol:
        """Return what speaks with one more worker."""
        return _Worker(self)

    @property
    def workers(self) -> int:
        """How many workers are connected."""
        return len(self._workers)

    async def ask(self, question: JournalQuestion) -> Any:
        """Put a question of this process's own.  Raises ``JournalUnavailable``."""
        number, asked = self._own.expect(asyncio.get_running_loop())
        self._writer.submit(question, (self._own, number, None))
        return await asked

    def shut(self) -> None:
        """Listen no more; whoever is connected stays."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            with suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._inode:  # else a later writer's
                    self._path.unlink()

    def close(self) -> None:
        """Listen no more, write what waits, end."""
        self.shut()
        self._writer.stop()

    def came(self, worker: "_Worker") -> None:
        """Hear of a worker."""
        self._workers.add(worker)

    def went(self, worker: "_Worker") -> None:
        """Hear that it is gone."""
        self._workers.discard(worker)
        self._claims.gone(worker)
        _answer(self._unheard.gone(worker))

    def asked(self, worker: "_Worker", questions: list[tuple[int, Any]]) -> None:
        """Put a worker's questions to the writer."""
        asked: list[tuple[Token, Any]] = []
        said: list[tuple[int, JournalUnavailable | UnderWay | None]] = []
        for number, question in questions:
            try:
                self._writer.check(question)
            except ValueError as error:
                said.append((number, JournalRefusesRow(type(error).__name__)))
                continue
            if isinstance(question, tuple):  # the draft of a row B
                ends = question if question[REF] is not None else None
                asked.append(((worker, number, ends), question))
            elif isinstance(question, KeysChanged):
                self._keys_changed(worker, number)
            elif busy := self._claims.taken(worker, question):
                said.append((number, busy))
            else:
                told = question if isinstance(question, Reserve | KeepBusinessDate) else None
                asked.append(((worker, number, told), question))
        count = self._writer.submit_all(asked)
        for (_, number, told), _question in asked[count:]:
            said.append((number, refusal := JournalUnavailable(_FULL)))
            self._claims.heard(worker, told, refusal)
        if said:
            worker.say(said)

    def delivered(self, batch: list[tuple[Token, Any]]) -> None:
        """Hear what the writer has written, in the loop: answer whoever asked."""
        answers: dict[Asker, list[tuple[int, Any]]] = {}
        for (worker, number, question), answer in batch:
            if question is not None:
                self._claims.heard(worker, question, answer)
                if isinstance(question, KeepBusinessDate) and not isinstance(answer, Exception):
                    self._tell_others(worker, DATES)
            answers.setdefault(worker, []).append((number, answer))
        for worker, its in answers.items():
            if worker is not self._own:
                its += [(COMMITTED, self._commits.popleft()) for _ in range(len(self._commits))]
            worker.say(its)

    def _keys_changed(self, worker: "_Worker", number: int) -> None:
        """Hear that a worker has changed keys, or has taken up what another has."""
        if number == NEWS:
            _answer(self._unheard.taken_up(worker))
        else:
            _answer(self._unheard.told(self._tell_others(worker, KEYS), (worker, number)))

    def _tell_others(self, worker: Asker, news: str) -> "list[_Worker]":
        others = [other for other in self._workers if other is not worker]
        for other in others:
            other.say([(NEWS, news)])
        return others


class _Own:
    """What this process itself asks."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}

    def expect(self, loop: asyncio.AbstractEventLoop) -> "tuple[int, asyncio.Future[Any]]":
        number = next(self._numbers)
        self._asked[number] = asked = loop.create_future()
        return number, asked

    def say(self, entries: Sequence[tuple[int, Any]]) -> None:
        for number, answer in entries:
            fulfil(self._asked.pop(number), answer)


class _Worker(asyncio.Protocol):
    """One worker's connection.

    Why a second descriptor of it: where an answer meets nobody, the loop gives the connection up
    with all that lies in it unread, and that is still to be written.
    """

    def __init__(self, server: JournalServer) -> None:
        self._server = server
        self._frames = Frames()
        self._transport: asyncio.WriteTransport | None = None
        self._rest: socket.socket | None = None
        self._is_strange = False

    def say(self, entries: Sequence[tuple[int, Any]]) -> None:
        if self._transport is not None:
            self._transport.write(framed(entries))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none of these
        theirs = transport.get_extra_info("socket")
        try:
            self._rest = theirs and socket.socket(fileno=os.dup(theirs.fileno()))
        except OSError:  # no descriptor is left; it connects again
            self._transport.abort()
        else:
            self._server.came(self)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._frames.receive(data):
                self._server.asked(self, frame)
        except Strange:
            self._is_strange = True
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        try:
            if self._rest is not None:  # as it is where the connection is none of the kernel's
                with self._rest:
                    while not self._is_strange and (data := _rest_of(self._rest)):
                        self.data_received(data)
        finally:
            self._server.went(self)


def _rest_of(connection: socket.socket) -> bytes:
    try:
        return connection.recv(READ_BYTES, socket.MSG_DONTWAIT)
    except OSError:
        return b""


def _answer(waiting: Sequence[tuple[Asker, int]]) -> None:
    for worker, number in waiting:
        worker.say([(number, None)])


def _soon(loop: asyncio.AbstractEventLoop, call: Any, batch: Any) -> None:
    try:
        loop.call_soon_threadsafe(call, batch)
    except RuntimeError:  # the loop is closed: nobody is left to hear it
        return
