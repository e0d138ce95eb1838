"""A broker: away at times, slow, losing acknowledgements, breaking off.

It is what ``mqtt_broker.connected`` would lead to; the publisher in front of it is the
product's.  What reached the broker is kept in order, whether or not its PUBACK came back.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from atm_switch.adapters.mqtt_broker import Broker, BrokerUnavailable, Message

ANSWER_SECONDS_MAX = 10.0
SAME_MOMENT = 1e-5
"""Seconds in which the loop's order is that of its dice."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event that reached the broker."""

    sequence: int
    event_id: str
    kind: str
    ending: tuple[str, str]
    """RRN and outcome of a transaction; empty of all else."""


class SimLink:
    """One connection: messages go in order."""

    def __init__(self, sea: "SimBroker") -> None:
        """Begin connected."""
        self._sea = sea
        self.over = asyncio.Event()
        self._last = 0.0

    async def publish(self, message: Message) -> None:
        """Publish and wait for the PUBACK.  Raises ``BrokerUnavailable``."""
        loop, dice = asyncio.get_running_loop(), self._sea.dice
        acknowledged: asyncio.Future[None] = loop.create_future()
        soonest = loop.time() + dice.uniform(0.0005, 0.01)
        self._last = max(self._last + SAME_MOMENT, soonest)  # behind the one before
        loop.call_at(self._last, self._arrive, message, acknowledged)
        try:
            await asyncio.wait_for(acknowledged, ANSWER_SECONDS_MAX)
        except TimeoutError:
            raise BrokerUnavailable("no PUBACK") from None

    async def until_lost(self) -> None:
        """Wait until the connection is lost."""
        await self.over.wait()

    def _arrive(self, message: Message, acknowledged: "asyncio.Future[None]") -> None:
        sea = self._sea
        if self.over.is_set():
            return
        sea.took(message)
        if sea.is_lossy and sea.dice.random() < 0.03:
            sea.drop()
            return
        back = sea.dice.uniform(0.0005, 0.01) + sea.slowness
        asyncio.get_running_loop().call_later(back, self._acknowledge, acknowledged)

    def _acknowledge(self, acknowledged: "asyncio.Future[None]") -> None:
        if not self.over.is_set() and not acknowledged.done():
            acknowledged.set_result(None)


class SimBroker:
    """The broker over all lives of the switch."""

    def __init__(self, dice: random.Random) -> None:
        """Be there and well."""
        self.dice = dice
        self.told: list[Told] = []
        self.is_away = False
        self.is_lossy = True
        self.slowness = 0.0
        self._links: list[SimLink] = []

    def took(self, message: Message) -> None:
        """Keep what came; a status of the switch itself has no number."""
        event = json.loads(message.payload)
        if event["sequence"]:
            body = event.get("transaction", {})
            ending = body.get("rrn", ""), body.get("outcome", "")
            told = Told(event["sequence"], event["event_id"], event["kind"], ending)
            self.told.append(told)

    def drop(self) -> None:
        """Break every connection off, with what is under way on it."""
        for link in self._links:
            link.over.set()

    @asynccontextmanager
    async def connect(
        self, _broker: Broker, _identifier: str, _window: int, _will: Message | None = None
    ) -> AsyncIterator[SimLink]:
        """Connect for a block, as ``mqtt_broker.connected`` does."""
        await asyncio.sleep(self.dice.uniform(0.001, 0.05))
        if self.is_away:
            raise BrokerUnavailable("away")
        link = SimLink(self)
        self._links.append(link)
        try:
            yield link
        finally:
            link.over.set()
            self._links.remove(link)
