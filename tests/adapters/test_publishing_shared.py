"""The publishing over a journal of several machines: told by a thread, relieved, never silent.

The shared outbox is a double of the publisher's port, so no database is waited for; over a
real one the same is claimed in ``test_publishing_seats`` and ``test_shared_outbox``.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters import shared_outbox
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.outbox_page import (
    ROWS_AT_ONCE,
    DropStatus,
    MarkTold,
    PurgeTold,
)
from atm_switch.adapters.outbox_reader import Stretch
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder
from atm_switch.publishing import Publishing
from atm_switch.seat import Seat
from atm_switch.server.log import make_logger
from atm_switch.settings.load import read_settings
from atm_switch.switch.event import Announce
from atm_switch.switch.fleet import TerminalName
from tests.adapters.test_publishing import SETTINGS, keeping, untold
from tests.adapters.test_publishing_seats import becomes
from tests.doubles.brokers import EmbeddedBroker, free_port, running
from tests.doubles.event_kinds import transaction_note
from tests.doubles.journal_bench import NOON

OUTBOX_MAX = 1_000
SHARED = '[journal]\nurl = "postgresql://atm@127.0.0.1/journal"\nnode = "one"\n'


class WaitingOutbox:
    """A shared outbox in which so many wait, whom nothing can be told of."""

    waiting_now = 0
    threads: set[str] = set()  # noqa: RUF012 - one for all of a test
    is_closed = False
    hangs = False
    term = 1

    def __init__(self, url: str, switch: str) -> None:
        """Be the outbox of one journal."""
        self.of = url, switch

    def mark(self) -> int:
        """Nothing was acknowledged."""
        self.threads.add(threading.current_thread().name)
        return 0

    def since(self, after: int, count_max: int) -> Stretch:  # noqa: ARG002 - the port's own
        """Give nothing."""
        return Stretch((), after)

    def waiting(self) -> int:
        """Return how many wait."""
        return self.waiting_now

    def ends(self) -> dict[str, int]:
        """No row was written."""
        return {}

    def heard_behind(
        self,
        ends: dict[str, int],  # noqa: ARG002 - the port's own
    ) -> tuple[list[TerminalName], dict[str, int]]:
        """Nobody was heard."""
        return [], {}

    def last_heard(self, since: int) -> list[tuple[TerminalName, int]]:  # noqa: ARG002
        """Nobody was."""
        return []

    def active_terminals(self) -> list[TerminalName]:
        """None is."""
        return []

    def close(self) -> None:
        """Note that another may tell."""
        type(self).is_closed = True


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> type[WaitingOutbox]:
    """Stand in for the outbox on a database."""
    kind = type("Outbox", (WaitingOutbox,), {"threads": set(), "is_closed": False})
    monkeypatch.setattr(shared_outbox, "SharedOutbox", kind)
    return kind


@contextmanager
def publishing(
    root: Path, lines: str = "", number: int = 1, *, has_broker: bool = True
) -> Iterator[tuple[Publishing, list[Any], StringIO]]:
    """Publish, with or without a broker; what the journal is asked, and the log."""
    asked: list[Any] = []
    with ExitStack() as held:
        rules = lines
        if has_broker:
            port = free_port()
            held.enter_context(running(EmbeddedBroker, port))
            rules += f'\nbroker = "mqtt://127.0.0.1:{port}"\n'
        folder = DataFolder(root, read_settings(f"{SETTINGS}{rules}\n{SHARED}"))
        log = make_logger("json", "info", said := StringIO())
        seat = Seat(number, 2) if number > 1 else Seat()
        yield (
            Publishing(folder, untold(asked.append), keeping(asked.append), log, seat=seat),
            asked,
            said,
        )


def of_kind(asked: list[Any], kind: type) -> list[Any]:
    """The questions of one kind."""
    return [one for one in asked if isinstance(one, kind)]


def at(second: float) -> Instant:
    """So long after the start."""
    return Instant(NOON, second)


@pytest.mark.parametrize(
    ("waiting", "dropped"),
    [(OUTBOX_MAX, []), (OUTBOX_MAX + 7, [7]), (OUTBOX_MAX + 5_000, [ROWS_AT_ONCE])],
)
async def test_full_outbox_is_relieved_of_what_is_too_much(
    tmp_path: Path, outbox: type[WaitingOutbox], waiting: int, dropped: list[int]
) -> None:
    """As many status events as are over the bound, some hundreds at once, and none below it."""
    outbox.waiting_now = waiting
    with publishing(tmp_path, f"outbox_max = {OUTBOX_MAX}") as (switch, asked, said):
        switch.start()
        await becomes(
            lambda: switch._teller is not None and switch._teller.count.waiting == waiting
        )
        await becomes(lambda: bool(switch.status()["connected"]))
        switch.tick(at(1.0))
        status = switch.status()
        await switch.stop()

    assert dropped == [one.count_max for one in of_kind(asked, DropStatus)]
    assert bool(dropped) == ("outbox full" in said.getvalue())
    assert (waiting, True, "") == (status["waiting"], status["connected"], status["away"])


async def test_outbox_that_grows_while_the_broker_is_away_is_seen_and_relieved(
    tmp_path: Path, outbox: type[WaitingOutbox]
) -> None:
    """That is when it grows: what waits is counted, shown and kept within its bound."""
    outbox.waiting_now = waiting = OUTBOX_MAX + 7
    lines = f'outbox_max = {OUTBOX_MAX}\nbroker = "mqtt://127.0.0.1:{free_port()}"'
    with publishing(tmp_path, lines, has_broker=False) as (switch, asked, said):
        switch._turns.dropped = 7  # before it is counted, and so not in the count
        switch.start()
        await becomes(
            lambda: switch._teller is not None and switch._teller.count.waiting == waiting
        )
        switch.tick(at(1.0))
        status = switch.status()
        await switch.stop()

    assert [7] == [one.count_max for one in of_kind(asked, DropStatus)]
    assert "outbox full" in said.getvalue()
    assert (waiting, False) == (status["waiting"], status["connected"])


async def test_it_is_told_by_a_thread_that_lets_go_of_it(
    tmp_path: Path, outbox: type[WaitingOutbox]
) -> None:
    """The loop never waits for the database, and another machine may tell when this one stops."""
    with publishing(tmp_path) as (switch, _asked, _said):
        switch.start()
        await becomes(lambda: bool(switch.status()["connected"]))
        switch.nudge()
        await switch.stop()

    assert {"event-teller"} == outbox.threads
    assert outbox.is_closed


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize("has_broker", [True, False])
async def test_old_events_are_deleted_once_a_second(tmp_path: Path, *, has_broker: bool) -> None:
    """Those that were told; where no broker is set, nobody waits for any."""
    with publishing(tmp_path, "keep_hours = 2", has_broker=has_broker) as (switch, asked, _said):
        switch.start()
        for second in (10.0, 10.5, 11.1):
            switch.tick(at(second))
        await switch.stop()

    before = to_microseconds(NOON - timedelta(hours=2))
    two_hours_before = PurgeTold(before, ROWS_AT_ONCE, is_unheard=not has_broker)
    assert [two_hours_before] * 2 == of_kind(asked, PurgeTold)
    assert [] == of_kind(asked, DropStatus)


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(("has_broker", "told"), [(True, []), (False, ["active"])])
async def test_silence_is_not_told_where_another_machine_may_hear(
    tmp_path: Path, *, has_broker: bool, told: list[str]
) -> None:
    """
    Who is silent here may be talking to the next machine.  With a broker whoever is elected
    tells of terminals, from what all machines wrote; without one, whom this machine hears is told.
    """
    lines = "silence_seconds = 60"
    with publishing(tmp_path, lines, has_broker=has_broker) as (switch, asked, _said):
        switch.start()
        switch.heard(transaction_note())
        switch.tick(at(1e9))
        await switch.stop()

    assert told == [one.body["state"] for one in of_kind(asked, Announce)]


@pytest.mark.usefixtures("outbox")
async def test_second_worker_writes_and_does_not_tell(tmp_path: Path) -> None:
    """Its terminals are known by its rows; looking after the outbox is the first one's."""
    with publishing(tmp_path, number=2) as (switch, asked, _said):
        switch.start()
        switch.heard(transaction_note())
        switch.tick(at(100.0))
        status = switch.status()
        await switch.stop()

    assert [] == of_kind(asked, Announce)
    assert [] == [*of_kind(asked, PurgeTold), *of_kind(asked, MarkTold)]
    assert ("none is set", False, 0) == (
        status["away"], status["connected"], status["active_terminals"],
    )  # fmt: skip


async def test_what_the_teller_finds_is_written_from_the_loop(
    tmp_path: Path, outbox: type[WaitingOutbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread may wait, the desk may not; what is lost the next look finds."""
    heard = [(("009", "ATM00001"), to_microseconds(NOON))]
    monkeypatch.setattr(outbox, "last_heard", lambda _self, _since: heard)
    kept: list[tuple[str, Announce]] = []

    def keep(told: Announce, lost: Callable[[], None] | None = None, /) -> None:
        kept.append((threading.current_thread().name, told))
        if len(kept) == 1 and lost is not None:
            lost()

    with publishing(tmp_path, "silence_seconds = 0") as (switch, _asked, _said):
        monkeypatch.setattr(switch, "_keep", keep)
        switch.start()
        await becomes(lambda: len(kept) == 2)
        await switch.stop()

    assert {threading.main_thread().name} == {thread for thread, _ in kept}
    assert ["active", "active"] == [told.body["state"] for _, told in kept]
