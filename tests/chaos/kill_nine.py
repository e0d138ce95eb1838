"""G5: SIGKILL under load, again and again; nothing acknowledged is lost, nothing told twice.

    python -m tests.chaos.kill_nine [--long] [--seed S]

Plan: each cycle starts the switch, says again whatever the last kill left unanswered, keeps
many requests going over some links, and kills after a drawn number of answers: what answers,
what writes the journal, or both, each in turn in an order that is drawn.  Beside a writer that is
killed the switch goes on: what was under way is refused (96) and said again, and the cycle is
over when a new inquiry is approved that was made behind the kill.  Then the same with two workers:
the process that listens is killed, either worker, the writer, or all.  There two PINs of one card
may be looked at at once; behind tries that a kill left in doubt, which count, the second may find
none left until the first was right: it is 75.  The tries of every card are counted again from the
rows (``tries_standing``): each 75 must have had as many of its card before it as there are, open
or in doubt.  After each kill the journal on disk must have a row B for every answer that came; at
the end every request ever made has exactly one row B and one transaction event, and the journal
verifies.
Limit: the kernel's cache outlives the process; that a row is synced before its answer
leaves is ``synced_first``'s to show.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from sys import maxsize

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.schema import open_reader
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.folder import open_folder
from atm_switch.wire.message import IsoMessage
from tests.chaos.honest import Answer, Honest, HungUp, Script
from tests.chaos.plant import Plant, set_up
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.chaos.tries_standing import counted_again
from tests.doubles.processes import BESIDE_ONE, WRITER_KILLS_MAX, Victim

CYCLES_SHORT, CYCLES_LONG = 8, 500
LINKS, DEPTH = 4, 6
ANSWERS = (5, 250)
"""After so many answers the switch is killed."""
NO_TRY_LEFT, TRIES_MAX = "75", 3
REFUSED, REFUSED_SECONDS = "96", 0.05
"""What is told while nothing can be written, and how long a terminal waits until it asks again."""
FIRST_REPLY_SECONDS_MAX = 2.0
LIVES_ON = frozenset({Victim.WORKER, Victim.OTHER_WORKER, Victim.WRITER})
"""Beside those the switch goes on."""
WORKERS, WORKERS_CYCLES_SHORT, WORKERS_CYCLES_LONG = 2, 5, 100
WORKERS_REPLY_SECONDS_MAX = 5.0
"""More has to start, and what a killed process had listened for finishes first."""


@dataclass
class Book:
    """What was asked and what was told, over all cycles."""

    plant: Plant
    script: Script
    has_several: bool = False
    """Whether a link may fall to a worker that is not back yet, or not with a new writer."""
    asked: set[str] = field(default_factory=set)
    open: dict[str, IsoMessage] = field(default_factory=dict)
    """Asked and not answered yet."""
    told: Counter[str] = field(default_factory=Counter)
    """DE39 of the answers."""
    without_try: set[str] = field(default_factory=set)
    """RRNs of those told that no try was left."""
    refused: int = 0
    """Told 96 beside a writer that was killed, and said again."""
    kills: Counter[Victim] = field(default_factory=Counter)
    beside: int = 0
    """Processes killed beside the switch that runs now, which goes on."""
    written: Counter[str] = field(default_factory=Counter)
    """Rows B on disk, by RRN."""
    seen_through: int = 0
    lost: int = 0
    first_replies: list[float] = field(default_factory=list)
    """Seconds from each start."""
    back: list[float] = field(default_factory=list)
    """Seconds from each kill of the writer alone until an inquiry of then was approved."""

    def start(self) -> None:
        """Start the switch, unless it has lived on."""
        if not self.plant.is_running:
            self.plant.start()
            self.beside = 0

    def kill(self, victim: Victim) -> None:
        """Kill, and count it."""
        self.plant.kill(victim)
        self.kills[victim] += 1
        self.beside += victim in LIVES_ON

    async def sign_on(self) -> Honest:
        """Open a link."""
        opened = Honest.open_again if self.has_several else Honest.open
        return await opened(self.script, self.plant.port)

    async def ask(self, link: Honest, message: IsoMessage) -> Answer:
        """Ask, and note the answer; what is hung up on, or refused for want of a writer, stays."""
        rrn = message[37]
        self.asked.add(rrn)
        self.open[rrn] = message
        answer = await link.ask(message)
        if answer.code == REFUSED and self.beside:
            self.refused += 1
        elif self.open.pop(rrn, None) is not None:
            self.told[answer.code] += 1
            if answer.code == NO_TRY_LEFT:
                self.without_try.add(rrn)
        return answer

    def compare_with_disk(self, answered: set[str]) -> None:
        """Find a row B for each answer of this cycle."""
        with JournalReader(open_folder(self.plant.folder).journal) as reader:
            rows = reader.follow(self.seen_through, maxsize)
        # What a start ended in doubt was answered by nobody.
        self.written.update(row.rrn for row in rows if row.outcome not in (None, IN_DOUBT))
        self.seen_through = rows[-1].seq if rows else self.seen_through
        self.lost += sum(rrn not in self.written for rrn in answered)


@dataclass
class Cycle:
    """A load that ends with a kill."""

    book: Book
    victim: Victim
    answers: int
    """After so many it comes."""
    answered: set[str] = field(default_factory=set)
    killed_at: float = float("inf")
    is_enough: asyncio.Event = field(default_factory=asyncio.Event)
    is_back: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where a new inquiry is approved that was made behind the kill."""

    def __post_init__(self) -> None:
        """Take up what is open."""
        self.left_open = list(self.book.open.values())
        self.is_first = self.book.beside == 0

    async def worker(self, link: Honest) -> None:
        """Ask one request after the other until hung up on, or the writer is back."""
        with suppress(HungUp):
            while not self.is_back.is_set():
                again = self.left_open.pop() if self.left_open else None
                message = self.book.script.inquiry() if again is None else repeat_of(again)
                self._take(await self.book.ask(link, message), is_new=again is None)
                if message[37] in self.book.open:
                    self.left_open.append(message)
                    await asyncio.sleep(REFUSED_SECONDS)

    def _take(self, answer: Answer, *, is_new: bool) -> None:
        now = time.monotonic()
        if answer.rrn in self.book.open:
            return  # refused
        if not self.answered and self.is_first:
            self.book.first_replies.append(now - self.book.plant.began)
        self.answered.add(answer.rrn)
        # A repeat may have had its answer written before.
        if is_new and answer.asked_at > self.killed_at and not self.is_back.is_set():
            if self.victim is Victim.WRITER:
                self.book.back.append(now - self.killed_at)
            self.is_back.set()
        if len(self.answered) >= self.answers and not self.left_open:
            self.is_enough.set()

    async def run(self) -> set[str]:
        """Load the switch until it is killed; return the RRNs that were answered."""
        links = [await self.book.sign_on() for _ in range(LINKS)]
        working = [asyncio.create_task(self.worker(link)) for link in links for _ in range(DEPTH)]
        async with asyncio.timeout(120):
            await self.is_enough.wait()
            if self.victim in LIVES_ON:
                while self.victim.value not in self.book.plant.processes:
                    await asyncio.sleep(REFUSED_SECONDS)  # killed before, it is not there yet
                self.killed_at = time.monotonic()
            self.book.kill(self.victim)
            await asyncio.gather(*working)  # what is still in the sockets was acknowledged
        for link in links:
            link.close()
        return self.answered


def victims(chance: random.Random, kinds: Sequence[Victim]) -> Iterator[Victim]:
    """Yield each kind once, in any order, again and again."""
    while True:
        yield from chance.sample(kinds, len(kinds))


async def one_cycle(book: Book, victim: Victim, chance: random.Random) -> set[str]:
    """Load and kill; where too much was killed beside the switch already, it with that."""
    if victim in LIVES_ON and book.beside >= WRITER_KILLS_MAX:
        victim = Victim.BOTH
    return await Cycle(book, victim, chance.randint(*ANSWERS)).run()


def repeat_of(message: IsoMessage) -> IsoMessage:
    """Write the 0201 of an 0200."""
    return IsoMessage("0201", message.elements)


async def settle(book: Book) -> None:
    """Say the last open ones again."""
    link = await book.sign_on()
    for message in list(book.open.values()):
        await book.ask(link, repeat_of(message))
    link.close()


def told_twice(plant: Plant) -> tuple[int, int, int]:
    """Count events of answers, those whose row has more than one, and those of doubts."""
    connection = open_reader(open_folder(plant.folder).journal, seconds_max=60.0)
    try:
        refs = Counter(connection.execute(
            "SELECT outbox.ref, outcome FROM outbox"
            " JOIN journal_rows ON journal_rows.seq = outbox.ref WHERE source = 'transaction'"
        ))  # fmt: skip
    finally:
        connection.close()
    doubts = sum(count for (_, outcome), count in refs.items() if outcome == IN_DOUBT)
    return refs.total() - doubts, refs.total() - len(refs), doubts


def killed(
    trial: Trial, plant: Plant, cycles: int, kinds: Sequence[Victim], reply_seconds_max: float
) -> tuple[bool, str, tuple[str, ...]]:
    """Kill so often; then hold the disk against what was said."""
    chance = random.Random(trial.seed)  # noqa: S311 - when to kill
    book = Book(plant, Script(plant.folder), Victim.WORKER in kinds)
    drawn = victims(chance, kinds)
    with suppress(KeyboardInterrupt):  # what was done so far is a figure too
        while book.kills.total() < cycles:
            book.start()
            book.compare_with_disk(asyncio.run(one_cycle(book, next(drawn), chance)))
    if plant.is_running:
        plant.kill(Victim.BOTH)
    book.start()
    asyncio.run(settle(book))
    plant.stop()
    book.compare_with_disk(book.asked)
    events, doubled, doubts = told_twice(plant)
    opened = open_folder(plant.folder)
    with JournalReader(opened.journal) as reader:
        is_sound = reader.verify(opened.vault()).is_sound
        tries = counted_again(reader.follow(0, maxsize), TRIES_MAX)
    doubled += sum(count > 1 for count in book.written.values())
    slowest = max(book.first_replies)
    said = ", ".join(f"{book.kills[victim]} of {victim.value}" for victim in kinds)
    got = (
        f"{book.kills.total()} kills ({said}), {book.told.total():,} answers {dict(book.told)}, "
        f"{book.refused} refused beside a killed writer and said again, {book.lost} lost, "
        f"{doubled} doubled, {events:,} events, {doubts} ended in doubt, "
        f"{len(book.without_try)} without a try beside {tries.doubts} in doubt and "
        f"{tries.under_way} under way of their cards, {len(tries.wrong)} tries counted wrong; "
        f"first reply {slowest:.2f} s after a start at most, "
        f"{max(book.back, default=0.0):.2f} s after a writer's end"
    )
    is_held = (
        book.lost == doubled == 0 and is_sound and not book.open
        and events == len(book.asked) == book.told["00"] + book.told[NO_TRY_LEFT]
        and book.without_try <= (tries.explained if Victim.WORKER in kinds else set())
        and not tries.wrong
        and book.kills.total() == cycles and trial.in_time(was=slowest < reply_seconds_max)
    )  # fmt: skip
    return is_held, got, tuple(tries.wrong[:5])


def measure(trial: Trial) -> Found:
    """Kill one of one worker, then one of two."""
    parts = []
    several = trial.size(WORKERS_CYCLES_SHORT, WORKERS_CYCLES_LONG)
    for workers, cycles, kinds, reply in (
        (1, trial.size(CYCLES_SHORT, CYCLES_LONG), BESIDE_ONE, FIRST_REPLY_SECONDS_MAX),
        (WORKERS, several, tuple(Victim), WORKERS_REPLY_SECONDS_MAX),
    ):
        root = trial.root / str(workers)
        root.mkdir()
        plant = set_up(root, "--pin", "issuer", workers=workers, is_patient=True)
        parts.append(killed(trial, plant, cycles, kinds, reply))
    got = f"{parts[0][1]}; with {WORKERS} workers {parts[1][1]}"
    notes = tuple(wrong for *_, found in parts for wrong in found)
    return Found(got, is_held=all(held for held, *_ in parts), notes=notes)


GOAL = Goal(
    "G5",
    "kill -9 under load",
    f"0 lost, 0 doubled, reply within {FIRST_REPLY_SECONDS_MAX:g} s of a start, "
    f"with {WORKERS} workers {WORKERS_REPLY_SECONDS_MAX:g} s (long: 500)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
