"""Proof that the totals are the sum of the postings; every difference is named, none mended.

Plan: the database compares set with set in one snapshot, and only what differs comes here.
Limits: it reads every posting, some minutes for a nation; inquiries go on meanwhile.  At most
``DIFFERENCES_MAX`` of each kind are listed; the count is of all.
"""

from dataclasses import dataclass
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.store import Store

DIFFERENCES_MAX: Final = 100

_PARTS = "contributions_sen, adjustments_sen, development_sen, claims_sen, postings"
_SUMMED = """
SELECT kpj, year,
       CAST(sum(CASE kind WHEN 'contribution' THEN amount_sen ELSE 0 END) AS BIGINT)
           AS contributions_sen,
       CAST(sum(CASE kind WHEN 'adjustment' THEN amount_sen ELSE 0 END) AS BIGINT)
           AS adjustments_sen,
       CAST(sum(CASE kind WHEN 'development' THEN amount_sen ELSE 0 END) AS BIGINT)
           AS development_sen,
       CAST(sum(CASE kind WHEN 'claim' THEN amount_sen ELSE 0 END) AS BIGINT) AS claims_sen,
       count(*) AS postings
FROM postings GROUP BY kpj, year
"""
_YEARS = f"""
SELECT kpj, year, {_PARTS} FROM ({_SUMMED}) AS summed
EXCEPT SELECT kpj, year, {_PARTS} FROM year_totals
"""  # noqa: S608 - constants
_YEARS_TOO_MANY = f"""
SELECT kpj, year, {_PARTS} FROM year_totals
EXCEPT SELECT kpj, year, {_PARTS} FROM ({_SUMMED}) AS summed
"""  # noqa: S608 - constants
_ACCOUNTS = """
SELECT coalesce(held.kpj, summed.kpj), held.balance_sen, summed.balance_sen,
       held.postings, summed.postings
FROM account_totals AS held
FULL OUTER JOIN (
    SELECT kpj, count(*) AS years, CAST(sum(postings) AS BIGINT) AS postings,
           CAST(sum(contributions_sen + adjustments_sen + development_sen + claims_sen) AS BIGINT)
               AS balance_sen
    FROM year_totals GROUP BY kpj
) AS summed ON summed.kpj = held.kpj
WHERE held.kpj IS NULL OR summed.kpj IS NULL
   OR held.balance_sen <> summed.balance_sen OR held.postings <> summed.postings
ORDER BY 1
"""
_ORPHANS = """
SELECT kpj, balance_sen FROM account_totals
WHERE NOT EXISTS (SELECT 1 FROM participants WHERE participants.kpj = account_totals.kpj)
ORDER BY 1
"""
_MERGED = """
SELECT kpj, balance_sen FROM account_totals JOIN participants USING (kpj)
WHERE merged_into IS NOT NULL AND balance_sen <> 0 ORDER BY 1
"""
_NEGATIVE = "SELECT kpj, balance_sen FROM account_totals WHERE balance_sen < 0 ORDER BY 1"
_NUMBERS = "SELECT (SELECT seq FROM last_posting), coalesce(max(seq), 0), count(*) FROM postings"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the books do not agree; the KPJ masked, amounts in sen."""

    kind: str
    kpj: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was compared, how many differences there are in all, and the first of each kind."""

    accounts: int
    postings: int
    count: int
    differences: tuple[Difference, ...]


def reconcile(store: Store) -> Reconciliation:
    """Compare postings with totals, accounts with participants.  Raises ``Refused``."""
    with store.snapshot():
        found = [
            *_years(store),
            *_accounts(store),
            *_alone(store, "account without participant", _ORPHANS),
            *_alone(store, "merged account with a balance", _MERGED),
            *_alone(store, "balance below zero", _NEGATIVE),
        ]
        last, highest, postings = store.rows(_NUMBERS)[0]
        if last < highest:
            found.append(Difference("last posting number", "", str(highest), str(last)))
        accounts = store.rows("SELECT count(*) FROM account_totals")[0][0]
    return Reconciliation(accounts, postings, len(found), _first_of_each(found))


def _years(store: Store) -> list[Difference]:
    wanted = {(row[0], row[1]): row[2:] for row in store.rows(_YEARS)}
    held = {(row[0], row[1]): row[2:] for row in store.rows(_YEARS_TOO_MANY)}
    return [
        Difference(
            f"totals of {year}",
            Kpj(kpj).masked,
            _parts(wanted.get((kpj, year))),
            _parts(held.get((kpj, year))),
        )
        for kpj, year in sorted(wanted.keys() | held.keys())
    ]


def _accounts(store: Store) -> list[Difference]:
    return [
        Difference(
            "running total",
            Kpj(kpj).masked,
            f"{summed} sen, {summed_count} posting(s)",
            f"{held} sen, {held_count} posting(s)",
        )
        for kpj, held, summed, held_count, summed_count in store.rows(_ACCOUNTS)
    ]


def _alone(store: Store, kind: str, query: str) -> list[Difference]:
    rows = store.rows(query)
    return [Difference(kind, Kpj(kpj).masked, "none", f"{balance} sen") for kpj, balance in rows]


def _parts(row: tuple[int, ...] | None) -> str:
    if row is None:
        return "none"
    names = ("contributions", "adjustments", "development", "claims", "posting(s)")
    return ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))


def _first_of_each(found: list[Difference]) -> tuple[Difference, ...]:
    shown: dict[str, int] = {}
    kept = []
    for one in found:
        kind = "totals" if one.kind.startswith("totals of") else one.kind
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= DIFFERENCES_MAX:
            kept.append(one)
    return tuple(kept)
