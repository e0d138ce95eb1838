"""Importing participants and postings: what goes in, what stays, what a second time does."""

from pathlib import Path

import pytest

from atm_switch.ledger.csv_rows import Kind
from atm_switch.ledger.csv_summary import ImportedFile
from tests.doubles.ledger_bench import (
    BUDI_ROW,
    BUDIS_NIK,
    PARTICIPANTS,
    POSTINGS,
    SITIS_NIK,
    LedgerBench,
)
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2025-01-01,contribution,285000.00\n"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return an empty bench."""
    return LedgerBench(tmp_path, url=database.url)


def test_files_may_come_in_any_order(bench: LedgerBench) -> None:
    """
    Participants are read before postings, whatever the order on the command line.
    """
    postings = bench.file("a.csv", POSTINGS + PAID)
    participants = bench.file("b.csv", PARTICIPANTS + BUDI_ROW)

    summary = bench.take(postings, participants)

    assert [Kind.PARTICIPANTS, Kind.POSTINGS] == [file.kind for file in summary.files]
    assert (1, 1, 0) == bench.counts()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_windows_files_are_read_alike(bench: LedgerBench, mark: str, end: str) -> None:
    """
    A byte order mark, CRLF, blank lines and spaces around cells change nothing.
    """
    lines = [PARTICIPANTS.strip(), f" 12345678901 , {BUDIS_NIK},Budi ,1985-03-12,PU,A", "", "  "]

    bench.take(bench.file("p.csv", mark + end.join(lines)))

    assert [("12345678901", "Budi")] == bench.rows("SELECT kpj, name FROM participants")


def test_quoted_cells_may_hold_commas(bench: LedgerBench) -> None:
    """
    A name in quotes keeps its comma and its quotes, and needs not be ASCII.
    """
    name = '"SANTOSO, ""BUDI"" JOSÉ"'

    bench.participants(f"12345678901,{BUDIS_NIK},{name},1985-03-12,PU,A\n")

    assert [('SANTOSO, "BUDI" JOSÉ',)] == bench.rows("SELECT name FROM participants")


@pytest.mark.parametrize("written", ["123-4567-8901", "123 4567 8901"])
def test_kpj_may_have_spaces_and_dashes(bench: LedgerBench, written: str) -> None:
    """
    Spaces and dashes in a KPJ, as on the card, are left out.
    """
    bench.participants(BUDI_ROW.replace("12345678901", written))

    assert [("12345678901",)] == bench.rows("SELECT kpj FROM participants")


@pytest.mark.parametrize(
    ("kind", "amount", "sen"),
    [
        ("contribution", "285000.00", 28_500_000),
        ("contribution", "0.01", 1),
        ("development", "12.5", 1_250),
        ("development", "0", 0),
        ("adjustment", "7", 700),
        ("adjustment", "-7", -700),
        ("claim", "7", -700),
        ("contribution", "999999999999.99", 99_999_999_999_999),
    ],
)
def test_amounts_get_the_ledgers_sign(bench: LedgerBench, kind: str, amount: str, sen: int) -> None:
    """
    A claim is stored negative, an adjustment as signed, the others positive, to the sen.
    """
    bench.participants()
    bench.postings("12345678901,2020-01-01,contribution,1000\n")

    bench.take(bench.file("more.csv", f"{POSTINGS}12345678901,2025-01-01,{kind},{amount}\n"))

    assert [(kind, sen)] == bench.rows("SELECT kind, amount_sen FROM postings WHERE seq = 2")


def test_summary_counts_every_row(bench: LedgerBench) -> None:
    """
    Rows are counted as added, updated or unchanged.
    """
    other = f"23456789012,{SITIS_NIK},SITI,1990-08-17,BPU,A\n"
    bench.participants(BUDI_ROW + other)

    third = f"23456789020,{SITIS_NIK},SITI,1990-08-17,BPU,A\n"
    summary = bench.participants(BUDI_ROW.replace("PU,A", "PU,N") + other + third)

    expected = ImportedFile(
        "participants.csv", Kind.PARTICIPANTS, rows=3, added=1, updated=1, unchanged=1
    )
    assert (expected,) == summary.files


def test_known_participant_is_updated(bench: LedgerBench) -> None:
    """
    The same KPJ with the same NIK takes the new name, birth date, segment and status.
    """
    bench.participants()

    bench.participants(f"12345678901,{BUDIS_NIK},BUDI S,1985-03-13,BPU,K\n")

    query = "SELECT name, birth_date, segment, status FROM participants"
    assert [("BUDI S", "1985-03-13", "BPU", "K")] == bench.rows(query)


def test_same_content_changes_nothing(bench: LedgerBench) -> None:
    """
    A file imported before, under whatever name, is a repeat and books nothing again.
    """
    bench.participants()
    bench.postings(PAID)

    summary = bench.take(bench.file("copy.csv", POSTINGS + PAID))

    assert [True] == [file.is_repeat for file in summary.files]
    assert (1, 1, 0) == bench.counts()


def test_same_file_twice_in_one_import(bench: LedgerBench) -> None:
    """
    A file named twice in one command counts once.
    """
    bench.participants()
    path = bench.file("p.csv", POSTINGS + PAID)

    summary = bench.take(path, path)

    assert [False, True] == [file.is_repeat for file in summary.files]
    assert (1, 1, 0) == bench.counts()


def test_participants_may_be_set_back(bench: LedgerBench) -> None:
    """
    After another file of participants, an earlier one may be imported again.
    """
    bench.participants()
    bench.participants(BUDI_ROW.replace("PU,A", "PU,N"))

    summary = bench.participants()

    assert [(False, 1)] == [(file.is_repeat, file.updated) for file in summary.files]
    assert [("A",)] == bench.rows("SELECT status FROM participants")


def test_header_alone_is_an_empty_import(bench: LedgerBench) -> None:
    """
    A file without rows is taken, and makes the ledger file.
    """
    summary = bench.take(bench.file("p.csv", POSTINGS))

    assert [0] == [file.rows for file in summary.files]
    assert (0, 0, 0) == bench.counts()


def test_every_import_is_on_record(bench: LedgerBench) -> None:
    """
    Name, kind, count and time of an import are kept, and each posting knows its own.
    """
    bench.participants()
    bench.postings(PAID)

    query = "SELECT id, kind, file_name, rows, imported_at FROM imports WHERE kind = 'postings'"
    expected = (2, "postings", "postings.csv", 1, "2025-06-30T05:00:00+00:00")
    assert [expected] == bench.rows(query)
    assert [(2,)] == bench.rows("SELECT import_id FROM postings")


def test_postings_go_to_the_main_account(bench: LedgerBench) -> None:
    """
    Until JHT is split (UU 4/2023), everything is on the main sub-account.
    """
    bench.participants()
    bench.postings(PAID)

    assert [("main",)] == bench.rows("SELECT sub_account FROM postings")
