"""What is other among the line keys of a later vault, and how it comes into one in use.

Why: a key file is read because another process changed a key; meanwhile keys change over the
lines of this one, and neither may undo the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from atm_switch.security.key_ring import KeyName, Ladder, LineKey
from atm_switch.security.lending import copied
from atm_switch.security.vault import Vault

Changes = dict[KeyName, Ladder | None]
"""By name what there is now; ``None``: the name is gone."""


def changes(before: Vault, after: Vault) -> Changes:
    """Name the line keys that are other ones in ``after``, or in another state."""
    held, found = before.keys, dict[KeyName, Ladder | None]()
    still = 0
    for name, ladder in after.keys.items():
        before_it = held.get(name)
        still += before_it is not None
        if before_it is None or not before_it.is_same_as(ladder):
            found[name] = ladder
    if still < len(held):
        found.update((name, None) for name in held if name not in after.keys)
    return found


def is_same_house(one: Vault, other: Vault) -> bool:
    """Tell whether the four keys of the house are the same, and the layers over the card key."""
    return _house(one) == _house(other)


def merged(now: Vault, before: Vault, after: Vault, changed: Changes) -> Vault | None:
    """Put into ``now``, which was ``before``, what is ``changed`` in ``after``.

    ``None`` where one of those was changed in ``now`` as well, or keys of the house are.
    """
    if now is before:
        return after
    crossed = any(now.keys.get(name) is not before.keys.get(name) for name in changed)
    if crossed or not is_same_house(before, after):
        return None
    keys = copied(now.keys)
    for name, ladder in changed.items():
        if ladder is None:
            keys.pop(name, None)
        else:
            keys[name] = ladder
    return replace(now, keys=keys)


def rungs(keys: Mapping[KeyName, Ladder | None]) -> Iterator[tuple[KeyName, LineKey]]:
    """Go through every key of every name that has some."""
    return ((name, key) for name, one in keys.items() if one is not None for key in one.rungs)


def _house(vault: Vault) -> tuple[bytes, ...]:
    four = (vault.pan_key, vault.person_key, vault.fingerprint_key, vault.sealing_key)
    return tuple(key.reveal() for key in (*four, *vault.card_layers))
