"""The publisher before real brokers: order, absence, lost acknowledgements, the last will."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.clock import utc_now
from atm_switch.adapters.mqtt_broker import Broker as BrokerAddress
from atm_switch.adapters.mqtt_publisher import EventPublisher, Manner, Surroundings
from atm_switch.adapters.outbox_page import MarkTold
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.switch.event import SWITCH, Announce, Event, EventKind
from atm_switch.switch.ports import Commit
from tests.doubles.brokers import (
    HAS_MOSQUITTO,
    HOST,
    EmbeddedBroker,
    Heard,
    LeakyLine,
    MakeBroker,
    Mosquitto,
    Subscriber,
    free_port,
    running,
)
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of

NAME = "bank-1"
OWN = f"atm/switch/{NAME}/status"
SECONDS_MAX = 30.0


@pytest.fixture(params=["iotcore", "mosquitto"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBroker:
    """Make either broker at a port."""
    if request.param == "iotcore":
        return EmbeddedBroker
    if not HAS_MOSQUITTO:
        pytest.skip("mosquitto is not installed")
    return lambda port: Mosquitto(port, tmp_path / "mosquitto")


class Publishing:
    """A publisher of a journal's bench, and what it told the log."""

    def __init__(self, bench: JournalBench, port: int, window: int = 20, **broker: Any) -> None:
        """Publish to ``port``; call in the loop."""
        self.bench = bench
        self.reader = OutboxReader(bench.path, NAME)
        self.told: list[str] = []
        self._changed = asyncio.Event()
        manner = Manner(NAME, "atm", window, 0.2)
        around = Surroundings(self.reader, self._mark, _own, lambda: 0.5, self._tell)
        address = BrokerAddress(HOST, port, **broker)
        self.publisher = EventPublisher(address, manner, around)
        self.task = asyncio.create_task(self.publisher.run())

    def write(self, first: int, count: int) -> None:
        """Journal so many transactions and let the publisher know."""
        tokens = [
            self.bench.send(Commit(entry_of(number), ending_of(), None))
            for number in range(first, first + count)
        ]
        for token in tokens:
            token.result(SECONDS_MAX)
        self.publisher.nudge()

    async def until(self, words: str) -> None:
        """Wait until the log is told so, after what was waited for before."""
        async with asyncio.timeout(SECONDS_MAX):
            while not any(words in line for line in self.told):
                self._changed.clear()
                await self._changed.wait()
        self.told.clear()

    async def stop(self) -> None:
        """Stop in order."""
        self.publisher.stop()
        async with asyncio.timeout(SECONDS_MAX):
            await self.task
        self.reader.close()

    async def vanish(self) -> None:
        """End without a word to the broker but the broken line."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.reader.close()

    def _mark(self, through: int) -> None:
        self.bench.send(MarkTold(through))

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        self.told.append(f"{event} {fields.get('reason', '')}")
        self._changed.set()


def _own(body: dict[str, str]) -> Event:
    return Event(0, secrets.token_hex(16), utc_now(), EventKind.STATUS, SWITCH, NAME, body)


@asynccontextmanager
async def publishing(path: Path, port: int, **options: Any) -> AsyncIterator[Publishing]:
    """Publish for a block, of a fresh journal or the one that is there."""
    with JournalBench(path, **{k: options.pop(k) for k in ("vault",) if k in options}) as bench:
        publisher = Publishing(bench, port, **options)
        try:
            yield publisher
        finally:
            if not publisher.task.done():
                await publisher.stop()


async def heard(subscriber: Subscriber, count: int) -> list[Heard]:
    """Wait, beside the loop, until so many events came."""
    return await asyncio.to_thread(subscriber.wait_for, count)


async def comes(subscriber: Subscriber, is_so: Callable[[list[Heard]], bool]) -> list[Heard]:
    """Wait, beside the loop, until what came is so."""
    return await asyncio.to_thread(subscriber.wait, is_so)


def states(all_heard: list[Heard]) -> list[str]:
    """What was said of the switch itself."""
    return [one.told["status"]["state"] for one in all_heard if one.topic == OWN]


async def test_events_come_in_their_order(tmp_path: Path, make: MakeBroker) -> None:
    """Three hundred through a window of twenty: each once, in the order of the journal."""
    port = free_port()
    with running(make, port), Subscriber(port) as subscriber:
        async with publishing(tmp_path / "journal.db", port) as switch:
            switch.write(0, 300)

            told = await heard(subscriber, 300)

    assert list(range(1, 301)) == [one.sequence for one in told]
    assert {"atm/009/ATM00001/transaction"} == {one.topic for one in told}


async def test_backlog_drains_in_order_when_broker_returns(
    tmp_path: Path, make: MakeBroker
) -> None:
    """
    While the broker is away events are kept; when it is back they come, none lost, in order,
    and the mark says that nothing waits.
    """
    port = free_port()
    async with publishing(tmp_path / "journal.db", port) as switch:
        await switch.until("broker away")
        switch.write(0, 100)
        with running(make, port) as broker, Subscriber(port) as subscriber:
            first = await heard(subscriber, 100)
            await switch.until("broker connected")
            broker.stop()
            switch.write(100, 100)
            await switch.until("broker away Connection refused")
        with running(make, port), Subscriber(port) as subscriber:
            second = await heard(subscriber, 100)
            await switch.stop()
    with OutboxReader(tmp_path / "journal.db", NAME) as reader:
        left = reader.backlog()

    sequences = [one.sequence for one in (*first, *second)]
    assert list(range(1, 201)) == sorted(set(sequences))
    assert sequences == sorted(sequences)
    assert 0 == left


async def test_lost_acknowledgement_tells_the_same_event_again(
    tmp_path: Path, make: MakeBroker
) -> None:
    """What was not acknowledged comes again with the same id and bytes, and nothing is left out."""
    port = free_port()
    with running(make, port), Subscriber(port) as subscriber:
        line = LeakyLine(port)
        async with publishing(tmp_path / "journal.db", line.port) as switch:
            await switch.until("broker connected")
            line.loses_acknowledgements = True
            switch.write(0, 5)
            await heard(subscriber, 5)
            await asyncio.to_thread(line.lost.wait, SECONDS_MAX)
            line.cut()
            line.loses_acknowledgements = False
            told = await heard(subscriber, 10)
        line.close()

    assert [1, 2, 3, 4, 5] * 2 == [one.sequence for one in told]
    assert [one.raw for one in told[:5]] == [one.raw for one in told[5:]]


async def test_last_will_is_heard_when_the_switch_vanishes(
    tmp_path: Path, make: MakeBroker
) -> None:
    """A broken line and no goodbye: the broker says that the switch was lost, and keeps it."""
    port = free_port()
    with running(make, port), Subscriber(port) as subscriber:
        line = LeakyLine(port)
        async with publishing(tmp_path / "journal.db", line.port) as switch:
            await comes(subscriber, lambda heard: "online" in states(heard))
            line.close()
            told = await comes(subscriber, lambda heard: "lost" in states(heard))
            await switch.vanish()
        with Subscriber(port, OWN) as late:
            kept = await comes(late, bool)

    assert ["online", "lost"] == states(told)
    assert [("lost", True)] == [(one.told["status"]["state"], one.is_retained) for one in kept]


async def test_switch_says_that_it_stops(tmp_path: Path, make: MakeBroker) -> None:
    """An orderly stop is told, kept, and no last will follows."""
    port = free_port()
    with running(make, port), Subscriber(port) as subscriber:
        async with publishing(tmp_path / "journal.db", port) as switch:
            switch.write(0, 1)
            await heard(subscriber, 1)
            await switch.stop()
        told = await comes(subscriber, lambda heard: "stopped" in states(heard))

    assert ["online", "stopped"] == states(told)


async def test_terminal_status_is_kept_by_the_broker(tmp_path: Path, make: MakeBroker) -> None:
    """Who subscribes later hears the last state of a terminal, and none of its transactions."""
    port = free_port()
    with running(make, port), Subscriber(port) as subscriber:
        async with publishing(tmp_path / "journal.db", port) as switch:
            for state in ("active", "silent"):
                body = {"state": state, **({"silent_seconds": 60} if state == "silent" else {})}
                told = Announce(EventKind.STATUS, "009", "ATM00001", body)
                switch.bench.ask(told)
            switch.write(0, 1)
            await heard(subscriber, 3)
        with Subscriber(port, "atm/009/#") as late:
            kept = await comes(late, bool)

    assert [("atm/009/ATM00001/status", "silent", True)] == [
        (one.topic, one.told["status"]["state"], one.is_retained) for one in kept
    ]


async def test_restart_goes_on_behind_the_mark(tmp_path: Path, make: MakeBroker) -> None:
    """What was told and marked is not told again by the next process."""
    port, path = free_port(), tmp_path / "journal.db"
    with running(make, port), Subscriber(port) as subscriber:
        async with publishing(path, port) as switch:
            switch.write(0, 10)
            await heard(subscriber, 10)
        async with publishing(path, port, vault=switch.bench.vault) as switch:
            switch.write(10, 1)
            told = await heard(subscriber, 11)

    assert list(range(1, 12)) == [one.sequence for one in told]
