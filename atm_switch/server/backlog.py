"""How long what waits in a socket may have waited: since when at the earliest its bytes came.

Plan: of a link that is not read for a while nobody sees bytes come.  What the kernel holds at a
moment (FIONREAD) came before it, and all behind that came after it.  One such mark at a time: what
is read up to it is dated from the moment before, what is behind it from the mark.  So nothing
counts as younger than it is, nor as older than it was between two marks.
Limits: what still waits at the sender, for want of room here, has not come.  What comes to a link
that is read counts from when it is read: the loop's turn before that is not counted.
"""

import fcntl
import struct
import termios
from asyncio import BaseTransport
from typing import Final

_COUNT: Final = struct.Struct("i")


class Backlog:
    """Of one link, as long as there may be one.  Monotonic seconds."""

    __slots__ = ("_left", "_marked_at", "since")

    def __init__(self, since: float) -> None:
        """Begin where reading ends."""
        self.since = since
        """What is read next came no earlier."""
        self._marked_at = since
        self._left = 0
        """Bytes that were there at the mark."""

    def look(self, unread: int, now: float) -> bool:
        """Hear how much is there now; tell whether anything is."""
        if not unread:
            self.since = self._marked_at = now
            self._left = 0
        elif not self._left:
            self._marked_at, self._left = now, unread
        return unread > 0

    def read(self, size: int, unread: int, now: float) -> bool:
        """Hear that so much was read, and how much is there now; tell whether anything is."""
        self._left = max(self._left - size, 0)
        if not self._left:
            self.since = self._marked_at
        return self.look(unread, now)


def looked_at(
    backlog: Backlog | None, transport: BaseTransport | None, now: float
) -> Backlog | None:
    """Look how much waits by now; return the backlog if anything does."""
    if backlog is None or not backlog.look(_unread(transport), now):
        return None
    return backlog


def read_on(
    backlog: Backlog, transport: BaseTransport | None, size: int, now: float
) -> Backlog | None:
    """Take note that so much of it was read; return the backlog if anything waits behind it."""
    return backlog if backlog.read(size, _unread(transport), now) else None


def _unread(transport: BaseTransport | None) -> int:
    """Ask how much a socket holds; 0 where there is none, or it is gone."""
    wire = transport and transport.get_extra_info("socket")
    if not wire:
        return 0
    try:
        return int(_COUNT.unpack(fcntl.ioctl(wire.fileno(), termios.FIONREAD, bytes(4)))[0])
    except (OSError, ValueError):
        return 0
