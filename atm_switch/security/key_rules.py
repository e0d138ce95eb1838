"""Which keys may not come in, however they come: over the line, by an officer, by ceremony.

Plan: one pure question, asked with the vault as it is at the moment of the change; the
answer is a sentence for a refusal, without any key.
Limits: of keys under a hardware HSM's master key only check values can be compared (24
bits), so a good key is refused once in some millions; who draws one draws again.
Why one place: a key that two usages share, or one that was replaced, is as bad from a
command as from a peer (PCI PIN 19: one purpose; a recorded delivery must not undo a change).
Why K1|K2|K1 may not come in: it is K1|K2 to the cipher and another key to everybody who
compares.  One that an older release took is still read, and lasts until it is changed.
"""

from atm_switch.security.key_ring import TDES, KeyName, Ladder, LineKey
from atm_switch.security.known_keys import is_publicly_known
from atm_switch.security.tdes import is_double_at_triple_length
from atm_switch.security.vault import Vault


def why_not(key: LineKey, name: KeyName, vault: Vault, *, refuses_known: bool) -> str | None:
    """Say why ``key`` must not become the key of ``name``; ``None`` where it may.

    The key in use is let through as it stands: taking it again changes nothing.
    ``refuses_known``: whether publicly known test keys are refused, as in production.
    """
    if refuses_known and is_publicly_known(key.check):
        return "the key is a publicly known test key"
    if key.is_clear and key.algorithm == TDES and is_double_at_triple_length(key.token):
        return "the key is a double-length key written at triple length"
    if _serves_another_purpose(key, name, vault):
        return "the key is in use for another purpose"
    ladders = (ladder_before(name, vault), _lender(name, vault))
    doubts = (_why_not_again(key, held) for held in ladders if held is not None)
    return next((why for why in doubts if why), None)


def why_no_component(component: LineKey, vault: Vault, *, refuses_known: bool) -> str | None:
    """Say why ``component`` must not become part of a key; ``None`` where it may.

    A component that is a key of this switch, or was one, is known to more than its custodian.
    """
    if refuses_known and is_publicly_known(component.check):
        return "it is a publicly known test key"
    for ladder in vault.keys.values():
        if component.check in ladder.past or any(map(component.is_same_as, ladder.rungs)):
            return "it is a key of this switch itself"
    return None


def ladder_before(name: KeyName, vault: Vault) -> Ladder | None:
    """Return the keys that a key of ``name`` takes the place of, if there are any.

    A terminal's first own key takes the place of its bank's, which it used so far.
    """
    if name.acquirer is None:
        return vault.keys.get(name)
    found = vault.ladder(name.usage, name.acquirer, name.terminal)
    return found[1] if found else None


def is_still(held: Ladder | None, expected: Ladder | None) -> bool:
    """Tell whether the keys of a name are those a change began from."""
    if held is None or expected is None:
        return held is expected
    return held.is_same_as(expected)


def _lender(name: KeyName, vault: Vault) -> Ladder | None:
    """Return the keys of a terminal's bank: what the bank gave up is no terminal's key."""
    if name.acquirer is None or name.terminal is None:
        return None
    return vault.keys.get(KeyName(name.usage, name.acquirer))


def _why_not_again(key: LineKey, held: Ladder) -> str | None:
    if key.is_same_as(held.in_use):
        return None
    if held.has_offered(key):
        return "the key is one this side has offered"
    if held.has_replaced(key):
        return "the key was replaced by a newer one"
    return None


def _serves_another_purpose(key: LineKey, name: KeyName, vault: Vault) -> bool:
    # Thousands of terminals have keys, and requests wait for this: what differs at a glance is not
    # asked on.
    usage, check, algorithm = name.usage, key.check, key.algorithm
    others = (ladder.rungs for other, ladder in vault.keys.items() if other.usage is not usage)
    return any(
        key.has_octets_of(rung)
        for rungs in others
        for rung in rungs
        if rung.check == check or rung.algorithm != algorithm
    )
