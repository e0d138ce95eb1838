"""A host that only answers: what framing and codec cost, without the decisions.

    python -m tests.bench.answering_host answer|echo CORE     prints where it listens

Plan: ``answer`` is the line and the codec of the switch - frames cut, a 0200 decoded with
every strict check, DE39, DE54 and DE62 set, DE52 and DE64 dropped, a 0210 packed, one write
for all of one read.  ``echo`` is the least a framed server can do on the same loop: it cuts
frames by their length and writes what came.  Both on the loop ``serve`` would take, and on
one core.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import cast

from atm_switch.adapters.clock import read_clock
from atm_switch.domain.errors import FramingError
from atm_switch.domain.instant import Instant
from atm_switch.profile.load import load_profile
from atm_switch.server.entrance import Entrance
from atm_switch.server.event_loop import new_loop
from atm_switch.server.limits import LineLimits
from atm_switch.server.line import Line
from atm_switch.server.listener import Door
from atm_switch.switch.session import Dialect
from atm_switch.wire.framing import Frame
from tests.bench.codec_trips import ANSWER, REQUEST

ECHO = frozenset(REQUEST) - {52, 64}
LIMITS = LineLimits(
    idle_seconds_max=300,
    frame_seconds_max=10,
    in_flight_per_link_max=64,
    write_buffer_bytes_max=1 << 20,
)


class AnsweringDesk:
    """Decodes and answers each frame; flushes a line once for all it read."""

    clock: Callable[[], Instant] = staticmethod(read_clock)

    def __init__(self, dialect: Dialect) -> None:
        """Speak one dialect."""
        self._packager = dialect.packager
        self._written: list[Line] = []

    def admit(self, line: Line, host: str, entrance: Entrance) -> str:
        """Let everybody in."""
        del line, host, entrance
        return ""

    def opened(self, line: Line, entrance: Entrance) -> None:
        """Say nothing."""

    def never_opened(self, line: Line, why: str) -> None:
        """Say nothing."""

    def received(self, line: Line, frame: Frame, began: float, served_max: int = 0) -> None:
        """Answer one frame."""
        del began, served_max
        request = self._packager.unpack(frame.payload)
        line.put(self._packager.pack(request.answering("0210", ECHO, ANSWER)), frame.header)
        if not self._written:
            asyncio.get_running_loop().call_soon(self._flush)
        self._written.append(line)

    def framing_broken(self, line: Line, fault: FramingError) -> None:
        """Say nothing."""

    def in_flight_of(self, line: Line) -> int:
        """Count nothing: all is answered at once."""
        del line
        return 0

    def room_of_each(self, limit: int) -> int:
        """Give all of it."""
        return limit

    def lost(self, line: Line, why: str) -> None:
        """Forget it."""

    def later(self, call: Callable[[], None]) -> None:
        """Do it in the next turn."""
        asyncio.get_running_loop().call_soon(call)

    def _flush(self) -> None:
        written, self._written = self._written, []
        for line in dict.fromkeys(written):
            line.flush()


class Echo(asyncio.Protocol):
    """Takes the payload out of each frame and puts it into another, one write a read."""

    def __init__(self) -> None:
        """Begin with nothing pending."""
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Cut what came, and write it."""
        data = self._pending + data if self._pending else data
        start, held, payloads = 0, len(data), []
        while held - start >= 2:
            end = start + 2 + int.from_bytes(data[start : start + 2], "big")
            if end > held:
                break
            payloads.append(data[start + 2 : end])
            start = end
        self._pending = data[start:]
        if payloads and self._transport is not None:
            self._transport.write(b"".join([len(one).to_bytes(2, "big") + one for one in payloads]))


async def serve(kind: str) -> None:
    """Listen until killed."""
    loop = asyncio.get_running_loop()
    if kind == "echo":
        server = await loop.create_server(Echo, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    else:
        dialect = Dialect.of(load_profile("bpjstk-jht-v1"))
        desk = AnsweringDesk(dialect)
        door = Door(Entrance("127.0.0.1", 0, dialect, None), desk, LIMITS)
        await door.open()
        address = door.address
    sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[2])})
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(sys.argv[1]))
