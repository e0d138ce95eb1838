"""The sample cards that ``atm-switch init --sample`` lays beside the kit.

Plan: read the table of ``DIR/sample/cards.txt``; of each row the number, the DE39 it leads
to and what it shows are kept, the PIN is not: the customer types it.
Limits: no such file, or one of another shape, is an empty deck; numbers can be typed too.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from atm_switch.domain.mask import mask_pan

_ROW = re.compile(r"([0-9]{13,19}) +[0-9]{4} +[0-9]{4,12} +([0-9A-Z]{2}) +(\S.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SampleCard:
    """A card to put in; ``shows`` says what it is good for."""

    pan: str = field(repr=False)
    code: str
    shows: str


def read_deck(kit: Path | None) -> tuple[SampleCard, ...]:
    """Read the sample cards beside a kit; none where there are none."""
    if kit is None:
        return ()
    try:
        text = deck_file(kit).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    rows = (_ROW.fullmatch(line.strip()) for line in text.splitlines())
    return tuple(SampleCard(row[1], row[2], row[3]) for row in rows if row is not None)


def deck_file(kit: Path) -> Path:
    """Tell where the sample cards of a kit, and their PINs, are."""
    return kit.parent / "sample" / "cards.txt"


def short_pan(pan: str) -> str:
    """Tell one card from another at a glance; nothing of a number too short to be masked so."""
    masked = mask_pan(pan)
    return f"{masked[:6]} …{masked[-4:]}" if "*" in masked.strip("*") else masked
