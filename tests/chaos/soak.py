"""G28: a load with faults drawn at random; nothing grows, and every request is accounted for.

    python -m tests.chaos.soak [--long | --hours H] [--seed S]

Plan: steady honest terminals, and events told to a broker that somebody subscribes at; meanwhile
one fault after the other (``soak_faults``): links reset in mid-request, hostile frames, half
frames, journal and ledger locked or unreadable for a while, what answers and what writes stopped
and let go (SIGSTOP), or killed (SIGKILL), a crowd that comes and goes, SIGHUP; beside them the
broker stopped, killed and ended.
Memory and descriptors of all processes are read every second, and judged in the second half,
when no process is killed any more: what lives a minute has no time to grow.  Judged is the slope of
the lows (``soak_slope``) of what they have made for themselves; pages of mapped files, which are
the kernel's to drop, are told apart.
Accounted for: received = answered + refused + cut off (``soak_books``): each answer has one
ending in the journal, with the code that was heard, each ending its event, and each refusal a
fault that explains it; none comes later than a request may take.
The long form is a night, ``--hours`` a part of one; it says every few minutes how it stands.
Ctrl-C ends it with the books of what there was, and a goal missed.
At rest there are as many tasks of the event loop and descriptors as before, and nothing is under
way.
"""

import asyncio
import random
import signal
import time
from dataclasses import dataclass, field
from math import inf

import click

from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from tests.chaos.broker_beside import Auditor, TheBroker, drained
from tests.chaos.honest import Honest, HungUp, Script
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.chaos.soak_books import KILLED, Books, accounted, in_words, is_whole, why, written
from tests.chaos.soak_faults import Faults, asked, opened
from tests.chaos.soak_slope import lows, slope
from tests.doubles.brokers import HOST, free_port
from tests.doubles.workers import wait_for

SECONDS_SHORT, SECONDS_LONG = 20.0, 8 * 3_600.0
LINKS, RATE_SHORT, RATE_LONG = 20, 3.0, 10.0
"""Requests a second on each link."""
KILLS_SHARE_SHORT, KILLS_SHARE_LONG = 0.4, 0.25
"""The first part of the time, in which processes are killed."""
BROKER_SECONDS_SHORT, BROKER_SECONDS_LONG = 3.0, 60.0
"""The most between two faults of the broker, and the most that each takes."""
TOLD_SECONDS = 300.0
WARM_SECONDS = 2.0
"""Behind a kill and a full memory, until it counts; of a long form both are long past."""
REST_SECONDS_MAX = 15.0
SLOPE_KIB_PER_HOUR_MAX = 1024.0
GROWTH_KIB_MAX = 4 * 1024
"""What the short form may grow by in its second half; an hour's slope needs an hour."""
RESETS = 0.02
"""Share of the requests whose link is reset while they are under way."""
SETTINGS = "[limits]\nbad_frames_per_minute = 0\n"


@dataclass
class Memory:
    """What all processes had at a moment."""

    at: float
    """Monotonic."""
    resident_kib: int
    """With the pages of files, libraries above all, which the kernel may drop and read again."""
    of_each: dict[str, int]
    """What each has made for itself, KiB: this is what grows where something is forgotten."""
    descriptors: dict[str, int]

    @property
    def own_kib(self) -> int:
        """What all have made for themselves."""
        return sum(self.of_each.values())


@dataclass
class Soak:
    """One run."""

    faults: Faults
    is_long: bool
    memory: list[Memory] = field(default_factory=list)

    @property
    def plant(self) -> Plant:
        """The switch."""
        return self.faults.plant

    @property
    def is_over(self) -> bool:
        """Whether the time is up, or it makes no sense to go on."""
        return time.monotonic() >= self.faults.until or bool(self.faults.hangs)

    async def terminal(self) -> None:
        """Ask at a steady pace, over a new link where the old one was cut."""
        link: Honest | None = None
        pause = 1 / (RATE_LONG if self.is_long else RATE_SHORT)
        script, chance, books = self.faults.script, self.faults.chance, self.faults.books
        while not self.is_over:
            try:
                if link is None or link.is_lost:
                    link = await opened(script, self.plant)
                asking = asyncio.ensure_future(asked(books, script, link))
                if chance.random() < RESETS:
                    await asyncio.sleep(chance.uniform(0.0, 0.02))
                    self.faults.counts["reset"] += 1
                    for rrn in link.waiting:
                        books.resets(rrn)
                    link.reset()
                await asking
            except (HungUp, OSError):
                pass  # whose fault it was say the books
            await asyncio.sleep(pause)
        if link is not None:
            link.close()

    async def watch(self) -> None:
        """Read memory and descriptors every second; say now and then how it stands."""
        began = told_at = time.monotonic()
        while not self.is_over:
            now, plant = time.monotonic(), self.plant
            each = plant.own_kib, plant.descriptors_of_each
            self.memory.append(Memory(now, plant.resident_kib, *each))
            if self.is_long and now >= told_at + TOLD_SECONDS:
                told_at = now
                standing = await asyncio.to_thread(self.standing)
                click.echo(f"{(now - began) / 60:5.0f} min  {standing}")
            await asyncio.sleep(1.0)

    def standing(self) -> str:
        """Say in a line how it stands."""
        newest, books = self.memory[-1], self.faults.books
        each = ", ".join(f"{name} {kib / 1024:.1f} MiB" for name, kib in newest.of_each.items())
        return (
            f"{books.asked:,} asked, {dict(books.codes)}, {self.faults.counts.total():,} faults; "
            f"{newest.resident_kib / 1024:.1f} MiB (of their own: {each}), "
            f"descriptors {dict(newest.descriptors)}, {self.plant.mistakes} mistakes"
        )

    def lived(self) -> list[Memory]:
        """Return what was seen in the second half, and of processes that had warmed up by then."""
        harm = self.faults.books.harm
        killed = max((one.ended for one in harm if one.kind == KILLED), default=0.0)
        since = max(killed, self.faults.full_at) + WARM_SECONDS
        half = self.memory[len(self.memory) // 2 :]
        return [one for one in half if one.at >= since] or half[-1:]

    async def run(self, seconds: float) -> None:
        """Do all of it."""
        began = time.monotonic()
        share = KILLS_SHARE_LONG if self.is_long else KILLS_SHARE_SHORT
        self.faults.kills_until = began + share * seconds
        self.faults.until = began + seconds
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop_soon)
        terminals = [self.terminal() for _ in range(LINKS)]
        await asyncio.gather(
            *terminals,
            self.faults.of_the_switch(),
            self.faults.of_the_broker(
                BROKER_SECONDS_LONG if self.is_long else BROKER_SECONDS_SHORT
            ),
            self.watch(),
        )

    def _stop_soon(self) -> None:
        self.faults.until = 0.0


def at_rest(plant: Plant, tasks_max: float = inf) -> tuple[int, int]:
    """Wait a while until nothing is under way, and no more tasks are there; return what is."""
    deadline = time.monotonic() + REST_SECONDS_MAX
    while True:
        told = ask_switch(plant.folder / FILE_NAME, "status", REST_SECONDS_MAX)
        under_way, tasks = int(told["in_flight"]), int(told["tasks"])
        if (under_way == 0 and tasks <= tasks_max) or time.monotonic() > deadline:
            return under_way, tasks
        time.sleep(0.1)


@dataclass
class Left:
    """What there is when it is over."""

    descriptors: int
    tasks: int
    under_way: int
    books: dict[str, int]
    seconds: float


def soaked(soak: Soak, auditor: Auditor, wanted: float) -> Left:
    """Run it; then hold the books against the journal and what the subscriber heard."""
    plant, books = soak.plant, soak.faults.books

    async def one() -> None:
        link = await opened(soak.faults.script, plant)
        await asked(books, soak.faults.script, link)
        link.close()

    with running(plant):
        asyncio.run(one())
        wait_for(lambda: bool(auditor.transactions))  # connected, as it is at the end
        soak.faults.broker.keep()
        _, tasks_before = at_rest(plant)
        before, began = plant.descriptors, time.monotonic()
        asyncio.run(soak.run(wanted))
        seconds = time.monotonic() - began
        under_way, tasks = at_rest(plant, tasks_before)
        left = plant.descriptors_left(before)
        plant.stop()
    with running(plant):  # once more: what a killed writer left in doubt is ended at a start
        found = written(plant, books)
        drained(auditor, found.rrns)
        plant.stop()
    told = auditor.transactions if soak.faults.broker.is_real else None
    return Left(
        left, max(0, tasks - tasks_before), under_way, accounted(books, found, told), seconds
    )


def measure(trial: Trial) -> Found:
    """Soak for so long."""
    port = free_port()
    events = f'[events]\nbroker = "mqtt://{HOST}:{port}"\nreconnect_seconds_max = 1.0\n'
    plant = set_up(
        trial.root, "--pin", "issuer", settings=f"{SETTINGS}{events}", is_patient=not trial.is_timed
    )
    broker = TheBroker(port, trial.root / "broker")
    broker.start()
    auditor = Auditor(port)
    chance = random.Random(trial.seed)  # noqa: S311 - which fault comes when
    script = Script(plant.folder)
    books = Books(seconds_max=script.profile.inquiry.request_seconds_max)
    faults = Faults(plant, script, chance, books, broker, auditor)
    soak = Soak(faults, trial.is_long)
    wanted = SECONDS_LONG if trial.is_long else SECONDS_SHORT
    if trial.hours is not None:
        wanted = trial.hours * 3_600
    try:
        left = soaked(soak, auditor, wanted)
    finally:
        auditor.stop()
        broker.end(at_once=True)
    return judged(trial, soak, left, wanted)


def judged(trial: Trial, soak: Soak, left: Left, wanted: float) -> Found:
    """Say what came of it."""
    plant, faults = soak.plant, soak.faults
    half = soak.lived()
    growth = half[-1].own_kib - half[0].own_kib
    points = [(one.at, one.own_kib) for one in half]
    per_hour, of_all = slope(lows(points)), slope(points)
    of_files = [one.resident_kib - one.own_kib for one in half]
    each = {
        name: slope(lows([(one.at, one.of_each[name]) for one in half if name in one.of_each]))
        for name in half[-1].of_each
    }
    of_each = ", ".join(f"{name} {rate / 1024:+.1f}" for name, rate in each.items())
    open_files = [sum(one.descriptors.values()) for one in half]
    got = (
        f"{left.seconds:,.0f} of {wanted:,.0f} s, {in_words(left.books)}; "
        f"{dict(faults.books.codes)}, faults {dict(faults.counts)}, approved again within "
        f"{max(faults.back, default=0.0):.1f} s of a kill; "
        f"memory {half[-1].resident_kib / 1024:.0f} MiB, of their own "
        f"{half[-1].own_kib / 1024:.1f} MiB, {growth:+,} KiB in the 2nd half "
        f"(lows {per_hour / 1024:+.1f} MiB/h: {of_each}; all {of_all / 1024:+.1f}), "
        f"pages of files {min(of_files) / 1024:.1f} to {max(of_files) / 1024:.1f} MiB, "
        f"{min(open_files)} to {max(open_files)} descriptors, {left.descriptors} left, "
        f"{left.tasks} tasks left, {left.under_way} under way, {plant.mistakes} mistakes"
    )
    is_flat = per_hour < SLOPE_KIB_PER_HOUR_MAX if trial.is_long else growth < GROWTH_KIB_MAX
    is_calm = (
        left.descriptors == left.tasks == left.under_way == plant.mistakes == 0 and not faults.hangs
    )
    is_held = is_flat and is_whole(left.books) and is_calm and left.seconds >= wanted
    notes = [*filter(None, [faults.hangs]), *why(faults.books), *plant.first_mistake()]
    is_complete = trial.hours is None and faults.broker.is_real
    return Found(got, is_held, is_whole=is_complete, notes=tuple(notes))


GOAL = Goal("G28", "soak with random faults", "flat, and every request accounted for", measure)

if __name__ == "__main__":
    prove(GOAL, goes_by_hours=True)
