"""Claims about framing: the lengths that cannot be true."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from atm_switch.domain.errors import FramingError
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Framing
from atm_switch.wire.framing import Frame, FrameBuffer, answering_header, enclose

BASE = load_profile("bpjstk-jht-v1").framing
DIGITS = replace(BASE, length="ascii-digits", length_bytes=4)


def feed(framing: Framing, data: bytes) -> list[Frame]:
    """Give a buffer bytes and take the frames."""
    buffer = FrameBuffer(framing)
    buffer.receive(data)
    return list(buffer.frames())


@pytest.mark.parametrize("header", [b"\x00\x00", b"\x10\x01", b"\xff\xff"])
def test_binary_length_that_cannot_be_is_refused(header: bytes) -> None:
    """Zero, one more than the profile's most, and the greatest there is."""
    with pytest.raises(FramingError):
        feed(BASE, header)


@pytest.mark.parametrize(
    "header",
    [b"-001", b"+005", b" 12 ", b"1_00", b"0000", b"12\x00\x00", b"\xb2\xb2\xb2\xb2", b"9999"],
)
def test_digits_that_are_no_length_are_refused(header: bytes) -> None:
    """Signs, blanks, underscores, NUL, foreign digits, zero, too many."""
    with pytest.raises(FramingError):
        feed(DIGITS, header)


def test_longest_payload_is_taken() -> None:
    """The bound itself is allowed; nothing is refused before it."""
    payload = b"9" * BASE.payload_bytes_max

    assert [payload] == [frame.payload for frame in feed(BASE, enclose(BASE, payload))]


def test_inclusive_length_shorter_than_itself_is_refused() -> None:
    """A length that counts itself is at least its own size and one byte."""
    inclusive = replace(BASE, counts_itself=True)

    for counted in (0, 1, 2):
        with pytest.raises(FramingError):
            feed(inclusive, counted.to_bytes(2, "big"))


def test_missing_trailer_is_refused() -> None:
    """Where the length says ETX stands, nothing else may."""
    framing = replace(DIGITS, trailer=b"\x03")

    with pytest.raises(FramingError):
        feed(framing, b"00050800X")


def test_wrong_literal_header_is_refused() -> None:
    """A header that does not start as the profile says is another protocol."""
    framing = replace(DIGITS, header_bytes=3, header_starts=b"ISO", header_own=b"ISO")

    with pytest.raises(FramingError):
        feed(framing, b"0007ISP0800")


def test_header_comes_back_as_it_came() -> None:
    """A literal header is put back, byte for byte."""
    assert b"ISO041000017" == answering_header(BASE, b"ISO041000017")


def test_tpdu_goes_back_with_addresses_changed() -> None:
    """Destination and origin change places; the first byte stays."""
    tpdu = replace(BASE, header_bytes=5, header_own=b"\x60\x00\x00\x00\x00", header_is_tpdu=True)

    assert bytes.fromhex("6000010003") == answering_header(tpdu, bytes.fromhex("6000030001"))


@pytest.mark.parametrize("payload", [b"", b"9" * 4097])
def test_payload_out_of_bounds_is_our_mistake(payload: bytes) -> None:
    """We never send what we would not take."""
    with pytest.raises(ValueError, match="payload"):
        enclose(BASE, payload)


@pytest.mark.parametrize(
    ("kind", "size", "payload"),
    [
        ("ascii-digits", 2, 100),
        ("ascii-hex", 2, 256),
        ("bcd", 1, 100),
        ("bcd", 1, 1_000),
        ("binary-big-endian", 1, 256),
        ("binary-little-endian", 1, 256),
    ],
)
def test_frame_longer_than_its_header_can_say(kind: str, size: int, payload: int) -> None:
    """Of no kind a wider or a wrapped length header gets out."""
    framing = replace(BASE, length=kind, length_bytes=size)

    with pytest.raises(ValueError, match="does not fit the length header"):
        enclose(framing, b"9" * payload)
    assert size + 99 == len(enclose(framing, b"9" * 99))


@pytest.mark.parametrize(
    ("changes", "stream"),
    [
        ({"length": "ascii-hex"}, b"G0"),
        ({"length": "ascii-hex"}, b"+1"),
        ({"length": "ascii-hex"}, b"0x"),
        ({"length": "bcd"}, b"\x00\x1a"),
        ({"length": "bcd"}, b"\xff\xff"),
        ({"length": "bcd"}, b"\x00\x00"),
        ({"length": "binary-little-endian"}, b"\x01\x10"),
        ({"header_bytes": 5, "header_own": b"12345"}, b"\x00\x05"),
        ({"trailer": b"\x03"}, b"\x00\x01"),
        ({"trailer": b"\x03", "counts_trailer": False}, b"\x00\x00"),
    ],
)
def test_length_that_leaves_no_payload_is_refused(changes: dict[str, Any], stream: bytes) -> None:
    """Other alphabets, too much, and a length its header or trailer uses up."""
    with pytest.raises(FramingError):
        feed(replace(BASE, **changes), stream)


def taken_before_error(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield payloads until the stream cannot be trusted."""
    buffer = FrameBuffer(BASE)
    for part in parts:
        buffer.receive(part)
        try:
            for frame in buffer.frames():
                yield frame.payload
        except FramingError:
            yield b"error"
            return


def test_frames_before_a_bad_length_are_kept() -> None:
    """What was whole comes out first, then the error; however the stream is cut."""
    stream = enclose(BASE, b"0800") + b"\x00\x00rest"

    for cut in range(len(stream) + 1):
        parts = (stream[:cut], stream[cut:])

        assert [b"0800", b"error"] == list(taken_before_error(parts))


def test_bad_length_is_refused_before_its_payload() -> None:
    """Nothing is waited for behind a length that cannot be true: two bytes are enough."""
    buffer = FrameBuffer(BASE)
    buffer.receive(b"\xff")
    assert [] == list(buffer.frames())
    assert 1 == buffer.pending

    buffer.receive(b"\xff")

    with pytest.raises(FramingError, match="which cannot be"):
        list(buffer.frames())


def test_frame_does_not_print_its_payload() -> None:
    """A frame in a log shows its header only."""
    assert "9990090000000012" not in repr(Frame(b"ISO", b"0200169990090000000012"))


def test_header_that_is_given_goes_out_instead_of_our_own() -> None:
    """An answer goes back behind the header its request came with."""
    framing = load_profile("bpjstk-jht-v1-ebcdic").framing
    given = bytes(reversed(framing.header_own))

    assert given != framing.header_own
    assert [given, framing.header_own] == [
        enclose(framing, b"payload", header)[framing.length_bytes :][: framing.header_bytes]
        for header in (given, None)
    ]


def test_frame_that_drips_is_looked_into_when_it_is_whole() -> None:
    """Not at each byte of it: of five thousand such links each byte would be felt by others."""
    first, second = enclose(BASE, b"0" * 40), enclose(BASE, b"1" * 20)
    buffer, looks, found = FrameBuffer(BASE), 0, []
    for octet in first + second:
        buffer.receive(bytes((octet,)))
        if buffer.is_worth_a_look:
            looks += 1
            found += [frame.payload for frame in buffer.frames()]

    assert [b"0" * 40, b"1" * 20] == found
    assert 2 * (BASE.length_bytes + 1) == looks  # each byte of a length, and the last of a frame


@pytest.mark.parametrize("header", [b"00aF", b"00Af"])
def test_hexadecimal_length_may_be_in_either_letters(header: bytes) -> None:
    """Both mean the same number; what they announce is taken."""
    framing = replace(BASE, length="ascii-hex", length_bytes=4)

    assert [b"0" * 0xAF] == [one.payload for one in feed(framing, header + b"0" * 0xAF)]
