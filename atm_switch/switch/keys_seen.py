"""What a message tells by the key it came under: the first under a new one dates the old."""

from datetime import timedelta

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.security.key_ring import KeyName, Ladder, LineKey
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.ports import KeepKeys, Steps, ask


def learn(name: KeyName, key: LineKey, case: Case, house: House) -> Steps[None]:
    """Note that a message came under ``key``, and keep what that changes.

    What cannot be kept is not known either: the old key lives on, and the next message
    tells the same.
    """
    ladder = house.vault.keys.get(name)
    if ladder is None or name in house.changing_keys:
        return
    overlap = timedelta(seconds=case.profile.security.key_overlap_seconds)
    known = ladder.seen(key, case.received.utc, overlap)
    if known is ladder:
        return
    house.vault = house.vault.with_ladder(name, known)  # at once: more may wait behind this
    try:
        yield from ask(KeepKeys(name, known, ladder))
    except NeighbourUnavailable:
        _put(name, ladder, house, instead_of=known)
    else:
        _put(name, known, house, instead_of=ladder)  # the keys may have been read anew meanwhile


def _put(name: KeyName, ladder: Ladder, house: House, *, instead_of: Ladder) -> None:
    held = house.vault.keys.get(name)
    if held is not None and held.is_same_as(instead_of):
        house.vault = house.vault.with_ladder(name, ladder)
