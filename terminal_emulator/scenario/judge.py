"""Lay an answer beside what was expected of it: every difference, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.text_block import read_text_block
from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from terminal_emulator.explain.meaning import shown_value
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
    if expected.same_as is not None and saved.get(expected.same_as) != heard.payload:
        known = expected.same_as in saved
        got = "another" if known else "nothing was saved under that name"
        yield Difference("answer", f"the bytes of {expected.same_as!r}", got)


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
    for number in expected.present:
        if number not in message:
            yield Difference(f"DE{number:03d}", "there", "absent")
    for number in expected.absent:
        if number in message:
            yield Difference(f"DE{number:03d}", "absent", _shown(number, message, profile))


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
    if expected.text is None:
        return
    lines = [line for number in (62, 63) for line in _lines(message.get(number))]
    if not any(expected.text in line for line in lines):
        yield Difference("screen or slip", f"{expected.text!r} somewhere", f"{len(lines)} lines")


def _lines(block: str) -> tuple[str, ...]:
    try:
        return read_text_block(block).lines
    except ValueError:
        return ()


def _shown(number: int, message: IsoMessage, profile: Profile) -> str:
    element = profile.elements.get(number)
    if number not in message:
        return "absent"
    return shown_value(element, message[number]) if element else "(not in the profile)"
