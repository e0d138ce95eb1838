"""The sample members: invented people, laid out so that every outcome of a card shows.

Plan: all dates lie relative to the current year, so what a sample shows holds in any year.
The first member is the published simulation G1 (domain.md 2.16): five years at 5 % before
this one, opening balance 19,409,470.47.  The others earn the shipped yearly rates.
Limits: lab BIN 999009; NIKs of a province 99 there is none of; PINs of six digits that
differ in their first four, for a PVV proves no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from atm_switch.domain.accrual import RateTable
from atm_switch.domain.card import Expiry, Pan, luhn_digit
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj, Nik
from atm_switch.domain.member import CardStatus, MemberStatus, Segment
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.secret import Pin
from atm_switch.ledger.csv_rows import COLUMNS, Kind
from atm_switch.ledger.rates_file import read_rates
from atm_switch.ledger.sample_histories import Plan, claimed_out, paid_monthly
from atm_switch.security.pvv import visa_pvv
from atm_switch.security.vault import Vault

LAB_BIN: Final = "999009"
SAMPLE_REGION: Final = "990101"
"""What the NIKs of the sample members begin with, and nobody else's."""
PVKI: Final = "1"
G1_MILLIPERCENT: Final = 5_000


@dataclass(frozen=True, slots=True)
class SampleCard:
    """A card to try; ``pin`` and ``shows`` are for the person at the lab's terminal.

    ``response_code`` is the DE39 an inquiry with the right PIN gets; ``kpj`` is ``None``
    for the card no member is linked to.
    """

    pan: Pan
    expiry: Expiry
    pin: str = field(repr=False)
    kpj: Kpj | None
    status: CardStatus
    response_code: str
    shows: str


@dataclass(frozen=True, slots=True)
class _Person:
    born: date
    is_woman: bool
    name: str

    def nik(self, serial: int) -> Nik:
        """Region, DDMMYY with 40 added to a woman's day, serial (domain.md 1.8)."""
        day = self.born.day + 40 * self.is_woman
        return Nik(f"{SAMPLE_REGION}{day:02d}{self.born:%m%y}{serial:04d}")


@dataclass(frozen=True, slots=True)
class _Account:
    kpj: str
    person: _Person
    segment: Segment
    status: MemberStatus
    plan: Plan | None


_BUDI: Final = _Person(date(1985, 3, 12), is_woman=False, name="BUDI SANTOSO")
_SITI: Final = _Person(date(1990, 8, 17), is_woman=True, name="SITI RAHAYU")
_AGUS: Final = _Person(date(1967, 1, 25), is_woman=False, name="AGUS WIBOWO")
_NINGSIH: Final = _Person(date(1988, 11, 3), is_woman=True, name="NINGSIH WULANDARI")
_JOKO: Final = _Person(date(1993, 6, 9), is_woman=False, name="JOKO PRAYITNO")
_RINA: Final = _Person(date(1995, 2, 28), is_woman=True, name="RINA MARLINA")
_HENDRA: Final = _Person(date(1979, 9, 14), is_woman=False, name="HENDRA SAPUTRA")
_MAYA: Final = _Person(date(2001, 5, 5), is_woman=True, name="MAYA ANGGRAINI")

_PU, _BPU, _PMI = Segment.WAGE_EARNER, Segment.SELF_EMPLOYED, Segment.MIGRANT
_ACTIVE, _INACTIVE, _CLAIMED = (
    MemberStatus.ACTIVE,
    MemberStatus.INACTIVE,
    MemberStatus.CLAIMED_OUT,
)


def _rupiah(amount: int) -> Money:
    return Money(amount * 100)


_ACCOUNTS: Final = (
    # 5.7 % of a wage of 5,000,000 (domain.md 2.1)
    _Account("12345678901", _BUDI, _PU, _ACTIVE, Plan(5, _rupiah(285_000), G1_MILLIPERCENT)),
    _Account("23456789012", _SITI, _PU, _ACTIVE, Plan(2, _rupiah(342_000))),
    _Account("23456789020", _SITI, _PU, _INACTIVE, Plan(6, _rupiah(199_500), years_paid=2)),
    _Account("23456789038", _SITI, _PU, _INACTIVE, Plan(4, _rupiah(228_000), years_paid=2)),
    _Account("34567890123", _AGUS, _PU, _CLAIMED, Plan(4, _rupiah(399_000), years_paid=3)),
    # 2 % of a declared income of 2,000,000 (domain.md 2.2)
    _Account("45678901234", _NINGSIH, _BPU, _ACTIVE, Plan(3, _rupiah(40_000))),
    _Account("56789012345", _JOKO, _PMI, _ACTIVE, Plan(2, _rupiah(150_000))),
    _Account("67890123456", _RINA, _PU, _ACTIVE, Plan(1, _rupiah(256_500))),
    _Account("78901234567", _HENDRA, _PU, _ACTIVE, Plan(7, _rupiah(313_500))),
    _Account("89012345678", _MAYA, _PU, _ACTIVE, None),
)
SAMPLE_KPJ: Final = frozenset(account.kpj for account in _ACCOUNTS)
"""The members' numbers: an invented nation in the same ledger takes others."""


def sample_cards(today: date) -> tuple[SampleCard, ...]:
    """Return the cards as of ``today``, the published member's first."""
    good = Expiry(f"{(today.year + 3) % 100:02d}12")
    past = Expiry(f"{(today.year - 1) % 100:02d}12")
    active, blocked = CardStatus.ACTIVE, CardStatus.BLOCKED

    def card(serial: int, pin: str, kpj: str, code: str, shows: str) -> SampleCard:
        return SampleCard(
            pan=_pan(serial),
            expiry=past if code == "54" else good,
            pin=pin,
            kpj=Kpj(kpj) if kpj else None,
            status=blocked if code == "62" else active,
            response_code=code,
            shows=shows,
        )

    return (
        card(1, "123456", "12345678901", "00", "the published simulation, opening 19,409,470.47"),
        card(2, "234567", "23456789012", "00", "three KPJ: choose 01, 02 or 03"),
        card(3, "345678", "34567890123", "00", "claimed out: balance 0.00, status K"),
        card(4, "456789", "45678901234", "00", "a self-employed member (BPU)"),
        card(5, "567890", "56789012345", "00", "a migrant worker (PMI)"),
        card(6, "678901", "67890123456", "62", "a blocked card"),
        card(7, "789012", "78901234567", "54", "an expired card"),
        card(8, "890123", "", "56", "a card no member is linked to"),
        card(9, "901234", "89012345678", "88", "a member with nothing booked yet"),
    )


def sample_files(today: date, vault: Vault) -> Mapping[str, str]:
    """Return file name to text of participants.csv, postings.csv, cards.csv, cards.txt.

    ``today`` is the day in Jakarta.  Raises ``Refused`` where the vault has no PIN
    verification key of index 1.
    """
    cards = sample_cards(today)
    rates = read_rates()
    return {
        "participants.csv": _csv(Kind.PARTICIPANTS, _participants()),
        "postings.csv": _csv(Kind.POSTINGS, _postings(today, rates)),
        "cards.csv": _csv(Kind.CARDS, _links(cards, vault)),
        "cards.txt": _readable(cards),
    }


def _pan(serial: int) -> Pan:
    body = f"{LAB_BIN}{serial:09d}"
    return Pan(body + luhn_digit(body))


def _participants() -> Iterable[tuple[str, ...]]:
    people = list(dict.fromkeys(account.person for account in _ACCOUNTS))
    for account in _ACCOUNTS:
        person = account.person
        yield (
            account.kpj,
            person.nik(people.index(person) + 1).digits,
            person.name,
            person.born.isoformat(),
            account.segment.value,
            account.status.value,
        )


def _postings(today: date, rates: RateTable) -> Iterable[tuple[str, ...]]:
    for account in _ACCOUNTS:
        for posting in _history(account, today, rates):
            is_claim = posting.kind is PostingKind.CLAIM
            amount = -posting.amount if is_claim else posting.amount
            yield (
                account.kpj,
                posting.posted_on.isoformat(),
                posting.kind.value,
                amount.plain(),
            )


def _history(account: _Account, today: date, rates: RateTable) -> list[Posting]:
    if account.plan is None:
        return []
    postings = paid_monthly(account.plan, today, rates)
    if account.status is MemberStatus.CLAIMED_OUT:
        return claimed_out(postings, today, rates)
    return postings


def _links(cards: Iterable[SampleCard], vault: Vault) -> Iterable[tuple[str, ...]]:
    pvk = vault.pvk(PVKI)
    if pvk is None or not pvk.is_clear:
        raise Refused(f"the key file has no PIN verification key of index {PVKI}")
    for card in cards:
        if card.kpj is not None:
            pvv = visa_pvv(Pin(card.pin.encode()), card.pan, PVKI, pvk.token)
            yield (
                card.pan.digits,
                card.expiry.yymm,
                card.kpj.digits,
                pvv,
                PVKI,
                card.status.value,
            )


def _csv(kind: Kind, rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"{','.join(row)}\n" for row in (COLUMNS[kind], *rows))


def _readable(cards: Iterable[SampleCard]) -> str:
    lines = [
        "Sample cards of the lab BIN 999009: invented, of no bank and no person.",
        "Where this switch verifies the PIN, its first four digits count (Visa PVV).",
        "",
        f"{'PAN':<18}{'EXPIRY':<8}{'PIN':<8}{'DE39':<6}SHOWS",
    ]
    lines += [
        f"{card.pan.digits:<18}{card.expiry.yymm:<8}{card.pin:<8}{card.response_code:<6}{card.shows}"
        for card in cards
    ]
    return "\n".join(lines) + "\n"
