"""The seams of the switch, whole or with a planted bug in them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.mqtt_broker import Message
from atm_switch.settling import Settling
from atm_switch.switch.effects import Ticket
from atm_switch.switch.ports import Commit, Reservation
from tests.simulation.broker import SimBroker, SimLink
from tests.simulation.plants import Plant
from tests.simulation.stepped_writer import SteppedWriter

Batch = list[tuple[Ticket, Any]]


class HastyWriter(SteppedWriter):
    """Calls a row B durable as soon as it is queued."""

    def submit(self, question: JournalQuestion, token: Ticket, *, rings: bool = True) -> None:
        """Queue, and answer at once."""
        super().submit(question, token, rings=rings)
        if isinstance(question, Commit):
            self.on_early([(token, None)])


class ForgetfulWriter(SteppedWriter):
    """Grants every PIN try, whatever the file says."""

    def step(self) -> Batch:
        """Write, and say yes."""
        return [
            (token, Reservation(answer.sequence, answer.tries, granted=True))
            if isinstance(answer, Reservation)
            else (token, answer)
            for token, answer in super().step()
        ]


class SilentSettling(Settling):
    """Never ends what is in doubt."""

    async def start(self, *, is_alone: bool) -> None:
        """Do nothing."""


class DeafLink(SimLink):
    """Now and then acknowledges what the broker never had."""

    async def publish(self, message: Message) -> None:
        """Publish, or pretend to."""
        if self._sea.dice.random() > 0.02:
            await super().publish(message)


def writer_of(plant: Plant) -> type[SteppedWriter]:
    """Return the journal's writer."""
    if plant.answers_early:
        return HastyWriter
    return ForgetfulWriter if plant.tries_uncounted else SteppedWriter


def connector_of(plant: Plant, broker: SimBroker) -> Callable[..., Any]:
    """Return the way to the broker."""
    if not plant.loses_events:
        return broker.connect

    @asynccontextmanager
    async def connect(*where: Any) -> AsyncIterator[SimLink]:
        async with broker.connect(*where) as link:
            deaf = DeafLink(broker)
            deaf.over = link.over
            yield deaf

    return connect
