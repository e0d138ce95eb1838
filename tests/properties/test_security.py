"""Properties of the payment crypto, most of them against psec, which is not ours.

psec warns of what it uses of the library underneath, so its calls are wrapped, and only
they.
"""

import warnings
from collections.abc import Callable
from hashlib import shake_256
from itertools import count
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.mac import MacAlgorithm, mac, mac_matches
from atm_switch.security.pin_block import decipher, decode_format_0, encipher, encode_format_0
from atm_switch.security.pvv import visa_pvv
from atm_switch.security.vault import Vault, fresh_tdes_key

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from psec import des, pin, pinblock
    from psec import mac as psec_mac


def oracle(function: Callable[..., Any], *arguments: object) -> Any:
    """Call psec without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments)


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


A_FEW_HUNDRED = settings(max_examples=max(300, settings().max_examples))
"""What a comparison with psec takes at least, whatever the profile says."""
PANS = st.text("0123456789", min_size=9, max_size=12).map(
    lambda body: Pan("999009" + body + luhn_digit("999009" + body))
)
PINS = st.text("0123456789", min_size=4, max_size=12).map(str.encode)
DOUBLE_KEYS = st.binary(min_size=16, max_size=16).filter(is_usable)
KEYS = st.sampled_from((16, 24)).flatmap(lambda n: st.binary(min_size=n, max_size=n))
TDES_KEYS = KEYS.filter(is_usable)


@A_FEW_HUNDRED
@given(PINS, PANS)
def test_clear_blocks_agree_with_psec(digits: bytes, pan: Pan) -> None:
    """Our clear block is psec's, and each reads the other's."""
    clear = encode_format_0(Pin(digits), pan)

    assert oracle(pinblock.encode_pinblock_iso_0, digits.decode(), pan.digits) == clear
    assert digits.decode() == oracle(pinblock.decode_pinblock_iso_0, bytes(clear), pan.digits)


@A_FEW_HUNDRED
@given(st.binary(min_size=8, max_size=8), PANS)
def test_any_block_is_read_as_psec_reads(block: bytes, pan: Pan) -> None:
    """A block has the PIN psec finds in it, or none where psec refuses."""
    assert_read_as_psec(block, pan)


@A_FEW_HUNDRED
@given(PINS, PANS, st.integers(0, 7), st.integers(1, 255))
def test_spoilt_block_is_read_as_psec_reads(digits: bytes, pan: Pan, at: int, mask: int) -> None:
    """So too for blocks one byte away from a good one, where mistakes would hide."""
    block = encode_format_0(Pin(digits), pan)
    block[at] ^= mask

    assert_read_as_psec(bytes(block), pan)


def assert_read_as_psec(block: bytes, pan: Pan) -> None:
    """Both find the same PIN, or none."""
    expected: bytes | None
    try:
        expected = oracle(pinblock.decode_pinblock_iso_0, block, pan.digits).encode()
    except ValueError:
        expected = None

    found = decode_format_0(bytearray(block), pan)

    assert expected == (found.reveal() if found else None)


@given(PINS, PANS, TDES_KEYS)
def test_pin_crosses_the_wire_whole(digits: bytes, pan: Pan, key: bytes) -> None:
    """What a terminal enciphers the switch reads, under any usable key."""
    block = PinBlock.from_hex(encipher(Pin(digits), pan, Key(key)))

    found = decode_format_0(decipher(block, Key(key)), pan)

    assert found is not None
    assert digits == found.reveal()


@A_FEW_HUNDRED
@given(PINS, PANS, st.sampled_from("123456"), DOUBLE_KEYS)
def test_pvv_agrees_with_psec(digits: bytes, pan: Pan, pvki: str, pvk: bytes) -> None:
    """The value is psec's, which takes the first four digits alone."""
    expected = oracle(pin.generate_visa_pvv, pvk, pvki, digits[:4].decode(), pan.digits)

    assert expected == visa_pvv(Pin(digits), pan, pvki, Key(pvk))


@A_FEW_HUNDRED
@given(st.binary(max_size=300), DOUBLE_KEYS)
def test_retail_mac_agrees_with_psec(message: bytes, key: bytes) -> None:
    """The retail MAC is psec's with padding 1."""
    expected = oracle(psec_mac.generate_retail_mac, key[:8], key[8:], message, 1)

    assert expected == mac(MacAlgorithm.X9_19, Key(key), message)


@given(st.sampled_from(MacAlgorithm), st.binary(min_size=1, max_size=300), DOUBLE_KEYS, st.data())
def test_changed_message_has_another_mac(
    algorithm: MacAlgorithm, message: bytes, key: bytes, data: st.DataObject
) -> None:
    """A MAC is good for its own message and for none with a byte changed."""
    at = data.draw(st.integers(0, len(message) - 1))
    mask = data.draw(st.integers(1, 255))
    made = mac(algorithm, Key(key), message)

    changed = message[:at] + bytes([message[at] ^ mask]) + message[at + 1 :]

    assert mac_matches(algorithm, Key(key), message, made)
    assert not mac_matches(algorithm, Key(key), changed, made)


@A_FEW_HUNDRED
@given(TDES_KEYS, st.integers(1, 6).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n)))
def test_tdes_agrees_with_psec(key: bytes, clear: bytes) -> None:
    """ECB is psec's, both ways."""
    cipher = tdes.encrypt(Key(key), clear)

    assert oracle(des.encrypt_tdes_ecb, key, clear) == cipher
    assert clear == tdes.decrypt(Key(key), cipher)


@A_FEW_HUNDRED
@given(TDES_KEYS)
def test_check_value_and_parity_agree_with_psec(key: bytes) -> None:
    """Check value and odd parity are psec's."""
    expected = oracle(des.adjust_key_parity, key)

    assert oracle(des.generate_kcv, key, 3).hex().upper() == tdes.check_value(Key(key))
    assert expected == tdes.with_odd_parity(Key(key)).reveal()
    assert tdes.has_odd_parity(Key(expected))


@given(st.binary())
def test_fresh_tdes_key_is_always_sound(seed: bytes) -> None:
    """Whatever chance gives, a new key is double length, of odd parity and no single DES."""
    key = fresh_tdes_key(chance_of(seed))

    tdes.require_usable(key)
    assert 16 == len(key)
    assert tdes.has_odd_parity(key)


@given(
    st.binary(),
    st.text(max_size=20),
    st.text(max_size=20),
    st.binary(max_size=200),
    st.binary(min_size=12, max_size=12),
)
def test_sealed_value_opens_for_its_purpose_only(
    seed: bytes, purpose: str, other: str, plain: bytes, nonce: bytes
) -> None:
    """Sealing and opening are a round trip for one purpose, and shut for any other."""
    assume(purpose != other)
    vault = Vault.fresh(chance_of(seed))

    sealed = vault.seal(purpose, plain, nonce)

    assert plain == vault.unseal(purpose, sealed)
    with pytest.raises(ValueError, match=r"^the sealed value cannot be opened$"):
        vault.unseal(other, sealed)
