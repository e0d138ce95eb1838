"""Rows of participants that look like two people under one NIK."""

from pathlib import Path

import pytest

from tests.doubles.ledger_bench import BUDI_ROW, BUDIS_NIK, SITI_ROW, LedgerBench
from tests.doubles.postgres_bench import Database

SECOND_ROW = f"12345678919,{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
STRANGER_ROW = f"34567890123,{BUDIS_NIK},DEWI LESTARI,1991-01-02,PU,A\n"
TOLD = (
    "participants.csv line {} (*******{}): *******{} has the same NIK and another birth date; a"
    " card of one shows the balance of the other"
)


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return an empty ledger."""
    return LedgerBench(tmp_path, url=database.url)


def test_two_birth_dates_under_one_nik_of_a_file_are_told(bench: LedgerBench) -> None:
    """
    Both lines are named with masks, and taken; who has one KPJ is left in peace.
    """
    summary = bench.participants(BUDI_ROW + SITI_ROW + STRANGER_ROW)

    assert (TOLD.format(2, "8901", "0123"), TOLD.format(4, "0123", "8901")) == summary.warnings
    assert (2, 3) == (summary.warning_count, summary.files[0].added)


def test_birth_date_of_an_earlier_import_counts(bench: LedgerBench) -> None:
    """
    A stranger under a NIK that is there is told; the same person's second KPJ is none.
    """
    same = bench.participants(BUDI_ROW + SECOND_ROW)
    stranger = bench.participants(STRANGER_ROW)

    assert ((), (TOLD.format(2, "0123", "8901"),)) == (same.warnings, stranger.warnings)


def test_birth_date_put_right_is_told_no_more(bench: LedgerBench) -> None:
    """
    The last row of a KPJ counts, in the file and from then on.
    """
    wrong = SECOND_ROW.replace("1985-03-12", "1985-03-21")

    put_right = bench.participants(BUDI_ROW + wrong + SECOND_ROW)
    later = bench.participants(f"\n{BUDI_ROW}{SECOND_ROW}")

    assert ((), ()) == (put_right.warnings, later.warnings)


def test_bad_row_makes_no_two_people(bench: LedgerBench, tmp_path: Path) -> None:
    """
    A row set aside, whose KPJ belongs to another NIK, has no birth date to compare.
    """
    bench.participants(BUDI_ROW + SITI_ROW)
    path = bench.file("participants.csv", "kpj,nik,name,birth_date,segment,status\n")
    path.write_text(path.read_text() + STRANGER_ROW.replace("34567890123", "23456789012"))

    summary = bench.take(path, skip_bad=tmp_path / "rejects.csv")

    assert (1, ()) == (summary.rejected, summary.warnings)


def test_many_strangers_are_counted(bench: LedgerBench) -> None:
    """
    Fifty are named, all are counted.
    """
    rows = [f"300000{n:05d},{BUDIS_NIK},BUDI,19{40 + n}-03-12,PU,A\n" for n in range(56)]

    summary = bench.participants("".join(rows))

    assert (50, 56) == (len(summary.warnings), summary.warning_count)
