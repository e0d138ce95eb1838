"""The journal's file as a worker sees it: written by another process, over a socket.

Plan: the same door as the writer thread's.  All that one turn of the loop brings goes in one
frame, and the writer's process makes one commit of what all workers sent meanwhile.
Limits: for the loop's own thread.  Where the writer's process is gone, what was asked is
answered ``JournalUnavailable`` - it may be in the file or not - and so is what is asked
until it is back.
"""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any, Final, cast

from atm_switch.adapters.batch_writer import OnBatch
from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_drafts import drafted
from atm_switch.adapters.journal_wire import Frames, KeysChanged, Strange, framed, socket_name
from atm_switch.adapters.journal_writer import check_question
from atm_switch.adapters.postgres_shared import DATES, KEYS
from atm_switch.adapters.side_thread import fulfil
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import Commit

AGAIN_SECONDS: Final = 0.01
"""Between two attempts: a start waits for it, and so does whoever asks while it is away."""
NEWS: Final = 0
"""The number of an entry that is no answer but tells of a change, or that one is taken up."""
COMMITTED: Final = -1
"""The number of an entry with the seconds that a commit took."""
HEARD_SECONDS_MAX: Final = 5.0
"""So long a change waits for the other workers to take it up."""
BACK_SECONDS: Final = 0.5
"""After a connection is made anew until all other workers may be thought to have theirs."""

Heard = Callable[[str], "asyncio.Future[None] | None"]
"""Told what another worker has changed; what it returns ends once that is taken up."""


class RemoteJournal(asyncio.Protocol):
    """Asks the writer's process; the token of a question is a ticket."""

    def __init__(self, path: Path, heard: Heard, queue_max: int = 4096) -> None:
        """Wait for ``connect``; ``heard`` is told what other workers have changed."""
        self._path, self._told, self._queue_max = path, heard, queue_max
        self._numbers = itertools.count(NEWS + 1)
        self._asked: dict[int, Any] = {}
        self._waiting: list[tuple[int, Any]] = []
        self._transport: asyncio.WriteTransport | None = None
        self._back_at = -inf
        self._frames = Frames()
        self._unsaid: list[object] = []
        """Changes told of over this connection that are not said to be known here."""
        self._on_batch: OnBatch[Any] = lambda _batch: None
        self._connecting: asyncio.Task[None] | None = None
        self._is_closed = False
        self.has_failed = False
        """Never: a writer's process that ends is started again."""
        self.on_commit: Callable[[float], None] = lambda _seconds: None
        """Told, in the loop, the seconds of each commit that no other worker is told of."""

    def start(self, on_batch: OnBatch[Any]) -> None:
        """Hand answers to ``on_batch``, a frame's at a time, in the loop."""
        self._on_batch = on_batch

    async def connect(self) -> None:
        """Connect to the writer's process, however long it takes to come up."""
        loop = asyncio.get_running_loop()
        while not self._is_closed:
            with suppress(OSError):
                await loop.create_unix_connection(lambda: self, socket_name(self._path))
                return
            await asyncio.sleep(AGAIN_SECONDS)

    @property
    def is_writing(self) -> bool:
        """Whether ``submit`` takes questions."""
        return self._transport is not None

    @property
    def waiting(self) -> int:
        """How many questions are not answered."""
        return len(self._asked)

    def submit(self, question: JournalQuestion, token: Any, *, rings: bool = True) -> None:
        """Queue a question.  Raises as the writer thread's does."""
        if isinstance(question, Commit):
            self._submit(drafted(question), token)
        else:
            check_question(question)
            self._submit(question, token)
        if rings:
            self.ring()

    def ring(self) -> None:
        """Send what waits."""
        if self._waiting and self._transport is not None:
            self._transport.write(framed(self._waiting))
            self._waiting.clear()

    async def tell_keys_changed(self) -> None:
        """Have every other worker take up that the key file was changed.

        Raises ``JournalUnavailable`` where that is not certain: they do when they are back,
        and nobody must go by the change before.
        """
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        # Behind a writer that has come back the others may not be connected yet.
        await asyncio.sleep(self._back_at + BACK_SECONDS - loop.time())
        self._submit(KeysChanged(), told)
        self.ring()
        try:
            await asyncio.wait_for(told, HEARD_SECONDS_MAX)
        except TimeoutError:
            raise JournalUnavailable("another worker does not take up a change") from None

    async def say_keys_changed(self) -> None:
        """Have them take it up whenever they do; who is not told now reads the keys when back."""
        with suppress(JournalUnavailable):
            await self.tell_keys_changed()

    def stop(self) -> None:
        """Ask no more.  What was sent is written."""
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self.ring()
            self._transport.close()

    def _submit(self, question: Any, token: Any) -> None:
        if self._transport is None:
            raise JournalUnavailable("the journal's writer is not running")
        if len(self._asked) >= self._queue_max:
            raise JournalUnavailable("too many rows wait for the journal")
        number = next(self._numbers)
        self._asked[number] = token
        self._waiting.append((number, question))

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none of these
        self._frames, self._unsaid = Frames(), []

    def data_received(self, data: bytes) -> None:
        """Hand out the answers."""
        try:
            for frame in self._frames.receive(data):
                self._take(frame)
        except Strange:
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """Answer what was asked, and look for the writer again."""
        self._transport = None
        self._waiting.clear()
        lost, self._asked = self._asked, {}
        if self._is_closed:  # by us: what was sent is written, and has not failed
            return
        self._deliver([
            (token, JournalUnavailable("the journal's writer has ended"))
            for token in lost.values()
        ])  # fmt: skip
        self._connecting = asyncio.get_running_loop().create_task(self._connect_again())

    async def _connect_again(self) -> None:
        await self.connect()
        self._back_at = asyncio.get_running_loop().time()
        for kind in (DATES, KEYS):  # what was told meanwhile was not heard
            self._told(kind)

    def _take(self, frame: list[tuple[int, Any]]) -> None:
        answers = []
        for number, answer in frame:
            if number == NEWS:
                self._hear(answer)
            elif number in self._asked:
                answers.append((self._asked.pop(number), answer))
            elif number == COMMITTED:
                self.on_commit(answer)
        self._deliver(answers)

    def _hear(self, kind: str) -> None:
        transport, taken_up, news = self._transport, self._told(kind), object()
        if kind == KEYS:
            self._unsaid.append(news)

        def say(ended: "asyncio.Future[None] | None" = None) -> None:
            if ended is not None and (ended.cancelled() or ended.exception() is not None):
                return  # it is not known here: nobody may go by it
            if transport is not None and transport is self._transport and news in self._unsaid:
                # What was read knows all that was changed before, though it was not read then.
                count = self._unsaid.index(news) + 1
                del self._unsaid[:count]
                transport.write(framed([(NEWS, KeysChanged())] * count))

        if taken_up is None:
            say()
        else:
            taken_up.add_done_callback(say)

    def _deliver(self, answers: list[tuple[Any, Any]]) -> None:
        batch = []
        for token, answer in answers:
            if not isinstance(token, asyncio.Future):
                batch.append((token, answer))
            else:
                fulfil(token, answer)
        if batch:
            self._on_batch(batch)
