"""The key file read anew beside the loop, and an HSM's word on the tokens in it.

Plan: reading and judging a file of thousands of keys takes its time, so a thread does it.  Of a
token that is in use nothing is asked again: taking up one changed key asks the HSM of that one.
Why what is other is merged: the file is read because another process changed a key; meanwhile
keys change over the lines of this one, and neither may undo the other.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.engine import Engine
from atm_switch.folder import DataFolder
from atm_switch.readiness import refuse_what_cannot_work
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.lending import copied
from atm_switch.security.vault import Vault
from atm_switch.switch.hsm_port import KeyRefused

CHECK_DIGITS: Final = 6
"""What two check values of one key agree in at least, however long each is written."""

TokenId = tuple[KeyUsage, bytes, str]
"""What an HSM is asked about: a token, for its use, and the check value it should have."""
Tokens = dict[TokenId, tuple[KeyName, LineKey]]


Changes = dict[KeyName, Ladder | None]
"""By name what there is now; ``None``: the name is gone."""


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """What the file held, beside what was in use before it was read."""

    before: Vault
    vault: Vault
    changed: Changes
    unasked: Tokens
    """Tokens the HSM has not been asked about."""

    @property
    def is_news(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.changed) or not is_same_house(self.before, self.vault)

    def into(self, now: Vault) -> Vault | None:
        """Return what is to be in use; ``None`` where it changed meanwhile, too."""
        return merged(now, self.before, self.vault, self.changed)


def read_keys(
    folder: DataFolder, before: Vault, asked: Collection[TokenId], *, asks_all: bool
) -> Reading:
    """Read the file and judge it.  Raises ``Refused`` for keys the switch cannot work with.

    ``asked``: what an HSM was asked about since; without ``asks_all`` what is in use was, too.
    """
    vault = folder.vault()
    changed = changes(before, vault)
    known = set(asked)
    if not asks_all:  # a key of its bank's is in use where it comes to a terminal
        names = {*changed, *(replace(name, terminal=None) for name in changed)}
        held = {name: before.keys.get(name) for name in names}
        known |= {_id(name, key) for name, key in rungs(held)}
    tokens = _tokens(vault.keys if asks_all else changed)
    unasked = {one: its for one, its in tokens.items() if one not in known}
    reading = Reading(before, vault, changed, unasked)
    if asks_all or reading.is_news:
        refuse_what_cannot_work(folder, vault)
    return reading


def tokens_of(vault: Vault) -> Tokens:
    """Return every key that is under an HSM's master key, by name."""
    return _tokens(vault.keys)


def _tokens(keys: Mapping[KeyName, Ladder | None]) -> Tokens:
    in_order = sorted(rungs(keys), key=lambda rung: str(rung[0]))
    return {_id(name, key): (name, key) for name, key in in_order if not key.is_clear}


def _id(name: KeyName, key: LineKey) -> TokenId:
    return name.usage, key.token.reveal(), key.check


async def refuse_wrong_tokens(vault: Vault, engine: Engine) -> None:
    """Raise ``Refused`` with every key that is another one at the HSM, a line each."""
    wrong = await wrong_tokens(tokens_of(vault), engine)
    if wrong:
        raise Refused("\n".join(wrong))


async def wrong_tokens(tokens: Tokens, engine: Engine) -> list[str]:
    """Name every key whose token is not the key the key file says it is, in the order of tokens.

    An HSM that does not answer says nothing of a key.
    """
    ask = engine.check_value
    if ask is None:
        return []
    told: list[str] = []
    asked: deque[tuple[KeyName, LineKey, asyncio.Future[str]]] = deque()
    try:
        for name, key in tokens.values():
            if len(asked) >= engine.checks_at_once:
                told.append(await _wrong(*asked.popleft()))
            asked.append((name, key, asyncio.ensure_future(ask(key, name.usage))))
        while asked:
            told.append(await _wrong(*asked.popleft()))
    finally:
        for _, _, said in asked:  # where this is given up
            if not said.cancel() and not said.cancelled():
                said.exception()  # heard, as far as the loop knows
    return [one for one in told if one]


async def _wrong(name: KeyName, key: LineKey, said: "asyncio.Future[str]") -> str:
    try:
        check = await said
    except KeyRefused as refused:
        return f"the key {name}, check value {key.check}: {refused}"
    except NeighbourUnavailable:
        return ""
    if check[:CHECK_DIGITS].upper() == key.check[:CHECK_DIGITS].upper():
        return ""
    return (
        f"the key {name} has check value {check} at the HSM and {key.check} in the key file; "
        "install it again with: atm-switch keys install"
    )


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
