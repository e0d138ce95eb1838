"""A terminal's keys beside its bank's: what it still has of the bank's goes with the bank's.

Plan: a terminal's first own key comes in the place of its bank's, so its ladder begins with
a key of the bank.  While it may still be at that one, the bank's other keys are good for it
too, and where the bank goes to a new key, the terminal is expected there.
Limits: a terminal that was at its own key has left the bank's; what of it is dated fades.
Why not a copy for good: a key the bank has replaced would live on in the ladders of those
terminals that were offered a key of their own and never used it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from atm_switch.security.key_ring import KeyName, Ladder, LineKey, is_among, latest_checks


def lent_by(bank: Ladder, own: Ladder) -> Ladder:
    """Add the bank's keys to a terminal's that may still be at its bank's."""
    return replace(own, lender=bank) if is_among(bank.in_use, own.undated) else own


def keys_with(
    keys: Mapping[KeyName, Ladder], name: KeyName, ladder: Ladder
) -> dict[KeyName, Ladder]:
    """Put a ladder among all keys: the terminals of a bank follow it, a terminal its bank."""
    stored = ladder if ladder.lender is None else replace(ladder, lender=None)
    fresh = copied(keys)
    if name.terminal is not None:
        bank = keys.get(replace(name, terminal=None))
        fresh[name] = stored if bank is None else following(stored, bank, bank)
        return fresh
    held = keys.get(name)
    if held is not None:
        fresh.update(
            (other, following(own, held, stored))
            for other, own in keys.items()
            if other.terminal is not None
            and other.usage is name.usage
            and other.acquirer == name.acquirer
        )
    fresh[name] = stored
    return fresh


def copied(keys: Mapping[KeyName, Ladder]) -> dict[KeyName, Ladder]:
    """Copy a table; a frozen one by its own copy, which hashes none of a thousand names anew."""
    return keys.copy() if isinstance(keys, MappingProxyType) else dict(keys)


def following(own: Ladder, before: Ladder, after: Ladder) -> Ladder:
    """Return a terminal's keys once its bank's have gone from ``before`` to ``after``.

    A key that left the bank leaves the terminal; where the terminal may be at its bank's key
    it may be at the bank's new one from now on.
    """
    departed = tuple(key for key in before.rungs if not is_among(key, after.rungs))
    ladder = _without(departed, own, after.in_use)
    lent = [
        key.check
        for key in ladder.undated
        if is_among(key, before.rungs) and not key.is_same_as(after.in_use)
    ]
    if not lent:
        return ladder

    def moved(key: LineKey | None, *beside: LineKey | None) -> LineKey | None:
        if key is None or not is_among(key, before.rungs):
            return key
        return None if after.in_use in beside else after.in_use

    in_use = moved(ladder.in_use) or ladder.in_use
    other = ladder.other if ladder.until else moved(ladder.other, in_use)
    spare = moved(ladder.spare, in_use, other)
    past = latest_checks((*ladder.past, *lent))
    return replace(ladder, in_use=in_use, other=other, spare=spare, past=past)


def _without(departed: tuple[LineKey, ...], own: Ladder, heir: LineKey) -> Ladder:
    """Take keys off that are good no longer; ``heir`` takes the place of the one in use."""

    def stays(key: LineKey | None) -> bool:
        return key is not None and not is_among(key, departed)

    left = tuple(key.check for key in own.rungs if not stays(key))
    if not left:
        return own
    has_other = stays(own.other)
    return Ladder(
        own.in_use if stays(own.in_use) else heir,
        own.other if has_other else None,
        is_coming=own.is_coming and has_other,
        until=own.until if has_other else None,
        spare=own.spare if stays(own.spare) else None,
        past=latest_checks((*own.past, *left)),
        fading=tuple(one for one in own.fading if stays(one.key)),
    )
