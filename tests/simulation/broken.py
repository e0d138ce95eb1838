"""The seams of the switch, whole or with a planted bug in them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_claims import Claims
from atm_switch.adapters.journal_wire import KeysChanged
from atm_switch.adapters.mqtt_broker import Message
from atm_switch.adapters.outbox_reader import OutboxReader, Stretch
from atm_switch.adapters.remote_journal import AGAIN_SECONDS, RemoteJournal
from atm_switch.adapters.software_hsm import SoftwareHsm
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.security.key_ring import LineKey
from atm_switch.settling import Settling
from atm_switch.switch.hsm_port import CheckMac, ImportKey, MakeMac, MintedKey, MintKey
from atm_switch.switch.ports import Commit, Reservation, Reserve, UnderWay
from atm_switch.switch.session import Dialect
from tests.simulation.broker import SimBroker, SimLink
from tests.simulation.plants import Plant
from tests.simulation.stepped_writer import SteppedWriter
from tests.simulation.town import calm_bench

Batch = list[tuple[Any, Any]]


class HastyWriter(SteppedWriter):
    """Calls a row B durable as soon as it is queued."""

    def submit(self, question: JournalQuestion, token: Any, *, rings: bool = True) -> None:
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


class CredulousHsm(SoftwareHsm):
    """Takes every MAC for right."""

    def check_mac(self, question: CheckMac) -> int | None:
        """Say that the first key fits."""
        found = super().check_mac(question)
        return 0 if found is None else found


class NarrowHsm(SoftwareHsm):
    """Believes the likeliest key and no other."""

    def check_mac(self, question: CheckMac) -> int | None:
        """Look at the first key."""
        return super().check_mac(replace(question, keys=question.keys[:1]))


class HastyHsm(SoftwareHsm):
    """Signs under the key of the latest change it was part of."""

    _newest: LineKey | None = None

    def import_key(self, question: ImportKey) -> LineKey:
        """Remember what was imported."""
        self._newest = super().import_key(question)
        return self._newest

    def mint_key(self, question: MintKey) -> MintedKey:
        """Remember what was minted."""
        minted = super().mint_key(question)
        self._newest = minted.key
        return minted

    def make_mac(self, question: MakeMac) -> bytes:
        """Sign under that."""
        return super().make_mac(replace(question, key=self._newest or question.key))


class ConfusedOutbox(OutboxReader):
    """Now and then says of an event what it said of the one before."""

    def since(self, after: int, count_max: int) -> Stretch:
        """Read, and mix up."""
        stretch = super().since(after, count_max)
        events = list(stretch.events)
        for at in range(1, len(events)):
            if events[at].sequence % 20 == 0 and events[at].kind is events[at - 1].kind:
                events[at] = replace(events[at], body=events[at - 1].body)
        return Stretch(tuple(events), stretch.through)


class PipedJournal(RemoteJournal):
    """The worker's side; connects as far as there is somebody who writes."""

    reach: Callable[[RemoteJournal], bool]

    async def connect(self) -> None:
        """Try until it is so."""
        while not (self._is_closed or self.reach(self)):
            await asyncio.sleep(AGAIN_SECONDS)


class TrustingJournal(PipedJournal):
    """Takes a row B for written that nobody has said to be."""

    def connection_lost(self, error: Exception | None) -> None:
        """Lose the writer; what was asked will have been written."""
        lost, self._asked = self._asked, {}
        self._deliver([(token, None) for token in lost.values()])
        super().connection_lost(error)


class HastyJournal(PipedJournal):
    """Does not wait until others have heard of a change of keys."""

    async def tell_keys_changed(self) -> None:
        """Tell, if there is somebody to tell."""
        with suppress(JournalUnavailable):
            self._submit(KeysChanged(), asyncio.get_running_loop().create_future())
            self.ring()


class OpenClaims(Claims):
    """Gives a request to whoever asks."""

    def taken(self, worker: object, question: Reserve) -> UnderWay | None:
        """Say that nobody else has it."""
        super().taken(worker, question)
        return None


def journal_of(plant: Plant) -> type[PipedJournal]:
    """Return a worker's way to who writes."""
    if plant.trusts_the_lost:
        return TrustingJournal
    return HastyJournal if plant.tells_in_haste else PipedJournal


def claims_of(plant: Plant) -> type[Claims]:
    """Return what tells whose a request is."""
    return OpenClaims if plant.begins_twice else Claims


def hsm_of(plant: Plant) -> type[SoftwareHsm]:
    """Return the engine of MACs and PINs."""
    if plant.skips_macs or plant.knows_one_key:
        return CredulousHsm if plant.skips_macs else NarrowHsm
    return HastyHsm if plant.signs_anew else SoftwareHsm


def outbox_of(plant: Plant) -> type[OutboxReader]:
    """Return what the publisher reads from."""
    return ConfusedOutbox if plant.tells_another else OutboxReader


def dialect_of(plant: Plant) -> Dialect:
    """Return what the switch's lines speak."""
    dialect = calm_bench().dialect
    if not plant.takes_stale:
        return dialect
    profile = dialect.profile
    return Dialect.of(replace(profile, inquiry=replace(profile.inquiry, de7_window_seconds=0)))


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
