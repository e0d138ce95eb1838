"""What an element's content says, in words, with nothing in them that may not be shown.

Plan: one function for each element that has a meaning of its own; each gets the text and
the profile and returns lines.  Content that is not as it should be has no meaning here.
"""

import re
from collections.abc import Callable, Mapping

from atm_switch.domain.mask import mask_kpj, mask_name, mask_nik, mask_pan
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.amounts import read_amounts
from atm_switch.messages.layout import read_layout
from atm_switch.messages.text_block import read_text_block
from atm_switch.profile.model import Element, Profile, Show

Lines = list[str]

_VERSIONS = {"0": "ISO 8583:1987", "1": "ISO 8583:1993", "2": "ISO 8583:2003"}
_CLASSES = {
    "1": "authorisation", "2": "financial", "3": "file action", "4": "reversal",
    "5": "reconciliation", "6": "administrative", "8": "network management",
}  # fmt: skip
_FUNCTIONS = {"0": "request", "1": "response", "2": "advice", "3": "advice response"}
_ORIGINS = {"0": "acquirer", "1": "acquirer, repeat", "2": "issuer", "3": "issuer, repeat"}
_BLOCKS = {"S": "screen", "R": "receipt", "E": "error"}
_CURRENCIES = {"360": "rupiah"}
_TELLING = re.compile(r"(?<![0-9])(?:[0-9]{11}|[0-9]{13,})(?![0-9])|[0-9A-Fa-f]{16,}")
"""What may be a KPJ, NIK, PAN or PIN block; twelve digits are a reference (DE37)."""
_REFERENCES = (11, 37, 41)
"""Elements too short or too fixed to hold a secret, and needed to find a message again."""
_SECRET_FIELDS: Mapping[str, Callable[[str], str]] = {
    "kpj": mask_kpj,
    "nik": mask_nik,
    "name": lambda text: text if "*" in text else mask_name(text),
}
"""Fields of a layout that are never shown whole."""


def meaning_of_mti(mti: str) -> str:
    """Put an MTI's four digits into words (ISO 8583:1987, 4.1)."""
    words = [
        table.get(digit, "reserved")
        for digit, table in zip(mti, (_VERSIONS, _CLASSES, _FUNCTIONS, _ORIGINS), strict=True)
    ]
    return f"{words[1]} {words[2]} ({words[0]}, from {words[3]})"


def shown_value(element: Element, text: str) -> str:
    """Return the content as it may be shown."""
    if element.show is Show.HIDDEN:
        return f"(hidden, {len(text)} characters)"
    if element.number == 2:
        return mask_pan(text)
    if element.show is Show.MASKED:
        return f"({len(text)} characters)"
    if element.content in ("ans", "an") and element.number not in _REFERENCES:
        return without_numbers(text)
    return text


def without_numbers(text: str) -> str:
    """Star whatever in a text may be a number of a card or a person."""
    return _TELLING.sub(lambda found: "*" * len(found[0]), text)


def meaning_of(element: Element, text: str, mti: str, profile: Profile) -> Lines:
    """Return what an element says, in lines; none where it says nothing of its own."""
    explain = _MEANINGS.get(element.number)
    if explain is None or not text:
        return []
    try:
        return explain(text, mti, profile)
    except (ValueError, KeyError):
        return ["not as the profile lays it out"]


def _processing_code(text: str, _mti: str, profile: Profile) -> Lines:
    is_known = any(rule.has_processing_code(text) for rule in profile.messages.values())
    return [f"{'balance inquiry' if is_known else 'not one of this profile'}"]


def _transmission(text: str, _mti: str, _profile: Profile) -> Lines:
    return [f"{text[2:4]}.{text[:2]}. {text[4:6]}:{text[6:8]}:{text[8:]} UTC"]


def _time(text: str, _mti: str, _profile: Profile) -> Lines:
    return [f"{text[:2]}:{text[2:4]}:{text[4:]} local"]


def _day(text: str, _mti: str, _profile: Profile) -> Lines:
    return [f"{text[2:]}.{text[:2]}."]


def _channel(text: str, _mti: str, profile: Profile) -> Lines:
    return [
        profile.channels[text].name if text in profile.channels else "no channel of this profile"
    ]


def _reference(text: str, _mti: str, _profile: Profile) -> Lines:
    if not text.isdigit():
        return []
    return [f"day {text[1:4]} of a year ending in {text[0]}, hour {text[4:6]}, STAN {text[6:]}"]


def _response(text: str, _mti: str, profile: Profile) -> Lines:
    outcomes = [one for one in Outcome if one in profile.outcomes]
    named = [one for one in outcomes if profile.code_of(one) == text]
    if not named:
        return ["no code of this profile"]
    return [f"{one.value}: " + " / ".join(profile.outcomes[one].texts.values()) for one in named]


def _currency(text: str, _mti: str, profile: Profile) -> Lines:
    known = _CURRENCIES.get(text, "")
    return [known] if text == profile.inquiry.currency else [f"{known} not this profile's".strip()]


def _network(text: str, _mti: str, profile: Profile) -> Lines:
    codes, security = profile.network, profile.security
    words = {
        codes.sign_on: "sign-on", codes.sign_off: "sign-off", codes.echo: "echo",
        codes.cut_over: "cut-over", security.key_request: "keys asked for",
        **dict.fromkeys(security.key_delivery, "a key delivered"),
    }  # fmt: skip
    return [words.get(text, "no code of this profile")]


def _inquiry_data(text: str, mti: str, profile: Profile) -> Lines:
    kind = {"0": "inquiry_request", "1": "inquiry_response"}.get(mti[2:3], "")
    layout = profile.layouts.get(kind)
    if layout is None or mti[1:2] != "2":
        return []
    values = read_layout(layout, text)
    return [
        f"{name} {_SECRET_FIELDS.get(name, str)(value)}".rstrip() for name, value in values.items()
    ]


def _amounts(text: str, _mti: str, profile: Profile) -> Lines:
    exponent = 10**profile.inquiry.amount_exponent
    lines = []
    for amount in read_amounts(text):
        whole, minor = divmod(abs(amount.minor), exponent)
        sign = "-" if amount.minor < 0 else ""
        decimals = f".{minor:0{profile.inquiry.amount_exponent}d}" if exponent > 1 else ""
        lines.append(
            f"account type {amount.account_type}, amount type {amount.amount_type}, currency "
            f"{amount.currency}: {sign}{whole:,}{decimals}"
        )
    return lines


def _block(text: str, _mti: str, _profile: Profile) -> Lines:
    block = read_text_block(text)
    head = f"{_BLOCKS[block.kind]}, {len(block.lines)} lines of {block.width}"
    return [head, *(f"|{without_numbers(line)}|" for line in block.lines)]


_MEANINGS: Mapping[int, Callable[[str, str, Profile], Lines]] = {
    3: _processing_code, 7: _transmission, 12: _time, 13: _day, 15: _day, 18: _channel,
    37: _reference, 39: _response, 48: _inquiry_data, 49: _currency, 54: _amounts,
    62: _block, 63: _block, 70: _network,
}  # fmt: skip
