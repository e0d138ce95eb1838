"""Where a supervisor's connections come in: each is handed to the worker with the fewest.

Plan: it accepts, and passes the descriptor on (SCM_RIGHTS) with how many links its peer has to
the others.  Where no descriptor is left, or no memory for one, it looks away from that door for
``AGAIN_SECONDS``: the kernel's queue holds who comes, and the log has few lines of many.
Limits: for the supervisor's loop.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from typing import Final

from atm_switch import seat
from atm_switch.adapters.clock import read_clock
from atm_switch.child import Child
from atm_switch.process_place import WRITER
from atm_switch.server.entrance import shown
from atm_switch.server.listener import BACKLOG
from atm_switch.server.log import Logger
from atm_switch.switch.throttle import Throttle

AGAIN_SECONDS: Final = 0.5
"""How long a door is left alone for which there is no descriptor."""
NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""What is over when others have let go of something."""


class Reception:
    """The doors of all workers; made of bound sockets."""

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        children: Callable[[], Iterable[Child]],
        log: Logger,
    ) -> None:
        """Wait for ``open``; ``children`` are the processes there are."""
        self._doors = list(enumerate(sockets))
        self._children, self._log = children, log
        self._throttle = Throttle()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Listen, in the running loop."""
        self._loop = asyncio.get_running_loop()
        for at, door in self._doors:
            door.listen(BACKLOG)
            self._look(at, door)

    def close(self) -> None:
        """Listen no more."""
        for _, door in self._doors:
            if self._loop is not None and door.fileno() >= 0:
                self._loop.remove_reader(door.fileno())
            door.close()

    @property
    def addresses(self) -> list[str]:
        """Where it listens, by the number of the door."""
        return [shown(*door.getsockname()[:2]) for _, door in self._doors]

    def _look(self, at: int, door: socket.socket) -> None:
        if self._loop is not None and door.fileno() >= 0:  # it was not closed meanwhile
            self._loop.add_reader(door.fileno(), self._accept, at, door)

    def _accept(self, at: int, door: socket.socket) -> None:
        try:
            connection, (host, *_) = door.accept()
        except OSError as error:
            if error.errno in NO_ROOM:
                self._look_away(at, door, error)
            return  # or it is gone again
        with connection:
            if not self._hand_over(at, connection, host):
                self._warn("connection turned away", "no worker takes it")

    def _hand_over(self, at: int, connection: socket.socket, host: str) -> bool:
        ready = [one for one in self._children() if one.number != WRITER and one.is_ready.is_set()]
        in_all = sum(child.links_of(host) for child in self._children())
        for child in sorted(ready, key=lambda one: (one.links, one.number)):
            elsewhere = in_all - child.links_of(host)
            told = {seat.TAKE: at, seat.HOST: host, seat.ELSEWHERE: elsewhere}
            if child.control.say(told, connection.fileno()):
                child.handed_in += 1
                child.unsettled.append(host)
                return True
        return False

    def _look_away(self, at: int, door: socket.socket, error: OSError) -> None:
        if self._loop is not None:
            self._loop.remove_reader(door.fileno())
            self._loop.call_later(AGAIN_SECONDS, self._look, at, door)
        self._warn("connections wait", error.strerror or "no descriptor is left")

    def _warn(self, event: str, reason: str) -> None:
        so_far = self._throttle.count(f"{event}: {reason}", read_clock().monotonic)
        if so_far:
            self._log.warning(event, reason=reason, within_a_minute=so_far)
