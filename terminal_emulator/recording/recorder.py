"""A proxy between terminals and a host that writes down what passes.

Plan: bytes go on unchanged and at once; a copy is cut into frames and written.  How one side
ends - done, or with a reset - is passed on to the other.  Where the recording cannot be written
(a full disk), the line goes on and ``fault`` says why: nobody's money waits for a recording.
Limits: plain TCP; a line under TLS is recorded on the inner side of whoever ends it.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from atm_switch.domain.errors import FramingError
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import FrameBuffer
from terminal_emulator.address import Address
from terminal_emulator.recording.packets import Capture
from terminal_emulator.recording.tape import Tape

READ_BYTES = 65_536

WriteLine = Callable[[str], object]
WritePacket = Callable[[bytes], object]


@dataclass(slots=True)
class Recorder:
    """Takes terminals' calls, calls the host for each, and records both ways."""

    host: Address
    profile: Profile
    write_line: WriteLine
    write_packet: WritePacket | None = None
    frames: int = 0
    fault: str = ""
    """Why the recording ends before the line does."""
    _links: int = 0
    _tape: Tape = field(init=False)
    _capture: Capture = field(init=False)
    _began: float = field(default_factory=time.monotonic)
    _began_at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        """Write the heads."""
        self._tape, self._capture = Tape(self.profile), Capture(self.profile)
        self._write(self._tape.head(datetime.now(UTC)), self._capture.head())

    async def serve(self, listen: Address) -> asyncio.Server:
        """Listen for terminals.  Raises ``OSError``."""
        return await asyncio.start_server(self._link, listen.host, listen.port)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links += 1
        link = self._links
        try:
            there = await asyncio.open_connection(self.host.host, self.host.port)
        except OSError:
            _reset(writer)  # as the terminal would have met it
            return
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._pass(reader, there[1], link, is_from_host=False),
                self._pass(there[0], writer, link, is_from_host=True),
            )
        for one in (writer, there[1]):
            one.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: int,
        *, is_from_host: bool,
    ) -> None:  # fmt: skip
        buffer: FrameBuffer | None = FrameBuffer(self.profile.framing)
        try:
            while data := await reader.read(READ_BYTES):
                writer.write(data)
                await writer.drain()
                buffer = self._record(data, buffer, link, is_from_host=is_from_host)
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
        except OSError:
            _reset(writer)

    def _record(
        self, data: bytes, buffer: FrameBuffer | None, link: int, *, is_from_host: bool
    ) -> FrameBuffer | None:
        """Write down the frames that are whole; a stream that is none is passed on unrecorded."""
        if buffer is None:
            return None
        buffer.receive(data)
        try:
            for frame in buffer.frames():
                self._keep(frame.payload, link, is_from_host=is_from_host)
        except FramingError as fault:
            at = time.monotonic() - self._began
            self._write(self._tape.unframed(link, at, str(fault), is_from_host=is_from_host))
            return None
        return buffer

    def _keep(self, payload: bytes, link: int, *, is_from_host: bool) -> None:
        at = time.monotonic() - self._began
        line = self._tape.line(payload, link, at, is_from_host=is_from_host)
        packet = b""
        if self.write_packet is not None:
            card = self._tape.card_of(payload)
            packet = self._capture.packet(
                payload, card, link, self._began_at + at, is_from_host=is_from_host
            )
        self.frames += self._write(line, packet)

    def _write(self, line: str, packet: bytes = b"") -> bool:
        """Write to both files; false from the first time on that one cannot be written."""
        if self.fault:
            return False
        try:
            self.write_line(line)
            if packet and self.write_packet is not None:
                self.write_packet(packet)
        except OSError as error:
            self.fault = error.strerror or str(error)
        return not self.fault


def _reset(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not close(): that would first wait for what the other side may never read.
    writer.transport.abort()
