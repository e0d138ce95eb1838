"""DE54, additional amounts: entries of twenty characters (ISO 8583:1987, element 54).

Account type 2, amount type 2, currency 3, sign C or D, amount 12 in minor units.
"""

import re
from functools import lru_cache

from atm_switch.domain.value import value

ENTRY_LENGTH = 20
DIGITS = 12
KINDS_KEPT = 64
AMOUNT_MAX = 999_999_999_999
"""The greatest amount of twelve digits; greater ones are left out of DE54."""
_TOO_LONG = "an amount of DE54 has at most twelve digits"


@value
class AdditionalAmount:
    """One entry; ``minor`` is signed and counts the profile's minor unit."""

    account_type: str
    amount_type: str
    currency: str
    minor: int

    def __post_init__(self) -> None:
        """Let no entry exist that could not be written."""
        if abs(self.minor) > AMOUNT_MAX:
            raise ValueError(_TOO_LONG)

    def text(self) -> str:
        """Write the entry; a credit is C, an amount below zero D."""
        return write_amount(self.minor, self.account_type, (self.amount_type,), self.currency)


def write_amount(
    minor: int, account_type: str, amount_types: tuple[str, ...], currency: str
) -> str:
    """Write an entry of the same amount for each of ``amount_types``.

    Raises ``ValueError`` for an amount of more than twelve digits.
    """
    digits = f"{abs(minor)}"
    if len(digits) > DIGITS:
        raise ValueError(_TOO_LONG)
    amount = f"{currency}{'D' if minor < 0 else 'C'}{digits.zfill(DIGITS)}"
    return amount.join(_kinds(account_type, amount_types))


@lru_cache(KINDS_KEPT)
def _kinds(account_type: str, amount_types: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stands before each amount, and nothing behind the last."""
    return (*[account_type + amount_type for amount_type in amount_types], "")


def read_amounts(text: str) -> tuple[AdditionalAmount, ...]:
    """Read DE54.  Raises ``ValueError`` for what is not whole entries."""
    if not re.fullmatch(r"([0-9]{7}[CD][0-9]{12})+", text, re.ASCII):
        message = "DE54 is not made of entries of twenty characters"
        raise ValueError(message)
    entries = [text[at : at + ENTRY_LENGTH] for at in range(0, len(text), ENTRY_LENGTH)]
    return tuple(
        AdditionalAmount(
            entry[:2], entry[2:4], entry[4:7], int(entry[8:]) * (-1 if entry[7] == "D" else 1)
        )
        for entry in entries
    )


def write_amounts(entries: tuple[AdditionalAmount, ...]) -> str:
    """Write DE54."""
    return "".join(entry.text() for entry in entries)
