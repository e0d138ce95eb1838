"""One run from one seed: faults drawn beforehand, a while of trouble, a while of calm, the sum.

Plan: every chance is one ``Random(seed)``, every moment the virtual loop's, so a seed is the
whole run.  Trouble lasts ``ROUGH_SECONDS``; then everything is well again, terminals ask no
more, and what is under way comes to its end; then the switch is started once more, and the
auditor adds up.  In every second seed the switch has two workers and a process that writes for
both, as the product's own server does; all three die one by one, too.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from atm_switch.domain.instant import Instant
from atm_switch.server.channel import PlainChannel
from atm_switch.server.entrance import Entrance
from atm_switch.server.line import Line
from atm_switch.switch.effects import LinkId
from atm_switch.wire.framing import FrameBuffer
from tests.doubles.bench import BNI, GOLDEN_INSTANT
from tests.simulation.auditor import Auditor
from tests.simulation.bank import Bank
from tests.simulation.broken import connector_of, dialect_of
from tests.simulation.broker import SimBroker
from tests.simulation.fairness import Fairness
from tests.simulation.faults import Faults
from tests.simulation.host import QUEUE_MAX, Host
from tests.simulation.keys import KeyFile
from tests.simulation.loop import BOOT_SECONDS, VirtualLoop
from tests.simulation.plants import Plant
from tests.simulation.town import OTHER, Town, calm_bench
from tests.simulation.trace import Trace
from tests.simulation.wire import Wire
from tests.simulation.worker import IN_FLIGHT_PER_LINK, LIMITS

ROUGH_SECONDS = 30.0
REST_SECONDS = 25.0
"""Longer than any request, any wait of the publisher and the wait for a PUBACK."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a seed."""

    seed: int
    violations: list[str]
    counts: Counter[str]
    lines: list[str]
    digest: str


class World:
    """Everything around the switch, and its lives."""

    def __init__(
        self, seed: int, folder: Path, plant: Plant, watch: Callable[[str], None] | None
    ) -> None:
        """Lay everything out."""
        self.plant = plant
        self.workers = 1 + (seed % 2 == 0)
        """How many processes answer."""
        self.dice = random.Random(seed)  # noqa: S311 - the same run from the same seed
        self.loop = VirtualLoop(self.dice)
        self.loop.set_exception_handler(self._unhandled)
        self.never: asyncio.Future[None] = self.loop.create_future()
        """What a process that is dead waits for."""
        self.tellings: set[asyncio.Task[None]] = set()
        """What workers tell of keys; of one that died, and of its host, nobody else holds it."""
        self.trace = Trace(self.loop.time, watch)
        self.town = Town(self.dice, mixes_accounts=plant.mixes_accounts)
        self.broker = SimBroker(self.dice)
        self.connect_broker = connector_of(plant, self.broker)
        self.auditor = Auditor(self.town)
        self.faults = Faults(self)
        self.is_open = self.is_rough = True
        self.is_full = False
        self.disk_stalled_until = self.clock_off = 0.0
        self.fairness = Fairness(self)
        self.keys = KeyFile(self)
        self.town.on_refusal = self.fairness.refused
        self._folder = folder
        self._ports = self._lives = 0
        self.banks = [Bank(self, BNI), Bank(self, OTHER)]
        self.host = Host(self, self.next_path())

    def run(self) -> None:
        """Go through it all."""
        try:
            self.loop.run_until_complete(self._play())
        finally:
            self.host.die()
            self.loop.run_until_complete(self._end_tasks())
            self.loop.close()

    async def _play(self) -> None:
        self.trace.say("world", "begins")
        await self.host.start()
        for bank in self.banks:
            bank.open()
        self.faults.plan(ROUGH_SECONDS)
        await self._pass(ROUGH_SECONDS)
        self.trace.say("world", "all is well again")
        self.is_open = self.is_rough = self.broker.is_lossy = False
        self.faults.heal()
        await self._pass(REST_SECONDS)
        self.host.balance()
        for rest in self.host.unended:
            self.auditor.broken(f"at rest there is still {rest}")
        if not self.auditor.violations:
            self.faults.crash(self.faults.image())
            await self._pass(REST_SECONDS / 2)
        if not self.auditor.violations:
            self.auditor.add_up(self.host.path, self.broker.told)

    async def _pass(self, seconds: float) -> None:
        """Let time pass; no longer than until something is broken."""
        until = self.loop.time() + seconds
        while self.loop.time() < until and not self.auditor.violations:
            await asyncio.sleep(min(0.5, until - self.loop.time()))

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.auditor.broken(f"unhandled: {context['message']}: {error!r}")

    def now(self) -> Instant:
        """Tell the time as the switch's clocks have it."""
        at = self.loop.time()
        utc = self.true_utc() + timedelta(seconds=self.clock_off)
        return Instant(utc, at + self.clock_off * self.plant.trusts_wall_clock)

    def true_utc(self) -> datetime:
        """Tell the time as the banks have it."""
        return GOLDEN_INSTANT + timedelta(seconds=self.loop.time() - BOOT_SECONDS)

    def set_clock(self, off: float) -> None:
        """Set the switch's wall clock so many seconds off."""
        if off != self.clock_off:
            self.clock_off = off
            self.fairness.clock_moved()
            self.trace.say("fault", f"the clock is off by {off:.0f} s")

    def next_path(self) -> Path:
        """Return where the next life has its journal."""
        self._lives += 1
        folder = self._folder / f"life-{self._lives}"
        folder.mkdir()
        return folder / "journal.db"

    # -- what the switch meets

    def connect(self, bank: Bank) -> Wire | None:
        """Connect a bank, if the switch is there."""
        host = self.host
        if not (host.is_serving and host.workers):
            return None
        self._ports += 1
        entrance = Entrance("127.0.0.1", 1, dialect_of(self.plant), bank.acquirer)
        worker = host.workers[self._ports % len(host.workers)]
        line = Line(self._ports, entrance, worker.desk, LIMITS.line, PlainChannel())
        wire = Wire(self.loop, self.dice, line, bank, 4000 + self._ports)
        worker.wires.append(wire)
        buffer = FrameBuffer(calm_bench().dialect.profile.framing)
        wire.on_write = lambda data: self._leaving(host, line.link, buffer, data)
        return wire

    def _leaving(self, host: Host, link: LinkId, buffer: FrameBuffer, data: bytes) -> None:
        buffer.receive(data)
        for frame in buffer.frames():
            message = calm_bench().dialect.packager.unpack(frame.payload)
            if message.mti == "0210":
                host.books.answered[link] += 1
                self.auditor.leaving(message)
            if message.mti in ("0210", "0810"):
                self.fairness.leaving(link, message)

    def disk_late(self) -> float:
        """Say how long the next write has to wait."""
        stalled = max(0.0, self.disk_stalled_until - self.loop.time())
        return stalled + self.dice.uniform(0.0, 0.003)

    def is_struck(self, host: Host) -> bool:
        """Let the power go at this commit, if that was planned."""
        return self.faults.strikes(host)

    def bounded(self, host: Host) -> None:
        """See that nothing grows beyond its bound."""
        connections = sum(one.desk.connections for one in host.workers)
        under_way = sum(one.desk.in_flight for one in host.workers)
        lines = sum(len(bank.wires) for bank in self.banks)
        self.auditor.must("connections are those there are", holds=connections <= 4 * lines + 8)
        in_flight = connections * IN_FLIGHT_PER_LINK + 2 * len(self.banks)
        self.auditor.must("what is in flight is bounded", holds=under_way <= in_flight)
        self.auditor.must("rows that wait are bounded", holds=host.writer.waiting <= QUEUE_MAX)
        flights = [flight for one in host.workers for flight in one.house.flights.values()]
        waiting = sum(len(flight.waiting) for flight in flights)
        self.auditor.must("who joined is bounded", holds=waiting <= in_flight)

    def live_again(self, path: Path) -> None:
        """Start the switch on what is there."""
        self.host = Host(self, path)
        self.trace.say("world", "the switch starts")
        self.host.start()


def simulate(
    seed: int, folder: Path, plant: Plant, watch: Callable[[str], None] | None = None
) -> Run:
    """Run one seed in an empty folder."""
    world = World(seed, folder, plant, watch)
    world.run()
    counts = world.auditor.counts + world.faults.counts + world.host.books.account()
    return Run(seed, world.auditor.violations, counts, world.trace.lines, world.trace.digest)
