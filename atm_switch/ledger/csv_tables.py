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
from atm_switch.domain.mask import mask_kpj
from atm_switch.domain.money import Money
from atm_switch.domain.statement import PostingKind
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.csv_values import BadCell, CardRow, ParticipantRow, PostingRow
from atm_switch.ledger.open_years import last_closed
from atm_switch.ledger.store_sqlite import SqliteStore
from atm_switch.security.vault import NONCE_BYTES, Vault

UNKNOWN_KPJ: Final = "no participant has this KPJ"

_OVERDRAWN: Final = """
WITH touched AS (SELECT DISTINCT kpj FROM waiting WHERE amount_sen < 0),
totals AS (
    SELECT kpj,
           (SELECT sum(amount_sen) FROM waiting WHERE waiting.kpj = touched.kpj)
           + coalesce((SELECT balance_sen FROM account_totals AS a WHERE a.kpj = touched.kpj), 0)
           AS total
    FROM touched
)
SELECT kpj, total FROM totals WHERE total < 0 ORDER BY kpj
"""
_TAKEN_LARGEST_FIRST: Final = """
SELECT seq, posted_on, kind, amount_sen, import_id, line FROM waiting
WHERE kpj = ? AND amount_sen < 0 ORDER BY amount_sen, seq DESC
"""
_MOVE: Final = "UPDATE OR IGNORE cards SET pan_digest = ?, key_id = ? WHERE pan_digest = ?"
_LINK: Final = """
INSERT INTO cards (pan_digest, key_id, kpj, expiry, pvv, pvki, status, consent_on, linked_on)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pan_digest) DO UPDATE SET
    key_id = excluded.key_id, kpj = excluded.kpj, expiry = excluded.expiry,
    pvv = excluded.pvv, pvki = excluded.pvki, status = excluded.status,
    consent_on = excluded.consent_on, linked_on = excluded.linked_on,
    consent_evidence = NULL, withdrawn_on = NULL, unlinked_on = NULL, replaced_on = NULL
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

    def __init__(self, store: SqliteStore) -> None:
        """Make the waiting place, which ends with the connection."""
        self._store = store
        self._connection = store.connection
        self._known = ""
        self._count = 0
        self._closed_to = last_closed(store)
        open_waiting(store)

    def stage(self, row: PostingRow, import_id: int, line: int) -> None:
        """Hold a posting.  Raises ``BadCell`` for a KPJ nobody has, and for a closed year."""
        kpj, year = row.kpj.digits, row.posted_on.year
        if year <= self._closed_to:
            raise BadCell("posted_on", f"the year {year} is closed; book it in the running year")
        if kpj != self._known:  # files are mostly sorted by account
            require_participant(self._connection, row.kpj)
            self._known = kpj
        self._count += 1
        day, kind, sen = row.posted_on.isoformat(), row.kind.value, row.amount.sen
        self._connection.execute(
            "INSERT INTO waiting (seq, kpj, posted_on, kind, amount_sen, import_id, line)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._count, kpj, day, kind, sen, import_id, line),
        )

    def overdrawings(self) -> Iterator[Overdrawing]:
        """Yield and take back, largest first, then last, what would leave an account below zero."""
        self._connection.execute("CREATE INDEX waiting_by_kpj ON waiting (kpj, amount_sen)")
        for kpj, total in self._connection.execute(_OVERDRAWN).fetchall():
            lacking = -total
            taken = self._connection.execute(_TAKEN_LARGEST_FIRST, (kpj,)).fetchall()
            for seq, day, kind, sen, import_id, line in taken:
                if lacking <= 0:
                    break
                lacking += sen
                self._connection.execute("DELETE FROM waiting WHERE seq = ?", (seq,))
                amount = Money(-sen if kind == PostingKind.CLAIM.value else sen)
                yield Overdrawing(import_id, line, (kpj, day, kind, amount.plain()))

    def book(self) -> None:
        """Book what waits, account by account, and what it adds to the totals."""
        book(self._store)


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
        ref, *former = self._vault.card_refs(row.pan)
        for older in former:  # the card key is being changed: one card, one row
            self._connection.execute(_MOVE, (ref.digest, ref.key_id, older.digest))
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
            " WHERE pan_digest = ? AND unlinked_on IS NULL",
            (ref.digest,),
        ).fetchone()
        consent = found[-1] if found and found[1] == row.kpj.digits else None
        if consent and found[:-1] == facts:
            return Change.UNCHANGED
        self._connection.execute(_LINK, (ref.digest, *facts, consent or self._today, self._today))
        return Change.UPDATED if found else Change.ADDED


def require_participant(connection: sqlite3.Connection, kpj: Kpj) -> None:
    """Raise ``BadCell`` for a KPJ nobody has, or one that was merged into another."""
    query = "SELECT merged_into FROM participants WHERE kpj = ?"
    found = connection.execute(query, (kpj.digits,)).fetchone()
    if found is None:
        raise BadCell("kpj", UNKNOWN_KPJ)
    if found[0] is not None:
        raise BadCell("kpj", f"this KPJ was merged into {mask_kpj(found[0])}; use that one")
