"""A TLS client in memory over a plain stream, so that a test decides what is sent when."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

SECONDS_MAX = 30.0


class BareTls:
    """One client; ``step`` bytes are written at a time."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        context: ssl.SSLContext,
        step: int = 65_536,
    ) -> None:
        """Wait for ``handshake``."""
        self.reader, self.writer = streams
        self._step = step
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname="localhost")

    async def handshake(self) -> None:
        """Shake hands.  Raises ``ssl.SSLError``."""
        await self._until_done(self._tls.do_handshake)

    async def write(self, data: bytes) -> None:
        """Send ``data``."""
        self._tls.write(data)
        await self._flush()

    async def read(self) -> bytes:
        """Wait for data; ``b""`` at the host's goodbye.  Raises ``ssl.SSLError``."""
        try:
            return await self._until_done(lambda: self._tls.read(65_536))
        except ssl.SSLZeroReturnError:
            return b""

    async def say_goodbye(self) -> None:
        """Send close_notify; go on reading."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            await self._flush()

    async def write_and_say_goodbye(self, data: bytes) -> None:
        """Send ``data`` and close_notify at once; go on reading."""
        self._tls.write(data)
        await self.say_goodbye()

    async def _until_done(self, work: Callable[[], T]) -> T:
        while True:
            try:
                done = work()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await asyncio.wait_for(self.reader.read(65_536), SECONDS_MAX)
                if data:
                    self._came.write(data)
                else:
                    self._came.write_eof()
            else:
                await self._flush()
                return done

    async def _flush(self) -> None:
        data = self._goes.read()
        for at in range(0, len(data), self._step):
            self.writer.write(data[at : at + self._step])
            await self.writer.drain()
            await asyncio.sleep(0)


@asynccontextmanager
async def bare_tls(
    port: int, context: ssl.SSLContext, step: int = 65_536
) -> AsyncIterator[BareTls]:
    """Connect to a port of this machine, shake hands, and hang up after the block."""
    client = BareTls(await asyncio.open_connection("127.0.0.1", port), context, step)
    try:
        await client.handshake()
        yield client
    finally:
        client.writer.transport.abort()
        await asyncio.sleep(0)
