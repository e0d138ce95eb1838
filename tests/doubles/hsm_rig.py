"""An engine and the keys it takes: clear for the software engine, tokens for a hardware HSM."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import shake_256
from itertools import count
from typing import Any

from atm_switch.adapters.host_hsm import HostHsm
from atm_switch.adapters.hsm_link import HsmLine
from atm_switch.adapters.software_hsm import SoftwareHsm, pin_matcher
from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security.key_ring import TDES, KeyUsage, LineKey
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.security.pin_formats import PinFormat, encipher_pin
from atm_switch.security.pvv import visa_pvv
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.switch.hsm_port import (
    CheckMac,
    HsmQuestion,
    ImportKey,
    MakeMac,
    MintKey,
    TranslatePin,
    VerifyPin,
)
from atm_switch.switch.retries import Retries
from tests.doubles.host_command_hsm import HostCommandHsm, host_command_hsm
from tests.doubles.local_master_key import LocalMasterKey
from tests.doubles.passed_time import pass_time

PAN = Pan("999009123456789" + luhn_digit("999009123456789"))
PIN = b"123456"


def chance_of(seed: bytes) -> Callable[[int], bytes]:
    """Give chance that depends on the seed alone and does not repeat itself."""
    draws = count()
    return lambda size: shake_256(next(draws).to_bytes(8, "big") + seed).digest(size)


LMK = bytes(range(32))
CHANCE = chance_of(b"hsm rig")
PVK, FIRST, SECOND, EXCHANGE = (fresh_tdes_key(CHANCE) for _ in range(4))
AES_FIRST, AES_SECOND, AES_EXCHANGE = (Key(CHANCE(16)) for _ in range(3))
PVV = visa_pvv(Pin(PIN), PAN, "1", PVK)


def other_pin(pvv: str = PVV) -> bytes:
    """Find a PIN whose value is not the card's."""
    tries = (f"{number:06d}".encode() for number in range(0, 1_000_000, 100))
    return next(digits for digits in tries if visa_pvv(Pin(digits), PAN, "1", PVK) != pvv)


def enciphered(pin: bytes, key: Key, fmt: PinFormat = PinFormat.ZERO) -> PinBlock:
    """Make DE52 as a terminal does."""
    return PinBlock.from_hex(encipher_pin(fmt, Pin(pin), PAN, key, CHANCE))


@dataclass
class Rig:
    """An engine, and how its keys are written."""

    engine: SoftwareHsm | HostHsm
    token: Callable[..., LineKey]
    served_by: HostCommandHsm | None = None
    news: list[str] = field(default_factory=list)

    @property
    def hsm(self) -> HostCommandHsm:
        """The HSM behind the host engine."""
        assert self.served_by is not None
        return self.served_by

    @property
    def host(self) -> HostHsm:
        """The host engine."""
        assert isinstance(self.engine, HostHsm)
        return self.engine

    async def ask(self, question: HsmQuestion) -> Any:
        """Put a question as the desk does, and wait for its answer."""
        engine = self.engine
        ways: dict[type, Callable[[Any], Any]] = {
            VerifyPin: engine.verify_pin,
            TranslatePin: engine.translate_pin,
            CheckMac: engine.check_mac,
            MakeMac: engine.make_mac,
            ImportKey: engine.import_key,
            MintKey: engine.mint_key,
        }
        answer = ways[type(question)](question)
        return await answer if isinstance(answer, asyncio.Future) else answer

    def pin_question(
        self, block: PinBlock, *keys: Key, algorithm: str = TDES, formats: str = "0", pvv: str = PVV
    ) -> VerifyPin:
        """Ask about one block; the keys are a bank's."""
        tokens = tuple(self.token(key, KeyUsage.PIN, algorithm) for key in keys or (FIRST,))
        pvk = self.token(PVK, KeyUsage.PVK)
        return VerifyPin(block, PAN, pvv, "1", pvk, tokens, frozenset(formats), False)  # noqa: FBT003  a bank's


def mac_question(rig: "Rig", number: int) -> MakeMac:
    """Ask for the MAC of a text that no other number has."""
    return MakeMac("x9.19", rig.token(FIRST, KeyUsage.MAC), f"0200 {number}".encode())


def mac_answer(number: int) -> bytes:
    """Work out what ``mac_question`` is answered with."""
    return mac(MacAlgorithm.X9_19, FIRST, f"0200 {number}".encode())


ANSWER_SECONDS_MAX = 30.0
"""How long an answer may take, unless a test says otherwise: no busy machine takes as long."""


TOO_LONG = ANSWER_SECONDS_MAX + 1.0


async def left_unanswered(rig: Rig, question: HsmQuestion) -> NeighbourUnavailable:
    """Ask what the HSM gets and does not answer, and pass its time; return what is said then."""
    got = len(rig.hsm.frames)
    asked = asyncio.ensure_future(rig.ask(question))
    await until(lambda: len(rig.hsm.frames) > got)
    pass_time(TOO_LONG)
    try:
        await asked
    except NeighbourUnavailable as said:
        return said
    raise AssertionError("it was answered")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; fail after thirty seconds."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def software_rig(*, table: str = "") -> AsyncIterator[Rig]:
    """Set up the software engine, which verifies by IBM 3624 where there is a ``table``."""
    matches = pin_matcher("ibm-3624" if table else "visa-pvv", table)

    def token(key: Key, _usage: KeyUsage, algorithm: str = TDES) -> LineKey:
        return LineKey.clear(key, algorithm)

    yield Rig(SoftwareHsm(CHANCE, matches), token)


@asynccontextmanager
async def host_rig(
    *,
    is_block: bool = False,
    connections: int = 2,
    seconds_max: float = ANSWER_SECONDS_MAX,
    header_digits: int = 4,
    others: Sequence[tuple[str, int]] = (),
    table: str = "",
) -> AsyncIterator[Rig]:
    """Set up the host engine and its HSM; ``is_block``: all tokens are key blocks."""
    lmk = LocalMasterKey(LMK, CHANCE)

    def token(key: Key, usage: KeyUsage, algorithm: str = TDES) -> LineKey:
        return lmk.lmk_token(key, usage, algorithm, is_block=is_block)

    async with host_command_hsm(lmk, header_digits) as hsm:
        news: list[str] = []
        engine = HostHsm(
            [("127.0.0.1", hsm.port), *others],
            connections,
            HsmLine(seconds_max, header_digits),
            table=table,
            tell=lambda event, fields: news.append(f"{event} {fields}"),
            retries=Retries(lambda: 0.0, 0.01, 0.05),
        )
        await engine.start()
        try:
            yield Rig(engine, token, hsm, news)
        finally:
            await engine.close()


RIGS: dict[str, Callable[..., AbstractAsyncContextManager[Rig]]] = {
    "software": software_rig,
    "host": host_rig,
    "host-with-key-blocks": lambda **more: host_rig(is_block=True, **more),
}
"""All engines, each with its kind of keys."""
