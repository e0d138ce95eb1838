"""A line whose keys change while messages get lost and either side crashes: never a split.

The peer is a model: the one key it has on disk.  The switch is the real core; its disk is
the bench's memory.  Whatever happens, a message under the peer's key is taken.
"""

import hashlib

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from atm_switch.domain.instant import transmission_stamp
from atm_switch.domain.secret import Key
from atm_switch.security.components import key_check_value
from atm_switch.security.key_ring import TDES
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.wire.message import IsoMessage
from tests.doubles.key_line import answer_to, block_of, key_in
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

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
        request = self.message({48: "MAC", 70: "161"})
        _, self.delivered = self.bench.feed(signed_payload(self.bench, request, self.peer))
        return key_in(self.bench, self.delivered)

    @rule()
    def peer_delivers_and_hears_00(self) -> None:
        """The usual change."""
        key, message = self.delivery()
        assert "00" == ask_signed(self.bench, message, self.peer)[39]
        self.peer, self.lost = key, 0

    @precondition(lambda self: self.lost < LOST_MAX)
    @rule()
    def peer_delivers_and_hears_nothing(self) -> None:
        """The answer is lost, or the peer crashes before it keeps the key."""
        self.bench.feed(signed_payload(self.bench, self.delivery()[1], self.peer))
        self.lost += 1

    @rule()
    def peer_takes_an_offer(self) -> None:
        """The peer asks, keeps what comes, and says 00."""
        self.peer = self.offer()
        self.bench.feed(signed_payload(self.bench, answer_to(self.delivered), self.peer))
        self.lost = 0

    @precondition(lambda self: self.lost < LOST_MAX)
    @rule()
    def peer_takes_an_offer_and_dies(self) -> None:
        """It keeps the key and never says so."""
        self.peer = self.offer()
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
        self.bench = fresh

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
        assert self.peer.reveal() in candidates
        assert len(candidates) <= 3


TestKeyChanges = KeyChanges.TestCase
TestKeyChanges.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
