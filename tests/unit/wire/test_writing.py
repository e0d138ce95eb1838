"""New values go between the bytes of an old payload, judged, or nothing is written."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire import writing as writing_module
from atm_switch.wire.layout import Layout
from atm_switch.wire.spelling import SHAPES_MAX, Spelling
from atm_switch.wire.writing import Writing

TEXT = Spelling.of(load_profile("bpjstk-jht-v1"))
PACKED = Spelling.of(load_profile("bpjstk-jht-v1-bcd"))
HEAD, NEW = b"0200" + b"h" * 16, b"0210" + b"i" * 16
REQUEST = HEAD + b"169990090000000012" + b"000123" + b"S1ABC123"
SOURCE = Layout("0200", HEAD, (2, 11, 41), (16, 6, 8), TEXT)


def test_values_go_between_what_is_copied() -> None:
    """In ascending order of the elements, behind the new head, with their lengths."""
    writing = Writing(NEW, (2, 39, 41, 62), (62, 39), SOURCE, TEXT)

    assert NEW + b"169990090000000012" + b"00" + b"S1ABC123" + b"005HELLO" == writing.write(
        REQUEST, ("HELLO", "00")
    )


def test_value_of_another_length_is_written_too() -> None:
    """The same way of writing serves every length the profile allows."""
    writing = Writing(NEW, (11, 62), (62,), SOURCE, TEXT)

    for length in (5, 6, 999):
        text = "x" * length
        assert NEW + b"000123" + f"{length:03d}{text}".encode() == writing.write(REQUEST, (text,))


@pytest.mark.parametrize("value", ["", "x", "x" * 1000, "HELL\n", "HELLé", "HELLŁ", "HELL\ud800"])
def test_value_the_profile_does_not_allow_is_not_written(value: str) -> None:
    """Too short, too long, not of its class, or no byte at all."""
    assert Writing(NEW, (11, 62), (62,), SOURCE, TEXT).write(REQUEST, (value,)) is None


def test_lengths_cannot_be_moved_between_values() -> None:
    """Two wrong widths that add up to the right sum are still wrong."""
    writing = Writing(NEW, (37, 39), (37, 39), None, TEXT)

    assert NEW + b"12345678901200" == writing.write(b"", ("123456789012", "00"))
    assert writing.write(b"", ("1234567890120", "0")) is None


def test_digits_are_packed_and_bytes_are_raw() -> None:
    """An odd number of digits behind a 0; hexadecimal becomes the bytes it spells."""
    writing = Writing(b"", (22, 41, 52), (22, 41, 52), None, PACKED)

    assert bytes.fromhex("0051") + b"S1ABC123" + b"\xab" * 8 == writing.write(
        b"", ("051", "S1ABC123", "AB" * 8)
    )


@pytest.mark.parametrize(
    "values",
    [("05A", "AB" * 8), ("0 1", "AB" * 8), ("051", "ab" * 8), ("051", "AB" * 7 + " A"),
     ("051", "AB" * 7 + "A"), ("051", "²" * 16)],
)  # fmt: skip
def test_other_spellings_of_bytes_are_not_written(values: tuple[str, str]) -> None:
    """Lower case, blanks that ``bytes.fromhex`` passes over, halves of a byte."""
    assert Writing(b"", (22, 52), (22, 52), None, PACKED).write(b"", values) is None


def test_packed_track_has_no_equals_sign() -> None:
    """Four bits hold the D of track 2 and cannot hold an equals sign."""
    writing = Writing(b"", (35,), (35,), None, PACKED)

    assert bytes.fromhex("09" + "0999009D30") == writing.write(b"", ("999009D30",))
    assert writing.write(b"", ("999009=30",)) is None


def test_loops_of_machine_code_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compiled is run here by Python: the same spans, one behind the other."""
    pure = Writing(NEW, (2, 39, 41, 62), (62, 39), SOURCE, TEXT).write(REQUEST, ("HELLO", "00"))
    monkeypatch.setattr(writing_module, "COMPILED", True)

    writing = Writing(NEW, (2, 39, 41, 62), (62, 39), SOURCE, TEXT)

    assert pure == writing.write(REQUEST, ("HELLO", "00"))
    assert writing.write(REQUEST, ("HELL\n", "00")) is None


def test_a_bounded_number_of_shapes_is_remembered() -> None:
    """However many lengths the values of all answers have, the oldest give way."""
    spelling = Spelling.of(load_profile("bpjstk-jht-v1"))
    writings = [Writing(b"", (62,), (62,), None, spelling) for _ in range(3)]

    for length in range(5, 5 + SHAPES_MAX // 2):
        for writing in writings:
            assert writing.write(b"", ("x" * length,))

    assert SHAPES_MAX == sum(len(writing.shapes) for writing in writings)
    assert all(writing.shapes for writing in writings)
