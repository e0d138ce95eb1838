"""A command's question to the journal where the journal is not as it should be."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.audit_book import write_record
from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.journal_place import JournalPlace
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.ports import KeepRecord
from tests.doubles.audit_bench import nonce, record_of
from tests.doubles.journal_bench import JournalBench, clock, fresh_vault


def test_journal_without_heads_is_unavailable(tmp_path: Path) -> None:
    """
    A file whose head of the audit was dropped is told as one that cannot be opened.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(record_of(1)))
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("DROP TABLE audit_head")

    with pytest.raises(JournalUnavailable, match="cannot be opened: SQLITE_ERROR"):
        write_record(JournalPlace(bench.path), bench.vault, clock, nonce, record_of(2))

    with AuditReader(bench.path) as reader:
        assert 1 == reader.last_sequence()


def test_journal_elsewhere_is_asked_where_its_address_says(tmp_path: Path) -> None:
    """
    A command's record goes to PostgreSQL, not to a file beside it: refused where none listens.
    """
    place = JournalPlace(tmp_path / "journal.db", "postgresql://nobody@127.0.0.1:1/none", "one")

    with pytest.raises(Refused, match="PostgreSQL cannot be reached"):
        write_record(place, fresh_vault(), clock, nonce, record_of(1))

    assert not place.path.exists()
