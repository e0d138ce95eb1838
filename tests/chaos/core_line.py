"""The line of the whole-core machine: bench, model, peer, and how a request is held to it.

Real are the core, the codec, the crypto and the journal on its file; registry, ledger and
key file are dictionaries that outlive the switch.  The peer knows its MAC key, what it has
said and what it was told.
"""

import hashlib
from collections import Counter
from datetime import datetime, timedelta

from hypothesis.stateful import RuleBasedStateMachine, invariant

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.instant import transmission_stamp
from atm_switch.domain.secret import Key
from atm_switch.messages.authentication import covered_by_mac
from atm_switch.security.components import key_check_value
from atm_switch.security.key_ring import TDES
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.start_up import recall
from atm_switch.switch.house import House
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.switch import Switch
from atm_switch.wire.message import IsoMessage
from tests.chaos.core_model import Model, Said
from tests.chaos.crashing_disk import disk_of
from tests.doubles.bench import BUDI, PAN, PIN, STRANGER, Bench, bank
from tests.doubles.key_line import block_of
from tests.doubles.signed_line import is_signed, signed_payload

OTHER_PAN = "9990090000000020"
OWNERS: dict[str, Kpj] = {PAN: BUDI, OTHER_PAN: STRANGER}
OVERLAP = timedelta(seconds=300)


class CoreLine(RuleBasedStateMachine):
    """One bank that requires MACs, two links, two cards."""

    def __init__(self) -> None:
        """Open both links; nobody has signed on."""
        super().__init__()
        self.bench = Bench(
            banks=(bank(mac=MacPolicy.REQUIRED),), bad_frames_per_minute=0, echo_idle_seconds=0.0
        )
        self.bench.link_card(OTHER_PAN, STRANGER, PIN)
        self.disk = disk_of(self.bench.memory, self.bench.vault, lambda: self.bench.utc)
        self.bench.memory = self.disk
        self.bench.open(2)
        self.model = Model(self.bench.utc)
        self.peer = self.bench.mac_key
        self.left: dict[bytes, datetime | None] = {}
        """Keys the peer left, by their octets: when the switch first heard the next one."""
        self.stan = self.drawn = self.lost = 0
        self.counts = Counter[str]()
        """What happened, for the figure."""

    def teardown(self) -> None:
        """At the end the journal is whole, and each ending was told once."""
        try:
            self._hold_the_file_against_the_model()
        finally:
            self.disk.remove()

    def _hold_the_file_against_the_model(self) -> None:
        found = self.disk.reader.verify(self.disk.vault)
        assert found.is_sound
        assert self.model.in_doubt == len(found.in_doubt)
        rows = self.disk.reader.follow(0, 100_000)
        endings = [row.seq for row in rows if not row.is_reservation]
        assert self.model.endings == len(endings)
        assert endings == self.disk.told_endings()
        with OutboxReader(self.disk.path, "switch") as outbox:
            ids = [event.event_id for event in outbox.since(0, 100_000).events]
        assert len(ids) == len(set(ids))

    # -- saying things

    def is_authentic(self, key: Key) -> bool | None:
        """Tell whether a message under a key is taken; ``None`` where either is right."""
        if key.reveal() == self.peer.reveal():
            return True
        heard = self.left[key.reveal()]
        return False if heard is not None and self.bench.utc > heard + OVERLAP else None

    def heard_of(self, key: Key) -> None:
        """A message under the peer's key has told the switch that those before are left."""
        if key.reveal() != self.peer.reveal():
            return
        self.lost = 0
        for one, heard in self.left.items():
            self.left[one] = heard or self.bench.utc

    def hold(self, said: Said, link: int, payload: bytes, key: Key) -> None:
        """Feed a request; its one answer must be the model's."""
        judgement = self.model.judged(said, link)
        is_authentic = self.is_authentic(key)

        (response,) = self.bench.feed(payload, link)

        self.counts["answers"] += 1
        assert (said.key, "0210", link) == (response[11], response.mti, self.bench.sent[-1].link)
        if is_authentic is False or (is_authentic is None and response[39] == "63"):
            assert "63" == response[39]
            assert not {48, 54, 63} & response.elements.keys()
            return
        self.heard_of(key)
        assert is_signed(self.bench, self.bench.sent[-1].payload, key)
        assert judgement.code == response[39]
        assert (response[39] == "00") == (48 in response) == (54 in response) == (63 in response)
        wire = covered_by_mac(self.bench.sent[-1].payload, self.bench.dialect.profile)
        if judgement.again is not None and judgement.again.wire:
            assert judgement.again.wire == wire
        self.model.settle(said, judgement, judgement.writes, wire)

    def new_request(self, pan: str, skew: int = 0, *, is_right: bool) -> Said:
        """Write a request nobody has said before, its clock so many seconds off."""
        self.stan += 1
        sent_at = self.bench.utc + timedelta(seconds=skew)
        changes: dict[int, str | None] = {
            2: pan, 7: transmission_stamp(sent_at), 11: f"{self.stan:06d}", 15: None,
            37: f"518107{self.stan:06d}",
            52: self.bench.pin_block(PIN if is_right else "999999", pan),
        }  # fmt: skip
        return Said(self.bench.inquiry(changes), pan, is_right, self.bench.utc)

    def command(self, elements: dict[int, str]) -> IsoMessage:
        """Write an 0800 of this moment."""
        self.stan += 1
        stamped = {7: transmission_stamp(self.bench.utc), 11: f"{self.stan:06d}", **elements}
        return IsoMessage("0800", dict(sorted(stamped.items())))

    def ask_command(self, elements: dict[int, str], link: int) -> IsoMessage:
        """Send an 0800 under the peer's key; its answer is under the same."""
        (response,) = self.bench.feed(
            signed_payload(self.bench, self.command(elements), self.peer), link
        )
        assert is_signed(self.bench, self.bench.sent[-1].payload, self.peer)
        self.heard_of(self.peer)
        return response

    def begin_anew(self, *, signs_on: bool) -> None:
        """Start a core from what is on disk, as ``serve`` does; terminals may sign on again."""
        bench, disk = self.bench, self.disk
        self.counts["crashes"] += 1
        disk.detach()
        disk.attach()
        old = bench.house
        bench.house = House(old.policy, disk.vault, old.rates, disk.reader.last_sequence())
        bench.house.own_stan = old.own_stan
        recall(bench.house, disk.reader, bench.now)
        bench.switch = Switch(bench.house)
        self.model.signed_on.clear()
        for link in (1, 2):
            bench.open(link)
            if signs_on:
                self.sign_link_on(link)

    def sign_link_on(self, link: int) -> None:
        """Sign on, or once more."""
        assert "00" == self.ask_command({70: "001"}, link)[39]
        self.model.signed_on.add(link)

    def delivery(self) -> tuple[Key, str]:
        """Draw a MAC key and write the element that carries it."""
        self.drawn += 1
        drawn = hashlib.sha256(b"key %d" % self.drawn).digest()
        key = fresh_tdes_key(lambda count: drawn[:count])
        return key, key_check_value(key, TDES) + block_of(self.bench, key)

    @invariant()
    def disk_is_the_model(self) -> None:
        """PIN tries are counted exactly, and nothing is left under way."""
        for pan in OWNERS:
            used = self.disk.reader.tries(self.disk.cards[self.ref(pan)].ref)
            assert self.model.tries.get(pan, 0) == used
        assert (0, {}) == (self.bench.switch.in_flight, self.bench.house.flights)

    def ref(self, pan: str) -> bytes:
        """The card's digest."""
        return next(d for d, card in self.disk.cards.items() if card.kpj == OWNERS[pan])
