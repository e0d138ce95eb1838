"""A line whose keys change while messages get lost and either side crashes: never a split.

The peer is a model: the one key it has on disk.  The switch is the real core; its disk is
the bench's memory.  Whatever happens, a message under the peer's key is taken, and one under
a key it left less than an overlap ago; no recording moves a key, and no change that another
process made on the disk is undone.
"""

import hashlib
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from atm_switch.domain.instant import transmission_stamp
from atm_switch.domain.secret import Key
from atm_switch.security.components import key_check_value
from atm_switch.security.key_ring import FADING_MAX, TDES, LineKey
from atm_switch.security.vault import Vault, fresh_tdes_key
from atm_switch.wire.message import IsoMessage
from tests.doubles.key_line import MAC_NAME, OVERLAP, answer_to, block_of, key_in
from tests.doubles.signed_line import SIGN_ON, ask_signed, signed_payload, signing_bench

ASKED_EVERY = 11
"""Seconds between requests for keys: six a minute are answered."""

LEFT_MAX = 2
"""So many keys that the peer left within an overlap are claimed to be good still."""

LOST_MAX = 2
"""So many changes in a row may go unheard; the ladder's limit."""


class KeyChanges(RuleBasedStateMachine):
    """One line, one MAC key on each side."""

    @initialize()
    def open(self) -> None:
        """Begin with the key both have."""
        self.bench = signing_bench(bad_frames_per_minute=0)
        self.peer: Key = self.bench.mac_key
        self.drawn = 0
        self.stan = 1000
        self.lost = 0
        self.recorded: list[bytes] = []
        self.left: list[tuple[Key, datetime]] = []

    def moves_to(self, key: Key) -> None:
        """The peer takes another key into use."""
        self.left.append((self.peer, self.bench.utc))
        self.peer = key

    def send(self, message: IsoMessage) -> list[IsoMessage]:
        """Send a message under the peer's key, within an eavesdropper's hearing."""
        self.recorded.append(signed_payload(self.bench, message, self.peer))
        return self.bench.feed(self.recorded[-1])

    def good(self, vault: Vault) -> set[str]:
        """The check values of all keys a message may be under."""
        return {key.check for key in vault.keys[MAC_NAME].candidates(self.bench.utc)}

    def in_use(self, vault: Vault) -> str:
        """The check value of the key in use."""
        return vault.keys[MAC_NAME].in_use.check

    def message(self, elements: dict[int, str]) -> IsoMessage:
        """Make an 0800 of this moment."""
        self.stan += 1
        stamped = {7: transmission_stamp(self.bench.utc), 11: f"{self.stan:06d}", **elements}
        return IsoMessage("0800", dict(sorted(stamped.items())))

    def delivery(self) -> tuple[Key, IsoMessage]:
        """Make a key and the 162 that carries it."""
        self.drawn += 1
        drawn = hashlib.sha256(b"peer %d" % self.drawn).digest()
        key = fresh_tdes_key(lambda count: drawn[:count])
        text = key_check_value(key, TDES) + block_of(self.bench, key)
        return key, self.message({48: text, 70: "162"})

    def offer(self) -> Key:
        """Ask for a MAC key, and open what is delivered."""
        self.bench.pass_time(ASKED_EVERY)
        _, self.delivered = self.send(self.message({48: "MAC", 70: "161"}))
        return key_in(self.bench, self.delivered)

    @rule()
    def peer_delivers_and_hears_00(self) -> None:
        """The usual change."""
        key, message = self.delivery()
        assert ["00"] == [answer[39] for answer in self.send(message)]
        self.moves_to(key)
        self.lost = 0

    @precondition(lambda self: self.lost < LOST_MAX)
    @rule()
    def peer_delivers_and_hears_nothing(self) -> None:
        """The answer is lost, or the peer crashes before it keeps the key."""
        self.send(self.delivery()[1])
        self.lost += 1

    @rule()
    def peer_takes_an_offer(self) -> None:
        """The peer asks, keeps what comes, and says 00."""
        self.moves_to(self.offer())
        self.send(answer_to(self.delivered))
        self.lost = 0

    @precondition(lambda self: self.lost < LOST_MAX)
    @rule()
    def peer_takes_an_offer_and_dies(self) -> None:
        """It keeps the key and never says so."""
        self.moves_to(self.offer())
        self.lost += 1

    @precondition(lambda self: self.lost < LOST_MAX)
    @rule()
    def offer_never_arrives(self) -> None:
        """The peer asks, and nothing comes."""
        self.offer()
        self.lost += 1

    @rule()
    def switch_restarts(self) -> None:
        """The core begins anew from what is on disk."""
        kept, utc = self.bench.memory.vault, self.bench.utc
        fresh = signing_bench(bad_frames_per_minute=0)
        fresh.utc = utc
        fresh.memory.vault = fresh.house.vault = kept
        fresh.memory.hsm, fresh.house.own_stan = self.bench.memory.hsm, self.bench.house.own_stan
        self.recorded = []  # a restart forgets which commands it has carried out
        self.bench = fresh

    @rule()
    def recordings_are_played(self) -> None:
        """Whatever was said in the last minutes is said again, on this link and another."""
        before = self.good(self.bench.house.vault)
        self.bench.open(2)
        for payload in [signed_payload(self.bench, SIGN_ON), *self.recorded[-4:]]:
            for link in (1, 2):
                self.bench.feed(payload, link)

        assert self.good(self.bench.house.vault) <= before
        assert self.good(self.bench.memory.vault) <= before

    @rule()
    def officer_replaces_a_key_under_way(self) -> None:
        """Another process changes the key file; a late answer to an offer must not undo it."""
        self.offer()
        key = self.delivery()[0]
        memory = self.bench.memory
        memory.vault = memory.vault.with_key(MAC_NAME, LineKey.clear(key))
        self.send(answer_to(self.delivered))

        assert key_check_value(key, TDES) == self.in_use(memory.vault)
        self.bench.house.vault = memory.vault
        self.peer, self.lost, self.left, self.recorded = key, 0, [], []

    @rule()
    def time_passes(self) -> None:
        """Longer than any overlap."""
        self.bench.pass_time(400)

    @rule()
    def peer_speaks(self) -> None:
        """Any message tells the switch where the peer is."""
        assert "00" == ask_signed(self.bench, self.message({70: "301"}), self.peer)[39]
        self.lost = 0

    @invariant()
    def peer_is_understood(self) -> None:
        """The peer's key is one the switch would take now."""
        if not hasattr(self, "bench"):
            return
        (ladder,) = (
            one for name, one in self.bench.house.vault.keys.items() if str(name) == "mac 009"
        )
        candidates = [key.token.reveal() for key in ladder.candidates(self.bench.utc)]
        overlap_began_after = self.bench.utc - timedelta(seconds=OVERLAP)
        lately = [key for key, at in self.left[-LEFT_MAX:] if at > overlap_began_after]
        assert self.peer.reveal() in candidates
        assert [] == [key for key in lately if key.reveal() not in candidates]
        assert len(candidates) <= 3 + FADING_MAX


TestKeyChanges = KeyChanges.TestCase
TestKeyChanges.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
