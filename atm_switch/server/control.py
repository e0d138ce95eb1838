"""The socket between the supervisor and a process of its own: messages, and connections.

Plan: a pair of SOCK_SEQPACKET sockets, one inherited by the child; a message is a JSON
object, and a connection's descriptor may ride on it (SCM_RIGHTS).  Whoever's other end is
closed knows that the other is gone, however it went.
Limits: a message is at most ``MESSAGE_BYTES_MAX``; one that does not go out at once is not
sent, and ``say`` tells so.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

MESSAGE_BYTES_MAX: Final = 16_384

Heard = Callable[[dict[str, Any], int | None], None]
"""Told a message and the descriptor that came with it, which is the hearer's to close."""


class Control:
    """One end."""

    def __init__(self, end: socket.socket, heard: Heard, lost: Callable[[], None]) -> None:
        """Wait for ``start``."""
        self._socket, self._heard, self._lost = end, heard, lost
        self._loop: asyncio.AbstractEventLoop | None = None
        end.settimeout(0)

    @classmethod
    def of_descriptor(cls, number: int, heard: Heard, lost: Callable[[], None]) -> "Control":
        """Take the end that was inherited under this descriptor."""
        return cls(socket.socket(fileno=number), heard, lost)

    def start(self) -> None:
        """Hear what comes, in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def say(self, message: dict[str, Any], descriptor: int | None = None) -> bool:
        """Send a message; tell whether it went out."""
        content = [json.dumps(message).encode()]
        try:
            if descriptor is None:
                self._socket.send(content[0])
            else:
                socket.send_fds(self._socket, content, [descriptor])
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End."""
        if self._loop is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        try:
            content, descriptors, _flags, _from = socket.recv_fds(
                self._socket, MESSAGE_BYTES_MAX, 1
            )
        except BlockingIOError:
            return
        except OSError:
            content, descriptors = b"", []
        if not content:
            self.close()
            self._lost()
            return
        descriptor = descriptors[0] if descriptors else None
        try:
            message = json.loads(content)
        except ValueError:
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)
            return
        self._heard(message, descriptor)


def pair() -> tuple[socket.socket, socket.socket]:
    """Make the two ends; the second is to be inherited."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
