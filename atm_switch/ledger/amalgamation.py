"""Merge several KPJ of one person into the first, in one transaction.

Plan: the rule is ``domain/amalgamation.py``.  What each sub-account of a merged account holds
moves by a pair of adjustments today, what is dated ahead on its own day; its cards lead to
the kept one, it is inactive and says where it went.  What it earned and no closing has booked
moves when its year is closed (``closing.py``), on 1 January of the next; from that day on the
kept account's statement holds it, estimated.
Limits: until 1 January the estimate is short of what was earned this year before the merger.
"""

from datetime import date

from atm_switch.domain.amalgamation import Account, Amalgamation, decide
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import MemberStatus
from atm_switch.domain.money import Money
from atm_switch.ledger.corrections import Moved, Witness, transfer
from atm_switch.ledger.open_years import take_turn
from atm_switch.ledger.store import Row, Store

_ACCOUNTS = """
SELECT kpj, person, status, first_posting, balance_sen, merged_into FROM participants
WHERE kpj = ? OR person = (SELECT person FROM participants WHERE kpj = ?)
ORDER BY kpj
"""
_MOVED = """
SELECT sub_account, CASE WHEN posted_on > ? THEN posted_on ELSE ? END AS day,
       CAST(sum(amount_sen) AS BIGINT)
FROM postings WHERE year IN (SELECT year FROM year_totals WHERE kpj = ?) AND kpj = ?
GROUP BY 1, 2 HAVING sum(amount_sen) <> 0 ORDER BY 1, 2
"""


def amalgamate(
    store: Store, kept: Kpj, merged: tuple[Kpj, ...], today: date, witness: Witness
) -> Amalgamation:
    """Merge ``merged`` into ``kept``; ``witness`` hears how many before it is durable.

    Raises ``Refused`` where the rule does not allow it; nothing is changed then.
    """
    with store.transaction():
        take_turn(store)
        accounts = {
            account.kpj: account for kpj in (kept, *merged) for account in _accounts(store, kpj)
        }
        try:
            decided = decide(accounts.values(), kept, merged)
        except ValueError as error:
            raise Refused(f"{error}; nothing was changed") from None
        for account in decided.merged:
            _merge(store, account, kept, today)
        store.change(
            "UPDATE participants SET status = ? WHERE kpj = ?",
            (decided.status.value, kept.digits),
        )
        witness(len(merged))
    return decided


def _merge(store: Store, account: Account, kept: Kpj, today: date) -> None:
    gone = account.kpj.digits
    day = today.isoformat()
    moved = [
        Moved(sub_account, date.fromisoformat(on), Money(sen))
        for sub_account, on, sen in store.rows(_MOVED, (day, day, gone, gone))
    ]
    transfer(store, account.kpj, kept, moved)
    store.change(
        "UPDATE participants SET merged_into = ?, merged_on = ?, status = ? WHERE kpj = ?",
        (kept.digits, today.isoformat(), MemberStatus.INACTIVE.value, gone),
    )
    # Whoever was merged into this one follows it, so that the way is never two steps long.
    store.change(
        "UPDATE participants SET merged_into = ? WHERE merged_into = ?", (kept.digits, gone)
    )
    store.change("UPDATE cards SET kpj = ? WHERE kpj = ?", (kept.digits, gone))


def _accounts(store: Store, kpj: Kpj) -> list[Account]:
    return [_account(row) for row in store.rows(_ACCOUNTS, (kpj.digits, kpj.digits))]


def _account(row: Row) -> Account:
    digits, person, status, first, balance, merged_into = row
    return Account(
        Kpj(digits),
        person,
        MemberStatus(status),
        date.fromisoformat(first) if first else None,
        Money(balance),
        Kpj(merged_into) if merged_into else None,
    )
