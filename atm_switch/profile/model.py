"""What a profile says, as values.  Nothing of a dialect is in code; it is all here.

The fields have the names of the keys in ``specs/profiles/bpjstk-jht-v1.toml``, where each
is explained; a value that exists has been checked by ``profile/load.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from functools import lru_cache

from atm_switch.domain.outcome import Outcome


@unique
class Show(Enum):
    """How much of an element may be shown, logged or kept."""

    PLAIN = "plain"
    MASKED = "masked"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Framing:
    """How a payload is wrapped on the stream."""

    length: str
    length_bytes: int
    counts_itself: bool
    header_bytes: int
    header_starts: bytes
    header_own: bytes
    header_is_tpdu: bool
    trailer: bytes
    counts_trailer: bool
    payload_bytes_max: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """How text, digits, lengths, bitmaps and binary elements become bytes."""

    text: str
    mti: str
    numbers: str
    lengths: str
    bitmap: str
    binary: str


@dataclass(frozen=True, slots=True)
class Element:
    """One data element.  ``length_digits`` is 0 for a fixed one, 2 for LL, 3 for LLL.

    ``shortest`` and ``longest`` count characters, or bytes for class ``b``.
    """

    number: int
    name: str
    content: str
    length_digits: int
    shortest: int
    longest: int
    show: Show


@dataclass(frozen=True, slots=True)
class MessageRule:
    """Which elements a kind of message must and may carry, and what its answer holds.

    The answer's elements are ``echo`` (copied from the request) and ``response`` (made
    by the switch); nothing else ever comes back.
    """

    name: str
    mti: tuple[str, ...]
    processing_codes: tuple[str, ...]
    mandatory: frozenset[int]
    optional: frozenset[int]
    echo: frozenset[int]
    response: frozenset[int]

    def has_processing_code(self, code: str) -> bool:
        """Tell whether ``code`` fits one of the patterns; ``x`` stands for any digit."""
        return _fits_any(self.processing_codes, code)


@lru_cache(64)
def _fits_any(patterns: tuple[str, ...], code: str) -> bool:
    return any(_fits(pattern, code) for pattern in patterns)


def _fits(pattern: str, code: str) -> bool:
    return len(code) == len(pattern) and all(
        digit in "0123456789" if place == "x" else digit == place
        for place, digit in zip(pattern, code, strict=True)
    )


@dataclass(frozen=True, slots=True)
class NetworkCodes:
    """DE70 values."""

    sign_on: str
    sign_off: str
    echo: str
    cut_over: str


@dataclass(frozen=True, slots=True)
class SecurityRules:
    """MAC, PIN block and the delivery of keys; a profile without the table has these."""

    mac_algorithm: str = "x9.19"
    pin_block_formats: tuple[str, ...] = ("0",)
    key_request: str = "161"
    key_delivery: tuple[str, ...] = ("162", "101")
    key_element: int = 48
    key_layout: str = "check+block"
    key_overlap_seconds: int = 300

    @property
    def mac_key_algorithm(self) -> str:
        """``T`` or ``A``: what a MAC key is for."""
        return "A" if self.mac_algorithm == "aes-cmac" else "T"

    @property
    def pin_key_algorithm(self) -> str:
        """``T`` or ``A``: what a PIN key is for."""
        return "A" if "4" in self.pin_block_formats else "T"


@dataclass(frozen=True, slots=True)
class InquiryRules:
    """Numbers and words of the balance inquiry."""

    product: str
    currency: str
    amount_exponent: int
    account_type: str
    ledger_amount_type: str
    available_amount_type: str
    screen_width: int
    receipt_widths: tuple[int, ...]
    languages: tuple[str, ...]
    pan_lengths: tuple[int, ...]
    pin_tries_max: int
    de7_window_seconds: int
    repeat_window_seconds: int
    request_seconds_max: int
    bad_frames_per_minute: int


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """One DE18 value: its name and the look-ups it may use (card, kpj, nik)."""

    name: str
    lookups: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LayoutField:
    """One place of a fixed layout."""

    name: str
    length: int
    content: str


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """An outcome's DE39 and its text by language."""

    code: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class SlipTexts:
    """The words of screen and slip in one language; what is made of them is kept by them."""

    receipt_title: str
    reference: str
    stan: str
    terminal: str
    card: str
    heading: tuple[str, ...]
    kpj: str
    name: str
    membership: str
    as_of: str
    opening: str
    contributions: str
    development: str
    claims: str
    closing: str
    estimate_note: str
    final_note: str
    footer: tuple[str, ...]
    status: Mapping[str, str]
    choose: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One dialect; what is made of it is kept by it."""

    name: str
    title: str
    assumed: tuple[str, ...]
    framing: Framing
    encoding: Encoding
    elements: Mapping[int, Element]
    messages: Mapping[str, MessageRule]
    refusal_echo: frozenset[int]
    network: NetworkCodes
    security: SecurityRules
    inquiry: InquiryRules
    channels: Mapping[str, ChannelRule]
    layouts: Mapping[str, tuple[LayoutField, ...]]
    segments: Mapping[str, str]
    outcomes: Mapping[Outcome, OutcomeRow]
    texts: Mapping[str, SlipTexts]

    def rule_of(self, mti: str) -> MessageRule | None:
        """Return the rule that knows ``mti``."""
        return next((rule for rule in self.messages.values() if mti in rule.mti), None)

    def code_of(self, outcome: Outcome) -> str:
        """Return the DE39 of an outcome."""
        return self.outcomes[outcome].code

    def outcome_text(self, outcome: Outcome, language: str) -> str:
        """Return an outcome's text; an unknown language gets the profile's first."""
        texts = self.outcomes[outcome].texts
        return texts.get(language, texts[self.inquiry.languages[0]])
