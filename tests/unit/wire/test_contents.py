"""Contents are judged by class, joined, and no class lets another's characters through."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.contents import Contents, together

PROFILE = load_profile("bpjstk-jht-v1")
SOUND = {2: "9990090000000012", 11: "000123", 35: "999009=30", 37: "51810700012A", 41: "S1 [~!c]",
         48: "JHT", 52: "0123456789ABCDEF"}  # fmt: skip


def are_sound(values: dict[int, str]) -> bool:
    """Judge values under the profile."""
    elements = [PROFILE.elements[number] for number in values]
    return Contents(elements, PROFILE.encoding).are_sound(tuple(values.values()))


def test_all_classes_are_sound_together() -> None:
    """Digits, letters, printable characters, hexadecimal and a track."""
    assert are_sound(SOUND)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (2, "999009000000001A"), (2, "999009000000001²"), (11, "00012 "), (11, "٠٠٠١٢٣"),
        (35, "999009030"), (35, "=30"), (37, "51810700012-"), (41, "S1\x1b[2J12"), (41, "S1 é~!c]"),
        (48, "J\nT"), (48, "J\x7fT"), (52, "0123456789abcdef"), (52, "0123456789ABCDE "),
    ],
)  # fmt: skip
def test_one_spoilt_element_spoils_the_message(number: int, value: str) -> None:
    """Each class by itself: a character of another one is found among all the sound ones."""
    assert not are_sound({**SOUND, number: value})


def test_characters_do_not_move_between_classes() -> None:
    """A letter in the last digits is not excused by a digit among the letters."""
    assert not are_sound({11: "00012A", 39: "00"})
    assert are_sound({11: "000120", 39: "A0"})


def test_one_key_alone_is_got_as_a_tuple() -> None:
    """Callers need not know how many keys they asked for."""
    assert ("b",) == together([1])("abc")
    assert ("a", "c") == together([0, 2])("abc")
