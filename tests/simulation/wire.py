"""A connection between a bank and the switch: late, cut anywhere, stalled, or broken.

Plan: each direction is a stream of pieces that arrive in order, each a while after it was sent
(TCP loses and reorders nothing while it lives).  Frames are cut into pieces at any byte.  On
a noisy line a bit of a piece is turned, as by whoever sits in between.  A partition holds all
pieces back; a break loses what is under way and tells either side, each
in its time.  The switch's side is the product's ``Line`` on a transport that is this wire.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from atm_switch.server.line import Line

LOCAL_HOST = "127.0.0.1"
END = b""
"""The piece behind the last."""


class Hearer(Protocol):
    """The bank's side."""

    def heard(self, wire: "Wire", data: bytes) -> None:
        """Take bytes of the switch."""

    def lost(self, wire: "Wire") -> None:
        """Hear that the connection is gone."""


class _NoSocket:
    """Takes the options of a socket."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """Do nothing."""

    def fileno(self) -> int:
        """Name none: no kernel holds what waits here."""
        return -1


class _Nobody:
    """Stands where a bank has hung up."""

    def heard(self, wire: "Wire", data: bytes) -> None:
        """Drop what comes."""

    def lost(self, wire: "Wire") -> None:
        """Know it already."""


_NOBODY = _Nobody()


class _Way:
    """One direction."""

    def __init__(
        self, wire: "Wire", arrive: Callable[[bytes], None], end: Callable[[], None]
    ) -> None:
        self._wire, self._arrive, self._end = wire, arrive, end
        self._pieces: deque[bytes] = deque()
        self._last = 0.0
        self.is_spoilt = False
        """Whether anything ever arrived that was not sent."""

    def send(self, data: bytes) -> None:
        loop, dice = self._wire.loop, self._wire.dice
        cuts = sorted(dice.randrange(len(data)) for _ in range(dice.choice((0, 0, 0, 1, 3))))
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            self._pieces.append(data[begin:end])
            self._last = max(self._last, loop.time() + dice.uniform(0.0005, 0.03))
            loop.call_at(self._last, self._due)

    def send_end(self) -> None:
        """Say behind all that was sent that no more comes."""
        self._pieces.append(END)
        self._wire.loop.call_at(max(self._last, self._wire.loop.time()), self._due)

    def _due(self) -> None:
        wire = self._wire
        if wire.is_gone or not self._pieces:
            return
        if wire.loop.time() < wire.stalled_until:
            wire.loop.call_at(wire.stalled_until, self._due)
        elif (piece := self._pieces.popleft()) is END:
            self._end()
        else:
            self._arrive(self._heard(piece))

    def _heard(self, piece: bytes) -> bytes:
        """Turn a bit on a line that is noisy."""
        wire = self._wire
        if not wire.noise or wire.dice.random() > wire.noise:
            return piece
        self.is_spoilt = True
        spoilt = bytearray(piece)
        spoilt[wire.dice.randrange(len(spoilt))] ^= 1 << wire.dice.randrange(8)
        return bytes(spoilt)


class Wire(asyncio.Transport):
    """Both directions, and the transport of the switch's ``Line``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        dice: random.Random,
        line: Line,
        bank: Hearer,
        port: int,
    ) -> None:
        """Connect."""
        super().__init__()
        self.loop, self.dice, self.line = loop, dice, line
        self._bank = bank
        self._port = port
        self._to_switch = _Way(self, self._at_switch, self._ended_at_switch)
        self._to_bank = _Way(self, lambda data: self._bank.heard(self, data), self._ended_at_bank)
        self._unread = b""
        self._is_paused = self._is_closing = self._has_ended = False
        self.is_gone = self.is_dead = False
        self.stalled_until = 0.0
        self.noise = 0.0
        """The share of pieces of which a bit is turned on the way."""
        self.on_write: Callable[[bytes], None] = lambda _data: None
        """Hears what the switch writes, before it goes."""
        line.connection_made(self)

    # -- the bank's side

    @property
    def is_clear(self) -> bool:
        """Whether the bank got everything as it was sent."""
        return not self._to_bank.is_spoilt

    def say(self, data: bytes) -> None:
        """Send bytes to the switch."""
        if not self.is_gone and data:
            self._to_switch.send(data)

    def stall(self, seconds: float) -> None:
        """Cut the two sides off from each other for a while."""
        self.stalled_until = max(self.stalled_until, self.loop.time() + seconds)

    def cut(self) -> None:
        """Break: what is under way is lost, and either side hears of it in its time."""
        if self.is_gone:
            return
        self.is_gone = True
        self.loop.call_later(self.dice.uniform(0.0, 0.5), self._bank.lost, self)
        late = self.dice.choice((0.001, 0.1, 3.0))
        self.loop.call_later(late, self._lost, ConnectionResetError())

    def die(self) -> None:
        """Lose the switch's side: its process is gone and hears nothing any more."""
        self.is_dead = True
        self.cut()

    def _lost(self, error: Exception | None) -> None:
        if not self.is_dead:
            self.is_dead = True
            self.line.connection_lost(error)

    def _ended_at_bank(self) -> None:
        """Hang up, as whoever is told that nothing more comes; not everybody does at once."""
        self.loop.call_later(self.dice.choice((0.0, 0.001, 0.5)), self._leave)

    def _leave(self) -> None:
        if not self.is_gone:
            self._to_switch.send_end()
            self.loop.call_soon(self._bank.lost, self)
            self._bank = _NOBODY

    def _ended_at_switch(self) -> None:
        self._read()
        if not self.is_dead and not self.line.eof_received():
            self.close()

    def _at_switch(self, data: bytes) -> None:
        self._unread += data
        self._read()

    def _read(self) -> None:
        if self._unread and not (self._is_paused or self._is_closing or self.is_dead):
            data, self._unread = self._unread, b""
            self.line.data_received(data)

    # -- what a line asks of its transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Say where the peer is."""
        known = {"peername": (LOCAL_HOST, self._port), "socket": _NoSocket()}
        return known.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Have no buffer."""

    def get_write_buffer_size(self) -> int:
        """Be empty: what is written is under way."""
        return 0

    def is_closing(self) -> bool:
        """Tell whether nothing more is sent."""
        return self._is_closing or self.is_dead or self.is_gone

    def write(self, data: Any) -> None:
        """Send bytes to the bank."""
        if self._has_ended:
            raise RuntimeError("Cannot call write() after write_eof()")  # as asyncio does
        if not self.is_closing():
            self.on_write(bytes(data))
            self._to_bank.send(bytes(data))

    def can_write_eof(self) -> bool:
        """Half a connection may end, as on TCP."""
        return True

    def write_eof(self) -> None:
        """Send the end behind what was written; the bank may still speak."""
        if not (self._has_ended or self.is_gone or self.is_dead):
            self._has_ended = True
            self._to_bank.send_end()

    def close(self) -> None:
        """Hang up; what is under way arrives all the same."""
        if not self._is_closing:
            self.write_eof()
            self._is_closing = True
            self.loop.call_soon(self._lost, None)

    def abort(self) -> None:
        """Hang up."""
        self._is_closing = True
        self.loop.call_soon(self._lost, None)
        if not self.is_gone:
            self.is_gone = True
            self.loop.call_later(self.dice.uniform(0.0, 0.1), self._bank.lost, self)

    def pause_reading(self) -> None:
        """Let what comes wait."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Go on."""
        self._is_paused = False
        self.loop.call_soon(self._read)
