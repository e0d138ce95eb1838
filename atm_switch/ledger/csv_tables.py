"""Typed rows into the ledger's tables, one class for each kind of file.

Plan: rows come by the hundred, so that a database across the network is asked seldom.
Participants and cards are set as their row says.  Postings are only ever added, so
they wait in a temporary table until the whole import is read; what would take an account
below zero is found there, before it is booked.
Limits: call within one transaction of the caller's.  What waits holds no PAN and no NIK.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from typing import Any, Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.mask import mask_kpj
from atm_switch.domain.money import Money
from atm_switch.domain.statement import PostingKind
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.csv_values import BadCell, CardRow, ParticipantRow, PostingRow
from atm_switch.ledger.open_years import last_closed
from atm_switch.ledger.store import Store, Value
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
KPJ_AT_ONCE: Final = 500
_PARTICIPANTS: Final = (
    "SELECT kpj, person, name, birth_date, segment, status FROM participants WHERE kpj IN"
)
_MERGED: Final = "SELECT kpj, merged_into FROM participants WHERE kpj IN"
_PARTICIPANT_COLUMNS: Final = (
    "kpj", "person", "nik_sealed", "name", "birth_date", "segment", "status",
)  # fmt: skip
_UPDATE_PARTICIPANT: Final = (
    "UPDATE participants SET name = ?, birth_date = ?, segment = ?, status = ? WHERE kpj = ?"
)
_WAITING_COLUMNS: Final = (
    "seq", "kpj", "posted_on", "kind", "amount_sen", "import_id", "line",
)  # fmt: skip
_CARD: Final = """
SELECT key_id, kpj, expiry, pvv, pvki, status, consent_on FROM cards
WHERE pan_digest = ? AND unlinked_on IS NULL
"""
_MOVE: Final = """
UPDATE cards SET pan_digest = ?, key_id = ?
WHERE pan_digest = ? AND NOT EXISTS (SELECT 1 FROM cards AS newer WHERE newer.pan_digest = ?)
"""
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


Outcome = Change | BadCell
"""What became of one row."""


def nik_purpose(kpj: Kpj) -> str:
    """Return what ``nik_sealed`` is bound to, so that no row's NIK passes for another's."""
    return f"nik {kpj.digits}"


class ParticipantsTable:
    """Adds and updates participants; the NIK is hashed and sealed on the way in."""

    def __init__(self, store: Store, vault: Vault, nonce: Callable[[int], bytes]) -> None:
        self._store = store
        self._vault = vault
        self._nonce = nonce

    def apply(self, rows: Sequence[ParticipantRow]) -> list[Outcome]:
        """Set participants, in order; a KPJ that is another person's is a ``BadCell``."""
        known = _found(self._store, _PARTICIPANTS, [row.kpj.digits for row in rows])
        fresh: dict[str, tuple[Value, ...]] = {}
        changed: dict[str, tuple[str, ...]] = {}
        outcomes: list[Outcome] = []
        for row in rows:
            kpj, person = row.kpj.digits, self._vault.person_ref(row.nik)
            facts = (row.name, row.birth_date.isoformat(), row.segment.value, row.status.value)
            held = known.get(kpj)
            if held is not None and held[0] != person:
                outcomes.append(BadCell("nik", "this KPJ belongs to another NIK"))
                continue
            known[kpj] = (person, *facts)
            if held is None:
                fresh[kpj] = (kpj, person, self._sealed(row), *facts)
                outcomes.append(Change.ADDED)
            elif held[1:] == facts:
                outcomes.append(Change.UNCHANGED)
            else:
                changed[kpj] = facts
                outcomes.append(Change.UPDATED)
        self._store.load("participants", _PARTICIPANT_COLUMNS, list(fresh.values()))
        self._store.change_many(
            _UPDATE_PARTICIPANT, [(*facts, kpj) for kpj, facts in changed.items()]
        )
        return outcomes

    def _sealed(self, row: ParticipantRow) -> bytes:
        nonce = self._nonce(NONCE_BYTES)
        return self._vault.seal(nik_purpose(row.kpj), row.nik.digits.encode(), nonce)


@dataclass(frozen=True, slots=True)
class Overdrawing:
    """A posting that would take its account below zero, as its file had it."""

    import_id: int
    line: int
    cells: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class StagedPosting:
    """A posting and the place it came from."""

    row: PostingRow
    import_id: int
    line: int


class PostingsTable:
    """Holds postings back until all are read, then books those that may be."""

    def __init__(self, store: Store) -> None:
        """Make the waiting place, which ends with the connection."""
        self._store = store
        self._count = 0
        self._closed_to = last_closed(store)
        open_waiting(store)

    def apply(self, rows: Sequence[StagedPosting]) -> list[Outcome]:
        """Hold postings; a KPJ nobody has, and a closed year, are a ``BadCell``."""
        judged = _judged(self._store, [one.row.kpj for one in rows])
        outcomes: list[Outcome] = []
        held: list[tuple[Value, ...]] = []
        for one in rows:
            row = one.row
            kpj, year = row.kpj.digits, row.posted_on.year
            if year <= self._closed_to:
                reason = f"the year {year} is closed; book it in the running year"
                outcomes.append(BadCell("posted_on", reason))
                continue
            fault = judged[kpj]
            if fault is not None:
                outcomes.append(fault)
                continue
            self._count += 1
            day, kind, sen = row.posted_on.isoformat(), row.kind.value, row.amount.sen
            held.append((self._count, kpj, day, kind, sen, one.import_id, one.line))
            outcomes.append(Change.ADDED)
        self._store.load("waiting", _WAITING_COLUMNS, held)
        return outcomes

    def overdrawings(self) -> Iterator[Overdrawing]:
        """Yield and take back, largest first, then last, what would leave an account below zero."""
        self._store.change("CREATE INDEX waiting_by_kpj ON waiting (kpj, amount_sen)")
        for kpj, total in self._store.rows(_OVERDRAWN):
            lacking = -total
            taken = self._store.rows(_TAKEN_LARGEST_FIRST, (kpj,))
            for seq, day, kind, sen, import_id, line in taken:
                if lacking <= 0:
                    break
                lacking += sen
                self._store.change("DELETE FROM waiting WHERE seq = ?", (seq,))
                amount = Money(-sen if kind == PostingKind.CLAIM.value else sen)
                yield Overdrawing(import_id, line, (kpj, day, kind, amount.plain()))

    def book(self) -> None:
        """Book what waits, account by account, and what it adds to the totals."""
        book(self._store)


class CardsTable:
    """Links cards by the keyed hash of their PAN; the PAN itself goes nowhere."""

    def __init__(self, store: Store, vault: Vault, today: date) -> None:
        self._store = store
        self._vault = vault
        self._today = today.isoformat()

    def apply(self, rows: Sequence[CardRow]) -> list[Outcome]:
        """Set cards' links, in order; a KPJ nobody has is a ``BadCell``.

        Consent is recorded today, but a consent to the same KPJ that still stands keeps
        its day.
        """
        judged = _judged(self._store, [row.kpj for row in rows])
        return [judged[row.kpj.digits] or self._link(row) for row in rows]

    def _link(self, row: CardRow) -> Change:
        ref, *former = self._vault.card_refs(row.pan)
        for older in former:  # the card key is being changed: one card, one row
            self._store.change(_MOVE, (ref.digest, ref.key_id, older.digest, ref.digest))
        facts = (ref.key_id, row.kpj.digits, row.expiry.yymm, row.pvv, row.pvki, row.status.value)
        found = next(iter(self._store.rows(_CARD, (ref.digest,))), None)
        consent = found[-1] if found and found[1] == row.kpj.digits else None
        if found and consent and found[:-1] == facts:
            return Change.UNCHANGED
        self._store.change(_LINK, (ref.digest, *facts, consent or self._today, self._today))
        return Change.UPDATED if found else Change.ADDED


def _judged(store: Store, kpjs: Sequence[Kpj]) -> dict[str, BadCell | None]:
    """Tell of each KPJ why nothing can be put there; ``None`` where it can."""
    known = _found(store, _MERGED, [kpj.digits for kpj in kpjs])
    return {kpj.digits: _fault(known.get(kpj.digits)) for kpj in kpjs}


def _fault(found: tuple[Any, ...] | None) -> BadCell | None:
    if found is None:
        return BadCell("kpj", UNKNOWN_KPJ)
    if found[0] is not None:
        return BadCell("kpj", f"this KPJ was merged into {mask_kpj(found[0])}; use that one")
    return None


def _found(store: Store, query: str, kpjs: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Look participants up by the hundred; the query ends in ``IN``."""
    found: dict[str, tuple[Any, ...]] = {}
    distinct = list(dict.fromkeys(kpjs))
    for at in range(0, len(distinct), KPJ_AT_ONCE):
        part = distinct[at : at + KPJ_AT_ONCE]
        places = ", ".join("?" * len(part))
        found |= {row[0]: row[1:] for row in store.rows(f"{query} ({places})", part)}
    return found
