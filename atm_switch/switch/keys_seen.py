"""What a message tells by the key it came under: the first under a new one dates the old.

One under a key that nobody here knows may tell that another machine changed some.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey, is_among
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
    known = ladder.seen(key, case.received.utc, overlap_of(case))
    if known is not ladder:
        house.vault = house.vault.with_ladder(name, known)  # at once: more may come behind this
        yield from ask(KeepKeys(name, known, ladder, is_awaited=False))


def brought(held: Ladder | None, key: LineKey, name: KeyName, case: Case) -> Ladder:
    """Return the ladder with a key the peer brings; the one there is where it is known already.

    Raises ``NeighbourUnavailable`` where it comes too soon: the peer brings key after key and uses
    none, and messages under one of them that had to make room may still be under way.
    """
    if held is None:
        return Ladder(key)
    end = end_unused(name, case)
    ladder = held.received(key, end)
    if ladder is not held and end and held.is_crowded(case.received.utc, overlap_of(case)):
        raise NeighbourUnavailable("it was brought too often before any was used")
    return ladder


def end_unused(name: KeyName, case: Case) -> datetime | None:
    """Tell until when a key is good that makes room before a message under it has come.

    ``None``, no longer, for a MAC key: a peer that had gone to it would have said so by it.
    """
    return case.received.utc + overlap_of(case) if name.usage is KeyUsage.PIN else None


def overlap_of(case: Case) -> timedelta:
    """Return how long a key is good once another has taken its place."""
    return timedelta(seconds=case.profile.security.key_overlap_seconds)


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
