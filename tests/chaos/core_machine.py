"""The whole core under hypothesis: MACs, PINs, repeats, replays, keys, crashes, clocks.

Real are the core, the codec, the crypto and the journal on its file; registry, ledger and
key file are dictionaries that outlive the switch.  The peer knows its MAC key, what it has
said and what it was told.  A crash strikes before or after any write of a request or a key
change; then the core begins anew from what is on disk, as ``serve`` does.
"""

from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, precondition, rule

from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.domain.member import CardStatus
from atm_switch.domain.secret import Key
from atm_switch.switch.ports import Commit, FindAccount, KeepCommand, KeepKeys, KeepRecord, Reserve
from atm_switch.wire.message import IsoMessage
from tests.chaos.core_line import OTHER_PAN, OWNERS, CoreLine
from tests.chaos.core_model import Said
from tests.chaos.crashing_disk import Crashed, Strike
from tests.doubles.bench import PAN, PIN
from tests.doubles.signed_line import signed_payload

LINKS = st.sampled_from((1, 2))
CARDS = st.sampled_from((PAN, OTHER_PAN))
STRIKES = st.builds(Strike, st.integers(0, 2), st.booleans())
HOUR, YEARS = 3_600, 3_650 * 86_400
JUMPS = (-YEARS, -25 * HOUR, -HOUR, HOUR, 25 * HOUR, YEARS)
"""Of the wall clock alone, in seconds."""
EARLIEST, LATEST = 2004, 2046
"""The years the clock may be jumped to."""
SKEWS = st.sampled_from((0, 0, 0, 0, 900, -900, 901, -901))
"""Of the terminal's clock; 900 is the last that is not stale."""
SPANS = (1, 250, 900, 901, 86_399, 86_401)
LOST_MAX = 2
"""Key changes in a row that may go unheard: the ladder's limit."""


class CoreMachine(CoreLine):
    """One bank that requires MACs, two links, two cards."""

    requests: Bundle[Said] = Bundle("requests")
    recordings: Bundle[tuple[Said, bytes, Key]] = Bundle("recordings")

    @initialize(is_on=st.booleans())
    def begin(self, *, is_on: bool) -> None:
        """Begin signed on, or not."""
        if is_on:
            self.sign_link_on(1)
            self.sign_link_on(2)

    @rule(link=LINKS)
    def sign_on(self, link: int) -> None:
        """Sign on, or once more."""
        self.sign_link_on(link)

    @rule(link=LINKS)
    def sign_off(self, link: int) -> None:
        """Sign off, whether on or not."""
        assert "00" == self.ask_command({70: "002"}, link)[39]
        self.model.signed_on.discard(link)

    @rule(target=requests, link=LINKS, pan=CARDS, skew=SKEWS, is_right=st.booleans())
    def inquire(self, link: int, pan: str, skew: int, *, is_right: bool) -> Said:
        """Ask something new, with the right PIN or a wrong one, of now or of another time."""
        said = self.new_request(pan, skew, is_right=is_right)
        payload = signed_payload(self.bench, said.message, self.peer)
        self.hold(said, link, payload, self.peer)
        return said

    @rule(said=requests, link=LINKS, as_repeat=st.booleans())
    def repeat(self, said: Said, link: int, *, as_repeat: bool) -> None:
        """Say the same again under the key of now."""
        again = IsoMessage("0201", said.message.elements) if as_repeat else said.message
        payload = signed_payload(self.bench, again, self.peer)
        self.hold(said, link, payload, self.peer)

    @rule(said=requests, link=LINKS)
    def alter(self, said: Said, link: int) -> None:
        """Say something else under the same key."""
        message = said.message.with_element(22, "021")
        other = Said(message, said.card, said.is_right, said.at)
        payload = signed_payload(self.bench, message, self.peer)
        self.hold(other, link, payload, self.peer)

    @rule(target=recordings, link=LINKS, pan=CARDS, is_right=st.booleans())
    def inquire_overheard(self, link: int, pan: str, *, is_right: bool) -> tuple[Said, bytes, Key]:
        """Ask something new while somebody records the line."""
        said = self.new_request(pan, is_right=is_right)
        payload, key = signed_payload(self.bench, said.message, self.peer), self.peer
        self.hold(said, link, payload, key)
        return said, payload, key

    @rule(recording=recordings, link=LINKS)
    def replay(self, recording: tuple[Said, bytes, Key], link: int) -> None:
        """Play a recording: byte for byte what was said, under the key of then."""
        said, payload, key = recording
        self.hold(said, link, payload, key)

    @rule(link=LINKS, pan=CARDS, at=st.integers(0, 10_000), bit=st.integers(0, 7))
    def spoil(self, link: int, pan: str, at: int, bit: int) -> None:
        """Turn one bit on the way: at most a refusal, and nothing moves."""
        said = self.new_request(pan, is_right=True)
        spoilt = bytearray(signed_payload(self.bench, said.message, self.peer))
        spoilt[at % len(spoilt)] ^= 1 << bit
        for response in self.bench.feed(bytes(spoilt), link):
            # Unreadable and unknown messages are answered too, and none of them is journaled.
            assert response[39] in {"12", "30", "63"}
            assert not {48, 54, 63} & response.elements.keys()

    @rule(link=LINKS)
    def change_key(self, link: int) -> None:
        """Deliver a new MAC key, and use it once the switch has said 00."""
        key, text = self.delivery()
        code = self.ask_command({48: text, 70: "162"}, link)[39]
        assert ("00" if link in self.model.signed_on else "58") == code
        if code == "00":
            self.left[self.peer.reveal()] = None
            self.peer = key
            self.counts["keys"] += 1

    # -- dying

    @rule(
        target=requests, link=LINKS, pan=CARDS,
        is_right=st.booleans(), strike=STRIKES, signs_on=st.booleans(),
    )  # fmt: skip
    def crash_at_inquiry(
        self, link: int, pan: str, *, is_right: bool, strike: Strike, signs_on: bool
    ) -> Said:
        """Die before or after one of the writes of a request, or right behind its answer."""
        said = self.new_request(pan, is_right=is_right)
        judgement = self.model.judged(said, link)
        self.disk.arm(strike, Reserve, Commit)
        try:
            self.bench.feed(signed_payload(self.bench, said.message, self.peer), link)
            made = judgement.writes
        except Crashed:
            made = judgement.writes[: strike.write + strike.is_made]
        self.heard_of(self.peer)
        self.model.settle(said, judgement, made, b"")
        self.begin_anew(signs_on=signs_on)
        return said

    @precondition(lambda self: self.lost < LOST_MAX)
    @rule(link=LINKS, strike=STRIKES, signs_on=st.booleans())
    def crash_at_key_change(self, link: int, strike: Strike, *, signs_on: bool) -> None:
        """Die in the middle of a key change: the peer hears nothing and keeps its key."""
        _, text = self.delivery()
        self.disk.arm(strike, KeepCommand, KeepRecord, KeepKeys)
        message = self.command({48: text, 70: "162"})
        with suppress(Crashed):
            self.bench.feed(signed_payload(self.bench, message, self.peer), link)
        self.lost += 1
        self.begin_anew(signs_on=signs_on)

    # -- the world around

    @rule(seconds=st.sampled_from(SPANS))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.bench.pass_time(seconds)
        self.model.utc = self.bench.utc

    @rule(seconds=st.sampled_from(JUMPS))
    def jump(self, seconds: int) -> None:
        """Set the wall clock; nothing has taken any longer for it."""
        to = self.bench.utc + timedelta(seconds=seconds)
        if EARLIEST <= to.year <= LATEST:
            self.bench.utc = self.model.utc = to
            self.counts["jumps"] += 1
            self.bench.perform(self.bench.switch.tick(self.bench.now))

    @rule(pan=CARDS, is_blocked=st.booleans())
    def block_card(self, pan: str, *, is_blocked: bool) -> None:
        """Block a card, or not."""
        status = CardStatus.BLOCKED if is_blocked else CardStatus.ACTIVE
        self.bench.link_card(pan, OWNERS[pan], PIN, status=status)
        (self.model.blocked.add if is_blocked else self.model.blocked.discard)(pan)

    @rule(is_away=st.booleans())
    def ledger(self, *, is_away: bool) -> None:
        """Have the ledger go away and come back."""
        self.disk.faults = {FindAccount: LedgerUnavailable("away")} if is_away else {}
        self.model.ledger_is_away = is_away
