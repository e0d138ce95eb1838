"""G28: a load with faults drawn at random; nothing grows, and every request is accounted for.

    python -m tests.chaos.soak [--long | --hours H] [--seed S]

Plan: steady honest terminals with right PINs and wrong ones; meanwhile, one fault after the
other: links reset in mid-request, hostile frames, half frames, a journal locked for a
while, the process stopped and let go (SIGSTOP), a crowd that comes and goes, SIGHUP.
Memory, descriptors and requests under way are read every second.
Accounted for: received = answered + refused + in doubt; here: every answer has one ending in
the journal, with the code that was heard; every request without an answer was on a link that
this harness reset, and nothing else hung up; what has a row A has its B or is in doubt; and a
91 or 96 was asked while a fault stood that explains it.
The long form is a night, ``--hours`` a part of one; Ctrl-C ends it with the books of what there
was, and a goal missed.
Limit: the tasks of the event loop cannot be counted from outside; requests under way, which
are what makes tasks, can.
"""

import asyncio
import random
import signal
import sqlite3
import time
from collections import Counter, defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.folder import open_folder
from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from tests.chaos.crowd import crowd
from tests.chaos.honest import Answer, Honest, HungUp, Script, Tally
from tests.chaos.hostile_frames import frames
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECONDS_SHORT, SECONDS_LONG = 20.0, 8 * 3_600.0
LINKS, RATE = 6, 8.0
SLOPE_KIB_PER_HOUR_MAX = 1024.0
GROWTH_KIB_MAX = 4 * 1024
"""What the short form may grow by in its second half; an hour's slope needs an hour."""
REFUSALS = ("91", "96")
RESETS = 0.02
"""Share of the requests whose link is reset while they are under way."""
SETTINGS = "[limits]\nbad_frames_per_minute = 0\n"


@dataclass
class Soak:
    """One run."""

    plant: Plant
    script: Script
    chance: random.Random
    tally: Tally = field(default_factory=Tally)
    asked: set[str] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)
    """Asked on a link that was reset here."""
    harm: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the journal was locked or the process stopped."""
    faults: Counter[str] = field(default_factory=Counter)
    resident: list[tuple[float, int]] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    until: float = 0.0
    """Monotonic; Ctrl-C brings it nearer."""

    async def terminal(self) -> None:
        """Ask at a steady pace, over a new link where the old one was cut."""
        link: Honest | None = None
        while time.monotonic() < self.until:
            message = self.script.inquiry()
            try:
                if link is None or link.is_lost:
                    link = await Honest.open(self.script, self.plant.port)
                self.asked.add(message[37])
                asking = asyncio.ensure_future(link.ask(message))
                if self.chance.random() < RESETS:
                    await asyncio.sleep(self.chance.uniform(0.0, 0.02))
                    self.faults["reset"] += 1
                    self.cut_off.add(message[37])
                    link.reset()
                self.tally.take(await asking)
            except (HungUp, OSError):
                pass  # whose fault it was say the books
            await asyncio.sleep(1 / RATE)
        if link is not None:
            link.close()

    async def faulty(self) -> None:
        """Do harm, one thing after the other."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            self.hostile, self.locked, self.frozen, self.crowded, self.reloaded,
        )  # fmt: skip
        while time.monotonic() < self.until:
            kind = self.chance.choice(kinds)
            self.faults[kind.__name__] += 1
            with suppress(HungUp, OSError):
                await kind()
            await asyncio.sleep(self.chance.uniform(0.2, 1.0))

    async def hostile(self) -> None:
        """Spew on a link of its own, and go in the middle of a frame."""
        link = await Honest.open(self.script, self.plant.port)
        hostile = frames(self.script, self.chance.randrange(1 << 30))
        link.write(b"".join(next(hostile) for _ in range(50)) + next(hostile)[:9])
        await asyncio.sleep(0.2)
        link.close()

    async def locked(self) -> None:
        """Keep the journal's write lock for a while."""
        path = open_folder(self.plant.folder).journal
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            await asyncio.sleep(self.chance.uniform(0.05, 0.5))
            other.execute("ROLLBACK")
            self.harm.append((began, time.monotonic()))

    async def frozen(self) -> None:
        """Stop the process and let it go."""
        self.plant.send(signal.SIGSTOP)
        began = time.monotonic()
        await asyncio.sleep(self.chance.uniform(0.05, 0.5))
        self.plant.send(signal.SIGCONT)
        self.harm.append((began, time.monotonic()))

    async def crowded(self) -> None:
        """Have many connect, send half a frame, and leave."""
        await asyncio.to_thread(self._crowd)

    def _crowd(self) -> None:
        with crowd(self.plant.port, 100, "--half") as there:
            there.left()

    def explains(self, told: Answer) -> bool:
        """Tell whether a refusal was asked for while a fault stood, or just before."""
        ended = told.asked_at + told.seconds
        return any(begin <= ended and told.asked_at <= end for begin, end in self.harm)

    async def reloaded(self) -> None:
        """Have certificates and keys read again."""
        self.plant.send(signal.SIGHUP)

    async def watch(self) -> None:
        """Read memory and descriptors every second."""
        while time.monotonic() < self.until:
            self.resident.append((time.monotonic(), self.plant.resident_kib))
            self.descriptors.append(self.plant.descriptors)
            await asyncio.sleep(1.0)

    async def run(self, seconds: float) -> int:
        """Do all of it; return what is under way when all is quiet again."""
        self.until = time.monotonic() + seconds
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._stop_soon)
        terminals = [self.terminal() for _ in range(LINKS)]
        await asyncio.gather(*terminals, self.faulty(), self.watch())
        status = await asyncio.to_thread(ask_switch, self.plant.folder / FILE_NAME, "status")
        return int(status["in_flight"])

    def _stop_soon(self) -> None:
        self.until = 0.0


def slope(points: list[tuple[float, int]]) -> float:
    """Return the slope of a straight line through points, per hour."""
    count = len(points)
    mean_x, mean_y = (sum(part) / count for part in zip(*points, strict=True))
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return float(3_600 * above / (sum((x - mean_x) ** 2 for x, _ in points) or 1.0))


def accounted(soak: Soak) -> dict[str, int]:
    """Hold the journal against what was asked and what came; all but the first three are wrong."""
    with JournalReader(open_folder(soak.plant.folder).journal) as reader:
        rows = [row for row in reader.follow(0, 10_000_000) if row.rrn in soak.asked]
        doubted = {row.rrn for row in reader.in_doubt()}
    codes: defaultdict[str, list[str | None]] = defaultdict(list)
    for row in rows:
        if not row.is_reservation:
            codes[row.rrn].append(row.response_code)
    answers = soak.tally.answers
    answered = {told.rrn for told in answers}
    reserved = {row.rrn for row in rows if row.is_reservation}
    refused = [told for told in answers if told.code in REFUSALS and not soak.explains(told)]
    unwritten = [told for told in answers if told.code != "96" and codes[told.rrn] != [told.code]]
    return {
        "answered": len(answered), "cut_off": len(soak.cut_off - answered),
        "in_doubt": len(reserved & doubted),
        "unanswered": len(soak.asked - answered - soak.cut_off),
        "refused_without_cause": len(refused),
        "not_written_as_told": len(unwritten),
        "written_twice": sum(len(told) > 1 for told in codes.values()),
        "without_end": len(reserved - codes.keys() - doubted),
    }  # fmt: skip


def is_whole(books: dict[str, int]) -> bool:
    """Tell whether nothing is wrong in the books."""
    return not any(list(books.values())[3:])


def in_words(books: dict[str, int]) -> str:
    """Write the books out."""
    return ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in books.items())


def measure(trial: Trial) -> Found:
    """Soak for so long."""
    plant = set_up(trial.root, "--pin", "issuer", settings=SETTINGS)
    chance = random.Random(trial.seed)  # noqa: S311 - which fault comes when
    soak = Soak(plant, Script(plant.folder), chance)
    with running(plant):
        before = plant.descriptors
        wanted = SECONDS_LONG if trial.is_long else SECONDS_SHORT
        if trial.hours is not None:
            wanted = trial.hours * 3_600
        began = time.monotonic()
        under_way = asyncio.run(soak.run(wanted))
        seconds = time.monotonic() - began
        left = plant.descriptors_left(before)
        plant.stop()
    half = soak.resident[len(soak.resident) // 2 :]
    growth, per_hour = half[-1][1] - half[0][1], slope(half)
    books = accounted(soak)
    is_flat = per_hour < SLOPE_KIB_PER_HOUR_MAX if trial.is_long else growth < GROWTH_KIB_MAX
    got = (
        f"{seconds:,.0f} of {wanted:,.0f} s, {len(soak.asked):,} asked, "
        f"{dict(soak.tally.codes)}, faults {soak.faults.total()} of {len(soak.faults)} kinds; "
        f"{in_words(books)}; memory {growth:+,} KiB in the 2nd half ({per_hour / 1024:+.1f} "
        f"MiB/h), {left} descriptors left, {under_way} under way, {plant.mistakes} mistakes"
    )
    is_calm = left == under_way == plant.mistakes == 0 and seconds >= wanted
    return Found(got, is_flat and is_whole(books) and is_calm, is_whole=trial.hours is None)


GOAL = Goal("G28", "soak with random faults", "flat, and every request accounted for", measure)

if __name__ == "__main__":
    prove(GOAL, goes_by_hours=True)
