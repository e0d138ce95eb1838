"""What a connection keeps of a file in memory: little, but where members are looked up.

``PRAGMA cache_size`` counts KiB below zero: https://sqlite.org/pragma.html#pragma_cache_size.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.file_reader import FileReader
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.doubles.journal_bench import JournalBench

READERS: dict[str, Callable[[Path], FileReader]] = {
    "journal": JournalReader, "audit": AuditReader, "outbox": lambda path: OutboxReader(path, "s"),
}  # fmt: skip


@pytest.mark.parametrize("make", READERS.values(), ids=READERS)
def test_backlog_does_not_stay_in_memory(
    tmp_path: Path, make: Callable[[Path], FileReader]
) -> None:
    """Of a journal's file, its rows, audit or events, a quarter of a MiB, however much is read."""
    with JournalBench(tmp_path / "journal.db") as bench, make(bench.path) as reader:
        ((kept,),) = reader._select("PRAGMA cache_size")

    assert -256 == kept


@pytest.mark.parametrize("make", [SqliteLedger, SqliteRegistry])
def test_upper_levels_of_ten_million_members_stay_in_memory(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    """A look-up finds them there: of a ledger and of a registry of its own, 64 MiB."""
    SqliteStore(tmp_path / "ledger.db").close()
    looking = make(tmp_path / "ledger.db")
    try:
        reads = looking.reads if isinstance(looking, SqliteLedger) else looking._reads
        assert [(-65_536,)] == reads.rows("PRAGMA cache_size", ())
    finally:
        looking.close()
