"""The SQLite ledger and registry when the file, a row or the time fails them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import LedgerRowWrong, LedgerUnavailable, Refused
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.registry_sqlite import SqliteRegistry
from tests.doubles.ledger_bench import BUDI, PAN, TODAY, LedgerBench

MANY = 20_000
WRONG = (
    "INSERT INTO postings (year, kpj, seq, posted_on, kind, amount_sen)"
    " VALUES (2025, ?, 99, ?, ?, -100)"
)


@pytest.fixture
def bench(tmp_path: Path) -> LedgerBench:
    """Return a ledger with one member and one card."""
    bench = LedgerBench(tmp_path)
    bench.participants()
    bench.cards()
    return bench


def meddle(bench: LedgerBench, statement: str) -> None:
    """Change the file behind the adapters' backs."""
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("adapter", [SqliteLedger, SqliteRegistry])
def test_missing_file_is_refused_at_start(
    tmp_path: Path, adapter: type[SqliteLedger | SqliteRegistry]
) -> None:
    """
    Without its file neither adapter starts, and neither makes one.
    """
    with pytest.raises(Refused, match=r"ledger\.db is missing"):
        adapter(tmp_path / "ledger.db")

    assert [] == list(tmp_path.iterdir())


def test_broken_table_is_ledger_unavailable(bench: LedgerBench) -> None:
    """
    An error of the file is ``LedgerUnavailable``, named by SQLite's own code.
    """
    with closing(bench.ledger()) as ledger, closing(bench.registry()) as registry:
        meddle(bench, "DROP TABLE cards")
        meddle(bench, "ALTER TABLE participants RENAME TO lost")

        with pytest.raises(LedgerUnavailable, match="the ledger cannot be read: SQLITE_ERROR"):
            ledger.account(BUDI, TODAY)
        with pytest.raises(LedgerUnavailable, match="the registry cannot be read: SQLITE_ERROR"):
            registry.card(bench.vault.card_ref(Pan(PAN)))


def test_impossible_row_is_ledger_unavailable(bench: LedgerBench) -> None:
    """
    A row no import can have written is ``LedgerRowWrong``, and is not quoted.
    """
    meddle(bench, "UPDATE participants SET segment = 'SECRET'")
    meddle(bench, "UPDATE cards SET expiry = '9999'")

    with closing(bench.ledger()) as ledger, closing(bench.registry()) as registry:
        with pytest.raises(LedgerRowWrong, match="holds a row that makes no sense") as caught:
            ledger.account(BUDI, TODAY)
        with pytest.raises(LedgerRowWrong, match="the registry holds a row"):
            registry.card(bench.vault.card_ref(Pan(PAN)))

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("day", "kind"),
    [("2025-01-01,SECRET", "claim"), ("", "claim"), ("2025-01-01", "SECRET;"), ("2025", ",")],
)
def test_posting_that_is_none_is_ledger_unavailable(
    bench: LedgerBench, day: str, kind: str
) -> None:
    """
    Postings come as one text: one that is cut into other pieces is no other posting.
    """
    bench.postings("12345678901,2025-01-01,contribution,1\n")
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(WRONG, (BUDI.digits, day, kind))
        connection.commit()

    with (
        closing(bench.ledger()) as ledger,
        pytest.raises(LedgerRowWrong, match="holds a row that makes no sense") as caught,
    ):
        ledger.account(BUDI, TODAY)

    assert "SECRET" not in str(caught.value)


def test_card_and_account_are_seen_as_of_one_moment(bench: LedgerBench) -> None:
    """
    A registry that reads with the ledger sees no card of after the ledger's look.
    """
    turns: list[Any] = []
    ref = bench.vault.card_ref(Pan(PAN))
    with closing(SqliteLedger(bench.path, soon=turns.append)) as ledger:
        registry = SqliteRegistry(bench.path, reads=ledger.reads)
        assert ledger.account(BUDI, TODAY) is not None
        meddle(bench, "UPDATE cards SET consent_on = NULL")

        same = registry.card(ref)
        turns.pop()()
        following = registry.card(ref)
        registry.close()

        assert ledger.account(BUDI, TODAY) is not None  # the connection is the ledger's to close

    assert same is not None
    assert following is not None
    assert (True, False) == (same.consent_on is not None, following.consent_on is not None)


def test_ledger_answers_after_a_failure(bench: LedgerBench) -> None:
    """
    A failed question leaves no transaction behind: the next one sees the repaired file.
    """
    with closing(bench.ledger()) as ledger:
        meddle(bench, "UPDATE participants SET segment = 'X'")
        with pytest.raises(LedgerUnavailable):
            ledger.account(BUDI, TODAY)

        meddle(bench, "UPDATE participants SET segment = 'PU'")

        assert ledger.account(BUDI, TODAY) is not None


def test_query_past_its_time_is_unavailable(bench: LedgerBench) -> None:
    """
    A year too large to read in time is ``LedgerUnavailable``, not a stopped loop.
    """
    row = "12345678901,2025-01-01,contribution,1\n"
    bench.postings(row * MANY)

    with (
        closing(SqliteLedger(bench.path, query_seconds_max=-1.0)) as ledger,
        pytest.raises(LedgerUnavailable, match="SQLITE_INTERRUPT"),
    ):
        ledger.account(BUDI, TODAY)


def test_reader_answers_during_an_import(bench: LedgerBench) -> None:
    """
    While an import holds the write lock, the ledger answers from before it.
    """
    with (
        closing(sqlite3.connect(bench.path, isolation_level=None)) as writer,
        closing(bench.ledger()) as ledger,
    ):
        writer.execute("BEGIN IMMEDIATE")
        writer.execute(
            "INSERT INTO postings (year, kpj, seq, posted_on, kind, amount_sen)"
            " VALUES (2025, '12345678901', 1, '2025-01-01', 'contribution', 100)"
        )

        found = ledger.account(BUDI, TODAY)

        writer.execute("ROLLBACK")
    assert found is not None
    assert found[1].has_postings is False


def test_withdrawn_consent_has_no_day(bench: LedgerBench) -> None:
    """
    A card whose consent was withdrawn is found with ``consent_on`` empty.
    """
    meddle(bench, "UPDATE cards SET consent_on = NULL")

    with closing(bench.registry()) as registry:
        card = registry.card(bench.vault.card_ref(Pan(PAN)))

    assert card is not None
    assert card.consent_on is None


@pytest.mark.parametrize(
    "statement", ["UPDATE postings SET amount_sen = 1", "DELETE FROM postings"]
)
def test_postings_are_only_ever_added(bench: LedgerBench, statement: str) -> None:
    """
    The file itself refuses to change or delete a posting.
    """
    bench.postings("12345678901,2025-01-01,contribution,1\n")

    with pytest.raises(sqlite3.IntegrityError, match="book a reversing one"):
        meddle(bench, statement)


def test_sealed_nik_opens_for_its_kpj_only(bench: LedgerBench) -> None:
    """
    The NIK is sealed under the vault and bound to its KPJ.
    """
    ((sealed,),) = bench.rows("SELECT nik_sealed FROM participants")

    assert b"9901011203850001" == bench.vault.unseal("nik 12345678901", sealed)
    with pytest.raises(ValueError, match="cannot be opened"):
        bench.vault.unseal("nik 12345678902", sealed)
