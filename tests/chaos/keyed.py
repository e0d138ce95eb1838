"""Honest terminals whose keys change under them, and the bank that changes them.

All links share their keys, as the terminals of a bank do: whoever asks next asks under the
newest.  An answer must be under the key its request was under.  A key that is delivered is
on the disk of the kit before the switch hears 00, and one the bank makes once it has said 00.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from functools import partial
from pathlib import Path

from atm_switch.domain.secret import Key
from atm_switch.messages.authentication import covered_by_mac, received_mac
from atm_switch.messages.responses import answer
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, wrap
from atm_switch.security.key_ring import TDES
from atm_switch.security.mac import MacAlgorithm, mac_matches
from atm_switch.security.tdes import with_odd_parity
from atm_switch.server.admin_socket import ask_switch
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.chaos.honest import ANSWER_SECONDS_MAX, Answer, Honest, HungUp, Script

HEADERS = {"mac_key": ("M3", "C"), "pin_key": ("P0", "B")}
"""Usage and mode of use that a key block says."""
NAMES = tuple(HEADERS)
GOOD_BACK = 4
"""Changes of one name behind which a key is still used; it is good for two more."""
WRONG_CHECK = "000000"
AGAIN_MAX, AGAIN_SECONDS = 100, 0.05


class KeyedLink(Honest):
    """A link that checks the MAC of each answer and takes the keys it is brought."""

    def __init__(self, script: Script) -> None:
        """Begin with nothing wrong."""
        super().__init__(script)
        self.wrong_macs = 0
        self.heard_of = 0.0
        """When the newest was asked that was answered."""
        self.delivered: asyncio.Queue[str] = asyncio.Queue()
        """Names of the keys the switch has brought."""

    @classmethod
    async def reach(cls, script: Script, port: int) -> "KeyedLink":
        """Connect and sign on, as ``open`` does."""
        link = await cls.open(script, port)
        assert isinstance(link, cls)
        return link

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait, for a key too: then it has no name."""
        super().connection_lost(exc)
        self.delivered.put_nowait("")

    @classmethod
    async def reach_when_written(cls, script: Script, port: int) -> "KeyedLink":
        """Do so when the process that writes is back, which was killed: until then it is 96."""
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while True:
                try:
                    return await cls.reach(script, port)
                except HungUp as refused:
                    if not str(refused).endswith("96"):
                        raise
                await asyncio.sleep(AGAIN_SECONDS)

    async def worker(self, folder: Path) -> int:
        """Tell at which worker the link fell, as the switch of a folder says once it knows."""
        assert self.transport is not None
        host, port = self.transport.get_extra_info("sockname")
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            while True:
                told = await asyncio.to_thread(
                    ask_switch, folder / "admin.sock", "sessions", ANSWER_SECONDS_MAX
                )
                for one in told["sessions"]:
                    if one["peer"] == f"{host}:{port}":
                        return int(one["worker"])
                await asyncio.sleep(AGAIN_SECONDS)

    def say(self, message: IsoMessage, framed: bytes | None = None) -> "asyncio.Future[Answer]":
        """Send a message, and look at its answer under the key of now."""
        said = super().say(message, framed)
        said.add_done_callback(partial(self._look, self._script.keys.mac[0]))
        return said

    def _look(self, key: Key, said: "asyncio.Future[Answer]") -> None:
        if said.cancelled() or said.exception() is not None:
            return
        self.heard_of = max(self.heard_of, said.result().asked_at)
        payload, profile = said.result().payload, self._script.profile
        received = received_mac(self._script.packager.unpack(payload))
        algorithm = MacAlgorithm(profile.security.mac_algorithm)
        covered = covered_by_mac(payload, profile)
        self.wrong_macs += received is None or not mac_matches(algorithm, key, covered, received)

    def answer_own(self, message: IsoMessage, payload: bytes) -> None:
        """Take a key, and answer under the key the switch has asked under."""
        script, rules = self._script, self._script.profile.security
        taken = ""
        if message.get(70) in rules.key_delivery:
            like, taken = script.keys.mac[0], script.keys.take(message[48], script.profile)
            assert script.keys.mac[0] is like or script.keys.mac[1] is like
        response = answer(message, script.profile.messages["network"], "00")
        packed = script.keys.pack(response, script.packager, like=payload)
        self.write(enclose(script.profile.framing, packed))
        if taken:
            self.delivered.put_nowait(taken)


class Pace:
    """Holds a change back until no request in flight can miss its key for it."""

    def __init__(self, asking: Sequence[KeyedLink]) -> None:
        """Nothing was changed yet."""
        self._asking = asking
        self._changed_at = {name: deque([0.0], maxlen=GOOD_BACK) for name in NAMES}
        self.waited = 0
        self._is_loaded = False

    async def beside(self, load: Awaitable[None]) -> None:
        """Hold changes back while there is a load: behind it nothing is in flight."""
        self._is_loaded = True
        await load
        self._is_loaded = False

    async def wait(self, *names: str) -> None:
        """Wait until keys of these names may be changed, and count the change."""
        is_late = False
        while self._is_loaded and not all(map(self._may_change, names)):
            is_late = True
            await asyncio.sleep(0.005)
        self.waited += is_late
        for name in names:
            self._changed_at[name].append(time.monotonic())

    def _may_change(self, name: str) -> bool:
        eldest, newest = self._changed_at[name][0], self._changed_at[name][-1]
        was_used = any(link.heard_of > newest for link in self._asking)
        return was_used and not any(
            at < eldest for link in self._asking for _, at in link.waiting.values()
        )


def new_key() -> Key:
    """Draw a key."""
    return with_odd_parity(Key(os.urandom(16)))


def delivery(script: Script, name: str, key: Key, check: str = "") -> IsoMessage:
    """Write a 162 of the bank's that brings a key; ``check``: another check value than its own."""
    usage, mode = HEADERS[name]
    exchange = script.keys.exchange
    assert exchange is not None
    block = wrap(
        exchange, KeyBlock(usage, "T", mode, "00", "E", key), os.urandom, kbpk_algorithm=TDES
    )
    message = script.network("162")
    return message.with_element(48, (check or key_check_value(key, TDES)) + block)


async def change(link: KeyedLink, script: Script, name: str, check: str = "") -> str:
    """Have the switch take a new key, and use it where it says 00; return what it says.

    Where it says 96, for it brings a key of its own just then, the same is said again.
    """
    key = new_key()
    for _ in range(AGAIN_MAX):
        told = await asyncio.wait_for(link.say(delivery(script, name, key, check)), 60.0)
        if told.code != "96":
            break
        await asyncio.sleep(AGAIN_SECONDS)
    if told.code == "00":
        script.keys.keep(name, key, key_check_value(key, TDES))
        if name == "pin_key":
            script.keys.pin = key
        else:
            script.keys.mac = (key, *script.keys.mac[:1])
    return told.code
