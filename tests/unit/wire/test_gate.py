"""Contents are judged all at once, and no class lets another's characters through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.wire import gate
from atm_switch.wire.gate import Gate, outside_of
from atm_switch.wire.reference import content_fault
from atm_switch.wire.spelling import Spelling

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-ebcdic")
PROFILES = {name: load_profile(name) for name in NAMES}
PACKED = Spelling.of(load_profile("bpjstk-jht-v1-bcd"))
SOUND = {2: "9990090000000012", 11: "000123", 35: "999009=30", 37: "51810700012A", 41: "S1 [~!c]",
         48: "JHT", 52: "0123456789ABCDEF"}  # fmt: skip


def passes(values: dict[int, str], name: str = NAMES[0]) -> bool:
    """Judge values as their profile writes them."""
    spelling = Spelling.of(PROFILES[name])
    parts = [spelling.parts[number] for number in values]
    lengths = [len(text) // part.digits_each for part, text in zip(parts, values.values())]  # noqa: B905
    judge = Gate(list(zip(parts, lengths, strict=True)), spelling.outside)
    return judge.passes(spelling.written("".join(values.values())))


@pytest.mark.parametrize("name", NAMES)
def test_all_classes_pass_together(name: str) -> None:
    """Digits, letters, printable characters, hexadecimal and a track, in either encoding."""
    binary = {} if PROFILES[name].encoding.binary == "raw" else {52: SOUND[52]}

    assert passes({n: SOUND[n] for n in (2, 11, 35, 37, 48)} | {41: "S1 (%!c)"} | binary, name)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (2, "999009000000001A"), (2, "999009000000001²"), (11, "00012 "), (11, "00012/"),
        (35, "999009030"), (35, "=30"), (35, "9=9=9"), (35, "9=D"), (35, "9=F"), (35, "9= "),
        (37, "51810700012-"), (41, "S1\x1b[2J12"), (41, "S1 é~!c]"), (48, "J\nT"), (48, "J\x7fT"),
        (52, "0123456789abcdef"), (52, "0123456789ABCDE "),
    ],
)  # fmt: skip
def test_one_spoilt_element_spoils_the_message(number: int, value: str) -> None:
    """Each class by itself: a character of another one is found among all the sound ones."""
    assert not passes({**SOUND, number: value})


def test_characters_do_not_move_between_elements() -> None:
    """A letter in the last digits is not excused by a digit among the letters."""
    assert not passes({11: "00012A", 39: "00"})
    assert passes({11: "000120", 39: "A0"})


@pytest.mark.parametrize("name", NAMES)
@given(
    number=st.sampled_from([2, 11, 35, 37, 41, 48]),
    text=st.text(st.characters(max_codepoint=255), min_size=1),
    length=st.integers(1, 40),
)
def test_gate_says_what_the_reference_says(name: str, number: int, text: str, length: int) -> None:
    """Whatever Latin-1 stands in an element, of a length that it may have."""
    element = PROFILES[name].elements[number]
    length = max(element.shortest, min(length, element.longest))
    text = (text * length)[:length]

    assert (not content_fault(element, text)) == passes({number: text}, name)


@pytest.mark.parametrize(
    ("length", "octets", "sound"),
    [
        (6, "12345D", True), (6, "1D3456", True), (5, "01D345", True), (6, "123456", False),
        (6, "D23456", False), (5, "11D345", False), (5, "0D2345", False), (6, "1D345D", False),
        (6, "1D34E6", False), (4, "1DDD", False),
    ],
)  # fmt: skip
def test_packed_track_has_its_form(length: int, octets: str, sound: bool) -> None:  # noqa: FBT001
    """One mark behind a digit, and a 0 before an odd number of characters."""
    judge = Gate([(None, 1), (PACKED.parts[35], length)], PACKED.outside)

    assert sound == judge.passes(b"\xff" + bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "sound"), [("0051", True), ("1051", False), ("005A", False), ("A051", False)]
)
def test_packed_digits_have_one_padding_only(octets: str, sound: bool) -> None:  # noqa: FBT001
    """An odd number of digits begins with a 0 and no other; no other nibble is a digit."""
    judge = Gate([(PACKED.parts[22], 3)], PACKED.outside)

    assert sound == judge.passes(bytes.fromhex(octets))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_loops_of_machine_code_judge_alike(name: str, data: st.DataObject) -> None:
    """What is compiled is run here by Python: ranges, classes and tracks say what masks say."""
    numbers = data.draw(st.lists(st.sampled_from([2, 11, 35, 37, 41, 48]), min_size=1, unique=True))
    values = {number: SOUND[number] for number in numbers}
    spoilt = data.draw(st.sampled_from(numbers))
    at = data.draw(st.integers(0, len(SOUND[spoilt]) - 1))
    stray = data.draw(st.sampled_from("0=DA a\n~é["))
    values[spoilt] = SOUND[spoilt][:at] + stray + SOUND[spoilt][at + 1 :]

    with pytest.MonkeyPatch.context() as patch:
        expected = passes(values, name)
        patch.setattr(gate, "COMPILED", True)

        assert expected == passes(values, name)


@pytest.mark.parametrize("octets", [2, 4])
def test_loops_of_machine_code_judge_the_length(octets: int) -> None:
    """Where Python compares the whole, C looks byte by byte and must not look beyond the end."""
    judge = Gate([(PACKED.parts[11], 6)], PACKED.outside)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "COMPILED", True)

        assert judge.passes(b"\x12\x34\x56")
        assert not judge.passes(b"\x12" * octets)


@pytest.mark.parametrize("name", NAMES)
def test_table_knows_decimal_bytes_by_their_nibbles(name: str) -> None:
    """Two decimal digits, or one behind a 0 that is padding: of all 256 bytes, in any dialect."""
    table = outside_of(PROFILES[name].encoding)
    written = [f"{octet:02x}" for octet in range(256)]

    assert [one for one in written if one.isdecimal()] == [
        one for octet, one in enumerate(written) if not table[octet] & gate._PACKED[0]
    ]
    assert [f"0{digit}" for digit in range(10)] == [
        one for octet, one in enumerate(written) if not table[octet] & gate._PADDED[0]
    ]


def test_raw_bytes_may_be_any() -> None:
    """Class b has no class of characters where it is not hexadecimal."""
    assert Gate([(PACKED.parts[52], 8)], PACKED.outside).passes(bytes(range(248, 256)))
