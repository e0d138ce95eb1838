"""Events on their way out: the fleet watched, the outbox told to the broker and kept short.

Plan: what the core notes and how time passes go through ``FleetWatch``; its announcements
are made durable by the journal's writer, however often it has to be asked.  Where a broker is
set a task tells it the outbox; about once a second old events are deleted and a full outbox is
relieved, in as many turns as that takes (``Turns``).
Limits: nothing here is waited for by a request, and nothing that goes wrong here stops one.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from atm_switch.adapters.clock import read_clock, utc_now
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.outbox_page import EVENT_ID_BYTES, Batch, MarkTold, Submit, Turns
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder
from atm_switch.seat import Seat
from atm_switch.server.desk import UNASKED
from atm_switch.server.log import Logger
from atm_switch.settings.load import FILE_NAME, SettingsWrong
from atm_switch.switch.effects import Note
from atm_switch.switch.event import SWITCH, Announce, Event, EventKind
from atm_switch.switch.fleet import FleetWatch
from atm_switch.switch.throttle import Throttle

if TYPE_CHECKING:
    from atm_switch.adapters.fleet_teller import FleetTeller
    from atm_switch.adapters.mqtt_broker import Broker
    from atm_switch.adapters.mqtt_publisher import EventPublisher, Outbox
    from atm_switch.adapters.teller_thread import Count, TellerThread

CARE_SECONDS: Final = 1.0
"""How often the outbox is looked after."""
STOP_SECONDS_MAX: Final = 3.0


class Keep(Protocol):
    """Have an event written, in its turn; or hear that it is ``lost`` where an attempt fails."""

    def __call__(self, told: Announce, lost: Callable[[], None] | None = None, /) -> None:
        """Ask for it, in the loop's thread."""


@dataclass(slots=True)
class _Care:
    """When the outbox is to be looked after, and how much waited the last time."""

    due: float = 0.0
    waiting: int = 0
    count: "Count | None" = None
    """The count that is of, where a thread counts."""


class Publishing:
    """The events of one running switch."""

    def __init__(
        self,
        folder: DataFolder,
        submit: Submit,
        keep: Keep,
        log: Logger,
        is_busy: Callable[[], bool] = lambda: False,
        seat: Seat | None = None,
    ) -> None:
        """Open the outbox; ``is_busy`` tells whether requests are under way.

        Of several workers the first tells and looks after it; the others only announce.

        Raises ``Refused``, and ``SettingsWrong`` for files of no use.
        """
        self._rules = folder.settings.events
        self._submit, self._keep, self._log, self._is_busy = submit, keep, log, is_busy
        self._seat = seat or Seat()
        self._broker = broker_of(folder) if self._seat.is_first else None
        self._url = folder.journal_place.url
        name = self._rules.name
        self._outbox = None if self._url else OutboxReader(folder.journal, name)
        # A terminal that is silent here may be talking to another process on the journal: of
        # the workers the first looks into the file they share; of machines who is elected to
        # tell the events looks into the database, and without a broker nobody is.
        tells = not self._rules.broker if self._url else self._seat.is_first
        silence = 0 if self._url else self._rules.silence_seconds * tells
        self._fleet = FleetWatch(self._rules.name, silence, tells_status=tells)
        self._heard_through = 0
        self._throttle = Throttle()
        self._care = _Care()
        self._turns = Turns(submit, is_unheard=self._broker is None)
        self._publisher: EventPublisher | None = None
        self._task: asyncio.Task[None] | None = None
        self._teller: TellerThread | None = None
        self._shared_fleet: FleetTeller | None = None

    def start(self) -> None:
        """Begin; call in the loop, when the journal writes."""
        if self._outbox is not None:
            self._fleet.remember(self._outbox.active_terminals(), read_clock().monotonic)
            self._heard_through = self._outbox.last_row()
        if self._broker is None:
            return
        if self._outbox is None:
            self._start_teller(self._broker)
            return
        self._publisher = self._made(self._broker, self._outbox)
        self._task = asyncio.get_running_loop().create_task(self._publisher.run())
        self._task.add_done_callback(self._note_end)

    def _start_teller(self, broker: "Broker") -> None:
        from atm_switch.adapters.fleet_teller import FleetTeller  # noqa: PLC0415
        from atm_switch.adapters.shared_outbox import SharedOutbox  # noqa: PLC0415
        from atm_switch.adapters.teller_thread import TellerThread  # noqa: PLC0415

        name, silence = self._rules.name, self._rules.silence_seconds
        shared = SharedOutbox(self._url, name)
        keep = partial(self._keep_shared, asyncio.get_running_loop())
        fleet = FleetTeller(shared, name, silence, keep, read_clock)
        self._shared_fleet = fleet
        dropped = lambda: self._turns.dropped  # noqa: E731
        self._teller = TellerThread(lambda: self._made(broker, shared), shared, fleet, dropped)
        self._teller.start()

    def _made(self, broker: "Broker", outbox: "Outbox") -> "EventPublisher":
        from atm_switch.adapters.mqtt_publisher import (  # noqa: PLC0415
            EventPublisher,
            Manner,
            Surroundings,
        )

        rules = self._rules
        manner = Manner(
            rules.name, rules.topic_prefix, rules.in_flight_max, rules.reconnect_seconds_max
        )
        around = Surroundings(
            outbox, self._mark, self._own_event, _chance, self._tell, self._is_busy
        )
        return EventPublisher(broker, manner, around)

    async def stop(self) -> None:
        """Tell what is there, if the broker hears it soon, and close the outbox."""
        self._turns.stop()
        if self._teller is not None:
            await asyncio.to_thread(self._teller.stop)
        try:
            if self._publisher is not None and self._task is not None:
                self._publisher.stop()
                await asyncio.wait({self._task}, timeout=STOP_SECONDS_MAX)
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
        finally:
            if self._outbox is not None:
                self._outbox.close()

    def nudge(self, batch: Batch = ()) -> None:
        """Hear that the journal wrote a batch, and what it answers."""
        if self._turns.asked:
            self._turns.heard(batch)
        if self._publisher is not None:
            self._publisher.nudge()
        elif self._teller is not None:
            self._teller.nudge()

    def heard(self, note: Note) -> None:
        """Hear what the core notes."""
        self._announce(self._fleet.heard(note, read_clock().monotonic))

    def tick(self, now: Instant) -> None:
        """Let time pass."""
        self._announce(self._fleet.tick(now.monotonic))
        if self._seat.is_worker:
            self.nudge()  # what other workers had written
        if self._seat.is_first and now.monotonic >= self._care.due:
            self._care.due = now.monotonic + CARE_SECONDS
            with suppress(JournalUnavailable):  # the next look comes in a second
                self._look_after(now.utc)

    def status(self) -> dict[str, Any]:
        """Return what ``atm-switch events status`` shows of a running switch."""
        publisher = self._teller.publisher if self._teller is not None else self._publisher
        away = publisher.away if publisher is not None else "none is set"
        return {
            "broker": self._rules.broker,
            "connected": publisher is not None and not away,
            "away": away,
            "waiting": self._care.waiting,
            "active_terminals": self._active_terminals,
        }

    @property
    def _active_terminals(self) -> int | None:
        """How many are active; ``None`` where another machine knows."""
        fleet = self._fleet if self._shared_fleet is None else self._shared_fleet
        return fleet.terminals

    def _look_after(self, now: datetime) -> None:
        before = now - timedelta(hours=self._rules.keep_hours)
        if self._outbox is None:
            surplus = None if self._teller is None else self._shared_surplus(self._teller)
            self._turns.begin(to_microseconds(before), surplus)
            return
        if self._seat.is_worker:
            names, self._heard_through = self._outbox.heard_since(self._heard_through)
            self._announce(self._fleet.heard_elsewhere(names, read_clock().monotonic))
        surplus, oldest = 0, self._outbox.oldest()
        if self._publisher is not None:
            told = self._publisher.told_through
            # Each counts some that were dropped: by this run, or before the oldest there is.
            counted = self._outbox.last_sequence() - told - self._turns.dropped_since(told)
            self._care.waiting = max(0, min(self._outbox.backlog(), counted))
            surplus = self._surplus() * self._outbox.has_droppable()
        is_due = oldest is not None and oldest < before
        self._turns.begin(to_microseconds(before) if is_due else None, surplus)

    def _shared_surplus(self, teller: "TellerThread") -> int | None:
        """Return how many are too many; ``None`` where they were not counted anew."""
        count = teller.count
        if count is self._care.count:
            return None  # what was dropped meanwhile is still counted
        dropped = self._turns.dropped - count.dropped
        self._care.count, self._care.waiting = count, max(0, count.waiting - dropped)
        return self._surplus()

    def _surplus(self) -> int:
        waiting, most = self._care.waiting, self._rules.outbox_max
        if waiting > most and self._throttle.count("full", read_clock().monotonic):
            self._log.warning("outbox full", waiting=waiting, outbox_max=most)
        return max(0, waiting - most)

    def _announce(self, told: Iterable[Announce]) -> None:
        for one in told:
            self._keep(one)

    def _keep_shared(self, loop: asyncio.AbstractEventLoop, told: Iterable[Announce]) -> None:
        """Have it written for the teller, in whose thread this is."""
        lost = self._shared_fleet.begin_anew if self._shared_fleet is not None else None
        for one in told:
            with suppress(RuntimeError):  # the loop is closed: the switch has stopped
                loop.call_soon_threadsafe(self._keep, one, lost)

    def _mark(self, through: int) -> None:
        with suppress(JournalUnavailable):  # what was told after the last mark is told again
            self._submit(MarkTold(through), UNASKED)

    def _own_event(self, body: dict[str, str]) -> Event:
        event_id = secrets.token_hex(EVENT_ID_BYTES)
        return Event(0, event_id, utc_now(), EventKind.STATUS, SWITCH, self._rules.name, body)

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        write = self._log.info if event == "broker connected" else self._log.warning
        write(event, **fields)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._log.error("mistake", where=type(task.exception()).__name__, what="events end")


def _chance() -> float:
    return secrets.randbelow(1 << 20) / (1 << 20)


def broker_of(folder: DataFolder) -> "Broker | None":
    """Say where the broker is; ``None`` where none is set.

    Raises ``SettingsWrong`` for a file that cannot be used.
    """
    rules, root = folder.settings.events, folder.root
    if not rules.broker:
        return None
    # Loaded by those alone who tell events: a start waits for every module.
    from atm_switch.adapters.mqtt_broker import (  # noqa: PLC0415
        Broker,
        password_problem,
        tls_problem,
    )

    broker = Broker(
        rules.host,
        rules.port,
        rules.is_tls,
        rules.username,
        root / rules.password_file if rules.password_file else None,
        root / rules.tls_ca if rules.tls_ca else None,
        root / rules.tls_certificate if rules.tls_certificate else None,
        root / rules.tls_key if rules.tls_key else None,
    )
    wrong = password_problem(broker.password_file) if broker.password_file else ""
    lines = [f"events.password_file: {wrong}"] if wrong else []
    if broker.is_tls and (doubt := tls_problem(broker)):
        lines.append(f"events: {doubt}")
    if lines:
        raise SettingsWrong([f"{FILE_NAME}: {line}" for line in lines])
    return broker
