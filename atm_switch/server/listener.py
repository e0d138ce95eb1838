"""Open the listening sockets; every connection becomes a line."""

import asyncio
import itertools

from atm_switch.server.entrance import Entrance
from atm_switch.server.limits import LineLimits
from atm_switch.server.line import FrontDesk, Line

BACKLOG = 100
"""More waiting connections than this are the kernel's to refuse."""


_LINKS = itertools.count(1)


async def listen(entrance: Entrance, desk: FrontDesk, limits: LineLimits) -> asyncio.Server:
    """Open the socket.  Raises ``OSError`` where the address is taken or not ours."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Line(next(_LINKS), entrance, desk, limits),
        entrance.host,
        entrance.port,
        backlog=BACKLOG,
        reuse_address=True,
    )


def address_of(server: asyncio.Server) -> str:
    """Write the bound address as ``HOST:PORT``, an IPv6 host in brackets."""
    host, port, *_ = server.sockets[0].getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
