"""A key that another process changed is taken up: asked about alone, beside those of this one."""

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from atm_switch.domain.identifiers import TerminalId
from atm_switch.folder import DataFolder
from atm_switch.key_reading import tokens_of
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder
from atm_switch.security.vault import Vault, fresh_line_key
from tests.doubles.upkeep_rig import MAC, SECONDS_MAX, Rig, token

PIN = replace(MAC, usage=KeyUsage.PIN)
TERMINALS = 200


def with_terminals(vault: Vault) -> Vault:
    """Give many terminals keys of their own; half of them may still be at their bank's."""
    keys = dict(vault.keys)
    for at in range(TERMINALS):
        name = replace(MAC, terminal=TerminalId(f"S1A{at:05d}"))
        own = token(b"UT%d" % at, f"{at:06X}")
        keys[name] = Ladder(own) if at % 2 else Ladder(keys[MAC].in_use, own, is_coming=True)
    return replace(vault, keys=keys)


@pytest.mark.parametrize(
    ("name", "asked"), [(replace(MAC, terminal=TerminalId("S1A00007")), 1), (MAC, 1), (None, 0)]
)
async def test_key_changed_elsewhere_is_the_only_one_the_hsm_is_asked_of(
    tmp_path: Path, name: KeyName | None, asked: int
) -> None:
    """However many keys there are, also those that follow their bank's; of none where none is."""
    rig = Rig(tmp_path)
    rig.hardware.gate.set()
    rig.house.vault = rig.lay(with_terminals)
    if name is not None:
        new = token(b"UNEW", "ABC123")
        laid = rig.lay(lambda vault: vault.with_ladder(name, vault.keys[name].received(new)))
    else:
        laid = rig.folder.vault()

    await rig.upkeep.pull_keys()

    assert asked == rig.hardware.asked
    assert rig.house.vault.is_same_as(laid)
    assert ["keys reloaded"] * asked == rig.events()


async def test_reload_asks_the_hsm_of_every_key_once(tmp_path: Path) -> None:
    """Also where one is changed meanwhile: of that one besides, and of none a second time."""
    rig = Rig(tmp_path)
    tokens = len(tokens_of(rig.house.vault))
    newer = token(b"UNEWER", "123456")

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    rig.lay(lambda vault: vault.with_key(MAC, newer))
    rig.hardware.gate.set()
    await rig.settle()

    assert tokens + 1 == rig.hardware.asked
    assert "123456" == rig.house.vault.keys[MAC].in_use.check


class HeldFolder(DataFolder):
    """What is read of it comes late."""

    has_read = threading.Event()
    gate = threading.Event()

    def vault(self) -> Vault:
        """Read the keys, and keep them back."""
        vault = super().vault()
        self.has_read.set()
        self.gate.wait(SECONDS_MAX)
        return vault


async def test_key_of_another_process_comes_beside_one_of_this(tmp_path: Path) -> None:
    """While theirs are read a line of this process gets a new key: both are in use, none undone."""
    rig = Rig(tmp_path, is_hardware=False)
    folder = rig.folder
    rig.upkeep._folder = held = HeldFolder(folder.root, folder.settings, folder.text)
    theirs, ours = (fresh_line_key("T", os.urandom) for _ in range(2))
    rig.lay(lambda vault: vault.with_key(MAC, theirs))

    pulling = asyncio.create_task(rig.upkeep.pull_keys())
    async with asyncio.timeout(SECONDS_MAX):
        while not held.has_read.is_set():
            await asyncio.sleep(0.001)
    rig.lay(lambda vault: vault.with_key(PIN, ours))
    rig.house.vault = rig.house.vault.with_key(PIN, ours)
    held.gate.set()
    await pulling

    assert rig.house.vault.is_same_as(folder.vault())
    assert [theirs.check, ours.check] == [
        rig.house.vault.keys[name].in_use.check for name in (MAC, PIN)
    ]


async def test_news_while_keys_are_read_are_waited_for_by_themselves(tmp_path: Path) -> None:
    """Who tells of a change waits for the reading after, and no longer."""
    rig = Rig(tmp_path)
    rig.lay(lambda vault: vault.with_key(MAC, token(b"U1", "AAAAAA")))
    first = asyncio.create_task(rig.upkeep.pull_keys())
    await rig.settle()
    rig.lay(lambda vault: vault.with_key(PIN, token(b"U2", "BBBBBB")))
    second = asyncio.create_task(rig.upkeep.pull_keys())
    await rig.settle()
    waiting = [first.done(), second.done()]
    rig.hardware.gate.set()
    await asyncio.wait({first, second})

    assert [False, False] == waiting
    assert rig.house.vault.is_same_as(rig.folder.vault())
    assert ["keys reloaded"] == list(dict.fromkeys(rig.events()))
