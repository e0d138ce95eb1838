"""The postings of one account with their numbers, so that one of them can be taken back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import Money
from atm_switch.domain.posting import PostingKind
from atm_switch.ledger.store import Store

_LISTED = """
SELECT one.seq, one.posted_on, one.kind, one.amount_sen, one.sub_account, one.reverses,
       other.seq
FROM postings AS one LEFT JOIN postings AS other ON other.reverses = one.seq
WHERE one.year = ? AND one.kpj = ? ORDER BY one.posted_on, one.seq
"""
_ADDITIONAL = """
SELECT CAST(coalesce(sum(amount_sen), 0) AS BIGINT) FROM postings
WHERE year IN (SELECT year FROM year_totals WHERE kpj = ?) AND kpj = ?
  AND sub_account = 'additional' AND posted_on <= ?
"""


@dataclass(frozen=True, slots=True)
class ListedPosting:
    """One posting: its number, what it takes back, and the number that took it back."""

    number: int
    posted_on: date
    kind: PostingKind
    amount: Money
    sub_account: str
    reverses: int | None
    reversed_by: int | None


def list_postings(store: Store, kpj: Kpj, year: int) -> Iterator[ListedPosting]:
    """Yield the postings of one year by day.  Raises ``Refused`` as ``Store`` does."""
    for number, day, kind, sen, *rest in store.rows(_LISTED, (year, kpj.digits)):
        yield ListedPosting(number, date.fromisoformat(day), PostingKind(kind), Money(sen), *rest)


def additional_account(store: Store, kpj: Kpj, day: date) -> Money:
    """Return what the additional account (UU P2SK art. 188) holds of a balance on ``day``.

    Its postings only: no source says how the development is split.
    """
    (sen,) = store.rows(_ADDITIONAL, (kpj.digits, kpj.digits, day.isoformat()))[0]
    return Money(sen)


def merged_into(store: Store, kpj: Kpj) -> Kpj | None:
    """Return the KPJ an account was merged into; ``None`` where it stands by itself."""
    found = store.rows("SELECT merged_into FROM participants WHERE kpj = ?", (kpj.digits,))
    return Kpj(found[0][0]) if found and found[0][0] else None


def years_posted(store: Store, kpj: Kpj) -> tuple[int, ...]:
    """Return the years that have postings.  Raises ``Refused`` for an unknown KPJ, too."""
    if not store.rows("SELECT 1 FROM participants WHERE kpj = ?", (kpj.digits,)):
        raise Refused("the ledger knows no such KPJ; import it with atm-switch ledger import")
    found = store.rows("SELECT year FROM year_totals WHERE kpj = ? ORDER BY year", (kpj.digits,))
    return tuple(year for (year,) in found)
