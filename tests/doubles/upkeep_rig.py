"""A folder whose keys are an HSM's, and the upkeep of a switch that serves it."""

import asyncio
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atm_switch.domain.accrual import DevelopmentRate, RateTable
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.secret import Key
from atm_switch.engine import Engine
from atm_switch.folder import DataFolder, open_folder
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.vault import Vault
from atm_switch.server.log import make_logger
from atm_switch.switch.house import House
from atm_switch.upkeep import Upkeep
from tests.unit.folder.test_readiness import HOST, made, under_master_key

MAC = KeyName(KeyUsage.MAC, AcquirerId("009"))
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
