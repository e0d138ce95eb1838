"""What may be shown of a number or a name (PCI DSS 4.0.1 req 3.4.1; domain.md 8).

Every mask fails closed: a value of unexpected shape comes back as stars only.
"""

import re

_STAR = "*"
_STARS = 19 * _STAR
_LONG_NUMBERS = re.compile(r"[0-9]{11,}|[0-9A-Fa-f]{16,}")
"""From a KPJ's eleven digits and a PIN block's sixteen hexadecimal digits upwards."""


def _are_digits(text: str) -> bool:
    return text.isdecimal() and text.isascii()


def mask_pan(pan: str) -> str:
    """Show the first six and last four digits, stars between: ``999009******0012``."""
    size = len(pan)
    if not 13 <= size <= 19 or not _are_digits(pan):
        return _STAR * size
    return f"{pan[:6]}{_STARS[10:size]}{pan[-4:]}"


def mask_kpj(kpj: str) -> str:
    """Show the last four digits of a KPJ: ``*******8901``."""
    if len(kpj) != 11 or not _are_digits(kpj):
        return _STAR * len(kpj)
    return "*******" + kpj[-4:]


def mask_nik(nik: str) -> str:
    """Show the first two and last two digits of a NIK."""
    if not re.fullmatch(r"[0-9]{16}", nik):
        return _STAR * len(nik)
    return nik[:2] + _STAR * 12 + nik[-2:]


def mask_name(name: str) -> str:
    """Show two letters of the first word and three of the others: ``BU** SAN****``.

    A word too short to hide anything behind those letters keeps its first letter only.
    """
    shown, words = 2, []
    for word in name.split():
        size = len(word)
        kept = shown if size > shown else min(1, size - 1)
        words.append(word[:kept] + _STAR * (size - kept))
        shown = 3
    return " ".join(words)


def mask_long_numbers(text: str) -> str:
    """Star whatever in a sentence may be a PAN, KPJ, NIK, track, PIN block or key.

    For what people typed in the wrong place and an error would quote.
    """
    return _LONG_NUMBERS.sub(lambda found: _STAR * len(found[0]), text)
