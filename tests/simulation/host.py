"""One life of the switch's processes: desks, lines, writer and publisher, until they die.

Plan: put together as ``serve`` does, with what is around it simulated: the loop, the
connections, the ledger, the broker's side and the moment a commit takes.  With one worker all is
one process; with several the journal's own server writes for them, and each, as the server's
process, may die by itself.
When a process dies nothing it still has under way reaches anybody.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_server import JournalServer
from atm_switch.adapters.mqtt_broker import Broker
from atm_switch.adapters.mqtt_publisher import EventPublisher, Manner, Surroundings
from atm_switch.adapters.outbox_page import MarkTold
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.server.desk import UNASKED
from atm_switch.server.log import Record
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.settling import Settling
from atm_switch.switch.effects import Note
from atm_switch.switch.event import SWITCH, Announce, Event, EventKind
from atm_switch.switch.fleet import FleetWatch
from tests.simulation.auditor import READ_SECONDS_MAX
from tests.simulation.books import Books
from tests.simulation.broken import SilentSettling, claims_of, outbox_of, writer_of
from tests.simulation.stepped_writer import SteppedWriter
from tests.simulation.worker import Worker

if TYPE_CHECKING:
    import asyncio

    from tests.simulation.world import World

NAME = "switch"
DOUBTS = -2
QUEUE_MAX, BATCH_MAX = 256, 8


class Host:
    """The processes of the switch."""

    def __init__(self, world: "World", path: Path) -> None:
        """Wait for ``start``; ``path`` is the journal's."""
        self._world, self.path = world, path
        self.is_dead = self.is_serving = self._is_writing = False
        self.books = Books()
        loop, dice, plant = world.loop, world.dice, world.plant
        self._open_writer()
        self.reader = JournalReader(path, READ_SECONDS_MAX, soon=loop.call_soon)
        self.outbox = outbox_of(plant)(path, NAME, READ_SECONDS_MAX)
        self._workers = [self._worker() for _ in range(world.workers)]
        self._fleet = FleetWatch(NAME, 20.0)
        self._doubts: asyncio.Future[Settled] | None = None
        self._publisher = EventPublisher(
            Broker("broker", 1883),
            Manner(NAME, "atm", 10, 2.0),
            Surroundings(self.outbox, self._mark, self._own_event, dice.random, self._tell),
            world.connect_broker,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def _open_writer(self) -> None:
        """Begin to write the file, and to end what is in doubt there."""
        world, plant = self._world, self._world.plant
        self.writer = writer_of(plant)(
            self.path, world.keys.vault, self._utc, world.dice.randbytes, QUEUE_MAX, BATCH_MAX,
            is_shared=world.workers > 1 and not plant.answers_twice,
        )  # fmt: skip
        self.writer.on_ring = self._rung
        self.writer.on_early = self._hear
        self.writer.start(lambda _batch: None)
        self._server = JournalServer(self.path, self.writer)
        self._server._claims = claims_of(plant)(world.loop.time)
        settling = SilentSettling if plant.leaves_doubts else Settling
        self._settling = settling(self._settle, lambda _ended: None, world.loop.time)

    @property
    def is_written(self) -> bool:
        """Whether there is somebody who writes the file."""
        return self.writer.is_writing

    def reached(self) -> "asyncio.Protocol | None":
        """Connect one more worker to who writes, if there is one."""
        return self._server.worker() if self.is_written else None

    def lose_writer(self, seconds: float) -> None:
        """Lose the process that writes, alone; another takes its place a while later."""
        self._settling.stop()
        self.writer.stop()
        self._is_writing = False
        for worker in self.workers:
            worker.lose_writer()
        self._world.loop.call_later(seconds, self._write_again)

    def _write_again(self) -> None:
        if not self.is_dead:
            self._open_writer()
            self._tasks.append(self._world.loop.create_task(self._settling.start(is_alone=False)))
            self._world.trace.say("world", "the journal's writer starts")

    def _worker(self) -> Worker:
        made = Worker(self._world, self)
        if self._world.workers == 1:
            made.write_to(self.writer)
        else:
            made.write_over()
        return made

    @property
    def workers(self) -> Sequence[Worker]:
        """Those that live."""
        return [one for one in self._workers if not one.is_dead]

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
        left, open_ = self.books.unended, sum(one.under_way for one in self.workers)
        self._world.auditor.must(
            f"{left} inquiries received and not ended are the {open_} under way",
            holds=left == open_,
        )

    def lose(self, worker: Worker) -> None:
        """Lose one of several workers; another takes its place a while later."""
        self.balance()
        self.books.cut_off += worker.under_way
        worker.die()
        for wire in worker.wires:
            wire.die()
        self._world.loop.call_later(self._world.dice.uniform(0.2, 3.0), self._replace, worker)

    def _replace(self, worker: Worker) -> None:
        if not self.is_dead:
            self._workers[self._workers.index(worker)] = self._worker()
            self._world.trace.say("world", "a worker starts")

    def die(self) -> None:
        """Lose the processes, not their file."""
        self.is_dead, self.is_serving = True, False
        self._settling.stop()
        for task in self._tasks:
            task.cancel()
        for worker in self.workers:
            worker.die()
        self.writer.stop()
        self.reader.close()
        self.outbox.close()

    @property
    def unended(self) -> list[str]:
        """Say what is still under way: at rest, nothing is."""
        books, now = self.books, self._world.loop.time()
        # Of rows A that were given up and never ended some stay, too old to count.
        claims = sum(one.until >= now for one in self._server._claims._held.values())
        state = {
            "rows waiting": self.writer.waiting, "claims": claims,
            "inquiries received and not ended": books.unended,
        }  # fmt: skip
        for at, worker in enumerate(self.workers, 1):
            state |= {f"{what} at worker {at}": count for what, count in worker.left.items()}
            for line, session in worker.desk.links():
                left = books.ended[line.link] - books.answered[line.link] - books.late[line.link]
                if session is not None and left:
                    state[f"unanswered on line {line.link}"] = left
        return [f"{count} {what}" for what, count in state.items() if count]

    # -- the journal

    def _rung(self) -> None:
        if self._is_writing or self.is_dead or not self.is_written:  # one that is gone rings, too
            return
        self._is_writing = True
        self._world.loop.call_later(self._world.disk_late(), self._write, self.writer)

    def _write(self, writer: SteppedWriter) -> None:
        if self.is_dead or writer is not self.writer or not self.is_written:
            return
        if not self.writer.is_due:
            self._is_writing = False
            return
        world = self._world
        if world.is_struck(self) or world.faults.loses_writer(self):
            return
        self.writer.limit_pages(is_full=world.is_full)
        batch = self.writer.step()
        through = world.auditor.committed(self.reader)
        refused = sum(isinstance(answer, JournalUnavailable) for _, answer in batch)
        world.trace.say("disk", f"{len(batch)} questions, {refused} refused, {through} rows")
        late = world.dice.uniform(0.0005, 0.006)
        world.loop.call_later(late, self._deliver, writer, batch, through)

    def _deliver(self, writer: SteppedWriter, batch: list[tuple[Any, Any]], through: int) -> None:
        if self.is_dead or writer is not self.writer or not self.is_written:
            return
        self._world.auditor.acknowledged = through
        self._is_writing = False
        self._hear(batch)
        if self.writer.is_due:
            self._rung()

    def _hear(self, batch: list[tuple[Any, Any]]) -> None:
        """Hear answers: to a worker's question, whose token the server has made, and our own."""
        if self.is_dead:
            return
        own = [(token, answer) for token, answer in batch if isinstance(token, int)]
        for ticket, answer in own:
            if ticket == DOUBTS and self._doubts is not None and not self._doubts.done():
                if isinstance(answer, Exception):
                    self._doubts.set_exception(answer)
                else:
                    self._doubts.set_result(answer)
        if self._world.workers == 1:
            self._workers[0].hear(own)
            return
        self._server.delivered([entry for entry in batch if not isinstance(entry[0], int)])
        self.nudge()

    def nudge(self) -> None:
        """Have the publisher look for what is new."""
        self._publisher.nudge()

    async def _settle(self, question: SettleDoubts) -> Settled:
        self._doubts = self._world.loop.create_future()
        self.writer.submit(question, DOUBTS)
        return await self._doubts

    def _submit(self, question: JournalQuestion) -> None:
        if not self.is_dead:
            with suppress(JournalUnavailable):
                self.writer.submit(question, UNASKED)

    # -- what passes, and what is told

    def _tick(self) -> None:
        if self.is_dead:
            return
        for worker in self.workers:
            worker.tick()
        for told in self._fleet.tick(self._world.loop.time()):
            self._keep(told)
        self._world.bounded(self)
        self._world.loop.call_later(TICK_SECONDS, self._tick)

    def noted(self, note: Note) -> None:
        """Hear what a core notes."""
        if self.is_dead:
            return
        self.books.noted(note)
        if note.event == "link closed":
            self._world.fairness.given_up(note.fields["why"])
        for told in self._fleet.heard(note, self._world.loop.time()):
            self._keep(told)

    def _keep(self, told: Announce) -> None:
        """Have it written by whoever lives, however often it takes; what dies with it is lost."""
        for worker in self.workers[:1]:
            worker.desk.pending.keep(told)

    def _mark(self, through: int) -> None:
        self._submit(MarkTold(through))

    def _own_event(self, body: dict[str, str]) -> Event:
        event_id = self._world.dice.randbytes(16).hex()
        return Event(0, event_id, self._utc(), EventKind.STATUS, SWITCH, NAME, body)

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        self._world.trace.say("publisher", f"{event} {fields}")

    def log(self, record: Record) -> None:
        """Take a line of the log."""
        if self.is_dead:
            return
        _, level, event, fields = record
        if level == "error":
            self._world.auditor.broken(f"a mistake of the switch: {dict(fields)}")
        self._world.trace.say("switch", f"{event} {dict(fields)}")

    def _utc(self) -> Any:
        return self._world.now().utc
