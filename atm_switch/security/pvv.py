"""The Visa PIN verification value: four digits that prove a PIN without holding it.

    block   A A A A A A A A A A A K P P P P     11 PAN digits less the check digit,
                                                 PVKI, leftmost four digits of the PIN
    cipher  TDES of the block under the PVK
    value   the cipher's decimal digits from the left; where there are fewer than four,
            a second scan takes the letters, each less ten

Limits: only the first four digits of the PIN count, whatever its length; of a PIN of six
digits, as BNI's are, the last two are not verified.  That is the Visa method itself.
Why a plain scan: it is what every HSM does (IBM z/OS ICSF, PVV generation algorithm).
"""

import hmac
import re

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.security import tdes
from atm_switch.security.pin_block import pin_digits

PVV_DIGITS = 4

_DIGITS_ONLY = str.maketrans("", "", "abcdef")
_LETTERS_AS_DIGITS = str.maketrans("abcdef", "012345", "0123456789")


def visa_pvv(pin: Pin, pan: Pan, pvki: str, pvk: Key) -> str:
    """Compute the four digits of ``pin`` for the card under the key ``pvk``.

    ``pvki`` is the key's index, one digit.  Raises ``ValueError``, without digits, for an
    impossible PIN or index or an unusable key.
    """
    if not re.fullmatch(r"[0-9]", pvki):
        message = "a PVKI is one digit"
        raise ValueError(message)
    block = bytearray.fromhex(pan.digits[-12:-1] + pvki + "0000")
    digits = pin_digits(pin)
    try:
        for place in range(PVV_DIGITS):
            nibble = digits[place] & 0xF
            block[6 + place // 2] |= nibble if place % 2 else nibble << 4
        return _decimalise(tdes.encrypt(pvk, block).hex())
    finally:
        tdes.wipe_buffer(block)


def pvv_matches(pin: Pin, pan: Pan, pvki: str, pvk: Key, expected: str) -> bool:
    """Tell, in constant time, whether ``expected`` is the PIN's verification value.

    Raises as ``visa_pvv`` does.
    """
    computed = visa_pvv(pin, pan, pvki, pvk)
    return hmac.compare_digest(computed.encode(), expected.encode())


def _decimalise(cipher: str) -> str:
    # By table, so that the time does not depend on how many letters there are.
    return (cipher.translate(_DIGITS_ONLY) + cipher.translate(_LETTERS_AS_DIGITS))[:PVV_DIGITS]
