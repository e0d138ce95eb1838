"""Open the listening sockets; every connection becomes a line.

The files of TLS are read when a door opens and when it is told to read them again; a link
keeps what it was secured with, so a reload drops nobody.
"""

import asyncio
import socket
from dataclasses import replace
from functools import partial

from atm_switch.server.channel import PlainChannel, TlsChannel
from atm_switch.server.entrance import LINKS, Entrance, shown
from atm_switch.server.front_desk import FrontDesk
from atm_switch.server.limits import LineLimits
from atm_switch.server.line import Line
from atm_switch.server.tls import server_context

BACKLOG = 100
"""More waiting connections than this are the kernel's to refuse."""


class Door:
    """One listening socket and what its new links are secured with."""

    def __init__(self, entrance: Entrance, desk: FrontDesk[Line], limits: LineLimits) -> None:
        """Wait for ``open``."""
        self.entrance = entrance
        self._desk = desk
        self.limits = limits
        self._secured: type[PlainChannel] | partial[TlsChannel] = PlainChannel
        self._server: asyncio.Server | None = None
        self.lent_address = ""
        """Where another process listens for this door."""

    @property
    def is_secured(self) -> bool:
        """Whether peers must come by TLS."""
        return self.entrance.tls is not None

    @property
    def address(self) -> str:
        """The bound address as ``HOST:PORT``, an IPv6 host in brackets; empty while shut."""
        if self._server is None or not self._server.sockets:
            return self.lent_address
        host, port, *_ = self._server.sockets[0].getsockname()
        return shown(host, port)

    async def open(self) -> None:
        """Listen.

        Raises ``OSError`` where the address is taken or not ours, ``Refused`` where the
        files of TLS cannot be used.
        """
        self.secure()
        self._server = await asyncio.get_running_loop().create_server(
            self._line,
            self.entrance.host,
            self.entrance.port,
            backlog=BACKLOG,
            reuse_address=True,
        )

    async def take(self, connection: socket.socket, elsewhere: int) -> None:
        """Take a connection that another process has accepted for this door.

        ``elsewhere`` is how many links its peer has to other processes.
        """
        made = partial(self._line, elsewhere)
        await asyncio.get_running_loop().connect_accepted_socket(made, connection)

    def secure(self, *, in_date: bool = False) -> None:
        """Read the files of TLS, for links from now on.

        Raises ``Refused`` where they cannot be used, which out of date they can but if they must
        be ``in_date``: nobody comes in by them, and that is no reason not to start.
        """
        if self.entrance.tls is not None:
            context = server_context(self.entrance.tls, in_date=in_date)
            self._secured = partial(TlsChannel, context)

    def reload(self) -> None:
        """Read the files again.  Raises ``Refused``: what was read before stays in use."""
        self.secure(in_date=True)

    def close(self) -> None:
        """Take no more connections; those there are stay."""
        if self._server is not None:
            self._server.close()

    def _line(self, elsewhere: int = 0) -> Line:
        entrance = replace(self.entrance, elsewhere=elsewhere) if elsewhere else self.entrance
        return Line(next(LINKS), entrance, self._desk, self.limits, self._secured())
