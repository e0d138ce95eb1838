"""The ledger and the registry on PostgreSQL, read in batches by the event loop.

Plan: what is asked within one turn of the loop goes out as one statement over arrays, one
round trip for all of it (performance.md 3b: 13 times what single queries do).  A few
connections are kept; while all are busy, questions gather for the next batch.
Limits: a question may take ``seconds_max``, waiting included.  Where the server is away the
answer is ``LedgerUnavailable`` at once, and connections come back by themselves.  A newer
program may bring the database up to date meanwhile; that this one is shut out by that each
connection sees within some ``LOOK_SECONDS``.  No row and no password is quoted.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from atm_switch.adapters.postgres_link import BY_INDEX, connected
from atm_switch.domain.errors import LedgerRowWrong, LedgerUnavailable, Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef, LinkedCard, Participant
from atm_switch.ledger import postgres_rows as rows
from atm_switch.ledger.postgres_errors import is_of_statement, refusal_of, was_tried
from atm_switch.ledger.store_postgres import is_shut_out, require_newest

if TYPE_CHECKING:
    from atm_switch.domain.statement import AccountHistory

BATCH_MAX: Final = 256
GRACE: Final = 2.0
PAUSE_FIRST, PAUSE_LONGEST = 0.1, 1.0
LOOK_SECONDS = 10.0
"""Between two looks of a connection for the schema there is by now."""
Tell = Callable[[str, dict[str, str]], None]


@dataclass(slots=True)
class _Kind:
    """One statement and the questions that wait for it."""

    sql: str
    answer: Callable[[Sequence[Any]], Any]
    """Makes one question's answer of its rows."""
    wider: "_Kind | None" = None
    """Asked instead, of an account that others were merged into."""
    waiting: list[tuple[tuple[Any, ...], "asyncio.Future[Any]"]] = field(default_factory=list)


class PostgresReader:
    """Answers ``FindCard``, ``FindSiblings`` and ``FindAccount`` with futures of the loop."""

    def __init__(self, url: str, connections: int, seconds_max: float, tell: Tell) -> None:
        """Wait for ``start``; ``tell`` hears when a connection comes and goes."""
        self._url, self._count, self._seconds_max, self._tell = url, connections, seconds_max, tell
        self._free: list[Any] = []
        self._wanted: dict[Any, asyncio.Event] = {}
        """Connections to be looked over before they get more questions."""
        self._live = 0
        self._told = ("", "")
        self._is_flushing = False
        self._keepers: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()
        self._asked: deque[tuple[float, asyncio.Future[Any]]] = deque()
        """When each question is due, the eldest first."""
        self._alarm: asyncio.TimerHandle | None = None
        self._cards = _Kind(rows.CARDS, rows.card_of)
        self._siblings = _Kind(rows.SIBLINGS, rows.siblings_of)
        self._families = _Kind(rows.FAMILIES, rows.family_of)
        self._accounts = _Kind(rows.ACCOUNTS, rows.account_of, self._families)
        self._kinds = (self._families, self._accounts, self._siblings, self._cards)

    async def start(self) -> None:
        """Connect; a server that is away is tried again in the background.

        Raises ``Refused`` for a database whose schema is not this program's, or that does
        not let us in.
        """
        tried = asyncio.get_running_loop().create_future()
        for _ in range(self._count):
            self._run(self._keep(tried), self._keepers)
        try:
            await tried
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the connections; whoever waits is told."""
        self._give_up("the switch stops")
        await asyncio.gather(*self._answering)  # the server ends them in time
        if self._alarm is not None:
            self._alarm.cancel()
        keepers = list(self._keepers)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    def card(
        self, ref: CardRef, former: tuple[CardRef, ...] = ()
    ) -> "asyncio.Future[LinkedCard | None]":
        """Begin to find a card under ``ref``, or under one of the older card keys."""
        return self._ask(self._cards, (ref, former))

    def siblings(self, kpj: Kpj) -> "asyncio.Future[tuple[Kpj, ...]]":
        """Begin to find every KPJ of the holder: ``kpj`` first, the others ascending."""
        return self._ask(self._siblings, (kpj,))

    def account(
        self, kpj: Kpj, as_of: date
    ) -> "asyncio.Future[tuple[Participant, AccountHistory] | None]":
        """Begin to read a participant and what a statement as of ``as_of`` needs."""
        return self._ask(self._accounts, (kpj, as_of))

    def _ask(self, kind: _Kind, question: tuple[Any, ...]) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._live:
            future.set_exception(LedgerUnavailable("the ledger's PostgreSQL is not connected"))
            return future
        due = loop.time() + self._seconds_max
        self._asked.append((due, future))
        if self._alarm is None:
            self._alarm = loop.call_at(due, self._fail_overdue)
        kind.waiting.append((question, future))
        if not self._is_flushing:
            self._is_flushing = True
            loop.call_soon(self._flush)
        return future

    def _fail_overdue(self) -> None:
        """Fail what is overdue, and set the alarm for what is due next.

        All may take the same time, so they are due in the order in which they were asked,
        and one alarm does for all.
        """
        loop, asked = asyncio.get_running_loop(), self._asked
        while asked and (asked[0][1].done() or asked[0][0] <= loop.time()):
            _fail(asked.popleft()[1], "the ledger took too long")
        self._alarm = loop.call_at(asked[0][0], self._fail_overdue) if asked else None

    def _flush(self) -> None:
        self._is_flushing = False
        # An inquiry begun is ended before another begins: so that in a crowd some are answered.
        for kind in self._kinds:
            while kind.waiting and self._free:
                batch, kind.waiting = kind.waiting[:BATCH_MAX], kind.waiting[BATCH_MAX:]
                asked = [(question, future) for question, future in batch if not future.done()]
                if asked:
                    self._run(self._answer(self._free.pop(), kind, asked), self._answering)

    async def _answer(
        self,
        connection: Any,
        kind: _Kind,
        asked: list[tuple[tuple[Any, ...], "asyncio.Future[Any]"]],
    ) -> None:
        try:
            columns = rows.arrays_of(question for question, _ in asked)
            # The server ends a statement in time; this is for one that does not even say so.
            async with asyncio.timeout(GRACE * self._seconds_max):
                found = await connection.fetch(kind.sql, *columns)
        except Exception as error:  # noqa: BLE001  named by its type: its text may quote a row
            for _, future in asked:
                _fail(future, f"the ledger cannot be read: {type(error).__name__}")
            if not is_of_statement(error):
                connection.terminate()  # what is under way on it is not known any more
        else:
            by_question: dict[int, list[Any]] = {}
            for row in found:
                by_question.setdefault(row[0], []).append(row)
            for at, (question, future) in enumerate(asked):
                own = (question, *by_question.get(at, ()))
                if kind.wider is not None and rows.has_merged(own):
                    kind.wider.waiting.append((question, future))
                else:
                    _settle(future, kind.answer, own)
        finally:
            self._return(connection)

    def _return(self, connection: Any) -> None:
        if is_theirs := self._wanted.pop(connection, None):
            is_theirs.set()
        elif not connection.is_closed():
            self._free.append(connection)
        self._flush()

    async def _keep(self, tried: "asyncio.Future[None]") -> None:
        """Keep one connection up as long as the reader lives."""
        pause = PAUSE_FIRST
        while True:
            try:
                connection = await self._connected()
            except Refused as refused:
                was_tried(tried, refused)
                self._say("ledger refused", str(refused))
            except Exception as error:  # noqa: BLE001  away in whatever way
                refusal = refusal_of(error)
                was_tried(tried, refusal)
                self._say("ledger away", type(error).__name__)
            else:
                pause = PAUSE_FIRST
                await self._use(connection, tried)
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_LONGEST)

    async def _connected(self) -> Any:
        connection = await connected(self._url, self._seconds_max, settings=BY_INDEX)
        try:
            await require_newest(connection)
        except BaseException:
            await connection.close(timeout=self._seconds_max)
            raise
        return connection

    async def _use(self, connection: Any, tried: "asyncio.Future[None]") -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        self._free.append(connection)
        self._live += 1
        if self._live == 1:
            self._say("ledger connected")
        was_tried(tried, None)
        try:
            await self._until_lost(connection, lost)
        finally:
            self._live -= 1
            with suppress(ValueError):
                self._free.remove(connection)
            await _end(connection)
            if not self._live:
                self._give_up("the connection to the ledger was lost")
                if lost.is_set():  # not where the switch stops
                    self._say("ledger lost")

    async def _until_lost(self, connection: Any, lost: asyncio.Event) -> None:
        while not lost.is_set():
            try:
                await asyncio.wait_for(lost.wait(), LOOK_SECONDS)
            except TimeoutError:
                await self._look(connection)

    async def _look(self, connection: Any) -> None:
        """End a connection to a schema with which this program does not work.

        A busy one before it gets more questions: under load there always are some.
        """
        if connection in self._free:
            self._free.remove(connection)
        elif not connection.is_closed():
            self._wanted[connection] = is_ours = asyncio.Event()
            await is_ours.wait()
        try:
            async with asyncio.timeout(GRACE * self._seconds_max):
                if await is_shut_out(connection):
                    connection.terminate()  # why not, the attempt to connect anew will say
        except Exception as error:  # noqa: BLE001  as where a question failed
            if not is_of_statement(error):
                connection.terminate()
        finally:
            self._return(connection)

    def _say(self, event: str, reason: str = "") -> None:
        # Every connection tries again and again: what has been told is not told anew.
        if (event, reason) != self._told:
            self._told = (event, reason)
            self._tell(event, {"reason": reason} if reason else {})

    def _give_up(self, why: str) -> None:
        for kind in self._kinds:
            waiting, kind.waiting = kind.waiting, []
            for _, future in waiting:
                _fail(future, why)

    def _run(self, work: Any, among: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(among.discard)


async def _end(connection: Any) -> None:
    with suppress(Exception):
        await connection.close(timeout=1)


def _settle(
    future: "asyncio.Future[Any]", answer: Callable[[Sequence[Any]], Any], found: Sequence[Any]
) -> None:
    if future.done():
        return
    try:
        future.set_result(answer(found))
    except Exception:  # noqa: BLE001  in whatever way; the other answers of the batch are sound
        future.set_exception(LedgerRowWrong("the ledger holds a row that makes no sense"))


def _fail(future: "asyncio.Future[Any]", why: str) -> None:
    if not future.done():
        future.set_exception(LedgerUnavailable(why))
