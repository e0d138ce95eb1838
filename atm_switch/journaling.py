"""The journal of a running switch: its own file, or its share of one on PostgreSQL.

Plan: one object that the service asks for the writer, the answers to repeats, what was
remembered, and the blocks of host references.  On a shared journal every process writes as
a node of its own (``postgres_journal``); who is first to answer a request, whose turn a PIN
try is and which command counts is settled in the database; business dates and keys that
another process changed are heard of (``postgres_news``).  Workers on one machine share its
file through the writer's process (``remote_journal``), with the same claims; a switch of one
process may have such a writer, too (``writer_apart``), or a thread.
Limits: the limits of frequency, the strikes and the order of PIN checks of one card are
each process's own: two processes may look at two PINs of a card at once, never at a fourth.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from atm_switch.adapters.batch_writer import BatchWriter
from atm_switch.adapters.clock import read_clock, utc_now
from atm_switch.adapters.folder_lock import lock_writing
from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_wire import SOCKET_NAME
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.postgres_dead_nodes import settle_dead_nodes
from atm_switch.adapters.postgres_journal import PostgresJournalWriter, PostgresRepeats
from atm_switch.adapters.postgres_news import PostgresNews
from atm_switch.adapters.postgres_reader import PostgresReader
from atm_switch.adapters.postgres_shared import DATES, KEYS
from atm_switch.adapters.remote_journal import RemoteJournal
from atm_switch.adapters.schema import open_writer
from atm_switch.adapters.side_thread import begun, fulfil
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.folder import DataFolder
from atm_switch.seat import Seat
from atm_switch.security.vault import Vault
from atm_switch.server.hand_over import hand_over
from atm_switch.settling import GONE_SECONDS, Ended, Settling, SettlingOfOthers
from atm_switch.start_up import Memory, recall, recall_dates
from atm_switch.switch.effects import Ticket
from atm_switch.switch.house import HOST_BLOCK, House
from atm_switch.switch.late_keys import LookAtKeys
from atm_switch.switch.ports import FindRepeat, KeepKeys, TakeNumbers

NUMBERS: Final = -1
"""The ticket of a block of host references; the core counts from 1."""
DOUBTS: Final = -2
"""The ticket of a look for requests in doubt."""
START_SECONDS_MAX: Final = 25.0
AGAIN_SECONDS: Final = 1.0, 60.0
"""After news that could not be taken up: at first, and at most."""

Writer = BatchWriter[Ticket, JournalQuestion, Any] | RemoteJournal
Keep = Callable[[KeepKeys], "asyncio.Future[None]"]
T = TypeVar("T")
Batch = list[tuple[Ticket, Any]]
Tell = Callable[[str, dict[str, str]], None]


class Journaling:
    """The journal of one process."""

    def __init__(self, folder: DataFolder, vault: Vault, seat: Seat) -> None:
        """Make the file's schema.  Raises ``Refused``."""
        place, limits = folder.journal_place, folder.settings.journal
        bounds = limits.queue_max, limits.batch_max
        self.is_shared = bool(place.url) or seat.is_worker
        self._place, self._vault, self._root = place, vault, folder.root
        self._let_go: Callable[[], None] = lambda: None
        self._house: House | None = None
        self._news: PostgresNews | None = None
        self._remote: RemoteJournal | None = None
        self._changed: Callable[[str], Awaitable[None]] = _nobody
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers_asked = False
        self._first_block: asyncio.Future[int] | None = None
        self._doubts_asked: asyncio.Future[Settled] | None = None
        self._settling: Settling | None = None
        self._others: SettlingOfOthers | None = None
        self._is_first = seat.is_first
        self.on_doubts: Callable[[Ended], None] = lambda _ended: None
        """Told how many requests in doubt were ended, by acquirer."""
        self._reader: JournalReader | None = None
        self._repeats: PostgresRepeats[asyncio.Future[Any]] | None = None
        self.writer: Writer
        if place.url:
            self._repeats = PostgresRepeats(place.url, vault, *bounds)
            self.writer = PostgresJournalWriter(
                place.url, place.node + seat.suffix, vault, utc_now, os.urandom, *bounds
            )
        else:
            open_writer(place.path, "journal").close()
            soon = asyncio.get_running_loop().call_soon
            self._reader = JournalReader(place.path, soon=soon)
            if not seat.is_alone:
                socket = folder.root / SOCKET_NAME
                self._remote = RemoteJournal(socket, self._heard, limits.queue_max)
                self.writer = self._remote
            else:
                self.writer = JournalWriter(place.path, vault, utc_now, os.urandom, *bounds)

    def last_sequence(self) -> int:
        """Return from where host references are counted up; a shared journal has blocks."""
        return self._reader.last_sequence() if self._reader is not None else 0

    @property
    def answers(self) -> dict[type[Any], Callable[[Any], Any]]:
        """Who answers what is asked besides writing, by the kind of question."""
        look = lambda _: self._later(self._news.look()) if self._news else None  # noqa: E731
        return {FindRepeat: self.find_repeat, LookAtKeys: look}

    def find_repeat(self, question: FindRepeat) -> Any:
        """Answer from the file at once, or with a future of the loop."""
        if self._reader is not None:
            return self._reader.find_repeat(question, self._vault)
        if self._repeats is None:
            raise JournalUnavailable("the journal is closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._repeats.submit(question, future)
        return future

    async def start(
        self, house: House, tell: Tell, changed: Callable[[str], Awaitable[None]],
        *hearers: Callable[[Batch], None],
    ) -> None:  # fmt: skip
        """Begin to write; give ``house`` what was remembered.  Raises ``Refused``.

        ``changed`` is awaited with what another process has changed, once it is known here.
        """
        loop = asyncio.get_running_loop()
        self._house, self._changed, house.has_shared_keys = house, changed, bool(self._place.url)
        await self._reach_file()
        if not self.is_shared:  # a writer of the run before may just have written its last
            house.host_sequence = max(house.host_sequence, self.last_sequence())
        self.writer.start(hand_over(loop, self._own_heard, *hearers))
        if self._repeats is not None:
            self._repeats.start(lambda batch: _settle_all(loop, batch))
        await self._read(lambda memory: recall(house, memory, read_clock()))
        if self.is_shared:
            house.host_sequence = await self._taken() * HOST_BLOCK
        if self._place.url:
            self._news = PostgresNews(self._place.url, self._heard, tell)
            self._news.start()
        if self._remote is None:  # whose file it is settles it, and every node its own
            clock = lambda: read_clock().monotonic  # noqa: E731
            self._settling = Settling(self._ask_of_doubts, self.on_doubts, clock)
            await self._settling.start(is_alone=True)
        if self._place.url and self._is_first:
            self._others = SettlingOfOthers(self._settle_others, self.on_doubts)
            self._others.start()

    async def _reach_file(self) -> None:
        """Reach the process that writes the file, or be the one that does.  Raises ``Refused``."""
        if self._remote is not None:
            await _in_time(self._remote.connect())
        elif self._reader is not None:
            self._let_go = await lock_writing(self._root)

    def telling_of_keys(self, keep: Keep) -> Keep:
        """Have other workers take up the keys that were kept, before that is answered if need be.

        A journal on PostgreSQL tells by itself.
        """
        remote = self._remote
        if remote is None:
            return keep

        async def kept(question: KeepKeys) -> None:
            await keep(question)
            if not question.is_awaited:  # nor by anybody that others have heard of it
                self._later(remote.say_keys_changed())
                return
            try:
                await remote.tell_keys_changed()
            except JournalUnavailable:
                self._heard(KEYS)  # the others work with what was kept, or will: so must this one
                raise

        return lambda question: asyncio.get_running_loop().create_task(kept(question))

    def tick(self) -> None:
        """See that there is a block of host references to go on with."""
        house = self._house
        if self.is_shared and house and not (house.host_blocks or self._numbers_asked):
            self._ask_numbers()

    def close(self) -> None:
        """Write what waits, then end."""
        if self._settling is not None:
            self._settling.stop()
        if self._others is not None:
            self._others.stop()
        if self._news is not None:
            self._news.close()
        for task in self._tasks:
            task.cancel()
        self.writer.stop()
        if self._repeats is not None:
            self._repeats.stop()
        if self._reader is not None:
            self._reader.close()
        self._let_go()

    async def _taken(self) -> int:
        self._first_block = asyncio.get_running_loop().create_future()
        self._ask_numbers()
        return await _in_time(self._first_block)

    def _ask_numbers(self) -> None:
        self._numbers_asked = True
        try:
            self.writer.submit(TakeNumbers(), NUMBERS)
        except JournalUnavailable:
            self._numbers_asked = False

    def _own_heard(self, batch: Batch) -> None:
        for ticket, answer in batch:
            if ticket == NUMBERS:
                self._numbers_heard(answer)
            elif ticket == DOUBTS and self._doubts_asked is not None:
                fulfil(self._doubts_asked, answer)

    def _numbers_heard(self, answer: Any) -> None:
        self._numbers_asked = False
        first = self._first_block
        if first is not None and not first.done():
            fulfil(first, answer)
        elif isinstance(answer, int) and self._house is not None:
            self._house.host_blocks.append(answer)

    async def _ask_of_doubts(self, question: SettleDoubts) -> Settled:
        asked = self._doubts_asked = asyncio.get_running_loop().create_future()
        self.writer.submit(question, DOUBTS)
        settled: Settled = await asked
        return settled

    def _settle_others(self) -> Ended:
        before = utc_now() - timedelta(seconds=GONE_SECONDS)
        found = settle_dead_nodes(self._place.url, self._vault, utc_now, os.urandom, before)
        return sum((one.ended for one in found), Counter())

    def _heard(self, kind: str) -> "asyncio.Task[None]":
        return self._later(self._take_up(kind))

    def _later(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def _take_up(self, kind: str) -> None:
        """End once the change is known here: whoever made it goes by that."""
        house, (pause, longest) = self._house, AGAIN_SECONDS
        while True:
            with suppress(JournalUnavailable, Refused, OSError):
                if kind == DATES and house is not None:
                    await self._read(lambda memory: recall_dates(house, memory))
                await self._changed(kind)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _read(self, read: Callable[[Memory], None]) -> None:
        if self._reader is not None:
            read(self._reader)
        else:  # in a thread, for the reader brings a loop of its own
            await asyncio.wrap_future(begun(lambda: _read(self._place.url, read)))


def _read(url: str, read: Callable[[Memory], None]) -> None:
    with PostgresReader(url) as reader:
        read(reader)


async def _in_time(waiting: Awaitable[T]) -> T:
    try:
        return await asyncio.wait_for(waiting, START_SECONDS_MAX)
    except TimeoutError:
        raise Refused("the journal does not answer; is its writer, or PostgreSQL, there?") from None


async def _nobody(_kind: str) -> None:
    """Hear nothing: the switch has not started."""


def _settle_all(
    loop: asyncio.AbstractEventLoop, batch: list[tuple["asyncio.Future[Any]", Any]]
) -> None:
    def settle() -> None:
        for future, answer in batch:
            fulfil(future, answer)

    with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
        loop.call_soon_threadsafe(settle)
