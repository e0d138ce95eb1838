"""MTI and bitmaps, read before any codec sees a byte."""

from dataclasses import replace

import pytest

from atm_switch.domain.errors import FormatError
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Encoding
from atm_switch.wire.bitmap import mti_bytes, read_bitmaps, read_mti

HEX = load_profile("bpjstk-jht-v1").encoding
BINARY = load_profile("bpjstk-jht-v1-bcd").encoding
EBCDIC = load_profile("bpjstk-jht-v1-ebcdic").encoding
EBCDIC_HEX = replace(EBCDIC, bitmap="hex")


@pytest.mark.parametrize(
    ("encoding", "payload", "size"),
    [(HEX, b"0200", 4), (BINARY, b"\x02\x00", 2), (EBCDIC, b"\xf0\xf2\xf0\xf0", 4)],
)
def test_mti_is_read_in_every_encoding(encoding: Encoding, payload: bytes, size: int) -> None:
    """
    ASCII, packed and EBCDIC digits are the same MTI.
    """
    assert ("0200", size) == (read_mti(payload, encoding), mti_bytes(encoding))


@pytest.mark.parametrize(
    ("encoding", "payload"),
    [
        (HEX, b""), (HEX, b"020"), (HEX, b"02 0"), (HEX, b"\xf0\xf2\xf0\xf0"), (HEX, b"+200"),
        (HEX, b"\x00\x00\x00\x00"), (BINARY, b""), (BINARY, b"\x02"), (BINARY, b"\x02\x0a"),
        (EBCDIC, b"0200"), (EBCDIC, b"\xf0\xf2\xf0"),
    ],
)  # fmt: skip
def test_mti_that_is_none_is_element_zero(encoding: Encoding, payload: bytes) -> None:
    """
    Cut short, of other characters or another encoding: DE000, and nothing is believed.
    """
    with pytest.raises(FormatError) as caught:
        read_mti(payload, encoding)

    assert (0, "") == (caught.value.data_element, caught.value.mti)


@pytest.mark.parametrize("bit", range(2, 65))
def test_each_bit_of_the_first_bitmap_counts(bit: int) -> None:
    """
    Bit n from the left is element n, in hexadecimal and in binary.
    """
    raw = (1 << (64 - bit)).to_bytes(8, "big")

    assert ([bit], 20) == read_bitmaps(b"0200" + raw.hex().upper().encode(), "0200", HEX)
    assert ([bit], 10) == read_bitmaps(b"\x02\x00" + raw, "0200", BINARY)
    text = raw.hex().upper().encode("cp500")
    assert ([bit], 20) == read_bitmaps("0200".encode("cp500") + text, "0200", EBCDIC_HEX)


@pytest.mark.parametrize("bit", range(66, 129))
def test_each_bit_of_the_second_bitmap_counts(bit: int) -> None:
    """
    Bit 1 says that a second one follows; its bits are 65 and on, and 1 is no element.
    """
    raw = (1 << 63 | 1).to_bytes(8, "big") + (1 << (128 - bit)).to_bytes(8, "big")

    assert ([64, bit], 36) == read_bitmaps(b"0200" + raw.hex().upper().encode(), "0200", HEX)
    assert ([64, bit], 18) == read_bitmaps(b"\x02\x00" + raw, "0200", BINARY)


FIRST, EMPTY = b"8000000000000000", b"0" * 16


@pytest.mark.parametrize(
    ("bitmaps", "element", "offset", "words"),
    [
        (b"", 1, 4, "cut short"),
        (FIRST[:15], 1, 4, "cut short"),
        (FIRST, 1, 20, "cut short"),
        (FIRST + EMPTY[:15], 1, 20, "cut short"),
        (FIRST + EMPTY, 1, 20, "without a bit"),
        (FIRST + FIRST, 65, 20, "third bitmap"),
        (b"a000000000000000", 1, 4, "not upper-case hexadecimal"),
        (b" " * 16, 1, 4, "not upper-case hexadecimal"),
        (b"40" + b" " * 14, 1, 4, "not upper-case hexadecimal"),
        (FIRST + b"\t" * 16, 1, 20, "not upper-case hexadecimal"),
        (b"+000000000000000", 1, 4, "not upper-case hexadecimal"),
        (b"0x00000000000000", 1, 4, "not upper-case hexadecimal"),
        (b"\xd9" * 16, 1, 4, "not upper-case hexadecimal"),
    ],
)
def test_bitmap_that_is_none_is_named(
    bitmaps: bytes, element: int, offset: int, words: str
) -> None:
    """
    Element and place are told, and the MTI that was already read.
    """
    with pytest.raises(FormatError, match=words) as caught:
        read_bitmaps(b"0200" + bitmaps, "0200", HEX)

    fault = caught.value
    assert (element, offset, "0200") == (fault.data_element, fault.offset, fault.mti)


@pytest.mark.parametrize(
    ("bitmaps", "element"),
    [(b"\x80" + bytes(7), 1), (b"\x80" + bytes(15), 1), ((b"\x80" + bytes(7)) * 2, 65)],
)
def test_binary_bitmaps_obey_the_same_rules(bitmaps: bytes, element: int) -> None:
    """
    Cut short, empty second and third one, as in hexadecimal.
    """
    with pytest.raises(FormatError) as caught:
        read_bitmaps(b"\x02\x00" + bitmaps, "0200", BINARY)

    assert element == caught.value.data_element


def test_bitmap_without_bits_has_no_elements() -> None:
    """
    A first bitmap of nothing is readable; that elements are missing is found later.
    """
    assert ([], 20) == read_bitmaps(b"0800" + EMPTY, "0800", HEX)
