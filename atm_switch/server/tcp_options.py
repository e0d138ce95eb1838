"""What the kernel is told of the socket of every link.

Plan: it finds out dead peers, and it holds little of what a peer does not read, so that the
line's own bound on unread answers is felt.  It takes a megabyte and a half for each peer that
reads nothing before it refuses more, and so long nobody knows that it is one.  What is under
way on a long road is not counted, so a fast peer far away loses nothing.
"""

import socket
from typing import Final

from atm_switch.server.dead_peers import Socket, notice_death

UNSENT_BYTES_MAX: Final = 65_536
"""Some two hundred answers."""


def set_options(wire: Socket) -> None:
    """Set all, as far as this system has them.  Raises ``OSError`` for one that is gone."""
    notice_death(wire)
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        wire.setsockopt(socket.IPPROTO_TCP, option, UNSENT_BYTES_MAX)
