"""Properties of PIN blocks, offsets and translation, against psec, which is not ours.

psec warns of what it uses of the library underneath, so its calls are wrapped, and only
they.  Its errors hold PIN digits, so none is let through.
"""

import warnings
from collections.abc import Callable
from hashlib import shake_256
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.ibm3624 import ibm3624_offset, offset_matches
from atm_switch.security.pin_formats import (
    PinFormat,
    decipher_pin,
    decode_clear,
    encipher_pin,
    encode_clear,
)
from atm_switch.security.pin_translation import translate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from psec import pin as psec_pin
    from psec import pinblock


def oracle(function: Callable[..., Any], *arguments: object) -> Any:
    """Call psec without its warnings and without its words: ``None`` where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except ValueError:
            return None


def chance_of(seed: bytes) -> Callable[[int], bytes]:
    """Give chance that depends on the seed alone and does not repeat itself."""
    draws = count()
    return lambda size: shake_256(next(draws).to_bytes(8, "big") + seed).digest(size)


def is_usable(material: bytes) -> bool:
    """Tell whether the bytes are no single DES."""
    try:
        tdes.require_usable(Key(material))
    except ValueError:
        return False
    return True


def digits_of(pin: Pin | None) -> bytes | None:
    """The digits, or ``None``."""
    return None if pin is None else pin.reveal()


A_FEW_HUNDRED = settings(max_examples=max(300, settings().max_examples))
"""What a comparison with psec takes at least, whatever the profile says."""
PANS = st.text("0123456789", min_size=9, max_size=12).map(
    lambda body: Pan("999009" + body + luhn_digit("999009" + body))
)
PINS = st.text("0123456789", min_size=4, max_size=12).map(str.encode)
DOUBLE_KEYS = st.binary(min_size=16, max_size=16).filter(is_usable)
AES_KEYS = st.sampled_from((16, 24, 32)).flatmap(lambda n: st.binary(min_size=n, max_size=n))
TABLES = st.lists(st.sampled_from("0123456789"), min_size=6, max_size=6, unique=True).flatmap(
    lambda twice: st.permutations([*"0123456789", *twice]).map("".join)
)
FORMATS = st.sampled_from(PinFormat)
TARGETS = st.sampled_from((PinFormat.ZERO, PinFormat.THREE, PinFormat.FOUR))
ALL = frozenset(PinFormat)


@A_FEW_HUNDRED
@given(PINS, PANS, st.binary())
def test_format_3_agrees_with_psec(digits: bytes, pan: Pan, seed: bytes) -> None:
    """Psec reads our blocks, whatever the filler, and we read psec's."""
    ours = encode_clear(PinFormat.THREE, Pin(digits), pan, chance_of(seed))
    theirs = bytearray(oracle(pinblock.encode_pinblock_iso_3, digits.decode(), pan.digits))

    assert digits.decode() == oracle(pinblock.decode_pinblock_iso_3, bytes(ours), pan.digits)
    assert digits == digits_of(decode_clear(theirs, pan, frozenset({PinFormat.THREE})))


@A_FEW_HUNDRED
@given(PINS, PANS, st.integers(0, 7), st.integers(0, 255))
def test_spoilt_block_is_read_as_psec_reads(digits: bytes, pan: Pan, at: int, mask: int) -> None:
    """A block one byte away from a good one: we find what psec finds, or nothing."""
    block = encode_clear(PinFormat.THREE, Pin(digits), pan, chance_of(digits))
    block[at] ^= mask

    found = oracle(pinblock.decode_pinblock_iso_3, bytes(block), pan.digits)
    expected = None if found is None else found.encode()

    assert expected == digits_of(decode_clear(block, pan, frozenset({PinFormat.THREE})))


@A_FEW_HUNDRED
@given(PINS, PANS, AES_KEYS, st.binary())
def test_format_4_agrees_with_psec(digits: bytes, pan: Pan, key: bytes, seed: bytes) -> None:
    """Psec deciphers our blocks of format 4, and we psec's."""
    ours = bytes.fromhex(encipher_pin(PinFormat.FOUR, Pin(digits), pan, Key(key), chance_of(seed)))
    theirs = PinBlock(oracle(pinblock.encipher_pinblock_iso_4, key, digits.decode(), pan.digits))

    assert digits.decode() == oracle(pinblock.decipher_pinblock_iso_4, key, ours, pan.digits)
    assert digits == digits_of(decipher_pin(theirs, pan, Key(key), frozenset({PinFormat.FOUR})))


@given(st.binary(min_size=8, max_size=8), PANS, st.frozensets(FORMATS))
def test_any_clear_block_is_a_pin_or_nothing(
    block: bytes, pan: Pan, allowed: frozenset[PinFormat]
) -> None:
    """Reading never fails, never alters the block, and reads allowed formats only."""
    clear = bytearray(block)

    found = decode_clear(clear, pan, allowed)

    assert block == clear
    assert found is None or PinFormat(str(block[0] >> 4)) in allowed


@given(PINS, PANS, st.binary())
def test_format_1_comes_back_for_any_card(digits: bytes, pan: Pan, seed: bytes) -> None:
    """Format 1 holds the PIN whatever chance fills it with, even more digits."""
    block = encode_clear(PinFormat.ONE, Pin(digits), pan, chance_of(seed))

    assert digits == digits_of(decode_clear(block, pan, ALL))


@A_FEW_HUNDRED
@given(PINS, PANS, DOUBLE_KEYS, TABLES)
def test_offset_agrees_with_psec(digits: bytes, pan: Pan, pvk: bytes, table: str) -> None:
    """The offset is psec's over the sixteen rightmost digits of the PAN."""
    start = len(pan.digits) - 16

    expected = oracle(
        psec_pin.generate_ibm3624_offset,
        pvk,
        table,
        digits[:4].decode(),
        pan.digits,
        start,
        16,
        "F",
    )

    assert expected == ibm3624_offset(Pin(digits), pan, Key(pvk), table)
    assert offset_matches(Pin(digits), pan, Key(pvk), table, expected)


@given(PINS, PANS, FORMATS, TARGETS, st.binary())
def test_translation_keeps_pin_and_card(
    digits: bytes, pan: Pan, source: PinFormat, target: PinFormat, seed: bytes
) -> None:
    """Whatever goes in comes out whole, for the same card, under the other key alone."""
    first, second = Key(bytes(range(16))), Key(bytes(range(16, 32)))
    block = PinBlock.from_hex(encipher_pin(source, Pin(digits), pan, first, chance_of(seed)))

    text = translate(block, pan, first, frozenset({source}), second, target, chance_of(seed))

    assert text is not None
    moved = PinBlock.from_hex(text)
    assert digits == digits_of(decipher_pin(moved, pan, second, frozenset({target})))
