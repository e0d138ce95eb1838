"""Staged cards into the registry, judged rows left out.

Plan: one by one, for a card may move to a new key on the way.  A file brings the card's
facts; what was said at the officer's desk stays: consent withdrawn, a block, a replacement,
and, unless a person asks for it, an unlinking.  Whatever a row would have undone is told.
Limits: call within the transaction that books, after ``csv_judging.py``.  A block that a file
brings holds, whatever was said before; a later file lifts it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from atm_switch.domain.member import CardStatus
from atm_switch.ledger.csv_judged import not_judged
from atm_switch.ledger.csv_staging import LINE_BITS
from atm_switch.ledger.csv_tables import Change, Tell
from atm_switch.ledger.store import Row, Store

_ROWS_AT_ONCE: Final = 2_000
_DIGEST_BYTES: Final = 32
_CARDS: Final = f"""
SELECT n, digest, key_id, former, masked, kpj, expiry, pvv, pvki, status
FROM atm_switch_staging.cards AS c WHERE n > ? AND {not_judged("c")} ORDER BY n LIMIT ?
"""  # noqa: S608 - a constant
_CARD: Final = """
SELECT key_id, kpj, expiry, pvv, pvki, status,
       consent_on, withdrawn_on, blocked_on, replaced_on, unlinked_on
FROM cards WHERE pan_digest = ?
"""
_HOLD: Final = "FOR UPDATE"
"""Behind ``_CARD`` on PostgreSQL: a block said at the desk meanwhile comes before or after."""
_MOVE: Final = """
UPDATE cards SET pan_digest = ?, key_id = ?
WHERE pan_digest = ? AND NOT EXISTS (SELECT 1 FROM cards AS newer WHERE newer.pan_digest = ?)
"""
_LINK: Final = """
INSERT INTO cards (key_id, kpj, expiry, pvv, pvki, status, consent_on, linked_on, pan_digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE: Final = """
UPDATE cards SET key_id = ?, kpj = ?, expiry = ?, pvv = ?, pvki = ?, status = ?,
    consent_evidence = CASE WHEN coalesce(consent_on, '') = coalesce(CAST(? AS TEXT), '')
                       THEN consent_evidence END,
    consent_on = ?, linked_on = ?, unlinked_on = NULL
WHERE pan_digest = ?
"""


@dataclass(frozen=True, slots=True)
class LinkedRow:
    """A row of the file as it was linked; ``stays``: what it could not undo, in words."""

    n: int
    masked: str
    pvv: str
    pvki: str
    stays: tuple[str, ...]


Look = Callable[[LinkedRow], None]


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of a card already."""

    facts: Row
    """Key id, KPJ, expiry, PVV, PVKI, status."""
    consent_on: str | None
    withdrawn_on: str | None
    blocked_on: str | None
    replaced_on: str | None
    unlinked_on: str | None

    def consent_for(self, kpj: str, today: str) -> str | None:
        """The day of the owner's consent; what was not given or taken back stays so."""
        if self.consent_on is None:
            return None
        return self.consent_on if kpj == self.facts[1] else today

    def status_for(self, status: str) -> str:
        """The status; what was blocked at the desk stays blocked."""
        is_kept = self.blocked_on is not None or self.replaced_on is not None
        return CardStatus.BLOCKED.value if is_kept else status

    def stays(self, status: str) -> Iterator[str]:
        """Say what a row of a file with ``status`` does not undo."""
        if self.consent_on is None:
            when = f"was withdrawn on {self.withdrawn_on}" if self.withdrawn_on else "is not there"
            yield f"consent {when} and stays so until atm-switch cards consent --given"
        if self.replaced_on is not None:
            yield f"it was replaced on {self.replaced_on} and stays blocked"
        elif self.status_for(status) != status:
            yield f"it was blocked on {self.blocked_on} and stays so until atm-switch cards unblock"


def link_staged(store: Store, today: date, tell: Tell, look: Look, *, relink: bool = False) -> None:
    """Link cards, in the order of their rows, and let ``look`` see each.

    Consent is recorded today, but a consent to the same KPJ that still stands keeps its day.
    A card that was unlinked is linked again with ``relink`` only.
    """
    after = -1
    while rows := store.rows(_CARDS, (after, _ROWS_AT_ONCE)):
        for after, digest, key_id, former, masked, *facts in rows:
            _move(store, digest, key_id, former)
            change, stays = _link(store, digest, (key_id, *facts), today.isoformat(), relink=relink)
            tell(after >> LINE_BITS, change, 1)
            look(LinkedRow(after, masked, facts[2], facts[3], stays))


def _move(store: Store, digest: bytes, key_id: str, former: bytes) -> None:
    """Bring a card to the newest key, where the card key is being changed."""
    for at in range(0, len(former), _DIGEST_BYTES):
        older = bytes(former[at : at + _DIGEST_BYTES])
        store.change(_MOVE, (digest, key_id, older, digest))


def _link(
    store: Store, digest: bytes, facts: Row, today: str, *, relink: bool
) -> tuple[Change, tuple[str, ...]]:
    found = store.rows(_CARD + _HOLD if store.is_postgres else _CARD, (digest,))
    if not found:
        store.change(_LINK, (*facts, today, today, digest))
        return Change.ADDED, ()
    held = _Held(found[0][:6], *found[0][6:])
    if held.unlinked_on is not None and not relink:
        told = f"it was unlinked on {held.unlinked_on} and stays so; --relink links it again"
        return Change.UNCHANGED, (told,)
    status = str(facts[-1])
    wanted = (*facts[:-1], held.status_for(status))
    consent = held.consent_for(str(facts[1]), today)
    stays = tuple(held.stays(status))
    if held.unlinked_on is None and (held.facts, held.consent_on) == (wanted, consent):
        return Change.UNCHANGED, stays
    store.change(_UPDATE, (*wanted, consent, consent, today, digest))
    return Change.UPDATED, stays
