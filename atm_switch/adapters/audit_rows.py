"""The audit's rows as values, and what a record looks like by the time it is one.

Plan: ``AuditRow`` has one attribute for each column of ``audit_rows``, same name, same
order.  Texts are made harmless before they are written: short, one line, nothing a
terminal would act on, and no long number, whoever called.
Limits: a long number is told by its digits alone; one that somebody spelt with blanks
between gets through, so callers mask what they know to be a PAN or a KPJ.
"""

import re
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from atm_switch.adapters.journal_rows import from_microseconds
from atm_switch.switch.ports import AUDIT_KINDS, AuditRecord

TEXT_MAX: Final = 200
"""How many characters actor, subject and detail have at most, each."""

_REPLACEMENT: Final = "?"
_MORE: Final = "…"
_LONG_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]{11,19}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the audit.  ``at`` is microseconds since 1970 UTC, ``chain`` its link."""

    seq: int
    at: int
    kind: str
    actor: str
    subject: str
    detail: str
    chain: bytes = field(default=b"", repr=False)

    @property
    def time(self) -> datetime | None:
        """When it was written, UTC; ``None`` for a time no calendar has."""
        try:
            return from_microseconds(self.at)
        except OverflowError:
            return None


AUDIT_COLUMNS: Final = tuple(one.name for one in fields(AuditRow))
"""The columns of ``audit_rows``, in the order of ``AuditRow``."""
AUDIT_COLUMN_LIST: Final = ", ".join(AUDIT_COLUMNS)
"""The same for a SELECT or an INSERT."""


_TYPES: Final = (int, int, str, str, str, str, bytes)


def audit_row_from(cells: tuple[Any, ...]) -> AuditRow:
    """Make a row of the columns a SELECT of ``AUDIT_COLUMN_LIST`` gave.

    Raises ``ValueError`` for types only a schema that was taken apart can hold.
    """
    if tuple(map(type, cells)) != _TYPES:
        raise ValueError("a cell is not of its column's type")
    return AuditRow(*cells)


def audit_row(seq: int, at: int, record: AuditRecord) -> AuditRow:
    """Make the row of a record, still without its link.

    Raises ``ValueError`` for a kind the audit does not speak of.
    """
    require_known_kind(record)
    return AuditRow(
        seq,
        at,
        record.kind,
        harmless(record.actor),
        harmless(record.subject),
        harmless(record.detail),
    )


def require_known_kind(record: AuditRecord) -> None:
    """Raise ``ValueError`` for a kind that is not in ``AUDIT_KINDS``."""
    if record.kind not in AUDIT_KINDS:
        raise ValueError("the audit does not speak of records of this kind")


def harmless(text: str) -> str:
    """Return ``text`` as it may stand in the audit and on a terminal.

    Control, format and other unprintable characters become ``?``; 11 to 19 digits that
    stand alone (a KPJ, a NIK, a PAN) become stars; beyond ``TEXT_MAX`` it is cut.
    """
    shown = "".join(one if one.isprintable() else _REPLACEMENT for one in text)
    masked = _LONG_NUMBER.sub(lambda found: "*" * len(found[0]), shown)
    return masked if len(masked) <= TEXT_MAX else masked[: TEXT_MAX - 1] + _MORE
