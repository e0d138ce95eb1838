"""A host that does nothing but answer: for measuring what asks, not what answers.

    python -m tests.doubles.trivial_host [CPU]

It prints its port, answers every 0800 and 0200 of the default dialect by copying bytes, and
ends when its standard input does.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from atm_switch.domain.errors import FormatError, FramingError
from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address

PROFILE = load_profile("bpjstk-jht-v1")
PACKAGER = Packager(PROFILE)
ECHOED = (2, 3, 4, 7, 11, 12, 13, 15, 18, 22, 25, 32, 37, 41, 42, 43, 49, 70)
STAN = slice(66, 72)
"""Where DE11 is in an inquiry with a PAN of sixteen digits, and in its answer."""
REFERENCE = slice(100, 112)
"""Where DE37 is in the request."""


@asynccontextmanager
async def listening(host: Callable[[], asyncio.Protocol]) -> AsyncIterator[Address]:
    """Have a host in this process listen for a block; yields where."""
    server = await asyncio.get_running_loop().create_server(host, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()


class TrivialHost(asyncio.Protocol):
    """Answers one link; an answer is made once for each terminal, then patched."""

    def __init__(self) -> None:
        """Know no answer yet."""
        self._buffer = FrameBuffer(PROFILE.framing)
        self._answers: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer all that came in one write."""
        self._buffer.receive(data)
        try:
            answers = [
                enclose(PROFILE.framing, self.answer(one.payload)) for one in self._buffer.frames()
            ]
        except (FormatError, FramingError, KeyError):  # it knows nothing of refusals
            self.hang_up()
            return
        if answers and self._transport is not None:
            self._transport.write(b"".join(answers))

    def hang_up(self) -> None:
        """End the link."""
        if self._transport is not None:
            self._transport.close()

    def answer(self, payload: bytes) -> bytes:
        """Return the answer to one payload."""
        if not payload.startswith(b"0200"):
            return PACKAGER.pack(_approved(PACKAGER.unpack(payload)))
        # What is the same of all requests of a terminal and card within a second.
        same = payload[: STAN.start] + payload[STAN.stop : REFERENCE.start] + payload[112:120]
        known = self._answers.get(same)
        if known is None:
            whole = PACKAGER.pack(_approved(PACKAGER.unpack(payload)))
            known = (whole[: STAN.start], whole[STAN.stop : REFERENCE.start], whole[112:])
            if len(self._answers) > 10_000:
                self._answers.clear()
            self._answers[same] = known
        first, second, third = known
        return first + payload[STAN] + second + payload[REFERENCE] + third


def _approved(request: IsoMessage) -> IsoMessage:
    mti = {"0200": "0210", "0800": "0810"}[request.mti]
    elements = {**request.only(ECHOED), 39: "00"}
    return IsoMessage(mti, dict(sorted(elements.items())))


async def serve() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(TrivialHost, "127.0.0.1", 0, backlog=10_000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    asyncio.run(serve())
