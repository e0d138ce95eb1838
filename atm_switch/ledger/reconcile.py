"""Proof that the totals are the sum of the postings; every difference is named, none mended.

Plan: the database compares in one snapshot the year's totals with the postings and the
running totals with those of the years, and only what differs comes here.  What a closing came
to is the sum of the last developments of its year, as many as it counted: from its beginning
the year takes nothing else.
Limits: it reads every posting, some minutes for a nation; inquiries go on meanwhile.  At most
``DIFFERENCES_MAX`` of each kind are listed; the count is of all.
By what rate and accrual a closing went is its own word; what those give for each account is
computed anew where that is asked for (``recomputing.py``), as long as the closings took.  A forged
count passes with the sum of so many of the last developments, for the others may be the desk's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from atm_switch.domain.mask import mask_kpj
from atm_switch.ledger.closing_rule import OF_CLOSING
from atm_switch.ledger.differences import Difference, Tally
from atm_switch.ledger.recomputing import recompute
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_sqlite import interruptible

_PARTS: Final = (
    "contributions_sen",
    "adjustments_sen",
    "development_sen",
    "claims_sen",
    "postings",
)

# In the order of the table, so that the database never sorts what it sums.  Why NOT EXISTS: beyond
# what it will hash, some 200,000 reversals, PostgreSQL goes through all of them for each posting
# for NOT IN.  Why it says of a reversal that it reverses something: what is hashed is only those.
_SUMMED: Final = """
SELECT year, kpj,
       CAST(sum(CASE kind WHEN 'contribution' THEN amount_sen ELSE 0 END) AS BIGINT)
           AS contributions_sen,
       CAST(sum(CASE kind WHEN 'adjustment' THEN amount_sen ELSE 0 END) AS BIGINT)
           AS adjustments_sen,
       CAST(sum(CASE kind WHEN 'development' THEN amount_sen ELSE 0 END) AS BIGINT)
           AS development_sen,
       CAST(sum(CASE kind WHEN 'claim' THEN amount_sen ELSE 0 END) AS BIGINT) AS claims_sen,
       count(*) AS postings,
       max(CASE WHEN kind = 'contribution' AND reverses IS NULL AND NOT EXISTS (
               SELECT 1 FROM postings AS taken
               WHERE taken.reverses IS NOT NULL AND taken.reverses = postings.seq
           ) THEN posted_on END) AS last_contribution
FROM postings GROUP BY year, kpj
"""
_YEARS: Final = f"""
SELECT summed.kpj, summed.year,
       {", ".join(f"summed.{part}" for part in _PARTS)}, summed.last_contribution,
       {", ".join(f"held.{part}" for part in _PARTS)}, held.last_contribution
FROM ({_SUMMED}) AS summed
LEFT JOIN year_totals AS held ON held.kpj = summed.kpj AND held.year = summed.year
WHERE held.kpj IS NULL
   OR {" OR ".join(f"held.{part} <> summed.{part}" for part in _PARTS)}
   OR coalesce(held.last_contribution, '') <> coalesce(summed.last_contribution, '')
"""  # noqa: S608 - constants
_YEARS_TOO_MANY: Final = """
SELECT kpj, year, contributions_sen, adjustments_sen, development_sen, claims_sen, postings,
       last_contribution
FROM year_totals WHERE NOT EXISTS (
    SELECT 1 FROM postings
    WHERE postings.year = year_totals.year AND postings.kpj = year_totals.kpj
)
"""
_ACCOUNTS: Final = """
SELECT summed.kpj, summed.balance_sen, summed.postings, summed.first_posting,
       summed.last_contribution, summed.last_year,
       held.balance_sen, held.postings, held.first_posting, held.last_contribution,
       held.last_year
FROM (
    SELECT kpj, postings, balance_sen, last_contribution, last_year,
           (SELECT min(posted_on) FROM postings
            WHERE postings.year = years.first_year AND postings.kpj = years.kpj) AS first_posting
    FROM (
        SELECT kpj, min(year) AS first_year, max(year) AS last_year,
               CAST(sum(postings) AS BIGINT) AS postings,
               CAST(sum(contributions_sen + adjustments_sen + development_sen + claims_sen)
                    AS BIGINT) AS balance_sen,
               max(last_contribution) AS last_contribution
        FROM year_totals GROUP BY kpj
    ) AS years
) AS summed JOIN participants AS held ON held.kpj = summed.kpj
WHERE held.balance_sen <> summed.balance_sen
   OR held.postings <> summed.postings
   OR coalesce(held.first_posting, '') <> coalesce(summed.first_posting, '')
   OR coalesce(held.last_contribution, '') <> coalesce(summed.last_contribution, '')
   OR coalesce(held.last_year, 0) <> summed.last_year
"""
_ACCOUNTS_TOO_MANY: Final = """
SELECT kpj, balance_sen, postings, first_posting, last_contribution, last_year
FROM participants
WHERE (balance_sen <> 0 OR postings <> 0 OR first_posting IS NOT NULL
       OR last_contribution IS NOT NULL OR last_year IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM year_totals WHERE year_totals.kpj = participants.kpj)
"""
_ORPHANS: Final = """
SELECT DISTINCT kpj, 0 FROM (
    SELECT kpj FROM year_totals UNION SELECT kpj FROM postings GROUP BY year, kpj
) AS booked
WHERE NOT EXISTS (SELECT 1 FROM participants WHERE participants.kpj = booked.kpj)
"""
_REVERSALS: Final = """
SELECT taken.kpj, taken.seq FROM postings AS taken
LEFT JOIN postings AS first ON first.kpj = taken.kpj AND first.seq = taken.reverses
     AND first.year IN (SELECT year FROM year_totals WHERE year_totals.kpj = taken.kpj)
WHERE taken.reverses IS NOT NULL AND (
    first.seq IS NULL OR first.kind <> taken.kind OR first.amount_sen <> -taken.amount_sen
)
"""
_MISDATED: Final = """
SELECT kpj, seq FROM postings WHERE year <> CAST(substr(posted_on, 1, 4) AS BIGINT)
"""
_MERGED: Final = """
SELECT kpj, balance_sen FROM participants
WHERE merged_into IS NOT NULL AND balance_sen <> 0
"""
_MERGED_NOWHERE: Final = """
SELECT gone.kpj, 0 FROM participants AS gone
JOIN participants AS kept ON kept.kpj = gone.merged_into
WHERE kept.merged_into IS NOT NULL OR kept.person <> gone.person
"""
_NEGATIVE: Final = "SELECT kpj, balance_sen FROM participants WHERE balance_sen < 0"
# Of the two sub-accounts one may not be paid from the other; most postings are of the main one.
_SUB_ACCOUNTS: Final = """
SELECT extra.kpj,
       CASE WHEN extra.sen < 0 THEN extra.sen ELSE held.balance_sen - extra.sen END
FROM (
    SELECT kpj, CAST(sum(amount_sen) AS BIGINT) AS sen FROM postings
    WHERE sub_account <> 'main' GROUP BY kpj
) AS extra JOIN participants AS held ON held.kpj = extra.kpj
WHERE extra.sen < 0 OR held.balance_sen < extra.sen
"""
# Only the closed years, which is none of what was imported before the first closing.
_CLOSED: Final = f"""
SELECT year, count(*), CAST(sum(amount_sen) AS BIGINT) FROM postings AS p
WHERE year IN (SELECT year FROM closed_years) AND {OF_CLOSING} GROUP BY year
"""  # noqa: S608 - constants
_CLOSINGS: Final = "SELECT year, accounts, development_sen FROM closed_years ORDER BY year"
# The desk books developments, too, but none once the closing has begun: the desk's are the first.
# They are few, and so many are kept in order; the closing's may be forty million.
_BEFORE_CLOSING: Final = f"""
SELECT count(*), CAST(coalesce(sum(amount_sen), 0) AS BIGINT) FROM (
    SELECT amount_sen FROM postings AS p WHERE year = ? AND {OF_CLOSING}
    ORDER BY seq LIMIT ?
) AS first
"""  # noqa: S608 - constants


_NUMBERS: Final = """
SELECT (SELECT seq FROM last_posting), coalesce(max(seq), 0), count(*) FROM postings
"""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was compared, how many differences there are in all, and the first of each kind."""

    accounts: int
    postings: int
    count: int
    differences: tuple[Difference, ...]


Progress = Callable[[int, int, str], None]
"""Told which proof begins, of how many, and its name."""


def _unheard(_number: int, _count: int, _name: str) -> None:
    """Hear and forget."""


def reconcile(
    store: Store, progress: Progress = _unheard, *, recomputes: bool = False
) -> Reconciliation:
    """Compare postings with totals, accounts with participants.  Raises ``Refused``.

    ``recomputes``: whether what closings booked is computed anew, account by account.
    Ctrl-C ends it at once, in the midst of a statement too.
    """
    proofs = (*_PROOFS, *_RECOMPUTED) if recomputes else _PROOFS
    tally = Tally()
    with interruptible(store), store.snapshot():
        for number, (name, differing) in enumerate(proofs, 1):
            progress(number, len(proofs) + 1, name)
            for one in differing(store):
                tally.take(one)
        progress(len(proofs) + 1, len(proofs) + 1, "numbers of the postings")
        last, highest, postings = store.rows(_NUMBERS)[0]
        accounts = store.rows("SELECT count(*) FROM participants WHERE postings > 0")[0][0]
    if not last == highest == postings:
        got = f"last number {last}, {postings} posting(s)"
        tally.take(Difference("numbers", "", f"1 to {max(last, highest)} without a gap", got))
    return Reconciliation(accounts, postings, tally.count, tuple(tally.first))


def _years(store: Store) -> Iterator[Difference]:
    width = len(_PARTS) + 1
    for kpj, year, *cells in store.rows(_YEARS):
        held = None if cells[-2] is None else cells[width:]
        yield Difference(
            f"totals of {year}", mask_kpj(kpj), _year_text(cells[:width]), _year_text(held)
        )
    for kpj, year, *cells in store.rows(_YEARS_TOO_MANY):
        yield Difference(f"totals of {year}", mask_kpj(kpj), "none", _year_text(cells))


def _accounts(store: Store) -> Iterator[Difference]:
    for kpj, *cells in store.rows(_ACCOUNTS):
        summed, held = _total_text(cells[:5]), _total_text(cells[5:])
        yield Difference("running total", mask_kpj(kpj), summed, held)
    for kpj, *cells in store.rows(_ACCOUNTS_TOO_MANY):
        yield Difference("running total", mask_kpj(kpj), "none", _total_text(cells))


def _closings(store: Store) -> Iterator[Difference]:
    """Compare what each closing came to with what it booked, as far as it has come."""
    booked = {year: (count, sen) for year, count, sen in store.rows(_CLOSED)}
    for year, accounts, sen in store.rows(_CLOSINGS):
        held, summed = (accounts, sen), booked.get(year, (0, 0))
        if held != summed and 0 <= accounts < summed[0]:
            ((count, before),) = store.rows(_BEFORE_CLOSING, (year, summed[0] - accounts))
            summed = summed[0] - count, summed[1] - before
        if held != summed:
            yield Difference(f"closing of {year}", "", _closing_text(*summed), _closing_text(*held))


def _recomputed(store: Store) -> Iterator[Difference]:
    for one in recompute(store):
        ought, booked = (
            "none" if sen is None else f"development {sen}" for sen in (one.ought, one.booked)
        )
        yield Difference(f"closing's development of {one.year}", mask_kpj(one.kpj), ought, booked)


def _each(
    kind: str, query: str, expected: str, got: str
) -> Callable[[Store], Iterator[Difference]]:
    def differing(store: Store) -> Iterator[Difference]:
        for kpj, value in store.rows(query):
            yield Difference(kind, mask_kpj(kpj), expected, got.format(value))

    return differing


_PROOFS: Final[tuple[tuple[str, Callable[[Store], Iterable[Difference]]], ...]] = (
    ("totals of the years", _years),
    ("running totals", _accounts),
    ("closings", _closings),
    *(
        (each[0], _each(*each))
        for each in (
            ("booked on no participant", _ORPHANS, "a participant", "none"),
            ("merged account", _MERGED, "0 sen", "{} sen"),
            ("merged account's way", _MERGED_NOWHERE, "a standing account", "none"),
            ("balance", _NEGATIVE, "not below 0 sen", "{} sen"),
            ("sub-account", _SUB_ACCOUNTS, "not below 0 sen", "{} sen"),
            ("reversal", _REVERSALS, "its opposite", "posting {} without it"),
            ("posting's year", _MISDATED, "that of its day", "posting {}"),
        )
    ),
)


_RECOMPUTED: Final = (("developments of closed years, computed anew", _recomputed),)


def _year_text(cells: Sequence[object] | None) -> str:
    if cells is None:
        return "none"
    names = ("contributions", "adjustments", "development", "claims", "postings", "last paid")
    return ", ".join(f"{name} {value}" for name, value in zip(names, cells, strict=True))


def _total_text(cells: Sequence[object]) -> str:
    names = ("balance", "postings", "first", "last paid", "last year")
    return ", ".join(f"{name} {value}" for name, value in zip(names, cells, strict=True))


def _closing_text(accounts: int, sen: int) -> str:
    return f"accounts {accounts}, development {sen}"
