"""The core against a model of it: sessions, tries, repeats, outages, and time.

The model is a few fields and ``expected``, which says in one place what a terminal must
see.  Every rule says something to the switch and holds its answer against the model.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable
from atm_switch.domain.member import CardStatus
from atm_switch.switch.ports import Commit, FindAccount
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDI, PAN, PIN, Bench
from tests.doubles.inquiries import network, repeat_of

LINKS = st.sampled_from((1, 2))
DAY, QUARTER_HOUR, TRIES_MAX = 86_400, 900, 3
WRONG = "0123456789ABCDEF"
TRACK_2 = f"{PAN}=30122211234567890"


@dataclass(frozen=True)
class Said:
    """One request: what it was, whether its PIN is right, and when it was first said."""

    message: IsoMessage
    is_right: bool
    at: float

    @property
    def key(self) -> str:
        """What tells requests apart here: the STAN, for the rest of the key hangs on it."""
        return self.message[11]


@dataclass
class Model:
    """What must be known of the switch to know what it says."""

    now: float = 0.0
    tries: int = 0
    is_blocked: bool = False
    ledger_is_away: bool = False
    journal_is_away: bool = False
    signed_on: set[int] = field(default_factory=set)
    stored: dict[str, tuple[float, str, str, bytes]] = field(default_factory=dict)
    """By key: when, for which content, DE39, the bytes sent."""

    def repeat(self, said: Said) -> tuple[float, str, str, bytes] | None:
        """Return what is stored under the request's key, if it still counts."""
        kept = self.stored.get(said.key)
        return kept if kept and self.now - kept[0] <= DAY else None

    def expected(self, said: Said, link: int) -> str:
        """Say the DE39 and change as the switch does."""
        if link not in self.signed_on:
            return self._unless_lost("58")
        kept = self.repeat(said)
        if kept is not None:
            return kept[2] if kept[1] == said.message[22] else self._unless_lost("94")
        if self.now - said.at > QUARTER_HOUR:
            return self._unless_lost("68")
        return self._judged(said)

    def _judged(self, said: Said) -> str:
        if self.is_blocked:
            return self._unless_lost("62")
        if self.tries >= TRIES_MAX:
            return self._unless_lost("75")
        self.tries += 1
        if not said.is_right:
            return self._unless_lost("55")
        if not self.journal_is_away:
            self.tries = 0  # cleared in the commit or not at all
        return self._unless_lost("91" if self.ledger_is_away else "00")

    def _unless_lost(self, code: str) -> str:
        return "96" if self.journal_is_away else code

    def is_kept(self, code: str) -> bool:
        """Tell whether the answer is stored for repeats."""
        return not self.journal_is_away and code not in ("58", "94")


class SessionMachine(RuleBasedStateMachine):
    """One switch, two links, one card."""

    requests: Bundle[Said] = Bundle("requests")

    def __init__(self) -> None:
        """Open both links; nobody has signed on."""
        super().__init__()
        self.bench = Bench(bad_frames_per_minute=0, echo_idle_seconds=0.0)
        self.bench.open(2)
        self.model = Model()
        self.stan = 0
        self.seen = [0, 0]
        block = self.bench.pin_block()
        self.canaries = (PAN, TRACK_2[17:], block, block.lower(), f"Pin({PIN}")

    def hold_against_model(self, said: Said, link: int) -> None:
        """Say a request; its one answer must be the model's."""
        kept = self.model.repeat(said)
        code = self.model.expected(said, link)

        response = self.bench.ask(said.message, link)

        assert code == response[39]
        assert (code == "00") == (48 in response) == (54 in response) == (63 in response)
        assert (said.key, "0210", link) == (response[11], response.mti, self.bench.sent[-1].link)
        sent = self.bench.sent[-1].payload
        if link in self.model.signed_on and kept is None and self.model.is_kept(code):
            self.model.stored[said.key] = (self.model.now, said.message[22], code, sent)
        if link in self.model.signed_on and kept and kept[1] == said.message[22]:
            assert kept[3] == sent

    @rule(link=LINKS)
    def sign_on(self, link: int) -> None:
        """Sign on, or once more."""
        assert "00" == self.bench.ask(network("001"), link)[39]
        self.model.signed_on.add(link)

    @rule(link=LINKS)
    def sign_off(self, link: int) -> None:
        """Sign off, whether on or not."""
        assert "00" == self.bench.ask(network("002"), link)[39]
        self.model.signed_on.discard(link)

    @rule(link=LINKS)
    def echo(self, link: int) -> None:
        """Echo is always answered."""
        assert "00" == self.bench.ask(network("301"), link)[39]

    @rule(target=requests, link=LINKS, is_right=st.booleans(), has_track=st.booleans())
    def inquire(self, link: int, *, is_right: bool, has_track: bool) -> Said:
        """Ask something new."""
        self.stan += 1
        block = self.bench.pin_block() if is_right else WRONG
        changes: dict[int, str | None] = {11: f"{self.stan:06d}", 52: block}
        if has_track:
            changes[35] = TRACK_2
        said = Said(self.bench.inquiry(changes), is_right, self.model.now)
        self.hold_against_model(said, link)
        return said

    @rule(said=requests, link=LINKS, as_repeat=st.booleans())
    def repeat(self, said: Said, link: int, *, as_repeat: bool) -> None:
        """Say the same again, on either link."""
        again = repeat_of(said.message) if as_repeat else said.message
        self.hold_against_model(replace(said, message=again), link)

    @rule(said=requests, link=LINKS, is_right=st.booleans())
    def repeat_with_other_block(self, said: Said, link: int, *, is_right: bool) -> None:
        """Say the same with another PIN block."""
        block = self.bench.pin_block() if is_right else WRONG
        other = said.message.with_element(52, block)
        self.hold_against_model(replace(said, message=other, is_right=is_right), link)

    @rule(said=requests, link=LINKS)
    def alter(self, said: Said, link: int) -> None:
        """Say something else under the same key."""
        other = said.message.with_element(22, "021")
        self.hold_against_model(replace(said, message=other), link)

    @rule(said=requests)
    def join(self, said: Said) -> None:
        """Say the same on both links while the card's account is being looked for."""
        if self.model.signed_on != {1, 2} or self.bench.memory.faults or self.model.repeat(said):
            return
        code = self.model.expected(said, 1)
        before = len(self.bench.sent)
        frame = self.bench.dialect.packager.pack(said.message)
        self.bench.holds = (FindAccount, Commit)
        assert [] == self.bench.feed(frame, 1) + self.bench.feed(frame, 2)
        while self.bench.held:
            self.bench.release()
        one, two = self.bench.sent[before:]
        assert one.payload == two.payload
        assert code == self.bench.dialect.packager.unpack(one.payload)[39]
        self.model.stored[said.key] = (self.model.now, said.message[22], code, one.payload)

    @rule(link=LINKS, payload=st.binary(max_size=60))
    def garbage(self, link: int, payload: bytes) -> None:
        """Say nothing readable: at most one refusal, never a 00."""
        answers = self.bench.feed(b"\xff" + payload, link)
        assert [] == answers

    @rule(link=LINKS, mti=st.sampled_from(("0210", "0810", "0430")))
    def response(self, link: int, mti: str) -> None:
        """Say a response nobody asked for: silence."""
        message = IsoMessage(mti, {7: "0630072507", 11: "000001", 39: "00"})
        assert [] == self.bench.feed(self.bench.dialect.packager.pack(message), link)

    @rule(link=LINKS)
    def reopen(self, link: int) -> None:
        """Lose the link and open it again: the sign-on is gone."""
        self.bench.perform(self.bench.switch.closed(link, "lost"))
        self.bench.open(link)
        self.model.signed_on.discard(link)

    @rule(seconds=st.sampled_from((1, QUARTER_HOUR, QUARTER_HOUR + 1, DAY - 1, DAY + 1)))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.bench.pass_time(seconds)
        self.model.now += seconds

    @rule(is_blocked=st.booleans())
    def block_card(self, *, is_blocked: bool) -> None:
        """Block the card, or not."""
        status = CardStatus.BLOCKED if is_blocked else CardStatus.ACTIVE
        self.bench.link_card(PAN, BUDI, PIN, status=status)
        self.model.is_blocked = is_blocked

    @rule(ledger=st.booleans(), journal=st.booleans())
    def neighbours(self, *, ledger: bool, journal: bool) -> None:
        """Have neighbours go away and come back."""
        faults: dict[type, Any] = {}
        if ledger:
            faults[FindAccount] = LedgerUnavailable("away")
        if journal:
            faults[Commit] = JournalUnavailable("away")
        self.bench.memory.faults = faults
        self.model.ledger_is_away, self.model.journal_is_away = ledger, journal

    @invariant()
    def tries_are_the_model_tries(self) -> None:
        """Tries are counted exactly."""
        assert self.model.tries == sum(self.bench.memory.tries.values())

    @invariant()
    def nothing_is_left_under_way(self) -> None:
        """Every request was answered."""
        assert (0, {}) == (self.bench.switch.in_flight, self.bench.house.flights)
        assert (0, 0) == tuple(self.bench.in_flight_of(link) for link in (1, 2))

    @invariant()
    def no_secret_is_noted_or_kept(self) -> None:
        """New notes and rows hold no canary."""
        notes, rows = self.bench.notes, self.bench.memory.rows
        printed = repr(notes[self.seen[0] :]) + repr(rows[self.seen[1] :])
        self.seen = [len(notes), len(rows)]
        assert not [canary for canary in self.canaries if canary in printed]


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(deadline=None, stateful_step_count=40)
