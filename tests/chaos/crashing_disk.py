"""The bench's neighbours with a real journal, and a crash at any write.

Plan: registry, ledger, HSM and keys stay in memory; what the journal answers comes from a
real SQLite file, written by the product's own batches, one question a commit.  A crash is
armed with the number of the write it strikes at, before or after that write is made; from
then on nothing is answered, as by a process that is gone.
Why no thread: the same steps must come in the same order from the same seed.
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from atm_switch.adapters.journal_batch import Ink, write_batch
from atm_switch.adapters.journal_chain import AuditChain, JournalChain
from atm_switch.adapters.journal_heads import settle_heads
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.schema import open_writer
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import FindRepeat
from tests.doubles.memory import CountedEntropy, Memory

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system of its own, none of its files outlives us


def quick_folder() -> str | None:
    """Where files cost no disk, if there is such a place: here crashes are ours, not the disk's."""
    return str(IN_MEMORY) if IN_MEMORY.is_dir() else None


_TOLD = "SELECT ref FROM outbox WHERE source = 'transaction' ORDER BY seq"


class Crashed(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True)
class Strike:
    """At which write of a request the process dies, and whether that write was made."""

    write: int
    is_made: bool


@dataclass
class Disk(Memory):
    """Neighbours whose journal outlives the switch."""

    clock: Callable[[], datetime] = field(kw_only=True)
    strike: Strike | None = None
    fatal: tuple[type, ...] = ()
    """The kinds of write that count for the strike."""
    writes: int = 0
    """How many of them came since it was armed."""

    def __post_init__(self) -> None:
        """Lay a fresh journal out."""
        self._open = ExitStack()
        root = tempfile.TemporaryDirectory(prefix="core-", dir=quick_folder())
        self._root = self._open.enter_context(root)
        self.path = Path(self._root) / "journal.db"
        shutil.copy(_empty_journal(), self.path)
        self.chains = JournalChain(self.vault), AuditChain(self.vault)
        self.attach()
        settle_heads(self._connection, *self.chains)

    def attach(self) -> None:
        """Open the file as a start does."""
        self._connection = open_writer(self.path, "journal")
        self.reader = JournalReader(self.path)
        self.strike = None

    def detach(self) -> None:
        """Lose the process, not the file."""
        self.reader.close()
        self._connection.close()

    def told_endings(self) -> list[int]:
        """Return the rows that a transaction event stands for, in its order."""
        return [ref for (ref,) in self._connection.execute(_TOLD)]

    def remove(self) -> None:
        """Throw the file away."""
        self.detach()
        self._open.close()

    def answer(self, question: Any) -> Any:
        """Answer one question, unless the process dies at it."""
        if self.strike is None or not isinstance(question, self.fatal):
            return super().answer(question)
        at, self.writes = self.writes, self.writes + 1
        if at < self.strike.write:
            return super().answer(question)
        if self.strike.is_made:
            super().answer(question)
        raise Crashed

    def arm(self, strike: Strike, *fatal: type) -> None:
        """Die at a write of these kinds, counted from now."""
        self.strike, self.fatal, self.writes = strike, fatal, 0

    def _written(self, question: Any) -> Any:
        ink = Ink(self.vault, *self.chains, self.clock, _NONCES)
        return write_batch(self._connection, ink, [question])[0]

    _Reserve = _Commit = _KeepRecord = _KeepCommand = _KeepBusinessDate = _written
    _Untold = _ToldAgain = _written

    def _FindRepeat(self, question: FindRepeat) -> Any:  # noqa: N802
        return self.reader.find_repeat(question, self.vault)


_NONCES = CountedEntropy()


@cache
def _empty_journal() -> Path:
    """Migrate once and copy often."""
    _KEPT.append(tempfile.TemporaryDirectory(prefix="core-", dir=quick_folder()))
    path = Path(_KEPT[0].name) / "journal.db"
    open_writer(path, "journal").close()
    return path


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def disk_of(bench_memory: Memory, vault: Vault, clock: Callable[[], datetime]) -> Disk:
    """Give a bench's neighbours a real journal."""
    return Disk(
        vault,
        cards=bench_memory.cards,
        persons=bench_memory.persons,
        histories=bench_memory.histories,
        clock=clock,
    )
