"""The server's process for a connection gives way as this process does, where both are here.

Plan: a command that takes minutes lowers its own priority (``process_hygiene.give_way``), but
on PostgreSQL the server does the work.  Where the server runs on this machine, and we may, its
process for this connection is given our priority.
Limits: Linux, for it reads ``/proc``.  A number that came from behind a pooler, or from another
machine, is that of anybody here: the process must be a child of the one that listens on the
socket file, or name itself by our port as PostgreSQL does (``update_process_title``).
"""

import os
import re
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

_PEER = struct.Struct("3i")
"""``struct ucred`` of unix(7): process, user, group."""


async def give_way_there(connection: Any) -> None:
    """Where this process gives way, have the server do so in what it does for ``connection``.

    One that asyncpg has just made.  What goes on in parallel there would keep its own priority.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) > 0:
        await connection.execute("SET max_parallel_workers_per_gather = 0")
        wire = connection._transport.get_extra_info("socket")  # noqa: SLF001 - no other way to it
        gives_way(int(connection.get_server_pid()), wire)


def gives_way(number: int, wire: socket.socket) -> bool:
    """Give a process our priority, where it is the one at the other end of ``wire``."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(OSError):  # it is gone, of another user, or this is no Linux
        if _serves(number, wire) and os.getpriority(os.PRIO_PROCESS, number) < ours:
            os.setpriority(os.PRIO_PROCESS, number, ours)
            return True
    return False


def _serves(number: int, wire: socket.socket) -> bool:
    if wire.family == socket.AF_UNIX:
        peer = wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        listener, _, _ = _PEER.unpack(peer)
        status = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
        return re.search(rf"^PPid:\t{listener}$", status, re.MULTILINE) is not None
    host, port, *_ = wire.getsockname()
    title = Path(f"/proc/{number}/cmdline").read_text(encoding="utf-8", errors="replace")
    return title.startswith("postgres: ") and f" {host}({port}) " in title
