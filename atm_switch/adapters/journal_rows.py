"""The journal's rows as values, the way into their columns and the way back.

Plan: ``JournalRow`` has one attribute for each column of ``journal_rows``, same name,
same order, so that one generic reader and one generic writer serve them all.
Limits: a row holds what the entry holds: masks and keyed hashes, no PAN and no PIN.
"""

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

RECEIVED: Final = "A"
"""The kind of a row written before the PIN was looked at."""
ENDED: Final = "B"
"""The kind of a row written before the response left."""

ROWS_MAX: Final = 1000
"""How many rows a reader is given at once who says nothing of it."""

Cell = str | int | bytes | None
"""What one column holds."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """Count microseconds since 1970 UTC, exactly.  ``ValueError`` for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a time in the journal has a zone")
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Turn a count of microseconds since 1970 back into a time in UTC."""
    return _EPOCH + count * _MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One row of the journal; what only an A or only a B has is ``None`` in the other.

    Times are microseconds since 1970 UTC.  ``ref`` is the sequence of a B's A.
    ``response`` is the sealed 0210, ``chain`` the link to all rows before.
    """

    seq: int
    kind: str
    ref: int | None = None
    received_at: int
    written_at: int
    acquirer: str
    terminal: str
    stamp: str
    stan: str
    rrn: str
    fingerprint: bytes = field(repr=False)
    mti: str
    processing_code: str
    channel: str
    business_date: str
    peer: str
    pan_masked: str
    card_key_id: str | None = None
    card_digest: bytes | None = field(default=None, repr=False)
    pin_tries: int | None = None
    pin_granted: int | None = None
    outcome: str | None = None
    response_code: str | None = None
    reason: str | None = None
    kpj_masked: str | None = None
    host_reference: str | None = None
    elapsed_us: int | None = None
    resets_tries: int | None = None
    response: bytes | None = field(default=None, repr=False)
    chain: bytes = field(default=b"", repr=False)

    @property
    def received(self) -> datetime:
        """When the request came in, UTC."""
        return from_microseconds(self.received_at)

    @property
    def is_reservation(self) -> bool:
        """Whether this is an A."""
        return self.kind == RECEIVED


COLUMNS: Final = tuple(one.name for one in fields(JournalRow))
"""The columns of ``journal_rows``, in the order of ``JournalRow``."""
COLUMN_LIST: Final = ", ".join(COLUMNS)
"""The same for a SELECT or an INSERT."""

_values_of = attrgetter(*COLUMNS)


def cells_of(row: JournalRow) -> tuple[Cell, ...]:
    """Return the row's columns in the order of ``COLUMNS``."""
    cells: tuple[Cell, ...] = _values_of(row)
    return cells


def row_from(cells: tuple[object, ...]) -> JournalRow:
    """Make a row of the columns a SELECT of ``COLUMN_LIST`` gave."""
    named: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
    return JournalRow(**named)
