"""Typed rows into the ledger's tables, one class for each kind of file.

Plan: participants and cards are set as their row says.  Postings are only ever added, so
they wait in a temporary table until the whole import is read; what would take an account
below zero is found there, before it is booked.
Limits: call within one transaction of the caller's.  What waits holds no PAN and no NIK.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.money import Money
from atm_switch.domain.statement import PostingKind
from atm_switch.ledger.csv_values import BadCell, CardRow, ParticipantRow, PostingRow
from atm_switch.security.vault import NONCE_BYTES, Vault

UNKNOWN_KPJ: Final = "no participant has this KPJ"

_STAGE: Final = """
CREATE TEMPORARY TABLE staged (
    seq INTEGER PRIMARY KEY, kpj TEXT, posted_on TEXT, kind TEXT, amount_sen INTEGER,
    import_id INTEGER, line INTEGER
)
"""
_OVERDRAWN: Final = """
WITH touched AS (SELECT DISTINCT kpj FROM staged WHERE amount_sen < 0),
totals AS (
    SELECT kpj,
           (SELECT sum(amount_sen) FROM staged WHERE staged.kpj = touched.kpj)
           + coalesce((SELECT balance_sen FROM account_totals AS a WHERE a.kpj = touched.kpj), 0)
           AS total
    FROM touched
)
SELECT kpj, total FROM totals WHERE total < 0 ORDER BY kpj
"""
_TAKEN_LARGEST_FIRST: Final = """
SELECT seq, posted_on, kind, amount_sen, import_id, line FROM staged
WHERE kpj = ? AND amount_sen < 0 ORDER BY amount_sen, seq DESC
"""
_NUMBERS: Final = """
UPDATE last_posting SET seq = seq + (SELECT count(*) FROM staged)
RETURNING seq - (SELECT count(*) FROM staged)
"""
_BOOK: Final = """
INSERT INTO postings (year, kpj, seq, posted_on, kind, amount_sen, import_id)
SELECT CAST(substr(posted_on, 1, 4) AS BIGINT), kpj, ? + row_number() OVER (ORDER BY kpj, seq),
       posted_on, kind, amount_sen, import_id
FROM staged ORDER BY 1, kpj, seq
"""
_YEARS: Final = """
INSERT INTO year_totals AS held
SELECT kpj, CAST(substr(posted_on, 1, 4) AS BIGINT) AS year,
       CAST(sum(CASE kind WHEN 'contribution' THEN amount_sen ELSE 0 END) AS BIGINT),
       CAST(sum(CASE kind WHEN 'adjustment' THEN amount_sen ELSE 0 END) AS BIGINT),
       CAST(sum(CASE kind WHEN 'development' THEN amount_sen ELSE 0 END) AS BIGINT),
       CAST(sum(CASE kind WHEN 'claim' THEN amount_sen ELSE 0 END) AS BIGINT),
       count(*), max(CASE kind WHEN 'contribution' THEN posted_on END)
FROM staged WHERE true GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (kpj, year) DO UPDATE SET
    contributions_sen = held.contributions_sen + excluded.contributions_sen,
    adjustments_sen = held.adjustments_sen + excluded.adjustments_sen,
    development_sen = held.development_sen + excluded.development_sen,
    claims_sen = held.claims_sen + excluded.claims_sen,
    postings = held.postings + excluded.postings,
    last_contribution = CASE
        WHEN held.last_contribution >= excluded.last_contribution THEN held.last_contribution
        ELSE coalesce(excluded.last_contribution, held.last_contribution) END
"""
_ACCOUNTS: Final = """
INSERT INTO account_totals AS held
SELECT kpj, CAST(sum(amount_sen) AS BIGINT), count(*), min(posted_on),
       max(CASE kind WHEN 'contribution' THEN posted_on END)
FROM staged WHERE true GROUP BY 1 ORDER BY 1
ON CONFLICT (kpj) DO UPDATE SET
    balance_sen = held.balance_sen + excluded.balance_sen,
    postings = held.postings + excluded.postings,
    first_posting = CASE WHEN held.first_posting <= excluded.first_posting
        THEN held.first_posting ELSE excluded.first_posting END,
    last_contribution = CASE
        WHEN held.last_contribution >= excluded.last_contribution THEN held.last_contribution
        ELSE coalesce(excluded.last_contribution, held.last_contribution) END
"""
_LINK: Final = """
INSERT INTO cards (pan_digest, key_id, kpj, expiry, pvv, pvki, status, consent_on, linked_on)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pan_digest) DO UPDATE SET
    key_id = excluded.key_id, kpj = excluded.kpj, expiry = excluded.expiry,
    pvv = excluded.pvv, pvki = excluded.pvki, status = excluded.status,
    consent_on = excluded.consent_on, linked_on = excluded.linked_on
"""


@unique
class Change(Enum):
    """What a row did to the ledger."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def nik_purpose(kpj: Kpj) -> str:
    """Return what ``nik_sealed`` is bound to, so that no row's NIK passes for another's."""
    return f"nik {kpj.digits}"


class ParticipantsTable:
    """Adds and updates participants; the NIK is hashed and sealed on the way in."""

    def __init__(
        self, connection: sqlite3.Connection, vault: Vault, nonce: Callable[[int], bytes]
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._nonce = nonce

    def apply(self, row: ParticipantRow) -> Change:
        """Set a participant.  Raises ``BadCell`` where the KPJ is another person's."""
        person = self._vault.person_ref(row.nik)
        facts = (row.name, row.birth_date.isoformat(), row.segment.value, row.status.value)
        found = self._connection.execute(
            "SELECT person, name, birth_date, segment, status FROM participants WHERE kpj = ?",
            (row.kpj.digits,),
        ).fetchone()
        if found is None:
            self._add(row, person, facts)
            return Change.ADDED
        if found[0] != person:
            raise BadCell("nik", "this KPJ belongs to another NIK")
        if found[1:] == facts:
            return Change.UNCHANGED
        self._connection.execute(
            "UPDATE participants SET name = ?, birth_date = ?, segment = ?, status = ?"
            " WHERE kpj = ?",
            (*facts, row.kpj.digits),
        )
        return Change.UPDATED

    def _add(self, row: ParticipantRow, person: str, facts: tuple[str, ...]) -> None:
        sealed = self._vault.seal(
            nik_purpose(row.kpj), row.nik.digits.encode(), self._nonce(NONCE_BYTES)
        )
        self._connection.execute(
            "INSERT INTO participants"
            " (kpj, person, nik_sealed, name, birth_date, segment, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.kpj.digits, person, sealed, *facts),
        )


@dataclass(frozen=True, slots=True)
class Overdrawing:
    """A posting that would take its account below zero, as its file had it."""

    import_id: int
    line: int
    cells: tuple[str, str, str, str]


class PostingsTable:
    """Holds postings back until all are read, then books those that may be."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the waiting place, which ends with the connection."""
        self._connection = connection
        self._known = ""
        connection.execute(_STAGE)

    def stage(self, row: PostingRow, import_id: int, line: int) -> None:
        """Hold a posting.  Raises ``BadCell`` for a KPJ nobody has."""
        kpj = row.kpj.digits
        if kpj != self._known:  # files are mostly sorted by account
            require_participant(self._connection, row.kpj)
            self._known = kpj
        self._connection.execute(
            "INSERT INTO staged (kpj, posted_on, kind, amount_sen, import_id, line)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (kpj, row.posted_on.isoformat(), row.kind.value, row.amount.sen, import_id, line),
        )

    def overdrawings(self) -> Iterator[Overdrawing]:
        """Yield and take back, largest first, then last, what would leave an account below zero."""
        self._connection.execute("CREATE INDEX staged_by_kpj ON staged (kpj, amount_sen)")
        for kpj, total in self._connection.execute(_OVERDRAWN).fetchall():
            lacking = -total
            taken = self._connection.execute(_TAKEN_LARGEST_FIRST, (kpj,)).fetchall()
            for seq, day, kind, sen, import_id, line in taken:
                if lacking <= 0:
                    break
                lacking += sen
                self._connection.execute("DELETE FROM staged WHERE seq = ?", (seq,))
                amount = Money(-sen if kind == PostingKind.CLAIM.value else sen)
                yield Overdrawing(import_id, line, (kpj, day, kind, amount.plain()))

    def book(self) -> None:
        """Book what waits, account by account, and what it adds to the totals."""
        before = self._connection.execute(_NUMBERS).fetchall()[0][0]
        self._connection.execute(_BOOK, (before,))
        self._connection.execute(_YEARS)
        self._connection.execute(_ACCOUNTS)


class CardsTable:
    """Links cards by the keyed hash of their PAN; the PAN itself goes nowhere."""

    def __init__(self, connection: sqlite3.Connection, vault: Vault, today: date) -> None:
        self._connection = connection
        self._vault = vault
        self._today = today.isoformat()

    def apply(self, row: CardRow) -> Change:
        """Set a card's link.  Raises ``BadCell`` for a KPJ nobody has.

        Consent is recorded today, but a consent to the same KPJ that still stands keeps
        its day.
        """
        require_participant(self._connection, row.kpj)
        ref = self._vault.card_ref(row.pan)
        facts = (
            ref.key_id,
            row.kpj.digits,
            row.expiry.yymm,
            row.pvv,
            row.pvki,
            row.status.value,
        )
        found = self._connection.execute(
            "SELECT key_id, kpj, expiry, pvv, pvki, status, consent_on FROM cards"
            " WHERE pan_digest = ?",
            (ref.digest,),
        ).fetchone()
        consent = found[-1] if found and found[1] == row.kpj.digits else None
        if consent and found[:-1] == facts:
            return Change.UNCHANGED
        self._connection.execute(_LINK, (ref.digest, *facts, consent or self._today, self._today))
        return Change.UPDATED if found else Change.ADDED


def require_participant(connection: sqlite3.Connection, kpj: Kpj) -> None:
    """Raise ``BadCell`` for a KPJ nobody has."""
    query = "SELECT 1 FROM participants WHERE kpj = ?"
    if connection.execute(query, (kpj.digits,)).fetchone() is None:
        raise BadCell("kpj", UNKNOWN_KPJ)
