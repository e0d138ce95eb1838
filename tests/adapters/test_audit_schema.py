"""The audit comes into a journal's file once, defends itself, and is missed when taken out."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_verify import verify_journal
from atm_switch.adapters.schema import migrate, migrations_of, open_writer
from atm_switch.domain.errors import Refused
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, KeepRecord
from tests.doubles.audit_bench import record_of
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of

VECTORS = Path(__file__).parents[1] / "vectors"
WIPE = (
    "DROP TRIGGER audit_head_is_not_deleted",
    "DROP TRIGGER audit_rows_are_not_deleted",
    "DELETE FROM audit_rows",
    "DELETE FROM audit_head",
)
DOWNGRADE = ("DROP TABLE audit_rows", "DROP TABLE audit_head", "PRAGMA user_version = 1")
COPY = "INSERT INTO audit_rows SELECT {}, actor, subject, detail, chain FROM audit_rows LIMIT 1"
BEHEAD = ("DELETE FROM journal_head",)


def run(path: Path, statements: Sequence[str]) -> None:
    """Work on a file by hand."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
def first(tmp_path: Path) -> JournalBench:
    """Give a journal that the first release wrote: two inquiries and one in doubt."""
    document = json.loads((VECTORS / "first_release_vault.json").read_text())
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, migrations_of("journal")[:1], path.name)
        connection.executescript((VECTORS / "first_release_journal.sql").read_text())
    return JournalBench(path, vault=Vault.from_document(document))


def test_first_release_journal_still_verifies(first: JournalBench) -> None:
    """
    Rows, links and head of the first release are sound as they lie there.
    """
    with JournalReader(first.path) as reader:
        found = reader.verify(first.vault)

    assert (4, (), (3,)) == (found.rows, found.findings, found.in_doubt)


def test_first_release_journal_gets_an_audit(first: JournalBench) -> None:
    """
    Brought up to date it goes on where it was, and the audit begins; both verify.
    """
    open_writer(first.path, "journal", migrates=True).close()
    with first:
        first.ask(Commit(entry_of(9), ending_of(), None))
        first.ask(KeepRecord(record_of(1)))

    with JournalReader(first.path) as reader, AuditReader(first.path) as audit:
        found, told = reader.verify(first.vault), audit.verify(first.vault)

    assert (5, ()) == (found.rows, found.findings)
    assert (1, ()) == (told.rows, told.findings)


def test_audit_of_older_file_is_not_there(first: JournalBench) -> None:
    """
    Before it is brought up to date a file has no audit, which is said and never "sound".
    """
    with pytest.raises(Refused, match="no audit"):
        AuditReader(first.path)


def test_audit_of_the_first_schema_that_has_one_is_read(tmp_path: Path) -> None:
    """
    A file that was brought to schema 2 and no further has an audit, if an empty one.
    """
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as connection:
        migrate(connection, migrations_of("journal")[:2], "a journal of schema 2")

    with AuditReader(tmp_path / "journal.db") as reader:
        assert () == reader.tail(10)


def test_opening_brings_nothing_twice(first: JournalBench) -> None:
    """
    A second start finds both heads settled and changes no byte of them.
    """
    open_writer(first.path, "journal", migrates=True).close()
    with first:
        pass
    heads = "SELECT * FROM journal_head UNION ALL SELECT * FROM audit_head"
    with closing(sqlite3.connect(first.path)) as connection:
        before = connection.execute(heads).fetchall()

        with JournalBench(first.path, vault=first.vault):
            pass

        assert before == connection.execute(heads).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_rows SET detail = 'x'",
        "DELETE FROM audit_rows WHERE seq = 2",
        "INSERT OR REPLACE INTO audit_rows SELECT * FROM audit_rows WHERE seq = 1",
        COPY.format("4, at, kind"),
        COPY.format("3, at, 'gossip'"),
        "DELETE FROM audit_head",
    ],
    ids=["change", "delete", "replace", "leave a gap", "unknown kind", "behead"],
)
def test_audit_schema_refuses_changes(tmp_path: Path, statement: str) -> None:
    """
    Plain SQL can neither change nor delete nor replace a row, leave a gap, or behead it.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2):
            bench.ask(KeepRecord(record_of(number)))

    with (
        closing(sqlite3.connect(bench.path)) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statements", "inquiries"),
    [(WIPE, 1), (WIPE, 0), (DOWNGRADE, 1), (DOWNGRADE, 0), ((*WIPE, *BEHEAD), 1)],
    ids=["wiped", "wiped before any row", "downgraded", "downgraded before any row", "beheaded"],
)
def test_audit_taken_out_is_not_begun_anew(
    tmp_path: Path, statements: Sequence[str], inquiries: int
) -> None:
    """
    An audit taken out as a whole is missed, also where the file looks like one of an older release
    and is brought up to date: no writer starts, so none makes it look new.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(inquiries):
            bench.ask(Commit(entry_of(number), ending_of(), None))
        bench.ask(KeepRecord(record_of(1)))
    run(bench.path, statements)
    open_writer(bench.path, "journal", migrates=True).close()

    with pytest.raises(Refused, match="audit"), JournalBench(bench.path, vault=bench.vault):
        pass


def test_audit_of_changed_head_stops_the_start(tmp_path: Path) -> None:
    """
    A writer does not start behind an audit's head that nobody with the keys wrote.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(record_of(1)))
    run(bench.path, ("UPDATE audit_head SET seq = 0, chain = zeroblob(32)",))

    with pytest.raises(Refused, match="audit verify"), JournalBench(bench.path, vault=bench.vault):
        pass


def test_journal_reads_alike_with_an_audit(tmp_path: Path) -> None:
    """
    Records leave no row, no gap and no finding in the journal.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2, 3):
            bench.ask(Commit(entry_of(number), ending_of(), None))
            bench.ask(KeepRecord(record_of(number)))

    with closing(sqlite3.connect(bench.path, isolation_level=None)) as connection:
        found = verify_journal(connection, bench.vault)

    assert (3, 3, ()) == (found.rows, found.head.seq, found.findings)
