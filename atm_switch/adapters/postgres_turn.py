"""The server's process for a connection gives way as this process does, where both are here.

Plan: a command that takes minutes lowers its own priority (``process_hygiene.give_way``), but
on PostgreSQL the server does the work.  Where the server runs on this machine, and we may, its
process for this connection is given our priority; so is the autogroup it has to itself
(sched(7)), for between sessions the kernel goes by that alone.
Limits: Linux, for it reads ``/proc``; a service with a CPU weight of its own is shared out by
that.  A number that came from behind a pooler, from a container or from another machine is
that of anybody here: the process must be a child of the one that listens on the socket file,
or name itself by our port as PostgreSQL does (``update_process_title``).
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


def turn_settings() -> dict[str, str]:
    """Return what a session is given where this process gives way: no helpers beside it.

    They would keep their own priority.
    """
    return {"max_parallel_workers_per_gather": "0"} if _ours() > 0 else {}


def have_server_give_way(connection: Any) -> bool:
    """Give the server's process for an asyncpg ``connection`` our priority, where ours is lower.

    Tells whether it has.
    """
    transport = getattr(connection, "_transport", None)
    wire = None if transport is None else transport.get_extra_info("socket")
    return wire is not None and gives_way(int(connection.get_server_pid()), wire)


def gives_way(number: int, wire: socket.socket) -> bool:
    """Give a process our priority, where it is the one at the other end of ``wire``."""
    ours = _ours()
    with suppress(OSError):  # it is gone, of another user, or this is no Linux
        if _serves(number, wire) and os.getpriority(os.PRIO_PROCESS, number) < ours:
            os.setpriority(os.PRIO_PROCESS, number, ours)
            if os.getsid(number) == number:
                with suppress(OSError):  # a kernel without them
                    Path(f"/proc/{number}/autogroup").write_text(str(ours), encoding="ascii")
            return True
    return False


def _ours() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def _serves(number: int, wire: socket.socket) -> bool:
    if not hasattr(socket, "SO_PEERCRED"):
        return False
    if wire.family == socket.AF_UNIX:
        peer = wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        listener, _, _ = _PEER.unpack(peer)  # 0 where it is none of this namespace
        status = Path(f"/proc/{number}/status").read_text(encoding="ascii", errors="replace")
        is_child = re.search(rf"^PPid:\t{listener}$", status, re.MULTILINE) is not None
        return listener > 0 and is_child
    host, port, *_ = wire.getsockname()
    title = Path(f"/proc/{number}/cmdline").read_text(encoding="utf-8", errors="replace")
    return title.startswith("postgres: ") and f" {host}({port}) " in title
