"""Cards moved to a new card key while inquiries go on.

Plan: the PAN is nowhere kept, so the new hash is made of the old one.  Walked in the order of
the old hashes, some hundred cards a transaction; a card is under the old key or the new, and
the switch looks for both.  Interrupted, the next run goes on with what is left.
A card that is linked under the newest key already is not moved onto that link: it stays where
it is, and ``linked_twice`` names it, for somebody must choose.
Limits: a switch that does not know the new key yet would not find what has moved: whoever
calls makes sure that it does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.member import CardRef
from atm_switch.ledger.store import Row, Store
from atm_switch.security.vault import Vault

CARDS_AT_ONCE: Final = 500

_OLDER: Final = """
SELECT pan_digest, key_id FROM cards WHERE key_id <> ? AND pan_digest > ?
ORDER BY pan_digest LIMIT ?
"""
_MOVE: Final = "UPDATE cards SET pan_digest = ?, key_id = ? WHERE pan_digest = ?"
_LINK: Final = "SELECT kpj, expiry, linked_on, unlinked_on FROM cards WHERE pan_digest = ?"


@dataclass(frozen=True, slots=True)
class LinkedTwice:
    """A card under an older key and the newest: what may be shown of either link."""

    older: str
    newer: str


def cards_behind(store: Store, vault: Vault) -> int:
    """Count the cards that are not under the newest card key."""
    query = "SELECT count(*) FROM cards WHERE key_id <> ?"
    return int(store.rows(query, (vault.card_key_ids[0],))[0][0])


def cards_linked(store: Store) -> int:
    """Count the cards, under whichever key."""
    return int(store.rows("SELECT count(*) FROM cards")[0][0])


def move_cards(store: Store, vault: Vault, tell: Callable[[int], None]) -> int:
    """Move every card to the newest card key and return how many were moved.

    But for those linked twice.  ``tell`` hears after each transaction how many were moved so
    far.  Raises ``Refused``, and ``ValueError`` for a card under a key the vault does not have;
    what was moved stays.
    """
    newest, moved, last = vault.card_key_ids[0], 0, b""
    while True:
        with store.transaction():
            refs = _older(store, newest, last, CARDS_AT_ONCE)
            fresh = [vault.newest_ref(ref) for ref in refs]
            taken = _taken(store, fresh)
            moves = []
            for new, old in zip(fresh, refs, strict=True):
                if new.digest not in taken:
                    taken.add(new.digest)
                    moves.append((new.digest, new.key_id, old.digest))
            store.change_many(_MOVE, moves)
        if not refs:
            return moved
        moved, last = moved + len(moves), refs[-1].digest
        tell(moved)


def linked_twice(store: Store, vault: Vault, count: int) -> tuple[LinkedTwice, ...]:
    """Return ``count`` cards, or all there are, whose newest hash has a link of its own.

    Ask after ``move_cards``, which leaves them behind.  Raises as that does.
    """
    found = []
    for ref in _older(store, vault.card_key_ids[0], b"", count):
        older = store.rows(_LINK, (ref.digest,))
        newer = store.rows(_LINK, (vault.newest_ref(ref).digest,))
        if older and newer:
            found.append(LinkedTwice(_shown(older[0]), _shown(newer[0])))
    return tuple(found)


def _older(store: Store, newest: str, after: bytes, count: int) -> list[CardRef]:
    rows = store.rows(_OLDER, (newest, after, count))
    return [CardRef(str(key_id), bytes(digest)) for digest, key_id in rows]


def _taken(store: Store, refs: Sequence[CardRef]) -> set[bytes]:
    """Return which of these hashes have a link."""
    if not refs:
        return set()
    marks = ", ".join("?" * len(refs))
    query = f"SELECT pan_digest FROM cards WHERE pan_digest IN ({marks})"  # noqa: S608 - marks
    return {bytes(digest) for (digest,) in store.rows(query, [ref.digest for ref in refs])}


def _shown(link: Row) -> str:
    kpj, expiry, linked_on, unlinked_on = link
    unlinked = f", unlinked on {unlinked_on}" if unlinked_on else ""
    return f"KPJ {Kpj(kpj).masked}, expiry {expiry}, linked on {linked_on}{unlinked}"
