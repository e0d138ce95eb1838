"""Have the kernel find out when a peer is gone without a word: cable pulled, host dead.

An own echo finds it out as well, but only of a link that has signed on, and after its idle
time and the time to answer; the kernel asks every link, and also ends one whose answers
nobody acknowledges.
"""

import socket
from typing import Protocol

IDLE_SECONDS, BETWEEN_SECONDS, PROBES = 25, 5, 4
"""A silent link is probed after the first, then so often: dead after 45 seconds."""
UNACKNOWLEDGED_MS_MAX = 45_000


class Socket(Protocol):
    """What a transport shows of its socket."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """Set one option."""


def notice_death(wire: Socket) -> None:
    """Turn the probes on, as far as this system has them."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE_SECONDS),
        ("TCP_KEEPINTVL", BETWEEN_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS_MAX),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            wire.setsockopt(socket.IPPROTO_TCP, option, value)
