"""The composition root: settings and keys become a running switch.

The only file that knows every floor.  ``Service`` starts in the order keys, ledger, journal,
sockets and stops in the opposite one: nothing is accepted that could not be answered and nothing
answered that is not on disk.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from atm_switch.adapters.clock import read_clock
from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.adapters.key_keeper import KeyKeeper
from atm_switch.adapters.postgres_shared import KEYS
from atm_switch.adapters.schema import open_writer
from atm_switch.calling import Calling
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.doorways import Doorways
from atm_switch.engine import Engine, open_engine
from atm_switch.folder import DataFolder
from atm_switch.journaling import Journaling, Writer
from atm_switch.key_office import keys_in_use
from atm_switch.key_reading import refuse_wrong_tokens
from atm_switch.ledger.opening import LedgerReading, open_reading
from atm_switch.monitor import Monitor, admin_socket, answer_admin, commits, serve_page
from atm_switch.publishing import Publishing
from atm_switch.readiness import refuse_what_cannot_work
from atm_switch.reloading import Reloading
from atm_switch.seat import LOST, Seat
from atm_switch.security.key_ring import KeyName
from atm_switch.security.vault import Vault
from atm_switch.server.desk import Desk
from atm_switch.server.draining import drain, last_written
from atm_switch.server.event_loop import loop_name
from atm_switch.server.journal_bell import JournalBell
from atm_switch.server.lasting_links import settle
from atm_switch.server.log import Logger
from atm_switch.server.meters import Meters
from atm_switch.server.performer import Neighbours
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.settings.load import FILE_NAME
from atm_switch.settling import Ended, tell_of_doubts
from atm_switch.start_up import (
    dialects_of,
    digest_of,
    plain_words,
    rates_of,
    refuse_wrong_certificates,
    server_limits,
)
from atm_switch.switch.house import STAN_MAX, House
from atm_switch.switch.ports import (
    AuditRecord,
    FindAccount,
    FindCard,
    FindSiblings,
    KeepKeys,
    KeepRecord,
)
from atm_switch.switch.switch import Switch
from atm_switch.tidings import Tidings
from atm_switch.upkeep import Upkeep

C = TypeVar("C", bound=Any)
"""Whatever has a ``close``."""


@dataclass
class Service:
    """One switch, from start to stop."""

    folder: DataFolder
    vault: Vault
    log: Logger
    asked_to_stop: Callable[[], None] = lambda: None
    """Called where somebody asks over the admin socket that the switch stop."""
    seat: Seat = field(default_factory=Seat)
    """Which of several processes this is."""
    exit_code: int = 0
    """What the process ends with: not 0 where it stops by itself."""
    _doorways: Doorways | None = None
    calling: Calling | None = None
    _resources: ExitStack = field(default_factory=ExitStack)
    desk: Desk | None = None
    _journaling: Journaling | None = None
    _house: House | None = None
    _engine: Engine | None = None
    _ledger: LedgerReading | None = None
    _ticking: asyncio.TimerHandle | None = None
    _upkeep: Upkeep | None = None
    _publishing: Publishing | None = None

    def __post_init__(self) -> None:
        """Have whatever the neighbours tell written to the log."""
        self._tidings = Tidings(self.log)

    @property
    def addresses(self) -> list[str]:
        """Where it listens, as ``HOST:PORT``."""
        return self._doorways.addresses if self._doorways is not None else []

    def is_well(self) -> bool:
        """Tell whether the journal commits; that the loop turns is told by who asks in it."""
        return self.desk is not None and commits(self.desk)

    async def start(self) -> None:
        """Open everything.  Raises ``Refused`` or ``ProfileWrong``; nothing stays open then."""
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise

    async def stop(self) -> None:
        """Accept no more, answer what is under way, sync the journal, close."""
        await self._take_no_more()
        if self.desk is not None:
            await drain(self.desk)
        self._record("stop", self.folder.root.name, "")
        await self._close()

    def reload(self, text: str | None = None) -> str:
        """Take settings (``text``, or the file) and keys anew; tell the digest of those taken."""
        doors, calling, desk, house = self._doorways, self.calling, self.desk, self._house
        if doors is None or calling is None or desk is None or house is None:
            return ""
        doors.reload()
        if digest := Reloading(self.folder, house, desk, doors, calling, self.log).reload(text):
            self._record("configuration", FILE_NAME, digest)
        if self._upkeep is not None:
            self._upkeep.warn_of_certificates()
            self._upkeep.reload_keys("SIGHUP")
        return digest

    async def _take_no_more(self) -> None:
        if self._doorways is not None:
            self._doorways.close()
        if self.calling is not None:
            await self.calling.stop()

    async def _start(self) -> None:
        settings, root = self.folder.settings, self.folder.root
        dialects = dialects_of(self.folder)
        policy = settings.to_policy()
        if self.seat.is_alone:  # else whoever started the writer holds it for all
            self._resources.callback(lock_folder(root))
        refuse_what_cannot_work(self.folder, self.vault)
        refuse_wrong_certificates(self.folder)
        if not settings.ledger.url:
            open_writer(self.folder.ledger, "ledger").close()
        journaling = self._kept(Journaling(self.folder, self.vault, self.seat))
        self._engine = await open_engine(self.folder, self._tidings.of_hsm)
        await refuse_wrong_tokens(self.vault, self._engine)
        self._ledger = await open_reading(self.folder.ledger_place, self._tidings.of_ledger)
        neighbours = self._open_neighbours(self._engine, self._ledger, journaling)
        house = House(policy, self.vault, rates_of(self.folder), journaling.last_sequence())
        house.own_stan = secrets.randbelow(STAN_MAX)
        self._upkeep = Upkeep(self.folder, house, self._engine, self.log, self._record)
        self._tidings.on_hsm_back = self._upkeep.hardware_is_back
        meters, limits = Meters([one.id for one in settings.acquirers]), server_limits(settings)
        journaling.writer.on_commit = meters.journal_commit_seconds.add
        desk = Desk(Switch(house), neighbours, read_clock, limits, self.log, meters)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._tidings.of_mistake)
        self.desk, self._house, self._journaling = desk, house, journaling
        publishing = self._publish(journaling.writer, desk)
        desk.start(loop, JournalBell(loop, journaling.writer))
        journaling.on_doubts, hearers = self._tell_of_doubts, (desk.delivered, publishing.nudge)
        await journaling.start(house, self._tidings.of_journal, self._changed_elsewhere, *hearers)
        publishing.start()
        self._record("start", root.name, f"mode {settings.mode}, {settings.hsm.engine} HSM")
        self._record("configuration", "keys", keys_in_use(self.vault, "start"))
        self._record("configuration", FILE_NAME, digest_of(self.folder.text))
        await self._upkeep.catch_up()  # with all others: from now on it hears of every change
        self._doorways = Doorways(self.folder, self.log)
        self.seat.peers, self.seat.taken = desk.peers, self._doorways.take
        await self._doorways.open(dialects, desk, self.seat.lent)
        self.calling = Calling(self.folder, dialects, desk, self.log, self.seat)
        self.calling.start()
        self._tick(loop, desk)
        self._upkeep.start()
        await self._let_watch(desk, journaling.writer, publishing, self._upkeep.certificate_seconds)
        self.seat.tell_ready()
        settle()

    async def _let_watch(
        self, desk: Desk, journal: Writer, publishing: Publishing, good_for: Callable[[], float]
    ) -> None:
        settings, now = self.folder.settings, read_clock().monotonic
        loop, wrong = loop_name(asyncio.get_running_loop()), self._neighbours_wrong
        waiting, told = lambda: journal.waiting, publishing.status
        lines = self.calling.status if self.calling is not None else list
        room, beside = self.folder.journal_place.free_bytes, (self.seat.processes, self.seat.deaths)
        monitor = Monitor(desk, waiting, wrong, now, loop, told, lines, good_for, room, *beside)
        if settings.metrics.listen and not self.seat.is_worker:
            page = self._kept(serve_page(monitor, settings.metrics.listen))
            self.log.info("metrics served", at=page.address)
        await self._answer_admin(monitor)

    def _publish(self, journal: Writer, desk: Desk) -> Publishing:
        keep, is_busy = desk.pending.keep, lambda: desk.in_flight > 0
        publishing = Publishing(self.folder, journal.submit, keep, self.log, is_busy, self.seat)
        self._publishing, desk.on_note = publishing, publishing.heard
        return publishing

    def _record(self, kind: str, subject: str, detail: str) -> None:
        if self.desk is not None:
            self.desk.pending.keep(KeepRecord(AuditRecord(kind, "switch", subject, detail)))

    def _tell_of_doubts(self, ended: Ended) -> None:
        tell_of_doubts(self.log, ended)
        if self.desk is not None:
            self.desk.meters.doubted(ended)

    async def _changed_elsewhere(self, kind: str) -> None:
        if kind == KEYS and self._upkeep is not None:
            await self._upkeep.pull_keys()

    def _neighbours_wrong(self) -> dict[str, str]:
        live = self._engine.live if self._engine is not None else None
        wrong = {"ledger": self._tidings.ledger_away}
        return wrong if live is None else {**wrong, "hsm": "" if live() else "no connection"}

    async def _answer_admin(self, monitor: Monitor) -> None:
        try:
            path = self.folder.root / admin_socket(self.seat)
            self._kept(await answer_admin(path, monitor, self.addresses, self._drain))
        except OSError as error:  # a switch without it answers as well as one with it
            self.log.warning("no admin socket", reason=plain_words(error))

    def _drain(self, asker: str) -> dict[str, Any]:
        self._record("command", "drain", f"over the admin socket, by {asker}")
        self.asked_to_stop()
        return {"draining": True}

    def _open_neighbours(
        self, engine: Engine, ledger: LedgerReading, journaling: Journaling
    ) -> Neighbours:
        return {
            **journaling.answers,
            FindCard: lambda question: ledger.card(question.ref, question.former),
            FindSiblings: lambda question: ledger.siblings(question.kpj),
            FindAccount: lambda question: ledger.account(question.kpj, question.as_of),
            KeepKeys: journaling.telling_of_keys(
                self._kept(KeyKeeper(self.folder.change_keys, self._key_not_kept)).keep
            ),
            **engine.answers,
        }

    def _key_not_kept(self, name: KeyName, why: NeighbourUnavailable) -> None:
        if self._upkeep is not None:
            self._upkeep.key_not_kept(name, why)

    def _kept(self, resource: C) -> C:
        self._resources.callback(resource.close)
        return resource

    def _tick(self, loop: asyncio.AbstractEventLoop, desk: Desk) -> None:
        self._ticking = loop.call_later(TICK_SECONDS, self._tick, loop, desk)
        desk.tick()
        desk.prove_writing()
        if self._journaling is not None:
            self._journaling.tick()
            self._look_after(self._journaling.writer)
        self.seat.tell_well(desk.clock().monotonic, is_well=self.is_well())
        self.seat.tell_peers()
        self.seat.tell_ended(desk.connections - (self.calling.connected if self.calling else 0))
        if self._publishing is not None:
            self._publishing.tick(desk.clock())

    def _look_after(self, journal: Writer) -> None:
        if journal.has_failed and not self.exit_code:
            self.exit_code = LOST
            self.log.error("journal lost", does="answers 96, ends and waits to be started again")
            self.seat.finish()

    async def _close(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        if self._upkeep is not None:
            self._upkeep.stop()
        await self._take_no_more()
        if self._publishing is not None:
            await self._publishing.stop()
        if self.desk is not None:
            await last_written(self.desk)
        self._resources.close()  # the writer writes what waits, then ends
        if self._journaling is not None:
            self._look_after(self._journaling.writer)
        if self._engine is not None:
            await self._engine.close()
        if self._ledger is not None:
            await self._ledger.close()
        await asyncio.sleep(0)
