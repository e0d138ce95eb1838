"""Amalgamation: several KPJ of one person become one, the first (domain.md 1.5).

Plan: a decision over what the ledger knows of the person's accounts; the booking is
``ledger/amalgamation.py``.
Limits: the first is the account with the earliest posting; accounts without any come
after all others.  Which of two of the same day is the first is the person's choice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus
from atm_switch.domain.money import Money


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the decision sees it."""

    kpj: Kpj
    person: str
    status: MemberStatus
    first_posting: date | None
    balance: Money
    merged_into: Kpj | None

    @property
    def can_be_merged(self) -> bool:
        """Whether it still stands by itself."""
        return self.merged_into is None and self.status is not MemberStatus.CLAIMED_OUT


@dataclass(frozen=True, slots=True)
class Amalgamation:
    """What is to be done: ``kept`` takes the balances of ``merged``."""

    kept: Account
    merged: tuple[Account, ...]

    @property
    def status(self) -> MemberStatus:
        """What the kept account is from then on: active where one of them is (assumed)."""
        is_active = any(one.status is MemberStatus.ACTIVE for one in (self.kept, *self.merged))
        return MemberStatus.ACTIVE if is_active else self.kept.status

    @property
    def moved(self) -> Money:
        """What moves in all."""
        return Money(sum(account.balance.sen for account in self.merged))


def decide(accounts: Iterable[Account], kept: Kpj, merged: Sequence[Kpj]) -> Amalgamation:
    """Decide on merging ``merged`` into ``kept``.

    ``accounts`` are those named and every other of the person who holds ``kept``.  Raises
    ``ValueError`` with the reason, the KPJ masked, where it may not be.
    """
    known = {account.kpj: account for account in accounts}
    if not merged or len({kept, *merged}) != len(merged) + 1:
        message = "name the KPJ to keep, then each KPJ to merge into it, every one once"
        raise ValueError(message)
    for kpj in (kept, *merged):
        if kpj not in known:
            raise ValueError(f"the ledger knows no KPJ {kpj.masked}")
        _require_standing(known[kpj], known[kept].person)
    _require_first(known[kept], known.values())
    return Amalgamation(known[kept], tuple(known[kpj] for kpj in merged))


def _require_standing(account: Account, person: str) -> None:
    name = f"KPJ {account.kpj.masked}"
    if account.person != person:
        raise ValueError(f"{name} belongs to another person")
    if account.merged_into is not None:
        raise ValueError(f"{name} was merged before, into {account.merged_into.masked}")
    if account.status is MemberStatus.CLAIMED_OUT:
        raise ValueError(f"{name} is claimed out: there is nothing to merge")


def _require_first(kept: Account, accounts: Iterable[Account]) -> None:
    for account in accounts:
        if account.person == kept.person and account.can_be_merged and _began(account, kept):
            raise ValueError(
                f"KPJ {account.kpj.masked} is older than {kept.kpj.masked}: the first one is kept"
            )


def _began(account: Account, other: Account) -> bool:
    """Tell whether ``account`` began before ``other``."""
    if account.first_posting is None:
        return False
    return other.first_posting is None or account.first_posting < other.first_posting
