"""One random case for each algorithm: what we compute against what psec computes.

Plan: a case takes seeded chance and tells whether both agree; nothing of a case is ever
printed, for psec's own errors hold PIN digits.  Whatever psec lacks goes a second way
built on psec's ciphers: CMAC by RFC 4493 over its CBC-MAC, format 0 by its fields.
Limits: PINs of 4 to 12 digits, PANs of 16 to 19 under BIN 999009, usable keys.
"""

import random
import warnings
from collections.abc import Callable
from typing import Any

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.components import AES, KEY_BYTES, TDES, key_check_value
from atm_switch.security.ibm3624 import ibm3624_offset
from atm_switch.security.key_block import KeyBlock, unwrap, wrap
from atm_switch.security.mac import MAC_BYTES, MacAlgorithm, mac
from atm_switch.security.pin_block import decode_format_0, encode_format_0
from atm_switch.security.pin_formats import (
    PinFormat,
    decipher_pin,
    decode_clear,
    encipher_pin,
    encode_clear,
)
from atm_switch.security.pvv import visa_pvv

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from psec import aes, des, pin, pinblock, tr31
    from psec import mac as psec_mac

Chance = random.Random
Case = Callable[[Chance], bool]

_RETAIL_PADDING, _CBC_PADDING = 1, 1


def oracle(function: Callable[..., Any], *arguments: object) -> Any:
    """Call psec without its warnings and without its words: ``None`` where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except ValueError:
            return None


def tdes_ecb(chance: Chance) -> bool:
    """One to six blocks, there and back."""
    key = _tdes_key(chance)
    clear = chance.randbytes(8 * chance.randint(1, 6))
    cipher = tdes.encrypt(Key(key), clear)
    is_same = cipher == oracle(des.encrypt_tdes_ecb, key, clear)
    return is_same and tdes.decrypt(Key(key), cipher) == clear


def iso_0(chance: Chance) -> bool:
    """Encoded, and a block spoilt in one byte half of the time decoded."""
    digits, pan = _pin(chance), _pan(chance)
    clear = encode_format_0(Pin(digits), pan)
    is_same = clear == oracle(pinblock.encode_pinblock_iso_0, digits.decode(), pan.digits)
    clear[chance.randrange(8)] ^= chance.choice((0, chance.randrange(256)))
    expected = oracle(pinblock.decode_pinblock_iso_0, bytes(clear), pan.digits)
    return is_same and _is_same(decode_format_0(clear, pan), expected)


def iso_3(chance: Chance) -> bool:
    """Ours read there, theirs read here, and a spoilt one read alike."""
    digits, pan = _pin(chance), _pan(chance)
    allowed = frozenset({PinFormat.THREE})
    ours = encode_clear(PinFormat.THREE, Pin(digits), pan, chance.randbytes)
    theirs = oracle(pinblock.encode_pinblock_iso_3, digits.decode(), pan.digits)
    is_read = oracle(pinblock.decode_pinblock_iso_3, bytes(ours), pan.digits) == digits.decode()
    is_read &= _is_same(decode_clear(bytearray(theirs), pan, allowed), digits.decode())
    ours[chance.randrange(8)] ^= chance.choice((0, chance.randrange(256)))
    expected = oracle(pinblock.decode_pinblock_iso_3, bytes(ours), pan.digits)
    return is_read and _is_same(decode_clear(ours, pan, allowed), expected)


def iso_4(chance: Chance) -> bool:
    """Ours deciphered there, theirs deciphered here."""
    digits, pan, key = _pin(chance), _pan(chance), _aes_key(chance)
    ours = encipher_pin(PinFormat.FOUR, Pin(digits), pan, Key(key), chance.randbytes)
    theirs = oracle(pinblock.encipher_pinblock_iso_4, key, digits.decode(), pan.digits)
    found = decipher_pin(PinBlock(theirs), pan, Key(key), frozenset({PinFormat.FOUR}))
    there = oracle(pinblock.decipher_pinblock_iso_4, key, bytes.fromhex(ours), pan.digits)
    return there == digits.decode() and _is_same(found, there)


def pvv(chance: Chance) -> bool:
    """The Visa PVV of the first four digits."""
    digits, pan, key, index = _pin(chance), _pan(chance), _tdes_key(chance), chance.choice("123456")
    expected = oracle(pin.generate_visa_pvv, key, index, digits[:4].decode(), pan.digits)
    return bool(expected == visa_pvv(Pin(digits), pan, index, Key(key)))


def ibm_3624(chance: Chance) -> bool:
    """The offset under a balanced table, over the sixteen rightmost digits."""
    digits, pan, key = _pin(chance), _pan(chance), _tdes_key(chance)
    places = [*"0123456789", *chance.sample("0123456789", 6)]
    chance.shuffle(places)
    table, start = "".join(places), len(pan.digits) - 16
    first = digits[:4].decode()
    expected = oracle(pin.generate_ibm3624_offset, key, table, first, pan.digits, start, 16, "F")
    return bool(expected == ibm3624_offset(Pin(digits), pan, Key(key), table))


def retail_mac(chance: Chance) -> bool:
    """X9.19 with padding 1, over 0 to 300 bytes."""
    key, message = _tdes_key(chance, 16), chance.randbytes(chance.randint(0, 300))
    expected = oracle(psec_mac.generate_retail_mac, key[:8], key[8:], message, _RETAIL_PADDING)
    return bool(expected == mac(MacAlgorithm.X9_19, Key(key), message))


def aes_cmac(chance: Chance) -> bool:
    """AES-CMAC, over 0 to 300 bytes."""
    key, message = _aes_key(chance), chance.randbytes(chance.randint(0, 300))
    return _second_cmac(key, message)[:MAC_BYTES] == mac(MacAlgorithm.AES_CMAC, Key(key), message)


def tdes_check_value(chance: Chance) -> bool:
    """The check value of a TDES key."""
    key = _tdes_key(chance)
    expected = oracle(des.generate_kcv, key, 3).hex().upper()
    return bool(expected == key_check_value(Key(key), TDES))


def aes_check_value(chance: Chance) -> bool:
    """The CMAC check value of an AES key."""
    key = _aes_key(chance)
    return _second_cmac(key, bytes(16))[:3].hex().upper() == key_check_value(Key(key), AES)


def tr31_b(chance: Chance) -> bool:
    """Version B: ours unwrapped there, theirs here."""
    key, kbpk = sorted((_tdes_key(chance), _tdes_key(chance)), key=len)
    return _both_ways(chance, TDES, kbpk, TDES, key)


def tr31_d(chance: Chance) -> bool:
    """Version D: ours unwrapped there, theirs here, keys of AES and of TDES."""
    key, kbpk = sorted((_aes_key(chance), _aes_key(chance)), key=len)
    inner = chance.choice((TDES, AES))
    return _both_ways(chance, AES, kbpk, inner, key if inner == AES else _tdes_key(chance))


CASES: dict[str, Case] = {
    "TDES ECB": tdes_ecb,
    "PIN block, ISO format 0": iso_0,
    "PIN block, ISO format 3": iso_3,
    "PIN block, ISO format 4": iso_4,
    "Visa PVV": pvv,
    "IBM 3624 offset": ibm_3624,
    "X9.19 retail MAC": retail_mac,
    "AES-CMAC": aes_cmac,
    "check value, TDES": tdes_check_value,
    "check value, AES": aes_check_value,
    "key block, TR-31 B": tr31_b,
    "key block, TR-31 D": tr31_d,
}
"""Cases by what the table calls them."""


def _both_ways(chance: Chance, algorithm: str, kbpk: bytes, inner: str, key: bytes) -> bool:
    block = KeyBlock("P0", inner, chance.choice("BDEN"), "00", chance.choice("ENS"), Key(key))
    masks = chance.random() < 0.5
    ours = wrap(Key(kbpk), block, chance.randbytes, kbpk_algorithm=algorithm, masks_length=masks)
    header, there = oracle(tr31.unwrap, kbpk, ours) or (None, None)
    theirs = oracle(tr31.wrap, kbpk, str(header), key)
    here = unwrap(Key(kbpk), theirs, kbpk_algorithm=algorithm)
    is_same = (here.usage, here.algorithm, here.mode) == (block.usage, inner, block.mode)
    return is_same and there == key == here.key.reveal()


def _second_cmac(key: bytes, message: bytes) -> bytes:
    """RFC 4493 over psec's AES: the last block masked by a subkey, then plain CBC-MAC."""
    subkey = _doubled(oracle(aes.encrypt_aes_ecb, key, bytes(16)))
    if not message or len(message) % 16:
        subkey = _doubled(subkey)
        message = (message + b"\x80").ljust(16 * (len(message) // 16 + 1), b"\x00")
    last = bytes(a ^ b for a, b in zip(message[-16:], subkey, strict=True))
    whole = message[:-16] + last
    algorithm = psec_mac.Algorithm.AES
    return bytes(oracle(psec_mac.generate_cbc_mac, key, whole, _CBC_PADDING, 16, algorithm))


def _doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    return ((number ^ 0x87 if number >> 128 else number) & (1 << 128) - 1).to_bytes(16, "big")


def _is_same(found: Pin | None, expected: str | None) -> bool:
    return (None if found is None else found.reveal()) == (
        None if expected is None else expected.encode()
    )


def _pin(chance: Chance) -> bytes:
    return bytes(chance.choices(b"0123456789", k=chance.randint(4, 12)))


def _pan(chance: Chance) -> Pan:
    body = "999009" + "".join(chance.choices("0123456789", k=chance.randint(9, 12)))
    return Pan(body + luhn_digit(body))


def _aes_key(chance: Chance) -> bytes:
    return chance.randbytes(chance.choice(KEY_BYTES[AES]))


def _tdes_key(chance: Chance, size: int = 0) -> bytes:
    """Draw a TDES key; equal parts come up once in 2**56 draws, and never with these seeds."""
    return chance.randbytes(size or chance.choice(KEY_BYTES[TDES]))
