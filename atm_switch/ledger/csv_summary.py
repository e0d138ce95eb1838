"""What an import did, for the person who started it.

Limits: bad rows and warnings are named up to a number; the counts count all of them.
"""

from dataclasses import dataclass, field
from pathlib import Path

from atm_switch.ledger.csv_rejects import BadRow
from atm_switch.ledger.csv_rows import Kind
from atm_switch.ledger.csv_tables import Change


@dataclass(slots=True)
class ImportedFile:
    """What became of one file; ``rows`` are those under the header.

    ``is_repeat``: its content was imported before, so it was not read again.  ``repeats``: of
    postings, the number of the newest such import, 0 for none.  ``import_id``: the number it is
    booked under, 0 where it is not.
    """

    name: str
    kind: Kind
    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    is_repeat: bool = False
    repeats: int = field(default=0, compare=False)
    import_id: int = field(default=0, compare=False)

    def count(self, change: Change, rows: int) -> None:
        """Count what so many rows did."""
        self.added += rows * (change is Change.ADDED)
        self.updated += rows * (change is Change.UPDATED)
        self.unchanged += rows * (change is Change.UNCHANGED)


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did, file by file in the order they were read."""

    files: tuple[ImportedFile, ...]
    rejected: int
    bad_rows: tuple[BadRow, ...]
    """The first of the rejected rows, to be named."""
    rejects_files: tuple[Path, ...]
    warnings: tuple[str, ...]
    """The first of the warnings; ``warning_count`` counts all."""
    warning_count: int
