"""What a message tells by the key it came under: the first under a new one dates the old."""

from datetime import timedelta

from atm_switch.security.key_ring import KeyName, LineKey
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.ports import KeepKeys, Steps, ask


def learn(name: KeyName, key: LineKey, case: Case, house: House) -> Steps[None]:
    """Note that a message came under ``key``, and have kept what that changes; wait for nothing.

    What cannot be kept is not known either (``late_keys``): the old key lives on, and the next
    message tells the same.
    """
    ladder = house.vault.keys.get(name)
    if ladder is None or name in house.changing_keys:
        return
    overlap = timedelta(seconds=case.profile.security.key_overlap_seconds)
    known = ladder.seen(key, case.received.utc, overlap)
    if known is not ladder:
        house.vault = house.vault.with_ladder(name, known)  # at once: more may come behind this
        yield from ask(KeepKeys(name, known, ladder, is_awaited=False))
