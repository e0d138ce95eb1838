"""What each key of a scenario file may hold: checks that turn TOML into the model's values.

Plan: a shape is a function of one value that returns what the model wants and raises
``ValueError`` with the end of a sentence, ``is ...``; the reader puts file, step and key
before it.  Two tables, for a step and for what is expected of it, are the whole language.
Limits: contents of elements are any text at all, for hosts are shown wrong ones on purpose.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from atm_switch.domain.outcome import Outcome
from terminal_emulator.scenario.model import MACS, OTHER_STEPS, VERBS

Shape = Callable[[Any], Any]

ELEMENT_MAX = 128


def text(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        message = "is a text"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        message = "is true or false"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return value


def whole(value: Any) -> int:
    """A whole number of any sign."""
    if not isinstance(value, int) or isinstance(value, bool):
        message = "is a whole number"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return value


def count(value: Any) -> int:
    """A whole number from 0."""
    if whole(value) < 0:
        message = "is a whole number from 0"
        raise ValueError(message)
    return int(value)


def positive(value: Any) -> int:
    """A whole number from 1."""
    if whole(value) < 1:
        message = "is a whole number from 1"
        raise ValueError(message)
    return int(value)


def number(value: Any) -> float:
    """A number of any sign, for clocks."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        message = "is a number of seconds"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return float(value)


def seconds(value: Any) -> float:
    """A time span."""
    if number(value) < 0:
        message = "is a number of seconds from 0"
        raise ValueError(message)
    return float(value)


def one_of(*words: str) -> Shape:
    """Make the shape of a word out of a list."""

    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"is one of {', '.join(words)}")
        return str(value)

    return check


def octets(value: Any) -> bytes:
    """Bytes as hexadecimal text."""
    try:
        return bytes.fromhex(text(value))
    except ValueError:
        message = "is hexadecimal, two digits for each byte"
        raise ValueError(message) from None


def elements(value: Any) -> dict[int, str]:
    """A table from numbers of data elements to their contents."""
    return {_number_of(key): str(content) for key, content in table(value).items()}


def patterns(value: Any) -> dict[int, str]:
    """A table from numbers of data elements to regular expressions."""
    found = elements(value)
    for key, pattern in found.items():
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"has no regular expression for DE{key:03d}: {error}") from None
    return found


def numbers(value: Any) -> tuple[int, ...]:
    """A list of numbers of data elements."""
    if not isinstance(value, list):
        message = "is a list of numbers of data elements"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return tuple(_number_of(one) for one in value)


def table(value: Any) -> Mapping[str, Any]:
    """A table with any keys."""
    if not isinstance(value, Mapping):
        message = "is a table"
        raise ValueError(message)  # noqa: TRY004  a file's content is a value, not a type
    return value


def pairs(value: Any) -> tuple[tuple[bytes, bytes], ...]:
    """A list of pairs of texts: what is replaced, and by what."""
    is_fine = isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and all(isinstance(word, str) for word in one)
        for one in value
    )
    if not is_fine:
        message = "is a list of pairs of texts, [[old, new], ...]"
        raise ValueError(message)
    return tuple((old.encode("latin-1"), new.encode("latin-1")) for old, new in value)


def split(value: Any) -> tuple[int, ...] | str:
    """Offsets, or the word ``every``."""
    if value == "every":
        return "every"
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return tuple(value)
    message = 'is a list of offsets, or "every"'
    raise ValueError(message)


def _number_of(value: Any) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", str(value)) or not 1 < int(value) <= ELEMENT_MAX:
        raise ValueError(f"holds {value!r}, which is no number of a data element")
    return int(value)


STEP: Mapping[str, Shape] = {
    "do": one_of(*VERBS, *OTHER_STEPS), "card": text, "pin": text, "data": table, "mti": text,
    "code": text, "set": elements, "unset": numbers, "skew": number, "mac": one_of(*MACS),
    "pin_key": one_of("right", "other"), "save": text, "again": text, "hex": octets,
    "replace": pairs, "cut": count, "append": octets, "length": whole, "says": count,
    "garbage": count, "framed": flag, "split": split, "drip": seconds, "times": positive,
    "hold": flag, "reorder": flag, "late": seconds, "seconds": seconds, "repeat": positive,
}  # fmt: skip
"""The keys of a step, but ``expect``."""

EXPECT: Mapping[str, Shape] = {
    "code": text, "outcome": one_of(*(one.value for one in Outcome)), "mti": text,
    "elements": elements, "present": numbers, "absent": numbers, "echoed": numbers,
    "matches": patterns, "same_as": text, "text": text, "no_text": text, "screen": positive,
    "slip": positive, "adds_up": flag, "fault": text, "within": seconds, "answers": count,
    "silent": seconds, "closed": flag,
}  # fmt: skip
"""The keys of ``expect``."""
