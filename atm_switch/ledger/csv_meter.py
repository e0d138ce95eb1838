"""How far an import is, told now and then to whoever shows it.

Limits: bytes are counted while files are read; checking and booking are passes of the database
over the rows of a kind (``csv_passes.py``), of which only the end can be told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atm_switch.ledger.csv_passes import Pass, Phase


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows read, bytes of all files together, and how many rows an earlier try had read.

    ``passes`` are those of checking and booking, none while reading; the last ends with the
    commit.
    """

    rows: int
    bytes_done: int
    bytes_total: int
    phase: Phase = Phase.READING
    resumed: int = 0
    passes_done: int = 0
    passes: tuple[Pass, ...] = ()


@dataclass(slots=True)
class Meter:
    """Counts rows and bytes and tells ``report``."""

    bytes_total: int
    report: Callable[[Progress], None] | None
    resumed: int = 0
    _rows: int = 0
    _bytes: int = 0
    _passes_done: int = 0
    _passes: tuple[Pass, ...] = ()

    def count(self, rows: int, size: int) -> None:
        """Count what was read, ``size`` bytes, and tell."""
        self._rows += rows
        self._bytes += size
        self.tell()

    def resume(self, rows: int, size: int) -> None:
        """Count what an earlier try had read, and tell."""
        self.resumed += rows
        self.count(rows, size)

    def plan(self, passes: Sequence[Pass]) -> None:
        """Begin the first of these passes, the last of which is the commit, and tell."""
        self._passes_done, self._passes = 0, tuple(passes)
        self.tell()

    def passed(self) -> None:
        """Count a pass that is done, and tell."""
        self._passes_done = min(self._passes_done + 1, len(self._passes))
        self.tell()

    def tell(self) -> None:
        """Report now."""
        if self.report is None:
            return
        phase = Phase.READING
        if self._passes:
            phase = self._passes[min(self._passes_done, len(self._passes) - 1)].phase
        read = (self._rows, self._bytes, self.bytes_total)
        self.report(Progress(*read, phase, self.resumed, self._passes_done, self._passes))
