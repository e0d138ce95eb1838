"""The card key changed under a running switch: a new one laid over the old, then the cards moved.

Plan: two calls.  The first puts the new key into the key file; from the switch's next start
or SIGHUP it looks for cards under either.  The second moves the cards, some hundred at a
time, and refuses to begin while a switch runs that has not read the new key.
Until then no card is written under the new key by other commands either.
Limits: a layer is never taken out again, for the hashes are made with every one, and a
folder takes ``LAYERS_MAX`` of them.  So none is laid that no card would be under, and a
change after a finished one is asked for by its own word: a call too many is refused.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from atm_switch.adapters.folder_lock import is_served
from atm_switch.adapters.journal_place import open_audit
from atm_switch.domain.errors import Refused
from atm_switch.domain.secret import Key
from atm_switch.folder import DataFolder, command_actor
from atm_switch.key_office import IN_USE, record
from atm_switch.ledger.card_keys import (
    LinkedTwice,
    cards_behind,
    cards_linked,
    linked_twice,
    move_cards,
)
from atm_switch.ledger.opening import open_store
from atm_switch.security.vault import KEY_BYTES, Entropy, Vault
from atm_switch.switch.ports import AuditRecord

SUBJECT = "card key"
TWICE_TOLD_MAX = 10
"""Cards linked twice that are named at once."""
ROWS_LOOKED_AT = 1_000
"""Of the audit, and ten times as many with each further look."""

Tell = Callable[[int, int], None]
"""Hears how many cards were moved, and of how many."""


@dataclass(frozen=True, slots=True)
class CardKeyChange:
    """What one call did: ``is_begun`` a new key is there; ``moved`` cards are under it."""

    is_begun: bool
    key_id: str
    moved: int = 0


def change_card_key(
    folder: DataFolder, entropy: Entropy, tell: Tell, *, again: bool = False
) -> CardKeyChange:
    """Begin a change of the card key, or go on with the one begun.

    ``again``: begin another one where the last is finished.  Raises ``Refused`` where there
    is nothing to do, no further layer fits, or a running switch has not read the new key yet;
    and where cards are linked twice, when all others are moved.
    """
    vault = folder.vault()
    with closing(open_store(folder.settings.ledger.url, folder.ledger)) as store:
        behind = cards_behind(store, vault)
        if not behind:
            _require_worth(cards_linked(store), vault, again=again)
            return _begin(folder, vault, Key(entropy(KEY_BYTES)))
        _require_read(folder, vault.card_key_ids[0])
        moved = move_cards(store, vault, lambda count: tell(count, behind))
        twice = linked_twice(store, vault, TWICE_TOLD_MAX)
        left = cards_behind(store, vault)
    also = f", {left} linked twice left where they are" if twice else ""
    _tell_audit(folder, f"{moved} cards moved to key {vault.card_key_ids[0]}{also}")
    if twice:
        raise Refused(_told(twice, left, moved))
    return CardKeyChange(is_begun=False, key_id=vault.card_key_ids[0], moved=moved)


def require_card_key_read(folder: DataFolder, vault: Vault) -> None:
    """Raise ``Refused`` where the running switch would not find a card written now."""
    if vault.card_layers:
        _require_read(folder, vault.card_key_ids[0])


def require_same_card_key(folder: DataFolder, vault: Vault) -> None:
    """Raise ``Refused`` where a change of the card key was begun since ``vault`` was read.

    Call before what was written becomes durable: a card that was moved meanwhile is not
    found under an older key, and would be linked twice.
    """
    if folder.vault().card_key_ids != vault.card_key_ids:
        raise Refused("the card key was changed meanwhile, nothing was linked; run this again")


def _told(twice: tuple[LinkedTwice, ...], left: int, moved: int) -> str:
    """Say which cards are in the way of the change, and what to do about them."""
    named = "; ".join(f"{one.older} - and newer: {one.newer}" for one in twice)
    more = f"; and {left - len(twice):,} more" if left > len(twice) else ""
    return (
        f"{moved:,} moved, {left:,} left: linked twice, under the newest card key too:"
        f" {named}{more}. Take the newer link away with atm-switch cards unlink (where it is"
        " not unlinked yet), then atm-switch cards forget; the older one stays. Then run this"
        " again"
    )


def _require_worth(cards: int, vault: Vault, *, again: bool) -> None:
    """Raise ``Refused`` for a new layer that nobody needs; ``cards``: all there are."""
    if not cards:
        raise Refused("nothing to do: no card is linked yet, so none would be under a new key")
    if vault.card_layers and not again:
        raise Refused(
            f"nothing to do: all {cards:,} cards are under the newest card key "
            f"{vault.card_key_ids[0]}; to begin another change, say --again"
        )


def _begin(folder: DataFolder, judged: Vault, key: Key) -> CardKeyChange:
    def lay(held: Vault) -> Vault:
        if held.card_key_ids != judged.card_key_ids:
            raise Refused("another change of the card key was begun just now: go on with that one")
        return held.with_card_layer(key)

    lay(judged)  # no record of a layer that does not fit
    _tell_audit(folder, "a new one laid over the old")
    return CardKeyChange(is_begun=True, key_id=folder.change_keys(lay).card_key_ids[0])


def _require_read(folder: DataFolder, key_id: str) -> None:
    """See that no switch runs, or that the one that does has the newest card key in use."""
    if is_served(folder.root) and not _last_in_use(folder).startswith(f"{IN_USE} {key_id} "):
        raise Refused(
            "the running switch has not read the new card key; send it SIGHUP (kill -HUP), "
            "then run this again"
        )


def _last_in_use(folder: DataFolder) -> str:
    """Return what a switch told last of the keys it uses, empty where none ever did."""
    count = ROWS_LOOKED_AT
    with open_audit(folder.journal_place) as book:
        while True:
            rows, _ = book.tail(count)
            for one in reversed(rows):
                if one.row.kind == "configuration" and one.row.detail.startswith(IN_USE):
                    return one.row.detail
            if len(rows) < count:
                return ""
            count *= 10


def _tell_audit(folder: DataFolder, detail: str) -> None:
    record(folder, AuditRecord("key change", command_actor(), SUBJECT, detail))
