"""A year an account has the development of takes late rows no more than single postings."""

from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.ledger.corrections import Entry, post, reverse
from atm_switch.ledger.csv_passes import Step
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from tests.doubles.ledger_bench import BUDI, BUDI_ROW, POSTINGS, SITI_ROW, LedgerBench
from tests.doubles.postgres_bench import Database

if TYPE_CHECKING:
    from atm_switch.ledger.csv_meter import Progress

PAID = "12345678901,2023-02-01,contribution,1000000\n"
EARNED = "12345678901,2023-12-31,development,50000\n"
LATE = "12345678901,2023-05-01,contribution,7000\n"
OLD_PAID = "12345678901,2021-02-01,contribution,2000\n"
OLD_EARNED = "12345678901,2021-12-31,development,100\n"
OTHERS = "23456789012,2023-05-01,contribution,7000\n"
TOO_LATE = "column posted_on (2023-05-01): the account has the development of 2023, which rests on"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with two members, one with the development of 2023."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW + SITI_ROW)
    bench.postings(PAID + EARNED)
    return bench


def booked(bench: LedgerBench) -> int:
    """Count the postings."""
    return bench.counts()[1] if not bench.url else len(bench.rows("SELECT 1 FROM postings"))


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("row", [LATE, LATE.replace("2023", "2022")])
def test_late_row_of_a_developed_year_is_bad(bench: LedgerBench, row: str, *, again: bool) -> None:
    """
    So is one of a year before, as by ``ledger post``; the row says what to do.
    """
    year = row[12:16]
    late = Entry(BUDI, Posting(date(int(year), 5, 1), PostingKind.CONTRIBUTION, Money(700_000)))
    with closing(open_store(bench.url, bench.path)) as store, pytest.raises(Refused) as posted:
        post(store, late)

    with pytest.raises(Refused) as imported:
        bench.postings(row, again=again)

    rule = f"the account has the development of 2023, which rests on {year} as it is; book it in"
    assert rule in str(posted.value)
    assert f"postings.csv line 2, column posted_on ({year}-05-01): {rule}" in str(imported.value)
    assert "take that development back first" in str(imported.value)
    assert 2 == booked(bench)


def test_late_rows_are_set_aside_where_bad_rows_are_skipped(bench: LedgerBench) -> None:
    """
    The others are booked; an advance is sent into the running year as an adjustment.
    """
    advance = "12345678901,2023-06-01,development,3\n"
    now = "12345678901,2024-01-01,contribution,5\n"
    rejects = bench.folder / "rejects.csv"

    path = bench.file("mixed.csv", POSTINGS + LATE + now + advance + OTHERS)
    summary = bench.take(path, skip_bad=rejects)

    assert 2 == summary.rejected
    assert TOO_LATE.split(": ")[1] in rejects.read_text()
    assert "book it as an adjustment in a later year" in rejects.read_text()
    assert 4 == booked(bench)


def test_row_of_a_running_year_that_is_developed_is_not_sent_into_a_later_one(
    bench: LedgerBench,
) -> None:
    """
    A file may date the development ahead; no year behind it takes a posting yet.
    """
    bench.postings(EARNED.replace("2023", "2025"))

    text = bench.refusal(bench.file("late.csv", POSTINGS + LATE.replace("2023", "2025")))

    assert "the account has the development of 2025, which rests on 2025 as it is; take" in text
    assert "book it" not in text


def test_nothing_is_looked_up_where_nothing_is_booked_behind_the_closed_years(
    bench: LedgerBench,
) -> None:
    """
    Whatever was developed up to then is closed; from the first posting on it is looked at again.
    """
    with closing(open_store(bench.url, bench.path)) as store:
        store.change(
            "INSERT INTO closed_years (year, accrual, rate_millipercent, accounts, development_sen,"
            " began_at) VALUES (2023, 'monthly', 5000, 0, 0, '')"
        )
    looked = []
    for month in ("01", "02"):
        heard: list[Progress] = []
        row = f"12345678901,2024-{month}-01,contribution,7\n"
        bench.take(bench.file("new.csv", POSTINGS + row), progress=heard.append)
        looked.append(Step.LATE in {one.step for one in heard[-1].passes})

    assert [False, True] == looked


def test_account_without_development_takes_late_rows(bench: LedgerBench) -> None:
    """
    Whatever others have: it earns by the estimate until its year is closed or imported.
    """
    bench.postings(OTHERS)

    bench.postings("23456789012,2023-12-31,development,350\n")

    assert 4 == booked(bench)


def test_year_that_brings_its_own_development_is_taken(bench: LedgerBench) -> None:
    """
    In one file or in several of one command, though a later year came in before; and so is
    one whose development comes in by a later command.
    """
    paid = bench.file("paid.csv", POSTINGS + OLD_PAID)
    earned = bench.file("earned.csv", POSTINGS + OLD_EARNED)
    bench.take(earned, paid)

    bench.postings((OLD_PAID + OLD_EARNED).replace("2021", "2022"))
    bench.postings(LATE.replace("2023", "2024"))
    bench.postings(EARNED.replace("2023", "2024"))

    assert 8 == booked(bench)
    with closing(open_store(bench.url, bench.path)) as store:
        assert () == reconcile(store).differences


def test_development_taken_back_makes_room_for_the_late_row(bench: LedgerBench) -> None:
    """
    The way out that is told is one: both come in again with one command.
    """
    with closing(open_store(bench.url, bench.path)) as store:
        reverse(store, BUDI, 2, bench.at.date())

    bench.postings(LATE + EARNED.replace("50000", "50500"))

    assert [(105_750_000,)] == bench.rows(
        "SELECT balance_sen FROM participants WHERE kpj = '12345678901'"
    )


def test_copy_of_a_booked_row_is_called_a_copy(bench: LedgerBench) -> None:
    """
    In a developed year, too: that is what is wrong with it first.
    """
    text = bench.refusal(bench.file("copy.csv", POSTINGS + PAID))

    assert "the same was booked before" in text
    assert "rests on" not in text
