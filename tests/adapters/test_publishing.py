"""What a running switch does about its outbox: announces, keeps it short, relieves it."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.mqtt_broker import ANSWER_SECONDS_MAX
from atm_switch.adapters.outbox_page import ROWS_AT_ONCE, MarkTold, Submit
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder
from atm_switch.publishing import Keep, Publishing
from atm_switch.server.log import make_logger
from atm_switch.settings.load import SettingsWrong, read_settings
from atm_switch.switch.event import Announce, Event, EventKind
from atm_switch.switch.ports import Commit
from tests.doubles.brokers import free_port
from tests.doubles.event_kinds import transaction_note
from tests.doubles.journal_bench import NOON, JournalBench, ending_of, entry_of

OUTBOX_MAX = 1000
SETTINGS = """
[[acquirers]]
id = "009"
name = "BANK CONTOH"
[[listeners]]
listen = "127.0.0.1:0"
[events]
"""


@dataclass
class Desk:
    """A publishing over a journal's bench."""

    bench: JournalBench
    publishing: Publishing
    said: StringIO
    asked: list[JournalQuestion] = field(default_factory=list)

    def events(self) -> list[Event]:
        """What is in the outbox."""
        with OutboxReader(self.bench.path, "switch") as reader:
            return list(reader.since(0, 10_000).events)

    def tick(self, hours: float = 0, seconds: float = 0) -> None:
        """Look after the outbox, so long after noon."""
        at = NOON + timedelta(hours=hours)
        self.publishing.tick(Instant(at, hours * 3600 + seconds))

    def fill(self, count: int, told: Callable[[int], JournalQuestion]) -> None:
        """Write so many events."""
        for token in [self.bench.send(told(number)) for number in range(count)]:
            token.result(30)


def keeping(ask: Callable[[Announce], Any]) -> Keep:
    """Have what is announced written at once."""

    def keep(told: Announce, lost: Callable[[], None] | None = None, /) -> None:  # noqa: ARG001
        ask(told)

    return keep


def untold(ask: Callable[[Any], Any]) -> Submit:
    """Have what is asked written, and the answer heard by nobody."""

    def submit(question: Any, _ticket: int) -> None:
        ask(question)

    return submit


@contextmanager
def desk(root: Path, lines: str = "") -> Iterator[Desk]:
    """Lay it out with these lines of settings."""
    said = StringIO()
    with JournalBench(root / "journal.db") as bench:
        folder = DataFolder(root, read_settings(SETTINGS + lines))
        log = make_logger("json", "info", said)
        publishing = Publishing(folder, untold(bench.ask), keeping(bench.ask), log)
        try:
            yield Desk(bench, publishing, said)
        finally:  # a test without a loop cannot have it stopped
            if publishing._outbox is not None:
                publishing._outbox.close()


def transaction(number: int) -> JournalQuestion:
    """An inquiry that was answered."""
    return Commit(entry_of(number), ending_of(), None)


def active(number: int) -> JournalQuestion:
    """A terminal that is heard."""
    return Announce(EventKind.STATUS, "009", f"ATM{number:05d}", {"state": "active"})


def test_notes_of_the_core_become_events(tmp_path: Path) -> None:
    """What the fleet's watch makes of a note is durable when it was heard."""
    with desk(tmp_path) as laid:
        laid.publishing.heard(transaction_note())

        (event,) = laid.events()

    assert (EventKind.STATUS, "ATM00001") == (event.kind, event.terminal)


def test_old_events_go_a_batch_at_once(tmp_path: Path) -> None:
    """After ``keep_hours``, at most so many at once, and not before."""
    with desk(tmp_path, "keep_hours = 2") as laid:
        laid.fill(ROWS_AT_ONCE + 10, transaction)
        laid.tick(hours=1.9)
        before = len(laid.events())
        laid.tick(hours=2.1)
        after_one = len(laid.events())
        laid.tick(hours=2.1, seconds=0.5)
        too_soon = len(laid.events())
        laid.tick(hours=2.1, seconds=1.1)

        assert [ROWS_AT_ONCE + 10, 10, 10, 1] == [before, after_one, too_soon, len(laid.events())]


def answered(laid: Desk) -> None:
    """Have the publishing hear what the journal answers it, in the next turn of the loop."""
    loop = asyncio.get_running_loop()

    def submit(question: Any, ticket: int) -> None:
        loop.call_soon(laid.publishing.nudge, [(ticket, laid.bench.ask(question))])

    laid.publishing._turns._submit = submit


async def test_old_events_go_batch_after_batch_within_one_second(tmp_path: Path) -> None:
    """The next batch does not wait for the next second where one took all it may."""
    with desk(tmp_path, "keep_hours = 2") as laid:
        laid.fill(3 * ROWS_AT_ONCE + 10, transaction)
        answered(laid)
        laid.tick(hours=2.1)
        async with asyncio.timeout(60):
            while len(laid.events()) > 1:
                await asyncio.sleep(0.01)
        await laid.publishing.stop()


async def test_surplus_goes_batch_after_batch_and_no_further(tmp_path: Path) -> None:
    """
    As many status events as are too many go within one second; that more are missing from the
    middle then is known, and none goes for it.
    """
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\noutbox_max = {OUTBOX_MAX}'
    surplus = ROWS_AT_ONCE + 20
    with desk(tmp_path, broker) as laid:
        answered(laid)
        laid.publishing.start()
        laid.fill(1, transaction)
        laid.fill(OUTBOX_MAX + surplus - 1, active)
        laid.tick()
        async with asyncio.timeout(60):
            while len(laid.events()) > OUTBOX_MAX or laid.publishing._turns.asked:
                await asyncio.sleep(0.01)
        laid.tick(seconds=2)
        waiting, left = laid.publishing.status()["waiting"], laid.events()
        await laid.publishing.stop()

    assert (OUTBOX_MAX, OUTBOX_MAX) == (waiting, len(left))
    assert f"ATM{surplus:05d}" == left[1].terminal


async def test_what_waits_for_the_broker_stays(tmp_path: Path) -> None:
    """Old or not, an event that was not acknowledged is kept where a broker is set."""
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\nkeep_hours = 1'
    with desk(tmp_path, broker) as laid:
        laid.publishing.start()
        laid.fill(20, transaction)
        laid.tick(hours=100)
        waiting = laid.publishing.status()["waiting"]
        laid.bench.ask(MarkTold(5))
        laid.tick(hours=200)
        left = [one.sequence for one in laid.events()]
        await laid.publishing.stop()

    assert 20 == waiting
    assert list(range(6, 21)) == left


async def test_full_outbox_is_relieved_of_status_events(tmp_path: Path) -> None:
    """A warning, and the oldest status events go; of transactions all stay."""
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\noutbox_max = {OUTBOX_MAX}'
    with desk(tmp_path, broker) as laid:
        laid.publishing.start()
        laid.fill(100, active)
        laid.fill(OUTBOX_MAX, transaction)
        for second in range(5):
            laid.tick(seconds=second)
        kinds = [one.kind for one in laid.events()]
        await laid.publishing.stop()

    assert OUTBOX_MAX == kinds.count(EventKind.TRANSACTION)
    assert 0 == kinds.count(EventKind.STATUS)
    assert 1 <= laid.said.getvalue().count("outbox full") < 5


async def test_full_outbox_without_status_events_is_said_and_left(tmp_path: Path) -> None:
    """Transactions stay however many there are, and the warning comes all the same."""
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\noutbox_max = {OUTBOX_MAX}'
    with desk(tmp_path, broker) as laid:
        laid.publishing.start()
        laid.fill(OUTBOX_MAX + 1, transaction)
        laid.tick()
        asked, left = laid.publishing._turns.asked, len(laid.events())
        await laid.publishing.stop()

    assert (set(), OUTBOX_MAX + 1) == (asked, left)
    assert 1 == laid.said.getvalue().count("outbox full")


async def test_no_more_status_events_go_than_are_too_many(tmp_path: Path) -> None:
    """Three over the bound: the three oldest.  Who else was heard is still told."""
    broker = f'broker = "mqtt://127.0.0.1:{free_port()}"\noutbox_max = {OUTBOX_MAX}'
    with desk(tmp_path, broker) as laid:
        laid.publishing.start()
        laid.fill(100, active)
        laid.fill(OUTBOX_MAX - 97, transaction)
        laid.tick()
        left = [one.terminal for one in laid.events() if one.kind is EventKind.STATUS]
        await laid.publishing.stop()

    assert [f"ATM{number:05d}" for number in range(3, 100)] == left


async def test_broker_that_says_nothing_does_not_hold_the_stop_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take ten seconds to agree to a connection; a switch that stops waits for three."""
    monkeypatch.setattr("atm_switch.publishing.STOP_SECONDS_MAX", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with desk(tmp_path, f'broker = "mqtt://127.0.0.1:{port}"') as laid:
            laid.publishing.start()
            taken, _ = await asyncio.to_thread(silent.accept)
            began = asyncio.get_running_loop().time()
            await laid.publishing.stop()
            seconds = asyncio.get_running_loop().time() - began
            taken.close()

    assert seconds < ANSWER_SECONDS_MAX / 2


def test_tls_files_of_no_use_are_wrong_settings(tmp_path: Path) -> None:
    """Found before the switch opens a door."""
    lines = 'broker = "mqtts://broker.example"\ntls_ca = "none.pem"'

    with pytest.raises(SettingsWrong, match="events: the TLS files"), desk(tmp_path, lines):
        pass
