"""A year of an account has one development of 31 December, however it comes in."""

from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.ledger.corrections import reverse
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from tests.doubles.ledger_bench import BUDI, BUDI_ROW, POSTINGS, SITI_ROW, LedgerBench
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2023-01-01,contribution,1000000\n"
EARNED = "12345678901,2023-12-31,development,50000\n"
OTHERWISE = "12345678901,2023-12-31,development,51000\n"
BEFORE = (
    "column row: the development of 2023 is booked already; take that back first (atm-switch"
    " ledger postings, reverse), or book an adjustment"
)
TWICE = (
    "column row: the development of 2023 stands in an earlier row here; leave one of them, or"
    " book an adjustment"
)


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with two members and nothing booked."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW + SITI_ROW)
    return bench


def amounts(bench: LedgerBench) -> list[int]:
    """Return what is booked, by number."""
    return [sen for (sen,) in bench.rows("SELECT amount_sen FROM postings ORDER BY seq")]


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("row", [OTHERWISE, EARNED + "\n"])
def test_second_development_of_a_year_is_a_bad_row(
    bench: LedgerBench, row: str, *, again: bool
) -> None:
    """
    Whatever its amount, and whether or not other payments are meant, with the way out.
    """
    bench.postings(PAID + EARNED)

    with pytest.raises(Refused) as refused:
        bench.postings(row, again=again)

    assert f"postings.csv line 2, {BEFORE}" in str(refused.value)
    assert [100_000_000, 5_000_000] == amounts(bench)


def test_development_taken_back_makes_room(bench: LedgerBench) -> None:
    """
    The way out that is told is one: reversed, the other amount goes in; a year without
    development, booked as 0.00, is corrected the same way.
    """
    bench.postings(PAID + EARNED.replace("50000", "0"))
    with closing(open_store(bench.url, bench.path)) as store:
        reverse(store, BUDI, 2, bench.at.date())

    bench.postings(OTHERWISE)

    assert [(105_100_000,)] == bench.rows(
        "SELECT balance_sen FROM participants WHERE kpj = '12345678901'"
    )


def test_only_the_same_year_and_account_counts(bench: LedgerBench) -> None:
    """
    Another year, another member, and what was paid in advance are none of it.
    """
    bench.postings(PAID + EARNED)

    bench.postings(
        EARNED.replace("2023", "2024")
        + EARNED.replace("12345678901", "23456789012")
        + EARNED.replace("2023-12-31", "2024-12-30") * 2
    )

    assert 6 == len(amounts(bench))


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("second", [EARNED, OTHERWISE])
def test_two_developments_of_a_file_are_named(
    bench: LedgerBench, second: str, *, again: bool
) -> None:
    """
    The later row is bad, wherever it stands, and nothing is booked.
    """
    far = "".join(f"23456789012,2022-01-{day:02d},contribution,1\n" for day in range(1, 29))

    with pytest.raises(Refused) as refused:
        bench.postings(PAID + EARNED + far + second, again=again)

    assert f"1 row is bad, nothing was imported:\n  postings.csv line 32, {TWICE}" in str(
        refused.value
    )
    assert [] == amounts(bench)
    bench.postings(PAID + EARNED)


def test_two_developments_are_named_beside_other_bad_rows(bench: LedgerBench) -> None:
    """
    One bad row hides no other.
    """
    with pytest.raises(Refused) as refused:
        bench.postings(PAID + "x\n" + EARNED + OTHERWISE)

    assert "2 rows are bad" in str(refused.value)
    assert f"postings.csv line 5, {TWICE}" in str(refused.value)


def test_second_development_is_set_aside(bench: LedgerBench, tmp_path: Path) -> None:
    """
    With a rejects file the first stays and the totals are right.
    """
    path = bench.file("q.csv", POSTINGS + PAID + EARNED + OTHERWISE)

    summary = bench.take(path, skip_bad=tmp_path / "rejects.csv")

    assert (1, 2) == (summary.rejected, summary.files[0].added)
    assert [100_000_000, 5_000_000] == amounts(bench)
    with closing(open_store(bench.url, bench.path)) as store:
        assert () == reconcile(store).differences


def test_two_files_with_one_year_are_told(bench: LedgerBench) -> None:
    """
    Of two files named together the second is at fault.
    """
    one, two = bench.file("one.csv", POSTINGS + EARNED), bench.file("two.csv", POSTINGS + OTHERWISE)

    text = bench.refusal(one, two)

    assert f"two.csv line 2, {TWICE}" in text
