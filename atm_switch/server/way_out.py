"""The way out of one link: payloads to frames, and what is queued in one write a turn.

At most ``write_buffer_bytes_max`` of answers wait here for a peer to read them, each write with
what a transport keeps beside its bytes; one that leaves more unread is cut off.  Answers that
still wait here when a link breaks off are told to nobody, and ``unsent`` names their requests.
Limits: what the kernel has taken counts as sent, whether or not the peer ever reads it.  Of a write
that it took in part all answers count as unsent, and a link that breaks off by itself is judged by
how much waited at the last look, which is at every write and every check.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from atm_switch.server.channel import Channel
from atm_switch.server.limits import LineLimits
from atm_switch.wire.framing import answering_header, enclose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from atm_switch.profile.model import Framing
    from atm_switch.switch.ports import JournalEntry


WRITE_BYTES: Final = 256
"""What a write takes that waits, beside its bytes: measured, with room to spare.

What is kept of the requests it answers is not counted: a busy link's peer, which reads, may have
hundreds answered in one write, of which a transport says that they wait until the turn is over.
"""


class Waiting:
    """The requests whose answers wait in a transport for the peer to read, by their writes."""

    __slots__ = ("_bytes", "_writes")

    def __init__(self) -> None:
        """Begin with none."""
        self._bytes = 0
        self._writes: deque[tuple[int, Sequence[JournalEntry]]] = deque()

    def add(self, size: int, entries: "Sequence[JournalEntry]") -> None:
        """Take one write, the newest."""
        self._bytes += size
        self._writes.append((size, entries))

    def keep(self, left: int) -> None:
        """Hear how much is left; what was written before that is sent."""
        while self._writes and self._bytes - self._writes[0][0] >= left:
            self._bytes -= self._writes.popleft()[0]

    @property
    def weight(self) -> int:
        """What is kept beside the bytes, in bytes as well."""
        return WRITE_BYTES * len(self._writes)

    def entries(self) -> "list[JournalEntry]":
        """Return them, the eldest first."""
        return [entry for _, entries in self._writes for entry in entries]


class WayOut(asyncio.Protocol):
    """What a line says; when it says it, and what it hears, is the line's own."""

    __slots__ = (
        "_entries", "_framing", "_is_closing", "_limits", "_outgoing", "_transport", "_unsent",
        "_waiting", "_why", "channel",
    )  # fmt: skip

    def __init__(self, framing: "Framing", limits: LineLimits, channel: Channel) -> None:
        """Wait for the connection."""
        self.channel = channel
        self._framing = framing
        self._limits = limits
        self._outgoing: list[bytes] | None = None
        self._entries: list[JournalEntry] | None = None
        """What the journal keeps of the requests whose answers are queued."""
        self._waiting: Waiting | None = None
        self._unsent: list[JournalEntry] | None = None
        self._transport: asyncio.Transport | None = None
        self._why = "closed by peer"
        self._is_closing = False

    @property
    def unsent(self) -> "Sequence[JournalEntry]":
        """What the journal keeps of requests whose answers never left, once the link is gone."""
        return self._unsent or ()

    def put(
        self, payload: bytes, header: bytes | None, entry: "JournalEntry | None" = None
    ) -> None:
        """Queue one payload until the line is flushed; ``entry``: of the request it answers."""
        back = None if header is None else answering_header(self._framing, header)
        frame = enclose(self._framing, payload, back)
        if self._outgoing is None:
            self._outgoing = [frame]
        else:
            self._outgoing.append(frame)
        if entry is not None:
            if self._entries is None:
                self._entries = [entry]
            else:
                self._entries.append(entry)

    def _send_queued(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        entries, self._entries = self._entries, None
        if outgoing:
            if not self._is_closing:
                self.channel.send(b"".join(outgoing))
            self._write(entries)

    def _write(self, entries: "list[JournalEntry] | None" = None) -> None:
        """Write what the channel has to say; end the link if nobody fetches it."""
        data, transport = self.channel.outgoing(), self._transport
        if not data or transport is None or self._is_closing or transport.is_closing():
            self._add_unsent(entries)
            return
        transport.write(data)
        left = transport.get_write_buffer_size()
        if left:
            self._waiting = self._waiting or Waiting()
            self._waiting.add(len(data), entries or ())
        if self._waiting is not None:
            self._look_at_waiting()
        weight = self._waiting.weight if self._waiting is not None else 0
        if left + weight > self._limits.write_buffer_bytes_max:
            self._is_closing, self._why = True, "the peer does not read its answers"
            self.cut_off()

    def _look_at_waiting(self) -> None:
        if self._waiting is not None and self._transport is not None:
            left = self._transport.get_write_buffer_size()
            self._waiting.keep(left)
            self._waiting = self._waiting if left else None

    def _add_unsent(self, entries: "Sequence[JournalEntry] | None") -> None:
        if entries:
            self._unsent = [*(self._unsent or ()), *entries]

    def _break_off(self) -> None:
        """Count what waits here as unsent: the connection is gone before it could leave."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._add_unsent(waiting.entries())

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
            self._look_at_waiting()
            self._break_off()
            self._transport.abort()
