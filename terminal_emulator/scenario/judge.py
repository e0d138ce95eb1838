"""Lay an answer beside what was expected of it: every difference, field by field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from atm_switch.domain.errors import FormatError
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.amounts import read_amounts
from atm_switch.messages.inquiry_data import minor_units, read_balance_data
from atm_switch.messages.text_block import TextBlock, read_text_block
from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.explain.meaning import shown_value, without_numbers
from terminal_emulator.scenario.model import Expectation
from terminal_emulator.scenario.target import Target


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer: its bytes, what they say, and how long it took."""

    payload: bytes = field(repr=False)
    message: IsoMessage | None
    seconds: float
    why_unreadable: str = ""
    is_authentic: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that was not as expected."""

    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        """Write expected beside got."""
        return f"{self.what}: expected {self.expected}, got {self.got}"


def differences(
    heard: Heard,
    expected: Expectation,
    asked: IsoMessage | None,
    saved: Mapping[str, bytes],
    target: Target,
    profile: Profile,
) -> Iterator[Difference]:
    """Yield what of an answer is not as expected."""
    message = heard.message
    if message is None:
        yield Difference("answer", "one that can be read", heard.why_unreadable)
        return
    yield from _manner(heard, expected)
    yield from _codes(message, expected, target, profile)
    yield from _elements(message, expected, asked, profile)
    yield from _texts(message, expected)
    if expected.adds_up:
        yield from _sums(message, profile)
    if expected.same_as is not None:
        yield from _sameness(heard.payload, message, saved.get(expected.same_as), profile)


def _manner(heard: Heard, expected: Expectation) -> Iterator[Difference]:
    if not heard.is_authentic:
        yield Difference("MAC", "one under this terminal's key", "another or none")
    if expected.within is not None and heard.seconds > expected.within:
        yield Difference("time", f"at most {expected.within:g} s", f"{heard.seconds:.3f} s")


def _elements(
    message: IsoMessage, expected: Expectation, asked: IsoMessage | None, profile: Profile
) -> Iterator[Difference]:
    echoed = asked.only(expected.echoed) if asked is not None else {}
    for number, text in {**echoed, **expected.elements}.items():
        yield from _element(number, text, message, profile)
    for number, pattern in expected.matches.items():
        if not re.fullmatch(pattern, message.get(number), re.DOTALL):
            got = _shown(number, message, profile)
            yield Difference(f"DE{number:03d}", f"like {without_numbers(pattern)!r}", got)
    for number in expected.present:
        if number not in message:
            yield Difference(f"DE{number:03d}", "there", "absent")
    for number in expected.absent:
        if number in message:
            yield Difference(f"DE{number:03d}", "absent", _shown(number, message, profile))


def _sameness(
    payload: bytes, message: IsoMessage, saved: bytes | None, profile: Profile
) -> Iterator[Difference]:
    """Yield each element that differs from the saved answer, and that it does elsewhere only."""
    if saved is None:
        yield Difference("answer", "the bytes saved before", "nothing was saved under that name")
        return
    if payload == saved:
        return
    try:
        before = Packager(profile).unpack(saved)
    except FormatError:
        yield Difference("answer", "the bytes saved before", "others")
        return
    apart = [
        number
        for number in sorted({*before.elements, *message.elements})
        if before.elements.get(number) != message.elements.get(number)
    ]
    for number in apart:
        expected, got = _shown(number, before, profile), _shown(number, message, profile)
        masked = " (differs where it is masked)" if expected == got else ""
        yield Difference(f"DE{number:03d}", f"as before {expected}", got + masked)
    if not apart:
        yield Difference("answer", f"as before {before.mti}", f"{message.mti}, other bytes")


def _codes(
    message: IsoMessage, expected: Expectation, target: Target, profile: Profile
) -> Iterator[Difference]:
    if expected.mti is not None and message.mti != expected.mti:
        yield Difference("MTI", expected.mti, message.mti)
    got = message.get(39)
    if expected.code is not None and got != target.code(expected.code):
        yield Difference("DE039", target.code(expected.code), got or "none")
    if expected.outcome is not None:
        wanted = target.code(profile.code_of(Outcome(expected.outcome)))
        if got != wanted:
            yield Difference("DE039", f"{wanted} ({expected.outcome})", got or "none")
    if expected.fault is not None and message.get(44) != expected.fault:
        yield Difference("DE044", expected.fault, message.get(44) or "none")


def _element(number: int, text: str, message: IsoMessage, profile: Profile) -> Iterator[Difference]:
    if message.get(number) == text and number in message:
        return
    element = profile.elements.get(number)
    expected = shown_value(element, text) if element else f"({len(text)} characters)"
    got = _shown(number, message, profile)
    yield Difference(f"DE{number:03d}", expected, got)


def _texts(message: IsoMessage, expected: Expectation) -> Iterator[Difference]:
    blocks = {number: _block(message.get(number)) for number in (62, 63)}
    lines = [line for block in blocks.values() if block for line in block.lines]
    for wanted, is_wanted in ((expected.text, True), (expected.no_text, False)):
        if wanted is not None and any(wanted in line for line in lines) != is_wanted:
            where = "somewhere" if is_wanted else "nowhere"
            shown = f"{without_numbers(wanted)!r} {where}"
            yield Difference("screen or slip", shown, f"{len(lines)} lines")
    for number, columns in ((62, expected.screen), (63, expected.slip)):
        block = blocks[number]
        if columns is not None and (block is None or block.width != columns):
            got = f"{block.width} columns" if block else "no lines that can be read"
            yield Difference(f"DE{number:03d}", f"{columns} columns", got)


def _block(text: str) -> TextBlock | None:
    try:
        return read_text_block(text)
    except ValueError:
        return None


def _sums(message: IsoMessage, profile: Profile) -> Iterator[Difference]:
    """Yield what is wrong with the amounts of DE48 and DE54; never an amount itself."""
    try:
        closing = read_balance_data(message.get(48), profile).closing
    except ValueError as error:
        yield Difference("DE048", "a balance that adds up", str(error))
        return
    try:
        told = {one.amount_type: one.minor for one in read_amounts(message.get(54))}
    except ValueError as error:
        yield Difference("DE054", "amounts", str(error))
        return
    minor = minor_units(closing, profile.inquiry.amount_exponent)
    for kind in (profile.inquiry.ledger_amount_type, profile.inquiry.available_amount_type):
        if told.get(kind) != minor:
            got = "another" if kind in told else "none"
            yield Difference(f"DE054, amount type {kind}", "the closing balance of DE048", got)


def _shown(number: int, message: IsoMessage, profile: Profile) -> str:
    element = profile.elements.get(number)
    if number not in message:
        return "absent"
    return shown_value(element, message[number]) if element else "(not in the profile)"
