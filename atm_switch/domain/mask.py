"""What may be shown of a number or a name (PCI DSS 4.0.1 req 3.4.1; domain.md 8).

Every mask fails closed: a value of unexpected shape comes back as stars only.
"""

import re

_STAR = "*"
_PAN = re.compile(r"[0-9]{13,19}")
_KPJ = re.compile(r"[0-9]{11}")

_LONG_NUMBERS = re.compile(r"[0-9]{11,}|[0-9A-Fa-f]{16,}")
"""From a KPJ's eleven digits and a PIN block's sixteen hexadecimal digits upwards."""


def mask_pan(pan: str) -> str:
    """Show the first six and last four digits, stars between: ``999009******0012``."""
    if not _PAN.fullmatch(pan):
        return _STAR * len(pan)
    return pan[:6] + _STAR * (len(pan) - 10) + pan[-4:]


def mask_kpj(kpj: str) -> str:
    """Show the last four digits of a KPJ: ``*******8901``."""
    if not _KPJ.fullmatch(kpj):
        return _STAR * len(kpj)
    return _STAR * 7 + kpj[-4:]


def mask_nik(nik: str) -> str:
    """Show the first two and last two digits of a NIK."""
    if not re.fullmatch(r"[0-9]{16}", nik):
        return _STAR * len(nik)
    return nik[:2] + _STAR * 12 + nik[-2:]


def mask_name(name: str) -> str:
    """Show two letters of the first word and three of the others: ``BU** SAN****``.

    A word too short to hide anything behind those letters keeps its first letter only.
    """
    words = name.split()
    return " ".join(_mask_word(word, 2 if at == 0 else 3) for at, word in enumerate(words))


def mask_long_numbers(text: str) -> str:
    """Star whatever in a sentence may be a PAN, KPJ, NIK, track, PIN block or key.

    For what people typed in the wrong place and an error would quote.
    """
    return _LONG_NUMBERS.sub(lambda found: _STAR * len(found[0]), text)


def _mask_word(word: str, shown: int) -> str:
    kept = shown if len(word) > shown else min(1, len(word) - 1)
    return word[:kept] + _STAR * (len(word) - kept)
