"""Contradictions between the parts of a profile that each part alone cannot see."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from atm_switch.domain.member import MemberStatus, Segment
from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import Framing, MessageRule, Profile
from atm_switch.profile.protection import unprotected
from atm_switch.profile.shapes import misshapen

LENGTH_KINDS = {
    "binary-big-endian": (1, 4),
    "binary-little-endian": (1, 4),
    "ascii-digits": (2, 6),
    "ascii-hex": (2, 6),
    "bcd": (1, 3),
}
"""Kinds of length header, each with the least and most bytes it may take."""

ENCODINGS = {
    "text": ("ascii", "cp500"),
    "mti": ("text", "bcd"),
    "numbers": ("text", "bcd"),
    "lengths": ("text", "bcd"),
    "bitmap": ("hex", "binary"),
    "binary": ("hex", "raw"),
}

NEVER_RETURNED = frozenset({35, 45, 52, 53, 55})
"""Sensitive authentication data: no response may hold them (PCI DSS 4.0.1 req 3.3)."""

ALWAYS_RETURNED = frozenset({7, 11})
ALWAYS_RETURNED_OF_TERMINALS = frozenset({7, 11, 37, 41})

RESPONSE_CODE, FAULTY_ELEMENT = 39, 44

READ_UNASKED = {
    "network": frozenset({7, 11, 70}),
    "inquiry": frozenset({2, 3, 4, 7, 11, 18, 32, 37, 41, 48, 49}),
    "reversal": frozenset({7, 11}),
}
"""Elements the switch reads without looking whether they are there."""


def contradictions(profile: Profile) -> list[str]:
    """List what does not fit together, a line each; empty is well."""
    return [
        *_framing(profile.framing),
        *_encoding(profile),
        *_messages(profile),
        *_inquiry(profile),
        *_words(profile),
        *_layouts(profile),
        *misshapen(profile),
        *unprotected(profile),
    ]


def _framing(framing: Framing) -> Iterator[str]:
    low, high = LENGTH_KINDS.get(framing.length, (1, 0))
    if not low <= framing.length_bytes <= high:
        yield (
            f"framing.length must be one of {', '.join(LENGTH_KINDS)}, "
            "with a length_bytes it can have"
        )
    if framing.header_own and len(framing.header_own) != framing.header_bytes:
        yield "framing.header_own must have header_bytes bytes"
    if not framing.header_own and framing.header_bytes:
        yield "framing.header_own is needed where header_bytes is not 0"
    if not framing.header_own.startswith(framing.header_starts):
        yield "framing.header_own must start as header_starts says"
    if framing.header_is_tpdu and framing.header_bytes != 5:
        yield "framing.header_bytes must be 5 for a TPDU"
    if not 20 <= framing.payload_bytes_max <= 65_000:
        yield "framing.payload_bytes_max must be from 20 to 65000"
    elif low <= framing.length_bytes <= high and _counted_max(framing) > _length_max(framing):
        yield "framing.payload_bytes_max does not fit the length header"


def _counted_max(framing: Framing) -> int:
    counted = framing.payload_bytes_max + framing.header_bytes
    counted += framing.length_bytes if framing.counts_itself else 0
    return counted + (len(framing.trailer) if framing.counts_trailer else 0)


def _length_max(framing: Framing) -> int:
    base = {"ascii-digits": 10, "ascii-hex": 16, "bcd": 100}.get(framing.length, 256)
    return int(base**framing.length_bytes) - 1


def _encoding(profile: Profile) -> Iterator[str]:
    for key, allowed in ENCODINGS.items():
        if getattr(profile.encoding, key) not in allowed:
            yield f"encoding.{key} must be one of {', '.join(allowed)}"


def _messages(profile: Profile) -> Iterator[str]:
    known = profile.elements.keys()
    if missing := sorted({RESPONSE_CODE, FAULTY_ELEMENT} - known):
        yield f"elements must hold {missing}: every refusal may have them"
    seen: set[str] = set()
    for rule in profile.messages.values():
        yield from (f"messages.{rule.name}{problem}" for problem in _rule(rule, known))
        if twice := sorted(seen & set(rule.mti)):
            yield f"messages.{rule.name}.mti has {twice} which another rule has too"
        seen |= set(rule.mti)
    if unknown := sorted(profile.refusal_echo - known):
        yield f"messages.refusal names elements that [elements] lacks: {unknown}"
    if back := sorted(NEVER_RETURNED & profile.refusal_echo):
        yield f"messages.refusal would send back {back}, which never may"


def _rule(rule: MessageRule, known: AbstractSet[int]) -> Iterator[str]:
    numbers = rule.mandatory | rule.optional | rule.echo | rule.response
    if unknown := sorted(numbers - known):
        yield f" names elements that [elements] lacks: {unknown}"
    if back := sorted(NEVER_RETURNED & (rule.echo | rule.response)):
        yield f" would send back {back}, which never may"
    of_terminals = rule.name in ("inquiry", "reversal")
    always = ALWAYS_RETURNED_OF_TERMINALS if of_terminals else ALWAYS_RETURNED
    if missing := sorted(always - rule.echo):
        yield f".echo must hold {missing}"
    if RESPONSE_CODE not in rule.response:
        yield f".response must hold {RESPONSE_CODE}"
    if missing := sorted(READ_UNASKED.get(rule.name, frozenset()) - rule.mandatory):
        yield f".mandatory must hold {missing}"


def _inquiry(profile: Profile) -> Iterator[str]:
    rules = profile.inquiry
    if not {"ID", "EN"} <= set(rules.languages):
        yield "inquiry.languages must hold ID and EN"
    # The slip's 24 lines fit one text block up to 41 columns.
    if not all(32 <= width <= 41 for width in (*rules.receipt_widths, rules.screen_width)):
        yield "inquiry.receipt_widths and screen_width must be from 32 to 41"
    yield from (
        f"inquiry.{key} must be at least {least}"
        for key, least in LEAST.items()
        if getattr(rules, key) < least
    )
    if rules.amount_exponent not in (0, 2):
        yield "inquiry.amount_exponent must be 0 or 2"
    approved = profile.code_of(Outcome.APPROVED)
    if sum(row.code == approved for row in profile.outcomes.values()) != 1:
        yield "outcomes: no decline may share the code of approved"
    for key, rule in profile.channels.items():
        if not set(rule.lookups) <= {"card", "kpj", "nik"}:
            yield f"channels.{key}.lookups may hold card, kpj, nik"


LEAST = {
    "pin_tries_max": 1,
    "request_seconds_max": 1,
    "de7_window_seconds": 0,
    "repeat_window_seconds": 0,
    "bad_frames_per_minute": 0,
}


def _words(profile: Profile) -> Iterator[str]:
    rules, network = profile.inquiry, profile.network
    for key, digits in (
        ("currency", 3),
        ("account_type", 2),
        ("ledger_amount_type", 2),
        ("available_amount_type", 2),
    ):
        if not re.fullmatch(f"[0-9]{{{digits}}}", getattr(rules, key)):
            yield f"inquiry.{key} must have {digits} digits"
    codes = (network.sign_on, network.sign_off, network.echo, network.cut_over)
    if len(set(codes)) != 4 or not all(re.fullmatch(r"[0-9]{3}", code) for code in codes):
        yield "network must hold four different codes of three digits"
    if profile.segments.keys() != {segment.value for segment in Segment}:
        yield f"segments must hold {', '.join(segment.value for segment in Segment)}"
    for language, texts in profile.texts.items():
        if texts.status.keys() != {status.value for status in MemberStatus}:
            yield f"texts.{language}.status must hold {', '.join(s.value for s in MemberStatus)}"
        if not texts.heading or not texts.footer:
            yield f"texts.{language} needs a heading and a footer"


TEXTS = ("a", "an", "ans")
LAYOUT_CONTENTS = ("n", *TEXTS)

NUMBERS = (
    "opening", "contributions", "development", "claims", "closing", "rate", "kpj_count",
)  # fmt: skip
"""What DE48 of a response counts."""

REQUEST_FIELDS = frozenset(
    {"product", "kpj", "lookup", "nik", "language", "kpj_index", "receipt_width"}
)
RESPONSE_FIELDS = frozenset(
    {
        "product", "kpj", "name", "segment", "status", "as_of", "opening", "contributions",
        "development", "claims", "closing", "rate", "estimate", "kpj_count",
        "last_contribution", "host_reference",
    }
)  # fmt: skip


def _layouts(profile: Profile) -> Iterator[str]:
    for name, wanted in (
        ("inquiry_request", REQUEST_FIELDS),
        ("inquiry_response", RESPONSE_FIELDS),
    ):
        names = [field.name for field in profile.layouts[name]]
        if set(names) != wanted or len(names) != len(wanted):
            yield f"layouts.{name} must hold each of {', '.join(sorted(wanted))} once"
        if any(field.length < 1 for field in profile.layouts[name]):
            yield f"layouts.{name} has a place without length"
        if any(field.content not in LAYOUT_CONTENTS for field in profile.layouts[name]):
            yield f"layouts.{name} may hold the classes {', '.join(LAYOUT_CONTENTS)}"
    response = profile.layouts["inquiry_response"]
    if texts := [one.name for one in response if one.name in NUMBERS and one.content in TEXTS]:
        yield (
            f"layouts.inquiry_response: give {', '.join(texts)} the class n; a number in a place "
            "of text would be cut to its width without a word"
        )


def masks_in_vain(profile: Profile) -> bool:
    """Tell whether the place of the KPJ in a response takes digits only, and no asterisk."""
    response = profile.layouts["inquiry_response"]
    return any(one.name == "kpj" and one.content == "n" for one in response)
