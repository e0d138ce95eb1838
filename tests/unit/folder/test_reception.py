"""The doors of all workers: who comes is handed on, and waits where there is no room for it."""

import asyncio
import json
import os
import socket
from io import StringIO
from typing import Any

import pytest

from atm_switch.child import Child
from atm_switch.reception import Reception
from atm_switch.server.control import Control, pair
from atm_switch.server.log import make_logger
from tests.doubles.descriptors import no_descriptors
from tests.doubles.waiting import becomes

NOTHING: Any = None
SECONDS_MAX = 30.0


class Worker:
    """A worker's end of the way to it, and what was handed in there."""

    def __init__(self, number: int) -> None:
        """Be ready."""
        ours, theirs = pair()
        self.hosts: list[str] = []
        self.end = Control(theirs, self._heard, lambda: None)
        self.child = Child(number, NOTHING, Control(ours, lambda _m, _d: None, lambda: None))
        self.child.is_ready.set()
        self.end.start()

    def _heard(self, message: dict[str, Any], descriptor: int | None) -> None:
        assert descriptor is not None
        os.close(descriptor)
        self.hosts.append(message["host"])

    def close(self) -> None:
        """End both."""
        self.end.close()
        self.child.control.close()


class House:
    """A reception of one door, its workers and its log."""

    def __init__(self, count: int) -> None:
        """Listen."""
        self.workers = [Worker(number) for number in range(1, count + 1)]
        self.said, self.looks, self.turns = StringIO(), 0, 0
        door = socket.create_server(("127.0.0.1", 0))
        door.setblocking(False)  # noqa: FBT003 - the standard library's way
        log = make_logger("json", "info", self.said)
        children = [one.child for one in self.workers]
        self.reception = Reception([door], lambda: children, log)
        accept, look = self.reception._accept, self.reception._look

        def counted(at: int, door: socket.socket) -> None:
            self.looks += 1
            accept(at, door)

        def turned(at: int, door: socket.socket) -> None:
            self.turns += 1
            look(at, door)

        self.reception._accept = counted  # type: ignore[method-assign]
        self.reception._look = turned  # type: ignore[method-assign]
        self.reception.open()
        self.address = door.getsockname()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log of one kind."""
        lines = map(json.loads, self.said.getvalue().splitlines())
        return [line for line in lines if line["event"] == event]

    def close(self) -> None:
        """End all."""
        self.reception.close()
        for one in self.workers:
            one.close()


@pytest.fixture
async def house() -> Any:
    """Open a reception with two workers."""
    made = House(2)
    yield made
    made.close()


async def test_connections_go_to_the_worker_with_the_fewest(house: House) -> None:
    """Four of them are two for each, and count as on their way."""
    links = [socket.create_connection(house.address) for _ in range(4)]
    await becomes(lambda: sum(len(one.hosts) for one in house.workers) == 4)
    for link in links:
        link.close()

    assert [2, 2] == [one.child.links for one in house.workers]
    assert [2, 2] == [one.child.links_of("127.0.0.1") for one in house.workers]


async def test_without_descriptors_it_waits_and_says_so_once(house: House) -> None:
    """No spinning, one line; with the first descriptor that is free the connection is taken."""
    link = socket.create_connection(house.address)
    with no_descriptors():
        await becomes(lambda: house.looks > 0)
        looks = house.looks
        for _ in range(50):  # turns of the loop in which it could have looked again
            await asyncio.sleep(0)
        spun = house.looks - looks
    await becomes(lambda: any(one.hosts for one in house.workers))
    link.close()

    assert spun <= 1  # where half a second passed within them
    assert 1 == len(house.lines("connections wait")), house.said.getvalue()
    assert "Too many open files" in house.said.getvalue()


async def test_door_that_is_closed_meanwhile_stays_closed(house: House) -> None:
    """The stop comes while it looks away: nothing looks at the door again."""
    link = socket.create_connection(house.address)
    with no_descriptors():
        await becomes(lambda: house.looks > 0)
    house.reception.close()
    looks = house.looks
    await becomes(lambda: house.turns >= 2)  # it would turn to the door again, and does not
    for _ in range(5):  # turns of the loop in which it could have looked
        await asyncio.sleep(0)
    link.close()

    assert looks == house.looks


async def test_without_a_worker_connections_are_turned_away(house: House) -> None:
    """With a line of the log, of many the 1st, 2nd, 4th..."""
    for worker in house.workers:
        worker.child.is_ready.clear()
    for _ in range(5):
        with socket.create_connection(house.address) as link:
            assert b"" == await asyncio.to_thread(link.recv, 1)

    assert [1, 2, 4] == [one["within_a_minute"] for one in house.lines("connection turned away")]
