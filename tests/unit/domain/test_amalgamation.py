"""Which KPJ may be merged into which: the person's own, into the first."""

from dataclasses import replace
from datetime import date

import pytest

from atm_switch.domain.amalgamation import Account, decide
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus
from atm_switch.domain.money import Money

OLD, NEW, EMPTY = (Kpj(f"1234567890{digit}") for digit in "123")
FIRST = Account(OLD, "a", MemberStatus.ACTIVE, date(2010, 1, 1), Money(500), None)
SECOND = Account(NEW, "a", MemberStatus.INACTIVE, date(2015, 1, 1), Money(300), None)
THIRD = Account(EMPTY, "a", MemberStatus.ACTIVE, None, Money(0), None)


@pytest.mark.parametrize(
    ("kept", "gone", "becomes"),
    [("N", "A", "A"), ("A", "N", "A"), ("N", "N", "N")],
)
def test_kept_account_is_active_where_one_is(kept: str, gone: str, becomes: str) -> None:
    """
    Who is paid for under a later KPJ goes on under the first.
    """
    accounts = (
        replace(FIRST, status=MemberStatus(kept)),
        replace(SECOND, status=MemberStatus(gone)),
    )

    decided = decide(accounts, OLD, (NEW,))

    assert MemberStatus(becomes) is decided.status


def test_later_accounts_merge_into_first() -> None:
    """
    The first account takes the balances of the others, one without postings too.
    """
    decided = decide([SECOND, THIRD, FIRST], OLD, [NEW, EMPTY])

    assert (FIRST, (SECOND, THIRD)) == (decided.kept, decided.merged)
    assert Money(300) == decided.moved


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (replace(SECOND, person="b"), "belongs to another person"),
        (replace(SECOND, merged_into=EMPTY), r"merged before, into \*{7}8903"),
        (replace(SECOND, status=MemberStatus.CLAIMED_OUT), "claimed out"),
        (replace(SECOND, first_posting=date(2009, 12, 31)), "is older than"),
    ],
)
def test_unfit_account_is_refused_with_reason(second: Account, reason: str) -> None:
    """
    Another person's, a merged, a claimed-out and an older account are refused.
    """
    with pytest.raises(ValueError, match=reason):
        decide([FIRST, second], OLD, [NEW])


def test_older_account_not_named_is_the_first() -> None:
    """
    The kept one must be the first of all the person's, not only of those named.
    """
    with pytest.raises(ValueError, match=r"\*{7}8901 is older than \*{7}8902"):
        decide([FIRST, SECOND, THIRD], NEW, [EMPTY])


@pytest.mark.parametrize(
    "older", [replace(FIRST, status=MemberStatus.CLAIMED_OUT), replace(FIRST, merged_into=NEW)]
)
def test_account_that_ended_is_no_first(older: Account) -> None:
    """
    A claimed-out or merged account does not count as the first.
    """
    assert NEW == decide([older, SECOND, THIRD], NEW, [EMPTY]).kept.kpj


@pytest.mark.parametrize("merged", [[], [OLD], [NEW, NEW]])
def test_every_account_is_named_once(merged: list[Kpj]) -> None:
    """
    Nothing to merge, the kept one itself and a repeated one are refused.
    """
    with pytest.raises(ValueError, match="every one once"):
        decide([FIRST, SECOND], OLD, merged)


def test_unknown_account_is_refused_masked() -> None:
    """
    A KPJ the ledger does not know is named by its mask.
    """
    with pytest.raises(ValueError, match=r"knows no KPJ \*{7}8903"):
        decide([FIRST], OLD, [EMPTY])
