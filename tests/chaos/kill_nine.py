"""G5: SIGKILL under load, again and again; nothing acknowledged is lost, nothing told twice.

    python -m tests.chaos.kill_nine [--long] [--seed S]

Plan: each cycle starts the switch, says again whatever the last kill left unanswered, keeps
many requests going over some links, and kills after a drawn number of answers.  After each
kill the journal on disk must have a row B for every answer that came; at the end every
request ever made has exactly one row B and one transaction event, and the journal verifies.
Limit: the kernel's cache outlives the process; that a row is synced before its answer
leaves is ``synced_first``'s to show.
"""

import asyncio
import random
import time
from collections import Counter
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

CYCLES_SHORT, CYCLES_LONG = 8, 500
LINKS, DEPTH = 4, 6
ANSWERS = (5, 250)
"""After so many answers the switch is killed."""
FIRST_REPLY_SECONDS_MAX = 2.0


@dataclass
class Book:
    """What was asked and what was told, over all cycles."""

    plant: Plant
    script: Script
    asked: set[str] = field(default_factory=set)
    open: dict[str, IsoMessage] = field(default_factory=dict)
    """Asked and not answered yet."""
    told: Counter[str] = field(default_factory=Counter)
    """DE39 of the answers."""
    written: Counter[str] = field(default_factory=Counter)
    """Rows B on disk, by RRN."""
    seen_through: int = 0
    lost: int = 0
    first_replies: list[float] = field(default_factory=list)

    async def ask(self, link: Honest, message: IsoMessage) -> Answer:
        """Ask, and note the answer; what is hung up on stays open."""
        rrn = message[37]
        self.asked.add(rrn)
        self.open[rrn] = message
        answer = await link.ask(message)
        if self.open.pop(rrn, None) is not None:
            self.told[answer.code] += 1
        return answer

    def compare_with_disk(self, answered: set[str]) -> None:
        """Find a row B for each answer of this cycle."""
        with JournalReader(open_folder(self.plant.folder).journal) as reader:
            rows = reader.follow(self.seen_through, maxsize)
        # What a start ended in doubt was answered by nobody.
        self.written.update(row.rrn for row in rows if row.outcome not in (None, IN_DOUBT))
        self.seen_through = rows[-1].seq if rows else self.seen_through
        self.lost += sum(rrn not in self.written for rrn in answered)


async def one_cycle(book: Book, answers: int) -> set[str]:
    """Load the switch until it is killed; return the RRNs that were answered."""
    links = [await Honest.open(book.script, book.plant.port) for _ in range(LINKS)]
    answered: set[str] = set()
    left_open = list(book.open.values())
    is_enough = asyncio.Event()

    async def worker(link: Honest) -> None:
        try:
            while True:
                again = left_open.pop() if left_open else None
                message = book.script.inquiry() if again is None else repeat_of(again)
                answer = await book.ask(link, message)
                if not answered:
                    book.first_replies.append(time.monotonic() - book.plant.began)
                answered.add(answer.rrn)
                if len(answered) >= answers and not left_open:
                    is_enough.set()
        except HungUp:
            return

    working = [asyncio.create_task(worker(link)) for link in links for _ in range(DEPTH)]
    async with asyncio.timeout(120):
        await is_enough.wait()
        book.plant.kill()
        await asyncio.gather(*working)  # what is still in the sockets was acknowledged
    return answered


def repeat_of(message: IsoMessage) -> IsoMessage:
    """Write the 0201 of an 0200."""
    return IsoMessage("0201", message.elements)


async def settle(book: Book) -> None:
    """Say the last open ones again."""
    link = await Honest.open(book.script, book.plant.port)
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


def measure(trial: Trial) -> Found:
    """Kill so often; then hold the disk against what was said."""
    cycles = trial.size(CYCLES_SHORT, CYCLES_LONG)
    chance = random.Random(trial.seed)  # noqa: S311 - when to kill
    plant = set_up(trial.root, "--pin", "issuer")
    book = Book(plant, Script(plant.folder))
    done = 0
    with suppress(KeyboardInterrupt):  # what was done so far is a figure too
        while done < cycles:
            plant.start()
            book.compare_with_disk(asyncio.run(one_cycle(book, chance.randint(*ANSWERS))))
            done += 1
    if plant.is_running:
        plant.kill()
    plant.start()
    asyncio.run(settle(book))
    plant.stop()
    book.compare_with_disk(book.asked)
    events, doubled, doubts = told_twice(plant)
    opened = open_folder(plant.folder)
    with JournalReader(opened.journal) as reader:
        is_sound = reader.verify(opened.vault()).is_sound
    doubled += sum(count > 1 for count in book.written.values())
    slowest = max(book.first_replies)
    got = (
        f"{done} kills, {book.told.total():,} answers {dict(book.told)}, {book.lost} lost, "
        f"{doubled} doubled, {events:,} events, {doubts} ended in doubt; "
        f"first reply {slowest:.2f} s at most"
    )
    is_held = (
        book.lost == doubled == 0 and is_sound and not book.open
        and events == len(book.asked) == book.told["00"]
        and done == cycles and trial.in_time(was=slowest < FIRST_REPLY_SECONDS_MAX)
    )  # fmt: skip
    return Found(got, is_held)


GOAL = Goal(
    "G5",
    "kill -9 under load",
    "0 lost, 0 doubled, reply within 2 s of a start (long: 500)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
