"""A line whose PIN key changes again and again, while inquiries come when they come.

The peer is a model: the PIN key it is at, and those it left just now, under which inquiries
may still be under way.  No message but those tells the switch where it is.  Whatever happens,
the right PIN under any of these keys is right, and a key the peer brings is taken within ten
seconds.
"""

import hashlib
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from atm_switch.domain.card import Pan
from atm_switch.domain.instant import transmission_stamp
from atm_switch.domain.secret import Key, Pin
from atm_switch.security.components import key_check_value
from atm_switch.security.key_ring import FADING_MAX, TDES
from atm_switch.security.pin_block import encipher
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import PAN, PIN
from tests.doubles.key_line import PIN_NAME, answer_to, block_of, inquiry, key_in
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

UNDISTURBED = 10
"""Seconds a key that the peer left is claimed to be good, and a key too many may wait."""
ASKED_EVERY = 11
"""Seconds between requests for keys: six a minute are answered."""
LEFT_MAX = 2
"""So many keys that the peer left just now are claimed to be good still."""
UNHEARD_MAX = 2
"""With so many changes behind the last word of the peer none may be lost: the ladder's limit."""


class PinKeyChanges(RuleBasedStateMachine):
    """One line, one PIN key on each side."""

    @initialize()
    def open(self) -> None:
        """Begin with the key both have."""
        self.bench = signing_bench(bad_frames_per_minute=0)
        self.peer: Key = self.bench.pin_key
        self.drawn = self.unheard = self.ahead = 0
        self.stan = 1000
        self.left: list[tuple[Key, datetime]] = []

    def moves_to(self, key: Key) -> None:
        """The peer takes another key into use."""
        self.left.append((self.peer, self.bench.utc))
        self.peer, self.ahead = key, 0

    def is_lost(self) -> None:
        """The switch has a key that the peer is not at."""
        self.unheard += 1
        self.ahead += 1

    @property
    def left_just_now(self) -> list[Key]:
        """What inquiries may be under way under."""
        since = self.bench.utc - timedelta(seconds=UNDISTURBED)
        return [key for key, at in self.left[-LEFT_MAX:] if at > since]

    def message(self, elements: dict[int, str]) -> IsoMessage:
        """Make an 0800 of this moment."""
        self.stan += 1
        stamped = {7: transmission_stamp(self.bench.utc), 11: f"{self.stan:06d}", **elements}
        return IsoMessage("0800", dict(sorted(stamped.items())))

    def bring(self) -> tuple[Key, str]:
        """Bring a key; return it and DE39."""
        self.drawn += 1
        drawn = hashlib.sha256(b"pin %d" % self.drawn).digest()
        key = fresh_tdes_key(lambda count: drawn[:count])
        text = key_check_value(key, TDES) + block_of(self.bench, key, "P0", "B")
        for _ in range(UNDISTURBED):
            code = ask_signed(self.bench, self.message({48: text, 70: "162"}))[39]
            if code != "96":
                break
            self.bench.pass_time(1)
        else:
            code = ask_signed(self.bench, self.message({48: text, 70: "162"}))[39]
        return key, code

    def offer(self) -> Key:
        """Ask for a PIN key, and open what is delivered."""
        self.bench.pass_time(ASKED_EVERY)
        asking = self.message({48: "PIN", 70: "161"})
        _, self.delivered = self.bench.feed(signed_payload(self.bench, asking))
        return key_in(self.bench, self.delivered)

    def ask(self, key: Key) -> str:
        """Ask with the right PIN under a key; return DE39."""
        self.stan += 1
        block = encipher(Pin(PIN.encode()), Pan(PAN), key)
        return ask_signed(self.bench, inquiry(self.bench, self.stan, block))[39]

    @rule()
    def peer_brings_a_key(self) -> None:
        """It hears 00 and goes to it."""
        key, code = self.bring()
        assert "00" == code
        self.moves_to(key)
        self.unheard += 1

    @precondition(lambda self: self.unheard < UNHEARD_MAX)
    @rule()
    def peer_brings_a_key_and_hears_nothing(self) -> None:
        """The answer is lost: it stays where it is."""
        self.bring()
        self.is_lost()

    @rule()
    def peer_takes_an_offer(self) -> None:
        """It asks, keeps what comes, and says 00."""
        self.moves_to(self.offer())
        self.bench.feed(signed_payload(self.bench, answer_to(self.delivered)))
        self.unheard = 0

    @precondition(lambda self: self.unheard < UNHEARD_MAX)
    @rule()
    def offer_never_arrives(self) -> None:
        """The peer asks, and nothing comes."""
        self.offer()
        self.is_lost()

    @rule()
    def inquiry_comes(self) -> None:
        """It is under the key the peer is at, and tells the switch so."""
        assert "00" == self.ask(self.peer)
        self.unheard = self.ahead

    @precondition(lambda self: self.left_just_now)
    @rule(at=st.integers(0, LEFT_MAX - 1))
    def inquiry_comes_late(self, at: int) -> None:
        """It is under a key that the peer has left meanwhile."""
        late = self.left_just_now
        assert "00" == self.ask(late[at % len(late)])

    @rule(seconds=st.sampled_from([1, 400]))
    def time_passes(self, seconds: int) -> None:
        """A little, or longer than any overlap."""
        self.bench.pass_time(seconds)

    @rule()
    def switch_restarts(self) -> None:
        """The core begins anew from what is on disk."""
        kept, utc = self.bench.memory.vault, self.bench.utc
        fresh = signing_bench(bad_frames_per_minute=0)
        fresh.utc = utc
        fresh.memory.vault = fresh.house.vault = kept
        fresh.memory.hsm, fresh.house.own_stan = self.bench.memory.hsm, self.bench.house.own_stan
        self.bench = fresh

    @invariant()
    def peer_is_understood(self) -> None:
        """The switch can open a PIN block under the peer's key, and one it left just now."""
        if not hasattr(self, "bench"):
            return
        candidates = self.bench.house.vault.keys[PIN_NAME].candidates(self.bench.utc)
        known = [key.token.reveal() for key in candidates]
        assert self.peer.reveal() in known
        assert [] == [key for key in self.left_just_now if key.reveal() not in known]
        assert len(known) <= 3 + FADING_MAX


TestPinKeyChanges = PinKeyChanges.TestCase
TestPinKeyChanges.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
