"""The link under test: bytes out in any shape, frames in, and how the link ended.

Plan: one reading task puts whole frames into a queue with the moment they came; the host's
own 0800 are answered apart, so that they do not stand between a question and its answer.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self, cast

from atm_switch.domain.errors import FramingError, Refused
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import Frame, FrameBuffer
from terminal_emulator.address import Address, why_unreachable

CONNECT_SECONDS = 5.0

Answer = Callable[[Frame], bytes | None]
"""What goes back for a frame of the host's own; ``None`` for a frame that is an answer."""


class Unreachable(Refused):
    """The host did not take the call."""


@dataclass(frozen=True, slots=True)
class Came:
    """A frame and when it was whole, in the loop's seconds."""

    payload: bytes = field(repr=False)
    at: float


class Wire:
    """An open link; made by ``Wire.open``."""

    def __init__(
        self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], profile: Profile,
        answer: Answer,
    ) -> None:  # fmt: skip
        """Begin to read."""
        self._reader, self._writer = streams
        self._buffer = FrameBuffer(profile.framing)
        self._answer = answer
        self._came: asyncio.Queue[Came] = asyncio.Queue()
        self.how_ended = ""
        """Empty while the link is up."""
        self.ended_at = 0.0
        """When it ended, in the loop's seconds."""
        self._ended = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls, address: Address, profile: Profile, answer: Answer, tls: ssl.SSLContext | None
    ) -> Self:
        """Connect.  Raises ``Unreachable`` in one sentence."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                streams = await asyncio.open_connection(address.host, address.port, ssl=tls)
        except (OSError, TimeoutError) as error:
            raise Unreachable(why_unreachable(address, error)) from None
        return cls(streams, profile, answer)

    async def write(self, octets: bytes) -> None:
        """Send bytes in one write; a link that is gone takes them silently."""
        if self._writer.is_closing():
            return
        self._writer.write(octets)
        try:
            await self._writer.drain()
        except OSError as error:
            self._end(error.strerror or type(error).__name__)

    async def frame(self, seconds: float) -> Came | None:
        """Return the next frame, or ``None`` if none comes in time or the link ends first."""
        if self._came.empty():
            waits = {
                asyncio.create_task(self._came.get()), asyncio.create_task(self._ended.wait()),
            }  # fmt: skip
            done, open_ = await asyncio.wait(
                waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            for task in open_:
                task.cancel()
            for task in done:
                if isinstance(found := task.result(), Came):
                    return found
            if self._came.empty():
                return None
        return self._came.get_nowait()

    async def end(self, seconds: float) -> str:
        """Return how the link ended; empty if it is up after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return ""
        return self.how_ended

    def stop_reading(self) -> None:
        """Leave what the host says in the sockets' buffers."""
        if not self._writer.is_closing():
            cast("asyncio.Transport", self._writer.transport).pause_reading()

    def go_on_reading(self) -> None:
        """Read again."""
        if not self._writer.is_closing():
            cast("asyncio.Transport", self._writer.transport).resume_reading()

    def half_close(self) -> None:
        """Say that no more will be sent, and go on reading."""
        if self._writer.can_write_eof():
            with suppress(OSError):  # the host was quicker
                self._writer.write_eof()

    def reset(self) -> None:
        """End the link with a reset."""
        found = self._writer.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self._end("reset by this side")

    async def close(self) -> None:
        """End the link."""
        self._task.cancel()
        self._writer.close()
        await asyncio.gather(self._task, return_exceptions=True)
        self._end("closed by this side")

    async def _read(self) -> None:
        how = "closed by the host"
        try:
            while data := await self._reader.read(65_536):
                self._buffer.receive(data)
                for frame in self._buffer.frames():
                    await self._take(frame)
        except FramingError as fault:
            how = f"framing: {fault}"
        except OSError as error:
            how = "reset by the host" if isinstance(error, ConnectionResetError) else str(error)
        finally:
            self._end(how)

    async def _take(self, frame: Frame) -> None:
        back = self._answer(frame)
        if back is None:
            self._came.put_nowait(Came(frame.payload, asyncio.get_running_loop().time()))
        elif back:
            await self.write(back)

    def _end(self, how: str) -> None:
        if not self.how_ended:
            self.how_ended = how
            self.ended_at = asyncio.get_running_loop().time()
        self._ended.set()
