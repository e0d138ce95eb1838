"""What the kernel is told of the socket of every link.

Plan: it finds out when a peer is gone without a word: cable pulled, host dead.  An own echo finds
it out as well, but only of a link that has signed on, and after its idle time and the time to
answer; the kernel asks every link, and also ends one whose answers nobody acknowledges.
And it holds little of what a peer does not read, so that the line's own bound on unread answers
is felt.  It takes a megabyte and a half for each peer that
reads nothing before it refuses more, and so long nobody knows that it is one.  What is under
way on a long road is not counted, so a fast peer far away loses nothing.
"""

import socket
from typing import Final, Protocol

IDLE_SECONDS, BETWEEN_SECONDS, PROBES = 25, 5, 4
"""A silent link is probed after the first, then so often: dead after 45 seconds."""
UNACKNOWLEDGED_MS_MAX = 45_000
UNSENT_BYTES_MAX: Final = 65_536
"""Some two hundred answers."""


class Socket(Protocol):
    """What a transport shows of its socket."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """Set one option."""


def set_options(wire: Socket) -> None:
    """Set all, as far as this system has them.  Raises ``OSError`` for one that is gone."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", IDLE_SECONDS),
        ("TCP_KEEPINTVL", BETWEEN_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS_MAX),
        ("TCP_NOTSENT_LOWAT", UNSENT_BYTES_MAX),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            wire.setsockopt(socket.IPPROTO_TCP, option, value)
