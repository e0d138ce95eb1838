"""What a message tells by the key it came under: the first under a new one dates the old.

One under a key that nobody here knows may tell that another machine changed some.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.security.key_ring import KeyName, Ladder, LineKey, is_among
from atm_switch.security.vault import Vault
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.late_keys import LookAtKeys
from atm_switch.switch.ports import KeepKeys, Steps, ask

Named = tuple[KeyName, Ladder]


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


def untried(
    tried: tuple[LineKey, ...], before: Vault, now: Callable[[], Named | None], case: Case,
    house: House, name: KeyName,
) -> Steps[tuple[KeyName, tuple[LineKey, ...]]]:  # fmt: skip
    """Return what else a message may be under, by the keys as they are ``now``, maybe nothing.

    They may have been taken up while those of the vault ``before`` were tried; or another machine
    changed some and news are late: a bank that was told 00 there must not be refused here.
    """

    def others() -> tuple[KeyName, tuple[LineKey, ...]]:
        found = now() if house.vault is not before else None
        if found is None:
            return name, ()
        keys = found[1].candidates(case.received.utc)
        return found[0], tuple(key for key in keys if not is_among(key, tried))

    found = others()
    subject = name.usage, name.acquirer
    if not found[1] and house.has_shared_keys:
        if not house.key_looks.begins(subject, case.now.monotonic):
            return found
        try:
            with suppress(NeighbourUnavailable):  # they are as far as anybody here knows
                yield from ask(LookAtKeys())
        finally:
            house.key_looks.ended(subject)
        found = others()
    return found
