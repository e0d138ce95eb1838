"""A sound question of each kind that an answer waits for, to try a journal with.

Why: a journal that takes no row at all blames the row it was given, like one that was given a
row it can never take.  One that takes a row known to be sound is well.
Limits: for trials, which are undone; of other kinds there is none, and the row is believed at
fault.
"""

from datetime import datetime
from typing import Any, Final

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.member import CardRef
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    Ending,
    JournalEntry,
    KeepBusinessDate,
    KeepCommand,
    KeepRecord,
    RepeatKey,
    Reserve,
)

_KEY: Final = RepeatKey("0", "SAMPLE", "0101000000", "000000", "000000000000")
_CARD: Final = CardRef("sample", bytes(32))
_ENDING: Final = Ending(Outcome.APPROVED, "00", "", "", "J00001000000", 0, b"sample", True)  # noqa: FBT003


def sound_question(kind: type[Any], now: datetime) -> Any | None:
    """Return a question of a kind which any sound journal takes; ``None`` for other kinds.

    ``now`` is in UTC.
    """
    if kind is KeepRecord:
        return KeepRecord(AuditRecord("command", "switch", "journal", "sample"))
    if kind is KeepBusinessDate:
        return KeepBusinessDate(AcquirerId("0"), now.date())
    if kind is KeepCommand:
        return KeepCommand(AcquirerId("0"), "sample", now)
    entry = JournalEntry(
        received_at=now,
        key=_KEY,
        fingerprint=bytes(32),
        mti="0200",
        processing_code="310000",
        channel="6011",
        business_date=now.date(),
        peer="127.0.0.1:1",
        pan_masked="",
        card=_CARD,
    )
    if kind is Reserve:
        return Reserve(entry, 1, unless_since=now, begun_since=now)
    if kind in (Commit, tuple):  # a draft is one, too
        return Commit(entry, _ENDING, None, now)
    return None
