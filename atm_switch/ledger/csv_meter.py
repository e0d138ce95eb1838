"""How far an import is, told now and then to whoever shows it.

Limits: bytes are counted while files are read; checking and booking are passes of the database
over all rows, a statement or a few each, of which only the end can be told.
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
    """Rows read, bytes of all files together, and how many rows an earlier try had read.

    ``passes_done`` of ``passes`` of a phase that goes over all rows several times; 0 while reading.
    """

    rows: int
    bytes_done: int
    bytes_total: int
    phase: Phase = Phase.READING
    resumed: int = 0
    passes_done: int = 0
    passes: int = 0


@dataclass(slots=True)
class Meter:
    """Counts rows and bytes and tells ``report``."""

    bytes_total: int
    report: Callable[[Progress], None] | None
    phase: Phase = Phase.READING
    resumed: int = 0
    _rows: int = 0
    _bytes: int = 0
    _passes_done: int = 0
    _passes: int = 0

    def count(self, rows: int, size: int) -> None:
        """Count what was read, ``size`` bytes, and tell."""
        self._rows += rows
        self._bytes += size
        self.tell()

    def resume(self, rows: int, size: int) -> None:
        """Count what an earlier try had read, and tell."""
        self.resumed += rows
        self.count(rows, size)

    def enter(self, phase: Phase, passes: int) -> None:
        """Begin a phase of so many passes over all rows, and tell."""
        self.phase, self._passes_done, self._passes = phase, 0, passes
        self.tell()

    def passed(self) -> None:
        """Count a pass that is done, and tell."""
        self._passes_done = min(self._passes_done + 1, self._passes)
        self.tell()

    def finish(self) -> None:
        """End the phase, and tell."""
        self._passes_done = self._passes
        self.tell()

    def tell(self) -> None:
        """Report now."""
        if self.report is not None:
            read = (self._rows, self._bytes, self.bytes_total)
            passes = (self._passes_done, self._passes)
            self.report(Progress(*read, self.phase, self.resumed, *passes))
