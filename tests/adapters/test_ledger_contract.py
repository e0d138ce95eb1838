"""What every ledger must do, whatever it is made of; run against the SQLite one.

A second adapter subclasses ``LedgerContract`` with a fixture ``ledger`` that holds
``MEMBERS`` and ``POSTED``.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Protocol

import pytest

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus, Participant, Segment
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.domain.statement import AccountHistory, draw_up
from atm_switch.domain.unclosed import Unclosed
from tests.doubles.ledger_bench import BUDI, BUDIS_NIK, SITIS_NIK, LedgerBench
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_bench import copy_ledger, waiting_reader
from tests.doubles.rates import flat

SITI = Kpj("23456789020")
SITIS_FIRST = Kpj("23456789012")
SITIS_LAST = Kpj("23456789038")
STRANGER = Kpj("99988877766")

MEMBERS = (
    f"12345678901,{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
    f"23456789038,{SITIS_NIK},SITI RAHAYU,1990-08-17,BPU,N\n"
    f"23456789020,{SITIS_NIK},SITI RAHAYU,1990-08-17,PMI,A\n"
    f"23456789012,{SITIS_NIK},SITI RAHAYU,1990-08-17,PU,K\n"
)
POSTED = (
    "12345678901,2023-12-31,development,1000.25\n"
    "12345678901,2023-05-01,contribution,100000\n"
    "12345678901,2024-06-01,contribution,200000\n"
    "12345678901,2024-12-31,claim,50000\n"
    "12345678901,2025-01-01,contribution,300000\n"
    "12345678901,2025-02-10,adjustment,-0.25\n"
    "12345678901,2025-06-30,claim,1000\n"
    "12345678901,2025-07-01,contribution,400000\n"
    "23456789012,2024-01-01,contribution,5\n"
)


class Ledger(Protocol):
    """The port as a test sees it."""

    def siblings(self, kpj: Kpj) -> tuple[Kpj, ...]:
        """Every KPJ of the same person."""

    def account(self, kpj: Kpj, as_of: date) -> tuple[Participant, AccountHistory] | None:
        """Who it is and what was posted."""


def history_of(ledger: Ledger, kpj: Kpj, as_of: date) -> AccountHistory:
    """Return the history of an account that is there."""
    found = ledger.account(kpj, as_of)
    assert found is not None
    return found[1]


class LedgerContract:
    """The claims; a subclass has the fixture ``ledger``."""

    def test_siblings_begin_with_the_asked_one(self, ledger: Ledger) -> None:
        """
        The KPJ asked for comes first, the person's others follow in ascending order.
        """
        assert (SITI, SITIS_FIRST, SITIS_LAST) == ledger.siblings(SITI)

    def test_single_kpj_has_no_siblings(self, ledger: Ledger) -> None:
        """
        A person with one KPJ has that one, and nobody else's.
        """
        assert (BUDI,) == ledger.siblings(BUDI)

    def test_unknown_kpj_has_nothing(self, ledger: Ledger) -> None:
        """
        Of an unknown KPJ there are neither siblings nor an account.
        """
        assert () == ledger.siblings(STRANGER)
        assert ledger.account(STRANGER, date(2025, 6, 30)) is None

    def test_participant_is_as_imported(self, ledger: Ledger) -> None:
        """
        Name, segment and status come back; the person is the same for all their KPJ.
        """
        found = [ledger.account(kpj, date(2025, 6, 30)) for kpj in (SITI, SITIS_LAST, BUDI)]

        people = [account[0] for account in found if account is not None]
        assert ("SITI RAHAYU", Segment.MIGRANT, MemberStatus.ACTIVE) == (
            people[0].name,
            people[0].segment,
            people[0].status,
        )
        assert (Segment.SELF_EMPLOYED, MemberStatus.INACTIVE) == (
            people[1].segment,
            people[1].status,
        )
        assert [True, False] == [people[0].person == other.person for other in people[1:]]

    def test_account_counts_the_kpj_of_its_person(self, ledger: Ledger) -> None:
        """
        With an account comes how many KPJ its person has, whichever of them is asked for.
        """
        found = [ledger.account(kpj, date(2025, 6, 30)) for kpj in (SITI, SITIS_LAST, BUDI)]

        assert [3, 3, 1] == [account[0].kpj_count for account in found if account is not None]

    def test_opening_sums_all_earlier_years(self, ledger: Ledger) -> None:
        """
        The opening balance is every posting before 1 January, claims taken off.
        """
        assert Money(25_100_025) == history_of(ledger, BUDI, date(2025, 6, 30)).opening

    def test_postings_are_the_years_up_to_day(self, ledger: Ledger) -> None:
        """
        The postings are those of the year by number, in order of day, the day itself included.
        """
        expected = (
            Posting(date(2025, 1, 1), PostingKind.CONTRIBUTION, Money(30_000_000), 5),
            Posting(date(2025, 2, 10), PostingKind.ADJUSTMENT, Money(-25), 6),
            Posting(date(2025, 6, 30), PostingKind.CLAIM, Money(-100_000), 7),
        )

        assert expected == history_of(ledger, BUDI, date(2025, 6, 30)).postings

    @pytest.mark.parametrize(
        ("as_of", "last"),
        [
            (date(2025, 12, 31), date(2025, 7, 1)),
            (date(2025, 6, 30), date(2025, 1, 1)),
            (date(2026, 1, 1), date(2025, 7, 1)),
            (date(2024, 5, 31), date(2023, 5, 1)),
        ],
    )
    def test_last_contribution_is_known_of_any_day(
        self, ledger: Ledger, as_of: date, last: date
    ) -> None:
        """
        The last contribution is the latest up to the day, in this year or an earlier one.
        """
        assert last == history_of(ledger, BUDI, as_of).last_contribution

    def test_account_without_postings_says_so(self, ledger: Ledger) -> None:
        """
        A participant nothing was booked for has an empty history, not none.
        """
        empty = AccountHistory(
            2025, ZERO, (), has_postings=False, last_contribution=None, unclosed=Unclosed(0)
        )

        assert empty == history_of(ledger, SITI, date(2025, 6, 30))

    def test_earlier_postings_alone_count_as_booked(self, ledger: Ledger) -> None:
        """
        An account with postings of earlier years only has a balance.
        """
        history = history_of(ledger, SITIS_FIRST, date(2025, 6, 30))

        assert (True, Money(500), ()) == (history.has_postings, history.opening, history.postings)

    def test_years_before_come_along_until_they_are_closed(self, ledger: Ledger) -> None:
        """
        Whole and by number from the last on that has its development, for who is claimed out too
        and on a day of years gone by; nothing where the year before has it.
        """
        open_2024 = (
            Posting(date(2024, 6, 1), PostingKind.CONTRIBUTION, Money(20_000_000), 3),
            Posting(date(2024, 12, 31), PostingKind.CLAIM, Money(-5_000_000), 4),
        )

        open_2025 = history_of(ledger, BUDI, date(2025, 12, 31)).postings
        first = (Posting(date(2024, 1, 1), PostingKind.CONTRIBUTION, Money(500), 9),)
        expected = {
            (BUDI, date(2025, 6, 30)): Unclosed(2023, open_2024),
            (BUDI, date(2026, 1, 1)): Unclosed(2023, open_2024 + open_2025),
            (BUDI, date(2027, 1, 1)): Unclosed(2023, open_2024 + open_2025),
            (BUDI, date(2024, 6, 30)): None,
            (BUDI, date(2023, 6, 30)): None,
            (SITIS_FIRST, date(2025, 6, 30)): Unclosed(0, first),
        }
        assert expected == {of: history_of(ledger, *of).unclosed for of in expected}

    def test_statement_of_a_day_adds_up(self, ledger: Ledger) -> None:
        """
        What the ledger hands out makes a statement whose closing is the sum of all.
        """
        day = date(2025, 6, 30)

        statement = draw_up(history_of(ledger, BUDI, day), day, flat(0))

        assert Money(25_100_025 + 30_000_000 - 25 - 100_000) == statement.closing


class TestSqliteLedger(LedgerContract):
    """The SQLite ledger, filled by the CSV import."""

    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        """Import the members, then open the file read-only."""
        bench = LedgerBench(tmp_path)
        bench.participants(MEMBERS)
        bench.postings(POSTED)
        sqlite = bench.ledger()
        yield sqlite
        sqlite.close()


class TestPostgresLedger(LedgerContract):
    """The same ledger on PostgreSQL, read in batches."""

    @pytest.fixture
    def ledger(self, tmp_path: Path, postgres: PostgresServer) -> Iterator[Ledger]:
        """Import the members, then copy them over."""
        bench = LedgerBench(tmp_path)
        bench.participants(MEMBERS)
        bench.postings(POSTED)
        url = postgres.database()
        copy_ledger(bench.path, url)
        with waiting_reader(url) as reader:
            yield reader
