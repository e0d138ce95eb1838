"""The card: PAN, expiry, track 2.  None of them prints more than a mask."""

import re
from dataclasses import field
from typing import NoReturn

from atm_switch.domain.mask import mask_pan
from atm_switch.domain.value import value

_EXPIRY = re.compile(r"[0-9]{2}(0[1-9]|1[0-2])")
_TRACK_2 = re.compile(r"[0-9]{13,19}[=D][0-9]{7,}")

_ZERO = ord("0")
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
"""Each digit to the digits of its double, added up."""


def luhn_is_right(digits: str) -> bool:
    """Check the Luhn digit (ISO/IEC 7812-1 annex B) of ASCII digits."""
    octets = digits.encode("ascii")
    total = sum(octets[-1::-2]) + sum(octets[-2::-2].translate(_DOUBLED))
    return (total - _ZERO * len(octets)) % 10 == 0


def luhn_digit(body: str) -> str:
    """Return the check digit that makes ``body`` plus it pass the Luhn test."""
    return next(digit for digit in "0123456789" if luhn_is_right(body + digit))


@value(repr=False)
class Pan:
    """A primary account number of 16 to 19 digits with a right Luhn digit.

    Raises ``ValueError`` (which does not quote the digits) for anything else.
    """

    digits: str

    def __post_init__(self) -> None:
        """Let no impossible PAN exist."""
        digits = self.digits
        if not (16 <= len(digits) <= 19 and digits.isascii() and digits.isdecimal()):
            message = "a PAN has 16 to 19 digits"
            raise ValueError(message)
        if not luhn_is_right(digits):
            message = "the PAN's check digit is wrong"
            raise ValueError(message)

    @property
    def masked(self) -> str:
        """First six, stars, last four."""
        return mask_pan(self.digits)

    def __repr__(self) -> str:
        """Show the mask only."""
        return f"Pan({self.masked})"

    def __str__(self) -> str:
        """Show the mask only."""
        return self.masked

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a PAN does not leave the process but on the wire."""
        message = "a Pan cannot be serialised"
        raise TypeError(message)


@value(order=True)
class Expiry:
    """The last month a card is good, as on the card and in DE14: ``YYMM``.

    Raises ``ValueError`` for a month that does not exist.
    """

    yymm: str

    def __post_init__(self) -> None:
        """Let no impossible month exist."""
        if not _EXPIRY.fullmatch(self.yymm):
            message = "an expiry is YYMM with a month from 01 to 12"
            raise ValueError(message)

    def is_past(self, year: int, month: int) -> bool:
        """Tell whether the card is past its last month in ``year`` and ``month``.

        The century is the one nearest to ``year``: cards live less than fifty years.
        """
        full = year - (year - int(self.yymm[:2]) + 50) % 100 + 50
        return (full, int(self.yymm[2:])) < (year, month)


@value(repr=False)
class Track2:
    """DE35: PAN, separator, expiry, service code, discretionary data (ISO/IEC 7813).

    Read only to be compared with DE2 and DE14, then dropped; raises ``ValueError``.
    """

    text: str = field()

    def __post_init__(self) -> None:
        """Let no impossible track exist."""
        if not _TRACK_2.fullmatch(self.text):
            message = "track 2 is PAN, separator, expiry, service code, data"
            raise ValueError(message)

    @property
    def pan_digits(self) -> str:
        """The digits before the separator."""
        return re.split("[=D]", self.text, maxsplit=1)[0]

    @property
    def expiry_yymm(self) -> str:
        """The four digits after the separator."""
        return re.split("[=D]", self.text, maxsplit=1)[1][:4]

    def __repr__(self) -> str:
        """Show nothing."""
        return "<Track2>"
