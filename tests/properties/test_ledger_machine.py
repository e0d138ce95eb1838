"""Whatever is imported, posted, taken back, merged and closed, the books agree.

The model is the movements of each account and the numbers of its postings; the ledger is the
real one on SQLite.  After every step the totals are the sums of the postings and the
balances the model's, and closing a year, one after the other, changes no balance of today.
"""

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from atm_switch.domain.accrual import Accrual, DevelopmentRate
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind, is_last_day
from atm_switch.domain.statement import draw_up
from atm_switch.ledger.amalgamation import amalgamate
from atm_switch.ledger.closing import ClosingTerms, close_year
from atm_switch.ledger.corrections import Entry, post, reverse
from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.ledger.reconcile import reconcile
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.doubles.ledger_bench import BUDIS_NIK, LedgerBench
from tests.doubles.rates import flat

KPJS = tuple(Kpj(f"1234567890{digit}") for digit in "1234")
FIRST_YEAR, THIS_YEAR = 2023, 2025
TODAY = date(THIS_YEAR, 6, 30)
AT = datetime(THIS_YEAR, 6, 30, 5, 0, tzinfo=UTC)

accounts = st.sampled_from(KPJS)
days = st.dates(date(FIRST_YEAR, 1, 1), TODAY)
amounts = st.integers(1, 10**6).map(Money)


def is_years_end(kind: PostingKind, day: date) -> bool:
    """Tell a year's development."""
    return kind is PostingKind.DEVELOPMENT and is_last_day(day)


class Books(RuleBasedStateMachine):
    """A ledger under everything that writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = LedgerBench(Path(self.folder.name))
        self.bench.participants(
            "".join(f"{kpj.digits},{BUDIS_NIK},BUDI,1985-03-12,PU,A\n" for kpj in KPJS)
        )
        self.store = SqliteStore(self.bench.path)
        self.reader = SqliteLedger(self.bench.path)
        self.moved: dict[Kpj, list[tuple[date, int]]] = {kpj: [] for kpj in KPJS}
        self.posted: list[tuple[Kpj, int, date, int, PostingKind]] = []
        self.merged: set[Kpj] = set()
        self.next_year = FIRST_YEAR
        self.files = 0

    def takes(self, kpj: Kpj, day: date, sen: int, kind: PostingKind) -> bool:
        """Tell whether the model would let this posting be."""
        developed = self.developed(kpj)
        is_free = (
            day.year not in developed
            if is_years_end(kind, day)
            else day.year > max(developed, default=0)
        )
        return day.year >= self.next_year and is_free and self.has_room(kpj, day, sen)

    def has_room(self, kpj: Kpj, day: date, sen: int) -> bool:
        """Tell whether an account is there and no day ends below zero."""
        return kpj not in self.merged and (sen > 0 or self.least(kpj, day) + sen >= 0)

    def developed(self, kpj: Kpj) -> set[int]:
        """Return the years whose development was posted and stands."""
        return {
            day.year
            for of, _, day, _, kind in self.posted
            if of == kpj and is_years_end(kind, day)
        }  # fmt: skip

    def least(self, kpj: Kpj, since: date) -> int:
        """Return the lowest an account stands at the end of any day from one on."""
        days = {since, *(day for day, _ in self.moved[kpj] if day > since)}
        return min(sum(sen for on, sen in self.moved[kpj] if on <= day) for day in days)

    @rule(kpj=accounts, day=days, amount=amounts, kind=st.sampled_from(PostingKind))
    def one_posting(self, kpj: Kpj, day: date, amount: Money, kind: PostingKind) -> None:
        """It is booked exactly where the model lets it."""
        signed = -amount if kind is PostingKind.CLAIM else amount
        try:
            number = post(self.store, Entry(kpj, Posting(day, kind, signed)))
        except Refused:
            assert not self.takes(kpj, day, signed.sen, kind)
            return
        assert self.takes(kpj, day, signed.sen, kind)
        self.moved[kpj].append((day, signed.sen))
        self.posted.append((kpj, number, day, signed.sen, kind))

    @rule(kpj=accounts, amount=amounts)
    def one_file(self, kpj: Kpj, amount: Money) -> None:
        """An import of a posting of this year."""
        if kpj in self.merged:
            return
        self.files += 1
        rows = f"{kpj.digits},{TODAY},contribution,{amount.plain()}\n" * self.files
        self.bench.postings(rows, again=True)
        self.moved[kpj].append((TODAY, self.files * amount.sen))

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def one_taken_back(self, data: st.DataObject) -> None:
        """A posting is taken back once, unless a day would end below zero."""
        chosen = data.draw(st.sampled_from(self.posted))
        kpj, number, day, sen, kind = chosen
        is_earned = is_years_end(kind, day)
        is_open = day.year >= self.next_year and (
            is_earned or day.year not in self.developed(kpj)
        )  # fmt: skip
        dated = day if is_open else TODAY
        # The development of its year is so much less.
        is_spent = kind is PostingKind.DEVELOPMENT and not is_open and not is_earned
        try:
            reverse(self.store, kpj, number, TODAY)
        except Refused:
            assert is_spent or not self.has_room(kpj, dated, -sen)
            return
        assert not is_spent
        assert self.has_room(kpj, dated, -sen)
        self.posted.remove(chosen)
        self.moved[kpj].append((dated, -sen))

    @rule(kept=accounts, gone=accounts)
    def one_merger(self, kept: Kpj, gone: Kpj) -> None:
        """Where it may be, the balance moves whole."""
        try:
            amalgamate(self.store, kept, (gone,), TODAY, lambda _: None)
        except Refused:
            return
        balance = self.balance(gone)
        self.moved[kept].append((TODAY, balance))
        self.moved[gone].append((TODAY, -balance))
        self.merged.add(gone)

    @precondition(lambda self: self.next_year < THIS_YEAR)
    @rule(accrual=st.sampled_from(Accrual))
    def one_year_closed(self, accrual: Accrual) -> None:
        """Closed twice, it adds what it says, once; not where a later development rests on it."""
        rate = DevelopmentRate(self.next_year, 5_000, is_published=True)
        terms = ClosingTerms(rate, accrual, TODAY, AT)
        before, told = sum(map(self.balance, KPJS)), self.told(accrual)
        if not any(day.year <= self.next_year for moved in self.moved.values() for day, _ in moved):
            with pytest.raises(Refused, match="nothing was booked"):
                close_year(self.store, terms, lambda _done, _total: None)
            return
        if any(
            is_years_end(kind, day) and day.year > self.next_year
            for _, _, day, _, kind in self.posted
        ):  # fmt: skip
            with pytest.raises(Refused, match="rests on"):
                close_year(self.store, terms, lambda _done, _total: None)
            return

        closed = close_year(self.store, terms, lambda _done, _total: None)
        again = close_year(self.store, terms, lambda _done, _total: None)

        assert closed.development == again.development
        assert told == self.told(accrual)
        self.next_year += 1
        for kpj in KPJS:
            rows = self.store.rows(
                "SELECT posted_on, amount_sen FROM postings WHERE kpj = ?", (kpj.digits,)
            )
            self.moved[kpj] = [(date.fromisoformat(day), sen) for day, sen in rows]
        assert before + closed.development.sen == sum(map(self.balance, KPJS))

    def told(self, accrual: Accrual) -> list[Money]:
        """Draw up today's balance of whoever was not merged away."""
        found = [self.reader.account(kpj, TODAY) for kpj in KPJS if kpj not in self.merged]
        return [draw_up(one[1], TODAY, flat(5_000), accrual).closing for one in found if one]

    def balance(self, kpj: Kpj) -> int:
        """Sum an account."""
        return sum(sen for _, sen in self.moved[kpj])

    @invariant()
    def totals_are_the_sums(self) -> None:
        """Nothing differs, no day ends below zero, and the reader's sums are the balance."""
        assert () == reconcile(self.store, recomputes=True).differences
        assert all(self.least(kpj, date(FIRST_YEAR, 1, 1)) >= 0 for kpj in KPJS)
        for kpj in KPJS:
            found = self.reader.account(kpj, date(THIS_YEAR, 12, 31))
            assert found is not None
            history = found[1]
            assert self.balance(kpj) == history.opening.sen + sum(
                p.amount.sen for p in history.postings
            )

    def teardown(self) -> None:
        """Close the files."""
        self.reader.close()
        self.store.close()
        self.folder.cleanup()


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
