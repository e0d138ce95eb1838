"""A participants file that would set a status anew which is not a file's to set, or rarely is."""

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.csv_rows import Kind
from atm_switch.ledger.csv_summary import ImportedFile
from atm_switch.ledger.opening import open_store
from tests.doubles.ledger_bench import BUDI, BUDI_ROW, BUDIS_NIK, LedgerBench
from tests.doubles.postgres_bench import Database

MERGED = Kpj("12345678919")
MERGED_ROW = f"{MERGED.digits},{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
STATES = "SELECT status FROM participants ORDER BY kpj"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a bench with two KPJ of one person, the second merged into the first."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW + MERGED_ROW)
    with closing(open_store(bench.url, bench.path)) as store:
        amalgamate(store, BUDI, (MERGED,), date(2025, 6, 30), lambda _: None)
    return bench


def test_status_of_a_merged_kpj_stays(bench: LedgerBench) -> None:
    """
    The row changes nothing and counts so, and the person is told by line and masked KPJ.
    """
    summary = bench.participants(f"\n{BUDI_ROW}{MERGED_ROW}")

    told = "participants.csv line 4 (*******8919): it was merged into *******8901;"
    assert (f"{told} its status stays as it is",) == summary.warnings
    unchanged = ImportedFile("participants.csv", Kind.PARTICIPANTS, rows=2, unchanged=2)
    assert (unchanged,) == summary.files
    assert [("A",), ("N",)] == bench.rows(STATES)


def test_name_of_a_merged_kpj_follows_the_file(bench: LedgerBench) -> None:
    """
    What else the row says is taken, and with the right status without a word.
    """
    summary = bench.participants(MERGED_ROW.replace("SANTOSO", "S").replace(",A\n", ",N\n"))

    assert () == summary.warnings
    assert 1 == summary.files[0].updated
    query = f"SELECT name, status FROM participants WHERE kpj = '{MERGED.digits}'"  # noqa: S608 - ours
    assert [("BUDI S", "N")] == bench.rows(query)


def test_account_no_longer_claimed_out_is_told(bench: LedgerBench) -> None:
    """
    The newest file has the last word on an account claimed out, but not without saying so.
    """
    bench.participants(BUDI_ROW.replace(",A\n", ",K\n"))

    summary = bench.participants(BUDI_ROW.replace(",A\n", ",N\n") + BUDI_ROW)

    told = "participants.csv line 3 (*******8901): it was claimed out, and its status is A now"
    assert (told,) == summary.warnings
    assert [("A",), ("N",)] == bench.rows(STATES)


def test_many_warnings_of_status_are_counted(bench: LedgerBench) -> None:
    """
    Fifty are kept to be shown, all are counted; who stays claimed out is none of them.
    """
    rows = [f"300000{n:05d},{BUDIS_NIK},BUDI,1985-03-12,PU,K\n" for n in range(61)]
    bench.participants("".join(rows))

    again = bench.participants("".join(row.replace(",K", ",A") for row in rows[:-1]) + rows[-1])

    assert (50, 60) == (len(again.warnings), again.warning_count)


def test_payment_behind_the_last_claim_is_told(bench: LedgerBench) -> None:
    """
    An account claimed out that is paid into again is named; its own history is none.
    """
    bench.participants(BUDI_ROW.replace(",A\n", ",K\n"))
    paid = "12345678901,2025-0{}-01,contribution,10\n"
    history = bench.postings(paid.format(1) + "12345678901,2025-02-01,claim,10\n")

    late = bench.postings(paid.format(3))
    later = bench.postings("12345678901,2025-01-02,contribution,5\n")

    told = "*******8901 is claimed out, and has a contribution of 2025-03-01 now"
    assert ((), (told,), ()) == (history.warnings, late.warnings, later.warnings)
    assert 1 == late.warning_count
