"""A refusal says what is wrong, with which element, at which byte and of which message."""

from dataclasses import replace
from typing import Any

import pytest

from atm_switch.domain.errors import FormatError, FramingError
from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

PROFILE = load_profile("bpjstk-jht-v1")
PACKAGER = Packager(PROFILE)
SOUND = PACKAGER.pack(IsoMessage("0200", {3: "310000", 11: "000123", 52: "0123456789ABCDEF"}))
BITMAP = SOUND[4:20]
SECOND = b"0800" + b"8000000000000000"


@pytest.mark.parametrize(
    ("payload", "reason", "element", "at", "mti"),
    [
        (b"02x0" + SOUND[4:], "the MTI is not four digits", 0, 0, ""),
        (SOUND[:19], "the bitmap is cut short", 1, 4, "0200"),
        (SECOND + b"0" * 15, "the bitmap is cut short", 1, 20, "0800"),
        (b"0200" + BITMAP.replace(b"0", b"g", 1), "the bitmap is not upper-case hexadecimal", 1, 4,
         "0200"),
        (SECOND + b"x" * 16, "the bitmap is not upper-case hexadecimal", 1, 20, "0800"),
        (SECOND + b"0" * 16, "a second bitmap without a bit", 1, 20, "0800"),
        (SECOND + b"8" + b"0" * 15, "a third bitmap", 65, 20, "0800"),
        (b"0200" + b"0800000000000000" + b"0" * 12, "not in the profile", 5, 20, "0200"),
        (SOUND.replace(b"310000", b"31000x"), "is not of class n", 3, 20, "0200"),
        (SOUND.replace(b"000123", b"00012x"), "is not of class n", 11, 26, "0200"),
        (SOUND[:-1], "cannot be read, or bytes are left over", 52, 32, "0200"),
        (SOUND + b"0", "cannot be read, or bytes are left over", 52, 48, "0200"),
    ],
)  # fmt: skip
def test_refusal_of_a_payload(payload: bytes, reason: str, element: int, at: int, mti: str) -> None:
    """The reason is of words of ours: nothing that was sent is quoted."""
    with pytest.raises(FormatError) as caught:
        PACKAGER.unpack(payload)

    fault = caught.value
    assert (reason, element, at, mti) == (
        fault.reason, fault.data_element, fault.offset, fault.mti,
    )  # fmt: skip


def test_refusal_keeps_what_stands_before_the_fault() -> None:
    """Elements that are sound by themselves are there to be echoed; the faulty one is not."""
    with pytest.raises(FormatError) as caught:
        PACKAGER.unpack(SOUND.replace(b"000123", b"00012x"))

    assert {3: "310000", 52: "0123456789ABCDEF"} == dict(caught.value.readable)


def test_bytes_in_other_letters_are_another_spelling() -> None:
    """Lower case is no spelling of ours: the element, its place and what is sound are named."""
    with pytest.raises(FormatError) as caught:
        PACKAGER.unpack(SOUND.replace(b"ABCDEF", b"abcdef"))

    fault = caught.value
    assert (52, 32, "0200") == (fault.data_element, fault.offset, fault.mti)
    assert {3: "310000", 11: "000123"} == {n: fault.readable[n] for n in (3, 11)}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (IsoMessage("02x0", {11: "000123"}), "DE000: an MTI is four digits"),
        (IsoMessage("0200", {5: "0" * 12}), "DE005: not in the profile"),
        (IsoMessage("0200", {11: "00123"}), "DE011: has a wrong length"),
        (IsoMessage("0200", {11: "00012x"}), "DE011: is not of class n"),
    ],
)
def test_refusal_to_pack(message: IsoMessage, text: str) -> None:
    """Our own mistake is named by its element."""
    with pytest.raises(ValueError, match=r"^DE") as caught:
        PACKAGER.pack(message)

    assert text == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "stream", "text"),
    [
        ({"length": "ascii", "length_bytes": 4}, b"00x1", "length header is not ascii"),
        ({"length": "bcd"}, b"\x0a\x00", "length header is not bcd"),
        ({"length": "ascii-hex", "length_bytes": 4}, b"00G0", "length header is not ascii-hex"),
        ({}, b"\x00\x00", "length header says 0 bytes, which cannot be"),
        ({"trailer": b"\x03"}, b"\x00\x02ab", "the trailer is missing where the length says it is"),
        ({"header_bytes": 3, "header_starts": b"ISO"}, b"\x00\x04ISXa",
         "the header does not start as the profile says"),
    ],
)  # fmt: skip
def test_refusal_of_a_frame(changes: dict[str, Any], stream: bytes, text: str) -> None:
    """What ends a link is told in the log: which part of the frame, and what was wanted."""
    reader = FrameBuffer(replace(PROFILE.framing, **{"counts_trailer": True, **changes}))
    reader.receive(stream)

    with pytest.raises(FramingError) as caught:
        list(reader.frames())

    assert text == str(caught.value)


def test_empty_payload_is_not_enclosed() -> None:
    """And how long one may be is said."""
    with pytest.raises(ValueError, match=r"^a payload has 1 to ") as caught:
        enclose(PROFILE.framing, b"")

    assert f"a payload has 1 to {PROFILE.framing.payload_bytes_max} bytes" == str(caught.value)
