"""The IBM 3624 offset: four digits between the PIN a key gives a card and the one chosen.

    validation data   the 16 rightmost digits of the PAN, the check digit among them
    natural PIN       TDES of it under the PVK, as 16 hex digits; the leftmost four, each
                      made decimal by the table
    offset            PIN less natural PIN, digit by digit, without borrowing

Limits: only the first four digits of the PIN count (check length 4, as with the PVV), so
of a PIN of six digits the last two are not verified.  The validation data are assumed: no
public paper says which digits the banks here take, and of a PAN of 16 digits these are all.
Why the table is judged: a table that may be chosen is an oracle; with one that marks a
single digit a PIN falls in about 15 questions (Bond & Zielinski, UCAM-CL-TR-560).  It is
fixed by configuration, and must be balanced: every digit once or twice.
"""

import hmac
import re

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.security import tdes
from atm_switch.security.pin_block import pin_digits

OFFSET_DIGITS = 4
_VALIDATION_DIGITS = 16
_ASCII_ZERO = 0x30


def require_fixed_table(table: str) -> None:
    """Raise ``ValueError`` unless ``table`` is 16 decimal digits, each of ten once or twice.

    Sixteen places for ten digits: six digits stand twice and four once, and no digit
    tells more than that it is one of two.
    """
    if not re.fullmatch(r"[0-9]{16}", table):
        message = "a decimalisation table has 16 digits"
        raise ValueError(message)
    if any(table.count(digit) not in (1, 2) for digit in "0123456789"):
        message = "a decimalisation table has every digit once or twice"
        raise ValueError(message)


def natural_pin(pan: Pan, pvk: Key, table: str) -> Pin:
    """Compute the four digits the key gives the card: its PIN where the offset is 0000.

    The caller wipes them.  Raises ``ValueError`` for an unusable key or table.
    """
    require_fixed_table(table)
    validation = bytes.fromhex(pan.digits[-_VALIDATION_DIGITS:])
    cipher = tdes.encrypt(pvk, validation)
    digits = bytearray(
        ord(table[octet & 0xF if place % 2 else octet >> 4])
        for place, octet in ((place, cipher[place // 2]) for place in range(OFFSET_DIGITS))
    )
    try:
        return Pin(digits)
    finally:
        tdes.wipe_buffer(digits)
        tdes.wipe_buffer(cipher)


def ibm3624_offset(pin: Pin, pan: Pan, pvk: Key, table: str) -> str:
    """Compute the four digits that lead from the natural PIN to ``pin``.

    Raises ``ValueError``, without digits, for an impossible PIN or an unusable key or
    table.
    """
    chosen = pin_digits(pin)
    natural = natural_pin(pan, pvk, table)
    try:
        given = pin_digits(natural)
        return "".join(
            chr(_ASCII_ZERO + (chosen[place] - given[place]) % 10) for place in range(OFFSET_DIGITS)
        )
    finally:
        natural.wipe()


def offset_matches(pin: Pin, pan: Pan, pvk: Key, table: str, expected: str) -> bool:
    """Tell, in constant time, whether ``expected`` is the PIN's offset.

    Raises as ``ibm3624_offset`` does.
    """
    computed = ibm3624_offset(pin, pan, pvk, table)
    return hmac.compare_digest(computed.encode(), expected.encode())
