"""The books on a bench: accounts put in directly, postings booked by the code under test.

Plan: what writes the books is tried on a store of its own, SQLite's or PostgreSQL's.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.ledger.closing import ClosedYear, ClosingTerms, close_year
from atm_switch.ledger.corrections import Entry, post
from atm_switch.ledger.differences import Difference
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store import Row, Store

CONTRIBUTION, DEVELOPMENT, CLAIM, ADJUSTMENT = PostingKind
TODAY = date(2026, 6, 30)
AT = datetime(2026, 6, 30, 5, 0, tzinfo=UTC)
FIVE_PERCENT = 5_000

FIRST, SECOND, THIRD = (Kpj(f"1234567890{digit}") for digit in "123")
STRANGER = Kpj("99988877766")
"""Held by another person."""


@dataclass
class BookBench:
    """A store with three KPJ of one person and one of another."""

    store: Store

    def __post_init__(self) -> None:
        """Put the participants in."""
        for kpj in (FIRST, SECOND, THIRD):
            self.participant(kpj, "a" * 64)
        self.participant(STRANGER, "b" * 64)

    def participant(self, kpj: Kpj, person: str, status: str = "A") -> None:
        """Put one participant in."""
        columns = ("kpj", "person", "nik_sealed", "name", "birth_date", "segment", "status")
        row = (kpj.digits, person, b"sealed", "SITI RAHAYU", "1990-08-17", "PU", status)
        self.store.load("participants", columns, [row])

    def post(
        self,
        kpj: Kpj,
        day: str,
        sen: int,
        kind: PostingKind = CONTRIBUTION,
        sub_account: str = "main",
    ) -> int:
        """Book one posting; return its number."""
        posting = Posting(date.fromisoformat(day), kind, Money(sen))
        return post(self.store, Entry(kpj, posting, sub_account))

    def close(
        self, year: int, rate: int = FIVE_PERCENT, accrual: Accrual = Accrual.MONTHLY
    ) -> ClosedYear:
        """Close a year."""
        terms = ClosingTerms(DevelopmentRate(year, rate, is_published=True), accrual, TODAY, AT)
        return close_year(self.store, terms, lambda _done, _total: None)

    def postings(self, kpj: Kpj) -> list[Row]:
        """Return day, kind and amount of what is booked on an account, by number."""
        return self.store.rows(
            "SELECT posted_on, kind, amount_sen FROM postings WHERE kpj = ? ORDER BY seq",
            (kpj.digits,),
        )

    def balance(self, kpj: Kpj) -> int:
        """Return the running total of an account, in sen."""
        query = "SELECT balance_sen FROM participants WHERE kpj = ?"
        return int(self.store.rows(query, (kpj.digits,))[0][0])

    def differences(self) -> tuple[Difference, ...]:
        """Reconcile."""
        return reconcile(self.store).differences
