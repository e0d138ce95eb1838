"""The card key changed under a running switch: a new one laid over the old, then the cards moved.

Plan: two calls.  The first puts the new key into the key file; from the switch's next start
or SIGHUP it looks for cards under either.  The second moves the cards, some hundred at a
time, and refuses to begin while a switch runs that has not read the new key.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from atm_switch.adapters.audit_reader import AuditReader
from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.domain.errors import Refused
from atm_switch.domain.secret import Key
from atm_switch.folder import DataFolder, command_actor
from atm_switch.key_office import record
from atm_switch.ledger.card_keys import cards_behind, move_cards
from atm_switch.ledger.opening import open_store
from atm_switch.security.vault import KEY_BYTES, Entropy
from atm_switch.switch.ports import AuditRecord

SUBJECT = "card key"
ROWS_LOOKED_AT = 100_000

Tell = Callable[[int, int], None]
"""Hears how many cards were moved, and of how many."""


@dataclass(frozen=True, slots=True)
class CardKeyChange:
    """What one call did: ``is_begun`` a new key is there; ``moved`` cards are under it."""

    is_begun: bool
    key_id: str
    moved: int = 0


def change_card_key(folder: DataFolder, entropy: Entropy, tell: Tell) -> CardKeyChange:
    """Begin a change of the card key, or go on with the one begun.

    Raises ``Refused`` where a running switch has not read the new key yet.
    """
    vault = folder.vault()
    with closing(open_store(folder.settings.ledger.url, folder.ledger)) as store:
        behind = cards_behind(store, vault)
        if not behind:
            _tell_audit(folder, "a new one laid over the old")
            vault = folder.change_keys(lambda held: held.with_card_layer(Key(entropy(KEY_BYTES))))
            return CardKeyChange(is_begun=True, key_id=vault.card_key_ids[0])
        _require_read(folder)
        moved = move_cards(store, vault, lambda count: tell(count, behind))
    _tell_audit(folder, f"{moved} cards moved to key {vault.card_key_ids[0]}")
    return CardKeyChange(is_begun=False, key_id=vault.card_key_ids[0], moved=moved)


def _require_read(folder: DataFolder) -> None:
    """See that no switch runs, or that it has started or read its keys since the change began."""
    try:
        lock_folder(folder.root)()
    except Refused:
        with closing(AuditReader(folder.journal)) as reader:
            last = reader.last_sequence()
            rows = reader.since(max(0, last - ROWS_LOOKED_AT), ROWS_LOOKED_AT)
        begun = max((row.seq for row in rows if row.subject == SUBJECT), default=0)
        if not any(row.seq > begun and _has_read(row.kind, row.detail) for row in rows):
            raise Refused(
                "the running switch has not read the new card key; send it SIGHUP (kill -HUP), "
                "then run this again"
            ) from None


def _has_read(kind: str, detail: str) -> bool:
    return kind == "start" or (kind == "configuration" and detail.startswith("read again"))


def _tell_audit(folder: DataFolder, detail: str) -> None:
    record(folder, AuditRecord("key change", command_actor(), SUBJECT, detail))
