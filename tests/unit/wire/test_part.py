"""Each element's bytes: how many, and how its length is spelled."""

import codecs
from typing import Any

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.part import bitmaps_of, parts_of, translations

TEXT = load_profile("bpjstk-jht-v1")
BCD = load_profile("bpjstk-jht-v1-bcd")


def test_lengths_are_spelled_as_the_profile_says() -> None:
    """Two or three digits of text, or packed into one or two bytes."""
    text, packed = (parts_of(one.elements, one.encoding) for one in (TEXT, BCD))

    assert (b"16", b"040") == (text[2].prefixes[16], text[48].prefixes[40])
    assert (b"\x16", b"\x00\x40") == (packed[2].prefixes[16], packed[48].prefixes[40])
    assert 16 == text[2].lengths[b"16"]
    assert {} == text[11].lengths


def test_octets_of_packed_digits_are_rounded_up() -> None:
    """Three digits take two bytes, eight raw bytes take eight, in text sixteen."""
    text, packed = (parts_of(one.elements, one.encoding) for one in (TEXT, BCD))

    assert 2 == packed[49].octets(3)
    assert 8 == packed[52].octets(8)
    assert 16 == text[52].octets(8)


def test_second_bitmap_is_there_when_needed() -> None:
    """Bit 1 and the second half come with an element beyond 64."""
    assert b"0020000000000000" == bitmaps_of([11], TEXT.encoding)
    assert b"82200000000000000400000000000000" == bitmaps_of([7, 11, 70], TEXT.encoding)
    assert bytes.fromhex("0020000000000000") == bitmaps_of([11], BCD.encoding)
    assert b"0000000000000001" == bitmaps_of([64], TEXT.encoding)
    assert b"80000000000000004000000000000000" == bitmaps_of([66], TEXT.encoding)


def test_tracks_are_packed_where_numbers_are() -> None:
    """Class z goes with class n: two characters a byte in BCD, one in text."""
    text, packed = (parts_of(one.elements, one.encoding) for one in (TEXT, BCD))

    assert (True, True) == (packed[35].in_hexadecimal, packed[35].pads)
    assert (False, False) == (text[35].in_hexadecimal, text[35].pads)
    assert (5, 9) == (packed[35].octets(9), text[35].octets(9))


def test_translation_turns_ebcdic_round() -> None:
    """Code page 500 to Latin-1 and back loses nothing; ASCII needs none."""
    inwards, outwards = translations("cp500")

    assert inwards is not None
    assert outwards is not None
    assert b"JHT 0042" == "JHT 0042".encode("cp500").translate(inwards)
    assert bytes(range(256)) == bytes(range(256)).translate(inwards).translate(outwards)
    assert (None, None) == translations("ascii")


def test_encoding_without_all_characters_is_refused() -> None:
    """Two bytes for one character could not be told apart again."""
    with pytest.raises((ValueError, UnicodeError)):
        translations("utf-7")


def test_encoding_of_fewer_characters_is_refused() -> None:
    """Two bytes of one character could not be told apart again: such a table is no dialect."""

    def lossy(octets: Any, errors: str = "strict") -> tuple[str, int]:
        return bytes(octets).replace(b"B", b"A").decode("latin-1", errors), len(octets)

    def only_ours(name: str) -> codecs.CodecInfo | None:
        return codecs.CodecInfo(codecs.latin_1_encode, lossy) if name == "lossy" else None

    codecs.register(only_ours)
    try:
        with pytest.raises(ValueError, match="two bytes of the encoding are one character"):
            translations("lossy")
    finally:
        codecs.unregister(only_ours)
