"""One TCP link: bytes to frames, frames to the desk, responses back in one write a turn.

A line holds at most one partial frame and ``write_buffer_bytes_max`` of unread answers;
with ``in_flight_per_link_max`` requests under way it stops reading until one is answered.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from atm_switch.domain.errors import FramingError
from atm_switch.domain.instant import Instant
from atm_switch.server.entrance import Entrance
from atm_switch.server.limits import LineLimits
from atm_switch.switch.effects import LinkId
from atm_switch.wire.framing import Frame, FrameBuffer, answering_header, enclose


class FrontDesk(Protocol):
    """What a line says, and to whom."""

    clock: Callable[[], Instant]

    def admit(self, line: "Line", host: str, entrance: Entrance) -> str:
        """Take a new link, or say why not."""

    def received(self, line: "Line", frame: Frame) -> None:
        """Take one frame."""

    def framing_broken(self, line: "Line", fault: FramingError) -> None:
        """Hear that a stream cannot be read on."""

    def in_flight_of(self, line: "Line") -> int:
        """Count what a link has under way."""

    def lost(self, line: "Line", why: str) -> None:
        """Forget a link that is gone."""

    def later(self, call: Callable[[], None]) -> None:
        """Do something in the next turn of the loop."""


class Line(asyncio.Protocol):
    """The protocol object of one link."""

    def __init__(
        self, link: LinkId, entrance: Entrance, desk: FrontDesk, limits: LineLimits
    ) -> None:
        """Wait for the connection; ``link`` names it to the core."""
        self.link = link
        self.peer = "?"
        self._entrance = entrance
        self._desk = desk
        self._limits = limits
        self._framing = entrance.dialect.profile.framing
        self._buffer = FrameBuffer(self._framing)
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._why = "closed by peer"
        self._is_closing = False
        self._is_paused = False
        self._is_ending = False
        self._heard_at = 0.0
        self._partial_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the link or turn it away."""
        self._transport = cast("asyncio.Transport", transport)
        host, port, *_ = transport.get_extra_info("peername") or ("?", 0)
        self.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._heard_at = self._desk.clock().monotonic
        self._transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes_max)
        refusal = self._desk.admit(self, host, self._entrance)
        if refusal:
            self._is_closing = True
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came and hand on the frames that are whole."""
        self._heard_at = self._desk.clock().monotonic
        self._buffer.receive(data)
        self.pump()

    def pump(self) -> None:
        """Hand frames to the desk as long as the link may have more under way."""
        limit = self._limits.in_flight_per_link_max
        try:
            for frame in self._buffer.frames():
                self._partial_since = None  # what follows is another frame's beginning
                self._desk.received(self, frame)
                if self._is_closing or self._desk.in_flight_of(self) >= limit:
                    break
        except FramingError as fault:
            self._desk.framing_broken(self, fault)
            self.close(str(fault))
        self._watch_partial()
        self._pause(self._desk.in_flight_of(self) >= limit)

    def _watch_partial(self) -> None:
        if not self._buffer.pending:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = self._heard_at

    def _pause(self, should: bool) -> None:  # noqa: FBT001  reads as a sentence
        if self._transport is None or self._is_closing or should == self._is_paused:
            return
        self._is_paused = should
        if should:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """Keep the way back open until what the peer asked before is answered."""
        self._is_ending = True
        return self._desk.in_flight_of(self) > 0

    def put(self, payload: bytes, header: bytes | None) -> None:
        """Queue one payload; ``flush`` writes what is queued."""
        back = None if header is None else answering_header(self._framing, header)
        self._outgoing.append(enclose(self._framing, payload, back))

    def flush(self) -> None:
        """Write what is queued in one go; then read on if the link was saturated."""
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(outgoing))
            if self._transport.get_write_buffer_size() > self._limits.write_buffer_bytes_max:
                self._is_closing, self._why = True, "the peer does not read its answers"
                self._transport.abort()
        if self._is_paused and not self._is_closing:
            self._desk.later(self.pump)
        if self._is_ending and not self._desk.in_flight_of(self):
            self.close("closed by peer")

    def check(self, now: float) -> None:
        """Close a link that is silent for too long or drips a frame for too long."""
        partial = self._partial_since
        if (
            partial is not None
            and not self._is_paused
            and now - partial > self._limits.frame_seconds_max
        ):
            self.close("a frame was not finished in time")
        elif now - self._heard_at > self._limits.idle_seconds_max:
            self.close("idle")

    def close(self, why: str) -> None:
        """End the link after what is queued."""
        if self._is_closing or self._transport is None:
            return
        self._is_closing = True
        self._why = why
        self.flush()
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the core that the link is gone."""
        self._is_closing = True
        self._desk.lost(self, self._why if exc is None else type(exc).__name__)
