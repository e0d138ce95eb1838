"""A relay between a terminal and a host that spoils the answers on their way back.

So that a checker can be shown to find out a host that is wrong in exactly one thing.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

PROFILE = load_profile("bpjstk-jht-v1")
PACKAGER = Packager(PROFILE)

TURNS = 10
"""Of the loop, in which a link that was just accepted has become a task that can be cancelled."""

Spoil = Callable[[IsoMessage], tuple[list[IsoMessage], float]]
"""What goes on for an answer to an inquiry, and after how many seconds."""


class Relay:
    """Every link to it is a link to the host."""

    def __init__(self, address: str, spoil: Spoil) -> None:
        """Relay to HOST:PORT."""
        host, _, port = address.rpartition(":")
        self._host, self._port, self._spoil = host, int(port), spoil
        self._held: set[asyncio.Task[None] | None] = set()
        """The loop holds a task weakly, and a link whose two ends are gone is held by nobody."""

    async def link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one link until either side ends it."""
        self._held.add(asyncio.current_task())
        there = await asyncio.open_connection(self._host, self._port)
        ways = self._forth(reader, there[1]), self._back(there[0], writer)
        try:
            with suppress(OSError):
                await asyncio.gather(*ways)
        finally:
            for one in (writer, there[1]):
                one.close()
                with suppress(OSError):
                    await one.wait_closed()

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = FrameBuffer(PROFILE.framing)
        while data := await reader.read(65_536):
            buffer.receive(data)
            for frame in buffer.frames():
                for payload in await self._spoilt(frame.payload):
                    writer.write(enclose(PROFILE.framing, payload))
        writer.close()

    async def _spoilt(self, payload: bytes) -> list[bytes]:
        if not payload.startswith(b"0210"):
            return [payload]
        messages, seconds = self._spoil(PACKAGER.unpack(payload))
        await asyncio.sleep(seconds)
        return [PACKAGER.pack(message) for message in messages]


@contextmanager
def relayed(address: str, spoil: Spoil) -> Iterator[str]:
    """Run a relay in a thread for a block, and yield its HOST:PORT."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ends: list[asyncio.Server] = []
    try:
        started = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(Relay(address, spoil).link, "127.0.0.1", 0), loop
        )
        server = started.result(90)
        ends.append(server)
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(ends), loop).result(90)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(90)
        loop.close()


async def _end(servers: list[asyncio.Server]) -> None:
    """Cancel whatever still runs in the relay's loop, and let its sockets close."""
    for server in servers:
        server.close()
    for _ in range(TURNS):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
