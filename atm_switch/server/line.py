"""One TCP link: bytes to frames, frames to the desk, responses back (``way_out``).

A line holds at most what one read brought and one partial frame; with ``in_flight_per_link_max``
requests under way, or one where all links have too many, it stops reading until one is answered.
What waits unread counts from when it may have come (``backlog``); waited too long it is handed on,
served where there is room and else declined; with ``SHED_TIMES`` as many it stops reading again.
Whether a peer may connect is asked before a byte is read; the core hears of the link when its
channel is open, so nobody without the right certificate gets there.  A link ends in the order
finish, hang up, close: what was taken is answered, the peer hears the end, and what it still
sends is dropped, for a reset would take sent answers with it.
"""

import asyncio
import ssl
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final, cast

from atm_switch.domain.errors import FramingError
from atm_switch.server.backlog import Backlog, looked_at, read_on
from atm_switch.server.channel import Channel, reason_of
from atm_switch.server.entrance import Entrance, shown
from atm_switch.server.limits import LineLimits
from atm_switch.server.tcp_options import set_options
from atm_switch.server.way_out import WayOut
from atm_switch.switch.effects import LinkId
from atm_switch.wire.framing import FrameBuffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from atm_switch.server.front_desk import FrontDesk

SHED_TIMES: Final = 8
"""So many times as much as a link may have under way, to decline what waited too long."""
WAITING_SHARE: Final = 0.25
"""As much of the time a request may take, it waits for others of its link."""
QUIET_SECONDS: Final = 0.25
"""A peer that we hung up on and that has said nothing for so long says no more."""


class Line(WayOut):
    """The protocol object of one link: small, for there are thousands that say nothing."""

    __slots__ = (
        "_backlog", "_buffer", "_came_at", "_cut_at", "_desk", "_entrance", "_heard_at",
        "_is_admitted", "_is_deaf", "_is_ending", "_is_finishing", "_is_open", "_is_paused",
        "_made_at", "_partial_since", "_resumed_at", "link", "on_lost", "peer",
    )  # fmt: skip

    def __init__(
        self,
        link: LinkId,
        entrance: Entrance,
        desk: "FrontDesk[Line]",
        limits: LineLimits,
        channel: Channel,
    ) -> None:
        """Wait for the connection; ``link`` names it to the core."""
        super().__init__(entrance.dialect.profile.framing, limits, channel)
        self.link = link
        self.peer = "?"
        self._entrance = entrance
        self._desk = desk
        self._buffer = FrameBuffer(self._framing)
        self._is_paused = self._is_deaf = self._is_ending = False
        self._is_finishing = self._is_admitted = self._is_open = False
        self._made_at = self._heard_at = self._resumed_at = self._came_at = 0.0
        """Monotonic; what was read last came no earlier than the last of these."""
        self._cut_at = inf
        self._partial_since: float | None = None
        self._backlog: Backlog | None = None
        self.on_lost: Callable[[str], None] = lambda _why: None
        """Told, last of all, why the connection is gone."""

    @property
    def is_ours(self) -> bool:
        """Whether this switch dialled."""
        return self._entrance.is_ours

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the link or turn it away."""
        self._transport = cast("asyncio.Transport", transport)
        host, port, *_ = transport.get_extra_info("peername") or ("?", 0)
        self.peer = shown(host, port)
        self._made_at = self._heard_at = self._desk.clock().monotonic
        self._transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes_max)
        refusal = self._desk.admit(self, host, self._entrance)
        self._is_admitted = not refusal
        if refusal:
            self._is_closing = True
            self._transport.abort()
            return
        with suppress(OSError):  # gone again already
            set_options(transport.get_extra_info("socket"))
        if self.channel.is_open:
            self._open()
        else:
            self.channel.begin()
            self._write()

    def _open(self) -> None:
        self._is_open = True
        self._desk.opened(self, self._entrance)

    def data_received(self, data: bytes) -> None:
        """Take what came and hand on the frames that are whole."""
        now = self._heard_at = self._came_at = self._desk.clock().monotonic
        if self._is_finishing or self._is_closing:
            return
        if (backlog := self._backlog) is not None:
            self._came_at = backlog.since
            self._backlog = read_on(backlog, self._transport, len(data), now)
        said = self._understood(data)
        if said:
            self._buffer.receive(said)
            if self._buffer.is_worth_a_look:
                self._hand_on(now)
            else:
                self._watch_partial()
        if self.channel.is_ended:
            self.eof_received()

    def _understood(self, data: bytes) -> bytes:
        """Pass bytes through the channel, which may open or break at it."""
        try:
            said = self.channel.receive(data)
        except ssl.SSLError as error:
            self.close(f"TLS: {reason_of(error)}")
            return b""
        self._write()
        if self.channel.is_open and not self._is_open:
            self._open()
        return said

    def stop_listening(self) -> None:
        """Take no more frames; what is under way is still answered."""
        self._is_deaf = True
        self._pause(should=True)

    def listen(self) -> None:
        """Take frames again."""
        self._is_deaf = False
        self.pump()

    def pump(self) -> None:
        """Hand frames to the desk as long as the link may have more under way."""
        self._hand_on(self._desk.clock().monotonic)

    def _hand_on(self, now: float) -> None:
        """Hand on what is whole; what waited too long to be served is declined."""
        if self._is_deaf or self._is_closing:
            return
        most, served_max = self._desk.room_of_each(self._limits.in_flight_per_link_max), 0
        if self._came_at < now and self._has_waited_long(now):
            served_max, most = most, self._desk.room_of_each(SHED_TIMES * most)
        handed, is_full = 0, self._desk.in_flight_of(self) >= most
        try:
            for handed, frame in enumerate(() if is_full else self._buffer.frames(), 1):
                began = self._came_at if self._partial_since is None else self._partial_since
                self._partial_since = None  # what follows is another frame's beginning
                self._desk.received(self, frame, began, served_max)
                is_over = self._is_finishing or self._is_closing
                if is_over or handed == most or self._desk.in_flight_of(self) >= most:
                    break
        except FramingError as fault:
            self._desk.framing_broken(self, fault)
            self.finish(str(fault))
        if not self._is_finishing:
            self._go_on(most, handed)

    def _go_on(self, most: int, handed: int) -> None:
        """Read on where there is room; what this turn left is handed on in the next."""
        self._watch_partial()
        is_full = self._desk.in_flight_of(self) >= most
        self._pause(should=is_full or handed == most)
        if handed == most and not is_full:
            self._desk.later(self.pump)  # behind what others say
        if self._is_ending:
            self._end_if_done()

    def _has_waited_long(self, now: float) -> bool:
        """Tell whether what is there, or is still to be read, has waited as long as it may."""
        since = self._came_at
        if not self._buffer.pending:
            since = now if self._backlog is None else self._backlog.since
        rules = self._entrance.dialect.profile.inquiry
        return now - since > WAITING_SHARE * rules.request_seconds_max

    def _watch_partial(self) -> None:
        if not self._buffer.pending:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = self._came_at

    def _pause(self, *, should: bool) -> None:
        if self._transport is None or self._is_closing or should == self._is_paused:
            return
        self._is_paused = should
        if should:
            self._backlog = self._backlog or Backlog(self._heard_at)
            self._transport.pause_reading()
            return
        now = self._resumed_at = self._desk.clock().monotonic
        self._backlog = looked_at(self._backlog, self._transport, now)
        self._transport.resume_reading()

    def eof_received(self) -> bool:
        """Keep the way back open until what the peer asked before is answered."""
        self._is_ending = True
        holds_more = self._is_paused and not self._is_deaf
        if (holds_more or self._desk.in_flight_of(self)) and not self._is_closing:
            return True
        self.close(self._why)
        return False

    def flush(self) -> None:
        """Write what is queued in one go; then read on if the link was saturated."""
        self._send_queued()
        if self._is_paused and not self._is_closing:
            self._desk.later(self.pump)
        if self._is_ending or self._is_finishing:
            self._end_if_done()

    def _end_if_done(self) -> None:
        """Hang up once all is answered; a line that waits to be read may hold more requests."""
        if (self._is_deaf or not self._is_paused) and not self._desk.in_flight_of(self):
            self.hang_up(self._why)

    def check(self, now: float) -> None:
        """Close a link that is silent or drips too long; go on where a request ended unsaid."""
        self._look_at_waiting()
        if not self._is_closing:
            if why := self._overdue(now):  # silent, so with nothing under way it says no more
                (self.finish if self._desk.in_flight_of(self) else self.close)(why)
            else:
                if self._is_paused:  # it still counts as one, empty or not
                    looked_at(self._backlog, self._transport, now)
                self.flush()
        elif self._transport and now > self._cut_at:
            self.cut_off()
        elif self._transport and now - self._heard_at > QUIET_SECONDS:
            self._transport.close()  # writes what is left, which may take longer

    def _overdue(self, now: float) -> str:
        """Say what the peer has not done in time, if anything."""
        limits, partial = self._limits, self._partial_since
        if not self._is_open and now - self._made_at > limits.handshake_seconds_max:
            return "the TLS handshake was not finished in time"
        begun = now if partial is None else max(partial, self._resumed_at)
        if now - begun > limits.frame_seconds_max and not self._is_paused:
            return "a frame was not finished in time"
        return "idle" if now - self._heard_at > limits.idle_seconds_max else ""

    def finish(self, why: str) -> None:
        """End the link once what is under way is answered; take no more frames."""
        if self._is_closing or self._is_finishing:
            return
        self._why = why
        self._is_deaf = self._is_finishing = True
        self._pause(should=False)
        if not self._desk.in_flight_of(self):
            self.hang_up(why)

    def hang_up(self, why: str, seconds_max: float | None = None) -> None:
        """Say that no more comes, after what is queued; then drop what the peer still says.

        ``seconds_max``: how long the peer may take to fetch it, if not as long as always.
        """
        if self._is_closing or self._transport is None:
            return
        self._why = why + self._not_taken()
        self._pause(should=False)
        seconds = self._limits.shutdown_seconds_max if seconds_max is None else seconds_max
        self._heard_at = self._desk.clock().monotonic
        self._cut_at = self._heard_at + seconds
        self._say_end(says_no_more=self._is_ending)

    def _not_taken(self) -> str:
        """Say what was read and never handed on, where there is any."""
        left = self._buffer.pending if self._is_paused else 0
        return f"; {left} bytes that came were not taken" if left else ""

    def close(self, why: str) -> None:
        """End the link after what is queued, whatever the peer still says."""
        self.hang_up(why)
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the core that the link is gone."""
        is_ours = exc is None or self._is_closing
        why = (self._why if is_ours else type(exc).__name__) + self._not_taken()
        self._is_closing = True
        if exc is not None:
            self._break_off()
        if self._is_admitted and not self._is_open:
            self._desk.never_opened(self, why)
        self._desk.lost(self, why)
        self.on_lost(why)
