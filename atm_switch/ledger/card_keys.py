"""Cards moved to a new card key while inquiries go on.

Plan: the PAN is nowhere kept, so the new hash is made of the old one.  Walked in the order of
the old hashes, some hundred cards a transaction; a card is under the old key or the new, and
the switch looks for both.  Interrupted, the next run goes on with what is left.
Limits: a switch that does not know the new key yet would not find what has moved: whoever
calls makes sure that it does.
"""

from collections.abc import Callable
from typing import Final

from atm_switch.domain.member import CardRef
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault

CARDS_AT_ONCE: Final = 500

_OLDER: Final = """
SELECT pan_digest, key_id FROM cards WHERE key_id <> ? AND pan_digest > ?
ORDER BY pan_digest LIMIT ?
"""
_MOVE: Final = "UPDATE cards SET pan_digest = ?, key_id = ? WHERE pan_digest = ?"


def cards_behind(store: Store, vault: Vault) -> int:
    """Count the cards that are not under the newest card key."""
    query = "SELECT count(*) FROM cards WHERE key_id <> ?"
    return int(store.rows(query, (vault.card_key_ids[0],))[0][0])


def cards_linked(store: Store) -> int:
    """Count the cards, under whichever key."""
    return int(store.rows("SELECT count(*) FROM cards")[0][0])


def move_cards(store: Store, vault: Vault, tell: Callable[[int], None]) -> int:
    """Move every card to the newest card key and return how many were moved.

    ``tell`` hears after each transaction how many were moved so far.  Raises ``Refused``,
    and ``ValueError`` for a card under a key the vault does not have; what was moved stays.
    """
    newest, moved, last = vault.card_key_ids[0], 0, b""
    while True:
        with store.transaction():
            rows = store.rows(_OLDER, (newest, last, CARDS_AT_ONCE))
            refs = [CardRef(str(key_id), bytes(digest)) for digest, key_id in rows]
            fresh = [vault.newest_ref(ref) for ref in refs]
            store.change_many(
                _MOVE,
                [
                    (new.digest, new.key_id, old.digest)
                    for new, old in zip(fresh, refs, strict=True)
                ],
            )
        if not refs:
            return moved
        moved, last = moved + len(refs), refs[-1].digest
        tell(moved)
