"""What answers in a switch: a desk with its lines, a core, and what they ask beside the journal.

A switch has one, in the process that writes the journal, or several that die one by one.
"""

from typing import TYPE_CHECKING, Any

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.postgres_shared import KEYS
from atm_switch.adapters.remote_journal import RemoteJournal
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.server.journal_bell import JournalBell, Queue
from atm_switch.server.limits import LineLimits, ServerLimits
from atm_switch.server.log import Logger
from atm_switch.start_up import recall
from atm_switch.switch.effects import Note, Ticket
from atm_switch.switch.house import House
from atm_switch.switch.hsm_port import CheckMac, ImportKey, MakeMac, MintKey, VerifyPin
from atm_switch.switch.ports import ASKS_LEDGER, FindRepeat, KeepKeys
from atm_switch.switch.switch import Switch
from tests.simulation.auditor import READ_SECONDS_MAX
from tests.simulation.books import CountingDesk, under_way
from tests.simulation.broken import PipedJournal, hsm_of, journal_of
from tests.simulation.pipe import Pipe
from tests.simulation.town import calm_bench

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from tests.simulation.host import Host
    from tests.simulation.wire import Wire
    from tests.simulation.world import World

READ_SECONDS = 0.001, 1.0
"""To read the key file, and to ask an HSM of its tokens."""
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


class Worker:
    """One of them, until it dies or its host does."""

    def __init__(self, world: "World", host: "Host") -> None:
        """Wait for a journal; ``host`` hears what the core notes."""
        self._world, self._host = world, host
        self.is_dead = False
        self.wires: list[Wire] = []
        loop, dice, bench = world.loop, world.dice, calm_bench()
        self.reader = JournalReader(host.path, READ_SECONDS_MAX, soon=loop.call_soon)
        self.house = House(
            bench.house.policy, world.keys.vault, bench.house.rates, self.reader.last_sequence()
        )
        self.house.own_stan = dice.randrange(900_000)
        recall(self.house, self.reader, world.now())
        self.switch = Switch(self.house)
        self._hsm = hsm = hsm_of(world.plant)(dice.randbytes)
        neighbours: dict[type[Any], Any] = {
            FindRepeat: self._find_repeat, CheckMac: hsm.check_mac, MakeMac: hsm.make_mac,
            ImportKey: hsm.import_key, MintKey: hsm.mint_key, KeepKeys: self._keep_keys,
            VerifyPin: self._verify_pin, **dict.fromkeys(ASKS_LEDGER, world.town.ask),
        }  # fmt: skip
        self.desk = CountingDesk(
            self.switch, neighbours, world.now, LIMITS, Logger(host.log, "info")
        )
        self.desk.books, self.desk.fairness = host.books, world.fairness
        self.desk.swallows = world.plant.swallows_requests
        self.desk.on_note = self._note
        self._remote: PipedJournal | None = None
        self._pipe: Pipe | None = None

    def write_to(self, journal: Queue) -> None:
        """Have the journal written in this very process."""
        self.desk.start(self._world.loop, JournalBell(self._world.loop, journal))

    def write_over(self) -> None:
        """Have it written in another."""
        self._remote = remote = journal_of(self._world.plant)(self._host.path, self._told)
        remote.reach = self._reach
        remote.start(self._heard_later)
        if not self._reach(remote):
            remote._connecting = self._world.loop.create_task(remote._connect_again())
        self.write_to(remote)

    def _reach(self, remote: RemoteJournal) -> bool:
        writer = self._host.reached()
        if writer is not None:
            asks = self._world.faults.asks
            self._pipe = Pipe(
                self._world.loop, self._world.dice, remote, writer, lambda: asks(self)
            )
        return writer is not None

    def lose_writer(self) -> None:
        """Lose who writes."""
        if self._pipe is not None:
            self._pipe.lose_writer()

    def _heard_later(self, batch: list[tuple[Ticket, Any]]) -> None:
        self._world.loop.call_soon(self.hear, batch)

    def hear(self, batch: list[tuple[Ticket, Any]]) -> None:
        """Hear what the journal answers."""
        if not self.is_dead:
            self.desk.delivered(batch)
            self._host.nudge()

    def tick(self) -> None:
        """Let time pass."""
        if not self.is_dead:
            self.desk.tick()
            self.desk.prove_writing()

    def die(self) -> None:
        """Lose it, with all it has under way."""
        self.is_dead = True
        if self._pipe is not None:
            self._pipe.die()
        if self._remote is not None:
            self._remote.stop()
        self.reader.close()

    @property
    def under_way(self) -> int:
        """How many inquiries it has taken and not ended."""
        return under_way(self.switch, self.house)

    @property
    def left(self) -> dict[str, int]:
        """Say what is still under way: at rest, nothing is."""
        return {
            "in flight": self.switch.in_flight, "flights": len(self.house.flights),
            "turns": len(self.switch._turns._waiting),
            "keys awaited": len(self.switch._awaited),
            "rows unwritten": len(self.house.unwritten),
            "events to be written": len(self.desk.pending),
            "notes to be written": len(self.desk.tellings),
        }  # fmt: skip

    def _find_repeat(self, question: FindRepeat) -> Any:
        found = self.reader.find_repeat(question, self.house.vault)
        return None if self._world.plant.forgets_repeats else found

    def _keep_keys(self, question: KeepKeys) -> "asyncio.Future[None]":
        kept = self._world.keys.keep(self, question)
        remote = self._remote
        if remote is None:
            return kept
        if question.is_awaited:
            return self._held(self._tell(kept, remote))
        kept.add_done_callback(lambda ended: self._tell_later(ended, remote))
        return kept

    def _tell_later(self, kept: "asyncio.Future[None]", remote: PipedJournal) -> None:
        if kept.exception() is None:
            self._held(remote.say_keys_changed())

    def _held(self, telling: "Coroutine[Any, Any, None]") -> "asyncio.Task[None]":
        """Begin to tell; the task is there as long as the world, whoever dies."""
        held, task = self._world.tellings, self._world.loop.create_task(telling)
        held.add(task)  # the loop holds it weakly
        task.add_done_callback(held.discard)
        return task

    async def _tell(self, kept: "asyncio.Future[None]", remote: PipedJournal) -> None:
        await kept
        try:
            await remote.tell_keys_changed()
        except JournalUnavailable:
            if self.is_dead:  # it hears nothing any more
                await self._world.never
            raise

    def _told(self, news: str) -> "asyncio.Future[None] | None":
        """Hear that another worker has changed the key file; to read it takes a while."""
        if self.is_dead or self._world.plant.keeps_news or news != KEYS:
            return None
        read: asyncio.Future[None] = self._world.loop.create_future()
        self._world.loop.call_later(self._world.dice.uniform(*READ_SECONDS), self._read, read)
        return read

    def _read(self, read: "asyncio.Future[None]") -> None:
        if not self.is_dead:
            self.house.vault = self._world.keys.vault
            read.set_result(None)

    def _verify_pin(self, question: VerifyPin) -> Any:
        digest = self.house.vault.card_ref(question.pan).digest
        self._world.auditor.looks_at_pin(digest)
        return self._hsm.verify_pin(question)

    def _note(self, note: Note) -> None:
        if not self.is_dead:
            self._host.noted(note)
