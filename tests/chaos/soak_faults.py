"""What is done to the switch and its neighbours while it soaks: one fault after the other.

Plan: each is a coroutine that returns when it is over and notes from when to when a request may
be refused for it, or a link be lost.  Processes are killed in the first part of a run only, so
that memory is measured of such as live; the broker's faults go on beside all others.  Behind the
last kill what the switch remembers of messages is filled up to its bound, at once: mangled frames
would take hours for it, and what grows slowly up to a bound looks like what grows for ever.
Limits: a switch gives up a writer that ends more than five times a minute, so it is killed less
often than that.  The ledger of a switch that soaks is a file: what hangs it holds the loop up.
"""

import asyncio
import fcntl
import random
import signal
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from atm_switch.folder import open_folder
from tests.attacks.test_ever_other_messages import FULL, ever_other
from tests.chaos.broker_beside import Auditor, TheBroker
from tests.chaos.crowd import crowd
from tests.chaos.honest import Honest, HungUp, Script
from tests.chaos.hostile_frames import frames
from tests.chaos.plant import Hangs, Plant
from tests.chaos.soak_books import FROZEN, KILLED, LEDGER, LOCKED, Books, Harm
from tests.doubles.processes import BESIDE_ONE, WRITER_KILLS_MAX, Victim

Drawn = TypeVar("Drawn")
BACK_SECONDS_MAX = 60.0
"""So long after a kill an inquiry is approved again, or it is said that none is."""
OPEN_SECONDS_MAX = 30.0
MINUTE = 60.0
READ_MARKS = (5, 123)
"""How many of a ``-shm`` file's bytes stand for those who read, and the first (SQLite's WAL)."""
BURST = 32
"""Messages under way at once of those that fill the switch's memory."""
AWAY = (
    "ALTER TABLE participants RENAME TO participants_away",
    "ALTER TABLE participants_away RENAME TO participants",
)


async def asked(books: Books, script: Script, link: Honest) -> str:
    """Ask something new and write it down.  Raises ``HungUp``, ``TimeoutError``."""
    message = script.inquiry()
    books.asks(message[37])
    try:
        told = await link.ask(message)
    except (HungUp, OSError):
        books.loses(message[37], time.monotonic())
        raise
    books.takes(told)
    return told.code


async def opened(script: Script, plant: Plant) -> Honest:
    """Connect and sign on, in a time.  Raises ``HungUp``, ``OSError``."""
    async with asyncio.timeout(OPEN_SECONDS_MAX):
        return await Honest.open(script, plant.port)


@dataclass
class Faults:
    """All that goes wrong in one run."""

    plant: Plant
    script: Script
    chance: random.Random
    books: Books
    broker: TheBroker
    auditor: Auditor
    """Who subscribes at it."""
    counts: Counter[str] = field(default_factory=Counter)
    kills_until: float = 0.0
    """Monotonic; processes are killed before."""
    until: float = 0.0
    hangs: str = ""
    """What did not come back."""
    back: list[float] = field(default_factory=list)
    """Seconds from each kill until an inquiry was approved."""
    full_at: float = 0.0
    """Monotonic; when what is remembered of messages was full, once it is."""
    _writer_kills: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Have each kind of kill come."""
        self._victims = self._in_turn(BESIDE_ONE)

    async def of_the_switch(self) -> None:
        """Do harm, one thing after the other."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            self.hostile, self.locked, self.frozen, self.crowded, self.reloaded,
            self.ledger_away, self.ledger_held,
        )  # fmt: skip
        others = self._in_turn(kinds)
        kind: Callable[[], Awaitable[None]] = self.reloaded
        while time.monotonic() < self.until and not self.hangs:
            if time.monotonic() >= self.kills_until and not self.full_at:
                kind = self.filled
            else:
                is_kill = time.monotonic() < self.kills_until and kind != self.killed
                kind = self.killed if is_kill else next(others)
            self.counts[kind.__name__] += 1
            try:
                await kind()
            except (HungUp, OSError, sqlite3.OperationalError):
                pass  # of a link of its own: the books have what was asked on it
            except Hangs as hangs:
                self.hangs = str(hangs)
            await asyncio.sleep(self.chance.uniform(0.2, 1.0))

    def _in_turn(self, all_of_them: Sequence[Drawn]) -> Iterator[Drawn]:
        """Yield each once, in any order, again and again."""
        while True:
            yield from self.chance.sample(all_of_them, len(all_of_them))

    async def of_the_broker(self, seconds_max: float) -> None:
        """Stop it and let it go, kill it and start it again; at last it is there."""
        kinds = self._in_turn(("stopped", "killed", "ended"))
        while time.monotonic() < self.until and not self.hangs:
            await asyncio.sleep(self.chance.uniform(0.2, 1.0) * seconds_max)
            while not self.auditor.is_settled and time.monotonic() < self.until:
                await asyncio.sleep(0.1)  # what a killed one has not handed on is its own loss
            kind = next(kinds)
            self.counts[f"broker {kind}"] += 1
            seconds = self.chance.uniform(0.2, 1.0) * seconds_max
            if kind == "stopped":
                self.broker.send(signal.SIGSTOP)
                await self._pause(seconds)
                self.broker.send(signal.SIGCONT)
            else:
                await asyncio.to_thread(self.broker.end, at_once=kind == "killed")
                await self._pause(seconds)
                await asyncio.to_thread(self.broker.start)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the run's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < min(deadline, self.until):
            await asyncio.sleep(0.1)

    async def killed(self) -> None:
        """Kill what answers, what writes, or both; be back when an inquiry is approved."""
        victim = self._victim()
        self.counts[f"killed {victim.value}"] += 1
        with self._harm(KILLED):
            began = time.monotonic()
            await asyncio.to_thread(self.plant.kill, victim)
            if victim is Victim.WRITER:
                self._writer_kills.append(began)
            else:
                self._writer_kills.clear()  # whoever counts them is new
                await asyncio.to_thread(self.plant.start)
            await self._approved_again(began)

    def _victim(self) -> Victim:
        victim, since = next(self._victims), time.monotonic() - MINUTE
        while self._writer_kills and self._writer_kills[0] < since:
            self._writer_kills.popleft()
        may_be = len(self._writer_kills) < WRITER_KILLS_MAX and "writer" in self.plant.processes
        return victim if may_be or victim is not Victim.WRITER else Victim.BOTH

    async def _approved_again(self, killed_at: float) -> None:
        while (seconds := time.monotonic() - killed_at) < BACK_SECONDS_MAX:
            with suppress(HungUp, OSError):
                link = await opened(self.script, self.plant)
                code = await asked(self.books, self.script, link)
                link.close()
                if code == "00":
                    self.back.append(time.monotonic() - killed_at)
                    return
            await asyncio.sleep(0.02)
        raise Hangs(f"nothing was approved for {seconds:.0f} s after a kill")

    async def hostile(self) -> None:
        """Spew on a link of its own, and go in the middle of a frame."""
        link = await opened(self.script, self.plant)
        hostile = frames(self.script, self.chance.randrange(1 << 30))
        link.write(b"".join(next(hostile) for _ in range(50)) + next(hostile)[:9])
        await asyncio.sleep(0.2)
        link.close()

    async def filled(self) -> None:
        """Send many more kinds of sound messages than it remembers, each refused by a 30."""
        link = await opened(self.script, self.plant)
        messages = ever_other(self.chance.randrange(1 << 30))
        for _ in range(2 * FULL // BURST):
            await asyncio.gather(*(link.ask(one) for one in islice(messages, BURST)))
        self.full_at = time.monotonic()
        link.close()

    async def locked(self) -> None:
        """Keep the journal's write lock for a while."""
        path = open_folder(self.plant.folder).journal
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as other:
            other.execute("BEGIN IMMEDIATE")
            with self._harm(LOCKED):
                await asyncio.sleep(self.chance.uniform(0.05, 0.5))
                other.execute("ROLLBACK")

    async def frozen(self) -> None:
        """Stop what answers, what writes, or both, and let it go."""
        victim = self.chance.choice(BESIDE_ONE)
        self.counts[f"frozen {victim.value}"] += 1
        with self._harm(FROZEN):
            self.plant.send(signal.SIGSTOP, victim)
            await asyncio.sleep(self.chance.uniform(0.05, 0.5))
            self.plant.send(signal.SIGCONT, victim)

    async def crowded(self) -> None:
        """Have many connect, send half a frame, and leave."""
        await asyncio.to_thread(self._crowd)

    def _crowd(self) -> None:
        with crowd(self.plant.port, 100, "--half") as there:
            there.left()

    async def reloaded(self) -> None:
        """Have certificates and keys read again."""
        self.plant.send(signal.SIGHUP)

    async def ledger_away(self) -> None:
        """Take a table out of the ledger for a while, as an operator may by mistake."""
        with self._harm(LEDGER):
            self._in_ledger(AWAY[0])
            await asyncio.sleep(self.chance.uniform(0.1, 1.0))
            self._in_ledger(AWAY[1])

    def _in_ledger(self, statement: str) -> None:
        path = self.plant.folder / "ledger.db"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5.0)) as other:
            other.execute("PRAGMA foreign_keys = OFF")
            other.execute("PRAGMA legacy_alter_table = ON")
            other.execute(statement)

    async def ledger_held(self) -> None:
        """Let nobody begin to read the ledger for a while, as one does that mends its WAL."""
        with (self.plant.folder / "ledger.db-shm").open("r+b") as shared:
            fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, *READ_MARKS)  # or somebody reads
            with self._harm(LEDGER):
                await asyncio.sleep(self.chance.uniform(0.05, 0.5))
                fcntl.lockf(shared, fcntl.LOCK_UN, *READ_MARKS)

    @contextmanager
    def _harm(self, kind: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.books.harm.append(Harm(kind, began, time.monotonic()))
