"""A participant of BPJS Ketenagakerjaan and the card that leads to one."""

from dataclasses import field
from datetime import date
from enum import unique
from functools import lru_cache

from atm_switch.domain.card import Expiry
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.mask import mask_name
from atm_switch.domain.value import Word, value


@unique
class Segment(Word):
    """Who pays; the value is the CSV's word (domain.md 1.9).  Jakon has no JHT."""

    WAGE_EARNER = "PU"
    SELF_EMPLOYED = "BPU"
    MIGRANT = "PMI"


JAKON_WORDS = frozenset({"jakon", "jk", "jasa konstruksi"})
"""Words for construction services, folded."""
NO_JHT = "Jakon (construction services) insures work accident and death only: it has no JHT"


def read_segment(word: str) -> Segment:
    """Read a segment's word.  Raises ``ValueError``, which tells why Jakon has no account."""
    if " ".join(word.casefold().split()) in JAKON_WORDS:
        raise ValueError(NO_JHT)
    try:
        return Segment(word)
    except ValueError:
        message = f"a segment is one of {', '.join(segment.value for segment in Segment)}"
        raise ValueError(message) from None


@unique
class MemberStatus(Word):
    """Participation status; the value is the CSV's and DE48's letter."""

    ACTIVE = "A"
    INACTIVE = "N"
    CLAIMED_OUT = "K"


@value
class Participant:
    """One KPJ: whose it is and how it stands.  ``person`` groups the KPJ of one NIK."""

    kpj: Kpj
    person: str
    """Keyed hash of the NIK, hexadecimal; says who belongs together, not who it is."""
    name: str
    segment: Segment
    status: MemberStatus
    kpj_count: int
    """How many KPJ that stand the person has, this one among them; 0 where it stands no more:
    it was merged into another."""

    @property
    def masked_name(self) -> str:
        """The name as it may be shown."""
        return mask_name(self.name)

    def __repr__(self) -> str:
        """Show masks only."""
        return f"Participant({self.kpj!r}, {self.masked_name})"


@unique
class CardStatus(Word):
    """The state of a card's link; the value is the CSV's word."""

    ACTIVE = "active"
    BLOCKED = "blocked"


KEPT = 16
"""Words that are read without looking for them anew; there are fewer."""
segment_of = lru_cache(KEPT)(Segment)
status_of = lru_cache(KEPT)(MemberStatus)
card_status_of = lru_cache(KEPT)(CardStatus)
"""Read a word of a row.  Raises ``ValueError``.  Why not the class: it takes some times as long."""


@value
class CardRef:
    """What stands for a PAN at rest: a keyed hash and the id of its key.

    HMAC-SHA-256 over the whole PAN (PCI DSS 4.0.1 req 3.5.1.1); ``digest`` is 32 bytes.
    """

    key_id: str
    digest: bytes


@value
class LinkedCard:
    """A card the registry knows: the KPJ behind it and what its owner agreed to."""

    ref: CardRef
    kpj: Kpj
    expiry: Expiry
    status: CardStatus
    consent_on: date | None
    """The day consent was recorded; ``None`` once withdrawn (UU 27/2022 on PDP)."""
    pvv: str = field(repr=False)
    """Visa PIN verification value, four digits; empty where the acquirer verifies."""
    pvki: str
    """Index of the PIN verification key, one digit; empty with ``pvv``."""
