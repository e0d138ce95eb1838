"""A switch that starts beside others: nobody is let in before it has caught up with their keys."""

import asyncio
import io
import os
from collections.abc import Awaitable
from pathlib import Path

import pytest

from atm_switch.adapters.clock import read_clock
from atm_switch.app import Service
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.secret import Key
from atm_switch.engine import Engine
from atm_switch.folder import open_folder
from atm_switch.founding import Wishes, init
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.server.log import make_logger
from tests.unit.folder.test_readiness import HOST, under_master_key

MAC = KeyName(KeyUsage.MAC, AcquirerId("009"))
SECONDS_MAX = 30.0


async def closed() -> None:
    """Nothing is open."""


@pytest.mark.parametrize("is_hardware", [False, True])
async def test_start_is_over_when_keys_changed_meanwhile_are_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_hardware: bool
) -> None:
    """
    Its keys were read before another process changed one: it listens, and is ready, only once
    the HSM, if there is one, has said of the new one that it is right, and it is in use.
    """
    wishes = Wishes(mac="required", listen="127.0.0.1:0")
    folder = init(tmp_path / "bank", wishes, read_clock, os.urandom)
    new = LineKey.clear(Key.from_hex("0123456789ABCDEF23456789ABCDEF01"))
    if is_hardware:
        folder.change_keys(under_master_key)
        settings = folder.root / "switch.toml"
        settings.write_text(settings.read_text() + HOST)
        new = LineKey(Key(b"UNEW".ljust(33, b"0")), "123456", is_clear=False)
    gate, asked = asyncio.Event(), asyncio.Event()

    def check_value(key: LineKey, _usage: KeyUsage) -> Awaitable[str]:
        async def said() -> str:
            if key.check == new.check:
                asked.set()
                await gate.wait()
            return key.check

        return said()

    async def engine(*_: object) -> Engine:
        return Engine({}, closed, check_value if is_hardware else None)

    monkeypatch.setattr("atm_switch.app.open_engine", engine)
    folder = open_folder(folder.root)
    service = Service(folder, folder.vault(), make_logger("json", "info", io.StringIO()))
    folder.change_keys(lambda vault: vault.with_key(MAC, new))

    starting = asyncio.create_task(service.start())
    async with asyncio.timeout(SECONDS_MAX):
        if is_hardware:
            await asked.wait()
        early = (starting.done(), service.addresses)
        gate.set()
        await starting
    house = service._house
    await service.stop()

    assert (False, []) == early
    assert house is not None
    assert new.check == house.vault.keys[MAC].in_use.check
