"""How far an import is, told now and then to whoever shows it.

Limits: bytes are counted while files are read; checking and booking tell only that they
began, for the database does them in a few statements.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique


@unique
class Phase(Enum):
    """What an import is at; the value is the word a person reads."""

    READING = "reading"
    CHECKING = "checking"
    BOOKING = "booking"


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows read, bytes of all files together, and how many rows an earlier try had read."""

    rows: int
    bytes_done: int
    bytes_total: int
    phase: Phase = Phase.READING
    resumed: int = 0


@dataclass(slots=True)
class Meter:
    """Counts rows and bytes and tells ``report``."""

    bytes_total: int
    report: Callable[[Progress], None] | None
    phase: Phase = Phase.READING
    resumed: int = 0
    _rows: int = 0
    _bytes: int = 0

    def count(self, rows: int, size: int) -> None:
        """Count what was read, ``size`` bytes, and tell."""
        self._rows += rows
        self._bytes += size
        self.tell()

    def resume(self, rows: int, size: int) -> None:
        """Count what an earlier try had read, and tell."""
        self.resumed += rows
        self.count(rows, size)

    def enter(self, phase: Phase) -> None:
        """Begin a phase, and tell."""
        self.phase = phase
        self.tell()

    def tell(self) -> None:
        """Report now."""
        if self.report is not None:
            self.report(
                Progress(self._rows, self._bytes, self.bytes_total, self.phase, self.resumed)
            )
