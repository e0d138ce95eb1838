"""One life of the switch's process: its own desk, lines, writer and publisher, until it dies.

Plan: put together as ``serve`` does, with what is around it simulated: the loop, the
connections, the ledger, the broker's side and the moment a commit takes.  When it dies nothing
it still has under way reaches anybody.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.mqtt_broker import Broker
from atm_switch.adapters.mqtt_publisher import EventPublisher, Manner, Surroundings
from atm_switch.adapters.outbox_page import MarkTold
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.instant import Instant
from atm_switch.server.desk import UNASKED
from atm_switch.server.journal_bell import JournalBell
from atm_switch.server.limits import LineLimits, ServerLimits
from atm_switch.server.log import Logger, Record
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.settling import Settling
from atm_switch.start_up import recall
from atm_switch.switch.effects import Note, Ticket
from atm_switch.switch.event import SWITCH, Event, EventKind
from atm_switch.switch.fleet import FleetWatch
from atm_switch.switch.house import House
from atm_switch.switch.hsm_port import CheckMac, ImportKey, MakeMac, MintKey, VerifyPin
from atm_switch.switch.ports import ASKS_LEDGER, FindRepeat, KeepKeys
from atm_switch.switch.switch import Switch
from tests.simulation.auditor import READ_SECONDS_MAX
from tests.simulation.books import Books, CountingDesk, under_way
from tests.simulation.broken import SilentSettling, hsm_of, outbox_of, writer_of
from tests.simulation.town import calm_bench

if TYPE_CHECKING:
    import asyncio

    from tests.simulation.world import World

NAME = "switch"
DOUBTS = -2
IN_FLIGHT_PER_LINK = 8
LINE_LIMITS = LineLimits(
    idle_seconds_max=60.0,
    frame_seconds_max=10.0,
    in_flight_per_link_max=IN_FLIGHT_PER_LINK,
    write_buffer_bytes_max=262_144,
)
LIMITS = ServerLimits(
    connections_max=64, connections_per_peer_max=64, drain_seconds_max=5.0, line=LINE_LIMITS
)
QUEUE_MAX, BATCH_MAX = 256, 8


class Host:
    """A process of the switch."""

    def __init__(self, world: "World", path: Path) -> None:
        """Wait for ``start``; ``path`` is the journal's."""
        self._world, self.path = world, path
        self.is_dead = self.is_serving = self._is_writing = False
        self.books = Books()
        loop, dice = world.loop, world.dice
        bench, vault = calm_bench(), world.keys.vault
        self.writer = writer_of(world.plant)(
            path, vault, self._utc, dice.randbytes, QUEUE_MAX, BATCH_MAX
        )
        self.writer.on_ring = self._rung
        self.writer.on_early = self._hear
        self.writer.start(lambda _batch: None)
        self.reader = JournalReader(path, READ_SECONDS_MAX, soon=loop.call_soon)
        self.outbox = outbox_of(world.plant)(path, NAME, READ_SECONDS_MAX)
        self.house = House(
            bench.house.policy, vault, bench.house.rates, self.reader.last_sequence()
        )
        self.house.own_stan = dice.randrange(900_000)
        recall(self.house, self.reader, self._now())
        self.switch = Switch(self.house)
        self._hsm = hsm = hsm_of(world.plant)(dice.randbytes)
        neighbours: dict[type[Any], Any] = {
            FindRepeat: self._find_repeat, CheckMac: hsm.check_mac, MakeMac: hsm.make_mac,
            ImportKey: hsm.import_key, MintKey: hsm.mint_key, KeepKeys: self._keep_keys,
            VerifyPin: self._verify_pin, **dict.fromkeys(ASKS_LEDGER, world.town.ask),
        }  # fmt: skip
        self.desk = CountingDesk(
            self.switch, neighbours, self._now, LIMITS, Logger(self._log, "info")
        )
        self.desk.books, self.desk.fairness = self.books, world.fairness
        self.desk.swallows = world.plant.swallows_requests
        self.desk.start(loop, JournalBell(loop, self.writer))
        self.desk.on_note = self._note
        self._fleet = FleetWatch(NAME, 20.0)
        self._doubts: asyncio.Future[Settled] | None = None
        settling = SilentSettling if world.plant.leaves_doubts else Settling
        self._settling = settling(self._settle, lambda _ended: None, loop.time)
        self._publisher = EventPublisher(
            Broker("broker", 1883),
            Manner(NAME, "atm", 10, 2.0),
            Surroundings(self.outbox, self._mark, self._own_event, dice.random, self._tell),
            world.connect_broker,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> "asyncio.Task[None]":
        """End what is in doubt, then serve; the task ends when it does."""
        self._tasks.append(self._world.loop.create_task(self._start()))
        return self._tasks[0]

    async def _start(self) -> None:
        await self._settling.start(is_alone=True)
        if self.is_dead:
            return
        self._fleet.remember(self.outbox.active_terminals(), self._world.loop.time())
        self._tasks.append(self._world.loop.create_task(self._publisher.run()))
        self._tick()
        self.is_serving = True

    def balance(self) -> None:
        """Hold the books against what the switch itself has under way."""
        left, open_ = self.books.unended, under_way(self.switch, self.house)
        self._world.auditor.must(
            f"{left} inquiries received and not ended are the {open_} under way",
            holds=left == open_,
        )

    def die(self) -> None:
        """Lose the process, not its file."""
        self.is_dead, self.is_serving = True, False
        self._settling.stop()
        for task in self._tasks:
            task.cancel()
        self.writer.stop()
        self.reader.close()
        self.outbox.close()

    @property
    def unended(self) -> list[str]:
        """Say what is still under way: at rest, nothing is."""
        state = {
            "in flight": self.switch.in_flight, "flights": len(self.house.flights),
            "turns": len(self.switch._turns._waiting), "rows waiting": self.writer.waiting,
            "keys awaited": len(self.switch._awaited),
            "rows unwritten": len(self.house.unwritten),
            "inquiries received and not ended": self.books.unended,
        }  # fmt: skip
        books = self.books
        for line, session in self.desk.links():
            left = books.ended[line.link] - books.answered[line.link] - books.late[line.link]
            if session is not None and left:
                state[f"unanswered on line {line.link}"] = left
        return [f"{count} {what}" for what, count in state.items() if count]

    # -- the journal

    def _rung(self) -> None:
        if not self._is_writing and not self.is_dead:
            self._is_writing = True
            self._world.loop.call_later(self._world.disk_late(), self._write)

    def _write(self) -> None:
        if self.is_dead:
            return
        if not self.writer.is_due:
            self._is_writing = False
            return
        world = self._world
        if world.is_struck(self):
            return
        self.writer.limit_pages(is_full=world.is_full)
        batch = self.writer.step()
        through = world.auditor.committed(self.reader)
        refused = sum(isinstance(answer, JournalUnavailable) for _, answer in batch)
        world.trace.say("disk", f"{len(batch)} questions, {refused} refused, {through} rows")
        world.loop.call_later(world.dice.uniform(0.0005, 0.006), self._deliver, batch, through)

    def _deliver(self, batch: list[tuple[Ticket, Any]], through: int) -> None:
        if self.is_dead:
            return
        self._world.auditor.acknowledged = through
        self._is_writing = False
        self._hear(batch)
        if self.writer.is_due:
            self._rung()

    def _hear(self, batch: list[tuple[Ticket, Any]]) -> None:
        if self.is_dead:
            return
        for ticket, answer in batch:
            if ticket == DOUBTS and self._doubts is not None and not self._doubts.done():
                if isinstance(answer, Exception):
                    self._doubts.set_exception(answer)
                else:
                    self._doubts.set_result(answer)
        self.desk.delivered(batch)
        self._publisher.nudge()

    async def _settle(self, question: SettleDoubts) -> Settled:
        self._doubts = self._world.loop.create_future()
        self.writer.submit(question, DOUBTS)
        return await self._doubts

    def _submit(self, question: JournalQuestion) -> None:
        if not self.is_dead:
            with suppress(JournalUnavailable):
                self.writer.submit(question, UNASKED)

    def _find_repeat(self, question: FindRepeat) -> Any:
        found = self.reader.find_repeat(question, self.house.vault)
        return None if self._world.plant.forgets_repeats else found

    def _keep_keys(self, question: KeepKeys) -> "asyncio.Future[None]":
        return self._world.keys.keep(self, question)

    def _verify_pin(self, question: VerifyPin) -> Any:
        digest = self.house.vault.card_ref(question.pan).digest
        self._world.auditor.looks_at_pin(digest)
        return self._hsm.verify_pin(question)

    # -- what passes, and what is told

    def _tick(self) -> None:
        if self.is_dead:
            return
        self.desk.tick()
        for told in self._fleet.tick(self._world.loop.time()):
            self._submit(told)
        self._world.bounded(self)
        self._world.loop.call_later(TICK_SECONDS, self._tick)

    def _note(self, note: Note) -> None:
        if self.is_dead:
            return
        self.books.noted(note)
        if note.event == "link closed":
            self._world.fairness.given_up(note.fields["why"])
        for told in self._fleet.heard(note, self._world.loop.time()):
            self._submit(told)

    def _mark(self, through: int) -> None:
        self._submit(MarkTold(through))

    def _own_event(self, body: dict[str, str]) -> Event:
        event_id = self._world.dice.randbytes(16).hex()
        return Event(0, event_id, self._utc(), EventKind.STATUS, SWITCH, NAME, body)

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        self._world.trace.say("publisher", f"{event} {fields}")

    def _log(self, record: Record) -> None:
        if self.is_dead:
            return
        _, level, event, fields = record
        if level == "error":
            self._world.auditor.broken(f"a mistake of the switch: {dict(fields)}")
        self._world.trace.say("switch", f"{event} {dict(fields)}")

    def _now(self) -> Instant:
        return self._world.now()

    def _utc(self) -> Any:
        return self._world.now().utc
