"""What is asked of PostgreSQL for many inquiries at once, and how its rows are read.

Plan: the first column of every row is the place of its question in the batch.  Each question
looks for its own row (LATERAL, which OFFSET 0 keeps the server from undoing): a statement is
planned once, and joined as suits a small table it would go through all of one that has grown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from atm_switch.domain.card import Expiry
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import (
    CardRef,
    LinkedCard,
    Participant,
    card_status_of,
    segment_of,
    status_of,
)
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, last_contribution, posting_kind
from atm_switch.domain.statement import AccountHistory
from atm_switch.domain.unclosed import Unclosed
from atm_switch.ledger.standing import CLOSED, is_development, last_developed

CARDS: Final = """
SELECT asked.at, kpj, expiry, status, consent_on, pvv, pvki
FROM unnest($1::bigint[], $2::bytea[], $3::text[]) AS asked (at, digest, key_id)
CROSS JOIN LATERAL (
    SELECT * FROM cards
    WHERE cards.pan_digest = asked.digest AND cards.key_id = asked.key_id
      AND cards.unlinked_on IS NULL
    OFFSET 0
) AS held
"""
SIBLINGS: Final = """
SELECT asked.at, other.kpj
FROM unnest($1::bigint[], $2::text[]) AS asked (at, kpj)
CROSS JOIN LATERAL (
    SELECT participants.person FROM participants WHERE participants.kpj = asked.kpj OFFSET 0
) AS mine
CROSS JOIN LATERAL (
    SELECT participants.kpj FROM participants
    WHERE participants.person = mine.person AND participants.merged_into IS NULL
    OFFSET 0
) AS other
ORDER BY asked.at, other.kpj <> asked.kpj, other.kpj
"""
_LISTED: Final = """
SELECT array_agg(posted_on ORDER BY posted_on, seq) AS days,
       array_agg(kind ORDER BY posted_on, seq) AS kinds,
       array_agg(amount_sen ORDER BY posted_on, seq) AS sens,
       array_agg(seq ORDER BY posted_on, seq) AS numbers,
       array_agg(reverses ORDER BY posted_on, seq) AS reversed
FROM postings
"""
_STANDING: Final = """
CASE WHEN one.merged_into IS NULL THEN (
    SELECT count(*) FROM participants AS other
    WHERE other.person = one.person AND other.merged_into IS NULL
) ELSE 0 END
"""
"""How many KPJ that stand the person has; 0 of one that stands no more."""
_BOOKS: Final = f"""
SELECT asked.at, one.kpj, {{flag}}, {_STANDING},
       one.person, one.name, one.segment, one.status,
       one.balance_sen, one.postings, since.sen, since.postings,
       moved.days, moved.kinds, moved.sens, moved.numbers, moved.reversed,
       earlier.last_contribution, unclosed.since,
       before.days, before.kinds, before.sens, before.numbers, before.reversed
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS asked (at, kpj, as_of, year)
CROSS JOIN LATERAL (
    SELECT * FROM participants WHERE participants.kpj = asked.kpj OFFSET 0
) AS {{shown}}
{{others}}
CROSS JOIN LATERAL (
    SELECT CAST(coalesce(sum(contributions_sen + adjustments_sen + development_sen + claims_sen),
                         0) AS BIGINT) AS sen,
           CAST(coalesce(sum(postings), 0) AS BIGINT) AS postings
    FROM year_totals WHERE year_totals.kpj = one.kpj AND year_totals.year >= asked.year
) AS since
CROSS JOIN LATERAL (
    {_LISTED}
    WHERE postings.year = asked.year AND postings.kpj = one.kpj
      AND postings.posted_on <= asked.as_of
) AS moved
LEFT JOIN LATERAL (
    SELECT last_contribution FROM year_totals
    WHERE year_totals.kpj = one.kpj AND year_totals.year < asked.year
      AND last_contribution IS NOT NULL
    ORDER BY year_totals.year DESC LIMIT 1
) AS earlier ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN {{shown}}.merged_into IS NULL AND NOT EXISTS (
        SELECT 1 FROM closed_years WHERE closed_years.year >= asked.year - 1 AND next_kpj IS NULL
    ) AND NOT EXISTS (
        SELECT 1 FROM postings AS earned
        WHERE earned.year = asked.year - 1 AND earned.kpj = one.kpj
          AND {is_development("earned", of_one=True)}
    ) THEN greatest({CLOSED}, {last_developed("one.kpj")}) END AS since
    OFFSET 0
) AS unclosed
CROSS JOIN LATERAL (
    {_LISTED}
    WHERE unclosed.since IS NOT NULL AND postings.kpj = one.kpj AND postings.year IN (
        SELECT earlier.year FROM year_totals AS earlier
        WHERE earlier.kpj = one.kpj AND earlier.year > unclosed.since AND earlier.year < asked.year
    )
) AS before
"""  # noqa: S608 - a constant
"""``one`` is an account that is asked of, ``shown`` the one whose statement it is for.  CASE has
the last settled year looked for only where the year before is open, OFFSET 0 only once."""
ACCOUNTS: Final = _BOOKS.format(
    shown="one",
    # Not EXISTS, for which the server may rather read all participants once a batch.
    flag="(SELECT 1 FROM participants AS gone WHERE gone.merged_into = asked.kpj LIMIT 1)",
    others="",
)
FAMILIES: Final = _BOOKS.format(
    shown="shown",
    flag="one.merged_on <= asked.as_of",
    others="""
CROSS JOIN LATERAL (
    SELECT shown.*
    UNION ALL SELECT gone.* FROM participants AS gone WHERE gone.merged_into = asked.kpj
) AS one
""",
)
"""Of an account and all merged into it, as of one moment.  Asked where there are any: for every
account it would take the server longer to plan."""

Found = Sequence[Any]
"""A question, then its rows."""


def arrays_of(questions: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Write questions of one kind as the columns their statement takes."""
    lines = [line for at, question in enumerate(questions) for line in _lines(at, question)]
    return [list(column) for column in zip(*lines, strict=True)]


def card_of(found: Found) -> LinkedCard | None:
    """Read a card's link; ``None`` where there is none.  Raises ``ValueError``."""
    (ref, _), *rows = found
    for _, kpj, expiry, status, consent_on, pvv, pvki in rows:
        return LinkedCard(
            ref=ref,
            kpj=Kpj(kpj),
            expiry=Expiry(expiry),
            status=card_status_of(status),
            consent_on=date.fromisoformat(consent_on) if consent_on else None,
            pvv=pvv,
            pvki=pvki,
        )
    return None


def siblings_of(found: Found) -> tuple[Kpj, ...]:
    """Read every KPJ of one person.  Raises ``ValueError``."""
    return tuple(Kpj(kpj) for _, kpj in found[1:])


def account_of(found: Found) -> tuple[Participant, AccountHistory] | None:
    """Read a participant and the history; ``None`` where there is none.  Raises ``ValueError``."""
    (kpj, as_of), *rows = found
    if not rows:
        return None
    _, _, _, count, person, name, segment, status, *books = rows[0]
    participant = Participant(kpj, person, name, segment_of(segment), status_of(status), count)
    return participant, _history(as_of, books)


def has_merged(found: Found) -> bool:
    """Tell whether others were merged into an account: its family is to be asked for then."""
    return len(found) > 1 and bool(found[1][2])


def family_of(found: Found) -> tuple[Participant, AccountHistory] | None:
    """Read a participant and the history with those merged into it.  Raises ``ValueError``."""
    question, *rows = found
    kpj, as_of = question
    account = account_of((question, *[row for row in rows if row[1] == kpj.digits]))
    if account is None:
        return None
    participant, history = account
    gone = tuple(_merged(as_of, row) for row in rows if row[1] != kpj.digits)
    return participant, replace(history, merged=gone)


def _merged(as_of: date, row: Sequence[Any]) -> AccountHistory:
    _, _, has_joined, _, _, _, _, _, *books = row
    history = _history(as_of, books)
    return history if has_joined else replace(history, last_contribution=None)


def _history(as_of: date, books: Sequence[Any]) -> AccountHistory:
    balance, count, since, count_since, *rest = books
    columns, (earlier, settled), before = rest[:5], rest[5:7], rest[7:]
    postings = _posted(columns)
    is_settled = settled is None or settled >= as_of.year - 1
    paid = last_contribution(postings)
    return AccountHistory(
        year=as_of.year,
        opening=Money(balance) - Money(since),
        postings=postings,
        has_postings=bool(count - count_since or postings),
        last_contribution=paid or (date.fromisoformat(earlier) if earlier else None),
        unclosed=None if is_settled else Unclosed(settled, _posted(before)),
    )


def _posted(columns: Sequence[Any]) -> tuple[Posting, ...]:
    return tuple(
        Posting(date.fromisoformat(day), posting_kind(kind), Money(sen), number, reverses)
        for day, kind, sen, number, reverses in zip(*[one or () for one in columns], strict=True)
    )


def _lines(at: int, question: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    first = question[0]
    if isinstance(first, CardRef):
        return [(at, ref.digest, ref.key_id) for ref in (first, *question[1])]
    if len(question) == 1:
        return [(at, first.digits)]
    as_of = question[1]
    return [(at, first.digits, as_of.isoformat(), as_of.year)]
