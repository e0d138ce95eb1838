"""Claims about framing: the lengths that cannot be true."""

from dataclasses import replace

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


@pytest.mark.parametrize("payload", [b"", b"9" * 4097])
def test_payload_out_of_bounds_is_our_mistake(payload: bytes) -> None:
    """We never send what we would not take."""
    with pytest.raises(ValueError, match="payload"):
        enclose(BASE, payload)


def test_frame_longer_than_its_header_can_say_is_our_mistake() -> None:
    """Two ASCII digits cannot say one hundred."""
    with pytest.raises(ValueError, match="length header"):
        enclose(replace(BASE, length="ascii-digits", length_bytes=2), b"9" * 100)
