"""One listening socket: where, in which dialect, for which acquirer."""

import asyncio
import itertools
from dataclasses import dataclass

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.server.desk import Desk
from atm_switch.server.limits import LineLimits
from atm_switch.server.line import Line
from atm_switch.switch.session import Dialect

BACKLOG = 100
"""More waiting connections than this are the kernel's to refuse."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What a listener is told."""

    host: str
    port: int
    dialect: Dialect
    acquirer: AcquirerId | None


_LINKS = itertools.count(1)


async def listen(listener: Listener, desk: Desk, limits: LineLimits) -> asyncio.Server:
    """Open the socket.  Raises ``OSError`` where the address is taken or not ours."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Line(next(_LINKS), listener, desk, limits),
        listener.host,
        listener.port,
        backlog=BACKLOG,
        reuse_address=True,
    )


def address_of(server: asyncio.Server) -> str:
    """Write the bound address as ``HOST:PORT``, an IPv6 host in brackets."""
    host, port, *_ = server.sockets[0].getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
