"""The way out of one link: payloads to frames, and what is queued in one write a turn.

At most ``write_buffer_bytes_max`` of answers wait here for a peer to read them; one that leaves
more unread is cut off.
"""

import asyncio
from typing import TYPE_CHECKING

from atm_switch.server.channel import Channel
from atm_switch.server.limits import LineLimits
from atm_switch.wire.framing import answering_header, enclose

if TYPE_CHECKING:
    from atm_switch.profile.model import Framing


class WayOut(asyncio.Protocol):
    """What a line says; when it says it, and what it hears, is the line's own."""

    __slots__ = (
        "_framing", "_is_closing", "_limits", "_outgoing", "_transport", "_why", "channel",
    )  # fmt: skip

    def __init__(self, framing: "Framing", limits: LineLimits, channel: Channel) -> None:
        """Wait for the connection."""
        self.channel = channel
        self._framing = framing
        self._limits = limits
        self._outgoing: list[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._why = "closed by peer"
        self._is_closing = False

    def put(self, payload: bytes, header: bytes | None) -> None:
        """Queue one payload until the line is flushed."""
        back = None if header is None else answering_header(self._framing, header)
        frame = enclose(self._framing, payload, back)
        if self._outgoing is None:
            self._outgoing = [frame]
        else:
            self._outgoing.append(frame)

    def _send_queued(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if outgoing and not self._is_closing:
            self.channel.send(b"".join(outgoing))
            self._write()

    def _write(self) -> None:
        """Write what the channel has to say; end the link if nobody fetches it."""
        data, transport = self.channel.outgoing(), self._transport
        if not data or transport is None or self._is_closing or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > self._limits.write_buffer_bytes_max:
            self._is_closing, self._why = True, "the peer does not read its answers"
            transport.abort()

    def _say_end(self, *, says_no_more: bool) -> None:
        """Say, behind what is queued, that no more comes; a peer that has said so is left."""
        self._send_queued()
        self.channel.end()
        self._write()
        self._is_closing = True
        if self._transport is None:
            return
        if says_no_more:
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the peer has gone meanwhile
            self._transport.close()

    def cut_off(self) -> None:
        """End the link at once."""
        if self._transport is not None:
            self._transport.abort()
