"""The core on a bench: real switch, real codec, real keys; neighbours that live in memory.

``Bench`` carries out effects at once and keeps what was sent, noted and asked, so a test
reads like a conversation.  Time stands still unless a test moves it.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from atm_switch.domain.accrual import DevelopmentRate, RateTable
from atm_switch.domain.card import Expiry, Pan
from atm_switch.domain.identifiers import AcquirerId, Channel, Kpj
from atm_switch.domain.instant import Instant, Zone
from atm_switch.domain.member import (
    CardStatus,
    LinkedCard,
    MemberStatus,
    Participant,
    Segment,
)
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.secret import Key, Pin
from atm_switch.domain.statement import AccountHistory
from atm_switch.profile.load import load_profile
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.pin_block import encipher
from atm_switch.security.pvv import visa_pvv
from atm_switch.security.vault import Vault, fresh_tdes_key
from atm_switch.switch.effects import Asked, Close, Effect, Note, Send
from atm_switch.switch.house import House
from atm_switch.switch.policy import AcquirerPolicy, MacPolicy, PinPolicy, SwitchPolicy
from atm_switch.switch.session import Dialect
from atm_switch.switch.switch import Switch
from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage
from tests.doubles.memory import CountedEntropy, Memory

GOLDEN_INSTANT = datetime(2025, 6, 30, 7, 25, 7, tzinfo=UTC)
BNI = AcquirerId("009")
BUDI = Kpj("12345678901")
BUDIS_OTHER = Kpj("12345678999")
STRANGER = Kpj("22233344455")
PAN = "9990090000000012"
PIN = "123456"


def golden_history(as_of: date) -> AccountHistory:
    """The published simulation: G1 as opening, 285,000 rupiah on the 1st of each month."""
    postings = tuple(
        Posting(date(as_of.year, month, 1), PostingKind.CONTRIBUTION, Money(28_500_000))
        for month in range(1, as_of.month + 1)
    )
    return AccountHistory(
        as_of.year,
        Money(1_940_947_047),
        postings,
        has_postings=True,
        last_contribution=postings[-1].posted_on,
    )


def bank(**changes: Any) -> AcquirerPolicy:
    """BNI as the lab has it, changed as asked."""
    policy = AcquirerPolicy(
        acquirer=BNI, name="BANK CONTOH", pin=PinPolicy.ISSUER, mac=MacPolicy.OFF,
        admits_any_terminal=True, terminals={}, unmasked_kpj=False,
        channels=frozenset({Channel("6011")}), zone=Zone.WIB, end_of_day=None,
    )  # fmt: skip
    return replace(policy, **changes)


class Bench:
    """One switch, one link, one memory."""

    def __init__(
        self,
        profile: str = "bpjstk-jht-v1",
        banks: tuple[AcquirerPolicy, ...] = (bank(),),
        **policy: Any,
    ) -> None:
        """Set the table: Budi's card, PIN and account; the golden day."""
        self.utc, self.monotonic = GOLDEN_INSTANT, 1000.0
        entropy = CountedEntropy()
        self.pin_key: Key = fresh_tdes_key(entropy)
        self.mac_key: Key = fresh_tdes_key(entropy)
        self.exchange_key: Key = fresh_tdes_key(entropy)
        self.vault = Vault.fresh(entropy)
        for usage, key in (
            (KeyUsage.PIN, self.pin_key),
            (KeyUsage.MAC, self.mac_key),
            (KeyUsage.EXCHANGE, self.exchange_key),
        ):
            self.vault = self.vault.with_key(KeyName(usage, BNI), LineKey.clear(key))
        self.memory = Memory(self.vault)
        self.dialect = Dialect.of(load_profile(profile))
        chosen = {
            "bad_frames_per_minute": 60, "inquiries_per_card_per_hour": 0,
            "inquiries_per_terminal_per_minute": 0, "in_flight_max": 1000,
            "echo_idle_seconds": 60.0, "echo_answer_seconds": 30.0, **policy,
        }  # fmt: skip
        banks_by_id = {bank.acquirer: bank for bank in banks}
        rates = RateTable([DevelopmentRate(2025, 5000, is_published=False)])
        self.house = House(SwitchPolicy(acquirers=banks_by_id, **chosen), self.vault, rates, 122)
        self.switch = Switch(self.house)
        self.sent: list[Send] = []
        self.notes: list[Note] = []
        self.closed: list[Close] = []
        self.holds: tuple[type, ...] = ()
        """Kinds of question that are kept back in ``held`` instead of answered."""
        self.held: list[Asked] = []
        self._stock()
        self.open(1)

    def in_flight_of(self, link: int) -> int:
        """How many requests of a link wait for a neighbour; none of one that is gone."""
        session = self.switch.session_of(link)
        return 0 if session is None else session.in_flight

    def _stock(self) -> None:
        self.link_card(PAN, BUDI, PIN)
        for kpj, person in ((BUDI, "p1"), (BUDIS_OTHER, "p1"), (STRANGER, "p2")):
            self.memory.persons[kpj] = Participant(
                kpj, person, "BUDI SANTOSO", Segment.WAGE_EARNER, MemberStatus.ACTIVE, 1
            )
            self.memory.histories[kpj] = golden_history
        del self.memory.persons[BUDIS_OTHER]

    def link_card(self, pan: str, kpj: Kpj, pin: str, **changes: Any) -> LinkedCard:
        """Put a card into the registry."""
        number = Pan(pan)
        pvk = self.vault.pvk("1")
        assert pvk is not None
        pvv = visa_pvv(Pin(pin.encode()), number, "1", pvk.token)
        ref = self.vault.card_ref(number)
        card = LinkedCard(ref, kpj, Expiry("3012"), CardStatus.ACTIVE, date(2025, 1, 2), pvv, "1")
        card = replace(card, **changes)
        self.memory.cards[ref.digest] = card
        return card

    @property
    def now(self) -> Instant:
        """The bench's clock."""
        return Instant(self.utc, self.monotonic)

    def pass_time(self, seconds: float) -> None:
        """Move the clock and let the switch notice."""
        self.utc += timedelta(seconds=seconds)
        self.monotonic += seconds
        self.perform(self.switch.tick(self.now))

    def open(self, link: int, acquirer: AcquirerId | None = None) -> None:
        """Open a link."""
        self.perform(
            self.switch.opened(link, f"127.0.0.1:{4000 + link}", self.dialect, acquirer, self.now)
        )

    def perform(self, effects: list[Effect]) -> None:
        """Carry out effects until none is left."""
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append(effect)
            elif isinstance(effect, Note):
                self.notes.append(effect)
            elif isinstance(effect, Close):
                self.closed.append(effect)
            elif isinstance(effect.question, self.holds):
                self.held.append(effect)
            else:
                answer = self.memory.answer(effect.question)
                self.perform(self.switch.answered(effect.ticket, answer, self.now))

    def release(self) -> None:
        """Answer what was held back."""
        held, self.held, self.holds = self.held, [], ()
        for asked in held:
            answer = self.memory.answer(asked.question)
            self.perform(self.switch.answered(asked.ticket, answer, self.now))

    def feed(self, payload: bytes, link: int = 1, header: bytes = b"") -> list[IsoMessage]:
        """Give the switch one payload; return what it sent meanwhile, unpacked."""
        before = len(self.sent)
        self.perform(self.switch.received(link, Frame(header, payload), self.now))
        return [self.dialect.packager.unpack(send.payload) for send in self.sent[before:]]

    def ask(self, message: IsoMessage, link: int = 1) -> IsoMessage:
        """Give the switch one message and return its one response."""
        (response,) = self.feed(self.dialect.packager.pack(message), link)
        return response

    def sign_on(self, link: int = 1) -> None:
        """Sign the link on."""
        request = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})
        assert self.ask(request, link)[39] == "00"

    def pin_block(self, pin: str = PIN, pan: str = PAN) -> str:
        """Encipher a PIN as the terminal does."""
        return encipher(Pin(pin.encode()), Pan(pan), self.pin_key)

    def inquiry(self, changes: dict[int, str | None] | None = None) -> IsoMessage:
        """The golden request with Budi's PIN; ``None`` takes an element out."""
        elements: dict[int, str | None] = {
            2: PAN, 3: "310000", 4: "000000000000", 7: f"{self.utc:%m%d%H%M%S}", 11: "000123",
            12: "142507", 13: "0630", 15: "0701", 18: "6011", 22: "051", 25: "02", 32: "009",
            37: "518107000123", 41: "S1ABC123", 42: "BNI000000000001",
            43: "ATM KC HARMONI        JAKARTA       ID  ",
            48: "JHTBAL0000000000000000000000000000ID0040", 49: "360",
            52: self.pin_block(), **(changes or {}),
        }  # fmt: skip
        return IsoMessage("0200", {n: v for n, v in elements.items() if v is not None})
