"""What a message tells by the key it came under: the first under a new one dates the old."""

from contextlib import suppress
from datetime import timedelta

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.security.key_ring import KeyName, LineKey
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.ports import KeepKeys, Steps, ask


def learn(name: KeyName, key: LineKey, case: Case, house: House) -> Steps[None]:
    """Note that a message came under ``key``, and keep what that changes."""
    ladder = house.vault.keys[name]
    overlap = timedelta(seconds=case.profile.security.key_overlap_seconds)
    known = ladder.seen(key, case.received.utc, overlap)
    if known is ladder:
        return
    house.vault = house.vault.with_ladder(name, known)
    # If this cannot be kept, the old key merely lives until it can.
    with suppress(NeighbourUnavailable):
        yield from ask(KeepKeys(name, known))
