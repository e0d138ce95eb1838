"""The writer keeps audit records: durable, in order, harmless, and no others beside them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from atm_switch.adapters.audit_book import ask_journal, write_record
from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.audit_rows import TEXT_MAX, AuditRow
from atm_switch.adapters.journal_batch import Unblock
from atm_switch.adapters.journal_place import JournalPlace
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.ports import AUDIT_KINDS, AuditRecord, Commit, KeepRecord, Reserve
from tests.doubles.audit_bench import nonce, record_of
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    JournalBench,
    Token,
    card_of,
    clock,
    ending_of,
    entry_of,
    fresh_vault,
    hold_writer,
)

PAN = "9990090000000012"


class TracedWriter(JournalWriter[Token]):
    """Keeps what it says to SQLite."""

    def _open(self) -> sqlite3.Connection:
        connection = super()._open()
        self.statements: list[str] = []
        connection.set_trace_callback(self.statements.append)
        return connection


def rows_of(bench: JournalBench) -> tuple[AuditRow, ...]:
    """Read the whole audit."""
    with AuditReader(bench.path) as reader:
        return reader.since(0)


def test_record_is_on_disk_at_its_answer(tmp_path: Path) -> None:
    """
    The answer is ``None``, and by then another connection reads the record as it was given.
    """
    record = AuditRecord("key change", "192.0.2.7:4001", "MAC key of 009", "check value 08D7B4")
    with JournalBench(tmp_path / "journal.db") as bench:
        answer = bench.ask(KeepRecord(record))

        (row,) = rows_of(bench)

    assert answer is None
    assert record == AuditRecord(row.kind, row.actor, row.subject, row.detail)
    assert (1, clock()) == (row.seq, row.time)


@pytest.mark.parametrize("kind", AUDIT_KINDS)
def test_schema_takes_every_known_kind(tmp_path: Path, kind: str) -> None:
    """
    Each word of ``AUDIT_KINDS`` is one the schema knows, and may come without a detail.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        assert bench.ask(KeepRecord(AuditRecord(kind, "switch", "bank"))) is None


def test_unknown_kind_is_told_at_once(tmp_path: Path) -> None:
    """
    A kind that the audit does not speak of is a fault of the caller; nothing is queued.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        with pytest.raises(ValueError, match="kind"):
            bench.send(KeepRecord(AuditRecord("gossip", "switch", "bank")))

        assert () == rows_of(bench)


def test_audit_goes_on_after_a_restart(tmp_path: Path) -> None:
    """
    Records of two runs stand behind each other, without a gap and rightly linked.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(record_of(1)))
        bench.reopen()
        bench.ask(KeepRecord(record_of(2)))

        rows = rows_of(bench)
        with AuditReader(bench.path) as reader:
            found = reader.verify(bench.vault)

    assert [1, 2] == [row.seq for row in rows]
    assert found.is_sound


def test_journal_and_audit_share_a_commit(tmp_path: Path) -> None:
    """
    Transactions and records that wait together are one transaction of the file.
    """
    with JournalBench(tmp_path / "journal.db", make=TracedWriter) as bench:
        gate = hold_writer(bench)
        tokens = [bench.send(Commit(entry_of(1), ending_of(), None))]
        tokens += [bench.send(KeepRecord(record_of(number))) for number in range(5)]
        writer = cast("TracedWriter", bench.writer)
        writer.statements.clear()

        gate.open.set()
        answers = [token.result(ANSWER_SECONDS_MAX) for token in tokens]

        assert [None] * 6 == answers
        assert 1 == writer.statements.count("COMMIT")


def test_batch_without_records_leaves_audit_alone(tmp_path: Path) -> None:
    """
    An inquiry's batch neither reads nor writes anything of the audit.
    """
    with JournalBench(tmp_path / "journal.db", make=TracedWriter) as bench:
        reserved = bench.reserve(Reserve(entry_of(1), 3))
        bench.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

        statements = cast("TracedWriter", bench.writer).statements

    assert [] == [one for one in statements if "audit" in one]


def test_unblock_leaves_its_record(tmp_path: Path) -> None:
    """
    Clearing tries and the record of who did it are one commit; the card is masked.
    """
    card = card_of(1)
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Reserve(entry_of(1, card), 3))

        used = bench.ask(Unblock(card, "user teller (uid 7)", "999009******0012"))
        (row,) = rows_of(bench)

    assert 1 == used
    assert ("command", "user teller (uid 7)") == (row.kind, row.actor)
    assert "card 999009******0012" == row.subject
    assert "unblocked, 1 used PIN tries cleared" == row.detail


def test_failed_record_leaves_tries_uncleared(tmp_path: Path) -> None:
    """
    Where the record cannot be written the card stays as blocked as it was.
    """
    card = card_of(1)
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Reserve(entry_of(1, card), 3))
        with closing(sqlite3.connect(bench.path)) as connection:
            connection.execute("UPDATE audit_head SET seal = zeroblob(32)")
            connection.commit()

        answer = bench.ask(Unblock(card, "user teller (uid 7)", "999009******0012"))
        with bench.reader() as reader:
            tries = reader.tries(card)

    assert isinstance(answer, JournalUnavailable)
    assert 1 == tries


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("two\nlines\x1b[2J\x00\u202e", "two?lines?[2J??"),
        ("lone \ud800 half", "lone ? half"),
        (f"card {PAN} seen", f"card {'*' * 16} seen"),
        ("kpj:12345678901", f"kpj:{'*' * 11}"),
        ("hash a1234567890123b, 2026-06-30", "hash a1234567890123b, 2026-06-30"),
        ("x" * TEXT_MAX, "x" * TEXT_MAX),
        ("x" * 5_000, "x" * (TEXT_MAX - 1) + "…"),
    ],
    ids=["control", "surrogate", "PAN", "KPJ", "letters between", "just fits", "too long"],
)
def test_texts_are_made_harmless(tmp_path: Path, told: str, kept: str) -> None:
    """
    Whatever a caller hands in is short, one line, printable, and without a long number.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(AuditRecord("peer refused", told, told, told)))

        (row,) = rows_of(bench)

    assert (kept, kept, kept) == (row.actor, row.subject, row.detail)


def test_head_changed_under_way_stops_records(tmp_path: Path) -> None:
    """
    The running writer does not write behind a head that is not its own: a new seal would
    make a cut tail genuine.  Inquiries, which have a chain of their own, go on.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in (1, 2, 3):
            bench.ask(KeepRecord(record_of(number)))
        with closing(sqlite3.connect(bench.path)) as connection:
            connection.execute("DROP TRIGGER audit_rows_are_not_deleted")
            connection.execute("DELETE FROM audit_rows WHERE seq = 3")
            connection.execute(
                "UPDATE audit_head SET (seq, chain) ="
                " (SELECT seq, chain FROM audit_rows ORDER BY seq DESC LIMIT 1)"
            )
            connection.commit()

        record, ending = KeepRecord(record_of(4)), Commit(entry_of(1), ending_of(), None)
        answers = [bench.ask(record), bench.ask(ending)]

    assert isinstance(answers[0], JournalUnavailable)
    assert answers[1] is None


def test_journal_head_changed_under_way_stops_rows(tmp_path: Path) -> None:
    """
    The same holds for the journal's own head.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))
        with closing(sqlite3.connect(bench.path)) as connection:
            connection.execute("UPDATE journal_head SET seal = zeroblob(32)")
            connection.commit()

        answer = bench.ask(Commit(entry_of(2), ending_of(), None))

    assert isinstance(answer, JournalUnavailable)


def test_command_appends_while_switch_writes(tmp_path: Path) -> None:
    """
    Another writer on the same file, as a command has, and the chain is still one.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        for number in range(0, 20, 2):
            bench.ask(KeepRecord(record_of(number)))
            write_record(JournalPlace(bench.path), bench.vault, clock, nonce, record_of(number + 1))

        details = [row.detail for row in rows_of(bench)]
        with AuditReader(bench.path) as reader:
            found = reader.verify(bench.vault)

    assert [record_of(number).detail for number in range(20)] == details
    assert found.is_sound


def test_command_with_other_keys_is_refused(tmp_path: Path) -> None:
    """
    A record under other keys is not written: its link would not fit.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(record_of(1)))

    with pytest.raises(Refused):
        write_record(JournalPlace(bench.path), fresh_vault(), clock, nonce, record_of(2))

    assert 1 == len(rows_of(bench))


def test_unwritable_record_is_unavailable(tmp_path: Path) -> None:
    """
    Where the disk does not take the record the caller learns it and nothing is kept.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(KeepRecord(record_of(1)))
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_rows"
            " BEGIN SELECT RAISE (ABORT, 'no room'); END"
        )

    with pytest.raises(JournalUnavailable, match="SQLITE_CONSTRAINT"):
        ask_journal(JournalPlace(bench.path), bench.vault, clock, nonce, KeepRecord(record_of(2)))

    assert 1 == len(rows_of(bench))
