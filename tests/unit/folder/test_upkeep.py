"""Keys read anew by a running switch: asked of the HSM first, and never over a newer change."""

import asyncio
import io
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from atm_switch import upkeep
from atm_switch.domain.accrual import DevelopmentRate, RateTable
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.engine import Engine
from atm_switch.folder import DataFolder, open_folder
from atm_switch.key_office import IN_USE
from atm_switch.key_reading import tokens_of
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.vault import Vault, fresh_line_key
from atm_switch.server.log import make_logger
from atm_switch.switch.house import House
from atm_switch.upkeep import Upkeep
from tests.unit.folder.test_readiness import HOST, made, under_master_key

MAC = KeyName(KeyUsage.MAC, AcquirerId("009"))
PIN = replace(MAC, usage=KeyUsage.PIN)
TERMINALS = 200
SECONDS_MAX = 30.0


def token(text: bytes, check: str) -> LineKey:
    """A key as an HSM gave it out."""
    return LineKey(Key(text.ljust(33, b"0")), check, is_clear=False)


@dataclass
class Hardware:
    """What an HSM says of a token; it may take its time, and be away."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    is_away: bool = False
    wrong: str = ""
    between: Callable[[], object] | None = None
    """What others do meanwhile."""

    async def check_value(self, key: LineKey, _usage: KeyUsage) -> str:
        """Answer once the gate is open."""
        self.asked += 1
        if self.between is not None:
            self.between()
        await self.gate.wait()
        if self.is_away:
            raise NeighbourUnavailable("away")
        return self.wrong or key.check


async def _close() -> None:
    """Nothing is open."""


class Rig:
    """A folder whose keys are an HSM's, and the upkeep of a switch that serves it."""

    def __init__(self, path: Path, *, is_hardware: bool = True) -> None:
        """Begin with the keys in the folder in use."""
        self.folder = self._folder(path, is_hardware=is_hardware)
        self.hardware = Hardware()
        policy = self.folder.settings.to_policy()
        rates = RateTable([DevelopmentRate(2025, 5000, is_published=False)])
        self.house = House(policy, self.folder.vault(), rates, 0)
        self.log, self.audit = io.StringIO(), list[tuple[str, str, str]]()
        check: Callable[..., Any] | None = self.hardware.check_value if is_hardware else None
        engine = Engine({}, _close, check)
        log = make_logger("json", "info", self.log)
        self.upkeep = Upkeep(
            self.folder, self.house, engine, log, lambda *told: self.audit.append(told)
        )

    def _folder(self, path: Path, *, is_hardware: bool) -> DataFolder:
        folder = made(path)
        if is_hardware:
            folder.change_keys(under_master_key)
            settings = folder.root / "switch.toml"
            settings.write_text(settings.read_text() + HOST)
        return open_folder(folder.root)

    def lay(self, change: Callable[[Vault], Vault]) -> Vault:
        """Have another process change the key file."""
        return self.folder.change_keys(change)

    def events(self) -> list[str]:
        """The events of the log."""
        return [json.loads(line)["event"] for line in self.log.getvalue().splitlines()]

    async def settle(self) -> None:
        """Let everything that can go on go on, beside the loop as well."""
        for _ in range(200):
            while any(one.name == "side call" for one in threading.enumerate()):
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)


async def test_reload_is_told_when_keys_are_in_use(tmp_path: Path) -> None:
    """As long as the HSM is asked, neither log nor audit says that the keys were read."""
    rig = Rig(tmp_path)
    laid = rig.lay(lambda vault: vault.with_card_layer(Key(os.urandom(32))))

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    early = (rig.events(), list(rig.audit))
    rig.hardware.gate.set()
    await rig.settle()

    assert ([], []) == early
    assert ["keys reloaded"] == rig.events()
    assert [("configuration", "keys", f"{IN_USE} {laid.card_key_ids[0]} (SIGHUP)")] == rig.audit
    assert laid.is_same_as(rig.house.vault)


async def test_key_that_came_while_the_hsm_was_asked_stays(tmp_path: Path) -> None:
    """A key taken over the line in the meantime is in the file and in memory, and stays."""
    rig = Rig(tmp_path)
    newer = token(b"UNEWER", "123456")

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    rig.house.vault = rig.lay(lambda vault: vault.with_key(MAC, newer))
    rig.hardware.gate.set()
    await rig.settle()

    assert "123456" == rig.house.vault.keys[MAC].in_use.check
    assert ["keys reloaded"] == rig.events()


async def test_two_reloads_are_one_after_the_other(tmp_path: Path) -> None:
    """A second and third SIGHUP meanwhile are one more reading, with what they were for."""
    rig = Rig(tmp_path)

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    asked = rig.hardware.asked
    rig.upkeep.reload_keys("SIGHUP")
    rig.upkeep.key_changed_elsewhere(MAC)
    rig.lay(lambda vault: vault.with_key(MAC, token(b"ULATER", "ABC123")))
    await rig.settle()
    still = rig.hardware.asked
    rig.hardware.gate.set()
    await rig.settle()

    assert (1, 1) == (asked, still)
    assert "ABC123" == rig.house.vault.keys[MAC].in_use.check
    assert ["(SIGHUP)", "(SIGHUP, mac 009 was changed elsewhere)"] == [
        detail[detail.index("(") :] for _, _, detail in rig.audit
    ]


async def test_wrong_token_leaves_the_keys_as_they_are(tmp_path: Path) -> None:
    """Nothing is adopted and nothing recorded; the log names every wrong key."""
    rig = Rig(tmp_path)
    before = rig.house.vault
    rig.lay(lambda vault: vault.with_key(MAC, token(b"UOTHER", "654321")))
    rig.hardware.wrong = "FFFFFF"
    rig.hardware.gate.set()

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()

    assert before is rig.house.vault
    assert [] == rig.audit
    assert {"keys not reloaded"} == set(rig.events())


async def test_hsm_that_is_away_is_no_hindrance(tmp_path: Path) -> None:
    """Its tokens are believed until it is back, as at the start."""
    rig = Rig(tmp_path)
    rig.hardware.is_away = True
    rig.hardware.gate.set()
    laid = rig.lay(lambda vault: vault.with_key(MAC, token(b"UOTHER", "654321")))

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()

    assert laid.is_same_as(rig.house.vault)


async def test_tokens_are_asked_once_more_at_the_start(tmp_path: Path) -> None:
    """An HSM that came after the first look is asked all the same; a wrong token is an alarm."""
    rig = Rig(tmp_path)
    rig.hardware.wrong = "FFFFFF"
    rig.hardware.gate.set()

    rig.upkeep.start()
    await rig.settle()
    rig.upkeep.stop()

    assert "key token wrong" in rig.events()


async def test_keys_of_another_process_are_pulled_once_they_are_in_use(tmp_path: Path) -> None:
    """Whoever changed them confirms it to the bank then: not while the HSM is still asked."""
    rig = Rig(tmp_path)
    changed = rig.lay(lambda vault: vault.with_key(MAC, token(b"new", "ABCDEF")))

    pulling = asyncio.create_task(rig.upkeep.pull_keys())
    async with asyncio.timeout(SECONDS_MAX):
        while not rig.hardware.asked:
            await asyncio.sleep(0.005)
        was_pulled = pulling.done()
        rig.hardware.gate.set()
        await pulling

    assert not was_pulled
    assert rig.house.vault.is_same_as(changed)


async def test_software_keys_are_in_use_at_once(tmp_path: Path) -> None:
    """Without hardware nobody needs to be asked; a file that cannot be used changes nothing."""
    rig = Rig(tmp_path, is_hardware=False)
    laid = rig.lay(lambda vault: vault.with_card_layer(Key(os.urandom(32))))

    rig.upkeep.reload_keys("SIGHUP")
    first = rig.house.vault
    rig.folder.key_file.write_bytes(b"spoilt")
    rig.upkeep.reload_keys("SIGHUP")

    assert laid.is_same_as(first)
    assert first is rig.house.vault
    assert ["keys reloaded", "keys not reloaded"] == rig.events()
    assert 1 == len(rig.audit)


async def test_keys_changed_while_the_switch_started_are_taken_up(tmp_path: Path) -> None:
    """What an officer changed between the first reading and the first message counts."""
    rig = Rig(tmp_path, is_hardware=False)

    await rig.upkeep.catch_up()
    unchanged = rig.events()
    laid = rig.lay(lambda vault: vault.with_card_layer(Key(os.urandom(32))))
    await rig.upkeep.catch_up()

    assert [] == unchanged
    assert laid.is_same_as(rig.house.vault)
    assert ["keys reloaded"] == rig.events()


async def test_keys_that_never_hold_still_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes on the line faster than the HSM is asked delay an officer's, and no more."""
    monkeypatch.setattr(upkeep, "AGAIN_SECONDS", 0.0)
    rig = Rig(tmp_path)
    rig.hardware.gate.set()
    tokens = (token(b"U%d" % at, f"{at:06X}") for at in count(1))
    rig.hardware.between = lambda: rig.lay(lambda vault: vault.with_key(MAC, next(tokens)))

    rig.upkeep.reload_keys("SIGHUP")
    async with asyncio.timeout(SECONDS_MAX):
        while not rig.events():  # each change is synced to the disk: no more than it takes
            await asyncio.sleep(0.001)
    rig.hardware.between = None
    await rig.settle()

    assert "keys not reloaded" == rig.events()[0]
    assert "keys reloaded" == rig.events()[-1]
    assert rig.folder.vault().is_same_as(rig.house.vault)


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
