"""Who tells the events: one process alone, the first of several, or a thread of its own."""

import asyncio
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder
from atm_switch.publishing import Publishing
from atm_switch.seat import Seat
from atm_switch.server.log import make_logger
from atm_switch.settings.load import SettingsWrong, read_settings
from atm_switch.switch.event import Announce, EventKind
from tests.adapters.test_publishing import (
    SETTINGS,
    Desk,
    active,
    desk,
    keeping,
    transaction,
    untold,
)
from tests.doubles.brokers import EmbeddedBroker, Heard, Subscriber, free_port, running
from tests.doubles.event_kinds import transaction_note
from tests.doubles.journal_bench import NOON, JournalBench
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench

SECONDS_MAX = 30.0


def seated(laid: Desk, number: int, lines: str = "", said: Any = None) -> Publishing:
    """Make the publishing of one of two workers on the journal of a desk."""
    folder = DataFolder(laid.bench.path.parent, read_settings(SETTINGS + lines))
    log = make_logger("json", "info", said or laid.said)
    return Publishing(
        folder, untold(laid.bench.ask), keeping(laid.bench.ask), log, seat=Seat(number, 2)
    )


def sequences(heard: list[Heard]) -> list[int]:
    """The events of the outbox among what was heard, in order."""
    return [one.sequence for one in heard if one.sequence]


def nothing_waits(laid: Desk, second: int) -> bool:
    """Look after the outbox once more; tell whether all is told."""
    laid.tick(seconds=second)
    return bool(laid.publishing.status()["waiting"] == 0)


async def becomes(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(SECONDS_MAX):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_without_broker_nothing_is_told(tmp_path: Path) -> None:
    """Events are kept all the same, and the status says that there is no broker."""
    with desk(tmp_path) as laid:
        laid.publishing.start()
        laid.publishing.heard(transaction_note())
        laid.publishing.nudge()
        laid.tick()
        status = laid.publishing.status()
        await laid.publishing.stop()

        assert 1 == len(laid.events())

    assert {
        "broker": "", "connected": False, "away": "none is set", "waiting": 0,
        "active_terminals": 1,
    } == status  # fmt: skip


async def test_terminal_that_was_active_before_is_missed_after_a_restart(tmp_path: Path) -> None:
    """The watch remembers it: its silence is told though this process never heard it."""
    with desk(tmp_path, "silence_seconds = 60") as laid:
        laid.fill(1, active)
        now = asyncio.get_running_loop().time()
        laid.publishing.start()
        laid.publishing.tick(Instant(NOON, now + 10_000))
        states = [one.body["state"] for one in laid.events()]
        await laid.publishing.stop()

    assert ["active", "silent"] == states


async def test_events_are_told_to_the_broker(tmp_path: Path) -> None:
    """In their order, with the switch's own state; what was told no longer waits."""
    port = free_port()
    broker = f'broker = "mqtt://127.0.0.1:{port}"'
    with (
        running(EmbeddedBroker, port),
        Subscriber(port) as subscriber,
        desk(tmp_path, broker) as laid,
    ):
        laid.publishing.start()
        laid.fill(5, transaction)
        laid.publishing.nudge()
        heard = await asyncio.to_thread(subscriber.wait, lambda all_: len(sequences(all_)) == 5)
        second = iter(range(1_000_000))
        await becomes(lambda: nothing_waits(laid, next(second)))
        status = laid.publishing.status()
        await laid.publishing.stop()
        with OutboxReader(laid.bench.path, "switch") as reader:
            mark = reader.mark()
        said = laid.said.getvalue()

    assert [1, 2, 3, 4, 5] == sequences(heard)
    assert (True, "") == (status["connected"], status["away"])
    assert 5 == mark
    assert "broker connected" in said


async def test_broker_that_is_away_is_said(tmp_path: Path) -> None:
    """In the log as a warning, and in the status with the reason."""
    with desk(tmp_path, f'broker = "mqtt://127.0.0.1:{free_port()}"') as laid:
        laid.publishing.start()
        await becomes(lambda: "broker away" in laid.said.getvalue())
        status = laid.publishing.status()
        await laid.publishing.stop()

    assert not status["connected"]
    assert status["away"]


async def test_only_the_first_worker_tells(tmp_path: Path) -> None:
    """The second has no way to the broker; what it wrote, the first tells at its next tick."""
    port = free_port()
    broker = f'broker = "mqtt://127.0.0.1:{port}"'
    with running(EmbeddedBroker, port), Subscriber(port) as subscriber, desk(tmp_path) as laid:
        first, second = (seated(laid, number, broker) for number in (1, 2))
        second.start()
        first.start()
        await becomes(lambda: bool(first.status()["connected"]))
        laid.fill(1, transaction)
        second.tick(Instant(NOON, 1.0))
        first.tick(Instant(NOON, 1.0))
        heard = await asyncio.to_thread(subscriber.wait, lambda all_: bool(sequences(all_)))
        for one in (first, second):
            await one.stop()

    assert 1 == sequences(heard)[0]  # behind it the first may have told of the terminal
    assert "none is set" == second.status()["away"]


async def test_outbox_of_a_postgres_is_told_by_a_thread(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """The loop never waits for the database; a full outbox there is relieved as here."""
    port, url = free_port(), postgres.empty()
    lines = f'broker = "mqtt://127.0.0.1:{port}"\n[journal]\nurl = "{url}"\nnode = "one"\n'
    asked: list[Any] = []
    with (
        running(EmbeddedBroker, port),
        Subscriber(port) as subscriber,
        PostgresJournalBench(url) as bench,
    ):
        folder = DataFolder(tmp_path, read_settings(SETTINGS + lines))
        log = make_logger("json", "info", said := StringIO())
        publishing = Publishing(folder, untold(asked.append), keeping(asked.append), log)
        publishing.start()
        for number in range(3):
            bench.ask(transaction(number))
        publishing.nudge()
        heard = await asyncio.to_thread(subscriber.wait, lambda all_: len(sequences(all_)) == 3)
        await becomes(lambda: bool(publishing.status()["connected"]))
        publishing.tick(Instant(NOON, 1.0))
        await publishing.stop()

    assert [1, 2, 3] == sequences(heard)
    assert "broker connected" in said.getvalue()
    kinds = {type(one).__name__ for one in asked}
    assert {"PurgeTold"} == kinds - {"MarkTold", "Announce"}


async def test_outbox_of_a_postgres_without_broker_is_kept_short(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """Old events are deleted unheard; no thread is started."""
    lines = f'[journal]\nurl = "{postgres.empty()}"\nnode = "one"\n'
    asked: list[Any] = []
    publishing = Publishing(
        DataFolder(tmp_path, read_settings(SETTINGS + lines)), untold(asked.append),
        keeping(asked.append),
        make_logger("json", "info", StringIO()),
    )  # fmt: skip
    publishing.start()
    publishing.tick(Instant(NOON, 1.0))
    publishing.nudge()
    await publishing.stop()

    assert [True] == [one.is_unheard for one in asked]


def test_password_file_of_no_use_is_wrong_settings(tmp_path: Path) -> None:
    """Found before the switch opens a door, and the setting is named."""
    lines = 'broker = "mqtts://broker.example"\nusername = "atm"\npassword_file = "none.txt"'

    with pytest.raises(SettingsWrong, match=r"events\.password_file"), desk(tmp_path, lines):
        pass


async def test_end_of_the_publisher_by_a_mistake_is_said(tmp_path: Path) -> None:
    """Its kind alone, without what it says: that may quote anything."""

    async def mistaken() -> None:
        raise LookupError("9990090000000012")

    async def well() -> None:
        return

    with desk(tmp_path) as laid:
        for work in (well(), mistaken()):
            task = asyncio.create_task(work)
            await asyncio.wait({task})
            laid.publishing._note_end(task)
        task = asyncio.create_task(well())
        task.cancel()
        await asyncio.wait({task})
        laid.publishing._note_end(task)
        said = laid.said.getvalue()

    assert 1 == said.count("mistake")
    assert "LookupError" in said
    assert "9990090000000012" not in said


def test_status_of_a_terminal_is_an_event_of_this_switch(tmp_path: Path) -> None:
    """Under the name the settings give it."""
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Announce(EventKind.STATUS, "009", "ATM00001", {"state": "active"}))
        with OutboxReader(bench.path, "switch") as reader:
            last = reader.tail(1)
            assert last == reader.tail(5) == reader.since(0, 5).events
