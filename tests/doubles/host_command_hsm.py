"""A small HSM that speaks the host commands over TCP, and misbehaves where a test says so.

As a program: ``python -m tests.doubles.host_command_hsm --port 1500 --lmk HEX`` (64 hex
digits), which prints where it listens.  Tokens for its keys are made by whoever knows the
same LMK: ``LocalMasterKey(bytes.fromhex(...)).lmk_token(key, usage)``.
"""

import argparse
import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import TDES, KeyUsage, LineKey
from atm_switch.server.tls import TlsFiles, server_context
from tests.doubles.host_command_answers import HsmMind
from tests.doubles.local_master_key import LocalMasterKey

GREETING = b"NC"


@dataclass
class Mischief:
    """What goes wrong, until told otherwise; most of it spares the greeting."""

    holds: bool = False
    """Keep answers back until ``release``."""
    batch: int = 1
    """Collect so many commands of a connection, then answer them last come, first served."""
    drops: int = 0
    """Answer so many commands not at all."""
    error: str = ""
    """Answer with this error code and nothing else."""
    damage: str = ""
    """``header``, ``code``, ``half``, ``garbage``, ``empty``, ``zz``: what is done to an answer."""
    is_mute: bool = False
    """Answer nothing, not even the greeting."""
    greeting_error: str = ""
    """Answer the greeting with this error code."""


@dataclass
class HostCommandHsm:
    """The HSM: its LMK, what goes wrong, and what it was asked."""

    lmk: LocalMasterKey = field(default_factory=LocalMasterKey)
    header_digits: int = 4
    mischief: Mischief = field(default_factory=Mischief)
    tls: ssl.SSLContext | None = None
    asked: Counter[str] = field(default_factory=Counter)
    """How often each command came."""
    frames: list[bytes] = field(default_factory=list)
    """Every command as it came, its message header in front."""
    connected: int = 0

    def __post_init__(self) -> None:
        """Serve nobody yet."""
        self._mind = HsmMind(self.lmk)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._held: list[tuple[asyncio.StreamWriter, bytes]] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def verifications(self) -> int:
        """How many PINs it was asked to verify."""
        return self.asked["DC"] + self.asked["EC"]

    @property
    def held(self) -> int:
        """How many answers it keeps back."""
        return len(self._held)

    def lmk_token(self, key: Key, usage: KeyUsage, algorithm: str = TDES) -> LineKey:
        """Give a bank's clear key's token."""
        return self.lmk.lmk_token(key, usage, algorithm)

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self.tls)

    async def stop(self) -> None:
        """Listen no more and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        self.hang_up()
        while self._writers:
            await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Break every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def release(self) -> None:
        """Send what was kept back, in order."""
        self.mischief.holds = False
        held, self._held = self._held, []
        for writer, framed in held:
            writer.write(framed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connected += 1
        pile: list[bytes] = []
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                self._take(await reader.readexactly(size), pile, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, frame: bytes, pile: list[bytes], writer: asyncio.StreamWriter) -> None:
        header, payload = frame[: self.header_digits], frame[self.header_digits :]
        mischief = self.mischief
        self.frames.append(frame)
        self.asked[payload[:2].decode("latin-1")] += 1
        if mischief.is_mute:
            return
        answer = self._mind.answer(payload)
        if payload[:2] == GREETING:
            error = mischief.greeting_error
            writer.write(framed(header + (b"ND" + error.encode() if error else answer)))
            return
        if mischief.drops:
            mischief.drops -= 1
            return
        if mischief.error:
            answer = answer[:2] + mischief.error.encode()
        pile.append(damaged(mischief.damage, header, answer))
        if len(pile) >= mischief.batch:
            self._send(pile, writer)

    def _send(self, pile: list[bytes], writer: asyncio.StreamWriter) -> None:
        answers = pile[::-1]
        pile.clear()
        if self.mischief.holds:
            self._held += [(writer, one) for one in answers]
            return
        writer.write(b"".join(answers))
        if self.mischief.damage == "half":
            writer.close()


def framed(body: bytes) -> bytes:
    """Put the length in front."""
    return len(body).to_bytes(2, "big") + body


def damaged(how: str, header: bytes, answer: bytes) -> bytes:
    """Frame an answer, damaged as told."""
    if how == "header":
        header = bytes((header[0] ^ 7,)) + header[1:]
    if how == "code":
        answer = b"ZZ" + answer[2:]
    whole = framed(header + answer)
    if how == "half":
        return whole[: len(whole) // 2]
    bodies = {"garbage": b"\xff" * 70, "empty": framed(b""), "zz": framed(header + b"zz")}
    return bodies.get(how, whole)


@asynccontextmanager
async def host_command_hsm(
    lmk: LocalMasterKey | None = None, header_digits: int = 4
) -> AsyncIterator[HostCommandHsm]:
    """Run an HSM on a free loopback port."""
    hsm = HostCommandHsm(lmk or LocalMasterKey(), header_digits)
    await hsm.start()
    try:
        yield hsm
    finally:
        await hsm.stop()


async def _main() -> None:
    options = argparse.ArgumentParser(description="A test HSM; never for a bank's keys.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--lmk", default="", help="64 hex digits; drawn where left out")
    options.add_argument("--header-digits", type=int, default=4)
    for name in ("certificate", "key", "client-ca"):
        options.add_argument(f"--tls-{name}", type=Path, help="PEM file; TLS takes all three")
    given = options.parse_args()
    hsm = HostCommandHsm(LocalMasterKey(bytes.fromhex(given.lmk)), given.header_digits)
    if given.tls_certificate:
        files = TlsFiles(given.tls_certificate, given.tls_key, given.tls_client_ca)
        hsm.tls = server_context(files)
    await hsm.start(given.port)
    print(f"test HSM on 127.0.0.1:{hsm.port}, LMK check value {hsm.lmk.check}", flush=True)  # noqa: T201  a program
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
